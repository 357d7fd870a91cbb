"""The configuration's part on MQTT: which broker, how to be sure of it, and where messages wait for it."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Annotated

from annotated_types import Ge, Le, MinLen

from asd_edge.listen.settings import FORBID_OTHERS, ConfigPath, Says

PORT, TLS_PORT = 1883, 8883
_PREFIX = re.compile(r"[^+#\x00/$][^+#\x00]*")


@dataclass(frozen=True, kw_only=True)
class TlsConfig:
    """The broker shows a certificate for its name; with a client certificate this side shows one too."""

    __pydantic_config__ = FORBID_OTHERS

    ca_file: Annotated[ConfigPath | None, Says("PEM; null: the system's own authorities.")] = None
    certificate_file: Annotated[ConfigPath | None, Says("PEM, of this side.")] = None
    key_file: Annotated[ConfigPath | None, Says("PEM, readable by its owner alone.")] = None

    def __post_init__(self) -> None:
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("a client certificate needs its key: give certificate_file and key_file, or neither")


@dataclass(frozen=True, kw_only=True)
class MqttConfig:
    """Topics are PREFIX/HOST/MACHINE/score, alarm and state, PREFIX/HOST/service and, retained, PREFIX/HOST/status."""

    __pydantic_config__ = FORBID_OTHERS

    broker: Annotated[str, MinLen(1), Says("Its name or address.")]
    port: Annotated[int | None, Ge(1), Le(65535), Says("null: 1883, with TLS 8883.")] = None
    tls: TlsConfig | None = None
    username: Annotated[str | None, MinLen(1)] = None
    password_file: Annotated[
        ConfigPath | None, Says("One line, readable by its owner alone; read at each connection.")
    ] = None
    prefix: Annotated[str, MinLen(1)] = "asd-edge"
    host: Annotated[str | None, MinLen(1), Says("null: this computer's name.")] = None
    spool: Annotated[ConfigPath, Says("A folder of its own, where messages wait for the broker.")]
    spool_mb: Annotated[int, Ge(1), Le(100_000), Says("Beyond it the oldest are dropped and counted.")] = 64
    keepalive_seconds: Annotated[int, Ge(1), Le(3600)] = 30

    def __post_init__(self) -> None:
        if not _PREFIX.fullmatch(self.prefix):
            raise ValueError(f"prefix {self.prefix!r}: begins with / or $, or holds one of + and #; choose another")
        if self.password_file is not None and self.username is None:
            raise ValueError("a password_file without a username: give the username too")
        if self.password_file is not None and self.tls is None and not is_loopback(self.broker):
            raise ValueError(f"the password would travel to {self.broker} for anybody to read: add tls: {{}}")

    @property
    def port_number(self) -> int:
        return self.port or (PORT if self.tls is None else TLS_PORT)


def is_loopback(host: str) -> bool:
    """Whether a name or address is this computer itself."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
