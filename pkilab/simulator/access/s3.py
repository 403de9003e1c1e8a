"""Amazon S3: what its operations need.

Many operations are named otherwise than their actions, and some need several: a canned ACL, tags, a
retention and a version each have an action of their own. Reading an object that is not there needs
leave to list the bucket, which is how S3 tells 403 from 404. A bucket that is not there needs
nothing: S3 says so to everybody. What stands in a body is not read, so that PutBucketReplication,
which hands over a role there, is not simulated.

Sources: Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3";
S3 User Guide, "Required permissions for Amazon S3 API operations"; S3 API Reference, "Permissions"
of each operation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from urllib.parse import parse_qsl

from pkilab.simulator.access.asking import (
    Access,
    Asked,
    Context,
    Rule,
    given,
    rows,
    tagging,
)
from pkilab.simulator.borrowed_requests import read_copy_source

PREFIX = "s3"
KEYS = frozenset(
    {
        "s3:prefix", "s3:delimiter", "s3:max-keys", "s3:versionid",
        "s3:x-amz-acl", "s3:x-amz-copy-source", "s3:x-amz-metadata-directive",
        "s3:x-amz-server-side-encryption", "s3:x-amz-server-side-encryption-aws-kms-key-id",
        "s3:x-amz-storage-class", "s3:x-amz-grant-full-control", "s3:x-amz-grant-read",
        "s3:x-amz-grant-read-acp", "s3:x-amz-grant-write", "s3:x-amz-grant-write-acp",
        "s3:resourceaccount", "s3:object-lock-mode", "s3:object-lock-legal-hold",
        "s3:object-lock-retain-until-date", "s3:existingobjecttag/", "s3:requestobjecttag/",
        "s3:if-match", "s3:if-none-match", "aws:requesttag/", "aws:tagkeys",
    }
)  # fmt: skip
# Keys that stand in a request's body, of which nobody here knows more than DeleteObjects' keys and
# a new bucket's tags. What a Region that is not named counts as is unpublished.
UNREAD = {
    "s3:createbucket": ("s3:locationconstraint",),
    "s3:putobjecttagging": ("s3:requestobjecttag/",),
    "s3:putobjectversiontagging": ("s3:requestobjecttag/",),
}
_GRANTS = {
    "GrantFullControl": "s3:x-amz-grant-full-control",
    "GrantRead": "s3:x-amz-grant-read",
    "GrantReadACP": "s3:x-amz-grant-read-acp",
    "GrantWrite": "s3:x-amz-grant-write",
    "GrantWriteACP": "s3:x-amz-grant-write-acp",
}
_ACL = {"ACL": "s3:x-amz-acl", **_GRANTS}
_RETENTION = {
    "ObjectLockMode": "s3:object-lock-mode",
    "ObjectLockRetainUntilDate": "s3:object-lock-retain-until-date",
}
_HOLD = {"ObjectLockLegalHoldStatus": "s3:object-lock-legal-hold"}
# Member of a request -> condition key of PutObject.
_WRITTEN = {
    "ServerSideEncryption": "s3:x-amz-server-side-encryption",
    "SSEKMSKeyId": "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "StorageClass": "s3:x-amz-storage-class",
    "MetadataDirective": "s3:x-amz-metadata-directive",
    "IfMatch": "s3:if-match",
    "IfNoneMatch": "s3:if-none-match",
    **_ACL,
    **_RETENTION,
    **_HOLD,
}
# Actions with s3:ExistingObjectTag.
_BY_TAG = frozenset(
    {
        "DeleteObjectTagging", "DeleteObjectVersionTagging", "GetObject", "GetObjectAcl",
        "GetObjectAttributes", "GetObjectTagging", "GetObjectVersion", "GetObjectVersionAcl",
        "GetObjectVersionAttributes", "GetObjectVersionTagging", "PutObjectAcl",
        "PutObjectTagging", "PutObjectVersionAcl", "PutObjectVersionTagging",
    }
)  # fmt: skip


def _said(asked: Asked, keys: Mapping[str, str]) -> Context:
    """Return the condition keys of the members that a request has."""
    return given({key: asked.members.get(member) for member, key in keys.items()})


def _bucket(asked: Asked, action: str, context: Context | None = None) -> Iterator[Access]:
    """Yield an action on a bucket that is there."""
    arn = f"arn:aws:s3:::{asked.members['Bucket']}"
    if found := asked.facts.resource(arn):
        keys = {"s3:resourceaccount": found.owner, **(context or {})}
        yield replace(asked.access(arn, action, keys), owner=found.owner)


def _object(
    asked: Asked,
    action: str,
    context: Context | None = None,
    *,
    place: tuple[str, str, str | None] | None = None,
) -> Iterator[Access]:
    """Yield an action on an object; ``place``, its bucket, key and version, is the request's."""
    members = asked.members
    bucket, key, version = place or (members["Bucket"], members["Key"], members.get("VersionId"))
    found = asked.facts.resource(f"arn:aws:s3:::{bucket}")
    if found is None:
        return
    tags = (asked.facts.object_tags(bucket, key, version) or {}) if action in _BY_TAG else {}
    told = version if "Version" in action else None
    keys = given({"s3:versionid": told, "s3:resourceaccount": found.owner})
    keys |= {f"s3:existingobjecttag/{name.lower()}": value for name, value in tags.items()}
    made = asked.access(f"arn:aws:s3:::{bucket}/{key}", action, keys | (context or {}))
    yield replace(made, owner=found.owner)


