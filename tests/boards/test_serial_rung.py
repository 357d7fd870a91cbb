"""A board at the end of a serial line gives the reference's scores, over noise and through a reset."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from asd_edge.backends import serial_link
from asd_edge.backends.emulate_board import missing_programs
from asd_edge.backends.ladder import in_ladder_order, open_rung
from asd_edge.backends.rung import Clip
from asd_edge.backends.serial_link import open_link, split_port
from asd_edge.backends.serial_rung import SerialRung
from asd_edge.clip.read_clip import read_clip
from asd_edge.errors import BackendError
from asd_edge.evaluate.evaluate_work import evaluate_work
from asd_edge.export.detector import load_detector
from tests.boards.board_programs import WorkImages
from tests.boards.emulated_serial import SerialBoard, serial_board, spoilt_line

BOARD = "netduinoplus2"
SEED = 11
LOST_BITS = 1e-5  # of the line: a handful of damaged blocks in a clip


@pytest.fixture(scope="module")
def board(short_images: WorkImages, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SerialBoard]:
    if (reason := missing_programs(BOARD)) is not None:
        pytest.skip(reason)
    with serial_board(BOARD, short_images.path("dsp"), tmp_path_factory.mktemp("serial")) as running:
        yield running


@pytest.fixture(scope="module")
def clip(short_images: WorkImages, tiny_clips: Path) -> Clip:
    machines = load_detector(short_images.work / "detector.safetensors").labels.machines
    return Clip(read_clip(sorted(tiny_clips.glob("fan/test/*.wav"))[0], 32_000), machines[1], {})


def _open(work: Path, port: str) -> SerialRung:
    rung = open_rung(f"serial:{port}", work)
    assert isinstance(rung, SerialRung)
    return rung


def _check(rung: SerialRung, work: Path, clip: Clip) -> None:
    found, reference = rung.score(clip), open_rung("reference", work).score(clip)
    assert found.score == reference.score
    assert found.codes is not None
    assert reference.codes is not None
    np.testing.assert_array_equal(found.codes, reference.codes)
    np.testing.assert_allclose(found.output, reference.output)


def test_scores_and_embedding_are_the_references(board: SerialBoard, short_images: WorkImages, clip: Clip) -> None:
    rung = _open(short_images.work, board.port)
    _check(rung, short_images.work, clip)
    assert rung.runtime.startswith(f"{BOARD} on ")
    rung.close()


def test_the_board_says_how_much_of_its_memory_is_used(board: SerialBoard) -> None:
    with open_link(board.port) as link:
        ram, static, stack, used = link.memory()
    assert ram == 128 * 1024
    assert stack <= static < ram
    assert 0 < used <= stack


def test_noise_on_the_line_changes_no_score(
    board: SerialBoard, short_images: WorkImages, clip: Clip, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serial_link, "SECONDS_PER_TRY", 0.5)
    generator = np.random.default_rng(SEED)
    n_spoilt = 0

    def spoil(block: bytes) -> bytes:
        nonlocal n_spoilt
        bits = np.unpackbits(np.frombuffer(block, np.uint8))
        flips = generator.random(bits.size) < LOST_BITS
        n_spoilt += int(flips.any())
        return np.packbits(bits ^ flips).tobytes()

    with spoilt_line(board, spoil, spoil) as port:
        rung = _open(short_images.work, port)
        _check(rung, short_images.work, clip)
        rung.close()
    assert n_spoilt > 2


def test_a_clip_is_sent_again_to_a_board_that_started_anew(
    board: SerialBoard, short_images: WorkImages, clip: Clip
) -> None:
    n_bytes = 0

    def reset_in_the_middle(block: bytes) -> bytes:
        nonlocal n_bytes
        before, n_bytes = n_bytes, n_bytes + len(block)
        if before < clip.samples.nbytes // 2 <= n_bytes:
            board.reset()
        return block

    with spoilt_line(board, reset_in_the_middle, lambda block: block) as port:
        rung = _open(short_images.work, port)
        _check(rung, short_images.work, clip)
        rung.close()
    assert n_bytes > 1.4 * clip.samples.nbytes, "half of it went twice"


def test_another_model_on_the_board_is_named_with_the_command_that_writes_the_right_one(
    board: SerialBoard, reference_images: WorkImages
) -> None:
    with pytest.raises(BackendError, match=r"netduinoplus2 holds model \w{12}, not the one of .*: asd-edge compile "):
        open_rung(f"serial:{board.port}", reference_images.work)


def test_an_interrupted_evaluation_goes_on_at_the_next_clip(
    board: SerialBoard, short_images: WorkImages, tiny_clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = _two_clips(tiny_clips, tmp_path / "data")
    scored: list[str] = []
    score = SerialRung.score

    def counted(rung: SerialRung, given: Clip) -> object:
        if len(scored) == 1:
            scored.append("interrupted")
            raise KeyboardInterrupt
        scored.append(given.machine)
        return score(rung, given)

    monkeypatch.setattr(SerialRung, "score", counted)
    rungs = ("host", f"serial:{board.port}")
    with pytest.raises(KeyboardInterrupt):
        evaluate_work(short_images.work, data, rungs)
    found = evaluate_work(short_images.work, data, rungs)
    assert len(scored) == 3, "the first clip was not sent again"
    assert [rung.clips_scored for rung in found.rungs] == [2, 2]


def _two_clips(source: Path, folder: Path) -> Path:
    for label in ("normal", "anomaly"):
        path = sorted(source.glob(f"fan/test/{label}_id_00_*.wav"))[0]
        copy = folder / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    return folder


def test_a_board_that_says_nothing_is_given_up_with_what_to_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serial_link, "SECONDS_PER_TRY", 0.1)
    with open_link("loop://") as link, pytest.raises(BackendError, match=r"loop://: no answer in 5 tries .*baud rate"):
        link.hello()


def test_a_port_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match=r"no-port: can't be opened \(.*\); ports here: "):
        open_link(str(tmp_path / "no-port"))


def test_a_serial_rung_comes_last_and_needs_its_port() -> None:
    assert in_ladder_order(["serial:/dev/ttyACM0", "host", "emulator:mps2-an386"])[-1] == "serial:/dev/ttyACM0"
    with pytest.raises(BackendError, match=r"choose from .*serial:PORT"):
        in_ladder_order(["serial"])


def test_the_baud_rate_stands_behind_the_port() -> None:
    assert split_port("/dev/ttyACM0@921600") == ("/dev/ttyACM0", 921_600)
    assert split_port("COM3") == ("COM3", 115_200)
    with pytest.raises(BackendError, match="'fast' is no baud rate; write serial:COM3@115200"):
        split_port("COM3@fast")
