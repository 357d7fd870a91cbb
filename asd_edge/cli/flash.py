"""`asd-edge flash`: a signed bundle -> a board that runs it and has passed its self-test there."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asd_edge.cli.console import Json, interruptible, printable, progress_bar
from asd_edge.cli.profile import BoardsFile

if TYPE_CHECKING:
    from asd_edge.flash.serial_update import BoardState
    from asd_edge.flash.ssh_parcel import Parcel
    from asd_edge.flash.write_board import BoardWrite
    from asd_edge.package.bundle import Bundle

_NOT_ASKED = "what it runs could not be asked: give --port PORT"


def add_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command(
        epilog="\b\nExamples:\n  asd-edge flash fan.asdb --public-key plant.key.pub --port /dev/ttyACM0\n"
        "  asd-edge flash --board nucleo-l4r5zi fan.asdb --public-key plant.key.pub --firmware detector\n"
        "  asd-edge flash --board nucleo-l4r5zi fan.asdb --public-key plant.key.pub --method dfu --dry-run\n"
        "  asd-edge flash --port /dev/ttyACM0\n"
        "  asd-edge flash --port /dev/ttyACM0 --go-back --dry-run\n"
        "  asd-edge flash --board rpi4 fan.asdb --public-key plant.key.pub --host pi@a.local --host pi@b.local\n"
        "  asd-edge flash --hosts plant.txt --go-back"
    )(flash)


def flash(
    bundle_path: Annotated[
        Path | None, typer.Argument(metavar="[BUNDLE]", help="A file that asd-edge package wrote.")
    ] = None,
    board_name: Annotated[
        str | None, typer.Option("--board", metavar="B", help="The board; a bundle for another one is refused.")
    ] = None,
    port: Annotated[
        str | None,
        typer.Option(metavar="PORT[@BAUD]", help="Serial port of a board that runs apps/detector."),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            metavar="pyocd|openocd|uf2|dfu|gdb|serial",
            help="Default: serial where only --port is given, else that of the board's programmer.",
        ),
    ] = None,
    probe: Annotated[
        str | None,
        typer.Option(
            metavar="ID", help="Which programmer: its serial number; gdb: HOST:PORT of a gdb server; uf2: the drive."
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="What the tool calls the part, where asd-edge doesn't know it."),
    ] = None,
    firmware: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Firmware to write with the model: an ELF file or a binary.")
    ] = None,
    host: Annotated[
        list[str] | None,
        typer.Option(metavar="[USER@]HOST[:PORT]", help="A computer with Linux, over SSH; repeat for more."),
    ] = None,
    hosts_file: Annotated[
        Path | None, typer.Option("--hosts", metavar="FILE", help="More of them, one a line; # begins a comment.")
    ] = None,
    slots: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Of each host: where its models lie, /... or ~/...; default: as slots setup."),
    ] = None,
    public_key: Annotated[
        list[Path] | None, typer.Option(metavar="KEY.pub", help="Whoever may have signed it, KEY.crt for RAUC; repeat.")
    ] = None,
    boards_file: BoardsFile = None,
    is_back: Annotated[bool, typer.Option("--go-back", help="To the model that the board confirmed before.")] = False,
    is_dry: Annotated[bool, typer.Option("--dry-run", help="Print what would be done; touch nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Install a model: over a serial line, where the board tries it and keeps it or goes back by itself; by a
    programmer, which makes the board a new one with this model alone; or over SSH onto computers with Linux, up to 16
    at once, each of which tries it before it becomes the active one. Signature and board are checked first.
    """
    from asd_edge.flash.programmers import METHODS, SERIAL

    if method is not None and method not in METHODS:
        raise typer.BadParameter(f"--method {method}: choose {', '.join(METHODS)}")
    if bundle_path is not None and (is_back or not public_key):
        raise typer.BadParameter("--go-back takes no bundle" if is_back else "a bundle needs --public-key")
    if host or hosts_file:
        if port or method or probe or target or firmware:
            raise typer.BadParameter("--host takes no --port, --method, --probe, --target or --firmware")
        from asd_edge.cli.flash_hosts import flash_hosts, read_hosts

        addresses = read_hosts(host or [], hosts_file)
        parcel = None if bundle_path is None else _parcel(bundle_path, public_key or [], board_name)
        flash_hosts(addresses, parcel, boards_file, slots, is_back, is_dry, as_json)
        return
    if slots is not None:
        raise typer.BadParameter("--slots is for --host")
    is_serial = method == SERIAL or (method is None and port is not None and not (probe or firmware or target))
    if is_serial:
        if port is None or probe or firmware or target:
            raise typer.BadParameter("the serial line takes --port, and no --probe, --target or --firmware")
    elif board_name is None or bundle_path is None:
        raise typer.BadParameter("give --port PORT, or a bundle and --board B for a board's programmer, or --host HOST")

    loaded = None if bundle_path is None else _load(bundle_path, public_key or [], board_name)
    if is_serial and loaded is not None:
        _check_is_no_linux(loaded, boards_file)
    if is_serial and port is not None and is_dry:
        _say_frames(port, loaded, is_back, as_json)
    elif is_serial and port is not None:
        _flash_by_serial(port, loaded, is_back, as_json)
    elif loaded is not None:
        write = _prepare(loaded, boards_file, method, probe, target, firmware)
        _flash_by_programmer(write, loaded.bundle, port, is_dry, as_json)


