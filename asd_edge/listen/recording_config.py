"""The configuration's part on recordings: where the audio around an alarm is kept, and how much of it."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le

from asd_edge.listen.settings import FORBID_OTHERS, ConfigPath, Says


@dataclass(frozen=True, kw_only=True)
class RecordingConfig:
    """One FLAC file per alarm; off unless this part is there. Before it is turned on, ask whose voices it may hold."""

    __pydantic_config__ = FORBID_OTHERS

    folder: Annotated[ConfigPath, Says("Of its own: what else lies there is left alone.")]
    quota_mb: Annotated[int, Ge(1), Le(10_000_000), Says("Beyond it the oldest recordings go.")] = 500
    before_seconds: Annotated[float, Ge(0), Le(60), Says("Of audio before the window that raised the alarm.")] = 10.0
    after_seconds: Annotated[float, Ge(0), Le(600), Says("Of audio after the alarm's end.")] = 10.0
    longest_seconds: Annotated[float, Ge(1), Le(3600), Says("Of one recording.")] = 120.0
