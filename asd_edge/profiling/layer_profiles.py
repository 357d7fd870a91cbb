"""Plan and counts -> one row per part of the firmware: front end, scheduler, scorer and every step of the network."""

from asd_edge.compiler.plan_report import PlanReport, StepReport
from asd_edge.profiling.count_instructions import PARTS, EmulatedCounts
from asd_edge.profiling.profile_record import Figure, LayerProfile

FRONT_END, SCHEDULER, SCORER = PARTS
NETWORK = "network"


def layer_profiles(
    report: PlanReport, counts: EmulatedCounts | None, cycles: Figure | None, clock_hz: int | None
) -> tuple[LayerProfile, ...]:
    """In the firmware's order. Without counts, a step runs as often as the plan says."""
    if counts is None:
        return tuple(_planned(report, step) for step in report.steps)
    others = [StepReport(name, "", "", 0, 0, 0, 0, 0.0, 0) for name in PARTS]
    rows = []
    for step, part in zip([*others, *report.steps], counts.parts, strict=True):
        n_cycles = None if cycles is None else part.instructions * cycles.value
        rows.append(
            LayerProfile(
                name=step.name,
                op=step.op,
                runs=part.count,
                macs=part.count * step.macs,
                weights_bytes=step.constant_bytes,
                state_bytes=step.state_bytes,
                instructions=part.instructions,
                cycles=n_cycles,
                ms=None if n_cycles is None or clock_hz is None else 1000.0 * n_cycles / clock_hz,
            )
        )
    return tuple(rows)


def part_profiles(layers: tuple[LayerProfile, ...]) -> tuple[LayerProfile, ...]:
    """Front end, network (scheduler and steps) and scorer; the network alone where nothing was counted."""
    alone = [layer for layer in layers if layer.name in (FRONT_END, SCORER)]
    network = _sum(NETWORK, [layer for layer in layers if layer not in alone])
    return (network,) if not alone else (alone[0], network, alone[1])


def total_profile(layers: tuple[LayerProfile, ...]) -> LayerProfile:
    """Of the whole clip."""
    return _sum("total", list(layers))


def _planned(report: PlanReport, step: StepReport) -> LayerProfile:
    runs = round(report.window_columns / step.hops_per_firing)
    return LayerProfile(
        step.name, step.op, runs, runs * step.macs, step.constant_bytes, step.state_bytes, None, None, None
    )


def _sum(name: str, layers: list[LayerProfile]) -> LayerProfile:
    counted = [layer.instructions for layer in layers if layer.instructions is not None]
    cycles = [layer.cycles for layer in layers if layer.cycles is not None]
    ms = [layer.ms for layer in layers if layer.ms is not None]
    return LayerProfile(
        name,
        "",
        sum(layer.runs for layer in layers),
        sum(layer.macs for layer in layers),
        sum(layer.weights_bytes for layer in layers),
        sum(layer.state_bytes for layer in layers),
        sum(counted) if counted else None,
        sum(cycles) if cycles else None,
        sum(ms) if ms else None,
    )
