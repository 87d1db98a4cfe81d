from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits

from skymill.errors import InputError
from skymill.tiles.frame import open_chips, read_frames

TILE, BAND = "0000.000-30", "R"


@pytest.fixture
def blank(sky):
    return np.zeros(sky.shape)


def read(*paths, tile=TILE, band=BAND):
    return read_frames(*zip(*paths, strict=True), tile, band)


def open_one(sky, paths):
    (frame,) = read(paths)
    with open_chips(frame, {"M": sky.chip}) as chips:
        return chips


def test_frames_are_ordered_by_exposure_whatever_the_order_given(sky, blank, tmp_path):
    paths = [sky.write(tmp_path, name, blank, sky.cards()) for name in ("b", "a", "c")]
    assert [frame.exposure for frame in read(*paths)] == ["a", "b", "c"]


def test_a_failed_frame_is_not_used_even_if_it_could_not_be_measured(sky, blank, tmp_path):
    failed = sky.write(
        tmp_path, "a", blank, sky.cards(), verdict="fail", fwhm=None, mjd=None, exptime=None
    )
    assert [frame.used for frame in read(failed)] == [False]


@pytest.mark.parametrize(
    ("verdict", "message"),
    [({"tile": "0001.000-30"}, "expected a frame of tile"), ({"fwhm": None}, "needs positive")],
)
def test_a_verdict_that_cannot_be_right_is_named(sky, blank, tmp_path, verdict, message):
    with pytest.raises(InputError, match=message):
        read(sky.write(tmp_path, "a", blank, sky.cards(), **verdict))


def test_an_exposure_given_twice_is_an_error(sky, blank, tmp_path):
    paths = sky.write(tmp_path, "a", blank, sky.cards())
    with pytest.raises(InputError, match="given twice"):
        read(paths, paths)


def test_lists_of_different_length_are_an_error(sky, blank, tmp_path):
    image, mask, verdict = sky.write(tmp_path, "a", blank, sky.cards())
    with pytest.raises(InputError, match="1 images, 1 masks and 2 verdicts"):
        read_frames([image], [mask], [verdict, verdict], TILE, BAND)
    with pytest.raises(InputError, match="0 images, 0 masks and 1 verdicts"):
        read_frames([], [], [verdict], TILE, BAND)
    with pytest.raises(InputError, match="3 images, 3 masks and 2 verdicts"):
        read_frames([image] * 3, [mask] * 3, [verdict] * 2, TILE, BAND)


def by_chip(folder, paths, names=("M", "K")):
    """An exposure's files with its chip doubled: once in one file, once in a file each."""
    whole, parts = [], []
    for path in paths[:2]:
        with fits.open(path) as hdus:
            primary, hdu = (each.copy() for each in hdus)
        chips = [fits.ImageHDU(hdu.data + n, hdu.header, name=name) for n, name in enumerate(names)]
        whole.append(folder / f"whole.{path.name}")
        fits.HDUList([primary, *chips]).writeto(whole[-1])
        parts.append([folder / f"{name}.{path.name}" for name in names])
        for part, chip in zip(parts[-1], chips, strict=True):
            fits.HDUList([primary, chip]).writeto(part)
    return whole, parts


def test_a_file_per_chip_is_the_same_as_one_of_all(sky, blank, tmp_path):
    paths = sky.write(tmp_path, "a", blank, sky.cards())
    (image, mask), (images, masks) = by_chip(tmp_path, paths)
    chips = {"M": sky.chip, "K": sky.chip}
    (one,) = read_frames([image], [mask], [paths[2]], TILE, BAND)
    (four,) = read_frames(images, masks, [paths[2]], TILE, BAND)
    with open_chips(one, chips) as whole, open_chips(four, chips) as parts:
        assert [chip.image.name for chip in parts] == ["M", "K"]
        for first, second in zip(whole, parts, strict=True):
            assert np.array_equal(first.image.rows(0, 300), second.image.rows(0, 300))
            assert np.array_equal(first.mask.rows(0, 300), second.mask.rows(0, 300))


