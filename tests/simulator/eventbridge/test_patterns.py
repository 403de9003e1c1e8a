"""Event patterns and events."""

import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pkilab.simulator.eventbridge.patterns import COMBINATIONS, Pattern, flatten, takes
from pkilab.simulator.service import AwsError

EVENT = {  # aws/event-ruler, README
    "version": "0",
    "id": "ddddd4-aaaa-7777-4444-345dd43cc333",
    "detail-type": "EC2 Instance State-change Notification",
    "source": "aws.ec2",
    "account": "012345679012",
    "time": "2017-10-02T16:24:49Z",
    "region": "us-east-1",
    "resources": ["arn:aws:ec2:us-east-1:123456789012:instance/i-000000aaaaaa00000"],
    "detail": {
        "c-count": 5,
        "d-count": 3,
        "x-limit": 301.8,
        "source-ip": "10.0.0.33",
        "instance-id": "i-000000aaaaaa00000",
        "state": "running",
    },
}


def matches(pattern, event=EVENT):
    """Say whether an event matches a pattern given as JSON."""
    return Pattern(json.dumps(pattern)).matches(event)


@pytest.mark.parametrize(
    "pattern",
    [
        {
            "detail-type": ["EC2 Instance State-change Notification"],
            "resources": ["arn:aws:ec2:us-east-1:123456789012:instance/i-000000aaaaaa00000"],
            "detail": {"state": ["initializing", "running"]},
        },
        {"time": [{"prefix": "2017-10-02"}]},
        {"source": [{"prefix": {"equals-ignore-case": "AWS.E"}}]},
        {"source": [{"suffix": "ec2"}]},
        {"source": [{"suffix": {"equals-ignore-case": "EC2"}}]},
        {"source": [{"equals-ignore-case": "AWS.EC2"}]},
        {"source": [{"wildcard": "a*.*2"}]},
        {"detail": {"state": [{"anything-but": "initializing"}]}},
        {"detail": {"x-limit": [{"anything-but": 123}]}},
        {"detail": {"state": [{"anything-but": ["stopped", "overloaded"]}]}},
        {"detail": {"x-limit": [{"anything-but": [100, 200, 300]}]}},
        {"detail": {"state": [{"anything-but": {"prefix": "init"}}]}},
        {"detail": {"state": [{"anything-but": {"prefix": ["init", "error"]}}]}},
        {"detail": {"instance-id": [{"anything-but": {"suffix": ["1234", "6789"]}}]}},
        {"detail": {"state": [{"anything-but": {"equals-ignore-case": ["Stopped"]}}]}},
        {"detail": {"state": [{"anything-but": {"wildcard": ["*/bin/*.jar", "x"]}}]}},
        {
            "detail": {
                "c-count": [{"numeric": [">", 0, "<=", 5]}],
                "d-count": [{"numeric": ["<", 10]}],
                "x-limit": [{"numeric": ["=", 3.018e2]}],
            }
        },
        {"detail": {"source-ip": [{"cidr": "10.0.0.0/24"}]}},
        {"detail": {"c-count": [{"exists": True}], "e-count": [{"exists": False}]}},
        {"detail": [{"exists": False}]},  # only leaves exist
        {
            "time": [{"prefix": "2017-10-02"}],
            "detail": {
                "state": [{"anything-but": "initializing"}],
                "c-count": [{"numeric": [">", 0, "<=", 5]}],
                "d-count": [{"numeric": ["<", 10]}],
                "x-limit": [{"anything-but": [100, 200, 300]}],
                "source-ip": [{"cidr": "10.0.0.0/8"}],
            },
        },
        {"$or": [{"source": ["x"]}, {"detail": {"state": ["running"]}}]},
        {"detail.state": ["running"]},
        {"detail": {"c-count": [5.0], "state": [{"exactly": "running"}]}},
    ],
)  # fmt: skip
def test_the_examples_of_event_rulers_readme_match_its_event(pattern):
    """aws/event-ruler, README, "Ruler by Example"."""
    assert matches(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        {"source": ["AWS.EC2"]},
        {"source": ["aws.ec2"], "region": ["eu-west-1"]},
        {"time": [{"prefix": "2017-10-03"}]},
        {"source": [{"prefix": {"equals-ignore-case": "EC2"}}]},
        {"source": [{"suffix": "EC2"}]},
        {"source": [{"wildcard": "ec2*"}]},
        {"detail": {"state": [{"anything-but": ["running"]}]}},
        {"detail": {"nothing": [{"anything-but": ["running"]}]}},
        {"detail": {"x-limit": [{"anything-but": 301.8}]}},
        {"detail": {"state": [{"anything-but": {"prefix": "run"}}]}},
        {"detail": {"state": [{"anything-but": {"equals-ignore-case": "RUNNING"}}]}},
        {"detail": {"state": [{"anything-but": {"wildcard": "r*g"}}]}},
        {"detail": {"c-count": [{"numeric": [">", 5]}]}},
        {"detail": {"c-count": ["5"]}},
        {"detail": {"source-ip": [{"cidr": "10.0.1.0/24"}]}},
        {"detail": {"c-count": [{"exists": False}]}},
        {"detail": [{"exists": True}]},
        {"$or": [{"source": ["x"]}, {"detail": {"state": ["stopped"]}}]},
    ],
)
def test_their_opposites_do_not(pattern):
    """One change each."""
    assert not matches(pattern)


