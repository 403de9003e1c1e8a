"""HTTP APIs' control plane through boto3."""

import pytest
from botocore.exceptions import ClientError, ParamValidationError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FUNCTION = "arn:aws:lambda:us-east-1:111122223333:function:f"
URI = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{FUNCTION}/invocations"


@pytest.fixture
def http(lab):
    return lab.client("apigatewayv2")


@pytest.fixture
def api(http):
    return http.create_api(Name="a", ProtocolType="HTTP")["ApiId"]


# Seen on AWS and not in the model: hashicorp/terraform-provider-aws issue 37732, milliHQ/
# terraform-aws-next-js issue 247; the last as apigateway's, which has it in its model.
UNDECLARED = {
    ("DeleteAuthorizer", "ConflictException"),
    ("DeleteIntegration", "ConflictException"),
    ("DeleteDeployment", "BadRequestException"),
}


def refused(code, call, **members):
    """Call what must be refused, by a code of the model; return the message."""
    with pytest.raises(ClientError) as caught:
        call(**members)
    assert caught.value.response["Error"]["Code"] == code, caught.value
    operation = caught.value.operation_name
    service = call.__self__.meta.service_model
    declared = {each.name for each in service.operation_model(operation).error_shapes}
    assert code in declared | {"NotImplemented"} or (operation, code) in UNDECLARED, caught.value
    return caught.value.response["Error"]["Message"]


def integrate(http, api):
    return http.create_integration(
        ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=FUNCTION, PayloadFormatVersion="2.0"
    )["IntegrationId"]


def test_a_quick_create_makes_all_that_an_api_needs(http):
    """A route, an integration and a stage that deploys by itself."""
    api = http.create_api(Name="q", ProtocolType="HTTP", Target=FUNCTION)["ApiId"]
    (route,), (integration,), (stage,) = (
        list_all(ApiId=api)["Items"]
        for list_all in (http.get_routes, http.get_integrations, http.get_stages)
    )
    assert route["Target"] == f"integrations/{integration['IntegrationId']}"
    assert (route["RouteKey"], stage["StageName"], stage["AutoDeploy"]) == (
        "$default",
        "$default",
        True,
    )
    deployed = http.get_deployment(ApiId=api, DeploymentId=stage["DeploymentId"])
    assert (deployed["AutoDeployed"], deployed["DeploymentStatus"]) == (True, "DEPLOYED")


def test_an_api_is_its_accounts_and_regions_alone(http, api, lab):
    """Named by number in the refusal."""
    assert http.get_api(ApiId=api)["ApiEndpoint"] == (
        f"https://{api}.execute-api.us-east-1.amazonaws.com"
    )
    other = lab.client("apigatewayv2", account="consumer")
    message = refused("NotFoundException", other.get_api, ApiId=api)
    assert message == f"Invalid API identifier specified 444455556666:{api}"
    assert lab.client("apigatewayv2", region="eu-west-1").get_apis()["Items"] == []
    refused("NotFoundException", lab.client("apigateway").get_rest_api, restApiId=api)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"ProtocolType": "WEBSOCKET"}, "NotImplemented"),
        ({"ProtocolType": "HTTP", "CorsConfiguration": {}}, "NotImplemented"),
        ({"ProtocolType": "HTTP", "Target": "https://example.com"}, "NotImplemented"),
        ({"ProtocolType": "HTTP", "RouteKey": "GET /"}, "BadRequestException"),
        ({"ProtocolType": "HTTP", "RouteSelectionExpression": "x"}, "BadRequestException"),
        ({"ProtocolType": "HTTP", "IpAddressType": "dualstack"}, "NotImplemented"),
    ],
)  # fmt: skip
def test_an_api_that_could_not_be_served_is_refused(http, options, code):
    """By AWS's rule, or as not simulated."""
    refused(code, http.create_api, Name="a", **options)


def test_an_update_is_checked_like_a_create(http, api):
    """And changes what it names, nothing else."""
    refused("BadRequestException", http.update_api, ApiId=api, RouteSelectionExpression="x")
    changed = http.update_api(ApiId=api, Description="d", DisableExecuteApiEndpoint=True)
    assert (changed["Name"], changed["Description"]) == ("a", "d")
    assert http.get_api(ApiId=api)["DisableExecuteApiEndpoint"] is True
    assert changed["RouteSelectionExpression"] == "$request.method $request.path"


