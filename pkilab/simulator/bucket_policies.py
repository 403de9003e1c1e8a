"""Bucket policies, decided for callers without an identity policy: AWS services, and anyone.

The engine of `pkilab.iam` decides. What is asked of such callers, by services of this world and by
readers without credentials, comes with the few condition keys of `_GIVEN`; a condition on another
key that AWS would know is refused as not simulated, never ignored.

Sources: IAM User Guide, "Policy evaluation logic", "AWS global condition context keys".
"""

from __future__ import annotations

import functools

from pkilab.errors import MalformedError
from pkilab.iam import Document, Policies, Principal, Request
from pkilab.simulator.access import condition_keys
from pkilab.simulator.policies import decide, read_policy
from pkilab.simulator.service import not_simulated

_GIVEN = frozenset({
    "aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:securetransport",
    "aws:principalisawsservice", "aws:principalservicename",
})  # fmt: skip
# What neither a service nor anyone has on AWS: an account, an organization, a name, MFA, tags, and
# a way through a VPC. aws:SourceOwner is of services older than those of this world.
_NEVER = frozenset({
    "aws:multifactorauthage", "aws:multifactorauthpresent", "aws:principalaccount",
    "aws:principalarn", "aws:principalorgid", "aws:principalorgpaths", "aws:sourceidentity",
    "aws:sourceowner",
    "aws:sourcevpc", "aws:sourcevpce", "aws:username", "aws:vpcsourceip",
})  # fmt: skip


@functools.lru_cache(maxsize=4096)  # a CRL that cannot be written is tried again every 15 minutes
def allows(
    policy: str,
    action: str,
    resource: str,
    *,
    service: str | None,
    context: tuple[tuple[str, str], ...],
    kind: str = "bucket",
) -> bool:
    """Allow if some statement allows and none denies.

    Args:
        policy: the bucket's policy, as text; what is no policy allows nothing.
        action: such as ``s3:PutObject``.
        resource: the ARN of the bucket or the object.
        service: the calling service principal; ``None`` for a caller without credentials.
        context: condition keys in small letters, with their values.
        kind: of what else the policy is, for a refusal: a queue, a topic.

    Raises:
        AwsError: NotImplemented, an element of the policy is not simulated.
    """
    try:
        document = read_policy(policy, kind="resource", name=f"{kind} policy")
    except MalformedError:
        return False  # moto stores any text; what is no policy allows nothing
    if any(statement.resources is None for statement in document.statements):
        return False  # S3 takes no policy without Resource
    caller = Principal("service", service, "") if service else Principal("anonymous", "*", "")
    request = Request(caller, action, resource, context=dict(context))
    _refuse_unknown_keys(document, request, kind)
    return decide(request, Policies(resource=(document,))).allowed


def _refuse_unknown_keys(document: Document, request: Request, kind: str) -> None:
    """Refuse a condition on what AWS knows of such a request, and is not told here.

    Raises:
        AwsError: NotImplemented.
    """
    for key in condition_keys.asked(document, request):
        known = key in _GIVEN | _NEVER or key in request.context
        if not known and not key.startswith("aws:principaltag/"):
            raise not_simulated(f"The condition key {key} in a {kind} policy")
