"""Events as lines of JSON: into a file that is never larger than the configuration says, or to standard output.

Nothing here waits for a reader: what a pipe, a terminal or a full disk doesn't take now is tried again later.
"""

import os
import select
import stat
import time
from collections import deque
from contextlib import suppress
from errno import EAGAIN, ENXIO
from pathlib import Path

from asd_edge.errors import ListenError
from asd_edge.listen.config import JsonLinesConfig
from asd_edge.listen.events import Event

_MOST_LINES = 20_000  # that wait for room on the disk or for a reader; about three hours of one machine
_CLOSE_SECONDS = 3.0  # for a reader that is only slow
_STDOUT = 1


class JsonLines:
    """See `Sink`. Lines are whole: what a full disk took of one is completed before the next."""

    def __init__(self, config: JsonLinesConfig) -> None:
        """The file is begun, or continued, with the first event. A named pipe does as well."""
        self._path = None if config.path == "-" else Path(config.path)
        self._most_bytes = config.most_bytes
        self._descriptor: int | None = _unwaiting(_STDOUT) if self._path is None else None
        self._waiting: deque[bytes] = deque()
        self._is_split = False  # the first of them is partly written
        self._n_lost = self._n_lost_told = 0
        self._why = ""

    def publish(self, event: Event) -> None:
        if len(self._waiting) >= _MOST_LINES:
            del self._waiting[1]  # the oldest that isn't half written
            self._n_lost += 1
        self._waiting.append(event.as_line().encode() + b"\n")
        self._write()

    def problem(self) -> str | None:
        """A loss is told once more after all lines are out."""
        if self._waiting:
            self._write()
        clauses = [f"{self._why}; {len(self._waiting)} lines wait"] if self._waiting else []
        if self._n_lost > (0 if self._waiting else self._n_lost_told):
            clauses.append(f"{self._n_lost} lines lost since the start")
        if not self._waiting:
            self._n_lost_told = self._n_lost
        return f"{self._place}: {', '.join(clauses)}" if clauses else None

    def close(self) -> None:
        """Raises ListenError for lines that nobody takes until then: they are lost."""
        self._write()
        deadline = time.monotonic() + _CLOSE_SECONDS
        while self._waiting and self._descriptor is not None and time.monotonic() < deadline:
            if not _can_take(self._descriptor, deadline - time.monotonic()):
                break
            n_before, first = len(self._waiting), self._waiting[0]
            self._write()
            if self._waiting and n_before == len(self._waiting) and self._waiting[0] is first:
                break  # there is a reader or a disk, and it takes nothing
        if self._descriptor not in (None, _STDOUT):
            os.close(self._descriptor)
        self._descriptor = None
        if self._waiting:
            n_lost = self._n_lost + len(self._waiting)
            self._waiting.clear()
            raise ListenError(f"{self._place}: {self._why}; {n_lost} lines lost since the start")

    @property
    def _place(self) -> str:
        return "standard output" if self._path is None else str(self._path)

    def _write(self) -> None:
        try:
            while self._waiting:
                descriptor = self._open()
                if not _can_take(descriptor, 0.0):
                    raise BlockingIOError(EAGAIN, "")
                n_written = os.write(descriptor, self._waiting[0][: select.PIPE_BUF])
                self._is_split = n_written < len(self._waiting[0])
                if self._is_split:
                    self._waiting[0] = self._waiting[0][n_written:]
                else:
                    self._waiting.popleft()
        except OSError as error:
            is_unread = error.errno in (EAGAIN, ENXIO)
            self._why = f"can't be written ({'nobody reads it' if is_unread else error.strerror})"

    def _open(self) -> int:
        if self._path is None:
            assert self._descriptor is not None
            return self._descriptor
        is_full = self._descriptor is not None and os.fstat(self._descriptor).st_size >= self._most_bytes
        if self._descriptor is not None and is_full and not self._is_split:
            os.close(self._descriptor)
            self._descriptor = None
            self._path.replace(self._path.with_name(f"{self._path.name}.1"))
        if self._descriptor is None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK | os.O_NOCTTY
            self._descriptor = os.open(self._path, flags, 0o644)
        return self._descriptor


def _unwaiting(descriptor: int) -> int:
    """A pipe or terminal opened anew, so that no write to it waits; whoever shares the old one notices nothing.

    Where that can't be, as with systemd's socket, the old one: pieces of PIPE_BUF bytes fit where poll says so.
    """
    with suppress(OSError):
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):
            return os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    return descriptor


def _can_take(descriptor: int, seconds: float) -> bool:
    """Within this time."""
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(1000 * seconds))
