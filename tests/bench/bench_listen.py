"""The listening service: the shipped detector with every output on, in real time; then an hour of `tests.listen.soak`.

    python -m tests.bench.bench_listen

Writes tests/bench_results/listen.json. Instructions are those of the bare aarch64 engine: whole windows from the
committed cores_by_board.json, sliding scores counted here.
"""

import json
import os
import signal
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from asd_edge.clip.layouts import find_clips
from asd_edge.clip.read_clip import read_clip
from asd_edge.clip.records import TEST
from asd_edge.compiler.compile_network import compile_work, core_named
from asd_edge.export.export_checkpoint import export_checkpoint
from asd_edge.listen.detector_stream import DetectorStream
from asd_edge.model.checkpoint import shipped_checkpoint
from asd_edge.native_engine import aligned_bytes
from tests.bench.sliding_figures import sliding_on_board
from tests.bench.write_result import RESULTS, ROOT, write_result
from tests.listen.running_service import ServiceProcess, write_all, write_config
from tests.listen.soak import a_consumer, soak
from tests.listen.told_events import Told

MACHINE, RATE_HZ, HOP, STEP, ADVANCE = "fan/id_00", 16_000, 512, 64, 8192
SLIDING_IMAGE = "model-generic-sliding.asdm"
Samples = np.ndarray[tuple[int], np.dtype[np.int16]]
AFTERWARDS_SECONDS = 3.0
DATA = ROOT / "data/synthetic"
N_CLIPS, CLIP_SECONDS = 12, 10  # two minutes, anomalies in the second
MINUTES = 60.0
AARCH64 = "virt-aarch64"


