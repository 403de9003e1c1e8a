"""Credentials that end in the middle are renewed, or the run stops and says what to do."""

import pytest
from botocore.credentials import AssumeRoleProvider

from pkilab import Lab
from pkilab.aws.sessions import open_session
from pkilab.errors import CredentialsError, LabError


def write_session(folder, credentials):
    (folder / "credentials").write_text(
        "[default]\n"
        f"aws_access_key_id = {credentials['AccessKeyId']}\n"
        f"aws_secret_access_key = {credentials['SecretAccessKey']}\n"
        f"aws_session_token = {credentials['SessionToken']}\n"
    )


@pytest.fixture
def new_session(world):
    """Return what gives a session of a role that may do all in the account."""
    iam, sts = world.client("iam"), world.client("sts")
    trust = (
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",'
        ' "Principal": {"AWS": "arn:aws:iam::111122223333:root"}}]}'
    )
    role = iam.create_role(RoleName="learner", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.attach_role_policy(
        RoleName="learner", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
    )

    def session(name):
        return sts.assume_role(RoleArn=role, RoleSessionName=name)["Credentials"]

    return session


def end(lab):
    """Have the next answer be that the session is over."""
    client, times = lab.client("s3"), []
    original = client._endpoint._do_get_response

    def ended(request, model, context):
        answer, error = original(request, model, context)
        if answer and not times:
            times.append(1)
            answer[0].status_code = 400
            answer[1]["Error"] = {"Code": "ExpiredToken", "Message": "The token has expired."}
        return answer, error

    client._endpoint._do_get_response = ended
    return client


def test_another_session_in_the_credentials_file_is_found(world, tmp_path, new_session):
    """Somebody logged in again; the call is made once more, with the new keys."""
    write_session(tmp_path, new_session("first"))
    with Lab.aws(budget_usd=1) as lab:
        client = end(lab)
        lab.client("sts").get_caller_identity()
        write_session(tmp_path, new_session("second"))
        client.list_buckets()
        assert lab.client("sts").get_caller_identity()["Arn"].endswith("/second")


def test_without_another_session_the_run_stops_clearly(tmp_path, new_session):
    """What to do, and that nothing was done."""
    write_session(tmp_path, new_session("only"))
    with Lab.aws(budget_usd=1) as lab:
        client = end(lab)
        with pytest.raises(CredentialsError, match=r"over.*aws sso login.*AWS did nothing"):
            client.list_buckets()
        client.list_buckets()  # and it can go on


def test_no_credentials_and_no_profile_are_told(monkeypatch, tmp_path, world):
    """By the same error, before anything."""
    (tmp_path / "credentials").write_text("")
    with pytest.raises(CredentialsError, match="there are none"):
        open_session(None, "us-east-1")
    with pytest.raises(CredentialsError, match="nobody"):
        open_session("nobody", "us-east-1")


def test_a_role_with_mfa_needs_somebody_who_is_asked(monkeypatch, tmp_path, world):
    """A kernel without anyone to ask says how to come by a session."""
    (tmp_path / "config").write_text(
        "[profile mfa]\nregion = us-east-1\nsource_profile = default\n"
        "role_arn = arn:aws:iam::111122223333:role/x\n"
        "mfa_serial = arn:aws:iam::111122223333:mfa/me\n"
    )

    def nobody(_prompt):
        raise EOFError

    monkeypatch.setattr(AssumeRoleProvider.__init__, "__defaults__", (nobody, None, None))
    with pytest.raises(LabError, match=r"MFA code is wanted.*--profile mfa"):
        Lab.aws(profile="mfa").client("s3")


def test_a_role_is_assumed_by_its_profile(tmp_path, world, new_session):
    """The partner: boto3's own configuration is all it takes."""
    new_session("makes-the-role")
    (tmp_path / "config").write_text(
        "[default]\nregion = us-east-1\n[profile role]\nregion = us-east-1\n"
        "source_profile = default\nrole_arn = arn:aws:iam::111122223333:role/learner\n"
    )
    with Lab.aws(profile="role", budget_usd=1) as lab:
        assert ":assumed-role/learner/" in lab.client("sts").get_caller_identity()["Arn"]
        lab.client("s3").create_bucket(Bucket="by-the-role")


def test_no_secret_shows_in_a_repr(world):
    """Of sessions and their credentials."""
    _, credentials = open_session(None, "us-east-1")
    assert credentials.secret_key not in repr(credentials) + str(vars(credentials).keys())


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "no JSON",
        '{"Version": 1, "AccessKeyId": "AKIA", "SecretAccessKey": "s", "SessionToken": "t",'
        ' "Expiration": "2020-01-01T00:00:00Z"}',
    ],
    ids=["is not there", "answers no JSON", "gives what is over"],
)
def test_a_process_without_use_is_a_clear_stop(world, tmp_path, answer):
    """botocore lets errors of the operating system through, and some of no class of its own."""
    process = tmp_path / "process"
    if answer is not None:
        process.write_text(f"#!/bin/sh\necho '{answer}'\n")
        process.chmod(0o755)
    (tmp_path / "config").write_text(
        f"[profile tool]\nregion = us-east-1\ncredential_process = {process}\n"
    )
    with pytest.raises(LabError), Lab.aws(profile="tool") as lab:
        assert lab.accounts
