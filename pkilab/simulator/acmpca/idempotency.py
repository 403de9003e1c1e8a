"""Idempotency tokens. Source: AWS Private CA API Reference, IdempotencyToken: five minutes."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta

MEMORY = timedelta(minutes=5)


class RecentTokens:
    """The ARNs answered to idempotency tokens in the last five minutes.

    Times never go back, so the oldest stand first and forgetting is cheap.
    """

    def __init__(self) -> None:
        self._answers: OrderedDict[tuple[str, ...], tuple[datetime, str]] = OrderedDict()

    def recall(self, *key: str, now: datetime) -> str | None:
        """Return the ARN answered to a token, unless there is none or it is too long ago."""
        while self._answers:
            when, _ = next(iter(self._answers.values()))
            if now - when < MEMORY:
                break
            self._answers.popitem(last=False)
        _, arn = self._answers.get(key, (None, None))
        return arn

    def remember(self, *key: str, arn: str, now: datetime) -> None:
        """Keep the ARN answered to a token."""
        self._answers[key] = (now, arn)
