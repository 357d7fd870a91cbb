"""The configuration: its schema, its defaults, and one line for whatever is wrong in it."""

import json
import os
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from asd_edge.cli import run
from asd_edge.errors import ListenError
from asd_edge.listen.config import AlsaSource, ListenConfig, WavSource
from asd_edge.listen.read_config import load_config, read_config

ENTRY = {"machine": "fan/id_00", "source": {"kind": "wav", "path": "a.wav"}, "model": "work"}


def loaded(folder: Path, content: Any) -> ListenConfig:
    path = folder / "listen.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return read_config(path)


def test_the_least_configuration_is_one_machine(tmp_path: Path) -> None:
    config = loaded(tmp_path, {"machines": [{"machine": "fan/id_00", "source": {"kind": "alsa"}, "model": "work"}]})
    (entry,) = config.machines
    assert isinstance(entry.source, AlsaSource)
    assert (entry.threshold, config.windows) == ("auto", "both")
    assert (config.outputs.mqtt, config.outputs.recordings, config.dashboard) == (None, None, None)
    assert config.outputs.jsonl is not None
    assert config.outputs.jsonl.path == "-"


def test_paths_are_taken_from_the_configurations_folder(tmp_path: Path) -> None:
    config = loaded(tmp_path, {"machines": [ENTRY], "outputs": {"jsonl": {"path": "out/events.jsonl"}}})
    (entry,) = config.machines
    assert isinstance(entry.source, WavSource)
    assert (entry.source.path, entry.model) == (tmp_path / "a.wav", tmp_path / "work")
    assert config.outputs.jsonl is not None
    assert config.outputs.jsonl.path == tmp_path / "out/events.jsonl"
    absolute = loaded(tmp_path, {"machines": [{**ENTRY, "model": "/models/fan"}]})
    assert absolute.machines[0].model == Path("/models/fan")


def test_a_process_of_its_own_reads_the_same_and_refuses_the_same(tmp_path: Path) -> None:
    content = {"machines": [ENTRY], "outputs": {"mqtt": {"broker": "localhost", "spool": "spool"}}}
    expected = loaded(tmp_path, content)
    assert load_config(tmp_path / "listen.yaml") == expected
    with pytest.raises(ListenError, match="windows: Input should be"):
        loaded(tmp_path, {**content, "windows": "often"})
    with pytest.raises(ListenError, match=r"listen.yaml: windows: Input should be"):
        load_config(tmp_path / "listen.yaml")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "the file: Input should be"),
        ("machines: [", "is no YAML"),
        ("machines: []", "machines: Tuple should have at least 1 item"),
        ({"machines": [ENTRY], "window": "both"}, "window: Unexpected keyword argument"),
        ({"machines": [ENTRY], "windows": "often"}, "windows: Input should be 'window', 'sliding' or 'both'"),
        ({"machines": [ENTRY, ENTRY]}, "two entries of one machine"),
        ({"machines": [{**ENTRY, "threshold": "high"}]}, "machines.0.threshold"),
        ({"machines": [{**ENTRY, "threshold": float("nan")}]}, "machines.0: a threshold of nan: give a finite"),
        ({"machines": [{**ENTRY, "source": {"kind": "usb"}}]}, "machines.0.source"),
        (
            {"machines": [{**ENTRY, "source": {"kind": "alsa", "rate_hz": 44_100}}]},
            "machines.0.source.alsa.rate_hz: Input should be 16000 or 48000",
        ),
        ({"machines": [{**ENTRY, "source": {"kind": "alsa", "channels": 2, "channel": 2}}]}, "choose one of 0 to 1"),
        (
            {"machines": [{**ENTRY, "source": {"kind": "stdin"}, "machine": name} for name in ("a", "b")]},
            "can't both be heard on standard input",
        ),
        (
            {
                "machines": [
                    {**ENTRY, "source": {"kind": "fifo", "path": path}, "machine": path} for path in ("a", "../b/a")
                ]
            },
            "would each hear a part of it: give each a FIFO of its own",
        ),
        ({"machines": [ENTRY], "alarm": {"minimum_seconds": -1}}, "alarm.minimum_seconds"),
        ("[\n" * 1000 + "]" * 1000, "is nested too deep"),
        ("machines: 2001-99-99", "is no YAML (month must be in 1..12)"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_its_place(content: Any, words: str, tmp_path: Path) -> None:
    folder = tmp_path / "b"
    folder.mkdir()
    with pytest.raises(ListenError) as error:
        loaded(folder, content)
    assert words in str(error.value)
    assert str(folder / "listen.yaml") in str(error.value)


def test_a_process_that_cant_read_the_configuration_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded(tmp_path, {"machines": [ENTRY]})
    (tmp_path / "yaml.py").write_text("raise ImportError('no\\nYAML')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ListenError, match=r"listen.yaml: can't be read: the process for it ended with 1 \(YAML\)"):
        load_config(tmp_path / "listen.yaml")


def test_check_refuses_a_model_whose_name_is_too_long_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    loaded(tmp_path, {"machines": [{**ENTRY, "model": "x" * 300}]})
    assert run(["listen", "check", str(tmp_path / "listen.yaml")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("can't be read (File name too long); give a work directory or an image")


def test_a_configuration_that_isnt_there_is_one_line_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["listen", "run", str(tmp_path / "listen.yaml")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {tmp_path / 'listen.yaml'}: can't be read")


def test_the_schema_knows_every_source_and_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["listen", "schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert set(schema["properties"]) == {field.name for field in fields(ListenConfig)}
    kinds = schema["$defs"]["MachineConfig"]["properties"]["source"]["discriminator"]["mapping"]
    assert set(kinds) == {"alsa", "wav", "fifo", "stdin"}
    assert schema["additionalProperties"] is False


def test_check_says_what_would_be_listened_to(
    small_work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fifo = tmp_path / "microphone"
    os.mkfifo(fifo)
    source = {"kind": "fifo", "path": "microphone"}
    loaded(tmp_path, {"machines": [{"machine": "fan/id_02", "source": source, "model": str(small_work)}]})
    assert run(["listen", "check", str(tmp_path / "listen.yaml")]) == 0
    first, window, sliding = capsys.readouterr().out.splitlines()
    assert first.startswith("fan/id_02: fifo, threshold ")
    assert first.endswith("(thresholds.json, rung host, percentile of 4 normal clips)")
    assert window.endswith("model-generic.asdm: a score every 1.024 s")
    assert sliding.endswith("model-generic-sliding.asdm: a score every 0.064 s")
