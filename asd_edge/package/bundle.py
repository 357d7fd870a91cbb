"""A bundle's bytes: 256 of signed header, an Ed25519 signature, zeros up to 512, the model image.

firmware/update/DESIGN.md gives every field; firmware/include/asd/asd_bundle.h is the same in C.
"""

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from asd_edge.errors import PackageError
from asd_edge.package.keys import is_signed_by
from asd_edge.package.rauc_record import MOST_THRESHOLD
from asd_edge.package.regular_file import read_regular_file
from asd_edge.package.self_test import SelfTest

HEADER_BYTES, SIGNED_BYTES, SIGNATURE_BYTES = 512, 256, 64
_MAGIC, _FORMAT = 0x42445341, 1
_FIELDS = struct.Struct("<IHH32s48sIIII32sqIIq32s64x")
_Q16 = 65536
_MOST_VERSION = 2**32 - 1


@dataclass(frozen=True)
class Bundle:
    """What a device is told with a model; `threshold_q16`: the score, times 65536, above which it raises the alarm."""

    board: str
    machine: str  # "fan/id_00"
    class_index: int
    threshold_q16: int
    version: int  # rises with every release: a device never goes back to a lower one
    least_firmware: int
    self_test: SelfTest
    image: bytes

    @property
    def threshold(self) -> float:
        """Log-odds, or dB^2 of a reconstruction."""
        return self.threshold_q16 / _Q16


def pack_bundle(bundle: Bundle, key: Ed25519PrivateKey) -> bytes:
    """Raises PackageError for a name or a number that the header has no room for."""
    for name, n_most in ((bundle.board, 31), (bundle.machine, 47)):
        if len(name.encode()) > n_most:
            raise PackageError(f"{name!r}: more than the {n_most} bytes that a bundle has for it; shorten the name")
    check_numbers(bundle.version, bundle.least_firmware, bundle.threshold)
    header = _FIELDS.pack(
        *(_MAGIC, _FORMAT, SIGNED_BYTES, bundle.board.encode(), bundle.machine.encode()),
        *(bundle.least_firmware, bundle.version, len(bundle.image), bundle.class_index),
        *(hashlib.sha256(bundle.image).digest(), bundle.threshold_q16),
        *(bundle.self_test.seed, bundle.self_test.n_samples, bundle.self_test.score_q16),
        bundle.self_test.output_sha256,
    )
    assert len(header) == SIGNED_BYTES
    return (header + key.sign(header)).ljust(HEADER_BYTES, b"\0") + bundle.image


def check_numbers(version: int, least_firmware: int, threshold: float) -> None:
    """Raises PackageError for one that a device's 32 or 64 bits have no room for."""
    for name, number in (("version", version), ("least firmware", least_firmware)):
        if not 0 < number <= _MOST_VERSION:
            raise PackageError(f"{name} {number}: choose one from 1 to {_MOST_VERSION}")
    if not -MOST_THRESHOLD <= threshold < MOST_THRESHOLD:  # nor is NaN
        raise PackageError(f"threshold {threshold}: choose a number below {MOST_THRESHOLD:.0f}")


def read_bundle(content: bytes, keys: Sequence[Ed25519PublicKey], place: Path) -> Bundle:
    """`place` is named in messages. The signature is checked before any field is believed.

    Raises PackageError for anything but a whole bundle that the owner of one of the keys has signed.
    """
    if len(content) < HEADER_BYTES or int.from_bytes(content[:4], "little") != _MAGIC:
        raise PackageError(f"{place}: no bundle; make one with asd-edge package")
    header = content[:SIGNED_BYTES]
    signature = content[SIGNED_BYTES : SIGNED_BYTES + SIGNATURE_BYTES]
    if not any(is_signed_by(key, header, signature) for key in keys):
        raise PackageError(f"{place}: signed by none of the given keys, or altered; don't install it")
    if any(content[SIGNED_BYTES + SIGNATURE_BYTES : HEADER_BYTES]):
        raise PackageError(f"{place}: altered: bytes behind its signature aren't zero; copy the bundle again")
    (_, format_version, signed_bytes, board, machine, least_firmware, version, image_bytes, class_index, sha256,
     threshold, seed, n_samples, score, output_sha256) = _FIELDS.unpack(header)  # fmt: skip
    if (format_version, signed_bytes) != (_FORMAT, SIGNED_BYTES):
        raise PackageError(f"{place}: bundle format {format_version}, this is {_FORMAT}; update asd-edge")
    image = content[HEADER_BYTES:]
    if len(image) != image_bytes or hashlib.sha256(image).digest() != sha256:
        raise PackageError(f"{place}: its image isn't the one that was signed; copy the bundle again")
    self_test = SelfTest(seed, n_samples, score, output_sha256)
    try:
        board_name, machine_name = (name.partition(b"\0")[0].decode() for name in (board, machine))
    except UnicodeDecodeError as error:
        raise PackageError(f"{place}: its board or machine is no text; package it again") from error
    return Bundle(board_name, machine_name, class_index, threshold, version, least_firmware, self_test, image)


def load_bundle(path: Path, keys: Sequence[Ed25519PublicKey]) -> Bundle:
    """Raises PackageError, for a file that can't be read too."""
    try:
        content = read_regular_file(path)
    except OSError as error:
        raise PackageError(f"{path}: can't be read ({error.strerror or error}); give a bundle") from error
    return read_bundle(content, keys, path)
