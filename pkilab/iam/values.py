"""Values of conditions that are not text: numbers, moments, addresses, booleans, bytes.

Source: IAM User Guide, "IAM JSON policy elements: Condition operators".
"""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from decimal import Decimal
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?", re.ASCII)
_MOMENT = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d))?)?)?",
    re.ASCII,
)


def number(text: str) -> Decimal:
    """Read an integer or a decimal number.

    Raises:
        ValueError: it is none.
    """
    if _NUMBER.fullmatch(text) is None:
        raise ValueError(text)
    return Decimal(text)


def moment(text: str) -> Decimal:
    """Read a date of the W3C's profile of ISO 8601, or seconds since 1970; return such seconds.

    Four digits are a year.

    Raises:
        ValueError: it is neither.
    """
    found = _MOMENT.fullmatch(text)
    if found is None:
        return number(text)
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    shift = "+0000" if zone in (None, "Z") else zone.replace(":", "")
    start = datetime.strptime(
        f"{year}-{month or '01'}-{day or '01'}T{hour or '00'}:{minute or '00'}:{second or '00'}"
        f"{shift}",
        "%Y-%m-%dT%H:%M:%S%z",
    )
    whole = start - datetime(1970, 1, 1, tzinfo=UTC)
    return whole.days * 86400 + whole.seconds + Decimal(fraction or 0)


def boolean(text: str) -> bool:
    """Read ``true`` or ``false``, in any case.

    Raises:
        ValueError: it is neither.
    """
    small = text.lower()
    if small not in ("true", "false"):
        raise ValueError(text)
    return small == "true"


def octets(text: str) -> bytes:
    """Read Base64.

    Raises:
        ValueError: it is none.
    """
    return base64.b64decode(text.encode("ascii"), validate=True)


def network(text: str) -> IPv4Network | IPv6Network:
    """Read an address or a range in CIDR notation; bits beyond the prefix count for nothing.

    Raises:
        ValueError: it is neither.
    """
    return ip_network(text, strict=False)


def address(text: str) -> IPv4Address | IPv6Address:
    """Read an address of IPv4 or IPv6.

    Raises:
        ValueError: it is none.
    """
    return ip_address(text)
