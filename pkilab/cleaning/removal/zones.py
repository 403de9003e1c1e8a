"""Hosted zones with their records, and records in zones that were there before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pkilab.cleaning.removal.asking import Removal, pages
from pkilab.cleaning.removal.kinds import Removed
from pkilab.journal import count

if TYPE_CHECKING:
    from mypy_boto3_route53 import Route53Client

_BATCH = 100  # one change may have 1,000 records and 32,000 characters of values
_UNKNOWN = "exactly as written; what was there before, if anything, is unknown"


def zone(of: Removal) -> Removed:
    """Delete a hosted zone's records, but for its own NS and SOA, and then the zone."""
    client: Route53Client = of.client()
    name = of.thing.name
    held = list(pages(client, "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=name))
    apex = next((each["Name"] for each in held if each["Type"] == "SOA"), "")
    own = {(apex, "NS"), (apex, "SOA")}  # these go with the zone; other NS records delegate
    records = [each for each in held if (each["Name"], each["Type"]) not in own]
    for start in range(0, len(records), _BATCH):
        _delete(client, name, *records[start : start + _BATCH])
    client.delete_hosted_zone(Id=name)
    return Removed("removed", f"with {count(len(records), 'record set')}" if records else "")


def record(of: Removal) -> Removed:
    """Delete a record that the run wrote into a zone that was there before, if it is still as then.

    A record with another value, type or TTL is somebody else's by now and is left.
    """
    client: Route53Client = of.client()
    told = of.thing.told
    written, number = told["record"], told["zone"]
    there = next((each for each in at(client, number, written) if alike(each, written)), None)
    if there is None:
        others = [each for each in at(client, number, written) if _same_place(each, written)]
        if others:
            return Removed("left", "it says something else by now than what was written")
        return Removed("gone")
    _delete(client, number, there)
    return Removed("removed", "exactly as written" if told.get("created") else _UNKNOWN)


def at(client: Route53Client, number: str, written: Mapping[str, Any]) -> list[Any]:
    """Return the records of a name and type: one, or several with a set identifier each."""
    found = list[Any]()
    for each in pages(
        client,
        "list_resource_record_sets",
        "ResourceRecordSets",
        HostedZoneId=number,
        StartRecordName=written["Name"],
        StartRecordType=written["Type"],
    ):
        if (plain(each["Name"]), each["Type"]) != (plain(written["Name"]), written["Type"]):
            break
        found.append(each)
    return found


def _delete(client: Route53Client, number: str, *records: Any) -> None:  # noqa: ANN401
    changes = [{"Action": "DELETE", "ResourceRecordSet": each} for each in records]
    client.change_resource_record_sets(HostedZoneId=number, ChangeBatch={"Changes": changes})  # type: ignore[typeddict-item]


def plain(name: str) -> str:
    """Return a domain name as it is compared: small letters, no final dot, ``*`` as itself."""
    return name.lower().removesuffix(".").replace(r"\052", "*")


def alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Say whether two record sets are the same, TTL and values included."""
    return _same_place(one, other) and _content(one) == _content(other)


def _same_place(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return where(one) == where(other)


def where(record: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return what makes a record set one of its zone: name, type and set identifier."""
    return plain(record["Name"]), record["Type"], record.get("SetIdentifier", "")


def _content(record: Mapping[str, Any]) -> dict[str, object]:
    rest = {key: value for key, value in record.items() if key not in {"Name", "ResourceRecords"}}
    if alias := rest.get("AliasTarget"):
        rest["AliasTarget"] = {**alias, "DNSName": plain(alias["DNSName"])}
    values = sorted(each["Value"] for each in record.get("ResourceRecords", ()))
    return {**rest, "values": values}
