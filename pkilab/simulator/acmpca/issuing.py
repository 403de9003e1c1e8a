"""From a request to a certificate: read the CSR, choose the extensions, build, sign.

Sources: AWS Private CA API Reference, IssueCertificate; User Guide, "Template order of operations"
and "RFC 5280 compliance"; the sample certificates in "Installing the CA certificate".
"""

from __future__ import annotations

import contextlib
import functools
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat import asn1
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtensionOID

from pkilab.pki.keys import PublicKey
from pkilab.pki.pem import load_request
from pkilab.simulator.acmpca import name_constraints
from pkilab.simulator.acmpca.algorithms import check_algorithms, sign_certificate
from pkilab.simulator.acmpca.publisher import CdpAia
from pkilab.simulator.acmpca.state import Authority
from pkilab.simulator.acmpca.structures import (
    Extension,
    certificate_policies,
    custom_extension,
    extended_key_usage,
    invalid_args,
    key_usage,
    raw_extension,
    subject_alternative_names,
    subject_name,
)
from pkilab.simulator.acmpca.templates import Template
from pkilab.simulator.acmpca.validity import check_end, dates
from pkilab.simulator.service import AwsError

Json = dict[str, Any]
Extensions = Mapping[x509.ObjectIdentifier, Extension]

# PKCS #9's extensionRequest and Microsoft's older one, which says the same.
_EXTENSION_REQUESTS = ("1.2.840.113549.1.9.14", "1.3.6.1.4.1.311.2.1.14")
# BC, SKI and KU stand so in the guide's sample root; the others as seen in issued leaves.
_ORDER = {
    oid: number
    for number, oid in enumerate(
        (
            ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
            ExtensionOID.BASIC_CONSTRAINTS,
            ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
            ExtensionOID.SUBJECT_KEY_IDENTIFIER,
            ExtensionOID.KEY_USAGE,
            ExtensionOID.EXTENDED_KEY_USAGE,
            ExtensionOID.CERTIFICATE_POLICIES,
            ExtensionOID.CRL_DISTRIBUTION_POINTS,
            ExtensionOID.AUTHORITY_INFORMATION_ACCESS,
        )
    )
}
_READING_ERRORS = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    UserWarning,  # an attribute of the subject is longer than X.520 allows
    x509.DuplicateExtension,
    x509.InvalidVersion,
)


@dataclass(frozen=True, slots=True)
class CertificateRequest:
    """What a CSR asks for."""

    subject: x509.Name
    public_key: PublicKey
    extensions: Extensions  # the very bytes of the CSR


@dataclass(frozen=True, slots=True)
class Order:
    """The arguments of IssueCertificate that shape the certificate."""

    csr: bytes
    template: Template
    signing_algorithm: str
    validity: Json
    not_before: Json | None
    passthrough: Json


@dataclass(frozen=True, slots=True)
class Outcome:
    """A certificate, or why issuance failed after it was accepted."""

    certificate: x509.Certificate | None
    failure: str | None


@asn1.sequence
class _Extension:
    oid: x509.ObjectIdentifier
    critical: Annotated[bool, asn1.Default(value=False)]
    value: bytes


@asn1.sequence
class _ExtensionRequest:
    """cryptography decodes structures, not bare lists: ``Extensions`` in one more SEQUENCE."""

    extensions: list[_Extension]


def read_request(pem: bytes) -> CertificateRequest:
    """Read and verify a CSR; PEM, as the API wants it.

    The key and the extensions are taken as they are: their content is not judged beyond being
    well-formed (User Guide, "RFC 5280 compliance": SPKI and SAN are not enforced).

    Raises:
        AwsError: MalformedCSRException, it cannot be read, or its signature does not verify.
    """
    try:
        request = load_request(pem.decode("latin-1"))  # text: DER is not taken
        verified = request.is_signature_valid
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            subject = request.subject
        public_key = request.public_key()
        x509.CertificateBuilder().public_key(public_key)  # refuses keys no certificate can hold
        extensions = _extensions_of(request)
    except _READING_ERRORS as error:
        raise malformed_csr("The certificate signing request cannot be read.") from error
    if not verified:
        raise malformed_csr("The signature of the certificate signing request is not valid.")
    return CertificateRequest(subject, public_key, extensions)


def malformed_csr(message: str) -> AwsError:
    """Refuse a CSR."""
    return AwsError("MalformedCSRException", message)


def _extensions_of(request: x509.CertificateSigningRequest) -> Extensions:
    # A name that cryptography has no class for is passed through all the same.
    with contextlib.suppress(x509.UnsupportedGeneralNameType):
        _ = request.extensions  # well-formed, each at most once
    found: dict[x509.ObjectIdentifier, Extension] = {}
    for attribute in request.attributes:
        if attribute.oid.dotted_string in _EXTENSION_REQUESTS:
            whole = _sequence(_sequence(attribute.value))  # the value comes without its header
            for one in asn1.decode_der(_ExtensionRequest, whole).extensions:
                found[one.oid] = raw_extension(one.oid, one.value, critical=one.critical)
    return found


def _sequence(content: bytes) -> bytes:
    """Wrap DER in a SEQUENCE, whose length is written like that of an OCTET STRING."""
    return b"\x30" + asn1.encode_der(content)[1:]


