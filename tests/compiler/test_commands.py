"""asd-edge compile and image: what they write and print, and what they refuse in one line without writing."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from asd_edge.cli import run
from asd_edge.clip.atomic_write import write_bytes_atomically
from asd_edge.compiler.compile_network import compile_graph, compile_tflite
from asd_edge.compiler.image_records import HEADER
from asd_edge.compiler.kernel_choice import Core
from asd_edge.export.read_tflite import read_tflite
from asd_edge.export.write_tflite import tflite_bytes
from asd_edge.graph.graph import Graph, with_names
from asd_edge.native import LIBRARY
from asd_edge.native_engine import load_model
from quantization.interpret_int8 import run_int8
from tests.compiler.test_image import with_right_checksum
from tests.compiler.toy_graphs import every_shape, residual_tower

FOREIGN = Path(__file__).resolve().parents[1] / "golden" / "foreign"
DS_CNN = FOREIGN / "ds_cnn.tflite"
needs_library = pytest.mark.skipif(not LIBRARY.exists(), reason="libasd_host.so wasn't built")


def test_compile_writes_an_image_and_prints_its_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.asdm"
    assert run(["compile", "--tflite", str(DS_CNN), "-o", str(path)]) == 0
    assert path.read_bytes() == compile_tflite(DS_CNN, Core.GENERIC).content
    assert f"{path.stat().st_size:,} bytes" in capsys.readouterr().out


def test_json_of_compile_and_of_info_agree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.asdm"
    assert run(["compile", "--tflite", str(DS_CNN), "--core", "dsp", "-o", str(path), "--json"]) == 0
    compiled = json.loads(capsys.readouterr().out)
    assert run(["image", "info", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {key: compiled[key] for key in found if key in compiled} == {
        key: value for key, value in found.items() if key in compiled
    }
    assert found["image_bytes"] == path.stat().st_size
    assert {step["kernels"] for step in found["steps"]} == {"generic", "dsp"}


def test_a_c_array_holds_the_image_aligned(tmp_path: Path) -> None:
    path, image = tmp_path / "x.c", compile_tflite(DS_CNN, Core.GENERIC).content
    assert run(["compile", "--tflite", str(DS_CNN), "--as", "c-array", "-o", str(path)]) == 0
    flags = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
    subprocess.run(["cc", *flags, "-c", str(path), "-o", str(tmp_path / "x.o")], check=True)
    sections = ["objcopy", "-O", "binary", "--only-section=.rodata", str(tmp_path / "x.o"), str(tmp_path / "x.bin")]
    subprocess.run(sections, check=True)
    found = (tmp_path / "x.bin").read_bytes()
    assert found.index(image) % 16 == 0


@needs_library
def test_an_image_runs_on_raw_tensors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    graph = read_tflite(DS_CNN)
    (name,), (output,) = graph.inputs, graph.outputs
    shape = graph.tensors[name].shape
    x = np.random.default_rng(0).integers(-128, 128, (3, *shape[1:])).astype(np.int8)
    np.save(tmp_path / "x.npy", x)
    assert run(["compile", "--tflite", str(DS_CNN), "-o", str(tmp_path / "x.asdm")]) == 0
    words = ["image", "run", str(tmp_path / "x.asdm"), "--input", str(tmp_path / "x.npy")]
    assert run([*words, "--output", str(tmp_path / "y.npy")]) == 0
    expected = np.concatenate([run_int8(graph, {name: x[i : i + 1]})[output] for i in range(3)])
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy").reshape(expected.shape), expected)
    assert run(["image", "verify", str(tmp_path / "x.asdm")]) == 0
    capsys.readouterr()


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The one line that a refused command says."""
    assert run(list(words)) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("error: ")
    return captured.err


