"""What policies of every service have in common: elements of one or several values, and wildcards.

A pattern is matched in time proportional to its length times the text's, whatever it holds: each
piece between two stars is looked for once, from the left, and never again.

Sources: IAM User Guide, "IAM JSON policy elements: Condition operators" and "IAM JSON policy
elements: Resource".
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any, TypeAlias


class Wild(Enum):
    """A wildcard: any text, or any one character."""

    ANY = "*"
    ONE = "?"


Token: TypeAlias = str | Wild
Matcher: TypeAlias = Callable[[str], bool]


def listed(value: object) -> list[Any]:
    """Return an element's values, of which it may have one, several or none."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def like(pattern: str, value: str) -> bool:
    """Compare as StringLike does: ``*`` is any text, ``?`` one character."""
    return matcher(tokens(pattern))(value)


def arn_like(pattern: str, value: str) -> bool:
    """Compare ARNs part by part: a ``*`` does not reach over a colon (except in the last part)."""
    return arn_matcher(tokens(pattern))(value)


@functools.lru_cache(maxsize=4096)
def tokens(pattern: str) -> tuple[Token, ...]:
    """Cut a pattern into literal text and wildcards."""
    pieces = re.split(r"([*?])", pattern)
    return tuple(Wild(piece) if piece in ("*", "?") else piece for piece in pieces if piece)


@functools.lru_cache(maxsize=4096)
def matcher(pattern: tuple[Token, ...]) -> Matcher:
    """Return the comparison of a whole text with a pattern."""
    if all(isinstance(token, str) for token in pattern):
        return "".join(_text(pattern)).__eq__
    if pattern[-1] is Wild.ANY and all(isinstance(token, str) for token in pattern[:-1]):
        start = "".join(_text(pattern))
        return lambda value: value.startswith(start)
    found = re.compile(_expression(pattern), re.DOTALL).fullmatch
    return lambda value: found(value) is not None


@functools.lru_cache(maxsize=4096)
def arn_matcher(pattern: tuple[Token, ...]) -> Matcher:
    """Return the comparison of two ARNs' six parts, each with its own wildcards."""
    parts = _arn_parts(pattern)
    matchers = tuple(matcher(tuple(part)) for part in parts)

    def matches(value: str) -> bool:
        found = value.split(":", 5)
        return len(found) == len(matchers) and all(
            matches_part(part) for matches_part, part in zip(matchers, found, strict=True)
        )

    return matches


def _text(pattern: Iterable[Token]) -> Iterable[str]:
    return (token for token in pattern if isinstance(token, str))


def _expression(pattern: tuple[Token, ...]) -> str:
    """Write the pattern as a regular expression that never tries a piece twice."""
    pieces = [""]
    for token in pattern:
        if token is Wild.ANY:
            pieces.append("")
        else:
            pieces[-1] += "." if token is Wild.ONE else re.escape(str(token))
    first, *further = pieces
    if not further:
        return first
    between = "".join(f"(?>.*?{piece})" for piece in further[:-1] if piece)
    return f"{first}{between}.*{further[-1]}"


def _arn_parts(pattern: tuple[Token, ...]) -> list[list[Token]]:
    parts: list[list[Token]] = [[]]
    for token in pattern:
        if isinstance(token, Wild):
            parts[-1].append(token)
            continue
        here, *further = token.split(":", 6 - len(parts))
        parts[-1].extend([here] if here else [])
        parts.extend([piece] if piece else [] for piece in further)
    return parts
