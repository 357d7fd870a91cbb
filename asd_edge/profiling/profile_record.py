"""What a profile holds: figures with their method and band, layers, limits; and its JSON, which the report reads."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

PROFILE_FORMAT = "asd-edge profile 1"  # asd_edge/report/board_profile.py names the fields that it needs
Method = Literal["measured", "counted", "estimated"]
MEASURED: Final = "measured"
COUNTED: Final = "counted"  # by the firmware on an emulated core, or by the linker: exact
ESTIMATED: Final = "estimated"
# Of a layer's fields; the others are the plan's.
LAYER_METHODS: Final[Mapping[str, Method]] = {"instructions": COUNTED, "cycles": ESTIMATED, "ms": ESTIMATED}


@dataclass(frozen=True)
class Figure:
    """How it came about, and the band in which the true one is expected; None: no band."""

    value: float
    method: Method
    how: str
    low: float | None = None
    high: float | None = None

    def times(self, factor: float, how: str) -> "Figure":
        """Another quantity that is proportional to this one."""
        bounds = (None if bound is None else bound * factor for bound in (self.low, self.high))
        return Figure(self.value * factor, self.method, how, *bounds)


@dataclass(frozen=True)
class LayerProfile:
    """Of one clip. Instructions are counted, cycles and ms estimated from them; None: not known, or no such thing."""

    name: str
    op: str
    runs: int
    macs: int
    weights_bytes: int
    state_bytes: int
    instructions: float | None
    cycles: float | None
    ms: float | None


@dataclass(frozen=True)
class Cell:
    """What a battery life is stated for."""

    mah: float
    volts: float

    @property
    def joules(self) -> float:
        return self.mah * 3.6 * self.volts


@dataclass(frozen=True)
class Accelerator:
    """The whole network, one window at once, on what stands beside the core. None: not known."""

    name: str
    how: str
    network_ms: Figure | None
    sram_bytes: int | None
    ops_mapped: int
    ops_left: int  # on the core
    macs_mapped: float | None  # as a share of all


@dataclass(frozen=True)
class HeldAgainst:
    """Cycles per multiply-accumulate that others measured on the board with another engine, beside the estimate."""

    engine: str
    source: str
    estimate: Figure
    published: Mapping[str, float]  # by task
    below: tuple[str, ...]  # tasks beneath the estimate's band
    above: tuple[str, ...]


@dataclass(frozen=True)
class EstimateBeside:
    """What the counts alone would have said of a time that was measured."""

    clip_ms: Figure
    measured_over_estimated: float
    is_in_band: bool  # the measured time


@dataclass(frozen=True)
class HostState:
    """Of a Linux board at one moment; empty and None: it doesn't say."""

    clocks_hz: tuple[int, ...]  # of each core
    temperature_c: float | None  # of the hottest sensor
    throttled: int | None  # bits of vcgencmd get_throttled; 0: neither now nor since the start


@dataclass(frozen=True)
class HostRun:
    """Measured on a board over SSH; without `network_ms`, of model.tflite in the runtime there, `network` says why."""

    host: str
    machine: str  # uname -m
    clip_ms: Figure
    network: str  # runtime and version
    network_ms: Figure | None
    before: HostState
    after: HostState


@dataclass(frozen=True)
class Profile:
    """None: not known. Memory in bytes, time in ms, energy in mJ; a stack is part of the RAM, `parts` of the layers."""

    board: str
    core: str
    part: str | None
    clock_hz: int | None
    model_sha256: str
    command: str
    runtime: str
    clip_seconds: float
    layers: tuple[LayerProfile, ...]
    parts: tuple[LayerProfile, ...]  # front end, network, scorer
    cycles_per_instruction: Figure | None
    instructions: Figure | None
    ram: Figure | None
    flash: Figure | None
    stack: Figure | None
    clip_ms: Figure | None
    mean_hop: Figure | None
    worst_hop: Figure | None
    real_time_factor: Figure | None  # time of computing over time of audio
    clip_energy: Figure | None
    duty_cycle: Figure | None
    battery_hours: Figure | None
    cell: Cell
    accelerator: Accelerator | None
    ram_limit: int | None
    flash_limit: int | None
    hop_limit: float
    ram_parts: Mapping[str, int] = field(default_factory=dict)
    host_run: HostRun | None = None
    queue_hops: int | None = None  # of audio, which carry every hop on a core that keeps up with the mean one
    held_against: HeldAgainst | None = None
    estimate: EstimateBeside | None = None  # where `clip_ms` was measured and instructions could be counted
    not_counted: str | None = None  # why a measured profile has no counts


def profile_content(profile: Profile) -> dict[str, Any]:
    """As JSON."""
    return {"format": PROFILE_FORMAT, "layer_methods": LAYER_METHODS, **asdict(profile)}
