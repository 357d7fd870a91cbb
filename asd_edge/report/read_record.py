"""A JSON file of a work directory -> the frozen dataclass that names its fields; other fields are ignored."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from pydantic import TypeAdapter, ValidationError

from asd_edge.errors import WorkDirectoryError

Record = TypeVar("Record")


def read_json(path: Path, make_it: str) -> Mapping[str, Any]:
    """The object in the file, which the command `make_it` writes anew. Raises WorkDirectoryError for anything else."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
        json.dumps(content, ensure_ascii=False).encode()  # no half of a surrogate pair
    except OSError as error:
        raise WorkDirectoryError(f"{path}: can't be read ({error.strerror}); run {make_it}") from error
    except (ValueError, RecursionError) as error:
        raise WorkDirectoryError(f"{path}: damaged ({error}); run {make_it} again") from error
    if not isinstance(content, dict):
        raise WorkDirectoryError(f"{path}: damaged (no JSON object); run {make_it} again")
    return content


def parse_record(
    content: Mapping[str, Any], path: Path, record: type[Record], file_format: str | None, make_it: str
) -> Record:
    """`content` of `path` as a `record`. Raises WorkDirectoryError, naming the field, where it is of another form."""
    if file_format is not None and content.get("format") != file_format:
        raise WorkDirectoryError(
            f"{path}: its format is {content.get('format')!r}, not {file_format!r}; run {make_it} again"
        )
    try:
        return TypeAdapter(record).validate_python(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise WorkDirectoryError(
            f"{path}: {where}: {first['msg'].lower()}, as from another version; run {make_it} again"
        ) from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
