"""serve_link on an emulated board whose UART is a socket of this machine, and a line that can be spoilt."""

import contextlib
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from asd_edge.backends.emulate_board import build_firmware, machine_named

SERVE_LINK = "serve_link"
Spoil = Callable[[bytes], bytes]


@dataclass
class SerialBoard:
    """A running board: `port` as `serial:` takes it; `reset` presses its button."""

    port: str
    uart: Path  # socket of its UART, which one line at a time may use
    monitor: socket.socket

    def reset(self) -> None:
        self.monitor.sendall(b"system_reset\n")


@contextlib.contextmanager
def serial_board(board: str, image: Path, folder: Path) -> Iterator[SerialBoard]:
    """The board with a model image in its flash."""
    program = build_firmware(board, folder / f"build-{board}", [SERVE_LINK]) / SERVE_LINK
    address = machine_named(board).model_address
    with running_board(board, program, "-device", f"loader,file={image},addr={address:#x},force-raw=on") as running:
        yield running


@contextlib.contextmanager
def running_board(board: str, program: Path, *options: str) -> Iterator[SerialBoard]:
    """A program on the board, its UART at a port of this machine."""
    with tempfile.TemporaryDirectory() as name:  # a socket's path has to be short
        uart, monitor = Path(name) / "uart", Path(name) / "monitor"
        command = [
            *(machine_named(board).emulator[0], "-M", board, "-nographic"),
            *("-icount", "shift=6"),  # its time is that of its instructions
            *("-semihosting-config", "enable=on,target=native"),
            *("-serial", f"unix:{uart},server=on,wait=off", "-monitor", f"unix:{monitor},server=on,wait=off"),
            *("-kernel", str(program), *options),
        ]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as running:
            try:
                with _connected(monitor) as console, _line(uart, _whole, _whole) as port:
                    yield SerialBoard(port, uart, console)
            finally:
                running.kill()


@contextlib.contextmanager
def spoilt_line(board: SerialBoard, to_board: Spoil, to_host: Spoil) -> Iterator[str]:
    """A port behind which every block of bytes goes through one of the functions, then on."""
    with _line(board.uart, to_board, to_host) as port:
        yield port


@contextlib.contextmanager
def _line(uart: Path, to_board: Spoil, to_host: Spoil) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_serve, args=(server, uart, to_board, to_host), daemon=True).start()
        yield f"socket://127.0.0.1:{server.getsockname()[1]}"


def _serve(server: socket.socket, uart: Path, to_board: Spoil, to_host: Spoil) -> None:
    """One connection after the other, until the server is closed."""
    with contextlib.suppress(OSError):
        while True:
            host, _ = server.accept()
            with host, _connected(uart) as device:
                pairs = ((host, device, to_board), (device, host, to_host))
                threads = [threading.Thread(target=_pump, args=pair, daemon=True) for pair in pairs]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()


def _whole(block: bytes) -> bytes:
    return block


def _pump(source: socket.socket, sink: socket.socket, spoil: Spoil) -> None:
    with contextlib.suppress(OSError):
        while block := source.recv(256):
            sink.sendall(spoil(block))
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def _connected(path: Path) -> socket.socket:
    for _ in range(400):
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(path))
            return connection
        except OSError:
            connection.close()
            threading.Event().wait(0.05)
    raise AssertionError(f"nothing listens at {path}")
