"""A power cut at every flash operation of an update, and at every one after it: the device boots a whole model."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from asd_edge.package.bundle import Bundle, pack_bundle
from asd_edge.package.self_test import SelfTest
from tests.conftest import COUNTED
from tests.engine.engine_programs import SANITIZERS
from tests.frontend.frontend_programs import FIRMWARE
from tests.package.update_programs import PHASES, Geometry, PowerCuts, compile_update_program, run_power_cuts

TOY = Geometry(page_bytes=256, word_bytes=32, slot_bytes=1024)
NARROW_WORDS = (Geometry(128, 16, 1024), Geometry(128, 8, 1024), Geometry(256, 4, 1024))
# Of parts whose flash takes two images of the reference model: pages of 4 KB, words of 8 and of 16 bytes.
REAL = (Geometry(4096, 8, 984 * 1024), Geometry(8192, 16, 984 * 1024))
REAL_IMAGE_BYTES = 960_112
N_SAMPLED, N_ROTTEN = 16, 2000
N_KINDS = 4  # of what a cut leaves behind: nothing, all, some bits, a word that can't be read
SEED = 3
RECORD_BYTES = 64
Record = Callable[[str, object], None]


@pytest.fixture(scope="module")
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_update_program("power_cuts", tmp_path_factory.mktemp("power_cuts"))


def _bundles(key: Ed25519PrivateKey, sizes: tuple[int, int]) -> tuple[bytes, bytes]:
    generator = np.random.default_rng(SEED)
    first, second = (
        pack_bundle(
            Bundle("toy", "fan/id_00", 0, 0, version, 1, SelfTest(1, 160_000, 0, bytes(32)), generator.bytes(size)), key
        )
        for version, size in enumerate(sizes, 1)
    )
    return first, second


def _run(program: Path, key: Ed25519PrivateKey, geometry: Geometry, sizes: tuple[int, int], **case: int) -> PowerCuts:
    passes, depth = bool(case["passes"]), case["depth"]
    return run_power_cuts(
        program,
        geometry,
        key.public_key().public_bytes_raw(),
        _bundles(key, sizes),
        passes=passes,
        depth=depth,
        n_cases=case.get("n_cases", 0),
        seed=SEED,
        is_rotten=bool(case.get("is_rotten", 0)),
    )


@pytest.mark.parametrize("passes", [1, 0], ids=["passes", "fails"])
def test_two_cuts_anywhere_leave_a_device_that_boots_a_whole_model(
    program: Path, key: Ed25519PrivateKey, passes: int, record_property: Record
) -> None:
    found = _run(program, key, TOY, (64, 100), passes=passes, depth=2)
    record_property(COUNTED, found.account("exhaustive, two deep"))
    assert found.failures == 0, found.in_words()
    reached = dict(zip(PHASES, found.cut_again, strict=True))
    assert reached["install"] > 0
    assert reached["trial"] > 0
    assert reached["confirm" if passes else "revert"] > 0
    assert reached["recovery"] > 0
    assert found.boots > 4 * found.cases


@pytest.mark.parametrize("passes", [1, 0], ids=["passes", "fails"])
@pytest.mark.parametrize("geometry", [TOY, *NARROW_WORDS], ids=lambda geometry: f"{geometry.word_bytes}-byte words")
def test_every_single_cut_is_tried(
    program: Path, key: Ed25519PrivateKey, geometry: Geometry, passes: int, record_property: Record
) -> None:
    found = _run(program, key, geometry, (64, 100), passes=passes, depth=1)
    record_property(COUNTED, found.account("exhaustive, one deep"))
    assert found.failures == 0, found.in_words()
    assert found.cut == tuple(N_KINDS * n for n in found.operations), "each operation, each kind"


@pytest.mark.parametrize("passes", [1, 0], ids=["passes", "fails"])
def test_a_device_that_came_without_a_model_gets_its_first_one_or_stays_without(
    program: Path, key: Ed25519PrivateKey, passes: int, record_property: Record
) -> None:
    public, (_, update) = key.public_key().public_bytes_raw(), _bundles(key, (64, 100))
    found = run_power_cuts(program, TOY, public, (b"", update), passes=bool(passes), depth=2)
    record_property(COUNTED, found.account("exhaustive, two deep"))
    assert found.failures == 0, found.in_words()
    assert found.cases > 1000


@pytest.mark.parametrize("passes", [1, 0], ids=["passes", "fails"])
@pytest.mark.parametrize("geometry", [TOY, *NARROW_WORDS], ids=lambda geometry: f"{geometry.word_bytes}-byte words")
def test_a_device_whose_active_slot_has_rotted_takes_an_update_through_every_cut(
    program: Path, key: Ed25519PrivateKey, geometry: Geometry, passes: int, record_property: Record
) -> None:
    found = _run(program, key, geometry, (64, 100), passes=passes, depth=1, is_rotten=1)
    record_property(COUNTED, found.account("exhaustive, one deep, after a rot"))
    assert found.failures == 0, found.in_words()
    assert found.cut == tuple(N_KINDS * n for n in found.operations), "each operation, each kind"
    assert found.operations[PHASES.index("first boot")] == RECORD_BYTES // geometry.word_bytes, "it notes what runs"


def test_sampled_cuts_on_a_real_geometry_under_sanitizers(
    program: Path, key: Ed25519PrivateKey, tmp_path: Path, record_property: Record
) -> None:
    for geometry in REAL:
        sizes = (REAL_IMAGE_BYTES, REAL_IMAGE_BYTES + 16)
        found = _run(program, key, geometry, sizes, passes=1, depth=2, n_cases=N_SAMPLED)
        record_property(COUNTED, found.account(f"sampled by seed {SEED}, {geometry.word_bytes}-byte words, two deep"))
        assert found.failures == 0, found.in_words()
        assert found.cases == N_SAMPLED
    checked = compile_update_program("power_cuts", tmp_path, SANITIZERS)
    found = _run(checked, key, TOY, (64, 100), passes=1, depth=2, n_cases=500)
    assert found.failures == 0, found.in_words()


def test_a_rotten_bit_anywhere_leaves_a_device_that_boots(
    program: Path, key: Ed25519PrivateKey, record_property: Record
) -> None:
    for geometry in (TOY, *NARROW_WORDS):
        found = _run(program, key, geometry, (64, 100), passes=1, depth=0, n_cases=N_ROTTEN)
        record_property(COUNTED, f"{found.cases:,} rotten bits, {found.boots:,} boots, {found.failures} failures")
        assert found.failures == 0, found.in_words()
        assert found.cases == N_ROTTEN


@pytest.mark.parametrize(
    ("file", "right", "wrong"),
    [
        (
            "asd_update.c",
            "record.state = ASD_UPDATE_TRIAL;",
            "record.state = ASD_UPDATE_TRIAL, record.least_version++;",
        ),
        ("asd_update_log.c", "words[LAST] != asd_crc32(0, bytes, 4u * LAST)", "words[LAST] == 1u"),
        ("asd_update.c", "erase(flash->context, address)", "erase(flash->context, update->settings->slots[0])"),
        ("asd_update.c", "record.attempts > ASD_UPDATE_MOST_ATTEMPTS ||", "record.attempts > 1u ||"),
    ],
    ids=["counter raised by a trial", "torn record believed", "running slot erased", "one attempt only"],
)
def test_the_cuts_find_a_mistake_in_the_update_code(
    key: Ed25519PrivateKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, right: str, wrong: str
) -> None:
    from tests.package import update_programs

    firmware = tmp_path / "firmware"
    for folder in ("apps/update", "boards/host", "engine", "include/asd", "update"):
        (firmware / folder).mkdir(parents=True)
        for path in (FIRMWARE / folder).glob("*.[ch]"):
            (firmware / folder / path.name).write_text(path.read_text())
    source = firmware / "update" / file
    assert source.read_text().count(right) == 1
    source.write_text(source.read_text().replace(right, wrong))
    monkeypatch.setattr(update_programs, "FIRMWARE", firmware)
    spoilt = compile_update_program("power_cuts", tmp_path)
    assert _run(spoilt, key, Geometry(128, 4, 1024), (64, 100), passes=1, depth=1).failures > 0
