import json

import pytest

from pkilab.simulator.acmpca import buckets
from pkilab.simulator.service import AwsError

ACCOUNT = "111122223333"
ALL = ["s3:PutObject", "s3:PutObjectAcl", "s3:GetBucketAcl", "s3:GetBucketLocation"]
BOTH = ["arn:aws:s3:::lab-crl", "arn:aws:s3:::lab-crl/*"]


def statement(**changes):
    whole = {
        "Effect": "Allow",
        "Principal": {"Service": "acm-pca.amazonaws.com"},
        "Action": ALL,
        "Resource": BOTH,
        **changes,
    }
    return {element: value for element, value in whole.items() if value is not None}


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def refusal(bench, acl="private", code="InvalidPolicyException", authority=None):
    """The error that keeps the service out; None if it may write."""
    try:
        buckets.check(
            bench.s3, "lab-crl", "crl/a.crl", authority or bench.authority(), acl, refusal_code=code
        )
    except AwsError as error:
        return error
    return None


def code(bench, acl="private"):
    error = refusal(bench, acl)
    return error.code if error else None


def test_the_user_guides_policy_lets_the_service_in(bench):
    """And what is found is the bucket."""
    bench.bucket()
    found = buckets.check(
        bench.s3, "lab-crl", "crl/a.crl", bench.authority(), "private", refusal_code="X"
    )
    assert found.name == "lab-crl"


def test_without_a_policy_or_a_bucket_the_service_stays_out(bench):
    """Two different errors."""
    assert code(bench) == "ResourceNotFoundException"
    bench.bucket().policy = None
    assert code(bench) == "InvalidPolicyException"
    assert "bucket 'lab-crl'" in refusal(bench).message
    assert refusal(bench, code="ValidationException").code == "ValidationException"


@pytest.mark.parametrize("missing", ALL)
def test_each_of_the_four_actions_is_needed(bench, missing):
    """Three are not enough."""
    granted = [action for action in ALL if action != missing]
    bench.bucket(policy=policy(statement(Action=granted)))
    assert code(bench) == "InvalidPolicyException"


@pytest.mark.parametrize("missing", BOTH)
def test_both_bucket_and_objects_must_be_named(bench, missing):
    """The bucket's ARN alone does not cover its objects."""
    bench.bucket(policy=policy(statement(Resource=[each for each in BOTH if each != missing])))
    assert code(bench) == "InvalidPolicyException"


@pytest.mark.parametrize(
    "changes",
    [
        {"Action": "s3:*"},
        {"Action": ["S3:put*", "s3:getbucket*"]},
        {"Action": None, "NotAction": "s3:DeleteObject"},
        {"Resource": "arn:aws:s3:::lab-*"},
        {"Resource": "arn:aws:s3:::lab?crl*"},
        {"Resource": None, "NotResource": "arn:aws:s3:::lab-crl/private/*"},
        {"Principal": "*"},
        {"Principal": {"AWS": "*"}},
        {"Principal": {"Service": ["acm.amazonaws.com", "acm-pca.amazonaws.com"]}},
        {"Condition": {"StringEquals": {"aws:SourceAccount": [ACCOUNT, "444455556666"]}}},
        {"Condition": {"StringLike": {"AWS:SourceAccount": "1111*"}}},
        {"Condition": {"StringNotEquals": {"aws:SourceAccount": "444455556666"}}},
        {"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:acm-pca:*:111122223333:*"}}},
        {"Condition": {"ArnEquals": {"aws:SourceArn": "arn:*:acm-pca:us-*:*:certificate-*/*"}}},
        {"Condition": {"Bool": {"aws:SecureTransport": True}}},
        {"Condition": {"Null": {"aws:SourceArn": "false"}}},
        {"Condition": {"StringEqualsIfExists": {"aws:SourceOrgID": "o-1234567890"}}},
        {"Condition": {"StringNotEquals": {"aws:SourceOrgID": "o-1234567890"}}},
    ],
)
def test_a_policy_that_reaches_the_service_lets_it_in(bench, changes):
    """Wildcards, lists, case of actions and condition keys."""
    bench.bucket(policy=policy(statement(**changes)))
    assert code(bench) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"Action": "s3:Get*"},
        {"Action": None, "NotAction": "s3:PutObject"},
        {"Resource": "arn:aws:s3:::other*"},
        {"Resource": "arn:aws:s3:::LAB-CRL*"},
        {"Resource": None, "NotResource": "arn:aws:s3:::lab-crl/crl/*"},
        {"Principal": {"Service": "acm.amazonaws.com"}},
        {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}},
        {"Principal": None},
        {"Effect": "Deny"},
        {"Condition": {"StringEquals": {"aws:SourceAccount": "444455556666"}}},
        {"Condition": {"StringEquals": {"aws:SourceAccount": "1111*"}}},
        {"Condition": {"StringNotEquals": {"aws:SourceAccount": ACCOUNT}}},
        {"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:acm-pca:*"}}},
        {"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:acm-pca:*:*:certificate/*"}}},
        {"Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        {"Condition": {"Null": {"aws:SourceArn": "true"}}},
        {"Condition": {"StringEquals": {"aws:SourceOrgID": "o-1234567890"}}},
        {
            "Condition": {
                "StringEquals": {"aws:SourceAccount": ACCOUNT},
                "ArnLike": {"aws:SourceArn": "arn:aws:acm-pca:eu-west-1:*:*"},
            }
        },
    ],
)
def test_a_policy_that_does_not_reach_it_keeps_it_out(bench, changes):
    """Every condition must hold; an absent key matches nothing."""
    bench.bucket(policy=policy(statement(**changes)))
    assert code(bench) == "InvalidPolicyException"


