"""The whole step on a small camera: what was put into the pixels is found in the products."""

import json

import numpy as np
import pytest
import yaml
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS

from skymill.__main__ import main
from skymill.bits import MaskBit
from skymill.config import load_camera
from skymill.frames import tpv
from skymill.io.fits import Image, read_images, write_images
from skymill.io.parquet import read_table, table_schema, write_table
from skymill.paths import CONFIG

SIZE, AMPLIFIERS = 512, 4
MJD, EPOCH = 60938.2, 2025.7183
POINTING = (359.9996, -30.0)
ZP = {"A": (28.5, 28.53, 28.46, 28.55), "B": (28.48, 28.52, 28.5, 28.44)}
SLOPE = -1.5e-4
SKY, NOISE, GAIN = 150.0, 7.0, 1.8
FWHM = 5.0
FULL = np.uint8(MaskBit.SATURATED | MaskBit.BLEED)
"""What `frames pixels` marks a saturated pixel with."""


def camera_content():
    """Two chips side by side, with cubic distortion, four amplifiers each."""
    chips = {}
    for chip, crpix in (("A", [560.0, 256.0]), ("B", [-48.0, 256.0])):
        amplifier = {
            "gain": f"{GAIN} electron / adu",
            "read_noise": "7 electron",
            "saturation": "50000 adu",
        }
        chips[chip] = {
            "shape": [SIZE, SIZE],
            "flip": False,
            "bleed": 1,
            "wcs": {
                "crpix": crpix,
                "cd": [[-1.1111e-4, 2e-7], [-1e-7, 1.1111e-4]],
                "pv1": [0, 1, 0, 0, 0.03, -0.01, 0.02, -0.9, 0.1, -0.6, 0.1],
                "pv2": [0, 1, 0, 0, -0.02, 0.01, 0.01, -0.7, 0.1, -0.8, -0.1],
            },
            "amplifiers": [{"name": f"{chip}{n}", **amplifier} for n in range(1, AMPLIFIERS + 1)],
        }
    site = {"code": "x", "longitude": "0 deg", "latitude": "0 deg", "altitude": "0 m"}
    return {
        "name": "small",
        "pixel_scale": "0.4 arcsec",
        "prescan": 0,
        "overscan": 0,
        "mirrored_halves": False,
        "crosstalk_excluded": [],
        "chips": chips,
        "sites": {"HERE": {**site, "bad_amplifiers": []}},
    }


def true_cards(camera, chip):
    """The prior, turned by 0.03° and bent a little, about the true pointing."""
    prior = camera.prior("HERE", chip)
    angle = np.radians(0.03)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    values = tpv.moved(tpv.coefficients(prior), turn, np.zeros(2))
    values[0, 7] += 0.2
    values[1, 9] -= 0.3
    cards = tpv.with_coefficients(prior, values)
    return {**cards, "CRVAL1": POINTING[0], "CRVAL2": POINTING[1]}


def sky_stars(number=1500, seed=11):
    """Stars over the field: positions at EPOCH, V, colour and proper motion."""
    generator = np.random.default_rng(seed)
    xi, eta = generator.uniform(-0.09, 0.09, number), generator.uniform(-0.06, 0.06, number)
    ra, dec = tpv.sky_of_plane(xi, eta, *POINTING)
    return Table(
        {
            "source_id": np.arange(number),
            "ra": ra,
            "dec": dec,
            "mag": 14.0 + 5.5 * generator.power(2.0, number),
            "bp_rp": generator.uniform(0.5, 2.0, number),
            "pmra": generator.normal(0, 30, number),
            "pmdec": generator.normal(0, 30, number),
        }
    )


def draw(shape, x, y, flux, fwhm, trail=0.0):
    """Gaussian stars, drawn out along x by a trail (both in pixels)."""
    image = np.zeros(shape)
    sigma = fwhm / 2.3548
    steps = np.linspace(-trail / 2, trail / 2, max(1, int(trail)))
    half = int(4 * sigma + trail / 2) + 2
    for xs, ys, fs in zip(x, y, flux, strict=True):
        rows = slice(max(0, int(ys) - half), max(0, min(shape[0], int(ys) + half)))
        columns = slice(max(0, int(xs) - half), max(0, min(shape[1], int(xs) + half)))
        v = np.exp(-((np.arange(rows.start, rows.stop) - ys) ** 2) / (2 * sigma**2))
        u = np.arange(columns.start, columns.stop) - xs
        u = np.mean([np.exp(-((u - s) ** 2) / (2 * sigma**2)) for s in steps], axis=0)
        image[rows, columns] += fs * np.outer(v, u) / (2 * np.pi * sigma**2)
    return image


