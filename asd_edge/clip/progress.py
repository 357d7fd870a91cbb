"""The callback by which long work reports how far it is; only the command line turns it into a bar."""

from collections.abc import Callable

ProgressFn = Callable[[int, int], None]  # (done, total), both counts of the same thing


def ignore_progress(done: int, total: int) -> None:
    """The default for callers who don't watch."""
