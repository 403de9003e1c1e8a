"""Templates are read as far as they can be before there is a stack."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.permissions.templates import UNKNOWN, Known, read, resources
from pkilab.resources import Place

PLACE = Place("aws", "eu-west-3", "111122223333")
KNOWN = Known(
    "web", PLACE, {"Name": "www"}, lambda name, kind, _, part: f"<{name} {kind} {part}>".strip()
)
HEAD = {
    "Parameters": {
        "Name": {"Type": "String"},
        "Given": {"Type": "String", "Default": "x"},
        "Many": {"Type": "CommaDelimitedList", "Default": "a, b"},
        "Open": {"Type": "String"},
    },
    "Mappings": {"M": {"k": {"v": "mapped"}}},
    "Conditions": {
        "Yes": {"Fn::Equals": [{"Ref": "Given"}, "x"]},
        "No": {"Fn::Not": [{"Condition": "Yes"}]},
        "Unknown": {"Fn::Equals": [{"Ref": "Open"}, "x"]},
        "Both": {"Fn::And": [{"Condition": "Yes"}, {"Condition": "Unknown"}]},
        "Neither": {"Fn::And": [{"Condition": "No"}, {"Condition": "Unknown"}]},
        "Either": {"Fn::Or": [{"Condition": "Yes"}, {"Condition": "Unknown"}]},
    },
}


def value_of(value: Any) -> Any:
    """Return what a property comes to."""
    other = {"Other": {"Type": "AWS::SNS::Topic"}}
    made = {"A": {"Type": "AWS::SQS::Queue", "Properties": {"P": value}}}
    template = read(json.dumps({**HEAD, "Resources": {**other, **made}}))
    assert template is not None
    return resources(template, KNOWN)[1].properties.get("P")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", "plain"),
        ({"Ref": "Name"}, "www"),
        ({"Ref": "Given"}, "x"),
        ({"Ref": "Many"}, ["a", "b"]),
        ({"Ref": "Open"}, UNKNOWN),
        ({"Ref": "AWS::Region"}, "eu-west-3"),
        ({"Ref": "AWS::AccountId"}, "111122223333"),
        ({"Ref": "AWS::StackName"}, "web"),
        ({"Ref": "AWS::NoValue"}, None),
        ({"Ref": "Other"}, "<Other AWS::SNS::Topic >"),
        ({"Ref": "Nobody"}, UNKNOWN),
        ({"Fn::GetAtt": ["Other", "Arn"]}, "<Other AWS::SNS::Topic Arn>"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Name"}]]}, "a-www"),
        ({"Fn::Sub": "${Name}-${AWS::Region}-${!kept}"}, "www-eu-west-3-${kept}"),
        ({"Fn::Sub": ["${a}-${Other.Arn}", {"a": "b"}]}, "b-<Other AWS::SNS::Topic Arn>"),
        ({"Fn::Select": ["1", {"Ref": "Many"}]}, "b"),
        ({"Fn::Split": [",", "a,b"]}, ["a", "b"]),
        ({"Fn::FindInMap": ["M", "k", "v"]}, "mapped"),
        ({"Fn::FindInMap": ["M", "k", "none"]}, UNKNOWN),
        ({"Fn::If": ["Yes", "then", "else"]}, "then"),
        ({"Fn::If": ["No", "then", "else"]}, "else"),
        ({"Fn::If": ["Unknown", "then", "else"]}, UNKNOWN),
        ({"Fn::ImportValue": "x"}, UNKNOWN),
        ({"Fn::Join": "no list"}, UNKNOWN),
        ({"a": {"Ref": "Name"}, "b": [1, {"Ref": "AWS::NoValue"}]}, {"a": "www", "b": [1]}),
    ],
)
def test_what_can_be_known_is_worked_out(value: Any, expected: Any) -> None:
    assert value_of(value) == expected


@pytest.mark.parametrize(
    ("condition", "there"),
    [("Yes", True), ("No", False), ("Unknown", True), ("Both", True), ("Neither", False),
     ("Either", True), ("Undeclared", True)],
)  # fmt: skip
def test_a_resource_is_there_unless_its_condition_is_known_not_to_hold(
    condition: str, *, there: bool
) -> None:
    made = {"A": {"Type": "AWS::SQS::Queue", "Condition": condition, "DeletionPolicy": "Retain"}}
    template = read(json.dumps({**HEAD, "Resources": made}))
    assert template is not None
    found = resources(template, KNOWN)
    assert bool(found) is there
    assert all(each.deletion == "Retain" for each in found)


def test_short_forms_are_the_same_functions() -> None:
    """In YAML, as templates are written."""
    text = """
    Resources:
      Other: {Type: AWS::SNS::Topic}
      A:
        Type: AWS::SQS::Queue
        Properties:
          a: !Ref Other
          b: !GetAtt Other.TopicArn
          c: !Sub "${AWS::Region}"
          d: !Join ["", [x, !Ref AWS::AccountId]]
    """
    template = read(text)
    assert template is not None
    assert resources(template, KNOWN)[1].properties == {
        "a": "<Other AWS::SNS::Topic >",
        "b": "<Other AWS::SNS::Topic TopicArn>",
        "c": "eu-west-3",
        "d": "x111122223333",
    }


@pytest.mark.parametrize("text", ["", "a: [", "[]", "Resources: []", "x: !!python/object:os.x {}"])
def test_what_is_no_template_is_none(text: str) -> None:
    assert read(text) is None


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "Ref",
                    "Fn::Sub",
                    "Fn::Join",
                    "Fn::If",
                    "Fn::GetAtt",
                    "Fn::Select",
                    "Condition",
                    "a",
                ]
            ),
            inner,
            max_size=2,
        )
    ),
    max_leaves=12,
)


@given(st.text())
def test_any_text_is_read_or_is_none(text: str) -> None:
    read(text)


@given(_VALUES, _VALUES)
def test_any_template_comes_to_something(condition: Any, value: Any) -> None:
    """What is wrong with it is CloudFormation's to say."""
    made = {"A": {"Type": "AWS::SQS::Queue", "Condition": condition, "Properties": {"P": value}}}
    template = {"Conditions": {"C": condition}, "Parameters": {"Q": value}, "Resources": made}
    found = read(json.dumps(template))
    assert found is not None
    resources(found, KNOWN)
