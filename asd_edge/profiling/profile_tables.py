"""A profile -> the table of its layers and the lines that say everything else, each figure with its method and band."""

from collections.abc import Iterator

from rich import box
from rich.table import Table
from rich.text import Text

from asd_edge.compiler.read_image import printable
from asd_edge.profiling.layer_profiles import total_profile
from asd_edge.profiling.profile_record import Accelerator, Figure, HostRun, HostState, LayerProfile, Profile

UNKNOWN = "unknown"


def layer_table(profile: Profile) -> Table:
    """One row per part of the firmware, then front end, network, scorer and all of it."""
    clock = "" if profile.clock_hz is None else f" at {profile.clock_hz / 1e6:g} MHz"
    table = Table("layer", box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    table.title = f"{profile.board}: {profile.core}{clock}; one clip of {profile.clip_seconds:g} s"
    for name in ("operator", "runs", "MACs", "weights", "state", "instructions", "cycles", "ms"):
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
    yield _line(f"network on {found.name}, ms per clip", found.network_ms, ",.3f")
    if found.sram_bytes is not None:
        yield f"its SRAM, bytes: {found.sram_bytes:,}"


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
        yield "it keeps up with the audio, at the upper end of the band too"
    elif low >= 1.0:
        yield "it does not keep up with the audio, at the lower end of the band either"
    else:
        yield "whether it keeps up with the audio, the band leaves open"
