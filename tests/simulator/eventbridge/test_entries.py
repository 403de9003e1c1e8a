"""PutEvents. Errors as recorded in localstack/localstack."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.eventbridge.entries import SIZE, entry_size
from pkilab.simulator.service import AwsError
from tests.simulator.eventbridge.conftest import OTHER, OWNER, REGION, Events


def test_an_entry_becomes_an_event_in_eventbridges_shape(events):
    """The account is the caller's, the time the entry's or now."""
    events.rule()
    (answer,) = events.put({"Detail": '{"a": 1}', "Resources": ["arn:r"], "Time": 1767600000.5})[
        "Entries"
    ]
    ((_, _, event),) = events.sent
    assert event == {
        "version": "0", "id": answer["EventId"], "detail-type": "done", "source": "my.app",
        "account": OWNER, "time": "2026-01-05T08:00:00Z", "region": REGION, "resources": ["arn:r"],
        "detail": {"a": 1},
    }  # fmt: skip
    assert event.ingested == events.world.clock.now()
    events.put({})
    assert events.sent[1][2]["time"] == f"{events.world.clock.now():%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.parametrize(
    ("entry", "code", "message"),
    [
        ({"Source": ""}, "InvalidArgument",
         "Parameter Source is not valid. Reason: Source is a required argument."),
        ({"DetailType": None}, "InvalidArgument",
         "Parameter DetailType is not valid. Reason: DetailType is a required argument."),
        ({"Detail": None}, "InvalidArgument",
         "Parameter Detail is not valid. Reason: Detail is a required argument."),
        ({"Detail": "text"}, "MalformedDetail", "Detail is malformed."),
        ({"Detail": "[]"}, "MalformedDetail", "Detail is malformed."),
        ({"Detail": '{"a": NaN}'}, "MalformedDetail", "Detail is malformed."),
        ({"Detail": '{"a":' * 5000}, "MalformedDetail", "Detail is malformed."),
        ({"Source": "aws.acm"}, "NotAuthorizedForSourceException",
         "Not authorized for the source."),
    ],
)  # fmt: skip
def test_each_entry_fails_by_itself(events, entry, code, message):
    """The others go on."""
    events.rule()
    found = events.put({}, entry, {})
    assert found["FailedEntryCount"] == 1
    assert found["Entries"][1] == {"ErrorCode": code, "ErrorMessage": message}
    assert len(events.reached()) == 2
    assert len({each.get("EventId") for each in found["Entries"]}) == 3


def test_a_bus_that_is_not_there_loses_events(events):
    """With an id all the same."""
    events.rule()
    found = events.put({"EventBusName": "none"}, {})
    assert found["FailedEntryCount"] == 0
    assert len(events.reached()) == 1


def test_a_request_has_ten_entries_and_one_megabyte(events):
    """By AWS's own formula, over all entries."""
    events.rule()
    events.put(*[{}] * 10)
    with pytest.raises(AwsError, match="less than or equal to 10"):
        events.put(*[{}] * 11)
    rest = SIZE - 2 * len("my.appdone") - len('{"a": ""}') - len("{}")
    full = {"Detail": '{"a": "' + "x" * rest + '"}'}
    assert events.put(full, {})["FailedEntryCount"] == 0
    with pytest.raises(AwsError, match="Total size of the entries in the request is over") as big:
        events.put(full, {"Resources": ["r"]})
    assert big.value.code == "ValidationException"


def test_the_size_of_an_entry_is_counted_as_awss_java_example_does():
    """User Guide, "Calculating PutEvents event entry size"; a time is 14 octets."""
    entry = {"Source": "s", "DetailType": "dé", "Detail": "{}", "Resources": ["ab", "c"]}
    assert entry_size(entry) == 1 + 3 + 2 + 3
    assert entry_size({**entry, "Time": 0}) == 23


@pytest.mark.parametrize(
    ("members", "entry"),
    [
        ({"EndpointId": "a.b"}, {}), ({}, {"TraceHeader": "Root=1"}),
        ({}, {"EventBusName": f"arn:aws:events:eu-west-1:{OWNER}:event-bus/default"}),
    ],
)  # fmt: skip
def test_what_is_not_modelled_of_an_entry_is_refused(events, members, entry):
    """Before anything is sent."""
    events.rule()
    with pytest.raises(AwsError, match="is not simulated"):
        events.put({}, entry, **members)
    assert events.reached() == []


def test_an_entry_may_go_to_another_accounts_bus(events):
    """Its account stays the sender's; who may is the gate's to say."""
    events.rule(account=OTHER)
    events.put({"EventBusName": f"arn:aws:events:{REGION}:{OTHER}:event-bus/default"})
    ((_, _, event),) = events.sent
    assert event["account"] == OWNER


@given(st.lists(st.fixed_dictionaries({}, optional={
    "Source": st.text(max_size=5), "DetailType": st.text(max_size=5),
    "Detail": st.text(max_size=9) | st.just("{}"), "Resources": st.lists(st.text(max_size=3)),
}), min_size=1, max_size=3))  # fmt: skip
def test_whatever_the_entries_each_has_an_answer(entries):
    """An id or an error."""
    events = Events()
    try:
        answers = events("PutEvents", Entries=entries)["Entries"]
    finally:
        events.close()
    assert [("EventId" in each) ^ ("ErrorCode" in each) for each in answers] == [True] * len(
        entries
    )
