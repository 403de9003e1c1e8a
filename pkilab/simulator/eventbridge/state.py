"""What EventBridge remembers: event buses, their rules, and the rules' targets.

Source: Amazon EventBridge API Reference, data types Target, Rule and EventBus.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pkilab.simulator.eventbridge.patterns import Pattern

Json = dict[str, Any]

DEFAULT = "default"
SERVICE = "events.amazonaws.com"
ENABLED, DISABLED = "ENABLED", "DISABLED"
ENABLED_WITH_READS = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"


class Event(Json):
    """An event on a bus: its JSON, with what only EventBridge knows of it.

    Attributes:
        ingested: when EventBridge received it; None for JSON that never was on a bus.
        read_only: whether it is a management event of CloudTrail's that only reads.
    """

    ingested: datetime | None = None
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Retry:
    """How long a delivery is tried. The defaults are AWS's."""

    attempts: int = 185  # after the first one
    age: int = 86400  # seconds since the event came


@dataclass(frozen=True, slots=True)
class InputTransformer:
    """What to take of an event, and the text to put it in."""

    paths: Mapping[str, str]  # placeholder to JSON path
    template: str


@dataclass(frozen=True, slots=True)
class Target:
    """What a rule brings its events to. Absent members are None.

    Attributes:
        id: unique within the rule.
        arn: whose the event becomes.
        role_arn: the role that EventBridge takes for it.
        input: JSON that is sent instead of the event.
        input_path: the part of the event that is sent.
        input_transformer: how to write what is sent.
        retry: how long a delivery is tried.
        dead_letter_arn: the queue for what could not be delivered.
        sqs_group_id: the message group, for a FIFO queue.
        raw: the target as PutTargets was given it.
    """

    id: str
    arn: str
    role_arn: str | None = None
    input: str | None = None
    input_path: str | None = None
    input_transformer: InputTransformer | None = None
    retry: Retry = field(default_factory=Retry)
    dead_letter_arn: str | None = None
    sqs_group_id: str | None = None
    raw: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of an event bus.

    Attributes:
        name: unique on its bus.
        arn: of the rule.
        bus_name: whose events it looks at.
        account: 12 digits.
        region: where.
        event_pattern: its text as it was put; None for a rule of a schedule alone.
        pattern: the same, compiled.
        schedule: the schedule's text; None for a rule of a pattern alone.
        state: ENABLED, DISABLED or ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS.
        description: free text.
        role_arn: as it was put.
        targets: by id, in the order they were put.
        tags: of the rule.
    """

    name: str
    arn: str
    bus_name: str
    account: str
    region: str
    event_pattern: str | None = None
    pattern: Pattern | None = None
    schedule: str | None = None
    state: str = ENABLED
    description: str | None = None
    role_arn: str | None = None
    targets: Mapping[str, Target] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EventBus:
    """An event bus, without its rules.

    Attributes:
        name: unique in its account and Region.
        arn: of the bus.
        account: 12 digits.
        region: where.
        created: when; None for the default bus, which was always there.
        modified: when last.
        description: free text.
        policy: the text of its resource policy.
        tags: of the bus.
    """

    name: str
    arn: str
    account: str
    region: str
    created: datetime | None = None
    modified: datetime | None = None
    description: str | None = None
    policy: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


def arn_of_bus(account: str, region: str, name: str) -> str:
    """Return the ARN of a bus."""
    return f"arn:aws:events:{region}:{account}:event-bus/{name}"
