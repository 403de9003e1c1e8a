"""The signed object of AWS's code-signing sample: a format of its own, and what it leaves open.

AWS's post "How to use DIY code signing with AWS KMS and AWS Private CA" first signed data so::

    CustomCodeSigningObject ::= SEQUENCE {
        tbs        SEQUENCE { data BIT STRING, subject Name },
        algorithm  AlgorithmIdentifier,
        signature  BIT STRING }

where the subject is that of the signer's certificate and the signature is over the DER of tbs. It
is kept here to be compared with CMS (`pkilab.pki.cms`), which later versions of the sample use:
`NOT_CHECKED` says what is missing. The object does not hold the certificate; that travels beside.

Source: github.com/aws-samples/diy-code-signing-kms-private-ca, CustomCodeSigningObject.java.
"""

from __future__ import annotations

import base64
import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.hazmat import asn1

from pkilab.errors import MalformedError, VerificationError
from pkilab.pki import _cms_algorithms as algorithms
from pkilab.pki import _cms_asn1 as der
from pkilab.pki import pem
from pkilab.pki.certificates import UNREADABLE, label
from pkilab.pki.chains import Verdict, verify_chain

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography import x509

    from pkilab.pki._ber import Element
    from pkilab.pki.cms import Signer

_THING = "signed object"
_LABEL = "CUSTOM OBJECT"
MOST_BYTES = 16 * 2**20

NOT_CHECKED = (
    "what the certificate is for: one for TLS servers signs code as well (no codeSigning)",
    "revocation: a certificate that was revoked still serves",
    "when it was signed: there is no time stamp, so all signatures end with the certificate",
    "which certificate: the object names a subject, so it must be the only one of that name",
    "which data: whoever validates must compare what was signed with what was meant",
)
"""What the sample's validation leaves open, each shown by a test of this module."""


@dataclass(frozen=True, slots=True)
class SignedObject:
    """An object of the sample, as it stands; nothing of it is verified.

    Args:
        data: what is signed.
        subject: DER of the Name that should be the subject of the signer's certificate.
        algorithm: of the signature, in KMS's words, or the number of one that is not modelled.
        signature: the signature value.
        signed: the DER it is over.
    """

    data: bytes
    subject: bytes = field(repr=False)
    algorithm: algorithms.SignatureAlgorithm | str
    signature: bytes = field(repr=False)
    signed: bytes = field(repr=False)


def build(data: bytes, signer: Signer) -> str:
    """Sign ``data`` as the sample does, and return the object's text.

    The sample signs with ``RSASSA_PKCS1_V1_5_SHA_256`` and MessageType RAW, so that KMS takes
    about 4,000 bytes of data and no more.

    Raises:
        MalformedError: the signer's algorithm is not for its key.
        VerificationError: the signer did not sign with the key of its certificate.
    """
    key = signer.certificate.public_key()
    algorithm = algorithms.named(signer.algorithm, key)
    tbs = der.sequence(der.bit_string(data), der.subject(signer.certificate))
    signature = signer.sign(tbs)
    if not algorithm.verifies(key, signature, tbs):
        raise VerificationError(
            "new signature",
            (f"it is not {signer.algorithm} by the key of {label(signer.certificate)}",),
        )
    encoded = der.sequence(tbs, algorithm.identifier(), der.bit_string(signature))
    body = textwrap.fill(base64.b64encode(encoded).decode("ascii"), 64)
    return f"-----BEGIN {_LABEL}-----\n{body}\n-----END {_LABEL}-----\n"


def parse(data: bytes | str) -> SignedObject:
    """Read an object, its text or DER. Nothing is verified.

    Raises:
        MalformedError: it is none, or over `MOST_BYTES`.
    """
    if len(data) > 2 * MOST_BYTES:
        raise MalformedError(_THING, found=f"{len(data)} bytes", expected=f"{MOST_BYTES} at most")
    ders = pem.blocks(data, _THING, (_LABEL,))
    if len(ders) != 1:
        raise MalformedError(_THING, found=f"{len(ders)} of them", expected="one")
    fields = der.Fields(der.whole(ders[0], _THING), _THING)
    tbs = fields.take(der.SEQUENCE)
    algorithm = algorithms.read_signature(fields.take(der.SEQUENCE), None, _THING)
    signature = _bits(fields.take(der.BIT_STRING))
    fields.end()
    inner = der.Fields(tbs, _THING)
    content, subject = _bits(inner.take(der.BIT_STRING)), inner.take(der.SEQUENCE).whole
    inner.end()
    return SignedObject(content, subject, algorithm, signature, tbs.whole)


def validate(
    signed: SignedObject,
    root_pem: str,
    chain_pem: str,
    *,
    at: datetime,
    data: bytes | None = None,
) -> Verdict:
    """Judge an object as the sample does: a path, one certificate of that name, its signature.

    Args:
        signed: the object.
        root_pem: the only anchor.
        chain_pem: certificates, the signer's among them, in any order.
        at: the aware time to judge by; the sample takes now.
        data: if given, what must have been signed; the sample does not look.

    Not checked: all of `NOT_CHECKED`.

    Raises:
        MalformedError: PEM that is none, or ``at`` without a time zone.
    """
    root, certificates = pem.load_certificate(root_pem), pem.load_certificates(chain_pem)
    distinct = tuple(dict.fromkeys(certificates))
    named = [each for each in distinct if _has_subject(each, signed.subject)]
    if not named:
        return Verdict(False, ("no certificate has the subject that the object names",), ())  # noqa: FBT003 - a field of a value
    verdicts = [verify_chain(each, intermediates=distinct, roots=(root,), at=at) for each in named]
    best = next((each for each in verdicts if each.trusted), verdicts[0])
    reasons = list(best.reasons)
    if len(named) != 1:
        reasons.append(f"{len(named)} certificates have the subject that the object names")
    elif isinstance(signed.algorithm, str):
        reasons.append(f"it is signed with {signed.algorithm}, which is not modelled")
    elif not _is_signed_by(named[0], signed, signed.algorithm):
        reasons.append(f"the signature is not by the key of {label(named[0])}")
    if data is not None and data != signed.data:
        reasons.append("other data was signed")
    return Verdict(not reasons, tuple(reasons), best.chain)


def _has_subject(certificate: x509.Certificate, subject: bytes) -> bool:
    return der.subject(certificate) == subject


def _is_signed_by(
    certificate: x509.Certificate,
    signed: SignedObject,
    algorithm: algorithms.SignatureAlgorithm,
) -> bool:
    try:
        key = certificate.public_key()
    except UNREADABLE:
        return False
    return algorithm.verifies(key, signed.signature, signed.signed)


def _bits(element: Element) -> bytes:
    bits = der.decode(asn1.BitString, element, _THING)
    if bits.padding_bits():
        raise MalformedError(_THING, found="a broken byte", expected="a BIT STRING of bytes")
    return bits.as_bytes()
