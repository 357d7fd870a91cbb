"""A board of a user's own file, packaged, verified and flashed as one that ships, and first mistakes."""

import json
from pathlib import Path

import pytest

from asd_edge.cli import run
from asd_edge.package.keys import write_new_keys
from asd_edge.package.rauc_keys import write_new_rauc_keys
from asd_edge.package.rauc_record import compatible

BOARDS = """
boards:
  mine:
    system: mcu
    core: cortex-m4
    kernels: dsp
    ram_bytes: 262_144
    flash_base: 0x08000000
    flash_bytes: 2_097_152
    slots: {addresses: [0x08012000, 0x08109000], bytes: 1_011_712, log: [0x08010000, 0x08011000],
      page_bytes: 4_096, firmware_bytes: 65_536}
"""


@pytest.fixture(scope="module")
def small_work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of windows of a second: the bundle's self-test is short."""
    from asd_edge.native import is_built
    from tests.listen.small_detector import write_small_work

    if not is_built():
        pytest.skip("no C library: there was no compiler at installation")
    return write_small_work(tmp_path_factory.mktemp("small_work"))


def test_a_users_own_board_is_packaged_verified_and_flashed(
    small_work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    boards, key, path = tmp_path / "my.yaml", tmp_path / "plant.key", tmp_path / "fan.asdb"
    boards.write_text(BOARDS)
    public = write_new_keys(key)
    package = ["package", str(small_work), "--board", "mine", "--machine", "fan/id_02", "--key", str(key)]
    package += ["--version", "1", "--threshold", "1", "-o", str(path)]
    assert run(package) == 2
    assert "'mine' is no board" in capsys.readouterr().err
    assert not path.exists()
    assert run([*package, "--boards", str(boards)]) == 0
    assert "fan/id_02 on mine" in capsys.readouterr().out
    assert run(["verify", str(path), "--public-key", str(public), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["board"] == "mine"
    flash = ["flash", str(path), "--public-key", str(public), "--board", "mine", "--dry-run"]
    assert run([*flash, "--boards", str(boards), "--method", "gdb"]) == 0
    assert "dump binary memory read-model.bin 0x08012000" in capsys.readouterr().out
    assert run([*flash, "--method", "gdb"]) == 2
    assert "'mine' is no board" in capsys.readouterr().err


def test_a_public_key_in_the_private_one_s_place_is_named(
    small_work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    public = write_new_keys(tmp_path / "plant.key")
    words = ["package", str(small_work), "--board", "mps2-an386", "--machine", "fan/id_02", "--version", "1"]
    assert run([*words, "--key", str(public)]) == 2
    assert "plant.key.pub: a public key, and signing takes the private one; give plant.key" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["install", "missing"], ["go-back"]])
def test_slots_that_take_no_model_are_not_made(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    slots = tmp_path / "slots"
    assert run(["slots", *words, "--slots", str(slots)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not slots.exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "my.yaml: can't be read (No such file or directory); give a file of boards"),
        ("boards: 3", "my.yaml: is no list of boards"),
        (BOARDS.replace("4_096", "0"), "my.yaml: mine"),
    ],
    ids=["missing", "no list", "no pages"],
)
def test_a_file_of_boards_that_can_not_serve_is_one_line_and_writes_nothing(
    small_work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, said: str
) -> None:
    boards, key, path = tmp_path / "my.yaml", tmp_path / "plant.key", tmp_path / "fan.asdb"
    if content is not None:
        boards.write_text(content)
    write_new_keys(key)
    words = ["package", str(small_work), "--board", "mine", "--boards", str(boards), "--machine", "fan/id_02"]
    words += ["--key", str(key), "--version", "1", "--threshold", "1", "-o", str(path)]
    assert run(words) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert not path.exists()


def test_a_users_own_computer_is_set_up_for_two_models(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    boards, root = tmp_path / "my.yaml", tmp_path / "root"
    certificate = write_new_rauc_keys(tmp_path / "rauc.key")
    boards.write_text("boards:\n  mine:\n    system: linux\n    core: cortex-a72\n    kernels: generic\n")
    setup = ["slots", "setup", "--board", "mine", "--certificate", str(certificate), "--root", str(root)]
    assert run(setup) == 2
    assert "'mine' is no board" in capsys.readouterr().err
    assert run([*setup, "--boards", str(boards)]) == 0
    assert f"compatible={compatible('mine')}" in (root / "etc/rauc/system.conf").read_text()
