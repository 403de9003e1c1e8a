"""`Lab`: the front door, and what it keeps out."""

import json
import os
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.exceptions import ClientError

import pkilab
from pkilab.errors import LabClosedError, LabError
from pkilab.lab import Lab


def test_the_public_names_are_these():
    """A name is added or removed on purpose only."""
    assert sorted(pkilab.__all__) == ["Lab", "PkilabError", "__version__"]
    assert pkilab.Lab is Lab
    with pytest.raises(AttributeError):
        pkilab.nothing_of_the_kind  # noqa: B018 - the look-up is the test


def test_a_lab_starts_where_the_notebooks_say():
    """Frozen, in AWS's documentation account."""
    with Lab.simulated() as lab:
        assert lab.mode == "simulated"
        assert lab.clock.now() == datetime(2026, 11, 2, 9, tzinfo=UTC)
        assert lab.client("sts").get_caller_identity()["Account"] == "111122223333"
        assert "simulated" in repr(lab)


def test_accounts_of_one_world_are_apart_and_see_one_clock(lab):
    """Each client calls from its own account."""
    owner, consumer = lab.client("sts"), lab.client("sts", account="consumer")
    assert owner.get_caller_identity()["Account"] == "111122223333"
    assert consumer.get_caller_identity()["Account"] == "444455556666"
    with pytest.raises(LabError, match="expected one of owner, consumer"):
        lab.client("sts", account="nobody")


def test_an_account_is_named_by_its_alias_or_its_digits(lab):
    """What ARNs have is as good as what the lab calls it."""
    assert lab.client("s3", account="444455556666") is lab.client("s3", account="consumer")
    with pytest.raises(LabError, match="expected one of owner, consumer"):
        lab.client("s3", account="999999999999")


def test_time_is_the_labs_for_moto_too_and_nobody_elses(lab):
    """S3 dates objects by the lab's clock while the process keeps its own."""
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="dated-by-the-lab")
    lab.clock.advance(days=10)
    s3.put_object(Bucket="dated-by-the-lab", Key="a", Body=b"a")
    assert s3.head_object(Bucket="dated-by-the-lab", Key="a")["LastModified"] == lab.clock.now()
    assert lab.clock.now() == datetime(2026, 11, 12, 9, tzinfo=UTC)
    assert time.time() > lab.clock.now().timestamp()


@pytest.mark.parametrize("now", ["yesterday", "2026-01-05T09:00:00"])
def test_a_start_without_a_date_or_a_zone_is_refused(now):
    """A naive time would mean something else on another machine."""
    with pytest.raises(LabError, match="zone"):
        Lab.simulated(now=now)
    Lab.simulated(now="2026-01-05T10:00:00+01:00").close()


def test_a_second_lab_in_one_process_is_refused(lab):
    """And the first goes on working."""
    with pytest.raises(LabError, match="one at a time"):
        Lab.simulated()
    assert lab.client("sts").get_caller_identity()


HOSTILE = {
    "AWS_ENDPOINT_URL": "http://192.0.2.1:9",
    "AWS_ENDPOINT_URL_STS": "http://192.0.2.1:9",
    "AWS_ACCESS_KEY_ID": "AKIAREALREALREALREAL",
    "AWS_SECRET_ACCESS_KEY": "real",
    "AWS_SESSION_TOKEN": "real",
    "AWS_PROFILE": "no-such-profile",
    "AWS_CONFIG_FILE": "/nonexistent/config",
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_CA_BUNDLE": "/nonexistent/bundle.pem",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_USE_DUALSTACK_ENDPOINT": "true",
    "AWS_STS_REGIONAL_ENDPOINTS": "legacy",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
    "MOTO_ACCOUNT_ID": "999999999999",
    "HTTPS_PROXY": "http://192.0.2.1:9",
    "HTTP_PROXY": "http://192.0.2.1:9",
}


