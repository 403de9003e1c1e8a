"""Deploying the function of the template ``certificate_rotation``, which rotates a secret.

Source: Secrets Manager User Guide, "Rotation by Lambda function".
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, WaiterError

from pkilab import templates
from pkilab.errors import LabError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_s3 import S3Client

TEMPLATE = "certificate_rotation"


def deploy(
    cloudformation: CloudFormationClient,
    s3: S3Client,
    *,
    bucket: str,
    secret_arn: str,
    authority_arn: str,
    key_arn: str = "",
    signing_algorithm: str = "SHA256WITHECDSA",
    days: int = 30,
    stack: str = "certificate-rotation",
    dependencies: Path | None = None,
) -> str:
    """Upload the function, create its stack, wait for it and return the function's ARN.

    The secret is there already, with a tag ``ServerName``; it is not told to rotate.

    Args:
        cloudformation: a client of the secret's account and Region.
        s3: a client of the same Region.
        bucket: there already, in that Region.
        secret_arn: the secret that the function may read and write.
        authority_arn: the private CA that it may issue from.
        key_arn: the KMS key of the secret, if it is not ``aws/secretsmanager``.
        signing_algorithm: one that fits the CA's key.
        days: the certificates' validity.
        stack: the stack's name.
        dependencies: a folder made by ``pip install --target``; AWS needs cryptography in it.

    Raises:
        LabError: the stack could not be made.
        ClientError: a call was refused (botocore's).
    """
    archive = templates.function_zip(TEMPLATE, dependencies)
    place = f"{stack}/{hashlib.sha256(archive).hexdigest()}.zip"
    s3.put_object(Bucket=bucket, Key=place, Body=archive)
    values = {
        "SecretArn": secret_arn,
        "AuthorityArn": authority_arn,
        "KeyArn": key_arn,
        "SigningAlgorithm": signing_algorithm,
        "Days": str(days),
    }
    cloudformation.create_stack(
        StackName=stack,
        TemplateBody=templates.packaged_template(TEMPLATE, bucket, place),
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[
            {"ParameterKey": name, "ParameterValue": value} for name, value in values.items()
        ],
    )
    try:
        cloudformation.get_waiter("stack_create_complete").wait(StackName=stack)
    except WaiterError as error:
        raise LabError(f"the stack {stack} is not there: {error}") from error
    try:
        (made,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        raise LabError(f"the stack {stack} is gone: {error}") from error
    outputs = {each["OutputKey"]: each["OutputValue"] for each in made["Outputs"]}
    return outputs["FunctionArn"]
