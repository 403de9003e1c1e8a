"""Requests to APIs of both kinds, from the host name to the function and back."""

import json
from datetime import timedelta

import pytest

from pkilab import Lab, functions, mutual_tls
from pkilab.simulator.apigateway import runtime

ECHO = "def handler(event, context): return event"
PROXY = """
import json
def handler(event, context):
    return {"statusCode": 200, "body": json.dumps(event)}
"""
# The function behind an API does what the request's path says.
ODD = """
import os, sys, time
def handler(event, context):
    what = event.get("rawPath", event.get("path", "")).rpartition("/")[2]
    if what == "raise": raise ValueError("no")
    if what == "exit": os._exit(3)
    if what == "sleep": time.sleep(5)
    if what == "list": return {"statusCode": 200, "headers": ["x"]}
    if what == "status": return {"statusCode": "soon"}
    if what == "base64": return {"statusCode": 200, "body": "?", "isBase64Encoded": True}
    if what == "teapot": return {"statusCode": 418, "headers": {"X-Kind": "tea"}, "body": "short"}
    if what == "binary": return {"statusCode": 200, "body": "/w==", "isBase64Encoded": True}
    return {"statusCode": 200, "body": "well"}
"""
JUDGE = """
import json
calls = 0
def handler(event, context):
    global calls
    calls += 1
    who = {k.lower(): v for k, v in (event.get("headers") or {}).items()}.get("who", "")
    if who == "raise": raise ValueError("no")
    if who == "shape": return {"yes": True}
    arn = event.get("methodArn") or event.get("routeArn")
    if SIMPLE:
        told = {"calls": calls, "event": json.dumps(event)}
        return {"isAuthorized": who == "ana", "context": told}
    effect = {"ana": "Allow"}.get(who, "Deny")
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": arn}
    return {
        "principalId": who or "nobody",
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": {"calls": str(calls)},
    }
"""


class Apis:
    """Makes APIs and asks them."""

    def __init__(self, lab):
        self.lab = lab
        self.http, self.rest, self.lambda_ = (
            lab.client(name) for name in ("apigatewayv2", "apigateway", "lambda")
        )
        self.role = functions.create_role(lab.client("iam"), "r")
        self.runtime = lab._place.gateway.apis

    def function(self, name, code, timeout=10):
        """Deploy a function."""
        package = functions.package({"index.py": code})
        return functions.deploy(self.lambda_, name, package, role=self.role, timeout=timeout)

    def uri(self, arn):
        """Return how API Gateway names a function."""
        return f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"

    def http_api(self, code, version="2.0", route="$default", **options):
        """Make an HTTP API in front of a function; return its id."""
        arn = self.function("f", code, **options)
        api = self.http.create_api(Name="a", ProtocolType="HTTP")["ApiId"]
        integration = self.http.create_integration(
            ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=arn, PayloadFormatVersion=version
        )["IntegrationId"]
        self.http.create_route(ApiId=api, RouteKey=route, Target=f"integrations/{integration}")
        self.http.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
        functions.allow_api(self.lambda_, "f", api)
        return api

    def rest_api(self, code, *, path="{proxy+}", authorizer=None, stage="v1", **options):
        """Make a REST API in front of a function; return its id."""
        arn = self.function("f", code, **options)
        made = self.rest.create_rest_api(name="a", endpointConfiguration={"types": ["REGIONAL"]})
        api = made["id"]
        chosen = {"authorizationType": "NONE"}
        if authorizer:
            number = self.rest.create_authorizer(restApiId=api, **authorizer)["id"]
            chosen = {"authorizationType": "CUSTOM", "authorizerId": number}
        where = self.rest.create_resource(
            restApiId=api, parentId=made["rootResourceId"], pathPart=path
        )
        method = {"restApiId": api, "resourceId": where["id"], "httpMethod": "ANY"}
        self.rest.put_method(**method, **chosen)
        self.rest.put_integration(
            **method, type="AWS_PROXY", integrationHttpMethod="POST", uri=self.uri(arn)
        )
        self.rest.create_deployment(restApiId=api, stageName=stage)
        functions.allow_api(self.lambda_, "f", api)
        return api

    def ask(self, api, target="/", method="GET", headers=(), body=b"", host=None):
        """Send a request, as it comes without TLS."""
        from pkilab.simulator.apigateway.requests import ApiRequest

        host = host or f"{api}.execute-api.us-east-1.amazonaws.com"
        pairs = (("Host", host), *headers)
        return self.runtime.handle(ApiRequest(host, method, target, pairs, body))


