"""What policies of every service have in common: elements of one or several values, and wildcards.

Source: IAM User Guide, "IAM JSON policy elements: Condition operators".
"""

from __future__ import annotations

import functools
import re
from typing import Any


def listed(value: object) -> list[Any]:
    """Return an element's values, of which it may have one, several or none."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def like(pattern: str, value: str) -> bool:
    """Compare as StringLike does: ``*`` is any text, ``?`` one character."""
    return _wildcard(pattern).fullmatch(value) is not None


def arn_like(pattern: str, value: str) -> bool:
    """Compare ARNs part by part: a ``*`` does not reach over a colon (except in the last part)."""
    patterns, parts = pattern.split(":", 5), value.split(":", 5)
    return len(patterns) == len(parts) and all(map(like, patterns, parts))


@functools.lru_cache(maxsize=1024)
def _wildcard(pattern: str) -> re.Pattern[str]:
    translated = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(translated, re.DOTALL)
