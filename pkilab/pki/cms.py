"""Signatures in the Cryptographic Message Syntax: SignedData of RFC 5652, made, read and verified.

A signature is over the signed attributes, a few hundred bytes, whatever the size of the content:
they hold its digest. So a key that stays in KMS signs a file of any size with MessageType RAW,
whose limit is 4,096 bytes, and the content is read once, as a stream (`content_digests`).

`verify` looks at integrity alone. Whether a signer is to be believed, and when the signature was
made, is `pkilab.pki.signature_trust`'s to judge.

A signature without signed attributes is refused: its content could be the signed attributes of
another signature (draft-vangeest-lamps-cms-euf-cma-signeddata).
"""

from __future__ import annotations

import base64
import hmac
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from pkilab.errors import MalformedError, VerificationError
from pkilab.pki import _cms_algorithms as algorithms
from pkilab.pki import _cms_asn1 as der
from pkilab.pki._cms_algorithms import SignatureAlgorithm
from pkilab.pki._cms_reading import (
    ALGORITHM_PROTECTION,
    BY_ISSUER,
    BY_KEY,
    CONTENT_TYPE,
    ID_DATA,
    ID_SIGNED_DATA,
    MESSAGE_DIGEST,
    MOST_BYTES,
    SIGNING_CERTIFICATE_V2,
    SIGNING_TIME,
    THING,
    TIME_STAMP_TOKEN,
    Attribute,
    CertificateId,
    SignedData,
    SignerId,
    SignerInfo,
    parse,
    protection,
)
from pkilab.pki._signatures import WEAK_HASHES
from pkilab.pki.certificates import UNREADABLE, extension_value, label
from pkilab.pki.keys import PrivateKey, PublicKey

__all__ = [
    "ID_DATA",
    "MESSAGE_DIGEST",
    "MOST_BYTES",
    "SIGNING_TIME",
    "TIME_STAMP_TOKEN",
    "Attribute",
    "CertificateId",
    "Content",
    "Integrity",
    "Signature",
    "SignatureAlgorithm",
    "SignedData",
    "Signer",
    "SignerId",
    "SignerInfo",
    "add_time_stamp",
    "build_signed_data",
    "content_digests",
    "parse",
    "to_pem",
    "verify",
]

