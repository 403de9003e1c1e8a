"""Reading what logs answer: everything, or one declared error."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.ct.log_client import (
    LogSource,
    get_consistency,
    get_entries,
    get_tree_head,
    read_tree_head,
    write_tree_head,
)
from pkilab.ct.signing import sign_tree_head, verify_tree_head
from pkilab.ct.structures import TreeHead
from pkilab.errors import MalformedError

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def source(make):
    return LogSource("one", "https://one.example/2026/", make.key("log 1").public_key())


def test_a_tree_head_is_read_as_it_was_written(make, source):
    """The signature holds over what was read; from bytes and from JSON read already."""
    sth = sign_tree_head(make.key("log 1"), TreeHead(7, 1_793_610_000_000, bytes(32)))
    answer = write_tree_head(sth)
    assert read_tree_head(answer) == sth
    for shown in (answer, json.dumps(answer).encode(), json.dumps(answer)):
        found = get_tree_head(source, lambda url, shown=shown: shown)
        verify_tree_head(found, source.public_key)


def test_questions_are_those_of_rfc_6962(source):
    """Paths and parameters."""
    asked = []

    def fetch(url):
        asked.append(url)
        return {"consistency": [], "entries": [{}]}

    get_consistency(source, fetch, 3, 7)
    get_entries(source, fetch, 0, 10)
    assert asked == [
        "https://one.example/2026/ct/v1/get-sth-consistency?first=3&second=7",
        "https://one.example/2026/ct/v1/get-entries?start=0&end=9",
    ]


@pytest.mark.parametrize("count", [0, 4])
def test_no_entries_or_more_than_asked_for_are_refused(source, count):
    """A log may return fewer, and one at least."""
    with pytest.raises(MalformedError, match="expected 1 to 3"):
        get_entries(source, lambda _: {"entries": [{}] * count}, 0, 3)
    assert len(get_entries(source, lambda _: {"entries": [{}] * 2}, 0, 3)) == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tree_size", -1), ("tree_size", True), ("tree_size", "7"), ("timestamp", 1 << 64),
        ("timestamp", None), ("sha256_root_hash", "AA=="), ("sha256_root_hash", "%"),
        ("tree_head_signature", "AA=="), ("tree_head_signature", 4),
    ],
)  # fmt: skip
def test_a_head_with_one_field_amiss_is_refused(make, name, value):
    """By the field's name."""
    answer = write_tree_head(sign_tree_head(make.key("log 1"), TreeHead(7, 1, bytes(32))))
    with pytest.raises(MalformedError):
        read_tree_head({**answer, name: value})
    assert read_tree_head({**answer, "more": value})


@given(_JSON | st.binary(max_size=20))
def test_only_declared_errors_leave(source, answer):
    """Whatever a log answers."""
    for ask in (
        lambda: get_tree_head(source, lambda _: answer),
        lambda: get_consistency(source, lambda _: answer, 1, 2),
        lambda: get_entries(source, lambda _: answer, 0, 2),
    ):
        try:
            ask()
        except MalformedError:
            pass
        else:
            assert isinstance(answer, dict)
