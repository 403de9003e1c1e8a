"""The promises inside a certificate: who made them, whether they hold, and whether they suffice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509

from pkilab.ct import log_list as lists
from pkilab.ct import policy
from pkilab.ct.log_list import LogList
from pkilab.ct.precertificates import verify_embedded
from pkilab.ct.structures import ECDSA, RSA, SHA256, Sct
from pkilab.errors import MalformedError, VerificationError
from pkilab.pki.certificates import label
from pkilab.pki.keys import PublicKey
from pkilab.revocation import Fetch
from pkilab.transparency._wire import body_of

CHROME_LIST = "https://www.gstatic.com/ct/log_list/v3/log_list.json"
_ALGORITHMS = {RSA: "RSA", ECDSA: "ECDSA"}


def fetch_log_list(
    fetch: Fetch, url: str = CHROME_LIST, *, public_key: PublicKey | None = None
) -> LogList:
    """Fetch a log list; with its publisher's key, verify the signature that lies beside it.

    Args:
        fetch: gets a URL.
        url: of a list in version 3 of Chrome's format, ending in ``.json``.
        public_key: the publisher's. None: the list is believed as the URL serves it.

    Raises:
        LabError: the URL does not answer with it.
        MalformedError: it is no log list.
        CtError: the signature is not the publisher's.
    """
    data = body_of(fetch(url), url)
    if public_key is not None:
        beside = url.removesuffix(".json") + ".sig"
        lists.verify_log_list(data, body_of(fetch(beside), beside), public_key)
    return lists.decode_log_list(data)


@dataclass(frozen=True, slots=True)
class SctRow:
    """One SCT in a certificate. ``reason`` says why it does not hold, and is empty if it does.

    ``time`` is None, and ``operator`` empty, where the SCT cannot be read or names no real time.
    """

    log: str
    operator: str
    time: datetime | None
    holds: bool
    reason: str
    sct: Sct | None = field(repr=False)


def scts(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    log_list: LogList,
    *,
    at: datetime | None = None,
) -> tuple[SctRow, ...]:
    """Say of each SCT in a certificate which log made it, when, and whether it holds.

    Not checked: whether ``issuer`` issued the certificate, and whether it is in the logs
    (`prove_inclusion`).

    Args:
        certificate: none, if it has no SCTs.
        issuer: the certificate of its CA, whose key the logs signed for, too.
        log_list: which logs there are.
        at: an aware time that no SCT may be dated after; None: not looked at.

    Raises:
        MalformedError: the SCT list cannot be cut into SCTs.
    """
    verdicts = verify_embedded(certificate, issuer, log_list.keys(), at)
    return tuple(_row(log_list, v.sct, holds=v.holds, reason=v.reason) for v in verdicts)


def verify(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    log_list: LogList,
    *,
    at: datetime | None = None,
) -> tuple[Sct, ...]:
    """Return the SCTs in a certificate, all of which hold. Arguments are those of `scts`.

    Raises:
        VerificationError: there is none, or some do not hold; it carries every reason.
        MalformedError: the SCT list cannot be cut into SCTs.
    """
    rows = scts(certificate, issuer, log_list, at=at)
    reasons = tuple(f"SCT of {each.log or 'a log'}: {each.reason}" for each in rows if each.reason)
    if reasons or not rows:
        raise VerificationError(label(certificate), reasons or ("there is no SCT in it",))
    return tuple(each.sct for each in rows if each.sct)


@dataclass(frozen=True, slots=True)
class SctField:
    """One field of an SCT: its bytes, and what they say."""

    field: str
    bytes: bytes
    meaning: str


def fields(sct: Sct) -> tuple[SctField, ...]:
    """Cut an SCT into its fields, in the order of its bytes (RFC 6962, 3.2; RFC 5246, 4.7).

    Raises:
        MalformedError: a timestamp beyond the year 9999.
    """
    signature, whole = sct.signature, sct.encode()
    length = len(signature.signature)
    layout = (
        ("version", 1, "v1"),
        ("log ID", 32, "SHA-256 of the log's public key"),
        ("timestamp", 8, f"{sct.timestamp} ms since 1970: {sct.moment:%Y-%m-%d %H:%M:%S} UTC"),
        ("extensions", 2 + len(sct.extensions), f"{len(sct.extensions)} bytes"),
        ("hash", 1, _said(signature.hash_algorithm, {SHA256: "SHA-256"})),
        ("signature algorithm", 1, _said(signature.signature_algorithm, _ALGORITHMS)),
        ("length", 2, f"{length} bytes"),
        ("signature", length, "by the log's key"),
    )
    found, start = [], 0
    for name, size, meaning in layout:
        found.append(SctField(name, whole[start : start + size], meaning))
        start += size
    return tuple(found)


def _said(number: int, names: Mapping[int, str]) -> str:
    return f"{number}: {names.get(number, 'none that a log of version 1 may use')}"


@dataclass(frozen=True, slots=True)
class Compliance:
    """What one browser says of a certificate's SCTs."""

    browser: str
    accepted: bool
    counted: tuple[str, ...]  # the logs whose SCTs count
    reasons: tuple[str, ...]  # why it is refused; also why an SCT does not count


def compliance(
    certificate: x509.Certificate, issuer: x509.Certificate, log_list: LogList, *, at: datetime
) -> tuple[Compliance, ...]:
    """Say whether Chrome and Apple take the SCTs inside a public certificate, and why not.

    SCTs that do not hold are not counted. The rules are `pkilab.ct.policy`'s; both browsers are
    judged by the same list, though Apple has one of its own.

    Raises:
        MalformedError: as `scts`.
    """
    rows = scts(certificate, issuer, log_list, at=at)
    holding = [each.sct for each in rows if each.sct and each.holds]
    broken = tuple(each.reason for each in rows if not each.holds)
    lifetime = policy.lifetime_of(certificate)
    found = []
    for browser, judge in (("Chrome", policy.chrome), ("Apple", policy.apple)):
        verdict = judge(holding, lifetime, log_list, at)
        counted = tuple(each.log.description for each in verdict.counted)
        why = (*verdict.reasons, *(each.reason for each in verdict.uncounted), *broken)
        found.append(Compliance(browser, verdict.accepted, counted, why))
    return tuple(found)


def _row(log_list: LogList, sct: Sct | None, *, holds: bool, reason: str) -> SctRow:
    log = log_list.find(sct.log_id) if sct else None
    try:
        time = sct.moment if sct else None
    except MalformedError:
        time = None  # beyond the year 9999
    operator = log_list.operator_of(log, time) if log and time else ""
    return SctRow(log.description if log else "", operator, time, holds, reason, sct)
