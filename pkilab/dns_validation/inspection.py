"""Looking for a validation record where ACM looks, and where it may have gone instead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pkilab.dns_validation.findings import Cause, Finding
from pkilab.dns_validation.lookups import Answer, LookUp
from pkilab.dns_validation.zones import (
    HostedZone,
    absolute,
    ancestors,
    cnames,
    hosted_zone,
    plain,
    targets,
    within,
    zones_of,
)

if TYPE_CHECKING:
    from mypy_boto3_route53 import Route53Client

MOST_ALIASES = 5  # CNAMEs in a row: ACM User Guide, "DNS validation"
_SUFFIX = ".acm-validations.aws."
_NOBODY = "_no-such-name"  # as good as any label that nobody uses: what a wildcard answers to it


@dataclass(frozen=True, slots=True)
class Wanted:
    """A record that ACM wants to see."""

    domain: str  # as in the certificate
    name: str
    value: str

    @property
    def base(self) -> str:
        """The domain with a final dot, without a wildcard's asterisk."""
        return absolute(self.domain.removeprefix("*."))

    def __str__(self) -> str:
        return f"{self.name} CNAME {self.value}"


def inspect(wanted: Wanted, resolve: LookUp, route53: Route53Client | None) -> Finding | None:
    """Say why ACM does not find a record; None: it does.

    Args:
        wanted: the record.
        resolve: asks DNS.
        route53: client of the account that may have the zone; None: hosted zones are not looked at.

    Raises:
        LabError: nobody answers.
    """
    answer = resolve(wanted.name, "CNAME")
    if answer.rcode == "SERVFAIL":
        return _broken(wanted, resolve, route53)
    if answer.rcode not in {"NOERROR", "NXDOMAIN"}:
        return _blind(wanted, answer.rcode)
    zone = _authority(wanted.name, resolve)
    if not answer.values:
        return _other_type(wanted, resolve) or _absent(wanted, zone, resolve, route53)
    if _from_wildcard(wanted, answer, resolve):
        return _absent(wanted, zone, resolve, route53)
    return _follow(wanted, answer, resolve)


def _follow(wanted: Wanted, answer: Answer, resolve: LookUp) -> Finding | None:
    """Follow the aliases from the record; None if ACM's value is within reach."""
    first = answer.values[0]
    for number in range(1, MOST_ALIASES + 2):
        if absolute(wanted.value) in {answer.values[0], f"_{answer.values[0]}"}:
            if number <= MOST_ALIASES:
                return None
            return Finding(
                wanted.domain,
                Cause.TOO_MANY_ALIASES,
                f"{plain(wanted.name)} leads to the value over more than {MOST_ALIASES} CNAMEs.",
                f"Shorten the chain; ACM follows {MOST_ALIASES}.",
            )
        answer = resolve(answer.values[0], "CNAME")
        if answer.rcode not in {"NOERROR", "NXDOMAIN"}:
            return _blind(wanted, answer.rcode)
        if not answer.values:
            break
    return Finding(
        wanted.domain,
        Cause.WRONG_VALUE,
        f"{plain(wanted.name)} leads to {plain(first)}, not to {plain(wanted.value)}."
        f"{_why(first, wanted)}",
        f"Change it: {wanted}",
    )


def _why(value: str, wanted: Wanted) -> str:
    if value.startswith(absolute(wanted.value)):
        return " The provider appended the zone's name: the value lacks its final dot there."
    if value.endswith(_SUFFIX):
        return " That is another token: of another account or name, or mistyped."
    return ""


def _other_type(wanted: Wanted, resolve: LookUp) -> Finding | None:
    """Say whether something other than a CNAME is there, as a proxy or a slip leaves it."""
    for kind in ("A", "AAAA", "TXT"):
        answer = resolve(wanted.name, kind)
        if not answer.values or _from_wildcard(wanted, answer, resolve):
            continue
        hint = (
            "Enter it as a CNAME record."
            if kind == "TXT"
            else "If a proxy stands before the name, switch it off for this record (DNS only)."
        )
        shown = ", ".join(answer.values)
        sentence = f"{plain(wanted.name)} has {kind} records ({shown}) and no CNAME."
        return Finding(wanted.domain, Cause.NOT_A_CNAME, sentence, hint)
    return None


def _from_wildcard(wanted: Wanted, answer: Answer, resolve: LookUp) -> bool:
    """Say whether an answer is what any name there gets."""
    if absolute(wanted.value) in answer.values:
        return False
    return resolve(f"{_NOBODY}.{wanted.base}", answer.kind).values == answer.values


def _broken(wanted: Wanted, resolve: LookUp, route53: Route53Client | None) -> Finding:
    """Name the delegation at which a look-up that fails breaks off."""
    cut = ""
    for above in ancestors(wanted.base):
        if resolve(above, "NS").rcode != "SERVFAIL":
            break
        cut = above
    else:
        cut = ""
    if not cut:  # every name fails, or only this one does: it is not a delegation that is broken
        return _blind(wanted, "SERVFAIL")
    parent = plain(above) if above.count(".") > 1 else "the registrar"
    sentence = (
        f"DNS has no answer for {plain(wanted.name)} (SERVFAIL): none of the name servers that "
        f"{parent} names for {plain(cut)} has the zone."
    )
    zones = [zone for zone in _zones(route53, cut) if zone.name == cut and not zone.private]
    whose = [f"{zone.id}: {_servers(zone)}" for zone in zones]
    remedy = (
        f"Name the servers of the hosted zone there ({' or '.join(whose)})."
        if whose
        else f"Compare what {parent} names with the name servers that the hosted zone was given."
    )
    return Finding(wanted.domain, Cause.BROKEN_DELEGATION, sentence, remedy)


