"""The outer structure of a PFX (RFC 7292, section 4): what anyone can see without its password.

Reads, bounded, and decrypts nothing. `pkilab.pki.pkcs12` opens files with it.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from pkilab.errors import MalformedError
from pkilab.pki import _ber, _der, pem

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_BYTES = 4 * 1024 * 1024
# Of all key derivations that can be seen, in sum: some seconds of work. GnuTLS and NSS ask for
# 600,000 each, three times a file.
MOST_ITERATIONS = 5_000_000
_VERSION = 3  # RFC 7292, 4: the only one there is
_DEEPEST = 4  # safes within safes; no known tool writes any

_DATA, _ENCRYPTED_DATA = "1.2.840.113549.1.7.1", "1.2.840.113549.1.7.6"
_SIGNED_DATA, _ENVELOPED_DATA = "1.2.840.113549.1.7.2", "1.2.840.113549.1.7.3"
_KEY, _SHROUDED, _NESTED = (f"1.2.840.113549.1.12.10.1.{n}" for n in (1, 2, 6))
_BAGS = {
    _KEY: "private key, in the clear",
    _SHROUDED: "private key",
    "1.2.840.113549.1.12.10.1.3": "certificate",
    "1.2.840.113549.1.12.10.1.4": "CRL",
    "1.2.840.113549.1.12.10.1.5": "secret",
}
_FRIENDLY_NAME = "1.2.840.113549.1.9.20"
_PBES2, _PBKDF2, _PBMAC1 = (f"1.2.840.113549.1.5.{n}" for n in (13, 12, 14))
_PBE = {
    "1.2.840.113549.1.5.3": "PBE-MD5-DES",
    "1.2.840.113549.1.5.6": "PBE-MD5-RC2-64",
    "1.2.840.113549.1.5.10": "PBE-SHA1-DES",
    "1.2.840.113549.1.5.11": "PBE-SHA1-RC2-64",
    "1.2.840.113549.1.12.1.1": "PBE-SHA1-RC4-128",
    "1.2.840.113549.1.12.1.2": "PBE-SHA1-RC4-40",
    "1.2.840.113549.1.12.1.3": "PBE-SHA1-3DES",
    "1.2.840.113549.1.12.1.4": "PBE-SHA1-2DES",
    "1.2.840.113549.1.12.1.5": "PBE-SHA1-RC2-128",
    "1.2.840.113549.1.12.1.6": "PBE-SHA1-RC2-40",
}
_CIPHERS = {
    "2.16.840.1.101.3.4.1.2": "AES-128-CBC",
    "2.16.840.1.101.3.4.1.22": "AES-192-CBC",
    "2.16.840.1.101.3.4.1.42": "AES-256-CBC",
    "1.2.840.113549.3.7": "3DES-CBC",
    "1.2.392.200011.61.1.1.1.2": "Camellia-128-CBC",
    "1.2.392.200011.61.1.1.1.4": "Camellia-256-CBC",
    "1.2.410.200046.1.1.2": "ARIA-128-CBC",
    "1.2.410.200046.1.1.12": "ARIA-256-CBC",
}
_HASHES = {
    "1.2.840.113549.2.5": "MD5",
    "1.3.14.3.2.26": "SHA-1",
    "2.16.840.1.101.3.4.2.4": "SHA-224",
    "2.16.840.1.101.3.4.2.1": "SHA-256",
    "2.16.840.1.101.3.4.2.2": "SHA-384",
    "2.16.840.1.101.3.4.2.3": "SHA-512",
}
_LEGACY = re.compile(r"RC2|RC4|-DES")  # what OpenSSL 3 keeps in its legacy provider
_KEYSTORES = {b"\xfe\xed\xfe\xed": "a Java keystore (JKS)", b"\xce\xce\xce\xce": "a JCEKS keystore"}


class PfxCause(StrEnum):
    """Why a PFX is not opened, or does not hold what was asked of it."""

    NOT_PFX = "not a PFX"
    TRUNCATED = "truncated"
    MALFORMED = "malformed"
    TOO_MUCH_WORK = "too much work"
    UNSUPPORTED = "unsupported"
    WRONG_PASSWORD = "wrong password"  # noqa: S105 - a cause
    INTEGRITY = "changed since it was made"
    NO_KEY = "no private key"
    SEVERAL_KEYS = "several private keys"
    NO_CERTIFICATE = "no certificate for the key"


class PfxError(MalformedError):
    """A PFX that cannot be used; ``cause`` says why. Names neither password nor contents."""

    def __init__(self, cause: PfxCause, *, found: str, expected: str) -> None:
        super().__init__("PFX", found=found, expected=expected)
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Safe:
    """One part of a PFX: how it is encrypted, and what can be seen to lie in it.

    ``contents`` of an encrypted safe is empty: nothing can be seen of it.
    """

    encryption: str | None
    contents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Anatomy:
    """What anyone can see of a PFX without its password."""

    mac: str | None
    safes: tuple[Safe, ...]
    iterations: int  # of all that can be seen, in sum

    @property
    def needs_legacy_openssl(self) -> bool:
        """Whether OpenSSL 3 opens it with ``-legacy`` only."""
        words = (word for safe in self.safes for word in (safe.encryption or "", *safe.contents))
        return any(_LEGACY.search(word) for word in words)


@dataclass(frozen=True, slots=True)
class Algorithm:
    """How a part is protected."""

    text: str
    iterations: int
    is_known: bool = True


@dataclass(frozen=True, slots=True)
class Bag:
    """Something in a safe that is not encrypted."""

    kind: str
    whole: bytes
    encryption: Algorithm | None
    friendly_name: str | None

    def text(self) -> str:
        what = _BAGS.get(self.kind, f"bag of kind {self.kind}")
        return f"{what}, {self.encryption.text}" if self.encryption else what


@dataclass(frozen=True, slots=True)
class Content:
    """A safe: encrypted, or its bags."""

    whole: bytes
    encryption: Algorithm | None
    bags: tuple[Bag, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """The outer structure."""

    data: bytes
    mac: Algorithm | None
    safes: tuple[Content, ...]

    @property
    def algorithms(self) -> list[Algorithm]:
        within = [bag.encryption for safe in self.safes for bag in safe.bags]
        found = [self.mac, *(safe.encryption for safe in self.safes), *within]
        return [each for each in found if each]

    @property
    def is_encrypted(self) -> bool:
        return any(each is not self.mac for each in self.algorithms)

    @property
    def key_bags(self) -> list[Bag]:
        return [bag for safe in self.safes for bag in safe.bags if bag.kind in {_KEY, _SHROUDED}]

    def anatomy(self) -> Anatomy:
        safes = (
            Safe(
                each.encryption.text if each.encryption else None,
                tuple(bag.text() for bag in each.bags),
            )
            for each in self.safes
        )
        iterations = sum(each.iterations for each in self.algorithms)
        return Anatomy(self.mac.text if self.mac else None, tuple(safes), iterations)


def read_layout(data: bytes) -> Layout:
    if len(data) > MOST_BYTES:
        raise PfxError(
            PfxCause.TOO_MUCH_WORK, found=f"{len(data):,} bytes", expected=f"at most {MOST_BYTES:,}"
        )
    _refuse_other_kinds(data)
    try:
        outer = _ber.first(data)
    except _ber.CutError:
        raise PfxError(
            PfxCause.TRUNCATED, found=f"{len(data):,} bytes", expected="the whole file"
        ) from None
    except MalformedError as error:
        raise _damaged(error) from None
    try:
        layout = _layout(outer)
    except PfxError:
        raise
    except (MalformedError, StopIteration) as error:
        raise _damaged(error) from None
    iterations = sum(each.iterations for each in layout.algorithms)
    if iterations > MOST_ITERATIONS:
        raise PfxError(
            PfxCause.TOO_MUCH_WORK,
            found=f"{iterations:,} iterations of key derivation",
            expected=f"at most {MOST_ITERATIONS:,}",
        )
    return layout


def _damaged(error: Exception) -> PfxError:
    found = f"a damaged structure ({getattr(error, 'found', 'nothing')})"
    return PfxError(PfxCause.MALFORMED, found=found, expected="PKCS#12")


def _layout(outer: _ber.Element) -> Layout:
    version, content, *mac = outer.children(least=2)
    if version.number() != _VERSION:
        raise MalformedError("version", found=str(version.number()), expected=str(_VERSION))
    parts = _ber.first(_data(content)).children()
    return Layout(outer.whole, _mac(mac[0]) if mac else None, tuple(map(_safe, parts)))


def _data(content: _ber.Element) -> bytes:
    """Return what a ContentInfo of data holds."""
    kind, *held = content.children(least=1)
    if kind.oid() == _SIGNED_DATA:
        raise PfxError(
            PfxCause.UNSUPPORTED, found="a signature of a key", expected="a password's MAC, or none"
        )
    if kind.oid() != _DATA or not held:
        raise MalformedError("content", found=kind.oid(), expected="data")
    return held[0].children(least=1)[0].octets()


def _safe(content: _ber.Element) -> Content:
    kind, *held = content.children(least=1)
    if kind.oid() == _DATA:
        return Content(content.whole, None, tuple(_bags(_ber.first(_data(content)), 0)))
    if kind.oid() == _ENVELOPED_DATA:
        raise PfxError(
            PfxCause.UNSUPPORTED,
            found="a safe encrypted to a public key",
            expected="safes encrypted with a password",
        )
    if kind.oid() != _ENCRYPTED_DATA or not held:
        raise MalformedError("safe", found=kind.oid(), expected="data or encrypted data")
    encrypted = held[0].children(least=1)[0].children(least=2)[1]
    return Content(content.whole, _algorithm(encrypted.children(least=2)[1]), ())


def _bags(safe: _ber.Element, depth: int) -> Iterator[Bag]:
    if depth > _DEEPEST:
        raise MalformedError("safe", found="a deeper one", expected=f"a depth of {_DEEPEST}")
    for bag in safe.children():
        kind, value, *attributes = bag.children(least=2)
        inner = value.children(least=1)[0]
        if kind.oid() == _NESTED:
            yield from _bags(inner, depth + 1)
            continue
        encryption = None
        if kind.oid() == _SHROUDED:
            encryption = _algorithm(inner.children(least=2)[0])
        name = _friendly_name(attributes[0]) if attributes else None
        yield Bag(kind.oid(), bag.whole, encryption, name)


def _friendly_name(attributes: _ber.Element) -> str | None:
    for attribute in attributes.children():
        kind, values = attribute.children(least=2)[:2]
        if kind.oid() == _FRIENDLY_NAME and (found := values.children()):
            name = found[0].contents.decode("utf-16-be", errors="replace")  # BMPString
            return name.rstrip("\0") or None
    return None


def _mac(element: _ber.Element) -> Algorithm:
    """Read MacData: what fits the file's contents to its password."""
    info, _salt, *count = element.children(least=2)
    kind, *parameters = info.children(least=2)[0].children(least=1)
    if kind.oid() == _PBMAC1 and parameters:
        inner = _pbkdf2(parameters[0].children(least=2)[0])
        return Algorithm(f"PBMAC1, {inner:,} iterations", inner)
    name = _HASHES.get(kind.oid())
    iterations = _positive(count[0]) if count else 1
    text = f"HMAC-{name or kind.oid()}, {iterations:,} iterations"
    return Algorithm(text, iterations, name is not None)


