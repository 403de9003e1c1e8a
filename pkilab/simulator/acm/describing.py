"""How ACM shows a certificate: in full, in lists and in what a search finds.

Source: ACM API Reference, CertificateDetail, CertificateSummary and CertificateSearchResult; for
how key algorithms are written, sample answers of the ACM User Guide and an observed list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

from pkilab.pki.certificates import extension_value, serial_hex, signature_name
from pkilab.pki.names import as_written
from pkilab.simulator.acm import rules
from pkilab.simulator.acm.state import AcmCertificate, Renewal, Validation

Json = dict[str, Any]

_SHOWN_NAMES = 100  # of a summary
_KEY_USAGES = {
    "digital_signature": "DIGITAL_SIGNATURE", "content_commitment": "NON_REPUDIATION",
    "key_encipherment": "KEY_ENCIPHERMENT", "data_encipherment": "DATA_ENCIPHERMENT",
    "key_agreement": "KEY_AGREEMENT", "key_cert_sign": "CERTIFICATE_SIGNING",
    "crl_sign": "CRL_SIGNING", "encipher_only": "ENCIPHER_ONLY", "decipher_only": "DECIPHER_ONLY",
}  # fmt: skip
_USAGES = {
    "1.3.6.1.5.5.7.3.1": "TLS_WEB_SERVER_AUTHENTICATION",
    "1.3.6.1.5.5.7.3.2": "TLS_WEB_CLIENT_AUTHENTICATION",
    "1.3.6.1.5.5.7.3.3": "CODE_SIGNING",
    "1.3.6.1.5.5.7.3.4": "EMAIL_PROTECTION",
    "1.3.6.1.5.5.7.3.5": "IPSEC_END_SYSTEM",
    "1.3.6.1.5.5.7.3.6": "IPSEC_TUNNEL",
    "1.3.6.1.5.5.7.3.7": "IPSEC_USER",
    "1.3.6.1.5.5.7.3.8": "TIME_STAMPING",
    "1.3.6.1.5.5.7.3.9": "OCSP_SIGNING",
    "2.5.29.37.0": "ANY",
}
_ATTRIBUTES = {
    NameOID.COMMON_NAME: "CommonName",
    NameOID.COUNTRY_NAME: "Country",
    NameOID.DN_QUALIFIER: "DistinguishedNameQualifier",
    NameOID.GENERATION_QUALIFIER: "GenerationQualifier",
    NameOID.GIVEN_NAME: "GivenName",
    NameOID.INITIALS: "Initials",
    NameOID.LOCALITY_NAME: "Locality",
    NameOID.ORGANIZATION_NAME: "Organization",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "OrganizationalUnit",
    NameOID.PSEUDONYM: "Pseudonym",
    NameOID.SERIAL_NUMBER: "SerialNumber",
    NameOID.STATE_OR_PROVINCE_NAME: "State",
    NameOID.SURNAME: "Surname",
    NameOID.TITLE: "Title",
}


def detail(found: AcmCertificate, now: datetime) -> Json:
    """Return a certificate as DescribeCertificate shows it."""
    certificate, today = found.certificate, rules.at(now)
    shown: Json = {
        "CertificateArn": found.arn,
        "DomainName": next(iter(found.names), None),
        "SubjectAlternativeNames": list(found.names),
        "KeyAlgorithm": key_algorithm(found),
        "InUseBy": sorted(found.in_use_by),
        "FailureReason": found.failure,
        "CertificateAuthorityArn": found.authority,
        "RevocationReason": found.revocation_reason,
        "Options": {
            "CertificateTransparencyLoggingPreference": (
                "DISABLED" if found.type == "IMPORTED" else found.transparency
            ),
            "Export": found.export if today.export else None,
        },
        **_metadata(found, now),
    }
    if found.validations:
        shown["DomainValidationOptions"] = _validations(found, found.validations, now)
    if found.renewal:
        shown["RenewalSummary"] = _renewal(found, found.renewal, now)
    if certificate:
        shown |= {
            "Serial": serial_hex(certificate),
            "Subject": as_written(certificate.subject),
            "Issuer": _issuer(certificate),
            "NotBefore": certificate.not_valid_before_utc,
            "NotAfter": certificate.not_valid_after_utc,
            "SignatureAlgorithm": signature_name(certificate.signature_algorithm_oid),
            "KeyUsages": [{"Name": name} for name in key_usages(found)],
            "ExtendedKeyUsages": list(_extended(certificate)),
        }
    return shown


def summary(found: AcmCertificate, now: datetime) -> Json:
    """Return a certificate as ListCertificates shows it."""
    certificate = found.certificate
    return {
        "CertificateArn": found.arn,
        "DomainName": next(iter(found.names), None),
        "SubjectAlternativeNameSummaries": list(found.names[:_SHOWN_NAMES]),
        "HasAdditionalSubjectAlternativeNames": len(found.names) > _SHOWN_NAMES,
        "KeyAlgorithm": key_algorithm(found),
        "KeyUsages": key_usages(found) if certificate else None,
        "ExtendedKeyUsages": extended_key_usages(found) if certificate else None,
        "NotBefore": certificate.not_valid_before_utc if certificate else None,
        "NotAfter": found.end,
        **_counted(found, now),
        **_metadata(found, now),
    }


def search_result(found: AcmCertificate, now: datetime) -> Json:
    """Return a certificate as SearchCertificates shows it; a request by what it asks for."""
    certificate = found.certificate
    attributes: Json = {
        "Subject": {"CommonName": found.common_name},
        "SubjectAlternativeNames": [{"DnsName": name} for name in found.names],
        "KeyAlgorithm": key_algorithm(found),
    }
    if certificate:
        attributes |= {
            "Subject": _distinguished(certificate.subject),
            "Issuer": _distinguished(certificate.issuer),
            "ExtendedKeyUsages": extended_key_usages(found),
            "KeyUsages": key_usages(found),
            "SerialNumber": serial_hex(certificate),
            "NotBefore": certificate.not_valid_before_utc,
            "NotAfter": certificate.not_valid_after_utc,
        }
    metadata = {
        **_metadata(found, now),
        **_counted(found, now),
        "RenewalStatus": found.renewal.status if found.renewal else None,
        "ValidationMethod": found.method if found.type == "AMAZON_ISSUED" else None,
    }
    return {
        "CertificateArn": found.arn,
        "X509Attributes": attributes,
        "CertificateMetadata": {"AcmCertificateMetadata": metadata},
    }


def key_algorithm(found: AcmCertificate) -> str:
    """Return a key algorithm as answers write it: ``RSA-2048``, ``EC-prime256v1``."""
    return found.key_algorithm.replace("_", "-", 1)


def key_usages(found: AcmCertificate) -> list[str]:
    """Return what an issued certificate's key may be used for; without the extension, anything."""
    usage = extension_value(found.certificate, x509.KeyUsage) if found.certificate else None
    if usage is None:
        return ["ANY"] if found.certificate else []
    agrees = usage.key_agreement
    return [
        shown
        for name, shown in _KEY_USAGES.items()
        if (agrees or not name.endswith("cipher_only")) and getattr(usage, name)
    ]


