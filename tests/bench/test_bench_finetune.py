"""What fine-tuning is held to: the ID that lost most, a data set that lacks the machine left out, unheard clips."""

from pathlib import Path

import numpy as np

from asd_edge.clip.layouts import find_clips
from asd_edge.clip.records import TEST, ClipRecord
from tests.bench.bench_finetune import is_unheard, link_clips, lost
from tests.bench.variant_scores import VariantScores


def test_the_id_that_lost_most_decides(tiny_clips: Path) -> None:
    records = [record for record in find_clips(tiny_clips) if record.split == TEST]
    before = np.array([float(record.label == "anomaly") for record in records])
    worse = before.copy()
    first = next(index for index, record in enumerate(records) if record.label == "anomaly")
    worse[first] = -1.0  # below all 3 normal clips: 3 of 9 pairs
    values = lost(
        records, [VariantScores("before", before, before[:, None]), VariantScores("after", worse, worse[:, None])]
    )
    assert values["largest_auc_loss_pp"] == round(100 / 3, 4)
    machine = records[first]
    assert values[f"{machine.machine_type}_{machine.machine_id}_auc_loss_pp"] == values["largest_auc_loss_pp"]
    assert values["mean_auc_loss_pp"] == round(100 / 3 / 4, 4)


def test_linked_clips_are_the_same_data_set(tiny_clips: Path, tmp_path: Path) -> None:
    kept = [record for record in find_clips(tiny_clips) if record.machine_type == "fan"]
    found = find_clips(link_clips(kept, link_clips(kept, tmp_path)))
    assert [(record.machine, record.split, record.label) for record in found] == [
        (record.machine, record.split, record.label) for record in kept
    ]
    assert found[0].path.read_bytes() == kept[0].path.read_bytes()


def test_only_test_clips_beyond_those_that_judged_earlier_forms_are_unheard() -> None:
    def unheard(label: str, number: int, split: str = TEST) -> bool:
        path = Path(f"{label}_id_00_{number:08d}.wav")
        return is_unheard(ClipRecord(path, "pump", "id_00", split, label, path.stem))

    clips = [("normal", 1199), ("normal", 1200), ("anomaly", 199), ("anomaly", 200)]
    assert [unheard(*clip) for clip in clips] == [False, True, False, True]
    assert not unheard("normal", 299, "train")
