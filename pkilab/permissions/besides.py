"""What a call needs beside its own action: for what it asks on the side, or has a service do.

An ACL, tags, a version, the bucket for a CRL, a role that is handed over, the key that encrypts a
secret: each can need further actions, of the caller's. Every rule names the page that says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from pkilab.iam.arns import account_in
from pkilab.permissions.authorization import API_GATEWAY
from pkilab.resources import ARN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pkilab.journal import Entry

_GATEWAYS = (API_GATEWAY, "apigatewayv2")
_ACM = "acm.amazonaws.com"
_S3 = "AmazonS3/latest/API/API_{}.html"
_PCA = "privateca/latest/"
_ROLES = "lambda/latest/dg/lambda-intro-execution-role.html"
_EVENT_ROLES = "eventbridge/latest/userguide/eb-events-iam-roles.html"
_ROTATING = "secretsmanager/latest/userguide/rotating-secrets-required-permissions.html"
_SEALED_SECRETS = "secretsmanager/latest/userguide/security-encryption.html"
_SEALED_PARAMETERS = "kms/latest/developerguide/services-parameter-store.html"
_SEALED_OBJECTS = "AmazonS3/latest/userguide/UsingKMSEncryption.html"
_LINKED = "IAM/latest/UserGuide/id_roles_create-service-linked-role.html"


class Need(NamedTuple):
    """Actions that a call needs besides, on resources, and the page that says so."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    page: str


class _When(NamedTuple):
    """Actions on the same resource that a call needs when one of these parameters is present."""

    service: str
    operations: tuple[str, ...]
    parameters: tuple[str, ...]
    actions: tuple[str, ...]
    page: str


_ACL = ("ACL", "GrantFullControl", "GrantRead", "GrantReadACP", "GrantWriteACP")
_WRITES = ("PutObject", "CopyObject", "CreateMultipartUpload")
_PUT = _S3.format("PutObject")
_BUCKET = _S3.format("CreateBucket")
_LOCK = ("s3:PutBucketObjectLockConfiguration", "s3:PutBucketVersioning")
_RETENTION = ("ObjectLockMode", "ObjectLockRetainUntilDate")
_SEALED = re.compile(r":secret:|:parameter/|:s3:::[^/]+/")
_WHEN = (
    _When(
        "acm-pca",
        ("CreateCertificateAuthority",),
        ("Tags",),
        ("acm-pca:TagCertificateAuthority",),
        _PCA + "userguide/auth-InlinePolicies.html#tag-on-create",
    ),
    _When("s3", _WRITES, _ACL, ("s3:PutObjectAcl",), _PUT),
    _When("s3", _WRITES, ("Tagging",), ("s3:PutObjectTagging",), _PUT),
    _When("s3", _WRITES, _RETENTION, ("s3:PutObjectRetention",), _PUT),
    _When("s3", _WRITES, ("ObjectLockLegalHoldStatus",), ("s3:PutObjectLegalHold",), _PUT),
    _When(
        "s3",
        ("DeleteObject", "DeleteObjects"),
        ("BypassGovernanceRetention",),
        ("s3:BypassGovernanceRetention",),
        _S3.format("DeleteObjects"),
    ),
    _When("s3", ("CreateBucket",), (*_ACL, "GrantWrite"), ("s3:PutBucketAcl",), _BUCKET),
    _When("s3", ("CreateBucket",), ("ObjectLockEnabledForBucket",), _LOCK, _BUCKET),
    _When(
        "s3", ("CreateBucket",), ("ObjectOwnership",), ("s3:PutBucketOwnershipControls",), _BUCKET
    ),
)


