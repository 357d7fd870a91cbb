"""`python -m tests.listen.soak [MINUTES]`: audio at 20 times real time through the whole service, with faults injected.

Two machines' pipes, 16 and 48 kHz, into the service as a process of its own. The faults: a writer that goes away and
comes back, a dead microphone, more audio at once than the queue holds, a configuration that changes and one that is
bad, a wall clock that is set, a disk that is full for a while, a broker that is killed and comes back. At the end every
window of every sample that was written has to be accounted for, and every event to have come once. Prints the account
as JSON.
"""

import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.listen.broker import MOSQUITTO, SERVICE_PASSWORD, Broker, Subscriber, make_certificates, wait_for
from tests.listen.running_service import ServiceProcess, write_config
from tests.listen.small_detector import FAN, OTHER_FAN, RATE_HZ, write_small_work
from tests.listen.small_disk import small_disk, why_no_small_disk
from tests.listen.soak_feeder import Feeder
from tests.listen.told_events import Told, check_account, check_ids, of

QUEUE_SECONDS = 20.0
MOST_MEMORY_KB = 60_000
DISK_KB = 65_536
FULL_SECONDS = 3.0


@dataclass
class Consumer:
    """A broker and somebody who listens to it."""

    broker: Broker
    subscriber: Subscriber
    settings: dict[str, Any]


def soak(minutes: float, folder: Path) -> dict[str, Any]:
    """The account. Raises AssertionError where it doesn't close."""
    work = write_small_work(folder / "work")
    has_disk = why_no_small_disk() is None
    with ExitStack() as stack:
        place = stack.enter_context(small_disk(folder / "disk", DISK_KB)) if has_disk else folder
        consumer = stack.enter_context(a_consumer(folder)) if MOSQUITTO is not None else None
        outputs: dict[str, Any] = {
            "jsonl": {"path": "events.jsonl"},
            "recordings": {"folder": str(folder / "recordings"), "quota_mb": 1},
            "mqtt": consumer.settings if consumer else None,
        }
        feeders = [
            Feeder(FAN, folder / "a", 1, 60 * minutes, seed=1),
            Feeder(OTHER_FAN, folder / "b", 3, 60 * minutes, seed=10_000_000),
        ]
        machines = []
        for feeder in feeders:
            os.mkfifo(feeder.fifo)
            source = {"kind": "fifo", "path": str(feeder.fifo), "rate_hz": RATE_HZ * feeder.factor}
            machines.append({"machine": feeder.machine, "source": source, "model": str(work)})
        times = {"queue_seconds": QUEUE_SECONDS, "lost_after_seconds": 600.0, "state_seconds": 1.0}
        settings = {**times, "outputs": outputs}
        config = write_config(place, machines, alarm={"minimum_seconds": 0.5}, **settings)
        offset = folder / "offset"
        offset.write_text("0")
        service = ServiceProcess(config, "-m", "tests.listen.clocked_service", str(config), str(offset))
        stack.callback(service.kill)
        threads = [threading.Thread(target=feeder.run, daemon=True) for feeder in feeders]
        started = time.monotonic()
        for thread in threads:
            thread.start()
        service.wait_for_state("running")
        if consumer is not None:
            consumer.broker.kill()
        change_settings(service, config, machines, settings)
        set_clock(service, offset)
        if has_disk:
            fill_disk(service, place)
        if consumer is not None:
            consumer.broker.start()
        for thread in threads:
            thread.join()
        seconds = time.monotonic() - started
        service.send(signal.SIGTERM)
        output, errors = service.process.communicate(timeout=120)
        assert service.process.returncode == 0, errors
        events = service.events()
        if consumer is not None:
            check_received(consumer, events, config, offset)
        found = account_of(events, json.loads(output), feeders, seconds, has_disk)
        return {**found, "broker": "killed for a while" if consumer else "no mosquitto"}


def check_received(consumer: Consumer, events: list[Told], config: Path, offset: Path) -> None:
    """Every event once. What no broker had taken when the service stopped, the next run of it brings."""
    received, run = consumer.subscriber.received, events[0]["id"].rpartition("-")[0]
    last = ServiceProcess(config, "-m", "tests.listen.clocked_service", str(config), str(offset))
    try:
        wait_for(lambda: len(received.numbers(run)) >= len(events), "every event")
        last.send(signal.SIGTERM)
        last.process.communicate(timeout=60)
    finally:
        last.kill()
    assert received.numbers(run) == list(range(1, len(events) + 1))


