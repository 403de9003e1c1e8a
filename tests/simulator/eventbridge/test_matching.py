"""Many rules at once."""

import json

from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.eventbridge.matching import RuleSet
from pkilab.simulator.eventbridge.patterns import Pattern

VALUES = st.sampled_from(["a", "b", "10.0.0.1", {"prefix": "a"}, {"exists": False}, 1])
FIELDS = st.dictionaries(
    st.sampled_from(["source", "detail-type", "x"]),
    st.lists(VALUES, min_size=1, max_size=2),
    min_size=1,
)
PATTERNS = FIELDS | st.tuples(FIELDS, FIELDS).map(lambda two: {"$or": list(two)})
WORDS = st.sampled_from(["a", "b", "ab", "10.0.0.1", 1])
EVENTS = st.dictionaries(
    st.sampled_from(["source", "detail-type", "x"]), WORDS | st.lists(WORDS, max_size=2)
)


@given(st.lists(PATTERNS, max_size=12), EVENTS)
def test_all_at_once_match_as_each_by_itself(patterns, event):
    """In the order of their numbers."""
    made = [Pattern(json.dumps(each)) for each in patterns]
    expected = [number for number, each in enumerate(made) if each.matches(event)]
    assert RuleSet(made).matches(event) == expected


def test_rules_are_found_by_the_field_that_tells_most():
    """A thousand rules of one source differ in their detail type, and are found by it."""
    patterns = [Pattern(json.dumps({"source": ["s"], "detail-type": [f"t{n}"]})) for n in range(99)]
    rules = RuleSet(patterns)
    asked = list(rules._candidates({"source": [("s", ())], "detail-type": [("t7", ())]}))
    assert rules.matches({"source": "s", "detail-type": "t7"}) == [7]
    assert len(asked) <= 2
