"""What is read from and written to the wire, held against botocore's serialiser and parser."""

from datetime import UTC, datetime
from types import SimpleNamespace
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pytest
from botocore import xform_name
from botocore.awsrequest import HeadersDict
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.query import QueryService
from pkilab.simulator.service import AwsError, Call, HttpRequest, error, service_model
from pkilab.simulator.world import DEFAULT_START, Gate, Throttle, Trail

CALL = Call("111122223333", "us-east-1", DEFAULT_START, "arn:aws:iam::1:user/x")


class Echo(QueryService):
    """Answers every operation with what the test wants, and keeps what it was asked."""

    name = "cloudformation"

    def __init__(self):
        self.world = SimpleNamespace(gate=Gate(), throttle=Throttle(), trail=Trail())
        self._answers = _Entropy()
        self.result, self.asked = {}, None

    def __getattr__(self, operation):
        def method(call, **members):
            self.asked = members
            if isinstance(self.result, Exception):
                raise self.result
            return self.result

        return method


class _Entropy:
    """Request ids that are all the same."""

    def uuid(self):
        return "3f8b1f0e-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def echo():
    return Echo()


def sent(operation, **members):
    """Return the request that botocore sends."""
    model = service_model("cloudformation").operation_model(operation)
    body = create_serializer("query").serialize_to_request(members, model)["body"]
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return HttpRequest("POST", "https://example.amazonaws.com/", headers, urlencode(body).encode())


def read(operation, response):
    """Return what botocore reads."""
    shape = service_model("cloudformation").operation_model(operation).output_shape
    wire = {
        "status_code": response.status,
        "headers": HeadersDict(dict(response.headers)),
        "body": response.body,
    }
    return create_parser("query").parse(wire, shape)


PLAIN = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"))
TEXT = st.text(PLAIN, min_size=1, max_size=9)
PARAMETERS = st.fixed_dictionaries({"ParameterKey": TEXT, "ParameterValue": TEXT})


@given(
    parameters=st.lists(PARAMETERS, max_size=12),
    minutes=st.integers(1, 10**6),
    flag=st.booleans(),
    capabilities=st.lists(st.sampled_from(["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]), max_size=2),
)
def test_what_botocore_writes_is_read_as_it_was_meant(parameters, minutes, flag, capabilities):
    """Lists, also of more than ten and of none, structures, numbers, booleans and any text."""
    echo = Echo()
    members = {
        "StackName": "s", "Parameters": parameters, "TimeoutInMinutes": minutes,
        "DisableRollback": flag, "Capabilities": capabilities,
    }  # fmt: skip
    echo.respond(sent("CreateStack", **members), CALL)
    assert echo.asked == {xform_name(name): value for name, value in members.items()}


@given(
    name=TEXT,
    tags=st.lists(st.builds(lambda k, v: {"Key": k, "Value": v}, TEXT, TEXT), max_size=3),
    moment=st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001 - made aware
    flag=st.booleans(),
)
def test_what_is_written_is_read_by_botocore_as_it_was_meant(name, tags, moment, flag):
    echo = Echo()
    moment = moment.replace(tzinfo=UTC, microsecond=moment.microsecond // 1000 * 1000)
    stack = {
        "StackName": name, "CreationTime": moment, "StackStatus": "CREATE_COMPLETE", "Tags": tags,
        "EnableTerminationProtection": flag, "Description": None,
    }  # fmt: skip
    echo.result = {"Stacks": [stack]}
    answer = echo.respond(sent("DescribeStacks"), CALL)
    found = read("DescribeStacks", answer)
    del stack["Description"]
    assert found["Stacks"] == [stack]
    assert found["ResponseMetadata"]["RequestId"] == answer.headers["x-amzn-requestid"]


@given(st.text(max_size=30))
def test_any_text_makes_xml_that_can_be_read(text):
    """What XML cannot say is replaced; line ends stay as they are."""
    echo = Echo()
    echo.result = {"TemplateBody": text}
    body = echo.respond(sent("GetTemplate"), CALL).body
    space = "{http://cloudformation.amazonaws.com/doc/2010-05-15/}"
    found = ET.fromstring(body).find(f".//{space}TemplateBody").text or ""  # noqa: S314 - our own
    assert len(found) == len(text)
    if text.isprintable() or text.strip("\r\n\t").isprintable():
        assert found == text


def test_refusals_have_the_codes_and_statuses_of_the_model(echo):
    """The shape's name is not the code: ChangeSetNotFoundException is sent as ChangeSetNotFound."""
    echo.result = error("cloudformation", "ChangeSetNotFoundException", "no <such> one")
    answer = echo.respond(sent("DescribeStacks"), CALL)
    found = read("DescribeStacks", answer)["Error"]
    assert (answer.status, found["Code"], found["Message"], found["Type"]) == (
        404, "ChangeSetNotFound", "no <such> one", "Sender",
    )  # fmt: skip
    echo.result = AwsError("InternalFailure", "x", 500)
    assert read("DescribeStacks", echo.respond(sent("DescribeStacks"), CALL))["Error"]["Type"] == (
        "Receiver"
    )


@pytest.mark.parametrize(
    ("form", "code"),
    [
        (b"Action=NoSuchThing", "InvalidAction"),
        (b"Action.1=DescribeStacks", "InvalidAction"),
        (b"", "InvalidAction"),
        (b"Action=CreateStack&StackName=s&TimeoutInMinutes=soon", "MalformedInput"),
        (b"Action=CreateStack&StackName=s&DisableRollback=maybe", "MalformedInput"),
        (b"Action=CreateStack&StackName.1=s", "MalformedInput"),
        (b"Action=CreateStack", "ValidationError"),
        (b"Action=CreateStack&StackName=s&TimeoutInMinutes=0", "ValidationError"),
        (b"Action=CreateStack&StackName=s&OnFailure=CRY", "ValidationError"),
        (b"Action=CreateStack&StackName=%ff", "MalformedQueryString"),
        (b"&".join(b"a=b" for _ in range(20_001)), "MalformedQueryString"),
    ],
)
def test_a_form_that_is_not_of_the_model_is_refused(echo, form, code):
    echo.result = {}
    answer = echo.respond(HttpRequest("POST", "https://x/", {}, form), CALL)
    assert (answer.status, read("CreateStack", answer)["Error"]["Code"]) == (400, code)


def test_a_query_string_does_as_well_as_a_form(echo):
    echo.result = {"Stacks": []}
    url = "https://x/?Action=DescribeStacks&StackName=s"
    assert echo.respond(HttpRequest("GET", url, {}, b""), CALL).status == 200
    assert echo.asked == {"stack_name": "s"}


@given(st.binary(max_size=200) | st.from_regex(rb"Action=CreateStack(&[A-Za-z.0-9]+=[^&]{0,9})*"))
def test_any_bytes_are_answered(body):
    """With an answer or a refusal, never with an exception."""
    answer = Echo().respond(HttpRequest("POST", "https://x/", {}, body), CALL)
    assert answer.status in {200, 400}
    ET.fromstring(answer.body)  # noqa: S314 - our own