@pytest.mark.parametrize(
    "key", ["GET /", "ANY /{proxy+}", "POST /a/{b}/c", "$default", "GET /a.b~c"]
)
def test_a_route_is_kept_once(http, api, key):
    """By its key."""
    made = http.create_route(ApiId=api, RouteKey=key)
    assert http.get_route(ApiId=api, RouteId=made["RouteId"])["AuthorizationType"] == "NONE"
    message = refused("ConflictException", http.create_route, ApiId=api, RouteKey=key)
    assert message == f"Route with key {key} already exists for this API"
    http.delete_route(ApiId=api, RouteId=made["RouteId"])
    refused("NotFoundException", http.get_route, ApiId=api, RouteId=made["RouteId"])


@pytest.mark.parametrize("key", ["GET /a/", "GET /a//b", "GET /{a}/{a}"])
def test_a_route_that_would_be_matched_otherwise_is_not_simulated(http, api, key):
    """Rather than matched in a way that AWS does not document."""
    assert "not simulated" in refused("NotImplemented", http.create_route, ApiId=api, RouteKey=key)


@pytest.mark.parametrize("key", ["", "GET", "FETCH /", "GET a", "GET /{a+}/b", "GET /{", "default"])
def test_a_route_key_of_another_form_is_refused(http, api, key):
    """Saying which form it has."""
    message = refused("BadRequestException", http.create_route, ApiId=api, RouteKey=key)
    assert "<HTTP METHOD> /<RESOURCE PATH>" in message


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"Target": "integrations/nothing"}, "BadRequestException"),
        ({"Target": "nothing"}, "BadRequestException"),
        ({"AuthorizationType": "CUSTOM", "AuthorizerId": "nothing"}, "BadRequestException"),
        ({"AuthorizerId": "nothing"}, "BadRequestException"),
        ({"AuthorizationType": "JWT"}, "NotImplemented"),
        ({"AuthorizationType": "AWS_IAM"}, "NotImplemented"),
    ],
)
def test_a_route_that_leads_nowhere_is_refused(http, api, options, code):
    """Also as a change, which then changes nothing."""
    refused(code, http.create_route, ApiId=api, RouteKey="GET /", **options)
    made = http.create_route(ApiId=api, RouteKey="GET /")
    refused(code, http.update_route, ApiId=api, RouteId=made["RouteId"], **options)
    kept = http.get_route(ApiId=api, RouteId=made["RouteId"])
    assert (kept["RouteKey"], kept["AuthorizationType"], "Target" in kept) == (
        "GET /",
        "NONE",
        False,
    )


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"IntegrationType": "HTTP_PROXY", "IntegrationUri": "https://x"}, "NotImplemented"),
        ({"IntegrationUri": "arn:aws:lambda:x"}, "BadRequestException"),
        ({"PayloadFormatVersion": "3.0"}, "BadRequestException"),
        ({"TimeoutInMillis": 30_001}, "BadRequestException"),
        ({"ConnectionType": "VPC_LINK", "ConnectionId": "x"}, "NotImplemented"),
        ({"IntegrationUri": "${stageVariables.f}"}, "NotImplemented"),
        (
            {"IntegrationUri": FUNCTION.replace(":f", ":\N{LATIN SMALL LETTER E WITH ACUTE}")},
            "BadRequestException",
        ),
    ],
)
def test_an_integration_that_could_not_work_is_refused(http, api, options, code):
    """One that could is kept while a route uses it."""
    well = {"ApiId": api, "IntegrationType": "AWS_PROXY", "IntegrationUri": FUNCTION,
            "PayloadFormatVersion": "2.0"}  # fmt: skip
    refused(code, http.create_integration, **{**well, **options})
    number = http.create_integration(**well)["IntegrationId"]
    assert http.get_integration(ApiId=api, IntegrationId=number)["TimeoutInMillis"] == 30_000
    route = http.create_route(ApiId=api, RouteKey="GET /", Target=f"integrations/{number}")
    in_use = {"ApiId": api, "IntegrationId": number}
    message = refused("ConflictException", http.delete_integration, **in_use)
    assert message == (
        "Cannot delete Integration because it is referenced by the following Routes with Ids: "
        f"[{route['RouteId']}]"
    )
    http.delete_route(ApiId=api, RouteId=route["RouteId"])
    http.delete_integration(ApiId=api, IntegrationId=number)


