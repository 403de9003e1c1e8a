"""May AWS Private CA write to this S3 bucket?

Source: AWS Private CA User Guide, "Access policies for CRLs in Amazon S3".
"""

from __future__ import annotations

from pkilab.simulator.acmpca.state import Authority
from pkilab.simulator.bucket_policies import allows
from pkilab.simulator.s3 import S3, Bucket, CannedAcl
from pkilab.simulator.service import AwsError

PRINCIPAL = "acm-pca.amazonaws.com"
BUCKET_ACTIONS = ("s3:GetBucketAcl", "s3:GetBucketLocation")
OBJECT_ACTIONS = ("s3:PutObject", "s3:PutObjectAcl")


def check(
    s3: S3, name: str, key: str, authority: Authority, acl: CannedAcl, *, refusal_code: str
) -> Bucket:
    """Return the bucket if the service may write ``key`` there for ``authority``.

    Not checked: the caller's own right to write, a KMS key's policy, account-wide Block Public
    Access, service control policies.

    Args:
        s3: the world's buckets.
        name: the bucket.
        key: the key of the object to be written.
        authority: the CA it is written for; its ARN and account are what conditions see.
        acl: the canned ACL it is written with.
        refusal_code: the error code for a policy that does not let the service in.

    Raises:
        AwsError: ResourceNotFoundException, there is no such bucket; ``refusal_code``, its policy;
            ValidationException, Block Public Access, Object Ownership or encryption stand in the
            way; NotImplemented, the policy says something that is not simulated.
    """
    bucket = s3.bucket(name)
    if bucket is None:
        raise AwsError("ResourceNotFoundException", f"The S3 bucket '{name}' does not exist.")
    if not policy_allows(bucket, key, authority):
        raise refusal(name, refusal_code)
    closed_to_public = bucket.public_acls_blocked or bucket.acls_disabled
    # Of KMS keys the service can use only a customer managed one ("Encrypting Your CRLs").
    by_kms = (bucket.encryption or "").startswith("aws:kms")
    aws_managed = bucket.kms_key is None or bucket.kms_key.endswith("alias/aws/s3")
    if (acl == "public-read" and closed_to_public) or (by_kms and aws_managed):
        raise refusal(name)
    return bucket


def refusal(bucket: str, code: str = "ValidationException") -> AwsError:
    """Word a bucket's refusal as AWS does (hashicorp/terraform-provider-aws issue 33306)."""
    return AwsError(
        code,
        f"Permission error with your S3 bucket '{bucket}'. Check that your bucket policy, "
        "encryption settings, S3 Block Public Access settings, and global account permissions are "
        "configured correctly. For more information, check the service documentation.",
    )


def policy_allows(bucket: Bucket, key: str, authority: Authority) -> bool:
    """Say whether the bucket's policy lets the service do all it needs to write ``key``.

    Raises:
        AwsError: NotImplemented, an element of the policy is not simulated.
    """
    if bucket.policy is None:
        return False
    arn = f"arn:{authority.arn.split(':')[1]}:s3:::{bucket.name}"
    needed = [(action, arn) for action in BUCKET_ACTIONS]
    needed += [(action, f"{arn}/{key}") for action in OBJECT_ACTIONS]
    context = (
        ("aws:sourceaccount", authority.account),
        ("aws:sourcearn", authority.arn),
        ("aws:securetransport", "true"),
        ("aws:principalisawsservice", "true"),
        ("aws:principalservicename", PRINCIPAL),
        # aws:SourceOrgID is known and absent: no account of the world is in an organization.
    )
    return all(
        allows(bucket.policy, action, resource, service=PRINCIPAL, context=context)
        for action, resource in needed
    )
