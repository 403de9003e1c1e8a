"""Invitations: accepted, rejected, or left alone for twelve hours."""

from tests.simulator.ram.conftest import CONSUMER, OWNER, THIRD


def status(sharing, account="consumer"):
    (found,) = sharing("get_resource_share_invitations", account)["resourceShareInvitations"]
    return found["status"]


def test_an_invitation_has_the_owners_account_in_its_arn(sharing):
    """Its receiver sees it, and nobody else: not the owner, and no third account."""
    share = sharing.share(CONSUMER)
    (sent,) = sharing("get_resource_share_invitations", "consumer")["resourceShareInvitations"]
    start = f"arn:aws:ram:us-east-1:{OWNER}:resource-share-invitation/"
    assert sent.pop("resourceShareInvitationArn").startswith(start)
    assert sent == {
        "resourceShareName": "Shared_Private_CA",
        "resourceShareArn": share,
        "senderAccountId": OWNER,
        "receiverAccountId": CONSUMER,
        "invitationTimestamp": sharing.lab.clock.now(),
        "status": "PENDING",
    }
    for other in ("owner", "third"):
        assert sharing("get_resource_share_invitations", other)["resourceShareInvitations"] == []


def test_nobody_accepts_for_somebody_else(sharing):
    """For others there is no such invitation."""
    sharing.share(CONSUMER)
    arn = sharing.invitation()
    for other in ("owner", "third"):
        message = sharing.refused(
            "ResourceShareInvitationArnNotFoundException", "accept_resource_share_invitation",
            other, resourceShareInvitationArn=arn,
        )  # fmt: skip
        assert message == f"Invitation {arn} could not be found."
    assert not sharing.may()
    sharing.refused(
        "MalformedArnException", "accept_resource_share_invitation", "consumer",
        resourceShareInvitationArn="nonsense",
    )  # fmt: skip


def test_an_invitation_is_answered_once(sharing):
    """After yes there is no second yes, and no no."""
    sharing.share(CONSUMER)
    arn = {"resourceShareInvitationArn": sharing.invitation()}
    done = sharing("accept_resource_share_invitation", "consumer", **arn)
    assert done["resourceShareInvitation"]["status"] == "ACCEPTED"
    for again in ("accept_resource_share_invitation", "reject_resource_share_invitation"):
        sharing.refused("ResourceShareInvitationAlreadyAcceptedException", again, "consumer", **arn)
    assert sharing.may()


def test_who_rejects_has_no_access_and_is_no_principal_any_more(sharing):
    """The owner sees it, and may invite anew."""
    share = sharing.share(CONSUMER)
    arn = {"resourceShareInvitationArn": sharing.invitation()}
    done = sharing("reject_resource_share_invitation", "consumer", **arn)
    assert done["resourceShareInvitation"]["status"] == "REJECTED"
    sharing.refused(
        "ResourceShareInvitationAlreadyRejectedException", "accept_resource_share_invitation",
        "consumer", **arn,
    )  # fmt: skip
    assert sharing.statuses(share) == {CONSUMER: "DISASSOCIATED"}
    assert not sharing.may()
    sharing("associate_resource_share", resourceShareArn=share, principals=[CONSUMER])
    sharing.accept()
    assert sharing.may()


def test_an_invitation_lapses_after_twelve_hours(sharing):
    """A second before it can be accepted; then the owner must share again."""
    share = sharing.share(CONSUMER)
    arn = {"resourceShareInvitationArn": sharing.invitation()}
    sharing.lab.clock.advance(hours=12, seconds=-1)
    assert status(sharing) == "PENDING"
    sharing.lab.clock.advance(seconds=1)
    assert status(sharing) == "EXPIRED"
    sharing.refused(
        "ResourceShareInvitationExpiredException", "accept_resource_share_invitation",
        "consumer", **arn,
    )  # fmt: skip
    sharing.refused(
        "ResourceShareInvitationExpiredException", "list_pending_invitation_resources",
        "consumer", **arn,
    )  # fmt: skip
    assert sharing.statuses(share) == {CONSUMER: "DISASSOCIATED"}
    sharing("associate_resource_share", resourceShareArn=share, principals=[CONSUMER])
    sharing.accept()
    assert sharing.may()


def test_an_accepted_invitation_does_not_lapse(plain):
    """Access stays for as long as the share does."""
    plain.shared()
    plain.lab.clock.advance(days=400)
    assert plain.may()
    assert status(plain) == "ACCEPTED"


def test_what_an_invitation_is_to_can_be_seen_before(plain):
    """Until it is accepted; a deleted share takes its invitations with it."""
    share = plain.share(CONSUMER, THIRD)
    arn = {"resourceShareInvitationArn": plain.invitation()}
    (one,) = plain("list_pending_invitation_resources", "consumer", **arn)["resources"]
    assert (one["arn"], one["type"]) == (plain.ca, "acm-pca:CertificateAuthority")
    theirs = plain("list_resources", "consumer", resourceOwner="OTHER-ACCOUNTS")
    assert theirs["resources"] == []
    plain.accept()
    assert plain("list_pending_invitation_resources", "consumer", **arn)["resources"] == []
    plain("delete_resource_share", resourceShareArn=share)
    assert plain("get_resource_share_invitations", "third")["resourceShareInvitations"] == []


def test_who_is_invited_anew_while_leaving_can_accept(slow):
    """The old invitation ends with the removal that was asked for, the new one does not."""
    share = slow.share(CONSUMER)
    slow.lab.clock.advance(minutes=2)
    old = slow.invitation()
    for operation in ("disassociate_resource_share", "associate_resource_share"):
        slow(operation, resourceShareArn=share, principals=[CONSUMER])
    slow.refused(
        "ResourceShareInvitationArnNotFoundException", "accept_resource_share_invitation",
        "consumer", resourceShareInvitationArn=old,
    )  # fmt: skip
    slow.lab.clock.advance(minutes=2)
    assert not slow.may()
    new = slow.invitation()
    slow("accept_resource_share_invitation", "consumer", resourceShareInvitationArn=new)
    slow.lab.clock.advance(minutes=2)
    assert slow.may()
