"""What a certificate says, field by field, and what each extension means.

Reads, and judges nothing: whether a certificate is to be trusted is `pkilab.pki.chains`' question.
A certificate with one broken extension is still shown, extension by extension, with the trouble
where it lies; ``cryptography`` alone refuses to show any of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch
from typing import TYPE_CHECKING, TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtensionOID
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage
from cryptography.x509.oid import SignatureAlgorithmOID as Signature

from pkilab.errors import MalformedError
from pkilab.pki import _der, names
from pkilab.pki.keys import key_algorithm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

_Extension = TypeVar("_Extension", bound=x509.ExtensionType)

# What cryptography raises on a certificate that loads and cannot be read on (seen with broken
# extensions, empty RDNs, unknown curves, negative serial numbers).
UNREADABLE = (
    ValueError,
    TypeError,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    x509.InvalidVersion,
    UnsupportedAlgorithm,
    CryptographyDeprecationWarning,
)

_SIGNATURES = {
    Signature.RSA_WITH_MD5: "MD5WITHRSA",
    Signature.RSA_WITH_SHA1: "SHA1WITHRSA",
    Signature.RSA_WITH_SHA256: "SHA256WITHRSA",
    Signature.RSA_WITH_SHA384: "SHA384WITHRSA",
    Signature.RSA_WITH_SHA512: "SHA512WITHRSA",
    Signature.ECDSA_WITH_SHA1: "SHA1WITHECDSA",
    Signature.ECDSA_WITH_SHA256: "SHA256WITHECDSA",
    Signature.ECDSA_WITH_SHA384: "SHA384WITHECDSA",
    Signature.ECDSA_WITH_SHA512: "SHA512WITHECDSA",
    Signature.RSASSA_PSS: "RSASSA_PSS",
    Signature.ED25519: "Ed25519",
    Signature.ED448: "Ed448",
    # NIST CSOR, sigAlgs 17 to 19 (FIPS 204).
    x509.ObjectIdentifier("2.16.840.1.101.3.4.3.17"): "ML_DSA_44",
    x509.ObjectIdentifier("2.16.840.1.101.3.4.3.18"): "ML_DSA_65",
    x509.ObjectIdentifier("2.16.840.1.101.3.4.3.19"): "ML_DSA_87",
}
_USAGES = {
    Usage.SERVER_AUTH: "serverAuth",
    Usage.CLIENT_AUTH: "clientAuth",
    Usage.CODE_SIGNING: "codeSigning",
    Usage.EMAIL_PROTECTION: "emailProtection",
    Usage.TIME_STAMPING: "timeStamping",
    Usage.OCSP_SIGNING: "OCSPSigning",
    Usage.SMARTCARD_LOGON: "smartcardLogon",
    Usage.ANY_EXTENDED_KEY_USAGE: "anyExtendedKeyUsage",
    Usage.CERTIFICATE_TRANSPARENCY: "precertificateSigning",
}
# RFC 5280, 4.2.1.3: our words for each bit, by cryptography's attribute.
_KEY_USAGES = {
    "digital_signature": ("digitalSignature", "sign data and handshakes"),
    "content_commitment": ("nonRepudiation", "sign what is not to be denied later"),
    "key_encipherment": ("keyEncipherment", "wrap keys"),
    "data_encipherment": ("dataEncipherment", "encrypt data"),
    "key_agreement": ("keyAgreement", "agree on keys"),
    "key_cert_sign": ("keyCertSign", "sign certificates"),
    "crl_sign": ("cRLSign", "sign CRLs"),
    "encipher_only": ("encipherOnly", "only encrypt when agreeing on keys"),
    "decipher_only": ("decipherOnly", "only decrypt when agreeing on keys"),
}
_GENERAL_NAMES: dict[type[x509.GeneralName], str] = {
    x509.DNSName: "DNS",
    x509.IPAddress: "IP",
    x509.RFC822Name: "email",
    x509.UniformResourceIdentifier: "URI",
}


@dataclass(frozen=True, slots=True)
class ExtensionView:
    """One extension: the name and number it has, what it holds, and what that means."""

    name: str
    oid: str
    critical: bool
    value: str
    meaning: str


@dataclass(frozen=True, slots=True)
class CertificateView:
    """A certificate as text. A field that cannot be read says so in brackets."""

    subject: str
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime
    key_algorithm: str
    signature_algorithm: str
    sha256: str
    version: int
    extensions: tuple[ExtensionView, ...]


def describe(certificate: x509.Certificate) -> CertificateView:
    """Show a certificate. Never raises: a field that cannot be read is shown as unreadable.

    ``serial`` and ``sha256`` (the fingerprint of the DER) are lower hex pairs joined by colons;
    times are aware UTC; ``version`` counts from 1; algorithms are AWS's names where AWS has one.
    """
    return CertificateView(
        subject=name_text(certificate, "subject"),
        issuer=name_text(certificate, "issuer"),
        serial=serial_hex(certificate),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        key_algorithm=_or_trouble(lambda: key_algorithm(certificate.public_key())),
        signature_algorithm=signature_name(certificate.signature_algorithm_oid),
        sha256=certificate.fingerprint(hashes.SHA256()).hex(":"),
        version=certificate.version.value + 1,
        extensions=_extension_views(certificate),
    )


def serial_hex(certificate: x509.Certificate | int, sep: str = ":") -> str:
    """Write a serial number as lower hex pairs, at least 16 bytes (AWS Private CA's size).

    Args:
        certificate: the certificate, or its serial number.
        sep: between the pairs; ``""`` gives the form of a certificate ARN.
    """
    serial = certificate if isinstance(certificate, int) else certificate.serial_number
    size = max(16, (abs(serial).bit_length() + 7) // 8)
    text = abs(serial).to_bytes(size)
    return ("-" if serial < 0 else "") + (text.hex(sep) if sep else text.hex())


def label(certificate: x509.Certificate) -> str:
    """Name a certificate in a sentence: its subject, or its serial number if that is empty."""
    return name_text(certificate, "subject") or f"serial {serial_hex(certificate)}"


def time_text(time: datetime) -> str:
    """Write a time of UTC in a sentence: ``2026-01-05 09:00:00Z``."""
    return f"{time:%Y-%m-%d %H:%M:%S}Z"


def signature_name(oid: x509.ObjectIdentifier) -> str:
    """Name a signature algorithm as AWS does (``SHA256WITHECDSA``); unknown ones by number."""
    return _SIGNATURES.get(oid, oid.dotted_string)


def usage_name(oid: x509.ObjectIdentifier) -> str:
    """Name an extended key usage as RFC 5280 does; unknown ones by number."""
    return _USAGES.get(oid, oid.dotted_string)


def general_name(name: x509.GeneralName) -> str:
    """Write a general name with its kind: ``DNS:a.test``, ``IP:192.0.2.1``, ``DirName:CN=a``."""
    if isinstance(name, x509.DirectoryName):
        return f"DirName:{names.to_text(name.value)}"
    if isinstance(name, x509.RegisteredID):
        return f"RID:{name.value.dotted_string}"
    if isinstance(name, x509.OtherName):
        return f"otherName:{name.type_id.dotted_string}=#{name.value.hex()}"
    return f"{_GENERAL_NAMES.get(type(name), type(name).__name__)}:{name.value}"


def extension_value(
    holder: x509.Certificate | x509.CertificateRevocationList, kind: type[_Extension]
) -> _Extension | None:
    """Return the value of an extension, None where it is absent.

    Raises:
        Exception: one of `UNREADABLE`, if any extension cannot be read.
    """
    try:
        return holder.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def key_usage_forbids(certificate: x509.Certificate, *attributes: str) -> bool:
    """Whether a key usage extension is there and has none of these bits.

    Args:
        certificate: one whose extensions can be read.
        attributes: ``cryptography``'s names (``crl_sign``), any of which would do.
    """
    usage = extension_value(certificate, x509.KeyUsage)
    return usage is not None and not any(getattr(usage, each) for each in attributes)


def name_text(certificate: x509.Certificate, field: str) -> str:
    """Write a certificate's ``subject`` or ``issuer``; one that cannot be read says so."""
    return _or_trouble(lambda: names.to_text(getattr(certificate, field)))


def _or_trouble(read: Callable[[], str]) -> str:
    try:
        return read()
    except UNREADABLE as error:
        return f"(unreadable: {error})"


def _extension_views(certificate: x509.Certificate) -> tuple[ExtensionView, ...]:
    try:
        return tuple(_view(extension) for extension in certificate.extensions)
    except UNREADABLE:
        return _one_by_one(certificate)


def _one_by_one(certificate: x509.Certificate) -> tuple[ExtensionView, ...]:
    """Read each extension in a copy of the certificate that carries it alone."""
    try:
        outer = _der.elements(certificate.public_bytes(Encoding.DER))[0]
        tbs, algorithm, signature = _der.elements(outer.contents)
        *rest, last = _der.elements(tbs.contents)  # RFC 5280, 4.1: extensions come last, as [3]
        extensions = _der.elements(_der.elements(last.contents)[0].contents)
    except (MalformedError, ValueError, IndexError):
        return ()
    rest_bytes = [element.whole for element in rest]

    def alone(extension: bytes) -> x509.Certificate:
        block = _der.encode(last.tag, [_der.encode(_der.SEQUENCE, [extension])])
        cut = _der.encode(_der.SEQUENCE, [*rest_bytes, block])
        return x509.load_der_x509_certificate(
            _der.encode(_der.SEQUENCE, [cut, algorithm.whole, signature.whole])
        )

    views, seen = [], set[str]()
    for element in extensions:
        try:
            (extension,) = alone(element.whole).extensions
            view = _view(extension)
        except UNREADABLE as error:
            view = _broken(element, error)
        if view.oid in seen:
            view = ExtensionView(
                view.name, view.oid, view.critical, view.value,
                "Stands twice, which RFC 5280 forbids; readers refuse the certificate.",
            )  # fmt: skip
        seen.add(view.oid)
        views.append(view)
    return tuple(views)


def _broken(element: _der.Element, error: Exception) -> ExtensionView:
    """Show an extension whose contents cannot be read: SEQUENCE {oid, [BOOLEAN], OCTET STRING}."""
    meaning = f"Cannot be read ({error}); readers refuse the certificate."
    try:
        oid_element, *flag, value = _der.elements(element.contents)
        oid = _der.object_identifier(oid_element.contents)
    except (MalformedError, *UNREADABLE):
        return ExtensionView("(unreadable)", "", False, element.whole.hex(), meaning)  # noqa: FBT003 - a field of a value
    critical = bool(flag) and flag[0].contents != b"\0"
    return ExtensionView(
        _extension_name(oid), oid.dotted_string, critical, value.contents.hex(), meaning
    )


def _view(extension: x509.Extension[x509.ExtensionType]) -> ExtensionView:
    value, meaning = _explain(extension.value)
    return ExtensionView(
        name=_extension_name(extension.oid),
        oid=extension.oid.dotted_string,
        critical=extension.critical,
        value=value,
        meaning=meaning,
    )


_EXTENSION_NAMES = {
    value: name.title().replace("_", "")
    for name, value in vars(ExtensionOID).items()
    if isinstance(value, x509.ObjectIdentifier)
} | {
    ExtensionOID.CRL_DISTRIBUTION_POINTS: "CRLDistributionPoints",
    ExtensionOID.PRECERT_SIGNED_CERTIFICATE_TIMESTAMPS: "SignedCertificateTimestamps",
    ExtensionOID.OCSP_NO_CHECK: "OCSPNoCheck",
    ExtensionOID.FRESHEST_CRL: "FreshestCRL",
    ExtensionOID.TLS_FEATURE: "TLSFeature",
}


def _extension_name(oid: x509.ObjectIdentifier) -> str:
    return _EXTENSION_NAMES.get(oid, oid.dotted_string)


def _joined(general_names: Iterable[x509.GeneralName] | None) -> str:
    return ", ".join(map(general_name, general_names or ()))


@singledispatch
def _explain(value: x509.ExtensionType) -> tuple[str, str]:
    """Return the contents as text and one sentence on what they mean."""
    if isinstance(value, x509.UnrecognizedExtension):
        return f"#{value.value.hex()}", (
            "Not known here; if it is critical, a reader that does not know it either must refuse."
        )
    return repr(value), "Read, and not explained here."


@_explain.register
def _(value: x509.BasicConstraints) -> tuple[str, str]:
    if not value.ca:
        return "CA:FALSE", "This is not a CA: no certificate below it is valid."
    if value.path_length is None:
        return "CA:TRUE", "This is a CA, and any number of CAs may stand between it and a leaf."
    below = "no further CA" if value.path_length == 0 else f"at most {value.path_length} more CA(s)"
    return (
        f"CA:TRUE, pathlen:{value.path_length}",
        f"This is a CA, and {below} may stand between it and a leaf.",
    )


@_explain.register
def _(value: x509.KeyUsage) -> tuple[str, str]:
    set_bits = [
        words for attribute, words in _KEY_USAGES.items() if _key_usage_bit(value, attribute)
    ]
    return (
        ", ".join(name for name, _ in set_bits),
        "The key may " + (", ".join(meaning for _, meaning in set_bits) or "do nothing") + ".",
    )


def _key_usage_bit(value: x509.KeyUsage, attribute: str) -> bool:
    # cryptography raises on the two bits that only keyAgreement gives a meaning.
    if attribute in {"encipher_only", "decipher_only"} and not value.key_agreement:
        return False
    return bool(getattr(value, attribute))


@_explain.register
def _(value: x509.ExtendedKeyUsage) -> tuple[str, str]:
    usages = ", ".join(map(usage_name, value))
    return usages, f"The certificate serves for {usages}, and for nothing else."


@_explain.register
def _(value: x509.SubjectKeyIdentifier) -> tuple[str, str]:
    return value.digest.hex(":"), "Names this key, so that certificates it signs can point to it."


@_explain.register
def _(value: x509.AuthorityKeyIdentifier) -> tuple[str, str]:
    parts = [value.key_identifier.hex(":")] if value.key_identifier else []
    if value.authority_cert_issuer:
        parts.append(_joined(value.authority_cert_issuer))
    if value.authority_cert_serial_number is not None:
        parts.append(f"serial {serial_hex(value.authority_cert_serial_number)}")
    return ", ".join(parts), "Names the issuer's key: equal to the issuer's subject key identifier."


@_explain.register
def _(value: x509.SubjectAlternativeName) -> tuple[str, str]:
    return _joined(value), "The names the certificate is for; TLS clients look here and only here."


@_explain.register
def _(value: x509.IssuerAlternativeName) -> tuple[str, str]:
    return _joined(value), "Other names of the issuer; path validation does not use them."


@_explain.register
def _(value: x509.CRLDistributionPoints) -> tuple[str, str]:
    return _points(value), "Where the CRL is that would list this certificate, were it revoked."


@_explain.register
def _(value: x509.FreshestCRL) -> tuple[str, str]:
    return _points(value), "Where delta CRLs are."


def _points(points: Iterable[x509.DistributionPoint]) -> str:
    return "; ".join(_joined(point.full_name or point.crl_issuer) for point in points)


@_explain.register
def _(value: x509.AuthorityInformationAccess) -> tuple[str, str]:
    method = {
        AuthorityInformationAccessOID.OCSP: "OCSP",
        AuthorityInformationAccessOID.CA_ISSUERS: "caIssuers",
    }
    text = ", ".join(
        f"{method.get(each.access_method, each.access_method.dotted_string)} "
        f"{general_name(each.access_location)}"
        for each in value
    )
    return text, "Where to ask for this certificate's status (OCSP) or fetch its issuer."


@_explain.register
def _(value: x509.CertificatePolicies) -> tuple[str, str]:
    def policy(information: x509.PolicyInformation) -> str:
        places = [q for q in information.policy_qualifiers or () if isinstance(q, str)]
        return " ".join([information.policy_identifier.dotted_string, *places])

    return "; ".join(map(policy, value)), "The policies the issuer says it issued this under."


@_explain.register
def _(value: x509.NameConstraints) -> tuple[str, str]:
    parts = [
        f"{word} {_joined(subtrees)}"
        for word, subtrees in (
            ("permitted", value.permitted_subtrees),
            ("excluded", value.excluded_subtrees),
        )
        if subtrees
    ]
    return "; ".join(
        parts
    ), "Names below this CA must lie in what is permitted, out of the excluded."


@_explain.register
def _(value: x509.PrecertificateSignedCertificateTimestamps) -> tuple[str, str]:
    logs = ", ".join(f"log {each.log_id.hex()[:16]} at {each.timestamp}Z" for each in value)
    return logs, "Promises of CT logs to publish this certificate; their signatures are unchecked."


@_explain.register
def _(value: x509.OCSPNoCheck) -> tuple[str, str]:  # noqa: ARG001 - the type says it all
    return "present", "An OCSP signer whose own revocation status is not to be asked for."
