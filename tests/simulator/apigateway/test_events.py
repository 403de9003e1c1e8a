"""What functions are given, held against sample events of others."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from hypothesis import given
from hypothesis import strategies as st

from pkilab.pki import names, pem
from pkilab.pki.entropy import Entropy
from pkilab.pki.keys import generate_key
from pkilab.pki.truststore import Admission, Cause
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


@pytest.mark.parametrize("read", [events.response_1, events.response_2])
@pytest.mark.parametrize(
    "answer",
    [
        b'{"statusCode": Infinity}', b'{"statusCode": NaN}', b'{"statusCode": 1e999}',
        b'{"statusCode": true}', b'{"statusCode": null}', b'{"statusCode": [200]}',
        b'{"statusCode": 99}', b'{"statusCode": 101}', b'{"statusCode": 600}',
        b'{"statusCode": "soon"}', b'{"statusCode": 200, "body": {}}',
        b'{"statusCode": 200, "body": 0}', b'{"statusCode": 200, "body": "\\ud800"}',
        b'{"statusCode": 200, "headers": []}', b'{"statusCode": 200, "headers": {"": "x"}}',
        b'{"statusCode": 200, "headers": {"a b": "x"}}',
        b'{"statusCode": 200, "headers": {"a:": "x"}}',
        b'{"statusCode": 200, "headers": {"\\u00e9": "x"}}',
        b'{"statusCode": 200, "headers": {"a": {}}}',
        b'{"statusCode": 200, "headers": {"a": "x\\r\\nSet-Cookie: y"}}',
        b'{"statusCode": 200, "body": "?", "isBase64Encoded": true}',
        b"{", b"\xff", b"[" * 100_000, b'{"a":' * 100_000,
    ],
)  # fmt: skip
def test_an_answer_that_no_response_can_be_made_of_is_malformed(read, answer):
    """However it came about."""
    with pytest.raises(events.MalformedAnswerError):
        read(answer)


@pytest.mark.parametrize("read", [events.response_1, events.response_2])
@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        ({"statusCode": 200}, 200, b""),
        ({"statusCode": "404", "body": None}, 404, b""),
        ({"statusCode": 599, "body": "\N{EURO SIGN}"}, 599, "\N{EURO SIGN}".encode()),
        ({"statusCode": 200, "body": "/w==", "isBase64Encoded": True}, 200, b"\xff"),
        ({"statusCode": 200, "headers": None, "body": "x", "other": 1}, 200, b"x"),
    ],
)
def test_an_answer_in_shape_is_the_response(read, answer, status, body):
    """Numbers may be text, and what is null is not there."""
    found = read(json.dumps(answer).encode())
    assert (found.status, found.body) == (status, body)


def test_headers_are_written_in_lower_case_and_as_text():
    """In 1.0 several values go before one and are joined; null is not there."""
    one = events.response_1(
        b'{"statusCode": 200, "headers": {"A": 1, "B": true}, "multiValueHeaders": {"b": [2, "x"]}}'
    )
    assert one.headers == {"a": "1", "b": "2,x"}
    two = events.response_2(b'{"statusCode": 200, "headers": {"A": null}}')
    assert two.headers == {"content-type": "text/plain;charset=UTF-8"}


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b'"text"', b"text"), (b'{"a": [1]}', b'{"a":[1]}'), (b"null", b"null"), (b"", b"null"),
        (b"[1, 2]", b"[1,2]"),
    ],
)  # fmt: skip
def test_in_2_0_an_answer_without_a_status_is_itself_the_body(answer, body):
    """In 1.0 it is malformed; and so is text that cannot be written."""
    found = events.response_2(answer)
    assert (found.status, found.body) == (200, body)
    assert found.headers == {"content-type": "application/json"}
    with pytest.raises(events.MalformedAnswerError, match="no statusCode"):
        events.response_1(answer)
    with pytest.raises(events.MalformedAnswerError, match="cannot be written"):
        events.response_2(b'"\\ud800"')


@given(st.integers(0, 1200))
def test_an_answer_of_any_depth_is_written_or_malformed(depth):
    """What can just be read may be too deep to be written."""
    try:
        events.response_2(b"[" * depth + b"]" * depth if depth else b"1")
    except events.MalformedAnswerError:
        assert depth > 500


def certified(serial, subject="CN=x"):
    """Make a certificate of a serial number and a subject."""
    key = generate_key("EC_prime256v1", Entropy("events"))
    name = subject if isinstance(subject, x509.Name) else names.subject(subject)
    return (
        x509.CertificateBuilder(name, name, key.public_key(), serial)
        .not_valid_before(NOW)
        .not_valid_after(NOW)
        .sign(key, hashes.SHA256())
    )


@pytest.mark.parametrize(
    ("serial", "shown"),
    [
        (1, "1"),
        (2**63 - 1, "9223372036854775807"),
        (2**63, "80:00:00:00:00:00:00:00"),
        (0x0102030405060708090A, "01:02:03:04:05:06:07:08:09:0a"),
        (2**159 - 1, "7f:" + "ff:" * 18 + "ff"),
    ],
)
def test_a_serial_number_is_decimal_or_in_colons(serial, shown):
    """By its length."""
    assert events.client_certificate(certified(serial))["serialNumber"] == shown


@given(
    serial=st.integers(1, 2**159 - 1),
    values=st.lists(
        st.tuples(
            st.sampled_from([
                x509.NameOID.ORGANIZATION_NAME, x509.NameOID.ORGANIZATIONAL_UNIT_NAME,
                x509.NameOID.EMAIL_ADDRESS, x509.NameOID.PSEUDONYM,
                x509.ObjectIdentifier("1.2.3.4"),
            ]),
            st.text(min_size=1, max_size=6),
        ),
        max_size=4,
    ),
)  # fmt: skip
def test_every_certificate_can_be_shown(serial, values):
    """With the same members, all of them text."""
    try:
        name = x509.Name([x509.NameAttribute(*each) for each in values])
        certificate = certified(serial, name)
    except ValueError:  # no name can be so
        return
    shown = events.client_certificate(certificate)
    assert list(shown) == ["clientCertPem", "subjectDN", "issuerDN", "serialNumber", "validity"]
    assert pem.load_certificate(shown["clientCertPem"]) == certificate
    assert shown["subjectDN"].count("=") >= len(values)
    json.dumps(shown).encode()


def rest(routed, host):
    """Return a request to a REST API, by a host."""
    request = replace(routed.request, host=host, target="/v1/pets/1?p=1")
    return replace(
        routed, request=request, resource_id="r", route="POST /pets/{id}", path="/pets/1",
        stage="v1",
    )  # fmt: skip


def test_a_rest_apis_path_has_the_stage_in_the_context_alone(routed):
    """By the default endpoint; a custom domain name's base path stands in both."""
    event = events.version_1(rest(routed, "api.execute-api.us-east-1.amazonaws.com"))
    assert (event["path"], event["requestContext"]["path"]) == ("/pets/1", "/v1/pets/1")
    assert event["requestContext"]["resourcePath"] == "/pets/{id}"
    event = events.version_1(rest(routed, "api.example.com"))
    assert (event["path"], event["requestContext"]["path"]) == ("/v1/pets/1", "/v1/pets/1")


