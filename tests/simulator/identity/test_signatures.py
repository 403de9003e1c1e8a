"""Signatures, held against AWS's published examples and against botocore's."""

from contextlib import suppress
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from botocore.config import Config
from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.identity.signatures import verify
from pkilab.simulator.inprocess import _request
from pkilab.simulator.service import AwsError, HttpRequest

# The Signature Version 4 Test Suite (aws-sig-v4-test-suite).
SUITE_SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
# Amazon S3 API Reference and User Guide, the examples of both versions.
S3_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
SUITE = "AKIDEXAMPLE/20150830/us-east-1/service/aws4_request"
S3 = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"
BUCKET = "https://examplebucket.s3.amazonaws.com"


def authorization(credential, headers, signature):
    return (
        f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={headers}, Signature={signature}"
    )


def suite(method, target, signature, body=b"", **headers):
    """Return a request of the test suite."""
    named = {"host": "example.amazonaws.com", "x-amz-date": "20150830T123600Z"}
    named |= {key.replace("_", "-"): value for key, value in headers.items()}
    names = ";".join(sorted(named))
    named["authorization"] = authorization(SUITE, names, signature)
    return HttpRequest(method, f"https://example.amazonaws.com{target}", named, body)


def s3_get(target, signature, **headers):
    """Return a GET of the S3 API Reference."""
    named = {
        "host": "examplebucket.s3.amazonaws.com",
        "x-amz-content-sha256": EMPTY,
        "x-amz-date": "20130524T000000Z",
        **headers,
    }
    names = ";".join(sorted(named))
    named["authorization"] = authorization(S3, names, signature)
    return HttpRequest("GET", BUCKET + target, named, b"")


