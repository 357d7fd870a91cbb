"""The partial file of an interrupted evaluation: read back exactly, tied to its model, safe against a cut-off line."""

from pathlib import Path

import pytest

from asd_edge.errors import WorkDirectoryError
from asd_edge.evaluate.partial_scores import PartialScores, partial_file, without_place

LINE = {"features_milliseconds": 1.5, "rungs": {"torch": {"score": -0.1 - 1e-17, "cosine": None}}}


def test_lines_read_back_are_the_same(tmp_path: Path) -> None:
    first = PartialScores(tmp_path, "key")
    assert first.get("clip 1") is None
    first.add("clip 1", LINE)
    first.add("clip 2", {"rungs": {}})
    again = PartialScores(tmp_path, "key")
    assert again.get("clip 1") == LINE
    assert again.get("clip 2") == {"rungs": {}}


def test_scores_of_another_model_are_neither_taken_nor_lost(tmp_path: Path) -> None:
    PartialScores(tmp_path, "old model").add("clip 1", LINE)
    new = PartialScores(tmp_path, "new model")
    assert new.get("clip 1") is None
    new.add("clip 2", LINE)
    assert PartialScores(tmp_path, "old model").get("clip 1") == LINE
    assert PartialScores(tmp_path, "new model").get("clip 1") is None
    assert PartialScores(tmp_path, "new model").get("clip 2") == LINE
    new.remove()
    assert PartialScores(tmp_path, "old model").get("clip 1") == LINE
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_whose_name_is_another_keys_is_not_taken(tmp_path: Path) -> None:
    PartialScores(tmp_path, "old model").add("clip 1", LINE)
    partial_file(tmp_path, "old model").rename(partial_file(tmp_path, "new model"))
    assert PartialScores(tmp_path, "new model").get("clip 1") is None


@pytest.mark.parametrize(
    ("rung", "same_as", "is_same"),
    [
        (("serial:/dev/ttyACM1", "pico2 on /dev/ttyACM1, model 12"), "pico2 on /dev/ttyACM0, model 12", True),
        (
            ("serial:/dev/ttyACM0@921600", "pico2 on /dev/ttyACM0@921600, model 12"),
            "pico2 on /dev/ttyACM0, model 12",
            True,
        ),
        (("serial:/dev/ttyACM0", "nrf5340-dk on /dev/ttyACM0, model 12"), "pico2 on /dev/ttyACM0, model 12", False),
        (("serial:/dev/ttyACM0", "pico2 on /dev/ttyACM0, model 34"), "pico2 on /dev/ttyACM0, model 12", False),
        (("ssh:pi@10.0.0.9:22/engine", "asd-edge on aarch64, firmware 1"), "asd-edge on aarch64, firmware 1", True),
        (("ssh:10.0.0.7/engine", "asd-edge on armv7l, firmware 2"), "asd-edge on aarch64, firmware 1", False),
        # its runtime names no machine, and two machines may differ in its last bit
        (("ssh:10.0.0.9/litert", "litert 2 on 10.0.0.9, model 1"), "litert 2 on 10.0.0.7, model 1", False),
        (("emulator:mps2-an386", "qemu 8, firmware 1"), "qemu 8, firmware 1", False),
    ],
)
def test_a_board_is_known_by_itself_not_by_its_port_or_host(rung: tuple[str, str], same_as: str, is_same: bool) -> None:
    kind, _, place = rung[0].partition(":")
    usual = {"serial": "/dev/ttyACM0", "ssh": f"10.0.0.7/{place.partition('/')[2]}", "emulator": "mps2-an500"}[kind]
    assert (without_place(*rung) == without_place(f"{kind}:{usual}", same_as)) == is_same


def test_nothing_is_written_before_the_first_clip_is_scored(tmp_path: Path) -> None:
    PartialScores(tmp_path, "key")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("n_bytes", [1, 10, 60])
def test_a_line_that_was_cut_off_is_dropped_and_the_others_kept(tmp_path: Path, n_bytes: int) -> None:
    partial = PartialScores(tmp_path, "key")
    partial.add("clip 1", LINE)
    partial.add("clip 2", LINE)
    path = partial_file(tmp_path, "key")
    path.write_bytes(path.read_bytes()[: -n_bytes - 1])
    again = PartialScores(tmp_path, "key")
    assert (again.get("clip 1"), again.get("clip 2")) == (LINE, None)
    again.add("clip 2", {"rungs": {}})
    assert PartialScores(tmp_path, "key").get("clip 2") == {"rungs": {}}


@pytest.mark.parametrize("content", ["", "\n", "no json\n", '{"key": "key"', "\x00\x01"])
def test_a_file_of_something_else_is_replaced(tmp_path: Path, content: str) -> None:
    partial_file(tmp_path, "key").write_text(content)
    PartialScores(tmp_path, "key").add("clip 1", LINE)
    assert PartialScores(tmp_path, "key").get("clip 1") == LINE


def test_removing_leaves_nothing(tmp_path: Path) -> None:
    partial = PartialScores(tmp_path, "key")
    partial.add("clip 1", LINE)
    partial.remove()
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_work_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "work").write_text("a file")
    with pytest.raises(WorkDirectoryError, match="can't be written"):
        PartialScores(tmp_path / "work", "key").add("clip 1", LINE)
