import base64
import subprocess
from datetime import timedelta
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pkilint import loader, pkix
from pkilint.pkix import extension, name
from pkilint.pkix import ocsp as ocsp_lint

from pkilab.simulator.acmpca.crl import REASONS
from pkilab.simulator.acmpca.ocsp import VALIDITY, OcspResponder, respond
from pkilab.simulator.service import HttpRequest

AWS = "http://ocsp.acm-pca.us-east-1.amazonaws.com"
SHA1, SHA256 = hashes.SHA1(), hashes.SHA256()


@pytest.fixture
def authority(bench):
    """An ACTIVE CA with OCSP on."""
    return with_ocsp(bench.authority())


def with_ocsp(authority, **changes):
    configuration = {"Enabled": True, **changes}
    authority.revocation_configuration = {"OcspConfiguration": configuration}
    return authority


def request(certificate, authority, algorithm=SHA1, *, nonce=None):
    builder = ocsp.OCSPRequestBuilder().add_certificate(
        certificate, authority.certificate, algorithm
    )
    if nonce:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.build().public_bytes(Encoding.DER)


def ask(bench, authority, issued, **options):
    der = respond(request(issued.certificate, authority, **options), [authority], bench.now)
    return ocsp.load_der_ocsp_response(der)


def verify(response, public_key):
    """Check the signature with the responder's key; raises InvalidSignature."""
    tbs, signature = response.tbs_response_bytes, response.signature
    if isinstance(public_key, ec.EllipticCurvePublicKey):
        public_key.verify(signature, tbs, ec.ECDSA(response.signature_hash_algorithm))
    elif isinstance(public_key, rsa.RSAPublicKey):
        algorithm = response.signature_hash_algorithm
        public_key.verify(signature, tbs, padding.PKCS1v15(), algorithm)
    else:
        public_key.verify(signature, tbs)


@pytest.mark.parametrize(
    ("algorithm", "signing"),
    [
        ("EC_prime256v1", "SHA256WITHECDSA"),
        ("EC_prime256v1", "SHA512WITHECDSA"),
        ("EC_secp384r1", "SHA384WITHECDSA"),
        ("EC_secp521r1", "SHA512WITHECDSA"),
        ("RSA_2048", "SHA384WITHRSA"),
        ("ML_DSA_44", "ML_DSA_44"),
    ],
)
def test_a_response_is_signed_by_the_cas_own_key(bench, algorithm, signing):
    """Under its own algorithm, named as RFC 6960 wants, without a certificate."""
    authority = with_ocsp(bench.authority(algorithm=algorithm, signing=signing))
    response = ask(bench, authority, bench.issue(authority, 1))
    verify(response, authority.key.public_key())
    assert response.signature_algorithm_oid == authority.certificate.signature_algorithm_oid
    digest = x509.SubjectKeyIdentifier.from_public_key(authority.key.public_key()).digest
    assert response.responder_key_hash == digest
    assert response.certificates == []
    other = bench.authority(algorithm=algorithm, signing=signing)
    with pytest.raises(Exception, match=r"^$"):
        verify(response, other.key.public_key())


def test_good_revoked_and_unknown(bench, authority):
    """Issued, issued and revoked, never issued."""
    good, bad = bench.issue(authority, 1), bench.issue(authority, 2)
    bench.revoke(authority, bad, "SUPERSEDED")
    assert ask(bench, authority, good).certificate_status is ocsp.OCSPCertStatus.GOOD
    revoked = ask(bench, authority, bad)
    assert revoked.certificate_status is ocsp.OCSPCertStatus.REVOKED
    assert revoked.revocation_reason is x509.ReasonFlags.superseded
    assert revoked.revocation_time_utc == bench.now
    stranger = bench.issue(authority, 3)
    del authority.issued[3]
    assert ask(bench, authority, stranger).certificate_status is ocsp.OCSPCertStatus.UNKNOWN


