"""Whether a policy has anything too much: what every part of it is needed for, by the record.

While something runs as a role, each question that the gate asks about the role is kept, with every
policy that has a say. Then the role's own policies are replaced by others, with one action, one
resource or one value of a condition taken away, and the questions are decided anew, by the same
engine. A part without which nothing turns from allowed to denied is an excess.
"""

from __future__ import annotations

import copy
import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from pkilab.iam import Decision, Document, Policies, Request
from pkilab.simulator.access import gate
from pkilab.simulator.access.asking import Access
from pkilab.simulator.policies import decide, read_policy
from pkilab.simulator.service import Call

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """One question of the gate's.

    Attributes:
        number: in the order of asking, from 1.
        operation: for which it was asked, as ``service:Operation``.
        via: the services that called in the role's name.
        request: who, what, on what, with which condition keys.
        policies: everything that had a say.
        allowed: what was decided.
    """

    number: int
    operation: str
    via: tuple[str, ...]
    request: Request
    policies: Policies
    allowed: bool

    def __str__(self) -> str:
        through = f" via {', '.join(self.via)}" if self.via else ""
        return f"question {self.number}, {self.operation}{through}"

    def with_own(self, documents: tuple[Document, ...]) -> bool:
        """Return what would be decided if these were the role's own policies."""
        return decide(self.request, replace(self.policies, identity=documents)).allowed


class Record:
    """The questions about some roles or users, by their ARNs."""

    def __init__(self, *callers: str) -> None:
        self.callers = frozenset(callers)
        self.questions: list[Question] = []

    def of(self, caller: str) -> list[Question]:
        """Return the questions about one of them, in order."""
        return [each for each in self.questions if caller in _names(each.request)]

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep the questions of every gate of this process for a while."""
        ask, admit, deciding = gate.Gate.ask, gate.Gate.admit, gate.decide
        here = threading.local()  # the operation that is being admitted, and what it was judged by

        def decided(request: Request, policies: Policies) -> Decision:
            here.policies = policies
            return deciding(request, policies)

        def admitting(
            self_: gate.Gate, service: str, operation: str, members: Json, call: Call
        ) -> None:
            before, here.operation = getattr(here, "operation", ""), f"{service}:{operation}"
            try:
                admit(self_, service, operation, members, call)
            finally:
                here.operation = before

        def asking(
            self_: gate.Gate, access: Access, call: Call, members: Json
        ) -> tuple[Request, Decision]:
            request, decision = ask(self_, access, call, members)
            if self.callers & _names(request):
                number, operation = len(self.questions) + 1, getattr(here, "operation", "")
                self.questions.append(
                    Question(number, operation, call.via, request, here.policies, decision.allowed)
                )
            return request, decision

        gate.decide = decided
        gate.Gate.ask, gate.Gate.admit = asking, admitting  # type: ignore[method-assign]
        try:
            yield
        finally:
            gate.decide = deciding
            gate.Gate.ask, gate.Gate.admit = ask, admit  # type: ignore[method-assign]


def _names(request: Request) -> frozenset[str]:
    return frozenset({request.principal.arn, request.principal.role_arn} - {""})


@dataclass(frozen=True, slots=True)
class Ablation:
    """A policy without one of its parts.

    Attributes:
        sid: the statement's.
        part: what is taken away: an action, a resource, or a value of a condition.
        kind: which of them.
        whole: the policy with it.
        document: what is left.
    """

    sid: str
    part: str
    kind: str
    whole: Mapping[str, Any] = field(repr=False, compare=False)
    document: Json = field(repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.sid}: without the {self.kind} {self.part}"


def ablations(document: Mapping[str, Any]) -> Iterator[Ablation]:
    """Yield a policy without each of its actions, resources and condition values.

    A statement that loses its only action or resource is gone; a condition that loses its only
    value lets nothing pass, so that its statement is gone, too.
    """
    for index, statement in enumerate(document["Statement"]):
        for kind in ("Action", "Resource"):
            for part in statement[kind]:
                yield _without(document, index, part, kind.lower(), kind)
        for operator, keys in statement.get("Condition", {}).items():
            for key, values in keys.items():
                for part in values:
                    yield _without(
                        document, index, part, f"value of {key}", "Condition", operator, key
                    )


def _without(document: Mapping[str, Any], index: int, part: str, kind: str, *path: str) -> Ablation:
    left: Json = copy.deepcopy(dict(document))
    statement = left["Statement"][index]
    holder = statement
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = [each for each in holder[path[-1]] if each != part]
    if not holder[path[-1]]:
        del left["Statement"][index]
    return Ablation(statement["Sid"], part, kind, document, left)


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one ablation: the first question that turns, or none."""

    ablation: Ablation
    turns: Question | None

    def __str__(self) -> str:
        if self.turns is None:
            return f"{self.ablation}: nothing turns"
        action, resource = self.turns.request.action, self.turns.request.resource
        return f"{self.ablation}: {self.turns} is refused {action} on {resource}"


