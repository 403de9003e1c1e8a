"""Severity's two scales: today's labels, and the number that came before them.

Source: AWS Security Hub User Guide, "Severity" of the AWS Security Finding Format.
"""

from __future__ import annotations

from typing import Literal, get_args

from pkilab.errors import MalformedError

Label = Literal["INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL"]
LABELS: tuple[Label, ...] = get_args(Label)
MOST = 100
_LEAST: dict[Label, int] = {
    "INFORMATIONAL": 0,
    "LOW": 1,
    "MEDIUM": 40,
    "HIGH": 70,
    "CRITICAL": 90,
}


def label_of(normalized: int) -> Label:
    """Return the label that Security Hub gives a finding with this ``Severity.Normalized``.

    Raises:
        MalformedError: it is not 0 to 100.
    """
    if not 0 <= normalized <= MOST:
        raise MalformedError("Severity.Normalized", found=str(normalized), expected="0 to 100")
    return next(label for label in reversed(LABELS) if normalized >= _LEAST[label])


def normalized_of(label: Label) -> int:
    """Return the number that Security Hub writes beside a label: the least of its range."""
    return _LEAST[label]
