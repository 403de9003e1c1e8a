"""The three fields of ImportCertificate, read as ACM reads them (`pkilab.pki.acm_import`).

Each reader returns what it read, None if nothing could be, and what it objects to.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from pkilab.errors import MalformedError
from pkilab.pki import pem
from pkilab.pki.keys import PrivateKey, can_sign, key_algorithm
from pkilab.pki.material import KEYS, is_encrypted, undo_base64
from pkilab.pki.pkcs12 import PfxError, inspect_pfx

KEY_ALGORITHMS = (
    "RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096",
    "EC_prime256v1", "EC_secp384r1", "EC_secp521r1",
)  # fmt: skip
LARGEST_KEY, LARGEST_CERTIFICATE, LARGEST_CHAIN = 5_120, 32_768, 2_097_152  # bytes of PEM


class Cause(StrEnum):
    """What ACM objects to, or someone later will."""

    BASE64_TWICE = "Base64 once too often"
    NOT_PEM = "not PEM"
    TEXT_AROUND = "text around the PEM"
    TOO_LARGE = "too large"
    SEVERAL_CERTIFICATES = "several certificates in one field"
    NOT_VERSION_3 = "not X.509 version 3"
    NO_NAME = "no name to serve"
    NO_ISSUER = "no issuer"
    EXPIRED = "expired"
    NOT_YET_VALID = "not yet valid"
    ENCRYPTED_KEY = "the private key is encrypted"
    KEY_NOT_SUPPORTED = "the private key is not supported"
    KEY_OF_ANOTHER = "the private key is another certificate's"
    NO_CHAIN = "no chain"
    LEAF_IN_CHAIN = "the certificate stands in its own chain"
    MISSING_ISSUER = "an issuer is missing"
    CHAIN_ORDER = "the chain is not in order"
    FOREIGN_CHAIN = "the chain is another certificate's"
    ALGORITHM_FAMILY = "the CA signs with another kind of key"
    OCSP_URL = "the OCSP URL is too long"
    REIMPORT_KEY = "a reimport may not change the key type"
    REIMPORT_NAMES = "a reimport may not remove every name"
    REIMPORT_USES = "a reimport may not remove uses"
    NO_ROOT = "the chain ends below a root"
    WEAK_KEY = "a weak key"


@dataclass(frozen=True, slots=True)
class Finding:
    """One objection.

    Attributes:
        cause: in a word.
        sentence: what was found.
        remedy: what removes it.
        refused: whether ACM refuses for it; otherwise it imports, and somebody else may object.
        likeliest: whether AWS leaves this open, and this is the likeliest reading.
    """

    cause: Cause
    sentence: str
    remedy: str
    refused: bool = True
    likeliest: bool = False


def read_certificate(data: bytes | str) -> tuple[x509.Certificate | None, list[Finding]]:
    """Read the certificate field; of several the first."""
    certificates, found = _certificates(data, "certificate", LARGEST_CERTIFICATE)
    if len(certificates) > 1:
        found.append(
            Finding(
                Cause.SEVERAL_CERTIFICATES,
                f"The certificate field holds {len(certificates)} certificates.",
                "Put the certificate alone there, and the others into the chain.",
            )
        )
    return next(iter(certificates), None), found


def read_chain(
    data: bytes | str | None,
) -> tuple[tuple[x509.Certificate, ...] | None, list[Finding]]:
    """Read the chain field; nothing is an empty chain."""
    if not data:
        return (), []
    certificates, found = _certificates(data, "chain", LARGEST_CHAIN)
    return certificates or None, found


def read_key(data: bytes | str) -> tuple[PrivateKey | None, list[Finding]]:
    """Read the private key field."""
    text, found = _text(data, "private key", LARGEST_KEY)
    try:
        blocks = pem.split(text)
    except MalformedError:
        return None, [*found, not_pem("private key", _what(text))]
    found += _around(text, "private key")
    # EC PARAMETERS before the key is what openssl writes; ACM passes over it.
    keys = [block for block in blocks if block[0] != "EC PARAMETERS"]
    if len(keys) != 1 or keys[0][0] not in KEYS:
        kinds = ", ".join(kind for kind, _ in keys) or "parameters alone"
        return None, [*found, not_pem("private key", f"{kinds}, expected one private key")]
    key, objection = _key(*keys[0])
    return key, [*found, *objection]


def not_pem(thing: str, what: str) -> Finding:
    """Object to what is no PEM of its kind."""
    return Finding(
        Cause.NOT_PEM, f"The {thing} is not in PEM: found {what}.", "Convert it; sort_pem does."
    )


def _key(kind: str, text: str) -> tuple[PrivateKey | None, list[Finding]]:
    if is_encrypted(kind, text):
        remedy = "Decrypt it: sort_pem with its passphrase, or openssl pkey."
        return None, [Finding(Cause.ENCRYPTED_KEY, "The private key is encrypted.", remedy)]
    try:
        key = load_pem_private_key(text.encode("latin-1", errors="replace"), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None, [not_pem("private key", "a damaged private key")]
    algorithm = key_algorithm(key) if can_sign(key) else type(key).__name__
    if algorithm not in KEY_ALGORITHMS or not can_sign(key):
        remedy = f"Have a certificate issued for one of {', '.join(KEY_ALGORITHMS)}."
        return None, [Finding(Cause.KEY_NOT_SUPPORTED, f"The private key is {algorithm}.", remedy)]
    if algorithm != "RSA_1024":
        return key, []
    remedy = "ACM imports it; clients and most services refuse it."
    return key, [Finding(Cause.WEAK_KEY, "The private key is RSA_1024.", remedy, refused=False)]


def _certificates(
    data: bytes | str, thing: str, most: int
) -> tuple[tuple[x509.Certificate, ...], list[Finding]]:
    text, found = _text(data, thing, most)
    if "-----BEGIN " not in text:
        return (), [*found, not_pem(thing, _what(text))]
    try:
        return pem.load_certificates(text), [*found, *_around(text, thing)]
    except MalformedError as error:
        return (), [*found, not_pem(thing, error.found)]


def _text(data: bytes | str, thing: str, most: int) -> tuple[str, list[Finding]]:
    """Return a field as text, decoded where it was Base64 once too often."""
    text = data if isinstance(data, str) else data.decode("latin-1")
    found = []
    if len(text) > most:
        sentence = f"The {thing} has {len(text):,} bytes; ACM takes {most:,}."
        found.append(Finding(Cause.TOO_LARGE, sentence, "Shorten it."))
    if (decoded := undo_base64(data)) is None:
        return text, found
    remedy = "Give the PEM itself; the AWS CLI encodes a file read with fileb://."
    sentence = f"The {thing} is the Base64 of PEM."
    return decoded, [*found, Finding(Cause.BASE64_TWICE, sentence, remedy)]


def _around(text: str, thing: str) -> list[Finding]:
    """Object to text around the blocks, such as the bag attributes openssl writes."""
    if not pem.around(text):
        return []
    sentence = f"The {thing} has text around its PEM, such as bag attributes."
    remedy = "Leave only what stands from BEGIN to END; sort_pem does."
    return [Finding(Cause.TEXT_AROUND, sentence, remedy, likeliest=True)]


def _what(text: str) -> str:
    """Name what stands in a PEM's place."""
    raw = text.encode("latin-1", errors="replace")
    try:
        inspect_pfx(raw)
    except PfxError as error:
        return "DER" if raw[:1] == b"\x30" else error.found
    return "a PFX"
