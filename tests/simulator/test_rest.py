"""What is read from and written to the wire, held against botocore's serialisers and parsers."""

import json
from contextlib import closing
from types import SimpleNamespace

import pytest
from botocore.awsrequest import HeadersDict, prepare_request_dict
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.rest import RestJsonService, refuse
from pkilab.simulator.service import AwsError, Call, HttpRequest, Later, service_model
from pkilab.simulator.world import Gate, Throttle, Trail, World

FUNCTION = "arn:aws:lambda:us-east-1:111122223333:function:f"
ROLE = "arn:aws:iam::111122223333:role/r"
CALL = Call(
    "111122223333", "us-east-1", World.__init__.__kwdefaults__["start"], "arn:aws:iam::1:user/x"
)


class Echo(RestJsonService):
    """Answers every operation with what the test wants, and keeps what it was asked."""

    def __init__(self, name, result=None):
        self.name = name
        self.world = SimpleNamespace(gate=Gate(), throttle=Throttle(), trail=Trail())
        self.result = result
        self.asked = None

    def __getattribute__(self, operation):
        if operation.startswith("_") or operation in {
            "name",
            "world",
            "invalid",
            "result",
            "asked",
            "respond",
        }:
            return super().__getattribute__(operation)

        def method(call, **members):
            self.asked = members
            if isinstance(self.result, Exception):
                raise self.result
            return self.result

        return method


def sent(service, operation, **members):
    """Return the request that botocore sends."""
    model = service_model(service).operation_model(operation)
    wire = create_serializer("rest-json").serialize_to_request(members, model)
    prepare_request_dict(wire, "https://example.amazonaws.com", {})
    body = wire["body"]
    body = body.encode() if isinstance(body, str) else body or b""
    return HttpRequest(
        wire["method"], wire["url"], {k.lower(): v for k, v in wire["headers"].items()}, body
    )


def received(service, operation, response):
    """Return what botocore reads from a response."""
    shape = service_model(service).operation_model(operation).output_shape
    headers = HeadersDict(response.headers)
    wire = {"status_code": response.status, "headers": headers, "body": response.body}
    return create_parser("rest-json").parse(wire, shape)


@pytest.mark.parametrize(
    ("service", "operation", "members", "arguments"),
    [
        ("apigatewayv2", "GetApi", {"ApiId": "abc"}, {"api_id": "abc"}),
        (
            "apigatewayv2",
            "CreateDomainName",
            {"DomainName": "a.example", "DomainNameConfigurations": [{"CertificateArn": "c"}]},
            {"domain_name": "a.example", "domain_name_configurations": [{"CertificateArn": "c"}]},
        ),
        ("apigatewayv2", "GetApis", {"MaxResults": "5"}, {"max_results": "5"}),
        (
            "apigateway",
            "UpdateDomainName",
            {"domainName": "a.example", "patchOperations": [{"op": "replace", "path": "/x"}]},
            {"domain_name": "a.example", "patch_operations": [{"op": "replace", "path": "/x"}]},
        ),
        ("apigateway", "GetResources", {"restApiId": "r", "embed": ["methods"], "limit": 7},
         {"rest_api_id": "r", "embed": ["methods"], "limit": 7}),
        (
            "lambda",
            "Invoke",
            {"FunctionName": FUNCTION, "Payload": b"\xff{}", "LogType": "Tail"},
            {"function_name": FUNCTION, "payload": b"\xff{}", "log_type": "Tail"},
        ),
        (
            "lambda",
            "CreateFunction",
            {"FunctionName": "f", "Role": ROLE, "Code": {"ZipFile": b"PK"},
             "Environment": {"Variables": {"A": "b"}}},
            {"function_name": "f", "role": ROLE, "code": {"ZipFile": b"PK"},
             "environment": {"Variables": {"A": "b"}}},
        ),
        ("lambda", "UntagResource", {"Resource": FUNCTION, "TagKeys": ["a", "b"]},
         {"resource": FUNCTION, "tag_keys": ["a", "b"]}),
    ],
)  # fmt: skip
def test_members_are_read_from_wherever_botocore_puts_them(service, operation, members, arguments):
    """Path, query, headers, body and payload give back the members that were sent."""
    echo = Echo(service, {})
    echo.respond(sent(service, operation, **members), CALL)
    assert echo.asked == arguments


