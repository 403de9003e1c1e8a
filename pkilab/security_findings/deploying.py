"""Deploying the function of `pkilab.templates` that makes findings of events, as one stack."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from pkilab.errors import LabError
from pkilab.security_findings.watching import Ceremony, Watch
from pkilab.waiting import until

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef
    from mypy_boto3_s3 import S3Client

TEMPLATE = "ca_findings"
_POLL, _LONGEST = timedelta(seconds=5), timedelta(minutes=15)
_DONE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})
_BUSY = frozenset(
    {"CREATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_IN_PROGRESS"}
)


@dataclass(frozen=True, slots=True)
class Deployed:
    """A stack that is there.

    Attributes:
        stack_id: its ARN.
        function_arn: what the rules call.
        dead_letters_url: the queue of what nobody could report.
        dead_letters_arn: the same.
        log_group: where the function writes.
    """

    stack_id: str
    function_arn: str
    dead_letters_url: str
    dead_letters_arn: str
    log_group: str


def deploy(
    cloudformation: CloudFormationClient,
    s3: S3Client,
    *,
    bucket: str,
    authorities: Iterable[str],
    ceremonies: Iterable[Ceremony] = (),
    watch: Watch | None = None,
    stack: str = "ca-findings",
    dependencies: Path | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Deployed:
    """Upload the function and create the stack, or update the one of this name; wait for it.

    Security Hub must be enabled before the first event. What is done to CAs is reported only if a
    trail of the Region logs management events.

    Args:
        cloudformation: client of the account and Region of the CAs.
        s3: client of the same Region.
        bucket: there already, in that Region.
        authorities: ARNs of the CAs whose use is reported, one at least.
        ceremonies: when their use is expected.
        watch: the severities of use; its authorities and ceremonies are not looked at.
        stack: the stack's name.
        dependencies: a folder made by ``pip install --target``; AWS needs pydantic in it.
        sleep: how to wait.

    Raises:
        LabError: the stack could not be made, or is not there after 15 minutes.
        ClientError: a call was refused.
    """
    from pkilab import templates  # noqa: PLC0415 - what is packed does not deploy

    archive = templates.function_zip(TEMPLATE, dependencies)
    key = f"{stack}/{hashlib.sha256(archive).hexdigest()}.zip"
    s3.put_object(Bucket=bucket, Key=key, Body=archive)
    severities = watch or Watch()
    values = {
        "AuthorityArns": ",".join(authorities),
        "Ceremonies": ",".join(map(str, ceremonies)),
        "UseSeverity": severities.use,
        "AlarmSeverity": severities.alarm,
    }
    asked: Any = {
        "StackName": stack,
        "TemplateBody": templates.packaged_template(TEMPLATE, bucket, key),
        "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in values.items()],
        "Capabilities": ["CAPABILITY_IAM"],
    }
    there = _described(cloudformation, stack)
    if there is None:
        cloudformation.create_stack(**asked)
    else:
        if there["StackStatus"] in _BUSY:  # CloudFormation refuses a second change
            _wait(cloudformation, stack, sleep)
        _update(cloudformation, asked)
    made = _wait(cloudformation, stack, sleep)
    outputs = {each.get("OutputKey"): each.get("OutputValue", "") for each in made["Outputs"]}
    return Deployed(
        stack_id=made.get("StackId", ""),
        function_arn=outputs["FunctionArn"],
        dead_letters_url=outputs["DeadLettersUrl"],
        dead_letters_arn=outputs["DeadLettersArn"],
        log_group=outputs["LogGroupName"],
    )


def _described(cloudformation: CloudFormationClient, stack: str) -> StackTypeDef | None:
    try:
        return cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in error.response.get("Error", {}).get("Message", ""):
            return None
        raise


def _update(cloudformation: CloudFormationClient, asked: Any) -> None:  # noqa: ANN401 - boto3's own
    try:
        cloudformation.update_stack(**asked)
    except ClientError as error:
        if "No updates are to be performed" not in error.response.get("Error", {}).get(
            "Message", ""
        ):
            raise


def _wait(
    cloudformation: CloudFormationClient, stack: str, sleep: Callable[[float], None]
) -> StackTypeDef:
    status = "no stack"

    def done() -> StackTypeDef | None:
        nonlocal status
        found = _described(cloudformation, stack)
        status = found["StackStatus"] if found else "no stack"
        if found and status in _DONE:
            return found
        if not status.endswith("_IN_PROGRESS"):
            raise LabError(f"the stack {stack}: {stands()}")
        return None

    def stands() -> str:
        return f"found {status}, expected CREATE_COMPLETE; {_reason(cloudformation, stack)}"

    return until(
        done,
        what=f"the stack {stack}",
        at_most=_LONGEST,
        every=_POLL,
        sleep=sleep,
        found=stands,
    )


def _reason(cloudformation: CloudFormationClient, stack: str) -> str:
    """Return what the first resource that failed says."""
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack)
    events = [each for page in pages for each in page["StackEvents"]]
    for each in reversed(events):
        if each.get("ResourceStatus", "").endswith("_FAILED"):
            return f"{each.get('LogicalResourceId')}: {each.get('ResourceStatusReason')}"
    return "no resource says why"
