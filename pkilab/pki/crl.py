"""Certificate revocation lists: reading one, and what it says about a certificate (RFC 5280).

The hard part of a CRL is knowing when it says nothing: a list by another signer, for other
certificates, out of date or cut in parts. Then the answer is UNUSABLE with every reason, never
GOOD.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from pkilab.errors import MalformedError
from pkilab.pki import names, pem
from pkilab.pki._signatures import is_issued_by, is_weak
from pkilab.pki.certificates import (
    UNREADABLE,
    extension_value,
    general_name,
    key_usage_forbids,
    serial_hex,
    signature_name,
    time_text,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

# Extensions this module acts upon; any other that is critical makes a list unusable.
_KNOWN = (
    x509.AuthorityKeyIdentifier,
    x509.CRLNumber,
    x509.DeltaCRLIndicator,
    x509.IssuingDistributionPoint,
)

_ENDED = "the certificate ended before this list was made, which may have dropped it"


class Revocation(StrEnum):
    """What a source of revocation says of one certificate. UNUSABLE is no answer at all."""

    GOOD = "GOOD"
    REVOKED = "REVOKED"
    UNKNOWN = "UNKNOWN"
    UNUSABLE = "UNUSABLE"


@dataclass(frozen=True, slots=True)
class CrlStatus:
    """The answer of a CRL. ``reasons`` says why it is unusable; the others are of a revocation.

    ``reason`` is RFC 5280's word (``keyCompromise``), None where the entry has none.
    """

    status: Revocation
    reasons: tuple[str, ...] = ()
    revoked_at: datetime | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class CrlEntry:
    """One revoked certificate: serial number in colon hex, when, and RFC 5280's reason word."""

    serial: str
    revoked_at: datetime
    reason: str | None


@dataclass(frozen=True, slots=True)
class CrlView:
    """A CRL as values. ``scope`` is the issuing distribution point in words, None for all."""

    issuer: str
    this_update: datetime
    next_update: datetime | None
    number: int | None
    authority_key_identifier: str | None
    signature_algorithm: str
    scope: str | None
    is_delta: bool
    entries: tuple[CrlEntry, ...]
    crl: x509.CertificateRevocationList = field(repr=False)


def load_crl(data: bytes | str) -> x509.CertificateRevocationList:
    """Read exactly one CRL, PEM or DER. Nothing is verified.

    Raises:
        MalformedError: anything else.
    """
    ders = pem.blocks(data, "CRL", ("X509 CRL",))
    if len(ders) != 1:
        raise MalformedError("CRL", found=f"{len(ders)} of them", expected="exactly one")
    return pem.load_der(ders[0], "CRL", x509.load_der_x509_crl)


def read_crl(data: bytes | str) -> CrlView:
    """Read one CRL, PEM or DER, into values; entries in the order they stand. Nothing is verified.

    Raises:
        MalformedError: not a CRL, or one with extensions that cannot be read.
    """
    crl = load_crl(data)
    try:
        number = extension_value(crl, x509.CRLNumber)
        authority = extension_value(crl, x509.AuthorityKeyIdentifier)
        scope = extension_value(crl, x509.IssuingDistributionPoint)
        return CrlView(
            issuer=names.to_text(crl.issuer),
            this_update=crl.last_update_utc,
            next_update=crl.next_update_utc,
            number=number.crl_number if number else None,
            authority_key_identifier=(
                authority.key_identifier.hex(":")
                if authority and authority.key_identifier
                else None
            ),
            signature_algorithm=signature_name(crl.signature_algorithm_oid),
            scope=_scope_text(scope) if scope else None,
            is_delta=extension_value(crl, x509.DeltaCRLIndicator) is not None,
            entries=tuple(
                CrlEntry(
                    serial_hex(entry.serial_number), entry.revocation_date_utc, _reason_word(entry)
                )
                for entry in crl
            ),
            crl=crl,
        )
    except UNREADABLE as error:
        raise MalformedError("CRL", found=str(error), expected="readable extensions") from None