def test_what_doesnt_fit_a_board_is_refused_with_its_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from asd_edge import boards

    file = tmp_path / "boards.yaml"
    file.write_text(
        "boards:\n"
        "  tiny: {core: cortex-m0, kernels: generic, part: null, clock_hz: 1000000, ram_bytes: 9000,\n"
        "    flash_bytes: 1000000, model_flash: {offset: 0, bytes: 500000}, emulator: null}\n"
        "  full: {core: cortex-m0, kernels: generic, part: null, clock_hz: 1000000, ram_bytes: 900000,\n"
        "    flash_bytes: 1000000, model_flash: {offset: 0, bytes: 5000}, emulator: null}\n"
    )
    monkeypatch.setattr(boards, "_PLACES", (file,))
    path = tmp_path / "x.asdm"
    words = ("compile", "--tflite", str(DS_CNN), "-o", str(path), "--board")
    arena = compile_tflite(DS_CNN, Core.GENERIC).plan.arena_bytes
    message = refused(capsys, *words, "tiny")
    assert "9,000 bytes of RAM" in message
    assert f"arena {arena:,}" in message
    assert "slot of 5,000 bytes" in refused(capsys, *words, "full")
    assert not path.exists()


def with_header(content: bytes, name: str, value: int) -> bytes:
    """The image with another value in its header, and the checksum of that."""
    header = np.frombuffer(content, HEADER, 1).copy()
    header[name] = value
    return with_right_checksum(bytearray(header.tobytes() + content[HEADER.itemsize :]))


REFUSED = [
    (("compile",), "give a work directory or --tflite"),
    (("compile", "{work}", "--tflite", "x"), "give a work directory or --tflite"),
    (("compile", "--tflite", "{ds_cnn}"), "needs -o"),
    (("compile", "{work}"), "run asd-edge export first"),
    (("compile", "{work}", "--board", "none"), "'none' is no board"),
    (("compile", "--tflite", "{ds_cnn}", "--core", "z80", "-o", "{out}"), "'z80' is no core"),
    (("compile", "--tflite", "{noise}", "-o", "{out}"), "noise"),
    (("image", "info", "{noise}"), "is no model image"),
    (("image", "verify", "{noise}"), "is no model image"),
    (("compile", "--tflite", "{out}", "-o", "{out}"), "out: can't be read (No such file or directory); give an int8"),
    (("compile", "--tflite", "{work}", "-o", "{out}"), "work: can't be read (Is a directory); give an int8"),
    (("compile", "--tflite", "{ds_cnn}", "--board", "mps2-an386", "--core", "mve", "-o", "{out}"), "mps2-an386 runs"),
    (("image", "info", "{out}"), "can't be read"),
    (("image", "info", "{outside}"), "outside.asdm: the model image can't be used: refers beyond"),
    (("image", "verify", "{outside}"), "outside.asdm: the model image can't be used: refers beyond"),
    (("image", "run", "{outside}", "--input", "{tall}", "--output", "{out}"), "outside.asdm: the model image can't be"),
    (("image", "run", "{two}", "--input", "{even}", "--input", "{odd}", "--output", "{out}"), "odd.npy has 2 windows"),
    (("image", "run", "{image}", "--input", "{noise}", "--output", "{out}"), "can't be read as an array"),
    (("image", "run", "{image}", "--input", "{wide}", "--output", "{out}"), "int8 [windows, 21, 8, 1]"),
    (("image", "run", "{image}", "--input", "{wide}", "--input", "{wide}", "--output", "{out}"), "takes 1 inputs"),
]


