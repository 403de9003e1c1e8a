"""What a verifier needs years later, inside the message: CRLs, OCSP answers and certificates.

SignedData has a field for each (RFC 5652, 5.1). None is signed, and none needs to be: whoever uses
a CRL or an answer verifies it by itself, and may have got it from anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pkilab.pki import _cms_asn1 as der
from pkilab.pki import cms, ocsp
from pkilab.pki._ber import Element

_THING = "CMS message"
_ID_SIGNED_DATA = "1.2.840.113549.1.7.2"
_OCSP_RESPONSE = "1.3.6.1.5.5.7.16.2"  # id-ri-ocsp-response (RFC 5940, 2.1)
_OTHER = der.context(1)  # RevocationInfoChoice: other [1] IMPLICIT OtherRevocationInfoFormat
_WITH_OTHER = 5  # RFC 5652, 5.1: the version of a message with such


def add_evidence(
    message: bytes,
    *,
    crls: Iterable[x509.CertificateRevocationList] = (),
    ocsp_responses: Iterable[bytes] = (),
    certificates: Iterable[x509.Certificate] = (),
) -> bytes:
    """Return a message that also holds these; what it holds already is kept, copies are dropped.

    Nothing that is signed changes, so signatures and time stamps stay as they are.

    Args:
        message: DER or PEM of SignedData.
        crls: of any issuer.
        ocsp_responses: DER of each (RFC 5940).
        certificates: such as CAs that the message lacks.

    Raises:
        MalformedError: the message or an answer is none.
    """
    version, digests, content, held, infos, signers = _fields(cms.parse(message))
    answers = list(ocsp_responses)
    for each in answers:
        ocsp.read_response(each)
    more = [each.public_bytes(Encoding.DER) for each in crls]
    more += [der.retagged(_OTHER, der.sequence(der.oid(_OCSP_RESPONSE), each)) for each in answers]
    known = tuple(each.public_bytes(Encoding.DER) for each in certificates)
    kept = [each.whole for each in infos]
    if any(each[0] == _OTHER for each in (*kept, *more)):
        version = der.primitive(_WITH_OTHER)
    signed_data = der.sequence(
        version,
        digests,
        content,
        _set(0, [each.whole for each in held], known),
        _set(1, kept, more),
        signers,
    )
    return der.sequence(der.oid(_ID_SIGNED_DATA), der.tagged(0, signed_data))


def ocsp_responses(signed: cms.SignedData) -> tuple[bytes, ...]:
    """Return the OCSP answers that a message brings, DER. Nothing is verified.

    Raises:
        MalformedError: what stands in their place cannot be read.
    """
    found = []
    for info in _fields(signed)[4]:
        if info.tag != _OTHER:
            continue
        fields = der.Fields(info, _THING, _OTHER)
        if der.dotted(fields.take(der.OID), _THING) == _OCSP_RESPONSE:
            found.append(fields.take(der.SEQUENCE).whole)
    return tuple(found)


def _fields(
    signed: cms.SignedData,
) -> tuple[bytes, bytes, bytes, tuple[Element, ...], tuple[Element, ...], bytes]:
    """Return the fields of a message: certificates and revocation infos cut, the others whole."""
    explicit = der.whole(signed.encoded, _THING).children()[1]
    fields = der.Fields(der.only(explicit, _THING, der.context(0)), _THING)
    version, digests, content = (fields.take().whole for _ in range(3))
    certificates, infos = fields.maybe(der.context(0)), fields.maybe(der.context(1))
    return (
        version,
        digests,
        content,
        der.children(certificates, _THING) if certificates else (),
        der.children(infos, _THING) if infos else (),
        fields.take(der.SET).whole,
    )


def _set(number: int, kept: Iterable[bytes], more: Iterable[bytes]) -> bytes:
    """Return an IMPLICIT SET OF, or nothing where it would be empty."""
    elements = dict.fromkeys((*kept, *more))
    return der.retagged(der.context(number), der.set_of(*elements)) if elements else b""
