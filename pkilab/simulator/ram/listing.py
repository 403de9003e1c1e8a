"""What the owner of a share sees of it, and what those see with whom it is shared.

Source: AWS RAM API Reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pkilab.simulator.ram import documents
from pkilab.simulator.ram.base import Owner, associated, refusal
from pkilab.simulator.ram.invitations import Invitations
from pkilab.simulator.ram.state import CA, Association, Json, Kind, Share
from pkilab.simulator.service import Call, not_simulated


class Listing(Invitations):
    """Operations that look at shares."""

    def get_resource_shares(
        self,
        call: Call,
        *,
        resource_owner: Owner,
        resource_share_arns: Sequence[str] = (),
        resource_share_status: str | None = None,
        name: str | None = None,
        tag_filters: Sequence[Json] = (),
        next_token: str | None = None,
        max_results: int | None = None,
        permission_arn: str | None = None,
        permission_version: int | None = None,
    ) -> Json:
        """List the shares that the account owns, or those that others share with it.

        Tags are the owner's alone.
        """
        own = resource_owner == "SELF"
        wanted = (permission_arn, permission_version)
        found = [
            each
            for each in self._seen(call, resource_owner, resource_share_arns)
            if resource_share_status in {None, each.status}
            and name in {None, each.name}
            and _is_tagged(each, tag_filters)
            and _has_permission(each, *wanted)
        ]
        shown = [self._described(each) | ({} if own else {"tags": None}) for each in found]
        scope = (
            f"{resource_owner} {sorted(resource_share_arns)} {resource_share_status} {name} "
            f"{list(tag_filters)} {wanted}"
        )
        return self._page(call, "resourceShares", shown, max_results, next_token, scope)

    def get_resource_share_associations(
        self,
        call: Call,
        *,
        association_type: Kind,
        resource_share_arns: Sequence[str] = (),
        resource_arn: str | None = None,
        principal: str | None = None,
        association_status: str | None = None,
        next_token: str | None = None,
        max_results: int | None = None,
    ) -> Json:
        """List what is associated with the shares that the account owns."""
        if association_type == "PRINCIPAL" and resource_arn is not None:
            message = "You cannot specify a resource ARN when the association type is PRINCIPAL."
            raise refusal("InvalidParameterException", message)
        if association_type == "RESOURCE" and principal is not None:
            message = "You cannot specify a principal when the association type is RESOURCE."
            raise refusal("InvalidParameterException", message)
        entity = resource_arn if principal is None else principal
        found = [
            associated(share, each)
            for share in self._seen(call, "SELF", resource_share_arns)
            for each in share.associations
            if each.kind == association_type
            and entity in {None, each.entity}
            and association_status in {None, each.status}
            and not self._is_forgotten(each.status, each)
        ]
        scope = f"{association_type} {sorted(resource_share_arns)} {entity} {association_status}"
        return self._page(call, "resourceShareAssociations", found, max_results, next_token, scope)

    def list_resources(
        self,
        call: Call,
        *,
        resource_owner: Owner,
        principal: str | None = None,
        resource_type: str | None = None,
        resource_arns: Sequence[str] = (),
        resource_share_arns: Sequence[str] = (),
        next_token: str | None = None,
        max_results: int | None = None,
        resource_region_scope: str = "ALL",
    ) -> Json:
        """List the resources that the account shares, or that others share with it."""
        _check_type(resource_type)
        found = [
            self._resource(share, each)
            for share in self._seen(call, resource_owner, resource_share_arns)
            for each in share.of("RESOURCE")
            if (not resource_arns or each.entity in resource_arns)
            and (principal is None or self._is_with(share, principal))
            and resource_region_scope != "GLOBAL"
        ]
        scope = (
            f"{resource_owner} {principal} {resource_type} {sorted(resource_arns)} "
            f"{sorted(resource_share_arns)} {resource_region_scope}"
        )
        return self._page(call, "resources", found, max_results, next_token, scope)

    def list_principals(
        self,
        call: Call,
        *,
        resource_owner: Owner,
        resource_arn: str | None = None,
        principals: Sequence[str] = (),
        resource_type: str | None = None,
        resource_share_arns: Sequence[str] = (),
        next_token: str | None = None,
        max_results: int | None = None,
    ) -> Json:
        """List with whom the account shares, or who shares with it."""
        _check_type(resource_type)
        shares = [
            each
            for each in self._seen(call, resource_owner, resource_share_arns)
            if resource_arn is None or each.find("RESOURCE", resource_arn)
        ]
        found = [
            each
            for share in shares
            for each in (_with(share) if resource_owner == "SELF" else self._from(share, call))
            if not principals or each["id"] in principals
        ]
        scope = (
            f"{resource_owner} {resource_arn} {sorted(principals)} {resource_type} "
            f"{sorted(resource_share_arns)}"
        )
        return self._page(call, "principals", found, max_results, next_token, scope)

    def list_source_associations(
        self,
        call: Call,
        *,
        resource_share_arns: Sequence[str] = (),
        source_id: str | None = None,
        source_type: str | None = None,
        association_status: str | None = None,
        next_token: str | None = None,
        max_results: int | None = None,
    ) -> Json:
        """List what service principals are limited to, in the account's own shares."""
        if source_type is not None:
            raise not_simulated("ram:ListSourceAssociations by sourceType")
        found = [
            {
                "resourceShareArn": share.arn,
                "sourceId": each.entity,
                "status": each.status,
                "statusMessage": each.message,
                "creationTime": each.created,
                "lastUpdatedTime": each.updated,
            }
            for share in self._seen(call, "SELF", resource_share_arns)
            for each in share.associations
            if each.kind == "SOURCE"
            and source_id in {None, each.entity}
            and association_status in {None, each.status}
            and not self._is_forgotten(each.status, each)
        ]
        scope = f"{sorted(resource_share_arns)} {source_id} {association_status}"
        return self._page(call, "sourceAssociations", found, max_results, next_token, scope)

    def get_resource_policies(
        self,
        call: Call,
        *,
        resource_arns: Sequence[str],
        principal: str | None = None,
        next_token: str | None = None,
        max_results: int | None = None,
    ) -> Json:
        """Return what each share writes on resources of the account's own."""
        found = []
        for arn in resource_arns:
            authority = self._authority(arn)
            place = (call.account, call.region)
            if authority is None or (authority.account, authority.region) != place:
                message = f"The resource ARN {arn} was not found."
                raise refusal("ResourceArnNotFoundException", message)
            for share in self._owned(call):
                if share.status == "ACTIVE" and arn in share.resources:
                    wanted = principal is None or principal in share.principals
                    text = documents.document(self._statements_of(share, arn))
                    found += [text] if wanted and text else []
        scope = f"{sorted(resource_arns)} {principal}"
        return self._page(call, "policies", found, max_results, next_token, scope)

    def list_resource_types(
        self,
        call: Call,
        *,
        next_token: str | None = None,
        max_results: int | None = None,
        resource_region_scope: str = "ALL",
    ) -> Json:
        """List the resource types that can be shared here: private CAs."""
        found = [{"resourceType": CA, "serviceName": "acm-pca", "resourceRegionScope": "REGIONAL"}]
        found = [] if resource_region_scope == "GLOBAL" else found
        scope = resource_region_scope
        return self._page(call, "resourceTypes", found, max_results, next_token, scope)

    def _resource(self, share: Share, found: Association) -> Json:
        gone = self._authority(found.entity) is None
        return {
            "arn": found.entity,
            "type": CA,
            "resourceShareArn": share.arn,
            "status": "UNAVAILABLE" if gone else "AVAILABLE",
            "creationTime": found.created,
            "lastUpdatedTime": found.updated,
            "resourceRegionScope": "REGIONAL",
        }

    def _is_with(self, share: Share, principal: str) -> bool:
        """Whether somebody has to do with a share: as a principal, or as its owner."""
        return principal == share.owner or share.find("PRINCIPAL", principal) is not None

    def _from(self, share: Share, call: Call) -> Iterator[Json]:
        """Yield the owner of a share, as those see it with whom it is shared."""
        (first, *_) = self._covering(share, call.account)
        yield {
            "id": share.owner,
            "resourceShareArn": share.arn,
            "creationTime": first.created,
            "lastUpdatedTime": first.updated,
            "external": first.external,
        }


def _with(share: Share) -> Iterator[Json]:
    """Yield the principals of a share, as its owner sees them."""
    for each in share.of("PRINCIPAL"):
        yield {
            "id": each.entity,
            "resourceShareArn": share.arn,
            "creationTime": each.created,
            "lastUpdatedTime": each.updated,
            "external": each.external,
        }


def _is_tagged(share: Share, filters: Sequence[Json]) -> bool:
    for each in filters:
        value = share.tags.get(each.get("tagKey", ""))
        wanted = each.get("tagValues") or []
        if value is None or (wanted and value not in wanted):
            return False
    return True


def _has_permission(share: Share, arn: str | None, version: int | None) -> bool:
    if arn is None:
        return True
    return share.permission is not None and (
        share.permission[0] == arn and version in {None, share.permission[1]}
    )


def _check_type(resource_type: str | None) -> None:
    if resource_type not in {None, CA}:
        raise not_simulated(f"the resource type {resource_type}")
