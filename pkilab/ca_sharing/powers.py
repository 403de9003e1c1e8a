"""What each account can do with a CA: found by trying, and held against AWS's documentation.

Every attempt is made so that it changes nothing where it is allowed: an active CA is to be deleted,
what is no certificate to be imported. Only issuing really issues, and is paid for. DeletePolicy is
not tried: its owner's would end the sharing.

Sources: AWS Private CA User Guide, "Attaching a policy for cross-account access" and "Revoking a
private certificate" (what AWS's managed permissions allow).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore import xform_name
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pkilab.access_control.denials import Denial, is_denial, of_error
from pkilab.ca_sharing.shares import DEFAULT_PERMISSION, PERMISSIONS
from pkilab.errors import LabError
from pkilab.show.tables import Table, table

if TYPE_CHECKING:
    from mypy_boto3_acm_pca import ACMPCAClient

_TEMPLATE = "arn:aws:acm-pca:::template/"
_READS = (
    "DescribeCertificateAuthority",
    "GetCertificate",
    "GetCertificateAuthorityCertificate",
    "ListPermissions",
    "ListTags",
)
_ISSUE, _REVOKE = "IssueCertificate", "RevokeCertificate"
# By the name of AWS's managed permission: the one template that it allows to issue with.
_ISSUES_WITH = {
    DEFAULT_PERMISSION: "EndEntityCertificate/V1",
    "AWSRAMBlankEndEntityCertificateAPICSRPassthroughIssuanceCertificateAuthority": (
        "BlankEndEntityCertificate_APICSRPassthrough/V1"
    ),
    "AWSRAMBlankEndEntityCertificateAPIPassthroughIssuanceCertificateAuthority": (
        "BlankEndEntityCertificate_APIPassthrough/V1"
    ),
    "AWSRAMSubordinateCACertificatePathLen0IssuanceCertificateAuthority": (
        "SubordinateCACertificate_PathLen0/V1"
    ),
}
_REVOKING = "AWSRAMRevokeCertificateCertificateAuthority"
_NO_SERIAL = "00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:01"
_NO_BUCKET = "there-is-no-such-bucket-as-this-one"
# What is asked for, so that it changes nothing. A CA's ARN is added to each.
_PROBES: Mapping[str, Mapping[str, Any]] = {
    "DescribeCertificateAuthority": {},
    "GetCertificateAuthorityCertificate": {},
    "GetCertificateAuthorityCsr": {},
    "GetCertificate": {},  # its certificate is added
    "ListPermissions": {},
    "ListTags": {},
    "GetPolicy": {},
    "RevokeCertificate": {"CertificateSerial": _NO_SERIAL, "RevocationReason": "UNSPECIFIED"},
    "CreateCertificateAuthorityAuditReport": {
        "S3BucketName": _NO_BUCKET,
        "AuditReportResponseFormat": "JSON",
    },
    "CreatePermission": {"Principal": "nobody.amazonaws.com", "Actions": ["GetCertificate"]},
    "DeletePermission": {"Principal": "nobody.amazonaws.com"},
    "PutPolicy": {"Policy": "{}"},
    "TagCertificateAuthority": {"Tags": [{"Key": "aws:refused", "Value": ""}]},
    "UntagCertificateAuthority": {"Tags": [{"Key": "there-is-no-such-tag"}]},
    "UpdateCertificateAuthority": {"Status": "ACTIVE"},
    "ImportCertificateAuthorityCertificate": {"Certificate": b"none"},
    "DeleteCertificateAuthority": {},
    "RestoreCertificateAuthority": {},
}
_BY_RESOURCE = ("GetPolicy", "PutPolicy")  # these call the CA ResourceArn
TEMPLATES = (
    "EndEntityCertificate/V1",
    "EndEntityServerAuthCertificate/V1",
    "EndEntityClientAuthCertificate/V1",
    "CodeSigningCertificate/V1",
    "BlankEndEntityCertificate_APIPassthrough/V1",
    "BlankEndEntityCertificate_APICSRPassthrough/V1",
    "SubordinateCACertificate_PathLen0/V1",
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt.

    Attributes:
        account: the caller's name, as it was given.
        action: the operation.
        template: the template's name; ``""`` but for IssueCertificate.
        allowed: whether access was given; an error of another kind comes after that.
        denial: what AWS said, if it was not.
        said: AWS's error code; ``""``: it was done.
    """

    account: str
    action: str
    template: str
    allowed: bool
    denial: Denial | None
    said: str

    @property
    def what(self) -> str:
        """The action, with its template."""
        return f"{self.action} {self.template}".strip()

    @property
    def word(self) -> str:
        """The outcome: ``yes``, or ``no``."""
        return "yes" if self.allowed else "no"


