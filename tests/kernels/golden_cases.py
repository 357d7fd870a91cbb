"""Records with the outputs of LiteRT's reference kernels, as tests/golden/asd_<op>_s8/cases.json holds them.

`python -m tests.kernels.golden_cases` writes them anew: only when a kernel is added, never so that a test passes.
"""

import json
import math
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import OpResolverType
from numpy.typing import NDArray

from asd_edge.errors import GraphError
from asd_edge.export.write_tflite import tflite_bytes
from asd_edge.graph.ops import Elu
from quantization.factors import Factor
from tests.bit_exact import run_litert
from tests.kernels.kernel_cases import cases
from tests.kernels.kernel_records import OpCode, Record, Sums, records

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
GENERATOR = "tests.kernels.golden_cases from the graphs of tests.kernels.kernel_cases under LiteRT's BUILTIN_REF"
SEEDS = "numpy.random.default_rng, the seeds in kernel_cases.cases()"
MOST_CASES, MOST_VALUES = 3, 600  # of a kernel; of a case


def path_of(op: OpCode) -> Path:
    return GOLDEN / f"asd_{op.name.lower()}_s8" / "cases.json"


def read_golden(op: OpCode) -> list[tuple[Record, bytes]]:
    """Records of one kernel with the output of each."""
    content = json.loads(path_of(op).read_text())
    return [(_record(case), np.array(case["output"], np.int8).tobytes()) for case in content["cases"]]


def write_golden() -> None:
    """The first small cases of every kernel."""
    found: dict[OpCode, list[dict[str, Any]]] = defaultdict(list)
    for graph, inputs in cases():
        if any(isinstance(op, Elu) for op in graph.ops):
            continue  # BUILTIN_REF has none
        try:
            content = tflite_bytes(graph)
        except GraphError:
            continue  # padding that is neither SAME nor VALID
        output = run_litert(content, inputs, OpResolverType.BUILTIN_REF)[graph.ops[-1].output]
        for record in records(graph, inputs):
            if len(found[record.op]) < MOST_CASES and _n_values(record) <= MOST_VALUES:
                found[record.op].append(_as_json(record, output))
    for op, kept in found.items():
        path_of(op).parent.mkdir(exist_ok=True)
        header = {
            "generator": GENERATOR,
            "ai-edge-litert": version("ai-edge-litert"),
            "numpy": np.__version__,
            "seed": SEEDS,
        }
        lines = [f'"{key}": {json.dumps(value)}' for key, value in header.items()]
        body = ",\n".join(json.dumps(case) for case in kept)
        path_of(op).write_text("{\n" + ",\n".join(lines) + ',\n"cases": [\n' + body + "\n]}\n")


def _n_values(record: Record) -> int:
    n_weights = 0 if record.sums is None else record.sums.weights.size
    return sum(x.size for x in record.inputs) + n_weights + math.prod(record.output_shape) + len(record.table) // 4


def _as_json(record: Record, output: NDArray[np.generic]) -> dict[str, Any]:
    return {
        "op": record.op.name,
        "input_shapes": [x.shape for x in record.inputs],
        "output_shape": record.output_shape,
        "kernel": record.kernel,
        "stride": record.stride,
        "pads": record.pads,
        "input_zero_points": record.input_zero_points,
        "zero_point": record.zero_point,
        "prelu_zero_point": record.prelu_zero_point,
        "bounds": record.bounds,
        "activation": record.activation,
        "factors": record.factors,
        "is_rounded_once": record.sums is not None and record.sums.multipliers.dtype == np.int64,
        "sums": None if record.sums is None else [_flat(part) for part in _parts(record.sums)],
        "table": list(record.table),
        "inputs": [_flat(x) for x in record.inputs],
        "output": _flat(output),
    }


def _parts(sums: Sums) -> tuple[NDArray[np.generic], ...]:
    return sums.weights, sums.bias, sums.multipliers, sums.shifts


def _flat(values: NDArray[np.generic]) -> list[int]:
    return [int(value) for value in values.ravel()]


def _record(case: dict[str, Any]) -> Record:
    inputs = zip(case["inputs"], case["input_shapes"], strict=True)
    sums = None
    if case["sums"] is not None:
        weights, bias, multipliers, shifts = case["sums"]
        wide = np.array(multipliers, np.int64)
        sums = Sums(
            np.array(weights, np.int8),
            np.array(bias, np.int32),
            wide if case["is_rounded_once"] else wide.astype(np.int32),
            np.array(shifts, np.int32),
        )
    return Record(
        OpCode[case["op"]],
        tuple(np.array(values, np.int8).reshape(shape) for values, shape in inputs),
        tuple(case["output_shape"]),
        tuple(case["kernel"]),
        tuple(case["stride"]),
        tuple(case["pads"]),
        tuple(case["input_zero_points"]),
        case["zero_point"],
        case["prelu_zero_point"],
        tuple(case["bounds"]),
        case["activation"],
        tuple(Factor(*factor) for factor in case["factors"]),
        sums,
        bytes(case["table"]),
    )


if __name__ == "__main__":
    write_golden()
