"""The configuration's part on the dashboard: where the page is served, and what opens it."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le, MinLen

from asd_edge.listen.mqtt_config import is_loopback
from asd_edge.listen.settings import FORBID_OTHERS, ConfigPath, Says


@dataclass(frozen=True, kw_only=True)
class DashboardConfig:
    """Off unless this part is there. The page is plain HTTP: beyond this computer, put a proxy with TLS before it."""

    __pydantic_config__ = FORBID_OTHERS

    bind: Annotated[str, MinLen(1), Says("An address of this computer.")] = "127.0.0.1"
    port: Annotated[int, Ge(0), Le(65535), Says("0: any that is free.")] = 8080
    token_file: Annotated[
        ConfigPath | None,
        Says("One line of 16 characters or more, readable by its owner alone; null: a new one per start."),
    ] = None
    most_clients: Annotated[int, Ge(1), Le(16), Says("Pages that are open at a time.")] = 4

    def __post_init__(self) -> None:
        if not is_loopback(self.bind) and self.token_file is None:
            raise ValueError(f"{self.bind} is open to other computers: give a token_file")
