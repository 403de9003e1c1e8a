"""Policies: checked, counted, attached."""

import json

import pytest
from botocore.exceptions import ClientError

OWNER = "111122223333"
STATEMENT = {"Effect": "Allow", "Action": "kms:Sign", "Resource": "*"}
TRUST_STATEMENT = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": OWNER}}


def text(statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


POLICY, TRUST = text(STATEMENT), text(TRUST_STATEMENT)
NUMBERS = text({**STATEMENT, "Condition": {"NumericLessThan": {"aws:MultiFactorAuthAge": 3600}}})
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


def refused(call, *arguments, **members):
    with pytest.raises(ClientError) as caught:
        call(*arguments, **members)
    found = caught.value.response["Error"]
    return found["Code"], found["Message"]


@pytest.fixture
def alice(iam):
    iam.create_user(UserName="alice")
    iam.create_group(GroupName="g")
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
    return iam


def test_a_managed_policy_is_kept_as_it_was_sent(iam):
    """Numbers in conditions, too, which moto refuses; a version as well."""
    arn = iam.create_policy(PolicyName="p", PolicyDocument=NUMBERS)["Policy"]["Arn"]
    kept = iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"]
    assert kept == json.loads(NUMBERS)
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=NUMBERS, SetAsDefault=True)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v2"
    kept = iam.get_policy_version(PolicyArn=arn, VersionId="v2")["PolicyVersion"]["Document"]
    assert kept == json.loads(NUMBERS)


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("create_policy", {"PolicyName": "p"}),
        ("put_user_policy", {"UserName": "alice", "PolicyName": "p"}),
        ("put_group_policy", {"GroupName": "g", "PolicyName": "p"}),
        ("put_role_policy", {"RoleName": "r", "PolicyName": "p"}),
    ],
)
def test_what_is_no_policy_is_not_kept(alice, operation, members):
    """Whoever is to have it."""
    call = getattr(alice, operation)
    call(**members, PolicyDocument=NUMBERS)
    for document in ("{", text({**STATEMENT, "Principal": "*"}), text({"Effect": "Allow"})):
        assert refused(call, **members, PolicyDocument=document)[0] == "MalformedPolicyDocument"


@pytest.mark.parametrize(
    ("operation", "members", "most", "sentence"),
    [
        ("create_policy", {"PolicyName": "p"}, 6144, "Cannot exceed quota for PolicySize: 6144"),
        (
            "put_user_policy",
            {"UserName": "alice", "PolicyName": "p"},
            2048,
            "Maximum policy size of 2048 bytes exceeded for user alice",
        ),
        (
            "put_role_policy",
            {"RoleName": "r", "PolicyName": "p"},
            10240,
            "Maximum policy size of 10240 bytes exceeded for role r",
        ),
    ],
)
def test_a_policy_has_a_greatest_size(alice, operation, members, most, sentence):
    """White space does not count."""
    call = getattr(alice, operation)
    length = most - len("".join(text({**STATEMENT, "Resource": "arn:aws:s3:::"}).split()))
    fits = text({**STATEMENT, "Resource": "arn:aws:s3:::" + "x" * length})
    assert len("".join(fits.split())) == most
    assert refused(call, **members, PolicyDocument=fits.replace("xx", "xxx", 1)) == (
        "LimitExceeded",
        sentence,
    )
    call(**members, PolicyDocument=fits)


def test_inline_policies_of_one_user_share_the_space(alice):
    """The one that is replaced does not count."""
    large = text({**STATEMENT, "Resource": "arn:aws:s3:::" + "x" * 1200})
    alice.put_user_policy(UserName="alice", PolicyName="a", PolicyDocument=large)
    alice.put_user_policy(UserName="alice", PolicyName="a", PolicyDocument=large)
    code, _ = refused(alice.put_user_policy, UserName="alice", PolicyName="b", PolicyDocument=large)
    assert code == "LimitExceeded"


