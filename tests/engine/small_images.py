"""Small images of every step, written record by record, and one whole detector: for the loader, the fuzzer, the API."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from asd_edge.native_engine import HEADER
from tests.engine import image_writer as w
from tests.engine.image_writer import WrittenStep, WrittenTensor, write_image

N_COLUMNS, N_MELS, N_CHANNELS = 12, 6, 4
PRELU_TABLE, TABLE, CHANNEL_TABLE = 1, 2, 3
HALF = 1 << 30  # as a multiplier: 1/2
CLIP_SAMPLES, N_CLASSES = 2048, 3
SILENCE_CODE = -40  # what the log-Mel scale of `_with_detector` makes of zeros


def weighted(
    op: int,
    inputs: tuple[int, ...],
    output: int,
    n_out: int,
    n_taps: int,
    kernel: tuple[int, int] = (1, 1),
    stride: tuple[int, int] = (1, 1),
    pad: tuple[int, int] = (0, 0),
    activation: int = 0,
    delay: int = 0,
    n_accumulators: int = 0,
) -> WrittenStep:
    """A convolution of any kind with random weights, whose codes use their range."""
    rng = np.random.default_rng(n_out * 100 + n_taps)
    tables = {0: 0, PRELU_TABLE: n_out, TABLE: 256, CHANNEL_TABLE: 256 * n_out}
    has_scratch = op in (w.CONV2D, w.POINTWISE)
    return WrittenStep(
        op,
        inputs,
        output,
        kernel,
        stride,
        pad,
        delay,
        activation,
        weights=rng.integers(-127, 128, n_out * n_taps).astype(np.int8).tobytes(),
        bias=rng.integers(-500, 500, n_out).astype("<i4").tobytes(),
        multipliers=rng.integers(HALF, 2 * HALF, n_out).astype("<i4").tobytes(),
        shifts=np.full(n_out, -9, np.int8).tobytes(),
        table=rng.integers(-128, 128, tables[activation]).astype(np.int8).tobytes(),
        scratch_bytes=8 * n_taps if has_scratch else 0,
        n_accumulators=n_accumulators,
        factors=(HALF, HALF, 0),
        factor_shifts=(1, -6, 0),
    )


def every_step() -> bytes:
    """A window of 12 columns through each step but SOFTMAX's like, with a delay and a tensor apart."""
    n, m, c = N_COLUMNS, N_MELS, N_CHANNELS
    tensors = [
        WrittenTensor(n, m, c, depth=3, zero_point=-5),  # 0: the input
        WrittenTensor(n, m, c, depth=4, zero_point=3, is_apart=True),  # 1
        WrittenTensor(n, m, c, depth=4),  # 2
        WrittenTensor(n, m, c, depth=4),  # 3
        WrittenTensor(n, m, c, depth=4),  # 4
        WrittenTensor(n, m, 2 * c, depth=4),  # 5
        WrittenTensor(n + 2, m + 1, 2 * c, depth=4, zero_point=2),  # 6
        WrittenTensor(7, 3, 2 * c, depth=3),  # 7
        WrittenTensor(7, 3, 2 * c, depth=3),  # 8
        WrittenTensor(6, 3, 2 * c, depth=6),  # 9
        WrittenTensor(8, 3, 6, depth=8),  # 10
        WrittenTensor(8, 3, 6, depth=2),  # 11
        WrittenTensor(1, 1, 5),  # 12
        WrittenTensor(1, 1, 6),  # 13
        WrittenTensor(1, 1, 6),  # 14
        WrittenTensor(8, 3, 6, depth=2),  # 15
        WrittenTensor(8, 1, 6, depth=2),  # 16
        WrittenTensor(1, 1, 11),  # 17
        WrittenTensor(1, 1, 11),  # 18
    ]
    codes = np.arange(-128, 128, dtype=np.int8)
    exps = np.floor(np.exp(-np.arange(256) / 40) * (2**31 - 1)).astype("<i4")
    slopes = np.arange(c, dtype=np.int8).tobytes()
    steps = [
        weighted(w.CONV2D, (0,), 1, c, 9 * c, (3, 3), (1, 1), (1, 1), CHANNEL_TABLE),
        weighted(w.DEPTHWISE, (1,), 2, c, 9, (3, 3), (1, 1), (1, 1), PRELU_TABLE),
        WrittenStep(w.STORE, (1,), 1),
        WrittenStep(w.PRELU, (2,), 3, table=slopes, factors=(HALF, HALF, 0), factor_shifts=(1, -5, 0)),
        WrittenStep(w.ADD, (3, 1), 4, factors=(HALF, HALF, HALF), factor_shifts=(0, -1, -18)),
        WrittenStep(w.CONCAT, (4, 2), 5),
        WrittenStep(w.PAD, (5,), 6, pad=(1, 1)),
        WrittenStep(w.MAX_POOL, (6,), 7, kernel=(2, 3), stride=(2, 2)),
        WrittenStep(w.LOOKUP, (7,), 8, table=codes[::-1].tobytes()),
        WrittenStep(w.AVERAGE_POOL, (8,), 9, kernel=(2, 1)),
        WrittenStep(w.RESHAPE, (9,), 10),
        weighted(w.POINTWISE, (10,), 11, 6, 6, delay=2, activation=TABLE),
        weighted(w.ACCUMULATE_CONV2D, (11,), 12, 5, 8 * 3 * 6, (8, 3), n_accumulators=1),
        weighted(w.ACCUMULATE_DEPTHWISE, (11,), 13, 6, 8 * 3, (8, 3), n_accumulators=1),
        WrittenStep(w.MUL, (10, 11), 15, factors=(HALF, 0, 0), factor_shifts=(-6, 0, 0)),
        WrittenStep(w.MEAN, (15,), 16, factors=(HALF, 0, 0), factor_shifts=(0, 0, 0)),
        WrittenStep(w.ACCUMULATE_MEAN, (16,), 14, (8, 1), (8, 1), n_accumulators=1, factors=(HALF, 0, 0)),
        WrittenStep(w.CONCAT, (12, 14), 17),
        WrittenStep(w.SOFTMAX, (17,), 18, table=exps.tobytes()),
    ]
    return write_image(tensors, steps, [0], 18)


