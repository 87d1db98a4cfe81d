"""Detection: connected pixels above the local noise, deblended and cleaned (sep)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import DataError

LEAST_PIXSTACK = 1_000_000
LEAST_SUB_OBJECTS = 16_384


@dataclass(frozen=True)
class Isophotes:
    """What `detect` found in a scene, without its sky: a tenth of the memory.

    Attributes
    ----------
    objects : structured ndarray
        As of sep.extract.
    shape : (int, int)
        Of the scene.
    places : ndarray of unsigned integer, shape (n,)
        The pixels that belong to sources, row after row.
    owners : ndarray of int32, shape (n,)
        k + 1 where a pixel belongs to objects[k].
    """

    objects: np.ndarray
    shape: tuple[int, int]
    places: np.ndarray
    owners: np.ndarray

    @classmethod
    def of(cls, objects: np.ndarray, segmentation: np.ndarray) -> "Isophotes":
        """Keep what `detect` returned."""
        places = np.flatnonzero(segmentation)
        owners = segmentation.ravel()[places]
        places = places.astype(np.min_scalar_type(segmentation.size))
        return cls(objects, segmentation.shape, places, owners)

    def segmentation(self) -> np.ndarray:
        """The segmentation as `detect` returned it."""
        whole = np.zeros(self.shape, np.int32)
        whole.ravel()[self.places] = self.owners
        return whole


def detect(
    data: np.ndarray, variance: np.ndarray, empty: np.ndarray, settings: Mapping
) -> tuple[np.ndarray, np.ndarray]:
    """Find sources.

    Parameters
    ----------
    data : ndarray of float32
        Background-subtracted image, shape (ny, nx), 0 where there is no data (in an image's first
        row sep overlooks its mask).
    variance : ndarray of float32
        Noise of its pixels as measured (see `skymill.sources.background.Mesh.noise_scale`).
    empty : ndarray of bool
        Pixels without data.
    settings : Mapping
        ``threshold``, ``filter``, ``minarea``, ``deblend_nthresh``, ``deblend_mincont``,
        ``clean_param`` of `config/schemas/extraction.yaml`.

    Returns
    -------
    objects : structured ndarray
        As of sep.extract.
    segmentation : ndarray of int32
        k + 1 where a pixel belongs to objects[k], 0 on the sky.
    """
    kernel = np.array(settings["filter"], np.float32)

    def extract() -> tuple[np.ndarray, np.ndarray]:
        import sep

        return sep.extract(
            data,
            settings["threshold"],
            var=variance,
            mask=empty,
            minarea=int(settings["minarea"]),
            filter_kernel=kernel,
            filter_type="conv",
            deblend_nthresh=settings["deblend_nthresh"],
            deblend_cont=settings["deblend_mincont"],
            clean=True,
            clean_param=settings["clean_param"],
            segmentation_map=True,
        )

    return _with_room(extract, data.size)


def _with_room(extract: "object", pixels: int) -> tuple[np.ndarray, np.ndarray]:
    """Run sep with stacks that grow as long as it says that they are too small."""
    import sep

    stack = max(LEAST_PIXSTACK, pixels // 8)
    sub_objects = LEAST_SUB_OBJECTS
    while True:
        sep.set_extract_pixstack(stack)
        sep.set_sub_object_limit(sub_objects)
        try:
            return extract()
        except Exception as error:  # sep raises a plain Exception
            text = str(error)
            if "pixel buffer full" in text and stack < 2 * pixels:
                stack *= 4
            elif "deblending overflow" in text and sub_objects < 2**24:
                sub_objects *= 4
            else:
                raise DataError(f"detection failed: sep says {text!r}.") from error
