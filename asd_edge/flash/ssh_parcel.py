"""A signed bundle, one for boards or RAUC's -> what travels to a computer with slots: the files of the model's folder.

Joined they are one content with one hash; cut apart again they are what `asd-edge slots install` takes.
"""

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from asd_edge.boards import Board
from asd_edge.errors import FlashError
from asd_edge.evaluate.write_evaluation import THRESHOLDS_FILE, THRESHOLDS_FORMAT
from asd_edge.package.bundle import Bundle
from asd_edge.package.rauc_bundle import MODEL_FOLDER, check_rauc_is_here
from asd_edge.package.rauc_record import RECORD_FILE, WINDOW_IMAGE, ImageTest, ModelRecord, load_record, record_text
from asd_edge.package.regular_file import read_regular_file
from asd_edge.package.run_rauc import run_rauc

_SQUASHFS_MAGIC, _CERTIFICATE_MARK = b"hsqs", b"-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True)
class Parcel:
    """`parts`: (first byte, bytes) in `content` of each file, the record included."""

    record: ModelRecord
    content: bytes
    parts: Mapping[str, tuple[int, int]]

    @property
    def sha256(self) -> str:
        """Of the whole content: its name on the host while it arrives."""
        return hashlib.sha256(self.content).hexdigest()


def is_rauc_bundle(path: Path) -> bool:
    """Raises FlashError for a file that can't be read."""
    try:
        return read_regular_file(path).startswith(_SQUASHFS_MAGIC)
    except OSError as error:
        raise FlashError(f"{path}: can't be read ({error.strerror or error}); give a bundle") from error


def bundle_parcel(bundle: Bundle) -> Parcel:
    """Of a bundle whose signature was checked: the image for windows alone, and its threshold."""
    files = {WINDOW_IMAGE: bundle.image, THRESHOLDS_FILE: _thresholds(bundle)}
    test = bundle.self_test
    record = ModelRecord(
        board=bundle.board,
        machine=bundle.machine,
        class_index=bundle.class_index,
        threshold=bundle.threshold,
        version=bundle.version,
        self_tests={
            WINDOW_IMAGE: ImageTest(
                seed=test.seed,
                n_samples=test.n_samples,
                score_q16=test.score_q16,
                output_sha256=test.output_sha256.hex(),
            )
        },
        files={name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    )
    return _joined(record, files)


def rauc_parcel(path: Path, certificates: Sequence[Path]) -> Parcel:
    """Have RAUC check the signature by one of the certificates and take the model's folder out.

    Raises PackageError without RAUC, FlashError with its words for a bundle that it refuses.
    """
    check_rauc_is_here()
    with tempfile.TemporaryDirectory(prefix="asd-edge-rauc-") as folder:
        keyring, out = Path(folder) / "keyring.pem", Path(folder) / "content"
        keyring.write_bytes(b"\n".join(_certificate(certificate) for certificate in certificates))
        words = run_rauc([f"--keyring={keyring}", "extract", str(path), str(out)], path)
        if words is not None:
            raise FlashError(f"{path}: rauc refuses it: {words}; don't install it")
        record = load_record(out / MODEL_FOLDER)
        return _joined(record, {name: (out / MODEL_FOLDER / name).read_bytes() for name in record.files})


def check_runs_linux(board: Board) -> None:
    """Raises FlashError for a board without Linux."""
    if board.system != "linux":
        raise FlashError(f"{board.name}: runs no Linux, so SSH doesn't reach it; give --port, or --method for a probe")


def _joined(record: ModelRecord, files: Mapping[str, bytes]) -> Parcel:
    content, parts = b"", {}
    for name, of_file in {**files, RECORD_FILE: record_text(record).encode()}.items():
        parts[name] = (len(content), len(of_file))
        content += of_file
    return Parcel(record, content, parts)


def _thresholds(bundle: Bundle) -> bytes:
    """What the listening service reads; which clips stand behind the number, a bundle doesn't say."""
    of_machine = {"clips": 0, "percentile": bundle.threshold, "gamma": None}
    content = {"format": THRESHOLDS_FORMAT, "rungs": {"host": {bundle.machine: of_machine}}}
    return f"{json.dumps(content, indent=1)}\n".encode()


def _certificate(path: Path) -> bytes:
    try:
        content = read_regular_file(path)
    except OSError as error:
        raise FlashError(f"{path}: can't be read ({error.strerror or error}); give its KEY.crt") from error
    if _CERTIFICATE_MARK not in content:
        raise FlashError(f"{path}: no certificate; give the KEY.crt of the key that signed this RAUC bundle")
    return content
