"""`asd-edge flash --host` against real sshds: models copied, tried, made active, and every way to keep the old one."""

import asyncio
import json
import shutil
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from asd_edge.boards import board_named
from asd_edge.cli import run
from asd_edge.errors import PackageError
from asd_edge.flash import ssh_look, ssh_update
from asd_edge.flash.ssh_look import look_at
from asd_edge.flash.ssh_parcel import bundle_parcel
from asd_edge.flash.ssh_update import HostOutcome, Wanted, update_hosts
from asd_edge.listen.model_images import load_images
from asd_edge.listen.thresholds_file import load_threshold
from asd_edge.package.bundle import Bundle
from asd_edge.package.package_work import PackageRequest
from asd_edge.package.rauc_bundle import check_rauc_is_here, package_rauc
from asd_edge.package.rauc_keys import write_new_rauc_keys
from asd_edge.package.rauc_record import WINDOW_IMAGE, check_model
from asd_edge.package.rauc_setup import CHECK_UNIT, write_setup
from asd_edge.package.rauc_slots import active_slot, least_version
from asd_edge.ssh_host import Connection, open_connection, parse_address
from tests.boards.local_sshd import LocalSshd, free_port
from tests.flash.conftest import Pair
from tests.flash.signed_bundles import BundleFile, bundle_of, write_bundle

SOME_FAILED, BAD_INPUT = 1, 2
SECONDS_TO_ARRIVE = 60.0
_CUT_BYTES = 5000
_SLOW_CAT = f'#!/bin/sh\n[ $# -eq 0 ] && head -c {_CUT_BYTES} && exec sleep 60\nexec /bin/cat "$@"\n'


@pytest.fixture(scope="module")
def installed(pair: Pair, bundle: BundleFile) -> tuple[HostOutcome, ...]:
    """Version 7 in ~/models of both; a test leaves it there."""
    return _update((pair.first, pair.second), "models", bundle.bundle)


def _update(hosts: Sequence[LocalSshd], slots: str, bundle: Bundle, programs: Path = Path()) -> tuple[HostOutcome, ...]:
    wanted = Wanted(board_named("rpi4"), bundle_parcel(bundle), slots=f"~/{slots}")
    return asyncio.run(update_hosts([parse_address(host.host) for host in hosts], wanted, programs))


def _failing(bundle: Bundle) -> Bundle:
    test = bundle.self_test
    return replace(bundle, version=8, self_test=replace(test, score_q16=test.score_q16 + 1))


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_two_hosts_take_a_model_that_the_service_reads(
    pair: Pair, bundle: BundleFile, installed: tuple[HostOutcome, ...]
) -> None:
    assert [(each.did, each.error, each.version, each.slot) for each in installed] == [("updated", None, 7, "0")] * 2
    for slots in pair.slots("models"):
        active = active_slot(slots)
        assert active == slots / "0"
        assert check_model(active).version == least_version(slots) == 7
        assert (active / WINDOW_IMAGE).read_bytes() == bundle.bundle.image
        assert load_threshold(active, "fan/id_00").value == 1.5
        assert load_images(active, "window")[0].kind == "window"
    for host in (pair.first, pair.second):
        assert not list((host.home / ".cache/asd-edge").iterdir()), "what arrived is in its slot"
        assert not list(host.temporary.iterdir())