@pytest.fixture
def apis(lab):
    return Apis(lab)


def test_payload_2_0_says_what_was_asked(apis):
    """Paths and queries as sent, headers joined in lower case, cookies apart, the lab's time."""
    api = apis.http_api(ECHO, route="ANY /a/{name}/{rest+}")
    answer = apis.ask(
        api,
        "/a/b%20c/d/e?x=1&x=2&y=",
        "POST",
        (("X-One", "1"), ("x-one", "2"), ("Cookie", "a=1; b=2")),
        b"\xff\x00",
    )
    event = json.loads(answer.body)
    assert event["version"] == "2.0"
    assert event["rawPath"] == "/a/b%20c/d/e"
    assert event["rawQueryString"] == "x=1&x=2&y="
    assert event["queryStringParameters"] == {"x": "1,2", "y": ""}
    assert event["headers"]["x-one"] == "1,2"
    assert event["cookies"] == ["a=1", "b=2"]
    assert event["pathParameters"] == {"name": "b c", "rest": "d/e"}
    assert (event["body"], event["isBase64Encoded"]) == ("/wA=", True)
    context = event["requestContext"]
    assert context["routeKey"] == "ANY /a/{name}/{rest+}"
    assert context["time"] == "02/Nov/2026:09:00:00 +0000"
    assert context["timeEpoch"] == int(apis.lab.clock.now().timestamp() * 1000)
    assert answer.headers["apigw-requestid"] == context["requestId"]


@pytest.mark.parametrize("kind", ["HTTP", "REST"])
def test_payload_1_0_says_it_in_its_own_way(apis, kind):
    """Both forms of headers and of the query; null where there is nothing."""
    api = apis.http_api(PROXY, "1.0") if kind == "HTTP" else apis.rest_api(PROXY)
    target = "/p?x=1&x=2" if kind == "HTTP" else "/v1/p?x=1&x=2"
    event = json.loads(apis.ask(api, target, headers=(("A", "1"), ("A", "2"))).body)
    assert ("version" in event) == (kind == "HTTP")
    assert event["headers"]["A"] == "2"
    assert event["multiValueHeaders"]["A"] == ["1", "2"]
    assert event["queryStringParameters"] == {"x": "2"}
    assert event["multiValueQueryStringParameters"] == {"x": ["1", "2"]}
    assert event["path"] == "/p"
    assert event["requestContext"]["path"] == target.partition("?")[0]
    assert event["body"] is None
    assert event["requestContext"]["requestTime"] == "02/Nov/2026:09:00:00 +0000"
    if kind == "REST":
        assert (event["resource"], event["pathParameters"]) == ("/{proxy+}", {"proxy": "p"})
        assert event["requestContext"]["resourcePath"] == "/{proxy+}"
        assert event["requestContext"]["stage"] == "v1"


@pytest.mark.parametrize("kind", ["HTTP 2.0", "HTTP 1.0", "REST"])
@pytest.mark.parametrize("what", ["raise", "exit", "sleep", "list", "status", "base64"])
def test_a_function_that_fails_gives_what_api_gateway_gives(apis, kind, what):
    """500 for HTTP APIs, 502 for REST APIs, and the cause in the log alone."""
    if kind == "REST":
        api, target, status = apis.rest_api(ODD, timeout=1), f"/v1/{what}", 502
        body = {"message": "Internal server error"}
    else:
        api, target, status = apis.http_api(ODD, kind[-3:], timeout=1), f"/{what}", 500
        body = {"message": "Internal Server Error"}
    answer = apis.ask(api, target)
    assert (answer.status, json.loads(answer.body)) == (status, body)
    cause = apis.runtime.log[-1].cause
    assert "failed" in cause or "malformed" in cause
    well = apis.ask(api, target.replace(what, "teapot"))
    assert (well.status, well.headers["x-kind"], well.body) == (418, "tea", b"short")
    assert apis.ask(api, target.replace(what, "binary")).body == b"\xff"


