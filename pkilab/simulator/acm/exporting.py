"""ExportCertificate and RevokeCertificate: what leaves ACM, and how it is called back.

Sources: ACM API Reference, ExportCertificate and RevokeCertificate; ACM User Guide, "Export an ACM
public certificate" (its sample shows how the key is encrypted).
"""

from __future__ import annotations

import hashlib
import textwrap
from base64 import b64encode
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pkilab.pki.entropy import RandomSource
from pkilab.pki.keys import PrivateKey
from pkilab.simulator.acm.state import AcmCertificate
from pkilab.simulator.service import AwsError

Json = dict[str, Any]

_FORBIDDEN = frozenset(b"#$%")
_SALT, _ROUNDS, _KEY, _BLOCK = 20, 2048, 32, 16  # bytes but for the rounds
_ASCII_END = 0x80
# Reasons by which a certificate may come back (RFC 5280, section 5.3.1).
_NOT_FOR_GOOD = {"CERTIFICATE_HOLD", "REMOVE_FROM_CRL"}


@asn1.sequence
class _Pbkdf2:
    salt: bytes
    rounds: int


@asn1.sequence
class _Derivation:
    algorithm: x509.ObjectIdentifier
    parameters: _Pbkdf2


@asn1.sequence
class _Encryption:
    algorithm: x509.ObjectIdentifier
    vector: bytes


@asn1.sequence
class _Scheme:
    derivation: _Derivation
    encryption: _Encryption


@asn1.sequence
class _Algorithm:
    algorithm: x509.ObjectIdentifier
    parameters: _Scheme


@asn1.sequence
class _EncryptedPrivateKeyInfo:
    """RFC 5958, section 3, with PBES2 of RFC 8018, appendix A.4."""

    algorithm: _Algorithm
    data: bytes


_PBES2 = x509.ObjectIdentifier("1.2.840.113549.1.5.13")
_PBKDF2 = x509.ObjectIdentifier("1.2.840.113549.1.5.12")
_AES_256_CBC = x509.ObjectIdentifier("2.16.840.1.101.3.4.1.42")


def check_export(of: AcmCertificate, passphrase: bytes, now: datetime) -> None:
    """Refuse an export that ACM does not make.

    Raises:
        AwsError: ValidationException; RequestInProgressException, it is not issued yet.
    """
    if any(byte >= _ASCII_END or byte in _FORBIDDEN for byte in passphrase):
        message = "The passphrase may have any ASCII character but #, $ and %."
        raise AwsError("ValidationException", message)
    if of.type == "IMPORTED" or (of.type == "AMAZON_ISSUED" and of.export == "DISABLED"):
        raise AwsError("ValidationException", f"The certificate {of.arn} cannot be exported.")
    if of.certificate is None:
        message = f"Certificate {of.arn} is not yet issued."
        raise AwsError("RequestInProgressException", message)
    if (status := of.status_at(now)) == "REVOKED":
        message = f"The certificate {of.arn} cannot be exported: it is {status}."
        raise AwsError("ValidationException", message)


def check_revocation(of: AcmCertificate, reason: str) -> None:
    """Refuse a revocation that ACM does not make.

    Raises:
        AwsError: ValidationException; ResourceInUseException.
    """
    if of.type != "AMAZON_ISSUED":
        raise AwsError("ValidationException", "Only public certificates of ACM can be revoked.")
    if not of.exports:
        message = "Only certificates that have been exported can be revoked."
        raise AwsError("ValidationException", message)
    if of.status == "REVOKED":
        raise AwsError("ValidationException", f"The certificate {of.arn} is revoked already.")
    if reason in _NOT_FOR_GOOD:
        raise AwsError("ValidationException", f"A revocation is permanent: {reason} is no reason.")
    if of.in_use_by:
        raise AwsError("ResourceInUseException", f"The certificate {of.arn} is in use.")


def encrypted(key: PrivateKey, passphrase: bytes, random: RandomSource) -> str:
    """Write a private key as encrypted PKCS#8 in PEM, as ACM does.

    PBES2: PBKDF2 with HMAC-SHA-1, 2,048 rounds and a salt of 20 bytes; AES-256-CBC. The library
    that writes keys chooses its own salt, and would choose another in each run.

    Args:
        key: the private key.
        passphrase: what opens it.
        random: salt and initialization vector come from it; never used again for another key.
    """
    salt, vector = random.bytes(_SALT), random.bytes(_BLOCK)
    plain = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    padder = PKCS7(_BLOCK * 8).padder()
    padded = padder.update(plain) + padder.finalize()
    secret = hashlib.pbkdf2_hmac("sha1", passphrase, salt, _ROUNDS, _KEY)
    cipher = Cipher(algorithms.AES(secret), modes.CBC(vector)).encryptor()
    scheme = _Scheme(
        derivation=_Derivation(algorithm=_PBKDF2, parameters=_Pbkdf2(salt=salt, rounds=_ROUNDS)),
        encryption=_Encryption(algorithm=_AES_256_CBC, vector=vector),
    )
    info = _EncryptedPrivateKeyInfo(
        algorithm=_Algorithm(algorithm=_PBES2, parameters=scheme),
        data=cipher.update(padded) + cipher.finalize(),
    )
    text = "\n".join(textwrap.wrap(b64encode(asn1.encode_der(info)).decode(), 64))
    return f"-----BEGIN ENCRYPTED PRIVATE KEY-----\n{text}\n-----END ENCRYPTED PRIVATE KEY-----\n"
