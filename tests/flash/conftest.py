"""Two hosts with asd-edge behind real sshds, and a bundle whose self-test passes there."""

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from asd_edge.package.rauc_record import WINDOW_IMAGE
from asd_edge.package.self_test import run_self_test
from tests.boards.local_sshd import LocalSshd, local_sshd, missing_sshd
from tests.flash.signed_bundles import BundleFile, bundle_of, write_bundle

_COMMAND = "import sys; from asd_edge.cli import run; sys.exit(run(sys.argv[1:]))"


@dataclass(frozen=True)
class Pair:
    """Two hosts with asd-edge, which one user's key opens."""

    first: LocalSshd
    second: LocalSshd

    def slots(self, name: str) -> tuple[Path, Path]:
        """Where --slots ~/NAME is."""
        return self.first.home / name, self.second.home / name


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    if (reason := missing_sshd()) is not None:
        pytest.skip(reason)
    with local_sshd(tmp_path_factory.mktemp("first")) as first, local_sshd(tmp_path_factory.mktemp("second")) as second:
        ours, theirs = (host.home / ".ssh" for host in (second, first))
        shutil.copyfile(ours / "id_ed25519.pub", theirs / "id_ed25519.pub")
        with (ours / "known_hosts").open("a") as known_hosts:
            known_hosts.write((theirs / "known_hosts").read_text())
        for host in (first, second):
            command = host.programs / "asd-edge"
            command.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{_COMMAND}' \"$@\"\n")
            command.chmod(0o755)
        yield Pair(first, second)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> BundleFile:
    """Version 7, with a threshold of 1.5 and a self-test that passes."""
    from asd_edge.native import is_built
    from tests.listen.small_detector import WINDOW, write_small_work

    if not is_built():
        pytest.skip("no C library: there was no compiler at installation")
    folder = tmp_path_factory.mktemp("bundle")
    image = (write_small_work(folder / "work") / WINDOW_IMAGE).read_bytes()
    made = bundle_of("rpi4", image, self_test=run_self_test(image, WINDOW, 0, 1))
    return write_bundle(folder, replace(made, threshold_q16=98_304))
