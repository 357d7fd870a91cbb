"""The engine: RAM and flash of its plans, time per clip beside LiteRT; random graphs, builds, hostile images counted.

    python -m tests.bench.bench_engine [FUZZ_RUNS]          default: 200,000 runs of the fuzzer

That `reference` and `host` give the same scores over whole test sets is measured by bench_evaluate.
"""

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from asd_edge.backends.tflite_interpreter import TfliteModel
from asd_edge.cli import run
from asd_edge.clip.synthesize.config import SynthConfig
from asd_edge.clip.synthesize.dataset import write_synthetic_dataset
from asd_edge.compiler.check_budget import budget_of
from asd_edge.compiler.compile_network import compile_tflite, compile_work
from asd_edge.compiler.kernel_choice import Core
from asd_edge.compiler.plan_report import PlanReport, plan_report, plan_table, summary_lines
from asd_edge.compiler.read_image import read_image
from asd_edge.export.export_checkpoint import export_checkpoint
from asd_edge.export.work_files import ONNX_FILE, TFLITE_FILE
from asd_edge.export.write_tflite import float_tflite_bytes
from asd_edge.frontend.config import FrontendConfig
from asd_edge.graph.import_onnx import import_onnx
from asd_edge.graph.passes import run_float_passes
from asd_edge.model.checkpoint import shipped_checkpoint
from asd_edge.native_engine import score_samples
from asd_edge.scorer.arcface_log_odds import arcface_log_odds
from asd_edge.scorer.fixed_head import fixed_head, row_distance
from asd_edge.scorer.fixed_log_odds import fixed_log_odds
from tests.bench.write_result import ROOT, write_result
from tests.engine.engine_programs import compile_program
from tests.engine.fuzz_images import run_fuzzer
from tests.scorer.scorer_cases import cases
from tests.scorer.test_fixed_log_odds import is_at_the_jump, length_one

N_TIMED, N_TIMED_PLAIN = 20, 5
N_BUILDS = 10  # gcc and clang, each -O0 to -O3 and sanitized
FINDINGS = ("crash-*", "timeout-*", "oom-*", "leak-*")  # what libFuzzer names the inputs of its findings
FUZZ_RUNS = 200_000
FLOAT32_COSINE = 1 - 5e-7  # nearer to its row the float formula moves with the last bit of float32 rows
FEW = SynthConfig(
    n_train=2, n_test_normal=1, n_test_anomaly=1
)  # clips for a calibration: the plan asks only for shapes


def main(n_fuzz_runs: int) -> None:
    """Print the plans and write tests/bench_results/engine.json."""
    console = Console(width=140)
    values: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_synthetic_dataset(folder / "data", FEW)
        work = folder / "reference"
        export_checkpoint(shipped_checkpoint(), folder / "data", work)
        values |= _reference_plans(work, console)
        values |= _autoencoder_plan(folder, console)
        values |= _milliseconds(work, folder)
        values |= _fuzzed(folder, n_fuzz_runs)
    values["log_odds_error"] = round(_largest_log_odds_error(), 5)
    values |= _random_graphs()
    values |= _builds()
    print(write_result("engine", values), values)


def _report(work: Path, core: Core, is_endless: bool) -> PlanReport:
    return plan_report(read_image(compile_work(work, core, is_endless).content))


def _reference_plans(work: Path, console: Console) -> dict[str, float]:
    values: dict[str, float] = {}
    for core in Core:
        for is_endless in (False, True):
            report, kind = _report(work, core, is_endless), "sliding" if is_endless else "windows"
            name = f"{core.name.lower()}_{kind}"
            values[f"{name}_ram_bytes"] = budget_of(report).total
            values[f"{name}_arena_bytes"] = report.arena_bytes
            values[f"{name}_image_bytes"] = report.image_bytes
            values[f"{name}_worst_hop_macs_over_mean"] = round(report.worst_tick_macs / report.mean_tick_macs, 3)
            console.print(name, *summary_lines(report), budget_of(report), sep="\n")
            if (core, is_endless) == (Core.GENERIC, False):
                console.print(plan_table(report))
    values["greatest_ram_bytes"] = max(value for name, value in values.items() if name.endswith("ram_bytes"))
    values["greatest_image_bytes"] = max(value for name, value in values.items() if name.endswith("image_bytes"))
    return values


def _autoencoder_plan(folder: Path, console: Console) -> dict[str, float]:
    fans, work = str(folder / "data/fan"), str(folder / "autoencoder")
    assert run(["train", fans, "-o", work, "--architecture", "autoencoder", "--epochs", "1"]) == 0
    assert run(["export", "--checkpoint", work, "--calibration", fans, "-o", work]) == 0
    report = _report(Path(work), Core.GENERIC, False)
    network = plan_report(read_image(compile_tflite(Path(work) / TFLITE_FILE, Core.GENERIC).content))
    console.print("autoencoder", plan_table(report), budget_of(report), sep="\n")
    return {
        "autoencoder_engine_bytes": network.arena_bytes,
        "autoencoder_detector_arena_bytes": report.arena_bytes,
        "autoencoder_ram_bytes": budget_of(report).total,
    }


