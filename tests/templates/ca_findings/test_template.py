"""The CloudFormation template, by cfn-lint and by what it must grant."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cfnlint.decode.cfn_yaml import load

from pkilab.errors import LabError
from pkilab.security_findings import cases, watching
from pkilab.templates import PACKINGS, packaged_template

TEMPLATE = PACKINGS["ca_findings"].folder / "template.yaml"
RULES = ("UseRule", "StateRule", "CallRule", "CertificateRule")


def test_cfn_lint_finds_nothing_in_the_template(lint):
    done = lint(TEMPLATE)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("Runtime: python3.13", "Runtime: python2.7", "E"),
        ("!GetAtt Role.Arn", "!GetAtt Roll.Arn", "E1010"),
        ("Principal: events.amazonaws.com", "Principle: events.amazonaws.com", "E3002"),
        ("MessageRetentionPeriod: 1209600", "MessageRetentionPeriod: 1209601", "E3034"),
    ],
)
def test_cfn_lint_would_find_a_mistake(lint_broken, old, new, rule):
    done = lint_broken(TEMPLATE, old, new)
    assert done.returncode != 0
    assert re.search(rf"^{rule}", done.stdout, re.MULTILINE), done.stdout


@pytest.fixture(scope="module")
def resources():
    return load(str(TEMPLATE))["Resources"]


def properties(resources, kind):
    return {name: each["Properties"] for name, each in resources.items() if each["Type"] == kind}


def test_the_role_may_import_read_log_and_keep_what_failed_and_nothing_else(resources):
    granted = {}
    for each in properties(resources, "AWS::IAM::RolePolicy").values():
        for statement in each["PolicyDocument"]["Statement"]:
            actions = statement["Action"]
            for action in [actions] if isinstance(actions, str) else actions:
                granted[action] = str(statement["Resource"])
    assert set(granted) == {
        "logs:CreateLogStream", "logs:PutLogEvents", "securityhub:BatchImportFindings",
        "securityhub:GetFindings", "sqs:SendMessage",
    }  # fmt: skip
    assert all("*" not in resource for resource in granted.values())
    assert ":product/${AWS::AccountId}/default" in granted["securityhub:BatchImportFindings"]
    assert ":hub/default" in granted["securityhub:GetFindings"]
    assert not {"ManagedPolicyArns", "Policies"} & set(resources["Role"]["Properties"])


def test_each_rule_alone_may_call_the_function_and_use_the_queue(resources):
    rules = properties(resources, "AWS::Events::Rule")
    assert set(rules) == set(RULES)
    permissions = properties(resources, "AWS::Lambda::Permission").values()
    sources = {each["SourceArn"]["Fn::GetAtt"][0] for each in permissions}
    assert sources == set(RULES)
    assert {each["Principal"] for each in permissions} == {"events.amazonaws.com"}
    (statement,) = resources["DeadLettersPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    allowed = statement["Condition"]["ArnEquals"]["aws:SourceArn"]
    assert {each["Fn::GetAtt"][0] for each in allowed} == set(RULES)


def test_what_fails_is_kept_whichever_service_it_fails_at(resources):
    """EventBridge's queue is for what it cannot deliver, Lambda's for what the function raises."""
    queue = {"Fn::GetAtt": ["DeadLetters", "Arn"]}
    for each in properties(resources, "AWS::Events::Rule").values():
        (target,) = each["Targets"]
        assert target["DeadLetterConfig"] == {"Arn": queue}
        assert target["RetryPolicy"]["MaximumRetryAttempts"] == 185
    config = resources["FailureConfig"]["Properties"]["DestinationConfig"]
    assert config == {"OnFailure": {"Destination": queue}}


def test_the_posts_pattern_is_in_the_rule_of_use(resources):
    pattern = resources["UseRule"]["Properties"]["EventPattern"]
    assert pattern["source"] == ["aws.acm-pca"]
    assert "ACM Private CA Certificate Issuance" in pattern["detail-type"]
    assert pattern["resources"] == {"Ref": "AuthorityArns"}


def test_the_rules_ask_for_what_the_code_knows(resources):
    """Every event and call that becomes a finding, or ends one, has a rule; no other has."""
    kinds, calls = set(), set()
    for rule in properties(resources, "AWS::Events::Rule").values():
        pattern = rule["EventPattern"]
        for part in [pattern, *pattern.get("$or", [])]:
            kinds |= {(pattern["source"][0], each) for each in part.get("detail-type", [])}
            calls |= set(part.get("detail", {}).get("eventName", []))
    ends = {("aws.acm", "ACM Certificate Available")}
    trail = {("aws.acm-pca", "AWS API Call via CloudTrail")}
    assert kinds == set(cases.EVENTS) | ends | trail
    assert calls == set(cases.CALLS)


def test_the_template_sets_the_variables_that_the_settings_know(resources):
    variables = resources["Function"]["Properties"]["Environment"]["Variables"]
    assert set(variables) == {
        watching.AUTHORITIES, watching.CEREMONIES, watching.USE_SEVERITY, watching.ALARM_SEVERITY,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "fits"),
    [
        ("Ceremonies", "", True),
        ("Ceremonies", "2026-01-01T09:00:00Z/2026-01-01T12:00:00+01:00", True),
        ("Ceremonies", "2026-01-01T09:00:00Z/2026-01-01T12:00:00Z, 2026-01-02T09:00:00Z/2026-01-02T12:00:00Z", True),  # noqa: E501
        ("Ceremonies", "tomorrow", False),
        ("AuthorityArns", "arn:aws:acm-pca:us-east-1:111122223333:certificate-authority/11223344-1234-1122-2233-112233445566", True),  # noqa: E501
        ("AuthorityArns", "arn:aws:acm-pca:us-east-1:111122223333:certificate-authority/*", False),
    ],
)  # fmt: skip
def test_parameters_take_what_they_should(name, value, fits):
    pattern = load(str(TEMPLATE))["Parameters"][name]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, value)) is fits


def test_packaged_it_is_the_same_template_with_its_code_in_s3(lint, tmp_path):
    text = packaged_template("ca_findings", "bucket", "key.zip")
    assert "Code: {S3Bucket: bucket, S3Key: key.zip}" in text
    assert text.replace("{S3Bucket: bucket, S3Key: key.zip}", "function") == TEMPLATE.read_text()
    path = Path(tmp_path / "packaged.yaml")
    path.write_text(text)
    assert lint(path).returncode == 0
    with pytest.raises(LabError, match="no function in the template 'private_ca'"):
        packaged_template("private_ca", "bucket", "key.zip")
