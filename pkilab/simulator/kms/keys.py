"""The keys and aliases of a world: how they are made, named, found and described.

Source: API Reference, CreateKey, DescribeKey, "Cross-account use" of each operation; Developer
Guide, "Key identifiers (KeyId)".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pkilab.simulator.acmpca.creation import partition_of
from pkilab.simulator.kms.managed import require_permitted
from pkilab.simulator.kms.material import generate
from pkilab.simulator.kms.specs import ALGORITHMS_MEMBER, Spec, Usage
from pkilab.simulator.kms.state import Alias, BackingKey, Key, RotationType
from pkilab.simulator.service import AwsError, Call
from pkilab.simulator.world import World

Json = dict[str, Any]

KEYS = 100_000  # per account and Region; Developer Guide, "Resource quotas"

# Operations whose KeyId may also be an alias, and another account's key.
CRYPTOGRAPHIC = frozenset(
    {
        "Decrypt", "DeriveSharedSecret", "Encrypt", "GenerateDataKey", "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext", "GenerateDataKeyWithoutPlaintext", "GenerateMac",
        "ReEncrypt", "Sign", "Verify", "VerifyMac",
    }
)  # fmt: skip
_BY_ANY_NAME = CRYPTOGRAPHIC | {"DescribeKey", "GetPublicKey"}
# Operations on another account's key, which is named by its ARN alone.
_ACROSS_ACCOUNTS = _BY_ANY_NAME | {
    "CreateGrant", "GetKeyRotationStatus", "ListGrants", "RetireGrant", "RevokeGrant",
}  # fmt: skip
_KEY_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32}")
_ARN = re.compile(
    r"arn:(?P<partition>[a-z-]+):kms:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):"
    r"(?P<resource>(?:key|alias)/.+)",
    re.DOTALL,
)


class Keys:
    """The keys and aliases of every account and Region, in order of creation.

    Args:
        world: whose seed they are made of.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._keys: dict[str, Key] = {}  # by ARN
        self._aliases: dict[str, Alias] = {}  # by ARN
        self._created: dict[tuple[str, str], int] = {}  # how many, by account and Region

    def __iter__(self) -> Iterator[Key]:
        return iter(self._keys.values())

    def owned(self, call: Call) -> list[Key]:
        """Return the keys of the caller's account and Region."""
        return [
            key
            for key in self._keys.values()
            if (key.account, key.region) == (call.account, call.region)
        ]

    def create(self, call: Call, spec: Spec, usage: Usage, description: str, policy: str) -> Key:
        """Make a key, which is there and enabled at once.

        Args:
            call: whose key it is.
            spec: what it is made of.
            usage: one of the spec's.
            description: as the API has it.
            policy: a key policy that was checked; "" gives it AWS's default.

        Raises:
            AwsError: LimitExceededException.
        """
        arn = self.next_arn(call)
        key_id = arn.rpartition("/")[2]
        first = self._backing_key(spec, key_id, 1)
        key = Key(
            arn=arn,
            account=call.account,
            region=call.region,
            spec=spec,
            usage=usage,
            description=description,
            policy=policy or default_policy(call.account, partition_of(call.region)),
            created_at=call.now,
            backing_keys=[first],
            entropy=self._world.entropy("kms", "use", key_id),
            public_key=first.material.public if spec.is_asymmetric else None,
        )
        place = (call.account, call.region)
        self._created[place] = self._created.get(place, 0) + 1
        self._keys[arn] = key
        return key

    def next_arn(self, call: Call) -> str:
        """Return the ARN of the key that `create` would make now.

        Raises:
            AwsError: LimitExceededException, there are too many.
        """
        place = (call.account, call.region)
        number = self._created.get(place, 0) + 1
        if number > KEYS and len(self.owned(call)) >= KEYS:
            raise AwsError("LimitExceededException", f"An account has at most {KEYS} KMS keys.")
        key_id = self._world.entropy("kms", *place, "key", str(number)).uuid()
        return f"{_prefix(call)}key/{key_id}"

    def rotate(self, key: Key, kind: RotationType) -> None:
        """Give a symmetric key new material; what the older ones encrypted stays readable."""
        number = len(key.backing_keys) + 1
        key.backing_keys.append(self._backing_key(key.spec, key.key_id, number, kind))

    def delete(self, key: Key) -> None:
        """Forget a key, its material and its aliases."""
        for alias in key.aliases.values():
            del self._aliases[alias.arn]
        del self._keys[key.arn]

    def find(self, call: Call, identifier: str, operation: str) -> Key:
        """Return the key that an operation means.

        Args:
            call: who calls; ids and alias names are of its account, and all of its Region.
            identifier: a KeyId: an id or ARN of a key, or a name or ARN of an alias.
            operation: decides whether an alias, and another account's key, may be named.

        Raises:
            AwsError: NotFoundException; AccessDeniedException, another account's key where that
                cannot be, or where there is none, or what an AWS managed key is not for.
        """
        arn = self._arn(call, identifier, operation)
        if arn.partition("/")[0].endswith(":alias"):
            alias = self._aliases.get(arn)
            if alias is not None:
                arn = alias.key_arn
            elif arn.split(":")[4] == call.account:
                raise _not_found(f"Alias {arn} is not found.")
        key = self._keys.get(arn)
        own = arn.split(":")[4] == call.account
        if key is None and own:
            raise _not_found(f"Key '{arn}' does not exist")
        if not own and (key is None or operation not in _ACROSS_ACCOUNTS):
            raise no_access(call, operation)
        assert key is not None  # noqa: S101 - excluded by the two before
        require_permitted(key, call, operation)
        return key

    def by_arn(self, arn: str) -> Key | None:
        """Return the key of a key ARN."""
        return self._keys.get(arn)

    def alias(self, arn: str) -> Alias | None:
        """Return the alias of an alias ARN."""
        return self._aliases.get(arn)

    def put_alias(self, key: Key, alias: Alias) -> None:
        """Let an alias, new or old, stand for a key."""
        if old := self._aliases.get(alias.arn):
            del self._keys[old.key_arn].aliases[old.name]
        self._aliases[alias.arn] = key.aliases[alias.name] = alias

    def delete_alias(self, alias: Alias) -> None:
        """Forget an alias."""
        del self._aliases[alias.arn]
        del self._keys[alias.key_arn].aliases[alias.name]

    def _arn(self, call: Call, identifier: str, operation: str) -> str:
        """Return the ARN that an identifier is short for."""
        by_any_name = operation in _BY_ANY_NAME
        if not identifier.startswith("arn:"):
            if identifier.startswith("alias/") and by_any_name:
                return _prefix(call) + identifier
            if not _KEY_ID.fullmatch(identifier):
                raise _not_found(f"Invalid keyId '{identifier}'")
            return f"{_prefix(call)}key/{identifier}"
        if identifier in self._keys and f":{call.region}:" in identifier:
            return identifier
        parts = _ARN.fullmatch(identifier)
        if parts is None or (parts["resource"].startswith("alias/") and not by_any_name):
            raise _not_found(f"Invalid arn {identifier}")
        if parts["region"] != call.region or parts["partition"] != partition_of(call.region):
            raise _not_found(f"Invalid arn {parts['region']}")
        return identifier

    def _backing_key(
        self, spec: Spec, key_id: str, number: int, kind: RotationType | None = None
    ) -> BackingKey:
        path = (key_id, str(number))
        return BackingKey(
            material_id=self._world.entropy("kms", "material id", *path).bytes(32).hex(),
            material=generate(spec, self._world.entropy("kms", "material", *path)),
            rotated_at=self._world.clock.now() if kind else None,
            rotation_type=kind,
        )


