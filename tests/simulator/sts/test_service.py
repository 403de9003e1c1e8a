"""Sessions of roles and users, as boto3 gets them."""

import json

import pytest
from botocore.exceptions import ClientError

from pkilab.simulator.service import AwsError, Call

OWNER, CONSUMER = "111122223333", "444455556666"
ALLOW = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "kms:Sign", "Resource": "*"}],
    }
)


def refused(call, *arguments, **members):
    """Return the code and the message of a refusal."""
    with pytest.raises(ClientError) as caught:
        call(*arguments, **members)
    found = caught.value.response["Error"]
    return found["Code"], found["Message"]


def test_a_role_is_assumed_and_its_session_calls_as_the_role(cast):
    """The session's ARN leaves out the role's path, its id begins with the role's."""
    role = cast.role(Path="/keys/")
    answer = cast.assume(role)
    user = answer["AssumedRoleUser"]
    assert user["Arn"] == f"arn:aws:sts::{OWNER}:assumed-role/signer/me"
    assert user["AssumedRoleId"] == f"{cast.identities.role(role).role_id}:me"
    credentials = answer["Credentials"]
    assert credentials["AccessKeyId"].startswith("ASIA")
    assert (credentials["Expiration"] - cast.lab.clock.now()).total_seconds() == 3600
    caller = cast.sts(credentials).get_caller_identity()
    assert caller["Arn"] == user["Arn"]
    assert (caller["UserId"], caller["Account"]) == (user["AssumedRoleId"], OWNER)


def test_a_role_of_another_account_is_assumed(cast):
    """The session belongs to the role's account."""
    role = cast.role(account="consumer", trusts=OWNER)
    credentials = cast.assume(role)["Credentials"]
    assert cast.sts(credentials).get_caller_identity()["Account"] == CONSUMER


def test_a_role_that_is_not_there_is_refused_as_one_that_does_not_trust(cast):
    """Nobody learns which of the two it was."""
    role = f"arn:aws:iam::{CONSUMER}:role/none"
    assert refused(cast.assume, role) == (
        "AccessDenied",
        f"User: arn:aws:iam::{OWNER}:user/learner is not authorized to perform: sts:AssumeRole on "
        f"resource: {role}",
    )


def test_a_session_that_is_over_is_refused(cast):
    """On the world's clock."""
    credentials = cast.assume(cast.role(), DurationSeconds=900)["Credentials"]
    sts = cast.sts(credentials)
    assert sts.get_caller_identity()["Account"] == OWNER
    cast.lab.clock.advance(minutes=15)
    code, message = refused(sts.get_caller_identity)
    assert code == "ExpiredToken"
    assert message == "The security token included in the request is expired"


def test_a_session_without_its_token_is_nobodys(cast):
    """Nor with another one's."""
    one, other = (cast.assume(cast.role(name))["Credentials"] for name in ("a", "b"))
    bare = {key: one[key] for key in ("AccessKeyId", "SecretAccessKey")}
    for wrong in (bare, {**one, "SessionToken": other["SessionToken"]}):
        code, message = refused(cast.sts(wrong).get_caller_identity)
        assert code == "InvalidClientTokenId"
        assert message == "The security token included in the request is invalid."


@pytest.mark.parametrize("seconds", [899, 43201])
def test_a_session_lasts_a_quarter_of_an_hour_to_twelve_hours(cast, seconds):
    """By the model's range, which boto3 does not ask alone."""
    sts, who = cast.lab._place.gateway._services["sts"], f"arn:aws:iam::{OWNER}:user/learner"
    call = Call(OWNER, "us-east-1", cast.lab.clock.now(), who)
    members = {"RoleArn": cast.role(), "RoleSessionName": "me", "DurationSeconds": seconds}
    with pytest.raises(AwsError) as caught:
        sts.perform("AssumeRole", call, **members)
    assert caught.value.code == "ValidationError"


def test_a_session_lasts_no_longer_than_its_role_lets_it(cast):
    """Up to MaxSessionDuration, to the second."""
    role = cast.role(MaxSessionDuration=7200)
    assert cast.assume(role, DurationSeconds=7200)
    code, message = refused(cast.assume, role, DurationSeconds=7201)
    assert code == "ValidationError"
    assert message == (
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    )