@dataclass(frozen=True, slots=True)
class Proof:
    """What the record says of a policy.

    Attributes:
        refused: questions that the role's policies do not allow, and an administrator's would;
            without those about the role itself: under which name a run calls, no policy can know.
        findings: one for each ablation.
        broad: actions granted on ``*`` that were asked for on single resources only.
    """

    refused: tuple[Question, ...]
    findings: tuple[Finding, ...]
    broad: tuple[str, ...]

    @property
    def excesses(self) -> tuple[Finding, ...]:
        """The ablations under which nothing turns."""
        return tuple(each for each in self.findings if each.turns is None)


def prove(
    questions: Sequence[Question],
    documents: Sequence[Mapping[str, Any]],
    *,
    on_ablation: Callable[[Finding], None] = lambda _: None,
) -> Proof:
    """Decide recorded questions with a role's policies, and with each ablation of them.

    Args:
        questions: of one role.
        documents: its policies.
        on_ablation: told of each.
    """
    whole = tuple(map(_read, documents))
    administrator = (_read(_ADMINISTRATOR),)
    refused = [
        each
        for each in questions
        if each.request.resource not in _names(each.request)
        and each.with_own(administrator)
        and not each.with_own(whole)
    ]
    passing = [each for each in questions if each.with_own(whole) and not each.with_own(())]
    by_action: dict[str, list[Question]] = defaultdict(list)
    for each in passing:
        by_action[each.request.action.lower()].append(each)
    findings = []
    for number, document in enumerate(documents):
        for ablation in ablations(document):
            own = (*whole[:number], *_documents(ablation.document), *whole[number + 1 :])
            finding = Finding(ablation, _first_turned(_touched(ablation, document, by_action), own))
            findings.append(finding)
            on_ablation(finding)
    return Proof(tuple(refused), tuple(findings), tuple(_broad(documents, by_action)))


_ADMINISTRATOR = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": "All", "Effect": "Allow", "Action": ["*"], "Resource": ["*"]}],
}


def _documents(document: Json) -> tuple[Document, ...]:
    return (_read(document),) if document["Statement"] else ()


def _read(document: Mapping[str, Any]) -> Document:
    return read_policy(json.dumps(document), kind="identity", name="the role's")


def _touched(
    ablation: Ablation, document: Mapping[str, Any], by_action: Mapping[str, list[Question]]
) -> Iterator[Question]:
    """Yield the questions on which an ablation can have an effect, in order."""
    (statement,) = (each for each in document["Statement"] if each["Sid"] == ablation.sid)
    actions = [ablation.part] if ablation.kind == "action" else statement["Action"]
    found = [each for action in actions for each in by_action.get(action.lower(), ())]
    yield from sorted(found, key=lambda each: each.number)


def _first_turned(questions: Iterator[Question], own: tuple[Document, ...]) -> Question | None:
    return next((each for each in questions if not each.with_own(own)), None)


def _broad(
    documents: Sequence[Mapping[str, Any]], by_action: Mapping[str, list[Question]]
) -> Iterator[str]:
    for document in documents:
        for statement in document["Statement"]:
            if "*" in statement["Resource"]:
                for action in statement["Action"]:
                    asked = {each.request.resource for each in by_action.get(action.lower(), ())}
                    if asked and "*" not in asked:
                        yield f"{action}: asked for on {min(asked)}"
