"""Commands and files over SSH against a real sshd; each way in which a host can't be reached has its line."""

import asyncio
import os
import pwd
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from asd_edge.errors import BackendError
from asd_edge.ssh_host import Address, SshHost, open_connection, parse_address
from tests.boards.local_sshd import LocalSshd, free_port, local_sshd, missing_sshd

LARGE = os.urandom(2_200_000)  # more than a channel's window
SMALL = LARGE[:70_000]  # more than a packet


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSshd]:
    if (reason := missing_sshd()) is not None:
        pytest.skip(reason)
    with local_sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture
def address(sshd: LocalSshd) -> Address:
    return parse_address(sshd.host)


@pytest.mark.parametrize(
    ("text", "address", "command"),
    [
        ("board", Address("board", None, None), "ssh board"),
        ("pi@board.local:2222", Address("board.local", "pi", 2222), "ssh -p 2222 pi@board.local"),
        ("[::1]:22", Address("::1", None, 22), "ssh -p 22 ::1"),
        ("pi@[fe80::1%eth0]", Address("fe80::1%eth0", "pi", None), "ssh pi@fe80::1%eth0"),
    ],
)
def test_an_address_is_that_of_ssh_with_its_port_behind_it(text: str, address: Address, command: str) -> None:
    assert parse_address(text) == address
    assert str(address) == text
    assert address.words == command


