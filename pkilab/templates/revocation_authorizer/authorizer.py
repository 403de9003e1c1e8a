"""The Lambda function: refuses requests whose client certificate is revoked, or may be.

API Gateway's mutual TLS checks chain and dates, and never asks for revocation. This REQUEST
authorizer does, for REST APIs and for HTTP APIs (payloads 1.0 and 2.0). The order is that of trust:
first the signature of a configured issuer on the certificate, then dates and pins, and only then
are URLs followed that stand in it. What cannot be read, verified or had is denied.

`pkilab.templates.revocation_authorizer.settings` lists the environment variables. Each decision is
one line of JSON on standard output.

Not checked: the chain above the configured issuers, and their own revocation.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes

from pkilab.errors import MalformedError
from pkilab.pki import crl, ocsp, pem
from pkilab.pki.certificates import UNREADABLE, extension_value, name_text, serial_hex
from pkilab.pki.crl import Revocation
from pkilab.templates.revocation_authorizer import events, settings
from pkilab.templates.revocation_authorizer.events import Json, Request
from pkilab.templates.revocation_authorizer.fetching import (
    Fetch,
    Fetcher,
    UnavailableError,
    may_follow,
    shown,
)
from pkilab.templates.revocation_authorizer.settings import Settings
from pkilab.templates.revocation_authorizer.sources import (
    CrlSource,
    Finding,
    OcspSource,
    Schedule,
)


class Status(StrEnum):
    """Why a request is let in or not; ``context.status`` of the answer."""

    GOOD = "GOOD"
    REVOKED = "REVOKED"
    UNKNOWN = "UNKNOWN"  # the responder does not know the certificate
    UNAVAILABLE = "UNAVAILABLE"  # no CRL or OCSP answer that can be relied on
    NOT_PINNED = "NOT_PINNED"
    OUT_OF_DATE = "OUT_OF_DATE"
    UNKNOWN_ISSUER = "UNKNOWN_ISSUER"
    NO_CERTIFICATE = "NO_CERTIFICATE"
    MALFORMED = "MALFORMED"
    MISCONFIGURED = "MISCONFIGURED"


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided, and what about. ``reason`` is a sentence, or RFC 5280's revocation word."""

    allowed: bool
    status: Status
    reason: str = ""
    certificate: x509.Certificate | None = None
    source: str = ""
    finding: Finding | None = None

    def context(self) -> dict[str, str]:
        """Return what the API's integration, mapping templates and access log may see."""
        number = self.finding.crl_number if self.finding else None
        return {
            "status": self.status.value,
            "serialNumber": serial_hex(self.certificate) if self.certificate else "",
            "reason": self.reason,
            "source": self.source,
            "crlNumber": "" if number is None else str(number),
        }


@dataclass(frozen=True, slots=True)
class _Ready:
    """A configuration with its issuers read and its source set up."""

    settings: Settings
    issuers: Mapping[x509.Name, tuple[x509.Certificate, ...]]
    source: CrlSource | OcspSource


