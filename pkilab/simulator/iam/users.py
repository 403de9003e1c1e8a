"""Users, groups and permissions boundaries.

Source: IAM API Reference, CreateUser, GetUser, DeleteUser and PutUserPermissionsBoundary.
"""

from __future__ import annotations

from typing import Any

from pkilab.simulator.iam.base import IamBase, conflict, no_such
from pkilab.simulator.identity import keys
from pkilab.simulator.identity.directory import boundary_of
from pkilab.simulator.service import Call, Json, error


class Users(IamBase):
    """What moto does not know of users: boundaries, ids of AWS's shape, what keeps them there."""

    def create_user(
        self,
        call: Call,
        *,
        user_name: str,
        permissions_boundary: str | None = None,
        **others: Any,  # noqa: ANN401 - moto's
    ) -> Json:
        """Create a user."""
        if permissions_boundary is not None:
            self._require_boundary(call, permissions_boundary)
        # "Names are not distinguished by case": IAM User Guide, "IAM and AWS STS quotas".
        if user_name.lower() in map(str.lower, self._backend(call).users):
            message = f"User with name {user_name} already exists."
            raise error("iam", "EntityAlreadyExistsException", message)
        answer = self._by_moto("CreateUser", call, user_name=user_name, **others)
        user = self._backend(call).users[user_name]
        user.id = keys.unique_id("AIDA", self._entropy)
        user.permissions_boundary_arn = permissions_boundary or ""
        return {"User": {**answer["User"], "UserId": user.id} | _boundary(user)}

    def create_group(self, call: Call, *, group_name: str, **others: Any) -> Json:  # noqa: ANN401
        """Create a group."""
        answer = self._by_moto("CreateGroup", call, group_name=group_name, **others)
        group = self._backend(call).groups[group_name]
        group.id = keys.unique_id("AGPA", self._entropy)
        return {"Group": {**answer["Group"], "GroupId": group.id}}

    def get_user(self, call: Call, *, user_name: str) -> Json:
        """Return a user with its boundary."""
        answer = self._by_moto("GetUser", call, user_name=user_name)
        return {"User": answer["User"] | _boundary(self._holder(call, "user", user_name))}

    def delete_user(self, call: Call, *, user_name: str) -> Json:
        """Delete a user that has nothing left."""
        user = self._holder(call, "user", user_name)
        if user.group_list:
            raise conflict("Cannot delete entity, must remove users from group first.")
        if user.access_keys:
            raise conflict("Cannot delete entity, must delete access keys first.")
        if user.mfa_devices:
            raise conflict("Cannot delete entity, must delete MFA device first.")
        return self._by_moto("DeleteUser", call, user_name=user_name)

    def put_user_permissions_boundary(
        self, call: Call, *, user_name: str, permissions_boundary: str
    ) -> Json:
        """Limit a user by a managed policy."""
        user = self._holder(call, "user", user_name)
        self._require_boundary(call, permissions_boundary)
        user.permissions_boundary_arn = permissions_boundary
        return {}

    def delete_user_permissions_boundary(self, call: Call, *, user_name: str) -> Json:
        """Take a user's limit away."""
        user = self._holder(call, "user", user_name)
        if not boundary_of(user):
            raise no_such(f"The user with name {user_name} has no permissions boundary.")
        user.permissions_boundary_arn = ""
        return {}

    def put_role_permissions_boundary(
        self, call: Call, *, role_name: str, permissions_boundary: str
    ) -> Json:
        """Limit a role by a managed policy."""
        self._require_boundary(call, permissions_boundary)
        return self._by_moto(
            "PutRolePermissionsBoundary",
            call,
            role_name=role_name,
            permissions_boundary=permissions_boundary,
        )


def _boundary(user: Any) -> Json:  # noqa: ANN401 - moto's model
    arn = boundary_of(user)
    shown = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}
    return {"PermissionsBoundary": shown} if arn else {}
