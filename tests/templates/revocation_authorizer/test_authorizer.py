from __future__ import annotations

import copy
import json
import shutil
import subprocess
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp as rfc6960
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pkilab import ca_hierarchy
from pkilab.pki import names, pem
from pkilab.pki.keys import write_private_key
from pkilab.pki.requests import build_request
from pkilab.templates.revocation_authorizer.authorizer import Authorizer, handler
from pkilab.templates.revocation_authorizer.fetching import UnavailableError

CRL_URL, OCSP_URL = "http://crl.test/ca.crl", "http://ocsp.test"
CONTEXT = {"status", "serialNumber", "reason", "source", "crlNumber"}
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def is_well_formed(answer: Any) -> bool:
    """Whether API Gateway would take an answer, of either shape."""
    context = answer["context"]
    assert set(context) == CONTEXT
    assert all(isinstance(value, str) for value in context.values())
    json.dumps(answer)
    if set(answer) == {"isAuthorized", "context"}:
        return isinstance(answer["isAuthorized"], bool)
    (statement,) = answer["policyDocument"]["Statement"]
    return (
        set(answer) == {"principalId", "policyDocument", "context"}
        and isinstance(answer["principalId"], str)
        and answer["policyDocument"]["Version"] == "2012-10-17"
        and set(statement) == {"Action", "Effect", "Resource"}
        and statement["Action"] == "execute-api:Invoke"
        and statement["Effect"] in {"Allow", "Deny"}
        and isinstance(statement["Resource"], str)
    )


def allows(answer: Any) -> bool:
    if "isAuthorized" in answer:
        return answer["isAuthorized"] is True
    return answer["policyDocument"]["Statement"][0]["Effect"] == "Allow"


@pytest.mark.parametrize("revoked", [False, True])
@pytest.mark.parametrize("source", ["crl", "ocsp"])
@pytest.mark.parametrize(
    ("version", "response", "simple"),
    [
        ("1.0", "simple", False),
        ("1.0", "iam", False),
        ("2.0", "simple", True),
        ("2.0", "iam", False),
    ],
)
def test_a_good_client_is_let_in_and_a_revoked_one_is_not(
    authorizer, ca, client, web, now, event, version, response, simple, source, revoked
):
    """By both payloads, in both shapes of answer, by CRL and by OCSP."""
    state = rfc6960.OCSPCertStatus.REVOKED if revoked else rfc6960.OCSPCertStatus.GOOD
    web.pages = {
        CRL_URL: ca.crl(client) if revoked else ca.crl(),
        OCSP_URL: ca.ocsp(client, now, state=state),
    }
    asked = authorizer(SOURCE=source, RESPONSE=response)
    given_event = event[version](client, now)
    answer = asked.authorizer(given_event)
    assert is_well_formed(answer)
    assert ("isAuthorized" in answer) == simple
    assert allows(answer) == (not revoked)
    assert answer["context"] == {
        "status": "REVOKED" if revoked else "GOOD",
        "serialNumber": client.serial_number.to_bytes(16).hex(":"),
        "reason": {"crl": "keyCompromise", "ocsp": "superseded"}[source] if revoked else "",
        "source": source,
        "crlNumber": "7" if source == "crl" else "",
    }
    if not simple:
        arn = given_event["methodArn" if version == "1.0" else "routeArn"]
        assert answer["policyDocument"]["Statement"][0]["Resource"] == arn
        assert answer["principalId"] == client.fingerprint(hashes.SHA256()).hex()
    assert web.calls == [CRL_URL if source == "crl" else OCSP_URL]


