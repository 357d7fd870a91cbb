"""A model image from a file, checked as a device does before it runs one."""

from pathlib import Path

from asd_edge.compiler.read_image import ModelImage, load_image
from asd_edge.errors import ImageError
from asd_edge.native_engine import load_model


def load_checked_image(path: Path) -> ModelImage:
    """Raises ImageError, with the file's name, for one that can't be read or that asd_model_load refuses,
    FrontendError where the C library isn't built.
    """
    image = load_image(path)
    try:
        load_model(image.content)
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error
    return image
