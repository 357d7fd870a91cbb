"""The two clocks that the service reads, and the jump of one against the other."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Clock:
    """Seconds since 1970, which somebody may set, and seconds that only go forward."""

    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic


class JumpWatch:
    """Notices where the wall clock was set, or the computer slept."""

    def __init__(self, clock: Clock, least_seconds: float = 1.0) -> None:
        self._clock, self._least = clock, least_seconds
        self._offset = clock.wall() - clock.monotonic()

    def jump_seconds(self) -> float | None:
        """By how much the wall clock went ahead of the other one since the last call; None: by less than is told. Slow
        corrections, as NTP makes them, never add up to a jump."""
        offset = self._clock.wall() - self._clock.monotonic()
        jump, self._offset = offset - self._offset, offset
        return jump if abs(jump) >= self._least else None
