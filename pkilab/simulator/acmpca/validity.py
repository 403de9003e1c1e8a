"""From when until when: the dates of a certificate, from Validity and ValidityNotBefore.

Source: AWS Private CA API Reference, Validity and IssueCertificate.
"""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta
from typing import Any

from pkilab.simulator.acmpca.state import Authority
from pkilab.simulator.acmpca.structures import invalid_args
from pkilab.simulator.acmpca.templates import Template
from pkilab.simulator.service import AwsError

Json = dict[str, Any]

BACKDATED = timedelta(minutes=60)  # for clocks that are late (IssueCertificate, ValidityNotBefore)
SHORT_LIVED = timedelta(days=7)  # User Guide, "CA modes"
_UTC_TIME_DIGITS, _GENERALIZED_TIME_DIGITS = 12, 14
_UTC_TIME_PIVOT = 50  # YY of 50 and above means 19YY (RFC 5280 section 4.1.2.5.1)


def dates(validity: Json, not_before: Json | None, now: datetime) -> tuple[datetime, datetime]:
    """Return NotBefore and NotAfter, whole seconds, of a certificate issued at ``now``.

    NotAfter counts from issuance, whatever NotBefore is.

    Raises:
        AwsError: InvalidArgsException, for dates that do not exist, have passed, or are reversed.
    """
    issuance = now.replace(microsecond=0)
    if not_before is None:
        start = issuance - BACKDATED
    elif not_before["Type"] == "ABSOLUTE":
        start = _epoch(not_before["Value"])
    else:
        raise invalid_args("The type of ValidityNotBefore must be ABSOLUTE.")
    end = _not_after(validity["Type"], validity["Value"], issuance)
    if end <= issuance or end <= start:
        raise invalid_args("The end of the validity must lie in the future and after its start.")
    return start, end


def check_end(authority: Authority, template: Template, end: datetime, now: datetime) -> None:
    """Hold NotAfter against the CA: its own end, and seven days in short-lived mode.

    A CA certificate must end before its issuer's (User Guide, "Manage the private CA lifecycle":
    equal or longer fails); a leaf may end with it. A root that signs itself is bound by neither.

    Raises:
        AwsError: ValidationException.
    """
    if template.root:
        return
    assert authority.issuer is not None  # noqa: S101 - the state was checked before
    limit = authority.issuer.not_after
    if end > limit or (template.ca and end == limit):
        raise AwsError(
            "ValidationException",
            "The certificate validity specified exceeds the certificate authority validity",
        )
    if authority.usage_mode == "SHORT_LIVED_CERTIFICATE" and end - now > SHORT_LIVED:
        raise AwsError(
            "ValidationException",
            "The validity of a certificate from a short-lived certificate CA must not exceed "
            "7 days",
        )


def _not_after(kind: str, value: int, issuance: datetime) -> datetime:
    try:
        match kind:
            case "END_DATE":
                return _end_date(value)
            case "ABSOLUTE":
                return _epoch(value)
            case "DAYS":
                return issuance + timedelta(days=value)
            case "MONTHS":
                return _add_months(issuance, value)
            case _:
                return _add_months(issuance, 12 * value)
    except (ValueError, OverflowError) as error:
        raise invalid_args(f"The validity {value} {kind} does not give a date.") from error


def _epoch(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise invalid_args(f"The validity {seconds} ABSOLUTE does not give a date.") from error


def _end_date(value: int) -> datetime:
    """Read YYMMDDHHMMSS (its leading zeros lost on the way, as a number) or YYYYMMDDHHMMSS."""
    digits = str(value)
    if len(digits) <= _UTC_TIME_DIGITS:
        digits = digits.zfill(_UTC_TIME_DIGITS)
        century = "19" if int(digits[:2]) >= _UTC_TIME_PIVOT else "20"
        digits = century + digits
    if len(digits) != _GENERALIZED_TIME_DIGITS:
        raise ValueError(value)
    return datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=UTC)


def _add_months(start: datetime, months: int) -> datetime:
    """Move by calendar months; where the day does not exist, to the month's last."""
    years, month = divmod(start.month - 1 + months, 12)
    year, month = start.year + years, month + 1
    day = min(start.day, calendar.monthrange(year, month)[1])
    return start.replace(year=year, month=month, day=day)
