"""A key that another account may use."""

import json

import pytest

from pkilab.access_control import policy, share_key, use_shared_key_policy
from pkilab.errors import LabError, MalformedError

MAIN, OTHER = "111122223333", "444455556666"


def statements(place, key_arn):
    text = place.kms.get_key_policy(KeyId=key_arn, PolicyName="default")["Policy"]
    return json.loads(text)["Statement"]


def test_both_halves_together_let_another_account_sign(place):
    """The post's half alone does not."""
    key_arn = place.key()
    _, key = place.user("eve", account="other")
    place.lab.client("iam", account="other").put_user_policy(
        UserName="eve",
        PolicyName="UseKey",
        PolicyDocument=json.dumps(use_shared_key_policy(key_arn, ["Sign"])),
    )
    denial = place.verdict(lambda: place.sign(key_arn, key))
    assert "no resource-based policies allow access" in denial.message
    share_key(place.kms, key_arn, OTHER, ["Sign"])
    assert place.verdict(lambda: place.sign(key_arn, key)) is None


def test_sharing_again_replaces_and_what_else_stands_stays(place):
    """By Sid; the same twice does not even write."""
    key_arn = place.key()
    before = statements(place, key_arn)
    first = share_key(place.kms, key_arn, OTHER, ["Sign", "kms:Verify"])
    assert statements(place, key_arn) == [*before, first]
    assert first["Action"] == ["kms:Sign", "kms:Verify"]
    calls = len(place.lab.journal.filter(operation="PutKeyPolicy"))
    assert share_key(place.kms, key_arn, OTHER, ["Verify", "Sign"]) == first
    assert len(place.lab.journal.filter(operation="PutKeyPolicy")) == calls
    less = share_key(place.kms, key_arn, OTHER, ["Verify"])
    assert statements(place, key_arn) == [*before, less]
    other = share_key(place.kms, key_arn, MAIN, ["Verify"], sid="Own")
    assert statements(place, key_arn) == [*before, less, other]


def test_a_single_statement_is_kept_too(place):
    """Policies may have one that stands alone."""
    alone = policy({"Sid": "All", "Effect": "Allow", "Action": "kms:*", "Resource": "*",
                    "Principal": {"AWS": MAIN}})  # fmt: skip
    (only,) = alone["Statement"]
    key_arn = place.key(Policy=json.dumps({**alone, "Statement": only}))
    shared = share_key(place.kms, key_arn, OTHER, ["Sign"])
    assert statements(place, key_arn) == [only, shared]


@pytest.mark.parametrize(
    ("principal", "actions"),
    [("1234", ["Sign"]), ("*", ["Sign"]), ("ana", ["Sign"]), (OTHER, []), (OTHER, ["s3:Get"])],
)  # fmt: skip
def test_what_cannot_be_shared_is_refused(place, principal, actions):
    """And nothing is written."""
    key_arn = place.key()
    before = statements(place, key_arn)
    with pytest.raises(MalformedError, match=r"principal|actions"):
        share_key(place.kms, key_arn, principal, actions)
    assert statements(place, key_arn) == before


def test_a_role_that_does_not_exist_cannot_be_named(place):
    """KMS checks it, here as on AWS; for a minute the role may only be too new."""
    slept = []
    with pytest.raises(LabError, match=r"0:01:00 for KMS to see .*MalformedPolicyDocument"):
        share_key(
            place.kms, place.key(), f"arn:aws:iam::{MAIN}:role/nobody", ["Sign"], sleep=slept.append
        )
    assert sum(slept) == 60


@pytest.mark.parametrize("key_arn", ["alias/code", f"arn:aws:kms:us-east-1:{MAIN}:alias/code", ""])
def test_an_alias_is_no_key_to_a_policy(key_arn):
    """The user's half names the key."""
    with pytest.raises(MalformedError, match="expected the ARN of a KMS key"):
        use_shared_key_policy(key_arn, ["Sign"])
