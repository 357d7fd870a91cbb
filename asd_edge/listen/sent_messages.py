"""What one connection to a broker sent and what was acknowledged of it: where the next connection has to begin.

A broker acknowledges what it has in memory. One that is killed takes that along, so what was acknowledged within
RESEND_SECONDS before the last acknowledgement is sent again, but no message because of more than one connection: else a
line that breaks every few seconds would never come further.
"""

from collections import deque

RESEND_SECONDS = 10.0
_MARK_SECONDS = 1.0  # so much more may be sent again


class SentMessages:
    """Numbers are a spool's; `mid` is the broker's number of a message under way; `now` is monotonic, in seconds."""

    def __init__(self, acknowledged: int, ever_acknowledged: int, now: float) -> None:
        """The connection begins behind `acknowledged`; up to `ever_acknowledged` an earlier one got through."""
        self.last = acknowledged  # that was sent
        self._ever_acknowledged = ever_acknowledged
        self._under_way: dict[int, int] = {}  # mid -> number
        self._marks = deque([(now, acknowledged)])  # when all up to which number were acknowledged

    @property
    def acknowledged(self) -> int:
        """This message and all before it."""
        return min(self._under_way.values(), default=self.last + 1) - 1

    @property
    def settled(self) -> int:
        """If the connection breaks off now, the next one begins behind this message."""
        return max(self._marks[0][1], min(self.acknowledged, self._ever_acknowledged))

    def add(self, mid: int, number: int) -> None:
        self._under_way[mid] = number
        self.last = number

    def acknowledge(self, mid: int, now: float) -> None:
        del self._under_way[mid]
        if now - self._marks[-1][0] >= _MARK_SECONDS:
            self._marks.append((now, self.acknowledged))
        while len(self._marks) > 1 and self._marks[1][0] <= now - RESEND_SECONDS:
            self._marks.popleft()
