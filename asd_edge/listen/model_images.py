"""What a configuration calls a model -> checked images: those of the work directory, compiled first where they are
missing, by a process of its own, so that the service never holds what a compiler needs."""

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from asd_edge.compiler.check_image import load_checked_image
from asd_edge.compiler.read_image import ModelImage
from asd_edge.errors import ListenError
from asd_edge.export.work_files import DETECTOR_FILE, TFLITE_FILE
from asd_edge.listen.digest import joined_sha256
from asd_edge.listen.events import Kind
from asd_edge.native_engine import HEADER, aligned_bytes

HOP_SAMPLES = 512  # between two frames of the front end
IMAGE_FILES: dict[Kind, str] = {"window": "model-generic.asdm", "sliding": "model-generic-sliding.asdm"}
_COMPILE = "import sys; from asd_edge.cli import run; sys.exit(run(sys.argv[1:]))"


@dataclass(frozen=True)
class LoadedImage:
    """`advance_samples`: from one window's first sample to the next one's.

    Two are equal where their headers are, which hold a checksum of the rest.
    """

    path: Path
    kind: Kind
    header: bytes
    content: NDArray[np.uint8] = field(compare=False, repr=False)  # aligned, for every stream of this image
    labels: tuple[str, ...]
    window_samples: int
    advance_samples: int


def load_images(model: Path, windows: Literal["window", "sliding", "both"]) -> tuple[LoadedImage, ...]:
    """The images that `windows` asks for, the sliding one last.

    Raises ListenError where a file can't be read, is of another kind or can't be compiled here, ImageError for a
    damaged one.
    """
    kinds: tuple[Kind, ...] = ("window", "sliding") if windows == "both" else (windows,)
    try:
        return _load(model, kinds)
    except OSError as error:
        words = f"{error.filename or model}: can't be read ({error.strerror})"
        raise ListenError(f"{words}; give a work directory or an image") from error


def _load(model: Path, kinds: tuple[Kind, ...]) -> tuple[LoadedImage, ...]:
    if not model.exists():
        raise ListenError(f"{model}: isn't there; give a work directory or an image")
    if model.is_dir():
        return tuple(_of_work(model, kind) for kind in kinds)
    if len(kinds) > 1:
        raise ListenError(
            f"{model}: an image gives windows or sliding scores, not both; give a work directory or set windows"
        )
    image = load_image_file(model)
    if image.kind != kinds[0]:
        raise ListenError(f"{model}: is an image of {image.kind} scores; set windows: {image.kind}")
    return (image,)


def load_image_file(path: Path) -> LoadedImage:
    """Raises ListenError for a network without a detector, ImageError for a file that isn't a whole image."""
    image = load_checked_image(path)
    if image.detector is None:
        raise ListenError(f"{path}: holds a network alone, which gives no score; compile a work directory")
    window = int(image.detector["clip_samples"])
    advance = _hop_samples(image) if image.is_endless else window
    kind: Kind = "sliding" if image.is_endless else "window"
    header = image.content[: HEADER.itemsize]
    return LoadedImage(path, kind, header, aligned_bytes(image.content), image.labels, window, advance)


def check_machine(image: LoadedImage, machine: str) -> None:
    """Raises ListenError for a machine that the image doesn't know."""
    if machine not in image.labels:
        raise ListenError(f"{image.path}: knows no machine {machine!r}; choose {', '.join(image.labels)}")


def _of_work(work: Path, kind: Kind) -> LoadedImage:
    path = work / IMAGE_FILES[kind]
    if path.exists():
        image = load_image_file(path)
        if image.kind == kind and not _is_outdated(work, image):
            return image
    arguments = ["compile", str(work), *(["--sliding"] if kind == "sliding" else [])]
    done = subprocess.run([sys.executable, "-P", "-c", _COMPILE, *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        words = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1].removeprefix("error: ")
        raise ListenError(f"{path}: is missing or of another model, and can't be compiled here: {words}")
    return load_image_file(path)


def _is_outdated(work: Path, image: LoadedImage) -> bool:
    """Whether the directory's model, where it is there, is another one than the image's."""
    sources = [work / TFLITE_FILE, work / DETECTOR_FILE]
    if not all(source.exists() for source in sources):
        return False
    own = np.frombuffer(image.header, HEADER)[0]["source_sha256"].tobytes()
    return bool(joined_sha256(sources) != own.hex())


def _hop_samples(image: ModelImage) -> int:
    """Samples from one column of an endless network's output to the next."""
    names = image.tensor_names
    frames = {names[index]: 1 for index in image.header["inputs"][: image.header["n_inputs"]]}
    graph = image.stream_graph()
    for step in graph.steps:
        frames[step.output] = frames[step.inputs[0]] * step.stride[0]
    return HOP_SAMPLES * frames[graph.output]
