"""Amazon EventBridge: what its operations need.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon
EventBridge"; EventBridge User Guide, "Using IAM policy conditions in Amazon EventBridge".
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from pkilab.simulator.access.asking import (
    Access,
    Asked,
    Context,
    Rule,
    anywhere,
    given,
    pass_role,
    removing,
    rows,
    tagging,
)

PREFIX = "events"
_SERVICE = "events.amazonaws.com"
_DEFAULT = "default"
KEYS = frozenset({
    "aws:requesttag/", "aws:resourcetag/", "aws:tagkeys", "events:creatoraccount",
    "events:detail-type", "events:detail.eventtypecode", "events:detail.service",
    "events:detail.useridentity.principalid", "events:eventbusinvocation", "events:source",
    "events:targetarn",
})  # fmt: skip
# What PutRule tells of a pattern, and where in it.
_OF_PATTERNS = ("source", "detail-type", "detail.eventTypeCode", "detail.service",
                "detail.userIdentity.principalId")  # fmt: skip


def _bus(asked: Asked, name: str | None) -> str:
    named = name or _DEFAULT
    return named if named.startswith("arn:") else asked.arn(f"event-bus/{named}")


def _on_bus(asked: Asked) -> Iterator[Access]:
    context = tagging(asked.members.get("Tags"))
    resource = _bus(asked, asked.members.get("Name"))
    yield asked.access(resource, context=context)
    if asked.operation == "CreateEventBus" and context:
        yield asked.access(resource, "TagResource", context)


def _rule_arn(asked: Asked, member: str) -> str:
    bus = _bus(asked, asked.members.get("EventBusName"))
    head, _, name = bus.partition("event-bus/")
    path = asked.members[member] if name == _DEFAULT else f"{name}/{asked.members[member]}"
    return f"{head}rule/{path}"


def _creator(asked: Asked, arn: str) -> Context:
    """Who made a rule; one that is not there yet is made by the caller."""
    found = asked.facts.resource(arn)
    return {"events:creatoraccount": found.owner if found else asked.call.account}


def _on_rule(member: str) -> Rule:
    """Return the rule for an operation on a rule that a member names."""

    def rule(asked: Asked) -> Iterator[Access]:
        arn = _rule_arn(asked, member)
        yield asked.access(arn, context=_creator(asked, arn))

    return rule


def _put_rule(asked: Asked) -> Iterator[Access]:
    arn = _rule_arn(asked, "Name")
    tags = tagging(asked.members.get("Tags"))
    pattern = _exact(asked.members.get("EventPattern"))
    yield asked.access(arn, context=_creator(asked, arn) | pattern | tags)
    if tags:
        yield asked.access(arn, "TagResource", _creator(asked, arn) | tags)
    yield from pass_role(asked.members.get("RoleArn"), _SERVICE)


def _exact(pattern: str | None) -> Context:
    """Return the exact strings of a pattern. One that is no pattern has none: PutRule refuses it.

    Of what is not an array of strings alone, nothing is said, as if the field were open.
    """
    try:
        read = json.loads(pattern or "{}")
    except (ValueError, RecursionError):
        return {}
    found: dict[str, object] = {}
    for name in _OF_PATTERNS:
        value = read
        for step in name.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        if isinstance(value, list) and all(isinstance(text, str) for text in value):
            found[f"events:{name.lower()}"] = value
    return given(found)


def _put_targets(asked: Asked) -> Iterator[Access]:
    arn = _rule_arn(asked, "Rule")
    targets = asked.members["Targets"]
    named = given({"events:targetarn": [each["Arn"] for each in targets]})
    yield asked.access(arn, context=_creator(asked, arn) | named)
    for role in dict.fromkeys(each.get("RoleArn") for each in targets):
        yield from pass_role(role, _SERVICE)


def _put_events(asked: Asked) -> Iterator[Access]:
    """Each entry is asked for by itself."""
    for entry in asked.members["Entries"]:
        context = given(
            {
                "events:source": [entry.get("Source") or ""],
                "events:detail-type": [entry.get("DetailType") or ""],
                "events:eventbusinvocation": _SERVICE in asked.call.via,
            }
        )
        yield asked.access(_bus(asked, entry.get("EventBusName")), context=context)


def _on_tagged(asked: Asked) -> Iterator[Access]:
    arn = asked.members["ResourceARN"]
    context = tagging(asked.members.get("Tags")) | removing(asked.members.get("TagKeys"))
    if ":rule/" in arn:
        context |= _creator(asked, arn)
    yield asked.access(arn, context=context)


TABLE = rows(
    (_on_bus, "CreateEventBus DeleteEventBus DescribeEventBus UpdateEventBus"),
    (_put_rule, "PutRule"),
    (_on_rule("Name"), "DeleteRule DescribeRule DisableRule EnableRule"),
    (_on_rule("Rule"), "ListTargetsByRule RemoveTargets"),
    (_put_targets, "PutTargets"),
    (_put_events, "PutEvents"),
    (_on_tagged, "ListTagsForResource TagResource UntagResource"),
    (
        anywhere,
        """
        ListEventBuses ListRuleNamesByTarget ListRules PutPermission RemovePermission
        TestEventPattern
        """,
    ),
)
