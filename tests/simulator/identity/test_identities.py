"""Who calls, and what policies know of them."""

import json

import pytest

from pkilab.simulator.service import AwsError

LEARNER = "arn:aws:iam::111122223333:user/learner"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
CODES = {
    "kms": ("UnrecognizedClientException", 400),
    "acm-pca": ("UnrecognizedClientException", 400),
    "lambda": ("UnrecognizedClientException", 403),
    "iam": ("InvalidClientTokenId", 403),
    "route53": ("InvalidClientTokenId", 403),
    "s3": ("InvalidAccessKeyId", 403),
    "no-such-service": ("UnrecognizedClientException", 403),
}


def refused(identities, *key, **service):
    """Return the code and the status of a refusal."""
    with pytest.raises(AwsError) as caught:
        identities.caller(*key, **service)
    return caught.value.code, caught.value.status


def test_each_account_has_a_key_and_no_other_key_counts(lab, people):
    """Also not one of moto's default account; the code is that of the service's protocol."""
    for alias, number in lab.accounts.items():
        key = lab._place.gateway.credentials[alias].access_key_id
        caller = people.identities.caller(key)
        assert caller.principal.arn == f"arn:aws:iam::{number}:user/learner"
        assert caller.principal.account == number
    for key in ("AKIAIOSFODNN7EXAMPLE", "", "foobar_key", "ASIA" + "A" * 16):
        for service, answer in CODES.items():
            assert refused(people.identities, key, service=service) == answer


def test_a_key_counts_while_it_is_active_and_there(people):
    """With a session token it does not: it has none."""
    key = people.user()
    identities = people.identities
    assert identities.caller(key.access_key_id).principal.arn.endswith(":user/alice")
    assert identities.secret(key.access_key_id) == key.secret_access_key
    assert refused(identities, key.access_key_id, "token", service="sts")[1] == 403
    key.status = "Inactive"
    assert refused(identities, key.access_key_id, service="iam") == CODES["iam"]
    key.status = "Active"
    people.moto().delete_access_key(key.access_key_id, "alice")
    assert refused(identities, key.access_key_id, service="kms") == CODES["kms"]
    assert identities.secret(key.access_key_id) is None


def test_a_sessions_key_needs_its_token(people):
    """No other, and not none."""
    mine, other = people.session(people.role()), people.session(people.role("other"))
    key, token = mine.credentials.access_key_id, mine.credentials.session_token
    assert people.identities.caller(key, token) == mine.identity
    for wrong in (None, "", other.credentials.session_token, token[:-1]):
        assert refused(people.identities, key, wrong, service="s3") == ("InvalidToken", 400)
        assert refused(people.identities, key, wrong, service="kms") == CODES["kms"]


def test_a_session_ends_on_the_worlds_clock(people):
    """To the second."""
    started = people.session(people.role(), seconds=900)
    key, token = started.credentials.access_key_id, started.credentials.session_token
    people.clock.advance(seconds=899)
    assert people.identities.caller(key, token)
    people.clock.advance(seconds=1)
    for service, answer in {
        "kms": ("ExpiredTokenException", 400),
        "sts": ("ExpiredToken", 403),
        "s3": ("ExpiredToken", 400),
        "lambda": ("ExpiredTokenException", 403),
    }.items():
        assert refused(people.identities, key, token, service=service) == answer


def test_a_session_ends_with_its_role(people):
    """A new role of the same name is another one."""
    started = people.session(people.role())
    key = (started.credentials.access_key_id, started.credentials.session_token)
    people.moto().delete_role("signer")
    assert refused(people.identities, *key, service="sts") == CODES["iam"]
    people.role()
    assert refused(people.identities, *key, service="sts") == CODES["iam"]


def test_a_federated_users_session_ends_with_its_user(people):
    """A new user of the same name is another one."""
    caller = people.identities.caller(people.user().access_key_id)
    started = people.identities.start_federation(caller, "guest", 900)
    key = (started.credentials.access_key_id, started.credentials.session_token)
    assert people.identities.caller(*key) == started.identity
    people.moto().delete_access_key(caller.access_key_id, "alice")
    people.moto().delete_user("alice")
    assert refused(people.identities, *key, service="sts") == CODES["iam"]
    people.user()
    assert refused(people.identities, *key, service="sts") == CODES["iam"]


def test_a_user_has_its_own_policies_and_its_groups(people, allow):
    """Inline and managed ones, AWS's among them."""
    caller = people.identities.caller(people.user().access_key_id)
    assert people.identities.policies(caller) == ((), None, None)
    moto = people.moto()
    moto.put_user_policy("alice", "own", allow("kms:Sign"))
    made = moto.create_policy("", "/", allow("kms:Verify"), "bought", [])
    moto.attach_user_policy(made.arn, "alice")
    moto.create_group("signers")
    moto.add_user_to_group("signers", "alice")
    moto.put_group_policy("signers", "theirs", allow("kms:GetPublicKey"))
    people.identities.directory.managed_policy("111122223333", ADMINISTRATOR)
    moto.attach_group_policy(ADMINISTRATOR, "signers")
    names = [each.name for each in people.identities.policies(caller)[0]]
    assert names == [
        "user alice's policy own",
        made.arn,
        "group signers's policy theirs",
        ADMINISTRATOR,
    ]


