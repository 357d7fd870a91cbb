"""What each tool is told: exact command lines, names that the installed tools know, failures in one line."""

import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from asd_edge.boards import load_boards
from asd_edge.errors import FlashError
from asd_edge.flash.flash_parts import FIRMWARE, Part, check_apart, firmware_part, model_parts, slots_of
from asd_edge.flash.plan_dfu_util import plan_dfu_util
from asd_edge.flash.plan_gdb import plan_gdb, write_srec
from asd_edge.flash.plan_openocd import plan_openocd
from asd_edge.flash.plan_pyocd import plan_pyocd
from asd_edge.flash.programmers import GDB, OPENOCD, PYOCD, UF2, Programmer, default_method, programmer_of
from asd_edge.flash.tool_plan import Command, ToolPlan, run_plan

PARTS = [Part("firmware", 0x08000000, bytes(1000)), Part("model", 0x08012000, bytes(range(200)))]
BOARDS = load_boards()
ST = programmer_of(BOARDS["nucleo-u575zi-q"])
OPENOCD_LINE = (
    "openocd -f interface/stlink.cfg -f target/stm32u5x.cfg "
    "-c 'gdb_port disabled; tcl_port disabled; telnet_port disabled' "
    "-c 'program firmware.bin 0x08000000 verify' -c 'program model.bin 0x08012000 verify' -c 'reset run' -c shutdown"
)
PYOCD_LINE = (
    "pyocd commander --no-wait --target stm32u575zitx --connect halt -c reset halt "
    "-c loadmem 0x08000000 firmware.bin -c loadmem 0x08012000 model.bin "
    "-c savemem 0x08000000 1000 read-firmware.bin -c savemem 0x08012000 200 read-model.bin -c reset"
)
DFU_LINES = [
    "dfu-util --device 0483:df11 --alt 0 --dfuse-address 0x08000000 --download firmware.bin",
    "dfu-util --device 0483:df11 --alt 0 --dfuse-address 0x08012000 --download model.bin",
    "dfu-util --device 0483:df11 --alt 0 --dfuse-address 0x08000000:1000 --upload read-firmware.bin",
    "dfu-util --device 0483:df11 --alt 0 --dfuse-address 0x08012000:200 --upload read-model.bin",
    "dfu-util --device 0483:df11 --alt 0 --dfuse-address 0x08000000:4:leave --upload first.bin",
]
GDB_LINE = (
    "gdb-multiarch --nx --batch -ex 'set confirm off' -ex 'set tcp auto-retry off' -ex 'set remotetimeout 60' "
    "-ex 'target remote localhost:3333' "
    "-ex 'load flash.srec' -ex 'dump binary memory read-firmware.bin 0x08000000 0x080003e8' "
    "-ex 'dump binary memory read-model.bin 0x08012000 0x080120c8' -ex 'monitor reset' -ex detach"
)
OPENOCD_BOARDS = [name for name, board in BOARDS.items() if programmer_of(board).openocd_target is not None]


def test_each_tool_gets_its_exact_command_line() -> None:
    assert plan_openocd(PARTS, ST, None, None).lines() == [OPENOCD_LINE]
    assert plan_pyocd(PARTS, ST, None, None).lines() == [PYOCD_LINE]
    assert plan_dfu_util(PARTS, ST, None, None).lines() == DFU_LINES
    assert plan_gdb(PARTS, ST, None, None).lines() == [GDB_LINE]


def test_probe_and_target_reach_the_tool() -> None:
    by_openocd = plan_openocd(PARTS, ST, "0669FF", "target/stm32f4x.cfg").lines()[0]
    assert "-f interface/stlink.cfg -c 'adapter serial 0669FF' -f target/stm32f4x.cfg" in by_openocd
    assert "--target k66f18 --probe 0669FF" in plan_pyocd(PARTS, Programmer(), "0669FF", "k66f18").lines()[0]
    assert all(
        "--device 1209:db42 --alt 0 --serial 206F" in line
        for line in plan_dfu_util(PARTS, ST, "206F", "1209:db42").lines()
    )
    assert "'target remote board.local:2331'" in plan_gdb(PARTS, ST, "board.local:2331", None).lines()[0]


@pytest.mark.parametrize("probe", ["} ; exec true ; {", "a b", "[exit]", "$x", ""])
def test_a_probe_that_would_be_tcl_is_refused(probe: str) -> None:
    with pytest.raises(FlashError, match="no serial number of a probe"):
        plan_openocd(PARTS, ST, probe, None)


