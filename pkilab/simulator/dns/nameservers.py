"""The names and addresses of Route 53's name servers: 2,048 of them, in four top-level domains.

A public zone gets one of each domain. How names and addresses go together was read off zones in
the field: server 421 is ns-421.awsdns-52.com at 205.251.193.165.

Source: Route 53 Developer Guide, NS and SOA records; ip-ranges.json, service ROUTE53.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address

from pkilab.simulator.dns.names import Name, host_text

DOMAINS = ("com", "net", "org", "co.uk")
PER_DOMAIN = 512
_BLOCK = 8  # servers that share the number in awsdns-NN
_FIRST = IPv4Address("205.251.192.0")
_NAME = re.compile(r"ns-(\d{1,4})\.awsdns-(\d\d)\.(com|net|org|co\.uk)")


def host(number: int) -> str:
    """Return the host name of a server, without a final dot.

    Args:
        number: from 0 to 2,047.
    """
    domain, within = divmod(number, PER_DOMAIN)
    return f"ns-{number}.awsdns-{within // _BLOCK:02}.{DOMAINS[domain]}"


def number(name: Name) -> int | None:
    """Return the server of a host name; None: it is not one of Route 53's."""
    text = host_text(name)
    if (found := _NAME.fullmatch(text)) is None:
        return None
    which = int(found[1])
    return which if which < len(DOMAINS) * PER_DOMAIN and host(which) == text else None


def address(number: int) -> IPv4Address:
    """Return the address of a server."""
    return _FIRST + number


def at(where: IPv4Address) -> int | None:
    """Return the server at an address; None: there is none of Route 53's."""
    which = int(where) - int(_FIRST)
    return which if 0 <= which < len(DOMAINS) * PER_DOMAIN else None
