"""A run on AWS: its ledger, its addresses, its clock."""

import stat
from datetime import UTC, datetime, timedelta

import pytest

from pkilab import Lab, ca_hierarchy, ledger
from pkilab.errors import LabError
from tests.aws.test_calls import self_signed


def test_every_change_is_in_the_ledger_before_it_is_sent(world, aws):
    """The intent is on disk when the request leaves; the answer follows it."""
    seen = []
    s3 = aws.client("s3")
    s3.meta.events.register(
        "before-send", lambda **_: seen.append(ledger.read(aws.ledger).unanswered) and None
    )
    s3.create_bucket(Bucket="intended")
    ((intent,),) = seen
    assert (intent.operation, intent.parameters) == ("CreateBucket", {"Bucket": "intended"})
    record = ledger.read(aws.ledger)
    assert record.unanswered == ()
    assert record.entries[-1] == aws.journal.entries[-1]
    assert record.run == aws.run
    assert record.accounts == {"main": "111122223333"}


def test_a_ledger_has_the_calls_of_before_the_first_change_too(aws):
    """And nobody but its owner can read it."""
    assert aws.ledger is None
    aws.client("s3").list_buckets()
    aws.client("s3").create_bucket(Bucket="later")
    operations = [each.operation for each in ledger.read(aws.ledger).entries]
    assert operations == ["ListBuckets", "CreateBucket"]
    assert stat.S_IMODE(aws.ledger.stat().st_mode) == 0o600


def test_a_run_leaves_no_key_in_its_ledger(aws):
    """Neither by name nor by form."""
    acm_key = aws.generate_key("secret")
    aws.client("acm").import_certificate(**self_signed(acm_key, aws.clock.now()))
    aws.client("secretsmanager").create_secret(Name="s", SecretString="hush-hush")
    said = aws.ledger.read_text()
    assert "PRIVATE KEY" not in said
    assert "hush-hush" not in said
    assert "$withheld" in said


def test_without_a_region_there_is_no_lab(world, tmp_path):
    (tmp_path / "config").write_text("")
    with pytest.raises(LabError, match="no AWS Region is configured"):
        Lab.aws()


def test_a_url_is_fetched_from_what_stands_for_aws(world, aws):
    """The CRL of a CA, by the URL in a certificate; a host that is not there says so."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="lists")
    ca_hierarchy.admit_private_ca(s3, "lists", account="111122223333")
    ca_hierarchy.open_crls(s3, "lists")
    revocation = {
        "CrlConfiguration": {
            "Enabled": True,
            "ExpirationInDays": 7,
            "S3BucketName": "lists",
            "S3ObjectAcl": "BUCKET_OWNER_FULL_CONTROL",
        }
    }
    root = ca_hierarchy.create_root(
        aws.client("acm-pca"), {"CommonName": "Lists"}, RevocationConfiguration=revocation
    )
    url = f"http://lists.s3.us-east-1.amazonaws.com/crl/{root.rpartition('/')[2]}.crl"
    assert aws.fetch(url).status == 200
    assert aws.fetch("http://lists.s3.us-east-1.amazonaws.com/crl/none.crl").status in (403, 404)


def test_where_apis_and_names_are_met(monkeypatch, aws):
    """The target itself and the system's resolver, unless a served lab stands for them."""
    assert aws.tls_address("d-1.example.com") == "d-1.example.com:443"
    assert aws.dns_server() is None
    monkeypatch.setenv("PKILAB_TLS", "127.0.0.1:5443")
    monkeypatch.setenv("PKILAB_DNS", "127.0.0.1:5300")
    assert aws.tls_address("d-1.example.com") == "127.0.0.1:5443"
    assert aws.dns_server() == "127.0.0.1:5300"
    with pytest.raises(LabError, match="handshakes"):
        _ = aws.handshakes


