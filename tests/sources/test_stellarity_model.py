"""The network behind CLASS_STAR: its file, its training, what it makes of sources."""

import numpy as np
import pytest
import yaml

from skymill.errors import ConfigError, InputError
from skymill.sources.classes import INPUTS
from skymill.sources.measure import measure
from skymill.sources.stellarity_model import MODELS, digest, load_model, shipped_model
from skymill.sources.stellarity_training import (
    as_yaml,
    balanced,
    fit,
    measured_inputs,
    read_training,
    simulate_stack,
    train,
    true_sources,
)

SHIPPED = MODELS / "stellarity_model.yaml"


@pytest.fixture(scope="module")
def training():
    return read_training(MODELS / "training.yaml")


@pytest.fixture(scope="module")
def small(training):
    """Training settings that take seconds."""
    stacks = [{**stack, "density": 15.0} for stack in training[1]["stacks"][3:5]]
    return {**training[1], "side": 900.0, "hidden": 3, "iterations": 40, "stacks": stacks}


def test_the_shipped_model_is_what_the_settings_ask_for(training):
    written = training[0]
    model = shipped_model()
    assert model.settings == digest(written)
    content = yaml.safe_load(SHIPPED.read_text())
    assert content["training"] == written
    assert content["version"] == written["version"]
    assert content["hidden"] == written["hidden"]
    assert {row["name"]: row["description"] for row in content["inputs"]} == INPUTS


def test_training_again_gives_the_same_file(small, extraction):
    first, second = (train(small, extraction, "0" * 64) for _ in range(2))
    assert as_yaml(first, {}) == as_yaml(second, {})
    assert as_yaml(first, {}) != as_yaml(train({**small, "version": 2}, extraction, "0" * 64), {})


def test_a_written_model_is_read_as_it_was(training, tmp_path):
    path = tmp_path / "model.yaml"
    model = shipped_model()
    path.write_text(as_yaml(model, training[0]))
    again = load_model(path)
    assert again.sha256 == model.sha256
    values = np.random.default_rng(1).normal(size=(50, len(INPUTS)))
    np.testing.assert_array_equal(again.probability(values), model.probability(values))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("layers"), "missing key 'layers'"),
        (lambda c: c["inputs"].pop(), "inputs: expected snr, .*; got snr"),
        (lambda c: c["layers"]["bias"].pop(), "layers: expected the shapes"),
        (lambda c: c["inputs"][0].update(scale=0), "inputs.0.scale"),
        (lambda c: c.update(training_sha256="x"), "training_sha256"),
    ],
)
def test_a_damaged_model_is_refused(change, message, tmp_path):
    content = yaml.safe_load(SHIPPED.read_text())
    change(content)
    path = tmp_path / "model.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(InputError, match=message):
        load_model(path)


def test_a_missing_model_says_how_to_make_it(tmp_path):
    with pytest.raises(InputError, match="skymill sources train makes it again"):
        load_model(tmp_path / "none.yaml")


def test_bad_training_settings_are_named(tmp_path):
    path = tmp_path / "training.yaml"
    path.write_text((MODELS / "training.yaml").read_text().replace("hidden: 12", "hidden: none"))
    with pytest.raises(ConfigError, match="hidden: got 'none'"):
        read_training(path)


def values_of(**changes):
    values = np.zeros((1, len(INPUTS)))
    for name, value in {"snr": 2.0, **changes}.items():
        values[0, list(INPUTS).index(name)] = value
    return values


def sized(excess, snr):
    """A source whose size exceeds stars' by a share, known to 1/SNR of a star's size."""
    names = ("narrow", "fit", "wide")
    told = {f"{name}_excess": excess for name in names}
    told |= {f"{name}_significance": np.arcsinh(excess * snr / 2) for name in names}
    told["spread_significance"] = np.arcsinh(excess * snr / 2)
    told |= dict.fromkeys(("half_light", "width"), np.log(1 + excess) / 2)
    told["peak"] = -np.log(1 + excess) / 2
    return values_of(snr=np.log10(snr), **told)


def test_a_star_is_a_star_a_galaxy_none_and_what_is_sharper_neither():
    model = shipped_model()
    assert model.probability(sized(0.0, 200))[0] > 0.95
    assert model.probability(sized(0.5, 200))[0] < 0.05
    assert model.probability(sized(-0.6, 200))[0] < 0.05
    assert model.probability(values_of(snr=4.0, saturated=1.0))[0] > 0.9


def test_an_unknown_size_has_no_class():
    assert np.isnan(shipped_model().probability(values_of(fit_excess=np.nan)))[0]


def test_stars_and_galaxies_get_equal_weight():
    rng = np.random.default_rng(2)
    star, snr = rng.uniform(size=4000) < 0.8, rng.uniform(1, 3, 4000)
    weight = balanced(star, snr)
    assert weight[star].sum() == pytest.approx(weight[~star].sum())
    assert not balanced(np.ones(5, bool), np.full(5, 2.0)).any()