def pixels(camera, stars, chip, seed=0, fwhm=FWHM, trail=0.0):
    """A chip's image in ADU, with zero points, slopes, sky steps and noise in it."""
    x, y = tpv.pixels_of_sky(true_cards(camera, chip), stars["ra"], stars["dec"])
    on = (x > -15) & (x < SIZE + 15) & (y > -15) & (y < SIZE + 15)
    image = draw((SIZE, SIZE), x[on], y[on], 10 ** (-0.4 * (stars["mag"][on] - 28.5)), fwhm, trail)
    rows = np.arange(SIZE) - (SIZE - 1) / 2
    generator = np.random.default_rng([seed, ord(chip)])
    noise = generator.normal(0, NOISE, image.shape)
    noise += np.sqrt(image / GAIN) * generator.normal(0, 1, image.shape)
    for n, amplifier in enumerate(camera.chips[chip].amplifiers):
        response = 10 ** (0.4 * (ZP[chip][n] + SLOPE * rows - 28.5))
        image[:, amplifier.columns] *= response[:, None]
        image[:, amplifier.columns] += SKY + 3 * n
    return (image + noise).astype(np.float32)


class Survey:
    """A folder with everything that the command reads."""

    def __init__(self, folder, record):
        self.folder, self.record = folder, record
        (folder / "camera.yaml").write_text(yaml.safe_dump(camera_content()))
        self.camera = load_camera(folder / "camera.yaml")
        config = yaml.safe_load((CONFIG / "config.yaml").read_text())
        config["camera"] = str(folder / "camera.yaml")
        config["bands"] = ["V", "I"]
        config["frames"]["quality"]["sections"] = 4
        (folder / "config.yaml").write_text(yaml.safe_dump(config))
        self.stars = sky_stars()
        self._references()

    def _references(self):
        stars, generator = self.stars, np.random.default_rng(5)
        number = len(stars)
        years = EPOCH - 2016.0
        mas = 1 / 3.6e6
        gaia = {
            "source_id": stars["source_id"],
            "ra": (stars["ra"] - stars["pmra"] * years * mas / np.cos(np.radians(stars["dec"])))
            % 360,
            "dec": stars["dec"] - stars["pmdec"] * years * mas,
            "pmra": stars["pmra"],
            "pmdec": stars["pmdec"],
            "ra_error": np.full(number, 0.1),
            "dec_error": np.full(number, 0.1),
            "ref_epoch": np.full(number, 2016.0),
            "phot_g_mean_mag": stars["mag"] - 0.2 * stars["bp_rp"],
            "bp_rp": stars["bp_rp"],
        }
        write_table(
            self.folder / "gaia.parquet", Table(gaia), table_schema("reference_gaia"), self.record
        )
        bright = stars[stars["mag"] < 17.5]
        error = np.full(len(bright), 0.03)
        apass = {name: bright[name] for name in ("source_id", "ra", "dec")}
        apass |= {"mag_v": bright["mag"] + generator.normal(0, 0.03, len(bright))}
        apass |= {"magerr_v": error, "mag_i": np.nan * error, "magerr_i": np.nan * error}
        schema = table_schema("reference_apass", ("V", "I"))
        write_table(self.folder / "apass.parquet", Table(apass), schema, self.record)

    def write(self, name, images=None, masks=None, **cards):
        """Write an exposure as the pixel step would; without images a broken one."""
        ra, dec = tpv.sky_of_plane(80 / 3600, -60 / 3600, *POINTING)
        primary = {
            "EXPOSURE": name,
            "OBSERVAT": "HERE",
            "RUN": "1",
            "FILTER": "V",
            "TILE": "0000.000-30",
            "EXPTIME": 120.0,
            "MJD": MJD,
            "RA": float(ra),
            "DEC": float(dec),
            "STATUS": "ok",
            **cards,
        }
        head = Image(None, [(key, value, "") for key, value in primary.items()])
        chip_cards = [(f"GAIN{n}", GAIN, "") for n in range(1, AMPLIFIERS + 1)]
        chip_cards.append(("SATURATE", 47000.0, ""))
        images = images or {}
        masks = masks or {chip: np.zeros(data.shape, np.uint8) for chip, data in images.items()}
        frame = [head, *(Image(data, chip_cards, chip) for chip, data in images.items())]
        write_images(self.folder / f"{name}.pixels.fits", frame, self.record)
        bits = [head, *(Image(data, [], chip) for chip, data in masks.items())]
        write_images(self.folder / f"{name}.bits.fits", bits, self.record)

    def run(self, name, suffix="", chips=("",), more=()):
        """Run the command; its exit code. With chips' names, each has files of its own."""
        base = self.folder / f"{name}{suffix}"
        arguments = {
            "--config": self.folder / "config.yaml",
            "--exposure": name,
            "--image": self.folder / f"{name}.pixels.fits",
            "--mask": self.folder / f"{name}.bits.fits",
            "--astrometry": self.folder / "gaia.parquet",
            "--photometry": self.folder / "apass.parquet",
            "--out-catalogue": f"{base}.cat.parquet",
            "--out-verdict": f"{base}.json",
            "--receipt": f"{base}.receipt.json",
        }
        words = [str(word) for pair in arguments.items() for word in pair]
        words += ["--out-image", *(f"{base}{chip}.fits" for chip in chips)]
        words += ["--out-mask", *(f"{base}{chip}.mask.fits" for chip in chips)]
        return main(["frames", "calibrate", *words, *map(str, more)])

    def verdict(self, name):
        return json.loads((self.folder / f"{name}.json").read_text())


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    from skymill.io.provenance import recording

    with recording("test", {}, [], None) as record:
        return Survey(tmp_path_factory.mktemp("survey"), record)


