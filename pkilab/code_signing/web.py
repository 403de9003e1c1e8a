"""Getting and posting over HTTP, for those who have no lab: within limits, and the web alone."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from http.client import HTTPException

from pkilab.errors import LabError

_SECONDS = 20
_MOST_BYTES = 2**24  # large public CRLs have some MB


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a URL answered."""

    status: int
    body: bytes = field(repr=False)


def fetch(url: str, body: bytes | None = None, *, content_type: str = "") -> Fetched:
    """Get a URL, or post to it.

    Args:
        url: ``http`` or ``https``.
        body: what to post; None gets.
        content_type: of the body.

    Raises:
        LabError: another scheme, no answer within 20 seconds, or over 16 MiB of it.
    """
    if not re.match(r"https?://", url, re.IGNORECASE):
        raise LabError(f"{url}: found another scheme, expected http or https")
    headers = {"content-type": content_type} if content_type else {}
    try:
        request = urllib.request.Request(url, data=body, headers=headers)  # noqa: S310 - checked
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            found = Fetched(answer.status, answer.read(_MOST_BYTES + 1))
    except urllib.error.HTTPError as error:
        with error:
            return Fetched(error.code, error.read(_MOST_BYTES))
    except (OSError, HTTPException, ValueError) as error:
        why = error.reason if isinstance(error, urllib.error.URLError) else error
        raise LabError(f"{url}: {why}") from error
    if len(found.body) > _MOST_BYTES:
        raise LabError(f"{url}: found over {_MOST_BYTES:,} bytes")
    return found
