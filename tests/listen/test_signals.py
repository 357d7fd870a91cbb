"""The service as a process: what signals, systemd's socket and lost sources do to it."""

import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.listen.running_service import ServiceProcess, wait_until_read, write_all, write_config
from tests.listen.small_detector import FAN, RATE_HZ, WINDOW, hum
from tests.listen.told_events import check_account, check_ids, of, states


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "microphone"
    os.mkfifo(path)
    return path


def entry_of(fifo: Path, work: Path) -> dict[str, object]:
    return {"machine": FAN, "source": {"kind": "fifo", "path": fifo.name}, "model": str(work), "threshold": 1000}


@pytest.fixture
def service(tmp_path: Path, fifo: Path, small_work: Path) -> Iterator[ServiceProcess]:
    started = ServiceProcess(write_config(tmp_path, [entry_of(fifo, small_work)], windows="window"))
    yield started
    started.kill()


def send(fifo: Path, *sounds: np.ndarray) -> int:
    """Through a writer of its own, until all is taken; how many samples."""
    writer = os.open(fifo, os.O_WRONLY)
    for sound in sounds:
        write_all(writer, sound)
    wait_until_read(writer)
    os.close(writer)
    return sum(sound.size for sound in sounds)


def test_sigterm_ends_with_an_account_of_every_window(service: ServiceProcess, fifo: Path) -> None:
    n_samples = send(fifo, hum(3 * WINDOW + 100, 1))
    events, errors = service.end()
    check_ids(events)
    assert check_account(events, FAN, "window", n_samples)["scored"] == 3
    assert errors.splitlines() == [
        "fan/id_00 window: 4 windows begun, 3 scored, 0 dropped, 1 refused, 0 under way; 49252 samples heard"
    ]


def test_a_lost_source_is_told_and_comes_back(service: ServiceProcess, fifo: Path) -> None:
    """The window that was cut has no score; the next one begins with the source's first sample."""
    n_first = send(fifo, hum(WINDOW + 700, 1))
    service.wait_for(lambda events: "lost" in states(events)[1:])
    n_samples = n_first + send(fifo, hum(2 * WINDOW, 2))
    events, _ = service.end()
    assert states(events)[-4:] in (["recovered", "lost", "recovered", "lost"], ["running", "lost", "recovered", "lost"])
    assert [event["sample_index"] for event in of(events, "WindowScore")] == [0, n_first, n_first + WINDOW]
    assert [event["reason"] for event in of(events, "WindowRefused")] == ["the source was lost"]
    check_account(events, FAN, "window", n_samples)


def test_sighup_takes_a_new_configuration_and_keeps_the_old_one_where_it_is_bad(
    service: ServiceProcess, fifo: Path, small_work: Path, tmp_path: Path
) -> None:
    writer = os.open(fifo, os.O_WRONLY)
    write_all(writer, hum(2 * WINDOW, 1))
    service.wait_for(lambda events: len(of(events, "WindowScore")) == 2)
    config = tmp_path / "listen.yaml"
    bad = ("machines: []", "machines: [", "windows: often", "machines: [{machine: fan/id_00}]")
    for count, text in enumerate(bad, 1):
        config.write_text(text)
        service.send(signal.SIGHUP)
        service.wait_for_state("reload-refused", count)
    write_config(tmp_path, [{**entry_of(fifo, small_work), "threshold": -1000}], windows="both")
    service.send(signal.SIGHUP)
    service.wait_for_state("reloaded")
    write_all(writer, hum(2 * WINDOW, 2))
    service.wait_for(lambda events: any(event["is_anomalous"] for event in of(events, "WindowScore")))
    wait_until_read(writer)
    events, _ = service.end()
    os.close(writer)
    refused = [event["detail"] for event in events if event.get("state") == "reload-refused"]
    assert all(detail.endswith("the old configuration stays") for detail in refused)
    assert "machines" in refused[0]
    assert len(refused) == 4
    check_ids(events)
    check_account(events, FAN, "window", 4 * WINDOW)
    sliding = [event for event in of(events, "WindowScore") if event["kind"] == "sliding"]
    assert sliding[0]["sample_index"] >= WINDOW  # it was asked for later


def test_a_machine_that_leaves_and_comes_back_keeps_its_count(
    service: ServiceProcess, fifo: Path, small_work: Path, tmp_path: Path
) -> None:
    n_samples = send(fifo, hum(WINDOW, 1))
    service.wait_for(lambda events: len(of(events, "WindowScore")) == 1)
    other = {**entry_of(fifo, small_work), "machine": "fan/id_02"}
    for count, machines in enumerate(([other], [entry_of(fifo, small_work)]), 1):
        write_config(tmp_path, machines, windows="window")
        service.send(signal.SIGHUP)
        service.wait_for_state("reloaded", count)
    n_samples += send(fifo, hum(WINDOW, 2))
    events, _ = service.end()
    check_ids(events)
    assert check_account(events, FAN, "window", n_samples)["scored"] == 2


def test_systemd_hears_that_it_is_ready_alive_and_stopping(small_work: Path, fifo: Path, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        address = tmp_path / "notify"
        systemd.bind(str(address))
        systemd.settimeout(60)
        config = write_config(tmp_path, [entry_of(fifo, small_work)], windows="window")
        service = ServiceProcess(config, NOTIFY_SOCKET=str(address))
        try:
            assert systemd.recv(4096) == b"READY=1"
            alive = systemd.recv(4096).decode().split("\n")
            assert alive[0] == "WATCHDOG=1"
            assert alive[1] == "STATUS=0 windows: 0 scored, 0 dropped, 0 refused"
            service.end()
            heard = b""
            while heard != b"STOPPING=1":
                heard = systemd.recv(4096)
        finally:
            service.kill()


def test_neither_scipy_nor_torch_nor_the_compiler_is_loaded(small_work: Path, fifo: Path, tmp_path: Path) -> None:
    """Nothing of what reads .tflite files or trains either."""
    config = write_config(tmp_path, [entry_of(fifo, small_work)])
    (tmp_path / "offset").write_text("0")
    command = ("-m", "tests.listen.clocked_service", str(config), str(tmp_path / "offset"))
    service = ServiceProcess(config, *command)
    try:
        send(fifo, hum(RATE_HZ, 1))
        service.send(signal.SIGTERM)
        output, errors = service.process.communicate(timeout=60)
    finally:
        service.kill()
    assert json.loads(output)["heavy"] == [], errors