Content: TypeAlias = bytes | Mapping[str, bytes]
"""What is signed: itself, or its digests by algorithm (``{"sha256": ...}``)."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs: a certificate, and a function that signs with its key.

    Args:
        certificate: the signer's own.
        sign: gets the DER of the signed attributes, under 4,096 bytes unless names in the
            certificate are of extraordinary length, and returns the signature in the form
            X.509 has (ECDSA: DER), as KMS's Sign does for MessageType RAW.
        algorithm: KMS's name of the algorithm that ``sign`` uses, such as ``ECDSA_SHA_256``.
        by_key_identifier: name the certificate by its subject key identifier instead of issuer and
            serial number.
    """

    certificate: x509.Certificate
    sign: Callable[[bytes], bytes] = field(repr=False)
    algorithm: str
    by_key_identifier: bool = False

    @property
    def digest_algorithm(self) -> str:
        """The digest of the content that this signer signs.

        Raises:
            MalformedError: the algorithm is not for the certificate's key.
        """
        return _algorithm(self).digest

    @classmethod
    def from_key(
        cls,
        certificate: x509.Certificate,
        key: PrivateKey,
        algorithm: str | None = None,
        *,
        by_key_identifier: bool = False,
    ) -> Signer:
        """Return the signer with a private key of ``cryptography``'s interface.

        Args:
            certificate: the signer's own.
            key: its private key, here or in KMS (`pkilab.kms_keys.load_private_key`).
            algorithm: KMS's name; None takes the usual one for the key: RSA PKCS#1 v1.5 with
                SHA-256, which every reader of CMS knows, ECDSA with the curve's hash. By a key that
                is here all but RSASSA-PSS and ML-DSA are deterministic.
            by_key_identifier: see the class.

        Raises:
            MalformedError: an algorithm that is not for such a key.
        """
        name = algorithm or algorithms.usual_name(certificate.public_key())
        found = algorithms.named(name, certificate.public_key())
        return cls(certificate, algorithms.signing(key, found), name, by_key_identifier)


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature of a message, with its certificate, and why it does not hold, if so.

    ``certificate`` is None where nobody brought it.
    """

    info: SignerInfo
    certificate: x509.Certificate | None
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Integrity:
    """Whether all signatures of a message hold, by the certificates it names."""

    intact: bool
    reasons: tuple[str, ...]
    signatures: tuple[Signature, ...]


# Making.


def content_digests(
    chunks: Iterable[bytes], names: Iterable[str] = ("sha256", "sha384", "sha512")
) -> dict[str, bytes]:
    """Hash a content of any size, read once.

    Args:
        chunks: its bytes in order, such as ``iter(lambda: file.read(2**20), b"")``.
        names: which digests: `Signer.digest_algorithm` to sign,
            `SignedData.digest_algorithms` to verify; fewer are faster.

    Raises:
        MalformedError: one that is not ``sha256``, ``sha384``, ``sha512`` or ``shake256``.
    """
    known = algorithms.CONTENT_HASHES
    wanted = tuple(dict.fromkeys(names))
    if unknown := [name for name in wanted if name not in known]:
        raise MalformedError("digest", found=", ".join(unknown), expected=" or ".join(known))
    running = {name: hashes.Hash(known[name]) for name in wanted}
    for chunk in chunks:
        for each in running.values():
            each.update(chunk)
    return {name: each.finalize() for name, each in running.items()}


def build_signed_data(
    content: Content,
    *,
    signers: Signer | Iterable[Signer],
    signing_time: datetime | None,
    chain: Iterable[x509.Certificate] = (),
    attached: bool = False,
    content_type: str = ID_DATA,
    certificates: bool = True,
) -> bytes:
    """Sign, and return the DER of the message.

    Each signature covers the attributes content-type, message-digest, signing-time,
    signing-certificate-v2 (RFC 5035) and CMSAlgorithmProtection (RFC 6211). So neither the
    signer's certificate can be swapped, for another with the same key, nor an algorithm.

    Args:
        content: what is signed; digests do if it is detached.
        signers: one or several, each with a signature of its own.
        signing_time: what the message is to claim, an aware time to the second; None claims none.
        chain: certificates to put into the message beside those of the signers, usually the CAs
            below the root.
        attached: put the content into the message.
        content_type: of the content, dotted.
        certificates: put certificates into the message at all.

    Raises:
        MalformedError: no signer, a digest that is missing, an algorithm that is not for the key,
            or a time without a zone.
        VerificationError: ``sign`` returned what is not the certificate's signature.
    """
    everyone = (signers,) if isinstance(signers, Signer) else tuple(signers)
    if not everyone:
        raise MalformedError(THING, found="no signer", expected="one at least")
    if attached and not isinstance(content, bytes):
        raise MalformedError(THING, found="a digest", expected="content to be put inside")
    infos = [_sign(content, each, signing_time, content_type) for each in everyone]
    held = dict.fromkeys((*(each.certificate for each in everyone), *chain))
    used = {each.digest_algorithm for each in everyone}
    plain = content_type == ID_DATA and not any(each.by_key_identifier for each in everyone)
    inside = der.oid(content_type)
    if attached and isinstance(content, bytes):
        inside += der.tagged(0, der.primitive(content))
    encoded = der.set_of(*(each.public_bytes(Encoding.DER) for each in held))
    signed_data = der.sequence(
        der.primitive(BY_ISSUER if plain else BY_KEY),
        der.set_of(*(_digest_identifier(each) for each in used)),
        der.sequence(inside),
        der.retagged(der.context(0), encoded) if certificates else b"",
        der.set_of(*infos),
    )
    return der.sequence(der.oid(ID_SIGNED_DATA), der.tagged(0, signed_data))


def add_time_stamp(message: bytes, token: bytes, *, signer: int = 0) -> bytes:
    """Return a message with an RFC 3161 token among a signature's unsigned attributes.

    Nothing that is signed changes. Whether the token is over that signature's value is not checked
    here; `pkilab.pki.timestamps.verify` does.

    Args:
        message: DER or PEM of SignedData.
        token: DER or PEM of the time-stamp token (a CMS message), not of the response around it.
        signer: which signature, in the order of `SignedData.signers`.

    Returns:
        DER, in which the order of several signers may be another: DER sorts them by their bytes.

    Raises:
        MalformedError: either is not what it should be, or there is no such signature.
    """
    signed, token = parse(message), parse(token).encoded
    explicit = der.whole(signed.encoded, THING).children()[1]
    *before, infos = der.only(explicit, THING, der.context(0)).children()
    each = [info.whole for info in infos.children()]
    if not 0 <= signer < len(each):
        raise MalformedError(THING, found=f"{len(each)} signers", expected=f"number {signer}")
    info, parts = signed.signers[signer], list(infos.children()[signer].children())
    if parts[-1].tag == der.context(1):
        parts.pop()
    attributes = [
        der.sequence(der.oid(attribute.oid), der.set_of(*attribute.values))
        for attribute in info.unsigned_attributes
        if attribute.oid != TIME_STAMP_TOKEN
    ]
    attributes.append(
        der.sequence(
            der.oid(TIME_STAMP_TOKEN), der.set_of(*dict.fromkeys((*info.time_stamps, token)))
        )
    )
    unsigned = der.retagged(der.context(1), der.set_of(*attributes))
    each[signer] = der.sequence(*(part.whole for part in parts), unsigned)
    signed_data = der.sequence(*(part.whole for part in before), der.set_of(*each))
    return der.sequence(der.oid(ID_SIGNED_DATA), der.tagged(0, signed_data))


def to_pem(message: bytes) -> str:
    """Return a message's DER as PEM with the label CMS (RFC 7468, 9)."""
    body = textwrap.fill(base64.b64encode(message).decode("ascii"), 64)
    return f"-----BEGIN CMS-----\n{body}\n-----END CMS-----\n"


