"""Roles, users, policies and MFA devices: IAM deletes what nothing hangs on.

Source: IAM API Reference, DeleteRole, DeleteUser and DeletePolicy: what must be taken away before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from pkilab.cleaning.removal.asking import Removal, code, pages
from pkilab.cleaning.removal.kinds import Removed

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient


def role(of: Removal) -> Removed:
    """Delete a role with its inline policies, its attachments, profiles and boundary."""
    client: IAMClient = of.client()
    name = of.thing.name
    for policy in pages(client, "list_role_policies", "PolicyNames", RoleName=name):
        client.delete_role_policy(RoleName=name, PolicyName=policy)
    for attached in pages(client, "list_attached_role_policies", "AttachedPolicies", RoleName=name):
        client.detach_role_policy(RoleName=name, PolicyArn=attached["PolicyArn"])
    try:
        client.delete_role(RoleName=name)
    except ClientError as error:
        if code(error) != "DeleteConflict":
            raise
        for profile in pages(
            client, "list_instance_profiles_for_role", "InstanceProfiles", RoleName=name
        ):
            client.remove_role_from_instance_profile(
                RoleName=name, InstanceProfileName=profile["InstanceProfileName"]
            )
        client.delete_role(RoleName=name)
    return Removed("removed")


def user(of: Removal) -> Removed:
    """Delete a user with all that is the user's alone, and out of its groups."""
    client: IAMClient = of.client()
    name = of.thing.name
    for key in pages(client, "list_access_keys", "AccessKeyMetadata", UserName=name):
        client.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    for device in pages(client, "list_mfa_devices", "MFADevices", UserName=name):
        client.deactivate_mfa_device(UserName=name, SerialNumber=device["SerialNumber"])
    for policy in pages(client, "list_user_policies", "PolicyNames", UserName=name):
        client.delete_user_policy(UserName=name, PolicyName=policy)
    for attached in pages(client, "list_attached_user_policies", "AttachedPolicies", UserName=name):
        client.detach_user_policy(UserName=name, PolicyArn=attached["PolicyArn"])
    for group in pages(client, "list_groups_for_user", "Groups", UserName=name):
        client.remove_user_from_group(UserName=name, GroupName=group["GroupName"])
    try:
        client.delete_user(UserName=name)
    except ClientError as error:
        if code(error) != "DeleteConflict":
            raise
        _take_credentials(client, name)
        client.delete_user(UserName=name)
    return Removed("removed", "with its access keys")


def _take_credentials(client: IAMClient, name: str) -> None:
    """Delete the credentials that few users have: IAM said that something hangs on this one."""
    try:
        client.delete_login_profile(UserName=name)
    except ClientError as error:
        if code(error) != "NoSuchEntity":
            raise
    for certificate in pages(client, "list_signing_certificates", "Certificates", UserName=name):
        client.delete_signing_certificate(UserName=name, CertificateId=certificate["CertificateId"])
    for key in pages(client, "list_ssh_public_keys", "SSHPublicKeys", UserName=name):
        client.delete_ssh_public_key(UserName=name, SSHPublicKeyId=key["SSHPublicKeyId"])
    try:
        others = client.list_service_specific_credentials(UserName=name)
    except ClientError as error:  # not in every partition of AWS
        if code(error) not in {"NotImplemented", "NotSupportedService"}:
            raise
        return
    for each in others["ServiceSpecificCredentials"]:
        client.delete_service_specific_credential(
            UserName=name, ServiceSpecificCredentialId=each["ServiceSpecificCredentialId"]
        )


def policy(of: Removal) -> Removed:
    """Delete a policy with its older versions; what it is attached to keeps it."""
    client: IAMClient = of.client()
    arn = of.thing.arn
    for version in pages(client, "list_policy_versions", "Versions", PolicyArn=arn):
        if not version["IsDefaultVersion"]:
            client.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
    client.delete_policy(PolicyArn=arn)
    return Removed("removed")


def mfa_device(of: Removal) -> Removed:
    """Delete a virtual MFA device, taken from its user first."""
    client: IAMClient = of.client()
    serial = of.thing.arn
    for device in pages(
        client, "list_virtual_mfa_devices", "VirtualMFADevices", AssignmentStatus="Assigned"
    ):
        if device["SerialNumber"] == serial and "UserName" in device.get("User", {}):
            client.deactivate_mfa_device(UserName=device["User"]["UserName"], SerialNumber=serial)
    client.delete_virtual_mfa_device(SerialNumber=serial)
    return Removed("removed")


def attachment(of: Removal) -> Removed:
    """Detach a policy of the run from what was there before."""
    client: IAMClient = of.client()
    told = of.thing.told
    holder, name, arn = told["holder"], told["name"], told["policy"]
    if holder == "RoleName":
        client.detach_role_policy(RoleName=name, PolicyArn=arn)
    elif holder == "UserName":
        client.detach_user_policy(UserName=name, PolicyArn=arn)
    else:
        client.detach_group_policy(GroupName=name, PolicyArn=arn)
    return Removed("removed", f"{arn}, from what was there before")
