"""What a relying party sees of revocation: the CRL and the OCSP responder a certificate names.

The functions take ``fetch``, which gets a URL or posts to it as any HTTP client would
(`pkilab.lab.Lab.fetch` is one), and judge what comes back with `pkilab.pki.crl` and
`pkilab.pki.ocsp`. A list or an answer that cannot be relied on is never taken for "good".
"""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path
from typing import Protocol

from cryptography import x509

from pkilab.errors import LabError
from pkilab.pki import crl, ocsp
from pkilab.pki.pem import to_pem
from pkilab.witness import Testimony, openssl

crl_urls = crl.urls
ocsp_urls = ocsp.urls

_OK = 200
_ANY_AGE = 10**9  # seconds


class Answer(Protocol):
    """An HTTP answer."""

    @property
    def status(self) -> int:
        """The status code."""
        ...

    @property
    def body(self) -> bytes:
        """The body."""
        ...


class Fetch(Protocol):
    """GET, or POST if there is a body."""

    def __call__(self, url: str, body: bytes | None = None, *, content_type: str = "") -> Answer:
        """Return what the URL answers."""
        ...


def fetch_crl(certificate: x509.Certificate, fetch: Fetch) -> bytes:
    """Fetch the CRL that a certificate names, DER as it was served.

    Raises:
        LabError: it names none, or none of its URLs answers with one.
    """
    return _first(crl_urls(certificate), "a CRL distribution point", fetch)


def by_crl(
    certificate: x509.Certificate, issuer: x509.Certificate, *, fetch: Fetch, at: datetime
) -> crl.CrlStatus:
    """Ask the CRL that the certificate names about it.

    Raises:
        LabError: there is no CRL to ask.
        MalformedError: what was served is no CRL.
    """
    return crl.check(certificate, crl.load_crl(fetch_crl(certificate, fetch)), issuer, at)


def by_ocsp(
    certificate: x509.Certificate, issuer: x509.Certificate, *, fetch: Fetch, at: datetime
) -> ocsp.OcspStatus:
    """Ask the OCSP responder that the certificate names about it (RFC 6960 appendix A).

    Raises:
        LabError: the certificate names no responder, or none answers.
    """
    request = ocsp.build_request(certificate, issuer)
    answer = _first(
        ocsp_urls(certificate), "an OCSP responder", fetch, request, "application/ocsp-request"
    )
    return ocsp.check(answer, certificate, issuer, at)


def openssl_ocsp(
    certificate: x509.Certificate, issuer: x509.Certificate, *, fetch: Fetch
) -> Testimony:
    """Let ``openssl ocsp`` make the request and judge the answer; only the transport is ours.

    openssl compares the answer's times with the machine's clock, so they are not judged here;
    `by_ocsp` does that.

    Raises:
        LabError: no responder answers, or openssl is not installed.
    """
    files: dict[str, str | bytes] = {
        "certificate.pem": to_pem(certificate),
        "issuer.pem": to_pem(issuer),
    }
    question = ("ocsp", "-issuer", "issuer.pem", "-cert", "certificate.pem", "-no_nonce")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        openssl(*question, "-reqout", "request.der", files=files, folder=folder)
        request = (folder / "request.der").read_bytes()
        files["response.der"] = _first(
            ocsp_urls(certificate), "an OCSP responder", fetch, request, "application/ocsp-request"
        )
    return openssl(
        *question, "-respin", "response.der", "-VAfile", "issuer.pem",
        "-validity_period", str(_ANY_AGE), files=files,
    )  # fmt: skip


def _first(
    urls: tuple[str, ...], what: str, fetch: Fetch, body: bytes | None = None, kind: str = ""
) -> bytes:
    failures = []
    for url in urls:
        try:
            answer = fetch(url, body, content_type=kind)
        except LabError as error:  # such as an ldap URL; the next may be one of the web
            failures.append(str(error))
            continue
        if answer.status == _OK:
            return answer.body
        failures.append(f"{url} answered {answer.status}")
    raise LabError("; ".join(failures) or f"the certificate does not name {what}")