@dataclass
class Known:
    """What earlier calls said of things that later ones only name.

    Attributes:
        crl_buckets: the last CRL bucket of each CA that the calls gave one.
        renewing: the CAs that ACM may ask in its own name.
        aliases: the KMS key that each alias is for, by the alias's ARN.
        keys: the KMS key of each secret, parameter and object that the calls gave one, by its ARN.
    """

    crl_buckets: dict[str, str] = field(default_factory=dict)
    renewing: set[str] = field(default_factory=set)
    aliases: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)

    def note(self, entry: Entry) -> None:
        """Take note of a call that AWS did."""
        if bucket := _crl_bucket(entry):
            authorities = (arn for arn in entry.resources if ":certificate-authority/" in arn)
            self.crl_buckets |= dict.fromkeys(authorities, bucket)
        if entry.operation == "CreatePermission" and entry.parameters.get("Principal") == _ACM:
            self.renewing.add(str(entry.parameters.get("CertificateAuthorityArn")))
        if key := _sealing_key(entry):
            sealed = (arn for arn in entry.resources if _SEALED.search(arn))
            self.keys |= dict.fromkeys(sealed, key)

        if entry.service == "kms" and entry.operation in {"CreateAlias", "UpdateAlias"}:
            keys = [arn for arn in entry.resources if ":key/" in arn]
            named = (arn for arn in entry.resources if ":alias/" in arn)
            self.aliases |= dict.fromkeys(named, keys[-1]) if keys else {}

    def key_of(self, entry: Entry) -> str | None:
        """Return the key of the secret or parameter that a call is about."""
        return next((key for arn in entry.resources if (key := self._key(arn))), None)

    def _key(self, arn: str) -> str | None:
        # A secret is named by its name, too: its ARN then ends in -*.
        start = arn.removesuffix("*")
        found = (key for whole, key in self.keys.items() if arn in {whole, _named(whole)})
        return next(found, None) if start else None


def needs(entry: Entry, targets: list[str], known: Known) -> Iterator[Need]:
    """Yield what a call needs beside its own action.

    Args:
        entry: the call.
        targets: the resources that its own action is on.
        known: what the calls before it, and it, said.
    """
    for row in _WHEN:
        asked = any(entry.parameters.get(name) for name in row.parameters)
        if asked and row.service == entry.service and entry.operation in row.operations:
            yield Need(row.actions, tuple(targets), row.page)
    if entry.service == "s3":
        yield from _copied(entry, targets)
    if entry.service in _GATEWAYS:
        yield from _truststore(entry, targets)
    for find in _BY_SERVICE.get(entry.service, ()):
        yield from find(entry, known)
    yield from _handed_on(entry)


# S3.


def _copied(entry: Entry, targets: list[str]) -> Iterator[Need]:
    if source := entry.parameters.get("CopySource"):
        sources = [arn for arn in entry.resources if arn not in targets] or targets
        named = "VersionId" in source if isinstance(source, dict) else "versionId=" in str(source)
        action = "s3:GetObjectVersion" if named else "s3:GetObject"
        yield Need((action,), tuple(sources), _S3.format(entry.operation))


# API Gateway.


def _truststore(entry: Entry, targets: list[str]) -> Iterator[Need]:
    """Yield what mutual TLS needs: the right to read the truststore, and to change a domain's."""
    if entry.operation not in {"CreateDomainName", "UpdateDomainName"}:
        return
    settings = dict(_truststore_settings(entry))
    if not settings:
        return
    uri = settings.get("truststoreuri", "")
    adds = uri or "patchOperations" in entry.parameters
    actions = [f"{API_GATEWAY}:AddCertificateToDomain"] if adds else []
    if entry.operation == "UpdateDomainName":
        actions.append(f"{API_GATEWAY}:RemoveCertificateFromDomain")
    page = "service-authorization/latest/reference/list_amazonapigatewaymanagement.html"
    yield Need(tuple(actions), tuple(targets), page)
    if uri:
        read = "s3:GetObjectVersion" if settings.get("truststoreversion") else "s3:GetObject"
        place = f"arn:{partition_of(entry)}:s3:::{uri.removeprefix('s3://')}"
        yield Need(
            (read,), (place,), "apigatewayv2/latest/api-reference/domainnames.html (TruststoreUri)"
        )


def _truststore_settings(entry: Entry) -> Iterator[tuple[str, str]]:
    """Yield what a call says of a domain name's truststore, from either generation's parameters."""
    for name in ("MutualTlsAuthentication", "mutualTlsAuthentication"):
        if isinstance(members := entry.parameters.get(name), dict):
            for key, value in members.items():
                yield key.lower(), str(value)
    patches = entry.parameters.get("patchOperations")
    for patch in patches if isinstance(patches, list) else ():
        if isinstance(patch, dict) and "mutualTlsAuthentication" in str(patch.get("path")):
            yield str(patch.get("path")).rpartition("/")[2].lower(), str(patch.get("value") or "")


