"""The example of a firmware of one's own: built against the CMake targets, it takes a signed bundle over a line."""

import os
import select
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from asd_edge.backends.serial_link import SerialLink
from asd_edge.errors import FlashError
from asd_edge.flash.serial_update import board_state, go_back, install_bundle, update_board
from asd_edge.package.bundle import Bundle, pack_bundle
from asd_edge.package.keys import public_key_source
from asd_edge.package.self_test import run_self_test
from tests.engine.small_images import CLIP_SAMPLES, IMAGES
from tests.frontend.frontend_programs import FIRMWARE

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SOURCE = FIRMWARE / "examples/update"


class Pipes:
    """The program's standard input and output as a line."""

    def __init__(self, program: Path) -> None:
        self._running = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)

    @property
    def _output(self) -> int:
        assert self._running.stdout is not None
        return self._running.stdout.fileno()

    def read(self, size: int = 1) -> bytes:
        is_there = size > 0 and select.select([self._output], [], [], 0.05)[0]
        return os.read(self._output, size) if is_there else b""

    def write(self, data: bytes) -> int:
        assert self._running.stdin is not None
        return self._running.stdin.write(data) or 0

    def close(self) -> None:
        self._running.communicate()
        assert self._running.returncode == 0


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("cmake") is None:
        pytest.skip("cmake not found; `make setup-emulation` installs it")
    folder = tmp_path_factory.mktemp("update_example")
    keys = folder / "keys.c"
    keys.write_text(public_key_source(KEY.public_key().public_bytes_raw(), "test"))
    configure = ["cmake", "-S", str(SOURCE), "-B", str(folder / "build"), f"-DPUBLIC_KEYS={keys}"]
    for command in (configure, ["cmake", "--build", str(folder / "build")]):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder / "build/update"


@pytest.fixture
def link(program: Path) -> Iterator[SerialLink]:
    with SerialLink(Pipes(program), "pipes") as opened:
        yield opened


def _bundle(version: int) -> Bundle:
    image = IMAGES["detector"]()
    return Bundle("my-board", "fan/id_00", 0, 0, version, 1, run_self_test(image, CLIP_SAMPLES, 0, 1), image)


def test_the_example_installs_signed_models_and_goes_back_once(link: SerialLink) -> None:
    assert board_state(link).version == 0
    for version in (1, 2):
        state = update_board(link, _bundle(version), pack_bundle(_bundle(version), KEY))
        assert (state.version, state.self_test, state.is_on_trial) == (version, "passed", False)
    assert go_back(link).version == 1
    with pytest.raises(
        FlashError, match=r"pipes: has gone back already and runs version 1, confirmed before 2; .* version 3"
    ):
        go_back(link)
    assert board_state(link).version == 1


def test_the_example_goes_back_where_the_first_answer_was_lost(link: SerialLink) -> None:
    for version in (1, 2):
        update_board(link, _bundle(version), pack_bundle(_bundle(version), KEY))
    link.request(20)  # GO_BACK, carried out; nobody restarts it
    assert go_back(link).version == 1


def test_a_device_with_nothing_to_go_back_to_says_what_runs(link: SerialLink) -> None:
    with pytest.raises(FlashError, match="holds no model to go back to and runs no model"):
        go_back(link)
    update_board(link, _bundle(1), pack_bundle(_bundle(1), KEY))
    with pytest.raises(FlashError, match="holds no model to go back to and runs version 1 as before; install another"):
        go_back(link)
    assert board_state(link).version == 1


def test_the_example_refuses_a_stranger_and_a_model_that_fails_its_self_test(link: SerialLink) -> None:
    stranger = Ed25519PrivateKey.from_private_bytes(bytes(32))
    with pytest.raises(FlashError, match="signed by nobody that its firmware trusts"):
        install_bundle(link, pack_bundle(_bundle(1), stranger))
    wrong = replace(_bundle(1), self_test=replace(_bundle(1).self_test, score_q16=1))
    with pytest.raises(FlashError, match="version 1 failed its self-test on the board, which runs no model"):
        update_board(link, wrong, pack_bundle(wrong, KEY))
