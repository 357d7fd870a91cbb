"""What RAUC signs with: an EC key on P-256 in a file, and beside it the certificate that devices hold as their keyring.

RAUC signs by X.509 and CMS, for which OpenSSL 3.0 takes no Ed25519.
"""

import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from asd_edge.clip.atomic_write import write_bytes_atomically
from asd_edge.errors import PackageError
from asd_edge.package.keys import beside, check_is_new, read_key_file, read_private_key, write_private_key

CERTIFICATE_SUFFIX = ".crt"
_MAKE = "make both with asd-edge keys new KEY --rauc"
_NO_END = datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=datetime.UTC)  # RFC 5280, 4.1.2.5: without an end
_CLOCK_ERROR = datetime.timedelta(days=1)  # of whoever signs
_MOST_NAME_CHARACTERS = 64  # of a common name: RFC 5280, ub-common-name


def certificate_path(key: Path) -> Path:
    """Beside the key. Raises PackageError for a path without a name."""
    return beside(key, CERTIFICATE_SUFFIX)


def write_new_rauc_keys(path: Path) -> Path:
    """A new private key at `path`, readable by its owner alone, and beside it its certificate, whose path is returned.

    Raises PackageError where either file exists or can't be written.
    """
    certificate = certificate_path(path)
    check_is_new(path, certificate)
    key = ec.generate_private_key(ec.SECP256R1())
    write_private_key(path, key)
    write_bytes_atomically(certificate, _self_signed(key, path.name).public_bytes(Encoding.PEM))
    return certificate


def check_rauc_keys(path: Path) -> Path:
    """The path of the key's certificate.

    Raises PackageError for a key that RAUC can't sign with or that others than its owner may read, and for a
    certificate that is missing or of another key.
    """
    key, certificate = read_private_key(path), certificate_path(path)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise PackageError(f"{path}: RAUC signs with an EC key, and this is none; {_MAKE}")
    if not certificate.exists():
        raise PackageError(f"{certificate}: missing, the key's certificate; {_MAKE}")
    try:
        public_key = x509.load_pem_x509_certificate(read_key_file(certificate)).public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise PackageError(f"{certificate}: no certificate in PEM; {_MAKE}") from error
    if public_key != key.public_key():
        raise PackageError(f"{certificate}: of another key than {path}; {_MAKE}")
    return certificate


def _self_signed(key: ec.EllipticCurvePrivateKey, name: str) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"asd-edge {name}"[:_MOST_NAME_CHARACTERS])])
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime.datetime.now(datetime.UTC) - _CLOCK_ERROR)
        .not_valid_after(_NO_END)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )
