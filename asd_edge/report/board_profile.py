"""What the report reads of profile-<board>.json: memory, time and energy of the model on one board, beside its limits.

{"format": "asd-edge profile 1", "board": "...", "core": "...", "model_sha256": "<of model.tflite>", "command": "...",
 "ram": {"value": bytes, "method": "measured" | "counted" | "estimated", "how": "...", "low": bytes, "high": bytes},
 "flash": ..., "stack": ..., "mean_hop": ms, "worst_hop": ms, "clip_energy": mJ, each of that form or null,
 "ram_limit": bytes or null, "flash_limit": bytes or null, "hop_limit": ms}; low and high bound the error where known.
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