@pytest.mark.parametrize("crl_type", ["COMPLETE", "PARTITIONED"])
def test_a_client_of_a_private_ca_is_let_in_until_it_is_revoked(lab, event, crl_type):
    """The whole way: AWS Private CA issues, revokes and publishes; the authorizer fetches."""
    pca, s3 = lab.client("acm-pca"), lab.client("s3")
    s3.create_bucket(Bucket="lab-crl")
    ca_hierarchy.admit_private_ca(s3, "lab-crl", account="111122223333")
    ca_hierarchy.open_crls(s3, "lab-crl")
    crl = {
        "Enabled": True, "ExpirationInDays": 7, "S3BucketName": "lab-crl", "CrlType": crl_type,
        "S3ObjectAcl": "BUCKET_OWNER_FULL_CONTROL",
    }  # fmt: skip
    root = ca_hierarchy.create_root(
        pca,
        {"CommonName": "Root"},
        RevocationConfiguration={"CrlConfiguration": crl, "OcspConfiguration": {"Enabled": True}},
    )
    csr = build_request(lab.generate_key("client"), "CN=client")
    made = ca_hierarchy.issue(pca, root, csr, validity={"Type": "DAYS", "Value": 30})

    def fetch(url, body=None):
        answer = lab.fetch(url, body, content_type="application/ocsp-request" if body else "")
        if answer.status != 200:
            raise UnavailableError(f"{url} answered {answer.status}")
        return answer.body

    asked = {
        source: Authorizer(
            {"ISSUERS_PEM": made.chain_pem, "SOURCE": source}, fetch=fetch, log=lambda _: None
        )
        for source in ("crl", "ocsp")
    }

    def verdicts():
        answers = {
            source: ask(event["2.0"](made.certificate, lab.clock.now()))["context"]
            for source, ask in asked.items()
        }
        return {source: each["status"] for source, each in answers.items()}

    lab.clock.advance(minutes=5)
    assert verdicts() == {"crl": "GOOD", "ocsp": "GOOD"}
    pca.revoke_certificate(
        CertificateAuthorityArn=root,
        CertificateSerial=format(made.certificate.serial_number, "x"),
        RevocationReason="KEY_COMPROMISE",
    )
    lab.clock.advance(minutes=10)
    assert verdicts() == {"crl": "GOOD", "ocsp": "REVOKED"}
    lab.clock.advance(minutes=30)
    assert verdicts() == {"crl": "REVOKED", "ocsp": "REVOKED"}


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_a_request_without_a_certificate_is_denied(authorizer, web, now, event, version):
    """As through the default endpoint."""
    answer = authorizer().authorizer(event[version](None, now))
    assert not allows(answer)
    assert answer["context"]["status"] == "NO_CERTIFICATE"
    assert web.calls == []


