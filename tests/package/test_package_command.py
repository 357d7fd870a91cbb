"""`asd-edge keys`, `package` and `verify`: a bundle that holds what it says, and every way to refuse one."""

import json
import os
import shutil
import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from typer.testing import CliRunner, Result

from asd_edge.cli import app
from asd_edge.cli import run as run_command
from asd_edge.errors import PackageError
from asd_edge.package.bundle import HEADER_BYTES, SIGNED_BYTES, Bundle, load_bundle, pack_bundle, read_bundle
from asd_edge.package.keys import load_private_key, load_public_key, write_new_keys
from asd_edge.package.self_test import SelfTest
from tests.engine.engine_programs import SANITIZERS
from tests.frontend.frontend_programs import FIRMWARE, WARNINGS

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
BUNDLE = Bundle("mps2-an386", "fan/id_00", 3, -70_000, 9, 2, SelfTest(4, 160_000, -5, bytes(range(32))), bytes(1000))


def _invoke(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_a_bundle_is_read_as_it_was_packed() -> None:
    content = pack_bundle(BUNDLE, KEY)
    assert len(content) == HEADER_BYTES + len(BUNDLE.image)
    assert read_bundle(content, [KEY.public_key()], Path("b.asdb")) == BUNDLE
    assert BUNDLE.threshold == -70_000 / 65_536


@pytest.mark.parametrize("at", [0, 3, 8, 90, 96, 150, SIGNED_BYTES - 1, SIGNED_BYTES, SIGNED_BYTES + 63, HEADER_BYTES])
def test_no_altered_byte_is_accepted(at: int) -> None:
    content = bytearray(pack_bundle(BUNDLE, KEY))
    content[at] ^= 1
    with pytest.raises(PackageError, match=r"b\.asdb: "):
        read_bundle(bytes(content), [KEY.public_key()], Path("b.asdb"))


@pytest.mark.parametrize("n_bytes", [0, 3, HEADER_BYTES - 1, HEADER_BYTES, HEADER_BYTES + 999, HEADER_BYTES + 1001])
def test_a_bundle_of_another_length_is_refused(n_bytes: int) -> None:
    content = pack_bundle(BUNDLE, KEY).ljust(HEADER_BYTES + 1001, b"\0")[:n_bytes]
    with pytest.raises(PackageError, match=r"b\.asdb: (no bundle|its image isn't the one that was signed)"):
        read_bundle(content, [KEY.public_key()], Path("b.asdb"))


def test_a_bundle_signed_by_somebody_else_is_refused() -> None:
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    with pytest.raises(PackageError, match="signed by none of the given keys, or altered; don't install it"):
        read_bundle(pack_bundle(BUNDLE, other), [KEY.public_key()], Path("b.asdb"))
    read_bundle(pack_bundle(BUNDLE, other), [KEY.public_key(), other.public_key()], Path("b.asdb"))


def test_names_that_do_not_fit_and_versions_out_of_range_are_refused() -> None:
    with pytest.raises(PackageError, match="more than the 31 bytes"):
        pack_bundle(replace(BUNDLE, board="b" * 32), KEY)
    with pytest.raises(PackageError, match="version 0: choose one from 1 to"):
        pack_bundle(replace(BUNDLE, version=0), KEY)


def test_keys_are_the_owners_alone_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "plant.key"
    result = _invoke("keys", "new", path)
    assert result.exit_code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "PRIVATE KEY" not in result.output
    public = load_public_key(tmp_path / "plant.key.pub")
    assert load_private_key(path).public_key() == public
    with pytest.raises(PackageError, match="exists; a key is never overwritten"):
        write_new_keys(path)
    path.chmod(0o640)
    with pytest.raises(PackageError, match="others than its owner may read this private key; run chmod 600"):
        load_private_key(path)


@pytest.mark.parametrize("option", [[], ["--rauc"]])
@pytest.mark.parametrize("path", ["/", ".", "", "k" * 300])
def test_a_path_that_names_no_file_is_one_line(
    path: str, option: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["keys", "new", path, *option]) == 2
    printed = capsys.readouterr()
    assert "names no file" in printed.err or "can't be written (File name too long)" in printed.err
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize("curve", ["secp112r1", "wap-wsg-idm-ecid-wtls1"])
def test_a_key_of_a_curve_that_nobody_knows_is_one_line(
    curve: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl not found")
    private, public = tmp_path / "odd.key", tmp_path / "odd.key.pub"
    make = ["openssl", "ecparam", "-name", curve, "-genkey", "-noout", "-out", str(private)]
    if subprocess.run(make, capture_output=True, check=False).returncode != 0:
        pytest.skip(f"this openssl doesn't know {curve}")
    subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], capture_output=True, check=True)
    private.chmod(0o600)
    bundle = tmp_path / "b.asdb"
    bundle.write_bytes(pack_bundle(BUNDLE, KEY))
    package = ["package", str(tmp_path), "--board", "rpi4", "--machine", "fan/id_02", "--version", "1"]
    for words in (
        ["keys", "show", str(public)],
        ["verify", str(bundle), "--public-key", str(public)],
        [*package, "--key", str(private)],
        [*package, "--key", str(private), "--rauc"],
    ):
        assert run_command(words) == 2
        printed = capsys.readouterr()
        assert "asd-edge keys new" in printed.err
        assert (printed.out, printed.err.count("\n")) == ("", 1)


