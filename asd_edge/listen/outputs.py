"""All outputs of the service as one: an event goes to each, and one that fails is reported and stops none."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asd_edge.errors import AsdEdgeError
from asd_edge.listen.config import ListenConfig
from asd_edge.listen.events import Event
from asd_edge.listen.json_lines import JsonLines
from asd_edge.listen.sink import AudioSink, Sink


@dataclass(frozen=True)
class Change:
    """An output that failed, or works again: `problem` None."""

    name: str
    problem: str | None


class Outputs:
    """For one thread."""

    def __init__(self, sinks: dict[str, Sink], audio_sinks: dict[str, AudioSink]) -> None:
        self.sinks, self.audio_sinks = sinks, audio_sinks
        self.dashboard_url: str | None = None
        self._raised: dict[str, str] = {}  # since the last check, by output
        self._problems: dict[str, str] = {}  # that were reported

    def publish(self, event: Event) -> None:
        for name, sink in self.sinks.items():
            try:
                sink.publish(event)
            except (OSError, AsdEdgeError) as error:
                self._raised[name] = str(error)

    def hear(self, machine: str, samples: NDArray[np.int16], sample_index: int) -> None:
        for name, sink in self.audio_sinks.items():
            try:
                sink.hear(machine, samples, sample_index)
            except (OSError, AsdEdgeError) as error:
                self._raised[name] = str(error)

    def changes(self) -> list[Change]:
        """What became worse or better since the last call, or is wrong in other words; other figures are no news."""
        found: list[Change] = []
        for name, sink in self.sinks.items():
            problem = self._raised.pop(name, None) or sink.problem()
            if _without_figures(problem) != _without_figures(self._problems.get(name)):
                found.append(Change(name, problem))
            if problem is None:
                self._problems.pop(name, None)
            else:
                self._problems[name] = problem
        return found

    def close(self) -> list[Change]:
        """What is still wrong at the end, or was lost by it."""
        self.changes()
        for name, sink in self.sinks.items():
            try:
                sink.close()
                if name in self._problems and sink.problem() is None:
                    del self._problems[name]
            except (OSError, AsdEdgeError) as error:
                self._problems[name] = str(error)
        return [Change(name, problem) for name, problem in self._problems.items()]


def _without_figures(problem: str | None) -> str | None:
    return None if problem is None else re.sub(r"\d+", "", problem)


def open_outputs(config: ListenConfig) -> Outputs:
    """Raises ListenError for one that can't work as it is configured."""
    opened = Outputs({}, {})
    try:
        _open(config, opened)
    except BaseException:
        opened.close()
        raise
    return opened


def _open(config: ListenConfig, opened: Outputs) -> None:
    """Each output's imports are its own: what isn't configured isn't loaded."""
    outputs, sinks, audio_sinks = config.outputs, opened.sinks, opened.audio_sinks
    if outputs.jsonl is not None:
        sinks["jsonl"] = JsonLines(outputs.jsonl)
    if outputs.mqtt is not None:
        from asd_edge.listen.mqtt_sink import MqttSink

        sinks["mqtt"] = MqttSink(outputs.mqtt)
    if outputs.recordings is not None:
        from asd_edge.listen.recorder import Recorder

        recorder = Recorder(outputs.recordings)
        sinks["recordings"], audio_sinks["recordings"] = recorder, recorder
    if config.dashboard is not None:
        from asd_edge.listen.dashboard.dashboard import Dashboard

        models = {entry.machine: entry.model for entry in config.machines}
        dashboard = Dashboard(config.dashboard, models, outputs.recordings.folder if outputs.recordings else None)
        sinks["dashboard"], audio_sinks["dashboard"] = dashboard, dashboard
        opened.dashboard_url = dashboard.url
