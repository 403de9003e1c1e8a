"""AWS Security Hub: what its operations need.

Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Security
Hub"; Security Hub CSPM User Guide, "Configuring access to BatchUpdateFindings".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pkilab.simulator.access.asking import (
    Access,
    Asked,
    Context,
    anywhere,
    on,
    rows,
    tagging,
)

PREFIX = "securityhub"
KEYS = frozenset(
    {
        "securityhub:asffsyntaxpath/", "securityhub:targetaccount", "aws:resourcetag/",
        "aws:requesttag/", "aws:tagkeys",
    }
)  # fmt: skip


def _hub(asked: Asked) -> Iterator[Access]:
    yield asked.access(asked.arn("hub/default"))


def _enable(asked: Asked) -> Iterator[Access]:
    hub, tags = asked.arn("hub/default"), tagging(asked.members.get("Tags"))
    yield asked.access(hub, context=tags)
    if tags:  # handlers of AWS::SecurityHub::Hub in the CloudFormation registry
        yield asked.access(hub, "TagResource")


def _import(asked: Asked) -> Iterator[Access]:
    """Each product and account that findings are sent for, once; what is no text is no finding."""
    account = asked.call.account
    default = asked.arn(f"product/{account}/default")
    pairs = {
        (_text(each.get("ProductArn"), default), _text(each.get("AwsAccountId"), account))
        for each in asked.members.get("Findings", ())
    }
    for product, target in sorted(pairs):
        yield asked.access(product, context={"securityhub:targetaccount": target})


def _update(asked: Asked) -> Iterator[Access]:
    """Every field that is to be changed, with its value."""
    fields = {key: value for key, value in asked.members.items() if key != "FindingIdentifiers"}
    context: Context = {
        f"securityhub:asffsyntaxpath/{path.lower()}": value for path, value in _leaves("", fields)
    }
    yield asked.access(asked.arn("hub/default"), context=context)


def _create_rule(asked: Asked) -> Iterator[Access]:
    yield asked.access(context=tagging(asked.members.get("Tags")))


def _rules(asked: Asked) -> Iterator[Access]:
    items = asked.members.get("UpdateAutomationRulesRequestItems", ())
    arns = asked.members.get("AutomationRulesArns") or [each["RuleArn"] for each in items]
    for arn in sorted(set(arns)):
        yield asked.access(arn)


def _leaves(path: str, value: Any) -> Iterator[tuple[str, str | tuple[str, ...]]]:  # noqa: ANN401
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _leaves(f"{path}.{key}" if path else key, each)
    elif isinstance(value, list) and all(isinstance(each, dict) for each in value):
        for name in sorted({name for each in value for name in each}):
            yield f"{path}.{name}", tuple(str(each[name]) for each in value if name in each)
    else:
        yield path, tuple(map(str, value)) if isinstance(value, list) else str(value)


def _text(value: object, otherwise: str) -> str:
    return value if isinstance(value, str) and value else otherwise


TABLE = rows(
    (_enable, "EnableSecurityHub"),
    (_import, "BatchImportFindings"),
    (_update, "BatchUpdateFindings"),
    (_create_rule, "CreateAutomationRule"),
    (
        _rules,
        "BatchDeleteAutomationRules BatchGetAutomationRules BatchUpdateAutomationRules",
    ),
    (anywhere, "ListAutomationRules"),
    # AWS's data has no condition keys for tags that are set or taken away.
    (on("ResourceArn"), "ListTagsForResource TagResource UntagResource"),
    (
        _hub,
        """
        CreateActionTarget CreateInsight DeleteActionTarget DeleteInsight DescribeActionTargets
        DescribeHub DescribeProducts DisableImportFindingsForProduct DisableSecurityHub
        EnableImportFindingsForProduct GetFindingHistory GetFindings GetInsightResults GetInsights
        ListEnabledProductsForImport UpdateActionTarget UpdateFindings UpdateInsight
        UpdateSecurityHubConfiguration
        """,
    ),
)