def test_literals_are_themselves_and_nothing_else():
    """null, true, false, and numbers too large to be compared."""
    event = {"a": None, "b": True, "c": 1, "d": 123456789012, "e": [], "f": ""}
    assert matches({"a": [None], "b": [True], "c": [1.0], "d": [123456789012], "f": [""]}, event)
    for wrong in ({"a": [False]}, {"b": [1]}, {"c": [True]}, {"d": [123456789013]}, {"e": [None]},
                  {"f": [None]}, {"b": ["true"]}):  # fmt: skip
        assert not matches(wrong, event)
    assert matches({"a": [{"anything-but": "x"}], "b": [{"anything-but": {"prefix": "t"}}]}, event)


def test_an_exact_address_is_one_however_it_is_written():
    """aws/event-ruler, CIDR."""
    assert matches({"ip": ["2001:db8::1"]}, {"ip": "2001:0DB8:0:0::0001"})
    assert not matches({"ip": ["2001:db8::1"]}, {"ip": "2001:db8::2"})
    assert matches({"ip": ["300.1.1.1"]}, {"ip": "300.1.1.1"})


EMPLOYEES = [
    {"firstName": "John", "lastName": "Doe"},
    {"firstName": "Anna", "lastName": "Smith"},
    {"firstName": "Peter", "lastName": "Jones"},
]


@pytest.mark.parametrize("employees", [EMPLOYEES, [EMPLOYEES[:2], EMPLOYEES[2:]]])
def test_fields_match_within_one_element_of_an_array(employees):
    """aws/event-ruler, README, "JSON Array Matching"."""
    event = {"employees": employees}
    assert matches({"employees": {"firstName": ["Anna"]}}, event)
    assert matches({"employees": {"firstName": ["Anna"], "lastName": ["Smith"]}}, event)
    assert not matches({"employees": {"firstName": ["Anna"], "lastName": ["Jones"]}}, event)


def test_absence_is_asked_of_the_element_that_was_chosen():
    """aws/event-ruler, correctness-cases: "exists-false"."""
    pattern = {"d": {"a": [{"exists": True}], "b": [{"exists": False}]}}
    assert matches(pattern, {"d": [{"a": 1}, {"b": 2}]})
    assert not matches(pattern, {"d": [{"a": 1, "b": 2}]})


def test_too_many_combinations_are_refused():
    """User Guide, "Or matching": over 1,000."""
    ten = {f"f{n}": {"$or": [{"a": [1]}, {"b": [2]}]} for n in range(10)}
    with pytest.raises(AwsError, match=f"over {COMBINATIONS} rule combinations") as refused:
        Pattern(json.dumps(ten))
    assert refused.value.code == "LimitExceededException"
    del ten["f9"]
    assert len(Pattern(json.dumps(ten)).alternatives) == 512


