"""One entry of the configuration, prepared and then alive: its source's thread, its queue and its listener."""

import threading
from dataclasses import dataclass

from asd_edge.listen.audio_queue import AudioQueue, Break
from asd_edge.listen.config import RATE_HZ, ListenConfig, MachineConfig
from asd_edge.listen.events import Account
from asd_edge.listen.hear_source import SourceThread
from asd_edge.listen.machine_listener import Judgement, MachineListener, Telling
from asd_edge.listen.model_images import LoadedImage, check_machine, load_images
from asd_edge.listen.sources import is_live, source_of
from asd_edge.listen.thresholds_file import Threshold, load_threshold


@dataclass(frozen=True)
class Prepared:
    """What a machine needs, loaded and checked; nothing is open yet."""

    entry: MachineConfig
    judgement: Judgement
    threshold: Threshold
    room_samples: int
    window_samples: int
    lost_after: float


def prepare_all(config: ListenConfig) -> list[Prepared]:
    """Machines with one model share its images; one that is missing is compiled.

    Raises ListenError or ImageError for what can't be used as it is.
    """
    images = {model: load_images(model, config.windows) for model in {entry.model for entry in config.machines}}
    return [_prepare(entry, images[entry.model], config) for entry in config.machines]


def _prepare(entry: MachineConfig, images: tuple[LoadedImage, ...], config: ListenConfig) -> Prepared:
    source_of(entry.source, config.lost_after_seconds).close()
    for image in images:
        check_machine(image, entry.machine)
    if entry.threshold == "auto":
        threshold = load_threshold(entry.model, entry.machine)
    else:
        threshold = Threshold(entry.threshold, "configured")
    return Prepared(
        entry,
        Judgement(images, threshold.value, config.alarm, config.silence),
        threshold,
        round(config.queue_seconds * RATE_HZ),
        max(image.window_samples for image in images),
        config.lost_after_seconds,
    )


class Machine:
    """Lives as long as the service, so that its samples and windows are counted over every reload."""

    def __init__(self, prepared: Prepared, telling: Telling, work: threading.Event) -> None:
        self.prepared = prepared
        self._queue = AudioQueue(prepared.room_samples, prepared.window_samples, work)
        name = prepared.entry.machine
        self._listener = MachineListener(name, prepared.judgement, lambda: self._queue.heard, telling)
        self._thread: SourceThread | None = None
        self.is_ended = True

    def start(self) -> None:
        """Begin to listen."""
        entry = self.prepared.entry
        source = source_of(entry.source, self.prepared.lost_after)
        self._thread, self.is_ended = SourceThread(source, self._queue, is_live(entry.source)), False

    def change_to(self, prepared: Prepared) -> None:
        """From here on; a source that stays the same goes on."""
        old = self.prepared
        is_same_source = (old.entry.source, old.lost_after) == (prepared.entry.source, prepared.lost_after)
        self._queue.resize(prepared.room_samples, prepared.window_samples)
        self._listener.judge_by(prepared.judgement)
        self.prepared = prepared
        if not is_same_source or self._thread is None:
            self.halt()
            self.start()

    def halt(self) -> None:
        """Hear no more; what waits stays."""
        if self._thread is not None:
            self._thread.stop()
            self._thread = None

    def score(self, most_items: int) -> bool:
        """Take items of the queue; False: there was none."""
        for n_taken in range(most_items):
            item = self._queue.pop()
            if item is None:
                return n_taken > 0
            self._listener.take(item)
            if isinstance(item, Break) and item.state == "ended":
                self.is_ended = True
        return True

    def stop(self) -> None:
        """After `halt`: what waits is dropped and the account closed."""
        self._queue.clear()
        self._listener.stop()
        self.is_ended = True

    def accounts(self) -> tuple[Account, ...]:
        return self._listener.accounts()
