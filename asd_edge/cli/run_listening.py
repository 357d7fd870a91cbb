"""`python -P -m asd_edge.cli.run_listening CONFIG [--dashboard]`: the process that `asd-edge listen run` becomes.

Without typer's parsing, so that it holds no pydantic.
"""

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import typer

from asd_edge.cli.console import BAD_INPUT
from asd_edge.errors import AsdEdgeError
from asd_edge.listen.clock import Clock
from asd_edge.listen.config import ListenConfig
from asd_edge.listen.dashboard.own_token import OwnToken
from asd_edge.listen.dashboard_config import DashboardConfig
from asd_edge.listen.notify import Notifier
from asd_edge.listen.read_config import load_config
from asd_edge.listen.service import Requests, Service


def main(config_path: Path, with_dashboard: bool) -> int:
    """Exit code."""
    state_folder = os.environ.get("STATE_DIRECTORY")  # of systemd
    own_token = OwnToken(Path(state_folder) if state_folder else None)
    try:
        return _listen(config_path, with_dashboard, own_token)
    except AsdEdgeError as error:
        typer.echo(f"error: {' '.join(str(error).split())}", err=True)
        return BAD_INPUT
    finally:
        own_token.close()


def _listen(config_path: Path, with_dashboard: bool, own_token: OwnToken) -> int:
    requests, is_started = Requests(), False

    def load() -> ListenConfig:
        config = load_config(config_path)
        page = config.dashboard or (DashboardConfig() if with_dashboard else None)
        if page is not None and page.token_file is None:
            is_new = own_token.path is None
            page = replace(page, token_file=own_token.file())
            if is_new and is_started:
                typer.echo(f"dashboard: its token is in {own_token.path}", err=True)
        return replace(config, dashboard=page)

    def stop(number: int, frame: object) -> None:
        requests.stop = True

    def reload(number: int, frame: object) -> None:
        requests.reload = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    signal.signal(signal.SIGHUP, reload)
    service = Service(load, Clock(), Notifier(os.environ), requests)
    is_started = True
    if service.dashboard_url is not None:
        typer.echo(f"dashboard: {_address(service.dashboard_url, own_token)}", err=True)
    for account in service.run():
        typer.echo(account.in_words(), err=True)
    for problem in service.problems:
        typer.echo(f"warning: {problem}", err=True)
    return 0


def _address(url: str, own_token: OwnToken) -> str:
    """With the token where a person sees it at once, and without where it would be kept: in a log, in the journal."""
    if own_token.path is None:
        return url
    return f"{url}?token={own_token.token}" if sys.stderr.isatty() else f"{url} (its token is in {own_token.path})"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), "--dashboard" in sys.argv[2:]))
