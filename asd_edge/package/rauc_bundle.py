"""A work directory, a Linux board, a machine and an EC key -> WORK/<board>-<machine>-v<version>.raucb.

The bundle is made by RAUC's own command: a squashfs with its manifest, a handler and the model's folder, signed by CMS.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from asd_edge.clip.atomic_write import atomic_path
from asd_edge.compiler.compile_network import compile_work, core_named
from asd_edge.errors import PackageError
from asd_edge.evaluate.write_evaluation import THRESHOLDS_FILE, THRESHOLDS_FORMAT
from asd_edge.export.detector import ARCFACE, load_detector
from asd_edge.export.work_files import DETECTOR_FILE
from asd_edge.package.bundle import Bundle
from asd_edge.package.package_work import PackageRequest, bundle_stem, make_bundle
from asd_edge.package.rauc_keys import certificate_path, check_rauc_keys
from asd_edge.package.rauc_record import (
    RECORD_FILE,
    SLIDING_IMAGE,
    WINDOW_IMAGE,
    ImageTest,
    ModelRecord,
    compatible,
    record_text,
)
from asd_edge.package.run_rauc import run_rauc
from asd_edge.package.self_test import SelfTest, run_self_test

RAUC_SUFFIX = ".raucb"
MODEL_FOLDER, HANDLER = "model", "install_model.sh"  # of a bundle
HANDLER_PATH = Path(__file__).parent / "rauc" / HANDLER
_WINDOWS_OF_SLIDING_TEST = 2  # a sliding score sees sound behind its window


def package_rauc(work: Path, request: PackageRequest, out: Path | None = None) -> tuple[Path, ModelRecord]:
    """Compile for windows and, where the network slides, for a stream; self-test both; sign; write.

    Raises PackageError without RAUC, for a board that runs no Linux and for a key without certificate, else as
    package_work does; then nothing is written.
    """
    check_rauc_keys(request.key)
    check_rauc_is_here()
    if request.board.system != "linux":
        raise PackageError(f"{request.board.name}: runs no Linux, so it takes no RAUC bundle; package without --rauc")
    bundle = make_bundle(work, request)
    files = {WINDOW_IMAGE: bundle.image, THRESHOLDS_FILE: _thresholds(work, request, bundle)}
    tests = {WINDOW_IMAGE: bundle.self_test}
    if load_detector(work / DETECTOR_FILE).kind == ARCFACE:
        sliding = compile_work(work, core_named(request.board.kernels), is_endless=True).content
        n_samples = _WINDOWS_OF_SLIDING_TEST * bundle.self_test.n_samples
        files[SLIDING_IMAGE] = sliding
        tests[SLIDING_IMAGE] = run_self_test(sliding, n_samples, bundle.class_index, request.test_seed)
    record = ModelRecord(
        board=bundle.board,
        machine=bundle.machine,
        class_index=bundle.class_index,
        threshold=bundle.threshold,
        version=bundle.version,
        self_tests={name: _image_test(test) for name, test in tests.items()},
        files={name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    )
    path = out or work / f"{bundle_stem(request)}{RAUC_SUFFIX}"
    write_rauc_bundle(path, record, files, request.key)
    return path, record


def write_rauc_bundle(path: Path, record: ModelRecord, files: Mapping[str, bytes], key: Path) -> None:
    """Have RAUC pack and sign the files with their record. Raises PackageError, with RAUC's words, where it refuses."""
    with tempfile.TemporaryDirectory(prefix="asd-edge-rauc-") as folder:
        content, made = Path(folder) / "content", Path(folder) / "made.raucb"
        model = content / MODEL_FOLDER
        model.mkdir(parents=True)
        for name, of_file in files.items():
            (model / name).write_bytes(of_file)
        (model / RECORD_FILE).write_text(record_text(record), encoding="utf-8")
        shutil.copyfile(HANDLER_PATH, content / HANDLER)
        (content / HANDLER).chmod(0o755)
        (content / "manifest.raucm").write_text(_manifest(record), encoding="utf-8")
        signed_by = [f"--cert={certificate_path(key)}", f"--key={key}"]
        words = run_rauc(["bundle", *signed_by, str(content), str(made)], path)
        if words is not None:
            raise PackageError(f"{path}: rauc bundle failed: {words}; is the key one that it can sign with?")
        with atomic_path(path) as temporary:
            shutil.copyfile(made, temporary)


def check_rauc_is_here() -> None:
    """Raises PackageError where a bundle can't be made."""
    if any(shutil.which(program) is None for program in ("rauc", "mksquashfs")):
        raise PackageError("rauc and mksquashfs make the bundle, and aren't here; run apt install rauc squashfs-tools")


def _manifest(record: ModelRecord) -> str:
    return (
        f"[update]\ncompatible={compatible(record.board)}\nversion={record.version}\ndescription={record.machine}\n\n"
        f"[bundle]\nformat=plain\n\n[handler]\nfilename={HANDLER}\n"
    )


def _thresholds(work: Path, request: PackageRequest, bundle: Bundle) -> bytes:
    """What the listening service reads: all of evaluate's, or the given one, which no clip stands behind."""
    if request.threshold is None:
        return (work / THRESHOLDS_FILE).read_bytes()
    of_machine = {"clips": 0, "percentile": bundle.threshold, "gamma": None}
    content = {"format": THRESHOLDS_FORMAT, "rungs": {"host": {bundle.machine: of_machine}}}
    return f"{json.dumps(content, indent=1)}\n".encode()


def _image_test(test: SelfTest) -> ImageTest:
    return ImageTest(
        seed=test.seed, n_samples=test.n_samples, score_q16=test.score_q16, output_sha256=test.output_sha256.hex()
    )
