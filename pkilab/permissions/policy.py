"""An IAM policy as a value: its statements, and the documents that IAM takes.

Source: IAM User Guide, "IAM and AWS STS quotas" (a managed policy has at most 6,144 characters
without white space, a role at most ten of them by default).
"""

from __future__ import annotations

import html
import json
import re
from collections import defaultdict
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from pkilab.errors import LabError
from pkilab.journal import frame
from pkilab.permissions.authorization import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pandas import DataFrame

Statement: TypeAlias = dict[str, Any]
Document: TypeAlias = dict[str, Any]

#: What IAM allows a managed policy, in characters that are not white space.
LONGEST_DOCUMENT = 6144
#: How many managed policies a role may have, unless AWS has raised the quota.
MOST_DOCUMENTS = 10
#: More objects than this in one bucket are granted by their common folder.
OBJECTS_PER_BUCKET = 4


@dataclass(frozen=True, slots=True)
class Policy:
    """An IAM identity policy and what could not be put into it.

    Attributes:
        statements: as IAM's JSON has them, sorted.
        unmapped: operations (``service:Operation``) for which no action is known. The policy is
            incomplete where this is not empty.
        needs_none: operations that AWS allows to everyone.
        may_need: actions that AWS's data calls dependent on a granted one. They are wanted in some
            uses of it only, and are not granted.
        notes: how to read single grants, with the AWS page each rests on.
    """

    statements: tuple[Statement, ...]
    unmapped: tuple[str, ...] = ()
    needs_none: tuple[str, ...] = ()
    may_need: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def document(self) -> Document:
        """The policy document, a fresh copy. See `documents` for what IAM takes."""
        return _document(self.statements)

    @property
    def documents(self) -> tuple[Document, ...]:
        """The same as documents that fit into managed policies, in the order of the statements.

        Raises:
            LabError: there are more than a role may have.
        """
        found = tuple(map(_document, _packed(self.statements)))
        if len(found) > MOST_DOCUMENTS:
            raise LabError(
                f"the policy takes {len(found)} managed policies of {LONGEST_DOCUMENT:,} "
                f"characters each, and a role has at most {MOST_DOCUMENTS}"
            )
        return found

    @property
    def actions(self) -> tuple[str, ...]:
        """Every action granted, sorted."""
        return tuple(sorted({action for each in self.statements for action in each["Action"]}))

    def to_json(self) -> str:
        """Return the document as JSON text, ready for IAM."""
        return json.dumps(self.document, indent=2)

    def as_frame(self) -> DataFrame:
        """Return one row per statement: sid, actions, resources, conditions.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        rows = [
            (
                each["Sid"],
                ", ".join(each["Action"]),
                ", ".join(each["Resource"]),
                json.dumps(each["Condition"]) if "Condition" in each else "",
            )
            for each in self.statements
        ]
        return frame(rows, ("sid", "actions", "resources", "conditions"))

    def _remarks(self) -> Iterator[str]:
        labels = {
            "No action is known for": self.unmapped,
            "No permission is needed for": self.needs_none,
            "Some uses also need": self.may_need,
        }
        for label, names in labels.items():
            if names:
                yield f"{label}: {', '.join(names)}."
        yield from self.notes

    def __repr__(self) -> str:
        return "\n".join((self.to_json(), *self._remarks()))

    def _repr_html_(self) -> str:
        remarks = "<br>".join(html.escape(remark) for remark in self._remarks())
        return f"<pre>{html.escape(self.to_json())}</pre>" + (
            f"<p>{remarks}</p>" if remarks else ""
        )


def length(document: Document) -> int:
    """Return how long a document is to IAM, which does not count white space."""
    return len(re.sub(r"\s", "", json.dumps(document)))


def _document(statements: Iterable[Statement]) -> Document:
    copied: list[Statement] = json.loads(json.dumps(list(statements)))
    return {"Version": "2012-10-17", "Statement": copied}


def _packed(statements: Iterable[Statement]) -> Iterator[list[Statement]]:
    """Yield as many statements at a time as fit into one document; one at least, if there is any.

    Raises:
        LabError: one resource and its actions are too long for a document.
    """
    pending: list[Statement] = []
    for statement in statements:
        for part in _parts(statement):
            if length(_document([*pending, part])) > LONGEST_DOCUMENT:
                yield pending
                pending = []
            pending.append(part)
    if pending:
        yield pending


def _parts(statement: Statement) -> Iterator[Statement]:
    """Yield a statement, or as many with fewer resources as are short enough."""
    if length(_document([statement])) <= LONGEST_DOCUMENT:
        yield statement
        return
    several = next((name for name in ("Resource", "Action") if len(statement[name]) > 1), None)
    if several is None:
        raise LabError(f"the statement {statement['Sid']} is too long for a managed policy")
    values, sid = statement[several], statement["Sid"]
    half = len(values) // 2
    for mark, part in (("A", values[:half]), ("B", values[half:])):
        yield from _parts({**statement, "Sid": f"{sid}{mark}", several: part})


class Grant(NamedTuple):
    """One action on one resource (an ARN, or ``*``)."""

    action: str
    resource: str


def statements_of(
    grants: Mapping[Grant, Mapping[str, Iterable[str]]],
) -> Iterator[Statement]:
    """Yield statements for grants, in a fixed order.

    Those with the same resources and conditions are merged; what another resource of the same
    action covers is left out.

    Args:
        grants: with the condition of each: the values that a key may have (ArnEquals); without
            keys there is none.
    """
    resources: dict[tuple[str, str], set[str]] = defaultdict(set)
    for grant, keys in grants.items():
        wanted = {key: sorted(values) for key, values in keys.items() if values}
        condition = json.dumps(wanted, sort_keys=True) if wanted else ""
        resources[grant.action, condition].add(grant.resource)
    merged: dict[tuple[str, tuple[str, ...], str], list[str]] = defaultdict(list)
    for (action, condition), found in resources.items():
        merged[action.partition(":")[0], fold(found), condition].append(action)
    sids: dict[str, int] = defaultdict(int)
    for (prefix, arns, condition), actions in sorted(merged.items()):
        sid = _sid(prefix, arns, sorted(actions))
        sids[sid] += 1
        statement: Statement = {
            "Sid": sid if sids[sid] == 1 else f"{sid}{sids[sid]}",
            "Effect": "Allow",
            "Action": sorted(actions),
            "Resource": list(arns),
        }
        if condition:
            statement["Condition"] = {"ArnEquals": json.loads(condition)}
        yield statement


def _sid(prefix: str, arns: tuple[str, ...], actions: list[str]) -> str:
    """Name a statement by its service and its only action, or by what its actions act on."""
    if len(actions) == 1:
        what = actions[0].partition(":")[2]
    else:
        kinds = {kind for arn in arns if (kind := kind_of(actions[0], arn))}
        what = f"{kinds.pop()} actions" if len(kinds) == 1 else "any resource"
    return "".join(word[:1].upper() + word[1:] for word in re.split(r"\W+", f"{prefix} {what}"))


def fold(arns: Iterable[str]) -> tuple[str, ...]:
    """Return sorted ARNs without those that another covers, and many objects as their folder."""
    folded = set(arns)
    objects: dict[str, list[str]] = defaultdict(list)
    for arn in folded:
        bucket, slash, _ = arn.partition("/")
        if ":s3:::" in arn and slash:
            objects[bucket].append(arn)
    for named in objects.values():
        if len(named) > OBJECTS_PER_BUCKET:
            folded.difference_update(named)
            folded.add(f"{_common_folder(named)}*")
    return tuple(sorted(arn for arn in folded if not _covered(arn, folded)))


def _covered(arn: str, others: Iterable[str]) -> bool:
    """Whether one of several patterns, in which ``*`` stands for anything, covers an ARN."""
    literal = (each.replace("[", "[[]") for each in others if "*" in each and each != arn)
    return any(fnmatchcase(arn, each) for each in literal)


def _common_folder(names: list[str]) -> str:
    first, last = min(names), max(names)
    length = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), -1)
    return first[: first[:length].rindex("/") + 1]
