"""What a host says of itself and a parcel -> every command that an update would run there, in order, with its input.

The commands come from the functions that the update itself calls; what a dry run has to ask, it asks by reading alone.
"""

from dataclasses import dataclass

from asd_edge.errors import FlashError
from asd_edge.flash.ssh_bare import (
    go_back_command,
    incoming_name,
    install_command,
    program_command,
    self_test_clip,
    self_test_command,
    sums_command,
)
from asd_edge.flash.ssh_copy import (
    append_command,
    arrive_command,
    held_bytes,
    look_command,
    part_path,
    remove_command,
    sum_command,
    unpack_command,
)
from asd_edge.flash.ssh_look import HostSlots, file_sums
from asd_edge.flash.ssh_own import RELOAD, go_back_own_command, install_own_command, model_folder
from asd_edge.flash.ssh_parcel import Parcel
from asd_edge.package.rauc_record import ModelRecord
from asd_edge.ssh_host import FOLDER_TEMPLATE, KEEPER, Connection

_ASK_HOME = f'echo "{FOLDER_TEMPLATE}"'
_SUMS = "hashes of the model's files"


@dataclass(frozen=True)
class Step:
    """A command in `sh` on the host; `takes`: into its stdin, "" for nothing; `n_bytes` None: not built yet."""

    command: str
    takes: str = ""
    n_bytes: int | None = 0


async def plan_install(connection: Connection, there: HostSlots, parcel: Parcel) -> tuple[Step, ...]:
    """What installs the parcel; of what an earlier run has sent, only the rest. Writes nothing."""
    path = part_path(there, parcel)
    n_held = held_bytes((await connection.run(look_command(path))).stdout, parcel.content)
    names = ", ".join(f"{name} {n_bytes:,}" for name, (_, n_bytes) in parcel.parts.items())
    behind = f", from byte {n_held:,} on" if n_held else ""
    copy = (
        Step(arrive_command(there.cache, path)),
        Step(append_command(path, n_held), f"{names}{behind}", len(parcel.content) - n_held),
        Step(sum_command(path)),
    )
    home = await _home(connection)
    if there.command is None:
        incoming = f"{there.slots}/{incoming_name(parcel)}"
        install = (
            Step(unpack_command(there.prefix or "", parcel, path, incoming)),
            *_check_steps(there, home, incoming, parcel.record),
            Step(install_command(there, parcel), _SUMS, len(file_sums(parcel.record))),
        )
    else:
        folder = model_folder(home)
        install = (
            Step(KEEPER),
            Step(unpack_command("", parcel, path, folder)),
            Step(install_own_command(there, folder)),
        )
    return (*copy, *install, Step(remove_command(path)), Step(RELOAD))


async def plan_go_back(connection: Connection, there: HostSlots) -> tuple[Step, ...]:
    """What makes the other slot's model active. Raises FlashError where it holds none."""
    record = there.models.get(there.other)
    if record is None:
        raise FlashError("no model was active before this one; install one")
    if there.command is not None:
        return Step(go_back_own_command(there)), Step(RELOAD)
    checks = _check_steps(there, await _home(connection), f"{there.slots}/{there.other}", record)
    return *checks, Step(go_back_command(there, record), _SUMS, len(file_sums(record))), Step(RELOAD)


def _check_steps(there: HostSlots, home: str, folder: str, record: ModelRecord) -> tuple[Step, ...]:
    tests = record.self_tests.items()
    clips = {name: self_test_clip(test, record.class_index) for name, test in tests}
    return (
        Step(sums_command(folder), _SUMS, len(file_sums(record))),
        Step(KEEPER),
        Step(program_command(home), f"score_clips, built here for {there.machine}", None),
        *(
            Step(self_test_command(home, folder, name), f"the self-test's clip, seed {test.seed}", len(clips[name]))
            for name, test in tests
        ),
    )


async def _home(connection: Connection) -> str:
    return (await connection.run(_ASK_HOME)).stdout.decode(errors="replace").strip()