def test_a_deny_wins(bench):
    """Wherever it stands, if it applies."""
    insecure = {"Bool": {"aws:SecureTransport": "false"}}
    harmless = statement(Effect="Deny", Principal="*", Action="s3:*", Condition=insecure)
    made = bench.bucket(policy=policy(harmless, statement()))
    assert code(bench) is None
    deny = statement(Effect="Deny", Principal="*", Action="s3:PutObject")
    for statements in ((deny, statement()), (statement(), deny)):
        made.policy = policy(*statements).encode()
        assert code(bench) == "InvalidPolicyException"


@pytest.mark.parametrize(
    "changes",
    [
        {"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
        {"Condition": {"StringEquals": {"s3:x-amz-acl": "public-read"}}},
        {"Condition": {"StringEquals": {"aws:SourceAccount": "${aws:RequestedRegion}"}}},
        {"Principal": {"CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d"}},
    ],
)
def test_what_is_not_modelled_is_refused_not_ignored(bench, changes):
    """An unknown condition might forbid."""
    bench.bucket(policy=policy(statement(), statement(Effect="Deny", **changes)))
    error = refusal(bench)
    assert (error.code, error.status) == ("NotImplemented", 501)
    assert "not simulated" in error.message


def test_a_statement_about_others_may_say_anything(bench):
    """Only what concerns the service must be understood."""
    foreign = statement(
        Principal={"AWS": "arn:aws:iam::111122223333:root"},
        Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
    )
    bench.bucket(policy=policy(foreign, statement()))
    assert code(bench) is None


def test_a_public_crl_needs_an_open_bucket(bench):
    """Block Public Access, or Object Ownership without ACLs, refuse public-read alone."""
    made = bench.bucket()
    assert code(bench, "public-read") is None
    made.ownership_rule = "BucketOwnerEnforced"
    assert code(bench, "public-read") == "ValidationException"
    assert code(bench, "bucket-owner-full-control") is None


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"SSEAlgorithm": "AES256"}, None),
        ({"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "1234abcd"}, None),
        ({"SSEAlgorithm": "aws:kms"}, "ValidationException"),
        ({"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/aws/s3"}, "ValidationException"),
    ],
)
def test_encryption_by_the_aws_managed_key_keeps_the_service_out(bench, rule, expected):
    """SSE-S3 or a customer managed key."""
    bench.bucket().encryption = {"Rule": {"ApplyServerSideEncryptionByDefault": rule}}
    assert code(bench) == expected
