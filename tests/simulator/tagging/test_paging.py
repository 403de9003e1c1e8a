"""Pages by what came last."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.service import AwsError
from pkilab.simulator.tagging import paging

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
names = st.lists(st.text(min_size=1, max_size=4), unique=True).map(sorted)


@given(names, st.integers(1, 5), st.data())
def test_every_page_together_is_the_list(keys, size, data):
    """Whatever goes on the way: what stays is seen once."""
    seen, token, left = [], "", keys
    while True:
        first = paging.start(left, token, "s", NOW)
        seen += left[first : first + size]
        token = paging.following(left, first + size, "s", NOW)
        if not token:
            break
        if left:
            gone = data.draw(st.sampled_from(left))
            left = [each for each in left if each != gone]
    assert len(seen) == len(set(seen))
    assert set(left) <= set(seen)


@given(st.text())
def test_no_text_is_a_token_but_those_given_out(text):
    """Only the declared error leaves."""
    if text:
        with pytest.raises(AwsError) as refused:
            paging.start(["a"], text, "s", NOW)
        assert refused.value.code == "InvalidParameterException"
