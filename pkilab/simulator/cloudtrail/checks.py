"""May a trail be so? Its name, its prefix, its selectors, and the bucket it writes to.

Sources: CloudTrail API Reference, CreateTrail and PutEventSelectors; User Guide, "Naming
requirements" and "Amazon S3 bucket policy for CloudTrail". Sentences as seen in public reports.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pkilab.simulator.bucket_policies import allows
from pkilab.simulator.cloudtrail.state import Json, LoggingTrail
from pkilab.simulator.s3 import S3
from pkilab.simulator.service import AwsError, not_simulated

PRINCIPAL = "cloudtrail.amazonaws.com"
SELECTORS = 5
EXCLUDABLE = frozenset({"kms.amazonaws.com", "rdsdata.amazonaws.com"})
_SHORTEST, _LONGEST = 3, 128
_PREFIX = 200
_IP_ADDRESS = re.compile(r"\d{1,3}(\.\d{1,3}){3}")


def check_name(name: str) -> None:
    """Refuse what cannot be a trail's name.

    Raises:
        AwsError: InvalidTrailNameException.
    """
    if trouble := next(_name_troubles(name), None):
        raise AwsError("InvalidTrailNameException", trouble)


def _name_troubles(name: str) -> Iterator[str]:
    size = f"Specified name length: {len(name)} characters."
    if len(name) < _SHORTEST:
        yield f"Trail name too short. Minimum allowed length: {_SHORTEST} characters. {size}"
    if len(name) > _LONGEST:
        yield f"Trail name too long. Maximum allowed length: {_LONGEST} characters. {size}"
    if not re.fullmatch(r"[A-Za-z0-9._-]*", name):
        yield (
            "Trail name or ARN can only contain uppercase letters, lowercase letters, numbers, "
            "periods (.), hyphens (-), and underscores (_)."
        )
    if not re.match(r"[A-Za-z0-9]", name):
        yield "Trail name must starts with a letter or number."
    if not re.search(r"[A-Za-z0-9]\Z", name):
        yield "Trail name must ends with a letter or number."
    if re.search(r"[._-]{2}", name):
        yield "Trail name cannot have adjacent periods, hyphens or underscores."
    if _IP_ADDRESS.fullmatch(name):
        yield "Trail name cannot be in IP address format."


def check_prefix(prefix: str | None) -> None:
    """Refuse a key prefix that is too long.

    Raises:
        AwsError: InvalidS3PrefixException.
    """
    if prefix and len(prefix) > _PREFIX:
        message = f"The S3 key prefix can have at most {_PREFIX} characters; found {len(prefix)}."
        raise AwsError("InvalidS3PrefixException", message)


def check_regions(*, multi_region: bool, global_events: bool) -> None:
    """Refuse a trail of every Region without the events of global services.

    Raises:
        AwsError: InvalidParameterCombinationException.
    """
    if multi_region and not global_events:
        raise AwsError(
            "InvalidParameterCombinationException",
            "Multi-Region trail must include global service events.",
        )


def check_selectors(selectors: Sequence[Json]) -> None:
    """Refuse selectors that CloudTrail does not take, and those for data events.

    Raises:
        AwsError: InvalidEventSelectorsException; NotImplemented.
    """
    if not 0 < len(selectors) <= SELECTORS:
        found = len(selectors)
        raise _invalid(f"A trail has one to {SELECTORS} event selectors; found {found}.")
    for selector in selectors:
        if selector.get("DataResources"):
            raise not_simulated("a trail's selector for data events")
        if not selector.get("IncludeManagementEvents", True):
            raise _invalid("An event selector must include management events or data events.")
        unknown = set(selector.get("ExcludeManagementEventSources", ())) - EXCLUDABLE
        if unknown:
            raise _invalid(f"The events of {min(unknown)} cannot be excluded.")


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidEventSelectorsException", message)


def check_bucket(s3: S3, trail: LoggingTrail, name: str, root: str) -> None:
    """Refuse a bucket that is not there, or whose policy does not let CloudTrail in.

    Args:
        s3: the world's buckets.
        trail: whose ARN and account are what the policy's conditions see.
        name: the bucket.
        root: the beginning of the keys that will be written.

    Raises:
        AwsError: S3BucketDoesNotExistException; InsufficientS3BucketPolicyException;
            NotImplemented, the policy says something that is not simulated.
    """
    error = delivery_error(s3, trail, name, root)
    if error == "NoSuchBucket":
        raise AwsError("S3BucketDoesNotExistException", f"S3 bucket {name} does not exist!")
    if error:
        raise AwsError(
            "InsufficientS3BucketPolicyException",
            f"Incorrect S3 bucket policy is detected for bucket: {name}",
        )


def delivery_error(s3: S3, trail: LoggingTrail, name: str, root: str) -> str | None:
    """Return the code with which S3 refuses a trail's files; None: it takes them.

    Raises:
        AwsError: NotImplemented, the bucket's policy says something that is not simulated.
    """
    bucket = s3.bucket(name)
    if bucket is None:
        return "NoSuchBucket"
    arn = f"arn:{trail.arn.split(':')[1]}:s3:::{name}"
    context = (
        ("aws:sourcearn", trail.arn),
        ("aws:sourceaccount", trail.account),
        ("aws:securetransport", "true"),
        ("aws:principalisawsservice", "true"),
        ("aws:principalservicename", PRINCIPAL),
    )
    acl = ("s3:x-amz-acl", "bucket-owner-full-control")
    needed = (
        ("s3:GetBucketAcl", arn, context),
        ("s3:PutObject", f"{arn}/{root}{trail.account}/CloudTrail/x", (*context, acl)),
    )
    if bucket.policy and all(
        allows(bucket.policy, action, resource, service=PRINCIPAL, context=known)
        for action, resource, known in needed
    ):
        return None
    return "AccessDenied"
