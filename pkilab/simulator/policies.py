"""The policy engine, for services: what it does not model is refused as not simulated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pkilab import iam
from pkilab.errors import UnsupportedError
from pkilab.iam import Decision, Document, Policies, PolicyKind, Request
from pkilab.simulator.service import not_simulated


def read_policy(text: str | Mapping[str, Any], *, kind: PolicyKind, name: str = "") -> Document:
    """Read a policy, as `pkilab.iam.read_policy` does.

    Raises:
        MalformedError: it is no policy.
        AwsError: NotImplemented, it says what is not modelled.
    """
    try:
        return iam.read_policy(text, kind=kind, name=name)
    except UnsupportedError as why:
        raise not_simulated(why.thing) from why


def decide(request: Request, policies: Policies) -> Decision:
    """Decide, as `pkilab.iam.decide` does.

    Raises:
        AwsError: NotImplemented, a condition that has a say is not modelled.
    """
    try:
        return iam.decide(request, policies)
    except UnsupportedError as why:
        raise not_simulated(why.thing) from why
