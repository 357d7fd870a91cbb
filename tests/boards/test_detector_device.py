"""A device on an emulated board: signed models by serial line, self-test, alarm, a cut in the middle, back again."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from asd_edge.backends.emulate_board import build_firmware, missing_programs
from asd_edge.backends.serial_link import SerialLink, open_link
from asd_edge.clip.read_clip import read_clip
from asd_edge.errors import BackendError, FlashError
from asd_edge.export.detector import load_detector
from asd_edge.flash.serial_update import (
    Heard,
    board_state,
    go_back,
    install_bundle,
    restart,
    send_audio,
    update_board,
)
from asd_edge.native_engine import score_samples
from asd_edge.package.bundle import Bundle, pack_bundle
from asd_edge.package.keys import public_key_source
from asd_edge.package.self_test import SelfTest, run_self_test, self_test_samples
from tests.boards.board_programs import WorkImages
from tests.boards.emulated_serial import SerialBoard, running_board
from tests.engine.small_images import CLIP_SAMPLES, IMAGES

BOARD, DETECTOR = "mps2-an386", "detector"
OTHERS = {"mps2-an500": "dsp", "mps2-an505": "dsp", "mps3-an547": "mve"}  # M7, M33, M55: kernels
GO_BACK = 20
HOP = 512
Samples = np.ndarray[tuple[int], np.dtype[np.int16]]
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if (reason := missing_programs(BOARD)) is not None:
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("device")
    keys = folder / "keys.c"
    keys.write_text(public_key_source(KEY.public_key().public_bytes_raw(), "test"))
    return build_firmware(BOARD, folder / "build", [DETECTOR], public_keys=keys) / DETECTOR


@pytest.fixture
def board(program: Path) -> Iterator[SerialBoard]:
    """A new device, without a model."""
    with running_board(BOARD, program) as running:
        yield running


@pytest.fixture
def link(board: SerialBoard) -> Iterator[SerialLink]:
    with open_link(board.port) as opened:
        yield opened


@pytest.fixture(scope="module")
def samples(tiny_clips: Path) -> Samples:
    return read_clip(sorted(tiny_clips.glob("fan/test/*.wav"))[0], 32_000)


@pytest.fixture(scope="module")
def self_test(short_images: WorkImages) -> SelfTest:
    detector = load_detector(short_images.work / "detector.safetensors")
    return run_self_test(short_images.compiled("generic").content, detector.frontend.clip_samples, 0, 1)


def _bundle(images: WorkImages, self_test: SelfTest, version: int, threshold_q16: int = 0) -> Bundle:
    machine = load_detector(images.work / "detector.safetensors").labels.machines[0]
    return Bundle(BOARD, machine, 0, threshold_q16, version, 1, self_test, images.compiled("dsp").content)


def _install(link: SerialLink, bundle: Bundle) -> None:
    update_board(link, bundle, pack_bundle(bundle, KEY))


def _hear(link: SerialLink, samples: Samples) -> Heard:
    """A window, and a quarter of the next: scores come with what follows."""
    heard = send_audio(link, samples[:0])
    for at in range(0, samples.size * 5 // 4, HOP):
        heard = send_audio(link, np.resize(samples, 2 * samples.size)[at : at + HOP])
        while heard.n_waiting > 2 * HOP:
            heard = send_audio(link, samples[:0])
    return heard


def test_a_device_takes_a_model_proves_it_and_goes_back(
    link: SerialLink, short_images: WorkImages, self_test: SelfTest
) -> None:
    assert board_state(link).version == 0
    first, second = (_bundle(short_images, self_test, version) for version in (1, 2))
    state = update_board(link, first, pack_bundle(first, KEY))
    assert (state.version, state.self_test, state.is_on_trial) == (1, "passed", False)
    assert state.machine == first.machine
    assert update_board(link, second, pack_bundle(second, KEY)).version == 2
    with pytest.raises(FlashError, match="has confirmed this version or a newer one already"):
        install_bundle(link, pack_bundle(first, KEY))
    link.request(GO_BACK)  # its answer is lost, and no restart follows
    back = go_back(link)
    assert (back.version, back.least_version) == (1, 2)
    with pytest.raises(FlashError, match="has gone back already and runs version 1, confirmed before 2"):
        go_back(link)
    assert restart(link).version == 1


def test_a_reset_in_the_middle_of_an_update_leaves_the_model_that_ran(
    board: SerialBoard, link: SerialLink, short_images: WorkImages, self_test: SelfTest
) -> None:
    _install(link, _bundle(short_images, self_test, 1))
    second = _bundle(short_images, self_test, 2)

    def reset_at_half(done: int, total: int) -> None:
        if done >= total // 2 > done - 1024:
            board.reset()

    with pytest.raises((FlashError, BackendError)):
        install_bundle(link, pack_bundle(second, KEY), reset_at_half)
    state = board_state(link)
    assert (state.version, state.is_on_trial) == (1, False)
    assert update_board(link, second, pack_bundle(second, KEY)).version == 2


def test_a_model_that_fails_its_self_test_is_taken_back(
    link: SerialLink, short_images: WorkImages, self_test: SelfTest
) -> None:
    _install(link, _bundle(short_images, self_test, 1))
    wrong = SelfTest(self_test.seed, self_test.n_samples, self_test.score_q16 + 1, self_test.output_sha256)
    with pytest.raises(FlashError, match="version 2 failed its self-test on the board, which runs version 1 as before"):
        _install(link, _bundle(short_images, wrong, 2))
    assert board_state(link).least_version == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"board": "mps2-an500"}, "made for another board"),
        ({"least_firmware": 99}, "made for a newer firmware"),
    ],
)
def test_a_bundle_for_another_device_is_refused(
    link: SerialLink, short_images: WorkImages, self_test: SelfTest, change: dict[str, object], said: str
) -> None:
    bundle = replace(_bundle(short_images, self_test, 1), **change)  # type: ignore[arg-type]
    with pytest.raises(FlashError, match=said):
        install_bundle(link, pack_bundle(bundle, KEY))
    assert board_state(link).version == 0


def test_a_bundle_signed_by_a_stranger_is_refused_before_anything_is_erased(
    link: SerialLink, short_images: WorkImages, self_test: SelfTest
) -> None:
    _install(link, _bundle(short_images, self_test, 1))
    stranger = Ed25519PrivateKey.from_private_bytes(bytes(32))
    with pytest.raises(FlashError, match="signed by nobody that its firmware trusts"):
        install_bundle(link, pack_bundle(_bundle(short_images, self_test, 2), stranger))
    assert restart(link).version == 1


def test_a_score_above_the_threshold_raises_the_alarm_and_one_below_ends_it(
    link: SerialLink,
    short_images: WorkImages,
    self_test: SelfTest,
    samples: Samples,
) -> None:
    scores, _ = score_samples(short_images.compiled("generic").content, samples, 0)
    _install(link, _bundle(short_images, self_test, 1, scores[0] - 1))
    heard = _hear(link, samples)
    assert (heard.n_scores, heard.n_dropped) == (1, 0)
    assert (heard.score_q16, heard.is_alarm) == (scores[0], True)
    assert len(link.unasked) == 1, "the board said so by itself, once"
    _install(link, _bundle(short_images, self_test, 2, scores[0]))
    assert not send_audio(link, samples[:0]).is_alarm


@pytest.fixture(scope="module", params=OTHERS)
def other(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """Another machine and its program."""
    machine = str(request.param)
    if (reason := missing_programs(machine)) is not None:
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp(machine)
    keys = folder / "keys.c"
    keys.write_text(public_key_source(KEY.public_key().public_bytes_raw(), "test"))
    return machine, build_firmware(machine, folder / "build", [DETECTOR], public_keys=keys) / DETECTOR


def test_every_other_machine_hears_an_anomaly(other: tuple[str, Path]) -> None:
    """With a detector of 2,048 samples and four channels: quick on any machine."""
    machine, program = other
    image = IMAGES["detector"]()
    self_test = run_self_test(image, CLIP_SAMPLES, 0, 1)
    samples = self_test_samples(2, CLIP_SAMPLES)
    scores, _ = score_samples(image, samples, 0)
    bundle = Bundle(machine, "fan/id_00", 0, scores[0] - 1, 1, 1, self_test, image)
    with running_board(machine, program) as running, open_link(running.port) as line:
        state = update_board(line, bundle, pack_bundle(bundle, KEY))
        assert (state.version, state.self_test, state.is_on_trial) == (1, "passed", False)
        heard = _hear(line, samples)
    assert (heard.n_scores, heard.score_q16, heard.is_alarm) == (1, scores[0], True)
    assert len(line.unasked) == 1, "the board said so by itself, once"


def test_every_other_machine_takes_models_for_its_kernels_and_goes_back(
    other: tuple[str, Path], short_images: WorkImages, self_test: SelfTest
) -> None:
    machine, program = other
    image = short_images.compiled(OTHERS[machine]).content
    first, second = (replace(_bundle(short_images, self_test, n), board=machine, image=image) for n in (1, 2))
    with running_board(machine, program) as running, open_link(running.port) as line:
        state = update_board(line, first, pack_bundle(first, KEY))
        assert (state.version, state.self_test, state.is_on_trial) == (1, "passed", False)
        assert update_board(line, second, pack_bundle(second, KEY)).version == 2
        assert go_back(line).version == 1
