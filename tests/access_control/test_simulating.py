"""IAM's policy simulator beside the explanation."""

import pytest

from pkilab.access_control import deny_scp, share_key, simulate
from pkilab.errors import LabError

MAIN, OTHER = "111122223333", "444455556666"


def test_they_agree_where_the_callers_own_policies_decide(place):
    """Allowed, denied, and denied by a statement."""
    rights = [
        {"Effect": "Allow", "Action": ["kms:Sign", "kms:Verify"], "Resource": "*"},
        {"Effect": "Deny", "Action": "kms:Verify", "Resource": "*"},
    ]
    arn, _ = place.user("ana", *rights)
    role = place.role("Signer", *rights)
    key_arn = place.key()
    for who in (arn, role):
        for action, answer in (
            ("kms:Sign", "allowed"),
            ("kms:Verify", "explicitDeny"),
            ("kms:GetPublicKey", "implicitDeny"),
        ):
            found = simulate(place.iam, place.explain(who, action, key_arn))
            assert (found.answer, found.agrees, found.difference) == (answer, True, "")


def test_they_differ_where_a_key_policy_does(place):
    """IAM says no to what the key allows, and yes to what another account's key does not."""
    arn, _ = place.user("ana")
    key_arn = place.key()
    share_key(place.kms, key_arn, arn, ["Sign"])
    found = simulate(place.iam, place.explain(arn, "kms:Sign", key_arn))
    assert (found.answer, found.agrees) == ("implicitDeny", False)
    assert found.explanation.allowed
    assert found.difference == "IAM was not asked about the resource's policy."

    eve, _ = place.user(
        "eve", {"Effect": "Allow", "Action": "kms:Sign", "Resource": "*"}, account="other"
    )
    other = place.lab.client("iam", account="other")
    found = simulate(other, place.explain(eve, "kms:Sign", place.key()))
    assert not found.explanation.allowed
    assert found.agrees is (found.answer == "implicitDeny")


def test_conditions_go_along(place):
    """With their types, one value or several."""
    condition = {
        "StringEquals": {"kms:SigningAlgorithm": "ECDSA_SHA_256"},
        "Bool": {"aws:MultiFactorAuthPresent": "true"},
        "IpAddress": {"aws:SourceIp": "10.0.0.0/8"},
        "ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/code"},
    }
    arn, _ = place.user(
        "ana", {"Effect": "Allow", "Action": "kms:Sign", "Resource": "*", "Condition": condition}
    )
    context = {
        "kms:SigningAlgorithm": "ECDSA_SHA_256",
        "aws:MultiFactorAuthPresent": True,
        "aws:SourceIp": "10.1.2.3",
        "kms:ResourceAliases": ("alias/code", "alias/other"),
    }
    key_arn = place.key()
    found = simulate(place.iam, place.explain(arn, "kms:Sign", key_arn, context=context))
    assert (found.answer, found.agrees) == ("allowed", True)
    (sent,) = place.lab.journal.filter(operation="SimulatePrincipalPolicy")
    types = {
        each["ContextKeyName"]: each["ContextKeyType"] for each in sent.parameters["ContextEntries"]
    }
    assert types["aws:multifactorauthpresent"] == "boolean"
    assert types["aws:sourceip"] == "ip"
    assert types["kms:resourcealiases"] == "stringList"
    without = simulate(place.iam, place.explain(arn, "kms:Sign", key_arn))
    assert (without.answer, without.agrees) == ("implicitDeny", True)


def test_nobody_but_users_and_roles_can_be_simulated(place):
    """IAM knows nothing of the root user's rights."""
    found = place.explain(f"arn:aws:iam::{MAIN}:root", "kms:ListKeys", "*")
    with pytest.raises(LabError, match="expected a user or a role"):
        simulate(place.iam, found)


def test_service_control_policies_are_no_reason_to_differ(place):
    """IAM's simulator asks them: where one denies they agree; the key's policy is what it lacks."""
    place.organization()
    place.control(deny_scp(["kms:Verify"]))
    arn, _ = place.user(
        "eve", {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}, account="other"
    )
    other = place.lab.client("iam", account="other")
    key_arn = place.key()
    barred = simulate(other, place.explain(arn, "kms:Verify", key_arn))
    assert (barred.answer, barred.agrees) == ("explicitDeny", True)
    share_key(place.kms, key_arn, OTHER, ["Sign"])
    shared = simulate(other, place.explain(arn, "kms:Sign", key_arn))
    assert (shared.answer, shared.agrees) == ("implicitDeny", False)
    assert shared.difference == "IAM was not asked about the resource's policy."
