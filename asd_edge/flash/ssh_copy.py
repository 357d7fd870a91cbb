"""A parcel onto a host over SSH: continued where an earlier run was cut off, hashed there, then cut into its files."""

import hashlib
import re
import shlex
from collections.abc import Callable

from asd_edge.errors import FlashError
from asd_edge.flash.ssh_look import HostSlots
from asd_edge.flash.ssh_parcel import Parcel
from asd_edge.ssh_host import Connection

_CHUNK_BYTES = 32_768
_MOST_SAID = 80  # characters
_LENGTH_AND_HASH = re.compile(r"\s*([0-9]{1,18})\s+([0-9a-f]{64})\b", re.ASCII)


async def copy_parcel(
    connection: Connection, there: HostSlots, parcel: Parcel, on_sent: Callable[[int, int], None]
) -> str:
    """Continue what is there of it; its path there. `on_sent`: bytes that were there before, bytes sent so far.

    Raises FlashError where the host can't write it or holds other bytes in the end.
    """
    path, content = part_path(there, parcel), parcel.content
    done = await connection.run(arrive_command(there.cache, path))
    if done.code != 0:
        raise FlashError(f"{path} can't be written there: {done.last_words}; free space there")
    at = held = held_bytes(done.stdout, content)
    process = await connection.start(append_command(path, held))
    on_sent(held, 0)
    while at < len(content):
        await process.write(content[at : at + _CHUNK_BYTES])
        at = min(at + _CHUNK_BYTES, len(content))
        on_sent(held, at - held)
    done = await process.finish()
    if done.code != 0:
        raise FlashError(f"{path} can't be written there: {done.last_words}; free space there")
    found = (await connection.run(sum_command(path))).stdout.decode(errors="replace").split()
    if found[:1] != [parcel.sha256]:
        await connection.run(remove_command(path))
        raise FlashError("what arrived isn't what was sent; run the same command again")
    return path


async def unpack_parcel(connection: Connection, prefix: str, parcel: Parcel, part: str, folder: str) -> None:
    """Its files, in `folder` alone; `prefix`: of who may write there. Raises FlashError where it can't be written."""
    done = await connection.run(unpack_command(prefix, parcel, part, folder))
    if done.code != 0:
        raise FlashError(f"{folder} can't be written there: {done.last_words}; free space there")


def part_path(there: HostSlots, parcel: Parcel) -> str:
    """Where the parcel lies on the host while it arrives."""
    return f"{there.cache}/{parcel.sha256}.part"


def arrive_command(cache: str, path: str) -> str:
    """Makes room, and says length and hash of what is there."""
    part = shlex.quote(path)
    return f"umask 077; mkdir -p {shlex.quote(cache)} && : >> {part} && wc -c < {part} && sha256sum < {part}"


def look_command(path: str) -> str:
    """As arrive_command says it, and writes nothing."""
    return f'part={shlex.quote(path)}; [ -e "$part" ] || part=/dev/null; wc -c < "$part" && sha256sum < "$part"'


def append_command(path: str, n_held: int) -> str:
    """Takes the bytes behind those that are held."""
    return f"cat {'>>' if n_held else '>'} {shlex.quote(path)}"


def sum_command(path: str) -> str:
    """Says the hash of what has arrived."""
    return f"sha256sum < {shlex.quote(path)}"


def remove_command(path: str) -> str:
    """Ends the part."""
    return f"rm -f {shlex.quote(path)}"


def unpack_command(prefix: str, parcel: Parcel, part: str, folder: str) -> str:
    """Cuts the part into the parcel's files, in `folder` alone; `prefix`: of who may write there."""
    quoted = shlex.quote(folder)
    lines = [f"set -eu; umask 022; rm -rf {quoted}; mkdir -p {quoted}; cd {quoted}"]
    for name, (first, n_bytes) in parcel.parts.items():
        lines.append(f"tail -c +{first + 1} {shlex.quote(part)} | head -c {n_bytes} > {name}")
    return f"{prefix}sh -c {shlex.quote('; '.join([*lines, 'sync']))}"


def held_bytes(said: bytes, content: bytes) -> int:
    """Bytes of the content that a host has by its length and hash: 0 for other ones. Raises FlashError for no such."""
    at, sha256 = _length_and_hash(said)
    return at if at <= len(content) and hashlib.sha256(content[:at]).hexdigest() == sha256 else 0


def _length_and_hash(said: bytes) -> tuple[int, str]:
    text = said.decode(errors="replace")
    found = _LENGTH_AND_HASH.match(text)
    if found is None:
        raise FlashError(f"its wc and sha256sum say {text[:_MOST_SAID]!r}, no length and hash; look at them there")
    return int(found[1]), found[2]