def test_a_chip_given_twice_is_an_error(sky, blank, tmp_path):
    image, mask, verdict = sky.write(tmp_path, "a", blank, sky.cards())
    (frame,) = read_frames([image, image], [mask, mask], [verdict], TILE, BAND)
    with (
        pytest.raises(InputError, match="chip M is given twice"),
        open_chips(frame, {"M": sky.chip}),
    ):
        pass


def test_files_in_another_order_are_an_error(sky, blank, tmp_path):
    a = sky.write(tmp_path, "a", blank, sky.cards())
    b = sky.write(tmp_path, "b", blank, sky.cards())
    with pytest.raises(InputError, match="expected EXPOSURE a, as its verdict says; got b"):
        open_one(sky, (b[0], b[1], a[2]))


def test_noise_follows_the_slope_of_the_zero_point(sky, blank, tmp_path):
    slope = 2e-4
    (chip,) = open_one(sky, sky.write(tmp_path, "a", blank, sky.cards(), rms=3.0, slope=slope))
    middle = (sky.shape[0] - 1) / 2
    scale = 10 ** (-0.4 * slope * (np.arange(sky.shape[0]) - middle))
    np.testing.assert_allclose(np.sqrt(chip.noise), np.tile(3 * scale, (4, 1)), rtol=1e-6)


def test_amplifiers_above_each_other_have_their_own_noise(sky, blank, tmp_path):
    (ny, nx), quarters = sky.shape, []
    for n, amplifier in enumerate(sky.chip.amplifiers):
        columns = slice(n % 2 * nx // 2, (n % 2 + 1) * nx // 2)
        rows = slice(n // 2 * ny // 2, (n // 2 + 1) * ny // 2)
        quarters.append(replace(amplifier, columns=columns, rows=rows))

    def edit(cards):
        cards.update({f"RMS{n}": float(n) for n in range(1, 5)})

    (frame,) = read(sky.write(tmp_path, "a", blank, sky.cards(), edit=edit))
    with open_chips(frame, {"M": replace(sky.chip, amplifiers=tuple(quarters))}) as (chip,):
        image = np.sqrt(chip.noise)[chip.strip].T
    expected = np.kron([[1, 2], [3, 4]], np.ones((ny // 2, nx // 2)))
    np.testing.assert_allclose(image, expected, rtol=1e-6)


def test_a_bad_amplifier_needs_no_noise_of_its_own(sky, blank, tmp_path):
    def edit(cards):
        cards["BADAMP"] = "0100"
        del cards["RMS2"], cards["SLOPE2"], cards["GAIN2"]

    (chip,) = open_one(sky, sky.write(tmp_path, "a", blank, sky.cards(), edit=edit))
    assert np.all(chip.noise == 1)


def test_a_chip_of_bad_amplifiers_is_left_out(sky, blank, tmp_path):
    def edit(cards):
        cards["BADAMP"] = "1111"

    assert open_one(sky, sky.write(tmp_path, "a", blank, sky.cards(), edit=edit)) == []


@pytest.mark.parametrize(
    ("key", "value"), [("RMS3", None), ("RMS3", -1.0), ("BADAMP", "01"), ("CTYPE1", "LINEAR")]
)
def test_a_card_that_is_missing_or_wrong_is_named(sky, blank, tmp_path, key, value):
    cards = [card for card in sky.cards() if card[0] != key]

    def edit(values):
        values.pop(key, None)
        if value is not None:
            values[key] = value

    paths = sky.write(tmp_path, "a", blank, cards, edit=edit)
    with pytest.raises(InputError, match=r"a\.fits: HDU 1 \(M\)"):
        open_one(sky, paths)


def test_a_truncated_frame_is_an_error(sky, blank, tmp_path):
    paths = sky.write(tmp_path, "a", blank, sky.cards())
    paths[0].write_bytes(paths[0].read_bytes()[:-20000])
    with pytest.raises(InputError, match="expected a whole FITS file"):
        open_one(sky, paths)
