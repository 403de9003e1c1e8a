"""Automation rules."""

import pytest

OWNER, REGION = "111122223333", "us-east-1"


def rule(order=1, *, word="CA", terminal=False, status="ENABLED", **changes):
    changes = changes or {"Workflow": {"Status": "SUPPRESSED"}}
    return {
        "RuleOrder": order,
        "RuleName": f"rule {order}",
        "Description": "a rule",
        "RuleStatus": status,
        "IsTerminal": terminal,
        "Criteria": {"Title": [{"Value": word, "Comparison": "CONTAINS"}]},
        "Actions": [{"Type": "FINDING_FIELDS_UPDATE", "FindingFieldsUpdate": changes}],
    }


def test_a_rule_changes_what_matches_as_it_comes_in(hub, new_finding):
    """Created or updated after the rule; the event tells the finding as it is then."""
    hub.take(new_finding(1))
    hub(
        "CreateAutomationRule",
        **rule(Severity={"Label": "LOW"}, Note={"Text": "t", "UpdatedBy": "r"}),
    )
    hub.take(new_finding(2), new_finding(3, Title="another"))
    assert [hub.get(n)["Severity"]["Label"] for n in (1, 2, 3)] == ["MEDIUM", "LOW", "MEDIUM"]
    assert hub.get(2)["Note"]["UpdatedAt"] == "2026-11-02T09:00:00.000Z"
    assert hub.events()[1]["detail"]["findings"][0]["Severity"]["Label"] == "LOW"
    hub.take(new_finding(1, UpdatedAt="2026-11-02T10:00:00Z"))
    assert hub.get(1)["Severity"] == {"Label": "LOW", "Normalized": 1}


def test_rules_apply_in_their_order_until_a_terminal_one(hub, new_finding):
    """Whenever they were made; what is disabled is passed over."""
    hub("CreateAutomationRule", **rule(3, Confidence=3))
    hub("CreateAutomationRule", **rule(2, terminal=True, Confidence=2, Criticality=2))
    hub("CreateAutomationRule", **rule(1, Confidence=1, VerificationState="TRUE_POSITIVE"))
    hub("CreateAutomationRule", **rule(1, status="DISABLED", terminal=True, Confidence=0))
    hub.take(new_finding())
    found = hub.get()
    assert (found["Confidence"], found["Criticality"]) == (2, 2)
    assert found["VerificationState"] == "TRUE_POSITIVE"


def test_rules_are_listed_changed_and_deleted(hub):
    """In full by ARN, in short in their order."""
    arn = hub("CreateAutomationRule", Tags={"team": "pki"}, **rule(5))["RuleArn"]
    assert arn.startswith(f"arn:aws:securityhub:{REGION}:{OWNER}:automation-rule/")
    hub("CreateAutomationRule", **rule(4))
    listed = hub("ListAutomationRules")["AutomationRulesMetadata"]
    assert [each["RuleOrder"] for each in listed] == [4, 5]
    assert listed[1]["CreatedBy"] == f"arn:aws:iam::{OWNER}:user/someone"
    assert hub("ListTagsForResource", ResourceArn=arn) == {"Tags": {"team": "pki"}}
    hub.world.clock.advance(hours=1)
    items = [{"RuleArn": arn, "RuleOrder": 1, "RuleStatus": "DISABLED"}, {"RuleArn": "arn:x"}]
    answer = hub("BatchUpdateAutomationRules", UpdateAutomationRulesRequestItems=items)
    assert answer["ProcessedAutomationRules"] == [arn]
    assert answer["UnprocessedAutomationRules"][0]["RuleArn"] == "arn:x"
    (found,) = hub("BatchGetAutomationRules", AutomationRulesArns=[arn, "arn:x"])["Rules"]
    assert (found["RuleOrder"], found["RuleStatus"], found["RuleName"]) == (1, "DISABLED", "rule 5")
    assert found["UpdatedAt"] > found["CreatedAt"]
    answer = hub("BatchDeleteAutomationRules", AutomationRulesArns=[arn, "arn:x"])
    assert answer["ProcessedAutomationRules"] == [arn]
    assert len(answer["UnprocessedAutomationRules"]) == 1
    assert len(hub("ListAutomationRules")["AutomationRulesMetadata"]) == 1


@pytest.mark.parametrize(
    "members",
    [
        {"RuleOrder": 0},
        {"RuleOrder": 1001},
        {"Actions": []},
        {"Actions": [{"Type": "FINDING_FIELDS_UPDATE"}]},
        {"Actions": [{"FindingFieldsUpdate": {"Confidence": 1}}]},
        {"Actions": [{"Type": "FINDING_FIELDS_UPDATE", "FindingFieldsUpdate": {"Types": ["//"]}}]},
        {"Criteria": {"Title": [{"Value": "x", "Comparison": "CONTAINS_WORD"}]}},
        {"Criteria": {"Title": [{"Value": "x", "Comparison": "CONTAINS"},
                                {"Value": "x", "Comparison": "EQUALS"}]}},
        {"Criteria": {"Title": [{"Value": "x", "Comparison": "NOT_CONTAINS"},
                                {"Value": "x", "Comparison": "CONTAINS"}]}},
    ],
)  # fmt: skip
def test_unsound_rules_are_refused(hub, members):
    """When they are made and when they are changed."""
    hub.refused("InvalidInputException", "CreateAutomationRule", **(rule() | members))
    arn = hub("CreateAutomationRule", **rule())["RuleArn"]
    item = {"RuleArn": arn} | members
    hub.refused(
        "InvalidInputException", "BatchUpdateAutomationRules",
        UpdateAutomationRulesRequestItems=[item],
    )  # fmt: skip


def test_criteria_may_deny_what_a_text_contains(hub, new_finding):
    """Which GetFindings may not."""
    criteria = {"Title": [{"Value": "CA", "Comparison": "NOT_CONTAINS"}]}
    hub("CreateAutomationRule", **(rule(Confidence=1) | {"Criteria": criteria}))
    hub.take(new_finding(1), new_finding(2, Title="another"))
    assert "Confidence" not in hub.get(1)
    assert hub.get(2)["Confidence"] == 1


def test_there_are_100_rules(hub):
    """No more."""
    for number in range(100):
        hub("CreateAutomationRule", **rule(number + 1))
    hub.refused("LimitExceededException", "CreateAutomationRule", **rule())
