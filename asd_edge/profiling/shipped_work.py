"""The shipped checkpoint -> a work directory in the user's cache, calibrated on a few synthetic clips of a seed.

Sizes and counts hardly depend on what calibrates; the clips are normal ones, and no score is made of the result.
"""

import hashlib
import shutil
import tempfile
from pathlib import Path

from asd_edge import __version__
from asd_edge.clip.progress import ProgressFn, ignore_progress
from asd_edge.clip.synthesize.config import GENERATOR_VERSION, SynthConfig
from asd_edge.clip.synthesize.dataset import write_synthetic_dataset
from asd_edge.errors import WorkDirectoryError
from asd_edge.export.export_checkpoint import export_checkpoint
from asd_edge.export.work_files import EXPORTED_FILES
from asd_edge.model.checkpoint import SETTINGS_FILE, WEIGHTS_FILE, shipped_checkpoint

_CLIPS = SynthConfig(n_train=1, n_test_normal=0, n_test_anomaly=0, machine_types=("fan",))


def shipped_work(cache: Path, on_progress: ProgressFn = ignore_progress) -> Path:
    """Exported now, or by an earlier call with the same checkpoint and version.

    Raises WorkDirectoryError where the cache can't be written.
    """
    checkpoint = shipped_checkpoint()
    contents = [(checkpoint / name).read_bytes() for name in (WEIGHTS_FILE, SETTINGS_FILE)]
    versions = f"{__version__} {GENERATOR_VERSION} {_CLIPS}".encode()
    digest = hashlib.sha256(b"".join([*contents, versions])).hexdigest()
    work = cache / f"shipped-{digest[:16]}"
    if all((work / name).is_file() for name in EXPORTED_FILES):
        return work
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as name:
            clips, fresh = Path(name) / "clips", Path(name) / "work"
            write_synthetic_dataset(clips, _CLIPS)
            export_checkpoint(checkpoint, clips, fresh, on_progress)
            shutil.rmtree(work, ignore_errors=True)
            fresh.rename(work)
    except OSError as error:
        raise WorkDirectoryError(f"{cache}: can't be written ({error.strerror}); give a work directory") from error
    return work
