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
from pkilab.show.decisions import STEPS, DecisionPicture, decision
from pkilab.show.tables import Table, table

if TYPE_CHECKING:
    from pkilab.iam import Step
    from pkilab.iam.decisions import Match


@dataclass(frozen=True, slots=True)
class Applied:
    """A statement that applied to the request.

    Attributes:
        kind: of its policy.
        policy: the policy's name or ARN.
        number: which statement of the policy, from 1.
        of: how many statements the policy has.
        sid: its Sid, or ``""``.
        effect: ``Allow`` or ``Deny``.
        document: the statement, as IAM's JSON has it.
        deciding: whether it decided, alone or as one of two halves: where the resource's policy
            must let the caller or its account in (another account's resource, a KMS key, a role),
            its statement and the caller's own decide together.
    """

    kind: PolicyKind
    policy: str
    number: int
    of: int
    sid: str
    effect: str
    document: Mapping[str, Any]
    deciding: bool

    @property
    def title(self) -> str:
        """Its Sid; without one the name of its policy, or its number if that has several."""
        if self.sid:
            return self.sid
        if self.of > 1:
            return f"number {self.number} of {self.policy}"
        return self.policy.rpartition("/")[2] if self.policy.startswith("arn:") else self.policy

    def __str__(self) -> str:
        if self.sid:
            return f"statement {self.sid} of {self.policy}"
        return f"statement number {self.number} of {self.policy}" if self.of > 1 else self.policy


@dataclass(frozen=True, slots=True, repr=False)
class Explanation:
    """What policies say of a request, as far as they could be read.

    Attributes:
        request: who, what, on what, and the condition keys that are known.
        policies: every policy that was read.
        decision: what they decide, taken alone.
        missing: what would have to be added, half by half, to policies that were read; or each
            statement that denies, and would have to be changed.
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
            by = " and ".join(str(each) for each in self.statements if each.deciding)
            why = f"by {by}" if by else "as the root user of the account"
            sentence = f"{who} is authorized {what} {why}"
        else:
            sentence = f"{who} is not authorized {what} {found.because}"
        if self._doubtful:
            sentence += ", as far as policies could be read"
        return sentence

    @property
    def statements(self) -> tuple[Applied, ...]:
        """Every statement that applied, those that decided first."""
        deciding = self._deciding()
        rest = (match for match in self.decision.matches if match not in deciding)
        return tuple(
            Applied(
                match.document.kind,
                match.document.name,
                match.index + 1,
                len(match.document.statements),
                match.statement.sid,
                match.effect,
                json.loads(match.statement.text),
                deciding=match in deciding,
            )
            for match in (*deciding, *rest)
        )

    def _deciding(self) -> tuple[Match, ...]:
        """Return the statement that decided; after the one that let its half pass, if there is."""
        found, request = self.decision, self.request
        if found.effect == "implicitDeny" or found.kind is None:
            return ()
        first = found.matches[0]
        apart = not request.same_account or self.policies.requires_resource_policy
        if not found.allowed or not apart or first.document.kind != "identity":
            return (first,)
        other = next(each for each in found.matches if each.document.kind in ("resource", "grant"))
        return (other, first)

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
            deciding=frozenset(each.kind for each in self.statements if each.deciding),
            notes=self._notes(),
        )

    def _notes(self) -> tuple[str, ...]:
        notes = []
        walked, passed = {step.name for step in self.steps}, []
        for each in self.statements:
            if each.effect == "Allow" and STEPS[each.kind] not in walked:
                passed.append(str(each))
                continue
            mark = ", which decides" if each.deciding else ""
            notes.append(f"{each.effect} by {each}{mark}: {json.dumps(each.document)}")
        if passed:
            notes.append(f"Would allow, and is not asked: {'; '.join(passed)}.")
        for half in self.missing:
            text = "" if half.statement is None else f" {json.dumps(half.statement)}"
            notes.append(f"{'To change' if half.denies else 'Missing'}. {half.sentence}{text}")
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
