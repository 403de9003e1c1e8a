#!/usr/bin/env python3
"""Gets this container a key and a certificate, serves TLS with them, and renews them in time.

The same as entrypoint.sh, for an image with Python and neither nginx, openssl nor the AWS CLI.
Needs boto3 and cryptography. SOURCE says where key and certificate are from; only the first is to
be recommended, the others are there to be compared with it:

private-ca   its own key, certified by AWS Private CA; wants AUTHORITY_ARN
own-ca       its own key, certified by who answers at ISSUER_URL: a CSR in, certificates out
self-signed  its own key, certified by nobody
secret       SECRET_ID of Secrets Manager: JSON of PrivateKey, Certificate, CertificateChain
parameter    PARAMETER_NAME of Parameter Store: PEM; without certificates, if these are in S3, at
             CHAIN_S3 (s3://BUCKET/KEY)
files        KEY_FILE and CHAIN_FILE of the image

SOURCE             as above                                      (private-ca)
SERVER_NAME        the DNS name that clients ask for             (required)
TEMPLATE_ARN       what the certificate is for                   (a TLS server)
SIGNING_ALGORITHM  one that fits the CA's key                    (SHA256WITHECDSA)
DAYS               its validity, if the container has it made    (7)
REFRESH_SECONDS    how often what is stored is read again        (3600; 0: never)
TLS_FOLDER         where key and certificate are: a tmpfs        (/run/tls)
PORT               to listen on; 0: a free one                   (8443)

The role may acm-pca:IssueCertificate and acm-pca:GetCertificate, or read what is stored. SIGHUP
renews, or reads again, at once; SIGTERM ends. Connections that are open stay as they are.
"""

from __future__ import annotations

import json
import logging
import os
import re
import select
import signal
import ssl
import sys
import threading
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
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
_KEY = re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?-----END \1-----\n?", re.DOTALL)
_log = logging.getLogger("entrypoint")
Settings = dict[str, str]


@dataclass(frozen=True)
class Obtained:
    """A key with its certificate and chain, PEM, and what to call them in the log."""

    name: str
    key: str = field(repr=False)
    chain: str


def from_private_ca(settings: Settings) -> Obtained:
    """Make a key and have AWS Private CA certify it.

    Raises:
        ClientError: Private CA refuses.
        ValueError: the certificate is for another key.
    """
    pca: Any = boto3.client("acm-pca")
    key, authority = ec.generate_private_key(ec.SECP256R1()), settings["AUTHORITY_ARN"]
    arn = pca.issue_certificate(
        CertificateAuthorityArn=authority,
        Csr=_request(key, settings["SERVER_NAME"]),
        SigningAlgorithm=settings.get("SIGNING_ALGORITHM", "SHA256WITHECDSA"),
        TemplateArn=settings.get("TEMPLATE_ARN", _TEMPLATE),
        Validity={"Type": "DAYS", "Value": _days(settings)},
        IdempotencyToken=os.urandom(16).hex(),
    )["CertificateArn"]
    where = {"CertificateAuthorityArn": authority, "CertificateArn": arn}
    pca.get_waiter("certificate_issued").wait(**where)
    issued = pca.get_certificate(**where)
    chain = f"{issued['Certificate'].strip()}\n{issued.get('CertificateChain', '').strip()}\n"
    return Obtained(arn, _pem(key), chain)


def from_own_ca(settings: Settings) -> Obtained:
    """Make a key and have it certified by whoever answers at ISSUER_URL.

    Raises:
        OSError: nobody does, or the answer is a refusal.
    """
    key, url = ec.generate_private_key(ec.SECP256R1()), settings["ISSUER_URL"]
    posted = urllib.request.Request(url, _request(key, settings["SERVER_NAME"]))  # noqa: S310 - whoever starts the container sets it
    with urllib.request.urlopen(posted, timeout=30) as answer:  # noqa: S310 - likewise
        return Obtained(url, _pem(key), answer.read().decode())


