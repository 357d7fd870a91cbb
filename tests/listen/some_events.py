"""Events as the service makes them, for outputs."""

from asd_edge.listen.events import AlarmEnded, AlarmStarted, EventIds, ServiceState, SourceState, WindowScore, utc

TIME = utc(1_700_000_000.0)
WINDOW = 160_000


def score(ids: EventIds, machine: str = "fan/id_00", value: float = 1.5, sample_index: int = 0) -> WindowScore:
    return WindowScore(
        ids.next(), TIME, machine, "sliding", sample_index, WINDOW, 8192, sample_index + WINDOW, value, 2.0, value > 2.0
    )


def alarm_started(
    ids: EventIds, machine: str = "fan/id_00", alarm: str = "a1", sample_index: int = 0, value: float = 3.0
) -> AlarmStarted:
    heard = sample_index + WINDOW
    return AlarmStarted(ids.next(), TIME, machine, alarm, "sliding", sample_index, WINDOW, heard, value, value, 2.0)


def alarm_ended(
    ids: EventIds, machine: str = "fan/id_00", alarm: str = "a1", sample_index: int = 0, seconds: float = 5.0
) -> AlarmEnded:
    return AlarmEnded(ids.next(), TIME, machine, alarm, "sliding", sample_index, 3.0, seconds, "normal")


def source_state(ids: EventIds, machine: str = "fan/id_00") -> SourceState:
    return SourceState(ids.next(), TIME, machine, "running", 0, "")


def service_state(ids: EventIds) -> ServiceState:
    return ServiceState(ids.next(), TIME, "running", "", ())
