"""What policies must know of AWS's services, as the User Guides list them."""

from __future__ import annotations

from typing import Final

#: Services with one endpoint, whose requests name `HOME` as their Region. IAM User Guide, "AWS
#: global condition context keys" (aws:RequestedRegion).
GLOBAL: Final = frozenset({"cloudfront", "iam", "organizations", "route53", "route53domains"})
HOME: Final = "us-east-1"

#: Services whose resources RCPs protect. AWS Organizations User Guide, "List of AWS services that
#: support RCPs"; services are added to it.
RESOURCE_CONTROLLED: Final = frozenset({
    "aoss", "cognito-identity", "cognito-idp", "dynamodb", "ecr", "kms", "logs", "s3",
    "secretsmanager", "sqs", "sts",
})  # fmt: skip
