"""What import_onnx asks of a file: inputs, shapes, one output, opset; and how it names the output."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from asd_edge.errors import GraphError
from asd_edge.graph.import_onnx import import_onnx
from asd_edge.graph.interpret_float import run_float
from asd_edge.graph.ops import Conv2D, Reshape
from tests.graph.onnx_files import FloatArray, run_onnx, to_graph_layout, write_onnx

N_MELS, N_FRAMES = 6, 9
RNG = np.random.default_rng(3)
RELU = ("y = Relu(log_mel)",)


def normal(*shape: int) -> FloatArray:
    return RNG.standard_normal(shape, np.float32)


def write_two_inputs(path: Path, time_is_width: bool) -> Path:
    """The reference model's beginning: one value per frame -> N_MELS channels -> the mel axis, beside the log-Mel."""
    map_shape, frames_shape = input_shapes(time_is_width)
    nodes = (
        "channels = Conv(wavegram_fir, bands, offsets)",
        f"wavegram = Transpose<perm={[0, 2, 1, 3] if time_is_width else [0, 3, 2, 1]}>(channels)",
        "y = Concat<axis=1>(log_mel, wavegram)",
    )
    constants = {"bands": normal(N_MELS, 1, 1, 1), "offsets": normal(N_MELS)}
    return write_onnx(path, nodes, {"log_mel": map_shape, "wavegram_fir": frames_shape}, constants)


def input_shapes(time_is_width: bool) -> tuple[tuple[int, ...], tuple[int, ...]]:
    if time_is_width:
        return (1, 1, N_MELS, N_FRAMES), (1, 1, 1, N_FRAMES)
    return (1, 1, N_FRAMES, N_MELS), (1, 1, N_FRAMES, 1)


@pytest.mark.parametrize("time_is_width", [True, False])
def test_channels_that_become_the_mel_axis_are_a_reshape(time_is_width: bool, tmp_path: Path) -> None:
    path = write_two_inputs(tmp_path / "two.onnx", time_is_width)
    graph = import_onnx(path, N_FRAMES)
    assert [type(op).__name__ for op in graph.ops] == ["Conv2D", "Reshape", "Concat"]
    assert {name: graph.tensors[name].shape for name in graph.inputs} == {
        "log_mel": (1, N_FRAMES, N_MELS, 1),
        "wavegram_fir": (1, N_FRAMES, 1, 1),
    }
    assert graph.tensors["wavegram"].shape == (1, N_FRAMES, N_MELS, 1)
    map_shape, frames_shape = input_shapes(time_is_width)
    inputs = {"log_mel": normal(*map_shape), "wavegram_fir": normal(*frames_shape)}
    found = run_float(graph, {name: to_graph_layout(values, time_is_width) for name, values in inputs.items()})["y"]
    np.testing.assert_allclose(found, to_graph_layout(run_onnx(path, inputs), time_is_width), rtol=0, atol=1e-6)


def test_vector_input_has_no_time(tmp_path: Path) -> None:
    path = write_onnx(tmp_path / "v.onnx", ["y = Gemm(log_mel, w)"], {"log_mel": [1, 10]}, {"w": normal(10, 4)})
    graph = import_onnx(path, N_FRAMES)
    assert graph.tensors["log_mel"].shape == (1, 1, 1, 10)
    assert graph.tensors["y"].shape == (1, 1, 1, 4)
    (op,) = graph.ops
    assert isinstance(op, Conv2D)


def test_output_bears_its_onnx_name_where_the_last_node_is_a_view(tmp_path: Path) -> None:
    nodes = ("pooled = GlobalAveragePool(log_mel)", "y = Flatten(pooled)")
    graph = import_onnx(write_onnx(tmp_path / "v.onnx", nodes, {"log_mel": [1, 1, N_MELS, N_FRAMES]}, {}), N_FRAMES)
    assert graph.outputs == ("y",)
    assert [op.output for op in graph.ops] == ["y"]
    assert "pooled" not in graph.tensors
    assert not any(isinstance(op, Reshape) for op in graph.ops)


MAP = [1, 1, N_MELS, N_FRAMES]


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"spectrogram": MAP}, ("no input named log_mel", "rename")),
        ({"log_mel": MAP, "labels": [1, 3]}, ("'labels'", "export with the inputs log_mel and wavegram_fir")),
        ({"log_mel": [1, 1, N_MELS, 12]}, ("[1, 1, 6, 12]", "[1, 1, n_mels, 9]")),
        ({"log_mel": [1, 2, N_MELS, N_FRAMES]}, ("[1, 2, 6, 9]", "[1, 1, n_mels, 9]")),
        ({"log_mel": [N_MELS, N_FRAMES]}, ("[6, 9]", "batch size 1")),
        ({"log_mel": ["batch", 1, N_MELS, N_FRAMES]}, ("log_mel", "['?', 1, 6, 9]", "batch size 1")),
        ({"log_mel": [1, 1, N_MELS, "time"]}, ("[1, 1, 6, 0]", "[1, 1, n_mels, 9]")),
        ({"log_mel": MAP, "wavegram_fir": [1, 1, N_FRAMES, 1]}, ("wavegram_fir", "[1, 1, 9, 1]", "[1, 1, 1, 9]")),
    ],
)
def test_unusable_inputs_are_refused(
    inputs: dict[str, Sequence[int | str]], words: tuple[str, ...], tmp_path: Path
) -> None:
    path = write_onnx(tmp_path / "inputs.onnx", [f"y = Relu({next(iter(inputs))})"], inputs, {})
    with pytest.raises(GraphError) as caught:
        import_onnx(path, N_FRAMES)
    assert str(caught.value).startswith(f"{path}: ")
    assert [word for word in words if word not in str(caught.value)] == [], str(caught.value)


def test_output_that_is_an_input_is_refused(tmp_path: Path) -> None:
    path = write_onnx(tmp_path / "same.onnx", ["y = Identity(log_mel)"], {"log_mel": MAP}, {})
    with pytest.raises(GraphError, match="output y is given by no operator"):
        import_onnx(path, N_FRAMES)


def test_old_opset_is_refused(tmp_path: Path) -> None:
    path = write_onnx(tmp_path / "old.onnx", RELU, {"log_mel": MAP}, {}, opset=12)
    with pytest.raises(GraphError, match=r"old\.onnx: is ONNX opset 12; export with opset 13 or newer"):
        import_onnx(path, N_FRAMES)


def test_oldest_opset_is_read(tmp_path: Path) -> None:
    path = write_onnx(tmp_path / "old.onnx", RELU, {"log_mel": MAP}, {}, opset=13)
    assert len(import_onnx(path, N_FRAMES).ops) == 1


@pytest.mark.parametrize("content", [None, b"", b"not an ONNX file"])
def test_file_that_is_no_onnx_is_refused_with_its_path(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "broken.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(GraphError) as caught:
        import_onnx(path, N_FRAMES)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
