"""boards.yaml: what ships is complete, and a file that says something else is refused in one line."""

from pathlib import Path

import pytest

from asd_edge.backends.emulate_board import MACHINES
from asd_edge.boards import board_named, load_board_table, load_boards, load_boards_with
from asd_edge.errors import CompilerError

RIGHT = {
    "core": "cortex-m4", "kernels": "dsp", "part": "null", "clock_hz": "80_000_000", "ram_bytes": "10000",
    "flash_bytes": "10000", "model_flash": "{offset: 1000, bytes: 9000}", "emulator": "null",
}  # fmt: skip


def written(tmp_path: Path, **changes: str | None) -> Path:
    """A file of one board, some of whose fields are others or left out."""
    fields = {name: value for name, value in (RIGHT | changes).items() if value is not None}
    path = tmp_path / "boards.yaml"
    path.write_text("boards:\n  b:\n" + "".join(f"    {name}: {value}\n" for name, value in fields.items()))
    return path


SHIPPED = (
    "host", "rpi4", "rpi5", "rpi-zero-2w", "coral-dev-board", "coral-usb", "nucleo-l4r5zi", "nucleo-u575zi-q",
    "nucleo-h743zi", "nucleo-h7a3zi-q", "stm32f746-disco", "nrf5340-dk", "pico2", "ek-ra8d1", "corstone-300",
    "mps2-an386", "mps2-an500", "mps2-an505", "mps3-an547", "netduinoplus2", "virt-aarch64",
)  # fmt: skip


def test_every_board_that_the_documentation_names_ships() -> None:
    assert tuple(load_boards()) == SHIPPED


def test_a_fact_of_a_board_that_can_be_bought_names_its_document() -> None:
    table = load_board_table()
    for name, board in table.boards.items():
        emulated = name == board.emulator or board.system == "host"
        for key, fact in board.facts.by_name().items():
            assert emulated or (fact.value is None) == (fact.document is None), f"{name} {key}"
            assert fact.page is None or fact.document is not None, f"{name} {key}: a page of no document"


def test_every_document_is_named_by_a_fact() -> None:
    table = load_board_table()
    named = {fact.document for board in table.boards.values() for fact in board.facts.by_name().values()}
    assert named - {None} == set(table.documents)


def test_the_boards_that_ship_have_kernels_and_models_in_their_flash() -> None:
    boards = load_boards()
    assert {"host", "mps2-an386", "mps2-an500", "mps2-an505", "mps3-an547", "netduinoplus2"} <= set(boards)
    for name, board in boards.items():
        assert board.name == name
        assert (board.flash_bytes is None) == (board.model_flash is None)
    assert board_named("netduinoplus2").ram_bytes == 131_072
    assert boards["host"].image_bytes is None


def test_a_right_file_is_read(tmp_path: Path) -> None:
    (board,) = load_boards(written(tmp_path)).values()
    assert (board.image_bytes, board.part) == (9000, None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"core": None}, "core"),
        ({"kernels": "avx"}, "kernels"),
        ({"ram_bytes": "-1"}, "ram_bytes"),
        ({"colour": "red"}, "colour"),
        ({"model_flash": "{offset: 1001, bytes: 9000}"}, "leave the flash"),
        ({"flash_bytes": "null"}, "leave the flash"),
        ({"core": "null"}, "core"),
        ({"clock_hz": "{value: fast}"}, "clock_hz"),
        ({"clock_hz": "{value: 1_000_000, document: nonesuch}"}, "'nonesuch' isn't listed under documents"),
        ({"cycles_per_instruction": "{value: 3, low: 1, high: 2, method: calibrated}"}, "isn't within its band"),
        ({"active_power_mw": ".inf"}, "active_power_mw"),
        ({"clock_hz": "80"}, r"clock_hz: 80 is too low .* give hertz, as 80_000_000 for 80 MHz"),
        ({"clock_hz": "{value: 80_000_000_000}"}, r"clock_hz: .* is too high .* give hertz"),
        ({"clock_hz": "80 MHz"}, r"clock_hz: '80 MHz' is no number; give hertz, as 80_000_000 for 80 MHz"),
        ({"ram_bytes": "256"}, r"ram_bytes: 256 is too low .* give bytes, as 262_144 for 256 KiB"),
        ({"ram_bytes": "256K"}, r"ram_bytes: '256K' is no number; give bytes"),
        ({"flash_bytes": "512", "model_flash": None}, r"flash_bytes: 512 is too low .* give bytes"),
        ({"accelerator_clock_hz": "500"}, r"accelerator_clock_hz: 500 is too low .* give hertz"),
        ({"active_power_mw": "0.0001"}, r"active_power_mw: 0.0001 is too low .* give milliwatts"),
        ({"sleep_power_mw": "500", "active_power_mw": "5"}, "sleep_power_mw: 500 mW is more than the 5 mW active"),
        ({"clock_mhz": "80"}, r"clock_mhz: no such key; did you mean clock_hz.*\? give hertz, as 80_000_000"),
        ({"ram_kb": "256"}, r"ram_kb: no such key; did you mean ram_bytes"),
        ({"flash_kb": "256"}, r"flash_kb: no such key; did you mean .*flash_bytes\? give bytes"),
        ({"clock_hz": "{valeu: 80_000_000}"}, r"clock_hz"),
        ({"emulator": "mps2-an385"}, r"emulator: 'mps2-an385' is none; did you mean mps2-an386"),
        ({"emulator": "nosuch"}, r"emulator: 'nosuch' is none; there are .*mps2-an386"),
    ],
)
def test_a_wrong_field_is_named(changes: dict[str, str | None], message: str, tmp_path: Path) -> None:
    with pytest.raises(CompilerError, match=message) as raised:
        load_boards_with(written(tmp_path, **changes))
    assert "\n" not in str(raised.value)
    assert "boards.yaml: b " in str(raised.value), "which file, which board"


