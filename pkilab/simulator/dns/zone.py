"""What one zone knows about a name: the algorithm of an authoritative server. Pure.

Source: RFC 1034, section 4.3.2; RFC 4592 (wildcards); RFC 2308 (negative answers); RFC 6604 (the
response code at the end of a chain of aliases).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from pkilab.simulator.dns.names import Name, is_within
from pkilab.simulator.dns.records import Rdata, RecordSet, target

# Finds the addresses (of type A) of a host that no zone holds, for an alias that leads there.
Outside = Callable[[Name], tuple[Rdata, ...]]

_ASTERISK = b"*"
_OUTSIDE_SECONDS = 60  # the TTL of an alias to an AWS resource
_MOST_ALIASES = 8  # of one zone's alias sets, each standing for the next


@dataclass(frozen=True, slots=True)
class Finding:
    """What a zone answers. A referral has no answer and the NS set of the child as authority."""

    rcode: str  # NOERROR or NXDOMAIN
    answer: tuple[RecordSet, ...] = ()
    authority: tuple[RecordSet, ...] = ()
    additional: tuple[RecordSet, ...] = ()
    referral: bool = False


class Zone:
    """The record sets of a zone, as its name servers have them.

    Args:
        apex: the zone's name.
        sets: with SOA and NS at the apex, each name and type once.
        outside: for alias sets that stand for what lies in no zone; by default they are empty.
    """

    def __init__(
        self, apex: Name, sets: Iterable[RecordSet], outside: Outside = lambda _: ()
    ) -> None:
        self.apex, self._outside = apex, outside
        self._sets: dict[Name, dict[str, RecordSet]] = {apex: {}}
        self._nodes: set[Name] = {apex}
        for each in sets:
            self._sets.setdefault(each.name, {})[each.kind] = each
            # A name that has records makes every name between it and the apex exist.
            self._nodes.update(each.name[n:] for n in range(len(each.name) - len(apex)))

    def find(self, name: Name, kind: str) -> Finding:
        """Answer a question about a name of the zone, following aliases within it.

        Args:
            name: in or below the apex.
            kind: such as ``A``; ``ANY`` asks for every set of the name.
        """
        chain: list[RecordSet] = []
        seen = {name}
        while True:
            if (cut := self._cut(name)) is not None:
                return self._refer(cut, tuple(chain))
            sets = self._at(name)
            if sets is None:
                return Finding("NXDOMAIN", tuple(chain), self._soa())
            if kind == "ANY":
                found = tuple(sorted(sets.values(), key=lambda each: each.kind))
            else:
                found = (sets[kind],) if kind in sets else ()
            if found:
                answer = (*chain, *(replace(each, name=name) for each in found))
                return Finding("NOERROR", answer, (), self._hosts(found))
            if (alias := sets.get("CNAME")) is None:
                return Finding("NOERROR", tuple(chain), self._soa())
            chain.append(replace(alias, name=name))
            name = target("CNAME", alias.data[0]) or ()
            if name in seen or not is_within(name, self.apex):
                return Finding("NOERROR", tuple(chain))
            seen.add(name)

    def _cut(self, name: Name) -> Name | None:
        """Return the delegated name that a name is at or below, the highest one."""
        for length in range(len(self.apex) + 1, len(name) + 1):
            at = name[len(name) - length :]
            if "NS" in self._sets.get(at, ()):
                return at
        return None

    def _at(self, name: Name) -> dict[str, RecordSet] | None:
        """Return the sets of a name, its own or a wildcard's; None: it does not exist."""
        if name in self._nodes:
            return self._with_aliases(self._sets.get(name, {}))
        encloser = name[1:]
        while encloser not in self._nodes:
            encloser = encloser[1:]
        wildcard = (_ASTERISK, *encloser)  # which may exist and have nothing itself
        return self._with_aliases(self._sets.get(wildcard, {})) if wildcard in self._nodes else None

    def _with_aliases(self, sets: dict[str, RecordSet]) -> dict[str, RecordSet]:
        """Put what alias sets stand for in their place; one that leads nowhere is left out."""
        stood = {kind: self._stands_for(each) for kind, each in sets.items()}
        return {kind: each for kind, each in stood.items() if each is not None}

    def _stands_for(self, held: RecordSet) -> RecordSet | None:
        for _ in range(_MOST_ALIASES):
            if held.alias is None:
                return held
            if not is_within(held.alias, self.apex):
                data = self._outside(held.alias) if held.kind == "A" else ()
                return replace(held, ttl=_OUTSIDE_SECONDS, data=data, alias=None) if data else None
            there = self._sets.get(held.alias, {}).get(held.kind)
            if there is None:
                return None
            held = there
        return None

    def _refer(self, cut: Name, chain: tuple[RecordSet, ...]) -> Finding:
        delegation = self._sets[cut]["NS"]
        # Once an alias was followed the answer is the alias; whoever asked follows it on.
        return Finding("NOERROR", chain, (delegation,), self._hosts((delegation,)), not chain)

    def _hosts(self, sets: Iterable[RecordSet]) -> tuple[RecordSet, ...]:
        """Return the addresses, as far as the zone has them, of hosts that answers name."""
        hosts = dict.fromkeys(
            host
            for each in sets
            if each.kind in {"NS", "MX", "SRV"}
            for data in each.data
            if (host := target(each.kind, data)) is not None
        )
        return tuple(
            found
            for host in hosts
            for kind in ("A", "AAAA")
            if (found := self._sets.get(host, {}).get(kind)) is not None and found.alias is None
        )

    def _soa(self) -> tuple[RecordSet, ...]:
        soa = self._sets[self.apex]["SOA"]
        return (replace(soa, ttl=min(soa.ttl, soa.data[0].times[4])),)
