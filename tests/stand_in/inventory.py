"""What there is in the accounts of a world, asked kind by kind as its owner would.

It is a list of its own, made without the project's clean-up, so that the one can be held against
the other. What AWS keeps after it was deleted, and what costs nothing and cannot be deleted, is
left out: deleted CAs, keys that await deletion, deleted stacks and shares, what RAM shows of a CA's
resource policy, roles linked to services, keys and policies that AWS manages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

Client = Any  # of boto3
Thing = tuple[str, str, str, str]  # account id, Region ("" where there is none), kind, name
State = Mapping[Thing, object]
RECORD = "record"
_ALGORITHMS = ["RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1",
               "EC_secp521r1"]  # fmt: skip
_NOT_VERSIONED = ("ResponseMetadata", "LastUsedDate", "PasswordLastUsed", "RoleLastUsed")


def inventory(lab: Any, regions: tuple[str, ...] = ()) -> dict[Thing, object]:
    """Return what stands in all accounts of a lab, with all that is known of each thing.

    Args:
        lab: a simulated lab.
        regions: where to look; in the lab's own by default.
    """
    found: dict[Thing, object] = {}
    for alias, number in lab.accounts.items():
        for region in regions or (lab.region,):
            for kind, service, look in _REGIONAL:
                client = lab.client(service, account=alias, region=region)
                for name, state in look(client):
                    found[number, region, kind, name] = _still(state)
        for kind, service, look in _GLOBAL:
            client = lab.client(service, account=alias)
            for name, state in look(client):
                found[number, "", kind, name] = _still(state)
    return found


def prepare(lab: Any, regions: tuple[str, ...] = ()) -> None:
    """Make the clients that `inventory` needs, which takes longer than to use them."""
    for alias in lab.accounts:
        for _, service, _ in (*_REGIONAL, *_GLOBAL):
            for region in regions or (lab.region,):
                lab.client(service, account=alias, region=region)


def _still(state: Any) -> object:
    """Leave out what changes without anybody's doing."""
    if isinstance(state, dict):
        return {key: _still(value) for key, value in state.items() if key not in _NOT_VERSIONED}
    return [_still(each) for each in state] if isinstance(state, list | tuple) else state


def _pages(client: Client, operation: str, member: str, **asked: Any) -> Iterator[Any]:
    if client.can_paginate(operation):
        for page in client.get_paginator(operation).paginate(**asked):
            yield from page.get(member, ())
    else:
        yield from getattr(client, operation)(**asked).get(member, ())


def _or(question: Callable[..., Any], *codes: str, **asked: Any) -> Any:
    """Ask; None: AWS answers one of these codes."""
    try:
        return question(**asked)
    except ClientError as error:
        if error.response["Error"]["Code"] not in codes:
            raise
        return None


Found = Iterator[tuple[str, object]]


def _authorities(pca: Client) -> Found:
    for each in _pages(pca, "list_certificate_authorities", "CertificateAuthorities"):
        if each["Status"] != "DELETED":
            arn = each["Arn"]
            yield arn, (
                each,
                list(_pages(pca, "list_tags", "Tags", CertificateAuthorityArn=arn))
                if each["Status"] != "CREATING" else (),
                _or(pca.get_policy, "ResourceNotFoundException", ResourceArn=arn),
            )  # fmt: skip


def _keys(kms: Client) -> Found:
    for each in _pages(kms, "list_keys", "Keys"):
        key = kms.describe_key(KeyId=each["KeyId"])["KeyMetadata"]
        if key["KeyManager"] == "CUSTOMER" and key["KeyState"] != "PendingDeletion":
            policy = kms.get_key_policy(KeyId=key["Arn"], PolicyName="default")["Policy"]
            yield key["Arn"], (key, policy)


def _aliases(kms: Client) -> Found:
    for each in _pages(kms, "list_aliases", "Aliases"):
        if not each["AliasName"].startswith("alias/aws/"):
            yield each["AliasName"], each


