"""A bundle over a serial line into a board that runs apps/detector: no programmer, and never without a model.

The board checks signature, hash and version, tries the model on its own self-test and goes back by itself if it fails.
"""

import struct
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asd_edge.backends.serial_link import LinkBrokenError, SerialLink
from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.errors import BackendError, FlashError
from asd_edge.package.bundle import HEADER_BYTES, Bundle

STATE, BEGIN, WRITE, INSTALL, GO_BACK, RESTART, _LISTEN = 16, 17, 18, 19, 20, 21, 22
_BYTES_PER_REQUEST = 1024
STATE_BODY = struct.Struct("<IIIIIII")
_HEARD_BODY = struct.Struct("<IIIqII")
CHECK_BODY = struct.Struct("<II")
_TRIES = 15  # of 2 s: a page's erasure or a slot's hash and signature, as long as the board's own watchdog allows
_NOT_NOW, _NO_MODEL = 6, 7  # asd_update_status
_BOOT_SECONDS = 120.0  # reset, hashes, signature, a self-test of 10 s of audio
_UPDATE_STATUS = {  # asd_update_status
    1: "refuses the bundle",
    2: "has confirmed this version or a newer one already; package a higher version",
    3: "reports that its flash failed; try again, then replace the board",
    4: "got less than the whole bundle; run the same command again",
    5: "got more than the bundle says; package it again",
    6: "has a model on trial, waits for its restart after going back, or lost the install; restart it and run the same "
    "command again",
    7: "holds no model to go back to",
}
_BUNDLE_STATUS = {  # asd_bundle_status
    1: "it is no bundle",
    2: "of another format; update the firmware",
    3: "signed by nobody that its firmware trusts; build the firmware with this key, or sign with one it has",
    4: "made for another board; package it for this one",
    5: "made for a newer firmware; update the firmware first",
    6: "larger than its slot; train a narrower model",
    7: "its image arrived damaged; run the same command again",
}


@dataclass(frozen=True)
class BoardState:
    """What runs on a board; `version` 0: nothing. `self_test`: of this boot, "passed", "failed" or None."""

    version: int
    machine: str
    slot: int
    is_on_trial: bool
    attempts: int
    least_version: int
    self_test: str | None


@dataclass(frozen=True)
class Heard:
    """What a board has made of its audio so far."""

    n_scores: int
    n_without_score: int
    n_dropped: int
    score_q16: int
    is_alarm: bool
    n_waiting: int  # samples


def board_state(link: SerialLink) -> BoardState:
    """Raises BackendError for a board without the update application."""
    body = link.request(STATE)
    boot, slot, version, test, state, attempts, least = link.unpack(STATE_BODY, body, has_text=True)
    machine = body[STATE_BODY.size :].rstrip(b"\0").decode(errors="replace")
    result = {1: "passed", 2: "failed"}.get(test)
    return BoardState(version if boot == 0 else 0, machine, slot, state == 2, attempts, least, result)


def install_bundle(link: SerialLink, content: bytes, on_progress: ProgressFn = ignore_progress) -> None:
    """Send a bundle; the board verifies it and puts it on trial at its next start.

    Raises FlashError with the board's reason; the model that runs is untouched then.
    """
    _check(link, BEGIN, content[:HEADER_BYTES])
    at = HEADER_BYTES
    while at < len(content):
        part = content[at : at + _BYTES_PER_REQUEST]
        _check(link, WRITE, struct.pack("<I", at) + part)
        at += len(part)
        on_progress(at, len(content))
    _check(link, INSTALL, b"")


def restart(link: SerialLink) -> BoardState:
    """Restart and wait for the answer: after a trial, with its verdict. Raises BackendError where none comes."""
    link.request(RESTART)
    return await_board(link)


def await_board(link: SerialLink) -> BoardState:
    """The answer of a board that is starting. Raises BackendError where none comes."""
    end = time.monotonic() + _BOOT_SECONDS
    while True:
        try:
            return board_state(link)
        except LinkBrokenError:
            raise
        except BackendError:
            if time.monotonic() > end:
                raise


def update_board(
    link: SerialLink, bundle: Bundle, content: bytes, on_progress: ProgressFn = ignore_progress
) -> BoardState:
    """Install, restart, self-test on the board. Raises FlashError where the board went back to its old model."""
    install_bundle(link, content, on_progress)
    state = restart(link)
    if state.version != bundle.version or state.is_on_trial:
        runs = f"runs version {state.version} as before" if state.version else "runs no model"
        raise FlashError(
            f"{link.name}: version {bundle.version} failed its self-test on the board, which {runs}; "
            "check that the bundle was made for this firmware's kernels"
        )
    return state


def go_back(link: SerialLink) -> BoardState:
    """Back to the model that the board confirmed before, once: it has two slots, so another time would go forward.

    Raises FlashError, with what runs, where it is back already or holds no other model.
    """
    before = board_state(link)
    if before.version and not before.is_on_trial and before.version < before.least_version:
        raise FlashError(
            f"{link.name}: has gone back already and runs version {before.version}, confirmed before "
            f"{before.least_version}; to run another model, package it as version {before.least_version + 1} or higher"
        )
    # NOT_NOW says a board that has gone back and waits for its restart, as where the answer was lost
    status = _check(link, GO_BACK, b"", but_for=(_NOT_NOW, _NO_MODEL))
    after = before if status == _NO_MODEL else restart(link)
    if after.version == before.version:
        runs = f"runs version {after.version} as before" if after.version else "runs no model"
        raise FlashError(f"{link.name}: the board {_UPDATE_STATUS[_NO_MODEL]} and {runs}; install another")
    return after


def send_audio(link: SerialLink, samples: NDArray[np.int16]) -> Heard:
    """As if the microphone had brought them; at most 512."""
    body = link.request(_LISTEN, samples.astype("<i2").tobytes())
    scores, without, dropped, score, is_alarm, waiting = link.unpack(_HEARD_BODY, body)
    return Heard(scores, without, dropped, score, bool(is_alarm), waiting)


def _check(link: SerialLink, kind: int, body: bytes, but_for: tuple[int, ...] = ()) -> int:
    """The update's status: 0 or one of `but_for`. Raises FlashError for any other."""
    status, bundle_status = link.unpack(CHECK_BODY, link.request(kind, body, _TRIES))
    if status not in (0, *but_for):
        why = f": {_BUNDLE_STATUS[bundle_status]}" if status == 1 and bundle_status in _BUNDLE_STATUS else ""
        raise FlashError(f"{link.name}: the board {_UPDATE_STATUS.get(status, f'reports status {status}')}{why}")
    return int(status)
