"""The slots of a host without asd-edge: the steps of rauc_slots in `sh`, the self-test by the firmware's score_clips.

score_clips is one static program: it needs no Python, library or package there, and gives the firmware's own bits.
"""

import hashlib
import shlex
from collections.abc import Awaitable, Callable
from contextlib import suppress

from asd_edge.backends.score_records import Q16, ClipToRun, read_run, write_clips
from asd_edge.errors import AsdEdgeError, BackendError, FlashError
from asd_edge.flash.ssh_copy import unpack_parcel
from asd_edge.flash.ssh_look import HostSlots, file_sums
from asd_edge.flash.ssh_parcel import Parcel
from asd_edge.package.rauc_record import ImageTest, ModelRecord
from asd_edge.package.rauc_slots import ACTIVE, LEAST_VERSION_FILE
from asd_edge.package.self_test import self_test_samples
from asd_edge.ssh_host import Connection, Finished

ProgramFor = Callable[[str], Awaitable[bytes]]  # `uname -m` -> score_clips for it
# In `slots`, under the lock that asd-edge takes too; nothing was installed since the host was looked at.
_LOCKED = """
set -eu; umask 022; cd {slots}; exec 9>.lock; flock 9
if [ "$(readlink {active} || :)" != {was_active} ]; then echo "another installation came between" >&2; exit 3; fi
"""
_MOVE_IN = (
    "cd {incoming}; sha256sum -c - > /dev/null; cd ..; rm -rf {slot}; mv {incoming} {slot}; rm -rf .incoming-*; sync\n"
)
_SWITCH = "rm -f .active; ln -s {slot} .active; mv -T .active {active}; sync\n"
_KEEP_LEAST = "echo {version} > .least_version; sync; mv -f .least_version {least}; sync\n"


async def install_bare(
    connection: Connection, there: HostSlots, parcel: Parcel, part: str, program_for: ProgramFor
) -> None:
    """Unpack beside the slots, try, make active. Raises FlashError where it fails: the active model is as it was."""
    incoming = incoming_name(parcel)
    folder = f"{there.slots}/{incoming}"
    try:
        await unpack_parcel(connection, there.prefix or "", parcel, part, folder)
        await _check_model(connection, folder, parcel.record, program_for, there.machine)
        await _run_script(connection, there, install_command(there, parcel), parcel.record)
    except AsdEdgeError:
        with suppress(BackendError):  # a lost connection leaves it; the next run throws it away
            await connection.run(f"{there.prefix}rm -rf {shlex.quote(folder)}")
        raise


async def go_back_bare(connection: Connection, there: HostSlots, program_for: ProgramFor) -> None:
    """Try the model that was active before, make it active. Raises FlashError where there is none or it fails."""
    record = there.models.get(there.other)
    if record is None:
        raise FlashError("no model was active before this one; install one")
    await _check_model(connection, f"{there.slots}/{there.other}", record, program_for, there.machine)
    await _run_script(connection, there, go_back_command(there, record), record)


async def _check_model(
    connection: Connection, folder: str, record: ModelRecord, program_for: ProgramFor, machine: str
) -> None:
    """As rauc_record.check_model, there. Raises FlashError."""
    done = await connection.run(sums_command(folder), file_sums(record))
    if done.code != 0:
        raise FlashError(f"{folder}: its files aren't the record's; install the bundle again")
    program, home = await program_for(machine), await connection.make_folder()
    written = await connection.run(program_command(home), program)
    if written.code != 0:
        raise FlashError(f"{home} can't be written there: {written.last_words}; free space there")
    for name, test in record.self_tests.items():
        run = await connection.run(self_test_command(home, folder, name), self_test_clip(test, record.class_index))
        _check_self_test(name, test, run)


def _check_self_test(name: str, expected: ImageTest, run: Finished) -> None:
    if run.code != 0:
        raise FlashError(f"{name}: self-test failed: {run.last_words}; don't use it")
    clips = read_run(run.stdout).clips
    score = clips[0].scores_q16[0] if len(clips) == 1 and clips[0].scores_q16 else None
    outputs = hashlib.sha256(clips[0].outputs.tobytes()).hexdigest() if score is not None else "none"
    if (score, outputs) != (expected.score_q16, expected.output_sha256):
        found = "no score" if score is None else f"score {score / Q16:.4f}"
        raise FlashError(
            f"{name}: self-test failed: {found} and outputs {outputs[:12]}, expected {expected.score_q16 / Q16:.4f} "
            f"and {expected.output_sha256[:12]}; don't use it; is this the asd-edge that packaged it?"
        )


async def _run_script(connection: Connection, there: HostSlots, command: str, record: ModelRecord) -> None:
    done = await connection.run(command, file_sums(record))
    if done.code != 0:
        raise FlashError(f"{there.slots}: {done.last_words}; run the same command again")


def incoming_name(parcel: Parcel) -> str:
    """Of the folder beside the slots that a model comes in by."""
    return f".incoming-{parcel.sha256[:12]}"


def sums_command(folder: str) -> str:
    """Checks a model's files; takes `file_sums`."""
    return f"cd {shlex.quote(folder)} && sha256sum -c - > /dev/null"


def program_command(home: str) -> str:
    """Takes score_clips into the connection's folder."""
    program = shlex.quote(f"{home}/score_clips")
    return f"cat > {program} && chmod 700 {program}"


def self_test_command(home: str, folder: str, name: str) -> str:
    """Runs one image; takes `self_test_clip`."""
    return f"cd {shlex.quote(home)} && ln -sf {shlex.quote(f'{folder}/{name}')} model.asdm && exec ./score_clips"


def self_test_clip(test: ImageTest, class_index: int) -> bytes:
    """The clip of an image's self-test, for score_clips."""
    return write_clips([ClipToRun(self_test_samples(test.seed, test.n_samples), class_index)])


def install_command(there: HostSlots, parcel: Parcel) -> str:
    """Moves what came in into its slot and makes it active; takes `file_sums`."""
    return _script(there, _LOCKED + _MOVE_IN + _SWITCH + _KEEP_LEAST, incoming_name(parcel), parcel.record)


def go_back_command(there: HostSlots, record: ModelRecord) -> str:
    """Makes the other slot's model active; takes `file_sums`."""
    keep = "" if there.least_version is None else _KEEP_LEAST  # what is damaged closes the way in, not the way back
    return _script(there, _LOCKED + keep + _SWITCH, "", record)


def _script(there: HostSlots, script: str, incoming: str, record: ModelRecord) -> str:
    text = script.format(
        slots=shlex.quote(there.slots),
        active=ACTIVE,
        was_active=shlex.quote(there.active or ""),
        incoming=incoming,
        slot=there.other,
        version=max(record.version, there.least_version or 0),
        least=LEAST_VERSION_FILE,
    )
    return f"{there.prefix or ''}sh -c {shlex.quote(text)}"
