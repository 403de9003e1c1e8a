"""AWS::IAM: roles and their policies.

Source: AWS CloudFormation Template Reference, AWS::IAM.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from pkilab.simulator.cloudformation.documents import Value
from pkilab.simulator.cloudformation.intrinsics import text_of
from pkilab.simulator.cloudformation.resources.base import (
    IN_PLACE,
    REPLACES,
    REPLACES_REQUIRED,
    REQUIRED,
    FailedError,
    Property,
    ResourceType,
    Work,
    document,
    tag_changes,
)
from pkilab.simulator.service import Json, not_simulated

_GONE = frozenset({"NoSuchEntity", "NoSuchEntityException"})
_LONGEST_ROLE, _LONGEST_POLICY = 64, 128


class Role(ResourceType):
    """A role, with inline and attached policies."""

    type: ClassVar[str] = "AWS::IAM::Role"
    properties: ClassVar[Mapping[str, Property]] = {
        "RoleName": REPLACES,
        "Path": REPLACES,
        "AssumeRolePolicyDocument": REQUIRED,
        "Description": IN_PLACE,
        "MaxSessionDuration": IN_PLACE,
        "PermissionsBoundary": IN_PLACE,
        "ManagedPolicyArns": IN_PLACE,
        "Policies": IN_PLACE,
        "Tags": IN_PLACE,
    }
    attributes: ClassVar[tuple[str, ...]] = ("Arn", "RoleId")
    own_name: ClassVar[str] = "RoleName"
    tags: ClassVar[str] = "Tags"
    capabilities: ClassVar[bool] = True
    gone: ClassVar[frozenset[str]] = _GONE

    def create(self, work: Work) -> str:
        name = text_of(work.get("RoleName", work.name(_LONGEST_ROLE)))
        asked = work.members(
            "iam", "CreateRole", "Path", "Description", "MaxSessionDuration",
            "PermissionsBoundary", "Tags",
        )  # fmt: skip
        trust = document(work.get("AssumeRolePolicyDocument"), "#/AssumeRolePolicyDocument")
        work.aws("iam", "CreateRole", RoleName=name, AssumeRolePolicyDocument=trust, **asked)
        return str(name)

    def settle(self, work: Work) -> Iterator[None]:
        name = work.physical_id
        for policy, text in _inline(work.properties).items():
            asked = {"PolicyName": policy, "PolicyDocument": text}
            work.aws("iam", "PutRolePolicy", RoleName=name, **asked)
        for arn in _names(work.properties, "ManagedPolicyArns"):
            work.aws("iam", "AttachRolePolicy", RoleName=name, PolicyArn=arn)
        role = work.aws("iam", "GetRole", RoleName=name)["Role"]
        work.attributes |= {"Arn": role["Arn"], "RoleId": role["RoleId"]}
        yield from ()

    def update(self, work: Work, before: Json) -> None:
        name, changed = work.physical_id, self.changed(before, work.properties)
        if "AssumeRolePolicyDocument" in changed:
            trust = document(work.get("AssumeRolePolicyDocument"), "#/AssumeRolePolicyDocument")
            work.aws("iam", "UpdateAssumeRolePolicy", RoleName=name, PolicyDocument=trust)
        if {"Description", "MaxSessionDuration"} & set(changed):
            asked = work.members("iam", "UpdateRole", "Description", "MaxSessionDuration")
            work.aws("iam", "UpdateRole", RoleName=name, **asked)
        if "PermissionsBoundary" in changed:
            if boundary := text_of(work.get("PermissionsBoundary", "")):
                asked = {"PermissionsBoundary": boundary}
                work.aws("iam", "PutRolePermissionsBoundary", RoleName=name, **asked)
            else:
                work.aws("iam", "DeleteRolePermissionsBoundary", RoleName=name)
        self._take_away(work, before)
        added, removed = tag_changes(before.get("Tags"), work.get("Tags"))
        if added:
            work.aws("iam", "TagRole", RoleName=name, Tags=added)
        if removed:
            work.aws("iam", "UntagRole", RoleName=name, TagKeys=removed)

    def _take_away(self, work: Work, before: Json) -> None:
        """Remove the policies that the properties of before have and those of now have not."""
        for policy in _inline(before).keys() - _inline(work.properties).keys():
            work.aws("iam", "DeleteRolePolicy", RoleName=work.physical_id, PolicyName=policy)
        attached = _names(work.properties, "ManagedPolicyArns")
        for arn in _names(before, "ManagedPolicyArns"):
            if arn not in attached:
                work.aws("iam", "DetachRolePolicy", RoleName=work.physical_id, PolicyArn=arn)

    def delete(self, work: Work) -> None:
        # Its own policies alone: with others, such as of an AWS::IAM::Policy, IAM refuses.
        name = work.physical_id
        held = work.aws("iam", "ListRolePolicies", RoleName=name)["PolicyNames"]
        for policy in _inline(work.properties).keys() & set(held):
            work.aws("iam", "DeleteRolePolicy", RoleName=name, PolicyName=policy)
        attached = work.aws("iam", "ListAttachedRolePolicies", RoleName=name)["AttachedPolicies"]
        arns = {each["PolicyArn"] for each in attached}
        for arn in _names(work.properties, "ManagedPolicyArns"):
            if arn in arns:
                work.aws("iam", "DetachRolePolicy", RoleName=name, PolicyArn=arn)
        work.aws("iam", "DeleteRole", RoleName=name)


class RolePolicy(ResourceType):
    """An inline policy of one role."""

    type: ClassVar[str] = "AWS::IAM::RolePolicy"
    properties: ClassVar[Mapping[str, Property]] = {
        "RoleName": REPLACES_REQUIRED,
        "PolicyName": REPLACES_REQUIRED,
        "PolicyDocument": IN_PLACE,
    }
    capabilities: ClassVar[bool] = True
    gone: ClassVar[frozenset[str]] = _GONE

    def create(self, work: Work) -> str:
        self._put(work)
        return f"{text_of(work.get('PolicyName'))}|{text_of(work.get('RoleName'))}"

    def update(self, work: Work, before: Json) -> None:  # noqa: ARG002 - it is put anew
        self._put(work)

    def _put(self, work: Work) -> None:
        policy = document(work.get("PolicyDocument", {}), "#/PolicyDocument")
        asked = work.members("iam", "PutRolePolicy", "RoleName", "PolicyName")
        work.aws("iam", "PutRolePolicy", PolicyDocument=policy, **asked)

    def delete(self, work: Work) -> None:
        asked = work.members("iam", "DeleteRolePolicy", "RoleName", "PolicyName")
        work.aws("iam", "DeleteRolePolicy", **asked)


class Policy(ResourceType):
    """An inline policy of roles; users and groups are not simulated."""

    type: ClassVar[str] = "AWS::IAM::Policy"
    properties: ClassVar[Mapping[str, Property]] = {
        "PolicyName": REQUIRED,
        "PolicyDocument": REQUIRED,
        "Roles": IN_PLACE,
    }
    unmodelled: ClassVar[tuple[str, ...]] = ("Users", "Groups")
    attributes: ClassVar[tuple[str, ...]] = ("Id",)
    capabilities: ClassVar[bool] = True
    gone: ClassVar[frozenset[str]] = _GONE

    def create(self, work: Work) -> str:
        if not _names(work.properties, "Roles"):
            message = "At least one of [Groups,Roles,Users] must be non-empty."
            raise FailedError(message, "InvalidRequest")
        self._put(work)
        return work.name(_LONGEST_POLICY)

    def settle(self, work: Work) -> Iterator[None]:
        work.attributes["Id"] = work.physical_id
        yield from ()

    def update(self, work: Work, before: Json) -> None:
        renamed = before.get("PolicyName") != work.get("PolicyName")
        roles = _names(work.properties, "Roles")
        for role in _names(before, "Roles"):
            if renamed or role not in roles:
                self._remove(work, before, role)
        self._put(work)

    def delete(self, work: Work) -> None:
        for role in _names(work.properties, "Roles"):
            self._remove(work, work.properties, role)

    def _put(self, work: Work) -> None:
        policy = document(work.get("PolicyDocument"), "#/PolicyDocument")
        name = text_of(work.get("PolicyName"))
        for role in _names(work.properties, "Roles"):
            asked = {"PolicyName": name, "PolicyDocument": policy}
            work.aws("iam", "PutRolePolicy", RoleName=role, **asked)

    def _remove(self, work: Work, properties: Json, role: str) -> None:
        name = text_of(properties.get("PolicyName"))
        work.aws("iam", "DeleteRolePolicy", RoleName=role, PolicyName=name)


class ManagedPolicy(ResourceType):
    """A managed policy, attached to roles; users and groups are not simulated."""

    type: ClassVar[str] = "AWS::IAM::ManagedPolicy"
    properties: ClassVar[Mapping[str, Property]] = {
        "ManagedPolicyName": REPLACES,
        "Path": REPLACES,
        "Description": REPLACES,
        "PolicyDocument": REQUIRED,
        "Roles": IN_PLACE,
    }
    unmodelled: ClassVar[tuple[str, ...]] = ("Users", "Groups")
    attributes: ClassVar[tuple[str, ...]] = ("PolicyArn", "PolicyId", "DefaultVersionId")
    own_name: ClassVar[str] = "ManagedPolicyName"
    capabilities: ClassVar[bool] = True
    gone: ClassVar[frozenset[str]] = _GONE

    def create(self, work: Work) -> str:
        name = text_of(work.get("ManagedPolicyName", work.name(_LONGEST_POLICY)))
        policy = document(work.get("PolicyDocument"), "#/PolicyDocument")
        asked = work.members("iam", "CreatePolicy", "Path", "Description")
        answer = work.aws("iam", "CreatePolicy", PolicyName=name, PolicyDocument=policy, **asked)
        return str(answer["Policy"]["Arn"])

    def settle(self, work: Work) -> Iterator[None]:
        for role in _names(work.properties, "Roles"):
            work.aws("iam", "AttachRolePolicy", RoleName=role, PolicyArn=work.physical_id)
        found = work.aws("iam", "GetPolicy", PolicyArn=work.physical_id)["Policy"]
        work.attributes |= {"PolicyArn": found["Arn"], "PolicyId": found["PolicyId"]}
        work.attributes["DefaultVersionId"] = found["DefaultVersionId"]
        yield from ()

    def update(self, work: Work, before: Json) -> None:
        arn = work.physical_id
        if before.get("PolicyDocument") != work.get("PolicyDocument"):
            kept = work.aws("iam", "GetPolicy", PolicyArn=arn)["Policy"]["DefaultVersionId"]
            policy = document(work.get("PolicyDocument"), "#/PolicyDocument")
            work.aws(
                "iam", "CreatePolicyVersion",
                PolicyArn=arn, PolicyDocument=policy, SetAsDefault=True,
            )  # fmt: skip
            work.aws("iam", "DeletePolicyVersion", PolicyArn=arn, VersionId=kept)
        roles = _names(work.properties, "Roles")
        for role in _names(before, "Roles"):
            if role not in roles:
                work.aws("iam", "DetachRolePolicy", RoleName=role, PolicyArn=arn)

    def delete(self, work: Work) -> None:
        arn = work.physical_id
        held = work.aws("iam", "ListEntitiesForPolicy", PolicyArn=arn).get("PolicyRoles", [])
        attached = {each["RoleName"] for each in held}
        for role in _names(work.properties, "Roles"):
            if role in attached:
                work.aws("iam", "DetachRolePolicy", RoleName=role, PolicyArn=arn)
        work.aws("iam", "DeletePolicy", PolicyArn=arn)


def _names(properties: Json, name: str) -> list[str]:
    """Return a list of names.

    Raises:
        FailedError: it is no list of strings.
    """
    found: Value = properties.get(name, [])
    if not (isinstance(found, list) and all(isinstance(each, str) for each in found)):
        raise FailedError(f"#/{name}: expected type: JSONArray", "ModelValidationFailed")
    return found


def _inline(properties: Json) -> dict[str, str]:
    """Return the policies that stand in a role's properties, by name.

    Raises:
        FailedError: they are no list of a name and a document each.
        AwsError: NotImplemented, they are more than that.
    """
    found: Value = properties.get("Policies", [])
    if not (isinstance(found, list) and all(isinstance(each, dict) for each in found)):
        raise FailedError("#/Policies: expected type: JSONArray", "ModelValidationFailed")
    policies: dict[str, str] = {}
    for number, each in enumerate(found):
        where = f"#/Policies/{number}"
        if not isinstance(each.get("PolicyName"), str):
            message = f"{where}: required key [PolicyName] not found"
            raise FailedError(message, "ModelValidationFailed")
        if others := set(each) - {"PolicyName", "PolicyDocument"}:
            raise not_simulated(f"{min(others)} of a role's policy")
        policies[each["PolicyName"]] = document(each.get("PolicyDocument"), where)
    return policies
