"""What became of a finding: its changes, member by member.

Source: Security Hub CSPM API Reference, GetFindingHistory (timestamps at the top level are left
out), FindingHistoryRecord; User Guide, "Reviewing finding history" (90 days).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pkilab.simulator.securityhub.state import RETENTION, Json, Stored

_UNTOLD = {"CreatedAt", "FirstObservedAt", "LastObservedAt", "ProcessedAt", "UpdatedAt"}
IMPORT, UPDATE = "BATCH_IMPORT_FINDINGS", "BATCH_UPDATE_FINDINGS"


def record(before: Json, after: Json, *, when: datetime, source: str, identity: str) -> Json | None:
    """Return the record of a change; None: nothing that is told has changed.

    Args:
        before: the finding as it was.
        after: as it is.
        when: the time.
        source: `IMPORT` or `UPDATE`.
        identity: the ARN of the product or of the principal.
    """
    old, new = dict(_leaves(before)), dict(_leaves(after))
    names = sorted(name for name in old | new if old.get(name) != new.get(name))
    if not names:
        return None
    updates = []
    for name in names:
        update = {"UpdatedField": name}
        update |= {"OldValue": old[name]} if name in old else {}
        update |= {"NewValue": new[name]} if name in new else {}
        updates.append(update)
    return {
        "UpdateTime": when,
        "FindingCreated": False,
        "UpdateSource": {"Type": source, "Identity": identity},
        "Updates": updates,
    }


def records(stored: Stored, identifier: Json, start: datetime, end: datetime) -> list[Json]:
    """Return a finding's records of a time, newest first."""
    creation = {
        "UpdateTime": stored.created,
        "FindingCreated": True,
        "UpdateSource": {"Type": IMPORT, "Identity": identifier["ProductArn"]},
        "Updates": [],
    }
    return [
        {"FindingIdentifier": identifier, **each}
        for each in reversed((creation, *stored.history))
        if max(start, end - RETENTION) <= each["UpdateTime"] <= end
    ]


def _leaves(finding: Json) -> Iterator[tuple[str, str]]:
    for name, value in finding.items():
        if name not in _UNTOLD:
            yield from _inside(name, value)


def _inside(name: str, value: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _inside(f"{name}.{key}", each)
    else:
        yield name, value if isinstance(value, str) else json.dumps(value)
