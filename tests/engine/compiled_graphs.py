"""Random float graphs -> int8 graphs -> images for any core, some steps late."""

from hypothesis import reject
from hypothesis import strategies as st

from asd_edge.compiler.compile_network import CompiledModel, compile_graph
from asd_edge.compiler.fuse import fuse
from asd_edge.compiler.kernel_choice import Core
from asd_edge.errors import CompilerError, QuantizationError
from asd_edge.graph.graph import Graph
from tests.export.int8_graphs import quantized


def quantized_or_rejected(float_graph: Graph) -> Graph:
    """A sigmoid that shares its scale with other values has no int8 form: not a graph to stream."""
    try:
        return quantized(float_graph)
    except QuantizationError:
        reject()


def compiled_somehow(graph: Graph, data: st.DataObject, is_endless: bool = False) -> CompiledModel:
    """For any core, and some steps a tick or two late where the stream still keeps up."""
    outputs = [step.output for step in fuse(graph, is_endless).steps]
    late = data.draw(st.lists(st.sampled_from(outputs), max_size=3, unique=True))
    core = data.draw(st.sampled_from(Core))
    try:
        return compile_graph(graph, core, is_endless, {name: data.draw(st.integers(1, 2)) for name in late})
    except CompilerError:
        return compile_graph(graph, core, is_endless, delays={})
