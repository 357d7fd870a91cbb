"""The authors' .ckpt: what loads, that it computes what their model does, and what is refused before any of it runs.

`authors_state_dict.tsv` beside this file lists the names and shapes of their published MWM_93.44_s40_m0.7.ckpt
(github.com/michaelneri/unsupervised-audio-anomaly-detection). The weights here are random.
"""

import ast
import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from asd_edge.errors import CheckpointError
from asd_edge.frontend.config import FrontendConfig
from asd_edge.model.authors_checkpoint import AUTHORS_LABELS, authors_name
from asd_edge.model.checkpoint import load_checkpoint, write_checkpoint
from asd_edge.model.config import HeadConfig, ModelConfig
from asd_edge.model.network import expected_shapes, network_from_checkpoint
from tests.model import authors_network

State = OrderedDict[str, Tensor]
TSV = Path(__file__).with_name("authors_state_dict.tsv")
SHAPES: dict[str, tuple[int, ...]] = {
    name: ast.literal_eval(shape) for name, shape in (line.split("\t") for line in TSV.read_text().splitlines())
}


def float32_mel_matrix() -> Tensor:
    """[513, 128] as torchaudio computes it: HTK scale, Slaney norm, in float32 throughout."""
    bins_hz = torch.linspace(0, 8000, 513)
    edges_mel = torch.linspace(0.0, 2595.0 * float(np.log10(1.0 + 8000.0 / 700.0)), 130)
    edges_hz = 700.0 * (10.0 ** (edges_mel / 2595.0) - 1.0)
    slopes = edges_hz.unsqueeze(0) - bins_hz.unsqueeze(1)
    widths = edges_hz.diff()
    rising, falling = -slopes[:, :-2] / widths[:-1], slopes[:, 2:] / widths[1:]
    return torch.minimum(rising, falling).clamp(min=0.0) * (2.0 / (edges_hz[2:] - edges_hz[:-2]))


def random_state(seed: int = 7) -> State:
    """Every name and shape of the published file; scales as after a training, so that no layer dies or explodes."""
    generator = torch.Generator().manual_seed(seed)
    state: State = OrderedDict()
    for name, shape in SHAPES.items():
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(1234)
        elif name.endswith("running_var"):
            state[name] = 0.5 + torch.rand(shape, generator=generator)
        elif len(shape) > 1:
            fan_in = int(np.prod(shape[1:]))
            state[name] = torch.randn(shape, generator=generator) * (2.0 / fan_in) ** 0.5
        elif "normalization.weight" in name or "bn.weight" in name or "prelu" in name:
            state[name] = 0.5 + 0.5 * torch.rand(shape, generator=generator)
        else:
            state[name] = 0.3 * torch.randn(shape, generator=generator)
    for part in ("dwconv", "pwconv"):
        state[f"model.heatmap.6.{part}.weight"] *= 5.0  # a map from 0.5 to almost 1
    state["model.transform_tf.spectrogram.window"] = torch.hann_window(1024)
    state["model.transform_tf.mel_scale.fb"] = float32_mel_matrix()
    return state


def lightning_content(state: State) -> dict[str, object]:
    """What Lightning 1.9 writes beside the state_dict for a model without saved hyperparameters."""
    callback = "ModelCheckpoint{'monitor': None, 'mode': 'min', 'every_n_train_steps': 0, 'every_n_epochs': 20}"
    return {
        "epoch": 239,
        "global_step": 75360,
        "pytorch-lightning_version": "1.9.0",
        "state_dict": state,
        "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"total": {"ready": 240, "completed": 239}}}},
        "callbacks": {
            callback: {
                "monitor": None,
                "best_model_score": None,
                "best_model_path": "best_models/MobileNetWavegram-Mixup-239-0.0101.ckpt",
                "current_score": None,
                "dirpath": "best_models",
                "best_k_models": {},
                "kth_best_model_path": "",
                "kth_value": torch.tensor(float("inf")),
                "last_model_path": "",
            }
        },
        "optimizer_states": [{"state": {0: {"step": torch.tensor(75360.0)}}, "param_groups": [{"lr": 1e-5}]}],
        "lr_schedulers": [{"T_max": 300, "eta_min": 1e-5, "base_lrs": [1e-4], "last_epoch": 240, "_last_lr": [1.9e-5]}],
    }


def write(path: Path, state: State) -> Path:
    torch.save(lightning_content(state), path)
    return path


