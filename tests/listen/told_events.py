"""The service's lines of JSON, and what they must add up to."""

import itertools
import json
from pathlib import Path
from typing import Any

Told = dict[str, Any]
STRETCHES = ("WindowScore", "WindowDropped", "WindowRefused")


def read_events(path: Path) -> list[Told]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def of(events: list[Told], *names: str) -> list[Told]:
    return [event for event in events if event["event"] in names]


def states(events: list[Told], name: str = "SourceState") -> list[str]:
    return [event["state"] for event in of(events, name)]


def check_ids(events: list[Told]) -> None:
    """None lost, none doubled, in order."""
    runs = {event["id"].rpartition("-")[0] for event in events}
    assert len(runs) == 1
    assert [int(event["id"].rpartition("-")[2]) for event in events] == list(range(1, len(events) + 1))


def check_account(events: list[Told], machine: str, kind: str, n_samples: int) -> Told:
    """Stretches that follow one another from 0 to n_samples; sums that are those of the last event. The account."""
    own = [e for e in of(events, *STRETCHES) if (e["machine"], e["kind"]) == (machine, kind)]
    ends = [0, *itertools.accumulate(event["n_advance"] for event in own)]
    assert [event["sample_index"] for event in own] == ends[:-1]
    assert ends[-1] == n_samples
    last = events[-1]
    assert (last["event"], last["state"]) == ("ServiceState", "stopped")
    (account,) = [one for one in last["accounts"] if (one["machine"], one["kind"]) == (machine, kind)]
    sums = dict.fromkeys(STRETCHES, 0)
    for event in own:
        sums[event["event"]] += event.get("n_windows", 1)
    assert [account[name] for name in ("scored", "dropped", "refused")] == list(sums.values())
    assert account["under_way"] == 0
    assert account["begun"] == sum(sums.values())
    assert account["heard_samples"] == n_samples
    assert isinstance(account, dict)
    return account