def test_a_source_found_twice_is_one(small):
    stack = simulate_stack(small, small["stacks"][0])
    place = float(stack.truth["x"][0]), float(stack.truth["y"][0])
    x = np.array([place[0] + 1.0, place[0] + 0.1, -500.0])
    y = np.array([place[1], place[1], -500.0])
    index = true_sources(stack.truth, x, y)
    assert index[2] == -1
    assert index[1] >= 0
    assert index[0] == -1 or index[0] != index[1]


def test_the_network_learns_what_it_is_shown():
    """Two clouds apart by 2σ: the output is the chance that the clouds' densities give."""
    rng = np.random.default_rng(4)
    star = rng.uniform(size=6000) < 0.5
    values = rng.normal(size=(6000, len(INPUTS)))
    values[:, 5] += np.where(star, 1.0, -1.0)
    settings = {"version": 1, "hidden": 3, "penalty": 1e-3, "iterations": 200}
    model = fit(values, star, np.ones(6000), settings)
    told = np.zeros((3, len(INPUTS)))
    told[:, 5] = [-1.0, 0.0, 1.0]
    expected = 1 / (1 + np.exp(-2 * told[:, 5]))
    np.testing.assert_allclose(model.probability(told), expected, atol=0.05)


@pytest.fixture(scope="module", params=["light model", "KS4"])
def unseen(request, training, extraction):
    """A stack of a PSF, a seeing and a seed that weren't trained on: its truth and classes."""
    mode = training[1]["modes"][0 if request.param == "light model" else 1]
    row = {"seed": 77, "seeing": 1.85, "beta": 3.5, "rise": 0.12, "ellipticity": 0.05}
    row |= {"density": 15.0, "sky_rms": 15.0, "saturation": 2e4}
    settings = {**training[1], "side": 1500.0, "hits": 0.0}
    stack = simulate_stack(settings, row)
    planes = (stack.image, stack.variance, stack.mask)
    table = measure(*planes, {**extraction, **mode}, 0.4, 4.0, float("inf"))
    index = true_sources(stack.truth, np.asarray(table["x"]), np.asarray(table["y"]))
    return table[index >= 0], np.asarray(stack.truth["star"])[index[index >= 0]]


def test_classes_are_calibrated_chances(unseen):
    """Of sources called 0.7 … 1 as many are stars as they say, stars and galaxies being as many."""
    table, star = unseen
    snr = np.asarray(table["flux_auto"] / table["fluxerr_auto"])
    weight = balanced(star, np.log10(np.clip(snr, 1, 1e5)))
    chance = np.asarray(table["class_star"])
    for low, high in ((0.0, 0.3), (0.3, 0.7), (0.7, 1.01)):
        part = (chance >= low) & (chance < high)
        own = weight[part] / weight[part].sum()
        error = np.sqrt((own**2 * (star[part] - own @ star[part]) ** 2).sum())
        assert own @ star[part] == pytest.approx(own @ chance[part], abs=0.05 + 3 * error)


def test_faint_sources_tend_to_a_half(unseen):
    table, _ = unseen
    snr = np.asarray(table["flux_auto"] / table["fluxerr_auto"])
    chance = np.asarray(table["class_star"])
    extreme = np.abs(chance - 0.5) > 0.45
    assert extreme[snr < 8].mean() < 0.2
    assert extreme[snr > 100].mean() > 0.8


def test_saturated_stars_stay_stars(unseen):
    table, star = unseen
    saturated = ((np.asarray(table["flags"]) & 4) != 0) & star
    assert saturated.sum() >= 5
    assert (np.asarray(table["class_star"])[saturated] > 0.8).mean() > 0.9


def test_the_spread_model_is_zero_for_stars_and_grows_for_galaxies(unseen):
    table, star = unseen
    spread, error = (np.asarray(table[n], float) for n in ("spread_model", "spreaderr_model"))
    snr = np.asarray(table["flux_auto"] / table["fluxerr_auto"])
    good = np.asarray(table["flags"] == 0)
    bright, faint = good & (snr > 60), good & (snr > 8) & (snr < 20)
    assert abs(np.median(spread[bright & star])) < 5e-4
    assert np.median(spread[bright & ~star]) > 3e-3
    pull = spread[faint & star] / error[faint & star]
    assert 1.4826 * np.median(np.abs(pull - np.median(pull))) == pytest.approx(1, abs=0.25)
    assert np.median(spread[faint & ~star]) > 2 * np.median(np.abs(spread[faint & star]))


def test_inputs_of_a_stack_without_stars(small, extraction):
    from skymill.errors import DataError

    empty = simulate_stack(small, {**small["stacks"][0], "density": 0.05})
    with pytest.raises(DataError, match="too few stars"):
        measured_inputs(empty, extraction, 0.4, 4.0)
