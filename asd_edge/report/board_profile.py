"""What the report reads of profile-<board>.json: memory, time and energy of the model on one board, beside its limits.

{"format": "asd-edge profile 1", "board": "...", "core": "...", "model_sha256": "<of model.tflite>", "command": "...",
 "ram": {"value": bytes, "method": "measured" | "counted" | "estimated", "how": "...", "low": bytes, "high": bytes},
 "flash": ..., "stack": ..., "mean_hop": ms, "worst_hop": ms, "clip_energy": mJ, each of that form or null,
 "ram_limit": bytes or null, "flash_limit": bytes or null, "hop_limit": ms}; low and high bound the error where known.
Where they are there: "clip_ms", "real_time_factor", "duty_cycle" and "battery_hours" of the form of a figure,
"clip_seconds", "cell", "accelerator" and "host_run" as the classes below name them.
"""

from dataclasses import dataclass
from typing import Literal

PROFILE_FORMAT = "asd-edge profile 1"


@dataclass(frozen=True)
class ProfileFigure:
    """A figure, how it came about, and the band in which the true one is expected."""

    value: float
    method: Literal["measured", "counted", "estimated"]
    how: str = ""
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class CellFacts:
    """What the battery life is of."""

    mah: float
    volts: float


@dataclass(frozen=True)
class AcceleratorFacts:
    """What it takes of the network, and in what time; None: not known."""

    name: str
    network_ms: ProfileFigure | None
    sram_bytes: int | None
    ops_mapped: int
    ops_left: int
    macs_mapped: float | None  # as a share of all


@dataclass(frozen=True)
class HostFacts:
    """What a Linux board said of itself; empty and None: nothing."""

    clocks_hz: tuple[int, ...]  # of each core
    temperature_c: float | None
    throttled: int | None  # bits of vcgencmd get_throttled; 0: neither now nor since the start


@dataclass(frozen=True)
class HostRunFacts:
    """Of a board that SSH reached; without `network_ms`, `network` says why."""

    host: str
    network: str
    network_ms: ProfileFigure | None
    before: HostFacts
    after: HostFacts


@dataclass(frozen=True)
class BoardProfile:
    """None: not known. Memory in bytes, time in ms, energy in mJ; stack is part of ram."""

    board: str
    core: str
    model_sha256: str
    command: str
    ram: ProfileFigure | None
    flash: ProfileFigure | None
    stack: ProfileFigure | None
    mean_hop: ProfileFigure | None
    worst_hop: ProfileFigure | None
    clip_energy: ProfileFigure | None
    ram_limit: int | None
    flash_limit: int | None
    hop_limit: float  # a hop has to be done before the next one is in
    clip_ms: ProfileFigure | None = None
    clip_seconds: float | None = None  # of audio
    real_time_factor: ProfileFigure | None = None
    duty_cycle: ProfileFigure | None = None
    battery_hours: ProfileFigure | None = None
    cell: CellFacts | None = None
    accelerator: AcceleratorFacts | None = None
    host_run: HostRunFacts | None = None

    @property
    def clip_limit(self) -> float | None:
        """ms: a clip has to be done before the next one is in."""
        return None if self.clip_seconds is None else 1000.0 * self.clip_seconds
