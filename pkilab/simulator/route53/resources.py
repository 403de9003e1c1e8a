"""The AWS resources of this world to which a name may lead: API Gateway's, which have endpoints.

All of them are met at one address, where the world is served.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address

from dnslib import A

from pkilab.simulator.apigateway.state import ApiGatewayState
from pkilab.simulator.dns.names import Name, host_text
from pkilab.simulator.dns.records import Rdata

LOOPBACK = IPv4Address("127.0.0.1")


class AwsResources:
    """Says which host names of AWS's lead somewhere.

    Args:
        apis: API Gateway's custom domain names, whose targets these are.
        serves: says whether a host name is an API's own.
        address: where the world is met.
    """

    def __init__(
        self,
        apis: ApiGatewayState,
        serves: Callable[[str], bool],
        address: IPv4Address = LOOPBACK,
    ) -> None:
        self._apis, self._serves, self._address = apis, serves, address

    def hosted_zone(self, name: Name) -> str | None:
        """Return the hosted zone id with which a name is an alias target; None: it is none."""
        return self._targets().get(host_text(name))

    def addresses(self, name: Name) -> tuple[Rdata, ...]:
        """Return the addresses of a name under amazonaws.com; none: it leads nowhere."""
        host = host_text(name)
        known = host in self._targets() or (host.endswith(".amazonaws.com") and self._serves(host))
        return (A(tuple(self._address.packed)),) if known else ()

    def _targets(self) -> dict[str, str]:
        domains = self._apis.domains.values()
        return {domain.regional_name: domain.hosted_zone_id for domain in domains}
