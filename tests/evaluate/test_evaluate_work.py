"""The whole evaluation on a tiny detector: every figure against scikit-learn or a plain count over scores.csv."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from asd_edge.backends.host_rung import HostRung
from asd_edge.backends.ladder import RUNGS_OF_THIS_MACHINE, open_rung
from asd_edge.backends.rung import Clip, ClipScore
from asd_edge.clip.read_clip import read_clip
from asd_edge.errors import AsdEdgeError, BackendError, ClipError, WorkDirectoryError
from asd_edge.evaluate import score_clips
from asd_edge.evaluate.evaluate_work import evaluate_work
from asd_edge.evaluate.evaluation import Evaluation
from asd_edge.evaluate.scores_table import ScoreRow, read_scores
from asd_edge.model.checkpoint import load_checkpoint, write_checkpoint
from tests.backends.tiny_detector import MACHINES, export_coarsely, write_clips

OUTPUTS = {"scores.csv", "thresholds.json", "evaluation.json"}


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory, tiny_work: Path, tiny_clips: Path) -> tuple[Path, Evaluation]:
    """A copy of `tiny_work` with an evaluation on all rungs."""
    work = shutil.copytree(tiny_work, tmp_path_factory.mktemp("evaluated") / "work")
    return work, evaluate_work(work, tiny_clips)


def _content(work: Path, name: str = "evaluation.json") -> Any:
    return json.loads((work / name).read_text())


def _scores(rows: tuple[ScoreRow, ...], rung: str, machine: str) -> tuple[list[int], list[float]]:
    """(1 for an anomaly, the score) of one machine's clips."""
    chosen = [row for row in rows if row.rung == rung and f"{row.machine_type}/{row.machine_id}" == machine]
    return [int(row.label == "anomaly") for row in chosen], [row.score for row in chosen]


def test_every_test_clip_is_scored_on_every_rung(evaluated: tuple[Path, Evaluation], tiny_clips: Path) -> None:
    work, found = evaluated
    rows = read_scores(work / "scores.csv")
    clips = {path.relative_to(tiny_clips).as_posix() for path in tiny_clips.glob("*/test/*.wav")}
    assert len(rows) == len(clips) * len(RUNGS_OF_THIS_MACHINE)
    for rung in RUNGS_OF_THIS_MACHINE:
        assert {row.clip for row in rows if row.rung == rung} == clips
    assert [(run.name, run.clips_scored, run.clips_available) for run in found.rungs] == [
        (r, 24, 24) for r in RUNGS_OF_THIS_MACHINE
    ]
    assert rows == found.rows


def test_cross_entropy_stands_beside_every_log_odds(evaluated: tuple[Path, Evaluation]) -> None:
    for row in read_scores(evaluated[0] / "scores.csv"):
        assert row.cross_entropy == pytest.approx(np.log1p(np.exp(row.score)))


def test_machine_figures_are_scikit_learns(evaluated: tuple[Path, Evaluation]) -> None:
    work, _ = evaluated
    rows, machines = read_scores(work / "scores.csv"), _content(work)["machines"]
    assert len(machines) == len(MACHINES) * len(RUNGS_OF_THIS_MACHINE)
    for figures in machines:
        machine = f"{figures['machine_type']}/{figures['machine_id']}"
        labels, scores = _scores(rows, figures["rung"], machine)
        assert figures["auc"] == pytest.approx(roc_auc_score(labels, scores))
        assert figures["pauc"] == pytest.approx(roc_auc_score(labels, scores, max_fpr=0.1))
        _, first = _scores(rows, "torch", machine)
        if figures["rung"] == "torch":
            assert figures["auc_difference"] is None
            continue
        assert figures["auc_difference"]["value"] == pytest.approx(figures["auc"] - roc_auc_score(labels, first))
        assert figures["spearman"] == pytest.approx(spearmanr(first, scores).statistic)
        assert figures["changed_share"] == pytest.approx(_changed_share(labels, first, scores))


def _changed_share(labels: list[int], first: list[float], scores: list[float]) -> float:
    pairs = [(i, j) for i in range(len(labels)) for j in range(len(labels)) if labels[i] > labels[j]]
    return float(np.mean([(first[i] > first[j]) != (scores[i] > scores[j]) for i, j in pairs]))


def test_overall_is_the_mean_over_types_of_the_mean_over_ids(evaluated: tuple[Path, Evaluation]) -> None:
    content = _content(evaluated[0])
    for rung in RUNGS_OF_THIS_MACHINE:
        by_type: dict[str, list[dict[str, float]]] = {}
        for figures in content["machines"]:
            if figures["rung"] == rung:
                by_type.setdefault(figures["machine_type"], []).append(figures)
        (overall,) = [figures for figures in content["overall"] if figures["rung"] == rung]
        for name in ("auc", "pauc"):
            means = [np.mean([figures[name] for figures in of_type]) for of_type in by_type.values()]
            assert overall[name] == pytest.approx(np.mean(means))
        worst = [min(figures["auc"] for figures in of_type) for of_type in by_type.values()]
        assert overall["mauc"] == pytest.approx(np.mean(worst))


