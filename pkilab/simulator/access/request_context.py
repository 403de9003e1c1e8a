"""The condition keys of every request: when, where from, through which services.

Source: IAM User Guide, "AWS global condition context keys".
"""

from __future__ import annotations

from typing import Protocol

from pkilab.iam.services import GLOBAL, HOME
from pkilab.simulator.access.asking import Access, Context, Resource
from pkilab.simulator.service import Call


class Organized(Protocol):
    """Knows the organization of an account."""

    def of(self, account: str) -> tuple[str, str] | None:
        """Return an organization's id and the account's path in it."""


def of_call(call: Call, prefix: str) -> Context:
    """Return the keys that a call has whatever it does.

    TLS is taken for granted: every endpoint of AWS's has it. A service that calls in somebody's
    name tells their address (IAM User Guide, "AWS: Denies access to AWS based on the source IP";
    the Knowledge Center still says that it tells its own).

    Args:
        call: who calls, and where.
        prefix: of the service's actions.
    """
    found: Context = {
        "aws:currenttime": f"{call.now:%Y-%m-%dT%H:%M:%SZ}",
        "aws:epochtime": str(int(call.now.timestamp())),
        "aws:requestedregion": HOME if prefix in GLOBAL else call.region,
        "aws:securetransport": "true",
        "aws:viaawsservice": "true" if call.via else "false",
        "aws:principalisawsservice": "false",
    }
    if call.user_agent:
        found["aws:useragent"] = call.user_agent
    if call.via:
        found["aws:calledvia"] = call.via
        found["aws:calledviafirst"], found["aws:calledvialast"] = call.via[0], call.via[-1]
    if call.source_ip:
        found["aws:sourceip"] = call.source_ip
    return found


def of_organization(organized: Organized, account: str, whose: str) -> Context:
    """Return the keys of an account's organization, if it is in one; ``whose``: principal, ..."""
    found = organized.of(account)
    if found is None:
        return {}
    return {f"aws:{whose}orgid": found[0], f"aws:{whose}orgpaths": (found[1],)}


def of_resource(access: Access, resource: Resource | None, owner: str) -> Context:
    """Return the keys that tell whose a resource is, and its tags."""
    found: Context = {} if access.resource == "*" else {"aws:resourceaccount": owner}
    if resource is not None:
        tags = {key.lower(): value for key, value in resource.tags.items()}
        found |= {f"aws:resourcetag/{key}": value for key, value in tags.items()}
        if access.action.partition(":")[0] in {"iam", "sts"}:
            found |= {f"iam:resourcetag/{key}": value for key, value in tags.items()}
        found |= resource.context
    return found