@pytest.mark.parametrize(
    "text", ["CERT_CONTENT", "", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"]
)
def test_what_is_no_certificate_is_denied(authorizer, web, text):
    """As a placeholder in a sample is."""
    said = authorizer()(text)
    assert (said["allowed"], said["status"], said["serialNumber"]) == (False, "MALFORMED", "")
    assert web.calls == []


def test_a_private_key_in_the_certificates_place_is_denied_and_not_logged(authorizer):
    text = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----"
    asked = authorizer()
    assert asked(text)["status"] == "MALFORMED"
    assert "c2VjcmV0" not in asked.lines[0]


def test_nothing_is_fetched_before_the_issuers_signature_is_verified(authorizer, ca, make, web):
    """A stranger's URLs are not followed, even under the issuer's name; the issuer's are."""
    web.pages[CRL_URL] = ca.crl()
    other = type(ca)(make, None, "CN=other")
    impostor = type(ca)(make, None, "CN=issuing")
    impostor.party = make("CN=issuing", ca=True, key_label="impostor")
    asked = authorizer()
    for stranger in (other.client(), impostor.client()):
        said = asked(stranger)
        assert (said["allowed"], said["status"]) == (False, "UNKNOWN_ISSUER")
    assert web.calls == []
    assert asked(ca.client())["allowed"]
    assert web.calls == [CRL_URL]


@pytest.mark.parametrize(("digest", "expected"), [("sha1", "UNKNOWN_ISSUER"), ("sha384", "GOOD")])
def test_a_forgeable_signature_is_none(authorizer, ca, web, tmp_path, digest, expected):
    """SHA-1 by the right key, made by openssl; cryptography would not."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes the certificate, is not installed")
    (tmp_path / "ca.pem").write_text(ca.pem)
    write_private_key(ca.party.key, tmp_path / "ca.key")
    csr = build_request(ca.make.key("client"), "CN=client").public_bytes(Encoding.PEM)
    made = subprocess.run(
        [
            "openssl", "x509", "-req", f"-{digest}", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-set_serial", "77", "-days", "3650",
        ],
        input=csr, cwd=tmp_path, check=True, capture_output=True,
    ).stdout  # fmt: skip
    certificate = pem.load_certificate(made)
    # openssl dates it by the machine's clock
    later = certificate.not_valid_before_utc - ca.make.now + HOUR
    web.pages[CRL_URL] = ca.crl(start=later - HOUR, end=later + HOUR)
    said = authorizer(CRL_URL=CRL_URL)(certificate, later)
    assert said["status"] == expected


def test_of_issuers_with_one_name_the_right_one_is_found(authorizer, ca, make, client, web):
    """As in a truststore while a CA changes its key; other certificates are passed over."""
    web.pages[CRL_URL] = ca.crl()
    twin = make("CN=issuing", ca=True, key_label="twin").certificate
    leaf = make("CN=self-signed").certificate
    assert authorizer(ISSUERS_PEM=pem.to_pem(leaf, twin, ca.certificate))(client)["allowed"]
    assert authorizer(ISSUERS_PEM=pem.to_pem(leaf, twin))(client)["status"] == "UNKNOWN_ISSUER"


def test_a_certificate_is_good_in_its_dates_only(authorizer, ca, client, web):
    web.pages[CRL_URL] = ca.crl(end=800 * DAY)
    asked = authorizer(REFRESH_SECONDS="2678400")
    assert asked(client, 364 * DAY)["status"] == "GOOD"
    assert asked(client, 366 * DAY)["status"] == "OUT_OF_DATE"
    assert asked(client, -2 * HOUR)["status"] == "OUT_OF_DATE"


def test_the_time_is_the_requests_own(authorizer, ca, client, web, now, event):
    """The machine's clock serves only where a request has none; a wrong time is denied."""
    web.pages[CRL_URL] = ca.crl()
    asked = authorizer()
    for version, name in (("1.0", "requestTimeEpoch"), ("2.0", "timeEpoch")):
        for time, expected in (
            (int(now.timestamp() * 1000), "GOOD"),
            (0, "MALFORMED"),
            (-1, "MALFORMED"),
            (True, "MALFORMED"),
            (10**30, "MALFORMED"),
            ("1793610000000", "MALFORMED"),
        ):
            one = event[version](client, now)
            one["requestContext"][name] = time
            assert asked.authorizer(one)["context"]["status"] == expected, (version, time)
        one["requestContext"][name] = int((now + 8 * DAY).timestamp() * 1000)
        assert asked.authorizer(one)["context"]["status"] == "UNAVAILABLE"  # the list has ended
        asked = authorizer()
        del one["requestContext"][name]
        assert asked.authorizer(one)["context"]["status"] == "GOOD"


def test_pins_let_in_only_whom_they_name(authorizer, ca, web):
    """By name or fingerprint, of the subject and of the issuer; both kinds must fit."""
    web.pages[CRL_URL] = ca.crl()
    client = ca.client("C=FR, O=Lab\\; Co, CN=client")
    name = names.to_text(client.subject)
    assert name == r"CN=client,O=Lab\; Co,C=FR"
    its = {each: each.fingerprint(hashes.SHA256()) for each in (client, ca.certificate)}
    for pins, expected in (
        ({"PINNED_SUBJECTS": name}, "GOOD"),
        ({"PINNED_SUBJECTS": f"CN=other; {name}"}, "GOOD"),
        ({"PINNED_SUBJECTS": "cn=client, o=Lab\\; Co, c=FR"}, "GOOD"),
        ({"PINNED_SUBJECTS": its[client].hex()}, "GOOD"),
        ({"PINNED_SUBJECTS": "CN=other\nsha256:" + its[client].hex(":").upper()}, "GOOD"),
        ({"PINNED_ISSUERS": "CN=issuing"}, "GOOD"),
        ({"PINNED_ISSUERS": its[ca.certificate].hex(), "PINNED_SUBJECTS": name}, "GOOD"),
        ({"PINNED_SUBJECTS": "CN=client"}, "NOT_PINNED"),
        ({"PINNED_SUBJECTS": "C=FR,O=Lab\\; Co,CN=client"}, "NOT_PINNED"),
        ({"PINNED_SUBJECTS": its[ca.certificate].hex()}, "NOT_PINNED"),
        ({"PINNED_ISSUERS": "CN=other"}, "NOT_PINNED"),
        ({"PINNED_ISSUERS": "CN=other", "PINNED_SUBJECTS": name}, "NOT_PINNED"),
        ({"PINNED_ISSUERS": "CN=issuing", "PINNED_SUBJECTS": "CN=other"}, "NOT_PINNED"),
    ):
        said = authorizer(**pins)(client)
        assert (said["status"], said["allowed"]) == (expected, expected == "GOOD"), pins


@pytest.mark.parametrize("source", ["crl", "ocsp"])
def test_an_unavailable_source_denies_unless_configured_otherwise(
    authorizer, ca, client, web, now, source
):
    """Unreachable, nonsense, stale, by another: each is no answer; revoked is one all the same."""
    strange = ca.make.key("stranger")
    pages = {
        "crl": [
            None, b"", b"<html>", ca.crl(end=-HOUR), ca.crl(start=HOUR), ca.crl(by=strange),
            ca.crl(more=((x509.DeltaCRLIndicator(1), True),)),
        ],
        "ocsp": [
            None, b"", b"<html>", ca.ocsp(client, now, end=-HOUR / 2),
            ca.ocsp(client, now, key=strange), ca.ocsp(ca.client("CN=neighbour"), now),
        ],
    }[source]  # fmt: skip
    url = CRL_URL if source == "crl" else OCSP_URL
    for page in pages:
        web.pages = {} if page is None else {url: page}
        for choice in ("deny", "allow"):
            said = authorizer(SOURCE=source, ON_UNAVAILABLE=choice)(client)
            assert (said["status"], said["allowed"]) == ("UNAVAILABLE", choice == "allow")
            assert url in said["reason"]
    revoked = rfc6960.OCSPCertStatus.REVOKED
    web.pages = {CRL_URL: ca.crl(client), OCSP_URL: ca.ocsp(client, now, state=revoked)}
    said = authorizer(SOURCE=source, ON_UNAVAILABLE="allow")(client)
    assert (said["status"], said["allowed"]) == ("REVOKED", False)


def test_allowing_the_unavailable_allows_nothing_else(authorizer, ca, client, make, web, now):
    web.pages[OCSP_URL] = ca.ocsp(client, now, state=rfc6960.OCSPCertStatus.UNKNOWN)
    asked = authorizer(SOURCE="ocsp", ON_UNAVAILABLE="allow", PINNED_SUBJECTS="CN=client")
    stranger = make("CN=client", make("CN=other", ca=True)).certificate
    for certificate, after, expected in (
        (client, DAY * 0, "UNKNOWN"),
        (None, DAY * 0, "NO_CERTIFICATE"),
        ("", DAY * 0, "MALFORMED"),
        (stranger, DAY * 0, "UNKNOWN_ISSUER"),
        (ca.client("CN=unpinned"), DAY * 0, "NOT_PINNED"),
        (client, 400 * DAY, "OUT_OF_DATE"),
    ):
        said = asked(certificate, after)
        assert (said["status"], said["allowed"]) == (expected, False)


def test_a_certificate_that_names_no_source_needs_a_configured_one(authorizer, ca, web, now):
    """CRL_URL and OCSP_URL also take precedence over what the certificate names."""
    silent = ca.client(crl=(), ocsp=())
    s3 = "s3://bucket/ca.crl"
    web.pages = {s3: ca.crl(), "http://127.0.0.1:8080/ocsp": ca.ocsp(silent, now)}
    for source in ("crl", "ocsp"):
        said = authorizer(SOURCE=source)(silent)
        assert (said["status"], said["reason"]) == (
            "UNAVAILABLE", "it names no URL that may be followed",
        )  # fmt: skip
    assert authorizer(CRL_URL=s3)(silent)["status"] == "GOOD"
    assert authorizer(CRL_URL=s3)(ca.client())["status"] == "GOOD"
    assert authorizer(SOURCE="ocsp", OCSP_URL="http://127.0.0.1:8080/ocsp")(silent)["allowed"]
    assert CRL_URL not in web.calls


def test_only_urls_that_may_be_followed_are(authorizer, ca, web):
    """The Lambda runtime's own API is not asked for a CRL; ALLOWED_HOSTS narrows and widens."""
    inside = "http://127.0.0.1:9001/2018-06-01/runtime/invocation/next"
    web.pages = {inside: ca.crl(), CRL_URL: ca.crl()}
    assert authorizer()(ca.client(crl=(inside, "ldap://ad.test/cn=ca", CRL_URL)))["allowed"]
    assert web.calls == [CRL_URL]
    assert authorizer()(ca.client(crl=(inside,)))["status"] == "UNAVAILABLE"
    assert authorizer(ALLOWED_HOSTS="other.test")(ca.client())["status"] == "UNAVAILABLE"
    assert authorizer(ALLOWED_HOSTS="other.test CRL.test")(ca.client())["allowed"]
    assert web.calls == [CRL_URL] * 2
    assert authorizer(ALLOWED_HOSTS="127.0.0.1:9001")(ca.client(crl=(inside,)))["allowed"]


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"ISSUERS_PEM": ""}, "found neither, expected exactly one"),
        ({"ISSUERS_URI": "s3://bucket/ca.pem"}, "found both, expected exactly one"),
        ({"ISSUERS_PEM": "", "ISSUERS_URI": "s3://bucket/ca.pem"}, "s3://bucket/ca.pem cannot be"),
        ({"ISSUERS_PEM": "nonsense"}, "found no PEM block"),
        ({"SOURCE": "none"}, "SOURCE: found none, expected crl or ocsp"),
        ({"RESPONSE": "yaml"}, "RESPONSE: found yaml"),
    ],
)
def test_a_wrong_configuration_denies_and_says_so(authorizer, ca, client, web, environment, reason):
    """Also to a client that would be let in; put right, it is."""
    web.pages[CRL_URL] = ca.crl()
    asked = authorizer(**environment)
    said = asked(client)
    assert (said["allowed"], said["status"]) == (False, "MISCONFIGURED")
    assert reason in said["reason"]
    assert asked.log[0]["status"] == "MISCONFIGURED"
    assert authorizer()(client)["allowed"]


