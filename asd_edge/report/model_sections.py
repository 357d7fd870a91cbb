"""The work directory's model and data -> the sections that say what was measured, and on what."""

from collections.abc import Iterator

from asd_edge.report.figure_text import bytes_words
from asd_edge.report.obtained import evaluation_source, export_source, training_source
from asd_edge.report.section import Absent, Section, Table
from asd_edge.report.work_contents import EVALUATE_COMMAND, EXPORT_COMMAND, MODEL_FILES, WorkContents


def model_section(work: WorkContents) -> Section:
    """Settings, training, operators, and each file with its hash."""
    files = [name for name in work.files if name in MODEL_FILES or name.endswith(".asdm")]
    parts = [
        Table(
            "Files",
            ("file", "SHA-256", "bytes"),
            tuple((name, work.files[name].sha256, bytes_words(work.files[name].n_bytes)) for name in files),
            2,
        ),
        Table("Settings", ("setting", "value"), tuple(_settings(work)), 2),
    ]
    sources, absent = [], []
    if work.checkpoint is not None:
        sources.append(training_source(work.checkpoint))
    if work.export is None:
        absent.append(Absent("the int8 model", EXPORT_COMMAND))
    else:
        operators = work.export.operators
        parts.append(
            Table(
                f"Operators of model.tflite: {sum(operators.values())}",
                ("operator", "count"),
                tuple((name, str(count)) for name, count in sorted(operators.items())),
            )
        )
        sources.append(export_source(work.export))
    return Section("model", "Model", (), tuple(parts), tuple(sources), tuple(absent))


def data_section(work: WorkContents) -> Section:
    """Which clips calibrated, which were scored, which gave the thresholds."""
    rows: list[tuple[str, str, str]] = []
    if work.checkpoint is not None:
        data = str(work.checkpoint.training.get("data", "unknown"))
        rows.append(("training", data, f"{len(work.checkpoint.split.train)} clips"))
        rows.append(("validation split", data, f"{len(work.checkpoint.split.validation)} clips"))
    if work.export is not None:
        calibration = work.export.calibration
        rows.append(
            ("calibration", calibration.folder, f"{calibration.clips_used} of {calibration.clips_available} clips")
        )
    if work.evaluation is None:
        return Section(
            "data",
            "Data",
            parts=(Table("Clips", ("use", "data", "clips"), tuple(rows), 3),),
            absent=(Absent("scores of test clips", EVALUATE_COMMAND),),
        )
    data_used = work.evaluation.data
    rows.append(("test", data_used.folder, f"{data_used.clips_scored} of {data_used.clips_available} clips"))
    if work.thresholds is not None:
        found = f"{work.thresholds.validation_clips} of {work.thresholds.validation_clips_of_split} clips"
        rows.append(("thresholds", data_used.folder, f"{found} of the validation split"))
    words = (f"SHA-256 over the names and samples of the test clips: {data_used.sha256}",)
    table = Table("Clips", ("use", "data", "clips"), tuple(rows), 3)
    return Section("data", "Data", words, (table,), (evaluation_source(work.evaluation),))


def _settings(work: WorkContents) -> Iterator[tuple[str, str]]:
    if work.checkpoint is None:
        yield "checkpoint", "not in the work directory"
        return
    model, frontend = work.checkpoint.model, work.checkpoint.frontend
    yield "architecture", model.architecture
    yield "features", model.features
    yield "attention", "yes" if model.attention else "no"
    yield "width", f"{model.width:g}"
    yield "embedding", str(model.embedding_size)
    yield "machines", f"{len(work.checkpoint.labels)}"
    yield "clip", f"{frontend.clip_samples / frontend.sample_rate_hz:g} s at {frontend.sample_rate_hz} Hz"
    yield "frames", f"{frontend.n_frames} of {frontend.n_fft} samples, hop {frontend.hop_length}"
    yield "mel bands", f"{frontend.n_mels}, {frontend.f_min_hz:g} to {frontend.f_max_hz:g} Hz"
    for name in ("loss", "epochs", "best_epoch", "validation_loss", "seed"):
        if name in work.checkpoint.training:
            yield name.replace("_", " "), str(work.checkpoint.training[name])