@dataclass(frozen=True, slots=True)
class CrlIndex:
    """A CRL judged once, to be asked often: `index` makes it, `status` answers as `check` does.

    ``problems`` says why the list is never to be used, whatever the time and the certificate: a
    wrong signature, a delta, an unknown critical extension. ``number`` is None where it has none.
    ``entries`` has the time and RFC 5280's reason word of each revocation by serial number.
    """

    issuer: x509.Certificate
    this_update: datetime
    next_update: datetime | None
    number: int | None
    problems: tuple[str, ...]
    scope: x509.IssuingDistributionPoint | None = field(repr=False)
    entries: Mapping[int, tuple[datetime, str | None]] = field(repr=False)

    def untimely(self, at: datetime) -> tuple[str, ...]:
        """Return why the list does not speak at a time, in words; () if it does.

        Raises:
            MalformedError: ``at`` has no time zone.
        """
        at = aware(at)
        reasons = []
        if at < self.this_update:
            reasons.append(f"it is not yet valid: its time begins at {time_text(self.this_update)}")
        if self.next_update is None:
            reasons.append("it does not say when the next one comes, so it may be any age")
        elif self.next_update < at:
            reasons.append(f"it is stale: the next one was due at {time_text(self.next_update)}")
        return tuple(reasons)

    def status(self, certificate: x509.Certificate, at: datetime) -> CrlStatus:
        """Answer what `check` answers, in time that does not grow with the list.

        Most of that time is the verification that ``issuer`` signed ``certificate``.

        Raises:
            MalformedError: ``at`` has no time zone.
        """
        at = aware(at)
        try:
            reasons = tuple(self._why_unusable(certificate, at))
            if reasons:
                return CrlStatus(Revocation.UNUSABLE, reasons)
            if entry := self.entries.get(certificate.serial_number):
                return CrlStatus(Revocation.REVOKED, (), *entry)
            if certificate.not_valid_after_utc < self.this_update:
                return CrlStatus(Revocation.UNUSABLE, (_ENDED,))
        except UNREADABLE as error:
            return CrlStatus(Revocation.UNUSABLE, (f"it cannot be read ({error})",))
        return CrlStatus(Revocation.GOOD)

    def _why_unusable(self, certificate: x509.Certificate, at: datetime) -> Iterator[str]:
        if not is_issued_by(certificate, self.issuer):
            yield "the issuer given did not issue the certificate"
        yield from self.problems
        yield from self.untimely(at)
        if self.scope:
            yield from _why_out_of_scope(certificate, self.scope)
        elif (points := extension_value(certificate, x509.CRLDistributionPoints)) and all(
            point.crl_issuer and self.issuer.subject not in _directory_names(point.crl_issuer)
            for point in points
        ):
            yield "the certificate names another CRL issuer"


def index(crl: x509.CertificateRevocationList | CrlView, issuer: x509.Certificate) -> CrlIndex:
    """Verify a CRL and read all its entries, once.

    Args:
        crl: the list.
        issuer: the certificate of the CA whose list it should be; whether that CA is to be
            trusted is not checked here (`pkilab.pki.chains.verify_chain`).
    """
    crl = crl.crl if isinstance(crl, CrlView) else crl
    number = scope = None
    entries: dict[int, tuple[datetime, str | None]] = {}
    try:
        number = extension_value(crl, x509.CRLNumber)
        scope = extension_value(crl, x509.IssuingDistributionPoint)
        problems = (*_why_not_signed(crl, issuer), *_why_not_understood(crl))
        for entry in crl:
            reason, problem = _read_extensions(entry)
            if problem:
                problems = (*problems, problem)
                break
            entries.setdefault(entry.serial_number, (entry.revocation_date_utc, reason))
    except UNREADABLE as error:
        problems = (f"it cannot be read ({error})",)
    return CrlIndex(
        issuer=issuer,
        this_update=crl.last_update_utc,
        next_update=crl.next_update_utc,
        number=number.crl_number if number else None,
        problems=problems,
        scope=scope,
        entries=MappingProxyType(entries),
    )


def check(
    certificate: x509.Certificate,
    crl: x509.CertificateRevocationList | CrlView,
    issuer: x509.Certificate,
    at: datetime,
) -> CrlStatus:
    """Ask a CRL about a certificate at a time.

    A list is used only if the certificate's issuer signed it, with a key that may sign CRLs, if it
    is in date, complete, understood, and its scope holds the certificate: a partitioned list must
    name the certificate's own distribution point (RFC 5280, 6.3.3). Indirect lists, delta lists
    and lists for some reasons only are not used. MD5 and SHA-1 signatures are not accepted.

    Reads the whole list at each call; whoever asks often keeps its `index`.

    Args:
        certificate: whose status is asked for.
        crl: the list.
        issuer: the certificate of the CA that issued ``certificate``; whether that CA itself is
            to be trusted is not checked here (`pkilab.pki.chains.verify_chain`).
        at: an aware time.

    Raises:
        MalformedError: ``at`` has no time zone.
    """
    return index(crl, issuer).status(certificate, aware(at))


