"""A trail of management events, without which EventBridge hears of no call.

Source: AWS CloudTrail User Guide, "Amazon S3 bucket policy for CloudTrail"; Amazon EventBridge User
Guide, "AWS service events delivered via AWS CloudTrail".
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from pkilab.waiting import accepted, until

if TYPE_CHECKING:
    from mypy_boto3_cloudtrail import CloudTrailClient
    from mypy_boto3_s3 import S3Client


_POLL, _BUCKET_SETTLES = timedelta(seconds=5), timedelta(minutes=1)


def start_trail(
    cloudtrail: CloudTrailClient,
    s3: S3Client,
    *,
    name: str,
    bucket: str,
    account: str,
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Let a trail of one Region write what is called to a bucket; return its ARN.

    The bucket's policy is replaced. CloudTrail may not see the new one at once: for a minute, it is
    asked again.

    Args:
        cloudtrail: of the account and Region to log.
        s3: of the bucket's account.
        name: of the trail.
        bucket: there already.
        account: that is logged; 12 digits.
        sleep: how to wait for the bucket's policy, in seconds.

    Raises:
        LabError: CloudTrail still may not write to the bucket after a minute.
        ClientError: a call was refused for another reason.
    """
    region = cloudtrail.meta.region_name
    partition = cloudtrail.meta.partition
    trail = f"arn:{partition}:cloudtrail:{region}:{account}:trail/{name}"
    here = f"arn:{partition}:s3:::{bucket}"
    service = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}}
    source = {"aws:SourceArn": trail}
    statements = [
        service
        | {
            "Action": "s3:GetBucketAcl",
            "Resource": here,
            "Condition": {"StringEquals": source},
        },
        service
        | {
            "Action": "s3:PutObject",
            "Resource": f"{here}/AWSLogs/{account}/*",
            "Condition": {
                "StringEquals": source | {"s3:x-amz-acl": "bucket-owner-full-control"},
            },
        },
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    made = until(
        accepted(
            lambda: cloudtrail.create_trail(Name=name, S3BucketName=bucket),
            "InsufficientS3BucketPolicyException",
        ),
        what=f"CloudTrail to be let into {bucket}",
        at_most=_BUCKET_SETTLES,
        every=_POLL,
        sleep=sleep,
    )
    arn = made["TrailARN"]
    cloudtrail.start_logging(Name=arn)
    return arn
