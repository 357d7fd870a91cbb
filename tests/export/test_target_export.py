"""`asd-edge export --target`: files, records, one directory per target, and every rung on what was exported."""

import json
import shutil
from pathlib import Path

import pytest

from asd_edge.cli import run
from asd_edge.errors import WorkDirectoryError
from asd_edge.evaluate.evaluate_work import evaluate_work
from asd_edge.export.export_checkpoint import export_checkpoint
from asd_edge.export.targets.target import CORAL, LITERT, MCU
from asd_edge.export.work_files import TARGET_FILE
from tests.export.conftest import TinyExport
from tests.export.test_export_checkpoint import FILES, file_hashes


@pytest.fixture(scope="module")
def coral_work(tiny_export: TinyExport, tmp_path_factory: pytest.TempPathFactory) -> Path:
    work = tmp_path_factory.mktemp("coral") / "work"
    export_checkpoint(tiny_export.checkpoint_folder, tiny_export.data, work, target=CORAL)
    return work


def test_directory_and_record_name_the_target(coral_work: Path, tiny_export: TinyExport) -> None:
    assert {path.name for path in coral_work.iterdir()} == FILES | {TARGET_FILE}
    record = json.loads((coral_work / "export.json").read_text())
    assert record["target"] == "coral"
    assert record["recipe"]["float_passes"][-3:] == ["lower_leaky_relus", "lower_prelus", "lower_elus"]
    assert record["lowering"]["exact"]["max_abs_difference"] < 1e-5
    assert not {"PRELU", "ELU"} & set(record["operators"])
    report = json.loads((coral_work / TARGET_FILE).read_text())
    assert report["verdicts"][0]["off"] == []
    assert report["verdicts"][0]["n_on"] == sum(record["operators"].values())
    assert json.loads((tiny_export.work / "export.json").read_text())["target"] == "mcu"


def test_a_directory_of_another_target_is_refused_and_left_as_it_was(coral_work: Path, tiny_export: TinyExport) -> None:
    before = file_hashes(coral_work)
    for target in (MCU, LITERT):
        with pytest.raises(WorkDirectoryError, match=f"holds a model for the target coral; give {target.name} a work"):
            export_checkpoint(tiny_export.checkpoint_folder, tiny_export.data, coral_work, target=target)
    assert file_hashes(coral_work) == before


def test_every_rung_scores_a_lowered_model_and_engine_and_reference_agree(
    coral_work: Path, tiny_export: TinyExport, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    shutil.copytree(coral_work, work)
    evaluation = evaluate_work(work, tiny_export.data, with_sqnr=True)
    assert [rung.name for rung in evaluation.rungs] == ["torch", "onnx", "tflite", "reference", "host"]
    assert evaluation.sqnr_db is not None
    assert "attention.2.elu/logistic" in evaluation.sqnr_db
    scores = {name: [row.score for row in evaluation.rows if row.rung == name] for name in ("reference", "host")}
    assert scores["reference"] == scores["host"]


def test_command_prints_the_report_and_refuses_an_unknown_target(
    tiny_export: TinyExport, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["export", "--checkpoint", tiny_export.checkpoint_folder, "--calibration", tiny_export.data]
    words = [str(argument) for argument in arguments]
    assert run([*words, "--target", "tpu", "-o", str(tmp_path / "tpu")]) == 2
    assert capsys.readouterr().err.strip().endswith("choose from mcu, litert, coral, ethos-u")
    assert not (tmp_path / "tpu").exists()

    assert run([*words, "--target", "litert", "--recipe", "fast", "-o", str(tmp_path / "work")]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert "lowered for litert: outputs differ by at most" in printed.out
    assert "15 on the CPU\n  on the CPU: 15 MAXIMUM (XNNPACK has no int8 form of it" in printed.out
    assert "partitions 16, int8_ms " in printed.out
