"""The dashboard as a browser shows it: drawn, light and dark, wide and narrow, alone with its own server."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asd_edge.listen.dashboard.dashboard import Dashboard
from asd_edge.listen.dashboard_config import DashboardConfig
from asd_edge.listen.events import EventIds, ServiceState, SourceState, WindowRefused
from asd_edge.listen.recorder import recording_name
from asd_edge.native import is_built
from tests.listen.attention_work import FAN, WINDOW, write_attention_work
from tests.listen.broker import wait_for
from tests.listen.some_events import TIME, alarm_ended, alarm_started, score
from tests.report.browser import CHROMIUM, Browser, open_browser

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium; make setup-emulation installs it"),
    pytest.mark.skipif(not is_built(), reason="no C library: there was no compiler at installation"),
]
ODD = "<img src=x onerror=injected=1>/a_machine_with_a_long_name"
WIDTHS, SCHEMES = (1280, 420), ("light", "dark")

_LOG_EVENTS = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")

# Words that cover each other, words beyond the window, canvases with fewer than ten colours.
_LOOK = """
(() => {
  const shown = [...document.querySelectorAll('h1,h2,h3,p,figcaption,th,td,text,.bands span,.times span,button')]
    .filter(part => part.checkVisibility() && part.textContent.trim() && !part.closest('.scroll'));
  const boxes = shown.map(part => {
    const range = document.createRange();
    range.selectNodeContents(part);
    return [part, range.getBoundingClientRect()];
  });
  const overlaps = [], beyond = [];
  boxes.forEach(([part, box], index) => {
    const edge = part.ownerSVGElement?.getBoundingClientRect() ?? {left: 0, right: innerWidth};
    if (box.left < edge.left - 1 || box.right > edge.right + 1) beyond.push(part.textContent);
    for (const [other, next] of boxes.slice(index + 1)) {
      if (part.contains(other) || other.contains(part)) continue;
      const width = Math.min(box.right, next.right) - Math.max(box.left, next.left);
      const height = Math.min(box.bottom, next.bottom) - Math.max(box.top, next.top);
      if (width > 1 && height > 4) overlaps.push(part.textContent + ' | ' + other.textContent);
    }
  });
  const colours = [...document.querySelectorAll('canvas')].map(canvas => {
    const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    return new Set(new Uint32Array(data.buffer)).size;
  });
  const brightness = part => part.match(/\\d+/g).slice(0, 3).reduce((total, one) => total + Number(one), 0);
  const style = getComputedStyle(document.body);
  return JSON.stringify({
    overlaps, beyond, colours, words: document.body.innerText, injected: String(window.injected),
    page: brightness(style.backgroundColor), ink: brightness(style.color),
    width: document.documentElement.scrollWidth, height: document.documentElement.scrollHeight,
    lines: [...document.querySelectorAll('.score-line, .threshold-line')].map(line => line.getAttribute('d').length),
    gaps: document.querySelectorAll('.gap-area').length,
  });
})()
"""


@dataclass(frozen=True)
class Look:
    """What a reader sees."""

    found: dict[str, Any]
    requests: tuple[str, ...]
    log: tuple[str, ...]
    png: bytes


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """Of a machine that has been heard for five minutes, and one with an odd name that is silent."""
    root = tmp_path_factory.mktemp("dashboard")
    work, recordings = write_attention_work(root / "work"), root / "recordings"
    recordings.mkdir()
    (recordings / recording_name(TIME, FAN, "run-1")).write_bytes(b"fLaC")
    made = Dashboard(DashboardConfig(port=0), {FAN: work, ODD: work}, recordings)
    tell_five_minutes(made)
    yield made
    made.close()


def tell_five_minutes(dashboard: Dashboard) -> None:
    ids, rng = EventIds("run"), np.random.default_rng(3)
    dashboard.publish(SourceState(ids.next(), TIME, FAN, "running", 0, ""))
    for index in range(600):
        sample_index = 8192 * index
        if 200 <= index < 230:
            dashboard.publish(WindowRefused(ids.next(), TIME, FAN, "sliding", sample_index, 8192, 1, "silence"))
            continue
        value = 3.5 * np.exp(-(((index - 450) / 40) ** 2)) + rng.normal(0.0, 0.3)
        dashboard.publish(score(ids, FAN, float(value), sample_index))
    dashboard.publish(alarm_started(ids, FAN, "run-1"))
    dashboard.publish(alarm_ended(ids, FAN, "run-1", seconds=41.5))
    dashboard.publish(alarm_started(ids, ODD, "run-2"))
    dashboard.publish(SourceState(ids.next(), TIME, ODD, "silent", 0, "no sound: is the microphone dead?"))
    dashboard.publish(ServiceState(ids.next(), TIME, "running", "", ()))
    time_s = np.arange(11 * 16_000) / 16_000
    tone = 3000 * np.sin(2 * np.pi * (300 + 250 * time_s) * time_s)
    samples = np.rint(tone + rng.normal(0, 200, len(time_s))).astype(np.int16)
    for start in range(0, len(samples), 8000):
        dashboard.hear(FAN, samples[start : start + 8000], start)
    dashboard.hear(ODD, samples[: WINDOW // 2], 0)


@pytest.fixture(scope="module")
def looks(dashboard: Dashboard, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[int, str], Look]:
    with open_browser(tmp_path_factory.mktemp("profile")) as browser:
        return {(width, scheme): look(browser, dashboard, width, scheme) for width in WIDTHS for scheme in SCHEMES}


def look(browser: Browser, dashboard: Dashboard, width: int, scheme: str) -> Look:
    """The page once both machines' attention has been answered."""
    browser._events.clear()
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser._call("Emulation.setDeviceMetricsOverride", size)
    browser._call("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    browser._call("Page.navigate", {"url": dashboard.url})

    def evaluate(expression: str) -> Any:
        return browser._call("Runtime.evaluate", {"expression": expression})["result"].get("value")

    ready = "document.querySelectorAll('.attention canvas').length === 2 && !!document.querySelector('.score-line')"
    refused = "[...document.querySelectorAll('.refusal')].some(part => part.textContent)"
    wait_for(lambda: bool(evaluate(f"{ready} && {refused}")), "the page")
    found = json.loads(evaluate(_LOOK))
    clip = {"x": 0, "y": 0, "width": width, "height": found["height"], "scale": 1}
    picture = browser._call("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
    log = [json.dumps(event["params"]) for event in browser._events if event["method"] in _LOG_EVENTS]
    return Look(found, tuple(browser._requested()), tuple(log), base64.b64decode(picture["data"]))


def test_the_page_asks_nobody_but_its_own_server(dashboard: Dashboard, looks: dict[tuple[int, str], Look]) -> None:
    for shown in looks.values():
        assert {url for url in shown.requests if not url.startswith(dashboard.address)} == set()
        assert {f"{dashboard.address}{part}" for part in ("page.js", "page.css", "charts.js", "events")} <= set(
            shown.requests
        )


def test_the_policy_stops_a_request_to_another_host(dashboard: Dashboard, tmp_path: Path) -> None:
    """A second server of ours stands for the other host; that it can be reached is seen by the request from here."""
    other = Dashboard(DashboardConfig(port=0), {})
    try:
        with open_browser(tmp_path / "profile") as browser:
            browser._call("Page.navigate", {"url": dashboard.url})
            ask = f"fetch('{other.address}icon.svg', {{mode: 'no-cors'}}).then(() => 'let through', () => 'stopped')"
            script = {"expression": ask, "awaitPromise": True}
            answers = browser._call("Runtime.evaluate", script)["result"]["value"]
            blocked = json.dumps([event for event in browser._events if event["method"] == "Log.entryAdded"])
    finally:
        other.close()
    assert answers == "stopped"
    assert "Content Security Policy" in blocked


def test_the_page_shows_scores_sound_attention_and_alarms(looks: dict[tuple[int, str], Look]) -> None:
    for shown in looks.values():
        found = shown.found
        assert len(found["lines"]) == 2
        assert min(found["lines"]) > 500
        assert found["gaps"] > 0
        assert found["colours"][0] > 20  # the sound of the fan
        assert max(found["colours"][1:3]) > 10  # one of its two attention maps; the other is even
        for words in (
            FAN,
            ODD,
            "alarm",
            "running",
            "41.5 s",
            "goes on",
            "FLAC",
            "is the microphone dead?",
            "no score yet",
        ):
            assert words in found["words"]
        assert found["injected"] == "undefined"


def test_nothing_overlaps_or_leaves_the_window_and_nothing_is_logged(looks: dict[tuple[int, str], Look]) -> None:
    for key, shown in looks.items():
        assert (key, shown.found["overlaps"], shown.found["beyond"]) == (key, [], [])
        assert shown.found["width"] <= key[0]
        assert shown.log == ()


def test_dark_is_dark_and_light_is_light(looks: dict[tuple[int, str], Look]) -> None:
    for (_, scheme), shown in looks.items():
        dark_part, light_part = sorted((shown.found["page"], shown.found["ink"]))
        assert (shown.found["page"] < shown.found["ink"]) == (scheme == "dark")
        assert light_part - dark_part > 500
