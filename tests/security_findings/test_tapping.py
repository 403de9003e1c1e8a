"""What a tap catches on a bus, and what it does not."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from pkilab.lab import Lab
from pkilab.security_findings import take, tap

ENTRY = {"Source": "tests", "DetailType": "Something", "Detail": json.dumps({"n": 1})}


@pytest.fixture
def lab():
    with Lab.simulated(seed="tap", enforce_policies=True) as opened:
        yield opened


def put(lab, **members):
    lab.client("events").put_events(Entries=[ENTRY | members])


def test_a_tap_has_the_events_of_its_pattern_once_and_no_others(lab):
    made = tap(lab.client("events"), lab.client("sqs"), {"source": ["tests"]})
    put(lab)
    put(lab, Source="others")
    (event,) = made.take()
    assert (event["source"], event["detail-type"], event["detail"]) == (
        "tests", "Something", {"n": 1},
    )  # fmt: skip
    assert made.take() == []


def test_a_tap_gives_more_than_a_call_may_take(lab):
    made = tap(lab.client("events"), lab.client("sqs"), {"source": ["tests"]})
    for number in range(23):
        put(lab, Detail=json.dumps({"n": number}))
    assert sorted(each["detail"]["n"] for each in made.take()) == list(range(23))


def test_only_its_rule_may_send_to_its_queue(lab):
    events, sqs = lab.client("events"), lab.client("sqs")
    made, other = (tap(events, sqs, {"source": [name]}, name=name) for name in ("one", "two"))
    arn = events.list_targets_by_rule(Rule="one")["Targets"][0]["Arn"]
    events.put_targets(Rule="two", Targets=[{"Id": "another", "Arn": arn}])
    put(lab, Source="two")
    assert (len(made.take()), len(other.take())) == (0, 1)
    put(lab, Source="one")
    assert len(made.take()) == 1


def test_a_pattern_that_is_none_is_refused(lab):
    with pytest.raises(ClientError, match="InvalidEventPatternException"):
        tap(lab.client("events"), lab.client("sqs"), {"source": "tests"})


def test_messages_come_with_their_attributes_and_are_gone_then(lab):
    sqs = lab.client("sqs")
    url = sqs.create_queue(QueueName="plain")["QueueUrl"]
    attribute = {"DataType": "String", "StringValue": "why"}
    sqs.send_message(QueueUrl=url, MessageBody="text", MessageAttributes={"ERROR_CODE": attribute})
    (message,) = take(sqs, url)
    assert message["Body"] == "text"
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "why"
    assert take(sqs, url) == []
