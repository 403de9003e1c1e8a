"""AWS Organizations: its operations, and what its policies mean for an account.

Not simulated: creating and closing accounts, delegated administrators, EnableAllFeatures, policy
types other than SCPs and RCPs, billing transfer.

Source: AWS Organizations API Reference. The operations are in the files beside this one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pkilab.iam import Document
from pkilab.iam.services import HOME
from pkilab.simulator.organizations.base import require_own_keys, with_tags
from pkilab.simulator.organizations.errors import invalid, refusal
from pkilab.simulator.organizations.handshakes import Handshakes
from pkilab.simulator.organizations.policies import Policies
from pkilab.simulator.organizations.state import (
    RCP,
    SCP,
    Json,
    Member,
    Organization,
    Policy,
    PolicyType,
    Unit,
)
from pkilab.simulator.organizations.trusted import TRUSTED
from pkilab.simulator.service import Call
from pkilab.simulator.tagging.resources import Tagged

Levels = tuple[tuple[Document, ...], ...]


class Organizations(Handshakes, Policies):
    """AWS Organizations for all accounts of a world. A global service: the Region is not asked."""

    def controls(self, account: str) -> tuple[Levels, Levels]:
        """Return the SCPs and the RCPs that bound an account, level by level.

        Returns:
            One tuple of documents for the root, each unit on the way and the account, in this
            order, for either type; ``()`` where the type is not enabled, the account is in no
            organization, or it is the management account, which neither type restricts.
        """
        own = self._memberships.get(account)
        if own is None or own.management == account:
            return (), ()
        return _levels(own, account, SCP), _levels(own, account, RCP)

    def of(self, account: str) -> tuple[str, str] | None:
        """Return the id of an account's organization and its path in it, or ``None``.

        They are what aws:PrincipalOrgID and aws:PrincipalOrgPaths say of the account.
        """
        own = self._memberships.get(account)
        return (own.id, own.path(own.members[account].parent)) if own else None

    def tagged_resources(self, account: str, region: str) -> Iterator[Tagged]:
        """Return what a management account's organization has, with its tags; in us-east-1."""
        own = self._memberships.get(account)
        if own is None or own.management != account or region != HOME:
            return
        every: tuple[Unit | Member | Policy, ...] = (
            own.root, *own.units.values(), *own.members.values(), *own.policies.values(),
        )  # fmt: skip
        for each in every:
            yield each.arn, each.tags

    def enable_aws_service_access(self, call: Call, *, service_principal: str) -> Json:
        """Trust a service with the organization."""
        own = self.managed(call)
        if service_principal not in TRUSTED:
            raise invalid("UNRECOGNIZED_SERVICE_PRINCIPAL")
        own.services.setdefault(service_principal, call.now)
        return {}

    def disable_aws_service_access(self, call: Call, *, service_principal: str) -> Json:
        """Trust a service no longer."""
        own = self.managed(call)
        if service_principal not in TRUSTED:
            raise invalid("UNRECOGNIZED_SERVICE_PRINCIPAL")
        if own.services.pop(service_principal, None) is not None:
            for told in self.on_distrust:
                told(own, service_principal)
        return {}

    def list_aws_service_access_for_organization(
        self, call: Call, *, max_results: int | None = None, next_token: str | None = None
    ) -> Json:
        """List the services that are trusted."""
        own = self.managed(call)
        found = [
            {"ServicePrincipal": name, "DateEnabled": when} for name, when in own.services.items()
        ]
        scope = f"{own.id} services"
        return self.listing("EnabledServicePrincipals", found, max_results, next_token, scope)

    def tag_resource(self, call: Call, *, resource_id: str, tags: Sequence[Json]) -> Json:
        """Set tags on the root, a unit, an account or a policy."""
        found = _tagged(self.managed(call), resource_id)
        found.tags = with_tags(found.tags, tags)
        return {}

    def untag_resource(self, call: Call, *, resource_id: str, tag_keys: Sequence[str]) -> Json:
        """Take tags away."""
        found = _tagged(self.managed(call), resource_id)
        require_own_keys(tag_keys)
        found.tags = {key: value for key, value in found.tags.items() if key not in tag_keys}
        return {}

    def list_tags_for_resource(
        self, call: Call, *, resource_id: str, next_token: str | None = None
    ) -> Json:
        """List the tags of the root, a unit, an account or a policy."""
        own = self.managed(call)
        tags = _resource(own, resource_id).tags
        found = [{"Key": key, "Value": value} for key, value in tags.items()]
        return self.listing("Tags", found, None, next_token, f"{own.id} tags of {resource_id}")


def _levels(own: Organization, account: str, kind: PolicyType) -> Levels:
    if kind not in own.enabled:
        return ()
    way = (*own.above(own.members[account].parent), account)
    return tuple(
        tuple(policy.document for policy in own.attachments(target, kind)) for target in way
    )


def _resource(own: Organization, name: str) -> Unit | Member | Policy:
    if (found := own.target(name) or own.policies.get(name)) is None:
        raise refusal("TargetNotFoundException")
    return found


def _tagged(own: Organization, name: str) -> Unit | Member | Policy:
    found = _resource(own, name)
    if isinstance(found, Policy) and found.aws_managed:
        raise invalid("IMMUTABLE_POLICY")
    return found
