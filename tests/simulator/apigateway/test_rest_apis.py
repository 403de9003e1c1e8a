"""REST APIs and the first generation's view of custom domain names, through boto3."""

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pkilab import ca_hierarchy, functions, mutual_tls
from pkilab.pki import pem

FUNCTION = "arn:aws:lambda:us-east-1:111122223333:function:f"
URI = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{FUNCTION}/invocations"
NAME = "api.rest.example"


@pytest.fixture
def rest(lab):
    return lab.client("apigateway")


@pytest.fixture
def api(rest):
    """An API with GET / in front of a function; its id, and where its root is."""
    made = rest.create_rest_api(name="a", endpointConfiguration={"types": ["REGIONAL"]})
    where = {"restApiId": made["id"], "resourceId": made["rootResourceId"]}
    rest.put_method(**where, httpMethod="GET", authorizationType="NONE")
    rest.put_integration(
        **where, httpMethod="GET", type="AWS_PROXY", integrationHttpMethod="POST", uri=URI
    )
    return where


def refused(code, call, **members):
    """Call what must be refused; return the message."""
    with pytest.raises(ClientError) as caught:
        call(**members)
    assert caught.value.response["Error"]["Code"] == code, caught.value
    return caught.value.response["Error"]["Message"]


def test_an_api_is_described_as_it_was_made(rest, api, lab):
    """And by nobody else, nowhere else."""
    found = rest.get_rest_api(restApiId=api["restApiId"])
    assert (found["name"], found["rootResourceId"]) == ("a", api["resourceId"])
    assert [each["id"] for each in rest.get_rest_apis()["items"]] == [api["restApiId"]]
    other = lab.client("apigateway", account="consumer")
    message = refused("NotFoundException", other.get_rest_api, restApiId=api["restApiId"])
    assert message == f"Invalid API identifier specified 444455556666:{api['restApiId']}"
    assert lab.client("apigateway", region="eu-west-1").get_rest_apis()["items"] == []


def test_resources_make_a_tree(rest, api):
    """Paths are joined, names are unique, and a branch goes with its root."""
    one = rest.create_resource(
        restApiId=api["restApiId"], parentId=api["resourceId"], pathPart="pets"
    )
    two = rest.create_resource(restApiId=api["restApiId"], parentId=one["id"], pathPart="{id}")
    assert (one["path"], two["path"]) == ("/pets", "/pets/{id}")
    again = {"restApiId": api["restApiId"], "parentId": api["resourceId"], "pathPart": "pets"}
    refused("ConflictException", rest.create_resource, **again)
    for part in ("a/b", "{a", "", "{a+}x"):
        refused("BadRequestException", rest.create_resource, **{**again, "pathPart": part})
    listed = rest.get_resources(restApiId=api["restApiId"])["items"]
    assert [each["path"] for each in listed] == ["/", "/pets", "/pets/{id}"]
    rest.delete_resource(restApiId=api["restApiId"], resourceId=one["id"])
    assert len(rest.get_resources(restApiId=api["restApiId"])["items"]) == 1
    refused("BadRequestException", rest.delete_resource, **api)


def test_methods_and_integrations_are_kept(rest, api):
    """Once each, and shown with the resource that has them."""
    where = {**api, "httpMethod": "GET"}
    assert rest.get_method(**where)["methodIntegration"]["uri"] == URI
    refused("ConflictException", rest.put_method, **where, authorizationType="NONE")
    refused("NotFoundException", rest.get_method, **{**where, "httpMethod": "POST"})
    embedded = rest.get_resource(**api, embed=["methods"])["resourceMethods"]
    assert embedded["GET"]["methodIntegration"]["type"] == "AWS_PROXY"
    assert rest.get_resource(**api)["resourceMethods"] == {"GET": {}}
    rest.delete_integration(**where)
    refused("NotFoundException", rest.get_integration, **where)


@pytest.mark.parametrize(
    ("integration", "code"),
    [
        ({"type": "AWS_PROXY", "integrationHttpMethod": "GET", "uri": URI}, "BadRequestException"),
        ({"type": "AWS_PROXY", "integrationHttpMethod": "POST", "uri": "x"}, "BadRequestException"),
        ({"type": "HTTP_PROXY", "uri": "https://example.com/"}, "NotImplemented"),
        ({"type": "MOCK", "requestTemplates": {"application/json": "#set($x)"}}, "NotImplemented"),
        ({"type": "MOCK", "timeoutInMillis": 30_000}, "BadRequestException"),
    ],
)  # fmt: skip
def test_an_integration_that_could_not_work_is_refused(rest, api, integration, code):
    """By AWS's rule, or as not simulated."""
    refused(code, rest.put_integration, **api, httpMethod="GET", **integration)


