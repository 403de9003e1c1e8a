"""A world that the tables and the gate can be asked about, without any service in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from pkilab.iam import Document, Principal, read_policy
from pkilab.simulator.access import Key, Resource
from pkilab.simulator.identity import Identity
from pkilab.simulator.service import Call

MAIN, OTHER = "111122223333", "444455556666"
REGION = "us-east-1"
NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
USER = f"arn:aws:iam::{MAIN}:user/alice"
KEY = f"arn:aws:kms:{REGION}:{MAIN}:key/11111111-2222-3333-4444-555555555555"
CA = f"arn:aws:acm-pca:{REGION}:{MAIN}:certificate-authority/11111111-2222-3333-4444-555555555555"


def user(arn=USER):
    account = arn.split(":")[4]
    principal = Principal(kind="user", arn=arn, account=account, user_id="AIDAEXAMPLE")
    return Identity(principal, "AKIAEXAMPLE")


def call(identity=None, **changes):
    who = identity or user()
    whole = {
        "account": who.principal.account,
        "region": REGION,
        "now": NOW,
        "principal": who.principal.arn,
        "access_key_id": who.access_key_id,
        "identity": who,
        "source_ip": "203.0.113.7",
        "user_agent": "Boto3/1.44",
    }
    return Call(**{**whole, **changes})


def policy(*statements):
    whole = ({"Effect": "Allow", "Resource": "*", **each} for each in statements)
    return {"Version": "2012-10-17", "Statement": list(whole)}


def document(*statements, kind="identity", name="p"):
    return read_policy(policy(*statements), kind=kind, name=name)


@dataclass
class _Facts:
    """Whatever is put into it."""

    resources: dict[str, Resource] = field(default_factory=dict)
    keys: dict[str, Key] = field(default_factory=dict)
    objects: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    grant_documents: tuple[Document, ...] = ()
    issued: tuple[Document, ...] = ()  # those of them that the caller's account issued
    ciphertexts: dict[bytes, str] = field(default_factory=dict)
    tokens: dict[str, Key] = field(default_factory=dict)

    def resource(self, arn):
        if arn.startswith("arn:aws:s3:::"):
            arn = arn.partition("/")[0]
        return self.resources.get(arn)

    def key(self, key_id, operation, call):
        return self.keys.get(key_id)

    def grant(self, members, call):
        return self.tokens.get(members.get("GrantToken"))

    def grants(self, key_arn, operation, members, now, issuer=""):
        return self.issued if issuer else self.grant_documents

    def encrypting_key(self, ciphertext):
        return self.ciphertexts.get(ciphertext)

    def object_tags(self, bucket, key, version):
        return self.objects.get((bucket, key))

    def path(self, account, kind, name):
        return "/"

    def key_user(self, account, access_key_id):
        return None

    def organization_arn(self, call, identifier):
        kinds = {"r-": "root/o-e/", "ou-": "ou/o-e/", "p-": "policy/o-e/service_control_policy/"}
        found = next((kind for start, kind in kinds.items() if identifier.startswith(start)), None)
        return f"arn:aws:organizations::{call.account}:{found}{identifier}" if found else None


@dataclass
class _Identities:
    """Everybody has the same policies."""

    identity: tuple[Document, ...] = ()
    boundary: Document | None = None
    session: tuple[Document, ...] | None = None
    keys: Mapping[str, str] = field(default_factory=dict)

    def policies(self, identity):
        return self.identity, self.boundary, self.session

    def context(self, identity):
        return {"aws:principalarn": identity.principal.arn, **self.keys}


@dataclass
class _Organizations:
    """Organizations by account."""

    members: dict[str, tuple[str, str]] = field(default_factory=dict)
    service_control: dict[str, tuple[tuple[Document, ...], ...]] = field(default_factory=dict)
    resource_control: dict[str, tuple[tuple[Document, ...], ...]] = field(default_factory=dict)

    def of(self, account):
        return self.members.get(account)

    def controls(self, account):
        return self.service_control.get(account, ()), self.resource_control.get(account, ())


@pytest.fixture
def fakes():
    """Return what stands for a world: facts, identities, organizations, and how to call."""
    return SimpleNamespace(
        facts=_Facts,
        identities=_Identities,
        organizations=_Organizations,
        user=user,
        call=call,
        policy=policy,
        document=document,
    )
