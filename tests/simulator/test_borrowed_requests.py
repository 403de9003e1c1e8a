"""What a request to S3 and Logs is taken for, held against botocore's serialiser."""

import contextlib
from urllib.parse import urlencode

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.serialize import create_serializer
from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.borrowed_requests import _operations, failure, read
from pkilab.simulator.service import AwsError, HttpRequest, HttpResponse

# One of its own: a client of S3 changes the model that it shares with the world.
S3 = ServiceModel(Loader().load_service_model("s3", "service-2"), "s3")
# Written like its newer twin, which is what it is taken for.
OLDER = {
    "GetBucketLifecycle": "GetBucketLifecycleConfiguration",
    "GetBucketNotification": "GetBucketNotificationConfiguration",
    "PutBucketLifecycle": "PutBucketLifecycleConfiguration",
    "PutBucketNotification": "PutBucketNotificationConfiguration",
}
# At hosts of their own, which the world does not have.
ELSEWHERE = {"ListDirectoryBuckets", "WriteGetObjectResponse", "CreateSession"}


def members_of(operation):
    """Return the least that an operation must be given."""
    shape, found = S3.operation_model(operation).input_shape, {}
    for name in shape.required_members if shape else ():
        kind = shape.members[name].type_name
        if name == "CopySource":
            found[name] = "source/key"
        elif name == "Delete":
            found[name] = {"Objects": [{"Key": "a b"}, {"Key": "c", "VersionId": "3"}]}
        elif kind in {"string", "integer"}:
            found[name] = (
                {"Bucket": "lab", "Key": "a/b c"}.get(name, "x") if kind == "string" else 7
            )
        elif shape.members[name].serialization.get("location") == "header":
            found[name] = ["x"]
        else:
            found[name] = {}
    return found


def sent(operation, **members):
    """Return the request that botocore sends, path-style."""
    written = create_serializer("rest-xml", include_validation=False).serialize_to_request(
        members, S3.operation_model(operation)
    )
    query = written["query_string"]
    url = f"https://s3.us-east-1.amazonaws.com{written['url_path']}"
    if query:
        url += ("&" if "?" in url else "?") + urlencode(query, doseq=True)
    headers = {name.lower(): str(value) for name, value in written["headers"].items()}
    body = written["body"] or b""
    return HttpRequest(
        written["method"], url, headers, body.encode() if isinstance(body, str) else body
    )


@pytest.mark.parametrize("operation", sorted(set(S3.operation_names) - ELSEWHERE))
def test_every_operation_of_s3_is_read_as_itself(operation):
    """As botocore writes it, with its least members; bucket and key as they were."""
    members = members_of(operation)
    found, seen = read("s3", sent(operation, **members))
    assert found == OLDER.get(operation, operation)
    for name in ("Bucket", "Key", "CopySource", "UploadId", "Delete"):
        assert seen.get(name) == members.get(name)


@pytest.mark.parametrize(
    ("operation", "extra", "expected"),
    [
        ("ListObjectsV2", {"Prefix": "crl/"}, {"Bucket": "lab", "Prefix": "crl/"}),
        ("GetObject", {"VersionId": "3"}, {"Bucket": "lab", "Key": "a/b c", "VersionId": "3"}),
        ("PutObject", {"ACL": "public-read"}, {"ACL": "public-read"}),
    ],
)
def test_members_in_query_and_headers_are_read(operation, extra, expected):
    """Policies' conditions ask for them."""
    found, seen = read("s3", sent(operation, **members_of(operation), **extra))
    assert found == operation
    assert expected.items() <= seen.items()


@pytest.mark.parametrize(
    ("method", "url", "code"),
    [
        ("GET", "/lab/key?acl&tagging", "InvalidArgument"),
        ("POST", "/lab", "NotImplemented"),
        ("PATCH", "/lab/key", "NotImplemented"),
    ],
)
def test_what_is_no_operation_or_two_is_refused(method, url, code):
    """Nobody could say what to ask IAM."""
    with pytest.raises(AwsError) as caught:
        read("s3", HttpRequest(method, f"https://s3.us-east-1.amazonaws.com{url}", {}, b""))
    assert caught.value.code == code


def test_a_list_of_deletions_that_is_no_xml_is_refused():
    """A document type too: nothing may mean more than it shows."""
    for body in (b"<Delete>", b"\xff", b"<!DOCTYPE d><Delete/>"):
        url = "https://s3.us-east-1.amazonaws.com/lab?delete"
        with pytest.raises(AwsError, match="MalformedXML"):
            read("s3", HttpRequest("POST", url, {}, body))


