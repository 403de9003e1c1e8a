"""Key policies: what KMS looks at before it takes one."""

import functools
import json
from dataclasses import replace

import pytest
from moto.iam.models import iam_backends

from pkilab.iam import Policies, read_policy
from pkilab.simulator.identity import Identities
from pkilab.simulator.kms import policies
from pkilab.simulator.kms.service import Kms
from pkilab.simulator.service import AwsError

OWNER, OTHER = "111122223333", "444455556666"
ROOT = f"arn:aws:iam::{OWNER}:root"
SOMEONE = f"arn:aws:iam::{OWNER}:user/someone"
LOCKED_OUT = "The new key policy will not allow you to update the key policy in the future."
UNKNOWN = "Policy contains a statement with one or more invalid principals."


def test_the_default_policy_is_awss_text(kms):
    answer = kms("GetKeyPolicy", KeyId=kms.create())
    assert answer["PolicyName"] == "default"
    assert answer["Policy"] == (
        '{\n  "Version" : "2012-10-17",\n  "Id" : "key-default-1",\n  "Statement" : [ {\n'
        '    "Sid" : "Enable IAM User Permissions",\n    "Effect" : "Allow",\n'
        '    "Principal" : {\n      "AWS" : "arn:aws:iam::111122223333:root"\n    },\n'
        '    "Action" : "kms:*",\n    "Resource" : "*"\n  } ]\n}'
    )
    assert json.loads(answer["Policy"])["Statement"][0]["Principal"]["AWS"] == ROOT


def test_a_policy_is_kept_as_it_was_given(kms):
    arn, text = kms.create(), kms.policy(kms.allow(ROOT)) + "\n "
    assert kms("PutKeyPolicy", KeyId=arn, Policy=text) == {}
    assert kms("GetKeyPolicy", KeyId=arn, PolicyName="default")["Policy"] == text
    made = kms.create(Policy=text)
    assert kms("GetKeyPolicy", KeyId=made)["Policy"] == text


def test_a_key_has_one_policy_named_default(kms):
    arn = kms.create()
    listed = kms("ListKeyPolicies", KeyId=arn)
    assert listed == {"PolicyNames": ["default"], "Truncated": False}
    kms.refused("ValidationException", "ListKeyPolicies", KeyId=arn, Marker="x")
    message = kms.refused("NotFoundException", "GetKeyPolicy", KeyId=arn, PolicyName="other")
    assert message == "No such policy exists"
    kms.refused("NotFoundException", "GetKeyPolicy", KeyId=arn, PolicyName="AWS_RAM")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("AWS_RAM", "The AWS_RAM policy can only be managed by the RAM service."),
        ("other", "Only the key policy named default can be set."),
    ],
)
def test_only_the_default_policy_is_set(kms, name, message):
    arn, text = kms.create(), kms.policy(kms.allow(ROOT))
    assert message in kms.refused(
        "ValidationException", "PutKeyPolicy", KeyId=arn, Policy=text, PolicyName=name
    )


def refused_both_ways(kms, code, text):
    """Refuse a policy for a new key and for an old one; return the message."""
    arn = kms.create()
    before = kms("GetKeyPolicy", KeyId=arn)["Policy"], kms("ListKeys")
    message = kms.refused(code, "PutKeyPolicy", KeyId=arn, Policy=text)
    assert kms.refused(code, "CreateKey", Policy=text) == message
    assert (kms("GetKeyPolicy", KeyId=arn)["Policy"], kms("ListKeys")) == before
    return message


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "[]",
        "{}",
        '{"Version": "2012-10-17", "Statement": []}',
        '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*"}}',
        '{"Version": "2030-01-01", "Statement": []}',
    ],
)
def test_what_is_no_policy_is_malformed(kms, text):
    refused_both_ways(kms, "MalformedPolicyDocumentException", text)


@pytest.mark.parametrize("sid", ["SignRole", "VerifyRole"])
def test_the_fragments_of_the_post_alone_lock_everybody_out(kms, sid):
    """Its two statements let roles sign and verify, and nobody manage the key."""
    role = kms.role(sid)
    fragment = kms.allow(role, ["kms:Sign" if sid == "SignRole" else "kms:Verify"], Sid=sid)
    message = refused_both_ways(kms, "MalformedPolicyDocumentException", kms.policy(fragment))
    assert message == LOCKED_OUT
    kms.create(Policy=kms.policy(fragment, kms.allow(ROOT)))


def test_a_lockout_can_be_chosen(kms):
    text = kms.policy(kms.allow(kms.role("r"), "kms:Sign"))
    arn = kms.create(Policy=text, BypassPolicyLockoutSafetyCheck=True)
    kms("PutKeyPolicy", KeyId=arn, Policy=text, BypassPolicyLockoutSafetyCheck=True)
    kms.refused("MalformedPolicyDocumentException", "PutKeyPolicy", KeyId=arn, Policy=text)


@pytest.mark.parametrize(
    ("statements", "kept"),
    [
        ([("ROOT", "kms:*")], True),
        ([("OWNER", "kms:Put*")], True),
        ([("SOMEONE", "kms:PutKeyPolicy")], True),
        ([("*", "kms:*")], True),
        ([("ROOT", "kms:Get*")], False),
        ([("other", "kms:*")], False),
    ],
)
def test_its_writer_must_be_able_to_replace_a_policy(kms, statements, kept):
    kms.user("someone")
    named = {"ROOT": ROOT, "OWNER": OWNER, "SOMEONE": SOMEONE, "*": "*", "other": kms.user("else")}
    text = kms.policy(*(kms.allow(named[who], action) for who, action in statements))
    arn = kms.create()
    if kept:
        kms("PutKeyPolicy", KeyId=arn, Policy=text)
    else:
        message = kms.refused(
            "MalformedPolicyDocumentException", "PutKeyPolicy", KeyId=arn, Policy=text
        )
        assert message == LOCKED_OUT


