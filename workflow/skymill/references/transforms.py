"""From the magnitudes of reference catalogues to the reference system: B V R I in AB.

Offsets and colour terms, each with its source, lie in ``resources/references``. An error follows
its transform; NaN in any magnitude that a band needs is NaN in that band.
"""

from collections.abc import Mapping

import numpy as np

from .survey import Relation

Bands = dict[str, tuple[np.ndarray, np.ndarray]]
"""Band → (magnitude, error)."""


def to_reference(
    relations: Mapping[str, Relation],
    mag: Mapping[str, np.ndarray],
    error: Mapping[str, np.ndarray],
) -> Bands:
    """Magnitudes and errors in the reference system.

    Parameters
    ----------
    relations : mapping of str to Relation
        Band → how it is made from a survey's filters.
    mag, error : mapping of str to ndarray
        By filter; errors of different filters are independent.
    """
    return {band: _band(relation, mag, error) for band, relation in relations.items()}


def _band(
    relation: Relation, mag: Mapping[str, np.ndarray], error: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    value = mag[relation.filter] + relation.offset
    share = dict.fromkeys(relation.filters, 0.0)
    share[relation.filter] = 1.0
    if relation.color is not None:
        first, second = relation.color
        value = value + relation.term * (mag[first] - mag[second] - relation.pivot)
        share[first] += relation.term
        share[second] -= relation.term
    variance = sum((share[name] * error[name]) ** 2 for name in relation.filters)
    return value, np.sqrt(variance)
