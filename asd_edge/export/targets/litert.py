"""LiteRT on this machine: partitions of its XNNPACK delegate, operators outside it, milliseconds of int8 and float."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from asd_edge.export.quiet_runtime import quiet_runtime
from asd_edge.export.targets.report import OffOperator, Verdict

N_TIMED = 15
_DELEGATE = "DELEGATE"


def ask_litert(int8_model: bytes, float_model: bytes) -> Verdict:
    """One thread, both models in turns; milliseconds are the thread's own, the least of N_TIMED runs.

    Time that other programs take doesn't count, so that a busy machine tells the two apart as well as an idle one.
    """
    with quiet_runtime():
        interpreters = {"int8_ms": _loaded(int8_model), "float_ms": _loaded(float_model)}
    operators = interpreters["int8_ms"]._get_ops_details()
    outside = operators_outside(operators)
    n_operators = sum(operator["op_name"] != _DELEGATE for operator in operators)
    milliseconds = _least_ms(interpreters)
    return Verdict(
        f"ai-edge-litert {version('ai-edge-litert')} with XNNPACK",
        n_operators - len(outside),
        tuple(
            OffOperator(name, count, "XNNPACK has no int8 form of it; a kernel of LiteRT's own runs")
            for name, count in Counter(outside).items()
        ),
        {"partitions": len(operators) - n_operators, **{name: round(ms, 2) for name, ms in milliseconds.items()}},
    )


def operators_outside(operators: Sequence[Mapping[str, Any]]) -> list[str]:
    """The operators that no delegate runs, by name, in the order of the file.

    The interpreter lists those of the file and then each partition with what goes in and comes out: inside are the
    operators between, found backwards from a partition's outputs up to its inputs.
    """
    of_file = [operator for operator in operators if operator["op_name"] != _DELEGATE]
    writer = {int(tensor): index for index, operator in enumerate(of_file) for tensor in operator["outputs"]}
    inside: set[int] = set()
    for partition in operators:
        if partition["op_name"] != _DELEGATE:
            continue
        given = {int(tensor) for tensor in partition["inputs"]}
        wanted = [int(tensor) for tensor in partition["outputs"]]
        while wanted:
            tensor = wanted.pop()
            if tensor in given or tensor not in writer or writer[tensor] in inside:
                continue
            inside.add(writer[tensor])
            wanted += [int(source) for source in of_file[writer[tensor]]["inputs"]]
    return [str(operator["op_name"]) for index, operator in enumerate(of_file) if index not in inside]


def _loaded(model: bytes) -> Any:
    interpreter = Interpreter(model_content=model, num_threads=1)
    interpreter.allocate_tensors()
    for detail in interpreter.get_input_details():
        interpreter.set_tensor(detail["index"], np.zeros(detail["shape"], detail["dtype"]))
    return interpreter


def _least_ms(interpreters: Mapping[str, Any]) -> dict[str, float]:
    least = dict.fromkeys(interpreters, float("inf"))
    for _ in range(N_TIMED):
        for name, interpreter in interpreters.items():
            start = time.thread_time()
            interpreter.invoke()
            least[name] = min(least[name], 1000 * (time.thread_time() - start))
    return least
