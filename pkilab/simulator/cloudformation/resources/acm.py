"""AWS::CertificateManager: certificates, which keep a stack waiting until they are issued.

Source: AWS CloudFormation Template Reference, AWS::CertificateManager::Certificate and ::Account.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

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
)
from pkilab.simulator.service import Json

_RECORD_SECONDS = 300  # the TTL of the records that prove control of a name


class Certificate(ResourceType):
    """A public certificate, or one of a private CA.

    With a HostedZoneId, the CNAME of that name is written to the zone; it stays there when the
    certificate is deleted, as other requests for the name count on it.
    """

    type: ClassVar[str] = "AWS::CertificateManager::Certificate"
    properties: ClassVar[Mapping[str, Property]] = {
        "DomainName": REPLACES_REQUIRED,
        "SubjectAlternativeNames": REPLACES,
        "DomainValidationOptions": REPLACES,
        "ValidationMethod": REPLACES,
        "CertificateAuthorityArn": REPLACES,
        "KeyAlgorithm": REPLACES,
        "CertificateExport": REPLACES,
        "CertificateTransparencyLoggingPreference": IN_PLACE,
        "Tags": IN_PLACE,
    }
    attributes: ClassVar[tuple[str, ...]] = ("CertificateArn",)
    tags: ClassVar[str] = "Tags"

    def create(self, work: Work) -> str:
        asked = work.members(
            "acm", "RequestCertificate", "DomainName", "SubjectAlternativeNames",
            "ValidationMethod", "CertificateAuthorityArn", "KeyAlgorithm", "Tags",
        )  # fmt: skip
        by_mail = [
            {"DomainName": each["DomainName"], "ValidationDomain": each["ValidationDomain"]}
            for each in _validation_options(work)
            if "ValidationDomain" in each
        ]
        if by_mail:
            asked["DomainValidationOptions"] = by_mail
        if options := _options(work.properties):
            asked["Options"] = options
        arn: str = work.aws("acm", "RequestCertificate", **asked)["CertificateArn"]
        return arn

    def settle(self, work: Work) -> Iterator[None]:
        work.attributes["CertificateArn"] = work.physical_id
        zones = {
            each["DomainName"].lower().rstrip("."): each["HostedZoneId"]
            for each in _validation_options(work)
            if "HostedZoneId" in each
        }
        told: set[tuple[str, str]] = set()
        while True:
            detail = work.aws("acm", "DescribeCertificate", CertificateArn=work.physical_id)
            certificate = detail["Certificate"]
            status = certificate["Status"]
            if status in {"ISSUED", "INACTIVE", "EXPIRED", "REVOKED"}:
                return
            if status != "PENDING_VALIDATION":
                reason = certificate.get("FailureReason") or status
                raise FailedError(f"The certificate was not issued: {reason}", "NotStabilized")
            fresh = _records(certificate, zones, told)
            for name, record, zone in fresh:
                self._announce(work, record)
                if zone:
                    _write(work, zone, record)
                told.add((name, zone))
            if not any(zone for _, _, zone in fresh):
                yield

    def _announce(self, work: Work, record: Json) -> None:
        shown = f"Name: {record['Name']},Type: {record['Type']},Value: {record['Value']}"
        work.note(f"Content of DNS Record is: {{{shown}}}")

    def update(self, work: Work, before: Json) -> None:
        arn = work.physical_id
        option = "CertificateTransparencyLoggingPreference"
        if before.get(option) != work.get(option):
            options = {option: text_of(work.get(option, "ENABLED"))}
            work.aws("acm", "UpdateCertificateOptions", CertificateArn=arn, Options=options)
        added, removed = tag_changes(before.get("Tags"), work.get("Tags"))
        if added:
            work.aws("acm", "AddTagsToCertificate", CertificateArn=arn, Tags=added)
        if removed:
            tags = [{"Key": key} for key in removed]
            work.aws("acm", "RemoveTagsFromCertificate", CertificateArn=arn, Tags=tags)

    def delete(self, work: Work) -> None:
        work.aws("acm", "DeleteCertificate", CertificateArn=work.physical_id)


def _validation_options(work: Work) -> list[Json]:
    """Return the domain validation options, checked.

    Raises:
        FailedError: one is no object, names no domain, or has a zone and a mail domain.
    """
    found: Value = work.get("DomainValidationOptions", [])
    where = "#/DomainValidationOptions"
    if not isinstance(found, list):
        raise FailedError(f"{where}: expected type: JSONArray", "ModelValidationFailed")
    for number, each in enumerate(found):
        strings = isinstance(each, dict) and all(isinstance(v, str) for v in each.values())
        if not strings or "DomainName" not in each:
            message = f"{where}/{number}: required key [DomainName] not found"
            raise FailedError(message, "ModelValidationFailed")
        if others := set(each) - {"DomainName", "HostedZoneId", "ValidationDomain"}:
            message = f"{where}/{number}: extraneous key [{min(others)}] is not permitted"
            raise FailedError(message, "ModelValidationFailed")
        if len(each) > 2:  # noqa: PLR2004 - the name and both of the others
            message = "Cannot specify both HostedZoneId and ValidationDomain for"
            raise FailedError(f"{message} {each['DomainName']}", "InvalidRequest")
        if each.get("HostedZoneId", "").startswith("/hostedzone/"):
            message = "HostedZoneId is given without the prefix /hostedzone/"
            raise FailedError(f"{message}: found {each['HostedZoneId']}", "InvalidRequest")
    return list(found)


def _options(properties: Json) -> Json:
    """Return what RequestCertificate calls options."""
    names = {
        "CertificateTransparencyLoggingPreference": "CertificateTransparencyLoggingPreference",
        "Export": "CertificateExport",
    }
    return {
        member: text_of(properties[name]) for member, name in names.items() if name in properties
    }


def _records(
    certificate: Json, zones: Mapping[str, str], told: set[tuple[str, str]]
) -> list[tuple[str, Json, str]]:
    """Return the records not told of yet: the record's name, itself, and the zone it goes to.

    A wildcard and its base domain share a record.
    """
    fresh: dict[tuple[str, str], tuple[str, Json, str]] = {}
    for option in certificate.get("DomainValidationOptions", []):
        record = option.get("ResourceRecord")
        zone = zones.get(option["DomainName"].lower().rstrip("."), "")
        key = (record["Name"], zone) if record else ("", "")
        pending = option.get("ValidationStatus") != "SUCCESS"
        if record and pending and key not in told:
            fresh[key] = (record["Name"], record, zone)
    return list(fresh.values())


def _write(work: Work, zone: str, record: Json) -> None:
    values = [{"Value": record["Value"]}]
    rows = {
        "Name": record["Name"], "Type": record["Type"], "TTL": _RECORD_SECONDS,
        "ResourceRecords": values,
    }  # fmt: skip
    changes = [{"Action": "UPSERT", "ResourceRecordSet": rows}]
    batch = {"Changes": changes}
    work.aws("route53", "ChangeResourceRecordSets", HostedZoneId=zone, ChangeBatch=batch)


class Account(ResourceType):
    """The account's settings; deleting the resource leaves them as they are."""

    type: ClassVar[str] = "AWS::CertificateManager::Account"
    properties: ClassVar[Mapping[str, Property]] = {"ExpiryEventsConfiguration": REQUIRED}
    attributes: ClassVar[tuple[str, ...]] = ("AccountId",)

    def create(self, work: Work) -> str:
        self._put(work)
        return work.aws.account

    def settle(self, work: Work) -> Iterator[None]:
        work.attributes["AccountId"] = work.physical_id
        yield from ()

    def update(self, work: Work, before: Json) -> None:  # noqa: ARG002 - everything is put anew
        self._put(work)

    def _put(self, work: Work) -> None:
        asked = work.members(
            "acm", "PutAccountConfiguration", ExpiryEvents="ExpiryEventsConfiguration"
        )
        work.aws("acm", "PutAccountConfiguration", IdempotencyToken=work.unique(32), **asked)

    def delete(self, work: Work) -> None:
        """Leave the settings."""
