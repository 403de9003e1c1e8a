"""A CA of one's own for containers: the real ``openssl ca`` in a folder, and a door to it.

What AWS Private CA does by itself is to be done here: keep the key, keep the list of what was
issued, decide who gets which name, make and publish the CRL in time, be there when a container
starts. It is as small as it can be; no log, no second machine, and whoever reaches its door and
asks for an allowed name gets a certificate.

Source: openssl-ca(1).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from pkilab import witness
from pkilab.errors import LabError, MalformedError
from pkilab.pki import pem
from pkilab.pki.keys import PrivateKey, write_private_key

_CONFIGURATION = """\
[ca]
default_ca = own
[own]
database = index.txt
new_certs_dir = .
private_key = ca.key
certificate = ca.pem
serial = serial
crlnumber = crlnumber
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[ca_extensions]
subjectKeyIdentifier = hash
basicConstraints = critical, CA:true, pathlen:0
keyUsage = critical, cRLSign, keyCertSign
[crl_extensions]
authorityKeyIdentifier = keyid:always
[req]
distinguished_name = empty
[empty]
"""
# Not from the request: who asks does not say what the certificate is good for.
_SERVER = """\
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:{name}
"""
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DNS_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*", re.ASCII)
_LONGEST = 20_000  # bytes of a request
_STATES: dict[str, Literal["valid", "revoked", "expired"]] = {
    "V": "valid",
    "R": "revoked",
    "E": "expired",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the CA's list of what it issued.

    Attributes:
        state: as openssl's database has it: ``expired`` once somebody has had that looked after.
        serial: hexadecimal.
        subject: as openssl writes it.
    """

    state: Literal["valid", "revoked", "expired"]
    serial: str
    subject: str


class OwnCa:
    """A root CA that issues to TLS servers.

    Args:
        folder: a new folder; holds the key (0600), the certificate and openssl's database.
        key: RSA, because its PKCS #1 v1.5 signatures repeat while openssl's ECDSA ones do not.
        name: the CA's common name: letters, digits, spaces and hyphens.
        at: the start of its validity. openssl would take the machine's time.
        days: its validity.

    Raises:
        LabError: openssl is missing or refuses.
        MalformedError: the key is not RSA, or the name has other characters.
        FileExistsError: the folder is there already.
    """

    def __init__(
        self, folder: Path | str, key: PrivateKey, name: str, *, at: datetime, days: int = 3650
    ) -> None:
        if not isinstance(key, rsa.RSAPrivateKey):
            raise MalformedError("own CA's key", found=type(key).__name__, expected="RSA")
        if not re.fullmatch(r"[A-Za-z0-9 -]{1,64}", name, re.ASCII):
            raise MalformedError(
                "own CA's name", found=repr(name)[:70], expected="letters, digits, spaces, hyphens"
            )
        self._folder = Path(folder)
        self._folder.mkdir(mode=0o700)
        write_private_key(key, self._folder / "ca.key")
        files = {
            "ca.cnf": _CONFIGURATION,
            "index.txt": "",
            "serial": "1000\n",
            "crlnumber": "01\n",
        }
        self._run(
            "req", "-new", "-config", "ca.cnf", "-key", "ca.key", "-subj", f"/CN={name}",
            "-out", "ca.csr", files=files,
        )  # fmt: skip
        self._ca(
            "-selfsign", "-extensions", "ca_extensions", *_period(at, days), "-notext",
            "-in", "ca.csr", "-out", "ca.pem",
        )  # fmt: skip

    @property
    def certificate(self) -> x509.Certificate:
        """Its certificate, which clients must have been given."""
        return pem.load_certificate((self._folder / "ca.pem").read_bytes())

    def issue(
        self, csr: x509.CertificateSigningRequest, name: str, *, at: datetime, days: int = 7
    ) -> x509.Certificate:
        """Certify a key for a TLS server.

        Args:
            csr: of it, the key counts, and that it was signed with; nothing else is taken over
                but the common name.
            name: the DNS name, in small letters.
            at: the start of the validity.
            days: its length.

        Raises:
            MalformedError: it is no DNS name.
            LabError: openssl refuses the request.
        """
        if _DNS_NAME.fullmatch(name) is None:
            raise MalformedError("server's name", found=repr(name)[:70], expected="a DNS name")
        files = {
            "server.csr": csr.public_bytes(Encoding.PEM).decode(),
            "server.ext": _SERVER.format(name=name),
        }
        self._ca(
            "-extfile", "server.ext", *_period(at, days), "-notext", "-subj", f"/CN={name}",
            "-in", "server.csr", "-out", "server.pem", files=files,
        )  # fmt: skip
        return pem.load_certificate((self._folder / "server.pem").read_bytes())

    def revoke(self, certificate: x509.Certificate) -> None:
        """Mark a certificate as revoked. Nobody learns of it before the next CRL is made.

        Raises:
            LabError: it is not of this CA, or revoked already.
        """
        files = {"revoked.pem": pem.to_pem(certificate)}
        self._ca("-revoke", "revoked.pem", "-crl_reason", "keyCompromise", files=files)

    def crl(self, *, at: datetime, days: int = 7) -> bytes:
        """Make the next CRL, DER; it is on whoever runs the CA to publish it.

        Args:
            at: its thisUpdate.
            days: from there to nextUpdate.

        Raises:
            LabError: openssl refuses.
        """
        start, end = (f"{each:%Y%m%d%H%M%SZ}" for each in (at, at + timedelta(days=days)))
        self._ca(
            "-gencrl", "-crlexts", "crl_extensions", "-crl_lastupdate", start,
            "-crl_nextupdate", end, "-out", "ca.crl",
        )  # fmt: skip
        crl = x509.load_pem_x509_crl((self._folder / "ca.crl").read_bytes())
        return crl.public_bytes(Encoding.DER)

    def index(self) -> tuple[Entry, ...]:
        """Return its list of what it issued, its own certificate first."""
        lines = (self._folder / "index.txt").read_text().splitlines()
        fields = (line.split("\t") for line in lines)
        return tuple(Entry(_STATES[each[0]], each[3], each[5]) for each in fields)

    def _ca(self, *arguments: str, files: dict[str, str] | None = None) -> None:
        self._run("ca", "-batch", "-config", "ca.cnf", *arguments, files=files)

    def _run(self, *arguments: str, files: dict[str, str] | None = None) -> None:
        said = witness.openssl(*arguments, files=files, folder=self._folder)
        if not said.agrees:
            raise LabError(f"openssl {arguments[0]} refused: {said.output}")


