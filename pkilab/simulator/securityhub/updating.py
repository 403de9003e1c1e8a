"""What customers change of a finding, through BatchUpdateFindings and automation rules.

Source: Security Hub CSPM User Guide, "BatchUpdateFindings for customers".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pkilab.simulator.securityhub import severity
from pkilab.simulator.securityhub.importing import SHARED
from pkilab.simulator.securityhub.moments import written

Json = dict[str, Any]
MEMBERS = (*SHARED, "Note", "UserDefinedFields", "VerificationState", "Workflow")


def changed(finding: Json, changes: Mapping[str, Any], now: datetime) -> Json:
    """Return a finding with a customer's changes. UpdatedAt stays: it is the provider's.

    Args:
        finding: as it is; not changed.
        changes: some of `MEMBERS`.
        now: the time.
    """
    found = dict(finding)
    for name, value in changes.items():
        if name == "Note":
            found[name] = {**value, "UpdatedAt": written(now)}
        elif name == "Severity":
            found[name] = _severity(finding.get("Severity", {}), value)
        elif name == "Workflow":
            found[name] = {**finding["Workflow"], **value}
        else:
            found[name] = value
    return found


def set_by(changes: Mapping[str, Any]) -> frozenset[str]:
    """Return the members that a provider no longer changes after a customer's changes."""
    return frozenset(changes) & frozenset(SHARED)


def _severity(before: Json, change: Json) -> Json:
    """Return a severity with a new label or number; the one decides the other."""
    kept: Json = {name: before[name] for name in ("Product", "Original") if name in before}
    if not change.keys() & {"Label", "Normalized"}:
        return before | change
    return severity.complete(kept | change)
