"""The slots of a host that has asd-edge, by its own commands; on any host, the listening service told of a change."""

import shlex

from asd_edge.errors import FlashError
from asd_edge.flash.ssh_copy import unpack_parcel
from asd_edge.flash.ssh_look import HostSlots
from asd_edge.flash.ssh_parcel import Parcel
from asd_edge.ssh_host import Connection, Finished

SERVICE = "asd-edge-listen.service"
RELOAD = f"""
if [ -d /run/systemd/system ] && systemctl --quiet is-active {SERVICE}; then
    as=; [ "$(id -u)" = 0 ] || as='sudo -n'
    $as systemctl reload {SERVICE} && echo reloaded
else
    echo none
fi
"""


async def install_own(connection: Connection, there: HostSlots, parcel: Parcel, part: str) -> None:
    """Unpack into the connection's folder, have the host's asd-edge install it. Raises FlashError with its words."""
    folder = model_folder(await connection.make_folder())
    await unpack_parcel(connection, "", parcel, part, folder)
    await _run(connection, install_own_command(there, folder))


async def go_back_own(connection: Connection, there: HostSlots) -> None:
    """Have the host's asd-edge go back. Raises FlashError with its words."""
    await _run(connection, go_back_own_command(there))


async def reload_service(connection: Connection) -> bool:
    """Whether the listening service runs there as a unit and was told. Raises FlashError where it can't be."""
    done = await connection.run(RELOAD)
    if done.code != 0:
        raise FlashError(f"the model is active, but {SERVICE} wasn't reloaded: {done.last_words}; reload it there")
    return done.stdout.strip() == b"reloaded"


def model_folder(home: str) -> str:
    """Of a model's files in the connection's folder."""
    return f"{home}/model"


def install_own_command(there: HostSlots, folder: str) -> str:
    """Installs the model of a folder."""
    return _slots_command(there, f"install {folder}")


def go_back_own_command(there: HostSlots) -> str:
    """Makes the model before the active one active."""
    return _slots_command(there, "go-back")


def _slots_command(there: HostSlots, words: str) -> str:
    return f"{there.prefix or ''}{shlex.quote(there.command or '')} slots {words} --slots {shlex.quote(there.slots)}"


async def _run(connection: Connection, command: str) -> None:
    done: Finished = await connection.run(command)
    if done.code != 0:
        raise FlashError(f"its asd-edge: {done.last_words.removeprefix('error: ')}")
