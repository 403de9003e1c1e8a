"""Organizations: who is in one needs no invitation, and who leaves it has nothing left."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.ram.principals import OUTSIDE, Named, read_principal
from pkilab.simulator.service import AwsError
from tests.simulator.ram.conftest import CONSUMER, OWNER, THIRD

ORGANIZATION = f"arn:aws:organizations::{OWNER}:organization/o-abcdefghij"
UNIT = f"arn:aws:organizations::{OWNER}:ou/o-abcdefghij/ou-ab12-cdefghij"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (CONSUMER, Named(CONSUMER, "account", account=CONSUMER)),
        (ORGANIZATION, Named(ORGANIZATION, "organization", organization="o-abcdefghij")),
        (
            UNIT,
            Named(UNIT, "unit", organization="o-abcdefghij", unit="ou-ab12-cdefghij"),
        ),
        (
            f"arn:aws:iam::{CONSUMER}:role/pki/Issuer",
            Named(f"arn:aws:iam::{CONSUMER}:role/pki/Issuer", "entity", account=CONSUMER),
        ),
        ("pca-connector-ad.amazonaws.com", Named("pca-connector-ad.amazonaws.com", "service")),
    ],
)
def test_each_form_of_a_principal_is_read(text, named):
    """Accounts, organizations, units, users and roles, services."""
    assert read_principal(text) == named


@given(st.text(max_size=60) | st.text("arn:aws:iam::0123456789/role*?o-", max_size=60))
def test_nothing_but_a_refusal_leaves_the_reader(text):
    """Whatever the text."""
    try:
        assert read_principal(text).text == text
    except AwsError as why:
        assert why.code == "InvalidParameterException"


def test_an_organization_needs_no_invitation_once_sharing_is_enabled(sharing):
    """Its accounts have access at once, the third outside of it has not."""
    arn = sharing.organize("consumer")
    message = sharing.refused(
        "UnknownResourceException", "create_resource_share", name="x", principals=[arn]
    )
    assert message.endswith("could not be found.")
    assert sharing("enable_sharing_with_aws_organization")["returnValue"] is True
    share = sharing.share(arn)
    assert sharing.statuses(share) == {arn: "ASSOCIATED"}
    assert sharing("get_resource_share_invitations", "consumer")["resourceShareInvitations"] == []
    assert sharing.may()
    assert sharing.may(operation="issue_certificate", **sharing.order())
    assert not sharing.may("third")
    for statement in sharing.policy():
        assert statement["Principal"] == "*"
        condition = statement["Condition"]
        assert condition["StringEquals"]["aws:PrincipalOrgID"] == arn.rpartition("/")[2]
        assert condition["StringNotEquals"] == {"aws:PrincipalAccount": OWNER}
    theirs = sharing("list_resources", "consumer", resourceOwner="OTHER-ACCOUNTS")["resources"]
    assert [each["arn"] for each in theirs] == [sharing.ca]
    assert sharing("list_resources", "third", resourceOwner="OTHER-ACCOUNTS")["resources"] == []


def test_a_unit_is_its_accounts_alone(sharing):
    """An account that moves out of the unit loses access, one that moves in has it."""
    sharing.organize("consumer", "third")
    sharing("enable_sharing_with_aws_organization")
    unit = sharing.unit("consumer")
    share = sharing.share(unit)
    assert sharing.statuses(share) == {unit: "ASSOCIATED"}
    assert sharing.may()
    assert not sharing.may("third")
    seen = {
        each: sharing("get_resource_shares", each, resourceOwner="OTHER-ACCOUNTS")["resourceShares"]
        for each in ("consumer", "third")
    }
    assert [len(each) for each in seen.values()] == [1, 0]
    root = sharing("list_roots", service="organizations")["Roots"][0]["Id"]
    number = unit.rpartition("/")[2]
    for account, away, to in ((CONSUMER, number, root), (THIRD, root, number)):
        sharing(
            "move_account", service="organizations", AccountId=account, SourceParentId=away,
            DestinationParentId=to,
        )  # fmt: skip
    assert not sharing.may()
    assert sharing.may("third")


def test_an_account_of_the_organization_is_invited_where_sharing_is_not_enabled(plain):
    """RAM guide: until then it is a stranger, and marked as external."""
    plain.organize("consumer")
    share = plain.share(CONSUMER)
    (one,) = plain(
        "get_resource_share_associations", associationType="PRINCIPAL", resourceShareArns=[share]
    )["resourceShareAssociations"]
    assert (one["external"], one["status"]) == (True, "ASSOCIATING")
    plain.accept()
    plain("enable_sharing_with_aws_organization")
    second = plain.share(CONSUMER, name="later")
    (one,) = plain(
        "get_resource_share_associations", associationType="PRINCIPAL", resourceShareArns=[second]
    )["resourceShareAssociations"]
    assert (one["external"], one["status"]) == (False, "ASSOCIATED")


@pytest.mark.parametrize("retain", [False, True])
@pytest.mark.parametrize("whom", ["organization", "account"])
def test_leaving_the_organization_removes_access(sharing, whom, retain):
    """At once, whether all of it was let in or the account by name; unless it was to retain it."""
    arn = sharing.organize("consumer")
    sharing("enable_sharing_with_aws_organization")
    kept = {"retainSharingOnAccountLeaveOrganization": retain}
    share = sharing.share(
        arn if whom == "organization" else CONSUMER, resourceShareConfiguration=kept
    )
    assert sharing.may()
    sharing("leave_organization", "consumer", "organizations")
    assert sharing.may() is (retain and whom == "account")
    if whom == "account" and not retain:
        assert sharing.statuses(share) == {CONSUMER: "DISASSOCIATED"}
        assert sharing.policy() is None


def test_distrust_takes_access_from_the_organization(plain):
    """DisableAWSServiceAccess; who was invited from outside stays."""
    arn = plain.organize("consumer")
    plain("enable_sharing_with_aws_organization")
    share = plain.share(arn, THIRD)
    plain.accept("third")
    plain(
        "disable_aws_service_access", service="organizations",
        ServicePrincipal="ram.amazonaws.com",
    )  # fmt: skip
    assert not plain.may()
    assert plain.may("third")
    assert plain.statuses(share) == {arn: "DISASSOCIATED", THIRD: "ASSOCIATED"}


def test_a_share_may_be_kept_inside(plain):
    """Strangers are refused in AWS's sentence, members are not."""
    plain.organize("consumer")
    inside = {"name": "x", "resourceArns": [plain.ca], "allowExternalPrincipals": False}
    for account in (CONSUMER, THIRD):  # nobody is inside before sharing is enabled
        message = plain.refused(
            "OperationNotPermittedException", "create_resource_share", principals=[account],
            **inside,
        )  # fmt: skip
        assert message == OUTSIDE
    plain("enable_sharing_with_aws_organization")
    plain.refused(
        "OperationNotPermittedException", "create_resource_share", principals=[THIRD], **inside
    )
    made = plain("create_resource_share", principals=[CONSUMER], **inside)["resourceShare"]
    assert made["allowExternalPrincipals"] is False
    assert plain.may()
    arn = made["resourceShareArn"]
    plain("update_resource_share", resourceShareArn=arn, allowExternalPrincipals=True)
    plain("associate_resource_share", resourceShareArn=arn, principals=[THIRD])
    plain.refused(
        "OperationNotPermittedException", "update_resource_share", resourceShareArn=arn,
        allowExternalPrincipals=False,
    )  # fmt: skip


def test_sharing_is_enabled_by_the_management_account(plain):
    """With AWS's sentence for members and for who is in no organization; the role is made once."""
    message = plain.refused(
        "OperationNotPermittedException", "enable_sharing_with_aws_organization"
    )
    assert message == (
        "Unable to enable sharing with AWS Organizations. Received "
        "AWSOrganizationsNotInUseException from AWSOrganizations with the following error message: "
        "Your account is not a member of an organization."
    )
    plain.organize("consumer")
    message = plain.refused(
        "OperationNotPermittedException", "enable_sharing_with_aws_organization", "consumer"
    )
    assert message.endswith("You don't have permissions to access this resource.")
    for _ in range(2):
        assert plain("enable_sharing_with_aws_organization")["returnValue"] is True
    name = "AWSServiceRoleForResourceAccessManager"
    role = plain("get_role", service="iam", RoleName=name)["Role"]
    assert role["Path"] == "/aws-service-role/ram.amazonaws.com/"
    trusted = plain("list_aws_service_access_for_organization", service="organizations")
    names = [each["ServicePrincipal"] for each in trusted["EnabledServicePrincipals"]]
    assert names == ["ram.amazonaws.com"]