def main() -> None:
    """Print the values, write the result."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        memory = _every_output(folder)
        hour = soak(MINUTES, _made(folder / "soak"))
    accounts = hour["accounts"]
    totals = {key: sum(account[key] for account in accounts) for key in ("begun", "scored", "dropped", "refused")}
    values = {
        **memory,
        "soak_seconds": round(hour["seconds"], 1),
        "soak_seconds_of_audio": hour["seconds_of_audio"],
        "soak_memory_mb": round(hour["greatest_memory_kb"] * 1024 / 1e6, 1),
        "soak_events": hour["events"],
        "soak_alarms": hour["alarms"],
        **{f"soak_{key}": count for key, count in totals.items()},
        "soak_unaccounted": totals["begun"] - totals["scored"] - totals["dropped"] - totals["refused"],
    }
    print(write_result("listen", values), json.dumps(values, indent=1))


def _every_output(folder: Path) -> dict[str, float]:
    """Memory and alarm delay of the shipped detector, both kinds of scores, MQTT over TLS, recordings, dashboard."""
    work = folder / "work"
    export_checkpoint(shipped_checkpoint(), DATA, work)
    for is_endless, name in ((False, "model-generic.asdm"), (True, SLIDING_IMAGE)):
        (work / name).write_bytes(compile_work(work, core_named("generic"), is_endless).content)
    place = _made(folder / "service")
    offset = place / "offset"
    offset.write_text("0")
    pipe = place / "microphone"
    os.mkfifo(pipe)
    with ExitStack() as stack:
        consumer = stack.enter_context(a_consumer(place))
        config = write_config(
            place,
            [
                {
                    "machine": MACHINE,
                    "source": {"kind": "fifo", "path": str(pipe), "rate_hz": RATE_HZ},
                    "model": str(work),
                    "threshold": 0.0,
                }
            ],
            alarm={"minimum_seconds": 0},
            outputs={
                "jsonl": {"path": "events.jsonl"},
                "recordings": {"folder": str(place / "recordings"), "quota_mb": 10},
                "mqtt": consumer.settings,
            },
            dashboard={"port": 0},
        )
        service = ServiceProcess(config, "-m", "tests.listen.clocked_service", str(config), str(offset))
        stack.callback(service.kill)
        samples = _two_minutes()
        written_at = _play(pipe, samples)
        time.sleep(AFTERWARDS_SECONDS)
        service.send(signal.SIGTERM)
        output, errors = service.process.communicate(timeout=600)
        assert service.process.returncode == 0, errors
        received = consumer.subscriber.received
        told = list(zip(received.events, received.came_at, strict=True))
    printed: dict[str, Any] = json.loads(output.splitlines()[-1])
    assert printed["heavy"] == []
    return {
        "memory_mb": round(printed["greatest_kb"] * 1024 / 1e6, 1),
        "cpu_seconds_per_second": round(printed["cpu_seconds"] / (N_CLIPS * CLIP_SECONDS), 4),
        **_longest_delays(told, _scores_come(work / SLIDING_IMAGE, samples), written_at),
        **_instructions(work, folder),
    }


def _play(pipe: Path, samples: Samples) -> list[float]:
    """As a microphone would bring it: a hop each 32 ms. When each was written, in seconds of the monotonic clock."""
    written_at: list[float] = []
    with pipe.open("wb", buffering=0) as out:
        start = time.monotonic()
        for end in range(HOP, samples.size + 1, HOP):
            time.sleep(max(0.0, start + end / RATE_HZ - time.monotonic()))
            written_at.append(time.monotonic())
            write_all(out.fileno(), samples[end - HOP : end])
    return written_at


def _scores_come(image: Path, samples: Samples) -> list[int]:
    """Of each sliding score: how many samples the detector has been given when it comes."""
    stream = DetectorStream(aligned_bytes(image.read_bytes()), 0)  # of any machine: they come at the same times
    comes: list[int] = []
    for start in range(0, samples.size, STEP):
        comes += [start + STEP] * len(stream.push(samples[start : start + STEP]))
    return comes


def _longest_delays(told: list[tuple[Told, float]], comes: list[int], written_at: list[float]) -> dict[str, float]:
    """Seconds until an alarm has reached the subscriber, the longest: from when the microphone brought the hop with
    which the detector gives the first score above the threshold, and from the hop that ends that score's ten seconds,
    which the stream takes longer to answer.
    """
    from_score: list[float] = []
    from_sound: list[float] = []
    crossed: tuple[int, int] | None = None
    for event, came_at in told:
        if event["event"] == "WindowScore" and event["kind"] == "sliding":
            arrived, end = comes[event["sample_index"] // ADVANCE], event["sample_index"] + event["n_samples"]
            crossed = (crossed or (arrived, end)) if event["is_anomalous"] else None
        if event["event"] == "AlarmStarted" and event["kind"] == "sliding":
            assert crossed is not None
            from_score.append(came_at - written_at[(crossed[0] - 1) // HOP])
            from_sound.append(came_at - written_at[(crossed[1] - 1) // HOP])
    assert from_score, "no alarm: nothing was measured"
    return {
        "alarms": len(from_score),
        "alarm_delay_seconds": round(max(from_score), 3),
        "alarm_delay_from_sound_seconds": round(max(from_sound), 3),
    }


def _instructions(work: Path, folder: Path) -> dict[str, float]:
    """Of the bare aarch64 engine per second of audio: one kind of score, and the service's default, both."""
    counted = json.loads((RESULTS / "cores_by_board.json").read_text())[AARCH64]["instructions_per_clip"]
    record = next(record for record in find_clips(DATA) if record.split == TEST)
    sliding = sliding_on_board(AARCH64, work, record, folder)["sliding_giga_instructions_per_10_s"] * 1e9
    return {
        "mega_instructions_per_second": round(max(counted, sliding) / CLIP_SECONDS / 1e6, 2),
        "mega_instructions_per_second_both_kinds": round((counted + sliding) / CLIP_SECONDS / 1e6, 2),
    }


def _two_minutes() -> Samples:
    kinds = ("normal", "anomaly")
    paths = [sorted(DATA.glob(f"fan/test/{kind}_id_00_*.wav"))[: N_CLIPS // 2] for kind in kinds]
    return np.concatenate([read_clip(path) for of_kind in paths for path in of_kind])


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


if __name__ == "__main__":
    main()
