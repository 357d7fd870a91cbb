"""Whole images through QEMU's gdb server: firmware and model into a flash that nothing else can write, then it runs."""

import contextlib
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from asd_edge.backends.emulate_board import missing_programs
from asd_edge.cli import app, run
from tests.flash.signed_bundles import BundleFile, bundle_of, write_bundle

BOARD = "netduinoplus2"
FLASH = 0x08000000
SLOT = FLASH + 0x12000
BOARDS_FILE = f"""
boards:
  {BOARD}:
    system: mcu
    kernels: dsp
    emulator: {BOARD}
    core: cortex-m4
    flash_base: {FLASH:#x}
    flash_bytes: 1_048_576
    slots:
      addresses: [{SLOT:#x}, {FLASH + 0x80000:#x}]
      bytes: 131_072
      log: [{FLASH + 0x10000:#x}, {FLASH + 0x11000:#x}]
      page_bytes: 4096
      firmware_bytes: 65_536
"""
# Sums up the words of a bundle where slot 0 is, and ends the emulator with the sum's lowest seven bits.
FIRMWARE = """
    .syntax unified
    .thumb
    .word 0x20001000, start
    .thumb_func
start:
    ldr r0, =SLOT
    ldr r1, =N_WORDS
    movs r2, #0
next:
    ldr r3, [r0], #4
    adds r2, r3
    subs r1, #1
    bne next
    and r2, #0x7f
    ldr r1, =0x20000100
    ldr r3, =0x20026 @ the application has ended
    strd r3, r2, [r1]
    movs r0, #0x20   @ SYS_EXIT_EXTENDED
    bkpt #0xab
    b .
"""


@pytest.fixture(autouse=True)
def _tools() -> None:
    if (reason := missing_programs(BOARD)) is not None:
        pytest.skip(reason)
    if shutil.which("gdb-multiarch") is None:
        pytest.skip("gdb-multiarch is not installed; run make setup-emulation")


@pytest.fixture
def bundle(tmp_path: Path) -> BundleFile:
    return write_bundle(tmp_path, bundle_of(BOARD, os.urandom(20_000)))


def _firmware(folder: Path, n_words: int) -> Path:
    source, elf = folder / "firmware.S", folder / "firmware"
    source.write_text(FIRMWARE)
    symbols = [f"-Wl,--defsym=SLOT={SLOT}", f"-Wl,--defsym=N_WORDS={n_words}"]
    where = [f"-Wl,-Ttext={FLASH:#x}", "-Wl,--entry=start", "-nostdlib", "-Wl,-n"]
    subprocess.run(["arm-none-eabi-gcc", "-mcpu=cortex-m4", *where, *symbols, source, "-o", elf], check=True)
    return elf


@contextlib.contextmanager
def _empty_board() -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """A board without any program, halted, and where its gdb server listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [
        *("qemu-system-arm", "-M", BOARD, "-nographic", "-monitor", "none", "-serial", "none"),
        *("-semihosting-config", "enable=on,target=native", "-S", "-gdb", f"tcp:127.0.0.1:{port}"),
    ]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as running:
        try:
            _await_server(port)
            yield f"127.0.0.1:{port}", running
        finally:
            running.kill()


def _await_server(port: int) -> None:
    """Until something has the port, without a connection, which would let the board run."""
    for _ in range(1200):
        with socket.socket() as trial:
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                return
        threading.Event().wait(0.1)
    raise AssertionError(f"nothing listens at port {port}")


def _words(bundle: BundleFile, folder: Path, server: str) -> list[str]:
    (folder / "boards.yaml").write_text(BOARDS_FILE)
    return ["flash", *bundle.options, "--board", BOARD, "--boards", str(folder / "boards.yaml"), "--probe", server]


def _flash(bundle: BundleFile, folder: Path, server: str, *more: str) -> Result:
    return CliRunner().invoke(app, [*_words(bundle, folder, server), *more])


def test_firmware_and_model_are_written_verified_and_run(bundle: BundleFile, tmp_path: Path) -> None:
    content = bundle.path.read_bytes()
    words = [int.from_bytes(content[at : at + 4], "little") for at in range(0, len(content), 4)]
    with _empty_board() as (server, board):
        result = _flash(bundle, tmp_path, server, "--firmware", str(_firmware(tmp_path, len(words))))
        assert result.exit_code == 0, result.output
        assert board.wait(timeout=300) == sum(words) & 0x7F, "the core read the model where slot 0 is"
    first, last = result.output.splitlines()
    assert first.startswith(f"{BOARD}: firmware and model written by gdb, ")
    assert first.endswith("bytes, read back and equal")
    assert last == "version 7 for fan/id_00 starts with the board; what it runs could not be asked: give --port PORT"


def test_flash_that_is_not_there_is_one_line(
    bundle: BundleFile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with _empty_board() as (server, _):
        words = _words(bundle, tmp_path, server)
        elsewhere = BOARDS_FILE.replace(f"{FLASH:#x}", "0xa0000000")
        for offset in (0x10000, 0x11000, 0x12000, 0x80000):
            elsewhere = elsewhere.replace(f"{FLASH + offset:#x}", f"{0xA0000000 + offset:#x}")
        (tmp_path / "boards.yaml").write_text(elsewhere)
        assert run(words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert "gdb-multiarch: " in printed.err
