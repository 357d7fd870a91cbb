"""A checkpoint and normal clips -> a work directory with model.onnx, model.tflite, detector.safetensors, export.json.

Before anything is quantized, ONNX and the float graph have to equal PyTorch on the checkpoint's weights, and the float
graph again on weights whose per-channel constants all differ. All files appear together, or none does.
"""

import shutil
from pathlib import Path

import numpy as np
import torch
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
from torch import Tensor, nn

from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.errors import WorkDirectoryError
from asd_edge.export.calibration_set import CalibrationSet, Inputs, load_calibration_set
from asd_edge.export.check_outputs import Difference, Outputs, check_equal
from asd_edge.export.detector import ARCFACE, RECONSTRUCTION, Detector
from asd_edge.export.distinct_torch import with_distinct_constants
from asd_edge.export.export_record import ExportRecord, FileRecord, record_file
from asd_edge.export.run_onnx import OnnxModel, to_onnx_layout
from asd_edge.export.staged_files import staged_files
from asd_edge.export.targets.target import MCU, Target
from asd_edge.export.targets.work_target import check_work_target
from asd_edge.export.work_files import ONNX_FILE, OWNED_FILES
from asd_edge.export.write_work import graph_outputs, runs_to_check, write_work
from asd_edge.frontend.context_vectors import N_CONTEXT
from asd_edge.graph.export_onnx import export_onnx
from asd_edge.graph.graph import Graph
from asd_edge.graph.import_onnx import import_onnx
from asd_edge.graph.passes import run_float_passes
from asd_edge.model.checkpoint import SETTINGS_FILE, WEIGHTS_FILE, Checkpoint, load_checkpoint, write_checkpoint
from asd_edge.model.config import AUTOENCODER, LOG_MEL
from asd_edge.model.network import autoencoder_from_checkpoint, check_exportable, network_from_checkpoint
from asd_edge.model.wavegram import fold_wavegram_fir
from quantization.recipe import DEFAULT_RECIPE, Recipe, load_recipe

_SEED = 21  # of the noise that makes one more example for BatchNorm


def export_checkpoint(
    checkpoint_path: Path,
    calibration_folder: Path,
    work: Path,
    on_progress: ProgressFn = ignore_progress,
    recipe: Recipe | None = None,
    target: Target = MCU,
) -> ExportRecord:
    """Write the work directory, the checkpoint's two files included unless they lie there already.

    Without a recipe the default one quantizes; a target other than mcu gets a target.json beside the model.

    Raises CheckpointError, DatasetError, ClipError, GraphError, QuantizationError or WorkDirectoryError; then nothing
    in `work` has changed.
    """
    recipe = recipe or load_recipe(DEFAULT_RECIPE)
    check_work_target(work, target)
    checkpoint = load_checkpoint(checkpoint_path)
    check_exportable(checkpoint.model)
    detector = _detector(checkpoint)
    # NumPy's BLAS is faster on one thread than on several that wait for a core
    with staged_files(work, OWNED_FILES) as staging, threadpool_limits(1, user_api="blas"):
        sources = _stage_checkpoint(checkpoint, checkpoint_path, staging, work)
        calibration = load_calibration_set(
            calibration_folder,
            checkpoint.frontend,
            detector.fir,
            lambda done, total: on_progress(done, 2 * total),
            recipe,
        )
        graph, checks = _checked_graph(checkpoint, calibration, staging)
        return write_work(
            staging,
            graph,
            detector,
            sources,
            calibration_folder,
            calibration,
            recipe,
            checks,
            target,
            lambda done, total: on_progress(total + done, 2 * total),
        )


def _detector(checkpoint: Checkpoint) -> Detector:
    """Everything but the input scales, which calibration decides."""
    common = (checkpoint.frontend, checkpoint.labels, checkpoint.head)
    if checkpoint.model.architecture == AUTOENCODER:
        return Detector(RECONSTRUCTION, *common, None, None, {})
    rows = checkpoint.weights["head.weight"].astype(np.float64)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    fir = None if checkpoint.model.features == LOG_MEL else fold_wavegram_fir(checkpoint)
    return Detector(ARCFACE, *common, rows.astype(np.float32), fir, {})


