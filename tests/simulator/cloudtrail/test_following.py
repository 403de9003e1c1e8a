"""Calls on the event bus: only while a trail of the account logs, where the trail is."""

import pytest

from pkilab.simulator.cloudtrail.following import is_read, source_of
from pkilab.simulator.service import AwsError

OWNER, OTHER = "111122223333", "444455556666"


def act(logs, service="acm-pca", operation="DeletePolicy", region="us-east-1", account=OWNER):
    """Let somebody call something."""
    logs.record(service, operation, {"ResourceArn": "x"}, call=logs.call(account, region))


def test_a_call_is_an_event_with_the_record_as_its_detail(logs):
    """Source, type and empty resources as in the EventBridge guide's sample."""
    logs.trails()
    before = len(logs.bus.events(OWNER, "us-east-1"))
    act(logs)
    event = logs.bus.events(OWNER, "us-east-1")[before]
    assert (event["source"], event["detail-type"]) == ("aws.acm-pca", "AWS API Call via CloudTrail")
    assert (event["account"], event["region"], event["resources"]) == (OWNER, "us-east-1", [])
    assert event["detail"] == logs.newest(region="us-east-1")
    assert event["detail"]["eventSource"] == "acm-pca.amazonaws.com"


def test_without_a_trail_that_logs_nothing_is_heard(logs):
    """Neither before one starts nor after it stops, nor for another account."""
    act(logs)
    logs.trails(start=False)
    act(logs)
    assert logs.heard() == []
    logs("StartLogging", Name="audit")
    act(logs, account=OTHER)
    logs("StopLogging", Name="audit")
    act(logs)
    assert "DeletePolicy" not in [each["eventName"] for each in logs.heard()]
    assert logs.heard(OTHER) == []


def test_a_region_that_no_trail_covers_is_silent(logs):
    """Until the trail is one of all Regions."""
    logs.trails()
    act(logs, region="eu-west-1")
    assert logs.heard(region="eu-west-1") == []
    logs("UpdateTrail", Name="audit", IsMultiRegionTrail=True)
    act(logs, region="eu-west-1")
    assert [each["eventName"] for each in logs.heard(region="eu-west-1")] == ["DeletePolicy"]


def test_global_services_are_heard_in_us_east_1(logs):
    """Wherever the caller is."""
    logs.trails(IsMultiRegionTrail=True)
    act(logs, "iam", "CreateUser", "eu-west-1")
    assert logs.heard(region="eu-west-1") == []
    assert logs.heard()[-1]["eventName"] == "CreateUser"


def test_a_call_is_heard_once_though_two_trails_log(logs):
    """Both have it in their files."""
    logs.trails()
    logs.trails("second")
    act(logs)
    names = [each["eventName"] for each in logs.heard()]
    assert names.count("DeletePolicy") == 1
    logs.world.clock.advance(minutes=5)
    assert logs.logged().count("DeletePolicy") == 2


def test_refused_calls_are_heard_too(logs):
    """With their error."""
    logs.trails()
    error = AwsError("AccessDeniedException", "no")
    logs.record("kms", "CreateKey", call=logs.call(OWNER, "us-east-1"), error=error)
    assert logs.heard()[-1]["errorCode"] == "AccessDenied"


@pytest.mark.parametrize(
    ("source", "name", "reads"),
    [
        ("acm-pca.amazonaws.com", "GetCertificate", True),
        ("acm-pca.amazonaws.com", "ListCertificateAuthorities", True),
        ("kms.amazonaws.com", "DescribeKey", True),
        ("lambda.amazonaws.com", "GetFunction20150331v2", True),
        ("sts.amazonaws.com", "GetSessionToken", False),
        ("sts.amazonaws.com", "GetFederationToken", False),
        ("sts.amazonaws.com", "GetCallerIdentity", True),
        ("sts.amazonaws.com", "AssumeRole", False),
        ("kms.amazonaws.com", "Sign", False),
        ("acm-pca.amazonaws.com", "IssueCertificate", False),
    ],
)
def test_what_only_reads_is_known_by_its_name(source, name, reads):
    """EventBridge guide, "Receiving read-only management events from AWS services"."""
    assert is_read(source, name) is reads


def test_readers_are_marked_for_the_rules(logs, monkeypatch):
    """The bus is told which events only some rules see."""
    logs.trails()
    told = []
    put = logs.bus.put
    monkeypatch.setattr(
        logs.bus, "put", lambda *a, **k: (told.append(k["read_only"]), put(*a, **k))
    )
    act(logs, operation="GetPolicy")
    act(logs, operation="DeletePolicy")
    assert told == [True, False]


def test_the_source_is_the_service_of_the_call():
    """Not CloudTrail."""
    assert source_of("acm-pca.amazonaws.com") == "aws.acm-pca"
