"""Severity of a finding: the label, and the number from 0 to 100 that it was before.

Source: Security Hub CSPM API Reference, Severity; User Guide, "Severity".
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
# Label, what Normalized it is set to, and the least one that it stands for.
LABELS = {"INFORMATIONAL": 0, "LOW": 1, "MEDIUM": 40, "HIGH": 70, "CRITICAL": 90}


def label_of(normalized: float) -> str:
    """Return the label of a normalized severity in [0, 100]."""
    return max((least, label) for label, least in LABELS.items() if least <= max(0, normalized))[1]


def complete(severity: Json) -> Json:
    """Return a severity with both label and number; the label counts where both are given.

    A number that agrees with its label is kept: 60 stays 60 and is MEDIUM.
    """
    found = dict(severity)
    if "Label" not in found:
        if "Normalized" in found:
            found["Label"] = label_of(found["Normalized"])
    elif "Normalized" not in found or label_of(found["Normalized"]) != found["Label"]:
        found["Normalized"] = LABELS[found["Label"]]
    return found


def of_provider(severity: Json) -> Json:
    """Return the part of a severity that FindingProviderFields has: label and original."""
    whole = complete(severity)
    return {name: whole[name] for name in ("Label", "Original") if name in whole}


def from_provider(provider: Json, beside: Json | None = None) -> Json:
    """Return the top-level severity for what a provider gives in FindingProviderFields.

    Args:
        provider: its Label, Original.
        beside: the top-level severity of the same request: its numbers are kept as long as they
            do not contradict the label.
    """
    given = beside or {}
    numbers = {name: given[name] for name in ("Normalized", "Product") if name in given}
    return complete(numbers | provider)
