"""Route 53 and Route 53 Domains: what their operations need.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon Route
53" and "... Route 53 Domains"; Route 53 Developer Guide, "Using IAM policy conditions for
fine-grained access control" (normalized names).
"""

from __future__ import annotations

from collections.abc import Iterator

from pkilab.simulator.access.asking import Access, Asked, Rule, anywhere, given, rows

PREFIX = "route53"
DOMAINS = "route53domains"
_CHANGES = "route53:changeresourcerecordsets"
KEYS = frozenset(
    {f"{_CHANGES}normalizedrecordnames", f"{_CHANGES}recordtypes", f"{_CHANGES}actions"}
)


def _on(kind: str, member: str) -> Rule:
    def rule(asked: Asked) -> Iterator[Access]:
        number = str(asked.members[member]).rpartition("/")[2]
        yield asked.access(f"arn:aws:route53:::{kind}/{number}")

    return rule


def _change(asked: Asked) -> Iterator[Access]:
    changes = asked.members["ChangeBatch"]["Changes"]
    records = [each["ResourceRecordSet"] for each in changes]
    keys: dict[str, object] = {
        f"{_CHANGES}normalizedrecordnames": [normalized(each["Name"]) for each in records],
        f"{_CHANGES}recordtypes": [each["Type"] for each in records],
        f"{_CHANGES}actions": [each["Action"] for each in changes],
    }
    number = asked.members["HostedZoneId"].rpartition("/")[2]
    yield asked.access(f"arn:aws:route53:::hostedzone/{number}", context=given(keys))


def normalized(name: str) -> str:
    """Return a record's name as conditions have it: small letters, no dot at the end."""
    return name.lower().rstrip(".")


def _tags(asked: Asked) -> Iterator[Access]:
    kind = asked.members["ResourceType"]
    yield asked.access(f"arn:aws:route53:::{kind}/{asked.members['ResourceId']}")


TABLE = rows(
    (_change, "ChangeResourceRecordSets"),
    (_tags, "ChangeTagsForResource ListTagsForResource"),
    (_on("hostedzone", "HostedZoneId"), "ListResourceRecordSets"),
    (_on("hostedzone", "Id"), "DeleteHostedZone GetHostedZone UpdateHostedZoneComment"),
    (_on("change", "Id"), "GetChange"),
    (
        anywhere,
        "CreateHostedZone GetHostedZoneCount ListHostedZones ListHostedZonesByName TestDNSAnswer",
    ),
)
DOMAINS_TABLE = rows(
    (anywhere, "GetDomainDetail GetOperationDetail ListDomains UpdateDomainNameservers")
)
