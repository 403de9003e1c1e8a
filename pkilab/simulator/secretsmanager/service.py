"""AWS Secrets Manager: its operations, each translated into a rule and back.

Not there, and so refused: replication, managed external secrets and rotation by a service. More
than a hundred versions of one day are kept without a limit. Nothing is throttled.

Source: AWS Secrets Manager API Reference. The rules, with their sources, are in the files beside
this one. Sentences as public issues quote them.
"""

from __future__ import annotations

import functools
import hmac
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from pkilab.simulator.access.asking import Resource
from pkilab.simulator.kms.service import Kms
from pkilab.simulator.pages import page
from pkilab.simulator.secretsmanager import listing, passwords, policies, staging
from pkilab.simulator.secretsmanager.rotating import STEPS, Functions, Rotator, unfinished
from pkilab.simulator.secretsmanager.schedules import read_schedule
from pkilab.simulator.secretsmanager.sealing import Sealing
from pkilab.simulator.secretsmanager.secrets import Secrets
from pkilab.simulator.secretsmanager.state import CURRENT, PENDING, Rotation, Secret, Version
from pkilab.simulator.service import AwsError, Call, JsonService, not_simulated, run
from pkilab.simulator.tagging.resources import Tagged
from pkilab.simulator.world import World

Json = dict[str, Any]
LONGEST = 65_536  # bytes of a value
TAGS = 50
_WINDOW, _SHORTEST_WINDOW = 30, 7  # days
_TESTED = ("testSecret",)