def test_issuers_without_a_ca_are_a_wrong_configuration(authorizer, make, client):
    said = authorizer(ISSUERS_PEM=pem.to_pem(make("CN=no-ca").certificate))(client)
    assert said["reason"] == "issuers: found no CA certificate, expected at least one"


def test_issuers_are_fetched_once_and_again_after_a_failure(authorizer, ca, client, web):
    uri = "s3://bucket/truststore.pem"
    web.pages[CRL_URL] = ca.crl()
    asked = authorizer(ISSUERS_PEM="", ISSUERS_URI=uri)
    assert asked(client)["status"] == "MISCONFIGURED"
    web.pages[uri] = ca.pem.encode()
    assert [asked(client)["status"] for _ in range(3)] == ["GOOD"] * 3
    assert web.calls.count(uri) == 2


def test_a_policy_allows_the_requests_own_arn_and_no_pattern(
    authorizer, ca, client, web, now, event
):
    """The path is the client's: a star in it would be a wildcard of the policy that is kept."""
    web.pages[CRL_URL] = ca.crl()
    asked = authorizer()
    arn = event["1.0"](None, now)["methodArn"]
    for path, expected in (
        ("", "Allow"), ("/$default", "Allow"), ("/%2A", "Allow"),
        ("/*", "Deny"), ("/a?b", "Deny"), ("/${aws:username}", "Deny"),
    ):  # fmt: skip
        answer = asked.authorizer(event["1.0"](client, now, methodArn=arn + path))
        (statement,) = answer["policyDocument"]["Statement"]
        assert (statement["Effect"], statement["Resource"]) == (expected, arn + path)
    for wrong in ("*", "arn:aws:s3:::bucket", "", 7, None):
        answer = asked.authorizer(event["1.0"](client, now, methodArn=wrong))
        (statement,) = answer["policyDocument"]["Statement"]
        assert (statement["Effect"], statement["Resource"]) == ("Deny", "*")
    assert allows(asked.authorizer(event["2.0"](client, now, routeArn=arn + "/*")))


