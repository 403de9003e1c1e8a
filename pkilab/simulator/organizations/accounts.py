"""Organizations and their accounts. Source: AWS Organizations API Reference.

A world's accounts are given when it is opened: creating and closing accounts is not simulated.
"""

from __future__ import annotations

from pkilab.simulator.organizations import documents
from pkilab.simulator.organizations.base import OrganizationsBase
from pkilab.simulator.organizations.errors import refusal
from pkilab.simulator.organizations.state import (
    OPEN,
    SCP,
    Json,
    Member,
    Organization,
    PolicyType,
    Unit,
)
from pkilab.simulator.service import Call


class Accounts(OrganizationsBase):
    """Operations on an organization as a whole and on the accounts in it."""

    def create_organization(self, call: Call, *, feature_set: str = "ALL") -> Json:
        """Make the calling account the management account of a new organization."""
        if call.account in self._memberships:
            raise refusal("AlreadyInOrganizationException")
        suffix = self.new_name("root", 4)
        root = Unit(f"r-{suffix}", "", "Root", None)
        new = Organization(
            f"o-{self.new_name('organization', 10)}", call.account, feature_set, root
        )
        root.arn = new.arn("root", root.id)
        new.policies = documents.aws_managed()
        if feature_set == "ALL":
            enable(new, SCP)
        self._organizations[new.id] = new
        self.joined(new, call.account, call)
        return {"Organization": _described(new)}

    def describe_organization(self, call: Call) -> Json:
        """Describe the caller's organization; any of its accounts may ask."""
        return {"Organization": _described(self.own(call))}

    def delete_organization(self, call: Call) -> Json:
        """End an organization that has no member but its management account."""
        own = self.managed(call)
        if len(own.members) > 1:
            raise refusal("OrganizationNotEmptyException")
        for handshake in self._handshakes.values():
            if handshake.organization == own.id and handshake.state(call.now) == OPEN:
                handshake.ended, handshake.ended_at = "CANCELED", call.now
        del self._organizations[own.id], self._memberships[call.account]
        return {}

    def list_accounts(
        self, call: Call, *, max_results: int | None = None, next_token: str | None = None
    ) -> Json:
        """List the accounts in order of joining."""
        own = self.managed(call)
        found = [account_of(own, each) for each in own.members.values()]
        return self.listing("Accounts", found, max_results, next_token, f"{own.id} accounts")

    def describe_account(self, call: Call, *, account_id: str) -> Json:
        """Describe an account of the organization."""
        own = self.managed(call)
        return {"Account": account_of(own, member(own, account_id))}

    def remove_account_from_organization(self, call: Call, *, account_id: str) -> Json:
        """Make a member a standalone account again."""
        own = self.managed(call)
        member(own, account_id)
        self.left(own, account_id)
        return {}

    def leave_organization(self, call: Call) -> Json:
        """Make the calling account a standalone account again."""
        self.left(self.own(call), call.account)
        return {}

    def joined(self, organization: Organization, account: str, call: Call) -> Member:
        """Put an account into the root; it gets the policies that every target has."""
        new = Member(
            account=account,
            arn=organization.arn("account", account),
            name=self.account_name(account),
            email=self.email(account),
            parent=organization.root.id,
            joined_at=call.now,
        )
        organization.members[account] = new
        organization.attached[account] = documents.given(organization.enabled)
        self._memberships[account] = organization
        return new

    def left(self, organization: Organization, account: str) -> None:
        """Take an account out of its organization.

        Raises:
            AwsError: MasterCannotLeaveOrganizationException.
        """
        if account == organization.management:
            raise refusal("MasterCannotLeaveOrganizationException")
        del organization.members[account], organization.attached[account]
        del self._memberships[account]
        for told in self.on_leaving:
            told(organization, account)


def enable(organization: Organization, kind: PolicyType) -> None:
    """Enable a policy type: AWS's policy of the type is attached to everything there is."""
    organization.enabled.append(kind)
    targets = (organization.root.id, *organization.units, *organization.members)
    for target in targets:
        organization.attached.setdefault(target, []).extend(documents.given([kind]))


def member(organization: Organization, account: str) -> Member:
    """Return an account of the organization.

    Raises:
        AwsError: AccountNotFoundException.
    """
    if (found := organization.members.get(account)) is None:
        raise refusal("AccountNotFoundException")
    return found


def account_of(organization: Organization, found: Member) -> Json:
    """Return an account as the API describes it."""
    return {
        "Id": found.account,
        "Arn": found.arn,
        "Email": found.email,
        "Name": found.name,
        "Status": "ACTIVE",
        "State": "ACTIVE",
        "Paths": [f"{organization.path(found.parent)}{found.account}/"],
        "JoinedMethod": "INVITED",
        "JoinedTimestamp": found.joined_at,
    }


def _described(found: Organization) -> Json:
    management = found.members[found.management]
    # It says what the feature set allows, not what is enabled in the root; deprecated, and never
    # more than this one type.
    available = [{"Type": SCP, "Status": "ENABLED"}] if found.feature_set == "ALL" else []
    return {
        "Id": found.id,
        "Arn": found.arn("organization"),
        "FeatureSet": found.feature_set,
        "MasterAccountArn": management.arn,
        "MasterAccountId": found.management,
        "MasterAccountEmail": management.email,
        "AvailablePolicyTypes": available,
    }
