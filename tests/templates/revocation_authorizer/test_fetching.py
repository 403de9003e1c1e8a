from __future__ import annotations

import contextlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.templates.revocation_authorizer.fetching import (
    Fetcher,
    UnavailableError,
    may_follow,
    shown,
)

NOWHERE = frozenset[str]()


class Pages(BaseHTTPRequestHandler):
    """A web of good and bad manners."""

    def do_GET(self):
        """Answer by path."""
        if self.path.startswith("/moved"):
            self.send_response(302)
            self.send_header("Location", "/good")
            self.end_headers()
        elif self.path in {"/good", "/drips"}:
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(BrokenPipeError):  # who asked has had enough
                for each in b"0123456789":
                    self.wfile.write(bytes([each]))
                    if self.path == "/drips":
                        time.sleep(0.1)
        elif self.path == "/vanishes":
            self.send_response(200)
            self.send_header("Content-Length", "99")
            self.end_headers()
        elif self.path == "/garbage":
            self.wfile.write(b"\0\1\2\r\n")
        else:
            self.send_error(404)

    def do_POST(self):
        """Answer with what was posted, and as what."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.headers["Content-Type"].encode() + b" " + body)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture(scope="module")
def served():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    """Whatever the machine's environment says."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_a_url_is_read_and_posted_to(served):
    fetch = Fetcher(seconds=5, most_bytes=100)
    assert fetch(f"{served}/good") == b"0123456789"
    assert fetch(f"{served}/", b"question") == b"application/ocsp-request question"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/absent", "answered 404"),
        ("/moved?signature=secret", "answered 302"),
        ("/drips", "had not answered after 0.3 s"),
        ("/vanishes", "broke off, 99 bytes early"),
        ("/garbage", "cannot be had"),
    ],
)
def test_what_cannot_be_had_is_said_with_its_url(served, path, reason):
    """And without what stands after the question mark; /good is had within the same limits."""
    fetch = Fetcher(seconds=0.3, most_bytes=100)
    began = time.monotonic()
    with pytest.raises(UnavailableError, match=reason) as caught:
        fetch(served + path)
    assert str(caught.value).startswith(served + path.partition("?")[0])
    assert "secret" not in str(caught.value)
    assert time.monotonic() - began < 0.9
    assert fetch(f"{served}/good") == b"0123456789"


def test_an_answer_may_be_as_large_as_the_limit(served):
    assert Fetcher(seconds=5, most_bytes=10)(f"{served}/good") == b"0123456789"
    with pytest.raises(UnavailableError, match="more than 9 bytes"):
        Fetcher(seconds=5, most_bytes=9)(f"{served}/good")


def test_only_the_web_and_s3_are_read(tmp_path):
    (tmp_path / "file").write_text("here")
    fetch = Fetcher(seconds=1, most_bytes=100)
    for url in (
        f"file://{tmp_path}/file",
        "ftp://ftp.test/file",
        "data:,here",
        "nonsense",
        "http://",
    ):
        with pytest.raises(UnavailableError, match="cannot be had"):
            fetch(url)


def test_an_object_of_s3_is_read_within_the_limits(lab, monkeypatch):
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="crls")
    s3.put_object(Bucket="crls", Key="a/b.crl", Body=b"0123456789")
    monkeypatch.setattr(boto3, "client", lambda name, config: lab.client(name))
    assert Fetcher(seconds=5, most_bytes=10)("s3://crls/a/b.crl") == b"0123456789"
    with pytest.raises(UnavailableError, match="more than 9 bytes"):
        Fetcher(seconds=5, most_bytes=9)("s3://crls/a/b.crl")
    for absent in ("s3://crls/absent", "s3://absent/a/b.crl"):
        with pytest.raises(UnavailableError, match=rf"{absent} cannot be had"):
            Fetcher(seconds=5, most_bytes=10)(absent)


@pytest.mark.parametrize(
    "url",
    [
        "http://crl.test/ca.crl",
        "https://bucket.s3.eu-west-1.amazonaws.com/crl/ca.crl",
        "http://CRL.Example.COM:80/ca.crl?x=1",
        "http://ocsp.acm-pca.us-east-1.amazonaws.com",
    ],
)
def test_public_names_are_followed(url):
    assert may_follow(url, NOWHERE)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f.1/",
        "http://0x7f000001/", "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://localhost/",
        "http://a.localhost/", "http://169.254.169.254/latest", "http://10.0.0.1/", "http://intranet/",
        "http://127.0.0.1.:80/", "http://crl.test:9001/", "http://crl.test:x/", "http://u:p@crl.test/",
        "http://crl.test@127.0.0.1/", "http://crl.test\\@127.0.0.1/", "file:///etc/passwd",
        "ftp://crl.test/", "ldap://crl.test/cn=ca", "s3://bucket/key", "gopher://crl.test/",
        "crl.test", "", "http://", "http://[", "http:///x", "http://crl..test/",
        "http://crl.test\r\nHost: a/",
        "http://\uff11\uff12\uff17.0.0.1/", "http://crl.test./",
    ],
)  # fmt: skip
def test_addresses_local_names_and_other_schemes_are_not_followed(url):
    assert not may_follow(url, NOWHERE)


def test_allowed_hosts_are_exactly_those_that_are_followed():
    allowed = frozenset({"crl.test", "10.0.0.1:8080"})
    for url, expected in (
        ("http://crl.test/a", True), ("https://CRL.test/a", True), ("http://10.0.0.1:8080/", True),
        ("http://crl.test:8080/", False), ("http://10.0.0.1/", False),
        ("http://a.crl.test/", False),
        ("http://other.test/", False), ("ftp://crl.test/", False), ("http://u@crl.test/", False),
    ):  # fmt: skip
        assert may_follow(url, allowed) == expected, url


@given(st.text())
def test_any_text_may_be_followed_or_not(url):
    assert may_follow(url, NOWHERE) in {True, False}
    assert "?" not in shown(url)
