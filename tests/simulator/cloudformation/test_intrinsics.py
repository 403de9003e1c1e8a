import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.cloudformation.documents import parse
from pkilab.simulator.cloudformation.intrinsics import Evaluator, Reference
from pkilab.simulator.service import AwsError

PARAMETERS = {"Name": "web", "Many": ["a", "b"], "AWS::Region": "us-east-1"}
MAPPINGS = {"M": {"us-east-1": {"x": "mapped", "list": ["1", "2"]}}}
CONDITIONS = {
    "Holds": {"Fn::Equals": [{"Ref": "Name"}, "web"]},
    "Fails": {"Fn::Not": [{"Condition": "Holds"}]},
    "Round": {"Fn::And": [{"Condition": "Trip"}, {"Condition": "Holds"}]},
    "Trip": {"Fn::Or": [{"Condition": "Round"}, {"Condition": "Fails"}]},
}
MADE = {Reference("Bucket"): "bucket-1", Reference("Bucket", "Arn"): "arn:bucket-1",
        Reference("Zone", "NameServers"): ["ns1", "ns2"]}  # fmt: skip


def evaluator():
    return Evaluator(
        PARAMETERS, MAPPINGS, CONDITIONS, MADE.__getitem__, {"shared": "42"}.__getitem__
    )


def value(text):
    return evaluator().value(parse(f"V: {text}")["V"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("!Ref Name", "web"),
        ("!Ref Bucket", "bucket-1"),
        ("!Ref Many", ["a", "b"]),
        ("!GetAtt Bucket.Arn", "arn:bucket-1"),
        ("!GetAtt [Bucket, Arn]", "arn:bucket-1"),
        ("!Sub '${Name} ${Bucket.Arn} ${!Name} ${AWS::Region}'",
         "web arn:bucket-1 ${Name} us-east-1"),
        ("!Sub ['${Name}-${own}', {own: !GetAtt Bucket.Arn, Name: mine}]", "mine-arn:bucket-1"),
        ("!Join ['-', [a, !Ref Name, 1, true]]", "a-web-1-true"),
        ("!Join [',', !GetAtt Zone.NameServers]", "ns1,ns2"),
        ("!Join ['', []]", ""),
        ("!Select [1, !Split ['s3://', 's3://bucket/key']]", "bucket/key"),
        ("!Select ['0', !Ref Many]", "a"),
        ("!If [Holds, true, !Ref Nothing]", True),
        ("!If [Fails, !Ref Nothing, {a: !Ref Name}]", {"a": "web"}),
        ("{a: !If [Fails, 1, !Ref 'AWS::NoValue'], b: [1, !Ref 'AWS::NoValue']}", {"b": [1]}),
        ("!FindInMap [M, !Ref 'AWS::Region', x]", "mapped"),
        ("!FindInMap [M, us-east-1, list]", ["1", "2"]),
        ("!ImportValue shared", "42"),
        ("!Base64 {Ref: Name}", base64.b64encode(b"web").decode()),
        ("{Condition: {StringEquals: {a: b}}}", {"Condition": {"StringEquals": {"a": "b"}}}),
    ],
)  # fmt: skip
def test_a_function_is_worked_out(text, expected):
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("!Ref [a]", "Template error: every Ref object must have a single String value."),
        ("!GetAtt Bucket", "Template error: every Fn::GetAtt object requires two non-empty"),
        ("!GetAtt [Bucket, '']", "Template error: every Fn::GetAtt object requires two non-empty"),
        ("!Sub [a]", "Template error: One or more Fn::Sub intrinsic functions don't specify"),
        ("!Sub ['${x}', {x: [1]}]", "Template error: One or more Fn::Sub intrinsic functions"),
        ("!Sub '${Many}'", "Template error: variable Many in Fn::Sub expression does not resolve"),
        ("!Join [1, [a]]", "Template error: every Fn::Join object requires two parameters, (1) a"),
        ("!Join [',', a]", "Template error: every Fn::Join object requires two parameters, (1) a"),
        ("!Join [',', [[a]]]", "Template error: every Fn::Join object requires two parameters"),
        ("!Split ['', a]", "Template error: every Fn::Split object requires two parameters, (1) a"),
        ("!Select [x, [a]]", "Template error: Fn::Select requires a list argument with two"),
        ("!Select [0, a]", "Template error: Fn::Select requires a list argument with two"),
        ("!Select [2, [a, b]]", "Template error: Fn::Select cannot select nonexistent value at"),
        ("!If [Holds, 1]", "Template error: Fn::If requires a list argument with three elements"),
        ("!If [Maybe, 1, 2]", "Template error: unresolved condition dependency Maybe in Fn::If"),
        ("!FindInMap [M, a]", "Template error: every Fn::FindInMap object requires three"),
        ("!FindInMap [N, a, b]", "Template error: Mapping named 'N' is not present in the"),
        ("!FindInMap [M, C, Suffix]", "Template error: Unable to get mapping for M::C::Suffix"),
        ("!Base64 [a]", "Template error: every Fn::Base64 object must have a String-typed value."),
        ("!Equals [a, b]", "Template error: Fn::Equals is used outside of a condition"),
        ("{Fn::Frob: 1}", "Template validation error: Encountered unsupported function: Fn::Frob"),
        ("{Ref: a, b: c}", "Template error: Ref stands alone in its object: found Ref, b"),
    ],
)
def test_a_function_that_is_used_wrongly_is_refused(text, message):
    with pytest.raises(AwsError) as caught:
        value(text)
    assert caught.value.message.startswith(message)
    assert caught.value.code == "ValidationError"


