"""Mutual TLS on API Gateway: a truststore in S3, a custom domain name, and why a client gets in.

The functions take boto3 clients and do the same on a simulated and on a real account. `explain`
needs neither: it judges a certificate by a truststore, as API Gateway does, and says what would
have to change.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cryptography import x509

from pkilab import dns_validation
from pkilab.certificate_import import import_certificate
from pkilab.errors import LabError, MalformedError
from pkilab.pki.certificates import name_text
from pkilab.pki.truststore import Admission, Cause, Truststore, build_truststore, load_truststore
from pkilab.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mypy_boto3_acm import ACMClient
    from mypy_boto3_apigatewayv2 import ApiGatewayV2Client
    from mypy_boto3_apigatewayv2.type_defs import GetDomainNameResponseTypeDef
    from mypy_boto3_route53 import Route53Client
    from mypy_boto3_s3 import S3Client

__all__ = [
    "DomainStatus",
    "Explanation",
    "TruststoreObject",
    "create_domain",
    "explain",
    "explain_domain",
    "import_certificate",
    "request_public_certificate",
    "upload_truststore",
    "use_truststore",
    "wait_until_available",
]

_WAIT_SECONDS, _POLL = 1800, timedelta(seconds=5)
_UNCHECKED = "revocation, extended key usage and names"


@dataclass(frozen=True, slots=True)
class TruststoreObject:
    """Where a truststore lies: its S3 URI and version. None: the bucket keeps no versions."""

    uri: str
    version: str | None


def upload_truststore(
    s3: S3Client,
    bucket: str,
    certificates: Iterable[x509.Certificate],
    *,
    key: str = "truststore.pem",
) -> TruststoreObject:
    """Put CA certificates, in any order, into one PEM object of a bucket.

    A new upload changes nothing for a domain name that uses an older one (`use_truststore`).
    """
    text = build_truststore(certificates).to_pem()
    answer = s3.put_object(
        Bucket=bucket, Key=key, Body=text.encode(), ContentType="application/x-pem-file"
    )
    return TruststoreObject(f"s3://{bucket}/{key}", answer.get("VersionId"))


def request_public_certificate(
    acm: ACMClient,
    route53: Route53Client,
    name: str,
    zone_id: str,
    *,
    key_algorithm: str = "EC_prime256v1",
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Request a public certificate, write its validation record and wait; return its ARN.

    Args:
        acm: client of the Region where the certificate is to be.
        route53: client.
        name: the domain name.
        zone_id: of the public hosted zone that holds it.
        key_algorithm: as ACM has them.
        sleep: how to wait.

    Raises:
        LabError: no record was named, or it was not served or the certificate not issued in time.
    """
    arn = dns_validation.request(acm, name, key_algorithm=key_algorithm, sleep=sleep)
    dns_validation.to_route53(route53, dns_validation.records(acm, arn), zone_id, sleep=sleep)
    dns_validation.wait_issued(acm, arn, sleep=sleep)
    return arn


