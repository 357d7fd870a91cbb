"""`asd-edge flash --host --dry-run` against a real sshd: every command that a real run then executes, and no other."""

import functools
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from asd_edge import ssh_host
from asd_edge.backends.linux_program import build_linux_program
from asd_edge.cli import run
from asd_edge.flash import ssh_update
from asd_edge.flash.ssh_parcel import bundle_parcel
from tests.boards.local_sshd import LocalSshd
from tests.flash.conftest import Pair
from tests.flash.signed_bundles import BundleFile, write_bundle

_HELD_BYTES = 5000
_PICKED = re.compile(r"(/asd-edge\.)\w{6}(?=[/ ])")  # by mktemp on the host, of its six X


@contextmanager
def _without_asd_edge(host: LocalSshd) -> Iterator[None]:
    command = host.programs / "asd-edge"
    hidden = command.rename(command.with_name("hidden"))
    try:
        yield
    finally:
        hidden.rename(command)


def _sent(words: list[str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a run has the host's shell do."""
    sent: list[str] = []
    in_sh = ssh_host._in_sh

    def record(command: str) -> str:
        sent.append(command)
        return in_sh(command)

    with monkeypatch.context() as patch:
        patch.setattr(ssh_host, "_in_sh", record)
        assert run(words) == 0
    return [_PICKED.sub(r"\1XXXXXX", command) for command in sent]


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _check_same(
    words: list[str], host: LocalSshd, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> list[str]:
    """The commands of a dry run, which are those of the real one behind it."""
    before = _files(host.home), _files(host.temporary)
    reading = _sent([*words, "--dry-run", "--json"], monkeypatch)
    steps = json.loads(capsys.readouterr().out)[0]["steps"]
    assert (_files(host.home), _files(host.temporary)) == before, "a dry run writes nothing"
    planned = [step["command"] for step in steps]
    assert run([*words, "--dry-run"]) == 0
    printed = capsys.readouterr().out.splitlines()
    shown = [line[4:] for line in printed if line.startswith(("  $ ", "  > "))]
    assert shown == [line for command in planned for line in command.strip("\n").split("\n")]
    executed = [command for command in _sent(words, monkeypatch) if command not in reading]
    assert executed == planned
    capsys.readouterr()
    return planned


@pytest.mark.parametrize("is_bare", [False, True], ids=["asd-edge there", "bare"])
def test_a_dry_run_prints_the_commands_of_the_real_run(
    pair: Pair,
    bundle: BundleFile,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    is_bare: bool,
) -> None:
    if is_bare and shutil.which("cmake") is None:
        pytest.skip("cmake not found")
    host, slots = pair.first, f"dry-{is_bare}"
    newer = write_bundle(tmp_path, replace(bundle.bundle, version=8))
    parcel = bundle_parcel(newer.bundle)
    part = host.home / f".cache/asd-edge/{parcel.sha256}.part"
    to_host = ["--host", host.host, "--slots", f"~/{slots}"]

    def same(*words: str) -> list[str]:
        return _check_same(["flash", *words, *to_host], host, monkeypatch, capsys)

    built = functools.cache(lambda machine: build_linux_program(machine, tmp_path / "programs"))
    monkeypatch.setattr(ssh_update, "build_linux_program", lambda machine, _: built(machine))  # once is enough
    if is_bare:
        assert run(["flash", *bundle.options, *to_host]) == 0
        capsys.readouterr()
    with _without_asd_edge(host) if is_bare else monkeypatch.context():
        first = [] if is_bare else same(*bundle.options)
        part.write_bytes(parcel.content[:_HELD_BYTES])  # of a run that was cut off
        second = same(*newer.options)
        back = same("--go-back")
    assert [command.split(" ", 2)[1] for command in (*first[1:2], second[1])] == [*([">"] * (not is_bare)), ">>"]
    assert any("score_clips" in command for command in back) == is_bare
    assert (host.home / slots / "active").readlink() == Path("0")


def test_a_dry_run_says_what_each_command_takes(
    pair: Pair, bundle: BundleFile, capsys: pytest.CaptureFixture[str]
) -> None:
    host, parcel = pair.second, bundle_parcel(bundle.bundle)
    part = host.home / f".cache/asd-edge/{parcel.sha256}.part"
    words = ["flash", *bundle.options, "--host", host.host, "--slots", "~/told", "--dry-run"]
    with _without_asd_edge(host):
        assert run(words) == 0
    lines = capsys.readouterr().out.splitlines()
    names = ", ".join(f"{name} {n_bytes:,}" for name, (_, n_bytes) in parcel.parts.items())
    assert lines[0] == f"{host.host}: would update; runs no model"
    assert lines[2:4] == [f"  $ cat > {part}", f"  # takes {len(parcel.content):,} bytes: {names}"]
    takes = [line.partition(": ")[2] or line.partition("takes ")[2] for line in lines if line.startswith("  # takes ")]
    assert [words.partition(",")[0] for words in takes[1:]] == [
        "hashes of the model's files",
        "score_clips",
        "the self-test's clip",
        "hashes of the model's files",
    ]
    assert not part.exists()
