"""Trails, operation by operation."""

import pytest

from pkilab.simulator.service import AwsError, service_model

ARN = "arn:aws:cloudtrail:us-east-1:111122223333:trail/audit"


def test_a_new_trail_is_answered_as_the_api_reference_has_it(logs):
    """And does not log yet."""
    assert logs("CreateTrail", Name="audit", S3BucketName="lab-logs") == {
        "Name": "audit",
        "S3BucketName": "lab-logs",
        "IncludeGlobalServiceEvents": True,
        "IsMultiRegionTrail": False,
        "TrailARN": ARN,
        "LogFileValidationEnabled": False,
        "IsOrganizationTrail": False,
    }
    assert logs("GetTrailStatus", Name="audit")["IsLogging"] is False


def test_a_trail_is_described_with_its_home(logs):
    """By name and by ARN, with GetTrail and DescribeTrails."""
    logs.trails(IsMultiRegionTrail=True)
    found = logs("GetTrail", Name="audit")["Trail"]
    assert found["HomeRegion"] == "us-east-1"
    assert (found["HasCustomEventSelectors"], found["HasInsightSelectors"]) == (False, False)
    assert logs("GetTrail", Name=ARN)["Trail"] == found
    assert logs("DescribeTrails") == {"trailList": [found]}
    assert logs("DescribeTrails", trailNameList=[ARN, "nobody"]) == {"trailList": [found]}
    assert logs("ListTrails")["Trails"] == [
        {"TrailARN": ARN, "Name": "audit", "HomeRegion": "us-east-1"}
    ]


def test_a_multi_region_trail_has_shadows_that_cannot_be_changed(logs):
    """They are seen, unless one does not want to see them."""
    logs.trails(IsMultiRegionTrail=True)
    logs.trails("local")
    (shadow,) = logs("DescribeTrails", region="eu-west-1")["trailList"]
    assert (shadow["Name"], shadow["HomeRegion"]) == ("audit", "us-east-1")
    assert logs("GetTrail", region="eu-west-1", Name="audit")["Trail"] == shadow
    without = logs("DescribeTrails", region="eu-west-1", includeShadowTrails=False)
    assert without == {"trailList": []}
    for operation in ("StopLogging", "DeleteTrail", "UpdateTrail", "StartLogging"):
        logs.refuses("InvalidHomeRegionException", operation, region="eu-west-1", Name="audit")
    logs.refuses("TrailNotFoundException", "GetTrail", region="eu-west-1", Name="local")


def test_what_is_not_there_is_not_found(logs):
    """Nor another account's trail."""
    logs.trails()
    assert (
        logs.refuses("TrailNotFoundException", "GetTrail", Name="nobody")
        == "Unknown trail: arn:aws:cloudtrail:us-east-1:111122223333:trail/nobody "
        "for the user: 111122223333"
    )
    logs.refuses("TrailNotFoundException", "GetTrail", account="444455556666", Name=ARN)
    logs.refuses("CloudTrailARNInvalidException", "GetTrail", Name="arn:aws:s3:::x")


def test_a_name_is_taken_once(logs):
    """In its Region, and of a multi-Region trail in all."""
    logs.trails()
    again = {"Name": "audit", "S3BucketName": "lab-logs"}
    assert (
        logs.refuses("TrailAlreadyExistsException", "CreateTrail", **again)
        == "Trail audit already exists for customer: 111122223333"
    )
    logs("UpdateTrail", Name="audit", IsMultiRegionTrail=True)
    logs.refuses("TrailAlreadyExistsException", "CreateTrail", region="eu-west-1", **again)


def test_a_region_has_five_trails(logs):
    """A multi-Region trail counts in each."""
    for number in range(4):
        logs.trails(f"trail-{number}")
    logs.trails("everywhere", IsMultiRegionTrail=True)
    request = {"Name": "one-more", "S3BucketName": "lab-logs"}
    assert (
        logs.refuses("MaximumNumberOfTrailsExceededException", "CreateTrail", **request)
        == "User: 111122223333 already has 5 trails in us-east-1."
    )
    logs("DeleteTrail", Name="trail-0")
    logs("CreateTrail", **request)


def test_a_multi_region_trail_must_have_global_events(logs):
    """At creation and at a change."""
    request = {"Name": "audit", "S3BucketName": "lab-logs", "IsMultiRegionTrail": True}
    code = "InvalidParameterCombinationException"
    logs.refuses(code, "CreateTrail", **request, IncludeGlobalServiceEvents=False)
    logs("CreateTrail", **request)
    logs.refuses(code, "UpdateTrail", Name="audit", IncludeGlobalServiceEvents=False)


@pytest.mark.parametrize(
    "member",
    [
        {"SnsTopicName": "topic"},
        {"CloudWatchLogsLogGroupArn": "arn:aws:logs:us-east-1:111122223333:log-group:x:*"},
        {"KmsKeyId": "alias/x"},
        {"IsOrganizationTrail": True},
    ],
)
def test_what_is_not_simulated_is_refused(logs, member):
    """At creation and at a change; what is switched off is no trouble."""
    request = {"Name": "audit", "S3BucketName": "lab-logs"}
    logs.refuses("NotImplemented", "CreateTrail", **request, **member)
    logs("CreateTrail", **request, IsOrganizationTrail=False)
    logs.refuses("NotImplemented", "UpdateTrail", Name="audit", **member)


