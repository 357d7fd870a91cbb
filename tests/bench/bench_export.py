"""`asd-edge export` of the shipped checkpoint, timed as a user runs it, and its model.tflite judged by other programs.

The calibration set is made here: normal training clips of every synthetic machine, as many as export uses at most.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from asd_edge.clip.synthesize.config import MACHINE_IDS, SynthConfig
from asd_edge.clip.synthesize.dataset import write_synthetic_dataset
from asd_edge.export.read_tflite import read_tflite
from quantization.recipe import CALIBRATION_CLIPS
from tests.bench.write_result import ClipsUsed, data_sha256, write_result
from tests.oracles import TFLITE_RUNTIME_PYTHON, run_tflite_runtime, vela_cpu_operators, vela_program
from tests.tflite_contents import tflite_contents


def main(checkpoint: Path | None) -> None:
    """Write tests/bench_results/export.json for the shipped checkpoint, or print the values for another one."""
    program = Path(sys.executable).with_name("asd-edge")
    n_machines = sum(len(ids) for ids in MACHINE_IDS.values())
    with tempfile.TemporaryDirectory() as folder:
        data, work = Path(folder) / "data", Path(folder) / "work"
        config = SynthConfig(n_train=-(-CALIBRATION_CLIPS // n_machines), n_test_normal=0, n_test_anomaly=0)
        write_synthetic_dataset(data, config)
        command = [str(program), "export", "--calibration", str(data), "-o", str(work)]
        start = time.perf_counter()
        subprocess.run([*command, *(["--checkpoint", str(checkpoint)] if checkpoint else [])], check=True)
        seconds = time.perf_counter() - start
        values = {**_measure(work), "seconds": round(seconds, 1)}
        record = json.loads((work / "export.json").read_text())["calibration"]
        clips = ClipsUsed(record["clips_used"], record["clips_available"], data_sha256(data))
    if checkpoint is None:
        print(write_result("export", values, clips))
    print(values)


def _measure(work: Path) -> dict[str, float]:
    """Every bar's value but the time. Raises RuntimeError where Vela or tflite-runtime is missing: no value then."""
    model = work / "model.tflite"
    record, contents = json.loads((work / "export.json").read_text()), tflite_contents(model)
    vela = vela_program()
    if vela is None or not TFLITE_RUNTIME_PYTHON.exists():
        raise RuntimeError("Vela or tflite-runtime is not installed; make install installs both")
    graph = read_tflite(model)
    inputs = {name: np.zeros(graph.tensors[name].shape, np.int8) for name in graph.inputs}
    output = run_tflite_runtime(model, inputs)
    return {
        "onnx_torch_max_abs_difference": record["checks"]["onnx_torch"]["max_abs_difference"],
        "graph_torch_max_abs_difference": record["checks"]["graph_torch_distinct_constants"]["max_abs_difference"],
        "tflite_bytes": model.stat().st_size,
        "tflite_conversion_operators": contents.n_conversions,
        "tflite_pad_operators": contents.operators["PAD"],
        "tflite_float_tensors": len(contents.other_tensors),
        "vela_cpu_operators": vela_cpu_operators(vela, model),
        "tflite_runtime_runs": int(output.shape == graph.tensors[graph.outputs[0]].shape),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
