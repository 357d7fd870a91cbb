"""`python -m tests.demo_field [FOLDER]`: a model's life on a device, from key to power cut, on an emulated Cortex-M4.

Commands are those of `asd-edge`, printed as they are run; the board's second RAM is its flash, its UART a socket. Where
a step doesn't end as it says, the exit code is 1. FOLDER (work/field) keeps data, models and keys for the next run.
"""

import contextlib
import io
import json
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asd_edge.backends.emulate_board import build_firmware, missing_programs
from asd_edge.backends.serial_link import SAMPLES_PER_REQUEST, open_link
from asd_edge.cli import run as run_command
from asd_edge.cli.console import BAD_INPUT, progress_bar
from asd_edge.clip.read_clip import read_clip
from asd_edge.errors import AsdEdgeError, FlashError
from asd_edge.export.detector import load_detector
from asd_edge.flash.serial_update import send_audio
from tests.boards.emulated_serial import SerialBoard, running_board, spoilt_line

BOARD, DETECTOR, MACHINE = "mps2-an386", "detector", "fan/id_00"
FACTORY_SLOT = 0x2100_2000  # in the second RAM, behind two pages of log: firmware/apps/detector/emulated_device.c
N_TRAIN, N_TEST = 30, 6  # clips per machine ID; five of the 30 are the shipped checkpoint's validation clips
SECOND_CALIBRATION = 16  # clips, for a model whose bytes differ
MOST_BOOT_SECONDS = 300.0  # an emulator on a busy machine; it takes a few
DEFAULT_FOLDER = Path("work/field")
Samples = NDArray[np.int16]


class UnexpectedError(AsdEdgeError):
    """A step ended otherwise than the demonstration says it must."""


@dataclass(frozen=True)
class Models:
    """Two work directories of one detector, and clips of the machine that neither was made from."""

    first: Path
    second: Path
    tests: Path  # folder of normal_* and anomaly_* test clips


@dataclass(frozen=True)
class Bundles:
    """Signed models; `stranger`: by a key that the firmware doesn't know."""

    first: Path
    second: Path
    stranger: Path


@dataclass(frozen=True)
class Keys:
    """Public keys: the plant's, which the firmware holds, and a stranger's."""

    plant: Path
    stranger: Path


@dataclass(frozen=True)
class ScoredClip:
    """A clip and what the workstation makes of it."""

    path: Path
    score: float


@dataclass(frozen=True)
class Judged:
    """One score of the board, and how often it had spoken up by then."""

    score_q16: int
    is_alarm: bool
    n_alarms: int


def show_field(folder: Path, models: Models | None = None) -> None:
    """Every step in order, printed. `models` None: the shipped detector, exported twice.

    Raises UnexpectedError where the board does otherwise than said, another AsdEdgeError where a step can't be made.
    """
    if (reason := missing_programs(BOARD)) is not None:
        raise FlashError(reason)
    folder.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with step(1, "two int8 models, and the alarm's threshold from normal clips alone"):
        models = models or make_models(folder)
    with step(2, "keys; firmware that trusts one of them; signed bundles"):
        keys = make_keys(folder)
        program = build_device(folder, keys.plant)
        bundles = make_bundles(folder, models)
    at_factory = ("-device", f"loader,file={bundles.first.resolve()},addr={FACTORY_SLOT:#x},force-raw=on")
    with running_board(BOARD, program, *at_factory) as board:
        with step(3, "the device leaves the factory with version 1 in its slot: trial, self-test, confirmed"):
            expect_version(board.port, 1, "passed")
        with step(4, "a normal clip, then an anomalous one: exactly one alarm"):
            show_alarm(board.port, models, bundles.first)
        with step(5, "the power fails in the middle of the update: version 1 runs on"):
            cut_update(board, bundles.second, keys.plant)
            expect_version(board.port, 1, None)
        with step(6, "the same update again: trial, self-test, version 2 confirmed"):
            flash(board.port, bundles.second, keys.plant)
            expect_version(board.port, 2, "passed")
        with step(7, "a stranger's bundle and an older version are refused"):
            expect_refusal(board.port, bundles.stranger, keys.stranger, "signed by nobody that its firmware trusts")
            expect_refusal(board.port, bundles.first, keys.plant, "has confirmed this version or a newer one")
            expect_version(board.port, 2, "passed")
        with step(8, "back to the model before: version 1 runs again"):
            command("flash", "--port", board.port, "--go-back")
            expect_version(board.port, 1, None)
    print(f"all as expected, {time.monotonic() - started:.1f} s")


