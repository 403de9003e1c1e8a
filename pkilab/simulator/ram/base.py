"""What all operations of RAM stand on: shares, who owns them, and the policies they write.

Sources: AWS RAM API Reference; sentences as seen in public reports, or else the model's own.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, Literal, TypeVar

from pkilab.simulator.acmpca.service import AcmPca
from pkilab.simulator.acmpca.state import Authority
from pkilab.simulator.organizations.service import Organizations
from pkilab.simulator.pages import page
from pkilab.simulator.ram import documents, permissions
from pkilab.simulator.ram.principals import Named, Neighbours, read_principal
from pkilab.simulator.ram.state import (
    REMEMBERED,
    Association,
    Invitation,
    Json,
    Permission,
    Share,
)
from pkilab.simulator.rest import RestJsonService
from pkilab.simulator.service import AwsError, Call, error
from pkilab.simulator.world import World

Item = TypeVar("Item")
Owner = Literal["SELF", "OTHER-ACCOUNTS"]
PAGE = 500
TAGS = 50
_SHARE = re.compile(r"arn:aws:ram:[a-z0-9-]+:\d{12}:resource-share/[0-9a-f-]{36}", re.ASCII)
_PERMISSION = re.compile(
    r"arn:aws:ram:(?::aws|[a-z0-9-]+:\d{12}):permission/[\w.-]{1,128}", re.ASCII
)


def refusal(shape: str, message: str) -> AwsError:
    """Return an error of RAM's model."""
    return error("ram", shape, message)


def once(operation: Callable[..., Json]) -> Callable[..., Json]:
    """Make an operation happen once for each client token; who asks again gets the same answer.

    Raises, besides what the operation does:
        AwsError: IdempotentParameterMismatchException, the token came with other members before.
    """
    signature = inspect.signature(operation)

    @functools.wraps(operation)
    def answered(
        self: RamBase, call: Call, *, client_token: str | None = None, **members: object
    ) -> Json:
        if client_token is None:
            return operation(self, call, **members)
        bound = signature.bind(self, call, **members)
        bound.apply_defaults()  # what is left out and what is said as its default are the same
        asked = [list(each) if isinstance(each, tuple) else each for each in bound.kwargs.values()]
        key = (call.account, call.region, operation.__name__, client_token)
        if (known := self.tokens.get(key)) is None:
            answer = {**operation(self, call, **members), "clientToken": client_token}
            known = self.tokens[key] = (asked, answer)
        if known[0] != asked:
            message = (
                "The operation failed because the client token input parameter matched one "
                "that was used with a previous call to the operation, but at least one of the "
                "other input parameters is different from the previous call."
            )
            raise refusal("IdempotentParameterMismatchException", message)
        return known[1]

    return answered


