"""The service: a thread per source that hears, and this one that scores, tells and looks after everything else."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asd_edge import __version__
from asd_edge.listen.clock import Clock, JumpWatch
from asd_edge.listen.config import ListenConfig
from asd_edge.listen.error_line import error_line
from asd_edge.listen.events import Account, Event, EventIds, ServiceState, ServiceWord
from asd_edge.listen.machine import Machine, Prepared, prepare_all
from asd_edge.listen.machine_listener import Telling
from asd_edge.listen.notify import Notifier
from asd_edge.listen.outputs import Outputs, open_outputs

ITEMS_AT_ONCE = 8  # of one machine before the next one's turn
IDLE_SECONDS, CHORE_SECONDS = 0.1, 1.0
LAST_SECONDS = 5.0  # for what waits when the service is told to stop
LoadConfig = Callable[[], ListenConfig]


@dataclass
class Requests:
    """What signals ask for; a handler sets them, the service looks."""

    stop: bool = False
    reload: bool = False


class _Reload:
    """A new configuration, loaded and prepared on a thread of its own: a model may have to be compiled."""

    def __init__(self, load: LoadConfig) -> None:
        self.config: ListenConfig | None = None
        self.prepared: list[Prepared] = []
        self.refused = ""
        self._load = load
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def is_done(self) -> bool:
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            config = self._load()
            self.prepared = prepare_all(config)
            self.config = config
        except Exception as error:  # whatever it is, it is no reason to end what works
            self.refused = error_line(error)


class Service:
    """One run. `load` reads the configuration, at the start and whenever a reload is asked for."""

    def __init__(self, load: LoadConfig, clock: Clock, notifier: Notifier, requests: Requests) -> None:
        """Raises AsdEdgeError for a configuration that can't be used."""
        self._load, self._clock, self._notifier, self._requests = load, clock, notifier, requests
        self._config = load()
        prepared = prepare_all(self._config)
        self._outputs = open_outputs(self._config)
        self._work = threading.Event()
        self._telling = Telling(EventIds(), clock.wall, self._publish, self._hear)
        self._machines = {one.entry.machine: Machine(one, self._telling, self._work) for one in prepared}
        self._listening = list(self._machines)  # those of the present configuration
        self._reload: _Reload | None = None
        self._jumps = JumpWatch(clock)
        self._next_chores = self._next_state = 0.0
        self.problems: list[str] = []  # of outputs, that were still there at the end
        self.untold_because = ""  # why no output is open just now
        self.dashboard_url = self._outputs.dashboard_url

    def run(self) -> tuple[Account, ...]:
        """Until a stop is asked for or every source has ended; the account of all windows."""
        thresholds = [f"{name}: threshold {one.prepared.threshold.in_words()}" for name, one in self._machines.items()]
        self._tell("started", f"asd-edge {__version__}; {'; '.join(thresholds)}")
        for machine in self._machines.values():
            machine.start()
        self._next_state = self._clock.monotonic() + self._config.state_seconds
        self._notifier.tell("READY=1")
        is_idle = False
        while not self._requests.stop:
            if is_idle:
                if all(self._machines[name].is_ended for name in self._listening):
                    break
                self._work.wait(IDLE_SECONDS)
            self._work.clear()
            turns = [machine.score(ITEMS_AT_ONCE) for machine in self._machines.values()]
            is_idle = not any(turns)
            self._do_chores()
        return self._stop()

    def _do_chores(self) -> None:
        now = self._clock.monotonic()
        if now < self._next_chores:
            return
        self._next_chores = now + CHORE_SECONDS
        jump = self._jumps.jump_seconds()
        if jump is not None:
            self._tell("clock-jump", f"the wall clock went by {jump:+.3f} s more than time did")
        if self.untold_because:
            self.untold_because = self._open_outputs(self._config) or ""
        for change in self._outputs.changes():
            word: ServiceWord = "output-restored" if change.problem is None else "output-degraded"
            self._tell(word, f"{change.name}: {change.problem or 'works again'}")
        if now >= self._next_state:
            self._next_state = now + self._config.state_seconds
            self._tell("running", "")
        self._follow_reload()
        self._notifier.tell("WATCHDOG=1", f"STATUS={_in_words(self.accounts())}")

    def _follow_reload(self) -> None:
        if self._requests.reload and self._reload is None:
            self._requests.reload = False
            self._reload = _Reload(self._load)
        if self._reload is None or not self._reload.is_done():
            return
        done, self._reload = self._reload, None
        if done.config is None:
            self._tell("reload-refused", f"{done.refused}; the old configuration stays")
            return
        if (refused := self._change_outputs(done.config)) is not None:
            self._tell("reload-refused", f"{refused}; the old configuration stays")
            return
        self._config = done.config
        self._change_machines(done.prepared)
        self._tell("reloaded", ", ".join(self._listening))

    def _change_outputs(self, config: ListenConfig) -> str | None:
        """Open other outputs, where the configuration names others; why not, if they can't be."""
        old = self._config
        shown, old_shown = ((one.dashboard, one.machines if one.dashboard else ()) for one in (config, old))
        if (config.outputs, shown) == (old.outputs, old_shown):
            return None
        left = self._outputs.close()
        self._outputs = Outputs({}, {})
        if (refused := self._open_outputs(config)) is not None:
            self.untold_because = self._open_outputs(old) or ""
        for change in left:
            self._tell("output-degraded", f"{change.name}, before the reload: {change.problem}")
        return refused

    def _open_outputs(self, config: ListenConfig) -> str | None:
        """Where there are none; why not, if they can't be: then events are lost, and the next chores try again."""
        try:
            self._outputs = open_outputs(config)
        except Exception as error:  # of whatever an output is made of
            return error_line(error)
        if self.untold_because:
            self._tell("output-restored", f"no output was open, and events were lost: {self.untold_because}")
            self.untold_because = ""
        return None

    def _change_machines(self, prepared: list[Prepared]) -> None:
        self._listening = [one.entry.machine for one in prepared]
        for name, machine in self._machines.items():
            if name not in self._listening:
                machine.halt()
                machine.stop()
        for one in prepared:
            name = one.entry.machine
            if name in self._machines:
                self._machines[name].change_to(one)
            else:
                self._machines[name] = Machine(one, self._telling, self._work)
                self._machines[name].start()

    def _stop(self) -> tuple[Account, ...]:
        self._notifier.tell("STOPPING=1")
        deadline = self._clock.monotonic() + LAST_SECONDS
        for machine in self._machines.values():
            machine.halt()
        for machine in self._machines.values():
            while self._clock.monotonic() < deadline and machine.score(ITEMS_AT_ONCE):
                self._notifier.tell("WATCHDOG=1")
            machine.stop()
        self._tell("stopped", _in_words(self.accounts()))
        self.problems = [f"{change.name}: {change.problem}" for change in self._outputs.close()]
        if self.untold_because:
            self.problems.append(f"no output was open, and events were lost: {self.untold_because}")
        return self.accounts()

    def accounts(self) -> tuple[Account, ...]:
        """Of every machine and kind that was ever listened to in this run."""
        return tuple(account for machine in self._machines.values() for account in machine.accounts())

    def _tell(self, state: ServiceWord, detail: str) -> None:
        self._publish(ServiceState(*self._telling.stamp(), state, detail, self.accounts()))

    def _publish(self, event: Event) -> None:
        self._outputs.publish(event)

    def _hear(self, machine: str, samples: NDArray[np.int16], index: int) -> None:
        self._outputs.hear(machine, samples, index)


def _in_words(accounts: tuple[Account, ...]) -> str:
    n_begun, n_scored = sum(one.begun for one in accounts), sum(one.scored for one in accounts)
    n_dropped, n_refused = sum(one.dropped for one in accounts), sum(one.refused for one in accounts)
    return f"{n_begun} windows: {n_scored} scored, {n_dropped} dropped, {n_refused} refused"