def extended_key_usages(found: AcmCertificate) -> list[str]:
    """Return an issued certificate's extended key usages by name; without the extension, NONE."""
    return [each["Name"] for each in _extended(found.certificate)] if found.certificate else []


def _metadata(found: AcmCertificate, now: datetime) -> Json:
    """Return what every answer has of ACM's own."""
    return {
        "Status": found.status_at(now),
        "Type": found.type,
        "RenewalEligibility": "ELIGIBLE" if found.is_renewable(now) else "INELIGIBLE",
        "CreatedAt": found.created,
        "IssuedAt": found.issued,
        "ImportedAt": found.imported,
        "RevokedAt": found.revoked,
        "CertificateKeyPairOrigin": found.key_origin if rules.at(now).origins else None,
    }


def _counted(found: AcmCertificate, now: datetime) -> Json:
    return {
        "InUse": bool(found.in_use_by),
        "Exported": found.exports > 0,
        "ExportOption": found.export if rules.at(now).export else None,
    }


def _validations(
    found: AcmCertificate, validations: Iterable[Validation], now: datetime
) -> list[Json]:
    named = found.ready_at is not None and now >= found.ready_at
    return [_validation(each, named=named) for each in validations]


def _validation(each: Validation, *, named: bool) -> Json:
    shown: Json = {
        "DomainName": each.domain,
        "ValidationDomain": each.validation_domain or each.domain,
        "ValidationStatus": each.status,
        "ValidationMethod": each.method,
    }
    if each.method == "EMAIL":
        shown["ValidationEmails"] = list(each.emails)
    elif each.record_name and named:
        shown["ResourceRecord"] = {
            "Name": each.record_name,
            "Type": "CNAME",
            "Value": each.record_value,
        }
    return shown


def _renewal(found: AcmCertificate, renewal: Renewal, now: datetime) -> Json:
    return {
        "RenewalStatus": renewal.status,
        "DomainValidationOptions": _validations(found, renewal.validations, now),
        "RenewalStatusReason": renewal.reason,
        "UpdatedAt": renewal.updated,
    }


def _extended(certificate: x509.Certificate) -> Iterator[Json]:
    usages = extension_value(certificate, x509.ExtendedKeyUsage)
    if usages is None:
        yield {"Name": "NONE"}
    for oid in usages or ():
        yield {"Name": _USAGES.get(oid.dotted_string, "CUSTOM"), "OID": oid.dotted_string}


def _issuer(certificate: x509.Certificate) -> str:
    """Return the issuer as ACM shows it: the organization, or the common name."""
    for oid in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME):
        if found := certificate.issuer.get_attributes_for_oid(oid):
            return str(found[0].value)
    return certificate.issuer.rfc4514_string()


def _distinguished(name: x509.Name) -> Json:
    """Return a name as a DistinguishedName; of repeated attributes the last, the most specific."""
    shown: Json = {}
    for each in name:
        value = each.value if isinstance(each.value, str) else each.value.hex()
        if each.oid == NameOID.DOMAIN_COMPONENT:
            shown.setdefault("DomainComponents", []).append(value)
        elif member := _ATTRIBUTES.get(each.oid):
            shown[member] = value
        else:
            custom = {"ObjectIdentifier": each.oid.dotted_string, "Value": value}
            shown.setdefault("CustomAttributes", []).append(custom)
    return shown
