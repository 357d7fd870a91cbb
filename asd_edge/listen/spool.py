"""Messages that wait for the broker, on disk in the order they came: segment files of records, bounded in bytes.

Only whole records are ever read: of a file that was cut at any byte, those before the cut; of a damaged file, all but
the damaged ones, which the gap in the numbers counts; of a file that is gone, none. Nothing is appended to a file of an
earlier run. `position` holds the last acknowledged number; what is acknowledged after it was written is sent again.
"""

import fcntl
import os
import threading
import zlib
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from asd_edge.errors import ListenError
from asd_edge.listen.spool_record import Message, SegmentReader, newest_number, pack_record

_SUFFIX, _POSITION, _LOCK = ".segment", "position", "lock"
_BLOCK_BYTES = 4096  # the least that a file takes of a disk
_MOST_HELD = 256  # messages in memory while the disk takes none
_N_SEGMENTS = 8  # of a full spool


@dataclass(frozen=True)
class SpoolLosses:
    """Messages since the start that no broker will see."""

    n_dropped: int  # the oldest, for want of room
    n_damaged: int  # unreadable on disk


@dataclass
class _Segment:
    path: Path
    first: int
    n_bytes: int


class Spool:
    """A queue in a folder that nobody else uses. Its methods may be called from any thread."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        """Raises ListenError for a folder that can't be made, read or written, or that another process uses."""
        self._folder, self._most_bytes = folder, most_bytes
        self._lock = threading.Lock()
        self._held: deque[Message] = deque()  # what the disk didn't take
        self._never_stored: list[range] = []  # numbers that were dropped from there
        self._descriptor: int | None = None  # of the newest segment, if it is of this run
        self._reader: SegmentReader | None = None
        self._n_dropped = self._n_damaged = 0
        self.failure = ""  # why the disk takes no message just now
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._claim = _claim(folder)
            paths = sorted(folder.glob(f"*{_SUFFIX}"))
            self._segments = [_Segment(path, int(path.stem), path.stat().st_size) for path in paths]
            while self._segments and not newest_number(self._segments[-1].path):
                self._segments.pop().path.unlink()
            newest = newest_number(self._segments[-1].path) if self._segments else 0
            position = _read_position(folder / _POSITION)
        except (OSError, ValueError) as error:
            raise ListenError(f"{folder}: can't hold waiting messages ({error}); give a folder of its own") from error
        self._newest = max(newest, position)
        first = self._segments[0].first if self._segments else self._newest + 1
        self._acknowledged = max(position, first - 1)
        self._counted = self._acknowledged  # up to here, damaged messages were counted

    @property
    def acknowledged(self) -> int:
        """This message and all before it are done with."""
        return self._acknowledged

    @property
    def n_waiting(self) -> int:
        return self._newest - self._acknowledged

    @property
    def n_held(self) -> int:
        """In memory alone: the disk didn't take them."""
        return len(self._held)

    @property
    def losses(self) -> SpoolLosses:
        return SpoolLosses(self._n_dropped, self._n_damaged)

    def append(self, topic: str, payload: bytes) -> None:
        """Behind all others. While the disk takes none, the newest messages are held in memory: see `failure`."""
        with self._lock:
            self._newest += 1
            self._held.append(Message(self._newest, topic, payload))
            self._store_held()
            if len(self._held) > _MOST_HELD:
                self._drop_held()

    def next_after(self, sequence: int) -> Message | None:
        """The message with the next higher number that is still there."""
        with self._lock:
            message = self._next_stored(sequence) or next((m for m in self._held if m.sequence > sequence), None)
            if message is not None:
                self._n_damaged += self._n_present(max(sequence, self._counted) + 1, message.sequence)
                self._counted = max(self._counted, message.sequence)
            return message

    def acknowledge(self, sequence: int, settled: int) -> None:
        """All up to `sequence` are done with; all up to `settled` may go, for they won't be taken back."""
        with self._lock:
            self._acknowledged = max(self._acknowledged, sequence)
            while len(self._segments) > 1 and self._segments[1].first <= min(settled, self._acknowledged) + 1:
                self._remove_oldest()
            while self._held and self._held[0].sequence <= self._acknowledged:
                self._held.popleft()

    def take_back(self, sequence: int) -> None:
        """What was acknowledged after `sequence`, as far as it is still there, waits again; over a restart too."""
        with self._lock:
            first = self._segments[0].first if self._segments else self._newest + 1
            self._acknowledged = min(self._acknowledged, max(sequence, first - 1))

    def sync(self) -> None:
        """What was appended and acknowledged survives a power cut from here on, as far as the disk works."""
        with self._lock:
            descriptor = None if self._descriptor is None else os.dup(self._descriptor)
            acknowledged = self._acknowledged
        with suppress(OSError):  # append will see a disk that takes nothing
            if descriptor is not None:
                os.fsync(descriptor)
            _write_position(self._folder / _POSITION, acknowledged)
        if descriptor is not None:
            os.close(descriptor)

    def close(self) -> None:
        """What the disk doesn't take now either stays in `n_held`."""
        with self._lock:
            self._store_held()
        self.sync()
        with self._lock:
            self._close_segment()
            self._close_reader()
            os.close(self._claim)

    def _store_held(self) -> None:
        try:
            while self._held:
                self._store(self._held[0])
                self._held.popleft()
            self.failure = ""
        except OSError as error:
            self.failure = error.strerror or str(error)
            self._abandon_segment()

    def _store(self, message: Message) -> None:
        """Raises OSError where the disk doesn't take it whole."""
        record = pack_record(message)
        if self._descriptor is None or self._segments[-1].n_bytes + len(record) > self._most_bytes // _N_SEGMENTS:
            self._close_segment()
            self._make_room(message.sequence)
            path = self._folder / f"{message.sequence:020d}{_SUFFIX}"
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
            self._segments.append(_Segment(path, message.sequence, 0))
        n_written = os.write(self._descriptor, record)
        self._segments[-1].n_bytes += n_written
        if n_written < len(record):
            raise OSError("no space left for a whole message")

    def _abandon_segment(self) -> None:
        """What lies torn at its end stays there, unread; a file that holds nothing else goes."""
        if self._descriptor is not None and self._segments[-1].first == self._held[0].sequence:
            self._segments.pop().path.unlink(missing_ok=True)
        self._close_segment()

    def _drop_held(self) -> None:
        number = self._held.popleft().sequence
        self._n_dropped += 1
        if self._never_stored and self._never_stored[-1].stop == number:
            self._never_stored[-1] = range(self._never_stored[-1].start, number + 1)
        else:
            self._never_stored.append(range(number, number + 1))

    def _make_room(self, number: int) -> None:
        """For one more segment, which begins with `number`."""
        most = self._most_bytes - self._most_bytes // _N_SEGMENTS
        while self._segments and sum(max(s.n_bytes, _BLOCK_BYTES) for s in self._segments) > most:
            end = self._segments[1].first if len(self._segments) > 1 else number
            self._n_dropped += self._n_present(self._acknowledged + 1, end)
            self._acknowledged = max(self._acknowledged, end - 1)
            self._counted = max(self._counted, end - 1)
            self._remove_oldest()

    def _n_present(self, first: int, stop: int) -> int:
        """How many of these numbers were not dropped before they reached the disk."""
        wanted = range(first, stop)
        overlaps = (range(max(first, r.start), min(stop, r.stop)) for r in self._never_stored)
        return len(wanted) - sum(len(overlap) for overlap in overlaps)

    def _remove_oldest(self) -> None:
        oldest = self._segments.pop(0)
        if self._reader is not None and self._reader.path == oldest.path:
            self._close_reader()
        oldest.path.unlink(missing_ok=True)

    def _next_stored(self, sequence: int) -> Message | None:
        segments = tuple(self._segments)
        for index, segment in enumerate(segments):
            end = segments[index + 1].first if index + 1 < len(segments) else self._newest + 1
            if end <= sequence + 1:
                continue
            if self._reader is None or self._reader.path != segment.path or self._reader.newest > sequence:
                self._close_reader()
                try:
                    self._reader = SegmentReader(segment.path)
                except FileNotFoundError:
                    self._give_up(segment, end)
                    continue
            while (message := self._reader.next_message()) is not None:
                if message.sequence > sequence:
                    return message
        return None

    def _give_up(self, segment: _Segment, end: int) -> None:
        """Somebody removed its file: what nobody has read of it, up to `end`, is damaged."""
        end = min(end, self._held[0].sequence) if self._held else end
        self._n_damaged += self._n_present(max(segment.first, self._counted + 1), end)
        self._counted = max(self._counted, end - 1)
        if segment is self._segments[-1]:
            self._close_segment()
        self._segments.remove(segment)

    def _close_segment(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _close_reader(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None


def _claim(folder: Path) -> int:
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise OSError("another process uses it") from error
    return descriptor


def _read_position(path: Path) -> int:
    """0 where there is none or none that is whole."""
    try:
        number, crc = path.read_text().split()
        return int(number) if int(crc) == zlib.crc32(number.encode()) else 0
    except (FileNotFoundError, ValueError):
        return 0


def _write_position(path: Path, acknowledged: int) -> None:
    temporary = path.with_suffix(".new")
    with temporary.open("w") as file:
        file.write(f"{acknowledged} {zlib.crc32(str(acknowledged).encode())}\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