@pytest.fixture(scope="module")
def state() -> State:
    return random_state()


@pytest.fixture(scope="module")
def path(state: State, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("authors") / "MWM_93.44_s40_m0.7.ckpt", state)


def message(path: Path) -> str:
    """One line that names the file."""
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path)
    said = str(caught.value)
    assert said.startswith(f"{path}: ")
    assert "\n" not in said
    return said


def test_checkpoint_is_the_reference_model(path: Path) -> None:
    checkpoint = load_checkpoint(path)
    assert (checkpoint.model, checkpoint.head, checkpoint.frontend) == (ModelConfig(), HeadConfig(), FrontendConfig())
    assert checkpoint.head == HeadConfig(scale=40.0, margin=0.7)
    assert (checkpoint.split.train, checkpoint.split.validation) == ({}, {})


def test_network_computes_what_the_authors_model_computes(path: Path, state: State) -> None:
    generator = torch.Generator().manual_seed(1)
    waveform = 0.1 * torch.randn(1, 160_000, generator=generator)
    in_float64 = {name: tensor.double() for name, tensor in state.items()}
    network = network_from_checkpoint(load_checkpoint(path))
    with torch.inference_mode():
        embedding, attention = authors_network.embed(in_float64, waveform.double())
        assert embedding.std() > 0.1
        assert attention.std() > 0.1
        torch.testing.assert_close(network.attention_inputs(waveform).attention.double(), attention, rtol=0, atol=1e-4)
        difference = network(waveform).double() - embedding
    assert (difference.abs().max() / embedding.abs().max()).item() < 1e-4


def test_head_holds_the_rows_of_their_arcface(path: Path, state: State) -> None:
    rows = load_checkpoint(path).weights["head.weight"]
    np.testing.assert_array_equal(rows, state["model.arcface.weight"].numpy())


def test_every_tensor_of_the_published_file_is_used_checked_or_named_as_unused() -> None:
    used = {authors_name(name) for name in expected_shapes(ModelConfig(), FrontendConfig(), 41)}
    others = {name for name in SHAPES if name not in used and not name.endswith("num_batches_tracked")}
    assert used <= set(SHAPES)
    assert others == {
        "model.transform_tf.spectrogram.window",
        "model.transform_tf.mel_scale.fb",
        "model.classifier.fc_out.weight",
        "model.classifier.fc_out.bias",
    }


@pytest.mark.parametrize(
    ("machine", "row"),
    [
        ("fan/id_00", 0),
        ("fan/id_06", 6),
        ("pump/id_00", 7),
        ("pump/id_04", 11),
        ("slider/id_00", 13),
        ("slider/id_06", 19),
        ("ToyCar/id_01", 21),
        ("ToyCar/id_07", 27),
        ("ToyConveyor/id_01", 28),
        ("ToyConveyor/id_06", 33),
        ("valve/id_00", 34),
        ("valve/id_06", 40),
    ],
)
def test_row_of_a_machine_is_the_authors_offset_plus_its_id(machine: str, row: int) -> None:
    assert AUTHORS_LABELS.index(machine) == row


def test_label_table_has_41_rows_for_41_machines() -> None:
    assert len(AUTHORS_LABELS.machines) == len(set(AUTHORS_LABELS.machines)) == 41
    assert "pump/id_06" not in AUTHORS_LABELS.machines


def test_loaded_checkpoint_can_be_written_as_our_own(path: Path, tmp_path: Path) -> None:
    checkpoint = load_checkpoint(path)
    write_checkpoint(checkpoint, tmp_path)
    again = load_checkpoint(tmp_path)
    assert again.labels == checkpoint.labels
    for name, values in checkpoint.weights.items():
        np.testing.assert_array_equal(again.weights[name], values)


def test_state_dict_alone_loads(state: State, tmp_path: Path) -> None:
    torch.save({"state_dict": state}, tmp_path / "weights.ckpt")
    assert load_checkpoint(tmp_path / "weights.ckpt").model == ModelConfig()


