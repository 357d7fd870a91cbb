"""A work directory and a data set's test clips -> WORK/diagnosis.json: which layers int8 hurts, and what repairs them.

Test clips and their labels serve this report alone. Nothing here is read by export, by calibration, by fine-tuning or
by any choice between exports: whoever tunes a recipe until the diagnosis of the same clips looks well has no test set
left. The evidence that names a repair is of normal clips, and so is everything that the repair itself may see.

Both networks hear the float front end; what the fixed-point one costs, `asd-edge evaluate` tells.
"""

import datetime
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from asd_edge import __version__
from asd_edge.backends.clip_features import clip_features, network_runs
from asd_edge.backends.ladder import ONNX, REFERENCE
from asd_edge.backends.rung import Clip
from asd_edge.backends.score_output import score_output
from asd_edge.clip.layouts import find_clips
from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.clip.read_clip import read_clip
from asd_edge.clip.records import TEST
from asd_edge.diagnose.advice import advise, rank
from asd_edge.diagnose.choose_clips import choose_clips
from asd_edge.diagnose.diagnose_layers import diagnose_layers
from asd_edge.diagnose.diagnosis import Diagnosis
from asd_edge.diagnose.measure_clip import OpenedClip
from asd_edge.diagnose.measure_damage import run_clips, sum_up
from asd_edge.diagnose.mixed_network import FloatArray, MixedNetwork
from asd_edge.diagnose.write_diagnosis import write_diagnosis
from asd_edge.errors import WorkDirectoryError
from asd_edge.evaluate.clips_to_score import ClipToScore
from asd_edge.evaluate.layer_sqnr import exported_float_graph
from asd_edge.evaluate.load_model import load_model
from asd_edge.export.detector import ARCFACE, Detector
from asd_edge.export.quantize_network import is_of_vectors, stack_runs
from asd_edge.export.read_tflite import read_tflite
from asd_edge.export.work_files import RECORD_FILE, TFLITE_FILE
from asd_edge.frontend.context_vectors import N_CONTEXT


def diagnose_work(work: Path, data_dir: Path, n_clips: int, on_progress: ProgressFn = ignore_progress) -> Diagnosis:
    """Measure, find repairs, and write diagnosis.json; interrupted, nothing is written.

    Raises WorkDirectoryError or BackendError for a missing file or files of several exports, what `choose_clips`
    raises, ClipError for a clip without a score.
    """
    model = load_model(work, (ONNX, REFERENCE))
    detector = model.detector
    assert detector is not None, "both rungs need one"
    steps = _recipe_steps(work)
    network = _network(work, detector)
    records = find_clips(data_dir)
    clips = choose_clips(records, data_dir, detector.labels, detector.frontend, n_clips)

    def open_clip(clip: ClipToScore) -> OpenedClip:
        return _opened(clip, detector, network)

    outcomes = run_clips(network, clips, open_clip, on_progress)
    of_clips = [clip.record for clip in clips]
    found = sum_up(of_clips, outcomes, network.layers, detector.kind == ARCFACE)
    layers = diagnose_layers(network, found, steps)
    ranking = rank(layers)
    diagnosis = Diagnosis(
        date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        asd_edge=__version__,
        score_kind=detector.kind,
        data=data_dir.resolve().name,
        files=model.files,
        recipe_steps=steps,
        clips_used=len(clips),
        clips_available=sum(record.split == TEST for record in records),
        pairs=found.pairs,
        int8=found.int8,
        layers=layers,
        ranking=ranking,
        advice=advise(found.int8, layers, ranking),
    )
    write_diagnosis(diagnosis, work)
    return diagnosis


def _recipe_steps(work: Path) -> tuple[str, ...]:
    """The steps of the recipe that export.json names, kept or dropped, as the rules of repair name them.

    An observer that was dropped has left min-max ranges, and is followed by their name.
    """
    path = work / RECORD_FILE
    try:
        steps = json.loads(path.read_text(encoding="utf-8"))["recipe"]["steps"]
        return tuple(name for step in steps for name in _step_names(step))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WorkDirectoryError(f"{path}: missing or damaged ({error!r}); run asd-edge export again") from error


def _step_names(step: Mapping[str, Any]) -> Iterator[str]:
    method = step["settings"].get("method")
    yield f"{step['name']}" if method is None else f"{step['name']}: {method}"
    if method is not None and not step["kept"]:
        yield f"{step['name']}: min_max"


def _network(work: Path, detector: Detector) -> MixedNetwork:
    """A network of vectors takes all vectors of a clip at once."""
    n_vectors = detector.frontend.n_frames - N_CONTEXT + 1
    graphs = exported_float_graph(work, detector.frontend.n_frames), read_tflite(work / TFLITE_FILE)
    return MixedNetwork(*(stack_runs(graph, n_vectors) if is_of_vectors(graph) else graph for graph in graphs))


def _opened(clip: ClipToScore, detector: Detector, network: MixedNetwork) -> OpenedClip:
    samples = read_clip(clip.record.path, detector.frontend.clip_samples, detector.frontend.sample_rate_hz)
    features = clip_features(samples, detector)
    shapes = {name: network.float_graph.tensors[name].shape for name in network.float_graph.inputs}
    stacked = {name: features[name].astype(np.float32).reshape(-1, *shape[1:]) for name, shape in shapes.items()}
    n_vectors = len(next(iter(features.values())))

    def score(output: FloatArray) -> float:
        return score_output(output.reshape(n_vectors, -1), Clip(samples, clip.record.machine, features), detector).score

    return OpenedClip(str(clip.record.path), tuple(network_runs(stacked)), score)
