"""WORK/thresholds.json, as evaluate wrote it -> one machine's estimates on the rung nearest to a device."""

import json
from pathlib import Path

from asd_edge.backends.ladder import HOST, REFERENCE, TFLITE
from asd_edge.errors import WorkDirectoryError
from asd_edge.evaluate.load_model import file_sha256
from asd_edge.evaluate.thresholds import GammaThreshold, MachineThreshold
from asd_edge.evaluate.write_evaluation import THRESHOLDS_FILE, THRESHOLDS_FORMAT
from asd_edge.export.work_files import TFLITE_FILE

_RUNGS = (HOST, REFERENCE, TFLITE)


def load_estimates(work: Path, machine: str, choose: str) -> tuple[str, MachineThreshold]:
    """(rung, estimates); `choose` is what an error says can be done instead.

    Raises WorkDirectoryError where the file is missing, of another model or lacks the machine.
    """
    path = work / THRESHOLDS_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != THRESHOLDS_FORMAT:
            raise WorkDirectoryError(
                f"{path}: format {content['format']!r}, this version reads {THRESHOLDS_FORMAT!r}; {choose}"
            )
        made_with = content.get("files", {}).get(TFLITE_FILE)
        if made_with is not None and made_with != file_sha256(work / TFLITE_FILE):
            raise WorkDirectoryError(f"{path}: was made with another {TFLITE_FILE}; run asd-edge evaluate again")
        rung = next((rung for rung in _RUNGS if machine in content["rungs"].get(rung, {})), None)
        if rung is None:
            raise WorkDirectoryError(f"{path}: has no threshold of {machine} on an int8 rung; {choose}")
        found = content["rungs"][rung][machine]
        gamma = None if found["gamma"] is None else GammaThreshold(**found["gamma"])
        scores = tuple(float(score) for score in found["scores"])
        return rung, MachineThreshold(int(found["clips"]), gamma, float(found["percentile"]), scores)
    except OSError as error:
        raise WorkDirectoryError(f"{path}: can't be read ({error.strerror}); {choose}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WorkDirectoryError(f"{path}: is no table of thresholds ({error!r}); {choose}") from error