def test_waiting_takes_time_and_shows_it(monkeypatch, aws, capsys):
    """The pauses are the machine's; the lab says how long it has waited, and when it gives up."""
    slept = []
    monkeypatch.setattr("time.sleep", slept.append)
    answers = iter([None, None, "there"])
    assert aws.wait("a list", lambda: next(answers), at_most=timedelta(minutes=1)) == "there"
    assert slept == [10, 10]
    assert "waiting for a list: 0:00:10 of at most 0:01:00" in capsys.readouterr().err
    with pytest.raises(LabError, match="waited 0:00:20 for nothing"):
        aws.wait("nothing", lambda: None, at_most=timedelta(seconds=20))


def test_prices_that_are_old_or_of_elsewhere_are_named(world, capsys):
    """Before anything is made."""
    with Lab.aws(region="eu-west-3", budget_usd=1) as lab:
        lab.client("s3").create_bucket(
            Bucket="far", CreateBucketConfiguration={"LocationConstraint": "eu-west-3"}
        )
    assert "Prices of eu-west-3 are not known" in capsys.readouterr().err


def test_what_has_been_made_is_deleted_at_the_end(world, aws):
    """And a bucket of somebody else stays."""
    world.client("s3").create_bucket(Bucket="of-somebody-else")
    aws.client("s3").create_bucket(Bucket="of-the-run")
    root = ca_hierarchy.create_root(aws.client("acm-pca"), {"CommonName": "Gone"})
    cleaned = aws.clean_up()
    assert not cleaned.left
    assert [each["Name"] for each in world.client("s3").list_buckets()["Buckets"]] == [
        "of-somebody-else"
    ]
    described = world.client("acm-pca").describe_certificate_authority(CertificateAuthorityArn=root)
    assert described["CertificateAuthority"]["Status"] == "DELETED"


def test_a_lab_on_aws_shows_its_run(aws):
    assert aws.run in repr(aws)
    assert datetime.strptime(aws.run[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC) <= aws.clock.now()


TRUST = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",'
    ' "Principal": {"Service": "lambda.amazonaws.com"}}]}'
)


def test_what_somebody_made_anew_by_the_same_name_is_left(world, aws):
    """A role of another run, a parameter, a log group, and an alias that leads to their key."""
    iam, ssm, logs, kms = (world.client(each) for each in ("iam", "ssm", "logs", "kms"))
    aws.client("iam").create_role(RoleName="app", AssumeRolePolicyDocument=TRUST)
    aws.client("ssm").put_parameter(Name="/p", Value="x", Type="String")
    aws.client("logs").create_log_group(logGroupName="g")
    key = aws.client("kms").create_key()["KeyMetadata"]["KeyId"]
    aws.client("kms").create_alias(AliasName="alias/al", TargetKeyId=key)
    other = [{"Key": "pkilab:run", "Value": "other"}]
    iam.delete_role(RoleName="app")
    iam.create_role(RoleName="app", AssumeRolePolicyDocument=TRUST, Tags=other)
    ssm.delete_parameter(Name="/p")
    ssm.put_parameter(Name="/p", Value="theirs", Type="String")
    logs.delete_log_group(logGroupName="g")
    logs.create_log_group(logGroupName="g")
    theirs = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.update_alias(AliasName="alias/al", TargetKeyId=theirs)
    cleaned = aws.clean_up()
    assert sorted(each.resource.arn.rpartition(":")[2] for each in cleaned.left) == [
        "alias/al",
        "g",
        "parameter/p",
        "role/app",
    ]
    assert [each.resource.kind for each in cleaned.removed] == ["KMS key"]
    assert ssm.get_parameter(Name="/p")["Parameter"]["Value"] == "theirs"
    assert iam.get_role(RoleName="app")["Role"]["RoleName"] == "app"


def test_hidden_parameters_of_a_stack_are_not_in_the_ledger(aws):
    """Where a template has NoEcho, or is not shown."""
    body = (
        "Parameters: {Word: {Type: String, NoEcho: true}}\n"
        "Resources: {G: {Type: 'AWS::Logs::LogGroup'}}"
    )
    word = [{"ParameterKey": "Word", "ParameterValue": "HUNTER2"}]
    aws.client("cloudformation").create_stack(
        StackName="hidden", TemplateBody=body, Parameters=word
    )
    assert "HUNTER2" not in aws.ledger.read_text()
    assert '"Word"' in aws.ledger.read_text()
