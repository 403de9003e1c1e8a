"""Clients that end in this process."""

import io
import socket
from types import SimpleNamespace

import pytest
from botocore.awsrequest import AWSPreparedRequest

from pkilab.errors import LabClosedError
from pkilab.simulator import inprocess
from pkilab.simulator.place import SimulatedPlace
from pkilab.simulator.world import World

REGION = "us-east-1"


@pytest.fixture
def place():
    place = SimulatedPlace(World(seed="in process"))
    yield place
    place.close()


@pytest.fixture
def no_network(monkeypatch):
    """Any attempt to connect or resolve fails the test."""

    def refuse(*args, **kwargs):
        raise AssertionError(f"the network was used: {args}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        (None, b""),
        ("é", "é".encode()),
        (b"\x00", b"\x00"),
        (bytearray(b"ab"), b"ab"),
        (io.BytesIO(b"file"), b"file"),
    ],
)
def test_every_form_of_body_becomes_bytes(body, sent):
    """And header names become small, their values text."""
    request = AWSPreparedRequest("PUT", "https://x/", {"X-A": b"1", "x-b": "2"}, body, False)
    made = inprocess._request(request)
    assert (made.method, made.url, made.body) == ("PUT", "https://x/", sent)
    assert made.headers == {"x-a": "1", "x-b": "2"}


def test_an_object_is_read_whole_by_line_and_in_chunks(place, no_network):
    """As from a socket."""
    s3 = place.client("s3", "main", REGION)
    s3.create_bucket(Bucket="lab-bucket")
    s3.put_object(Bucket="lab-bucket", Key="k", Body=b"one\ntwo\n")

    def body():
        return s3.get_object(Bucket="lab-bucket", Key="k")["Body"]

    assert body().read() == b"one\ntwo\n"
    assert body().read(2) == b"on"
    assert list(body().iter_lines()) == [b"one", b"two"]
    assert b"".join(body().iter_chunks(3)) == b"one\ntwo\n"


def test_a_client_has_no_other_way_out(place, no_network):
    """If a handler were taken off, its request would still go nowhere."""
    client = place.client("sts", "main", REGION)
    assert client.get_caller_identity()["Account"] == "111122223333"
    with pytest.raises(LabClosedError, match="never uses the network"):
        client._endpoint.http_session.send(None)


def test_a_client_goes_to_the_region_it_was_made_for(place):
    """Another Region has CAs of its own."""
    here, there = (place.client("acm-pca", "main", region) for region in (REGION, "eu-west-1"))
    arn = here.create_certificate_authority(
        CertificateAuthorityType="ROOT",
        CertificateAuthorityConfiguration={
            "KeyAlgorithm": "EC_prime256v1",
            "SigningAlgorithm": "SHA256WITHECDSA",
            "Subject": {"CommonName": "Root"},
        },
    )["CertificateAuthorityArn"]
    assert arn.split(":")[3] == REGION
    assert len(here.list_certificate_authorities()["CertificateAuthorities"]) == 1
    assert there.list_certificate_authorities()["CertificateAuthorities"] == []


@pytest.mark.parametrize(("body", "method"), [(None, "GET"), (b"", "POST"), (b"x", "POST")])
def test_fetch_gets_without_a_body_and_posts_with_one(body, method):
    """An empty body is a body; the host and the type go with it."""
    gateway = SimpleNamespace(handle=lambda request: request)
    request = inprocess.fetch(gateway, "http://host.example:8080/a?b", body, "text/plain")
    assert (request.method, request.body) == (method, body or b"")
    assert request.headers == {"host": "host.example:8080", "content-type": "text/plain"}


def test_tokens_that_a_client_leaves_out_are_the_worlds_and_differ():
    """Secrets Manager calls versions by them: with the same seed they are the same."""

    def versions():
        place = SimulatedPlace(World(seed="tokens"))
        try:
            client = place.client("secretsmanager", "main", REGION)
            first = client.create_secret(Name="s", SecretString="1")["VersionId"]
            second = client.put_secret_value(SecretId="s", SecretString="2")["VersionId"]
            own = client.put_secret_value(
                SecretId="s", SecretString="3", ClientRequestToken="t" * 32
            )["VersionId"]
        finally:
            place.close()
        return first, second, own

    found = versions()
    assert versions() == found
    assert len(set(found)) == 3
    assert found[2] == "t" * 32