@pytest.fixture
def no_network(monkeypatch):
    """Any attempt to connect or resolve fails the test."""

    def refuse(*args, **kwargs):
        raise AssertionError(f"the network was used: {args}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def test_the_environment_cannot_lead_a_simulated_client_astray(monkeypatch, no_network):
    """Endpoints, profiles, keys, proxies, moto's own switches: none of them counts."""
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
    with Lab.simulated() as lab:
        assert lab.client("sts").get_caller_identity()["Account"] == "111122223333"
        lab.client("s3").create_bucket(Bucket="here-not-there")
        lab.client("acm-pca").list_certificate_authorities()
        assert lab.region == "us-east-1"


def test_no_credential_or_config_file_is_opened(monkeypatch, tmp_path):
    """A profile that would be picked up by any other client is not even read."""
    files = [tmp_path / "config", tmp_path / "credentials"]
    for file in files:
        file.write_text("[default]\naws_access_key_id = REAL\naws_secret_access_key = REAL\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(files[0]))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(files[1]))
    code = """
import sys
opened = set()
sys.addaudithook(lambda event, args: opened.add(str(args[0])) if event == "open" else None)
from pkilab import Lab
with Lab.simulated() as lab:
    lab.client("sts").get_caller_identity()
print(*opened, sep="\\n")
"""
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    opened = set(ran.stdout.splitlines())
    assert opened
    assert not opened & {str(file) for file in files}


def test_a_client_of_a_closed_lab_reaches_nothing(no_network):
    """It says so, every time, instead of calling AWS."""
    lab = Lab.simulated()
    clients = [lab.client(name) for name in ("sts", "s3", "acm-pca")]
    lab.close()
    calls = ("get_caller_identity", "list_buckets", "list_certificate_authorities")
    for client, call in zip(clients, calls, strict=True):
        with pytest.raises(LabClosedError):
            getattr(client, call)()
    with pytest.raises(LabClosedError):
        lab.client("sts")
    with Lab.simulated(), pytest.raises(LabClosedError):  # not even when another lab is open
        clients[0].get_caller_identity()


def test_closing_gives_moto_back_as_it_was():
    """Its clock and its account look-up are its own again, and it is empty."""
    import moto.core.responses
    import moto.core.utils

    account = moto.core.responses.BaseResponse.get_current_account
    clock = moto.core.utils.datetime
    with Lab.simulated() as lab:
        assert moto.core.utils.datetime is not clock
        lab.client("s3").create_bucket(Bucket="left-behind")
    assert moto.core.utils.datetime is clock
    assert moto.core.responses.BaseResponse.get_current_account is account
    with Lab.simulated() as lab:
        assert lab.client("s3").list_buckets()["Buckets"] == []


def test_a_service_outside_the_model_is_refused_in_awss_shape(lab):
    """moto would answer for dynamodb, and nobody has looked whether rightly."""
    with pytest.raises(ClientError, match="dynamodb is not simulated by pkilab") as caught:
        lab.client("dynamodb").list_tables()
    assert caught.value.response["Error"]["Code"] == "NotImplemented"


def test_served_and_in_process_are_one_world(lab):
    """What one makes the other sees."""
    server = lab.serve()
    lab.client("s3").create_bucket(Bucket="seen-by-both")
    names = lab.environment()
    assert names["AWS_ENDPOINT_URL"] == server.url
    outside = boto3.client(
        "s3",
        endpoint_url=server.url,
        region_name=names["AWS_DEFAULT_REGION"],
        aws_access_key_id=names["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=names["AWS_SECRET_ACCESS_KEY"],
    )
    assert [bucket["Name"] for bucket in outside.list_buckets()["Buckets"]] == ["seen-by-both"]
    outside.close()


def test_a_foreign_key_is_not_taken_for_one_of_the_worlds(lab):
    """Real credentials sent by mistake are refused as AWS refuses unknown ones."""
    server = lab.serve()
    stranger = boto3.client(
        "sts",
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="x",
    )
    with pytest.raises(ClientError, match="security token included in the request is invalid"):
        stranger.get_caller_identity()
    stranger.close()


def test_keys_made_by_name_repeat(lab):
    """The same name and algorithm give the same key; another name gives another."""
    same = [lab.generate_key("web").private_numbers() for _ in range(2)]
    assert same[0] == same[1]
    assert lab.generate_key("mail").private_numbers() != same[0]


def test_random_bytes_by_name_repeat(lab):
    """And those of another name are others."""
    first = lab.entropy("nonces").bytes(16)
    assert lab.entropy("nonces").bytes(16) == first
    assert lab.entropy("salts").bytes(16) != first


def test_fetch_takes_web_addresses_only(lab):
    """No file, no other scheme."""
    with pytest.raises(LabError, match="http or https"):
        lab.fetch("file:///etc/passwd")


def test_fetch_knows_the_hosts_of_its_world_and_no_other(lab):
    """AWS's names lead to the simulated services; anything else does not resolve."""
    assert lab.fetch("http://no-such-bucket.s3.us-east-1.amazonaws.com/k").status == 403
    with pytest.raises(LabError, match="no such host"):
        lab.fetch("http://example.com/")


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"PKILAB_MODE": "cloud"}, "PKILAB_MODE"),
        ({"PKILAB_MODE": "aws", "PKILAB_BUDGET_USD": "x"}, "BUDGET"),
    ],
)
def test_from_env_names_the_variable_that_is_wrong(monkeypatch, variables, message):
    """Rather than opening something else."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(LabError, match=message):
        Lab.from_env()


def test_from_env_opens_a_simulated_lab_by_default(monkeypatch):
    """A notebook runs without any set-up."""
    monkeypatch.delenv("PKILAB_MODE", raising=False)
    with Lab.from_env(seed="env") as lab:
        assert lab.mode == "simulated"


@pytest.fixture
def aws_environment(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_PROFILE", raising=False)


@pytest.fixture
def pretended_account(monkeypatch, aws_environment):
    """The served simulator in AWS's place, reached through boto3's ordinary configuration."""
    with Lab.simulated(now="live") as world:
        server = world.serve()
        for name, value in world.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        yield


def test_on_aws_time_cannot_be_moved_nor_aws_served(pretended_account):
    """Both errors say what to do instead."""
    lab = Lab.aws()
    assert lab.mode == "aws"
    assert abs(lab.clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
    with pytest.raises(LabError, match="passes by itself"):
        lab.clock.advance(days=1)
    with pytest.raises(LabError, match="served"):
        lab.serve()


def test_a_domain_is_there_beforehand_and_no_call_of_the_labs(lab):
    """Its zone answers, is one for all names in it, and nothing of it is the lab's to clean up."""
    name, zone = lab.domain("api.pkilab.example")
    assert (name, lab.domain("pkilab.example")[1]) == ("api.pkilab.example", zone)
    found = lab.client("route53").get_hosted_zone(Id=zone)["HostedZone"]
    assert found["Name"] == "pkilab.example."
    assert [entry.operation for entry in lab.journal] == ["GetHostedZone"]
    assert lab.clean_up().removed == ()