def endless() -> bytes:
    """A stream without end: a strided convolution and sums of three overlapping windows."""
    tensors = [
        WrittenTensor(0, 1, 3, depth=4),
        WrittenTensor(0, 1, 2, depth=4, zero_point=-3),
        WrittenTensor(0, 1, 2, depth=3),
        WrittenTensor(0, 1, 5),
    ]
    steps = [
        weighted(w.CONV2D, (0,), 1, 2, 9, (3, 1), (2, 1), (1, 0)),
        WrittenStep(w.MAXIMUM, (1, 1), 2),
        weighted(w.ACCUMULATE_CONV2D, (2,), 3, 5, 10, (5, 1), (2, 1), n_accumulators=3),
    ]
    return write_image(tensors, steps, [0], 3)


def _code_scale(multiplier: int, shift: int) -> np.ndarray:
    scale = np.zeros(1, w.CODE_SCALE)
    scale["limit"], scale["multiplier"], scale["shift"] = (1 << 31) - 1, multiplier, shift
    return scale


def detector() -> bytes:
    """2048 samples -> five frames of log-Mel and FIR -> an embedding of 6 -> log-odds of three classes."""
    n_frames = 1 + CLIP_SAMPLES // 512
    tensors = [
        WrittenTensor(n_frames, 128, 1, depth=2),
        WrittenTensor(n_frames, 1, 1, depth=2),
        WrittenTensor(n_frames, 1, 4, depth=2),
        WrittenTensor(n_frames, 1, 2, depth=2),
        WrittenTensor(n_frames, 1, 6, depth=2),
        WrittenTensor(1, 1, 6),
    ]
    steps = [
        weighted(w.CONV2D, (0,), 2, 4, 128, (1, 128)),
        weighted(w.CONV2D, (1,), 3, 2, 1),
        WrittenStep(w.CONCAT, (2, 3), 4),
        weighted(w.ACCUMULATE_DEPTHWISE, (4,), 5, 6, n_frames, (n_frames, 1), n_accumulators=1),
    ]
    return _with_detector(lambda record: write_image(tensors, steps, [0, 1], 5, record), 1, 6, (0, 1))


def endless_detector() -> bytes:
    """The same, sliding: an embedding at every frame from the fifth on."""
    tensors = [
        WrittenTensor(0, 128, 1, depth=2),
        WrittenTensor(0, 1, 1, depth=2),
        WrittenTensor(0, 1, 4, depth=2),
        WrittenTensor(0, 1, 2, depth=2),
        WrittenTensor(0, 1, 6, depth=2),
        WrittenTensor(0, 1, 6),
    ]
    steps = [
        weighted(w.CONV2D, (0,), 2, 4, 128, (1, 128)),
        weighted(w.CONV2D, (1,), 3, 2, 1),
        WrittenStep(w.CONCAT, (2, 3), 4),
        weighted(w.ACCUMULATE_DEPTHWISE, (4,), 5, 6, 5, (5, 1), n_accumulators=5),
    ]
    return _with_detector(lambda record: write_image(tensors, steps, [0, 1], 5, record), 1, 6, (0, 1))