@contextmanager
def a_consumer(folder: Path) -> Iterator[Consumer]:
    certificates = make_certificates(folder / "tls")
    broker = Broker(folder / "broker", certificates)
    broker.start()
    password = folder / "password"
    password.write_text(SERVICE_PASSWORD)
    password.chmod(0o600)
    settings = {
        "broker": "127.0.0.1",
        "port": broker.port,
        "tls": {"ca_file": str(certificates.authority)},
        "username": "service",
        "password_file": str(password),
        "spool": str(folder / "spool"),
    }
    subscriber = Subscriber(broker, certificates)
    broker.store()  # a broker that is killed before forgets its subscriber, and takes events for nobody
    try:
        yield Consumer(broker, subscriber, settings)
    finally:
        subscriber.close()
        broker.stop()


def change_settings(
    service: ServiceProcess, config: Path, machines: list[dict[str, Any]], settings: dict[str, Any]
) -> None:
    """A bad configuration, then one with another alarm and another kind of silence."""
    good = config.read_text()
    config.write_text("machines: 3")
    service.send(signal.SIGHUP)
    service.wait_for_state("reload-refused")
    config.write_text(good)
    write_config(config.parent, machines, alarm={"minimum_seconds": 0}, silence={"seconds": 0.8}, **settings)
    service.send(signal.SIGHUP)
    service.wait_for_state("reloaded")


def set_clock(service: ServiceProcess, offset: Path) -> None:
    """An hour ahead and back."""
    for count, seconds in enumerate(("3600", "0")):
        temporary = offset.with_suffix(".new")
        temporary.write_text(seconds)
        temporary.replace(offset)
        service.wait_for_state("clock-jump", count + 1)


def fill_disk(service: ServiceProcess, disk: Path) -> None:
    """Until nothing could be written for longer than it takes to be noticed; something is to be written each second."""
    ballast = os.open(disk / "ballast", os.O_WRONLY | os.O_CREAT)
    written, since = 0, time.monotonic()
    while time.monotonic() - since < FULL_SECONDS:
        try:
            os.write(ballast, bytes(4096))
        except OSError:
            time.sleep(0.05)
        if (size := service.events_path.stat().st_size) != written:
            written, since = size, time.monotonic()
    os.close(ballast)
    (disk / "ballast").unlink()
    service.wait_for_state("output-restored")


def account_of(
    events: list[Told], printed: dict[str, Any], feeders: list[Feeder], seconds: float, has_disk: bool
) -> dict[str, Any]:
    check_ids(events)
    accounts = [
        check_account(events, feeder.machine, kind, feeder.n_samples)
        for feeder in feeders
        for kind in ("window", "sliding")
    ]
    states = Counter(f"{event['event']} {event['state']}" for event in of(events, "SourceState", "ServiceState"))
    for feeder in feeders:
        own = [event for event in events if event.get("machine") == feeder.machine]
        seen = Counter(event["state"] for event in of(own, "SourceState"))
        assert seen["lost"] >= feeder.n_lost > 0
        assert seen["silent"] > 0
        assert len(of(own, "AlarmStarted")) == len(of(own, "AlarmEnded")) > 0
    assert all(account["scored"] > 0 and account["refused"] > 0 for account in accounts)
    assert sum(account["dropped"] for account in accounts) > 0
    assert states["ServiceState clock-jump"] == 2
    assert states["ServiceState reloaded"] == states["ServiceState reload-refused"] == 1
    of_lines = [event["state"] for event in of(events, "ServiceState") if event["detail"].startswith("jsonl:")]
    assert of_lines == (["output-degraded", "output-restored"] if has_disk else [])
    assert printed["heavy"] == []
    assert all(problem.startswith("mqtt: no broker") for problem in printed["problems"])
    assert printed["greatest_kb"] <= MOST_MEMORY_KB, printed
    heard = sum(feeder.n_samples for feeder in feeders) / RATE_HZ
    return {
        "seconds_of_audio": heard,
        "seconds": seconds,
        "events": len(events),
        "accounts": accounts,
        "states": dict(sorted(states.items())),
        "alarms": len(of(events, "AlarmStarted")),
        "greatest_memory_kb": printed["greatest_kb"],
        "cpu_seconds_per_second_of_audio": printed["cpu_seconds"] / heard,
        "disk": "full for a while" if has_disk else why_no_small_disk(),
    }


def main() -> None:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(soak(minutes, Path(folder)), indent=1))


if __name__ == "__main__":
    main()
