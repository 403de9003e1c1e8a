"""What calls left in things that were there before: records in zones, objects in buckets, changes.

What can be taken away exactly as it was written is: a DNS record, the version of an object, a
policy of the run on somebody's role. What a change replaced, nobody knows any more: it is named.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple

from pkilab.cleaning.removal.kinds import (
    ATTACHMENT,
    CHANGE,
    OBJECT,
    POLICY,
    RECORD,
    Created,
    telling,
)
from pkilab.cleaning.removal.zones import where

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from pkilab.journal import Entry


class _Way(NamedTuple):
    """What an operation changes: the part of an ARN that tells it, and what takes it back."""

    of: str
    undone_by: str = ""


_WAYS = {
    ("acm", "ImportCertificate"): _Way(":certificate/"),
    ("acm-pca", "CreatePermission"): _Way(":certificate-authority/", "DeletePermission"),
    ("acm-pca", "ImportCertificateAuthorityCertificate"): _Way(":certificate-authority/"),
    ("acm-pca", "PutPolicy"): _Way(":certificate-authority/", "DeletePolicy"),
    ("acm-pca", "RevokeCertificate"): _Way(":certificate-authority/"),
    ("acm-pca", "UpdateCertificateAuthority"): _Way(":certificate-authority/"),
    ("cloudformation", "UpdateStack"): _Way(":stack/"),
    ("cloudtrail", "PutEventSelectors"): _Way(":trail/"),
    ("cloudtrail", "StartLogging"): _Way(":trail/", "StopLogging"),
    ("cloudtrail", "StopLogging"): _Way(":trail/", "StartLogging"),
    ("cloudtrail", "UpdateTrail"): _Way(":trail/"),
    ("events", "DisableRule"): _Way(":rule/", "EnableRule"),
    ("events", "EnableRule"): _Way(":rule/", "DisableRule"),
    ("events", "PutTargets"): _Way(":rule/", "RemoveTargets"),
    ("iam", "AttachGroupPolicy"): _Way(":group/", "DetachGroupPolicy"),
    ("iam", "AttachRolePolicy"): _Way(":role/", "DetachRolePolicy"),
    ("iam", "AttachUserPolicy"): _Way(":user/", "DetachUserPolicy"),
    ("iam", "CreateAccessKey"): _Way(":user/", "DeleteAccessKey"),
    ("iam", "CreateLoginProfile"): _Way(":user/", "DeleteLoginProfile"),
    ("iam", "CreatePolicyVersion"): _Way(":policy/", "DeletePolicyVersion"),
    ("iam", "EnableMFADevice"): _Way(":user/", "DeactivateMFADevice"),
    ("iam", "PutRolePermissionsBoundary"): _Way(":role/", "DeleteRolePermissionsBoundary"),
    ("iam", "PutRolePolicy"): _Way(":role/", "DeleteRolePolicy"),
    ("iam", "PutUserPermissionsBoundary"): _Way(":user/", "DeleteUserPermissionsBoundary"),
    ("iam", "PutUserPolicy"): _Way(":user/", "DeleteUserPolicy"),
    ("iam", "UpdateAssumeRolePolicy"): _Way(":role/"),
    ("kms", "CreateGrant"): _Way(":key/", "RevokeGrant"),
    ("kms", "DisableKey"): _Way(":key/", "EnableKey"),
    ("kms", "EnableKeyRotation"): _Way(":key/", "DisableKeyRotation"),
    ("kms", "PutKeyPolicy"): _Way(":key/"),
    ("kms", "UpdateAlias"): _Way(":alias/"),
    ("lambda", "AddPermission"): _Way(":function:", "RemovePermission"),
    ("lambda", "UpdateFunctionCode"): _Way(":function:"),
    ("lambda", "UpdateFunctionConfiguration"): _Way(":function:"),
    ("ram", "AssociateResourceShare"): _Way(":resource-share/", "DisassociateResourceShare"),
    ("s3", "PutBucketNotificationConfiguration"): _Way(":s3:::"),
    ("s3", "PutBucketPolicy"): _Way(":s3:::", "DeleteBucketPolicy"),
    ("s3", "PutBucketVersioning"): _Way(":s3:::"),
    ("s3", "PutPublicAccessBlock"): _Way(":s3:::", "DeletePublicAccessBlock"),
    ("secretsmanager", "PutResourcePolicy"): _Way(":secret:", "DeleteResourcePolicy"),
    ("secretsmanager", "PutSecretValue"): _Way(":secret:"),
    ("secretsmanager", "UpdateSecret"): _Way(":secret:"),
    ("sns", "SetTopicAttributes"): _Way(":sns:"),
    ("sns", "Subscribe"): _Way(":sns:", "Unsubscribe"),
    ("sqs", "SetQueueAttributes"): _Way(":sqs:"),
    ("ssm", "PutParameter"): _Way(":parameter/"),
}
_HOLDERS = {"Role": "RoleName", "User": "UserName", "Group": "GroupName"}
_REPORT = "CreateCertificateAuthorityAuditReport"
_PUTS = ("PutObject", "CopyObject", "CompleteMultipartUpload")


def traces(entries: Iterable[Entry], own: Collection[Created]) -> list[Created]:
    """Return what is left, by calls that AWS did, in what is not of the run; the oldest first.

    Args:
        entries: of a journal.
        own: what the run created, also what it deleted again.
    """
    done, mine = [entry for entry in entries if entry.ok], _Own(own)
    found = {**_records(done, mine), **_objects(done, mine), **_changes(done, mine)}
    return sorted(found.values(), key=lambda each: each.at)


def changes(entry: Entry) -> bool:
    """Whether a call, were it done, would change something that may have been there before."""
    told = {"ImportCertificate": "CertificateArn", "PutParameter": "Overwrite"}.get(entry.operation)
    known = (entry.service, entry.operation) in _WAYS
    return known and (told is None or bool(entry.parameters.get(told)))


def writes_objects(entry: Entry) -> bool:
    """Whether a call, were it done, would put an object into a bucket."""
    return entry.service == "s3" and entry.operation in _PUTS


class _Own:
    """What is the run's, by ARN, with what lies within."""

    def __init__(self, own: Collection[Created]) -> None:
        self.arns = frozenset(each.arn for each in own)
        self.policies = frozenset(each.arn for each in own if each.kind == POLICY)
        self._within = tuple(f"{arn}{end}" for arn in self.arns for end in "/:")

    def has(self, arn: str) -> bool:
        """Whether an ARN, which may end in ``*``, names something of the run."""
        if arn in self.arns or arn.startswith(self._within):
            return True
        return "*" in arn and any(fnmatchcase(each, arn) for each in self.arns)


