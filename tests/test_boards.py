"""boards.yaml: what ships is complete, and a file that says something else is refused in one line."""

from pathlib import Path

import pytest

from asd_edge.boards import board_named, load_board_table, load_boards, load_boards_with
from asd_edge.errors import CompilerError

RIGHT = {
    "core": "cortex-m4", "kernels": "dsp", "part": "null", "clock_hz": "1000", "ram_bytes": "1000",
    "flash_bytes": "1000", "model_flash": "{offset: 100, bytes: 900}", "emulator": "null",
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
    assert (board.image_bytes, board.part) == (900, None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"core": None}, "core"),
        ({"kernels": "avx"}, "kernels"),
        ({"ram_bytes": "-1"}, "ram_bytes"),
        ({"colour": "red"}, "colour"),
        ({"model_flash": "{offset: 101, bytes: 900}"}, "leave the flash"),
        ({"flash_bytes": "null"}, "leave the flash"),
        ({"core": "null"}, "core"),
        ({"clock_hz": "{value: fast}"}, "clock_hz"),
        ({"clock_hz": "{value: 1000, document: nonesuch}"}, "'nonesuch' isn't listed under documents"),
        ({"cycles_per_instruction": "{value: 3, low: 1, high: 2, method: calibrated}"}, "isn't within its band"),
        ({"active_power_mw": ".inf"}, "active_power_mw"),
    ],
)
def test_a_wrong_field_is_named(changes: dict[str, str | None], message: str, tmp_path: Path) -> None:
    with pytest.raises(CompilerError, match=message) as raised:
        load_boards(written(tmp_path, **changes))
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
        "boards:\n  mine: {core: {value: cortex-m4, document: qemu}, kernels: dsp, ram_bytes: 1000}\n"
        "  rpi4: {core: cortex-a72, kernels: generic, system: linux, clock_hz: {value: 18, document: mine, page: 2}}\n"
    )
    table = load_boards_with(path)
    assert set(table.boards) == {*SHIPPED, "mine"}
    mine, fact = table.boards["mine"], table.boards["rpi4"].facts.clock_hz
    assert (mine.core, mine.ram_bytes, mine.facts.ram_bytes.document) == ("cortex-m4", 1000, None)
    assert (fact.value, fact.document, fact.page) == (18, "mine", 2)
    assert table.documents["mine"].revision == 3
