"""An OCSP responder for the CAs of the world: real answers, signed by the CA's own key.

The lightweight profile (RFC 5019): one certificate per request, nonces ignored, no certificate in
the response, because the CA itself signs. cryptography's response builder stamps the machine's
time and draws random ECDSA nonces, so the response is encoded here, from its ASN.1.

Sources: RFC 6960 sections 2.3 and 4.2; RFC 5019; AWS Private CA User Guide, "Customize OCSP URL".
"""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, mldsa, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import SignatureAlgorithmOID

from pkilab.pki.keys import signature_hash
from pkilab.simulator.acmpca.crl import REASONS
from pkilab.simulator.acmpca.publisher import ocsp_host, serves_revocation
from pkilab.simulator.acmpca.state import Authority, Issued
from pkilab.simulator.service import HttpRequest, HttpResponse, not_simulated
from pkilab.simulator.world import World

# RFC 5019 section 2.2.4 wants a nextUpdate. AWS documents only that an answer may be 60 minutes
# behind; a client that caches this one for as long as it may is just that.
VALIDITY = timedelta(minutes=60)

_SIGNATURES = {
    "SHA256WITHRSA": SignatureAlgorithmOID.RSA_WITH_SHA256,
    "SHA384WITHRSA": SignatureAlgorithmOID.RSA_WITH_SHA384,
    "SHA512WITHRSA": SignatureAlgorithmOID.RSA_WITH_SHA512,
    "SHA256WITHECDSA": SignatureAlgorithmOID.ECDSA_WITH_SHA256,
    "SHA384WITHECDSA": SignatureAlgorithmOID.ECDSA_WITH_SHA384,
    "SHA512WITHECDSA": SignatureAlgorithmOID.ECDSA_WITH_SHA512,
    "ML_DSA_44": SignatureAlgorithmOID.ML_DSA_44,
    "ML_DSA_65": SignatureAlgorithmOID.ML_DSA_65,
    "ML_DSA_87": SignatureAlgorithmOID.ML_DSA_87,
}


@asn1.sequence
class _Algorithm:
    algorithm: x509.ObjectIdentifier
    parameters: asn1.Null | None


@asn1.sequence
class _CertId:
    hash_algorithm: _Algorithm
    issuer_name_hash: bytes
    issuer_key_hash: bytes
    serial_number: int


@asn1.sequence
class _SingleResponse:
    cert_id: _CertId
    cert_status: asn1.TLV  # a CHOICE
    this_update: asn1.GeneralizedTime
    next_update: Annotated[asn1.GeneralizedTime | None, asn1.Explicit(0)]


@asn1.sequence
class _ResponseData:
    responder_key_hash: Annotated[bytes, asn1.Explicit(2)]
    produced_at: asn1.GeneralizedTime
    responses: list[_SingleResponse]


@asn1.sequence
class _BasicResponse:
    response_data: _ResponseData
    signature_algorithm: _Algorithm
    signature: asn1.BitString


@asn1.sequence
class _ResponseBytes:
    response_type: x509.ObjectIdentifier
    response: bytes


@asn1.sequence
class _Response:
    status: asn1.TLV  # an ENUMERATED
    response_bytes: Annotated[_ResponseBytes, asn1.Explicit(0)]


_SUCCESSFUL = b"\x0a\x01\x00"  # OCSPResponseStatus, ENUMERATED 0
_GOOD = b"\x80\x00"  # CertStatus: [0] IMPLICIT NULL
_UNKNOWN = b"\x82\x00"  # [2] IMPLICIT NULL
_BASIC = x509.ObjectIdentifier("1.3.6.1.5.5.7.48.1.1")  # id-pkix-ocsp-basic


