"""What all policies have in common."""

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.iam import arn_like, like, listed


@given(pattern=st.text("ab*?.\n", max_size=12), value=st.text("ab.\n", max_size=12))
def test_wildcards_mean_what_they_mean_to_a_shell(pattern, value):
    """Python's fnmatch says so, too; but brackets mean nothing."""
    assert like(pattern, value) is fnmatchcase(value, pattern)
    assert like("[ab]", "[ab]")
    assert not like("[ab]", "a")


def test_a_pattern_full_of_stars_is_answered_at_once():
    """A matcher that tries every way through would take longer than anyone waits."""
    assert not like("*a" * 200 + "*b", "a" * 2000)
    assert like("*a" * 200 + "*b", "a" * 2000 + "b")


def test_arns_are_compared_part_by_part():
    """A star stays within its part, but for the last, where colons are text."""
    arn = "arn:aws:execute-api:us-east-1:111122223333:abc/v1/GET/a:b"
    assert arn_like("arn:aws:execute-api:*:111122223333:abc/*", arn)
    assert not arn_like("arn:aws:*:abc/*", arn)
    assert not arn_like("arn:aws:execute-api:us-east-1:*", "arn:aws:execute-api:us-east-1")


@given(pattern=st.text("a:*?", max_size=12), value=st.text("a:", max_size=12))
def test_an_arn_pattern_is_its_parts_patterns(pattern, value):
    """Cutting first and comparing the pieces with fnmatch gives the same."""
    patterns, parts = pattern.split(":", 5), value.split(":", 5)
    expected = len(patterns) == len(parts) and all(
        fnmatchcase(part, piece) for piece, part in zip(patterns, parts, strict=True)
    )
    assert arn_like(pattern, value) is expected


@pytest.mark.parametrize(("value", "values"), [(None, []), ("a", ["a"]), (["a", "b"], ["a", "b"])])
def test_an_element_has_one_value_several_or_none(value, values):
    """As IAM writes them."""
    assert listed(value) == values