def _algorithm(signer: Signer) -> SignatureAlgorithm:
    return algorithms.named(signer.algorithm, signer.certificate.public_key())


def _sign(content: Content, signer: Signer, at: datetime | None, content_type: str) -> bytes:
    algorithm, certificate = _algorithm(signer), signer.certificate
    issuer, serial = der.issuer_and_serial(certificate)
    attributes = [
        _attribute(CONTENT_TYPE, der.oid(content_type)),
        _attribute(MESSAGE_DIGEST, der.primitive(_digest_of(content, algorithm.digest))),
        _attribute(SIGNING_CERTIFICATE_V2, _signing_certificate(certificate, issuer, serial)),
    ]
    protected = protection(_digest_identifier(algorithm.digest), algorithm.identifier())
    attributes.append(_attribute(ALGORITHM_PROTECTION, protected))
    if at is not None:
        attributes.append(_attribute(SIGNING_TIME, der.time(at)))
    signed = der.set_of(*attributes)
    signature = signer.sign(signed)
    if not algorithm.verifies(certificate.public_key(), signature, signed):
        raise VerificationError(
            "new signature",
            (f"it is not {signer.algorithm} by the key of {label(certificate)}",),
        )
    identifier = der.sequence(issuer, der.primitive(serial))
    if signer.by_key_identifier:
        key_identifier = extension_value(certificate, x509.SubjectKeyIdentifier)
        if key_identifier is None:
            raise MalformedError(
                label(certificate), found="no subject key identifier", expected="one to name it by"
            )
        identifier = der.retagged(
            der.context(0, primitive=True), der.primitive(key_identifier.digest)
        )
    return der.sequence(
        der.primitive(BY_KEY if signer.by_key_identifier else BY_ISSUER),
        identifier,
        _digest_identifier(algorithm.digest),
        der.retagged(der.context(0), signed),
        algorithm.identifier(),
        der.primitive(signature),
    )


def _attribute(oid: str, value: bytes) -> bytes:
    return der.sequence(der.oid(oid), der.set_of(value))


def _digest_identifier(name: str) -> bytes:
    return der.algorithm_identifier(algorithms.DIGEST_OIDS[name])


def _signing_certificate(certificate: x509.Certificate, issuer: bytes, serial: int) -> bytes:
    """Return SigningCertificateV2 with SHA-256, which is its default and so left out."""
    digest = certificate.fingerprint(hashes.SHA256())
    names = der.sequence(der.tagged(4, issuer))  # GeneralNames of one directoryName
    identifier = der.sequence(der.primitive(digest), der.sequence(names, der.primitive(serial)))
    return der.sequence(der.sequence(identifier))


