"""The command line: words in, stages called, tables and one-line errors out; the only package that prints and exits.

Each command imports its stages when it runs, so that `asd-edge --help` loads neither NumPy nor torch.
Exit codes: 0 done, 1 the parity verdict of `evaluate` failed or `compare` found too great a loss, or a host of `flash`
failed, 2 bad input or usage, 130 interrupted.
"""

import sys
from typing import Annotated

import typer

from asd_edge import __version__
from asd_edge.cli import (
    boards,
    compiler,
    data,
    diagnose,
    evaluate,
    export,
    finetune,
    flash,
    listen,
    package,
    profile,
    provision,
    report,
    score,
    train,
)
from asd_edge.cli.console import BAD_INPUT, printable
from asd_edge.errors import AsdEdgeError

EXTRAS = {  # what a missing package belongs to
    **dict.fromkeys(
        (
            *("flatbuffers", "jinja2", "lightning", "matplotlib", "onnx", "onnxruntime", "onnxscript", "pydantic"),
            *("requests", "scipy", "sklearn", "threadpoolctl", "torch"),
        ),
        "host",
    ),
    "cryptography": "field",
    **dict.fromkeys(("asyncssh", "serial"), "boards"),
    **dict.fromkeys(("paho", "sounddevice"), "listen"),
}

app = typer.Typer(
    help="Anomalous sound detection: from a folder of machine sounds to an int8 model, and the AUC that int8 kept.",
    epilog="\b\nIn this order:\n  asd-edge data synth data/synthetic\n  asd-edge train data/synthetic -o work/mine\n"
    "  asd-edge export --checkpoint work/mine --calibration data/synthetic -o work/mine\n"
    "  asd-edge evaluate work/mine --data data/synthetic\n"
    "  asd-edge report work/mine",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(data.app, name="data")
app.add_typer(listen.app, name="listen")
for commands in (
    *(train, finetune, export, compiler, evaluate, diagnose, score, boards, profile, report),
    *(provision, package, flash),
):
    commands.add_commands(app)


def main() -> None:
    """Entry point of the console script."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command; its exit code. A bug's exception passes through with its traceback."""
    try:
        code = app(arguments, prog_name="asd-edge", standalone_mode=False)
    except AsdEdgeError as error:
        return _fail(str(error))
    except typer.TyperException as error:
        return _fail_usage(error)
    except ModuleNotFoundError as error:
        extra = EXTRAS.get((error.name or "").split(".")[0])
        if extra is None:
            raise
        return _fail(
            f"{error.name} is not installed; this command needs asd-edge[{extra}]: pip install 'asd-edge[{extra}]'"
        )
    return int(code or 0)


def _fail(message: str) -> int:
    typer.echo(f"error: {printable(' '.join(message.split()))}", err=True)
    return BAD_INPUT


def _fail_usage(error: typer.TyperException) -> int:
    message = error.format_message()
    if message.startswith("Usage:"):  # no arguments at all: the help is the message
        typer.echo(message, err=True)
        return BAD_INPUT
    context: typer.Context | None = getattr(error, "ctx", None)
    return _fail(f"{message.rstrip('.')}; see {context.command_path if context else 'asd-edge'} --help")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"asd-edge {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options that stand before the command."""