def _milliseconds(work: Path, folder: Path) -> dict[str, float]:
    """Of one clip on one core, front end included for the engine alone; the least of several runs, taken in turns."""
    samples = np.random.default_rng(3).normal(0.0, 3000.0, 160_000).astype(np.int16)
    image = compile_work(work, Core.GENERIC).content
    graph = run_float_passes(import_onnx(work / ONNX_FILE, FrontendConfig().n_frames))
    (folder / "float.tflite").write_bytes(float_tflite_bytes(graph))
    int8, float32 = TfliteModel(work / TFLITE_FILE), TfliteModel(folder / "float.tflite")
    rng = np.random.default_rng(4)
    codes = {name: rng.integers(-128, 128, shape).astype(np.int8) for name, shape in int8.input_shapes.items()}
    reals = {name: rng.normal(size=shape).astype(np.float32) for name, shape in float32.input_shapes.items()}
    runs: dict[str, Callable[[], object]] = {
        "engine": lambda: score_samples(image, samples, 0),
        "litert_int8": lambda: int8.run(codes),
        "litert_float": lambda: float32.run(reals),  # type: ignore[arg-type]
    }
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(N_TIMED):
        for name, invoke in runs.items():
            times[name].append(_seconds(invoke))
    values = {f"{name}_milliseconds": round(1000 * min(found), 1) for name, found in times.items()}
    return values | {"engine_plain_c_milliseconds": round(1000 * _plain_c_seconds(image, samples, folder), 1)}


def _plain_c_seconds(image: bytes, samples: NDArray[np.int16], folder: Path) -> float:
    """The example program by clang -O3, which has no AVX2 copy of any loop; reading its input is included."""
    program = compile_program("score_clip", "clang", ("-O3",), folder)
    given = len(image).to_bytes(4, "little") + image + bytes(4) + samples.tobytes()

    def score() -> object:
        return subprocess.run([program], input=given, check=True, capture_output=True)

    return min(_seconds(score) for _ in range(N_TIMED_PLAIN))


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _fuzzed(folder: Path, n_runs: int) -> dict[str, float]:
    """The fuzzer ends at its first finding, whose input it writes beside its program."""
    found = folder / "found"
    found.mkdir()
    try:
        said, has_failed = run_fuzzer(folder, n_runs, found), False
    except subprocess.CalledProcessError as error:
        said, has_failed = str(error.stderr), True
    n_findings = sum(1 for pattern in FINDINGS for _ in folder.glob(pattern))
    runs = re.findall(r"^(?:Done |#)(\d+)", said, re.MULTILINE)
    if not runs or (has_failed and n_findings == 0):
        raise RuntimeError(f"the fuzzer didn't run:\n{said[-2000:]}")
    return {"fuzz_runs": max(int(n) for n in runs), "fuzz_findings": n_findings}


def _largest_log_odds_error() -> float:
    """Against the float formula on the float32 rows; not where it jumps (cos at cos(pi - m)) or at the row itself."""
    worst = 0.0
    for of_head in cases(seed=1, n_heads=180, per_kind=2):
        first = of_head[0]
        head = fixed_head(first.rows, first.scale, first.margin, first.zero_point)
        rows, distance = length_one(first.rows), row_distance(first.rows, head.rows)
        for case in of_head:
            embedding = case.codes.astype(np.float64) - case.zero_point
            row = rows[case.class_index]
            at_row = float(row @ embedding) > FLOAT32_COSINE * float(np.linalg.norm(embedding))
            if at_row or (case.margin > 0.0 and is_at_the_jump(row, embedding, case.margin, distance)):
                continue
            exact = arcface_log_odds(embedding, case.rows, case.class_index, case.scale, case.margin)
            worst = max(worst, abs(fixed_log_odds(case.codes, head, case.class_index) / 65536 - exact))
    return worst


def _random_graphs() -> dict[str, float]:
    """The test ends at the first graph that differs: of those there is then at least one."""
    outcome = _tests("tests/engine/test_streaming.py")
    values: dict[str, float] = {"random_graphs_differing": outcome.n_failed}
    found = re.search(r"streamed (\d+) of (\d+) random graphs", outcome.said)
    if found is not None:
        streamed, graphs = int(found[1]), int(found[2])
        values |= {"random_graphs": graphs, "random_graphs_streamed_percent": round(100 * streamed / graphs, 1)}
    return values


def _builds() -> dict[str, float]:
    """Each is one test that compares every byte."""
    outcome = _tests("tests/engine/test_every_build.py", "-k", "every_build_gives")
    n_run = outcome.n_passed + outcome.n_failed
    if outcome.n_skipped or n_run != N_BUILDS:
        raise RuntimeError(f"{n_run} of {N_BUILDS} builds were run; install gcc and clang:\n{outcome.said[-2000:]}")
    return {"builds": n_run, "builds_differing": outcome.n_failed}


@dataclass(frozen=True)
class _Outcome:
    """What pytest printed, and what it counted there."""

    said: str
    n_passed: int
    n_failed: int
    n_skipped: int


def _tests(*arguments: str) -> _Outcome:
    """Raises RuntimeError where pytest itself fails: its exit code is neither 0 nor that of failed tests."""
    command = [sys.executable, "-m", "pytest", "-q", "-s", *arguments]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    summary = done.stdout.strip().rpartition("\n")[2]
    passed, failed, skipped = (
        sum(int(n) for n in re.findall(rf"(\d+) {word}", summary)) for word in ("passed", "failed", "skipped")
    )
    if done.returncode not in (0, 1) or (done.returncode == 1) != (failed > 0) or passed + failed == 0:
        raise RuntimeError(f"pytest {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout[-2000:]}")
    return _Outcome(done.stdout, passed, failed, skipped)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else FUZZ_RUNS)
