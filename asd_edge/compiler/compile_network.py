"""A work directory, a .tflite file or an int8 Graph -> a model image with its plan."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.compiler.detector_record import detector_constants
from asd_edge.compiler.emit_image import emit_image
from asd_edge.compiler.fuse import fuse
from asd_edge.compiler.kernel_choice import Core
from asd_edge.compiler.plan import Plan, plan_stream
from asd_edge.compiler.schedule import choose_delays
from asd_edge.errors import CompilerError
from asd_edge.export.detector import Detector, load_detector
from asd_edge.export.read_tflite import read_tflite
from asd_edge.export.work_files import DETECTOR_FILE, TFLITE_FILE
from asd_edge.graph.graph import Graph
from asd_edge.native import is_built
from asd_edge.native_engine import STATUS, image_status

CORES = {core.name.lower(): core for core in Core}
IMAGE_FILES = tuple(f"model-{name}.asdm" for name in CORES)


@dataclass(frozen=True, eq=False)
class CompiledModel:
    """An image and the plan that it holds."""

    content: bytes
    plan: Plan
    has_detector: bool


def compile_work(
    work: Path, core: Core, is_endless: bool = False, on_progress: ProgressFn = ignore_progress
) -> CompiledModel:
    """model.tflite and detector.safetensors of a work directory; their steps are spread over the hops.

    Raises WorkDirectoryError, GraphError, CheckpointError or FrontendError for files that are missing or unfit,
    CompilerError for a network that no image can hold.
    """
    paths = work / TFLITE_FILE, work / DETECTOR_FILE
    graph, detector = read_tflite(paths[0]), load_detector(paths[1])
    source = b"".join(path.read_bytes() for path in paths)
    return compile_graph(graph, core, is_endless, None, detector, source, on_progress)


def compile_tflite(path: Path, core: Core, is_endless: bool = False) -> CompiledModel:
    """Any int8 .tflite file, without a detector and without delays.

    Raises GraphError for a file that isn't one, CompilerError for a file that can't be read and for a network that no
    image can hold.
    """
    try:
        source = path.read_bytes()
    except OSError as error:
        raise CompilerError(f"{path}: can't be read ({error.strerror}); give an int8 .tflite file") from error
    return compile_graph(read_tflite(path), core, is_endless, {}, None, source)


def compile_graph(
    graph: Graph,
    core: Core = Core.GENERIC,
    is_endless: bool = False,
    delays: Mapping[str, int] | None = None,
    detector: Detector | None = None,
    source: bytes = b"",
    on_progress: ProgressFn = ignore_progress,
) -> CompiledModel:
    """`delays`: ticks by output of the delayed steps; None: the compiler chooses them. `source`: what the image names
    as its origin by SHA-256. The image has passed the engine's own checks, where the C library is built.
    """
    stream = fuse(graph, is_endless)
    constants = None if detector is None else detector_constants(detector, stream, is_endless)
    chosen = choose_delays(stream, is_endless, core, on_progress) if delays is None else dict(delays)
    plan = plan_stream(stream, chosen, is_endless, core, has_frontend=detector is not None)
    content = emit_image(plan, constants, hashlib.sha256(source).digest())
    _check_loads(content)
    return CompiledModel(content, plan, constants is not None)


def _check_loads(content: bytes) -> None:
    """Raises CompilerError for an image that a device would refuse."""
    status = image_status(content) if is_built() else 0
    if status != 0:
        raise CompilerError(
            f"the engine would refuse this network's image: {STATUS.get(status, f'status {status}')}; cut the network"
        )


def core_named(name: str) -> Core:
    """Raises CompilerError for a core that there are no kernels for."""
    if name not in CORES:
        raise CompilerError(f"{name!r} is no core; choose {', '.join(CORES)}")
    return CORES[name]
