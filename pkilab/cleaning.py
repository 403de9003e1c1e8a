"""Delete what was created, and say what could not be.

`plan` reads from a journal what its calls created and have not deleted since; `clean_up` deletes
such a list, wherever the list came from. Nothing is looked for in the account and nothing is
touched that is not in the list. Running it again is harmless.

What AWS keeps is reported as it is: a deleted CA stays restorable for 7 to 30 days, and a
certificate cannot be deleted at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, TypeAlias

from botocore.exceptions import BotoCoreError, ClientError

from pkilab.errors import LabError, PkilabError
from pkilab.journal import as_html, count, frame
from pkilab.removal import (
    ACM,
    ALIAS,
    AUTHORITY,
    BUCKET,
    CERTIFICATE,
    CONTROL,
    DOMAIN,
    EVENT_BUS,
    EVENT_RULE,
    FUNCTION,
    HTTP_API,
    HUB,
    KEY,
    LOG_GROUP,
    MFA_DEVICE,
    OBJECT,
    ORGANIZATION,
    PARAMETER,
    PERMISSION,
    POLICY,
    QUEUE,
    REST_API,
    ROLE,
    SECRET,
    SHARE,
    STACK,
    TOPIC,
    TRAIL,
    UNIT,
    USER,
    ZONE,
    Created,
    remove,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pandas import DataFrame

    from pkilab.journal import Entry

#: service, account alias, region -> a boto3 client.
ClientFor: TypeAlias = "Callable[[str, str, str], Any]"

# What uses comes before what is used: a domain name its certificate, a function its role. A CA
# writes CRLs to its bucket until it is deleted, so buckets come after CAs. A stack is deleted in
# its role, and its resources may be in zones and buckets that it does not have itself.
# Whom a CA is shared with loses it before it goes. A rule goes before what it calls, and a trail
# before the bucket that it writes to; what is encrypted goes before its key.
# What an organization's policies deny, they deny to the clean-up too: they go first of all.
_CONTROLS = (CONTROL, UNIT, ORGANIZATION)
_USING = (DOMAIN, HTTP_API, REST_API, FUNCTION, STACK)
_IAM = (MFA_DEVICE, USER, ROLE, POLICY)
_EVENTS = (EVENT_RULE, EVENT_BUS, TRAIL)
_STORES = (QUEUE, TOPIC, LOG_GROUP, PARAMETER, SECRET, HUB)
_SHARED = (SHARE, PERMISSION)
_ORDER = (
    *_CONTROLS, *_EVENTS, *_USING, *_IAM, *_SHARED, ACM, ZONE, AUTHORITY, *_STORES, ALIAS, KEY,
    BUCKET,
)  # fmt: skip
_KINDS = {
    ("s3", "CreateBucket"): BUCKET,
    ("acm-pca", "CreateCertificateAuthority"): AUTHORITY,
    ("acm-pca", "IssueCertificate"): CERTIFICATE,
    ("apigateway", "CreateDomainName"): DOMAIN,
    ("apigatewayv2", "CreateDomainName"): DOMAIN,
    ("apigatewayv2", "CreateApi"): HTTP_API,
    ("apigateway", "CreateRestApi"): REST_API,
    ("lambda", "CreateFunction"): FUNCTION,
    ("iam", "CreateRole"): ROLE,
    ("iam", "CreateUser"): USER,
    ("iam", "CreatePolicy"): POLICY,
    ("iam", "CreateVirtualMFADevice"): MFA_DEVICE,
    ("kms", "CreateKey"): KEY,
    ("kms", "CreateAlias"): ALIAS,
    ("organizations", "CreateOrganization"): ORGANIZATION,
    ("organizations", "CreateOrganizationalUnit"): UNIT,
    ("organizations", "CreatePolicy"): CONTROL,
    ("acm", "ImportCertificate"): ACM,
    ("acm", "RequestCertificate"): ACM,
    ("route53", "CreateHostedZone"): ZONE,
    ("events", "PutRule"): EVENT_RULE,
    ("events", "CreateEventBus"): EVENT_BUS,
    ("cloudtrail", "CreateTrail"): TRAIL,
    ("securityhub", "EnableSecurityHub"): HUB,
    ("sqs", "CreateQueue"): QUEUE,
    ("sns", "CreateTopic"): TOPIC,
    ("logs", "CreateLogGroup"): LOG_GROUP,
    ("ram", "CreateResourceShare"): SHARE,
    ("ram", "CreatePermission"): PERMISSION,
    ("secretsmanager", "CreateSecret"): SECRET,
}
_NOUNS = {
    AUTHORITY: ("CertificateAuthority",),
    BUCKET: ("Bucket",),
    OBJECT: ("Object", "Objects"),
    DOMAIN: ("DomainName",),
    HTTP_API: ("Api",),
    REST_API: ("RestApi",),
    FUNCTION: ("Function",),
    ROLE: ("Role",),
    ACM: ("Certificate",),
    ZONE: ("HostedZone",),
    STACK: (),
    USER: ("User",),
    POLICY: ("Policy",),
    MFA_DEVICE: ("VirtualMFADevice",),
    ALIAS: ("Alias",),
    KEY: (),
    ORGANIZATION: (),
    UNIT: ("OrganizationalUnit",),
    CONTROL: ("Policy",),
    EVENT_RULE: ("Rule",),
    EVENT_BUS: ("EventBus",),
    TRAIL: ("Trail",),
    HUB: (),
    QUEUE: ("Queue",),
    TOPIC: ("Topic",),
    LOG_GROUP: ("LogGroup",),
    SHARE: ("ResourceShare",),
    PERMISSION: ("Permission",),
    PARAMETER: ("Parameter",),
    SECRET: ("Secret",),
}
_OBJECT_WRITERS = ("PutObject", "CopyObject", "CompleteMultipartUpload")
_DELETERS = {
    KEY: ("ScheduleKeyDeletion",),
    ORGANIZATION: ("DeleteOrganization",),
    HUB: ("DisableSecurityHub",),
}
_RESTORERS = ("RestoreCertificateAuthority", "CancelKeyDeletion")
_GONE = (
    "ResourceNotFoundException",
    "AWSOrganizationsNotInUseException",
    "OrganizationalUnitNotFoundException",
    "PolicyNotFoundException",
    "NoSuchBucket",
    "NotFoundException",
    "NoSuchEntity",
    "NoSuchHostedZone",
    "AWS.SimpleQueueService.NonExistentQueue",
    "QueueDoesNotExist",
    "NotFound",
    "ParameterNotFound",
    "TrailNotFoundException",
    "UnknownResourceException",
)


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
        for arn in _touched(entry, standing):
            if entry.operation in _RESTORERS and arn in deleted:
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
            group, note = remove(each, client, permanent_deletion_days)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            gone = code in _GONE
            group, note = ("gone", code) if gone else ("left", _why(error))
        except (BotoCoreError, PkilabError) as error:
            group, note = "left", str(error)
        groups[group].append(Outcome(each, note))
    return Cleaned(tuple(groups["removed"]), tuple(groups["left"]), tuple(groups["gone"]))


def _why(error: ClientError) -> str:
    details = error.response["Error"]
    return f"{details['Code']}: {details.get('Message', '')}"


# What a call created, and what it deleted.


def _created(entry: Entry) -> Iterator[Created]:
    """Yield what one call created."""
    kinds: dict[str, str] = {}
    kind = _KINDS.get((entry.service, entry.operation))
    if entry.service == "s3":
        kind = OBJECT if entry.operation in _OBJECT_WRITERS else kind
        kinds = dict.fromkeys(entry.resources[:1], kind) if kind else {}
    elif entry.operation == "CreateCertificateAuthorityAuditReport":
        bucket = next((arn for arn in entry.resources if ":s3:::" in arn), None)
        if bucket and "S3Key" in entry.results:
            kinds = {f"{bucket}/{entry.results['S3Key']}": OBJECT}
    elif entry.service == "cloudformation":
        # A change set belongs to a stack, which the first one makes.
        makes = entry.parameters.get("ChangeSetType") == "CREATE"
        new = entry.operation == "CreateStack" or makes
        kinds = {entry.results["StackId"]: STACK} if new and "StackId" in entry.results else {}
    elif (entry.service, entry.operation) == ("ssm", "PutParameter"):
        # With leave to overwrite it may have been there before.
        kinds = {} if entry.parameters.get("Overwrite") else dict.fromkeys(entry.made, PARAMETER)
    elif entry.service == "organizations":
        kinds = {entry.results["Arn"]: kind} if kind and "Arn" in entry.results else {}
    elif kind:
        # What a call names and what it made may be one: ACM imports anew under an ARN it is given.
        given = entry.parameters.values()
        kinds = dict.fromkeys((arn for arn in entry.made if arn not in given), kind)
    else:
        noun = entry.operation.removeprefix("Create")
        kinds = dict.fromkeys(entry.made, noun) if noun != entry.operation else {}
    for arn, kind in kinds.items():
        service = "s3" if kind == OBJECT else entry.service
        place = (entry.account, entry.account_id, entry.region)
        yield Created(kind, arn, service, *place, entry.at)


def _deletes(entry: Entry, arn: str, standing: dict[str, Created]) -> bool:
    """Whether the call deleted this standing thing itself, rather than something within it."""
    if arn not in standing:
        return False
    kind = standing[arn].kind
    deleters = tuple(f"Delete{noun}" for noun in _NOUNS.get(kind, (kind,)))
    return entry.operation in (*deleters, *_DELETERS.get(kind, ()))


def _touched(entry: Entry, standing: dict[str, Created]) -> tuple[str, ...]:
    """Return the ARNs that a call acts on; Organizations' calls name its things by their ends."""
    if entry.service != "organizations":
        return entry.resources
    named = set(map(str, entry.parameters.values()))
    ours = (each for each in standing.values() if each.service == "organizations")
    whole = entry.operation == "DeleteOrganization"
    return tuple(
        each.arn
        for each in ours
        if each.arn.rpartition("/")[2] in named
        or (whole and each.kind == ORGANIZATION and each.account == entry.account)
    )
