"""How each kind of thing that a lab creates is deleted, with the steps that AWS wants before.

One function a kind. `pkilab.cleaning` decides what is deleted, and in which order.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, WaiterError

from pkilab.errors import LabError
from pkilab.journal import count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_acm_pca import ACMPCAClient
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudtrail import CloudTrailClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_organizations import OrganizationsClient
    from mypy_boto3_ram import RAMClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_securityhub import SecurityHubClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient

AUTHORITY, BUCKET, OBJECT, CERTIFICATE = (
    "certificate authority",
    "bucket",
    "object",
    "certificate",
)
DOMAIN, HTTP_API, REST_API, FUNCTION = "domain name", "HTTP API", "REST API", "function"
ROLE, ACM, ZONE, STACK = "role", "ACM certificate", "hosted zone", "stack"
USER, POLICY, MFA_DEVICE = "user", "policy", "MFA device"
KEY, ALIAS = "KMS key", "alias"
ORGANIZATION, UNIT, CONTROL = "organization", "organizational unit", "organization policy"
EVENT_RULE, EVENT_BUS, TRAIL, HUB = "event rule", "event bus", "trail", "Security Hub"
QUEUE, TOPIC, LOG_GROUP = "queue", "topic", "log group"
SHARE, PERMISSION = "resource share", "RAM permission"
PARAMETER, SECRET = "parameter", "secret"

_LEFT = {
    CERTIFICATE: "a certificate cannot be deleted; revoke it if it must not be trusted",
    OBJECT: "in a bucket that was there before; it may have replaced another object",
}
_BATCH = 1000  # as many objects as one DeleteObjects takes


@dataclass(frozen=True, slots=True)
class Created:
    """One thing that calls created.

    Attributes:
        kind: ``certificate authority``, ``bucket``, ``object``, ``certificate``, or the API's noun
            for anything else.
        arn: its ARN.
        service: as boto3 names it.
        account: the lab's alias; ``account_id`` is the twelve digits.
        region: of the client that created it.
        at: when, aware.
    """

    kind: str
    arn: str
    service: str
    account: str
    account_id: str
    region: str
    at: datetime


def remove(created: Created, client: Any, days: int) -> tuple[str, str]:  # noqa: ANN401 - of any service
    """Delete one thing.

    Args:
        created: the thing.
        client: of its service, account and Region.
        days: how long what AWS deletes with a delay stays restorable, 7 to 30.

    Returns:
        What became of it (``removed``, ``left`` or ``gone``), and a note.

    Raises:
        ClientError: AWS refused.
        LabError: it could not be deleted after all.
    """
    if created.kind == AUTHORITY:
        return _remove_authority(created, client, days)
    if created.kind == KEY:
        return _remove_key(created, client, days)
    if created.kind == STACK:
        return _remove_stack(created, client)
    if remove := _REMOVERS.get(created.kind):
        return "removed", remove(created.arn.rpartition("/")[2], created, client)
    if created.kind == BUCKET:
        return _remove_bucket(created, client)
    unknown = f"how to delete this is not known here: {created.service} {created.kind}"
    return "left", _LEFT.get(created.kind, unknown)


def _remove_authority(created: Created, client: ACMPCAClient, days: int) -> tuple[str, str]:
    arn = created.arn
    ca = client.describe_certificate_authority(CertificateAuthorityArn=arn)["CertificateAuthority"]
    if ca["Status"] == "DELETED":
        return "gone", _restorable(ca.get("RestorableUntil"))
    if ca["Status"] == "ACTIVE":
        client.update_certificate_authority(CertificateAuthorityArn=arn, Status="DISABLED")
    client.delete_certificate_authority(
        CertificateAuthorityArn=arn, PermanentDeletionTimeInDays=days
    )
    try:
        answer = client.describe_certificate_authority(CertificateAuthorityArn=arn)
    except ClientError:  # deleted for good at once: it never became PENDING_CERTIFICATE
        return "removed", ""
    return "removed", _restorable(answer["CertificateAuthority"].get("RestorableUntil"))


def _remove_key(created: Created, client: KMSClient, days: int) -> tuple[str, str]:
    key = client.describe_key(KeyId=created.arn)["KeyMetadata"]
    if key["KeyState"] == "PendingDeletion":
        return "gone", _restorable(key.get("DeletionDate"))
    answer = client.schedule_key_deletion(KeyId=created.arn, PendingWindowInDays=days)
    return "removed", _restorable(answer.get("DeletionDate"))


def _restorable(until: datetime | None) -> str:
    # boto3 gives times in the machine's zone; what is shown is the same everywhere.
    return f"restorable until {until.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if until else ""


def _remove_stack(created: Created, client: CloudFormationClient) -> tuple[str, str]:
    name = created.arn
    if client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] == "DELETE_COMPLETE":
        return "gone", ""
    client.delete_stack(StackName=name)
    try:
        client.get_waiter("stack_delete_complete").wait(StackName=name)
    except WaiterError as error:
        stack = client.describe_stacks(StackName=name)["Stacks"][0]
        why = stack.get("StackStatusReason", "")
        raise LabError(f"{stack['StackStatus']}: {why}".strip(": ")) from error
    return "removed", "with its resources, but for those that it retains"


def _remove_bucket(created: Created, client: S3Client) -> tuple[str, str]:
    name, owner = created.arn.rpartition(":")[2], created.account_id
    objects = list(_versions(client, name, owner))
    for start in range(0, len(objects), _BATCH):
        answer = client.delete_objects(
            Bucket=name,
            Delete={"Objects": objects[start : start + _BATCH], "Quiet": True},
            ExpectedBucketOwner=owner,
        )
        if errors := answer.get("Errors"):
            first = errors[0]
            why = f"{first.get('Key')}: {first.get('Code')}: {first.get('Message')}"
            return "left", f"{count(len(errors), 'object')} could not be deleted; {why}"
    client.delete_bucket(Bucket=name, ExpectedBucketOwner=owner)
    return "removed", f"with {count(len(objects), 'object version')}" if objects else "empty"


def _versions(client: S3Client, name: str, owner: str) -> Iterator[ObjectIdentifierTypeDef]:
    pages = client.get_paginator("list_object_versions")
    for page in pages.paginate(Bucket=name, ExpectedBucketOwner=owner):
        for version in page.get("Versions", []):
            yield {"Key": version["Key"], "VersionId": version["VersionId"]}
        for marker in page.get("DeleteMarkers", []):
            yield {"Key": marker["Key"], "VersionId": marker["VersionId"]}


# Each takes the last part of the ARN, the thing and a client of its service, and returns a note.


def _remove_domain(name: str, created: Created, client: Any) -> str:  # noqa: ANN401
    if created.service == "apigateway":
        client.delete_domain_name(domainName=name)
        return ""
    mappings = client.get_api_mappings(DomainName=name)["Items"]
    for mapping in mappings:
        client.delete_api_mapping(ApiMappingId=mapping["ApiMappingId"], DomainName=name)
    client.delete_domain_name(DomainName=name)
    return f"with {count(len(mappings), 'mapping')}" if mappings else ""


def _remove_http_api(name: str, _: Created, client: Any) -> str:  # noqa: ANN401
    client.delete_api(ApiId=name)
    return ""


def _remove_rest_api(name: str, _: Created, client: Any) -> str:  # noqa: ANN401
    client.delete_rest_api(restApiId=name)
    return ""


def _remove_function(_: str, created: Created, client: Any) -> str:  # noqa: ANN401
    client.delete_function(FunctionName=created.arn)
    return "its log group, if any, stays"


def _remove_role(name: str, _: Created, client: Any) -> str:  # noqa: ANN401
    for policy in client.list_role_policies(RoleName=name)["PolicyNames"]:
        client.delete_role_policy(RoleName=name, PolicyName=policy)
    for policy in client.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        client.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    client.delete_role(RoleName=name)
    return ""


def _remove_acm(_: str, created: Created, client: Any) -> str:  # noqa: ANN401
    client.delete_certificate(CertificateArn=created.arn)
    return ""


def _remove_zone(name: str, _: Created, client: Any) -> str:  # noqa: ANN401
    pages = client.get_paginator("list_resource_record_sets").paginate(HostedZoneId=name)
    held = [record for page in pages for record in page["ResourceRecordSets"]]
    apex = next((record["Name"] for record in held if record["Type"] == "SOA"), "")
    own = {(apex, "NS"), (apex, "SOA")}  # these go with the zone; other NS records delegate
    records = [record for record in held if (record["Name"], record["Type"]) not in own]
    if records:
        changes = [{"Action": "DELETE", "ResourceRecordSet": record} for record in records]
        client.change_resource_record_sets(HostedZoneId=name, ChangeBatch={"Changes": changes})
    client.delete_hosted_zone(Id=name)
    return f"with {count(len(records), 'record set')}" if records else ""


def _remove_user(name: str, _: Created, client: IAMClient) -> str:
    for key in client.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        client.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    for device in client.list_mfa_devices(UserName=name)["MFADevices"]:
        client.deactivate_mfa_device(UserName=name, SerialNumber=device["SerialNumber"])
    for policy in client.list_user_policies(UserName=name)["PolicyNames"]:
        client.delete_user_policy(UserName=name, PolicyName=policy)
    for attached in client.list_attached_user_policies(UserName=name)["AttachedPolicies"]:
        client.detach_user_policy(UserName=name, PolicyArn=attached["PolicyArn"])
    for group in client.list_groups_for_user(UserName=name)["Groups"]:
        client.remove_user_from_group(UserName=name, GroupName=group["GroupName"])
    client.delete_user(UserName=name)
    return "with its access keys"


def _remove_policy(_: str, created: Created, client: IAMClient) -> str:
    for version in client.list_policy_versions(PolicyArn=created.arn)["Versions"]:
        if not version["IsDefaultVersion"]:
            client.delete_policy_version(PolicyArn=created.arn, VersionId=version["VersionId"])
    client.delete_policy(PolicyArn=created.arn)
    return ""


def _remove_mfa_device(_: str, created: Created, client: IAMClient) -> str:
    for device in client.list_virtual_mfa_devices(AssignmentStatus="Assigned")["VirtualMFADevices"]:
        if device["SerialNumber"] == created.arn and "UserName" in device.get("User", {}):
            client.deactivate_mfa_device(
                UserName=device["User"]["UserName"], SerialNumber=created.arn
            )
    client.delete_virtual_mfa_device(SerialNumber=created.arn)
    return ""


def _remove_alias(name: str, _: Created, client: KMSClient) -> str:
    client.delete_alias(AliasName=f"alias/{name}")
    return ""


def _remove_control(name: str, _: Created, client: OrganizationsClient) -> str:
    targets = client.list_targets_for_policy(PolicyId=name)["Targets"]
    for target in targets:
        client.detach_policy(PolicyId=name, TargetId=target["TargetId"])
    client.delete_policy(PolicyId=name)
    return f"detached from {count(len(targets), 'target')}" if targets else ""


def _remove_unit(name: str, _: Created, client: OrganizationsClient) -> str:
    root = client.list_roots()["Roots"][0]["Id"]
    for account in client.list_accounts_for_parent(ParentId=name)["Accounts"]:
        client.move_account(AccountId=account["Id"], SourceParentId=name, DestinationParentId=root)
    client.delete_organizational_unit(OrganizationalUnitId=name)
    return ""


def _remove_organization(_: str, __: Created, client: OrganizationsClient) -> str:
    manager = client.describe_organization()["Organization"]["MasterAccountId"]
    members = [each["Id"] for each in client.list_accounts()["Accounts"] if each["Id"] != manager]
    for member in members:
        client.remove_account_from_organization(AccountId=member)
    client.delete_organization()
    return f"its {count(len(members), 'member account')} left it first" if members else ""


def _remove_rule(name: str, created: Created, client: EventBridgeClient) -> str:
    path = created.arn.split(":", 5)[5].split("/")
    bus = path[1] if len(path) > 2 else "default"  # noqa: PLR2004 - rule/NAME or rule/BUS/NAME
    found = client.list_targets_by_rule(Rule=name, EventBusName=bus)["Targets"]
    if found:
        client.remove_targets(Rule=name, EventBusName=bus, Ids=[each["Id"] for each in found])
    client.delete_rule(Name=name, EventBusName=bus)
    return f"with {count(len(found), 'target')}" if found else ""


def _remove_bus(name: str, _: Created, client: EventBridgeClient) -> str:
    client.delete_event_bus(Name=name)
    return ""


def _remove_trail(_: str, created: Created, client: CloudTrailClient) -> str:
    client.delete_trail(Name=created.arn)
    return "its log files stay in the bucket"


def _remove_hub(_: str, __: Created, client: SecurityHubClient) -> str:
    client.disable_security_hub()
    return "with its findings"


def _remove_queue(_: str, created: Created, client: SQSClient) -> str:
    name, owner = created.arn.rpartition(":")[2], created.account_id
    url = client.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=owner)["QueueUrl"]
    client.delete_queue(QueueUrl=url)
    return "with its messages"


def _remove_topic(_: str, created: Created, client: SNSClient) -> str:
    subscribed = client.list_subscriptions_by_topic(TopicArn=created.arn)["Subscriptions"]
    client.delete_topic(TopicArn=created.arn)
    return f"with {count(len(subscribed), 'subscription')}" if subscribed else ""


def _remove_log_group(_: str, created: Created, client: CloudWatchLogsClient) -> str:
    client.delete_log_group(logGroupName=created.arn.split(":log-group:", 1)[1])
    return ""


def _remove_share(_: str, created: Created, client: RAMClient) -> str:
    client.delete_resource_share(resourceShareArn=created.arn)
    return "what was issued through it stays valid"


def _remove_permission(_: str, created: Created, client: RAMClient) -> str:
    client.delete_permission(permissionArn=created.arn)
    return ""


def _remove_parameter(_: str, created: Created, client: SSMClient) -> str:
    name = created.arn.split(":parameter/", 1)[1]
    client.delete_parameter(Name=f"/{name}" if "/" in name else name)
    return ""


def _remove_secret(_: str, created: Created, client: SecretsManagerClient) -> str:
    client.delete_secret(SecretId=created.arn, ForceDeleteWithoutRecovery=True)
    return "without a recovery window"


_REMOVERS: dict[str, Callable[[str, Created, Any], str]] = {
    DOMAIN: _remove_domain,
    HTTP_API: _remove_http_api,
    REST_API: _remove_rest_api,
    FUNCTION: _remove_function,
    ROLE: _remove_role,
    ACM: _remove_acm,
    ZONE: _remove_zone,
    USER: _remove_user,
    POLICY: _remove_policy,
    MFA_DEVICE: _remove_mfa_device,
    ALIAS: _remove_alias,
    CONTROL: _remove_control,
    UNIT: _remove_unit,
    ORGANIZATION: _remove_organization,
    EVENT_RULE: _remove_rule,
    EVENT_BUS: _remove_bus,
    TRAIL: _remove_trail,
    HUB: _remove_hub,
    QUEUE: _remove_queue,
    TOPIC: _remove_topic,
    LOG_GROUP: _remove_log_group,
    SHARE: _remove_share,
    PERMISSION: _remove_permission,
    PARAMETER: _remove_parameter,
    SECRET: _remove_secret,
}
