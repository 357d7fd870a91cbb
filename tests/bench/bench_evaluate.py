"""`asd-edge evaluate` on whole test sets: the synthetic machines with the shipped checkpoint, and the MIMII sample.

    python -m tests.bench.bench_evaluate synthetic          clips and work directory are made under data/ and work/
    python -m tests.bench.bench_evaluate mimii [WORK]       WORK: a checkpoint trained on $ASD_EDGE_MIMII (work/mimii)

Without an argument both. Interrupted, it goes on after the last clip scored.
"""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from asd_edge.backends.clip_features import clip_features, quantized_features
from asd_edge.backends.ladder import HOST, REFERENCE, RUNGS_OF_THIS_MACHINE, TORCH
from asd_edge.clip.layouts import find_clips
from asd_edge.clip.progress import ProgressFn
from asd_edge.clip.read_clip import read_clip
from asd_edge.clip.records import TEST
from asd_edge.clip.synthesize.config import SynthConfig
from asd_edge.clip.synthesize.dataset import write_synthetic_dataset
from asd_edge.evaluate.evaluate_work import evaluate_work
from asd_edge.evaluate.evaluation import Evaluation
from asd_edge.evaluate.figures import Difference
from asd_edge.export.calibration_set import spread_evenly
from asd_edge.export.detector import load_detector
from asd_edge.export.export_checkpoint import export_checkpoint
from asd_edge.export.read_tflite import read_tflite
from asd_edge.model.checkpoint import SETTINGS_FILE, WEIGHTS_FILE, shipped_checkpoint
from tests.bench.write_result import ROOT, ClipsUsed, data_sha256, write_result
from tests.bit_exact import differing_bytes

SYNTHETIC_DATA, SYNTHETIC_WORK = ROOT / "data/bench-synthetic", ROOT / "work/bench-synthetic"
MIMII_WORK = ROOT / "work/mimii"
N_BIT_EXACT_CLIPS = 6  # spread over the test set: LiteRT's reference kernels take seconds for each


def main(arguments: Sequence[str]) -> None:
    """Write tests/bench_results/evaluate_synthetic.json, evaluate_mimii.json or both."""
    if not arguments or arguments[0] == "synthetic":
        bench_synthetic()
    if not arguments or arguments[0] == "mimii":
        bench_mimii(Path(arguments[1]) if len(arguments) > 1 else MIMII_WORK)


def bench_synthetic() -> None:
    """All rungs on the full test set of the generator's default settings, calibrated on its training clips."""
    write_synthetic_dataset(SYNTHETIC_DATA, SynthConfig(), _show("synthetic clips"))
    shipped = shipped_checkpoint()
    names = (WEIGHTS_FILE, SETTINGS_FILE)
    if any(_content(SYNTHETIC_WORK / name) != _content(shipped / name) for name in names):
        shutil.rmtree(SYNTHETIC_WORK, ignore_errors=True)  # of an earlier checkpoint
    export_checkpoint(shipped, SYNTHETIC_DATA, SYNTHETIC_WORK)
    found = evaluate_work(
        SYNTHETIC_WORK, SYNTHETIC_DATA, tuple(RUNGS_OF_THIS_MACHINE), on_scoring=_show("clips scored")
    )
    by_type = {group.machine_type: group.auc for group in found.figures.types if group.rung == TORCH}
    values = {
        "torch_auc_lowest_type": round(min(by_type.values()), 4),
        "torch_auc_highest_type": round(max(by_type.values()), 4),
        **{f"torch_auc_{machine_type}": round(auc, 4) for machine_type, auc in by_type.items()},
        **_values(found),
        "reference_builtin_ref_differing_bytes": _differing_bytes(SYNTHETIC_WORK, SYNTHETIC_DATA),
        "reference_builtin_ref_clips": N_BIT_EXACT_CLIPS,
    }
    print(write_result("evaluate_synthetic", values, _clips_used(found, SYNTHETIC_DATA)), values)


