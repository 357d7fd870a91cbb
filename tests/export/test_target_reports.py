"""What the targets' tools and rules say of a file: read from Vela and LiteRT themselves, and from a compiler's log."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

from asd_edge.errors import WorkDirectoryError
from asd_edge.export.targets import edge_tpu_rules
from asd_edge.export.targets.edge_tpu_compiler import ask_compiler, read_log
from asd_edge.export.targets.edge_tpu_rules import BEHIND, RULES, apply_rules, edge_tpu_operators
from asd_edge.export.targets.ethos_u import ask_vela, read_refusals
from asd_edge.export.targets.litert import ask_litert
from asd_edge.export.targets.report import (
    FORMAT,
    OffOperator,
    TargetReport,
    Verdict,
    load_report,
    report_lines,
    report_text,
)
from asd_edge.export.targets.target import CORAL, lower_for_target
from asd_edge.export.tflite_operators import OPERATORS, RELUS, builtin_name
from asd_edge.export.write_tflite import float_tflite_bytes, tflite_bytes
from asd_edge.graph.ops import Activation
from asd_edge.graph.passes import run_float_passes
from tests.export.int8_graphs import every_operator, quantized
from tests.export.test_target import activated
from tests.graph.small_graphs import GraphBuilder
from tests.oracles import vela_program

NOT_ON_THE_LIST = {"ELU", "LEAKY_RELU"}


def builder(time: int = 9, mel: int = 8, channels: int = 3) -> GraphBuilder:
    return GraphBuilder(np.random.default_rng(6), x=(1, time, mel, channels))


def test_all_of_a_lowered_network_is_mapped_and_of_another_what_stands_before_its_first_elu() -> None:
    lowered = quantized(lower_for_target(activated(), CORAL))
    verdict = apply_rules(lowered)
    assert (verdict.n_on, verdict.off) == (len(lowered.ops), ())
    assert verdict.figures == {"partitions": 1, "oldest_runtime": 0}

    kept = quantized(activated())
    verdict = apply_rules(kept)
    assert verdict.off[0] == OffOperator("ELU", 1, "not on the list")
    assert {entry.reason for entry in verdict.off[1:]} == {BEHIND}
    assert verdict.n_on + sum(entry.count for entry in verdict.off) == len(kept.ops)
    assert verdict.figures == {"partitions": 1, "oldest_runtime": 13}  # its PRELU


REFUSED: dict[str, tuple[Callable[[GraphBuilder], str], str]] = {
    "softmax over a map": (lambda build: build.softmax(build.conv("x", 4)), "SOFTMAX"),
    "elu first of all": (lambda build: build.unary("elu", "x"), "ELU"),
    "leaky relu": (lambda build: build.leaky_relu(build.conv("x", 4), 0.25), "LEAKY_RELU"),
}
MAPPED: dict[str, Callable[[GraphBuilder], str]] = {
    "softmax over a vector": lambda build: build.softmax(build.mean(build.conv("x", 4), (1, 2))),
    "vector of a fully connected layer": lambda build: build.fully_connected("x", 4, Activation.RELU),
    "fused relu": lambda build: build.conv("x", 4, activation=Activation.RELU),
    "concatenation and maximum": lambda build: build.maximum(build.concat(["x", "x"]), build.concat(["x", "x"])),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    build, operator = builder(), REFUSED[name]
    graph = quantized(build.graph(operator[0](build)))
    verdict = apply_rules(graph)
    assert [entry.name for entry in verdict.off] == [operator[1]]
    assert verdict.figures["partitions"] == (0 if len(graph.ops) == 1 else 1)


@pytest.mark.parametrize("name", MAPPED)
def test_mapped(name: str) -> None:
    build = builder()
    graph = quantized(build.graph(MAPPED[name](build)))
    assert apply_rules(graph).off == ()


def test_every_operator_that_we_write_is_judged_by_name() -> None:
    """An operator is on the list or known not to be: none is refused for a name misspelt in the table."""
    written = {builtin_name(operator.code) for operator in (*OPERATORS.values(), *RELUS.values())}
    assert written - set(edge_tpu_operators()) == NOT_ON_THE_LIST
    rules = {entry.rule for entry in edge_tpu_operators().values()} - {None}
    assert rules == set(RULES)
    source = yaml.safe_load(edge_tpu_rules._TABLE.read_text(encoding="utf-8"))["source"]
    assert source["address"].startswith("https://coral.ai/")


def test_a_row_that_was_compared_with_no_published_copy_counts_as_not_mapped() -> None:
    build = builder()
    graph = quantized(build.graph(MAPPED["fused relu"](build)))
    unknown = {name for name, entry in edge_tpu_operators().items() if not entry.compared}
    assert unknown == {"RSQRT", "SQUARED_DIFFERENCE", "SUM", "TRANSPOSE", "TRANSPOSE_CONV"}
    for name in unknown:
        assert edge_tpu_rules._refusal(graph, graph.ops[0], name) == edge_tpu_rules.NOT_COMPARED
    assert edge_tpu_rules._refusal(graph, graph.ops[0], "CONV_2D") is None


# Composed for this test in the format that Google documents; no compiler wrote it.
COMPOSED_LOG = """Edge TPU Compiler version 16.0.384591198
Started a compilation timeout timer of 180 seconds.

