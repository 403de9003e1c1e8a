"""Log files, on the lab's clock, read back from the bucket."""

import re
from datetime import timedelta

import pytest
from moto.s3.models import s3_backends

from pkilab.simulator.cloudtrail import delivering

OWNER, OTHER = "111122223333", "444455556666"
NAME = re.compile(
    r"AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/02/"
    r"111122223333_CloudTrail_us-east-1_20261102T0905Z_[A-Za-z0-9]{16}\.json\.gz"
)


def act(logs, operation="CreateKey", region="us-east-1", account=OWNER, service="kms"):
    """Let somebody call something."""
    logs.record(service, operation, call=logs.call(account, region))


def test_events_are_in_a_file_at_the_next_five_minutes(logs):
    """Its name is that of the User Guide's; its events are those of the history."""
    logs.trails()
    logs.world.clock.advance(minutes=1)
    act(logs)
    event = logs.newest(region="us-east-1")
    logs.world.clock.advance(minutes=3, seconds=59)
    assert logs.objects() == {}
    logs.world.clock.advance(seconds=1)
    ((key, content),) = logs.objects().items()
    assert NAME.fullmatch(key)
    assert list(content) == ["Records"]
    assert event in content["Records"]
    stored = s3_backends[OWNER]["aws"].buckets["lab-logs"].keys[key]
    assert stored.metadata["Content-Type"] == "application/json"
    status = logs("GetTrailStatus", Name="audit")
    assert status["LatestDeliveryTime"] == (logs.world.clock.now()).timestamp()
    assert status["LatestDeliveryAttemptSucceeded"] == "2026-11-02T09:05:00Z"


def test_there_is_no_file_where_nothing_was_called(logs):
    """Nor any work that is due."""
    logs.trails()
    logs.world.clock.advance(minutes=5)
    before = len(logs.objects())
    logs.world.clock.advance(days=2)
    assert len(logs.objects()) == before


def test_before_and_after_logging_nothing_is_taken_down(logs):
    """What was taken down before is delivered all the same."""
    logs.trails(start=False)
    act(logs, "CreateKey")
    logs("StartLogging", Name="audit")
    act(logs, "DisableKey")
    logs("StopLogging", Name="audit")
    act(logs, "EnableKey")
    logs.world.clock.advance(minutes=5)
    assert [name for name in logs.logged() if name.endswith("Key")] == ["DisableKey"]


@pytest.mark.parametrize("last", ["StopLogging", "DeleteTrail"])
def test_the_last_event_of_a_trail_is_that_of_its_end(logs, last):
    """It is in the file and on the bus: who switches the trail off is known."""
    logs.trails()
    logs(last, Name="audit")
    act(logs)
    logs.world.clock.advance(minutes=5)
    assert logs.logged() == ["StartLogging", last]
    assert [each["eventName"] for each in logs.heard()] == ["StartLogging", last]


def test_a_deleted_trail_delivers_what_it_has(logs):
    """And nothing after."""
    logs.trails()
    act(logs, "CreateKey")
    logs("DeleteTrail", Name="audit")
    act(logs, "DisableKey")
    logs.world.clock.advance(minutes=10)
    assert "CreateKey" in logs.logged()
    assert "DisableKey" not in logs.logged()


def test_a_trail_of_one_region_has_the_events_of_that_region(logs):
    """And those of global services only if that is us-east-1."""
    logs.trails()
    logs.bucket("west")
    policy = s3_backends[OWNER]["aws"].buckets["lab-logs"]
    policy.policy = policy.policy.replace(b"us-east-1", b"*")
    logs.trails("west", region="us-west-2")
    act(logs, "CreateKey")
    act(logs, "DisableKey", "us-west-2")
    act(logs, "CreateUser", "us-west-2", service="iam")
    logs.world.clock.advance(minutes=5)
    assert "CreateKey" in logs.logged("/us-east-1/")
    assert "CreateUser" in logs.logged("/us-east-1/")
    assert "DisableKey" in logs.logged("/us-west-2/")
    assert "CreateUser" not in logs.logged("/us-west-2/")


def test_a_multi_region_trail_has_a_file_for_each_region(logs):
    """Global services are in that of us-east-1."""
    logs.trails(IsMultiRegionTrail=True)
    act(logs, "CreateKey", "eu-west-1")
    act(logs, "CreateUser", "eu-west-1", service="iam")
    logs.world.clock.advance(minutes=5)
    assert logs.logged("/CloudTrail/eu-west-1/") == ["CreateKey"]
    assert "CreateUser" in logs.logged("/CloudTrail/us-east-1/")


def test_global_events_can_be_left_out(logs):
    """Of a trail of one Region."""
    logs.trails(IncludeGlobalServiceEvents=False)
    act(logs, "CreateUser", service="iam")
    act(logs)
    logs.world.clock.advance(minutes=5)
    assert "CreateKey" in logs.logged()
    assert "CreateUser" not in logs.logged()