@pytest.mark.parametrize(("words", "message"), REFUSED)
def test_bad_input_is_one_line_and_leaves_nothing(
    words: tuple[str, ...], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work, out, noise, image, wide = (tmp_path / name for name in ("work", "out", "noise", "x.asdm", "wide.npy"))
    work.mkdir()
    noise.write_bytes(bytes(range(256)) * 4)
    write_bytes_atomically(image, compile_graph(residual_tower()).content)
    np.save(wide, np.zeros((1, 21, 9, 1), np.int8))
    outside, two, tall, even, odd = (tmp_path / f"{name}.npy" for name in ("outside", "two", "tall", "even", "odd"))
    outside, two = outside.with_suffix(".asdm"), two.with_suffix(".asdm")
    outside.write_bytes(with_header(image.read_bytes(), "tensor_states_offset", 0xFFFFFFF0))
    two.write_bytes(compile_graph(every_shape()).content)
    np.save(tall, np.zeros((1, 21, 8, 1), np.int8))
    for path, n_windows in ((even, 3), (odd, 2)):
        np.save(path, np.zeros((n_windows, 13, 10, 2), np.int8))
    places = {"work": work, "out": out, "noise": noise, "image": image, "wide": wide, "ds_cnn": DS_CNN}
    places |= {"outside": outside, "two": two, "tall": tall, "even": even, "odd": odd}
    assert message in refused(capsys, *(word.format(**places) for word in words))
    assert not out.exists()


def test_a_tflite_of_our_own_compiles_like_its_graph(tmp_path: Path) -> None:
    graph = residual_tower()
    (tmp_path / "x.tflite").write_bytes(tflite_bytes(graph))
    compiled = compile_tflite(tmp_path / "x.tflite", Core.GENERIC)
    assert compiled.plan.arena_bytes == compile_graph(graph, delays={}).plan.arena_bytes


def renamed(graph: Graph, names: dict[str, str]) -> Graph:
    """The graph with other names for some tensors."""
    tensors = {names.get(name, name): replace(t, name=names.get(name, name)) for name, t in graph.tensors.items()}
    inputs, outputs = (tuple(names.get(name, name) for name in ends) for ends in (graph.inputs, graph.outputs))
    return Graph(tensors, tuple(with_names(op, names) for op in graph.ops), inputs, outputs)


@pytest.mark.parametrize("name", ["[/x]", "[bold]y", "a[link=z]b[/]", "\\[q]"])
def test_brackets_in_a_name_are_printed_as_they_are(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    graph = residual_tower()
    (tmp_path / "x.tflite").write_bytes(tflite_bytes(renamed(graph, {graph.outputs[0]: name})))
    image = str(tmp_path / "x.asdm")
    assert run(["compile", "--tflite", str(tmp_path / "x.tflite"), "-o", image]) == 0
    assert f"{name} " in capsys.readouterr().out
    assert run(["image", "info", image]) == 0
    assert f"{name} " in capsys.readouterr().out


def test_control_characters_of_a_name_reach_no_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    graph = residual_tower()
    name = "a\x1b]0;b\x07\u202ec"
    image, values = tmp_path / "x.asdm", tmp_path / "x.npy"
    image.write_bytes(compile_graph(renamed(graph, {graph.outputs[0]: name, graph.inputs[0]: f"{name}0"})).content)
    np.save(values, np.zeros((1, 2, 3, 4), np.int8))
    assert run(["image", "info", str(image)]) == 0
    said = capsys.readouterr().out
    assert "a\ufffd]0;b\ufffd\ufffdc" in said
    said += refused(capsys, "image", "run", str(image), "--input", str(values), "--output", str(tmp_path / "y.npy"))
    assert not set(said) & set("\x1b\x07\u202e")


@needs_library
@pytest.mark.parametrize("arena_bytes", [0xFFFFFFF0, (256 << 20) + 16])
def test_an_arena_of_hostile_size_is_refused_by_name(
    arena_bytes: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image, values = tmp_path / "x.asdm", tmp_path / "x.npy"
    image.write_bytes(with_header(compile_graph(residual_tower()).content, "arena_bytes", arena_bytes))
    np.save(values, np.zeros((1, 21, 8, 1), np.int8))
    assert load_model(image.read_bytes()).arena_bytes == arena_bytes
    message = refused(capsys, "image", "run", str(image), "--input", str(values), "--output", str(tmp_path / "y.npy"))
    assert f"x.asdm: its arena has {arena_bytes:,} bytes" in message


def test_nothing_is_written_or_printed_where_the_output_cant_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    refused(capsys, "compile", "--tflite", str(DS_CNN), "-o", str(tmp_path / "file" / "x.asdm"))
    assert capsys.readouterr().out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
