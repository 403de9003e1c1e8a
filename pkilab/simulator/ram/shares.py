"""Resource shares: made, changed, deleted; resources, principals and sources in them.

Sources: AWS RAM API Reference; RAM User Guide, "Sharing your AWS resources".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pkilab.simulator.ram import documents, permissions
from pkilab.simulator.ram.base import RamBase, associated, once, refusal, with_tags
from pkilab.simulator.ram.principals import OUTSIDE, Named, read_principal
from pkilab.simulator.ram.state import (
    CA,
    INVITATION,
    Association,
    Invitation,
    Json,
    Kind,
    Share,
)
from pkilab.simulator.service import Call, not_simulated

AT_ONCE = 100  # resources, principals or sources in one call; model of the API
_ARN = re.compile(r"arn:aws:(?P<service>[a-z0-9-]+):[a-z0-9-]*:(?:\d{12})?:\S+", re.ASCII)


class Shares(RamBase):
    """Operations on shares."""

    @once
    def create_resource_share(
        self,
        call: Call,
        *,
        name: str,
        resource_arns: Sequence[str] = (),
        principals: Sequence[str] = (),
        tags: Sequence[Json] = (),
        allow_external_principals: bool = True,
        permission_arns: Sequence[str] = (),
        sources: Sequence[str] = (),
        permission_template_parameters: Sequence[Json] = (),
        resource_share_configuration: Json | None = None,
    ) -> Json:
        """Share CAs with others, or prepare to."""
        if permission_template_parameters:
            raise not_simulated("ram:CreateResourceShare with permissionTemplateParameters")
        if not name:
            raise refusal("InvalidParameterException", "A resource share must have a name.")
        share = Share(
            arn="",
            name=name,
            owner=call.account,
            region=call.region,
            external=allow_external_principals,
            status="PENDING" if self.world.latency else "ACTIVE",
            created=call.now,
            updated=call.now,
            retain=bool(
                (resource_share_configuration or {}).get("retainSharingOnAccountLeaveOrganization")
            ),
            tags=with_tags({}, tags),
        )
        self._choose(call, share, permission_arns)
        self._check(call, share, resource_arns, principals, sources)
        uuid = self._uuid("resource share")
        share.arn = f"arn:aws:ram:{call.region}:{call.account}:resource-share/{uuid}"
        self._shares[share.arn] = share
        self._begin(call, share, resource_arns, principals, sources)
        self._later(lambda: self._activate(share), f"{share.arn} is made")
        shown = self._described(share)
        del shown["featureSet"]  # as in AWS's examples
        return {"resourceShare": shown}

    @once
    def update_resource_share(
        self,
        call: Call,
        *,
        resource_share_arn: str,
        name: str | None = None,
        allow_external_principals: bool | None = None,
    ) -> Json:
        """Rename a share, or say whether it may leave the organization."""
        share = self._changeable(call, resource_share_arn)
        if allow_external_principals is False:
            inside = self._neighbours.sharing(share.owner) is not None
            if not inside or any(each.external for each in share.of("PRINCIPAL")):
                raise refusal("OperationNotPermittedException", OUTSIDE)
        if allow_external_principals is not None:
            share.external = allow_external_principals
        share.name = name or share.name
        share.updated = call.now
        return {"resourceShare": self._described(share)}

    @once
    def delete_resource_share(self, call: Call, *, resource_share_arn: str) -> Json:
        """End a share: nobody has access by it any more. Certificates stay."""
        share = self._changeable(call, resource_share_arn)
        share.status, share.updated = "DELETING", call.now
        self._later(lambda: self._delete(share), f"{share.arn} is deleted")
        return {"returnValue": True}

    @once
    def associate_resource_share(
        self,
        call: Call,
        *,
        resource_share_arn: str,
        resource_arns: Sequence[str] = (),
        principals: Sequence[str] = (),
        sources: Sequence[str] = (),
    ) -> Json:
        """Add resources, principals or sources; what is in the share already stays as it is."""
        share = self._changeable(call, resource_share_arn)
        _require_something(resource_arns, principals, sources)
        self._check(call, share, resource_arns, principals, sources)
        made = self._begin(call, share, resource_arns, principals, sources)
        self._rewrite(share.resources)
        return {"resourceShareAssociations": [associated(share, each) for each in made]}

    @once
    def disassociate_resource_share(
        self,
        call: Call,
        *,
        resource_share_arn: str,
        resource_arns: Sequence[str] = (),
        principals: Sequence[str] = (),
        sources: Sequence[str] = (),
    ) -> Json:
        """Take resources, principals or sources out of a share."""
        share = self._changeable(call, resource_share_arn)
        _require_something(resource_arns, principals, sources)
        ending = [
            *(_of(share, "RESOURCE", each) for each in resource_arns),
            *(_of(share, "PRINCIPAL", each) for each in principals),
            *(_of(share, "SOURCE", each) for each in sources),
        ]
        for each in ending:
            each.move("DISASSOCIATING", call.now)
            if each.kind == "PRINCIPAL":
                self._withdraw(share, each.entity)
        self._later(lambda: self._end(share, ending), f"{share.arn} loses something")
        return {"resourceShareAssociations": [associated(share, each) for each in ending]}

    # What they share.

    def _choose(self, call: Call, share: Share, arns: Sequence[str]) -> None:
        """Give a new share its permission, if one was named."""
        found = [self._permission(call, each) for each in dict.fromkeys(arns)]
        if len(found) > 1:
            message = f"You can associate only one permission with the resource type {CA}."
            raise refusal("InvalidParameterException", message)
        for each in found:
            self._require_attachable(each.feature_set, each.arn)
            share.permission, share.permission_since = (each.arn, each.default), call.now

    def _require_attachable(self, feature_set: str, arn: str) -> None:
        if feature_set != "STANDARD":
            message = f"Permission {arn} was created from a policy and can't be associated."
            raise refusal("InvalidParameterException", message)

    def _check(
        self,
        call: Call,
        share: Share,
        resources: Sequence[str],
        principals: Sequence[str],
        sources: Sequence[str],
    ) -> None:
        """Refuse what cannot be in a share, before anything is changed."""
        if max(len(resources), len(principals), len(sources)) > AT_ONCE:
            message = f"You can associate up to {AT_ONCE} resources per call."
            raise refusal("ResourceShareLimitExceededException", message)
        for each in resources:
            self._check_resource(call, each)
        for each in principals:
            named = read_principal(each)
            self._neighbours.require_known(named, share.owner)
            if named.kind == "account" and named.account == share.owner:
                message = "You can't share resources with the account that owns them."
                raise refusal("InvalidParameterException", message)
            if self._neighbours.is_external(named, share.owner) and not share.external:
                raise refusal("OperationNotPermittedException", OUTSIDE)
        for each in sources:
            documents.check_source(each)

    def _check_resource(self, call: Call, arn: str) -> None:
        found = _ARN.fullmatch(arn)
        if found is None:
            message = (
                f"The specified resource ARN {arn} is not valid. Verify the ARN and try again."
            )
            raise refusal("MalformedArnException", message)
        if found["service"] != "acm-pca":
            raise not_simulated(f"sharing {arn}: what is not a private CA")
        authority = self._authority(arn)
        place = (call.account, call.region)
        if authority is None or (authority.account, authority.region) != place:
            raise refusal("UnknownResourceException", f"Resource {arn} could not be found.")

    def _begin(
        self,
        call: Call,
        share: Share,
        resources: Iterable[str],
        principals: Iterable[str],
        sources: Iterable[str],
    ) -> list[Association]:
        """Begin associations, or find those that there are."""
        made = [self._enter(call, share, "RESOURCE", each) for each in dict.fromkeys(resources)]
        if made and share.permission is None:
            number = self._permissions[permissions.DEFAULT_ARN].default
            share.permission = (permissions.DEFAULT_ARN, number)
            share.permission_since = call.now
        made += [self._enter(call, share, "PRINCIPAL", each) for each in dict.fromkeys(principals)]
        made += [self._enter(call, share, "SOURCE", each) for each in dict.fromkeys(sources)]
        share.updated = call.now
        return made

    def _enter(self, call: Call, share: Share, kind: Kind, entity: str) -> Association:
        if (known := share.find(kind, entity)) is not None:
            return known
        made = Association(entity, kind, "ASSOCIATING", call.now, call.now)
        share.associations.append(made)
        if kind == "PRINCIPAL":
            named = read_principal(entity)
            made.external = self._neighbours.is_external(named, share.owner)
            if made.external:
                self._invite(share, named, call)
                return made  # until it is accepted
            own = self._neighbours.sharing(share.owner)
            inside = own is not None and named.account != share.owner and named.kind != "service"
            made.organization = own.id if own and inside else ""
        self._later(lambda: self._enter_at_last(share, made), f"{entity} enters {share.arn}")
        return made

    def _activate(self, share: Share) -> None:
        if share.status == "PENDING":
            share.status = "ACTIVE"
        self._rewrite(share.resources)

    def _enter_at_last(self, share: Share, made: Association) -> None:
        if made.status == "ASSOCIATING":
            made.move("ASSOCIATED", self.world.clock.now())
            self._rewrite(share.resources)

    def _invite(self, share: Share, named: Named, call: Call) -> None:
        uuid = self._uuid("invitation")
        arn = f"arn:aws:ram:{share.region}:{share.owner}:resource-share-invitation/{uuid}"
        made = Invitation(arn, share, named.text, named.account, call.now)
        self._invitations[arn] = made
        self.world.clock.at(call.now + INVITATION, lambda: self._lapse(made), f"ram: {arn} lapses")

    def _lapse(self, invitation: Invitation) -> None:
        """Let an invitation that nobody answered expire; who was invited is no principal then."""
        if invitation.status == "PENDING" and invitation.arn in self._invitations:
            invitation.status = "EXPIRED"
            self._turn_away(invitation)

    def _turn_away(self, invitation: Invitation) -> None:
        found = invitation.share.find("PRINCIPAL", invitation.principal)
        if found is not None:
            self._end(invitation.share, [found])

    def _end(self, share: Share, ending: Iterable[Association], message: str | None = None) -> None:
        """End associations; the policies of the share's resources are written anew."""
        now, resources = self.world.clock.now(), list(share.resources)
        for each in ending:
            each.move("DISASSOCIATED", now, message)
            if each.kind == "PRINCIPAL" and share.find("PRINCIPAL", each.entity) is None:
                self._withdraw(share, each.entity)
            if each.kind == "RESOURCE":
                resources.append(each.entity)
        share.updated = now
        self._rewrite(resources)

    def _withdraw(self, share: Share, principal: str) -> None:
        """Forget invitations that cannot be answered any more."""
        for each in [*self._invitations.values()]:
            if each.share is share and each.principal == principal and each.status == "PENDING":
                del self._invitations[each.arn]

    def _delete(self, share: Share) -> None:
        live = [each for each in share.associations if each.status != "DISASSOCIATED"]
        share.status = "DELETED"
        self._end(share, live)


def _require_something(*given: Sequence[str]) -> None:
    if not any(given):
        message = "You must specify at least one resource, principal or source."
        raise refusal("InvalidParameterException", message)


def _of(share: Share, kind: Kind, entity: str) -> Association:
    found = share.find(kind, entity)
    if found is None:
        message = f"{entity} is not associated with ResourceShare {share.arn}."
        raise refusal("UnknownResourceException", message)
    return found
