"""Detection and measurement against source-extractor, on one core, in one run.

    PYTHONPATH=workflow python benchmarks/sources.py [pixels a side, 2800 by default]

Both get the same simulated image (stars in 2″ seeing, 17 detections per arcmin²) and KS4's
settings. CPU seconds are user + system: of the whole process for source-extractor (Debian package
`source-extractor`) and for a fresh Python that measures the image, and of the call alone, numba's
kernels compiled and cached. The comparison of results is the tests' (tests/sources).
"""

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from astropy.io import fits

from skymill.config import read_yaml
from skymill.paths import CONFIG
from skymill.schema import convert, load_schema

SCALE, FWHM, GAIN, SIGMA = 0.4, 5.0, 5.0, 20.0
DENSITY = 30
"""Stars per arcmin², of which half are bright enough to be detected."""

ONCE = """
import sys, numpy, pickle
from skymill.sources.measure import measure
image, settings = pickle.load(open(sys.argv[1], "rb"))
variance, mask = numpy.full_like(image, {noise}), numpy.zeros(image.shape, numpy.uint8)
measure(image, variance, mask, settings, {scale}, {gain}, 1e9)
"""


def simulate(side: int) -> np.ndarray:
    """An image of stars with noise, float32."""
    rng = np.random.default_rng(1)
    count = int(DENSITY * (side * SCALE / 60) ** 2)
    image = np.zeros((side, side))
    offsets = np.arange(-20, 21)
    alpha2 = (FWHM / 2) ** 2 / (2 ** (1 / 3) - 1)
    for x, y, flux in zip(
        *rng.uniform(30, side - 30, (2, count)),
        10 ** (3 + rng.exponential(0.6, count)),
        strict=True,
    ):
        j, i = round(y) + offsets, round(x) + offsets
        r2 = (j[:, None] - y) ** 2 + (i - x) ** 2
        image[j[0] : j[-1] + 1, i[0] : i[-1] + 1] += (
            2 * flux / (np.pi * alpha2) * (1 + r2 / alpha2) ** -3
        )
    noise = np.sqrt(SIGMA**2 + image / GAIN)
    return (image + noise * rng.normal(size=image.shape)).astype(np.float32)


def process_seconds(command: list[str], folder: str) -> float:
    """CPU seconds of a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def source_extractor(image: np.ndarray, folder: str) -> tuple[float, int]:
    """CPU seconds and number of detections."""
    shared = Path("/usr/share/source-extractor")
    fits.writeto(f"{folder}/image.fits", image, overwrite=True)
    columns = (
        "XWIN_IMAGE YWIN_IMAGE FLUX_AUTO FLUXERR_AUTO FLUX_APER(3) FLUXERR_APER(3) FWHM_IMAGE "
        "FLUX_RADIUS KRON_RADIUS FLUX_MAX A_IMAGE B_IMAGE THETA_IMAGE CLASS_STAR FLAGS "
        "BACKGROUND ISOAREA_IMAGE ERRX2WIN_IMAGE"
    )
    Path(folder, "columns").write_text(columns.replace(" ", "\n"))
    options = (
        "-DETECT_THRESH 1.5 -ANALYSIS_THRESH 1.5 -DETECT_MINAREA 9 -DEBLEND_MINCONT 5e-5 "
        f"-BACK_SIZE 256 -PHOT_APERTURES 7.5,12.5,25 -GAIN {GAIN} -SATUR_LEVEL 1e9 "
        f"-PIXEL_SCALE {SCALE} -SEEING_FWHM 2 -CATALOG_TYPE FITS_1.0 -CATALOG_NAME out.fits "
        f"-FILTER_NAME {shared}/default.conv -STARNNW_NAME {shared}/default.nnw "
        "-PARAMETERS_NAME columns -VERBOSE_TYPE QUIET"
    ).split()
    command = ["source-extractor", "image.fits", "-c", f"{shared}/default.sex", *options]
    seconds = process_seconds(command, folder)
    return seconds, len(fits.getdata(f"{folder}/out.fits"))


def main() -> None:
    """Print CPU seconds and ratios."""
    import pickle

    from skymill.sources.measure import measure

    side = int(sys.argv[1]) if len(sys.argv) > 1 else 2800
    settings = convert(
        read_yaml(CONFIG / "config.yaml")["sources"]["extraction"], load_schema("extraction")
    )
    image = simulate(side)
    variance, mask = np.full_like(image, SIGMA**2), np.zeros(image.shape, np.uint8)
    measure(image[:500, :500], variance[:500, :500], mask[:500, :500], settings, SCALE, GAIN, 1e9)
    start = time.process_time()
    table = measure(image, variance, mask, settings, SCALE, GAIN, 1e9)
    call = time.process_time() - start
    print(f"measure, the call: {call:.2f} CPU s, {len(table)} detections, {side}² pixels")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "input").write_bytes(pickle.dumps((image, settings)))
        code = ONCE.format(noise=SIGMA**2, scale=SCALE, gain=GAIN)
        whole = process_seconds([sys.executable, "-c", code, f"{folder}/input"], str(Path.cwd()))
        print(f"measure, the process: {whole:.2f} CPU s")
        if shutil.which("source-extractor") is None:
            print("source-extractor: absent (Debian package source-extractor)")
            return
        seconds, found = source_extractor(image, folder)
    print(f"source-extractor, the process: {seconds:.2f} CPU s, {found} detections")
    print(f"ratio: call {call / seconds:.2f}, process {whole / seconds:.2f}")


if __name__ == "__main__":
    main()