class RamBase(RestJsonService):
    """RAM of every account and Region of a world, with no operation yet.

    Args:
        world: whose clock, entropy and latency count.
        private_ca: what has the CAs that are shared.
        organizations: who is in which.
    """

    name: ClassVar[str] = "ram"
    invalid: ClassVar[str] = "InvalidParameterException"

    def __init__(self, world: World, private_ca: AcmPca, organizations: Organizations) -> None:
        super().__init__(world)
        self._private_ca, self._organizations = private_ca, organizations
        self._neighbours = Neighbours(world, organizations)
        self._shares: dict[str, Share] = {}  # by ARN, in order of creation
        self._invitations: dict[str, Invitation] = {}  # likewise
        self._permissions: dict[str, Permission] = permissions.aws_managed()
        self._numbers = itertools.count(1)
        self.tokens: dict[tuple[str, str, str, str], tuple[list[object], Json]] = {}

    # Names.

    def _uuid(self, kind: str) -> str:
        return self.world.entropy("ram", kind, str(next(self._numbers))).uuid()

    # Shares.

    def _share(self, call: Call, arn: str) -> Share:
        """Return a share of the caller's own.

        Raises:
            AwsError: MalformedArnException; UnknownResourceException.
        """
        self._check_share_arn(arn)
        found = self._shares.get(arn)
        here = found is not None and (found.owner, found.region) == (call.account, call.region)
        if found is None or not here or self._is_forgotten(found.status, found):
            raise refusal("UnknownResourceException", f"ResourceShare {arn} could not be found.")
        return found

    def _changeable(self, call: Call, arn: str) -> Share:
        """Return a share of the caller's own that RAM may change.

        Raises:
            AwsError: as `_share`; InvalidStateTransitionException, it is being deleted;
                OperationNotPermittedException, it was created from a policy.
        """
        found = self._share(call, arn)
        if found.status in {"DELETING", "DELETED"}:
            message = f"ResourceShare {arn} cannot be changed: it is {found.status}."
            raise refusal("InvalidStateTransitionException", message)
        if found.feature_set != "STANDARD":
            message = (
                f"ResourceShare {arn} was created from a resource-based policy and can't be "
                "modified until it is promoted."
            )
            raise refusal("OperationNotPermittedException", message)
        return found

    def _check_share_arn(self, arn: str) -> None:
        if not _SHARE.fullmatch(arn):
            message = (
                f"The specified resource ARN {arn} is not valid. Verify the ARN and try again."
            )
            raise refusal("MalformedArnException", message)

    def _is_forgotten(self, status: str, of: Share | Association) -> bool:
        """Whether something ended so long ago that nobody is shown it any more."""
        ended = status in {"DELETED", "DISASSOCIATED"}
        return ended and self.world.clock.now() - of.updated >= REMEMBERED

    def _owned(self, call: Call) -> list[Share]:
        """Return the caller's own shares."""
        place = (call.account, call.region)
        return [
            each
            for each in self._shares.values()
            if (each.owner, each.region) == place and not self._is_forgotten(each.status, each)
        ]

    def _reaching(self, call: Call) -> list[Share]:
        """Return the shares of other accounts that the caller's has access to.

        One that was created from a policy is seen by its owner alone.
        """
        return [
            each
            for each in self._shares.values()
            if each.region == call.region
            and each.owner != call.account
            and each.status == "ACTIVE"
            and each.feature_set == "STANDARD"
            and self._covering(each, call.account)
        ]

    def _covering(self, share: Share, account: str) -> list[Association]:
        """Return the principals of a share by which an account has access to it."""
        return [
            each
            for each in share.of("PRINCIPAL")
            if each.status == "ASSOCIATED"
            and self._neighbours.covers(read_principal(each.entity), account)
        ]

    def _seen(self, call: Call, owner: Owner, arns: Sequence[str] | None = None) -> list[Share]:
        """Return the shares that a list is about.

        Raises:
            AwsError: MalformedArnException; UnknownResourceException, one that was asked for is
                not among them.
        """
        found = self._owned(call) if owner == "SELF" else self._reaching(call)
        for arn in arns or ():
            self._check_share_arn(arn)
            if not any(each.arn == arn for each in found):
                message = f"ResourceShare {arn} could not be found."
                raise refusal("UnknownResourceException", message)
        return [each for each in found if not arns or each.arn in arns]

    # Permissions.

    def _permission(self, call: Call, arn: str) -> Permission:
        """Return a permission that the caller can see: AWS's, or the account's own.

        Raises:
            AwsError: MalformedArnException; UnknownResourceException.
        """
        if not _PERMISSION.fullmatch(arn):
            message = (
                f"The specified permission ARN {arn} is not valid. Verify the ARN and try again."
            )
            raise refusal("MalformedArnException", message)
        found = self._permissions.get(arn)
        place = (call.account, call.region)
        if found is None or not (found.managed_by_aws or (found.owner, found.region) == place):
            raise refusal("UnknownResourceException", f"Permission {arn} could not be found.")
        return found

    # Policies.

    def _authority(self, arn: str) -> Authority | None:
        return next((each for each in self._private_ca.authorities() if each.arn == arn), None)

    def _rewrite(self, resources: Iterable[str]) -> None:
        """Write the policies of CAs anew, from every share that they are in."""
        for arn in dict.fromkeys(resources):
            authority = self._authority(arn)
            if authority is not None:
                authority.policy = documents.document(self._statements(arn))

    def _statements(self, resource: str) -> list[Json]:
        found: list[Json] = []
        for share in self._shares.values():
            if share.status == "ACTIVE" and resource in share.resources:
                found += self._statements_of(share, resource)
        return found

    def _statements_of(self, share: Share, resource: str) -> list[Json]:
        """Return what one share gives on one of its resources."""
        if share.statements is not None:
            return [
                {key: value for key, value in each.items() if key != "Sid"}
                for each in share.statements
            ]
        if share.permission is None:
            return []
        arn, number = share.permission

        def path(named: Named) -> str:
            return self._neighbours.path(named, share.owner)

        return list(
            documents.statements(
                self._permissions[arn].versions[number].statements,
                resource,
                share.owner,
                principals=[read_principal(each) for each in share.principals],
                sources=[each.entity for each in share.of("SOURCE")],
                path=path,
            )
        )

    # Time.

    def _later(self, run: Callable[[], None], label: str) -> None:
        """Go on after the world's latency, or at once where there is none."""
        if self.world.latency:
            when = self.world.clock.now() + self.world.latency
            self.world.clock.at(when, run, f"ram: {label}")
        else:
            run()

    # Answers.

    def _page(  # noqa: PLR0917 - what a page is made of
        self,
        call: Call,
        key: str,
        found: Sequence[Item],
        size: int | None,
        token: str | None,
        scope: str,
    ) -> dict[str, Any]:
        """Return one page of a list under its name, and the token of the next."""
        whole = f"ram {call.account} {call.region} {key} {scope}"
        shown, following = page(found, size or PAGE, token, scope=whole)
        return {key: shown, "nextToken": following}

    def _described(self, share: Share) -> Json:
        return {
            "resourceShareArn": share.arn,
            "name": share.name,
            "owningAccountId": share.owner,
            "allowExternalPrincipals": share.external,
            "status": share.status,
            "tags": tags_of(share.tags) or None,
            "creationTime": share.created,
            "lastUpdatedTime": share.updated,
            "featureSet": share.feature_set,
            "resourceShareConfiguration": (
                {"retainSharingOnAccountLeaveOrganization": True} if share.retain else None
            ),
        }


