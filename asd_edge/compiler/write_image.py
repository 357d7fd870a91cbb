"""A compiled model -> a file: the image itself, or a C file that links it into a firmware."""

from pathlib import Path

from asd_edge.clip.atomic_write import write_bytes_atomically, write_text_atomically
from asd_edge.compiler.image_records import ALIGNMENT

_PER_LINE = 24


def write_image(content: bytes, path: Path) -> None:
    """In one step. Raises WorkDirectoryError where it can't be written."""
    write_bytes_atomically(path, content)


def write_c_array(content: bytes, path: Path) -> None:
    """asd_model_image and asd_model_image_bytes. Raises WorkDirectoryError where it can't be written."""
    lines = [
        f"/* A model image of {len(content)} bytes, to be given to asd_model_load. Made by asd-edge compile. */",
        "#include <stdint.h>",
        "",
        "extern const uint8_t asd_model_image[];",
        "extern const uint32_t asd_model_image_bytes;",
        "",
        f"const uint32_t asd_model_image_bytes = {len(content)};",
        f"const uint8_t asd_model_image[{len(content)}] __attribute__((aligned({ALIGNMENT}))) = {{",
    ]
    for start in range(0, len(content), _PER_LINE):
        lines.append("    " + ", ".join(str(byte) for byte in content[start : start + _PER_LINE]) + ",")
    write_text_atomically(path, "\n".join([*lines, "};", ""]))
