"""The thread of one source: open it, read it, bring it to 16 kHz and queue it; where it is lost, try again."""

import threading

import numpy as np
from numpy.typing import NDArray

from asd_edge.listen.audio_queue import AudioQueue
from asd_edge.listen.config import MICROPHONE_RATE_HZ
from asd_edge.listen.detector_stream import Decimator
from asd_edge.listen.error_line import error_line
from asd_edge.listen.sources import AudioSource, SourceEndedError, SourceLostError

READ_SECONDS = 0.2  # at most until a stop is seen
PIECE = 4096  # samples that are queued at once
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.05, 1.0  # before the next attempt; doubled from one to the next


class SourceThread:
    """Hears one source into one queue, which is told each change of the source's state once."""

    def __init__(self, source: AudioSource, queue: AudioQueue, is_live: bool) -> None:
        self._source, self._queue, self._is_live = source, queue, is_live
        self._stop = threading.Event()
        self._is_hearing, self._was_lost = False, False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Nothing is queued any more when this returns."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        wait = FIRST_WAIT_SECONDS
        try:
            while not self._stop.is_set():
                try:
                    self._hear_until_lost()
                except SourceEndedError:
                    raise
                except Exception as error:  # whatever it is, nobody would see this thread end
                    lost = str(error) if isinstance(error, SourceLostError) else error_line(error)
                    wait = FIRST_WAIT_SECONDS if self._is_hearing else min(2 * wait, LONGEST_WAIT_SECONDS)
                    if self._is_hearing or not self._was_lost:
                        self._queue.put_break("lost", lost)
                    self._is_hearing, self._was_lost = False, True
                    self._stop.wait(wait)
        except SourceEndedError as ended:
            self._queue.put_break("ended", str(ended))
        finally:
            self._source.close()

    def _hear_until_lost(self) -> None:
        self._source.open()
        decimator = Decimator() if self._source.rate_hz == MICROPHONE_RATE_HZ else None
        while not self._stop.is_set():
            samples = self._source.read(READ_SECONDS)
            if samples is None or samples.size == 0:
                continue
            if not self._is_hearing:
                self._is_hearing = True
                self._queue.put_break("recovered" if self._was_lost else "running", f"{self._source.rate_hz} Hz")
            self._queue_samples(samples if decimator is None else decimator.push(samples))

    def _queue_samples(self, samples: NDArray[np.int16]) -> None:
        for start in range(0, samples.size, PIECE):
            piece = samples[start : start + PIECE]
            while not self._is_live and not self._stop.is_set() and not self._queue.has_room(piece.size, READ_SECONDS):
                continue
            self._queue.put(piece)