AUTHORIZER = {
    "Name": "j", "AuthorizerType": "REQUEST", "AuthorizerUri": URI,
    "AuthorizerPayloadFormatVersion": "2.0", "IdentitySource": ["$request.header.who"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"AuthorizerType": "JWT"}, "NotImplemented"),
        ({"AuthorizerUri": FUNCTION}, "BadRequestException"),
        ({"AuthorizerPayloadFormatVersion": "3.0"}, "BadRequestException"),
        ({"AuthorizerPayloadFormatVersion": "1.0", "EnableSimpleResponses": True},
         "BadRequestException"),
        ({"IdentitySource": ["request.header.who"]}, "BadRequestException"),
        ({"IdentitySource": ["$context.identity.clientCert.serialNumber"]}, "NotImplemented"),
        ({"AuthorizerResultTtlInSeconds": 3601}, "BadRequestException"),
        ({"IdentitySource": [], "AuthorizerResultTtlInSeconds": 60}, "BadRequestException"),
    ],
)  # fmt: skip
def test_an_authorizer_that_could_not_work_is_refused(http, api, options, code):
    """One that could is kept while a route uses it."""
    refused(code, http.create_authorizer, ApiId=api, **{**AUTHORIZER, **options})
    number = http.create_authorizer(ApiId=api, **AUTHORIZER)["AuthorizerId"]
    refused("BadRequestException", http.create_authorizer, ApiId=api, **AUTHORIZER)
    custom = {"AuthorizationType": "CUSTOM", "AuthorizerId": number}
    route = http.create_route(ApiId=api, RouteKey="GET /", **custom)
    in_use = {"ApiId": api, "AuthorizerId": number}
    message = refused("ConflictException", http.delete_authorizer, **in_use)
    assert message == "Cannot delete authorizer 'j', is referenced in route: GET /"
    freed = http.update_route(ApiId=api, RouteId=route["RouteId"], AuthorizationType="NONE")
    assert "AuthorizerId" not in freed
    http.delete_authorizer(ApiId=api, AuthorizerId=number)


def test_answers_are_remembered_only_by_an_identity(http, api):
    """Five minutes if nothing else is said; not at all without an identity source."""
    well = {"ApiId": api, **AUTHORIZER}
    assert http.create_authorizer(**well)["AuthorizerResultTtlInSeconds"] == 300
    nobody = {**well, "Name": "k", "IdentitySource": []}
    assert http.create_authorizer(**nobody)["AuthorizerResultTtlInSeconds"] == 0
    message = refused(
        "BadRequestException", http.create_authorizer, **{**nobody, "Name": "l"},
        AuthorizerResultTtlInSeconds=60,
    )  # fmt: skip
    assert message == (
        "Identity source must be set if authorizer caching is enabled (TTL is greater than 0)"
    )


def test_a_target_says_what_it_is(http, api):
    """The number of an integration alone is none."""
    number = integrate(http, api)
    message = refused(
        "BadRequestException", http.create_route, ApiId=api, RouteKey="GET /", Target=number
    )
    assert message == f"Invalid target: {number}. It must be integrations/ID of this API"
    http.create_route(ApiId=api, RouteKey="GET /", Target=f"integrations/{number}")


def test_a_change_keeps_a_routes_place(http, api):
    """Lists are in the order of creation; a key that another route has is refused."""
    made = [http.create_route(ApiId=api, RouteKey=f"GET /{n}")["RouteId"] for n in range(3)]
    which = {"ApiId": api, "RouteId": made[0]}
    refused("ConflictException", http.update_route, **which, RouteKey="GET /1")
    http.update_route(**which, RouteKey="GET /9")
    listed = http.get_routes(ApiId=api)["Items"]
    assert [each["RouteId"] for each in listed] == made
    assert listed[0]["RouteKey"] == "GET /9"


def test_a_deployment_goes_when_no_stage_serves_it(http, api):
    """Its description may change before."""
    http.create_route(ApiId=api, RouteKey="GET /")
    number = http.create_deployment(ApiId=api)["DeploymentId"]
    which = {"ApiId": api, "DeploymentId": number}
    assert http.update_deployment(**which, Description="d")["Description"] == "d"
    http.create_stage(ApiId=api, StageName="v1", DeploymentId=number)
    message = refused("BadRequestException", http.delete_deployment, **which)
    assert message == "Active stages pointing to this deployment must be moved or deleted"
    http.delete_stage(ApiId=api, StageName="v1")
    http.delete_deployment(**which)
    for call in (http.get_deployment, http.update_deployment, http.delete_deployment):
        refused("NotFoundException", call, **which)


def test_a_stage_that_cannot_deploy_by_itself_says_so(http, api):
    """And deploys as soon as there is a route."""
    which = {"ApiId": api, "StageName": "v1"}
    http.create_stage(**which, AutoDeploy=True)
    said = http.get_stage(**which)["LastDeploymentStatusMessage"]
    assert said == (
        "Deployment attempt failed: At least one route is required before deploying the Api."
    )
    http.create_route(ApiId=api, RouteKey="GET /")
    stage = http.get_stage(**which)
    assert stage["LastDeploymentStatusMessage"].endswith(f"'{stage['DeploymentId']}'")
    number = {"DeploymentId": stage["DeploymentId"]}
    refused("BadRequestException", http.update_stage, **which, **number)
    http.update_stage(**which, **number, AutoDeploy=False)


