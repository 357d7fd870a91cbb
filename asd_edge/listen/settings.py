"""Settings are frozen dataclasses, which a process can hold without pydantic: that would be a quarter of its memory.

pydantic reads what stands here, and in the classes themselves, in `read_config` alone. A class forbids what it doesn't
know by `__pydantic_config__ = FORBID_OTHERS`, and checks what types can't say in `__post_init__`, with a ValueError.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

FORBID_OTHERS = {"extra": "forbid"}


@dataclass(frozen=True)
class Says:
    """What a field means, for the JSON Schema."""

    words: str

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: Any) -> dict[str, Any]:
        return {**handler(core_schema), "description": self.words}


@dataclass(frozen=True)
class ByKind:
    """A union is told apart by the field `kind`."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic import Discriminator

        return Discriminator("kind").__get_pydantic_core_schema__(source, handler)


@dataclass(frozen=True)
class FromFolder:
    """A path that isn't absolute is taken from the folder of the configuration: the validation context's "folder"."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        def joined(path: Path, info: Any) -> Path:
            return Path((info.context or {}).get("folder", "")) / path

        return core_schema.with_info_after_validator_function(joined, handler(source))


ConfigPath = Annotated[Path, FromFolder()]