def _blind(wanted: Wanted, rcode: str) -> Finding:
    sentence = f"The DNS server did not answer for {plain(wanted.name)}: {rcode}."
    return Finding(wanted.domain, Cause.CANNOT_LOOK, sentence, "Ask another resolver.")


@dataclass(frozen=True, slots=True)
class _Authority:
    """The zone that DNS asks about a name, and the name servers it has there."""

    name: str
    name_servers: tuple[str, ...]


def _authority(name: str, resolve: LookUp) -> _Authority | None:
    """Return the closest zone that DNS knows above a name; None: only a top-level one, or none."""
    for candidate in ancestors(name):
        answer = resolve(candidate, "NS")
        if answer.values and not answer.chain:
            found = _Authority(candidate, answer.values)
            return found if candidate.count(".") > 1 else None
    return None


def _servers(zone: HostedZone | _Authority) -> str:
    return ", ".join(map(plain, zone.name_servers))


def _absent(
    wanted: Wanted, zone: _Authority | None, resolve: LookUp, route53: Route53Client | None
) -> Finding:
    """Say where a record is that is not where ACM looks."""
    held = _holders(route53, wanted)
    public = [each for each in held if not each.private]
    if public:
        return _in_zone(wanted, public[0], zone, route53)
    if held:
        return Finding(
            wanted.domain,
            Cause.PRIVATE_ZONE,
            f"The record is in {held[0].id}, a private hosted zone named {plain(held[0].name)}, "
            "which only its VPCs see.",
            f"Write it to a public zone too: {wanted}",
        )
    if zone is None:
        return Finding(
            wanted.domain,
            Cause.NO_DELEGATION,
            f"DNS knows no zone that holds {plain(wanted.base)}: no registered domain leads to it.",
            _registrar_needs(_zones(route53, wanted.base)),
        )
    if misplaced := _misplaced(wanted, zone, resolve):
        return misplaced
    doubt = "" if route53 else f" If it is, then not in the zone that has {_servers(zone)}."
    return Finding(
        wanted.domain,
        Cause.RECORD_ABSENT,
        f"DNS has no {plain(wanted.name)}; it looks in the zone {plain(zone.name)}.{doubt}",
        f"Write it there: {wanted}",
    )


def _in_zone(
    wanted: Wanted, holder: HostedZone, zone: _Authority | None, route53: Route53Client | None
) -> Finding:
    """Judge a record that a public hosted zone has, and DNS does not show."""
    where = f"The record is in the hosted zone {holder.id} ({plain(holder.name)})"
    if zone is None or (holder.name != zone.name and within(holder.name, zone.name)):
        return Finding(
            wanted.domain,
            Cause.NO_DELEGATION,
            f"{where}, but nothing delegates to it.",
            _registrar_needs([holder], zone),
        )
    if holder.name == zone.name and set(holder.name_servers) & set(zone.name_servers):
        return Finding(
            wanted.domain,
            Cause.NOT_YET_SERVED,
            f"{where}, which is the right one; DNS does not show it yet.",
            "Wait until the change is INSYNC and the resolver has forgotten that there was none.",
        )
    right = [
        each.id for each in _zones(route53, zone.name) if each.name_servers == zone.name_servers
    ]
    target = f"the hosted zone {right[0]}" if right else "the zone with those name servers"
    return Finding(
        wanted.domain,
        Cause.WRONG_ZONE,
        f"{where} at {_servers(holder)}, but DNS asks {plain(zone.name)} at {_servers(zone)}.",
        f"Write it to {target}: {wanted}",
    )


def _registrar_needs(zones: list[HostedZone], zone: _Authority | None = None) -> str:
    given = [each for each in zones if not each.private]
    if not given:
        return "Register the domain, and create a public hosted zone for it."
    where = "Give the registrar these name servers"
    if zone:
        where = f"Write NS records for {plain(given[0].name)} to {plain(zone.name)}"
    return f"{where}: {_servers(given[0])}."


def _misplaced(wanted: Wanted, zone: _Authority, resolve: LookUp) -> Finding | None:
    """Look for the record under the names that slips of the keyboard give it."""
    doubled = f"{wanted.name}{zone.name}"
    if _leads(doubled, wanted, resolve):
        return Finding(
            wanted.domain,
            Cause.NAME_DOUBLED,
            f"The record is at {plain(doubled)}: the zone's name was appended to a whole name.",
            f"Enter the name without {plain(zone.name)}, which the provider appends.",
        )
    label, _, rest = wanted.name.partition(".")
    bald = f"{label.removeprefix('_')}.{rest}"
    top = f"{label}.{zone.name}"
    for name, what in ((bald, "without its underscore"), (top, "with labels missing")):
        if name != wanted.name and _leads(name, wanted, resolve):
            return Finding(
                wanted.domain,
                Cause.WRONG_NAME,
                f"The record is at {plain(name)}, {what}.",
                f"Write it under its whole name: {wanted}",
            )
    return None


def _leads(name: str, wanted: Wanted, resolve: LookUp) -> bool:
    value = absolute(wanted.value)
    # A provider that appends the zone to the name may have done so to the value.
    return any(found.startswith((value, value[1:])) for found in resolve(name, "CNAME").values)


def _zones(route53: Route53Client | None, name: str) -> list[HostedZone]:
    if route53 is None:
        return []
    return [hosted_zone(route53, zone_id) for zone_id, _, _ in zones_of(route53, name)]


def _holders(route53: Route53Client | None, wanted: Wanted) -> list[HostedZone]:
    """Return the account's zones that have the record, the closest first."""
    if route53 is None:
        return []
    value = absolute(wanted.value)
    return [
        zone
        for zone in _zones(route53, wanted.base)
        if any(value in targets(each) for each in cnames(route53, zone.id, wanted.name))
    ]
