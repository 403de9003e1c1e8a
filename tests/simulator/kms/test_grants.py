"""Grants: what they may permit, who may be given them, and when they count."""

import base64
import re
from datetime import timedelta

import pytest

from pkilab.iam import Policies, Principal, Request, decide
from pkilab.simulator.kms import grants
from pkilab.simulator.service import service_model

OWNER, OTHER = "111122223333", "444455556666"
ROOT = f"arn:aws:iam::{OWNER}:root"
TOPIC = f"arn:aws:sns:us-east-1:{OWNER}:topic"
OPERATIONS = service_model("kms").shape_for("GrantOperation").enum
COMMON = {"CreateGrant", "DescribeKey", "RetireGrant"}
CIPHERS = {"Decrypt", "Encrypt", "ReEncryptFrom", "ReEncryptTo"}
DATA_KEYS = {
    "GenerateDataKey", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
}  # fmt: skip
# Developer Guide, "Grant operations".
PERMITTED = {
    ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"): COMMON | CIPHERS | DATA_KEYS,
    ("RSA_2048", "ENCRYPT_DECRYPT"): COMMON | CIPHERS | {"GetPublicKey"},
    ("RSA_2048", "SIGN_VERIFY"): COMMON | {"Sign", "Verify", "GetPublicKey"},
    ("ECC_NIST_P256", "KEY_AGREEMENT"): COMMON | {"DeriveSharedSecret", "GetPublicKey"},
    ("HMAC_256", "GENERATE_VERIFY_MAC"): COMMON | {"GenerateMac", "VerifyMac"},
}


def grant(kms, key, principal=ROOT, operations=("Sign",), **members):
    """The members of CreateGrant, called."""
    return kms(
        "CreateGrant", KeyId=key, GranteePrincipal=principal, Operations=list(operations), **members
    )


def listed(kms, key, **members):
    """What ListGrants shows."""
    return kms("ListGrants", KeyId=key, **members)["Grants"]


def test_a_grant_is_made_and_listed(kms):
    key, alice, admin = kms.signer(), kms.user("alice"), kms.role("admin")
    made = grant(kms, key, alice, ("Sign", "Verify", "Sign"), RetiringPrincipal=admin, Name="n")
    assert re.fullmatch(r"[0-9a-f]{64}", made["GrantId"])
    assert len(base64.b64decode(made["GrantToken"], validate=True)) > 64
    assert listed(kms, key) == [
        {
            "KeyId": key,
            "GrantId": made["GrantId"],
            "Name": "n",
            "CreationDate": kms.now.timestamp(),
            "GranteePrincipal": alice,
            "RetiringPrincipal": admin,
            "IssuingAccount": ROOT,
            "Operations": ["Sign", "Verify"],
        }
    ]


def test_a_grant_without_name_and_retiring_principal_shows_an_empty_name(kms):
    key = kms.create()
    constraints = {"EncryptionContextSubset": {"Department": "IT"}}
    grant(kms, key, operations=("Decrypt",), Constraints=constraints)
    (found,) = listed(kms, key)
    assert found["Name"] == ""
    assert "RetiringPrincipal" not in found
    assert found["Constraints"] == constraints


@pytest.mark.parametrize("kind", PERMITTED)
def test_a_grant_permits_what_the_key_can_do_and_nothing_else(kms, kind):
    key = kms.create(*kind)
    for operation in OPERATIONS:
        wanted = ["DescribeKey", operation]
        if operation in PERMITTED[kind]:
            grant(kms, key, operations=wanted)
            continue
        message = kms.refused(
            "ValidationException", "CreateGrant", KeyId=key, GranteePrincipal=ROOT,
            Operations=wanted,
        )  # fmt: skip
        assert operation in message


def test_a_grant_permits_something(kms):
    kms.refused(
        "ValidationException", "CreateGrant", KeyId=kms.signer(), GranteePrincipal=ROOT,
        Operations=[],
    )  # fmt: skip


def test_a_grant_permits_more_than_creating_grants(kms):
    message = kms.refused(
        "ValidationException", "CreateGrant", KeyId=kms.signer(), GranteePrincipal=ROOT,
        Operations=["CreateGrant"],
    )  # fmt: skip
    assert message == "Grants must not contain only the CreateGrant operation."


def test_other_operations_violate_the_model(kms):
    message = kms.refused(
        "ValidationException", "CreateGrant", KeyId=kms.signer(), GranteePrincipal=ROOT,
        Operations=["ScheduleKeyDeletion"],
    )  # fmt: skip
    assert "enum value set" in message


