"""Events matched a second against 1,000 rules, beside moto's matcher, which asks each rule.

The rules are of twenty services with a detail type of their own each, with prefixes, numbers,
exclusions and ``$or``s in their details, and a few that look at every event; the events are spread
over them. Verdicts must be the same where moto is right: of values in arrays it takes another view
(an event's ``null`` or boolean, objects in arrays), and such events are left out here.

    python benchmarks/patterns.py [events]
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from moto.events.models import EventPattern

from pkilab.simulator.eventbridge.matching import RuleSet
from pkilab.simulator.eventbridge.patterns import Pattern

RULES = 1_000
SERVICES = 20
ACCOUNT = "111122223333"
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """Mean seconds an event, the least of several rounds."""

    together: float  # a rule set
    singly: float  # our own patterns, one by one
    peer: float  # moto's, one by one
    matches: int  # of all events, by both


def pattern(number: int) -> Json:
    """Return the pattern of a rule."""
    if number % 100 == 99:
        return {"resources": [{"prefix": f"arn:aws:s{number % SERVICES}:us-east-1:{ACCOUNT}:r/7"}]}
    state: Json = [
        {"state": ["FAILED", f"STATE-{number % 7}"]},
        {"state": [{"anything-but": ["SUCCESS", "PENDING"]}]},
        {"name": [{"prefix": f"item-{number % 10}"}]},
        {"count": [{"numeric": [">", number % 50, "<=", 90]}]},
        {"name": [{"suffix": f"{number % 10}"}], "extra": [{"exists": False}]},
        {"$or": [{"count": [{"numeric": ["<", 5]}]}, {"state": ["FAILED"]}]},
    ][number % 6]
    return {
        "source": [f"aws.s{number % SERVICES}"],
        "detail-type": [f"Change {number % 40}", f"Change {(number + 1) % 40}"],
        "detail": state,
    }


def event(number: int) -> Json:
    """Return an event."""
    service = number % SERVICES
    return {
        "version": "0",
        "id": f"00000000-0000-4000-8000-{number:012}",
        "detail-type": f"Change {number % 40}",
        "source": f"aws.s{service}",
        "account": ACCOUNT,
        "time": "2026-11-02T09:00:00Z",
        "region": "us-east-1",
        "resources": [f"arn:aws:s{service}:us-east-1:{ACCOUNT}:r/{number % 100}"],
        "detail": {
            "state": ("SUCCESS", "FAILED", "STATE-3", "PENDING")[number % 4],
            "name": f"item-{number % 100}",
            "count": number % 100,
            "by": {"user": "alice", "agent": "boto3"},
        },
    }


def least(work: Callable[[], object], rounds: int) -> float:
    """Return the least seconds of one ``work``."""
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def measure(count: int, rules: int = RULES, rounds: int = 3) -> Run:
    """Match events with rules, in three ways whose verdicts must be the same.

    Raises:
        AssertionError: they are not.
    """
    patterns = [pattern(number) for number in range(rules)]
    events = [event(number) for number in range(count)]
    own = [Pattern(json.dumps(each)) for each in patterns]
    together = RuleSet(own)
    theirs = [EventPattern(json.dumps(each), each) for each in patterns]
    few = events[: max(1, count // 100)]  # of the slow ways
    found = [together.matches(each) for each in events]
    for each, numbers in zip(few, found, strict=False):
        by_one = [number for number, one in enumerate(own) if one.matches(each)]
        by_moto = [number for number, one in enumerate(theirs) if one.matches_event(each)]
        assert numbers == by_one == by_moto, each  # or the figures mean nothing
    return Run(
        least(lambda: [together.matches(each) for each in events], rounds) / count,
        least(lambda: [one.matches(each) for each in few for one in own], rounds) / len(few),
        least(lambda: [one.matches_event(each) for each in few for one in theirs], rounds)
        / len(few),
        sum(map(len, found)),
    )


def main() -> None:
    """Print one run."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    run = measure(count)
    print(f"{count:,} events, {RULES:,} rules, {run.matches / count:.1f} matches an event")
    print(f"rule set: {1 / run.together:,.0f} events/s; one by one: {1 / run.singly:,.1f}")
    print(f"moto: {1 / run.peer:,.1f} events/s; ratio of times {run.together / run.peer:.6f}")


if __name__ == "__main__":
    main()