def _prefix(call: Call) -> str:
    return f"arn:{partition_of(call.region)}:kms:{call.region}:{call.account}:"


def alias_arn(call: Call, name: str) -> str:
    """Return the ARN of the caller's alias of a name."""
    return _prefix(call) + name


def _not_found(message: str) -> AwsError:
    return AwsError("NotFoundException", message)


def no_access(call: Call, operation: str, what: str = "this resource") -> AwsError:
    """Refuse what a caller of another account can do nothing about, or must not learn of."""
    return AwsError(
        "AccessDeniedException",
        f"User: {call.principal} is not authorized to perform: kms:{operation} on {what} because "
        "the resource does not exist in this Region, no resource-based policies allow access, or "
        "a resource-based policy explicitly denies access",
    )


def default_policy(account: str, partition: str) -> str:
    """Return the key policy of a key that is created without one, as GetKeyPolicy shows it."""
    return f"""{{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {{
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "arn:{partition}:iam::{account}:root"
    }},
    "Action" : "kms:*",
    "Resource" : "*"
  }} ]
}}"""


def metadata(key: Key) -> Json:
    """Return a key's KeyMetadata."""
    return {
        "AWSAccountId": key.account,
        "KeyId": key.key_id,
        "Arn": key.arn,
        "CreationDate": key.created_at,
        "Enabled": key.state == "Enabled",
        "Description": key.description,
        "KeyUsage": key.usage,
        "KeyState": key.state,
        "DeletionDate": key.deletion_at,
        "Origin": "AWS_KMS",
        "KeyManager": "AWS" if key.manager else "CUSTOMER",
        "CustomerMasterKeySpec": key.spec.name,
        "KeySpec": key.spec.name,
        ALGORITHMS_MEMBER[key.usage]: list(key.algorithms()),
        "MultiRegion": False,
        "CurrentKeyMaterialId": key.current.material_id if key.is_symmetric_encryption else None,
    }
