"""A TBSCertificate cut into its DER parts and put together again with some of them changed.

Whatever is kept keeps its bytes: a log and a verifier have to arrive at the same ones, and a
library that reads and writes anew might not (odd string types, keys with unusual parameters).
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from pkilab.errors import CtError, MalformedError
from pkilab.pki import _der

if TYPE_CHECKING:
    from cryptography import x509

# Extensions are told apart by the DER of their OBJECT IDENTIFIER.
SCT_LIST = bytes.fromhex("060a2b06010401d679020402")  # 1.3.6.1.4.1.11129.2.4.2
POISON = bytes.fromhex("060a2b06010401d679020403")  # 1.3.6.1.4.1.11129.2.4.3
AUTHORITY_KEY_IDENTIFIER = bytes.fromhex("0603551d23")  # 2.5.29.35
OCTET_STRING = 0x04
_BOOLEAN, _OID = 0x01, 0x06
_VERSION, _EXTENSIONS = 0xA0, 0xA3  # [0] and [3] of a TBSCertificate, both constructed
# Where fields are after the version (RFC 5280, 4.1): serial number, signature, issuer ...
_ISSUER, _SUBJECT, _KEY = 2, 4, 5


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension as it stands: its parts, and the whole of it."""

    oid: bytes
    critical: bool
    value: bytes
    whole: bytes


def key_hash(certificate: x509.Certificate) -> bytes:
    """Return the SHA-256 of the SubjectPublicKeyInfo as it stands in the certificate."""
    return sha256(_field(certificate, _KEY)).digest()


def names_issuer(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether the issuer's name in a certificate is, byte for byte, the subject of another."""
    return _field(certificate, _ISSUER) == _field(issuer, _SUBJECT)


def extension(certificate: x509.Certificate, oid: bytes) -> Extension | None:
    """Return the extension with an OID as it stands; None if there is none.

    Raises:
        MalformedError: there are two, or the extensions cannot be cut into their parts.
    """
    return _only(_extensions(_fields(certificate)), oid)


def without(
    certificate: x509.Certificate,
    oid: bytes,
    *,
    signer: x509.Certificate | None = None,
) -> bytes:
    """Return the TBSCertificate without an extension.

    With a ``signer``, issuer and authority key identifier are those that ``signer`` has: those of
    the CA that issued it.

    Raises:
        CtError: there is an authority key identifier, and ``signer`` has none.
        MalformedError: the extension is there twice, or the parts cannot be found.
    """
    fields = _fields(certificate)
    extensions = _extensions(fields)
    removed = _only(extensions, oid)
    extensions = [each for each in extensions if each != removed]
    if signer is not None:
        fields[_position(fields, _ISSUER)] = _field(signer, _ISSUER)
        extensions = [_identified_as(each, signer) for each in extensions]
    parts = [each for each in fields if each[0] != _EXTENSIONS]
    if extensions:  # an empty sequence may not be (RFC 5280, 4.1): it is left out
        sequence = _der.encode(_der.SEQUENCE, [each.whole for each in extensions])
        parts.append(_der.encode(_EXTENSIONS, [sequence]))
    return _der.encode(_der.SEQUENCE, parts)


def _identified_as(extension: Extension, signer: x509.Certificate) -> Extension:
    """Return the extension, but an authority key identifier with the value that ``signer`` has."""
    if extension.oid != AUTHORITY_KEY_IDENTIFIER:
        return extension
    own = _authority(signer)
    *head, _ = _der.elements(_der.elements(extension.whole)[0].contents)
    value = _der.encode(OCTET_STRING, [own.value])
    whole = _der.encode(_der.SEQUENCE, [*(each.whole for each in head), value])
    return Extension(extension.oid, extension.critical, own.value, whole)


def _authority(signer: x509.Certificate) -> Extension:
    found = extension(signer, AUTHORITY_KEY_IDENTIFIER)
    if found is None:
        expected = "the final issuer's, as the precertificate has one to be replaced"
        raise CtError("authority key identifier of the signer", found="none", expected=expected)
    return found


def _fields(certificate: x509.Certificate) -> list[bytes]:
    (outer,) = _der.elements(certificate.tbs_certificate_bytes)
    return [each.whole for each in _der.elements(outer.contents)]


def _field(certificate: x509.Certificate, number: int) -> bytes:
    fields = _fields(certificate)
    return fields[_position(fields, number)]


def _position(fields: list[bytes], number: int) -> int:
    """Count from the serial number: certificates of version 1 leave out the version."""
    return number + (fields[0][0] == _VERSION)


def _only(extensions: list[Extension], oid: bytes) -> Extension | None:
    found = [each for each in extensions if each.oid == oid]
    if len(found) > 1:
        number = _der.object_identifier(oid[2:]).dotted_string
        raise MalformedError(f"extension {number}", found="several", expected="at most one")
    return found[0] if found else None


def _extensions(fields: list[bytes]) -> list[Extension]:
    for field in fields:
        if field[0] == _EXTENSIONS:
            (tagged,) = _der.elements(field)
            (sequence,) = _der.elements(tagged.contents)
            return [_read(each) for each in _der.elements(sequence.contents)]
    return []


def _read(element: _der.Element) -> Extension:
    """Read Extension ::= SEQUENCE { OID, critical BOOLEAN DEFAULT FALSE, OCTET STRING }."""
    parts = _der.elements(element.contents)
    tags = [each.tag for each in parts]
    if tags not in ([_OID, OCTET_STRING], [_OID, _BOOLEAN, OCTET_STRING]):
        raise MalformedError("extension", found="other parts", expected="OID, critical, value")
    critical = _BOOLEAN in tags and parts[1].contents != b"\x00"
    return Extension(parts[0].whole, critical, parts[-1].contents, element.whole)