def test_a_pipe_in_a_bundles_place_is_refused_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    public, pipe = write_new_keys(tmp_path / "plant.key"), tmp_path / "pipe"
    os.mkfifo(pipe)
    for words in (
        ["verify", str(pipe), "--public-key", str(public)],
        ["keys", "show", str(pipe)],
        ["flash", str(pipe), "--public-key", str(public), "--port", "/dev/null"],
        ["flash", str(pipe), "--public-key", str(public), "--host", "pi"],
        ["slots", "install", str(tmp_path / "model"), "--slots", str(tmp_path / "slots")],
    ):
        if words[0] == "slots":
            (tmp_path / "model").mkdir()
            os.mkfifo(tmp_path / "model/record.json")
        assert run_command(words) == 2
        printed = capsys.readouterr()
        assert "can't be read (no regular file)" in printed.err
        assert printed.err.count("\n") == 1


def test_a_name_is_printed_without_what_steers_a_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    public, path = tmp_path / "plant.key.pub", tmp_path / "b.asdb"
    public.write_bytes(KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    path.write_bytes(pack_bundle(replace(BUNDLE, machine="é\x1b[31mfan\x07\x9b"), KEY))
    assert run_command(["verify", str(path), "--public-key", str(public)]) == 0
    assert "version 9 for é\\x1b[31mfan\\x07\\x9b on mps2-an386" in capsys.readouterr().out
    assert run_command(["flash", str(path), "--public-key", str(public), "--board", "\x1b]0;x"]) == 2
    assert "not for \\x1b]0;x;" in capsys.readouterr().err


def test_a_public_key_as_c_is_what_the_firmware_is_built_with(tmp_path: Path) -> None:
    public = write_new_keys(tmp_path / "plant.key")
    source = tmp_path / "keys.c"
    source.write_text(_invoke("keys", "show", public, "--as", "c").output)
    subprocess.run(
        [
            "gcc",
            "-std=c99",
            *WARNINGS,
            *SANITIZERS,
            f"-I{FIRMWARE / 'include'}",
            "-c",
            source,
            "-o",
            tmp_path / "keys.o",
        ],
        check=True,
    )
    in_hex = _invoke("keys", "show", public).output.strip()
    assert bytes.fromhex(in_hex) == load_public_key(public).public_bytes_raw()


def test_package_signs_what_verify_accepts(small_work: Path, tmp_path: Path) -> None:
    public = write_new_keys(tmp_path / "plant.key")
    path = tmp_path / "fan.asdb"
    made = _invoke(
        *("package", small_work, "--board", "mps2-an386", "--machine", "fan/id_02", "--key", tmp_path / "plant.key"),
        *("--version", 3, "--threshold", 1.5, "-o", path, "--json"),
    )
    assert made.exit_code == 0, made.output
    checked = _invoke("verify", path, "--public-key", public, "--json")
    assert json.loads(checked.output) == json.loads(made.output)
    bundle = load_bundle(path, [load_public_key(public)])
    assert (bundle.board, bundle.machine, bundle.version, bundle.threshold) == ("mps2-an386", "fan/id_02", 3, 1.5)
    assert "signature and hash are right" in _invoke("verify", path, "--public-key", public).output


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--machine", "fan/id_99"), "fan/id_99"),
        (("--board", "mps2-an38"), "did you mean mps2-an386"),
        (("--key", "missing.key"), "missing.key: can't be read"),
        (("--threshold", "nan"), "threshold nan: choose a number"),
        (("--threshold", "inf"), "threshold inf: choose a number"),
        (("--threshold", "1e30"), "threshold 1e+30: choose a number"),
        (("--least-firmware", "4294967296"), "least firmware 4294967296: choose one from 1 to 4294967295"),
        (("--threshold", "auto"), "thresholds.json: can't be read (No such file or directory); run asd-edge"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    small_work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, str], said: str
) -> None:
    write_new_keys(tmp_path / "plant.key")
    given = {
        "--board": "mps2-an386",
        "--machine": "fan/id_02",
        "--key": str(tmp_path / "plant.key"),
        "--threshold": "1",
        **dict([options]),
    }
    words = [word for pair in given.items() for word in pair]
    out = tmp_path / "out.asdb"
    assert run_command(["package", str(small_work), "--version", "1", "-o", str(out), *words]) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.err.count("\n") == 1
    assert not out.exists()
