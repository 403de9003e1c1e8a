"""Decisions a second with 100 statements, beside 100 bare comparisons with the same patterns.

Two cases: statements of many actions, as in a real account, where most speak of something else;
and the worst, where every statement speaks of the action and only its resource and its conditions
say no. The floor is what a decision without any preparation does least: 100 compiled regular
expressions, asked once each. Reading the same document again, which the engine does once, is
beside it.

    python benchmarks/policies.py [decisions]
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import translate

from pkilab.iam import Policies, Principal, Request, decide, read_policy
from pkilab.iam.documents import _read

ACCOUNT = "111122223333"
ALICE = Principal("user", f"arn:aws:iam::{ACCOUNT}:user/alice", ACCOUNT)
RESOURCE = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
REQUEST = Request(
    ALICE,
    "kms:Sign",
    RESOURCE,
    ACCOUNT,
    {"aws:username": "alice", "aws:sourceip": "192.0.2.9", "kms:signingalgorithm": "ECDSA_SHA_256"},
)
SERVICES = ("s3", "kms", "acm", "lambda", "route53")
STATEMENTS = 100


@dataclass(frozen=True, slots=True)
class Run:
    """Mean seconds, the least of several rounds."""

    decision: float
    floor: float  # 100 compiled patterns
    parsed: float  # json.loads of the same document
    read: float  # read_policy of the same document, without its cache


def document(*, worst: bool) -> str:
    """Write a policy of 100 statements, the last of which allows."""
    statements = []
    for number in range(STATEMENTS - 1):
        service = "kms" if worst else SERVICES[number % len(SERVICES)]
        statements.append(
            {
                "Effect": "Allow" if number % 4 else "Deny",
                "Action": [f"{service}:Get*", f"{service}:Put{number}", "kms:Sign" if worst else
                           f"{service}:List*"],
                "Resource": [f"arn:aws:{service}:*:{ACCOUNT}:*/{number}-*"] if number % 2 or
                not worst else "*",
                "Condition": {
                    "StringEquals": {"aws:username": [f"user{number}", "bob"]},
                    "NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"},
                },
            }
        )  # fmt: skip
    allow = {"Effect": "Allow", "Action": "kms:*", "Resource": "arn:aws:kms:*:*:key/*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [*statements, allow]})


def least(work: Callable[[], object], times: int, rounds: int = 5) -> float:
    """Return the least mean seconds of one ``work``."""
    means = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(times):
            work()
        means.append((time.perf_counter() - start) / times)
    return min(means)


def measure(times: int, *, worst: bool) -> Run:
    """Measure one case."""
    text = document(worst=worst)
    policies = Policies(identity=(read_policy(text, kind="identity", name="bench"),))
    assert decide(REQUEST, policies).allowed
    patterns = [
        re.compile(translate(f"arn:aws:kms:*:{ACCOUNT}:*/{number}-*")).match
        for number in range(STATEMENTS)
    ]

    def floor() -> None:
        for matches in patterns:
            matches(RESOURCE)

    return Run(
        least(lambda: decide(REQUEST, policies), times),
        least(floor, times),
        least(lambda: json.loads(text), max(1, times // 10)),
        least(lambda: _read.__wrapped__(text, "identity", "bench"), max(1, times // 100)),
    )


if __name__ == "__main__":
    for label, case in (("many actions", False), ("one action", True)):
        run = measure(int(sys.argv[1]) if sys.argv[1:] else 2000, worst=case)
        print(
            f"100 statements, {label:13} {1 / run.decision:9,.0f} decisions a second   "
            f"{run.decision * 1e6:6.1f} us ({run.decision / run.floor:.2f} x 100 patterns)   "
            f"read {run.read * 1e3:.2f} ms ({run.read / run.parsed:.1f} x json.loads)"
        )