@dataclass(frozen=True)
class _Loaded:
    """A bundle and the very bytes whose signature was checked."""

    path: Path
    bundle: "Bundle"
    content: bytes


def _load(path: Path, public_keys: list[Path], board_name: str | None) -> _Loaded:
    from asd_edge.errors import FlashError
    from asd_edge.package.bundle import read_bundle
    from asd_edge.package.keys import load_public_key
    from asd_edge.package.regular_file import read_regular_file

    keys = [load_public_key(key) for key in public_keys]
    try:
        content = read_regular_file(path)
    except OSError as error:
        raise FlashError(f"{path}: can't be read ({error.strerror or error}); give a bundle") from error
    bundle = read_bundle(content, keys, path)
    if board_name is not None and bundle.board != board_name:
        raise FlashError(f"{path}: made for {bundle.board}, not for {board_name}; package it for this board")
    return _Loaded(path, bundle, content)


def _check_is_no_linux(loaded: _Loaded, boards_file: Path | None) -> None:
    """Raises FlashError for a board that has no serial update; one that no file names may have it."""
    from asd_edge.boards import load_boards_with
    from asd_edge.errors import FlashError

    board = load_boards_with(boards_file).boards.get(loaded.bundle.board)
    if board is not None and board.system == "linux":
        raise FlashError(f"{loaded.path}: made for {board.name}, which runs Linux; give --host instead of --port")


def _flash_by_serial(port: str, loaded: _Loaded | None, is_back: bool, as_json: bool) -> None:
    from asd_edge.backends.serial_link import open_link
    from asd_edge.flash.serial_update import board_state, go_back, update_board

    with (
        interruptible("the board still runs its old model; run the same command again"),
        open_link(port) as link,
        progress_bar("installing, then waiting for the board's self-test") as on_progress,
    ):
        if loaded is not None:
            state = update_board(link, loaded.bundle, loaded.content, on_progress)
        else:
            state = go_back(link) if is_back else board_state(link)
    if as_json:
        import json
        from dataclasses import asdict

        typer.echo(json.dumps(asdict(state), indent=1))
    else:
        typer.echo(_runs(port, state))


def _say_frames(port: str, loaded: _Loaded | None, is_back: bool, as_json: bool) -> None:
    """What `_flash_by_serial` would send; the port is left alone."""
    from asd_edge.backends.serial_link import split_port
    from asd_edge.flash.plan_serial import frame_runs, plan_go_back, plan_look, plan_update

    name, baud = split_port(port)
    if loaded is not None:
        frames = plan_update(loaded.bundle, loaded.content)
    else:
        frames = plan_go_back() if is_back else plan_look()
    runs = frame_runs(frames)
    if as_json:
        import json
        from dataclasses import asdict

        said = {"method": "serial", "port": name, "baud": baud, "frames": [asdict(run) for run in runs]}
        typer.echo(json.dumps(said, indent=1))
        return
    n_bytes = sum(run.line_bytes for run in runs)
    typer.echo(f"# {name} at {baud:,} baud: {len(frames):,} frames, {n_bytes:,} bytes, each answered before the next")
    for run in runs:
        typer.echo(run.line)