def bench_mimii(work: Path) -> None:
    """All rungs on the sample's test clips, calibrated on its training clips."""
    if "ASD_EDGE_MIMII" not in os.environ:
        print("mimii skipped: ASD_EDGE_MIMII, the folder of the MIMII sample, is not set", file=sys.stderr)
        return
    data = Path(os.environ["ASD_EDGE_MIMII"])
    export_checkpoint(work, data, work)
    found = evaluate_work(work, data, tuple(RUNGS_OF_THIS_MACHINE), on_scoring=_show("clips scored"))
    values = _values(found)
    print(write_result("evaluate_mimii", values, _clips_used(found, data)), values)


def _values(found: Evaluation) -> dict[str, float]:
    """The overall figures of every rung: AUCs as fractions, differences to torch in percentage points."""
    values: dict[str, float] = {}
    for group, run in zip(found.figures.overall, found.rungs, strict=True):
        values[f"{run.name}_auc"] = round(group.auc, 5)
        values[f"{run.name}_pauc"] = round(group.pauc, 5)
        values[f"{run.name}_mauc"] = round(group.mauc, 5)
        values |= _differences(f"{run.name}_auc_difference", group.auc_difference)
        values |= _differences(f"{run.name}_pauc_difference", group.pauc_difference)
        values |= _differences(f"{run.name}_mauc_difference", group.mauc_difference)
        if group.changed_share is not None:
            values[f"{run.name}_changed_pairs_percent"] = round(100 * group.changed_share, 4)
        if group.spearman is not None:
            values[f"{run.name}_spearman"] = round(group.spearman, 5)
        if run.largest_difference_lsb is not None:
            values[f"{run.name}_reference_max_lsb"] = run.largest_difference_lsb
        values[f"{run.name}_milliseconds_per_clip"] = round(run.milliseconds_per_clip, 1)
    scores = {rung: {row.clip: row.score for row in found.rows if row.rung == rung} for rung in (REFERENCE, HOST)}
    differences = [abs(score - scores[HOST][clip]) for clip, score in scores[REFERENCE].items()]
    values["host_reference_score_difference"] = max(differences)
    for agreement in found.agreement:
        if agreement.machine_type is None:
            values[f"{agreement.rung}_largest_score_difference"] = round(agreement.largest_score_difference, 6)
            if agreement.cosine_mean is not None and agreement.cosine_min is not None:
                values[f"{agreement.rung}_cosine_mean"] = round(agreement.cosine_mean, 6)
                values[f"{agreement.rung}_cosine_min"] = round(agreement.cosine_min, 6)
    return values


def _differences(name: str, difference: Difference | None) -> dict[str, float]:
    """Nothing on the first rung; without an interval the difference alone."""
    if difference is None:
        return {}
    values = {f"{name}_pp": round(100 * difference.value, 4)}
    if difference.low is not None and difference.high is not None:
        values[f"{name}_low_pp"] = round(100 * difference.low, 4)
        values[f"{name}_high_pp"] = round(100 * difference.high, 4)
        values[f"{name}_interval_end_pp"] = round(100 * max(abs(difference.low), abs(difference.high)), 4)
    return values


def _differing_bytes(work: Path, data: Path) -> int:
    """Over all tensors and some test clips: bytes in which the reference interpreter and LiteRT's kernels differ."""
    graph, detector = read_tflite(work / "model.tflite"), load_detector(work / "detector.safetensors")
    paths = tuple(record.path for record in find_clips(data) if record.split == TEST)
    total = 0
    for path in spread_evenly(paths, N_BIT_EXACT_CLIPS):
        samples = read_clip(path, detector.frontend.clip_samples, detector.frontend.sample_rate_hz)
        total += sum(differing_bytes(graph, quantized_features(clip_features(samples, detector), detector)).values())
    return total


def _clips_used(found: Evaluation, data: Path) -> ClipsUsed:
    return ClipsUsed(found.data.clips_scored, found.data.clips_available, data_sha256(data))


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _show(words: str) -> ProgressFn:
    """A line on stderr for each tenth of the way."""

    def on_progress(done: int, total: int) -> None:
        if done * 10 // total > (done - 1) * 10 // total:
            print(f"{words}: {done} of {total}", file=sys.stderr)

    return on_progress


if __name__ == "__main__":
    main(sys.argv[1:])
