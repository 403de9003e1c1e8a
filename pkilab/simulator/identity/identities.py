"""Who calls: access keys and sessions, and what policies know of their holders.

Source: IAM User Guide, "Temporary security credentials in IAM", "AWS global condition context keys"
and "Principal key values"; STS API Reference.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar

from pkilab.credentials import Credentials
from pkilab.errors import MalformedError
from pkilab.iam import Document, Principal
from pkilab.simulator.identity import keys, refusals
from pkilab.simulator.identity.directory import AccessKey, Directory, Role, User
from pkilab.simulator.identity.mfa import MfaDevices
from pkilab.simulator.identity.settling import Settling
from pkilab.simulator.policies import read_policy
from pkilab.simulator.service import not_simulated
from pkilab.simulator.world import World

Context = dict[str, str | tuple[str, ...]]
_Holder = TypeVar("_Holder", User, Role)
SessionKind = Literal["assume-role", "session-token", "federation"]
_TYPES = {
    "root": "Account",
    "user": "User",
    "assumed-role": "AssumedRole",
    "federated-user": "FederatedUser",
}


@dataclass(frozen=True, slots=True)
class Session:
    """What temporary credentials stand for."""

    kind: SessionKind
    issued: datetime  # aware, UTC
    expires: datetime
    token: str = field(repr=False)
    secret: str = field(repr=False)
    name: str = ""  # of a role's session or a federated user
    mfa: bool = False  # whether a code of an MFA device was given for them
    policies: tuple[str, ...] = ()  # texts of what was passed; () means two things, see `policies`
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)
    transitive: tuple[str, ...] = ()  # keys of tags that go on to the next role
    source_identity: str = ""
    issuer: str = ""  # the ARN of the user who got it; of a role's session, of whoever assumed it
    issuer_id: str = ""  # that user's unique id


@dataclass(frozen=True, slots=True)
class Identity:
    """Who calls, with which key, and in which session if it is a temporary one."""

    principal: Principal
    access_key_id: str
    session: Session | None = None


@dataclass(frozen=True, slots=True)
class Started:
    """A session that has begun: what its holder gets, and who that is."""

    credentials: Credentials
    identity: Identity
    session: Session


class Identities:
    """Everybody who may call in a world, and every policy that they have.

    Args:
        world: whose accounts, clock and seed it is.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.directory = Directory(tuple(world.accounts.values()))
        self.mfa = MfaDevices()
        self._entropy = world.entropy("sts", "sessions")
        self._sessions: dict[str, Identity] = {}  # by access key
        self.directory.name_users(world.entropy("iam", "users"))
        slow = world.enforce_policies and world.latency
        now = world.clock.now()
        self._settling = Settling(self.directory, world.latency, now) if slow else None

    # Who calls.

    def caller(
        self,
        access_key_id: str,
        session_token: str | None = None,
        *,
        service: str = "",
        region: str = "",
    ) -> Identity:
        """Return whose access key it is. The signature is not looked at: see `signatures`.

        Args:
            access_key_id: of a user or of a session.
            session_token: from X-Amz-Security-Token; None or "" if there is none.
            service: the signing name; it decides how a refusal is written.
            region: where; with the service, remembered as the key's last use.

        Raises:
            AwsError: the key is unknown or inactive, the token is not its own, or is expired.
        """
        identity = self._caller(access_key_id, session_token, service)
        if service and region:
            role_arn, now = identity.principal.role_arn, self.world.clock.now()
            self.directory.note_use(role_arn, access_key_id, now, service, region)
        return identity

    def _caller(self, access_key_id: str, session_token: str | None, service: str) -> Identity:
        found = self._sessions.get(access_key_id)
        if found is None or found.session is None:
            return self._user_of(access_key_id, session_token, service)
        given = (session_token or "").encode()
        if not hmac.compare_digest(given, found.session.token.encode()):
            raise refusals.wrong_token(service)
        if found.session.expires <= self.world.clock.now():
            raise refusals.expired(service)
        if not self._is_there(found):
            raise refusals.unknown_key(service)
        return found

    def secret(self, access_key_id: str) -> str | None:
        """Return the secret of a key, to check a signature with; None: there is no such key."""
        found = self._sessions.get(access_key_id)
        if found is not None and found.session is not None:
            return found.session.secret
        key = self.directory.access_key(access_key_id)
        return key.secret if key else None

    def retire(self, identity: Identity) -> None:
        """Forget the credentials of a session of a service's, which nobody signs with.

        Who holds the identity may go on as it: every delivery begins such a session, and none of
        them is to be kept.
        """
        self._sessions.pop(identity.access_key_id, None)

    def _user_of(self, access_key_id: str, session_token: str | None, service: str) -> Identity:
        key = self.directory.access_key(access_key_id)
        user = self.directory.user_called(key.account, key.user_name) if key else None
        # A long-term key has no session token, and with one it is refused.
        if key is None or user is None or not self._is_active(key, user) or session_token:
            raise refusals.unknown_key(service)
        return Identity(_principal(user), access_key_id)

    def _is_active(self, key: AccessKey, user: User) -> bool:
        """Whether a key counts."""
        if self._settling is None:
            return key.active
        return self._settling.is_active(key, user, self.world.clock.now())

    def _is_there(self, identity: Identity) -> bool:
        """Whether a session's role or user is still the one that it began with."""
        holder = self._holder(identity)
        if isinstance(holder, Role):
            return identity.principal.user_id.startswith(f"{holder.role_id}:")
        return holder is not None

    # What they have.

    def changed(self) -> None:
        """Take note that something in IAM was changed. What it becomes counts after the latency."""
        if self._settling is not None:
            self._settling.note(self.world.clock.now())

    def role(self, arn: str) -> Role | None:
        """Return a role by its ARN, with its path, as those who decide have heard of it."""
        return self._heard(self.directory.role(arn))

    def hears_of(self, arn: str) -> bool:
        """Whether those who decide have heard of the user or role of an ARN, if IAM has one."""
        user, role = self.directory.user(arn), self.directory.role(arn)
        return (user is None or self._heard(user) is not None) and (
            role is None or self._heard(role) is not None
        )

    def _heard(self, found: _Holder | None) -> _Holder | None:
        if self._settling is None:
            return found
        return self._settling.heard(found, self.world.clock.now())

    def trust_policy(self, role_arn: str) -> str | None:
        """Return the text of a role's trust policy; None: there is no such role."""
        role = self.role(role_arn)
        return role.trust_policy if role else None

    def policies(
        self, identity: Identity
    ) -> tuple[tuple[Document, ...], Document | None, tuple[Document, ...] | None]:
        """Return identity-based policies, the permissions boundary and session policies.

        Session policies are None where none were passed and so none limit; a federated user for
        whom none were passed has none that allow: ().

        Raises:
            AwsError: NotImplemented, one of them says what is not modelled.
        """
        holder, session = self._holder(identity), identity.session
        texts = session.policies if session else ()
        try:
            own = tuple(each.document() for each in holder.policies) if holder else ()
            boundary = self.directory.boundary(holder) if holder else None
            passed = tuple(
                read_policy(text, kind="session", name=f"session policy {number}")
                for number, text in enumerate(texts, start=1)
            )
        except MalformedError as why:
            raise not_simulated(f"a policy that is none ({why})") from why
        limited = passed or (session is not None and session.kind == "federation")
        return own, boundary, passed if limited else None

    def context(self, identity: Identity) -> Context:
        """Return the condition keys that tell who calls, in lower case.

        Keys of the request itself (source address, time, TLS) are the gate's. A key that does not
        apply is absent: MFA's keys for long-term credentials, a user name for roles.
        """
        principal, session = identity.principal, identity.session
        holder = self._holder(identity)
        assumed = principal.kind == "assumed-role"
        found: Context = {
            "aws:principalarn": principal.role_arn if assumed else principal.arn,
            "aws:principalaccount": principal.account,
            "aws:principaltype": _TYPES.get(principal.kind, "Anonymous"),
            "aws:userid": principal.user_id or principal.account,
            "aws:principalisawsservice": "false",
        }
        if principal.kind == "user" and isinstance(holder, User):
            found["aws:username"] = holder.name
        tags = dict(holder.tags) if holder and principal.kind != "federated-user" else {}
        if session is not None:
            found["aws:tokenissuetime"] = f"{session.issued:%Y-%m-%dT%H:%M:%SZ}"
            found["aws:multifactorauthpresent"] = "true" if session.mfa else "false"
            if session.mfa:
                age = self.world.clock.now() - session.issued
                found["aws:multifactorauthage"] = str(int(age.total_seconds()))
            if session.source_identity:
                found["aws:sourceidentity"] = session.source_identity
            tags = _overlaid(tags, session.tags)
        return found | {f"aws:principaltag/{key.lower()}": tags[key] for key in tags}

    def _holder(self, identity: Identity) -> User | Role | None:
        if identity.principal.kind == "assumed-role":
            return self.role(identity.principal.role_arn)
        return self._issuer(identity)

    def _issuer(self, identity: Identity) -> User | None:
        """Return the user who calls, or who has called for a federated user."""
        if identity.principal.kind == "user":
            user = self._heard(self.directory.user(identity.principal.arn))
            return user if user and user.user_id == identity.principal.user_id else None
        session = identity.session
        user = self._heard(self.directory.user(session.issuer)) if session else None
        return user if user and session and user.user_id == session.issuer_id else None

    # Sessions.

    def start_session(
        self,
        role: Role,
        session_name: str,
        seconds: int,
        *,
        mfa: bool = False,
        policies: tuple[str, ...] = (),
        tags: Mapping[str, str] | None = None,
        transitive: tuple[str, ...] = (),
        source_identity: str = "",
        issuer: str = "",
    ) -> Started:
        """Begin a session of a role. Whether it may is the caller's to ask.

        Args:
            role: which.
            session_name: 2 to 64 characters.
            seconds: how long it lasts, on the world's clock.
            mfa: whether a code of an MFA device was given.
            policies: texts of session policies; none: the role's own are the limit.
            tags: session tags.
            transitive: keys of those that go on to the next role.
            source_identity: who is behind it; "" if nobody said.
            issuer: the ARN of who assumes the role.
        """
        principal = Principal(
            kind="assumed-role",
            arn=f"arn:aws:sts::{role.account}:assumed-role/{role.name}/{session_name}",
            account=role.account,
            role_arn=role.arn,
            user_id=f"{role.role_id}:{session_name}",
        )
        session = self._session(
            "assume-role",
            seconds,
            name=session_name,
            mfa=mfa,
            policies=policies,
            tags=tags or {},
            transitive=transitive,
            source_identity=source_identity,
            issuer=issuer,
        )
        return self._start(principal, session)

    def start_user_session(self, identity: Identity, seconds: int, *, mfa: bool) -> Started:
        """Begin a session of the user who asks for it (GetSessionToken)."""
        issuer = identity.principal.arn
        session = self._session("session-token", seconds, mfa=mfa, issuer=issuer)
        return self._start(identity.principal, session)

    def start_federation(
        self,
        identity: Identity,
        name: str,
        seconds: int,
        *,
        policies: tuple[str, ...] = (),
        tags: Mapping[str, str] | None = None,
    ) -> Started:
        """Begin a session of a federated user, for the user who asks for it."""
        account = identity.principal.account
        principal = Principal(
            kind="federated-user",
            arn=f"arn:aws:sts::{account}:federated-user/{name}",
            account=account,
            role_arn=identity.principal.arn,
            user_id=f"{account}:{name}",
        )
        session = self._session(
            "federation",
            seconds,
            name=name,
            policies=policies,
            tags=tags or {},
            issuer=identity.principal.arn,
            issuer_id=identity.principal.user_id,
        )
        return self._start(principal, session)

    def _session(self, kind: SessionKind, seconds: int, **what: Any) -> Session:  # noqa: ANN401
        now = self.world.clock.now()
        return Session(
            kind=kind,
            issued=now,
            expires=now + timedelta(seconds=seconds),
            token=keys.session_token(self._entropy),
            secret=keys.secret(self._entropy),
            **what,
        )

    def _start(self, principal: Principal, session: Session) -> Started:
        key = keys.access_key_id(principal.account, self._entropy)
        identity = Identity(principal, key, session)
        self._sessions[key] = identity
        return Started(Credentials(key, session.secret, session.token), identity, session)


def _principal(user: User) -> Principal:
    return Principal(kind="user", arn=user.arn, account=user.account, user_id=user.user_id)


def _overlaid(tags: Mapping[str, str], session: Mapping[str, str]) -> dict[str, str]:
    """Lay session tags over a role's or user's; keys that differ in case alone are the same."""
    taken = {key.lower() for key in session}
    return {key: tags[key] for key in tags if key.lower() not in taken} | dict(session)
