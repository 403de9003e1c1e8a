"""Parameter policies, read from any text."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.service import AwsError
from pkilab.simulator.ssm.policies import read_policies, renewed

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
EXPIRES = {
    "Type": "Expiration", "Version": "1.0",
    "Attributes": {"Timestamp": "2026-12-02T21:34:33.000Z"},
}  # fmt: skip
NOTICE = {
    "Type": "ExpirationNotification", "Version": "1.0",
    "Attributes": {"Before": "15", "Unit": "Days"},
}  # fmt: skip
UNCHANGED = {
    "Type": "NoChangeNotification", "Version": "1.0",
    "Attributes": {"After": "20", "Unit": "Hours"},
}  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8)
    | st.sampled_from(["Expiration", "NoChangeNotification", "1.0"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["Type", "Version", "Attributes", "After"]), inner),
)  # fmt: skip


def test_each_policy_falls_due_as_the_guide_says():
    """At its time, before it, and so long after the last change."""
    found = read_policies(json.dumps([EXPIRES, NOTICE, UNCHANGED]), NOW)
    end = datetime(2026, 12, 2, 21, 34, 33, tzinfo=UTC)
    assert [each.due_at for each in found] == [
        end, end - timedelta(days=15), NOW + timedelta(hours=20),
    ]  # fmt: skip
    assert {each.status for each in found} == {"Pending"}
    assert json.loads(found[0].text) == EXPIRES


def test_a_change_renews_notices_of_no_change_alone():
    """What expires expires."""
    found = read_policies(json.dumps([EXPIRES, UNCHANGED]), NOW)
    later = renewed(found, NOW + timedelta(days=1))
    assert later[0] == found[0]
    assert later[1].due_at == found[1].due_at + timedelta(days=1)


@pytest.mark.parametrize(
    ("policies", "code"),
    [
        ([EXPIRES, EXPIRES], "IncompatiblePolicyException"),
        ([NOTICE], "IncompatiblePolicyException"),
        ([UNCHANGED] * 11, "PoliciesLimitExceededException"),
        ([{**EXPIRES, "Type": "Other"}], "InvalidPolicyTypeException"),
        ([{**EXPIRES, "Version": "2"}], "InvalidPolicyAttributeException"),
        ([{**EXPIRES, "Attributes": {"Timestamp": "soon"}}], "InvalidPolicyAttributeException"),
        ([{**EXPIRES, "Attributes": {"Timestamp": "2026-12-02T00:00"}}],
         "InvalidPolicyAttributeException"),
        ([{**UNCHANGED, "Attributes": {"After": "0", "Unit": "Days"}}],
         "InvalidPolicyAttributeException"),
        ([{**UNCHANGED, "Attributes": {"After": "1", "Unit": "Weeks"}}],
         "InvalidPolicyAttributeException"),
        ({}, "InvalidPolicyAttributeException"),
    ],
)  # fmt: skip
def test_what_is_no_policy_is_refused(policies, code):
    """Each with its error of the model."""
    with pytest.raises(AwsError) as refused:
        read_policies(json.dumps(policies), NOW)
    assert refused.value.code == code


@given(st.one_of(st.text(), JSON.map(json.dumps)))
def test_only_declared_errors_leave(text):
    """Whatever the text."""
    try:
        read_policies(text, NOW)
    except AwsError as refused:
        assert "Polic" in refused.code