def test_a_deny_locks_out_as_well(kms):
    deny = {**kms.allow("*", "kms:PutKeyPolicy"), "Effect": "Deny"}
    text = kms.policy(kms.allow(ROOT), deny)
    assert refused_both_ways(kms, "MalformedPolicyDocumentException", text) == LOCKED_OUT


def test_a_session_of_a_named_role_is_not_locked_out(kms):
    text = kms.policy(kms.allow(kms.role("admin")))
    session = f"arn:aws:sts::{OWNER}:assumed-role/admin/me"
    kms.create(Policy=text, principal=session)
    kms.create(Policy=kms.policy(kms.allow(ROOT)), principal=ROOT)
    with pytest.raises(AwsError, match="will not allow you"):
        kms.create(Policy=text, principal=f"arn:aws:sts::{OWNER}:assumed-role/else/me")


def test_conditions_on_the_caller_count(kms):
    def text(account):
        condition = {"StringEquals": {"kms:CallerAccount": account}}
        return kms.policy(kms.allow("*", Condition=condition))

    kms.create(Policy=text(OWNER))
    assert refused_both_ways(kms, "MalformedPolicyDocumentException", text(OTHER)) == LOCKED_OUT


def test_the_callers_own_policies_count_where_they_are_given(kms):
    """An account's delegation is nothing to a caller who has no permission of its own."""
    reading = read_policy(
        {
            "Version": "2012-10-17",
            "Statement": {"Effect": "Allow", "Action": "kms:Get*", "Resource": "*"},
        },
        kind="identity",
    )
    kms.service = Kms(kms.world, lambda _call: Policies(identity=(reading,)))
    kms.create()
    text = kms.policy(kms.allow(ROOT))
    assert refused_both_ways(kms, "MalformedPolicyDocumentException", text) == LOCKED_OUT
    kms.user("someone")
    kms.create(Policy=kms.policy(kms.allow(SOMEONE)))


@pytest.mark.parametrize(
    ("action", "kept"), [("kms:*", True), ("kms:PutKeyPolicy", True), ("kms:Get*", False)]
)
def test_what_iam_knows_of_a_caller_counts_where_policies_are_enforced(kms, action, kept):
    kms.user("someone")
    iam = iam_backends[OWNER]["aws"]
    document = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": action, "Resource": "*"},
    }
    iam.put_user_policy("someone", "p", json.dumps(document))
    identities = Identities(kms.world)
    identity = identities.caller(iam.create_access_key("someone").access_key_id)

    def others(call):
        return Policies(identity=identities.policies(call.identity)[0])

    check = functools.partial(
        policies.check, key_arn=kms.create(), text=kms.policy(kms.allow(ROOT)),
        accounts=[OWNER, OTHER], bypass=False,
    )  # fmt: skip
    call = replace(kms.call(), identity=identity)
    if kept:
        check(call, others=others)
    else:
        with pytest.raises(AwsError, match="will not allow you"):
            check(call, others=others)


@pytest.mark.parametrize(
    "principal",
    [
        f"arn:aws:iam::{OWNER}:user/nobody",
        f"arn:aws:iam::{OWNER}:role/none",
        f"arn:aws:iam::{OTHER}:role/r",
        f"arn:aws:iam::{OWNER}:role/with-path",
        f"arn:aws:sts::{OWNER}:assumed-role/none/session",
    ],
)
def test_a_principal_must_exist(kms, principal):
    kms.role("r")
    kms.role("with-path", path="/a/")
    text = kms.policy(kms.allow(ROOT), kms.allow(principal, "kms:Sign"))
    assert refused_both_ways(kms, "MalformedPolicyDocumentException", text) == UNKNOWN


def test_every_kind_of_principal_that_exists_is_taken(kms):
    principals = [
        ROOT, OTHER, f"arn:aws:iam::{OTHER}:root", kms.user("u"), kms.role("r", path="/a/b/"),
        kms.role("r", account=OTHER), f"arn:aws:sts::{OWNER}:assumed-role/r/session",
        f"arn:aws:sts::{OWNER}:federated-user/someone", "*",
        "999999999999", "arn:aws:iam::999999999999:user/outside-this-world",
    ]  # fmt: skip
    text = kms.policy(
        kms.allow(principals),
        {**kms.allow("*"), "Principal": {"Service": "logs.us-east-1.amazonaws.com"}},
    )
    kms.create(Policy=text)


@pytest.mark.parametrize("name", ["someone", "arn:aws:iam::1:root", "arn:aws:iam::*:root"])
def test_a_principal_that_is_no_name_is_an_invalid_arn(kms, name):
    text = kms.policy(kms.allow(ROOT), kms.allow(name))
    message = refused_both_ways(kms, "InvalidArnException", text)
    assert message == "An ARN in the specified key policy is invalid."


def test_a_policy_has_at_most_32_kilobytes(kms):
    text = kms.policy(kms.allow(ROOT))
    kms.create(Policy=text + " " * (policies.LARGEST - len(text)))
    assert policies.LARGEST == 32_768
    refused_both_ways(kms, "LimitExceededException", text + " " * policies.LARGEST)


def test_what_the_policy_engine_does_not_know_is_refused_as_not_simulated(kms):
    condition = {"StringEquals": {"kms:NoSuchKey": "x"}}
    text = kms.policy(kms.allow(ROOT, Condition=condition))
    assert "not simulated by pkilab" in refused_both_ways(kms, "NotImplemented", text)
