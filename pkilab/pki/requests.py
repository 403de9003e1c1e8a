"""Certificate requests, PKCS#10 (RFC 2986)."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from pkilab.errors import MalformedError
from pkilab.pki import names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pkilab.pki.keys import PrivateKey

SigningHash = hashes.SHA256 | hashes.SHA384 | hashes.SHA512
_SHA256 = hashes.SHA256()


def build_request(
    key: PrivateKey,
    subject: x509.Name | str,
    *,
    dns_names: Iterable[str] = (),
    ip_addresses: Iterable[str] = (),
    emails: Iterable[str] = (),
    uris: Iterable[str] = (),
    extensions: Iterable[x509.Extension[x509.ExtensionType]] = (),
    hash: SigningHash = _SHA256,  # noqa: A002 - cryptography's and the RFC's word
) -> x509.CertificateSigningRequest:
    """Build and sign a request: the same key and arguments give the same bytes, except ML-DSA's.

    ECDSA is deterministic (RFC 6979), RSA is PKCS#1 v1.5. ML-DSA signatures are hedged (FIPS 204)
    and differ each time.

    Args:
        key: the private key whose public half is requested.
        subject: a name, or text for `pkilab.pki.names.subject`.
        dns_names: DNS names of the subject alternative name, A-labels.
        ip_addresses: IP addresses of it, as text.
        emails: e-mail addresses of it.
        uris: URIs of it.
        extensions: more extensions to request, in this order, after the alternative name.
        hash: for RSA and ECDSA keys; others bring their own.

    Raises:
        MalformedError: a name that is none, or an extension given twice.
    """
    try:
        builder = x509.CertificateSigningRequestBuilder().subject_name(
            names.subject(subject) if isinstance(subject, str) else subject
        )
        alternatives: list[x509.GeneralName] = [
            *map(x509.DNSName, dns_names),
            *(x509.IPAddress(ipaddress.ip_address(each)) for each in ip_addresses),
            *map(x509.RFC822Name, emails),
            *map(x509.UniformResourceIdentifier, uris),
        ]
        if alternatives:
            builder = builder.add_extension(
                x509.SubjectAlternativeName(alternatives), critical=False
            )
        for extension in extensions:
            builder = builder.add_extension(extension.value, extension.critical)
    except MalformedError:
        raise
    except ValueError as error:
        raise MalformedError(
            "certificate request", found=str(error), expected="names and distinct extensions"
        ) from None
    is_ec = isinstance(key, ec.EllipticCurvePrivateKey)
    algorithm = hash if is_ec or isinstance(key, rsa.RSAPrivateKey) else None
    # A key that is elsewhere, such as in KMS (`pkilab.kms_keys`), has its own way.
    here = is_ec and not hasattr(key, "arn")
    return builder.sign(key, algorithm, ecdsa_deterministic=True if here else None)