@pytest.fixture(scope="module")
def good(survey):
    """A good exposure, calibrated."""
    images = {chip: pixels(survey.camera, survey.stars, chip) for chip in "AB"}
    survey.write("good", images)
    assert survey.run("good") == 0
    return survey


def test_a_good_exposure_passes(good):
    verdict = good.verdict("good")
    assert (verdict["verdict"], verdict["reasons"]) == ("pass", [])
    assert all(check["pass"] for check in verdict["checks"].values())
    assert verdict["fwhm"] == pytest.approx(FWHM * 0.4, rel=0.05)
    assert verdict["elongation"] == pytest.approx(1.0, abs=0.06)
    assert verdict["sky"] == pytest.approx(SKY + 4.5, abs=1)
    assert verdict["band"] == "V"
    assert verdict["pointing"]["offset"] == pytest.approx(100, abs=0.5)


def test_a_header_wrong_by_0_4_degrees_changes_nothing(good):
    """Neither the solution nor the verdict: the field is looked for farther away, and found."""
    ra, dec = tpv.sky_of_plane(-0.25, 0.31, *POINTING)
    images = {chip: pixels(good.camera, good.stars, chip) for chip in "AB"}
    good.write("astray", images, RA=float(ra), DEC=float(dec))
    assert good.run("astray") == 0
    verdict = good.verdict("astray")
    assert (verdict["verdict"], verdict["reasons"]) == ("pass", [])
    assert verdict["pointing"]["offset"] == pytest.approx(3600 * np.hypot(0.25, 0.31), abs=1)
    for chip in "AB":
        astray, header = (
            fits.getheader(good.folder / f"{n}.fits", chip) for n in ("astray", "good")
        )
        x, y = np.array([0.0, SIZE - 1, 0.0, SIZE - 1]), np.array([0.0, 0, SIZE - 1, SIZE - 1])
        places = [np.array(WCS(cards).all_pix2world(x, y, 0)) for cards in (astray, header)]
        np.testing.assert_allclose(places[0], places[1], rtol=0, atol=0.02 / 3600)


@pytest.mark.parametrize("chip", ["A", "B"])
def test_the_header_is_the_true_astrometry_as_astropy_reads_it(good, chip):
    header = fits.getheader(good.folder / "good.fits", chip)
    x, y = (v.ravel() for v in np.meshgrid(np.arange(5, SIZE, 50.0), np.arange(5, SIZE, 50.0)))
    ra, dec = WCS(header).all_pix2world(x, y, 0)
    true_ra, true_dec = tpv.sky_of_pixels(true_cards(good.camera, chip), x, y)
    dra = ((ra - true_ra + 180) % 360 - 180) * np.cos(np.radians(dec)) * 3600
    ddec = (dec - true_dec) * 3600
    assert np.sqrt(np.mean(dra**2)) < 0.03
    assert np.sqrt(np.mean(ddec**2)) < 0.03
    astrometry = good.verdict("good")["chips"][chip]["astrometry"]
    assert astrometry["rms_ra"] < 0.03
    assert astrometry["rms_dec"] < 0.03
    assert astrometry["sections_good"] == astrometry["sections_judged"] >= 8


