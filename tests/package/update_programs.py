"""Builds the programs of firmware/apps/update for this machine, and what power_cuts reads and writes."""

import struct
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.frontend.frontend_programs import FIRMWARE, WARNINGS

PHASES = ("first boot", "install", "trial", "confirm", "revert", "recovery")
RULES = (
    "",
    "boots",
    "whole model",
    "unconfirmed model",
    "version counter",
    "right model in the end",
    "flash",
    "misuse",
)
_SETUP = struct.Struct("<10I32s")
_N_PHASES = len(PHASES)


@dataclass(frozen=True)
class Geometry:
    """Of a flash: bytes of a page, of a word and of a slot."""

    page_bytes: int
    word_bytes: int
    slot_bytes: int


@dataclass(frozen=True)
class PowerCuts:
    """What power_cuts found; each tuple by PHASES."""

    operations: tuple[int, ...]  # of a life without a cut
    cut: tuple[int, ...]  # cases by the phase of the first cut
    cut_again: tuple[int, ...]  # and of the second
    cases: int
    boots: int
    failures: int
    first_failure: tuple[int, ...]

    def account(self, how: str) -> str:
        """Operations, first cuts and second cuts of each phase; `how` the cases were chosen."""
        phases = ", ".join(
            f"{phase} {operations} operations {once} cuts {twice} cut again"
            for phase, operations, once, twice in zip(PHASES, self.operations, self.cut, self.cut_again, strict=True)
            if operations or once or twice
        )
        return f"{how}, {self.cases:,} cases, {self.boots:,} boots, {self.failures} failures: {phases}"

    def in_words(self) -> str:
        """The rule that broke first, and where."""
        rule, *where = self.first_failure
        return (
            f"{self.failures} of {self.cases} cases; first: {RULES[rule]}, cuts (at, kind) {where[:4]}, boot {where[4]}"
        )


def compile_update_program(name: str, folder: Path, flags: Sequence[str] = ("-O2",)) -> Path:
    """One of apps/update with the update code of the device."""
    program = folder / name
    paths = [FIRMWARE / f"apps/update/{name}.c", FIRMWARE / "boards/host/port.c", FIRMWARE / "engine/asd_crc32.c"]
    paths += [path for path in sorted((FIRMWARE / "update").glob("*.c")) if path.stem != "asd_self_test"]
    if name in ("power_cuts", "update_steps"):
        paths.append(FIRMWARE / "apps/update/simulated_flash.c")
    includes = [f"-I{FIRMWARE / folder}" for folder in ("include", "engine", "update")]
    command = ["gcc", "-std=c99", *WARNINGS, *flags, *includes, *map(str, paths), "-o", str(program)]
    subprocess.run(command, check=True)
    return program


def run_power_cuts(
    program: Path,
    geometry: Geometry,
    key: bytes,
    bundles: tuple[bytes, bytes],
    *,
    passes: bool,
    depth: int,
    n_cases: int = 0,
    seed: int = 1,
    is_rotten: bool = False,
) -> PowerCuts:
    """`n_cases` 0: every case there is; `is_rotten`: the active slot rots first, and the update goes over it."""
    first, second = bundles
    setup = _SETUP.pack(
        *(geometry.page_bytes, geometry.word_bytes, geometry.slot_bytes),
        *(len(first), len(second), int(passes), depth, n_cases, seed, int(is_rotten), b"toy"),
    )
    done = subprocess.run([program], input=setup + key + first + second, capture_output=True, check=True)
    numbers = struct.unpack(f"<{3 * _N_PHASES + 9}I", done.stdout)
    by_phase = [numbers[at : at + _N_PHASES] for at in range(0, 3 * _N_PHASES, _N_PHASES)]
    cases, boots, failures, *first_failure = numbers[3 * _N_PHASES :]
    return PowerCuts(by_phase[0], by_phase[1], by_phase[2], cases, boots, failures, tuple(first_failure))
