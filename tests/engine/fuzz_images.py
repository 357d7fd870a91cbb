"""libFuzzer on the image loader and the engine, under sanitizers: python -m tests.engine.fuzz_images RUNS [FOLDER].

FOLDER keeps what the fuzzer finds worth mutating; what it began with, and what it found before, is fuzz_corpus.
"""

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from asd_edge.compiler.compile_network import compile_graph
from asd_edge.compiler.kernel_choice import Core
from tests.engine.engine_programs import FUZZER, compile_program
from tests.engine.small_images import IMAGES
from tests.export.int8_graphs import every_operator

CORPUS = Path(__file__).with_name("fuzz_corpus")
MOST_BYTES = 16_384
TIMEOUT_S = 120  # of one input, on a busy machine


def seeds() -> Mapping[str, bytes]:
    """Whole images: of every step, of every operator for each core, detectors."""
    compiled = {f"compiled_{core.name.lower()}": compile_graph(every_operator(), core).content for core in Core}
    return {**{name: make() for name, make in IMAGES.items()}, **compiled}


def run_fuzzer(folder: Path, n_runs: int, found: Path, seed: int = 1) -> str:
    """Builds in `folder`; what libFuzzer said. Raises CalledProcessError for a crash, an overflow or a slow input."""
    begun = folder / "seeds"
    begun.mkdir()
    for name, content in seeds().items():
        (begun / name).write_bytes(content)
    program = compile_program("image_fuzz", "clang", FUZZER, folder)
    settings = [f"-runs={n_runs}", f"-max_len={MOST_BYTES}", f"-timeout={TIMEOUT_S}", f"-seed={seed}"]
    command = [str(program), *settings, str(found), str(begun), str(CORPUS)]
    return subprocess.run(command, cwd=folder, check=True, stderr=subprocess.PIPE, text=True).stderr


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        found = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(folder) / "found"
        found.mkdir(parents=True, exist_ok=True)
        print("\n".join(run_fuzzer(Path(folder), int(sys.argv[1]), found).splitlines()[-1:]))
