"""Policies that owners write themselves, and what RAM makes of them."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.simulator.ram.conftest import CONSUMER, THIRD

CA = "acm-pca:CertificateAuthority"
READ = "acm-pca:DescribeCertificateAuthority"


def put(sharing, *statements):
    """Put a policy on the CA; by default each statement lets the consumer in."""
    whole = [
        {
            "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{CONSUMER}:root"},
            "Action": [READ], "Resource": sharing.ca, **each,
        }
        for each in statements or ({},)
    ]  # fmt: skip
    text = json.dumps({"Version": "2012-10-17", "Statement": whole})
    sharing("put_policy", service="acm-pca", ResourceArn=sharing.ca, Policy=text)
    return text


def shares(sharing, account="owner", side="SELF"):
    found = sharing("get_resource_shares", account, resourceOwner=side)["resourceShares"]
    return [each for each in found if each["status"] == "ACTIVE"]


def test_a_policy_makes_a_share_that_its_owner_alone_sees(sharing):
    """CREATED_FROM_POLICY, with a permission of its own; RAM does not change it."""
    text = put(sharing)
    assert sharing.may()
    assert not sharing.may(operation="list_tags")
    found = sharing("get_policy", service="acm-pca", ResourceArn=sharing.ca)["Policy"]
    assert found == text
    (share,) = shares(sharing)
    assert share["featureSet"] == "CREATED_FROM_POLICY"
    arn = share["resourceShareArn"]
    assert sharing.statuses(arn) == {CONSUMER: "ASSOCIATED"}
    assert sharing.statuses(arn, "RESOURCE") == {sharing.ca: "ASSOCIATED"}
    assert shares(sharing, "consumer", "OTHER-ACCOUNTS") == []
    listed = sharing(
        "list_certificate_authorities", "consumer", "acm-pca", ResourceOwner="OTHER_ACCOUNTS"
    )
    assert listed["CertificateAuthorities"] == []
    (permission,) = sharing("list_permissions", permissionType="CUSTOMER_MANAGED")["permissions"]
    assert permission["featureSet"] == "CREATED_FROM_POLICY"
    for operation, members in (
        ("update_resource_share", {"name": "x"}),
        ("associate_resource_share", {"principals": [THIRD]}),
        ("delete_resource_share", {}),
    ):
        message = sharing.refused(
            "OperationNotPermittedException", operation, resourceShareArn=arn, **members
        )
        assert "until it is promoted" in message
    sharing.refused(
        "InvalidParameterException", "create_resource_share", name="x",
        permissionArns=[permission["arn"]],
    )  # fmt: skip


def test_deleting_the_policy_takes_the_ca_out_of_every_share(sharing):
    """Those of RAM stay without it, the one that the policy made goes."""
    share = sharing.shared()
    sharing("delete_policy", service="acm-pca", ResourceArn=sharing.ca)
    assert not sharing.may()
    assert sharing.statuses(share, "RESOURCE") == {sharing.ca: "DISASSOCIATED"}
    assert [each["resourceShareArn"] for each in shares(sharing)] == [share]
    put(sharing)
    assert len(shares(sharing)) == 2
    sharing("delete_policy", service="acm-pca", ResourceArn=sharing.ca)
    assert [each["resourceShareArn"] for each in shares(sharing)] == [share]
    assert sharing("list_permissions", permissionType="CUSTOMER_MANAGED")["permissions"] == []
    sharing("delete_policy", service="acm-pca", ResourceArn=sharing.ca)
    sharing("associate_resource_share", resourceShareArn=share, resourceArns=[sharing.ca])
    assert sharing.may()


def test_a_policy_stands_for_the_shares_before_it(sharing):
    """PutPolicy replaces what RAM wrote; a later share adds to it."""
    before = sharing.shared()
    put(sharing, {"Action": ["acm-pca:ListTags"]})
    assert sharing.statuses(before, "RESOURCE") == {sharing.ca: "DISASSOCIATED"}
    assert not sharing.may()
    assert sharing.may(operation="list_tags")
    sharing.share(THIRD, name="later")
    sharing.accept("third")
    assert sharing.may(operation="list_tags")
    assert sharing.may("third")
    sids = [each["Sid"] for each in sharing.policy()]
    assert sids == ["RamStatement1", "RamStatement2", "RamStatement3"]


def test_a_share_is_promoted_once_a_permission_says_the_same(sharing):
    """Then RAM changes it, and the consumer sees it."""
    put(sharing)
    (share,) = shares(sharing)
    arn = share["resourceShareArn"]
    sharing.refused(
        "UnmatchedPolicyPermissionException", "promote_resource_share_created_from_policy",
        resourceShareArn=arn,
    )  # fmt: skip
    (made,) = sharing("list_permissions", permissionType="CUSTOMER_MANAGED")["permissions"]
    promoted = sharing(
        "promote_permission_created_from_policy", permissionArn=made["arn"], name="Reading"
    )["permission"]
    assert (promoted["name"], promoted["featureSet"]) == ("Reading", "STANDARD")
    done = sharing("promote_resource_share_created_from_policy", resourceShareArn=arn)
    assert done["returnValue"] is True
    (share,) = shares(sharing, "consumer", "OTHER-ACCOUNTS")
    assert (share["resourceShareArn"], share["featureSet"]) == (arn, "STANDARD")
    assert sharing.may()
    named = [
        each["name"]
        for each in sharing("list_permissions", permissionType="CUSTOMER_MANAGED")["permissions"]
    ]
    assert named == ["Reading"]
    sharing("delete_resource_share", resourceShareArn=arn)
    assert not sharing.may()
    sharing.refused(
        "InvalidStateTransitionException", "promote_resource_share_created_from_policy",
        resourceShareArn=arn,
    )  # fmt: skip
    sharing.refused(
        "OperationNotPermittedException", "promote_permission_created_from_policy",
        permissionArn=promoted["arn"], name="Again",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("code", "members"),
    [
        (
            "InvalidParameterException",
            {"Principal": {"AWS": f"arn:aws:sts::{CONSUMER}:assumed-role/r/s"}},
        ),
        (
            "UnmatchedPolicyPermissionException",
            {"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:x:::y"}}},
        ),
        (
            "UnmatchedPolicyPermissionException",
            {"Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalAccount": THIRD}}},
        ),
    ],
    ids=["a session", "a condition besides", "everybody but"],
)
def test_what_no_share_can_say_is_not_promoted(sharing, code, members):
    """Nobody gets more by it, and other accounts see their shares as before."""
    text = put(sharing, members)
    (share,) = shares(sharing)
    (made,) = sharing("list_permissions", permissionType="CUSTOMER_MANAGED")["permissions"]
    sharing("promote_permission_created_from_policy", permissionArn=made["arn"], name="Reading")
    sharing.refused(
        code, "promote_resource_share_created_from_policy",
        resourceShareArn=share["resourceShareArn"],
    )  # fmt: skip
    assert shares(sharing)[0]["featureSet"] == "CREATED_FROM_POLICY"
    assert shares(sharing, "third", "OTHER-ACCOUNTS") == []
    policy = sharing("get_policy", service="acm-pca", ResourceArn=sharing.ca)["Policy"]
    assert policy == text


def test_awss_example_policy_is_awss_default_permission(plain):
    """Of organizations too: the conditions name the principals."""
    organization = plain.organize("consumer")
    number = organization.rpartition("/")[2]
    reads = [
        f"acm-pca:{each}"
        for each in (
            "DescribeCertificateAuthority", "GetCertificate",
            "GetCertificateAuthorityCertificate", "ListPermissions", "ListTags",
        )
    ]  # fmt: skip
    outside = {"StringNotEquals": {"aws:PrincipalAccount": "111122223333"}}
    within = {"aws:PrincipalOrgID": number}
    template = {"acm-pca:TemplateArn": "arn:aws:acm-pca:::template/EndEntityCertificate/V1"}
    put(
        plain,
        {"Principal": "*", "Action": reads, "Condition": {"StringEquals": within, **outside}},
        {
            "Principal": "*", "Action": "acm-pca:IssueCertificate",
            "Condition": {"StringEquals": within | template, **outside},
        },
    )  # fmt: skip
    (share,) = shares(plain)
    assert plain.statuses(share["resourceShareArn"]) == {organization: "ASSOCIATED"}
    (one,) = plain("list_resource_share_permissions", resourceShareArn=share["resourceShareArn"])[
        "permissions"
    ]
    assert one["name"] == "AWSRAMDefaultPermissionCertificateAuthority"
    plain("enable_sharing_with_aws_organization")
    plain("promote_resource_share_created_from_policy", resourceShareArn=share["resourceShareArn"])
    assert plain.may(operation="issue_certificate", **plain.order())
    assert not plain.may("third")


def test_equal_worlds_have_equal_shares(plain):
    """To the last ARN."""
    first = plain.shared(), plain.invitation(), plain.policy()
    lab = plain.lab
    lab.close()
    again = type(lab).simulated(seed="ram", accounts=dict(lab.accounts))
    with again:
        second = type(plain)(again)
        assert (second.shared(), second.invitation(), second.policy()) == first


def test_enabling_needs_more_than_rams_own_leave(strict):
    """Organizations and IAM are asked in the caller's name."""
    strict.organize("consumer")
    iam = strict.client("iam")
    iam.create_user(UserName="enabler")
    steps = [
        "ram:EnableSharingWithAwsOrganization", "organizations:EnableAWSServiceAccess",
        "iam:CreateServiceLinkedRole",
    ]  # fmt: skip
    key = iam.create_access_key(UserName="enabler")["AccessKey"]
    ram = strict.lab.client("ram", credentials=key)
    for number in range(1, 4):
        statement = {"Effect": "Allow", "Action": steps[:number], "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName="enabler", PolicyName="p", PolicyDocument=document)
        if number < 3:
            with pytest.raises(ClientError, match="OperationNotPermittedException"):
                ram.enable_sharing_with_aws_organization()
        else:
            assert ram.enable_sharing_with_aws_organization()["returnValue"] is True
