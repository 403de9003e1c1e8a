"""Every operation of every service that the simulator has, and what it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pkilab.simulator.access import (
    acm,
    acmpca,
    apigateway,
    cloudformation,
    cloudtrail,
    events,
    functions,
    iam,
    kms,
    logs,
    organizations,
    ram,
    route53,
    s3,
    secretsmanager,
    securityhub,
    sns,
    sqs,
    ssm,
    sts,
)
from pkilab.simulator.access.asking import Access, Asked, Facts, Table
from pkilab.simulator.service import Call, Json, not_simulated


@dataclass(frozen=True, slots=True)
class Service:
    """A service's actions.

    Attributes:
        prefix: of its actions.
        table: what its operations need.
        keys: the condition keys that are filled in where AWS fills them in; one that ends in a
            slash or a colon stands for all that begin so.
    """

    prefix: str
    table: Table
    keys: frozenset[str]


_NONE: frozenset[str] = frozenset()
SERVICES: Mapping[str, Service] = {  # by the name that the simulator has for it
    "acm": Service(acm.PREFIX, acm.TABLE, acm.KEYS),
    "acm-pca": Service(acmpca.PREFIX, acmpca.TABLE, acmpca.KEYS),
    "apigateway": Service(apigateway.PREFIX, apigateway.table("apigateway"), apigateway.KEYS),
    "apigatewayv2": Service(apigateway.PREFIX, apigateway.table("apigatewayv2"), apigateway.KEYS),
    "cloudformation": Service(cloudformation.PREFIX, cloudformation.TABLE, cloudformation.KEYS),
    "cloudtrail": Service(cloudtrail.PREFIX, cloudtrail.TABLE, cloudtrail.KEYS),
    "events": Service(events.PREFIX, events.TABLE, events.KEYS),
    "iam": Service(iam.PREFIX, iam.TABLE, iam.KEYS),
    "kms": Service(kms.PREFIX, kms.TABLE, kms.KEYS),
    "lambda": Service(functions.PREFIX, functions.TABLE, functions.KEYS),
    "logs": Service(logs.PREFIX, logs.TABLE, logs.KEYS),
    "organizations": Service(organizations.PREFIX, organizations.TABLE, organizations.KEYS),
    "ram": Service(ram.PREFIX, ram.TABLE, ram.KEYS),
    "route53": Service(route53.PREFIX, route53.TABLE, route53.KEYS),
    "route53domains": Service(route53.DOMAINS, route53.DOMAINS_TABLE, _NONE),
    "s3": Service(s3.PREFIX, s3.TABLE, s3.KEYS),
    "secretsmanager": Service(secretsmanager.PREFIX, secretsmanager.TABLE, secretsmanager.KEYS),
    "securityhub": Service(securityhub.PREFIX, securityhub.TABLE, securityhub.KEYS),
    "sns": Service(sns.PREFIX, sns.TABLE, sns.KEYS),
    "sqs": Service(sqs.PREFIX, sqs.TABLE, sqs.KEYS),
    "ssm": Service(ssm.PREFIX, ssm.TABLE, ssm.KEYS),
    "sts": Service(sts.PREFIX, sts.TABLE, sts.KEYS),
    "tagging": Service(logs.TAGGING, logs.TAGGING_TABLE, _NONE),
}
_OF_SERVICES = ("aws:resourcetag/", "aws:requesttag/", "aws:tagkeys")


def accesses(
    service: str, operation: str, members: Json, call: Call, facts: Facts
) -> tuple[Access, ...]:
    """Return what an operation needs, in the order in which it is asked for.

    Args:
        service: the simulator's name for it.
        operation: in the words of the service's model.
        members: decoded.
        call: who calls, and where.
        facts: the world's.

    Raises:
        AwsError: NotImplemented, what the operation needs is not known here; InvalidArgument, it
            cannot be read off the request.
    """
    known = SERVICES.get(service)
    if known is None or operation not in known.table:
        raise not_simulated(f"{service}:{operation} where policies are enforced")
    asked = Asked(known.prefix, operation, members, call, facts)
    return tuple(known.table[operation](asked))


def fills_in(action: str, key: str) -> bool:
    """Say whether a condition key means something in requests for an action.

    Keys of other services than the action's are absent from its requests on AWS, too. A key of its
    own service that is not filled in here must not be taken for absent.

    Args:
        action: such as ``s3:GetObject``.
        key: in small letters.
    """
    prefix = action.partition(":")[0].lower()
    if not key.startswith((f"{prefix}:", *_OF_SERVICES)):
        return True
    if key.startswith(s3.UNREAD.get(action.lower(), ())):
        return False
    keys = _KEYS.get(prefix, _NONE)
    return key in keys or any(key.startswith(each) for each in keys if each[-1] in "/:")


_KEYS: dict[str, frozenset[str]] = {}
for _each in SERVICES.values():
    _KEYS[_each.prefix] = _KEYS.get(_each.prefix, _NONE) | _each.keys
