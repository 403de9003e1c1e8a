"""Calls in somebody's name, held against what a boto3 client of the same world sees."""

import pytest

from pkilab.simulator.cloudformation.calls import Caller, RefusedError
from pkilab.simulator.place import SimulatedPlace
from pkilab.simulator.service import AwsError, Call
from pkilab.simulator.world import World

OWNER, REGION = "111122223333", "us-east-1"


@pytest.fixture
def place():
    place = SimulatedPlace(World(seed="calls", accounts={"owner": OWNER, "other": "444455556666"}))
    yield place
    place.close()


@pytest.fixture
def aws(place):
    identity = place.gateway.identities.caller(place.gateway.credentials["owner"].access_key_id)
    call = Call(
        OWNER,
        REGION,
        place.clock.now(),
        identity.principal.arn,
        identity.access_key_id,
        identity=identity,
    )
    return Caller(place.gateway.handle, call)


def without_metadata(answer):
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


@pytest.mark.parametrize(
    ("service", "operation", "method", "members"),
    [
        ("sts", "GetCallerIdentity", "get_caller_identity", {}),  # query
        ("iam", "ListUsers", "list_users", {}),
        ("acm", "ListCertificates", "list_certificates", {}),  # JSON 1.1
        ("logs", "DescribeLogGroups", "describe_log_groups", {"limit": 5}),
        ("lambda", "ListFunctions", "list_functions", {"MaxItems": 5}),  # REST-JSON
        ("apigatewayv2", "GetApis", "get_apis", {}),
        ("route53", "ListHostedZones", "list_hosted_zones", {"MaxItems": "5"}),  # REST-XML
        ("s3", "ListBuckets", "list_buckets", {}),
        ("s3", "ListObjectsV2", "list_objects_v2", {"Bucket": "some-bucket", "Prefix": "a/&"}),
    ],
)
def test_an_answer_is_what_a_client_is_answered(place, aws, service, operation, method, members):
    """In each protocol, in the same account."""
    client = place.client(service, "owner", REGION)
    place.client("s3", "owner", REGION).create_bucket(Bucket="some-bucket")
    place.client("s3", "owner", REGION).put_object(Bucket="some-bucket", Key="a/& b", Body=b"x")
    theirs = without_metadata(getattr(client, method)(**members))
    theirs.pop("EncodingType", None)  # boto3 asks S3 for encoded keys, and decodes them
    assert aws(service, operation, **members) == theirs


def test_what_clients_did_to_their_models_does_not_change_a_call(place, aws):
    """boto3 takes the bucket out of the paths of S3's model, which its loader hands to others."""
    client = place.client("s3", "owner", REGION)
    for bucket in ("first", "second"):
        client.create_bucket(Bucket=bucket)
    client.delete_bucket(Bucket="first")
    aws("s3", "DeleteBucket", Bucket="second")
    assert client.list_buckets()["Buckets"] == []


def test_a_stream_is_a_file_and_none_is_not_sent(place, aws):
    place.client("s3", "owner", REGION).create_bucket(Bucket="some-bucket")
    aws("s3", "PutObject", Bucket="some-bucket", Key="k", Body=b"\xff\x00", ContentType=None)
    assert aws("s3", "GetObject", Bucket="some-bucket", Key="k")["Body"].read() == b"\xff\x00"


@pytest.mark.parametrize(
    ("service", "operation", "members", "code", "status"),
    [
        ("iam", "GetRole", {"RoleName": "nobody"}, "NoSuchEntity", 404),
        ("lambda", "GetFunction", {"FunctionName": "none"}, "ResourceNotFoundException", 404),
        ("s3", "GetObject", {"Bucket": "no-bucket", "Key": "k"}, "NoSuchBucket", 404),
        ("route53", "GetHostedZone", {"Id": "Z0"}, "NoSuchHostedZone", 404),
        ("lambda", "ListLayers", {}, "NotImplemented", 501),
    ],
)
def test_a_refusal_is_the_services_own(aws, service, operation, members, code, status):
    with pytest.raises(RefusedError) as caught:
        aws(service, operation, **members)
    assert (caught.value.code, caught.value.status) == (code, status)
    assert f"Status Code: {status}, Request ID: " in caught.value.sentence


@pytest.mark.parametrize(
    ("service", "operation", "members"),
    [
        ("acm", "DescribeCertificate", {}),
        ("acm", "DescribeCertificate", {"CertificateArn": ["x"]}),
        ("s3", "DeleteBucket", {"Bucket": ""}),
        ("lambda", "GetFunction", {"FunctionName": ""}),
    ],
)
def test_what_does_not_fit_the_model_is_refused_before_it_is_sent(aws, service, operation, members):
    """An empty bucket name would be a call to list all buckets."""
    with pytest.raises(AwsError) as caught:
        aws(service, operation, **members)
    assert caught.value.code == "InvalidRequest"