def test_an_update_changes_what_it_names(logs):
    """A bad bucket changes nothing."""
    logs.trails()
    logs.bucket("second", prefix="x/")
    logs.refuses("S3BucketDoesNotExistException", "UpdateTrail", Name="audit", S3BucketName="y")
    assert logs("GetTrail", Name="audit")["Trail"]["S3BucketName"] == "lab-logs"
    changed = logs("UpdateTrail", Name="audit", S3BucketName="second", S3KeyPrefix="x")
    assert (changed["S3BucketName"], changed["S3KeyPrefix"]) == ("second", "x")
    assert changed["LogFileValidationEnabled"] is False
    assert logs("UpdateTrail", Name="audit", EnableLogFileValidation=True)["S3KeyPrefix"] == "x"


def test_the_status_tells_when_logging_began_and_ended(logs):
    """As times and, in the deprecated members, as texts."""
    logs.trails()
    logs.world.clock.advance(minutes=2)
    logs("StopLogging", Name="audit")
    status = logs("GetTrailStatus", Name="audit")
    assert status["IsLogging"] is False
    assert status["StopLoggingTime"] - status["StartLoggingTime"] == 120
    assert status["TimeLoggingStarted"] == "2026-11-02T09:00:00Z"
    assert status["TimeLoggingStopped"] == "2026-11-02T09:02:00Z"
    assert status["LatestDeliveryAttemptTime"] == ""


def test_selectors_are_answered_whole(logs):
    """And the trail is told to have some of its own."""
    logs.trails()
    chosen = {"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True}
    answer = logs("PutEventSelectors", TrailName="audit", EventSelectors=[chosen])
    assert answer == {
        "TrailARN": ARN,
        "EventSelectors": [
            {**chosen, "DataResources": [], "ExcludeManagementEventSources": []},
        ],
    }
    assert logs("GetEventSelectors", TrailName="audit") == answer
    assert logs("GetTrail", Name="audit")["Trail"]["HasCustomEventSelectors"] is True


def test_tags_are_set_listed_and_removed(logs):
    """Also at creation."""
    logs.trails(TagsList=[{"Key": "team", "Value": "pki"}])
    logs("AddTags", ResourceId=ARN, TagsList=[{"Key": "stage"}])
    (found,) = logs("ListTags", ResourceIdList=[ARN])["ResourceTagList"]
    assert found["TagsList"] == [{"Key": "team", "Value": "pki"}, {"Key": "stage"}]
    logs("RemoveTags", ResourceId=ARN, TagsList=[{"Key": "team", "Value": "other"}])
    logs("RemoveTags", ResourceId=ARN, TagsList=[{"Key": "stage"}])
    (found,) = logs("ListTags", ResourceIdList=[ARN])["ResourceTagList"]
    assert found["TagsList"] == [{"Key": "team", "Value": "pki"}]
    assert logs.service.resource(ARN).tags == {"team": "pki"}


def test_tags_that_cannot_be_are_refused(logs):
    """Reserved, doubled, too many, or of nothing."""
    logs.trails()
    for code, tags in {
        "InvalidTagParameterException": [{"Key": "aws:x"}],
        "TagsLimitExceededException": [{"Key": str(number)} for number in range(51)],
    }.items():
        logs.refuses(code, "AddTags", ResourceId=ARN, TagsList=tags)
    twice = [{"Key": "x"}, {"Key": "x"}]
    logs.refuses("InvalidTagParameterException", "AddTags", ResourceId=ARN, TagsList=twice)
    logs.refuses("ResourceNotFoundException", "ListTags", ResourceIdList=[ARN + "x"])
    logs.refuses("CloudTrailARNInvalidException", "ListTags", ResourceIdList=["audit"])


def test_every_member_of_create_trail_is_taken_or_refused(logs):
    """None that the model has is unknown here."""
    shape = service_model("cloudtrail").operation_model("CreateTrail").input_shape
    logs.bucket("second", prefix="x/")
    values = {"string": "x", "boolean": True, "list": []}
    outcomes = {}
    for name, member in shape.members.items():
        if name in ("Name", "S3BucketName"):
            continue
        given = {"Name": "audit", "S3BucketName": "second" if name == "S3KeyPrefix" else "lab-logs"}
        try:
            logs("CreateTrail", **given, **{name: values[member.type_name]})
        except AwsError as error:
            outcomes[name] = error.code
        else:
            logs("DeleteTrail", Name="audit")
    assert outcomes == dict.fromkeys(
        (
            "SnsTopicName", "CloudWatchLogsLogGroupArn", "CloudWatchLogsRoleArn", "KmsKeyId",
            "IsOrganizationTrail", "RecursiveLogging",
        ),
        "NotImplemented",
    )  # fmt: skip