def _records(entries: Iterable[Entry], own: _Own) -> dict[tuple[str, ...], Created]:
    """Return the DNS records that stand as they were written last."""
    found: dict[tuple[str, ...], Created] = {}
    for entry in entries:
        if entry.operation != "ChangeResourceRecordSets":
            continue
        zone = next((arn for arn in entry.resources if ":hostedzone/" in arn), "")
        if own.has(zone):
            continue
        for action, record in _batch(entry):
            place = (zone, *where(record))
            if action == "DELETE":
                found.pop(place, None)
                continue
            # Written over what the run wrote itself, an UPSERT replaces nothing of others.
            created = action == "CREATE" or (place in found and bool(found[place].told["created"]))
            found[place] = _trace(
                entry,
                RECORD,
                f"{zone}/{record['Type']}/{record['Name']}",
                zone=zone.rpartition("/")[2],
                record=record,
                created=created,
            )
    return found


def _batch(entry: Entry) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield actions and record sets of a change batch, as far as the journal kept them."""
    batch: Any = entry.parameters.get("ChangeBatch")
    for change in batch.get("Changes", ()) if isinstance(batch, dict) else ():
        record = change.get("ResourceRecordSet")
        if isinstance(record, dict) and {"Name", "Type"} <= record.keys():
            yield str(change.get("Action")), record


def _objects(entries: Iterable[Entry], own: _Own) -> dict[tuple[str, ...], Created]:
    """Return what was put into buckets, one for each version that AWS named."""
    found: dict[tuple[str, ...], Created] = {}
    for entry in entries:
        if entry.operation == _REPORT and "S3Key" in entry.results:
            bucket = next((arn for arn in entry.resources if ":s3:::" in arn), "")
            arn = f"{bucket}/{entry.results['S3Key']}"
            # AWS puts a number of its own in the name: nothing else was ever called so.
            if bucket and not own.has(arn):
                found[arn, ""] = _trace(entry, OBJECT, arn, unique=True)
        elif writes_objects(entry):
            arn = next(iter(entry.resources), "")
            if arn and not own.has(arn):
                version = entry.results.get("VersionId", "").replace("null", "")  # not its own
                found[arn, version] = _trace(entry, OBJECT, arn, version=version)
        elif entry.service == "s3" and entry.operation in {"DeleteObject", "DeleteObjects"}:
            # Without a version, S3 hides a versioned object behind a marker: it is there still.
            for arn in entry.resources:
                found.pop((arn, _version(entry.parameters, arn)), None)
    return found


def _version(parameters: Mapping[str, Any], arn: str) -> str:
    """Return the version that DeleteObject or DeleteObjects names of an object; mostly none."""
    batch = parameters.get("Delete")
    listed = batch.get("Objects", ()) if isinstance(batch, dict) else (parameters,)
    named = (each for each in listed if arn.endswith(f"/{each.get('Key')}"))
    return str(next(named, {}).get("VersionId", ""))


def _changes(entries: Iterable[Entry], own: _Own) -> dict[tuple[str, ...], Created]:
    """Return other changes in what was there before, but those that the run took back."""
    found: dict[tuple[str, ...], Created] = {}
    for entry in entries:
        way = _WAYS.get((entry.service, entry.operation))
        if way and changes(entry) and (changed := _changed(entry, way, own)):
            found[changed, entry.operation] = _change(entry, changed, own)
        for (service, operation), other in _WAYS.items():
            if (service, other.undone_by) == (entry.service, entry.operation):
                for arn in entry.resources:
                    found.pop((arn, operation), None)
    return found


def _changed(entry: Entry, way: _Way, own: _Own) -> str:
    """Return the ARN of what a call changed; empty where it is the run's, or new."""
    of_service = (arn for arn in entry.resources if arn.split(":")[2] == entry.service)
    arns = [arn for arn in of_service if way.of in arn]
    if any(map(own.has, arns)) or not arns:
        return ""
    return arns[0]


def _change(entry: Entry, arn: str, own: _Own) -> Created:
    policy = entry.parameters.get("PolicyArn")
    if entry.operation.startswith("Attach") and policy in own.policies:
        noun = entry.operation.removeprefix("Attach").removesuffix("Policy")
        holder = _HOLDERS.get(noun, "")
        return _trace(
            entry, ATTACHMENT, arn, holder=holder, name=entry.parameters.get(holder), policy=policy
        )
    why = f"{entry.operation} changed what was there before; what it was is not known"
    return _trace(entry, CHANGE, arn, why=why)


def _trace(entry: Entry, kind: str, arn: str, **told: object) -> Created:
    service = {OBJECT: "s3"}.get(kind, entry.service)
    place = (entry.account, entry.account_id, entry.region)
    return Created(kind, arn, service, *place, entry.at, telling(**told))
