"""What the calls of a journal created and have not deleted since, in the order to delete it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pkilab.cleaning.removal.kinds import (
    ACM,
    ALIAS,
    ATTACHMENT,
    AUTHORITY,
    BUCKET,
    CERTIFICATE,
    CONTROL,
    DOMAIN,
    EVENT_BUS,
    EVENT_RULE,
    FUNCTION,
    FUNCTION_LOGS,
    HTTP_API,
    HUB,
    KEY,
    LOG_GROUP,
    MFA_DEVICE,
    ORGANIZATION,
    PARAMETER,
    PERMISSION,
    POLICY,
    QUEUE,
    RECORD,
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
    partition_of,
)
from pkilab.cleaning.removal.stacks import function_logs_of
from pkilab.cleaning.traces import traces
from pkilab.stacks import makes_stack

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pkilab.journal import Entry

# What uses comes before what is used: a domain name its certificate, a function its role. A CA
# writes CRLs to its bucket until it is deleted, so buckets come after CAs. A stack is deleted in
# its role, and its resources may be in zones and buckets that it does not have itself.
# Whom a CA is shared with loses it before it goes. A rule goes before what it calls, and a trail
# before the bucket that it writes to; what is encrypted goes before its key.
# What an organization's policies deny, they deny to the clean-up too: they go first of all.
_CONTROLS = (CONTROL, UNIT, ORGANIZATION)
_USING = (DOMAIN, HTTP_API, REST_API, FUNCTION, FUNCTION_LOGS, STACK)
_IAM = (MFA_DEVICE, USER, ROLE, ATTACHMENT, POLICY)
_EVENTS = (EVENT_RULE, EVENT_BUS, TRAIL)
_STORES = (QUEUE, TOPIC, LOG_GROUP, PARAMETER, SECRET, HUB)
_SHARED = (SHARE, PERMISSION)
_ORDER = (
    *_CONTROLS, *_EVENTS, *_USING, *_IAM, *_SHARED, ACM, RECORD, ZONE, AUTHORITY, *_STORES, ALIAS,
    KEY, BUCKET,
)  # fmt: skip
#: Service and operation -> the kind of what it creates.
KINDS = {
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
# The nouns of the operations that delete a kind, where they are not the kind's name.
_NOUNS = {
    AUTHORITY: ("CertificateAuthority",),
    BUCKET: ("Bucket",),
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
    PARAMETER: ("Parameter", "Parameters"),
    SECRET: ("Secret",),
}
_DELETERS = {
    KEY: ("ScheduleKeyDeletion",),
    ORGANIZATION: ("DeleteOrganization",),
    HUB: ("DisableSecurityHub",),
}
#: The operations that bring back what was deleted.
RESTORERS = ("RestoreCertificateAuthority", "CancelKeyDeletion", "RestoreSecret")
_AUDIT_REPORT = "CreateCertificateAuthorityAuditReport"


def plan(entries: Iterable[Entry]) -> tuple[Created, ...]:
    """Return what the calls created and did not delete, in the order to delete it.

    What uses comes before what is used: rules, domain names, APIs, functions with their log groups,
    stacks, roles, certificates of ACM, records and hosted zones; then CAs, the newest first, so
    that a subordinate goes before its parent; then keys and buckets; then what is left in things
    that were there before (`pkilab.cleaning.traces`), certificates of CAs that were there before,
    and resources of other services.

    A stack is always among them: DeleteStack only begins to delete, and may fail.

    Not seen: what AWS services created on their own, and what was created without the journal. An
    operation that answers with something that was there already (PutRule, CreateTopic,
    CreateQueue; CreateBucket in us-east-1) is believed to have created it;
    `pkilab.cleaning.leftovers.standing` asks for the run's tag.
    """
    entries = tuple(entries)
    standing: dict[str, Created] = {}
    deleted: dict[str, Created] = {}
    for entry in entries:
        if not entry.ok:
            continue
        for created in _created(entry):
            standing.setdefault(created.arn, created)
        for arn in _touched(entry, standing):
            if entry.operation in RESTORERS and arn in deleted:
                standing[arn] = deleted.pop(arn)
            elif _deletes(entry, arn, standing):
                deleted[arn] = standing.pop(arn)
    own = [*standing.values(), *deleted.values()]
    for function in own:
        if function.kind == FUNCTION:
            logs = function_logs_of(function)
            standing.setdefault(logs.arn, logs)
    return in_order([*standing.values(), *traces(entries, own)], own)


def in_order(found: Iterable[Created], own: Iterable[Created] = ()) -> tuple[Created, ...]:
    """Return things in the order to delete them, without what lies within others of them.

    Args:
        found: the oldest first.
        own: what else was of the run, and took with it what lay within.
    """
    things = {(each.arn, each.said): each for each in found}.values()
    containers = {each.arn for each in (*things, *own) if each.kind in _ORDER}
    within = tuple(f"{arn}/" for arn in containers)
    kept = [each for each in reversed(list(things)) if not each.arn.startswith(within)]
    return tuple(sorted(kept, key=lambda each: (*_ORDER, each.kind).index(each.kind)))


def _created(entry: Entry) -> Iterator[Created]:
    """Yield what one call created."""
    kinds: dict[str, str] = {}
    kind = KINDS.get((entry.service, entry.operation))
    if entry.service == "s3":
        kinds = dict.fromkeys(entry.resources[:1], kind) if kind else {}
    elif entry.operation == _AUDIT_REPORT:
        kinds = {}  # an object; see pkilab.cleaning.traces
    elif entry.service == "cloudformation":
        # A change set belongs to a stack, which the first one makes.
        new = makes_stack(entry.operation, entry.parameters)
        kinds = {entry.results["StackId"]: STACK} if new and "StackId" in entry.results else {}
    elif (entry.service, entry.operation) == ("ssm", "PutParameter"):
        # With leave to overwrite it may have been there before.
        kinds = {} if entry.parameters.get("Overwrite") else dict.fromkeys(entry.made, PARAMETER)
    elif kind == PERMISSION:
        place = f"{partition_of(entry.region)}:ram:{entry.region}:{entry.account_id}"
        name = str(entry.parameters.get("name"))
        kinds = {f"arn:{place}:permission/{name}": PERMISSION}
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
        where = (entry.account, entry.account_id, entry.region)
        yield Created(kind, arn, entry.service, *where, entry.at)


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
