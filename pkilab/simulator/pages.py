"""Lists in pages, for every service. Source: AWS API References, MaxResults and NextToken."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import TypeVar

from pkilab.simulator.service import AwsError

Item = TypeVar("Item")


def page(
    items: Sequence[Item],
    size: int,
    token: str | None,
    *,
    scope: str,
    refusal: str | AwsError = "InvalidNextTokenException",
) -> tuple[list[Item], str | None]:
    """Return one page and the token of the next.

    Args:
        items: everything there is to list, in its order.
        size: the most that a page holds.
        token: as returned with the page before; ``None`` for the first.
        scope: whose list it is; tokens of another list are refused.
        refusal: the error for a token that was never given out, or its code.

    Raises:
        AwsError: ``refusal``.
    """
    start = 0
    if token is not None:
        text = _decoded(token)
        start = int.from_bytes(text[:4])
        if token != _token(start, scope):
            if isinstance(refusal, AwsError):
                raise refusal
            raise AwsError(refusal, "The NextToken is not valid.")
    end = start + size
    return list(items[start:end]), _token(end, scope) if end < len(items) else None


def _token(position: int, scope: str) -> str:
    """Make a token that says nothing to its holder and is the same in every run."""
    head = position.to_bytes(4)
    seal = hashlib.sha256(head + scope.encode()).digest()[:20]
    return base64.urlsafe_b64encode(head + seal).decode()


def _decoded(token: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(token.encode())
    except ValueError:
        return b""
