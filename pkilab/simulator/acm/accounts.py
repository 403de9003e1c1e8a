"""What an account has set for all its certificates of a Region.

Source: ACM API Reference, PutAccountConfiguration.
"""

from __future__ import annotations

from datetime import datetime, timedelta

_DAYS = {"AMAZON_ISSUED": 30, "PRIVATE": 45, "IMPORTED": 45}
_DEFAULT = 45
TOKEN_MEMORY = timedelta(hours=1)

Place = tuple[str, str]  # account and Region


class Accounts:
    """Account configurations."""

    def __init__(self) -> None:
        self._days: dict[Place, int] = {}
        self._tokens: dict[tuple[Place, str], datetime] = {}

    def put(self, place: Place, days: int | None, token: str, now: datetime) -> bool:
        """Set from how many days before the end on ACM sends events; None leaves it.

        Returns:
            Whether anything changed: a token of the last hour makes the call the same call.
        """
        before = self._tokens.get((place, token))
        if before is not None and now - before < TOKEN_MEMORY:
            return False
        self._tokens[place, token] = now
        if days is None:
            return False
        self._days[place] = days
        return True

    def days(self, place: Place) -> int:
        """Return the setting, as GetAccountConfiguration shows it."""
        return self._days.get(place, _DEFAULT)

    def event_days(self, place: Place, kind: str) -> int:
        """Return from how many days before its end on a certificate's events are sent."""
        return self._days.get(place, _DAYS[kind])
