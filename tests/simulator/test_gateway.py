"""The one door: who is let in, to what, and how the others are turned away."""

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pkilab.ca_hierarchy import admit_private_ca, open_crls
from pkilab.errors import LabClosedError, LabError
from pkilab.simulator.gateway import Gateway
from pkilab.simulator.place import SimulatedPlace
from pkilab.simulator.service import HttpRequest
from pkilab.simulator.world import World

OWNER, OTHER, BUCKET = "111122223333", "444455556666", "lab-bucket"
AT_S3 = "https://s3.us-east-1.amazonaws.com"
VIRTUAL = f"https://{BUCKET}.s3.us-east-1.amazonaws.com"


@pytest.fixture
def place():
    """A world of two accounts with its clients."""
    place = SimulatedPlace(World(seed="gateway", accounts={"owner": OWNER, "other": OTHER}))
    yield place
    place.close()


@pytest.fixture
def s3(place):
    """The owner's client, and a bucket with AWS's defaults."""
    client = place.client("s3", "owner", "us-east-1")
    client.create_bucket(Bucket=BUCKET)
    client.put_object(Bucket=BUCKET, Key="crl/a", Body=b"body", ContentType="text/plain")
    return client


def ask(place, method, url, body=b"", **headers):
    """Send a request past every client."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return place.gateway.handle(HttpRequest(method, url, given, body))


def signed(place, service, *, alias="owner", key=None):
    """An Authorization header; the signature is anything."""
    key = key or place.gateway.credentials[alias].access_key_id
    scope = f"{key}/20260105/us-east-1/{service}/aws4_request"
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"


def code(response):
    """The code in an XML error."""
    return response.body.decode().partition("<Code>")[2].partition("</Code>")[0]


def test_the_key_decides_the_account_and_the_scope_the_service(place):
    """No signature is checked, and no other service answers for it."""
    for alias, account in (("owner", OWNER), ("other", OTHER)):
        answer = ask(
            place, "POST", "https://sts.amazonaws.com/",
            b"Action=GetCallerIdentity&Version=2011-06-15",
            authorization=signed(place, "sts", alias=alias),
            content_type="application/x-www-form-urlencoded",
        )  # fmt: skip
        assert answer.status == 200
        assert f"<Account>{account}</Account>" in answer.body.decode()


def test_a_key_of_no_account_is_refused_in_the_protocol_of_the_request(place):
    """JSON for JSON, XML for the others."""
    stranger = signed(place, "acm-pca", key="AKIAIOSFODNN7EXAMPLE")
    json_answer = ask(
        place, "POST", "https://acm-pca.us-east-1.amazonaws.com/", b"{}",
        authorization=stranger, content_type="application/x-amz-json-1.1",
    )  # fmt: skip
    assert json_answer.status == 400
    assert b'"__type": "UnrecognizedClientException"' in json_answer.body
    xml_answer = ask(place, "GET", AT_S3, authorization=signed(place, "s3", key="AKIANOBODY"))
    assert (xml_answer.status, code(xml_answer)) == (403, "InvalidAccessKeyId")


@pytest.mark.parametrize(
    ("service", "operation"),
    [("ec2", "describe_instances"), ("config", "describe_config_rules"),
     ("eks", "list_clusters"), ("cloudfront", "list_distributions")],
)  # fmt: skip
def test_a_service_that_is_not_modelled_is_refused_in_every_protocol(place, service, operation):
    """Query, JSON, REST JSON and REST XML: boto3 reads the code in each."""
    client = place.client(service, "owner", "us-east-1")
    with pytest.raises(ClientError, match="is not simulated by pkilab") as caught:
        getattr(client, operation)()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_what_moto_breaks_on_is_refused_as_not_simulated(place, s3):
    """Its exceptions are its own affair."""
    for method, url, body in (
        ("PUT", f"{AT_S3}/{BUCKET}?publicAccessBlock", b"<a"),
        ("POST", f"{AT_S3}/{BUCKET}?delete", b"\xff"),
        ("PUT", f"{AT_S3}/{BUCKET}?versioning", b"<b>"),
    ):
        answer = ask(place, method, url, body, authorization=signed(place, "s3"))
        assert 400 <= answer.status <= 501
    answer = ask(
        place, "POST", "https://iam.amazonaws.com/", b"Action=Frobnicate",
        authorization=signed(place, "iam"), content_type="application/x-www-form-urlencoded",
    )  # fmt: skip
    assert (answer.status, code(answer)) == (400, "InvalidAction")


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 100_000, b"[]", b"null", b"3"])
def test_a_body_that_is_no_json_object_is_a_serialization_error(place, body):
    """However it fails; an empty object is well."""

    def call(body):
        return ask(
            place, "POST", "https://acm-pca.us-east-1.amazonaws.com/", body,
            authorization=signed(place, "acm-pca"), content_type="application/x-amz-json-1.1",
            x_amz_target="ACMPrivateCA.ListCertificateAuthorities",
        )  # fmt: skip

    answer = call(body)
    assert answer.status == 400
    assert b'"__type": "SerializationException"' in answer.body
    assert call(b"{}").status == 200


def test_every_answer_has_a_request_id_of_its_own(place):
    """Refusals too."""
    ids = [ask(place, "GET", AT_S3).headers["x-amzn-requestid"] for _ in range(3)]
    assert len(set(ids)) == 3


# Objects that anyone may read


def read(place, path="crl/a", method="GET"):
    """Ask without credentials, by either address; both must answer the same."""
    answers = [ask(place, method, f"{base}/{path}") for base in (VIRTUAL, f"{AT_S3}/{BUCKET}")]
    assert answers[0].status == answers[1].status
    return answers[0]


def allow_acls(s3, *, ignored):
    s3.put_bucket_ownership_controls(
        Bucket=BUCKET, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    )
    block(s3, IgnorePublicAcls=ignored)


def block(s3, **changes):
    """Switch off all of Block Public Access but ``changes``."""
    names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    s3.put_public_access_block(
        Bucket=BUCKET,
        PublicAccessBlockConfiguration={name: changes.get(name, False) for name in names},
    )


def test_a_new_object_is_private(place, s3):
    """And one that is not there answers no differently, nor does a missing bucket."""
    assert (read(place).status, code(read(place))) == (403, "AccessDenied")
    assert read(place, "missing").status == 403
    assert ask(place, "GET", f"{AT_S3}/no-such-bucket/a").status == 403


def test_an_acl_opens_an_object_only_while_acls_count(place, s3):
    """Neither BucketOwnerEnforced nor IgnorePublicAcls may stand in the way."""
    allow_acls(s3, ignored=False)
    s3.put_object_acl(Bucket=BUCKET, Key="crl/a", ACL="public-read")
    assert read(place).body == b"body"
    allow_acls(s3, ignored=True)
    assert read(place).status == 403
    allow_acls(s3, ignored=False)
    s3.put_object_acl(Bucket=BUCKET, Key="crl/a", ACL="private")
    assert read(place).status == 403
    s3.put_object_acl(Bucket=BUCKET, Key="crl/a", ACL="public-read")
    s3.put_bucket_ownership_controls(
        Bucket=BUCKET, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    )
    assert read(place).status == 403


def test_a_policy_opens_what_it_names_unless_public_buckets_are_restricted(place, s3):
    """GET and HEAD of objects; nothing beside them."""
    admit_private_ca(s3, BUCKET, account=OWNER)
    open_crls(s3, BUCKET)
    s3.put_object(Bucket=BUCKET, Key="other", Body=b"private")
    answer = read(place)
    assert (answer.status, answer.body) == (200, b"body")
    assert answer.headers["content-type"] == "text/plain"
    head = read(place, method="HEAD")
    assert (head.status, head.headers["content-length"]) == (200, "4")
    assert read(place, "other").status == 403
    assert read(place, "other", "HEAD").status == 403
    block(s3, RestrictPublicBuckets=True)
    assert read(place).status == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "crl/new"), ("PUT", "crl/a"), ("DELETE", "crl/a"), ("POST", "crl/a"),
        ("OPTIONS", "crl/a"), ("GET", "crl/a?acl"), ("GET", "crl/a?tagging"),
        ("GET", "crl/a?versionId=null"), ("GET", ""), ("GET", "?list-type=2"), ("GET", "?policy"),
        ("GET", "crl/missing"), ("GET", "crl/../other"), ("GET", "crl/%2e%2e/other"),
    ],
)  # fmt: skip
def test_without_credentials_nothing_but_reading_an_object_is_possible(place, s3, method, path):
    """Even where the objects themselves are open."""
    admit_private_ca(s3, BUCKET, account=OWNER)
    open_crls(s3, BUCKET)
    s3.put_object(Bucket=BUCKET, Key="other", Body=b"private")
    assert read(place, path, method).status == 403
    assert read(place).body == b"body"
    listed = s3.list_objects_v2(Bucket=BUCKET)["Contents"]
    assert [entry["Key"] for entry in listed] == ["crl/a", "other"]


def test_an_object_behind_a_delete_marker_is_not_there(place, s3):
    """For anyone; its older version is not shown instead."""
    admit_private_ca(s3, BUCKET, account=OWNER)
    open_crls(s3, BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    assert read(place).status == 200
    s3.delete_object(Bucket=BUCKET, Key="crl/a")
    assert read(place).status == 403


def test_another_host_without_credentials_is_told_to_authenticate(place):
    """As AWS's own services do."""
    answer = ask(place, "GET", "https://acm-pca.us-east-1.amazonaws.com/")
    assert (answer.status, code(answer)) == (403, "MissingAuthenticationToken")


