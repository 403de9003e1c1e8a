"""What a CloudFormation stack makes that costs money, read from its template.

A stack's resources are made by CloudFormation, so no journal sees them. `with_contents` puts beside
a call that makes a stack the calls that would make its contents, and beside the stack's deletion
theirs; whoever counts costs then needs no rule for stacks.

The template is searched for resource types, not understood: a resource under a condition counts,
and a CA is taken as general purpose. Both can only make the sum too high.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pkilab.journal import Entry

# Not a parameter's type, such as AWS::Route53::HostedZone::Id.
_TYPE = re.compile(r"""(?:^|[\s{,"'])Type["']?\s*:\s*["']?(AWS::\w+::\w+)(?![\w:])""")


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


def makes_stack(operation: str, parameters: Mapping[str, object]) -> bool:
    """Whether a call of CloudFormation's makes a new stack."""
    new = parameters.get("ChangeSetType") == "CREATE"
    return operation == "CreateStack" or (operation == "CreateChangeSet" and new)


def charged_types(parameters: Mapping[str, object]) -> tuple[str, ...] | None:
    """Return the types of a template that cost money, one for each; None: there is no template."""
    template = parameters.get("TemplateBody")
    if not isinstance(template, str):
        return None
    return tuple(each for each in _TYPE.findall(template) if each in _CHARGED)


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
