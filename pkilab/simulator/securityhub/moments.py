r"""Security Hub's timestamps: RFC 3339 with a zone, read to the nanosecond.

Sources: Security Hub CSPM API Reference, "Timestamps" (a fraction of at most nine digits, an offset
of at most 18 hours, minutes of which may be left out); the pattern is the one that the service
answers with.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

PATTERN = (
    r"(\d\d\d\d)-[0-1](\d)-[0-3](\d)[Tt](?:[0-2](\d):[0-5](\d):[0-5](\d)|23:59:60)"
    r"(?:\.(\d)+)?(?:[Zz]|[+-](\d\d)(?::?(\d\d))?)$"
)
_PARTS = re.compile(
    r"(\d{4}-[01]\d-[0-3]\d)[Tt]([0-2]\d:[0-5]\d:[0-5]\d|23:59:60)(?:\.(\d{1,9}))?"
    r"(?:[Zz]|([+-])(\d\d)(?::?(\d\d))?)",
    re.ASCII,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FURTHEST = 18 * 60  # minutes from UTC
NANOSECONDS = 1_000_000_000


def parse(text: str) -> int | None:
    """Return a timestamp as nanoseconds since 1970; None: it is none.

    Args:
        text: such as ``2026-11-02T09:00:00.5Z`` or ``2026-11-02T10:00:00+01:00``. A leap second
            counts as the second after it.
    """
    found = _PARTS.fullmatch(text)
    if found is None:
        return None
    date, time, fraction, sign, hours, minutes = found.groups()
    leap = time == "23:59:60"
    try:
        moment = datetime.fromisoformat(f"{date}T{'23:59:59' if leap else time}+00:00")
    except ValueError:  # such as the 31st of February
        return None
    offset = int(hours or 0) * 60 + int(minutes or 0)
    if offset > _FURTHEST or int(minutes or 0) > 59:  # noqa: PLR2004 - minutes
        return None
    passed = moment - _EPOCH
    seconds = passed.days * 86_400 + passed.seconds + leap
    seconds -= (-60 if sign == "-" else 60) * offset
    return seconds * NANOSECONDS + int((fraction or "0").ljust(9, "0"))


def nanoseconds(moment: datetime) -> int:
    """Return an aware moment as nanoseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def written(moment: datetime) -> str:
    """Return a moment as the service writes it, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
