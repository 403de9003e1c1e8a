"""AWS Certificate Manager: its operations, each translated into a rule and back.

Source: ACM API Reference. The rules, with their sources, are in the files beside this one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar

from pkilab.pki import pem
from pkilab.simulator.acm import describing, exporting, importing, requesting, searching, tagging
from pkilab.simulator.acm import rules as acm_rules
from pkilab.simulator.acm.accounts import TOKEN_MEMORY, Accounts
from pkilab.simulator.acm.amazon import Amazon
from pkilab.simulator.acm.issuing import Issuance
from pkilab.simulator.acm.life import Life
from pkilab.simulator.acm.notices import Notices
from pkilab.simulator.acm.pending import Pending
from pkilab.simulator.acm.quotas import Ledger, Quotas
from pkilab.simulator.acm.renewing import Renewals, is_pending
from pkilab.simulator.acm.requesting import Request
from pkilab.simulator.acm.state import AcmCertificate, Certificates
from pkilab.simulator.acm.validating import Validator
from pkilab.simulator.acmpca.service import AcmPca
from pkilab.simulator.dns.resolver import Resolver
from pkilab.simulator.eventbridge.bus import Bus
from pkilab.simulator.iam.linked_roles import ServiceRoles
from pkilab.simulator.pages import page
from pkilab.simulator.service import AwsError, Call, Json, JsonService
from pkilab.simulator.tagging.resources import Tagged
from pkilab.simulator.world import World

_ARN = re.compile(r"arn:[a-z-]+:acm:[\w-]+:\d{12}:certificate/[\w-]+")
_LISTED, _FOUND = 1000, 100  # on a page, unless told otherwise


class Acm(JsonService):
    """AWS Certificate Manager of every account and Region of a world.

    Public certificates are validated by what the world's DNS tells the public. It is asked again
    and again until the request times out, and whenever the certificate is described. With a latency
    in the world, the records to write are named only after it.

    Args:
        world: whose clock, entropy and latency count.
        amazon: the public CA.
        resolver: the world's DNS.
        private_ca: for certificates of private CAs.
        bus: where events are sent.
        quotas: of every account.
        roles: the service-linked roles of accounts; None: ACM has none anywhere.
    """

    name: ClassVar[str] = "acm"

    def __init__(
        self,
        world: World,
        amazon: Amazon,
        resolver: Resolver,
        private_ca: AcmPca,
        bus: Bus,
        *,
        quotas: Quotas | None = None,
        roles: ServiceRoles | None = None,
    ) -> None:
        super().__init__(world)
        self.certificates, self.amazon = Certificates(), amazon
        self._numbers = world.entropy("acm")
        self._accounts, self._notices = Accounts(), Notices(world, bus)
        self._ledger = Ledger(quotas or Quotas(), self.certificates)
        self._validator = Validator(world, resolver)
        issuance = Issuance(world, amazon, private_ca, roles)
        self._pending = Pending(world, self._validator, issuance, self._issued)
        self._renewals = Renewals(world, self._validator, issuance, self._renewed)
        self._life = Life(world, self._accounts, self._renewals, self._notices)
        self._tokens: dict[tuple[str, str, str], list[tuple[datetime, str, Request]]] = {}

    def tagged_resources(self, account: str, region: str) -> Iterator[Tagged]:
        """Return an account's certificates of a Region with their tags."""
        for each in self.certificates.of(account, region):
            yield each.arn, each.tags

    # Certificates come and go.

    def request_certificate(self, call: Call, **members: Any) -> Json:  # noqa: ANN401 - the model's
        """Request a public certificate, or one of a private CA."""
        today = acm_rules.at(call.now)
        request = requesting.read(call, today, self._ledger, members)
        token = members.get("idempotency_token")
        known = self._tokens.setdefault((call.account, call.region, token), []) if token else []
        for when, arn, before in known:
            recent = call.now - when < TOKEN_MEMORY
            if recent and before == request and self.certificates.find(arn):
                return {"CertificateArn": arn}
        if request.authority is None:
            self._ledger.note_request(call.account, call.region, call.now)
        made = self._requested(call, request)
        self.certificates.add(made)
        known.append((call.now, made.arn, request))
        self._pending.begin(made, call)
        return {"CertificateArn": made.arn}

    def import_certificate(
        self,
        call: Call,
        certificate: bytes,
        private_key: bytes,
        certificate_chain: bytes | None = None,
        *,
        certificate_arn: str | None = None,
        tags: list[Json] | None = None,
    ) -> Json:
        """Import a certificate, or a newer one under an ARN that was imported before."""
        found = importing.read(certificate, private_key, certificate_chain, call.now)
        if certificate_arn and tags:
            message = "You cannot apply tags when reimporting a certificate."
            raise AwsError("ValidationException", message)
        kept = self._find(call, certificate_arn) if certificate_arn else None
        if kept:
            importing.check_reimport(kept, found, acm_rules.at(call.now))
        new_tags = tagging.added({}, tags or [])
        self._ledger.note_import(call.account, call.region, call.now, again=kept is not None)
        if kept is None:
            kept = AcmCertificate(
                self._arn(call), call.account, call.region, "IMPORTED", "ISSUED", found.names,
                found.key_algorithm, call.now, tags=new_tags,
            )  # fmt: skip
            self.certificates.add(kept)
        kept.certificate, kept.key, kept.chain = found.certificate, found.key, found.chain
        kept.names, kept.imported, kept.status = found.names, call.now, "ISSUED"
        self._life.begin(kept)
        self._notices.available(kept, "REIMPORT" if certificate_arn else "IMPORT")
        return {"CertificateArn": kept.arn}

    def delete_certificate(self, call: Call, certificate_arn: str) -> Json:
        """Delete a certificate that nothing uses."""
        found = self._find(call, certificate_arn)
        if found.in_use_by:
            message = f"Certificate {certificate_arn} in account {call.account} is in use."
            raise AwsError("ResourceInUseException", message)
        self.certificates.remove(found.arn)
        return {}

    # Looking at them.

    def describe_certificate(self, call: Call, certificate_arn: str) -> Json:
        """Describe a certificate, having looked whether it can be validated by now."""
        found = self._find(call, certificate_arn)
        self._pending.look(found)
        if found.type == "AMAZON_ISSUED" and is_pending(found) and not self.world.latency:
            self._renewals.go_on(found)
        return {"Certificate": describing.detail(found, call.now)}

    def get_certificate(self, call: Call, certificate_arn: str) -> Json:
        """Return a certificate and its chain."""
        found = self._issued_one(call, certificate_arn)
        return _pems(found)

    def list_certificates(
        self,
        call: Call,
        *,
        max_items: int = _LISTED,
        next_token: str | None = None,
        **filters: Any,  # noqa: ANN401 - the model's
    ) -> Json:
        """List certificates, oldest first; of RSA keys up to 2,048 bits unless told otherwise."""
        found = searching.listed(
            self.certificates.of(call.account, call.region), call.now, **filters
        )
        shown, token = self._page(call, found, max_items, next_token, f"list {filters}")
        summaries = [describing.summary(each, call.now) for each in shown]
        return {"CertificateSummaryList": summaries, "NextToken": token}

    def search_certificates(
        self,
        call: Call,
        *,
        filter_statement: Json | None = None,
        max_results: int = _FOUND,
        next_token: str | None = None,
        sort_by: str = "CREATED_AT",
        sort_order: str = "ASCENDING",
    ) -> Json:
        """Find certificates by a statement of filters; without one, all."""
        if filter_statement is not None:
            searching.check(filter_statement)
        found = [
            each
            for each in self.certificates.of(call.account, call.region)
            if filter_statement is None or searching.matches(filter_statement, each, call.now)
        ]
        found = searching.ordered(found, sort_by, sort_order, call.now)
        scope = f"search {filter_statement} {sort_by} {sort_order}"
        shown, token = self._page(call, found, max_results, next_token, scope)
        results = [describing.search_result(each, call.now) for each in shown]
        return {"Results": results, "NextToken": token}

    # What is done with them.

    def export_certificate(self, call: Call, certificate_arn: str, passphrase: bytes) -> Json:
        """Hand out a certificate with its key, encrypted."""
        found = self._find(call, certificate_arn)
        exporting.check_export(found, passphrase, call.now)
        assert found.key is not None  # noqa: S101 - goes with the certificate
        random = self.world.entropy("acm", "export", found.arn, str(found.exports))
        found.exports += 1
        found.exported_since = True
        return {**_pems(found), "PrivateKey": exporting.encrypted(found.key, passphrase, random)}

    def renew_certificate(self, call: Call, certificate_arn: str) -> Json:
        """Renew an exported certificate now."""
        found = self._issued_one(call, certificate_arn)
        if found.type == "IMPORTED" or not found.exported_since:
            # Wording: as told of in Infisical/infisical pull request 6069.
            message = f"The certificate {found.arn} must have at least one relation of type EXPORT."
            raise AwsError("ValidationException", message)
        if not found.is_renewable(call.now):
            status = found.status_at(call.now)
            raise AwsError("ValidationException", f"{found.arn} cannot be renewed: it is {status}.")
        self._renewals.begin(found)
        return {}

    def revoke_certificate(self, call: Call, certificate_arn: str, revocation_reason: str) -> Json:
        """Revoke an exported public certificate for good."""
        found = self._find(call, certificate_arn)
        exporting.check_revocation(found, revocation_reason)
        found.status, found.revoked = "REVOKED", call.now
        found.revocation_reason = revocation_reason
        if found.certificate:
            serial = found.certificate.serial_number
            self.amazon.revoke(serial, revocation_reason, call.now)
        self._life.begin(found)
        self._notices.revoked(found)
        return {"CertificateArn": found.arn}

    def resend_validation_email(
        self, call: Call, certificate_arn: str, domain: str, validation_domain: str
    ) -> Json:
        """Send validation mails once more. Nobody reads mail in a world."""
        found = self._find(call, certificate_arn)
        self._pending.look(found)
        self._validator.resend(found, domain.lower(), validation_domain.lower())
        return {}

    def update_certificate_options(self, call: Call, certificate_arn: str, options: Json) -> Json:
        """Change whether a public certificate is logged from its next issuance on."""
        found = self._find(call, certificate_arn)
        requesting.change_options(found, options, call.now)
        return {}

    # Tags and settings.

    def add_tags_to_certificate(self, call: Call, certificate_arn: str, tags: list[Json]) -> Json:
        """Add tags, or change their values."""
        found = self._find(call, certificate_arn)
        found.tags = tagging.added(found.tags, tags)
        return {}

    def remove_tags_from_certificate(
        self, call: Call, certificate_arn: str, tags: list[Json]
    ) -> Json:
        """Remove tags; one given with a value goes only if the value is its."""
        found = self._find(call, certificate_arn)
        found.tags = tagging.removed(found.tags, tags)
        return {}

    def list_tags_for_certificate(self, call: Call, certificate_arn: str) -> Json:
        """Return a certificate's tags."""
        return {"Tags": tagging.listed(self._find(call, certificate_arn).tags)}

    def get_account_configuration(self, call: Call) -> Json:
        """Return from how many days before their end on certificates are warned of."""
        return {"ExpiryEvents": {"DaysBeforeExpiry": self._accounts.days(_place(call))}}

    def put_account_configuration(
        self, call: Call, *, idempotency_token: str, expiry_events: Json | None = None
    ) -> Json:
        """Set from how many days before their end on certificates are warned of."""
        days = (expiry_events or {}).get("DaysBeforeExpiry")
        if self._accounts.put(_place(call), days, idempotency_token, call.now):
            for each in self.certificates.of(call.account, call.region):
                self._life.begin(each)
        return {}

    # Within.

    def _requested(self, call: Call, request: Request) -> AcmCertificate:
        made = AcmCertificate(
            self._arn(call), call.account, call.region,
            "PRIVATE" if request.authority else "AMAZON_ISSUED", "PENDING_VALIDATION",
            request.names, request.key_algorithm, call.now, tags=request.tags,
            method=request.method, ready_at=call.now + self.world.latency,
            authority=request.authority, transparency=request.transparency, export=request.export,
        )  # fmt: skip
        made.validations = self._validator.challenges(
            call.account, request.names, request.method, request.domains,
            public=request.authority is None,
        )  # fmt: skip
        return made

    def _issued(self, made: AcmCertificate) -> None:
        self._life.begin(made)
        self._notices.available(made, "ISSUANCE")

    def _renewed(self, made: AcmCertificate) -> None:
        self._life.begin(made)
        self._notices.available(made, "RENEWAL")

    def _arn(self, call: Call) -> str:
        return f"arn:aws:acm:{call.region}:{call.account}:certificate/{self._numbers.uuid()}"

    def _find(self, call: Call, arn: str) -> AcmCertificate:
        if not _ARN.fullmatch(arn):
            raise AwsError("InvalidArnException", f"The Amazon Resource Name is not valid: {arn}")
        found = self.certificates.find(arn)
        if found is None or (found.account, found.region) != _place(call):
            message = f"Could not find certificate {arn}."
            raise AwsError("ResourceNotFoundException", message)
        return found

    def _issued_one(self, call: Call, arn: str) -> AcmCertificate:
        found = self._find(call, arn)
        if found.certificate is None:
            message = f"Certificate {arn} is not yet issued."
            raise AwsError("RequestInProgressException", message)
        return found

    def _page(
        self,
        call: Call,
        found: list[AcmCertificate],
        size: int,
        token: str | None,
        scope: str,
    ) -> tuple[list[AcmCertificate], str | None]:
        scope = f"{call.account} {call.region} {scope}"
        return page(found, size, token, scope=scope, refusal="ValidationException")


def _place(call: Call) -> tuple[str, str]:
    return call.account, call.region


def _pems(found: AcmCertificate) -> Json:
    assert found.certificate is not None  # noqa: S101 - the caller's duty
    chain = {"CertificateChain": pem.to_pem(*found.chain)} if found.chain else {}
    return {"Certificate": pem.to_pem(found.certificate), **chain}
