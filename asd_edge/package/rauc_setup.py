"""A board and a certificate -> the files that a computer needs to take models from RAUC and to check them at boot."""

from pathlib import Path

from asd_edge.boards import Board
from asd_edge.clip.atomic_write import write_text_atomically
from asd_edge.errors import PackageError
from asd_edge.package.rauc_record import compatible

CHECK_UNIT = "asd-edge-model-check.service"
_TEMPLATES = Path(__file__).parent / "rauc"
_SYSTEM_CONF, _KEYRING = Path("etc/rauc/system.conf"), Path("etc/rauc/asd-edge.crt")
_PLACES = {
    "system.conf": _SYSTEM_CONF,
    "rauc-service.conf": Path("etc/systemd/system/rauc.service.d/asd-edge.conf"),
    CHECK_UNIT: Path("etc/systemd/system") / CHECK_UNIT,
}
_OWN_MARK, _CERTIFICATE_MARK = "# Written by `asd-edge slots setup`", "-----BEGIN CERTIFICATE-----"
_ALL_MAY_READ = 0o644


def write_setup(root: Path, board: Board, certificate: Path, slots: Path, command: Path) -> tuple[Path, ...]:
    """Write them below `root` and return their paths; `slots` and `command` are paths of the running computer.

    Raises PackageError for a board without Linux, a file that holds no certificate, a path that can't stand in a unit
    and a RAUC that somebody has set up for something else, WorkDirectoryError where a file can't be written.
    """
    if board.system != "linux":
        raise PackageError(f"{board.name}: runs no Linux, so it takes no RAUC bundle; asd-edge flash is for it")
    filled = {"@COMPATIBLE@": compatible(board.name), "@COMMAND@": _plain(command), "@SLOTS@": _plain(slots)}
    texts = {root / _KEYRING: _certificate(certificate)}
    for name, place in _PLACES.items():
        text = (_TEMPLATES / name).read_text(encoding="utf-8")
        for mark, value in filled.items():
            text = text.replace(mark, value)
        texts[root / place] = text
    existing = root / _SYSTEM_CONF
    if existing.exists() and not existing.read_text(encoding="utf-8", errors="replace").startswith(_OWN_MARK):
        raise PackageError(f"{existing}: RAUC is set up for something else here; move that file away first")
    for path, text in texts.items():
        write_text_atomically(path, text)
        path.chmod(_ALL_MAY_READ)
    return tuple(texts)


def _certificate(path: Path) -> str:
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        raise PackageError(
            f"{path}: can't be read; give the KEY.crt that asd-edge keys new KEY --rauc wrote"
        ) from error
    if _CERTIFICATE_MARK not in text or "PRIVATE KEY" in text:
        raise PackageError(f"{path}: no certificate alone; give the KEY.crt that asd-edge keys new KEY --rauc wrote")
    return text


def _plain(path: Path) -> str:
    """For a line of a unit."""
    text = str(path)
    if not path.is_absolute() or not text.isprintable() or any(character in text for character in " \"'\\;%$"):
        raise PackageError(f"{text!r} can't stand in a systemd unit; choose an absolute path without spaces and quotes")
    return text
