"""The dashboard as an output of the service: it takes events and audio, and serves the page that shows them."""

import secrets
import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asd_edge.errors import AsdEdgeError, ListenError
from asd_edge.listen.dashboard.attention import AttentionMap, AttentionModel, attention_model, look_at_window
from asd_edge.listen.dashboard.http_server import DashboardServer
from asd_edge.listen.dashboard.live_state import LiveState
from asd_edge.listen.dashboard_config import DashboardConfig
from asd_edge.listen.events import Event
from asd_edge.listen.model_images import IMAGE_FILES
from asd_edge.listen.secret_file import read_secret

LEAST_TOKEN = 16  # characters
_SERVING_SECONDS = 0.5  # between two looks at what a server does besides requests


class Dashboard:
    """A `Sink` and an `AudioSink`."""

    def __init__(self, config: DashboardConfig, models: Mapping[str, Path], recordings: Path | None = None) -> None:
        """`models`: by machine, a work directory or an image; `recordings`: where the recorder keeps them.

        Raises ListenError for an address that can't be bound or a token file that can't be used.
        """
        token = secrets.token_urlsafe(24)
        if config.token_file is not None:
            token = read_secret(config.token_file, LEAST_TOKEN)
        self._newest = {machine: _NewestWindow(model) for machine, model in models.items()}
        self._live = LiveState(tuple(models), recordings)
        try:
            self._server = DashboardServer(config, token, self._live, self._look, recordings)
        except OSError as error:
            raise ListenError(
                f"{config.bind}:{config.port}: the dashboard can't be served there ({error.strerror}); choose another"
            ) from error
        host = f"[{config.bind}]" if ":" in config.bind else config.bind
        self.address = f"http://{host}:{self._server.server_address[1]}/"
        self.url = f"{self.address}?token={token}" if config.token_file is None else self.address
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_SERVING_SECONDS,), name="dashboard", daemon=True
        )
        self._thread.start()

    def publish(self, event: Event) -> None:
        self._live.tell(event)

    def hear(self, machine: str, samples: NDArray[np.int16], sample_index: int) -> None:
        if machine in self._newest:
            self._newest[machine].hear(samples, sample_index)
        self._live.hear(machine, samples, sample_index)

    def problem(self) -> str | None:
        return None if self._thread.is_alive() else "the dashboard's server ended"

    def close(self) -> None:
        self._live.close()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(2.0)

    def _look(self, machine: str) -> tuple[int, tuple[AttentionMap, ...]]:
        """Sample index of the newest window, and its maps. Raises ListenError where there is none to be had."""
        if machine not in self._newest:
            raise ListenError(f"no machine {machine!r} is listened to")
        return self._newest[machine].look()


class _NewestWindow:
    """The audio that one machine's attention is looked at with."""

    def __init__(self, model: Path) -> None:
        self._lock = threading.Lock()
        self._samples = np.empty(0, np.int16)
        self._next_index = 0
        self._model: AttentionModel | None = None
        self._refusal = ""
        path = model
        if model.is_dir():
            path = next((model / name for name in IMAGE_FILES.values() if (model / name).exists()), model)
        try:
            self._model = attention_model(path)
        except AsdEdgeError as error:
            self._refusal = str(error)

    def hear(self, samples: NDArray[np.int16], sample_index: int) -> None:
        if self._model is None:
            return
        with self._lock:
            kept = self._samples if sample_index == self._next_index else self._samples[:0]
            self._samples = np.concatenate([kept, samples])[-self._model.window_samples :]
            self._next_index = sample_index + samples.size

    def look(self) -> tuple[int, tuple[AttentionMap, ...]]:
        if self._model is None:
            raise ListenError(self._refusal)
        with self._lock:
            samples, index = self._samples, self._next_index - self._samples.size
        if samples.size < self._model.window_samples:
            raise ListenError("no whole window has been heard without a gap yet")
        return index, look_at_window(self._model, samples)
