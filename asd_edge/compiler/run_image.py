"""Runs a model image on int8 arrays from .npy files, by the firmware's engine on this machine."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asd_edge.clip.atomic_write import write_bytes_atomically
from asd_edge.compiler.check_image import load_checked_image
from asd_edge.compiler.read_image import ModelImage
from asd_edge.errors import ImageError
from asd_edge.native_engine import run_image


def run_image_file(path: Path, inputs: Sequence[Path], output: Path) -> tuple[int, ...]:
    """The shape of what was written: [windows, time, mel, channels] int8.

    Raises ImageError for an image or an array that can't be read or has another shape, or arrays of unequal length.
    """
    image = load_checked_image(path)
    indices = image.header["inputs"][: image.header["n_inputs"]]
    if len(inputs) != len(indices):
        names = ", ".join(repr(image.tensor_names[index]) for index in indices)
        raise ImageError(f"{path}: takes {len(indices)} inputs ({names}), {len(inputs)} were given; repeat --input")
    arrays = [_load_input(image, index, file) for index, file in zip(indices, inputs, strict=True)]
    _check_lengths(image, inputs, arrays)
    try:
        found = run_image(image.content, arrays).output  # (n_columns, mel, channels)
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error
    n_columns = int(image.tensors[image.header["output"]]["n_columns"]) or len(found)
    values = found.reshape(-1 if n_columns else 0, n_columns, *found.shape[1:])
    buffer = io.BytesIO()
    np.save(buffer, values)
    write_bytes_atomically(output, buffer.getvalue())
    return values.shape


def _check_lengths(image: ModelImage, paths: Sequence[Path], arrays: Sequence[NDArray[np.int8]]) -> None:
    """Inputs run side by side in time. Raises ImageError where one is longer."""
    per_window, unit = (
        (1, "columns") if image.is_endless else (int(image.tensors[image.header["inputs"][0]]["n_columns"]), "windows")
    )
    counts = [len(values) // per_window for values in arrays]
    for path, count in zip(paths, counts, strict=True):
        if count != counts[0]:
            raise ImageError(f"{path} has {count} {unit}, {paths[0]} {counts[0]}; give as many of each input")


def _load_input(image: ModelImage, index: int, path: Path) -> NDArray[np.int8]:
    """(n_columns, mel, channels) of [windows, time, mel, channels]."""
    tensor = image.tensors[index]
    try:
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ImageError(f"{path}: can't be read as an array ({error}); save it with numpy.save") from error
    size = int(tensor["n_mels"]), int(tensor["n_channels"])
    window = int(tensor["n_columns"])
    wanted = f"int8 [windows, {window or 'time'}, {size[0]}, {size[1]}]"
    is_array = isinstance(values, np.ndarray) and values.dtype == np.int8 and values.ndim == 4
    if not is_array or values.shape[2:] != size or (window and values.shape[1] != window) or values.size == 0:
        found = f"{values.dtype} {list(values.shape)}" if isinstance(values, np.ndarray) else "no array"
        raise ImageError(f"{path}: is {found}, {image.tensor_names[index]!r} takes {wanted}; check the layout")
    return np.ascontiguousarray(values.reshape(-1, *size))