def test_a_wildcard_pattern_may_be_too_complex():
    """In EventBridge's words, without a place."""
    with pytest.raises(AwsError) as refused:
        Pattern('{"EventBusArn": [{"wildcard": "*:*:*:*:*:event-bus/*"}]}')
    assert refused.value.code == "InvalidEventPatternException"
    assert refused.value.message == (
        "Event pattern is not valid. Reason: Rule is too complex - try using fewer wildcard "
        "characters or fewer repeating character sequences after a wildcard character"
    )
    assert Pattern('{"EventBusArn": [{"wildcard": "arn:aws:events:us-east-1:*:event-bus/*"}]}')


def test_deep_patterns_and_events_end_well():
    """A pattern may be nested too deeply; an event as deeply as it likes."""
    with pytest.raises(AwsError, match="nested too deeply"):
        Pattern('{"a":' * 5000 + "[1]" + "}" * 5000)
    deep = {"b": 1}
    for _ in range(5000):
        deep = {"a": [deep]}
    assert not Pattern('{"b": [1]}').matches(deep)


def test_large_arrays_are_matched_in_linear_time():
    """Two fields of 20,000 elements: a product of them would take hours."""
    event = {"d": [{"a": n, "b": -n, "c": {"x": [n]}} for n in range(20_000)]}
    fields = {name: [{"exists": True}] for name in ("a", "b")}
    assert matches({"d": {**fields, "c": {"x": [19_999]}}}, event)
    assert not matches({"d": {"a": [{"numeric": [">", 0]}], "b": [{"numeric": [">", 0]}]}}, event)


NAMES = st.sampled_from(["a", "b", "c"])
EVENTS = st.dictionaries(
    NAMES,
    st.recursive(
        st.integers(0, 2) | st.none(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
        max_leaves=12,
    ),
    max_size=3,
)
LEAVES = st.lists(
    st.integers(0, 2) | st.none() | st.just({"exists": True}) | st.just({"anything-but": 1}),
    min_size=1, max_size=2,
)  # fmt: skip
PATTERNS = st.dictionaries(
    NAMES, st.recursive(LEAVES, lambda p: st.dictionaries(NAMES, p, min_size=1, max_size=3),
                        max_leaves=6), min_size=1, max_size=3,
)  # fmt: skip


def by_trying(pattern, event):
    """Say whether an event matches: every choice of values is tried."""
    flat = flatten(event)
    (alternative,) = Pattern(json.dumps(pattern)).alternatives
    choices = [
        [where for value, where in flat.get(each.name, ()) if takes(each, value)]
        for each in alternative
    ]
    return any(
        all(
            dict(one).get(array, element) == element
            for one, other in itertools.combinations(chosen, 2)
            for array, element in other
        )
        for chosen in itertools.product(*choices)
    )


@settings(max_examples=400)
@given(PATTERNS, EVENTS)
def test_consistency_in_arrays_agrees_with_trying_every_choice(pattern, event):
    """No two fields in different elements of one array."""
    assert matches(pattern, event) is by_trying(pattern, event)


@given(st.text(), EVENTS)
def test_whatever_the_text_only_aws_errors_leave(text, event):
    """Patterns come from outside."""
    try:
        Pattern(text).matches(event)
    except AwsError as error:
        assert error.code == "InvalidEventPatternException"
        assert error.message.startswith("Event pattern is not valid. Reason: ")


def test_verdicts_and_refusals_are_those_of_eventbridge(conformance):
    """155 patterns with events, as recorded from EventBridge in localstack/localstack."""
    file = conformance / "event_patterns.json"
    if not file.exists():
        pytest.skip("the patterns (../shared/conformance/event_patterns.json) are not here")
    vectors = json.loads(file.read_text(encoding="utf-8"))
    assert len(vectors) > 150
    for vector in vectors:
        try:
            found = "match" if Pattern(vector["pattern"]).matches(vector["event"]) else "no match"
            message = None
        except AwsError as error:
            found, message = "refused", error.message
        assert found == vector["expected"], vector["name"]
        if vector["message"]:
            assert message == vector["message"], vector["name"]