def create_domain(
    apis: ApiGatewayV2Client,
    name: str,
    certificate_arn: str,
    *,
    truststore: TruststoreObject | None = None,
    ownership_arn: str | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> DomainStatus:
    """Create a Regional custom domain name, with mutual TLS if there is a truststore, and wait.

    A certificate that was imported or issued by a private CA proves nothing about the name, so
    with mutual TLS ``ownership_arn`` must name a public certificate of ACM's.

    Raises:
        LabError: as `wait_until_available`.
    """
    mutual = {"MutualTlsAuthentication": _members(truststore)} if truststore else {}
    apis.create_domain_name(
        DomainName=name,
        DomainNameConfigurations=[_configuration(certificate_arn, ownership_arn)],
        **mutual,  # type: ignore[arg-type]  # one member
    )
    return wait_until_available(apis, name, sleep=sleep)


def use_truststore(
    apis: ApiGatewayV2Client,
    name: str,
    truststore: TruststoreObject | None,
    *,
    ownership_arn: str | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> DomainStatus:
    """Make a domain name use a truststore, or a newer version of it; None ends mutual TLS. Waits.

    API Gateway reads the object now and keeps what it read. The domain name's configuration is
    sent along, because UpdateDomainName refuses a change without it.

    Raises:
        LabError: as `wait_until_available`.
    """
    (now,) = apis.get_domain_name(DomainName=name)["DomainNameConfigurations"]
    owner = ownership_arn or now.get("OwnershipVerificationCertificateArn")
    apis.update_domain_name(
        DomainName=name,
        DomainNameConfigurations=[_configuration(now["CertificateArn"], owner)],
        MutualTlsAuthentication=_members(truststore) if truststore else {"TruststoreUri": ""},  # type: ignore[arg-type]  # as the model has them
    )
    return wait_until_available(apis, name, sleep=sleep)


@dataclass(frozen=True, slots=True)
class DomainStatus:
    """A custom domain name once it is available, with what API Gateway warned of."""

    name: str
    status: str
    target: str  # what the name's CNAME or alias must lead to
    truststore: TruststoreObject | None
    warnings: tuple[str, ...]


def wait_until_available(
    apis: ApiGatewayV2Client,
    name: str,
    *,
    sleep: Callable[[float], None] = time.sleep,
    limit: float = _WAIT_SECONDS,
) -> DomainStatus:
    """Wait until a domain name serves its latest settings.

    Raises:
        LabError: it does not get there by itself, or not within ``limit`` seconds.
    """
    stands = ""

    def available() -> DomainStatus | None:
        nonlocal stands
        found = apis.get_domain_name(DomainName=name)
        (now,) = found["DomainNameConfigurations"]
        status = now.get("DomainNameStatus", "AVAILABLE")
        if status == "AVAILABLE":
            warnings = found.get("MutualTlsAuthentication", {}).get("TruststoreWarnings", ())
            return DomainStatus(
                name, status, now["ApiGatewayDomainName"], _truststore_of(found), tuple(warnings)
            )
        why = now.get("DomainNameStatusMessage", "")
        stands = f"found {status}, expected AVAILABLE. {why}".rstrip()
        if status != "UPDATING":
            raise LabError(f"{name}: {stands}")
        return None

    return until(
        available,
        what=f"the domain name {name}",
        at_most=timedelta(seconds=limit),
        every=_POLL,
        sleep=sleep,
        found=lambda: stands,
    )


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a certificate is let in or not, and what would change that.

    ``remedy`` is empty where nothing is wrong, ``doubt`` where it is known which truststore counts.
    What API Gateway does not look at is not judged.
    """

    admission: Admission
    remedy: str
    doubt: str = ""

    @property
    def admitted(self) -> bool:
        """Whether API Gateway lets it in."""
        return self.admission.admitted

    @property
    def cause(self) -> Cause | None:
        """Why not, in a word."""
        return self.admission.cause

    def __repr__(self) -> str:
        sentences = (
            self.admission.sentence,
            self.remedy,
            self.doubt,
            f"Not looked at: {_UNCHECKED}.",
        )
        return " ".join(filter(None, sentences))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ANN401, FBT001, ARG002 - IPython's
        printer.text(repr(self))


def explain(
    certificate: x509.Certificate | None,
    truststore: Truststore | Iterable[x509.Certificate],
    *,
    at: datetime,
    candidates: Iterable[x509.Certificate] = (),
) -> Explanation:
    """Say whether a client's certificate is let in by a truststore, and why or why not.

    Args:
        certificate: the client's; None: it sends none.
        truststore: as the domain name uses it.
        at: an aware time.
        candidates: CA certificates that could be added; the remedy names those that would help.
    """
    held = truststore if isinstance(truststore, Truststore) else Truststore(tuple(truststore))
    admission = held.admit(certificate, at)
    return Explanation(admission, _remedy(admission, held, certificate, at, tuple(candidates)))


def explain_domain(
    apis: ApiGatewayV2Client,
    s3: S3Client,
    name: str,
    certificate: x509.Certificate | None,
    *,
    at: datetime,
    candidates: Iterable[x509.Certificate] = (),
) -> Explanation:
    """Say whether a domain name lets a client in, by the truststore version that it uses.

    If it does not and the newest version of the object would, the remedy says so: a new upload
    alone changes nothing. A domain name that names no version is judged by the newest object, which
    may not be what API Gateway read; ``doubt`` says so.

    Raises:
        LabError: the domain name has no mutual TLS.
        MalformedError: what it uses is not, or no longer, a truststore.
        ClientError: the object or that version of it cannot be read (botocore's).
    """
    chosen = _truststore_of(apis.get_domain_name(DomainName=name))
    if chosen is None:
        raise LabError(f"{name}: found no truststore, expected mutual TLS")
    used = _read(s3, chosen.uri, chosen.version)
    found = explain(certificate, used, at=at, candidates=candidates)
    if chosen.version is None:
        doubt = (
            f"{name} names no version of {chosen.uri}: judged by what lies there now, which may "
            "have been replaced since API Gateway read it."
        )
        return Explanation(found.admission, found.remedy, doubt)
    if found.admitted:
        return found
    newest = _newest(s3, chosen.uri)
    if newest is None or not newest.admit(certificate, at).admitted:
        return found
    remedy = (
        f"The domain name uses version {chosen.version} of {chosen.uri}; the "
        "newest version would let it in. Update the domain name."
    )
    return Explanation(found.admission, remedy)


def _remedy(
    admission: Admission,
    truststore: Truststore,
    certificate: x509.Certificate | None,
    at: datetime,
    candidates: tuple[x509.Certificate, ...],
) -> str:
    cause = admission.cause
    if cause is None:
        return ""
    if cause is Cause.NO_CERTIFICATE:
        return "Send one: curl --cert and --key."
    if cause in {Cause.UNKNOWN_ISSUER, Cause.INCOMPLETE_CHAIN, Cause.BAD_SIGNATURE}:
        more = Truststore((*truststore.certificates, *candidates)).admit(certificate, at)
        if more.admitted:
            added = [each for each in more.chain[1:] if each not in truststore.certificates]
            names = " and ".join(name_text(each, "subject") for each in added)
            return f"With {names} in the truststore it would be let in."
        if cause is Cause.BAD_SIGNATURE:
            return "If the CA of that name which did sign is to be trusted, add its certificate."
        missing = name_text(admission.chain[-1], "issuer")
        return f"Add {missing}, and its own issuers up to a root, to the truststore."
    return {
        Cause.SELF_SIGNED: "Add it to the truststore itself, or have a CA issue one.",
        Cause.CHAIN_TOO_LONG: "Have a CA that stands higher issue it.",
        Cause.EXPIRED: "Renew what has expired.",
        Cause.NOT_YET_VALID: "Wait, or correct the clock of whoever issued it.",
    }.get(cause, "Have a new certificate issued.")


def _read(s3: S3Client, uri: str, version: str | None) -> Truststore:
    parts = urlsplit(uri)
    which = {"VersionId": version} if version else {}
    answer = s3.get_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"), **which)  # type: ignore[arg-type]  # one member
    return load_truststore(answer["Body"].read())


def _newest(s3: S3Client, uri: str) -> Truststore | None:
    """Read the newest version; None: the object was deleted, or is no truststore any more."""
    try:
        return _read(s3, uri, None)
    except (s3.exceptions.NoSuchKey, MalformedError):
        return None


def _truststore_of(found: GetDomainNameResponseTypeDef) -> TruststoreObject | None:
    mutual = found.get("MutualTlsAuthentication", {})
    uri = mutual.get("TruststoreUri")
    return TruststoreObject(uri, mutual.get("TruststoreVersion")) if uri else None


def _configuration(certificate_arn: str, ownership_arn: str | None) -> Any:  # noqa: ANN401 - boto3's
    owner = {"OwnershipVerificationCertificateArn": ownership_arn} if ownership_arn else {}
    return {
        "CertificateArn": certificate_arn,
        "EndpointType": "REGIONAL",
        "SecurityPolicy": "TLS_1_2",
        **owner,
    }


def _members(truststore: TruststoreObject) -> dict[str, str]:
    version = {"TruststoreVersion": truststore.version} if truststore.version else {}
    return {"TruststoreUri": truststore.uri, **version}
