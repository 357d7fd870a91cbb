"""A work directory and a Linux board over SSH -> ms per clip of the C engine and of model.tflite there, its clocks and
its temperature before and after; what was copied there is removed.
"""

import json
import math
import re
import statistics
from collections.abc import Callable
from pathlib import Path

from asd_edge.backends.host_rung import generic_image
from asd_edge.backends.linux_program import build_linux_program
from asd_edge.backends.remote_tflite import copy_runner, why_ended
from asd_edge.backends.score_records import ClipToRun, write_clips
from asd_edge.backends.ssh_rung import CACHE, PYTHON, copy_engine, machine_of
from asd_edge.boards import Board
from asd_edge.errors import BackendError
from asd_edge.export.work_files import TFLITE_FILE
from asd_edge.profiling.count_instructions import profiled_clip
from asd_edge.profiling.profile_record import MEASURED, Figure, HostRun, HostState
from asd_edge.ssh_host import Address, SshHost

_N_RUNS, N_NETWORK_RUNS = 5, 50
RUN_SECONDS, _MOST_CLIPS = 1.0, 50  # clips of a run: as many as make its clock, which ticks 100 times a second, fine
_UPTIME = "read seconds rest < /proc/uptime && echo $seconds"
_STATE = (
    "cat /sys/devices/system/cpu/cpu*/cpufreq/scaling_cur_freq 2>/dev/null; echo --; "
    "cat /sys/class/thermal/thermal_zone*/temp 2>/dev/null; echo --; vcgencmd get_throttled 2>/dev/null"
)


def time_over_ssh(board: Board, address: Address, work: Path, clip_samples: int) -> HostRun:
    """Raises BackendError for a host that can't be used or is another board than `board`, or an engine that fails."""
    with SshHost(address) as host:
        _check_is_board(host, board)
        machine = machine_of(host)
        program = build_linux_program(machine, work / CACHE).read_bytes()
        before = read_state(host)
        clip_ms = _time_engine(host, program, generic_image(work), clip_samples)
        network, network_ms = _time_network(host, (work / TFLITE_FILE).read_bytes())
        return HostRun(str(address), machine, clip_ms, network, network_ms, before, read_state(host))


def read_state(host: SshHost) -> HostState:
    """Clocks, temperature and throttling, as far as the kernel and vcgencmd say them."""
    return parse_state(host.run(_STATE).stdout.decode(errors="replace"))


def parse_state(printed: str) -> HostState:
    """Lines of kHz, of 1/1000 degrees and of vcgencmd, with `--` between them."""
    clocks, temperatures, throttled = printed.split("--\n")
    degrees = [int(line) / 1000.0 for line in temperatures.split() if re.fullmatch(r"-?\d+", line)]
    bits = re.search(r"throttled=(0x[0-9a-fA-F]+)", throttled)
    return HostState(
        tuple(1000 * int(line) for line in clocks.split() if line.isdecimal()),
        max(degrees, default=None),
        None if bits is None else int(bits[1], 16),
    )


def _check_is_board(host: SshHost, board: Board) -> None:
    if board.system != "linux":
        raise BackendError(f"{board.name} runs no Linux, so nothing there answers SSH; choose a board that does")
    if board.device_tree_model is None:
        return
    found = host.run("cat /proc/device-tree/model").stdout.decode(errors="replace").strip("\0\n ")
    if not found.startswith(board.device_tree_model):
        says = f"says it is {found!r}" if found else "says nothing of what it is"
        raise BackendError(f"{host.address}: {says}, and {board.name} is a {board.device_tree_model}; name its board")


def _time_engine(host: SshHost, program: bytes, image: bytes, clip_samples: int) -> Figure:
    command = copy_engine(host, program, image).replace("exec ", "")
    clip = f"{host.make_folder()}/clip"
    host.write_file(clip, write_clips([ClipToRun(profiled_clip(clip_samples), 0)]))

    def seconds(n_clips: int) -> float:
        clips = " ".join([clip] * n_clips)
        done = host.run(f"{_UPTIME} && cat {clips} | ({command}) > /dev/null && {_UPTIME}")
        if done.code != 0:
            raise BackendError(f"{host.address}: the engine there: {done.last_words}")
        started, ended = (float(word) for word in done.stdout.split())
        return ended - started

    n_clips = _clips_per_run(seconds)
    runs = [1000.0 * seconds(n_clips) / n_clips for _ in range(_N_RUNS)]
    how = f"median, fastest and slowest of {_N_RUNS} runs of {n_clips} clips on one thread of {host.address}"
    return Figure(statistics.median(runs), MEASURED, how, min(runs), max(runs))


def _clips_per_run(seconds: Callable[[int], float]) -> int:
    """From one clip, which also fills the caches, to as many as fill the least time of a run."""
    n_clips, taken = 1, seconds(1)
    while taken < RUN_SECONDS and n_clips < _MOST_CLIPS:
        n_clips = min(_MOST_CLIPS, max(2 * n_clips, math.ceil(n_clips * RUN_SECONDS / max(taken, 0.01))))
        taken = seconds(n_clips)
    return n_clips


def _time_network(host: SshHost, model: bytes) -> tuple[str, Figure | None]:
    """(runtime and version, ms), or (why there is none, None)."""
    command = copy_runner(host, model, PYTHON)
    done = host.run(f"{command} --time {N_NETWORK_RUNS}")
    if done.code != 0:
        return why_ended(done, PYTHON).partition(";")[0], None
    about, times = (json.loads(line) for line in done.stdout.splitlines())
    how = f"median, fastest and slowest of {N_NETWORK_RUNS} runs of the network on one thread of {host.address}"
    runtime = f"{about['runtime']}, Python {about['python']}"
    return runtime, Figure(statistics.median(times["ms"]), MEASURED, how, min(times["ms"]), max(times["ms"]))
