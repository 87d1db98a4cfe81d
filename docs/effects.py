"""Draw what each step of the frames room does, before and after: docs/effects/<step>.png.

usage: python docs/effects.py [--config config/config.yaml]

From the raw frames, masters and reference cells of a finished release (make demo), with the room's
own steps. Each picture takes the exposure that passed, the chip and the place where its step has
most to do.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow"))

from skymill.bits import MaskBit  # noqa: E402
from skymill.camera import Camera  # noqa: E402
from skymill.config import load_camera, load_config, load_rows  # noqa: E402
from skymill.frames import calibration, pixels, tpv  # noqa: E402
from skymill.frames.assemble import assemble, chip_image  # noqa: E402
from skymill.frames.background import subtract_sky  # noqa: E402
from skymill.frames.chip_frame import ChipFrame, new_frame  # noqa: E402
from skymill.frames.color_term import with_colors  # noqa: E402
from skymill.frames.epoch import at_epoch  # noqa: E402
from skymill.frames.masters import read_masters, read_slopes  # noqa: E402
from skymill.frames.measured_chip import MeasuredChip, measure_chip  # noqa: E402
from skymill.frames.raw import RawFrame, pointing, read_raw  # noqa: E402
from skymill.frames.references import read_gaia, read_photometry  # noqa: E402
from skymill.frames.zero_point import middle_row  # noqa: E402
from skymill.geometry import cells_of_square, match  # noqa: E402
from skymill.io.json import read_json  # noqa: E402
from skymill.references.coverage import exposure_margin  # noqa: E402
from skymill.release.style import GREY, INK, drawing  # noqa: E402
from skymill.tree import Tree  # noqa: E402

FOLDER = ROOT / "docs" / "effects"
MASKS = {
    "mark_saturation": MaskBit.SATURATED,
    "mark_defects": MaskBit.DEFECT,
    "mark_amplifiers": MaskBit.AMPLIFIER,
    "mark_bleed": MaskBit.BLEED,
    "mark_victims": MaskBit.CROSSTALK,
    "mark_cosmic_rays": MaskBit.CROSSTALK,
    "mark_trails": MaskBit.TRAIL,
}
"""Steps that set a bit."""
WHOLE = {"overscan", "subtract_bias", "subtract_dark", "divide_flat", "mark_amplifiers", "sky"}
"""Effects that show on a whole chip; the others on `SIDE` pixels."""
SIDE = 160
BLOCK = 16
"""Pixels a side whose median is one in the picture of a whole chip: sources vanish."""
FLAGGED = np.array([0.84, 0.37, 0.0])
PIXELS = ("overscan", *(step.__name__ for step in pixels.STEPS))


class Field:
    """One exposure with all that its steps need."""

    def __init__(self, settings: Mapping, camera: Camera, row: Mapping) -> None:
        self.settings, self.camera, self.row = settings, camera, row
        self.tree = Tree.of(settings)

    def passed(self) -> bool:
        verdict = Path(self.tree.frame(self.row["exposure"], "json"))
        return read_json(verdict)["verdict"] == "pass"

    def raw(self) -> RawFrame:
        return read_raw(Path(self.tree.raw(self.row["path"])), self.camera)

    def calib(self, name: str) -> Path:
        return Path(self.tree.calib(self.row["site"], self.row["run"], name))

    def references(self, catalogue: str) -> list[Path]:
        """The cells that the workflow hands over."""
        rows = load_rows(self.settings["tables"]["tiles"], "tiles_table")
        tile = next(row for row in rows if row["tile"] == self.row["tile"])
        side = self.settings["tiles"]["size"] * self.settings["tiles"]["pixel_scale"] / 3600
        order = self.settings["references"]["cell_order"]
        margin = exposure_margin(self.settings["frames"])
        cells = cells_of_square(tile["ra"], tile["dec"], side + margin, order)
        return [Path(self.tree.reference(catalogue, cell)) for cell in cells]

    def steps(self) -> Iterator[tuple[str, ChipFrame, np.ndarray, np.ndarray]]:
        """After each step of each chip: its name, the chip, pixels and bits as they were before."""
        kinds = ("bias", "dark", "defects")
        paths = {kind: self.calib(f"{kind}.fits") for kind in kinds}
        paths["flat"] = self.calib(f"flat_{self.row['band']}.fits")
        paths["crosstalk"] = self.calib("crosstalk.json")
        masters = read_masters(paths, self.camera, self.row["site"])
        slopes = read_slopes(self.calib("slopes.json"))
        settings = pixels.settings_of(self.settings)
        raw = self.raw()
        for name, chip in self.camera.chips.items():
            arrays = raw.chips[name]
            data = chip_image(chip, arrays, self.camera, settings["overscan"])
            frame = new_frame(chip, self.camera, self.row["exptime"], data, slopes)
            bare = [array[: data.shape[0], self.camera.prescan :] for array in arrays]
            bare = [a[:, : a.shape[1] - self.camera.overscan].astype(np.float32) for a in bare]
            yield "overscan", frame, assemble(chip, bare), frame.bits
            for step in pixels.STEPS:
                before = frame.data.copy(), frame.bits.copy()
                step(frame, masters[name], settings)
                yield step.__name__, frame, *before

    def measured(self) -> dict[str, MeasuredChip]:
        """The chips as `frames calibrate` measures them."""
        frames = self.settings["frames"]
        last, found = PIXELS[-1], {}
        for name, frame, _, _ in self.steps():
            if name == last:
                cards = {card[0]: card[1] for card in pixels.chip_cards(frame)}
                where = frame.chip.amplifiers, frames["background"]
                sky = subtract_sky(frame.data, frame.bits, *where)
                how = frames["detection"], self.camera.pixel_scale
                chip = measure_chip(frame.chip, sky, frame.bits, cards, *how)
                found[frame.chip.name] = (frame.data, chip)
        return found


def main() -> int:
    """Draw every picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=Path, default=ROOT / "config" / "config.yaml")
    settings = load_config(parser.parse_args().config)
    camera = load_camera(settings["camera"])
    rows = load_rows(settings["tables"]["exposures"], "exposures")
    fields = [Field(settings, camera, row) for row in rows]
    fields = [field for field in fields if field.passed()]
    FOLDER.mkdir(exist_ok=True)
    best: dict[str, tuple[float, tuple[np.ndarray, ...]]] = {}
    for field in fields:
        find_best(field, best)
    for name in PIXELS:
        if name in best:
            draw_pair(name, *best[name][1])
        else:
            print(f"nothing to show of {name}", file=sys.stderr)
    draw_calibration(fields[0])
    return int(len(best) < len(PIXELS))


