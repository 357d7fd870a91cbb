"""A model image -> what a reader wants to know of its plan: per step and in all, as a table and as JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from rich import box
from rich.table import Table
from rich.text import Text

from asd_edge.compiler.image_records import ARCFACE_KIND
from asd_edge.compiler.read_image import ModelImage, Record, printable
from asd_edge.compiler.schedule import greatest_lag, tick_costs
from asd_edge.compiler.simulate import PASSES, Timeline, simulate
from asd_edge.compiler.step_cost import step_macs
from asd_edge.compiler.stream_graph import ACCUMULATING, StepOp, StreamGraph
from asd_edge.errors import ImageError


@dataclass(frozen=True)
class StepReport:
    """Bytes of arena that only this step's output uses, of scratch and of constants; MACs of one firing."""

    name: str
    op: str
    kernels: str
    state_bytes: int
    scratch_bytes: int
    constant_bytes: int
    macs: int
    hops_per_firing: float
    delay: int  # hops


@dataclass(frozen=True)
class PlanReport:
    """Totals in bytes and multiply-accumulates; a tick is a hop."""

    core: str
    is_endless: bool
    kind: str
    image_bytes: int
    arena_bytes: int
    window_columns: int
    is_streamed: bool
    macs_per_period: int
    mean_tick_macs: float
    worst_tick_macs: int
    lag_hops: float  # by which a core that just keeps up with the mean tick's instructions falls behind at most
    latency_ticks: int  # from the last column that an output needs to the output
    source_sha256: str
    steps: tuple[StepReport, ...]


def plan_report(image: ModelImage) -> PlanReport:
    """Of an image that the device would accept. Raises ImageError for one whose steps never keep up, CompilerError for
    one that takes too long to simulate.
    """
    graph = image.stream_graph()
    timeline = simulate(graph, image.delays(), image.is_endless)
    if not timeline.is_steady:
        raise ImageError("its steps fall behind its input; compile the model again")
    macs = [step_macs(graph, step) for step in graph.steps]
    ticks = np.zeros(timeline.period_ticks, np.int64)
    for index, amount in enumerate(macs):
        at = timeline.period_moments(index) // PASSES % timeline.period_ticks
        ticks += amount * np.bincount(at, minlength=timeline.period_ticks)
    return PlanReport(
        image.core.name.lower(),
        image.is_endless,
        _kind(image),
        len(image.content),
        int(image.header["arena_bytes"]),
        graph.window_columns,
        graph.is_streamed,
        int(ticks.sum()),
        float(ticks.mean()),
        int(ticks.max()),
        round(greatest_lag(tick_costs(graph, timeline)), 6),
        latency_ticks(graph, timeline, image.is_endless),
        bytes(image.header["source_sha256"]).hex(),
        tuple(_step_reports(image, graph, timeline, macs)),
    )


def _kind(image: ModelImage) -> str:
    if image.detector is None:
        return "network"
    return "arcface" if image.detector["kind"] == ARCFACE_KIND else "reconstruction"


def latency_ticks(graph: StreamGraph, timeline: Timeline, is_endless: bool) -> int:
    """From the tick whose column is the last that the newest output needs to the tick of that output."""
    undelayed = simulate(graph, {}, is_endless)
    newest, at_once = timeline.produced[graph.output], undelayed.produced[graph.output]
    n = min(len(newest), len(at_once))
    return int(newest[n - 1] // PASSES - at_once[n - 1] // PASSES)


def report_content(report: PlanReport) -> Mapping[str, object]:
    """As JSON."""
    return asdict(report)


def plan_table(report: PlanReport) -> Table:
    """One row per step."""
    table = Table("step", box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    table.title = f"Plan for {report.core}: bytes, multiply-accumulates per firing, hops"
    for name in ("operator", "kernels", "state", "scratch", "constants", "MACs", "every", "delay"):
        table.add_column(name, justify="left" if name in ("operator", "kernels") else "right", no_wrap=True)
    for step in report.steps:
        sizes = (step.state_bytes, step.scratch_bytes, step.constant_bytes, step.macs)
        every = f"{step.hops_per_firing:g}"
        shown = Text(printable(step.name))  # brackets in it are no markup
        table.add_row(shown, step.op, step.kernels, *(f"{n:,}" for n in sizes), every, str(step.delay))
    return table


def summary_lines(report: PlanReport) -> list[str]:
    """Totals in words."""
    ratio = report.worst_tick_macs / report.mean_tick_macs if report.mean_tick_macs else 1.0
    way = "column by column" if report.is_streamed else "in part on whole tensors"
    mode = "a stream without end" if report.is_endless else f"windows of {report.window_columns} columns"
    return [
        f"{mode}, {way}: image {report.image_bytes:,} bytes, arena {report.arena_bytes:,} bytes",
        f"{report.mean_tick_macs / 1e6:.3f} M MACs per hop, worst hop {report.worst_tick_macs / 1e6:.3f} M "
        f"({ratio:.2f} times the mean), output {report.latency_ticks} hops after its last column",
    ]


def _step_reports(image: ModelImage, graph: StreamGraph, timeline: Timeline, macs: list[int]) -> list[StepReport]:
    own = _own_bytes(image)
    hops = dict.fromkeys(graph.inputs, 1.0) | {
        step.output: round(timeline.period_ticks / n, 3)
        for step, n in zip(graph.steps, timeline.n_per_period, strict=True)
    }
    macs_by_output = {step.output: n for step, n in zip(graph.steps, macs, strict=True)}
    reports = []
    for name, record in zip(image.step_names, image.steps, strict=True):
        output = image.tensor_names[record["output"]]
        is_store = record["op"] == StepOp.STORE
        tensor = image.tensors[record["output"]]
        n_sums = int(record["n_accumulators"]) * int(tensor["n_mels"]) * int(tensor["n_channels"])
        reports.append(
            StepReport(
                name,
                StepOp(int(record["op"])).name.lower(),
                ("generic", "dsp", "mve")[record["layout"]],
                0 if is_store else own[output] + (4 * n_sums if record["op"] in ACCUMULATING else 0),
                int(record["scratch_bytes"]),
                _constant_bytes(image, record),
                0 if is_store else macs_by_output[output],
                hops[output],
                int(record["delay"]),
            )
        )
    return reports


def _constant_bytes(image: ModelImage, record: Record) -> int:
    n_bytes = int(record["weights_bytes"]) + int(record["table_bytes"])
    if record["weights_bytes"]:
        n_channels = int(image.tensors[record["output"]]["n_channels"])
        n_bytes += n_channels * (4 + (8 if record["rounding"] else 4) + 1)
    return n_bytes


def _own_bytes(image: ModelImage) -> dict[str, int]:
    """By tensor: bytes of its ring if nothing else in the arena shares them."""
    regions: list[tuple[int, int, str]] = []
    for name, tensor in zip(image.tensor_names, image.tensors, strict=True):
        column = (int(tensor["n_mels"]) * int(tensor["n_channels"]) + 3) // 4 * 4
        regions.append((int(tensor["ring_offset"]), int(tensor["depth"]) * column, name))
        if tensor["is_apart"]:
            regions.append((int(tensor["newest_offset"]), column, ""))
    regions += [(int(s["scratch_offset"]), int(s["scratch_bytes"]), "") for s in image.steps if s["scratch_bytes"]]
    own = {}
    for index, (start, size, name) in enumerate(regions):
        others = (other for at, other in enumerate(regions) if at != index)
        if name:
            is_shared = any(start < o_start + o_size and o_start < start + size for o_start, o_size, _ in others)
            own[name] = 0 if is_shared else size
    return own
