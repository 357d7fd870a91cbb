"""`python -m tests.listen.clocked_service CONFIG OFFSET`: `asd-edge listen run` with a wall clock that can be set.

The file OFFSET says by how many seconds. At its end it prints, as JSON, its greatest memory and whether it loaded what
a device lacks.
"""

import json
import signal
import sys
import time
from pathlib import Path

from asd_edge.listen.clock import Clock
from asd_edge.listen.notify import Notifier
from asd_edge.listen.read_config import load_config
from asd_edge.listen.service import Requests, Service

HEAVY = ("scipy", "torch", "pydantic", "onnx", "ai_edge_litert", "flatbuffers", "rich")


def main(config: Path, offset: Path) -> None:
    requests = Requests()
    signal.signal(signal.SIGTERM, lambda *_: setattr(requests, "stop", True))
    signal.signal(signal.SIGHUP, lambda *_: setattr(requests, "reload", True))
    clock = Clock(lambda: time.time() + float(offset.read_text() or 0))
    service = Service(lambda: load_config(config), clock, Notifier({}), requests)
    service.run()
    status = Path("/proc/self/status").read_text().splitlines()
    (greatest,) = [int(line.split()[1]) for line in status if line.startswith("VmHWM")]
    loaded = [name for name in HEAVY if name in sys.modules]
    seconds = time.process_time()
    print(json.dumps({"greatest_kb": greatest, "heavy": loaded, "cpu_seconds": seconds, "problems": service.problems}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
