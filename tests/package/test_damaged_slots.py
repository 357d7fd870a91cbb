"""What rots in a computer's slots, or is altered while it is copied: the way back stays open, no older model comes."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from asd_edge.cli import run
from asd_edge.errors import PackageError
from asd_edge.flash.ssh_parcel import bundle_parcel
from asd_edge.package import rauc_slots
from asd_edge.package.rauc_record import RECORD_FILE
from asd_edge.package.rauc_slots import active_slot, install_model, least_version
from asd_edge.package.self_test import run_self_test
from tests.flash.signed_bundles import bundle_of

BAD_INPUT = 2
Models = dict[int, Path]  # by version


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    """Versions 1, 2 and 3 of one small model, each in the folder that a bundle brings. Read only."""
    from asd_edge.native import is_built
    from tests.listen.small_detector import WINDOW, write_small_work

    if not is_built():
        pytest.skip("no C library: there was no compiler at installation")
    folder = tmp_path_factory.mktemp("models")
    image = (write_small_work(folder / "work") / "model-generic.asdm").read_bytes()
    parcel = bundle_parcel(bundle_of("rpi4", image, self_test=run_self_test(image, WINDOW, 0, 1)))
    made = {}
    for version in (1, 2, 3):
        made[version] = folder / str(version)
        made[version].mkdir()
        for name, (first, n_bytes) in parcel.parts.items():
            (made[version] / name).write_bytes(parcel.content[first : first + n_bytes])
        _alter_record(made[version], version=version)
    return made


@pytest.fixture
def slots(models: Models, tmp_path: Path) -> Path:
    """Version 1 in slot 0, version 2 in slot 1 and active."""
    folder = tmp_path / "slots"
    for version in (1, 2):
        install_model(models[version], folder)
    return folder


def _alter_record(folder: Path, **changed: object) -> None:
    path = folder / RECORD_FILE
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **changed}))


def _tear(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:200])


@pytest.mark.parametrize("damage", [_tear, Path.unlink, lambda path: shutil.rmtree(path.parent)])
def test_a_boot_goes_back_from_a_damaged_record_and_remembers_its_version(
    models: Models, slots: Path, damage: Callable[[Path], None]
) -> None:
    damage(slots / "1" / RECORD_FILE)
    assert run(["slots", "check", "--or-go-back", "--slots", str(slots)]) == 0
    assert (active_slot(slots), least_version(slots)) == (slots / "0", 2)
    with pytest.raises(PackageError, match="version 1, and 2 was active here"):
        install_model(models[1], slots)
    assert install_model(models[3], slots).version == 3


def test_a_damaged_record_is_in_no_newer_models_way(models: Models, slots: Path) -> None:
    _tear(slots / "1" / RECORD_FILE)
    with pytest.raises(PackageError, match="version 1, and 2 was active here"):
        install_model(models[1], slots)
    assert install_model(models[3], slots).version == 3
    assert active_slot(slots) == slots / "0"


def test_without_record_and_file_the_other_slots_version_counts(models: Models, slots: Path) -> None:
    install_model(models[3], slots)
    _tear(slots / "0" / RECORD_FILE)
    (slots / "least_version").unlink()
    assert least_version(slots) == 2
    with pytest.raises(PackageError, match="version 1, and 2 was active here"):
        install_model(models[1], slots)


@pytest.mark.parametrize("content", [b"", b"two\n", b"-3\n", "²\n".encode(), b"\xff\n", b"1_0\n", b"4294967296\n"])
def test_a_damaged_least_version_lets_nothing_in_and_closes_no_way_back(
    models: Models, slots: Path, content: bytes
) -> None:
    (slots / "least_version").write_bytes(content)
    with pytest.raises(PackageError, match="no version number; write the last installed one into it"):
        install_model(models[3], slots)
    assert active_slot(slots) == slots / "1"
    _tear(slots / "1" / RECORD_FILE)
    assert run(["slots", "check", "--or-go-back", "--slots", str(slots)]) == 0
    assert active_slot(slots) == slots / "0"
    with pytest.raises(PackageError, match="no version number"):
        install_model(models[1], slots)
    (slots / "least_version").write_text("2\n")
    assert install_model(models[3], slots).version == 3


def test_a_record_that_changes_while_it_is_copied_is_refused(
    models: Models, slots: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, copy = tmp_path / "source", rauc_slots._copy
    shutil.copytree(models[3], source)

    def copy_another(given: Path, names: list[str], folder: Path) -> None:
        shutil.copyfile(models[1] / RECORD_FILE, source / RECORD_FILE)
        copy(given, names, folder)

    monkeypatch.setattr(rauc_slots, "_copy", copy_another)
    with pytest.raises(PackageError, match="changed while it was copied"):
        install_model(source, slots)
    assert (active_slot(slots), least_version(slots)) == (slots / "1", 2)
    assert sorted(path.name for path in slots.iterdir()) == [".lock", "0", "1", "active", "least_version"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"class_index": 2**40}, "class_index: Input should be less than"),
        ({"threshold": float("nan")}, "threshold: Input should be a finite number"),
        ({"threshold": 1e30}, "threshold: Input should be less than"),
        ({"score_q16": 10**400}, "score_q16: Input should be less than"),
    ],
)
def test_a_number_out_of_range_is_one_line(
    models: Models, tmp_path: Path, capsys: pytest.CaptureFixture[str], changed: dict[str, object], said: str
) -> None:
    source = tmp_path / "source"
    shutil.copytree(models[3], source)
    if "score_q16" in changed:
        tests = json.loads((source / RECORD_FILE).read_bytes())["self_tests"]
        changed = {"self_tests": {name: {**test, **changed} for name, test in tests.items()}}
    _alter_record(source, **changed)
    assert run(["slots", "install", str(source), "--slots", str(tmp_path / "slots")]) == BAD_INPUT
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.err.count("\n") == 1
    assert not (tmp_path / "slots/active").exists()
