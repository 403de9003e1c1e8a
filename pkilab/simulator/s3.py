"""The one door from simulated services to moto's S3: read a bucket's settings, write an object.

moto keeps S3's state and answers its API; nothing else in pkilab touches moto's S3 models. moto's
version is pinned, because they are not a public interface.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from moto.iam.access_control import PermissionResult
from moto.s3 import models

from pkilab.simulator.bucket_policies import allows
from pkilab.simulator.service import AwsError, Json
from pkilab.simulator.tagging.resources import Tagged

CannedAcl = Literal["private", "public-read", "bucket-owner-full-control"]
_MOST_TAGS, _KEY, _VALUE = 50, 128, 256  # of a bucket; characters


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket's settings at one moment, as far as a service that writes to it must know them."""

    name: str
    account: str  # the owner
    region: str
    policy: str | None
    public_acls_blocked: bool  # Block Public Access: BlockPublicAcls
    acls_disabled: bool  # Object Ownership: BucketOwnerEnforced
    object_lock: bool
    encryption: str | None  # default encryption: AES256, aws:kms ...; None: S3's own default
    kms_key: str | None  # None: the AWS managed key, if encryption is by KMS


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as it was at one version."""

    account: str  # the bucket's owner
    body: bytes = field(repr=False)
    version: str | None  # None: the bucket was never versioned


class S3:
    """Buckets of every account of the world, seen by an AWS service rather than by a client."""

    def bucket(self, name: str) -> Bucket | None:
        """Return the settings of the bucket of that name, whoever owns it; ``None``: no such."""
        found = _model(name)
        if found is None:
            return None
        blocked = found.public_access_block
        rule = (found.encryption or {}).get("Rule", {}).get("ApplyServerSideEncryptionByDefault")
        return Bucket(
            name=name,
            account=found.account_id,
            region=found.region_name,
            policy=found.policy.decode(errors="replace") if found.policy else None,
            public_acls_blocked=bool(blocked and blocked.block_public_acls),
            acls_disabled=found.ownership_rule == "BucketOwnerEnforced",
            object_lock=bool(found.object_lock_enabled),
            encryption=rule.get("SSEAlgorithm") if rule else None,
            kms_key=rule.get("KMSMasterKeyID") if rule else None,
        )

    def get(self, bucket: str, key: str, version: str | None = None) -> StoredObject | None:
        """Read an object, as the service: no policy is asked here.

        Args:
            bucket: a bucket's name, of any account.
            key: the object's key.
            version: its version id; None: the newest.

        Returns:
            The object; None: no such bucket, key or version, or a delete marker.
        """
        found = _model(bucket)
        if found is None:
            return None
        stored = _stored(found, key, version)
        if stored is None:
            return None
        number = stored.version_id if found.versioning_status else None
        return StoredObject(found.account_id, stored.value, number)

    def tags(self, bucket: str, key: str, version: str | None = None) -> dict[str, str] | None:
        """Return an object's tags; None: no such bucket, key or version, or a delete marker."""
        found = _model(bucket)
        if found is None or (stored := _stored(found, key, version)) is None:
            return None
        backend = models.s3_backends[found.account_id][found.partition]
        tags: dict[str, str] = backend.tagger.get_tag_dict_for_resource(stored.arn)
        return tags

    def tagged_resources(self, account: str, region: str) -> Iterator[Tagged]:
        """Return an account's buckets of a Region with their tags."""
        backend = models.s3_backends[account]["aws"]
        for name, found in backend.buckets.items():
            if found.region_name == region:
                yield f"arn:aws:s3:::{name}", backend.tagger.get_tag_dict_for_resource(found.arn)

    def put(
        self,
        bucket: str,
        key: str,
        body: bytes,
        *,
        content_type: str,
        acl: CannedAcl,
        encoding: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Write an object, as the service: no policy is asked here (`buckets.check` does).

        Args:
            bucket: an existing bucket, of any account.
            key: the object's key; an object of that key is replaced (or gets a new version).
            body: the object's bytes.
            content_type: its ``Content-Type``.
            acl: the canned ACL, as in ``x-amz-acl``.
            encoding: its ``Content-Encoding``, if it has one.
            metadata: the user's own metadata, without ``x-amz-meta-``.

        Raises:
            KeyError: there is no such bucket.
        """
        found = _model(bucket)
        if found is None:
            raise KeyError(bucket)
        backend = models.s3_backends[found.account_id][found.partition]
        written = backend.put_object(bucket, key, body)
        own = {f"x-amz-meta-{name}": value for name, value in (metadata or {}).items()}
        coding = {"Content-Encoding": encoding} if encoding else {}
        written.set_metadata({"Content-Type": content_type, **coding, **own})
        written.set_acl(models.get_canned_acl(acl))

    def readable_by_anyone(
        self, name: str, key: str, version: str | None = None, *, secure: bool = False
    ) -> bool:
        """Say whether a caller without credentials may read an object; not one that is not there.

        By the object's ACL, unless public ACLs are ignored or disabled, or by the bucket policy,
        unless Block Public Access restricts public buckets to their owner. A version that is asked
        for by its id needs ``s3:GetObjectVersion``; None, the newest, needs ``s3:GetObject``.
        ``secure`` says whether it is asked for over TLS.

        Raises:
            AwsError: NotImplemented, the bucket policy says something that is not simulated.

        Source: Amazon S3 User Guide, "Blocking public access to your Amazon S3 storage".
        """
        found = _model(name)
        if found is None:
            return False
        written = _stored(found, key, version)
        if written is None:
            return False
        blocked = found.public_access_block
        acls_count = not (
            found.ownership_rule == "BucketOwnerEnforced"
            or (blocked and blocked.ignore_public_acls)
        )
        if acls_count and written.acl and written.acl.public_read:
            return True
        if found.policy is None or (blocked and blocked.restrict_public_buckets):
            return False
        policy, resource = found.policy.decode(errors="replace"), f"arn:aws:s3:::{name}/{key}"
        context = (
            ("aws:securetransport", str(secure).lower()),
            ("aws:principalisawsservice", "false"),
        )
        action = "s3:GetObject" if version is None else "s3:GetObjectVersion"
        return allows(policy, action, resource, service=None, context=context)


def read_bucket_tags(tags: Sequence[Json]) -> dict[str, str]:
    """Return the tags that a new bucket is to have.

    Raises:
        AwsError: InvalidTag, a key is reserved, is there twice or is no key, or a value is none;
            BadRequest, there are too many.

    Source: S3 API Reference, PutBucketTagging ("Errors"); S3 User Guide, "Using cost allocation S3
    bucket tags". What CreateBucket says of such tags is taken to be the same.
    """
    found: dict[str, str] = {}
    for each in tags:
        key, value = each.get("Key", ""), each.get("Value", "")
        if key.lower().startswith("aws:"):
            raise _bad_tag("System tags cannot be added/updated by requester")
        if key in found:
            raise _bad_tag("Cannot provide multiple Tags with the same key")
        if not 1 <= len(key) <= _KEY:
            raise _bad_tag("The TagKey you have provided is invalid")
        if len(value) > _VALUE:
            raise _bad_tag("The TagValue you have provided is invalid")
        found[key] = value
    if len(found) > _MOST_TAGS:
        raise AwsError("BadRequest", f"Bucket tag count cannot be greater than {_MOST_TAGS}")
    return found


def has_bucket(name: str) -> bool:
    """Say whether somebody has a bucket of that name."""
    return _model(name) is not None


def tag_new_bucket(name: str, tags: Mapping[str, str]) -> None:
    """Give a bucket that was made just now the tags that it was made with; moto leaves them out."""
    if (found := _model(name)) is not None:
        backend = models.s3_backends[found.account_id][found.partition]
        backend.put_bucket_tagging(name, dict(tags))


def require_upload(bucket: str, key: str, upload_id: str) -> None:
    """Check that a multipart upload is one of its object; moto goes by the id alone.

    Raises:
        AwsError: NoSuchUpload.
    """
    found = _model(bucket)
    upload = found.multiparts.get(upload_id) if found else None
    if upload is not None and upload.key_name != key:
        raise AwsError(
            "NoSuchUpload",
            "The specified upload does not exist. The upload ID may be invalid, or the upload may "
            "have been aborted or completed.",
            404,
        )


def _bad_tag(message: str) -> AwsError:
    return AwsError("InvalidTag", message)


def _model(name: str) -> Any | None:  # noqa: ANN401 - moto publishes no types
    owner = models.s3_backends.bucket_accounts.get(name)
    if owner is None:
        return None
    partition, account = owner
    return models.s3_backends[account][partition].buckets.get(name)


def _stored(bucket: Any, key: str, version: str | None) -> Any | None:  # noqa: ANN401 - as above
    """Return an object at a version, the newest if None; None: there is none, or it is deleted."""
    backend = models.s3_backends[bucket.account_id][bucket.partition]
    return backend.get_object(bucket.name, key, version_id=version)


def leave_policies_alone() -> Callable[[], None]:
    """Keep moto from judging by bucket policies: it heeds neither principals nor conditions.

    Whether a caller may has been asked before moto is.

    Returns:
        A function that puts moto back as it was.
    """
    original = models.FakeBucket.get_permission
    models.FakeBucket.get_permission = lambda *_asked: PermissionResult.PERMITTED

    def restore() -> None:
        models.FakeBucket.get_permission = original

    return restore


def close_new_buckets() -> Callable[[], None]:
    """Make new buckets as AWS makes them since April 2023: private, with ACLs disabled.

    Block Public Access is on and Object Ownership is BucketOwnerEnforced unless the creator says
    otherwise; moto leaves both open.

    Returns:
        A function that puts moto back as it was.

    Source: Amazon S3 User Guide, "Default settings for new S3 buckets FAQ".
    """
    original = models.FakeBucket.__init__

    def closed(bucket: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - moto's signature
        original(bucket, *args, **kwargs)
        everything = ("true", "true", "true", "true")
        bucket.public_access_block = models.PublicAccessBlock(*everything)
        bucket.ownership_rule = "BucketOwnerEnforced"

    models.FakeBucket.__init__ = closed

    def restore() -> None:
        models.FakeBucket.__init__ = original

    return restore
