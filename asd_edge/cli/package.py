"""`asd-edge package`, `verify`, `keys` and `slots`: signed bundles, who signs them, and where a computer keeps them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asd_edge.cli import slots
from asd_edge.cli.console import Json, printable, progress_bar
from asd_edge.cli.machine_options import AUTO, Machine, WorkDir, threshold_of
from asd_edge.cli.profile import BoardsFile

if TYPE_CHECKING:
    from asd_edge.package.bundle import Bundle

keys = typer.Typer(help="Keys that sign bundles.", no_args_is_help=True)


def add_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.command(
        epilog="\b\nExamples:\n"
        "  asd-edge package work/mine --board mps2-an386 --machine fan/id_00 --key plant.key --version 1\n"
        "  asd-edge package work/mine --board rpi4 --machine fan/id_00 --key rauc.key --version 1 --rauc\n"
        "  asd-edge package work/mine --board mine --boards my.yaml --machine fan/id_00 --key plant.key --version 1"
    )(package)
    app.command(
        epilog="\b\nExample:\n  asd-edge verify work/mine/mps2-an386-fan-id_00-v1.asdb --public-key plant.key.pub"
    )(verify)
    app.add_typer(keys, name="keys")
    app.add_typer(slots.app, name="slots")


def package(
    work_dir: WorkDir,
    board_name: Annotated[str, typer.Option("--board", metavar="B", help="A board of boards.yaml.")],
    machine: Machine,
    key: Annotated[Path, typer.Option(metavar="KEY", help="Private key that asd-edge keys new wrote.")],
    version: Annotated[int, typer.Option(min=1, help="Rises with every release; devices refuse a lower one.")],
    threshold: Annotated[
        str, typer.Option(metavar="auto|SCORE", help="auto: of WORK/thresholds.json, from normal clips alone.")
    ] = AUTO,
    least_firmware: Annotated[int, typer.Option(min=1, help="Oldest firmware that may run it.")] = 1,
    rauc: Annotated[
        bool, typer.Option("--rauc", help="For a board with Linux: a RAUC bundle, signed by a key of keys new --rauc.")
    ] = False,
    out: Annotated[Path | None, typer.Option("-o", "--out", metavar="FILE", help="Default: in WORK.")] = None,
    boards_file: BoardsFile = None,
    as_json: Json = False,
) -> None:
    """Compile, prove by a self-test, and sign: one bundle that a device installs whole or not at all."""
    from asd_edge.boards import board_named, load_boards_with
    from asd_edge.package.package_work import PackageRequest, package_work

    if rauc and least_firmware != 1:
        raise typer.BadParameter("--least-firmware is for boards without Linux; leave it out with --rauc")
    board = board_named(board_name, load_boards_with(boards_file).boards)
    request = PackageRequest(board, machine, key, version, threshold_of(threshold), least_firmware)
    if rauc:
        from asd_edge.package.rauc_bundle import package_rauc

        with progress_bar("compiling, self-testing, signing"):
            path, record = package_rauc(work_dir, request, out)
        slots.say(path, record, as_json)
        return
    with progress_bar("compiling, self-testing, signing"):
        path, bundle = package_work(work_dir, request, out)
    _say(path, bundle, as_json)


def verify(
    bundle_path: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A file that asd-edge package wrote.")],
    public_key: Annotated[
        list[Path], typer.Option(metavar="KEY.pub", help="Whoever may have signed it; repeat for more.")
    ],
    as_json: Json = False,
) -> None:
    """Check signature and hash of a bundle and print what it holds."""
    from asd_edge.package.bundle import load_bundle
    from asd_edge.package.keys import load_public_key

    bundle = load_bundle(bundle_path, [load_public_key(path) for path in public_key])
    _say(bundle_path, bundle, as_json)


@keys.command(epilog="\b\nExamples:\n  asd-edge keys new plant.key\n  asd-edge keys new rauc.key --rauc")
def new(
    path: Annotated[
        Path, typer.Argument(metavar="KEY", help="File of the private key; the public one lies beside it.")
    ],
    rauc: Annotated[bool, typer.Option("--rauc", help="An EC key and its certificate KEY.crt, for RAUC.")] = False,
) -> None:
    """Make a key pair: KEY signs and stays secret, KEY.pub goes into the firmware, KEY.crt onto computers with RAUC."""
    if rauc:
        from asd_edge.package.rauc_keys import write_new_rauc_keys

        certificate = write_new_rauc_keys(path)
        typer.echo(f"{path}: private, readable by you alone; keep a copy in a safe place, whoever has it signs models")
        typer.echo(f"{certificate}: for every computer: asd-edge slots setup --board B --certificate {certificate}")
        return
    from asd_edge.package.keys import write_new_keys

    public_path = write_new_keys(path)
    typer.echo(f"{path}: private, readable by you alone; keep a copy in a safe place, whoever has it can sign models")
    typer.echo(f"{public_path}: public; build the firmware with it: asd-edge keys show {public_path} --as c")


@keys.command(epilog="\b\nExample:\n  asd-edge keys show plant.key.pub --as c > asd_public_keys.c")
def show(
    path: Annotated[Path, typer.Argument(metavar="KEY.pub", help="Public key.")],
    kind: Annotated[
        str, typer.Option("--as", metavar="hex|c", help="Hexadecimal, or a C file for the firmware.")
    ] = "hex",
) -> None:
    """Print a public key."""
    from asd_edge.package.keys import load_public_key, public_key_source

    if kind not in ("hex", "c"):
        raise typer.BadParameter(f"--as {kind}: choose hex or c")
    content = load_public_key(path).public_bytes_raw()
    typer.echo(content.hex() if kind == "hex" else public_key_source(content, path.name))


def _say(path: Path, bundle: "Bundle", as_json: bool) -> None:
    import hashlib
    import json

    content = {
        "bundle": str(path),
        "board": bundle.board,
        "machine": bundle.machine,
        "version": bundle.version,
        "least_firmware": bundle.least_firmware,
        "threshold": bundle.threshold,
        "image_bytes": len(bundle.image),
        "image_sha256": hashlib.sha256(bundle.image).hexdigest(),
        "self_test_seed": bundle.self_test.seed,
        "self_test_score": bundle.self_test.score_q16 / 65536,
        "self_test_output_sha256": bundle.self_test.output_sha256.hex(),
    }
    if as_json:
        typer.echo(json.dumps(content, indent=1))
        return
    of_what = printable(f"{bundle.machine} on {bundle.board}")
    typer.echo(f"{path}: version {bundle.version} for {of_what}, signature and hash are right")
    typer.echo(f"  image      {len(bundle.image):,} bytes, SHA-256 {content['image_sha256']}")
    typer.echo(f"  threshold  {bundle.threshold:.4f}: alarm above it")
    typer.echo(f"  self-test  seed {bundle.self_test.seed}, score {content['self_test_score']:.4f}")
