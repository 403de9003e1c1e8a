"""An explanation: the verdict, the statements behind it, what is missing and what was not read.

Source: IAM User Guide, "Troubleshoot access denied error messages".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pkilab.access_control.reading import Unread
from pkilab.access_control.remedies import Missing
from pkilab.iam import Decision, Policies, PolicyKind, Request
from pkilab.show.decisions import DecisionPicture, decision
from pkilab.show.tables import Table, table

if TYPE_CHECKING:
    from pkilab.iam import Step


@dataclass(frozen=True, slots=True)
class Applied:
    """A statement that applied to the request.

    Attributes:
        kind: of its policy.
        policy: the policy's name or ARN.
        number: which statement of the policy, from 1.
        sid: its Sid, or ``""``.
        effect: ``Allow`` or ``Deny``.
        document: the statement, as IAM's JSON has it.
        deciding: whether it is the one that decided.
    """

    kind: PolicyKind
    policy: str
    number: int
    sid: str
    effect: str
    document: Mapping[str, Any]
    deciding: bool

    @property
    def title(self) -> str:
        """Its Sid, or its number."""
        return self.sid or f"number {self.number}"


@dataclass(frozen=True, slots=True, repr=False)
class Explanation:
    """What policies say of a request, as far as they could be read.

    Attributes:
        request: who, what, on what, and the condition keys that are known.
        policies: every policy that was read.
        decision: what they decide, taken alone.
        missing: what would have to be added, half by half, to policies that were read.
        unread: what could not be read.
        asked: condition keys that statements about the action ask for and nobody gave. They were
            judged as absent, as they are when a request does not have them.
    """

    request: Request
    policies: Policies = field(repr=False)
    decision: Decision
    missing: tuple[Missing, ...]
    unread: tuple[Unread, ...]
    asked: tuple[str, ...]

    @property
    def allowed(self) -> bool | None:
        """Whether the request is allowed; ``None``: what was not read could change that."""
        return None if self._doubtful else self.decision.allowed

    @property
    def _doubtful(self) -> bool:
        """Whether something that was not read could turn the verdict.

        An explicit deny stands whatever else there is. An allow falls by any policy more, and an
        implicit deny by what might have allowed: its own kind of policy, or the resource's.
        """
        unread = {each.kind for each in self.unread}
        found, caller = self.decision, self.request.principal
        if found.effect == "explicitDeny":
            return None in unread and _conditional(found)
        if found.allowed or found.kind is None:
            return bool(unread)
        if found.kind in ("service control", "resource control"):
            return bool(unread & {None, found.kind})
        if found.kind in ("resource", "grant"):
            # Who calls is known, but not the path of a role, nor what conditions ask of callers.
            unsure = caller.kind == "assumed-role" or self.asked
            return bool(unread & ({"identity", "boundary"} if unsure else set())) or bool(
                unread & {None, "resource", "grant"}
            )
        return bool(unread & {None, found.kind, "identity", "resource", "grant"})

    @property
    def because(self) -> str:
        """The verdict as a sentence, in AWS's words where AWS has some."""
        request, found = self.request, self.decision
        on = "" if request.resource == "*" else f" on resource: {request.resource}"
        what = f"to perform: {request.action}{on}"
        who = f"User: {request.principal.arn}"
        if found.allowed:
            by = next((each for each in self.statements if each.effect == "Allow"), None)
            why = "as the root user of the account"
            if by is not None:
                why = f"by statement {by.title} of {by.policy}"
            sentence = f"{who} is authorized {what} {why}"
        else:
            sentence = f"{who} is not authorized {what} {found.because}"
        if self._doubtful:
            sentence += ", as far as policies could be read"
        return sentence

    @property
    def statements(self) -> tuple[Applied, ...]:
        """Every statement that applied, the deciding one first."""
        found = self.decision
        decided = found.effect != "implicitDeny" and bool(found.matches)
        return tuple(
            Applied(
                match.document.kind,
                match.document.name,
                match.index + 1,
                match.statement.sid,
                match.effect,
                json.loads(match.statement.text),
                deciding=decided and number == 0,
            )
            for number, match in enumerate(found.matches)
        )

    @property
    def steps(self) -> tuple[Step, ...]:
        """The evaluation as it was walked, in AWS's order."""
        return self.decision.steps

    @property
    def table(self) -> Table:
        """The steps as a table."""
        rows = [
            {"step": step.name, "verdict": step.verdict, "why": step.why} for step in self.steps
        ]
        return table(rows, ("step", "verdict", "why"))

    @property
    def picture(self) -> DecisionPicture:
        """The steps as a picture, with the one that decided marked."""
        return decision(
            self.decision,
            sentence=f"{self.because}.",
            doubtful=self._doubtful,
            unread=frozenset(each.kind for each in self.unread if each.kind),
            notes=self._notes(),
        )

    def _notes(self) -> tuple[str, ...]:
        notes = []
        for each in self.statements:
            mark = ", which decided" if each.deciding else ""
            text = json.dumps(each.document)
            notes.append(f"{each.effect} by {each.title} of {each.policy}{mark}: {text}")
        for half in self.missing:
            text = "" if half.statement is None else f" {json.dumps(half.statement)}"
            notes.append(f"Missing. {half.sentence}{text}")
        notes.extend(f"Not read. {each}" for each in self.unread)
        if self.asked:
            notes.append(f"Taken as absent, since nobody said: {', '.join(self.asked)}.")
        return tuple(notes)

    def __repr__(self) -> str:
        return repr(self.picture)

    def _repr_html_(self) -> str:
        return self.picture._repr_html_()


def _conditional(found: Decision) -> bool:
    """Whether the denying statement has a condition, which unread facts may have to do with."""
    return bool(found.matches and found.matches[0].statement.conditions)
