"""int8 Graph -> `StreamGraph`: one step per kernel call, tensors that vanish inside a step removed.

Pads and flattenings go into the convolution behind them; functions of one code become tables, behind the rescaling of
the convolution before them where that is possible; a table that only clamps becomes the clamp of the step before.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from asd_edge.compiler.lower_op import Window, is_legal_padding, lower_op, lower_weighted_sum, prelu_slopes, shape_of
from asd_edge.compiler.one_code_functions import MOST_TABLE_BYTES, as_clamp, is_one_code_function, table_of
from asd_edge.compiler.stream_graph import (
    CLAMPING,
    CONVOLUTIONS,
    StepActivation,
    StepOp,
    StreamGraph,
    StreamStep,
    StreamTensor,
)
from asd_edge.compiler.swap_reshapes import swap_reshapes
from asd_edge.errors import CompilerError
from asd_edge.graph.graph import Graph, with_ops
from asd_edge.graph.ops import Concat, Conv2D, DepthwiseConv2D, FullyConnected, Op, Pad, Padding, PRelu, Reshape
from quantization.factors import prelu_factors, scale_and_zero_point

MOST_INPUTS = 2  # ASD_MAX_INPUTS
MOST_CONCATENATED = 4  # ASD_MAX_STEP_INPUTS
MOST_ENDLESS_STRIDE = 1024  # ASD_MAX_ENDLESS_STRIDE
MOST_SOFTMAX_CHANNELS = 511  # their sum fits the kernel's


def fuse(graph: Graph, is_endless: bool = False) -> StreamGraph:
    """The network of an int8 graph as steps. `is_endless`: for a stream without end instead of windows.

    Raises CompilerError for a network that no image can hold.
    """
    _check_ends(graph)
    live = swap_reshapes(_split_concats(_without_dead_ops(graph)))
    fuser = _Fuser(live, is_endless)
    for op in live.ops:
        fuser.append(op)
    steps = tuple(fuser.steps.values())
    used = {*live.inputs, *(step.output for step in steps)}
    tensors = {name: stream_tensor(live, name) for name in live.activations() if name in used}
    for step in steps:
        _check_limits(step, tensors[step.output], is_endless)
    return StreamGraph(tensors, steps, live.inputs, live.outputs[0])


def stream_tensor(graph: Graph, name: str) -> StreamTensor:
    """An activation of the graph as columns."""
    scale, zero_point = scale_and_zero_point(graph, name)
    return StreamTensor(name, *shape_of(graph, name), float(scale), zero_point)


def _check_limits(step: StreamStep, output: StreamTensor, is_endless: bool) -> None:
    if is_endless and step.stride[0] > MOST_ENDLESS_STRIDE:
        raise CompilerError(
            f"{step.output}: stride {step.stride[0]}, a stream without end has at most {MOST_ENDLESS_STRIDE}; "
            "compile windows"
        )
    if step.op == StepOp.SOFTMAX and output.n_channels > MOST_SOFTMAX_CHANNELS:
        raise CompilerError(
            f"{step.output}: softmax over {output.n_channels} channels, an image's has at most "
            f"{MOST_SOFTMAX_CHANNELS}; end the network before it"
        )


def _check_ends(graph: Graph) -> None:
    if len(graph.outputs) != 1 or not 1 <= len(graph.inputs) <= MOST_INPUTS:
        raise CompilerError(
            f"{len(graph.inputs)} inputs and {len(graph.outputs)} outputs; an image has one output and at most "
            f"{MOST_INPUTS} inputs: cut the network"
        )
    lengths = {shape_of(graph, name)[0] for name in graph.inputs}
    if len(lengths) > 1:
        raise CompilerError(f"the inputs have {sorted(lengths)} columns; they have to run side by side in time")
    if graph.outputs[0] in graph.inputs:
        raise CompilerError("the output is an input; an image needs at least one operator")


def _without_dead_ops(graph: Graph) -> Graph:
    needed = set(graph.outputs)
    for op in reversed(graph.ops):
        if op.output in needed:
            needed.update(op.inputs)
    return with_ops(graph, tuple(op for op in graph.ops if op.output in needed))


def _split_concats(graph: Graph) -> Graph:
    """A concatenation of more tensors than a step takes becomes several, one behind the other."""
    for op in graph.ops:
        if isinstance(op, Concat) and len(op.inputs) > MOST_CONCATENATED:
            first, rest = op.inputs[:MOST_CONCATENATED], op.inputs[MOST_CONCATENATED:]
            output = graph.tensors[op.output]
            shape = (*output.shape[:3], sum(graph.tensors[name].shape[3] for name in first))
            part = replace(output, name=f"{output.name}/of {len(rest) + 1}", shape=shape)
            pair = (Concat(first, part.name), Concat((part.name, *rest), op.output))
            ops = [new for old in graph.ops for new in (pair if old is op else (old,))]
            return _split_concats(with_ops(graph, tuple(ops), (part,)))
    return graph


@dataclass
class _Fuser:
    """Steps so far by the tensor that they write, and tensors that vanished into the steps behind them."""

    graph: Graph
    is_endless: bool
    steps: dict[str, StreamStep] = field(default_factory=dict)
    pads: dict[str, Pad] = field(default_factory=dict)
    flattenings: dict[str, Reshape] = field(default_factory=dict)
    fused: set[str] = field(default_factory=set)  # outputs of operators inside a chain

    def append(self, op: Op) -> None:
        """The next operator of the graph."""
        if op.output in self.fused:
            return
        if isinstance(op, Pad) and self._vanishes(op):
            self.pads[op.output] = op
        elif isinstance(op, Reshape) and self._is_flattening(op):
            self.flattenings[op.output] = op
        elif is_one_code_function(self.graph, op) and self._append_chain(op):
            return
        elif isinstance(op, PRelu):
            self._append_prelu(op)
        elif isinstance(op, Conv2D | DepthwiseConv2D | FullyConnected):
            self._append_weighted_sum(op)
        else:
            self._add(lower_op(self.graph, op, self.is_endless))

    def _add(self, step: StreamStep) -> None:
        self.steps[step.output] = step

    def _vanishes(self, op: Pad) -> bool:
        consumers = self.graph.consumers(op.output)
        return op.output not in self.graph.outputs and all(
            isinstance(consumer, Conv2D | DepthwiseConv2D)
            and not is_one_code_function(self.graph, consumer)
            and is_legal_padding(shape_of(self.graph, op.inputs[0])[:2], self._joined(op, consumer))
            for consumer in consumers
        )

    def _joined(self, pad: Pad, op: Conv2D | DepthwiseConv2D) -> Window:
        kernel = self.graph.tensors[op.inputs[1]].shape[1:3]
        added, own = pad.padding, op.padding
        padding = Padding(
            added.time_before + own.time_before,
            added.time_after + own.time_after,
            added.mel_before + own.mel_before,
            added.mel_after + own.mel_after,
        )
        return Window(pad.inputs[0], (kernel[0], kernel[1]), op.stride, padding)

    def _is_flattening(self, op: Reshape) -> bool:
        """Whether only fully connected layers, also those that are written as convolutions, read what it gives."""
        consumers = self.graph.consumers(op.output)
        is_vector = shape_of(self.graph, op.output)[:2] == (1, 1)
        return op.output not in self.graph.outputs and all(
            isinstance(consumer, FullyConnected)
            or (isinstance(consumer, Conv2D) and is_vector and consumer.padding == Padding())
            for consumer in consumers
        )

    def _append_weighted_sum(self, op: Conv2D | DepthwiseConv2D | FullyConnected) -> None:
        source = op.inputs[0]
        if source in self.flattenings:
            source = self.flattenings[source].inputs[0]
        if isinstance(op, FullyConnected) or source != op.inputs[0]:
            time, mel, _ = shape_of(self.graph, source)
            window = Window(source, (time, mel), (1, 1), Padding())
        elif source in self.pads:
            window = self._joined(self.pads[source], op)
        else:
            kernel = self.graph.tensors[op.inputs[1]].shape[1:3]
            window = Window(source, (kernel[0], kernel[1]), op.stride, op.padding)
            if not is_legal_padding(shape_of(self.graph, source)[:2], window):
                window = self._with_pad_step(window, op.output)
        self._add(lower_weighted_sum(self.graph, op, window, self.is_endless))

    def _with_pad_step(self, window: Window, output: str) -> Window:
        """Padding wider than the kernel becomes a step of its own."""
        time, mel, channels = shape_of(self.graph, window.source)
        padding = window.padding
        shape = (
            1,
            time + padding.time_before + padding.time_after,
            mel + padding.mel_before + padding.mel_after,
            channels,
        )
        padded = replace(self.graph.tensors[window.source], name=f"{output}/padded", shape=shape)
        pad = Pad((window.source,), padded.name, padding)
        ops = [new for op in self.graph.ops for new in ((pad, op) if op.output == output else (op,))]
        self.graph = with_ops(self.graph, tuple(ops), (padded,))
        self._add(lower_op(self.graph, pad, self.is_endless))
        return replace(window, source=padded.name, padding=Padding())

    def _fusable_producer(self, name: str, ops: frozenset[StepOp]) -> StreamStep | None:
        """The step that writes `name` for one reader only, if it can do one thing more."""
        step = self.steps.get(name)
        is_read_once = len(self.graph.consumers(name)) == 1 and name not in self.graph.outputs
        can = step is not None and step.op in ops and step.activation == StepActivation.NONE
        return step if is_read_once and can else None

    def _append_prelu(self, op: PRelu) -> None:
        producer = self._fusable_producer(op.inputs[0], CONVOLUTIONS)
        if producer is None:
            self._add(lower_op(self.graph, op, self.is_endless))
            return
        del self.steps[producer.output]
        self._add(
            replace(
                producer,
                output=op.output,
                activation=StepActivation.PRELU,
                table=prelu_slopes(self.graph, op),
                factors=prelu_factors(self.graph, op),
            )
        )

    def _append_chain(self, op: Op) -> bool:
        """The function and those behind it as one table; False where the operator is better off on its own."""
        chain, table = self._longest_chain(op)
        if table is None or (len(chain) == 1 and isinstance(op, PRelu)):
            return False
        self.fused.update(function.output for function in chain)
        source, output = op.inputs[0], chain[-1].output
        clamp = as_clamp(table)
        clamping = self._fusable_producer(source, CLAMPING)
        convolution = self._fusable_producer(source, CONVOLUTIONS)
        if clamp is not None and clamping is not None and self._has_same_codes(source, output):
            low, high = (min(max(bound, clamp[0]), clamp[1]) for bound in clamping.clamp)
            del self.steps[source]
            self._add(replace(clamping, output=output, clamp=(low, high)))
        elif convolution is not None:
            activation = StepActivation.TABLE if len(table) == 1 else StepActivation.CHANNEL_TABLE
            del self.steps[source]
            self._add(replace(convolution, output=output, activation=activation, table=table))
        else:
            self._add(StreamStep(StepOp.LOOKUP, (source,), output, table=table))
        return True

    def _longest_chain(self, op: Op) -> tuple[tuple[Op, ...], NDArray[np.int8] | None]:
        """From `op` on, as long as the table stays small; its table, None where even the first's is too large."""
        chain: tuple[Op, ...] = (op,)
        table = self._small_table(chain)
        while table is not None:
            consumers = self.graph.consumers(chain[-1].output)
            is_inner = len(consumers) == 1 and chain[-1].output not in self.graph.outputs
            if not is_inner or not is_one_code_function(self.graph, consumers[0]):
                break
            longer = self._small_table((*chain, consumers[0]))
            if longer is None:
                break
            chain, table = (*chain, consumers[0]), longer
        return chain, table

    def _small_table(self, chain: tuple[Op, ...]) -> NDArray[np.int8] | None:
        table = table_of(self.graph, chain)
        return table if len(table) == 1 or table.size <= MOST_TABLE_BYTES else None

    def _has_same_codes(self, first: str, second: str) -> bool:
        return scale_and_zero_point(self.graph, first) == scale_and_zero_point(self.graph, second)
