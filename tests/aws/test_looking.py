"""An account that is in use is shown and refused, unless it is meant."""

import pytest

from pkilab import Lab, ca_hierarchy
from pkilab.aws.looking import ACTIONS, look
from pkilab.errors import LabError
from pkilab.permissions.authorization import service_data

CA = {"CommonName": "Somebody's Root"}


def test_an_empty_account_is_shown_before_the_first_create(world, aws, capsys):
    """Its number, whoever calls, the Region, the budget and the ledger; once."""
    aws.client("acm-pca").list_certificate_authorities()
    assert capsys.readouterr().err == ""  # a question needs no look
    aws.client("s3").create_bucket(Bucket="first-thing")
    said = capsys.readouterr().err
    assert "account 111122223333, Region us-east-1, as arn:aws:iam::111122223333:user/" in said
    assert "budget 5 USD" in said
    assert str(aws.ledger) in said
    aws.client("s3").create_bucket(Bucket="second-thing")
    assert capsys.readouterr().err == ""


def test_an_account_with_a_ca_of_somebody_else_is_refused_before_anything_is_made(world, aws):
    """The CA is named, and how to confirm."""
    arn = ca_hierarchy.create_root(world.client("acm-pca"), CA)
    with pytest.raises(LabError, match=f"{arn}.*Nothing was made.*PKILAB_CONFIRM=111122223333"):
        aws.client("s3").create_bucket(Bucket="not-here")
    assert world.client("s3").list_buckets()["Buckets"] == []
    with Lab.aws(confirm="444455556666, 111122223333") as meant:
        meant.client("s3").create_bucket(Bucket="meant")
    with pytest.raises(LabError), Lab.aws(confirm="444455556666") as other:
        other.client("s3").create_bucket(Bucket="not-meant")


def test_what_another_run_left_is_nobodys_ca(world, aws):
    """It has the tag of a run; so has what was deleted no say."""
    pca = world.client("acm-pca")
    arn = ca_hierarchy.create_root(pca, CA, Tags=[{"Key": "pkilab:run", "Value": "earlier"}])
    gone = ca_hierarchy.create_root(pca, CA)
    pca.update_certificate_authority(CertificateAuthorityArn=gone, Status="DISABLED")
    pca.delete_certificate_authority(CertificateAuthorityArn=gone)
    aws.client("s3").create_bucket(Bucket="goes-on")
    assert arn != gone


def test_an_alias_that_says_production_and_a_certificate_in_use_are_reasons(world):
    """Each is shown in words, and what may not be looked at as well."""
    iam = world.client("iam")
    iam.create_account_alias(AccountAlias="acme-prod")
    found = look(world.client, "us-east-1")
    assert found.reasons == ("its alias is acme-prod",)
    assert "(acme-prod)" in str(found)
    iam.create_user(UserName="blind")
    key = iam.create_access_key(UserName="blind")["AccessKey"]
    blind = look(lambda service: world.client(service, credentials=key), "us-east-1")
    assert blind.reasons == (
        "its alias could not be looked at (AccessDenied)",
        "private CAs that pkilab did not make could not be looked at (AccessDeniedException)",
        "certificates in use could not be looked at (AccessDeniedException)",
    )


def test_the_actions_of_a_look_exist():
    """They are part of every policy for a run on AWS."""
    for service, action in (each.split(":") for each in ACTIONS):
        assert action in service_data(service)["privileges"]


def test_each_region_is_looked_at_before_its_first_change(world, aws):
    """Private CAs are of one Region: an empty one says nothing of another."""
    ca_hierarchy.create_root(world.client("acm-pca", region="eu-west-1"), CA)
    aws.client("sqs").create_queue(QueueName="here")
    with pytest.raises(LabError, match=r"eu-west-1.*private CAs that pkilab did not make"):
        aws.client("sqs", region="eu-west-1").create_queue(QueueName="there")
    assert "QueueUrls" not in world.client("sqs", region="eu-west-1").list_queues()