def _digest_of(content: Content, name: str) -> bytes:
    if isinstance(content, bytes):
        return algorithms.digest(name, content)
    found, size = content.get(name), algorithms.CONTENT_HASHES[name].digest_size
    if found is None or len(found) != size:
        raise MalformedError(
            "digest of the content",
            found=", ".join(f"{len(each)} bytes of {key}" for key, each in content.items()),
            expected=f"{size} bytes of {name}",
        )
    return found


# Verifying.


def verify(
    signed: SignedData,
    content: Content | None = None,
    *,
    certificates: Iterable[x509.Certificate] = (),
) -> Integrity:
    """Look whether every signature of a message holds, and say every reason why not.

    Checks, for each signature, the content type, the digest of the content, the certificate that
    signing-certificate-v2 names, the algorithms that CMSAlgorithmProtection does, and the
    signature value over the signed attributes.

    Not checked: who the signers are and whether to trust them; the claimed signing time; unsigned
    attributes (`pkilab.pki.signature_trust.judge`).

    Args:
        signed: the message, as `parse` reads it.
        content: what it is said to be over: needed if it is detached, or else equal to what the
            message holds.
        certificates: where to look for the signers' beside the message itself.
    """
    held = tuple(dict.fromkeys((*signed.certificates, *certificates)))
    signatures = tuple(_verified(info, signed, content, held) for info in signed.signers)
    reasons = [reason for each in signatures for reason in each.reasons]
    if not signatures:
        reasons.append("nobody signed it")
    return Integrity(not reasons, tuple(dict.fromkeys(reasons)), signatures)


def _verified(
    info: SignerInfo,
    signed: SignedData,
    content: Content | None,
    held: tuple[x509.Certificate, ...],
) -> Signature:
    certificate = _signers_own(info, held)
    reasons = list(_about_content(info, signed, content))
    if certificate is None:
        reasons.append(f"{info.identifier}, whose key signed, is not at hand")
    else:
        reasons += _about_signature(info, certificate)
    return Signature(info, certificate, tuple(reasons))


def _signers_own(info: SignerInfo, held: tuple[x509.Certificate, ...]) -> x509.Certificate | None:
    """Return the certificate that is named; of several, the one that is also bound."""
    named = [each for each in held if info.identifier.names(each)]
    bound = [each for each in named if all(i.names(each) for i in info.signing_certificate)]
    return next(iter((*bound, *named)), None)


def _about_content(info: SignerInfo, signed: SignedData, content: Content | None) -> Iterator[str]:
    if not info.signed_attributes:
        yield "it has no signed attributes, and such a signature can be taken for another"
        return
    if info.content_type != signed.content_type:
        yield f"it was made for content of type {info.content_type}, not {signed.content_type}"
    name = info.digest_algorithm
    if name in WEAK_HASHES:
        yield f"the content is hashed with {name.upper()}, which can be forged"
        return
    if name not in algorithms.CONTENT_HASHES:
        yield f"the content is hashed with {name}, which is not modelled"
        return
    if info.message_digest is None:
        yield "it has no digest of the content"
        return
    sources = [each for each in (signed.content, content) if each is not None]
    if not sources:
        yield "the content is not in the message (it is detached) and was not given"
    for source in sources:
        try:
            found = _digest_of(source, name)
        except MalformedError:
            yield f"no {name} digest of the content was given"
            continue
        if not hmac.compare_digest(found, info.message_digest):
            where = "in the message" if source is signed.content else "given"
            yield f"the content {where} is not what was signed: its digest differs"


def _about_signature(info: SignerInfo, certificate: x509.Certificate) -> Iterator[str]:
    who = label(certificate)
    if not all(each.names(certificate) for each in info.signing_certificate):
        yield f"{who} is not the certificate that was signed with (signing-certificate)"
    if isinstance(info.algorithm, str):
        yield f"it is signed with algorithm {info.algorithm}, which is not modelled"
        return
    if info.swapped:
        yield "its algorithms are not those that were signed (CMSAlgorithmProtection)"
    if info.algorithm.digest != info.digest_algorithm:
        yield f"its digest is {info.digest_algorithm}, not the {info.algorithm.digest} of its key"
    try:
        key: PublicKey = certificate.public_key()
    except UNREADABLE as error:
        yield f"the key of {who} cannot be read ({error})"
        return
    if not info.algorithm.verifies(key, info.signature, info.signed):
        yield f"the signature is not by the key of {who}"
