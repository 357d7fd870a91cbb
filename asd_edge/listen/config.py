"""What the service is configured by, as one YAML file says it; `read_config.py` reads it."""

import math
import os
from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, MinLen

from asd_edge.listen.dashboard_config import DashboardConfig
from asd_edge.listen.mqtt_config import MqttConfig
from asd_edge.listen.recording_config import RecordingConfig
from asd_edge.listen.settings import FORBID_OTHERS, ByKind, ConfigPath, Says

RATE_HZ, MICROPHONE_RATE_HZ = 16_000, 48_000
Seconds = Annotated[float, Ge(0), Le(86_400)]
Some = Annotated[float, Gt(0), Le(86_400)]  # seconds
Live = Annotated[bool, Says("false: the writer waits for the scores, nothing is dropped.")]


@dataclass(frozen=True, kw_only=True)
class _Source:
    """int16 at rate_hz, one channel of them; 48 kHz is brought to 16 kHz by the firmware's filter."""

    __pydantic_config__ = FORBID_OTHERS

    rate_hz: Literal[16_000, 48_000] = 16_000
    channels: Annotated[int, Ge(1), Le(32), Says("How many the source has.")] = 1
    channel: Annotated[int, Ge(0), Says("The one that is listened to, from 0 on.")] = 0

    def __post_init__(self) -> None:
        if self.channel >= self.channels:
            raise ValueError(f"channel {self.channel} of {self.channels}: choose one of 0 to {self.channels - 1}")


@dataclass(frozen=True, kw_only=True)
class AlsaSource(_Source):
    """A microphone."""

    kind: Literal["alsa"]
    device: Annotated[str | None, Says("As sounddevice names it; null: the default device.")] = None


@dataclass(frozen=True, kw_only=True)
class WavSource:
    """A WAV or FLAC file of 16 or 48 kHz, once, as fast as it can be scored: nothing of it is dropped."""

    __pydantic_config__ = FORBID_OTHERS

    kind: Literal["wav"]
    path: ConfigPath
    channel: Annotated[int, Ge(0)] = 0


@dataclass(frozen=True, kw_only=True)
class FifoSource(_Source):
    """A named pipe of int16, little-endian. While nobody writes, the source is lost."""

    kind: Literal["fifo"]
    path: ConfigPath
    live: Live = True


@dataclass(frozen=True, kw_only=True)
class StdinSource(_Source):
    """Standard input, int16, little-endian; the service ends with it."""

    kind: Literal["stdin"]
    live: Live = True


Source = AlsaSource | WavSource | FifoSource | StdinSource


@dataclass(frozen=True, kw_only=True)
class MachineConfig:
    """One machine and the microphone by it."""

    __pydantic_config__ = FORBID_OTHERS

    machine: Annotated[str, MinLen(1), Says("A label of the model: TYPE/ID.")]
    source: Annotated[Source, ByKind()]
    model: Annotated[ConfigPath, Says("A work directory, or one image (.asdm) of the kind that is asked for.")]
    threshold: Annotated[
        Literal["auto"] | float,
        Says("auto: the one that `asd-edge evaluate` wrote into thresholds.json beside the image."),
    ] = "auto"

    def __post_init__(self) -> None:
        if self.threshold != "auto" and not math.isfinite(self.threshold):
            raise ValueError(f"a threshold of {self.threshold}: give a finite number, or auto")


@dataclass(frozen=True, kw_only=True)
class AlarmConfig:
    """An alarm begins when scores stayed above the threshold for minimum_seconds, and ends when they stayed at or below
    threshold - hysteresis for hold_seconds; both in time of audio."""

    __pydantic_config__ = FORBID_OTHERS

    minimum_seconds: Seconds = 5.0
    hold_seconds: Seconds = 10.0
    hysteresis: Annotated[float, Ge(0), Le(1e6)] = 0.5  # in units of the score


@dataclass(frozen=True, kw_only=True)
class SilenceConfig:
    """A microphone whose samples lie within peak_to_peak steps of 16 bits for as long is taken for dead."""

    __pydantic_config__ = FORBID_OTHERS

    seconds: Some = 1.0
    peak_to_peak: Annotated[int, Ge(0), Le(1000)] = 4


@dataclass(frozen=True, kw_only=True)
class JsonLinesConfig:
    """One event per line."""

    __pydantic_config__ = FORBID_OTHERS

    path: Annotated[Literal["-"] | ConfigPath, Says("A file, or - for standard output.")] = "-"
    most_bytes: Annotated[int, Ge(100_000), Says("A file of this size becomes PATH.1, and a new one is begun.")] = (
        100_000_000
    )


@dataclass(frozen=True, kw_only=True)
class OutputsConfig:
    """Where events go; null: nowhere."""

    __pydantic_config__ = FORBID_OTHERS

    jsonl: JsonLinesConfig | None = JsonLinesConfig()
    mqtt: MqttConfig | None = None
    recordings: RecordingConfig | None = None


@dataclass(frozen=True, kw_only=True)
class ListenConfig:
    """The whole file."""

    __pydantic_config__ = FORBID_OTHERS

    machines: Annotated[tuple[MachineConfig, ...], MinLen(1)]
    windows: Annotated[
        Literal["window", "sliding", "both"],
        Says("A score for each clip's length, one every few hops, or both. Alarms follow the sliding one."),
    ] = "both"
    alarm: AlarmConfig = AlarmConfig()
    silence: SilenceConfig = SilenceConfig()
    queue_seconds: Annotated[
        float,
        Ge(1),
        Le(600),
        Says("Audio that may wait per machine, a window at the least; beyond it whole windows are dropped."),
    ] = 30.0
    lost_after_seconds: Annotated[Some, Says("Without a sample a live source counts as lost.")] = 2.0
    state_seconds: Annotated[Some, Says("From one `running` ServiceState to the next.")] = 60.0
    outputs: OutputsConfig = OutputsConfig()
    dashboard: DashboardConfig | None = None

    def __post_init__(self) -> None:
        names = [entry.machine for entry in self.machines]
        if len(set(names)) != len(names):
            raise ValueError("two entries of one machine: give each machine one microphone")
        if sum(entry.source.kind == "stdin" for entry in self.machines) > 1:
            raise ValueError("two machines can't both be heard on standard input")
        pipes = [os.path.realpath(entry.source.path) for entry in self.machines if isinstance(entry.source, FifoSource)]
        if twice := next((path for path in pipes if pipes.count(path) > 1), None):
            raise ValueError(f"two machines on {twice} would each hear a part of it: give each a FIFO of its own")
