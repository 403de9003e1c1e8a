"""What a CloudFormation stack makes that costs money, read from its template.

A stack's resources are made by CloudFormation, so no journal sees them. `with_contents` puts beside
a call that makes a stack the calls that would make its contents, and beside the stack's deletion
theirs; whoever counts costs then needs no rule for stacks.

A resource under a condition counts, and a CA is taken as general purpose: both can only make the
sum too high. A template with a type that is not known here, with a macro or with a nested stack
costs nobody knows what.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pkilab.journal import Entry

# Not a parameter's type, such as AWS::Route53::HostedZone::Id.


class _Call(NamedTuple):
    """The call that makes a resource, where its answer names it, and the call that ends it."""

    service: str
    creates: str
    names: str
    deletes: str


_CHARGED = {
    "AWS::ACMPCA::CertificateAuthority": _Call(
        "acm-pca",
        "CreateCertificateAuthority",
        "CertificateAuthorityArn",
        "DeleteCertificateAuthority",
    ),
    "AWS::ACMPCA::Certificate": _Call("acm-pca", "IssueCertificate", "CertificateArn", ""),
    "AWS::KMS::Key": _Call("kms", "CreateKey", "Arn", "ScheduleKeyDeletion"),
    "AWS::Route53::HostedZone": _Call("route53", "CreateHostedZone", "Arn", "DeleteHostedZone"),
    "AWS::SecretsManager::Secret": _Call("secretsmanager", "CreateSecret", "ARN", "DeleteSecret"),
}


# Types of which it costs nothing to have one.
_FREE = frozenset(
    {
        "AWS::ACMPCA::CertificateAuthorityActivation",
        "AWS::ACMPCA::Permission",
        "AWS::ApiGatewayV2::Api",
        "AWS::ApiGatewayV2::ApiMapping",
        "AWS::ApiGatewayV2::Authorizer",
        "AWS::ApiGatewayV2::DomainName",
        "AWS::ApiGatewayV2::Integration",
        "AWS::ApiGatewayV2::Route",
        "AWS::ApiGatewayV2::Stage",
        "AWS::CertificateManager::Account",
        "AWS::CertificateManager::Certificate",
        "AWS::CloudTrail::Trail",
        "AWS::Events::EventBus",
        "AWS::Events::EventBusPolicy",
        "AWS::Events::Rule",
        "AWS::IAM::ManagedPolicy",
        "AWS::IAM::Policy",
        "AWS::IAM::Role",
        "AWS::IAM::RolePolicy",
        "AWS::IAM::User",
        "AWS::KMS::Alias",
        "AWS::Lambda::EventInvokeConfig",
        "AWS::Lambda::Function",
        "AWS::Lambda::Permission",
        "AWS::Logs::LogGroup",
        "AWS::Logs::ResourcePolicy",
        "AWS::Route53::RecordSet",
        "AWS::Route53::RecordSetGroup",
        "AWS::S3::Bucket",
        "AWS::S3::BucketPolicy",
        "AWS::SNS::Subscription",
        "AWS::SNS::Topic",
        "AWS::SNS::TopicInlinePolicy",
        "AWS::SNS::TopicPolicy",
        "AWS::SQS::Queue",
        "AWS::SQS::QueueInlinePolicy",
        "AWS::SQS::QueuePolicy",
        "AWS::SecretsManager::ResourcePolicy",
        "AWS::SecretsManager::RotationSchedule",
        "AWS::SecurityHub::Hub",
    }
)


def makes_stack(operation: str, parameters: Mapping[str, object]) -> bool:
    """Whether a call of CloudFormation's makes a new stack."""
    new = parameters.get("ChangeSetType") == "CREATE"
    return operation == "CreateStack" or (operation == "CreateChangeSet" and new)


def charged_types(parameters: Mapping[str, object]) -> tuple[str, ...] | None:
    """Return the types of a template that cost money, one for each; None: that cannot be told."""
    template = parameters.get("TemplateBody")
    return _charged_types(template) if isinstance(template, str) else None


@cache  # a budget prices all calls of a run before each one
def _charged_types(template: str) -> tuple[str, ...] | None:
    from pkilab.permissions.templates import read  # noqa: PLC0415 - only who makes stacks

    document = read(template)
    if document is None or "Transform" in document:
        return None
    resources = document["Resources"].values()
    found = [each.get("Type") if isinstance(each, dict) else None for each in resources]
    if any(not isinstance(kind, str) or kind not in {*_FREE, *_CHARGED} for kind in found):
        return None
    return tuple(kind for kind in found if kind in _CHARGED)


def with_contents(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Yield calls, and after each that makes or deletes a stack those for its contents."""
    standing: dict[str, list[Entry]] = {}
    for entry in entries:
        yield entry
        if entry.service != "cloudformation":
            continue
        if makes_stack(entry.operation, entry.parameters) and "StackId" in entry.results:
            arn = entry.results["StackId"]
            standing[arn] = list(_contents(entry, arn))
            yield from standing[arn]
        elif entry.operation == "DeleteStack":
            gone = [arn for arn in standing for each in entry.resources if fnmatchcase(arn, each)]
            for arn in gone:
                yield from _deletions(entry, standing.pop(arn))


def _contents(entry: Entry, stack: str) -> Iterator[Entry]:
    authority = ""
    for number, kind in enumerate(charged_types(entry.parameters) or ()):
        call, arn = _CHARGED[kind], f"{stack}/{number}"
        authority = arn if call.creates == "CreateCertificateAuthority" else authority
        yield replace(
            entry,
            service=call.service,
            operation=call.creates,
            resources=(arn,),
            parameters={"CertificateAuthorityArn": authority} if authority else {},
            results={call.names: arn},
        )


def _deletions(entry: Entry, contents: Iterable[Entry]) -> Iterator[Entry]:
    ends = {call.creates: call.deletes for call in _CHARGED.values()}
    for made in contents:
        if operation := ends[made.operation]:
            yield replace(
                made,
                at=entry.at,
                number=entry.number,
                operation=operation,
                parameters={},
                results={},
            )
