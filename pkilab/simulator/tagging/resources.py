"""What the tagging API knows of a resource: its ARN, its tags, and of which type it is.

Sources: Resource Groups Tagging API Reference, GetResources (ResourceTypeFilters: "the same as that
embedded in a resource's Amazon Resource Name"); Service Authorization Reference (ARNs).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol, TypeAlias, runtime_checkable

#: ARN and tags; a tag that was given without a value has None.
Tagged: TypeAlias = tuple[str, Mapping[str, str | None]]

# What ARNs without a type are called; "s3:bucket" is the API Reference's own example.
_TYPELESS = {"s3": "bucket", "sns": "topic", "sqs": "queue"}


@runtime_checkable
class Taggable(Protocol):
    """A service that has resources with tags."""

    def tagged_resources(self, account: str, region: str) -> Iterable[Tagged]:
        """Return what an account has in a Region, with tags or without.

        What is of no Region is in us-east-1.
        """


def type_of(arn: str) -> tuple[str, str]:
    """Return the service and the type of an ARN, as ResourceTypeFilters write them."""
    _, _, service, _, _, resource = arn.split(":", 5)
    if service in _TYPELESS:
        return service, _TYPELESS[service]
    kind = resource.removeprefix("/").replace("/", ":").partition(":")[0]  # /restapis/ID, key/ID
    return service, kind


def is_of(arn: str, asked: str) -> bool:
    """Say whether a resource is of what a filter asks for: ``service`` or ``service:type``.

    Args:
        arn: the resource's.
        asked: such as ``s3`` or ``kms:key``; API Gateway's types may have their slash in front.
    """
    service, kind = type_of(arn)
    wanted, _, type_wanted = asked.partition(":")
    return service == wanted and type_wanted.removeprefix("/") in {"", kind}


def matches(tags: Mapping[str, str | None], key: str, values: Iterable[str]) -> bool:
    """Say whether tags have a key, with one of these values; no values: with any."""
    wanted = set(values)
    return key in tags and (not wanted or (tags[key] or "") in wanted)