def make_models(folder: Path) -> Models:
    """The shipped detector, calibrated on two different numbers of clips; what is there already stays."""
    data, first, second = (folder / name for name in ("data", "v1", "v2"))
    if not (data / "synthetic.json").exists():
        counts = ("--train", N_TRAIN, "--test-normal", N_TEST, "--test-anomaly", N_TEST)
        command("data", "synth", data, "--machine-type", MACHINE.split("/")[0], *counts)
    for work, options in ((first, ()), (second, ("--calibration-clips", SECOND_CALIBRATION))):
        if not (work / "thresholds.json").exists():
            command("export", "--calibration", data, "-o", work, *options, is_quiet=True)
            evaluate(work, data)
    return Models(first, second, data / MACHINE.split("/")[0] / "test")


def evaluate(work: Path, data: Path) -> None:
    """Thresholds by the firmware's C, which gives the board's scores."""
    command("evaluate", work, "--data", data, "--backends", "host", is_quiet=True, codes=(0, 1))


def make_keys(folder: Path) -> Keys:
    """A key is never overwritten: those of an earlier run are used again."""
    for name in ("plant.key", "stranger.key"):
        if not (folder / name).exists():
            command("keys", "new", folder / name)
    return Keys(folder / "plant.key.pub", folder / "stranger.key.pub")


def build_device(folder: Path, public_key: Path) -> Path:
    """apps/detector for the board, trusting one key."""
    source = folder.resolve() / "asd_public_keys.c"
    source.write_text(command("keys", "show", public_key, "--as", "c", is_quiet=True))
    return build_firmware(BOARD, folder.resolve() / "firmware", [DETECTOR], public_keys=source) / DETECTOR


def make_bundles(folder: Path, models: Models) -> Bundles:
    """Versions 1 and 2, and a version 3 that somebody else has signed."""
    bundles = Bundles(*(folder / f"{name}.asdb" for name in ("v1", "v2", "stranger")))
    cases = (
        (models.first, "plant.key", 1, bundles.first),
        (models.second, "plant.key", 2, bundles.second),
        (models.second, "stranger.key", 3, bundles.stranger),
    )
    for work, key, version, out in cases:
        options = ("--key", folder / key, "--version", version, "-o", out)
        command("package", work, "--board", BOARD, "--machine", MACHINE, *options)
    if bundles.first.read_bytes()[512:] == bundles.second.read_bytes()[512:]:
        raise UnexpectedError("both versions hold the same image: the update would show nothing")
    return bundles


def show_alarm(port: str, models: Models, bundle: Path) -> None:
    """The first test clips that the workstation puts on the right side of the threshold; the board must agree."""
    public_key = bundle.parent / "plant.key.pub"
    checked = command("verify", bundle, "--public-key", public_key, "--json", is_quiet=True)
    threshold = float(json.loads(checked)["threshold"])
    normal = choose_clip(models, "normal", threshold, lambda score: score <= threshold)
    anomaly = choose_clip(models, "anomaly", threshold, lambda score: score > threshold)
    n_samples = load_detector(models.first / "detector.safetensors").frontend.clip_samples
    clips = [read_clip(clip.path, n_samples) for clip in (normal, anomaly)]
    say("expected: no alarm, then one; scores as above to the bit")
    found = play(port, clips)
    for clip, judged in zip((normal, anomaly), found, strict=False):
        say(
            f"{clip.path.name}: the board's score {judged.score_q16 / 65536:.4f}, alarm "
            f"{'on' if judged.is_alarm else 'off'}, alarms so far {judged.n_alarms}"
        )
    wanted = [
        Judged(round(normal.score * 65536), False, 0),
        Judged(round(anomaly.score * 65536), True, 1),
    ]
    if found != wanted:
        raise UnexpectedError(f"the board judged {found}, not {wanted}")


def choose_clip(models: Models, label: str, threshold: float, is_right: Callable[[float], bool]) -> ScoredClip:
    """Scores every test clip of the label by the firmware's C and prints them; the first on the right side."""
    machine_id = MACHINE.split("/")[1]
    clips = []
    for path in sorted(models.tests.glob(f"{label}_{machine_id}_*.wav")):
        heard = command("score", path, "--work", models.first, "--machine", MACHINE, "--json", is_quiet=True)
        clips.append(ScoredClip(path, float(json.loads(heard)["score"])))
    right = [clip for clip in clips if is_right(clip.score)]
    scores = " ".join(f"{clip.score:.4f}" for clip in clips)
    say(f"{label}: {scores}; threshold {threshold:.4f}, {len(right)} of {len(clips)} on the right side of it")
    if not right:
        raise UnexpectedError(f"no {label} test clip is on the right side of the threshold")
    say(f"  the first of them: {right[0].path.name}, {right[0].score:.4f}")
    return right[0]


