"""A profile -> the table of its layers and the lines that say everything else, each figure with its method and band."""

from collections.abc import Iterator

from rich import box
from rich.table import Table
from rich.text import Text

from asd_edge.compiler.check_budget import HOP_BYTES
from asd_edge.compiler.read_image import printable
from asd_edge.export.targets.ethos_u import ACCELERATOR as ETHOS_U
from asd_edge.profiling.accelerators import EDGE_TPU
from asd_edge.profiling.layer_profiles import total_profile
from asd_edge.profiling.profile_record import (
    LAYER_METHODS,
    Accelerator,
    Figure,
    HeldAgainst,
    HostRun,
    HostState,
    LayerProfile,
    Profile,
)

UNKNOWN = "unknown"
FIRMWARE_AUDIO_SAMPLES = 4096  # ROOM_SAMPLES of firmware/apps/detector/detector.c
_FIRMWARE_HOPS = FIRMWARE_AUDIO_SAMPLES * 2 // HOP_BYTES
_EXPORT_TARGETS = {EDGE_TPU: "coral", ETHOS_U: "ethos-u"}


def layer_table(profile: Profile) -> Table:
    """One row per part of the firmware, then front end, network, scorer and all of it."""
    clock = "" if profile.clock_hz is None else f" at {profile.clock_hz / 1e6:g} MHz"
    table = Table("layer", box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    table.title = f"{profile.board}: {profile.core}{clock}; one clip of {profile.clip_seconds:g} s"
    marked = [f"{name}\n({LAYER_METHODS[name]})" for name in ("instructions", "cycles", "ms")]
    for name in ("operator", "runs", "MACs", "weights", "state", *marked):
        table.add_column(name, justify="left" if name == "operator" else "right", no_wrap=True)
    for layer in profile.layers:
        table.add_row(*_cells(layer))
    table.add_section()
    for layer in (*profile.parts, total_profile(profile.layers)):
        table.add_row(*_cells(layer))
    return table


def profile_lines(profile: Profile) -> list[str]:
    """Totals in words."""
    hop = f"of {profile.hop_limit:g} ms"
    cell = f"{profile.cell.mah:g} mAh, {profile.cell.volts:g} V"
    lines = [
        _line("cycles per instruction", profile.cycles_per_instruction, ".3f"),
        _line("instructions per clip", profile.instructions, ",.0f"),
        _line("time per clip, ms", profile.clip_ms, ",.1f"),
        *_estimate_lines(profile),
        _line("real-time factor", profile.real_time_factor, ".3f"),
        _line(f"mean hop, ms {hop}", profile.mean_hop, ".2f"),
        _line(f"worst hop, ms {hop}", profile.worst_hop, ".2f"),
        _line(f"RAM, bytes {_of(profile.ram_limit)}", profile.ram, ",.0f"),
        _line("stack used, bytes of it", profile.stack, ",.0f"),
        _line(f"flash, bytes {_of(profile.flash_limit)}", profile.flash, ",.0f"),
        _line("energy per clip, mJ", profile.clip_energy, ",.1f"),
        _line("duty cycle", profile.duty_cycle, ".3f"),
        _line(f"battery life, hours ({cell})", profile.battery_hours, ",.1f"),
    ]
    if profile.held_against is not None:
        lines.append(_held_against_line(profile.held_against))
    if profile.host_run is not None:
        lines += _host_lines(profile.host_run)
    if profile.accelerator is not None:
        lines += _accelerator_lines(profile.accelerator)
    return [*lines, *_verdict(profile), f"by {profile.runtime}"]


def _cells(layer: LayerProfile) -> tuple[str | Text, ...]:
    sizes = (layer.macs, layer.weights_bytes, layer.state_bytes)
    counts = tuple("" if count is None else f"{count:,.0f}" for count in (layer.instructions, layer.cycles))
    ms = "" if layer.ms is None else f"{layer.ms:,.2f}"
    return (Text(printable(layer.name)), layer.op, f"{layer.runs:,}", *(f"{n:,}" for n in sizes), *counts, ms)


def _line(name: str, figure: Figure | None, form: str) -> str:
    if figure is None:
        return f"{name}: {UNKNOWN}"
    band = "" if figure.low is None or figure.high is None else f" [{figure.low:{form}} to {figure.high:{form}}]"
    return f"{name}: {figure.value:{form}}{band}, {figure.method}: {figure.how}"


def _of(limit: int | None) -> str:
    return "(limit unknown)" if limit is None else f"of {limit:,}"


def _accelerator_lines(found: Accelerator) -> Iterator[str]:
    mapped = f"{found.ops_mapped} of {found.ops_mapped + found.ops_left} operators"
    share = "" if found.macs_mapped is None else f", {100 * found.macs_mapped:.1f} % of the MACs"
    yield f"{found.name}: takes {mapped}{share}: {found.how}"
    what = "the mapped part only" if found.ops_left else "all of the network"
    yield _line(f"network on {found.name}, {what}, ms per clip", found.network_ms, ",.3f")
    if found.sram_bytes is not None:
        yield f"its SRAM, bytes: {found.sram_bytes:,}"
    target = _EXPORT_TARGETS.get(found.name)
    advice = "" if target is None else f"; asd-edge export --target {target} rewrites the network for it"
    yield f"the figures above don't use it: time, real-time factor and energy are the core's alone{advice}"


def _estimate_lines(profile: Profile) -> Iterator[str]:
    """Beside a measured time: how good the estimate was, or why there is none."""
    if profile.not_counted is not None:
        yield f"instructions not counted, so no estimate beside the measured time: {profile.not_counted}"
    if (found := profile.estimate) is not None:
        yield _line("the same by estimate, ms", found.clip_ms, ",.1f")
        where = "within" if found.is_in_band else "outside"
        yield f"measured over estimated: {found.measured_over_estimated:.2f}, {where} the estimate's band"


def _host_lines(found: HostRun) -> Iterator[str]:
    if found.network_ms is None:
        yield f"network in a TFLite runtime on {found.host}, ms per clip: not measured, {found.network}"
    else:
        yield _line(f"network in {found.network}, ms per clip", found.network_ms, ",.1f")
    yield f"{found.host} before: {_state(found.before)}; after: {_state(found.after)}"
    if found.after.throttled:
        bits = f"{found.after.throttled:#x}"
        yield f"heat or low voltage held it back since it started (get_throttled {bits}): cool it, check its power"


def _state(state: HostState) -> str:
    clocks = sorted({clock // 1_000_000 for clock in state.clocks_hz})
    words = " to ".join(str(clock) for clock in dict.fromkeys([*clocks[:1], *clocks[-1:]]))
    degrees = UNKNOWN if state.temperature_c is None else f"{state.temperature_c:.1f} C"
    return f"{f'{words} MHz' if words else 'clock unknown'}, temperature {degrees}"


def _verdict(profile: Profile) -> Iterator[str]:
    """Whether the board keeps up, as far as the band allows to say."""
    factor = profile.real_time_factor
    if factor is None:
        return
    low = factor.value if factor.low is None else factor.low
    high = factor.value if factor.high is None else factor.high
    if high < 1.0:
        yield "in the mean it keeps up with the audio, at the upper end of the band too"
        yield from _worst_hop_verdict(profile)
    elif low >= 1.0:
        yield "it does not keep up with the audio, at the lower end of the band either"
    else:
        yield "whether it keeps up with the audio, the band leaves open"
        yield from _worst_hop_verdict(profile)


def _worst_hop_verdict(profile: Profile) -> Iterator[str]:
    """Where the mean keeps up, a queue of audio carries the hops that take longer than one lasts."""
    worst, n_hops = profile.worst_hop, profile.queue_hops
    if worst is None or n_hops is None:
        return
    longest = worst.value if worst.high is None else worst.high
    if longest < profile.hop_limit:
        yield "every hop is done before the next one is in, the worst one at the upper end of its band too"
        return
    room = f"the firmware's audio buffer holds {FIRMWARE_AUDIO_SAMPLES:,} samples = {_FIRMWARE_HOPS} hops"
    enough = "which is enough" if n_hops <= _FIRMWARE_HOPS else "too few: raise ROOM_SAMPLES in detector.c"
    yield (
        f"the worst hop may take {longest:.2f} ms, longer than the {profile.hop_limit:g} ms until the next one is in: "
        f"a queue of {n_hops} hops carries it when the mean keeps up; {room}, {enough}"
    )


def _held_against_line(found: HeldAgainst) -> str:
    values = found.published.values()
    estimate = found.estimate
    band = "" if estimate.low is None or estimate.high is None else f" [{estimate.low:.3f} to {estimate.high:.3f}]"
    outside = [
        f"{len(tasks)} of {len(values)} lie {side} that band ({', '.join(tasks)})"
        for side, tasks in (("below", found.below), ("above", found.above))
        if tasks
    ]
    verdict = "; ".join(outside) or f"all {len(values)} lie within that band"
    return (
        f"held against {found.engine} on this board ({found.source}), cycles per MAC: {min(values):.3f} to "
        f"{max(values):.3f} there, {estimate.value:.3f}{band} here; {verdict}"
    )
