"""AWS KMS: what its operations need.

An id that names no key, or another account's where that cannot be, needs nothing here: KMS itself
says that there is none, or what it says to everybody who has no business with the key.

Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Key
Management Service"; KMS Developer Guide, "AWS KMS permissions", "AWS KMS condition keys",
"Controlling access to aliases"; which of the two errors comes first is unpublished.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from pkilab.simulator.access.asking import (
    Access,
    Asked,
    Context,
    Rule,
    anywhere,
    given,
    rows,
    tagging,
)
from pkilab.simulator.service import Json

PREFIX = "kms"
KEYS = frozenset(
    {
        "kms:bypasspolicylockoutsafetycheck", "kms:calleraccount", "kms:datakeypairspec",
        "kms:encryptionalgorithm", "kms:encryptioncontext:", "kms:encryptioncontextkeys",
        "kms:expirationmodel", "kms:grantconstrainttype", "kms:grantisforawsresource",
        "kms:grantoperations", "kms:granteeprincipal", "kms:keyagreementalgorithm",
        "kms:keyorigin", "kms:keyspec", "kms:keyusage", "kms:macalgorithm", "kms:messagetype",
        "kms:multiregion", "kms:multiregionkeytype", "kms:primaryregion",
        "kms:reencryptonsamekey", "kms:replicaregion",
        "kms:requestalias", "kms:resourcealiases", "kms:retiringprincipal",
        "kms:rotationperiodindays", "kms:schedulekeydeletionpendingwindowindays",
        "kms:signingalgorithm", "kms:validto", "kms:viaservice", "kms:wrappingalgorithm",
        "kms:wrappingkeyspec", "aws:resourcetag/", "aws:requesttag/", "aws:tagkeys",
    }
)  # fmt: skip
_SYMMETRIC = "SYMMETRIC_DEFAULT"
_CIPHERTEXT = "the resource associated with this ciphertext"
# Operations with kms:RequestAlias.
_BY_ALIAS = frozenset(
    {
        "Decrypt", "DeriveSharedSecret", "DescribeKey", "Encrypt", "GenerateDataKey",
        "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext",
        "GenerateDataKeyWithoutPlaintext", "GenerateMac", "GetPublicKey", "ReEncrypt", "Sign",
        "Verify", "VerifyMac",
    }
)  # fmt: skip
_Reads = Callable[[Json], Mapping[str, object]]


def _caller(asked: Asked) -> Context:
    """Return the condition keys that every operation on a key has."""
    found: Context = {"kms:calleraccount": asked.call.account}
    if asked.call.via:
        service = asked.call.via[-1].removesuffix(".amazonaws.com")
        found["kms:viaservice"] = f"{service}.{asked.call.region}.amazonaws.com"
    return found


def _on_key(
    asked: Asked,
    key_id: str,
    action: str = "",
    context: Mapping[str, str | tuple[str, ...]] | None = None,
) -> Iterator[Access]:
    """Yield an action on the key that an operation names, if it names one."""
    found = asked.facts.key(key_id, asked.operation, asked.call)
    if found is None:
        return
    keys = {**_caller(asked), **(context or {})}
    if found.alias and asked.operation in _BY_ALIAS:
        keys["kms:requestalias"] = found.alias
    made = asked.access(found.arn, action, keys)
    yield replace(made, owner=found.owner, requires_resource_policy=True)


def _key(reads: _Reads = lambda _: {}) -> Rule:
    def rule(asked: Asked) -> Iterator[Access]:
        yield from _on_key(asked, asked.members["KeyId"], context=given(reads(asked.members)))

    return rule


def _encryption(
    algorithm: str = "EncryptionAlgorithm", context: str = "EncryptionContext"
) -> _Reads:
    """Return what reads the keys of an operation that encrypts or decrypts."""

    def read(members: Json) -> Mapping[str, object]:
        pairs = members.get(context) or {}
        named = {f"kms:encryptioncontext:{key.lower()}": value for key, value in pairs.items()}
        return {
            "kms:encryptionalgorithm": members.get(algorithm, _SYMMETRIC),
            "kms:encryptioncontextkeys": list(pairs),
            **named,
        }

    return read


def _pair(members: Json) -> Mapping[str, object]:
    return {**_encryption()(members), "kms:datakeypairspec": members.get("KeyPairSpec")}


def _signature(members: Json) -> Mapping[str, object]:
    return {
        "kms:signingalgorithm": members.get("SigningAlgorithm"),
        "kms:messagetype": members.get("MessageType", "RAW"),
    }


def _decrypt(asked: Asked) -> Iterator[Access]:
    context = given(_encryption()(asked.members))
    yield from _with_key_of(asked, "KeyId", "CiphertextBlob", "Decrypt", context)


def _with_key_of(
    asked: Asked, member: str, ciphertext: str, action: str, context: Context
) -> Iterator[Access]:
    """Yield an action on the key that is named, or else that a ciphertext was made with."""
    named = asked.members.get(member)
    if named is not None:
        yield from _on_key(asked, named, action, context)
        return
    arn = asked.facts.encrypting_key(asked.members.get(ciphertext, b""))
    for each in _on_key(asked, arn, action, context) if arn else ():
        yield replace(each, shown=_CIPHERTEXT)


def _reencrypt(asked: Asked) -> Iterator[Access]:
    members = asked.members
    target_id = members["DestinationKeyId"]
    source = members.get("SourceKeyId") or asked.facts.encrypting_key(
        members.get("CiphertextBlob", b"")
    )
    names = (source or "", target_id)
    found = [asked.facts.key(each, asked.operation, asked.call) for each in names]
    same = given({"kms:reencryptonsamekey": None not in found and found[0] == found[1]})
    reads = _encryption("SourceEncryptionAlgorithm", "SourceEncryptionContext")
    context = given(reads(members)) | same
    yield from _with_key_of(asked, "SourceKeyId", "CiphertextBlob", "ReEncryptFrom", context)
    reads = _encryption("DestinationEncryptionAlgorithm", "DestinationEncryptionContext")
    context = given(reads(members)) | same
    yield from _on_key(asked, target_id, "ReEncryptTo", context)


def _bypass(members: Json) -> Mapping[str, object]:
    name = "BypassPolicyLockoutSafetyCheck"
    return {f"kms:{name.lower()}": bool(members.get(name))}


def _create(asked: Asked) -> Iterator[Access]:
    members = asked.members
    tags = tagging(members.get("Tags"))
    multi_region = bool(members.get("MultiRegion"))
    spec = members.get("KeySpec") or members.get("CustomerMasterKeySpec")
    keys: dict[str, object] = {
        "kms:keyspec": spec or _SYMMETRIC,
        "kms:keyusage": members.get("KeyUsage", "ENCRYPT_DECRYPT"),
        "kms:keyorigin": members.get("Origin", "AWS_KMS"),
        "kms:multiregion": multi_region,
        "kms:multiregionkeytype": "PRIMARY" if multi_region else None,
        **_bypass(members),
    }
    yield asked.access(context=_caller(asked) | given(keys) | tags)
    if tags:  # CreateKey, "Required permissions"
        yield asked.access(asked.arn("key/*"), "TagResource", _caller(asked) | tags)


def _alias(asked: Asked) -> Iterator[Access]:
    """CreateAlias, UpdateAlias, DeleteAlias: the alias itself and every key that it is about."""
    name = asked.members["AliasName"]
    yield asked.access(asked.arn(name), context=_caller(asked))
    old = None
    if asked.operation != "CreateAlias":
        old = asked.facts.key(name, "DescribeKey", asked.call)
    new = asked.members.get("TargetKeyId")
    for key_id in dict.fromkeys(each for each in (old.arn if old else None, new) if each):
        yield from _on_key(asked, key_id)


def _create_grant(asked: Asked) -> Iterator[Access]:
    members = asked.members
    constraints = members.get("Constraints") or {}
    kind = next(iter(constraints), None)
    pairs = constraints.get(kind) or {}
    keys: dict[str, object] = {
        "kms:grantoperations": members.get("Operations", []),
        "kms:granteeprincipal": members.get("GranteePrincipal"),
        "kms:retiringprincipal": members.get("RetiringPrincipal"),
        "kms:grantconstrainttype": kind,
        "kms:grantisforawsresource": bool(asked.call.via),
        "kms:encryptioncontextkeys": list(pairs),
        **{f"kms:encryptioncontext:{key.lower()}": value for key, value in pairs.items()},
    }
    yield from _on_key(asked, members["KeyId"], context=given(keys))


def _granted(asked: Asked) -> Iterator[Access]:
    keys = given({"kms:grantisforawsresource": bool(asked.call.via)})
    yield from _on_key(asked, asked.members["KeyId"], context=keys)


def _replicate(asked: Asked) -> Iterator[Access]:
    keys = given({"kms:replicaregion": asked.members.get("ReplicaRegion")})
    yield from _on_key(asked, asked.members["KeyId"], context=keys)


def _tag(asked: Asked) -> Iterator[Access]:
    yield from _on_key(asked, asked.members["KeyId"], context=tagging(asked.members.get("Tags")))


def _untag(asked: Asked) -> Iterator[Access]:
    keys = given({"aws:tagkeys": asked.members.get("TagKeys", [])})
    yield from _on_key(asked, asked.members["KeyId"], context=keys)


def _retire(asked: Asked) -> Iterator[Access]:
    """RetireGrant: the grant lets its retiring principal, and IAM others of its issuer's account.

    Source: KMS Developer Guide, "Retiring and revoking grants".
    """
    if found := asked.facts.grant(asked.members, asked.call):
        yield replace(asked.access(found.arn, context=_caller(asked)), owner=found.owner)


def _stores(asked: Asked) -> Iterator[Access]:
    yield asked.access(context={"kms:calleraccount": asked.call.account})


def _days(member: str, key: str, default: int) -> _Reads:
    return lambda members: {key: members.get(member, default)}


TABLE = rows(
    (_create, "CreateKey"),
    (_alias, "CreateAlias DeleteAlias UpdateAlias"),
    (anywhere, "GenerateRandom ListAliases ListKeys ListRetirableGrants"),
    (_key(_signature), "Sign Verify"),
    (_key(lambda each: {"kms:macalgorithm": each.get("MacAlgorithm")}), "GenerateMac VerifyMac"),
    (
        _key(lambda each: {"kms:keyagreementalgorithm": each.get("KeyAgreementAlgorithm")}),
        "DeriveSharedSecret",
    ),
    (_key(_encryption()), "Encrypt GenerateDataKey GenerateDataKeyWithoutPlaintext"),
    (_key(_pair), "GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext"),
    (_decrypt, "Decrypt"),
    (_reencrypt, "ReEncrypt"),
    (_key(), "DescribeKey GetPublicKey"),
    (_create_grant, "CreateGrant"),
    (_granted, "ListGrants RevokeGrant"),
    (_retire, "RetireGrant"),
    (_replicate, "ReplicateKey"),
    (_tag, "TagResource"),
    (_untag, "UntagResource"),
    (_key(_bypass), "PutKeyPolicy"),
    (
        _key(_days("PendingWindowInDays", "kms:schedulekeydeletionpendingwindowindays", 30)),
        "ScheduleKeyDeletion",
    ),
    (
        _key(_days("RotationPeriodInDays", "kms:rotationperiodindays", 365)),
        "EnableKeyRotation",
    ),
    (
        _key(
            lambda each: {
                "kms:wrappingalgorithm": each.get("WrappingAlgorithm"),
                "kms:wrappingkeyspec": each.get("WrappingKeySpec"),
            }
        ),
        "GetParametersForImport",
    ),
    (
        _key(
            lambda each: {
                "kms:expirationmodel": each.get("ExpirationModel", "KEY_MATERIAL_EXPIRES"),
                "kms:validto": each["ValidTo"].isoformat() if each.get("ValidTo") else None,
            }
        ),
        "ImportKeyMaterial",
    ),
    (_key(lambda each: {"kms:primaryregion": each.get("PrimaryRegion")}), "UpdatePrimaryRegion"),
    (
        _key(),
        """
        CancelKeyDeletion DeleteImportedKeyMaterial DisableKey DisableKeyRotation EnableKey
        GetKeyPolicy GetKeyRotationStatus ListKeyPolicies ListKeyRotations ListResourceTags
        RotateKeyOnDemand UpdateKeyDescription
        """,
    ),
    (
        _stores,
        """
        ConnectCustomKeyStore CreateCustomKeyStore DeleteCustomKeyStore DescribeCustomKeyStores
        DisconnectCustomKeyStore UpdateCustomKeyStore
        """,
    ),
)