@pytest.mark.parametrize(("reason", "flag"), REASONS.items())
def test_each_reason_is_told_unspecified_by_silence(bench, authority, reason, flag):
    """As in the CRL."""
    issued = bench.issue(authority, 1)
    bench.revoke(authority, issued, reason)
    expected = None if reason == "UNSPECIFIED" else flag
    assert ask(bench, authority, issued).revocation_reason is expected


@pytest.mark.parametrize("algorithm", [SHA1, SHA256, hashes.SHA384(), hashes.SHA512()])
def test_the_answer_names_the_certificate_as_the_question_did(bench, authority, algorithm):
    """Same hashes, same serial; the times are the world's."""
    issued = bench.issue(authority, 2**127 + 5)
    asked = ocsp.load_der_ocsp_request(request(issued.certificate, authority, algorithm))
    response = ask(bench, authority, issued, algorithm=algorithm)
    assert response.serial_number == issued.serial
    assert response.issuer_key_hash == asked.issuer_key_hash
    assert response.issuer_name_hash == asked.issuer_name_hash
    assert isinstance(response.hash_algorithm, type(algorithm))
    assert response.produced_at_utc == response.this_update_utc == bench.now
    assert response.next_update_utc == bench.now + VALIDITY


def test_a_nonce_is_ignored(bench, authority):
    """RFC 5019: the answer could come from a cache."""
    response = ask(bench, authority, bench.issue(authority, 1), nonce=b"0123456789abcdef")
    assert response.response_status is ocsp.OCSPResponseStatus.SUCCESSFUL
    assert len(response.extensions) == 0


def test_equal_questions_get_equal_bytes(bench, authority):
    """Nothing comes from the machine's clock or randomness."""
    question = request(bench.issue(authority, 1).certificate, authority)
    first = respond(question, [authority], bench.now)
    assert respond(question, [authority], bench.now) == first
    assert respond(question, [authority], bench.now + timedelta(seconds=1)) != first


@pytest.mark.parametrize(
    "spoil",
    [
        lambda ca: ca.revocation_configuration.clear(),
        lambda ca: with_ocsp(ca, Enabled=False),
        lambda ca: setattr(ca, "status", "DELETED"),
        lambda ca: setattr(ca, "status", "PENDING_CERTIFICATE"),
        lambda ca: setattr(ca, "certificate", None),
    ],
)
def test_a_ca_that_serves_no_ocsp_makes_the_responder_unauthorized(bench, authority, spoil):
    """Off, deleted, or without a certificate; a DISABLED one still answers."""
    question = request(bench.issue(authority, 1).certificate, authority)
    authority.status = "DISABLED"
    assert status(respond(question, [authority], bench.now)) == "SUCCESSFUL"
    spoil(authority)
    assert status(respond(question, [authority], bench.now)) == "UNAUTHORIZED"


def test_an_expired_ca_serves_no_ocsp(bench, authority):
    """From the second after its end."""
    question = request(bench.issue(authority, 1).certificate, authority)
    end = authority.certificate.not_valid_after_utc
    assert status(respond(question, [authority], end)) == "SUCCESSFUL"
    assert status(respond(question, [authority], end + timedelta(seconds=1))) == "UNAUTHORIZED"


def test_each_ca_is_found_among_many_and_a_stranger_is_not(bench, authority):
    """By the hashes of name and key."""
    other, absent = with_ocsp(bench.authority()), with_ocsp(bench.authority())
    for asked in (authority, other):
        question = request(bench.issue(asked, 9).certificate, asked)
        response = ocsp.load_der_ocsp_response(respond(question, [authority, other], bench.now))
        verify(response, asked.key.public_key())
    question = request(bench.issue(absent, 9).certificate, absent)
    assert status(respond(question, [authority, other], bench.now)) == "UNAUTHORIZED"


