"""A Linux host over SSH: commands with stdin and stdout, and a folder of files that goes when the connection does.

Known hosts, keys, agent and ~/.ssh/config are those that `ssh HOST` uses. `open_connection` is for many hosts at once,
`SshHost` is one of them for callers that wait.
"""

import asyncio
import re
import shlex
import socket
import threading
import weakref
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from asd_edge.errors import BackendError

if TYPE_CHECKING:
    import asyncssh

_Result = TypeVar("_Result")
CONNECT_SECONDS = 15.0  # from the first packet to the login
COMMAND_SECONDS = 600.0
_KEEPALIVE_SECONDS, _KEEPALIVES = 15, 3  # a host that is silent for longer is lost
_CLOSE_SECONDS = 10.0
FOLDER_TEMPLATE = "${TMPDIR:-/tmp}/asd-edge.XXXXXX"  # mktemp's: the host picks the last letters
# Holds the folder: its stdin ends with the connection, however that ends.
KEEPER = (
    f'd=$(mktemp -d "{FOLDER_TEMPLATE}") || exit 1; trap \'rm -rf "$d"\' EXIT; '
    'trap "exit 1" HUP INT TERM; echo "$d"; cat > /dev/null; exit 0'
)
_ADDRESS = re.compile(r"(?:(?P<user>[^@\s]+)@)?(?P<host>\[[0-9A-Fa-f:.%\w]+\]|[^@:/\[\]\s]+)(?::(?P<port>\d{1,5}))?")


@dataclass(frozen=True)
class Address:
    """None: as ~/.ssh/config says, else the user's own name and port 22."""

    host: str
    user: str | None
    port: int | None

    @property
    def words(self) -> str:
        """The command that a user would type."""
        port = "" if self.port is None else f"-p {self.port} "
        return f"ssh {port}{'' if self.user is None else f'{self.user}@'}{self.host}"

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'' if self.user is None else f'{self.user}@'}{host}{'' if self.port is None else f':{self.port}'}"


def parse_address(text: str) -> Address:
    """ "pi@board.local:22", "board", "[::1]:2222". Raises BackendError for anything else."""
    found = _ADDRESS.fullmatch(text)
    port = None if found is None or found["port"] is None else int(found["port"])
    if found is None or found["host"].startswith("-") or (port is not None and not 0 < port < 65536):
        raise BackendError(f"{text!r} is no host; write [USER@]HOST[:PORT], as in pi@raspberrypi.local")
    return Address(found["host"].strip("[]"), found["user"], port)


@dataclass(frozen=True)
class Finished:
    """A command that has ended; `code` is negative where a signal ended it."""

    code: int
    stdout: bytes
    stderr: bytes

    @property
    def last_words(self) -> str:
        """The last line that it wrote to stderr, else how it ended."""
        lines = self.stderr.decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"ended with code {self.code}"


class Process:
    """A command under way; see `Connection.start`."""

    def __init__(self, connection: "Connection", process: "asyncssh.SSHClientProcess[bytes]") -> None:
        self._connection = connection
        self._process = process

    async def write(self, content: bytes) -> None:
        """Into its stdin. Raises BackendError where the connection is lost; a command that has ended takes nothing."""
        with self._connection.naming_errors(), suppress(BrokenPipeError):
            self._process.stdin.write(content)
            await self._process.stdin.drain()

    async def read_line(self) -> bytes:
        """From its stdout, with the newline; less where the command has ended."""
        with self._connection.naming_errors():
            return await self._process.stdout.readline()

    async def read(self, n_bytes: int) -> bytes:
        """From its stdout; fewer where the command has ended."""
        with self._connection.naming_errors():
            try:
                return await self._process.stdout.readexactly(n_bytes)
            except asyncio.IncompleteReadError as error:
                return error.partial

    async def finish(self) -> Finished:
        """Close its stdin and wait for its end. Raises BackendError where the connection is lost before."""
        with self._connection.naming_errors():
            with suppress(BrokenPipeError):
                self._process.stdin.write_eof()
            done = await self._process.wait(check=False)
        return self._connection.finished(done)