@pytest.mark.parametrize("missing", ["PKILAB_DOMAIN", "PKILAB_ZONE_ID"])
def test_on_aws_a_domain_is_what_the_environment_says(aws_environment, monkeypatch, missing):
    """Both of it, or a sentence that says what to set."""
    monkeypatch.setenv("PKILAB_DOMAIN", "lab.example.com")
    monkeypatch.setenv("PKILAB_ZONE_ID", "/hostedzone/Z1")
    lab = Lab.aws()
    assert lab.domain("pkilab.example") == ("lab.example.com", "Z1")
    monkeypatch.delenv(missing)
    with pytest.raises(LabError, match=r"PKILAB_DOMAIN .* and PKILAB_ZONE_ID"):
        lab.domain("pkilab.example")


def test_importing_pkilab_loads_nothing_heavy():
    """Neither boto3 nor cryptography nor moto is paid for before it is used."""
    heavy = "{'boto3', 'moto', 'cryptography', 'pandas', 'typer'}"
    code = f"import pkilab, sys; assert not {heavy} & set(sys.modules), sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ})


def test_two_processes_make_the_same_world_whatever_their_hash_seed_and_zone():
    """Ids, keys and dates are of the seed alone."""
    code = """
import json
from pkilab import Lab
with Lab.simulated(seed="twice") as lab:
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="some-bucket")
    answer = [
        s3.put_object(Bucket="some-bucket", Key="k", Body=b"x"),
        lab.client("sts").get_caller_identity(),
        lab.environment(),
        format(lab.generate_key("web").private_numbers().private_value, "x"),
    ]
print(json.dumps(answer, default=str, sort_keys=True))
"""
    outputs = [
        subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            capture_output=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    ]
    assert outputs[0] == outputs[1]


