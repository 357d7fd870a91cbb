"""`asd-edge provision`: devices that later stages take as they are, and every way to refuse."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from asd_edge.backends.score_clip import score_clip
from asd_edge.cli import app
from asd_edge.cli import run as run_command
from asd_edge.compiler.compile_network import compile_work, core_named
from asd_edge.evaluate.thresholds import machine_threshold
from asd_edge.export.detector import load_detector
from asd_edge.listen.thresholds_file import load_threshold
from asd_edge.package.keys import write_new_keys
from asd_edge.provision.provision_work import OWNED_FILES
from tests.listen.small_detector import FAN, PUMP, WINDOW, fault, hum
from tests.provision.sounds import rattling, write_sound

NEW = "pump/id_06"


def _invoke(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def _files(work: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in work.iterdir() if path.is_file()}


def test_a_new_machine_is_enrolled_and_detected(small_work: Path, rattle: Path, tmp_path: Path) -> None:
    before, device = _files(small_work), tmp_path / "device"
    made = _invoke("provision", small_work, "--machine", NEW, "--normal", rattle, "-o", device, "--json")
    assert made.exit_code == 0, made.output
    found = json.loads(made.output)
    assert (found["machine"], found["class_index"], found["is_enrolled"]) == (NEW, 3, True)
    assert (found["windows"], found["recordings"]) == (12, ["evening.flac", "morning.wav"])
    assert {"device": str(device), **json.loads((device / "provision.json").read_text())} == found
    assert _files(small_work) == before
    assert sorted(_files(device)) == sorted(OWNED_FILES)

    unheard = write_sound(tmp_path / "unheard.wav", rattling(1, 9))
    faulty = write_sound(tmp_path / "faulty.wav", fault(WINDOW, 9))
    scores = [score_clip(clip, device, NEW).score for clip in (unheard, faulty)]
    assert scores[0] <= found["threshold"] < scores[1]
    assert load_threshold(device, NEW).value == found["threshold"]  # as the service reads it
    assert _invoke("provision", device, "--machine", NEW, "-o", tmp_path / "copy").exit_code == 0


def test_later_stages_take_a_device_as_any_work_directory(small_work: Path, rattle: Path, tmp_path: Path) -> None:
    device, test = tmp_path / "device", tmp_path / "data/pump/test"
    assert _invoke("provision", small_work, "--machine", NEW, "--normal", rattle, "-o", device).exit_code == 0
    threshold = load_threshold(device, NEW).value
    for number in range(3):
        write_sound(test / f"normal_id_06_{number:08d}.wav", rattling(1, 20 + number))
        write_sound(test / f"anomaly_id_06_{number:08d}.wav", fault(WINDOW, 20 + number))
    evaluated = _invoke("evaluate", device, "--data", tmp_path / "data", "--backends", "host", "--json")
    assert evaluated.exit_code == 0, evaluated.output
    assert json.loads(evaluated.output)["machines"][0]["auc"] == 1.0
    assert load_threshold(device, NEW).value == threshold
    write_new_keys(tmp_path / "plant.key")
    packaged = _invoke(
        *("package", device, "--board", "mps2-an386", "--machine", NEW, "--key", tmp_path / "plant.key"),
        *("--version", 1, "--json"),
    )
    assert packaged.exit_code == 0, packaged.output
    assert json.loads(packaged.output)["threshold"] == round(threshold * 65536) / 65536


def test_the_enrolled_row_is_of_the_embeddings_that_the_device_computes(
    small_work: Path, rattle: Path, tmp_path: Path
) -> None:
    from asd_edge.clip.read_clip import read_clip
    from asd_edge.native_engine import load_model, score_samples

    assert _invoke("provision", small_work, "--machine", NEW, "--normal", rattle, "-o", tmp_path / "d").exit_code == 0
    image = compile_work(small_work, core_named("generic")).content
    zero_point = load_model(image).tensors[load_model(image).output].zero_point
    directions = []
    for name, n_windows in (("evening.flac", 5), ("morning.wav", 7)):
        codes = score_samples(image, read_clip(rattle / name, n_windows * WINDOW), 0)[1].astype(np.float64) - zero_point
        directions.append(codes / np.linalg.norm(codes, axis=1, keepdims=True))
    mean = np.concatenate(directions).mean(axis=0)
    rows = load_detector(tmp_path / "d/detector.safetensors").head_rows
    assert rows is not None
    np.testing.assert_allclose(rows[3], mean / np.linalg.norm(mean), atol=1e-7)


def test_a_known_machine_keeps_its_model_and_gets_a_threshold(small_work: Path, hums: Path, tmp_path: Path) -> None:
    told = {}
    for name, options in (
        ("file", ()),
        ("given", ("--threshold", "-2.5")),
        ("heard", ("--normal", str(hums))),
    ):
        made = _invoke("provision", small_work, "--machine", FAN, *options, "-o", tmp_path / name, "--json")
        assert made.exit_code == 0, made.output
        told[name] = json.loads(made.output)
        for file in ("model.tflite", "detector.safetensors"):
            assert (tmp_path / name / file).read_bytes() == (small_work / file).read_bytes()
        assert load_threshold(tmp_path / name, FAN).value == told[name]["threshold"]
    of_file = json.loads((small_work / "thresholds.json").read_text())["rungs"]["host"][FAN]
    assert told["file"]["threshold"] == of_file["percentile"]
    assert told["given"]["threshold"] == -2.5
    scores = json.loads((tmp_path / "heard/thresholds.json").read_text())["rungs"]["host"][FAN]["scores"]
    gamma = machine_threshold(scores).gamma
    assert gamma is not None
    assert (len(scores), told["heard"]["threshold"]) == (11, gamma.threshold)
    first = write_sound(tmp_path / "first.wav", hum(11 * WINDOW, 3)[:WINDOW])
    assert score_clip(first, small_work, FAN).score in scores


def test_sound_that_has_trained_the_model_gives_no_threshold(small_work: Path, hums: Path, tmp_path: Path) -> None:
    from asd_edge.clip.read_clip import read_clip, samples_sha256
    from asd_edge.model.checkpoint import Checkpoint, Split, write_checkpoint
    from asd_edge.model.config import HeadConfig
    from asd_edge.model.network import build_network
    from tests.backends.tiny_detector import FRONTEND, TINY, weights_of
    from tests.listen.small_detector import LABELS

    work = tmp_path / "work"
    shutil.copytree(small_work, work)
    trained = {samples_sha256(read_clip(hums / "hum.wav", WINDOW)): "fan/train/normal_id_00_00000000.wav"}
    weights = weights_of(build_network(TINY, FRONTEND, len(LABELS.machines)))
    words = ["provision", str(work), "--machine", FAN, "--normal", str(hums)]
    for split, is_refused in ((Split({}, trained), False), (Split(trained, {}), True)):
        write_checkpoint(Checkpoint(TINY, HeadConfig(), FRONTEND, LABELS, split, weights, {}), work)
        if is_refused:
            assert "hum.wav: has trained the model, so that a threshold from it would be too low" in _refused(words)
        else:
            assert _invoke(*words).exit_code == 0


def test_a_device_is_provisioned_again_in_place(small_work: Path, tmp_path: Path) -> None:
    for threshold in (1.0, 2.0):
        words = ("--machine", FAN, "--threshold", threshold, "-o", tmp_path / "device")
        assert _invoke("provision", small_work, *words).exit_code == 0
    assert load_threshold(tmp_path / "device", FAN).value == 2.0


def test_it_says_what_it_heard(small_work: Path, rattle: Path, hums: Path, tmp_path: Path) -> None:
    words = ("--machine", NEW, "--normal", rattle, "-o", tmp_path / "new")
    assert "class 3, enrolled as new" in _invoke("provision", small_work, *words).output
    words = ("--machine", PUMP, "--normal", hums, "-o", tmp_path / "known")
    said = _invoke("provision", small_work, *words).output
    assert "recognized 0 of 11 windows" in said  # to the detector a hum is a fan
    assert "enrol it under a name of its own" in said


def test_of_a_data_set_the_machine_s_own_training_clips_are_heard(small_work: Path, tmp_path: Path) -> None:
    train = tmp_path / "data/pump/train"
    for number in range(4):
        write_sound(train / f"normal_id_06_{number:08d}.wav", rattling(3, number))
        write_sound(train / f"normal_id_08_{number:08d}.wav", rattling(3, 50 + number))
    made = _invoke(
        "provision", small_work, "--machine", NEW, "--normal", tmp_path / "data", "-o", tmp_path / "d", "--json"
    )
    assert json.loads(made.output)["recordings"] == [f"normal_id_06_{number:08d}.wav" for number in range(4)]
    assert "its clips are named after id_08, not pump/id_06" in _refused(
        ["provision", str(small_work), "--machine", NEW, "--normal", str(train), "-o", str(tmp_path / "e")]
    )
    assert "without a normal training clip of valve/id_06 (it has pump/id_06, pump/id_08)" in _refused(
        ["provision", str(small_work), "--machine", "valve/id_06", "--normal", str(tmp_path / "data")]
    )


def _refused(words: Sequence[str]) -> str:
    result = CliRunner().invoke(app, list(words))
    assert result.exception is not None
    return str(result.exception)


def _few(folder: Path) -> Path:
    return write_sound(folder / "a.wav", rattling(9.9, 1)).parent


def _short(folder: Path) -> Path:
    _few(folder)
    return write_sound(folder / "b.wav", rattling(0.9, 2)).parent


def _twice(folder: Path) -> Path:
    write_sound(folder / "a.wav", rattling(6, 1))
    return write_sound(folder / "b.flac", rattling(6, 1)).parent


def _dead(folder: Path) -> Path:
    samples = rattling(12, 1)
    samples[3 * WINDOW : 4 * WINDOW] = -1
    return write_sound(folder / "a.wav", samples).parent


def _anomaly(folder: Path) -> Path:
    return write_sound(folder / "anomaly_1.wav", rattling(12, 1)).parent


def _text(folder: Path) -> Path:
    _few(folder)
    (folder / "z.wav").write_text("no sound")
    return folder


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_few, "9 windows of 1.024 s of normal sound, at least 10 are needed; record some minutes more"),
        (_short, "b.wav: too short: 0.922 s of the 1.024 s needed"),
        (_twice, "b.flac: holds the same sound as"),
        (_dead, "a.wav: nothing is heard in the window from 3.072 s on, all its samples are equal"),
        (_anomaly, "anomaly_1.wav: named an anomaly"),
        (_text, "z.wav: not a whole WAV or FLAC file"),
        (lambda folder: folder / "none", "none: not a folder"),
    ],
)
def test_sound_that_can_not_serve_is_one_line_and_writes_nothing(
    small_work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], make: object, said: str
) -> None:
    assert callable(make)
    (tmp_path / "sound").mkdir()
    words = ["--machine", NEW, "--normal", str(make(tmp_path / "sound")), "-o", str(tmp_path / "device")]
    _check_refused(["provision", str(small_work), *words], tmp_path, said, capsys)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--machine", "pump"), "machine 'pump': isn't named TYPE/id_XX"),
        (("--machine", "../id_00"), "machine '../id_00': isn't named TYPE/id_XX"),
        (("--machine", f"{'p' * 42}/id_00"), "of at most 47 bytes"),
        (("--machine", NEW), "doesn't know machine pump/id_06 (fan/id_00, fan/id_02, pump/id_00); enrol it with"),
        (("--machine", NEW, "--threshold", "1"), "enrol it with some minutes of its normal sound: --normal DIR"),
        (("--machine", FAN, "--threshold", "loud"), "--threshold loud: give auto or a number"),
        (("--machine", FAN, "--threshold", "nan"), "threshold nan: isn't finite"),
        (("--machine", FAN, "--threshold", "1", "--normal", "d"), "nothing is left for --normal to say"),
    ],
)
def test_a_wrong_request_is_one_line_and_writes_nothing(
    small_work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], said: str
) -> None:
    _check_refused(["provision", str(small_work), *options, "-o", str(tmp_path / "device")], tmp_path, said, capsys)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("no model", "model.tflite: missing, and rung host needs it; make it with asd-edge export"),
        ("half a model", "model.tflite: damaged or cut off; export it again"),
        ("no thresholds", "thresholds.json: can't be read (No such file or directory); give its normal sound"),
        ("no table", "thresholds.json: is no table of thresholds"),
        ("other model", "thresholds.json: was made with another model.tflite; run asd-edge evaluate again"),
        ("other files", "device: holds files, but of no device; choose another -o"),
        ("itself", "holds the model itself, which stays as it is; choose another -o"),
    ],
)
def test_a_folder_that_can_not_serve_is_one_line_and_writes_nothing(
    small_work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: str, said: str
) -> None:
    work, device = tmp_path / "work", tmp_path / "device"
    shutil.copytree(small_work, work)
    thresholds = work / "thresholds.json"
    match change:
        case "no model":
            (work / "model.tflite").unlink()
        case "half a model":
            (work / "model.tflite").write_bytes((small_work / "model.tflite").read_bytes()[:500])
        case "no thresholds":
            thresholds.unlink()
        case "no table":
            thresholds.write_text("[]")
        case "other model":
            content = json.loads(thresholds.read_text())
            thresholds.write_text(json.dumps({**content, "files": {"model.tflite": "0" * 64}}))
        case "other files":
            device.mkdir()
            (device / "notes.txt").write_text("mine")
        case _:
            device = work
    _check_refused(["provision", str(work), "--machine", FAN, "-o", str(device)], tmp_path, said, capsys)


def _check_refused(words: Sequence[str], folder: Path, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert run_command(list(words)) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_an_autoencoder_takes_a_known_machine_alone(tmp_path: Path, rattle: Path) -> None:
    from asd_edge.export.detector import RECONSTRUCTION
    from asd_edge.native import is_built
    from tests.backends.test_host_rung import autoencoder_graph, write_work

    if not is_built():
        pytest.skip("no C library: there was no compiler at installation")
    write_work(tmp_path, autoencoder_graph(), RECONSTRUCTION)
    words = ["provision", str(tmp_path), "--normal", str(rattle), "--machine"]
    assert "an autoencoder has no head to add pump/id_06 to" in _refused([*words, NEW])
    made = _invoke(*words, FAN, "--json")
    assert made.exit_code == 0, made.output
    found = json.loads(made.output)
    assert (found["score_kind"], found["recognized"]) == (RECONSTRUCTION, None)
    assert load_threshold(tmp_path / "fan-id_00", FAN).value == found["threshold"] > 0