def _algorithm(element: _ber.Element) -> Algorithm:
    """Read how a password encrypts."""
    kind, *parameters = element.children(least=1)
    oid = kind.oid()
    if oid == _PBES2 and parameters:
        derivation, cipher = parameters[0].children(least=2)[:2]
        iterations = _pbkdf2(derivation)
        code = cipher.children(least=1)[0].oid()
        name = _CIPHERS.get(code)
        text = f"PBES2 {name or code}, {iterations:,} iterations"
        return Algorithm(text, iterations, name is not None)
    if oid not in _PBE or not parameters:
        raise PfxError(PfxCause.UNSUPPORTED, found=oid, expected="encryption with a password")
    iterations = _positive(parameters[0].children(least=2)[1])
    return Algorithm(f"{_PBE[oid]}, {iterations:,} iterations", iterations)


def _pbkdf2(element: _ber.Element) -> int:
    """Return the iterations of PBKDF2 (RFC 8018, A.2)."""
    kind, *parameters = element.children(least=1)
    if kind.oid() != _PBKDF2 or not parameters:
        raise PfxError(PfxCause.UNSUPPORTED, found=kind.oid(), expected="PBKDF2")
    return _positive(parameters[0].children(least=2)[1])


def _positive(element: _ber.Element) -> int:
    number = element.number()
    if number < 1:
        raise MalformedError("iterations", found=f"{number}", expected="1 or more")
    return number


