"""Automation rules: what changes findings as they come in.

Rules that are enabled are asked in their order for every finding that is created or updated; what
matches gets the rule's changes, as a customer would make them, and a terminal rule is the last.

Sources: Security Hub CSPM User Guide, "Understanding automation rules in Security Hub CSPM"; API
Reference, CreateAutomationRule.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pkilab.simulator.securityhub import filters, format, updating  # noqa: A004 - ASFF's format
from pkilab.simulator.securityhub.base import Base, page
from pkilab.simulator.securityhub.problems import invalid, too_many
from pkilab.simulator.securityhub.state import Hub, Json, Rule
from pkilab.simulator.service import Call, model_members

MOST_RULES = 100
_METADATA = (
    "RuleArn", "RuleStatus", "RuleOrder", "RuleName", "Description", "IsTerminal", "CreatedAt",
    "UpdatedAt", "CreatedBy",
)  # fmt: skip
_NOT_FOUND = 404


def applied(
    hub: Hub, finding: Json, customers: frozenset[str], now: datetime
) -> tuple[Json, frozenset[str]]:
    """Return a finding after the hub's rules, and what its provider no longer changes."""
    for rule in sorted(hub.rules.values(), key=lambda each: each.members["RuleOrder"]):
        members = rule.members
        if members["RuleStatus"] != "ENABLED":
            continue
        if not filters.compiled(members["Criteria"], now, of_rule=True)(finding):
            continue
        changes = members["Actions"][0].get("FindingFieldsUpdate", {})
        finding = updating.changed(finding, changes, now)
        customers |= updating.set_by(changes)
        if members["IsTerminal"]:
            break
    return finding, customers


class AutomationOperations(Base):
    """Operations on automation rules."""

    def create_automation_rule(
        self,
        call: Call,
        *,
        tags: dict[str, str] | None = None,
        **members: Any,  # noqa: ANN401 - by the model
    ) -> Json:
        """Create a rule."""
        hub = self._hub(call)
        if len(hub.rules) >= MOST_RULES:
            raise too_many(f"An account can have at most {MOST_RULES} automation rules")
        named = model_members(self.name, "CreateAutomationRule", members)
        _require_sound(named, call)
        arn = f"{hub.place}:automation-rule/{self._ids.uuid()}"
        whole = {
            "RuleStatus": "ENABLED",
            "IsTerminal": False,
            **named,
            "RuleArn": arn,
            "CreatedAt": call.now,
            "UpdatedAt": call.now,
            "CreatedBy": call.principal,
        }
        hub.rules[arn] = Rule(arn, whole, dict(tags or {}))
        return {"RuleArn": arn}

    def batch_update_automation_rules(
        self, call: Call, *, update_automation_rules_request_items: list[Json]
    ) -> Json:
        """Change rules."""
        rules = self._hub(call).rules
        done, undone = [], []
        for item in update_automation_rules_request_items:
            arn = item["RuleArn"]
            if arn not in rules:
                undone.append(_unprocessed(arn))
                continue
            _require_sound(item, call)
            rules[arn].members |= item | {"UpdatedAt": call.now}
            done.append(arn)
        return {"ProcessedAutomationRules": done, "UnprocessedAutomationRules": undone}

    def batch_delete_automation_rules(
        self, call: Call, *, automation_rules_arns: list[str]
    ) -> Json:
        """Delete rules."""
        rules = self._hub(call).rules
        done = [arn for arn in automation_rules_arns if rules.pop(arn, None)]
        undone = [_unprocessed(arn) for arn in automation_rules_arns if arn not in done]
        return {"ProcessedAutomationRules": done, "UnprocessedAutomationRules": undone}

    def batch_get_automation_rules(self, call: Call, *, automation_rules_arns: list[str]) -> Json:
        """Return rules in full."""
        rules = self._hub(call).rules
        return {
            "Rules": [rules[arn].members for arn in automation_rules_arns if arn in rules],
            "UnprocessedAutomationRules": [
                _unprocessed(arn) for arn in automation_rules_arns if arn not in rules
            ],
        }

    def list_automation_rules(
        self, call: Call, *, next_token: str | None = None, max_results: int | None = None
    ) -> Json:
        """List rules in their order."""
        rules = self._hub(call).rules.values()
        ordered = sorted(rules, key=lambda each: each.members["RuleOrder"])
        found, after = page(call, "rules", ordered, max_results, next_token)
        told = [{name: each.members[name] for name in _METADATA} for each in found]
        return {"AutomationRulesMetadata": told, "NextToken": after}


def _require_sound(members: Json, call: Call) -> None:
    """Check criteria and actions before a rule has them.

    Raises:
        AwsError: InvalidInputException.
    """
    if "Criteria" in members:
        filters.compiled(members["Criteria"], call.now, of_rule=True)
    for action in members.get("Actions", ()):
        changes = action.get("FindingFieldsUpdate")
        if action.get("Type") != "FINDING_FIELDS_UPDATE" or not changes:
            raise invalid("An action has the Type FINDING_FIELDS_UPDATE and a FindingFieldsUpdate")
        if problem := format.problems_of(changes):
            raise invalid(problem)


def _unprocessed(arn: str) -> Json:
    return {"RuleArn": arn, "ErrorCode": _NOT_FOUND, "ErrorMessage": f"Rule {arn} not found"}
