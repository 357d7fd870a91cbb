"""HTTP for the dashboard: the page's files, its stream of messages, attention on demand, recordings; after the token.

A token is shown once, as /?token=..., and answered by a cookie that only this token makes. Everything else needs the
cookie. At most `most_clients` streams are open, and few connections beside them.
"""

import base64
import hashlib
import hmac
import json
import queue
import socket
import socketserver
import sys
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np

from asd_edge.errors import AsdEdgeError
from asd_edge.listen.dashboard.attention import AttentionMap
from asd_edge.listen.dashboard.live_state import LiveState
from asd_edge.listen.dashboard_config import DashboardConfig
from asd_edge.listen.recording_file import recordings_in

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
COOKIE = "asd-edge"
_PAGE = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/charts.js": ("charts.js", "text/javascript; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
_RECORDINGS = "/recordings/"
_OTHER_CONNECTIONS = 8
_ANSWER_SECONDS = 10.0  # for a client to send its request, and to take each part of the answer
_BREATH_SECONDS = 10.0  # between two signs of life in a stream
_DAYS = 30
Look = Callable[[str], tuple[int, tuple[AttentionMap, ...]]]


class DashboardServer(ThreadingHTTPServer):
    """Bound and listening once it is made."""

    daemon_threads = True
    block_on_close = False

    def __init__(
        self, config: DashboardConfig, token: str, live: LiveState, look: Look, recordings: Path | None
    ) -> None:
        """Raises OSError where the address can't be bound."""
        self.live, self.look, self.recordings = live, look, recordings
        self._token = token.encode()
        self._ticket = hmac.new(self._token, b"asd-edge dashboard", hashlib.sha256).hexdigest()
        self.streams = threading.BoundedSemaphore(config.most_clients)
        self._connections = threading.BoundedSemaphore(config.most_clients + _OTHER_CONNECTIONS)
        self.looking = threading.Lock()
        self.address_family = socket.AF_INET6 if ":" in config.bind else socket.AF_INET
        super().__init__((config.bind, config.port), _Handler)

    def is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._token)

    def is_ticket(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._ticket.encode())

    @property
    def cookie(self) -> str:
        return f"{COOKIE}={self._ticket}; HttpOnly; SameSite=Strict; Path=/; Max-Age={86_400 * _DAYS}"

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._connections.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._connections.release()

    def service_actions(self) -> None:
        self.live.look_for_recordings()

    def server_bind(self) -> None:
        """Without HTTPServer's question to the network for this computer's name."""
        socketserver.TCPServer.server_bind(self)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away in the middle of an answer is no error."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: DashboardServer
    server_version, sys_version = "asd-edge", ""
    timeout = _ANSWER_SECONDS

    def do_GET(self) -> None:
        try:
            url = urlsplit(self.path)
            query = parse_qs(url.query)
        except ValueError:
            self._refuse(HTTPStatus.BAD_REQUEST, "This is no address")
            return
        if url.path == "/" and "token" in query:
            self._take_token(query["token"][0])
        elif not self._has_ticket():
            self._refuse(HTTPStatus.UNAUTHORIZED, "Open the dashboard once with its token: /?token=TOKEN")
        elif url.path in _PAGE:
            name, content_type = _PAGE[url.path]
            self._answer(content_type, (files("asd_edge.listen.dashboard") / "page" / name).read_bytes())
        elif url.path == "/events":
            self._stream()
        elif url.path == "/attention":
            self._look(query.get("machine", [""])[0])
        elif url.path.startswith(_RECORDINGS):
            self._send_recording(url.path.removeprefix(_RECORDINGS))
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "Not found")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Addresses hold the token, so none is logged."""

    def _take_token(self, given: str) -> None:
        if not self.server.is_token(given):
            self._refuse(HTTPStatus.UNAUTHORIZED, "This is not the dashboard's token")
            return
        self.send_response(HTTPStatus.SEE_OTHER)
        self.send_header("Set-Cookie", self.server.cookie)
        self.send_header("Location", "/")
        self._send_headers("text/plain; charset=utf-8", 0)

    def _has_ticket(self) -> bool:
        try:
            found = SimpleCookie(self.headers.get("Cookie", "")).get(COOKIE)
        except CookieError:
            return False
        return found is not None and self.server.is_ticket(found.value)

    def _stream(self) -> None:
        if not self.server.streams.acquire(blocking=False):
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "As many pages are open as are allowed")
            return
        stream = self.server.live.open_stream()
        try:
            self.send_response(HTTPStatus.OK)
            self._send_headers("text/event-stream; charset=utf-8")
            while self.server.live.is_open(stream):
                try:
                    self.wfile.write(stream.get(timeout=_BREATH_SECONDS))
                except queue.Empty:
                    self.wfile.write(b": still here\n\n")
        finally:
            self.server.live.close_stream(stream)
            self.server.streams.release()

    def _look(self, machine: str) -> None:
        with self.server.looking:
            try:
                index, maps = self.server.look(machine)
                content = {"sample_index": index, "maps": [_map(one) for one in maps]}
            except AsdEdgeError as error:
                content = {"refusal": str(error)}
        self._answer("application/json", json.dumps(content).encode())

    def _send_recording(self, name: str) -> None:
        known = [] if self.server.recordings is None else recordings_in(self.server.recordings)
        path = next((path for path in known if path.name == name), None)
        try:
            if path is None:
                raise FileNotFoundError
            with path.open("rb") as file:
                self.send_response(HTTPStatus.OK)
                self.send_header("Content-Disposition", f'attachment; filename="{name}"')
                self._send_headers("audio/flac", path.stat().st_size)
                while block := file.read(1 << 16):
                    self.wfile.write(block)
        except FileNotFoundError:
            self._refuse(HTTPStatus.NOT_FOUND, "This recording is not there any more")

    def _refuse(self, status: HTTPStatus, words: str) -> None:
        self._answer("text/plain; charset=utf-8", f"{words}\n".encode(), status)

    def _answer(self, content_type: str, content: bytes, status: HTTPStatus = HTTPStatus.OK) -> None:
        self.send_response(status)
        self._send_headers(content_type, len(content))
        self.wfile.write(content)

    def _send_headers(self, content_type: str, n_bytes: int | None = None) -> None:
        self.send_header("Content-Type", content_type)
        if n_bytes is not None:
            self.send_header("Content-Length", str(n_bytes))
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()


def _map(attention: AttentionMap) -> dict[str, Any]:
    """Bytes: 0 for 0.5, 255 for 1."""
    codes = np.clip(np.rint((attention.values - 0.5) * 510.0), 0, 255).astype(np.uint8)
    return {
        "name": attention.name,
        "n_frames": codes.shape[0],
        "n_mels": codes.shape[1],
        "data": base64.b64encode(codes.tobytes()).decode(),
    }
