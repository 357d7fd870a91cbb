"""A folder whose files move into the work directory together once all are written, and vanish if any step fails."""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from asd_edge.errors import WorkDirectoryError


@contextmanager
def staged_files(work: Path, owned: Sequence[str]) -> Iterator[Path]:
    """Yield an empty folder inside `work`; when the block succeeds, its files replace those of the same name in `work`.

    Names in `owned` that the block didn't write are removed from `work`: they'd belong to another model.
    Raises WorkDirectoryError when the directory can't be made or written.
    """
    is_new = not work.exists()
    try:
        work.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".export.", dir=work))
    except OSError as error:
        raise WorkDirectoryError(f"{work}: can't be written ({error.strerror}); choose a writable output") from error
    try:
        yield staging
        written = sorted(staging.iterdir())
        for path in written:
            path.replace(work / path.name)
        for name in set(owned) - {path.name for path in written}:
            (work / name).unlink(missing_ok=True)
        is_new = False
    except OSError as error:
        raise WorkDirectoryError(
            f"{work}: can't be written ({error.strerror}); free space or choose another output"
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        if is_new:
            with suppress(OSError):  # not empty: some files had already moved
                work.rmdir()
