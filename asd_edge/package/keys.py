"""Ed25519 keys in files: the private one of whoever signs bundles, the public one that firmware is built with."""

import os
import stat
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from asd_edge.clip.atomic_write import write_text_atomically
from asd_edge.errors import PackageError
from asd_edge.package.regular_file import read_regular_file

PUBLIC_SUFFIX = ".pub"
_KEY_BYTES_PER_LINE = 16
_UNKNOWN_KIND = "a kind of key that isn't known here"
_PUBLIC_MARK = b"-----BEGIN PUBLIC KEY-----"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def write_new_keys(path: Path) -> Path:
    """A new private key at `path`, readable by its owner alone, and the public one beside it, whose path is returned.

    Raises PackageError where either file exists or can't be written.
    """
    public_path = beside(path, PUBLIC_SUFFIX)
    check_is_new(path, public_path)
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    write_private_key(path, key)
    write_text_atomically(public_path, public.decode())
    return public_path


def beside(path: Path, suffix: str) -> Path:
    """The file that belongs to a key's. Raises PackageError for a path without a name, such as a folder's "."."""
    if not path.name:
        raise PackageError(f"{str(path)!r}: names no file; give the key's file a name, as in plant.key")
    return path.with_name(path.name + suffix)


def check_is_new(*paths: Path) -> None:
    """Raises PackageError where one of them exists, or can't."""
    for path in paths:
        try:
            is_there = path.exists()
        except OSError as error:
            raise PackageError(f"{path}: can't be written ({error.strerror or error}); choose another place") from error
        if is_there:
            raise PackageError(f"{path}: exists; a key is never overwritten: choose another name")


def write_private_key(path: Path, key: Ed25519PrivateKey | EllipticCurvePrivateKey) -> None:
    """A new file, readable by its owner alone. Raises PackageError where it can't be written."""
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR), "wb") as file:
            file.write(private)
    except OSError as error:
        raise PackageError(f"{path}: can't be written ({error.strerror or error}); choose another place") from error


def load_private_key(path: Path) -> Ed25519PrivateKey:
    """Raises PackageError for a file that isn't an Ed25519 private key, or that others than its owner may read."""
    key = read_private_key(path)
    if not isinstance(key, Ed25519PrivateKey):
        raise PackageError(f"{path}: no Ed25519 key; make one with asd-edge keys new")
    return key


def read_private_key(path: Path) -> PrivateKeyTypes:
    """Of any kind. Raises PackageError for a file that holds none, or that others than its owner may read."""
    content = read_key_file(path)
    if content.startswith(_PUBLIC_MARK):
        raise PackageError(f"{path}: a public key, and signing takes the private one; give {path.stem}")
    if os.name == "posix" and path.stat().st_mode & _OTHERS:
        raise PackageError(f"{path}: others than its owner may read this private key; run chmod 600 {path}")
    try:
        return load_pem_private_key(content, password=None)
    except UnsupportedAlgorithm as error:
        raise PackageError(f"{path}: {_UNKNOWN_KIND}; make one with asd-edge keys new") from error
    except (ValueError, TypeError) as error:
        raise PackageError(f"{path}: no unencrypted private key in PEM; make one with asd-edge keys new") from error


def load_public_key(path: Path) -> Ed25519PublicKey:
    """Raises PackageError for a file that isn't an Ed25519 public key."""
    try:
        key = load_pem_public_key(read_key_file(path))
    except UnsupportedAlgorithm as error:
        raise PackageError(f"{path}: {_UNKNOWN_KIND}; give the file that asd-edge keys new wrote") from error
    except (ValueError, TypeError) as error:
        raise PackageError(f"{path}: no public key in PEM; give the file that asd-edge keys new wrote") from error
    if not isinstance(key, Ed25519PublicKey):
        raise PackageError(f"{path}: no Ed25519 key; give the file that asd-edge keys new wrote")
    return key


def public_key_source(key: bytes, name: str) -> str:
    """The C file that a firmware's build takes: 32 bytes that may sign models; `name` says whose they are."""
    lines = [key[at : at + _KEY_BYTES_PER_LINE] for at in range(0, len(key), _KEY_BYTES_PER_LINE)]
    rows = ",\n     ".join(", ".join(f"0x{byte:02X}" for byte in line) for line in lines)
    return (
        f'/* Who may sign models for this firmware: {name}. */\n#include "asd/asd_public_keys.h"\n\n'
        f"const uint32_t asd_n_public_keys = 1;\nconst uint8_t asd_public_keys[][ASD_ED25519_KEY_BYTES] = {{\n"
        f"    {{{rows}}},\n}};"
    )


def is_signed_by(key: Ed25519PublicKey, message: bytes, signature: bytes) -> bool:
    """Whether the owner of the key signed the message."""
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def read_key_file(path: Path) -> bytes:
    """Raises PackageError where it can't be read."""
    try:
        return read_regular_file(path)
    except OSError as error:
        raise PackageError(f"{path}: can't be read ({error.strerror or error}); give a key's file") from error
