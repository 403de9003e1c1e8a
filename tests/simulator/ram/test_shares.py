"""Shares from beginning to end, and what becomes of the CA's policy."""

import json

import pytest

from pkilab.simulator.ram.principals import OUTSIDE
from tests.simulator.ram.conftest import CONSUMER, OWNER, THIRD

ROLE = f"arn:aws:iam::{CONSUMER}:role/Issuer"
GONE = "00000000-0000-4000-8000-000000000000"


def test_a_share_gives_access_once_it_is_accepted(sharing):
    """Until then the CA has no policy, and AWS says that none allows it."""
    message = sharing.refused(
        "AccessDeniedException", "describe_certificate_authority", "consumer", "acm-pca",
        CertificateAuthorityArn=sharing.ca,
    )  # fmt: skip
    assert message == (
        f"User: arn:aws:iam::{CONSUMER}:user/learner is not authorized to perform: "
        f"acm-pca:DescribeCertificateAuthority on resource: {sharing.ca} because no "
        "resource-based policy allows the acm-pca:DescribeCertificateAuthority action"
    )
    share = sharing.share(CONSUMER)
    assert sharing.policy() is None
    assert not sharing.may()
    assert sharing.statuses(share) == {CONSUMER: "ASSOCIATING"}
    sharing.accept()
    assert sharing.may()
    assert not sharing.may("third")
    assert sharing.statuses(share) == {CONSUMER: "ASSOCIATED"}


def test_a_new_share_is_described_as_in_awss_example(plain):
    """Without a feature set; GetResourceShares has it."""
    made = plain("create_resource_share", name="MyNewResourceShare")["resourceShare"]
    assert made.keys() == {
        "resourceShareArn", "name", "owningAccountId", "allowExternalPrincipals", "status",
        "creationTime", "lastUpdatedTime",
    }  # fmt: skip
    assert (made["status"], made["allowExternalPrincipals"]) == ("ACTIVE", True)
    assert made["resourceShareArn"].startswith(f"arn:aws:ram:us-east-1:{OWNER}:resource-share/")
    (found,) = plain("get_resource_shares", resourceOwner="SELF")["resourceShares"]
    assert found["featureSet"] == "STANDARD"


def test_the_share_writes_the_default_permission_into_the_cas_policy(plain):
    """Five reads, and IssueCertificate by one template."""
    plain.shared()
    reads, issues = plain.policy()
    assert reads["Action"] == [
        "acm-pca:DescribeCertificateAuthority", "acm-pca:GetCertificate",
        "acm-pca:GetCertificateAuthorityCertificate", "acm-pca:ListPermissions",
        "acm-pca:ListTags",
    ]  # fmt: skip
    assert "Condition" not in reads
    assert issues["Action"] == ["acm-pca:IssueCertificate"]
    arn = "arn:aws:acm-pca:::template/EndEntityCertificate/V1"
    assert issues["Condition"] == {"StringEquals": {"acm-pca:TemplateArn": arn}}
    for each in (reads, issues):
        assert each["Principal"] == {"AWS": [f"arn:aws:iam::{CONSUMER}:root"]}
        assert each["Resource"] == plain.ca
    assert [each["Sid"] for each in (reads, issues)] == ["RamStatement1", "RamStatement2"]


@pytest.mark.parametrize("how", ["principal", "resource", "share"])
def test_what_is_taken_back_gives_no_access_any_more(sharing, how):
    """A principal, the CA or the whole share: the policy is gone with it."""
    share = sharing.shared()
    if how == "share":
        done = sharing("delete_resource_share", resourceShareArn=share)
        assert done["returnValue"] is True
    else:
        named = {"principals": [CONSUMER]} if how == "principal" else {"resourceArns": [sharing.ca]}
        ended = sharing("disassociate_resource_share", resourceShareArn=share, **named)
        (one,) = ended["resourceShareAssociations"]
        assert one["status"] == "DISASSOCIATED"
    assert sharing.policy() is None
    assert not sharing.may()
    assert not sharing.may(operation="issue_certificate", **sharing.order())


