"""`python -m asd_edge.cli.run_listening CONFIG [--dashboard]`: the process that `asd-edge listen run` becomes.

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
from asd_edge.listen.dashboard_config import DashboardConfig
from asd_edge.listen.notify import Notifier
from asd_edge.listen.read_config import load_config
from asd_edge.listen.service import Requests, Service


def main(config_path: Path, with_dashboard: bool) -> int:
    """Exit code."""
    requests = Requests()

    def load() -> ListenConfig:
        config = load_config(config_path)
        wants_page = with_dashboard and config.dashboard is None
        return replace(config, dashboard=DashboardConfig()) if wants_page else config

    def stop(number: int, frame: object) -> None:
        requests.stop = True

    def reload(number: int, frame: object) -> None:
        requests.reload = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    signal.signal(signal.SIGHUP, reload)
    try:
        service = Service(load, Clock(), Notifier(os.environ), requests)
    except AsdEdgeError as error:
        typer.echo(f"error: {' '.join(str(error).split())}", err=True)
        return BAD_INPUT
    if service.dashboard_url is not None:
        typer.echo(f"dashboard: {service.dashboard_url}", err=True)
    for account in service.run():
        typer.echo(account.in_words(), err=True)
    for problem in service.problems:
        typer.echo(f"warning: {problem}", err=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), "--dashboard" in sys.argv[2:]))
