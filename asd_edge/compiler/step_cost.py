"""Multiply-accumulates of one firing, and what it costs about, in instructions of a Cortex-M4's fast kernels."""

from asd_edge.compiler.stream_graph import ACCUMULATING, CONVOLUTIONS, StepOp, StreamGraph, StreamStep

# Rough on purpose: they only decide which steps are spread over the hops. Measured figures are the profile's.
_PER_MAC, _PER_DEPTHWISE_MAC, _PER_OUTPUT = 1, 3, 12


def step_macs(graph: StreamGraph, step: StreamStep) -> int:
    """Of one firing, padding counted as if it were data."""
    if step.op not in CONVOLUTIONS:
        return 0
    output = graph.tensors[step.output]
    n_firings = step.kernel[0] if step.op in ACCUMULATING else 1
    return n_taps(graph, step) // n_firings * output.n_mels * output.n_channels


def n_taps(graph: StreamGraph, step: StreamStep) -> int:
    """Products in each sum of a convolution."""
    n_channels = 1 if _is_depthwise(step) else graph.tensors[step.inputs[0]].n_channels
    return step.kernel[0] * step.kernel[1] * n_channels


def step_cost(graph: StreamGraph, step: StreamStep) -> int:
    """Of one firing."""
    output = graph.tensors[step.output]
    per_mac = _PER_DEPTHWISE_MAC if _is_depthwise(step) else _PER_MAC
    return per_mac * step_macs(graph, step) + _PER_OUTPUT * output.n_mels * output.n_channels


def _is_depthwise(step: StreamStep) -> bool:
    return step.op in (StepOp.DEPTHWISE, StepOp.ACCUMULATE_DEPTHWISE)
