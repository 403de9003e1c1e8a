"""Calls that a service makes in a role that it has assumed.

Sources: IAM User Guide, "Roles terms and concepts" (service role); CloudTrail User Guide,
"CloudTrail userIdentity element" (a role's session calls by itself, nobody on its behalf).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from pkilab.simulator.cloudformation.calls import Caller
from pkilab.simulator.identity import Identity
from pkilab.simulator.service import Call, HttpRequest, HttpResponse, Json

Handle = Callable[[HttpRequest], HttpResponse]


class DirectCaller(Caller):
    """Calls the world's services as who the call says, without a service in between."""

    def _request(self, service: str, sent: Json) -> HttpRequest:
        return replace(super()._request(service, sent), sender=self.call)


def as_role(handle: Handle, identity: Identity, region: str, now: datetime) -> DirectCaller:
    """Return who calls in a role's session; its policies decide, where policies are enforced."""
    principal = identity.principal
    call = Call(
        principal.account,
        region,
        now,
        principal.arn,
        identity.access_key_id,
        identity=identity,
    )
    return DirectCaller(handle, call)
