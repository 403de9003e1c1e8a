"""Custom domain names with mutual TLS, as both generations of API Gateway's control plane see them.

A name is Regional, and one Region has it: the simulated front tells names apart, not Regions.

Sources: API Gateway Developer Guide, "How to turn on mutual TLS authentication"; API Gateway and
API Gateway v2 API References, CreateDomainName and UpdateDomainName; AWS General Reference, "Amazon
API Gateway endpoints and quotas"; for messages, the issues named in the fidelity table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from pkilab.errors import MalformedError
from pkilab.pki.certificates import name_text
from pkilab.pki.truststore import Truststore, load_truststore
from pkilab.simulator.acm.state import AcmCertificate, Certificates
from pkilab.simulator.apigateway.state import ApiGatewayState, Domain
from pkilab.simulator.s3 import S3
from pkilab.simulator.service import AwsError, Call, error, not_simulated
from pkilab.simulator.tagging.resources import Tagged
from pkilab.simulator.world import World

# The zones of execute-api's Regional endpoints.
_HOSTED_ZONES = {
    "us-east-1": "Z1UJRXOUMOOFQ8", "us-east-2": "ZOJJZC49E0EPZ",
    "us-west-1": "Z2MUQ32089INYE", "us-west-2": "Z2OJLYMUO9EFXC",
    "af-south-1": "Z2DHW2332DAMTN", "ap-east-1": "Z3FD1VL90ND7K5",
    "ap-east-2": "Z02909591O7FG9Q56HWB1", "ap-northeast-1": "Z1YSHQZHG15GKL",
    "ap-northeast-2": "Z20JF4UZKIW1U8", "ap-northeast-3": "Z22ILHG95FLSZ2",
    "ap-south-1": "Z3VO1THU9YC4UR", "ap-south-2": "Z0853509Q1135NJ66RUH",
    "ap-southeast-1": "ZL327KTPIQFUL", "ap-southeast-2": "Z2RPCDW04V8134",
    "ap-southeast-3": "Z10132843TYUYSLUG4HA3", "ap-southeast-4": "Z092189423Y7RJK61311D",
    "ap-southeast-5": "Z0314042F0KBUTZ3X5HF", "ap-southeast-7": "Z048508712PZLK5NKG8R0",
    "ca-central-1": "Z19DQILCV0OWEC", "ca-west-1": "Z04745493436AWVTG1OQY",
    "eu-central-1": "Z1U9ULNL0V5AJ3", "eu-central-2": "Z09222482MK253X48U76H",
    "eu-north-1": "Z3UWIKFBOOGXPP", "eu-south-1": "Z3BT4WSQ9TDYZV",
    "eu-south-2": "Z02499852UI5HEQ5JVWX3", "eu-west-1": "ZLY8HYME6SFDD",
    "eu-west-2": "ZJ5UAJN8Y3Z2Q", "eu-west-3": "Z3KY65QIEKYHQQ",
    "il-central-1": "Z07264553HBI44N5X2CKP", "me-central-1": "Z08780021BKYYY8U0YHTV",
    "me-south-1": "Z20ZBPC0SS8806", "mx-central-1": "Z00020171WIGL5M88SHRM",
    "sa-east-1": "ZCMLWB8V5SYIT", "us-gov-east-1": "Z3SE9ATJYCRCZJ",
    "us-gov-west-1": "Z1K6XKP9SAGWDV",
}  # fmt: skip
_NAME = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])")
_LONGEST_NAME = 253
_TRUSTSTORE = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(.+)", re.DOTALL)
_LONGEST_URI, _LONGEST_VERSION = 2048, 64
_EXPIRED = "The ownership verification certificate has expired."
_UNCOVERED = "The certificate does not cover the domain name any more."
_OUTSIDE = "The certificate has a name that the ownership verification certificate does not cover."
_REISSUED = "The certificate was reimported from a different issuer."


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

    def tagged_resources(self, account: str, region: str) -> Iterator[Tagged]:
        """Return an account's domain names of a Region with their tags."""
        for each in self._state.domains.values():
            if (each.account, each.region) == (account, region):
                yield each.arn, each.tags

    def create(self, call: Call, name: str, settings: Settings, tags: dict[str, str]) -> Domain:
        """Create a Regional domain name.

        Raises:
            AwsError: BadRequestException; NotImplemented, what is not simulated.
        """
        name = name.lower()
        self._check_name(call, name)
        if settings.certificate_arn is None:
            raise _bad("A certificate was not provided for the endpoint type REGIONAL.")
        made = Domain(
            name=name,
            account=call.account,
            region=call.region,
            certificate_arn=settings.certificate_arn,
            regional_name=f"d-{self._id()}.execute-api.{call.region}.amazonaws.com",
            hosted_zone_id=_HOSTED_ZONES[call.region],
            tags=dict(tags),
        )
        changed = self._changed(made, settings)
        self._state.domains[name] = changed
        self._note_use(made, changed)
        self._settle(changed)
        return changed

    def update(self, call: Call, name: str, settings: Settings) -> Domain:
        """Change a domain name; with a truststore's URI or version, the file is read anew.

        A URI without a version means the newest of this moment. What is left out stays.

        Raises:
            AwsError: NotFoundException, BadRequestException; ConflictException, an update is in
                progress.
        """
        before = self.find(call, name)
        if before.status == "UPDATING":
            raise _error("ConflictException", "There is already an update in progress.")
        if before.status == "PENDING_OWNERSHIP_VERIFICATION" and settings.ownership_arn is None:
            raise _bad(f"{_EXPIRED} Provide a valid one before any other change.")
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

    def _check_name(self, call: Call, name: str) -> None:
        if name.startswith("*."):
            raise not_simulated("a wildcard custom domain name")
        if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
            raise _bad(f"Invalid domain name: {name!r}")
        if call.region not in _HOSTED_ZONES:
            raise not_simulated(f"a custom domain name in the Region {call.region}")
        if taken := self._state.domains.get(name):
            if taken.region != call.region:
                raise not_simulated("one custom domain name in two Regions")
            raise _bad("The domain name you provided already exists.")

    def _changed(self, domain: Domain, settings: Settings) -> Domain:
        """Return the domain name as it would be, everything checked."""
        if settings.endpoint_type not in {None, "REGIONAL"}:
            what = f"a custom domain name of the endpoint type {settings.endpoint_type}"
            raise not_simulated(what)
        if settings.security_policy not in {None, "TLS_1_2"}:
            raise not_simulated(f"the security policy {settings.security_policy}")
        changed = replace(
            domain,
            certificate_arn=settings.certificate_arn or domain.certificate_arn,
            ownership_arn=settings.ownership_arn or domain.ownership_arn,
        )
        server = self._certificate(changed, changed.certificate_arn)
        if not _covered(changed.name, server):
            raise _bad(
                f"The certificate provided does not cover {domain.name}: it is for "
                f"{', '.join(server.names)}."
            )
        if settings.ownership_arn:
            self._check_ownership(changed, settings.ownership_arn)
        uri = domain.truststore_uri if settings.truststore_uri is None else settings.truststore_uri
        if not uri:
            if settings.truststore_version:
                raise _bad("A truststore version needs a truststore URI.")
            return replace(
                changed, issuer=None, truststore_uri=None, truststore_version=None,
                truststore=None, warnings=(),
            )  # fmt: skip
        self._check_server(changed, server)
        same = changed.certificate_arn == domain.certificate_arn
        if same and domain.issuer not in {None, _issuer(server)}:
            raise _bad(_REISSUED)
        changed.issuer = _issuer(server)
        if settings.truststore_uri is None and settings.truststore_version is None:
            return changed
        return self._with_truststore(changed, uri, settings.truststore_version or None)

    def _certificate(self, domain: Domain, arn: str) -> AcmCertificate:
        """Return a certificate that the domain name's owner may use, and that can be used."""
        prefix = f"arn:aws:acm:{domain.region}:"
        if not arn.startswith(prefix):
            raise _bad(f"Invalid certificate ARN: {arn}. Certificate must be in '{domain.region}'.")
        if not arn.startswith(f"{prefix}{domain.account}:"):
            raise _bad("The certificate provided must be owned by the account creating the domain")
        found = self._certificates.find(arn)
        if found is None:
            raise _bad("The provided certificate does not exist.")
        if found.certificate is None or found.status != "ISSUED":
            raise _bad(f"The certificate must be issued: the status of {arn} is {found.status}.")
        if self._world.clock.now() > found.certificate.not_valid_after_utc:
            raise _bad(f"The certificate must be issued: the status of {arn} is EXPIRED.")
        return found

    def _check_ownership(self, domain: Domain, arn: str) -> AcmCertificate:
        """A certificate that proves control of the name: ACM validated it."""
        found = self._certificate(domain, arn)
        if found.type != "AMAZON_ISSUED":
            raise _bad("The ownershipVerificationCertificate must be a public certificate of ACM.")
        if not _covered(domain.name, found):
            raise _bad(f"The ownershipVerificationCertificate does not cover {domain.name}.")
        if any(each.certificate_arn == arn for each in self._others(domain)):
            raise _bad(
                "The ownershipVerificationCertificate is the server certificate of another mutual "
                "TLS domain name."
            )
        return found

    def _check_server(self, domain: Domain, server: AcmCertificate) -> None:
        """What mutual TLS asks of the server's certificate."""
        if server.type != "AMAZON_ISSUED":
            if domain.ownership_arn is None:
                raise _bad("Missing ownershipVerificationCertificate.")
            owner = self._check_ownership(domain, domain.ownership_arn)
            if not _all_covered(server, owner):
                raise _bad(_OUTSIDE)
        for other in self._others(domain):
            if other.ownership_arn == server.arn:
                raise _bad(
                    "The certificate is the ownershipVerificationCertificate of another mutual TLS "
                    "domain name."
                )
            shown = self._certificates.find(other.certificate_arn)
            subject = _subject(server)
            if shown and subject == _subject(shown) and _issuer(server) != _issuer(shown):
                raise _bad(
                    f"The certificate subject {subject} conflicts with an existing certificate "
                    "from a different issuer."
                )

    def _others(self, domain: Domain) -> Iterator[Domain]:
        """Yield the Region's other names with mutual TLS, whoever owns them."""
        for each in self._state.domains.values():
            if each.truststore_uri and each.region == domain.region and each.name != domain.name:
                yield each

    def _with_truststore(self, domain: Domain, uri: str, version: str | None) -> Domain:
        truststore = self._read(domain, uri, version)
        problems = truststore.problems(self._world.clock.now())
        return replace(
            domain, truststore_uri=uri, truststore_version=version, truststore=truststore,
            warnings=tuple(map(str, problems)),
        )  # fmt: skip

    def _read(self, domain: Domain, uri: str, version: str | None) -> Truststore:
        parts = _TRUSTSTORE.fullmatch(uri)
        if parts is None or len(uri) > _LONGEST_URI:
            raise _bad(f"Invalid S3 URI: found {uri[:100]!r}, expected s3://bucket-name/key-name")
        if len(version or "") > _LONGEST_VERSION:
            raise _bad(f"A truststore version has at most {_LONGEST_VERSION} characters.")
        bucket, key = parts.groups()
        found = self._s3.get(bucket, key, version)
        if found is None:
            of = f" version {version}" if version else ""
            raise _bad(f"The truststore {uri}{of} does not exist.")
        if version and found.version is None:
            raise _bad("A truststore version needs a bucket with versioning enabled.")
        if found.account != domain.account:
            self._check_access(domain, bucket, key, version)
        try:
            return load_truststore(found.body)
        except MalformedError as why:
            raise _bad(f"The truststore {uri} is not valid: {why}") from why

    def _check_access(self, domain: Domain, bucket: str, key: str, version: str | None) -> None:
        """Whether another account's truststore may be read."""
        if self._s3.readable_by_anyone(bucket, key, version, secure=True):
            return
        settings = self._s3.bucket(bucket)
        if settings and domain.account in (settings.policy or ""):
            raise not_simulated("a bucket policy that lets another account read a truststore")
        raise _bad(f"Access to the truststore s3://{bucket}/{key} was denied.")

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
        """Look whether the name's certificates still are what mutual TLS asks for."""
        if domain.status == "UPDATING":
            return
        domain.status, domain.status_message = "AVAILABLE", None
        server = self._certificates.find(domain.certificate_arn)
        if server is None or domain.truststore_uri is None or server.type == "AMAZON_ISSUED":
            return
        owner = self._certificates.find(domain.ownership_arn or "")
        if (
            owner is None
            or owner.certificate is None
            or now > owner.certificate.not_valid_after_utc
        ):
            domain.status, domain.status_message = "PENDING_OWNERSHIP_VERIFICATION", _EXPIRED
            return
        for fine, message in (
            (_covered(domain.name, server), _UNCOVERED),
            (_all_covered(server, owner), _OUTSIDE),
            (_issuer(server) == domain.issuer, _REISSUED),
        ):
            if not fine:
                domain.status, domain.status_message = "PENDING_CERTIFICATE_REIMPORT", message
                return

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


def _covered(name: str, certificate: AcmCertificate) -> bool:
    """Whether a certificate is for a name; a wildcard stands for one label."""
    above = name.partition(".")[2]
    return any(each in {name, f"*.{above}"} for each in certificate.names)


def _all_covered(server: AcmCertificate, owner: AcmCertificate) -> bool:
    return all(_covered(name, owner) for name in server.names)


def _subject(certificate: AcmCertificate) -> str:
    return name_text(certificate.certificate, "subject") if certificate.certificate else ""


def _issuer(certificate: AcmCertificate) -> str:
    """Return an issuer's name; ACM itself is one issuer, whichever CA of Amazon's it uses."""
    if certificate.type == "AMAZON_ISSUED" or certificate.certificate is None:
        return "Amazon"
    return name_text(certificate.certificate, "issuer")


def _bad(message: str) -> AwsError:
    return _error("BadRequestException", message)


def _error(code: str, message: str) -> AwsError:
    return error("apigatewayv2", code, message)
