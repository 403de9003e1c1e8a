"""The world over HTTP."""

import gc
import http.client
import io
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from cryptography import x509

from pkilab import Lab, ca_hierarchy
from pkilab.errors import LabError
from pkilab.pki.keys import generate_key
from pkilab.pki.requests import build_request
from pkilab.simulator.place import SimulatedPlace
from pkilab.simulator.world import World

OWNER, OTHER, BUCKET = "111122223333", "444455556666", "lab-bucket"


@pytest.fixture
def place():
    """A world of two accounts."""
    place = SimulatedPlace(World(seed="server", accounts={"owner": OWNER, "other": OTHER}))
    yield place
    place.close()


@pytest.fixture
def server(place):
    server = place.serve("127.0.0.1", 0)
    yield server
    server.close()


@pytest.fixture
def client(place, server):
    """A function that makes plain boto3 clients of the served world."""
    made = []

    def make(service, *, alias="owner", key=None, **config):
        names = place.environment(alias)
        made.append(
            boto3.client(
                service,
                endpoint_url=server.url,
                region_name="us-east-1",
                aws_access_key_id=key or names["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=names["AWS_SECRET_ACCESS_KEY"],
                config=Config(retries={"max_attempts": 0}, **config),
            )
        )
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def connection(server):
    """A bare HTTP connection."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=10)
    yield connection
    connection.close()


def ask(connection, method, path, body=None, **headers):
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, given)
    answer = connection.getresponse()
    return answer.status, answer.read()


KEYS = [
    "a b",
    "a+b",
    "a%2Fb",
    "a%20b",
    "é/日本",
    "a//b",
    "/lead",
    "a?b#c&d=e",
    " sp ",
    "..",
    "a:b*c",
]


def test_keys_of_objects_survive_transport(place, client):
    """What is written under any key is read under it and no other, served and in process."""
    outside, inside = client("s3"), place.client("s3", "owner", "us-east-1")
    outside.create_bucket(Bucket=BUCKET)
    for number, key in enumerate(KEYS):
        writer = (outside, inside)[number % 2]
        writer.put_object(Bucket=BUCKET, Key=key, Body=key.encode())
    for s3 in (outside, inside):
        listed = [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
        assert sorted(listed) == sorted(KEYS)
        for key in KEYS:
            assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == key.encode()
        with pytest.raises(ClientError, match="NoSuchKey"):
            s3.get_object(Bucket=BUCKET, Key="a")


def test_the_names_of_an_objects_metadata_survive_transport(client):
    """S3's are in small letters, and clients take them as they come."""
    s3 = client("s3")
    s3.create_bucket(Bucket="lab-named")
    s3.put_object(Bucket="lab-named", Key="x", Body=b"", Metadata={"signature-algorithm": "RSA"})
    found = s3.get_object(Bucket="lab-named", Key="x")["Metadata"]
    assert found == {"signature-algorithm": "RSA"}


def test_a_large_object_arrives_whole(place, client):
    """Also by multipart upload, and in parts by range."""
    body = bytes(range(256)) * (1 << 15)  # 8 MiB, the size at which boto3 turns to multipart
    outside, inside = client("s3"), place.client("s3", "owner", "us-east-1")
    outside.create_bucket(Bucket=BUCKET)
    outside.put_object(Bucket=BUCKET, Key="one", Body=body)
    outside.upload_fileobj(io.BytesIO(body + b"x"), BUCKET, "many")
    assert inside.get_object(Bucket=BUCKET, Key="one")["Body"].read() == body
    assert inside.head_object(Bucket=BUCKET, Key="many")["ETag"].endswith('-2"')
    assert outside.get_object(Bucket=BUCKET, Key="many")["Body"].read() == body + b"x"
    part = outside.get_object(Bucket=BUCKET, Key="one", Range="bytes=256-258")
    assert part["Body"].read() == b"\x00\x01\x02"


def test_errors_are_parsed_alike_served_and_in_process(place, client):
    """Code, message and status; a HEAD has no body to carry a code."""
    outside, inside = client("s3"), place.client("s3", "owner", "us-east-1")
    outside.create_bucket(Bucket=BUCKET)
    calls = [
        ("get_object", {"Bucket": BUCKET, "Key": "missing"}, "NoSuchKey", 404),
        ("head_object", {"Bucket": BUCKET, "Key": "missing"}, "404", 404),
        ("head_bucket", {"Bucket": "no-such-bucket"}, "404", 404),
        ("get_object", {"Bucket": "no-such-bucket", "Key": "a"}, "NoSuchBucket", 404),
        ("get_bucket_policy", {"Bucket": BUCKET}, "NoSuchBucketPolicy", 404),
    ]
    for operation, arguments, code, status in calls:
        errors = []
        for s3 in (outside, inside):
            with pytest.raises(ClientError) as caught:
                getattr(s3, operation)(**arguments)
            response = caught.value.response
            assert response["Error"]["Code"] == code
            assert response["ResponseMetadata"]["HTTPStatusCode"] == status
            errors.append(response["Error"])
        assert errors[0] == errors[1]


def test_a_deleted_object_answers_204_and_the_connection_lives_on(client):
    """An answer without a body does not upset the next."""
    s3 = client("s3", max_pool_connections=1)
    s3.create_bucket(Bucket=BUCKET)
    for _ in range(3):
        answer = s3.delete_object(Bucket=BUCKET, Key="a")
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
        assert s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0


def test_one_connection_takes_many_requests(connection):
    """Keep-alive, whatever was refused before: HEAD, bad bodies, unknown services."""
    connection.connect()
    socket = connection.sock
    assert ask(connection, "HEAD", "/bucket/key") == (403, b"")
    assert ask(connection, "POST", "/", b"x" * 100_000)[0] == 403
    assert ask(connection, "POST", "/", b"junk", content_type="application/ocsp-request")[0] == 200
    assert ask(connection, "GET", "/", host="acm-pca.us-east-1.amazonaws.com")[0] == 403
    assert connection.sock is socket


def test_a_host_that_is_none_is_answered_and_harms_nobody(connection, capfd):
    """Not a hang, and the next request is served."""
    assert ask(connection, "GET", "/", host="[::1")[0] >= 400
    connection.close()
    assert ask(connection, "GET", "/")[0] == 403


def test_accounts_are_apart_over_http_too(client):
    """A CA of one account is not for the other, and a stranger's key opens nothing."""
    owner, other = client("acm-pca"), client("acm-pca", alias="other")
    arn = ca_hierarchy.create_root(owner, {"CommonName": "Root"})
    assert owner.describe_certificate_authority(CertificateAuthorityArn=arn)
    with pytest.raises(ClientError, match="AccessDeniedException"):
        other.describe_certificate_authority(CertificateAuthorityArn=arn)
    assert client("sts", alias="other").get_caller_identity()["Account"] == OTHER
    stranger = client("acm-pca", key="AKIAIOSFODNN7EXAMPLE")
    with pytest.raises(ClientError, match="UnrecognizedClientException") as caught:
        stranger.list_certificate_authorities()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_a_target_with_a_host_is_signed_for_that_host():
    """RFC 9112, section 3.2.2: it goes before Host, by which a URL could be sent elsewhere."""
    with Lab.simulated(seed="served", enforce_policies=True) as lab:
        s3, server = lab.client("s3"), lab.serve()
        for name in ("lab-mine", "lab-other"):
            s3.create_bucket(Bucket=name)
            s3.put_object(Bucket=name, Key="k", Body=name.encode())
        keys = lab.environment()
        presigner = boto3.client(
            "s3",
            region_name="us-east-1",
            aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
            config=Config(signature_version="s3v4", s3={"addressing_style": "virtual"}),
        )
        url = presigner.generate_presigned_url("get_object", {"Bucket": "lab-mine", "Key": "k"})
        host = urlsplit(url).netloc
        proxied = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=10)
        target = url.replace("https:", "http:")
        assert ask(proxied, "GET", target, host=host) == (200, b"lab-mine")
        status, body = ask(proxied, "GET", target.replace("lab-mine", "lab-other"), host=host)
        assert (status, b"SignatureDoesNotMatch" in body) == (403, True)
        proxied.close()