@pytest.mark.parametrize(
    "text", ["", "boards", "boards: [1, 2]", "boards: {b: 3}", "a: b: c", "\t", "boards: " + "[" * 3000]
)
def test_a_file_of_something_else_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "boards.yaml"
    path.write_text(text)
    with pytest.raises(CompilerError, match=r"boards\.yaml"):
        load_boards(path)


@pytest.mark.parametrize("given", ["", "3", "[1, 2]"])
def test_a_board_without_fields_is_named(given: str, tmp_path: Path) -> None:
    path = tmp_path / "boards.yaml"
    path.write_text(f"boards:\n  mine: {given}\n")
    with pytest.raises(CompilerError, match=r"boards\.yaml: mine has no fields; give it core and kernels"):
        load_boards(path)
    path.write_text(f"documents:\n  notes: {given}\nboards: {{}}\n")
    with pytest.raises(CompilerError, match=r"boards\.yaml: notes has no fields; give it a title"):
        load_boards(path)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (
            "boards:\n  b: {core: cortex-m4, kernels: dsp}\n  b: {core: cortex-m7, kernels: dsp}\n",
            "'b' on lines 2 and 3",
        ),
        ("boards:\n  b:\n    core: cortex-m4\n    kernels: dsp\n    core: cortex-m7\n", "'core' on lines 3 and 5"),
        ("boards: {}\nboards: {}\n", "'boards' on lines 1 and 2"),
    ],
)
def test_a_key_that_stands_twice_is_refused(text: str, key: str, tmp_path: Path) -> None:
    path = tmp_path / "boards.yaml"
    path.write_text(text)
    with pytest.raises(CompilerError, match=f"{key}; leave one"):
        load_boards(path)


def test_keys_that_a_merge_brings_may_be_given_anew(tmp_path: Path) -> None:
    path = tmp_path / "boards.yaml"
    path.write_text("boards:\n  a: &a {core: cortex-m4, kernels: dsp}\n  b:\n    <<: *a\n    core: cortex-m7\n")
    assert [board.core for board in load_boards(path).values()] == ["cortex-m4", "cortex-m7"]


def test_emulators_of_the_boards_that_ship_can_be_run() -> None:
    assert {board.emulator for board in load_boards().values()} - {None} <= set(MACHINES)


def test_a_board_that_isnt_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(CompilerError, match="host, "):
        board_named("nonesuch")


@pytest.mark.parametrize(
    ("wrong", "near"), [("rpi-4", "rpi4"), ("NUCLEO-L4R5", "nucleo-l4r5zi"), ("pico", "pico2"), ("coral", "coral-usb")]
)
def test_a_misspelt_board_is_refused_with_those_near_it(wrong: str, near: str) -> None:
    with pytest.raises(CompilerError, match=f"did you mean .*{near}"):
        board_named(wrong)


def test_a_users_file_adds_boards_names_documents_that_ship_and_wins(tmp_path: Path) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(
        "documents:\n  mine: {title: My notes, revision: 3}\n"
        "boards:\n  mine: {core: {value: cortex-m4, document: qemu}, kernels: dsp, ram_bytes: 8_000}\n"
        "  rpi4: {core: cortex-a72, kernels: generic, system: linux,\n"
        "    clock_hz: {value: 1_800_000, document: mine, page: 2}}\n"
    )
    table = load_boards_with(path)
    assert set(table.boards) == {*SHIPPED, "mine"}
    mine, fact = table.boards["mine"], table.boards["rpi4"].facts.clock_hz
    assert (mine.core, mine.ram_bytes, mine.facts.ram_bytes.document) == ("cortex-m4", 8_000, None)
    assert (fact.value, fact.document, fact.page) == (1_800_000, "mine", 2)
    assert table.documents["mine"].revision == 3
