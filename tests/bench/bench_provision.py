"""Enrolment without training: every machine ID as if the head didn't know it, from its normal training clips alone.

    python -m tests.bench.bench_provision            writes tests/bench_results/provision.json
    python -m tests.bench.bench_provision NAME       one setting, printed alone: mimii, synthetic or unheard

* mimii, synthetic: the ID's row is taken out of the trained head and made anew as `asd-edge provision` makes it. The
  network itself has still heard the ID in training, so that these figures are better than a new machine's: the values'
  names say `seen`. Beside them stands the trained head on the same embeddings.
* unheard: the shipped network, which has heard synthetic machines alone, enrols every ID of the MIMII sample.

Every test clip is scored, in integers, from embeddings of model.tflite under LiteRT (within its tolerance of the
engine's). They are kept in work/bench-provision per machine type, so that a run that was killed goes on.
"""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asd_edge.backends.ladder import TFLITE
from asd_edge.clip.label_table import LabelTable
from asd_edge.clip.layouts import find_clips
from asd_edge.clip.records import ANOMALY, NORMAL, TEST, TRAIN, ClipRecord
from asd_edge.evaluate.auc import auc, mean_over_types, pauc
from asd_edge.evaluate.thresholds import machine_threshold
from asd_edge.export.detector import Detector, load_detector
from asd_edge.export.read_tflite import read_tflite
from asd_edge.export.work_files import DETECTOR_FILE, TFLITE_FILE
from asd_edge.model.checkpoint import shipped_checkpoint
from asd_edge.provision.enrol import enrol, scores_against
from asd_edge.provision.provision_record import chosen_threshold
from tests.bench.kept_exports import kept_export
from tests.bench.variant_scores import Variant, score_variant
from tests.bench.write_result import ROOT, ClipsUsed, data_sha256, write_result

FOLDER = ROOT / "work/bench-provision"
SYNTHETIC, MIMII_WORK, SHIPPED_WORK = ROOT / "data/synthetic", ROOT / "work/mimii", FOLDER / "shipped"
NEW = "new/id_00"  # what an enrolled machine is called here


@dataclass(frozen=True)
class MachineResult:
    """AUC and pAUC as fractions; `trained_auc` None: the head has no row of the machine. False alarms of normal test
    clips at the threshold that enrolment gives."""

    enrolled_auc: float
    enrolled_pauc: float
    trained_auc: float | None
    false_alarm_share: float


def main(arguments: Sequence[str]) -> None:
    """Measure and print; without an argument write the result of all settings."""
    mimii = os.environ.get("ASD_EDGE_MIMII")
    if mimii is None:
        sys.exit("set ASD_EDGE_MIMII to the folder of the MIMII sample")
    settings = {
        "mimii": (MIMII_WORK, Path(mimii)),
        "synthetic": (SHIPPED_WORK, SYNTHETIC),
        "unheard": (SHIPPED_WORK, Path(mimii)),
    }
    values: dict[str, float] = {}
    n_clips = 0
    for name in arguments or settings:
        work, data = settings[name]
        if work == SHIPPED_WORK:
            kept_export(shipped_checkpoint(), SYNTHETIC, work, ())
        records = [record for record in find_clips(data) if record.split == TEST or record.label == NORMAL]
        by_machine = measure(work, records, FOLDER / name, is_seen=name != "unheard")
        found = summary(by_machine)
        print(name, found)
        values |= {f"{name}_{key}": value for key, value in found.items()}
        n_clips += len(records)
    if not arguments:
        print(write_result("provision", values, ClipsUsed(n_clips, n_clips, data_sha256(Path(mimii)))))


def measure(
    work: Path, records: Sequence[ClipRecord], kept: Path, is_seen: bool
) -> dict[tuple[str, str], MachineResult]:
    """(type, ID) -> what enrolment gives; `is_seen`: the head has a row of it, which is taken out first."""
    detector = load_detector(work / DETECTOR_FILE)
    quantization = _output_quantization(work)
    results = {}
    for of_machine, outputs in _embeddings(work, records, kept, None if is_seen else detector.labels.machines[0]):
        first = of_machine[0]
        codes = np.rint(outputs / quantization[0]).astype(np.int64) + quantization[1]
        found = measure_machine(detector, of_machine, codes.astype(np.int8), quantization[1], is_seen)
        results[first.machine_type, first.machine_id] = found
        print(first.machine, found, file=sys.stderr)
    return results


