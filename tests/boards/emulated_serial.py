"""serve_link on an emulated board whose UART is a TCP port of this machine, and a line that can be spoilt."""

import contextlib
import socket
import subprocess
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
    """A program on the board, its UART and the emulator's monitor on ports of this machine."""
    machine = machine_named(board)
    uart, monitor = _free_port(), _free_port()
    command = [
        *(machine.emulator[0], "-M", board, "-nographic", "-icount", "shift=6"),  # its time is that of its instructions
        *("-semihosting-config", "enable=on,target=native"),
        *(
            "-serial",
            f"tcp:127.0.0.1:{uart},server=on,wait=off",
            "-monitor",
            f"tcp:127.0.0.1:{monitor},server=on,wait=off",
        ),
        *("-kernel", str(program), *options),
    ]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as running:
        try:
            with _connected(monitor) as console:
                yield SerialBoard(f"socket://127.0.0.1:{uart}", console)
        finally:
            running.kill()


@contextlib.contextmanager
def spoilt_line(board: SerialBoard, to_board: Spoil, to_host: Spoil) -> Iterator[str]:
    """A port behind which every block of bytes goes through one of the functions, then on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_forward, args=(server, board, to_board, to_host), daemon=True).start()
        yield f"socket://127.0.0.1:{server.getsockname()[1]}"


def _forward(server: socket.socket, board: SerialBoard, to_board: Spoil, to_host: Spoil) -> None:
    host, _ = server.accept()
    device = _connected(int(board.port.rpartition(":")[2]))
    pairs = ((host, device, to_board), (device, host, to_host))
    threads = [threading.Thread(target=_pump, args=pair, daemon=True) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _pump(source: socket.socket, sink: socket.socket, spoil: Spoil) -> None:
    with contextlib.suppress(OSError):
        while block := source.recv(256):
            sink.sendall(spoil(block))
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _connected(port: int) -> socket.socket:
    for _ in range(200):
        with contextlib.suppress(ConnectionRefusedError):
            return socket.create_connection(("127.0.0.1", port))
        threading.Event().wait(0.05)
    raise AssertionError(f"nothing listens at port {port}")