@pytest.mark.parametrize("text", ["", "@board", "pi@", "board:", "board:0", "board:99999", "-oProxyCommand=x", "a b"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(BackendError, match=r"is no host; write \[USER@\]HOST\[:PORT\]"):
        parse_address(text)


def test_a_command_gives_its_output_its_words_and_its_code(address: Address) -> None:
    with SshHost(address) as host:
        assert host.run("cat", LARGE).stdout == LARGE
        done = host.run("echo first >&2; echo last >&2; exit 3", SMALL)
        assert (done.code, done.stdout, done.last_words) == (3, b"", "last")
        assert host.run("kill -9 $$").code == -9
        with pytest.raises(BackendError, match="no end after 0 s of 'sleep 60'"):
            host.run("sleep 60", timeout_seconds=0.2)


def test_a_process_is_written_to_and_read_from_while_it_runs(address: Address) -> None:
    with SshHost(address) as host:
        process = host.start("cat; exit 4")
        host.wait(process.write(b"a line\nmore"))
        assert host.wait(process.read_line()) == b"a line\n"
        assert host.wait(process.read(2)) == b"mo"
        done = host.wait(process.finish())
        assert (done.code, done.stdout) == (4, b"re")
        ended = host.start("exit 5")
        assert host.wait(ended.read(4)) == b""
        assert host.wait(ended.finish()).code == 5


def test_files_arrive_whole_and_go_with_the_connection(sshd: LocalSshd, address: Address) -> None:
    with SshHost(address) as host:
        folder = Path(host.make_folder())
        assert folder.parent == sshd.temporary
        assert folder.stat().st_mode & 0o777 == 0o700
        host.write_file(f"{folder}/a file", SMALL, is_program=True)
        assert (folder / "a file").read_bytes() == SMALL
        assert os.access(folder / "a file", os.X_OK)
        with pytest.raises(BackendError, match=r"no/file can't be written there: .*no/file"):
            host.write_file(f"{folder}/no/file", b"content")
    assert not folder.exists()


@pytest.mark.parametrize("is_reading", [True, False])
def test_a_lost_connection_is_named_and_leaves_no_files(sshd: LocalSshd, address: Address, is_reading: bool) -> None:
    with SshHost(address) as host:
        folder = Path(host.make_folder())
        timer = threading.Timer(0.3, sshd.lose_connections)
        timer.start()
        wait = _read if is_reading else SshHost.run
        with pytest.raises(BackendError, match=r"127.0.0.1:\d+: the connection was lost; check the host, then run the"):
            wait(host, "sleep 60")
        timer.join()
        with pytest.raises(BackendError, match="the connection was lost"):
            host.run("true")
    _wait_until_gone(folder)


def _read(host: SshHost, command: str) -> bytes:
    return host.wait(host.start(command).read(1))


def _wait_until_gone(folder: Path) -> None:
    for _ in range(100):
        if not folder.exists():
            return
        threading.Event().wait(0.1)
    raise AssertionError(f"{folder} is still there")


def test_several_hosts_answer_at_once(address: Address) -> None:
    """Each waits for a file that the next one writes: one after the other they would wait for ever."""

    async def meet(folder: str, own: int, other: int) -> bytes:
        connection = await open_connection(address)
        command = f"cd {folder}; echo {own} > {own}; until [ -s {other} ]; do sleep 0.01; done; cat {other}"
        done = await connection.run(command, timeout_seconds=30.0)
        await connection.close()
        return done.stdout

    async def meet_all() -> list[bytes]:
        connection = await open_connection(address)
        folder = await connection.make_folder()
        found = await asyncio.gather(*(meet(folder, index, (index + 1) % 3) for index in range(3)))
        await connection.close()
        return found

    assert asyncio.run(meet_all()) == [b"1\n", b"2\n", b"0\n"]


def test_a_port_where_nobody_listens_is_named(sshd: LocalSshd) -> None:
    with pytest.raises(BackendError, match=r"127.0.0.1:\d+: refuses; check that it is on, runs sshd"):
        SshHost(Address("127.0.0.1", None, free_port()))


def test_a_name_that_nobody_knows_is_named(sshd: LocalSshd) -> None:
    with pytest.raises(BackendError, match=r"no-such-host\.invalid: no such host; check its name"):
        SshHost(parse_address("no-such-host.invalid"))


def test_a_server_that_says_nothing_is_given_up(sshd: LocalSshd) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(BackendError, match=r"no answer within 0\.3 s; check that it is on"),
    ):
        SshHost(Address("127.0.0.1", None, silent.getsockname()[1]), connect_seconds=0.3)


def test_a_server_that_isnt_sshd_is_named(sshd: LocalSshd) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            taken, _ = listening.accept()
            with taken:
                taken.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")
                taken.shutdown(socket.SHUT_WR)
                while taken.recv(1000):
                    pass

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(BackendError, match=r"127.0.0.1:\d+: no connection \(.*\); try ssh -p \d+ 127.0.0.1"):
            SshHost(Address("127.0.0.1", None, listening.getsockname()[1]))
        thread.join()


@pytest.mark.parametrize("with_file", [True, False])
def test_a_host_whose_key_isnt_known_is_not_trusted(sshd: LocalSshd, address: Address, with_file: bool) -> None:
    known_hosts = sshd.home / ".ssh" / "known_hosts"
    kept = known_hosts.read_text()
    try:
        known_hosts.write_text(kept.replace("127.0.0.1", "127.0.0.2"))
        if not with_file:
            known_hosts.unlink()
        with pytest.raises(BackendError, match=r"its key isn't among the known hosts; run ssh -p \d+ \S+ once to"):
            SshHost(address)
    finally:
        known_hosts.write_text(kept)


def test_a_user_without_a_key_there_learns_how_to_give_one(sshd: LocalSshd, address: Address) -> None:
    key = sshd.home / ".ssh" / "id_ed25519"
    hidden = key.rename(key.with_name("hidden"))
    try:
        with pytest.raises(
            BackendError, match=r"no login with the keys here; make ssh .* work without a password: ssh-c"
        ):
            SshHost(address)
    finally:
        hidden.rename(key)


def test_the_users_own_configuration_is_followed(sshd: LocalSshd, address: Address) -> None:
    config = sshd.home / ".ssh" / "config"
    config.write_text(f"Host bench\n HostName {address.host}\n Port {address.port}\n User {address.user}\n")
    try:
        with SshHost(parse_address("bench")) as host:
            assert host.run("echo here").stdout == b"here\n"
    finally:
        config.unlink()


def test_a_shell_that_talks_before_each_command_is_named(sshd: LocalSshd, address: Address) -> None:
    """Bash reads its start-up file for commands over SSH too."""
    shell = pwd.getpwuid(os.getuid()).pw_shell
    if Path(shell).name != "bash":
        pytest.skip(f"{shell} reads no .bashrc")
    start_up = sshd.home / ".bashrc"
    start_up.write_text("echo welcome\n")
    try:
        with pytest.raises(
            BackendError, match=r"its shell says 'welcome' before each command; silence its start-up file"
        ):
            SshHost(address)
        start_up.write_text("echo no entry >&2; exit 1\n")
        with pytest.raises(BackendError, match="runs no commands: no entry; log in as a user with a shell"):
            SshHost(address)
    finally:
        start_up.unlink()