# Lambda, and whoever takes a role or a function.


def _code(entry: Entry, _known: Known) -> Iterator[Need]:
    code = entry.parameters.get("Code")
    said = code if isinstance(code, dict) else entry.parameters
    bucket, key = str(said.get("S3Bucket") or ""), str(said.get("S3Key") or "")
    if entry.operation in {"CreateFunction", "UpdateFunctionCode"} and bucket:
        action = "s3:GetObjectVersion" if said.get("S3ObjectVersion") else "s3:GetObject"
        place = f"arn:{partition_of(entry)}:s3:::{bucket}/{key}"
        yield Need((action,), (place,), "lambda/latest/dg/gettingstarted-package.html")


def _handed_on(entry: Entry) -> Iterator[Need]:
    """Yield what a caller needs for handing a role or a function to a service."""
    role = entry.parameters.get("Role")
    if entry.service == "lambda" and isinstance(role, str):
        yield Need(("iam:PassRole",), (role,), _ROLES)
    role = entry.parameters.get("RoleARN")
    if entry.service == "cloudformation" and isinstance(role, str):
        page = "AWSCloudFormation/latest/UserGuide/using-iam-servicerole.html"
        yield Need(("iam:PassRole",), (role,), page)
    function = entry.parameters.get("RotationLambdaARN")
    if isinstance(function, str):
        yield Need(("lambda:InvokeFunction",), (function,), _ROTATING)
    role = entry.parameters.get("RoleArn")
    if entry.service == "events" and isinstance(role, str):
        yield Need(("iam:PassRole",), (role,), _EVENT_ROLES)
    targets = entry.parameters.get("Targets")
    for target in targets if isinstance(targets, list) else ():
        if isinstance(target, dict) and isinstance(role := target.get("RoleArn"), str):
            yield Need(("iam:PassRole",), (role,), _EVENT_ROLES)


# Private CA.


def _crl_bucket(entry: Entry) -> str | None:
    """Return the bucket that a call gives a CA for its CRLs."""
    revocation = entry.parameters.get("RevocationConfiguration")
    crl = revocation.get("CrlConfiguration") if isinstance(revocation, dict) else None
    bucket = crl.get("S3BucketName") if isinstance(crl, dict) else None
    return bucket if entry.service == "acm-pca" and isinstance(bucket, str) else None


def _crl(entry: Entry, known: Known) -> Iterator[Need]:
    bucket = _crl_bucket(entry)
    if entry.operation == "RevokeCertificate":
        ca = entry.parameters.get("CertificateAuthorityArn")
        bucket = known.crl_buckets.get(ca) if isinstance(ca, str) else None
    if bucket:
        page = (
            f"{_PCA}APIReference/API_{entry.operation}.html says that the caller must be able"
            " to write to the CRL's bucket, not which actions that takes"
        )
        objects = f"arn:{partition_of(entry)}:s3:::{bucket}/*"
        yield Need(("s3:PutObject", "s3:PutObjectAcl"), (objects,), page)


def _by_private_ca(entry: Entry, known: Known) -> Iterator[Need]:
    """Yield what a certificate of a private CA takes.

    ACM asks the CA in its own name, where it has leave to, and else in the caller's; a CA of
    another account in that of its service-linked role.
    """
    authority = entry.parameters.get("CertificateAuthorityArn")
    if entry.operation != "RequestCertificate" or not isinstance(authority, str):
        return
    if authority in known.renewing:
        return
    if account_in(authority) not in {"", entry.account_id}:
        yield _linked_role(entry, _ACM)
        return
    page = "acm/latest/userguide/authen-apipermissions.html"
    yield Need(("acm-pca:IssueCertificate", "acm-pca:GetCertificate"), (authority,), page)


# What KMS encrypts for others.


