"""Rules: patterns and schedules, and whether they are enabled.

Source: EventBridge API Reference, PutRule, DeleteRule; User Guide, "Quotas".
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pkilab.simulator.eventbridge.base import Base, invalid, listing, too_many, with_tags
from pkilab.simulator.eventbridge.patterns import Pattern
from pkilab.simulator.eventbridge.schedules import Schedule, read_schedule
from pkilab.simulator.eventbridge.state import (
    DEFAULT,
    DISABLED,
    ENABLED,
    EventBus,
    Json,
    Rule,
)
from pkilab.simulator.service import AwsError, Call

RULES = 300  # of a bus
PATTERN = 2_048  # characters
_MANDATORY = ("id", "account", "source", "time", "region", "detail-type")


class Rules(Base):
    """The operations on rules."""

    def put_rule(
        self,
        call: Call,
        *,
        name: str,
        schedule_expression: str | None = None,
        event_pattern: str | None = None,
        state: str = ENABLED,
        description: str | None = None,
        role_arn: str | None = None,
        tags: Sequence[Json] = (),
        event_bus_name: str | None = None,
    ) -> Json:
        """Make a rule, or change one: what is not given is gone, but for targets and tags."""
        bus = self.own_bus(call, event_bus_name)
        if not (schedule_expression or event_pattern):
            raise invalid("Parameter(s) EventPattern or ScheduleExpression must be specified.")
        schedule = self._schedule(bus, schedule_expression)
        pattern = _pattern(event_pattern) if event_pattern else None
        known = self.rules_of(bus)
        before = known.get(name)
        if before is None and len(known) >= RULES:
            raise too_many()
        path = name if bus.name == DEFAULT else f"{bus.name}/{name}"
        made = Rule(
            name,
            f"arn:aws:events:{bus.region}:{bus.account}:rule/{path}",
            bus.name,
            bus.account,
            bus.region,
            event_pattern or None,
            pattern,
            schedule_expression or None,
            state,
            description,
            role_arn,
            before.targets if before else {},
            before.tags if before else with_tags({}, tags),
        )
        self.keep_rule(bus, made)
        self.start_schedule(bus, made, schedule)
        return {"RuleArn": made.arn}

    def start_schedule(self, bus: EventBus, rule: Rule, schedule: Schedule | None) -> None:
        """Let a rule's schedule begin anew; one that it had ends."""
        raise NotImplementedError

    def _schedule(self, bus: EventBus, expression: str | None) -> Schedule | None:
        if not expression:
            return None
        if bus.name != DEFAULT:
            raise invalid("ScheduleExpression is supported only on the default event bus.")
        return read_schedule(expression)

    def delete_rule(
        self,
        call: Call,
        *,
        name: str,
        event_bus_name: str | None = None,
        force: bool = False,  # noqa: ARG002 - for managed rules, of which there are none
    ) -> Json:
        """Delete a rule that has no targets. What is not there is deleted already."""
        bus = self.own_bus(call, event_bus_name)
        found = self.rules_of(bus).get(name)
        if found is not None and found.targets:
            raise invalid("Rule can't be deleted since it has targets.")
        self.drop_rule(bus, name)
        return {}

    def describe_rule(self, call: Call, *, name: str, event_bus_name: str | None = None) -> Json:
        """Return a rule."""
        _, rule = self.own_rule(call, event_bus_name, name)
        return {**_described(rule), "CreatedBy": rule.account}

    def list_rules(
        self,
        call: Call,
        *,
        name_prefix: str = "",
        event_bus_name: str | None = None,
        next_token: str | None = None,
        limit: int | None = None,
    ) -> Json:
        """List a bus's rules by name."""
        bus = self.own_bus(call, event_bus_name)
        rules = sorted(self.rules_of(bus).items())
        found = [_described(rule) for name, rule in rules if name.startswith(name_prefix)]
        return listing("Rules", found, limit, next_token, f"{bus.arn} {name_prefix}")

    def list_rule_names_by_target(
        self,
        call: Call,
        *,
        target_arn: str,
        event_bus_name: str | None = None,
        next_token: str | None = None,
        limit: int | None = None,
    ) -> Json:
        """List the names of a bus's rules that have a target."""
        bus = self.own_bus(call, event_bus_name)
        found = sorted(
            name
            for name, rule in self.rules_of(bus).items()
            if any(target.arn == target_arn for target in rule.targets.values())
        )
        return listing("RuleNames", found, limit, next_token, f"{bus.arn} {target_arn}")

    def enable_rule(self, call: Call, *, name: str, event_bus_name: str | None = None) -> Json:
        """Let a rule match."""
        self._set_state(call, event_bus_name, name, ENABLED)
        return {}

    def disable_rule(self, call: Call, *, name: str, event_bus_name: str | None = None) -> Json:
        """Let a rule match nothing."""
        self._set_state(call, event_bus_name, name, DISABLED)
        return {}

    def _set_state(self, call: Call, bus_name: str | None, name: str, state: str) -> None:
        bus, rule = self.own_rule(call, bus_name, name)
        self.keep_rule(bus, replace(rule, state=state))

    def test_event_pattern(self, call: Call, *, event_pattern: str, event: str) -> Json:  # noqa: ARG002 - of nobody
        """Say whether an event matches a pattern."""
        pattern = Pattern(event_pattern)
        found = read_event(event)
        if found is None:
            raise invalid("Parameter Event is not valid.")
        return {"Result": pattern.matches(found)}


def read_event(text: str) -> Mapping[str, Any] | None:
    """Return the event of a JSON text; None: it is none, or lacks what every event has."""
    found = read_object(text)
    if found is None or any(name not in found for name in _MANDATORY):
        return None
    return found


def read_object(text: str) -> Json | None:
    """Return the object of a JSON text; None: it is none."""
    try:
        found = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _finite(text: str) -> float:
    if math.isinf(found := float(text)):
        raise ValueError(f"{text} is too large")
    return found


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


def _pattern(text: str) -> Pattern:
    if len(text) > PATTERN:
        message = f"The event pattern has {len(text)} characters; at most {PATTERN} are allowed."
        raise AwsError("LimitExceededException", message)
    return Pattern(text)


def _described(rule: Rule) -> Json:
    return {
        "Name": rule.name,
        "Arn": rule.arn,
        "EventPattern": rule.event_pattern,
        "ScheduleExpression": rule.schedule,
        "State": rule.state,
        "Description": rule.description,
        "RoleArn": rule.role_arn,
        "EventBusName": rule.bus_name,
    }
