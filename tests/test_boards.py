"""boards.yaml: what ships is complete, and a file that says something else is refused in one line."""

from pathlib import Path

import pytest

from asd_edge.boards import board_named, load_boards
from asd_edge.errors import CompilerError

RIGHT = {
    "core": "cortex-m4", "kernels": "dsp", "part": "null", "source": "null", "clock_hz": "1000", "ram_bytes": "1000",
    "flash_bytes": "1000", "slots": "[{offset: 100, bytes: 900}]", "emulator": "null",
}  # fmt: skip


def written(tmp_path: Path, **changes: str | None) -> Path:
    """A file of one board, some of whose fields are others or left out."""
    fields = {name: value for name, value in (RIGHT | changes).items() if value is not None}
    path = tmp_path / "boards.yaml"
    path.write_text("boards:\n  b:\n" + "".join(f"    {name}: {value}\n" for name, value in fields.items()))
    return path


def test_the_boards_that_ship_have_kernels_and_slots_in_their_flash() -> None:
    boards = load_boards()
    assert {"host", "mps2-an386", "mps2-an500", "mps2-an505", "mps3-an547", "netduinoplus2"} <= set(boards)
    for name, board in boards.items():
        assert board.name == name
        assert (board.flash_bytes is None) == (not board.slots)
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
        ({"slots": "[{offset: 101, bytes: 900}]"}, "leaves the flash"),
        ({"slots": "[{offset: 0, bytes: 500}, {offset: 400, bytes: 100}]"}, "overlaps"),
        ({"flash_bytes": "null"}, "leaves the flash"),
    ],
)
def test_a_wrong_field_is_named(changes: dict[str, str | None], message: str, tmp_path: Path) -> None:
    with pytest.raises(CompilerError, match=message) as raised:
        load_boards(written(tmp_path, **changes))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("text", ["", "boards", "boards: [1, 2]", "boards: {b: 3}", "a: b: c", "\t"])
def test_a_file_of_something_else_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "boards.yaml"
    path.write_text(text)
    with pytest.raises(CompilerError, match=r"boards\.yaml"):
        load_boards(path)


def test_a_board_that_isnt_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(CompilerError, match="host, "):
        board_named("nonesuch")
