"""The fixed-point front end against float64 (matrix, real clips), its instructions per step and core, its speed."""

import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from asd_edge.clip.read_clip import read_clip
from asd_edge.frontend.config import FrontendConfig
from asd_edge.frontend.decimate import decimator_taps
from asd_edge.frontend.fixed_features import FixedFeatures, fixed_features, fixed_features_numpy
from asd_edge.frontend.log_mel import log_mel
from asd_edge.frontend.wavegram_fir import wavegram_fir
from asd_edge.native import frontend_ram_bytes
from tests.bench.cmsis_dsp_log_mel import cmsis_dsp_log_mel
from tests.bench.write_result import ClipsUsed, data_sha256, write_result
from tests.frontend.every_build import builds, matrix_bytes
from tests.frontend.frontend_programs import (
    BOARDS,
    FIR_SCALE,
    FIR_ZERO_POINT,
    build_for_board,
    missing,
    record,
    reference_fir,
    reference_inputs,
    run_on_board,
)
from tests.frontend.other_log_mel import torch_librosa_log_mel
from tests.frontend.signal_matrix import SIGNALS, Row, left_out, rows
from tests.frontend.signals import SIGNALS as CLIPS

CONFIG = FrontendConfig()
INPUTS, FIR = reference_inputs(), reference_fir()
REFERENCE_SIGNALS = ("noise at -20 dBFS", "full-scale square", "silence", "clicks at the edges")
STEPS = ("window, radix-8", "radix-4", "split, power", "mel", "log", "int8", "FIR", "frame", "timer")
N_RUNS = 16
TICKS_PER_INSTRUCTION = {"mps2-an386": 1.6, "mps2-an500": 1.6, "mps2-an505": 1.28, "mps3-an547": 2.048}
CYCLES_PER_INSTRUCTION = 1.4  # a Cortex-M4 on LDRD-heavy assembly without flash wait states: an estimate
N_TIMED = 20


@dataclass(frozen=True)
class Error:
    """Of one row: dB for the log-Mel, and by how much of its bar the FIR is off."""

    name: str
    rms_db: float
    max_db: float
    fir_of_bar: float
    cmsis_rms_db: float | None


def main() -> None:
    """Print the tables and write tests/bench_results/frontend.json."""
    console = Console(width=120)
    matrix = [_error(row, with_cmsis=True) for row in rows()]
    console.print(_error_table("signal, peak level", matrix))
    console.print(f"{len(matrix)} rows of {len(SIGNALS)} signals; left out: " + "; ".join(map(": ".join, left_out())))
    values = _worst("matrix", matrix)
    values["silence_off_minus_80_db"] = next(error.max_db for error in matrix if error.name == "silence")
    values["float_reference_db"] = max(_float_reference_db(CLIPS[name]) for name in REFERENCE_SIGNALS)
    clips: list[Error] = []
    used = None
    if root := os.environ.get("ASD_EDGE_MIMII"):
        clips = [_error(row, with_cmsis=False) for row in _mimii_rows(Path(root))]
        values |= _worst("mimii", clips)
        console.print(_error_table("the five clips with the largest error", sorted(clips, key=_by_max)[-5:]))
        used = ClipsUsed(len(clips), len(clips), data_sha256(Path(root)))
    values["worst_fir_of_bar"] = max(error.fir_of_bar for error in (*matrix, *clips))
    values |= _same_bytes(console)
    values |= _decimator()
    values |= _instructions(console)
    noise = next(row.samples for row in rows() if row.signal == "white noise")
    values["host_ms_per_clip"] = _best_ms(fixed_features, noise)
    values["numpy_s_per_clip"] = _best_ms(fixed_features_numpy, noise) / 1000.0
    values["ram_bytes"] = frontend_ram_bytes()
    rounded = {name: float(f"{value:.4g}") if value < 1000 else round(value) for name, value in values.items()}
    console.print(write_result("frontend", rounded, used), rounded)


def _error(row: Row, with_cmsis: bool) -> Error:
    features = fixed_features(row.samples, CONFIG, INPUTS)
    exact = log_mel(row.samples, CONFIG)
    error = features.log_mel / 256.0 - exact
    cmsis = _rms(cmsis_dsp_log_mel(row.samples, CONFIG) - exact) if with_cmsis else None
    return Error(row.name, _rms(error), float(np.abs(error).max()), _fir_of_bar(row.samples, features), cmsis)


def _fir_of_bar(samples: NDArray[np.int16], features: FixedFeatures) -> float:
    """|code - float64 with the taps as trained| over half a step + 2^-15 of full scale (the sum of |taps|)."""
    assert features.fir_codes is not None
    exact = wavegram_fir(samples, FIR.taps, FIR.bias, CONFIG)
    codes = features.fir_codes.astype(np.float64) - FIR_ZERO_POINT
    error = np.abs(codes * FIR_SCALE - np.minimum(exact, 255.0 * FIR_SCALE))
    return float(error.max() / (0.5 * FIR_SCALE + 2.0**-15 * np.abs(FIR.taps).sum()))