@pytest.mark.parametrize("kind", ["application/ocsp-request", "Application/OCSP-Request"])
def test_an_ocsp_request_needs_no_credentials_and_rubbish_is_malformed(place, kind):
    """RFC 6960: malformedRequest (1). Other posts are not taken for OCSP."""
    answer = ask(place, "POST", "http://127.0.0.1/", b"rubbish", content_type=kind)
    assert (answer.status, answer.body) == (200, b"\x30\x03\x0a\x01\x01")
    assert ask(place, "POST", "http://127.0.0.1/", b"x", content_type="text/plain").status == 403


# Presigned URLs


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_a_presigned_url_opens_its_account_in_both_versions(place, s3, version):
    """boto3 presigns by version 2 in us-east-1; a stranger's URL opens nothing."""

    def presigned(key_id):
        client = boto3.client(
            "s3", region_name="us-east-1", aws_access_key_id=key_id, aws_secret_access_key="x",
            config=Config(signature_version=version),
        )  # fmt: skip
        return client.generate_presigned_url(
            "get_object", Params={"Bucket": BUCKET, "Key": "crl/a"}
        )

    mine = place.gateway.credentials["owner"].access_key_id
    assert ask(place, "GET", presigned(mine)).body == b"body"
    stranger = ask(place, "GET", presigned("AKIAIOSFODNN7EXAMPLE"))
    assert (stranger.status, code(stranger)) == (403, "InvalidAccessKeyId")