def test_a_function_that_does_not_let_the_api_is_no_secret_of_the_log(apis):
    """The caller sees a 500 all the same."""
    api = apis.http_api(ECHO)
    apis.lambda_.remove_permission(FunctionName="f", StatementId=f"api-{api}")
    assert apis.ask(api).status == 500
    assert "not authorized to perform: lambda:InvokeFunction" in apis.runtime.log[-1].cause


ROUTES = [
    "GET /pets/dog/1",
    "GET /pets/dog/{id}",
    "GET /pets/{proxy+}",
    "ANY /{proxy+}",
    "$default",
]


@pytest.mark.parametrize(
    ("request_line", "route"),
    [
        ("GET /pets/dog/1", "GET /pets/dog/1"),
        ("GET /pets/dog/2", "GET /pets/dog/{id}"),
        ("GET /pets/cat/1", "GET /pets/{proxy+}"),
        ("POST /test/5", "ANY /{proxy+}"),
        ("POST /", "$default"),
    ],
)
def test_the_most_specific_route_is_chosen(apis, request_line, route):
    """The developer guide's own example."""
    api = apis.http_api(ECHO, route=ROUTES[0])
    (first,) = apis.http.get_routes(ApiId=api)["Items"]
    for key in ROUTES[1:]:
        apis.http.create_route(ApiId=api, RouteKey=key, Target=first["Target"])
    method, _, path = request_line.partition(" ")
    assert json.loads(apis.ask(api, path, method).body)["routeKey"] == route


def test_what_no_route_or_stage_fits_is_not_found(apis):
    """404 for an HTTP API, 403 with a misleading sentence for a REST API."""
    api = apis.http_api(ECHO, route="GET /only")
    assert apis.ask(api, "/other").status == 404
    assert apis.ask(api, "/only", "POST").status == 404
    rest = apis.rest.create_rest_api(name="b")["id"]
    assert apis.ask(rest, "/v1/x").status == 403
    assert apis.ask("nobody1234", "/").body == b'{"message":"Forbidden"}'


def test_a_rest_apis_default_endpoint_closes_with_the_next_deployment(apis):
    """Not before, and with 403."""
    api = apis.rest_api(PROXY)
    patch = {"op": "replace", "path": "/disableExecuteApiEndpoint", "value": "true"}
    apis.rest.update_rest_api(restApiId=api, patchOperations=[patch])
    assert apis.ask(api, "/v1/x").status == 200
    apis.rest.create_deployment(restApiId=api, stageName="v1")
    assert (apis.ask(api, "/v1/x").status, apis.ask(api, "/v1/x").body) == (
        403, b'{"message":"Forbidden"}',
    )  # fmt: skip
    patch["value"] = "false"
    apis.rest.update_rest_api(restApiId=api, patchOperations=[patch])
    apis.rest.update_stage(restApiId=api, stageName="v1", patchOperations=[])
    assert apis.ask(api, "/v1/x").status == 200


def test_an_http_apis_default_endpoint_closes_with_404(apis):
    """At once."""
    api = apis.http_api(ECHO)
    apis.http.update_api(ApiId=api, DisableExecuteApiEndpoint=True)
    assert (apis.ask(api).status, apis.ask(api).body) == (404, b'{"message":"Not Found"}')


def test_a_mock_integration_answers_by_itself(apis):
    """With the status of its request template and the text of its response."""
    made = apis.rest.create_rest_api(name="mock")
    where = {
        "restApiId": made["id"], "resourceId": made["rootResourceId"], "httpMethod": "GET",
    }  # fmt: skip
    apis.rest.put_method(**where, authorizationType="NONE")
    apis.rest.put_integration(
        **where, type="MOCK", requestTemplates={"application/json": '{"statusCode": 202}'}
    )
    apis.rest.put_integration_response(
        **where, statusCode="202", responseTemplates={"application/json": '{"mock": true}'}
    )
    apis.rest.create_deployment(restApiId=made["id"], stageName="v1")
    answer = apis.ask(made["id"], "/v1/")
    assert (answer.status, answer.body) == (202, b'{"mock": true}')
    assert (
        apis.ask(made["id"], "/v1/", "POST").body == b'{"message":"Missing Authentication Token"}'
    )


# Authorizers.


