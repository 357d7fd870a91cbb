"""libFuzzer on what a device believes of strangers, under sanitizers: python -m tests.package.fuzz_device RUNS [NAME].

bundle: a header and an image, installed; update_log: a flash with any log and slots, booted; link: bytes of a line.
"""

import re
import struct
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from asd_edge.compiler.write_image import write_c_array
from asd_edge.package.bundle import HEADER_BYTES, SIGNED_BYTES, Bundle, pack_bundle
from asd_edge.package.self_test import SelfTest
from tests.engine.engine_programs import DEFINITIONS, FOLDERS, FUZZER, sources
from tests.engine.small_images import IMAGES
from tests.frontend.frontend_programs import FIRMWARE, WARNINGS

NAMES = ("bundle", "update_log", "link")
MOST_BYTES = {"bundle": 2048, "update_log": 512, "link": 4096}
TIMEOUT_S = 120  # of one input, on a busy machine
_SIGNED = 0x53  # a first byte of the signature that the fuzzers take for a right one
_FRAMED = 0x80
_AS_IT_IS, _WITH_ED25519 = 0, 0xED


@dataclass(frozen=True)
class Fuzzed:
    """What was run, bytes of all inputs together, and libFuzzer's count of edges."""

    name: str
    n_inputs: int
    n_bytes: int
    n_covered: int

    def in_words(self) -> str:
        """One line."""
        return f"{self.name}: {self.n_inputs:,} inputs, {self.n_bytes:,} bytes, {self.n_covered:,} edges, no finding"


def seeds(name: str) -> list[bytes]:
    """Inputs that come far: whole bundles, logs with right records, sessions with every request."""
    return {"bundle": _bundle_seeds, "update_log": _log_seeds, "link": _link_seeds}[name]()


def compile_fuzzer(name: str, folder: Path, compiler: str = "clang", flags: Sequence[str] = FUZZER) -> Path:
    """firmware/apps/fuzz/<name>_fuzz.c for this machine. Raises CalledProcessError."""
    program = folder / f"{name}_fuzz"
    fuzz = FIRMWARE / "apps/fuzz"
    paths = [fuzz / f"{name}_fuzz.c", fuzz / "fuzz_count.c", fuzz / "fuzz_flash.c"]
    update = [path for path in sorted((FIRMWARE / "update").glob("*.c")) if path.stem != "asd_self_test"]
    if name == "link":
        image = folder / "model_image.c"
        write_c_array(IMAGES["detector"](), image)
        paths += [image, *sorted((FIRMWARE / "link").glob("*.c")), FIRMWARE / "boards/host/port.c", *sources(), *update]
        paths += sorted((FIRMWARE / "frontend").glob("*.c"))
    else:
        paths += [FIRMWARE / "engine/asd_crc32.c", *update]
    includes = [f"-I{FIRMWARE / folder}" for folder in (*FOLDERS, "update")]
    command = [compiler, "-std=c99", *WARNINGS, *flags, *DEFINITIONS, *includes, *map(str, paths), "-o", str(program)]
    subprocess.run(command, check=True)
    return program


def run_fuzzer(name: str, folder: Path, n_runs: int, seed: int = 1) -> Fuzzed:
    """Build in `folder`, begin with `seeds`. Raises CalledProcessError for a crash, a broken rule or a slow input."""
    begun, found = folder / f"{name}-seeds", folder / f"{name}-found"
    for made in (begun, found):
        made.mkdir()
    for index, content in enumerate(seeds(name)):
        (begun / str(index)).write_bytes(content)
    program = compile_fuzzer(name, folder)
    settings = [f"-runs={n_runs}", f"-max_len={MOST_BYTES[name]}", f"-timeout={TIMEOUT_S}", f"-seed={seed}"]
    command = [str(program), *settings, "-len_control=0", str(found), str(begun)]
    done = subprocess.run(command, cwd=folder, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.stderr.write(done.stderr[-4000:])
        done.check_returncode()
    counted = re.search(r"fuzzed (\d+) inputs, (\d+) bytes", done.stderr)
    assert counted is not None, "fuzz_count.c prints it"
    n_covered = max(map(int, re.findall(r" cov: (\d+)", done.stderr)))
    return Fuzzed(name, int(counted[1]), int(counted[2]), n_covered)


def _bundle(version: int, n_image: int, board: str = "toy") -> bytes:
    """Whole and, as the fuzzers see it, signed."""
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    image = np.random.default_rng(version).bytes(n_image)
    content = bytearray(
        pack_bundle(Bundle(board, "fan/id_00", 0, 0, version, 1, SelfTest(1, 2048, 0, bytes(32)), image), key)
    )
    content[SIGNED_BYTES] = _SIGNED
    return bytes(content)


def _bundle_seeds() -> list[bytes]:
    whole = [_bundle(1, 64), _bundle(7, 511), _bundle(2, 512), _bundle(3, 513), _bundle(1, 64, "other")]
    return [bytes([how]) + content for content in whole for how in (_AS_IT_IS, _WITH_ED25519)] + [b"\3" + whole[0]]


def _log_seeds() -> list[bytes]:
    """Two bundles, then eight places of the log: state 1 is confirmed, 2 a trial; 0: nothing there."""
    bundles = b"".join(struct.pack("<BBI", 0, n_image, version) for n_image, version in ((40, 1), (60, 2)))
    known = 0b11111  # magic, narrow numbers, the CRC of both headers, the record's own CRC
    confirmed, trial = bytes([known, 1, 1, 0, 0, 1]), bytes([known, 2, 2, 0, 1, 1])
    last = bytes([known & ~2]) + struct.pack("<5I", 2**32 - 1, 2, 0, 2**32 - 1, 1)
    logs = [bytes(8), confirmed + bytes(7), confirmed + trial + bytes(6), bytes(4) + trial + bytes(3), last + bytes(7)]
    return [bundles + log + end for log in logs for end in (b"\0\0", b"\1\0", b"\4\0")] + [b"\xff\0\xff\0" + bytes(10)]


def _link_seeds() -> list[bytes]:
    bundle = _bundle(1, 64)
    samples = np.random.default_rng(1).integers(-3000, 3000, 512).astype("<i2").tobytes()
    place = struct.pack("<I", HEADER_BYTES)
    install = [(17, bundle[:HEADER_BYTES]), (18, place + bundle[HEADER_BYTES:]), (19, b""), (16, b""), (20, b"")]
    score = [(2, struct.pack("<I", 1))]
    score += [(3, struct.pack("<I", 512 * index) + samples) for index in range(3)] + [(4, b"")]
    sessions = [[(1, b""), (5, b""), (16, b""), (21, b"")], install, score, [*score, *install], [(1, b""), (1, b"")]]
    return [_script(session, how) for session in sessions for how in (_FRAMED, _FRAMED | 0x40)]


def _script(requests: Sequence[tuple[int, bytes]], how: int) -> bytes:
    frames = (
        struct.pack("<BBBH", how, kind, index % 256, len(body)) + body + (b"\5\0\1" if how & 0x40 else b"")
        for index, (kind, body) in enumerate(requests)
    )
    return b"\3\0ab\0" + b"".join(frames)


if __name__ == "__main__":
    for fuzzed in sys.argv[2:] or NAMES:
        with tempfile.TemporaryDirectory() as name:
            print(run_fuzzer(fuzzed, Path(name), int(sys.argv[1])).in_words(), flush=True)
