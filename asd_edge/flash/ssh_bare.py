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
    incoming = f".incoming-{parcel.sha256[:12]}"
    folder = f"{there.slots}/{incoming}"
    try:
        await unpack_parcel(connection, there.prefix or "", parcel, part, folder)
        await _check_model(connection, folder, parcel.record, program_for, there.machine)
        script = _LOCKED + _MOVE_IN + _SWITCH + _KEEP_LEAST
        await _run_script(connection, there, script, incoming, parcel.record)
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
    keep = "" if there.least_version is None else _KEEP_LEAST  # what is damaged closes the way in, not the way back
    await _run_script(connection, there, _LOCKED + keep + _SWITCH, "", record)


async def _check_model(
    connection: Connection, folder: str, record: ModelRecord, program_for: ProgramFor, machine: str
) -> None:
    """As rauc_record.check_model, there. Raises FlashError."""
    done = await connection.run(f"cd {shlex.quote(folder)} && sha256sum -c - > /dev/null", file_sums(record))
    if done.code != 0:
        raise FlashError(f"{folder}: its files aren't the record's; install the bundle again")
    program, home = await program_for(machine), await connection.make_folder()
    await connection.write_file(f"{home}/score_clips", program, is_program=True)
    for name, test in record.self_tests.items():
        samples = self_test_samples(test.seed, test.n_samples)
        link = f"ln -sf {shlex.quote(f'{folder}/{name}')} model.asdm"
        run = await connection.run(
            f"cd {home} && {link} && exec ./score_clips", write_clips([ClipToRun(samples, record.class_index)])
        )
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


async def _run_script(
    connection: Connection, there: HostSlots, script: str, incoming: str, record: ModelRecord
) -> None:
    text = script.format(
        slots=shlex.quote(there.slots),
        active=ACTIVE,
        was_active=shlex.quote(there.active or ""),
        incoming=incoming,
        slot=there.other,
        version=max(record.version, there.least_version or 0),
        least=LEAST_VERSION_FILE,
    )
    done = await connection.run(f"{there.prefix}sh -c {shlex.quote(text)}", file_sums(record))
    if done.code != 0:
        raise FlashError(f"{there.slots}: {done.last_words}; run the same command again")
