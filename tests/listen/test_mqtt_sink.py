"""Events through a real mosquitto with TLS and passwords; killed, as the service is: none lost, none doubled."""

import logging
import pickle
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from asd_edge.errors import ListenError
from asd_edge.listen.events import Event, EventIds
from asd_edge.listen.mqtt_config import MqttConfig, TlsConfig
from asd_edge.listen.mqtt_sink import MqttSink, topic_level
from asd_edge.listen.spool import Spool
from tests.listen.broker import (
    MOSQUITTO,
    SERVICE_PASSWORD,
    Broker,
    Certificates,
    Subscriber,
    make_certificates,
    wait_for,
)
from tests.listen.some_events import alarm_ended, alarm_started, score, service_state, source_state

needs_broker = pytest.mark.skipif(MOSQUITTO is None, reason="no mosquitto; apt-get install mosquitto")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("tls") / "own")


@pytest.fixture
def broker(tmp_path: Path, certificates: Certificates) -> Iterator[Broker]:
    """Not started yet."""
    made = Broker(tmp_path / "broker", certificates)
    yield made
    made.stop()


@pytest.fixture
def config(tmp_path: Path, broker: Broker, certificates: Certificates) -> MqttConfig:
    password = tmp_path / "password"
    password.write_text(f"{SERVICE_PASSWORD}\n")
    password.chmod(0o600)
    return MqttConfig(
        broker="127.0.0.1",
        port=broker.port,
        tls=TlsConfig(ca_file=certificates.authority),
        username="service",
        password_file=password,
        spool=tmp_path / "spool",
        spool_mb=1,
    )


@pytest.fixture
def reader(broker: Broker, certificates: Certificates) -> Iterator[Subscriber]:
    broker.start()
    subscriber = Subscriber(broker, certificates)
    yield subscriber
    subscriber.close()


def publish_scores(sink: MqttSink, ids: EventIds, n_events: int, seconds: float = 0.0) -> None:
    for _ in range(n_events):
        sink.publish(score(ids))
        time.sleep(seconds)


@needs_broker
def test_each_event_comes_once_in_order_below_its_own_topic(config: MqttConfig, reader: Subscriber) -> None:
    ids, received = EventIds("run"), reader.received
    sink = MqttSink(config, "pi/7")
    events: list[Event] = [
        score(ids),
        alarm_started(ids),
        alarm_ended(ids),
        source_state(ids, "pump+1"),
        service_state(ids),
    ]
    for event in events:
        sink.publish(event)
    wait_for(lambda: len(received.events) == len(events), "the events")
    assert received.status == "online"
    assert sink.problem() is None
    assert received.events == [
        {**event.as_json(), **({"accounts": []} if i == 4 else {})} for i, event in enumerate(events)
    ]
    root, machine = "asd-edge/pi%2F7", "fan%2Fid_00"
    leaves = [f"{machine}/score", f"{machine}/alarm", f"{machine}/alarm", "pump%2B1/state", "service"]
    assert received.topics == [f"{root}/{leaf}" for leaf in leaves]
    sink.close()
    wait_for(lambda: received.status == "offline", "the farewell")
    assert received.n_doubles == 0


@needs_broker
def test_close_sends_what_was_published_just_before(config: MqttConfig, reader: Subscriber) -> None:
    ids = EventIds("run")
    sink = MqttSink(config, "pi")
    wait_for(lambda: reader.received.status == "online", "the connection")
    publish_scores(sink, ids, 50)
    sink.close()
    wait_for(lambda: len(reader.received.events) == 50, "the events")
    assert reader.received.numbers("run") == list(range(1, 51))


@needs_broker
def test_events_of_an_outage_and_of_the_run_before_follow_in_order(
    config: MqttConfig, broker: Broker, certificates: Certificates
) -> None:
    first_ids, second_ids = EventIds("first"), EventIds("second")
    sink = MqttSink(config, "pi")
    publish_scores(sink, first_ids, 150)
    wait_for(lambda: sink.problem() is not None, "the outage")
    assert f"no broker at 127.0.0.1:{broker.port}" in str(sink.problem())
    sink.close()
    sink = MqttSink(config, "pi")
    publish_scores(sink, second_ids, 150)
    broker.start()
    reader = Subscriber(broker, certificates)
    wait_for(lambda: len(reader.received.events) == 300, "the events")
    assert reader.received.numbers("first") == list(range(1, 151))
    assert reader.received.numbers("second") == list(range(1, 151))
    assert reader.received.events[149]["id"].startswith("first")
    sink.close()
    reader.close()


