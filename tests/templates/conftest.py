"""cfn-lint, clients of a small CA, a web of a test's own pages, and events of API Gateway."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pkilab.pki.pem import to_pem
from pkilab.templates.revocation_authorizer.authorizer import Authorizer
from pkilab.templates.revocation_authorizer.fetching import UnavailableError

CRL_URL = "http://crl.test/ca.crl"
OCSP_URL = "http://ocsp.test"
ARN = "arn:aws:execute-api:us-east-1:111122223333:abcdef1234/test/GET/pets"


def _load(path: Path) -> ModuleType:
    name = f"templates_{path.parent.name}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def lint() -> Callable[[Path], subprocess.CompletedProcess[str]]:
    """Ask cfn-lint about a template."""

    def ask(path: Path) -> subprocess.CompletedProcess[str]:
        program = Path(sysconfig.get_path("scripts")) / "cfn-lint"
        command = [program, "--non-zero-exit-code", "informational", path]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return ask


@pytest.fixture
def lint_broken(
    lint: Callable[[Path], subprocess.CompletedProcess[str]], tmp_path: Path
) -> Callable[[Path, str, str], subprocess.CompletedProcess[str]]:
    """Ask cfn-lint about a template in which one text, which must be there, is another."""

    def ask(path: Path, old: str, new: str) -> subprocess.CompletedProcess[str]:
        text = path.read_text()
        assert old in text
        broken = tmp_path / "broken.yaml"
        broken.write_text(text.replace(old, new))
        return lint(broken)

    return ask


_PKI = Path(__file__).parents[1] / "pki"
_makers, _ocsp = _load(_PKI / "conftest.py"), _load(_PKI / "test_ocsp.py")


@pytest.fixture(scope="session")
def now() -> datetime:
    moment: datetime = _makers.NOW
    return moment


@pytest.fixture(scope="session")
def make() -> Any:
    """The certificate and CRL maker of the tests of pkilab.pki."""
    return _makers.Maker(_makers.NOW)


@pytest.fixture(scope="session")
def respond() -> Callable[..., bytes]:
    """The OCSP responder of the tests of pkilab.pki."""
    answer: Callable[..., bytes] = _ocsp.respond
    return answer


class Web:
    """Serves ``pages``: bytes, or a function of the body that was posted; counts the calls."""

    def __init__(self) -> None:
        self.pages: dict[str, Any] = {}
        self.calls: list[str] = []

    def __call__(self, url: str, body: bytes | None = None) -> bytes:
        """Fetch, as the authorizer does."""
        self.calls.append(url)
        page = self.pages.get(url)
        if page is None:
            raise UnavailableError(f"{url} cannot be had (nothing there)")
        found = page(body) if callable(page) else page
        assert isinstance(found, bytes)
        return found


class Ca:
    """An issuing CA whose certificates name `CRL_URL` and `OCSP_URL`."""

    def __init__(self, make: Any, respond: Any, name: str = "CN=issuing") -> None:
        self.make, self._respond = make, respond
        self.party = make(name, ca=True)
        self.certificate: x509.Certificate = self.party.certificate
        self.pem = to_pem(self.certificate)

    def client(
        self,
        name: str = "CN=client",
        *,
        crl: tuple[str, ...] = (CRL_URL,),
        ocsp: tuple[str, ...] = (OCSP_URL,),
        **options: Any,
    ) -> x509.Certificate:
        """Issue a certificate that names these URLs."""
        more: list[tuple[x509.ExtensionType, bool]] = []
        uri = x509.UniformResourceIdentifier
        if crl:
            points = [x509.DistributionPoint([uri(url)], None, None, None) for url in crl]
            more.append((x509.CRLDistributionPoints(points), False))
        if ocsp:
            method = x509.AuthorityInformationAccessOID.OCSP
            places = [x509.AccessDescription(method, uri(url)) for url in ocsp]
            more.append((x509.AuthorityInformationAccess(places), False))
        made = self.make(name, self.party, more=tuple(more), **options).certificate
        assert isinstance(made, x509.Certificate)
        return made

    def crl(
        self,
        *revoked: x509.Certificate,
        number: int = 7,
        start: timedelta = timedelta(hours=-1),
        end: timedelta = timedelta(days=7),
        more: tuple[tuple[x509.ExtensionType, bool], ...] = (),
        by: Any = None,
    ) -> bytes:
        """Make a CRL; ``by`` another key, to forge it."""
        made = self.make.crl(
            self.party, revoked, start=start, end=end, more=more, number=number, signed_by=by
        )
        der = made.public_bytes(Encoding.DER)
        assert isinstance(der, bytes)
        return der

    def ocsp(self, certificate: x509.Certificate, now: datetime, **options: Any) -> bytes:
        """Answer about a certificate."""
        answer = self._respond(certificate, self.certificate, self.party, now, **options)
        assert isinstance(answer, bytes)
        return answer


@pytest.fixture(scope="session")
def ca(make: Any, respond: Any) -> Ca:
    return Ca(make, respond)


@pytest.fixture(scope="session")
def client(ca: Ca) -> x509.Certificate:
    return ca.client()


@pytest.fixture
def web() -> Web:
    return Web()


class Asked:
    """An authorizer with its log, asked about certificates."""

    def __init__(self, environment: Mapping[str, str], web: Web, now: datetime) -> None:
        self.lines: list[str] = []
        self.now = now
        self.authorizer = Authorizer(
            environment,
            fetch=web,
            log=self.lines.append,
            clock=lambda: now,
            nonce=lambda: b"n" * 32,
        )

    def __call__(
        self,
        certificate: x509.Certificate | str | None,
        after: timedelta = timedelta(),
        **more: Any,
    ) -> Any:
        """Return the answer's context, with ``allowed``, to a request of payload 2.0."""
        answer = self.authorizer(event_v2(certificate, self.now + after, **more))
        assert set(answer) == {"isAuthorized", "context"}
        return answer["context"] | {"allowed": answer["isAuthorized"]}

    @property
    def log(self) -> list[dict[str, Any]]:
        """The lines, read."""
        return [json.loads(line) for line in self.lines]


