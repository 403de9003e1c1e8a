"""Users and permissions boundaries."""

import json

import pytest
from botocore.exceptions import ClientError

OWNER = "111122223333"
POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}],
    }
)
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": OWNER}}],
    }
)
NONE = f"arn:aws:iam::{OWNER}:policy/none"


def refused(call, *arguments, **members):
    with pytest.raises(ClientError) as caught:
        call(*arguments, **members)
    found = caught.value.response["Error"]
    return found["Code"], found["Message"]


@pytest.fixture
def boundary(iam):
    return iam.create_policy(PolicyName="limit", PolicyDocument=POLICY)["Policy"]["Arn"]


def test_users_and_groups_have_ids_of_awss_shape(iam):
    """And what moto keeps of them."""
    user = iam.create_user(UserName="alice", Path="/staff/", Tags=[{"Key": "T", "Value": "v"}])
    assert user["User"]["UserId"].startswith("AIDA")
    assert user["User"]["Arn"] == f"arn:aws:iam::{OWNER}:user/staff/alice"
    assert iam.get_user(UserName="alice")["User"]["UserId"] == user["User"]["UserId"]
    group = iam.create_group(GroupName="signers")["Group"]
    assert group["GroupId"].startswith("AGPA")
    assert iam.get_group(GroupName="signers")["Group"]["GroupId"] == group["GroupId"]


def test_names_are_not_distinguished_by_case(iam):
    """Alice is alice; policies would not know one from the other."""
    iam.create_user(UserName="alice")
    message = "User with name Alice already exists."
    assert refused(iam.create_user, UserName="Alice") == ("EntityAlreadyExists", message)


def test_a_user_who_names_nobody_means_itself(iam, client_of):
    """A role's session must say whom it means."""
    assert iam.get_user()["User"]["UserName"] == "learner"
    alice = client_of("iam")
    assert alice.get_user()["User"]["UserName"] == "alice"
    (key,) = alice.list_access_keys()["AccessKeyMetadata"]
    assert key["UserName"] == "alice"
    assert alice.create_access_key()["AccessKey"]["UserName"] == "alice"


def test_a_roles_session_must_name_a_user(lab, iam):
    """It is none."""
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    answer = lab.client("sts").assume_role(RoleArn=role, RoleSessionName="me")
    session = lab.client("iam", credentials=answer["Credentials"])
    assert refused(session.get_user) == (
        "ValidationError",
        "Must specify userName when calling with non-User credentials",
    )
    assert session.get_user(UserName="learner")["User"]["UserName"] == "learner"


def test_a_user_is_bounded_from_the_start_or_later(iam, lab, boundary):
    """The boundary is shown, counts, and can be taken away."""
    made = iam.create_user(UserName="alice", PermissionsBoundary=boundary)["User"]
    shown = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": boundary}
    assert made["PermissionsBoundary"] == shown
    assert iam.get_user(UserName="alice")["User"]["PermissionsBoundary"] == shown
    directory = lab._place.gateway.identities.directory
    user = directory.user_called(OWNER, "alice")
    assert directory.boundary(user).name == boundary
    iam.delete_user_permissions_boundary(UserName="alice")
    assert "PermissionsBoundary" not in iam.get_user(UserName="alice")["User"]
    assert refused(iam.delete_user_permissions_boundary, UserName="alice")[0] == "NoSuchEntity"
    iam.put_user_permissions_boundary(UserName="alice", PermissionsBoundary=boundary)
    assert directory.user_called(OWNER, "alice").boundary_arn == boundary


def test_a_role_is_bounded_from_the_start_or_later(iam, lab, boundary):
    """As a user is."""
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST, PermissionsBoundary=boundary)
    role = f"arn:aws:iam::{OWNER}:role/r"
    directory = lab._place.gateway.identities.directory
    assert directory.role(role).boundary_arn == boundary
    iam.delete_role_permissions_boundary(RoleName="r")
    assert directory.role(role).boundary_arn == ""
    iam.put_role_permissions_boundary(RoleName="r", PermissionsBoundary=boundary)
    assert directory.role(role).boundary_arn == boundary


def test_a_boundary_must_be_there(iam):
    """One of AWS's is."""
    iam.create_user(UserName="bob")
    for call, members in (
        (iam.create_user, {"UserName": "alice", "PermissionsBoundary": NONE}),
        (iam.put_user_permissions_boundary, {"UserName": "bob", "PermissionsBoundary": NONE}),
        (
            iam.create_role,
            {
                "RoleName": "r",
                "AssumeRolePolicyDocument": TRUST,
                "PermissionsBoundary": NONE,
            },
        ),
    ):
        code, message = refused(call, **members)
        assert code == "NoSuchEntity"
        assert message == f"Scope ARN: {NONE} does not exist or is not attachable."
    managed = "arn:aws:iam::aws:policy/PowerUserAccess"
    iam.put_user_permissions_boundary(UserName="bob", PermissionsBoundary=managed)


def test_a_user_is_deleted_when_nothing_is_left_of_it(iam, boundary):
    """Groups, keys, devices and policies go first; the sentences are IAM's."""
    iam.create_user(UserName="alice")
    key = iam.create_access_key(UserName="alice")["AccessKey"]["AccessKeyId"]
    iam.create_group(GroupName="g")
    iam.add_user_to_group(GroupName="g", UserName="alice")
    iam.attach_user_policy(UserName="alice", PolicyArn=boundary)
    start = "Cannot delete entity, must "
    assert refused(iam.delete_user, UserName="alice") == (
        "DeleteConflict",
        f"{start}remove users from group first.",
    )
    iam.remove_user_from_group(GroupName="g", UserName="alice")
    assert refused(iam.delete_user, UserName="alice")[1] == f"{start}delete access keys first."
    iam.delete_access_key(UserName="alice", AccessKeyId=key)
    assert refused(iam.delete_user, UserName="alice")[1] == f"{start}detach all policies first."
    iam.detach_user_policy(UserName="alice", PolicyArn=boundary)
    iam.delete_user(UserName="alice")
    assert refused(iam.get_user, UserName="alice")[0] == "NoSuchEntity"


def test_a_users_session_without_mfa_and_a_federated_user_cannot_call_iam(lab, client_of):
    """A session with MFA could: the key itself can."""
    sts = client_of("sts")
    session = sts.get_session_token()["Credentials"]
    guest = sts.get_federation_token(Name="guest")["Credentials"]
    for credentials in (session, guest):
        code, message = refused(lab.client("iam", credentials=credentials).list_users)
        assert code == "InvalidClientTokenId"
        assert message == "The security token included in the request is invalid"
