"""The program that runs model.tflite on a board: fits its Python, measures, refuses damaged frames."""

import ast
import json
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from asd_edge.backends.remote import run_tflite
from asd_edge.backends.remote.run_tflite import BAD_FRAME, FRAME
from asd_edge.backends.tflite_interpreter import TfliteModel
from tests.boards.board_programs import WorkImages

RUNNER = Path(run_tflite.__file__)
ZEROS = bytes(8)


def test_the_runner_is_python_3_7() -> None:
    tree = ast.parse(RUNNER.read_text(), feature_version=(3, 7))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import)]
    names = {alias.name for node in imports for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    own = {"__future__", "argparse", "importlib", "json", "os", "platform", "struct", "sys", "time", "typing", "zlib"}
    assert names == own | {"numpy"}


def _run_here(work: Path, given: bytes, *flags: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, RUNNER, work / "model.tflite", *flags], input=given, capture_output=True)


def test_the_runner_measures_and_says_what_it_is(short_images: WorkImages) -> None:
    done = _run_here(short_images.work, b"", "--time", "3")
    about, times = (json.loads(line) for line in done.stdout.splitlines())
    shapes = TfliteModel(short_images.work / "model.tflite").input_shapes
    assert {name: tuple(shape) for name, shape in about["inputs"]} == shapes
    assert (about["threads"], about["delegate"]) == (1, None)
    assert len(times["ms"]) == 3
    assert min(times["ms"]) > 0.0


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (FRAME.pack(8, 0) + ZEROS, b"a frame came damaged"),
        (FRAME.pack(8, zlib.crc32(ZEROS)) + ZEROS[:7], b"a frame came damaged"),
        (b"\0\0", b"a frame came damaged"),
        (FRAME.pack(8, zlib.crc32(ZEROS)) + ZEROS, b"a frame of 8 codes, and the model takes "),
    ],
)
def test_the_runner_refuses_a_damaged_frame(short_images: WorkImages, frame: bytes, said: bytes) -> None:
    done = _run_here(short_images.work, frame)
    assert done.returncode == BAD_FRAME
    assert said in done.stderr
    assert len(done.stdout.splitlines()) == 1
