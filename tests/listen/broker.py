"""A real mosquitto on loopback with TLS and passwords, and a subscriber that keeps what a consumer would."""

import json
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
SERVICE_PASSWORD, READER_PASSWORD = "a secret of the service", "a secret of the reader"
PATIENCE_SECONDS = 60.0
_NEW_KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"


@dataclass(frozen=True)
class Certificates:
    """PEM files."""

    authority: Path
    certificate: Path
    key: Path


def make_certificates(folder: Path) -> Certificates:
    """An authority, and a broker's certificate for 127.0.0.1 by it."""
    folder.mkdir(parents=True)
    files = Certificates(folder / "ca.pem", folder / "broker.pem", folder / "broker.key")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    _openssl(
        f"req -x509 {_NEW_KEY} -days 2 -subj /CN=authority -keyout {folder / 'ca.key'} -out {files.authority}",
        f"req {_NEW_KEY} -subj /CN=broker -keyout {files.key} -out {folder / 'broker.csr'}",
        f"x509 -req -in {folder / 'broker.csr'} -CA {files.authority} -CAkey {folder / 'ca.key'} -CAcreateserial "
        f"-days 2 -extfile {folder / 'names'} -out {files.certificate}",
    )
    return files


def _openssl(*commands: str) -> None:
    for command in commands:
        subprocess.run(["openssl", *command.split()], check=True, capture_output=True)


class Broker:
    """Keeps port, sessions and retained messages over its restarts."""

    def __init__(self, folder: Path, certificates: Certificates) -> None:
        assert MOSQUITTO is not None
        folder.mkdir(parents=True, exist_ok=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._log = folder / "broker.log"
        passwords = folder / "passwords"
        passwords.write_text(f"service:{SERVICE_PASSWORD}\nreader:{READER_PASSWORD}\n")
        passwords.chmod(0o600)
        program = shutil.which("mosquitto_passwd") or "/usr/bin/mosquitto_passwd"
        subprocess.run([program, "-U", str(passwords)], check=True)
        self._settings = folder / "mosquitto.conf"
        self._settings.write_text(
            f"listener {self.port} 127.0.0.1\ncertfile {certificates.certificate}\nkeyfile {certificates.key}\n"
            f"allow_anonymous false\npassword_file {passwords}\nuser root\n"
            "max_queued_messages 0\n"  # without a bound for a subscriber that is away; else it drops what is over 1,000
            f"persistence true\npersistence_location {folder}/\nautosave_on_changes true\nautosave_interval 50\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert MOSQUITTO is not None
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([MOSQUITTO, "-c", str(self._settings)], stdout=log, stderr=log)
        wait_for(self._answers, f"mosquitto ({self._log})")

    def store(self) -> None:
        """What it holds now outlives `kill`: the file is there."""
        assert self._process is not None
        store = self._settings.with_name("mosquitto.db")
        store.unlink(missing_ok=True)
        self._process.send_signal(signal.SIGUSR1)
        wait_for(store.exists, str(store))

    def kill(self) -> None:
        """kill -9."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True


@dataclass
class Received:
    """`events`: what is new by the rule for consumers, a run's numbers in rising order, and when each came, in seconds
    of the monotonic clock; `n_doubles`: the others.
    """

    events: list[dict[str, Any]] = field(default_factory=list)
    came_at: list[float] = field(default_factory=list)
    topics: list[str] = field(default_factory=list)
    n_doubles: int = 0
    status: str = ""

    def numbers(self, run: str) -> list[int]:
        return [number for name, number in map(_run_and_number, self.events) if name == run]


class Subscriber:
    """With a session that the broker keeps; comes back by itself."""

    def __init__(self, broker: Broker, certificates: Certificates) -> None:
        self.received = Received()
        self._newest: dict[str, int] = {}
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, "reader", clean_session=False)
        self._client.username_pw_set("reader", READER_PASSWORD)
        self._client.tls_set(str(certificates.authority))
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe("asd-edge/#", 1)
        self._client.on_subscribe = lambda *_: setattr(self, "is_subscribed", True)
        self._client.on_message = self._take
        self.is_subscribed = False
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()
        wait_for(lambda: self.is_subscribed, "the subscription")

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _take(self, client: mqtt.Client, userdata: object, message: mqtt.MQTTMessage) -> None:
        if message.topic.endswith("/status"):
            self.received.status = message.payload.decode()
            return
        event = json.loads(message.payload)
        run, number = _run_and_number(event)
        if number <= self._newest.get(run, 0):
            self.received.n_doubles += 1
            return
        self._newest[run] = number
        self.received.topics.append(message.topic)
        self.received.came_at.append(time.monotonic())
        self.received.events.append(event)


def _run_and_number(event: dict[str, Any]) -> tuple[str, int]:
    run, _, number = event["id"].rpartition("-")
    return run, int(number)


def wait_for(is_there: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_there():
        assert time.monotonic() < deadline, f"{what} didn't come"
        time.sleep(0.02)