@pytest.mark.parametrize(
    "text",
    ["!Cidr [10.0.0.0/8, 1]", "!GetAZs ''", "{Fn::Transform: {Name: x}}", "{Fn::Length: [1]}",
     "'{{resolve:ssm:name}}'"],
)  # fmt: skip
def test_a_function_that_is_not_simulated_says_so(text):
    with pytest.raises(AwsError, match="is not simulated by pkilab") as caught:
        value(text)
    assert caught.value.status == 501


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("!Equals [1, '1']", True),
        ("!Equals [!Ref Name, other]", False),
        ("!Not [!Condition Holds]", False),
        ("!And [!Condition Holds, !Not [!Condition Fails]]", True),
        ("!Or [!Condition Fails, !Equals [a, b]]", False),
    ],
)
def test_a_condition_is_worked_out(text, expected):
    assert evaluator().truth(parse(f"V: {text}")["V"]) is expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("!Equals [a]", "every Fn::Equals object requires a list of 2 string parameters."),
        ("!Equals [[a], b]", "every Fn::Equals object requires a list of 2 string parameters."),
        (
            "!And [!Condition Holds]",
            "every Fn::And object requires a list of at least 2 and at most",
        ),
        ("!Condition Maybe", "Unresolved condition dependency Maybe in the Conditions block"),
        ("!Condition Round", "Found circular condition dependency with Round"),
        ("!Not [a]", "a value is no condition."),
        ("!Contains [[a], a]", "Fn::Contains is no condition."),
        ("true", "a value is no condition."),
    ],
)
def test_a_condition_that_is_none_is_refused(text, message):
    with pytest.raises(AwsError) as caught:
        evaluator().truth(parse(f"V: {text}")["V"])
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("!Contains [[web, db], !Ref Name]", True),
        ("!Contains [[db], !Ref Name]", False),
        ("!EachMemberEquals [[a, a], a]", True),
        ("!EachMemberEquals [!Ref Many, a]", False),
        ("!EachMemberIn [!Ref Many, [a, b, c]]", True),
        ("!Not [!EachMemberIn [!Ref Many, [a]]]", True),
    ],
)
def test_rules_have_functions_of_their_own(text, expected):
    assert evaluator().truth(parse(f"V: {text}")["V"], rule=True) is expected


def references(text, *, every=False):
    given = parse(f"V: {text}")["V"]
    return [".".join(filter(None, each)) for each in evaluator().references(given, every=every)]


def test_each_condition_is_worked_out_once():
    """A hundred that each need the one before twice would take longer than anyone lives."""
    conditions = {"C0": {"Fn::Equals": ["a", "a"]}}
    for n in range(1, 100):
        conditions[f"C{n}"] = {"Fn::And": [{"Condition": f"C{n - 1}"}] * 2}
    assert Evaluator({}, {}, conditions).truth({"Condition": "C99"})
    conditions |= {f"C{n}": {"Fn::Not": [{"Condition": f"C{n - 1}"}]} for n in range(100, 2000)}
    with pytest.raises(AwsError, match="NotImplemented"):
        Evaluator({}, {}, conditions).truth({"Condition": "C1999"})


def test_a_text_of_many_beginnings_is_read_in_no_time():
    """None of which ends, so that there is no variable."""
    text = "${" * 20_000
    begun = time.process_time()
    assert evaluator().value({"Fn::Sub": text}) == text
    assert time.process_time() - begun < 1


def test_what_a_value_refers_to_is_found_wherever_it_stands():
    text = (
        "[!Ref A, !GetAtt B.C, {x: !Sub '${D} ${!E} ${F.G.H} ${own}'}, !Sub ['${I}', {I: !Ref J}]]"
    )
    assert references(text) == ["A", "B.C", "D", "F.G.H", "own", "J"]


def test_of_two_branches_the_one_that_holds_counts_unless_both_are_asked_for():
    text = "!If [Holds, !Ref A, !If [Fails, !Ref B, !Ref C]]"
    assert references(text) == ["A"]
    assert references(text, every=True) == ["A", "B", "C"]


def test_the_exports_that_a_value_takes_are_found():
    given = parse(
        "V: [!ImportValue a, {x: !Sub ['${y}', {y: !ImportValue {'Fn::Sub': '${Name}-b'}}]}]"
    )
    assert list(evaluator().imports(given["V"])) == ["a", "web-b"]


@given(st.recursive(
    st.sampled_from(["Name", "Holds", "x", "", "${Name}", 0, 1, True]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["Ref", "Fn::Sub", "Fn::Join", "Fn::If", "Fn::Select", "Fn::Split", "a",
                         "Fn::GetAtt", "Fn::FindInMap", "Fn::Equals", "Fn::And", "Condition",
                         "Fn::Base64", "Fn::ImportValue", "Fn::Cidr"]), inner, max_size=2),
    max_leaves=8,
))  # fmt: skip
def test_any_value_is_worked_out_or_refused(given_value):
    """With an error of AWS's, whatever stands where."""
    made = Evaluator(PARAMETERS, MAPPINGS, CONDITIONS, lambda _: "made", lambda _: "imported")
    for work in (
        made.value, made.truth, lambda v: list(made.references(v)), lambda v: list(made.imports(v)),
        lambda v: list(made.references(v, every=True)),
    ):  # fmt: skip
        try:
            work(given_value)
        except AwsError as error:
            assert error.code in {"ValidationError", "NotImplemented"}
