"""Change batches: what may be asked, and Route 53's words for what may not.

Changes are applied one after the other to a copy of the zone's records; every change that cannot
be is reported, and then none is made.

Source: Route 53 API Reference, ChangeResourceRecordSets; messages as reported in the field. Where
none was, the sentence says so in the fidelity table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pkilab.errors import MalformedError
from pkilab.simulator.dns.names import Name, is_within, name_text, parse_name
from pkilab.simulator.dns.records import (
    KINDS,
    RecordSet,
    RecordValueError,
    read_host,
    read_value,
    value_text,
)
from pkilab.simulator.route53.state import Entry, HostedZone, Key
from pkilab.simulator.service import AwsError, Json, not_simulated

_MOST_RECORDS, _MOST_CHARACTERS, _MOST_VALUES = 1000, 32000, 400
_PLAIN = {"Name", "Type", "TTL", "ResourceRecords", "AliasTarget"}
# Finds the hosted zone id under which an AWS resource of this world is an alias target.
Resources = Callable[[Name], str | None]


class _RefusedChangeError(Exception):
    """One change that cannot be made, in Route 53's words."""


def changed_records(
    zone: HostedZone, changes: list[Json], resources: Resources
) -> dict[Key, Entry]:
    """Return a zone's records as they are after a batch of changes.

    Raises:
        AwsError: InvalidChangeBatch, with every change that cannot be made; InvalidInput, one is
            incomplete; NotImplemented, one is not simulated.
    """
    for change in changes:
        _require_simulated(change["ResourceRecordSet"])
        _require_complete(change["ResourceRecordSet"])
    _require_size(changes)
    records, problems = dict(zone.records), []
    asked: dict[Key, list[str]] = {}
    for change in changes:
        action, members = change["Action"], change["ResourceRecordSet"]
        try:
            entry = _entry(zone, members)
            key = entry.held.name, entry.held.kind
            asked.setdefault(key, []).append(action)
            _check_repeated(key, asked[key])
            _apply(zone, records, action, key, entry)
            if action != "DELETE":
                _check_alias(zone, records, entry, resources)
        except _RefusedChangeError as problem:
            problems.append(str(problem))
    problems += _missing(zone, records) if not problems else []
    if problems:
        raise AwsError("InvalidChangeBatch", f"[{', '.join(problems)}]")
    return records


def _require_simulated(members: Json) -> None:
    if more := members.keys() - _PLAIN:
        raise not_simulated(f"a resource record set with {', '.join(sorted(more))}")
    if members["Type"] not in KINDS:
        raise not_simulated(f"a resource record set of the type {members['Type']}")


def _require_complete(members: Json) -> None:
    """An alias has neither TTL nor records; any other set has both."""
    plain = [bool(members.get(name) is not None) for name in ("TTL", "ResourceRecords")]
    if any(plain) if "AliasTarget" in members else not all(plain):
        raise AwsError("InvalidInput", "Invalid request")


def _require_size(changes: list[Json]) -> None:
    """Records and characters are counted twice for UPSERT."""
    values = [
        (record["Value"], 2 if change["Action"] == "UPSERT" else 1)
        for change in changes
        for record in change["ResourceRecordSet"].get("ResourceRecords", ())
    ]
    for most, noun, count in (
        (_MOST_RECORDS, "records", sum(times for _, times in values)),
        (_MOST_CHARACTERS, "characters", sum(len(value) * times for value, times in values)),
    ):
        if count > most:
            message = f"Number of {noun} limit of {most} exceeded."
            raise AwsError("InvalidChangeBatch", message)


def _entry(zone: HostedZone, members: Json) -> Entry:
    kind = members["Type"]
    name = _name(members["Name"])
    if not is_within(name, zone.name):
        where = f"{name_text(name)} is not permitted in zone {name_text(zone.name)}"
        raise _RefusedChangeError(f"RRSet with DNS name {where}")
    if alias := members.get("AliasTarget"):
        target = _name(alias["DNSName"])
        alias_target = {**alias, "DNSName": name_text(target)}
        return Entry(RecordSet(name, kind, 0, (), target), (), alias_target)
    values = tuple(record["Value"] for record in members["ResourceRecords"])
    problems, data = [], []
    for value in values:
        try:
            data.append(read_value(kind, value))
        except RecordValueError as problem:
            problems.append(f"'{problem}'")
    if problems:
        raise _RefusedChangeError(f"Invalid Resource Record: {', '.join(problems)}")
    shown = [value_text(kind, each) for each in data]
    if twice := next((v for n, v in enumerate(values) if shown[n] in shown[:n]), None):
        raise _RefusedChangeError(f"Duplicate Resource Record: '{twice}'")
    if len(values) > _MOST_VALUES:
        raise _RefusedChangeError(f"Cannot have more than {_MOST_VALUES} records in a RRSet.")
    return Entry(RecordSet(name, kind, members["TTL"], tuple(data)), values)


