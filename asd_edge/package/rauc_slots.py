"""Two folders, 0 and 1, and a link `active` to the one in use: a model is checked, then made active in one step.

DESIGN.md says what a power cut leaves after each line.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from asd_edge.errors import PackageError
from asd_edge.package.rauc_record import RECORD_FILE, ModelRecord, check_model, load_record

SLOTS_FOLDER = Path("/var/lib/asd-edge/models")
SLOTS, ACTIVE, LEAST_VERSION_FILE = ("0", "1"), "active", "least_version"
_INCOMING, _NEW_LINK, _NEW_LEAST, _LOCK = ".incoming", ".active", ".least_version", ".lock"
_ALL_MAY_READ, _ALL_MAY_ENTER = 0o644, 0o755  # the service runs as a user of its own


def active_slot(slots: Path) -> Path | None:
    """None: nothing was installed. Raises PackageError for a link to anywhere but a slot."""
    link = slots / ACTIVE
    try:
        target = str(link.readlink())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise PackageError(
            f"{link}: no link to a slot ({error.strerror or error}); remove it, install again"
        ) from error
    if target not in SLOTS:
        raise PackageError(f"{link}: leads to {target}, to no slot; remove it, install again")
    return slots / target


def other_slot(slots: Path) -> Path:
    """The one that isn't active: it holds the model that was active before, or nothing."""
    active = active_slot(slots)
    return slots / (SLOTS[0] if active is None or active.name == SLOTS[1] else SLOTS[1])


def least_version(slots: Path) -> int:
    """The highest version that was ever active here; 0: none was. Raises PackageError for a damaged file."""
    path, active = slots / LEAST_VERSION_FILE, active_slot(slots)
    try:
        kept = int(path.read_text(encoding="utf-8")) if path.exists() else 0
    except (OSError, ValueError) as error:
        raise PackageError(f"{path}: no version number; write the last installed one into it") from error
    of_active = load_record(active).version if active is not None and (active / RECORD_FILE).exists() else 0
    return max(kept, of_active)  # a cut may have come between the switch and the file


def install_model(source: Path, slots: Path) -> ModelRecord:
    """Copy the files of the source's record, check them as they were written, and make them active.

    Raises PackageError for an older version than was active here before, for files that aren't the record's, for a
    self-test that fails and for a disk that is full; then the active model is as it was.
    """
    with _locked(slots):
        record, least = load_record(source), least_version(slots)
        if record.version < least:
            raise PackageError(
                f"{source}: version {record.version}, and {least} was active here; package it with a higher --version"
            )
        incoming, slot = slots / _INCOMING, other_slot(slots)
        try:
            _copy(source, [*record.files, RECORD_FILE], incoming)
            checked = check_model(incoming)
            shutil.rmtree(slot, ignore_errors=True)
            incoming.rename(slot)
            _sync(slots)
            _switch(slots, slot)
            _keep_least_version(slots, max(least, checked.version))
        except OSError as error:
            raise PackageError(f"{error.filename or slots}: {error.strerror or error}; the old model stays") from error
        finally:
            shutil.rmtree(incoming, ignore_errors=True)
        return checked


def go_back(slots: Path) -> ModelRecord:
    """Check the model that was active before, and make it active again. Raises PackageError where there is none."""
    with _locked(slots):
        slot = other_slot(slots)
        if not slot.exists():
            raise PackageError(f"{slots}: no model was active before this one; install one")
        record, least = check_model(slot), least_version(slots)
        try:
            _keep_least_version(slots, least)
            _switch(slots, slot)
        except OSError as error:
            raise PackageError(f"{error.filename or slots}: {error.strerror or error}; the model stays") from error
        return record


def _switch(slots: Path, slot: Path) -> None:
    link = slots / _NEW_LINK
    link.unlink(missing_ok=True)
    link.symlink_to(slot.name)
    link.replace(slots / ACTIVE)
    _sync(slots)


def _keep_least_version(slots: Path, version: int) -> None:
    path = slots / _NEW_LEAST
    path.write_text(f"{version}\n", encoding="utf-8")
    _sync(path)
    path.replace(slots / LEAST_VERSION_FILE)
    _sync(slots)


def _copy(source: Path, names: list[str], folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    folder.chmod(_ALL_MAY_ENTER)
    for name in names:
        path = folder / name
        shutil.copyfile(source / name, path)
        path.chmod(_ALL_MAY_READ)
        _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    """What was written to the file or folder is on the disk afterwards."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _locked(slots: Path) -> Iterator[None]:
    """One process at a time. Raises PackageError where the folder can't be made."""
    try:
        slots.mkdir(parents=True, exist_ok=True)
        slots.chmod(_ALL_MAY_ENTER)
        file = (slots / _LOCK).open("w", encoding="utf-8")
    except OSError as error:
        raise PackageError(f"{slots}: can't be written ({error.strerror or error}); run this as root") from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
