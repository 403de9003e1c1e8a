"""How many SCTs of which logs a public certificate needs: Chrome's and Apple's rules.

The rules are data (`CHROME`, `APPLE`), with the month they were read and where. They hold for
publicly trusted certificates; those of a private CA need no SCTs.

Where Chrome's page is short or says less, Chromium's source decides
(components/certificate_transparency/chrome_ct_policy_enforcer.cc): the lifetime is notAfter less
notBefore, without the last second that RFC 5280 adds, and 180 days to the second still take two
SCTs; of a log that is retired by the time of the check an SCT counts if it, and the earliest SCT of
the logs that are not retired, are both dated before the retirement. The page speaks of the earliest
SCT of all alone; whatever counts here counts by the page, too.

What a browser does not say, and is read here in the likeliest way: Apple's rule that one log
speaks RFC 6962 holds for SCTs by TLS and OCSP as well; Apple, too, takes the operator at the time
of the SCT; more than 398 days fit no row of Apple's table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING

from pkilab.ct.log_list import Log, LogList, LogState
from pkilab.ct.structures import Sct, moment_of
from pkilab.pki.certificates import time_text
from pkilab.pki.crl import aware

if TYPE_CHECKING:
    from cryptography import x509

_UNTRUSTED = frozenset({LogState.PENDING, LogState.REJECTED})
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


class Delivery(Enum):
    """How SCTs came to the client."""

    EMBEDDED = "embedded"
    TLS = "TLS extension"
    OCSP = "stapled OCSP answer"


@dataclass(frozen=True, slots=True)
class Row:
    """What embedded SCTs are needed up to a lifetime; None: any number of days, or no limit."""

    most_days: int | None
    scts: int
    most_of_one_operator: int | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """One browser's policy.

    Attributes:
        browser: whose.
        source: where it is published.
        read: the month it was read there.
        embedded: the rows of its table, by lifetime.
        operators: how many operators there must be among the SCTs counted.
        delivered: how many SCTs of current logs there must be, if not embedded.
        deliveries: how SCTs may come.
        needs_rfc6962: whether one must be of a log that speaks RFC 6962.
        counts_both_ends: whether the last second belongs to the lifetime (RFC 5280, 4.1.2.5).
        earliest_counts: whether a log's retirement must come after the earliest SCT of current
            logs, too, and not only after the log's own.
        list_days: how old the log list may be before nothing is enforced; None: any age.
    """

    browser: str
    source: str
    read: str
    embedded: tuple[Row, ...]
    operators: int
    delivered: int
    deliveries: frozenset[Delivery]
    needs_rfc6962: bool
    counts_both_ends: bool
    earliest_counts: bool
    list_days: int | None


CHROME = Rules(
    browser="Chrome",
    source="https://googlechrome.github.io/CertificateTransparency/ct_policy.html",
    read="2026-07",
    embedded=(Row(180, 2), Row(None, 3)),
    operators=2,
    delivered=2,
    deliveries=frozenset({Delivery.EMBEDDED, Delivery.TLS}),  # OCSP: before version 148 only
    needs_rfc6962=False,
    counts_both_ends=False,
    earliest_counts=True,
    list_days=70,
)
APPLE = Rules(
    browser="Apple",
    source="https://support.apple.com/103214",
    read="2026-07",
    embedded=(Row(180, 2, 1), Row(398, 3, 2)),
    operators=1,
    delivered=2,
    deliveries=frozenset(Delivery),
    needs_rfc6962=True,
    counts_both_ends=True,
    earliest_counts=False,
    list_days=None,
)


@dataclass(frozen=True, slots=True)
class Counted:
    """An SCT that counts, of which log, by whom, and whether the log is retired."""

    sct: Sct
    log: Log
    operator: str
    is_retired: bool


@dataclass(frozen=True, slots=True)
class Uncounted:
    """An SCT that does not count, and why."""

    sct: Sct
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a browser says of the SCTs of a certificate.

    ``compliant``: whether the rules are met; ``reasons`` says of each that is not what was found
    and what is expected. ``enforced``: whether the browser would refuse the certificate for it.
    """

    compliant: bool
    enforced: bool
    reasons: tuple[str, ...]
    counted: tuple[Counted, ...]
    uncounted: tuple[Uncounted, ...]

    @property
    def accepted(self) -> bool:
        """Whether the browser would go on: the rules are met, or not enforced."""
        return self.compliant or not self.enforced


def lifetime_of(certificate: x509.Certificate) -> timedelta:
    """Return notAfter less notBefore: one second less than RFC 5280, 4.1.2.5, makes of it."""
    return certificate.not_valid_after_utc - certificate.not_valid_before_utc


def chrome(
    scts: Sequence[Sct],
    lifetime: timedelta,
    log_list: LogList,
    at: datetime,
    delivery: Delivery = Delivery.EMBEDDED,
) -> Verdict:
    """Judge the SCTs of a public certificate by Chrome's policy (`CHROME`).

    Not checked: the SCTs' signatures (`pkilab.ct.precertificates.verify_embedded`; one that does
    not hold is no SCT), and the certificate.

    Args:
        scts: all that came in one way.
        lifetime: the certificate's, `lifetime_of`.
        log_list: what Chrome has; 70 days after its timestamp nothing is enforced.
        at: the time of the check, aware.
        delivery: how the SCTs came.

    Raises:
        MalformedError: ``at`` has no time zone, or an SCT is dated beyond the year 9999.
    """
    return judge(CHROME, scts, lifetime, log_list, at=at, delivery=delivery)


