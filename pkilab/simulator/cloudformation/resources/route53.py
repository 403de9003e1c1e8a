"""AWS::Route53: hosted zones and record sets.

Source: AWS CloudFormation Template Reference, AWS::Route53.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from botocore.model import StructureShape

from pkilab.simulator.cloudformation.calls import RefusedError
from pkilab.simulator.cloudformation.documents import Value
from pkilab.simulator.cloudformation.intrinsics import text_of
from pkilab.simulator.cloudformation.resources.base import (
    IN_PLACE,
    REPLACES,
    REPLACES_REQUIRED,
    REQUIRED,
    FailedError,
    Property,
    ResourceType,
    Work,
    tag_changes,
    typed,
)
from pkilab.simulator.service import Json, service_model

_R53 = "route53"
_OF_ZONE = {"HostedZoneId", "HostedZoneName", "Comment"}


class HostedZone(ResourceType):
    """A public hosted zone. It can be deleted once it holds no records but its own."""

    type: ClassVar[str] = "AWS::Route53::HostedZone"
    properties: ClassVar[Mapping[str, Property]] = {
        "Name": REPLACES_REQUIRED,
        "HostedZoneConfig": IN_PLACE,
        "HostedZoneTags": IN_PLACE,
    }
    unmodelled: ClassVar[tuple[str, ...]] = (
        "DelegationSetId", "HostedZoneFeatures", "QueryLoggingConfig", "VPCs",
    )  # fmt: skip
    attributes: ClassVar[tuple[str, ...]] = ("Id", "NameServers")
    tags: ClassVar[str] = "HostedZoneTags"
    gone: ClassVar[frozenset[str]] = frozenset({"NoSuchHostedZone"})

    def create(self, work: Work) -> str:
        asked = work.members(_R53, "CreateHostedZone", "Name", "HostedZoneConfig")
        answer = work.aws(_R53, "CreateHostedZone", CallerReference=work.unique(32), **asked)
        return str(answer["HostedZone"]["Id"]).rpartition("/")[2]

    def settle(self, work: Work) -> Iterator[None]:
        self._tag(work, {})
        zone = work.aws(_R53, "GetHostedZone", Id=work.physical_id)
        work.attributes["Id"] = work.physical_id
        work.attributes["NameServers"] = zone.get("DelegationSet", {}).get("NameServers", [])
        yield from ()

    def update(self, work: Work, before: Json) -> None:
        if before.get("HostedZoneConfig") != work.get("HostedZoneConfig"):
            config = work.typed(_R53, "HostedZoneConfig", "HostedZoneConfig") or {}
            comment = config.get("Comment", "")
            work.aws(_R53, "UpdateHostedZoneComment", Id=work.physical_id, Comment=comment)
        self._tag(work, before)

    def _tag(self, work: Work, before: Json) -> None:
        added, removed = tag_changes(before.get("HostedZoneTags"), work.get("HostedZoneTags"))
        if added or removed:
            asked = {"AddTags": added or None, "RemoveTagKeys": removed or None}
            work.aws(
                _R53, "ChangeTagsForResource",
                ResourceType="hostedzone", ResourceId=work.physical_id, **asked,
            )  # fmt: skip

    def delete(self, work: Work) -> None:
        work.aws(_R53, "DeleteHostedZone", Id=work.physical_id)


_RECORD_SET: Mapping[str, Property] = {
    "Name": REPLACES_REQUIRED,
    "Type": REQUIRED,
    "TTL": IN_PLACE,
    "ResourceRecords": IN_PLACE,
    "AliasTarget": IN_PLACE,
    "SetIdentifier": IN_PLACE,
    "Weight": IN_PLACE,
    "Region": IN_PLACE,
    "Failover": IN_PLACE,
    "GeoLocation": IN_PLACE,
    "GeoProximityLocation": IN_PLACE,
    "HealthCheckId": IN_PLACE,
    "MultiValueAnswer": IN_PLACE,
    "CidrRoutingConfig": IN_PLACE,
}


class RecordSet(ResourceType):
    """A record set in a zone that is named by its ID or by its name."""

    type: ClassVar[str] = "AWS::Route53::RecordSet"
    properties: ClassVar[Mapping[str, Property]] = {
        **_RECORD_SET,
        "HostedZoneId": REPLACES,
        "HostedZoneName": REPLACES,
        "Comment": IN_PLACE,
    }
    gone: ClassVar[frozenset[str]] = frozenset({"NoSuchHostedZone"})

    def create(self, work: Work) -> str:
        _change(work, [("CREATE", work.properties)])
        return text_of(work.get("Name")) or ""

    def update(self, work: Work, before: Json) -> None:
        # A change of the type or of the identifier makes another record set of it.
        same = all(before.get(key) == work.get(key) for key in ("Type", "SetIdentifier"))
        removed = [] if same else [("DELETE", before)]
        _change(work, [*removed, ("UPSERT", work.properties)])

    def delete(self, work: Work) -> None:
        _remove(work, [work.properties])


class RecordSetGroup(ResourceType):
    """Record sets that are made, changed and deleted together."""

    type: ClassVar[str] = "AWS::Route53::RecordSetGroup"
    properties: ClassVar[Mapping[str, Property]] = {
        "HostedZoneId": REPLACES,
        "HostedZoneName": REPLACES,
        "RecordSets": IN_PLACE,
        "Comment": IN_PLACE,
    }
    attributes: ClassVar[tuple[str, ...]] = ("Id",)
    gone: ClassVar[frozenset[str]] = frozenset({"NoSuchHostedZone"})

    def create(self, work: Work) -> str:
        _change(work, [("CREATE", each) for each in _sets(work.properties)])
        return work.name(64)

    def settle(self, work: Work) -> Iterator[None]:
        work.attributes["Id"] = work.physical_id
        yield from ()

    def update(self, work: Work, before: Json) -> None:
        after = _sets(work.properties)
        kept = [_identity(each) for each in after]
        removed = [each for each in _sets(before) if _identity(each) not in kept]
        changes = [("DELETE", each) for each in removed] + [("UPSERT", each) for each in after]
        _change(work, changes)

    def delete(self, work: Work) -> None:
        _remove(work, _sets(work.properties))


def _sets(properties: Json) -> list[Json]:
    found = properties.get("RecordSets", [])
    if not (isinstance(found, list) and all(isinstance(each, dict) for each in found)):
        raise FailedError("#/RecordSets: expected type: JSONArray", "ModelValidationFailed")
    return found


def _identity(found: Json) -> tuple[str | None, ...]:
    return tuple(text_of(found.get(key, "")) for key in ("Name", "Type", "SetIdentifier"))


def _change(work: Work, changes: list[tuple[str, Json]]) -> None:
    """Write record sets to the zone of the properties; nothing if there are none."""
    if not changes:
        return
    rows = [{"Action": action, "ResourceRecordSet": _record_set(each)} for action, each in changes]
    zone = _zone(work)
    comment = text_of(work.get("Comment", "")) or None
    batch = {"Changes": rows, **({"Comment": comment} if comment else {})}
    work.aws(_R53, "ChangeResourceRecordSets", HostedZoneId=zone, ChangeBatch=batch)


def _remove(work: Work, found: list[Json]) -> None:
    """Delete record sets; none of them being there is as good.

    Raises:
        AwsError: InvalidChangeBatch; somebody has changed one, or taken some of them away.
    """
    try:
        _change(work, [("DELETE", each) for each in found])
    except RefusedError as why:
        missing = why.message.count("but it was not found")
        if why.code != "InvalidChangeBatch" or missing != len(found):
            raise


def _record_set(found: Json) -> Json:
    """Return a record set as the API has it, where each record is an object.

    Raises:
        FailedError: a property is unknown or of another type.
    """
    given: Value = {name: value for name, value in found.items() if name not in _OF_ZONE}
    if unknown := [name for name in given if name not in _RECORD_SET]:
        raise FailedError(f"#: extraneous key [{unknown[0]}] is not permitted")
    records = given.get("ResourceRecords")
    if isinstance(records, list):
        given["ResourceRecords"] = [{"Value": each} for each in records]
    shape = service_model(_R53).shape_for("ResourceRecordSet")
    assert isinstance(shape, StructureShape)  # noqa: S101 - so it is in the model
    result: Json = typed(shape, given, "#")
    return result


def _zone(work: Work) -> str:
    """Return the ID of the zone that is meant.

    Raises:
        FailedError: none or both are given, or there is not exactly one of that name.
    """
    number, name = text_of(work.get("HostedZoneId")), text_of(work.get("HostedZoneName"))
    if (number is None) == (name is None):
        message = "Exactly one of HostedZoneId and HostedZoneName must be specified"
        raise FailedError(message, "InvalidRequest")
    if number is not None:
        return number
    wanted = f"{str(name).rstrip('.')}."
    answer = work.aws(_R53, "ListHostedZonesByName", DNSName=wanted)
    zones = [each for each in answer["HostedZones"] if each["Name"] == wanted]
    if len(zones) != 1:
        found = "no" if not zones else "more than one"
        raise FailedError(f"There is {found} hosted zone named {wanted}", "NotFound")
    return str(zones[0]["Id"]).rpartition("/")[2]
