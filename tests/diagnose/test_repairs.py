"""Planted faults rank first and name their repair; the table of rules, evidence by evidence."""

from dataclasses import replace

import numpy as np
import pytest

from asd_edge.diagnose.advice import advise, rank
from asd_edge.diagnose.diagnosis import Damage, LayerDiagnosis
from asd_edge.diagnose.layer_noise import Evidence
from asd_edge.diagnose.mixed_network import MixedNetwork
from asd_edge.diagnose.repairs import RULES, LayerFacts, find_repair
from asd_edge.graph.graph import Graph, Tensor
from asd_edge.graph.ops import Logistic
from tests.diagnose.planted import SHIPPED_STEPS, diagnosed, measured, quantized, tower

TOWER = tower()
CALM = Evidence(0.1, 0.0, 0.0, 0.9, 0.0, 0.9, 2.0)
BEFORE_DEPTHWISE, BEFORE_CONV, INPUT = "t2", "t1", "log_mel"


def worst_of(int8_graph: Graph, steps: tuple[str, ...] = SHIPPED_STEPS) -> LayerDiagnosis:
    layers = diagnosed(TOWER, int8_graph, steps)
    return layers[rank(tuple(layers.values()))[0]]


@pytest.mark.parametrize("layer", ["t2", "t4", "t6"])
def test_a_scale_ten_times_too_wide_ranks_first_and_names_another_observer(layer: str) -> None:
    worst = worst_of(quantized(TOWER, {layer: 10.0}))
    assert (worst.name, worst.repair.step) == (layer, "observe: output")
    assert worst.evidence.range_used == pytest.approx(0.1, rel=0.1)
    assert "its range is too wide" in worst.repair.why


@pytest.mark.parametrize(
    ("steps", "repair"),
    [
        (SHIPPED_STEPS, "calibration_clips"),
        (("equalize_channels", "observe: percentile"), "observe: min_max"),
    ],
)
def test_a_clipped_range_ranks_first_and_names_a_wider_one(steps: tuple[str, ...], repair: str) -> None:
    worst = worst_of(quantized(TOWER, {"t4": 0.2}), steps)
    assert (worst.name, worst.repair.step) == ("t4", repair)
    assert worst.evidence.clipping_share is not None
    assert worst.evidence.clipping_share > 0.9
    assert "outside its range on normal clips" in worst.repair.why


def test_coarse_weights_rank_first_and_name_their_rounding() -> None:
    int8 = quantized(TOWER)
    (op,) = (op for op in int8.ops if op.output == "t6")
    weights = int8.tensors[op.inputs[1]]
    assert weights.values is not None
    coarse = np.rint(weights.values.astype(np.float64) / 32) * 32  # three bits are left
    tensors = {**int8.tensors, weights.name: replace(weights, values=coarse.astype(np.int8))}
    worst = worst_of(replace(int8, tensors=tensors))
    assert (worst.name, worst.repair.step) == ("t6", "round_weights")


