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
    path, content = f"{there.cache}/{parcel.sha256}.part", parcel.content
    cache, part = shlex.quote(there.cache), shlex.quote(path)
    done = await connection.run(f"umask 077; mkdir -p {cache} && : >> {part} && wc -c < {part} && sha256sum < {part}")
    if done.code != 0:
        raise FlashError(f"{path} can't be written there: {done.last_words}; free space there")
    at, sha256 = _length_and_hash(done.stdout)
    if at > len(content) or hashlib.sha256(content[:at]).hexdigest() != sha256:
        at = 0
    held = at
    process = await connection.start(f"cat {'>>' if at else '>'} {part}")
    on_sent(held, 0)
    while at < len(content):
        await process.write(content[at : at + _CHUNK_BYTES])
        at = min(at + _CHUNK_BYTES, len(content))
        on_sent(held, at - held)
    done = await process.finish()
    if done.code != 0:
        raise FlashError(f"{path} can't be written there: {done.last_words}; free space there")
    found = (await connection.run(f"sha256sum < {part}")).stdout.decode(errors="replace").split()
    if found[:1] != [parcel.sha256]:
        await connection.run(f"rm -f {part}")
        raise FlashError("what arrived isn't what was sent; run the same command again")
    return path


async def unpack_parcel(connection: Connection, prefix: str, parcel: Parcel, part: str, folder: str) -> None:
    """Its files, in `folder` alone; `prefix`: of who may write there. Raises FlashError where it can't be written."""
    quoted = shlex.quote(folder)
    lines = [f"set -eu; umask 022; rm -rf {quoted}; mkdir -p {quoted}; cd {quoted}"]
    for name, (first, n_bytes) in parcel.parts.items():
        lines.append(f"tail -c +{first + 1} {shlex.quote(part)} | head -c {n_bytes} > {name}")
    done = await connection.run(f"{prefix}sh -c {shlex.quote('; '.join([*lines, 'sync']))}")
    if done.code != 0:
        raise FlashError(f"{folder} can't be written there: {done.last_words}; free space there")


def _length_and_hash(said: bytes) -> tuple[int, str]:
    text = said.decode(errors="replace")
    found = _LENGTH_AND_HASH.match(text)
    if found is None:
        raise FlashError(f"its wc and sha256sum say {text[:_MOST_SAID]!r}, no length and hash; look at them there")
    return int(found[1]), found[2]
