"""CAs, certificates of ACM, KMS keys, and the stores that are encrypted under them."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from pkilab.cleaning.removal.asking import Removal, StillThereError
from pkilab.cleaning.removal.kinds import Removed

if TYPE_CHECKING:
    from mypy_boto3_acm import ACMClient
    from mypy_boto3_acm_pca import ACMPCAClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_ssm import SSMClient

# A CA is made in seconds, as a rule; the waiter of boto3 asks every 3 seconds for 3 minutes.
_CREATION_SECONDS, _CREATION_POLL = 300, 5


def authority(of: Removal) -> Removed:
    """Disable an ACTIVE CA and delete it with the shortest window; a CREATING one is awaited.

    Source: AWS Private CA User Guide, "Deleting your private CA".
    """
    client: ACMPCAClient = of.client()
    arn = of.thing.arn
    status, until = _authority_state(client, arn)
    if status == "CREATING":
        with suppress(StillThereError):  # the API deletes it nevertheless
            of.until(
                lambda: _authority_state(client, arn)[0] != "CREATING",
                what="the CA's creation",
                at_most=_CREATION_SECONDS,
                every=_CREATION_POLL,
            )
        status, until = _authority_state(client, arn)
    if status == "DELETED":
        return Removed("gone", restorable(until), until)
    if status == "ACTIVE":
        client.update_certificate_authority(CertificateAuthorityArn=arn, Status="DISABLED")
    client.delete_certificate_authority(
        CertificateAuthorityArn=arn, PermanentDeletionTimeInDays=of.days
    )
    try:
        _, until = _authority_state(client, arn)
    except ClientError:  # deleted for good at once: it never became PENDING_CERTIFICATE
        return Removed("removed")
    return Removed("removed", restorable(until), until)


def _authority_state(client: ACMPCAClient, arn: str) -> tuple[str, datetime | None]:
    answer = client.describe_certificate_authority(CertificateAuthorityArn=arn)
    described = answer["CertificateAuthority"]
    return described["Status"], described.get("RestorableUntil")


def key(of: Removal) -> Removed:
    """Schedule a KMS key's deletion with the shortest window; until then it is of no use.

    Source: AWS KMS Developer Guide, "Deleting AWS KMS keys": 7 to 30 days, not charged meanwhile.
    """
    client: KMSClient = of.client()
    described = client.describe_key(KeyId=of.thing.arn)["KeyMetadata"]
    if described["KeyState"] in {"PendingDeletion", "PendingReplicaDeletion"}:
        until = described.get("DeletionDate")
        return Removed("gone", restorable(until), until)
    answer = client.schedule_key_deletion(KeyId=of.thing.arn, PendingWindowInDays=of.days)
    until = answer.get("DeletionDate")
    return Removed("removed", restorable(until), until)


def restorable(until: datetime | None) -> str:
    """Say until when something can be brought back."""
    # boto3 gives times in the machine's zone; what is shown is the same everywhere.
    return f"restorable until {until.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if until else ""


def alias(of: Removal) -> Removed:
    """Delete an alias; the key that it points to stays as it is."""
    client: KMSClient = of.client()
    client.delete_alias(AliasName=f"alias/{of.thing.arn.split(':alias/', 1)[1]}")
    return Removed("removed")


def acm(of: Removal) -> Removed:
    """Delete a certificate of ACM, which is refused while an AWS service uses it."""
    client: ACMClient = of.client()
    client.delete_certificate(CertificateArn=of.thing.arn)
    return Removed("removed")


def parameter(of: Removal) -> Removed:
    """Delete a parameter of Systems Manager."""
    client: SSMClient = of.client()
    name = of.thing.arn.split(":parameter/", 1)[1]
    client.delete_parameter(Name=f"/{name}" if "/" in name else name)
    return Removed("removed")


def secret(of: Removal) -> Removed:
    """Delete a secret without a recovery window: its name is free again."""
    client: SecretsManagerClient = of.client()
    client.describe_secret(SecretId=of.thing.arn)  # a forced deletion of none succeeds, too
    client.delete_secret(SecretId=of.thing.arn, ForceDeleteWithoutRecovery=True)
    return Removed("removed", "without a recovery window")
