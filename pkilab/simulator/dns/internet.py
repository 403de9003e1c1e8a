"""The world's internet of names: a root that knows the registered domains, and name servers.

A name server answers from the zones it was given and refuses the rest. Whoever looks a name up
starts at the root and goes where the NS records say, so a zone that nothing delegates to is never
asked, and a delegation to servers that do not have the zone is lame.

There are no top-level domains between the root and the registered ones, and nothing is cached:
an answer is what the servers say at this moment. Not simulated: DNSSEC, IPv6 of name servers.

Source: RFC 1034, section 5.3.3 (resolvers).
"""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from dnslib import A

from pkilab.simulator.dns import nameservers
from pkilab.simulator.dns.names import Name, is_within
from pkilab.simulator.dns.records import RecordSet, read_value, target
from pkilab.simulator.dns.zone import Finding, Outside, Zone

MOST_ALIASES = 16  # CNAMEs in one answer
_MOST_STEPS = 100  # referrals in one look-up, the ones on the way to name servers included
_ADDRESS_SECONDS = 60
_ROOT_SECONDS = 86400
_ROOT_SOA = "a.root-servers.net. nstld.verisign-grs.com. 2026010500 1800 900 604800 86400"
_ROOT_NS = "a.root-servers.net."
_REGISTRY_SECONDS = 172800
_REFUSED = Finding("REFUSED")
_LOST = Finding("SERVFAIL")


class Hosted(Protocol):
    """The zones of Route 53, as its name servers have them."""

    def zones_on(self, server: int) -> Iterable[Zone]:
        """Return the public zones that a name server was given."""
        ...

    def registered(self) -> Iterable[tuple[Name, tuple[str, ...]]]:
        """Return the registered domains and the name servers of each."""
        ...


@dataclass(frozen=True, slots=True)
class Resolution:
    """An answer, and whether it comes from an authority as it stands."""

    finding: Finding
    authoritative: bool


class Internet:
    """Looks names up from the root down.

    Args:
        hosted: the zones and the registry.
        outside: finds the addresses of host names that no zone holds, such as AWS's own.
    """

    def __init__(self, hosted: Hosted, outside: Outside) -> None:
        self._hosted, self._outside = hosted, outside

    def resolve(self, name: Name, kind: str) -> Resolution:
        """Answer as a resolver does: delegations and CNAMEs followed, SERVFAIL where one fails."""
        return Resolution(_Walk(self).resolve(name, kind), authoritative=False)

    def authority(self, name: Name, kind: str) -> Resolution:
        """Answer as the last name server that a look-up reaches, which follows nothing further.

        Where the delegation is lame that is the server above: its referral.
        """
        finding, above = _Walk(self).descend(name, kind)
        if finding is _LOST and above is not None:
            return Resolution(above, authoritative=False)
        return Resolution(finding, authoritative=not finding.referral and finding is not _LOST)

    def ask(self, server: int, name: Name, kind: str, *, below: Name = ()) -> Finding:
        """Put a question to one of Route 53's name servers.

        Args:
            server: its number.
            name: what is asked for.
            kind: the type.
            below: the domain that was delegated to it; zones above are not wanted.

        Returns:
            REFUSED, if it was given no such zone.
        """
        held = [
            zone
            for zone in self._hosted.zones_on(server)
            if is_within(name, zone.apex) and is_within(zone.apex, below)
        ]
        return max(held, key=lambda zone: len(zone.apex)).find(name, kind) if held else _REFUSED

    def root(self, name: Name, kind: str) -> Finding:
        """Answer as the root does: what no zone of Route 53 holds, and who has the domains."""
        data = self._outside(name)
        if (number := nameservers.number(name)) is not None:
            data = (A(tuple(nameservers.address(number).packed)),)
        if not data:
            return self._registry().find(name, kind)
        if kind not in {"A", "ANY"}:
            return Finding("NOERROR", (), self._registry().find((), "SOA").answer)
        return Finding("NOERROR", (RecordSet(name, "A", _ADDRESS_SECONDS, data),))

    def _registry(self) -> Zone:
        return _root_zone(tuple(self._hosted.registered()))


class _Walk:
    """One look-up, with all that it takes to find the addresses of name servers on the way."""

    def __init__(self, internet: Internet) -> None:
        self._internet, self._left = internet, _MOST_STEPS

    def resolve(self, name: Name, kind: str) -> Finding:
        chain: list[RecordSet] = []
        seen: set[Name] = set()
        while name not in seen:
            seen.add(name)
            finding, _ = self.descend(name, kind)
            if finding is _LOST:
                return Finding("SERVFAIL", tuple(chain))
            chain += finding.answer
            if sum(each.kind == "CNAME" for each in chain) > MOST_ALIASES and kind != "CNAME":
                break
            if (end := _end(finding, kind)) is None:
                return Finding(finding.rcode, tuple(chain), finding.authority, finding.additional)
            # The zone may have followed some aliases within itself; what it did is seen.
            seen.update(each.name for each in finding.answer)
            name = end
        return Finding("SERVFAIL")

    def descend(self, name: Name, kind: str) -> tuple[Finding, Finding | None]:
        """Follow referrals from the root; return the last answer and the referral before it."""
        finding = self._internet.root(name, kind)
        above: Finding | None = None
        cut: Name = ()
        while finding.referral:
            above, (delegation,) = finding, finding.authority
            self._left -= 1
            if len(delegation.name) <= len(cut) or self._left < 0:
                return _LOST, above  # a referral leads downwards, and a walk ends
            cut = delegation.name
            finding = self._ask_any(finding, cut, name, kind)
        return finding, above

    def _ask_any(self, referral: Finding, cut: Name, name: Name, kind: str) -> Finding:
        """Ask the servers of a delegation in turn, until one has a zone for the name."""
        for data in referral.authority[0].data:
            for server in self._addresses(target("NS", data) or (), referral):
                found = self._internet.ask(server, name, kind, below=cut)
                if found is not _REFUSED:
                    return found
        return _LOST

    def _addresses(self, host: Name, referral: Finding) -> list[int]:
        """Return the name servers that a host name leads to."""
        if (number := nameservers.number(host)) is not None:
            return [number]
        glue = [each for each in referral.additional if (each.name, each.kind) == (host, "A")]
        if not glue and self._left > 0:
            glue = [each for each in self.resolve(host, "A").answer if each.kind == "A"]
        found = (
            nameservers.at(ipaddress.IPv4Address(bytes(data.data)))
            for each in glue
            for data in each.data
        )
        return [number for number in found if number is not None]


@functools.lru_cache(maxsize=4)  # it changes when a domain is registered
def _root_zone(registered: tuple[tuple[Name, tuple[str, ...]], ...]) -> Zone:
    sets = [
        RecordSet((), "SOA", _ROOT_SECONDS, (read_value("SOA", _ROOT_SOA),)),
        RecordSet((), "NS", _ROOT_SECONDS, (read_value("NS", _ROOT_NS),)),
    ]
    for domain, servers in registered:
        data = tuple(read_value("NS", server) for server in servers)
        sets.append(RecordSet(domain, "NS", _REGISTRY_SECONDS, data))
    return Zone((), sets)


def _end(finding: Finding, kind: str) -> Name | None:
    """Return the name outside the zone to which an answer's aliases lead; None: it is whole."""
    if not finding.answer or kind in {"CNAME", "ANY"}:
        return None
    last = finding.answer[-1]
    # With a SOA record the zone says itself that there is nothing at the end.
    denied = any(each.kind == "SOA" for each in finding.authority)
    return None if denied or last.kind != "CNAME" else target("CNAME", last.data[0])
