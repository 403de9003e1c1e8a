"""Which condition keys a policy asks for where it speaks of a request."""

from __future__ import annotations

from collections.abc import Iterator

from pkilab.iam import Document, Request
from pkilab.iam.documents import candidates


def asked(document: Document, request: Request) -> Iterator[str]:
    """Yield keys in conditions and variables, in small letters.

    Statements about other actions, resources and callers are left out: what they ask for decides
    nothing.
    """
    for _, statement in candidates(document, request.action.lower()):
        named = statement.principals is None or statement.principals.names(request.principal)
        resources = statement.resources
        # None: a variable in it has no value, which is for the caller to know.
        about = resources is None or resources.cover(request.resource, request.context) is not False
        if named and about:
            yield from statement.context_keys()
