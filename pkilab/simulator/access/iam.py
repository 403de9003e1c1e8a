"""AWS IAM: what its operations need.

Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Identity
and Access Management (IAM)"; IAM User Guide, "Available keys for IAM".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pkilab.simulator.access.asking import (
    Access,
    Asked,
    Context,
    Rule,
    anywhere,
    given,
    pass_role,
    removing,
    rows,
    tagging,
)

PREFIX = "iam"
KEYS = frozenset(
    {
        "iam:awsservicename", "iam:passedtoservice", "iam:permissionsboundary", "iam:policyarn",
        "iam:resourcetag/", "aws:resourcetag/", "aws:requesttag/", "aws:tagkeys",
        "iam:servicespecificcredentialservicename",
    }
)  # fmt: skip
_BOUNDARY = "iam:permissionsboundary"
# What tags of something new need besides; each entity's page on tags in the IAM User Guide.
_TAGGING = {
    "CreateInstanceProfile": "TagInstanceProfile",
    "CreateOpenIDConnectProvider": "TagOpenIDConnectProvider",
    "CreatePolicy": "TagPolicy",
    "CreateRole": "TagRole",
    "CreateSAMLProvider": "TagSAMLProvider",
    "CreateUser": "TagUser",
    "CreateVirtualMFADevice": "TagMFADevice",
    "UploadServerCertificate": "TagServerCertificate",
}
_Arn = Callable[[Asked], str]


def _entity(kind: str, member: str) -> _Arn:
    """Return what tells the ARN of an entity that a member names, or that is being made."""

    def arn(asked: Asked) -> str:
        name, account = asked.members[member], asked.call.account
        made = asked.operation.startswith(("Create", "Upload"))
        path = asked.members.get("Path") if made else None
        path = path or asked.facts.path(account, kind, name)
        return f"arn:aws:iam::{account}:{kind}{path}{name}"

    return arn


def _user(asked: Asked) -> str:
    """Return the ARN of the user whom a request names, or else of the caller."""
    if asked.members.get("UserName"):
        return _entity("user", "UserName")(asked)
    key = asked.members.get("AccessKeyId", "")
    name = asked.facts.key_user(asked.call.account, key) if key else None
    if name:
        path = asked.facts.path(asked.call.account, "user", name)
        return f"arn:aws:iam::{asked.call.account}:user{path}{name}"
    return asked.call.principal


def _new_policy(asked: Asked) -> str:
    path = asked.members.get("Path") or "/"
    return f"arn:aws:iam::{asked.call.account}:policy{path}{asked.members['PolicyName']}"


def _member(name: str) -> _Arn:
    return lambda asked: str(asked.members[name])


def _new_provider(asked: Asked) -> str:
    url = str(asked.members["Url"]).partition("://")[2]
    return f"arn:aws:iam::{asked.call.account}:oidc-provider/{url}"


def _service_linked(asked: Asked) -> str:
    service = asked.members["AWSServiceName"]
    role = f"role/aws-service-role/{service}/AWSServiceRoleFor*"
    return f"arn:aws:iam::{asked.call.account}:{role}"


def _deletion(asked: Asked) -> str:
    # task/aws-service-role/SERVICE/ROLE/NUMBER
    path = asked.members["DeletionTaskId"].removeprefix("task").rpartition("/")[0]
    return f"arn:aws:iam::{asked.call.account}:role{path}"


def _action(arn: _Arn, *, bounded: bool = False) -> Rule:
    """Return the rule for an action on an entity; ``bounded``: a boundary is a condition key."""

    def rule(asked: Asked) -> Iterator[Access]:
        resource = arn(asked)
        context = _context(asked)
        if bounded and _BOUNDARY not in context:
            found = asked.facts.resource(resource)
            context |= dict(found.details) if found else {}
        # A policy that is not there yet is called by its name alone.
        named = asked.members.get("PolicyName") if asked.operation == "CreatePolicy" else None
        shown = f"policy {named}" if named else None
        yield asked.access(resource, context=context, shown=shown)
        tags, action = tagging(asked.members.get("Tags")), _TAGGING.get(asked.operation)
        if tags and action:
            yield asked.access(resource, action, tags, shown)

    return rule


def _context(asked: Asked) -> Context:
    members = asked.members
    attaching = asked.operation.startswith(("Attach", "Detach"))
    keys = {
        "iam:policyarn": members.get("PolicyArn") if attaching else None,
        _BOUNDARY: members.get("PermissionsBoundary"),
        "iam:awsservicename": members.get("AWSServiceName"),
    }
    return given(keys) | tagging(members.get("Tags")) | removing(members.get("TagKeys"))


def _listing(kind: str) -> Rule:
    """Return the rule for a list of entities: it is limited to nothing, and named by their path."""

    def rule(asked: Asked) -> Iterator[Access]:
        path = asked.members.get("PathPrefix") or "/"
        yield asked.access(shown=f"arn:aws:iam::{asked.call.account}:{kind}{path}")

    return rule


def _policies(asked: Asked) -> Iterator[Access]:
    yield asked.access(shown=f"policy path {asked.members.get('PathPrefix') or '/'}")


def _add_role(asked: Asked) -> Iterator[Access]:
    profile = _entity("instance-profile", "InstanceProfileName")(asked)
    yield asked.access(profile)
    yield from pass_role(_entity("role", "RoleName")(asked), "ec2.amazonaws.com")


_ROLE, _GROUP = _entity("role", "RoleName"), _entity("group", "GroupName")
_PROFILE = _entity("instance-profile", "InstanceProfileName")
_CERTIFICATE = _entity("server-certificate", "ServerCertificateName")

TABLE = rows(
    (
        _action(_user, bounded=True),
        """
        AttachUserPolicy CreateUser DeleteUserPermissionsBoundary DeleteUserPolicy
        DetachUserPolicy PutUserPermissionsBoundary PutUserPolicy
        """,
    ),
    (
        _action(_user),
        """
        ChangePassword CreateAccessKey CreateLoginProfile DeactivateMFADevice DeleteAccessKey
        DeleteLoginProfile DeleteSSHPublicKey DeleteSigningCertificate DeleteUser
        EnableMFADevice GetAccessKeyLastUsed GetLoginProfile GetMFADevice GetSSHPublicKey GetUser
        GetUserPolicy ListAccessKeys ListAttachedUserPolicies ListGroupsForUser ListMFADevices
        ListSSHPublicKeys ListServiceSpecificCredentials ListSigningCertificates ListUserPolicies
        ListUserTags ResyncMFADevice TagUser UntagUser UpdateAccessKey UpdateLoginProfile
        UpdateSSHPublicKey UpdateSigningCertificate UpdateUser UploadSSHPublicKey
        UploadSigningCertificate
        """,
    ),
    (
        _action(_ROLE, bounded=True),
        """
        AttachRolePolicy CreateRole DeleteRole DeleteRolePermissionsBoundary DeleteRolePolicy
        DetachRolePolicy GetRole PutRolePermissionsBoundary PutRolePolicy
        UpdateAssumeRolePolicy UpdateRole UpdateRoleDescription
        """,
    ),
    (
        _action(_ROLE),
        """
        DeleteServiceLinkedRole GetRolePolicy ListAttachedRolePolicies
        ListInstanceProfilesForRole ListRolePolicies ListRoleTags TagRole UntagRole
        """,
    ),
    (_action(_service_linked), "CreateServiceLinkedRole"),
    (_action(_deletion), "GetServiceLinkedRoleDeletionStatus"),
    (
        _action(_GROUP),
        """
        AddUserToGroup AttachGroupPolicy CreateGroup DeleteGroup DeleteGroupPolicy
        DetachGroupPolicy GetGroup GetGroupPolicy ListAttachedGroupPolicies ListGroupPolicies
        PutGroupPolicy RemoveUserFromGroup UpdateGroup
        """,
    ),
    (_action(_new_policy), "CreatePolicy"),
    (
        _action(_member("PolicyArn")),
        """
        CreatePolicyVersion DeletePolicy DeletePolicyVersion GetPolicy GetPolicyVersion
        ListEntitiesForPolicy ListPolicyTags ListPolicyVersions SetDefaultPolicyVersion TagPolicy
        UntagPolicy
        """,
    ),
    (
        _action(_PROFILE),
        """
        CreateInstanceProfile DeleteInstanceProfile GetInstanceProfile ListInstanceProfileTags
        RemoveRoleFromInstanceProfile TagInstanceProfile UntagInstanceProfile
        """,
    ),
    (_add_role, "AddRoleToInstanceProfile"),
    (_action(_entity("mfa", "VirtualMFADeviceName")), "CreateVirtualMFADevice"),
    (
        _action(_member("SerialNumber")),
        "DeleteVirtualMFADevice ListMFADeviceTags TagMFADevice UntagMFADevice",
    ),
    (_action(_new_provider), "CreateOpenIDConnectProvider"),
    (
        _action(_member("OpenIDConnectProviderArn")),
        """
        AddClientIDToOpenIDConnectProvider DeleteOpenIDConnectProvider GetOpenIDConnectProvider
        ListOpenIDConnectProviderTags RemoveClientIDFromOpenIDConnectProvider
        TagOpenIDConnectProvider UntagOpenIDConnectProvider UpdateOpenIDConnectProviderThumbprint
        """,
    ),
    (_action(_entity("saml-provider", "Name")), "CreateSAMLProvider"),
    (
        _action(_member("SAMLProviderArn")),
        """
        DeleteSAMLProvider GetSAMLProvider ListSAMLProviderTags TagSAMLProvider UntagSAMLProvider
        UpdateSAMLProvider
        """,
    ),
    (
        _action(_CERTIFICATE),
        """
        DeleteServerCertificate GetServerCertificate ListServerCertificateTags
        TagServerCertificate UntagServerCertificate UpdateServerCertificate
        UploadServerCertificate
        """,
    ),
    (
        _action(_member("PolicySourceArn")),
        "GetContextKeysForPrincipalPolicy SimulatePrincipalPolicy",
    ),
    (
        _action(_member("Arn")),
        "GenerateServiceLastAccessedDetails ListPoliciesGrantingServiceAccess",
    ),
    (_listing("user"), "ListUsers"),
    (_listing("role"), "ListRoles"),
    (_listing("group"), "ListGroups"),
    (_listing("instance-profile"), "ListInstanceProfiles"),
    (_listing("server-certificate"), "ListServerCertificates"),
    (_listing("mfa"), "ListVirtualMFADevices"),
    (_policies, "ListPolicies"),
    (
        anywhere,
        """
        CreateAccountAlias DeleteAccountAlias DeleteAccountPasswordPolicy
        GenerateCredentialReport GetAccountAuthorizationDetails GetAccountPasswordPolicy
        GetAccountSummary GetContextKeysForCustomPolicy GetCredentialReport ListAccountAliases
        ListOpenIDConnectProviders ListSAMLProviders SetSecurityTokenServicePreferences
        SimulateCustomPolicy UpdateAccountPasswordPolicy
        """,
    ),
)