def _certificates(acm: Client) -> Found:
    which = {"keyTypes": _ALGORITHMS}
    listed = _pages(acm, "list_certificates", "CertificateSummaryList", Includes=which)
    for each in listed:
        arn = each["CertificateArn"]
        yield arn, acm.describe_certificate(CertificateArn=arn)["Certificate"]


def _zones(route53: Client) -> Found:
    for each in _pages(route53, "list_hosted_zones", "HostedZones"):
        yield each["Id"], {**each, "ResourceRecordSetCount": None}


def _records(route53: Client) -> Found:
    for zone in _pages(route53, "list_hosted_zones", "HostedZones"):
        asked = {"HostedZoneId": zone["Id"]}
        for each in _pages(route53, "list_resource_record_sets", "ResourceRecordSets", **asked):
            yield f"{each['Name']} {each['Type']} in {zone['Id']}", each


def _secrets(secrets: Client) -> Found:
    for each in _pages(secrets, "list_secrets", "SecretList", IncludePlannedDeletion=False):
        yield each["ARN"], each


def _parameters(ssm: Client) -> Found:
    for each in _pages(ssm, "describe_parameters", "Parameters"):
        yield each["Name"], each


def _buckets(s3: Client) -> Found:
    for each in s3.list_buckets().get("Buckets", ()):
        name = each["Name"]
        held = _pages(s3, "list_object_versions", "Versions", Bucket=name)
        policy = _or(s3.get_bucket_policy, "NoSuchBucketPolicy", Bucket=name)
        yield name, (each, [(one["Key"], one["VersionId"], one["ETag"]) for one in held], policy)


def _rest_apis(apis: Client) -> Found:
    for each in _pages(apis, "get_rest_apis", "items"):
        yield each["id"], each


def _domains(apis: Client) -> Found:
    for each in _pages(apis, "get_domain_names", "items"):
        yield each["domainName"], each


def _http_apis(apis: Client) -> Found:
    for each in _pages(apis, "get_apis", "Items"):
        yield each["ApiId"], (each, list(_pages(apis, "get_routes", "Items", ApiId=each["ApiId"])))


def _functions(functions: Client) -> Found:
    for each in _pages(functions, "list_functions", "Functions"):
        name = each["FunctionName"]
        policy = _or(functions.get_policy, "ResourceNotFoundException", FunctionName=name)
        yield name, (each, policy and policy["Policy"])


def _log_groups(logs: Client) -> Found:
    for each in _pages(logs, "describe_log_groups", "logGroups"):
        yield each["logGroupName"], {"creationTime": each["creationTime"]}


def _roles(iam: Client) -> Found:
    for each in _pages(iam, "list_roles", "Roles"):
        name = each["RoleName"]
        if not each["Path"].startswith("/aws-service-role/"):
            inline = _pages(iam, "list_role_policies", "PolicyNames", RoleName=name)
            attached = _pages(iam, "list_attached_role_policies", "AttachedPolicies", RoleName=name)
            yield name, (each, list(inline), list(attached))


def _users(iam: Client) -> Found:
    for each in _pages(iam, "list_users", "Users"):
        name = each["UserName"]
        inline = _pages(iam, "list_user_policies", "PolicyNames", UserName=name)
        keys = _pages(iam, "list_access_keys", "AccessKeyMetadata", UserName=name)
        yield name, (each, list(inline), list(keys))


def _policies(iam: Client) -> Found:
    for each in _pages(iam, "list_policies", "Policies", Scope="Local"):
        yield each["Arn"], each


def _devices(iam: Client) -> Found:
    for each in _pages(iam, "list_virtual_mfa_devices", "VirtualMFADevices"):
        yield each["SerialNumber"], each.get("User", {}).get("Arn")


def _queues(sqs: Client) -> Found:
    for url in _pages(sqs, "list_queues", "QueueUrls"):
        names = ["Policy", "QueueArn", "CreatedTimestamp", "VisibilityTimeout"]
        yield url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names).get("Attributes")


