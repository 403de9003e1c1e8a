"""Grants: what they may permit, who gets them, and when they have arrived.

Source: API Reference, CreateGrant, ListGrants, ListRetirableGrants, RetireGrant, RevokeGrant,
GrantConstraints; Developer Guide, "Grants in AWS KMS".
"""

from __future__ import annotations

import base64
import functools
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pkilab.iam import Document, read_policy
from pkilab.simulator.acmpca.creation import partition_of
from pkilab.simulator.identity.directory import Directory
from pkilab.simulator.identity.principals import exists
from pkilab.simulator.kms.state import Grant, GrantLife, Key
from pkilab.simulator.service import AwsError, Call, not_simulated
from pkilab.simulator.world import World

Json = dict[str, Any]
Constraints = dict[str, dict[str, str]]

GRANTS = 50_000  # of a key; Developer Guide, "Resource quotas"
PAIRS, VALUE_LENGTH = 8, 384  # of an encryption context constraint; "Using grant constraints"

_ALWAYS = frozenset({"CreateGrant", "DescribeKey", "RetireGrant"})
_DATA_KEYS = frozenset(
    {
        "GenerateDataKey", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext",
        "GenerateDataKeyWithoutPlaintext",
    }
)  # fmt: skip
_CIPHERS = frozenset({"Decrypt", "Encrypt", "ReEncryptFrom", "ReEncryptTo"})
_BY_USAGE = {
    "ENCRYPT_DECRYPT": _CIPHERS,
    "SIGN_VERIFY": frozenset({"Sign", "Verify"}),
    "KEY_AGREEMENT": frozenset({"DeriveSharedSecret"}),
    "GENERATE_VERIFY_MAC": frozenset({"GenerateMac", "VerifyMac"}),
}
# Which member of a request holds what a constraint is about.
_CONTEXT = {
    "ReEncryptFrom": "SourceEncryptionContext",
    "ReEncryptTo": "DestinationEncryptionContext",
}
_EQUALS, _SUBSET = "EncryptionContextEquals", "EncryptionContextSubset"
_GRANT_ID = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What CreateGrant asks for: everything that makes two grants of one name the same."""

    name: str
    grantee: str
    retiring: str
    operations: tuple[str, ...]
    constraints: Constraints

    def is_of(self, grant: Grant) -> bool:
        """Whether this asks for a grant that is there already; one without a name never is."""
        return bool(self.name) and (
            self.name, self.grantee, self.retiring, set(self.operations), self.constraints,
        ) == (
            grant.name, grant.grantee, grant.retiring, set(grant.operations), grant.constraints,
        )  # fmt: skip


def permitted(key: Key) -> frozenset[str]:
    """Return the operations that a grant on a key may permit."""
    found = _ALWAYS | _BY_USAGE[key.usage]
    if key.spec.is_asymmetric:
        return found | {"GetPublicKey"}
    return found | _DATA_KEYS if key.is_symmetric_encryption else found


def wanted(
    *,
    operations: Sequence[str],
    grantee_principal: str | None = None,
    retiring_principal: str | None = None,
    constraints: Json | None = None,
    name: str | None = None,
    grantee_service_principal: str | None = None,
    retiring_service_principal: str | None = None,
) -> Wanted:
    """Read what CreateGrant was given.

    Raises:
        AwsError: ValidationException, it names no grantee or no operation; NotImplemented, an AWS
            service is to have the grant or to retire it.
    """
    if grantee_service_principal or retiring_service_principal:
        raise not_simulated("CreateGrant for an AWS service")
    found = constraints or {}
    if "SourceArn" in found:
        raise not_simulated("a grant constraint on SourceArn")
    if not operations:
        raise _invalid("A grant must permit at least one operation.")
    if not grantee_principal:
        raise _invalid("Either GranteePrincipal or GranteeServicePrincipal must be specified.")
    return Wanted(
        name=name or "",
        grantee=grantee_principal,
        retiring=retiring_principal or "",
        operations=tuple(dict.fromkeys(operations)),
        constraints={kind: dict(pairs) for kind, pairs in found.items()},
    )


def check(key: Key, grant: Wanted, accounts: Collection[str]) -> None:
    """Refuse a grant that a key cannot have.

    Raises:
        AwsError: InvalidArnException, a principal that does not exist; ValidationException, an
            operation or constraint that the key does not know.
    """
    for principal in (grant.grantee, grant.retiring):
        if principal and not _is_principal(principal, accounts):
            raise AwsError(
                "InvalidArnException", f"ARN does not refer to a valid principal: {principal}"
            )
    if unknown := sorted(set(grant.operations) - permitted(key)):
        raise _invalid(
            f"The grant operations [{', '.join(unknown)}] are not supported for a KMS key with "
            f"key spec {key.spec.name} and key usage {key.usage}."
        )
    if set(grant.operations) == {"CreateGrant"}:
        raise _invalid("Grants must not contain only the CreateGrant operation.")
    _check_constraints(key, grant.constraints)


def _is_principal(name: str, accounts: Collection[str]) -> bool:
    return name.startswith("arn:") and exists(Directory(tuple(accounts)), "AWS", name)


def _check_constraints(key: Key, constraints: Constraints) -> None:
    if constraints and not key.is_symmetric_encryption:
        raise _invalid(
            "Encryption context grant constraints are valid only for symmetric encryption KMS keys."
        )
    for kind, pairs in constraints.items():
        if len(pairs) > PAIRS or any(len(value) > VALUE_LENGTH for value in pairs.values()):
            raise _invalid(
                f"{kind} must have at most {PAIRS} pairs, each with a value of at most "
                f"{VALUE_LENGTH} characters."
            )


class Grants:
    """Grants of every key, and the tokens that were handed out with them.

    Args:
        world: whose accounts, seed and latency count.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._made: Counter[str] = Counter()  # grants by key ARN, and tokens by grant
        self._tokens: dict[str, Grant] = {}

    def create(self, call: Call, key: Key, asked: Wanted) -> Json:
        """Make a grant that was checked, or find it if it is there; the token is new each time.

        Raises:
            AwsError: LimitExceededException.
        """
        lives = current(key)
        same = next((life.grant for life in lives if asked.is_of(life.grant)), None)
        if same is None and len(lives) >= GRANTS:
            raise AwsError("LimitExceededException", f"A KMS key has at most {GRANTS} grants.")
        grant = same or self._new(call, key, asked)
        self._made[grant.grant_id] += 1
        path = (grant.grant_id, str(self._made[grant.grant_id]))
        octets = self._world.entropy("kms", "grant token", *path).bytes(96)
        token = base64.b64encode(octets).decode()
        self._tokens[token] = grant
        return {"GrantToken": token, "GrantId": grant.grant_id}

    def _new(self, call: Call, key: Key, asked: Wanted) -> Grant:
        self._made[key.arn] += 1
        path = (key.key_id, str(self._made[key.arn]))
        grant_id = self._world.entropy("kms", "grant", *path).bytes(32).hex()
        grant = Grant(
            grant_id=grant_id,
            key_arn=key.arn,
            name=asked.name,
            grantee=asked.grantee,
            retiring=asked.retiring,
            issuing_account=call.account,
            operations=asked.operations,
            constraints=asked.constraints,
            created_at=call.now,
            document=as_policy(key.arn, grant_id, asked),
        )
        key.grants[grant.grant_id] = GrantLife(grant, known_from=call.now + self._world.latency)
        return grant

    def check_tokens(self, tokens: Sequence[str]) -> None:
        """Refuse a grant token that was never handed out; one of a grant that is gone is idle.

        Raises:
            AwsError: InvalidGrantTokenException.
        """
        for token in tokens:
            self.of_token(token)

    def of_token(self, token: str) -> Grant:
        """Return the grant of a token.

        Raises:
            AwsError: InvalidGrantTokenException.
        """
        if (grant := self._tokens.get(token)) is None:
            raise AwsError("InvalidGrantTokenException", "The grant token is not valid.")
        return grant

    def remove(self, call: Call, key: Key, grant_id: str) -> None:
        """Retire or revoke a grant: it is not listed from now on, and means nothing soon."""
        find(key, grant_id).gone_from = call.now + self._world.latency
        for life in list(key.grants.values()):
            if life.gone_from is not None and life.gone_from <= call.now:
                del key.grants[life.grant.grant_id]

    def documents(
        self,
        key: Key,
        operation: str,
        members: Mapping[str, Any],
        now: datetime,
        issuer: str = "",
    ) -> tuple[Document, ...]:
        """Return the grants on a key that may speak for a request, as policies.

        They name their grantee and operations; whether these are the caller and the operation is
        for who decides. Constraints were compared here, exactly and in their case.

        Args:
            key: what the request is about.
            operation: a grant operation, such as ``Sign`` or ``ReEncryptFrom``.
            members: the request's, decoded.
            now: when it is made.
            issuer: the account whose grants alone are meant; "": those of all.
        """
        named = {
            grant.grant_id
            for token in members.get("GrantTokens") or ()
            if (grant := self._tokens.get(token))
        }
        lives = list(key.grants.values())
        if operation == "RetireGrant":  # of a grant, by what it says itself
            retired = self._tokens.get(members.get("GrantToken") or "")
            number = retired.grant_id if retired else str(members.get("GrantId"))
            lives = [life for life in lives if life.grant.grant_id == number]
            named |= {number} if retired else set()
        return tuple(
            life.grant.document
            for life in lives
            if (life.known_from <= now or life.grant.grant_id in named)
            and (life.gone_from is None or now < life.gone_from)
            and issuer in {"", life.grant.issuing_account}
            and _speaks(life.grant, operation, members)
        )