def test_a_deleted_share_is_shown_for_two_hours(plain):
    """To its owner; those with whom it was shared see it no longer."""
    share = plain.shared()
    plain("delete_resource_share", resourceShareArn=share)
    (found,) = plain("get_resource_shares", resourceOwner="SELF")["resourceShares"]
    assert found["status"] == "DELETED"
    theirs = plain("get_resource_shares", "consumer", resourceOwner="OTHER-ACCOUNTS")
    assert theirs["resourceShares"] == []
    message = plain.refused(
        "InvalidStateTransitionException", "delete_resource_share", resourceShareArn=share
    )
    assert "it is DELETED" in message
    plain.lab.clock.advance(hours=2)
    assert plain("get_resource_shares", resourceOwner="SELF")["resourceShares"] == []
    plain.refused("UnknownResourceException", "delete_resource_share", resourceShareArn=share)


def test_other_accounts_keep_what_one_of_them_loses(sharing):
    """Two principals, one of them taken out."""
    share = sharing.share(CONSUMER, THIRD)
    sharing.accept()
    sharing.accept("third")
    sharing("disassociate_resource_share", resourceShareArn=share, principals=[CONSUMER])
    assert not sharing.may()
    assert sharing.may("third")


def test_two_shares_of_a_ca_add_up(sharing):
    """As AWS describes for revocation: the default permission, and the one that revokes."""
    sharing.shared()
    arn = sharing(
        "issue_certificate", "consumer", "acm-pca", **sharing.order()
    )["CertificateArn"]  # fmt: skip
    revocation = {
        "CertificateSerial": ":".join(map(str.lower, _pairs(arn.rpartition("/")[2]))),
        "RevocationReason": "SUPERSEDED",
    }
    assert not sharing.may(operation="revoke_certificate", **revocation)
    permission = "arn:aws:ram::aws:permission/AWSRAMRevokeCertificateCertificateAuthority"
    second = sharing.shared(name="Revocation", permissionArns=[permission])
    assert sharing.may(operation="revoke_certificate", **revocation)
    sharing("delete_resource_share", resourceShareArn=second)
    assert not sharing.may(operation="revoke_certificate", **revocation)
    assert sharing.may(operation="issue_certificate", **sharing.order())


def _pairs(serial):
    return [serial[at : at + 2] for at in range(0, len(serial), 2)]


def test_a_role_is_let_in_and_nobody_else_of_its_account(strict):
    """The invitation says whom it is for, and the role's account accepts it."""
    iam = strict.client("iam", "consumer")
    trust = {"Effect": "Allow", "Principal": {"AWS": CONSUMER}, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName="Issuer", AssumeRolePolicyDocument=_policy(trust))
    allow = {"Effect": "Allow", "Action": "acm-pca:*", "Resource": "*"}
    iam.put_role_policy(RoleName="Issuer", PolicyName="p", PolicyDocument=_policy(allow))
    strict.share(ROLE)
    (sent,) = strict("get_resource_share_invitations", "consumer")["resourceShareInvitations"]
    assert sent["receiverArn"] == ROLE
    strict.accept()
    assert not strict.may()
    assumed = strict.client("sts", "consumer").assume_role(RoleArn=ROLE, RoleSessionName="issuer")
    pca = strict.lab.client("acm-pca", credentials=assumed["Credentials"])
    found = pca.describe_certificate_authority(CertificateAuthorityArn=strict.ca)
    assert found["CertificateAuthority"]["OwnerAccount"] == OWNER
    assert {str(each["Principal"]) for each in strict.policy()} == {str({"AWS": [ROLE]})}


