"""Delete what was created, and say what could not be.

`plan` reads from a journal what its calls created and have not deleted since; `clean_up` deletes
such a list, wherever the list came from. Nothing is looked for in the account and nothing is
touched that is not in the list. Running it again is harmless.

What AWS keeps is reported as it is: a deleted CA stays restorable for 7 to 30 days, and a
certificate cannot be deleted at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Any, TypeAlias

from botocore.exceptions import BotoCoreError, ClientError, WaiterError

from pkilab.errors import LabError, PkilabError
from pkilab.journal import as_html, count, frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mypy_boto3_acm_pca import ACMPCAClient
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef
    from pandas import DataFrame

    from pkilab.journal import Entry

#: service, account alias, region -> a boto3 client.
ClientFor: TypeAlias = "Callable[[str, str, str], Any]"

_AUTHORITY, _BUCKET, _OBJECT, _CERTIFICATE = (
    "certificate authority",
    "bucket",
    "object",
    "certificate",
)
_DOMAIN, _HTTP_API, _REST_API, _FUNCTION = "domain name", "HTTP API", "REST API", "function"
_ROLE, _ACM, _ZONE, _STACK = "role", "ACM certificate", "hosted zone", "stack"
# What uses comes before what is used: a domain name its certificate, a function its role. A CA
# writes CRLs to its bucket until it is deleted, so buckets come after CAs. A stack is deleted in
# its role, and its resources may be in zones and buckets that it does not have itself.
_USING = (_DOMAIN, _HTTP_API, _REST_API, _FUNCTION, _STACK)
_ORDER = (*_USING, _ROLE, _ACM, _ZONE, _AUTHORITY, _BUCKET)
_KINDS = {
    ("s3", "CreateBucket"): _BUCKET,
    ("acm-pca", "CreateCertificateAuthority"): _AUTHORITY,
    ("acm-pca", "IssueCertificate"): _CERTIFICATE,
    ("apigateway", "CreateDomainName"): _DOMAIN,
    ("apigatewayv2", "CreateDomainName"): _DOMAIN,
    ("apigatewayv2", "CreateApi"): _HTTP_API,
    ("apigateway", "CreateRestApi"): _REST_API,
    ("lambda", "CreateFunction"): _FUNCTION,
    ("iam", "CreateRole"): _ROLE,
    ("acm", "ImportCertificate"): _ACM,
    ("acm", "RequestCertificate"): _ACM,
    ("route53", "CreateHostedZone"): _ZONE,
}
_NOUNS = {
    _AUTHORITY: ("CertificateAuthority",),
    _BUCKET: ("Bucket",),
    _OBJECT: ("Object", "Objects"),
    _DOMAIN: ("DomainName",),
    _HTTP_API: ("Api",),
    _REST_API: ("RestApi",),
    _FUNCTION: ("Function",),
    _ROLE: ("Role",),
    _ACM: ("Certificate",),
    _ZONE: ("HostedZone",),
    _STACK: (),
}
_LEFT = {
    _CERTIFICATE: "a certificate cannot be deleted; revoke it if it must not be trusted",
    _OBJECT: "in a bucket that was there before; it may have replaced another object",
}
_OBJECT_WRITERS = ("PutObject", "CopyObject", "CompleteMultipartUpload")
_GONE = (
    "ResourceNotFoundException",
    "NoSuchBucket",
    "NotFoundException",
    "NoSuchEntity",
    "NoSuchHostedZone",
)
_BATCH = 1000  # as many objects as one DeleteObjects takes


@dataclass(frozen=True, slots=True)
class Created:
    """One thing that calls created.

    Attributes:
        kind: ``certificate authority``, ``bucket``, ``object``, ``certificate``, or the API's noun
            for anything else.
        arn: its ARN.
        service: as boto3 names it.
        account: the lab's alias; ``account_id`` is the twelve digits.
        region: of the client that created it.
        at: when, aware.
    """

    kind: str
    arn: str
    service: str
    account: str
    account_id: str
    region: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one thing; ``note`` says why, or until when it can be brought back."""

    resource: Created
    note: str


