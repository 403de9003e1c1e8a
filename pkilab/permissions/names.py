"""What the next run's names will be: ``*`` where AWS chose a name, the caller's own names as is.

A policy for the next run cannot know identifiers that AWS will draw. What a caller named (a bucket,
a role, an account, a Region) stays.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pkilab.journal import Entry

# Creates that answer with a name that the caller gave, or that there is one of.
_CALLERS = frozenset(
    {
        "securityhub:EnableSecurityHub", "logs:CreateLogGroup", "sqs:CreateQueue",
        "ssm:PutParameter", "s3:PutObject", "s3:CopyObject", "s3:CompleteMultipartUpload",
    }
)  # fmt: skip
# AWS chooses these whoever asked for them, so that no answer of the journal's need say so.
_ALWAYS = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?<=:route53:::change/)[^/]+", r"(?<=:route53:::hostedzone/)[^/]+",
        r"(?<=:resource-share-invitation/)[^/]+",
        r"(?<=/r-)[a-z0-9]+", r"(?<=/ou-)[a-z0-9-]+", r"(?<=/p-)[a-z0-9]+", r"(?<=/h-)[a-z0-9]+",
        r"(?<=/routes/)[a-z0-9]+", r"(?<=/integrations/)[a-z0-9]+",
        r"(?<=/authorizers/)[a-z0-9]+", r"(?<=/deployments/)[a-z0-9]+",
        r"(?<=/apimappings/)[a-z0-9]+",
    )
)  # fmt: skip
_SECRET = re.compile(r"(:secret:.+)-(?:\w{6}|\*)")
# Of a digest or an identifier in the key of an S3 object.
_DRAWN = re.compile(
    r"(?<![\w-])(?:[0-9a-f]{32,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?![\w-])"
)
_SUFFIX = re.compile(r"[A-Za-z0-9]{12,13}")  # that CloudFormation puts behind its names
_LONGEST_NAME = 63  # a name that is longer, CloudFormation has cut
_S3 = ":s3:::"
_ACCOUNT = re.compile(r"[0-9]{12}|aws")


@dataclass(frozen=True, slots=True)
class Names:
    """What AWS named in some calls.

    Attributes:
        chosen: identifiers that answers brought.
        stacks: the names of stacks, with the logical IDs of their resources.
        patterns: ARNs of what stacks make, with ``*`` for what AWS chooses of them.
    """

    chosen: frozenset[str] = frozenset()
    stacks: tuple[tuple[str, tuple[str, ...]], ...] = ()
    patterns: frozenset[str] = field(default_factory=frozenset)

    def open(self, resource: str) -> str:
        """Return an ARN as the next run may meet it."""
        if resource == "*":
            return resource
        if secret := _SECRET.fullmatch(resource[resource.find(":secret:") :]):
            return f"{resource[: resource.find(':secret:')]}{secret[1]}-??????"
        for pattern in _ALWAYS:
            resource = pattern.sub("*", resource)
        for name in sorted(self.chosen, key=lambda text: (-len(text), text)):
            resource = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", "*", resource)
        if _S3 in resource and "/" in resource:
            bucket, slash, key = resource.partition("/")
            resource = bucket + slash + _DRAWN.sub("*", key)
        resource = re.sub(r"[^:/]+", lambda part: self._of_stack(part[0]), resource)
        covering = (each for each in sorted(self.patterns) if fnmatchcase(resource, each))
        return next(covering, resource)

    def _of_stack(self, name: str) -> str:
        """Return a name of CloudFormation's making, STACK-LOGICALID-SUFFIX, without its suffix."""
        start, dash, suffix = name.rpartition("-")
        if not (dash and _SUFFIX.fullmatch(suffix)):
            return name
        for stack, logical_ids in self.stacks:
            for logical_id in logical_ids:
                if _begins(start.casefold(), stack.casefold(), logical_id.casefold()):
                    return f"{start}-*"
        return name


def _begins(start: str, stack: str, logical_id: str) -> bool:
    """Whether a name's beginning is of a resource of a stack; long ones are cut."""
    if start == f"{stack}-{logical_id}":
        return True
    head, _, tail = start.rpartition("-")
    cut = len(start) + 14 >= _LONGEST_NAME
    return bool(cut and head and tail and stack.startswith(head) and logical_id.startswith(tail))


def chosen(entries: Iterable[Entry]) -> frozenset[str]:
    """Return the identifiers that AWS chose (UUIDs, serials), not the names callers chose."""
    return frozenset(
        name
        for entry, name in _made(entries)
        if name and not _ACCOUNT.fullmatch(name) and name not in repr(entry.parameters)
    )


def _made(entries: Iterable[Entry]) -> Iterator[tuple[Entry, str]]:
    for entry in entries:
        if entry.ok and f"{entry.service}:{entry.operation}" not in _CALLERS:
            for value in entry.results.values():
                yield entry, re.split("[/:]", value)[-1]