@needs_broker
def test_a_killed_broker_costs_no_event(config: MqttConfig, broker: Broker, reader: Subscriber) -> None:
    ids = EventIds("run")
    sink = MqttSink(config, "pi")
    for _ in range(3):
        seen = len(reader.received.events)
        publish_scores(sink, ids, 60, 0.005)
        wait_for(lambda seen=seen: len(reader.received.events) > seen, "events")  # type: ignore[misc]
        broker.kill()
        publish_scores(sink, ids, 30)
        broker.start()
    wait_for(lambda: len(reader.received.events) == 270, "the events")
    assert reader.received.numbers("run") == list(range(1, 271))
    wait_for(lambda: sink.problem() is None, "the connection")
    sink.close()


@needs_broker
def test_what_a_broker_acknowledged_and_lost_is_sent_again_however_long_it_is_away(
    config: MqttConfig, broker: Broker, reader: Subscriber, certificates: Certificates
) -> None:
    """It knows its subscriber, who is away, but not the events for it when it comes back."""
    broker.store()
    reader.close()
    sink = MqttSink(config, "pi")
    publish_scores(sink, EventIds("run"), 8)
    wait_for(lambda: sink._spool.acknowledged == 8, "the acknowledgements")
    broker.kill()
    wait_for(lambda: sink.problem() is not None, "the outage")
    time.sleep(2.0)  # attempts to connect that fail
    assert "8 events wait" in str(sink.problem())
    broker.start()
    again = Subscriber(broker, certificates)
    wait_for(lambda: len(again.received.events) == 8, "the events")
    assert again.received.numbers("run") == list(range(1, 9))
    sink.close()
    again.close()


@needs_broker
def test_a_loss_is_told_while_the_broker_is_there(config: MqttConfig, reader: Subscriber) -> None:
    ids, spool = EventIds("run"), Spool(config.spool, 1_000_000)
    for _ in range(9):
        spool.append("asd-edge/pi/fan/score", score(ids).as_line().encode())
    spool.close()
    (segment,) = config.spool.glob("*.segment")
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 1
    segment.write_bytes(content)
    sink = MqttSink(config, "pi")
    wait_for(lambda: len(reader.received.events) == 8, "the events")
    assert sink.problem() == "1 events lost since the start"
    assert sink.problem() is None
    sink.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_died_is_told_and_so_is_what_it_did_not_store(tmp_path: Path) -> None:
    config = MqttConfig(broker="127.0.0.1", port=1, spool=tmp_path / "spool")
    ids, sink = EventIds("run"), MqttSink(config, "pi")
    sink.publish(score(ids, value=float("nan")))  # no event of the service: JSON has no word for it
    wait_for(lambda: "its thread mqtt-spool has died (ValueError: " in str(sink.problem()), "the death")
    sink.publish(score(ids))
    with pytest.raises(ListenError, match=r"spool: 2 events didn't come to the disk and are lost"):
        sink.close()


_SERVICE = """
import pickle, sys, time
from asd_edge.listen.events import EventIds
from asd_edge.listen.mqtt_sink import MqttSink
from tests.listen.some_events import score
sink, ids = MqttSink(pickle.loads(bytes.fromhex(sys.argv[1])), "pi"), EventIds(sys.argv[2])
while True:
    sink.publish(score(ids))
    time.sleep(0.002)
"""


