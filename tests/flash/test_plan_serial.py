"""What a dry run over a serial line prints: the frames that an update sends, without a port."""

import json
from pathlib import Path

import pytest

from asd_edge.cli import run
from asd_edge.flash.plan_serial import plan_go_back, plan_look, plan_update
from asd_edge.package.bundle import HEADER_BYTES
from tests.flash.signed_bundles import bundle_of, write_bundle

# as in firmware/link/DESIGN.md
STATE, BEGIN, WRITE, INSTALL, GO_BACK, RESTART = 16, 17, 18, 19, 20, 21
PORT = "/dev/no-such-port"


@pytest.mark.parametrize("n_image", [1, 1023, 1024, 1025, 5000])
def test_the_frames_hold_the_bundle_once_and_in_order(tmp_path: Path, n_image: int) -> None:
    bundle = write_bundle(tmp_path, bundle_of("mps2-an386", bytes(range(256)) * 20)).bundle
    content = (tmp_path / "model.asdb").read_bytes()[: HEADER_BYTES + n_image]
    frames = plan_update(bundle, content)
    n_writes = -(-n_image // 1024)
    assert [frame.type for frame in frames] == [BEGIN, *[WRITE] * n_writes, INSTALL, RESTART, STATE]
    assert frames[0].body == content[:HEADER_BYTES]
    held = content[:HEADER_BYTES]
    for frame in frames[1 : 1 + n_writes]:
        assert int.from_bytes(frame.body[:4], "little") == len(held)
        held += frame.body[4:]
    assert held == content
    assert {frame.body for frame in frames[1 + n_writes :]} == {b""}


def test_going_back_and_looking_send_what_they_need() -> None:
    assert [frame.type for frame in plan_go_back()] == [STATE, GO_BACK, RESTART, STATE]
    assert [frame.type for frame in plan_look()] == [STATE]


def test_a_dry_run_prints_them_and_opens_no_port(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = write_bundle(tmp_path, bundle_of("mps2-an386", bytes(2500)))
    words = ["flash", *bundle.options, "--port", f"{PORT}@921600", "--dry-run"]
    assert run(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"# {PORT} at 921,600 baud: 7 frames, ")
    assert [line.partition(", ")[0] for line in lines[1:]] == [
        "BEGIN   512 bytes",
        "WRITE   2 x 1,028 bytes",
        "WRITE   456 bytes",
        "INSTALL 0 bytes",
        "RESTART 0 bytes",
        "STATE   0 bytes",
    ]
    assert run([*words, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["method"], said["port"], said["baud"]) == ("serial", PORT, 921_600)
    assert sum(each["n_frames"] * each["body_bytes"] for each in said["frames"]) == 512 + 2500 + 3 * 4
    assert all(each["line_bytes"] > each["n_frames"] * each["body_bytes"] for each in said["frames"])


@pytest.mark.parametrize(("option", "n_frames"), [("--go-back", 4), ("--json", 1)])
def test_a_dry_run_without_a_bundle_opens_no_port_either(
    option: str, n_frames: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["flash", "--port", PORT, "--dry-run", option, "--json"]) == 0
    assert sum(each["n_frames"] for each in json.loads(capsys.readouterr().out)["frames"]) == n_frames