def status(der):
    return ocsp.load_der_ocsp_response(der).response_status.name


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_bytes_get_a_valid_response(bench, authority, data):
    """Garbage and damaged requests end in an OCSP error, or in an answer."""
    if not authority.issued:
        bench.issue(authority, 1)
    whole = bytearray(request(authority.issued[1].certificate, authority))
    if data.draw(st.booleans()):
        whole = data.draw(st.binary(max_size=80))
    else:
        for _ in range(data.draw(st.integers(1, 4))):
            whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
        del whole[data.draw(st.integers(0, len(whole))) :]
    found = status(respond(bytes(whole), [authority], bench.now))
    assert found in {"MALFORMED_REQUEST", "UNAUTHORIZED", "SUCCESSFUL"}


def test_two_certificates_in_one_request_are_malformed(bench, authority):
    """The lightweight profile knows one."""
    single = request(bench.issue(authority, 1).certificate, authority)
    assert single[0] == single[2] == single[4] == single[6] == 0x30
    entry = single[6:]

    def sequence(contents):
        size = bytes([len(contents)])
        return b"\x30" + (size if len(contents) < 128 else b"\x81" + size) + contents

    assert status(respond(sequence(sequence(sequence(entry))), [authority], bench.now)) == (
        "SUCCESSFUL"
    )
    double = sequence(sequence(sequence(entry + entry)))
    assert status(respond(double, [authority], bench.now)) == "MALFORMED_REQUEST"


# Outside witnesses


def test_openssl_ocsp_reads_asks_and_verifies(bench, authority, tmp_path):
    """openssl makes the request and checks signature, certificate and status."""
    good, bad = bench.issue(authority, 1), bench.issue(authority, 2)
    bench.revoke(authority, bad)
    (tmp_path / "ca.pem").write_bytes(authority.certificate.public_bytes(Encoding.PEM))
    verdicts = {}
    for issued in (good, bad):
        (tmp_path / "leaf.pem").write_bytes(issued.certificate.public_bytes(Encoding.PEM))
        named = ["-issuer", tmp_path / "ca.pem", "-cert", tmp_path / "leaf.pem"]
        run = ["openssl", "ocsp", *named, "-no_nonce", "-reqout", tmp_path / "request.der"]
        subprocess.run(run, check=True, capture_output=True)
        answer = respond((tmp_path / "request.der").read_bytes(), [authority], bench.now)
        (tmp_path / "response.der").write_bytes(answer)
        run = [
            "openssl", "ocsp", *named, "-no_nonce", "-respin", tmp_path / "response.der",
            "-CAfile", tmp_path / "ca.pem", "-VAfile", tmp_path / "ca.pem",
            "-validity_period", str(20 * 365 * 86400),
        ]  # fmt: skip
        done = subprocess.run(run, check=False, capture_output=True, text=True)
        verdicts[issued.serial] = done.stdout + done.stderr
    assert "Response verify OK" in verdicts[1]
    assert "leaf.pem: good" in verdicts[1]
    assert "Response verify OK" in verdicts[2]
    assert "leaf.pem: revoked" in verdicts[2]
    assert "Reason: keyCompromise" in verdicts[2]


def test_openssl_refuses_the_answer_of_another_ca(bench, authority, tmp_path):
    """Signed by a key that is not the issuer's."""
    issued = bench.issue(authority, 1)
    other = with_ocsp(bench.authority())
    other.certificate, other.issued = authority.certificate, authority.issued
    answer = respond(request(issued.certificate, authority), [other], bench.now)
    (tmp_path / "response.der").write_bytes(answer)
    (tmp_path / "ca.pem").write_bytes(authority.certificate.public_bytes(Encoding.PEM))
    run = [
        "openssl", "ocsp", "-respin", tmp_path / "response.der",
        "-issuer", tmp_path / "ca.pem", "-CAfile", tmp_path / "ca.pem",
        "-VAfile", tmp_path / "ca.pem", "-serial", "1",
    ]  # fmt: skip
    done = subprocess.run(run, check=False, capture_output=True, text=True)
    assert "Response Verify Failure" in done.stdout + done.stderr


