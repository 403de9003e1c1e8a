"""The role of a task."""

import json

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from pkilab import Lab
from pkilab.container_tls import tasks
from pkilab.errors import LabError

POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "ssm:DescribeParameters", "Resource": "*"}],
}


@pytest.fixture
def lab():
    with Lab.simulated(seed="tasks", enforce_policies=True) as lab:
        yield lab


def test_a_session_of_the_role_may_what_its_policy_says(lab):
    """And nothing else."""
    account = lab.accounts["main"]
    arn = tasks.create_role(lab.client("iam"), "web", POLICY, stand_in=account)
    session = tasks.assume(lab.client("sts"), arn)
    ssm = lab.client("ssm", credentials=session)
    assert ssm.describe_parameters()["Parameters"] == []
    with pytest.raises(ClientError, match="not authorized"):
        ssm.get_parameter(Name="/x")


def test_without_a_stand_in_ecs_alone_assumes_it(lab):
    """It is tried again for a while, and then told."""
    arn = tasks.create_role(lab.client("iam"), "web", POLICY)
    trust = lab.client("iam").get_role(RoleName="web")["Role"]["AssumeRolePolicyDocument"]
    assert trust["Statement"][0]["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
    slept = []
    with pytest.raises(LabError, match=r"0:01:00 for leave to assume .*AssumeRole"):
        tasks.assume(lab.client("sts"), arn, sleep=slept.append)
    assert slept == [2.0] * 30


def test_a_role_that_is_not_trusted_yet_is_tried_again(lab):
    """IAM takes some seconds on AWS."""
    account = lab.accounts["main"]
    iam = lab.client("iam")
    arn = tasks.create_role(iam, "web", POLICY)

    def trust(_):
        statement = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}
        document = {"Version": "2012-10-17", "Statement": [statement]}
        iam.update_assume_role_policy(RoleName="web", PolicyDocument=json.dumps(document))

    assert tasks.assume(lab.client("sts"), arn, sleep=trust)["SessionToken"]


def test_an_error_of_another_kind_is_not_tried_again():
    """Such as a Region that is not enabled."""
    sts = boto3.client(
        "sts", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    slept = []
    with Stubber(sts) as stub:
        stub.add_client_error("assume_role", "RegionDisabledException")
        with pytest.raises(ClientError, match="RegionDisabled"):
            tasks.assume(sts, "arn:aws:iam::111122223333:role/web", sleep=slept.append)
    assert not slept


def test_a_role_that_is_there_is_not_changed(lab):
    """Another task may depend on it."""
    tasks.create_role(lab.client("iam"), "web", POLICY)
    with pytest.raises(ClientError, match="EntityAlreadyExists"):
        tasks.create_role(lab.client("iam"), "web", {**POLICY, "Statement": []})
