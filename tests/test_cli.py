"""The command line as a user meets it: help, one-line errors, exit codes, interruption; stages have their own tests."""

import hashlib
import importlib.metadata
import io
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

from asd_edge import __version__, cli
from asd_edge.clip import download, mimii_sample
from asd_edge.clip.download import Archive
from asd_edge.clip.layouts import find_clips
from asd_edge.clip.synthesize import dataset
from tests.clip.zenodo_server import FakeZenodo, serve

RUN = "import sys; from asd_edge.cli import run; "
HEAVY = ("numpy", "torch", "scipy", "onnx", "onnxruntime", "lightning", "matplotlib", "soundfile", "requests", "rich")
SMALL_SYNTH = ("--machine-type", "valve", "--train", "1", "--test-normal", "0", "--test-anomaly", "1")


def commands(group: object = None, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    """(words of the command, the command) of everything but groups."""
    found = typer.main.get_command(cli.app) if group is None else group
    below = getattr(found, "commands", None)
    if below is None:
        yield path, found
        return
    for name, command in below.items():
        yield from commands(command, (*path, name))


COMMANDS = dict(commands())
command_case = pytest.mark.parametrize("words", COMMANDS, ids=" ".join)


def help_of(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> str:
    assert cli.run([*words, "--help"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    return printed.out


def examples(text: str) -> list[str]:
    """The command lines that the help shows."""
    return [line.strip() for line in text.splitlines() if line.startswith("    asd-edge ")]


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line with which a command refuses; exit code 2, nothing on stdout."""
    assert cli.run(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1
    return printed.err.strip()


def test_console_script_is_this_module_s_main() -> None:
    (script,) = importlib.metadata.entry_points(group="console_scripts", name="asd-edge")
    assert script.load() is cli.main


@command_case
def test_help_shows_an_example_of_the_command(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of(words, capsys)
    shown = examples(text)
    assert shown
    assert all(example.startswith(f"asd-edge {' '.join(words)} ") for example in shown)
    assert text.startswith(f"Usage: asd-edge {' '.join(words)} [OPTIONS]")
    assert "\b" not in text
    assert "None]" not in text
    assert re.search(r"default: [^\]]*\d{6}", text) is None  # 0.16666666666666666


@command_case
def test_examples_are_commands_that_parse(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    for example in examples(help_of(words, capsys)):
        arguments = shlex.split(example.split(" > ")[0])[1 + len(words) :]
        assert getattr(COMMANDS[words], "make_context")(words[-1], arguments) is not None  # noqa: B009 (not typed)


@command_case
def test_every_parameter_says_what_it_is(words: tuple[str, ...]) -> None:
    parameters = getattr(COMMANDS[words], "params")  # noqa: B009 (not typed)
    assert [parameter.name for parameter in parameters if not parameter.help] == []


def test_help_names_every_command_and_the_order_of_work(capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of((), capsys)
    assert all(f"  {words[0]} " in text for words in COMMANDS)
    for example in examples(text):
        assert tuple(shlex.split(example)[1:3]) in COMMANDS or (shlex.split(example)[1],) in COMMANDS


def test_help_of_every_command_loads_neither_numpy_nor_torch() -> None:
    code = RUN + "\nfor words in sys.argv[1:]:\n    assert run([*words.split(), '--help']) == 0, words\n"
    code += f"    print('loaded', words, [name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    paths = ["", "data", *(" ".join(words) for words in COMMANDS)]
    done = subprocess.run([sys.executable, "-c", code, *paths], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines() == [f"loaded {path} []" for path in paths]


def test_version_is_the_package_s(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--version"]) == 0
    assert capsys.readouterr().out == f"asd-edge {__version__}\n"


@pytest.mark.parametrize("words", [[], ["data"]])
def test_no_command_prints_the_help_and_fails(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("Usage: asd-edge")
    assert "Commands:" in printed.err


BAD_USAGE = {
    "unknown command": ("trian data", "No such command 'trian'", "see asd-edge --help"),
    "unknown command of a group": ("data sinth x", "No such command 'sinth'", "see asd-edge data --help"),
    "unknown option": ("data synth x --sed 1", "No such option: --sed", "see asd-edge data synth --help"),
    "argument missing": ("data synth", "Missing argument 'out_dir'", "see asd-edge data synth --help"),
    "option missing": ("data mimii-sample x", "Missing option '--from'", "see asd-edge data mimii-sample --help"),
    "value missing": ("data synth x --seed", "'--seed' requires an argument", "see asd-edge --help"),
    "not a number": ("data synth x --train many", "Invalid value for '--train'", "see asd-edge data synth --help"),
    "too many": ("data synth x y", "unexpected extra argument", "see asd-edge data synth --help"),
    "unknown choice": ("data download mnist", "'mnist' is not one of 'dcase2020'", "see asd-edge data download --help"),
}


@pytest.mark.parametrize("case", BAD_USAGE)
def test_bad_usage_is_one_line_that_says_where_help_is(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments, reason, where = BAD_USAGE[case]
    line = refused(arguments.split(), capsys)
    assert reason in line
    assert line.endswith(where)


BAD_INPUT = {
    "negative count": ("data synth {}/new --train -1", "-1 training clips: give 0 to 1000"),
    "negative seed": ("data synth {}/new --seed -1", "seed -1"),
    "unknown synthetic type": ("data synth {}/new --machine-type gearbox", "gearbox: not synthesized; choose from fan"),
    "output is a file": ("data synth {}/file", "can't be written"),
    "output below a file": ("data synth {}/file/below", "can't be written"),
    "clips of others": ("data synth {}/real", "holds files but"),
    "unknown set": ("data download dcase2020 -o {}/new --set test", "test: no such set of archives; choose from"),
    "unknown type": ("data download dcase2020 -o {}/new --machine-type gearbox", "gearbox: no such machine type"),
    "download into a file": ("data download dcase2020 -o {}/file --base-url http://127.0.0.1:9", "can't be written"),
    "no address": ("data download dcase2020 -o {}/get --base-url nowhere", "can't be fetched"),
    "no MIMII": ("data mimii-sample --from {}/nowhere {}/new", "missing, with 240 of the 240 recordings needed"),
    "MIMII is a file": ("data mimii-sample --from {}/file {}/new", "missing, with 240 of the 240 recordings needed"),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_one_line_and_leaves_nothing(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "real" / "fan").mkdir(parents=True)
    (tmp_path / "real" / "fan" / "clip.wav").touch()
    arguments, reason = BAD_INPUT[case]
    line = refused([word.replace("{}", str(tmp_path)) for word in arguments.split()], capsys)
    assert reason in line
    assert not (tmp_path / "new").exists()
    assert (tmp_path / "file").is_file()


def test_second_set_that_is_unknown_is_refused_before_the_first_is_fetched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = f"data download dcase2020 -o {tmp_path}/new --set dev --set devv --base-url http://127.0.0.1:9"
    assert "devv: no such set" in refused(arguments.split(), capsys)


@pytest.mark.parametrize("package", ["requests", "torch", "onnxscript", "sklearn.metrics"])
def test_missing_host_package_is_one_line_that_says_what_to_install(package: str, tmp_path: Path) -> None:
    """As on a device: the package can't be imported when the command asks for it."""
    fail = f"import sys, types; fake = types.ModuleType('asd_edge.clip.download'); sys.modules[{package!r}] = None; "
    fail += f"fake.__getattr__ = lambda name: __import__({package!r}); "
    fail += "sys.modules['asd_edge.clip.download'] = fake; "
    command = [sys.executable, "-c", fail + RUN + "sys.exit(run(sys.argv[1:]))", "data", "download", "dcase2020"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    name = package.split(".")[0]
    assert done.stderr.startswith(f"error: {name}")
    assert done.stderr.endswith("is not installed; this command needs asd-edge[host]: pip install 'asd-edge[host]'\n")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("error", [ZeroDivisionError("a bug"), ModuleNotFoundError("no such module", name="asd_edje")])
def test_bug_keeps_its_traceback(error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(dataset, "write_synthetic_dataset", fail)
    with pytest.raises(type(error)):
        cli.run(["data", "synth", str(tmp_path)])


def test_ctrl_c_says_how_to_go_on_and_ends_with_130(tmp_path: Path) -> None:
    """SIGINT as a terminal sends it, once the first clip is there; the default set would take minutes."""
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from asd_edge.cli import main; main()"
    )
    command = [sys.executable, "-c", code, "data", "synth", str(tmp_path / "out")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        while child.poll() is None and not any((tmp_path / "out").rglob("*.wav")):
            time.sleep(0.02)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
    assert (child.returncode, out, err) == (130, "", "interrupted: run the same command again\n")
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert {path.name[0] for path in files} <= {"n", "s"}  # normal_..., synthetic.json; no .temporary
    assert all(path.stat().st_size == 44 + 2 * 160_000 for path in files if path.suffix == ".wav")


def test_ctrl_c_before_the_work_begins_ends_with_130_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(download, "list_archives", interrupt)
    assert cli.run(["data", "download", "dcase2020", "-o", str(tmp_path)]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_reader_that_stops_reading_causes_no_traceback() -> None:
    """`asd-edge ... | head -0`: the pipe is closed before anything is printed."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    command = [sys.executable, "-c", "from asd_edge.cli import main; main()", "--help"]
    done = subprocess.run(command, stdout=write_end, stderr=subprocess.PIPE, text=True)
    os.close(write_end)
    assert "Traceback" not in done.stderr


def test_synth_writes_what_it_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["data", "synth", str(tmp_path), *SMALL_SYNTH, "--seed", "3"]) == 0
    printed = capsys.readouterr()
    assert printed.out == f"{tmp_path}: 6 clips of 1 machine types, seed 3\n"
    assert printed.err == ""
    assert len(find_clips(tmp_path)) == 6


def test_progress_is_shown_on_a_terminal_only(tmp_path: Path) -> None:
    master, terminal = pty.openpty()
    command = [
        sys.executable,
        "-c",
        "from asd_edge.cli import main; main()",
        "data",
        "synth",
        str(tmp_path),
        *SMALL_SYNTH,
    ]
    environ = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=terminal, env=environ, check=True, text=True)
    os.close(terminal)
    shown = os.read(master, 100_000).decode()
    os.close(master)
    assert "synthesizing" in shown
    assert done.stdout.endswith("seed 2020\n")


def test_download_fetches_unpacks_and_keeps_what_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("fan/train/normal_id_00_00000000.wav", b"sound")
    md5 = hashlib.md5(content.getvalue()).hexdigest()
    table = [Archive(name, "7", f"{name}_data_fan.zip", md5) for name in ("dev", "additional_train")]
    monkeypatch.setattr(download, "read_archive_table", lambda _: tuple(table))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    zenodo = FakeZenodo({f"/7/files/{archive.file}?download=1": content.getvalue() for archive in table}, drops=[20])
    arguments = ["data", "download", "dcase2020", "-o", str(tmp_path), "--set", "dev", "--set", "additional_train"]
    monkeypatch.setattr(download, "RETRY_DELAY_S", 0.0)
    with serve(zenodo):
        for _ in range(2):
            assert cli.run([*arguments, "--keep-archives", "--base-url", zenodo.url]) == 0
            lines = capsys.readouterr().out.splitlines()
            assert lines == [f"{archive.file}: in {tmp_path / 'fan'}" for archive in table]
    assert len(zenodo.requests) == 3
    assert (tmp_path / "fan" / "train" / "normal_id_00_00000000.wav").read_bytes() == b"sound"
    kept = sorted(path.name for path in (tmp_path / download.STATE_FOLDER).glob("*.zip"))
    assert kept == ["additional_train_data_fan.zip", "dev_data_fan.zip"]


def test_mimii_sample_says_how_tests_use_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(mimii_sample, "read_sample_table", lambda _: ())
    assert cli.run(["data", "mimii-sample", "--from", str(tmp_path), str(tmp_path / "out")]) == 0
    out_dir = tmp_path / "out"
    assert capsys.readouterr().out == f"{out_dir}: 0 clips; tests use them with ASD_EDGE_MIMII={out_dir}\n"