def test_a_host_that_runs_it_is_left_alone_and_one_that_is_away_keeps_nobody(
    pair: Pair,
    bundle: BundleFile,
    installed: tuple[HostOutcome, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    away, hosts = f"127.0.0.1:{free_port()}", tmp_path / "hosts.txt"
    hosts.write_text(f"# the plant\n{away}\n\n{pair.second.host}  # hall 2\n")
    words = ["flash", *bundle.options, "--host", pair.first.host, "--hosts", str(hosts), "--slots", "~/models"]
    assert run(words) == SOME_FAILED
    printed = capsys.readouterr()
    runs = "version 7 for fan/id_00 in slot 0"
    assert printed.out.splitlines() == [
        f"{pair.first.host}: left alone; runs {runs}",
        f"{away}: failed: refuses; check that it is on, runs sshd, and its port; what it runs isn't known",
        f"{pair.second.host}: left alone; runs {runs}",
    ]
    assert printed.err == "error: 1 of 3 hosts failed; run the same command again for them\n"


def test_a_copy_that_was_cut_off_goes_on_where_it_was(pair: Pair, bundle: BundleFile) -> None:
    """The host's disk takes the first 5,000 bytes, then the cable is pulled."""
    cat, cache = pair.first.programs / "cat", pair.first.home / ".cache/asd-edge"
    wanted = replace(bundle.bundle, version=9)
    n_bytes = len(bundle_parcel(wanted).content)

    def pull_cable() -> None:
        end = time.monotonic() + SECONDS_TO_ARRIVE
        while sum(path.stat().st_size for path in cache.glob("*.part")) < _CUT_BYTES and time.monotonic() < end:
            time.sleep(0.02)
        pair.first.lose_connections()

    cat.write_text(_SLOW_CAT)
    cat.chmod(0o755)
    puller = threading.Thread(target=pull_cable)
    puller.start()
    (cut,) = _update([pair.first], "cut", wanted)
    puller.join()
    cat.unlink()
    assert (cut.did, cut.version) == ("failed", None)
    assert "the connection was lost; check the host" in str(cut.error)
    (again,) = _update([pair.first], "cut", wanted)
    assert (again.did, again.version) == ("updated", 9)
    assert (again.held_bytes, again.sent_bytes) == (_CUT_BYTES, n_bytes - _CUT_BYTES)


def test_what_is_no_part_of_it_is_sent_again(pair: Pair, bundle: BundleFile) -> None:
    wanted = _failing(bundle.bundle)
    parcel = bundle_parcel(wanted)
    part = pair.first.home / f".cache/asd-edge/{parcel.sha256}.part"
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_bytes(b"rotten")
    (found,) = _update([pair.first], "rotten", wanted)
    assert (found.held_bytes, found.sent_bytes) == (0, len(parcel.content))
    assert part.read_bytes() == parcel.content


def test_an_altered_bundle_is_refused_before_anything_is_sent(
    pair: Pair, bundle: BundleFile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = bytearray(bundle.path.read_bytes())
    content[-1] ^= 1
    altered = tmp_path / "altered.asdb"
    altered.write_bytes(content)
    words = [str(altered), "--public-key", str(bundle.public_key), "--host", pair.first.host, "--slots", "~/altered"]
    assert run(["flash", *words]) == BAD_INPUT
    printed = capsys.readouterr()
    assert "its image isn't the one that was signed" in printed.err
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert not (pair.first.home / "altered").exists()


def test_what_a_host_refuses_leaves_its_model_active(
    pair: Pair, bundle: BundleFile, installed: tuple[HostOutcome, ...], tmp_path: Path
) -> None:
    slots, _ = pair.slots("models")
    before = _files(slots / "active")
    (found,) = _update([pair.first], "models", _failing(bundle.bundle))
    assert (found.did, found.version, found.slot) == ("failed", 7, "0")
    assert "its asd-edge" in str(found.error)
    assert "self-test failed: score" in str(found.error)
    (older,) = _update([pair.first], "models", replace(bundle.bundle, version=6))
    assert (older.did, older.sent_bytes) == ("failed", 0)
    assert "version 6, and 7 was active here; package it with a higher --version" in str(older.error)
    assert (_files(slots / "active"), active_slot(slots)) == (before, slots / "0")


def test_going_back_twice_is_going_back_once(
    pair: Pair, bundle: BundleFile, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["flash", "--host", pair.second.host, "--slots", "~/back", "--json"]
    for version in (7, 8):
        assert _update([pair.second], "back", replace(bundle.bundle, version=version))[0].did == "updated"
    found = []
    for option in ("--dry-run", "--json", "--json"):
        assert run([*words, "--go-back", option]) == 0
        found += json.loads(capsys.readouterr().out)
    assert [(each["did"], each["version"]) for each in found] == [
        ("would go back", 8),
        ("went back", 7),
        ("left alone", 7),
    ]
    assert least_version(pair.second.home / "back") == 8
    assert run(["flash", "--host", pair.second.host, "--slots", "~/empty", "--go-back"]) == SOME_FAILED
    assert "failed: no model was active before this one; install one" in capsys.readouterr().out


def test_a_bare_host_ends_as_one_with_asd_edge_does(
    pair: Pair, bundle: BundleFile, installed: tuple[HostOutcome, ...], tmp_path: Path
) -> None:
    if shutil.which("cmake") is None:
        pytest.skip("cmake not found")
    slots, command = pair.second.home / "bare", pair.second.programs / "asd-edge"
    hidden = command.rename(command.with_name("hidden"))
    try:
        (found,) = _update([pair.second], "bare", bundle.bundle, tmp_path)
        assert (found.did, found.tried_by, found.error) == ("updated", "score_clips", None)
        assert _files(slots / "active") == _files(pair.first.home / "models/active")
        (bad,) = _update([pair.second], "bare", _failing(bundle.bundle), tmp_path)
        assert (bad.did, bad.version) == ("failed", 7)
        assert "self-test failed: score" in str(bad.error)
        (newer,) = _update([pair.second], "bare", replace(bundle.bundle, version=9), tmp_path)
        assert (newer.did, newer.version, newer.slot) == ("updated", 9, "1")
        address, back = parse_address(pair.second.host), Wanted(is_back=True, slots="~/bare")
        (old,) = asyncio.run(update_hosts([address], back, tmp_path))
        assert (old.did, old.version, old.slot, old.error) == ("went back", 7, "0", None)
    finally:
        hidden.rename(command)
    assert {path.name for path in slots.iterdir()} == {"0", "1", "active", "least_version", ".lock"}
    assert (least_version(slots), check_model(slots / "active").version) == (9, 7)
    assert not list(pair.second.temporary.iterdir())


def test_a_rauc_bundle_brings_both_images_and_none_but_its_like_follows(
    pair: Pair, bundle: BundleFile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        check_rauc_is_here()
    except PackageError as error:
        pytest.skip(str(error))
    key, stranger, path = tmp_path / "rauc.key", tmp_path / "other.key", tmp_path / "fan.raucb"
    certificate, _ = write_new_rauc_keys(key), write_new_rauc_keys(stranger)
    request = PackageRequest(board_named("rpi4"), "fan/id_00", key, 3, 1.5)
    package_rauc(bundle.path.parent / "work", request, path)
    words = ["flash", "--board", "rpi4", "--host", pair.first.host, "--slots", "~/rauc"]
    assert run([*words, str(path), "--public-key", f"{stranger}.crt"]) == BAD_INPUT
    assert "rauc refuses it: signature verification failed" in capsys.readouterr().err
    assert not (pair.first.home / "rauc").exists()
    assert run([*words, str(path), "--public-key", str(certificate)]) == 0
    assert "runs version 3 for fan/id_00 in slot 0" in capsys.readouterr().out
    assert [image.kind for image in load_images(pair.first.home / "rauc/active", "both")] == ["window", "sliding"]
    assert run([*words, *bundle.options]) == SOME_FAILED
    assert "this bundle has none; package it with --rauc; runs version 3" in capsys.readouterr().out


def test_a_host_says_which_command_and_slots_its_setup_wrote(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, command = tmp_path / "rauc.key.crt", pair.first.programs / "asd-edge"
    certificate.write_text("-----BEGIN CERTIFICATE-----\n")
    write_setup(tmp_path, board_named("rpi4"), certificate, tmp_path / "models", Path("/opt/env/bin/asd-edge"))
    monkeypatch.setattr(ssh_look, "_UNIT", tmp_path / "etc/systemd/system" / CHECK_UNIT)
    hidden = command.rename(command.with_name("hidden"))

    async def look() -> ssh_look.HostSlots:
        connection = await open_connection(parse_address(pair.first.host))
        try:
            return await look_at(connection, None)
        finally:
            await connection.close()

    try:
        found = asyncio.run(look())
    finally:
        hidden.rename(command)
    assert (found.command, found.slots) == ("/opt/env/bin/asd-edge", str(tmp_path / "models"))
    assert (found.running, found.least_version, found.prefix) == (None, 0, "")


@pytest.mark.parametrize("content", ["²\n".encode(), b"7\n8\n"])
def test_a_host_whose_least_version_is_damaged_takes_nothing_and_goes_back(
    pair: Pair, bundle: BundleFile, content: bytes
) -> None:
    slots = pair.first.home / "damaged"
    shutil.rmtree(slots, ignore_errors=True)
    for version in (7, 8):
        assert _update([pair.first], "damaged", replace(bundle.bundle, version=version))[0].did == "updated"
    (slots / "least_version").write_bytes(content)
    (refused,) = _update([pair.first], "damaged", replace(bundle.bundle, version=9))
    assert (refused.did, refused.version, refused.sent_bytes) == ("failed", 8, 0)
    assert f"{slots}/least_version: no version number; write the last installed one into it" in str(refused.error)
    back = Wanted(is_back=True, slots="~/damaged")
    found = [asyncio.run(update_hosts([parse_address(pair.first.host)], back, Path()))[0] for _ in range(2)]
    assert [(each.did, each.version) for each in found] == [("went back", 7), ("left alone", 7)]


def test_a_host_whose_record_is_damaged_remembers_its_version(pair: Pair, bundle: BundleFile) -> None:
    slots = pair.first.home / "torn"
    for version in (7, 8):
        assert _update([pair.first], "torn", replace(bundle.bundle, version=version))[0].did == "updated"
    (slots / "active/record.json").write_text("{")
    (older,) = _update([pair.first], "torn", bundle.bundle)
    assert "version 7, and 8 was active here" in str(older.error)
    (slots / "least_version").unlink()
    (older,) = _update([pair.first], "torn", replace(bundle.bundle, version=6))
    assert "version 6, and 7 was active here" in str(older.error)
    (newer,) = _update([pair.first], "torn", replace(bundle.bundle, version=9))
    assert (newer.did, newer.version) == ("updated", 9)


@pytest.mark.parametrize("said", ["", "x \\377\\n"])
def test_a_host_whose_programs_say_something_else_is_named(pair: Pair, bundle: BundleFile, said: str) -> None:
    programs = [pair.first.programs / name for name in ("wc", "sha256sum")]
    try:
        for program in programs:
            program.write_text(f"#!/bin/sh\nprintf '{said}'\n")
            program.chmod(0o755)
        odd, good = _update((pair.first, pair.second), "odd", bundle.bundle)
    finally:
        for program in programs:
            program.unlink()
    assert (odd.did, odd.sent_bytes) == ("failed", 0)
    assert "its wc and sha256sum say " in str(odd.error)
    assert good.error is None


def test_a_bug_on_one_host_is_its_line_and_the_others_go_on(
    pair: Pair, bundle: BundleFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = parse_address(pair.first.host)

    async def look(connection: Connection, slots: str | None) -> ssh_look.HostSlots:
        if connection.address == address:
            raise ValueError("a bug\nof two lines")
        return await look_at(connection, slots)

    monkeypatch.setattr(ssh_update, "look_at", look)
    bad, good = _update((pair.first, pair.second), "bug", bundle.bundle)
    assert (bad.did, bad.error, bad.is_known) == ("failed", "ValueError: a bug of two lines", False)
    assert good.did == "updated"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--host", "pi@"], "'pi@' is no host"),
        (["--hosts", "missing.txt"], "missing.txt: can't be read"),
        (["--host", "pi", "--port", "/dev/ttyACM0"], "--host takes no --port"),
        (["--slots", "~/models", "--port", "/dev/ttyACM0"], "--slots is for --host"),
        (["--host", "pi", "--slots", "models"], "--slots models: give a folder of the host from / or ~/ on"),
    ],
)
def test_what_names_no_host_is_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert run(["flash", *words]) == BAD_INPUT
    printed = capsys.readouterr()
    assert said in printed.err
    assert (printed.out, printed.err.count("\n")) == ("", 1)


def test_a_board_without_linux_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = write_bundle(tmp_path, bundle_of("nucleo-l4r5zi", bytes(1000)))
    assert run(["flash", *bundle.options, "--host", "pi"]) == BAD_INPUT
    assert "nucleo-l4r5zi: runs no Linux, so SSH doesn't reach it" in capsys.readouterr().err