def _topics(sns: Client) -> Found:
    for each in _pages(sns, "list_topics", "Topics"):
        yield each["TopicArn"], sns.get_topic_attributes(TopicArn=each["TopicArn"])["Attributes"]


def _trails(cloudtrail: Client) -> Found:
    for each in cloudtrail.describe_trails(includeShadowTrails=False)["trailList"]:
        yield each["TrailARN"], each


def _buses(events: Client) -> Found:
    for each in _pages(events, "list_event_buses", "EventBuses"):
        if each["Name"] != "default":
            yield each["Name"], each


def _rules(events: Client) -> Found:
    for bus in _pages(events, "list_event_buses", "EventBuses"):
        for each in _pages(events, "list_rules", "Rules", EventBusName=bus["Name"]):
            asked = {"Rule": each["Name"], "EventBusName": bus["Name"]}
            targets = list(_pages(events, "list_targets_by_rule", "Targets", **asked))
            if not each.get("ManagedBy"):
                yield each["Arn"], (each, targets)


def _stacks(stacks: Client) -> Found:
    for each in _pages(stacks, "describe_stacks", "Stacks"):
        yield each["StackId"], each


def _shares(ram: Client) -> Found:
    listed = _pages(ram, "get_resource_shares", "resourceShares", resourceOwner="SELF")
    for each in listed:
        of_policy = each.get("featureSet") == "CREATED_FROM_POLICY"  # as long as AWS keeps that
        if each["status"] not in {"DELETED", "DELETING"} and not of_policy:
            yield each["resourceShareArn"], each


def _permissions(ram: Client) -> Found:
    asked = {"permissionType": "CUSTOMER_MANAGED"}
    for each in _pages(ram, "list_permissions", "permissions", **asked):
        if each["status"] not in {"DELETED", "DELETING"}:
            yield each["arn"], each


def _hubs(hub: Client) -> Found:
    if found := _or(hub.describe_hub, "InvalidAccessException", "ResourceNotFoundException"):
        yield found["HubArn"], found


def _organizations(organizations: Client) -> Found:
    found = _or(organizations.describe_organization, "AWSOrganizationsNotInUseException")
    if found and found["Organization"]["MasterAccountId"] == _account_of(organizations):
        yield found["Organization"]["Arn"], found["Organization"]


def _account_of(client: Client) -> str | None:
    from pkilab.credentials import account_of

    return account_of(client._request_signer._credentials.access_key)


_REGIONAL = (
    ("certificate authority", "acm-pca", _authorities),
    ("KMS key", "kms", _keys),
    ("alias", "kms", _aliases),
    ("ACM certificate", "acm", _certificates),
    ("secret", "secretsmanager", _secrets),
    ("parameter", "ssm", _parameters),
    ("REST API", "apigateway", _rest_apis),
    ("domain name", "apigateway", _domains),
    ("HTTP API", "apigatewayv2", _http_apis),
    ("function", "lambda", _functions),
    ("log group", "logs", _log_groups),
    ("queue", "sqs", _queues),
    ("topic", "sns", _topics),
    ("trail", "cloudtrail", _trails),
    ("event bus", "events", _buses),
    ("event rule", "events", _rules),
    ("stack", "cloudformation", _stacks),
    ("resource share", "ram", _shares),
    ("RAM permission", "ram", _permissions),
    ("Security Hub", "securityhub", _hubs),
)
_GLOBAL = (
    ("hosted zone", "route53", _zones),
    (RECORD, "route53", _records),
    ("bucket", "s3", _buckets),
    ("role", "iam", _roles),
    ("user", "iam", _users),
    ("policy", "iam", _policies),
    ("MFA device", "iam", _devices),
    ("organization", "organizations", _organizations),
)
KINDS = tuple(kind for kind, _, _ in (*_REGIONAL, *_GLOBAL))