def build(authority: Authority, order: Order, urls: CdpAia, serial: int, now: datetime) -> Outcome:
    """Issue a certificate; the state of the CA was checked before.

    Args:
        authority: the issuer; its certificate is installed, unless the template is a root one.
        order: what was asked for.
        urls: the revocation services of the CA.
        serial: a positive number of at most 160 bits.
        now: the moment of issuance.

    Raises:
        AwsError: InvalidArgsException, MalformedCSRException, ValidationException.
    """
    template = order.template
    key_type = authority.configuration["KeyAlgorithm"]
    check_algorithms(key_type, order.signing_algorithm, authority.region)
    _check_path_length(authority, template)
    start, end = dates(order.validity, order.not_before, now)
    check_end(authority, template, end, now)
    request = read_request(order.csr)
    passthrough = order.passthrough if template.from_api else {}
    subject = subject_name(passthrough.get("Subject", {}))
    if not subject.rdns:
        subject = request.subject
    extensions = _choose(authority, template, request, passthrough, urls)
    if not subject.rdns and ExtensionOID.SUBJECT_ALTERNATIVE_NAME not in extensions:
        raise malformed_csr("The request must have a subject or a subject alternative name.")
    if template.root:
        _check_own_key(authority, request)
        issuer_name = subject
    else:
        assert authority.issuer is not None  # noqa: S101 - the caller's duty
        issuer_name = authority.issuer.name
    builder = x509.CertificateBuilder(
        extensions=sorted(extensions.values(), key=lambda one: _ORDER.get(one.oid, len(_ORDER)))
    )
    try:
        certificate = sign_certificate(
            builder.serial_number(serial)
            .issuer_name(issuer_name)
            .subject_name(subject)
            .public_key(request.public_key)
            .not_valid_before(start)
            .not_valid_after(end),
            authority.key,
            order.signing_algorithm,
        )
    except (ValueError, TypeError) as error:
        raise malformed_csr("The request cannot be put into a certificate.") from error
    return _judge(authority, template, certificate)


def _judge(authority: Authority, template: Template, certificate: x509.Certificate) -> Outcome:
    """Let the issuance fail where AWS finds out only after accepting it."""
    if template.root or authority.issuer is None or authority.issuer.name_constraints is None:
        return Outcome(certificate, None)
    failure = name_constraints.violation(authority.issuer.name_constraints, certificate)
    return Outcome(None if failure else certificate, failure)


def _check_path_length(authority: Authority, template: Template) -> None:
    """Refuse a CA below a CA that may have none, or fewer levels than asked for."""
    if template.root or not template.ca:
        return
    assert authority.issuer is not None  # noqa: S101 - the caller's duty
    limit, wanted = authority.issuer.path_length, template.path_length
    if limit is not None and (wanted is None or wanted >= limit):
        raise AwsError(
            "ValidationException",
            f"The path length {wanted} of the template must be smaller than the path length "
            f"{limit} of the certificate authority",
        )


def _check_own_key(authority: Authority, request: CertificateRequest) -> None:
    if authority.kind != "ROOT" or request.public_key != authority.key.public_key():
        raise invalid_args(
            "A root CA certificate template can be used only by a root CA for its own CSR."
        )


def _choose(
    authority: Authority,
    template: Template,
    request: CertificateRequest,
    passthrough: Json,
    urls: CdpAia,
) -> dict[x509.ObjectIdentifier, Extension]:
    """Lay the sources over each other, the weakest first: CSR, API, CA configuration, template."""
    cdp, aia = ExtensionOID.CRL_DISTRIBUTION_POINTS, ExtensionOID.AUTHORITY_INFORMATION_ACCESS
    san = ExtensionOID.SUBJECT_ALTERNATIVE_NAME
    chosen = {
        oid: extension
        for oid, extension in request.extensions.items()
        if oid == san or (template.from_csr and (oid != cdp or template.cdp_from_csr))
    }
    chosen |= {
        oid: extension
        for oid, extension in passed_extensions(passthrough.get("Extensions", {})).items()
        if oid != cdp or template.cdp_from_api
    }
    if urls.cdp and not template.root:
        chosen[cdp] = _distribution_point(urls.cdp)
    if urls.ocsp:
        chosen[aia] = _ocsp_access(urls.ocsp)
    chosen.update(template.defined)
    ski = x509.SubjectKeyIdentifier.from_public_key(request.public_key)
    chosen[ski.oid] = x509.Extension(ski.oid, critical=False, value=ski)
    if authority.issuer is not None and not template.root:
        aki = authority.issuer.authority_key_identifier
        chosen[aki.oid] = aki
    return chosen


def passed_extensions(members: Json) -> Extensions:
    """Return the Extensions of an ApiPassthrough.

    Raises:
        AwsError: InvalidArgsException, for what cannot be an extension, or one given twice.
    """
    found: dict[x509.ObjectIdentifier, Extension] = {}
    for extension in _passed(members):
        if extension.oid in found:
            name = extension.oid.dotted_string
            raise invalid_args(f"The extension {name} is specified more than once.")
        found[extension.oid] = extension
    return found


def _passed(members: Json) -> Iterator[Extension]:
    if policies := members.get("CertificatePolicies"):
        yield certificate_policies(policies)
    if usages := members.get("ExtendedKeyUsage"):
        yield extended_key_usage(usages)
    if (usage := members.get("KeyUsage")) is not None:
        yield key_usage(usage)
    if names := members.get("SubjectAlternativeNames"):
        yield subject_alternative_names(names)
    custom: Iterable[Json] = members.get("CustomExtensions", ())
    yield from map(custom_extension, custom)


@functools.lru_cache(maxsize=1024)  # one URL serves many certificates
def _distribution_point(url: str) -> Extension:
    point = x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None)
    value = x509.CRLDistributionPoints([point])
    return x509.Extension(value.oid, critical=False, value=value)


@functools.lru_cache(maxsize=1024)
def _ocsp_access(url: str) -> Extension:
    location = x509.UniformResourceIdentifier(url)
    value = x509.AuthorityInformationAccess(
        [x509.AccessDescription(AuthorityInformationAccessOID.OCSP, location)]
    )
    return x509.Extension(value.oid, critical=False, value=value)
