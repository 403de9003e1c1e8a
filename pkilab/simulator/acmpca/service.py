"""AWS Private CA: its 23 operations, each translated into a rule and back.

Source: AWS Private CA API Reference. The rules, with their sources, are in the files beside this
one.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, ClassVar, Literal

from cryptography import x509

from pkilab.pki.certificates import serial_hex
from pkilab.pki.pem import to_pem
from pkilab.simulator.acmpca import issuing, lifecycle, policies, tagging
from pkilab.simulator.acmpca.audit import Auditor
from pkilab.simulator.acmpca.creation import KEY_STORAGE, create_authority, partition_of
from pkilab.simulator.acmpca.idempotency import RecentTokens
from pkilab.simulator.acmpca.importing import check_import
from pkilab.simulator.acmpca.notices import Notices
from pkilab.simulator.acmpca.publisher import Publisher
from pkilab.simulator.acmpca.revoking import revoke
from pkilab.simulator.acmpca.state import Authority, Issued
from pkilab.simulator.acmpca.templates import DEFAULT, Template, find_template, template_arn
from pkilab.simulator.eventbridge.bus import Bus
from pkilab.simulator.pages import page
from pkilab.simulator.s3 import S3
from pkilab.simulator.service import AwsError, Call, JsonService
from pkilab.simulator.tagging.resources import Tagged
from pkilab.simulator.world import World

Json = dict[str, Any]

# AWS General Reference, "AWS Private Certificate Authority endpoints and quotas".
CAS = 200  # per account and Region, deleted ones included until they are gone
CERTIFICATES = 100_000_000  # per CA
CERTIFICATES_WITH_COMPLETE_CRL = 1_000_000
PAGE = 100  # ListCertificateAuthorities: MaxResults may be 1000, a page has at most 100

_CA_ARN = (
    r"arn:[a-z-]+:acm-pca:[a-z0-9-]+:\d{12}:certificate-authority/"
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
)
_CA = re.compile(_CA_ARN)
_CERTIFICATE = re.compile(rf"(?P<ca>{_CA_ARN})/certificate/(?P<serial>[0-9a-f]{{32}})")


class AcmPca(JsonService):
    """AWS Private CA of every account and Region of a world.

    Args:
        world: whose clock, entropy and latency count.
        bus: where events are sent; None: nobody hears.
        exact_policies: whether PutPolicy insists on the very shape of AWS's example policy.
    """

    name: ClassVar[str] = "acm-pca"

    def __init__(
        self,
        world: World,
        bus: Bus | None = None,
        *,
        exact_policies: bool = False,
    ) -> None:
        super().__init__(world)
        self._notices = notices = Notices(bus)
        self._publisher = Publisher(world, S3(), notices)
        self._auditor = Auditor(world, S3(), notices)
        self._exact_policies = exact_policies
        self._authorities: dict[str, Authority] = {}  # by ARN, in order of creation
        self._created: dict[tuple[str, str], int] = {}  # how many, by account and Region
        self._tokens = RecentTokens()
        self.shares = policies.Shares()

    def authorities(self) -> Iterable[Authority]:
        """Return the CAs that exist now, of all accounts, in order of creation."""
        now = self.world.clock.now()
        for arn in [one.arn for one in self._authorities.values() if lifecycle.is_gone(one, now)]:
            del self._authorities[arn]
        return self._authorities.values()

    def tagged_resources(self, account: str, region: str) -> Iterator[Tagged]:
        """Return an account's CAs of a Region with their tags, until they are gone for good."""
        for each in self.authorities():
            if (each.account, each.region) == (account, region):
                yield each.arn, each.tags

    # Certificate authorities

    def create_certificate_authority(
        self,
        call: Call,
        *,
        certificate_authority_configuration: Json,
        certificate_authority_type: Literal["ROOT", "SUBORDINATE"],
        revocation_configuration: Json | None = None,
        idempotency_token: str | None = None,
        key_storage_security_standard: str = KEY_STORAGE,
        usage_mode: Literal["GENERAL_PURPOSE", "SHORT_LIVED_CERTIFICATE"] = "GENERAL_PURPOSE",
        tags: Sequence[Json] = (),
    ) -> Json:
        """Make a CA; its key and CSR are ready after the world's latency."""
        place = (call.account, call.region)
        known = ("create", *place, idempotency_token or "")
        if idempotency_token and (arn := self._tokens.recall(*known, now=call.now)):
            return {"CertificateAuthorityArn": arn}
        if sum((one.account, one.region) == place for one in self.authorities()) >= CAS:
            raise AwsError("LimitExceededException", f"An account has at most {CAS} private CAs.")
        number = self._created.get(place, 0) + 1
        new_tags = tagging.added({}, tags)
        authority = create_authority(
            self.world,
            call,
            number,
            certificate_authority_configuration,
            kind=certificate_authority_type,
            usage_mode=usage_mode,
            key_storage=key_storage_security_standard,
        )
        try:
            self._publisher.configured(call, authority, revocation_configuration or {})
        except AwsError as error:
            if error.code != "ResourceNotFoundException":
                raise
            # A missing bucket; the model of this operation has no ResourceNotFoundException.
            raise AwsError("InvalidArgsException", error.message) from error
        authority.tags = new_tags
        self._created[place] = number
        self._authorities[authority.arn] = authority
        self._when(authority.ready_at, lambda: self._made(authority), f"key of {authority.arn}")
        if idempotency_token:
            self._tokens.remember(*known, arn=authority.arn, now=call.now)
        return {"CertificateAuthorityArn": authority.arn}

    def describe_certificate_authority(self, call: Call, *, certificate_authority_arn: str) -> Json:
        """Describe a CA, deleted ones included while they can be restored."""
        authority = self._find(call, certificate_authority_arn)
        return {"CertificateAuthority": _description(authority, call)}

    def list_certificate_authorities(
        self,
        call: Call,
        *,
        max_results: int = PAGE,
        next_token: str | None = None,
        resource_owner: str = "SELF",
    ) -> Json:
        """List the CAs of the caller's account, or those shared with it, in order of creation."""
        place = (call.account, call.region)
        if resource_owner == "SELF":
            found = [one for one in self.authorities() if (one.account, one.region) == place]
        else:
            shared = self.shares.of_others(call)
            found = [one for one in self.authorities() if one.arn in shared]
        scope = f"authorities {resource_owner} {place}"
        shown, token = page(found, min(max_results, PAGE), next_token, scope=scope)
        return {
            "CertificateAuthorities": [_description(one, call) for one in shown],
            "NextToken": token,
        }

    def get_certificate_authority_csr(self, call: Call, *, certificate_authority_arn: str) -> Json:
        """Return the CSR, as it was made at creation."""
        authority = self._find(call, certificate_authority_arn, "GetCertificateAuthorityCsr")
        return {"Csr": authority.csr.decode()}

    def get_certificate_authority_certificate(
        self, call: Call, *, certificate_authority_arn: str
    ) -> Json:
        """Return the installed certificate, and its chain without it; no chain for a root."""
        authority = self._find(
            call, certificate_authority_arn, "GetCertificateAuthorityCertificate"
        )
        if authority.certificate is None:
            raise AwsError(
                "InvalidStateException", "The certificate authority has no certificate installed."
            )
        return {
            "Certificate": _pem(authority.certificate),
            "CertificateChain": _pem(*authority.chain) if authority.chain else None,
        }

    def import_certificate_authority_certificate(
        self,
        call: Call,
        *,
        certificate_authority_arn: str,
        certificate: bytes,
        certificate_chain: bytes = b"",
    ) -> Json:
        """Install a certificate, the first or a renewed one."""
        authority = self._find(
            call, certificate_authority_arn, "ImportCertificateAuthorityCertificate"
        )
        installed = check_import(authority, certificate, certificate_chain, call.now)
        lifecycle.activate(authority, call.now)
        authority.certificate, authority.chain, authority.issuer = installed
        self._publisher.activated(authority)
        return {}

    def update_certificate_authority(
        self,
        call: Call,
        *,
        certificate_authority_arn: str,
        revocation_configuration: Json | None = None,
        status: str | None = None,
    ) -> Json:
        """Enable or disable a CA, or change its revocation services; what is left out stays."""
        authority = self._find(call, certificate_authority_arn, "UpdateCertificateAuthority")
        if status is not None:
            lifecycle.check_wanted(status)
        if revocation_configuration is not None:
            self._publisher.configured(call, authority, revocation_configuration)
        if status is not None:
            lifecycle.update(authority, status, call.now)
            self._publisher.state_changed(authority)
        return {}

    def delete_certificate_authority(
        self,
        call: Call,
        *,
        certificate_authority_arn: str,
        permanent_deletion_time_in_days: int = lifecycle.RESTORE_DAYS,
    ) -> Json:
        """Delete a CA that is not ACTIVE; it can be restored for some days."""
        authority = self._find(call, certificate_authority_arn, "DeleteCertificateAuthority")
        if not lifecycle.delete(authority, permanent_deletion_time_in_days, call.now):
            del self._authorities[authority.arn]
        self._publisher.state_changed(authority)
        return {}

    def restore_certificate_authority(self, call: Call, *, certificate_authority_arn: str) -> Json:
        """Bring back a deleted CA into the state it had."""
        authority = self._find(call, certificate_authority_arn, "RestoreCertificateAuthority")
        lifecycle.restore(authority, call.now)
        self._publisher.state_changed(authority)
        return {}

    # Certificates

    def issue_certificate(
        self,
        call: Call,
        *,
        certificate_authority_arn: str,
        csr: bytes,
        signing_algorithm: str,
        validity: Json,
        template_arn: str | None = None,
        validity_not_before: Json | None = None,
        api_passthrough: Json | None = None,
        idempotency_token: str | None = None,
    ) -> Json:
        """Issue a certificate; it can be had after the world's latency."""
        authority = self._find(call, certificate_authority_arn)
        policies.check_service_principal(authority, call, "IssueCertificate")
        known = ("issue", call.account, authority.arn, idempotency_token or "")
        if idempotency_token and (arn := self._tokens.recall(*known, now=call.now)):
            return {"CertificateArn": arn}
        order = issuing.Order(
            csr=csr,
            template=_template(template_arn, call.region),
            signing_algorithm=signing_algorithm,
            validity=validity,
            not_before=validity_not_before,
            passthrough=api_passthrough or {},
        )
        by_root = " with a root template" if order.template.root else ""
        lifecycle.require(authority, f"IssueCertificate{by_root}", call.now)
        _check_certificate_quota(authority)
        issued = self._issue(authority, order, call)
        if idempotency_token:
            self._tokens.remember(*known, arn=issued.arn, now=call.now)
        return {"CertificateArn": issued.arn}

    def get_certificate(
        self, call: Call, *, certificate_authority_arn: str, certificate_arn: str
    ) -> Json:
        """Return an issued certificate, be it expired or revoked, with the chain to the root."""
        authority = self._find(call, certificate_authority_arn)
        policies.check_service_principal(authority, call, "GetCertificate")
        lifecycle.require(authority, "GetCertificate", call.now)
        parts = _CERTIFICATE.fullmatch(certificate_arn)
        if parts is None:
            raise AwsError("InvalidArnException", f"{certificate_arn} is not a certificate's ARN.")
        issued = authority.issued.get(int(parts["serial"], 16))
        if issued is None or issued.arn != certificate_arn:
            raise AwsError(
                "ResourceNotFoundException", f"The certificate {certificate_arn} does not exist."
            )
        if call.now < issued.ready_at:
            raise AwsError(
                "RequestInProgressException",
                f"The request to issue certificate {certificate_arn} is still in progress. "
                "Try again later.",
            )
        if issued.certificate is None:
            raise AwsError("RequestFailedException", issued.failure or "The issuance failed.")
        return {
            "Certificate": _pem(issued.certificate),
            "CertificateChain": _pem(*issued.chain) if issued.chain else None,
        }

    def revoke_certificate(
        self,
        call: Call,
        *,
        certificate_authority_arn: str,
        certificate_serial: str,
        revocation_reason: str,
    ) -> Json:
        """Revoke a certificate that this CA issued."""
        authority = self._find(call, certificate_authority_arn, "RevokeCertificate")
        issued = revoke(authority, certificate_serial, revocation_reason, call.now)
        self._publisher.revoked(authority, issued)
        self._notices.revoked(authority, issued)
        return {}

    # Audit reports

    def create_certificate_authority_audit_report(
        self,
        call: Call,
        *,
        certificate_authority_arn: str,
        s3_bucket_name: str,
        audit_report_response_format: Literal["JSON", "CSV"],
    ) -> Json:
        """Start a report of all certificates the CA ever issued."""
        authority = self._find(
            call, certificate_authority_arn, "CreateCertificateAuthorityAuditReport"
        )
        report = self._auditor.create(authority, s3_bucket_name, audit_report_response_format)
        return {"AuditReportId": report.report_id, "S3Key": report.key}

    def describe_certificate_authority_audit_report(
        self, call: Call, *, certificate_authority_arn: str, audit_report_id: str
    ) -> Json:
        """Say how far a report is and where it lies."""
        authority = self._find(call, certificate_authority_arn)
        report = authority.audit_reports.get(audit_report_id)
        if report is None:
            raise AwsError(
                "ResourceNotFoundException", f"The audit report {audit_report_id} does not exist."
            )
        return {
            "AuditReportStatus": self._auditor.status(report),
            "S3BucketName": report.bucket,
            "S3Key": report.key,
            "CreatedAt": report.created_at,
        }

    # Permissions and policies

    def create_permission(
        self,
        call: Call,
        *,
        certificate_authority_arn: str,
        principal: str,
        actions: list[str],
        source_account: str | None = None,
    ) -> Json:
        """Let ACM use the CA."""
        authority = self._find(call, certificate_authority_arn, "CreatePermission")
        policies.grant(authority, call, principal, source_account or authority.account, actions)
        return {}

    def delete_permission(
        self,
        call: Call,
        *,
        certificate_authority_arn: str,
        principal: str,
        source_account: str | None = None,
    ) -> Json:
        """Withdraw what `create_permission` gave."""
        authority = self._find(call, certificate_authority_arn, "DeletePermission")
        policies.withdraw(authority, principal, source_account or authority.account)
        return {}

    def list_permissions(
        self,
        call: Call,
        *,
        certificate_authority_arn: str,
        max_results: int = PAGE,
        next_token: str | None = None,
    ) -> Json:
        """List the permissions of AWS services."""
        authority = self._find(call, certificate_authority_arn)
        policies.check_service_principal(authority, call, "ListPermissions")
        lifecycle.require(authority, "ListPermissions", call.now)
        scope = f"permissions {authority.arn}"
        items = list(authority.permissions.values())
        shown, token = page(items, max_results, next_token, scope=scope)
        return {"Permissions": shown, "NextToken": token}

    def put_policy(self, call: Call, *, resource_arn: str, policy: str) -> Json:
        """Attach a resource policy, in place of the one before."""
        authority = self._find(call, resource_arn, "PutPolicy")
        policies.check_policy(authority, call, policy, exact_shape=self._exact_policies)
        authority.policy = policy
        self.shares.put(authority)
        return {}

    def get_policy(self, call: Call, *, resource_arn: str) -> Json:
        """Return the resource policy."""
        authority = self._find(call, resource_arn, "GetPolicy")
        if authority.policy is None:
            raise AwsError("ResourceNotFoundException", f"{resource_arn} has no resource policy.")
        return {"Policy": authority.policy}

    def delete_policy(self, call: Call, *, resource_arn: str) -> Json:
        """Remove the resource policy; there need not be one."""
        authority = self._find(call, resource_arn, "DeletePolicy")
        authority.policy = None
        self.shares.deleted(authority)
        return {}

    # Tags

    def tag_certificate_authority(
        self, call: Call, *, certificate_authority_arn: str, tags: Sequence[Json]
    ) -> Json:
        """Add tags, or change their values."""
        authority = self._find(call, certificate_authority_arn, "TagCertificateAuthority")
        authority.tags = tagging.added(authority.tags, tags)
        return {}

    def untag_certificate_authority(
        self, call: Call, *, certificate_authority_arn: str, tags: Sequence[Json]
    ) -> Json:
        """Remove tags; one given with a value only if it has that value."""
        authority = self._find(call, certificate_authority_arn, "UntagCertificateAuthority")
        authority.tags = tagging.removed(authority.tags, tags)
        return {}

    def list_tags(
        self,
        call: Call,
        *,
        certificate_authority_arn: str,
        max_results: int = PAGE,
        next_token: str | None = None,
    ) -> Json:
        """List the tags in the order they were set."""
        authority = self._find(call, certificate_authority_arn, "ListTags")
        shown, token = page(
            tagging.listed(authority.tags),
            max_results,
            next_token,
            scope=f"tags {authority.arn}",
            refusal="ValidationException",  # the model has no InvalidNextToken here
        )
        return {"Tags": shown, "NextToken": token}

    # What the operations share

    def _find(self, call: Call, arn: str, operation: str | None = None) -> Authority:
        """Return the CA of an ARN, if its state allows ``operation``.

        A CA of another Region does not exist for a caller, nor one of another account for who has
        no identity: whoever has one was let in by the gate, which asked the CA's policy.
        """
        if not _CA.fullmatch(arn):
            raise AwsError("InvalidArnException", f"{arn} is not the ARN of a private CA.")
        authority = self._authorities.get(arn)
        if (
            authority is None
            or authority.region != call.region
            or (authority.account != call.account and call.identity is None)
            or lifecycle.is_gone(authority, call.now)
        ):
            raise AwsError(
                "ResourceNotFoundException", f"The certificate authority {arn} does not exist."
            )
        if operation:
            lifecycle.require(authority, operation, call.now)
        return authority

    def _issue(self, authority: Authority, order: issuing.Order, call: Call) -> Issued:
        number = str(len(authority.issued) + 1)
        random = self.world.entropy("acm-pca", "serial", authority.uuid, number).bytes(16)
        serial = int.from_bytes(random)
        urls = self._publisher.extensions_for(authority)
        outcome = issuing.build(authority, order, urls, serial, call.now)
        own = () if authority.certificate is None else (authority.certificate,)
        issued = Issued(
            arn=f"{authority.arn}/certificate/{serial_hex(serial, '')}",
            serial=serial,
            template_arn=template_arn(order.template.name, partition_of(call.region)),
            issued_at=call.now,
            ready_at=call.now + self.world.latency,
            certificate=outcome.certificate,
            chain=() if order.template.root else (*own, *authority.chain),
            requested_by=call.principal if policies.is_service(call.principal) else None,
            failure=outcome.failure,
            partition=None if order.template.root else urls.partition,
        )
        authority.issued[serial] = issued
        if issued.certificate:
            self._publisher.certificate_issued(authority, issued)
        told = functools.partial(self._notices.issued, authority, issued)
        self._when(issued.ready_at, told, f"issuance of {issued.arn}")
        return issued

    def _made(self, authority: Authority) -> None:
        if authority.arn in self._authorities:  # not deleted meanwhile
            self._notices.created(authority)

    def _when(self, ready_at: datetime, tell: Callable[[], None], what: str) -> None:
        """Tell at the moment when asynchronous work is done; at once, if it took no time."""
        if ready_at <= self.world.clock.now():
            tell()
        else:
            self.world.clock.at(ready_at, tell, f"acm-pca {what}")