@dataclass(frozen=True, slots=True)
class Cleaned:
    """The result of a clean-up.

    Attributes:
        removed: deleted now.
        left: still there, and why.
        already_gone: had been deleted by somebody else, or before.
    """

    removed: tuple[Outcome, ...]
    left: tuple[Outcome, ...]
    already_gone: tuple[Outcome, ...]

    def to_frame(self) -> DataFrame:
        """Return one row per thing: result, account, kind, resource, note.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        return frame(list(self._rows()), ("result", "account", "kind", "resource", "note"))

    def _rows(self) -> Iterator[tuple[str, ...]]:
        groups = {"removed": self.removed, "left": self.left, "already gone": self.already_gone}
        for result, outcomes in groups.items():
            for each in outcomes:
                found = each.resource
                yield result, found.account, found.kind, found.arn, each.note

    def _summary(self) -> str:
        return (
            f"{count(len(self.removed), 'thing')} removed, {len(self.left)} left, "
            f"{len(self.already_gone)} already gone."
        )

    def __repr__(self) -> str:
        rows = ("  ".join(cell for cell in row if cell) for row in self._rows())
        return "\n".join((self._summary(), *rows))

    def _repr_html_(self) -> str | None:
        return as_html(self.to_frame, caption=escape(self._summary()))


def plan(entries: Iterable[Entry]) -> tuple[Created, ...]:
    """Return what the calls created and did not delete, in the order to delete it.

    Domain names, APIs, functions, stacks, roles, certificates of ACM and hosted zones come first;
    then CAs, the newest first, so that a subordinate goes before its parent; then buckets; then
    what cannot be deleted or is not known here how to: objects put into buckets that were there
    before, certificates of CAs that were there before, and resources of other services.

    A stack is always among them: DeleteStack only begins to delete, and may fail.

    Not seen: what AWS services created on their own, and what was created without the journal.
    """
    standing: dict[str, Created] = {}
    deleted: dict[str, Created] = {}
    for entry in entries:
        if not entry.ok:
            continue
        for created in _created(entry):
            standing.setdefault(created.arn, created)
        for arn in entry.resources:
            if entry.operation == "RestoreCertificateAuthority" and arn in deleted:
                standing[arn] = deleted.pop(arn)
            elif _deletes(entry, arn, standing):
                deleted[arn] = standing.pop(arn)
    containers = [each for each in (standing | deleted).values() if each.kind in _ORDER]
    within = tuple(f"{each.arn}/" for each in containers)
    newest_first = reversed(standing.values())
    kept = [each for each in newest_first if not each.arn.startswith(within)]
    return tuple(sorted(kept, key=lambda each: (*_ORDER, each.kind).index(each.kind)))


def clean_up(
    created: Iterable[Created],
    client_for: ClientFor,
    *,
    permanent_deletion_days: int = 7,
) -> Cleaned:
    """Delete what was created, in the order given, and go on after an error.

    An ACTIVE CA is disabled, then deleted. A bucket is emptied, every version and delete marker,
    and deleted, only while the same account owns it. A domain name loses its mappings, a role its
    policies and a hosted zone its records first.

    Args:
        created: from `plan`, or from any other record.
        client_for: given a service, an account alias and a region, returns a client.
        permanent_deletion_days: how long a deleted CA stays restorable, 7 to 30.

    Raises:
        LabError: ``permanent_deletion_days`` is not 7 to 30. Errors of single deletions are not
            raised; they are in ``left``.
    """
    if not 7 <= permanent_deletion_days <= 30:  # noqa: PLR2004 - AWS's own bounds
        raise LabError(
            f"permanent_deletion_days: found {permanent_deletion_days}, expected 7 to 30"
        )
    groups: dict[str, list[Outcome]] = {"removed": [], "left": [], "gone": []}
    for each in created:
        try:
            client = client_for(each.service, each.account, each.region)
            group, note = _remove(each, client, permanent_deletion_days)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            gone = code in _GONE
            group, note = ("gone", code) if gone else ("left", _why(error))
        except (BotoCoreError, PkilabError) as error:
            group, note = "left", str(error)
        groups[group].append(Outcome(each, note))
    return Cleaned(tuple(groups["removed"]), tuple(groups["left"]), tuple(groups["gone"]))


def _remove(created: Created, client: Any, days: int) -> tuple[str, str]:  # noqa: ANN401 - a client of any service
    if created.kind == _AUTHORITY:
        return _remove_authority(created, client, days)
    if created.kind == _STACK:
        return _remove_stack(created, client)
    if remove := _REMOVERS.get(created.kind):
        return "removed", remove(created.arn.rpartition("/")[2], created, client)
    if created.kind == _BUCKET:
        return _remove_bucket(created, client)
    unknown = f"how to delete this is not known here: {created.service} {created.kind}"
    return "left", _LEFT.get(created.kind, unknown)


def _remove_authority(created: Created, client: ACMPCAClient, days: int) -> tuple[str, str]:
    arn = created.arn
    ca = client.describe_certificate_authority(CertificateAuthorityArn=arn)["CertificateAuthority"]
    if ca["Status"] == "DELETED":
        return "gone", _restorable(ca.get("RestorableUntil"))
    if ca["Status"] == "ACTIVE":
        client.update_certificate_authority(CertificateAuthorityArn=arn, Status="DISABLED")
    client.delete_certificate_authority(
        CertificateAuthorityArn=arn, PermanentDeletionTimeInDays=days
    )
    try:
        answer = client.describe_certificate_authority(CertificateAuthorityArn=arn)
    except (
        ClientError
    ):  # deleted for good at once, as a CA that never became PENDING_CERTIFICATE is
        return "removed", ""
    return "removed", _restorable(answer["CertificateAuthority"].get("RestorableUntil"))


def _restorable(until: datetime | None) -> str:
    # boto3 gives times in the machine's zone; what is shown is the same everywhere.
    return f"restorable until {until.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if until else ""


def _remove_stack(created: Created, client: CloudFormationClient) -> tuple[str, str]:
    name = created.arn
    if client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] == "DELETE_COMPLETE":
        return "gone", ""
    client.delete_stack(StackName=name)
    try:
        client.get_waiter("stack_delete_complete").wait(StackName=name)
    except WaiterError as error:
        stack = client.describe_stacks(StackName=name)["Stacks"][0]
        why = stack.get("StackStatusReason", "")
        raise LabError(f"{stack['StackStatus']}: {why}".strip(": ")) from error
    return "removed", "with its resources, but for those that it retains"


def _remove_bucket(created: Created, client: S3Client) -> tuple[str, str]:
    name, owner = created.arn.rpartition(":")[2], created.account_id
    objects = list(_versions(client, name, owner))
    for start in range(0, len(objects), _BATCH):
        answer = client.delete_objects(
            Bucket=name,
            Delete={"Objects": objects[start : start + _BATCH], "Quiet": True},
            ExpectedBucketOwner=owner,
        )
        if errors := answer.get("Errors"):
            first = errors[0]
            why = f"{first.get('Key')}: {first.get('Code')}: {first.get('Message')}"
            return "left", f"{count(len(errors), 'object')} could not be deleted; {why}"
    client.delete_bucket(Bucket=name, ExpectedBucketOwner=owner)
    return "removed", f"with {count(len(objects), 'object version')}" if objects else "empty"


def _versions(client: S3Client, name: str, owner: str) -> Iterator[ObjectIdentifierTypeDef]:
    pages = client.get_paginator("list_object_versions")
    for page in pages.paginate(Bucket=name, ExpectedBucketOwner=owner):
        for version in page.get("Versions", []):
            yield {"Key": version["Key"], "VersionId": version["VersionId"]}
        for marker in page.get("DeleteMarkers", []):
            yield {"Key": marker["Key"], "VersionId": marker["VersionId"]}


# Each takes the last part of the ARN, the thing and a client of its service, and returns a note.


def _remove_domain(name: str, created: Created, client: Any) -> str:  # noqa: ANN401
    if created.service == "apigateway":
        client.delete_domain_name(domainName=name)
        return ""
    mappings = client.get_api_mappings(DomainName=name)["Items"]
    for mapping in mappings:
        client.delete_api_mapping(ApiMappingId=mapping["ApiMappingId"], DomainName=name)
    client.delete_domain_name(DomainName=name)
    return f"with {count(len(mappings), 'mapping')}" if mappings else ""


def _remove_http_api(name: str, _: Created, client: Any) -> str:  # noqa: ANN401
    client.delete_api(ApiId=name)
    return ""


def _remove_rest_api(name: str, _: Created, client: Any) -> str:  # noqa: ANN401
    client.delete_rest_api(restApiId=name)
    return ""


def _remove_function(_: str, created: Created, client: Any) -> str:  # noqa: ANN401
    client.delete_function(FunctionName=created.arn)
    return "its log group, if any, stays"


def _remove_role(name: str, _: Created, client: Any) -> str:  # noqa: ANN401
    for policy in client.list_role_policies(RoleName=name)["PolicyNames"]:
        client.delete_role_policy(RoleName=name, PolicyName=policy)
    for policy in client.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        client.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    client.delete_role(RoleName=name)
    return ""


def _remove_acm(_: str, created: Created, client: Any) -> str:  # noqa: ANN401
    client.delete_certificate(CertificateArn=created.arn)
    return ""


def _remove_zone(name: str, _: Created, client: Any) -> str:  # noqa: ANN401
    pages = client.get_paginator("list_resource_record_sets").paginate(HostedZoneId=name)
    held = [record for page in pages for record in page["ResourceRecordSets"]]
    apex = next((record["Name"] for record in held if record["Type"] == "SOA"), "")
    own = {(apex, "NS"), (apex, "SOA")}  # these go with the zone; other NS records delegate
    records = [record for record in held if (record["Name"], record["Type"]) not in own]
    if records:
        changes = [{"Action": "DELETE", "ResourceRecordSet": record} for record in records]
        client.change_resource_record_sets(HostedZoneId=name, ChangeBatch={"Changes": changes})
    client.delete_hosted_zone(Id=name)
    return f"with {count(len(records), 'record set')}" if records else ""


_REMOVERS: dict[str, Callable[[str, Created, Any], str]] = {
    _DOMAIN: _remove_domain,
    _HTTP_API: _remove_http_api,
    _REST_API: _remove_rest_api,
    _FUNCTION: _remove_function,
    _ROLE: _remove_role,
    _ACM: _remove_acm,
    _ZONE: _remove_zone,
}


def _why(error: ClientError) -> str:
    details = error.response["Error"]
    return f"{details['Code']}: {details.get('Message', '')}"


# What a call created, and what it deleted.


def _created(entry: Entry) -> Iterator[Created]:
    """Yield what one call created."""
    kinds: dict[str, str] = {}
    kind = _KINDS.get((entry.service, entry.operation))
    if entry.service == "s3":
        kind = _OBJECT if entry.operation in _OBJECT_WRITERS else kind
        kinds = dict.fromkeys(entry.resources[:1], kind) if kind else {}
    elif entry.operation == "CreateCertificateAuthorityAuditReport":
        bucket = next((arn for arn in entry.resources if ":s3:::" in arn), None)
        if bucket and "S3Key" in entry.results:
            kinds = {f"{bucket}/{entry.results['S3Key']}": _OBJECT}
    elif entry.service == "cloudformation":
        # A change set belongs to a stack, which the first one makes.
        makes = entry.parameters.get("ChangeSetType") == "CREATE"
        new = entry.operation == "CreateStack" or makes
        kinds = {entry.results["StackId"]: _STACK} if new and "StackId" in entry.results else {}
    elif kind:
        # What a call names and what it made may be one: ACM imports anew under an ARN it is given.
        given = entry.parameters.values()
        kinds = dict.fromkeys((arn for arn in entry.made if arn not in given), kind)
    else:
        noun = entry.operation.removeprefix("Create")
        kinds = dict.fromkeys(entry.made, noun) if noun != entry.operation else {}
    for arn, kind in kinds.items():
        service = "s3" if kind == _OBJECT else entry.service
        place = (entry.account, entry.account_id, entry.region)
        yield Created(kind, arn, service, *place, entry.at)


def _deletes(entry: Entry, arn: str, standing: dict[str, Created]) -> bool:
    """Whether the call deleted this standing thing itself, rather than something within it."""
    if arn not in standing:
        return False
    kind = standing[arn].kind
    return entry.operation in tuple(f"Delete{noun}" for noun in _NOUNS.get(kind, (kind,)))