def test_agreement_is_that_of_the_scores(evaluated: tuple[Path, Evaluation]) -> None:
    work, found = evaluated
    rows = {(row.rung, row.clip): row.score for row in read_scores(work / "scores.csv")}
    groups = {agreement.group: agreement for agreement in found.agreement}
    assert len(groups) == 4 * (1 + 2 + 4)  # rungs but the first, times overall, types and IDs
    for (rung, machine_type, machine_id), agreement in groups.items():
        prefix = f"{machine_type or ''}", f"_{machine_id}_" if machine_id else ""
        clips = [clip for of_rung, clip in rows if of_rung == rung and clip.startswith(prefix[0]) and prefix[1] in clip]
        differences = {clip: abs(rows[rung, clip] - rows["torch", clip]) for clip in clips}
        assert agreement.clips == len(clips)
        assert agreement.largest_score_difference == max(differences.values())
        assert differences[agreement.largest_difference_clip] == max(differences.values())
    assert groups["onnx", None, None].cosine_min == pytest.approx(1.0, abs=1e-6)
    tflite = groups["tflite", None, None]
    assert tflite.cosine_min is not None
    assert tflite.cosine_mean is not None
    assert 0.9 < tflite.cosine_min < tflite.cosine_mean < 1.0


def test_tflites_tolerance_is_stated_and_measured(evaluated: tuple[Path, Evaluation]) -> None:
    runs = {run.name: run for run in evaluated[1].rungs}
    assert runs["tflite"].tolerance_lsb == 8
    assert runs["tflite"].largest_difference_lsb is not None
    assert 0 < runs["tflite"].largest_difference_lsb <= 8
    assert runs["torch"].tolerance_lsb is runs["torch"].largest_difference_lsb is None


def test_thresholds_come_from_the_validation_clips_on_the_int8_rungs(
    evaluated: tuple[Path, Evaluation], tiny_clips: Path
) -> None:
    work, _ = evaluated
    content = _content(work, "thresholds.json")
    assert (content["validation_clips"], content["validation_clips_of_split"]) == (4, 4)
    assert set(content["rungs"]) == {"tflite", "reference", "host"}
    for by_machine in content["rungs"].values():
        assert set(by_machine) == set(MACHINES)
        assert all(threshold["clips"] == 1 for threshold in by_machine.values())
    # the validation clips as if they were test clips give the same scores
    split = load_checkpoint(work).split.validation
    assert len(split) == 4
    assert content["files"]["model.tflite"] == _content(work)["files"]["model.tflite"]
    assert content["machines_without"] == []


def test_the_same_clips_score_the_same_whether_they_validate_or_test(
    tmp_path: Path, evaluated: tuple[Path, Evaluation], tiny_clips: Path
) -> None:
    work, _ = evaluated
    root = shutil.copytree(tiny_clips, tmp_path / "clips")
    for machine_type in ("fan", "pump"):
        for machine_id in ("id_00", "id_02"):
            clip = root / machine_type / "train" / f"normal_{machine_id}_00000003.wav"
            shutil.copyfile(clip, root / machine_type / "test" / f"normal_{machine_id}_00000099.wav")
    copied = shutil.copytree(work, tmp_path / "work")
    found = evaluate_work(copied, root, ("reference",))
    scored = {f"{r.machine_type}/{r.machine_id}": r.score for r in found.rows if r.clip.endswith("_00000099.wav")}
    thresholds = _content(work, "thresholds.json")["rungs"]["reference"]
    assert {machine: [score] for machine, score in scored.items()} == {
        machine: threshold["scores"] for machine, threshold in thresholds.items()
    }


def test_what_was_written_is_complete_and_nothing_else(evaluated: tuple[Path, Evaluation], tiny_work: Path) -> None:
    work, _ = evaluated
    assert {path.name for path in work.iterdir()} - {path.name for path in tiny_work.iterdir()} == OUTPUTS
    content = _content(work)
    assert content["verdict"]["passed"] is True
    assert {rung["measure"] for rung in content["verdict"]["rungs"]} == {"changed_pairs"}  # 3 clips of each class
    assert set(content["files"]) == {path.name for path in tiny_work.iterdir()} - {"export.json"}
    assert content["sqnr_db"] is None


