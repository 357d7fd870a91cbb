"""Which stretch of a machine's stream each event of one kind stands for: without gap or overlap.

A window stands for its first `advance` samples: all of them where windows lie side by side, a hop where they slide.
"""

from dataclasses import dataclass

from asd_edge.listen.events import Account, Kind


@dataclass(frozen=True)
class Stretch:
    """n_windows begin within [index, index + n_samples)."""

    index: int
    n_samples: int
    n_windows: int


class WindowLedger:
    """Of one machine and kind."""

    def __init__(self, machine: str, kind: Kind) -> None:
        self.machine, self.kind = machine, kind
        self.advance = 1
        self.next_index = 0  # what lies before is accounted for
        self._scored = self._dropped = self._refused = 0

    def begin(self, index: int, advance: int) -> None:
        """Windows from sample `index` on, where those before have ended or nobody asked for them."""
        self.next_index, self.advance = index, advance

    def score(self) -> Stretch:
        """The next window has its score."""
        self._scored += 1
        return self._advance(self.advance)

    def refuse(self) -> Stretch:
        """The next window gets none."""
        self._refused += 1
        return self._advance(self.advance)

    def drop_until(self, index: int) -> Stretch | None:
        """All windows that begin before `index` are lost to an overrun; None: there is none."""
        stretch = self._until(index)
        self._dropped += stretch.n_windows if stretch else 0
        return stretch

    def refuse_until(self, index: int) -> Stretch | None:
        """All windows that begin before `index` end in a break of the stream; None: there is none."""
        stretch = self._until(index)
        self._refused += stretch.n_windows if stretch else 0
        return stretch

    def account(self, heard: int) -> Account:
        """`heard`: samples so far, those that wait included."""
        under_way = -(-max(0, heard - self.next_index) // self.advance)
        begun = self._scored + self._dropped + self._refused + under_way
        return Account(self.machine, self.kind, begun, self._scored, self._dropped, self._refused, under_way, heard)

    def _until(self, index: int) -> Stretch | None:
        n_samples = index - self.next_index
        return self._advance(n_samples) if n_samples > 0 else None

    def _advance(self, n_samples: int) -> Stretch:
        stretch = Stretch(self.next_index, n_samples, -(-n_samples // self.advance))
        self.next_index += n_samples
        return stretch