def test_a_chained_session_lasts_an_hour(cast):
    """Whatever the role lets others have."""
    first = cast.assume(cast.role("first"))["Credentials"]
    role = cast.role("second", MaxSessionDuration=7200)
    assert cast.assume(role, first, DurationSeconds=3600)
    code, message = refused(cast.assume, role, first, DurationSeconds=3601)
    assert (code, "by role chaining" in message) == ("ValidationError", True)
    assert cast.assume(role, DurationSeconds=3601)


@pytest.mark.parametrize(
    "members",
    [
        {"RoleSessionName": "a b"},
        {"RoleSessionName": "x" * 65},
        {"ExternalId": "a b"},
        {"ExternalId": "x" * 1225},
        {"TokenCode": "12345x", "SerialNumber": "GAHT12345678"},
        {"Policy": "{}" + " " * 2047},
    ],
)
def test_members_that_do_not_fit_are_refused(cast, members):
    """By the model's lengths and patterns, and STS's own for a session policy."""
    assert refused(cast.assume, cast.role(), **members)[0] == "ValidationError"


def test_session_policies_are_kept_with_the_session(cast):
    """A managed one and the one that was sent."""
    arns = [{"arn": "arn:aws:iam::aws:policy/IAMReadOnlyAccess"}]
    answer = cast.assume(cast.role(), Policy=ALLOW, PolicyArns=arns)["Credentials"]
    who = cast.identities.caller(answer["AccessKeyId"], answer["SessionToken"])
    assert [len(each) for each in who.session.policies][1] == len(ALLOW)
    assert len(cast.identities.policies(who)[2]) == 2


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"Policy": "{"}, "MalformedPolicyDocument"),
        ({"Policy": ALLOW.replace('"Resource"', '"Principal"')}, "MalformedPolicyDocument"),
        ({"PolicyArns": [{"arn": "arn:aws:iam::aws:policy/None"}]}, "MalformedPolicyDocument"),
        ({"PolicyArns": [{"arn": "arn:aws:iam::aws:policy/None"}] * 11}, "ValidationError"),
    ],
)
def test_what_is_no_session_policy_is_refused(cast, members, code):
    """Nor is there one that nobody has, or one too many."""
    assert refused(cast.assume, cast.role(), **members)[0] == code


def test_tags_and_source_identity_go_on_where_they_should(cast):
    """Transitive tags do, others do not; the source identity always does."""
    tags = [{"Key": "Team", "Value": "pki"}, {"Key": "Job", "Value": "7"}]
    first = cast.assume(
        cast.role("first"), Tags=tags, TransitiveTagKeys=["Team"], SourceIdentity="alice"
    )
    assert first["SourceIdentity"] == "alice"
    context = cast.context(first["Credentials"])
    assert (context["aws:principaltag/team"], context["aws:principaltag/job"]) == ("pki", "7")
    second = cast.assume(cast.role("second"), first["Credentials"])
    assert second["SourceIdentity"] == "alice"
    context = cast.context(second["Credentials"])
    assert context["aws:principaltag/team"] == "pki"
    assert "aws:principaltag/job" not in context


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"Tags": [{"Key": "Team", "Value": "ops"}]}, "InvalidParameterValue"),
        ({"SourceIdentity": "mallory"}, "AccessDenied"),
    ],
)
def test_what_goes_on_cannot_be_changed(cast, members, code):
    """Neither a transitive tag nor a source identity."""
    first = cast.assume(
        cast.role("first"),
        Tags=[{"Key": "team", "Value": "pki"}],
        TransitiveTagKeys=["team"],
        SourceIdentity="alice",
    )
    second = cast.role("second")
    assert refused(cast.assume, second, first["Credentials"], **members)[0] == code
    assert cast.assume(second, first["Credentials"], SourceIdentity="alice")


def test_a_users_session_is_the_user(cast):
    """For twelve hours, unless it says otherwise; without MFA nothing is proved."""
    key = cast.user()
    credentials = cast.sts(key).get_session_token()["Credentials"]
    assert (credentials["Expiration"] - cast.lab.clock.now()).total_seconds() == 12 * 3600
    assert cast.sts(credentials).get_caller_identity()["Arn"] == f"arn:aws:iam::{OWNER}:user/alice"
    assert cast.context(credentials)["aws:multifactorauthpresent"] == "false"
    assert "aws:multifactorauthpresent" not in cast.context(key)


