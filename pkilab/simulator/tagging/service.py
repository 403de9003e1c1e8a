"""The Resource Groups Tagging API: resources, keys and values, by what the services have.

AWS's own index lags behind and remembers what had tags once; here the services are asked, and what
has no tags now is not listed. IAM roles and users are left out, as on AWS. Tags are set and taken
away by each service's own operations: TagResources and UntagResources are not simulated.

Sources: Resource Groups Tagging API Reference, GetResources, GetTagKeys, GetTagValues, "Services
that support the Resource Groups Tagging API" ("GetResources, GetTagKeys, and GetTagValues
operations support all resource types ... does not currently support IAM users and roles").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from pkilab.simulator.service import AwsError, Call, Json, JsonService, not_simulated
from pkilab.simulator.tagging import paging
from pkilab.simulator.tagging.resources import Taggable, Tagged, is_of, matches
from pkilab.simulator.world import World

_RESOURCES, _MOST_RESOURCES = 50, 100  # on a page, unless said otherwise, and at most
_TAGS = range(100, 501)
_NAMES = 1000  # keys or values on a page: unpublished


class Tagging(JsonService):
    """The service, for every account and Region of a world.

    Args:
        world: whose it is.
        services: what has resources with tags.
    """

    name: ClassVar[str] = "tagging"
    model: ClassVar[str] = "resourcegroupstaggingapi"

    def __init__(self, world: World, services: Iterable[Taggable]) -> None:
        super().__init__(world)
        self._services = tuple(services)

    def get_resources(
        self,
        call: Call,
        *,
        pagination_token: str = "",
        tag_filters: Sequence[Json] = (),
        resources_per_page: int | None = None,
        tags_per_page: int | None = None,
        resource_type_filters: Sequence[str] = (),
        include_compliance_details: bool = False,
        exclude_compliant_resources: bool = False,
        resource_arn_list: Sequence[str] = (),
    ) -> Json:
        """Return what has tags and passes every filter, by its ARN."""
        if exclude_compliant_resources and not include_compliance_details:
            raise _invalid("ExcludeCompliantResources needs IncludeComplianceDetails.")
        if include_compliance_details:
            raise not_simulated("tagging:GetResources with IncludeComplianceDetails")
        paged = pagination_token or resources_per_page is not None or tags_per_page is not None
        if resource_arn_list and (tag_filters or resource_type_filters or paged):
            raise _invalid(
                "ResourceARNList cannot be used together with TagFilters, ResourceTypeFilters or "
                "the parameters of pages."
            )
        size = _RESOURCES if resources_per_page is None else resources_per_page
        if not 1 <= size <= _MOST_RESOURCES:
            raise _invalid(f"ResourcesPerPage must be between 1 and {_MOST_RESOURCES}")
        if tags_per_page is not None and tags_per_page not in _TAGS:
            raise _invalid(f"TagsPerPage must be between {_TAGS[0]} and {_TAGS[-1]}")
        if resource_arn_list:
            wanted = _arns(resource_arn_list)
            found = [each for each in self._tagged(call) if each[0] in wanted]
            return {"PaginationToken": "", "ResourceTagMappingList": list(map(_shown, found))}
        found = [
            each for each in self._tagged(call) if _passes(each, tag_filters, resource_type_filters)
        ]
        scope = f"{call.account} {call.region} {tag_filters} {resource_type_filters}"
        keys = [arn for arn, _ in found]
        first = paging.start(keys, pagination_token, scope, call.now)
        end = _end(found, first, size, tags_per_page)
        return {
            "PaginationToken": paging.following(keys, end, scope, call.now),
            "ResourceTagMappingList": list(map(_shown, found[first:end])),
        }

    def get_tag_keys(self, call: Call, *, pagination_token: str = "") -> Json:
        """Return every key that is in use."""
        found = {key for _, tags in self._tagged(call) for key in tags}
        return self._names("TagKeys", found, call, pagination_token)

    def get_tag_values(self, call: Call, *, key: str, pagination_token: str = "") -> Json:
        """Return every value that a key has."""
        found = {tags[key] or "" for _, tags in self._tagged(call) if key in tags}
        return self._names("TagValues", found, call, pagination_token, key)

    @staticmethod
    def _names(member: str, names: Iterable[str], call: Call, token: str, of: str = "") -> Json:
        found, scope = sorted(names), f"{call.account} {call.region} {member} {of}"
        first = paging.start(found, token, scope, call.now)
        following = paging.following(found, first + _NAMES, scope, call.now)
        return {"PaginationToken": following, member: found[first : first + _NAMES]}

    def _tagged(self, call: Call) -> list[Tagged]:
        """Return what the caller has in the Region that has tags, by its ARN."""
        every = (
            each
            for service in self._services
            for each in service.tagged_resources(call.account, call.region)
        )
        return sorted((each for each in every if each[1]), key=lambda each: each[0])


def _passes(found: Tagged, filters: Sequence[Json], types: Sequence[str]) -> bool:
    arn, tags = found
    return all(matches(tags, each.get("Key", ""), each.get("Values", ())) for each in filters) and (
        not types or any(is_of(arn, each) for each in types)
    )


def _end(found: Sequence[Tagged], first: int, size: int, tags: int | None) -> int:
    """Return where a page ends that holds so many resources, and so many tags, at most."""
    end = first
    for _, own in found[first : first + size]:
        if tags is not None and end > first and tags < len(own):
            break
        tags = None if tags is None else tags - len(own)
        end += 1
    return end


def _arns(named: Sequence[str]) -> set[str]:
    for each in named:
        if not each.startswith("arn:") or each.count(":") < 5:  # noqa: PLR2004 - an ARN's colons
            raise _invalid(f"{each} not a valid AmazonResourceName (ARN)")
    return set(named)


def _shown(found: Tagged) -> Json:
    arn, tags = found
    pairs = [{"Key": key, "Value": value or ""} for key, value in tags.items()]
    return {"ResourceARN": arn, "Tags": pairs}


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterException", message)
