"""A perfect release passes every figure; a known error fails its own figures and no other."""

import numpy as np
import pytest

from skymill.check.release import measure

MASTERS = ("single_master", "idual_master")


def failing(truth, products, targets) -> set[str]:
    return {f.name for f in measure(truth, products, targets) if f.passed is False}


def keep(table: dict, which: np.ndarray) -> dict:
    return {name: values[which] for name, values in table.items()}


def in_masters(quantity: str) -> set[str]:
    group, name = quantity.split(".")
    return {f"{group}.{master}.{name}" for master in MASTERS}


def test_a_perfect_release_passes_all_and_every_figure_is_measured(truth, perfect, targets):
    found = measure(truth, perfect, targets)
    assert [f for f in found if f.passed is False] == []
    assert [f for f in found if f.passed is None] == []
    measured = {(f.group, f.quantity) for f in found}
    assert measured == {(g, q) for g, own in targets["figures"].items() for q in own}


def test_a_shift_of_0_05_mag_in_one_band(truth, products, targets):
    for master in products.masters.values():
        for name in ("aper5", "auto"):
            master[f"mag_{name}_i"] += 0.05
    found = [f for f in measure(truth, products, targets) if f.passed is False]
    expected = in_masters("photometry.aper5_offset") | in_masters("photometry.auto_offset")
    expected |= {name + "_all" for name in expected}
    assert {f.name for f in found} == expected
    assert {f.where[0] for f in found} == {"I"}


def test_a_shift_of_0_05_mag_of_frames_in_one_band(truth, products, targets):
    for exposure in truth.good(band="V"):
        products.frames[exposure.name]["mag_auto"] += 0.05
    found = [f for f in measure(truth, products, targets) if f.passed is False]
    expected = {"photometry.frames.auto_offset", "photometry.frames.auto_offset_all"}
    assert {f.name for f in found} == expected
    assert {f.where[0] for f in found} == {"V"}


def test_noise_of_0_1_mag(truth, products, targets):
    rng = np.random.default_rng(1)
    master = products.masters["idual_master"]
    master["mag_auto_v"] += rng.choice([-0.1, 0.1], master["mag_auto_v"].size)
    found = failing(truth, products, targets)
    assert "photometry.idual_master.auto_scatter" in found
    assert found <= {
        f"photometry.idual_master.auto_{q}" for q in ("scatter", "offset", "offset_all")
    }


def test_a_shift_of_0_1_arcsec(truth, products, targets):
    for master in products.masters.values():
        master["dec"] += 0.11 / 3600
    expected = in_masters("astrometry.modal_offset") | in_masters("astrometry.mean_dec")
    found = failing(truth, products, targets)
    # some sources change their level-12 cell with their position
    assert found - in_masters("identifiers.wrong_cell") == expected


def test_a_shift_of_0_1_arcsec_of_a_frame(truth, products, targets):
    frame = products.frames[truth.good()[4].name]
    frame["ra"] = frame["ra"] + 0.1 / 3600
    assert failing(truth, products, targets) == {"astrometry.frames.rms_ra"}


def test_5_per_cent_of_the_rows_dropped(truth, products, targets):
    for name, master in products.masters.items():
        which = np.arange(master["ra"].size) % 20 != 7
        products.masters[name] = keep(master, which)
    assert failing(truth, products, targets) == in_masters("completeness.complete")


def test_rows_twice(truth, products, targets):
    """The copies have identifiers of their own, as a fault in linking would leave them."""
    for name, master in products.masters.items():
        again = keep(master, master["n_det"] > 1)
        again["coadd_object_id"] = again["coadd_object_id"] + 10**6
        again["ra"] = again["ra"] + 0.05 / 3600
        products.masters[name] = {n: np.append(v, again[n]) for n, v in master.items()}
    found = failing(truth, products, targets)
    assert found - in_masters("identifiers.wrong_cell") == in_masters("overlaps.once")


def test_n_det_off_by_one(truth, products, targets):
    for master in products.masters.values():
        master["n_det"][master["n_det"] == 2] = 1
    assert failing(truth, products, targets) == in_masters("overlaps.n_det")


def test_a_wrong_identifier_and_a_repeated_one(truth, products, targets):
    ids = products.masters["single_master"]["coadd_object_id"]
    ids[5] += 1 << 35
    products.masters["idual_master"]["coadd_object_id"][1] = products.masters["idual_master"][
        "coadd_object_id"
    ][0]
    found = failing(truth, products, targets)
    expected = {"identifiers.single_master.wrong_cell", "identifiers.idual_master.repeated"}
    assert found - {"identifiers.idual_master.wrong_cell"} == expected


def test_two_bands_swapped(truth, products, targets):
    """All that a band's columns say moves with them: magnitudes, what explains them, epochs."""
    for master in products.masters.values():
        for name in [n for n in master if n.endswith("_v")]:
            other = name[:-1] + "i"
            master[name], master[other] = master[other], master[name]
    found = failing(truth, products, targets)
    offsets = {f"photometry.{q}" for q in ("aper5_offset", "auto_offset")}
    offsets |= {name + "_all" for name in offsets}
    expected = set().union(*map(in_masters, offsets)) | in_masters("epochs.mjd")
    assert found == expected


def test_an_epoch_off_by_a_second(truth, products, targets):
    products.verdicts[truth.good()[0].name]["mjd"] += 1 / 86400
    for master in products.masters.values():
        master["mean_mjd_v"] += 1 / 86400
    assert failing(truth, products, targets) == {"epochs.frames.mjd", *in_masters("epochs.mjd")}


