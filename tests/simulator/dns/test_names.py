"""Domain names as Route 53 writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.errors import MalformedError
from pkilab.simulator.dns.names import is_within, name_text, parse_name

labels = st.binary(min_size=1, max_size=63)
names = st.lists(labels, max_size=3).map(tuple)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("example.com", (b"example", b"com")),
        ("EXAMPLE.com.", (b"example", b"com")),
        (r"\052.example.com", (b"*", b"example", b"com")),
        ("*.example.com", (b"*", b"example", b"com")),
        (r"a\.b.com", (b"a.b", b"com")),
        (r"\101.com", (b"a", b"com")),  # an octet is a letter, and its case does not matter
        (".", ()),
    ],
)
def test_a_name_is_read_as_labels(text, name):
    """With or without a final dot, in any case."""
    assert parse_name(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a..b",
        ".a",
        "a" * 64 + ".com",
        ".".join(["a" * 63] * 4),
        "a\\",
        r"a\400",
        r"a\09x",
        "..",
    ],
)
def test_what_is_no_name_is_refused(text):
    """Empty or long labels, long names, escapes of nothing."""
    with pytest.raises(MalformedError, match="domain name"):
        parse_name(text)


def test_63_octets_are_a_label_and_255_a_name():
    """The final zero counts."""
    assert parse_name("a" * 63)
    longest = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])
    assert parse_name(longest)
    with pytest.raises(MalformedError):
        parse_name(longest + "d")


@given(names)
def test_text_reads_back_as_the_name_it_was_written_from(name):
    """Whatever octets are in it, in lower case."""
    folded = tuple(bytes(octet + 32 if 65 <= octet <= 90 else octet for octet in x) for x in name)
    assert parse_name(name_text(name)) == folded


@given(st.text(max_size=300))
def test_only_declared_errors_leave_the_reader(text):
    """And what is read can be written and read again."""
    try:
        name = parse_name(text)
    except MalformedError:
        return
    assert parse_name(name_text(name)) == name


def test_a_name_is_within_its_zone_and_no_other():
    """At the apex or below it; ending with the same letters is not enough."""
    zone = parse_name("lab.example")
    assert is_within(zone, zone)
    assert is_within(parse_name("a.b.lab.example"), zone)
    assert is_within(zone, ())
    assert not is_within(parse_name("notlab.example"), zone)
    assert not is_within(parse_name("example"), zone)
