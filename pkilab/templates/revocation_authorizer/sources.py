"""CRLs and OCSP answers, fetched, verified once, and kept across invocations.

What is kept is used until its nextUpdate, and renewed long before. If a renewal fails, or brings
something older than what is kept (a replay), the kept one goes on while it is in date. A failure is
remembered for a while, so that a dead server costs one timeout and not one per request. What a
source said last of a revoked certificate is believed even out of date: revocation does not lapse.

All times are those of the requests; nothing here reads a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Generic, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from pkilab.errors import MalformedError
from pkilab.pki import crl, ocsp
from pkilab.pki.crl import CrlIndex, CrlStatus, Revocation
from pkilab.pki.ocsp import OcspStatus
from pkilab.templates.revocation_authorizer.fetching import (
    Fetch,
    UnavailableError,
    shown,
)

# A CRL of a million entries, in 64 partitions, takes about 300 MB; an OCSP answer 1 kB.
MOST_LISTS = 64
MOST_ANSWERS = 10_000
MOST_URLS = 3  # of one certificate; each may cost a timeout

_SPEAKS = {Revocation.GOOD, Revocation.REVOKED}
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Finding:
    """What a source says. ``details`` are the sentences on what could not be used on the way.

    ``reason`` is RFC 5280's word of a revocation; ``url`` where the answer came from.
    """

    status: Revocation
    reason: str | None = None
    url: str | None = None
    crl_number: int | None = None
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Schedule:
    """How old something may become before it is renewed, and how long a failure is remembered."""

    refresh: timedelta
    retry: timedelta

    def next(self, this_update: datetime, next_update: datetime, at: datetime) -> datetime:
        """Return when to renew what was fetched ``at``: at half of its life, or sooner."""
        half = this_update + (next_update - this_update) / 2
        aged = at + self.refresh
        return min(half if at < half else aged, aged, next_update)


@dataclass(frozen=True, slots=True)
class _Kept(Generic[_Value]):
    value: _Value | None = None
    renew_at: datetime | None = None
    trouble: tuple[str, ...] = ()
    url: str | None = None
    digest: bytes = b""

    def failed(self, trouble: Sequence[str], until: datetime) -> _Kept[_Value]:
        return replace(self, trouble=tuple(trouble), renew_at=until)


@dataclass(slots=True)
class _Store(Generic[_Key, _Value]):
    """The last ``most`` things that were fetched; what was renewed least lately goes first."""

    most: int
    kept: dict[_Key, _Kept[_Value]] = field(default_factory=dict, repr=False)

    def current(
        self, key: _Key, at: datetime, renew: Callable[[_Kept[_Value]], _Kept[_Value]]
    ) -> _Kept[_Value]:
        """Return what is kept under a key, renewed if it is time."""
        kept = self.kept.get(key) or _Kept()
        if kept.renew_at is None or at >= kept.renew_at:
            self.kept.pop(key, None)
            kept = self.kept[key] = renew(kept)
            if len(self.kept) > self.most:
                del self.kept[next(iter(self.kept))]
        return kept


@dataclass(slots=True)
class CrlSource:
    """Asks CRLs; keeps one `CrlIndex` per URL and issuer. Not safe for threads."""

    fetch: Fetch
    schedule: Schedule
    _store: _Store[tuple[str, bytes], CrlIndex] = field(
        default_factory=lambda: _Store(MOST_LISTS), repr=False
    )

    def ask(
        self,
        certificate: x509.Certificate,
        issuer: x509.Certificate,
        urls: Sequence[str],
        at: datetime,
    ) -> Finding:
        """Ask the lists at ``urls``, in order, until one speaks about the certificate."""
        details: list[str] = []
        revoked = None
        for url in urls[:MOST_URLS]:
            key = (url, issuer.fingerprint(hashes.SHA256()))
            kept = self._store.current(key, at, partial(self._renewed, url, issuer, at))
            index = kept.value
            if index is None:
                details += kept.trouble
                continue
            status = index.status(certificate, at)
            if status.status in _SPEAKS:
                return _by_list(status, url, index, tuple(details))
            details += [*kept.trouble, *(f"{shown(url)}: {each}" for each in status.reasons)]
            if (last := _last_word(index, certificate, at)).status is Revocation.REVOKED:
                revoked = revoked or (last, url, index)
        if revoked:
            return _by_list(*revoked, tuple(details))
        return Finding(Revocation.UNUSABLE, details=tuple(details))

    def _renewed(
        self, url: str, issuer: x509.Certificate, at: datetime, kept: _Kept[CrlIndex]
    ) -> _Kept[CrlIndex]:
        retry_at = at + self.schedule.retry
        try:
            data = self.fetch(url, None)
            digest = sha256(data).digest()
            same = kept.value if kept.value and digest == kept.digest else None
            index = same or crl.index(crl.load_crl(data), issuer)
        except UnavailableError as error:
            return kept.failed([str(error)], retry_at)
        except MalformedError as error:
            return kept.failed([f"{shown(url)}: {error}"], retry_at)
        trouble = [*index.problems, *index.untimely(at), *_why_older(index, kept.value)]
        if trouble or index.next_update is None:
            return kept.failed([f"{shown(url)}: {each}" for each in trouble], retry_at)
        renew_at = self.schedule.next(index.this_update, index.next_update, at)
        return _Kept(index, renew_at, (), url, digest)


@dataclass(slots=True)
class OcspSource:
    """Asks OCSP responders; keeps one answer per certificate. Not safe for threads.

    Attributes:
        nonce: makes the nonce of a request, or None to send none.
        nonce_required: refuse answers without one. Responders that sign in advance, and AWS
            Private CA's, ignore nonces (RFC 5019, 4).
    """

    fetch: Fetch
    schedule: Schedule
    nonce: Callable[[], bytes] | None
    nonce_required: bool
    _store: _Store[bytes, OcspStatus] = field(
        default_factory=lambda: _Store(MOST_ANSWERS), repr=False
    )

    def ask(
        self,
        certificate: x509.Certificate,
        issuer: x509.Certificate,
        urls: Sequence[str],
        at: datetime,
    ) -> Finding:
        """Ask the responders at ``urls``, in order, until one speaks about the certificate."""
        key = issuer.fingerprint(hashes.SHA256()) + certificate.fingerprint(hashes.SHA256())
        renew = partial(self._renewed, certificate, issuer, urls[:MOST_URLS], at)
        kept = self._store.current(key, at, renew)
        said = kept.value
        if said is None:
            return Finding(Revocation.UNUSABLE, details=kept.trouble)
        if said.status is not Revocation.REVOKED and not _is_in_date(said, at):
            stale = "the answer that is kept is not of this time"
            return Finding(Revocation.UNUSABLE, details=(*kept.trouble, stale))
        return Finding(said.status, said.reason, kept.url, details=kept.trouble)

    def _renewed(
        self,
        certificate: x509.Certificate,
        issuer: x509.Certificate,
        urls: Sequence[str],
        at: datetime,
        kept: _Kept[OcspStatus],
    ) -> _Kept[OcspStatus]:
        trouble: list[str] = []
        for url in urls:
            nonce = self.nonce() if self.nonce else None
            try:
                answer = self.fetch(url, ocsp.build_request(certificate, issuer, nonce=nonce))
                said = ocsp.check(
                    answer, certificate, issuer, at,
                    nonce=nonce, nonce_required=self.nonce_required,
                )  # fmt: skip
            except UnavailableError as error:
                trouble.append(str(error))
                continue
            except MalformedError as error:
                trouble.append(f"{shown(url)}: {error}")
                continue
            reasons = said.reasons or _why_replayed(said, kept.value)
            if reasons or said.this_update is None or said.next_update is None:
                trouble += (f"{shown(url)}: {each}" for each in reasons)
                continue
            renew_at = self.schedule.next(said.this_update, said.next_update, at)
            if said.status not in _SPEAKS:  # it may be about to learn of a new certificate
                renew_at = min(renew_at, at + self.schedule.retry)
            return _Kept(said, renew_at, (), url)
        return kept.failed(trouble, at + self.schedule.retry)


def _by_list(status: CrlStatus, url: str, index: CrlIndex, details: tuple[str, ...]) -> Finding:
    return Finding(status.status, status.reason, url, index.number, details)


def _last_word(index: CrlIndex, certificate: x509.Certificate, at: datetime) -> CrlStatus:
    """What a list said of a certificate while it was in date, if it no longer is."""
    return index.status(certificate, min(at, index.next_update or at))


def _is_in_date(said: OcspStatus, at: datetime) -> bool:
    return bool(
        said.this_update and said.next_update and said.this_update <= at <= said.next_update
    )


def _why_older(index: CrlIndex, kept: CrlIndex | None) -> list[str]:
    """Say why a list must not follow the one that is kept: genuine, in date, and a replay."""
    if kept is None:
        return []
    if kept.number is not None and (index.number is None or index.number < kept.number):
        return [f"its CRL number is {index.number}, after {kept.number}: an older list"]
    if index.this_update < kept.this_update:
        return ["it was made before the list that is kept"]
    return []


def _why_replayed(said: OcspStatus, kept: OcspStatus | None) -> tuple[str, ...]:
    if kept and kept.this_update and said.this_update and said.this_update < kept.this_update:
        return ("it is older than the answer that is kept",)
    return ()
