"""The same output columns from every compiler, optimization and sanitizer; the example program; an MCU's compiler."""

import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from asd_edge.compiler.compile_network import compile_graph
from asd_edge.compiler.kernel_choice import Core
from asd_edge.native_engine import load_model, run_image, score_samples
from tests.engine.engine_programs import FOLDERS, SANITIZERS, check_record, compile_program, sources
from tests.engine.small_images import CLIP_SAMPLES, IMAGES
from tests.export.int8_graphs import every_operator
from tests.frontend.frontend_programs import FIRMWARE, WARNINGS, missing, missing_runtime, run_program

FLAGS = (("-O0",), ("-O1",), ("-O2",), ("-O3",), SANITIZERS)
N_WINDOWS = 2


def images() -> Iterator[tuple[bytes, list[NDArray[np.int8]]]]:
    """Small images of every step, and random columns for each of their inputs."""
    rng = np.random.default_rng(11)
    compiled = (compile_graph(every_operator(), core).content for core in Core)
    for image in (*(make() for make in IMAGES.values()), *compiled):
        model = load_model(image)
        inputs = [model.tensors[index] for index in model.inputs]
        n_columns = N_WINDOWS * (inputs[0].n_columns or 20)
        yield (
            image,
            [rng.integers(-128, 128, (n_columns, t.n_mels, t.n_channels)).astype(np.int8) for t in inputs],
        )


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("flags", FLAGS, ids=lambda flags: flags[-1])
def test_every_build_gives_the_same_columns(compiler: str, flags: tuple[str, ...], tmp_path: Path) -> None:
    if reason := missing(compiler) or missing_runtime(compiler, flags):
        pytest.skip(reason)
    given = list(images())
    expected = b"".join(bytes(4) + run_image(image, inputs).output.tobytes() for image, inputs in given)
    program = compile_program("engine_check", compiler, flags, tmp_path)
    assert run_program([program], b"".join(check_record(*pair) for pair in given)) == expected


def test_the_example_scores_each_clip_that_has_a_score_as_the_library_does(tmp_path: Path) -> None:
    """The last one too where the network is late, and those behind silence."""
    if reason := missing("gcc"):
        pytest.skip(reason)
    program = compile_program("score_clip", "gcc", ("-O2",), tmp_path)
    clips = list(np.random.default_rng(12).integers(-9000, 9000, (3, CLIP_SAMPLES)).astype("<i2"))
    for name, given in (
        ("detector", clips),
        ("endless_detector", clips),
        ("late_detector", [clips[0], np.zeros(CLIP_SAMPLES, "<i2"), *clips[1:]]),
    ):
        image = IMAGES[name]()
        record = struct.pack("<I", len(image)) + image + struct.pack("<I", 1) + np.concatenate(given).tobytes()
        scores = np.frombuffer(run_program([program], record), "<i8")
        assert scores.tolist() == score_samples(image, np.concatenate(clips), 1)[0], name
        assert len(scores) >= len(clips)


def test_the_example_fits_in_thirty_lines_of_code() -> None:
    lines = (FIRMWARE / "apps/example/score_clip.c").read_text().split("int main(void)")[1].splitlines()
    assert len([line for line in lines if line.strip(" {}")]) <= 30


def test_a_cortex_m4_compiler_has_no_objection(tmp_path: Path) -> None:
    if reason := missing("arm-none-eabi-gcc"):
        pytest.skip(reason)
    settings = [
        "-std=c99",
        *WARNINGS,
        "-Os",
        "-mcpu=cortex-m4",
        "-mthumb",
        *(f"-I{FIRMWARE / path}" for path in FOLDERS),
    ]
    command = ["arm-none-eabi-gcc", *settings, "-c", *map(str, sources()), str(FIRMWARE / "apps/example/score_clip.c")]
    subprocess.run(command, cwd=tmp_path, check=True)