def current(key: Key) -> list[GrantLife]:
    """Return a key's grants that are listed, in order of creation."""
    return [life for life in key.grants.values() if life.gone_from is None]


def find(key: Key, grant_id: str) -> GrantLife:
    """Return a grant of a key.

    Raises:
        AwsError: InvalidGrantIdException, that is no grant's id; NotFoundException.
    """
    if not _GRANT_ID.fullmatch(grant_id):
        raise AwsError("InvalidGrantIdException", f"The grant ID {grant_id} is not valid.")
    life = key.grants.get(grant_id)
    if life is None or life.gone_from is not None:
        raise AwsError("NotFoundException", f"Grant ID {grant_id} not found")
    return life


def listed(life: GrantLife) -> Json:
    """Return a grant as the API lists it; its tokens are not."""
    grant = life.grant
    return {
        "KeyId": grant.key_arn,
        "GrantId": grant.grant_id,
        "Name": grant.name,
        "CreationDate": grant.created_at,
        "GranteePrincipal": grant.grantee,
        "RetiringPrincipal": grant.retiring or None,
        "IssuingAccount": _root(grant),
        "Operations": list(grant.operations),
        "Constraints": grant.constraints or None,
    }


def account_of(principal: str) -> str:
    """Return the account in a principal's ARN, or nothing."""
    return "".join(principal.split(":")[4:5])


