#!/usr/bin/env python3
"""Makes this container's key and certificate, serves TLS with them, and renews them in time.

The same as entrypoint.sh, for an image with Python and neither nginx, openssl nor the AWS CLI.
Needs boto3 and cryptography, and a role that may acm-pca:IssueCertificate and
acm-pca:GetCertificate.

AUTHORITY_ARN      the private CA that issues                    (required)
SERVER_NAME        the DNS name that clients ask for             (required)
TEMPLATE_ARN       what the certificate is for                   (a TLS server)
SIGNING_ALGORITHM  one that fits the CA's key                    (SHA256WITHECDSA)
DAYS               its validity                                  (7)
TLS_FOLDER         where key and certificate are: a tmpfs        (/run/tls)
PORT               to listen on; 0: a free one                   (8443)

SIGHUP renews at once, SIGTERM ends. Connections that are open stay as they are when it renews.
"""

from __future__ import annotations

import logging
import os
import secrets
import signal
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_TEMPLATE = "arn:aws:acm-pca:::template/EndEntityServerAuthCertificate/V1"
_RETRY_SECONDS = 60.0
_log = logging.getLogger("entrypoint")


def renew(settings: dict[str, str], pca: Any) -> tuple[str, ssl.SSLContext]:  # noqa: ANN401 - boto3's
    """Make a new key, have it certified, and return the certificate's ARN and a TLS context.

    Raises:
        ClientError: Private CA refuses.
        ValueError: the certificate is for another key.
    """
    name, authority = settings["SERVER_NAME"], settings["AUTHORITY_ARN"]
    key = ec.generate_private_key(ec.SECP256R1())
    csr = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    arn = pca.issue_certificate(
        CertificateAuthorityArn=authority,
        Csr=csr.public_bytes(serialization.Encoding.PEM),
        SigningAlgorithm=settings.get("SIGNING_ALGORITHM", "SHA256WITHECDSA"),
        TemplateArn=settings.get("TEMPLATE_ARN", _TEMPLATE),
        Validity={"Type": "DAYS", "Value": int(settings.get("DAYS", "7"))},
        IdempotencyToken=secrets.token_hex(16),
    )["CertificateArn"]
    where = {"CertificateAuthorityArn": authority, "CertificateArn": arn}
    pca.get_waiter("certificate_issued").wait(**where)
    issued = pca.get_certificate(**where)
    certificate = x509.load_pem_x509_certificate(issued["Certificate"].encode())
    if certificate.public_key() != key.public_key():
        message = f"{arn} is for another key"
        raise ValueError(message)
    folder = Path(settings.get("TLS_FOLDER", "/run/tls"))
    _write(folder / "key.pem", _pem(key))
    chain = f"{issued['Certificate'].strip()}\n{issued.get('CertificateChain', '').strip()}\n"
    _write(folder / "chain.pem", chain.encode())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "chain.pem", folder / "key.pem")
    return arn, context


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write(path: Path, data: bytes) -> None:
    """Put a file in place whole, for its owner alone."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600, exist_ok=False)
    new.write_bytes(data)
    new.replace(path)


class Hello(BaseHTTPRequestHandler):
    """Answers everything alike, and keeps connections open."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Say hello."""
        body = b"hello over TLS\n"
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep no access log."""


class Server(ThreadingHTTPServer):
    """An HTTPS server whose certificate can change while it runs."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext) -> None:
        super().__init__(address, Hello)
        self.context = context  # of new connections

    def finish_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as its base
        """Do the handshake in the connection's own thread: a slow client holds up nobody."""
        request.settimeout(30)
        try:
            with self.context.wrap_socket(request, server_side=True) as secured:
                super().finish_request(secured, client_address)
        except OSError as error:  # a client that went away, or does not trust the certificate
            _log.info("%s: %s", client_address[0], error)


def main() -> int:
    """Serve until SIGTERM; 2 if a variable is missing."""
    logging.basicConfig(format="%(message)s", stream=sys.stdout)
    _log.setLevel(logging.INFO)
    settings = dict(os.environ)
    if missing := [name for name in ("AUTHORITY_ARN", "SERVER_NAME") if not settings.get(name)]:
        _log.error("%s: not set", ", ".join(missing))
        return 2
    pca = boto3.client("acm-pca")
    wake, ended = threading.Event(), threading.Event()
    signal.signal(signal.SIGHUP, lambda *_: wake.set())

    def end(*_: object) -> None:
        ended.set()
        wake.set()

    signal.signal(signal.SIGTERM, end)
    arn, context = renew(settings, pca)
    server = Server(("0.0.0.0", int(settings.get("PORT", "8443"))), context)  # noqa: S104 - a container's own
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _log.info("listening on %s with %s", server.server_port, arn)
    two_thirds = int(settings.get("DAYS", "7")) * 86400 * 2 / 3
    pause = two_thirds
    while not ended.is_set():
        wake.wait(pause)
        wake.clear()
        if ended.is_set():
            break
        try:
            arn, server.context = renew(settings, pca)
        except Exception as error:  # noqa: BLE001 - the old certificate is good until its end
            _log.warning("renewal failed; the old certificate stays: %s", error)
            pause = _RETRY_SECONDS
        else:
            _log.info("renewed: %s", arn)
            pause = two_thirds
    server.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
