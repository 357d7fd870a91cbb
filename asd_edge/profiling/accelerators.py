"""A model.tflite and an accelerator -> how much of the network it takes, and in what time.

Ethos-U: Vela compiles the file and estimates its cycles. Edge TPU: by the list of what Google's compiler maps, which
stops at the first other operator; the rest stays on the core. Its time lies between the peak rate and the rate of a
published network. Either time is that of the mapped part alone.
"""

from math import prod, sqrt
from pathlib import Path

from asd_edge.boards import Board
from asd_edge.export.read_tflite import read_tflite
from asd_edge.export.targets.edge_tpu_rules import apply_rules
from asd_edge.export.targets.ethos_u import ACCELERATOR as ETHOS_U
from asd_edge.export.targets.ethos_u import MISSING, ask_vela, find_vela
from asd_edge.export.targets.report import Verdict
from asd_edge.graph.graph import Graph
from asd_edge.graph.ops import Conv2D, DepthwiseConv2D, FullyConnected, Op
from asd_edge.profiling.profile_record import ESTIMATED, Accelerator, Figure

EDGE_TPU, NONE = "Edge TPU", "none"
# MobileNet v2 at almost 400 frames per second (Coral documentation, frequently asked questions), 300 M multiply-adds
# per frame (Sandler et al. 2018, table 4).
PUBLISHED_MACS_PER_S = 400 * 300e6


def estimate_accelerator(board: Board, tflite: Path) -> Accelerator | None:
    """None: the board has none, or nobody says which."""
    name = board.facts.accelerator.value
    if name in (None, NONE):
        return None
    graph = read_tflite(tflite)
    if name == EDGE_TPU:
        return _edge_tpu(graph, board.facts.accelerator_macs_per_s.value)
    if name == ETHOS_U:
        return _ethos_u(tflite, graph, board.facts.accelerator_clock_hz.value)
    how = f"asd-edge has no model of it; it has one of {ETHOS_U} and of {EDGE_TPU}"
    return Accelerator(str(name), how, None, None, 0, len(graph.ops), 0.0)


def op_macs(graph: Graph, op: Op) -> int:
    """Of one window."""
    if not isinstance(op, (Conv2D, DepthwiseConv2D, FullyConnected)):
        return 0
    weights, outputs = graph.tensors[op.inputs[1]].shape, prod(graph.tensors[op.output].shape)
    taps = prod(weights[1:3]) if isinstance(op, DepthwiseConv2D) else prod(weights[1:])
    return outputs * taps


def _edge_tpu(graph: Graph, peak_macs_per_s: float | None) -> Accelerator:
    verdict = apply_rules(graph)
    macs = [op_macs(graph, op) for op in graph.ops]
    mapped = sum(macs[: verdict.n_on])
    time = None
    if peak_macs_per_s is not None and mapped:
        low, high = (1000.0 * mapped / rate for rate in (peak_macs_per_s, PUBLISHED_MACS_PER_S))
        how = "mapped MACs between the peak rate and that of MobileNet v2 at 400 frames per second; middle"
        time = Figure(sqrt(low * high), ESTIMATED, how, low, high)
    first = f"; the first that isn't mapped: {verdict.off[0].name}, {verdict.off[0].reason}" if verdict.off else ""
    left = len(graph.ops) - verdict.n_on
    how = f"by {verdict.judge}{first}"
    return Accelerator(EDGE_TPU, how, time, None, verdict.n_on, left, mapped / max(sum(macs), 1))


def _ethos_u(tflite: Path, graph: Graph, clock_hz: int | None) -> Accelerator:
    program = find_vela()
    if program is None:
        return Accelerator(ETHOS_U, MISSING, None, None, 0, len(graph.ops), None)
    verdict = ask_vela(program, tflite, len(graph.ops))
    n_off = sum(off.count for off in verdict.off)
    reasons = "".join(f"; {off.count} {off.name}: {off.reason}" for off in verdict.off)
    how = f"{verdict.judge}{reasons}"
    return Accelerator(
        ETHOS_U,
        how,
        _vela_time(verdict, clock_hz),
        round(verdict.figures["sram_bytes"]) if "sram_bytes" in verdict.figures else None,
        verdict.n_on,
        n_off,
        None if n_off else 1.0,
    )


def _vela_time(verdict: Verdict, clock_hz: int | None) -> Figure | None:
    """Vela's cycles at the accelerator's own clock; None: one of the two isn't known."""
    cycles = verdict.figures.get("cycles")
    if cycles is None or clock_hz is None:
        return None
    how = f"{cycles:,.0f} cycles by {verdict.judge} at {clock_hz / 1e6:g} MHz; band: none known, Arm names no error"
    return Figure(1000.0 * cycles / clock_hz, ESTIMATED, how)