class Authorizer:
    """Decides on requests, keeping configuration, lists and answers from one to the next.

    Args:
        environment: the variables that `settings` lists.
        fetch: gets a URL, or posts to it; by default over the network, within the settings' limits.
        log: takes one line per decision.
        clock: the time of a request that carries none, as REST samples of AWS do.
        nonce: makes 32 random bytes.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        fetch: Fetch | None = None,
        log: Callable[[str], object] = lambda line: sys.stdout.write(line + "\n"),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        nonce: Callable[[], bytes] = lambda: secrets.token_bytes(ocsp.LONGEST_NONCE),
    ) -> None:
        self._environment, self._fetch = environment, fetch
        self._log, self._clock, self._nonce = log, clock, nonce
        self._ready: _Ready | None = None

    def __call__(self, event: object) -> Json:
        """Answer an event. Any event: what is no authorizer's event is denied.

        A denial is 403 to the client. 401 would need an exception, and tell a client without a
        certificate to send other headers, which would not help it.
        """
        request = events.read(event)
        simple = request.version == "2.0" and settings.wants_simple(self._environment)
        try:
            self._ready = self._ready or self._prepare()
            decision = self._decide(request, self._ready)
        except (MalformedError, UnavailableError) as error:
            decision = Decision(allowed=False, status=Status.MISCONFIGURED, reason=str(error))
        if decision.allowed and not simple and not events.can_be_allowed(request.arn):
            decision = _denied(Status.MALFORMED, "no ARN that a policy could allow alone")
        self._report(request, decision)
        context, who = decision.context(), decision.certificate
        if simple:
            return events.simple_answer(allowed=decision.allowed, context=context)
        return events.policy_answer(
            allowed=decision.allowed,
            arn=request.arn,
            principal=who.fingerprint(hashes.SHA256()).hex() if who else "unknown",
            context=context,
        )

    def _prepare(self) -> _Ready:
        """Read the configuration; what fails is tried again at the next request."""
        chosen = settings.read(self._environment)
        fetch = self._fetch or Fetcher(chosen.timeout_seconds, chosen.most_bytes)
        data = fetch(chosen.issuers_uri, None) if chosen.issuers_uri else chosen.issuers_pem
        schedule = Schedule(chosen.refresh, chosen.retry)
        if chosen.by_ocsp:
            nonce = None if chosen.nonce == "none" else self._nonce
            return _Ready(
                chosen,
                _by_subject(data),
                OcspSource(fetch, schedule, nonce, nonce_required=chosen.nonce == "required"),
            )
        return _Ready(chosen, _by_subject(data), CrlSource(fetch, schedule))

    def _decide(self, request: Request, ready: _Ready) -> Decision:
        if request.version is None:
            return _denied(Status.MALFORMED, "not an event of API Gateway")
        if request.certificate_pem is None:
            return _denied(Status.NO_CERTIFICATE, "the request came without a client certificate")
        if request.has_time and request.at is None:
            return _denied(Status.MALFORMED, "the request's time is none")
        try:
            certificate = pem.load_certificate(request.certificate_pem)
            return _judge(certificate, ready, request.at or self._clock())
        except UNREADABLE as error:  # MalformedError is a ValueError
            return _denied(Status.MALFORMED, f"the client certificate cannot be judged ({error})")

    def _report(self, request: Request, decision: Decision) -> None:
        finding, certificate = decision.finding, decision.certificate
        line = decision.context() | {
            "decision": "allow" if decision.allowed else "deny",
            "requestId": request.request_id,
            "arn": request.arn,
            "at": request.at.isoformat() if request.at else None,
            "subject": name_text(certificate, "subject") if certificate else None,
            "issuer": name_text(certificate, "issuer") if certificate else None,
            "url": shown(finding.url) if finding and finding.url else None,
            "details": finding.details if finding else (),
        }
        self._log(json.dumps(line))


def _judge(certificate: x509.Certificate, ready: _Ready, at: datetime) -> Decision:
    chosen = ready.settings
    issuer = _issuer_of(certificate, ready)
    if issuer is None:
        return _denied(
            Status.UNKNOWN_ISSUER,
            "no configured issuer has signed it, with SHA-256 or better",
            certificate,
        )
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        return _denied(Status.OUT_OF_DATE, "the certificate is out of date", certificate)
    if not (chosen.subjects.admit(certificate) and chosen.issuers.admit(issuer)):
        return _denied(Status.NOT_PINNED, "its subject or issuer is not pinned", certificate)
    named = (ocsp if chosen.by_ocsp else crl).urls(certificate)
    urls = chosen.urls or [each for each in named if may_follow(each, chosen.allowed_hosts)]
    if urls:
        finding = ready.source.ask(certificate, issuer, urls, at)
    else:
        finding = Finding(Revocation.UNUSABLE, details=("it names no URL that may be followed",))
    status = {Revocation.UNUSABLE: Status.UNAVAILABLE}.get(finding.status) or Status(finding.status)
    return Decision(
        allowed=status is Status.GOOD
        or (status is Status.UNAVAILABLE and chosen.allow_unavailable),
        status=status,
        reason=finding.reason or ("; ".join(finding.details) if status is not Status.GOOD else ""),
        certificate=certificate,
        source="ocsp" if chosen.by_ocsp else "crl",
        finding=finding,
    )


def _issuer_of(certificate: x509.Certificate, ready: _Ready) -> x509.Certificate | None:
    """Return the configured CA whose name and signature the certificate has; SHA-1 is none."""
    for issuer in ready.issuers.get(certificate.issuer, ()):
        try:
            certificate.verify_directly_issued_by(issuer)
        except (InvalidSignature, *UNREADABLE):
            continue
        return issuer
    return None


def _by_subject(data: bytes | str) -> dict[x509.Name, tuple[x509.Certificate, ...]]:
    """Read the issuers; other certificates of a truststore are passed over.

    Raises:
        MalformedError: no PEM of certificates, or none of a CA.
    """
    found: dict[x509.Name, tuple[x509.Certificate, ...]] = {}
    for certificate in pem.load_certificates(data):
        try:
            constraints = extension_value(certificate, x509.BasicConstraints)
            if constraints and constraints.ca:
                subject = certificate.subject
                found[subject] = (*found.get(subject, ()), certificate)
        except UNREADABLE:
            continue
    if not found:
        raise MalformedError("issuers", found="no CA certificate", expected="at least one")
    return found


def _denied(status: Status, reason: str, certificate: x509.Certificate | None = None) -> Decision:
    return Decision(allowed=False, status=status, reason=reason, certificate=certificate)


_AUTHORIZER = Authorizer(os.environ)


def handler(event: object, context: object = None) -> Json:  # noqa: ARG001 - Lambda's signature
    """Answer one event of API Gateway."""
    return _AUTHORIZER(event)
