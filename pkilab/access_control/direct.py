"""The condition keys of a request that its caller makes itself, straight to AWS.

Source: IAM User Guide, "AWS global condition context keys", the availability of each key; "IAM
policy elements: Variables and tags" (principal key values).
"""

from __future__ import annotations

from collections.abc import Container

from pkilab.access_control.callers import Context
from pkilab.iam import Principal
from pkilab.iam.services import GLOBAL, HOME

_PARTS = 6  # of an ARN
_VIA = frozenset({"aws:calledvia", "aws:calledviafirst", "aws:calledvialast"})


def read_direct(who: Principal, action: str, resource: str, given: Container[str]) -> Context:
    """Return what every such request carries, whether or not somebody says so.

    It is over TLS, as AWS's endpoints are, and no service makes it in the caller's name, unless
    ``given`` has a key that says through which. Not here, since nobody can know them: the time,
    the source address, MFA, and the Region of what has an ARN without one.

    Args:
        who: the caller.
        action: such as ``kms:Sign``.
        resource: an ARN, or ``*``.
        given: condition keys that are given, in small letters.
    """
    via = any(key in given for key in _VIA)
    found: Context = {
        "aws:securetransport": "true",
        "aws:viaawsservice": "true" if via else "false",
    }
    if who.kind == "anonymous":
        found["aws:principaltype"] = "Anonymous"
    if region := _region(action.partition(":")[0].lower(), resource):
        found["aws:requestedregion"] = region
    return found


def _region(prefix: str, resource: str) -> str:
    """Return the Region of the endpoint, or ``""``: it cannot be known."""
    parts = resource.split(":", _PARTS - 1)
    if len(parts) == _PARTS and parts[3]:
        return parts[3]
    elsewhere = len(parts) == _PARTS and parts[1] != "aws"  # other partitions, other homes
    return HOME if prefix in GLOBAL and not elsewhere else ""