def reconstruction() -> bytes:
    """2048 samples -> one vector of five frames -> the same through a lookup -> its squared error."""
    tensors = [WrittenTensor(1, 1, 640), WrittenTensor(1, 1, 640)]
    steps = [WrittenStep(w.LOOKUP, (0,), 1, table=np.arange(-128, 128, dtype=np.int8).tobytes())]
    return _with_detector(lambda record: write_image(tensors, steps, [0], 1, record), 2, 0, (0, w.NO_INPUT))


def late_detector() -> bytes:
    """2048 samples of log-Mel -> an embedding, three ticks late: its score comes with the next clip, or at the end.

    Silence becomes an embedding of zeros, which has no score.
    """
    n_frames = 1 + CLIP_SAMPLES // 512
    tensors = [
        WrittenTensor(n_frames, 128, 1, depth=2),
        WrittenTensor(n_frames, 128, 1, depth=2),
        WrittenTensor(n_frames, 1, 4, depth=2),
        WrittenTensor(1, 1, 4, depth=2),
        WrittenTensor(1, 1, 6),
    ]
    codes = np.arange(-128, 128, dtype=np.int8)
    weighted_steps = (
        (weighted(w.CONV2D, (1,), 2, 4, 128, (1, 128)), -8),
        (weighted(w.ACCUMULATE_DEPTHWISE, (2,), 3, 4, n_frames, (n_frames, 1), n_accumulators=1), -7),
        (weighted(w.POINTWISE, (3,), 4, 6, 4, delay=3), -6),
    )
    steps = [
        WrittenStep(w.LOOKUP, (0,), 1, table=np.where(codes <= SILENCE_CODE, 0, codes).astype(np.int8).tobytes()),
        *(
            replace(step, bias=bytes(len(step.bias)), shifts=np.full(len(step.shifts), shift, np.int8).tobytes())
            for step, shift in weighted_steps
        ),
    ]
    return _with_detector(lambda record: write_image(tensors, steps, [0], 4, record), 1, 6, (0, w.NO_INPUT))


def _with_detector(write: Callable[[bytes], bytes], kind: int, embedding_size: int, inputs: tuple[int, int]) -> bytes:
    """`write` gives the image around the record; what the record refers to lies behind it, in one section."""
    record = np.zeros(1, w.DETECTOR)
    start = int(np.frombuffer(write(record.tobytes()), HEADER, 1)["detector_offset"][0]) + record.itemsize
    rng = np.random.default_rng(5)
    taps = rng.integers(-3000, 3000, 2048).astype("<i2").tobytes() if inputs[1] != w.NO_INPUT else b""
    rows = rng.integers(-32768, 32768, N_CLASSES * embedding_size).astype("<i2").tobytes()
    rows += bytes(-len(rows) % 4)
    labels = b"fan/id_00\0fan/id_02\0pump/id_04\0"
    record["kind"], record["clip_samples"], record["embedding_size"] = kind, CLIP_SAMPLES, embedding_size
    record["n_context"] = 1 if kind == 1 else 5
    record["log_mel_input"], record["fir_input"] = inputs
    record["log_mel_scale"], record["fir_scale"] = _code_scale(HALF, 39), _code_scale(HALF, 50)
    record["fir_scale"]["pre_shift"] = 8
    record["fir_high_offset"] = start if taps else 0
    record["fir_low_offset"] = start + 2048 if taps else 0
    record["rows_offset"], record["n_classes"] = start + len(taps), N_CLASSES
    record["labels_offset"], record["labels_bytes"] = start + len(taps) + len(rows), len(labels)
    record["arcface"][0] = (40 << 16, 821_247_000, 691_718_000, -821_247_000, 484_202_000)
    record["reconstruction"][0] = (HALF, 21, 0)
    return write(record.tobytes() + taps + rows + labels)


IMAGES = {
    "every_step": every_step,
    "endless": endless,
    "detector": detector,
    "endless_detector": endless_detector,
    "reconstruction": reconstruction,
    "late_detector": late_detector,
}
