"""A work directory, a board, a machine and a key -> WORK/<board>-<machine>-v<version>.asdb."""

import json
from dataclasses import dataclass
from pathlib import Path

from asd_edge.boards import Board
from asd_edge.clip.atomic_write import write_bytes_atomically
from asd_edge.compiler.check_budget import check_budget
from asd_edge.compiler.compile_network import compile_work, core_named
from asd_edge.compiler.plan_report import plan_report
from asd_edge.compiler.read_image import read_image
from asd_edge.errors import PackageError
from asd_edge.evaluate.write_evaluation import THRESHOLDS_FILE
from asd_edge.export.detector import load_detector
from asd_edge.export.work_files import DETECTOR_FILE
from asd_edge.package.bundle import Bundle, pack_bundle
from asd_edge.package.keys import load_private_key
from asd_edge.package.self_test import run_self_test

BUNDLE_SUFFIX = ".asdb"
DEFAULT_SEED = 1
_Q16 = 65536
_THRESHOLD_RUNGS = ("host", "reference", "tflite")  # the first that was evaluated; the device gives host's scores


@dataclass(frozen=True)
class PackageRequest:
    """What to package; `threshold` None: the one of thresholds.json."""

    board: Board
    machine: str
    key: Path
    version: int
    threshold: float | None = None
    least_firmware: int = 1
    test_seed: int = DEFAULT_SEED


def package_work(work: Path, request: PackageRequest, out: Path | None = None) -> tuple[Path, Bundle]:
    """Compile for the board, take the self-test's outcome from the firmware's own C, sign, write.

    Raises PackageError, CompilerError for a model that the board can't hold, DatasetError for a machine that the model
    doesn't know; then nothing is written.
    """
    key = load_private_key(request.key)
    detector = load_detector(work / DETECTOR_FILE)
    class_index = detector.labels.index(request.machine)
    threshold = _threshold(work, request.machine) if request.threshold is None else request.threshold
    compiled = compile_work(work, core_named(request.board.kernels))
    check_budget(plan_report(read_image(compiled.content)), request.board)
    generic = compile_work(
        work, core_named("generic")
    ).content  # the same bits on every core, and the one that runs here
    self_test = run_self_test(generic, detector.frontend.clip_samples, class_index, request.test_seed)
    bundle = Bundle(
        request.board.name,
        request.machine,
        class_index,
        round(threshold * _Q16),
        request.version,
        request.least_firmware,
        self_test,
        compiled.content,
    )
    name = f"{request.board.name}-{request.machine.replace('/', '-')}-v{request.version}{BUNDLE_SUFFIX}"
    path = out or work / name
    write_bytes_atomically(path, pack_bundle(bundle, key))
    return path, bundle


def _threshold(work: Path, machine: str) -> float:
    path = work / THRESHOLDS_FILE
    how = f"run asd-edge evaluate {work} --data DATA, or give --threshold"
    try:
        rungs = json.loads(path.read_text())["rungs"]
        found = next(rungs[name] for name in _THRESHOLD_RUNGS if name in rungs)
        of_machine = found[machine]
        gamma = of_machine["gamma"]
        return float(of_machine["percentile"] if gamma is None else gamma["threshold"])
    except OSError as error:
        raise PackageError(f"{path}: missing, and the alarm's threshold is taken from it; {how}") from error
    except (KeyError, StopIteration) as error:
        raise PackageError(f"{path}: has no threshold for {machine}; {how}") from error
    except (ValueError, TypeError) as error:
        raise PackageError(f"{path}: not as evaluate writes it; {how}") from error
