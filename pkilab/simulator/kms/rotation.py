"""Rotation of symmetric keys: on a schedule, and on demand.

Source: API Reference, EnableKeyRotation, GetKeyRotationStatus, RotateKeyOnDemand and
ListKeyRotations; Developer Guide, "Rotate AWS KMS keys". Sentences recorded from KMS (LocalStack,
tests/aws/services/kms/test_kms.snapshot.json).
"""

from __future__ import annotations

import functools
from datetime import datetime, timedelta
from typing import Any

from pkilab.simulator.kms.keys import Keys
from pkilab.simulator.kms.lifecycle import require_usable
from pkilab.simulator.kms.state import BackingKey, Key
from pkilab.simulator.service import AwsError
from pkilab.simulator.world import World

Json = dict[str, Any]

DAYS = 365  # between automatic rotations, unless said otherwise
ON_DEMAND = 25  # rotations on demand in a key's life
_CLOSE = timedelta(minutes=20)  # too near an automatic rotation for one on demand


class Rotator:
    """Rotates keys when it is time.

    Args:
        world: whose clock and latency count.
        keys: where new material comes from.
    """

    def __init__(self, world: World, keys: Keys) -> None:
        self._world, self._keys = world, keys

    def enable(self, key: Key, days: int | None) -> None:
        """Rotate a key every so many days from now; a schedule that is the same already stays.

        Raises:
            AwsError: UnsupportedOperationException, DisabledException, KMSInvalidStateException.
        """
        require_rotatable(key)
        require_usable(key)
        rotation, days = key.rotation, days or DAYS
        if rotation.enabled and rotation.days == days:
            return
        rotation.enabled, rotation.days = True, days
        self._schedule(key, self._world.clock.now())

    def disable(self, key: Key) -> None:
        """Rotate a key no more.

        Raises:
            AwsError: as `enable`.
        """
        require_rotatable(key)
        require_usable(key)
        key.rotation.enabled = False
        self.stop(key)

    def stop(self, key: Key) -> None:
        """Forget when a key was to be rotated."""
        if key.rotation.job:
            key.rotation.job.cancel()
        key.rotation.job = key.rotation.due_at = None

    def resume(self, key: Key) -> None:
        """Make up for a rotation that fell due while a key was disabled or pending deletion."""
        now, due_at = self._world.clock.now(), key.rotation.due_at
        if due_at is not None and due_at <= now:
            self._keys.rotate(key, "AUTOMATIC")
            self._schedule(key, now)

    def on_demand(self, key: Key) -> None:
        """Rotate a key now; it takes the world's latency.

        Raises:
            AwsError: as `enable`; LimitExceededException; ConflictException, another rotation is
                under way or near.
        """
        require_rotatable(key)
        require_usable(key)
        rotation, now = key.rotation, self._world.clock.now()
        if rotation.on_demand_count >= ON_DEMAND:
            raise AwsError(
                "LimitExceededException",
                "The on-demand rotations limit has been reached for the given keyId. No more "
                f"on-demand rotations can be performed for this key: {key.arn}",
            )
        near = rotation.due_at is not None and rotation.due_at - now <= _CLOSE
        if near or rotation.on_demand_since:
            raise AwsError(
                "ConflictException",
                f"A rotation of {key.arn} is in progress or about to begin.",
            )
        rotation.on_demand_count += 1
        rotation.on_demand_since = now
        if self._world.latency:
            finish = functools.partial(self._finish, key)
            self._world.clock.at(now + self._world.latency, finish, f"rotate {key.arn} on demand")
        else:
            self._finish(key)

    def _finish(self, key: Key) -> None:
        key.rotation.on_demand_since = None
        self._keys.rotate(key, "ON_DEMAND")

    def _schedule(self, key: Key, since: datetime) -> None:
        rotation = key.rotation
        self.stop(key)
        rotation.due_at = since + timedelta(days=rotation.days)
        due = functools.partial(self._fall_due, key)
        rotation.job = self._world.clock.at(rotation.due_at, due, f"rotate {key.arn}")

    def _fall_due(self, key: Key) -> None:
        due_at = key.rotation.due_at
        if key.state == "Enabled" and due_at is not None:
            self._keys.rotate(key, "AUTOMATIC")
            self._schedule(key, due_at)


def require_rotatable(key: Key) -> None:
    """Refuse to rotate asymmetric and HMAC keys.

    Raises:
        AwsError: UnsupportedOperationException, without a sentence, as recorded.
    """
    if not key.is_symmetric_encryption:
        raise AwsError("UnsupportedOperationException", "")


def status(key: Key) -> Json:
    """Return what GetKeyRotationStatus says; of a key that cannot be rotated, that it is not.

    Source: for such keys, floci pull request 618.
    """
    rotation = key.rotation
    found: Json = {
        "KeyId": key.arn,
        "KeyRotationEnabled": rotation.enabled and key.state != "PendingDeletion",
        "OnDemandRotationStartDate": rotation.on_demand_since,
    }
    if found["KeyRotationEnabled"]:
        found |= {"RotationPeriodInDays": rotation.days, "NextRotationDate": rotation.due_at}
    return found


def rotations(key: Key, *, everything: bool) -> list[Json]:
    """Return a key's completed rotations, or all its material, the oldest first.

    Raises:
        AwsError: UnsupportedOperationException.
    """
    require_rotatable(key)
    shown = key.backing_keys if everything else key.backing_keys[1:]
    return [_listed(key, backing) for backing in shown]


def _listed(key: Key, backing: BackingKey) -> Json:
    return {
        "KeyId": key.arn,
        "KeyMaterialId": backing.material_id,
        "KeyMaterialState": "CURRENT" if backing is key.current else "NON_CURRENT",
        "RotationDate": backing.rotated_at,
        "RotationType": backing.rotation_type,
    }