def protect(apis, api, *, version="2.0", simple=True, sources=("$request.header.who",), ttl=0):
    """Put an authorizer before an HTTP API's only route."""
    arn = apis.function("judge", f"SIMPLE = {simple}\n{JUDGE}")
    functions.allow_api(apis.lambda_, "judge", api)
    number = apis.http.create_authorizer(
        ApiId=api, Name="judge", AuthorizerType="REQUEST", AuthorizerUri=apis.uri(arn),
        AuthorizerPayloadFormatVersion=version, EnableSimpleResponses=simple,
        IdentitySource=list(sources), AuthorizerResultTtlInSeconds=ttl,
    )["AuthorizerId"]  # fmt: skip
    (route,) = apis.http.get_routes(ApiId=api)["Items"]
    apis.http.update_route(
        ApiId=api, RouteId=route["RouteId"], AuthorizationType="CUSTOM", AuthorizerId=number
    )
    return number


def who(name):
    return (("who", name),)


@pytest.mark.parametrize(("version", "simple"), [("2.0", True), ("2.0", False), ("1.0", False)])
def test_an_authorizer_decides_and_its_context_goes_on(apis, version, simple):
    """In both payload formats, simply or by a policy."""
    api = apis.http_api(ECHO)
    protect(apis, api, version=version, simple=simple)
    event = json.loads(apis.ask(api, headers=who("ana")).body)
    assert event["requestContext"]["authorizer"]["lambda"]["calls"] in {1, "1"}
    denied = apis.ask(api, headers=who("eve"))
    assert (denied.status, denied.body) == (403, b'{"message":"Forbidden"}')
    missing = apis.ask(api)
    assert (missing.status, missing.body) == (401, b'{"message":"Unauthorized"}')


@pytest.mark.parametrize("name", ["raise", "shape"])
def test_an_authorizer_that_fails_lets_nobody_in(apis, name):
    """500, in the HTTP API's words and in the REST API's."""
    api = apis.http_api(ECHO)
    protect(apis, api)
    answer = apis.ask(api, headers=who(name))
    assert (answer.status, answer.body) == (500, b'{"message":"Internal Server Error"}')
    assert apis.runtime.log[-1].cause.startswith("authorizer: ")


def test_an_authorizers_event_names_its_sources_and_no_body(apis):
    """As the developer guide has it."""
    api = apis.http_api(ECHO)
    protect(apis, api)
    told = json.loads(apis.ask(api, "/x", "POST", who("ana"), b"body").body)
    event = json.loads(told["requestContext"]["authorizer"]["lambda"]["event"])
    assert event["type"] == "REQUEST"
    assert event["identitySource"] == ["ana"]
    assert event["routeArn"].endswith(f"{api}/$default/POST/x")
    assert "body" not in event


def test_an_answer_is_remembered_for_its_time_on_the_labs_clock(apis):
    """By the identity sources, and no longer."""
    api = apis.http_api(ECHO)
    protect(apis, api, ttl=60)

    def calls(name="ana", path="/"):
        told = json.loads(apis.ask(api, path, headers=who(name)).body)
        return told["requestContext"]["authorizer"]["lambda"]["calls"]

    assert [calls(), calls(path="/other")] == [1, 1]
    apis.lab.clock.advance(seconds=59)
    assert calls() == 1
    apis.lab.clock.advance(seconds=1)
    assert calls() == 2


def test_a_remembered_policy_is_asked_anew_for_another_path(apis):
    """It allowed one ARN, and no other."""
    api = apis.http_api(ECHO)
    protect(apis, api, simple=False, ttl=60)
    assert apis.ask(api, "/one", headers=who("ana")).status == 200
    assert apis.ask(api, "/two", headers=who("ana")).status == 403


REST_AUTHORIZER = {
    "name": "judge", "type": "REQUEST", "identitySource": "method.request.header.who",
    "authorizerResultTtlInSeconds": 0,
}  # fmt: skip


