"""Why a request is allowed or not, from the policies as they stand in the accounts.

Source: IAM User Guide, "Policy evaluation logic".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from pkilab.access_control.callers import Context, read_caller
from pkilab.access_control.direct import read_direct
from pkilab.access_control.explanations import Explanation
from pkilab.access_control.organizations import (
    NOT_RESOURCE_CONTROLLED,
    Levels,
    Place,
    read_controls,
    read_place,
)
from pkilab.access_control.reading import ClientFor, Policy, Reader
from pkilab.access_control.remedies import find_missing
from pkilab.access_control.resources import Resource, read_facts, read_resource
from pkilab.errors import MalformedError
from pkilab.iam import (
    Document,
    Policies,
    Principal,
    Request,
    decide,
    read_policy,
)
from pkilab.iam.documents import candidates
from pkilab.iam.services import RESOURCE_CONTROLLED

_ACTION = re.compile(r"[A-Za-z0-9-]+:[A-Za-z0-9]+", re.ASCII)


def explain(
    principal: str,
    action: str,
    resource: str,
    client_for: ClientFor,
    *,
    context: Mapping[str, str | bool | int | Iterable[str]] | None = None,
    session_policies: Iterable[Policy] | None = None,
    resource_policy: Policy | None = None,
    owner: str = "",
    manager: str = "",
) -> Explanation:
    """Say whether somebody may do something, by which statement, and what would have to change.

    Reads the identity-based policies of a user (with its groups) or role, the permissions boundary,
    the resource's own policy and a key's grants, and the policies of the organization, each with a
    client of the account that may read it. What it may not read is listed, and never taken for
    none.

    Not read: session policies, which AWS tells nobody; VPC endpoint policies; resource policies of
    services other than KMS, S3, Private CA, Lambda and IAM roles (give them as
    ``resource_policy``). Not checked: whether action and resource exist.

    Args:
        principal: ARN of a user, a role, a role's session or an account's root user; an AWS
            service such as ``acm.amazonaws.com``; ``*``, somebody without credentials.
        action: such as ``kms:Sign``.
        resource: an ARN, or ``*`` for actions without one. A KMS alias's ARN is followed.
        client_for: service, 12 digits of the account and Region (``""``: any) -> a boto3 client,
            or ``None`` where there is none.
        context: condition keys of the request, such as ``aws:SourceIp`` or
            ``kms:SigningAlgorithm``. What is known of caller and resource is filled in, and what
            every request of a caller's own carries: ``aws:ViaAWSService`` (false),
            ``aws:SecureTransport`` (true) and, where the resource or a global service tells it,
            ``aws:RequestedRegion``. A value that is given here comes before it. What is neither
            known nor given is taken as absent, and named in the answer's ``asked``.
        session_policies: what was passed to AssumeRole; ``None``: nothing was.
        resource_policy: the resource's policy, instead of reading it.
        owner: the account whose the resource is, if its ARN does not say (S3).
        manager: the organization's management account. The caller's account knows it, but what its
            own policies keep it from asking is not known without.

    Raises:
        MalformedError: principal, action, resource or a policy that was given are not what they
            should be.
        UnsupportedError: the principal is a federated user, or a policy that was given says what
            is not modelled.
        LabError: nobody can tell whose a bucket is.
        ClientError: something named does not exist (botocore's).
    """
    if _ACTION.fullmatch(action) is None:
        raise MalformedError("action", found=repr(action), expected="such as kms:Sign")
    reader = Reader(client_for)
    caller = read_caller(principal, reader)
    who = caller.principal
    thing = read_resource(
        resource, action, who.account, reader, owner=owner, policy=resource_policy
    )
    place, service_control = _service_control(who, manager, reader)
    resource_place, resource_control = _resource_control(action, thing, who, manager, reader)
    policies = Policies(
        identity=caller.identity,
        boundary=caller.boundary,
        session=None if session_policies is None else _session(session_policies),
        resource=thing.policies,
        service_control=service_control,
        resource_control=resource_control,
        requires_resource_policy=thing.required,
    )
    given = _given(context or {})
    keys = read_direct(who, action, thing.arn, given)
    keys |= dict(caller.context) | dict(thing.context or {})
    keys |= place.context("principal") if place else {}
    keys |= resource_place.context("resource") if resource_place else {}
    if thing.required and action.lower().startswith("kms:") and who.account:
        keys["kms:calleraccount"] = who.account
    asked = _asked(policies, action)
    keys |= read_facts(thing, asked - given.keys(), reader) | given
    request = Request(who, action, thing.arn, thing.owner, keys)
    managing = next((each.manager for each in (place, resource_place) if each), manager)
    found = decide(request, policies)
    unread = {each.kind for each in reader.unread}
    missing = find_missing(request, policies, managing)
    return Explanation(
        request,
        policies,
        found,
        tuple(half for half in missing if half.kind not in unread),
        tuple(reader.unread),
        tuple(sorted(asked - keys.keys())),
    )


def _service_control(who: Principal, manager: str, reader: Reader) -> tuple[Place | None, Levels]:
    if not who.account:
        return None, ()
    place = read_place(who.account, manager, "service control", reader)
    return place, read_controls(place, "service control", reader)


def _resource_control(
    action: str, thing: Resource, who: Principal, manager: str, reader: Reader
) -> tuple[Place | None, Levels]:
    owner, prefix = thing.owner or who.account, action.partition(":")[0].lower()
    if thing.arn == "*" or not owner:
        return None, ()
    if prefix not in RESOURCE_CONTROLLED | NOT_RESOURCE_CONTROLLED:
        what = f"resource control policies of account {owner}"
        reader.note("resource control", what, f"whether they protect {prefix} is not known here")
    place = read_place(owner, manager, "resource control", reader)
    if prefix not in RESOURCE_CONTROLLED:
        return place, ()
    return place, read_controls(place, "resource control", reader)


def _session(policies: Iterable[Policy]) -> tuple[Document, ...]:
    return tuple(
        read_policy(policy, kind="session", name=f"session policy {number}")
        for number, policy in enumerate(policies, 1)
    )


def _given(context: Mapping[str, str | bool | int | Iterable[str]]) -> Context:
    found: Context = {}
    for key, value in context.items():
        if isinstance(value, bool):
            found[key.lower()] = str(value).lower()
        elif isinstance(value, str | int):
            found[key.lower()] = str(value)
        else:
            found[key.lower()] = tuple(map(str, value))
    return found


def _asked(policies: Policies, action: str) -> frozenset[str]:
    """Return the condition keys that statements about an action ask for."""
    levels = (*policies.service_control, *policies.resource_control)
    documents = (
        *policies.identity,
        *policies.resource,
        *(policies.session or ()),
        *((policies.boundary,) if policies.boundary else ()),
        *(document for level in levels for document in level),
    )
    return frozenset(
        key
        for document in documents
        for _, statement in candidates(document, action.lower())
        for key in statement.context_keys()
    )