@pytest.mark.parametrize("member", ["GranteePrincipal", "RetiringPrincipal"])
@pytest.mark.parametrize(
    "name",
    [
        f"arn:aws:iam::{OWNER}:user/nobody",
        f"arn:aws:iam::{OTHER}:role/none",
        OWNER,
        "logs.us-east-1.amazonaws.com",
    ],
)
def test_a_principal_that_does_not_exist_is_given_nothing(kms, member, name):
    members = {"GranteePrincipal": ROOT, member: name}
    message = kms.refused(
        "InvalidArnException", "CreateGrant", KeyId=kms.signer(), Operations=["Sign"], **members
    )
    assert message == f"ARN does not refer to a valid principal: {name}"


def test_principals_of_other_accounts_and_sessions_are_given_grants(kms):
    key = kms.signer()
    for principal in (
        f"arn:aws:iam::{OTHER}:root",
        kms.role("r", account=OTHER),
        f"arn:aws:sts::{OTHER}:assumed-role/r/session",
        f"arn:aws:sts::{OWNER}:federated-user/someone",
    ):
        grant(kms, key, principal)
    assert len(listed(kms, key)) == 4


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({}, "ValidationException"),
        ({"GranteeServicePrincipal": "logs.amazonaws.com"}, "NotImplemented"),
        ({"GranteePrincipal": ROOT, "RetiringServicePrincipal": "logs.amazonaws.com"},
         "NotImplemented"),
        ({"GranteePrincipal": ROOT, "Constraints": {"SourceArn": TOPIC}},
         "NotImplemented"),
    ],
)  # fmt: skip
def test_a_grant_is_for_a_principal_and_grants_for_services_are_not_simulated(kms, members, code):
    kms.refused(code, "CreateGrant", KeyId=kms.create(), Operations=["Decrypt"], **members)


@pytest.mark.parametrize(
    ("pairs", "fits"),
    [
        ({"a": "x" * 384}, True),
        ({"a": "x" * 385}, False),
        ({str(n): "" for n in range(8)}, True),
        ({str(n): "" for n in range(9)}, False),
    ],
    ids=["value", "long value", "pairs", "many pairs"],
)
def test_a_constraint_has_at_most_8_pairs_and_384_characters(kms, pairs, fits):
    key = kms.create()
    for kind in ("EncryptionContextEquals", "EncryptionContextSubset"):
        members = {
            "KeyId": key, "GranteePrincipal": ROOT, "Operations": ["Decrypt"],
            "Constraints": {kind: pairs},
        }  # fmt: skip
        if fits:
            kms("CreateGrant", **members)
        else:
            kms.refused("ValidationException", "CreateGrant", **members)


def test_only_symmetric_keys_have_constraints(kms):
    kms.refused(
        "ValidationException", "CreateGrant", KeyId=kms.signer(), GranteePrincipal=ROOT,
        Operations=["Sign"], Constraints={"EncryptionContextEquals": {"a": "b"}},
    )  # fmt: skip


def test_a_grant_of_the_same_name_and_content_is_made_once(kms):
    key, alice = kms.signer(), kms.user("alice")
    first = grant(kms, key, alice, ("Sign", "Verify"), Name="n")
    again = grant(kms, key, alice, ("Verify", "Sign"), Name="n")
    assert again["GrantId"] == first["GrantId"]
    assert again["GrantToken"] != first["GrantToken"]
    ids = {first["GrantId"]}
    for key_id, members in (
        (key, {"operations": ("Sign",), "Name": "n"}),
        (key, {"operations": ("Sign", "Verify"), "Name": "other"}),
        (key, {"operations": ("Sign", "Verify")}),
        (key, {"operations": ("Sign", "Verify")}),
        (kms.signer(), {"operations": ("Sign", "Verify"), "Name": "n"}),
    ):
        ids.add(grant(kms, key_id, alice, **members)["GrantId"])
    assert len(ids) == 6
    kms("RetireGrant", GrantToken=first["GrantToken"])
    assert grant(kms, key, alice, ("Sign", "Verify"), Name="n")["GrantId"] not in ids


def test_a_key_has_a_quota_of_grants(kms, monkeypatch):
    monkeypatch.setattr(grants, "GRANTS", 1)
    key = kms.signer()
    made = grant(kms, key, Name="n")
    kms.refused(
        "LimitExceededException", "CreateGrant", KeyId=key, GranteePrincipal=ROOT,
        Operations=["Sign"],
    )  # fmt: skip
    assert grant(kms, key, Name="n")["GrantId"] == made["GrantId"]
    kms("RevokeGrant", KeyId=key, GrantId=made["GrantId"])
    grant(kms, key)


