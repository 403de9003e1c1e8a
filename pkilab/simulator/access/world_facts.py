"""What policies must know of a world, gathered from its services.

Buckets have their policies and objects their tags in moto, keys and grants in KMS, and so on: this
is the one place that looks into all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Protocol

from pkilab.iam import Document
from pkilab.simulator.access.asking import Context, Key, Resource
from pkilab.simulator.acm.state import AcmCertificate
from pkilab.simulator.acmpca.state import Authority
from pkilab.simulator.functions.permissions import document
from pkilab.simulator.functions.service import Function
from pkilab.simulator.identity import Identities
from pkilab.simulator.kms import ciphertexts, state
from pkilab.simulator.organizations.state import Organization
from pkilab.simulator.s3 import S3
from pkilab.simulator.service import AwsError, Call, Json

_NO_OTHERS: Mapping[str, Callable[[str], Resource | None]] = {}


class _Keys(Protocol):
    def find(self, call: Call, identifier: str, operation: str) -> state.Key: ...
    def by_arn(self, arn: str) -> state.Key | None: ...


class _Grants(Protocol):
    def of_token(self, token: str) -> state.Grant: ...
    def documents(
        self, key: state.Key, operation: str, members: Json, now: datetime, issuer: str = ""
    ) -> tuple[Document, ...]: ...


class _Kms(Protocol):
    @property
    def keys(self) -> _Keys: ...
    @property
    def grants(self) -> _Grants: ...


class _PrivateCa(Protocol):
    def authorities(self) -> Iterable[Authority]: ...


class _Certificates(Protocol):
    def find(self, arn: str) -> AcmCertificate | None: ...


class _Functions(Protocol):
    def find(self, arn: str) -> Function | None: ...


class _Organizations(Protocol):
    def own(self, call: Call) -> Organization: ...


class WorldFacts:
    """The facts of one world.

    Args:
        identities: its users and roles.
        s3: its buckets.
        kms: the service that has its keys and grants.
        private_ca: the service that has its private CAs.
        certificates: those in ACM.
        functions: the service that has its functions.
        organizations: the service that has its organizations.
        others: by the service of an ARN, who knows the resource of one.
    """

    def __init__(  # noqa: PLR0917 - one for each service with something to say
        self,
        identities: Identities,
        s3: S3,
        kms: _Kms,
        private_ca: _PrivateCa,
        certificates: _Certificates,
        functions: _Functions,
        organizations: _Organizations,
        others: Mapping[str, Callable[[str], Resource | None]] = _NO_OTHERS,
    ) -> None:
        self._identities, self._s3, self._kms = identities, s3, kms
        self._private_ca, self._certificates = private_ca, certificates
        self._functions, self._organizations = functions, organizations
        self._by_service = {
            "acm": self._certificate,
            "acm-pca": self._authority,
            "iam": self._entity,
            "kms": self._key,
            "lambda": self._function,
            "s3": self._bucket,
            **others,
        }

    def resource(self, arn: str) -> Resource | None:
        """Return the resource of an ARN; None: there is none, or nothing is known of it."""
        parts = arn.split(":", 5)
        look = self._by_service.get(parts[2]) if len(parts) > 5 else None  # noqa: PLR2004 - an ARN
        return look(arn) if look else None

    # KMS.

    def key(self, key_id: str, operation: str, call: Call) -> Key | None:
        """Return the key that an operation of KMS means; None: KMS itself refuses what it names."""
        try:
            found = self._kms.keys.find(call, key_id, operation)
        except AwsError:
            return None
        alias = key_id.rpartition(":")[2]
        named = alias if alias.startswith("alias/") else ""
        return Key(found.arn, found.account, named)

    def encrypting_key(self, ciphertext: bytes) -> str | None:
        """Return the ARN of the symmetric key that a ciphertext of KMS's was made with."""
        try:
            return ciphertexts.read_blob(ciphertext).key_arn
        except AwsError:
            return None

    def grant(self, members: Json, call: Call) -> Key | None:
        """Return the key of the grant that RetireGrant means, as its issuer's; None: no such."""
        token = members.get("GrantToken")
        try:
            if token is not None:
                found = self._kms.grants.of_token(token)
            else:
                key = self._kms.keys.find(call, members.get("KeyId") or "", "RetireGrant")
                found = key.grants[members.get("GrantId") or ""].grant
        except (AwsError, KeyError):
            return None
        return Key(found.key_arn, found.issuing_account)

    def grants(
        self, key_arn: str, operation: str, members: Json, now: datetime, issuer: str = ""
    ) -> tuple[Document, ...]:
        """Return a key's grants that may speak for an operation, as policies; as `Facts` says."""
        found = self._kms.keys.by_arn(key_arn)
        return self._kms.grants.documents(found, operation, members, now, issuer) if found else ()

    def _key(self, arn: str) -> Resource | None:
        found = self._kms.keys.by_arn(arn)
        if found is None:
            return None
        context: Context = {
            "kms:keyspec": found.spec.name,
            "kms:keyusage": found.usage,
            "kms:keyorigin": "AWS_KMS",
            "kms:multiregion": "false",
        }
        if found.aliases:
            context["kms:resourcealiases"] = tuple(found.aliases)
        return Resource(arn, found.account, found.tags, found.policy, context)

    # S3.

    def object_tags(self, bucket: str, key: str, version: str | None) -> Mapping[str, str] | None:
        """Return an object's tags; None: there is no such object or version."""
        return self._s3.tags(bucket, key, version)

    def _bucket(self, arn: str) -> Resource | None:
        name = arn.split(":", 5)[5].partition("/")[0]
        found = self._s3.bucket(name)
        if found is None:
            return None
        return Resource(arn, found.account, policy=found.policy)

    # IAM.

    def path(self, account: str, kind: str, name: str) -> str:
        """Return the path of an IAM user, role, group or other entity; ``/``: there is none."""
        return self._identities.directory.path(account, kind, name)

    def key_user(self, account: str, access_key_id: str) -> str | None:
        """Return the name of the user of an account whose access key it is."""
        found = self._identities.directory.access_key(access_key_id)
        return found.user_name if found and found.account == account else None

    def _entity(self, arn: str) -> Resource | None:
        directory = self._identities.directory
        kind = arn.split(":", 5)[5].partition("/")[0]
        if kind == "role" and (role := directory.role(arn)):
            details = _boundary(role.boundary_arn)
            return Resource(arn, role.account, role.tags, role.trust_policy, details=details)
        if kind == "user" and (user := directory.user(arn)):
            return Resource(arn, user.account, user.tags, details=_boundary(user.boundary_arn))
        return None

    # The others.

    def organization_arn(self, call: Call, identifier: str) -> str | None:
        """Return the ARN of what the caller's organization calls by an id (r-, ou-, p-, ...)."""
        try:
            own = self._organizations.own(call)
        except AwsError:
            return None
        found = own.target(identifier) or own.policies.get(identifier)
        return found.arn if found else None

    def _certificate(self, arn: str) -> Resource | None:
        found = self._certificates.find(arn)
        if found is None:
            return None
        tags = {key: value or "" for key, value in found.tags.items()}
        return Resource(arn, found.account, tags, details={"acm:domainnames": found.names})

    def _authority(self, arn: str) -> Resource | None:
        for found in self._private_ca.authorities():
            if found.arn == arn:
                tags = {key: value or "" for key, value in found.tags.items()}
                return Resource(arn, found.account, tags, found.policy)
        return None

    def _function(self, arn: str) -> Resource | None:
        unqualified = ":".join(arn.split(":")[:7])
        found = self._functions.find(unqualified)
        if found is None:
            return None
        policy = document(found.statements.values()) if found.statements else None
        return Resource(arn, arn.split(":")[4], found.tags, policy)


def _boundary(arn: str) -> Context:
    return {"iam:permissionsboundary": arn} if arn else {}
