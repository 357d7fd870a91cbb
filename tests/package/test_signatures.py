"""The device's hashes and Ed25519: RFC 8032's vectors, and OpenSSL's signatures, whole and altered."""

import hashlib
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.engine.engine_programs import SANITIZERS
from tests.package.update_programs import compile_update_program

ORDER = 2**252 + 27742317777372353535851937790883648493
FIELD = 2**255 - 19
SEED = 7
RFC_8032 = [  # section 7.1, tests 1 to 3: public key, message, signature
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24"
        "655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aee"
        "b00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28d"
        "c027beceea1ec40a",
    ),
]
Case = tuple[bytes, bytes, bytes]  # public key, message, signature


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_update_program("signature_check", tmp_path_factory.mktemp("signature_check"), SANITIZERS)


def _verdicts(program: Path, cases: list[Case]) -> list[int]:
    records = b"".join(key + signature + struct.pack("<I", len(message)) + message for key, message, signature in cases)
    done = subprocess.run([program], input=records, capture_output=True, check=True)
    message = b"".join(message for _, message, _ in cases)
    verdicts, digests = done.stdout[: len(cases)], done.stdout[len(cases) :]
    assert digests == hashlib.sha256(message).digest() + hashlib.sha512(message).digest()
    return list(verdicts)


def _signed(n_cases: int) -> list[Case]:
    generator = np.random.default_rng(SEED)
    cases = []
    for _ in range(n_cases):
        key = Ed25519PrivateKey.from_private_bytes(generator.bytes(32))
        message = generator.bytes(int(generator.integers(0, 400)))
        cases.append((key.public_key().public_bytes_raw(), message, key.sign(message)))
    return cases


def test_hashes_of_every_length_around_a_block_are_right(program: Path) -> None:
    key, message, signature = _signed(1)[0]
    for n_bytes in (*range(54, 66), *range(110, 130), *range(238, 258)):
        assert len(_verdicts(program, [(key, message.ljust(n_bytes, b"a")[:n_bytes], signature)])) == 1


def test_the_vectors_of_rfc_8032_are_accepted(program: Path) -> None:
    cases = [tuple(map(bytes.fromhex, vector)) for vector in RFC_8032]
    assert _verdicts(program, [(key, message, signature) for key, message, signature in cases]) == [1, 1, 1]


def test_what_openssl_signs_is_accepted_and_nothing_altered_is(program: Path) -> None:
    generator = np.random.default_rng(SEED + 1)
    whole = _signed(40)
    altered = []
    for index, case in enumerate(whole):
        parts = [bytearray(part) for part in case]
        which = parts[index % 3] or parts[2]
        which[generator.integers(len(which))] ^= 1 << int(generator.integers(8))
        altered.append((bytes(parts[0]), bytes(parts[1]), bytes(parts[2])))
    assert _verdicts(program, whole) == [1] * len(whole)
    assert _verdicts(program, altered) == [0] * len(altered)


def test_a_second_encoding_of_the_same_signature_is_refused(program: Path) -> None:
    cases = []
    for key, message, signature in _signed(4):
        s = int.from_bytes(signature[32:], "little") + ORDER
        cases.append((key, message, signature[:32] + s.to_bytes(32, "little")))
    assert _verdicts(program, cases) == [0] * 4


def test_a_public_key_that_is_no_point_or_not_canonical_is_refused(program: Path) -> None:
    _, message, signature = _signed(1)[0]
    keys = [FIELD, FIELD + 1, 2**255 - 1, 2]  # y not below p, and a y that has no x
    cases = [(key.to_bytes(32, "little"), message, signature) for key in keys]
    assert _verdicts(program, cases) == [0] * 4
