"""Every Cortex-M board ends a run that leaves its part's memory, its stack or its instructions, and says what happened.

virt-aarch64 stands for no part and has no limits: there only what the core itself raises ends the run.
"""

import struct
import subprocess
from pathlib import Path

import pytest

from asd_edge.backends.emulate_board import MACHINES, build_firmware, missing_programs
from asd_edge.boards import load_boards
from asd_edge.errors import BackendError
from tests.boards.board_programs import CORTEX_M

FAULT_CODE = 70
FAULTS = {  # of fault_check
    "read behind RAM": (1, "DACCVIOL"),
    "write to flash": (2, "DACCVIOL"),
    "stack overflow": (3, "stack overflow"),
    "undefined instruction": (4, "UNDEFINSTR"),
    "code in RAM": (5, "IACCVIOL"),
    "read behind flash": (6, "DACCVIOL"),
}


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("builds")


def _run(board: str, which: int, builds: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    if (reason := missing_programs(board)) is not None:
        pytest.skip(reason)
    (folder / "input.bin").write_bytes(struct.pack("<I", which))
    program = build_firmware(board, builds / board, ["fault_check"]) / "fault_check"
    command = [*MACHINES[board].emulator, "-kernel", str(program)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("board", CORTEX_M)
def test_each_fault_ends_the_run_and_is_named(board: str, builds: Path, tmp_path: Path) -> None:
    for name, (which, cause) in FAULTS.items():
        done = _run(board, which, builds, tmp_path)
        assert done.returncode == FAULT_CODE, name
        assert done.stderr.startswith("fault: "), name
        assert cause in done.stderr, name
        if "overflow" not in name:
            assert ", pc 0x" in done.stderr, name


@pytest.mark.parametrize("board", CORTEX_M)
def test_the_memory_is_that_of_the_part_in_boards_yaml(board: str, builds: Path, tmp_path: Path) -> None:
    record = load_boards()[board]
    assert _run(board, 0, builds, tmp_path).returncode == 0
    ram_bytes, _, stack_bytes, stack_used = struct.unpack("<4I", (tmp_path / "output.bin").read_bytes())
    assert ram_bytes == record.ram_bytes
    assert 0 < stack_used < stack_bytes == 8192
    behind_ram = _run(board, 1, builds, tmp_path).stderr
    assert f"at {_address_of_ram(board) + ram_bytes:#010x}" in behind_ram
    behind_flash = _run(board, 6, builds, tmp_path).stderr
    model_address = MACHINES[board].model_address
    assert model_address is not None
    assert record.model_flash is not None
    assert f"at {model_address + record.model_flash.bytes:#010x}" in behind_flash


def test_more_memory_than_the_part_has_is_refused(tmp_path: Path) -> None:
    if (reason := missing_programs("mps2-an386")) is not None:
        pytest.skip(reason)
    with pytest.raises(BackendError, match="ASD_RAM_BYTES is 262145, but the part has 262144"):
        build_firmware("mps2-an386", tmp_path / "build", ["fault_check"], ram_bytes=262_145)


def test_an_exception_on_aarch64_ends_the_run(builds: Path, tmp_path: Path) -> None:
    done = _run("virt-aarch64", 4, builds, tmp_path)
    assert done.returncode == FAULT_CODE
    assert done.stderr.startswith("fault: exception, ESR 0x")


def _address_of_ram(board: str) -> int:
    return {"mps2-an505": 0x38000000, "mps3-an547": 0x31000000}.get(board, 0x20000000)