def test_a_managed_policy_counts_in_its_default_version(people, allow):
    """And no other."""
    caller = people.identities.caller(people.user().access_key_id)
    made = people.moto().create_policy("", "/", allow("kms:Sign"), "p", [])
    people.moto().attach_user_policy(made.arn, "alice")
    people.moto().create_policy_version(made.arn, allow("kms:Verify"), False)
    (document,), _, _ = people.identities.policies(caller)
    assert "kms:Sign" in document.statements[0].text
    people.moto().set_default_policy_version(made.arn, "v2")
    (document,), _, _ = people.identities.policies(caller)
    assert "kms:Verify" in document.statements[0].text


def test_a_role_has_its_policies_its_boundary_and_what_was_passed(people, allow):
    """Without session policies there are none; with them they are in their order."""
    boundary = people.moto().create_policy("", "/", allow("kms:*"), "limit", [])
    role = people.role(permissions_boundary=boundary.arn)
    people.moto().put_role_policy("signer", "own", allow("kms:Sign"))
    own, limit, passed = people.identities.policies(people.session(role).identity)
    assert ([each.kind for each in own], limit.name, passed) == (["identity"], boundary.arn, None)
    narrowed = people.session(role, policies=(allow("kms:Sign"), allow("kms:Verify"))).identity
    passed = people.identities.policies(narrowed)[2]
    assert [each.name for each in passed] == ["session policy 1", "session policy 2"]


def test_a_federated_user_has_its_users_policies_and_nothing_passed_is_nothing_allowed(
    people, allow
):
    """Both must allow."""
    caller = people.identities.caller(people.user().access_key_id)
    people.moto().put_user_policy("alice", "own", allow("kms:*"))
    bare = people.identities.start_federation(caller, "guest", 900).identity
    own, _, passed = people.identities.policies(bare)
    assert (len(own), passed) == (1, ())
    given = people.identities.start_federation(caller, "guest", 900, policies=(allow("kms:Sign"),))
    assert len(people.identities.policies(given.identity)[2]) == 1
    assert bare.principal.arn == "arn:aws:sts::111122223333:federated-user/guest"


def test_a_policy_that_says_what_is_not_modelled_is_not_ignored(people):
    """Whoever has it is refused, not let through."""
    caller = people.identities.caller(people.user().access_key_id)
    statement = {
        "Effect": "Deny", "Action": "*", "Resource": "*",
        "Condition": {"StringEquals": {"aws:username": "${made:Up}"}},
    }  # fmt: skip
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    people.moto().put_user_policy("alice", "own", text)
    with pytest.raises(AwsError) as caught:
        people.identities.policies(caller)
    assert caught.value.code == "NotImplemented"


def test_what_is_known_of_a_user(people):
    """With a long-term key there is no word of MFA."""
    caller = people.identities.caller(people.user().access_key_id)
    people.moto().tag_user("alice", [{"Key": "Team", "Value": "pki"}])
    assert people.identities.context(caller) == {
        "aws:principalarn": "arn:aws:iam::111122223333:user/alice",
        "aws:principalaccount": "111122223333",
        "aws:principaltype": "User",
        "aws:userid": caller.principal.user_id,
        "aws:username": "alice",
        "aws:principalisawsservice": "false",
        "aws:principaltag/team": "pki",
    }


def test_what_is_known_of_a_users_session(people):
    """Whether a code was given, and how long ago."""
    caller = people.identities.caller(people.user().access_key_id)
    bare = people.identities.start_user_session(caller, 3600, mfa=False).identity
    proved = people.identities.start_user_session(caller, 3600, mfa=True).identity
    people.clock.advance(seconds=90)
    context = people.identities.context(bare)
    assert context["aws:multifactorauthpresent"] == "false"
    assert "aws:multifactorauthage" not in context
    assert context["aws:tokenissuetime"] == "2026-11-02T09:00:00Z"
    context = people.identities.context(proved)
    assert context["aws:multifactorauthpresent"] == "true"
    assert context["aws:multifactorauthage"] == "90"
    assert context["aws:username"] == "alice"


def test_what_is_known_of_a_roles_session(people):
    """The role's ARN with its path; session tags lie over the role's."""
    role = people.role(
        path="/keys/", tags=[{"Key": "Team", "Value": "pki"}, {"Key": "A", "Value": "1"}]
    )
    session = people.session(role, tags={"team": "ops"}, source_identity="alice", mfa=True)
    context = people.identities.context(session.identity)
    assert session.identity.principal.arn == "arn:aws:sts::111122223333:assumed-role/signer/me"
    assert context["aws:principalarn"] == "arn:aws:iam::111122223333:role/keys/signer"
    assert context["aws:principaltype"] == "AssumedRole"
    assert context["aws:userid"] == f"{role.role_id}:me"
    assert context["aws:sourceidentity"] == "alice"
    assert (context["aws:principaltag/team"], context["aws:principaltag/a"]) == ("ops", "1")
    assert "aws:username" not in context


def test_a_keys_last_use_is_remembered(people):
    """When, where and for what; a role's, too."""
    key = people.user()
    people.identities.caller(key.access_key_id, service="kms", region="eu-west-1")
    assert (key.last_used.service, key.last_used.region) == ("kms", "eu-west-1")
    session = people.session(people.role()).credentials
    people.identities.caller(
        session.access_key_id, session.session_token, service="kms", region="eu-west-1"
    )
    assert people.moto().get_role("signer").last_used_region == "eu-west-1"


def test_nothing_secret_is_shown(people):
    """Not with the text of a session, nor of what began it."""
    started = people.session(people.role())
    for secret in (started.credentials.secret_access_key, started.credentials.session_token):
        assert secret not in repr(started)


def test_users_have_ids_of_awss_shape(people):
    """Also those whom moto made before."""
    key = people.identities.directory.user(LEARNER)
    assert key.user_id.startswith("AIDA")
    assert len(key.user_id) == 21
