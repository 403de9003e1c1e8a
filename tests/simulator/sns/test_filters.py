"""Filter policies: which messages a subscription gets."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.service import AwsError
from pkilab.simulator.sns.filters import compile_filter


def accepts(policy, scope="MessageAttributes", body="", **attributes):
    return compile_filter(json.dumps(policy), scope).accepts(body, attributes)


def string(value):
    return {"DataType": "String", "StringValue": value}


def number(value):
    return {"DataType": "Number", "StringValue": str(value)}


def array(*values):
    return {"DataType": "String.Array", "StringValue": json.dumps(values)}


# Rows of the guide's pages "String value matching", "Numeric value matching", "Key matching".
@pytest.mark.parametrize(
    ("rule", "matching", "others"),
    [
        (["rugby", "tennis"], [string("rugby"), string("tennis"), array("x", "rugby")],
         [string("baseball"), string("Rugby"), array("baseball"), None]),
        ([{"anything-but": ["rugby", "tennis"]}],
         [string("baseball"), array("rugby", "baseball")], [string("rugby"), array("rugby"), None]),
        ([{"anything-but": {"prefix": "order-"}}], [string("data-entry")], [string("order-1")]),
        ([{"anything-but": [100, 500]}], [number(101), string("100")], [number(100), number(500)]),
        ([{"equals-ignore-case": "tennis"}], [string("TENNIS")], [string("table tennis")]),
        ([{"prefix": "bas"}], [string("baseball"), string("basketball")], [string("rugby")]),
        ([{"suffix": "ball"}], [string("baseball")], [string("rugby"), number(1)]),
        ([{"cidr": "10.0.0.0/24"}], [string("10.0.0.255")], [string("10.1.1.0"), string("x")]),
        ([301.5], [number(301.5), number("3.015e2")], [number(30), string("301.5")]),
        ([{"numeric": [">", 0, "<=", 150]}], [number(150), number("0.1")],
         [number(0), number(151)]),
        ([{"numeric": ["<", 0]}], [number(-1)], [number(0), string("-1")]),
        ([{"numeric": ["=", 5]}], [number(5.0)], [number(6)]),
        ([{"exists": True}], [string("x"), number(1), array("a")], [None]),
        ([{"exists": False}], [None], [string("x")]),
        ([{"exists": False}, "a"], [None, string("a")], [string("b")]),
        (["a", {"prefix": "b"}], [string("a"), string("bc")], [string("c")]),
        ([True, None], [array(True), array(None)], [array(1), string("true"), array(0)]),
    ],
)  # fmt: skip
def test_an_attribute_is_matched_as_the_guide_says(rule, matching, others):
    """Whatever its type; one that is not there matches nothing but its absence."""
    for each in matching:
        assert accepts({"a": rule}, **({"a": each} if each else {})), each
    for each in others:
        assert not accepts({"a": rule}, **({"a": each} if each else {})), each


def test_all_names_must_match_and_one_of_alternatives():
    """AND over names, OR within a name and in $or."""
    policy = {"a": ["1"], "$or": [{"b": ["2"]}, {"c": [{"exists": True}]}]}
    assert accepts(policy, a=string("1"), b=string("2"))
    assert accepts(policy, a=string("1"), c=string("x"))
    assert not accepts(policy, a=string("1"), b=string("3"))
    assert not accepts(policy, b=string("2"), c=string("x"))


def test_octets_are_not_looked_at():
    """A Binary attribute is as good as none."""
    octets = {"DataType": "Binary", "BinaryValue": b"a"}
    assert not accepts({"a": [{"exists": True}]}, a=octets)


def test_a_body_is_matched_down_to_its_leaves():
    """Nested objects, arrays of them, and values of arrays; no JSON object is no match."""
    policy = {"detail": {"state": ["on"], "n": [{"numeric": [">", 1]}]}}
    for body in (
        {"detail": {"state": "on", "n": 2}},
        {"detail": [{"state": ["off", "on"], "n": 3}]},
    ):
        assert accepts(policy, "MessageBody", json.dumps(body))
    for body in ({"detail": {"state": "on"}}, {"detail": "on"}, {}, []):
        assert not accepts(policy, "MessageBody", json.dumps(body))
    assert not accepts({"a": [{"exists": False}]}, "MessageBody", "no JSON")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "failed to parse JSON"),
        ("[]", "not a JSON object"),
        ('{"a": "x"}', "must be an object or an array"),
        ('{"a": []}', "Empty arrays"),
        ('{"a": {"b": ["x"]}}', "does not support nested"),
        ('{"a": [["x"]]}', "Match value must be"),
        ('{"a": [{"prefix": "x", "suffix": "y"}]}', "Only one key"),
        ('{"a": [{"prefix": 1}]}', "must be a string"),
        ('{"a": [{"exists": "yes"}]}', "either true or false"),
        ('{"a": [{"like": "x"}]}', "Unrecognized match type like"),
        ('{"a": [{"numeric": ["=="]}]}', "numeric must be"),
        ('{"a": [{"numeric": ["==", 1]}]}', "Unrecognized numeric range operator"),
        ('{"a": [{"numeric": ["<", "1"]}]}', "must be numeric"),
        ('{"a": [{"numeric": [">", 2, "<", 1]}]}', "Bottom must be less"),
        ('{"a": [{"numeric": ["<", 1, ">", 2]}]}', "Too many elements"),
        ('{"a": [{"anything-but": []}]}', "anything-but"),
        ('{"a": [{"anything-but": {"cidr": "x"}}]}', "Unsupported anything-but"),
        ('{"a": [{"cidr": "x"}]}', "Malformed CIDR"),
        ('{"a": [1000000001]}', "between"),
        (json.dumps({str(n): ["x"] for n in range(6)}), "more than 5 keys"),
        (json.dumps({"a": list("abcdefghijklm"), "b": list("abcdefghijklm")}), "too complex"),
    ],
)
def test_a_policy_that_is_none_is_refused(text, said):
    """With InvalidParameter and the reason."""
    with pytest.raises(AwsError) as refused:
        compile_filter(text, "MessageAttributes")
    assert refused.value.code == "InvalidParameter"
    assert refused.value.message.startswith("Invalid parameter: FilterPolicy: ")
    assert said in refused.value.message


def test_an_operator_that_is_not_simulated_is_refused_and_not_ignored():
    """Wildcards."""
    with pytest.raises(AwsError, match="wildcard is not simulated"):
        compile_filter('{"a": [{"wildcard": "x*"}]}', "MessageAttributes")


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inside: st.lists(inside, max_size=3)
    | st.dictionaries(
        st.sampled_from(["a", "b", "$or", "prefix", "numeric", "anything-but", "exists", "cidr"]),
        inside, max_size=3,
    ),
)  # fmt: skip


@given(JSON, JSON, st.sampled_from(["MessageAttributes", "MessageBody"]))
def test_only_declared_errors_leave_filters(policy, body, scope):
    """Whatever is asked for, and of whatever message."""
    try:
        compiled = compile_filter(json.dumps(policy), scope)
    except AwsError as error:
        assert error.code == "InvalidParameter"
    else:
        assert compiled.accepts(json.dumps(body), {"a": string("x")}) in {True, False}
