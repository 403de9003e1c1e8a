import json
from datetime import timedelta

import pytest

from pkilab.simulator.service import AwsError

OWNER, OTHER = "111122223333", "444455556666"
ARN = f"arn:aws:kms:us-west-2:{OWNER}:key/k"


def test_events_come_newest_first_with_their_attributes(history):
    """What LookupEvents says beside the JSON agrees with it."""
    history.record("kms", "ListKeys")
    history.world.clock.advance(seconds=1.5)
    history.record("kms", "DisableKey", {"KeyId": ARN}, result={})
    newest, _ = history.lookup()["Events"]
    event = json.loads(newest["CloudTrailEvent"])
    assert newest["EventId"] == event["eventID"]
    assert newest["EventTime"] == 1793610001
    assert event["eventTime"] == "2026-11-02T09:00:01Z"
    assert newest["ReadOnly"] == "false"
    assert newest["EventSource"] == "kms.amazonaws.com"
    assert newest["Username"] == "Alice"
    assert newest["AccessKeyId"] == "AKIAIOSFODNN7EXAMPLE"
    assert newest["Resources"] == [{"ResourceType": "AWS::KMS::Key", "ResourceName": ARN}]


def test_events_are_found_by_every_attribute(history):
    """Eight attributes; a value that is nobody's finds nothing."""
    history.record("kms", "DisableKey", {"KeyId": ARN}, result={})
    history.record("acm", "ListCertificates", call=history.session())
    kms, acm = reversed(history.lookup()["Events"])
    for key, value, expected in (
        ("EventName", "DisableKey", ["DisableKey"]),
        ("EventSource", "acm.amazonaws.com", ["ListCertificates"]),
        ("ReadOnly", "false", ["DisableKey"]),
        ("ReadOnly", "true", ["ListCertificates"]),
        ("Username", "Alice", ["DisableKey"]),
        ("Username", "build-7", ["ListCertificates"]),
        ("AccessKeyId", "ASIAIOSFODNN7EXAMPLE", ["ListCertificates"]),
        ("ResourceType", "AWS::KMS::Key", ["DisableKey"]),
        ("ResourceName", ARN, ["DisableKey"]),
        ("EventId", kms["EventId"], ["DisableKey"]),
        ("EventId", acm["EventId"], ["ListCertificates"]),
    ):
        assert history.found(key, value) == expected, key
    for key in ("EventName", "EventSource", "Username", "AccessKeyId", "ResourceType",
                "ResourceName", "EventId"):  # fmt: skip
        assert history.found(key, "nothing") == []


def test_resources_are_found_by_the_names_in_requests_and_answers(history):
    """A certificate's ARN is in the answer, a role's name in the request."""
    arn = "arn:aws:acm:us-west-2:111122223333:certificate/c"
    history.record("acm", "RequestCertificate", {"DomainName": "a.example"},
                   result={"CertificateArn": arn})  # fmt: skip
    assert history.found("ResourceName", arn) == ["RequestCertificate"]
    history.record("lambda", "GetFunction", {"FunctionName": "f"})
    assert history.found("ResourceType", "AWS::Lambda::Function") == ["GetFunction20150331v2"]


def test_only_one_attribute_is_asked_for_and_read_only_is_a_word(history):
    """The list can contain only one item."""
    one = {"AttributeKey": "EventName", "AttributeValue": "x"}
    history.refused("InvalidLookupAttributesException", LookupAttributes=[one, one])
    yes = {"AttributeKey": "ReadOnly", "AttributeValue": "yes"}
    history.refused("InvalidLookupAttributesException", LookupAttributes=[yes])
    unknown = {"AttributeKey": "Color", "AttributeValue": "x"}
    history.refused("ValidationException", LookupAttributes=[unknown])


def test_times_bound_the_events_on_both_sides(history):
    """Both ends count; the end does not come before the start."""
    start = history.world.clock.now()
    for operation in ("ListKeys", "ListAliases", "ListGrants"):
        history.record("kms", operation)
        history.world.clock.advance(hours=1)

    def between(first, last):
        begin, end = (start + timedelta(hours=hours) for hours in (first, last))
        return history.names(StartTime=begin.timestamp(), EndTime=end.timestamp())

    assert between(0, 3) == ["ListGrants", "ListAliases", "ListKeys"]
    assert between(1, 1) == ["ListAliases"]
    assert between(0.5, 0.75) == []
    with pytest.raises(AwsError, match="InvalidTimeRangeException"):
        between(2, 1)


def test_events_are_shown_for_ninety_days(history):
    """By the world's clock."""
    history.record("kms", "ListKeys")
    history.world.clock.advance(days=90)
    assert history.names() == ["ListKeys"]
    history.world.clock.advance(seconds=1)
    assert history.names() == []


def test_pages_go_on_below_each_other_though_events_come_on_top(history):
    """Looking is an event itself: the next page repeats and skips nothing."""
    for _ in range(5):
        history.record("kms", "ListKeys")
    first = history.lookup(MaxResults=2)
    second = history.lookup(MaxResults=2, NextToken=first["NextToken"])
    third = history.lookup(MaxResults=2, NextToken=second["NextToken"])
    found = [each["EventId"] for page in (first, second, third) for each in page["Events"]]
    assert len(set(found)) == 5
    assert "NextToken" not in third
    assert len(history.names()) == 5


def test_a_token_is_for_the_same_question_alone(history):
    """A token of another question, another account or nobody's is refused."""
    for _ in range(3):
        history.record("kms", "ListKeys")
    token = history.lookup(MaxResults=1)["NextToken"]
    one = [{"AttributeKey": "EventName", "AttributeValue": "ListKeys"}]
    history.refused("InvalidNextTokenException", NextToken=token, LookupAttributes=one)
    history.refused("InvalidNextTokenException", NextToken=token, account=OTHER)
    for forged in ("", "no", "AAAA", "B" + token[1:]):
        history.refused("InvalidNextTokenException", NextToken=forged)


def test_accounts_see_their_own_events(history):
    """Nobody looks into another account's history."""
    history.record("kms", "ListKeys")
    assert history.lookup(OTHER)["Events"] == []


def test_insights_lake_and_its_queries_are_refused(history):
    """The event history and trails are simulated."""
    assert "insight" in history.refused("NotImplemented", EventCategory="insight")
    for operation, members in {
        "PutInsightSelectors": {"TrailName": "audit", "InsightSelectors": []},
        "CreateEventDataStore": {"Name": "store"},
        "StartQuery": {},
    }.items():
        with pytest.raises(AwsError, match="not simulated"):
            history.service.invoke(operation, json.dumps(members).encode(), history.call())


@pytest.mark.parametrize("size", [0, 51])
def test_a_page_has_one_to_fifty_events(history, size):
    """The model's constraint."""
    history.refused("ValidationException", MaxResults=size)
