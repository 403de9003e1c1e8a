"""Requests that are written so that IAM is asked about one thing and another is done."""

import json

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pkilab import Lab
from pkilab.simulator.access.catalogue import SERVICES
from pkilab.simulator.service import HttpRequest, service_model

MAIN = "111122223333"
S3 = "https://s3.us-east-1.amazonaws.com"
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def lab():
    """Open a lab in which policies are enforced."""
    with Lab.simulated(seed="evasions", enforce_policies=True) as opened:
        yield opened


@pytest.fixture
def key(lab):
    """Return what makes a user with an inline policy, and the user's access key."""

    def make(*statements):
        iam = lab.client("iam")
        iam.create_user(UserName="u")
        whole = [{"Effect": "Allow", "Resource": "*", **each} for each in statements]
        text = json.dumps({"Version": "2012-10-17", "Statement": whole})
        iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=text)
        made = iam.create_access_key(UserName="u")["AccessKey"]
        return Credentials(made["AccessKeyId"], made["SecretAccessKey"])

    return make


@pytest.fixture
def send(lab):
    """Return what signs a request as it stands, or another of the same canonical form."""

    def sent(key, method, url, body=b"", headers=None, *, service="s3", signed=None):
        request = AWSRequest(method, signed or url, headers=headers or {}, data=body)
        signer = S3SigV4Auth if service == "s3" else SigV4Auth
        signer(key, service, "us-east-1").add_auth(request)
        found = {
            name.lower(): value.decode() if isinstance(value, bytes) else value
            for name, value in request.prepare().headers.items()
        }
        return lab._place.gateway.handle(HttpRequest(method, url, found, body))

    return sent


@pytest.fixture
def bucket(lab):
    """A versioned bucket with an object for the user and a secret one."""
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="lab-bucket")
    s3.put_bucket_versioning(Bucket="lab-bucket", VersioningConfiguration={"Status": "Enabled"})
    for name in ("open", "secret", "lab-bucket/open"):
        s3.put_object(Bucket="lab-bucket", Key=name, Body=name.encode())
    return s3


def test_a_presigned_url_is_no_signature_for_another_service(lab, send, bucket):
    """Its holder names IAM in a header, and puts a form into the body that nobody signed."""
    del send, bucket
    admin = lab._place.gateway.credentials["main"]
    request = AWSRequest("PUT", f"{S3}/lab-bucket/k")
    signer = Credentials(admin.access_key_id, admin.secret_access_key)
    S3SigV4QueryAuth(signer, "s3", "us-east-1").add_auth(request)
    url = request.prepare().url
    scope = f"{admin.access_key_id}/20260101/us-east-1/iam/aws4_request"
    header = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={'0' * 64}"
    headers = {"host": "s3.us-east-1.amazonaws.com"}
    body = b"Action=CreateAccessKey&UserName=learner&Version=2010-05-08"
    answer = lab._place.gateway.handle
    assert answer(HttpRequest("PUT", url, headers, b"as it was meant")).status == 200
    refused = answer(HttpRequest("PUT", url, {**headers, **FORM, "authorization": header}, body))
    assert refused.status == 400
    assert b"Only one auth mechanism allowed" in refused.body


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/lab-bucket?policy=x"),
        ("GET", "/lab-bucket?versions=x"),
        ("PUT", "/lab-bucket?tagging=x"),
        ("GET", "/lab-bucket/open?acl=x"),
        ("GET", "/lab-bucket/open?attributes"),
        ("DELETE", "/lab-bucket/open?tagging=x"),
    ],
)
def test_a_subresource_with_a_value_is_still_one(key, send, bucket, method, target):
    """As S3 takes it, and moto."""
    user = key({"Action": ["s3:GetObject", "s3:DeleteObject", "s3:ListBucket", "s3:CreateBucket"]})
    answer = send(user, method, S3 + target)
    assert (answer.status, b"not authorized to perform: s3:" in answer.body) == (403, True)
    assert send(user, "GET", f"{S3}/lab-bucket/open").body == b"open"