def test_a_bias_that_is_off_names_bias_correction() -> None:
    int8 = quantized(TOWER)
    (op,) = (op for op in int8.ops if op.output == "t6")
    bias = int8.tensors[op.inputs[2]]
    assert bias.values is not None
    off = replace(
        bias, values=(bias.values.astype(np.int64) + 4 * int(np.abs(bias.values).max()) // 10).astype(np.int32)
    )
    worst = worst_of(replace(int8, tensors={**int8.tensors, bias.name: off}), ("observe: min_max",))
    assert (worst.name, worst.repair.step) == ("t6", "correct_biases")


def test_what_is_planted_is_gone_without_the_layer() -> None:
    network = MixedNetwork(TOWER, quantized(TOWER, {"t4": 10.0}))
    found = measured(network)
    assert found.layers["t4"].all_but.error < 0.2 * found.int8.error
    assert found.layers["t1"].all_but.error > 0.8 * found.int8.error
    assert found.layers["t4"].alone.error > 0.5 * found.int8.error


@pytest.mark.parametrize(
    ("name", "changes", "step"),
    [
        (INPUT, {"range_used": 0.4}, "rescale_concatenations"),
        (BEFORE_CONV, {"range_used": 0.4}, "distil"),
        (BEFORE_CONV, {"range_used": 0.2}, "observe: output"),
        (BEFORE_CONV, {"clipping_share": 0.3, "rounding_share": 0.6, "clipped_values": 0.01}, "observe: min_max"),
        (BEFORE_DEPTHWISE, {"channel_ratio": 8.0}, "equalize_channels"),
        ("t5", {"channel_ratio": 8.0}, "equalize_layers"),
        (INPUT, {"channel_ratio": 8.0}, "distil"),
        (BEFORE_CONV, {"weights_share": 0.6, "rounding_share": 0.4}, "round_weights"),
        (BEFORE_CONV, {"weights_share": 0.6, "mean_share": 0.3, "rounding_share": 0.4}, "correct_biases"),
        (BEFORE_CONV, {}, "distil"),
    ],
)
def test_the_first_rule_that_applies_names_the_step(name: str, changes: dict[str, float], step: str) -> None:
    found = find_repair(LayerFacts(name, quantized(TOWER), replace(CALM, **changes)), ())
    assert (found.step, found.in_recipe) == (step, ())
    assert found.why


def test_a_step_of_the_recipe_gives_way_to_the_next() -> None:
    facts = LayerFacts(BEFORE_DEPTHWISE, quantized(TOWER), replace(CALM, channel_ratio=8.0, mean_share=0.3))
    steps = tuple(rule.step for rule in RULES if rule.step != "observe: output")
    assert find_repair(facts, steps[:4]).step == "equalize_channels"
    assert find_repair(facts, steps[:5]).step == "correct_biases"
    assert find_repair(facts, steps[:5]).in_recipe == ("equalize_channels",)
    last = find_repair(facts, steps[:-1])
    assert (last.step, last.in_recipe) == ("distil", ("equalize_channels", "correct_biases", "correct_biases_in_order"))


def test_weights_that_distillation_moved_are_not_called_rounded() -> None:
    facts = LayerFacts(BEFORE_CONV, quantized(TOWER), replace(CALM, weights_share=0.9, mean_share=0.5))
    assert find_repair(facts, ()).step == "correct_biases"
    assert find_repair(facts, ("distil",)).step == "distil"


def test_ranges_that_were_cut_for_the_output_are_not_called_too_narrow() -> None:
    clipped = replace(CALM, clipping_share=0.6, rounding_share=0.4, clipped_values=0.01)
    facts = LayerFacts(BEFORE_CONV, quantized(TOWER), clipped)
    assert find_repair(facts, ("observe: mse",)).step == "observe: min_max"
    assert find_repair(facts, ("observe: output",)).step == "distil"
    dropped = ("observe: output", "observe: min_max")
    assert find_repair(facts, dropped).step == "calibration_clips"


def test_an_input_has_its_observed_range_whatever_the_output_chose() -> None:
    clipped = replace(CALM, clipping_share=0.6, rounding_share=0.4, clipped_values=0.01)
    int8 = quantized(TOWER)
    name = int8.inputs[0]
    assert find_repair(LayerFacts(name, int8, clipped), ("observe: output",)).step == "observe: min_max"
    wide = replace(CALM, range_used=0.1)
    assert find_repair(LayerFacts(name, int8, wide), ("rescale_concatenations",)).step == "calibration_clips"


def test_biases_that_the_choice_of_ranges_corrected_are_corrected_in_order_next() -> None:
    facts = LayerFacts(BEFORE_CONV, quantized(TOWER), replace(CALM, mean_share=0.5))
    assert find_repair(facts, ("observe: output",)).step == "correct_biases_in_order"


def test_a_fixed_scale_is_called_neither_too_wide_nor_too_narrow() -> None:
    tensors = {name: Tensor(name, (1, 4, 4, 2), "int8") for name in ("x", "y")}
    graph = Graph(tensors, (Logistic(("x",), "y"),), ("x",), ("y",))
    for changes in ({"range_used": 0.01}, {"clipping_share": 0.6, "rounding_share": 0.4}):
        assert find_repair(LayerFacts("y", graph, replace(CALM, **changes)), ()).step == "distil"


def test_advice_names_the_layer_that_stands_out_else_the_step_for_all() -> None:
    layers = tuple(diagnosed(TOWER, quantized(TOWER, {"t4": 10.0}), SHIPPED_STEPS).values())
    int8 = measured(MixedNetwork(TOWER, quantized(TOWER, {"t4": 10.0}))).int8
    advice = advise(int8, layers, rank(layers))
    assert advice.startswith("t4 alone makes ")
    assert "Next: observe: output, because its values span " in advice
    alike = tuple(replace(layer, alone=int8, all_but=int8) for layer in layers)
    assert "no layer stands out" in advise(int8, alike, rank(alike))
    assert "Next: distil" in advise(int8, alike, rank(alike))
    exact = Damage(1.0, 1.0, 0.0, 0.0, 0.0, 0.0)
    assert advise(exact, layers, rank(layers)).endswith("there is nothing to repair")