class SecretsManager(JsonService):
    """Secrets Manager of every account and Region of a world.

    Args:
        world: whose clock and entropy count.
        kms: what encrypts secrets.
        functions: what rotates them.
    """

    name: ClassVar[str] = "secretsmanager"

    def __init__(self, world: World, kms: Kms, functions: Functions) -> None:
        super().__init__(world)
        self._secrets = Secrets(world)
        self._sealing = Sealing(kms, world.entropy("secretsmanager", "nonces"))
        self._rotator = Rotator(world, functions)
        self._passwords = world.entropy("secretsmanager", "passwords")

    def resource(self, arn: str) -> Resource | None:
        """Return the secret of an ARN, or of a partial one, for policies."""
        found = self._secrets.by_arn(arn)
        if found is None:
            return None
        context: dict[str, str | tuple[str, ...]] = {
            f"secretsmanager:resourcetag/{key.lower()}": value for key, value in found.tags.items()
        }
        context["secretsmanager:secretprimaryregion"] = found.region
        if found.rotation is not None:
            context["secretsmanager:resource/allowrotationlambdaarn"] = found.rotation.function_arn
        return Resource(found.arn, found.account, found.tags, found.policy, context)

    def tagged_resources(self, account: str, region: str) -> Iterator[Tagged]:
        """Return an account's secrets of a Region with their tags, until they are deleted."""
        for each in self._secrets.of(account, region):
            yield each.arn, each.tags

    # Secrets

    def create_secret(
        self,
        call: Call,
        *,
        name: str,
        client_request_token: str | None = None,
        description: str = "",
        kms_key_id: str = "",
        secret_binary: bytes | None = None,
        secret_string: str | None = None,
        tags: Sequence[Json] = (),
        add_replica_regions: Sequence[Json] = (),
        force_overwrite_replica_secret: bool = False,
        type: str = "",  # noqa: A002 - the member of that name
        cross_account_primary_arn: str = "",
    ) -> Json:
        """Make a secret, with its first version if a value comes along."""
        _refuse("CreateSecret", AddReplicaRegions=add_replica_regions, Type=type,
                ForceOverwriteReplicaSecret=force_overwrite_replica_secret,
                CrossAccountPrimaryARN=cross_account_primary_arn)  # fmt: skip
        value = _value(secret_binary, secret_string)
        secret = self._secrets.new(call, name)
        if old := self._secrets.named(call, name):
            return self._created_before(call, old, client_request_token, value)
        secret.description, secret.key_id = description, kms_key_id
        secret.tags = _tagged({}, tags)
        version = None
        if kms_key_id:
            self._sealing.validate(call, secret)
        if value is not None:
            version = self._new_version(call, secret, _required(client_request_token), value)
            staging.attach(secret, version, [CURRENT])
        self._secrets.add(secret)
        return _answer(secret, version)

    def describe_secret(self, call: Call, *, secret_id: str) -> Json:
        """Describe a secret, also one that is to be deleted."""
        secret = self._secrets.find(call, secret_id)
        return {
            **listing.described(secret),
            "VersionIdsToStages": listing.stages(secret) or None,
        }

    def list_secrets(
        self,
        call: Call,
        *,
        include_planned_deletion: bool = False,
        max_results: int = 100,
        next_token: str | None = None,
        filters: Sequence[Json] = (),
        sort_order: str = "desc",
        sort_by: str = "created-date",
    ) -> Json:
        """List the caller's secrets that fit, the newest first."""
        found = self._found(call, filters, planned=include_planned_deletion)
        items = [
            {**listing.described(each), "SecretVersionsToStages": listing.stages(each) or None}
            for each in listing.ordered(found, sort_by, sort_order)
        ]
        scope = f"secrets {call.account} {call.region} {filters} {sort_by} {sort_order}"
        shown, token = page(items, max_results, next_token, scope=scope)
        return {"SecretList": shown, "NextToken": token}

    def update_secret(
        self,
        call: Call,
        *,
        secret_id: str,
        client_request_token: str | None = None,
        description: str | None = None,
        kms_key_id: str | None = None,
        secret_binary: bytes | None = None,
        secret_string: str | None = None,
        type: str = "",  # noqa: A002 - the member of that name
    ) -> Json:
        """Change a secret's description, key or value."""
        _refuse("UpdateSecret", Type=type)
        value = _value(secret_binary, secret_string)
        secret = self._usable(call, secret_id)
        if value is not None and client_request_token in secret.versions:
            raise _token_used(secret, client_request_token or "")
        if kms_key_id is not None and kms_key_id != secret.key_id:
            self._change_key(call, secret, kms_key_id)
        version = None
        if value is not None:
            version = self._new_version(call, secret, _required(client_request_token), value)
            self._make_current(call, secret, version, [CURRENT])
        if description is not None:
            secret.description = description
        secret.changed_at = call.now
        return _answer(secret, version)

    def delete_secret(
        self,
        call: Call,
        *,
        secret_id: str,
        recovery_window_in_days: int | None = None,
        force_delete_without_recovery: bool = False,
    ) -> Json:
        """Delete a secret after a recovery window, or at once."""
        if recovery_window_in_days is not None and force_delete_without_recovery:
            raise _wrong(
                "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays."
            )
        days = _WINDOW if recovery_window_in_days is None else recovery_window_in_days
        if not _SHORTEST_WINDOW <= days <= _WINDOW:
            raise _wrong(
                "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive)."
            )
        try:
            secret = self._secrets.find(call, secret_id)
        except AwsError:
            if not force_delete_without_recovery:
                raise
            arn = secret_id if secret_id.startswith("arn:") else self._secrets.arn(call, secret_id)
            name = secret_id.rpartition(":secret:")[2]
            return {"ARN": arn, "Name": name, "DeletionDate": call.now}
        answer = {"ARN": secret.arn, "Name": secret.name, "DeletionDate": call.now}
        if force_delete_without_recovery:
            self._delete(secret)
            return answer
        if secret.deleted_at is not None:
            raise _refused(
                "You can't perform this operation on the secret because it was already scheduled "
                "for deletion."
            )
        when = call.now + timedelta(days=days)
        self._rotator.stop(secret)
        secret.deleted_at = secret.changed_at = call.now
        delete = functools.partial(self._delete, secret)
        secret.deletion = self.world.clock.at(when, delete, f"delete {secret.arn}")
        return {**answer, "DeletionDate": when}

    def restore_secret(self, call: Call, *, secret_id: str) -> Json:
        """Keep a secret that was to be deleted."""
        secret = self._secrets.find(call, secret_id)
        if secret.deletion is not None:
            secret.deletion.cancel()
            secret.deletion = secret.deleted_at = None
            secret.changed_at = call.now
            if secret.rotation is not None:
                self._rotator.schedule(secret, call.now)
        return {"ARN": secret.arn, "Name": secret.name}

    # Values

    def put_secret_value(
        self,
        call: Call,
        *,
        secret_id: str,
        client_request_token: str | None = None,
        secret_binary: bytes | None = None,
        secret_string: str | None = None,
        version_stages: Sequence[str] = (),
        rotation_token: str | None = None,
    ) -> Json:
        """Give a secret a new version, which is current unless labels say otherwise."""
        _refuse("PutSecretValue", RotationToken=rotation_token)
        value = _value(secret_binary, secret_string)
        if value is None:
            raise _wrong("You must provide either SecretString or SecretBinary.")
        secret, token = self._usable(call, secret_id), _required(client_request_token)
        version = secret.versions.get(token)
        if version is not None and version.envelope is not None:
            if not self._is_same(call, secret, version, value):
                raise _token_used(secret, token)
            return _answer(secret, version) | {"VersionStages": list(version.stages)}
        is_first = not any(each.envelope for each in secret.versions.values())
        stages = list(dict.fromkeys(version_stages)) or [CURRENT]
        if is_first and CURRENT not in stages:
            stages.append(CURRENT)
        version = self._new_version(call, secret, token, value)
        self._make_current(call, secret, version, stages)
        secret.changed_at = call.now
        return _answer(secret, version) | {"VersionStages": list(version.stages)}

    def get_secret_value(
        self,
        call: Call,
        *,
        secret_id: str,
        version_id: str | None = None,
        version_stage: str | None = None,
    ) -> Json:
        """Return the value of a version: the current one, unless another is asked for."""
        secret = self._usable(call, secret_id)
        version = _version(secret, version_id, version_stage)
        value = self._sealing.open(call, secret, version)
        day = call.now.replace(hour=0, minute=0, second=0, microsecond=0)
        secret.accessed_at = version.accessed_at = day
        return {
            "ARN": secret.arn,
            "Name": secret.name,
            "VersionId": version.version_id,
            "SecretString": value.decode() if version.is_text else None,
            "SecretBinary": None if version.is_text else value,
            "VersionStages": list(version.stages),
            "CreatedDate": version.created_at,
        }

    def batch_get_secret_value(
        self,
        call: Call,
        *,
        secret_id_list: Sequence[str] = (),
        filters: Sequence[Json] = (),
        max_results: int | None = None,
        next_token: str | None = None,
    ) -> Json:
        """Return the current values of several secrets, and why of some there is none."""
        if bool(secret_id_list) == bool(filters):
            raise _wrong("Either 'SecretIdList' or 'Filters' must be provided, but not both.")
        if max_results is not None and not filters:
            raise _wrong(
                "'Filters' not specified. 'Filters' must also be specified when 'MaxResults' is "
                "provided."
            )
        ids, token = list(secret_id_list), None
        if filters:
            found = listing.ordered(self._found(call, filters), "created-date", "desc")
            scope = f"batch {call.account} {call.region} {filters}"
            shown, token = page(found, max_results or 20, next_token, scope=scope)
            ids = [each.arn for each in shown]
        values, errors = [], []
        for each in ids:
            try:
                values.append(run(self, "GetSecretValue", {"SecretId": each}, call))
            except AwsError as refused:
                errors.append(
                    {"SecretId": each, "ErrorCode": refused.code, "Message": refused.message}
                )
        return {"SecretValues": values, "Errors": errors, "NextToken": token}

    def list_secret_version_ids(
        self,
        call: Call,
        *,
        secret_id: str,
        max_results: int = 100,
        next_token: str | None = None,
        include_deprecated: bool = False,
    ) -> Json:
        """List a secret's versions that have labels, or all that there still are."""
        secret = self._secrets.find(call, secret_id)
        items = [
            listing.version_entry(each)
            for each in secret.versions.values()
            if each.stages or include_deprecated
        ]
        scope = f"versions {secret.arn} {include_deprecated}"
        shown, token = page(items, max_results, next_token, scope=scope)
        return {"Versions": shown, "NextToken": token, "ARN": secret.arn, "Name": secret.name}

    def update_secret_version_stage(
        self,
        call: Call,
        *,
        secret_id: str,
        version_stage: str,
        remove_from_version_id: str | None = None,
        move_to_version_id: str | None = None,
    ) -> Json:
        """Move a label from one version to another, or take it away."""
        secret = self._usable(call, secret_id)
        staging.move(secret, version_stage, remove_from_version_id, move_to_version_id)
        staging.drop_outdated(secret, call.now)
        secret.changed_at = call.now
        return {"ARN": secret.arn, "Name": secret.name}

    def get_random_password(
        self,
        _call: Call,
        *,
        password_length: int = passwords.LENGTH,
        exclude_characters: str = "",
        exclude_numbers: bool = False,
        exclude_punctuation: bool = False,
        exclude_uppercase: bool = False,
        exclude_lowercase: bool = False,
        include_space: bool = False,
        require_each_included_type: bool = True,
    ) -> Json:
        """Make up a password: in a seeded world, the same ones each time it is begun."""
        left_out = {
            "numbers": exclude_numbers,
            "punctuation": exclude_punctuation,
            "uppercase": exclude_uppercase,
            "lowercase": exclude_lowercase,
        }
        made = passwords.random_password(
            self._passwords,
            length=password_length,
            excluded=exclude_characters,
            without=[name for name, is_out in left_out.items() if is_out],
            space=include_space,
            each_type=require_each_included_type,
        )
        return {"RandomPassword": made}

    # Rotation

    def rotate_secret(
        self,
        call: Call,
        *,
        secret_id: str,
        client_request_token: str | None = None,
        rotation_lambda_arn: str = "",
        rotation_rules: Mapping[str, object] | None = None,
        external_secret_rotation_metadata: Sequence[Json] = (),
        external_secret_rotation_role_arn: str = "",
        rotate_immediately: bool = True,
    ) -> Json:
        """Configure rotation, and begin one."""
        _refuse("RotateSecret", ExternalSecretRotationMetadata=external_secret_rotation_metadata,
                ExternalSecretRotationRoleArn=external_secret_rotation_role_arn)  # fmt: skip
        secret, token = self._usable(call, secret_id), _required(client_request_token)
        old = secret.rotation
        function = rotation_lambda_arn or (old.function_arn if old else "")
        if not function:
            raise _refused("No Lambda rotation function ARN is associated with this secret.")
        read = read_schedule(dict(rotation_rules)) if rotation_rules else None
        schedule = read or (old.schedule if old else None)
        self._rotator.check_function(secret, function)
        waiting = unfinished(secret)
        if waiting and waiting != token:
            if old is not None and old.token != waiting:
                # The errand outlives the refusal: what waited is what is done.
                self._rotator.start(secret, waiting)
            raise _refused("A previous rotation isn't complete. That rotation will be reattempted.")
        secret.rotation = Rotation(
            enabled=True,
            function_arn=function,
            schedule=schedule,
            job=old.job if old else None,
            token=old.token if old else "",
            rotated_at=old.rotated_at if old else None,
        )
        self._rotator.schedule(secret, call.now)
        secret.changed_at = call.now
        if token in secret.versions and not waiting:
            return _answer(secret, secret.versions[token])  # asked for twice
        steps = STEPS if rotate_immediately else _TESTED
        version = self._rotator.start(secret, token, steps)
        return _answer(secret, version)

    def cancel_rotate_secret(self, call: Call, *, secret_id: str) -> Json:
        """Rotate a secret no more; a rotation under way ends where it is."""
        secret = self._usable(call, secret_id)
        if secret.rotation is None:
            raise _refused("No Lambda rotation function ARN is associated with this secret.")
        self._rotator.stop(secret)
        secret.rotation.enabled, secret.rotation.token = False, ""
        secret.changed_at = call.now
        return _answer(secret, secret.staged(PENDING))

    # Tags

    def tag_resource(self, call: Call, *, secret_id: str, tags: Sequence[Json]) -> Json:
        """Add tags, or change their values."""
        secret = self._usable(call, secret_id)
        secret.tags = _tagged(secret.tags, tags)
        secret.changed_at = call.now
        return {}

    def untag_resource(self, call: Call, *, secret_id: str, tag_keys: Sequence[str]) -> Json:
        """Remove tags."""
        secret = self._usable(call, secret_id)
        secret.tags = {key: each for key, each in secret.tags.items() if key not in tag_keys}
        secret.changed_at = call.now
        return {}

    # Resource policies

    def get_resource_policy(
        self, call: Call, *, secret_id: str, policy_name: str = "default"
    ) -> Json:
        """Return a secret's resource policy, if it has one."""
        _require_default(policy_name)
        secret = self._secrets.find(call, secret_id)
        return {"ARN": secret.arn, "Name": secret.name, "ResourcePolicy": secret.policy}

    def put_resource_policy(
        self,
        call: Call,
        *,
        secret_id: str,
        resource_policy: str,
        policy_name: str = "default",
        block_public_policy: bool = False,
    ) -> Json:
        """Give a secret a resource policy, in place of the one before."""
        _require_default(policy_name)
        secret = self._usable(call, secret_id)
        document = policies.check(resource_policy, self.world.accounts.values())
        if block_public_policy and policies.is_public(document):
            raise AwsError(
                "PublicPolicyException",
                "The BlockPublicPolicy parameter is set to true, and the resource policy did not "
                "prevent broad access to the secret.",
            )
        secret.policy = resource_policy
        return {"ARN": secret.arn, "Name": secret.name}

    def delete_resource_policy(
        self, call: Call, *, secret_id: str, policy_name: str = "default"
    ) -> Json:
        """Take a secret's resource policy away."""
        _require_default(policy_name)
        secret = self._usable(call, secret_id)
        secret.policy = None
        return {"ARN": secret.arn, "Name": secret.name}

    def validate_resource_policy(
        self, call: Call, *, resource_policy: str, secret_id: str | None = None
    ) -> Json:
        """Say whether a resource policy is one, and not a public one."""
        if secret_id is not None:
            self._secrets.find(call, secret_id)
        document = policies.check(resource_policy, self.world.accounts.values())
        errors = []
        if policies.is_public(document):
            errors.append(
                {
                    "CheckName": "PUBLIC_POLICY",
                    "ErrorMessage": "The resource policy allows broad access to the secret.",
                }
            )
        return {"PolicyValidationPassed": not errors, "ValidationErrors": errors}

    # What the operations share

    def _found(self, call: Call, filters: Sequence[Json], *, planned: bool = False) -> list[Secret]:
        return [
            each
            for each in self._secrets.owned(call)
            if (planned or each.deleted_at is None) and listing.fits(each, filters)
        ]

    def _usable(self, call: Call, secret_id: str) -> Secret:
        """Return a secret that is not about to be deleted."""
        secret = self._secrets.find(call, secret_id)
        if secret.deleted_at is not None:
            raise _refused(
                "You can't perform this operation on the secret because it was marked for deletion."
            )
        return secret

    def _created_before(
        self, call: Call, old: Secret, token: str | None, value: tuple[bytes, bool] | None
    ) -> Json:
        """Answer a CreateSecret that is made again, or refuse one of a name that is taken."""
        if old.deleted_at is not None:
            raise _refused(
                "You can't create this secret because a secret with this name is already scheduled "
                "for deletion."
            )
        version = old.versions.get(token or "")
        if value and version and version.envelope and self._is_same(call, old, version, value):
            return _answer(old, version)
        raise AwsError(
            "ResourceExistsException",
            f"The operation failed because the secret {old.name} already exists.",
        )

    def _new_version(
        self, call: Call, secret: Secret, token: str, value: tuple[bytes, bool]
    ) -> Version:
        """Give a secret a version with a value, or a value to one that waits for it."""
        version = secret.versions.get(token) or Version(token, call.now)
        self._sealing.seal(call, secret, version, value[0])
        version.is_text = value[1]
        secret.versions[token] = version
        return version

    def _make_current(
        self, call: Call, secret: Secret, version: Version, stages: Sequence[str]
    ) -> None:
        staging.attach(secret, version, stages)
        staging.drop_outdated(secret, call.now)
        rotation = secret.rotation
        if CURRENT in stages and rotation and rotation.schedule and rotation.schedule.restarts:
            self._rotator.schedule(secret, call.now)  # such an update counts as a rotation

    def _is_same(
        self, call: Call, secret: Secret, version: Version, value: tuple[bytes, bool]
    ) -> bool:
        old = self._sealing.open(call, secret, version)
        return hmac.compare_digest(old, value[0]) and version.is_text == value[1]

    def _change_key(self, call: Call, secret: Secret, key_id: str) -> None:
        """Give a secret another key, which its labelled versions are encrypted under as well."""
        old, secret.key_id = secret.key_id, key_id
        try:
            if key_id:
                self._sealing.validate(call, secret)
        except AwsError:
            secret.key_id = old
            raise
        for version in secret.labelled():
            if version.envelope is not None:
                self._sealing.reseal(call, secret, version)

    def _delete(self, secret: Secret) -> None:
        if secret.deletion is not None:
            secret.deletion.cancel()
        self._rotator.stop(secret)
        if secret.rotation is not None:
            secret.rotation.token = ""
        self._secrets.forget(secret)


