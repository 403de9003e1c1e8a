"""What a KMS key is made of. The state alone: rules live beside it, in files of their own."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from pkilab.iam import Document
from pkilab.pki.entropy import RandomSource
from pkilab.pki.keys import PublicKey
from pkilab.simulator.kms.material import KeyMaterial
from pkilab.simulator.kms.specs import SYMMETRIC_DEFAULT, Spec, Usage
from pkilab.simulator.world import Job

# The other states of the model belong to imported material, custom key stores and multi-Region
# keys, which are not simulated.
KeyState = Literal["Enabled", "Disabled", "PendingDeletion"]
RotationType = Literal["AUTOMATIC", "ON_DEMAND"]


@dataclass(frozen=True, slots=True)
class BackingKey:
    """One generation of a key's material. A symmetric key keeps every one, to decrypt with."""

    material_id: str  # 64 hexadecimal digits
    material: KeyMaterial = field(repr=False)
    rotated_at: datetime | None = None  # None: it is the first
    rotation_type: RotationType | None = None


@dataclass(slots=True)
class Alias:
    """A second name of a key, in the key's account and Region."""

    name: str  # with its prefix, alias/
    arn: str
    key_arn: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Grant:
    """What a grant permits, and to whom."""

    grant_id: str  # 64 hexadecimal digits
    key_arn: str
    name: str  # "" if it has none
    grantee: str  # a principal's ARN
    retiring: str  # the same; "" if nobody was named
    issuing_account: str  # 12 digits
    operations: tuple[str, ...]
    constraints: dict[str, dict[str, str]]
    created_at: datetime
    document: Document = field(repr=False)  # the same as a policy, for who decides


@dataclass(slots=True)
class GrantLife:
    """Where a grant is on its way through KMS, which takes the world's latency each time."""

    grant: Grant
    known_from: datetime  # before, it takes a grant token
    gone_from: datetime | None = None  # it was retired or revoked, and is not listed any more


@dataclass(slots=True)
class Rotation:
    """The automatic rotation of a symmetric key, and the one that was asked for."""

    enabled: bool = False
    days: int = 365
    due_at: datetime | None = None
    job: Job | None = field(default=None, repr=False)
    on_demand_since: datetime | None = None  # in progress since
    on_demand_count: int = 0


@dataclass(slots=True, eq=False)
class Key:
    """One KMS key. Two are the same if they are one object."""

    arn: str
    account: str
    region: str
    spec: Spec
    usage: Usage
    description: str
    policy: str  # the text of the key policy named default
    created_at: datetime
    backing_keys: list[BackingKey]  # the oldest first
    entropy: RandomSource = field(repr=False)  # of salts, nonces and data keys
    public_key: PublicKey | None = None  # None: it is a secret key
    manager: str = ""  # the service whose AWS managed key it is; "": the customer's
    state: KeyState = "Enabled"
    deletion_at: datetime | None = None
    deletion: Job | None = field(default=None, repr=False)
    tags: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, Alias] = field(default_factory=dict)  # by name
    grants: dict[str, GrantLife] = field(default_factory=dict)  # by id
    rotation: Rotation = field(default_factory=Rotation)

    @property
    def key_id(self) -> str:
        """The last part of the ARN."""
        return self.arn.rpartition("/")[2]

    @property
    def current(self) -> BackingKey:
        """The material that encrypts and signs."""
        return self.backing_keys[-1]

    @property
    def material(self) -> KeyMaterial:
        """What `current` is made of."""
        return self.backing_keys[-1].material

    @property
    def is_symmetric_encryption(self) -> bool:
        """Whether it is a key of the default kind, the only one that rotates."""
        return self.spec.name == SYMMETRIC_DEFAULT

    def algorithms(self) -> tuple[str, ...]:
        """Return what the key can be used with, for its usage."""
        return self.spec.algorithms[self.usage]
