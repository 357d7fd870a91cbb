"""Events -> a broker, over whatever happens to either: each waits on disk until the broker has acknowledged it.

One thread writes events to the spool, another sends what is there, in order. The design, and what exactly is
guaranteed: DESIGN.md.
"""

import queue
import socket
import threading
import time
from contextlib import suppress
from functools import partial

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
from asd_edge.listen.sent_messages import SentMessages
from asd_edge.listen.spool import Spool
from asd_edge.listen.watched_thread import WatchedThread

_LEAVES = {
    WindowScore: "score",
    WindowDropped: "score",
    WindowRefused: "score",
    AlarmStarted: "alarm",
    AlarmEnded: "alarm",
    SourceState: "state",
}
_SYNC_SECONDS = 5.0
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
        self._n_overrun = 0  # for want of room in `_unstored`
        self._n_lost_told = 0
        self._connection_problem: str | None = None
        self._wake, self._is_closing = Wake(), threading.Event()
        self._ever_acknowledged = self._spool.acknowledged
        self._storing = WatchedThread("mqtt-spool", self._store_events)
        self._sending = WatchedThread("mqtt", self._send_messages)

    def publish(self, event: Event) -> None:
        try:
            self._unstored.put_nowait(event)
        except queue.Full:
            self._n_overrun += 1

    def problem(self) -> str | None:
        """A loss is told once more after all else is well again."""
        losses = self._spool.losses
        n_lost = losses.n_dropped + losses.n_damaged + self._n_overrun
        clauses = [thread.problem for thread in (self._storing, self._sending) if thread.problem is not None]
        if self._connection_problem is not None:
            place = f"{self._config.broker}:{self._config.port_number}"
            clauses.append(f"no broker at {place} ({self._connection_problem}); {self._spool.n_waiting} events wait")
        if self._spool.failure:
            clauses.append(f"{self._config.spool} takes no events ({self._spool.failure})")
        is_well, is_news = not clauses, n_lost > self._n_lost_told
        if n_lost and (is_news or not is_well):
            clauses.append(f"{n_lost} events lost since the start")
        if is_well:
            self._n_lost_told = n_lost
        return "; ".join(clauses) or None

    def close(self) -> None:
        """What the broker has not acknowledged by then waits on disk for the next start.

        Raises ListenError where the disk doesn't take it.
        """
        self._is_closing.set()
        with suppress(queue.Full):
            self._unstored.put(None, timeout=_FAREWELL_SECONDS)
        self._storing.join(_FAREWELL_SECONDS)
        self._wake()
        self._sending.join(_FAREWELL_SECONDS + 0.5)
        if not self._storing.is_alive:  # it may hang on the disk, the other one on a broker's name: then it is idle
            self._spool.close()
        if not self._sending.is_alive:
            self._wake.close()
        n_left = self._unstored.qsize() + self._spool.n_held  # the None there stands for the event that it broke off at
        if n_left:
            raise ListenError(f"{self._config.spool}: {n_left} events didn't come to the disk and are lost")

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
            sent = SentMessages(self._spool.acknowledged, self._ever_acknowledged, time.monotonic())
            try:
                on_acknowledged = partial(self._acknowledged, sent)
                session = MqttSession(self._config, self._client_id, f"{self._root}/status", on_acknowledged)
                self._connection_problem, pause = None, _FIRST_PAUSE
                self._connection_problem = self._send_over(session, sent)
            except (OSError, ValueError, ListenError) as error:
                self._connection_problem = getattr(error, "strerror", None) or str(error)
            if self._connection_problem is not None:
                self._spool.take_back(sent.settled)
            self._is_closing.wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _send_over(self, session: MqttSession, sent: SentMessages) -> str | None:
        """Until the session ends: why it did; None: it was closed, at the latest after the farewell's time."""
        farewell = None
        while session.failure is None:
            while session.has_room and (message := self._spool.next_after(sent.last)) is not None:
                number = session.send(message.topic, message.payload)
                if number is None:
                    break
                sent.add(number, message.sequence)
            if self._is_closing.is_set():
                farewell = farewell or time.monotonic() + _FAREWELL_SECONDS
                if time.monotonic() >= farewell or (session.n_under_way == 0 and not self._storing.is_alive):
                    return None if session.close(self._wake) else session.failure
            session.wait(self._wake, 0.1 if self._is_closing.is_set() else 1.0)
        return session.failure

    def _acknowledged(self, sent: SentMessages, number: int) -> None:
        sent.acknowledge(number, time.monotonic())
        self._ever_acknowledged = max(self._ever_acknowledged, sent.acknowledged)
        self._spool.acknowledge(sent.acknowledged, sent.settled)


def topic_level(name: str) -> str:
    """A name as one level of a topic: what has a meaning there is written as in a URL, %2F for /."""
    return "".join(f"%{ord(c):02X}" if c in _RESERVED or not c.isprintable() else c for c in name)
