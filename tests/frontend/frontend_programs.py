"""Builds the front end's check and bench programs and runs them: natively, on QEMU's boards, under qemu-user."""

import shutil
import struct
import subprocess
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asd_edge.frontend.fixed_features import FixedFeatures, FixedInputs
from asd_edge.frontend.fixed_fir import quantize_fir
from asd_edge.frontend.fixed_quantize import CodeScale, code_scale
from asd_edge.frontend.wavegram_fir import FirTaps

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"
SETUP = "`make setup-emulation` installs it"
BOARDS = {"mps2-an386": "Cortex-M4", "mps2-an500": "Cortex-M7", "mps2-an505": "Cortex-M33", "mps3-an547": "Cortex-M55"}
EMULATOR = "qemu-system-arm"
FIR_SCALE, FIR_ZERO_POINT = 0.00271, -128
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Wmissing-prototypes", "-Werror")


def missing(*programs: str) -> str | None:
    """Why a test that needs these programs is skipped, or None."""
    absent = [program for program in programs if shutil.which(program) is None]
    return f"{', '.join(absent)} not found; {SETUP}" if absent else None


def missing_runtime(compiler: str, flags: Iterable[str]) -> str | None:
    """Why programs with these flags can't be linked (a sanitizer's library is a package of its own), or None."""
    command = [compiler, *flags, "-x", "c", "-", "-o", "/dev/null"]
    linked = subprocess.run(command, input=b"int main(void) { return 0; }", capture_output=True)
    return None if linked.returncode == 0 else f"{compiler} can't link {' '.join(flags)}; {SETUP}"


def reference_inputs() -> FixedInputs:
    """Scales and the filter of `reference_fir`, as a trained model has them."""
    fir = quantize_fir(reference_fir())
    return FixedInputs(code_scale(1 / 256, 0.3647, 90), code_scale(fir.unit, FIR_SCALE, FIR_ZERO_POINT), fir)


def reference_fir() -> FirTaps:
    """The filter in float64, before it becomes integers."""
    return FirTaps(np.random.default_rng(11).uniform(-1 / 32, 1 / 32, 1024), 0.0125)


def record(samples: NDArray[np.int16], chunk_length: int, inputs: FixedInputs) -> bytes:
    """frontend_record and the samples, for the programs."""
    assert inputs.fir is not None
    assert inputs.fir_scale is not None
    return b"".join(
        (
            struct.pack("<4I", samples.size, chunk_length, 1, 0),
            _scale(inputs.log_mel_scale),
            _scale(inputs.fir_scale),
            struct.pack("<q", inputs.fir.bias),
            inputs.fir.high.astype("<i2").tobytes(),
            inputs.fir.low.astype("<i2").tobytes(),
            samples.astype("<i2").tobytes(),
        )
    )


def frame_bytes(features: FixedFeatures) -> bytes:
    """What frontend_check writes for a clip."""
    assert features.fir is not None
    assert features.fir_codes is not None
    columns = (
        _bytes(features.log_mel, "<i2"),
        _bytes(features.log_mel_codes, "i1"),
        _bytes(features.fir, "<i8"),
        _bytes(features.fir_codes, "i1"),
    )
    return np.concatenate(columns, axis=1).tobytes()


def compile_check(name: str, compiler: str, flags: Iterable[str], folder: Path) -> Path:
    """frontend_check or microphone_check for this machine in plain C with these flags."""
    program = folder / name
    sources = [
        *sorted((FIRMWARE / "frontend").glob("*.c")),
        FIRMWARE / f"apps/frontend/{name}.c",
        FIRMWARE / "boards/host/port.c",
    ]
    paths = [f"-I{FIRMWARE / 'include'}", *map(str, sources), "-o", str(program)]
    command = [compiler, "-std=c99", *WARNINGS, *flags, *paths]
    subprocess.run(command, check=True)
    return program


def build_for_board(board: str, folder: Path) -> Path:
    """The folder of a board's images, built by CMake."""
    settings = [f"-DASD_BOARD={board}", f"-DCMAKE_TOOLCHAIN_FILE={FIRMWARE / 'boards/cortex-m/toolchain.cmake'}"]
    return _build(folder, settings)


def build_for_aarch64(folder: Path) -> Path:
    """The folder of the static 64-bit Arm programs."""
    return _build(folder, [f"-DCMAKE_TOOLCHAIN_FILE={FIRMWARE / 'boards/aarch64-linux.cmake'}"])


def run_on_board(board: str, image: Path, given: bytes, folder: Path) -> bytes:
    """The output of an image on QEMU's board, instructions counted by its timer (-icount shift=6)."""
    (folder / "input.bin").write_bytes(given)
    command = [EMULATOR, "-M", board, "-icount", "shift=6", "-nographic", "-monitor", "none", "-serial", "none"]
    command += ["-semihosting-config", "enable=on,target=native", "-kernel", str(image)]
    subprocess.run(command, cwd=folder, check=True, timeout=300)
    return (folder / "output.bin").read_bytes()


def run_program(command: list[str | Path], given: bytes) -> bytes:
    """The output of a program that reads standard input."""
    return subprocess.run(command, input=given, stdout=subprocess.PIPE, check=True, timeout=300).stdout


def _bytes(values: NDArray[np.integer], dtype: str) -> NDArray[np.uint8]:
    """(n_frames, bytes of a frame)"""
    return np.frombuffer(values.astype(dtype).tobytes(), np.uint8).reshape(len(values), -1)


def _build(folder: Path, settings: list[str]) -> Path:
    configure = ["cmake", "-S", str(FIRMWARE), "-B", str(folder), *settings]
    subprocess.run(configure, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", str(folder)], check=True, stdout=subprocess.DEVNULL)
    return folder


def _scale(scale: CodeScale) -> bytes:
    return struct.pack("<q4i", scale.limit, scale.multiplier, scale.shift, scale.zero_point, scale.pre_shift)