def test_selectors_decide_between_readers_and_writers(logs):
    """And may leave the many events of KMS out."""
    logs.trails(start=False)
    for kind, expected in {"ReadOnly": ["ListKeys"], "WriteOnly": ["CreateKey"]}.items():
        chosen = [{"ReadWriteType": kind, "IncludeManagementEvents": True}]
        logs("PutEventSelectors", TrailName="audit", EventSelectors=chosen)
        logs("StartLogging", Name="audit")
        act(logs, "ListKeys")
        act(logs, "CreateKey")
        logs("StopLogging", Name="audit")
        logs.world.clock.advance(minutes=5)
        *_, newest = logs.objects().values()
        names = [each["eventName"] for each in newest["Records"]]
        assert [name for name in names if name.endswith(("Key", "Keys"))] == expected
    chosen = [{"ExcludeManagementEventSources": ["kms.amazonaws.com"]}]
    logs("PutEventSelectors", TrailName="audit", EventSelectors=chosen)
    logs("StartLogging", Name="audit")
    before = len(logs.logged())
    act(logs, "CreateKey")
    act(logs, "CreateUser", service="iam")
    logs.world.clock.advance(minutes=5)
    added = logs.logged()[before:]
    assert "CreateUser" in added
    assert "CreateKey" not in added


def test_accounts_do_not_get_each_others_events(logs):
    """But the owner of a key gets what others do with it, as the history has it."""
    logs.trails()
    act(logs, account=OTHER)
    key = f"arn:aws:kms:us-east-1:{OWNER}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    logs.record("kms", "Sign", {"KeyId": key}, call=logs.call(OTHER, "us-east-1"))
    logs.world.clock.advance(minutes=5)
    (content,) = logs.objects().values()
    foreign = [each for each in content["Records"] if each["eventSource"] == "kms.amazonaws.com"]
    assert [each["eventName"] for each in foreign] == ["Sign"]
    assert foreign[0]["recipientAccountId"] == OWNER
    assert "sharedEventID" in foreign[0]


def test_a_bucket_that_shuts_gets_its_events_when_it_opens_again(logs):
    """The status says what S3 answered."""
    logs.trails()
    act(logs)
    logs.shut()
    logs.world.clock.advance(minutes=6)
    status = logs("GetTrailStatus", Name="audit")
    assert status["LatestDeliveryError"] == "AccessDenied"
    assert "LatestDeliveryTime" not in status
    logs.world.clock.advance(days=2)
    assert logs.objects() == {}
    s3_backends[OWNER]["aws"].buckets.pop("lab-logs")
    s3_backends.bucket_accounts.pop("lab-logs")
    logs.world.clock.advance(minutes=5)
    assert logs("GetTrailStatus", Name="audit")["LatestDeliveryError"] == "NoSuchBucket"
    logs.bucket()
    logs.world.clock.advance(minutes=5)
    assert "CreateKey" in logs.logged()
    assert "LatestDeliveryError" not in logs("GetTrailStatus", Name="audit")


def test_after_thirty_days_undelivered_events_are_lost(logs):
    """And nothing is due any more."""
    logs.trails()
    logs("StopLogging", Name="audit")
    logs.shut()
    logs.world.clock.advance(days=30, minutes=11)
    s3_backends[OWNER]["aws"].buckets.pop("lab-logs")
    s3_backends.bucket_accounts.pop("lab-logs")
    logs.bucket()
    logs.world.clock.advance(days=1)
    assert logs.objects() == {}


def test_a_large_file_is_divided(logs, monkeypatch):
    """No event is lost, none is cut."""
    monkeypatch.setattr(delivering, "LARGEST", 2500)
    logs.trails()
    for _ in range(7):
        act(logs)
    logs.world.clock.advance(minutes=5)
    assert len(logs.objects()) > 2
    assert logs.logged().count("CreateKey") == 7


def test_the_same_calls_give_the_same_files(logs):
    """Names and octets."""

    def story():
        logs.trails(EnableLogFileValidation=True)
        act(logs)
        logs.world.clock.advance(hours=1)
        keys = s3_backends[OWNER]["aws"].buckets["lab-logs"].keys
        return {key: keys[key].value for key in keys}

    first = story()
    logs.close()
    logs.__init__()
    assert story() == first
    assert len(first) >= 2


def test_a_call_costs_nothing_where_no_trail_logs(logs):
    """Nobody listens before, and nobody after."""
    assert logs.trail.follower is None
    logs.trails()
    assert logs.trail.follower is not None
    logs("StopLogging", Name="audit")
    assert logs.trail.follower is None


def test_files_come_at_whole_five_minutes(logs):
    """However odd the hour of the call is."""
    logs.trails()
    logs.world.clock.advance(minutes=7, seconds=13)
    act(logs)
    logs.world.clock.advance(hours=1)
    stamps = [re.search(r"T(\d{4})Z", key)[1] for key in logs.objects()]
    assert stamps == ["0905", "0910"]
    assert timedelta(minutes=5) == delivering.EVERY
