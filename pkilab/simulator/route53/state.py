"""Hosted zones, their changes on the way to the name servers, and who registered which domain.

A change is what the API shows at once and what the name servers have only when it is INSYNC. That
takes as long as the world's asynchronous work takes, up to the 60 seconds that AWS names.

Source: Route 53 API Reference, GetChange and ChangeResourceRecordSets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pkilab.pki.entropy import Entropy
from pkilab.simulator.dns import nameservers
from pkilab.simulator.dns.names import Name, is_within, name_text
from pkilab.simulator.dns.records import RecordSet, read_value
from pkilab.simulator.dns.zone import Outside, Zone
from pkilab.simulator.service import Json
from pkilab.simulator.world import World

_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ID_LETTERS = 19
_NS_SECONDS, _SOA_SECONDS = 172800, 900
_CONTACT = "awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"
_SLOWEST = timedelta(seconds=60)  # within which name servers usually have a change
PRIVATE_SERVERS = (1536, 0, 1024, 512)  # every private zone's

Key = tuple[Name, str]  # name and type


@dataclass(frozen=True, slots=True)
class Entry:
    """A record set as the API has it: what DNS needs, and how it was written."""

    held: RecordSet
    values: tuple[str, ...]
    alias_target: Json | None = None

    def members(self) -> Json:
        """Return it as ListResourceRecordSets does."""
        shown: Json = {"Name": name_text(self.held.name), "Type": self.held.kind}
        if self.alias_target:
            return {**shown, "AliasTarget": self.alias_target}
        values = [{"Value": value} for value in self.values]
        return {**shown, "TTL": self.held.ttl, "ResourceRecords": values}


@dataclass
class HostedZone:
    """A hosted zone. ``records`` is what the API shows, ``published`` what its servers answer."""

    id: str
    account: str
    name: Name
    reference: str
    servers: tuple[int, ...]
    private: bool
    comment: str | None = None
    vpc: Json | None = None
    tags: dict[str, str | None] = field(default_factory=dict)
    records: dict[Key, Entry] = field(default_factory=dict)
    published: Zone | None = None
    changes: int = 0

    @property
    def server_names(self) -> tuple[str, ...]:
        """Its delegation set."""
        return tuple(nameservers.host(number) for number in self.servers)

    def is_own(self, key: Key) -> bool:
        """Whether a record set is one that every zone must have."""
        return key in {(self.name, "NS"), (self.name, "SOA")}


@dataclass
class Change:
    """A change of a zone, under way until every name server has it."""

    id: str
    account: str
    submitted: datetime
    comment: str | None
    in_sync: bool = False

    def members(self, *, fresh: bool = False) -> Json:
        """Return it as the API does; an answer to the change itself always says PENDING."""
        return {
            "Id": f"/change/{self.id}",
            "Status": "INSYNC" if self.in_sync and not fresh else "PENDING",
            "SubmittedAt": self.submitted,
            "Comment": self.comment,
        }


@dataclass
class Domain:
    """A registered domain: the account that registered it, and where its name servers are."""

    name: Name
    account: str
    created: datetime
    servers: tuple[str, ...]


class HostedZones:
    """All zones of a world, the registry, and the name servers that have them.

    Registering a domain is not simulated: a domain is taken to be registered by the account that
    first makes a public zone for it, with that zone's name servers, unless a domain above it is
    registered already. What is registered stays so when the zone is deleted.

    Args:
        world: gives time, latency and the seed.
        outside: finds the addresses behind an alias whose target is in no zone.
    """

    def __init__(self, world: World, outside: Outside) -> None:
        self._world, self._outside = world, outside
        self.zones: dict[str, HostedZone] = {}
        self.changes: dict[str, Change] = {}
        self.domains: dict[Name, Domain] = {}
        self.references: set[tuple[str, str]] = set()  # account and CallerReference
        self._served: dict[str, HostedZone] = {}  # what some name server has or had

    # What the name servers see.

    def zones_on(self, server: int) -> Iterator[Zone]:
        """Return the public zones that a name server was given."""
        for zone in self._served.values():
            if zone.published is not None and server in zone.servers:
                yield zone.published

    def registered(self) -> Iterator[tuple[Name, tuple[str, ...]]]:
        """Return the registered domains and the name servers of each."""
        return ((domain.name, domain.servers) for domain in self.domains.values())

    # What the API does.

    def of(self, account: str) -> list[HostedZone]:
        """Return an account's zones, oldest first."""
        return [zone for zone in self.zones.values() if zone.account == account]

    def create(
        self, account: str, name: Name, reference: str, comment: str | None, vpc: Json | None
    ) -> tuple[HostedZone, Change]:
        """Make a zone with its NS and SOA records, and register the domain if it is new."""
        number = self._id("Z0", "zone", account, reference)
        source = self._world.entropy("route53", "name servers", number)
        servers = PRIVATE_SERVERS if vpc else self._draw(source, name)
        zone = HostedZone(number, account, name, reference, servers, bool(vpc), comment, vpc)
        names = zone.server_names
        self.put(zone, "NS", _NS_SECONDS, [f"{host}." for host in names])
        self.put(zone, "SOA", _SOA_SECONDS, [f"{names[0]}. {_CONTACT}"])
        self.zones[number] = zone
        self.references.add((account, reference))
        if not vpc and not any(is_within(name, domain) for domain in self.domains):
            now = self._world.clock.now()
            self.domains[name] = Domain(name, account, now, tuple(f"{host}." for host in names))
        return zone, self.change(zone, None)

    def put(self, zone: HostedZone, kind: str, ttl: int, values: list[str]) -> None:
        """Write a record set at a zone's apex."""
        data = tuple(read_value(kind, value) for value in values)
        held = RecordSet(zone.name, kind, ttl, data)
        zone.records[zone.name, kind] = Entry(held, tuple(values))

    def change(self, zone: HostedZone, comment: str | None) -> Change:
        """Send a zone's records, as they are now, to its name servers."""
        snapshot = None
        if not zone.private and zone.id in self.zones:
            held = [entry.held for entry in zone.records.values()]
            snapshot = Zone(zone.name, held, self._outside)
        number = self._id("C0", "change", zone.id, str(zone.changes))
        zone.changes += 1
        now = self._world.clock.now()
        made = self.changes[number] = Change(number, zone.account, now, comment)

        def publish() -> None:
            zone.published, made.in_sync = snapshot, True
            self._served[zone.id] = zone

        when = now + min(self._world.latency, _SLOWEST)
        self._world.clock.at(when, publish, f"route53: {number}")
        return made

    def delete(self, zone: HostedZone) -> Change:
        """Take a zone away; its name servers have it until the change is INSYNC."""
        del self.zones[zone.id]
        return self.change(zone, None)

    def _draw(self, source: Entropy, name: Name) -> tuple[int, ...]:
        """Draw a name server of each domain; none has a zone above or below one it has already."""
        taken = {
            number
            for zone in (*self.zones.values(), *self._served.values())
            if is_within(zone.name, name) or is_within(name, zone.name)
            for number in zone.servers
        }
        taken.update(PRIVATE_SERVERS)
        drawn: list[int] = []
        for domain in _shuffled(source, range(len(nameservers.DOMAINS))):
            within = range(domain * nameservers.PER_DOMAIN, (domain + 1) * nameservers.PER_DOMAIN)
            # With hundreds of zones of one name in a world some must share.
            free = [number for number in within if number not in taken] or list(within)
            drawn.append(free[int.from_bytes(source.bytes(4)) % len(free)])
        return tuple(drawn)

    def _id(self, prefix: str, *labels: str) -> str:
        source = self._world.entropy("route53", *labels)
        return prefix + "".join(
            _LETTERS[octet % len(_LETTERS)] for octet in source.bytes(_ID_LETTERS)
        )


def _shuffled(source: Entropy, items: Iterable[int]) -> list[int]:
    return sorted(items, key=lambda _: source.bytes(4))
