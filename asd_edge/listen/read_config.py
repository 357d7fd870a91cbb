"""The service's YAML file -> `ListenConfig`; what is wrong in it is said in one line, with its place."""

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

from asd_edge.errors import ListenError
from asd_edge.listen.config import ListenConfig

_READ = """
import pickle, sys
from pathlib import Path
from asd_edge.errors import ListenError
from asd_edge.listen.read_config import read_config
try:
    found = read_config(Path(sys.argv[1]))
except ListenError as error:
    found = error
sys.stdout.buffer.write(pickle.dumps(found))
"""


def load_config(path: Path) -> ListenConfig:
    """`read_config` by a process of its own, so that this one stays without pydantic.

    Raises ListenError as `read_config` does, and where that process can't do its work.
    """
    try:
        done = subprocess.run([sys.executable, "-P", "-c", _READ, str(path)], capture_output=True, check=False)
    except OSError as error:
        raise ListenError(f"{path}: can't be read: no process can be started for it ({error.strerror})") from error
    if done.returncode != 0:
        last = (done.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
        raise ListenError(f"{path}: can't be read: the process for it ended with {done.returncode} ({last})")
    found = pickle.loads(done.stdout)
    if isinstance(found, ListenError):
        raise found
    assert isinstance(found, ListenConfig), "nothing else is written"
    return found


def read_config(path: Path) -> ListenConfig:
    """Paths in the file are taken from the folder that it lies in.

    Raises ListenError for a file that can't be read or says something else.
    """
    import yaml
    from pydantic import TypeAdapter, ValidationError

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ListenError(f"{path}: can't be read ({error.strerror}); give a configuration") from error
    except RecursionError as error:
        raise ListenError(f"{path}: is nested too deep; correct it") from error
    except (yaml.YAMLError, ValueError) as error:
        raise ListenError(f"{path}: is no YAML ({' '.join(str(error).split())}); correct it") from error
    try:
        return TypeAdapter(ListenConfig).validate_python(content, context={"folder": path.absolute().parent})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        words = first["msg"].removeprefix("Value error, ")
        raise ListenError(f"{path}: {where}: {words}; see asd-edge listen schema") from error


def config_schema() -> dict[str, Any]:
    """JSON Schema of the file."""
    from pydantic import TypeAdapter

    return TypeAdapter(ListenConfig).json_schema()
