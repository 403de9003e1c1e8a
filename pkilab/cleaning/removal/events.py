"""Rules, buses, trails, queues, topics, log groups and Security Hub."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from pkilab.cleaning.removal.asking import Removal, StillThereError, code, pages
from pkilab.cleaning.removal.kinds import Removed
from pkilab.journal import count

if TYPE_CHECKING:
    from mypy_boto3_cloudtrail import CloudTrailClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_securityhub import SecurityHubClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient


_CLOCKS = timedelta(minutes=1)  # by which AWS's clock and the ledger's may differ


def rule(of: Removal) -> Removed:
    """Detach a rule's targets and delete it."""
    client: EventBridgeClient = of.client()
    path = of.thing.arn.split(":", 5)[5].split("/")
    name, bus = path[-1], path[1] if len(path) > 2 else "default"  # noqa: PLR2004 - rule/BUS/NAME
    found = [
        each["Id"]
        for each in pages(client, "list_targets_by_rule", "Targets", Rule=name, EventBusName=bus)
    ]
    for start in range(0, len(found), 100):  # as many as one RemoveTargets takes
        ids = found[start : start + 100]
        answer = client.remove_targets(Rule=name, EventBusName=bus, Ids=ids)
        if failed := answer.get("FailedEntries"):
            raise StillThereError(f"target {failed[0].get('TargetId')} cannot be detached: "
                                  f"{failed[0].get('ErrorMessage')}")  # fmt: skip
    client.delete_rule(Name=name, EventBusName=bus)
    return Removed("removed", f"with {count(len(found), 'target')}" if found else "")


def bus(of: Removal) -> Removed:
    """Delete an event bus, which EventBridge refuses while it has rules."""
    client: EventBridgeClient = of.client()
    client.describe_event_bus(Name=of.thing.name)  # the deletion of none succeeds, too
    client.delete_event_bus(Name=of.thing.name)
    return Removed("removed")


def trail(of: Removal) -> Removed:
    """Delete a trail: it logs no more."""
    client: CloudTrailClient = of.client()
    client.delete_trail(Name=of.thing.arn)
    return Removed("removed", "its log files stay in the bucket")


def hub(of: Removal) -> Removed:
    """Switch Security Hub off in the Region."""
    client: SecurityHubClient = of.client()
    client.disable_security_hub()
    return Removed("removed", "with its findings")


def queue(of: Removal) -> Removed:
    """Delete a queue."""
    client: SQSClient = of.client()
    name, owner = of.thing.arn.rpartition(":")[2], of.thing.account_id
    url = client.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=owner)["QueueUrl"]
    client.delete_queue(QueueUrl=url)
    return Removed("removed", "with its messages")


def topic(of: Removal) -> Removed:
    """Delete a topic with its subscriptions."""
    client: SNSClient = of.client()
    arn = of.thing.arn
    held = pages(client, "list_subscriptions_by_topic", "Subscriptions", TopicArn=arn)
    subscribed = len(list(held))
    client.delete_topic(TopicArn=arn)
    return Removed("removed", f"with {count(subscribed, 'subscription')}" if subscribed else "")


def log_group(of: Removal) -> Removed:
    """Delete a log group."""
    client: CloudWatchLogsClient = of.client()
    client.delete_log_group(logGroupName=_group(of))
    return Removed("removed")


def function_logs(of: Removal) -> Removed:
    """Delete the log group of a function of the run, if the function ever ran.

    One that is older than the function is left: a function of that name was there before.
    """
    client: CloudWatchLogsClient = of.client()
    for each in pages(client, "describe_log_groups", "logGroups", logGroupNamePrefix=_group(of)):
        made = datetime.fromtimestamp(each["creationTime"] / 1000, UTC)
        if each["logGroupName"] == _group(of) and made < of.thing.at - _CLOCKS:
            return Removed("left", "it was there before the function, with its logs")
    try:
        client.delete_log_group(logGroupName=_group(of))
    except ClientError as error:
        if code(error) != "ResourceNotFoundException":
            raise
        return Removed("never")
    return Removed("removed")


def _group(of: Removal) -> str:
    return of.thing.arn.split(":log-group:", 1)[1].removesuffix(":*")
