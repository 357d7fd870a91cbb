"""A thread that an output can't do without: if a bug ends it, the output says so."""

import threading
from collections.abc import Callable


class WatchedThread:
    """Begins at once and keeps no process alive."""

    def __init__(self, name: str, run: Callable[[], None]) -> None:
        self.problem: str | None = None  # why it ended, if no return ended it
        self._name, self._run = name, run
        self._thread = threading.Thread(target=self._run_watched, name=name, daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def join(self, seconds: float) -> None:
        """Until it has ended, at most so long."""
        self._thread.join(seconds)

    def _run_watched(self) -> None:
        try:
            self._run()
        except BaseException as error:
            self.problem = f"its thread {self._name} has died ({type(error).__name__}: {error}); restart the service"
            raise  # a bug: its traceback goes to standard error
