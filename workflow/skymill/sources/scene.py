"""A window of an image as it is measured: background and modelled light out, gaps bridged."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numba import njit

from .background import SOURCE_EXTRACTOR, Mesh
from .interpolate import EMPTY, GOOD, HUGE, MASKED, copy_pixels, interpolate_rows
from .light_model import COLUMNS, LightModel
from .planes import Planes, Window


@dataclass(frozen=True)
class Scene:
    """A window of an image, ready to be measured; arrays have one shape (ny, nx).

    Attributes
    ----------
    data : ndarray of float32
        Background-subtracted, masked pixels bridged along rows, 0 where there is no data.
    net : ndarray of float32
        The same without the modelled light of the sources; without a model the same array.
    variance : ndarray of float32
        Scaled so that it agrees with the measured rms of the background.
    mask : ndarray of uint8
        Bits of `skymill.bits.MaskBit`.
    state : ndarray of uint8
        `skymill.sources.interpolate`.
    background : ndarray of float32
        What was subtracted.
    window : (slice, slice)
        Rows and columns of the image.
    model : LightModel or None
    """

    data: np.ndarray
    net: np.ndarray
    variance: np.ndarray
    mask: np.ndarray
    state: np.ndarray
    background: np.ndarray
    window: Window
    model: LightModel | None

    def own(self, segmentation: np.ndarray, idents: np.ndarray) -> np.ndarray:
        """What the model says of each source's own light."""
        if self.model is None:
            return np.zeros((idents.size, COLUMNS))
        return self.model.owned(segmentation, idents, self.window)


def load_scene(
    planes: Planes,
    mesh: Mesh | None,
    window: Window,
    settings: Mapping,
    model: LightModel | None = None,
) -> Scene:
    """Read a window, take out background and modelled light, bridge masked pixels.

    Without a mesh there is no data.
    """
    net, variance, mask = planes.read(window)
    background = mesh.at(window) if mesh else np.zeros_like(net)
    light = model.within(window) if model else None
    with np.errstate(over="ignore"):  # of a variance far from the truth: then all is empty
        scale = np.float32(mesh.noise_scale**2 if mesh else 0)
    state = np.empty(net.shape, np.uint8)
    _subtract(net, variance, mask, background, scale, state)
    if light is not None:
        net -= light
    bridge = copy_pixels if settings["definitions"] == SOURCE_EXTRACTOR else interpolate_rows
    bridge(net, variance, state, int(settings["interpolate_lag"]))
    data = net
    if light is not None:
        data = np.add(net, light, out=light)
        data[state == EMPTY] = 0
    return Scene(data, net, variance, mask, state, background, window, model)


@njit(cache=True)
def _subtract(
    image: np.ndarray,
    variance: np.ndarray,
    mask: np.ndarray,
    background: np.ndarray,
    scale: np.float32,
    state: np.ndarray,
) -> None:
    """Take the background out of an image, scale its variance, note its pixels' state; in place.
    All pixels of a variance without scale are empty.
    """
    ny, nx = image.shape
    for j in range(ny):
        for i in range(nx):
            own = variance[j, i] * scale
            if not (abs(image[j, i]) < HUGE and 0 < own < np.inf):
                state[j, i] = EMPTY
            else:
                state[j, i] = MASKED if mask[j, i] else GOOD
            image[j, i] -= background[j, i]
            variance[j, i] = own
