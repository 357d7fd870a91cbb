"""The firmware's score_clips, built for a board, on QEMU's machine or, for a Linux target, under qemu-user.

Instructions are counted by the board's timer: with -icount shift=6 every instruction takes 64 ns, exactly.
"""

import itertools
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from asd_edge.backends.score_records import ClipToRun, ScoreRun, read_run, write_clips
from asd_edge.boards import load_boards
from asd_edge.errors import BackendError

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"
SETUP = "run make setup-emulation (Debian packages: cross compilers and QEMU)"
SCORE_CLIPS, SCORE_CLIPS_MARKED = "score_clips", "score_clips_marked"
_CORTEX_M, _AARCH64 = "arm-none-eabi-gcc", "aarch64-linux-gnu-gcc"
_MODEL_REFUSED = 2
_CACHE_FOLDERS = ("CMAKE_HOME_DIRECTORY", "CMAKE_CACHEFILE_DIR")  # of sources and build, in CMakeCache.txt


@dataclass(frozen=True)
class Machine:
    """How a board's programs are built and run; `model_address` None: they read the file model.asdm."""

    toolchain: str  # file under firmware/boards
    compiler: str
    emulator: tuple[str, ...]
    model_address: int | None


_SYSTEM = ("-icount", "shift=6", "-nographic", "-monitor", "none", "-serial", "none")
_SEMIHOSTING = ("-semihosting-config", "enable=on,target=native")


def _cortex_m(board: str, model_address: int) -> Machine:
    emulator = ("qemu-system-arm", "-M", board, *_SYSTEM, *_SEMIHOSTING)
    return Machine("cortex-m/toolchain.cmake", _CORTEX_M, emulator, model_address)


# The addresses are those of MODEL in each board's memory.ld.
MACHINES = {
    "mps2-an386": _cortex_m("mps2-an386", 0x00010000),
    "mps2-an500": _cortex_m("mps2-an500", 0x00010000),
    "mps2-an505": _cortex_m("mps2-an505", 0x10010000),
    "mps3-an547": _cortex_m("mps3-an547", 0x11000000),
    "netduinoplus2": _cortex_m("netduinoplus2", 0x08010000),
    "virt-aarch64": Machine(
        "virt-aarch64/toolchain.cmake",
        _AARCH64,
        ("qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a72", "-nic", "none", *_SYSTEM, *_SEMIHOSTING),
        0x41000000,
    ),
    "linux-aarch64": Machine("aarch64-linux.cmake", _AARCH64, ("qemu-aarch64-static",), None),
    "linux-armhf": Machine("armhf-linux.cmake", "arm-linux-gnueabihf-gcc", ("qemu-arm-static",), None),
}


def machine_named(board: str) -> Machine:
    """Raises BackendError for a board that isn't emulated."""
    if board not in MACHINES:
        raise BackendError(f"{board!r} is not emulated; choose {', '.join(MACHINES)}")
    return MACHINES[board]


def missing_programs(board: str) -> str | None:
    """Which of compiler, CMake and QEMU a board lacks here, in words; None where all are there."""
    machine = machine_named(board)
    absent = [name for name in ("cmake", machine.compiler, machine.emulator[0]) if shutil.which(name) is None]
    return f"{', '.join(absent)} not found; {SETUP}" if absent else None


def build_firmware(
    board: str,
    folder: Path,
    targets: Sequence[str] = (SCORE_CLIPS,),
    ram_bytes: int | None = None,
    audio_samples: int | None = None,
    public_keys: Path | None = None,
) -> Path:
    """Build into `folder`, or only what has changed since; the folder of its programs.

    `ram_bytes`: less than the part has; `audio_samples`: of the audio buffer, a power of two; `public_keys`: the C file
    of those who may sign models, for the target detector.
    Raises BackendError for a compiler that is missing or fails.
    """
    if (reason := missing_programs(board)) is not None:
        raise BackendError(reason)
    if not FIRMWARE.is_dir():
        raise BackendError("the firmware's sources are not in this installation; use a clone of the repository")
    _drop_build_of_other_folders(folder)
    settings = {
        "CMAKE_TOOLCHAIN_FILE": FIRMWARE / "boards" / machine_named(board).toolchain,
        "ASD_BOARD": _board_setting(board),
        "ASD_RAM_BYTES": ram_bytes or "",
        "ASD_AUDIO_SAMPLES": audio_samples or "",
        "ASD_PUBLIC_KEYS": public_keys or "",
    }
    _run_quietly(
        ["cmake", "-S", str(FIRMWARE), "-B", str(folder), *(f"-D{name}={value}" for name, value in settings.items())]
    )
    _run_quietly(["cmake", "--build", str(folder), "--target", *targets])
    return folder


