import pytest

from pkilab.simulator.cloudformation import parameters
from pkilab.simulator.service import AwsError


def given(**values):
    return [{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()]


def one(definition, value):
    return parameters.values({"P": definition}, given(P=value), {})["P"]


def refusal(definitions, asked, previous=None):
    with pytest.raises(AwsError) as caught:
        parameters.values(definitions, asked, previous or {})
    return caught.value.message


def test_a_value_is_what_is_given_or_what_was_before_or_the_default():
    definitions = {name: {"Type": "String", "Default": name} for name in "ABC"}
    asked = [*given(A="given"), {"ParameterKey": "B", "UsePreviousValue": True}]
    found = parameters.values(definitions, asked, {"B": "before", "C": "not this one"})
    assert found == {"A": "given", "B": "before", "C": "C"}


def test_a_default_that_is_a_number_or_a_boolean_is_text():
    definitions = {"N": {"Type": "Number", "Default": 5}, "B": {"Type": "String", "Default": True}}
    assert parameters.values(definitions, [], {}) == {"N": "5", "B": "true"}


def test_lists_are_split_for_the_template():
    kind = {"Type": "CommaDelimitedList"}
    assert parameters.typed(kind, "a, b ,c") == ["a", "b", "c"]
    assert parameters.typed(kind, "") == []
    assert parameters.typed({"Type": "String"}, "a, b") == "a, b"


def test_what_is_hidden_is_not_shown():
    definitions = {"P": {"Type": "String", "NoEcho": True}, "Q": {"Type": "String"}}
    shown = parameters.shown(definitions, {"P": "secret", "Q": "open"})
    assert [each["ParameterValue"] for each in shown] == ["****", "open"]


STRING, NUMBER = {"Type": "String"}, {"Type": "Number"}


@pytest.mark.parametrize(
    ("definition", "good", "bad", "message"),
    [
        ({**STRING, "AllowedValues": ["a", 1]}, "1", "b", "'P' must be one of AllowedValues"),
        ({**STRING, "AllowedPattern": "[a-z]+"}, "ab", "ab1", "'P' must match pattern [a-z]+"),
        ({**STRING, "MinLength": 2}, "ab", "a", "'P' must contain at least 2 characters"),
        ({**STRING, "MaxLength": "2"}, "ab", "abc", "'P' must contain at most 2 characters"),
        (NUMBER, "-1.5e3", "soon", "'P' must be a number."),
        (NUMBER, "7", "nan", "'P' must be a number."),
        (STRING, "é" * 2048, "é" * 2048 + "x", "'P' must have at most 4096 bytes"),
        ({**NUMBER, "MinValue": 2}, "2", "1", "'P' must be a number not less than 2"),
        ({**NUMBER, "MaxValue": 2}, "2", "3", "'P' must be a number not greater than 2"),
        ({"Type": "List<Number>"}, "1, 2", "1,x", "'P' must be a number."),
        ({"Type": "CommaDelimitedList", "AllowedValues": ["a", "b"]}, "a,b", "a,c",
         "'P' must be one of AllowedValues"),
        ({**STRING, "AllowedPattern": "[a-z]+", "ConstraintDescription": "small letters"}, "a", "A",
         "P failed to satisfy constraint: small letters"),
    ],
)  # fmt: skip
def test_a_value_must_keep_its_parameters_constraints(definition, good, bad, message):
    assert one(definition, good) == good
    assert refusal({"P": definition}, given(P=bad)) == f"Parameter {message}"


@pytest.mark.parametrize(
    ("definitions", "asked", "message"),
    [
        ({"A": STRING, "B": STRING}, [], "Parameters: [A, B] must have values"),
        ({}, given(X="1", Y="2"), "Parameters: [X, Y] do not exist in the template"),
        ({"A": {"Type": "Str"}}, given(A="x"),
         "Template format error: Unrecognized parameter type: Str"),
        ({"A": STRING}, [{"ParameterKey": "A", "UsePreviousValue": True}],
         "Invalid input for parameter key A. Cannot specify usePreviousValue as true for a "
         "parameter key not in the previous template"),
        ({"A": {**STRING, "AllowedPattern": "("}}, given(A="x"),
         "Template format error: AllowedPattern is no regular expression that Python reads: ("),
        ({"A": {**NUMBER, "MinValue": "low"}}, given(A="1"),
         "Template format error: Every MinValue member must be a number."),
        ({"A": {**STRING, "AllowedValues": "x"}}, given(A="x"),
         "Template format error: Every AllowedValues member must be a list."),
        ({"A": {**STRING, "Default": ["x"]}}, [],
         "Template format error: Every Default member must be a string."),
    ],
)  # fmt: skip
def test_parameters_that_are_wrong_are_refused(definitions, asked, message):
    assert refusal(definitions, asked) == message


@pytest.mark.parametrize(
    "kind",
    ["AWS::SSM::Parameter::Value<String>", "AWS::EC2::VPC::Id", "List<AWS::EC2::Subnet::Id>"],
)
def test_types_that_look_something_up_elsewhere_are_not_simulated(kind):
    with pytest.raises(AwsError, match="is not simulated by pkilab"):
        one({"Type": kind}, "x")


def test_hosted_zones_are_found_among_the_parameters():
    definitions = {
        "Z": {"Type": "AWS::Route53::HostedZone::Id"},
        "L": {"Type": "List<AWS::Route53::HostedZone::Id>"}, "S": STRING,
    }  # fmt: skip
    found = parameters.values(definitions, given(Z="Z1", L="Z2, Z3", S="Z4"), {})
    assert parameters.zones(definitions, found) == [("Z", "Z1"), ("L", "Z2"), ("L", "Z3")]
