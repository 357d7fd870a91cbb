"""Events -> a broker, over whatever happens to either: each waits on disk until the broker has acknowledged it.

One thread writes events to the spool, another sends what is there, in order. The design, and what exactly is
guaranteed: DESIGN.md.
"""

import queue
import socket
import threading
import time
from collections import deque
from contextlib import suppress

from asd_edge.errors import ListenError
from asd_edge.listen.events import (
    AlarmEnded,
    AlarmStarted,
    Event,
    ServiceState,
    SourceState,
    WindowDropped,
    WindowRefused,
    WindowScore,
)
from asd_edge.listen.mqtt_config import MqttConfig
from asd_edge.listen.mqtt_session import MqttSession, Wake, tls_context
from asd_edge.listen.secret_file import read_secret
from asd_edge.listen.spool import N_KEPT, Spool

_LEAVES = {
    WindowScore: "score",
    WindowDropped: "score",
    WindowRefused: "score",
    AlarmStarted: "alarm",
    AlarmEnded: "alarm",
    SourceState: "state",
}
_SYNC_SECONDS = 5.0
_RESEND_SECONDS = 10.0  # what a broker acknowledged so shortly before it broke off is sent again
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 60.0  # between two attempts to connect
_MOST_UNSTORED = 10_000
_FAREWELL_SECONDS = 2.0
_RESERVED = set("%/+#\0")


class MqttSink:
    """A `Sink`."""

    def __init__(self, config: MqttConfig, host_name: str | None = None) -> None:
        """Raises ListenError for a spool, password or TLS file that can't be used, not for want of a broker."""
        if config.password_file is not None:
            read_secret(config.password_file)
        if config.tls is not None:
            tls_context(config)
        self._config = config
        host = host_name or config.host or socket.gethostname()
        self._root = f"{config.prefix}/{topic_level(host)}"
        self._client_id = f"asd-edge-{topic_level(host)}"
        self._spool = Spool(config.spool, config.spool_mb * 1_000_000)
        self._unstored: queue.Queue[Event | None] = queue.Queue(_MOST_UNSTORED)  # None: no more will come
        self._n_overrun = 0
        self._connection_problem: str | None = None
        self._wake, self._is_closing = Wake(), threading.Event()
        self._sent: dict[int, int] = {}  # broker's number -> spool's
        self._cursor = self._spool.acknowledged  # last number that was sent
        self._recent: deque[tuple[float, int]] = deque(maxlen=N_KEPT)  # when which number was acknowledged
        self._storing = threading.Thread(target=self._store_events, name="mqtt-spool", daemon=True)
        self._sending = threading.Thread(target=self._send_messages, name="mqtt", daemon=True)
        self._storing.start()
        self._sending.start()

    def publish(self, event: Event) -> None:
        try:
            self._unstored.put_nowait(event)
        except queue.Full:
            self._n_overrun += 1

    def problem(self) -> str | None:
        losses = self._spool.losses
        lost = losses.n_dropped + losses.n_damaged + self._n_overrun
        clauses = []
        if self._connection_problem is not None:
            place = f"{self._config.broker}:{self._config.port_number}"
            clauses.append(f"no broker at {place} ({self._connection_problem}); {self._spool.n_waiting} events wait")
        if self._spool.failure:
            clauses.append(f"{self._config.spool} takes no events ({self._spool.failure})")
        if not clauses:
            return None
        if lost:
            clauses.append(f"{lost} events lost since the start")
        return "; ".join(clauses)

    def close(self) -> None:
        """What the broker has not acknowledged by then waits on disk for the next start."""
        self._is_closing.set()
        with suppress(queue.Full):
            self._unstored.put(None, timeout=_FAREWELL_SECONDS)
        self._storing.join(_FAREWELL_SECONDS)
        self._wake()
        self._sending.join(_FAREWELL_SECONDS + 0.5)
        if not self._storing.is_alive():  # it may hang on the disk, the other one on a broker's name: then it is idle
            self._spool.close()
        if not self._sending.is_alive():
            self._wake.close()

    def topic_of(self, event: Event) -> str:
        if isinstance(event, ServiceState):
            return f"{self._root}/service"
        return f"{self._root}/{topic_level(event.machine)}/{_LEAVES[type(event)]}"

    def _store_events(self) -> None:
        """Until close: at the latest after _SYNC_SECONDS, and at once after an alarm, a power cut loses nothing."""
        synced = time.monotonic()
        is_closing = False
        while not is_closing:
            is_urgent = False
            try:
                event = self._unstored.get(timeout=_SYNC_SECONDS)
                is_closing = event is None
                if event is not None:
                    self._spool.append(self.topic_of(event), event.as_line().encode())
                    self._wake()
                    is_urgent = isinstance(event, AlarmStarted | AlarmEnded)
            except queue.Empty:
                pass
            if is_urgent or is_closing or time.monotonic() - synced > _SYNC_SECONDS:
                self._spool.sync()
                synced = time.monotonic()

    def _send_messages(self) -> None:
        pause = _FIRST_PAUSE
        while not self._is_closing.is_set():
            try:
                session = MqttSession(self._config, self._client_id, f"{self._root}/status", self._acknowledged)
                self._connection_problem, pause = None, _FIRST_PAUSE
                self._send_over(session)
                self._connection_problem = session.failure
            except (OSError, ValueError, ListenError) as error:
                self._connection_problem = getattr(error, "strerror", None) or str(error)
            self._take_back()
            self._is_closing.wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _send_over(self, session: MqttSession) -> None:
        """Until the session ends, or until close and the farewell's time."""
        farewell = None
        while session.failure is None:
            while session.has_room and (message := self._spool.next_after(self._cursor)) is not None:
                number = session.send(message.topic, message.payload)
                if number is None:
                    break
                self._sent[number], self._cursor = message.sequence, message.sequence
            if self._is_closing.is_set():
                farewell = farewell or time.monotonic() + _FAREWELL_SECONDS
                if time.monotonic() >= farewell or (session.n_under_way == 0 and not self._storing.is_alive()):
                    session.close(self._wake)
                    break
            session.wait(self._wake, 0.1 if self._is_closing.is_set() else 1.0)

    def _acknowledged(self, number: int) -> None:
        sequence = self._sent.pop(number)
        self._recent.append((time.monotonic(), sequence))
        self._spool.acknowledge(min(self._sent.values(), default=self._cursor + 1) - 1)

    def _take_back(self) -> None:
        """What wasn't acknowledged, and what was so lately that a broker that died may not have passed it on."""
        self._sent.clear()
        again = [sequence for when, sequence in self._recent if when > self._recent[-1][0] - _RESEND_SECONDS]
        self._cursor = min([self._spool.acknowledged, *(sequence - 1 for sequence in again)])
        self._recent.clear()


def topic_level(name: str) -> str:
    """A name as one level of a topic: what has a meaning there is written as in a URL, %2F for /."""
    return "".join(f"%{ord(c):02X}" if c in _RESERVED or not c.isprintable() else c for c in name)