@pytest.mark.parametrize("variables", [{"a-b": "c"}, {"a": "b c"}, {"a": "<"}])
def test_stage_variables_have_characters_of_their_own(http, api, variables):
    """In names fewer than in values."""
    which = {"ApiId": api, "StageName": "v1"}
    refused("BadRequestException", http.create_stage, **which, StageVariables=variables)
    well = {"a_1": "https://x.example/?y=1&z=,-._~#"}
    http.create_stage(**which, StageVariables=well)
    refused("BadRequestException", http.update_stage, **which, StageVariables=variables)
    assert http.get_stage(**which)["StageVariables"] == well


def test_a_stage_serves_a_deployment_until_it_is_told_otherwise(http, api):
    """Or each change at once, if it deploys by itself."""
    refused("BadRequestException", http.create_deployment, ApiId=api)
    http.create_route(ApiId=api, RouteKey="GET /", Target=f"integrations/{integrate(http, api)}")
    one = http.create_deployment(ApiId=api)["DeploymentId"]
    http.create_stage(ApiId=api, StageName="v1", DeploymentId=one)
    refused("ConflictException", http.create_stage, ApiId=api, StageName="v1")
    refused("BadRequestException", http.create_stage, ApiId=api, StageName="a/b")
    http.create_route(ApiId=api, RouteKey="GET /new")
    assert http.get_stage(ApiId=api, StageName="v1")["DeploymentId"] == one
    http.update_stage(ApiId=api, StageName="v1", AutoDeploy=True)
    assert http.get_stage(ApiId=api, StageName="v1")["DeploymentId"] != one
    http.delete_stage(ApiId=api, StageName="v1")
    refused("NotFoundException", http.get_stage, ApiId=api, StageName="v1")


def test_lists_come_in_pages(http):
    """With a token for the next, and for no other list."""
    made = [http.create_api(Name=str(n), ProtocolType="HTTP")["ApiId"] for n in range(3)]
    found, token = [], {}
    while True:
        page = http.get_apis(MaxResults="2", **token)
        found += [each["ApiId"] for each in page["Items"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert found == made
    refused("BadRequestException", http.get_apis, NextToken="nonsense")
    for size in ("none", "0", "-1", "\N{SUPERSCRIPT TWO}", "9" * 5000):
        refused("BadRequestException", http.get_apis, MaxResults=size)


def test_tags_are_kept_on_apis_and_stages(http, api):
    """And nowhere else."""
    arn = f"arn:aws:apigateway:us-east-1::/apis/{api}"
    http.tag_resource(ResourceArn=arn, Tags={"a": "b", "c": "d"})
    http.untag_resource(ResourceArn=arn, TagKeys=["a"])
    http.tag_resource(ResourceArn=arn)  # the model requires no tags
    assert http.get_tags(ResourceArn=arn)["Tags"] == {"c": "d"}
    assert http.get_api(ApiId=api)["Tags"] == {"c": "d"}
    refused("NotFoundException", http.get_tags, ResourceArn="arn:aws:apigateway:us-east-1::/x/y")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=12), number=st.integers(-5, 10**6))
def test_whatever_is_asked_is_answered_or_refused(http, api, text, number):
    """By a code of the model's, or as not simulated."""
    for call, members in (
        (http.create_api, {"Name": text, "ProtocolType": "HTTP", "Target": text}),
        (http.create_route, {"RouteKey": text, "Target": text}),
        (http.create_integration, {"IntegrationType": "AWS_PROXY", "IntegrationUri": text,
                                   "PayloadFormatVersion": text, "TimeoutInMillis": number}),
        (http.create_authorizer, {**AUTHORIZER, "IdentitySource": [text],
                                  "AuthorizerResultTtlInSeconds": number}),
        (http.create_stage, {"StageName": text or "s", "StageVariables": {text: text}}),
        (http.create_api_mapping, {"DomainName": text or "d", "Stage": text,
                                   "ApiMappingKey": text}),
        (http.create_domain_name, {
            "DomainName": text, "MutualTlsAuthentication": {"TruststoreUri": text},
            "DomainNameConfigurations": [{"CertificateArn": text}],
        }),
    ):  # fmt: skip
        which = {} if call in {http.create_api, http.create_domain_name} else {"ApiId": api}
        try:
            call(**which, **members)
        except ParamValidationError:  # botocore's own, before anything is sent
            continue
        except ClientError as error:
            assert error.response["Error"]["Code"] in {
                "BadRequestException", "ConflictException", "NotFoundException", "NotImplemented",
            }, error  # fmt: skip