# Retiring and revoking


def test_a_grant_is_retired_by_token_or_by_key_and_id(kms):
    key = kms.signer()
    first, second, third = (grant(kms, key) for _ in range(3))
    assert kms("RetireGrant", GrantToken=first["GrantToken"]) == {}
    assert kms("RetireGrant", KeyId=key, GrantId=second["GrantId"]) == {}
    assert [one["GrantId"] for one in listed(kms, key)] == [third["GrantId"]]
    assert kms("RevokeGrant", KeyId=key, GrantId=third["GrantId"]) == {}
    assert listed(kms, key) == []


@pytest.mark.parametrize("operation", ["RetireGrant", "RevokeGrant"])
def test_a_grant_that_is_not_there_is_not_ended(kms, operation):
    key = kms.signer()
    gone = grant(kms, key)["GrantId"]
    elsewhere = grant(kms, kms.signer())["GrantId"]
    kms(operation, KeyId=key, GrantId=gone)
    for grant_id in (gone, elsewhere, "0" * 64):
        kms.refused("NotFoundException", operation, KeyId=key, GrantId=grant_id)
    kms.refused("InvalidGrantIdException", operation, KeyId=key, GrantId="x")


def test_a_grant_to_retire_is_named_in_one_way(kms):
    key = kms.signer()
    made = grant(kms, key)
    both = {"KeyId": key, **made}
    for members in ({}, {"KeyId": key}, {"GrantId": made["GrantId"]}, both):
        kms.refused("ValidationException", "RetireGrant", **members)
    kms.refused("InvalidGrantTokenException", "RetireGrant", GrantToken="x")
    kms("RetireGrant", GrantToken=made["GrantToken"])
    kms.refused("NotFoundException", "RetireGrant", GrantToken=made["GrantToken"])


def test_dry_runs_change_nothing(kms):
    key = kms.signer()
    made = grant(kms, key)
    for operation, members in (
        ("CreateGrant", {"GranteePrincipal": ROOT, "Operations": ["Sign"]}),
        ("RetireGrant", {"GrantId": made["GrantId"]}),
        ("RevokeGrant", {"GrantId": made["GrantId"]}),
    ):
        message = kms.refused(
            "DryRunOperationException", operation, KeyId=key, DryRun=True, **members
        )
        assert message == "The request would have succeeded, but the DryRun option is set."
    assert [one["GrantId"] for one in listed(kms, key)] == [made["GrantId"]]
    kms.refused("NotFoundException", "RevokeGrant", KeyId=key, GrantId="0" * 64, DryRun=True)


def test_a_grant_is_made_ended_and_listed_in_any_state_the_table_allows(kms):
    key = kms.signer()
    made = grant(kms, key)
    kms("ScheduleKeyDeletion", KeyId=key)
    assert len(listed(kms, key)) == 1
    kms("RevokeGrant", KeyId=key, GrantId=made["GrantId"])


# Lists


def test_grants_are_filtered_and_come_in_pages(kms):
    key, alice = kms.signer(), kms.user("alice")
    ids = [grant(kms, key, who)["GrantId"] for who in (ROOT, alice, ROOT)]
    shown = listed(kms, key, GranteePrincipal=ROOT)
    assert [one["GrantId"] for one in shown] == [ids[0], ids[2]]
    assert [one["GrantId"] for one in listed(kms, key, GrantId=ids[1])] == [ids[1]]
    kms.refused("InvalidGrantIdException", "ListGrants", KeyId=key, GrantId="x")
    first = kms("ListGrants", KeyId=key, Limit=2)
    rest = kms("ListGrants", KeyId=key, Limit=2, Marker=first["NextMarker"])
    assert [one["GrantId"] for one in (*first["Grants"], *rest["Grants"])] == ids
    kms.refused("InvalidMarkerException", "ListGrants", KeyId=key, Marker="x")
    kms.refused("ValidationException", "ListGrants", KeyId=key, Limit=101)
    kms.refused("NotImplemented", "ListGrants", KeyId=key, GranteeServicePrincipal="a.b.c")


