"""The label table: one class per machine, in an order that depends on nothing but the machines."""

from pathlib import Path

import pytest

from asd_edge.clip.label_table import LabelTable, build_label_table
from asd_edge.clip.records import NORMAL, TRAIN, ClipRecord
from asd_edge.errors import DatasetError


def clip_of(machine: str) -> ClipRecord:
    machine_type, machine_id = machine.split("/")
    return ClipRecord(Path("clip.wav"), machine_type, machine_id, TRAIN, NORMAL, "recording")


@pytest.mark.parametrize("order", [1, -1])
def test_every_machine_has_one_class_in_any_order_of_the_clips(order: int) -> None:
    machines = ["pump/id_06", "slider/id_00", "fan/id_02", "ToyCar/id_01", "fan/id_00", "fan/id_02"]
    table = build_label_table(clip_of(machine) for machine in machines[::order])
    assert table == LabelTable(("ToyCar/id_01", "fan/id_00", "fan/id_02", "pump/id_06", "slider/id_00"))
    assert [table.index(machine) for machine in table.machines] == [0, 1, 2, 3, 4]


def test_pump_id_06_and_slider_id_00_are_two_classes() -> None:
    table = build_label_table([clip_of("pump/id_06"), clip_of("slider/id_00")])
    assert table.index("pump/id_06") != table.index("slider/id_00")


def test_unknown_machine_is_refused_with_those_known() -> None:
    table = LabelTable(("fan/id_00", "fan/id_02"))
    with pytest.raises(DatasetError, match=r"machine fan/id_04 is not in .*\(fan/id_00, fan/id_02\); train with"):
        table.index("fan/id_04")
