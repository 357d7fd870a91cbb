"""A data set's test clips -> those that a diagnosis runs over, spread over machines and labels."""

from collections.abc import Sequence
from pathlib import Path

from asd_edge.clip.label_table import LabelTable
from asd_edge.clip.records import ANOMALY, NORMAL, TEST, ClipRecord
from asd_edge.evaluate.clips_to_score import ClipToScore, list_test_clips
from asd_edge.export.calibration_set import spread_evenly
from asd_edge.frontend.config import FrontendConfig


def choose_clips(
    records: Sequence[ClipRecord], data_dir: Path, labels: LabelTable, frontend: FrontendConfig, n_clips: int
) -> tuple[ClipToScore, ...]:
    """At most `n_clips` (at least 2), half of them normal; each machine that takes part has clips of both labels.

    With fewer than two clips per machine only some machines take part, evenly spread. Raises what `list_test_clips`
    raises: for no test clip, a machine that the model doesn't know or that has one label only, a damaged clip.
    """
    of_test = [record for record in records if record.split == TEST]
    machines = tuple(sorted({record.machine for record in of_test}))
    n_pairs = n_clips // 2
    taking_part = spread_evenly(machines, n_pairs)
    chosen: list[ClipRecord] = []
    for index, machine in enumerate(taking_part):
        n_of_label = n_pairs // len(taking_part) + (index < n_pairs % len(taking_part))
        for label in (NORMAL, ANOMALY):
            found = [record for record in of_test if (record.machine, record.label) == (machine, label)]
            chosen += spread_evenly(tuple(sorted(found, key=lambda record: record.path)), n_of_label)
    return list_test_clips(chosen, data_dir, labels, frontend)
