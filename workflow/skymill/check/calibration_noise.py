"""The noise that masters bring into an exposure: they are means of a few calibration frames.

With five biases and three darks of the exposures' own length a third of the read-out's variance is
added to it; under a dark sky that is a tenth of all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class CalibrationFrames:
    """The calibration frames of an exposure's site, run and band.

    Attributes
    ----------
    biases, flats : int
        How many.
    dark_times : tuple of float
        Exposure times of the darks, s.
    flat_level : float
        Median of a flat, ADU.
    """

    biases: int
    flats: int
    dark_times: tuple[float, ...]
    flat_level: float

    def subtracted(self, exptime: float, read_noise: float, dark: float) -> float:
        """Variance that bias and dark leave in a pixel, e⁻².

        The master dark is Σ(dark − bias) ÷ Σ time, so that the bias goes out of an exposure as long
        as the darks.

        Parameters
        ----------
        exptime : float
            Of the exposure, s.
        read_noise : float
            e⁻.
        dark : float
            Dark current, e⁻/s.
        """
        total = sum(self.dark_times)
        share = exptime / total if total else 0.0
        bias = read_noise**2 / self.biases if self.biases else 0.0
        darks = len(self.dark_times) * read_noise**2 + dark * total
        return (1 - share * len(self.dark_times)) ** 2 * bias + share**2 * darks

    def divided(self, gain: float) -> float:
        """Relative variance of the flat's photons in an unvignetted pixel; gain in e⁻/ADU."""
        return 1 / (self.flats * self.flat_level * gain) if self.flats else 0.0


def calibration_frames(
    rows: Sequence[Mapping], site: str, run: str, band: str, flat_level: float
) -> CalibrationFrames:
    """Those of an exposure.

    Parameters
    ----------
    rows : sequence of mapping
        The survey's table of calibration frames: ``site``, ``run``, ``kind``, ``band``,
        ``exptime``.
    site, run, band : str
        The exposure's.
    flat_level : float
        ADU.
    """
    mine = [row for row in rows if (row["site"], row["run"]) == (site, run)]
    return CalibrationFrames(
        biases=sum(row["kind"] == "bias" for row in mine),
        flats=sum(row["kind"] == "flat" and row["band"] == band for row in mine),
        dark_times=tuple(row["exptime"] for row in mine if row["kind"] == "dark"),
        flat_level=flat_level,
    )
