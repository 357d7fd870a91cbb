"""One model on one rung over many test clips -> scores and outputs, by two processes, kept in a file.

What was kept for the same files and clips is read back, so that a benchmark that was killed goes on after the last
model that it finished.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asd_edge import __version__
from asd_edge.backends.ladder import TFLITE, TORCH, files_of, open_rung
from asd_edge.backends.network_inputs import FIXED, real_inputs
from asd_edge.backends.rung import Clip, Rung
from asd_edge.clip.read_clip import read_clip
from asd_edge.clip.records import ClipRecord
from asd_edge.evaluate.load_model import file_sha256
from asd_edge.evaluate.scores_table import ScoreRow
from asd_edge.export.detector import RECONSTRUCTION, Detector, load_detector
from asd_edge.export.work_files import DETECTOR_FILE
from asd_edge.model.checkpoint import load_checkpoint
from asd_edge.native import LIBRARY
from tests.bench.stock_route import StockRung

N_PROCESSES = 2
STOCK = "stock"  # a rung beside those of the ladder: another converter's file has its own layout


@dataclass(frozen=True)
class Variant:
    """`work` is a work directory; the int8 rungs hear with the fixed-point front end."""

    name: str  # in tables and results
    rung: str
    work: Path


@dataclass(frozen=True)
class VariantScores:
    """Row or entry i is clip i of those that were given."""

    name: str
    scores: NDArray[np.float64]  # (n_clips,)
    outputs: NDArray[np.float64]  # (n_clips, n_outputs): embeddings; (n_clips, 0) of a reconstruction


def score_variant(variant: Variant, records: Sequence[ClipRecord], kept: Path) -> VariantScores:
    """All clips, in their order. Raises the AsdEdgeError of the first clip that can't be scored."""
    key = _key(variant, records)
    if kept.is_file():
        with np.load(kept) as arrays:
            if str(arrays["key"]) == key:
                return VariantScores(variant.name, arrays["scores"], arrays["outputs"])
    parts = [tuple(range(first, len(records), N_PROCESSES)) for first in range(N_PROCESSES)]
    with ProcessPoolExecutor(N_PROCESSES, get_context("spawn")) as pool:
        running = [pool.submit(score_part, variant, [records[index] for index in part]) for part in parts]
        found = [part.result() for part in running]
    order = np.argsort(np.concatenate(parts))
    scores = np.concatenate([part.scores for part in found])[order]
    outputs = np.concatenate([part.outputs for part in found])[order]
    kept.parent.mkdir(parents=True, exist_ok=True)
    unfinished = kept.with_suffix(".unfinished.npz")
    np.savez(unfinished, key=np.array(key), scores=scores, outputs=outputs)
    unfinished.replace(kept)
    return VariantScores(variant.name, scores, outputs)


def score_part(variant: Variant, records: Sequence[ClipRecord]) -> VariantScores:
    """The same in this process."""
    frontend = load_checkpoint(variant.work).frontend
    detector = None if variant.rung == TORCH else load_detector(variant.work / DETECTOR_FILE)
    rung = _open(variant)
    scores, outputs = [], []
    for record in records:
        samples = read_clip(record.path, frontend.clip_samples, frontend.sample_rate_hz)
        found = rung.score(_clip(samples, record.machine, detector))
        scores.append(found.score)
        outputs.append(found.output if found.cross_entropy is not None else found.output[:0])
    return VariantScores(variant.name, np.array(scores), np.stack(outputs))


def first_of_each(records: Sequence[ClipRecord], n_clips: int) -> tuple[ClipRecord, ...]:
    """The first `n_clips` of each class and machine ID."""
    counts: Counter[tuple[str, str]] = Counter()
    kept = []
    for record in records:
        counts[record.machine, record.label] += 1
        if counts[record.machine, record.label] <= n_clips:
            kept.append(record)
    return tuple(kept)


def score_rows(records: Sequence[ClipRecord], variants: Sequence[VariantScores]) -> tuple[ScoreRow, ...]:
    """As scores.csv has them, with a variant's name as its rung."""
    return tuple(
        ScoreRow(variant.name, str(record.path), record.machine_type, record.machine_id, record.label, score, None)
        for variant in variants
        for record, score in zip(records, variant.scores.tolist(), strict=True)
    )


def _open(variant: Variant) -> Rung:
    if variant.rung == STOCK:
        return StockRung(variant.work)
    return open_rung(variant.rung, variant.work, None if variant.rung == TORCH else FIXED)


def _clip(samples: NDArray[np.int16], machine: str, detector: Detector | None) -> Clip:
    """With features only where a reconstruction is compared with them: what the network heard, as real values."""
    clip = Clip(samples, machine, {})
    if detector is None or detector.kind != RECONSTRUCTION:
        return clip
    heard = real_inputs(clip, detector, FIXED)
    return replace(clip, features={name: values.astype(np.float64) for name, values in heard.items()})


def _key(variant: Variant, records: Sequence[ClipRecord]) -> str:
    """What the scores depend on."""
    names = files_of(TFLITE if variant.rung == STOCK else variant.rung)
    files = [file_sha256(path) for path in (*(variant.work / name for name in names), LIBRARY)]
    clips = [f"{record.machine} {record.split} {record.path.name}" for record in records]
    return hashlib.sha256(json.dumps([__version__, variant.rung, files, clips]).encode()).hexdigest()