def test_each_decision_is_one_line_of_json(authorizer, ca, client, web):
    """With what was decided and why, and without the certificate's text."""
    web.pages[CRL_URL] = ca.crl(client)
    asked = authorizer()
    asked(client)
    asked("line\nbreak")
    first, second = asked.log
    assert first == {
        "status": "REVOKED", "serialNumber": client.serial_number.to_bytes(16).hex(":"),
        "reason": "keyCompromise", "source": "crl", "crlNumber": "7", "decision": "deny",
        "requestId": "r-1", "arn": first["arn"], "at": "2026-11-02T09:00:00+00:00",
        "subject": "CN=client", "issuer": "CN=issuing", "url": CRL_URL, "details": [],
    }  # fmt: skip
    assert second["status"] == "MALFORMED"
    assert not any("\n" in line or "-----" in line for line in asked.lines)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=12,
)


@given(JSON)
def test_any_json_gets_a_well_formed_denial(event):
    answer = handler(event)
    assert is_well_formed(answer)
    assert not allows(answer)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_spoilt_event_gets_a_well_formed_answer(data, authorizer, ca, client, web, now, event):
    """Any one member of it replaced; what is not read changes nothing."""
    web.pages[CRL_URL] = ca.crl()
    asked = authorizer()
    version = data.draw(st.sampled_from(["1.0", "2.0"]))
    one = copy.deepcopy(event[version](client, now))
    where, path = one, []
    while isinstance(where, dict) and (not path or data.draw(st.booleans())):
        holder, name = where, data.draw(st.sampled_from(sorted(where)))
        path.append(name)
        where = where[name]
    holder[name] = data.draw(JSON)
    answer = asked.authorizer(one)
    assert is_well_formed(answer)
    read = {"version", "requestContext", "methodArn", "routeArn", "clientCertPem"}
    if not read & set(path):
        assert allows(answer)
    if path[-1] == "clientCertPem":
        assert not allows(answer)


