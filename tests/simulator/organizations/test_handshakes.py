import pytest

from pkilab.simulator.organizations import handshakes

PROD, OTHER = "222233334444", "444455556666"


@pytest.fixture
def invited(orgs):
    """Return the organization, and the id of an invitation of the account that stands alone."""
    target = {"Type": "ACCOUNT", "Id": OTHER}
    answer = orgs("InviteAccountToOrganization", Target=target, Notes="Join us")
    return orgs, answer["Handshake"]["Id"]


def state(orgs, name, account="other"):
    return orgs("DescribeHandshake", account, HandshakeId=name)["Handshake"]["State"]


def test_an_invitation_says_who_invites_whom_and_lapses_after_fifteen_days(invited):
    """Both sides see it; its resources are those of the API Reference's example."""
    orgs, name = invited
    (received,) = orgs("ListHandshakesForAccount", "other")["Handshakes"]
    sent = orgs("ListHandshakesForOrganization")["Handshakes"][-1]
    assert received == sent == orgs("DescribeHandshake", HandshakeId=name)["Handshake"]
    assert received["State"] == "OPEN"
    assert received["Action"] == "INVITE"
    assert received["ExpirationTimestamp"] - received["RequestedTimestamp"] == 15 * 86400
    assert [each["Type"] for each in received["Parties"]] == ["ORGANIZATION", "ACCOUNT"]
    organization, account, notes = received["Resources"]
    assert [each["Type"] for each in organization["Resources"]] == [
        "MASTER_EMAIL",
        "MASTER_NAME",
        "ORGANIZATION_FEATURE_SET",
    ]
    assert account == {"Type": "ACCOUNT", "Value": OTHER}
    assert notes == {"Type": "NOTES", "Value": "Join us"}


def test_who_accepts_is_a_member_from_then_on(invited):
    """An invitation is accepted once, by whom it was sent to."""
    orgs, name = invited
    orgs.refused("AccessDeniedException", "AcceptHandshake", "prod", HandshakeId=name)
    orgs.refused("AccessDeniedException", "AcceptHandshake", HandshakeId=name)
    accepted = orgs("AcceptHandshake", "other", HandshakeId=name)["Handshake"]
    assert accepted["State"] == "ACCEPTED"
    assert orgs("DescribeAccount", AccountId=OTHER)["Account"]["JoinedMethod"] == "INVITED"
    orgs.refused("HandshakeAlreadyInStateException", "AcceptHandshake", "other", HandshakeId=name)
    orgs.refused(
        "InvalidHandshakeTransitionException", "DeclineHandshake", "other", HandshakeId=name
    )


def test_an_invitation_is_declined_by_the_account_and_cancelled_by_the_organization(invited):
    """Neither can do the other's part, and what ended stays ended."""
    orgs, name = invited
    orgs.refused("AccessDeniedException", "CancelHandshake", "other", HandshakeId=name)
    orgs.refused("AccessDeniedException", "DeclineHandshake", HandshakeId=name)
    orgs("DeclineHandshake", "other", HandshakeId=name)
    assert state(orgs, name) == "DECLINED"
    orgs.refused("InvalidHandshakeTransitionException", "CancelHandshake", HandshakeId=name)
    target = {"Type": "EMAIL", "Id": "other@example.com"}
    second = orgs("InviteAccountToOrganization", Target=target)["Handshake"]["Id"]
    orgs("CancelHandshake", HandshakeId=second)
    assert state(orgs, second) == "CANCELED"
    orgs.refused(
        "InvalidHandshakeTransitionException", "AcceptHandshake", "other", HandshakeId=second
    )


def test_an_invitation_expires_by_the_worlds_clock_and_is_forgotten_thirty_days_later(invited):
    """Fifteen days to answer, thirty more to be seen."""
    orgs, name = invited
    orgs.world.clock.advance(days=15)
    assert state(orgs, name) == "EXPIRED"
    orgs.refused(
        "InvalidHandshakeTransitionException", "AcceptHandshake", "other", HandshakeId=name
    )
    orgs.world.clock.advance(days=29)
    assert len(orgs("ListHandshakesForAccount", "other")["Handshakes"]) == 1
    orgs.world.clock.advance(days=1)
    assert orgs("ListHandshakesForAccount", "other")["Handshakes"] == []
    orgs.refused("HandshakeNotFoundException", "DescribeHandshake", "other", HandshakeId=name)