# What people hand over in a PFX's place.


def _refuse_other_kinds(data: bytes) -> None:
    if (found := _other_kind(data)) is not None:
        raise PfxError(PfxCause.NOT_PFX, found=found, expected="a PFX (PKCS#12) file")


def _other_kind(data: bytes) -> str | None:
    """Name what ``data`` is, if it is plainly something else."""
    if not data.strip():
        return "nothing"
    if match := re.search(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----", data[:100_000]):
        return f"PEM of kind {match[1].decode()}"
    if data[:4] in _KEYSTORES:
        return _KEYSTORES[data[:4]]
    if data[0] != _der.SEQUENCE:
        return "the Base64 of one; decode it first" if _is_base64_of_der(data) else "other bytes"
    return _other_der(data)


def _is_base64_of_der(data: bytes) -> bool:
    try:
        return base64.b64decode(b"".join(data[:400].split())[:200], validate=True)[:1] == b"\x30"
    except (binascii.Error, ValueError):
        return False


def _other_der(data: bytes) -> str | None:
    """Tell a certificate, a key or a PKCS#7 file by how they begin."""
    try:
        begin = _ber.elements(_ber.first(data).contents)[0]
        if begin.tag == _ber.OBJECT_IDENTIFIER:
            return "a PKCS#7 file, which holds no private keys"
        if begin.tag == _ber.INTEGER and begin.number() != _VERSION:
            return "a private key in DER, or other bytes"
        if begin.tag != _der.SEQUENCE:
            return None
        pem.load_certificate(data)
    except (MalformedError, IndexError, StopIteration):
        return None
    return "a certificate in DER"