def test_a_second_evaluation_gives_the_same_scores_and_figures(
    tmp_path: Path, evaluated: tuple[Path, Evaluation], tiny_work: Path, tiny_clips: Path
) -> None:
    work = shutil.copytree(tiny_work, tmp_path / "work")
    again = evaluate_work(work, tiny_clips)
    assert again.rows == evaluated[1].rows
    assert again.figures == evaluated[1].figures
    assert again.data == evaluated[1].data


def test_with_twenty_clips_of_each_class_the_interval_decides(tmp_path: Path, tiny_work: Path) -> None:
    root = write_clips(tmp_path / "clips", MACHINES[:2], n_train=0, n_test=20)
    work = shutil.copytree(tiny_work, tmp_path / "work")
    found = evaluate_work(work, root, ("torch", "onnx", "tflite"))
    assert [(rung.rung, rung.measure, rung.passed) for rung in found.verdict.rungs] == [
        ("onnx", "auc_interval", True),
        ("tflite", "auc_interval", True),
    ]
    assert found.thresholds.why_none is not None
    assert "none of the 4 validation clips" in found.thresholds.why_none
    assert not (work / "thresholds.json").exists()


def test_where_int8_changes_the_order_the_verdict_fails(tmp_path: Path, tiny_work: Path, tiny_clips: Path) -> None:
    """Normal and "anomalous" clips of one distribution: their order is noise, and a coarse int8 shuffles it."""
    root = write_clips(tmp_path / "clips", MACHINES[:2], n_train=4, n_test=6, are_faults_audible=False)
    work = shutil.copytree(tiny_work, tmp_path / "work")
    export_coarsely(work, tiny_clips)
    found = evaluate_work(work, root, ("torch", "tflite"))
    (verdict,) = found.verdict.rungs
    assert verdict.changed_share > 0.02
    assert not found.verdict.passed
    assert (work / "scores.csv").exists()


