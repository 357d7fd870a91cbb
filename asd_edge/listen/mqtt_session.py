"""One connection to a broker, from CONNECT to its end: messages out with QoS 1, acknowledgements in.

For one thread, which waits here for the network and for `wake`. Nothing outlives a session: what was not acknowledged
in it is for the next one to send.
"""

import os
import select
import ssl
import time
from collections.abc import Callable
from contextlib import suppress

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from asd_edge.errors import ListenError
from asd_edge.listen.mqtt_config import MqttConfig
from asd_edge.listen.secret_file import check_private, read_secret

CONNECT_SECONDS = 5.0
MOST_UNDER_WAY = 20  # messages that were sent and are not acknowledged; brokers take as many by default
QOS = 1


class Wake:
    """Ends a wait in another thread."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)

    def __call__(self) -> None:
        with suppress(BlockingIOError):  # it is full, so it wakes
            os.write(self._write, b"\0")

    def fileno(self) -> int:
        return self._read

    def clear(self) -> None:
        with suppress(BlockingIOError):
            while os.read(self._read, 4096):
                pass

    def close(self) -> None:
        os.close(self._read)
        os.close(self._write)


class MqttSession:
    """Ended sessions stay ended: see `failure`."""

    def __init__(
        self, config: MqttConfig, client_id: str, status_topic: str, on_acknowledged: Callable[[int], None]
    ) -> None:
        """Connect; `status_topic` says "online" from now on and, once the session ends in any way, "offline".

        Raises OSError where there is no broker, ListenError where it refuses or a secret can't be read.
        """
        self.failure: str | None = None
        self._is_accepted = False
        self._config, self._status_topic, self._on_acknowledged = config, status_topic, on_acknowledged
        self._under_way: set[int] = set()  # by the broker's number
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id, clean_session=True, protocol=mqtt.MQTTv311)
        self._client = client
        client.max_inflight_messages_set(MOST_UNDER_WAY + 2)
        client.connect_timeout = CONNECT_SECONDS
        client.will_set(status_topic, "offline", QOS, retain=True)
        if config.username is not None:
            password = None if config.password_file is None else read_secret(config.password_file)
            client.username_pw_set(config.username, password)
        if config.tls is not None:
            client.tls_set_context(tls_context(config))
        client.on_connect = self._connected
        client.on_publish = self._published
        client.on_disconnect = self._disconnected
        client.connect(config.broker, config.port_number, config.keepalive_seconds)
        self._await_acceptance()
        client.publish(status_topic, "online", QOS, retain=True)

    @property
    def has_room(self) -> bool:
        return self.failure is None and len(self._under_way) < MOST_UNDER_WAY

    @property
    def n_under_way(self) -> int:
        return len(self._under_way)

    def send(self, topic: str, payload: bytes) -> int | None:
        """The broker's number of it, which `on_acknowledged` gets; None: the session has ended."""
        info = self._client.publish(topic, payload, QOS)
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self.failure = self.failure or "the connection was lost"
            return None
        self._under_way.add(info.mid)
        return info.mid

    def wait(self, wake: Wake, seconds: float) -> None:
        """Until something came from the broker or from `wake`, at most so long; do what it asks for."""
        socket = self._client.socket()
        if socket is None:
            self.failure = self.failure or "the connection was lost"
            return
        pending = socket.pending() if isinstance(socket, ssl.SSLSocket) else 0
        line, woken = socket.fileno(), wake.fileno()
        writers = [line] if self._client.want_write() else []
        readable, writable, _ = select.select([line, woken], writers, [], 0 if pending else seconds)
        if woken in readable:
            wake.clear()
        if pending or line in readable:
            self._client.loop_read()
        if writable:
            self._client.loop_write()
        self._client.loop_misc()

    def close(self, wake: Wake) -> bool:
        """Say "offline" and leave; at most a second. Whether the line held until then."""
        if self.failure is None:
            info = self._client.publish(self._status_topic, "offline", QOS, retain=True)
            deadline = time.monotonic() + 1.0
            while self.failure is None and not info.is_published() and time.monotonic() < deadline:
                self.wait(wake, 0.1)
        has_held = self.failure is None
        self._client.disconnect()
        self.failure = self.failure or "closed"
        return has_held

    def _await_acceptance(self) -> None:
        deadline = time.monotonic() + CONNECT_SECONDS
        wake = Wake()
        try:
            while not self._is_accepted and self.failure is None and time.monotonic() < deadline:
                self.wait(wake, 0.1)
        finally:
            wake.close()
        if not self._is_accepted:
            self._client.disconnect()
            raise ListenError(self.failure or "the broker doesn't answer; check port and TLS")

    def _connected(
        self, client: mqtt.Client, userdata: object, flags: mqtt.ConnectFlags, reason: ReasonCode, _: Properties | None
    ) -> None:
        if reason.is_failure:
            self.failure = f"the broker refuses: {str(reason).lower()}"
        else:
            self._is_accepted = True

    def _published(self, client: mqtt.Client, userdata: object, mid: int, reason: ReasonCode, _: Properties) -> None:
        if mid in self._under_way:
            self._under_way.remove(mid)
            self._on_acknowledged(mid)

    def _disconnected(
        self,
        client: mqtt.Client,
        userdata: object,
        flags: mqtt.DisconnectFlags,
        reason: ReasonCode,
        _: Properties | None,
    ) -> None:
        self.failure = self.failure or "the connection was lost"


def tls_context(config: MqttConfig) -> ssl.SSLContext:
    """TLS 1.2 or newer, the broker's certificate and name checked. Raises ListenError for files that can't serve."""
    assert config.tls is not None
    tls = config.tls
    if tls.key_file is not None:
        check_private(tls.key_file)
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
        if tls.certificate_file is not None:
            context.load_cert_chain(tls.certificate_file, tls.key_file)
    except (OSError, ssl.SSLError) as error:
        files = ", ".join(str(path) for path in (tls.ca_file, tls.certificate_file, tls.key_file) if path is not None)
        raise ListenError(f"{files}: can't be used for TLS ({error.strerror or error}); give PEM files") from error
    return context
