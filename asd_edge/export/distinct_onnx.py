"""An ONNX file -> the same network on other weights: constants that happen to be equal in the file then differ."""

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

SEED = 20


def write_with_distinct_constants(source: Path, target: Path) -> None:
    """Copy an ONNX file, each element of its float weights times a random factor between 0.75 and 1.25.

    Single numbers (the bounds of a Clip) stay.
    """
    generator = np.random.default_rng(SEED)
    model = onnx.load(source)
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.size > 1 and np.issubdtype(values.dtype, np.floating):
            factors = generator.uniform(0.75, 1.25, values.shape).astype(values.dtype)
            tensor.CopyFrom(numpy_helper.from_array(values * factors, tensor.name))
    onnx.save(model, target)
