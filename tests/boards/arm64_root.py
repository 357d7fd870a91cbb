"""A folder with Debian's arm64 Python, numpy and LiteRT, for qemu-user's -L; nothing of it is installed here.

qemu-user opens a path below that folder where there is one, so that /proc/cpuinfo and /sys are a Raspberry Pi 4's too.
"""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from asd_edge.errors import BackendError
from asd_edge.export.targets.litert import operators_outside

CONSTRAINTS = Path(__file__).resolve().parents[2] / "constraints.txt"
QEMU = ("qemu-aarch64-static", "-cpu", "cortex-a72")
PYTHON = "3.11"  # of Debian 12; LiteRT's aarch64 wheels are for 3.11 and 3.13
PACKAGES = (
    *("python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib"),
    *("libc6", "libgcc-s1", "libstdc++6", "libexpat1", "libffi8", "libssl3", "zlib1g", "libbz2-1.0", "liblzma5"),
)
WHEELS = ("ai-edge-litert", "numpy")
PLATFORMS = ("manylinux2014_aarch64", "manylinux_2_27_aarch64", "manylinux_2_28_aarch64")
N_CORES = 4
CPU_INFO = """processor\t: {core}
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm crc32 cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd08
CPU revision\t: 3

"""
_LIST_OPERATORS = """
import json, sys
from ai_edge_litert.interpreter import Interpreter
interpreter = Interpreter(model_path=sys.argv[1], num_threads=1)
interpreter.allocate_tensors()
print(json.dumps([
    {"op_name": found["op_name"], **{side: [int(n) for n in found[side]] for side in ("inputs", "outputs")}}
    for found in interpreter._get_ops_details()
]))
"""


def make_arm64_root(folder: Path, constraints: Path, say: Callable[[str], None]) -> Path:
    """The root, below `folder`: made where it isn't there or `constraints` names other versions than it has.

    Packages, wheels and root are each kept once complete. Raises BackendError for a program that is missing or fails.
    """
    plan = {"packages": PACKAGES, "wheels": pinned(constraints, WHEELS)}
    folder = folder.resolve()
    kept, words = folder / "plan.json", json.dumps(plan, indent=1)
    if not kept.is_file() or kept.read_text() != words:
        for name in ("packages", "wheels", "root"):
            shutil.rmtree(folder / name, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        kept.write_text(words)
    packages, wheels, root = folder / "packages", folder / "wheels", folder / "root"
    if not root.is_dir():
        _make(packages, lambda path: _download_packages(path, folder / "apt"), say, f"{len(PACKAGES)} arm64 packages")
        _make(wheels, lambda path: _download_wheels(path, plan["wheels"]), say, ", ".join(plan["wheels"]))
        _make(root, lambda path: _unpack(path, packages, wheels), say, "arm64 Python, unpacked")
    return root


def pinned(constraints: Path, names: Sequence[str]) -> tuple[str, ...]:
    """Their lines "name==version" of a constraints file. Raises BackendError for one that it lacks."""
    lines = {line.partition("==")[0].strip().lower(): line.strip() for line in constraints.read_text().splitlines()}
    if absent := [name for name in names if name not in lines]:
        raise BackendError(f"{constraints}: pins no {', '.join(absent)}; make constraints writes it")
    return tuple(lines[name] for name in names)


def python_command(root: Path) -> list[str]:
    """The root's Python, with its own modules and none of this machine's."""
    modules = f"PYTHONPATH={root / 'site-packages'}"
    return ["env", modules, *QEMU, "-L", str(root), str(root / f"usr/bin/python{PYTHON}"), "-S"]


def xnnpack_share(root: Path, model: Path) -> tuple[int, int, int]:
    """(operators that the XNNPACK delegate runs, all operators, partitions) in the root's LiteRT.

    Raises BackendError where it runs none: figures without it would be of other kernels than a board's.
    """
    listed = _output_of([*python_command(root), "-c", _LIST_OPERATORS, str(model)], f"remove {root} and run this again")
    operators = json.loads(listed.splitlines()[-1])
    n_operators = sum(found["op_name"] != "DELEGATE" for found in operators)
    n_run = n_operators - len(operators_outside(operators))
    if n_run == 0:
        raise BackendError(f"{model}: LiteRT under {QEMU[0]} runs without XNNPACK; remove {root} and run this again")
    return n_run, n_operators, len(operators) - n_operators


def _make(path: Path, fill: Callable[[Path], None], say: Callable[[str], None], words: str) -> None:
    """`path` appears only when it is complete."""
    if path.is_dir():
        return
    say(f"{path}: {words}")
    partial = path.with_name(f"{path.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    fill(partial)
    partial.rename(path)


def _download_packages(path: Path, state: Path) -> None:
    """By apt with lists and cache of its own: this machine's stay as they are, its mirrors and keys are used."""
    for name in ("lists/partial", "archives/partial"):
        (state / name).mkdir(parents=True, exist_ok=True)
    (state / "status").touch()
    settings = {
        "APT::Architecture": "arm64",
        "APT::Architectures": "arm64",
        "Acquire::Languages": "none",
        "APT::Sandbox::User": "root",
        "Dir::State": state,
        "Dir::State::status": state / "status",
        "Dir::Cache": state,
    }
    apt = ["apt-get", "-q", *(f"-o{name}={value}" for name, value in settings.items())]
    what_to_do = f"it needs a network and Debian 12's sources, which have Python {PYTHON}"
    _output_of([*apt, "update"], what_to_do)
    _output_of([*apt, "download", *PACKAGES], what_to_do, path)


def _download_wheels(path: Path, wheels: Sequence[str]) -> None:
    flags = ["--quiet", "--no-deps", "--only-binary=:all:", "--implementation=cp", f"--python-version={PYTHON}"]
    flags += [f"--platform={name}" for name in PLATFORMS]
    _output_of([sys.executable, "-m", "pip", "download", *flags, f"--dest={path}", *wheels], "it needs a network")


def _unpack(root: Path, packages: Path, wheels: Path) -> None:
    for package in sorted(packages.glob("*.deb")):
        _output_of(["dpkg-deb", "-x", str(package), str(root)], f"remove {packages} and run this again")
    for wheel in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(root / "site-packages")
    write_cpu_files(root)


def write_cpu_files(root: Path) -> None:
    """What XNNPACK reads of the processor before it runs."""
    (root / "proc").mkdir()
    (root / "proc/cpuinfo").write_text("".join(CPU_INFO.format(core=core) for core in range(N_CORES)))
    processors = root / "sys/devices/system/cpu"
    processors.mkdir(parents=True)
    for name in ("possible", "present", "online"):
        (processors / name).write_text(f"0-{N_CORES - 1}\n")


def _output_of(command: Sequence[str], what_to_do: str, folder: Path | None = None) -> str:
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
    except FileNotFoundError as error:
        raise BackendError(f"{command[0]} not found; arm64 packages need a Debian system") from error
    if done.returncode != 0:
        lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        reason = next((line for line in lines if line.startswith(("E:", "ERROR:"))), (lines or ["no output"])[-1])
        raise BackendError(f"{Path(command[0]).name} failed: {reason}; {what_to_do}")
    return done.stdout
