"""The services that an organization may trust.

Source: AWS Organizations User Guide, "AWS services that you can use with AWS Organizations", as of
2026; services come and go.
"""

from __future__ import annotations

TRUSTED = frozenset({
    "access-analyzer.amazonaws.com", "account.amazonaws.com", "auditmanager.amazonaws.com",
    "aws-artifact-account-sync.amazonaws.com", "backup.amazonaws.com", "cloudtrail.amazonaws.com",
    "cloudwatch-crossaccount.amazonaws.com",
    "compute-optimizer.amazonaws.com", "config-multiaccountsetup.amazonaws.com",
    "config.amazonaws.com", "controltower.amazonaws.com", "cost-optimization-hub.bcm.amazonaws.com",
    "detective.amazonaws.com", "devops-guru.amazonaws.com", "ds.amazonaws.com", "fms.amazonaws.com",
    "guardduty.amazonaws.com", "health.amazonaws.com", "iam.amazonaws.com",
    "inspector2.amazonaws.com", "ipam.amazonaws.com",
    "license-management.marketplace.amazonaws.com",
    "license-manager-linux-subscriptions.amazonaws.com", "license-manager.amazonaws.com",
    "license-manager.member-account.amazonaws.com", "macie.amazonaws.com",
    "malware-protection.guardduty.amazonaws.com",
    "member.org.stacksets.cloudformation.amazonaws.com", "mgn.amazonaws.com", "ram.amazonaws.com",
    "reachabilityanalyzer.networkinsights.amazonaws.com",
    "reporting.trustedadvisor.amazonaws.com", "resource-explorer-2.amazonaws.com",
    "securityhub.amazonaws.com", "securitylake.amazonaws.com", "servicecatalog.amazonaws.com",
    "servicequotas.amazonaws.com", "ssm.amazonaws.com", "sso.amazonaws.com",
    "stacksets.cloudformation.amazonaws.com",
    "storage-lens.s3.amazonaws.com", "tagpolicies.tag.amazonaws.com",
    "vpc-lattice.amazonaws.com", "wellarchitected.amazonaws.com",
})  # fmt: skip
