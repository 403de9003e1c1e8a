"""Resource policies of secrets: what is looked at before one is taken.

What a policy then means is decided where policies are enforced (`pkilab.simulator.access`). AWS
proves with automated reasoning that a policy is not public; here whoever allows everybody must
narrow it down by one of a few condition keys.

Sources: Secrets Manager API Reference, PutResourcePolicy and ValidateResourcePolicy; User Guide,
"Resource-based policies"; IAM User Guide, "Access Analyzer", for the keys that narrow a policy.
"""

from __future__ import annotations

from collections.abc import Collection

from pkilab.errors import MalformedError
from pkilab.iam import Document, Statement
from pkilab.simulator.identity.directory import Directory
from pkilab.simulator.identity.principals import exists
from pkilab.simulator.policies import read_policy
from pkilab.simulator.service import AwsError

_NARROWING = frozenset(
    {
        "aws:principalorgid", "aws:principalorgpaths", "aws:principalarn", "aws:principalaccount",
        "aws:sourcearn", "aws:sourceaccount", "aws:sourceowner", "aws:sourceorgid", "aws:userid",
        "aws:sourceip", "aws:sourcevpc", "aws:sourcevpce", "aws:vpcsourceip",
        "secretsmanager:resource/allowrotationlambdaarn",
    }
)  # fmt: skip


def check(text: str, accounts: Collection[str]) -> Document:
    """Read a resource policy.

    Args:
        text: the policy.
        accounts: those of the world.

    Raises:
        AwsError: MalformedPolicyDocumentException, it is no policy, or names a principal that does
            not exist; NotImplemented, it says what is not modelled.
    """
    try:
        document = read_policy(text, kind="resource", name="resource policy")
    except MalformedError as why:
        raise _malformed(f"This resource policy contains a syntax error: {why}") from why
    directory = Directory(tuple(accounts))
    for statement in document.statements:
        named = statement.principals
        if named and not all(
            exists(directory, "AWS", each) for each in named.accounts | named.arns
        ):
            raise _malformed("This resource policy contains an unsupported principal.")
    return document


def is_public(document: Document) -> bool:
    """Say whether a policy allows something to everybody, narrowed down by no condition."""
    return any(map(_is_public, document.statements))


def _is_public(statement: Statement) -> bool:
    named = statement.principals
    if statement.effect != "Allow" or named is None or not named.everyone:
        return False
    return _NARROWING.isdisjoint(each.lower() for each in statement.context_keys())


def _malformed(message: str) -> AwsError:
    return AwsError("MalformedPolicyDocumentException", message)
