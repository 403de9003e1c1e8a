"""What a parameter is made of. The state alone: rules live beside it, in files of their own."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from pkilab.simulator.ssm.policies import Policy
from pkilab.simulator.world import Job

ParameterType = Literal["String", "StringList", "SecureString"]
Tier = Literal["Standard", "Advanced"]


@dataclass(slots=True)
class Version:
    """One version of a parameter.

    ``stored`` is the value's text, or of a SecureString the ciphertext in Base64: what GetParameter
    answers without decryption.
    """

    number: int
    type: ParameterType
    tier: Tier
    stored: str = field(repr=False)
    key_id: str  # as given; "" unless it is a SecureString
    description: str
    allowed_pattern: str
    data_type: str
    modified_at: datetime
    modified_by: str  # an ARN
    policies: tuple[Policy, ...] = ()
    labels: list[str] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Parameter:
    """A parameter: the last hundred of its versions, and what belongs to none of them."""

    name: str
    arn: str
    account: str
    region: str
    versions: list[Version]  # the oldest first
    tags: dict[str, str] = field(default_factory=dict)
    jobs: list[Job] = field(default_factory=list, repr=False)  # of its policies

    @property
    def latest(self) -> Version:
        """The version that counts."""
        return self.versions[-1]
