"""A server on 127.0.0.1 that answers like Zenodo's file store and misbehaves as told: drops, refuses, has no ranges."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class FakeZenodo:
    """What it serves and how it behaves; the lists lose their first entry with each request."""

    files: dict[str, bytes] = field(default_factory=dict)  # "/<record>/files/<file>?download=1" -> content
    knows_ranges: bool = True
    names_length: bool = True
    largest_range: int | None = None  # bytes that one answer to a range has at most
    shift_ranges: int = 0  # answers another range than asked for
    statuses: list[int] = field(default_factory=list)  # instead of an answer; 0 answers
    drops: list[int] = field(default_factory=list)  # bytes after which the connection breaks
    requests: list[tuple[str, str | None]] = field(default_factory=list)  # (path, Range) as they came
    url: str = ""


@contextmanager
def serve(zenodo: FakeZenodo) -> Iterator[None]:
    """Run the server while the block does; `zenodo.url` is its base address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked = self.headers["Range"]
            zenodo.requests.append((self.path, asked))
            status = zenodo.statuses.pop(0) if zenodo.statuses else 0
            content = zenodo.files.get(self.path)
            if content is None:
                status = 404
            if status or content is None:
                self._head(status, 0)
            elif asked and zenodo.knows_ranges:
                self._answer_range(content, asked)
            else:
                self._head(200, len(content) if zenodo.names_length else None)
                self._body(content)

        def _answer_range(self, content: bytes, asked: str) -> None:
            match = re.fullmatch(r"bytes=(\d+)-", asked)
            assert match is not None
            first = int(match[1])
            if first >= len(content):
                self._head(416, 0, f"bytes */{len(content)}")
                return
            first += zenodo.shift_ranges
            part = content[first : first + (zenodo.largest_range or len(content))]
            self._head(206, len(part), f"bytes {first}-{first + len(part) - 1}/{len(content)}")
            self._body(part)

        def _head(self, status: int, length: int | None, content_range: str | None = None) -> None:
            self.send_response(status)
            if length is not None:
                self.send_header("Content-Length", str(length))
            else:
                self.send_header("Connection", "close")
            if content_range is not None:
                self.send_header("Content-Range", content_range)
            self.end_headers()

        def _body(self, content: bytes) -> None:
            drop = zenodo.drops.pop(0) if zenodo.drops else None
            self.wfile.write(content[:drop])
            if drop is not None:
                self.wfile.flush()
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A client that a drop left behind resets the connection: nothing to print."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    zenodo.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