def test_a_rest_apis_authorizer_answers_in_its_own_words(apis):
    """403 with a sentence, 500 with null, and 401 only where an answer would be remembered."""
    arn = apis.function("judge", f"SIMPLE = False\n{JUDGE}")
    authorizer = {**REST_AUTHORIZER, "authorizerUri": apis.uri(arn)}
    api = apis.rest_api(PROXY, authorizer=authorizer)
    functions.allow_api(apis.lambda_, "judge", api)
    event = json.loads(apis.ask(api, "/v1/x", headers=who("ana")).body)
    assert event["requestContext"]["authorizer"]["principalId"] == "ana"
    denied = apis.ask(api, "/v1/x", headers=who("eve"))
    assert (denied.status, denied.body) == (
        403, b'{"Message":"User is not authorized to access this resource"}',
    )  # fmt: skip
    assert denied.headers["x-amzn-errortype"] == "AccessDeniedException"
    failed = apis.ask(api, "/v1/x", headers=who("raise"))
    assert (failed.status, failed.body) == (500, b'{"message":null}')
    assert apis.ask(api, "/v1/x").status == 403
    number = apis.rest.get_authorizers(restApiId=api)["items"][0]["id"]
    patch = {"op": "replace", "path": "/authorizerResultTtlInSeconds", "value": "300"}
    apis.rest.update_authorizer(restApiId=api, authorizerId=number, patchOperations=[patch])
    apis.rest.create_deployment(restApiId=api, stageName="v1")
    assert apis.ask(api, "/v1/x").status == 401


def test_the_log_says_when_what_and_why(apis):
    """One record a request, newest last."""
    api = apis.http_api(ECHO, route="GET /only")
    apis.lab.clock.advance(minutes=1)
    apis.ask(api, "/only")
    apis.ask(api, "/other")
    well, ill = apis.runtime.log[-2:]
    assert (well.status, well.route, well.cause) == (200, "GET /only", None)
    assert (ill.status, ill.cause) == (404, "no route fits GET /other")
    assert well.at == apis.lab.clock.now()
    assert ill.at - well.at == timedelta(0)


# What is hard on the way.


RAW = """
def handler(event, context):
    return ANSWER
"""


@pytest.mark.parametrize("kind", ["HTTP 2.0", "HTTP 1.0", "REST"])
@pytest.mark.parametrize(
    "answer",
    [
        "{'statusCode': float('inf')}",
        "b'[' * 100_000",
        "{'statusCode': 200, 'headers': {'a b': 'x'}}",
        "{'statusCode': 200, 'headers': {'a': 'x\\r\\nb: y'}}",
        "{'statusCode': 100}",
        "{'statusCode': 200, 'body': {'not': 'text'}}",
        """b'{"statusCode": 200, "body": "\\\\ud800"}'""",
    ],
)
def test_an_answer_that_cannot_be_sent_is_an_error_of_the_api(apis, kind, answer):
    """Not of the simulator."""
    code = RAW.replace("ANSWER", answer)
    if kind == "REST":
        api, target, status = apis.rest_api(code), "/v1/x", 502
    else:
        api, target, status = apis.http_api(code, kind[-3:]), "/x", 500
    found = apis.ask(api, target)
    assert (found.status, found.headers["content-type"]) == (status, "application/json")
    assert apis.runtime.log[-1].cause.startswith("the integration's answer is malformed: ")


LATE = """
import time
def handler(event, context):
    time.sleep(float(event.get("queryStringParameters", {}).get("s", 0)))
    return {"statusCode": 200, "body": "in time"}
"""


def test_an_http_api_waits_as_long_as_its_integration_says(apis):
    """And answers 503 then, though the function runs on."""
    api = apis.http_api(LATE)
    (integration,) = apis.http.get_integrations(ApiId=api)["Items"]
    which = {"ApiId": api, "IntegrationId": integration["IntegrationId"]}
    apis.ask(api, "/?s=0")  # warm
    apis.http.update_integration(**which, TimeoutInMillis=500)
    assert apis.ask(api, "/?s=0").body == b"in time"
    late = apis.ask(api, "/?s=2")
    assert (late.status, late.body) == (503, b'{"message":"Service Unavailable"}')
    assert apis.runtime.log[-1].cause.endswith("did not answer within 500 ms")


def test_a_rest_api_waits_as_long_as_its_integration_says(apis):
    """And answers 504 then, in words of its own."""
    api = apis.rest_api(LATE)
    (where,) = (each for each in apis.rest.get_resources(restApiId=api)["items"]
                if each["path"] != "/")  # fmt: skip
    method = {"restApiId": api, "resourceId": where["id"], "httpMethod": "ANY"}
    uri = apis.rest.get_integration(**method)["uri"]
    apis.ask(api, "/v1/x?s=0")  # warm
    apis.rest.put_integration(
        **method, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri, timeoutInMillis=500
    )
    apis.rest.create_deployment(restApiId=api, stageName="v1")
    assert apis.ask(api, "/v1/x?s=0").body == b"in time"
    late = apis.ask(api, "/v1/x?s=2")
    assert (late.status, late.body) == (504, b'{"message":"Endpoint request timed out"}')
    assert late.headers["x-amzn-errortype"] == "InternalServerErrorException"


