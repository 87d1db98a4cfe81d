"""Random numbers that depend on identifiers alone: the same on any machine and in any order."""

import hashlib

import numpy as np


def generator(*identifiers: str | int) -> np.random.Generator:
    """A generator seeded from identifiers.

    Parameters
    ----------
    *identifiers : str or int
        What the numbers are for, such as ``("noise", seed, exposure, chip)``.

    Returns
    -------
    numpy.random.Generator
        PCG64, seeded with the SHA-256 of the identifiers.
    """
    text = "\0".join(str(identifier) for identifier in identifiers)
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")
    return np.random.Generator(np.random.PCG64(seed))