def measure_machine(
    detector: Detector, records: Sequence[ClipRecord], codes: NDArray[np.int8], zero_point: int, is_seen: bool
) -> MachineResult:
    """`records` of one machine and their embeddings, row for row; only those of TRAIN enrol it."""
    machine = records[0].machine
    is_training = np.array([record.split == TRAIN for record in records])
    is_anomaly = np.array([record.label == ANOMALY for record in records])[~is_training]
    start = without_machine(detector, machine) if is_seen else detector
    enrolment = enrol(start, NEW, codes[is_training], np.arange(is_training.sum()), zero_point)
    test = codes[~is_training]
    enrolled = scores_against(enrolment.detector, NEW, test, zero_point)
    normal, anomaly = enrolled[~is_anomaly], enrolled[is_anomaly]
    threshold, _ = chosen_threshold(machine_threshold(enrolment.left_out_scores))
    trained_auc = None
    if is_seen:
        trained = scores_against(detector, machine, test, zero_point)
        trained_auc = auc(trained[~is_anomaly], trained[is_anomaly])
    return MachineResult(auc(normal, anomaly), pauc(normal, anomaly), trained_auc, float((normal > threshold).mean()))


def without_machine(detector: Detector, machine: str) -> Detector:
    """The detector as if its head had never had a row of the machine."""
    assert detector.head_rows is not None, "an arcface detector has head rows"
    index = detector.labels.index(machine)
    names = detector.labels.machines
    rows = np.delete(detector.head_rows, index, axis=0)
    return replace(detector, labels=LabelTable((*names[:index], *names[index + 1 :])), head_rows=rows)


def summary(found: Mapping[tuple[str, str], MachineResult]) -> dict[str, float]:
    """Means over machine types of the means over IDs; the difference of one ID in percentage points of AUC."""
    seen = "seen_" if all(result.trained_auc is not None for result in found.values()) else ""
    values = {
        f"{seen}enrolled_auc": _mean({key: result.enrolled_auc for key, result in found.items()}),
        f"{seen}enrolled_pauc": _mean({key: result.enrolled_pauc for key, result in found.items()}),
        f"{seen}enrolled_false_alarms_percent": 100
        * _mean({k: result.false_alarm_share for k, result in found.items()}),
        "machines": len(found),
    }
    trained = {key: result.trained_auc for key, result in found.items() if result.trained_auc is not None}
    if seen:
        gains = [100 * (found[key].enrolled_auc - value) for key, value in trained.items()]
        values |= {"trained_auc": _mean(trained), "least_gain_pp": min(gains), "greatest_gain_pp": max(gains)}
    return {name: round(value, 4) for name, value in values.items()}


def _mean(by_machine: Mapping[tuple[str, str], float]) -> float:
    return float(mean_over_types(by_machine))


def _embeddings(
    work: Path, records: Sequence[ClipRecord], kept: Path, scored_as: str | None
) -> Iterator[tuple[list[ClipRecord], NDArray[np.float64]]]:
    """(records of one machine, their embeddings (n, E)); computed and kept one machine type at a time.

    `scored_as`: the class whose score is made on the way, for machines without one; the embedding has no class.
    """
    for machine_type in sorted({record.machine_type for record in records}):
        of_type = [record for record in records if record.machine_type == machine_type]
        scored = of_type if scored_as is None else [_renamed(record, scored_as) for record in of_type]
        outputs = score_variant(Variant("int8", TFLITE, work), scored, kept / f"{machine_type}.npz").outputs
        for machine in sorted({record.machine for record in of_type}):
            rows = [index for index, record in enumerate(of_type) if record.machine == machine]
            yield [of_type[index] for index in rows], outputs[rows]


def _renamed(record: ClipRecord, machine: str) -> ClipRecord:
    machine_type, machine_id = machine.split("/")
    return replace(record, machine_type=machine_type, machine_id=machine_id)


def _output_quantization(work: Path) -> tuple[float, int]:
    """(scale, zero point) of the embedding."""
    graph = read_tflite(work / TFLITE_FILE)
    quantization = graph.tensors[graph.outputs[0]].quantization
    assert quantization is not None, "an int8 network's output has a scale"
    return float(quantization.scale[0]), int(quantization.zero_point[0])


if __name__ == "__main__":
    main(sys.argv[1:])
