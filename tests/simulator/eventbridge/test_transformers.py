"""What of an event a target gets."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.eventbridge.state import Event, InputTransformer, Rule, Target
from pkilab.simulator.eventbridge.transformers import (
    find,
    payload,
    template_error,
    unknown_placeholder,
)

RULE = Rule("example", "arn:aws:events:us-east-2:123456789012:rule/example", "default", "1", "r")
EVENT = {  # User Guide, "Amazon EventBridge input transformation"
    "version": "0",
    "id": "7bf73129-1428-4cd3-a780-95db273d1602",
    "detail-type": "EC2 Instance State-change Notification",
    "source": "aws.ec2",
    "account": "123456789012",
    "time": "2015-11-11T21:29:54Z",
    "region": "us-east-1",
    "resources": ["arn:aws:ec2:us-east-1:123456789012:instance/i-abcd1111"],
    "detail": {"instance-id": "i-0123456789", "state": "RUNNING"},
}
PATHS = {"timestamp": "$.time", "instance": "$.detail.instance-id", "state": "$.detail.state"}


def filled(template, paths=PATHS, event=EVENT):
    """Fill a template."""
    target = Target("t", "arn", input_transformer=InputTransformer(paths, template))
    return payload(target, RULE, event)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ('"instance <instance> is in <state>"', '"instance i-0123456789 is in RUNNING"'),
        (
            r'"instance \"<instance>\" is in <state>"',
            r'"instance \"i-0123456789\" is in RUNNING"',
        ),
        (
            '{\n  "instance" : <instance>,\n  "state": <state>\n}',
            '{"instance":"i-0123456789","state":"RUNNING"}',
        ),
        (
            '{"instance" : <instance>, "state": "<state>", '
            r'"instanceStatus": "instance \"<instance>\" is in <state>"}',
            '{"instance":"i-0123456789","state":"RUNNING",'
            r'"instanceStatus":"instance \"i-0123456789\" is in RUNNING"}',
        ),
        (
            '{"instance" : <instance>, "state": [ 9, <state>, true ], "Transformed" : "Yes"}',
            '{"instance":"i-0123456789","state":[9,"RUNNING",true],"Transformed":"Yes"}',
        ),
        (
            '{"ruleArn" : <aws.events.rule-arn>, "ruleName" : <aws.events.rule-name>}',
            '{"ruleArn":"arn:aws:events:us-east-2:123456789012:rule/example","ruleName":"example"}',
        ),
        ('"<aws.events.rule-name> triggered"', '"example triggered"'),
    ],
)
def test_the_examples_of_the_user_guide_come_out_as_there(template, expected):
    """Minified, as it says that JSON is."""
    assert filled(template) == expected


LISTS = {
    **EVENT,
    "detail": {"payload": {"acc_id": "0a787ecb-4015", "sf_id": "baz"}, "one": ["HIGH"],
               "many": ["ACTIVE", "INACTIVE"], "valid": True, "n": 5, "none": None},
}  # fmt: skip
INSIDE = {
    "payload": "$.detail.payload", "one": "$.detail.one", "many": "$.detail.many",
    "missing": "$.detail.missing", "valid": "$.detail.valid", "id": "$.detail.payload.acc_id",
    "n": "$.detail.n", "none": "$.detail.none",
}  # fmt: skip


# As recorded in localstack/localstack (tests/aws/services/events/test_events_inputs.snapshot.json).
@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ('"Payload of <payload> and <id>"',
         '"Payload of {acc_id:0a787ecb-4015,sf_id:baz} and 0a787ecb-4015"'),
        ('"<one> single"\n"<many> multiple"', '"[HIGH] single"\n"[ACTIVE,INACTIVE] multiple"'),
        ('"extracted from detail <missing>"', '"extracted from detail "'),
        ('{"command": <missing>}', '{"command":""}'),
        ('{"body": <payload>, "list": <one>}',
         '{"body":{"acc_id":"0a787ecb-4015","sf_id":"baz"},"list":["HIGH"]}'),
        ('{"id" : "<id>"}', '{"id":"0a787ecb-4015"}'),
        ('{"path": "users/<id>/second/<id>"}',
         '{"path":"users/0a787ecb-4015/second/0a787ecb-4015"}'),
        ('"Command is <valid>!"', '"Command is true!"'),
        ('"{[/Check <id>"', '"{[/Check 0a787ecb-4015"'),
        ('{"n": <n>, "none": <none>}', '{"n":5,"none":null}'),
    ],
)  # fmt: skip
def test_values_in_strings_and_what_is_missing_are_written_as_eventbridge_does(template, expected):
    """Objects and arrays lose their quotes in a string."""
    assert filled(template, INSIDE, LISTS) == expected


def test_the_event_is_there_with_its_detail_and_without():
    """aws.events.event calls the detail's type otherwise."""
    found = json.loads(filled('{"o": <aws.events.event>, "j": <aws.events.event.json>}'))
    assert found["j"] == EVENT
    assert found["o"] == {
        "id": EVENT["id"], "account": EVENT["account"], "detailType": EVENT["detail-type"],
        "time": EVENT["time"], "source": "aws.ec2", "region": "us-east-1",
        "resources": EVENT["resources"], "version": "0",
    }  # fmt: skip


