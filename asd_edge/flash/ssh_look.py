"""What a computer with slots says of itself over SSH: which models it holds, by what it installs, and who may write."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from asd_edge.boards import Board
from asd_edge.errors import FlashError
from asd_edge.flash.ssh_parcel import Parcel
from asd_edge.package.rauc_record import RECORD_FILE, SLIDING_IMAGE, ModelRecord
from asd_edge.package.rauc_setup import CHECK_UNIT
from asd_edge.package.rauc_slots import ACTIVE, LEAST_VERSION_FILE, NO_VERSION, SLOTS, SLOTS_FOLDER, least_version_of
from asd_edge.ssh_host import Connection

_UNIT = f"/etc/systemd/system/{CHECK_UNIT}"  # written by `asd-edge slots setup`: its command, its slots
_KEPT = "kept "  # before what its least_version holds
_FOLDER = re.compile(r"(?:/|~/)[^\n\0]*")
# Says one line each; the slots' nearest folder that exists decides who may write.
_LOOK = """
said=$(sed -n 's/^ExecStart=\\([^ ]*\\) slots check --slots \\([^ ]*\\) .*/\\1 \\2/p' {unit} 2>/dev/null | head -n 1)
slots={slots}
[ -n "$slots" ] || slots=${{said#* }}
[ -n "$slots" ] || slots={default}
near=$slots
while [ ! -e "$near" ]; do near=$(dirname "$near"); done
if [ -w "$near" ]; then as=user; elif sudo -n true 2>/dev/null; then as=sudo; else as=nobody; fi
printf '%s\\n' "$slots" "${{XDG_CACHE_HOME:-$HOME/.cache}}/asd-edge" "$(uname -m)" \\
    "$(command -v asd-edge || echo "${{said% *}}")" "$as" "$(readlink "$slots/{active}")" \\
    "$(if [ -e "$slots/{least}" ]; then echo "kept $(tr '\\n' ' ' < "$slots/{least}")"; fi 2>/dev/null)" \\
    "$(cat /proc/device-tree/model 2>/dev/null | tr -d '\\000')"
"""


@dataclass(frozen=True)
class HostSlots:
    """What a host says of itself; `prefix`: of a command that writes to the slots, such as "sudo -n "."""

    slots: str
    cache: str
    machine: str  # as `uname -m` says
    command: str | None  # its asd-edge
    prefix: str | None  # None: nobody here may write
    active: str | None
    models: Mapping[str, ModelRecord]  # by slot
    least_version: int | None  # None: nobody knows, its file is damaged
    hardware: str  # "" where the host doesn't say

    @property
    def running(self) -> ModelRecord | None:
        return None if self.active is None else self.models.get(self.active)

    @property
    def other(self) -> str:
        return SLOTS[0] if self.active is None or self.active == SLOTS[1] else SLOTS[1]


def check_slots_folder(slots: str) -> None:
    """Raises FlashError for one that depends on where a command starts."""
    if _FOLDER.fullmatch(slots) is None:
        raise FlashError(f"--slots {slots}: give a folder of the host from / or ~/ on")


async def look_at(connection: Connection, slots: str | None) -> HostSlots:
    """`slots`: None for where the host keeps them."""
    text = _LOOK.format(unit=_UNIT, slots=_word(slots), default=SLOTS_FOLDER, active=ACTIVE, least=LEAST_VERSION_FILE)
    said = (await connection.run(text)).stdout.decode(errors="replace").splitlines()
    folder, cache, machine, command, as_whom, active, least, hardware = (said + [""] * 8)[:8]
    models = {}
    for slot in SLOTS:
        content = (await connection.run(f"cat {shlex.quote(f'{folder}/{slot}/{RECORD_FILE}')}")).stdout
        try:
            models[slot] = ModelRecord.model_validate_json(content)
        except ValidationError:
            continue  # empty, or no model that could be gone back to
    versions = {slot: model.version for slot, model in models.items()} if active in SLOTS else {}
    kept = least.removeprefix(_KEPT) if least.startswith(_KEPT) else None
    return HostSlots(
        folder,
        cache,
        machine,
        command or None,
        {"user": "", "sudo": "sudo -n "}.get(as_whom),
        active if active in SLOTS else None,
        models,
        least_version_of(kept, versions.pop(active, None), next(iter(versions.values()), None)),
        hardware,
    )


async def runs_already(connection: Connection, there: HostSlots, parcel: Parcel) -> bool:
    """Whether the active model is the parcel's, byte for byte."""
    if there.running != parcel.record:
        return False
    folder = shlex.quote(f"{there.slots}/{there.active}")
    return (await connection.run(f"cd {folder} && sha256sum -c - > /dev/null", file_sums(parcel.record))).code == 0


def check_may_install(there: HostSlots, parcel: Parcel, board: Board) -> None:
    """Raises FlashError before anything is sent."""
    check_may_write(there)
    meant = board.device_tree_model
    if there.hardware and meant is not None and not there.hardware.startswith(meant):
        raise FlashError(f"is a {there.hardware}, and {board.name} is a {meant}; package the model for its board")
    if there.least_version is None:
        raise FlashError(f"{there.slots}/{LEAST_VERSION_FILE}: {NO_VERSION}")
    if parcel.record.version < there.least_version:
        raise FlashError(
            f"version {parcel.record.version}, and {there.least_version} was active here; "
            "package it with a higher --version"
        )
    if there.running is not None and SLIDING_IMAGE in there.running.files and SLIDING_IMAGE not in parcel.record.files:
        raise FlashError(
            "the model there has an image for a stream too, and this bundle has none; package it with --rauc"
        )


def check_may_write(there: HostSlots) -> None:
    """Raises FlashError for a user who can't write the slots."""
    if there.prefix is None:
        raise FlashError(
            f"{there.slots} can't be written; log in as root, let sudo ask no password, or give --slots ~/models"
        )


def file_sums(record: ModelRecord) -> bytes:
    """For `sha256sum -c`."""
    return "".join(f"{sha256}  {name}\n" for name, sha256 in record.files.items()).encode()


def _word(folder: str | None) -> str:
    """For `sh`, which knows the user's home there."""
    if folder is None:
        return "''"
    return f'"$HOME"/{shlex.quote(folder[2:])}' if folder.startswith("~/") else shlex.quote(folder)
