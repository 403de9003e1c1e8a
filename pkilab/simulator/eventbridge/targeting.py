"""The targets of rules.

Source: EventBridge API Reference, PutTargets, RemoveTargets; User Guide, "Quotas". The sentences
are as recorded in localstack/localstack (tests/aws/services/events/*.snapshot.json).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pkilab.simulator.eventbridge.base import Base, invalid, listing, too_many
from pkilab.simulator.eventbridge.state import InputTransformer, Json, Retry, Rule, Target
from pkilab.simulator.eventbridge.targets_kinds import check_target
from pkilab.simulator.eventbridge.transformers import template_error, unknown_placeholder
from pkilab.simulator.service import Call

TARGETS = 5  # of a rule
_INPUTS = ("Input", "InputPath", "InputTransformer")


class Targeting(Base):
    """The operations on rules' targets."""

    def put_targets(
        self,
        call: Call,
        *,
        rule: str,
        targets: Sequence[Json],
        event_bus_name: str | None = None,
    ) -> Json:
        """Add targets to a rule, or change those that have the same id."""
        bus, found = self.own_rule(call, event_bus_name, rule)
        added = {each["Id"]: _target(found, each) for each in targets}
        together = {**found.targets, **added}
        if len(together) > TARGETS:
            raise too_many()
        self.keep_rule(bus, replace(found, targets=together))
        return {"FailedEntryCount": 0, "FailedEntries": []}

    def remove_targets(
        self,
        call: Call,
        *,
        rule: str,
        ids: Sequence[str],
        event_bus_name: str | None = None,
        force: bool = False,  # noqa: ARG002 - for managed rules, of which there are none
    ) -> Json:
        """Take targets away from a rule; ids that it does not have are told."""
        bus, found = self.own_rule(call, event_bus_name, rule)
        failed = [
            {
                "TargetId": each,
                "ErrorCode": "ResourceNotFoundException",
                "ErrorMessage": f"Rule {rule} does not have a target with the Id {each}.",
            }
            for each in ids
            if each not in found.targets
        ]
        rest = {key: target for key, target in found.targets.items() if key not in ids}
        self.keep_rule(bus, replace(found, targets=rest))
        return {"FailedEntryCount": len(failed), "FailedEntries": failed}

    def list_targets_by_rule(
        self,
        call: Call,
        *,
        rule: str,
        event_bus_name: str | None = None,
        next_token: str | None = None,
        limit: int | None = None,
    ) -> Json:
        """List a rule's targets in the order they were put."""
        _, found = self.own_rule(call, event_bus_name, rule)
        targets = [target.raw for target in found.targets.values()]
        return listing("Targets", targets, limit, next_token, found.arn)


def _target(rule: Rule, raw: Json) -> Target:
    """Return a target, checked as far as nobody but the rule must be asked."""
    name = raw["Id"]
    check_target(raw["Arn"], raw, account=rule.account, region=rule.region)
    if sum(raw.get(each) is not None for each in _INPUTS) > 1:
        options = "Only one of Input, InputPath, or InputTransformer"
        raise invalid(f"{options} must be provided for target {name}.")
    if (constant := raw.get("Input")) is not None and not _is_json(constant):
        raise invalid(f"JSON syntax error in input for target {name}.")
    retry = raw.get("RetryPolicy") or {}
    default = Retry()
    return Target(
        name,
        raw["Arn"],
        raw.get("RoleArn"),
        constant,
        raw.get("InputPath"),
        _transformer(name, raw.get("InputTransformer")),
        Retry(
            retry.get("MaximumRetryAttempts", default.attempts),
            retry.get("MaximumEventAgeInSeconds", default.age),
        ),
        (raw.get("DeadLetterConfig") or {}).get("Arn"),
        (raw.get("SqsParameters") or {}).get("MessageGroupId"),
        raw,
    )


def _transformer(target: str, raw: Json | None) -> InputTransformer | None:
    if raw is None:
        return None
    paths: Mapping[str, str] = raw.get("InputPathsMap", {})
    if reserved := next((key for key in paths if key.lower().startswith("aws.")), None):
        raise invalid(f"InputPathsMap for target {target} contains reserved key {reserved}.")
    made = InputTransformer(paths, raw["InputTemplate"])
    if unknown := unknown_placeholder(made):
        message = f"InputTemplate for target {target} contains invalid placeholder {unknown}."
        raise invalid(message)
    if wrong := template_error(made.template):
        raise invalid(f"Invalid InputTemplate for target {target} : {wrong}.")
    return made


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
