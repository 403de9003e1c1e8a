"""How functions are named: by a name, a partial or a whole ARN, with a qualifier or without.

Source: AWS Lambda API Reference, Invoke (FunctionName).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pkilab.simulator.functions.errors import invalid
from pkilab.simulator.service import Call

_NAME = re.compile(
    r"(?:arn:aws[\w-]*:lambda:)?(?:(?P<region>[a-z]{2}[\w-]*-\d):)?(?:(?P<account>\d{12}):)?"
    r"(?:function:)?(?P<name>[\w-]+)(?::(?P<qualifier>\$LATEST|[\w-]+))?"
)


def parse(named: str) -> dict[str, str | None]:
    """Return the parts of a name: region, account, name, qualifier; ``None``: left out.

    Raises:
        AwsError: InvalidParameterValueException.
    """
    found = _NAME.fullmatch(named)
    if found is None:
        raise invalid(f"The function name is not valid: {named!r}")
    return found.groupdict()


def arn_of(named: Mapping[str, str | None], call: Call | None = None) -> str:
    """Return the unqualified ARN; what the name leaves out is the caller's."""
    region = named["region"] or (call.region if call else "")
    account = named["account"] or (call.account if call else "")
    return f"arn:aws:lambda:{region}:{account}:function:{named['name']}"