def _root(grant: Grant) -> str:
    return f"arn:{partition_of(grant.key_arn.split(':')[3])}:iam::{grant.issuing_account}:root"


def as_policy(key_arn: str, grant_id: str, asked: Wanted) -> Document:
    """Write a grant in the language of policies: the grantee's rights, and whose it is to retire.

    In the old version of the language, which knows no variables.
    """
    rights = [(asked.grantee, asked.operations)]
    if asked.retiring:
        rights.append((asked.retiring, ("RetireGrant",)))
    return read_policy(
        {
            "Version": "2008-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": principal},
                    "Action": [f"kms:{operation}" for operation in operations],
                    "Resource": key_arn,
                }
                for principal, operations in rights
            ],
        },
        kind="grant",
        name=grant_id,
    )


def _speaks(grant: Grant, operation: str, members: Mapping[str, Any]) -> bool:
    """Whether a grant's constraints let it speak for a request.

    Source: Developer Guide, "Using grant constraints" and "Granting CreateGrant permission".
    """
    if operation == "CreateGrant":
        return _is_parent(grant, members)
    if operation in _ALWAYS:
        return True  # these have no encryption context, and the constraint is ignored
    context = members.get(_CONTEXT.get(operation, "EncryptionContext")) or {}
    return _satisfied(grant.constraints, context)


def _satisfied(constraints: Constraints, context: Mapping[str, str]) -> bool:
    equals, subset = constraints.get(_EQUALS), constraints.get(_SUBSET)
    return (equals is None or context == equals) and (
        subset is None or subset.items() <= context.items()
    )


def _is_parent(grant: Grant, members: Mapping[str, Any]) -> bool:
    """Whether what CreateGrant asks for is no more than a grant that permits CreateGrant has."""
    if not set(members.get("Operations") or ()) <= set(grant.operations):
        return False
    child: Constraints = members.get("Constraints") or {}
    if (equals := grant.constraints.get(_EQUALS)) is not None:
        return child.get(_EQUALS) == equals
    pinned = {**child.get(_SUBSET, {}), **child.get(_EQUALS, {})}
    return grant.constraints.get(_SUBSET, {}).items() <= pinned.items()


_invalid = functools.partial(AwsError, "ValidationException")