def _float_reference_db(samples: NDArray[np.int16]) -> float:
    """By how much the float64 reference differs from torch.stft and librosa's mel matrix, at most."""
    return float(np.abs(log_mel(samples, CONFIG) - torch_librosa_log_mel(samples, CONFIG)).max())


def _same_bytes(console: Console) -> dict[str, float]:
    """Bytes in which the frames of any build differ from the twin's, over the matrix and clips at the rails."""
    given, expected = matrix_bytes()
    differing, names = 0, []
    for name, reason, run in builds():
        if reason is not None:
            console.print(f"{name} left out: {reason}")
            continue
        with tempfile.TemporaryDirectory() as folder:
            found = run("frontend_check", given, Path(folder))
        together = min(len(found), len(expected))
        differing += abs(len(found) - len(expected)) + int(
            np.count_nonzero(np.frombuffer(found[:together], np.uint8) != np.frombuffer(expected[:together], np.uint8))
        )
        names.append(name)
    console.print(f"{len(expected)} bytes of frames, {differing} differ over {len(names)} builds: {', '.join(names)}")
    return {"builds": float(len(names)), "builds_differing_bytes": float(differing)}


def _decimator() -> dict[str, float]:
    """Response of the integer taps: ripple up to 7.2 kHz, and by how much what lies above 8 kHz is stopped."""
    response = np.abs(np.fft.rfft(decimator_taps() / 2.0**16, 1 << 16))
    frequency_hz = np.arange(response.size) * 48_000 / (1 << 16)
    response_db = 20.0 * np.log10(np.maximum(response, 1e-12))
    return {
        "decimator_ripple_db": float(np.abs(response_db[frequency_hz <= 7200]).max()),
        "decimator_stop_band_db": float(-response_db[frequency_hz >= 8000].max()),
    }


def _instructions(console: Console) -> dict[str, float]:
    """Exact instructions of one frame by step and core, empty where QEMU or the compiler is missing."""
    if reason := missing("cmake", "arm-none-eabi-gcc", "qemu-system-arm"):
        console.print(f"no instruction counts: {reason}")
        return {}
    samples = np.rint(np.random.default_rng(0).normal(0, 3000, 512 * (N_RUNS + 2))).astype(np.int16)
    table = Table("core", *STEPS[:-1], "cycles, estimated", title="instructions per frame")
    values = {}
    for board, core in BOARDS.items():
        with tempfile.TemporaryDirectory() as folder:
            image = build_for_board(board, Path(folder) / "build") / "frontend_bench"
            output = run_on_board(board, image, record(samples, 512, INPUTS), Path(folder))
        counts = np.frombuffer(output, "<u4") / TICKS_PER_INSTRUCTION[board] / N_RUNS
        counts = np.rint(counts[:-1] - counts[-1]).astype(int)  # without reading the timer
        estimate = f"{counts[-1] * CYCLES_PER_INSTRUCTION:.0f}" if core == "Cortex-M4" else "-"
        table.add_row(core, *(f"{count}" for count in counts), estimate)
        values[f"instructions_{core.removeprefix('Cortex-').lower()}"] = float(counts[-1])
    console.print(table)
    return values


def _best_ms(features_of: Callable[..., FixedFeatures], samples: NDArray[np.int16]) -> float:
    """Of twenty runs the shortest: the least disturbed."""
    durations = []
    for _ in range(N_TIMED):
        start = time.perf_counter()
        features_of(samples, CONFIG, INPUTS)
        durations.append(time.perf_counter() - start)
    return 1000.0 * min(durations)


def _mimii_rows(root: Path) -> Iterator[Row]:
    for path in sorted(root.rglob("*.flac")):
        yield Row(path.relative_to(root).as_posix(), None, read_clip(path))


def _worst(name: str, errors: Iterable[Error]) -> dict[str, float]:
    listed = list(errors)
    return {
        f"{name}_rows": float(len(listed)),
        f"{name}_worst_rms_db": max(error.rms_db for error in listed),
        f"{name}_worst_max_db": max(error.max_db for error in listed),
    }


def _error_table(title: str, errors: Iterable[Error]) -> Table:
    table = Table(title, "rms dB", "max dB", "FIR error / bar", "CMSIS-DSP q31, rms dB")
    for error in errors:
        cmsis = "-" if error.cmsis_rms_db is None else f"{error.cmsis_rms_db:.3f}"
        table.add_row(error.name, f"{error.rms_db:.5f}", f"{error.max_db:.4f}", f"{error.fir_of_bar:.3f}", cmsis)
    return table


def _rms(error: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(error**2)))


def _by_max(error: Error) -> float:
    return error.max_db


if __name__ == "__main__":
    main()