def test_whom_to_invite_must_be_an_account_of_the_world_that_is_not_in_it(invited):
    """A member, an account invited already, and what is no account are refused."""
    orgs, _ = invited

    def refused(code, kind, name):
        target = {"Type": kind, "Id": name}
        return orgs.refused(code, "InviteAccountToOrganization", Target=target)

    assert (
        refused("HandshakeConstraintViolationException", "ACCOUNT", PROD)
        == "ALREADY_IN_AN_ORGANIZATION"
    )
    refused("DuplicateHandshakeException", "EMAIL", "other@example.com")
    refused("InvalidInputException", "ACCOUNT", "999999999999")
    assert refused("InvalidInputException", "ORGANIZATION", "o-abc") == "INVALID_PARTY_TYPE_TARGET"
    refused("NotImplemented", "EMAIL", "nobody@example.com")


def test_strangers_do_not_see_an_invitation(bare):
    """A handshake is between two accounts."""
    bare("CreateOrganization")
    target = {"Type": "ACCOUNT", "Id": PROD}
    name = bare("InviteAccountToOrganization", Target=target)["Handshake"]["Id"]
    bare.refused("HandshakeNotFoundException", "DescribeHandshake", "other", HandshakeId=name)
    assert bare("ListHandshakesForAccount", "other")["Handshakes"] == []


def test_a_member_that_accepts_another_invitation_moves_and_a_management_account_cannot(orgs):
    """An account changes organizations without standing alone in between."""
    orgs("CreateOrganization", "other")
    target = {"Type": "ACCOUNT", "Id": PROD}
    name = orgs("InviteAccountToOrganization", "other", Target=target)["Handshake"]["Id"]
    orgs("AcceptHandshake", "prod", HandshakeId=name)
    assert orgs("DescribeOrganization", "prod") == orgs("DescribeOrganization", "other")
    orgs.refused("AccountNotFoundException", "DescribeAccount", AccountId=PROD)
    back = {"Type": "ACCOUNT", "Id": OTHER}
    name = orgs("InviteAccountToOrganization", Target=back)["Handshake"]["Id"]
    orgs.refused(
        "MasterCannotLeaveOrganizationException", "AcceptHandshake", "other", HandshakeId=name
    )
    assert state(orgs, name) == "OPEN"


def test_members_and_open_invitations_together_are_ten_at_most(open_orgs):
    """The default quota of accounts."""
    many = {f"account{number:02}": f"{number:012}" for number in range(12)}
    orgs = open_orgs(accounts=many)
    orgs("CreateOrganization", "account00")

    def target(number):
        return {"Type": "ACCOUNT", "Id": f"{number:012}"}

    for number in range(1, handshakes.ACCOUNTS):
        orgs("InviteAccountToOrganization", "account00", Target=target(number))
    reason = orgs.refused(
        "HandshakeConstraintViolationException",
        "InviteAccountToOrganization",
        "account00",
        Target=target(10),
    )
    assert reason == "ACCOUNT_NUMBER_LIMIT_EXCEEDED"
    orgs.world.clock.advance(days=15)
    orgs("InviteAccountToOrganization", "account00", Target=target(10))


def test_handshakes_are_filtered_by_action(invited):
    """Only invitations are simulated, so there are no others to list."""
    orgs, name = invited

    def listed(**chosen):
        found = orgs("ListHandshakesForAccount", "other", Filter=chosen)["Handshakes"]
        return [each["Id"] for each in found]

    assert listed(ActionType="INVITE") == [name]
    assert listed(ActionType="ENABLE_ALL_FEATURES") == []
    assert listed(ParentHandshakeId=name) == []
    reason = orgs.refused(
        "InvalidInputException",
        "ListHandshakesForAccount",
        "other",
        Filter={"ActionType": "INVITE", "ParentHandshakeId": name},
    )
    assert reason == "MAX_LIMIT_EXCEEDED_FILTER"


def test_tags_of_an_invitation_are_the_accounts(bare):
    """Tags given with the invitation are on the account when it has joined."""
    bare("CreateOrganization")
    target, tags = {"Type": "ACCOUNT", "Id": PROD}, [{"Key": "stage", "Value": "prod"}]
    name = bare("InviteAccountToOrganization", Target=target, Tags=tags)["Handshake"]["Id"]
    bare("AcceptHandshake", "prod", HandshakeId=name)
    assert bare("ListTagsForResource", ResourceId=PROD)["Tags"] == tags