def test_a_good_frame_excluded(truth, products, targets):
    """Its catalogue is no product then: the figures of the other frames don't move."""
    name = truth.good()[3].name
    products.verdicts[name].update(verdict="fail", reasons=["too shallow"])
    del products.frames[name]
    found = [f for f in measure(truth, products, targets) if f.passed is False]
    assert {f.name for f in found} == {"screening.frames.good_excluded"}
    assert found[0].where == name


def test_a_bad_frame_passed_and_a_wrong_reason(truth, products, targets):
    name = truth.exposures[-1].name
    products.verdicts[name].update(reasons=["dead chip"])
    assert failing(truth, products, targets) == {"screening.frames.wrong_reason"}
    products.verdicts[name].update(verdict="pass", reasons=[])
    assert failing(truth, products, targets) == {"screening.frames.bad_passed"}


def spurious_rows(table: dict, number: int, rng) -> dict:
    """Copies of rows moved to where nothing is."""
    rows = rng.choice(np.flatnonzero(table["mag_auto_i"] < 18), number, replace=False)
    again = keep(table, rows)
    again["dec"] = again["dec"] + 4.5 / 3600
    again["ra"] = again["ra"] + 5 / 3600
    again["coadd_object_id"] = again["coadd_object_id"] + 10**7
    return {name: np.append(values, again[name]) for name, values in table.items()}


def test_spurious_rows_above_10_sigma(truth, products, targets):
    rng = np.random.default_rng(2)
    for name, master in products.masters.items():
        products.masters[name] = spurious_rows(master, master["ra"].size // 20, rng)
    found = failing(truth, products, targets)
    expected = in_masters("false_detections.unexplained")
    assert found - in_masters("identifiers.wrong_cell") == expected


def test_ndith_off_by_one(truth, products, targets):
    master = products.masters["idual_master"]
    master["ndith_i"][::20] += 1
    assert failing(truth, products, targets) == {"coverage.idual_master.ndith"}


def test_a_trail_that_nobody_flags(truth, products, targets):
    name = next(e.name for e in truth.good() if "satellite" in e.chips["M"].artefacts)
    frame = products.frames[name]
    trail = frame["imaflags_iso"] == 1
    frame["imaflags_iso"][trail] = 0
    assert failing(truth, products, targets) == set()  # the masters don't list them
    for master in products.masters.values():
        row = {n: np.resize(v, trail.sum()) for n, v in master.items()}
        row |= {"ra": frame["ra"][trail], "dec": frame["dec"][trail]}
        for band in "vi":
            row[f"flux_aper5_{band}"] = np.full(trail.sum(), 1.0 if band == "v" else 400.0)
            row[f"mag_aper5_{band}"] = 23.9 - 2.5 * np.log10(row[f"flux_aper5_{band}"])
        row["coadd_object_id"] = row["coadd_object_id"] + 10**7
        master.update({n: np.append(v, row[n]) for n, v in master.items()})
    assert in_masters("artefacts.trails") <= failing(truth, products, targets)


def test_galaxies_and_variables_taken_as_spurious(truth, products, targets):
    source, (ra, dec) = truth.sources, truth.position(truth.mean_mjd())
    for name, master in products.masters.items():
        lost = np.flatnonzero(np.isin(source["kind"], ("galaxy", "variable")))[::12]
        distance = np.hypot(
            (master["ra"][:, None] - ra[lost] + 180) % 360 - 180, master["dec"][:, None] - dec[lost]
        ).min(axis=1)
        for band in "vi":
            master[f"sscount_30_{band}"][distance < 28 / 3600] = 1
        products.masters[name] = keep(master, distance > 0.7 / 3600)
    found = failing(truth, products, targets)
    assert in_masters("completeness.lost") <= found
    assert found <= in_masters("completeness.lost") | in_masters("completeness.complete")


def test_an_asteroid_missing_from_the_detections(truth, products, targets):
    """It crosses the field on the day of the exposures e2 alone."""
    rest = np.array([not name.startswith("e2.") for name in products.detections["exposure"]])
    products.detections = keep(products.detections, rest)
    assert failing(truth, products, targets) == {"completeness.detections.lost"}


def test_trails_without_flags(truth, products, targets):
    for chips in products.chips.values():
        for mask in chips.values():
            mask[mask == 16] = 0
    assert failing(truth, products, targets) == {"artefacts.frames.trails_flagged"}


def test_full_pixels_without_flags(truth, products, targets):
    for chips in products.chips.values():
        for mask in chips.values():
            mask[38:40, 12] = 0
    assert failing(truth, products, targets) == {"artefacts.frames.full_flagged"}


def test_twice_the_area_flagged(truth, products, targets):
    for chips in products.chips.values():
        for mask in chips.values():
            mask[100, :200] = 2
    assert failing(truth, products, targets) == {"artefacts.frames.flagged_area"}


def test_a_depth_and_a_coverage_off(truth, products, targets):
    products.stacks["depth_5sigma"][1] += 0.25
    assert failing(truth, products, targets) == {"depth.stacks.depth"}
    products.cells["V"] = products.cells["V"][: int(products.cells["V"].size * 0.97)]
    assert failing(truth, products, targets) == {"depth.stacks.depth", "coverage.moc.moc"}


def test_an_empty_catalogue_fails(truth, products, targets):
    for name, master in products.masters.items():
        products.masters[name] = keep(master, np.zeros(master["ra"].size, bool))
    assert in_masters("completeness.complete") <= failing(truth, products, targets)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_figure_that_is_no_number_fails(targets, value):
    from skymill.check.figure import Judge

    assert Judge(targets, "depth")("depth", "stacks", "", value, 1).passed is False