@dataclass(frozen=True, slots=True, repr=False)
class Powers:
    """Every attempt; as a table, one row an action, one column an account."""

    attempts: tuple[Attempt, ...]

    @property
    def table(self) -> Table:
        """Who can do what."""
        rows: dict[str, dict[str, object]] = {}
        for each in self.attempts:
            row = rows.setdefault(each.what, {"action": each.what.removesuffix("/V1")})
            row[each.account] = each.word
        return table(rows.values())

    def of(self, account: str) -> frozenset[str]:
        """Return what an account can do, as `Attempt.what` says it."""
        return frozenset(
            each.what for each in self.attempts if each.account == account and each.allowed
        )

    def refused(self, account: str, what: str) -> Attempt:
        """Return the refusal of something to an account.

        Raises:
            LabError: it was not tried, or was allowed.
        """
        for each in self.attempts:
            if (each.account, each.what) == (account, what) and not each.allowed:
                return each
        raise LabError(f"{account}: {what} was not refused")

    def disagreements(self, account: str, expected: frozenset[str]) -> tuple[str, ...]:
        """Return in what an account's powers differ from what is expected; empty: in nothing."""
        tried = {each.what for each in self.attempts if each.account == account}
        able = self.of(account)
        more = (f"{each}: allowed, and not expected" for each in able - expected)
        less = (f"{each}: expected, and refused" for each in (expected & tried) - able)
        return tuple(sorted((*more, *less)))

    def __repr__(self) -> str:
        return repr(self.table)

    def _repr_html_(self) -> str:
        return self.table._repr_html_()


def documented(permission: str = DEFAULT_PERMISSION) -> frozenset[str]:
    """Return what AWS's documentation lets an account do by a managed permission.

    Args:
        permission: its name or ARN.

    Raises:
        LabError: it is none of AWS's for private CAs.
    """
    name = permission.removeprefix(PERMISSIONS)
    if name == _REVOKING:
        return frozenset({*_READS, _REVOKE})
    if name not in _ISSUES_WITH:
        names = ", ".join(sorted((*_ISSUES_WITH, _REVOKING)))
        raise LabError(f"RAM permission: found {permission}, expected one of {names}")
    return frozenset({*_READS, f"{_ISSUE} {_ISSUES_WITH[name]}"})


def powers(
    clients: Mapping[str, ACMPCAClient],
    ca_arn: str,
    *,
    csr: x509.CertificateSigningRequest,
    certificate_arn: str,
    templates: Iterable[str] = TEMPLATES,
    signing_algorithm: str = "SHA256WITHECDSA",
    progress: Callable[[str], None] = lambda _what: None,
) -> Powers:
    """Try every action on a CA, and to issue with every template, as every account.

    Nothing is changed but by IssueCertificate, where it is allowed: it issues for a day.

    Args:
        clients: one for each account, by a name.
        ca_arn: of an ACTIVE CA: another may be deleted by what is tried.
        csr: a certificate request.
        certificate_arn: of a certificate that the CA has issued.
        templates: names such as ``EndEntityCertificate/V1``.
        signing_algorithm: one that the CA's key can do.
        progress: told of each account and action before it is tried.

    Raises:
        LabError: an account sees the CA in another state than ACTIVE.
        ClientError: the requests were too many in too short a time.
        BotoCoreError: AWS cannot be asked at all (botocore's).
    """
    request = {
        "Csr": csr.public_bytes(Encoding.PEM),
        "SigningAlgorithm": signing_algorithm,
        "Validity": {"Type": "DAYS", "Value": 1},
    }
    wanted: list[tuple[str, str, dict[str, Any]]] = [
        (_ISSUE, name, {**request, "TemplateArn": _TEMPLATE + name}) for name in templates
    ]
    for action, arguments in _PROBES.items():
        more = {"CertificateArn": certificate_arn} if action == "GetCertificate" else {}
        wanted.append((action, "", {**arguments, **more}))
    found = []
    for account, client in clients.items():
        _require_active(account, client, ca_arn)
        for action, template, arguments in wanted:
            progress(f"{account}: {action} {template}".strip())
            said, denial = _try(client, ca_arn, action, arguments)
            found.append(Attempt(account, action, template, denial is None, denial, said))
    return Powers(tuple(found))


def _require_active(account: str, client: ACMPCAClient, ca_arn: str) -> None:
    try:
        found = client.describe_certificate_authority(CertificateAuthorityArn=ca_arn)
    except ClientError:
        return  # whoever does not see it does not harm it
    if (status := found["CertificateAuthority"]["Status"]) != "ACTIVE":
        raise LabError(f"{account}: found {ca_arn} {status}, expected ACTIVE")


def _try(
    client: ACMPCAClient, ca_arn: str, action: str, arguments: Mapping[str, Any]
) -> tuple[str, Denial | None]:
    """Return AWS's error code, empty if it was done, and what it said if access was refused."""
    name = "ResourceArn" if action in _BY_RESOURCE else "CertificateAuthorityArn"
    try:
        getattr(client, xform_name(action))(**{name: ca_arn}, **arguments)
    except ClientError as error:
        code = str(error.response["Error"]["Code"])
        if code == "ThrottlingException":  # which says nothing of what is allowed
            raise
        return code, of_error(error) if is_denial(error) else None
    return "", None
