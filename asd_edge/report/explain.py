"""A clip or a folder of clips + WORK's checkpoint -> pictures of what its attention looks at, and the numbers."""

import re
from pathlib import Path

from asd_edge.clip.atomic_write import write_text_atomically
from asd_edge.clip.layouts import CLIP_SUFFIXES, DCASE_NAME, MACHINE_ID, MIMII_LABELS, SNR_PREFIX, find_clips
from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.clip.records import TEST, TRAIN
from asd_edge.errors import CheckpointError, DatasetError
from asd_edge.frontend.config import FrontendConfig
from asd_edge.frontend.mel import band_centres_hz
from asd_edge.model.checkpoint import load_checkpoint
from asd_edge.model.config import AUTOENCODER
from asd_edge.model.network import DetectorNetwork, network_from_checkpoint
from asd_edge.report.attention_figures import draw_bands, draw_clip, draw_mean_maps
from asd_edge.report.attention_maps import AttentionStatistics, attention_statistics, clip_maps


def explain(source: Path, work_dir: Path, out_dir: Path, on_progress: ProgressFn = ignore_progress) -> tuple[Path, ...]:
    """Write `explain-*.png` (and for a folder a .csv) into `out_dir`; the paths, in the order of drawing.

    Of a data set its test clips are read, of a flat folder all. Raises CheckpointError for a work directory without a
    detector, or without attention where a folder is given; ClipError and DatasetError for clips that can't be read.
    """
    checkpoint = load_checkpoint(work_dir)
    if checkpoint.model.architecture == AUTOENCODER:
        raise CheckpointError(f"{work_dir}: holds an autoencoder, which has no attention to draw; give a detector's")
    network, frontend = network_from_checkpoint(checkpoint), checkpoint.frontend
    if source.is_dir():
        return _explain_folder(source, work_dir, out_dir, network, frontend, on_progress)
    machine, parts = _place_of(source)
    title = source.name if machine is None else f"{machine}: {'/'.join(parts[-2:])}{source.suffix}"
    path = out_dir / f"{'-'.join(('explain', *parts))}.png"
    draw_clip(clip_maps(network, frontend, source), frontend, title, path)
    return (path,)


def _explain_folder(
    folder: Path,
    work_dir: Path,
    out_dir: Path,
    network: DetectorNetwork,
    frontend: FrontendConfig,
    on_progress: ProgressFn,
) -> tuple[Path, ...]:
    if network.attention is None:
        raise CheckpointError(
            f"{work_dir}: a model without attention has none to average; explain single clips, or train with attention"
        )
    paths = clips_to_explain(folder)
    statistics = attention_statistics(network, frontend, paths, on_progress)
    name = _folder_name(folder)
    stem = f"explain-{'-'.join(name)}"
    title = f"{'/'.join(name)}: attention over {len(paths)} clip{'' if len(paths) == 1 else 's'}"
    maps_path, bands_path, table_path = (out_dir / f"{stem}-{rest}" for rest in ("maps.png", "bands.png", "bands.csv"))
    draw_mean_maps(statistics, frontend, title, maps_path)
    draw_bands(statistics, frontend, title, bands_path)
    write_text_atomically(table_path, bands_csv(statistics, frontend))
    return maps_path, bands_path, table_path


def clips_to_explain(folder: Path) -> tuple[Path, ...]:
    """The clips that lie in a folder itself, else the test clips of a data set; sorted. DatasetError for none."""
    try:
        files = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise DatasetError(f"{folder}: can't be listed ({error.strerror}); make it readable") from error
    if flat := tuple(path for path in files if path.suffix.lower() in CLIP_SUFFIXES):
        return flat
    paths = tuple(record.path for record in find_clips(folder) if record.split == TEST)
    if not paths:
        raise DatasetError(f"{folder}: no test clip; give the folder of the clips themselves")
    return paths


def bands_csv(statistics: AttentionStatistics, frontend: FrontendConfig) -> str:
    """One row per mel band: its centre, and each feature's mean and standard deviation of the attention."""
    columns = [name.lower().replace("-", "_") for name in statistics.names]
    header = ",".join(f"{column}_mean,{column}_deviation" for column in columns)
    lines = [f"band,centre_hz,{header}"]
    for band, centre_hz in enumerate(band_centres_hz(frontend)):
        values = [
            f"{statistics.band_mean[feature, band]:.6f},{statistics.band_deviation[feature, band]:.6f}"
            for feature in range(len(columns))
        ]
        lines.append(f"{band},{centre_hz:.1f},{','.join(values)}")
    return "\n".join(lines) + "\n"


def _folder_name(folder: Path) -> tuple[str, ...]:
    """Its last parts, from the machine type on where it is one of the machine type's own folders."""
    parts = folder.resolve().parts
    n_parts = 2 if parts[-1] in (TRAIN, TEST) else 3 if parts[-1] in MIMII_LABELS else 1
    return parts[-n_parts:]


def _place_of(path: Path) -> tuple[str | None, tuple[str, ...]]:
    """The machine, if folder and name say which, and the parts of the path that tell the clip from all others."""
    *_, grandparent, middle, parent = ("", "", "", *path.resolve().parts[:-1])
    match = DCASE_NAME.fullmatch(path.stem)
    if match is not None and parent in (TRAIN, TEST):
        machine_type = SNR_PREFIX.sub("", middle)
        return f"{machine_type}/{match['id']}", (machine_type, parent, path.stem)
    if parent in MIMII_LABELS and re.fullmatch(MACHINE_ID, middle):
        machine_type = SNR_PREFIX.sub("", grandparent)
        return f"{machine_type}/{middle}", (machine_type, middle, parent, path.stem)
    return None, (path.stem,)
