"""WORK/.scores-partial-<hash of the key>.jsonl: the clips that an interrupted evaluation has scored, so that the next
one goes on.

The first line holds the key of the evaluation (hash of model files, rungs, runtimes); each further line one clip. Other
evaluations of the same directory have files of their own; a last line that was cut off is dropped.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from asd_edge.backends.ladder import SERIAL, SSH
from asd_edge.clip.atomic_write import write_text_atomically
from asd_edge.errors import WorkDirectoryError

Line = Mapping[str, Any]
_ENGINE = "engine"  # of an ssh rung: its runtime names the machine, and its scores are the same bits on all of a kind


def partial_file(work: Path, key: str) -> Path:
    """Where an evaluation with this key keeps what it has scored."""
    return work / f".scores-partial-{hashlib.sha256(key.encode()).hexdigest()[:12]}.jsonl"


def without_place(name: str, runtime: str) -> tuple[str, str]:
    """A rung's name and runtime without port or host, where what is left says which board it is: a board that comes
    back at another port goes on.
    """
    kind, _, place = name.partition(":")
    if kind == SERIAL:
        return kind, runtime.replace(f" on {place}", "")
    if kind == SSH and place.endswith(f"/{_ENGINE}"):
        return f"{kind}/{_ENGINE}", runtime
    return name, runtime


class PartialScores:
    """Lines by clip name; the file grows by one line with each `add`."""

    def __init__(self, work: Path, key: str) -> None:
        """Read what is there; nothing is written before the first `add`."""
        self._path = partial_file(work, key)
        self._header = json.dumps({"key": key})
        self._lines = _read_lines(self._path, key)
        self._is_clean = False  # the file may end in a line that was cut off

    def get(self, clip: str) -> Line | None:
        """What an earlier run found for this clip."""
        return self._lines.get(clip)

    def add(self, clip: str, line: Line) -> None:
        """Keep what was found for a clip. Raises WorkDirectoryError where it can't be written."""
        if not self._is_clean:
            kept = [self._header, *(json.dumps(entry) for entry in self._lines.items())]
            write_text_atomically(self._path, "\n".join(kept) + "\n")
            self._is_clean = True
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps([clip, line]) + "\n")
        except OSError as error:
            raise WorkDirectoryError(
                f"{self._path}: can't be written ({error.strerror}); free space, then run it again to go on"
            ) from error

    def remove(self) -> None:
        """The evaluation is complete."""
        self._path.unlink(missing_ok=True)


def _read_lines(path: Path, key: str) -> dict[str, Line]:
    try:
        header, *rest = path.read_text(encoding="utf-8").splitlines()
        if json.loads(header) != {"key": key}:
            return {}
    except (OSError, ValueError):  # none, or none that was written here
        return {}
    lines: dict[str, Line] = {}
    for text in rest:
        try:
            clip, line = json.loads(text)
        except ValueError:
            break  # cut off while it was written
        lines[clip] = line
    return lines
