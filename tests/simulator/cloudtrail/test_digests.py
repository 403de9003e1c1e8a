"""Digest files: checked by the guide's own recipe, and by the aws command line."""

import base64
import gzip
import hashlib
import json

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import load_der_public_key
from moto.s3.models import s3_backends

from pkilab import Lab
from tests.simulator.cloudtrail.conftest import sample_policy

OWNER = "111122223333"


def act(logs, operation="CreateKey", region="us-east-1"):
    """Let somebody call something."""
    logs.record("kms", operation, call=logs.call(OWNER, region))


def stored(key):
    """Return an object as S3 has it."""
    return s3_backends[OWNER]["aws"].buckets["lab-logs"].keys[key]


def public_key(logs, fingerprint, region="us-east-1"):
    """Find a public key as the guide says; CloudTrail's are PKCS #1."""
    found = logs("ListPublicKeys", region=region, StartTime=1793577600, EndTime=1793750400)
    (key,) = [each for each in found["PublicKeyList"] if each["Fingerprint"] == fingerprint]
    return key["Value"]


def verify(logs, key, content, region="us-east-1"):
    """Verify one digest file by the steps of "Custom implementations"."""
    body = gzip.decompress(stored(key).value)
    metadata = stored(key).metadata
    assert metadata["x-amz-meta-signature-algorithm"] == "SHA256withRSA"
    text = "\n".join(
        (
            content["digestEndTime"],
            f"{content['digestS3Bucket']}/{content['digestS3Object']}",
            hashlib.sha256(body).hexdigest(),
            content["previousDigestSignature"] or "null",
        )
    )
    der = base64.b64decode(public_key(logs, content["digestPublicKeyFingerprint"], region))
    load_der_public_key(der).verify(
        bytes.fromhex(metadata["x-amz-meta-signature"]),
        text.encode(),
        padding.PKCS1v15(),
        hashes.SHA256(),
    )


def test_a_digest_file_every_hour_names_the_log_files_and_the_one_before(logs):
    """The members and the order of AWS's sample; each signature verifies."""
    logs.trails(EnableLogFileValidation=True)
    act(logs)
    logs.world.clock.advance(hours=2)
    digests = logs.objects("/CloudTrail-Digest/")
    (first_key, first), (second_key, second) = digests.items()
    assert first_key == (
        "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/11/02/"
        "111122223333_CloudTrail-Digest_us-east-1_audit_us-east-1_20261102T100000Z.json.gz"
    )
    assert list(first) == [
        "awsAccountId", "digestStartTime", "digestEndTime", "digestS3Bucket", "digestS3Object",
        "digestPublicKeyFingerprint", "digestSignatureAlgorithm", "newestEventTime",
        "oldestEventTime", "previousDigestS3Bucket", "previousDigestS3Object",
        "previousDigestHashValue", "previousDigestHashAlgorithm", "previousDigestSignature",
        "logFiles",
    ]  # fmt: skip
    assert (first["digestStartTime"], first["digestEndTime"]) == (
        "2026-11-02T09:00:00Z",
        "2026-11-02T10:00:00Z",
    )
    assert first["previousDigestSignature"] is None
    ((log_key, _),) = logs.objects().items()
    (log,) = first["logFiles"]
    assert log == {
        "s3Bucket": "lab-logs",
        "s3Object": log_key,
        "hashValue": hashlib.sha256(gzip.decompress(stored(log_key).value)).hexdigest(),
        "hashAlgorithm": "SHA-256",
        "newestEventTime": "2026-11-02T09:00:00Z",
        "oldestEventTime": "2026-11-02T09:00:00Z",
    }
    assert second["logFiles"] == []
    assert second["newestEventTime"] is None
    assert second["previousDigestS3Object"] == first_key
    assert second["previousDigestSignature"] == stored(first_key).metadata["x-amz-meta-signature"]
    verify(logs, first_key, first)
    verify(logs, second_key, second)
    with pytest.raises(InvalidSignature):
        verify(logs, second_key, second | {"digestEndTime": first["digestEndTime"]})
    status = logs("GetTrailStatus", Name="audit")
    assert status["LatestDigestDeliveryTime"] == logs.world.clock.now().timestamp()


def test_without_validation_there_are_no_digest_files(logs):
    """Until it is switched on; the next ones begin a chain."""
    logs.trails()
    logs.world.clock.advance(hours=3)
    assert logs.objects("-Digest/") == {}
    logs("UpdateTrail", Name="audit", EnableLogFileValidation=True)
    logs.world.clock.advance(hours=1)
    (digest,) = logs.objects("-Digest/").values()
    assert digest["previousDigestS3Object"] is None


def test_a_stopped_trail_has_a_last_digest_and_then_a_new_chain(logs):
    """The chain is broken after the hour."""
    logs.trails(EnableLogFileValidation=True)
    logs("StopLogging", Name="audit")
    logs.world.clock.advance(hours=5)
    (last,) = logs.objects("-Digest/").values()
    assert len(last["logFiles"]) == 1
    logs("StartLogging", Name="audit")
    logs.world.clock.advance(hours=1)
    _, first = logs.objects("-Digest/").values()
    assert first["previousDigestS3Object"] is None
    assert first["digestStartTime"] == "2026-11-02T14:00:00Z"


