"""The parity ladder: which rungs there are, in which order, what each needs of a work directory, how it is opened.

A rung's module is imported when the rung is opened, so that a device never loads torch.
"""

from collections.abc import Sequence
from pathlib import Path

from asd_edge.backends.network_inputs import FLOAT, check_frontend, default_frontend
from asd_edge.backends.rung import Rung
from asd_edge.errors import BackendError, WorkDirectoryError
from asd_edge.export.detector import load_detector
from asd_edge.export.work_files import DETECTOR_FILE, ONNX_FILE, TFLITE_FILE
from asd_edge.model.checkpoint import SETTINGS_FILE, WEIGHTS_FILE

TORCH, ONNX, TFLITE, REFERENCE, HOST = "torch", "onnx", "tflite", "reference", "host"
EMULATOR = "emulator"  # of a board: "emulator:mps2-an386"
SERIAL = "serial"  # a board at a port: "serial:/dev/ttyACM0"
SSH = "ssh"  # a Linux board, and what runs the model there: "ssh:pi@raspberrypi.local/engine"
NAMED = {
    EMULATOR: "BOARD",
    SERIAL: "PORT",
    SSH: "HOST/engine|litert|edgetpu",
}  # what stands behind the rung's colon; these run only where they are named
CHECKPOINT_FILES = (WEIGHTS_FILE, SETTINGS_FILE)

LADDER = {  # rung -> the files of the work directory that it needs; always in this order
    TORCH: CHECKPOINT_FILES,
    ONNX: (ONNX_FILE, DETECTOR_FILE),
    TFLITE: (TFLITE_FILE, DETECTOR_FILE),
    REFERENCE: (TFLITE_FILE, DETECTOR_FILE),
    HOST: (TFLITE_FILE, DETECTOR_FILE),
    EMULATOR: (TFLITE_FILE, DETECTOR_FILE),
    SERIAL: (TFLITE_FILE, DETECTOR_FILE),
    SSH: (TFLITE_FILE, DETECTOR_FILE),
}
RUNGS_OF_THIS_MACHINE = tuple(name for name in LADDER if name not in NAMED)
INT8_RUNGS = (TFLITE, REFERENCE, HOST)
MADE_BY = {
    **dict.fromkeys(CHECKPOINT_FILES, "asd-edge train DATA -o {work}"),
    **dict.fromkeys(
        (ONNX_FILE, TFLITE_FILE, DETECTOR_FILE), "asd-edge export --checkpoint {work} --calibration DATA -o {work}"
    ),
}


def rung_kind(name: str) -> str:
    """The rung without the board, port or host that it names."""
    return name.partition(":")[0]


def in_ladder_order(names: Sequence[str]) -> tuple[str, ...]:
    """The rungs named, each once, boards in the order given. Raises BackendError for a name that is no rung."""
    for name in names:
        kind, _, place = name.partition(":")
        if kind not in LADDER or (place != "") != (kind in NAMED):
            raise BackendError(f"{name!r} is no rung; choose from {', '.join(_forms())}")
    return tuple(name for kind in LADDER for name in dict.fromkeys(names) if rung_kind(name) == kind)


def _forms() -> list[str]:
    return [f"{kind}:{NAMED[kind]}" if kind in NAMED else kind for kind in LADDER]


def files_of(name: str) -> tuple[str, ...]:
    """Files of the work directory that a rung needs."""
    return LADDER[rung_kind(name)]


def available_rungs(work: Path) -> tuple[str, ...]:
    """The rungs whose files are all in the work directory, but for those that run only where they are named.

    Raises WorkDirectoryError where there is none.
    """
    found = tuple(name for name in RUNGS_OF_THIS_MACHINE if all((work / file).is_file() for file in LADDER[name]))
    if not found:
        state = "holds no model" if work.is_dir() else "is no folder"
        commands = " or ".join(command.format(work=work) for command in dict.fromkeys(MADE_BY.values()))
        raise WorkDirectoryError(f"{work}: {state}; make one with {commands}")
    return found


def check_files(name: str, work: Path) -> None:
    """Raise BackendError for the first file that the rung lacks, with the command that makes it."""
    for file in files_of(name):
        if not (work / file).is_file():
            command = MADE_BY[file].format(work=work)
            raise BackendError(f"{work / file}: missing, and rung {name} needs it; make it with {command}")


def open_rung(name: str, work: Path, frontend: str | None = None) -> Rung:
    """Load the rung's model; `frontend` None: float on onnx, `default_frontend` on the int8 rungs. torch has its own.

    Raises BackendError for a missing file, package or a model that the runtime refuses.
    """
    check_files(name, work)
    if frontend is not None:
        check_frontend(frontend)
    match rung_kind(name):
        case "torch":
            from asd_edge.backends.torch_rung import TorchRung
            from asd_edge.model.checkpoint import load_checkpoint

            return TorchRung(load_checkpoint(work))
        case "onnx":
            from asd_edge.backends.onnx_rung import OnnxRung

            return OnnxRung(work / ONNX_FILE, load_detector(work / DETECTOR_FILE), frontend or FLOAT)
        case "tflite":
            from asd_edge.backends.tflite_rung import TfliteRung

            detector = load_detector(work / DETECTOR_FILE)
            return TfliteRung(work / TFLITE_FILE, detector, frontend or default_frontend(detector))
        case "reference":
            from asd_edge.backends.reference_rung import ReferenceRung

            detector = load_detector(work / DETECTOR_FILE)
            return ReferenceRung(work / TFLITE_FILE, detector, frontend or default_frontend(detector))
        case "host":
            from asd_edge.backends.host_rung import HostRung

            detector = load_detector(work / DETECTOR_FILE)
            return HostRung(work, detector, frontend or default_frontend(detector))
        case "emulator":
            from asd_edge.backends.emulator_rung import EmulatorRung

            return EmulatorRung(work, load_detector(work / DETECTOR_FILE), name)
        case "serial":
            from asd_edge.backends.serial_rung import SerialRung

            return SerialRung(work, load_detector(work / DETECTOR_FILE), name)
        case "ssh":
            from asd_edge.backends.ssh_rung import open_ssh_rung

            return open_ssh_rung(work, load_detector(work / DETECTOR_FILE), name, frontend)
        case _:
            raise BackendError(f"{name!r} is no rung; choose from {', '.join(_forms())}")
