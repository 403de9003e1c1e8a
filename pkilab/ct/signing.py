"""A log's signatures: on timestamps for certificates, and on the heads of its tree.

A log of version 1 signs with ECDSA on P-256 or with RSA (PKCS#1 v1.5, 2,048 bits or more), both
over SHA-256 (RFC 6962, 2.1.4). ECDSA is deterministic here (RFC 6979): the same entry at the same
time has the same SCT, as RFC 6962, 3, allows a log to answer.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pkilab.ct.structures import (
    ECDSA,
    RSA,
    SHA256,
    DigitallySigned,
    Sct,
    SignedTreeHead,
    TimestampedEntry,
    TreeHead,
    timestamp_of,
)
from pkilab.errors import CtError, MalformedError
from pkilab.pki.certificates import time_text
from pkilab.pki.keys import PrivateKey, PublicKey, key_algorithm

if TYPE_CHECKING:
    from datetime import datetime

LogPublicKey: TypeAlias = ec.EllipticCurvePublicKey | rsa.RSAPublicKey

_LEAST_RSA = 2048
_EXPECTED_KEY = "EC_prime256v1, or RSA of at least 2048 bits"
_NAMES = {RSA: "RSA", ECDSA: "ECDSA"}


def log_id(public_key: PublicKey) -> bytes:
    """Return the ID of the log with this key: the SHA-256 of its SPKI, 32 bytes (RFC 6962, 3.2)."""
    spki = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return sha256(spki).digest()


def sign_sct(key: PrivateKey, entry: TimestampedEntry) -> Sct:
    """Promise to publish an entry: sign it as the log with this key.

    Raises:
        MalformedError: a key that no log may have, or an entry that cannot be encoded.
    """
    signature = sign(key, entry.signed_part())
    return Sct(log_id(key.public_key()), entry.timestamp, entry.extensions, signature)


def verify_sct(
    sct: Sct, entry: TimestampedEntry, public_key: PublicKey, *, at: datetime | None = None
) -> None:
    """Check that the log with this key made an SCT for an entry.

    Not checked: whether the entry is in the log, and whether anyone trusts the log
    (`pkilab.ct.policy`).

    Args:
        sct: the promise.
        entry: what it should be for; `Sct.entry` makes it from a certificate or a PreCert.
        public_key: the log's.
        at: an aware time; a timestamp after it is refused (RFC 6962, 5.2). None: not looked at.

    Raises:
        CtError: it is another log's, of the future, for something else, or forged.
        MalformedError: the key is one that no log may have, the entry cannot be encoded, or ``at``
            has no time zone.
    """
    if sct.log_id != (expected := log_id(public_key)):
        raise CtError("SCT", found=f"one by log {sct.log_id.hex()}", expected=expected.hex())
    if (sct.timestamp, sct.extensions) != (entry.timestamp, entry.extensions):
        raise CtError("SCT", found="another timestamp or extensions", expected="the entry's")
    if at is not None and sct.timestamp > timestamp_of(at):
        found = f"timestamp {sct.timestamp} ms, in the future"
        raise CtError("SCT", found=found, expected=f"not after {time_text(at)}")
    verify("SCT", sct.signature, entry.signed_part(), public_key)


def sign_tree_head(key: PrivateKey, head: TreeHead) -> SignedTreeHead:
    """Sign the head of a tree as the log with this key.

    Raises:
        MalformedError: a key that no log may have, or a head that cannot be encoded.
    """
    return SignedTreeHead(head, sign(key, head.signed_part()))


def verify_tree_head(sth: SignedTreeHead, public_key: PublicKey) -> None:
    """Check that the log with this key signed a tree head.

    Not checked: whether it is recent, and whether the tree continues an earlier one
    (`pkilab.ct.merkle.verify_consistency`).

    Raises:
        CtError: it did not.
        MalformedError: the key is one that no log may have, or the head cannot be encoded.
    """
    verify("signed tree head", sth.signature, sth.head.signed_part(), public_key)


def sign(key: PrivateKey, data: bytes) -> DigitallySigned:
    """Sign bytes as a log does.

    Raises:
        MalformedError: a key that no log may have.
    """
    log_key(key.public_key())
    if isinstance(key, ec.EllipticCurvePrivateKey):
        made = key.sign(data, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        return DigitallySigned(SHA256, ECDSA, made)
    assert isinstance(key, rsa.RSAPrivateKey)  # noqa: S101 - log_key allows no other
    return DigitallySigned(SHA256, RSA, key.sign(data, padding.PKCS1v15(), hashes.SHA256()))


def verify(what: str, signed: DigitallySigned, data: bytes, public_key: PublicKey) -> None:
    """Check a log's signature over bytes.

    Args:
        what: names the thing in the error.
        signed: the signature.
        data: what was signed.
        public_key: the log's.

    Raises:
        CtError: the signature is not this key's, or of a kind that this key does not make.
        MalformedError: the key is one that no log may have.
    """
    key = log_key(public_key)
    expected = ECDSA if isinstance(key, ec.EllipticCurvePublicKey) else RSA
    if (signed.hash_algorithm, signed.signature_algorithm) != (SHA256, expected):
        found = f"hash {signed.hash_algorithm} and signature {signed.signature_algorithm}"
        want = f"{SHA256} and {expected} (SHA-256 and {_NAMES[expected]})"
        raise CtError(f"signature algorithm of the {what}", found=found, expected=want)
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signed.signature, data, ec.ECDSA(hashes.SHA256()))
        else:
            key.verify(signed.signature, data, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        found = "one that this log's key did not make over this"
        raise CtError(f"signature of the {what}", found=found, expected="the log's") from None


def log_key(public_key: PublicKey) -> LogPublicKey:
    """Return the key, if it is one that a log of version 1 may have (RFC 6962, 2.1.4).

    Raises:
        MalformedError: it is another.
    """
    if isinstance(public_key, ec.EllipticCurvePublicKey):
        if isinstance(public_key.curve, ec.SECP256R1):
            return public_key
    elif isinstance(public_key, rsa.RSAPublicKey) and public_key.key_size >= _LEAST_RSA:
        return public_key
    raise MalformedError("log key", found=key_algorithm(public_key), expected=_EXPECTED_KEY)