PUBLISHED = {
    "get-vanilla": suite(
        "GET", "/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    ),
    "get-vanilla-query-order-key-case": suite(
        "GET", "/?Param2=value2&Param1=value1",
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ),
    "post-vanilla": suite(
        "POST", "/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
    ),
    "post-x-www-form-urlencoded": suite(
        "POST", "/", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        b"Param1=value1", content_type="application/x-www-form-urlencoded",
    ),
    "s3 GET Object": s3_get(
        "/test.txt", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        range="bytes=0-9",
    ),
    "s3 GET Bucket Lifecycle": s3_get(
        "/?lifecycle", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
    ),
    "s3 Get Bucket (List Objects)": s3_get(
        "/?max-keys=2&prefix=J", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
    ),
    "s3 presigned URL": HttpRequest(
        "GET",
        f"{BUCKET}/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        f"&X-Amz-Credential={S3.replace('/', '%2F')}&X-Amz-Date=20130524T000000Z"
        "&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature="
        "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
        {"host": "examplebucket.s3.amazonaws.com"},
        b"",
    ),
    "s3 version 2 query string": HttpRequest(
        "GET",
        "https://johnsmith.s3.us-west-1.amazonaws.com/photos/puppy.jpg"
        "?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D"
        "&Expires=1175139620",
        {"host": "johnsmith.s3.us-west-1.amazonaws.com"},
        b"",
    ),
}  # fmt: skip


def secret_of(name):
    return S3_SECRET if name.startswith("s3") else SUITE_SECRET


@pytest.mark.parametrize("name", PUBLISHED)
def test_what_aws_has_published_is_verified(name):
    """In headers, in URLs, and in URLs of version 2."""
    verify(PUBLISHED[name], secret_of(name))


@pytest.mark.parametrize("name", PUBLISHED)
def test_nothing_of_it_can_be_changed(name):
    """Not the method, the path, the query, nor the key that it was made with."""
    request = PUBLISHED[name]
    parts = urlsplit(request.url)
    spoilt = [
        replace(request, method="DELETE"),
        replace(request, url=parts._replace(path="/other").geturl()),
        replace(request, url=request.url.replace("s3.", "s4.").replace("value2", "value3") + "x"),
        request,
    ]
    for each, secret in zip(spoilt, [*[secret_of(name)] * 3, "other"], strict=True):
        if each.url == request.url + "x" and "version 2" in name:
            continue  # version 2 signs of the query only what it names
        with pytest.raises(AwsError) as caught:
            verify(each, secret)
        assert caught.value.code.startswith(("SignatureDoesNotMatch", "InvalidSignature"))


@pytest.fixture
def sent(lab):
    """A function that returns the request that boto3 sends for an operation, and its secret."""

    def send(service, operation, region="us-east-1", **members):
        found = []
        client = lab.client(service, region=region)

        def catch(request, **_):
            found.append(_request(request))

        client.meta.events.register_first("before-send", catch)
        with suppress(client.exceptions.ClientError):  # what it is answered is not the matter
            getattr(client, operation)(**members)
        return found[-1], client._request_signer._credentials.secret_key

    return send


REQUESTS = [
    ("acm", "list_certificates", {}),
    ("acm-pca", "list_certificate_authorities", {"MaxResults": 3}),
    ("sts", "get_caller_identity", {}),
    ("iam", "list_users", {"PathPrefix": "/a b/"}),
    ("lambda", "get_function", {"FunctionName": "111122223333:function:f"}),
    ("route53", "list_hosted_zones", {"MaxItems": "3"}),
    ("apigateway", "get_rest_apis", {"limit": 3}),
    ("s3", "put_object", {"Bucket": "b", "Key": "a b/+~é.txt", "Body": b"hello"}),
    ("s3", "list_objects_v2", {"Bucket": "b", "Prefix": "a b+c", "Delimiter": "/"}),
    ("s3", "get_object", {"Bucket": "b", "Key": "..//x"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("service", "operation", "members"), REQUESTS, ids=[f"{a} {b}" for a, b, _ in REQUESTS]
)
def test_what_boto3_signs_is_verified_in_every_protocol(sent, service, operation, members):
    """JSON, query, REST JSON, REST XML and S3; with the right secret alone."""
    request, secret = sent(service, operation, **members)
    verify(request, secret)
    with pytest.raises(AwsError) as caught:
        verify(request, secret[::-1])
    codes = {"SignatureDoesNotMatch", "InvalidSignatureException"}
    assert caught.value.code in codes
    with pytest.raises(AwsError):
        verify(replace(request, body=request.body + b"x", method="PATCH"), secret)


def test_a_refusal_is_in_the_services_code(sent):
    """JSON answers 400, the others 403."""
    expected = {
        ("acm", "list_certificates"): ("InvalidSignatureException", 400),
        ("sts", "get_caller_identity"): ("SignatureDoesNotMatch", 403),
        ("s3", "list_buckets"): ("SignatureDoesNotMatch", 403),
        ("lambda", "list_functions"): ("InvalidSignatureException", 403),
    }
    for (service, operation), answer in expected.items():
        request, _ = sent(service, operation)
        with pytest.raises(AwsError, match="The request signature we calculated") as caught:
            verify(request, "other")
        assert (caught.value.code, caught.value.status) == answer


@pytest.mark.parametrize("version", ["s3v4", "s3"])
@pytest.mark.parametrize("style", ["path", "virtual"])
def test_what_boto3_presigns_is_verified(lab, version, style):
    """By both versions; another object's URL is not."""
    gateway = lab._place.gateway
    import boto3

    secret = gateway.credentials["owner"].secret_access_key
    client = boto3.client(
        "s3",
        region_name="eu-west-1",
        aws_access_key_id=gateway.credentials["owner"].access_key_id,
        aws_secret_access_key=secret,
        aws_session_token="token/+=",
        config=Config(signature_version=version, s3={"addressing_style": style}),
    )
    members = {"Bucket": "bucket", "Key": "a b/é", "VersionId": "7"}
    url = client.generate_presigned_url("get_object", members)
    verify(HttpRequest("GET", url, {}, b""), secret)
    for wrong in (url.replace("a%20b", "a%20c"), url.replace("versionId=7", "versionId=8")):
        with pytest.raises(AwsError, match="SignatureDoesNotMatch"):
            verify(HttpRequest("GET", wrong, {}, b""), secret)
    with pytest.raises(AwsError, match="SignatureDoesNotMatch"):
        verify(HttpRequest("PUT", url, {}, b""), secret)


def test_the_bodys_digest_must_be_its_own():
    """S3 says so in a code of its own."""
    request = replace(PUBLISHED["s3 GET Object"], body=b"other")
    with pytest.raises(AwsError) as caught:
        verify(request, S3_SECRET)
    assert caught.value.code == "XAmzContentSHA256Mismatch"


@pytest.mark.parametrize(
    ("header", "value", "code"),
    [
        (
            "authorization",
            "AWS AKIAIOSFODNN7EXAMPLE:frJIUN8DYpKDtOLCwo//yllqDzg=",
            "NotImplemented",
        ),
        ("authorization", "AWS4-ECDSA-P256-SHA256 Credential=x", "NotImplemented"),
        ("authorization", "AWS4-HMAC-SHA256 Credential=x", "IncompleteSignatureException"),
        ("authorization", "", "NotImplemented"),
        ("x-amz-date", "yesterday", "IncompleteSignatureException"),
        ("x-amz-date", "20150831T123600Z", "InvalidSignatureException"),
        ("x-amz-security-token", "unsigned", "AccessDenied"),
    ],
)
def test_what_cannot_be_checked_is_refused(header, value, code):
    """Another kind of signature, half of one, another day's, or a header that it leaves out."""
    request = PUBLISHED["get-vanilla"]
    with pytest.raises(AwsError) as caught:
        verify(replace(request, headers={**request.headers, header: value}), SUITE_SECRET)
    assert caught.value.code == code


def test_the_host_must_be_signed_and_what_is_signed_be_there():
    """Whatever the signature is worth."""
    request = PUBLISHED["get-vanilla"]
    for names in ("x-amz-date", "host;x-amz-date;x-more"):
        text = authorization(SUITE, names, "0" * 64)
        with pytest.raises(AwsError) as caught:
            verify(replace(request, headers={**request.headers, "authorization": text}), "s")
        assert caught.value.code == "InvalidSignatureException"


def test_chunks_that_are_signed_are_refused():
    """They would have to be checked one by one."""
    request = PUBLISHED["s3 GET Object"]
    headers = {**request.headers, "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}
    with pytest.raises(AwsError, match="NotImplemented"):
        verify(replace(request, headers=headers), S3_SECRET)


@given(
    st.dictionaries(
        st.sampled_from(["authorization", "x-amz-date", "host", "x-amz-content-sha256"]),
        st.text(st.characters(codec="ascii", exclude_categories=("Cc",)), max_size=30)
        | st.just(f"AWS4-HMAC-SHA256 Credential={SUITE}, SignedHeaders=host, Signature={EMPTY}"),
    ),
    st.text("?&=%/X-AmzSignature0", max_size=30),
)
def test_only_declared_errors_leave(headers, query):
    """Whatever the request is."""
    with pytest.raises(AwsError):
        verify(HttpRequest("GET", f"https://example.amazonaws.com/?{query}", headers, b""), "s")
