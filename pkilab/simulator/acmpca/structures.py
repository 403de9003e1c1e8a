"""acm-pca's structures (ASN1Subject, GeneralName, KeyUsage ...) as X.509 values.

The model's own limits (lengths, patterns, enumerations) were checked before; what is checked here
is what the model cannot say.

Source: AWS Private CA API Reference, ASN1Subject, GeneralName, Extensions, CsrExtensions.
"""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Callable, Iterable
from typing import Any

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.x509.oid import ExtensionOID, NameOID, SubjectInformationAccessOID

from pkilab.simulator.service import AwsError

Json = dict[str, Any]
Extension = x509.Extension[x509.ExtensionType]

# In the order of the API structure, which is the order of the name (User Guide, sample root).
_SUBJECT_ATTRIBUTES = {
    "Country": NameOID.COUNTRY_NAME,
    "Organization": NameOID.ORGANIZATION_NAME,
    "OrganizationalUnit": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "DistinguishedNameQualifier": NameOID.DN_QUALIFIER,
    "State": NameOID.STATE_OR_PROVINCE_NAME,
    "CommonName": NameOID.COMMON_NAME,
    "SerialNumber": NameOID.SERIAL_NUMBER,
    "Locality": NameOID.LOCALITY_NAME,
    "Title": NameOID.TITLE,
    "Surname": NameOID.SURNAME,
    "GivenName": NameOID.GIVEN_NAME,
    "Initials": NameOID.INITIALS,
    "Pseudonym": NameOID.PSEUDONYM,
    "GenerationQualifier": NameOID.GENERATION_QUALIFIER,
}
# In the order of their bits (RFC 5280 section 4.2.1.3).
_KEY_USAGE_BITS = (
    "DigitalSignature",
    "NonRepudiation",
    "KeyEncipherment",
    "DataEncipherment",
    "KeyAgreement",
    "KeyCertSign",
    "CRLSign",
    "EncipherOnly",
    "DecipherOnly",
)
_EXTENDED_KEY_USAGES = {
    "SERVER_AUTH": "1.3.6.1.5.5.7.3.1",
    "CLIENT_AUTH": "1.3.6.1.5.5.7.3.2",
    "CODE_SIGNING": "1.3.6.1.5.5.7.3.3",
    "EMAIL_PROTECTION": "1.3.6.1.5.5.7.3.4",
    "TIME_STAMPING": "1.3.6.1.5.5.7.3.8",
    "OCSP_SIGNING": "1.3.6.1.5.5.7.3.9",
    "SMART_CARD_LOGIN": "1.3.6.1.4.1.311.20.2.2",
    "DOCUMENT_SIGNING": "1.3.6.1.4.1.311.10.3.12",
    "CERTIFICATE_TRANSPARENCY": "1.3.6.1.4.1.11129.2.4.4",
}
_ACCESS_METHODS = {
    "CA_REPOSITORY": SubjectInformationAccessOID.CA_REPOSITORY,
    "RESOURCE_PKI_MANIFEST": x509.ObjectIdentifier("1.3.6.1.5.5.7.48.10"),
    "RESOURCE_PKI_NOTIFY": x509.ObjectIdentifier("1.3.6.1.5.5.7.48.13"),
}


def invalid_args(message: str) -> AwsError:
    """Refuse an argument in acm-pca's way."""
    return AwsError("InvalidArgsException", message)


def subject_name(subject: Json) -> x509.Name:
    """Return an ASN1Subject as a name, one attribute per RDN; empty values count as absent.

    Country, dnQualifier and serialNumber become PrintableString (RFC 5280 appendix A), the others
    UTF8String.

    Raises:
        AwsError: InvalidArgsException, for what cannot be a name.
    """
    custom = subject.get("CustomAttributes")
    if custom and len(subject) > 1:
        raise invalid_args("CustomAttributes cannot be mixed with the standard subject attributes.")
    try:
        if custom:
            return x509.Name(
                x509.NameAttribute(x509.ObjectIdentifier(one["ObjectIdentifier"]), one["Value"])
                for one in custom
            )
        return x509.Name(
            x509.NameAttribute(oid, subject[member])
            for member, oid in _SUBJECT_ATTRIBUTES.items()
            if subject.get(member)
        )
    except (ValueError, TypeError) as error:
        raise invalid_args(f"The subject is not valid: {error}") from error


def key_usage(members: Json, *, critical: bool = True) -> Extension:
    """Return a KeyUsage extension with any of the nine bits, also where RFC 5280 frowns."""
    last = max((n for n, bit in enumerate(_KEY_USAGE_BITS) if members.get(bit)), default=-1)
    size, unused = (last + 8) // 8, -(last + 1) % 8  # a DER named bit list ends in its last one
    bits = sum(1 << (size * 8 - 1 - n) for n, b in enumerate(_KEY_USAGE_BITS) if members.get(b))
    der = bytes((0x03, size + 1, unused)) + bits.to_bytes(size)
    return raw_extension(ExtensionOID.KEY_USAGE, der, critical=critical)


