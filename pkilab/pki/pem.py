"""Certificates and requests in and out of PEM (RFC 7468) and DER.

Text around the blocks is allowed, as ``openssl x509 -text`` and PKCS#12 tools write it. A block of
another kind is not: a private key in a certificate's place is a mistake that must be seen. What is
read is never echoed in an error, for it may be secret.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pkilab.errors import MalformedError
from pkilab.pki.certificates import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Callable

_Loaded = TypeVar("_Loaded")

CERTIFICATE = ("CERTIFICATE", "X509 CERTIFICATE")  # the second is old OpenSSL's
_REQUEST = ("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST")  # the second is old tools'
# A block's text ends at the next dashes, wherever they lead: a search for the block's own end would
# read the rest of a hostile text anew for every beginning in it.
_BLOCK = re.compile(
    r"-----BEGIN ([A-Z0-9 ]{1,40})-----((?:(?!-----).)*)-----END \1-----", re.DOTALL
)
_DER_SEQUENCE = 0x30


def load_certificate(data: bytes | str) -> x509.Certificate:
    """Read exactly one certificate, PEM or DER.

    Nothing is verified: neither signature nor dates nor extensions.

    Raises:
        MalformedError: anything else, several certificates or a private key among it.
    """
    ders = blocks(data, "certificate", CERTIFICATE)
    return load_der(_one(ders, "certificate"), "certificate", x509.load_der_x509_certificate)


def load_certificates(data: bytes | str) -> tuple[x509.Certificate, ...]:
    """Read one or more certificates from PEM, in the order they stand; one from DER.

    Raises:
        MalformedError: no certificate, a damaged one, or a block of another kind.
    """
    return tuple(
        load_der(der, "certificate", x509.load_der_x509_certificate)
        for der in blocks(data, "certificate", CERTIFICATE)
    )


def load_request(data: bytes | str) -> x509.CertificateSigningRequest:
    """Read exactly one PKCS#10 request (RFC 2986), PEM or DER. Its signature is not verified.

    Raises:
        MalformedError: anything else.
    """
    ders = blocks(data, "certificate request", _REQUEST)
    return load_der(
        _one(ders, "certificate request"), "certificate request", x509.load_der_x509_csr
    )


def to_pem(*certificates: x509.Certificate) -> str:
    """Return the certificates as PEM blocks, one after another, each ending in a line feed."""
    return "".join(each.public_bytes(Encoding.PEM).decode("ascii") for each in certificates)


def blocks(data: bytes | str, thing: str, labels: tuple[str, ...]) -> tuple[bytes, ...]:
    """Return the DER inside the PEM blocks of ``data``, or DER ``data`` itself; at least one.

    Args:
        data: PEM text, or bytes of PEM or DER.
        thing: what is being read, for the error.
        labels: the PEM labels allowed, the usual one first.

    Raises:
        MalformedError: nothing there, another label, or damaged base64.
    """
    expected = f"PEM with BEGIN {labels[0]}" + ("" if isinstance(data, str) else ", or DER")
    if not data.strip():
        raise MalformedError(thing, found="nothing", expected=expected)
    if isinstance(data, bytes):
        if data[0] == _DER_SEQUENCE and b"-----BEGIN" not in data:
            return (data,)
        data = data.decode("latin-1")  # any byte may stand in the text around a block
    found = [match.groups() for match in _cut(data, thing, expected)]
    for label, _ in found:
        if label not in labels:
            raise MalformedError(thing, found=f"a block of kind {label}", expected=expected)
    return tuple(_base64(body, thing) for _, body in found)


def split(text: str) -> tuple[tuple[str, str], ...]:
    """Cut PEM of any kinds into its blocks: the label and the text of each, in their order.

    Raises:
        MalformedError: none there, or one that does not end.
    """
    return tuple((match[1], match[0]) for match in _cut(text, "PEM", "PEM blocks"))


def around(text: str) -> str:
    """Return what stands around the PEM blocks of a text; empty where nothing but blanks does."""
    return _BLOCK.sub("", text).strip()


def load_der(der: bytes, thing: str, loader: Callable[[bytes], _Loaded]) -> _Loaded:
    """Call one of ``cryptography``'s DER loaders; only MalformedError leaves.

    Where warnings are errors, what the library warns of (a serial number below 1) is one too.

    Raises:
        MalformedError: the loader refused.
    """
    try:
        return loader(der)
    except UNREADABLE as error:
        why = type(error).__name__ if isinstance(error, TypeError) else str(error)
        raise MalformedError(
            thing, found=f"DER that cannot be read ({why})", expected=thing
        ) from None


def _cut(text: str, thing: str, expected: str) -> list[re.Match[str]]:
    found = list(_BLOCK.finditer(text))
    if not found or len(found) < text.count("-----BEGIN "):
        what = "a PEM block that does not end" if "-----BEGIN" in text else "no PEM block"
        raise MalformedError(thing, found=what, expected=expected)
    return found


def _one(ders: tuple[bytes, ...], thing: str) -> bytes:
    if len(ders) != 1:
        raise MalformedError(thing, found=f"{len(ders)} of them", expected="exactly one")
    return ders[0]


def _base64(body: str, thing: str) -> bytes:
    try:
        return base64.b64decode("".join(body.split()), validate=True)
    except (binascii.Error, ValueError):
        raise MalformedError(thing, found="damaged base64", expected="a whole PEM block") from None