def test_an_interrupted_evaluation_goes_on_and_ends_alike(
    tmp_path: Path,
    evaluated: tuple[Path, Evaluation],
    tiny_work: Path,
    tiny_clips: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    work = shutil.copytree(tiny_work, tmp_path / "work")
    with pytest.raises(KeyboardInterrupt):
        evaluate_work(work, tiny_clips, on_scoring=_stop_after(10))
    assert not OUTPUTS & {path.name for path in work.iterdir()}
    read: list[Path] = []

    def counting(path: Path, n_samples: int, sample_rate_hz: int) -> NDArray[np.int16]:
        read.append(path)
        return read_clip(path, n_samples, sample_rate_hz)

    monkeypatch.setattr(score_clips, "read_clip", counting)
    again = evaluate_work(work, tiny_clips)
    assert len(read) == 24 + 4 - 10
    assert again.rows == evaluated[1].rows
    assert again.agreement == evaluated[1].agreement
    assert list(work.glob(".scores-partial*")) == []


def test_a_board_that_comes_back_at_another_port_goes_on(
    tmp_path: Path, tiny_work: Path, tiny_clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Host stands in for the board: what counts is the rung's name and what it calls its runtime."""
    scored: list[str] = []

    def open_at_port(name: str, work: Path, frontend: str | None = None) -> HostRung:
        rung = open_rung("host", work, frontend)
        assert isinstance(rung, HostRung)
        rung.name, rung.runtime = name, f"pico2 on {name.partition(':')[2]}, model 12"
        score = rung.score

        def counting(clip: Clip) -> ClipScore:
            scored.append(name)
            return score(clip)

        monkeypatch.setattr(rung, "score", counting)
        return rung

    work, first, second = shutil.copytree(tiny_work, tmp_path / "work"), "serial:/dev/ttyACM0", "serial:/dev/ttyACM1"
    monkeypatch.setattr("asd_edge.evaluate.evaluate_work.open_rung", open_at_port)
    with pytest.raises(KeyboardInterrupt):
        evaluate_work(work, tiny_clips, (first,), on_scoring=_stop_after(10))
    monkeypatch.setattr("asd_edge.evaluate.evaluate_work.open_rung", open_rung)
    evaluate_work(work, tiny_clips, ("tflite",))
    monkeypatch.setattr("asd_edge.evaluate.evaluate_work.open_rung", open_at_port)
    found = evaluate_work(work, tiny_clips, (second,))
    assert (scored.count(first), scored.count(second)) == (10, 14)
    assert [(row.rung, row.score) for row in found.rows] == [
        (second, row.score) for row in evaluate_work(work, tiny_clips, (first,)).rows
    ]
    assert list(work.glob(".scores-partial*")) == []


def _stop_after(n_clips: int) -> Callable[[int, int], None]:
    def on_progress(done: int, total: int) -> None:
        if done == n_clips:
            raise KeyboardInterrupt

    return on_progress


def test_scores_of_an_interrupted_evaluation_of_other_rungs_are_not_mixed_in(
    tmp_path: Path, tiny_work: Path, tiny_clips: Path
) -> None:
    work = shutil.copytree(tiny_work, tmp_path / "work")
    with pytest.raises(KeyboardInterrupt):
        evaluate_work(work, tiny_clips, ("torch",), on_scoring=_stop_after(10))
    found = evaluate_work(work, tiny_clips, ("onnx", "tflite"))
    assert {row.rung for row in found.rows} == {"onnx", "tflite"}
    assert found.verdict.first == "onnx"
    assert len(found.rows) == 48
    assert len(list(work.glob(".scores-partial*"))) == 1, "of torch"
    assert len(evaluate_work(work, tiny_clips, ("torch",)).rows) == 24
    assert list(work.glob(".scores-partial*")) == []


@pytest.mark.parametrize(
    ("break_it", "error", "said"),
    [
        (lambda work, root: (work / "model.tflite").unlink(), BackendError, "model.tflite: missing"),
        (lambda work, root: (work / "model.onnx").write_bytes(b"x"), BackendError, "model.onnx: has changed since"),
        (lambda work, root: shutil.rmtree(work), WorkDirectoryError, "is no folder"),
        (lambda work, root: (root / "pump/test/normal_id_02_00000002.wav").write_bytes(b""), ClipError, "empty file"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_and_leaves_nothing(
    tmp_path: Path,
    tiny_work: Path,
    tiny_clips: Path,
    break_it: Callable[[Path, Path], object],
    error: type[AsdEdgeError],
    said: str,
) -> None:
    work, root = shutil.copytree(tiny_work, tmp_path / "work"), shutil.copytree(tiny_clips, tmp_path / "clips")
    break_it(work, root)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(error, match=said):
        evaluate_work(work, root, tuple(RUNGS_OF_THIS_MACHINE))
    assert sorted(tmp_path.rglob("*")) == before


def test_a_clip_without_a_score_fails_the_run_by_its_name(tmp_path: Path, tiny_work: Path, tiny_clips: Path) -> None:
    checkpoint = load_checkpoint(tiny_work)
    last = {f"classifier.linear1.bn.{name}": np.zeros(16, np.float32) for name in ("weight", "bias")}
    write_checkpoint(replace(checkpoint, weights={**checkpoint.weights, **last}), tmp_path)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ClipError, match=r"fan/test/anomaly_id_00_00000000\.wav: rung torch: .* has no score"):
        evaluate_work(tmp_path, tiny_clips)
    assert sorted(tmp_path.iterdir()) == before


def test_an_autoencoder_goes_the_same_way(tmp_path: Path, tiny_autoencoder_work: Path, tiny_clips: Path) -> None:
    work = shutil.copytree(tiny_autoencoder_work, tmp_path / "work")
    found = evaluate_work(work, tiny_clips / "fan")
    assert found.score_kind == "reconstruction"
    assert [run.name for run in found.rungs] == list(RUNGS_OF_THIS_MACHINE)
    assert len(found.rows) == 5 * 12
    assert all(row.cross_entropy is None for row in found.rows)
    for rung in RUNGS_OF_THIS_MACHINE:
        labels, scores = _scores(found.rows, rung, "fan/id_00")
        (figures,) = [f for f in found.figures.machines if (f.rung, f.machine_id) == (rung, "id_00")]
        assert figures.auc == pytest.approx(roc_auc_score(labels, scores))
    assert set(_content(work, "thresholds.json")["rungs"]["reference"]) == {"fan/id_00", "fan/id_02"}


def test_a_checkpoint_alone_is_evaluated_on_torch(tmp_path: Path, tiny_work: Path, tiny_clips: Path) -> None:
    for name in ("checkpoint.safetensors", "checkpoint.json"):
        shutil.copyfile(tiny_work / name, tmp_path / name)
    found = evaluate_work(tmp_path, tiny_clips)
    assert [run.name for run in found.rungs] == ["torch"]
    assert found.verdict.passed
    assert found.thresholds.why_none == "no int8 rung was scored"


def test_an_emulated_board_alone_says_where_thresholds_come_from(
    tmp_path: Path, tiny_work: Path, tiny_clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Host stands in for the board: what counts is the rung's name."""

    def open_as_board(name: str, work: Path, frontend: str | None = None) -> HostRung:
        rung = open_rung("host", work, frontend)
        assert isinstance(rung, HostRung)
        rung.name = name
        return rung

    monkeypatch.setattr("asd_edge.evaluate.evaluate_work.open_rung", open_as_board)
    work = shutil.copytree(tiny_work, tmp_path / "work")
    found = evaluate_work(work, tiny_clips / "fan", ("emulator:mps2-an386",))
    assert found.thresholds.by_rung == {}
    assert found.thresholds.why_none == (
        "no validation clip is scored on a board; its scores are host's, which gives them"
    )
