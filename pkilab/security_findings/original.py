"""The finding as it was made in 2020, to be held beside today's.

Source: "Monitoring AWS Certificate Manager Private CA with AWS Security Hub", AWS Security Blog
(2020), the listing of the Lambda function; its brackets, lost in print, are put back. The
post's ``date`` is the event's time here.
"""

from __future__ import annotations

from pkilab.errors import MalformedError
from pkilab.security_findings.asff import Json
from pkilab.security_findings.events import Event

_RESOURCES = 2


def original_finding_of(event: Json) -> Json:
    """Return the post's finding for an issuance, member by member.

    It is valid today. What changed: ``Severity.Normalized`` gave way to ``Label`` (60 is MEDIUM),
    and the guide of the ``Url`` moved from ``acm-pca`` to ``privateca``.

    Raises:
        MalformedError: it is no event, or names no CA with a certificate.
    """
    read = Event.parse(event)
    if len(read.resources) != _RESOURCES:
        raise MalformedError(
            "an event of an issuance",
            found=f"{len(read.resources)} resources",
            expected="the CA and the certificate",
        )
    authority, certificate = read.resources
    region, account = read.region, read.account
    return {
        "SchemaVersion": "2018-10-08",
        "Id": f"{region}/{account}/{certificate}",
        "ProductArn": f"arn:aws:securityhub:{region}:{account}:product/{account}/default",
        "GeneratorId": certificate,
        "AwsAccountId": account,
        "Types": ["Unusual Behaviors"],
        "CreatedAt": read.stamp,
        "UpdatedAt": read.stamp,
        "Severity": {"Normalized": 60},
        "Title": "Private CA Certificate Creation",
        "Description": "A Private CA certificate was issued in AWS Certificate Manager Private CA",
        "Remediation": {
            "Recommendation": {
                "Text": "Verify this CA certificate creation was taken by a privileged user",
                "Url": "https://docs.aws.amazon.com/acm-pca/latest/userguide/"
                "ca-best-practices.html#minimize-root-use",
            }
        },
        "ProductFields": {"ProductName": "ACM PCA"},
        "Resources": [
            {
                "Details": {"Other": {"CAArn": authority, "CertARN": certificate}},
                "Type": "Other",
                "Id": certificate,
                "Region": region,
                "Partition": "aws",
            }
        ],
        "RecordState": "ACTIVE",
    }
