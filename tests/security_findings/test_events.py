import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.errors import MalformedError
from pkilab.security_findings import Event


def test_an_envelope_is_read(events):
    read = Event.parse(events["issuance"])
    assert (read.source, read.account, read.region) == ("aws.acm-pca", "111122223333", "us-east-1")
    assert read.stamp == "2026-03-04T10:00:00Z"
    assert len(read.resources) == 2
    assert read.call is None


def test_a_call_is_read_with_who_and_where(events):
    call = Event.parse(events["call_disable"]).call
    assert call
    assert (call.name, call.error) == ("UpdateCertificateAuthority", "")
    assert call.who == "arn:aws:sts::111122223333:assumed-role/ca-admin/alice"
    assert call.address == "192.0.2.10"
    assert call.authority.startswith("arn:aws:acm-pca:")


@pytest.mark.parametrize("name", ["call_create", "call_put_policy", "call_delete"])
def test_the_authority_is_found_where_the_call_names_it(events, name):
    """In requestParameters, as resourceArn, or in the answer."""
    call = Event.parse(events[name]).call
    assert call
    assert call.authority.endswith("112233445566")


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("id", None), ("time", "noon"), ("time", None), ("detail", []), ("detail", None),
        ("resources", "arn"), ("resources", [1]), ("region", 1), ("source", ""),
    ],
)  # fmt: skip
def test_what_is_no_event_is_refused(events, member, value):
    with pytest.raises(MalformedError):
        Event.parse(events["issuance"] | {member: value})


@pytest.mark.parametrize("value", [None, [], "event", 1])
def test_what_is_no_object_is_refused(value):
    with pytest.raises(MalformedError, match="an event: found"):
        Event.parse(value)


@pytest.mark.parametrize("detail", [{"eventName": None}, {"requestParameters": "x"}])
def test_a_call_that_cannot_be_read_is_refused(event, detail):
    read = Event.parse(event("call_delete", detail=detail))
    with pytest.raises(MalformedError):
        _ = read.call


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(JSON)
def test_only_the_declared_error_leaves(value):
    with contextlib.suppress(MalformedError):
        Event.parse(value)
