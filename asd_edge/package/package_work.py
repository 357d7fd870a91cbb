"""A work directory, a board, a machine and a key -> WORK/<board>-<machine>-v<version>.asdb."""

from dataclasses import dataclass
from pathlib import Path

from asd_edge.boards import Board
from asd_edge.clip.atomic_write import write_bytes_atomically
from asd_edge.compiler.check_budget import check_budget
from asd_edge.compiler.compile_network import compile_work, core_named
from asd_edge.compiler.plan_report import plan_report
from asd_edge.compiler.read_image import read_image
from asd_edge.export.detector import load_detector
from asd_edge.export.work_files import DETECTOR_FILE
from asd_edge.package.bundle import Bundle, check_numbers, pack_bundle
from asd_edge.package.check_slot import check_slot
from asd_edge.package.keys import load_private_key
from asd_edge.package.self_test import run_self_test
from asd_edge.provision.kept_threshold import load_estimates
from asd_edge.provision.provision_record import chosen_threshold

BUNDLE_SUFFIX = ".asdb"
DEFAULT_SEED = 1
_Q16 = 65536


@dataclass(frozen=True)
class PackageRequest:
    """What to package; `threshold` None: the one of thresholds.json, of the rung nearest to a device."""

    board: Board
    machine: str
    key: Path
    version: int
    threshold: float | None = None
    least_firmware: int = 1
    test_seed: int = DEFAULT_SEED


def package_work(work: Path, request: PackageRequest, out: Path | None = None) -> tuple[Path, Bundle]:
    """Compile for the board, take the self-test's outcome from the firmware's own C, sign, write.

    Raises PackageError, WorkDirectoryError for a threshold that isn't there, CompilerError for a model that the board
    can't hold, DatasetError for a machine that the model doesn't know; then nothing is written.
    """
    key = load_private_key(request.key)
    bundle = make_bundle(work, request)
    path = out or work / f"{bundle_stem(request)}{BUNDLE_SUFFIX}"
    write_bytes_atomically(path, pack_bundle(bundle, key))
    return path, bundle


def bundle_stem(request: PackageRequest) -> str:
    """What its bundle is called, without a suffix."""
    return f"{request.board.name}-{request.machine.replace('/', '-')}-v{request.version}"


def make_bundle(work: Path, request: PackageRequest) -> Bundle:
    """What is signed. Raises as package_work does."""
    detector = load_detector(work / DETECTOR_FILE)
    class_index = detector.labels.index(request.machine)
    threshold = _threshold(work, request.machine) if request.threshold is None else request.threshold
    check_numbers(request.version, request.least_firmware, threshold)
    compiled = compile_work(work, core_named(request.board.kernels))
    check_budget(plan_report(read_image(compiled.content)), request.board)
    check_slot(request.board, len(compiled.content), work, detector)
    is_generic = request.board.kernels == "generic"  # the same bits on every core, and the one that runs here
    generic = compiled if is_generic else compile_work(work, core_named("generic"))
    self_test = run_self_test(generic.content, detector.frontend.clip_samples, class_index, request.test_seed)
    return Bundle(
        request.board.name,
        request.machine,
        class_index,
        round(threshold * _Q16),
        request.version,
        request.least_firmware,
        self_test,
        compiled.content,
    )


def _threshold(work: Path, machine: str) -> float:
    how = f"run asd-edge evaluate {work} --data DATA, or give --threshold"
    _, estimates = load_estimates(work, machine, how)
    threshold, _ = chosen_threshold(estimates)
    return threshold