class OcspResponder:
    """The responder's HTTP side, for every CA of the world.

    Args:
        world: whose clock counts.
        authorities: returns the CAs that exist now.
    """

    def __init__(self, world: World, authorities: Callable[[], Iterable[Authority]]) -> None:
        self._world, self._authorities = world, authorities

    def serves(self, host: str) -> bool:
        """Say whether a host name (without a port) is AWS's responder or a CA's custom CNAME."""
        cnames = (
            _configuration(authority).get("OcspCustomCname") for authority in self._authorities()
        )
        names = {urlsplit(f"//{cname}").hostname for cname in cnames if cname}
        return _AWS_HOST.fullmatch(host.lower()) is not None or host.lower() in names

    def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer a GET or POST of RFC 6960 appendix A.1.

        AWS's own host name selects the CAs of its Region; under any other name (a custom CNAME, a
        proxy) every CA of the world is served. What is no OCSP request gets malformedRequest.
        """
        if request.method not in {"GET", "POST"}:
            return HttpResponse(405, {"allow": "GET, POST"}, b"")
        url, now = urlsplit(request.url), self._world.clock.now()
        host = url.hostname or ""
        served = (
            authority
            for authority in self._authorities()
            if host == ocsp_host(authority.region) or not _AWS_HOST.fullmatch(host)
        )
        if request.method == "POST":
            expected = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            der = request.body if expected == "application/ocsp-request" else b""
        else:
            der = _from_path(url.path)
        answer = respond(der, served, now)
        headers = {"content-type": "application/ocsp-response"}
        if request.method == "GET" and answer[: len(_ERROR_START)] != _ERROR_START:
            headers |= _caching(answer, now)
        return HttpResponse(200, headers, answer)


_AWS_HOST = re.compile(r"ocsp\.acm-pca\.[a-z0-9-]+\.amazonaws\.com")
_ERROR_START = b"\x30\x03"  # an OCSPResponse with a status and nothing else


def _from_path(path: str) -> bytes:
    """Decode the request in a GET; Base64 that was not percent-encoded may hold slashes."""
    try:
        return base64.b64decode(unquote(path.removeprefix("/")), validate=True)
    except (ValueError, binascii.Error):
        return b""


def _caching(answer: bytes, now: datetime) -> dict[str, str]:
    """Return the headers of RFC 5019 section 6.2."""
    return {
        "last-modified": format_datetime(now, usegmt=True),
        "expires": format_datetime(now + VALIDITY, usegmt=True),
        "etag": f'"{hashlib.sha256(answer).hexdigest()}"',
        "cache-control": f"max-age={VALIDITY.seconds},public,no-transform,must-revalidate",
    }


def respond(request: bytes, authorities: Iterable[Authority], now: datetime) -> bytes:
    """Answer one OCSP request, as DER. Equal arguments give equal bytes, except with ML-DSA.

    ``good`` means that the CA issued the serial and has not revoked it; expiry is not looked at.
    ``unknown`` is a serial the CA never issued. The signature of a signed request is not checked.

    Args:
        request: an OCSPRequest for one certificate, DER.
        authorities: the CAs the responder speaks for.
        now: thisUpdate and producedAt, aware; whole seconds are kept.

    Returns:
        An OCSPResponse: malformedRequest for what cannot be read; unauthorized if the issuer is
        none of ``authorities``, has OCSP off, or is neither ACTIVE nor DISABLED.

    Raises:
        AwsError: NotImplemented, the CA has a key of a kind that acm-pca does not make.
    """
    try:
        asked = ocsp.load_der_ocsp_request(request)
        algorithm = asked.hash_algorithm
    except (ValueError, NotImplementedError, UnsupportedAlgorithm):
        return _error(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
    hashed = (asked.issuer_name_hash, asked.issuer_key_hash)
    for authority in authorities:
        certificate = authority.certificate
        if (
            certificate is not None
            and _configuration(authority).get("Enabled")
            and serves_revocation(authority, now)
            and _issuer_hashes(certificate, algorithm.name) == hashed
        ):
            return _signed(authority, certificate, asked, now.replace(microsecond=0))
    return _error(ocsp.OCSPResponseStatus.UNAUTHORIZED)


def _configuration(authority: Authority) -> dict[str, Any]:
    found: dict[str, Any] = authority.revocation_configuration.get("OcspConfiguration", {})
    return found


def _error(status: ocsp.OCSPResponseStatus) -> bytes:
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)


@functools.lru_cache(maxsize=4096)
def _issuer_hashes(certificate: x509.Certificate, algorithm: str) -> tuple[bytes, bytes]:
    """Return the hashes of name and key by which a CertID names an issuer."""
    probe = (
        ocsp.OCSPRequestBuilder()
        .add_certificate(certificate, certificate, _HASHES[algorithm][0])
        .build()
    )
    # The probe's own issuer is not this CA unless it signed itself; the key is.
    name_hash = hashlib.new(algorithm, certificate.subject.public_bytes()).digest()
    return name_hash, probe.issuer_key_hash


def _signed(
    authority: Authority, certificate: x509.Certificate, asked: ocsp.OCSPRequest, now: datetime
) -> bytes:
    cert_id = _CertId(
        hash_algorithm=_Algorithm(
            algorithm=_HASHES[asked.hash_algorithm.name][1], parameters=asn1.Null()
        ),
        issuer_name_hash=asked.issuer_name_hash,
        issuer_key_hash=asked.issuer_key_hash,
        serial_number=asked.serial_number,
    )
    single = _SingleResponse(
        cert_id=cert_id,
        cert_status=_tlv(_status(authority.issued.get(asked.serial_number))),
        this_update=asn1.GeneralizedTime(now),
        next_update=asn1.GeneralizedTime(now + VALIDITY),
    )
    key_identifier = x509.SubjectKeyIdentifier.from_public_key(certificate.public_key())
    data = _ResponseData(
        responder_key_hash=key_identifier.digest,
        produced_at=asn1.GeneralizedTime(now),
        responses=[single],
    )
    signing_algorithm = authority.configuration["SigningAlgorithm"]
    basic = _BasicResponse(
        response_data=data,
        signature_algorithm=_Algorithm(
            algorithm=_SIGNATURES[signing_algorithm],
            parameters=asn1.Null() if signing_algorithm.endswith("RSA") else None,
        ),
        signature=asn1.BitString(_sign(authority, signing_algorithm, asn1.encode_der(data)), 0),
    )
    content = _ResponseBytes(response_type=_BASIC, response=asn1.encode_der(basic))
    return asn1.encode_der(_Response(status=_tlv(_SUCCESSFUL), response_bytes=content))


def _status(issued: Issued | None) -> bytes:
    if issued is None or issued.certificate is None:
        return _UNKNOWN
    if issued.revocation is None:
        return _GOOD
    # RevokedInfo, as [1] IMPLICIT: the time, and the reason as [0] EXPLICIT unless unspecified.
    info = asn1.encode_der(asn1.GeneralizedTime(issued.revocation.at.replace(microsecond=0)))
    if issued.revocation.reason != "UNSPECIFIED":
        info += b"\xa0\x03" + x509.CRLReason(REASONS[issued.revocation.reason]).public_bytes()
    return bytes((0xA1, len(info))) + info


def _tlv(der: bytes) -> asn1.TLV:
    return asn1.decode_der(asn1.TLV, der)


def _sign(authority: Authority, signing_algorithm: str, data: bytes) -> bytes:
    key, digest = authority.key, signature_hash(signing_algorithm)
    if digest is not None and isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(data, ec.ECDSA(digest, deterministic_signing=True))
    if digest is not None and isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), digest)
    if isinstance(key, mldsa.MLDSA44PrivateKey | mldsa.MLDSA65PrivateKey | mldsa.MLDSA87PrivateKey):
        return key.sign(data)
    raise not_simulated(f"OCSP signed with {signing_algorithm}")


# The hashes a CertID may use, with their identifiers (RFC 8017 appendix B.1, RFC 5754).
_HASHES: dict[str, tuple[hashes.HashAlgorithm, x509.ObjectIdentifier]] = {
    "sha1": (hashes.SHA1(), x509.ObjectIdentifier("1.3.14.3.2.26")),  # noqa: S303 - RFC 5019's
    "sha224": (hashes.SHA224(), x509.ObjectIdentifier("2.16.840.1.101.3.4.2.4")),
    "sha256": (hashes.SHA256(), x509.ObjectIdentifier("2.16.840.1.101.3.4.2.1")),
    "sha384": (hashes.SHA384(), x509.ObjectIdentifier("2.16.840.1.101.3.4.2.2")),
    "sha512": (hashes.SHA512(), x509.ObjectIdentifier("2.16.840.1.101.3.4.2.3")),
}
