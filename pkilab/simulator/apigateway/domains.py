"""Custom domain names with mutual TLS, as both generations of API Gateway's control plane see them.

Sources: API Gateway Developer Guide, "How to turn on mutual TLS authentication"; API Gateway and
API Gateway v2 API References, CreateDomainName and UpdateDomainName.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

from pkilab.errors import MalformedError
from pkilab.pki.certificates import name_text
from pkilab.pki.truststore import Truststore, load_truststore
from pkilab.simulator.acm.state import AcmCertificate, Certificates
from pkilab.simulator.apigateway.state import ApiGatewayState, Domain
from pkilab.simulator.rest import error
from pkilab.simulator.s3 import S3
from pkilab.simulator.service import AwsError, Call, not_simulated
from pkilab.simulator.world import World

# API Gateway endpoints in the AWS General Reference. A Region that is not here has its zone, too,
# but we do not know it.
_HOSTED_ZONES = {
    "us-east-1": "Z1UJRXOUMOOFQ8", "us-east-2": "ZOJJZC49E0EPZ", "us-west-1": "Z2MUQ32089INYE",
    "us-west-2": "Z2OJLYMUO9EFXC", "eu-west-1": "ZLY8HYME6SFDD", "eu-central-1": "Z1U9ULNL0V5AJ3",
}  # fmt: skip
_NAME = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")


@dataclass(frozen=True, slots=True)
class Settings:
    """What CreateDomainName and UpdateDomainName set. None leaves it, or leaves it out."""

    certificate_arn: str | None = None
    ownership_arn: str | None = None
    security_policy: str | None = None
    endpoint_type: str | None = None
    truststore_uri: str | None = None  # "" switches mutual TLS off
    truststore_version: str | None = None


class Domains:
    """Creates, changes and deletes custom domain names."""

    def __init__(
        self, world: World, state: ApiGatewayState, s3: S3, certificates: Certificates
    ) -> None:
        self._world, self._state = world, state
        self._s3, self._certificates = s3, certificates
        self._numbers = world.entropy("apigateway", "domains")

    def create(self, call: Call, name: str, settings: Settings, tags: dict[str, str]) -> Domain:
        """Create a Regional domain name.

        Raises:
            AwsError: BadRequestException, ConflictException.
        """
        name = name.lower()
        if not _NAME.fullmatch(name):
            raise _bad(f"Invalid domain name: {name}")
        if name in self._state.domains:
            message = "The domain name you provided already exists."
            raise _error("ConflictException", message)
        if settings.certificate_arn is None:
            raise _bad("A certificate was not provided for the endpoint type REGIONAL.")
        made = Domain(
            name=name,
            account=call.account,
            region=call.region,
            certificate_arn=settings.certificate_arn,
            regional_name=f"d-{self._id()}.execute-api.{call.region}.amazonaws.com",
            hosted_zone_id=_HOSTED_ZONES.get(call.region, "unknown"),
            tags=dict(tags),
        )
        changed = self._changed(made, settings)
        self._state.domains[name] = changed
        self._note_use(made, changed)
        self._settle(changed)
        return changed

    def update(self, call: Call, name: str, settings: Settings) -> Domain:
        """Change a domain name; with a truststore's URI or version, the file is read anew.

        Raises:
            AwsError: NotFoundException, BadRequestException, ConflictException.
        """
        before = self.find(call, name)
        if before.status == "UPDATING":
            raise _error("ConflictException", "The domain name is being updated.")
        changed = self._changed(before, settings)
        self._state.domains[before.name] = changed
        self._note_use(before, changed)
        self._settle(changed)
        return changed

    def delete(self, call: Call, name: str) -> None:
        """Delete a domain name and its mappings.

        Raises:
            AwsError: NotFoundException.
        """
        found = self.find(call, name)
        del self._state.domains[found.name]
        self._note_use(found, None)

    def find(self, call: Call, name: str) -> Domain:
        """Return a domain name of the caller's account and Region.

        Raises:
            AwsError: NotFoundException.
        """
        found = self._state.domains.get(name.lower())
        if found is None or (found.account, found.region) != (call.account, call.region):
            raise _error("NotFoundException", "Invalid domain name identifier specified")
        self._refresh(found, call.now)
        return found

    def of(self, call: Call) -> list[Domain]:
        """Return the domain names of the caller's account and Region, by name."""
        place = (call.account, call.region)
        found = [
            each for each in self._state.domains.values() if (each.account, each.region) == place
        ]
        for each in found:
            self._refresh(each, call.now)
        return sorted(found, key=lambda each: each.name)

    # Checks.

    def _changed(self, domain: Domain, settings: Settings) -> Domain:
        """Return the domain name as it would be, everything checked."""
        if settings.endpoint_type not in (None, "REGIONAL"):
            raise not_simulated(
                f"a custom domain name of the endpoint type {settings.endpoint_type}"
            )
        if settings.security_policy not in (None, "TLS_1_2"):
            raise not_simulated(f"the security policy {settings.security_policy}")
        changed = replace(
            domain,
            certificate_arn=settings.certificate_arn or domain.certificate_arn,
            ownership_arn=settings.ownership_arn or domain.ownership_arn,
        )
        certificate = self._server_certificate(changed)
        touched = settings.truststore_uri is not None or settings.truststore_version is not None
        uri = domain.truststore_uri if settings.truststore_uri is None else settings.truststore_uri
        if not uri:
            if settings.truststore_version:
                raise _bad("A truststore version needs a truststore URI.")
            return replace(
                changed, truststore_uri=None, truststore_version=None, truststore=None, warnings=()
            )
        if certificate.type != "AMAZON_ISSUED":
            self._check_ownership(changed)
        if touched:
            changed = self._with_truststore(changed, uri, settings.truststore_version)
        return changed

    def _server_certificate(self, domain: Domain) -> AcmCertificate:
        found = self._certificate(domain, domain.certificate_arn)
        if not any(_covers(pattern, domain.name) for pattern in found.names):
            names = ", ".join(found.names)
            raise _bad(f"The certificate provided does not cover {domain.name}: it is for {names}.")
        return found

    def _certificate(self, domain: Domain, arn: str) -> AcmCertificate:
        found = self._certificates.find(arn)
        if found is None or (found.account, found.region) != (domain.account, domain.region):
            raise _bad(f"Certificate {arn} in account {domain.account} not found.")
        if found.status != "ISSUED":
            raise _bad(f"Certificate {arn} is not issued: its status is {found.status}.")
        return found

    def _check_ownership(self, domain: Domain) -> None:
        """A server certificate that ACM did not validate proves nothing about the name."""
        if domain.ownership_arn is None:
            raise _bad("Missing ownershipVerificationCertificate.")
        found = self._certificate(domain, domain.ownership_arn)
        if found.type != "AMAZON_ISSUED":
            raise _bad(
                "The ownershipVerificationCertificate must be a public certificate of ACM's."
            )
        if not any(_covers(pattern, domain.name) for pattern in found.names):
            raise _bad(f"The ownershipVerificationCertificate does not cover {domain.name}.")

    def _with_truststore(self, domain: Domain, uri: str, version: str | None) -> Domain:
        truststore = self._read(domain, uri, version)
        self._check_subjects(domain, truststore)
        problems = truststore.problems(self._world.clock.now())
        return replace(
            domain,
            truststore_uri=uri,
            truststore_version=version or None,
            truststore=truststore,
            warnings=tuple(map(str, problems)),
        )

    def _read(self, domain: Domain, uri: str, version: str | None) -> Truststore:
        parts = urlsplit(uri)
        bucket, key = parts.netloc, parts.path.lstrip("/")
        if parts.scheme != "s3" or not bucket or not key:
            raise _bad(f"Invalid S3 URI: {uri}. Expected s3://bucket-name/key-name")
        found = self._s3.get(bucket, key, version or None)
        if found is None:
            of = f" version {version}" if version else ""
            raise _bad(f"The truststore {uri}{of} does not exist.")
        if found.account != domain.account and not self._s3.readable_by_anyone(bucket, key):
            raise _bad(f"Access to the truststore {uri} was denied.")
        if version and found.version is None:
            raise _bad("A truststore version needs a bucket with versioning enabled.")
        try:
            return load_truststore(found.body)
        except MalformedError as why:
            raise _bad(f"The truststore {uri} is not valid: {why}") from why

    def _check_subjects(self, domain: Domain, truststore: Truststore) -> None:
        """Across an account's domain names, a subject has one issuer."""
        issuers = {
            name_text(certificate, "subject"): name_text(certificate, "issuer")
            for other in self._state.domains.values()
            if other.account == domain.account and other.name != domain.name and other.truststore
            for certificate in other.truststore.certificates
        }
        for certificate in truststore.certificates:
            subject, issuer = name_text(certificate, "subject"), name_text(certificate, "issuer")
            if issuers.setdefault(subject, issuer) != issuer:
                raise _bad(
                    f"The certificate subject {subject} conflicts with an existing certificate "
                    "from a different issuer."
                )

    # States.

    def _settle(self, domain: Domain) -> None:
        """UPDATING for as long as the world takes, then AVAILABLE."""
        if not self._world.latency:
            domain.status, domain.status_message = "AVAILABLE", None
            return
        domain.status, domain.status_message = "UPDATING", None

        def available() -> None:
            domain.status = "AVAILABLE"

        when = self._world.clock.now() + self._world.latency
        self._world.clock.at(when, available, f"apigateway: {domain.name} available")

    def _refresh(self, domain: Domain, now: datetime) -> None:
        """Look whether the ownership of the name is still proven."""
        if domain.ownership_arn is None or domain.status == "UPDATING":
            return
        owner = self._certificates.find(domain.ownership_arn)
        ended = (
            owner is None
            or owner.certificate is None
            or now > owner.certificate.not_valid_after_utc
        )
        server = self._certificates.find(domain.certificate_arn)
        uncovered = server and not any(_covers(each, domain.name) for each in server.names)
        if ended:
            domain.status = "PENDING_OWNERSHIP_VERIFICATION"
            domain.status_message = "The ownership verification certificate has expired."
        elif uncovered:
            domain.status = "PENDING_CERTIFICATE_REIMPORT"
            domain.status_message = "The certificate does not cover the domain name any more."
        else:
            domain.status, domain.status_message = "AVAILABLE", None

    def _note_use(self, before: Domain, after: Domain | None) -> None:
        """Keep ACM's InUseBy true."""
        for domain, use in ((before, set.discard), (after, set.add)):
            for arn in (domain.certificate_arn, domain.ownership_arn) if domain else ():
                if arn and (found := self._certificates.find(arn)) and domain:
                    use(found.in_use_by, domain.arn)

    def _id(self) -> str:
        return new_id(self._numbers.bytes(10))


def new_id(random: bytes) -> str:
    """Return an identifier as API Gateway has them: lower-case letters and digits."""
    alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
    return "".join(alphabet[byte % len(alphabet)] for byte in random)


def _covers(pattern: str, name: str) -> bool:
    """Whether a certificate's name covers a domain name; a wildcard is for one label."""
    return pattern == name or (
        pattern.startswith("*.") and pattern.partition(".")[2] == name.partition(".")[2]
    )


def _bad(message: str) -> AwsError:
    return _error("BadRequestException", message)


def _error(code: str, message: str) -> AwsError:
    return error("apigatewayv2", code, message)
