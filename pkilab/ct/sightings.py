"""Certificates that a monitor sees in a log for names that somebody watches.

What is judged is what the log's tree holds: the certificate, or of a precertificate the TBS
certificate. The chain and the precertificate that a log shows beside are not in the tree, and are
believed only as far as signatures prove them.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from pkilab.ct import _tbs
from pkilab.ct.precertificates import verify_correspondence
from pkilab.ct.structures import (
    EntryType,
    PreCert,
    TimestampedEntry,
    decode_chain,
    decode_precert_chain,
)
from pkilab.ct.watching import Expected, Watchlist, common_hash, dns_names
from pkilab.errors import CtError, MalformedError
from pkilab.pki import _der
from pkilab.pki.certificates import UNREADABLE, name_text, serial_hex, time_text

if TYPE_CHECKING:
    from collections.abc import Iterable

_VERSION = 0xA0


@dataclass(frozen=True, slots=True)
class Sighting:
    """A certificate in a log that concerns watched names.

    ``names`` are those of the certificate that do, ``watched`` what they concern. Of a certificate
    that cannot be read ``trouble`` says why, and there are no names: its bytes mention a watched
    one. ``sha256`` is that of the certificate, or of the precertificate if the log shows it.
    """

    log: str
    index: int
    timestamp: int  # of the entry, milliseconds since 1970
    type: EntryType
    names: tuple[str, ...]
    watched: tuple[str, ...]
    issuer: str = ""
    serial: str = ""
    not_before: datetime | None = None
    not_after: datetime | None = None
    issuer_key_hash: bytes | None = None
    sha256: bytes | None = None
    tbs_sha256: bytes | None = None
    trouble: str = ""
    der: bytes = field(default=b"", repr=False)

    @property
    def sentence(self) -> str:
        """Say what was seen."""
        where = f"entry {self.index} of {self.log}"
        if self.trouble:
            return f"{where} mentions a watched name and cannot be read: {self.trouble}."
        kind = "precertificate" if self.type is EntryType.PRECERT else "certificate"
        until = f", valid until {time_text(self.not_after)}" if self.not_after else ""
        return (
            f"{where} is a {kind} for {', '.join(self.names)} by {self.issuer}, serial "
            f"{self.serial}{until}."
        )

    def is_expected(self, expected: Expected) -> bool:
        """Whether the owner knows of it; what cannot be read is never expected."""
        return not self.trouble and (
            self.issuer in expected.issuer_names
            or self.issuer_key_hash in expected.issuer_keys
            or not expected.certificates.isdisjoint({self.sha256, self.tbs_sha256})
        )


def look(
    log: str, index: int, entry: TimestampedEntry, extra_data: bytes, watchlist: Watchlist
) -> Sighting | None:
    """Return the sighting that an entry is, None if it concerns nobody who watches."""
    try:
        certificate = _readable(entry.entry)
        found = dns_names(certificate)
        names = {name: concerned for name in found if (concerned := watchlist.concerned(name))}
        if not names:
            return None
        below = _below(entry.entry, certificate, extra_data)
        return Sighting(
            log, index, entry.timestamp, entry.type, tuple(names), _unique(names.values()),
            issuer=name_text(certificate, "issuer"),
            serial=serial_hex(certificate),
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
            issuer_key_hash=below.issuer_key_hash,
            sha256=sha256(below.der).digest() if below.der else None,
            tbs_sha256=below.tbs_sha256,
            der=below.der,
        )  # fmt: skip
    except (MalformedError, *UNREADABLE) as error:
        trouble = str(error) or repr(error)
        return Sighting(log, index, entry.timestamp, entry.type, (), (), trouble=trouble)


@dataclass(frozen=True, slots=True)
class _Below:
    """What is behind an entry, as far as it is proved."""

    der: bytes
    issuer_key_hash: bytes | None
    tbs_sha256: bytes | None


def _below(signed: bytes | PreCert, certificate: x509.Certificate, extra_data: bytes) -> _Below:
    if isinstance(signed, PreCert):
        der = _precertificate(certificate, extra_data)
        return _Below(der, signed.issuer_key_hash, sha256(signed.tbs).digest())
    key_hash, tbs = None, None
    with suppress(MalformedError, InvalidSignature, *UNREADABLE):
        for above in decode_chain(extra_data)[:1]:
            issuer = x509.load_der_x509_certificate(above)
            certificate.verify_directly_issued_by(issuer)
            key_hash = _tbs.key_hash(issuer)
    with suppress(MalformedError, *UNREADABLE):
        tbs = common_hash(certificate)
    return _Below(signed, key_hash, tbs)


def _precertificate(certificate: x509.Certificate, extra_data: bytes) -> bytes:
    """Return the precertificate that the log shows, if it announced what is in the tree."""
    with suppress(CtError, MalformedError, *UNREADABLE):
        der, chain = decode_precert_chain(extra_data)
        shown = x509.load_der_x509_certificate(der)
        signers = map(x509.load_der_x509_certificate, chain[:1])
        for each in (None, *signers):  # a Precertificate Signing Certificate has another name
            with suppress(CtError, MalformedError):
                verify_correspondence(shown, certificate, each)
                return der
    return b""


def _readable(signed: bytes | PreCert) -> x509.Certificate:
    """Return a certificate, or a TBSCertificate dressed as one, with an empty signature."""
    if not isinstance(signed, PreCert):
        return x509.load_der_x509_certificate(signed)
    (outer,) = _der.elements(signed.tbs)
    fields = _der.elements(outer.contents)
    # RFC 5280, 4.1: version as [0], which may be missing, serial number, signature algorithm.
    position = 2 if fields and fields[0].tag == _VERSION else 1
    algorithm = fields[position].whole if len(fields) > position else b""
    return x509.load_der_x509_certificate(
        _der.encode(_der.SEQUENCE, [signed.tbs, algorithm, b"\x03\x01\x00"])
    )


def _unique(groups: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for group in groups for each in group))
