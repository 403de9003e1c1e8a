"""A trail, and the calls that EventBridge hears of because of it."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from pkilab.lab import Lab
from pkilab.security_findings import start_trail, tap

ACCOUNT = "111122223333"


@pytest.fixture
def lab():
    with Lab.simulated(seed="trails", enforce_policies=True) as opened:
        opened.client("s3").create_bucket(Bucket="logs")
        yield opened


def start(lab, bucket="logs"):
    cloudtrail, s3 = lab.client("cloudtrail"), lab.client("s3")
    return start_trail(cloudtrail, s3, name="calls", bucket=bucket, account=ACCOUNT)


def calls(lab, made):
    lab.client("iam").create_user(UserName="ann")  # in us-east-1, as is the lab
    return [each["detail"]["eventName"] for each in made.take()]


def test_with_a_trail_calls_are_events_and_without_one_they_are_not(lab):
    made = tap(lab.client("events"), lab.client("sqs"), {"source": ["aws.iam"]})
    assert calls(lab, made) == []
    lab.client("iam").delete_user(UserName="ann")
    arn = start(lab)
    assert arn == f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/calls"
    assert lab.client("cloudtrail").get_trail_status(Name=arn)["IsLogging"]
    assert calls(lab, made) == ["CreateUser"]


def test_the_trail_writes_its_log_files_to_the_bucket(lab):
    start(lab)
    lab.client("iam").create_user(UserName="ann")
    lab.clock.advance(minutes=10)
    keys = [each["Key"] for each in lab.client("s3").list_objects_v2(Bucket="logs")["Contents"]]
    assert any(key.startswith(f"AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/") for key in keys)


def test_the_bucket_lets_this_trail_in_and_no_other(lab):
    start(lab)
    policy = json.loads(lab.client("s3").get_bucket_policy(Bucket="logs")["Policy"])
    sources = {s["Condition"]["StringEquals"]["aws:SourceArn"] for s in policy["Statement"]}
    assert sources == {f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/calls"}
    with pytest.raises(ClientError, match="InsufficientS3BucketPolicyException"):
        lab.client("cloudtrail").create_trail(Name="another", S3BucketName="logs")


def test_a_bucket_that_is_not_there_is_refused(lab):
    with pytest.raises(ClientError, match="NoSuchBucket"):
        start(lab, "elsewhere")
