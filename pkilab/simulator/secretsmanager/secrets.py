"""The secrets of a world: how they are named, found and forgotten.

Sources: Secrets Manager API Reference, CreateSecret, DescribeSecret; User Guide, "Finding a secret
from a partial ARN". Sentences as public issues quote them.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator

from pkilab.simulator.acmpca.creation import partition_of
from pkilab.simulator.secretsmanager.state import Secret
from pkilab.simulator.service import AwsError, Call
from pkilab.simulator.world import World

QUOTA = 500_000  # per account and Region
_SUFFIX = string.ascii_letters + string.digits
_NAME = re.compile(r"[A-Za-z0-9/_+=.@!-]{1,512}")
_ARN = re.compile(
    r"arn:[a-z-]+:secretsmanager:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):secret:(?P<name>.+)",
    re.DOTALL,
)


class Secrets:
    """The secrets of every account and Region.

    Args:
        world: whose seed their ARNs are made of.
    """

    def __init__(self, world: World) -> None:
        self._suffixes = world.entropy("secretsmanager", "suffixes")
        self._by_arn: dict[str, Secret] = {}
        self._by_name: dict[tuple[str, str, str], Secret] = {}  # account, Region, name

    def owned(self, call: Call) -> Iterator[Secret]:
        """Yield the secrets of the caller's account and Region in order of creation."""
        return self.of(call.account, call.region)

    def of(self, account: str, region: str) -> Iterator[Secret]:
        """Yield an account's secrets of a Region in order of creation."""
        place = (account, region)
        return (each for each in self._by_arn.values() if (each.account, each.region) == place)

    def new(self, call: Call, name: str) -> Secret:
        """Return a secret that is not yet among them.

        Raises:
            AwsError: ValidationException, no name is like that; LimitExceededException.
        """
        if not _NAME.fullmatch(name):
            raise AwsError(
                "ValidationException",
                "Invalid name. Must be a valid name containing alphanumeric characters, or any of "
                "the following: -/_+=.@!",
            )
        if len(self._by_arn) >= QUOTA and sum(1 for _ in self.owned(call)) >= QUOTA:
            raise AwsError("LimitExceededException", f"An account has at most {QUOTA} secrets.")
        return Secret(self.arn(call, name), name, call.account, call.region, call.now, call.now)

    def arn(self, call: Call, name: str) -> str:
        """Return an ARN for a secret of the caller's: its last six characters are random."""
        suffix = "".join(_SUFFIX[self._below()] for _ in range(6))
        place = f"{partition_of(call.region)}:secretsmanager:{call.region}:{call.account}"
        return f"arn:{place}:secret:{name}-{suffix}"

    def add(self, secret: Secret) -> None:
        """Keep a secret."""
        self._by_arn[secret.arn] = secret
        self._by_name[secret.account, secret.region, secret.name] = secret

    def forget(self, secret: Secret) -> None:
        """Forget a secret."""
        del self._by_arn[secret.arn]
        del self._by_name[secret.account, secret.region, secret.name]

    def named(self, call: Call, name: str) -> Secret | None:
        """Return the caller's secret of a name."""
        return self._by_name.get((call.account, call.region, name))

    def by_arn(self, arn: str) -> Secret | None:
        """Return the secret of an ARN, or of one without its last seven characters."""
        if (found := self._by_arn.get(arn)) is not None:
            return found
        if parts := _ARN.fullmatch(arn):
            return self._by_name.get((parts["account"], parts["region"], parts["name"]))
        return None

    def find(self, call: Call, identifier: str) -> Secret:
        """Return the secret of a name, ARN or partial ARN in the caller's Region.

        Raises:
            AwsError: ResourceNotFoundException.
        """
        is_arn = identifier.startswith("arn:")
        found = self.by_arn(identifier) if is_arn else self.named(call, identifier)
        if found is None or found.region != call.region:
            raise AwsError(
                "ResourceNotFoundException", "Secrets Manager can't find the specified secret."
            )
        return found

    def _below(self) -> int:
        """Return an index of a suffix's character, each as likely as the other."""
        while (number := self._suffixes.bytes(1)[0]) >= 256 - 256 % len(_SUFFIX):
            pass
        return number % len(_SUFFIX)