@pytest.mark.parametrize("server", ["| touch x", "localhost", "h:1;2", "/dev/ttyACM0"])
def test_a_gdb_server_that_would_be_a_command_is_refused(server: str) -> None:
    with pytest.raises(FlashError, match="give HOST:PORT of a gdb server"):
        plan_gdb(PARTS, ST, server, None)


@pytest.mark.parametrize("plan", [plan_openocd, plan_pyocd, plan_dfu_util])
def test_a_tool_that_has_no_name_for_the_board_says_so(plan: object) -> None:
    with pytest.raises(FlashError, match=r"--target|--method"):
        plan(PARTS, Programmer(), None, None)  # type: ignore[operator]


def test_the_boards_programmer_decides() -> None:
    found = {name: default_method(BOARDS[name]) for name in ("nucleo-l4r5zi", "nrf5340-dk", "pico2", "netduinoplus2")}
    assert found == {"nucleo-l4r5zi": OPENOCD, "nrf5340-dk": PYOCD, "pico2": UF2, "netduinoplus2": GDB}
    with pytest.raises(FlashError, match="rpi4: is no microcontroller"):
        default_method(BOARDS["rpi4"])


@pytest.mark.parametrize("board", OPENOCD_BOARDS)
def test_openocd_knows_the_names_that_it_is_given(board: str) -> None:
    if shutil.which("openocd") is None:
        pytest.skip("openocd is not installed")
    programmer = programmer_of(BOARDS[board])
    names = ["-f", programmer.openocd_interface, "-f", str(programmer.openocd_target)]
    done = subprocess.run(["openocd", *names, "-c", "shutdown"], capture_output=True, text=True, timeout=60)
    if board == "pico2" and "Can't find target/rp2350.cfg" in done.stderr:  # an OpenOCD that is older than the part
        with pytest.raises(FlashError, match=r"^openocd: .*Can't find target/rp2350\.cfg"):
            run_plan(plan_openocd(PARTS, programmer, None, None))
        return
    assert done.returncode == 0, done.stderr
    assert "Error" not in done.stderr


def test_a_probe_that_is_not_there_is_one_line() -> None:
    if shutil.which("openocd") is None:
        pytest.skip("openocd is not installed")
    with pytest.raises(FlashError, match=r"^openocd: .*; check cable and power, and that no other program") as found:
        run_plan(plan_openocd(PARTS, ST, "no-such-probe", None))
    assert "\n" not in str(found.value)


def test_a_bootloader_that_is_not_there_is_one_line() -> None:
    if shutil.which("dfu-util") is None:
        pytest.skip("dfu-util is not installed")
    version = subprocess.run(["dfu-util", "--version"], capture_output=True, text=True, check=True)
    assert version.stdout.startswith("dfu-util ")
    with pytest.raises(
        FlashError, match=r"^dfu-util: No DFU capable USB device available; start the board's bootloader"
    ):
        run_plan(plan_dfu_util(PARTS, ST, "no-such-device", None))


def test_a_gdb_server_that_is_not_there_is_one_line() -> None:
    if shutil.which("gdb-multiarch") is None:
        pytest.skip("gdb-multiarch is not installed")
    with pytest.raises(FlashError, match=r"^gdb-multiarch: .*refused; check that a gdb server listens at localhost:9"):
        run_plan(plan_gdb(PARTS, ST, "localhost:9", None))


def test_a_missing_tool_is_named_with_its_installation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for plan, said in (
        (plan_pyocd, "pyocd: not found; pip install pyocd"),
        (plan_openocd, "openocd: not found; apt install openocd"),
        (plan_dfu_util, "dfu-util: not found; apt install dfu-util"),
        (plan_gdb, "gdb-multiarch: not found; apt install gdb-multiarch"),
    ):
        with pytest.raises(FlashError, match=f"^{said}$"):
            run_plan(plan(PARTS, ST, None, None))


def test_flash_that_reads_back_otherwise_is_an_error() -> None:
    part = Part("model", 0x08012000, bytes(100))
    copy = ToolPlan((Command(("cp", "model.bin", "read.bin"), 1),), {"model.bin": bytes(100)}, "", {"read.bin": part})
    seen: list[tuple[int, int]] = []
    run_plan(copy, lambda done, total: seen.append((done, total)))
    assert seen == [(0, 1), (1, 1)]
    for found, at in ((bytes(50) + b"x" + bytes(49), 50), (bytes(99), 99)):
        with pytest.raises(
            FlashError, match=f"cp: model differs from what was written, first at {0x08012000 + at:#010x}"
        ):
            run_plan(ToolPlan(copy.commands, {"model.bin": found}, "", copy.read_back))