@pytest.fixture
def strict():
    """A lab in which policies decide."""
    with Lab.simulated(
        seed="strict", accounts={"owner": "111122223333", "other": "444455556666"},
        enforce_policies=True,
    ) as lab:  # fmt: skip
        yield lab


def key_of(lab, name, account="owner"):
    """Make a user without any policy, and return its access key."""
    iam = lab.client("iam", account=account)
    iam.create_user(UserName=name)
    return iam.create_access_key(UserName=name)["AccessKey"]


def test_policies_decide_only_where_that_is_asked_for(lab):
    """A user without a policy may do anything in a lab as it is."""
    ana = lab.client("acm-pca", credentials=key_of(lab, "ana"))
    assert ana.list_certificate_authorities()["CertificateAuthorities"] == []


def test_a_user_without_a_policy_may_do_nothing_where_policies_decide(strict):
    """The lab's own clients are administrators, in each account."""
    ana = strict.client("acm-pca", credentials=key_of(strict, "ana"))
    with pytest.raises(ClientError, match="no identity-based policy allows") as caught:
        ana.list_certificate_authorities()
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
    for account in strict.accounts:
        own = strict.client("acm-pca", account=account)
        assert own.list_certificate_authorities()["CertificateAuthorities"] == []


def test_a_client_with_credentials_calls_in_their_account(strict):
    """The journal says with which key; the lab's own policy leaves such calls out."""
    answer = key_of(strict, "ben", "other")
    ben = strict.client("sts", credentials=answer)
    assert ben.get_caller_identity()["Arn"] == "arn:aws:iam::444455556666:user/ben"
    entry = strict.journal.entries[-1]
    assert (entry.account, entry.access_key_id) == ("other", answer["AccessKeyId"])
    assert [each.operation for each in strict.journal.filter(access_key_id="")] == [
        "CreateUser", "CreateAccessKey",
    ]  # fmt: skip
    assert strict.policy("other").actions == ("iam:CreateAccessKey", "iam:CreateUser")
    assert strict.policy(credentials=answer).needs_none == ("sts:GetCallerIdentity",)


def test_a_wrong_secret_opens_nothing_where_policies_decide(strict):
    """Signatures are checked there."""
    wrong = {**key_of(strict, "ana"), "SecretAccessKey": "x" * 40}
    with pytest.raises(ClientError, match="signature we calculated does not match"):
        strict.client("acm-pca", credentials=wrong).list_certificate_authorities()


def test_the_environment_of_a_session_has_its_token(strict):
    """For the aws command line, and where the world is served."""
    sts = strict.client("sts")
    session = sts.get_session_token()["Credentials"]
    found = strict.environment(credentials=session)
    assert found["AWS_SESSION_TOKEN"] == session["SessionToken"]
    assert found["AWS_ACCESS_KEY_ID"] == session["AccessKeyId"]
    with pytest.raises(LabError, match="expected AccessKeyId"):
        strict.environment(credentials={})


def test_a_reusable_policy_leaves_open_what_others_created(strict):
    """A key that the lab made and somebody else uses has another name in the next run."""
    arn = strict.client("kms").create_key()["KeyMetadata"]["Arn"]
    ana = key_of(strict, "ana")
    with pytest.raises(ClientError):
        strict.client("kms", credentials=ana).describe_key(KeyId=arn)
    document = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": {"Effect": "Allow", "Action": "kms:DescribeKey", "Resource": arn},
        }
    )
    strict.client("iam").put_user_policy(UserName="ana", PolicyName="use", PolicyDocument=document)
    strict.client("kms", credentials=ana).describe_key(KeyId=arn)
    (statement,) = strict.policy(credentials=ana).statements
    assert statement["Resource"] == [arn]
    (statement,) = strict.policy(credentials=ana, reusable=True).statements
    assert statement["Resource"] == [f"{arn.rpartition('/')[0]}/*"]