@pytest.mark.parametrize("reason", [None, "UNSPECIFIED", "A_A_COMPROMISE"])
def test_pkilint_has_nothing_to_say(bench, authority, reason):
    """RFC 6960, at any severity."""
    issued = bench.issue(authority, 1)
    if reason:
        bench.revoke(authority, issued, reason)
    der = respond(request(issued.certificate, authority), [authority], bench.now)
    validator = ocsp_lint.create_pkix_ocsp_response_validator_container(
        [
            ocsp_lint.create_response_decoder(),
            pkix.create_attribute_decoder(name.ATTRIBUTE_TYPE_MAPPINGS),
            pkix.create_extension_decoder(extension.EXTENSION_MAPPINGS),
        ],
        [],
    )
    document = loader.RFC6960OCSPResponseDocumentLoader().load_der_document(der, "response")
    results = validator.validate(document.root)
    assert [each for result in results for each in result.finding_descriptions] == []


# HTTP


@pytest.fixture
def responder(bench, authority):
    """The responder of a world with that one CA."""
    return OcspResponder(bench.world, lambda: [authority])


def post(url, body, content_type="application/ocsp-request"):
    return HttpRequest("POST", url, {"content-type": content_type}, body)


def get(url):
    return HttpRequest("GET", url, {}, b"")


def test_post_and_get_answer_alike(bench, authority, responder):
    """GET carries the request in its path, percent-encoded or not, and may be cached."""
    question = request(bench.issue(authority, 1).certificate, authority)
    posted = responder.handle(post(f"{AWS}/", question))
    assert posted.headers["content-type"] == "application/ocsp-response"
    assert status(posted.body) == "SUCCESSFUL"
    text = base64.b64encode(question).decode()
    for path in (quote(text, safe=""), text):
        got = responder.handle(get(f"{AWS}/{path}"))
        assert got.body == posted.body
        assert got.headers["cache-control"].startswith("max-age=3600,public")
        assert got.headers["expires"] == "Mon, 02 Nov 2026 10:00:00 GMT"
    assert "cache-control" not in posted.headers


@pytest.mark.parametrize(
    "bad", [post(AWS, b"x"), post(AWS, b"", "text/plain"), get(f"{AWS}/a%ffb"), get(f"{AWS}/%%%")]
)
def test_what_is_no_request_gets_an_ocsp_error(responder, bad):
    """malformedRequest, over HTTP 200, not to be cached."""
    response = responder.handle(bad)
    assert (response.status, status(response.body)) == (200, "MALFORMED_REQUEST")
    assert "cache-control" not in response.headers


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60), st.binary(max_size=60))
def test_any_path_and_body_get_an_ocsp_error(responder, path, body):
    """No exception, no other format."""
    for each in (get(f"{AWS}/{path}"), post(AWS, body)):
        assert status(responder.handle(each).body) == "MALFORMED_REQUEST"


def test_a_post_of_another_type_is_no_request(bench, authority, responder):
    """Though its body is one."""
    question = request(bench.issue(authority, 1).certificate, authority)
    assert status(responder.handle(post(AWS, question, "text/plain")).body) == "MALFORMED_REQUEST"


def test_other_methods_are_not_allowed(responder):
    """HTTP 405."""
    assert responder.handle(HttpRequest("PUT", AWS, {}, b"")).status == 405


def test_awss_host_answers_for_its_region_a_cname_for_all(bench, authority, responder):
    """And the responder knows which names are its own."""
    question = request(bench.issue(authority, 1).certificate, authority)
    elsewhere = "http://ocsp.acm-pca.eu-west-1.amazonaws.com"
    assert status(responder.handle(post(AWS, question)).body) == "SUCCESSFUL"
    assert status(responder.handle(post(elsewhere, question)).body) == "UNAUTHORIZED"
    assert status(responder.handle(post("http://127.0.0.1:5000", question)).body) == "SUCCESSFUL"
    assert not responder.serves("ocsp.lab.test")
    with_ocsp(authority, OcspCustomCname="OCSP.lab.test/x")
    assert responder.serves("ocsp.lab.test")
    assert responder.serves("ocsp.acm-pca.ap-south-1.amazonaws.com")
    assert not responder.serves("ocsp.example.com")