def apple(
    scts: Sequence[Sct],
    lifetime: timedelta,
    log_list: LogList,
    at: datetime,
    delivery: Delivery = Delivery.EMBEDDED,
) -> Verdict:
    """Judge the SCTs of a public certificate by Apple's policy (`APPLE`).

    Apple has a log list of its own, in much the same format; its states mean the same.

    Arguments, errors and what is not checked are those of `chrome`.
    """
    return judge(APPLE, scts, lifetime, log_list, at=at, delivery=delivery)


def judge(
    rules: Rules,
    scts: Sequence[Sct],
    lifetime: timedelta,
    log_list: LogList,
    *,
    at: datetime,
    delivery: Delivery = Delivery.EMBEDDED,
) -> Verdict:
    """Judge SCTs by rules; arguments and errors are those of `chrome`.

    1. Each SCT counts or does not: its log is known, in a state that counts, and signed in time.
    2. Of several by one log, one counts.
    3. What counts is compared with what the way of delivery asks for.
    """
    at = aware(at)
    counted: dict[bytes, Counted] = {}
    uncounted = []
    current = (each.timestamp for each in scts if _is_current(log_list.find(each.log_id), at))
    earliest = min(current, default=0) if rules.earliest_counts else 0
    for sct in scts:
        signed = moment_of(max(sct.timestamp, earliest))
        found = _count(sct, log_list, signed, at, delivery)
        if isinstance(found, Counted) and sct.log_id in counted:
            found = Uncounted(sct, f"another SCT of {_named(found.log)} is counted")
        if isinstance(found, Counted):
            counted[sct.log_id] = found
        else:
            uncounted.append(found)
    countable = tuple(counted.values())
    reasons = tuple(_lacking(rules, countable, lifetime, delivery))
    enforced = rules.list_days is None or at - log_list.timestamp < rules.list_days * _DAY
    return Verdict(not reasons, enforced, reasons, countable, tuple(uncounted))


def _is_current(log: Log | None, at: datetime) -> bool:
    """Whether a log counts and is not retired."""
    if log is None or log.state is None or log.state.name in _UNTRUSTED:
        return False
    return log.state.name is not LogState.RETIRED or at < log.state.since


def _count(
    sct: Sct, log_list: LogList, signed: datetime, at: datetime, delivery: Delivery
) -> Counted | Uncounted:
    """Decide whether an SCT counts; ``signed`` is what is held against a log's retirement."""
    log = log_list.find(sct.log_id)
    if log is None:
        return Uncounted(sct, f"no log in the list has the ID {sct.log_id.hex()}")
    if log.state is None or log.state.name in _UNTRUSTED:
        return Uncounted(sct, f"{_named(log)} is {log.state.name if log.state else 'in no state'}")
    since, is_retired = log.state.since, False
    if log.state.name is LogState.RETIRED:
        if signed >= since:
            what = "it" if sct.moment >= since else "every SCT of a current log"
            return Uncounted(sct, f"{_named(log)} was retired at {time_text(since)}, before {what}")
        is_retired = since <= at
    if is_retired and delivery is not Delivery.EMBEDDED:
        return Uncounted(sct, f"{_named(log)} is retired, and only embedded SCTs outlive a log")
    return Counted(sct, log, log_list.operator_of(log, sct.moment), is_retired)


def _lacking(
    rules: Rules, counted: tuple[Counted, ...], lifetime: timedelta, delivery: Delivery
) -> Iterator[str]:
    """Say what the rules want and the counted SCTs are not."""
    if delivery not in rules.deliveries:
        yield f"{rules.browser} takes no SCTs from a {delivery.value}"
        return
    if delivery is Delivery.EMBEDDED:
        yield from _lacking_embedded(rules, counted, lifetime)
    elif len(counted) < rules.delivered:
        states = "that are qualified, usable or readonly"
        yield f"{_scts(len(counted))} of logs {states}, expected {rules.delivered}"
    operators = {each.operator for each in counted}
    if len(operators) < rules.operators:
        names = f" ({', '.join(operators)})" if operators else ""
        yield f"operators of the logs: {len(operators)}{names}, expected {rules.operators}"
    if rules.needs_rfc6962 and all(each.log.is_tiled for each in counted):
        yield "no SCT of a log that speaks RFC 6962, expected one"


def _lacking_embedded(
    rules: Rules, counted: tuple[Counted, ...], lifetime: timedelta
) -> Iterator[str]:
    length = lifetime + _SECOND if rules.counts_both_ends else lifetime
    days = -(-length // _DAY)  # a day that has begun is one
    rows = [row for row in rules.embedded if row.most_days is None or days <= row.most_days]
    if not rows:
        yield f"a lifetime of {days} days, expected at most {rules.embedded[-1].most_days}"
        return
    row = rows[0]
    if all(each.is_retired for each in counted):
        yield "no embedded SCT of a log that is qualified, usable or readonly, expected one"
    most = row.most_of_one_operator
    per_operator = Counter(each.operator for each in counted).values()
    count = sum(each if most is None else min(each, most) for each in per_operator)
    if count < row.scts:
        cap = "" if most is None else f", counting at most {most} of one operator"
        wanted = f"{row.scts} for a lifetime of {days} days"
        yield f"{_scts(count)} of distinct logs{cap}, expected {wanted}"


def _scts(count: int) -> str:
    return "1 SCT" if count == 1 else f"{count or 'no'} SCTs"


def _named(log: Log) -> str:
    return repr(log.description or log.log_id.hex())
