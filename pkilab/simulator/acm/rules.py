"""ACM's rules have dates: what holds at a moment of the world's time.

A world that opens in 2018 has a way out of certificate transparency; one of late 2026 has not. The
table below is read from top to bottom: each line changes what the lines above it left.

Source: ACM User Guide, Document history and AWS Certificate Manager concepts.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

Method = Literal["DNS", "EMAIL"]

APPROACHING = "ACM Certificate Approaching Expiration"
EXPIRED = "ACM Certificate Expired"
AVAILABLE = "ACM Certificate Available"
ACTION_REQUIRED = "ACM Certificate Renewal Action Required"
REVOKED = "ACM Certificate Revoked"


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds from one line of the table to the next."""

    lifetime: timedelta = timedelta(days=395)  # of a public certificate issued now
    renewal: timedelta = timedelta(days=60)  # before the end of a public certificate issued now
    client_authentication: bool = True  # whether public certificates are for clients, too
    # Whether public certificates are logged: never, unless their owner opted out, or always.
    transparency: Literal["never", "unless opted out", "always"] = "never"
    methods: tuple[Method, ...] = ("EMAIL",)  # of validation
    key_algorithms: tuple[str, ...] = ("RSA_2048",)  # of requested certificates
    private: bool = False  # whether certificates of private CAs can be requested
    export: bool = False  # whether public certificates can be requested for export
    droppable: tuple[str, ...] = ()  # uses that a reimport may take away
    events: tuple[str, ...] = ()  # detail types sent to EventBridge
    # Whether answers name the origin of the key pair and events the validity and the first name.
    origins: bool = False


_CHANGES: tuple[tuple[date, dict[str, Any]], ...] = (
    (date(2017, 11, 21), {"methods": ("EMAIL", "DNS")}),
    (date(2018, 4, 4), {"private": True}),
    (date(2018, 4, 24), {"transparency": "unless opted out"}),
    (date(2021, 3, 3), {"events": (APPROACHING,)}),
    (date(2022, 10, 27), {"events": (APPROACHING, EXPIRED, AVAILABLE, ACTION_REQUIRED)}),
    (date(2022, 11, 8), {"key_algorithms": ("RSA_2048", "EC_prime256v1", "EC_secp384r1")}),
    (date(2025, 6, 11), {"client_authentication": False}),
    (
        date(2025, 6, 17),
        {"export": True, "events": (APPROACHING, EXPIRED, AVAILABLE, ACTION_REQUIRED, REVOKED)},
    ),
    (date(2025, 10, 22), {"droppable": ("clientAuth",)}),
    (date(2026, 2, 18), {"lifetime": timedelta(days=198), "renewal": timedelta(days=45)}),
    (date(2026, 4, 3), {"droppable": ("clientAuth", "keyEncipherment of ECDSA")}),
    (date(2026, 6, 1), {"transparency": "always"}),
    (date(2026, 6, 18), {"origins": True}),
)


def at(moment: datetime) -> Rules:
    """Return the rules of a moment; a change holds from midnight UTC of its day."""
    return _of(sum(day <= moment.astimezone(UTC).date() for day, _ in _CHANGES))


@functools.cache
def _of(changes: int) -> Rules:
    rules = Rules()
    for _, change in _CHANGES[:changes]:
        rules = replace(rules, **change)
    return rules