@pytest.mark.parametrize("chip", ["A", "B"])
def test_zero_points_and_slopes_come_out(good, chip):
    amplifiers = good.verdict("good")["chips"][chip]["amplifiers"]
    errors = [amplifiers[f"{chip}{n + 1}"]["zp"] - zp for n, zp in enumerate(ZP[chip])]
    # AUTO misses a little of every star's light, the same everywhere.
    assert np.abs(np.median(errors)) < 0.03
    assert np.max(np.abs(np.array(errors) - np.median(errors))) < 0.025
    slopes = [amplifier["slope"] for amplifier in amplifiers.values()]
    assert np.median(slopes) == pytest.approx(SLOPE, rel=0.3)
    assert not any(amplifier["bad"] for amplifier in amplifiers.values())


def test_the_scaled_frame_shows_every_star_at_the_common_zero_point(good):
    catalogue = read_table(good.folder / "good.cat.parquet")
    clean = (catalogue["flags"] == 0) & (catalogue["imaflags_iso"] == 0)
    catalogue = catalogue[clean & (catalogue["magerr_aper5"] < 0.02)]
    stars = good.stars
    frames = {chip: fits.getdata(good.folder / "good.fits", chip) for chip in "AB"}
    difference, from_pixels = [], []
    for row in catalogue:
        dra = ((stars["ra"] - row["ra"] + 180) % 360 - 180) * np.cos(np.radians(row["dec"]))
        distance = np.hypot(dra, stars["dec"] - row["dec"]) * 3600
        nearest = np.argsort(distance)[:2]
        if distance[nearest[0]] > 0.2 or distance[nearest[1]] < 8:
            continue
        x, y = round(row["x_image"] - 1), round(row["y_image"] - 1)
        if min(x, y) < 12 or max(x, y) > SIZE - 13:
            continue
        difference.append(row["mag_aper5"] - stars["mag"][nearest[0]])
        box = frames[row["chip"]][y - 12 : y + 13, x - 12 : x + 13]
        from_pixels.append(30 - 2.5 * np.log10(box.sum()) - stars["mag"][nearest[0]])
    assert len(difference) > 40
    assert abs(np.median(difference)) < 0.04
    assert abs(np.median(from_pixels)) < 0.04
    assert 1.4826 * np.median(np.abs(difference - np.median(difference))) < 0.03


def test_cards_hold_noise_gain_and_saturation(good):
    header = fits.getheader(good.folder / "good.fits", "A")
    data = fits.getdata(good.folder / "good.fits", "A")
    factor = 10 ** (0.4 * (30 - header["OFFSET2"]))
    assert header["RMS2"] == pytest.approx(NOISE * factor, rel=0.1)
    assert header["GAIN2"] == pytest.approx(GAIN / factor, rel=1e-5)
    assert header["SATURATE"] == pytest.approx((47000 - SKY) * 10 ** (0.4 * 1.45), rel=0.1)
    assert header["BADAMP"] == "0000"
    assert header["MAGZERO"] == 30
    assert data.dtype == np.dtype(">f4")
    assert abs(np.median(data)) < header["RMS2"]


def test_ks4_s_quality_cards_are_written(good):
    assert fits.getheader(good.folder / "good.fits")["QARESULT"] is True
    for chip in "AB":
        header = fits.getheader(good.folder / "good.fits", chip)
        record = good.verdict("good")["chips"][chip]["astrometry"]
        assert header["QAREFCAT"] == "Gaia DR3"
        assert header["QAALNNUM"] == record["stars"]
        assert header["QANSECT"] == header["QAGDSECT"] == record["sections_good"]
        assert (header["QABDSECT"], header["QABADAMP"]) == ("0" * 16, 0)
        assert 0 < header["QAALNSTD"] < header["QAALNRMS"] < 0.1


def test_footprints_cross_ra_0(good):
    polygon = np.array(good.verdict("good")["chips"]["A"]["footprint"])
    assert (polygon[:, 0] > 359).any() or (polygon[:, 0] < 1).any()
    x, y = tpv.pixels_of_sky(true_cards(good.camera, "A"), *polygon.T)
    off = np.minimum.reduce([abs(x + 0.5), abs(x - 511.5), abs(y + 0.5), abs(y - 511.5)])
    assert off.max() < 0.5