@pytest.mark.parametrize(
    ("service", "operation", "result"),
    [
        ("apigatewayv2", "GetApi", {"Name": "n", "CreatedDate": CALL.now, "ApiId": "a"}),
        ("apigateway", "GetDomainName", {"domainName": "a", "certificateUploadDate": CALL.now}),
        ("lambda", "Invoke", {"StatusCode": 202, "FunctionError": "Unhandled"}),
    ],
)  # fmt: skip
def test_a_result_is_read_by_botocore_as_it_was_given(service, operation, result):
    """Times, headers, status codes and bodies arrive as they were returned."""
    response = Echo(service, result).respond(sent_empty(service, operation), CALL)
    found = received(service, operation, response)
    assert {name: found[name] for name in result} == result


def sent_empty(service, operation):
    """Return a request with the least that an operation needs."""
    needed = service_model(service).operation_model(operation).input_shape.required_members
    return sent(service, operation, **dict.fromkeys(needed, "f"))


def test_a_payload_goes_out_as_it_is():
    """A blob payload is the body, not JSON of it."""
    response = Echo("lambda", {"Payload": b"\x00raw"}).respond(sent_empty("lambda", "Invoke"), CALL)
    assert response.body == b"\x00raw"


def test_an_error_has_its_code_in_the_header_and_its_members_in_the_body():
    """Botocore reads code, message and status of a refusal."""
    refused = AwsError("NotFoundException", "no such API", 404, Type="User")
    response = Echo("apigatewayv2", refused).respond(
        sent("apigatewayv2", "GetApi", ApiId="a"), CALL
    )
    found = received("apigatewayv2", "GetApi", response)
    assert found["Error"] == {"Code": "NotFoundException", "Message": "no such API"}
    assert (response.status, json.loads(refuse(refused).body)["Type"]) == (404, "User")


def test_what_is_left_of_an_operation_runs_when_it_is_asked_to():
    """A later result is a function; its own refusal is written like any other."""
    request = sent_empty("lambda", "Invoke")
    rest = Echo("lambda", Later(lambda: {"Payload": b"done"})).respond(request, CALL)
    assert rest().body == b"done"

    def fail():
        raise AwsError("TooManyRequestsException", "Rate Exceeded.", 429)

    assert Echo("lambda", Later(fail)).respond(request, CALL)().status == 429


@pytest.mark.parametrize(
    ("method", "url", "code"),
    [
        ("GET", "https://x/v2/nothing/here", "UnknownOperationException"),
        ("PATCH", "https://x/v2/apis", "UnknownOperationException"),
        ("GET", "https://x/v2/apis?maxResults=1&nextToken=2", None),
    ],
)
def test_a_path_of_no_operation_is_refused(method, url, code):
    """Only what the model has is found, and the query has no say in it."""
    response = Echo("apigatewayv2", {}).respond(HttpRequest(method, url, {}, b""), CALL)
    assert response.headers.get("x-amzn-errortype") == code


def test_a_literal_path_wins_over_a_label():
    """Where two operations fit a path, the one that spells it out is meant."""
    echo = Echo("apigateway", {})
    request = sent("apigateway", "GetModelTemplate", restApiId="r", modelName="m")
    assert echo._find(request)[0].name == "GetModelTemplate"
    request = sent("apigateway", "GetDeployment", restApiId="r", deploymentId="default_template")
    assert echo._find(request)[0].name == "GetDeployment"


def test_every_operation_is_found_by_its_own_path():
    """Each operation of the three services is reached by the request botocore makes for it."""
    for service in ("apigateway", "apigatewayv2", "lambda"):
        echo = Echo(service, {})
        for name in service_model(service).operation_names:
            operation = service_model(service).operation_model(name)
            path = operation.http["requestUri"].replace("{", "x").replace("}", "").replace("+", "")
            request = HttpRequest(operation.http["method"], f"https://x{path}", {}, b"")
            assert echo._find(request)[0].name == name or name == "InvokeAsync", name


@given(
    body=st.binary(max_size=60) | st.sampled_from([b"[]", b"3", b'{"name": 5}', b"{" * 999]),
    query=st.text(max_size=20),
)
def test_whatever_is_sent_is_answered(body, query):
    """No bytes make anything but an answer leave."""
    for method, path in (("POST", "/v2/apis"), ("GET", "/v2/apis"), ("PUT", "/v2/tags/a")):
        response = Echo("apigatewayv2", {}).respond(
            HttpRequest(method, f"https://x{path}?{query}", {}, body), CALL
        )
        assert response.status in {200, 201, 204, 400, 404}


def test_what_is_not_written_is_refused_in_awss_shape():
    """An operation of the model without a method answers NotImplemented."""

    class Nothing(RestJsonService):
        name = "apigatewayv2"

    with closing(World()) as world:
        response = Nothing(world).respond(sent("apigatewayv2", "GetApi", ApiId="a"), CALL)
    assert (response.status, response.headers["x-amzn-errortype"]) == (501, "NotImplemented")