def _policy(statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_a_service_is_let_in_from_its_sources_alone(plain):
    """As the connector for Active Directory has it; there is nobody to accept."""
    share = plain.share("pca-connector-ad.amazonaws.com", sources=[OWNER, "o-abcdefghij"])
    assert plain.statuses(share) == {"pca-connector-ad.amazonaws.com": "ASSOCIATED"}
    assert set(plain.statuses(share, "SOURCE")) == {OWNER, "o-abcdefghij"}
    reads, issues = plain.policy()
    sources = {"aws:SourceAccount": [OWNER], "aws:SourceOrgID": ["o-abcdefghij"]}
    assert reads["Condition"] == {"StringEquals": sources}
    assert reads["Principal"] == {"Service": ["pca-connector-ad.amazonaws.com"]}
    template = {"acm-pca:TemplateArn": "arn:aws:acm-pca:::template/EndEntityCertificate/V1"}
    assert issues["Condition"] == {"StringEquals": template | sources}
    found = plain("list_source_associations", sourceId=OWNER)["sourceAssociations"]
    assert [each["status"] for each in found] == ["ASSOCIATED"]
    plain("disassociate_resource_share", resourceShareArn=share, sources=["o-abcdefghij"])
    reads, _ = plain.policy()
    assert reads["Condition"] == {"StringEquals": {"aws:SourceAccount": [OWNER]}}


@pytest.mark.parametrize(
    ("members", "code", "sentence"),
    [
        (
            {"principals": ["o-abcdefghij"]}, "InvalidParameterException",
            "Principal ID o-abcdefghij is malformed. Verify the ID and try again.",
        ),
        (
            {"principals": [f"arn:aws:iam::{CONSUMER}:root"]}, "InvalidParameterException",
            f"Principal ID arn:aws:iam::{CONSUMER}:root is malformed. Verify the ID and try again.",
        ),
        (
            {"principals": ["arn:aws:organizations::111122223333:organization/o-abcdefghij"]},
            "UnknownResourceException", "Organization o-abcdefghij could not be found.",
        ),
        (
            {"principals": [f"arn:aws:organizations::{OWNER}:ou/o-abcdefghij/ou-ab12-cdefghij"]},
            "UnknownResourceException",
            "OrganizationalUnit ou-ab12-cdefghij in unknown organization could not be found.",
        ),
        ({"principals": [OWNER]}, "InvalidParameterException", "owns them"),
        ({"resourceArns": ["nonsense"]}, "MalformedArnException", "nonsense is not valid"),
        (
            {"resourceArns": [f"arn:aws:acm-pca:us-east-1:{OWNER}:certificate-authority/{GONE}"]},
            "UnknownResourceException", "could not be found",
        ),
        (
            {"resourceArns": [f"arn:aws:ec2:us-east-1:{OWNER}:subnet/subnet-1"]},
            "NotImplemented", "is not simulated",
        ),
        ({"sources": ["somewhere"]}, "InvalidParameterException", "Source somewhere is malformed"),
        ({"permissionArns": ["x"]}, "MalformedArnException", "x is not valid"),
        (
            {"permissionArns": ["arn:aws:ram::aws:permission/None"]},
            "UnknownResourceException", "could not be found",
        ),
        (
            {"permissionArns": [
                "arn:aws:ram::aws:permission/AWSRAMDefaultPermissionCertificateAuthority",
                "arn:aws:ram::aws:permission/AWSRAMRevokeCertificateCertificateAuthority",
            ]},
            "InvalidParameterException", "only one permission",
        ),
        ({"tags": [{"key": "aws:x", "value": "y"}]}, "TagPolicyViolationException", "reserved"),
        (
            {"principals": [f"{n:012d}" for n in range(101)]},
            "ResourceShareLimitExceededException", "up to 100",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_shared_is_refused_and_nothing_is_made(plain, members, code, sentence):
    """With AWS's sentences, where they are known."""
    message = plain.refused(code, "create_resource_share", name="x", **members)
    assert sentence in message
    assert plain("get_resource_shares", resourceOwner="SELF")["resourceShares"] == []


def test_another_accounts_ca_cannot_be_passed_on(sharing):
    """Nor can its share be changed by those with whom it is shared."""
    share = sharing.shared()
    message = sharing.refused(
        "UnknownResourceException", "create_resource_share", "consumer", name="mine",
        resourceArns=[sharing.ca], principals=[THIRD],
    )  # fmt: skip
    assert message == f"Resource {sharing.ca} could not be found."
    code = "AccessDeniedException" if _enforced(sharing) else "UnknownResourceException"
    sharing.refused(code, "delete_resource_share", "consumer", resourceShareArn=share)
    sharing.refused(
        code, "associate_resource_share", "consumer", resourceShareArn=share, principals=[THIRD]
    )


def _enforced(sharing):
    return sharing.lab._place.world.enforce_policies


def test_a_client_token_makes_one_share(plain):
    """And is refused for another one."""
    token = {"clientToken": "once"}
    one = plain.share(CONSUMER, **token)
    assert plain.share(CONSUMER, **token) == one
    assert len(plain("get_resource_shares", resourceOwner="SELF")["resourceShares"]) == 1
    assert len(plain("get_resource_share_invitations", "consumer")["resourceShareInvitations"]) == 1
    plain.refused(
        "IdempotentParameterMismatchException", "create_resource_share", name="other",
        resourceArns=[plain.ca], principals=[CONSUMER], **token,
    )  # fmt: skip
    other = plain("create_resource_share", "consumer", name="other", **token)
    assert other["clientToken"] == "once"
    assert other["resourceShare"]["owningAccountId"] == CONSUMER


def test_shares_are_regional(plain):
    """Neither the share nor the invitation is in another Region."""
    share = plain.share(CONSUMER)
    elsewhere = plain.client("ram", region="eu-west-1")
    assert elsewhere.get_resource_shares(resourceOwner="SELF")["resourceShares"] == []
    with pytest.raises(elsewhere.exceptions.UnknownResourceException):
        elsewhere.delete_resource_share(resourceShareArn=share)
    theirs = plain.client("ram", "consumer", region="eu-west-1")
    assert theirs.get_resource_share_invitations()["resourceShareInvitations"] == []
    with pytest.raises(elsewhere.exceptions.UnknownResourceException):
        elsewhere.create_resource_share(name="x", resourceArns=[plain.ca])


def test_what_is_in_a_share_already_is_not_added_again(plain):
    """Nobody is invited twice; what is not in it cannot be taken out."""
    share = plain.share(CONSUMER)
    again = plain("associate_resource_share", resourceShareArn=share, principals=[CONSUMER])
    (one,) = again["resourceShareAssociations"]
    assert (one["status"], one["external"]) == ("ASSOCIATING", True)
    assert len(plain("get_resource_share_invitations", "consumer")["resourceShareInvitations"]) == 1
    plain.refused(
        "UnknownResourceException", "disassociate_resource_share", resourceShareArn=share,
        principals=[THIRD],
    )  # fmt: skip
    plain.refused(
        "InvalidParameterException", "disassociate_resource_share", resourceShareArn=share
    )


def test_a_share_can_be_renamed_and_tagged(plain):
    """Tags are the owner's to see."""
    share = plain.shared(tags=[{"key": "project", "value": "lima"}])
    plain("tag_resource", resourceShareArn=share, tags=[{"key": "stage", "value": "test"}])
    plain("untag_resource", resourceShareArn=share, tagKeys=["project"])
    renamed = plain("update_resource_share", resourceShareArn=share, name="Root")["resourceShare"]
    assert (renamed["name"], renamed["tags"]) == ("Root", [{"key": "stage", "value": "test"}])
    (theirs,) = plain("get_resource_shares", "consumer", resourceOwner="OTHER-ACCOUNTS")[
        "resourceShares"
    ]
    assert theirs["name"] == "Root"
    assert "tags" not in theirs


def test_a_share_for_outside_cannot_be_drawn_back_inside(plain):
    """Without an organization that shares there is no inside."""
    share = plain.share(CONSUMER)
    message = plain.refused(
        "OperationNotPermittedException", "update_resource_share", resourceShareArn=share,
        allowExternalPrincipals=False,
    )  # fmt: skip
    assert message == OUTSIDE


def test_work_takes_its_time_where_the_world_has_latency(slow):
    """PENDING, ASSOCIATING, DISASSOCIATING, DELETING; and then done."""
    share = slow.share("pca-connector-ad.amazonaws.com")
    (found,) = slow("get_resource_shares", resourceOwner="SELF")["resourceShares"]
    assert found["status"] == "PENDING"
    assert slow.statuses(share, "RESOURCE") == {slow.ca: "ASSOCIATING"}
    assert slow.policy() is None
    slow.lab.clock.advance(minutes=1)
    (found,) = slow("get_resource_shares", resourceOwner="SELF")["resourceShares"]
    assert found["status"] == "ACTIVE"
    assert slow.statuses(share, "RESOURCE") == {slow.ca: "ASSOCIATED"}
    assert len(slow.policy()) == 2
    slow("associate_resource_share", resourceShareArn=share, principals=[CONSUMER])
    slow.accept()
    assert not slow.may()
    slow.lab.clock.advance(minutes=1)
    assert slow.may()
    slow("disassociate_resource_share", resourceShareArn=share, principals=[CONSUMER])
    assert slow.statuses(share)[CONSUMER] == "DISASSOCIATING"
    slow("delete_resource_share", resourceShareArn=share)
    (found,) = slow("get_resource_shares", resourceOwner="SELF")["resourceShares"]
    assert found["status"] == "DELETING"
    slow.lab.clock.advance(minutes=1)
    (found,) = slow("get_resource_shares", resourceOwner="SELF")["resourceShares"]
    assert (found["status"], slow.policy()) == ("DELETED", None)
