"""Buckets, which must be empty of every version, and objects in buckets that were there before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from pkilab.cleaning.removal.asking import Removal, StillThereError, code
from pkilab.cleaning.removal.kinds import Removed
from pkilab.journal import count

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ListObjectVersionsOutputTypeDef, ObjectIdentifierTypeDef

_BATCH = 1000  # as many objects as one DeleteObjects takes
# CRLs and logs are written for some minutes after their CA or trail is gone.
_EMPTYINGS, _PAUSE = 5, 5
_REPLACED = (
    "in a bucket that was there before, without a version of its own; it may have replaced "
    "another object"
)


def bucket(of: Removal) -> Removed:
    """Empty a bucket and delete it; again, if something was written to it in between."""
    name, owner = of.thing.arn.rpartition(":")[2], of.thing.account_id
    client: S3Client = of.client()
    emptied = 0
    for attempt in range(_EMPTYINGS):
        deleted, trouble = empty(client, name, owner)
        emptied += deleted
        if trouble:
            return Removed("left", trouble)
        try:
            client.delete_bucket(Bucket=name, ExpectedBucketOwner=owner)
        except ClientError as error:
            if code(error) != "BucketNotEmpty":
                raise
        else:
            held = f"with {count(emptied, 'object version')}" if emptied else "empty"
            return Removed("removed", held)
        if attempt + 1 < _EMPTYINGS:
            of.sleep(_PAUSE)
    raise StillThereError(
        f"BucketNotEmpty: objects came again each of the {_EMPTYINGS} times it was emptied"
    )


def empty(client: S3Client, name: str, owner: str) -> tuple[int, str]:
    """Delete every version and delete marker of a bucket.

    Args:
        client: of S3.
        name: the bucket's.
        owner: the account that must own it, twelve digits.

    Returns:
        How many were deleted, and what could not be, in words.
    """
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
            return start, f"{count(len(errors), 'object')} could not be deleted; {why}"
    return len(objects), ""


def _versions(client: S3Client, name: str, owner: str) -> Iterator[ObjectIdentifierTypeDef]:
    pages = client.get_paginator("list_object_versions")
    for page in pages.paginate(Bucket=name, ExpectedBucketOwner=owner):
        yield from _identified(page)


def _identified(page: ListObjectVersionsOutputTypeDef) -> Iterator[ObjectIdentifierTypeDef]:
    for version in page.get("Versions", []):
        yield {"Key": version["Key"], "VersionId": version["VersionId"]}
    for marker in page.get("DeleteMarkers", []):
        yield {"Key": marker["Key"], "VersionId": marker["VersionId"]}


def written_object(of: Removal) -> Removed:
    """Take an object out of a bucket that was there before: exactly the version that was put.

    An object without a version may have replaced another, or have been replaced; it is left. What
    AWS wrote under a name that nothing else can have, an audit report, is the run's whatever its
    versions are.
    """
    version, unique = of.thing.told.get("version"), of.thing.told.get("unique")
    name, _, path = of.thing.arn.partition(":::")[2].partition("/")
    client: S3Client = of.client()
    pages = client.get_paginator("list_object_versions").paginate(Bucket=name, Prefix=path)
    found = [
        each
        for page in pages
        for each in _identified(page)
        if each["Key"] == path and (unique or not version or each.get("VersionId") == version)
    ]
    if found and not (version or unique):
        return Removed("left", _REPLACED)
    if not found:
        return Removed("gone", "in a bucket that was there before")
    answer = client.delete_objects(Bucket=name, Delete={"Objects": found, "Quiet": True})
    if errors := answer.get("Errors"):
        return Removed("left", f"{errors[0].get('Code')}: {errors[0].get('Message')}")
    return Removed("removed", f"{count(len(found), 'version')} in a bucket that was there before")