def score_on_board(
    board: str, program: Path, image: Path, clips: Sequence[ClipToRun], timeout_seconds: float = 3600.0
) -> ScoreRun:
    """Score clips in one run. Raises BackendError for a fault, with its cause, or an image that is refused."""
    machine = machine_named(board)
    _check_slot(board, image)
    with tempfile.TemporaryDirectory() as name:
        folder, given = Path(name), write_clips(clips)
        command = [*machine.emulator, str(program.resolve())]
        if machine.model_address is None:
            (folder / "model.asdm").write_bytes(image.read_bytes())
            done = _run(command, folder, given, timeout_seconds)
            output = done.stdout
        else:
            (folder / "input.bin").write_bytes(given)
            command[-1:] = ["-kernel", command[-1], "-device"]
            command.append(f"loader,file={image.resolve()},addr={machine.model_address:#x},force-raw=on")
            done = _run(command, folder, b"", timeout_seconds)
            output = (folder / "output.bin").read_bytes() if (folder / "output.bin").exists() else b""
    if done.returncode == _MODEL_REFUSED:
        raise BackendError(f"{image}: the firmware of {board} refuses it, {_why_refused(output)}")
    if done.returncode != 0:
        raise BackendError(f"{board}: {_cause(done.stderr) or f'ended with code {done.returncode}'}")
    run = read_run(output)
    if len(run.clips) != len(clips):
        raise BackendError(f"{board}: {len(clips)} clips went in, {len(run.clips)} came out; run it again")
    return run


def _check_slot(board: str, image: Path) -> None:
    boards = load_boards()
    n_slot, n_image = boards[board].image_bytes if board in boards else None, image.stat().st_size
    if n_slot is not None and n_image > n_slot:
        raise BackendError(f"{image}: {n_image:,} bytes, and {board} has {n_slot:,} for it; train a narrower model")


def _cause(stderr: bytes) -> str:
    """The firmware's own line, else QEMU's, which a dump of registers may follow, else the last one."""
    lines = stderr.decode(errors="replace").strip().splitlines()
    for prefix in ("fault:", "qemu", ""):
        if found := [line for line in lines if line.startswith(prefix)]:
            return found[-1]
    return ""


def _why_refused(output: bytes) -> str:
    run = read_run(output)
    if run.memory.arena > run.memory.free:
        return f"its arena of {run.memory.arena:,} bytes doesn't fit into {run.memory.free:,}; train a narrower model"
    return f"status {run.status} of asd_status.h; compile it again"


def _board_setting(board: str) -> str:
    return "" if machine_named(board).model_address is None else board


def _drop_build_of_other_folders(folder: Path) -> None:
    """CMake refuses a build folder that was moved or copied, or whose sources were."""
    cache = folder / "CMakeCache.txt"
    if not cache.is_file():
        return
    entries = dict(line.partition("=")[::2] for line in cache.read_text(errors="replace").splitlines())
    found = [Path(entries.get(f"{name}:INTERNAL", "")).resolve() for name in _CACHE_FOLDERS]
    if found != [FIRMWARE.resolve(), folder.resolve()]:
        shutil.rmtree(folder)


def _run(command: list[str], folder: Path, given: bytes, timeout_seconds: float) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(command, cwd=folder, input=given, capture_output=True, timeout=timeout_seconds)
    except subprocess.TimeoutExpired as error:
        raise BackendError(f"{command[0]}: no end after {timeout_seconds:.0f} s; give it fewer clips") from error


def _run_quietly(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True)
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
        raise BackendError(f"{' '.join(command[:2])} failed: {_first_error(lines)}")


def _first_error(lines: Sequence[str]) -> str:
    """CMake says what is wrong in the line below the one that says where."""
    for line, below in itertools.pairwise([*lines, ""]):
        if "error" in line.lower():
            return f"{line} {below.strip()}" if line.startswith("CMake Error") else line
    return lines[-1] if lines else "no output"
