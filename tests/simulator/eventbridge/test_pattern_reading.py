"""What is wrong with a pattern, in EventBridge's words."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.eventbridge.json_reading import ReadingError
from pkilab.simulator.eventbridge.pattern_reading import read_pattern


def why(pattern):
    """Return the reasons for which a pattern is refused, without the source."""
    text = pattern if isinstance(pattern, str) else json.dumps(pattern)
    with pytest.raises(ReadingError) as refused:
        read_pattern(text, 1000)
    return str(refused.value)


def reason(*values):
    """Return the reason for which the values of a field are refused."""
    return why({"a": list(values)}).partition("\n")[0]


# The first of each pair of texts is as recorded in localstack/localstack
# (tests/aws/services/events/test_events_patterns.snapshot.json), the others as aws/event-ruler
# (JsonRuleCompiler) has them.
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], "Empty arrays are not allowed"),
        ([[1]], "Match value must be String, number, true, false, or null"),
        ([{}], "Match expression name not found"),
        ([{"EXISTS": True}], "Unrecognized match type EXISTS"),
        ([{"exists": 1}], "exists match pattern must be either true or false."),
        ([{"exists": None}], "exists match pattern must be either true or false."),
        ([{"exactly": 1}], "exact match pattern must be a string"),
        ([{"prefix": 1}], "prefix match pattern must be a string"),
        ([{"prefix": {}}], "Prefix expression name not found"),
        ([{"prefix": {"suffix": "a"}}], "Unsupported prefix pattern: suffix"),
        ([{"suffix": ["a"]}], "suffix match pattern must be a string"),
        ([{"suffix": {"wildcard": "a"}}], "Unsupported suffix pattern: wildcard"),
        (
            [{"suffix": {"equals-ignore-case": 1}}],
            "equals-ignore-case match pattern must be a string",
        ),
        ([{"equals-ignore-case": ["a"]}], "equals-ignore-case match pattern must be a string"),
        ([{"wildcard": 1}], "wildcard match pattern must be a string"),
        ([{"wildcard": "a**"}], "Consecutive wildcard characters at pos 2"),
        ([{"wildcard": "a\\b"}], "Invalid escape character at pos 2"),
        ([{"prefix": "a", "suffix": "b"}], "Only one key allowed in match expression"),
        ([{"numeric": 10}], "Value of numeric must be an array."),
        ([{"numeric": [1]}], "Invalid member in numeric match: 1"),
        ([{"numeric": ["!", 1]}], "Unrecognized numeric range operator: !"),
        ([{"numeric": ["=", "1"]}], "Value of equals must be numeric"),
        ([{"numeric": [">", 0, ">", 5]}], "Bad numeric range operator: >"),
        ([{"numeric": [">", 0, 5]}], "Bad value in numeric range: 5"),
        ([{"numeric": [">", 0, "<"]}], "Value of < must be numeric"),
        ([{"numeric": [">", 0, "<", 5, 6]}], "Too many terms in numeric range expression"),
        ([{"numeric": ["<", 0, ">", 5]}], "Too many elements in numeric expression"),
        ([{"numeric": [">", 5, "<", 5]}], "Bottom must be less than top"),
        ([{"numeric": [">", 6e9]}], "Value must be between -5.0E9 and 5.0E9, inclusive"),
        ([{"cidr": ["10.0.0.0/8"]}], "prefix match pattern must be a string"),
        ([{"cidr": "10.0.0.0"}], "Malformed CIDR, one '/' required"),
        (
            [{"anything-but": None}],
            "Value of anything-but must be an array or single string/number value.",
        ),
        ([{"anything-but": {"numeric": 1}}], "Unsupported anything-but pattern: numeric"),
        ([{"anything-but": {}}], "Anything-But expression name not found"),
        (
            [{"anything-but": ["a", None]}],
            "Inside anything but list, start|null|boolean is not supported.",
        ),
        (
            [{"anything-but": ["a", 1]}],
            "Inside anything but list, either all values are number or string, mixed type is "
            "not supported",
        ),
        (
            [{"anything-but": {"equals-ignore-case": [1]}}],
            "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not "
            "supported.",
        ),
        (
            [{"anything-but": {"suffix": [1]}}],
            "prefix/suffix match pattern must be a string",
        ),
        ([{"anything-but": {"prefix": ""}}], "Null prefix/suffix not allowed"),
        ([{"anything-but": {"wildcard": 1}}], "wildcard match pattern must be a string"),
    ],
)
def test_each_mistake_in_a_value_has_its_reason(values, expected):
    """Of what a field may be."""
    assert reason(*values) == expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("[]", "Filter is not an object"),
        ("", "Filter is not an object"),
        ({}, "Empty objects are not allowed"),
        ({"a": {}}, "Empty objects are not allowed"),
        ({"a": "b"}, '"a" must be an object or an array'),
        ({"$or": {"a": ["b"]}}, "It must be an Array followed with $or."),
        (
            {"$or": [{"a": ["b"]}]},
            "There must have at least 2 Objects in $or relationship.",
        ),
        (
            {"$or": [{"a": ["b"]}, ["c"]]},
            "Only JSON object is allowed in array of $or relationship.",
        ),
        (
            {"$or": [{"numeric": [1]}, {"prefix": ["b"]}]},
            "numeric is Ruler reserved fieldName which cannot be used inside $or.",
        ),
    ],
)
def test_each_mistake_in_the_structure_has_its_reason(pattern, expected):
    """Of objects and $or."""
    assert why(pattern).partition("\n")[0] == expected


# As EventBridge answered, recorded in localstack/localstack.
@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ('{"int": 42}', [11]),
        ('{"string": "my-value"}', [13]),
        ('{"resources": []}', [17]),
        ('{"detail": {"c-count": [{"numeric": [">", 0, ">", 0]}]}}', [49]),
        ('{"detail": {"FileName": [{"anything-but": {"prefix": ""}}]}}', [56]),
        ('{"time": [{"prefix": ["2022-07-13"]}]}', [23]),
        ('{"detail": {"state": [{"anything-but": ["stopped", null]}]}}', [56, 56]),
    ],
)
def test_the_place_is_that_of_eventbridges_parser(text, columns):
    """Within a list of anything-but it is told twice."""
    place = "".join(f'\n at [Source: (String)"{text}"; line: 1, column: {c}]' for c in columns)
    assert why(text).partition("\n at ")[2] == place.removeprefix("\n at ")


def test_alternatives_are_only_counted_on_to_one_more_than_the_most():
    """Fourteen $or of two objects each would be 16,384."""
    fields = {f"f{n}": {"$or": [{"a": [1]}, {"b": [2]}]} for n in range(14)}
    assert len(read_pattern(json.dumps(fields), 1000)) == 1001
    few = {name: fields[name] for name in ("f0", "f1", "f2")}
    assert len(read_pattern(json.dumps(few), 1000)) == 8


MATCHERS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3)
    | st.sampled_from(["=", "<", "<=", ">", ">=", "10.0.0.0/8", "a*b", "**", "\\"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(
            ["exactly", "prefix", "suffix", "numeric", "anything-but", "exists", "cidr", "wildcard",
             "equals-ignore-case", "$or", "a", "b"]
        ),
        inner,
        max_size=2,
    ),
    max_leaves=10,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["a", "$or", "detail"]), MATCHERS, max_size=2))
def test_whatever_the_json_it_is_a_pattern_or_a_reading_error(pattern):
    """Nothing else leaves."""
    try:
        found = read_pattern(json.dumps(pattern), 1000)
    except ReadingError as error:
        assert str(error)
    else:
        assert all(each for each in found)
