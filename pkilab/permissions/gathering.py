"""The least policy for the calls of a journal, gathered call by call."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING
from urllib.parse import quote

from pkilab import tags
from pkilab.errors import LabError
from pkilab.permissions import besides, names
from pkilab.permissions.authorization import (
    API_GATEWAY,
    action_for,
    dependent,
    has_key,
    needs_no_permission,
    scope,
    service_data,
)
from pkilab.permissions.policy import Grant, Policy, Statement, statements_of
from pkilab.permissions.stacks import Origin, Stacks
from pkilab.permissions.unnamed import is_linked_role, unnamed
from pkilab.resources import Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pkilab.journal import Entry

# The template a request without one uses: privateca/latest/APIReference/API_IssueCertificate.html
_TEMPLATE_KEY = "acm-pca:TemplateArn"
_DEFAULT_TEMPLATE = ":acm-pca:::template/EndEntityCertificate/V1"
_DENIED = ("AccessDenied", "AuthorizationError", "NotAuthorized", "UnauthorizedOperation", "403")
_GATEWAYS = (API_GATEWAY, "apigatewayv2")
# What is looked at before a run's first create, and after a run of which an answer got lost.
_PREFLIGHT = (
    "acm-pca:ListCertificateAuthorities",
    "acm:ListCertificates",
    "iam:ListAccountAliases",
    "tag:GetResources",
)
# As whom a simulated lab's own clients call. What a run reads of its caller is no right that the
# next one needs of this user: it may call as another, or as a role.
_OWN_USER = re.compile(r"arn:[\w-]+:iam::[0-9]{12}:user/learner")
# What a stack's tags take that differs: stages get them, managed policies do not, buckets later.
_BY_STACKS = {
    ("apigatewayv2", "CreateStage"): f"{API_GATEWAY}:TagResource",
    ("iam", "CreatePolicy"): None,
    ("s3", "CreateBucket"): None,
}
_STACKS = "AWSCloudFormation/latest/UserGuide/control-access-with-iam.html"
_TAGGED = f"what AWS asks for the tag {tags.RUN} on something new"


def least_policy(
    entries: Iterable[Entry],
    *,
    account: str | None = None,
    access_key_id: str | None = None,
    include_refused: bool = False,
    reusable: bool = False,
) -> Policy:
    """Return the least IAM policy that allows the calls in a journal.

    An action is limited to the resources the calls named or made, where AWS lets it be limited,
    and to the certificate templates really used. More than four objects of one bucket are granted
    by their common folder, since IAM limits a policy's size. What CloudFormation does for a stack
    in the caller's name is read from the stack's template.

    Args:
        entries: a journal, or some of its entries; of one account unless ``account`` is given.
        account: the alias or the twelve digits of the account to write the policy for.
        access_key_id: of whom to write it for; empty: of whoever the lab's own clients call as.
        include_refused: also allow the calls that ended in an error. AWS checks permission before
            most other things, so meeting the same error again takes the same permission.
        reusable: write it for the next run, on AWS, rather than for this one: with ``*`` for the
            names that AWS and stacks chose, with what tags take and what a lab looks at first, and
            without the calls of cells that only a simulated lab runs.

    Not checked: what permission boundaries, SCPs, resource policies and key policies say.

    Raises:
        LabError: the entries are of several accounts and none was chosen.
        MissingExtraError: policy-sentry is not installed.
    """
    entries = tuple(entries)
    chosen = [
        entry
        for entry in entries
        if account in (None, entry.account, entry.account_id)
        and access_key_id in (None, entry.access_key_id)
        and not (reusable and entry.aside)
    ]
    accounts = sorted({entry.account for entry in chosen})
    if len(accounts) > 1:
        raise LabError(f"a policy is for one account; choose account= from {', '.join(accounts)}")
    work, stacks = _Work(tagged=reusable), Stacks(tagged=reusable)
    for entry, origin in stacks.with_contents(chosen):
        wanted = entry.ok or include_refused or (reusable and not _is_denial(entry))
        if wanted:
            work.allow(entry, origin)
        if origin == "handler":
            work.note_reads(entry)
    for entry, why in stacks.unknown:
        work.note_unknown(entry, why)
    if reusable and chosen and not access_key_id:
        work.look_first()
    return work.policy(_names(entries, stacks) if reusable else names.Names())


def handlers_reads(entries: Iterable[Entry]) -> frozenset[str]:
    """Return the actions by which CloudFormation's handlers only look at what they made.

    AWS's schemas name them for a type, whatever the properties of a resource; see `stack_types`.
    """
    read = {
        action
        for entry, origin in Stacks().with_contents(entries)
        if origin == "handler" and (action := action_for(entry.service, entry.operation))
    }
    return frozenset(read)


def _is_denial(entry: Entry) -> bool:
    return entry.outcome.startswith(_DENIED)


def _names(entries: Iterable[Entry], stacks: Stacks) -> names.Names:
    entries = tuple(entries)
    return names.Names(
        chosen=names.chosen(entries),
        stacks=tuple(dict.fromkeys((each.name, tuple(each.resources)) for each in stacks.seen)),
        patterns=frozenset(pattern for each in stacks.seen for pattern in each.patterns),
    )


class _Work:
    """A policy being gathered, call by call.

    Args:
        tagged: whether everything new gets a tag.
    """

    def __init__(self, *, tagged: bool) -> None:
        self._tagged = tagged
        self._known = besides.Known()
        # With the templates used, which limit IssueCertificate.
        self._grants: dict[Grant, set[str]] = defaultdict(set)
        self._unmapped: set[str] = set()
        self._needs_none: set[str] = set()
        self._notes: set[str] = set()
        self._read: set[str] = set()
        self._looks = False

    def allow(self, entry: Entry, origin: Origin = "call") -> None:
        """Grant what one call needed."""
        name = f"{entry.service}:{entry.operation}"
        action = action_for(entry.service, entry.operation)
        if needs_no_permission(entry.service, entry.operation):
            self._needs_none.add(name)
        elif action is None:
            self._unmapped.add(name)
        else:
            for each, resources in _by_version(action, entry):
                self._grant(each, resources, entry)
            self._grant_besides(entry, origin)

    def _grant_besides(self, entry: Entry, origin: Origin) -> None:
        """Grant what a call needs beyond its own action, and note the page that says so."""
        targets = [arn for arn, _ in _acted_on(entry)]
        found = [*besides.needs(entry, targets, self._known)]
        if entry.ok:
            self._known.note(entry)
            found += besides.needs(entry, targets, self._known)
        for need in dict.fromkeys(found):
            for action in need.actions:
                self._grant(action, need.resources, entry)
            what = " and ".join(need.actions)
            self._notes.add(f"{what} for {entry.service} {entry.operation}: {need.page}.")
        tag = tags.action_of(entry.service, entry.operation, entry.parameters)
        if origin == "stack":
            tag = _BY_STACKS.get((entry.service, entry.operation), tag)
        if self._tagged and tag:
            self._grant(tag, _tagged(tag, entry, targets), entry)
            self._notes.add(f"{tag} for {entry.service} {entry.operation}: {_TAGGED}.")

    def _grant(self, action: str, resources: Iterable[str], entry: Entry) -> None:
        place = Place(besides.partition_of(entry), entry.region, entry.account_id)
        for resource in scope(action, resources, place):
            self._grants[Grant(action, resource)] |= _templates(action, entry)

    def note_reads(self, entry: Entry) -> None:
        """Note that a handler of CloudFormation's reads."""
        if action := action_for(entry.service, entry.operation):
            self._read.add(action)

    def note_unknown(self, entry: Entry, why: str) -> None:
        """Note a call whose stack's contents are not known."""
        self._notes.add(
            f"cloudformation {entry.operation}: what the stack's resources take is not in this "
            f"policy ({why}); CloudFormation calls with the caller's permissions: {_STACKS}."
        )

    def look_first(self) -> None:
        """Grant what a lab on AWS looks at by itself."""
        self._looks = True

    def policy(self, found: names.Names) -> Policy:
        """Return what was gathered, with the names of ``found`` left open."""
        grants: dict[Grant, dict[str, set[str]]] = {}
        for (action, resource), templates in self._grants.items():
            if self._looks and _OWN_USER.fullmatch(resource):
                continue
            keys = grants.setdefault(Grant(action, found.open(resource)), {_TEMPLATE_KEY: set()})
            keys[_TEMPLATE_KEY] |= templates
        actions = {grant.action for grant in grants}
        dependents = {name for action in actions for name in dependent(action)}
        statements = list(statements_of(grants))
        if self._looks and (left := _left_to_look_at(statements)):
            statements.append(left)
        if self._read:
            self._notes.add(
                f"CloudFormation's handlers also look at what they make, by "
                f"{', '.join(sorted(self._read))}: the schemas of the CloudFormation registry."
            )
        return Policy(
            statements=tuple(statements),
            unmapped=tuple(sorted(self._unmapped)),
            needs_none=tuple(sorted(self._needs_none)),
            may_need=tuple(sorted(dependents - actions)),
            notes=tuple(sorted(self._notes)),
        )