def _on_bucket(action: str = "") -> Rule:
    return lambda asked: _bucket(asked, action or asked.operation)


def _listing(action: str) -> Rule:
    def rule(asked: Asked) -> Iterator[Access]:
        keys = {
            "Prefix": "s3:prefix",
            "Delimiter": "s3:delimiter",
            "MaxKeys": "s3:max-keys",
        }
        yield from _bucket(asked, action, _said(asked, keys))

    return rule


def _reading(action: str, *, versioned: str = "", also: tuple[str, str] | None = None) -> Rule:
    """Return the rule for what reads an object; ``versioned``: the action with a version's id."""

    def rule(asked: Asked) -> Iterator[Access]:
        members = asked.members
        version = members.get("VersionId")
        actions = [versioned if version and versioned else action]
        if also:
            actions.append(also[1] if version else also[0])
        for each in actions:
            yield from _object(asked, each)
        yield from _missing(asked, members["Bucket"], members["Key"], version)

    return rule


def _missing(asked: Asked, bucket: str, key: str, version: str | None) -> Iterator[Access]:
    """Yield what it takes to be told that an object is not there (GetObject, "Permissions")."""
    arn = f"arn:aws:s3:::{bucket}"
    found = asked.facts.resource(arn)
    if found and asked.facts.object_tags(bucket, key, version) is None:
        action = "ListBucketVersions" if version else "ListBucket"
        yield replace(asked.access(arn, action), owner=found.owner)


def _changing(action: str, *, versioned: str = "") -> Rule:
    def rule(asked: Asked) -> Iterator[Access]:
        version = asked.members.get("VersionId")
        yield from _object(asked, versioned if version and versioned else action)

    return rule


def _writing(asked: Asked) -> Iterator[Access]:
    """PutObject, CopyObject, CreateMultipartUpload: everything that a request asks for besides."""
    members = asked.members
    keys = _said(asked, _WRITTEN)
    place = (members["Bucket"], members["Key"], None)
    source = _source(members.get("CopySource"))
    if source:
        keys["s3:x-amz-copy-source"] = "/".join(source[:2])
        yield from _copied(asked, source)
    tags = _object_tags(members.get("Tagging"))
    yield from _object(asked, "PutObject", keys | tags, place=place)
    if acl := _said(asked, _ACL):
        yield from _object(asked, "PutObjectAcl", acl, place=place)
    if tags:
        yield from _object(asked, "PutObjectTagging", tags, place=place)
    if retention := _said(asked, _RETENTION):
        yield from _object(asked, "PutObjectRetention", retention, place=place)
    if hold := _said(asked, _HOLD):
        yield from _object(asked, "PutObjectLegalHold", hold, place=place)


def _part(asked: Asked) -> Iterator[Access]:
    place = (asked.members["Bucket"], asked.members["Key"], None)
    if source := _source(asked.members.get("CopySource")):
        yield from _copied(asked, source)
    yield from _object(asked, "PutObject", place=place)


def _copied(asked: Asked, source: tuple[str, str, str | None]) -> Iterator[Access]:
    action = "GetObjectVersion" if source[2] else "GetObject"
    yield from _object(asked, action, place=source)
    if asked.facts.object_tags(*source):
        action = "GetObjectVersionTagging" if source[2] else "GetObjectTagging"
        yield from _object(asked, action, place=source)
    yield from _missing(asked, *source)


