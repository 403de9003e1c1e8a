"""Key policies: what KMS looks at before it takes one.

What a policy then means is decided by `pkilab.iam`; this is what is refused at the door.

Source: API Reference, CreateKey and PutKeyPolicy; Developer Guide, "Key policies in AWS KMS",
"Default key policy" and "Resource quotas".
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from pkilab.errors import MalformedError
from pkilab.iam import Document, Policies, Principal, Request
from pkilab.simulator.identity.directory import Directory
from pkilab.simulator.identity.principals import exists
from pkilab.simulator.policies import decide, read_policy
from pkilab.simulator.service import AwsError, Call

if TYPE_CHECKING:
    pass

NAME = "default"  # of the only policy of a key
LARGEST = 32_768  # bytes; "Key policy document size"

# What else than the key policy has a say: identity policies, boundary and session policies.
OtherPolicies = Callable[[Call], Policies]

_ANYTHING = read_policy(
    {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"},
    },
    kind="identity",
    name="no policy is looked at",
)


def anything(_call: Call) -> Policies:
    """Let nothing but the key policy have a say: how it is where policies are not enforced."""
    return Policies(identity=(_ANYTHING,))


def check(
    call: Call,
    key_arn: str,
    text: str,
    *,
    accounts: Collection[str],
    others: OtherPolicies,
    bypass: bool,
    hears_of: Callable[[str], bool] = lambda _arn: True,
) -> None:
    """Check a key policy: size, language, principals, and that its writer could replace it.

    Args:
        call: who wants it.
        key_arn: of the key, which need not be there yet.
        text: the policy.
        accounts: those of the world.
        others: what else decides whether the caller may call PutKeyPolicy.
        bypass: whether to leave out the last of these: BypassPolicyLockoutSafetyCheck.
        hears_of: whether KMS has heard of a user or role that there is.

    Raises:
        AwsError: LimitExceededException, it is too long; MalformedPolicyDocumentException, it is
            no policy, names a principal that does not exist, or locks its writer out;
            InvalidArnException, a principal's name is none; NotImplemented, what `pkilab.iam` does
            not model.
    """
    if len(text.encode()) > LARGEST:
        raise AwsError("LimitExceededException", f"A key policy has at most {LARGEST} bytes.")
    policy, directory = _read(text), Directory(tuple(accounts))
    for statement in policy.statements:
        named = statement.principals
        if named and not all(
            exists(directory, "AWS", each) and hears_of(each)
            for each in named.accounts | named.arns
        ):
            raise _malformed("Policy contains a statement with one or more invalid principals.")
    if not (bypass or _may_replace(call, key_arn, policy, others)):
        raise _malformed(
            "The new key policy will not allow you to update the key policy in the future."
        )


def require_default(name: str) -> None:
    """Refuse the name of a policy that a key does not have.

    Raises:
        AwsError: NotFoundException.
    """
    if name != NAME:
        raise AwsError("NotFoundException", "No such policy exists")


def require_settable(name: str) -> None:
    """Refuse to set any policy but the one that a key has.

    Raises:
        AwsError: ValidationException; of the name AWS_RAM in the sentence of the API Reference.
    """
    if name != NAME:
        message = "Only the key policy named default can be set."
        if name == "AWS_RAM":
            message = "The AWS_RAM policy can only be managed by the RAM service."
        raise AwsError("ValidationException", message)


def _read(text: str) -> Document:
    try:
        return read_policy(text, kind="resource", name="key policy")
    except MalformedError as why:
        if why.thing.endswith("Principal.AWS"):
            raise AwsError(
                "InvalidArnException", "An ARN in the specified key policy is invalid."
            ) from why
        raise _malformed(str(why)) from why


def _may_replace(call: Call, key_arn: str, policy: Document, others: OtherPolicies) -> bool:
    """Say whether the caller could call PutKeyPolicy once the policy is in place."""
    own, caller = others(call), _caller(call)
    context = {
        "aws:principalarn": caller.role_arn or caller.arn,
        "aws:principalaccount": call.account,
        "kms:calleraccount": call.account,
    }
    request = Request(caller, "kms:PutKeyPolicy", key_arn, call.account, context)
    decision = decide(
        request,
        Policies(
            identity=own.identity,
            boundary=own.boundary,
            session=own.session,
            resource=(policy,),
            requires_resource_policy=True,
        ),
    )
    return decision.allowed


def _caller(call: Call) -> Principal:
    """Return who calls, as policies name them."""
    if call.identity is not None:
        return call.identity.principal
    kind, _, rest = call.principal.rpartition(":")[2].partition("/")
    if kind == "assumed-role":
        role = f"arn:aws:iam::{call.account}:role/{rest.partition('/')[0]}"
        return Principal("assumed-role", call.principal, call.account, role)
    return Principal("root" if kind == "root" else "user", call.principal, call.account)


def _malformed(message: str) -> AwsError:
    return AwsError("MalformedPolicyDocumentException", message)
