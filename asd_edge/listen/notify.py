"""Words to systemd over its datagram socket, as sd_notify(3) defines them; without one they go nowhere."""

import socket
from collections.abc import Mapping


class Notifier:
    """`environment`: NOTIFY_SOCKET and WATCHDOG_USEC of it are read."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        name = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + name[1:] if name.startswith("@") else name
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) if name else None

    def tell(self, *words: str) -> None:
        """For instance "READY=1", "STATUS=...". A systemd that doesn't listen is no reason to stop."""
        if self._socket is None:
            return
        try:
            self._socket.sendto("\n".join(words).encode(), socket.MSG_DONTWAIT, self._address)
        except OSError:
            return
