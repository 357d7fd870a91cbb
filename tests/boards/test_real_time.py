"""A detector on the emulated M4 under audio interrupts: windows that it can't take are lost whole and counted."""

import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest

from asd_edge.backends.emulate_board import MACHINES, build_firmware, missing_programs
from asd_edge.backends.emulator_rung import core_of
from asd_edge.clip.read_clip import read_clip
from asd_edge.model.config import ModelConfig
from asd_edge.native_engine import score_samples
from tests.boards.board_programs import WorkImages
from tests.boards.untrained_work import write_untrained_work

BOARD, CLOCK_HZ, SECONDS_PER_INSTRUCTION = "mps2-an386", 25_000_000, 64e-9  # -icount shift=6
INSTRUCTIONS_PER_BLOCK = 45_000  # between 64 samples and the next; the narrow detector needs 37,000 in the mean
BLOCK_SAMPLES, WINDOW_SAMPLES, N_WINDOWS = 64, 160_000, 4
SCORE, FINISHED, GAP, END = range(1, 5)  # of real_time_record.h


@pytest.fixture(scope="module")
def images(tiny_synthetic: Path, tmp_path_factory: pytest.TempPathFactory) -> WorkImages:
    folder = tmp_path_factory.mktemp("real_time")
    work = write_untrained_work(folder / "work", tiny_synthetic / "fan", ModelConfig(width=0.125))
    return WorkImages(work, folder)


@pytest.fixture(scope="module")
def sound(tiny_synthetic: Path) -> list[np.ndarray]:
    return [read_clip(path) for path in sorted((tiny_synthetic / "fan/test").glob("*.wav"))[:N_WINDOWS]]


def _run(images: WorkImages, sound: list[np.ndarray], busy: tuple[int, int]) -> list[tuple[int, int, int]]:
    """(kind, status, value) of each record; `busy`: samples in between which the detector stands still."""
    if (reason := missing_programs(BOARD)) is not None:
        pytest.skip(reason)
    program = build_firmware(BOARD, images.folder / BOARD, ["real_time_check"]) / "real_time_check"
    period = round(INSTRUCTIONS_PER_BLOCK * SECONDS_PER_INSTRUCTION * CLOCK_HZ)
    samples = np.concatenate(sound).astype("<i2").tobytes()
    (images.folder / "input.bin").write_bytes(struct.pack("<4I", 0, period, *busy) + samples)
    machine, image = MACHINES[BOARD], images.path(core_of(BOARD))
    loader = f"loader,file={image},addr={machine.model_address:#x},force-raw=on"
    command = [*machine.emulator, "-kernel", str(program), "-device", loader]
    subprocess.run(command, cwd=images.folder, check=True, timeout=120)
    return list(struct.iter_unpack("<IIq", (images.folder / "output.bin").read_bytes()))


@pytest.mark.parametrize(
    ("busy", "survivors", "records"),
    [
        ((0, 0), [0, 1], [SCORE, FINISHED, END]),
        # from just behind the first window, whose score is still under way, until the middle of the third one
        ((WINDOW_SAMPLES + BLOCK_SAMPLES, 5 * WINDOW_SAMPLES // 2), [0, 3], [GAP, FINISHED, FINISHED, END]),
    ],
    ids=["keeps up", "stands still"],
)
def test_the_windows_that_survive_have_their_scores_and_the_others_are_counted(
    busy: tuple[int, int], survivors: list[int], records: list[int], images: WorkImages, sound: list[np.ndarray]
) -> None:
    sent = sound[: survivors[-1] + 1]
    image = images.compiled("generic").content
    alone = [score_samples(image, samples, 0)[0][0] for samples in sent]
    assert len(set(alone)) == len(sent), "each window can be told by its score"
    found = _run(images, sent, busy)
    assert [kind for kind, _, _ in found] == records
    scores = [(status, value) for kind, status, value in found if kind in (SCORE, FINISHED)]
    assert scores == [(0, alone[index]) for index in survivors]
    n_dropped = found[-1][2]
    assert n_dropped + len(scores) == len(sent)