def test_the_ingestion_time_is_when_eventbridge_received_it():
    """Not the time that the event tells; JSON that never was on a bus has only that."""
    event = Event(EVENT)
    event.ingested = datetime(2026, 1, 5, 9, tzinfo=UTC)
    template = '"<aws.events.event.ingestion-time> <timestamp>"'
    assert filled(template, event=event) == '"2026-01-05T09:00:00Z 2015-11-11T21:29:54Z"'
    assert filled(template) == '"2015-11-11T21:29:54Z 2015-11-11T21:29:54Z"'


def test_values_are_not_escaped():
    """User Guide, "Common issues": what comes of it may be no JSON, and is sent all the same."""
    event = {**EVENT, "detail": {"state": 'a "b"'}}
    assert filled('{"s": "<state>"}', event=event) == '{"s": "a "b""}'
    assert filled('{"s": <state>}', event=event) == r'{"s":"a \"b\""}'


def test_input_path_and_constant_and_the_whole_event():
    """A constant as it is; JSON without spaces."""
    assert payload(Target("t", "arn", input='{ "a": 1 }'), RULE, EVENT) == '{ "a": 1 }'
    path = Target("t", "arn", input_path="$.detail")
    assert payload(path, RULE, EVENT) == '{"instance-id":"i-0123456789","state":"RUNNING"}'
    deep = Target("t", "arn", input_path="$.detail.state")
    assert payload(deep, RULE, EVENT) == '"RUNNING"'
    assert payload(Target("t", "arn", input_path="$.no"), RULE, EVENT) == "null"
    whole = payload(Target("t", "arn"), RULE, EVENT)
    assert json.loads(whole) == EVENT
    assert whole.startswith('{"version":"0","id":')


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", EVENT), ("$.resources[0]", EVENT["resources"][0]), ("$.resources[*]",
        EVENT["resources"]), ("$.detail.*", ["i-0123456789", "RUNNING"]),
    ],
)  # fmt: skip
def test_paths_with_dots_indices_and_stars(path, expected):
    """EventBridge's subset of JSON path."""
    assert find(EVENT, path) == expected


@pytest.mark.parametrize(
    "path", ["", "detail", "$.resources[1]", "$.detail[0]", "$..state", "$.", "$['detail']"]
)
def test_paths_that_lead_nowhere_find_nothing(path):
    """And are not refused."""
    assert filled('"<x>"', {"x": path}) == '""'


def test_placeholders_that_nothing_fills_are_told():
    """Those of EventBridge need no path."""
    template = '"<state> <notdefinedkey> <aws.events.rule-name>"'
    assert unknown_placeholder(InputTransformer(PATHS, template)) == "notdefinedkey"
    assert unknown_placeholder(InputTransformer(PATHS, '"<state>"')) is None


@pytest.mark.parametrize(
    "template", ["Something happened: <state>", "{<state>: 1}", '{"a": <state>', '"<state>']
)
def test_a_template_that_cannot_become_json_is_told(template):
    """Strings need quotes; a placeholder is no key."""
    assert template_error(template)
    assert template_error('"a <state>"\n"b"') is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(VALUES, st.text(max_size=20), st.text(alphabet='<x>"{}:[]\\ ', max_size=20))
def test_whatever_comes_a_text_comes_out(value, path, template):
    """Outside of quotes it is the value's JSON."""
    event = {**EVENT, "detail": value}
    assert isinstance(filled(template, {"x": path}, event), str)
    assert json.loads(filled('{"v": <x>}', {"x": "$.detail"}, event)) == {"v": value}


@pytest.mark.parametrize("options", [{}, {"input_path": "$.detail"}])
def test_half_a_surrogate_pair_becomes_a_question_mark(options):
    """An event may hold one, in the escapes of its producer's JSON; a target gets UTF-8."""
    event = {**EVENT, "detail": {"a": "x\ud83d", "b": "😀"}}
    found = json.loads(payload(Target("t", "arn", **options), RULE, event))
    assert found.get("detail", found) == {"a": "x?", "b": "😀"}