def test_a_body_of_ten_megabytes_is_too_large_for_the_function_and_one_more_for_the_api(apis):
    """413 is the API's, 500 what comes of the function's refusal."""
    api = apis.http_api("def handler(event, context): return len(event['body'])")
    assert apis.ask(api, "/", "POST", body=b"x" * 1_000_000).body == b"1000000"
    assert apis.ask(api, "/", "POST", body=b"x" * 10 * 2**20).status == 500
    assert "RequestTooLargeException" in apis.runtime.log[-1].cause
    refused = apis.ask(api, "/", "POST", body=b"x" * (10 * 2**20 + 1))
    assert (refused.status, refused.body) == (413, b'{"message":"Request Entity Too Large"}')


def test_a_function_that_is_gone_is_a_500(apis):
    """To an HTTP API and to a REST API, whose words differ."""
    http = apis.http_api(ECHO)
    assert apis.ask(http).status == 200
    apis.lambda_.delete_function(FunctionName="f")
    assert (apis.ask(http).status, apis.ask(http).body) == (
        500, b'{"message":"Internal Server Error"}',
    )  # fmt: skip
    assert "Function not found" in apis.runtime.log[-1].cause
    rest = apis.rest_api(PROXY)
    assert apis.ask(rest, "/v1/x").status == 200
    apis.lambda_.delete_function(FunctionName="f")
    assert (apis.ask(rest, "/v1/x").status, apis.ask(rest, "/v1/x").body) == (
        500, b'{"message":"Internal server error"}',
    )  # fmt: skip


def test_an_authorizer_that_may_not_be_invoked_lets_nobody_in(apis):
    """500; and everybody as before once it may."""
    api = apis.http_api(ECHO)
    protect(apis, api)
    apis.lambda_.remove_permission(FunctionName="judge", StatementId=f"api-{api}")
    assert apis.ask(api, headers=who("ana")).status == 500
    functions.allow_api(apis.lambda_, "judge", api)
    assert apis.ask(api, headers=who("ana")).status == 200


def test_an_http_api_asks_an_authorizer_only_with_its_identity(apis):
    """One of two missing is 401, and the authorizer hears nothing of it."""
    api = apis.http_api(ECHO)
    protect(apis, api, sources=("$request.header.who", "$request.querystring.token"))

    def calls(target, name="ana"):
        answer = apis.ask(api, target, headers=who(name) if name else ())
        if answer.status != 200:
            return answer.status
        return json.loads(answer.body)["requestContext"]["authorizer"]["lambda"]["calls"]

    assert [calls("/?token=1"), calls("/"), calls("/?token="), calls("/?token=1", None)] == [
        1, 401, 401, 401,
    ]  # fmt: skip
    assert calls("/?token=1") == 2


def test_answers_are_remembered_by_identity_and_stage(apis):
    """A denial, too."""
    api = apis.http_api(ECHO)
    protect(apis, api, ttl=60)
    apis.http.create_stage(ApiId=api, StageName="other", AutoDeploy=True)

    def calls(target="/", name="ana"):
        answer = apis.ask(api, target, headers=who(name))
        return json.loads(answer.body)["requestContext"]["authorizer"]["lambda"]["calls"]

    assert [calls(), calls(), calls("/other/x"), calls("/other/x")] == [1, 1, 2, 2]
    assert apis.ask(api, headers=who("eve")).status == 403
    assert apis.ask(api, headers=who("eve")).status == 403
    apis.lab.clock.advance(seconds=60)
    assert calls() == 4  # one of eve's two was remembered


def test_a_failure_is_not_remembered(apis):
    """The next request asks again."""
    api = apis.http_api(ECHO)
    protect(apis, api, ttl=60)
    code = "def handler(event, context):\n    raise ValueError"
    package = functions.package({"index.py": code})
    well = functions.package({"index.py": f"SIMPLE = True\n{JUDGE}"})
    apis.lambda_.update_function_code(FunctionName="judge", ZipFile=package)
    assert apis.ask(api, headers=who("ana")).status == 500
    apis.lambda_.update_function_code(FunctionName="judge", ZipFile=well)
    assert apis.ask(api, headers=who("ana")).status == 200


