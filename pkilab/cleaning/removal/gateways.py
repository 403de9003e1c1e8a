"""Domain names, APIs and functions."""

from __future__ import annotations

from typing import Any

from pkilab.cleaning.removal.asking import Removal, pages
from pkilab.cleaning.removal.kinds import Removed
from pkilab.journal import count

# API Gateway takes one DeleteRestApi in 30 seconds, and one DeleteDomainName, from an account.
# Source: API Gateway Developer Guide, "Quotas for creating, deploying and managing an API".
_AT_MOST, _EVERY = 300, 31


def domain(of: Removal) -> Removed:
    """Delete a domain name with its mappings; its certificate can go some minutes later."""
    client: Any = of.client()
    name = of.thing.name
    if of.thing.service == "apigateway":
        of.patiently(
            lambda: client.delete_domain_name(domainName=name), at_most=_AT_MOST, every=_EVERY
        )
        return Removed("removed")
    mappings = list(pages(client, "get_api_mappings", "Items", DomainName=name))
    for mapping in mappings:
        client.delete_api_mapping(ApiMappingId=mapping["ApiMappingId"], DomainName=name)
    of.patiently(lambda: client.delete_domain_name(DomainName=name), at_most=_AT_MOST, every=_EVERY)
    return Removed("removed", f"with {count(len(mappings), 'mapping')}" if mappings else "")


def http_api(of: Removal) -> Removed:
    """Delete an HTTP API."""
    client, name = of.client(), of.thing.name
    of.patiently(lambda: client.delete_api(ApiId=name), at_most=_AT_MOST, every=_EVERY)
    return Removed("removed")


def rest_api(of: Removal) -> Removed:
    """Delete a REST API."""
    client, name = of.client(), of.thing.name
    of.patiently(lambda: client.delete_rest_api(restApiId=name), at_most=_AT_MOST, every=_EVERY)
    return Removed("removed")


def function(of: Removal) -> Removed:
    """Delete a function; its log group is a thing of its own."""
    of.client().delete_function(FunctionName=of.thing.arn)
    return Removed("removed")