def urls(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return the CRL distribution point URLs (RFC 5280 section 4.2.1.13), in order."""
    points = extension_value(certificate, x509.CRLDistributionPoints)
    return tuple(
        name.value
        for point in points or ()
        for name in point.full_name or ()
        if isinstance(name, x509.UniformResourceIdentifier)
    )


def aware(at: datetime) -> datetime:
    """Return ``at``, refusing a time without a zone.

    Raises:
        MalformedError: it has none.
    """
    if at.utcoffset() is None:
        raise MalformedError("time", found="one without a zone", expected="an aware datetime")
    return at


def _why_not_signed(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> Iterator[str]:
    if crl.issuer != issuer.subject:
        yield f"it is by another issuer, {names.to_text(crl.issuer)}"
    authority = extension_value(crl, x509.AuthorityKeyIdentifier)
    own = extension_value(issuer, x509.SubjectKeyIdentifier)
    if authority and own and authority.key_identifier not in {None, own.digest}:
        yield "it names another issuer key"
    constraints = extension_value(issuer, x509.BasicConstraints)
    if constraints is None or not constraints.ca:
        yield "its signer is not a CA"
    if key_usage_forbids(issuer, "crl_sign"):
        yield "its signer's key may not sign CRLs (key usage)"
    algorithm = crl.signature_hash_algorithm
    if is_weak(algorithm) and algorithm is not None:
        yield f"it is signed with {algorithm.name.upper()}, which can be forged"
        return  # cryptography does not verify such a signature
    try:
        valid = crl.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]  # other keys raise TypeError
    except (TypeError, ValueError, UnsupportedAlgorithm):
        valid = False
    if not valid:
        yield "its signature is not the issuer's"


def _why_not_understood(crl: x509.CertificateRevocationList) -> Iterator[str]:
    for extension in crl.extensions:
        if extension.critical and not isinstance(extension.value, _KNOWN):
            yield f"it has an unknown critical extension, {extension.oid.dotted_string}"
    if extension_value(crl, x509.DeltaCRLIndicator):
        yield "it is a delta CRL, which lists changes only"


def _read_extensions(entry: x509.RevokedCertificate) -> tuple[str | None, str | None]:
    """Return the reason word of an entry, and why it makes the whole list unusable, if it does."""
    reason = problem = None
    for extension in entry.extensions:
        value = extension.value
        if isinstance(value, x509.CRLReason):
            reason = value.reason.value
        elif isinstance(value, x509.CertificateIssuer):
            problem = "it is an indirect CRL: entries name other issuers"
        elif extension.critical and not isinstance(value, x509.InvalidityDate):
            problem = f"an entry has an unknown critical extension, {extension.oid.dotted_string}"
    return reason, problem


def _why_out_of_scope(
    certificate: x509.Certificate, scope: x509.IssuingDistributionPoint
) -> Iterator[str]:
    constraints = extension_value(certificate, x509.BasicConstraints)
    is_ca = constraints is not None and constraints.ca
    if scope.indirect_crl:
        yield "it is an indirect CRL"
    if scope.only_contains_attribute_certs:
        yield "it is for attribute certificates only"
    if scope.only_contains_user_certs and is_ca:
        yield "it is for end entities only, and this is a CA"
    if scope.only_contains_ca_certs and not is_ca:
        yield "it is for CA certificates only, and this is none"
    if scope.only_some_reasons:
        yield "it covers some reasons only"
    if scope.relative_name:
        yield "its distribution point is a relative name, which is not supported here"
    if scope.full_name and not set(scope.full_name) & _distribution_points(certificate):
        where = ", ".join(map(general_name, scope.full_name))
        yield f"it is the part for {where}, which the certificate does not name"


def _distribution_points(certificate: x509.Certificate) -> set[x509.GeneralName]:
    """All names under which the certificate says its own issuer's CRL is found."""
    points = extension_value(certificate, x509.CRLDistributionPoints) or ()
    return {
        name
        for point in points
        if not point.crl_issuer and not point.reasons
        for name in point.full_name or ()
    }


def _directory_names(general_names: list[x509.GeneralName]) -> list[x509.Name]:
    return [each.value for each in general_names if isinstance(each, x509.DirectoryName)]


def _scope_text(scope: x509.IssuingDistributionPoint) -> str:
    flags = (
        "only_contains_user_certs", "only_contains_ca_certs", "only_contains_attribute_certs",
        "indirect_crl",
    )  # fmt: skip
    parts = [", ".join(map(general_name, scope.full_name))] if scope.full_name else []
    parts += [flag.replace("_", " ") for flag in flags if getattr(scope, flag)]
    if scope.only_some_reasons:
        parts.append("only " + ", ".join(sorted(each.value for each in scope.only_some_reasons)))
    return "; ".join(parts)


def _reason_word(entry: x509.RevokedCertificate) -> str | None:
    try:
        return entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value
    except x509.ExtensionNotFound:
        return None