def test_the_catalogue_and_receipt_are_whole(good):
    catalogue = read_table(good.folder / "good.cat.parquet")
    assert catalogue.colnames == table_schema("frame").names
    assert set(catalogue["amplifier"].tolist()) == {1, 2, 3, 4}
    receipt = json.loads((good.folder / "good.receipt.json").read_text())
    assert sorted(receipt["outputs"]) == sorted(
        f"good.{suffix}" for suffix in ("fits", "mask.fits", "cat.parquet", "json")
    )


def test_same_input_same_bytes(good):
    assert good.run("good", ".again") == 0
    for suffix in ("fits", "mask.fits", "cat.parquet", "json"):
        first, second = (good.folder / f"good{w}.{suffix}" for w in ("", ".again"))
        assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(("seed", "shift"), [(8, 4), (9, 12)])
def test_a_distorted_quadrant_fails_the_exposure(survey, seed, shift):
    """Every star of a chip's quadrant stands 1.6″ or 4.8″ from where the sky has it."""
    images = {chip: pixels(survey.camera, survey.stars, chip, seed) for chip in "AB"}
    moved = np.roll(images["A"], shift, axis=1)
    images["A"][256:, 256:] = moved[256:, 256:]
    survey.write("distorted", images)
    assert survey.run("distorted") == 0
    verdict = survey.verdict("distorted")
    assert verdict["verdict"] == "fail"
    assert any("fraction of sections" in reason for reason in verdict["reasons"])
    astrometry = {chip: verdict["chips"][chip]["astrometry"] for chip in "AB"}
    assert astrometry["A"]["sections_good"] < astrometry["A"]["sections_judged"]
    assert astrometry["B"]["sections_good"] == astrometry["B"]["sections_judged"]


def test_a_trailed_exposure_fails_for_its_elongation(survey):
    images = {chip: pixels(survey.camera, survey.stars, chip, 1, trail=25) for chip in "AB"}
    survey.write("trailed", images)
    assert survey.run("trailed") == 0
    verdict = survey.verdict("trailed")
    assert verdict["verdict"] == "fail"
    assert any("trailed: elongation" in reason for reason in verdict["reasons"])
    assert verdict["checks"]["elongation"]["value"] > 1.9
    assert fits.getdata(survey.folder / "trailed.fits", "B").shape == (SIZE, SIZE)


def test_bad_seeing_fails_for_its_seeing(survey):
    images = {chip: pixels(survey.camera, survey.stars, chip, 2, fwhm=17.5) for chip in "AB"}
    survey.write("blurred", images)
    assert survey.run("blurred") == 0
    verdict = survey.verdict("blurred")
    assert any(reason.startswith("seeing") for reason in verdict["reasons"])
    assert verdict["checks"]["seeing"]["value"] == pytest.approx(7.0, rel=0.15)
    assert verdict["checks"]["elongation"]["pass"]


def test_a_dead_amplifier_is_found_and_does_not_fail_the_exposure(survey):
    images = {chip: pixels(survey.camera, survey.stars, chip, 3) for chip in "AB"}
    generator = np.random.default_rng(4)
    dead = survey.camera.chips["B"].amplifiers[2]
    images["B"][:, dead.columns] = SKY + generator.normal(0, NOISE, (SIZE, 128))
    survey.write("dead", images)
    assert survey.run("dead") == 0
    verdict = survey.verdict("dead")
    bad = [name for name, a in verdict["chips"]["B"]["amplifiers"].items() if a["bad"]]
    assert bad == ["B3"]
    assert "reference stars" in verdict["chips"]["B"]["amplifiers"]["B3"]["note"]
    mask = fits.getdata(survey.folder / "dead.mask.fits", "B")
    assert (mask[:, dead.columns] & 8).all()
    assert not (mask[:, : dead.columns.start] & 8).any()
    assert fits.getheader(survey.folder / "dead.fits", "B")["BADAMP"] == "0010"
    assert verdict["checks"]["bad_amplifiers"] == {
        "value": 1.0,
        "limit": 1.0,
        "unit": "",
        "pass": True,
    }


