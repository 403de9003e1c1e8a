"""The rotation stack's template, by cfn-lint and by what it grants."""

from __future__ import annotations

import re

import pytest
from cfnlint.decode.cfn_yaml import load

from pkilab.templates import PACKINGS, function_files

FOLDER = PACKINGS["certificate_rotation"].folder
TEMPLATE = FOLDER / "template.yaml"


def test_cfn_lint_finds_nothing_in_the_template(lint):
    """As it is."""
    done = lint(TEMPLATE)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("Runtime: python3.13", "Runtime: python2.7", "E"),
        ("!GetAtt Role.Arn", "!GetAtt Roll.Arn", "E1010"),
        ("Condition: HasKey", "Condition: HasNoKey", "E3015"),
    ],
)
def test_cfn_lint_would_find_a_mistake(lint_broken, old, new, rule):
    """One at a time."""
    done = lint_broken(TEMPLATE, old, new)
    assert done.returncode != 0
    assert re.search(rf"^{rule}", done.stdout, re.MULTILINE), done.stdout


def test_the_role_may_rotate_one_secret_from_one_ca_and_nothing_else():
    """Each action, with what it is limited to."""
    granted = {}
    for each in load(str(TEMPLATE))["Resources"].values():
        if each["Type"] != "AWS::IAM::RolePolicy":
            continue
        for statement in each["Properties"]["PolicyDocument"]["Statement"]:
            actions = statement["Action"]
            for action in [actions] if isinstance(actions, str) else actions:
                granted[action] = next(iter(statement["Resource"].values()))
    secret = dict.fromkeys(
        (
            "secretsmanager:DescribeSecret",
            "secretsmanager:GetSecretValue",
            "secretsmanager:PutSecretValue",
            "secretsmanager:UpdateSecretVersionStage",
        ),
        "SecretArn",
    )
    ca = dict.fromkeys(("acm-pca:GetCertificate", "acm-pca:IssueCertificate"), "AuthorityArn")
    key = dict.fromkeys(("kms:Decrypt", "kms:GenerateDataKey"), "KeyArn")
    log = {action: ["LogGroup", "Arn"] for action in ("logs:CreateLogStream", "logs:PutLogEvents")}
    assert {name: list(v) if isinstance(v, list) else v for name, v in granted.items()} == {
        **secret, **ca, **key, **log,
    }  # fmt: skip


def test_the_function_is_one_file_and_names_what_it_needs():
    """It imports nothing of this package."""
    assert list(function_files("certificate_rotation")) == ["handler.py"]
    assert "pkilab" not in (FOLDER / "handler.py").read_text()
    assert (FOLDER / "requirements.txt").read_text().startswith("cryptography>=")