@pytest.mark.parametrize(
    ("method", "target", "code"),
    [
        ("GET", "/lab-bucket?prefix=secret&prefix=open", "InvalidArgument"),
        ("GET", "/lab-bucket/open?acl&tagging", "InvalidArgument"),
        ("PUT", "/lab-bucket/open?tagging&uploadId=1&partNumber=1", "InvalidArgument"),
        ("POST", "/lab-bucket/open?select&select-type=2&uploads", "InvalidArgument"),
        ("PUT", "/lab-bucket?inventory", "InvalidArgument"),
        ("GET", "//lab-bucket/open", "InvalidBucketName"),
        ("GET", "/lab-bucket%2Fsecret", "InvalidBucketName"),
        ("GET", "/lab-bucket;x/secret", "InvalidBucketName"),
    ],
)
def test_what_moto_could_read_otherwise_is_refused(key, send, bucket, method, target, code):
    """A user who may do everything meets no other operation than was asked for."""
    everything = key({"Action": "s3:*"})
    signed = S3 + target.replace("%2F", "/").replace(";", "%3B")
    answer = send(everything, method, S3 + target, signed=signed)
    assert f"<Code>{code}</Code>".encode() in answer.body


def test_a_form_or_json_body_names_no_version(key, send, bucket):
    """S3's parameters are in the URL."""
    listed = bucket.list_object_versions(Bucket="lab-bucket", Prefix="open")["Versions"]
    version = listed[0]["VersionId"]
    user = key({"Action": "s3:DeleteObject"})
    for body, headers in ((f"versionId={version}", FORM), (f'{{"versionId": "{version}"}}', {})):
        url = f"{S3}/lab-bucket/open"
        assert send(user, "DELETE", url, body.encode(), headers).status == 204
    assert bucket.get_object(Bucket="lab-bucket", Key="open", VersionId=version)["Body"]
    answer = send(user, "DELETE", f"{S3}/lab-bucket/open?versionId={version}")
    assert b"not authorized to perform: s3:DeleteObjectVersion" in answer.body


def test_a_form_is_an_object_like_any_other(key, send, bucket):
    """What is put is kept octet by octet, whatever it says of itself."""
    user = key({"Action": "s3:PutObject"})
    body = b"key=other&file=x"
    assert send(user, "PUT", f"{S3}/lab-bucket/form", body, FORM).status == 200
    assert bucket.get_object(Bucket="lab-bucket", Key="form")["Body"].read() == body


@pytest.mark.parametrize("tail", [";x", "%23x"])
def test_a_copys_source_is_what_it_says_to_the_end(key, send, bucket, tail):
    """moto would lose what comes after a semicolon."""
    user = key(
        {"Action": "s3:*"},
        {
            "Effect": "Deny",
            "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::lab-bucket/secret",
        },
    )
    source = {"x-amz-copy-source": f"lab-bucket/secret{tail}"}
    assert b"NoSuchKey" in send(user, "PUT", f"{S3}/lab-bucket/copy", headers=source).body
    bucket.put_object(Bucket="lab-bucket", Key="secret;x", Body=b"another")
    bucket.put_object(Bucket="lab-bucket", Key="secret#x", Body=b"another")
    assert send(user, "PUT", f"{S3}/lab-bucket/copy", headers=source).status == 200
    assert bucket.get_object(Bucket="lab-bucket", Key="copy")["Body"].read() == b"another"


def test_a_part_goes_to_the_object_of_its_upload(key, send, bucket):
    """And to no other that its sender may write to."""
    upload = bucket.create_multipart_upload(Bucket="lab-bucket", Key="secret")["UploadId"]
    user = key({"Action": "s3:PutObject", "Resource": "arn:aws:s3:::lab-bucket/open"})
    url = f"{S3}/lab-bucket/open?uploadId={upload}&partNumber=1"
    assert b"<Code>NoSuchUpload</Code>" in send(user, "PUT", url, b"x").body
    part = {"Bucket": "lab-bucket", "Key": "secret", "UploadId": upload, "PartNumber": 1}
    assert bucket.upload_part(**part, Body=b"x")["ETag"]


def test_deletions_in_another_encoding_are_refused(key, send, bucket):
    """moto would heed what the XML says of itself, and read other letters."""
    user = key({"Action": "s3:*"})
    url = f"{S3}/lab-bucket?delete"
    body = b"<Delete><Object><Key>open</Key></Object></Delete>"
    for encoding, expected in (("iso-8859-1", b"MalformedXML"), ("utf-8", b"<Deleted>")):
        xml = f'<?xml version="1.0" encoding="{encoding}"?>'.encode() + body
        assert expected in send(user, "POST", url, xml).body