class Connection:
    """An open connection; `open_connection` makes it."""

    def __init__(self, address: Address, connection: "asyncssh.SSHClientConnection") -> None:
        self.address = address
        self._connection = connection
        self._keeper: Process | None = None
        self._folder: str | None = None

    async def run(self, command: str, given: bytes = b"", timeout_seconds: float = COMMAND_SECONDS) -> Finished:
        """A line of `sh` with `given` as its stdin. Raises BackendError for a lost connection or no end in time."""
        try:
            with self.naming_errors():
                done = await asyncio.wait_for(
                    self._connection.run(_in_sh(command), input=given, encoding=None), timeout_seconds
                )
        except TimeoutError as error:
            raise BackendError(f"{self.address}: no end after {timeout_seconds:.0f} s of {command!r}") from error
        return self.finished(done)

    async def start(self, command: str) -> Process:
        """A line of `sh` that is written to and read from while it runs."""
        with self.naming_errors():
            return Process(self, await self._connection.create_process(_in_sh(command), encoding=None))

    async def make_folder(self) -> str:
        """The connection's own folder there, removed when it ends, and be it by a pulled cable."""
        if self._folder is not None:
            return self._folder
        keeper = await self.start(KEEPER)
        path = (await keeper.read_line()).decode(errors="replace").strip()
        if not path:
            raise BackendError(f"{self.address}: no temporary folder there: {(await keeper.finish()).last_words}")
        self._keeper, self._folder = keeper, path
        return path

    async def write_file(self, path: str, content: bytes, is_program: bool = False) -> None:
        """Raises BackendError where the host can't write it."""
        quoted = shlex.quote(path)
        done = await self.run(f"cat > {quoted}" + (f" && chmod 700 {quoted}" if is_program else ""), content)
        if done.code != 0:
            raise BackendError(f"{self.address}: {path} can't be written there: {done.last_words}; free space there")

    async def close(self) -> None:
        """Remove the folder, then the connection; one that is lost already is left to the host."""
        with suppress(BackendError, TimeoutError):
            if self._keeper is not None:
                await asyncio.wait_for(self._keeper.finish(), _CLOSE_SECONDS)
        self._connection.close()
        with suppress(OSError, TimeoutError):
            await asyncio.wait_for(self._connection.wait_closed(), _CLOSE_SECONDS)

    def finished(self, done: "asyncssh.SSHCompletedProcess") -> Finished:
        """Raises BackendError for a command whose end never came."""
        if done.returncode is None:
            raise BackendError(_lost(self.address))
        return Finished(done.returncode, _as_bytes(done.stdout), _as_bytes(done.stderr))

    @contextmanager
    def naming_errors(self) -> Iterator[None]:
        """What a lost connection raises becomes a BackendError."""
        import asyncssh

        try:
            yield
        except (asyncssh.Error, ConnectionError) as error:
            if isinstance(error, asyncssh.ChannelOpenError) and not self._connection.is_closed():
                raise BackendError(f"{self.address}: runs no more commands ({_first_line(error)})") from error
            raise BackendError(_lost(self.address)) from error


async def open_connection(address: Address, connect_seconds: float = CONNECT_SECONDS) -> Connection:
    """Raises BackendError: asyncssh is missing; host unknown, silent, refusing, not trusted, without login or shell."""
    try:
        import asyncssh
    except ImportError as error:
        raise BackendError("asyncssh is missing; pip install asd-edge[boards]") from error
    given: dict[str, Any] = {}
    given |= {} if address.user is None else {"username": address.user}
    given |= {} if address.port is None else {"port": address.port}
    try:
        connection = await asyncssh.connect(
            address.host,
            connect_timeout=connect_seconds,
            login_timeout=connect_seconds,
            keepalive_interval=_KEEPALIVE_SECONDS,
            keepalive_count_max=_KEEPALIVES,
            **given,
        )
    except socket.gaierror as error:
        raise BackendError(f"{address}: no such host; check its name and the network") from error
    except TimeoutError as error:
        raise BackendError(
            f"{address}: no answer within {connect_seconds:g} s; check that it is on and its port"
        ) from error
    except asyncssh.HostKeyNotVerifiable as error:
        raise BackendError(
            f"{address}: its key isn't among the known hosts; run {address.words} once to compare and accept it"
        ) from error
    except asyncssh.PermissionDenied as error:
        raise BackendError(
            f"{address}: no login with the keys here; make {address.words} work without a password: ssh-copy-id"
        ) from error
    except asyncssh.Error as error:
        raise BackendError(f"{address}: no connection ({_first_line(error)}); try {address.words}") from error
    except OSError as error:
        words = error.strerror or _first_line(error)
        reason = "refuses" if isinstance(error, ConnectionRefusedError) else f"can't be reached ({words})"
        raise BackendError(f"{address}: {reason}; check that it is on, runs sshd, and its port") from error
    except ValueError as error:  # of a key or of ~/.ssh/config
        raise BackendError(f"{address}: {_first_line(error)}; try {address.words}") from error
    opened = Connection(address, connection)
    try:
        await _check_shell(opened, connect_seconds)
    except BaseException:
        await opened.close()
        raise
    return opened


