"""The one door from simulated services to moto's Route 53: what the world's public zones say.

moto keeps zones and answers the API; nothing else in pkilab touches moto's Route 53 models. There
is no resolver: delegation between zones is not followed, and the longest matching zone answers.
"""

from __future__ import annotations

from moto.route53.models import route53_backends


class Zones:
    """The public hosted zones of every account; private ones cannot be seen from outside."""

    def records(self, name: str, kind: str) -> tuple[str, ...]:
        """Return the values of a record set.

        Args:
            name: a domain name; case and a final dot do not matter.
            kind: such as ``CNAME``.
        """
        wanted = _canonical(name)
        zones = [
            zone
            for account in sorted(route53_backends)
            for zone in route53_backends[account]["aws"].zones.values()
            if not zone.private_zone and _holds(_canonical(zone.name), wanted)
        ]
        if not zones:
            return ()
        # Of an account's zones of one name the oldest answers: it is the one that was delegated to.
        # Of several accounts' the first does; moto does not say which zone is older.
        closest = max(zones, key=lambda zone: len(_canonical(zone.name)))
        return tuple(
            value
            for record in closest.rrsets
            if _canonical(record.name) == wanted and record.type == kind
            for value in record.records
        )


def _canonical(name: str) -> str:
    return name.lower().rstrip(".").replace("\\052", "*")


def _holds(zone: str, name: str) -> bool:
    return name == zone or name.endswith(f".{zone}")
