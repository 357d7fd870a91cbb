"""The dashboard over HTTP: nothing without the token, the state and its changes, bounds, attention, recordings."""

import base64
import http.client
import json
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from numpy.typing import NDArray

from asd_edge.backends.network_inputs import FIXED, code_inputs
from asd_edge.backends.rung import Clip
from asd_edge.errors import ListenError
from asd_edge.export.detector import load_detector
from asd_edge.listen.dashboard.attention import attention_model, look_at_window
from asd_edge.listen.dashboard.dashboard import Dashboard
from asd_edge.listen.dashboard.spectrogram import bytes_of_log_mel
from asd_edge.listen.dashboard_config import DashboardConfig
from asd_edge.listen.events import EventIds
from asd_edge.listen.recorder import recording_name
from asd_edge.native import is_built
from quantization.interpret_int8 import run_int8
from tests.listen.attention_work import (
    FAN,
    WINDOW,
    Samples,
    attention_graph,
    sound,
    whole_log_mel,
    write_attention_work,
)
from tests.listen.broker import wait_for
from tests.listen.some_events import TIME, alarm_ended, alarm_started, score, service_state, source_state

pytestmark = pytest.mark.skipif(not is_built(), reason="no C library: there was no compiler at installation")
TOKEN = "a token of 26 characters.."


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_attention_work(tmp_path_factory.mktemp("attention"))


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(TOKEN)
    path.chmod(0o600)
    return path


@pytest.fixture
def dashboard(work: Path, token_file: Path, tmp_path: Path) -> Iterator[Dashboard]:
    config = DashboardConfig(port=0, token_file=token_file, most_clients=2)
    (tmp_path / "recordings").mkdir()
    made = Dashboard(config, {FAN: work}, tmp_path / "recordings")
    yield made
    made.close()


def place(dashboard: Dashboard) -> tuple[str, int]:
    host, _, port = dashboard.address.removeprefix("http://").strip("/").rpartition(":")
    return host, int(port)


def get(dashboard: Dashboard, path: str, cookie: str = "") -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection(*place(dashboard), timeout=30)
    connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer, content


def cookie_of(dashboard: Dashboard, token: str = TOKEN) -> str:
    answer, _ = get(dashboard, f"/?token={quote(token)}")
    assert answer.status == 303
    return str(answer.getheader("Set-Cookie")).split(";")[0]


def refusal(dashboard: Dashboard, machine: str, cookie: str) -> str:
    """Why its attention can't be looked at."""
    told = json.loads(get(dashboard, f"/attention?machine={quote(machine)}", cookie)[1])
    assert told.keys() == {"refusal"}
    return str(told["refusal"])


class Page:
    """A client of the stream of messages."""

    def __init__(self, dashboard: Dashboard, cookie: str) -> None:
        self._connection = http.client.HTTPConnection(*place(dashboard), timeout=30)
        self._connection.request("GET", "/events", headers={"Cookie": cookie})
        self.answer = self._connection.getresponse()

    def message(self) -> tuple[str, Any]:
        name = self.answer.readline().decode().removeprefix("event: ").strip()
        data = self.answer.readline().decode().removeprefix("data: ")
        assert self.answer.readline() == b"\n"
        return name, json.loads(data)

    def until(self, name: str) -> Any:
        while True:
            found, content = self.message()
            if found == name:
                return content

    def close(self) -> None:
        self.answer.close()
        self._connection.close()


@contextmanager
def opened(dashboard: Dashboard, cookie: str) -> Iterator[Page]:
    page = Page(dashboard, cookie)
    try:
        yield page
    finally:
        page.close()


PATHS = (
    "/",
    "/page.js",
    "/charts.js",
    "/page.css",
    "/icon.svg",
    "/events",
    "/attention?machine=x",
    "/recordings/x.flac",
)


def test_nothing_is_shown_without_the_cookie_that_the_token_gives(dashboard: Dashboard) -> None:
    for path in (*PATHS, "/nothing"):
        for cookie in ("", f"asd-edge={TOKEN}", "asd-edge=0", "other=1"):
            answer, content = get(dashboard, path, cookie)
            assert answer.status == 401
            assert content == b"Open the dashboard once with its token: /?token=TOKEN\n"


