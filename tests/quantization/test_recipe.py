"""Recipes: those that ship load, and every mistake in a file is one line with what was meant."""

from pathlib import Path

import pytest

from asd_edge.errors import QuantizationError
from quantization.recipe import (
    STEPS,
    CorrectBiases,
    EqualizeChannels,
    Observe,
    Recipe,
    RescaleConcatenations,
    RoundWeights,
    load_recipe,
    recipe_names,
    step_name,
)


def write(folder: Path, text: str, name: str = "own.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_default_is_the_four_steps_that_need_no_judge() -> None:
    steps = (RescaleConcatenations(), EqualizeChannels(), Observe("min_max"), CorrectBiases())
    assert load_recipe("fast") == Recipe("fast", steps, calibration_clips=64, held_back_clips=0)


def test_there_is_a_recipe_for_speed_for_quality_and_for_each_target() -> None:
    assert {"fast", "best", "mcu", "litert", "coral", "ethos-u"} <= set(recipe_names())


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_that_ships_loads_under_its_own_name(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert (recipe.held_back_clips == 0) == (name == "fast"), "only the default drops nothing"


def test_a_file_says_its_steps_with_their_settings(tmp_path: Path) -> None:
    text = "calibration_clips: 8\nsteps:\n- observe: {method: percentile, percentile: 99.9}\n- round_weights: {seed: 3}"
    expected = (Observe("percentile", 99.9), RoundWeights(seed=3))
    assert load_recipe(write(tmp_path, text)) == Recipe("own", expected, 8, 16)


def test_the_recipes_that_are_judged_choose_ranges_by_the_output() -> None:
    for name in recipe_names():
        recipe = load_recipe(name)
        assert recipe.chooser == (Observe("output") if recipe.held_back_clips else None)


def test_a_step_is_recorded_under_the_name_that_recipes_use() -> None:
    assert [step_name(kind()) for kind in STEPS.values()] == list(STEPS)


def test_a_recipe_replaces_what_it_says_of_the_one_that_it_extends(tmp_path: Path) -> None:
    write(tmp_path, "extends: fast\nheld_back_clips: 5", "middle.yaml")
    found = load_recipe(write(tmp_path, "extends: middle.yaml\ncalibration_clips: 20"))
    assert found == Recipe("own", load_recipe("fast").steps, 20, 5)


def test_exponents_are_numbers_though_yaml_reads_text(tmp_path: Path) -> None:
    text = "steps: [observe, {distil: {learning_rate: 1e-3}}]"
    assert load_recipe(write(tmp_path, text)).steps[1].learning_rate == 1e-3  # type: ignore[union-attr]


MISTAKES = {
    "steps: [observ]": "own.yaml: 'observ' is no step: did you mean observe; choose rescale_concatenations, ",
    "stps: []": "'stps' is no key: did you mean steps; choose extends, ",
    "steps: [{observe: {metod: mse}}]": "observe: 'metod' is no setting: did you mean method; choose method, ",
    "steps: [{observe: {method: minmax}}]": "method is 'minmax', but .*: did you mean min_max; correct it",
    "steps: [{observe: {percentile: 20}}]": "observe: percentile is 20, but should be greater than 50; correct it",
    "steps: [observe, {round_weights: {n_clips: 0}}]": "round_weights: n_clips is 0, but should be greater than or",
    "steps: [observe, {round_weights: {n_clips: two}}]": "round_weights: n_clips is 'two', but should be a valid int",
    "steps: [observe, {correct_biases: {x: 1}}]": "correct_biases: 'x' is no setting; it has none",
    "steps: [{observe: 3}]": "observe: wants settings, not 3",
    "steps: [{observe: {}, correct_biases: {}}]": "is no step",
    "held_back_clips: -1\nsteps: [observe]": "held_back_clips is -1, but should be greater than or equal to 0",
    "steps: [{observe: {method: output, level_change_db: -6}}]": "level_change_db is -6, but should be greater than or",
    "steps: [{observe: {method: output}}, correct_biases]": "output. corrects biases itself; take correct_biases out",
    "calibration_clips: true\nsteps: [observe]": "calibration_clips is True, but should be a valid integer",
    "steps: [correct_biases, observe]": "correct_biases needs the ranges of observe; put it behind observe",
    "steps: [observe, equalize_layers]": "equalize_layers changes what observe has seen; put it before observe",
    "steps: [equalize_channels, rescale_concatenations, observe]": "rescale_concatenations .*; put it first",
    "steps: [observe, observe]": "observe stands twice",
    "steps: [equalize_channels]": "lacks the step observe",
    "steps: observe": "needs a list of steps",
    "calibration_clips: 4": "needs a list of steps",
    "": "holds no settings",
    "- observe": "holds no settings",
    "steps: [": "is no YAML",
    "extends: own.yaml": "extends itself",
    "extends: bst": "'bst' is no recipe: did you mean best",
    "extends: nowhere.yaml": "nowhere.yaml: can't be read",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_in_a_file_is_one_line_that_says_what_was_meant(text: str, tmp_path: Path) -> None:
    with pytest.raises(QuantizationError, match=MISTAKES[text]) as caught:
        load_recipe(write(tmp_path, text))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("given", ["fasst", "Fast", "nowhere/fast.yaml"])
def test_a_recipe_that_does_not_exist_is_named(given: str) -> None:
    with pytest.raises(QuantizationError, match=rf"{given}.*(did you mean fast|can't be read)"):
        load_recipe(given)
