"""Events as lines of JSON: into a file that is never larger than the configuration says, or to standard output."""

import os
from collections import deque
from pathlib import Path

from asd_edge.listen.config import JsonLinesConfig
from asd_edge.listen.events import Event

_MOST_LINES = 20_000  # that wait for a full disk to have room again; about three hours of one machine


class JsonLines:
    """See `Sink`. Lines are whole: what a full disk took of one is completed before the next."""

    def __init__(self, config: JsonLinesConfig) -> None:
        """The file is begun, or continued, with the first event."""
        self._path = None if config.path == "-" else Path(config.path)
        self._most_bytes = config.most_bytes
        self._descriptor: int | None = 1 if self._path is None else None
        self._waiting: deque[bytes] = deque()
        self._is_split = False  # the first of them is partly written
        self._n_lost = 0
        self._why = ""

    def publish(self, event: Event) -> None:
        if len(self._waiting) >= _MOST_LINES:
            del self._waiting[1]  # the oldest that isn't half written
            self._n_lost += 1
        self._waiting.append(event.as_line().encode() + b"\n")
        self._write()

    def problem(self) -> str | None:
        if self._waiting:
            self._write()
        if not self._waiting:
            return None
        lost = f", {self._n_lost} lost" if self._n_lost else ""
        return f"{self._path or 'standard output'}: {self._why}; {len(self._waiting)} lines wait{lost}"

    def close(self) -> None:
        self._write()
        if self._path is not None and self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _write(self) -> None:
        try:
            while self._waiting:
                descriptor = self._open()
                n_written = os.write(descriptor, self._waiting[0])
                self._is_split = n_written < len(self._waiting[0])
                if self._is_split:
                    self._waiting[0] = self._waiting[0][n_written:]
                else:
                    self._waiting.popleft()
        except OSError as error:
            self._why = f"can't be written ({error.strerror})"

    def _open(self) -> int:
        if self._path is None:
            return 1
        is_full = self._descriptor is not None and os.fstat(self._descriptor).st_size >= self._most_bytes
        if self._descriptor is not None and is_full and not self._is_split:
            os.close(self._descriptor)
            self._descriptor = None
            self._path.replace(self._path.with_name(f"{self._path.name}.1"))
        if self._descriptor is None:
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        return self._descriptor