@pytest.mark.parametrize("target", ["http://[", "//[x", "/?token=%ff%fe", "/events?machine=\xff"])
def test_an_address_that_is_none_is_refused_without_a_traceback(
    target: str, dashboard: Dashboard, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_connection(place(dashboard), timeout=30) as client:
        client.sendall(f"GET {target} HTTP/1.0\r\n\r\n".encode("latin-1"))
        answer = client.makefile("rb").read()
    assert answer.split(b" ", 2)[1] in (b"400", b"401")
    assert capfd.readouterr().err == ""


def test_the_token_is_shown_once_and_becomes_a_cookie(dashboard: Dashboard) -> None:
    assert get(dashboard, "/?token=not%20that%20one")[0].status == 401
    assert get(dashboard, "/?token=%C3%A4")[0].status == 401
    answer, content = get(dashboard, f"/?token={quote(TOKEN)}")
    assert (answer.status, answer.getheader("Location"), content) == (303, "/", b"")
    cookie = str(answer.getheader("Set-Cookie"))
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert TOKEN not in cookie
    answer, content = get(dashboard, "/", cookie.split(";")[0])
    assert answer.status == 200
    assert b"asd-edge listens" in content


def test_every_answer_forbids_other_hosts(dashboard: Dashboard) -> None:
    cookie = cookie_of(dashboard)
    answers = [get(dashboard, path, cookie)[0] for path in (*PATHS[:5], *PATHS[6:])]
    with opened(dashboard, cookie) as page:
        answers.append(page.answer)
        for answer in answers:
            policy = str(answer.getheader("Content-Security-Policy"))
            sources = {part.split()[0]: part.split()[1:] for part in policy.split("; ")}
            assert sources.pop("default-src") == ["'none'"]
            assert {word for words in sources.values() for word in words} == {"'self'", "'none'"}
            assert answer.getheader("Cache-Control") == "no-store"
            assert answer.getheader("Referrer-Policy") == "no-referrer"


def test_only_reading_is_possible_and_only_of_what_there_is(dashboard: Dashboard, tmp_path: Path) -> None:
    cookie = cookie_of(dashboard)
    for path in ("/nothing", "/page/index.html", "/recordings/../token", "/recordings/%2e%2e/token", "/recordings/"):
        answer, content = get(dashboard, path, cookie)
        assert (answer.status, TOKEN.encode() in content) == (404, False)
    connection = http.client.HTTPConnection(*place(dashboard), timeout=30)
    connection.request("POST", "/", body=b"x", headers={"Cookie": cookie})
    assert connection.getresponse().status == 501
    connection.close()


def test_a_page_is_told_the_present_state_and_then_each_change(dashboard: Dashboard) -> None:
    ids, samples = EventIds("run"), sound(40_000)
    dashboard.publish(score(ids, FAN, 1.25))
    dashboard.publish(source_state(ids, FAN))
    dashboard.publish(alarm_started(ids, FAN, "a"))
    dashboard.hear(FAN, samples[:20_000], 0)
    with opened(dashboard, cookie_of(dashboard)) as page:
        assert page.message()[0] == "start"
        _, machine = page.message()
        assert (machine["machine"], machine["state"]["state"]) == (FAN, "running")
        assert machine["scores"] == [{"kind": "sliding", "at": 10.0, "score": 1.25, "threshold": 2.0}]
        assert page.until("alarms")[0]["seconds"] is None
        page.until("service")
        dashboard.publish(score(ids, FAN, 2.5, 8192))
        assert page.message() == (
            "score",
            {"machine": FAN, "kind": "sliding", "at": 10.512, "score": 2.5, "threshold": 2.0},
        )
        dashboard.publish(alarm_ended(ids, FAN, "a", seconds=5.0))
        (alarm,) = page.until("alarms")
        assert (alarm["machine"], alarm["time"], alarm["seconds"], alarm["reason"]) == (FAN, TIME, 5.0, "normal")
        dashboard.publish(service_state(ids))
        assert page.until("service")["state"] == "running"
        dashboard.hear(FAN, samples[20_000:], 20_000)
        frames = page.until("frames")
    shown = base64.b64decode(machine["frames"]["data"]) + base64.b64decode(frames["data"])
    assert machine["frames"]["first"] == 1
    assert frames["first"] == 1 + len(base64.b64decode(machine["frames"]["data"])) // 128
    expected = bytes_of_log_mel(whole_log_mel(samples))[1:]
    assert shown == expected.tobytes()[: len(shown)]
    assert len(shown) // 128 >= len(expected) - 2


def test_no_more_pages_are_open_than_allowed(dashboard: Dashboard) -> None:
    cookie = cookie_of(dashboard)
    with opened(dashboard, cookie) as first, opened(dashboard, cookie) as second:
        assert (first.answer.status, second.answer.status) == (200, 200)
        assert get(dashboard, "/events", cookie)[0].status == 503
        assert get(dashboard, "/", cookie)[0].status == 200
    ids = EventIds("run")

    def is_free() -> bool:
        dashboard.publish(score(ids))  # the server sees that a page is gone when it next writes
        with opened(dashboard, cookie) as third:
            return third.answer.status == 200

    wait_for(is_free, "the place of a page that was closed")


def test_connections_that_say_nothing_do_not_pile_up(dashboard: Dashboard) -> None:
    held = [socket.create_connection(place(dashboard)) for _ in range(40)]
    most = 2 + 8  # pages, and connections beside them
    wait_for(lambda: len(select.select(held, [], [], 0)[0]) >= 40 - most, "the end of the others")
    ended = select.select(held, [], [], 0)[0]
    assert {connection.recv(1) for connection in ended} == {b""}
    for connection in held:
        connection.close()


def test_attention_is_the_interpreters_map_of_the_newest_window(dashboard: Dashboard, work: Path) -> None:
    cookie, samples = cookie_of(dashboard), sound(3 * WINDOW)
    path = f"/attention?machine={quote(FAN)}"
    dashboard.hear(FAN, samples[: WINDOW - 1], 0)
    assert refusal(dashboard, FAN, cookie) == "no whole window has been heard without a gap yet"
    for start in range(WINDOW - 1, 2 * WINDOW + 100, 500):
        dashboard.hear(FAN, samples[start : start + 500], start)
    end = start + 500
    told = json.loads(get(dashboard, path, cookie)[1])
    assert told["sample_index"] == end - WINDOW

    graph, tensor = attention_graph()
    model = attention_model(work / "model-generic.asdm")
    assert model.tensor == tensor
    maps = look_at_window(model, samples[end - WINDOW : end])
    inputs = _codes(work, samples[end - WINDOW : end])
    expected = run_int8(graph, {name: values[None] for name, values in inputs.items()})[tensor][0]
    quantization = graph.tensors[tensor].quantization
    assert quantization is not None
    real = (expected.astype(np.float32) - quantization.zero_point[0]) * np.float32(quantization.scale[0])
    for index, one in enumerate(maps):
        np.testing.assert_array_equal(one.values, real[:, :, index])
        shown = np.frombuffer(base64.b64decode(told["maps"][index]["data"]), np.uint8).reshape(one.values.shape)
        np.testing.assert_allclose(0.5 + shown / 510.0, one.values, atol=0.001)
    assert [one["name"] for one in told["maps"]] == ["log-Mel", "Wavegram"]
    assert len(np.unique(real)) > 10


def _codes(work: Path, samples: Samples) -> dict[str, NDArray[np.int8]]:
    """What the network reads of a window, by input, by the front end of the other rungs."""
    detector = load_detector(work / "detector.safetensors")
    inputs = code_inputs(Clip(samples, detector.labels.machines[0], {}), detector, FIXED)
    return {name: values[0] for name, values in inputs.items()}


def test_a_gap_begins_a_new_window(dashboard: Dashboard) -> None:
    cookie, samples = cookie_of(dashboard), sound(WINDOW)
    dashboard.hear(FAN, samples, 0)
    dashboard.hear(FAN, samples[:1000], WINDOW + 1)
    assert refusal(dashboard, FAN, cookie) == "no whole window has been heard without a gap yet"


def test_a_model_without_attention_says_so(small_work: Path, token_file: Path) -> None:
    made = Dashboard(DashboardConfig(port=0, token_file=token_file), {FAN: small_work})
    try:
        assert "no attention" in refusal(made, FAN, cookie_of(made))
        assert refusal(made, "other", cookie_of(made)) == "no machine 'other' is listened to"
    finally:
        made.close()


def test_an_alarm_is_linked_to_its_recording_once_there_is_one(dashboard: Dashboard, tmp_path: Path) -> None:
    ids = EventIds("run")
    dashboard.publish(alarm_started(ids, FAN, "run-1"))
    with opened(dashboard, cookie_of(dashboard)) as page:
        assert page.until("alarms")[0]["recording"] is None
        name = recording_name(TIME, FAN, "run-1")
        (tmp_path / "recordings" / name).write_bytes(b"fLaC and so on")
        assert page.until("alarms")[0]["recording"] == name
    answer, content = get(dashboard, f"/recordings/{name}", cookie_of(dashboard))
    assert (answer.status, answer.getheader("Content-Type"), content) == (200, "audio/flac", b"fLaC and so on")


def test_without_a_token_file_each_start_makes_a_token_of_its_own() -> None:
    urls = []
    for _ in range(2):
        made = Dashboard(DashboardConfig(port=0), {})
        token = made.url.rpartition("token=")[2]
        assert cookie_of(made, token)
        made.close()
        urls.append(token)
    assert len(urls[0]) >= 32
    assert urls[0] != urls[1]


@pytest.mark.parametrize(
    ("content", "mode", "words"),
    [("short", 0o600, "16 characters or more"), (TOKEN, 0o644, "others can read"), (f"{TOKEN}\nx", 0o600, "one line")],
)
def test_a_token_file_that_protects_nothing_is_refused(tmp_path: Path, content: str, mode: int, words: str) -> None:
    path = tmp_path / "token"
    path.write_text(content)
    path.chmod(mode)
    with pytest.raises(ListenError, match=words) as caught:
        Dashboard(DashboardConfig(port=0, token_file=path), {})
    assert TOKEN not in str(caught.value)


def test_beyond_this_computer_a_token_file_is_needed(tmp_path: Path) -> None:
    for address in ("0.0.0.0", "192.0.2.7", "::", "pi.example"):
        with pytest.raises(ValueError, match="give a token_file"):
            DashboardConfig(bind=address)
        DashboardConfig(bind=address, token_file=tmp_path / "token")
    for address in ("127.0.0.1", "::1", "localhost"):
        DashboardConfig(bind=address)


def test_an_address_that_is_taken_is_refused(dashboard: Dashboard, token_file: Path) -> None:
    config = DashboardConfig(port=place(dashboard)[1], token_file=token_file)
    with pytest.raises(ListenError, match=r"can't be served there \(Address already in use\)"):
        Dashboard(config, {})