def _deleting(asked: Asked) -> Iterator[Access]:
    """DeleteObject, and DeleteObjects for every key that it names."""
    members = asked.members
    listed = members["Delete"]["Objects"] if "Delete" in members else [members]
    for each in listed:
        place = (members["Bucket"], each["Key"], each.get("VersionId"))
        action = "DeleteObjectVersion" if place[2] else "DeleteObject"
        yield from _object(asked, action, place=place)
        if str(members.get("BypassGovernanceRetention", "")).lower() == "true":
            yield from _object(asked, "BypassGovernanceRetention", place=place)


def _retention(asked: Asked) -> Iterator[Access]:
    yield from _object(asked, "PutObjectRetention")
    if str(asked.members.get("BypassGovernanceRetention", "")).lower() == "true":
        yield from _object(asked, "BypassGovernanceRetention")


def _acl(action: str, *, versioned: str = "", bucket: bool = False) -> Rule:
    def rule(asked: Asked) -> Iterator[Access]:
        keys = _said(asked, _ACL)
        if bucket:
            yield from _bucket(asked, action, keys)
        else:
            name = versioned if asked.members.get("VersionId") and versioned else action
            yield from _object(asked, name, keys)

    return rule


def _create_bucket(asked: Asked) -> Iterator[Access]:
    members = asked.members
    arn = f"arn:aws:s3:::{members['Bucket']}"
    acl = _said(asked, _ACL)
    tags = tagging((members.get("CreateBucketConfiguration") or {}).get("Tags"))
    yield asked.access(arn, "CreateBucket", acl | tags)
    if tags:  # CreateBucket, "Permissions"
        yield asked.access(arn, "TagResource", tags)
    if acl:
        yield asked.access(arn, "PutBucketAcl", acl)
    if str(members.get("ObjectLockEnabledForBucket", "")).lower() == "true":
        yield asked.access(arn, "PutBucketObjectLockConfiguration")
        yield asked.access(arn, "PutBucketVersioning")
    if members.get("ObjectOwnership"):
        yield asked.access(arn, "PutBucketOwnershipControls")


def _list_buckets(asked: Asked) -> Iterator[Access]:
    yield asked.access(action="ListAllMyBuckets")


def _object_tags(tags: object) -> Context:
    """Return the condition keys of tags that an object gets, which are written as a query."""
    pairs = parse_qsl(tags, keep_blank_values=True) if isinstance(tags, str) else []
    return {f"s3:requestobjecttag/{key.lower()}": value for key, value in pairs}


def _source(copied: object) -> tuple[str, str, str | None] | None:
    """Return bucket, key and version of a CopySource.

    Raises:
        AwsError: InvalidArgument, it is none.
    """
    if isinstance(copied, dict):
        return copied["Bucket"], copied["Key"], copied.get("VersionId")
    if not isinstance(copied, str):
        return None
    return read_copy_source(copied)