Model compiled successfully in 812 ms.

Input model: model.tflite
Number of Edge TPU subgraphs: 1
Total number of operations: 12
Operation log: model_edgetpu.log

Operator                       Count      Status

ELU                            1          Operation not supported
CONV_2D                        5          Mapped to Edge TPU
CONV_2D                        2          More than one subgraph is not supported
DEPTHWISE_CONV_2D              3          Mapped to Edge TPU
RELU_N1_TO_1                   1          Operation is otherwise supported, but not mapped due to some unspecified limitation
Compilation child process completed within timeout period.
"""  # noqa: E501


def test_a_compilers_log_is_read_row_by_row() -> None:
    verdict = read_log(COMPOSED_LOG)
    assert verdict.judge == "edgetpu_compiler 16.0.384591198"
    assert (verdict.n_on, verdict.figures) == (8, {"partitions": 1})
    assert [(entry.name, entry.count) for entry in verdict.off] == [("ELU", 1), ("CONV_2D", 2), ("RELU_N1_TO_1", 1)]
    assert verdict.off[1].reason == "More than one subgraph is not supported"


@pytest.mark.parametrize(
    ("script", "n_on", "n_off"),
    [(f"cat <<'LOG'\n{COMPOSED_LOG}LOG\n", 8, 4), ("echo 'Invalid model: model.tflite'; exit 1\n", 0, 12)],
)
def test_a_program_on_the_path_is_run_and_its_failure_reported(
    script: str, n_on: int, n_off: int, tmp_path: Path
) -> None:
    program = tmp_path / "edgetpu_compiler"
    program.write_text(f"#!/bin/sh\n{script}")
    program.chmod(0o755)
    verdict = ask_compiler(program, tmp_path / "model.tflite", 12)
    assert (verdict.n_on, sum(entry.count for entry in verdict.off)) == (n_on, n_off)
    if not n_on:
        assert "Invalid model" in verdict.off[0].reason


def test_vela_is_asked_and_its_refusals_are_named(tmp_path: Path) -> None:
    program = vela_program()
    if program is None:
        pytest.skip("Vela is not installed (extra verify)")
    build = GraphBuilder(np.random.default_rng(6), x=(1, 40, 1, 4))
    output = build.conv(build.depthwise("x", (16, 1), (8, 1)), 4)  # no stride of 8 on an Ethos-U
    model = tmp_path / "model.tflite"
    model.write_bytes(tflite_bytes(quantized(build.graph(output))))
    verdict = ask_vela(program, model, 2)
    assert [(entry.name, entry.count) for entry in verdict.off] == [("DEPTHWISE_CONV_2D", 1)]
    assert "stride" in verdict.off[0].reason
    assert verdict.n_on == 1
    assert verdict.figures["cycles"] > 0
    assert verdict.figures["sram_bytes"] > 0

    model.write_bytes(b"no model")
    verdict = ask_vela(program, model, 2)
    assert (verdict.n_on, verdict.off[0].count, verdict.figures) == (0, 2, {})


def test_operators_that_vela_counts_but_does_not_name_are_not_lost() -> None:
    assert read_refusals("CPU operators = 2 (50.0%)\nNPU operators = 2 (50.0%)\n") == (
        OffOperator("unnamed", 2, "Vela says no more"),
    )


def test_litert_names_the_operators_outside_its_delegate() -> None:
    build = builder(16, 12, 4)
    x = build.prelu(build.conv("x", 8, (3, 3)))
    float_graph = run_float_passes(build.graph(build.conv(build.unary("elu", build.conv(x, 8)), 4)))
    verdict = ask_litert(tflite_bytes(quantized(float_graph)), float_tflite_bytes(float_graph))
    assert [(entry.name, entry.count) for entry in verdict.off] == [("PRELU", 1)]
    assert (verdict.n_on, verdict.figures["partitions"]) == (4, 2)
    assert verdict.figures["int8_ms"] > 0
    assert verdict.figures["float_ms"] > 0


def test_report_is_read_as_it_was_written_and_shows_every_fact(tmp_path: Path) -> None:
    off = (OffOperator("ELU", 2, "not on the list"),)
    report = TargetReport(FORMAT, "coral", (Verdict("rules", 12, off, {"partitions": 1}),), ("a compiler",))
    path = tmp_path / "target.json"
    path.write_text(report_text(report))
    assert load_report(path) == report
    assert list(report_lines(report)) == [
        "coral by rules: 12 operators on the accelerator, 2 on the CPU",
        "  on the CPU: 2 ELU (not on the list)",
        "  partitions 1",
        "coral: not asked: a compiler",
    ]
    path.write_text("{}")
    with pytest.raises(WorkDirectoryError, match=r"target\.json: missing or damaged"):
        load_report(path)


def test_graph_of_every_operator_is_judged_without_an_error() -> None:
    verdict = apply_rules(every_operator())
    assert verdict.n_on > 3
    assert verdict.off[0].name == "ELU"