def _version(secret: Secret, version_id: str | None, stage: str | None) -> Version:
    """Return the version that GetSecretValue means, which has a value."""
    wanted = stage or CURRENT
    version = secret.versions.get(version_id) if version_id else secret.staged(wanted)
    if version is not None and version_id and stage and stage not in version.stages:
        raise _refused(
            "You provided a VersionStage that is not associated to the provided VersionId."
        )
    if version is None or version.envelope is None:
        what = f"VersionId: {version_id}" if version_id else f"staging label: {wanted}"
        raise AwsError(
            "ResourceNotFoundException",
            f"Secrets Manager can't find the specified secret value for {what}",
        )
    return version


def _value(binary: bytes | None, text: str | None) -> tuple[bytes, bool] | None:
    """Return a value's octets and whether it is text; ``None``: there is none.

    Raises:
        AwsError: InvalidParameterException, two values; ValidationException, too long, or no text.
    """
    if binary is not None and text is not None:
        raise _wrong(
            "You can't specify both a binary secret value and a string secret value in the same "
            "secret."
        )
    if text is None:
        return None if binary is None else (binary, False)
    try:
        octets = text.encode()
    except UnicodeEncodeError:  # its text is the value
        raise AwsError("ValidationException", "SecretString is not valid Unicode.") from None
    if len(octets) > LONGEST:  # the model counts characters, the service bytes
        raise AwsError(
            "ValidationException",
            "1 validation error detected: Value at 'secretString' failed to satisfy constraint: "
            f"Member must have length less than or equal to {LONGEST}",
        )
    return octets, True


