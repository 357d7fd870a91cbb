"""Plans of random networks keep every column that is still read, for window after window, and say when steps fire."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from asd_edge.compiler.compile_network import CompiledModel, compile_graph
from asd_edge.compiler.fuse import fuse
from asd_edge.compiler.kernel_choice import Core
from asd_edge.compiler.lifetimes import lifetime
from asd_edge.compiler.plan import plan_stream
from asd_edge.compiler.read_image import read_image
from asd_edge.compiler.simulate import PASSES, simulate
from asd_edge.compiler.stream_graph import StepOp
from asd_edge.errors import CompilerError, QuantizationError
from asd_edge.graph.graph import Graph
from tests.compiler.symbolic_run import SymbolicRun
from tests.compiler.toy_graphs import every_shape, residual_tower
from tests.engine.stream_graphs import stream_graphs
from tests.export.int8_graphs import quantized
from tests.graph.small_graphs import float_graphs

N_WINDOWS = 4
QUICK = settings(
    max_examples=70, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


@st.composite
def compiled_models(draw: st.DrawFn) -> CompiledModel:
    """Any network, core and delays; windows, or endless where the network can."""
    try:
        graph = quantized(draw(st.one_of(stream_graphs(), float_graphs())))
    except QuantizationError:
        reject()
    is_endless = draw(st.booleans())
    core = draw(st.sampled_from(Core))
    try:
        outputs = [step.output for step in fuse(graph, is_endless).steps]
        late = draw(st.lists(st.sampled_from(outputs), max_size=4, unique=True))
        return compile_graph(graph, core, is_endless, {name: draw(st.integers(1, 3)) for name in late})
    except CompilerError:
        return compile_graph(graph, core, delays={})


def run_windows(compiled: CompiledModel) -> SymbolicRun:
    """Windows back to back, then ticks until nothing fires."""
    run = SymbolicRun(read_image(compiled.content))
    n_columns = compiled.plan.graph.window_columns
    for _ in range(N_WINDOWS * n_columns):
        run.push()
    for _ in range(sum(compiled.plan.delays.values()) + 1):
        run.run_tick()
    run.check_states()
    return run


@QUICK
@given(compiled_models())
def test_no_column_that_is_still_read_is_overwritten_and_steps_fire_when_simulated(compiled: CompiledModel) -> None:
    run = run_windows(compiled)
    computing = [i for i, step in enumerate(compiled.plan.graph.steps) if step.op != StepOp.STORE]
    for index, fired in zip(computing, compiled.plan.timeline.firings, strict=True):
        found = [tick * PASSES + n_pass for tick, n_pass in run.firings[index]]
        n = min(len(found), len(fired.moments))
        assert n > 0
        assert found[:n] == fired.moments[:n].tolist()


@QUICK
@given(compiled_models())
def test_a_ring_is_no_deeper_than_it_must_be(compiled: CompiledModel) -> None:
    """One column less and a read would miss: so nothing is kept for nothing."""
    plan = compiled.plan
    deep = {name: ring for name, ring in plan.rings.items() if ring.depth > 1}
    for name, ring in deep.items():
        image = read_image(compiled.content)
        tensors = image.tensors.copy()
        tensors["depth"][image.tensor_names.index(name)] = ring.depth - 1
        shallow = SymbolicRun(replace(image, tensors=tensors))
        with pytest.raises(AssertionError):
            push_many(shallow, 2 * N_WINDOWS * plan.graph.window_columns + 8)


def push_many(run: SymbolicRun, n_columns: int) -> None:
    for _ in range(n_columns):
        run.push()


@pytest.mark.parametrize("is_endless", [False, True])
def test_two_columns_per_3x3_layer_suffice_where_the_newest_lies_apart(is_endless: bool) -> None:
    graph = fuse(residual_tower(), is_endless)
    timeline = simulate(graph, {}, is_endless)
    assert timeline.is_steady
    spans = [lifetime(graph, timeline, step.inputs[0]) for step in graph.steps if step.kernel == (3, 3)]
    assert {(span.depth, span.depth_apart) for span in spans} == {(3, 2)}
    plan = plan_stream(graph, {}, is_endless, Core.GENERIC)
    assert {step.output for step in plan.graph.steps if step.op == StepOp.STORE}


def test_delays_that_fall_behind_the_input_are_refused() -> None:
    graph = fuse(residual_tower(), False)
    first = graph.steps[0].output
    with pytest.raises(CompilerError, match="fall behind"):
        plan_stream(graph, {first: 2}, False, Core.GENERIC)


def test_a_network_of_every_shape_says_whether_it_streams() -> None:
    graph: Graph = every_shape()
    assert not fuse(graph, False).is_streamed
    with pytest.raises(CompilerError, match="reshapes time"):
        fuse(graph, True)