def _stage_checkpoint(checkpoint: Checkpoint, path: Path, staging: Path, work: Path) -> dict[str, FileRecord]:
    """Put the checkpoint's two files into `staging` where `work` lacks them; size and hash of what was given.

    Raises WorkDirectoryError where `work` holds another checkpoint.
    """
    if path.suffix == ".ckpt":
        write_checkpoint(checkpoint, staging)
        given = [path]
    else:
        given = [path / WEIGHTS_FILE, path / SETTINGS_FILE] if path.is_dir() else [path, path.with_suffix(".json")]
        for source, name in zip(given, (WEIGHTS_FILE, SETTINGS_FILE), strict=True):
            shutil.copyfile(source, staging / name)
    for name in (WEIGHTS_FILE, SETTINGS_FILE):
        if (work / name).exists():
            if (work / name).read_bytes() != (staging / name).read_bytes():
                raise WorkDirectoryError(
                    f"{work / name}: belongs to another checkpoint; one work directory holds one: choose another output"
                )
            (staging / name).unlink()
    return {source.name: record_file(source) for source in given}


def _checked_graph(
    checkpoint: Checkpoint, calibration: CalibrationSet, staging: Path
) -> tuple[Graph, dict[str, Difference]]:
    """model.onnx in `staging` and the float graph, both proven equal to torch."""
    is_embedding = checkpoint.model.architecture != AUTOENCODER
    network: nn.Module = (network_from_checkpoint if is_embedding else autoencoder_from_checkpoint)(checkpoint)
    output = "embedding" if is_embedding else "reconstruction"
    shapes = _onnx_shapes(checkpoint)
    n_frames = checkpoint.frontend.n_frames

    onnx_path = staging / ONNX_FILE
    export_onnx(network, shapes, output, onnx_path)
    graph = run_float_passes(import_onnx(onnx_path, n_frames))
    runs = runs_to_check(calibration, graph)

    distinct = with_distinct_constants(network, _examples(runs, shapes))
    distinct_path = staging / "distinct.onnx"
    export_onnx(distinct, shapes, output, distinct_path)
    distinct_graph = run_float_passes(import_onnx(distinct_path, n_frames))
    distinct_path.unlink()

    in_torch = _torch_outputs(network, shapes, runs)
    pairs = {
        "onnx_torch": (in_torch, OnnxModel(onnx_path).outputs(runs)),
        "graph_torch": (in_torch, graph_outputs(graph, runs)),
        "graph_torch_distinct_constants": (
            _torch_outputs(distinct, shapes, runs),
            graph_outputs(distinct_graph, runs),
        ),
    }
    return graph, {name: check_equal(name, *pair, is_embedding) for name, pair in pairs.items()}


def _onnx_shapes(checkpoint: Checkpoint) -> dict[str, tuple[int, ...]]:
    """The inputs of `embed`, in its order."""
    config, n_mels, n_frames = checkpoint.model, checkpoint.frontend.n_mels, checkpoint.frontend.n_frames
    if config.architecture == AUTOENCODER:
        return {"log_mel": (1, N_CONTEXT * n_mels)}
    shapes: dict[str, tuple[int, ...]] = {"log_mel": (1, 1, n_mels, n_frames)}
    if config.features != LOG_MEL:
        shapes["wavegram_fir"] = (1, 1, 1, n_frames)
    return shapes


@torch.inference_mode()
def _torch_outputs(network: nn.Module, shapes: dict[str, tuple[int, ...]], runs: list[Inputs]) -> Outputs:
    """What the module's `embed` gives for these inputs."""
    embed = network.embed
    assert callable(embed)
    feeds = ([torch.tensor(to_onnx_layout(run[name], shape)) for name, shape in shapes.items()] for run in runs)
    return [embed(*tensors).numpy().reshape(-1) for tensors in feeds]


def _examples(runs: list[Inputs], shapes: dict[str, tuple[int, ...]]) -> tuple[Tensor, ...]:
    """The inputs as one batch, with a noisy copy of the first: BatchNorm needs two even where one clip calibrates."""
    generator = np.random.default_rng(_SEED)
    batch = []
    for name, shape in shapes.items():
        values = [to_onnx_layout(run[name], shape) for run in runs]
        noise = generator.normal(0.0, values[0].std() + 1e-3, values[0].shape).astype(np.float32)
        batch.append(torch.from_numpy(np.concatenate([*values, values[0] + noise])))
    return tuple(batch)
