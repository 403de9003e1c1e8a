"""Insights and custom actions: what the console's users save.

A custom action sends its event when somebody chooses it in the console, which has no API: there is
nothing here that does it.

Sources: Security Hub CSPM API Reference, CreateInsight, GetInsightResults, CreateActionTarget;
User Guide, "Quotas" (100 insights with 100 results each, 50 custom actions).
"""

from __future__ import annotations

from collections import Counter

from pkilab.simulator.securityhub import fields, filters, searching
from pkilab.simulator.securityhub.base import Base, page
from pkilab.simulator.securityhub.problems import conflict, invalid, not_found, too_many
from pkilab.simulator.securityhub.state import ActionTarget, Hub, Insight, Json
from pkilab.simulator.service import Call, not_simulated

MOST_INSIGHTS, MOST_RESULTS, MOST_TARGETS = 100, 100, 50
_NAME_LENGTH = 20
_GROUPING = {"StringFilter", "NumberFilter"}


class InsightOperations(Base):
    """Operations on insights and custom actions."""

    def create_insight(
        self, call: Call, *, name: str, filters: Json, group_by_attribute: str
    ) -> Json:
        """Save a search."""
        hub = self._hub(call)
        if len(hub.insights) >= MOST_INSIGHTS:
            raise too_many(f"An account can have at most {MOST_INSIGHTS} insights")
        _require_sound(filters, group_by_attribute, call)
        arn = f"{hub.place}:insight/{hub.account}/custom/{self._ids.uuid()}"
        hub.insights[arn] = Insight(arn, name, filters, group_by_attribute)
        return {"InsightArn": arn}

    def update_insight(
        self,
        call: Call,
        *,
        insight_arn: str,
        name: str | None = None,
        filters: Json | None = None,
        group_by_attribute: str | None = None,
    ) -> Json:
        """Change a saved search."""
        insight = _insight(self._hub(call), insight_arn)
        filters = insight.filters if filters is None else filters
        group_by = group_by_attribute or insight.group_by
        _require_sound(filters, group_by, call)
        insight.name, insight.filters, insight.group_by = name or insight.name, filters, group_by
        return {}

    def delete_insight(self, call: Call, *, insight_arn: str) -> Json:
        """Forget a saved search."""
        hub = self._hub(call)
        del hub.insights[_insight(hub, insight_arn).arn]
        return {"InsightArn": insight_arn}

    def get_insights(
        self,
        call: Call,
        *,
        insight_arns: list[str] | None = None,
        next_token: str | None = None,
        max_results: int | None = None,
    ) -> Json:
        """List saved searches."""
        hub = self._hub(call)
        chosen = [_insight(hub, arn) for arn in insight_arns or hub.insights]
        found, after = page(call, "insights", chosen, max_results, next_token)
        told = [
            {
                "InsightArn": each.arn,
                "Name": each.name,
                "Filters": each.filters,
                "GroupByAttribute": each.group_by,
            }
            for each in found
        ]
        return {"Insights": told, "NextToken": after}

    def get_insight_results(self, call: Call, *, insight_arn: str) -> Json:
        """Count the findings of a saved search by value, the most frequent first."""
        hub = self._hub(call)
        insight = _insight(hub, insight_arn)
        steps, counts = fields.path(insight.group_by), Counter[str]()
        for _, finding in searching.matching(hub, insight.filters, call.now):
            counts.update({str(value) for value in fields.values(finding, steps)})
        ranked = sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:MOST_RESULTS]
        values = [{"GroupByAttributeValue": value, "Count": count} for value, count in ranked]
        results = {
            "InsightArn": insight_arn,
            "GroupByAttribute": insight.group_by,
            "ResultValues": values,
        }
        return {"InsightResults": results}

    # Custom actions.

    def create_action_target(
        self,
        call: Call,
        *,
        name: str,
        description: str,
        id: str,  # noqa: A002 - the model's
    ) -> Json:
        """Make a custom action."""
        hub = self._hub(call)
        if len(name) > _NAME_LENGTH:
            raise invalid(f"Name can contain up to {_NAME_LENGTH} characters")
        if not (id.isascii() and id.isalnum()) or len(id) > _NAME_LENGTH:
            raise invalid(f"Id can contain up to {_NAME_LENGTH} alphanumeric characters")
        arn = f"{hub.place}:action/custom/{id}"
        if arn in hub.targets:
            raise conflict(f"Action target {arn} already exists")
        if len(hub.targets) >= MOST_TARGETS:
            raise too_many(f"An account can have at most {MOST_TARGETS} custom actions")
        hub.targets[arn] = ActionTarget(arn, name, description)
        return {"ActionTargetArn": arn}

    def update_action_target(
        self,
        call: Call,
        *,
        action_target_arn: str,
        name: str | None = None,
        description: str | None = None,
    ) -> Json:
        """Rename a custom action or describe it anew."""
        target = _target(self._hub(call), action_target_arn)
        if name is not None and len(name) > _NAME_LENGTH:
            raise invalid(f"Name can contain up to {_NAME_LENGTH} characters")
        target.name, target.description = name or target.name, description or target.description
        return {}

    def delete_action_target(self, call: Call, *, action_target_arn: str) -> Json:
        """Remove a custom action."""
        hub = self._hub(call)
        del hub.targets[_target(hub, action_target_arn).arn]
        return {"ActionTargetArn": action_target_arn}

    def describe_action_targets(
        self,
        call: Call,
        *,
        action_target_arns: list[str] | None = None,
        next_token: str | None = None,
        max_results: int | None = None,
    ) -> Json:
        """List custom actions."""
        hub = self._hub(call)
        chosen = [_target(hub, arn) for arn in action_target_arns or hub.targets]
        found, after = page(call, "targets", chosen, max_results, next_token)
        told = [
            {"ActionTargetArn": each.arn, "Name": each.name, "Description": each.description}
            for each in found
        ]
        return {"ActionTargets": told, "NextToken": after}


def _require_sound(asked: Json, group_by: str, call: Call) -> None:
    """Check filters and grouping before an insight has them.

    Raises:
        AwsError: InvalidInputException.
    """
    filters.compiled(asked, call.now)
    if fields.kinds().get(group_by) not in _GROUPING:
        raise invalid(f"Findings cannot be grouped by {group_by}")


def _insight(hub: Hub, arn: str) -> Insight:
    if arn.startswith("arn:aws:securityhub:::insight/"):
        raise not_simulated("a managed insight")
    if arn not in hub.insights:
        raise not_found(f"Insight {arn} not found")
    return hub.insights[arn]


def _target(hub: Hub, arn: str) -> ActionTarget:
    if arn not in hub.targets:
        raise not_found(f"Action target {arn} not found")
    return hub.targets[arn]