def test_unused_tensors_may_be_missing(state: State, tmp_path: Path) -> None:
    kept = OrderedDict((name, tensor) for name, tensor in state.items() if "fc_out" not in name)
    loaded = load_checkpoint(write(tmp_path / "a.ckpt", kept))
    whole = load_checkpoint(write(tmp_path / "b.ckpt", state))
    assert all(np.array_equal(loaded.weights[name], values) for name, values in whole.weights.items())


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("model.heatmap.3.pwconv.weight", None, "lacks tensor model.heatmap.3.pwconv.weight"),
        ("model.arcface.weight", None, "lacks tensor model.arcface.weight"),
        ("model.transform_tf.mel_scale.fb", None, "lacks tensor model.transform_tf.mel_scale.fb"),
        ("model.gru.weight", torch.zeros(3), "holds a tensor model.gru.weight unknown"),
        ("model.arcface.weight", torch.zeros(23, 128), "model.arcface.weight is (23, 128), expected (41, 128)"),
        ("model.wavegram.pwconv.weight", torch.zeros(64, 1, 1), "is (64, 1, 1), expected (128, 1, 1)"),
        ("model.wavegram.pwconv.weight", torch.zeros(128, 1, 1, 1), "is (128, 1, 1, 1), expected (128, 1, 1)"),
        ("model.transform_tf.spectrogram.window", torch.ones(1024), "window is not the reference front end's (1024,)"),
        ("model.transform_tf.mel_scale.fb", torch.zeros(513, 64), "fb is not the reference front end's (513, 128)"),
        ("model.heatmap.1.bias", torch.full((16,), float("nan")), "tensor attention.1.bias holds values that aren't"),
    ],
)
def test_tensor_that_does_not_fit_is_named(
    state: State, tmp_path: Path, name: str, value: Tensor | None, said: str
) -> None:
    changed = OrderedDict(state)
    if value is None:
        del changed[name]
    else:
        changed[name] = value
    assert said in message(write(tmp_path / "a.ckpt", changed))


class TouchesAFile:
    """What a malicious file does: it calls a function of its choice while it is unpickled."""

    def __init__(self, touched: Path) -> None:
        self.touched = touched

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, str]]:
        return open, (str(self.touched), "w")


@pytest.mark.parametrize("is_zip", [True, False], ids=["zip format", "format before torch 1.6"])
def test_file_with_a_function_is_refused_by_its_name_and_calls_nothing(
    state: State, tmp_path: Path, is_zip: bool
) -> None:
    touched = tmp_path / "touched"
    content = {**lightning_content(state), "hyper_parameters": {"lr": TouchesAFile(touched)}}
    torch.save(content, tmp_path / "a.ckpt", _use_new_zipfile_serialization=is_zip)
    said = message(tmp_path / "a.ckpt")
    assert "holds io.open, which weights-only loading refuses" in said
    assert not touched.exists()
    torch.load(tmp_path / "a.ckpt", weights_only=False)  # proof that the file would have
    assert touched.exists()


def test_every_refused_name_of_a_file_is_given(state: State, tmp_path: Path) -> None:
    content = {**lightning_content(state), "hyper_parameters": {"folder": Path("data"), "a": TouchesAFile(tmp_path)}}
    torch.save(content, tmp_path / "a.ckpt")
    assert "io.open, pathlib.PosixPath" in message(tmp_path / "a.ckpt")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no PyTorch checkpoint or is damaged"),
        (b"not a checkpoint at all", "is no PyTorch checkpoint or is damaged"),
        (pickle.dumps({"state_dict": {}}), "is no PyTorch checkpoint or is damaged"),
        (b"PK\3\4" + bytes(200), "is no PyTorch checkpoint or is damaged"),
    ],
)
def test_file_that_torch_did_not_write_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "a.ckpt").write_bytes(content)
    assert said in message(tmp_path / "a.ckpt")


@pytest.mark.parametrize("kept", [0.2, 0.9, 0.999])
def test_truncated_file_is_refused(path: Path, tmp_path: Path, kept: float) -> None:
    content = path.read_bytes()
    (tmp_path / "a.ckpt").write_bytes(content[: int(kept * len(content))])
    assert "is no PyTorch checkpoint or is damaged" in message(tmp_path / "a.ckpt")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([1, 2], "holds no state_dict"),
        ({"epoch": 3}, "holds no state_dict"),
        ({"state_dict": [1]}, "holds no state_dict"),
        ({"state_dict": {"model.arcface.weight": 3}}, "model.arcface.weight of its state_dict is no tensor"),
    ],
)
def test_file_without_a_state_dict_is_refused(tmp_path: Path, content: object, said: str) -> None:
    torch.save(content, tmp_path / "a.ckpt")
    assert said in message(tmp_path / "a.ckpt")


def test_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "can't be read (No such file or directory)" in message(tmp_path / "a.ckpt")