def self_signed(settings: Settings) -> Obtained:
    """Make a key and sign a certificate with it."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = _name(settings["SERVER_NAME"])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=_days(settings)))
        .add_extension(_alternative(settings["SERVER_NAME"]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
    return Obtained("self-signed", _pem(key), pem)


def from_secret(settings: Settings) -> Obtained:
    """Read Secrets Manager's current version.

    Raises:
        ClientError: the role may not.
        ValueError: the secret is of another form.
    """
    found = boto3.client("secretsmanager").get_secret_value(SecretId=settings["SECRET_ID"])
    value = json.loads(found["SecretString"])
    try:
        chain = f"{value['Certificate'].strip()}\n{value.get('CertificateChain', '').strip()}\n"
        return Obtained(f"{found['Name']} {found['VersionId']}", value["PrivateKey"], chain)
    except (KeyError, TypeError, AttributeError):
        message = f"the secret {found['Name']} has no PrivateKey and Certificate"
        raise ValueError(message) from None


def from_parameter(settings: Settings) -> Obtained:
    """Read Parameter Store's newest version, and the certificates from S3 if they are there.

    Raises:
        ClientError: the role may not.
        ValueError: the parameter has no private key.
    """
    found = boto3.client("ssm").get_parameter(Name=settings["PARAMETER_NAME"], WithDecryption=True)
    text = found["Parameter"]["Value"]
    name = f"{found['Parameter']['Name']} {found['Parameter']['Version']}"
    key = _KEY.search(text)
    if key is None:
        message = f"the parameter {name} has no private key"
        raise ValueError(message)
    chain = _KEY.sub("", text)
    if place := settings.get("CHAIN_S3"):
        bucket, _, path = place.removeprefix("s3://").partition("/")
        chain = boto3.client("s3").get_object(Bucket=bucket, Key=path)["Body"].read().decode()
    return Obtained(name, key[0], chain)


def from_files(settings: Settings) -> Obtained:
    """Read what the image brought along.

    Raises:
        OSError: it is not there.
    """
    key, chain = (Path(settings[name]).read_text() for name in ("KEY_FILE", "CHAIN_FILE"))
    return Obtained(settings["CHAIN_FILE"], key, chain)


@dataclass(frozen=True)
class _Source:
    obtain: Callable[[Settings], Obtained]
    needs: tuple[str, ...] = ()
    is_stored: bool = False


_SOURCES = {
    "private-ca": _Source(from_private_ca, ("AUTHORITY_ARN",)),
    "own-ca": _Source(from_own_ca, ("ISSUER_URL",)),
    "self-signed": _Source(self_signed),
    "secret": _Source(from_secret, ("SECRET_ID",), is_stored=True),
    "parameter": _Source(from_parameter, ("PARAMETER_NAME",), is_stored=True),
    "files": _Source(from_files, ("KEY_FILE", "CHAIN_FILE"), is_stored=True),
}


def put_in_place(found: Obtained, settings: Settings) -> ssl.SSLContext:
    """Write key and chain into the tmpfs and return a TLS context with them.

    Raises:
        ValueError: the certificate is for another key; nothing has been written.
        OSError: they cannot be read as TLS wants them, or not be written.
    """
    key = serialization.load_pem_private_key(found.key.encode(), None)
    certificate = x509.load_pem_x509_certificate(found.chain.encode())
    if certificate.public_key() != key.public_key():
        message = f"{found.name}: the certificate is for another key"
        raise ValueError(message)
    folder = Path(settings.get("TLS_FOLDER", "/run/tls"))
    _write(folder / "key.pem", found.key.encode())
    _write(folder / "chain.pem", found.chain.encode())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "chain.pem", folder / "key.pem")
    return context


def _request(key: ec.EllipticCurvePrivateKey, name: str) -> bytes:
    csr = x509.CertificateSigningRequestBuilder(_name(name))
    made = csr.add_extension(_alternative(name), critical=False).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM)


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _alternative(name: str) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([x509.DNSName(name)])


def _days(settings: Settings) -> int:
    return int(settings.get("DAYS", "7"))


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


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
    """Serve until SIGTERM; 2 if a variable is missing or says nothing that is known."""
    logging.basicConfig(format="%(message)s", stream=sys.stdout)
    _log.setLevel(logging.INFO)
    settings = dict(os.environ)
    chosen = settings.get("SOURCE") or "private-ca"
    source = _SOURCES.get(chosen)
    if source is None:
        _log.error("SOURCE: found %s, expected one of %s", chosen, ", ".join(_SOURCES))
        return 2
    if missing := [name for name in (*source.needs, "SERVER_NAME") if not settings.get(name)]:
        _log.error("%s: not set", ", ".join(missing))
        return 2
    return _serve(source, settings)


def _serve(source: _Source, settings: Settings) -> int:
    signals = _signals()
    found = source.obtain(settings)
    address = ("0.0.0.0", int(settings.get("PORT", "8443")))  # noqa: S104 - a container's own
    server = Server(address, put_in_place(found, settings))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    _log.info("listening on %s with %s", server.server_port, found.name)
    usual = _days(settings) * 86400 * 2 / 3  # at two thirds of its life
    if source.is_stored:
        usual = float(settings.get("REFRESH_SECONDS", "3600"))
    pause = usual
    while True:
        came, _, _ = select.select([signals], [], [], pause or None)
        if came and signal.SIGTERM in os.read(signals, 64):
            break
        try:
            latest = source.obtain(settings)
            if latest != found:
                server.context = put_in_place(latest, settings)
        except Exception as error:  # noqa: BLE001 - the old certificate is good until its end
            _log.warning("renewal failed; the old certificate stays: %s", error)
            pause = _RETRY_SECONDS
        else:
            _log.info("%s: %s", "unchanged" if latest == found else "renewed", latest.name)
            found, pause = latest, usual
    server.shutdown()
    return 0


def _signals() -> int:
    """Return a file descriptor that the numbers of SIGHUP and SIGTERM can be read from.

    A handler that sets a `threading.Event` would wait for ever if it came while its lock is held.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    for each in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(each, lambda *_: None)
    return reading


if __name__ == "__main__":
    sys.exit(main())
