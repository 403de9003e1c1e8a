"""What CloudTrail makes of an operation: whether, where and under which name it is an event.

A generic rule, and per service what departs from it.

Sources: CloudTrail User Guide, "Logging management events", "Logging data events"; the services'
own pages on CloudTrail; Service Authorization Reference for what only reads.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from botocore.exceptions import UnknownServiceError
from botocore.model import OperationNotFoundError, Shape

from pkilab.iam.services import GLOBAL, HOME
from pkilab.simulator.service import service_model

GLOBAL_REGION = HOME
_READS = re.compile(
    r"(Describe|Get|List|Lookup|Search|Head|Check|Test|Simulate|Filter|BatchGet|Estimate|Validate"
    r"|View|Preview)[A-Z]"
)
# Service names of the simulator that are not botocore's, or not those of the event's source.
_MODELS = {"tagging": "resourcegroupstaggingapi"}
_SOURCES = {"apigatewayv2": "apigateway"}
# Data events: they are logged for who configures it, and never in the event history.
_DATA: dict[str, frozenset[str]] = {
    "s3": frozenset({
        "AbortMultipartUpload", "CompleteMultipartUpload", "CopyObject", "CreateMultipartUpload",
        "DeleteObject", "DeleteObjects", "DeleteObjectTagging", "GetObject", "GetObjectAcl",
        "GetObjectAttributes", "GetObjectLegalHold", "GetObjectRetention", "GetObjectTagging",
        "GetObjectTorrent", "HeadBucket", "HeadObject", "ListMultipartUploads", "ListObjects",
        "ListObjectsV2", "ListObjectVersions", "ListParts", "PutObject", "PutObjectAcl",
        "PutObjectLegalHold", "PutObjectRetention", "PutObjectTagging", "RestoreObject",
        "SelectObjectContent", "UploadPart", "UploadPartCopy",
    }),
    "lambda": frozenset({"Invoke", "InvokeAsync", "InvokeWithResponseStream"}),
    "events": frozenset({"PutEvents"}),
    "logs": frozenset({"FilterLogEvents", "GetLogEvents", "GetLogRecord", "PutLogEvents"}),
    "sns": frozenset({"Publish", "PublishBatch"}),
    "sqs": frozenset({
        "ChangeMessageVisibility", "ChangeMessageVisibilityBatch", "DeleteMessage",
        "DeleteMessageBatch", "ReceiveMessage", "SendMessage", "SendMessageBatch",
    }),
}  # fmt: skip
# Readers whose names do not say so. KMS: every cryptographic operation, as its guide's examples.
_READERS: dict[str, frozenset[str]] = {
    "kms": frozenset({
        "Decapsulate", "Decrypt", "DeriveSharedSecret", "Encapsulate", "Encrypt",
        "GenerateDataKey", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext",
        "GenerateDataKeyWithoutPlaintext", "GenerateMac", "GenerateRandom", "ReEncrypt", "Sign",
        "Verify", "VerifyMac",
    }),
    "sts": frozenset({
        "AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "AssumeRoot",
        "DecodeAuthorizationMessage",
    }),
    "acm": frozenset({"ExportCertificate"}),
    "iam": frozenset({"GenerateCredentialReport", "GenerateServiceLastAccessedDetails"}),
    "logs": frozenset({"StartQuery", "StopQuery"}),
}  # fmt: skip
# Readers whose answer is in the event all the same.
_ANSWERED = {
    ("acm", "ExportCertificate"), ("sts", "AssumeRole"), ("sts", "AssumeRoleWithSAML"),
    ("sts", "AssumeRoleWithWebIdentity"), ("sts", "AssumeRoot"), ("sts", "GetFederationToken"),
    ("sts", "GetSessionToken"),
}  # fmt: skip
_LAMBDA_VERSIONS = {
    "AddPermission": "20150331v2", "CreateAlias": "20150331", "CreateFunction": "20150331",
    "DeleteAlias": "20150331", "DeleteFunction": "20150331", "GetAlias": "20150331",
    "GetFunction": "20150331v2", "GetFunctionConfiguration": "20150331v2",
    "GetPolicy": "20150331v2", "ListAliases": "20150331", "ListFunctions": "20150331",
    "ListTags": "20170331", "ListVersionsByFunction": "20150331", "PublishVersion": "20150331",
    "RemovePermission": "20150331v2", "TagResource": "20170331v2", "UntagResource": "20170331v2",
    "UpdateAlias": "20150331", "UpdateFunctionCode": "20150331v2",
    "UpdateFunctionConfiguration": "20150331v2",
}  # fmt: skip
_S3_NAMES = {
    "DeletePublicAccessBlock": "DeleteBucketPublicAccessBlock",
    "GetBucketLifecycleConfiguration": "GetBucketLifecycle",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "PutBucketLifecycleConfiguration": "PutBucketLifecycle",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """What the events of one operation have in common."""

    source: str  # such as kms.amazonaws.com
    name: str
    read_only: bool
    answered: bool  # whether responseElements has the answer
    globally: bool  # whether they are events of us-east-1, wherever the caller is
    request: Shape | None
    response: Shape | None


@functools.cache
def kind_of(service: str, operation: str) -> Kind | None:
    """Return what an operation's events are like; ``None`` for data events, which are not kept."""
    if operation in _DATA.get(service, ()):
        return None
    reads = bool(_READS.match(operation)) or operation in _READERS.get(service, ())
    request, response = _shapes(service, operation)
    return Kind(
        source=f"{_SOURCES.get(service, service)}.amazonaws.com",
        name=_event_name(service, operation),
        read_only=reads,
        answered=not reads or (service, operation) in _ANSWERED,
        globally=service in GLOBAL,
        request=request,
        response=response,
    )


def _event_name(service: str, operation: str) -> str:
    if service == "lambda":
        return operation + _LAMBDA_VERSIONS.get(operation, "")
    return _S3_NAMES.get(operation, operation) if service == "s3" else operation


def _shapes(service: str, operation: str) -> tuple[Shape | None, Shape | None]:
    try:
        model = service_model(_MODELS.get(service, service))
        found = model.operation_model(operation)
    except (OperationNotFoundError, UnknownServiceError):  # nothing that AWS has
        return None, None
    return found.input_shape, found.output_shape
