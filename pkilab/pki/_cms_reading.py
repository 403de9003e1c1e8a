"""What a CMS message of type SignedData holds, as values (RFC 5652), and reading it.

Nothing is verified here; `pkilab.pki.cms` makes and verifies, and hands these values out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from pkilab.errors import MalformedError
from pkilab.pki import _cms_algorithms as algorithms
from pkilab.pki import _cms_asn1 as der
from pkilab.pki import pem
from pkilab.pki._ber import Element
from pkilab.pki._cms_algorithms import SignatureAlgorithm
from pkilab.pki.certificates import UNREADABLE, extension_value

# RFC 5652, 4, 5 and 11; RFC 5035, 3; RFC 2634, 5.4; RFC 3161, appendix A; RFC 6211, 2.
ID_DATA = "1.2.840.113549.1.7.1"
ID_SIGNED_DATA = "1.2.840.113549.1.7.2"
CONTENT_TYPE = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
SIGNING_TIME = "1.2.840.113549.1.9.5"
SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12"
SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
TIME_STAMP_TOKEN = "1.2.840.113549.1.9.16.2.14"  # noqa: S105 - an object identifier
ALGORITHM_PROTECTION = "1.2.840.113549.1.9.52"
# Those that stand once, with one value.
_SINGLE = (
    CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_TIME, SIGNING_CERTIFICATE, SIGNING_CERTIFICATE_V2,
    ALGORITHM_PROTECTION,
)  # fmt: skip

MOST_BYTES = 16 * 2**20  # of a message with its content inside; larger ones are signed detached
_MOST_SIGNERS, _MOST_CERTIFICATES = 32, 256
_LABELS = ("CMS", "PKCS7")  # RFC 7468, 9; the second is old tools'
THING = "CMS message"
BY_ISSUER, BY_KEY = 1, 3  # RFC 5652, 5.3: the version that goes with each SignerIdentifier


@dataclass(frozen=True, slots=True)
class Attribute:
    """A signed or unsigned attribute: its type, dotted, and its values as they are encoded."""

    oid: str
    values: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class SignerId:
    """How a SignerInfo names its certificate: issuer (DER) and serial number, or key identifier."""

    issuer: bytes | None = None
    serial: int | None = None
    key_identifier: bytes | None = None

    def names(self, certificate: x509.Certificate) -> bool:
        """Whether it names this certificate; False for one that cannot be read."""
        try:
            if self.key_identifier is None:
                return der.issuer_and_serial(certificate) == (self.issuer, self.serial)
            own = extension_value(certificate, x509.SubjectKeyIdentifier)
        except UNREADABLE:
            return False
        return own is not None and own.digest == self.key_identifier

    def __str__(self) -> str:
        if self.key_identifier is not None:
            return f"the certificate with key identifier {self.key_identifier.hex(':')}"
        return f"the certificate with serial number {self.serial:x}"


@dataclass(frozen=True, slots=True)
class CertificateId:
    """An ESSCertID or ESSCertIDv2: the digest of a certificate, and its issuer and serial."""

    hash_name: str
    digest: bytes
    issuer: bytes | None = None
    serial: int | None = None

    def names(self, certificate: x509.Certificate) -> bool:
        """Whether it names this certificate; False for a hash that is not modelled."""
        hashed = {**algorithms.HASHES, "sha1": hashes.SHA1()}.get(self.hash_name)  # noqa: S303 - RFC 2634's
        if hashed is None or certificate.fingerprint(hashed) != self.digest:
            return False
        return self.serial is None or der.issuer_and_serial(certificate) == (
            self.issuer,
            self.serial,
        )


@dataclass(frozen=True, slots=True)
class SignerInfo:
    """One signature of a message, as it claims to be.

    Args:
        identifier: names the signer's certificate.
        digest_algorithm: ``sha256``, or the number of one that is not modelled.
        algorithm: of the signature, or the number of one that is not modelled.
        signature: the signature value, which a time stamp is over.
        signed_attributes: in the order they stand; empty where there are none.
        unsigned_attributes: likewise; anybody may have added them.
        signed: the DER that the signature is over.
        content_type: signed attribute, as all that follow: None where it is absent.
        message_digest: of the content.
        signing_time: what the signer claims; it proves nothing.
        signing_certificate: the certificate the signer meant (RFC 5035, or RFC 2634 with SHA-1).
        swapped: whether the algorithms are others than the signer protected (RFC 6211).
        time_stamps: RFC 3161 tokens from the unsigned attributes, DER.
    """

    identifier: SignerId
    digest_algorithm: str
    algorithm: SignatureAlgorithm | str
    signature: bytes = field(repr=False)
    signed_attributes: tuple[Attribute, ...] = field(repr=False)
    unsigned_attributes: tuple[Attribute, ...] = field(repr=False)
    signed: bytes = field(repr=False)
    content_type: str | None
    message_digest: bytes | None = field(repr=False)
    signing_time: datetime | None
    signing_certificate: tuple[CertificateId, ...] = field(repr=False)
    swapped: bool
    time_stamps: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignedData:
    """A CMS message of type SignedData, as it stands; nothing of it is verified.

    Args:
        content_type: of what is signed, dotted; `ID_DATA` for any file.
        content: what is signed, if the message holds it; None if it is detached.
        certificates: those the message brings, in the order they stand. Anybody may have put
            them there.
        crls: CRLs the message brings.
        signers: one for each signature.
        encoded: the message as it was read.
    """

    content_type: str
    content: bytes | None = field(repr=False)
    certificates: tuple[x509.Certificate, ...]
    crls: tuple[x509.CertificateRevocationList, ...]
    signers: tuple[SignerInfo, ...]
    encoded: bytes = field(repr=False)

    @property
    def digest_algorithms(self) -> tuple[str, ...]:
        """The digests of the content that are needed to verify all signatures, if modelled."""
        names = dict.fromkeys(each.digest_algorithm for each in self.signers)
        return tuple(name for name in names if name in algorithms.CONTENT_HASHES)


def protection(digest: bytes, signature: bytes) -> bytes:
    """Return CMSAlgorithmProtection of two AlgorithmIdentifiers (RFC 6211, 2)."""
    return der.sequence(digest, der.retagged(der.context(1), signature))


def parse(data: bytes | str) -> SignedData:
    """Read one message, DER, BER or PEM. Nothing is verified.

    Certificates and revocation information of kinds that X.509 does not have are passed over.

    Raises:
        MalformedError: it is not SignedData, is over `MOST_BYTES`, or holds what cannot be read.
    """
    if len(data) > 2 * MOST_BYTES:
        raise MalformedError(THING, found=f"{len(data)} bytes", expected=f"{MOST_BYTES} at most")
    ders = pem.blocks(data, THING, _LABELS)
    if len(ders) != 1 or len(ders[0]) > MOST_BYTES:
        raise MalformedError(
            THING, found=f"{len(ders)} of them", expected=f"one, of {MOST_BYTES} bytes at most"
        )
    outer = der.Fields(der.whole(ders[0], THING), THING)
    kind = der.dotted(outer.take(der.OID), THING)
    if kind != ID_SIGNED_DATA:
        raise MalformedError(THING, found=f"content type {kind}", expected="SignedData")
    fields = der.Fields(der.only(outer.take(), THING, der.context(0)), THING)
    outer.end()
    if der.integer(fields.take(der.INTEGER), THING) not in {1, 3, 4, 5}:  # RFC 5652, 5.1
        raise MalformedError(THING, found="another version", expected="1, 3, 4 or 5")
    fields.take(der.SET)  # the digest algorithms, a hint for readers of streams
    content_type, content = _read_content(fields.take(der.SEQUENCE))
    certificates = _of_x509(fields.maybe(der.context(0)), _MOST_CERTIFICATES)
    crls = _of_x509(fields.maybe(der.context(1)), _MOST_CERTIFICATES)
    infos = der.children(fields.take(der.SET), THING)
    fields.end()
    if len(infos) > _MOST_SIGNERS:
        raise MalformedError(
            THING, found=f"{len(infos)} signers", expected=f"{_MOST_SIGNERS} at most"
        )
    return SignedData(
        content_type=content_type,
        content=content,
        certificates=tuple(
            pem.load_der(each, "certificate", x509.load_der_x509_certificate)
            for each in certificates
        ),
        crls=tuple(pem.load_der(each, "CRL", x509.load_der_x509_crl) for each in crls),
        signers=tuple(_read_signer(each) for each in infos),
        encoded=ders[0],
    )


def _read_content(element: Element) -> tuple[str, bytes | None]:
    fields = der.Fields(element, THING)
    content_type = der.dotted(fields.take(der.OID), THING)
    explicit = fields.maybe(der.context(0))
    fields.end()
    if explicit is None:
        return content_type, None
    return content_type, der.octets(der.only(explicit, THING, der.context(0)), THING)


def _of_x509(element: Element | None, most: int) -> tuple[bytes, ...]:
    """Return the certificates or CRLs of a set; other choices have context tags."""
    found = der.children(element, THING) if element else ()
    if len(found) > most:
        raise MalformedError(THING, found=f"{len(found)} elements", expected=f"{most} at most")
    return tuple(each.whole for each in found if each.tag == der.SEQUENCE)


def _read_signer(element: Element) -> SignerInfo:
    thing = "SignerInfo"
    fields = der.Fields(element, thing)
    version = der.integer(fields.take(der.INTEGER), thing)
    identifier = _read_identifier(fields.take(), thing)
    if version != (BY_ISSUER if identifier.key_identifier is None else BY_KEY):
        raise MalformedError(thing, found=f"version {version}", expected="that of its identifier")
    digest_element = fields.take(der.SEQUENCE)
    digest_algorithm = algorithms.read_digest(digest_element, thing)
    attributes = fields.maybe(der.context(0))
    signature_element = fields.take(der.SEQUENCE)
    algorithm = algorithms.read_signature(signature_element, digest_algorithm, thing)
    signature = der.octets(fields.take(), thing)
    unsigned = _read_attributes(fields.maybe(der.context(1)), "unsigned attributes")
    fields.end()
    signed = _read_attributes(attributes, "signed attributes")
    single = {oid: _single(signed, oid) for oid in _SINGLE}
    content_type, claimed = single[CONTENT_TYPE], single[SIGNING_TIME]
    message_digest, protected = single[MESSAGE_DIGEST], single[ALGORITHM_PROTECTION]
    return SignerInfo(
        identifier=identifier,
        digest_algorithm=digest_algorithm,
        algorithm=algorithm,
        signature=signature,
        signed_attributes=signed,
        unsigned_attributes=unsigned,
        # RFC 5652, 5.4: the DER of the SET, not of the [0] that stands in the message.
        signed=der.set_in_order(attributes.contents) if attributes else b"",
        content_type=der.dotted(content_type, "content-type") if content_type else None,
        message_digest=der.octets(message_digest, "message-digest") if message_digest else None,
        signing_time=der.read_time(claimed, "signing-time") if claimed else None,
        signing_certificate=_read_signing_certificate(single),
        swapped=protected is not None
        and protected.whole != protection(digest_element.whole, signature_element.whole),
        time_stamps=tuple(
            value for each in unsigned if each.oid == TIME_STAMP_TOKEN for value in each.values
        ),
    )


def _read_identifier(element: Element, thing: str) -> SignerId:
    if element.tag == der.context(0, primitive=True):
        return SignerId(key_identifier=element.contents)
    fields = der.Fields(element, thing)
    issuer = fields.take(der.SEQUENCE).whole
    serial = der.integer(fields.take(der.INTEGER), thing)
    fields.end()
    return SignerId(issuer, serial)


def _read_attributes(element: Element | None, thing: str) -> tuple[Attribute, ...]:
    found = []
    for each in der.children(element, thing) if element else ():
        fields = der.Fields(each, thing)
        oid = der.dotted(fields.take(der.OID), thing)
        values = tuple(value.whole for value in fields.take(der.SET).children())
        fields.end()
        found.append(Attribute(oid, values))
    return tuple(found)


def _single(attributes: tuple[Attribute, ...], oid: str) -> Element | None:
    values = [value for each in attributes if each.oid == oid for value in each.values]
    if not any(each.oid == oid for each in attributes):
        return None
    if len(values) != 1 or sum(each.oid == oid for each in attributes) != 1:
        raise MalformedError(f"attribute {oid}", found=f"{len(values)} values", expected="one")
    return der.whole(values[0], f"attribute {oid}")


def _read_signing_certificate(single: Mapping[str, Element | None]) -> tuple[CertificateId, ...]:
    """Return the first certificate of both attributes: that of the signer (RFC 5035, 3)."""
    found = []
    for attribute, default in ((SIGNING_CERTIFICATE_V2, "sha256"), (SIGNING_CERTIFICATE, "sha1")):
        element = single[attribute]
        if element is None:
            continue
        thing = "signing-certificate"
        first = der.Fields(der.Fields(element, thing).take(der.SEQUENCE), thing).take()
        fields = der.Fields(first, thing)
        hash_name, hashed = default, fields.take(der.SEQUENCE, der.OCTET_STRING)
        if hashed.tag == der.SEQUENCE and attribute == SIGNING_CERTIFICATE_V2:
            hash_name = algorithms.read_digest(hashed, thing)
            hashed = fields.take(der.OCTET_STRING)
        issuer_serial = fields.maybe(der.SEQUENCE)
        fields.end()
        issuer = serial = None
        if issuer_serial is not None:
            inner = der.Fields(issuer_serial, thing)
            name = der.only(inner.take(), thing, der.SEQUENCE)
            issuer = der.only(name, thing, der.context(4)).whole
            serial = der.integer(inner.take(), thing)
        found.append(CertificateId(hash_name, der.octets(hashed, thing), issuer, serial))
    return tuple(found)
