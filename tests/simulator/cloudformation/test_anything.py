"""Anything at all as a template: answered or refused, and never an exception."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.cloudformation.resources.catalogue import TYPES
from pkilab.simulator.place import SimulatedPlace
from pkilab.simulator.service import AwsError, Call
from pkilab.simulator.world import DEFAULT_START, World

CALL = Call("111122223333", "us-east-1", DEFAULT_START, "arn:aws:iam::111122223333:user/x")
NAMES = st.sampled_from(["A", "B", "P", "Condition", "AWS::Region", "AWS::NoValue", "Nope", ""])
LEAVES = NAMES | st.sampled_from(
    ["x", "${A}", "${B.Arn}", 0, -1, 1.5, True, "*", "a.example", "60"]
)
FUNCTIONS = ["Ref", "Fn::GetAtt", "Fn::Sub", "Fn::If", "Fn::Join", "Fn::Select", "Fn::ImportValue"]
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(FUNCTIONS), inner, min_size=1, max_size=1)
        | st.dictionaries(
            NAMES | st.sampled_from(["Key", "Value", "Status", "Name"]), inner, max_size=2
        )
    ),
    max_leaves=6,
)


@st.composite
def templates(draw):
    """Templates of every type, with properties of the type and values of any kind."""
    resources = {}
    for name in draw(st.lists(st.sampled_from("ABC"), min_size=1, max_size=3, unique=True)):
        kind = draw(st.sampled_from(sorted(TYPES)))
        own = TYPES[kind].properties
        chosen = draw(st.lists(st.sampled_from(sorted(own)), max_size=3, unique=True))
        required = [prop for prop, each in own.items() if each.required]
        resources[name] = {
            "Type": kind,
            "Properties": {prop: draw(VALUES) for prop in {*chosen, *required}},
        }
        if draw(st.booleans()):
            resources[name]["DependsOn"] = draw(st.sampled_from("ABC"))
    document = {"Resources": resources}
    if draw(st.booleans()):
        document["Parameters"] = {"P": {"Type": "String", "Default": "x"}}
        document["Conditions"] = {"Condition": {"Fn::Equals": [{"Ref": "P"}, draw(LEAVES)]}}
    if draw(st.booleans()):
        document["Outputs"] = {"O": {"Value": draw(VALUES)}}
    return document


@pytest.fixture(scope="module")
def anything():
    """A world for whatever comes, without latency."""
    place = SimulatedPlace(World(seed="anything"))
    yield place
    place.close()


@given(document=templates(), number=st.integers(0, 10**9))
def test_any_template_makes_a_stack_or_is_refused(anything, document, number):
    """Whatever stands where: an answer or an error of AWS's, and a stack that can be told of."""
    service = anything.gateway._services["cloudformation"]
    key = anything.gateway.credentials["main"].access_key_id
    call = Call(CALL.account, CALL.region, CALL.now, CALL.principal, key)
    name, text = f"s{number}", json.dumps(document)
    try:
        service.perform(
            "CreateStack", call, StackName=name, TemplateBody=text,
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )  # fmt: skip
    except AwsError as error:
        assert error.status in {400, 501}, error
        return
    events = service.perform("DescribeStackEvents", call, StackName=name)["StackEvents"]
    assert not [e for e in events if "Internal Failure" in (e["ResourceStatusReason"] or "")]
    service.perform("DescribeStacks", call, StackName=name)
    service.perform("DeleteStack", call, StackName=name)


@given(st.text(max_size=80) | st.text("ResourcsTypeAWS:{}[]\n !&*-\"'RefSub", max_size=80))
def test_any_text_as_a_template_is_answered(anything, text):
    service = anything.gateway._services["cloudformation"]
    for operation in ("ValidateTemplate", "GetTemplateSummary"):
        try:
            service.perform(operation, CALL, TemplateBody=text or "x")
        except AwsError as error:
            assert error.code in {"ValidationError", "NotImplemented"}