def _required(token: str | None) -> str:
    if token is None:
        raise _refused(
            "You must provide a ClientRequestToken value. We recommend a UUID-type value."
        )
    return token


def _tagged(old: Mapping[str, str], new: Sequence[Json]) -> dict[str, str]:
    found = {**old, **{each.get("Key", ""): each.get("Value", "") for each in new}}
    if any(not key or key.lower().startswith("aws:") for key in found):
        raise _wrong("A tag needs a key, which must not begin with aws:, which is reserved.")
    if len(found) > TAGS:
        raise _wrong(f"A secret has at most {TAGS} tags.")
    return found


def _answer(secret: Secret, version: Version | None) -> Json:
    return {
        "ARN": secret.arn,
        "Name": secret.name,
        "VersionId": version.version_id if version else None,
    }


def _refuse(operation: str, **members: object) -> None:
    for name, value in members.items():
        if value:
            raise not_simulated(f"{operation} with {name}")


def _require_default(name: str) -> None:
    if name != "default":
        raise _wrong("The only policy of a secret is named default.")


def _token_used(secret: Secret, token: str) -> AwsError:
    return AwsError(
        "ResourceExistsException",
        f"You can't use ClientRequestToken {token} because that value is already in use for a "
        f"version of secret {secret.arn}.",
    )


def _wrong(message: str) -> AwsError:
    return AwsError("InvalidParameterException", message)


def _refused(message: str) -> AwsError:
    return AwsError("InvalidRequestException", message)