@pytest.fixture
def authorizer(ca: Ca, web: Web, now: datetime) -> Callable[..., Asked]:
    """Make an authorizer that trusts the CA: ``authorizer(SOURCE="ocsp")``."""

    def build(**environment: str) -> Asked:
        return Asked({"ISSUERS_PEM": ca.pem} | environment, web, now)

    return build


def _client_cert(certificate: x509.Certificate | str | None) -> dict[str, Any]:
    if certificate is None:
        return {}
    text = certificate if isinstance(certificate, str) else to_pem(certificate)
    return {"clientCert": {"clientCertPem": text, "subjectDN": "CN=any", "serialNumber": "1"}}


def event_v1(certificate: x509.Certificate | str | None, at: datetime, **more: Any) -> Any:
    return {
        "version": "1.0",
        "type": "REQUEST",
        "methodArn": ARN,
        "headers": {"host": "api.test"},
        "requestContext": {
            "requestId": "r-1",
            "requestTimeEpoch": int(at.timestamp() * 1000),
            "identity": {"sourceIp": "192.0.2.1"} | _client_cert(certificate),
        },
    } | more


def event_v2(certificate: x509.Certificate | str | None, at: datetime, **more: Any) -> Any:
    return {
        "version": "2.0",
        "type": "REQUEST",
        "routeArn": ARN,
        "headers": {"host": "api.test"},
        "requestContext": {
            "requestId": "r-1",
            "timeEpoch": int(at.timestamp() * 1000),
            "authentication": _client_cert(certificate),
        },
    } | more


@pytest.fixture(scope="session")
def event() -> dict[str, Callable[..., Any]]:
    """Events by payload version."""
    return {"1.0": event_v1, "2.0": event_v2}