def test_a_stage_serves_what_was_deployed(rest, api):
    """A deployment needs methods, each with an integration, and a stage needs a deployment."""
    empty = rest.create_rest_api(name="b")["id"]
    message = refused("BadRequestException", rest.create_deployment, restApiId=empty)
    assert message == "The REST API doesn't contain any methods"
    rest.put_method(**api, httpMethod="POST", authorizationType="NONE")
    message = refused("BadRequestException", rest.create_deployment, restApiId=api["restApiId"])
    assert message == "No integration defined for method"
    rest.delete_method(**api, httpMethod="POST")
    one = rest.create_deployment(restApiId=api["restApiId"], stageName="v1")["id"]
    two = rest.create_deployment(restApiId=api["restApiId"])["id"]
    stage = {"restApiId": api["restApiId"], "stageName": "v1"}
    assert rest.get_stage(**stage)["deploymentId"] == one
    patch = [
        {"op": "replace", "path": "/deploymentId", "value": two},
        {"op": "replace", "path": "/variables/colour", "value": "red"},
    ]
    changed = rest.update_stage(**stage, patchOperations=patch)
    assert (changed["deploymentId"], changed["variables"]) == (two, {"colour": "red"})
    which = {"restApiId": api["restApiId"], "deploymentId": two}
    refused("BadRequestException", rest.delete_deployment, **which)
    rest.delete_stage(**stage)
    rest.delete_deployment(**which)
    refused("NotFoundException", rest.create_stage, **stage, deploymentId=two)


def test_a_patch_of_what_cannot_be_patched_says_what_can(rest, api):
    """Naming path and operation."""
    for patch in (
        {"op": "replace", "path": "/colour", "value": "red"},
        {"op": "remove", "path": "/name"},
    ):
        message = refused(
            "BadRequestException", rest.update_rest_api,
            restApiId=api["restApiId"], patchOperations=[patch],
        )  # fmt: skip
        assert message.startswith(f"Invalid patch path '{patch['path']}' specified for op ")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"type": "TOKEN"}, "NotImplemented"),
        ({"authorizerUri": FUNCTION}, "BadRequestException"),
        ({"identitySource": "method.request.body.x"}, "BadRequestException"),
        ({"identitySource": ""}, "BadRequestException"),
        ({"authorizerResultTtlInSeconds": 3601}, "BadRequestException"),
    ],
)
def test_an_authorizer_that_could_not_work_is_refused(rest, api, change, code):
    """And one that could is kept until no method uses it."""
    well = {"name": "j", "type": "REQUEST", "authorizerUri": URI,
            "identitySource": "context.identity.clientCert.serialNumber"}  # fmt: skip
    which = {"restApiId": api["restApiId"]}
    refused(code, rest.create_authorizer, **which, **{**well, **change})
    made = rest.create_authorizer(**which, **well)
    assert made["authorizerResultTtlInSeconds"] == 300
    refused("ConflictException", rest.create_authorizer, **which, **well)
    custom = {"authorizationType": "CUSTOM", "authorizerId": made["id"]}
    rest.put_method(**api, httpMethod="PUT", **custom)
    refused("ConflictException", rest.delete_authorizer, **which, authorizerId=made["id"])
    rest.delete_method(**api, httpMethod="PUT")
    rest.delete_authorizer(**which, authorizerId=made["id"])


@pytest.fixture
def site(lab):
    """What a domain name with mutual TLS needs: a certificate, a CA, a truststore."""
    acm, route53, s3, pca = (lab.client(name) for name in ("acm", "route53", "s3", "acm-pca"))
    zone = route53.create_hosted_zone(Name="rest.example", CallerReference="x")
    arn = mutual_tls.request_public_certificate(acm, route53, NAME, zone["HostedZone"]["Id"])
    root = ca_hierarchy.create_root(pca, {"CommonName": "Root"})
    installed = pca.get_certificate_authority_certificate(CertificateAuthorityArn=root)
    certificate = pem.load_certificate(installed["Certificate"])
    s3.create_bucket(Bucket="rest-truststore")
    s3.put_bucket_versioning(
        Bucket="rest-truststore", VersioningConfiguration={"Status": "Enabled"}
    )
    return arn, lambda: mutual_tls.upload_truststore(s3, "rest-truststore", [certificate])


def domain(arn, store):
    return {
        "domainName": NAME,
        "regionalCertificateArn": arn,
        "endpointConfiguration": {"types": ["REGIONAL"]},
        "securityPolicy": "TLS_1_2",
        "mutualTlsAuthentication": {
            "truststoreUri": store.uri, "truststoreVersion": store.version,
        },
    }  # fmt: skip