@needs_broker
def test_a_killed_service_costs_no_stored_event_and_is_told_offline(
    config: MqttConfig, broker: Broker, reader: Subscriber
) -> None:
    received = reader.received
    for run in ("first", "second"):
        service = subprocess.Popen([sys.executable, "-c", _SERVICE, pickle.dumps(config).hex(), run])
        wait_for(lambda run=run: len(received.numbers(run)) > 60, "events")  # type: ignore[misc]
        assert received.status == "online"
        service.kill()
        service.wait()
        wait_for(lambda: received.status == "offline", "the last will")
    sink = MqttSink(config, "pi")
    sink.publish(score(EventIds("last")))
    wait_for(lambda: bool(received.numbers("last")), "the last event")
    sink.close()
    for run in ("first", "second"):
        numbers = received.numbers(run)
        assert numbers == list(range(1, len(numbers) + 1))


@needs_broker
def test_a_full_spool_tells_what_it_lost(config: MqttConfig, broker: Broker, certificates: Certificates) -> None:
    ids = EventIds("run")
    sink = MqttSink(config, "pi")
    publish_scores(sink, ids, 4000)
    wait_for(lambda: "events lost" in str(sink.problem()), "the loss")
    sink.close()
    broker.start()
    reader = Subscriber(broker, certificates)
    sink = MqttSink(config, "pi")
    wait_for(lambda: reader.received.numbers("run")[-1:] == [4000], "the newest event")
    numbers = reader.received.numbers("run")
    assert numbers == list(range(numbers[0], 4001))
    assert numbers[0] > 1
    sink.close()
    reader.close()


@needs_broker
@pytest.mark.parametrize("what", ["password", "authority"])
def test_a_refusal_is_told_without_the_secret(
    config: MqttConfig,
    reader: Subscriber,
    tmp_path: Path,
    what: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    if what == "password":
        wrong, expected = "not that one", "the broker refuses"
        assert config.password_file is not None
        config.password_file.write_text(wrong)
    else:
        wrong, expected = SERVICE_PASSWORD, "certificate"
        other = make_certificates(tmp_path / "other").authority
        config = replace(config, tls=TlsConfig(ca_file=other))
    sink = MqttSink(config, "pi")
    sink.publish(score(EventIds("run")))
    wait_for(lambda: expected in str(sink.problem()).lower(), "the refusal")
    told = f"{sink.problem()}{config!r}{sink!r}"
    sink.close()
    assert reader.received.events == []
    assert wrong not in told + caplog.text + "".join(capfd.readouterr())


def test_a_password_that_others_can_read_is_refused(tmp_path: Path, certificates: Certificates) -> None:
    password = tmp_path / "password"
    password.write_text("secret")
    password.chmod(0o640)
    config = MqttConfig(broker="localhost", username="me", password_file=password, spool=tmp_path / "spool")
    with pytest.raises(ListenError, match=r"others can read or change it; run chmod 600 .*password"):
        MqttSink(config, "pi")
    password.chmod(0o600)
    password.write_text("")
    with pytest.raises(ListenError, match="has to hold one line"):
        MqttSink(config, "pi")
    config = MqttConfig(broker="localhost", tls=TlsConfig(ca_file=password), spool=tmp_path / "spool")
    with pytest.raises(ListenError, match="can't be used for TLS"):
        MqttSink(config, "pi")
    assert not (tmp_path / "spool").exists()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"broker": "mqtt.example", "username": "me", "password_file": "p"}, "for anybody to read"),
        ({"broker": "localhost", "password_file": "p"}, "without a username"),
        ({"broker": "localhost", "tls": {"certificate_file": "c"}}, "needs its key"),
        ({"broker": "localhost", "prefix": "a/#"}, "prefix"),
        ({"broker": "localhost", "password": "p"}, "password"),
    ],
)
def test_settings_that_would_not_be_safe_are_refused(given: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        TypeAdapter(MqttConfig).validate_python({"spool": "spool", **given})


def test_names_stay_distinct_as_levels_of_a_topic() -> None:
    names = ["fan/id_00", "fan%2Fid_00", "fan+", "fan#", "fan\n", "fan", "lüfter"]
    levels = [topic_level(name) for name in names]
    assert len(set(levels)) == len(names)
    assert not set("/+#\n\0") & set("".join(levels))
    assert levels[-2:] == ["fan", "lüfter"]
