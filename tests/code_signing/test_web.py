"""Getting and posting over HTTP, within limits."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pkilab.code_signing import web
from pkilab.errors import LabError


class Handler(BaseHTTPRequestHandler):
    """Answers with what was asked; ``/long`` with too much, ``/none`` with 404."""

    def answer(self, body=b""):
        """Say what was asked."""
        said = f"{self.command} {self.headers.get('content-type')} ".encode() + body
        self.send_response(404 if self.path == "/none" else 200)
        self.end_headers()
        self.wfile.write(said * (200_000 if self.path == "/long" else 1))

    def do_GET(self):
        """Answer."""
        self.answer()

    def do_POST(self):
        """Answer with the body."""
        self.answer(self.rfile.read(int(self.headers["content-length"])))

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def url(monkeypatch):
    """Of a server."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_it_gets_and_posts(url):
    """As `pkilab.revocation` and `http_tsa` ask; a status that is not 200 is an answer, too."""
    assert web.fetch(url).body == b"GET None "
    assert web.fetch(url, b"body", content_type="text/x").body == b"POST text/x body"
    assert web.fetch(f"{url}/none").status == 404


def test_it_stays_within_its_limits(url, monkeypatch):
    """Neither files, nor what never ends, nor what is not there."""
    monkeypatch.setattr(web, "_MOST_BYTES", 1_000_000)
    with pytest.raises(LabError, match="found over 1,000,000 bytes"):
        web.fetch(f"{url}/long")
    for wrong in ("file:///etc/passwd", "ldap://directory/cn=crl", "nothing"):
        with pytest.raises(LabError, match="expected http or https"):
            web.fetch(wrong)
    with pytest.raises(LabError, match=r"^http://127\.0\.0\.1:9: \[Errno \d+\]"):
        web.fetch("http://127.0.0.1:9")
    with pytest.raises(LabError):
        web.fetch("http://[broken")
