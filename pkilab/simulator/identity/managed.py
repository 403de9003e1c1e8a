"""The policies that AWS manages, from the copy of them that moto ships.

moto holds them all or, as here, none: reading 1,500 policies for every account costs too much. One
is cut out of moto's text when it is named first.
"""

from __future__ import annotations

import json
import re
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, iam_backends

_ARN = re.compile(r"arn:aws:iam::aws:policy(?P<path>/(?:[\w.-]+/)*)(?P<name>[\w+=,.@-]{1,128})")
_DECODER = json.JSONDecoder()


def admit_managed(account: str, arn: str) -> None:
    """Let an account know a policy of AWS's by its ARN; what is none is left alone.

    Args:
        account: 12 digits.
        arn: such as ``arn:aws:iam::aws:policy/AdministratorAccess``.
    """
    backend = iam_backends[account]["aws"]
    named = _ARN.fullmatch(arn)
    if named is None or arn in backend.managed_policies:
        return
    found = _entry(named["name"])
    if found is None or found["Path"] != named["path"]:
        return
    policy = AWSManagedPolicy.from_data(named["name"], account, backend.region_name, found)
    backend.managed_policies[policy.arn] = policy
    backend.aws_managed_policies.append(policy)


def _entry(name: str) -> dict[str, Any] | None:
    """Return what moto's text says of a policy; its keys stand alone on a line, one space in."""
    key = f'\n "{name}":'
    at = aws_managed_policies_data.find(key)
    if at < 0:
        return None
    found: dict[str, Any] = _DECODER.raw_decode(aws_managed_policies_data, at + len(key))[0]
    return found