def test_a_region_has_digests_from_its_first_event_on(logs):
    """Signed with a key of its own."""
    logs.trails(EnableLogFileValidation=True, IsMultiRegionTrail=True)
    logs.world.clock.advance(minutes=30)
    act(logs, region="eu-west-1")
    logs.world.clock.advance(minutes=30)
    ((key, digest),) = logs.objects("CloudTrail-Digest/eu-west-1/").items()
    ((_, home),) = logs.objects("CloudTrail-Digest/us-east-1/").items()
    assert key.endswith("_CloudTrail-Digest_eu-west-1_audit_us-east-1_20261102T100000Z.json.gz")
    assert digest["digestStartTime"] == "2026-11-02T09:30:00Z"
    assert digest["digestPublicKeyFingerprint"] != home["digestPublicKeyFingerprint"]
    verify(logs, key, digest, "eu-west-1")


def test_a_digest_that_cannot_be_written_is_made_up_for_by_the_next(logs):
    """It covers both hours."""
    logs.trails(EnableLogFileValidation=True)
    logs.world.clock.advance(minutes=10)
    logs.shut()
    logs.world.clock.advance(hours=1)
    assert logs("GetTrailStatus", Name="audit")["LatestDigestDeliveryError"] == "AccessDenied"
    s3_backends[OWNER]["aws"].buckets["lab-logs"].policy = json.dumps(
        sample_policy("lab-logs")
    ).encode()
    logs.world.clock.advance(hours=1)
    (digest,) = logs.objects("-Digest/").values()
    assert digest["digestStartTime"] == "2026-11-02T09:00:00Z"
    assert digest["digestEndTime"] == "2026-11-02T11:00:00Z"
    assert len(digest["logFiles"]) >= 1


def test_public_keys_are_those_in_use_within_the_time(logs):
    """A Region's key of the year; none of another time; no time that ends before it starts."""
    (key,) = logs("ListPublicKeys")["PublicKeyList"]
    assert len(key["Fingerprint"]) == 32
    assert key["ValidityStartTime"] <= logs.world.clock.now().timestamp() < key["ValidityEndTime"]
    assert logs("ListPublicKeys")["PublicKeyList"] == [key]
    other = logs("ListPublicKeys", region="eu-west-1")["PublicKeyList"]
    assert other[0]["Fingerprint"] != key["Fingerprint"]
    assert logs("ListPublicKeys", StartTime=0, EndTime=1000)["PublicKeyList"] == []
    logs.refuses("InvalidTimeRangeException", "ListPublicKeys", StartTime=10, EndTime=1)
    logs.refuses("InvalidTokenException", "ListPublicKeys", NextToken="x")


@pytest.fixture
def aws(aws_cli):
    """Run the AWS command line, which must end as said; return what it printed."""

    def run(lab, *words, code=0):
        ran = aws_cli(lab, *words)
        assert ran.returncode == code, ran.stderr + ran.stdout
        return ran.stdout

    return run


def test_the_aws_command_line_makes_a_trail_and_validates_its_logs(aws):
    """`aws cloudtrail validate-logs` accepts what is whole, and finds what was changed."""
    with Lab.simulated(seed="validate") as lab:
        lab.serve()
        s3 = lab.client("s3")
        s3.create_bucket(Bucket="lab-logs")
        policy = json.dumps(sample_policy("lab-logs"))
        s3.put_bucket_policy(Bucket="lab-logs", Policy=policy)
        create = "cloudtrail create-trail --name audit --s3-bucket-name lab-logs"
        options = "--enable-log-file-validation --is-multi-region-trail"
        made = json.loads(aws(lab, *create.split(), *options.split()))
        aws(lab, "cloudtrail", "start-logging", "--name", "audit")
        lab.client("kms").create_key()
        lab.clock.advance(hours=1)
        lab.client("kms").create_key()
        lab.clock.advance(hours=1)
        status = json.loads(aws(lab, "cloudtrail", "get-trail-status", "--name", "audit"))
        assert status["IsLogging"] is True
        validate = (
            "cloudtrail", "validate-logs", "--trail-arn", made["TrailARN"], "--start-time",
            "2026-11-02T09:00:00Z", "--end-time", "2026-11-02T12:00:00Z", "--verbose",
        )  # fmt: skip
        said = aws(lab, *validate)
        assert "2/2 digest files valid" in said
        assert "2/2 log files valid" in said
        keys = [
            each["Key"]
            for each in s3.list_objects_v2(Bucket="lab-logs", Prefix="AWSLogs")["Contents"]
        ]
        changed = next(key for key in keys if "/CloudTrail/" in key)
        s3.put_object(Bucket="lab-logs", Key=changed, Body=stored(changed).value[:-20] + b"x" * 20)
        said = aws(lab, *validate, code=1)
        assert "1/2 log files valid" in said
        assert "INVALID" in said