def _left_to_look_at(statements: Iterable[Statement]) -> Statement | None:
    """Return a statement for what a lab looks at first, as far as it is not granted already."""
    granted = {
        action for each in statements if "*" in each["Resource"] for action in each["Action"]
    }
    left = [action for action in _PREFLIGHT if action not in granted]
    if not left:
        return None
    return {"Sid": "Preflight", "Effect": "Allow", "Action": left, "Resource": ["*"]}


# What the calls say.


def _templates(action: str, entry: Entry) -> set[str]:
    """Return the template a call used, where the action can be limited by it."""
    if not has_key(action, _TEMPLATE_KEY):
        return set()
    template = entry.parameters.get("TemplateArn")
    default = f"arn:{besides.partition_of(entry)}{_DEFAULT_TEMPLATE}"
    return {template if isinstance(template, str) else default}


def _tagged(action: str, entry: Entry, targets: list[str]) -> list[str]:
    """Return on which resources a create's tags are granted.

    Of something that has no ARN before it is made, all of its kind; API Gateway writes tags to a
    path of their own.
    """
    if entry.service in _GATEWAYS:
        if action != f"{API_GATEWAY}:PUT":
            return targets
        place = f"arn:{besides.partition_of(entry)}:apigateway:{entry.region}::"
        return [f"{place}/tags/{quote(f'{each}/*', safe='*')}" for each in targets]
    return targets if entry.operation == "CreateSecret" else list(entry.made) or targets