def test_a_service_that_is_not_modelled_is_refused_over_http(client):
    """With the same error as in process."""
    with pytest.raises(ClientError, match="dynamodb is not simulated by pkilab") as caught:
        client("dynamodb").list_tables()
    assert caught.value.response["Error"]["Code"] == "NotImplemented"


def test_a_presigned_url_can_be_followed_by_any_client(client):
    """And not without its query."""
    s3 = client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="a b", Body=b"body")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "a b"})
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(url, timeout=10) as answer:
        assert answer.read() == b"body"
    with pytest.raises(urllib.error.HTTPError, match="403") as caught:
        direct.open(url.partition("?")[0], timeout=10)
    caught.value.close()


def test_certificates_ordered_at_once_are_all_issued_with_serials_of_their_own(client):
    """Eight clients, five certificates each: none is lost, none is doubled."""
    pca = client("acm-pca", max_pool_connections=8)
    root = ca_hierarchy.create_root(pca, {"CommonName": "Root"})
    key = generate_key("EC_prime256v1", World._open.entropy("leaf"))
    names = [f"app-{number}.example" for number in range(40)]
    requests = [build_request(key, f"CN={name}") for name in names]
    days = {"Type": "DAYS", "Value": 30}
    with ThreadPoolExecutor(8) as pool:
        issued = list(
            pool.map(lambda csr: ca_hierarchy.issue(pca, root, csr, validity=days), requests)
        )
    serials = {each.certificate.serial_number for each in issued}
    subjects = [
        each.certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value
        for each in issued
    ]
    assert len(serials) == 40
    assert subjects == names
    for each in issued:
        each.certificate.verify_directly_issued_by(each.chain[0])


