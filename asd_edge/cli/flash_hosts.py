"""`asd-edge flash --host`: which hosts, and one line for each with what was done there and what runs now."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from asd_edge.cli.console import interruptible, printable, progress_bar

if TYPE_CHECKING:
    from asd_edge.flash.ssh_parcel import Parcel
    from asd_edge.flash.ssh_steps import Step
    from asd_edge.flash.ssh_update import HostOutcome
    from asd_edge.ssh_host import Address

_SOME_FAILED = 1


def read_hosts(hosts: Sequence[str], file: Path | None) -> list["Address"]:
    """Of the options and the file's lines, each once. Raises FlashError for a file that can't be read or is empty,
    BackendError for a line that is no host.
    """
    from asd_edge.errors import FlashError
    from asd_edge.ssh_host import parse_address

    lines: list[str] = []
    if file is not None:
        try:
            lines = [line.partition("#")[0].strip() for line in file.read_text(encoding="utf-8").splitlines()]
        except (OSError, ValueError) as error:
            raise FlashError(f"{file}: can't be read ({error}); give a file with one host a line") from error
    found = list(dict.fromkeys(parse_address(text) for text in (*hosts, *filter(None, lines))))
    if not found:
        raise FlashError(f"{file}: names no host; write one a line, as in pi@raspberrypi.local")
    return found


def flash_hosts(
    addresses: "Sequence[Address]",
    parcel: "Parcel | None",
    boards_file: Path | None,
    slots: str | None,
    is_back: bool,
    is_dry: bool,
    as_json: bool,
) -> None:
    """Exit code 1 if any failed."""
    import asyncio
    import json
    from dataclasses import asdict

    from asd_edge.boards import board_named, load_boards_with
    from asd_edge.flash.ssh_look import check_slots_folder
    from asd_edge.flash.ssh_parcel import check_runs_linux
    from asd_edge.flash.ssh_update import Wanted, update_hosts

    board = None if parcel is None else board_named(parcel.record.board, load_boards_with(boards_file).boards)
    if board is not None:
        check_runs_linux(board)
    if slots is not None:
        check_slots_folder(slots)
    wanted = Wanted(board, parcel, is_back, is_dry, slots)
    with ExitStack() as stack:
        stack.enter_context(interruptible("each host runs its old model or the new one; run the same command again"))
        programs = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="asd-edge-programs-")))
        on_progress = stack.enter_context(progress_bar(f"{len(addresses)} hosts: copying, then the self-test there"))
        outcomes = asyncio.run(update_hosts(addresses, wanted, programs, on_progress))
    if as_json:
        typer.echo(json.dumps([asdict(outcome) for outcome in outcomes], indent=1))
    else:
        for outcome in outcomes:
            typer.echo(printable(_line(outcome)))
            for line in step_lines(outcome.steps):
                typer.echo(printable(line))
    n_failed = sum(outcome.error is not None for outcome in outcomes)
    if n_failed:
        typer.echo(f"error: {n_failed} of {len(outcomes)} hosts failed; run the same command again for them", err=True)
        raise typer.Exit(_SOME_FAILED)


def _line(outcome: "HostOutcome") -> str:
    did = f"failed: {outcome.error}" if outcome.error is not None else outcome.did
    if outcome.sent_bytes or outcome.held_bytes:
        held = f" ({outcome.held_bytes:,} were there)" if outcome.held_bytes else ""
        did += f", {outcome.sent_bytes:,} bytes sent{held}"
    if outcome.error is None and outcome.tried_by is not None:
        did += f", self-test passed by {outcome.tried_by}"
    if outcome.is_reloaded:
        did += ", service reloaded"
    elif outcome.did in ("updated", "went back"):
        did += ", no listening service runs there as a unit"
    return f"{outcome.host}: {_runs(outcome) if outcome.did == 'looked' else f'{did}; {_runs(outcome)}'}"


def step_lines(steps: "Sequence[Step]") -> Iterator[str]:
    """Of a dry run: each command as at a prompt, and behind # what goes into it."""
    for step in steps:
        for number, line in enumerate(step.command.strip("\n").split("\n")):
            yield f"  {'>' if number else '$'} {line}"
        if step.takes:
            yield f"  # takes {'' if step.n_bytes is None else f'{step.n_bytes:,} bytes: '}{step.takes}"


def _runs(outcome: "HostOutcome") -> str:
    if not outcome.is_known:
        return "what it runs isn't known"
    if outcome.version is None:
        return "runs no model"
    return f"runs version {outcome.version} for {outcome.machine} in slot {outcome.slot}"
