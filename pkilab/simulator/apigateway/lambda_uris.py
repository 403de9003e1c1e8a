"""How API Gateway names the Lambda functions it runs.

Source: API Gateway API Reference, PutIntegration, ``uri``: a function's ARN (HTTP APIs), or the ARN
of the invocation of one.
"""

from __future__ import annotations

import re

_FUNCTION = re.compile(r"arn:aws:lambda:[\w-]+:\d{12}:function:[\w-]+(?::[\w$-]+)?", re.ASCII)
_INVOCATION = re.compile(
    r"arn:aws:apigateway:[\w-]+:lambda:path/2015-03-31/functions/(.+)/invocations", re.ASCII
)


def is_function(uri: str) -> bool:
    """Whether a URI is a function's ARN."""
    return _FUNCTION.fullmatch(uri) is not None


def is_invocation(uri: str) -> bool:
    """Whether a URI is the ARN of a function's invocation."""
    return invoked(uri) != uri and is_function(invoked(uri))


def invoked(uri: str) -> str:
    """Return the function's ARN that a URI names, in either of its two forms."""
    found = _INVOCATION.fullmatch(uri)
    return found[1] if found else uri
