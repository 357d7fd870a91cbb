"""A work directory and an emulated machine -> instructions of each step and hop, memory: what the firmware says itself.

The counts depend on firmware, image and the seeded clip alone, so that they are kept beside the firmware under the hash
of the three, and a second board with the same core needs no second run.
"""

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asd_edge.backends.emulate_board import (
    SCORE_CLIPS,
    SCORE_CLIPS_MARKED,
    build_firmware,
    machine_named,
    score_on_board,
)
from asd_edge.backends.emulator_rung import CACHE
from asd_edge.backends.real_time import Hop, hops_of
from asd_edge.backends.score_records import Block, ClipRun, ClipToRun, MemoryUse, Part, ScoreRun
from asd_edge.clip.atomic_write import write_text_atomically
from asd_edge.compiler.read_image import ModelImage
from asd_edge.compiler.write_image import write_image
from asd_edge.errors import BackendError
from asd_edge.profiling.program_size import program_bytes

PARTS = ("front end", "scheduler", "scorer")  # before the steps, in the firmware's order
_FORMAT = "asd-edge counts 1"
_SEED, _PEAK = 11, 3000  # of the noise that is profiled, about -21 dBFS


@dataclass(frozen=True)
class EmulatedCounts:
    """Of one clip by itself: `clip_instructions`, and `parts`: front end, scheduler, scorer, each step of the image.

    Of a clip behind another one, where windows overlap in the pipeline as on a device: `mean_hop`, `worst_hop`.
    """

    machine: str
    firmware_sha256: str  # of the program without marks
    image_sha256: str
    memory: MemoryUse
    code_bytes: int  # with tables and initial values; the image is apart
    parts: tuple[Part, ...]
    clip_instructions: float
    mean_hop: float
    worst_hop: float


def count_instructions(work: Path, image: ModelImage, machine: str, clip_samples: int) -> EmulatedCounts:
    """Builds the firmware in the work directory where it isn't there yet.

    Raises BackendError where compiler or QEMU are missing, and where the machine can't hold the image.
    """
    machine_named(machine)
    folder = work / CACHE / machine
    programs = build_firmware(machine, folder, (SCORE_CLIPS, SCORE_CLIPS_MARKED))
    clip = profiled_clip(clip_samples)
    contents = [(programs / name).read_bytes() for name in (SCORE_CLIPS, SCORE_CLIPS_MARKED)]
    digest = hashlib.sha256(b"".join([*contents, image.content, clip.tobytes()])).hexdigest()
    kept = folder / f"counts-{digest[:16]}.json"
    found = _kept_counts(kept)
    if found is not None:
        return found
    path = folder / f"profiled-{digest[:16]}.asdm"
    write_image(image.content, path)
    try:
        alone, stream, marked = _run(machine, programs, path, clip)
    finally:
        path.unlink()
    hops = _steady_hops(stream.clips[-1])
    counts = EmulatedCounts(
        machine=machine,
        firmware_sha256=hashlib.sha256(contents[0]).hexdigest(),
        image_sha256=hashlib.sha256(image.content).hexdigest(),
        memory=max((alone.memory, stream.memory), key=lambda memory: memory.stack_used),
        code_bytes=program_bytes(contents[0]),
        parts=marked.clips[0].parts,
        clip_instructions=alone.clips[0].instructions,
        mean_hop=sum(hop.instructions for hop in hops) / len(hops),
        worst_hop=max(hop.instructions for hop in hops),
    )
    write_text_atomically(kept, json.dumps({"format": _FORMAT, **asdict(counts)}, indent=1) + "\n")
    return counts


def profiled_clip(n_samples: int) -> NDArray[np.int16]:
    """White noise of a seed, the same on every machine: what a clip holds hardly changes the counts."""
    generator = np.random.default_rng(_SEED)
    return generator.integers(-_PEAK, _PEAK, n_samples, dtype=np.int16, endpoint=True)


def _run(machine: str, programs: Path, image: Path, clip: NDArray[np.int16]) -> tuple[ScoreRun, ScoreRun, ScoreRun]:
    """One clip, two in one stream, one with marks."""
    two = [ClipToRun(clip, 0, is_continued=False, is_last=False), ClipToRun(clip, 0, is_continued=True)]
    jobs: Sequence[tuple[str, list[ClipToRun]]] = (
        (SCORE_CLIPS, [ClipToRun(clip, 0)]),
        (SCORE_CLIPS, two),
        (SCORE_CLIPS_MARKED, [ClipToRun(clip, 0)]),
    )
    with ThreadPoolExecutor(len(jobs)) as pool:
        runs = list(pool.map(lambda job: score_on_board(machine, programs / job[0], image, job[1]), jobs))
    for run in runs:
        statuses = [status for found in run.clips for status in found.statuses]
        if not statuses or any(statuses):
            raise BackendError(f"{machine}: the profiled clip got the statuses {statuses}, no score; compile it again")
    alone, stream, marked = runs
    return alone, stream, marked


def _steady_hops(clip: ClipRun) -> list[Hop]:
    blocks: list[Block] = [block for block in clip.blocks if block.n_samples]
    return hops_of(blocks)


def _kept_counts(path: Path) -> EmulatedCounts | None:
    """None for a file that isn't there or is of another version."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.pop("format") != _FORMAT:
            return None
        memory, parts = MemoryUse(**content.pop("memory")), tuple(Part(**part) for part in content.pop("parts"))
        return EmulatedCounts(**content, memory=memory, parts=parts)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
