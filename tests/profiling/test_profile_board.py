"""Profiles of a tiny detector: counts that repeat, the linker's bytes, the painted stack, what doesn't fit."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from asd_edge.backends.emulate_board import SCORE_CLIPS, missing_programs, score_on_board
from asd_edge.backends.emulator_rung import CACHE
from asd_edge.backends.score_records import ClipToRun
from asd_edge.boards import Board, load_boards
from asd_edge.cli import run
from asd_edge.errors import BackendError, CompilerError
from asd_edge.export.detector import load_detector
from asd_edge.frontend.config import FrontendConfig
from asd_edge.profiling.count_instructions import profiled_clip
from asd_edge.profiling.fitting_width import widest_that_fits
from asd_edge.profiling.layer_profiles import total_profile
from asd_edge.profiling.profile_board import profile_board
from asd_edge.profiling.profile_record import Cell, Profile
from asd_edge.profiling.time_here import is_this_machine
from asd_edge.report.board_profile import PROFILE_FORMAT, BoardProfile
from asd_edge.report.read_record import parse_record
from tests.backends.tiny_detector import TINY
from tests.boards.untrained_work import write_untrained_work

FRONTEND = FrontendConfig(clip_samples=32_000)
CELL = Cell(1000.0, 3.6)
BOARD, MACHINE = "nucleo-l4r5zi", "mps2-an386"


@pytest.fixture(scope="module")
def work(tiny_clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_untrained_work(tmp_path_factory.mktemp("profiled") / "work", tiny_clips, TINY, FRONTEND)


@pytest.fixture(scope="module")
def profile(work: Path) -> Profile:
    if (reason := missing_programs(MACHINE)) is not None:
        pytest.skip(reason)
    return profile_board(load_boards()[BOARD], work, CELL, "asd-edge profile")


def own_board(**fields: object) -> Board:
    return Board.model_validate({"name": "mine", "kernels": "dsp", "core": "cortex-m4", **fields})


def test_counts_are_identical_when_they_are_counted_again(work: Path, profile: Profile) -> None:
    (kept,) = (work / CACHE / MACHINE).glob("counts-*.json")
    kept.rename(kept.with_suffix(".first"))
    again = profile_board(load_boards()[BOARD], work, CELL, "asd-edge profile")
    assert again == profile
    assert kept.read_bytes() == kept.with_suffix(".first").read_bytes()


def test_the_layers_add_up_to_the_clip(profile: Profile) -> None:
    total = total_profile(profile.layers)
    assert profile.instructions is not None
    assert total.instructions == pytest.approx(profile.instructions.value, rel=5e-3), "marks cost next to nothing"
    assert [part.name for part in profile.parts] == ["front end", "network", "scorer"]
    assert sum(part.macs for part in profile.parts) == total.macs > 0
    assert profile.clip_ms is not None
    assert profile.cycles_per_instruction is not None
    cycles = profile.instructions.value * profile.cycles_per_instruction.value
    assert profile.clip_ms.value == pytest.approx(1000.0 * cycles / 120e6)


@pytest.mark.parametrize(("system", "reads"), [("linux", True), ("mcu", False)])
def test_a_linux_boards_slow_memory_bounds_the_time_from_below(
    system: str, reads: bool, work: Path, profile: Profile
) -> None:
    fields = {"system": system, "emulator": MACHINE, "clock_hz": 120_000_000, "memory_bytes_per_s": 1_000_000}
    found = profile_board(own_board(**fields), work, CELL, "")
    least = 1000.0 * sum(layer.runs * layer.weights_bytes for layer in found.layers) / 1e6
    assert found.clip_ms is not None
    assert found.real_time_factor is not None
    assert found.mean_hop is not None
    assert profile.clip_ms is not None
    assert least > profile.clip_ms.value, "of the same counts: the memory is the slower side"
    assert (found.clip_ms.value >= least) == reads
    assert ("for reading the weights at 1 MB/s" in found.clip_ms.how) == reads
    assert found.real_time_factor.value == pytest.approx(found.clip_ms.value / (1000.0 * found.clip_seconds))
    if reads:
        assert found.mean_hop.value >= least * found.hop_limit / (1000.0 * found.clip_seconds)


def test_flash_and_variables_are_the_linkers_to_the_byte(work: Path, profile: Profile) -> None:
    size = shutil.which("arm-none-eabi-size")
    if size is None:
        pytest.skip("arm-none-eabi-size not found")
    program = work / CACHE / MACHINE / SCORE_CLIPS
    lines = subprocess.run([size, "-A", program], capture_output=True, text=True, check=True).stdout.splitlines()
    sections = {words[0]: int(words[1]) for words in map(str.split, lines) if words and words[0].startswith(".")}
    image_bytes = (work / CACHE / "model-dsp.asdm").stat().st_size
    loaded = sections[".text"] + sections.get(".ARM.exidx", 0) + sections[".data"]
    assert profile.flash is not None
    assert profile.flash.value == loaded + image_bytes
    assert profile.ram_parts["static"] == sections[".data"] + sections[".bss"]
    assert profile.ram_parts["stack"] == sections[".stack"]


def test_the_stack_is_what_the_firmware_found_unpainted(work: Path, profile: Profile) -> None:
    clip = [ClipToRun(profiled_clip(FRONTEND.clip_samples), 0)]
    program, image = work / CACHE / MACHINE / SCORE_CLIPS, work / CACHE / "model-dsp.asdm"
    memory = score_on_board(MACHINE, program, image, clip).memory
    assert profile.stack is not None
    assert profile.ram is not None
    assert (profile.stack.value, profile.ram.value) == (memory.stack_used, memory.total)


def test_the_report_reads_what_the_command_writes(
    work: Path, profile: Profile, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["profile", "--board", BOARD, str(work), "--cell-mah", "1000", "--cell-volts", "3.7"]) == 0
    printed = capsys.readouterr().out
    assert "counted: instructions of the firmware on mps2-an386" in printed
    content = json.loads((work / f"profile-{BOARD}.json").read_text())
    read = parse_record(content, work, BoardProfile, PROFILE_FORMAT, "asd-edge profile")
    assert profile.flash is not None
    assert read.flash is not None
    assert (read.board, read.flash.value, read.model_sha256) == (BOARD, profile.flash.value, profile.model_sha256)
    assert read.hop_limit == 32.0
    assert read.command == f"asd-edge profile --board {BOARD} --cell-mah 1000.0 --cell-volts 3.7 {work}"


def test_a_board_that_is_too_small_says_by_how_much_and_that_no_width_helps(work: Path) -> None:
    with pytest.raises(CompilerError, match=r"mine has 20,000 bytes of RAM, this needs .*no narrower network"):
        profile_board(own_board(ram_bytes=20_000), work, CELL, "")


def test_the_width_that_would_fit_is_found_by_compiling(work: Path) -> None:
    detector, wider = load_detector(work / "detector.safetensors"), replace(TINY, width=0.2)
    assert widest_that_fits(wider, detector, own_board(ram_bytes=120_000)) == 0.125
    assert widest_that_fits(TINY, detector, own_board(ram_bytes=120_000)) is None, "none is narrower"


def test_a_board_without_emulated_machine_is_refused_with_those_there_are(work: Path) -> None:
    with pytest.raises(BackendError, match=r"mine names no emulated machine for its core.*mps2-an386"):
        profile_board(own_board(), work, CELL, "")


def test_this_machine_is_a_board_if_its_device_tree_says_so(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.write_bytes(b"Raspberry Pi 4 Model B Rev 1.4\0")
    boards = load_boards()
    assert is_this_machine(boards["rpi4"], model)
    assert not is_this_machine(boards["rpi5"], model)
    assert not is_this_machine(boards["nucleo-l4r5zi"], model)
    assert not is_this_machine(boards["rpi4"], tmp_path / "nothing")
    assert is_this_machine(boards["host"], tmp_path / "nothing")


def rpi4_itself(tmp_path: Path) -> Path:
    model = tmp_path / "model"
    model.write_bytes(b"Raspberry Pi 4 Model B Rev 1.4\0")
    return model


def test_on_the_board_itself_time_is_measured_and_the_estimate_stands_beside_it(work: Path, tmp_path: Path) -> None:
    if (reason := missing_programs("virt-aarch64")) is not None:
        pytest.skip(reason)
    found = profile_board(load_boards()["rpi4"], work, CELL, "", rpi4_itself(tmp_path))
    assert found.clip_ms is not None
    assert found.clip_ms.method == "measured"
    assert found.clip_ms.low is not None
    assert found.clip_ms.low <= found.clip_ms.value
    assert (found.instructions and found.instructions.method, found.not_counted) == ("counted", None)
    assert found.estimate is not None
    assert found.estimate.clip_ms.method == "estimated"
    assert found.estimate.measured_over_estimated == found.clip_ms.value / found.estimate.clip_ms.value
    assert found.real_time_factor is not None
    assert found.real_time_factor.method == "measured"


def test_without_an_emulated_machine_a_measured_profile_says_why_nothing_is_counted(work: Path, tmp_path: Path) -> None:
    board = load_boards()["rpi4"].model_copy(update={"emulator": None})
    found = profile_board(board, work, CELL, "", rpi4_itself(tmp_path))
    assert found.clip_ms is not None
    assert found.clip_ms.method == "measured"
    assert (found.instructions, found.estimate) == (None, None)
    assert found.not_counted is not None
    assert "rpi4 names no emulated machine" in found.not_counted
    assert total_profile(found.layers).macs > 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["profile", "--board", "rpi", "{work}"], "did you mean rpi"),
        (["profile", "--board", "rpi4", "{work}/nothing"], "nothing"),
        (["profile", "--board", "rpi4", "--cell-mah", "inf", "{work}"], "--cell-mah inf is no finite number"),
        (["profile", "--board", "rpi4", "--cell-volts", "inf", "{work}"], "--cell-volts inf is no finite number"),
        (["boards", "nucleo-l4r5"], "did you mean nucleo-l4r5zi"),
        (["boards", "--boards", "{work}/export.json"], "export.json"),
    ],
)
def test_bad_input_is_one_line(words: list[str], message: str, work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([word.format(work=work) for word in words]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1
