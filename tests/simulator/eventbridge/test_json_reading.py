"""JSON token by token: what it is, and where it is wrong."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.eventbridge.json_reading import END, FIELD, STRING, Reader, ReadingError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def exhaust(text):
    """Read every token and its text."""
    reader = Reader(text)
    while reader.next() != END:
        reader.text()


def read(reader):
    """Read one value with a reader that stands before it."""
    kind = reader.kind if reader.kind and reader.kind != FIELD else reader.next()
    if kind == "{":
        found = {}
        while reader.next() != "}":
            name = reader.name
            reader.next()
            found[name] = read(reader)
        return found
    if kind == "[":
        found = []
        while reader.next() != "]":
            found.append(read(reader))
        return found
    return reader.text() if kind == STRING else json.loads(reader.text())


@given(JSON, st.sampled_from([None, 1]))
def test_what_is_json_is_read_as_json_module_reads_it(value, indent):
    """Whatever the spaces between tokens."""
    text = json.dumps(value, indent=indent)
    reader = Reader(text)
    reader.next()
    assert read(reader) == json.loads(text)
    assert reader.next() == END


@given(st.text(alphabet='{}[]",:\\ \n0-9.eEtruefalsn*u', max_size=40))
def test_whatever_the_text_only_a_reading_error_leaves(text):
    """And where Python's parser takes one value, so does this one."""
    try:
        exhaust(text)
    except ReadingError as error:
        assert "[Source: (String)" in str(error)
        with pytest.raises(ValueError, match=r".*"):
            json.loads(text)


# As EventBridge answered, recorded in localstack/localstack
# (tests/aws/services/events/test_events_patterns.snapshot.json, Apache License 2.0).
@pytest.mark.parametrize(
    ("text", "reason", "column"),
    [
        (
            "this is valid json but not a dict",
            "Unrecognized token 'this': was expecting (JSON String, Number, Array, Object or "
            "token 'null', 'true' or 'false')",
            5,
        ),
        (
            "{'bad': 'quotation'}",
            "Unexpected character (''' (code 39)): was expecting double-quote to start field name",
            2,
        ),
        (
            '{"not": closed mark"',
            "Unrecognized token 'closed': was expecting (JSON String, Number, Array, Object or "
            "token 'null', 'true' or 'false')",
            15,
        ),
    ],
)
def test_an_error_is_told_with_its_place(text, reason, column):
    """In Jackson's words, which EventBridge passes on."""
    with pytest.raises(ReadingError) as refused:
        exhaust(text)
    where = f'[Source: (String)"{text}"; line: 1, column: {column}]'
    assert str(refused.value) == f"{reason}\n at {where}"


def test_a_long_source_is_cut_and_lines_are_counted():
    """500 characters are shown."""
    text = "\n\n" + " " * 600 + "x"
    reader = Reader(text)
    with pytest.raises(ReadingError) as refused:
        reader.next()
    assert str(refused.value).endswith('"[truncated 103 chars]; line: 3, column: 602]')


@pytest.mark.parametrize("text", ["", "  ", "{", "[1", '{"a"', '{"a":', '{"a":"b', '["\\x"]', "]"])
def test_what_ends_too_early_is_told(text):
    """An empty text has no token; anything else that does not end is an error."""
    if not text.strip():
        assert Reader(text).next() == END
        return
    with pytest.raises(ReadingError):
        exhaust(text)