def judged(routed, version):
    """Return an authorizer's event."""
    make = events.version_1 if version == "v1" else events.version_2
    return events.authorizer_event(make(routed), routed, ["user1", "123"])


def test_our_authorizer_events_have_the_members_of_sample_events(conformance, routed):
    """Of both payload formats and of REST APIs, which have no member of the identity's."""
    samples = [
        each
        for each in json.loads((conformance / "apigateway_events.json").read_text())
        if each["type"] == "authorizer" and each["event"].get("type") == "REQUEST"
        and "requestContext" in each["event"]
        and "connectionId" not in each["event"]["requestContext"]  # websockets
    ]  # fmt: skip
    http = {each["payload"] for each in samples if "version" in each["event"]}
    assert http == {"v1", "v2"}
    assert any("version" not in each["event"] for each in samples)
    for each in samples:
        sample = each["event"]
        of_rest = "version" not in sample
        asked = rest(routed, "api.execute-api.us-east-1.amazonaws.com") if of_rest else routed
        event = judged(asked, each["payload"])
        assert event["type"] == sample["type"]
        written = {"multiValueHeaders", "multiValueQueryStringParameters"}  # and not in the guide's
        assert event.keys() - sample.keys() <= OPTIONAL | written, each["id"]
        assert sample.keys() - event.keys() <= OPTIONAL, each["id"]
        context, told = sample["requestContext"], event["requestContext"]
        if each["payload"] == "v1" and "http" in context:
            continue  # put together from both formats by hand
        assert context.keys() - told.keys() <= OPTIONAL | {"deploymentId"}, each["id"]
        if each["clientCert"]:
            place = "identity" if each["payload"] == "v1" else "authentication"
            assert told[place]["clientCert"].keys() == each["clientCert"].keys(), each["id"]


def test_an_authorizers_event_names_the_identity_and_no_body(routed):
    """As a list in 2.0, joined in 1.0, not at all for a REST API."""
    one, two = judged(routed, "v1"), judged(routed, "v2")
    assert (one["identitySource"], one["authorizationToken"]) == ("user1,123", "user1,123")
    assert two["identitySource"] == ["user1", "123"]
    place = "arn:aws:execute-api:us-east-1:123456789012:api"
    assert one["methodArn"] == two["routeArn"] == f"{place}/$default/POST/my/path"
    other = judged(rest(routed, "api.execute-api.us-east-1.amazonaws.com"), "v1")
    assert other["methodArn"] == f"{place}/v1/POST/pets/1"
    assert not other.keys() & {"identitySource", "authorizationToken", "version"}
    for event in (one, two, other):
        assert not event.keys() & {"body", "isBase64Encoded"}


def test_cookies_are_headers_of_their_own():
    """In either format; none that could end the line is taken."""
    two = events.response_2(b'{"statusCode": 200, "cookies": ["a=1", "b=2"]}')
    one = events.response_1(
        b'{"statusCode": 200, "headers": {"Set-Cookie": "c=3"},'
        b' "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]}}'
    )
    assert one.cookies == two.cookies == ("a=1", "b=2")
    assert "set-cookie" not in one.headers.keys() | two.headers.keys()
    with pytest.raises(events.MalformedAnswerError):
        events.response_2(b'{"statusCode": 200, "cookies": ["a=1\\r\\nb: c"]}')
