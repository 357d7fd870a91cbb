"""TensorFlow's saved model and calibration clips -> an int8 .tflite file, by TensorFlow's own converter.

    .venv-stock/bin/python tests/bench/stock_int8.py SAVED_MODEL CLIPS.npz OUT.tflite

Runs in the environment of the stock converter, so it imports nothing of this project. CLIPS.npz holds an array
(n_clips, ...) for each input.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf


def main(saved_model: str, clips: str, out: str) -> None:
    """As the documentation of full-integer quantization has it; weights are per channel by default."""
    with np.load(clips) as arrays:
        inputs = dict(arrays)

    def representative_dataset() -> Iterator[dict[str, Any]]:
        for index in range(len(next(iter(inputs.values())))):
            yield {name: values[index : index + 1] for name, values in inputs.items()}

    converter = tf.lite.TFLiteConverter.from_saved_model(saved_model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative_dataset
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    Path(out).write_bytes(converter.convert())


if __name__ == "__main__":
    main(*sys.argv[1:])
