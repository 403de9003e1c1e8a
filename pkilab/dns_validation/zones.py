"""Writing validation records and delegations into Route 53, and taking them out again.

A name may have several hosted zones: public and private, and, since a zone's name is nobody's
property, more than one public zone of one name. DNS asks only the one whose name servers the zone
above names.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pkilab.dns_validation.records import ValidationRecord
from pkilab.errors import LabError
from pkilab.waiting import until

if TYPE_CHECKING:
    from mypy_boto3_route53 import Route53Client

RECORD_SECONDS = 300
DELEGATION_SECONDS = 172800  # two days, as Route 53 gives a zone's own NS records
_POLL, _IN_SYNC = timedelta(seconds=10), timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class HostedZone:
    """A hosted zone.

    Attributes:
        id: without ``/hostedzone/``.
        name: with a final dot.
        private: whether only VPCs see it.
        name_servers: those it was given, with final dots; a private zone has none.
    """

    id: str
    name: str
    private: bool
    name_servers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """A record and the hosted zone that it was written to or taken from."""

    name: str
    value: str
    zone: str  # the zone's name
    zone_id: str


@dataclass(frozen=True, slots=True)
class Delegation:
    """The name servers that the zone above must name, for DNS to ask a hosted zone.

    Attributes:
        zone: the zone's name, with a final dot.
        name_servers: what the registrar, or the parent zone, is to be given.
        written_to: id of the parent zone that has them now; None: they are for the registrar.
    """

    zone: str
    name_servers: tuple[str, ...]
    written_to: str | None = None

    def __repr__(self) -> str:
        where = f"written to {self.written_to}" if self.written_to else "for the registrar"
        lines = (f"{self.zone} NS {server}" for server in self.name_servers)
        return "\n".join((f"delegation of {self.zone}, {where}:", *lines))


def to_route53(
    route53: Route53Client,
    records: Iterable[ValidationRecord],
    zone_id: str | None = None,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[Placed, ...]:
    """Write validation records that are not there yet, and wait until Route 53 serves them.

    A name has one validation record for all certificates of an account. One that is there already
    is left as it is, and so is not this call's to take away again; another value is written over.

    Args:
        route53: client of the account that has the zones.
        records: to write.
        zone_id: where; None: each to the closest public hosted zone of the account.
        sleep: how to wait.

    Not checked: whether DNS asks that zone; `pkilab.dns_validation.diagnose` does.

    Raises:
        LabError: no public hosted zone holds a name, or two of one name do; or a change was not in
            sync after ten minutes.
    """
    held = _placed(route53, records, zone_id)
    _change(
        route53,
        [
            (each.zone_id, "UPSERT", _set(each.name, "CNAME", RECORD_SECONDS, (each.value,)))
            for each in held
            if not _present(route53, each)
        ],
        sleep,
    )
    return held


def remove(
    route53: Route53Client,
    records: Iterable[ValidationRecord],
    zone_id: str | None = None,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[Placed, ...]:
    """Take validation records out again; those that are there, with these values. Waits.

    The certificates they proved cannot renew from then on. Arguments and errors as `to_route53`.
    """
    found = [
        (each, there)
        for each in _placed(route53, records, zone_id)
        for there in _present(route53, each)
    ]
    _change(route53, [(each.zone_id, "DELETE", there) for each, there in found], sleep)
    return tuple(each for each, _ in found)


def delegate(
    route53: Route53Client,
    zone_id: str,
    *,
    parent: Route53Client | None = None,
    parent_zone_id: str | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Delegation:
    """Say which name servers a hosted zone was given, and write them to the zone above.

    Args:
        route53: client of the account that has the zone.
        zone_id: the zone.
        parent: client of the account that has the zone above; None: the same.
        parent_zone_id: the zone above; None: nothing is written, the name servers are for the
            registrar of the domain.
        sleep: how to wait.

    Raises:
        LabError: the zone is private, or not below the parent zone; or the change was not in sync
            after ten minutes.
    """
    zone = hosted_zone(route53, zone_id)
    if zone.private:
        raise LabError(f"{zone.id}: found a private zone, expected one with name servers")
    if parent_zone_id is None:
        return Delegation(zone.name, zone.name_servers)
    owner = parent or route53
    above = hosted_zone(owner, parent_zone_id)
    if not within(zone.name, above.name) or zone.name == above.name:
        raise LabError(f"{zone.name}: found the parent zone {above.name}, expected one above it")
    delegation = _set(zone.name, "NS", DELEGATION_SECONDS, zone.name_servers)
    _change(owner, [(above.id, "UPSERT", delegation)], sleep)
    return Delegation(zone.name, zone.name_servers, above.id)


def hosted_zone(route53: Route53Client, zone_id: str) -> HostedZone:
    """Return a hosted zone with the name servers it was given."""
    answer = route53.get_hosted_zone(Id=zone_id)
    servers = answer.get("DelegationSet", {}).get("NameServers", [])
    return HostedZone(
        bare(answer["HostedZone"]["Id"]),
        absolute(answer["HostedZone"]["Name"]),
        answer["HostedZone"].get("Config", {}).get("PrivateZone", False),
        tuple(sorted(map(absolute, servers))),
    )


def zones_of(route53: Route53Client, name: str) -> Iterator[tuple[str, str, bool]]:
    """Yield id, name and privacy of the account's hosted zones that could hold a name.

    The closest come first.
    """
    for candidate in ancestors(name):
        answer = route53.list_hosted_zones_by_name(DNSName=candidate)
        for zone in answer["HostedZones"]:
            if absolute(zone["Name"]) == candidate:
                private = zone.get("Config", {}).get("PrivateZone", False)
                yield bare(zone["Id"]), candidate, private


def cnames(route53: Route53Client, zone_id: str, name: str) -> list[Any]:
    """Return the zone's CNAME record sets of a name: one or none."""
    answer = route53.list_resource_record_sets(
        HostedZoneId=zone_id, StartRecordName=name, StartRecordType="CNAME", MaxItems="1"
    )
    return [
        each
        for each in answer["ResourceRecordSets"]
        if (absolute(each["Name"]), each["Type"]) == (absolute(name), "CNAME")
    ]


