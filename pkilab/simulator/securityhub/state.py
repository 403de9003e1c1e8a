"""What Security Hub remembers: hubs, and the findings in them.

A finding is kept as the text that it is on the wire, so that a hundred thousand of them fit; beside
it is what must be known without reading it.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

Json = dict[str, Any]
Key = tuple[str, str]  # ProductArn, Id
# User Guide, "Quotas": findings go 90 days after their last update, and what a hub had 90 days
# after it was disabled.
RETENTION = timedelta(days=90)


def text_of(document: Json) -> str:
    """Return a document as it is kept and measured."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


@dataclass(slots=True)
class Stored:
    """One finding.

    Attributes:
        number: of its creation, among those of its hub.
        text: the finding, as JSON.
        updated: its UpdatedAt, in nanoseconds.
        created: when it came first.
        touched: when it last changed.
        customers: top-level members that a customer has set, and its provider no longer does.
        history: changes, oldest first; its creation is not among them.
    """

    number: int
    text: str
    updated: int
    created: datetime
    touched: datetime
    customers: frozenset[str] = frozenset()
    history: tuple[Json, ...] = ()

    @property
    def document(self) -> Json:
        """The finding."""
        found: Json = json.loads(self.text)
        return found


class Findings:
    """The findings of a hub, by product and id; the least recently changed go first."""

    def __init__(self) -> None:
        self._by_key: dict[Key, Stored] = {}  # in the order of the last change
        self._by_id: dict[str, tuple[Key, ...]] = {}
        self._numbered: list[tuple[int, Key]] = []  # in the order of creation; some may be gone
        self._next = 0
        self.version = 0  # grows with every change

    def __len__(self) -> int:
        return len(self._by_key)

    def get(self, key: Key) -> Stored | None:
        """Return the finding of a key."""
        return self._by_key.get(key)

    def number(self) -> int:
        """Return the number of the next new finding."""
        self._next += 1
        return self._next

    def put(self, key: Key, stored: Stored) -> None:
        """Keep a new or changed finding."""
        self.version += 1
        if self._by_key.pop(key, None) is None:
            self._numbered.append((stored.number, key))
            self._by_id[key[1]] = (*self._by_id.get(key[1], ()), key)
        self._by_key[key] = stored

    def after(self, number: int) -> Iterator[Stored]:
        """Yield the findings created after the one of a number, oldest first."""
        start = bisect_right(self._numbered, number, key=lambda each: each[0])
        for position in range(start, len(self._numbered)):
            found = self._by_key.get(self._numbered[position][1])
            if found is not None:
                yield found

    def of_ids(self, ids: set[str]) -> list[Stored]:
        """Return the findings of any product that have one of some ids, oldest first."""
        found = (self._by_key[key] for each in ids for key in self._by_id.get(each, ()))
        return sorted(found, key=lambda stored: stored.number)

    def purge(self, now: datetime) -> None:
        """Drop what has not changed for longer than findings are kept."""
        old = []
        for key, stored in self._by_key.items():
            if now - stored.touched < RETENTION:
                break
            old.append(key)
        for key in old:
            del self._by_key[key]
            if not (others := tuple(each for each in self._by_id[key[1]] if each != key)):
                del self._by_id[key[1]]
            else:
                self._by_id[key[1]] = others
        if old:
            self.version += 1
            self._numbered = [each for each in self._numbered if each[1] in self._by_key]


@dataclass(slots=True)
class Insight:
    """A custom insight: a saved search, grouped."""

    arn: str
    name: str
    filters: Json
    group_by: str


@dataclass(slots=True)
class ActionTarget:
    """A custom action of the console's."""

    arn: str
    name: str
    description: str


@dataclass(slots=True)
class Rule:
    """An automation rule; ``members`` are those of its request, and times and its author."""

    arn: str
    members: Json
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Hub:
    """Security Hub of one account in one Region."""

    account: str
    region: str
    subscribed: datetime
    generator: str = "SECURITY_CONTROL"
    auto_enable: bool = True
    disabled: datetime | None = None  # since when; None: it is enabled
    tags: dict[str, str] = field(default_factory=dict)
    findings: Findings = field(default_factory=Findings)
    products: set[str] = field(default_factory=set)  # ARNs of subscriptions
    insights: dict[str, Insight] = field(default_factory=dict)
    targets: dict[str, ActionTarget] = field(default_factory=dict)
    rules: dict[str, Rule] = field(default_factory=dict)
    searches: dict[str, tuple[int, list[Key]]] = field(default_factory=dict)  # sorted results

    @property
    def place(self) -> str:
        """The beginning of the ARNs of what is in it."""
        return f"arn:aws:securityhub:{self.region}:{self.account}"

    @property
    def arn(self) -> str:
        """The hub's own ARN."""
        return f"{self.place}:hub/default"