def _sealing_key(entry: Entry) -> str | None:
    """Return the ARN of the key that a call has a secret or a parameter encrypted with."""
    member = {"s3": "SSEKMSKeyId", "secretsmanager": "KmsKeyId", "ssm": "KeyId"}.get(
        entry.service, ""
    )
    named = entry.parameters.get(member)
    if not isinstance(named, str) or named.startswith("alias/aws/"):
        return None
    if ARN.fullmatch(named):
        return named
    place = f"arn:{partition_of(entry)}:kms:{entry.region}:{entry.account_id}"
    return f"{place}:{named}" if named.startswith("alias/") else f"{place}:key/{named}"


def _named(secret: str) -> str:
    """Return how a secret is written that a call names by its name, without AWS's six letters."""
    return f"{secret[:-6]}*" if ":secret:" in secret and secret[-7:-6] == "-" else secret


def _sealed(entry: Entry, known: Known) -> Iterator[Need]:
    """Yield what reading or writing an encrypted value takes of its key, if that is one's own."""
    key, asked = known.key_of(entry), entry.parameters
    if key is None:
        return
    opens, seals = ("kms:Decrypt",), ("kms:GenerateDataKey",)
    if entry.service == "ssm":
        decrypts = opens if asked.get("WithDecryption") else ()
        by_tier = _PARAMETER_TIERS.get(str(asked.get("Tier", "Standard")), ())
        page, actions = _SEALED_PARAMETERS, {
            "GetParameter": decrypts, "GetParameters": decrypts, "PutParameter": by_tier,
        }  # fmt: skip
    elif entry.service == "s3":
        page, actions = _SEALED_OBJECTS, {"GetObject": opens, **dict.fromkeys(_WRITES, seals)}
    else:
        has_value = any(asked.get(name) for name in ("SecretString", "SecretBinary"))
        page, actions = _SEALED_SECRETS, {
            "CreateSecret": opens + seals,
            "GetSecretValue": opens,
            "PutSecretValue": seals,
            "UpdateSecret": opens + seals if has_value else (),
        }  # fmt: skip
    if wanted := actions.get(entry.operation, ()):
        yield Need(wanted, (key,), page)


_PARAMETER_TIERS: Mapping[str, tuple[str, ...]] = {
    "Standard": ("kms:Encrypt",),
    "Advanced": ("kms:GenerateDataKey",),
    "Intelligent-Tiering": ("kms:Encrypt", "kms:GenerateDataKey"),
}


def _former_key(entry: Entry, known: Known) -> Iterator[Need]:
    """Yield the action itself on the key that an alias was for, which the call does not name."""
    for arn in entry.resources if entry.operation in {"DeleteAlias", "UpdateAlias"} else ():
        if key := known.aliases.get(arn):
            page = "kms/latest/developerguide/alias-access.html"
            yield Need((f"kms:{entry.operation}",), (key,), page)


# Organizations, by RAM.


def _trusted_access(entry: Entry, _known: Known) -> Iterator[Need]:
    if entry.operation != "EnableSharingWithAwsOrganization":
        return
    page = "ram/latest/userguide/getting-started-sharing.html#getting-started-sharing-orgs"
    yield Need(("organizations:EnableAWSServiceAccess",), ("*",), page)
    yield _linked_role(entry, "ram.amazonaws.com")


def _linked_role(entry: Entry, service: str) -> Need:
    """Return what it takes that a service makes its service-linked role, the first time."""
    role = f"role/aws-service-role/{service}/AWSServiceRoleFor*"
    arn = f"arn:{partition_of(entry)}:iam::{entry.account_id}:{role}"
    return Need(("iam:CreateServiceLinkedRole",), (arn,), _LINKED)


_BY_SERVICE: Mapping[str, tuple[Callable[[Entry, Known], Iterator[Need]], ...]] = {
    "acm": (_by_private_ca,),
    "acm-pca": (_crl,),
    "kms": (_former_key,),
    "lambda": (_code,),
    "ram": (_trusted_access,),
    "s3": (_sealed,),
    "secretsmanager": (_sealed,),
    "ssm": (_sealed,),
}


def partition_of(entry: Entry) -> str:
    """Return the partition of a call's ARNs."""
    return entry.resources[0].split(":")[1] if entry.resources else "aws"
