"""AWS::S3: buckets and their policies.

Source: AWS CloudFormation Template Reference, AWS::S3::Bucket and ::BucketPolicy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, NamedTuple

from pkilab.simulator.cloudformation.documents import Value
from pkilab.simulator.cloudformation.intrinsics import text_of
from pkilab.simulator.cloudformation.resources.base import (
    IN_PLACE,
    REPLACES,
    REPLACES_REQUIRED,
    REQUIRED,
    FailedError,
    Property,
    ResourceType,
    Work,
    document,
    typed,
)
from pkilab.simulator.service import Json, service_model

_HOME = "us-east-1"  # the one Region that is not named as a location
_LONGEST = 63


class _Setting(NamedTuple):
    """A property that an operation of its own sets, and another takes back."""

    put: str
    member: str
    delete: str = ""


_SETTINGS = {
    "VersioningConfiguration": _Setting("PutBucketVersioning", "VersioningConfiguration"),
    "PublicAccessBlockConfiguration": _Setting(
        "PutPublicAccessBlock", "PublicAccessBlockConfiguration", "DeletePublicAccessBlock"
    ),
    "OwnershipControls": _Setting(
        "PutBucketOwnershipControls", "OwnershipControls", "DeleteBucketOwnershipControls"
    ),
    "BucketEncryption": _Setting(
        "PutBucketEncryption", "ServerSideEncryptionConfiguration", "DeleteBucketEncryption"
    ),
    "Tags": _Setting("PutBucketTagging", "Tagging", "DeleteBucketTagging"),
}
# What the API calls otherwise than the template does.
_RENAMED = {
    "ServerSideEncryptionConfiguration": "Rules",
    "ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault",
}


class Bucket(ResourceType):
    """A bucket. It must be empty to be deleted."""

    type: ClassVar[str] = "AWS::S3::Bucket"
    properties: ClassVar[Mapping[str, Property]] = {
        "BucketName": REPLACES,
        **dict.fromkeys(_SETTINGS, IN_PLACE),
    }
    unmodelled: ClassVar[tuple[str, ...]] = (
        "AbacStatus", "AccelerateConfiguration", "AccessControl", "AnalyticsConfigurations",
        "BucketNamePrefix", "BucketNamespace", "CorsConfiguration",
        "IntelligentTieringConfigurations", "InventoryConfigurations", "LifecycleConfiguration",
        "LoggingConfiguration", "MetadataConfiguration", "MetadataTableConfiguration",
        "MetricsConfigurations", "NotificationConfiguration", "ObjectLockConfiguration",
        "ObjectLockEnabled", "ReplicationConfiguration", "WebsiteConfiguration",
    )  # fmt: skip
    attributes: ClassVar[tuple[str, ...]] = (
        "Arn", "DomainName", "RegionalDomainName", "DualStackDomainName", "WebsiteURL",
    )  # fmt: skip
    own_name: ClassVar[str] = "BucketName"
    tags: ClassVar[str] = "Tags"
    gone: ClassVar[frozenset[str]] = frozenset({"NoSuchBucket"})

    def create(self, work: Work) -> str:
        name = text_of(work.get("BucketName", work.name(_LONGEST).lower())) or ""
        if name != name.lower():
            message = "Bucket name should not contain uppercase characters"
            raise FailedError(message, "InvalidRequest")
        region = work.aws.region
        place = {} if region == _HOME else {"LocationConstraint": region}
        work.aws("s3", "CreateBucket", Bucket=name, CreateBucketConfiguration=place or None)
        return name

    def settle(self, work: Work) -> Iterator[None]:
        name, region = work.physical_id, work.aws.region
        for each in _SETTINGS:
            if each in work.properties:
                self._set(work, each)
        work.attributes |= {
            "Arn": f"arn:aws:s3:::{name}",
            "DomainName": f"{name}.s3.amazonaws.com",
            "RegionalDomainName": f"{name}.s3.{region}.amazonaws.com",
            "DualStackDomainName": f"{name}.s3.dualstack.{region}.amazonaws.com",
            "WebsiteURL": f"http://{name}.s3-website-{region}.amazonaws.com",
        }
        yield from ()

    def update(self, work: Work, before: Json) -> None:
        for name in self.changed(before, work.properties):
            if name in work.properties:
                continue  # set by `settle`
            setting = _SETTINGS[name]
            if setting.delete:
                work.aws("s3", setting.delete, Bucket=work.physical_id)
            else:  # versioning cannot be taken back
                suspended = {"Status": "Suspended"}
                work.aws(
                    "s3", setting.put, Bucket=work.physical_id, VersioningConfiguration=suspended
                )

    def _set(self, work: Work, name: str) -> None:
        setting = _SETTINGS[name]
        given: Value = work.get(name)
        if name == "Tags":
            given = {"TagSet": given}
        shape = service_model("s3").operation_model(setting.put).input_shape
        if shape is None:
            raise FailedError(f"{setting.put} takes nothing")
        value = typed(shape.members[setting.member], _as_api(given), f"#/{name}")
        work.aws("s3", setting.put, Bucket=work.physical_id, **{setting.member: value})

    def delete(self, work: Work) -> None:
        work.aws("s3", "DeleteBucket", Bucket=work.physical_id)


def _as_api(value: Value) -> Value:
    if isinstance(value, list):
        return [_as_api(each) for each in value]
    if isinstance(value, dict):
        return {_RENAMED.get(key, key): _as_api(each) for key, each in value.items()}
    return value


class BucketPolicy(ResourceType):
    """The policy of a bucket, which has one at most."""

    type: ClassVar[str] = "AWS::S3::BucketPolicy"
    properties: ClassVar[Mapping[str, Property]] = {
        "Bucket": REPLACES_REQUIRED,
        "PolicyDocument": REQUIRED,
    }
    gone: ClassVar[frozenset[str]] = frozenset({"NoSuchBucket", "NoSuchBucketPolicy"})

    def create(self, work: Work) -> str:
        bucket = text_of(work.get("Bucket")) or ""
        self._put(work, bucket)
        return bucket

    def update(self, work: Work, before: Json) -> None:  # noqa: ARG002 - it is put anew
        self._put(work, work.physical_id)

    def _put(self, work: Work, bucket: str) -> None:
        policy = document(work.get("PolicyDocument"), "#/PolicyDocument")
        work.aws("s3", "PutBucketPolicy", Bucket=bucket, Policy=policy)

    def delete(self, work: Work) -> None:
        work.aws("s3", "DeleteBucketPolicy", Bucket=work.physical_id)
