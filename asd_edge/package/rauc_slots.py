"""Two folders, 0 and 1, and a link `active` to the one in use: a model is checked, then made active in one step.

DESIGN.md says what a power cut leaves after each line.
"""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from asd_edge.errors import PackageError
from asd_edge.package.rauc_record import MOST_VERSION, RECORD_FILE, ModelRecord, check_model, load_record
from asd_edge.package.regular_file import read_regular_file

SLOTS_FOLDER = Path("/var/lib/asd-edge/models")
SLOTS, ACTIVE, LEAST_VERSION_FILE = ("0", "1"), "active", "least_version"
_INCOMING, _NEW_LINK, _NEW_LEAST, _LOCK = ".incoming", ".active", ".least_version", ".lock"
NO_VERSION = "no version number; write the last installed one into it"
_NONE_BEFORE = "no model was active before this one; install one"
_VERSION = re.compile("[0-9]{1,10}")
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
    active, of_active, of_other = active_slot(slots), None, None
    if active is not None:
        of_active, of_other = _version(active), _version(other_slot(slots))
    found = least_version_of(_kept(slots / LEAST_VERSION_FILE), of_active, of_other)
    if found is None:
        raise PackageError(f"{slots / LEAST_VERSION_FILE}: {NO_VERSION}")
    return found


def least_version_of(kept: str | None, of_active: int | None, of_other: int | None) -> int | None:
    """`kept`: what LEAST_VERSION_FILE holds, None where there is none; the versions: None for a damaged record, both
    where nothing is active. None: the file is damaged, so nobody knows which version may come in.
    """
    if kept is None:
        return next((version for version in (of_active, of_other) if version is not None), 0)
    number = kept.strip()
    if _VERSION.fullmatch(number) is None or int(number) > MOST_VERSION:
        return None
    return max(int(number), of_active or 0)  # a cut may have come between the switch and the file


def install_model(source: Path, slots: Path) -> ModelRecord:
    """Copy the files of the source's record, check them as they were written, and make them active.

    Raises PackageError for an older version than was active here before, for files that aren't the record's, for a
    self-test that fails and for a disk that is full; then the active model is as it was.
    """
    load_record(source)  # what is no model makes no folder
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
            if checked != record:
                raise PackageError(f"{source}: its record changed while it was copied; install it again")
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
    """Check the model that was active before, and make it active again. Raises PackageError where there is none.

    A damaged LEAST_VERSION_FILE stays as it is: it closes the way in, not the way back.
    """
    if not slots.exists():
        raise PackageError(f"{slots}: {_NONE_BEFORE}")
    with _locked(slots):
        slot = other_slot(slots)
        if not slot.exists():
            raise PackageError(f"{slots}: {_NONE_BEFORE}")
        record = check_model(slot)
        try:
            with suppress(PackageError):
                _keep_least_version(slots, least_version(slots))
            _switch(slots, slot)
        except OSError as error:
            raise PackageError(f"{error.filename or slots}: {error.strerror or error}; the model stays") from error
        return record


def _version(slot: Path) -> int | None:
    """None: its record is damaged, or gone."""
    try:
        return load_record(slot).version
    except PackageError:
        return None


def _kept(path: Path) -> str | None:
    """None: there is none; what can't be read is no number."""
    try:
        return read_regular_file(path).decode(errors="replace")
    except FileNotFoundError:
        return None
    except OSError:
        return ""


def _switch(slots: Path, slot: Path) -> None:
    link = slots / _NEW_LINK
    link.unlink(missing_ok=True)
    link.symlink_to(slot.name)
    link.replace(slots / ACTIVE)
    _sync(slots)


def _keep_least_version(slots: Path, version: int) -> None:
    path = slots / _NEW_LEAST
    path.write_text(f"{version}\n", encoding="utf-8")
    path.chmod(_ALL_MAY_READ)
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
