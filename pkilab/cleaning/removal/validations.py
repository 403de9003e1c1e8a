"""DNS records by which CloudFormation proved a stack's names to ACM.

It writes them into the hosted zone that a template names, and leaves them there when the stack is
deleted. They belong to account and name, not to the certificate: one that another certificate still
needs for its renewal stays.

Source: AWS CloudFormation Template Reference, AWS::CertificateManager::Certificate,
DomainValidationOption; the sentence is that of the stack's events.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from pkilab.cleaning.removal import kinds
from pkilab.cleaning.removal.asking import Removal, certificates
from pkilab.cleaning.removal.kinds import Created, partition_of, telling
from pkilab.cleaning.removal.zones import at, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_WRITTEN = re.compile(r"Content of DNS Record is: \{Name: (\S+?),\s*Type: (\w+),\s*Value: (\S+?)\}")
_ZONE_ID = re.compile(r"\bZ[A-Z0-9]{5,31}\b")


def validations_of(of: Removal, events: Iterable[Mapping[str, Any]]) -> tuple[Created, ...]:
    """Return the records that a stack's events tell of, as they are now, without those in use.

    Args:
        of: the stack; it may be deleted.
        events: the stack's.

    Raises:
        ClientError: AWS refuses a question (botocore's).
    """
    told = [_WRITTEN.search(str(each.get("ResourceStatusReason", ""))) for each in events]
    written = dict.fromkeys(found.groups() for found in told if found)
    if not written:
        return ()
    needed = set(_needed(of.client("acm")))
    return tuple(
        _record(of.thing, zone, record)
        for zone in _zones(of)
        for name, kind, value in written
        if plain(name) not in needed
        for record in _there(of.client("route53"), zone, name, kind)
        if [plain(each["Value"]) for each in record["ResourceRecords"]] == [plain(value)]
    )


def _zones(of: Removal) -> list[str]:
    """Return the ids of hosted zones that a stack's template or parameters name."""
    client, name = of.client(), of.thing.arn
    stack = client.describe_stacks(StackName=name)["Stacks"][0]
    body = client.get_template(StackName=name)["TemplateBody"]
    given = " ".join(each.get("ParameterValue", "") for each in stack.get("Parameters", ()))
    return list(dict.fromkeys(_ZONE_ID.findall(f"{body} {given}")))


def _there(client: Any, zone: str, name: str, kind: str) -> list[Any]:  # noqa: ANN401
    try:
        return at(client, zone, {"Name": name, "Type": kind})
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchHostedZone":
            return []
        raise


def _needed(acm: Any) -> Iterator[str]:  # noqa: ANN401
    """Yield the names of the records that certificates of a Region are renewed by."""
    for each in certificates(acm):
        described = acm.describe_certificate(CertificateArn=each["CertificateArn"])
        for option in described["Certificate"].get("DomainValidationOptions", ()):
            if record := option.get("ResourceRecord"):
                yield plain(record["Name"])


def _record(stack: Created, zone: str, record: Mapping[str, Any]) -> Created:
    arn = f"arn:{partition_of(stack.region)}:route53:::hostedzone/{zone}"
    return replace(
        stack,
        kind=kinds.RECORD,
        service="route53",
        arn=f"{arn}/{record['Type']}/{record['Name']}",
        said=telling(zone=zone, record=record, created=False),
    )
