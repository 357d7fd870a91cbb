"""What enrolment is measured by: a head without the machine, its training clips alone, means over machine types."""

from pathlib import Path

import numpy as np

from asd_edge.clip.label_table import LabelTable
from asd_edge.clip.records import ANOMALY, NORMAL, TEST, TRAIN, ClipRecord
from asd_edge.export.detector import Detector
from asd_edge.frontend.config import FrontendConfig
from asd_edge.model.config import HeadConfig
from tests.bench.bench_provision import MachineResult, measure_machine, summary, without_machine

SIZE, MACHINES = 8, ("fan/id_00", "fan/id_02", "pump/id_00")
DETECTOR = Detector(
    "arcface", FrontendConfig(), LabelTable(MACHINES), HeadConfig(), np.eye(SIZE, dtype=np.float32)[:3], None, {}
)


def test_a_head_without_a_machine_keeps_the_others_in_order() -> None:
    found = without_machine(DETECTOR, "fan/id_02")
    assert found.labels.machines == ("fan/id_00", "pump/id_00")
    np.testing.assert_array_equal(found.head_rows, np.eye(SIZE, dtype=np.float32)[[0, 2]])


def test_training_clips_alone_enrol_and_test_clips_alone_are_scored() -> None:
    """The machine sounds as axis 5 says, where the trained head has its row on axis 1; a fault sounds as that row."""
    parts = [(TRAIN, NORMAL, 5)] * 12 + [(TEST, NORMAL, 5)] * 4 + [(TEST, ANOMALY, 1)] * 4
    records = [
        ClipRecord(Path(str(number)), "fan", "id_02", split, label, "")
        for number, (split, label, _) in enumerate(parts)
    ]
    codes = np.random.default_rng(1).normal(0, 4, (len(parts), SIZE))
    codes[np.arange(len(parts)), [axis for _, _, axis in parts]] += 100
    heard = np.rint(codes).astype(np.int8)
    found = measure_machine(DETECTOR, records, heard, 0, is_seen=True)
    assert (found.enrolled_auc, found.enrolled_pauc, found.trained_auc) == (1.0, 1.0, 0.0)
    assert measure_machine(DETECTOR, records, heard, 0, is_seen=False).trained_auc is None


def test_means_are_over_types_and_gains_are_of_ids() -> None:
    found = {
        ("fan", "id_00"): MachineResult(0.9, 0.8, 0.8, 0.25),
        ("fan", "id_02"): MachineResult(0.7, 0.6, 0.9, 0.05),
        ("pump", "id_00"): MachineResult(0.6, 0.5, 0.6, 0.15),
    }
    values = summary(found)
    assert (values["seen_enrolled_auc"], values["seen_enrolled_pauc"], values["trained_auc"]) == (0.7, 0.6, 0.725)
    assert (values["least_gain_pp"], values["greatest_gain_pp"]) == (-20.0, 10.0)
    assert values["seen_enrolled_false_alarms_percent"] == 15.0
    unheard = {key: MachineResult(result.enrolled_auc, 0.5, None, 0.1) for key, result in found.items()}
    assert "enrolled_auc" in summary(unheard)
    assert "trained_auc" not in summary(unheard)
