"""AWS Security Token Service.

Where policies are enforced, the gate has asked the trust policy before AssumeRole gets here. Where
they are not, a role must be there, and whom it trusts is not looked at.

Source: AWS Security Token Service API Reference; IAM User Guide, "Compare AWS STS credentials".
The sentences of refusals are AWS's, as seen in public issue trackers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from pkilab.credentials import account_of
from pkilab.simulator.identity import Identities, Identity, Started
from pkilab.simulator.identity.grammar import check_policy
from pkilab.simulator.query import QueryService
from pkilab.simulator.service import AwsError, Call, Json, not_simulated
from pkilab.simulator.sts.tags import inherited, session_tags
from pkilab.simulator.world import World

_HOUR: Final = 3600
_MOST_POLICY_TEXT, _MOST_POLICIES = 2048, 10
_USER_SECONDS = 12 * _HOUR  # of a session of a user's own, unless it says otherwise


class Sts(QueryService):
    """The service, for every account of a world.

    Args:
        world: whose it is.
        identities: everybody who may call.
    """

    name = "sts"

    def __init__(self, world: World, identities: Identities) -> None:
        super().__init__(world)
        self._identities = identities

    def assume_role(
        self,
        call: Call,
        *,
        role_arn: str,
        role_session_name: str,
        policy_arns: list[Json] | None = None,
        policy: str | None = None,
        duration_seconds: int | None = None,
        tags: list[Json] | None = None,
        transitive_tag_keys: list[str] | None = None,
        external_id: str | None = None,  # noqa: ARG002 - the trust policy's business: the gate's
        serial_number: str | None = None,
        token_code: str | None = None,
        source_identity: str | None = None,
        **others: Any,  # noqa: ANN401 - members by name
    ) -> Json:
        """Begin a session of a role."""
        _refuse("AssumeRole", others)
        identity = call.identity
        if identity is not None:
            _require_may_assume(identity)
        role = self._identities.role(role_arn)
        if role is None:
            who = call.principal
            message = f"User: {who} is not authorized to perform: sts:AssumeRole on resource: "
            raise AwsError("AccessDenied", message + role_arn, 403)
        seconds = duration_seconds or _HOUR
        before = identity.session if identity else None
        if before is not None and before.kind == "assume-role" and seconds > _HOUR:
            raise _invalid(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed "
                "by role chaining"
            )
        if seconds > role.max_session_seconds:
            raise _invalid(
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
            )
        passed = self._session_policies(role.account, policy, policy_arns)
        given, transitive = session_tags(tags, transitive_tag_keys)
        kept, kept_keys = inherited(before, given)
        kept_identity = before.source_identity if before else ""
        # It cannot be changed once it is set, and it goes on by itself.
        if kept_identity and source_identity not in {None, kept_identity}:
            raise AwsError(
                "AccessDenied",
                f"User: {call.principal} is not authorized to perform: sts:SetSourceIdentity on "
                f"resource: {role_arn}",
                403,
            )
        mfa = self._take_code(call, serial_number, token_code)
        started = self._identities.start_session(
            role,
            role_session_name,
            seconds,
            mfa=mfa,
            policies=passed,
            tags=kept | given,
            transitive=(*kept_keys, *transitive),
            source_identity=source_identity or kept_identity,
            issuer=call.principal,
        )
        principal = started.identity.principal
        user = {"AssumedRoleId": principal.user_id, "Arn": principal.arn}
        answer = {"Credentials": _credentials(started), "AssumedRoleUser": user}
        return answer | {"SourceIdentity": started.session.source_identity or None}

    def get_session_token(
        self,
        call: Call,
        *,
        duration_seconds: int = _USER_SECONDS,
        serial_number: str | None = None,
        token_code: str | None = None,
        **others: Any,  # noqa: ANN401 - members by name
    ) -> Json:
        """Begin a session of the user who calls."""
        _refuse("GetSessionToken", others)
        identity = _user(call, "GetSessionToken")
        mfa = self._take_code(call, serial_number, token_code)
        started = self._identities.start_user_session(identity, duration_seconds, mfa=mfa)
        return {"Credentials": _credentials(started)}

    def get_federation_token(
        self,
        call: Call,
        *,
        name: str,
        policy: str | None = None,
        policy_arns: list[Json] | None = None,
        duration_seconds: int = _USER_SECONDS,
        tags: list[Json] | None = None,
        **others: Any,  # noqa: ANN401 - members by name
    ) -> Json:
        """Begin a session of a federated user, who may do what the caller and the policies may."""
        _refuse("GetFederationToken", others)
        identity = _user(call, "GetFederationToken")
        passed = self._session_policies(call.account, policy, policy_arns)
        given, _ = session_tags(tags, None)
        started = self._identities.start_federation(
            identity, name, duration_seconds, policies=passed, tags=given
        )
        principal = started.identity.principal
        user = {"FederatedUserId": principal.user_id, "Arn": principal.arn}
        return {"Credentials": _credentials(started), "FederatedUser": user}

    def get_caller_identity(self, call: Call) -> Json:
        """Return who calls. Nobody may be kept from asking."""
        number = call.identity.principal.user_id if call.identity else call.account
        return {"UserId": number, "Account": call.account, "Arn": call.principal}

    def get_access_key_info(self, call: Call, *, access_key_id: str) -> Json:  # noqa: ARG002
        """Return the account that an access key's id names, be there such a key or not."""
        account = account_of(access_key_id)
        if account is None:
            raise not_simulated("sts:GetAccessKeyInfo for an id that names no account")
        return {"Account": account}

    def _take_code(self, call: Call, serial_number: str | None, code: str | None) -> bool:
        """Use up a code of the caller's MFA device; say whether there was one.

        Raises:
            AwsError: AccessDenied, it does not count.
        """
        if call.identity is None:
            return False
        number = call.identity.principal.user_id
        return self._identities.mfa.check(number, serial_number, code, call.now, take=True)

    def _session_policies(
        self, account: str, policy: str | None, arns: Iterable[Json] | None
    ) -> tuple[str, ...]:
        """Return the texts of session policies: managed ones, then the one that was sent.

        Raises:
            AwsError: MalformedPolicyDocument, ValidationError or NotImplemented.
        """
        named = [each.get("arn", "") for each in arns or ()]
        if len(named) > _MOST_POLICIES:
            raise _invalid(f"The session has more than {_MOST_POLICIES} managed policies")
        texts = []
        for arn in named:
            text = self._identities.directory.managed_policy(account, arn)
            if text is None:
                raise AwsError("MalformedPolicyDocument", f"The policy {arn} does not exist")
            texts.append(text)
        if policy is not None:
            if len(policy) > _MOST_POLICY_TEXT:
                raise _invalid(
                    f"1 validation error detected: Value '{policy}' at 'policy' failed to satisfy "
                    "constraint: Member must have length less than or equal to "
                    f"{_MOST_POLICY_TEXT}"
                )
            check_policy(policy, kind="session")
            texts.append(policy)
        if self.world.enforce_policies:
            for text in texts:
                check_policy(text, kind="session", understood=True)
        return tuple(texts)