def _acted_on(entry: Entry) -> list[tuple[str, bool]]:
    """Return the resources a call acts on, and whether it names a version of each."""
    if entry.service in _GATEWAYS:  # what it made is below, and not asked for
        return [(arn, False) for arn in entry.resources[:1]]
    bucket = entry.parameters.get("Bucket")
    if entry.service != "s3" or not isinstance(bucket, str) or bucket.startswith("arn:"):
        found = [*unnamed(entry)] if is_linked_role(entry) else [*entry.resources, *unnamed(entry)]
        return [(arn, False) for arn in found]
    delete = entry.parameters.get("Delete")
    listed = delete.get("Objects") if isinstance(delete, dict) else None
    named = listed if isinstance(listed, list) else [dict(entry.parameters)]
    root = f"arn:{besides.partition_of(entry)}:s3:::{bucket}"
    return [
        (f"{root}/{key}" if isinstance(key := item.get("Key"), str) else root, "VersionId" in item)
        for item in named
        if isinstance(item, dict)
    ]


def _by_version(action: str, entry: Entry) -> Iterator[tuple[str, list[str]]]:
    """Yield the action that each of the call's resources takes.

    S3 has actions of their own for versions (s3:GetObjectVersion), whose API page is that of the
    plain action.
    """
    versioned = action.replace("Object", "ObjectVersion", 1)
    if versioned.partition(":")[2] not in service_data("s3")["privileges"]:
        versioned = action
    acted_on = _acted_on(entry)
    if plain := [arn for arn, version in acted_on if not version]:
        yield action, plain
    if versions := [arn for arn, version in acted_on if version]:
        yield versioned, versions
    if not acted_on:
        yield action, []