def test_retirable_grants_of_every_key_of_the_region_are_listed(kms):
    admin = kms.role("admin")
    own, theirs = kms.signer(), kms.signer(account=OTHER)
    far = kms.signer(region="eu-west-1")
    ids = [
        grant(kms, key, RetiringPrincipal=admin, **place)["GrantId"]
        for key, place in ((own, {}), (theirs, {"account": OTHER}), (far, {"region": "eu-west-1"}))
    ]
    grant(kms, own)
    shown = kms("ListRetirableGrants", RetiringPrincipal=admin)["Grants"]
    assert [one["GrantId"] for one in shown] == ids[:2]
    assert shown[1]["IssuingAccount"] == f"arn:aws:iam::{OTHER}:root"
    assert kms("ListRetirableGrants", RetiringPrincipal=ROOT)["Grants"] == []
    kms.refused(
        "AccessDeniedException", "ListRetirableGrants", account=OTHER, RetiringPrincipal=admin
    )
    kms.refused("ValidationException", "ListRetirableGrants")
    kms.refused("NotImplemented", "ListRetirableGrants", RetiringServicePrincipal="a.b.c")


# What a grant says to those who decide


def allowed(kms, key, operation, principal=None, **members):
    """Decide as who enforces policies does, with the key's grants as its only policies."""
    found = kms.service.keys.find(kms.call(), key, "DescribeKey")
    alice = Principal("user", f"arn:aws:iam::{OWNER}:user/alice", OWNER)
    documents = kms.service.grants.documents(found, operation, members, kms.now)
    request = Request(principal or alice, f"kms:{operation}", found.arn, OWNER)
    policies = Policies(resource=documents, requires_resource_policy=True)
    return decide(request, policies).allowed


def test_a_grant_allows_its_operations_to_its_grantee(kms):
    key, alice = kms.signer(), kms.user("alice")
    assert not allowed(kms, key, "Sign")
    made = grant(kms, key, alice, ("Sign", "DescribeKey"))
    assert allowed(kms, key, "Sign")
    assert allowed(kms, key, "DescribeKey")
    assert not allowed(kms, key, "Verify")
    bob = Principal("user", f"arn:aws:iam::{OWNER}:user/bob", OWNER)
    assert not allowed(kms, key, "Sign", bob)
    assert not allowed(kms, kms.signer(), "Sign")
    kms("RevokeGrant", KeyId=key, GrantId=made["GrantId"])
    assert not allowed(kms, key, "Sign")


def test_a_grant_lets_its_retiring_principal_retire_it(kms):
    key = kms.signer()
    bob = kms.user("bob")
    made = grant(kms, key, bob, RetiringPrincipal=kms.user("alice"))
    other = grant(kms, key, bob, ("Verify",))
    assert allowed(kms, key, "RetireGrant", GrantId=made["GrantId"])
    assert allowed(kms, key, "RetireGrant", GrantToken=made["GrantToken"])
    assert not allowed(kms, key, "RetireGrant", GrantId=other["GrantId"])
    assert not allowed(kms, key, "RetireGrant", GrantToken=other["GrantToken"])
    assert not allowed(kms, key, "Sign")


@pytest.mark.parametrize(
    ("constraints", "context", "holds"),
    [
        ({"EncryptionContextEquals": {"a": "1"}}, {"a": "1"}, True),
        ({"EncryptionContextEquals": {"a": "1"}}, {"a": "1", "b": "2"}, False),
        ({"EncryptionContextEquals": {"a": "1"}}, {"A": "1"}, False),
        ({"EncryptionContextEquals": {"a": "1"}}, {}, False),
        ({"EncryptionContextSubset": {"a": "1"}}, {"a": "1", "b": "2"}, True),
        ({"EncryptionContextSubset": {"a": "1"}}, {"a": "2"}, False),
        ({"EncryptionContextSubset": {"a": "${aws:username}"}}, {"a": "alice"}, False),
        ({}, {"a": "1"}, True),
    ],
)
def test_a_constraint_is_compared_exactly(kms, constraints, context, holds):
    key = kms.create()
    operations = ("Decrypt", "ReEncryptFrom", "ReEncryptTo", "DescribeKey")
    members = {"Constraints": constraints} if constraints else {}
    grant(kms, key, kms.user("alice"), operations, **members)
    assert allowed(kms, key, "Decrypt", EncryptionContext=context) is holds
    assert allowed(kms, key, "ReEncryptFrom", SourceEncryptionContext=context) is holds
    assert allowed(kms, key, "ReEncryptTo", DestinationEncryptionContext=context) is holds
    assert allowed(kms, key, "DescribeKey")