def test_sample_events_are_answered(conformance, authorizer):
    """Those of AWS's libraries: none has a real certificate, so none is let in, and none fails."""
    samples = json.loads((conformance / "apigateway_events.json").read_text())
    asked = authorizer()
    statuses = []
    for sample in samples:
        answer = asked.authorizer(sample["event"])
        assert is_well_formed(answer)
        assert not allows(answer)
        assert (answer["context"]["status"] == "MALFORMED") >= bool(sample["clientCert"])
        statuses.append(answer["context"]["status"])
    assert len(samples) == len(asked.lines) == 102
    assert set(statuses) == {"MALFORMED", "NO_CERTIFICATE"}
    assert sum(bool(sample["clientCert"]) for sample in samples) == 34


def test_a_real_certificate_in_a_sample_event_is_let_in(
    conformance, authorizer, ca, client, web, now
):
    """The partner: the samples' shapes are those that the authorizer reads."""
    samples = json.loads((conformance / "apigateway_events.json").read_text())
    web.pages[CRL_URL] = ca.crl()
    asked = authorizer()
    shapes = set()
    for sample in samples:
        if not sample["clientCert"] or sample["type"] != "authorizer":
            continue
        one = copy.deepcopy(sample["event"])
        context = one["requestContext"]
        holder = context[sample["where"]]["clientCert"]
        holder["clientCertPem"] = pem.to_pem(client)
        for name in {"timeEpoch", "requestTimeEpoch"} & set(context):
            context[name] = int(now.timestamp() * 1000)
        assert allows(asked.authorizer(one)), sample["id"]
        shapes.add((sample["where"], one.get("version")))
    assert shapes == {("identity", "1.0"), ("identity", None), ("authentication", "2.0")}