def test_a_closed_world_answers_503_and_does_not_hang(place, server, connection):
    """Its server may outlive it by a moment."""
    assert ask(connection, "GET", "/")[0] == 403
    place.world.close()
    status, body = ask(connection, "GET", "/")
    assert status == 503
    assert b"was closed" in body
    World._open = place.world  # the fixture closes it in the ordinary way
    place.world.closed = False


def test_a_closed_server_answers_nobody_and_leaves_the_world_open(place, server, connection):
    """Its port is free again."""
    port = urlsplit(server.url).port
    assert ask(connection, "GET", "/")[0] == 403
    connection.close()
    server.close()
    with pytest.raises(OSError):  # noqa: PT011 - refused or reset, as the system likes
        ask(connection, "GET", "/")
    assert place.client("s3", "owner", "us-east-1").list_buckets()["Buckets"] == []
    place.serve("127.0.0.1", port).close()


# Twisted leaves the socket that it could not bind to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("address", [("127.0.0.1", 70_000), ("no-such-host.invalid", 0)])
def test_an_address_that_cannot_be_had_is_refused(place, address):
    """With the package's own error, naming it."""
    with pytest.raises(LabError, match=f"cannot listen on {address[0]}:{address[1]}") as caught:
        place.serve(*address)
    del caught
    gc.collect()


@pytest.mark.parametrize("left", [False, True], ids=["at once", "left to an errand"])
def test_due_work_runs_on_a_live_clock_while_nobody_calls(left):
    """And what it leaves to do after it. A frozen world has no such thread."""
    done = threading.Event()
    place = SimulatedPlace(World(seed="live", start=None))
    server = place.serve("127.0.0.1", 0)
    try:
        work = partial(place.world.errand, done.set, "left") if left else done.set
        place.clock.at(place.clock.now(), work, "due at once")
        assert done.wait(5)
        assert "pkilab clock" in {thread.name for thread in threading.enumerate()}
    finally:
        server.close()
        place.close()
