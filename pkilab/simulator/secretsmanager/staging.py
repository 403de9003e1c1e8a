"""Staging labels: which version has which, and what moves along.

Source: Secrets Manager API Reference, PutSecretValue and UpdateSecretVersionStage; User Guide,
"Secret versions".
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from pkilab.simulator.secretsmanager.state import CURRENT, PREVIOUS, Secret, Version
from pkilab.simulator.service import AwsError

KEPT = 100  # versions
YOUNG = timedelta(hours=24)  # younger ones are kept however many there are
LABELS = 20  # of one version


def attach(secret: Secret, version: Version, labels: Iterable[str]) -> None:
    """Give a version labels, which leave the versions that had them.

    Whoever loses AWSCURRENT gets AWSPREVIOUS.

    Raises:
        AwsError: LimitExceededException, too many for one version.
    """
    added = [each for each in dict.fromkeys(labels) if each not in version.stages]
    if len(version.stages) + len(added) > LABELS:
        raise AwsError(
            "LimitExceededException", f"A secret version has at most {LABELS} staging labels."
        )
    for label in added:
        loser = secret.staged(label)
        if loser is not None:
            loser.stages.remove(label)
        version.stages.append(label)
        if label == CURRENT and loser is not None:
            if before := secret.staged(PREVIOUS):
                before.stages.remove(PREVIOUS)
            loser.stages.append(PREVIOUS)


def move(secret: Secret, label: str, source: str | None, target: str | None) -> None:
    """Do what UpdateSecretVersionStage asks for.

    Raises:
        AwsError: InvalidParameterException; ResourceNotFoundException, no such version;
            LimitExceededException.
    """
    holder = secret.staged(label)
    if source is None and target is None:
        raise _wrong("You must provide RemoveFromVersionId or MoveToVersionId.")
    for version_id in (source, target):
        if version_id is not None and version_id not in secret.versions:
            raise AwsError(
                "ResourceNotFoundException",
                f"Secrets Manager can't find the specified secret value for VersionId: "
                f"{version_id}",
            )
    if source is not None and (holder is None or holder.version_id != source):
        raise _wrong(f"The staging label {label} isn't attached to version {source}.")
    if target is None:
        if label == CURRENT:
            raise _wrong(
                f"You can only move staging label {CURRENT} to a different secret version. It "
                "can't be completely removed."
            )
        assert holder is not None  # noqa: S101 - it is the source
        holder.stages.remove(label)
        return
    if holder is not None and holder.version_id != target and source is None:
        raise _wrong(
            f"The parameter RemoveFromVersionId can't be empty. Staging label {label} is currently "
            f"attached to version {holder.version_id}, so you must explicitly reference that "
            "version in RemoveFromVersionId."
        )
    attach(secret, secret.versions[target], [label])


def drop_outdated(secret: Secret, now: datetime) -> None:
    """Forget deprecated versions beyond a hundred that are older than a day, the oldest first."""
    surplus = len(secret.versions) - KEPT
    for version in list(secret.versions.values()):
        if surplus <= 0:
            return
        if not version.stages and now - version.created_at >= YOUNG:
            del secret.versions[version.version_id]
            surplus -= 1


def _wrong(message: str) -> AwsError:
    return AwsError("InvalidParameterException", message)
