"""What of IAM is heard of, and when."""

import json
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from pkilab import Lab, functions

ACCOUNT = "111122223333"
SECONDS = 30
LATENCY = timedelta(seconds=SECONDS)


@pytest.fixture
def lab():
    with Lab.simulated(seed="settling", latency=LATENCY, enforce_policies=True) as lab:
        yield lab


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(*actions):
    return document({"Effect": "Allow", "Action": list(actions), "Resource": "*"})


def trust(service=None):
    principal = {"Service": service} if service else {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    return document({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})


def role(lab, *, path="/", **members):
    members = {"AssumeRolePolicyDocument": trust()} | members
    made = lab.client("iam").create_role(RoleName="r", Path=path, **members)
    return made["Role"]["Arn"]


def assume(lab, arn):
    return lab.client("sts").assume_role(RoleArn=arn, RoleSessionName="session")["Credentials"]


def code(call, **members):
    """Return the code of a refusal; ``""`` if there was none."""
    try:
        call(**members)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return ""


def test_a_new_role_is_there_for_iam_and_not_for_others(lab):
    """To the second: it counts once the latency has passed."""
    arn = role(lab)
    assert lab.client("iam").get_role(RoleName="r")["Role"]["Arn"] == arn
    lab.clock.advance(seconds=SECONDS - 1)
    with pytest.raises(ClientError, match="not authorized to perform: sts:AssumeRole"):
        assume(lab, arn)
    lab.clock.advance(seconds=1)
    assert assume(lab, arn)["SessionToken"]


def test_a_trust_policy_counts_as_it_was_until_it_is_heard(lab):
    """Who was let in still is, and who will be is not yet."""
    arn = role(lab)
    lab.clock.advance(seconds=SECONDS)
    service = trust("lambda.amazonaws.com")
    iam = lab.client("iam")
    iam.update_assume_role_policy(RoleName="r", PolicyDocument=service)
    function = {
        "FunctionName": "f", "Runtime": "python3.12", "Role": arn, "Handler": "i.h",
        "Code": {"ZipFile": functions.package({"i.py": "def h(event, context): pass"})},
    }  # fmt: skip
    with pytest.raises(ClientError, match="cannot be assumed by Lambda"):
        lab.client("lambda").create_function(**function)
    lab.clock.advance(seconds=SECONDS)
    assert lab.client("lambda").create_function(**function)["State"] == "Pending"


def test_a_policy_that_was_replaced_twice_counts_as_the_one_heard_last(lab):
    """Not as the one in between, of which nobody has heard."""
    arn, iam = role(lab), lab.client("iam")
    iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=allow("kms:ListKeys"))
    lab.clock.advance(seconds=SECONDS)
    kms = lab.client("kms", credentials=assume(lab, arn))
    for actions in (("kms:ListAliases",), ("kms:ListGrants",)):
        iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=allow(*actions))
        lab.clock.advance(seconds=SECONDS / 3)
        assert code(kms.list_keys) == ""
        assert code(kms.list_aliases) == "AccessDeniedException"
    lab.clock.advance(seconds=SECONDS)
    assert code(kms.list_keys) == code(kms.list_aliases) == "AccessDeniedException"


@pytest.mark.parametrize("by", ["group", "managed", "version"])
def test_policies_are_heard_of_in_whatever_way_they_come(lab, by):
    """By a group, by a managed policy, by another version of one."""
    iam = lab.client("iam")
    iam.create_user(UserName="ana")
    key = iam.create_access_key(UserName="ana")["AccessKey"]
    iam.create_group(GroupName="g")
    iam.put_group_policy(GroupName="g", PolicyName="p", PolicyDocument=allow("kms:ListKeys"))
    first = allow("kms:ListKeys" if by == "managed" else "kms:ListAliases")
    policy = iam.create_policy(PolicyName="m", PolicyDocument=first)["Policy"]["Arn"]
    if by == "version":
        iam.attach_user_policy(UserName="ana", PolicyArn=policy)
    lab.clock.advance(seconds=SECONDS)
    kms = lab.client("kms", credentials=key)
    assert code(kms.list_keys) == "AccessDeniedException"
    if by == "group":
        iam.add_user_to_group(GroupName="g", UserName="ana")
    elif by == "managed":
        iam.attach_user_policy(UserName="ana", PolicyArn=policy)
    else:
        iam.create_policy_version(
            PolicyArn=policy, PolicyDocument=allow("kms:ListKeys"), SetAsDefault=True
        )
    assert code(kms.list_keys) == "AccessDeniedException"
    lab.clock.advance(seconds=SECONDS)
    assert code(kms.list_keys) == ""


def test_a_key_is_unknown_until_it_is_heard_of(lab):
    """And counts for as long after it was made inactive."""
    iam = lab.client("iam")
    iam.create_user(UserName="ana")
    key = iam.create_access_key(UserName="ana")["AccessKey"]
    sts = lab.client("sts", credentials=key)
    assert code(sts.get_caller_identity) == "InvalidClientTokenId"
    lab.clock.advance(seconds=SECONDS)
    assert sts.get_caller_identity()["Arn"].endswith(":user/ana")
    named = {"UserName": "ana", "AccessKeyId": key["AccessKeyId"]}
    iam.update_access_key(**named, Status="Inactive")
    assert code(sts.get_caller_identity) == ""
    lab.clock.advance(seconds=SECONDS)
    assert code(sts.get_caller_identity) == "InvalidClientTokenId"


def test_a_role_that_was_made_anew_is_another(lab):
    """What was heard of the first one says nothing of the second."""
    arn, iam = role(lab), lab.client("iam")
    lab.clock.advance(seconds=SECONDS)
    assert assume(lab, arn)
    iam.delete_role(RoleName="r")
    assert role(lab) == arn
    with pytest.raises(ClientError, match="AccessDenied"):
        assume(lab, arn)


def test_service_linked_roles_are_heard_of_at_once(lab):
    """The service that makes one uses it."""
    lab.client("iam").create_service_linked_role(AWSServiceName="acm.amazonaws.com")
    pca, acm = lab.client("acm-pca"), lab.client("acm")
    assert pca.list_certificate_authorities()["CertificateAuthorities"] == []
    assert acm.list_certificates()["CertificateSummaryList"] == []


def test_a_stack_gives_iam_its_time(lab):
    """CloudFormation goes on with what needs a role once others have heard of it."""
    template = {
        "Resources": {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "AssumeRolePolicyDocument": json.loads(trust("lambda.amazonaws.com"))
                },
            },
            "Function": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "Runtime": "python3.12",
                    "Handler": "index.handler",
                    "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                    "Code": {"ZipFile": "def handler(event, context): return event"},
                },
            },
        }
    }
    cloudformation = lab.client("cloudformation")
    cloudformation.create_stack(
        StackName="s", TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"]
    )

    def status():
        return cloudformation.describe_stacks(StackName="s")["Stacks"][0]["StackStatus"]

    assert status() == "CREATE_IN_PROGRESS"
    assert not cloudformation.describe_stack_resources(StackName="s")["StackResources"]
    lab.clock.advance(seconds=3 * SECONDS)
    assert status() == "CREATE_IN_PROGRESS"
    lab.clock.advance(seconds=5 * SECONDS)
    assert status() == "CREATE_COMPLETE"


def test_without_enforced_policies_iam_is_heard_at_once():
    """Nobody asks it then."""
    with Lab.simulated(seed="open", latency=LATENCY) as lab:
        assert assume(lab, role(lab))["SessionToken"]