CONTEXT = """
def handler(event, context):
    statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": "*"}
    who = event["headers"]["who"]
    return {
        "principalId": "p", "policyDocument": {"Statement": [statement]},
        "context": {"deep": {"a": 1}} if who == "deep" else {"n": 1, "yes": True, "t": "x"},
    }
"""


def test_a_rest_apis_function_is_told_texts(apis):
    """And an authorizer that tells something nested has failed."""
    arn = apis.function("judge", CONTEXT)
    api = apis.rest_api(PROXY, authorizer={**REST_AUTHORIZER, "authorizerUri": apis.uri(arn)})
    functions.allow_api(apis.lambda_, "judge", api)
    event = json.loads(apis.ask(api, "/v1/x", headers=who("ana")).body)
    assert event["requestContext"]["authorizer"] == {
        "principalId": "p", "n": "1", "yes": "true", "t": "x",
    }  # fmt: skip
    failed = apis.ask(api, "/v1/x", headers=who("deep"))
    assert (failed.status, failed.body) == (500, b'{"message":null}')


def test_a_name_without_mutual_tls_leads_by_its_mappings(apis):
    """By the longest key; a path that none fits is 403, as is a host that nobody has."""
    zone = apis.lab.client("route53").create_hosted_zone(Name="lab.example", CallerReference="x")
    arn = mutual_tls.request_public_certificate(
        apis.lab.client("acm"), apis.lab.client("route53"), "api.lab.example",
        zone["HostedZone"]["Id"],
    )  # fmt: skip
    mutual_tls.create_domain(apis.http, "api.lab.example", arn)
    api = apis.http_api(ECHO)
    apis.http.create_stage(ApiId=api, StageName="two", AutoDeploy=True)
    for key, stage in (("a", "$default"), ("a/b", "two")):
        apis.http.create_api_mapping(
            DomainName="api.lab.example", ApiId=api, Stage=stage, ApiMappingKey=key
        )

    def asked(target, host="api.lab.example"):
        answer = apis.ask(api, target, host=host)
        if answer.status != 200:
            return answer.status
        event = json.loads(answer.body)
        return event["requestContext"]["stage"], event["rawPath"]

    assert asked("/a/x") == ("$default", "/a/x")
    assert asked("/a/b/x") == ("two", "/a/b/x")
    assert asked("/a/bc") == ("$default", "/a/bc")
    assert asked("/a") == ("$default", "/a")
    assert asked("/") == asked("/ab") == asked("/a/x", "other.lab.example") == 403


def answers():
    """Make an API in a world of the same seed, ask it, and return all that came of it."""
    with Lab.simulated(seed="equal") as lab:
        apis = Apis(lab)
        api = apis.http_api(ECHO)
        protect(apis, api)
        found = [apis.ask(api, headers=who(name)) for name in ("ana", "eve")]
        described = [
            call(ApiId=api)["Items"]
            for call in (apis.http.get_routes, apis.http.get_integrations, apis.http.get_stages,
                         apis.http.get_authorizers, apis.http.get_deployments)
        ]  # fmt: skip
        configuration = apis.lambda_.get_function_configuration(FunctionName="f")
        configuration.pop("ResponseMetadata")
        return api, found, described, configuration


def test_equal_worlds_answer_equally():
    """Identifiers, events, times and all."""
    assert answers() == answers()


def test_an_authorizer_that_is_late_lets_nobody_in(apis, monkeypatch):
    """500, as for any that fails; one in time is asked as ever."""
    monkeypatch.setitem(runtime._AUTHORIZER_MILLIS, "HTTP", 1000)
    api = apis.http_api(ECHO)
    protect(apis, api)
    apis.ask(api, headers=who("ana"))  # warm
    assert apis.ask(api, headers=who("ana")).status == 200
    slow = f"import time\nSIMPLE = True\n{JUDGE}".replace("    calls += 1", "    time.sleep(3)")
    package = functions.package({"index.py": slow})
    apis.lambda_.update_function_code(FunctionName="judge", ZipFile=package)
    late = apis.ask(api, headers=who("ana"))
    assert (late.status, late.body) == (500, b'{"message":"Internal Server Error"}')
    assert apis.runtime.log[-1].cause.endswith("did not answer within 1000 ms")
