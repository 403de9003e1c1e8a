"""A trail of management events, without which EventBridge hears of no call.

Source: AWS CloudTrail User Guide, "Amazon S3 bucket policy for CloudTrail"; Amazon EventBridge User
Guide, "AWS service events delivered via AWS CloudTrail".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_cloudtrail import CloudTrailClient
    from mypy_boto3_s3 import S3Client


def start_trail(
    cloudtrail: CloudTrailClient, s3: S3Client, *, name: str, bucket: str, account: str
) -> str:
    """Let a trail of one Region write what is called to a bucket; return its ARN.

    The bucket's policy is replaced.

    Args:
        cloudtrail: of the account and Region to log.
        s3: of the bucket's account.
        name: of the trail.
        bucket: there already.
        account: that is logged; 12 digits.

    Raises:
        ClientError: a call was refused.
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
    arn = cloudtrail.create_trail(Name=name, S3BucketName=bucket)["TrailARN"]
    cloudtrail.start_logging(Name=arn)
    return arn
