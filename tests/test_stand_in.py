"""The stand-in for AWS that the tests of a real account's side are held against."""

import os
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import boto3
import nbformat
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from pkilab.simulator.service import HttpRequest
from tests.stand_in import Account, Fault, Plan, run_notebook
from tests.stand_in.bystanders import make_bystanders
from tests.stand_in.calls import call_of
from tests.stand_in.inventory import KINDS, inventory
from tests.stand_in.killing import AFTER, BEFORE, END, compare, killed

ONCE = Config(retries={"total_max_attempts": 1})


@pytest.fixture
def account():
    """A stand-in for two accounts."""
    with Account({"owner": "111122223333", "workload": "444455556666"}) as account:
        yield account


def client(service, **options):
    """A boto3 client as anyone makes it, that tries once; the environment says whose."""
    return boto3.Session(**options).client(service, config=ONCE)


def python(account, program):
    """Run a program in a stand-in's environment, and return what it printed."""
    return subprocess.run(
        [sys.executable, "-c", program], env=account.environment(), check=True,
        capture_output=True, text=True,
    ).stdout.split()  # fmt: skip


def test_an_account_is_reached_by_the_ordinary_configuration(account):
    """The first alias is the default profile, the others are profiles of that name."""
    with account.here():
        assert client("sts").get_caller_identity()["Account"] == "111122223333"
        theirs = client("sts", profile_name="workload").get_caller_identity()
        assert theirs["Account"] == "444455556666"
        with pytest.raises(BotoCoreError, match="owner"):
            client("sts", profile_name="owner")


def test_nothing_of_the_machine_reaches_a_stand_ins_processes(account, monkeypatch):
    """No key, profile, endpoint or proxy that was set before; its own files are private."""
    hostile = {
        "AWS_ACCESS_KEY_ID": "x", "AWS_PROFILE": "production", "AWS_ENDPOINT_URL_S3": "http://x",
        "https_proxy": "http://x", "HTTP_PROXY": "http://x", "PKILAB_DOMAIN": "x.example",
    }  # fmt: skip
    for name, value in hostile.items():
        monkeypatch.setenv(name, value)
    assert not hostile.items() & account.environment().items()
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        assert stat.S_IMODE(Path(account.environment()[name]).stat().st_mode) == 0o600
    before = dict(os.environ)
    with account.here():
        assert "AWS_PROFILE" not in os.environ
    assert dict(os.environ) == before


def test_policies_and_signatures_count(account):
    """A wrong secret is refused, as is a user without policies."""
    with account.here():
        wrong = boto3.Session().client(
            "sts", aws_access_key_id=account.lab_key("owner"), aws_secret_access_key="wrong"
        )
        with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
            wrong.get_caller_identity()
        iam = client("iam")
        iam.create_user(UserName="nobody")
        account.sign_in("owner", iam.create_access_key(UserName="nobody")["AccessKey"])
        with pytest.raises(ClientError, match="AccessDenied"):
            client("s3").list_buckets()


def test_a_process_has_the_worlds_time_and_sleeps_in_it(account):
    """Half an hour passes in the world and for the process, and not for who waits for it."""
    begun = account.lab.clock.now()
    program = (
        "import time; from datetime import datetime, UTC\n"
        "def say(): print(datetime.now(UTC).isoformat(), time.time())\n"
        "say(); time.sleep(1800); say()"
    )
    found = python(account, program)
    after = begun + timedelta(minutes=30)
    assert found == [begun.isoformat(), str(begun.timestamp()),
                     after.isoformat(), str(after.timestamp())]  # fmt: skip
    assert account.lab.clock.now() == after


def test_a_short_sleep_and_the_monotonic_clock_are_real(account):
    """Event loops, locks and sockets go by them; the world's time stands still meanwhile."""
    begun = account.lab.clock.now()
    program = (
        "import asyncio, threading, time\n"
        "m = time.monotonic(); time.sleep(0.02); print(time.monotonic() - m >= 0.02)\n"
        "asyncio.run(asyncio.sleep(0.01)); print(threading.Event().wait(0.01))\n"
    )
    assert python(account, program) == ["True", "False"]
    assert account.lab.clock.now() == begun


