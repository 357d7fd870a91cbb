"""`asd-edge flash` without a board: what a dry run prints, and every refusal in one line before anything is touched."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from asd_edge.cli import run
from asd_edge.package.bundle import pack_bundle
from tests.flash.signed_bundles import BundleFile, bundle_of, write_bundle

BOARD = "nucleo-l4r5zi"


@pytest.fixture
def bundle(tmp_path: Path) -> BundleFile:
    return write_bundle(tmp_path, bundle_of(BOARD, bytes(1000)))


def test_a_dry_run_prints_the_commands_and_touches_nothing(
    bundle: BundleFile, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    before = sorted(tmp_path.iterdir())
    assert run(["flash", *bundle.options, "--board", BOARD, "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "# log-0.bin: 4,096 bytes for 0x08010000",
        "# log-1.bin: 4,096 bytes for 0x08011000",
        "# slot-1.bin: 4,096 bytes for 0x08109000",
        "# model.bin: 1,512 bytes for 0x08012000",
        "openocd -f interface/stlink.cfg -f target/stm32l4x.cfg "
        "-c 'gdb_port disabled; tcl_port disabled; telnet_port disabled' "
        "-c 'program log-0.bin 0x08010000 verify' -c 'program log-1.bin 0x08011000 verify' "
        "-c 'program slot-1.bin 0x08109000 verify' -c 'program model.bin 0x08012000 verify' -c 'reset run' -c shutdown",
    ]
    assert run(["flash", *bundle.options, "--board", BOARD, "--dry-run", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["method"], said["commands"]) == ("openocd", lines)
    assert sorted(tmp_path.iterdir()) == before


def test_a_dry_run_of_uf2_says_what_would_be_copied(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = write_bundle(tmp_path, bundle_of("pico2", bytes(1000)))
    assert run(["flash", *bundle.options, "--board", "pico2", "--dry-run"]) == 0
    n_blocks = 3 * 16 + 6  # three pages of 4 KB, a bundle of 1,512 bytes
    assert capsys.readouterr().out.splitlines() == [
        f"# asd-edge.uf2: {n_blocks} blocks, family 0xe48bff57",
        "cp asd-edge.uf2 the drive of a RP2350",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--board", "nucleo-h743zi"], "made for nucleo-l4r5zi, not for nucleo-h743zi; package it for this board"),
        (["--board", BOARD, "--method", "uf2"], "nucleo-l4r5zi isn't known to have a UF2 bootloader"),
        (["--board", BOARD, "--method", "pyocd"], "give it with --target"),
        (["--board", BOARD, "--method", "jtag"], "choose pyocd, openocd, uf2, dfu, gdb, serial"),
        (["--board", BOARD, "--firmware", "missing.elf"], "missing.elf: can't be read (No such file or directory)"),
        (["--method", "serial", "--dry-run"], "the serial line takes --port, and no"),
        (["--port", "/dev/ttyACM0", "--method", "serial", "--target", "x"], "the serial line takes --port, and no"),
        (["--port", "/dev/ttyACM0@fast", "--dry-run"], "'fast' is no baud rate"),
        ([], "give --port PORT, or a bundle and --board B"),
    ],
    ids=lambda given: " ".join(given[-2:]) if isinstance(given, list) else None,
)
def test_what_cannot_be_flashed_is_refused(
    bundle: BundleFile, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert run(["flash", *bundle.options, *words]) == 2
    printed = capsys.readouterr()
    assert said in " ".join(printed.err.split())
    assert printed.out == ""


@pytest.mark.parametrize("option", [[], ["--dry-run"]], ids=["real", "dry"])
def test_a_bundle_for_linux_never_goes_over_a_serial_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: list[str]
) -> None:
    bundle = write_bundle(tmp_path, bundle_of("rpi4", bytes(1000)))
    assert run(["flash", *bundle.options, "--port", "/dev/no-such-port", *option]) == 2
    printed = capsys.readouterr()
    assert "made for rpi4, which runs Linux; give --host instead of --port" in printed.err
    assert (printed.out, printed.err.count("\n")) == ("", 1)


def test_a_stranger_s_bundle_is_refused_before_a_programmer_is_looked_for(
    bundle: BundleFile, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle.path.write_bytes(pack_bundle(bundle.bundle, Ed25519PrivateKey.from_private_bytes(bytes(32))))
    assert run(["flash", *bundle.options, "--board", BOARD, "--dry-run"]) == 2
    printed = capsys.readouterr()
    assert "signed by none of the given keys, or altered" in printed.err
    assert (printed.out, printed.err.count("\n")) == ("", 1)