@pytest.mark.parametrize("kind", ["empty", "missing", "masked", "elsewhere"])
def test_an_exposure_without_stars_is_a_verdict(survey, kind):
    generator = np.random.default_rng(7)
    images = {chip: generator.normal(SKY, NOISE, (SIZE, SIZE)).astype(np.float32) for chip in "AB"}
    masks = None
    if kind == "missing":
        images = {chip: np.full_like(data, np.nan) for chip, data in images.items()}
    if kind == "masked":
        masks = {chip: np.full((SIZE, SIZE), 8, np.uint8) for chip in "AB"}
    if kind == "elsewhere":
        other = sky_stars(seed=99)
        images = {chip: pixels(survey.camera, other, chip, 5) for chip in "AB"}
    survey.write(kind, images, masks)
    assert survey.run(kind) == 0
    verdict = survey.verdict(kind)
    assert verdict["verdict"] == "fail"
    assert verdict["pointing"]["ra"] is None
    assert len(verdict["reasons"]) >= 2
    assert fits.getdata(survey.folder / f"{kind}.fits", "B").shape == (SIZE, SIZE)
    footprint = np.array(verdict["chips"]["A"]["footprint"])
    assert np.isfinite(footprint).all()


@pytest.mark.parametrize("kind", ["one star", "all saturated", "bright stars only", "dead chip"])
def test_an_exposure_with_hardly_a_star_is_a_verdict_with_the_reason(survey, kind):
    generator = np.random.default_rng(7)
    images = {chip: generator.normal(SKY, NOISE, (SIZE, SIZE)).astype(np.float32) for chip in "AB"}
    masks = {chip: np.zeros((SIZE, SIZE), np.uint8) for chip in "AB"}
    reason = "too few sources: 0 < 50"
    if kind == "one star":
        images["A"] += draw((SIZE, SIZE), [200.3], [250.1], [3e5], FWHM).astype(np.float32)
    elif kind == "all saturated":
        images = {chip: np.full_like(data, 65000) for chip, data in images.items()}
        masks = {chip: np.full_like(mask, FULL) for chip, mask in masks.items()}
        reason = "dead chip: sky not measurable"
    elif kind == "bright stars only":  # each of them saturated
        stars = survey.stars.copy()
        stars["mag"] -= 9
        images = {chip: np.minimum(pixels(survey.camera, stars, chip), 50000) for chip in "AB"}
        masks = {chip: FULL * (data >= 47000) for chip, data in images.items()}
        reason = "seeing not measurable"
    else:
        images["A"] = pixels(survey.camera, survey.stars, "A")
        images["B"][:] = 0
        reason = "dead chip: sky 0 adu < 20 adu"
    survey.write("poor", images, masks)
    assert survey.run("poor") == 0
    verdict = survey.verdict("poor")
    assert verdict["verdict"] == "fail"
    assert any(text.startswith(reason) for text in verdict["reasons"]), verdict["reasons"]
    assert fits.getheader(survey.folder / "poor.fits")["VERDICT"] == "fail"
    assert fits.getdata(survey.folder / "poor.fits", "B").shape == (SIZE, SIZE)


@pytest.mark.parametrize("purpose", ["astrometric", "photometric"])
@pytest.mark.parametrize("rows", ["none", "elsewhere"])
def test_a_catalogue_that_does_not_reach_the_field_is_the_first_reason(good, purpose, rows):
    name = {"astrometric": "gaia", "photometric": "apass"}[purpose]
    path = good.folder / f"{name}.parquet"
    whole, table = path.read_bytes(), read_table(path)
    table["dec"] -= 3  # a neighbouring field's
    schema = table_schema(f"reference_{name}", ("V", "I") if name == "apass" else ())
    try:
        write_table(path, table if rows == "elsewhere" else schema.empty(), schema, good.record)
        assert good.run("good", ".lost") == 0
    finally:
        path.write_bytes(whole)
    verdict = good.verdict("good.lost")
    assert verdict["verdict"] == "fail"
    cause = f"no star of the {purpose} catalogue within 0.068 deg: it doesn't reach the field"
    assert verdict["reasons"][0] == cause
    assert "bad amplifiers on a chip: 4 > 1" in verdict["reasons"]
    assert sum("catalogue" in reason for reason in verdict["reasons"]) == 1


