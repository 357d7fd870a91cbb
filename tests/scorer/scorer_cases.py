"""Heads and embeddings over the range of the integer scorer: random, aligned, opposed, sparse and at the rails."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SIZES = (1, 2, 3, 16, 128, 512)
CLASS_COUNTS = (2, 3, 18, 41, 64, 255)
SCALES = (1.0, 30.0, 40.0, 64.0)
MARGINS = (0.0, 0.3, 0.5, 0.7, 1.1, 1.5)
ZERO_POINTS = (-128, -17, 0, 3, 127)
KINDS = ("random", "along", "against", "exactly along", "one code", "rails", "small")


@dataclass(frozen=True)
class Case:
    """An embedding under a head."""

    rows: NDArray[np.float32]  # (n_classes, embedding_size)
    scale: float
    margin: float
    zero_point: int
    codes: NDArray[np.int8]
    class_index: int
    kind: str


def cases(seed: int, n_heads: int, per_kind: int, most_weights: int = 255 * 512) -> Iterator[list[Case]]:
    """The cases of each head; every kind under each."""
    rng = np.random.default_rng(seed)
    for index in range(n_heads):
        size, zero_point = SIZES[index % len(SIZES)], int(rng.choice(ZERO_POINTS))
        n_classes = CLASS_COUNTS[int(rng.integers(len(CLASS_COUNTS)))]
        n_classes = min(n_classes, max(2, most_weights // size))
        rows = unit_rows(rng.normal(size=(n_classes, size)))
        scale, margin = float(rng.choice(SCALES)), float(rng.choice(MARGINS))
        of_head = []
        for kind in KINDS * per_kind:
            class_index = int(rng.integers(n_classes))
            codes = _codes(kind, rows[class_index], zero_point, rng)
            if (codes == zero_point).all():
                codes[0] = zero_point + (1 if zero_point < 0 else -1)
            if kind == "exactly along":
                rows[class_index] = unit_rows((codes.astype(np.float64) - zero_point)[None])[0]
            of_head.append((codes, class_index, kind))
        yield [Case(rows, scale, margin, zero_point, *rest) for rest in of_head]


def unit_rows(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    """Rows of length 1, as a detector holds them."""
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def _codes(kind: str, row: NDArray[np.float32], zero_point: int, rng: np.random.Generator) -> NDArray[np.int8]:
    size = row.size
    match kind:
        case "along" | "against":
            tilted = row + rng.normal(size=size) * 10 ** rng.uniform(-4.0, 0.0) / np.sqrt(size)
            room = max(1, min(127 - zero_point, 128 + zero_point))
            direction = tilted * (room / np.abs(tilted).max() * (1 if kind == "along" else -1))
            codes = np.clip(np.rint(direction) + zero_point, -128, 127)
        case "one code":
            codes = np.full(size, zero_point)
            codes[rng.integers(size)] = rng.integers(-128, 128)
        case "rails":
            codes = rng.choice([-128, 127], size)
        case "small" | "exactly along":
            codes = np.clip(zero_point + rng.integers(-2, 3, size), -128, 127)
        case _:
            codes = rng.integers(-128, 128, size)
    return np.asarray(codes, np.int8)
