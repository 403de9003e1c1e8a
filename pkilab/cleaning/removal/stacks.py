"""Stacks: CloudFormation deletes what they have, and keeps what their templates say it must.

What a stack of the run made and then let go of is still the run's: a CA that was replaced and
retained costs as much as before. The stack's events tell, for 90 days after its deletion.

Source: AWS CloudFormation User Guide, "Deletion policy", "View stack events".
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from pkilab.cleaning.removal import kinds
from pkilab.cleaning.removal.asking import Removal, StillThereError, code, pages
from pkilab.cleaning.removal.buckets import empty
from pkilab.cleaning.removal.kinds import Created, Removed
from pkilab.cleaning.removal.validations import validations_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackEventTypeDef

_AT_MOST, _EVERY = 1800, 10
_BUCKET, _FUNCTION = "AWS::S3::Bucket", "AWS::Lambda::Function"
_QUEUE, _ZONE = "AWS::SQS::Queue", "AWS::Route53::HostedZone"
# Resource type -> kind, boto3's name of the service, and the ARN of its physical id; a rule on
# another bus than the default one has BUS|RULE.
_HERE = "arn:{partition}:{service}:{region}:{account}:"
_RETAINED = {
    "AWS::ACMPCA::CertificateAuthority": (kinds.AUTHORITY, "acm-pca", "{id}"),
    "AWS::CertificateManager::Certificate": (kinds.ACM, "acm", "{id}"),
    "AWS::CloudTrail::Trail": (kinds.TRAIL, "cloudtrail", _HERE + "trail/{id}"),
    "AWS::Events::Rule": (kinds.EVENT_RULE, "events", _HERE + "rule/{id}"),
    "AWS::IAM::Role": (kinds.ROLE, "iam", "arn:{partition}:iam::{account}:role/{id}"),
    "AWS::KMS::Key": (kinds.KEY, "kms", _HERE + "key/{id}"),
    _FUNCTION: (kinds.FUNCTION, "lambda", _HERE + "function:{id}"),
    "AWS::Logs::LogGroup": (kinds.LOG_GROUP, "logs", _HERE + "log-group:{id}"),
    _ZONE: (kinds.ZONE, "route53", "arn:{partition}:route53:::hostedzone/{id}"),
    _BUCKET: (kinds.BUCKET, "s3", "arn:{partition}:s3:::{id}"),
    "AWS::SecretsManager::Secret": (kinds.SECRET, "secretsmanager", "{id}"),
    "AWS::SNS::Topic": (kinds.TOPIC, "sns", "{id}"),
    _QUEUE: (kinds.QUEUE, "sqs", _HERE + "{id}"),
}


def stack(of: Removal) -> Removed:
    """Delete a stack, empty its buckets before, and hand on what it does not delete."""
    client: CloudFormationClient = of.client()
    name = of.thing.arn
    found = client.describe_stacks(StackName=name)["Stacks"][0]
    if found["StackStatus"] == "DELETE_COMPLETE":
        events = _events(of.thing, client)
        return Removed("gone", more=_left_behind(of, events), took=_contents(of.thing, events))
    if not found["StackStatus"].startswith("DELETE_"):
        # CloudFormation finishes an update before it deletes; it cancels a creation.
        _settle(of, client)
    if not found.get("EnableTerminationProtection"):
        _empty_buckets(of, client)
    client.delete_stack(StackName=name)
    status, why = _settle(of, client)
    if status != "DELETE_COMPLETE":
        raise StillThereError(f"{status}: {why}".strip(": "))
    events = _events(of.thing, client)
    return Removed(
        "removed",
        "with its resources, but for those that it retains",
        more=_left_behind(of, events),
        took=_contents(of.thing, events),
    )


def _settle(of: Removal, client: CloudFormationClient) -> tuple[str, str]:
    """Wait until a stack does nothing any more; return its status and the reason."""

    def settled() -> tuple[str, str] | None:
        now = client.describe_stacks(StackName=of.thing.arn)["Stacks"][0]
        status = now["StackStatus"]
        if status.endswith("_IN_PROGRESS") and status not in _CANCELLED_BY_DELETION:
            return None
        return status, now.get("StackStatusReason", "")

    return of.until(settled, what="the stack to come to rest", at_most=_AT_MOST, every=_EVERY)


_CANCELLED_BY_DELETION = ("CREATE_IN_PROGRESS", "REVIEW_IN_PROGRESS")


def _events(of: Created, client: CloudFormationClient) -> list[StackEventTypeDef]:
    """Return the events of what the stack made; what was imported into it is somebody's."""
    found = list(pages(client, "describe_stack_events", "StackEvents", StackName=of.arn))
    imported = {
        each.get("PhysicalResourceId")
        for each in found
        if each["ResourceStatus"].startswith("IMPORT_")
    }
    return [each for each in found if each.get("PhysicalResourceId") not in {*imported, "", None}]


def _empty_buckets(of: Removal, client: CloudFormationClient) -> None:
    events = _events(of.thing, client)
    deleted = set(_ids(events, _BUCKET, "DELETE_COMPLETE"))
    s3 = of.client("s3")
    for name in _ids(events, _BUCKET, "CREATE_COMPLETE"):
        if name not in deleted:
            try:
                empty(s3, name, of.thing.account_id)
            except ClientError as error:
                if code(error) != "NoSuchBucket":
                    raise


def _ids(events: Iterable[StackEventTypeDef], kind: str, status: str) -> list[str]:
    found = (
        each["PhysicalResourceId"]
        for each in events
        if each.get("ResourceType") == kind and each["ResourceStatus"] == status
    )
    return list(dict.fromkeys(found))


def _left_behind(of: Removal, events: list[StackEventTypeDef]) -> tuple[Created, ...]:
    """Return what a stack made and retained, its functions' log groups, and its DNS records."""
    retained = [
        _made(of.thing, kind, number)
        for kind in _RETAINED
        for number in _ids(events, kind, "DELETE_SKIPPED")
    ]
    functions = _ids(events, _FUNCTION, "CREATE_COMPLETE")
    logs = [function_logs_of(_made(of.thing, _FUNCTION, name)) for name in functions]
    return (*retained, *logs, *validations_of(of, events))


def contents_of(stack: Created, client: CloudFormationClient) -> tuple[str, ...]:
    """Return the ARNs of what a stack made, of the kinds that are known here.

    Raises:
        ClientError: there is no such stack (botocore's).
    """
    return _contents(stack, _events(stack, client))


def _contents(stack: Created, events: list[StackEventTypeDef]) -> tuple[str, ...]:
    found = (
        _made(stack, kind, number).arn
        for kind in _RETAINED
        for number in _ids(events, kind, "CREATE_COMPLETE")
    )
    return tuple(dict.fromkeys(found))


def _made(thing: Created, resource_type: str, number: str) -> Created:
    kind, service, form = _RETAINED[resource_type]
    if resource_type == _QUEUE:
        number = number.rpartition("/")[2]  # of its URL
    place = {
        "partition": thing.arn.split(":")[1],
        "region": thing.region,
        "account": thing.account_id,
        "service": service,
        "id": number.replace("|", "/"),
    }
    return replace(thing, kind=kind, service=service, arn=form.format(**place), said="")


def function_logs_of(function: Created) -> Created:
    """Return the log group that Lambda makes for a function when it runs."""
    partition, _, region, account, _, name = function.arn.split(":")[1:7]
    arn = f"arn:{partition}:logs:{region}:{account}:log-group:/aws/lambda/{name}"
    return replace(function, kind=kinds.FUNCTION_LOGS, service="logs", arn=arn, said="")
