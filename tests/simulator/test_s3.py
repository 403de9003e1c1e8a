import json
from datetime import datetime

import pytest
from moto.core.base_backend import BackendDict
from moto.s3.models import s3_backends

from pkilab.simulator.s3 import S3, Bucket, close_new_buckets, read_bucket_tags
from pkilab.simulator.service import AwsError

OWNER = "111122223333"


@pytest.fixture
def backend():
    """The owner's S3, empty."""
    BackendDict.reset()
    yield s3_backends[OWNER]["aws"]
    BackendDict.reset()


def test_a_bucket_shows_owner_region_and_settings(backend):
    """As moto's API operations stored them."""
    backend.create_bucket("lab", "eu-west-1")
    backend.put_bucket_policy("lab", b"{}")
    backend.put_public_access_block("lab", {"BlockPublicAcls": "true"})
    backend.put_bucket_ownership_controls("lab", "BucketOwnerEnforced")
    kms = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "key-1"}
    backend.put_bucket_encryption("lab", {"Rule": {"ApplyServerSideEncryptionByDefault": kms}})
    assert S3().bucket("lab") == Bucket(
        name="lab",
        account=OWNER,
        region="eu-west-1",
        policy="{}",
        public_acls_blocked=True,
        acls_disabled=True,
        object_lock=False,
        encryption="aws:kms",
        kms_key="key-1",
    )


def test_a_bare_bucket_of_moto_is_open(backend):
    """No policy, nothing blocked, S3's own encryption."""
    backend.create_bucket("lab", "us-east-1")
    found = S3().bucket("lab")
    assert (found.policy, found.encryption, found.kms_key) == (None, None, None)
    assert not any((found.public_acls_blocked, found.acls_disabled, found.object_lock))


def test_a_missing_bucket_is_none_and_cannot_be_written(backend):
    """Reading says so, writing raises."""
    assert S3().bucket("lab") is None
    with pytest.raises(KeyError, match="lab"):
        S3().put("lab", "k", b"", content_type="text/plain", acl="private")
    backend.create_bucket("lab", "us-east-1")
    backend.delete_bucket("lab")
    assert S3().bucket("lab") is None


def test_another_accounts_bucket_is_found(backend):
    """Bucket names are global."""
    s3_backends["444455556666"]["aws"].create_bucket("theirs", "us-east-1")
    assert S3().bucket("theirs").account == "444455556666"


@pytest.mark.parametrize(("acl", "public"), [("public-read", True), ("private", False)])
def test_an_object_is_written_with_type_and_acl(backend, acl, public):
    """And is what an ordinary client reads."""
    backend.create_bucket("lab", "us-east-1")
    S3().put("lab", "crl/a.crl", b"\x30\x00", content_type="application/pkix-crl", acl=acl)
    found = backend.get_object("lab", "crl/a.crl")
    assert found.value == b"\x30\x00"
    assert found.metadata["Content-Type"] == "application/pkix-crl"
    assert found.acl.public_read is public
    assert isinstance(found.last_modified, datetime)


def test_writing_again_replaces_or_adds_a_version(backend):
    """As the bucket's versioning says."""
    for name, versions in (("plain", 1), ("versioned", 2)):
        backend.create_bucket(name, "us-east-1")
        if versions > 1:
            backend.put_bucket_versioning(name, "Enabled")
        for body in (b"1", b"2"):
            S3().put(name, "k", body, content_type="text/plain", acl="private")
        assert backend.get_object(name, "k").value == b"2"
        assert len(backend.get_bucket(name).keys.getlist("k")) == versions


def test_new_buckets_can_be_made_as_private_as_awss(backend):
    """Until put back."""
    restore = close_new_buckets()
    try:
        backend.create_bucket("closed", "us-east-1")
    finally:
        restore()
    backend.create_bucket("open", "us-east-1")
    closed, opened = S3().bucket("closed"), S3().bucket("open")
    assert (closed.public_acls_blocked, closed.acls_disabled) == (True, True)
    assert (opened.public_acls_blocked, opened.acls_disabled) == (False, False)


def test_a_version_is_read_by_its_id_and_the_newest_without(backend):
    """What was deleted, or is not there, is None."""
    backend.create_bucket("lab", "us-east-1")
    for missing in (("none", "k"), ("lab", "k"), ("lab", "k", "v")):
        assert S3().get(*missing) is None
    backend.put_object("lab", "k", b"0")
    found = S3().get("lab", "k")
    assert (found.account, found.body, found.version) == (OWNER, b"0", None)
    backend.put_bucket_versioning("lab", "Enabled")
    backend.put_object("lab", "k", b"1")
    first = S3().get("lab", "k").version
    backend.put_object("lab", "k", b"2")
    assert S3().get("lab", "k", first).body == b"1"
    assert S3().get("lab", "k").body == b"2"
    assert S3().get("lab", "k", "null").body == b"0"
    assert S3().get("lab", "k", "nonsense") is None
    backend.delete_object("lab", "k")
    assert S3().get("lab", "k") is None
    assert S3().get("lab", "k", first).body == b"1"
    assert "b'1'" not in repr(S3().get("lab", "k", first))


def test_a_version_is_open_to_anyone_if_the_policy_says_so(backend):
    """Which needs an action of its own; a Deny of what is not TLS binds what is not."""
    backend.create_bucket("lab", "us-east-1")
    backend.put_bucket_versioning("lab", "Enabled")
    backend.put_object("lab", "k", b"1")
    version = S3().get("lab", "k").version

    def policy(action, **more):
        allow = {"Effect": "Allow", "Principal": "*", "Action": action, **more}
        backend.put_bucket_policy(
            "lab", json.dumps({"Statement": [{**allow, "Resource": "arn:aws:s3:::lab/*"}]}).encode()
        )

    assert not S3().readable_by_anyone("lab", "k")
    policy("s3:GetObject")
    assert S3().readable_by_anyone("lab", "k")
    assert not S3().readable_by_anyone("lab", "k", version)
    policy("s3:GetObjectVersion")
    assert not S3().readable_by_anyone("lab", "k")
    assert S3().readable_by_anyone("lab", "k", version)
    assert not S3().readable_by_anyone("lab", "k", "nonsense")
    policy("s3:GetObject", Condition={"Bool": {"aws:SecureTransport": "true"}})
    assert not S3().readable_by_anyone("lab", "k")
    assert S3().readable_by_anyone("lab", "k", secure=True)


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ([("a", "1"), ("a", "2")], "InvalidTag"),
        ([("AWS:a", "1")], "InvalidTag"),
        ([("", "1")], "InvalidTag"),
        ([("k" * 129, "1")], "InvalidTag"),
        ([("k", "v" * 257)], "InvalidTag"),
        ([(f"k{number}", "") for number in range(51)], "BadRequest"),
    ],
    ids=["twice", "reserved", "no key", "a long key", "a long value", "too many"],
)
def test_a_new_buckets_tags_are_checked(tags, code):
    """In S3's codes; fifty of the longest are taken."""
    with pytest.raises(AwsError) as refused:
        read_bucket_tags([{"Key": key, "Value": value} for key, value in tags])
    assert refused.value.code == code
    most = {f"{number:0128}": "v" * 256 for number in range(50)}
    assert read_bucket_tags([{"Key": key, "Value": most[key]} for key in most]) == most
