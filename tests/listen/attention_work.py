"""A work directory with a small detector that has an attention map, as the reference model has one."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asd_edge.compiler.compile_network import compile_work, core_named
from asd_edge.export.detector import ARCFACE
from asd_edge.graph.graph import Graph
from asd_edge.graph.ops import Activation, Padding
from asd_edge.listen.model_images import IMAGE_FILES
from asd_edge.native import NativeCodeScale, run_frontend
from tests.backends.test_host_rung import CONFIG, EMBEDDING_SIZE, write_work
from tests.export.int8_graphs import quantized
from tests.graph.small_graphs import GraphBuilder

Samples = NDArray[np.int16]
FAN, WINDOW = "fan/id_00", CONFIG.clip_samples
SAME = Padding(1, 1, 1, 1)


def attention_graph() -> tuple[Graph, str]:
    """The graph and the name of its map, (1, n_frames, 128, 2)."""
    n_frames = CONFIG.n_frames
    builder = GraphBuilder(np.random.default_rng(8), log_mel=(1, n_frames, 128, 1), wavegram_fir=(1, n_frames, 1, 1))
    wavegram = builder.reshape(builder.conv("wavegram_fir", 128), (1, n_frames, 128, 1))
    features = builder.concat(["log_mel", wavegram])
    blurred = builder.depthwise(features, (3, 3), (1, 1), SAME)
    attention = builder.unary("logistic", builder.conv(blurred, 2, activation=Activation.RELU))
    x = builder.conv(builder.mul(features, attention), 4, (3, 3), (2, 2), SAME, Activation.RELU)
    x = builder.conv(x, 8, (1, builder.shape(x)[2]), activation=Activation.RELU)
    return quantized(builder.graph(builder.conv(x, EMBEDDING_SIZE, (builder.shape(x)[1], 1)))), attention


def write_attention_work(work: Path) -> Path:
    """Both images beside their model; `work`."""
    work.mkdir(parents=True, exist_ok=True)
    write_work(work, attention_graph()[0], ARCFACE)
    for kind, name in IMAGE_FILES.items():
        (work / name).write_bytes(compile_work(work, core_named("generic"), kind == "sliding").content)
    return work


def sound(n_samples: int, seed: int = 1) -> Samples:
    return np.rint(np.random.default_rng(seed).normal(0, 800, n_samples)).astype(np.int16)


def whole_log_mel(samples: Samples) -> NDArray[np.int16]:
    """(n_frames, 128) of all samples at once."""
    scale = NativeCodeScale((1 << 31) - 1, 1 << 30, 32, 0, 0)
    return run_frontend(samples, scale, scale, None).log_mel