def test_only_who_knows_the_token_makes_time_pass(account):
    """The socket is open to everybody on this machine."""
    begun = account.lab.clock.now()
    environment = account.environment()
    host, port, _ = environment["PKILAB_STAND_IN"].split(":")
    environment["PKILAB_STAND_IN"] = f"{host}:{port}:{'0' * 32}"
    refused = subprocess.run(
        [sys.executable, "-c", "import time; time.sleep(1)"], env=environment, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    assert "Error in sitecustomize" in refused.stderr
    assert account.lab.clock.now() == begun


def test_work_falls_due_while_a_process_sleeps():
    """A CA is made while somebody waits for it by boto3's own waiter."""
    with Account(latency=timedelta(minutes=2)) as account:
        program = (
            "from pkilab import Lab, ca_hierarchy\n"
            "with Lab.from_env() as lab:\n"
            "    pca = lab.client('acm-pca')\n"
            "    print(ca_hierarchy.create_ca(pca, {'CommonName': 'Slow'}, kind='ROOT'))\n"
        )
        (arn,) = python(account, program)
        pca = account.lab.client("acm-pca")
        made = pca.describe_certificate_authority(CertificateAuthorityArn=arn)
        assert made["CertificateAuthority"]["Status"] == "PENDING_CERTIFICATE"
        assert account.lab.clock.now() >= datetime(2026, 11, 2, 9, 2, tzinfo=UTC)


def notebook(folder, *cells):
    """Write a notebook of code cells."""
    path = folder / "01_small.ipynb"
    made = [
        nbformat.v4.new_code_cell(source, id=f"cell-{number}")
        for number, source in enumerate(cells)
    ]
    path.write_text(nbformat.writes(nbformat.v4.new_notebook(cells=made)), encoding="utf-8")
    return path


def test_a_notebook_makes_the_same_calls_in_both_modes(tmp_path):
    """Which cell made each is known; its ledger is on disk on AWS, and there is none otherwise."""
    path = notebook(
        tmp_path,
        "from pkilab import Lab\nlab = Lab.from_env(accounts={'a': '111122223333', 'b': "
        "'444455556666'})\ns3 = lab.client('s3')",
        "import threading, time\nbegun = lab.clock.now()\n"
        "threading.Event().wait(1.2)  # the kernel's own threads sleep a second at a time\n"
        "assert lab.clock.now() == begun\ntime.sleep(3600 if lab.mode == 'aws' else 0)\n"
        "assert lab.mode == 'simulated' or (lab.clock.now() - begun).total_seconds() == 3600",
        "s3.create_bucket(Bucket='made-by-a-notebook')\n"
        "lab.client('sqs', account='b').create_queue(QueueName='made')",
        "from pkilab import show\nwith show.refused('NoSuchBucket'):\n"
        "    s3.get_bucket_policy(Bucket='not-there')\nlab.clean_up()",
    )
    aws, simulated = run_notebook(path), run_notebook(path, mode="simulated")
    assert aws.executed.failure is None
    assert simulated.executed.failure is None
    assert aws.sequence(changes=True) == simulated.sequence(changes=True)
    assert aws.sequence()[:3] == [
        ("a", "s3", "CreateBucket", "ok"),
        ("b", "sqs", "CreateQueue", "ok"),
        ("a", "s3", "GetBucketPolicy", "NoSuchBucket"),
    ]
    assert [each.cell for each in aws.calls[:3]] == [3, 3, 4]
    assert simulated.ledger is None
    assert aws.record is not None
    assert {each.operation for each in aws.record.entries} >= {"CreateBucket", "CreateQueue"}


def test_a_cell_for_the_simulated_lab_alone_is_told_apart(tmp_path):
    """Its calls are not of the sequence that both modes share."""
    path = notebook(
        tmp_path,
        "from pkilab import Lab\nlab = Lab.from_env()\nsts = lab.client('sts')",
        "# simulated only\nsts.get_caller_identity()",
        "sts.get_caller_identity()",
    )
    found = run_notebook(path, mode="simulated")
    assert [(each.cell, each.marked) for each in found.calls] == [(2, True), (3, False)]
    assert len(found.sequence()) == 1


# What goes wrong.


@pytest.mark.parametrize(
    ("fault", "said", "there"),
    [
        (Fault.THROTTLED, "SlowDown", False),
        (Fault.FAILED_BEFORE, "InternalError", False),
        (Fault.FAILED_AFTER, "InternalError", True),
        (Fault.DROPPED_BEFORE, "Connection", False),
        (Fault.DROPPED_AFTER, "Connection", True),
        (Fault.EXPIRED, "ExpiredToken", False),
    ],
)
def test_each_fault_is_seen_by_the_client_and_by_the_world(account, fault, said, there):
    """What the client is told, and whether the bucket is there all the same."""
    account.relay.plan = Plan(operations={"CreateBucket": fault})
    with account.here():
        s3 = client("s3")
        with pytest.raises((ClientError, BotoCoreError), match=said):
            s3.create_bucket(Bucket="wanted")
        held = [each["Name"] for each in s3.list_buckets()["Buckets"]]
        assert held == (["wanted"] if there else [])
    assert [each[1] for each in account.relay.plan.happened] == [fault]


@pytest.mark.parametrize(
    ("service", "operation", "code", "status"),
    [
        ("acm-pca", "list_certificate_authorities", "ThrottlingException", 400),
        ("iam", "list_users", "Throttling", 400),
        ("lambda", "list_functions", "TooManyRequestsException", 429),
        ("route53", "list_hosted_zones", "Throttling", 400),
        ("sqs", "list_queues", "ThrottlingException", 400),
        ("s3", "list_buckets", "SlowDown", 503),
    ],
)
def test_throttling_is_said_in_the_services_own_words(account, service, operation, code, status):
    """By boto3's own parser of each protocol."""
    account.relay.plan = Plan(chances={Fault.THROTTLED: 1.0})
    with account.here(), pytest.raises(ClientError) as refused:
        getattr(client(service), operation)()
    assert refused.value.response["Error"]["Code"] == code
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_a_seed_repeats_its_faults_and_another_does_not(account):
    """Which call meets which is a matter of the seed alone."""

    def happened(seed):
        account.relay.plan = Plan(
            chances={Fault.THROTTLED: 0.3, Fault.FAILED_BEFORE: 0.2}, seed=seed
        )
        found = []
        for _ in range(30):
            try:
                s3.list_buckets()
                found.append("ok")
            except ClientError as error:
                found.append(error.response["Error"]["Code"])
        return found

    with account.here():
        s3 = client("s3")
        assert happened(1) == happened(1)
        assert happened(1) != happened(2)
        assert {*happened(1)} == {"ok", "SlowDown", "InternalError"}


def test_credentials_expire_and_are_renewed_by_the_next_login(account):
    """From the third call on the old key is refused, and the one written after that is not."""
    account.relay.plan = Plan(expire_from=3)
    with account.here():
        old = client("s3")
        old.list_buckets()
        old.list_buckets()
        for _ in range(2):
            with pytest.raises(ClientError, match="ExpiredToken"):
                old.list_buckets()
        with pytest.raises(ClientError, match="ExpiredTokenException"):
            client("kms").list_keys()
        account.renew()
        client("s3").list_buckets()
        client("kms").list_keys()


def test_a_connection_takes_many_requests_and_large_bodies(account):
    """Keep-alive, an upload of two megabytes and an answer without a body."""
    with account.here():
        s3 = client("s3")
        s3.create_bucket(Bucket="large")
        body = os.urandom(2_000_000)
        s3.put_object(Bucket="large", Key="a key/with ümlauts", Body=body)
        head = s3.head_object(Bucket="large", Key="a key/with ümlauts")
        assert head["ContentLength"] == len(body)
        assert s3.get_object(Bucket="large", Key="a key/with ümlauts")["Body"].read() == body
        s3.delete_object(Bucket="large", Key="a key/with ümlauts")


def test_each_request_is_known_by_its_operation(account):
    """In all five protocols, and by what it changes."""
    with account.here():
        client("acm-pca").list_certificate_authorities()
        client("iam").create_user(UserName="ana")
        client("lambda").list_functions()
        client("apigatewayv2").create_api(Name="lab", ProtocolType="HTTP")
        client("apigateway").get_rest_apis()
        client("route53").create_hosted_zone(Name="a.example", CallerReference="1")
        client("s3").create_bucket(Bucket="known-by-name")
        client("s3").put_bucket_versioning(
            Bucket="known-by-name", VersioningConfiguration={"Status": "Enabled"}
        )
        client("resourcegroupstaggingapi").get_resources()
    found = [(each.service, each.operation, each.changes) for each in account.relay.calls]
    assert found == [
        ("acm-pca", "ListCertificateAuthorities", False),
        ("iam", "CreateUser", True),
        ("lambda", "ListFunctions", False),
        ("apigatewayv2", "CreateApi", True),
        ("apigateway", "GetRestApis", False),
        ("route53", "CreateHostedZone", True),
        ("s3", "CreateBucket", True),
        ("s3", "PutBucketVersioning", True),
        ("resourcegroupstaggingapi", "GetResources", False),
    ]


def test_what_nobody_signed_is_no_call(account):
    """A CRL is fetched past every plan."""
    account.relay.plan = Plan(chances={Fault.DROPPED_BEFORE: 1.0})
    request = HttpRequest("GET", "http://bucket.s3.amazonaws.com/crl/1.crl", {"host": "x"}, b"")
    assert call_of(request, 1) is None
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{account.relay.url}/not-there/key")  # noqa: S310 - http
    assert refused.value.code == 403
    refused.value.close()
    assert account.relay.calls == []


def test_who_prepares_is_not_throttled_and_the_run_is():
    """Request rates count for clients alone."""
    with Account(enforce_quotas=True) as account, account.here():
        with account.unhurried():
            make_bystanders(account.lab)
        pca = client("acm-pca")
        nowhere = "arn:aws:acm-pca:us-east-1:111122223333:certificate-authority/" + str(UUID(int=0))
        for code in ("ResourceNotFoundException", "ThrottlingException"):  # one a second
            with pytest.raises(ClientError, match=code):
                pca.delete_permission(
                    CertificateAuthorityArn=nowhere, Principal="acm.amazonaws.com"
                )


# What is there, and what would be left.


def test_an_inventory_sees_every_kind_that_bystanders_have(account):
    """Looking changes nothing. What switches something on in an account is not among them."""
    make_bystanders(account.lab)
    found = inventory(account.lab)
    for number in account.accounts.values():
        kinds = {thing[2] for thing in found if thing[0] == number}
        assert set(KINDS) - kinds == {
            "MFA device", "RAM permission", "Security Hub", "domain name", "organization", "trail",
        }  # fmt: skip
    assert compare(found, inventory(account.lab)) == ((), ())


def test_an_inventory_tells_what_is_new_changed_or_gone(account):
    """One of each."""
    make_bystanders(account.lab)
    before = inventory(account.lab)
    s3, iam = account.lab.client("s3"), account.lab.client("iam", account="workload")
    s3.create_bucket(Bucket="new")
    s3.put_object(Bucket="lab-pki-111122223333-theirs", Key="crl/theirs.crl", Body=b"other")
    iam.delete_role_policy(RoleName="lab-theirs", PolicyName="theirs")
    iam.delete_role(RoleName="lab-theirs")
    assert compare(before, inventory(account.lab)) == (
        ("bucket new",),
        ("bucket lab-pki-111122223333-theirs is changed", "role lab-theirs is gone"),
    )


def test_a_kill_is_tried_before_and_after_every_change(account):
    """A run that leaves nothing: all moments are good, and the run itself goes on undisturbed."""
    with killed(account) as kills, account.here():
        s3 = client("s3")
        s3.list_buckets()
        s3.create_bucket(Bucket="short-lived")
        s3.delete_bucket(Bucket="short-lived")
    moments = [(each.call.partition(" ")[2], each.moment) for each in kills.verdicts]
    assert moments == [
        ("s3:CreateBucket", BEFORE), ("s3:CreateBucket", AFTER),
        ("s3:DeleteBucket", BEFORE), ("s3:DeleteBucket", AFTER), ("", END),
    ]  # fmt: skip
    assert [each.good for each in kills.verdicts] == [True, False, False, True, True]
    # There is no ledger, for no lab made these calls: nothing can be cleaned up.
    assert kills.verdicts[1].left == ("bucket short-lived",)


def test_a_kill_sees_a_bystander_that_comes_to_harm(account):
    """The partner: whose bucket was emptied is told."""
    make_bystanders(account.lab)
    with killed(account) as kills, account.here():
        client("s3").delete_object(Bucket="lab-pki-111122223333-theirs", Key="crl/theirs.crl")
    harmed = [each.harmed for each in kills.verdicts]
    gone = ("bucket lab-pki-111122223333-theirs is changed",)
    assert harmed == [(), gone, gone]


def test_a_child_that_breaks_is_a_bad_verdict(account, monkeypatch):
    """Silence is not taken for consent."""
    monkeypatch.setattr("tests.stand_in.killing.compare", lambda *_: 1 / 0)
    with killed(account) as kills:
        pass
    (verdict,) = kills.verdicts
    assert "ZeroDivisionError" in verdict.trouble
    assert not verdict.good


def test_a_child_leaves_the_parents_functions_alone(account):
    """One that is warm when the process forks answers after it, from the same environment."""
    make_bystanders(account.lab)
    functions = account.lab.client("lambda")

    def ask():
        answer = functions.invoke(FunctionName="lab-theirs", LogType="Tail")
        return answer["Payload"].read(), b64decode(answer["LogResult"])

    assert b"Init Duration" in ask()[1]
    with killed(account) as kills, account.here():
        client("lambda").invoke(FunctionName="lab-theirs")
    assert [each.trouble for each in kills.verdicts] == [""] * 3
    payload, log = ask()
    assert payload == b'"theirs"'
    assert b"Init Duration" not in log
