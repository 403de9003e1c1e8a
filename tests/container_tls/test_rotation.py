"""The rotation stack, deployed as it is; its function runs and calls back."""

from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from pkilab import Lab, ca_hierarchy
from pkilab.container_tls import rotation
from pkilab.container_tls.stores import read_secret
from pkilab.errors import LabError
from pkilab.pki.certificates import name_text

BUCKET = "rotation-code"


@pytest.fixture
def lab():
    with Lab.simulated(seed="rotation", enforce_policies=True) as lab:
        lab.client("s3").create_bucket(Bucket=BUCKET)
        yield lab


@pytest.fixture
def root(lab):
    return ca_hierarchy.create_root(
        lab.client("acm-pca"), {"CommonName": "Root"}, key_algorithm="EC_prime256v1"
    )


def deploy(lab, root, secret, **options):
    return rotation.deploy(
        lab.client("cloudformation"), lab.client("s3"), bucket=BUCKET, secret_arn=secret,
        authority_arn=root, **options,
    )  # fmt: skip


def make(lab, *, tags=True, **members):
    """Create a secret without a value."""
    named = [{"Key": "ServerName", "Value": "web.lab"}] if tags else []
    return lab.client("secretsmanager").create_secret(Name="web/tls", Tags=named, **members)["ARN"]


def current(lab):
    found = lab.client("secretsmanager").get_secret_value(SecretId="web/tls")
    return read_secret(found["SecretString"])


def stages(lab):
    found = lab.client("secretsmanager").describe_secret(SecretId="web/tls")
    return sorted(sorted(each) for each in found["VersionIdsToStages"].values())


@pytest.mark.parametrize("own_key", [False, True])
def test_the_stack_brings_a_first_certificate_and_then_others(lab, root, own_key):
    """By its own role, with AWS's key for secrets or one's own."""
    key = lab.client("kms").create_key()["KeyMetadata"]["Arn"] if own_key else ""
    secret = make(lab, **({"KmsKeyId": key} if key else {}))
    function = deploy(lab, root, secret, key_arn=key)
    secrets = lab.client("secretsmanager")
    secrets.rotate_secret(
        SecretId=secret, RotationLambdaARN=function,
        RotationRules={"ScheduleExpression": "rate(15 days)"},
    )  # fmt: skip
    first = current(lab)
    assert name_text(first.certificate, "subject") == "CN=web.lab"
    assert first.certificate.not_valid_after_utc == lab.clock.now() + timedelta(days=30)
    assert first.missing_issuer is None
    lab.clock.advance(days=16)
    second = current(lab)
    assert second.key.public_key() != first.key.public_key()
    assert stages(lab) == [["AWSCURRENT", "AWSPENDING"], ["AWSPREVIOUS"]]
    secrets.rotate_secret(SecretId=secret)
    assert current(lab).certificate != second.certificate


def test_without_a_name_nothing_becomes_current(lab, root):
    """The version waits, and has no value."""
    secret = make(lab, tags=False)
    secrets = lab.client("secretsmanager")
    secrets.rotate_secret(SecretId=secret, RotationLambdaARN=deploy(lab, root, secret))
    assert stages(lab) == [["AWSPENDING"]]
    with pytest.raises(ClientError, match="ResourceNotFound"):
        current(lab)
    secrets.tag_resource(SecretId=secret, Tags=[{"Key": "ServerName", "Value": "web.lab"}])
    with pytest.raises(ClientError, match="reattempted"):
        secrets.rotate_secret(SecretId=secret)
    assert name_text(current(lab).certificate, "subject") == "CN=web.lab"


def test_a_rotation_that_is_refused_leaves_what_was_current(lab, root):
    """The CA is disabled meanwhile."""
    secret = make(lab)
    secrets, pca = lab.client("secretsmanager"), lab.client("acm-pca")
    secrets.rotate_secret(SecretId=secret, RotationLambdaARN=deploy(lab, root, secret))
    first = current(lab)
    pca.update_certificate_authority(CertificateAuthorityArn=root, Status="DISABLED")
    secrets.rotate_secret(SecretId=secret)
    assert current(lab).certificate == first.certificate
    assert stages(lab) == [["AWSCURRENT"], ["AWSPENDING"]]


def test_the_function_is_not_to_be_called_for_another_secret(lab, root):
    """Its permission names one."""
    function = deploy(lab, root, make(lab))
    secrets = lab.client("secretsmanager")
    secrets.create_secret(Name="other", SecretString="x")
    with pytest.raises(ClientError, match="cannot invoke the specified Lambda function"):
        secrets.rotate_secret(SecretId="other", RotationLambdaARN=function)


def test_a_stack_that_cannot_be_made_is_told(lab, root):
    """A key that is none."""
    with pytest.raises((LabError, ClientError)):
        deploy(lab, root, make(lab), key_arn="no key")
