"""Key states: what each allows, and how they follow each other.

Single-Region keys with material of KMS's own have three: Enabled, Disabled and PendingDeletion.

Source: KMS Developer Guide, "Key states of AWS KMS keys", its table and footnotes 1 to 4; API
Reference, ScheduleKeyDeletion and CancelKeyDeletion.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from pkilab.simulator.kms.specs import Usage
from pkilab.simulator.kms.state import Key
from pkilab.simulator.service import AwsError
from pkilab.simulator.world import Job

WINDOW_DAYS = 30  # ScheduleKeyDeletion, PendingWindowInDays: the default and the most
SHORTEST_WINDOW_DAYS = 7


def require_usable(key: Key) -> None:
    """Refuse to work with a key that is not enabled, or to change how it is rotated or granted.

    Raises:
        AwsError: DisabledException; KMSInvalidStateException, it is pending deletion.
    """
    if key.state == "Disabled":
        raise AwsError("DisabledException", f"{key.arn} is disabled.")
    require_not_pending(key)


def require_not_pending(key: Key) -> None:
    """Refuse to change a key that is about to go.

    Raises:
        AwsError: KMSInvalidStateException.
    """
    if key.state == "PendingDeletion":
        raise AwsError("KMSInvalidStateException", f"{key.arn} is pending deletion.")


def require_usage(key: Key, usage: Usage, operation: str) -> None:
    """Refuse an operation of another usage than the key has, in the sentence seen from KMS.

    Raises:
        AwsError: InvalidKeyUsageException.
    """
    if key.usage != usage:
        raise AwsError(
            "InvalidKeyUsageException",
            f"{key.arn} key usage is {key.usage} which is not valid for {operation}.",
        )


def check_window(days: int) -> None:
    """Refuse a waiting period that is not from 7 to 30 days; the model alone allows 1 to 365.

    Raises:
        AwsError: ValidationException.
    """
    rule = None
    if days < SHORTEST_WINDOW_DAYS:
        rule = f"greater than or equal to {SHORTEST_WINDOW_DAYS}"
    elif days > WINDOW_DAYS:
        rule = f"less than or equal to {WINDOW_DAYS}"
    if rule:
        raise AwsError(
            "ValidationException",
            f"1 validation error detected: Value '{days}' at 'pendingWindowInDays' failed to "
            f"satisfy constraint: Member must have value {rule}",
        )


def schedule_deletion(key: Key, days: int, now: datetime, deletion: Job) -> None:
    """Put a key into its waiting period, at the end of which ``deletion`` runs."""
    key.state, key.deletion = "PendingDeletion", deletion
    key.deletion_at = now + timedelta(days=days)


def cancel_deletion(key: Key) -> None:
    """Save a key; it is disabled afterwards, whatever it was before.

    Raises:
        AwsError: KMSInvalidStateException, it was not pending deletion.
    """
    if key.deletion is None:
        raise AwsError("KMSInvalidStateException", f"{key.arn} is not pending deletion.")
    key.deletion.cancel()
    key.state, key.deletion, key.deletion_at = "Disabled", None, None
