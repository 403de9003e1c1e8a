"""Secrets Manager through boto3, in a simulated lab."""

import json

import pytest
from botocore.exceptions import ClientError

from pkilab import functions

ROTATES = """
import json, os
import boto3

def handler(event, context):
    secrets = boto3.client("secretsmanager")
    whose, token, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
    if step == os.environ.get("FAILS"):
        raise ValueError("no")
    if step == "createSecret":
        current = json.loads(secrets.get_secret_value(SecretId=whose)["SecretString"])
        made = json.dumps({"n": current["n"] + 1, "steps": [step]})
        secrets.put_secret_value(
            SecretId=whose, ClientRequestToken=token, SecretString=made,
            VersionStages=["AWSPENDING"],
        )
    elif step == "testSecret":
        pending = secrets.get_secret_value(
            SecretId=whose, VersionId=token, VersionStage="AWSPENDING"
        )
        assert json.loads(pending["SecretString"])["n"] > 0
    elif step == "finishSecret":
        stages = secrets.describe_secret(SecretId=whose)["VersionIdsToStages"]
        current = next(each for each in stages if "AWSCURRENT" in stages[each])
        secrets.update_secret_version_stage(
            SecretId=whose, VersionStage="AWSCURRENT", MoveToVersionId=token,
            RemoveFromVersionId=current,
        )
"""


class Manager:
    """Secrets Manager, and what it calls."""

    def __init__(self, lab):
        self.lab = lab
        self.client, self.kms = lab.client("secretsmanager"), lab.client("kms")
        self.functions = lab.client("lambda")

    def make(self, name="s", text="v", **members):
        """Create a secret and return its ARN."""
        return self.client.create_secret(Name=name, SecretString=text, **members)["ARN"]

    def get(self, name="s", **members):
        """Return a secret's text."""
        return self.client.get_secret_value(SecretId=name, **members)["SecretString"]

    def stages(self, name="s"):
        """Return the labels of each version."""
        found = self.client.describe_secret(SecretId=name)["VersionIdsToStages"]
        return {key: sorted(each) for key, each in found.items()}

    def rotator(
        self, *, allowed=True, code=ROTATES, name="rotator", statements=None, **environment
    ):
        """Deploy a function that rotates and return its ARN."""
        iam = self.lab.client("iam")
        role = functions.create_role(iam, f"{name}-role")
        if statements:
            policy = {"Version": "2012-10-17", "Statement": statements}
            iam.put_role_policy(
                RoleName=f"{name}-role", PolicyName="p", PolicyDocument=json.dumps(policy)
            )
        archive = functions.package({"index.py": code})
        arn = functions.deploy(
            self.functions, name, archive, role=role, timeout=60, environment=environment
        )
        if allowed:
            self.functions.add_permission(
                FunctionName=name,
                StatementId="secrets",
                Action="lambda:InvokeFunction",
                Principal="secretsmanager.amazonaws.com",
            )
        return arn

    @staticmethod
    def refused(code, call, **members):
        """Call what must be refused; return the message."""
        with pytest.raises(ClientError) as caught:
            call(**members)
        assert caught.value.response["Error"]["Code"] == code, caught.value
        return caught.value.response["Error"]["Message"]


@pytest.fixture
def open_manager():
    """A function that makes a lab's Secrets Manager usable."""
    return Manager


@pytest.fixture
def manager(lab):
    return Manager(lab)