def play(port: str, clips: Sequence[Samples]) -> list[Judged]:
    """Clips one after the other as the microphone brings them, then a bit more, so that the last one is complete."""
    samples = np.concatenate([*clips, clips[0][: clips[0].size // 4]])
    found: list[Judged] = []
    with open_link(port) as link, progress_bar("the board listens") as on_progress:
        for at in range(0, samples.size, SAMPLES_PER_REQUEST):
            heard = send_audio(link, samples[at : at + SAMPLES_PER_REQUEST])
            while heard.n_waiting > 2 * SAMPLES_PER_REQUEST:
                heard = send_audio(link, samples[:0])
            if heard.n_dropped or heard.n_without_score:
                raise UnexpectedError(f"the board lost audio: {heard}")
            if heard.n_scores > len(found):
                found.append(Judged(heard.score_q16, heard.is_alarm, len(link.unasked)))
            on_progress(at, samples.size)
    return found


def cut_update(board: SerialBoard, bundle: Path, public_key: Path) -> None:
    """The board is reset when half of the bundle has gone over the line."""
    n_sent, n_cut = 0, bundle.stat().st_size // 2

    def cut_at_half(block: bytes) -> bytes:
        nonlocal n_sent
        if n_sent < n_cut <= n_sent + len(block):
            board.reset()
        n_sent += len(block)
        return block

    with spoilt_line(board, cut_at_half, lambda block: block) as port:
        flash(port, bundle, public_key, code=BAD_INPUT)
    say(f"cut after {n_cut:,} bytes of {bundle.stat().st_size:,}")
    if n_sent < n_cut:
        raise UnexpectedError("the update ended before the power was cut")


def flash(port: str, bundle: Path, public_key: Path, code: int = 0) -> str:
    """What the command said."""
    return command("flash", bundle, "--public-key", public_key, "--port", port, codes=(code,))


def expect_refusal(port: str, bundle: Path, public_key: Path, reason: str) -> None:
    """By the board: the workstation is told to trust the key."""
    said = flash(port, bundle, public_key, code=BAD_INPUT)
    if reason not in said:
        raise UnexpectedError(f"{bundle.name} was to be refused as {reason!r}")


def expect_version(port: str, version: int, self_test: str | None) -> None:
    """Confirmed, not on trial; waits for a board that is starting. `self_test`: of this start."""
    end = time.monotonic() + MOST_BOOT_SECONDS
    while not (said := command("flash", "--port", port, "--json", is_quiet=True, codes=(0, BAD_INPUT))).startswith("{"):
        if time.monotonic() > end:
            raise UnexpectedError(f"the board doesn't answer: {said.strip()}")
    state = json.loads(said)
    say(
        f"the board runs version {state['version']} in slot {state['slot']}, "
        f"{'on trial' if state['is_on_trial'] else 'confirmed'}, self-test of this start: {state['self_test']}"
    )
    if (state["version"], state["is_on_trial"], state["self_test"]) != (version, False, self_test):
        raise UnexpectedError(f"the board was to run version {version}, confirmed, self-test {self_test}")


def command(*words: object, is_quiet: bool = False, codes: Sequence[int] = (0,)) -> str:
    """Run one command of asd-edge, print it and, unless quiet, what it says; that text.

    Raises UnexpectedError for an exit code that isn't among `codes`. Its progress goes to the terminal.
    """
    arguments = [str(word) for word in words]
    said = io.StringIO()
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.redirect_stdout(said))
        if BAD_INPUT in codes:
            stack.enter_context(contextlib.redirect_stderr(said))
        code = run_command(arguments)
    if not (is_quiet and BAD_INPUT in codes):
        say(f"$ asd-edge {shlex.join(arguments)}")
    if not is_quiet:
        for line in said.getvalue().splitlines():
            say(f"  {line}")
    if code not in codes:
        raise UnexpectedError(f"asd-edge {arguments[0]} ended with {code}: {said.getvalue().strip()}")
    return said.getvalue()


@contextlib.contextmanager
def step(number: int, words: str) -> Iterator[None]:
    """A numbered line before, the seconds after."""
    print(f"{number}. {words}", flush=True)
    started = time.monotonic()
    yield
    say(f"{time.monotonic() - started:.1f} s")


def say(text: str) -> None:
    """Below the line of the step."""
    print(f"   {text}", flush=True)


def main(arguments: Sequence[str]) -> int:
    """Exit code: 0 as expected, 1 otherwise, 2 where it can't be shown here."""
    if len(arguments) > 1 or any(word.startswith("-") for word in arguments):
        print(f"{__doc__}\nExample:\n  python -m tests.demo_field /var/tmp/field")
        return 0 if arguments == ["--help"] else BAD_INPUT
    try:
        show_field(Path(arguments[0]) if arguments else DEFAULT_FOLDER)
    except UnexpectedError as error:
        print(f"not as expected: {error}", file=sys.stderr)
        return 1
    except AsdEdgeError as error:
        print(f"error: {error}", file=sys.stderr)
        return BAD_INPUT
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
