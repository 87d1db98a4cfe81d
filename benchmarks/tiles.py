"""CPU time of a stack against SWarp's, on the same frames in the same run.

    PYTHONPATH=workflow python benchmarks/tiles.py [--size 1400] [--frames 4]

Each tool reads the frames from disk, resamples with Lanczos-3, takes the median and writes the
stack and its variance or weight. CPU is user + system time of the whole process, the second of two
runs: the first compiles the kernels and warms the disk cache.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import yaml
from astropy.io import fits

from skymill.config import load_camera
from skymill.geometry import tile_cards
from skymill.io.fits import make_header
from skymill.paths import CONFIG
from skymill.tiles.stack import PLANES

TILE, BAND, RA, DEC = "0000.000-30", "R", 359.87, -30.0


def write_frames(folder: Path, chip: str, number: int, random: np.random.Generator) -> list[str]:
    """Frames of one chip of the mini camera, dithered about the tile's centre; their names."""
    prior = load_camera(CONFIG / "cameras" / "mini.yaml").chips[chip]
    names = []
    for n in range(number):
        cards = dict(prior.wcs) | {"CRVAL1": RA - 0.06 + 0.01 * n, "CRVAL2": DEC - 0.06 + 0.008 * n}
        for key in ("SLOPE", "RMS", "GAIN"):
            cards |= {
                f"{key}{k}": {"SLOPE": 0.0, "RMS": 10.0, "GAIN": 2.0}[key] for k in range(1, 9)
            }
        cards |= {"SATURATE": 4e4, "BADAMP": "0" * 8}
        header = make_header([(key, value, "") for key, value in cards.items()])
        image = random.normal(0, 10, prior.shape).astype(np.float32)
        bits = np.where(random.random(prior.shape) < 0.003, 4, 0).astype(np.uint8)
        name = f"e{n:02d}"
        primary = fits.PrimaryHDU(header=make_header([("EXPOSURE", name, "")]))
        for suffix, data in (("fits", image), ("mask.fits", bits)):
            hdus = fits.HDUList([primary, fits.ImageHDU(data, header, name=chip)])
            hdus.writeto(folder / f"{name}.{suffix}")
        facts = {"exposure": name, "tile": TILE, "band": BAND, "verdict": "pass"}
        facts |= {"mjd": 6e4 + n, "exptime": 120.0, "fwhm": 2.0}
        (folder / f"{name}.json").write_text(json.dumps(facts))
        fits.writeto(folder / f"{name}.swarp.fits", image, header)
        weight = np.where(bits > 0, 0, 0.01).astype(np.float32)
        fits.writeto(folder / f"{name}.swarp.weight.fits", weight, header)
        names.append(name)
    return names


def ours(folder: Path, names: list[str]) -> list[str]:
    """The command line of our own stack."""
    command = [sys.executable, "-m", "skymill", "tiles", "combine"]
    command += ["--config", str(folder / "config.yaml"), "--tile", TILE, "--band", BAND]
    for option, suffix in (("images", "fits"), ("masks", "mask.fits"), ("verdicts", "json")):
        command += [f"--{option}", *(f"{name}.{suffix}" for name in names)]
    for plane in PLANES:
        command += [f"--out-{plane}", f"{plane}.fits"]
    return command


def swarp(names: list[str], size: int) -> list[str]:
    """The command line of SWarp's stack."""
    options = {
        "IMAGEOUT_NAME": "coadd.fits",
        "WEIGHTOUT_NAME": "coadd.weight.fits",
        "WEIGHT_TYPE": "MAP_WEIGHT",
        "RESAMPLING_TYPE": "LANCZOS3",
        "COMBINE_TYPE": "MEDIAN",
        "SUBTRACT_BACK": "N",
        "FSCALASTRO_TYPE": "VARIABLE",
        "CENTER_TYPE": "MANUAL",
        "CENTER": f"{RA},{DEC}",
        "PIXELSCALE_TYPE": "MANUAL",
        "PIXEL_SCALE": "0.4",
        "IMAGE_SIZE": f"{size},{size}",
        "WRITE_XML": "N",
        "VERBOSE_TYPE": "QUIET",
        "NTHREADS": "1",
    }
    words = [word for key, value in options.items() for word in (f"-{key}", value)]
    command = shutil.which("SWarp") or shutil.which("swarp")
    if command is None:
        raise SystemExit("SWarp is missing: install the Debian package swarp.")
    return [command, *(f"{name}.swarp.fits" for name in names), *words]


def cpu(command: list[str], folder: Path) -> float:
    """User + system time of a command's second run, s."""
    for _ in range(2):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Run both and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=1400, help="pixels a side of the tile")
    parser.add_argument("--frames", type=int, default=4, help="exposures of one chip")
    options = parser.parse_args()
    config = yaml.safe_load((CONFIG / "config.yaml").read_text())
    config["tiles"]["size"] = options.size
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config["tables"]["tiles"] = str(folder / "tiles.csv")
        config["camera"] = str(CONFIG / "cameras" / "mini.yaml")
        (folder / "tiles.csv").write_text(f"tile,ra,dec\n{TILE},{RA},{DEC}\n")
        (folder / "config.yaml").write_text(yaml.safe_dump(config))
        head = make_header(tile_cards(RA, DEC, options.size, 0.4)).tostring(sep="\n", endcard=False)
        (folder / "coadd.head").write_text(f"{head}\nEND\n")
        frames = write_frames(folder, "M", options.frames, np.random.default_rng(1))
        os.environ["PYTHONPATH"] = str(CONFIG.parent / "workflow")
        mine = cpu(ours(folder, frames), folder)
        start = cpu([sys.executable, "-m", "skymill", "tiles", "combine", "--help"], folder)
        theirs = cpu(swarp(frames, options.size), folder)
        covered = int((fits.getdata(folder / "nexp.fits") > 0).sum())
    print(f"{options.frames} frames of 1152² on {options.size}², {covered / 1e6:.2f} Mpix covered")
    print(f"skymill {mine:.2f} CPU s (bare start {start:.2f}), SWarp {theirs:.2f} CPU s")
    print(f"ratio {mine / theirs:.2f}; skymill writes six planes, SWarp two")


if __name__ == "__main__":
    main()