def test_s_records_are_what_binutils_reads(tmp_path: Path) -> None:
    if shutil.which("objcopy") is None:
        pytest.skip("objcopy is not installed")
    (tmp_path / "flash.srec").write_bytes(write_srec(PARTS))
    subprocess.run(["objcopy", "-I", "srec", "-O", "binary", "flash.srec", "flash.bin"], cwd=tmp_path, check=True)
    found = (tmp_path / "flash.bin").read_bytes()
    assert found == PARTS[0].content.ljust(0x12000, b"\0") + PARTS[1].content


def _elf(*segments: tuple[int, bytes]) -> bytes:
    """A file of loaded segments at physical addresses, whose virtual ones are others."""
    header = struct.pack(
        "<16sHHIIIIIHHHHHH", b"\x7fELF\x01\x01\x01", 2, 40, 1, 0, 52, 0, 0, 52, 32, len(segments), 0, 0, 0
    )
    at, table, contents = 52 + 32 * len(segments), b"", b""
    for address, content in segments:
        table += struct.pack("<8I", 1, at + len(contents), 0x20000000, address, len(content), len(content), 5, 4)
        contents += content
    return header + table + contents


def test_firmware_is_one_piece_where_it_belongs(tmp_path: Path) -> None:
    path, board = tmp_path / "firmware", BOARDS["nucleo-l4r5zi"]
    path.write_bytes(_elf((0x08000010, b"data"), (0x08000000, b"code")))
    assert firmware_part(path, board) == Part(FIRMWARE, 0x08000000, b"code" + b"\xff" * 12 + b"data")
    path.write_bytes(b"\0 no ELF")
    assert firmware_part(path, board) == Part(FIRMWARE, 0x08000000, b"\0 no ELF")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (_elf((0x20000000, b"code")), "fills 0x20000000 to 0x20000004, more than the board's flash"),
        (_elf((0x07FFFFFF, b"code")), "fills 0x07ffffff to 0x08000003, more than the board's flash"),
        (_elf((0x08000000, b"")), "holds nothing to write"),
        (_elf(), "holds nothing to write"),
        (b"", "holds nothing to write"),
        (_elf((0x08000000, b"code"))[:-1], "a segment goes beyond the file's end"),
        (_elf((0x08000000, b"code"))[:60], "its table of segments is damaged"),
        (b"\x7fELF\x02\x01".ljust(64, b"\0"), "no whole 32-bit little-endian ELF file"),
        (b"\x7fELF\x01\x01", "no whole 32-bit little-endian ELF file"),
    ],
    ids=["RAM", "before flash", "empty segment", "no segment", "empty", "short", "no table", "64 bit", "short header"],
)
def test_firmware_of_another_kind_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "firmware"
    path.write_bytes(content)
    with pytest.raises(FlashError, match=f"firmware: {said}"):
        firmware_part(path, BOARDS["nucleo-l4r5zi"])


def test_a_binary_needs_a_board_whose_firmware_has_its_place_in_flash(tmp_path: Path) -> None:
    with pytest.raises(FlashError, match=r"missing: can't be read"):
        firmware_part(tmp_path / "missing", BOARDS["mps2-an386"])
    (tmp_path / "f.bin").write_bytes(b"code")
    with pytest.raises(FlashError, match="a binary doesn't say where it belongs; give the ELF file"):
        firmware_part(tmp_path / "f.bin", BOARDS["mps2-an386"])


def test_a_board_becomes_as_new_with_one_model() -> None:
    slots = slots_of(BOARDS["nucleo-l4r5zi"])
    parts = model_parts(b"bundle", slots, Path("m.asdb"))
    page = b"\xff" * slots.page_bytes
    assert [(part.address, part.content) for part in parts] == [
        *((address, page) for address in slots.log),
        (slots.addresses[1], page),
        (slots.addresses[0], b"bundle"),
    ]
    check_apart(parts, slots.page_bytes)
    with pytest.raises(FlashError, match=r"m\.asdb: 1,011,713 bytes, and a slot has 1,011,712"):
        model_parts(bytes(slots.bytes + 1), slots, Path("m.asdb"))
    with pytest.raises(FlashError, match=r"stm32f746-disco: boards\.yaml knows no slots"):
        slots_of(BOARDS["stm32f746-disco"])


def test_firmware_that_reaches_into_the_log_is_refused() -> None:
    slots = slots_of(BOARDS["nucleo-l4r5zi"])
    parts = model_parts(b"bundle", slots, Path("m.asdb"))
    check_apart([Part(FIRMWARE, 0x08000000, bytes(65_536)), *parts], slots.page_bytes)
    with pytest.raises(FlashError, match="firmware ends at 0x08010001 and log-0 begins at 0x08010000"):
        check_apart([Part(FIRMWARE, 0x08000000, bytes(65_537)), *parts], slots.page_bytes)
