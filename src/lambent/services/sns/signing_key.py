"""The key that signs messages, and its certificate: RSA, as the verifiers in the SDKs expect it.

Loaded when the first message is signed, not before: the library takes 30 ms that no start should wait for.
"""

import base64
from datetime import UTC, datetime, timedelta
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from lambent.services.sns.store import StoredKey

_KEY_BITS = 2_048
_VALID_DAYS = 3_650
_NAME = "sns.lambent"

#: "SignatureVersion 1 uses an SHA1 hash of the message, SignatureVersion 2 an SHA256 hash."
_HASHES: dict[str, hashes.HashAlgorithm] = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303 - AWS's format


def make(now: float) -> StoredKey:
    """A new pair. Takes some tens of milliseconds."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=_KEY_BITS)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    certificate = _certificate(key, datetime.fromtimestamp(now, UTC)).public_bytes(serialization.Encoding.PEM)
    return StoredKey(private.decode(), certificate.decode())


class SigningKey:
    def __init__(self, key: rsa.RSAPrivateKey, certificate: str) -> None:
        self._key = key
        self.certificate = certificate

    @classmethod
    def load(cls, stored: StoredKey) -> Self:
        key = serialization.load_pem_private_key(stored.private_key.encode(), password=None)
        assert isinstance(key, rsa.RSAPrivateKey)
        return cls(key, stored.certificate)

    def sign(self, text: str, version: str) -> str:
        """Base64. About 0.4 ms."""
        return base64.b64encode(self._key.sign(text.encode(), padding.PKCS1v15(), _HASHES[version])).decode()


def _certificate(key: rsa.RSAPrivateKey, now: datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _NAME)])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=_VALID_DAYS))
        .sign(key, hashes.SHA256())
    )
