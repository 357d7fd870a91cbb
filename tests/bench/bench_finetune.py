"""Plain `asd-edge finetune` with a machine ID that the detector has never heard: what the old IDs lose.

    python -m tests.bench.bench_finetune        first trains on data/synthetic without LEFT_OUT, which takes an hour

Then the left-out machine is added, once as a row of the head from its own clips alone and once by training the whole
network on, and PyTorch scores test clips before and after. They are clips 200 to 299 of each class and ID, which
`asd-edge data synth` writes when asked for 300: nobody had heard them while fine-tuning was designed. (Clips 50 to 199
have judged earlier forms.)
Everything is kept in work/bench-finetune, so that a run that was killed goes on.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from asd_edge.backends.ladder import TORCH
from asd_edge.clip.layouts import find_clips
from asd_edge.clip.records import NORMAL, TEST, ClipRecord
from asd_edge.clip.synthesize.config import FIRST_TEST_NUMBER, SynthConfig
from asd_edge.clip.synthesize.dataset import write_synthetic_dataset
from asd_edge.evaluate.figures import MachineFigures, make_figures
from asd_edge.evaluate.scores_table import scores_by_machine
from asd_edge.model.checkpoint import WEIGHTS_FILE
from tests.bench.variant_scores import Variant, VariantScores, score_rows, score_variant
from tests.bench.write_result import ROOT, ClipsUsed, data_sha256, write_result

DATA, FOLDER = ROOT / "data/synthetic", ROOT / "work/bench-finetune"
UNHEARD = ROOT / "data/synthetic-unheard"
N_HEARD, N_ALL = 200, 300  # clips of each class and ID
LEFT_OUT = "pump/id_04"
BEFORE, HEAD, ALL = "before", "head", "all"


def main() -> None:
    """Write tests/bench_results/finetune.json."""
    records = find_clips(DATA)
    old = link_clips([record for record in records if record.machine != LEFT_OUT], FOLDER / "old-clips")
    new = link_clips([record for record in records if record.machine == LEFT_OUT], FOLDER / "new-clips")
    base = FOLDER / BEFORE
    if not (base / WEIGHTS_FILE).exists():
        _asd_edge("train", str(old), "-o", str(base))
    for part, data in ((HEAD, new), (ALL, DATA)):  # the whole network learns from the clips of all machines
        if not (FOLDER / part / WEIGHTS_FILE).exists():
            _asd_edge("finetune", str(data), "--checkpoint", str(base), "--train", part, "-o", str(FOLDER / part))
    write_synthetic_dataset(UNHEARD, SynthConfig(n_train=0, n_test_normal=N_ALL, n_test_anomaly=N_ALL))
    test = [record for record in find_clips(UNHEARD) if is_unheard(record)]
    of_old = [record for record in test if record.machine != LEFT_OUT]
    of_new = [record for record in test if record.machine == LEFT_OUT]
    before = _scored(BEFORE, of_old, "old")
    values: dict[str, float] = {}
    for part in (HEAD, ALL):
        found = lost(of_old, [before, _scored(part, of_old, "old")])
        values |= {f"{part}_{key}": value for key, value in found.items()}
        values[f"{part}_new_id_auc"] = round(_machines(of_new, [_scored(part, of_new, "new")])[0].auc, 4)
    values["largest_auc_loss_pp"] = max(values[f"{part}_largest_auc_loss_pp"] for part in (HEAD, ALL))
    print(write_result("finetune", values, ClipsUsed(len(test), len(test), data_sha256(UNHEARD))), values)


def is_unheard(record: ClipRecord) -> bool:
    """Not among those that may have had a say in the design."""
    number = int(record.path.stem.rsplit("_", 1)[1])
    return record.split == TEST and number - (FIRST_TEST_NUMBER if record.label == NORMAL else 0) >= N_HEARD


def _scored(name: str, records: Sequence[ClipRecord], which: str) -> VariantScores:
    return score_variant(Variant(name, TORCH, FOLDER / name), records, FOLDER / f"scores-{name}-{which}.npz")


def lost(records: Sequence[ClipRecord], scored: Sequence[VariantScores]) -> dict[str, float]:
    """Of `scored` before and after: percentage points of AUC that each ID lost, the largest and the mean."""
    losses = {
        f"{machine.machine_type}_{machine.machine_id}": -100 * machine.auc_difference.value
        for machine in _machines(records, scored)
        if machine.auc_difference is not None
    }
    values = {f"{name}_auc_loss_pp": loss for name, loss in losses.items()}
    values["largest_auc_loss_pp"] = max(losses.values())
    values["mean_auc_loss_pp"] = sum(losses.values()) / len(losses)
    return {name: round(value, 4) for name, value in values.items()}


def _machines(records: Sequence[ClipRecord], scored: Sequence[VariantScores]) -> tuple[MachineFigures, ...]:
    names = [variant.name for variant in scored]
    return make_figures(scores_by_machine(score_rows(records, scored), names), names, 0).machines


def link_clips(records: Sequence[ClipRecord], folder: Path) -> Path:
    """A data set of these clips alone, as links."""
    for record in records:
        link = folder / record.machine_type / record.split / record.path.name
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(record.path.resolve())
    return folder


def _asd_edge(*arguments: str) -> None:
    subprocess.run([str(Path(sys.executable).with_name("asd-edge")), *arguments], check=True, stdout=sys.stderr)


if __name__ == "__main__":
    main()
