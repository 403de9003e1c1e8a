"""How each kind of thing that a lab creates is deleted, with the steps that AWS wants before.

One function a kind, by service in the modules of this package. `pkilab.cleaning` decides what is
deleted, and in which order.
"""

from __future__ import annotations

from collections.abc import Callable

from pkilab.cleaning.removal import (
    authorities,
    buckets,
    events,
    gateways,
    identities,
    organizations,
    shares,
    stacks,
    zones,
)
from pkilab.cleaning.removal import kinds as of_kind
from pkilab.cleaning.removal.asking import ClientFor, Removal, Sleep
from pkilab.cleaning.removal.kinds import Created, Removed

__all__ = ["ClientFor", "Created", "Removal", "Removed", "Sleep", "remove"]

_REMOVERS: dict[str, Callable[[Removal], Removed]] = {
    of_kind.AUTHORITY: authorities.authority,
    of_kind.ACM: authorities.acm,
    of_kind.KEY: authorities.key,
    of_kind.ALIAS: authorities.alias,
    of_kind.PARAMETER: authorities.parameter,
    of_kind.SECRET: authorities.secret,
    of_kind.BUCKET: buckets.bucket,
    of_kind.OBJECT: buckets.written_object,
    of_kind.DOMAIN: gateways.domain,
    of_kind.HTTP_API: gateways.http_api,
    of_kind.REST_API: gateways.rest_api,
    of_kind.FUNCTION: gateways.function,
    of_kind.FUNCTION_LOGS: events.function_logs,
    of_kind.STACK: stacks.stack,
    of_kind.ZONE: zones.zone,
    of_kind.RECORD: zones.record,
    of_kind.ROLE: identities.role,
    of_kind.USER: identities.user,
    of_kind.POLICY: identities.policy,
    of_kind.MFA_DEVICE: identities.mfa_device,
    of_kind.ATTACHMENT: identities.attachment,
    of_kind.CONTROL: organizations.control,
    of_kind.UNIT: organizations.unit,
    of_kind.ORGANIZATION: organizations.organization,
    of_kind.EVENT_RULE: events.rule,
    of_kind.EVENT_BUS: events.bus,
    of_kind.TRAIL: events.trail,
    of_kind.HUB: events.hub,
    of_kind.QUEUE: events.queue,
    of_kind.TOPIC: events.topic,
    of_kind.LOG_GROUP: events.log_group,
    of_kind.SHARE: shares.share,
    of_kind.PERMISSION: shares.permission,
}


def remove(created: Created, client_for: ClientFor, *, days: int = 7, sleep: Sleep) -> Removed:
    """Delete one thing.

    Args:
        created: the thing.
        client_for: given a service, an account alias and a Region, returns a client.
        days: how long what AWS deletes with a delay stays restorable, 7 to 30.
        sleep: waits for some seconds.

    Raises:
        ClientError: AWS refused.
        StillThereError: something stands in the way that may be gone later.
    """
    if remover := _REMOVERS.get(created.kind):
        return remover(Removal(created, client_for, days, sleep))
    return Removed("left", _why_not(created))


def _why_not(created: Created) -> str:
    if why := created.told.get("why"):
        return str(why)
    if created.kind == of_kind.CERTIFICATE:
        return "a certificate cannot be deleted; revoke it if it must not be trusted"
    return f"how to delete this is not known here: {created.service} {created.kind}"
