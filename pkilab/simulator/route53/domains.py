"""Route 53 Domains: which name servers the registry has for a domain, and changing them.

Registering, transferring and renewing are not simulated: `HostedZones` says when a domain counts as
registered. Contacts are nobody's and are left out.

Source: Route 53 Domains API Reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from pkilab.errors import MalformedError
from pkilab.simulator.dns.names import name_text, parse_name
from pkilab.simulator.pages import page
from pkilab.simulator.route53.state import Domain, HostedZones
from pkilab.simulator.service import AwsError, Call, Json, JsonService, not_simulated
from pkilab.simulator.world import World

_YEAR = timedelta(days=365)
_MOST_LISTED = 20


@dataclass
class _Operation:
    id: str
    account: str
    domain: str
    submitted: datetime
    done: bool = False


class Route53Domains(JsonService):
    """The registrar's side of Route 53. It answers in us-east-1 alone."""

    name: ClassVar[str] = "route53domains"

    def __init__(self, world: World, zones: HostedZones) -> None:
        super().__init__(world)
        self._domains = zones.domains
        self._operations: dict[str, _Operation] = {}
        self._numbers = world.entropy("route53domains")

    def get_domain_detail(self, call: Call, domain_name: str) -> Json:
        """Return a domain and its name servers."""
        found = self._find(call, domain_name)
        return {
            "DomainName": _shown(found),
            "Nameservers": [{"Name": server.rstrip(".")} for server in found.servers],
            "AutoRenew": True,
            "RegistrarName": "Amazon Registrar, Inc.",
            "CreationDate": found.created,
            "ExpirationDate": found.created + _YEAR,
            "StatusList": ["clientTransferProhibited"],
        }

    def list_domains(
        self,
        call: Call,
        *,
        marker: str | None = None,
        max_items: int = _MOST_LISTED,
        **others: Any,  # noqa: ANN401 - the model's
    ) -> Json:
        """List an account's domains by name."""
        self._require_region(call)
        if others:
            raise not_simulated(f"route53domains:ListDomains with {', '.join(sorted(others))}")
        own = sorted((d for d in self._domains.values() if d.account == call.account), key=_shown)
        shown, token = page(own, max_items, marker, scope=call.account, refusal="InvalidInput")
        return {
            "Domains": [
                {
                    "DomainName": _shown(each),
                    "AutoRenew": True,
                    "TransferLock": True,
                    "Expiry": each.created + _YEAR,
                }
                for each in shown
            ],
            "NextPageMarker": token,
        }

    def update_domain_nameservers(
        self,
        call: Call,
        domain_name: str,
        nameservers: list[Json],
        **others: Any,  # noqa: ANN401 - the model's
    ) -> Json:
        """Replace a domain's name servers, once the operation has succeeded."""
        if others or any(server.get("GlueIps") for server in nameservers):
            what = ", ".join(sorted(others)) or "glue addresses"
            raise not_simulated(f"route53domains:UpdateDomainNameservers with {what}")
        found = self._find(call, domain_name)
        servers = tuple(self._server(server["Name"]) for server in nameservers)
        if len(servers) < 2 or len(set(servers)) < len(servers):  # noqa: PLR2004 - registries' rule
            raise AwsError("InvalidInput", "A domain needs at least two distinct name servers.")
        made = _Operation(self._numbers.uuid(), call.account, _shown(found), call.now)
        self._operations[made.id] = made

        def change() -> None:
            found.servers, made.done = servers, True

        self.world.clock.at(call.now + self.world.latency, change, f"route53domains: {made.id}")
        return {"OperationId": made.id}

    def get_operation_detail(self, call: Call, operation_id: str) -> Json:
        """Say how far an operation is."""
        self._require_region(call)
        found = self._operations.get(operation_id)
        if found is None or found.account != call.account:
            raise AwsError("InvalidInput", f"Operation {operation_id} not found.")
        return {
            "OperationId": found.id,
            "Status": "SUCCESSFUL" if found.done else "IN_PROGRESS",
            "DomainName": found.domain,
            "Type": "UPDATE_NAMESERVER",
            "SubmittedDate": found.submitted,
        }

    def _server(self, text: str) -> str:
        try:
            return name_text(parse_name(text))
        except MalformedError as error:
            raise AwsError("InvalidInput", f"{text} is not a host name.") from error

    def _find(self, call: Call, text: str) -> Domain:
        self._require_region(call)
        try:
            found = self._domains.get(parse_name(text))
        except MalformedError:
            found = None
        if found is None or found.account != call.account:
            raise AwsError("InvalidInput", f"Domain {text} not found in {call.account} account.")
        return found

    def _require_region(self, call: Call) -> None:
        if call.region != "us-east-1":
            raise not_simulated(f"route53domains in {call.region}, where AWS has no endpoint,")


def _shown(domain: Domain) -> str:
    return name_text(domain.name).rstrip(".")
