"""Read the truth of a simulated release. Nothing but this room and the tests reads it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..camera import Camera
from ..config import load_rows
from ..errors import DataError, InputError
from ..io.json import read_json
from ..io.parquet import read_table
from ..simulate.detector import field_corner
from ..simulate.proper_motion import at_epoch, epoch_of
from .calibration_noise import CalibrationFrames, calibration_frames
from .exposure import TrueAmplifier, TrueChip, TrueExposure


@dataclass(frozen=True)
class Truth:
    """All that is true of a survey.

    Attributes
    ----------
    sources : dict of str to ndarray
        The columns of ``truth_sources``.
    exposures : list of TrueExposure
        In the exposure table's order.
    tiles : dict of str to (ra, dec)
        Centres, degrees.
    side : float
        Of a tile in the tangent plane, arcsec.
    bands : tuple of str
    detection_band : str
        In which idual_master's sources are detected.
    combine : str
        How frames are stacked: mean or median.
    """

    sources: Mapping[str, np.ndarray]
    exposures: list[TrueExposure]
    tiles: Mapping[str, tuple[float, float]]
    side: float
    bands: tuple[str, ...]
    detection_band: str
    combine: str

    def good(self, tile: str = "", band: str = "") -> list[TrueExposure]:
        """Exposures that must be used, of a tile and band (all by default)."""
        return [
            e for e in self.exposures
            if e.good and tile in ("", e.tile) and band in ("", e.band)
        ]  # fmt: skip

    def position(self, mjd: float) -> tuple[np.ndarray, np.ndarray]:
        """Where all sources stand at a time, degrees; asteroids where they are at rest."""
        return at_epoch(
            *(self.sources[name] for name in ("ra", "dec", "pmra", "pmdec")), epoch_of(mjd)
        )

    def mean_mjd(self) -> float:
        """The mean epoch of the exposures used."""
        return float(np.mean([e.mjd for e in self.good()]))

    def moving(self) -> np.ndarray:
        """Which sources move: asteroids."""
        return self.sources["kind"] == "asteroid"

    def magnitude(self, band: str) -> np.ndarray:
        """Mean magnitudes in the reference system."""
        return self.sources[f"mag_{band.lower()}"]


def read_truth(settings: Mapping, camera: Camera, tiles: list, exposures: list, folder: Path):
    """Read a release's truth.

    Parameters
    ----------
    settings : mapping
        The configuration.
    camera : Camera
    tiles, exposures : list of dict
        The survey's tables.
    folder : Path
        ``data/<release>/truth``.

    Returns
    -------
    Truth

    Raises
    ------
    DataError
        If the release isn't simulated.
    InputError
        If a file of the truth is missing.
    """
    if "simulate" not in settings:
        raise DataError(
            f"release '{settings['release']['name']}': made from real frames (no section "
            "'simulate' in its configuration), so there is no truth to check it against; "
            "its quality report compares it with reference catalogues."
        )
    path = folder / "sources.parquet"
    if not path.is_file():
        raise InputError(
            f"{path}: expected the truth of a simulated release, got no such file; "
            "build the release with: snakemake --cores all"
        )
    table = read_table(path)
    sources = {name: np.asarray(table[name]) for name in table.colnames}
    sources = {n: v.astype(str) if v.dtype == object else v for n, v in sources.items()}
    level = settings["simulate"]["detector"]["flat_level"]
    rows = load_rows(settings["tables"]["calibrations"], "calibrations_table")
    found = []
    for row in exposures:
        own = calibration_frames(rows, row["site"], row["run"], row["band"], level)
        found.append(read_exposure(folder / "exposures", row["exposure"], camera, settings, own))
    return Truth(
        sources=sources,
        exposures=found,
        tiles={row["tile"]: (row["ra"], row["dec"]) for row in tiles},
        side=settings["tiles"]["size"] * settings["tiles"]["pixel_scale"],
        bands=tuple(settings["bands"]),
        detection_band=settings["sources"]["detection_band"],
        combine=settings["tiles"]["combine"],
    )


def read_exposure(
    folder: Path, name: str, camera: Camera, settings: Mapping, masters: CalibrationFrames
) -> TrueExposure:
    """Read one exposure's truth and its artefacts."""
    truth = read_json(folder / f"{name}.json")
    table = read_table(folder / f"{name}.artefacts.parquet")
    detector, on = settings["simulate"]["detector"], settings["simulate"]["effects"]
    rate = detector["dark"] * on["dark"]
    fading = detector["vignetting"] * on["vignetting"] / field_corner(camera) ** 2
    chips = {}
    for chip in camera.chips:
        ports = _ports(camera, chip, truth["chips"][chip], masters, truth["exptime"], rate)
        artefacts = _artefacts(table, chip)
        chips[chip] = _chip(camera, chip, truth["chips"][chip], ports, artefacts, fading)
    return TrueExposure(
        **{key: truth[key] for key in ("tile", "band", "status", "mjd", "exptime", "color_term")},
        **{key: truth["pointing"][key] for key in ("ra", "dec")},
        name=truth["exposure"],
        seeing=truth["seeing"],
        beta=truth["moffat_beta"],
        sky=truth["sky"],
        dark=rate * truth["exptime"],
        pixel_scale=camera.pixel_scale,
        chips=chips,
    )


def _artefacts(table, chip: str) -> dict[str, np.ndarray]:
    mine = np.asarray(table["chip"], str) == chip
    kind = np.asarray(table["kind"], str)[mine]
    pixels = np.column_stack([np.asarray(table["x"])[mine], np.asarray(table["y"])[mine]])
    return {str(name): pixels[kind == name].astype(np.int64) for name in np.unique(kind)}


def _ports(
    camera: Camera,
    name: str,
    truth: Mapping,
    masters: CalibrationFrames,
    exptime: float,
    dark: float,
) -> tuple[TrueAmplifier, ...]:
    found = []
    for amplifier in camera.chips[name].amplifiers:
        port = truth["amplifiers"][amplifier.name]
        found.append(
            TrueAmplifier(
                columns=amplifier.columns,
                dead=port["dead"],
                read_noise=port["read_noise"],
                zero_point=port["zp_electrons"],
                slope=port["slope"],
                masters=masters.subtracted(exptime, port["read_noise"], dark),
                flat=masters.divided(port["gain"]),
            )
        )
    return tuple(found)


def _chip(
    camera: Camera,
    name: str,
    truth: Mapping,
    ports: tuple[TrueAmplifier, ...],
    artefacts: Mapping,
    fading: float,
) -> TrueChip:
    from astropy.wcs import WCS

    from ..io.fits import make_header

    chip = camera.chips[name]
    cards = [(key, value, "") for key, value in truth["wcs"].items()]
    axis = float(chip.wcs["CRPIX1"]) - 1, float(chip.wcs["CRPIX2"]) - 1
    return TrueChip(chip.shape, WCS(make_header(cards)), ports, axis, fading, artefacts)