def _name(text: str) -> Name:
    try:
        return tuple(read_host(text).label)
    except RecordValueError as problem:
        raise _RefusedChangeError(str(problem)) from problem


def _check_repeated(key: Key, actions: list[str]) -> None:
    """A set may be changed once in a batch, or be deleted and then created."""
    if len(actions) > 1 and actions != ["DELETE", "CREATE"]:
        shown = f"a resource record set '{key[1]} {name_text(key[0])}'"
        raise _RefusedChangeError(f"The request contains an invalid set of changes for {shown}")


def _apply(
    zone: HostedZone, records: dict[Key, Entry], action: str, key: Key, entry: Entry
) -> None:
    now, shown = records.get(key), f"[name='{name_text(key[0])}', type='{key[1]}']"
    if action == "DELETE":
        problem = f"Tried to delete resource record set {shown} but"
        if now is None:
            raise _RefusedChangeError(f"{problem} it was not found")
        if not _same(now, entry):
            raise _RefusedChangeError(
                f"{problem} the values provided do not match the current values"
            )
        del records[key]
        return
    if action == "CREATE" and now is not None:
        raise _RefusedChangeError(
            f"Tried to create resource record set {shown} but it already exists"
        )
    _check_place(zone, records, entry)
    records[key] = entry


def _same(now: Entry, other: Entry) -> bool:
    """Whether two sets are the same, whatever the order and the writing of their values."""
    first, second = (
        (e.held.ttl, e.alias_target, sorted(value_text(e.held.kind, d) for d in e.held.data))
        for e in (now, other)
    )
    return first == second


def _check_place(zone: HostedZone, records: Mapping[Key, Entry], entry: Entry) -> None:
    """Check what may stand where: CNAME alone and not at the apex, SOA nowhere else."""
    name, kind = entry.held.name, entry.held.kind
    what = f"RRSet of type {kind} with DNS name {name_text(name)}"
    where = f"zone {name_text(zone.name)}"
    beside = {held for at, held in records if at == name} - {kind}
    if kind == "CNAME":
        if name == zone.name:
            raise _RefusedChangeError(f"{what} is not permitted at apex in {where}")
        if beside:
            raise _RefusedChangeError(
                f"{what} is not permitted as it conflicts with other records with the same DNS "
                f"name in {where}"
            )
    elif "CNAME" in beside:
        raise _RefusedChangeError(
            f"{what} is not permitted because a conflicting RRSet of type CNAME with the same DNS "
            f"name already exists in {where}"
        )
    if kind == "SOA" and name != zone.name:
        raise _RefusedChangeError("A HostedZone must contain exactly one SOA record.")
    if kind in {"CNAME", "SOA"} and len(entry.held.data) > 1:
        raise _RefusedChangeError(f"{what} is not permitted with more than one record in {where}")
    if kind == "NS" and name[0] == b"*":
        raise _RefusedChangeError(f"{what} is not permitted with a wildcard in {where}")


def _check_alias(
    zone: HostedZone, records: Mapping[Key, Entry], entry: Entry, resources: Resources
) -> None:
    alias, kind = entry.alias_target, entry.held.kind
    if alias is None:
        return
    if kind in {"NS", "SOA"}:
        raise _RefusedChangeError(f"Alias records of the type {kind} are not permitted")
    target, where = entry.held.alias or (), alias["HostedZoneId"]
    what = (
        f"Tried to create an alias that targets {name_text(target)}, type {kind} in zone {where},"
    )
    if where != zone.id:
        there = resources(target)
        if there is None or kind != "A":
            raise not_simulated(f"an alias of the type {kind} to {name_text(target)}")
        if there != where:
            raise _RefusedChangeError(
                f"{what} but the alias target name does not lie within the target zone"
            )
    elif not is_within(target, zone.name):
        raise _RefusedChangeError(
            f"{what} but the alias target name does not lie within the target zone"
        )
    elif (target, kind) not in records or (target, kind) == (entry.held.name, kind):
        raise _RefusedChangeError(f"{what} but that target was not found")


def _missing(zone: HostedZone, records: Mapping[Key, Entry]) -> list[str]:
    """Say which of the records that every zone must have a batch would take away."""
    problems = []
    if (zone.name, "SOA") not in records:
        problems.append("A HostedZone must contain exactly one SOA record.")
    if (zone.name, "NS") not in records:
        problems.append("A HostedZone must contain at least one NS record for the zone itself.")
    return problems


def zone_name(text: str, *, private: bool) -> Name:
    """Read the name of a zone to be made.

    Raises:
        AwsError: InvalidDomainName; it is none, or a public zone's has a single label.
    """
    try:
        name = parse_name(text)
    except MalformedError as error:
        raise AwsError("InvalidDomainName", f"{text} is not a valid domain name.") from error
    if not name or (len(name) == 1 and not private):
        message = (
            f"{text} is not a valid domain name for a public hosted zone: it is a top-level domain."
        )
        raise AwsError("InvalidDomainName", message)
    return name
