"""AWS Secrets Manager: what its operations need.

A secret that is not there is asked for by the ARN that its name would have, without the six
characters that it does not have.

Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Secrets
Manager"; API Reference, "Required permissions" of each operation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from pkilab.simulator.access.asking import (
    Access,
    Asked,
    Context,
    Rule,
    anywhere,
    given,
    removing,
    rows,
    tagging,
)
from pkilab.simulator.service import Json

PREFIX = "secretsmanager"
KEYS = frozenset(
    {
        "secretsmanager:blockpublicpolicy", "secretsmanager:description",
        "secretsmanager:forcedeletewithoutrecovery", "secretsmanager:kmskeyarn",
        "secretsmanager:kmskeyid", "secretsmanager:modifyrotationrules", "secretsmanager:name",
        "secretsmanager:recoverywindowindays", "secretsmanager:resource/allowrotationlambdaarn",
        "secretsmanager:resourcetag/", "secretsmanager:rotateimmediately",
        "secretsmanager:rotationlambdaarn", "secretsmanager:secretid",
        "secretsmanager:secretprimaryregion", "secretsmanager:versionid",
        "secretsmanager:versionstage", "aws:resourcetag/", "aws:requesttag/", "aws:tagkeys",
    }
)  # fmt: skip
_Reads = Callable[[Asked], Context]


def _secret(asked: Asked, action: str = "", context: Context | None = None) -> Access:
    """Return the access to the secret that an operation names."""
    named = str(asked.members["SecretId"])
    arn = named if named.startswith("arn:") else asked.arn(f"secret:{named}")
    found = asked.facts.resource(arn)
    whole = found.arn if found else arn
    keys = {"secretsmanager:secretid": whole, **(context or {})}
    made = asked.access(whole, action, keys)
    return replace(made, owner=found.owner) if found else made


def _on(reads: _Reads = lambda _: {}) -> Rule:
    def rule(asked: Asked) -> Iterator[Access]:
        yield _secret(asked, context=reads(asked))

    return rule


def _kms(asked: Asked) -> Context:
    """Return the keys that tell which KMS key a request names."""
    key_id = asked.members.get("KmsKeyId")
    found = asked.facts.key(key_id, "Encrypt", asked.call) if key_id else None
    return given(
        {
            "secretsmanager:kmskeyid": key_id,
            "secretsmanager:kmskeyarn": found.arn if found else None,
        }
    )


def _create(asked: Asked) -> Iterator[Access]:
    members = asked.members
    tags = tagging(members.get("Tags"))
    keys = given(
        {
            "secretsmanager:name": members["Name"],
            "secretsmanager:description": members.get("Description"),
        }
    )
    arn = asked.arn(f"secret:{members['Name']}")
    yield asked.access(arn, context=keys | _kms(asked) | tags)
    if tags:  # CreateSecret, "Required permissions"
        yield asked.access(arn, "TagResource", tags)


def _update(asked: Asked) -> Context:
    return given({"secretsmanager:description": asked.members.get("Description")}) | _kms(asked)


def _get(asked: Asked) -> Context:
    version, stage = asked.members.get("VersionId"), asked.members.get("VersionStage")
    return given(
        {
            "secretsmanager:versionid": version,
            "secretsmanager:versionstage": stage or (None if version else "AWSCURRENT"),
        }
    )


def _delete(asked: Asked) -> Context:
    members: Json = asked.members
    return given(
        {
            "secretsmanager:recoverywindowindays": members.get("RecoveryWindowInDays"),
            "secretsmanager:forcedeletewithoutrecovery": bool(
                members.get("ForceDeleteWithoutRecovery")
            ),
        }
    )


def _rotate(asked: Asked) -> Iterator[Access]:
    members = asked.members
    function = members.get("RotationLambdaARN")
    keys = given(
        {
            "secretsmanager:rotationlambdaarn": function,
            "secretsmanager:modifyrotationrules": bool(members.get("RotationRules")),
            "secretsmanager:rotateimmediately": members.get("RotateImmediately", True),
        }
    )
    yield _secret(asked, context=keys)
    if isinstance(function, str) and function.startswith("arn:"):
        # Of the function that rotates, says the API Reference of RotateSecret.
        yield asked.access(function, "lambda:InvokeFunction")


def _batch(asked: Asked) -> Iterator[Access]:
    """Yield the batch's own action; each secret is asked for as it is read."""
    yield asked.access()
    if asked.members.get("Filters"):
        yield asked.access(action="ListSecrets")


def _validate(asked: Asked) -> Iterator[Access]:
    """Yield ValidateResourcePolicy's; without a secret, on every one of the account's."""
    if asked.members.get("SecretId"):
        yield _secret(asked)
        yield _secret(asked, "PutResourcePolicy")
    else:
        yield asked.access(asked.arn("secret:*"))


TABLE = rows(
    (_create, "CreateSecret"),
    (_on(_update), "UpdateSecret"),
    (_on(_get), "GetSecretValue"),
    (_on(_delete), "DeleteSecret"),
    (_rotate, "RotateSecret"),
    (_batch, "BatchGetSecretValue"),
    (_validate, "ValidateResourcePolicy"),
    (anywhere, "GetRandomPassword ListSecrets"),
    (_on(lambda each: tagging(each.members.get("Tags"))), "TagResource"),
    (_on(lambda each: removing(each.members.get("TagKeys"))), "UntagResource"),
    (
        _on(lambda each: given({"secretsmanager:versionstage": each.members.get("VersionStage")})),
        "UpdateSecretVersionStage",
    ),
    (
        _on(
            lambda each: given(
                {"secretsmanager:blockpublicpolicy": bool(each.members.get("BlockPublicPolicy"))}
            )
        ),
        "PutResourcePolicy",
    ),
    (
        _on(),
        """
        CancelRotateSecret DeleteResourcePolicy DescribeSecret GetResourcePolicy
        ListSecretVersionIds PutSecretValue RestoreSecret
        """,
    ),
)
