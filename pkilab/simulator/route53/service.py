"""Route 53's operations on hosted zones and their records.

Source: Route 53 API Reference; errors and limits from its model and from field reports.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, TypeVar

from pkilab.iam.services import HOME
from pkilab.simulator.dns.names import Name, is_within, name_text
from pkilab.simulator.dns.records import KINDS, RecordValueError, read_host, value_text
from pkilab.simulator.dns.zone import Finding
from pkilab.simulator.restxml import RestXmlService
from pkilab.simulator.route53.checks import Resources, changed_records, zone_name
from pkilab.simulator.route53.state import Change, Entry, HostedZone, HostedZones
from pkilab.simulator.service import AwsError, Call, Json, error, not_simulated
from pkilab.simulator.tagging.resources import Tagged
from pkilab.simulator.world import World

_MOST_ZONES, _MOST_TAGS = 500, 50
_ZONE_PAGE, _RECORD_PAGE = 100, 300
Item = TypeVar("Item")


class Route53(RestXmlService):
    """Amazon Route 53. It is one service for all Regions."""

    name: ClassVar[str] = "route53"
    invalid: ClassVar[str] = "InvalidInput"

    def __init__(self, world: World, zones: HostedZones, resources: Resources) -> None:
        super().__init__(world)
        self._zones, self._resources = zones, resources

    def tagged_resources(self, account: str, region: str) -> Iterator[Tagged]:
        """Return an account's hosted zones with their tags; a global service's are in us-east-1."""
        for each in self._zones.of(account) if region == HOME else ():
            yield f"arn:aws:route53:::hostedzone/{each.id}", each.tags

    # Zones.

    def create_hosted_zone(
        self,
        call: Call,
        name: str,
        caller_reference: str,
        *,
        vpc: Json | None = None,
        hosted_zone_config: Json | None = None,
        **others: Any,  # noqa: ANN401 - the model's
    ) -> Json:
        """Create a zone with its NS and SOA records."""
        config = hosted_zone_config or {}
        others |= {k: v for k, v in config.items() if k == "HostedZoneTier" and v != "STANDARD"}
        if others:
            raise not_simulated(f"route53:CreateHostedZone with {', '.join(sorted(others))}")
        if (call.account, caller_reference) in self._zones.references:
            raise self._error(
                "HostedZoneAlreadyExists",
                "A hosted zone has already been created with the specified caller reference.",
            )
        if config.get("PrivateZone") and not vpc:
            message = "A private hosted zone needs a VPC: specify VPCId and VPCRegion."
            raise self._error("InvalidInput", message)
        if vpc and not (vpc.get("VPCId") and vpc.get("VPCRegion")):
            raise self._error("InvalidVPCId", "Invalid or missing VPC Id.")
        read = zone_name(name, private=bool(vpc))
        own = self._zones.of(call.account)
        if len(own) >= _MOST_ZONES:
            message = f"Limits Exceeded: {_MOST_ZONES} hosted zones per account"
            raise self._error("TooManyHostedZones", message)
        if twin := next((z for z in own if vpc and (z.name, z.vpc) == (read, vpc)), None):
            raise self._error(
                "ConflictingDomainExists",
                f"The VPC {twin.vpc and twin.vpc['VPCId']} is already associated with the hosted "
                f"zone {twin.id} with the same domain name.",
            )
        comment = config.get("Comment")
        made, change = self._zones.create(call.account, read, caller_reference, comment, vpc)
        answer = {
            **self._described(made),
            "ChangeInfo": change.members(fresh=True),
            "Location": f"https://route53.amazonaws.com/2013-04-01/hostedzone/{made.id}",
        }
        return {**answer, "VPC": vpc} if vpc else answer

    def get_hosted_zone(self, call: Call, id: str) -> Json:  # noqa: A002 - the model's name
        """Return a zone and its name servers, or its VPCs."""
        return self._described(self._zone(call, id))

    def get_hosted_zone_count(self, call: Call) -> Json:
        """Return how many zones an account has."""
        return {"HostedZoneCount": len(self._zones.of(call.account))}

    def list_hosted_zones(
        self,
        call: Call,
        *,
        marker: str | None = None,
        max_items: str | None = None,
        hosted_zone_type: str | None = None,
        **others: Any,  # noqa: ANN401 - the model's
    ) -> Json:
        """List an account's zones, oldest first."""
        if others:
            raise not_simulated(f"route53:ListHostedZones with {', '.join(sorted(others))}")
        own = [z for z in self._zones.of(call.account) if z.private or hosted_zone_type is None]
        start = 0
        if marker is not None:
            ids = [zone.id for zone in own]
            if _bare_id(marker) not in ids:
                raise self._error("InvalidInput", f"The marker {marker} is not a hosted zone's.")
            start = ids.index(_bare_id(marker))
        shown, following, size = self._page(own[start:], max_items, _ZONE_PAGE)
        answer = {
            "HostedZones": [self._summary(zone) for zone in shown],
            "Marker": marker,
            "IsTruncated": following is not None,
            "MaxItems": size,
        }
        return {**answer, "NextMarker": following.id} if following else answer

    def list_hosted_zones_by_name(
        self,
        call: Call,
        *,
        dns_name: str | None = None,
        hosted_zone_id: str | None = None,
        max_items: str | None = None,
    ) -> Json:
        """List an account's zones by their names, the labels reversed."""
        if hosted_zone_id and not dns_name:
            raise self._error("InvalidInput", "HostedZoneId is specified, but not DNSName.")
        first = (_order(self._name(dns_name)) if dns_name else "", _bare_id(hosted_zone_id or ""))
        own = sorted(self._zones.of(call.account), key=lambda zone: (_order(zone.name), zone.id))
        left = [zone for zone in own if (_order(zone.name), zone.id) >= first]
        shown, following, size = self._page(left, max_items, _ZONE_PAGE)
        answer = {
            "HostedZones": [self._summary(zone) for zone in shown],
            "DNSName": dns_name,
            "HostedZoneId": hosted_zone_id,
            "IsTruncated": following is not None,
            "MaxItems": size,
        }
        if following:
            answer |= {
                "NextDNSName": name_text(following.name), "NextHostedZoneId": following.id,
            }  # fmt: skip
        return answer

    def update_hosted_zone_comment(
        self,
        call: Call,
        id: str,  # noqa: A002 - the model's name
        *,
        comment: str | None = None,
    ) -> Json:
        """Change a zone's comment, or take it away."""
        found = self._zone(call, id)
        found.comment = comment or None
        return {"HostedZone": self._summary(found)}

    def delete_hosted_zone(self, call: Call, id: str) -> Json:  # noqa: A002 - the model's name
        """Delete a zone that has no records but its own."""
        found = self._zone(call, id)
        if any(not found.is_own(key) for key in found.records):
            raise self._error(
                "HostedZoneNotEmpty",
                "The specified hosted zone contains non-required resource record sets and so "
                "cannot be deleted.",
            )
        return {"ChangeInfo": self._zones.delete(found).members(fresh=True)}

    # Records.

    def change_resource_record_sets(
        self, call: Call, hosted_zone_id: str, change_batch: Json
    ) -> Json:
        """Make all changes of a batch or none."""
        found = self._zone(call, hosted_zone_id)
        found.records = changed_records(found, change_batch["Changes"], self._resources)
        change = self._zones.change(found, change_batch.get("Comment"))
        return {"ChangeInfo": change.members(fresh=True)}

    def list_resource_record_sets(
        self,
        call: Call,
        hosted_zone_id: str,
        *,
        start_record_name: str | None = None,
        start_record_type: str | None = None,
        max_items: str | None = None,
        **others: Any,  # noqa: ANN401 - the model's
    ) -> Json:
        """List a zone's records by name, the labels reversed, and type."""
        if others:
            raise not_simulated(f"route53:ListResourceRecordSets with {', '.join(sorted(others))}")
        found = self._zone(call, hosted_zone_id)
        if start_record_type and not start_record_name:
            raise self._error("InvalidInput", "The type is specified, but not the name.")
        name = _order(self._name(start_record_name)) if start_record_name else ""
        first = (name, start_record_type or "")
        own = sorted(found.records.values(), key=_place)
        left = [entry for entry in own if _place(entry) >= first]
        shown, following, size = self._page(left, max_items, _RECORD_PAGE)
        answer = {
            "ResourceRecordSets": [entry.members() for entry in shown],
            "IsTruncated": following is not None,
            "MaxItems": size,
        }
        if following:
            answer |= {
                "NextRecordName": name_text(following.held.name),
                "NextRecordType": following.held.kind,
            }
        return answer

    def get_change(self, call: Call, id: str) -> Json:  # noqa: A002 - the model's name
        """Say whether every name server has a change."""
        found: Change | None = self._zones.changes.get(_bare_id(id))
        if found is None or found.account != call.account:
            raise self._error("NoSuchChange", f"Could not find resource with ID: {id}")
        return {"ChangeInfo": found.members()}

    def test_dns_answer(
        self,
        call: Call,
        hosted_zone_id: str,
        record_name: str,
        record_type: str,
        **others: Any,  # noqa: ANN401 - the model's
    ) -> Json:
        """Say what a zone's first name server answers, whoever delegates to it or does not."""
        if others or record_type not in KINDS:
            what = ", ".join(sorted(others)) or record_type
            raise not_simulated(f"route53:TestDNSAnswer with {what}")
        found = self._zone(call, hosted_zone_id)
        if found.private:
            raise self._error("InvalidInput", "Private hosted zones cannot be tested.")
        name = self._name(record_name)
        published = found.published
        inside = is_within(name, found.name)
        answered = published.find(name, record_type) if published and inside else Finding("REFUSED")
        return {
            "Nameserver": found.server_names[0],
            "RecordName": name_text(name),
            "RecordType": record_type,
            "RecordData": [
                value_text(each.kind, data) for each in answered.answer for data in each.data
            ],
            "ResponseCode": answered.rcode,
            "Protocol": "UDP",
        }

    # Tags.

    def change_tags_for_resource(
        self,
        call: Call,
        resource_type: str,
        resource_id: str,
        *,
        add_tags: list[Json] | None = None,
        remove_tag_keys: list[str] | None = None,
    ) -> Json:
        """Add tags, change their values or remove them."""
        found = self._tagged(call, resource_type, resource_id)
        if not (add_tags or remove_tag_keys):
            raise self._error("InvalidInput", "Specify tags to add, keys to remove, or both.")
        tags = {k: v for k, v in found.tags.items() if k not in (remove_tag_keys or ())}
        tags |= {tag.get("Key", ""): tag.get("Value") for tag in add_tags or ()}
        if len(tags) > _MOST_TAGS:
            message = f"A hosted zone has at most {_MOST_TAGS} tags."
            raise self._error("InvalidInput", message)
        found.tags = tags
        return {}

    def list_tags_for_resource(self, call: Call, resource_type: str, resource_id: str) -> Json:
        """Return a zone's tags."""
        tags = self._tagged(call, resource_type, resource_id).tags
        return {
            "ResourceTagSet": {
                "ResourceType": resource_type,
                "ResourceId": _bare_id(resource_id),
                "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
            }
        }

    # Within.

    def _error(self, code: str, message: str) -> AwsError:
        return error(self.name, code, message)

    def _zone(self, call: Call, number: str) -> HostedZone:
        found = self._zones.zones.get(_bare_id(number))
        if found is None or found.account != call.account:
            message = f"No hosted zone found with ID: {_bare_id(number)}"
            raise self._error("NoSuchHostedZone", message)
        return found

    def _tagged(self, call: Call, kind: str, number: str) -> HostedZone:
        if kind != "hostedzone":
            raise not_simulated(f"route53 tags of a {kind}")
        return self._zone(call, number)

    def _name(self, text: str) -> Name:
        try:
            return tuple(read_host(text).label)
        except RecordValueError as problem:
            raise self._error("InvalidInput", str(problem)) from problem

    def _page(
        self, items: Sequence[Item], size: str | None, most: int
    ) -> tuple[Sequence[Item], Item | None, str]:
        """Return one page, the first item after it, and how many it may have."""
        text = str(most) if size is None else size
        if not (text.isascii() and text.isdigit() and int(text[:9]) > 0):
            raise self._error("InvalidInput", f"MaxItems: found {text!r}, expected a number")
        count = min(int(text[:9]), most)
        return items[:count], items[count] if len(items) > count else None, text

    def _described(self, zone: HostedZone) -> Json:
        where: Json = (
            {"VPCs": [zone.vpc]}
            if zone.private
            else {"DelegationSet": {"NameServers": list(zone.server_names)}}
        )
        return {"HostedZone": self._summary(zone), **where}

    def _summary(self, zone: HostedZone) -> Json:
        config: Json = {"PrivateZone": zone.private}
        return {
            "Id": f"/hostedzone/{zone.id}",
            "Name": name_text(zone.name),
            "CallerReference": zone.reference,
            "Config": {"Comment": zone.comment, **config} if zone.comment else config,
            "ResourceRecordSetCount": len(zone.records),
        }


def _bare_id(number: str) -> str:
    """Drop ``/hostedzone/`` or ``/change/``, which SDKs may or may not have dropped."""
    return number.rpartition("/")[2]


def _order(name: Name) -> str:
    """Return what names are sorted by: their labels reversed, in text, with a final dot."""
    return "".join(name_text((label,)) for label in reversed(name))


def _place(entry: Entry) -> tuple[str, str]:
    return _order(entry.held.name), entry.held.kind