def test_a_domain_name_is_one_for_both_generations(rest, lab, site):
    """Made by one, seen, changed and deleted by the other."""
    arn, upload = site
    made = rest.create_domain_name(**domain(arn, upload()))
    assert made["domainNameStatus"] == "AVAILABLE"
    seen = lab.client("apigatewayv2").get_domain_name(DomainName=NAME)
    assert (
        seen["MutualTlsAuthentication"]["TruststoreVersion"]
        == (made["mutualTlsAuthentication"]["truststoreVersion"])
    )
    newer = upload()
    version = {
        "op": "replace", "path": "/mutualTlsAuthentication/truststoreVersion",
        "value": newer.version,
    }  # fmt: skip
    changed = rest.update_domain_name(domainName=NAME, patchOperations=[version])
    assert changed["mutualTlsAuthentication"]["truststoreVersion"] == newer.version
    off = {"op": "replace", "path": "/mutualTlsAuthentication/truststoreUri", "value": ""}
    ended = rest.update_domain_name(domainName=NAME, patchOperations=[off])
    assert "mutualTlsAuthentication" not in ended
    assert [each["domainName"] for each in rest.get_domain_names()["items"]] == [NAME]
    rest.delete_domain_name(domainName=NAME)
    refused("NotFoundException", rest.get_domain_name, domainName=NAME)


def test_an_edge_optimised_domain_name_is_refused(rest, site):
    """Mutual TLS is for Regional ones, and the lab has no others."""
    arn, upload = site
    wanted = {**domain(arn, upload()), "endpointConfiguration": {"types": ["EDGE"]}}
    with pytest.raises(ClientError, match=r"EDGE|[Mm]utual TLS"):
        rest.create_domain_name(**wanted)


def test_base_paths_lead_to_stages(rest, api, site):
    """One each; the empty one is written (none)."""
    arn, upload = site
    rest.create_domain_name(**domain(arn, upload()))
    rest.create_deployment(restApiId=api["restApiId"], stageName="v1")
    mapping = {"domainName": NAME, "restApiId": api["restApiId"], "stage": "v1"}
    assert rest.create_base_path_mapping(**mapping)["basePath"] == "(none)"
    rest.create_base_path_mapping(**mapping, basePath="pets")
    refused("ConflictException", rest.create_base_path_mapping, **mapping, basePath="pets")
    refused("BadRequestException", rest.create_base_path_mapping, **mapping, basePath="a/b")
    nowhere = {**mapping, "stage": "v2"}
    refused("BadRequestException", rest.create_base_path_mapping, **nowhere, basePath="x")
    listed = rest.get_base_path_mappings(domainName=NAME)["items"]
    assert [each["basePath"] for each in listed] == ["(none)", "pets"]
    refused("BadRequestException", rest.delete_rest_api, restApiId=api["restApiId"])
    for each in listed:
        rest.delete_base_path_mapping(domainName=NAME, basePath=each["basePath"])
    rest.delete_rest_api(restApiId=api["restApiId"])


def test_tags_are_kept_on_apis_stages_and_domain_names(rest, api):
    """And nowhere else."""
    arn = f"arn:aws:apigateway:us-east-1::/restapis/{api['restApiId']}"
    rest.tag_resource(resourceArn=arn, tags={"a": "b", "c": "d"})
    rest.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert rest.get_tags(resourceArn=arn)["tags"] == {"c": "d"}
    refused("NotFoundException", rest.get_tags, resourceArn=f"{arn}/nothing/here")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(max_size=9), part=st.text(max_size=9), path=st.text(max_size=9))
def test_whatever_is_asked_is_answered_or_refused(rest, api, name, part, path):
    """By a code of the model's."""
    patch = {"op": "replace", "path": path, "value": name}
    for call, members in (
        (rest.create_rest_api, {"name": name}),
        (rest.create_resource, {"restApiId": api["restApiId"], "parentId": api["resourceId"],
                                "pathPart": part}),
        (rest.update_rest_api, {"restApiId": api["restApiId"], "patchOperations": [patch]}),
        (rest.create_deployment, {"restApiId": api["restApiId"], "stageName": name}),
    ):  # fmt: skip
        try:
            call(**members)
        except ClientError as error:
            assert error.response["Error"]["Code"] in {
                "BadRequestException", "ConflictException", "NotFoundException",
            }  # fmt: skip


def test_functions_are_named_as_the_workflow_names_them(lab, rest, api):
    """A function that exists answers through the API that the calls above made."""
    role = functions.create_role(lab.client("iam"), "r")
    package = functions.package({"index.py": "def handler(e, c): return {'statusCode': 204}"})
    functions.deploy(lab.client("lambda"), "f", package, role=role)
    functions.allow_api(lab.client("lambda"), "f", api["restApiId"])
    rest.create_deployment(restApiId=api["restApiId"], stageName="v1")
    url = f"https://{api['restApiId']}.execute-api.us-east-1.amazonaws.com/v1/"
    assert lab.fetch(url).status == 204
