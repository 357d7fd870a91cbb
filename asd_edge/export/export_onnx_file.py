"""An ONNX file of the user's own and normal clips -> model.tflite and, given a detector with its head, a detector.

No torch: the float graph has to equal onnxruntime on the file's weights, and again on weights whose per-channel
constants all differ.
"""

from pathlib import Path

import onnx
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.errors import GraphError, WorkDirectoryError
from asd_edge.export.calibration_set import load_calibration_set
from asd_edge.export.check_outputs import check_equal
from asd_edge.export.detector import load_detector
from asd_edge.export.distinct_onnx import write_with_distinct_constants
from asd_edge.export.export_record import ExportRecord, record_file
from asd_edge.export.run_onnx import OnnxModel
from asd_edge.export.staged_files import staged_files
from asd_edge.export.targets.target import MCU, Target
from asd_edge.export.targets.work_target import check_work_target
from asd_edge.export.work_files import ONNX_FILE, OWNED_FILES
from asd_edge.export.write_work import graph_outputs, runs_to_check, write_work
from asd_edge.frontend.config import FrontendConfig
from asd_edge.graph.import_onnx import import_onnx
from asd_edge.graph.passes import run_float_passes
from asd_edge.model.checkpoint import WEIGHTS_FILE
from quantization.recipe import DEFAULT_RECIPE, Recipe, load_recipe


def export_onnx_file(
    onnx_path: Path,
    detector_path: Path | None,
    calibration_folder: Path,
    work: Path,
    on_progress: ProgressFn = ignore_progress,
    recipe: Recipe | None = None,
    target: Target = MCU,
) -> ExportRecord:
    """Write model.onnx, model.tflite, export.json and, with `detector_path`, detector.safetensors.

    The detector is an existing detector.safetensors, whose front end, FIR, labels and head are kept and whose input
    scales are replaced; without it the front end has its default settings. Without a recipe the default one quantizes.
    A target other than mcu gets a target.json beside the model.
    Raises what `export_checkpoint` raises;
    GraphError also for a network that reads `wavegram_fir` where no detector gives the FIR.
    """
    recipe = recipe or load_recipe(DEFAULT_RECIPE)
    check_work_target(work, target)
    detector = None if detector_path is None else load_detector(detector_path)
    frontend = FrontendConfig() if detector is None else detector.frontend
    graph = run_float_passes(import_onnx(onnx_path, frontend.n_frames))
    if "wavegram_fir" in graph.inputs and (detector is None or detector.fir is None):
        raise GraphError(
            f"{onnx_path}: reads wavegram_fir, and calibration needs its FIR taps; "
            "give the model's detector.safetensors with --detector"
        )
    if (work / WEIGHTS_FILE).exists():
        raise WorkDirectoryError(
            f"{work / WEIGHTS_FILE}: belongs to another network than {onnx_path.name}; choose another output"
        )
    sources = {path.name: record_file(path) for path in (onnx_path, detector_path) if path is not None}
    # NumPy's BLAS is faster on one thread than on several that wait for a core
    with staged_files(work, OWNED_FILES) as staging, threadpool_limits(1, user_api="blas"):
        fir = detector.fir if detector is not None and "wavegram_fir" in graph.inputs else None
        calibration = load_calibration_set(
            calibration_folder,
            frontend,
            fir,
            lambda done, total: on_progress(done, 2 * total),
            recipe,
        )
        onnx.save(onnx.load(onnx_path), staging / ONNX_FILE)  # weights kept in a file beside it come along
        distinct_path = staging / "distinct.onnx"
        write_with_distinct_constants(onnx_path, distinct_path)
        distinct_graph = run_float_passes(import_onnx(distinct_path, frontend.n_frames))
        runs = runs_to_check(calibration, graph)
        pairs = {
            "graph_onnx": (staging / ONNX_FILE, graph),
            "graph_onnx_distinct_constants": (distinct_path, distinct_graph),
        }
        checks = {
            name: check_equal(name, OnnxModel(path).outputs(runs), graph_outputs(network, runs), is_of_order_one=False)
            for name, (path, network) in pairs.items()
        }
        distinct_path.unlink()
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
