"""What functions are given, held against sample events of others."""

import json
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from hypothesis import given
from hypothesis import strategies as st

from pkilab.pki import names, pem
from pkilab.pki.entropy import Entropy
from pkilab.pki.keys import generate_key
from pkilab.pki.truststore import Admission
from pkilab.simulator.apigateway import events
from pkilab.simulator.apigateway.requests import ApiRequest

NOW = datetime(2021, 8, 5, 9, 36, 4, tzinfo=UTC)
# What our events may leave out: identities of other kinds of callers, and what an API is told
# only where it has it.
OPTIONAL = {
    "cookies", "queryStringParameters", "pathParameters", "stageVariables", "body", "authorizer",
    "apiKey", "apiKeyId", "accessKey", "operationName", "responseOverride", "authentication",
    "identitySource", "authorizationToken", "domainPrefix", "version", "messageId",
}  # fmt: skip


@pytest.fixture(scope="module")
def certificate():
    key = generate_key("EC_prime256v1", Entropy("events"))
    name = names.subject("C=US, ST=Washington, O=Amazon Web Services, CN=My Client")
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 8, 29, 0, 28, 21, tzinfo=UTC))
        .not_valid_after(datetime(2120, 8, 5, 0, 28, 21, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )


@pytest.fixture(scope="module")
def routed(certificate):
    request = ApiRequest(
        "api.example.com", "POST", "/my/path?p=1&p=2", (("Header1", "a"), ("Cookie", "c=1")),
        b"hello", admission=Admission(None, ""), client_certificate=certificate,
    )  # fmt: skip
    return events.Routed(
        request, "id", "123456789012", "us-east-1", "api", "$default", {"v": "1"}, "$default",
        "/my/path", {"p": "1"}, NOW,
    )  # fmt: skip


def test_the_client_certificate_is_shown_as_the_post_shows_it(certificate):
    """Names in written order, a small serial number as it is, two columns for the day."""
    shown = events.client_certificate(certificate)
    assert pem.load_certificate(shown.pop("clientCertPem")) == certificate
    dn = "C=US,ST=Washington,O=Amazon Web Services,CN=My Client"
    assert shown == {
        "subjectDN": dn,
        "issuerDN": dn,
        "serialNumber": "1",
        "validity": {
            "notBefore": "Aug 29 00:28:21 2020 GMT",
            "notAfter": "Aug  5 00:28:21 2120 GMT",
        },
    }


def test_our_events_have_the_members_of_sample_events(conformance, routed):
    """Those of others' libraries that carry a client certificate, of both payload formats."""
    samples = [
        each
        for each in json.loads((conformance / "apigateway_events.json").read_text())
        if each["clientCert"] and each["type"] == "proxy" and each["payload"] in {"v1", "v2"}
    ]
    assert samples
    ours = {"v1": events.version_1(routed), "v2": events.version_2(routed)}
    for each in samples:
        sample, event = each["event"], ours[each["payload"]]
        if "requestContext" not in sample or "version" not in sample:
            continue
        assert event.keys() - sample.keys() <= OPTIONAL, each["id"]
        assert sample.keys() - event.keys() <= OPTIONAL, each["id"]
        context, told = sample["requestContext"], event["requestContext"]
        assert context.keys() - told.keys() <= OPTIONAL, each["id"]
        place = "identity" if each["payload"] == "v1" else "authentication"
        assert told[place]["clientCert"].keys() == each["clientCert"].keys(), each["id"]


def test_a_client_that_was_not_let_in_is_not_shown(routed):
    """Without mutual TLS there is no such block either."""
    from dataclasses import replace

    from pkilab.pki.truststore import Cause

    for admission in (None, Admission(Cause.EXPIRED, "it has expired")):
        refused = replace(routed, request=replace(routed.request, admission=admission))
        assert "authentication" not in events.version_2(refused)["requestContext"]
        assert "clientCert" not in events.version_1(refused)["requestContext"]["identity"]


@pytest.mark.parametrize("read", [events.response_1, events.response_2])
@given(
    answer=st.binary(max_size=60)
    | st.fixed_dictionaries(
        {"statusCode": st.none() | st.integers() | st.text(max_size=4)},
        optional={
            "headers": st.none()
            | st.dictionaries(st.text(max_size=3), st.none() | st.text(max_size=3)),
            "multiValueHeaders": st.none()
            | st.dictionaries(st.text(max_size=3), st.lists(st.text())),
            "body": st.none() | st.text(max_size=5) | st.integers(),
            "isBase64Encoded": st.booleans(),
            "cookies": st.none() | st.lists(st.text(max_size=3)) | st.integers(),
        },
    ).map(lambda answer: json.dumps(answer).encode())
)
def test_whatever_a_function_answers_is_read_or_malformed(read, answer):
    """Nothing else leaves, and no header breaks out of its line."""
    try:
        response = read(answer)
    except events.MalformedAnswerError:
        return
    assert 100 <= response.status <= 599
    assert not any(c in f"{k}{v}" for k, v in response.headers.items() for c in "\r\n")
