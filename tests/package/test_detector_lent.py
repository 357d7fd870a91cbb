"""The detector application on this machine, its time a script: a workstation that goes away doesn't leave it deaf."""

import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from asd_edge.backends.link_frames import Frame, FrameReceiver, encode_frame
from asd_edge.package.bundle import Bundle, pack_bundle
from asd_edge.package.keys import public_key_source
from asd_edge.package.self_test import run_self_test, self_test_samples
from tests.engine.engine_programs import DEFINITIONS, FOLDERS, SANITIZERS, sources
from tests.engine.small_images import CLIP_SAMPLES, IMAGES
from tests.frontend.frontend_programs import FIRMWARE, WARNINGS

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SERIAL, MICROPHONE, MILLISECONDS = 0, 1, 2
START, SAMPLES, STATE, LISTEN, REFUSAL = 2, 3, 16, 22, 0xFF
NOT_STARTED = 4
LENT_MS = 30_000
HEARD = struct.Struct("<IIIqII")
NO_SUCH_CLASS = 99


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scripted")
    keys = folder / "keys.c"
    keys.write_text(public_key_source(KEY.public_key().public_bytes_raw(), "test"))
    paths = [FIRMWARE / f"apps/detector/{name}.c" for name in ("detector", "scripted_device")]
    paths += [keys, FIRMWARE / "boards/host/port.c", FIRMWARE / "engine/asd_audio_buffer.c", *sources()]
    for part in ("frontend", "link", "update"):
        paths += sorted((FIRMWARE / part).glob("*.c"))
    includes = [f"-I{FIRMWARE / path}" for path in (*FOLDERS, "update")]
    flags = [*WARNINGS, *SANITIZERS, *DEFINITIONS, '-DASD_BOARD_NAME="host"']
    command = ["gcc", "-std=c99", *flags, *includes, *map(str, dict.fromkeys(paths)), "-o", str(folder / "detector")]
    subprocess.run(command, check=True)
    return folder / "detector"


class Day:
    """What happens to the device, in order."""

    def __init__(self) -> None:
        image = IMAGES["detector"]()
        bundle = Bundle("host", "fan/id_00", 0, 0, 1, 1, run_self_test(image, CLIP_SAMPLES, 0, 1), image)
        content = pack_bundle(bundle, KEY)
        self._script = struct.pack("<I", len(content)) + content
        self._n_asked = 0

    def ask(self, kind: int, body: bytes = b"") -> None:
        self._n_asked += 1
        self._add(SERIAL, encode_frame(Frame(kind, self._n_asked, body)))

    def hear_a_window(self) -> None:
        """And the start of the next, where the score of this one falls."""
        self._add(MICROPHONE, np.resize(self_test_samples(1, CLIP_SAMPLES), 2 * CLIP_SAMPLES).astype("<i2").tobytes())

    def wait_ms(self, milliseconds: int) -> None:
        self._script += struct.pack("<II", MILLISECONDS, milliseconds)

    def answers(self, program: Path) -> list[Frame]:
        done = subprocess.run([program], input=self._script, capture_output=True, check=True)
        asked = [frame for frame in FrameReceiver().receive(done.stdout) if frame.sequence != 0]
        assert len(asked) == self._n_asked
        return asked

    def _add(self, kind: int, content: bytes) -> None:
        self._script += struct.pack("<II", kind, len(content)) + content


def _n_scores(answer: Frame) -> int:
    return int(HEARD.unpack(answer.body)[0])


@pytest.mark.parametrize("class_index", [0, NO_SUCH_CLASS], ids=["scores clips", "asks for a class that isn't there"])
def test_a_workstation_that_goes_away_gives_the_detector_back(program: Path, class_index: int) -> None:
    day = Day()
    day.hear_a_window()
    day.ask(LISTEN)
    day.ask(START, struct.pack("<I", class_index))
    day.hear_a_window()
    day.wait_ms(LENT_MS - 1)
    day.hear_a_window()
    day.ask(STATE)
    day.ask(LISTEN)
    day.wait_ms(1)
    day.hear_a_window()
    day.ask(LISTEN)
    day.ask(SAMPLES, struct.pack("<I", 0) + bytes(64))
    first, start, _, lent, back, late = day.answers(program)
    heard = _n_scores(first)
    assert heard > 0
    assert (int.from_bytes(start.body, "little") == 0) == (class_index == 0)
    assert _n_scores(lent) == heard, "deaf as long as the detector is lent, and other requests don't prolong it"
    assert _n_scores(back) > heard
    assert (late.type, int.from_bytes(late.body, "little")) == (REFUSAL, NOT_STARTED), "begin the clip anew"


def test_a_workstation_that_goes_on_scoring_keeps_the_detector(program: Path) -> None:
    day = Day()
    day.ask(START, struct.pack("<I", 0))
    for at in range(0, 96, 32):
        day.wait_ms(LENT_MS - 1)
        day.ask(SAMPLES, struct.pack("<I", at) + bytes(64))
    day.hear_a_window()
    day.ask(LISTEN)
    *_, last, heard = day.answers(program)
    assert int.from_bytes(last.body, "little") == 96
    assert _n_scores(heard) == 0
