"""On a board: framed int8 inputs on stdin -> model.tflite -> framed int8 outputs on stdout.

It is copied there alone: Python 3.7, numpy and a TFLite runtime are all that it needs. First it writes a line of JSON
about itself. A frame is length and CRC-32 of what follows (little-endian, 4 bytes each), then the codes: all inputs one
behind the other in the order of that line, or the output. With --time it writes a second line of JSON and ends.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import struct
import sys
import time
import zlib
from typing import Any, BinaryIO, NoReturn

NO_RUNTIME, REFUSED, BAD_FRAME = 3, 4, 5  # exit codes, each with one line on stderr
FRAME = struct.Struct("<II")
EDGE_TPU_LIBRARY = "libedgetpu.so.1"
THREADS = 1  # as the rungs of a workstation
RUNTIMES = (  # package as pip knows it, module with Interpreter; the first that is installed is taken
    ("ai-edge-litert", "ai_edge_litert.interpreter"),
    ("tflite-runtime", "tflite_runtime.interpreter"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Runs an int8 model over stdin and stdout.")
    parser.add_argument("model")
    parser.add_argument("--edgetpu", action="store_true", help="on the Edge TPU, by " + EDGE_TPU_LIBRARY)
    parser.add_argument("--time", type=int, metavar="N", help="measure N runs on zeros, after one that isn't counted")
    given = parser.parse_args()
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the runtime prints must not get between the frames
    interpreter, about = load(given.model, given.edgetpu)
    write_line(out, about)
    if given.time is not None:
        write_line(out, {"ms": time_runs(interpreter, given.time)})
    else:
        answer(interpreter, sys.stdin.buffer, out)


def load(model: str, on_edge_tpu: bool) -> tuple[Any, dict[str, Any]]:
    """The interpreter, and what is known of it."""
    try:
        import numpy as np
    except ImportError:
        fail(NO_RUNTIME, "numpy is missing")
    found = find_runtime()
    if found is None:
        fail(NO_RUNTIME, "no TFLite runtime: neither " + " nor ".join(package for package, _ in RUNTIMES))
    module, runtime = found
    try:
        delegates = [module.load_delegate(EDGE_TPU_LIBRARY)] if on_edge_tpu else None
    except (ValueError, OSError) as error:
        fail(REFUSED, f"no Edge TPU through {EDGE_TPU_LIBRARY} ({first_line(error)})")
    try:
        interpreter = module.Interpreter(model_path=model, num_threads=THREADS, experimental_delegates=delegates)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError, AttributeError, ImportError) as error:
        # AttributeError and ImportError: tflite-runtime on numpy 2
        fail(REFUSED, f"{runtime} refuses the model ({first_line(error)})")
    (output,) = interpreter.get_output_details()
    scale, zero_point = output["quantization"]
    about = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "runtime": runtime,
        "threads": THREADS,
        "delegate": EDGE_TPU_LIBRARY if on_edge_tpu else None,
        "inputs": [[detail["name"], [int(n) for n in detail["shape"]]] for detail in interpreter.get_input_details()],
        "output": {"scale": float(scale), "zero_point": int(zero_point), "shape": [int(n) for n in output["shape"]]},
    }
    return interpreter, about


def find_runtime() -> tuple[Any, str] | None:
    """(module, "package version")."""
    for package, name in RUNTIMES:
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        version = getattr(importlib.import_module(name.split(".")[0]), "__version__", "of unknown version")
        return module, f"{package} {version}"
    return None


def answer(interpreter: Any, stdin: BinaryIO, out: BinaryIO) -> None:
    """Frame by frame until stdin ends."""
    inputs = interpreter.get_input_details()
    while True:
        header = stdin.read(FRAME.size)
        if not header:
            return
        if len(header) != FRAME.size:
            fail(BAD_FRAME, "a frame came damaged")
        n_bytes, crc = FRAME.unpack(header)
        codes = stdin.read(n_bytes)
        if len(codes) != n_bytes or zlib.crc32(codes) != crc:
            fail(BAD_FRAME, "a frame came damaged")
        set_inputs(interpreter, inputs, codes)
        interpreter.invoke()
        (output,) = interpreter.get_output_details()
        found = interpreter.get_tensor(output["index"]).tobytes()
        out.write(FRAME.pack(len(found), zlib.crc32(found)) + found)
        out.flush()


def set_inputs(interpreter: Any, inputs: list[dict[str, Any]], codes: bytes) -> None:
    import numpy as np

    sizes = [int(np.prod(detail["shape"])) for detail in inputs]
    if sum(sizes) != len(codes):
        fail(BAD_FRAME, f"a frame of {len(codes)} codes, and the model takes {sum(sizes)}")
    begin = 0
    for detail, size in zip(inputs, sizes):  # noqa: B905 (strict= came with Python 3.10)
        values = np.frombuffer(codes, np.int8, size, begin)
        interpreter.set_tensor(detail["index"], values.reshape(detail["shape"]))
        begin += size


def time_runs(interpreter: Any, n_runs: int) -> list[float]:
    """ms of each."""
    import numpy as np

    for detail in interpreter.get_input_details():
        interpreter.set_tensor(detail["index"], np.zeros(detail["shape"], np.int8))
    interpreter.invoke()  # fills the caches; on an Edge TPU it also loads the weights
    found = []
    for _ in range(n_runs):
        started = time.perf_counter()
        interpreter.invoke()
        found.append(1000.0 * (time.perf_counter() - started))
    return found


def write_line(out: BinaryIO, content: dict[str, Any]) -> None:
    out.write(json.dumps(content).encode() + b"\n")
    out.flush()


def fail(code: int, why: str) -> NoReturn:
    sys.stderr.write(why + "\n")
    sys.stderr.flush()
    os._exit(code)  # at once: a runtime's destructors would have the last word


def first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


if __name__ == "__main__":
    main()
