"""A work directory and a board -> its profile: counted and estimated, and its time measured where this machine is the
board or SSH reaches it.
"""

import hashlib
from pathlib import Path

from asd_edge import __version__
from asd_edge.backends.emulate_board import MACHINES
from asd_edge.backends.emulator_rung import CACHE, current_image
from asd_edge.boards import Board
from asd_edge.compiler.check_budget import HOP_BYTES, Budget, check_budget
from asd_edge.compiler.compile_network import core_named
from asd_edge.compiler.plan_report import PlanReport, plan_report
from asd_edge.compiler.read_image import ModelImage, load_image
from asd_edge.compiler.write_image import write_image
from asd_edge.errors import BackendError, CompilerError, ImageError
from asd_edge.export.detector import Detector, load_detector
from asd_edge.export.work_files import DETECTOR_FILE, TFLITE_FILE
from asd_edge.profiling.accelerators import estimate_accelerator
from asd_edge.profiling.board_cycles import cycles_of
from asd_edge.profiling.count_instructions import EmulatedCounts, count_instructions
from asd_edge.profiling.energy import battery_hours, clip_energy, duty_cycle
from asd_edge.profiling.fitting_width import width_advice
from asd_edge.profiling.held_against import held_against
from asd_edge.profiling.layer_profiles import layer_profiles, part_profiles
from asd_edge.profiling.profile_record import (
    COUNTED,
    ESTIMATED,
    Cell,
    EstimateBeside,
    Figure,
    LayerProfile,
    Profile,
)
from asd_edge.profiling.time_here import DEVICE_TREE_MODEL, is_this_machine, time_clip
from asd_edge.profiling.time_over_ssh import time_over_ssh
from asd_edge.ssh_host import Address


def profile_board(
    board: Board,
    work: Path,
    cell: Cell,
    command: str,
    model_file: Path = DEVICE_TREE_MODEL,
    address: Address | None = None,
) -> Profile:
    """`address`: where SSH reaches the board.

    Raises WorkDirectoryError and CheckpointError for a directory without a model, CompilerError for a board that
    can't hold it, BackendError where the address can't be used, and, unless time was measured, where compiler or QEMU
    are missing or no emulated machine has the board's core.
    """
    detector = load_detector(work / DETECTOR_FILE)
    image = _kept_image(work, board.kernels)
    report = plan_report(image)
    budget = _check_fits(report, board, work, detector)
    clip_samples = detector.frontend.clip_samples
    is_here = address is None and is_this_machine(board, model_file)
    host_run = None if address is None else time_over_ssh(board, address, work, clip_samples)
    is_measured = is_here or host_run is not None
    counts, not_counted = _counts_beside(board, work, image, detector, is_measured)
    cycles = None if counts is None else cycles_of(board)
    clip_seconds = clip_samples / detector.frontend.sample_rate_hz
    layers = layer_profiles(report, counts, cycles, board.clock_hz)
    parts = part_profiles(layers)
    instructions = None if counts is None else _counted(counts.clip_instructions, counts)
    estimated = _above_memory(_ms(instructions, cycles, board), layers, board)
    clip_ms = estimated
    if host_run is not None:
        clip_ms = host_run.clip_ms
    elif is_here:
        clip_ms = time_clip(image.content, clip_samples)
    hop_seconds = detector.frontend.hop_length / detector.frontend.sample_rate_hz

    def hop_ms(n_instructions: float, counts: EmulatedCounts) -> Figure | None:
        computing = _ms(_counted(n_instructions, counts), cycles, board)
        return _above_memory(computing, layers, board, hop_seconds / clip_seconds)

    rtf = None if clip_ms is None else clip_ms.times(1e-3 / clip_seconds, "time per clip over its length")
    duty = duty_cycle(rtf)
    active, asleep = board.facts.active_power_mw.value, board.facts.sleep_power_mw.value
    return Profile(
        board=board.name,
        core=board.core,
        part=board.part,
        clock_hz=board.clock_hz,
        model_sha256=hashlib.sha256((work / TFLITE_FILE).read_bytes()).hexdigest(),
        command=command,
        runtime=_runtime(counts, image, is_measured, address),
        clip_seconds=clip_seconds,
        layers=layers,
        parts=parts,
        cycles_per_instruction=cycles,
        instructions=instructions,
        ram=_ram(budget, counts),
        flash=_flash(report, counts),
        stack=None if counts is None else _counted(counts.memory.stack_used, counts, "painted stack"),
        clip_ms=clip_ms,
        mean_hop=None if counts is None else hop_ms(counts.mean_hop, counts),
        worst_hop=None if counts is None else hop_ms(counts.worst_hop, counts),
        real_time_factor=rtf,
        clip_energy=clip_energy(clip_ms, board.facts.active_power_mw),
        duty_cycle=duty,
        battery_hours=battery_hours(duty, active, asleep, cell),
        cell=cell,
        accelerator=estimate_accelerator(board, work / TFLITE_FILE),
        ram_limit=board.ram_bytes,
        flash_limit=board.flash_bytes,
        hop_limit=1000.0 * hop_seconds,
        ram_parts=_ram_parts(budget, counts),
        host_run=host_run,
        queue_hops=budget.audio_buffer // HOP_BYTES,
        held_against=held_against(board, parts, cycles),
        estimate=_beside(estimated, clip_ms) if is_measured else None,
        not_counted=not_counted,
    )


