"""What a secret is made of. The state alone: rules live beside it, in files of their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from pkilab.simulator.kms.envelopes import Envelope
from pkilab.simulator.secretsmanager.schedules import Schedule
from pkilab.simulator.world import Job

CURRENT, PREVIOUS, PENDING = "AWSCURRENT", "AWSPREVIOUS", "AWSPENDING"


@dataclass(slots=True)
class Version:
    """One version of a secret's value. Without a value it waits for a rotation to bring one."""

    version_id: str
    created_at: datetime
    envelope: Envelope | None = field(default=None, repr=False)
    is_text: bool = True  # SecretString, or else SecretBinary
    key_arn: str = ""  # the KMS key's
    stages: list[str] = field(default_factory=list)
    accessed_at: datetime | None = None


@dataclass(slots=True)
class Rotation:
    """How a secret is rotated."""

    enabled: bool
    function_arn: str
    schedule: Schedule | None = None
    next_at: datetime | None = None  # the end of the window
    job: Job | None = field(default=None, repr=False)
    token: str = ""  # of the rotation that is under way
    rotated_at: datetime | None = None


@dataclass(slots=True, eq=False)
class Secret:
    """One secret. Two are the same if they are one object."""

    arn: str
    name: str
    account: str
    region: str
    created_at: datetime
    changed_at: datetime
    description: str = ""
    key_id: str = ""  # as given; "": aws/secretsmanager
    tags: dict[str, str] = field(default_factory=dict)
    versions: dict[str, Version] = field(default_factory=dict)  # by id, the oldest first
    policy: str | None = None
    accessed_at: datetime | None = None
    deleted_at: datetime | None = None  # when it was scheduled for deletion
    deletion: Job | None = field(default=None, repr=False)
    rotation: Rotation | None = None

    def staged(self, stage: str) -> Version | None:
        """Return the version with a staging label."""
        return next((each for each in self.versions.values() if stage in each.stages), None)

    def labelled(self) -> Iterator[Version]:
        """Yield the versions that have a label: the others are deprecated."""
        return (each for each in self.versions.values() if each.stages)
