"""`asd-edge package --rauc` and `slots`: a bundle that Debian's RAUC installs, and every way to keep the old model."""

import hashlib
import json
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from asd_edge.boards import board_named
from asd_edge.cli import run
from asd_edge.errors import PackageError
from asd_edge.flash.ssh_parcel import rauc_parcel
from asd_edge.listen.model_images import IMAGE_FILES, load_images
from asd_edge.listen.thresholds_file import load_threshold
from asd_edge.package import run_rauc
from asd_edge.package.keys import write_new_keys
from asd_edge.package.package_work import PackageRequest
from asd_edge.package.rauc_bundle import check_rauc_is_here, package_rauc, write_rauc_bundle
from asd_edge.package.rauc_keys import check_rauc_keys, write_new_rauc_keys
from asd_edge.package.rauc_record import (
    RECORD_FILE,
    SLIDING_IMAGE,
    WINDOW_IMAGE,
    ModelRecord,
    check_model,
    load_record,
    record_text,
)
from asd_edge.package.rauc_slots import active_slot, go_back, install_model, least_version
from tests.package.rauc_device import Device, missing, running_device

MACHINE, THRESHOLD = "fan/id_02", 1.5
BAD_INPUT = 2


@dataclass(frozen=True)
class Made:
    """What one `package --rauc` gave; `model`: the folder within the bundle, taken out of it."""

    key: Path
    bundle: Path
    model: Path
    record: ModelRecord

    def files(self) -> dict[str, bytes]:
        """All but the record."""
        return {name: (self.model / name).read_bytes() for name in self.record.files}


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small detector of one-second windows, with thresholds. Read only."""
    from asd_edge.native import is_built
    from tests.listen.small_detector import write_small_work

    if not is_built():
        pytest.skip("no C library: there was no compiler at installation")
    return write_small_work(tmp_path_factory.mktemp("rauc_work"))


@pytest.fixture(scope="module")
def made(work: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    try:
        check_rauc_is_here()
    except PackageError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("made")
    key, bundle = folder / "rauc.key", folder / "fan.raucb"
    assert run(["keys", "new", str(key), "--rauc"]) == 0
    options = ["--board", "rpi4", "--machine", MACHINE, "--key", str(key), "--version", "3", "--rauc"]
    assert run(["package", str(work), *options, "--threshold", str(THRESHOLD), "-o", str(bundle)]) == 0
    subprocess.run(["unsquashfs", "-q", "-n", "-d", folder / "content", bundle], capture_output=True, check=True)
    model = folder / "content/model"
    return Made(key, bundle, model, load_record(model))


@pytest.fixture(scope="module")
def device(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Device]:
    reason = missing(tmp_path_factory.mktemp("probe"))
    if reason is not None:
        pytest.skip(reason)
    certificate = made.key.with_name("rauc.key.crt")
    with running_device(tmp_path_factory.mktemp("device"), certificate, "rpi4") as device:
        done = device.install(made.bundle)
        assert done.returncode == 0, done.stderr
        yield device


def _bundle(made: Made, path: Path, **changed: object) -> Path:
    """One with another record, signed by the right key."""
    write_rauc_bundle(path, made.record.model_copy(update=changed), made.files(), made.key)
    return path


def _failing_tests(made: Made) -> dict[str, object]:
    test = made.record.self_tests[SLIDING_IMAGE]
    return {**made.record.self_tests, SLIDING_IMAGE: test.model_copy(update={"score_q16": test.score_q16 + 1})}


def test_a_bundle_says_what_it_is_for_and_who_signed_it(made: Made) -> None:
    certificate = made.key.with_name("rauc.key.crt")
    command = ["rauc", f"--keyring={certificate}", "info", "--output-format=json", str(made.bundle)]
    found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert (found["compatible"], found["version"], found["description"]) == ("asd-edge-rpi4", "3", MACHINE)
    other = write_new_rauc_keys(made.key.with_name("other.key"))
    command[1] = f"--keyring={other}"
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert "signature verification failed" in refused.stderr


def test_the_listening_service_takes_the_folder_for_a_work_directory(made: Made) -> None:
    images = load_images(made.model, "both")
    assert [image.path.name for image in images] == [WINDOW_IMAGE, SLIDING_IMAGE] == list(IMAGE_FILES.values())
    assert load_threshold(made.model, MACHINE).value == THRESHOLD == made.record.threshold
    assert check_model(made.model) == made.record
    assert made.record.self_tests.keys() == {WINDOW_IMAGE, SLIDING_IMAGE}


def test_without_a_threshold_evaluates_file_travels_whole(made: Made, work: Path, tmp_path: Path) -> None:
    request = PackageRequest(board_named("rpi-zero-2w"), MACHINE, made.key, 1)
    path, record = package_rauc(work, request, tmp_path / "auto.raucb")
    thresholds = (work / "thresholds.json").read_bytes()
    assert record.files["thresholds.json"] == hashlib.sha256(thresholds).hexdigest()
    assert record.threshold == pytest.approx(load_threshold(work, MACHINE).value, abs=2**-17), "rounded to Q16"
    assert path.exists()


def test_rauc_installs_it_and_every_byte_arrives(made: Made, device: Device) -> None:
    assert active_slot(device.slots) == device.slots / "0"
    assert device.active_bytes() == {**made.files(), RECORD_FILE: record_text(made.record).encode()}
    assert stat.S_IMODE((device.slots / "active" / WINDOW_IMAGE).stat().st_mode) == 0o644
    assert run(["slots", "check", "--slots", str(device.slots)]) == 0


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"board": "rpi5"}, "Compatible mismatch"),
        ({"version": 2}, "version 2, and 3 was active here"),
        ({"files": {WINDOW_IMAGE: "0" * 64, SLIDING_IMAGE: "0" * 64}}, "isn't the file of the record; install"),
        ("failing self-test", "self-test failed: score"),
    ],
)
def test_rauc_keeps_the_old_model(
    made: Made, device: Device, tmp_path: Path, changed: dict[str, object] | str, said: str
) -> None:
    before, slot = device.active_bytes(), active_slot(device.slots)
    update = {"self_tests": _failing_tests(made), "version": 4} if isinstance(changed, str) else changed
    done = device.install(_bundle(made, tmp_path / "other.raucb", **update))
    assert done.returncode != 0
    assert said in device.log.read_text()
    assert (device.active_bytes(), active_slot(device.slots)) == (before, slot)


@pytest.mark.parametrize("place", ["content", "signature"])
def test_rauc_refuses_an_altered_bundle(made: Made, device: Device, tmp_path: Path, place: str) -> None:
    before = device.active_bytes()
    content = bytearray(made.bundle.read_bytes())
    content[len(content) // 3 if place == "content" else -100] ^= 1
    altered = tmp_path / "altered.raucb"
    altered.write_bytes(content)
    done = device.install(altered)
    assert done.returncode != 0
    assert "signature" in done.stdout + done.stderr
    assert device.active_bytes() == before


def test_a_second_model_takes_the_other_slot_and_the_first_can_come_back(made: Made, tmp_path: Path) -> None:
    slots, newer = tmp_path / "models", tmp_path / "newer"
    install_model(made.model, slots)
    shutil.copytree(made.model, newer)
    (newer / RECORD_FILE).write_text(record_text(made.record.model_copy(update={"version": 9})))
    assert install_model(newer, slots).version == 9
    assert active_slot(slots) == slots / "1"
    assert go_back(slots) == made.record
    assert (active_slot(slots), least_version(slots)) == (slots / "0", 9)
    with pytest.raises(PackageError, match="version 3, and 9 was active here"):
        install_model(made.model, slots)


def test_a_boot_goes_back_from_a_model_that_rotted(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    slots = tmp_path / "models"
    install_model(made.model, slots)
    install_model(made.model, slots)
    image = slots / "1" / WINDOW_IMAGE
    content = bytearray(image.read_bytes())
    content[-1] ^= 1
    image.write_bytes(content)
    check = ["slots", "check", "--slots", str(slots)]
    assert run(check) == BAD_INPUT
    assert active_slot(slots) == slots / "1"
    assert run([*check, "--or-go-back"]) == 0
    assert f"{image}: isn't the file of the record" in capsys.readouterr().err
    assert active_slot(slots) == slots / "0"


@pytest.mark.parametrize("left", [".incoming", ".active", "1"])
def test_what_a_power_cut_left_is_in_nobodys_way(made: Made, tmp_path: Path, left: str) -> None:
    slots = tmp_path / "models"
    install_model(made.model, slots)
    if left == ".active":
        (slots / left).symlink_to("1")
    else:
        (slots / left).mkdir()
        (slots / left / RECORD_FILE).write_text("{")
    (slots / "least_version").unlink()
    assert least_version(slots) == made.record.version
    if left == "1":
        with pytest.raises(PackageError, match="no record of a model"):
            go_back(slots)
        assert active_slot(slots) == slots / "0"
    assert install_model(made.model, slots) == made.record
    assert active_slot(slots) == slots / "1"
    assert not (slots / ".incoming").exists()


@pytest.mark.parametrize(
    ("alter", "said"),
    [
        ({"files": {"../x": "0" * 64}}, "no record of a model"),
        ({"self_tests": {}}, "no self-test of model-generic.asdm"),
        ({"extra": 1}, "no record of a model"),
        ({"format": "asd-edge model 2"}, "no record of a model"),
    ],
)
def test_a_record_that_is_none_is_refused(made: Made, tmp_path: Path, alter: dict[str, object], said: str) -> None:
    (tmp_path / RECORD_FILE).write_text(json.dumps({**made.record.model_dump(), **alter}))
    with pytest.raises(PackageError, match=said):
        load_record(tmp_path)


def test_keys_are_the_owners_alone_and_belong_together(tmp_path: Path) -> None:
    key = tmp_path / "rauc.key"
    certificate = write_new_rauc_keys(key)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert check_rauc_keys(key) == certificate
    with pytest.raises(PackageError, match="exists; a key is never overwritten"):
        write_new_rauc_keys(key)
    certificate.write_bytes(write_new_rauc_keys(tmp_path / "other.key").read_bytes())
    with pytest.raises(PackageError, match="of another key than"):
        check_rauc_keys(key)
    certificate.unlink()
    with pytest.raises(PackageError, match="missing, the key's certificate"):
        check_rauc_keys(key)
    write_new_keys(tmp_path / "plant.key")
    with pytest.raises(PackageError, match="signs with an EC key, and this is none"):
        check_rauc_keys(tmp_path / "plant.key")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--board", "mps2-an386"), "mps2-an386: runs no Linux"),
        (("--key", "missing.key"), "missing.key: can't be read"),
        (("--version", "4294967296"), "version 4294967296: choose one from 1 to 4294967295"),
        (("--threshold", "nan"), "threshold nan: choose a number"),
        (("--least-firmware", "2"), "--least-firmware is for boards without Linux"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    made: Made, work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, str], said: str
) -> None:
    given = {"--board": "rpi4", "--machine": MACHINE, "--key": str(made.key), "--threshold": "1", "--version": "1"}
    given |= dict([options])
    out = tmp_path / "out.raucb"
    words = [word for pair in given.items() for word in pair]
    assert run(["package", str(work), "--rauc", "-o", str(out), *words]) == BAD_INPUT
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.err.count("\n") == 1
    assert not out.exists()


def test_a_rauc_that_never_ends_is_given_up(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rauc = tmp_path / "rauc"
    rauc.write_text("#!/bin/sh\nexec sleep 60\n")
    rauc.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(run_rauc, "_SECONDS", 0.2)
    with pytest.raises(PackageError, match=r"out\.raucb: no end of rauc bundle after 0 s; run the same command again"):
        write_rauc_bundle(tmp_path / "out.raucb", made.record, made.files(), made.key)
    with pytest.raises(PackageError, match="no end of rauc extract after 0 s"):
        rauc_parcel(made.bundle, [made.key.with_name("rauc.key.crt")])
    assert not (tmp_path / "out.raucb").exists()


def test_setup_leaves_a_rauc_that_serves_something_else_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    certificate, conf = write_new_rauc_keys(tmp_path / "rauc.key"), tmp_path / "etc/rauc/system.conf"
    setup = ["slots", "setup", "--board", "rpi4", "--certificate", str(certificate), "--root", str(tmp_path)]
    assert run(setup) == 0
    assert "compatible=asd-edge-rpi4\n" in conf.read_text()
    assert not any("@" in path.read_text() for path in (tmp_path / "etc/systemd").rglob("*.*") if path.is_file())
    assert run(setup) == 0, "again"
    conf.write_text("[system]\ncompatible=gateway\n")
    assert run(setup) == BAD_INPUT
    assert "RAUC is set up for something else here" in capsys.readouterr().err
    assert conf.read_text() == "[system]\ncompatible=gateway\n"
