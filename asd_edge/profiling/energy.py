"""Time of computing and a board's power -> energy per clip, duty cycle, battery life; each with its band."""

from asd_edge.boards import Fact
from asd_edge.profiling.profile_record import ESTIMATED, Cell, Figure


def clip_energy(clip_ms: Figure | None, active_power: Fact[float]) -> Figure | None:
    """mJ: of the time in which the core is busy; `active_power` in mW, whose own error is nowhere stated."""
    if clip_ms is None or active_power.value is None:
        return None
    place = "" if active_power.page is None else f", {active_power.page}"
    source = "no document" if active_power.document is None else f"{active_power.document}{place}"
    how = f"busy time x {active_power.value:g} mW (from {source}); the band is the time's alone, the power has none"
    return _estimate(clip_ms.times(active_power.value / 1000.0, how))


def duty_cycle(real_time_factor: Figure | None) -> Figure | None:
    """Share of the time in which the core is busy; 1: always, also where it can't keep up."""
    if real_time_factor is None:
        return None
    bounds = (None if bound is None else min(bound, 1.0) for bound in (real_time_factor.low, real_time_factor.high))
    how = "busy time over time of audio, at most 1"
    return Figure(min(real_time_factor.value, 1.0), real_time_factor.method, how, *bounds)


def battery_hours(
    duty: Figure | None, active_power_mw: float | None, sleep_power_mw: float | None, cell: Cell
) -> Figure | None:
    """Of a cell that gives all it has to the board alone.

    Where the power asleep isn't known, the value is that of a board that never sleeps and the band ends where sleep
    costs nothing.
    """
    if duty is None or active_power_mw is None:
        return None
    shares = (duty.value, duty.value if duty.low is None else duty.low, duty.value if duty.high is None else duty.high)
    dearest = active_power_mw if sleep_power_mw is None else sleep_power_mw
    cheapest = 0.0 if sleep_power_mw is None else sleep_power_mw
    value, longest, shortest = (
        cell.joules / 3.6 / (share * active_power_mw + (1.0 - share) * asleep)
        for share, asleep in zip(shares, (dearest, cheapest, dearest), strict=True)
    )
    asleep_words = "power asleep unknown" if sleep_power_mw is None else f"{sleep_power_mw:g} mW asleep"
    band = "the time's and that of the power asleep" if sleep_power_mw is None else "the time's alone"
    how = f"{cell.mah:g} mAh at {cell.volts:g} V, {active_power_mw:g} mW active, {asleep_words}; the band is {band}"
    return Figure(value, ESTIMATED, how, shortest, longest)


def _estimate(figure: Figure) -> Figure:
    return Figure(figure.value, ESTIMATED, figure.how, figure.low, figure.high)