@contextmanager
def listen(
    ca: OwnCa, names: Collection[str], *, now: Callable[[], datetime], days: int = 7
) -> Iterator[str]:
    """Answer containers: a certificate request is posted, certificates are answered.

    Without TLS, and without asking who is there: whoever reaches the URL gets a certificate for an
    allowed name. That a real one must not do.

    Args:
        ca: who signs.
        names: for which it may.
        now: the time.
        days: the certificates' validity.

    Yields:
        The URL.
    """

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            status, body = _answer(ca, names, self.rfile.read(min(length, _LONGEST)), now(), days)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep no log: that, too, is missing."""

    server = HTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _answer(
    ca: OwnCa, names: Collection[str], body: bytes, now: datetime, days: int
) -> tuple[int, bytes]:
    """Return the status and body that a request gets."""
    try:
        csr = pem.load_request(body)
        wanted = _wanted(csr)
    except MalformedError as error:
        return 400, str(error).encode()
    if wanted not in names:
        return 403, f"{wanted}: not among the names that are issued here\n".encode()
    try:
        issued = ca.issue(csr, wanted, at=now, days=days)
    except (LabError, MalformedError) as error:
        return 400, str(error).encode()
    return 200, pem.to_pem(issued, ca.certificate).encode()


def _wanted(csr: x509.CertificateSigningRequest) -> str:
    """Return the one DNS name that a request asks for.

    Raises:
        MalformedError: it asks for none or several, or for what cannot be read.
    """
    try:
        found = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        dns_names = found.value.get_values_for_type(x509.DNSName)
    except (ValueError, x509.ExtensionNotFound) as error:
        raise MalformedError("request", found=str(error)[:60], expected="a DNS name") from error
    if len(dns_names) != 1:
        raise MalformedError("request", found=f"{len(dns_names)} DNS names", expected="one")
    return str(dns_names[0])


def _period(at: datetime, days: int) -> tuple[str, str, str, str]:
    start, end = (f"{moment:%Y%m%d%H%M%SZ}" for moment in (at, at + timedelta(days=days)))
    return "-startdate", start, "-enddate", end
