"""Hosts with slots, many at once over SSH: a model copied, tried and made active on each, or the one before it again.

Where a host has asd-edge, its own `slots install` and `slots go-back` do what a RAUC bundle's handler has them do. A
host that fails says why, the others go on; each step can be cut off and is gone on with by the next run.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from asd_edge.backends.linux_program import build_linux_program
from asd_edge.boards import Board
from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.errors import AsdEdgeError, FlashError
from asd_edge.flash.ssh_bare import go_back_bare, install_bare
from asd_edge.flash.ssh_copy import copy_parcel, remove_command
from asd_edge.flash.ssh_look import HostSlots, check_may_install, check_may_write, look_at, runs_already
from asd_edge.flash.ssh_own import go_back_own, install_own, reload_service
from asd_edge.flash.ssh_parcel import Parcel
from asd_edge.flash.ssh_steps import Step, plan_go_back, plan_install
from asd_edge.ssh_host import Address, Connection, open_connection

HOSTS_AT_ONCE = 16
Did = Literal["updated", "went back", "left alone", "looked", "would update", "would go back", "failed"]


@dataclass(frozen=True)
class Wanted:
    """`parcel` None: nothing is installed; `is_dry`: hosts are looked at, and nothing is written there."""

    board: Board | None = None
    parcel: Parcel | None = None
    is_back: bool = False
    is_dry: bool = False
    slots: str | None = None  # None: where each host keeps them


@dataclass(frozen=True)
class HostOutcome:
    """What was done on a host and what runs there now; `version` None: no model."""

    host: str
    did: Did
    error: str | None
    is_known: bool  # what runs there
    version: int | None
    machine: str | None
    slot: str | None
    tried_by: str | None  # what ran the self-test: "asd-edge" or "score_clips"
    sent_bytes: int
    held_bytes: int  # of an earlier run, continued
    is_reloaded: bool  # the listening service, a unit that runs there
    steps: tuple[Step, ...]  # of a dry run: what would be run there


async def update_hosts(
    addresses: Sequence[Address], wanted: Wanted, programs: Path, on_progress: ProgressFn = ignore_progress
) -> tuple[HostOutcome, ...]:
    """In the order of `addresses`; `programs`: folder where score_clips is built for a host without asd-edge."""
    room, builds = asyncio.Semaphore(HOSTS_AT_ONCE), _Programs(programs)
    n_each, held = 0 if wanted.parcel is None else len(wanted.parcel.content), dict.fromkeys(addresses, 0)

    async def update(address: Address) -> HostOutcome:
        def on_sent(n_bytes: int) -> None:
            held[address] = n_bytes
            on_progress(sum(held.values()), n_each * len(addresses))

        async with room:
            return await _Update(address, wanted, builds, on_sent).run()

    return tuple(await asyncio.gather(*(update(address) for address in addresses)))


class _Programs:
    """score_clips by `uname -m`, built once each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = asyncio.Lock()
        self._built: dict[str, bytes] = {}

    async def of(self, machine: str) -> bytes:
        """Raises BackendError where it can't be built."""
        async with self._lock:
            if machine not in self._built:
                path = await asyncio.to_thread(build_linux_program, machine, self._folder)
                self._built[machine] = path.read_bytes()
            return self._built[machine]


class _Update:
    """One host; what was done so far outlives the error that ends it."""

    def __init__(self, address: Address, wanted: Wanted, programs: _Programs, on_sent: Callable[[int], None]) -> None:
        self._address, self._wanted, self._programs, self._on_sent = address, wanted, programs, on_sent
        self._there: HostSlots | None = None
        self._tried_by: str | None = None
        self._sent_bytes = self._held_bytes = 0
        self._is_reloaded = False
        self._steps: tuple[Step, ...] = ()

    async def run(self) -> HostOutcome:
        """Whatever goes wrong is this host's line, be it a bug: the others go on."""
        try:
            return await self._run()
        except Exception as error:
            return self._outcome("failed", error)

    async def _run(self) -> HostOutcome:
        connection = await open_connection(self._address)
        try:
            self._there = there = await look_at(connection, self._wanted.slots)
            try:
                did = await self._work(connection, there)
            except Exception as error:
                await self._look_again(connection)
                return self._outcome("failed", error)
            await self._look_again(connection)
            return self._outcome(did, None)
        finally:
            await connection.close()

    async def _work(self, connection: Connection, there: HostSlots) -> Did:
        wanted, parcel = self._wanted, self._wanted.parcel
        if wanted.is_back:
            return await self._go_back(connection, there)
        if parcel is None or wanted.board is None:
            return "looked"
        if await runs_already(connection, there, parcel):
            return "left alone"
        check_may_install(there, parcel, wanted.board)
        if wanted.is_dry:
            self._steps = await plan_install(connection, there, parcel)
            return "would update"
        if there.command is None:
            await self._programs.of(there.machine)  # nothing is sent where it can't be built
        part = await copy_parcel(connection, there, parcel, self._count)
        self._tried_by = "score_clips" if there.command is None else "asd-edge"
        if there.command is None:
            await install_bare(connection, there, parcel, part, self._programs.of)
        else:
            await install_own(connection, there, parcel, part)
        await connection.run(remove_command(part))
        self._is_reloaded = await reload_service(connection)
        return "updated"

    async def _go_back(self, connection: Connection, there: HostSlots) -> Did:
        check_may_write(there)
        least = there.least_version
        if least is None:
            least = max((model.version for model in there.models.values()), default=0)
        if there.running is not None and there.running.version < least:
            return "left alone"  # it went back before; another time would bring the newer model again
        if there.models.get(there.other) is None:
            raise FlashError("no model was active before this one; install one")
        if self._wanted.is_dry:
            self._steps = await plan_go_back(connection, there)
            return "would go back"
        self._tried_by = "score_clips" if there.command is None else "asd-edge"
        if there.command is None:
            await go_back_bare(connection, there, self._programs.of)
        else:
            await go_back_own(connection, there)
        self._is_reloaded = await reload_service(connection)
        return "went back"

    def _count(self, held_bytes: int, sent_bytes: int) -> None:
        self._held_bytes, self._sent_bytes = held_bytes, sent_bytes
        self._on_sent(held_bytes + sent_bytes)

    async def _look_again(self, connection: Connection) -> None:
        before, self._there = self._there, None
        with suppress(Exception):  # then nobody knows what runs there
            self._there = await look_at(connection, None if before is None else before.slots)

    def _outcome(self, did: Did, error: Exception | None) -> HostOutcome:
        host, there = str(self._address), self._there
        kind = "" if error is None or isinstance(error, AsdEdgeError) else f"{type(error).__name__}: "
        running = None if there is None else there.running
        return HostOutcome(
            host,
            did,
            None if error is None else kind + " ".join(str(error).removeprefix(f"{host}: ").split()),
            there is not None,
            None if running is None else running.version,
            None if running is None else running.machine,
            None if there is None or running is None else there.active,
            self._tried_by,
            self._sent_bytes,
            self._held_bytes,
            self._is_reloaded,
            self._steps,
        )
