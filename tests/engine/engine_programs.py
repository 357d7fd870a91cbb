"""Builds the engine's programs, natively with any compiler and flags, and what they read."""

import struct
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.frontend.frontend_programs import FIRMWARE, WARNINGS

SANITIZERS = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
FUZZER = (*SANITIZERS[:2], "-fsanitize=fuzzer,address,undefined", SANITIZERS[3])
PROGRAMS = {
    "engine_check": ("apps/engine/engine_check.c", "boards/host/port.c"),
    "score_clip": ("apps/example/score_clip.c", "boards/host/port.c"),
    "replay": ("apps/fuzz/image_fuzz.c", "apps/fuzz/replay.c", "boards/host/port.c"),
    "image_fuzz": ("apps/fuzz/image_fuzz.c",),
}
WITHOUT_DETECTOR = ("engine_check",)  # front end and scorer have tests like these of their own
DEFINITIONS = ("-DASD_WITH_DSP", "-DASD_WITH_MVE")  # as CMake builds the host library
FOLDERS = ("include", "engine", "kernels", "frontend")


def sources() -> list[Path]:
    """The C of kernels, engine and scorer for a host: the kernels of every core, none in assembly."""
    listed = (FIRMWARE / "CMakeLists.txt").read_text().split()
    found = [FIRMWARE / word for word in listed if word.startswith(("engine/", "scorer/")) and word.endswith(".c")]
    kernels = [path for path in sorted((FIRMWARE / "kernels").glob("*.c")) if not path.stem.endswith("_helium")]
    return [*dict.fromkeys(found), *kernels]


def compile_program(name: str, compiler: str, flags: Iterable[str], folder: Path) -> Path:
    """One of PROGRAMS in C for this machine."""
    program = folder / name
    paths = [*(FIRMWARE / path for path in PROGRAMS[name])]
    if name in WITHOUT_DETECTOR:
        paths += [path for path in sources() if path.parent.name != "scorer" and path.stem != "asd_detector"]
    else:
        paths += [*sources(), *sorted((FIRMWARE / "frontend").glob("*.c"))]
    includes = [f"-I{FIRMWARE / path}" for path in FOLDERS]
    command = [compiler, "-std=c99", *WARNINGS, *flags, *DEFINITIONS, *includes, *map(str, paths), "-o", str(program)]
    subprocess.run(command, check=True)
    return program


def check_record(image: bytes, inputs: Sequence[NDArray[np.int8]]) -> bytes:
    """What engine_check reads: an image and columns (n_columns, n_mels, n_channels) of each of its inputs."""
    n_columns = len(inputs[0])
    columns = b"".join(values[index].tobytes() for index in range(n_columns) for values in inputs)
    return struct.pack("<I", len(image)) + image + struct.pack("<I", n_columns) + columns


def replay_record(images: Iterable[bytes]) -> bytes:
    """What replay reads."""
    return b"".join(struct.pack("<I", len(image)) + image for image in images)
