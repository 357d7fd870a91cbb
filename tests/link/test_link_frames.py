"""Frames of the serial line: C and Python agree on every line, and no noise makes a frame that nobody sent."""

import subprocess
from collections.abc import Callable

import numpy as np
import pytest

from asd_edge.backends.link_frames import MAX_BODY, Frame, FrameReceiver, encode_frame
from tests.engine.engine_programs import SANITIZERS
from tests.frontend.frontend_programs import FIRMWARE, WARNINGS

SEED = 5
BODIES = [
    b"",
    b"\0",
    b"\0" * MAX_BODY,
    b"\1" * MAX_BODY,
    bytes(range(256)) * 4,
    *(b"\7" * n for n in (245, 246, 247, 248, 249, 253, 254, 255, 502, 508)),  # runs that end at 254 with the header
]
Check = Callable[[bytes], tuple[list[Frame], int]]


@pytest.fixture(scope="module")
def in_c(tmp_path_factory: pytest.TempPathFactory) -> Check:
    """The C of a device, under sanitizers."""
    program = tmp_path_factory.mktemp("link") / "link_check"
    paths = [*sorted((FIRMWARE / "link").glob("asd_link_[er]*.c")), FIRMWARE / "engine/asd_crc32.c"]
    paths += [FIRMWARE / "apps/link/link_check.c", FIRMWARE / "boards/host/port.c"]
    includes = [f"-I{FIRMWARE / name}" for name in ("include", "engine")]
    command = ["gcc", "-std=c99", *WARNINGS, *SANITIZERS, *includes, *map(str, paths), "-o", str(program)]
    subprocess.run(command, check=True)

    def check(line: bytes) -> tuple[list[Frame], int]:
        done = subprocess.run([program], input=line, capture_output=True, check=True)
        receiver = FrameReceiver()
        frames = receiver.receive(done.stdout[:-4])
        assert receiver.n_bad_frames == 0
        assert b"".join(map(encode_frame, frames)) == done.stdout[:-4], "both encode alike"
        return frames, int.from_bytes(done.stdout[-4:], "little")

    return check


def in_python(line: bytes) -> tuple[list[Frame], int]:
    """Byte by byte, as a slow line brings them."""
    receiver = FrameReceiver()
    frames = [frame for byte in line for frame in receiver.receive(bytes((byte,)))]
    return frames, receiver.n_bad_frames


def _frames(n_frames: int) -> list[Frame]:
    generator = np.random.default_rng(SEED)
    random = [
        generator.integers(0, 256, generator.integers(0, MAX_BODY + 1), np.uint8).tobytes() for _ in range(n_frames)
    ]
    return [Frame(index % 256, 255 - index % 256, body) for index, body in enumerate([*BODIES, *random])]


def test_every_frame_arrives_as_it_was_sent(in_c: Check) -> None:
    frames = _frames(40)
    line = b"\0\0".join(map(encode_frame, frames))
    assert in_python(line) == (frames, 0)
    assert in_c(line) == (frames, 0)


def test_a_frame_holds_no_zero_but_its_last() -> None:
    for frame in _frames(10):
        encoded = encode_frame(frame)
        assert encoded.index(0) == len(encoded) - 1


def test_noise_costs_the_frames_that_it_touches_and_no_other(in_c: Check) -> None:
    generator = np.random.default_rng(SEED)
    frames, sent, line = _frames(80), [], bytearray()
    for index, frame in enumerate(frames):
        encoded = bytearray(encode_frame(frame))
        match index % 4:
            case 1:
                encoded[generator.integers(len(encoded) - 1)] ^= 1 << int(generator.integers(8))
            case 2:
                del encoded[generator.integers(len(encoded) - 1)]
            case 3:
                encoded[:0] = generator.integers(1, 256, 3000, np.uint8).tobytes()  # longer than any frame
            case _:
                sent.append(frame)
        line += encoded
    found, n_bad = in_python(bytes(line))
    assert [frame for frame in found if frame in sent] == sent
    assert all(frame in sent for frame in found)
    assert n_bad >= len(frames) - len(sent)
    assert in_c(bytes(line)) == (found, n_bad)


def test_random_bytes_are_no_frame(in_c: Check) -> None:
    line = np.random.default_rng(SEED).integers(0, 256, 200_000, np.uint8).tobytes() + b"\0"
    found, n_bad = in_python(line)
    assert found == []
    assert n_bad > 100
    assert in_c(line) == (found, n_bad)