def extended_key_usage(usages: Iterable[Json], *, critical: bool = False) -> Extension:
    """Return an ExtendedKeyUsage extension; each entry is a type or an object identifier.

    Raises:
        AwsError: InvalidArgsException, for an entry that is neither or both.
    """
    oids = []
    for usage in usages:
        if len(usage) != 1:
            raise invalid_args(
                "Each ExtendedKeyUsage must have either a type or an object identifier."
            )
        (value,) = usage.values()
        oids.append(object_identifier(_EXTENDED_KEY_USAGES.get(value) or value))
    return x509.Extension(ExtensionOID.EXTENDED_KEY_USAGE, critical, x509.ExtendedKeyUsage(oids))


def certificate_policies(policies: Iterable[Json]) -> Extension:
    """Return a CertificatePolicies extension; the only qualifier there is, is a CPS URI.

    Raises:
        AwsError: InvalidArgsException, for what cannot be encoded.
    """
    found = []
    for policy in policies:
        uris = [one["Qualifier"]["CpsUri"] for one in policy.get("PolicyQualifiers", ())]
        if not all(uri.isascii() for uri in uris):
            raise invalid_args("A CPS URI must be of ASCII characters.")
        oid = object_identifier(policy["CertPolicyId"])
        found.append(x509.PolicyInformation(oid, uris or None))
    return x509.Extension(
        ExtensionOID.CERTIFICATE_POLICIES, critical=False, value=x509.CertificatePolicies(found)
    )


def subject_alternative_names(names: Iterable[Json]) -> Extension:
    """Return a SubjectAlternativeName extension.

    Raises:
        AwsError: InvalidArgsException, for a name that is not exactly one of the choices.
    """
    value = x509.SubjectAlternativeName([general_name(name) for name in names])
    return x509.Extension(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, critical=False, value=value)


def custom_extension(members: Json) -> Extension:
    """Return a CustomExtension: whatever bytes the caller wants, under any identifier.

    Raises:
        AwsError: InvalidArgsException, if the identifier is none.
    """
    der = base64.b64decode(members["Value"])  # the model's pattern is that of Base64
    oid = object_identifier(members["ObjectIdentifier"])
    return raw_extension(oid, der, critical=members.get("Critical", False))


def subject_information_access(descriptions: Iterable[Json]) -> Extension:
    """Return a SubjectInformationAccess extension.

    Raises:
        AwsError: InvalidArgsException, for a method or location that is not exactly one choice.
    """
    found = []
    for description in descriptions:
        if len(description["AccessMethod"]) != 1:
            raise invalid_args("AccessMethod must have exactly one member.")
        (method,) = description["AccessMethod"].values()
        oid = _ACCESS_METHODS.get(method) or object_identifier(method)
        location = general_name(description["AccessLocation"])
        found.append(x509.AccessDescription(oid, location))
    return x509.Extension(
        ExtensionOID.SUBJECT_INFORMATION_ACCESS,
        critical=False,
        value=x509.SubjectInformationAccess(found),
    )


def general_name(name: Json) -> x509.GeneralName:
    """Return a GeneralName. EdiPartyName is refused as not simulated.

    Raises:
        AwsError: InvalidArgsException.
    """
    if len(name) != 1:
        raise invalid_args(f"A GeneralName must have exactly one member; found {len(name)}.")
    ((choice, value),) = name.items()
    if choice == "EdiPartyName":
        raise invalid_args("EdiPartyName is not simulated by pkilab.")
    try:
        return _GENERAL_NAMES[choice](value)
    except (ValueError, TypeError) as error:
        raise invalid_args(f"{choice} is not valid: {error}") from error


def _other_name(members: Json) -> x509.OtherName:
    """Put the value into a UTF8String, as the usual ones (a UPN) want it."""
    return x509.OtherName(object_identifier(members["TypeId"]), asn1.encode_der(members["Value"]))


_GENERAL_NAMES: dict[str, Callable[[Any], x509.GeneralName]] = {
    "OtherName": _other_name,
    "Rfc822Name": x509.RFC822Name,
    "DnsName": x509.DNSName,
    "DirectoryName": lambda subject: x509.DirectoryName(subject_name(subject)),
    "UniformResourceIdentifier": x509.UniformResourceIdentifier,
    "IpAddress": lambda text: x509.IPAddress(ipaddress.ip_address(text)),
    "RegisteredId": lambda dotted: x509.RegisteredID(object_identifier(dotted)),
}


def object_identifier(dotted: str) -> x509.ObjectIdentifier:
    """Return an object identifier.

    Raises:
        AwsError: InvalidArgsException, if it cannot be encoded.
    """
    try:
        return x509.ObjectIdentifier(dotted)
    except ValueError as error:
        raise invalid_args(f"{dotted!r} is not an object identifier.") from error


def raw_extension(oid: x509.ObjectIdentifier, der: bytes, *, critical: bool) -> Extension:
    """Return an extension of the very bytes given, whatever they mean."""
    return x509.Extension(oid, critical, x509.UnrecognizedExtension(oid, der))