# Any request


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(["GET", "HEAD", "PUT", "POST", "DELETE"]),
    path=st.text(st.characters(codec="utf-8", exclude_characters="\r\n\t"), max_size=30),
    service=st.sampled_from([None, "s3", "sts", "iam", "acm-pca", "nothing"]),
    kind=st.sampled_from(["", "application/x-amz-json-1.1", "application/x-www-form-urlencoded"]),
    body=st.binary(max_size=40),
)
def test_any_request_is_answered(place, method, path, service, kind, body):
    """With a status and bytes; no exception of ours or moto's gets out."""
    headers = {"content_type": kind} if kind else {}
    if service:
        headers["authorization"] = signed(place, service)
    answer = ask(place, method, f"{AT_S3}/{path}", body, **headers)
    assert 200 <= answer.status <= 599
    assert isinstance(answer.body, bytes)


# Closing


def test_a_closed_gateway_answers_nothing_and_moto_is_given_back():
    """Another world can be opened at once."""
    gateway = Gateway(World(seed="first"))
    gateway.close()
    with pytest.raises(LabClosedError):
        gateway.handle(HttpRequest("GET", AT_S3, {}, b""))
    second = Gateway(World(seed="second"))
    with pytest.raises(LabError, match="one at a time"):
        World(seed="third")
    second.close()


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        ("eks", "list_clusters", {}),
        ("apigateway", "get_api_keys", {}),
        ("guardduty", "list_detectors", {}),
        ("cloudfront", "list_distributions", {}),
        ("autoscaling", "describe_tags", {}),
        ("ssm", "list_documents", {}),
        ("s3control", "list_jobs", {"AccountId": "111122223333"}),
    ],
)
def test_a_service_outside_the_model_is_refused_in_its_own_protocol(
    lab, service, operation, arguments
):
    """REST-JSON, REST-XML, query and JSON 1.1: the same code, readable by boto3."""
    with pytest.raises(ClientError, match="not simulated by pkilab") as caught:
        getattr(lab.client(service), operation)(**arguments)
    assert caught.value.response["Error"]["Code"] == "NotImplemented"


def test_a_mistake_of_the_simulator_is_an_internal_failure_and_is_logged(lab, monkeypatch, caplog):
    """AWS's answer for the caller, the traceback for whoever maintains it."""

    def broken(*_args):
        raise KeyError("a mistake")

    pca = lab.client("acm-pca", region="eu-west-1")
    monkeypatch.setattr(type(lab._place.gateway._services["acm-pca"]), "respond", broken)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)  # botocore tries a 500 again
    with pytest.raises(ClientError, match="InternalFailure"):
        pca.list_certificate_authorities()
    assert "a mistake" in caplog.text


def test_a_url_that_cannot_be_read_is_a_bad_request(lab):
    """Rather than a traceback."""
    answer = lab._place.gateway.handle(HttpRequest("GET", "http://[/", {}, b""))
    assert answer.status == 400
    assert b"InvalidRequest" in answer.body
