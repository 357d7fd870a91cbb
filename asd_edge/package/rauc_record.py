"""A folder with a model for a small computer: record.json says what lies in it and what the self-test has to give.

The folder is what the listening service takes for a work directory: images and thresholds. It is read on the device,
so nothing here needs a key: RAUC has checked the signature before.
"""

import hashlib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from asd_edge.errors import ImageError, PackageError
from asd_edge.package.regular_file import read_regular_file
from asd_edge.package.self_test import run_self_test

RECORD_FILE = "record.json"
WINDOW_IMAGE, SLIDING_IMAGE = "model-generic.asdm", "model-generic-sliding.asdm"
_MOST_TEST_SAMPLES = 16_000 * 600  # ten minutes: the clip is made sample by sample
MOST_VERSION = 2**32 - 1
MOST_THRESHOLD = 2.0**47  # times 65536 in 64 bits, as in a bundle for boards
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")]  # in this folder, and nowhere else
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ImageTest(_Record):
    """A SelfTest of one image; the hash is of the network's int8 outputs in order."""

    seed: Annotated[int, Field(ge=0, lt=2**32)]
    n_samples: Annotated[int, Field(gt=0, le=_MOST_TEST_SAMPLES)]
    score_q16: Annotated[int, Field(ge=-(2**63), lt=2**63)]
    output_sha256: Sha256


class ModelRecord(_Record):
    """`threshold`: the score above which the device raises the alarm."""

    format: Literal["asd-edge model 1"] = "asd-edge model 1"
    board: str
    machine: str  # "fan/id_00"
    class_index: Annotated[int, Field(ge=0, lt=2**32)]
    threshold: Annotated[float, Field(ge=-MOST_THRESHOLD, lt=MOST_THRESHOLD, allow_inf_nan=False)]
    version: Annotated[int, Field(gt=0, le=MOST_VERSION)]
    self_tests: dict[FileName, ImageTest]  # by image
    files: dict[FileName, Sha256]  # all but the record itself

    @model_validator(mode="after")
    def _tests_are_of_files(self) -> "ModelRecord":
        if WINDOW_IMAGE not in self.self_tests or not self.self_tests.keys() <= self.files.keys():
            raise ValueError(f"it has no self-test of {WINDOW_IMAGE}, or one of an image that isn't among its files")
        return self


def compatible(board_name: str) -> str:
    """What RAUC compares between a bundle and a device."""
    return f"asd-edge-{board_name}"


def record_text(record: ModelRecord) -> str:
    """The content of record.json."""
    return record.model_dump_json(indent=1) + "\n"


def load_record(folder: Path) -> ModelRecord:
    """Raises PackageError for a file that can't be read or isn't a record."""
    path = folder / RECORD_FILE
    try:
        return ModelRecord.model_validate_json(read_regular_file(path))
    except OSError as error:
        raise PackageError(f"{path}: can't be read ({error.strerror or error}); give a model's folder") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise PackageError(
            f"{path}: no record of a model ({place}: {first['msg']}); install the bundle again"
        ) from error


def check_model(folder: Path) -> ModelRecord:
    """Hash every file, then run every image's self-test by the engine of this computer; what the record says.

    Raises PackageError for a file that is missing or altered, and for a self-test with another outcome.
    """
    record = load_record(folder)
    for name, sha256 in record.files.items():
        if hashlib.sha256(_content(folder / name)).hexdigest() != sha256:
            raise PackageError(f"{folder / name}: isn't the file of the record; install the bundle again")
    for name, expected in record.self_tests.items():
        path = folder / name
        try:
            found = run_self_test(path.read_bytes(), expected.n_samples, record.class_index, expected.seed)
        except ImageError as error:
            raise PackageError(f"{path}: self-test failed: {error}") from error
        if (found.score_q16, found.output_sha256.hex()) != (expected.score_q16, expected.output_sha256):
            raise PackageError(
                f"{path}: self-test failed: score {found.score_q16 / 65536:.4f} and outputs "
                f"{found.output_sha256.hex()[:12]}, expected {expected.score_q16 / 65536:.4f} and "
                f"{expected.output_sha256[:12]}; don't use it; is this the asd-edge that packaged it?"
            )
    return record


def _content(path: Path) -> bytes:
    try:
        return read_regular_file(path)
    except OSError as error:
        raise PackageError(f"{path}: can't be read ({error.strerror or error}); install the bundle again") from error
