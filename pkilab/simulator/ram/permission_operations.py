"""Managed permissions, AWS's and the customer's: looked at, made, versioned and put into shares.

Sources: AWS RAM API Reference; RAM User Guide, "Creating and using customer managed permissions"
and "Quotas".
"""

from __future__ import annotations

from collections.abc import Sequence

from pkilab.simulator.ram import permissions
from pkilab.simulator.ram.base import once, refusal, tags_of, with_tags
from pkilab.simulator.ram.listing import Listing
from pkilab.simulator.ram.state import CA, Json, Permission, Share, Version
from pkilab.simulator.service import Call, not_simulated

CUSTOMER_MANAGED = 10  # of one resource type, per Region
VERSIONS = 5


class Permissions(Listing):
    """Operations on managed permissions."""

    def list_permissions(
        self,
        call: Call,
        *,
        resource_type: str | None = None,
        resource_owner: str | None = None,
        next_token: str | None = None,
        max_results: int | None = None,
        permission_type: str = "ALL",
        permission_status: str | None = None,
    ) -> Json:
        """List AWS's permissions for private CAs and the account's own."""
        if resource_type not in {None, CA}:
            raise not_simulated(f"the resource type {resource_type}")
        found = [
            _summary(each, each.current)
            for each in self._permissions.values()
            if _is_visible(each, call)
            and permission_type in {"ALL", _kind(each)}
            and (resource_owner is None or (resource_owner == "SELF") != each.managed_by_aws)
            and permission_status in {None, "ATTACHABLE"}
        ]
        scope = f"{resource_type} {resource_owner} {permission_type} {permission_status}"
        return self._page(call, "permissions", found, max_results, next_token, scope)

    def get_permission(
        self,
        call: Call,
        *,
        permission_arn: str,
        permission_version: int | None = None,
        permission_template_parameters: Sequence[Json] = (),
    ) -> Json:
        """Return what a permission allows."""
        if permission_template_parameters:
            raise not_simulated("ram:GetPermission with permissionTemplateParameters")
        found = self._permission(call, permission_arn)
        version = _version(found, permission_version or found.default)
        return {"permission": _detail(found, version)}

    def list_permission_versions(
        self,
        call: Call,
        *,
        permission_arn: str,
        next_token: str | None = None,
        max_results: int | None = None,
    ) -> Json:
        """List the versions of a permission."""
        found = self._permission(call, permission_arn)
        shown = [_summary(found, each) for each in found.versions.values()]
        return self._page(call, "permissions", shown, max_results, next_token, permission_arn)

    def list_permission_associations(
        self,
        call: Call,
        *,
        permission_arn: str | None = None,
        permission_version: int | None = None,
        association_status: str | None = None,
        resource_type: str | None = None,
        feature_set: str | None = None,
        default_version: bool | None = None,
        resource_owner: str | None = None,
        resource_share_arn: str | None = None,
        next_token: str | None = None,
        max_results: int | None = None,
    ) -> Json:
        """List which permission each share of the account's own has."""
        wanted = {
            "arn": permission_arn,
            "permissionVersion": str(permission_version) if permission_version else None,
            "status": association_status,
            "resourceType": resource_type,
            "featureSet": feature_set,
            "defaultVersion": default_version,
            "resourceShareArn": resource_share_arn,
        }
        shown = [self._association(each) for each in self._owned(call) if each.permission]
        found = [
            each
            for each in (shown if resource_owner != "OTHER-ACCOUNTS" else ())
            if all(value in {None, each[key]} for key, value in wanted.items())
        ]
        return self._page(call, "permissions", found, max_results, next_token, f"{wanted}")

    def list_resource_share_permissions(
        self,
        call: Call,
        *,
        resource_share_arn: str,
        next_token: str | None = None,
        max_results: int | None = None,
    ) -> Json:
        """List what those may do with whom a share shares; they may ask, too."""
        self._check_share_arn(resource_share_arn)
        seen = [*self._owned(call), *self._reaching(call)]
        share = next((each for each in seen if each.arn == resource_share_arn), None)
        if share is None:
            message = f"ResourceShare {resource_share_arn} could not be found."
            raise refusal("UnknownResourceException", message)
        found = []
        if share.permission is not None:
            permission = self._permissions[share.permission[0]]
            version = permission.versions[share.permission[1]]
            found = [
                {
                    **_summary(permission, version),
                    "status": "ASSOCIATED",
                    "lastUpdatedTime": share.permission_since,
                }
            ]
        return self._page(call, "permissions", found, max_results, next_token, share.arn)

    @once
    def associate_resource_share_permission(
        self,
        call: Call,
        *,
        resource_share_arn: str,
        permission_arn: str,
        permission_template_parameters: Sequence[Json] = (),
        replace: bool = False,
        permission_version: int | None = None,
    ) -> Json:
        """Give a share its permission for CAs, or another one in its place."""
        if permission_template_parameters:
            what = "ram:AssociateResourceSharePermission with permissionTemplateParameters"
            raise not_simulated(what)
        share = self._changeable(call, resource_share_arn)
        found = self._permission(call, permission_arn)
        self._require_attachable(found.feature_set, found.arn)
        if permission_version not in {None, found.default}:
            message = (
                f"Version {permission_version} is not the default version of permission "
                f"{permission_arn}."
            )
            raise refusal("InvalidParameterException", message)
        if not replace and (share.permission is not None or share.of("RESOURCE")):
            message = (
                f"A permission is already associated with the resource type {CA} in "
                f"ResourceShare {share.arn}. Specify replace to change it."
            )
            raise refusal("InvalidParameterException", message)
        share.permission, share.permission_since = (found.arn, found.default), call.now
        share.updated = call.now
        self._rewrite(share.resources)
        return {"returnValue": True}

    @once
    def disassociate_resource_share_permission(
        self,
        call: Call,
        *,
        resource_share_arn: str,
        permission_arn: str,
    ) -> Json:
        """Take the permission from a share that has no CA."""
        share = self._changeable(call, resource_share_arn)
        found = self._permission(call, permission_arn)
        if share.permission is None or share.permission[0] != found.arn:
            message = f"Permission {found.arn} is not associated with {share.arn}."
            raise refusal("UnknownResourceException", message)
        if share.of("RESOURCE"):
            message = (
                f"Permission {found.arn} can't be disassociated while resources of the type "
                f"{CA} are in ResourceShare {share.arn}."
            )
            raise refusal("InvalidStateTransitionException", message)
        share.permission = share.permission_since = None
        share.updated = call.now
        return {"returnValue": True}

    @once
    def create_permission(
        self,
        call: Call,
        *,
        name: str,
        resource_type: str,
        policy_template: str,
        permission_template_parameters: Sequence[Json] = (),
        tags: Sequence[Json] = (),
    ) -> Json:
        """Make a permission of the account's own."""
        if permission_template_parameters:
            raise not_simulated("ram:CreatePermission with permissionTemplateParameters")
        if resource_type != CA:
            raise not_simulated(f"permissions for the resource type {resource_type}")
        statements = permissions.read_template(policy_template)
        made = self._new_permission(call, name, statements, with_tags({}, tags))
        return {"permission": _summary(made, made.current)}

    @once
    def create_permission_version(
        self,
        call: Call,
        *,
        permission_arn: str,
        policy_template: str,
        permission_template_parameters: Sequence[Json] = (),
    ) -> Json:
        """Make a new version, which is the default from now on; shares keep theirs."""
        if permission_template_parameters:
            raise not_simulated("ram:CreatePermissionVersion with permissionTemplateParameters")
        found = self._own_permission(call, permission_arn)
        statements = permissions.read_template(policy_template)
        if len(found.versions) >= VERSIONS:
            message = f"A permission can have at most {VERSIONS} versions."
            raise refusal("PermissionVersionsLimitExceededException", message)
        found.numbered += 1
        version = Version(found.numbered, statements, call.now)
        found.versions[version.number] = version
        found.default, found.updated = version.number, call.now
        return {"permission": _detail(found, version)}

    @once
    def set_default_permission_version(
        self,
        call: Call,
        *,
        permission_arn: str,
        permission_version: int,
    ) -> Json:
        """Choose the version that new shares use."""
        found = self._own_permission(call, permission_arn)
        found.default = _version(found, permission_version).number
        found.updated = call.now
        return {"returnValue": True}

    @once
    def delete_permission(self, call: Call, *, permission_arn: str) -> Json:
        """Delete a permission that no share has."""
        found = self._own_permission(call, permission_arn)
        if found.arn in [arn for arn, _ in self._used()]:
            message = f"Permission {found.arn} is associated with a resource share."
            raise refusal("OperationNotPermittedException", message)
        del self._permissions[found.arn]
        return {"returnValue": True, "permissionStatus": "DELETED"}

    @once
    def delete_permission_version(
        self,
        call: Call,
        *,
        permission_arn: str,
        permission_version: int,
    ) -> Json:
        """Delete a version that is not the default and that no share has."""
        found = self._own_permission(call, permission_arn)
        version = _version(found, permission_version)
        used = (found.arn, version.number) in self._used()
        if version.number == found.default or used:
            why = "associated with a resource share" if used else "the default version"
            message = f"Version {version.number} of permission {found.arn} is {why}."
            raise refusal("OperationNotPermittedException", message)
        del found.versions[version.number]
        return {"returnValue": True, "permissionStatus": "DELETED"}

    # Within.

    def _new_permission(
        self, call: Call, name: str, statements: tuple[Json, ...], tags: dict[str, str]
    ) -> Permission:
        arn = f"arn:aws:ram:{call.region}:{call.account}:permission/{name}"
        if arn in self._permissions:
            message = f"A permission with the name {name} already exists."
            raise refusal("PermissionAlreadyExistsException", message)
        own = [
            each
            for each in self._permissions.values()
            if (each.owner, each.region) == (call.account, call.region)
            and each.feature_set == "STANDARD"
        ]
        if len(own) >= CUSTOMER_MANAGED:
            message = f"You can have at most {CUSTOMER_MANAGED} permissions for {CA}."
            raise refusal("PermissionLimitExceededException", message)
        version = Version(1, statements, call.now)
        made = Permission(
            arn, name, call.account, call.region, {1: version}, 1, call.now, tags=tags
        )
        self._permissions[arn] = made
        return made

    def _own_permission(self, call: Call, arn: str) -> Permission:
        found = self._permission(call, arn)
        if found.managed_by_aws or found.feature_set != "STANDARD":
            message = f"Permission {arn} can't be modified: it is not a customer managed one."
            raise refusal("OperationNotPermittedException", message)
        return found

    def _used(self) -> list[tuple[str, int]]:
        """Return the permissions of the shares that are there, each with its version."""
        return [
            each.permission
            for each in self._shares.values()
            if each.permission is not None and each.status != "DELETED"
        ]

    def _association(self, share: Share) -> Json:
        assert share.permission is not None  # noqa: S101 - the caller asked
        permission = self._permissions[share.permission[0]]
        number = share.permission[1]
        return {
            "arn": permission.arn,
            "permissionVersion": str(number),
            "defaultVersion": number == permission.default,
            "resourceType": CA,
            "status": "ASSOCIATED",
            "featureSet": permission.feature_set,
            "lastUpdatedTime": share.permission_since,
            "resourceShareArn": share.arn,
        }


def _is_visible(permission: Permission, call: Call) -> bool:
    return permission.managed_by_aws or (
        (permission.owner, permission.region) == (call.account, call.region)
    )


def _kind(permission: Permission) -> str:
    return "AWS_MANAGED" if permission.managed_by_aws else "CUSTOMER_MANAGED"


def _version(permission: Permission, number: int) -> Version:
    found = permission.versions.get(number)
    if found is None:
        message = f"Version {number} of permission {permission.arn} could not be found."
        raise refusal("UnknownResourceException", message)
    return found


def _summary(permission: Permission, version: Version) -> Json:
    return {
        "arn": permission.arn,
        "version": str(version.number),
        "defaultVersion": version.number == permission.default,
        "name": permission.name,
        "resourceType": CA,
        "status": "ATTACHABLE",
        "creationTime": version.created,
        "lastUpdatedTime": permission.updated,
        "isResourceTypeDefault": permission.resource_default,
        "permissionType": _kind(permission),
        "featureSet": permission.feature_set,
        "tags": tags_of(permission.tags) or None,
    }


def _detail(permission: Permission, version: Version) -> Json:
    return {**_summary(permission, version), "permission": permissions.text_of(version)}
