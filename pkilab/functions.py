"""Deploying small Python functions to AWS Lambda, for what the notebooks put behind an API."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from pkilab.waiting import IAM_SETTLES, accepted, until

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_iam import IAMClient
    from mypy_boto3_lambda import LambdaClient

_POLL = timedelta(seconds=2)
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can say
_READABLE = 0o100644 << 16  # Lambda runs as another user than the one who packed
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def package(files: Mapping[str, str | bytes]) -> bytes:
    """Return a zip archive of files by their path in it; equal files give equal bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr, entry.compress_type = _READABLE, zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, whatever packed it
            archive.writestr(entry, content)
    return packed.getvalue()


def create_role(iam: IAMClient, name: str) -> str:
    """Create a role that Lambda may assume and that allows nothing; return its ARN.

    It does not even allow to write logs, which Lambda then drops.
    """
    return iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(_TRUST))["Role"][
        "Arn"
    ]


def deploy(
    functions: LambdaClient,
    name: str,
    archive: bytes,
    *,
    role: str,
    handler: str = "index.handler",
    environment: Mapping[str, str] | None = None,
    runtime: str = "python3.12",
    timeout: int = 10,
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Create a function from a zip archive, wait until it can be invoked and return its ARN.

    Lambda takes no role that it cannot assume yet, and a new role takes some seconds: so one that
    is refused for this is tried again, for a minute. Then boto3's waiter waits for five minutes at
    most.

    Args:
        functions: client.
        name: the function's.
        archive: such as `package` returns.
        role: ARN of the role that it runs as.
        handler: module and function.
        environment: its variables.
        runtime: as Lambda calls it.
        timeout: of an invocation, in seconds.
        sleep: how to wait for the role, in seconds.

    Raises:
        LabError: Lambda still cannot assume the role after a minute.
        ClientError: Lambda refused for another reason (botocore's).
        WaiterError: the function failed, or is not active in time (botocore's).
    """
    created = until(
        accepted(
            lambda: functions.create_function(
                FunctionName=name,
                Runtime=runtime,  # type: ignore[arg-type]  # Lambda's own words
                Role=role,
                Handler=handler,
                Code={"ZipFile": archive},
                Environment={"Variables": dict(environment or {})},
                Timeout=timeout,
            ),
            "InvalidParameterValueException",
            saying="cannot be assumed by Lambda",
        ),
        what=f"Lambda to assume {role}",
        at_most=IAM_SETTLES,
        every=_POLL,
        sleep=sleep,
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=name)
    return created["FunctionArn"]


def allow_api(functions: LambdaClient, name: str, api_id: str) -> None:
    """Let an API of the same account and Region invoke a function, for any route."""
    arn = functions.get_function_configuration(FunctionName=name)["FunctionArn"].split(":")
    partition, region, account = arn[1], arn[3], arn[4]
    functions.add_permission(
        FunctionName=name,
        StatementId=f"api-{api_id}",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:{partition}:execute-api:{region}:{account}:{api_id}/*",
    )
