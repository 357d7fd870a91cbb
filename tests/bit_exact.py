"""Counts the bytes in which the reference interpreter and LiteRT's reference kernels differ, tensor by tensor.

LiteRT's `BUILTIN_REF` resolver has no ELU: the graph is cut there, each ELU runs alone on LiteRT's plain kernel, and
every piece starts from the activations that the reference interpreter gave.
"""

from collections.abc import Iterator, Mapping

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from asd_edge.export.write_tflite import tflite_bytes
from asd_edge.graph.graph import Graph
from asd_edge.graph.ops import Elu, Op
from quantization.interpret_int8 import run_int8

Int8Array = NDArray[np.int8]


def pieces(graph: Graph) -> Iterator[Graph]:
    """The int8 graph cut before and after each ELU, as graphs of their own in execution order."""
    run: list[Op] = []
    for op in graph.ops:
        if isinstance(op, Elu):
            if run:
                yield piece(graph, tuple(run))
            yield piece(graph, (op,))
            run = []
        else:
            run.append(op)
    if run:
        yield piece(graph, tuple(run))


def piece(graph: Graph, ops: tuple[Op, ...]) -> Graph:
    """Some operators of a graph: inputs are the activations that others give them, outputs those that others read."""
    made = {op.output for op in ops}
    read = dict.fromkeys(name for op in ops for name in op.inputs)
    inputs = tuple(name for name in read if name not in made and graph.tensors[name].values is None)
    outputs = tuple(
        op.output
        for op in ops
        if op.output in graph.outputs or any(reader not in ops for reader in graph.consumers(op.output))
    )
    tensors = {name: tensor for name, tensor in graph.tensors.items() if name in made or name in read}
    return Graph(tensors, ops, inputs, outputs)


def differing_bytes(graph: Graph, inputs: Mapping[str, Int8Array]) -> dict[str, int]:
    """Each operator's output -> how many of its bytes differ between the reference interpreter and LiteRT."""
    reference = run_int8(graph, inputs)
    differing: dict[str, int] = {}
    for part in pieces(graph):
        is_elu = isinstance(part.ops[0], Elu)
        resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES if is_elu else OpResolverType.BUILTIN_REF
        litert = run_litert(tflite_bytes(part), {name: reference[name] for name in part.inputs}, resolver)
        for op in part.ops:
            differing[op.output] = int(np.count_nonzero(litert[op.output] != reference[op.output]))
    return differing


def run_litert(
    content: bytes, inputs: Mapping[str, Int8Array], resolver: OpResolverType, keeps_all: bool = True
) -> dict[str, NDArray[np.generic]]:
    """Tensors of a .tflite file after one run under LiteRT, by name: all, weights included, or the outputs only."""
    interpreter = Interpreter(
        model_content=content,
        experimental_op_resolver_type=resolver,
        experimental_preserve_all_tensors=keeps_all,
        num_threads=1,
    )
    interpreter.allocate_tensors()
    for detail in interpreter.get_input_details():
        interpreter.set_tensor(detail["index"], inputs[detail["name"]])
    interpreter.invoke()
    details = interpreter.get_tensor_details() if keeps_all else interpreter.get_output_details()
    return {detail["name"]: interpreter.get_tensor(detail["index"]) for detail in details if detail["name"]}