def _template(arn: str | None, region: str) -> Template:
    partition = partition_of(region)
    return find_template(arn or template_arn(DEFAULT, partition), partition)


def _check_certificate_quota(authority: Authority) -> None:
    crl = authority.revocation_configuration.get("CrlConfiguration", {})
    complete = crl.get("Enabled") and crl.get("CrlType") != "PARTITIONED"
    limit = CERTIFICATES_WITH_COMPLETE_CRL if complete else CERTIFICATES
    if len(authority.issued) >= limit:
        raise AwsError("LimitExceededException", f"A CA can issue at most {limit} certificates.")


def _description(authority: Authority, call: Call) -> Json:
    """Return a CA as Describe and List show it."""
    certificate = authority.certificate
    return {
        "Arn": authority.arn,
        "OwnerAccount": authority.account,
        "CreatedAt": authority.created_at,
        "LastStateChangeAt": lifecycle.changed_at(authority, call.now),
        "Type": authority.kind,
        "Serial": serial_hex(certificate) if certificate else None,
        "Status": lifecycle.status(authority, call.now),
        "NotBefore": certificate.not_valid_before_utc if certificate else None,
        "NotAfter": certificate.not_valid_after_utc if certificate else None,
        "FailureReason": authority.failure_reason,
        "CertificateAuthorityConfiguration": authority.configuration,
        "RevocationConfiguration": authority.revocation_configuration,
        "RestorableUntil": authority.restorable_until,
        "KeyStorageSecurityStandard": authority.key_storage,
        "UsageMode": authority.usage_mode,
    }


def _pem(*certificates: x509.Certificate) -> str:
    """Return PEM as AWS does, without a line feed at its end (as its clients expect).

    Source: cert-manager/aws-privateca-issuer, which adds one before it appends the chain.
    """
    return to_pem(*certificates).rstrip("\n")
