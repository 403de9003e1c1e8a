"""Time-stamping authorities: one of your own, served over HTTP, and asked by others."""

from datetime import timedelta

import pytest

from pkilab import code_signing as cs
from pkilab import witness
from pkilab.code_signing import authorities
from pkilab.errors import LabError
from pkilab.pki import pem, timestamps

HOUR = timedelta(hours=1)
DIGEST = b"d" * 32


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    """The servers are here."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def token_of(answer):
    return timestamps.parse_token(timestamps.parse_response(answer).token)


def test_a_token_says_what_it_was_asked_and_what_the_clock_says(scene):
    """The nonce, the policy, the time and how far it may be off."""
    at = scene.start + HOUR
    found = token_of(scene.tsa(at)(timestamps.build_request(DIGEST, nonce=7)))
    assert (found.digest, found.nonce, found.at) == (DIGEST, 7, at)
    assert (found.policy, found.accuracy) == (authorities.POLICY, timedelta(seconds=1))
    assert found.signed.certificates == (scene.tsa_identity.certificate,)


def test_no_two_tokens_have_one_serial_number(scene):
    """Of 128 random bits, so that no memory is needed."""
    tsa, request = scene.tsa(scene.start), timestamps.build_request(DIGEST)
    serials = {token_of(tsa(request)).serial for _ in range(20)}
    assert len(serials) == 20
    systems = cs.TimeStampAuthority(scene.tsa_identity, clock=lambda: scene.start)
    assert token_of(systems(request)).serial not in serials


def test_what_it_does_not_stamp_it_refuses(scene):
    """With the failure that the RFC has for it."""
    tsa = scene.tsa(scene.start)
    weird = timestamps.parse_response(tsa(timestamps.build_request(DIGEST, policy="1.2.3")))
    assert (weird.token, weird.failure) == (None, timestamps.Failure.UNACCEPTED_POLICY)
    assert timestamps.parse_response(tsa(b"?")).failure == timestamps.Failure.BAD_DATA_FORMAT


def test_over_http_it_is_the_same_authority(scene):
    """A URL takes the place of the object."""
    tsa = scene.tsa(scene.start + HOUR)
    with cs.serve_tsa(tsa) as url:
        signed = scene.sign(tsa=cs.http_tsa(url, cs.fetch))
    assert scene.verify(signed, policy=cs.Policy(time_stamp_required=True)).trusted
    with pytest.raises(LabError, match=r"http://127\.0\.0\.1"):
        cs.http_tsa(url, cs.fetch)(b"")


def test_openssl_and_curl_get_a_time_stamp_from_it(scene, tmp_path):
    """They make the request, carry it, and judge the answer; only the authority is ours."""
    (tmp_path / "file").write_bytes(b"anything")
    (tmp_path / "root.pem").write_text(pem.to_pem(scene.time_root))
    query = ("ts", "-query", "-data", "file", "-sha256", "-cert", "-out", "request.tsq")
    assert witness.openssl(*query, folder=tmp_path).agrees
    with cs.serve_tsa(scene.tsa(scene.start + HOUR)) as url:
        said = witness.curl(
            "--fail", "-H", f"Content-Type: {authorities.QUERY}", "--data-binary", "@request.tsq",
            "--output", "response.tsr", url, folder=tmp_path,
        )  # fmt: skip
    assert said.agrees, said.output
    verify = (
        "ts", "-verify", "-queryfile", "request.tsq", "-in", "response.tsr", "-CAfile", "root.pem",
        "-attime", str(int((scene.start + HOUR).timestamp())),
    )  # fmt: skip
    assert witness.openssl(*verify, folder=tmp_path).agrees
    (tmp_path / "file").write_bytes(b"another thing")
    assert witness.openssl(*query, folder=tmp_path).agrees
    assert not witness.openssl(*verify, folder=tmp_path).agrees


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [(b"x", "text/plain", 415), (b"x" * 20_000, authorities.QUERY, 413), (None, "", 501)],
)
def test_what_is_no_query_is_refused_by_http(scene, body, kind, status):
    """Another type, too much, a GET."""
    with cs.serve_tsa(scene.tsa(scene.start)) as url:
        answer = cs.fetch(url, body, content_type=kind)
        assert answer.status == status
        if body:
            refusing = cs.http_tsa(url, lambda *_, **__: answer)
            with pytest.raises(LabError, match=f"answered {status}"):
                refusing(body)
