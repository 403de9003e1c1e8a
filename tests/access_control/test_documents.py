"""Policies that are written, and what they then do."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.access_control import deny_scp, issuing_policy, require_mfa_policy, source_ip_policy
from pkilab.errors import MalformedError
from pkilab.iam import read_policy

MAIN, OTHER = "111122223333", "444455556666"
CA = f"arn:aws:acm-pca:us-east-1:{MAIN}:certificate-authority/1"
ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def put(place, name, document):
    place.iam.put_user_policy(
        UserName=name, PolicyName="Limit", PolicyDocument=json.dumps(document)
    )


@pytest.mark.parametrize(
    ("cidr", "allowed"), [("127.0.0.0/8", True), ("203.0.113.0/24", False), ("::1/128", False)]
)
def test_a_source_address_is_compared_with_the_networks(place, cidr, allowed):
    """The lab calls from 127.0.0.1."""
    arn, key = place.user("ana", ALL)
    put(place, "ana", source_ip_policy([cidr]))
    denial = place.verdict(place.lab.client("kms", credentials=key).list_keys)
    context = {"aws:SourceIp": "127.0.0.1", "aws:ViaAWSService": False}
    found = place.explain(arn, "kms:ListKeys", "*", context=context)
    assert found.allowed is (denial is None) is allowed


def test_a_service_that_calls_for_the_user_is_spared_or_not(place):
    """Where it tells no address of the user's, as services once did."""
    arn, _ = place.user("ana", ALL)
    context = {"aws:ViaAWSService": True}
    for spare, expected in ((True, True), (False, False)):
        put(place, "ana", source_ip_policy(["127.0.0.0/8"], spare_services=spare))
        found = place.explain(arn, "kms:CreateKey", "*", context=context)
        assert found.allowed is expected


def test_cloudformation_creates_from_the_address_of_its_user(place):
    """Spared or not; and from elsewhere not even the stack is made."""
    template = json.dumps({"Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}}})
    _, key = place.user("ana", ALL)
    stacks = place.lab.client("cloudformation", credentials=key)
    for spare in (False, True):
        put(place, "ana", source_ip_policy(["127.0.0.0/8"], spare_services=spare))
        name = f"spared-{spare}"
        stacks.create_stack(StackName=name, TemplateBody=template)
        (stack,) = stacks.describe_stacks(StackName=name)["Stacks"]
        assert stack["StackStatus"] == "CREATE_COMPLETE"
    put(place, "ana", source_ip_policy(["203.0.113.0/24"]))
    denial = place.verdict(
        lambda: stacks.create_stack(StackName="elsewhere", TemplateBody=template)
    )
    assert denial is not None
    assert denial.explicit


def test_switching_roles_can_be_left_out(place):
    """The console does it from elsewhere; the role has no such condition."""
    arn, key = place.user("ana", ALL)
    role = place.role("Other", {"Effect": "Allow", "Action": "kms:List*", "Resource": "*"},
                      trusted=MAIN)  # fmt: skip
    sts = place.lab.client("sts", credentials=key)

    def switch():
        return sts.assume_role(RoleArn=role, RoleSessionName="console")

    put(place, "ana", source_ip_policy(["203.0.113.0/24"]))
    assert place.verdict(switch) is not None
    put(place, "ana", source_ip_policy(["203.0.113.0/24"], besides=["sts:AssumeRole"]))
    session = switch()["Credentials"]
    assert place.lab.client("kms", credentials=session).list_keys()["Keys"] == []
    assert place.verdict(place.lab.client("kms", credentials=key).list_keys) is not None
    context = {"aws:SourceIp": "127.0.0.1"}
    assert place.explain(arn, "sts:AssumeRole", role, context=context).allowed


@pytest.mark.parametrize("cidrs", [[], ["here"], ["10.0.0.1/8"], [""]])
def test_what_is_no_network_is_refused(cidrs):
    """A host within one is a slip, too."""
    with pytest.raises(MalformedError, match="cidrs: found"):
        source_ip_policy(cidrs)


def test_a_guard_rail_spares_roles_and_regions(place):
    """Denied to everybody of the account but the one role."""
    place.organization()
    spared = f"arn:aws:iam::{OTHER}:role/ca-admin"
    place.control(deny_scp(["kms:CreateKey"], besides=[spared]))
    role = place.role("ca-admin", ALL, trusted=OTHER, account="other")
    learner = f"arn:aws:iam::{OTHER}:user/learner"
    assert place.explain(learner, "kms:CreateKey", "*").allowed is False
    assert place.explain(role, "kms:CreateKey", "*").allowed
    sts = place.lab.client("sts", account="other")
    session = sts.assume_role(RoleArn=role, RoleSessionName="work")["Credentials"]
    assert place.verdict(place.lab.client("kms", credentials=session).create_key) is None
    assert place.verdict(place.lab.client("kms", account="other").create_key).explicit
    regional = deny_scp(["*"], regions=["eu-central-1", "us-east-1"])["Statement"][0]
    assert regional["Condition"] == {
        "StringNotEquals": {"aws:RequestedRegion": ["eu-central-1", "us-east-1"]}
    }


def test_nothing_to_deny_or_to_issue_is_refused():
    """An empty policy would say nothing."""
    with pytest.raises(MalformedError, match="actions: found none"):
        deny_scp([])
    with pytest.raises(MalformedError, match="templates: found none"):
        issuing_policy(CA, [])


@given(
    st.lists(st.sampled_from(["EndEntityCertificate/V1", "*", "RootCACertificate/V1"]), min_size=1)
)
def test_every_document_is_a_policy(templates):
    """The engine reads each of them, as the kind it is for."""
    for document, kind in (
        (issuing_policy(CA, templates, revoke=len(templates) > 1), "identity"),
        (require_mfa_policy(), "identity"),
        (source_ip_policy(["10.0.0.0/8"]), "identity"),
        (deny_scp(["kms:*"], besides=["arn:aws:iam::*:role/x"], regions=["r"]), "service control"),
    ):
        assert read_policy(document, kind=kind).statements