@pytest.mark.parametrize(
    ("operations", "constraints", "granted"),
    [
        (["Decrypt"], {"EncryptionContextSubset": {"a": "1"}}, True),
        (["Decrypt", "CreateGrant"], {"EncryptionContextSubset": {"a": "1", "b": "2"}}, True),
        (["Decrypt"], {"EncryptionContextEquals": {"a": "1", "b": "2"}}, True),
        (["Decrypt"], {"EncryptionContextEquals": {"b": "2"}}, False),
        (["Decrypt"], {}, False),
        (["Encrypt"], {"EncryptionContextSubset": {"a": "1"}}, False),
    ],
)
def test_who_may_create_grants_by_a_grant_may_not_give_more(kms, operations, constraints, granted):
    """Developer Guide, "Granting CreateGrant permission"."""
    key = kms.create()
    parent = {"EncryptionContextSubset": {"a": "1"}}
    grant(kms, key, kms.user("alice"), ("Decrypt", "CreateGrant"), Constraints=parent)
    child = {"Operations": operations, "Constraints": constraints}
    assert allowed(kms, key, "CreateGrant", **child) is granted


def test_an_exact_constraint_is_passed_on_as_it_is(kms):
    key = kms.create()
    parent = {"EncryptionContextEquals": {"a": "1"}}
    grant(kms, key, kms.user("alice"), ("Decrypt", "CreateGrant"), Constraints=parent)
    weaker = {"EncryptionContextSubset": {"a": "1"}}
    assert allowed(kms, key, "CreateGrant", Operations=["Decrypt"], Constraints=parent)
    assert not allowed(kms, key, "CreateGrant", Operations=["Decrypt"], Constraints=weaker)


def test_a_new_grant_takes_its_token_until_it_has_arrived(slow_kms):
    key = slow_kms.signer()
    made = grant(slow_kms, key, slow_kms.user("alice"), ("Sign", "RetireGrant"))
    assert not allowed(slow_kms, key, "Sign")
    assert allowed(slow_kms, key, "Sign", GrantTokens=[made["GrantToken"]])
    assert not allowed(slow_kms, key, "RetireGrant")
    assert allowed(slow_kms, key, "RetireGrant", GrantToken=made["GrantToken"])
    slow_kms.world.clock.advance(minutes=5)
    assert allowed(slow_kms, key, "Sign")


def test_an_ended_grant_counts_until_everybody_has_heard(slow_kms):
    key = slow_kms.signer()
    made = grant(slow_kms, key, slow_kms.user("alice"))
    slow_kms.world.clock.advance(minutes=5)
    slow_kms("RevokeGrant", KeyId=key, GrantId=made["GrantId"])
    assert listed(slow_kms, key) == []
    assert allowed(slow_kms, key, "Sign")
    slow_kms.world.clock.advance(minutes=5)
    assert not allowed(slow_kms, key, "Sign")
    assert not allowed(slow_kms, key, "Sign", GrantTokens=[made["GrantToken"]])


def test_an_ended_grant_is_forgotten_in_time(slow_kms):
    key = slow_kms.signer()
    for _ in range(3):
        made = grant(slow_kms, key)
        slow_kms("RevokeGrant", KeyId=key, GrantId=made["GrantId"])
        slow_kms.world.clock.advance(minutes=6)
    assert len(slow_kms.service.keys.find(slow_kms.call(), key, "DescribeKey").grants) == 1


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("Sign", {"Message": b"x", "SigningAlgorithm": "ECDSA_SHA_256"}),
        ("GetPublicKey", {}),
        ("CreateGrant", {"GranteePrincipal": ROOT, "Operations": ["Sign"]}),
    ],
)
def test_a_grant_token_must_be_one(kms, operation, members):
    key = kms.signer()
    token = grant(kms, key)["GrantToken"]
    kms(operation, KeyId=key, GrantTokens=[token], **members)
    kms.refused(
        "InvalidGrantTokenException", operation, KeyId=key, GrantTokens=[token, "x"], **members
    )
    kms.refused("ValidationException", operation, KeyId=key, GrantTokens=[token] * 11, **members)


def test_who_decides_finds_a_grant_by_its_token(kms):
    key = kms.signer()
    made = grant(kms, key)
    assert kms.service.grants.of_token(made["GrantToken"]).grant_id == made["GrantId"]


def test_ids_and_tokens_follow_from_the_seed(open_kms):
    def made():
        kms = open_kms()
        return grant(kms, kms.signer())

    assert made() == made()


def test_the_world_without_latency_is_the_default(kms):
    assert kms.world.latency == timedelta(0)
