"""AWS Key Management Service: its operations, each translated into a rule and back.

Not there, and so refused: custom key stores, imported key material, multi-Region keys, ML-KEM keys
and GetKeyLastUsage. Nothing is throttled.

Source: AWS KMS API Reference. The rules, with their sources, are in the files beside this one.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from pkilab.simulator.kms import aliases, grants, lifecycle, managed, policies, rotation, tagging
from pkilab.simulator.kms.keys import metadata, no_access
from pkilab.simulator.kms.operations import Cryptography, stop_if_dry
from pkilab.simulator.kms.rotation import Rotator
from pkilab.simulator.kms.specs import SYMMETRIC_DEFAULT, spec_named, usage_of
from pkilab.simulator.kms.state import Key
from pkilab.simulator.pages import page
from pkilab.simulator.service import AwsError, Call, not_simulated
from pkilab.simulator.tagging.resources import Tagged
from pkilab.simulator.world import World

Json = dict[str, Any]


class Kms(Cryptography):
    """AWS KMS of every account and Region of a world.

    Args:
        world: whose clock, entropy, accounts and latency count.
        other_policies: what else than a key policy decides whether a caller could replace it;
            without, all of them allow it.
    """

    name: ClassVar[str] = "kms"

    def __init__(
        self, world: World, other_policies: policies.OtherPolicies = policies.anything
    ) -> None:
        super().__init__(world)
        self._rotator = Rotator(world, self.keys)
        self._other_policies = other_policies
        # Whether KMS has heard of a user or role; set by whoever owns the world.
        self.hears_of: Callable[[str], bool] = lambda _arn: True

    def tagged_resources(self, account: str, region: str) -> Iterator[Tagged]:
        """Return an account's keys of a Region with their tags, until they are deleted."""
        for each in self.keys:
            if (each.account, each.region) == (account, region):
                yield each.arn, each.tags

    # Keys

    def create_key(
        self,
        call: Call,
        *,
        policy: str | None = None,
        description: str = "",
        key_usage: str | None = None,
        customer_master_key_spec: str | None = None,
        key_spec: str | None = None,
        origin: str = "AWS_KMS",
        custom_key_store_id: str | None = None,
        bypass_policy_lockout_safety_check: bool = False,
        tags: Sequence[Json] = (),
        multi_region: bool = False,
        xks_key_id: str | None = None,
    ) -> Json:
        """Make a key; it can be used at once."""
        for is_wanted, what in (
            (origin != "AWS_KMS", f"CreateKey with Origin {origin}"),
            (custom_key_store_id, "CreateKey in a custom key store"),
            (multi_region, "CreateKey with MultiRegion"),
            (xks_key_id, "CreateKey with XksKeyId"),
        ):
            if is_wanted:
                raise not_simulated(what)
        if key_spec and customer_master_key_spec:
            raise AwsError(
                "ValidationException",
                "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. "
                "CustomerMasterKeySpec is deprecated.",
            )
        spec = spec_named(key_spec or customer_master_key_spec or SYMMETRIC_DEFAULT)
        usage = usage_of(spec, key_usage)
        new_tags = tagging.added({}, tags)
        if policy is not None:
            arn = self.keys.next_arn(call)
            self._check_policy(call, arn, policy, bypass=bypass_policy_lockout_safety_check)
        key = self.keys.create(call, spec, usage, description, policy or "")
        key.tags = new_tags
        return {"KeyMetadata": metadata(key)}

    def describe_key(self, call: Call, *, key_id: str, grant_tokens: Sequence[str] = ()) -> Json:
        """Describe a key in any state; the operation's model has no refusal of grant tokens."""
        del grant_tokens
        return {"KeyMetadata": metadata(self.keys.find(call, key_id, "DescribeKey"))}

    def list_keys(
        self,
        call: Call,
        *,
        limit: int = 100,
        marker: str | None = None,
        resource_owners: Sequence[str] = ("SELF",),
    ) -> Json:
        """List the keys of the caller's account and Region in order of creation."""
        if set(resource_owners) != {"SELF"}:
            raise not_simulated("ListKeys of keys shared through RAM")
        items = [{"KeyId": key.key_id, "KeyArn": key.arn} for key in self.keys.owned(call)]
        scope = f"keys {call.account} {call.region}"
        return _page("Keys", items, limit, marker, scope)

    def enable_key(self, call: Call, *, key_id: str) -> Json:
        """Let a key be used again."""
        key = self._changeable(call, key_id, "EnableKey")
        key.state = "Enabled"
        self._rotator.resume(key)
        return {}

    def disable_key(self, call: Call, *, key_id: str) -> Json:
        """Let a key not be used."""
        self._changeable(call, key_id, "DisableKey").state = "Disabled"
        return {}

    def update_key_description(self, call: Call, *, key_id: str, description: str) -> Json:
        """Describe a key in other words."""
        self._changeable(call, key_id, "UpdateKeyDescription").description = description
        return {}

    def schedule_key_deletion(
        self, call: Call, *, key_id: str, pending_window_in_days: int = lifecycle.WINDOW_DAYS
    ) -> Json:
        """Delete a key, its aliases and grants, after a waiting period."""
        lifecycle.check_window(pending_window_in_days)
        key = self._changeable(call, key_id, "ScheduleKeyDeletion")
        when = call.now + timedelta(days=pending_window_in_days)
        delete = functools.partial(self._delete, key)
        deletion = self.world.clock.at(when, delete, f"delete {key.arn}")
        lifecycle.schedule_deletion(key, pending_window_in_days, call.now, deletion)
        return {
            "KeyId": key.arn,
            "DeletionDate": key.deletion_at,
            "KeyState": key.state,
            "PendingWindowInDays": pending_window_in_days,
        }

    def cancel_key_deletion(self, call: Call, *, key_id: str) -> Json:
        """Keep a key that was to be deleted; it is disabled."""
        key = self.keys.find(call, key_id, "CancelKeyDeletion")
        lifecycle.cancel_deletion(key)
        return {"KeyId": key.arn}

    def _delete(self, key: Key) -> None:
        self._rotator.stop(key)
        self.keys.delete(key)

    # Aliases

    def create_alias(self, call: Call, *, alias_name: str, target_key_id: str) -> Json:
        """Give a key a name."""
        aliases.create(self.keys, call, alias_name, target_key_id)
        return {}

    def update_alias(self, call: Call, *, alias_name: str, target_key_id: str) -> Json:
        """Give a name to another key: how asymmetric keys are rotated."""
        aliases.update(self.keys, call, alias_name, target_key_id)
        return {}

    def delete_alias(self, call: Call, *, alias_name: str) -> Json:
        """Take a name from a key."""
        aliases.delete(self.keys, call, alias_name)
        return {}

    def list_aliases(
        self,
        call: Call,
        *,
        key_id: str | None = None,
        limit: int = 50,
        marker: str | None = None,
    ) -> Json:
        """List the aliases of the caller's account and Region, or of one key, by name."""
        if key_id is None:
            found = [each for key in self.keys.owned(call) for each in key.aliases.values()]
        else:
            found = list(self.keys.find(call, key_id, "ListAliases").aliases.values())
        items = [aliases.listed(each) for each in sorted(found, key=lambda each: each.name)]
        scope = f"aliases {call.account} {call.region} {key_id}"
        return _page("Aliases", items, limit, marker, scope, most=100)

    # Key policies

    def get_key_policy(self, call: Call, *, key_id: str, policy_name: str = policies.NAME) -> Json:
        """Return the key policy as it was given, or AWS's default."""
        key = self.keys.find(call, key_id, "GetKeyPolicy")
        policies.require_default(policy_name)
        return {"Policy": key.policy, "PolicyName": policy_name}

    def put_key_policy(
        self,
        call: Call,
        *,
        key_id: str,
        policy: str,
        policy_name: str = policies.NAME,
        bypass_policy_lockout_safety_check: bool = False,
    ) -> Json:
        """Replace the key policy."""
        key = self.keys.find(call, key_id, "PutKeyPolicy")
        policies.require_settable(policy_name)
        self._check_policy(call, key.arn, policy, bypass=bypass_policy_lockout_safety_check)
        key.policy = policy
        return {}

    def list_key_policies(
        self, call: Call, *, key_id: str, limit: int = 100, marker: str | None = None
    ) -> Json:
        """List the names of a key's policies, of which there is one."""
        key = self.keys.find(call, key_id, "ListKeyPolicies")
        # The model of this operation has no InvalidMarkerException.
        return _page(
            "PolicyNames",
            [policies.NAME],
            limit,
            marker,
            f"policies {key.arn}",
            refusal="ValidationException",
        )

    def _check_policy(self, call: Call, key_arn: str, policy: str, *, bypass: bool) -> None:
        policies.check(
            call,
            key_arn,
            policy,
            accounts=self.world.accounts.values(),
            others=self._other_policies,
            bypass=bypass,
            hears_of=self.hears_of,
        )

    # Grants

    def create_grant(
        self,
        call: Call,
        *,
        key_id: str,
        grant_tokens: Sequence[str] = (),
        dry_run: bool = False,
        **members: Any,  # noqa: ANN401 - what the grant is to be
    ) -> Json:
        """Permit somebody some operations on a key."""
        key = self._found(call, key_id, "CreateGrant", grant_tokens)
        wanted = grants.wanted(**members)
        grants.check(key, wanted, self.world.accounts.values())
        stop_if_dry(dry_run)
        return self.grants.create(call, key, wanted)

    def list_grants(
        self,
        call: Call,
        *,
        key_id: str,
        limit: int = 50,
        marker: str | None = None,
        grant_id: str | None = None,
        grantee_principal: str | None = None,
        grantee_service_principal: str | None = None,
    ) -> Json:
        """List the grants of a key in order of creation."""
        if grantee_service_principal:
            raise not_simulated("ListGrants with GranteeServicePrincipal")
        key = self.keys.find(call, key_id, "ListGrants")
        found = grants.current(key) if grant_id is None else [grants.find(key, grant_id)]
        items = [
            grants.listed(life) for life in found if grantee_principal in {None, life.grant.grantee}
        ]
        scope = f"grants {key.arn} {grant_id} {grantee_principal}"
        return _page("Grants", items, limit, marker, scope, most=100)

    def list_retirable_grants(
        self,
        call: Call,
        *,
        retiring_principal: str | None = None,
        limit: int = 50,
        marker: str | None = None,
        retiring_service_principal: str | None = None,
    ) -> Json:
        """List the grants in this Region, of whosever keys, that a principal may retire."""
        if retiring_service_principal:
            raise not_simulated("ListRetirableGrants with RetiringServicePrincipal")
        if retiring_principal is None:
            raise AwsError(
                "ValidationException",
                "Either RetiringPrincipal or RetiringServicePrincipal must be specified.",
            )
        account = grants.account_of(retiring_principal)
        if account != call.account:
            raise no_access(call, "ListRetirableGrants")
        items = [
            grants.listed(life)
            for key in self.keys
            if key.region == call.region
            for life in grants.current(key)
            if life.grant.retiring == retiring_principal
        ]
        scope = f"retirable {call.region} {retiring_principal}"
        return _page("Grants", items, limit, marker, scope, most=100)

    def retire_grant(
        self,
        call: Call,
        *,
        grant_token: str | None = None,
        key_id: str | None = None,
        grant_id: str | None = None,
        dry_run: bool = False,
    ) -> Json:
        """End a grant that is not needed any more."""
        if (grant_token is None) == (key_id is None or grant_id is None):
            raise AwsError(
                "ValidationException",
                "Specify either a grant token, or both a key ID and a grant ID.",
            )
        if grant_token is not None:
            grant = self.grants.of_token(grant_token)
            key_id, grant_id = grant.key_arn, grant.grant_id
        return self._end_grant(call, "RetireGrant", key_id or "", grant_id or "", dry_run=dry_run)

    def revoke_grant(
        self, call: Call, *, key_id: str, grant_id: str, dry_run: bool = False
    ) -> Json:
        """Take back what a grant permits."""
        return self._end_grant(call, "RevokeGrant", key_id, grant_id, dry_run=dry_run)

    def _end_grant(
        self, call: Call, operation: str, key_id: str, grant_id: str, *, dry_run: bool
    ) -> Json:
        key = self.keys.find(call, key_id, operation)
        grants.find(key, grant_id)
        stop_if_dry(dry_run)
        self.grants.remove(call, key, grant_id)
        return {}

    # Tags

    def tag_resource(self, call: Call, *, key_id: str, tags: Sequence[Json]) -> Json:
        """Add tags, or change their values."""
        key = self._changeable(call, key_id, "TagResource")
        key.tags = tagging.added(key.tags, tags)
        return {}

    def untag_resource(self, call: Call, *, key_id: str, tag_keys: Sequence[str]) -> Json:
        """Remove tags."""
        key = self._changeable(call, key_id, "UntagResource")
        key.tags = tagging.removed(key.tags, tag_keys)
        return {}

    def list_resource_tags(
        self, call: Call, *, key_id: str, limit: int = 50, marker: str | None = None
    ) -> Json:
        """List the tags in the order they were set."""
        key = self.keys.find(call, key_id, "ListResourceTags")
        items = tagging.listed(key.tags)
        return _page("Tags", items, limit, marker, f"tags {key.arn}", most=50)

    # Rotation

    def enable_key_rotation(
        self, call: Call, *, key_id: str, rotation_period_in_days: int | None = None
    ) -> Json:
        """Give a symmetric key new material from time to time."""
        key = self.keys.find(call, key_id, "EnableKeyRotation")
        self._rotator.enable(key, rotation_period_in_days)
        return {}

    def disable_key_rotation(self, call: Call, *, key_id: str) -> Json:
        """Let a key keep its material."""
        self._rotator.disable(self.keys.find(call, key_id, "DisableKeyRotation"))
        return {}

    def get_key_rotation_status(self, call: Call, *, key_id: str) -> Json:
        """Say whether and when a key is rotated."""
        return rotation.status(self.keys.find(call, key_id, "GetKeyRotationStatus"))

    def rotate_key_on_demand(self, call: Call, *, key_id: str) -> Json:
        """Give a symmetric key new material now."""
        key = self.keys.find(call, key_id, "RotateKeyOnDemand")
        self._rotator.on_demand(key)
        return {"KeyId": key.arn}

    def list_key_rotations(
        self,
        call: Call,
        *,
        key_id: str,
        include_key_material: str = "ROTATIONS_ONLY",
        limit: int = 100,
        marker: str | None = None,
    ) -> Json:
        """List a symmetric key's rotations, or all its material, the oldest first."""
        key = self.keys.find(call, key_id, "ListKeyRotations")
        items = rotation.rotations(key, everything=include_key_material == "ALL_KEY_MATERIAL")
        scope = f"rotations {key.arn} {include_key_material}"
        return _page("Rotations", items, limit, marker, scope)

    # For other services

    def managed_key(self, call: Call, service: str) -> Key:
        """Return a service's AWS managed key in the caller's account, made when first needed.

        It is rotated every year, as AWS's are.

        Raises:
            AwsError: LimitExceededException.
        """
        key, is_new = managed.managed_key(self.keys, call, service)
        if is_new:
            self._rotator.enable(key, None)
        return key

    # What the operations share

    def _changeable(self, call: Call, key_id: str, operation: str) -> Key:
        """Return a key that is not about to be deleted."""
        key = self.keys.find(call, key_id, operation)
        lifecycle.require_not_pending(key)
        return key


def _page(
    member: str,
    items: Sequence[Any],
    limit: int,
    marker: str | None,
    scope: str,
    *,
    most: int = 1000,
    refusal: str = "InvalidMarkerException",
) -> Json:
    """Return one page of a list in KMS's way; the model allows a Limit of 1,000 for every one."""
    if limit > most:
        raise AwsError(
            "ValidationException",
            f"1 validation error detected: Value '{limit}' at 'limit' failed to satisfy "
            f"constraint: Member must have value less than or equal to {most}",
        )
    shown, token = page(items, limit, marker, scope=scope, refusal=refusal)
    return {member: shown, "NextMarker": token, "Truncated": token is not None}
