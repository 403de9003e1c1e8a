"""Resource policies of functions: who besides the account itself may invoke one.

Source: AWS Lambda Developer Guide, "Working with resource-based policies in Lambda".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from pkilab.errors import MalformedError
from pkilab.iam import Policies, Principal, Request
from pkilab.simulator.functions.errors import invalid
from pkilab.simulator.policies import decide, read_policy
from pkilab.simulator.service import Json

_INVOKE = "lambda:InvokeFunction"
_SERVICE = re.compile(r"[a-z0-9.-]+\.amazon(aws)?\.com")
_ACCOUNT = re.compile(r"\d{12}")
_PRINCIPAL = re.compile(r"arn:aws[a-z-]*:(iam|sts)::\d{12}:(root|(user|role|assumed-role)/.+)")


def statement(
    sid: str,
    action: str,
    principal: str,
    function_arn: str,
    *,
    source_arn: str | None,
    source_account: str | None,
) -> Json:
    """Return a statement as AddPermission writes it.

    Raises:
        AwsError: InvalidParameterValueException, no principal is written like that.
    """
    who: Json | str
    if _SERVICE.fullmatch(principal):
        who = {"Service": principal}
    elif _ACCOUNT.fullmatch(principal):
        who = {"AWS": f"arn:aws:iam::{principal}:root"}
    elif _PRINCIPAL.fullmatch(principal):
        who = {"AWS": principal}
    elif principal == "*":
        who = "*"
    else:
        raise invalid(
            "The provided principal was invalid. Please check the principal and try again."
        )
    made: Json = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": who,
        "Action": action,
        "Resource": function_arn,
    }
    conditions: Json = {}
    if source_account:
        conditions["StringEquals"] = {"AWS:SourceAccount": source_account}
    if source_arn:
        conditions["ArnLike"] = {"AWS:SourceArn": source_arn}
    return {**made, "Condition": conditions} if conditions else made


def document(statements: Iterable[Json]) -> str:
    """Return a policy as GetPolicy writes it."""
    policy = {"Version": "2012-10-17", "Id": "default", "Statement": list(statements)}
    return json.dumps(policy, separators=(",", ":"))


def allows(statements: Iterable[Json], *, principal: str, source_arn: str) -> bool:
    """Whether a service may invoke the function on behalf of ``source_arn``."""
    return any(_admits(each, principal, source_arn) for each in statements)


def _admits(made: Json, principal: str, source_arn: str) -> bool:
    try:
        policy = read_policy(document([made]), kind="resource")
    except MalformedError:  # Lambda takes principals that no policy can have, and they are nobody
        return False
    context = {"aws:sourcearn": source_arn, "aws:sourceaccount": source_arn.split(":")[4]}
    caller = Principal("service", principal, "")
    request = Request(caller, _INVOKE, made["Resource"], context=context)
    return decide(request, Policies(resource=(policy,))).allowed