def test_what_a_new_bucket_is_to_be_is_read():
    """Its Region and its tags, as botocore writes them; nothing else is simulated."""
    pairs = [{"Key": "team", "Value": "pki & co"}, {"Key": "empty", "Value": ""}]
    asked = {"LocationConstraint": "eu-west-1", "Tags": pairs}
    _, seen = read("s3", sent("CreateBucket", Bucket="lab", CreateBucketConfiguration=asked))
    assert seen["CreateBucketConfiguration"] == asked
    directory = {"Bucket": {"Type": "Directory", "DataRedundancy": "SingleAvailabilityZone"}}
    with pytest.raises(AwsError, match=r"CreateBucketConfiguration\.Bucket") as refused:
        read("s3", sent("CreateBucket", Bucket="lab", CreateBucketConfiguration=directory))
    assert refused.value.code == "NotImplemented"


@pytest.mark.parametrize(
    "body",
    [
        b"<CreateBucketConfiguration>",
        b"<!DOCTYPE d><CreateBucketConfiguration/>",
        b"<Other><Tags/></Other>",
        b"<CreateBucketConfiguration><Tags/><Tags/></CreateBucketConfiguration>",
    ],
)
def test_a_configuration_that_could_be_read_otherwise_is_refused(body):
    """IAM is asked about what the bucket is to be."""
    url = "https://s3.us-east-1.amazonaws.com/lab"
    with pytest.raises(AwsError, match="MalformedXML"):
        read("s3", HttpRequest("PUT", url, {}, body))


def test_json_is_read_by_its_model():
    """JSON 1.1, as Logs speaks it."""
    target = {"x-amz-target": "Logs_20140328.CreateLogGroup"}
    asked = HttpRequest("POST", "https://logs.amazonaws.com/", target, b'{"logGroupName": "g"}')
    assert read("logs", asked) == ("CreateLogGroup", {"logGroupName": "g"})
    with pytest.raises(AwsError, match="UnknownOperationException"):
        read("logs", HttpRequest("POST", "https://logs.amazonaws.com/", {}, b"{}"))


def test_a_client_of_s3_changes_nothing(lab):
    """It takes the bucket out of the paths of the model that it shares with the world."""
    _operations.cache_clear()
    lab.client("s3")
    url = "https://s3.us-east-1.amazonaws.com/lab/key"
    found = read("s3", HttpRequest("PUT", url, {}, b""))
    assert found == ("PutObject", {"Bucket": "lab", "Key": "key"})


@given(
    st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD"]),
    st.text(st.characters(codec="ascii", categories=("L", "N", "P", "S")), max_size=30),
    st.binary(max_size=40),
)
def test_whatever_is_sent_is_read_or_refused(method, path, body):
    """By declared errors alone."""
    url = f"https://s3.us-east-1.amazonaws.com/{path}"
    with contextlib.suppress(AwsError):
        read("s3", HttpRequest(method, url, {}, body))


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b"<a/>", None),
        (404, b"<Error><Code>NoSuchKey</Code><Message>gone</Message></Error>", "NoSuchKey: gone"),
        (400, b'{"__type": "x#Bad", "message": "no"}', "Bad: no"),
        (403, b"", "403: "),
    ],
)
def test_a_failure_is_read_from_the_answer(status, body, expected):
    """In either protocol."""
    found = failure(HttpResponse(status, {}, body))
    assert (found and str(found)) == expected


def test_sqs_is_read_in_its_own_protocol_alone():
    """JSON 1.0, with SQS's own word for what is absent."""
    headers = {"x-amz-target": "AmazonSQS.PurgeQueue", "content-type": "application/x-amz-json-1.0"}
    url = "https://sqs.us-east-1.amazonaws.com/"
    found = read("sqs", HttpRequest("POST", url, headers, b'{"QueueUrl": "u", "Other": 1}'))
    assert found == ("PurgeQueue", {"QueueUrl": "u"})
    with pytest.raises(AwsError, match="must contain the parameter QueueUrl") as refused:
        read("sqs", HttpRequest("POST", url, headers, b"{}"))
    assert refused.value.code == "MissingParameter"
    other = {**headers, "content-type": "application/x-amz-json-1.1"}
    with pytest.raises(AwsError, match=r"any protocol but AWS JSON 1\.0 is not simulated"):
        read("sqs", HttpRequest("POST", url, other, b"{}"))
