"""AWS Resource Access Manager: sharing private CAs across accounts.

Not simulated: every other resource type, permission templates with parameters, the operations
ReplacePermissionAssociations, ListReplacePermissionAssociationsWork and UpdatePermission.

Source: AWS RAM API Reference. The operations are in the files beside this one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from pkilab.iam import listed
from pkilab.simulator.access.asking import Context, Resource
from pkilab.simulator.acmpca import policies
from pkilab.simulator.acmpca.service import AcmPca
from pkilab.simulator.acmpca.state import Authority
from pkilab.simulator.organizations.service import Organizations
from pkilab.simulator.organizations.state import Organization
from pkilab.simulator.ram import documents, permissions
from pkilab.simulator.ram.base import once, refusal, with_tags
from pkilab.simulator.ram.permission_operations import Permissions
from pkilab.simulator.ram.principals import SERVICE, read_principal
from pkilab.simulator.ram.state import Association, Json, Permission, Share, Version
from pkilab.simulator.service import AwsError, Call, run
from pkilab.simulator.tagging.resources import Tagged
from pkilab.simulator.world import World

_UNABLE = (
    "Unable to enable sharing with AWS Organizations. Received {code} from AWSOrganizations with "
    "the following error message: {message}"
)
_REMOVED = "The resource was removed when its resource-based policy was changed."


class Ram(Permissions):
    """RAM of every account and Region of a world.

    Args:
        world: whose clock, entropy and latency count.
        private_ca: what has the CAs that are shared.
        organizations: who is in which.
        iam: IAM, where a service-linked role is made; None: none is.
    """

    def __init__(
        self,
        world: World,
        private_ca: AcmPca,
        organizations: Organizations,
        iam: Callable[[], Any] | None = None,
    ) -> None:
        super().__init__(world, private_ca, organizations)
        self._iam = iam
        private_ca.shares = _Policies(self)
        organizations.on_leaving.append(self._left)
        organizations.on_distrust.append(self._distrusted)

    def enable_sharing_with_aws_organization(self, call: Call) -> Json:
        """Let the organization's accounts share with one another without invitations."""
        named = replace(call, via=(*call.via, SERVICE))
        try:
            if self._organizations.managed(call).feature_set != "ALL":
                message = "Sharing needs an organization with all features."
                raise refusal("OperationNotPermittedException", message)
            asked = {"ServicePrincipal": SERVICE}
            run(self._organizations, "EnableAWSServiceAccess", asked, named)
        except AwsError as why:
            if why.code == "OperationNotPermittedException":
                raise
            message = _UNABLE.format(code=why.code, message=why.message)
            raise refusal("OperationNotPermittedException", message) from why
        if self._iam is not None:
            try:
                run(self._iam(), "CreateServiceLinkedRole", {"AWSServiceName": SERVICE}, named)
            except AwsError as why:
                if why.code != "InvalidInput":  # it is there already
                    message = f"Unable to create the service-linked role: {why.message}"
                    raise refusal("OperationNotPermittedException", message) from why
        self._neighbours.enable(self._organizations.managed(call))
        return {"returnValue": True}

    def promote_resource_share_created_from_policy(
        self, call: Call, *, resource_share_arn: str
    ) -> Json:
        """Make a share that a policy brought about one that RAM can change."""
        share = self._share(call, resource_share_arn)
        if share.feature_set != "CREATED_FROM_POLICY" or share.statements is None:
            message = f"ResourceShare {share.arn} was not created from a policy."
            raise refusal("InvalidStateTransitionException", message)
        for each in share.of("PRINCIPAL"):  # before anything is changed: some no share can name
            read_principal(each.entity)
        content = permissions.without_whom(share.statements)
        found = next(
            (
                each
                for each in self._permissions.values()
                if (each.managed_by_aws or (each.owner, each.region) == (share.owner, share.region))
                and each.feature_set == "STANDARD"
                and permissions.same(each.current.statements, content)
            ),
            None,
        )
        if found is None or not all(map(permissions.says_whom_as_ram, share.statements)):
            message = (
                "There isn't an existing managed permission defined in RAM that has the same IAM "
                "permissions as the resource-based policy attached to the resource."
            )
            raise refusal("UnmatchedPolicyPermissionException", message)
        before = share.permission
        share.feature_set, share.statements = "STANDARD", None
        share.permission, share.permission_since = (found.arn, found.default), call.now
        share.updated = call.now
        self._forget_unused(before)
        self._rewrite(share.resources)
        return {"returnValue": True}

    @once
    def promote_permission_created_from_policy(
        self, call: Call, *, permission_arn: str, name: str
    ) -> Json:
        """Make a customer managed permission of one that a policy brought about."""
        found = self._permission(call, permission_arn)
        if found.feature_set != "CREATED_FROM_POLICY":
            message = f"Permission {permission_arn} was not created from a policy."
            raise refusal("OperationNotPermittedException", message)
        made = self._new_permission(call, name, found.current.statements, {})
        shown = self.get_permission(call, permission_arn=made.arn)["permission"]
        del shown["permission"]
        return {"permission": shown}

    def tag_resource(
        self,
        call: Call,
        *,
        tags: Sequence[Json],
        resource_share_arn: str | None = None,
        resource_arn: str | None = None,
    ) -> Json:
        """Set tags on a share or a customer managed permission."""
        found = self._tagged(call, resource_share_arn, resource_arn)
        found.tags = with_tags(found.tags, tags)
        return {}

    def untag_resource(
        self,
        call: Call,
        *,
        tag_keys: Sequence[str],
        resource_share_arn: str | None = None,
        resource_arn: str | None = None,
    ) -> Json:
        """Take tags away."""
        found = self._tagged(call, resource_share_arn, resource_arn)
        found.tags = {key: value for key, value in found.tags.items() if key not in tag_keys}
        return {}

    def _tagged(self, call: Call, share: str | None, resource: str | None) -> Share | Permission:
        if (share is None) == (resource is None):
            message = "You must specify either resourceShareArn or resourceArn."
            raise refusal("InvalidParameterException", message)
        arn = share or resource or ""
        if ":permission/" in arn:
            return self._own_permission(call, arn)
        return self._share(call, arn)

    def resource(self, arn: str) -> Resource | None:
        """Return the share, invitation or permission of an ARN, for policies."""
        if (share := self._shares.get(arn)) is not None:
            tags = {f"ram:resourcetag/{key.lower()}": value for key, value in share.tags.items()}
            context: Context = {
                "ram:resourcesharename": share.name,
                "ram:allowsexternalprincipals": str(share.external).lower(),
                "ram:retainsharingonaccountleaveorganization": str(share.retain).lower(),
                **tags,
            }
            return Resource(arn, share.owner, share.tags, context=context)
        if (invitation := self._invitations.get(arn)) is not None:
            context = {
                "ram:shareowneraccountid": invitation.share.owner,
                "ram:resourcesharename": invitation.share.name,
            }
            return Resource(arn, invitation.receiver, context=context)
        if (permission := self._permissions.get(arn)) is not None:
            context = {
                "ram:permissionarn": arn,
                "ram:permissionresourcetype": "acm-pca:CertificateAuthority",
            }
            return Resource(arn, permission.owner, permission.tags, context=context)
        return None

    def tagged_resources(self, account: str, region: str) -> Iterator[Tagged]:
        """Return an account's shares and permissions of a Region with their tags."""
        every: tuple[Share | Permission, ...] = (
            *(each for each in self._shares.values() if each.status != "DELETED"),
            *self._permissions.values(),
        )
        for each in every:
            if (each.owner, each.region) == (account, region):
                yield each.arn, each.tags

    # What happens elsewhere.

    def _left(self, organization: Organization, account: str) -> None:
        """End what an account has, and gives, as one of an organization that it has left."""
        for share in self._shares.values():
            if share.retain:
                continue
            ending = [
                each
                for each in share.of("PRINCIPAL")
                if each.organization == organization.id
                and (
                    share.owner == account
                    or (each.entity == account or f"::{account}:" in each.entity)
                )
            ]
            if ending:
                self._end(share, ending, "The account left the organization.")

    def _distrusted(self, organization: Organization, service: str) -> None:
        """End what principals have by an organization that does not trust RAM any more."""
        if service != SERVICE:
            return
        self._neighbours.disable(organization)
        for share in self._shares.values():
            ending = [
                each for each in share.of("PRINCIPAL") if each.organization == organization.id
            ]
            if ending:
                self._end(share, ending, "Sharing with the organization was disabled.")

    def _put(self, authority: Authority) -> None:
        """Note a policy that somebody wrote: it stands for every share the CA was in before."""
        text, now = authority.policy or "{}", self.world.clock.now()
        self._removed(authority)
        authority.policy = text
        statements = listed(json.loads(text).get("Statement"))
        whom = [self._as_arn(each, authority) for each in documents.principals_in(statements)]
        uuid = self._uuid("resource share")
        share = Share(
            arn=f"arn:aws:ram:{authority.region}:{authority.account}:resource-share/{uuid}",
            name=uuid,
            owner=authority.account,
            region=authority.region,
            external=True,
            status="ACTIVE",
            created=now,
            updated=now,
            feature_set="CREATED_FROM_POLICY",
            statements=statements,
        )
        share.associations = [
            Association(authority.arn, "RESOURCE", "ASSOCIATED", now, now),
            *(
                Association(each, "PRINCIPAL", "ASSOCIATED", now, now)
                for each in dict.fromkeys(whom)
            ),
        ]
        made = self._made_from_policy(authority, statements)
        share.permission, share.permission_since = (made.arn, made.default), now
        self._shares[share.arn] = share

    def _made_from_policy(self, authority: Authority, statements: list[Json]) -> Permission:
        """Return a permission that allows what a policy does: AWS's, if there is one."""
        content = permissions.without_whom(statements)
        for each in self._permissions.values():
            if each.managed_by_aws and permissions.same(each.current.statements, content):
                return each
        uuid, now = self._uuid("permission"), self.world.clock.now()
        arn = f"arn:aws:ram:{authority.region}:{authority.account}:permission/{uuid}"
        version = Version(1, content, now)
        made = Permission(
            arn, uuid, authority.account, authority.region, {1: version}, 1, now,
            feature_set="CREATED_FROM_POLICY",
        )  # fmt: skip
        self._permissions[arn] = made
        return made

    def _removed(self, authority: Authority) -> None:
        """Take a CA whose policy was deleted out of every share."""
        for share in self._shares.values():
            ending = [each for each in share.of("RESOURCE") if each.entity == authority.arn]
            if not ending:
                continue
            if share.feature_set == "CREATED_FROM_POLICY":
                self._delete(share)
                self._forget_unused(share.permission)
            else:
                self._end(share, ending, _REMOVED)

    def _forget_unused(self, permission: tuple[str, int] | None) -> None:
        """Delete a permission that a policy brought about, once no share has it."""
        found = self._permissions.get(permission[0]) if permission else None
        if found is None or found.feature_set == "STANDARD":
            return
        if permission not in self._used():
            del self._permissions[found.arn]

    def _as_arn(self, principal: str, authority: Authority) -> str:
        own = self._neighbours.organization(authority.account)
        return own.arn("organization") if own and own.id == principal else principal

    def _of_others(self, call: Call) -> frozenset[str]:
        return frozenset(arn for share in self._reaching(call) for arn in share.resources)


class _Policies(policies.Shares):
    """RAM, as Private CA knows it."""

    def __init__(self, ram: Ram) -> None:
        self._ram = ram

    def put(self, authority: Authority) -> None:
        self._ram._put(authority)  # noqa: SLF001 - the other half of it

    def deleted(self, authority: Authority) -> None:
        self._ram._removed(authority)  # noqa: SLF001 - the other half of it

    def of_others(self, call: Call) -> frozenset[str]:
        return self._ram._of_others(call)  # noqa: SLF001 - the other half of it
