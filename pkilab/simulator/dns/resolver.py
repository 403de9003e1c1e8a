"""A client of the world's DNS: it sends real queries and reads real answers.

The transport is a function from query to response, so the same bytes travel in-process as over UDP.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pkilab.simulator.dns.caa import CaaRecord, CaaSet
from pkilab.simulator.dns.messages import (
    kind_name,
    owner_of,
    rcode_name,
    read_message,
    write_query,
)
from pkilab.simulator.dns.names import Name, fold, name_text, parse_name
from pkilab.simulator.dns.records import value_text


@dataclass(frozen=True, slots=True)
class DnsAnswer:
    """What DNS says about a name.

    Names have a final dot and lower-case letters. ``rcode`` is ``NOERROR``, ``NXDOMAIN``,
    ``SERVFAIL``...; NOERROR without values means that the name exists and has none of that kind.
    ``chain`` holds the targets of the CNAMEs that were followed, in order; what the last of them
    has, or that it does not exist, is what ``values`` and ``rcode`` say. A CNAME that is itself
    asked for is a value and is not followed.
    """

    name: str
    kind: str
    values: tuple[str, ...]
    rcode: str
    chain: tuple[str, ...] = ()


class Resolver:
    """Asks the world's recursive server.

    Args:
        ask: sends a query and returns the response, both as bytes on the wire. Whoever calls
            holds the world's turn.
    """

    def __init__(self, ask: Callable[[bytes], bytes | None]) -> None:
        self._ask = ask

    def look_up(self, name: str, kind: str) -> DnsAnswer:
        """Look up a name's records of a kind, following CNAMEs.

        Args:
            name: case and a final dot do not matter; octets may be escaped as Route 53 does.
            kind: such as ``A``, ``CNAME``, ``TXT`` or ``CAA``.

        Raises:
            MalformedError: it is no domain name.
        """
        answer, chain, found = self._exchange(name, kind)
        values = tuple(value_text(kind, record.rdata) for record in found)
        shown = tuple(name_text(target) for target in chain)
        return DnsAnswer(name_text(parse_name(name)), kind, values, rcode_name(answer), shown)

    def caa(self, name: str) -> CaaSet:
        """Find the CAA records that apply to a name, climbing towards the root.

        Aliases of each name are followed, their parents are not climbed. A wildcard's asterisk is
        left out.

        Raises:
            MalformedError: it is no domain name.

        Source: RFC 8659, section 3.
        """
        wanted = parse_name(name)
        if wanted[:1] == (b"*",):
            wanted = wanted[1:]
        shown = name_text(wanted)
        while wanted:
            owner = name_text(wanted)
            answer, _, found = self._exchange(owner, "CAA")
            if (rcode := rcode_name(answer)) not in {"NOERROR", "NXDOMAIN"}:
                return CaaSet(shown, owner, (), rcode)
            if found:
                held = (CaaRecord(r.rdata.flags, r.rdata.tag, r.rdata.value) for r in found)
                return CaaSet(shown, owner, tuple(held))
            wanted = wanted[1:]
        return CaaSet(shown, "", ())

    def _exchange(self, name: str, kind: str) -> tuple[Any, list[Name], list[Any]]:
        """Return the response, the CNAMEs followed in it, and the records at their end."""
        answer = read_message(self._ask(write_query(name, kind)) or b"")
        at, chain = parse_name(name), []
        for record in answer.rr if kind != "CNAME" else ():
            if kind_name(record) == "CNAME" and owner_of(record) == at:
                at = fold(record.rdata.label.label)
                chain.append(at)
        found = [r for r in answer.rr if kind_name(r) == kind and owner_of(r) == at]
        return answer, chain, found