def test_a_policy_of_awss_is_attached_and_read(alice):
    """By its ARN; one that AWS does not have is refused."""
    for holder in ({"UserName": "alice"}, {"RoleName": "r"}, {"GroupName": "g"}):
        kind = next(iter(holder)).removesuffix("Name").lower()
        attach = getattr(alice, f"attach_{kind}_policy")
        attach(**holder, PolicyArn=ADMINISTRATOR)
        attach(**holder, PolicyArn=ADMINISTRATOR)  # once more is once
        code, message = refused(attach, **holder, PolicyArn=f"{ADMINISTRATOR}2")
        assert code == "NoSuchEntity"
        assert message == f"Policy {ADMINISTRATOR}2 does not exist or is not attachable."
        listed = getattr(alice, f"list_attached_{kind}_policies")(**holder)["AttachedPolicies"]
        assert listed == [{"PolicyName": "AdministratorAccess", "PolicyArn": ADMINISTRATOR}]
    assert alice.get_policy(PolicyArn=ADMINISTRATOR)["Policy"]["AttachmentCount"] == 3
    version = alice.get_policy_version(PolicyArn=ADMINISTRATOR, VersionId="v1")["PolicyVersion"]
    assert version["Document"]["Statement"][0]["Action"] == "*"


def test_ten_policies_are_attached_and_no_more(alice):
    """IAM's quota."""
    arns = [
        alice.create_policy(PolicyName=f"p{n}", PolicyDocument=POLICY)["Policy"]["Arn"]
        for n in range(11)
    ]
    for arn in arns[:10]:
        alice.attach_user_policy(UserName="alice", PolicyArn=arn)
    code, message = refused(alice.attach_user_policy, UserName="alice", PolicyArn=arns[10])
    assert (code, message) == ("LimitExceeded", "Cannot exceed quota for PoliciesPerUser: 10")


def test_a_managed_policy_that_somebody_has_is_not_deleted(alice):
    """Nor one that bounds somebody, nor one with old versions."""
    arn = alice.create_policy(PolicyName="p", PolicyDocument=POLICY)["Policy"]["Arn"]
    attached = ("DeleteConflict", "Cannot delete a policy attached to entities.")
    alice.attach_role_policy(RoleName="r", PolicyArn=arn)
    assert refused(alice.delete_policy, PolicyArn=arn) == attached
    alice.detach_role_policy(RoleName="r", PolicyArn=arn)
    alice.put_user_permissions_boundary(UserName="alice", PermissionsBoundary=arn)
    assert refused(alice.delete_policy, PolicyArn=arn) == attached
    alice.delete_user_permissions_boundary(UserName="alice")
    alice.create_policy_version(PolicyArn=arn, PolicyDocument=POLICY)
    assert "more than one version" in refused(alice.delete_policy, PolicyArn=arn)[1]
    alice.delete_policy_version(PolicyArn=arn, VersionId="v2")
    alice.delete_policy(PolicyArn=arn)
    assert refused(alice.delete_policy, PolicyArn=arn)[0] == "NoSuchEntity"


def test_a_role_trusts_whom_there_is(alice):
    """When it is made and when it is changed."""
    nobody = f"arn:aws:iam::{OWNER}:user/nobody"
    wrong = text({**TRUST_STATEMENT, "Principal": {"AWS": nobody}})
    expected = ("MalformedPolicyDocument", f'Invalid principal in policy: "AWS":"{nobody}"')
    assert refused(alice.create_role, RoleName="x", AssumeRolePolicyDocument=wrong) == expected
    update = alice.update_assume_role_policy
    assert refused(update, RoleName="r", PolicyDocument=wrong) == expected
    somebody = text({**TRUST_STATEMENT, "Principal": {"AWS": f"arn:aws:iam::{OWNER}:user/alice"}})
    update(RoleName="r", PolicyDocument=somebody)
    kept = alice.get_role(RoleName="r")["Role"]["AssumeRolePolicyDocument"]
    assert kept == json.loads(somebody)
    assert refused(update, RoleName="none", PolicyDocument=TRUST)[0] == "NoSuchEntity"


def test_a_trust_policy_has_a_greatest_size(alice):
    """Of 2,048 characters."""
    principals = [f"arn:aws:iam::{n:012}:root" for n in range(100)]
    large = text({**TRUST_STATEMENT, "Principal": {"AWS": principals}})
    code, message = refused(alice.create_role, RoleName="x", AssumeRolePolicyDocument=large)
    assert (code, message) == ("LimitExceeded", "Cannot exceed quota for ACLSizePerRole: 2048")


def test_where_policies_decide_they_must_be_understood(iam, lab):
    """One with a policy variable that is not modelled is refused, and not half obeyed."""
    unknown = text({**STATEMENT, "Condition": {"StringEquals": {"aws:username": "${made:Up}"}}})
    iam.create_user(UserName="alice")
    members = {"UserName": "alice", "PolicyName": "p", "PolicyDocument": unknown}
    iam.put_user_policy(**members)
    lab._place.gateway.world.enforce_policies = True
    assert refused(iam.put_user_policy, **members)[0] == "NotImplemented"
