"""Every resource type that is modelled, by its name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pkilab.simulator.cloudformation import known
from pkilab.simulator.cloudformation.documents import invalid
from pkilab.simulator.cloudformation.resources import (
    acm,
    acmpca,
    apigatewayv2,
    cloudtrail,
    events,
    functions,
    iam,
    logs,
    route53,
    s3,
    securityhub,
    sns,
    sqs,
)
from pkilab.simulator.cloudformation.resources.base import ResourceType
from pkilab.simulator.service import not_simulated

TYPES: Mapping[str, ResourceType] = {
    each.type: each
    for each in (
        acm.Account(),
        acm.Certificate(),
        acmpca.Certificate(),
        acmpca.CertificateAuthority(),
        acmpca.CertificateAuthorityActivation(),
        acmpca.Permission(),
        apigatewayv2.Api(),
        apigatewayv2.ApiMapping(),
        apigatewayv2.Authorizer(),
        apigatewayv2.DomainName(),
        apigatewayv2.Integration(),
        apigatewayv2.Route(),
        apigatewayv2.Stage(),
        cloudtrail.Trail(),
        events.EventBus(),
        events.EventBusPolicy(),
        events.Rule(),
        functions.EventInvokeConfig(),
        functions.Function(),
        functions.Permission(),
        iam.ManagedPolicy(),
        iam.Policy(),
        iam.Role(),
        iam.RolePolicy(),
        logs.LogGroup(),
        route53.HostedZone(),
        route53.RecordSet(),
        route53.RecordSetGroup(),
        s3.Bucket(),
        s3.BucketPolicy(),
        securityhub.Hub(),
        sns.Subscription(),
        sns.Topic(),
        sns.TopicInlinePolicy(),
        sns.TopicPolicy(),
        sqs.Queue(),
        sqs.QueueInlinePolicy(),
        sqs.QueuePolicy(),
    )
}


def check(names: Iterable[str]) -> None:
    """Refuse types that AWS does not have, or that are not modelled.

    Raises:
        AwsError: ValidationError; NotImplemented.
    """
    missing = [name for name in dict.fromkeys(names) if name not in TYPES]
    if unknown := [name for name in missing if not known.exists(name)]:
        found = ", ".join(unknown)
        raise invalid(f"Template format error: Unrecognized resource types: [{found}]")
    if missing:
        raise not_simulated(f"the resource type {', '.join(missing)}")
