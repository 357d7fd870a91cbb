"""Two processes score what one does, in the order of the clips, and a kept file stands for the same model and clips."""

from pathlib import Path

import numpy as np

from asd_edge.backends.ladder import TORCH
from asd_edge.clip.layouts import find_clips
from asd_edge.clip.records import TEST
from tests.bench.variant_scores import Variant, first_of_each, score_part, score_variant


def test_scores_are_those_of_one_process_and_are_kept(tiny_work: Path, tiny_clips: Path, tmp_path: Path) -> None:
    records = [record for record in find_clips(tiny_clips) if record.split == TEST][::3]
    variant, kept = Variant("float", TORCH, tiny_work), tmp_path / "scores.npz"
    expected = score_part(variant, records)
    np.savez(kept, key=np.array("of another model"), scores=expected.scores + 1.0, outputs=expected.outputs)
    found = score_variant(variant, records, kept)
    assert np.array_equal(found.scores, expected.scores), "scored anew"
    assert np.array_equal(found.outputs, expected.outputs)
    assert len(set(found.scores.tolist())) == len(records), "the order shows"
    with np.load(kept) as arrays:
        content = dict(arrays)
    np.savez(kept, **{**content, "scores": content["scores"] + 1.0})
    assert np.array_equal(score_variant(variant, records, kept).scores, expected.scores + 1.0), "read back"


def test_a_few_clips_are_of_every_class_and_machine(tiny_clips: Path) -> None:
    records = [record for record in find_clips(tiny_clips) if record.split == TEST]
    kept = first_of_each(records, 2)
    assert len(kept) == 2 * len({(record.machine, record.label) for record in records})
    assert {(record.machine, record.label) for record in kept} == {(record.machine, record.label) for record in records}
    assert first_of_each(records, len(records)) == tuple(records)
