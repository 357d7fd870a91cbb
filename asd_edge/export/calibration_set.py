"""A folder of normal clips -> the network's inputs for calibration, float front end, with a hash of each clip."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from asd_edge.clip.layouts import calibration_clips
from asd_edge.clip.level import at_level, level_in_turn_db
from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.clip.read_clip import read_clip, samples_sha256
from asd_edge.errors import GraphError, QuantizationError
from asd_edge.frontend.config import FrontendConfig
from asd_edge.frontend.context_vectors import N_CONTEXT, context_vectors
from asd_edge.frontend.log_mel import log_mel
from asd_edge.frontend.wavegram_fir import FirTaps, wavegram_fir
from asd_edge.graph.graph import Graph
from quantization.recipe import Recipe

_HELD_BACK_PERIOD = 6  # of this many clips one is held back where a folder has no others
LEAST_CHANGE_DB = 1.0  # of some mel band over all frames of all clips: below it they are silence

T = TypeVar("T")
Inputs = Mapping[str, NDArray[np.float32]]  # one run of the network: input name -> [1, time, mel, channels]


@dataclass(frozen=True)
class ClipFeatures:
    """What the front end makes of one clip."""

    log_mel: NDArray[np.float32]  # (n_frames, n_mels) dB
    wavegram_fir: NDArray[np.float32] | None  # (n_frames,)


@dataclass(frozen=True)
class CalibrationSet:
    """The clips that calibrate, in order, and other ones that judge the steps of a recipe.

    `sha256` maps each one's path below the folder to the hash of its int16 samples as recorded. Where a recipe asks the
    output for ranges, `held_back` are heard at several levels in turn, and so are some of `clips` in `at_levels`.
    """

    clips: tuple[ClipFeatures, ...]
    sha256: Mapping[str, str]
    n_available: int
    held_back: tuple[ClipFeatures, ...] = ()
    held_back_sha256: Mapping[str, str] = field(default_factory=dict)
    at_levels: tuple[ClipFeatures, ...] = ()


def load_calibration_set(
    folder: Path,
    frontend: FrontendConfig,
    fir: FirTaps | None,
    on_progress: ProgressFn = ignore_progress,
    recipe: Recipe | None = None,
) -> CalibrationSet:
    """As many normal clips of a data set or a flat folder as the recipe asks for (None: the default number, none held
    back), each kind spread evenly over the sorted list.

    Raises DatasetError for a folder without normal clips or with a named anomaly, ClipError for a clip that can't be
    read, QuantizationError for a set of silence.
    """
    paths = calibration_clips(folder)
    recipe = recipe or Recipe("", (), held_back_clips=0)
    chosen, others = choose_clips(paths, recipe.calibration_clips, recipe.held_back_clips)
    chooser = recipe.chooser
    n_at_levels, change_db = (chooser.n_clips, chooser.level_change_db) if chooser else (0, 0.0)
    judges = (spread_evenly(chosen, n_at_levels), others)
    levels_db = {path: level_in_turn_db(index, change_db) for kind in judges for index, path in enumerate(kind)}
    as_recorded: dict[Path, ClipFeatures] = {}
    at_levels: dict[Path, ClipFeatures] = {}
    sha256: dict[Path, str] = {}
    for path in (*chosen, *others):
        samples = read_clip(path, frontend.clip_samples, frontend.sample_rate_hz)
        sha256[path] = samples_sha256(samples)
        if len(as_recorded) < len(chosen):
            as_recorded[path] = features_of(samples, frontend, fir)
        if path in levels_db:
            at_levels[path] = features_of(at_level(samples, levels_db[path]), frontend, fir)
        on_progress(len(sha256), len(chosen) + len(others))
    clips = tuple(as_recorded.values())
    _check_sound(clips, folder)
    hashes = {path.relative_to(folder).as_posix(): value for path, value in sha256.items()}
    names = tuple(hashes)
    return CalibrationSet(
        clips,
        {name: hashes[name] for name in names[: len(chosen)]},
        len(paths),
        tuple(at_levels[path] for path in others),
        {name: hashes[name] for name in names[len(chosen) :]},
        tuple(at_levels[path] for path in judges[0]),
    )


def features_of(samples: NDArray[np.int16], frontend: FrontendConfig, fir: FirTaps | None) -> ClipFeatures:
    """What the float front end makes of `samples` (clip_samples,)."""
    frames = None if fir is None else wavegram_fir(samples, fir.taps, fir.bias, frontend).astype(np.float32)
    return ClipFeatures(log_mel(samples, frontend).astype(np.float32), frames)


def choose_clips(paths: tuple[T, ...], n_clips: int, n_held_back: int) -> tuple[tuple[T, ...], tuple[T, ...]]:
    """The clips that calibrate and, disjoint from them, those that are held back.

    Where that leaves fewer than `n_held_back` others, every sixth clip is held back and the rest calibrates; a single
    clip calibrates.
    """
    chosen = spread_evenly(paths, n_clips)
    others = _without(paths, chosen)
    if n_held_back > len(others) and len(paths) > 1:
        others = paths[1::_HELD_BACK_PERIOD]
        chosen = spread_evenly(_without(paths, others), n_clips)
    return chosen, spread_evenly(others, n_held_back)


def _check_sound(clips: Sequence[ClipFeatures], folder: Path) -> None:
    lowest = np.min([clip.log_mel.min(axis=0) for clip in clips], axis=0)  # (n_mels,)
    highest = np.max([clip.log_mel.max(axis=0) for clip in clips], axis=0)
    change_db = float((highest - lowest).max())
    if change_db < LEAST_CHANGE_DB:
        raise QuantizationError(
            f"{folder}: silence: no mel band of the {len(clips)} clips changes by more than {change_db:.2f} dB; "
            "calibrate with recordings of the machines at work"
        )


def spread_evenly(items: tuple[T, ...], n_wanted: int) -> tuple[T, ...]:
    """All items, or `n_wanted` of them at even distances."""
    if len(items) <= n_wanted:
        return items
    return tuple(items[index * len(items) // n_wanted] for index in range(n_wanted))


def _without(items: tuple[T, ...], taken: tuple[T, ...]) -> tuple[T, ...]:
    gone = {*taken}
    return tuple(item for item in items if item not in gone)


def network_inputs(clips: Iterable[ClipFeatures], graph: Graph) -> Iterator[Inputs]:
    """Each run of the network over the clips: one per clip, or one per vector of N_CONTEXT frames.

    A network of vectors may take several at once, along its time axis (`stack_runs`).

    Raises GraphError for an input shape that the front end's features don't have.
    """
    for clip in clips:
        n_frames, n_mels = clip.log_mel.shape
        shapes = {name: graph.tensors[name].shape for name in graph.inputs}
        if shapes["log_mel"][2:] == (1, N_CONTEXT * n_mels):
            n_stacked = shapes["log_mel"][1]
            vectors = context_vectors(clip.log_mel)
            for first in range(0, len(vectors), n_stacked):
                yield {"log_mel": vectors[first : first + n_stacked].reshape(1, n_stacked, 1, -1)}
            continue
        inputs = {"log_mel": clip.log_mel[None, :, :, None]}
        if clip.wavegram_fir is not None:
            inputs["wavegram_fir"] = clip.wavegram_fir[None, :, None, None]
        for name, shape in shapes.items():
            if inputs[name].shape != shape:
                raise GraphError(
                    f"input {name} is {list(shape)} (time, mel, channels after the batch), the front end gives "
                    f"{list(inputs[name].shape)}; export the network for {n_frames} frames of {n_mels} bands"
                )
        yield inputs