def test_a_code_of_an_mfa_device_proves_presence_once(cast):
    """The session says so; the code is then used up."""
    key = cast.user()
    device = cast.device()
    members = {"SerialNumber": device.serial_number, "TokenCode": cast.code(device)}
    credentials = cast.sts(key).get_session_token(**members)["Credentials"]
    assert cast.context(credentials)["aws:multifactorauthpresent"] == "true"
    assert cast.context(credentials)["aws:multifactorauthage"] == "0"
    code, message = refused(cast.sts(key).get_session_token, **members)
    assert code == "AccessDenied"
    assert message == "MultiFactorAuthentication failed with invalid MFA one time pass code. "


def test_a_role_is_assumed_with_mfa(cast):
    """By a code of the device of the user who calls, and of nobody else's."""
    key, other = cast.user(), cast.user("bob")
    device, role = cast.device(), cast.role()
    members = {"SerialNumber": device.serial_number, "TokenCode": cast.code(device)}
    code, message = refused(cast.assume, role, other, **members)
    assert (code, "unable to validate MFA code" in message) == ("AccessDenied", True)
    credentials = cast.assume(role, key, **members)["Credentials"]
    assert cast.context(credentials)["aws:multifactorauthpresent"] == "true"


def test_what_sessions_cannot_do(cast):
    """GetSessionToken and GetFederationToken are for users with a key of their own."""
    role = cast.assume(cast.role())["Credentials"]
    user = cast.sts(cast.user()).get_session_token()["Credentials"]
    for credentials in (role, user):
        sts = cast.sts(credentials)
        for name, call in (
            ("GetSessionToken", sts.get_session_token),
            ("GetFederationToken", lambda sts=sts: sts.get_federation_token(Name="guest")),
        ):
            expected = ("AccessDenied", f"Cannot call {name} with session credentials")
            assert refused(call) == expected


def test_a_federated_user_is_somebody_of_its_own(cast):
    """And cannot assume roles."""
    answer = cast.sts(cast.user()).get_federation_token(Name="guest", Policy=ALLOW)
    arn = f"arn:aws:sts::{OWNER}:federated-user/guest"
    assert answer["FederatedUser"] == {"FederatedUserId": f"{OWNER}:guest", "Arn": arn}
    credentials = answer["Credentials"]
    assert cast.sts(credentials).get_caller_identity()["Arn"] == arn
    assert refused(cast.assume, cast.role(), credentials)[0] == "AccessDenied"


def test_a_key_id_says_whose_it_is(cast):
    """AWS reads it from the id; no such key need be there."""
    sts = cast.sts()
    consumer = cast.sts(account="consumer")
    for client, account in ((sts, OWNER), (consumer, CONSUMER)):
        key = client._request_signer._credentials.access_key
        assert sts.get_access_key_info(AccessKeyId=key)["Account"] == account
    assert refused(sts.get_access_key_info, AccessKeyId="A" * 20)[0] == "NotImplemented"


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("assume_role_with_saml", {
            "RoleArn": f"arn:aws:iam::{OWNER}:role/r", "PrincipalArn": f"arn:aws:iam::{OWNER}:x/y",
            "SAMLAssertion": "AAAA",
        }),
        ("assume_role_with_web_identity", {
            "RoleArn": f"arn:aws:iam::{OWNER}:role/r", "RoleSessionName": "me",
            "WebIdentityToken": "AAAA",
        }),
        ("decode_authorization_message", {"EncodedMessage": "AAAA"}),
    ],
)  # fmt: skip
def test_other_ways_to_a_session_are_not_simulated(cast, operation, members):
    """There is no identity provider outside the world; two of them boto3 does not even sign."""
    code, _ = refused(getattr(cast.sts(), operation), **members)
    assert code in {"NotImplemented", "MissingAuthenticationToken"}


def test_the_same_seed_gives_the_same_sessions(cast):
    """Key, secret and token."""
    from pkilab.lab import Lab

    def assumed(cast):
        answer = cast.assume(cast.role())
        return {key: value for key, value in answer.items() if key != "ResponseMetadata"}

    first = assumed(cast)
    cast.lab.close()
    with Lab.simulated(seed="tests", accounts={"owner": OWNER, "consumer": CONSUMER}) as again:
        assert assumed(type(cast)(again)) == first