# Settings of a bucket whose operations are named otherwise than their actions.
_SETTINGS = {
    "GetBucketCORS": "GetBucketCors",
    "PutBucketCORS": "PutBucketCors DeleteBucketCors",
    "GetEncryptionConfiguration": "GetBucketEncryption",
    "PutEncryptionConfiguration": "PutBucketEncryption DeleteBucketEncryption",
    "GetLifecycleConfiguration": "GetBucketLifecycle GetBucketLifecycleConfiguration",
    "PutLifecycleConfiguration": "PutBucketLifecycle PutBucketLifecycleConfiguration "
    "DeleteBucketLifecycle",
    "GetBucketNotification": "GetBucketNotification GetBucketNotificationConfiguration",
    "PutBucketNotification": "PutBucketNotification PutBucketNotificationConfiguration",
    "GetReplicationConfiguration": "GetBucketReplication",
    "PutReplicationConfiguration": "DeleteBucketReplication",
    "GetBucketPublicAccessBlock": "GetPublicAccessBlock",
    "PutBucketPublicAccessBlock": "PutPublicAccessBlock DeletePublicAccessBlock",
    "PutBucketOwnershipControls": "PutBucketOwnershipControls DeleteBucketOwnershipControls",
    "PutBucketTagging": "PutBucketTagging DeleteBucketTagging",
    "GetBucketObjectLockConfiguration": "GetObjectLockConfiguration",
    "PutBucketObjectLockConfiguration": "PutObjectLockConfiguration",
    "GetAccelerateConfiguration": "GetBucketAccelerateConfiguration",
    "PutAccelerateConfiguration": "PutBucketAccelerateConfiguration",
    "GetAnalyticsConfiguration": "GetBucketAnalyticsConfiguration "
    "ListBucketAnalyticsConfigurations",
    "PutAnalyticsConfiguration": "PutBucketAnalyticsConfiguration "
    "DeleteBucketAnalyticsConfiguration",
    "GetIntelligentTieringConfiguration": "GetBucketIntelligentTieringConfiguration "
    "ListBucketIntelligentTieringConfigurations",
    "PutIntelligentTieringConfiguration": "PutBucketIntelligentTieringConfiguration "
    "DeleteBucketIntelligentTieringConfiguration",
    "GetInventoryConfiguration": "GetBucketInventoryConfiguration "
    "ListBucketInventoryConfigurations",
    "PutInventoryConfiguration": "PutBucketInventoryConfiguration "
    "DeleteBucketInventoryConfiguration",
    "GetMetricsConfiguration": "GetBucketMetricsConfiguration ListBucketMetricsConfigurations",
    "PutMetricsConfiguration": "PutBucketMetricsConfiguration DeleteBucketMetricsConfiguration",
}
TABLE = rows(
    (_list_buckets, "ListBuckets"),
    (_create_bucket, "CreateBucket"),
    *((_on_bucket(action), operations) for action, operations in _SETTINGS.items()),
    (
        _on_bucket(),
        """
        DeleteBucket DeleteBucketPolicy DeleteBucketWebsite GetBucketAcl GetBucketLocation
        GetBucketLogging GetBucketOwnershipControls GetBucketPolicy GetBucketPolicyStatus
        GetBucketRequestPayment GetBucketTagging GetBucketVersioning GetBucketWebsite
        PutBucketLogging PutBucketPolicy PutBucketRequestPayment PutBucketVersioning
        PutBucketWebsite
        """,
    ),
    (_acl("PutBucketAcl", bucket=True), "PutBucketAcl"),
    (_on_bucket("ListBucket"), "HeadBucket"),
    (_listing("ListBucket"), "ListObjects ListObjectsV2"),
    (_listing("ListBucketVersions"), "ListObjectVersions"),
    (_on_bucket("ListBucketMultipartUploads"), "ListMultipartUploads"),
    (
        _reading("GetObject", versioned="GetObjectVersion"),
        "GetObject HeadObject SelectObjectContent",
    ),
    (
        _reading(
            "GetObject",
            versioned="GetObjectVersion",
            also=("GetObjectAttributes", "GetObjectVersionAttributes"),
        ),
        "GetObjectAttributes",
    ),
    (_reading("GetObjectAcl", versioned="GetObjectVersionAcl"), "GetObjectAcl"),
    (_reading("GetObjectTagging", versioned="GetObjectVersionTagging"), "GetObjectTagging"),
    (_reading("GetObjectLegalHold"), "GetObjectLegalHold"),
    (_reading("GetObjectRetention"), "GetObjectRetention"),
    (_reading("GetObjectTorrent", versioned="GetObjectVersionTorrent"), "GetObjectTorrent"),
    (_writing, "PutObject CopyObject CreateMultipartUpload"),
    (_part, "UploadPart UploadPartCopy CompleteMultipartUpload"),
    (_changing("AbortMultipartUpload"), "AbortMultipartUpload"),
    (_changing("ListMultipartUploadParts"), "ListParts"),
    (_changing("RestoreObject"), "RestoreObject"),
    (_changing("PutObjectTagging", versioned="PutObjectVersionTagging"), "PutObjectTagging"),
    (
        _changing("DeleteObjectTagging", versioned="DeleteObjectVersionTagging"),
        "DeleteObjectTagging",
    ),
    (_changing("PutObjectLegalHold"), "PutObjectLegalHold"),
    (_retention, "PutObjectRetention"),
    (_acl("PutObjectAcl", versioned="PutObjectVersionAcl"), "PutObjectAcl"),
    (_deleting, "DeleteObject DeleteObjects"),
)
