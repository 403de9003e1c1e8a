"""Pages of the tagging API: by what came last, so that a deletion in between hides nothing.

Source: Resource Groups Tagging API Reference, GetResources (TagsPerPage, PaginationToken) and
Errors ("valid for a maximum of 15 minutes").
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from pkilab.simulator.service import AwsError

_VALID = timedelta(minutes=15)


def start(keys: Sequence[str], token: str, scope: str, now: datetime) -> int:
    """Return the place of the first key that a page holds.

    Args:
        keys: sorted; what there is to list now.
        token: as given out with the page before; ``""`` for the first.
        scope: whose list it is; tokens of another list are refused.
        now: aware.

    Raises:
        AwsError: InvalidParameterException, the token was never given out for this list;
            PaginationTokenExpiredException, that was more than 15 minutes ago.
    """
    if not token:
        return 0
    try:
        said = json.loads(base64.urlsafe_b64decode(token.encode()))
        last, at = str(said["last"]), int(said["at"])
        genuine = token == _token(last, scope, at)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        genuine = False
    if not genuine:
        raise AwsError("InvalidParameterException", "The PaginationToken is not valid.")
    if now.timestamp() > at + _VALID.total_seconds():
        message = "The PaginationToken has expired. It is valid for a maximum of 15 minutes."
        raise AwsError("PaginationTokenExpiredException", message)
    return next((place for place, key in enumerate(keys) if key > last), len(keys))


def following(keys: Sequence[str], end: int, scope: str, now: datetime) -> str:
    """Return the token of the page that begins at a place; ``""``: there is none."""
    return _token(keys[end - 1], scope, int(now.timestamp())) if 0 < end < len(keys) else ""


def _token(last: str, scope: str, at: int) -> str:
    """Make a token that is the same in every run, and that nobody has by chance."""
    seal = hashlib.sha256(json.dumps([last, scope, at]).encode()).hexdigest()[:20]
    said = json.dumps({"last": last, "at": at, "seal": seal})
    return base64.urlsafe_b64encode(said.encode()).decode()
