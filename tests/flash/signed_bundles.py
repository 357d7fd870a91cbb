"""Signed bundles, the key that they are checked with, and a board of one's own to put them on."""

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from asd_edge.package.bundle import Bundle, pack_bundle
from asd_edge.package.self_test import SelfTest

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
NO_TEST = SelfTest(4, 32_000, -5, bytes(range(32)))


@dataclass(frozen=True)
class BundleFile:
    """A bundle on disk; `options`: the words of a command that takes it."""

    bundle: Bundle
    path: Path
    public_key: Path

    @property
    def options(self) -> list[str]:
        return [str(self.path), "--public-key", str(self.public_key)]


def bundle_of(board: str, image: bytes, machine: str = "fan/id_00", self_test: SelfTest = NO_TEST) -> Bundle:
    return Bundle(board, machine, 0, 0, 7, 1, self_test, image)


def write_bundle(folder: Path, bundle: Bundle) -> BundleFile:
    path, public_key = folder / "model.asdb", folder / "plant.key.pub"
    path.write_bytes(pack_bundle(bundle, KEY))
    public_key.write_bytes(KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return BundleFile(bundle, path, public_key)
