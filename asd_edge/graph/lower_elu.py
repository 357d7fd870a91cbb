"""ELU in operators that have no exponential of their own but LOGISTIC; an approximation, within GREATEST_ERROR.

For x < 0, with the logistic function s,

    exp(x) - 1  is close to  e(x) = A (s(d - B relu(-x)) - s(d))        e(x) = 0 for x >= 0

because far left of its centre s is an exponential. Since exp(x) - 1 >= x, ELU(x) is close to max(x, e(x)).
int8 fixes LOGISTIC's step at 1/256, which A multiplies, so that the best A is a compromise: these constants have the
least sum of the greatest error and A / 512, with s(d) a whole number of steps, which keeps e(0) = 0.
"""

import math

import numpy as np

from asd_edge.graph.graph import Graph
from asd_edge.graph.lower_prelu import Lowered
from asd_edge.graph.ops import Activation, Elu, Logistic, Maximum

_AT_ZERO = 48 / 256  # s(d)
_D = -math.log(1 / _AT_ZERO - 1)
_A, _B = 5.28526555, 1.15872687
GREATEST_ERROR = 0.0091  # of any x


def lower_elus(graph: Graph) -> Graph:
    """Requires nothing. Ensures that no Elu is left. Not exact: each output moves by up to GREATEST_ERROR."""
    lowered = Lowered(graph)
    for op in graph.ops:
        if not isinstance(op, Elu):
            lowered.ops.append(op)
            continue
        (x,), output = op.inputs, op.output
        ones = np.ones(graph.tensors[x].shape[3])
        negative = lowered.scale(x, -ones, f"{output}/negative", activation=Activation.RELU)  # relu(-x)
        exponent = lowered.scale(negative, -_B * ones, f"{output}/exponent", _D)
        logistic = lowered.like(exponent, f"{output}/logistic")
        lowered.ops.append(Logistic((exponent,), logistic))
        below_zero = lowered.scale(logistic, _A * ones, f"{output}/below_zero", -_A * _AT_ZERO)
        lowered.ops.append(Maximum((x, below_zero), output))
    return lowered.graph()