def test_a_broken_exposure_is_a_verdict(survey):
    survey.write("broken", STATUS="broken", REASON="HDU 12 is cut short")
    assert survey.run("broken") == 0
    verdict = survey.verdict("broken")
    assert (verdict["verdict"], verdict["reasons"]) == ("fail", ["HDU 12 is cut short"])
    assert verdict["reason_bits"] == 1
    for name in ("broken.fits", "broken.mask.fits"):
        with fits.open(survey.folder / name) as hdus:
            assert len(hdus) == 1
            assert hdus[0].header["VERDICT"] == "fail"
            assert hdus[0].header["REASON"] == "HDU 12 is cut short"
    catalogue = read_table(survey.folder / "broken.cat.parquet")
    assert (len(catalogue), catalogue.colnames) == (0, table_schema("frame").names)


def test_an_exposure_may_be_tied_to_another(good):
    """The other's files are among its inputs; with Gaia's stars enough nothing else changes."""
    other = [good.folder / f"good.{suffix}" for suffix in ("cat.parquet", "json")]
    assert good.run("good", ".tied", more=["--tie", *other]) == 0
    receipt = json.loads((good.folder / "good.tied.receipt.json").read_text())
    assert {"good.cat.parquet", "good.json"} <= set(receipt["inputs"])
    alone, tied = (good.verdict(name) for name in ("good", "good.tied"))
    assert alone["chips"] == tied["chips"]


def test_chips_may_have_files_of_their_own(good):
    """The same pixels and cards, the same catalogue and verdict."""
    assert good.run("good", ".apart", (".A", ".B")) == 0
    for suffix in ("fits", "mask.fits"):
        whole = read_images(good.folder / f"good.{suffix}")
        for n, chip in enumerate("AB", 1):
            part = read_images(good.folder / f"good.apart.{chip}.{suffix}")
            assert [hdu.name for hdu in part[1:]] == [chip]
            for one, other in zip((whole[0], whole[n]), part, strict=True):
                assert one.cards == other.cards
                assert np.array_equal(one.data, other.data, equal_nan=one.data is not None)
    for suffix in ("cat.parquet", "json"):
        files = [good.folder / f"good{part}.{suffix}" for part in ("", ".apart")]
        assert files[0].read_bytes() == files[1].read_bytes()


def test_files_for_some_chips_only_are_an_error(good, capsys):
    assert good.run("good", ".three", (".A", ".B", ".C")) == 1
    assert (
        "--out-image: expected one file, or one per chip (A, B), got 3" in capsys.readouterr().err
    )


def test_a_broken_exposure_has_a_file_per_chip_too(survey):
    survey.write("broken", STATUS="broken", REASON="HDU 12 is cut short")
    assert survey.run("broken", ".apart", (".A", ".B")) == 0
    for name in ("A.fits", "B.fits", "A.mask.fits", "B.mask.fits"):
        with fits.open(survey.folder / f"broken.apart.{name}") as hdus:
            assert len(hdus) == 1
            assert hdus[0].header["REASON"] == "HDU 12 is cut short"


def test_a_failing_detection_is_a_verdict(survey, monkeypatch):
    from skymill.errors import DataError
    from skymill.frames import measured_chip

    def fail(*arguments):
        raise DataError("detection failed: deblending overflow")

    monkeypatch.setattr(measured_chip, "measure_bands", fail)
    survey.write("crowd", {chip: np.ones((SIZE, SIZE), np.float32) for chip in "AB"})
    assert survey.run("crowd") == 0
    assert survey.verdict("crowd")["reasons"] == ["detection failed: deblending overflow"]


def test_wrong_input_is_one_message_and_no_product(survey, capsys):
    data = np.ones((SIZE, SIZE), np.float32)
    survey.write("half", {"A": data})
    assert survey.run("half") == 1
    assert "expected the chips" in capsys.readouterr().err
    survey.write("other", {"A": data, "B": data}, EXPOSURE="another")
    assert survey.run("other") == 1
    assert "EXPOSURE is 'another', expected 'other'" in capsys.readouterr().err
    survey.write("abroad", {"A": data, "B": data}, OBSERVAT="ELSEWHERE")
    assert survey.run("abroad") == 1
    assert "OBSERVAT is 'ELSEWHERE'; the camera file knows HERE" in capsys.readouterr().err
    path = survey.folder / "half.pixels.fits"
    path.write_bytes(path.read_bytes()[:100000])
    assert survey.run("half") == 1
    assert "half.pixels.fits" in capsys.readouterr().err
    assert not list(survey.folder.glob("half.fits"))
    assert not list(survey.folder.glob("other.json"))