def _require_may_assume(identity: Identity) -> None:
    """Refuse who cannot assume a role whatever policies say.

    Raises:
        AwsError: AccessDenied.
    """
    if identity.principal.kind == "root":
        raise AwsError("AccessDenied", "Roles may not be assumed by root accounts.", 403)
    if identity.principal.kind == "federated-user":
        message = "Cannot call AssumeRole with federated user credentials"
        raise AwsError("AccessDenied", message, 403)


def _user(call: Call, operation: str) -> Identity:
    """Return the user who calls with a long-term key.

    Raises:
        AwsError: AccessDenied, it is a session.
    """
    identity = call.identity
    if identity is None or identity.session is not None or identity.principal.kind != "user":
        message = f"Cannot call {operation} with session credentials"
        raise AwsError("AccessDenied", message, 403)
    return identity


def _credentials(started: Started) -> Json:
    found = started.credentials
    return {
        "AccessKeyId": found.access_key_id,
        "SecretAccessKey": found.secret_access_key,
        "SessionToken": found.session_token,
        "Expiration": started.session.expires,
    }


def _refuse(operation: str, others: Json) -> None:
    """Refuse members that are not simulated.

    Raises:
        AwsError: NotImplemented.
    """
    if asked := sorted(name for name, value in others.items() if value):
        raise not_simulated(f"sts:{operation} with {', '.join(asked)}")


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationError", message)
