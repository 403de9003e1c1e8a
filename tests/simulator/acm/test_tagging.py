"""Tags of certificates."""

import pytest

from pkilab.simulator.acm import tagging
from pkilab.simulator.service import AwsError


def tags(**pairs):
    return [{"Key": key, "Value": value} for key, value in pairs.items()]


def test_tags_are_added_and_replaced_in_order():
    """A tag may have no value."""
    found = tagging.added({"a": "1", "b": "2"}, [*tags(a="3"), {"Key": "c"}])
    assert tagging.listed(found) == [*tags(a="3", b="2"), {"Key": "c"}]


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ([{"Key": "aws:x"}], "InvalidTagException"),
        ([{"Key": "AWS:x"}], "InvalidTagException"),
        (tags(x="aws:y"), "InvalidTagException"),
        ([{"Key": "x"}, {"Key": "x"}], "InvalidTagException"),
        ([{"Key": str(number)} for number in range(51)], "TooManyTagsException"),
    ],
)
def test_what_cannot_be_a_tag_is_refused(wanted, code):
    """Reserved words, a key twice, and more than fifty."""
    with pytest.raises(AwsError) as caught:
        tagging.added({}, wanted)
    assert caught.value.code == code


def test_fifty_tags_are_enough():
    """And setting one of them again is no more."""
    full = tagging.added({}, [{"Key": str(number)} for number in range(50)])
    assert tagging.added(full, tags(**{"7": "x"}))["7"] == "x"
    with pytest.raises(AwsError, match="at most 50"):
        tagging.added(full, tags(more="x"))


def test_a_tag_given_with_a_value_goes_only_with_it():
    """Without one it goes whatever its value."""
    held = {"a": "1", "b": "2"}
    assert tagging.removed(held, [*tags(a="2"), {"Key": "b"}, {"Key": "none"}]) == {"a": "1"}
    assert tagging.removed(held, tags(a="1")) == {"b": "2"}
