"""What patterns compare by."""

import fnmatch
import ipaddress
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.eventbridge.comparisons import (
    COMPLEX,
    address,
    as_number,
    comparable,
    complexity,
    in_network,
    in_range,
    like,
    parse_wildcard,
    read_comparable,
)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (5, 5.0, True), (0.1, 0.10000001, True), (0.000001, 0.000002, False),
        (5_000_000_000, 5e9, True), (-0.0000001, -0.000001, True),
    ],
)  # fmt: skip
def test_numbers_are_compared_by_six_digits_right_of_the_point(one, other, same):
    """User Guide, "Numeric matching"."""
    assert (comparable(one) == comparable(other)) is same


@pytest.mark.parametrize("text", ["5000000001", "-5.1e9", "1e999999999999999999999", "1e400"])
def test_numbers_out_of_range_are_refused(text):
    """Beyond five billion nothing is compared."""
    with pytest.raises(ValueError, match=r"between -5\.0E9 and 5\.0E9, inclusive"):
        read_comparable(text)
    assert read_comparable("5e9") == comparable(5_000_000_000)


@pytest.mark.parametrize("value", [True, None, "5", [], 6e9, float("inf"), float("nan")])
def test_what_is_no_number_in_range_is_not_compared(value):
    """A boolean is none, either."""
    assert as_number(value) is None


def test_ranges_open_and_closed():
    """Each bound may be left out."""
    test = in_range(comparable(0), comparable(5), above=True, below=False)
    assert [value for value in (-1, 0, 0.000001, 5, 5.1, "3", True) if test(value)] == [0.000001, 5]
    assert in_range(None, comparable(5), above=False, below=True)(4.9)
    assert not in_range(comparable(5), None, above=True, below=False)(5)
    with pytest.raises(ValueError, match="Bottom must be less than top"):
        in_range(comparable(5), comparable(5), above=False, below=False)


@given(st.ip_addresses(), st.ip_addresses(), st.data())
def test_networks_agree_with_pythons(one, other, data):
    """Any mask but the whole address."""
    mask = data.draw(st.integers(0, one.max_prefixlen - 1))
    network = ipaddress.ip_network(f"{one}/{mask}", strict=False)
    if address(str(one)) is None or str(one).startswith("::ffff:"):
        return  # an IPv4 address within IPv6, which Python writes with dots
    test = in_network(f"{one}/{mask}")
    assert test(str(one))
    assert test(str(other)) is (other.version == one.version and other in network)


@pytest.mark.parametrize(
    ("cidr", "why"),
    [
        ("10.0.0.0", "Malformed CIDR, one '/' required"),
        ("10.0.0.0/a", "Malformed CIDR, mask bits must be an integer"),
        ("10.0.0.0/-1", "Malformed CIDR, mask bits must not be negative"),
        ("10.0.0.0/32", "IPv4 mask bits must be < 32"),
        ("2001:db8::/128", "IPv6 mask bits must be < 128"),
        ("300.0.0.0/8", "Invalid IP address: 300.0.0.0"),
        ("xx.11.xx/8", "Nonstandard IP address: xx.11.xx"),
    ],
)
def test_networks_that_are_none_are_refused_in_event_rulers_words(cidr, why):
    """aws/event-ruler, CIDR."""
    with pytest.raises(ValueError, match=f"^{re.escape(why)}$"):
        in_network(cidr)


@given(st.text("ab*", max_size=8), st.text("ab", max_size=10))
def test_wildcards_match_as_globs_do(pattern, text):
    """Python's fnmatch is the witness; two stars in a row are refused instead."""
    if "**" in pattern:
        with pytest.raises(ValueError, match="Consecutive wildcard characters at pos"):
            parse_wildcard(pattern)
        return
    assert like(parse_wildcard(pattern))(text) is fnmatch.fnmatchcase(text, pattern)


def test_a_backslash_takes_the_stars_meaning():
    """And its own; it escapes nothing else."""
    assert like(parse_wildcard(r"a\*\\*"))("a*\\b")
    assert not like(parse_wildcard(r"a\*\\*"))("ab\\b")
    assert not like(parse_wildcard("*"))(5)
    for wrong in (r"a\b", "a\\"):
        with pytest.raises(ValueError, match="Invalid escape character at pos 2"):
            parse_wildcard(wrong)


# aws/event-ruler, MachineComplexityEvaluatorTest.
@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["*"], 1), (["abc"], 1), (["*ab"], 2), (["*aa"], 3), (["a*b"], 2), (["aa*"], 2),
        (["a*bcb"], 3), (["a*bbb"], 4), (["*ab*ad"], 4), (["*ab*d"], 3), (["*aba*"], 4),
        (["a*b*bb"], 5), (["a*b*cb"], 4), (["a*b*cd"], 3), (["a*b*b"], 4), (["ab*b*"], 3),
        (["*", "ab*c"], 3), (["ab*c", "x*xx"], 3), (["*abc", "*abcde"], 4),
        (["a*bcd", "ab*cd"], 4), (["a*aaa", "aa*aa"], 7), (["ab*cd", "ab*wx", "ab*yz"], 6),
        (["*ab*b*b*"], 7), (["*a*a*a*a*a*a*a*a*"], COMPLEX),
        # What EventBridge takes and refuses, as recorded in localstack/localstack.
        (["/Users/*/dir/dir/dir/dir/dir/doc.txt"], 7), (["*:*:*:*:*:event-bus/*"], COMPLEX),
    ],
)  # fmt: skip
def test_complexity_is_how_many_beginnings_one_text_can_match(patterns, expected):
    """Counted until it is too much."""
    assert complexity(map(parse_wildcard, patterns)) == expected
