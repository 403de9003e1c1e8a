"""What goes wrong between a client and AWS, by a plan that a seed repeats."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from pkilab.simulator.identity import refusals
from pkilab.simulator.service import AwsError
from tests.stand_in.calls import Call

# How each service says that it is asked too often: code and status. The others answer 400 and
# ThrottlingException (JSON) or Throttling (query and Route 53).
# Source: the services' API References, "Common errors"; botocore's models.
_THROTTLED = {
    "s3": ("SlowDown", 503),
    "lambda": ("TooManyRequestsException", 429),
    "apigateway": ("TooManyRequestsException", 429),
    "apigatewayv2": ("TooManyRequestsException", 429),
    "securityhub": ("TooManyRequestsException", 429),
    "ram": ("ThrottlingException", 429),
    "iam": ("Throttling", 400),
    "sts": ("Throttling", 400),
    "sns": ("Throttling", 400),
    "cloudformation": ("Throttling", 400),
    "route53": ("Throttling", 400),
}
_BROKEN = {"s3": "InternalError", "iam": "InternalFailure", "sts": "InternalFailure"}


class Fault(Enum):
    """One thing that goes wrong with one request."""

    THROTTLED = "throttled"
    FAILED_BEFORE = "500, and the call was not performed"
    FAILED_AFTER = "500, though the call was performed"
    DROPPED_BEFORE = "the connection dropped, and the call was not performed"
    DROPPED_AFTER = "the connection dropped, though the call was performed"
    EXPIRED = "the credentials had expired"

    @property
    def performed(self) -> bool:
        """Whether AWS does what was asked all the same."""
        return self in {Fault.FAILED_AFTER, Fault.DROPPED_AFTER}

    def refusal(self, service: str) -> AwsError | None:
        """Return what AWS answers; None: nothing comes."""
        if self is Fault.THROTTLED:
            code, status = _THROTTLED.get(service, ("ThrottlingException", 400))
            return AwsError(code, "Rate exceeded", status)
        if self in {Fault.FAILED_BEFORE, Fault.FAILED_AFTER}:
            code = _BROKEN.get(service, "InternalServerException")
            return AwsError(code, "We encountered an internal error. Please try again.", 500)
        return refusals.expired(service) if self is Fault.EXPIRED else None


@dataclass
class Plan:
    """Decides what goes wrong; used by one relay.

    Attributes:
        chances: how likely each fault is for a request, from 0 to 1.
        at: faults of certain requests, by their number.
        operations: faults of the first request of an operation, such as ``CreateKey``.
        seed: with the same requests, the same plan.
        expire_from: the request from which on credentials are refused as expired: those that had
            been used before it, and that request's.
        happened: what went wrong, in order.
    """

    chances: Mapping[Fault, float] = field(default_factory=dict)
    at: Mapping[int, Fault] = field(default_factory=dict)
    operations: Mapping[str, Fault] = field(default_factory=dict)
    seed: int = 0
    expire_from: int | None = None
    happened: list[tuple[Call, Fault]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - to be repeated
        self._waiting = dict(self.operations)
        self._old_keys: set[str] = set()
        self._lock = threading.Lock()

    def fault(self, call: Call) -> Fault | None:
        """Return what goes wrong with a request; None: nothing."""
        with self._lock:
            found = self._expired(call) or self._chosen(call)
            if found:
                self.happened.append((call, found))
            return found

    def _expired(self, call: Call) -> Fault | None:
        if self.expire_from is None:
            return None
        if call.number <= self.expire_from:
            self._old_keys.add(call.access_key_id)
        late = call.number >= self.expire_from
        return Fault.EXPIRED if late and call.access_key_id in self._old_keys else None

    def _chosen(self, call: Call) -> Fault | None:
        drawn = self._random.random()  # once a request, whatever is decided
        if call.number in self.at:
            return self.at[call.number]
        if call.operation in self._waiting:
            return self._waiting.pop(call.operation)
        for fault, chance in self.chances.items():
            if drawn < chance:
                return fault
            drawn -= chance
        return None
