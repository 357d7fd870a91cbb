"""Attention maps and statistics -> PNG: the paper's Figures 2 and 3 for one clip, Figure 4 and its bands for many.

The vertical axis of a log-Mel is in Hz. A Wavegram's channels have no frequency; they are numbered. Its map reads both
features, so that the curve over bands carries both scales. The colour maps are safe for the colour-blind.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from asd_edge.clip.atomic_write import atomic_path
from asd_edge.frontend.config import FrontendConfig
from asd_edge.frontend.mel import band_centres_hz
from asd_edge.report.attention_maps import AttentionStatistics, ClipMaps

LABELLED_HZ = (250, 500, 1000, 2000, 4000, 6000)
LOG_MEL_NAME = "log-Mel"
FEATURE_COLOURS, ATTENTION_COLOURS = "magma", "cividis"
LINE_COLOURS = {LOG_MEL_NAME: "#0072B2", "Wavegram": "#D55E00"}  # of Okabe and Ito's palette
NO_ATTENTION = 0.5  # the map's smallest value
DOTS_PER_INCH = 120

FloatArray = NDArray[np.floating]


@dataclass(frozen=True)
class ColourScale:
    """What the colours of one or several maps mean; the few values beyond its ends share the colour of the end."""

    label: str
    colours: str
    lowest: float
    highest: float
    extend: Literal["both", "max"]


def draw_clip(maps: ClipMaps, frontend: FrontendConfig, title: str, path: Path) -> None:
    """One column per feature; below each other the feature, its attention map and the product of both."""
    n_rows = 1 if maps.attention is None else 3
    figure, axes = _map_figure(n_rows, len(maps.names), title)
    for column, name in enumerate(maps.names):
        unit = "dB" if name == LOG_MEL_NAME else "no unit"
        feature = maps.features[column]
        _draw_map(axes[0, column], feature, frontend, name, name, _feature_scale(feature, unit))
        if maps.attention is not None:
            scale = _attention_scale(maps.attention, "attention", NO_ATTENTION)
            _draw_map(axes[1, column], maps.attention[column], frontend, name, f"attention on the {name}", scale)
            product = maps.product[column]
            scale = _feature_scale(product, unit)
            _draw_map(axes[2, column], product, frontend, name, f"{name} × attention", scale)
    _save(figure, path)


def draw_mean_maps(statistics: AttentionStatistics, frontend: FrontendConfig, title: str, path: Path) -> None:
    """One column per feature: the mean of the attention map over the clips, and below it the standard deviation."""
    figure, axes = _map_figure(2, len(statistics.names), title)
    mean_scale = _attention_scale(statistics.mean, "mean attention", NO_ATTENTION)
    deviation_scale = _attention_scale(statistics.deviation, "standard deviation", 0.0)
    for column, name in enumerate(statistics.names):
        mean, deviation = statistics.mean[column], statistics.deviation[column]
        _draw_map(axes[0, column], mean, frontend, name, f"attention on the {name}, mean", mean_scale)
        _draw_map(axes[1, column], deviation, frontend, name, "its standard deviation", deviation_scale)
    _save(figure, path)


def draw_bands(statistics: AttentionStatistics, frontend: FrontendConfig, title: str, path: Path) -> None:
    """One panel per feature: mean of the attention per mel band, and a band of one standard deviation about it."""
    figure = Figure(figsize=(8.0, 2.6 * len(statistics.names) + 0.8), layout="constrained")
    figure.suptitle(title)
    panels = figure.subplots(len(statistics.names), 1, squeeze=False, sharex=True, sharey=True)[:, 0]
    bands = np.arange(frontend.n_mels)
    for row, (axes, name) in enumerate(zip(panels, statistics.names, strict=True)):
        mean, deviation = statistics.band_mean[row], statistics.band_deviation[row]
        colour = LINE_COLOURS[name]
        axes.fill_between(
            bands, mean - deviation, mean + deviation, color=colour, alpha=0.25, lw=0, label="± one standard deviation"
        )
        axes.plot(bands, mean, color=colour, lw=1.6, label="mean over clips and frames")
        axes.set_title(f"attention on the {name}", loc="left", fontsize="medium")
        axes.set_ylabel("attention")
        axes.grid(alpha=0.3)
        axes.legend(loc="upper right", ncols=2, fontsize="small")
    panels[0].set_xlim(-0.5, frontend.n_mels - 0.5)
    lowest, highest = panels[0].get_ylim()
    panels[0].set_ylim(lowest, highest + 0.15 * (highest - lowest))  # room for the legend
    positions, labels = _hz_ticks(frontend)
    panels[-1].set_xticks(positions, labels)
    panels[-1].set_xlabel("frequency of the mel band (Hz)")
    numbers = panels[0].secondary_xaxis("top")
    numbers.set_xticks(_channel_ticks(frontend.n_mels))
    numbers.set_xlabel("mel band, Wavegram channel" if len(statistics.names) > 1 else "mel band")
    _save(figure, path)


def _map_figure(n_rows: int, n_columns: int, title: str) -> tuple[Figure, NDArray[np.object_]]:
    """Axes (n_rows, n_columns) that share the time axis."""
    figure = Figure(figsize=(5.6 * n_columns + 0.4, 2.7 * n_rows + 0.5), layout="constrained")
    figure.suptitle(title)
    axes = figure.subplots(n_rows, n_columns, squeeze=False, sharex=True)
    for bottom in axes[-1]:
        bottom.set_xlabel("time (s)")
    return figure, axes


def _feature_scale(values: FloatArray, unit: str) -> ColourScale:
    """From nearly the smallest to nearly the largest value: single extremes would flatten all the rest."""
    lowest, highest = (float(value) for value in np.quantile(values, (0.005, 0.999)))
    if highest <= lowest:  # silence
        highest = lowest + 1.0
    return ColourScale(unit, FEATURE_COLOURS, lowest, highest, "both")


def _attention_scale(values: FloatArray, label: str, lowest: float) -> ColourScale:
    """One scale for all features, from `lowest` up; the first and last frame, which see padding, may exceed it."""
    highest = float(np.quantile(values, 0.995))
    return ColourScale(label, ATTENTION_COLOURS, lowest, max(highest, lowest + 0.01), "max")


def _draw_map(
    axes: Axes, values: FloatArray, frontend: FrontendConfig, feature: str, title: str, scale: ColourScale
) -> None:
    """`values` (n_mels, n_frames) over seconds, and over Hz or channels as befits the feature."""
    n_mels, n_frames = values.shape
    frame_s = frontend.hop_length / frontend.sample_rate_hz
    image = axes.imshow(
        values,
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        cmap=scale.colours,
        vmin=scale.lowest,
        vmax=scale.highest,
        extent=(-0.5 * frame_s, (n_frames - 0.5) * frame_s, -0.5, n_mels - 0.5),
    )
    axes.set_xlim(0.0, frontend.clip_samples / frontend.sample_rate_hz)
    axes.set_title(title, loc="left", fontsize="medium")
    if feature == LOG_MEL_NAME:
        axes.set_yticks(*_hz_ticks(frontend))
        axes.set_ylabel("frequency (Hz)")
    else:
        axes.set_yticks(_channel_ticks(n_mels))
        axes.set_ylabel("channel")
    figure = axes.get_figure()
    assert figure is not None
    figure.colorbar(image, ax=axes, label=scale.label, pad=0.02, extend=scale.extend)


def _hz_ticks(frontend: FrontendConfig) -> tuple[list[float], list[str]]:
    """Where on the axis of band numbers the round frequencies lie that the bands cover."""
    centres_hz = band_centres_hz(frontend)
    shown = [hz for hz in LABELLED_HZ if centres_hz[0] <= hz <= centres_hz[-1]]
    positions = np.interp(shown, centres_hz, np.arange(frontend.n_mels))
    return positions.tolist(), [f"{hz}" for hz in shown]


def _channel_ticks(n_mels: int) -> list[int]:
    return [0, *range(n_mels // 4, n_mels, n_mels // 4), n_mels - 1]


def _save(figure: Figure, path: Path) -> None:
    FigureCanvasAgg(figure)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