async def _check_shell(connection: Connection, timeout_seconds: float) -> None:
    done = await connection.run("true", timeout_seconds=timeout_seconds)
    if done.code != 0:
        raise BackendError(f"{connection.address}: runs no commands: {done.last_words}; log in as a user with a shell")
    if done.stdout:
        said = done.stdout.decode(errors="replace").splitlines()[0]
        raise BackendError(
            f"{connection.address}: its shell says {said!r} before each command; silence its start-up file"
        )


class SshHost:
    """An open connection, and one folder on the host, for callers that wait; also a context."""

    def __init__(self, address: Address, connect_seconds: float = CONNECT_SECONDS) -> None:
        """Raises as `open_connection`."""
        self.address = address
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name=f"ssh {address}", daemon=True)
        thread.start()
        self._loop = loop
        try:
            self._connection = _wait(loop, open_connection(address, connect_seconds))
        except BaseException:
            _stop(loop, thread)
            raise
        # at the end of the program too, where nobody has closed it
        self._close = weakref.finalize(self, _close, loop, thread, self._connection)

    def __enter__(self) -> "SshHost":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def run(self, command: str, given: bytes = b"", timeout_seconds: float = COMMAND_SECONDS) -> Finished:
        """See `Connection.run`."""
        return _wait(self._loop, self._connection.run(command, given, timeout_seconds))

    def start(self, command: str) -> Process:
        """See `Connection.start`; `wait` for what the process does."""
        return self.wait(self._connection.start(command))

    def make_folder(self) -> str:
        """See `Connection.make_folder`."""
        return self.wait(self._connection.make_folder())

    def write_file(self, path: str, content: bytes, is_program: bool = False) -> None:
        """See `Connection.write_file`."""
        self.wait(self._connection.write_file(path, content, is_program))

    def wait(self, coroutine: Coroutine[Any, Any, _Result], timeout_seconds: float = COMMAND_SECONDS) -> _Result:
        """The coroutine's result. Raises BackendError where it takes longer."""
        try:
            return _wait(self._loop, asyncio.wait_for(coroutine, timeout_seconds))
        except TimeoutError as error:
            raise BackendError(f"{self.address}: no answer within {timeout_seconds:.0f} s") from error

    def close(self) -> None:
        """Remove the folder, give the connection back; again does nothing."""
        self._close()


def _wait(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, _Result]) -> _Result:
    future = asyncio.run_coroutine_threadsafe(coroutine, loop)
    try:
        return future.result()
    except BaseException:  # Ctrl-C too
        future.cancel()
        raise


def _close(loop: asyncio.AbstractEventLoop, thread: threading.Thread, connection: Connection) -> None:
    if threading.current_thread() is thread:  # collected there: the keeper removes the folder
        loop.call_soon(loop.stop)
        return
    with suppress(BackendError):
        _wait(loop, connection.close())
    _stop(loop, thread)


def _stop(loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def _in_sh(command: str) -> str:
    """For any login shell."""
    return f"sh -c {shlex.quote(command)}"


def _lost(address: Address) -> str:
    return f"{address}: the connection was lost; check the host, then run the same command again"


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _as_bytes(content: object) -> bytes:
    return content if isinstance(content, bytes) else b""
