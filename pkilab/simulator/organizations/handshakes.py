"""Invitations: sent, answered, withdrawn, or left to expire.

Sources: AWS Organizations API Reference; User Guide, "Managing account invitations": fifteen days
to answer, thirty more in the lists.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pkilab.simulator.organizations.accounts import Accounts
from pkilab.simulator.organizations.base import with_tags
from pkilab.simulator.organizations.errors import constraint, invalid, refusal
from pkilab.simulator.organizations.state import OPEN, Handshake, Json, Organization
from pkilab.simulator.service import AwsError, Call, not_simulated

ACCOUNTS = 10  # of an organization, open invitations included


class Handshakes(Accounts):
    """Operations on invitations. Other handshakes (all features, billing) are not simulated."""

    def invite_account_to_organization(
        self, call: Call, *, target: Json, notes: str = "", tags: Sequence[Json] = ()
    ) -> Json:
        """Invite an account of the world, by its number or by its email address."""
        own = self.managed(call)
        account = self._invited(target)
        if account in own.members:
            raise constraint("ALREADY_IN_AN_ORGANIZATION", handshake=True)
        waiting = [each for each in self._open(call) if each.organization == own.id]
        if any(each.account == account for each in waiting):
            raise refusal("DuplicateHandshakeException")
        if len(own.members) + len(waiting) >= ACCOUNTS:
            raise constraint("ACCOUNT_NUMBER_LIMIT_EXCEEDED", handshake=True)
        name = f"h-{self.new_name('handshake', 12)}"
        party = {"Id": target["Id"], "Type": target["Type"]}
        handshake = Handshake(
            id=name,
            arn=own.arn("handshake", "invite", name),
            organization=own.id,
            inviter=own.management,
            account=account,
            party=party,
            resources=_resources(own, party, notes),
            requested_at=call.now,
            tags=with_tags({}, tags),
        )
        self._handshakes[name] = handshake
        return {"Handshake": _described(handshake, call)}

    def _invited(self, target: Json) -> str:
        name: str = target["Id"]
        if target["Type"] == "ACCOUNT":
            if name in self.world.accounts.values():
                return name
            raise AwsError("InvalidInputException", "You specified an account that doesn't exist.")
        if target["Type"] != "EMAIL":
            raise invalid("INVALID_PARTY_TYPE_TARGET")
        for account in self.world.accounts.values():
            if self.email(account) == name.lower():
                return account
        raise not_simulated("inviting an email address that belongs to no account of the world")

    def describe_handshake(self, call: Call, *, handshake_id: str) -> Json:
        """Describe an invitation, to an account on either side of it."""
        handshake = self._handshake(call, handshake_id)
        sender = self._organizations.get(handshake.organization)
        if call.account != handshake.account and (not sender or call.account not in sender.members):
            raise refusal("HandshakeNotFoundException")
        return {"Handshake": _described(handshake, call)}

    def accept_handshake(self, call: Call, *, handshake_id: str) -> Json:
        """Join the organization that invites; a member of another leaves that one."""
        handshake = self._answered(call, handshake_id, "ACCEPTED")
        inviting = self._organizations[handshake.organization]
        current = self._memberships.get(call.account)
        if current is inviting:
            raise constraint("ALREADY_IN_AN_ORGANIZATION", handshake=True)
        if current is not None:
            self.left(current, call.account)
        _end(handshake, "ACCEPTED", call)
        self.joined(inviting, call.account, call).tags = handshake.tags
        return {"Handshake": _described(handshake, call)}

    def decline_handshake(self, call: Call, *, handshake_id: str) -> Json:
        """Refuse an invitation."""
        handshake = self._answered(call, handshake_id, "DECLINED")
        _end(handshake, "DECLINED", call)
        return {"Handshake": _described(handshake, call)}

    def cancel_handshake(self, call: Call, *, handshake_id: str) -> Json:
        """Withdraw an invitation."""
        handshake = self._handshake(call, handshake_id)
        if call.account != handshake.inviter:
            raise refusal("AccessDeniedException")
        _require_open(handshake, "CANCELED", call)
        _end(handshake, "CANCELED", call)
        return {"Handshake": _described(handshake, call)}

    def list_handshakes_for_account(
        self,
        call: Call,
        *,
        filter: Json | None = None,  # noqa: A002 - the API's name
        max_results: int | None = None,
        next_token: str | None = None,
    ) -> Json:
        """List the invitations that the calling account received."""
        found = [each for each in self._shown(call, filter) if each.account == call.account]
        shown = [_described(each, call) for each in found]
        scope = f"{call.account} handshakes"
        return self.listing("Handshakes", shown, max_results, next_token, scope)

    def list_handshakes_for_organization(
        self,
        call: Call,
        *,
        filter: Json | None = None,  # noqa: A002 - the API's name
        max_results: int | None = None,
        next_token: str | None = None,
    ) -> Json:
        """List the invitations that the organization sent."""
        own = self.managed(call)
        found = [each for each in self._shown(call, filter) if each.organization == own.id]
        shown = [_described(each, call) for each in found]
        return self.listing("Handshakes", shown, max_results, next_token, f"{own.id} handshakes")

    def _shown(self, call: Call, chosen: Json | None) -> Iterator[Handshake]:
        """Yield the handshakes that are still to be seen."""
        chosen = chosen or {}
        if len(chosen) > 1:
            raise invalid("MAX_LIMIT_EXCEEDED_FILTER")
        # Invitations have no parent; handshakes of other actions are not simulated, so none is.
        if "ParentHandshakeId" in chosen or chosen.get("ActionType", "INVITE") != "INVITE":
            return
        for handshake in self._handshakes.values():
            if not handshake.is_gone(call.now):
                yield handshake

    def _open(self, call: Call) -> Iterator[Handshake]:
        return (each for each in self._handshakes.values() if each.state(call.now) == OPEN)

    def _handshake(self, call: Call, name: str) -> Handshake:
        found = self._handshakes.get(name)
        if found is None or found.is_gone(call.now):
            raise refusal("HandshakeNotFoundException")
        return found

    def _answered(self, call: Call, name: str, answer: str) -> Handshake:
        """Return an open invitation of the calling account."""
        handshake = self._handshake(call, name)
        if call.account != handshake.account:
            raise refusal("AccessDeniedException")
        _require_open(handshake, answer, call)
        return handshake


def _require_open(handshake: Handshake, wanted: str, call: Call) -> None:
    state = handshake.state(call.now)
    if state == wanted:
        raise refusal("HandshakeAlreadyInStateException")
    if state != OPEN:
        raise refusal("InvalidHandshakeTransitionException")


def _end(handshake: Handshake, state: str, call: Call) -> None:
    handshake.ended, handshake.ended_at = state, call.now


def _resources(own: Organization, party: Json, notes: str) -> list[Json]:
    """Return what the invitation tells, in the order of the API Reference's example."""
    management = own.members[own.management]
    about = [
        {"Type": "MASTER_EMAIL", "Value": management.email},
        {"Type": "MASTER_NAME", "Value": management.name},
        {"Type": "ORGANIZATION_FEATURE_SET", "Value": own.feature_set},
    ]
    told = [
        {"Type": "ORGANIZATION", "Value": own.id, "Resources": about},
        {"Type": party["Type"], "Value": party["Id"]},
    ]
    return [*told, {"Type": "NOTES", "Value": notes}] if notes else told


def _described(handshake: Handshake, call: Call) -> Json:
    return {
        "Id": handshake.id,
        "Arn": handshake.arn,
        "Parties": [{"Id": handshake.organization, "Type": "ORGANIZATION"}, handshake.party],
        "State": handshake.state(call.now),
        "RequestedTimestamp": handshake.requested_at,
        "ExpirationTimestamp": handshake.expires_at,
        "Action": "INVITE",
        "Resources": handshake.resources,
    }