@pytest.mark.parametrize(
    ("query", "body", "kind"),
    [
        ("?logGroupName=secret", {}, "application/x-amz-json-1.1"),
        ("?Action=DescribeLogGroups", {}, "application/x-amz-json-1.1"),
        ("", {"x": "&logGroupName=secret&y="}, "application/x-amz-json-1.1"),
        ("", {"x": "&logGroupName=secret&y="}, "application/x-www-form-urlencoded"),
    ],
)
def test_a_log_group_is_named_in_json_alone(lab, key, send, query, body, kind):
    """Neither in the URL nor in what would be a form if it were one."""
    logs = lab.client("logs")
    for name in ("open", "secret"):
        logs.create_log_group(logGroupName=name)
    user = key({"Action": "logs:*", "Resource": f"arn:aws:logs:*:{MAIN}:log-group:open:*"})
    headers = {"content-type": kind, "x-amz-target": "Logs_20140328.DeleteLogGroup"}
    written = json.dumps({"logGroupName": "open", **body}).encode()
    url = f"https://logs.us-east-1.amazonaws.com/{query}"
    assert send(user, "POST", url, written, headers, service="logs").status == 200
    assert [each["logGroupName"] for each in logs.describe_log_groups()["logGroups"]] == ["secret"]


def test_every_log_group_that_a_query_names_is_asked_for(lab, key):
    """Not the first alone; and one that is named in two ways is not read."""
    logs = lab.client("logs")
    for name in ("open", "secret"):
        logs.create_log_group(logGroupName=name)
    made = key({"Action": "logs:*", "Resource": f"arn:aws:logs:*:{MAIN}:log-group:open:*"})
    user = lab.client(
        "logs",
        credentials={"AccessKeyId": made.access_key, "SecretAccessKey": made.secret_key},
    )
    asked = {"startTime": 1, "endTime": 2, "queryString": "fields @message"}
    assert user.start_query(**asked, logGroupNames=["open"])["queryId"]
    with pytest.raises(user.exceptions.ClientError, match="log-group:secret:"):
        user.start_query(**asked, logGroupNames=["open", "secret"])
    with pytest.raises(user.exceptions.ClientError, match="logGroupIdentifier is not simulated"):
        user.describe_log_streams(logGroupIdentifier="open")


ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 9000)
    | st.sampled_from(["", "*", "arn:", "arn:aws:s3:::b/k", "::::::", "\x00", "${aws:userid}"])
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2)
    | st.dictionaries(
        st.sampled_from(["Key", "Value", "TagKey", "TagValue", "Id", "Type"]), inner, max_size=2
    ),
    max_leaves=6,
)  # fmt: skip
JSON_SERVICES = {
    "acm": "CertificateManager", "acm-pca": "ACMPrivateCA", "kms": "TrentService",
    "logs": "Logs_20140328", "organizations": "AWSOrganizationsV20161128",
    "cloudtrail": "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101",
}  # fmt: skip


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_whatever_is_asked_is_answered_in_declared_errors(lab, send, data):
    """By the gate, the service and moto: members of every kind, and paths of every form."""
    admin = lab._place.gateway.credentials["main"]
    who = Credentials(admin.access_key_id, admin.secret_access_key)
    service = data.draw(st.sampled_from([*JSON_SERVICES, "s3"]))
    if service == "s3":
        method = data.draw(st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD"]))
        path = data.draw(st.text("ab/%25;.?&=acl", max_size=20))
        source = data.draw(st.text("ab/%25;.?&=#", max_size=12))
        body = data.draw(st.binary(max_size=20))
        headers = {"x-amz-copy-source": source.strip()} if source.strip() else {}
        answer = send(who, method, f"{S3}/{path}", body, headers)
    else:
        operation = data.draw(st.sampled_from(sorted(SERVICES[service].table)))
        shape = service_model(service).operation_model(operation).input_shape
        names = list(shape.members) if shape else []
        members = {name: data.draw(ODD) for name in names if data.draw(st.booleans())}
        headers = {
            "content-type": "application/x-amz-json-1.1",
            "x-amz-target": f"{JSON_SERVICES[service]}.{operation}",
        }
        url = f"https://{service}.us-east-1.amazonaws.com/"
        answer = send(who, "POST", url, json.dumps(members).encode(), headers, service=service)
    assert answer.status != 500
    assert b"InternalFailure" not in answer.body
