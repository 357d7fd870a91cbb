"""read_bundle on bytes of any kind: a bundle that its owner signed, or PackageError."""

import hashlib
import struct
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from asd_edge.errors import PackageError
from asd_edge.package.bundle import HEADER_BYTES, SIGNATURE_BYTES, SIGNED_BYTES, Bundle, pack_bundle, read_bundle
from asd_edge.package.self_test import SelfTest

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
IMAGE = bytes(range(200))
WHOLE = pack_bundle(Bundle("toy", "fan/id_00", 3, -70_000, 9, 2, SelfTest(4, 2048, -5, bytes(32)), IMAGE), KEY)
PLACE = Path("b.asdb")
_IMAGE_BYTES_AT, _SHA256_AT = 96, 104
EXAMPLES = settings(max_examples=150, deadline=None)


def _read(content: bytes) -> Bundle | None:
    try:
        return read_bundle(content, [KEY.public_key()], PLACE)
    except PackageError as error:
        said = str(error)
    assert said.startswith("b.asdb: ")
    assert "\n" not in said
    return None


def _signed(header: bytes, image: bytes) -> bytes:
    return (header + KEY.sign(header)).ljust(HEADER_BYTES, b"\0") + image


@EXAMPLES
@given(st.binary(max_size=2 * HEADER_BYTES))
def test_no_bytes_of_a_stranger_are_a_bundle(content: bytes) -> None:
    assert _read(content) is None
    assert _read(WHOLE[:4] + content) is None


@EXAMPLES
@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255), st.integers(0, len(WHOLE) - 1))
def test_no_altered_or_shortened_bundle_is_read(at: int, change: int, n_bytes: int) -> None:
    altered = bytearray(WHOLE)
    altered[at] ^= change
    assert _read(bytes(altered)) is None
    assert _read(WHOLE[:n_bytes]) is None


@pytest.mark.parametrize("at", [SIGNED_BYTES + SIGNATURE_BYTES, HEADER_BYTES - 1], ids=["first", "last"])
def test_a_byte_behind_the_signature_that_nobody_signed_is_refused(at: int) -> None:
    altered = bytearray(WHOLE)
    altered[at] = 1
    with pytest.raises(PackageError, match="bytes behind its signature aren't zero"):
        read_bundle(bytes(altered), [KEY.public_key()], PLACE)


@EXAMPLES
@given(
    st.lists(st.tuples(st.integers(4, SIGNED_BYTES - 1), st.integers(0, 255)), max_size=40),
    st.binary(max_size=80),
    st.booleans(),
)
def test_a_header_of_anything_that_the_owner_signed_is_read_or_refused(
    changes: list[tuple[int, int]], image: bytes, is_hash_right: bool
) -> None:
    header = bytearray(WHOLE[:SIGNED_BYTES])
    for at, value in changes:
        header[at] = value
    if is_hash_right:
        header[_IMAGE_BYTES_AT : _IMAGE_BYTES_AT + 4] = struct.pack("<I", len(image))
        header[_SHA256_AT : _SHA256_AT + 32] = hashlib.sha256(image).digest()
    bundle = _read(_signed(bytes(header), image))
    if bundle is not None:
        assert bundle.image == image
        assert bundle.version == struct.unpack_from("<I", header, 92)[0]
