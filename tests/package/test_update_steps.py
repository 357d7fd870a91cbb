"""The update code step by step, as nobody should call it: what runs is never written, what is confirmed never lost."""

import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from asd_edge.package.bundle import Bundle, pack_bundle
from asd_edge.package.self_test import SelfTest
from tests.engine.engine_programs import SANITIZERS
from tests.package.update_programs import compile_update_program

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PAGE_BYTES, WORD_BYTES, SLOT_BYTES, IMAGE_BYTES = 256, 8, 1024, 100
OK, FLASH_FAILED, NOT_NOW = 0, 3, 6
BOOT, BEGIN, WRITE, FINISH, CONFIRM, GO_BACK, ROT, WEAR = range(8)
RECORDS_PER_PAGE = PAGE_BYTES // 64
Step = tuple[int, int]


@dataclass(frozen=True)
class After:
    """A step's status; slot, version and trial of a boot; the active slot; operations on what may not be touched."""

    status: int
    slot: int
    version: int
    is_trial: int
    active: int
    n_misused: int


def _bundle(version: int) -> bytes:
    image = np.random.default_rng(version).bytes(IMAGE_BYTES)
    return pack_bundle(
        Bundle("toy", "fan/id_00", 0, 0, version, 1, SelfTest(1, 160_000, 0, bytes(32)), image),
        KEY,
    )


def _install(version: int) -> list[Step]:
    return [(BEGIN, version - 1), (WRITE, version - 1), (FINISH, 0)]


# A device that has confirmed version 1 in slot 0, then version 2 in slot 1, which runs.
UPDATED = [(BOOT, 0), *_install(1), (BOOT, 0), (CONFIRM, 0), *_install(2), (BOOT, 0), (CONFIRM, 0), (BOOT, 0)]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_update_program("update_steps", tmp_path_factory.mktemp("update_steps"), SANITIZERS)


def _after(program: Path, steps: list[Step]) -> list[After]:
    """What each step gave, behind those of UPDATED."""
    bundles = [_bundle(version) for version in (1, 2, 3, 4)]
    given = struct.pack("<5I32s", PAGE_BYTES, WORD_BYTES, SLOT_BYTES, len(bundles), len(bundles[0]), b"toy")
    given += KEY.public_key().public_bytes_raw() + b"".join(bundles)
    given += b"".join(struct.pack("<2I", *step) for step in UPDATED + steps)
    done = subprocess.run([program], input=given, capture_output=True, check=True)
    after = [After(*numbers) for numbers in struct.iter_unpack("<6I", done.stdout)]
    assert after[len(UPDATED) - 1] == After(OK, 1, 2, 0, 1, 0)
    assert after[-1].n_misused == 0, "an operation on the slot that runs"
    return after[len(UPDATED) :]


def test_after_going_back_nothing_is_installed_until_a_reset(program: Path) -> None:
    back, begin, write, finish, again, boot, *rest = _after(
        program, [(GO_BACK, 0), *_install(3), (GO_BACK, 0), (BOOT, 0), *_install(3), (BOOT, 0)]
    )
    assert back.status == OK
    assert [step.status for step in (begin, write, finish, again)] == [NOT_NOW] * 4
    assert (boot.status, boot.slot, boot.version) == (OK, 0, 1)
    assert [step.status for step in rest] == [OK] * 4
    assert (rest[-1].slot, rest[-1].version, rest[-1].is_trial) == (1, 3, 1)


def test_going_back_ends_an_install_that_is_under_way(program: Path) -> None:
    begin, back, write, finish, boot = _after(program, [(BEGIN, 2), (GO_BACK, 0), (WRITE, 2), (FINISH, 0), (BOOT, 0)])
    assert (begin.status, back.status) == (OK, 7), "the model to go back to was erased"
    assert (write.status, finish.status) == (NOT_NOW, NOT_NOW)
    assert (boot.status, boot.version) == (OK, 2)


def test_a_trial_that_is_taken_back_is_not_written_over_while_it_runs(program: Path) -> None:
    *_, trial, back, begin, boot = _after(program, [*_install(3), (BOOT, 0), (GO_BACK, 0), (BEGIN, 2), (BOOT, 0)])
    assert (trial.version, trial.is_trial) == (3, 1)
    assert (back.status, begin.status) == (OK, NOT_NOW)
    assert (boot.slot, boot.version) == (1, 2)


@pytest.mark.parametrize("is_worn", [0, 1], ids=["log written", "log worn out"])
def test_an_update_after_a_rot_goes_over_the_rotten_slot(program: Path, is_worn: int) -> None:
    steps = [(ROT, 1), (WEAR, is_worn), (BOOT, 0), (WEAR, 0), *_install(3), (BOOT, 0)]
    _, _, boot, _, begin, write, finish, trial = _after(program, steps)
    assert (boot.status, boot.slot, boot.version, boot.is_trial) == (OK, 0, 1, 0)
    assert boot.active == is_worn, "the log names what runs, where it can be written"
    assert [step.status for step in (begin, write, finish)] == [OK] * 3
    assert (trial.slot, trial.version, trial.is_trial, trial.active) == (1, 3, 1, 0)


def test_the_newest_record_outlives_appends_that_fail(program: Path) -> None:
    """Twice more than what both pages hold: every place fails, and every page is changed."""
    failing = [(GO_BACK, 0)] * (4 * RECORDS_PER_PAGE)
    *_, before, worn, boot = _after(program, [(WEAR, 1), *failing, (WEAR, 0), (BOOT, 0)])
    assert before.status == FLASH_FAILED
    assert worn.status == OK
    assert (boot.status, boot.slot, boot.version, boot.is_trial) == (OK, 1, 2, 0)


def test_a_trial_that_cannot_be_counted_leaves_the_confirmed_model_running(program: Path) -> None:
    steps = [*_install(3), (WEAR, 1), (BOOT, 0), (CONFIRM, 0), (BEGIN, 3), (WEAR, 0), (BOOT, 0)]
    *_, worn, confirm, begin, _, trial = _after(program, steps)
    assert (worn.status, worn.slot, worn.version, worn.is_trial) == (OK, 1, 2, 0)
    assert (confirm.status, begin.status) == (NOT_NOW, NOT_NOW), "what doesn't run isn't confirmed"
    assert (trial.version, trial.is_trial) == (3, 1)


def test_a_model_on_trial_never_stands_in_for_a_rotten_one_uncounted(program: Path) -> None:
    *_, boot = _after(program, [*_install(3), (ROT, 1), (WEAR, 1), (BOOT, 0)])
    assert boot.status == FLASH_FAILED