def find_best(field: Field, best: dict[str, tuple[float, tuple[np.ndarray, ...]]]) -> None:
    """Look through an exposure for chips whose steps changed more pixels than any before.

    `best` holds, for each step, how many pixels, and the pictures: before, after, what is flagged.
    """
    for name, frame, before, bits in field.steps():
        if name in MASKS:
            # Amplifiers that were found dead are in the defects' master: marked a step earlier.
            known = bits if name != "mark_amplifiers" else np.zeros_like(bits)
            new = (frame.bits & ~known & np.uint8(MASKS[name])) != 0
            panels = (frame.data, frame.data, new)
        else:
            new = np.nan_to_num(np.abs(frame.data - before))
            panels = (before, frame.data, np.zeros(before.shape, bool))
        amount = float(new.sum())
        if amount > best.get(name, (0.0,))[0]:
            window = None if name in WHOLE else busiest(new.astype(np.float32))
            best[name] = (amount, tuple(cut(panel, window) for panel in panels))


def busiest(weight: np.ndarray) -> tuple[slice, slice]:
    """The window of `SIDE` pixels a side around the heaviest block of pixels."""
    ny, nx = (n // BLOCK * BLOCK for n in weight.shape)
    blocks = weight[:ny, :nx].reshape(ny // BLOCK, BLOCK, nx // BLOCK, BLOCK).sum(axis=(1, 3))
    place = np.unravel_index(np.argmax(blocks), blocks.shape)
    corners = [
        int(np.clip(p * BLOCK + BLOCK // 2 - SIDE // 2, 0, n - SIDE))
        for p, n in zip(place, weight.shape, strict=True)
    ]
    return tuple(slice(corner, corner + SIDE) for corner in corners)


def cut(plane: np.ndarray, window: tuple[slice, slice] | None) -> np.ndarray:
    """A window, or the whole chip by medians of blocks (of masks: whether any is set)."""
    if window is not None:
        return plane[window].copy()
    ny, nx = (n // BLOCK * BLOCK for n in plane.shape)
    blocks = plane[:ny, :nx].reshape(ny // BLOCK, BLOCK, nx // BLOCK, BLOCK)
    return blocks.any(axis=(1, 3)) if plane.dtype == bool else np.median(blocks, axis=(1, 3))


def draw_pair(name: str, before: np.ndarray, after: np.ndarray, flagged: np.ndarray) -> None:
    """Before, after and what was taken out; or before, and what is flagged.

    Each picture has a stretch of its own.
    """
    panels = [("before", before)]
    panels += [("flagged", after)] if name in MASKS else [("after", after), ("", before - after)]
    with drawing(3.2 * len(panels), 3.4, 1, len(panels)) as (figure, axes):
        for panel, (title, plane) in zip(axes[0], panels, strict=True):
            shown = grey(plane, *((4, 4) if name in WHOLE or not title else (3, 12)))
            if title == "flagged":
                shown[flagged] = FLAGGED
            panel.imshow(shown, origin="lower", interpolation="nearest")
            panel.set_title(title or "taken out")
            panel.set_axis_off()
        save(figure, name)


def grey(plane: np.ndarray, low: float, high: float) -> np.ndarray:
    """RGB of a plane, so many robust σ below and above its median; no value is black."""
    known = plane[np.isfinite(plane)]
    middle = float(np.median(known))
    sigma = max(1.4826 * float(np.median(np.abs(known - middle))), 1e-3)
    span = (low + high) * sigma
    level = np.clip((np.nan_to_num(plane, nan=-np.inf) - middle + low * sigma) / span, 0, 1)
    return np.repeat(np.sqrt(level)[..., None], 3, axis=2)


def draw_calibration(field: Field) -> None:
    """Sky, astrometry and zero points of one exposure."""
    settings, camera, row = field.settings["frames"], field.camera, field.row
    measured = field.measured()
    name = next(iter(measured))
    before, chip = measured[name]
    nothing = np.zeros([n // BLOCK for n in before.shape], bool)
    draw_pair("sky", cut(before, None), cut(chip.sky.image, None), nothing)
    chips = {name: chip for name, (_, chip) in measured.items()}
    catalogue = settings["photometry"]["reference"][row["band"]]
    gaia = read_gaia(field.references("gaia"))
    photometry = read_photometry(field.references(catalogue), row["band"])
    photometry = with_colors(photometry, None, settings["photometry"]["match_radius"])
    ra, dec = pointing(field.raw().header)
    exposure = {"mjd": row["mjd"], "ra": ra, "dec": dec}
    priors = {name: camera.prior(row["site"], name) for name in chips}
    result = calibration.calibrate(
        chips, priors, gaia, photometry, exposure, settings, camera.pixel_scale
    )
    draw_astrometry(chips, priors, result, gaia, exposure, settings, camera.pixel_scale)
    draw_zero_points(chips, result, photometry, settings)


def draw_astrometry(chips, priors, result, gaia, exposure, settings, pixel_scale) -> None:
    """Offsets from Gaia by the prior about the header's pointing, and by the solution."""
    with drawing(6.4, 3.5, 1, 2) as (figure, axes):
        for panel, title in zip(axes[0], ("prior and header", "solution"), strict=True):
            every = []
            for name, chip in chips.items():
                solution = result.astrometry.chips[name]
                stars, _ = calibration.astrometric_stars(chip, settings["astrometry"], pixel_scale)
                rows = solution.first
                cards = solution.cards
                if title.startswith("prior"):
                    cards = priors[name] | {"CRVAL1": exposure["ra"], "CRVAL2": exposure["dec"]}
                found = tpv.sky_of_pixels(cards, stars.x[rows], stars.y[rows])
                known = tpv.sky_of_pixels(solution.cards, stars.x[rows], stars.y[rows])
                true = at_epoch(
                    *(np.asarray(gaia[key]) for key in ("ra", "dec", "pmra", "pmdec", "ref_epoch")),
                    exposure["mjd"],
                )
                first, second, _ = match(*known, *true, settings["astrometry"]["match_radius"])
                at = np.radians(true[1][second])
                east = ((found[0][first] - true[0][second] + 180) % 360 - 180) * np.cos(at) * 3600
                every.append(np.column_stack([east, (found[1][first] - true[1][second]) * 3600]))
            offsets = np.concatenate(every)
            panel.plot(*offsets.T, ".", ms=1.6, color=INK, alpha=0.5)
            rms = np.std(offsets, axis=0).mean()
            panel.set_title(f"{title}: scatter {rms:.3f}″")
            panel.set_xlabel("Δra cos dec (″)")
            panel.set_aspect("equal", "datalim")
            panel.grid()
        axes[0, 0].set_ylabel("Δdec (″)")
        save(figure, "astrometry")


def draw_zero_points(chips, result, photometry, settings) -> None:
    """Calibrators of a chip along y, amplifier by amplifier, before and after its lines."""
    name = next(iter(chips))
    chip, points = chips[name], result.zero_points[name]
    table = chip.sources
    x, y = np.asarray(table["x"]), np.asarray(table["y"])
    sky = tpv.sky_of_pixels(result.astrometry.chips[name].cards, x, y)
    usable = chip.clean & (chip.snr > 50)
    reference = np.asarray(photometry["ra"]), np.asarray(photometry["dec"])
    rows = np.flatnonzero(usable)
    radius = settings["photometry"]["match_radius"]
    first, second, _ = match(sky[0][rows], sky[1][rows], *reference, radius)
    rows = rows[first]
    flux = np.asarray(table["flux_auto"])[rows]
    difference = np.asarray(photometry["mag"])[second] + 2.5 * np.log10(flux)
    reader = chip.amplifier_of(x[rows], y[rows])
    good = [point.zp for point in points if not point.bad]
    usual = float(np.median(good))
    with drawing(6.4, 3.2, 1, 2, sharey=True) as (figure, axes):
        for panel, title in zip(
            axes[0], ("before: one zero point", "after: a line each"), strict=True
        ):
            for amplifier, point in zip(chip.chip.amplifiers, points, strict=True):
                mine = reader == amplifier.index
                line = usual
                if title.startswith("after"):
                    line = point.zp + point.slope * (y[rows][mine] - middle_row(amplifier.rows))
                shift = x[rows][mine]
                panel.plot(shift, difference[mine] - line, ".", ms=2.4)
                panel.axvline(amplifier.columns.start, color=GREY, lw=0.5, ls=":")
            panel.set_title(title)
            panel.set_xlabel("x (pixels)")
            panel.set_ylim(-0.35, 0.35)
            panel.grid(axis="y")
        axes[0, 0].set_ylabel("reference − measured (mag)")
        save(figure, "zero_points")


def save(figure, name: str) -> None:
    """Write a picture without any metadata."""
    path = FOLDER / f"{name}.png"
    figure.savefig(path, format="png", dpi=100, metadata={"Software": None})
    print(path.relative_to(ROOT), flush=True)


if __name__ == "__main__":
    sys.exit(main())
