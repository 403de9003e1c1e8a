"""Invitations: what the owner of a share asks of accounts outside of its organization.

Sources: AWS RAM API Reference; RAM User Guide, "Accepting and rejecting resource share
invitations": twelve hours to answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pkilab.simulator.ram.base import once, refusal
from pkilab.simulator.ram.shares import Shares
from pkilab.simulator.ram.state import CA, Invitation, Json
from pkilab.simulator.service import Call

_ARN = re.compile(
    r"arn:aws:ram:[a-z0-9-]+:\d{12}:resource-share-invitation/[0-9a-f-]{36}", re.ASCII
)
_OVER = {
    "ACCEPTED": ("ResourceShareInvitationAlreadyAcceptedException", "was already accepted"),
    "REJECTED": ("ResourceShareInvitationAlreadyRejectedException", "was already rejected"),
    "EXPIRED": ("ResourceShareInvitationExpiredException", "is past its expiration date and time"),
}


class Invitations(Shares):
    """Operations of those who are invited."""

    def get_resource_share_invitations(
        self,
        call: Call,
        *,
        resource_share_invitation_arns: Sequence[str] = (),
        resource_share_arns: Sequence[str] = (),
        next_token: str | None = None,
        max_results: int | None = None,
    ) -> Json:
        """List the invitations that the caller's account got."""
        for arn in resource_share_invitation_arns:
            self._invitation(call, arn)
        for arn in resource_share_arns:
            self._check_share_arn(arn)
        found = [
            _described(each)
            for each in self._received(call)
            if (not resource_share_invitation_arns or each.arn in resource_share_invitation_arns)
            and (not resource_share_arns or each.share.arn in resource_share_arns)
        ]
        scope = f"{sorted(resource_share_invitation_arns)} {sorted(resource_share_arns)}"
        key = "resourceShareInvitations"
        return self._page(call, key, found, max_results, next_token, scope)

    @once
    def accept_resource_share_invitation(
        self, call: Call, *, resource_share_invitation_arn: str
    ) -> Json:
        """Join a share; its resources can be used at once, or after the world's latency."""
        found = self._open(call, resource_share_invitation_arn)
        found.status = "ACCEPTED"
        principal = found.share.find("PRINCIPAL", found.principal)
        if principal is not None:
            self._later(
                lambda: self._enter_at_last(found.share, principal),
                f"{found.principal} enters {found.share.arn}",
            )
        return {"resourceShareInvitation": _described(found)}

    @once
    def reject_resource_share_invitation(
        self, call: Call, *, resource_share_invitation_arn: str
    ) -> Json:
        """Stay away from a share."""
        found = self._open(call, resource_share_invitation_arn)
        found.status = "REJECTED"
        self._turn_away(found)
        return {"resourceShareInvitation": _described(found)}

    def list_pending_invitation_resources(
        self,
        call: Call,
        *,
        resource_share_invitation_arn: str,
        next_token: str | None = None,
        max_results: int | None = None,
        resource_region_scope: str = "ALL",
    ) -> Json:
        """List what a share has that the caller's account is invited to."""
        found = self._invitation(call, resource_share_invitation_arn)
        if found.status in {"REJECTED", "EXPIRED"}:
            raise _over(found)
        pending = found.status == "PENDING" and resource_region_scope != "GLOBAL"
        shown = [
            {
                "arn": each.entity,
                "type": CA,
                "resourceShareArn": found.share.arn,
                "status": "AVAILABLE",
                "creationTime": each.created,
                "lastUpdatedTime": each.updated,
                "resourceRegionScope": "REGIONAL",
            }
            for each in (found.share.of("RESOURCE") if pending else ())
        ]
        return self._page(call, "resources", shown, max_results, next_token, found.arn)

    def _received(self, call: Call) -> list[Invitation]:
        place = (call.account, call.region)
        return [
            each
            for each in self._invitations.values()
            if (each.receiver, each.share.region) == place
        ]

    def _invitation(self, call: Call, arn: str) -> Invitation:
        if not _ARN.fullmatch(arn):
            message = f"The specified invitation ARN {arn} is not valid."
            raise refusal("MalformedArnException", message)
        found = next((each for each in self._received(call) if each.arn == arn), None)
        if found is None:
            message = f"Invitation {arn} could not be found."
            raise refusal("ResourceShareInvitationArnNotFoundException", message)
        return found

    def _open(self, call: Call, arn: str) -> Invitation:
        found = self._invitation(call, arn)
        if found.status != "PENDING":
            raise _over(found)
        return found


def _over(found: Invitation) -> Exception:
    code, what = _OVER[found.status]
    return refusal(code, f"The operation failed because the specified invitation {what}.")


def _described(found: Invitation) -> Json:
    return {
        "resourceShareInvitationArn": found.arn,
        "resourceShareName": found.share.name,
        "resourceShareArn": found.share.arn,
        "senderAccountId": found.share.owner,
        "receiverAccountId": found.receiver,
        "invitationTimestamp": found.sent,
        "status": found.status,
        "receiverArn": found.receiver_arn,
    }
