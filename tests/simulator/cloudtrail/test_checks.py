"""Whether a trail may be so: names, prefixes, selectors and the bucket's policy."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.cloudtrail.checks import check_name
from pkilab.simulator.service import AwsError
from tests.simulator.cloudtrail.conftest import sample_policy


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ab", "too short"),
        ("a" * 129, "too long"),
        ("-audit", "starts with"),
        ("audit.", "ends with"),
        ("my trail", "can only contain"),
        ("my-_namespace", "adjacent"),
        ("192.168.5.4", "IP address"),
    ],
)
def test_names_that_the_guide_forbids_are_refused(logs, name, said):
    """Each rule of "Naming requirements"."""
    message = logs.refuses("InvalidTrailNameException", "CreateTrail", Name=name, S3BucketName="x")
    assert said in message


@pytest.mark.parametrize("name", ["abc", "a" * 128, "Audit-2026_11.main", "1-2-3"])
def test_names_that_the_guide_allows_are_taken(logs, name):
    """And come back in the ARN."""
    assert logs.trails(name) == f"arn:aws:cloudtrail:us-east-1:111122223333:trail/{name}"


@given(st.text(max_size=200))
def test_any_text_is_a_name_or_is_refused_with_the_models_error(name):
    """Nothing else leaves."""
    try:
        check_name(name)
    except AwsError as error:
        assert error.code == "InvalidTrailNameException"
    else:
        assert name.isascii()


def test_a_bucket_must_be_there(logs):
    """The sentence as seen in public reports."""
    assert (
        logs.refuses("S3BucketDoesNotExistException", "CreateTrail", Name="audit", S3BucketName="x")
        == "S3 bucket x does not exist!"
    )


def _without_acl(policy):
    del policy["Statement"][0]


def _without_write(policy):
    del policy["Statement"][1]


def _other_trail(policy):
    for statement in policy["Statement"]:
        statement["Condition"]["StringLike"]["aws:SourceArn"] = (
            "arn:aws:cloudtrail:us-east-1:111122223333:trail/other"
        )


def _other_account(policy):
    policy["Statement"][1]["Resource"] = "arn:aws:s3:::second/AWSLogs/444455556666/*"


def _other_service(policy):
    for statement in policy["Statement"]:
        statement["Principal"] = {"Service": "config.amazonaws.com"}


def _public_acl(policy):
    policy["Statement"][1]["Condition"]["StringEquals"]["s3:x-amz-acl"] = "public-read"


@pytest.mark.parametrize(
    "spoil",
    [_without_acl, _without_write, _other_trail, _other_account, _other_service, _public_acl],
)
def test_a_policy_that_keeps_cloudtrail_out_is_refused(logs, spoil):
    """Both statements, and each of their conditions, count."""
    policy = copy.deepcopy(sample_policy("second"))
    spoil(policy)
    logs.bucket("second", policy=policy)
    message = logs.refuses(
        "InsufficientS3BucketPolicyException", "CreateTrail", Name="audit", S3BucketName="second"
    )
    assert message == "Incorrect S3 bucket policy is detected for bucket: second"


def test_the_guides_policy_lets_cloudtrail_in(logs):
    """With conditions on the trail's ARN and on the ACL."""
    logs.bucket("second")
    logs("CreateTrail", Name="audit", S3BucketName="second")


def test_a_prefix_must_be_in_the_policy(logs):
    """The policy names the folder that is written to."""
    request = {"Name": "audit", "S3BucketName": "second", "S3KeyPrefix": "prefix"}
    logs.bucket("second")
    logs.refuses("InsufficientS3BucketPolicyException", "CreateTrail", **request)
    logs.bucket("third", prefix="prefix/")
    assert logs("CreateTrail", **request | {"S3BucketName": "third"})["S3KeyPrefix"] == "prefix"


def test_a_prefix_has_at_most_two_hundred_characters(logs):
    """One more is refused."""
    logs.bucket("second", prefix="p" * 200 + "/")
    request = {"Name": "audit", "S3BucketName": "second"}
    logs.refuses("InvalidS3PrefixException", "CreateTrail", **request, S3KeyPrefix="p" * 201)
    logs("CreateTrail", **request, S3KeyPrefix="p" * 200)


def test_a_condition_that_is_not_simulated_is_refused_as_such(logs):
    """It is neither met nor ignored."""
    policy = sample_policy("second")
    policy["Statement"][1]["Condition"]["StringEquals"]["s3:x-amz-storage-class"] = "STANDARD"
    logs.bucket("second", policy=policy)
    logs.refuses("NotImplemented", "CreateTrail", Name="audit", S3BucketName="second")


@pytest.mark.parametrize(
    ("selectors", "said"),
    [
        ([], "one to 5"),
        ([{"ReadWriteType": "All"}] * 6, "one to 5"),
        ([{"IncludeManagementEvents": False}], "must include"),
        ([{"ExcludeManagementEventSources": ["acm-pca.amazonaws.com"]}], "cannot be excluded"),
    ],
)
def test_selectors_that_cloudtrail_does_not_take_are_refused(logs, selectors, said):
    """And the old ones stay."""
    logs.trails()
    message = logs.refuses(
        "InvalidEventSelectorsException",
        "PutEventSelectors",
        TrailName="audit",
        EventSelectors=selectors,
    )
    assert said in message
    (kept,) = logs("GetEventSelectors", TrailName="audit")["EventSelectors"]
    assert kept["ReadWriteType"] == "All"


def test_data_events_are_refused_as_not_simulated(logs):
    """In either kind of selector."""
    logs.trails()
    data = {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}
    request = {"TrailName": "audit", "EventSelectors": [{"DataResources": [data]}]}
    assert "data events" in logs.refuses("NotImplemented", "PutEventSelectors", **request)
    advanced = [{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Data"]}]}]
    request = {"TrailName": "audit", "AdvancedEventSelectors": advanced}
    assert "advanced" in logs.refuses("NotImplemented", "PutEventSelectors", **request)
