"""A page in headless Chromium, over the DevTools protocol on a pipe: what it logs, requests, overflows and overlaps."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
HEIGHT = 900
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--no-first-run",
    "--disable-background-networking",
    "--remote-debugging-pipe",
)

# Pairs of words in one picture that cover each other, pictures with nothing drawn, words beyond their picture's edge.
_LOOK = """
(() => {
  const overlaps = [], empty = [], beyond = [];
  const marks = 'rect.normal-area, rect.anomaly-area, rect.rung-area, circle, path.rung-line, path.first-line';
  for (const svg of document.querySelectorAll('main .grid svg, main .wide svg')) {
    const title = svg.querySelector('title').textContent;
    const edge = svg.getBoundingClientRect();
    const words = [...svg.querySelectorAll('text')].map(text => [text.textContent, text.getBoundingClientRect()]);
    if (!svg.querySelector(marks)) empty.push(title);
    words.forEach(([word, box], index) => {
      if (box.left < edge.left - 1 || box.right > edge.right + 1 || box.bottom > edge.bottom + 1) {
        beyond.push(title + ': ' + word);
      }
      for (const [other, next] of words.slice(index + 1)) {
        const width = Math.min(box.right, next.right) - Math.max(box.left, next.left);
        const height = Math.min(box.bottom, next.bottom) - Math.max(box.top, next.top);
        if (width > 1 && height > 3) overlaps.push(title + ': ' + word + ' | ' + other);
      }
    });
  }
  const style = getComputedStyle(document.body);
  const sum = colour => colour.match(/\\d+/g).slice(0, 3).reduce((total, part) => total + Number(part), 0);
  return JSON.stringify({
    overlaps, empty, beyond, page: sum(style.backgroundColor), ink: sum(style.color),
    width: document.documentElement.scrollWidth, height: document.documentElement.scrollHeight,
    broken: [...document.images].filter(image => !image.complete || image.naturalWidth === 0).length,
    globals: String(window.injected)});
})()
"""


@dataclass(frozen=True)
class PageLook:
    """What a reader would see; brightness is the sum of red, green and blue."""

    overlaps: tuple[str, ...]
    empty: tuple[str, ...]
    beyond: tuple[str, ...]
    page_brightness: int
    ink_brightness: int
    width: int
    height: int
    broken_pictures: int
    injected: str  # window.injected: "undefined" unless a script of the page ran
    log: tuple[str, ...]  # console, warnings, exceptions
    requests: tuple[str, ...]  # of anything but data: URLs
    png: bytes


class Browser:
    """One running Chromium; messages end with a zero byte."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to, self._from = to_browser, from_browser
        self._rest, self._number = b"", 0
        self._events: list[Mapping[str, Any]] = []
        self._session: str | None = None  # the browser itself, until there is a page
        target = self._call("Target.createTarget", {"url": "about:blank"})["targetId"]
        attached = self._call("Target.attachToTarget", {"targetId": target, "flatten": True})
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable", {})

    def look(self, page: Path, width: int, scheme: str) -> PageLook:
        """The page at `width` CSS pixels with prefers-color-scheme `scheme`."""
        self._events.clear()
        size = {"width": width, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", size)
        scheme_feature = {"name": "prefers-color-scheme", "value": scheme}
        self._call("Emulation.setEmulatedMedia", {"features": [scheme_feature]})
        self._call("Page.navigate", {"url": page.resolve().as_uri()})
        while not any(event["method"] == "Page.loadEventFired" for event in self._events):
            self._events.append(self._receive())
        found = json.loads(self._call("Runtime.evaluate", {"expression": _LOOK})["result"]["value"])
        clip = {"x": 0, "y": 0, "width": width, "height": found["height"], "scale": 1}
        picture = self._call("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
        return PageLook(
            tuple(found["overlaps"]),
            tuple(found["empty"]),
            tuple(found["beyond"]),
            found["page"],
            found["ink"],
            found["width"],
            found["height"],
            found["broken"],
            found["globals"],
            tuple(json.dumps(event["params"]) for event in self._events if event["method"] in _LOG_EVENTS),
            tuple(url for url in self._requested() if not url.startswith("data:")),
            base64.b64decode(picture["data"]),
        )

    def print_pdf(self) -> bytes:
        """The page looked at last, printed."""
        return base64.b64decode(self._call("Page.printToPDF", {"printBackground": True})["data"])

    def _requested(self) -> list[str]:
        sent = [event for event in self._events if event["method"] == "Network.requestWillBeSent"]
        return [event["params"]["request"]["url"] for event in sent]

    def _call(self, method: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                result: Mapping[str, Any] = answer["result"]
                return result
            if "method" in answer:
                self._events.append(answer)

    def _receive(self) -> Mapping[str, Any]:
        while b"\0" not in self._rest:
            part = os.read(self._from, 1 << 20)
            assert part, "Chromium ended"
            self._rest += part
        message, _, self._rest = self._rest.partition(b"\0")
        content: Mapping[str, Any] = json.loads(message)
        return content


_LOG_EVENTS = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")


@contextmanager
def open_browser(profile: Path) -> Iterator[Browser]:
    """Chromium with a profile folder of its own; ended when the block is left."""
    assert CHROMIUM is not None
    read_commands, write_commands = os.pipe()
    read_answers, write_answers = os.pipe()
    # Chromium reads commands from descriptor 3 and answers on 4, wherever ours happen to lie.
    script = f'exec 3<&{read_commands} 4>&{write_answers}; exec "$@"'
    process = subprocess.Popen(
        ["/bin/bash", "-c", script, "chromium", CHROMIUM, *_FLAGS, f"--user-data-dir={profile}"],
        pass_fds=(read_commands, write_answers),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(read_commands)
    os.close(write_answers)
    try:
        yield Browser(write_commands, read_answers)
    finally:
        os.close(write_commands)
        os.close(read_answers)
        process.terminate()
        process.wait(30)
