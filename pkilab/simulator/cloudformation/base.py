"""What CloudFormation's operations have in common: finding stacks, reading templates, calling."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import unquote

from pkilab.iam import listed
from pkilab.simulator.cloudformation import plan as plans
from pkilab.simulator.cloudformation.calls import Caller
from pkilab.simulator.cloudformation.documents import invalid
from pkilab.simulator.cloudformation.engine import Engine
from pkilab.simulator.cloudformation.plan import Plan
from pkilab.simulator.cloudformation.requests import read_template
from pkilab.simulator.cloudformation.stacks import Stack, Stacks
from pkilab.simulator.cloudformation.template import Template
from pkilab.simulator.identity import Identities
from pkilab.simulator.pages import page
from pkilab.simulator.query import QueryService
from pkilab.simulator.service import (
    Call,
    HttpRequest,
    HttpResponse,
    Json,
    error,
    model_members,
    not_simulated,
)
from pkilab.simulator.world import World

_PAGE = 100
_SERVICE = "cloudformation.amazonaws.com"
_ASSUMING = {"sts:AssumeRole", "sts:*", "*"}
_MOST_TAGS = 50
_SECONDS = 3600  # of the session in which a stack's resources are made


class CloudFormationBase(QueryService):
    """The state, and what operations share.

    Args:
        world: whose clock and seed it has.
        handle: the world's gateway, which answers the calls of resources.
        identities: the roles that stacks are made in.
    """

    name: ClassVar[str] = "cloudformation"

    def __init__(
        self,
        world: World,
        handle: Callable[[HttpRequest], HttpResponse],
        identities: Identities,
    ) -> None:
        super().__init__(world)
        self._handle, self._identities = handle, identities
        self._stacks = Stacks()
        self._engine = Engine(world, self._stacks)
        self._numbers = world.entropy("cloudformation")

    # Stacks.

    def _new(self, call: Call, name: str) -> Stack:
        """Return a stack that is not kept yet."""
        number = self._numbers.uuid()
        arn = f"arn:aws:cloudformation:{call.region}:{call.account}:stack/{name}/{number}"
        entropy = self.world.entropy("cloudformation", "stack", number)
        return Stack(arn, name, call.account, call.region, call.now, entropy)

    def _find(self, call: Call, name: str) -> Stack | None:
        return self._stacks.find(call.account, call.region, name)

    def _existing(
        self, call: Call, name: str, sentence: str = "Stack [{}] does not exist"
    ) -> Stack:
        """Return a stack, also a deleted one that is named by its ARN.

        Raises:
            AwsError: ValidationError with the sentence.
        """
        found = self._find(call, name)
        if found is None:
            raise invalid(sentence.format(name))
        return found

    def _page(
        self, call: Call, items: Sequence[Json], token: str | None, scope: str
    ) -> tuple[list[Json], str | None]:
        place = f"{call.account} {call.region} {scope}"
        return page(items, _PAGE, token, scope=place, refusal="ValidationError")

    # Calls in the name of somebody.

    def _caller(self, call: Call, role: str | None = None) -> Caller:
        """Return who calls for a stack: the caller, or the role that is given.

        Raises:
            AwsError: ValidationError, CloudFormation may not assume the role.
        """
        if role is None:
            return Caller(self._handle, call)
        found = self._identities.role(role)
        if found is None or not _trusts(json.loads(found.trust_policy)):
            raise invalid(f"Role {role} is invalid or cannot be assumed")
        session = self._identities.start_session(found, "AWSCloudFormation", _SECONDS)
        assumed = replace(
            call,
            account=found.account,
            principal=session.identity.principal.arn,
            access_key_id=session.credentials.access_key_id,
            identity=session.identity,
        )
        return Caller(self._handle, assumed)

    # Templates.

    def _template(
        self, call: Call, body: str | None, url: str | None, previous: Stack | None = None
    ) -> Template:
        """Return a request's template, checked; that of a stack where it is to stay.

        Raises:
            AwsError: ValidationError; NotImplemented.
        """
        if previous is not None:
            if body is not None or url is not None or previous.plan is None:
                raise invalid(
                    "UsePreviousTemplate is given alone, for a stack that has a template."
                )
            return previous.plan.template
        found = read_template(self._caller(call), body, url)
        plans.check(found)
        return found

    def _plan(
        self, stack: Stack, template: Template, given: Iterable[Json], tags: dict[str, str]
    ) -> Plan:
        return plans.make(
            template,
            given,
            previous=stack.plan.values if stack.plan else {},
            tags=tags,
            pseudo=plans.pseudo_parameters(
                account=stack.account,
                region=stack.region,
                stack_id=stack.arn,
                stack_name=stack.name,
            ),
        )


def require_capabilities(template: Template, given: Iterable[str]) -> None:
    """Refuse a template whose IAM resources were not acknowledged.

    Raises:
        AwsError: InsufficientCapabilitiesException.
    """
    wanted, _ = plans.capabilities(template)
    if missing := plans.lacks(wanted, given):
        message = f"Requires capabilities : [{', '.join(missing)}]"
        raise error("cloudformation", "InsufficientCapabilitiesException", message)


def read_tags(tags: Iterable[Json]) -> dict[str, str]:
    """Return tags by key.

    Raises:
        AwsError: ValidationError.
    """
    found = {each["Key"]: each["Value"] for each in tags}
    for key in found:
        if key.lower().startswith("aws:"):
            raise invalid(f"aws: prefixed tag key names are not allowed for external use: {key}")
    if len(found) > _MOST_TAGS:
        raise invalid(f"A stack has at most {_MOST_TAGS} tags.")
    return found


def refuse(operation: str, others: Json) -> None:
    """Refuse parameters that are not simulated and say something.

    Raises:
        AwsError: NotImplemented.
    """
    named = model_members("cloudformation", operation, others)
    if asked := sorted(name for name, value in named.items() if _says(value)):
        raise not_simulated(f"cloudformation:{operation} with {', '.join(asked)}")


def _says(value: Any) -> bool:  # noqa: ANN401 - of any shape
    if isinstance(value, dict):
        return any(map(_says, value.values()))
    return bool(value)


def _trusts(policy: object) -> bool:
    """Whether a role's trust policy lets CloudFormation assume it; conditions are not looked at."""
    if isinstance(policy, str):
        try:
            policy = json.loads(unquote(policy))  # IAM answers with it encoded for URLs
        except ValueError:
            return False
    statements = listed(policy.get("Statement")) if isinstance(policy, dict) else []
    return any(
        each.get("Effect") == "Allow"
        and isinstance(principal := each.get("Principal"), dict)
        and _SERVICE in listed(principal.get("Service"))
        and bool(_ASSUMING & set(map(str, listed(each.get("Action")))))
        for each in statements
        if isinstance(each, dict)
    )