def associated(share: Share, found: Association) -> Json:
    """Return an association as the API shows it."""
    return {
        "resourceShareArn": share.arn,
        "resourceShareName": share.name,
        "associatedEntity": found.entity,
        "associationType": found.kind,
        "status": found.status,
        "statusMessage": found.message,
        "creationTime": found.created,
        "lastUpdatedTime": found.updated,
        "external": found.external,
    }


def tags_of(tags: dict[str, str]) -> list[Json]:
    """Return tags as the API lists them."""
    return [{"key": key, "value": value} for key, value in tags.items()]


def with_tags(current: dict[str, str], tags: Iterable[Json]) -> dict[str, str]:
    """Return tags with more set.

    Raises:
        AwsError: TagPolicyViolationException, a key that is AWS's; TagLimitExceededException;
            InvalidParameterException, a tag without a key.
    """
    found = dict(current)
    for tag in tags:
        key = tag.get("key", "")
        if not key:
            raise refusal("InvalidParameterException", "A tag must have a key.")
        if key.lower().startswith("aws:"):
            message = f"The tag key {key} is a reserved word and can't be used."
            raise refusal("TagPolicyViolationException", message)
        found[key] = tag.get("value", "")
    if len(found) > TAGS:
        message = f"A resource has at most {TAGS} tags."
        raise refusal("TagLimitExceededException", message)
    return found
