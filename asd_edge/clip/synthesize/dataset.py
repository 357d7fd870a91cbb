"""A seed and a count become a folder of synthetic clips in the DCASE 2020 Task 2 layout, each clip from its own seed.

`<type>/{train,test}/{normal,anomaly}_id_XX_NNNNNNNN.wav`, 16-bit mono 16 kHz, 10 s. The seed of a clip is the SHA-256
of data set seed, generator version, type, ID, split, label and number, so that any subset gives the same bytes.
"""

import hashlib
import json
import struct
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from asd_edge.clip.atomic_write import write_bytes_atomically, write_text_atomically
from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.clip.records import ANOMALY, NORMAL, TEST, TRAIN
from asd_edge.clip.synthesize import fan, pump, slider, toy_car, toy_conveyor, valve
from asd_edge.clip.synthesize.config import (
    FIRST_TEST_NUMBER,
    GENERATOR_VERSION,
    MACHINE_IDS,
    N_SAMPLES,
    SAMPLE_RATE_HZ,
    SynthConfig,
)
from asd_edge.clip.synthesize.exact_math import FloatArray
from asd_edge.clip.synthesize.fault import Fault, draw_fault
from asd_edge.clip.synthesize.room import Recording, record
from asd_edge.errors import DatasetError

_WAV_BYTES = 44 + 2 * N_SAMPLES
_MANIFEST = "synthetic.json"


@dataclass(frozen=True)
class MachineModel:
    """How a machine type is rendered and recorded."""

    fault_kinds: tuple[str, ...]
    render: Callable[[Generator, str, Fault | None], FloatArray]
    recording: Recording


MACHINE_MODELS = {
    "fan": MachineModel(fan.FAULT_KINDS, fan.render_fan, Recording(snr_db=3.0)),
    "pump": MachineModel(pump.FAULT_KINDS, pump.render_pump, Recording(snr_db=3.0)),
    "slider": MachineModel(slider.FAULT_KINDS, slider.render_slider, Recording(snr_db=3.0)),
    "valve": MachineModel(valve.FAULT_KINDS, valve.render_valve, Recording(snr_db=3.0)),
    "ToyCar": MachineModel(toy_car.FAULT_KINDS, toy_car.render_toy_car, Recording(snr_db=6.0)),
    "ToyConveyor": MachineModel(toy_conveyor.FAULT_KINDS, toy_conveyor.render_toy_conveyor, Recording(snr_db=6.0)),
}


@dataclass(frozen=True)
class ClipName:
    """Which clip: everything that, with the seed and the severity, decides its bytes."""

    machine_type: str
    machine_id: str
    split: str
    label: str
    number: int

    @property
    def path(self) -> Path:
        """Where the clip lies below the data set's root."""
        return Path(self.machine_type, self.split, f"{self.label}_{self.machine_id}_{self.number:08d}.wav")


def clip_names(config: SynthConfig) -> tuple[ClipName, ...]:
    """Every clip of a data set, machine by machine, training before test, normal before anomaly."""
    return tuple(
        ClipName(machine_type, machine_id, split, label, first + index)
        for machine_type in config.machine_types
        for machine_id in MACHINE_IDS[machine_type]
        for split, label, first, count in (
            (TRAIN, NORMAL, 0, config.n_train),
            (TEST, NORMAL, FIRST_TEST_NUMBER, config.n_test_normal),
            (TEST, ANOMALY, 0, config.n_test_anomaly),
        )
        for index in range(count)
    )


def synthesize_clip(name: ClipName, config: SynthConfig) -> NDArray[np.int16]:
    """(N_SAMPLES,) int16 samples of one clip."""
    text = "/".join((str(config.seed), str(GENERATOR_VERSION), name.path.as_posix()))
    rng = Generator(PCG64(int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "little")))
    model = MACHINE_MODELS[name.machine_type]
    fault = None
    if name.label == ANOMALY:
        fault = draw_fault(rng, model.fault_kinds, name.number, config.severity.of(name.machine_type))
    return record(rng, model.render(rng, name.machine_id, fault), model.recording)


def wav_bytes(samples: NDArray[np.int16]) -> bytes:
    """A canonical 44-byte header and the samples, little-endian: independent of any library's version."""
    content = samples.astype("<i2").tobytes()
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, SAMPLE_RATE_HZ, 2 * SAMPLE_RATE_HZ, 2, 16)
    data = struct.pack("<4sI", b"data", len(content))
    return struct.pack("<4sI4s", b"RIFF", 4 + len(form) + len(data) + len(content), b"WAVE") + form + data + content


def _claim_folder(out_dir: Path, config: SynthConfig) -> None:
    """Write the folder's manifest first. Raises DatasetError for a folder that holds another data set."""
    manifest = out_dir / _MANIFEST
    settings = {"generator_version": GENERATOR_VERSION, **asdict(config)}
    text = json.dumps(settings, indent=2) + "\n"
    if manifest.is_file():
        if manifest.read_bytes() != text.encode():
            raise DatasetError(
                f"{manifest}: the folder holds synthetic clips of other settings or another generator version; "
                "choose another folder or remove this one"
            )
        return
    for machine_type in MACHINE_IDS:
        if any((out_dir / machine_type).glob("**/*.*")):
            raise DatasetError(
                f"{out_dir / machine_type}: holds files but {out_dir} has no {_MANIFEST}, so they aren't synthetic; "
                "choose an empty folder"
            )
    write_text_atomically(manifest, text)


def write_synthetic_dataset(
    out_dir: Path, config: SynthConfig, on_progress: ProgressFn = ignore_progress
) -> tuple[Path, ...]:
    """Write every clip of `config` below `out_dir` and return their paths; a second call continues an interrupted one.

    Raises DatasetError where the folder holds other clips, WorkDirectoryError where it can't be written.
    """
    _claim_folder(out_dir, config)
    names = clip_names(config)
    paths = []
    for done, name in enumerate(names):
        on_progress(done, len(names))
        path = out_dir / name.path
        if not (path.is_file() and path.stat().st_size == _WAV_BYTES):
            write_bytes_atomically(path, wav_bytes(synthesize_clip(name, config)))
        paths.append(path)
    on_progress(len(names), len(names))
    return tuple(paths)