def _kept_image(work: Path, core: str) -> ModelImage:
    """The image of the work directory's files; compiled where it isn't there, and kept beside the firmware."""
    kept = work / CACHE / f"model-{core}.asdm"
    source = b"".join((work / name).read_bytes() for name in (TFLITE_FILE, DETECTOR_FILE))
    try:
        image = load_image(kept)
        is_of_source = bytes(image.header["source_sha256"]) == hashlib.sha256(source).digest()
        if is_of_source and not image.is_endless and image.detector is not None:
            return image
    except ImageError:
        pass
    core_named(core)
    image = current_image(work, core)
    write_image(image.content, kept)
    return image


def _check_fits(report: PlanReport, board: Board, work: Path, detector: Detector) -> Budget:
    try:
        return check_budget(report, board)
    except CompilerError as error:
        reason = str(error).partition("; ")[0]
        raise CompilerError(f"{reason}; {width_advice(work, detector, board)}") from error


def _counts_beside(
    board: Board, work: Path, image: ModelImage, detector: Detector, is_measured: bool
) -> tuple[EmulatedCounts | None, str | None]:
    """(counts, None), or beside a measurement, which stands without them, (None, why there are none)."""
    try:
        return _counts(board, work, image, detector), None
    except BackendError as error:
        if not is_measured:
            raise
        return None, str(error)


def _beside(estimated: Figure | None, measured: Figure | None) -> EstimateBeside | None:
    """None where one of the two isn't known."""
    if estimated is None or measured is None:
        return None
    low, high = (estimated.value if bound is None else bound for bound in (estimated.low, estimated.high))
    return EstimateBeside(estimated, measured.value / estimated.value, low <= measured.value <= high)


def _counts(board: Board, work: Path, image: ModelImage, detector: Detector) -> EmulatedCounts:
    if board.emulator not in MACHINES:
        raise BackendError(
            f"{board.name} names no emulated machine for its core; give it one as emulator: {', '.join(MACHINES)}"
        )
    return count_instructions(work, image, board.emulator, detector.frontend.clip_samples)


def _counted(value: float, counts: EmulatedCounts, what: str = "instructions") -> Figure:
    return Figure(value, COUNTED, f"{what} of the firmware on {counts.machine} under QEMU, exact")


def _ms(instructions: Figure | None, cycles: Figure | None, board: Board) -> Figure | None:
    if instructions is None or cycles is None or board.clock_hz is None:
        return None
    how = f"counted instructions x {cycles.value:g} cycles at {board.clock_hz / 1e6:g} MHz"
    estimate = cycles.times(1000.0 * instructions.value / board.clock_hz, how)
    return Figure(estimate.value, ESTIMATED, how, estimate.low, estimate.high)


def _above_memory(
    time: Figure | None, layers: tuple[LayerProfile, ...], board: Board, share: float = 1.0
) -> Figure | None:
    """The roofline's other side: every weight read once per run of its step, where the memory's rate is known.

    `share` of a clip that `time` is of.
    """
    rate = board.facts.memory_bytes_per_s.value
    if time is None or rate is None or board.system != "linux":
        return time
    least = share * 1000.0 * sum(layer.runs * layer.weights_bytes for layer in layers) / rate
    low, high = (None if bound is None else max(bound, least) for bound in (time.low, time.high))
    how = f"{time.how}, at least {least:.3g} ms for reading the weights at {rate / 1e6:g} MB/s"
    return Figure(max(time.value, least), time.method, how, low, high)


def _ram(budget: Budget, counts: EmulatedCounts | None) -> Figure:
    if counts is None:
        return Figure(budget.total, ESTIMATED, f"plan and allowances: {budget.in_words()}")
    how = f"the linker's variables without those of the counting, arena and stack of the firmware on {counts.machine}"
    return Figure(counts.memory.total, COUNTED, how)


def _ram_parts(budget: Budget, counts: EmulatedCounts | None) -> dict[str, int]:
    if counts is None:
        return {"arena": budget.arena, "audio": budget.audio_buffer, "detector": budget.detector, "stack": budget.stack}
    memory = counts.memory
    return {
        "arena": memory.arena,
        "static": memory.static,
        "counting": memory.counting,
        "stack": memory.stack,
    }


def _flash(report: PlanReport, counts: EmulatedCounts | None) -> Figure:
    if counts is None:
        return Figure(report.image_bytes, COUNTED, "the image alone, without the program")
    how = f"program {counts.code_bytes:,}, as linked for {counts.machine}, and image {report.image_bytes:,}"
    return Figure(counts.code_bytes + report.image_bytes, COUNTED, how)


def _runtime(counts: EmulatedCounts | None, image: ModelImage, is_measured: bool, address: Address | None) -> str:
    by = []
    if is_measured:
        by.append(f"asd-edge {__version__} on {'this machine' if address is None else address}")
    if counts is not None:
        by.append(f"{counts.machine} under QEMU, firmware {counts.firmware_sha256[:12]}")
    return f"{' and '.join(by)}, image {hashlib.sha256(image.content).hexdigest()[:12]}"