def targets(record_set: Any) -> list[str]:  # noqa: ANN401 - Route 53's answer
    """Return what a CNAME record set leads to, with final dots; an alias has no values."""
    return [absolute(each["Value"]) for each in record_set.get("ResourceRecords", [])]


def ancestors(name: str) -> Iterator[str]:
    """Yield a name and the names above it, the root left out, with final dots."""
    labels = absolute(name).rstrip(".").split(".")
    for start in range(len(labels)):
        yield ".".join(labels[start:]) + "."


def within(name: str, zone: str) -> bool:
    """Say whether a name is a zone's or below it."""
    return f".{absolute(name)}".endswith(f".{absolute(zone)}")


def absolute(name: str) -> str:
    """Write a name in lower case with a final dot."""
    return name.lower().rstrip(".") + "."


def plain(name: str) -> str:
    """Write a name without its final dot, for sentences."""
    return name.rstrip(".")


def bare(zone_id: str) -> str:
    """Return a hosted zone's id without ``/hostedzone/``."""
    return zone_id.rpartition("/")[2]


def _placed(
    route53: Route53Client, records: Iterable[ValidationRecord], zone_id: str | None
) -> tuple[Placed, ...]:
    given = hosted_zone(route53, zone_id) if zone_id else None
    placed = []
    for record in records:
        where = (given.id, given.name) if given else _closest(route53, record.name)
        if not within(record.name, where[1]):
            raise LabError(f"{record.name}: found the zone {where[1]}, expected one that holds it")
        placed.append(Placed(record.name, record.value, where[1], where[0]))
    return tuple(placed)


def _present(route53: Route53Client, record: Placed) -> list[Any]:
    """Return a validation record's record set, if it is there with its value."""
    found = cnames(route53, record.zone_id, record.name)
    return [each for each in found if targets(each) == [absolute(record.value)]]


def _closest(route53: Route53Client, name: str) -> tuple[str, str]:
    public = [(at, zone) for at, zone, private in zones_of(route53, name) if not private]
    if not public:
        raise LabError(f"{name}: found no public hosted zone in this account that could hold it")
    closest = public[0][1]
    ids = [at for at, zone in public if zone == closest]
    if len(ids) > 1:
        raise LabError(
            f"{name}: found {len(ids)} public hosted zones named {closest} ({', '.join(ids)}), "
            "expected one; name the one that DNS asks"
        )
    return ids[0], closest


def _set(name: str, kind: str, seconds: int, values: Iterable[str]) -> dict[str, Any]:
    data = [{"Value": value} for value in values]
    return {"Name": name, "Type": kind, "TTL": seconds, "ResourceRecords": data}


def _change(
    route53: Route53Client,
    changes: list[tuple[str, str, dict[str, Any]]],
    sleep: Callable[[float], None],
) -> None:
    """Make changes (zone id, action, record set), zone by zone; wait until each is served."""
    by_zone: dict[str, list[Any]] = {}
    for zone_id, action, record_set in changes:
        change = {"Action": action, "ResourceRecordSet": record_set}
        by_zone.setdefault(zone_id, []).append(change)
    for zone_id, held in by_zone.items():
        answer = route53.change_resource_record_sets(
            HostedZoneId=zone_id, ChangeBatch={"Changes": held}
        )
        _wait_in_sync(route53, answer["ChangeInfo"]["Id"], sleep)


def _wait_in_sync(route53: Route53Client, change: str, sleep: Callable[[float], None]) -> None:
    until(
        lambda: route53.get_change(Id=change)["ChangeInfo"]["Status"] == "INSYNC",
        what=f"the change {bare(change)} to be INSYNC",
        at_most=_IN_SYNC,
        every=_POLL,
        sleep=sleep,
    )
