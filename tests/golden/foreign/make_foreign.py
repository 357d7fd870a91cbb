"""Makes the int8 .tflite files beside it with TensorFlow's own converter, after the four networks of MLPerf Tiny.

Run by hand with tensorflow-cpu 2.21.0 in an environment of its own; CI only reads the files, which files.toml lists.
The networks keep MLPerf Tiny's layers, kernels, strides and input sizes; where a width is reduced so that a file stays
below 120 kB, its function says so. Weights are random but seeded, BatchNorm's constants differ per channel, and its
statistics are those of the calibration data, so that every activation uses its range.

    python tests/golden/foreign/make_foreign.py tests/golden/foreign
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

N_CALIBRATION = 64
layers = tf.keras.layers


def fc_autoencoder() -> Any:
    """MLPerf Tiny's anomaly detection, 640-128x4-8-128x4-640; here 32 in place of 128."""
    x = inputs = layers.Input((640,), batch_size=1)
    for width in (32, 32, 32, 32, 8, 32, 32, 32, 32):
        x = layers.ReLU()(layers.BatchNormalization()(layers.Dense(width)(x)))
    return tf.keras.Model(inputs, layers.Dense(640)(x))


def ds_cnn() -> Any:
    """MLPerf Tiny's keyword spotting, 64 filters, 12 words."""
    x = inputs = layers.Input((49, 10, 1), batch_size=1)
    x = layers.Conv2D(64, (10, 4), strides=(2, 2), padding="same")(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    for _ in range(4):
        x = layers.DepthwiseConv2D((3, 3), padding="same")(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Conv2D(64, (1, 1), padding="same")(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.AveragePooling2D(x.shape[1:3])(x)
    return tf.keras.Model(inputs, layers.Dense(12, activation="softmax")(layers.Flatten()(x)))


def resnet() -> Any:
    """MLPerf Tiny's image classification, three stacks of 16, 32 and 64 filters; here 16, 32 and 48."""
    x = inputs = layers.Input((32, 32, 3), batch_size=1)
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(16, 3, padding="same")(x)))
    for n_filters, stride in ((16, 1), (32, 2), (48, 2)):
        y = layers.Conv2D(n_filters, 3, strides=stride, padding="same")(x)
        y = layers.ReLU()(layers.BatchNormalization()(y))
        y = layers.BatchNormalization()(layers.Conv2D(n_filters, 3, padding="same")(y))
        if stride > 1:
            x = layers.Conv2D(n_filters, 1, strides=stride, padding="same")(x)
        x = layers.ReLU()(layers.Add()([x, y]))
    x = layers.AveragePooling2D(x.shape[1:3])(x)
    return tf.keras.Model(inputs, layers.Dense(10, activation="softmax")(layers.Flatten()(x)))


def mobilenet() -> Any:
    """MLPerf Tiny's visual wake words, MobileNetV1 0.25 with ReLU6, global mean; here nothing is wider than 64."""
    x = inputs = layers.Input((96, 96, 3), batch_size=1)
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(x)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    blocks = ((16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (64, 2), *[(64, 1)] * 5, (64, 2), (64, 1))
    for n_filters, stride in blocks:
        x = layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(x)
        x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
        x = layers.Conv2D(n_filters, 1, padding="same", use_bias=False)(x)
        x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    x = layers.GlobalAveragePooling2D()(x)
    return tf.keras.Model(inputs, layers.Dense(2, activation="softmax")(x))


NETWORKS: dict[str, Callable[[], Any]] = {
    "fc_autoencoder": fc_autoencoder,
    "ds_cnn": ds_cnn,
    "resnet": resnet,
    "mobilenet": mobilenet,
}

PER_TENSOR = ("ds_cnn", "resnet")  # fully connected weights with one scale, as converters wrote them up to 2.16


def calibration(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    """Noise with a level of its own per example, as features of loud and quiet clips have it."""
    levels = rng.uniform(0.2, 2.0, (N_CALIBRATION, *[1] * (len(shape) - 1)))
    offsets = rng.normal(0, 1, levels.shape)
    return (levels * rng.standard_normal((N_CALIBRATION, *shape[1:])) + offsets).astype(np.float32)


def settle(model: Any, data: NDArray[np.float32], rng: np.random.Generator) -> None:
    """Draw BatchNorm's gamma and beta and the biases; set its statistics, layer by layer, to those of the data."""
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            n_channels = layer.gamma.shape[0]
            x = run(tf.keras.Model(model.inputs, layer.input), data)
            axes = tuple(range(x.ndim - 1))
            gamma, beta = rng.uniform(0.5, 1.5, n_channels), rng.normal(0, 0.5, n_channels)
            layer.set_weights([gamma, beta, x.mean(axis=axes), x.var(axis=axes)])
        elif getattr(layer, "use_bias", False):
            layer.bias.assign(rng.normal(0, 0.3, layer.bias.shape))


def run(model: Any, data: NDArray[np.float32]) -> NDArray[np.float32]:
    """The network's outputs for inputs one by one, as its batch size is 1."""
    step = tf.function(lambda x: model(x, training=False))
    return np.concatenate([step(example[None]).numpy() for example in data])


def convert(model: Any, data: NDArray[np.float32], is_dense_per_channel: bool) -> bytes:
    """Full integer, int8 inputs and outputs."""

    def examples() -> Iterator[list[NDArray[np.float32]]]:
        for example in data:
            yield [example[None]]

    function = tf.function(lambda x: model(x, training=False))
    concrete = function.get_concrete_function(tf.TensorSpec(model.inputs[0].shape, tf.float32))
    frozen = convert_variables_to_constants_v2(concrete)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = examples
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter._experimental_disable_per_channel_quantization_for_dense_layers = not is_dense_per_channel
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def main(folder: Path) -> None:
    for seed, (name, build) in enumerate(NETWORKS.items()):
        tf.keras.utils.set_random_seed(seed)
        rng = np.random.default_rng(seed)
        model = build()
        data = calibration(model.inputs[0].shape, rng)
        settle(model, data, rng)
        content = convert(model, data, name not in PER_TENSOR)
        (folder / f"{name}.tflite").write_bytes(content)
        print(f"{name}.tflite: {len(content)} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
