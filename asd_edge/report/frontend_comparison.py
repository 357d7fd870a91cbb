"""One clip -> what the fixed-point front end differs from float64 by: error per band, and a picture of both."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from asd_edge.clip.atomic_write import atomic_path
from asd_edge.clip.read_clip import read_clip
from asd_edge.frontend.config import FrontendConfig
from asd_edge.frontend.fixed_features import DB_SCALE, FixedInputs, fixed_features
from asd_edge.frontend.log_mel import log_mel
from asd_edge.frontend.mel import band_centres_hz

DOTS_PER_INCH = 120


@dataclass(frozen=True)
class FrontendComparison:
    """A clip's log-Mel by both front ends, (n_frames, n_mels) float64 dB."""

    exact: NDArray[np.float64]
    fixed: NDArray[np.float64]

    @property
    def error(self) -> NDArray[np.float64]:
        """(n_frames, n_mels) dB."""
        return self.fixed - self.exact


def compare_frontends(clip: Path) -> FrontendComparison:
    """Raises ClipError for a clip that can't be read, FrontendError where the C library isn't built."""
    config = FrontendConfig()
    samples = read_clip(clip, config.clip_samples, config.sample_rate_hz)
    features = fixed_features(samples, config, FixedInputs(DB_SCALE, None, None))
    return FrontendComparison(log_mel(samples, config), features.log_mel / 256.0)


def band_lines(comparison: FrontendComparison) -> list[str]:
    """A line per band and one for all of them."""
    error, centres_hz = comparison.error, band_centres_hz(FrontendConfig())
    lines = ["band  centre Hz   rms dB   max dB"]
    for band, centre_hz in enumerate(centres_hz):
        lines.append(f"{band:4d}  {centre_hz:9.1f}  {_rms(error[:, band]):.5f}  {np.abs(error[:, band]).max():.5f}")
    lines.append(f" all  {'':9}  {_rms(error):.5f}  {np.abs(error).max():.5f}")
    return lines


def draw_comparison(comparison: FrontendComparison, title: str, path: Path) -> None:
    """Float, fixed and difference below each other, as PNG."""
    figure = Figure(figsize=(9.0, 8.0), layout="constrained")
    FigureCanvasAgg(figure)
    lowest, highest = float(comparison.exact.min()), float(comparison.exact.max())
    largest = max(float(np.abs(comparison.error).max()), 1e-6)
    pictures = (
        ("float64", comparison.exact, "magma", lowest, highest),
        ("fixed point", comparison.fixed, "magma", lowest, highest),
        ("fixed point - float64", comparison.error, "RdBu_r", -largest, largest),
    )
    for axes, (name, values, colours, low, high) in zip(figure.subplots(3, 1, sharex=True), pictures, strict=True):
        image = axes.imshow(values.T, aspect="auto", origin="lower", cmap=colours, vmin=low, vmax=high)
        axes.set_title(name)
        axes.set_ylabel("mel band")
        figure.colorbar(image, ax=axes, label="dB")
    axes.set_xlabel("frame of 32 ms")
    figure.suptitle(title, parse_math=False)
    with atomic_path(path) as unfinished:
        figure.savefig(unfinished, format="png", dpi=DOTS_PER_INCH)


def _rms(error: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(error**2)))
