"""The catalogue of what is reported: for each kind its words, its severity and what to do.

The titles, types and labels are data; `pkilab.security_findings.building` says which event is of
which kind. Two kinds of one ``code`` are of one finding: the later takes the earlier one's place.

Source of the types: AWS Security Hub User Guide, "Types taxonomy for ASFF".
"""

from __future__ import annotations

from dataclasses import dataclass

from pkilab.security_findings.severities import Label

_PCA = "https://docs.aws.amazon.com/privateca/latest/userguide"
_ACM = "https://docs.aws.amazon.com/acm/latest/userguide"
_USER = "Unusual Behaviors/User"
_OUTAGE = "Effects/Denial of Service"
_PRACTICE = "Software and Configuration Checks/AWS Security Best Practices"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of finding.

    Attributes:
        code: stands in ``GeneratorId`` and ``Id``; it never changes.
        title: what to look for it by.
        type: in the taxonomy.
        label: how bad it is, where the event does not say more.
        sentence: what happened.
        remedy: what to do.
        url: where AWS says more.
    """

    code: str
    title: str
    type: str
    label: Label
    sentence: str
    remedy: str
    url: str


ISSUED = Kind(
    "ca-used", "Private CA Certificate Creation", "Unusual Behaviors", "MEDIUM",
    "A watched private CA issued a certificate.",
    "Verify that this certificate was issued by a privileged user, and for a reason on record.",
    f"{_PCA}/ca-best-practices.html#minimize-root-use",
)  # fmt: skip
ISSUED_OUTSIDE = Kind(
    "ca-used", "Private CA Certificate Creation Outside A Ceremony", _USER, "HIGH",
    "A watched private CA issued a certificate outside of every ceremony.",
    "Find out who issued it. If nobody answers for it, revoke the certificate and disable the CA.",
    f"{_PCA}/ca-best-practices.html#minimize-root-use",
)  # fmt: skip
ISSUE_FAILED = Kind(
    "ca-use-failed", "Private CA Certificate Issuance Failed", "Unusual Behaviors", "LOW",
    "A watched private CA was asked for a certificate, and issuing it failed.",
    "Verify that a privileged user asked, and look up the call in CloudTrail.",
    f"{_PCA}/ca-best-practices.html#minimize-root-use",
)  # fmt: skip
INSTALLED = Kind(
    "ca-certificate-installed", "Private CA Certificate Installed", "Unusual Behaviors", "MEDIUM",
    "A CA certificate was imported into a private CA, which can issue from then on.",
    "Verify that the certificate is the one of the ceremony, and its issuer the one intended.",
    f"{_PCA}/PCACertInstall.html",
)  # fmt: skip
INSTALLED_OUTSIDE = Kind(
    "ca-certificate-installed", "Private CA Certificate Installed Outside A Ceremony", _USER,
    "HIGH",
    "A CA certificate was imported into a private CA outside of every ceremony.",
    "Find out who imported it. If nobody answers for it, disable the CA.",
    f"{_PCA}/PCACertInstall.html",
)  # fmt: skip
CREATED = Kind(
    "ca-created", "Private CA Created", _USER, "MEDIUM",
    "A private CA was created.",
    "Verify that it belongs to the hierarchy on record.",
    f"{_PCA}/ca-best-practices.html",
)  # fmt: skip
CREATE_FAILED = Kind(
    "ca-creation-failed", "Private CA Creation Failed", _PRACTICE, "LOW",
    "A private CA was to be created, and its creation failed.",
    "Ask DescribeCertificateAuthority for the reason, and delete the CA.",
    f"{_PCA}/PCADeleteCA.html",
)  # fmt: skip
DELETED = Kind(
    "ca-deleted", "Private CA Deleted", _OUTAGE, "HIGH",
    "A private CA was deleted; until its restoration period is over it can be restored.",
    "Verify that the deletion was intended. If it was not, restore the CA in time.",
    f"{_PCA}/PCADeleteCA.html",
)  # fmt: skip
DISABLED = Kind(
    "ca-disabled", "Private CA Disabled", _OUTAGE, "HIGH",
    "A private CA was disabled: it issues nothing until it is enabled.",
    "Verify that this was intended, and enable the CA if it was not.",
    f"{_PCA}/PCAUpdateCA.html",
)  # fmt: skip
ENABLED = Kind(
    "ca-enabled", "Private CA Enabled", _USER, "LOW",
    "A private CA was enabled.",
    "Verify that this was intended.",
    f"{_PCA}/PCAUpdateCA.html",
)  # fmt: skip
RESTORED = Kind(
    "ca-restored", "Private CA Restored", _USER, "MEDIUM",
    "A deleted private CA was restored.",
    "Verify that this was intended; a restored CA is disabled until somebody enables it.",
    f"{_PCA}/PCARestoreCA.html",
)  # fmt: skip
RECONFIGURED = Kind(
    "ca-revocation-changed", "Private CA Revocation Configuration Changed",
    "TTPs/Defense Evasion", "MEDIUM",
    "How a private CA publishes revocations was changed.",
    "Verify that relying parties still learn of revocations, by CRL or by OCSP.",
    f"{_PCA}/revocation-setup.html",
)  # fmt: skip
POLICY_CHANGED = Kind(
    "ca-policy-changed", "Private CA Policy Changed", "TTPs/Persistence", "HIGH",
    "A resource policy was attached to a private CA: others may issue from it.",
    "Verify who is allowed what, and that it is the least they need.",
    f"{_PCA}/pca-rbp.html",
)  # fmt: skip
POLICY_DELETED = Kind(
    "ca-policy-deleted", "Private CA Policy Deleted", _OUTAGE, "MEDIUM",
    "The resource policy of a private CA was deleted: who issued by it no longer can.",
    "Verify that this was intended; shares that the policy came from have lost the CA.",
    f"{_PCA}/pca-rbp.html",
)  # fmt: skip
PERMISSION_CREATED = Kind(
    "ca-permission-created", "Private CA Permission Created", "TTPs/Persistence", "MEDIUM",
    "A service was permitted to use a private CA.",
    "Verify that the service is to renew certificates of this CA.",
    f"{_PCA}/assign-permissions.html#PcaPermissions",
)  # fmt: skip
REVOKED = Kind(
    "certificate-revoked", "Private CA Certificate Revoked", "Unusual Behaviors", "LOW",
    "A certificate of a watched private CA was revoked.",
    "Verify that this was intended, and that what used the certificate has another.",
    f"{_PCA}/revocation-setup.html",
)  # fmt: skip
CRL_FAILED = Kind(
    "crl-failed", "Private CA CRL Generation Failed", _PRACTICE, "HIGH",
    "A private CA could not publish its CRL: relying parties do not learn of revocations, and "
    "refuse everything once the last list ends.",
    "Let the CA write to the bucket: check the bucket's policy, its existence and its key.",
    f"{_PCA}/crl-planning.html#s3-policies",
)  # fmt: skip
AUDIT_FAILED = Kind(
    "audit-report-failed", "Private CA Audit Report Failed", _PRACTICE, "MEDIUM",
    "A private CA could not write an audit report.",
    "Let the CA write to the bucket: check the bucket's policy, its existence and its key.",
    f"{_PCA}/PcaAuditReport.html#s3-access",
)  # fmt: skip
EXPIRING = Kind(
    "certificate-expiry", "ACM Certificate Approaching Expiration", _PRACTICE, "LOW",
    "A certificate in ACM is about to end.",
    "If ACM renews it, see that it can; if it was imported, import the next one.",
    f"{_ACM}/managed-renewal.html",
)  # fmt: skip
EXPIRED = Kind(
    "certificate-expiry", "ACM Certificate Expired", _OUTAGE, "HIGH",
    "A certificate in ACM has ended.",
    "Request or import another, and give it to what used this one.",
    f"{_ACM}/managed-renewal.html",
)  # fmt: skip
ACTION_REQUIRED = Kind(
    "renewal-action-required", "ACM Certificate Renewal Action Required", _PRACTICE, "MEDIUM",
    "ACM cannot renew a certificate without help.",
    "Do what the renewal's status reason asks for: the validation record, the e-mail, or the CA.",
    f"{_ACM}/managed-renewal.html",
)  # fmt: skip

ALL: tuple[Kind, ...] = (
    ISSUED, ISSUED_OUTSIDE, ISSUE_FAILED, INSTALLED, INSTALLED_OUTSIDE, CREATED, CREATE_FAILED,
    DELETED, DISABLED, ENABLED, RESTORED, RECONFIGURED, POLICY_CHANGED, POLICY_DELETED,
    PERMISSION_CREATED, REVOKED, CRL_FAILED, AUDIT_FAILED, EXPIRING, EXPIRED, ACTION_REQUIRED,
)  # fmt: skip