def _parcel(path: Path, public_keys: list[Path], board_name: str | None) -> "Parcel":
    """Of an .asdb or a RAUC bundle."""
    from asd_edge.errors import FlashError
    from asd_edge.flash.ssh_parcel import bundle_parcel, is_rauc_bundle, rauc_parcel

    if not is_rauc_bundle(path):
        return bundle_parcel(_load(path, public_keys, board_name).bundle)
    parcel = rauc_parcel(path, public_keys)
    if board_name is not None and parcel.record.board != board_name:
        raise FlashError(f"{path}: made for {parcel.record.board}, not for {board_name}; package it for this board")
    return parcel


def _prepare(
    loaded: _Loaded,
    boards_file: Path | None,
    method: str | None,
    probe: str | None,
    target: str | None,
    firmware: Path | None,
) -> "BoardWrite":
    from asd_edge.boards import board_named, load_boards_with
    from asd_edge.flash.programmers import default_method
    from asd_edge.flash.write_board import WayIn, prepare_write

    board = board_named(loaded.bundle.board, load_boards_with(boards_file).boards)
    way = WayIn(method or default_method(board), probe, target)
    return prepare_write(board, way, loaded.content, loaded.path, firmware)


def _flash_by_programmer(write: "BoardWrite", bundle: "Bundle", port: str | None, is_dry: bool, as_json: bool) -> None:
    import json
    from dataclasses import asdict

    from asd_edge.flash.write_board import carry_out, command_lines

    said: dict[str, object] = {
        "board": write.board.name,
        "method": write.way.method,
        "parts": [{"name": part.name, "address": part.address, "bytes": len(part.content)} for part in write.parts],
        "commands": command_lines(write),
    }
    if is_dry:
        typer.echo(json.dumps(said, indent=1) if as_json else "\n".join(command_lines(write)))
        return
    with (
        interruptible("the board may hold half of it; run the same command again"),
        progress_bar(f"writing by {write.way.method}") as on_progress,
    ):
        carry_out(write, on_progress)
    state = None if port is None else _ask(port, bundle)
    if as_json:
        said |= {"is_read_back": write.is_read_back, "runs": None if state is None else asdict(state)}
        typer.echo(json.dumps(said, indent=1))
        return
    n_bytes = sum(len(part.content) for part in write.parts)
    how = "read back and equal" if write.is_read_back else "not read back: the drive of a bootloader can't be"
    names = " and ".join(part.name for part in write.parts if part.name in ("firmware", "model"))
    typer.echo(f"{write.board.name}: {names} written by {write.way.method}, {n_bytes:,} bytes, {how}")
    if state is None or port is None:
        typer.echo(f"version {bundle.version} for {printable(bundle.machine)} starts with the board; {_NOT_ASKED}")
    else:
        typer.echo(_runs(port, state))


def _ask(port: str, bundle: "Bundle") -> "BoardState":
    """What runs now. Raises FlashError where that isn't the bundle's model."""
    from asd_edge.backends.serial_link import open_link
    from asd_edge.errors import FlashError
    from asd_edge.flash.serial_update import await_board

    with open_link(port) as link:
        state = await_board(link)
    if (state.version, state.machine, state.is_on_trial) != (bundle.version, bundle.machine, False):
        runs = f"runs version {state.version} for {state.machine}" if state.version else "runs no model"
        raise FlashError(
            f"{port}: the flash holds version {bundle.version}, but the board {runs}; "
            "check that its firmware trusts this key, and was made for these kernels"
        )
    return state


def _runs(port: str, state: "BoardState") -> str:
    tested = f", self-test {state.self_test}" if state.self_test else ""
    runs = (
        f"version {state.version} for {printable(state.machine)} in slot {state.slot}{tested}"
        if state.version
        else "no model"
    )
    return f"{port}: runs {runs}; versions up to {state.least_version} are refused"
