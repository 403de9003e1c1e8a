"""Two accounts whose policies count, and people in them."""

import json

import pytest
from botocore.exceptions import ClientError

from pkilab import Lab, access_control
from pkilab.access_control import policy

MAIN, OTHER = "111122223333", "444455556666"


class Place:
    """A lab that enforces policies, and short ways to what the tests need."""

    def __init__(self, lab):
        self.lab = lab
        self.alias = {number: name for name, number in lab.accounts.items()}
        self.iam, self.kms = lab.client("iam"), lab.client("kms")

    def client_for(self, service, account, region):
        """Give a client of either account's administrator."""
        return self.lab.client(service, account=self.alias[account], region=region or None)

    def user(self, name, *statements, account="main", **more):
        """Make a user with a policy; return its ARN and access key."""
        iam = self.lab.client("iam", account=account)
        arn = iam.create_user(UserName=name, **more)["User"]["Arn"]
        if statements:
            self.attach(name, *statements, account=account)
        return arn, iam.create_access_key(UserName=name)["AccessKey"]

    def attach(self, name, *statements, account="main", title="Rights"):
        """Give a user an inline policy of these statements."""
        self.lab.client("iam", account=account).put_user_policy(
            UserName=name, PolicyName=title, PolicyDocument=json.dumps(policy(*statements))
        )

    def role(self, name, *statements, trusted=OTHER, account="main", **more):
        """Make a role that an account may assume; return its ARN."""
        iam = self.lab.client("iam", account=account)
        trust = {"Effect": "Allow", "Principal": {"AWS": trusted}, "Action": "sts:AssumeRole"}
        arn = iam.create_role(
            RoleName=name, AssumeRolePolicyDocument=json.dumps(policy(trust)), **more
        )["Role"]["Arn"]
        if statements:
            iam.put_role_policy(
                RoleName=name, PolicyName="Rights", PolicyDocument=json.dumps(policy(*statements))
            )
        return arn

    def key(self, **more):
        """Make a signing key; return its ARN."""
        made = self.kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY", **more)
        return made["KeyMetadata"]["Arn"]

    def sign(self, key_id, credentials):
        """Sign something as somebody."""
        self.lab.client("kms", credentials=credentials).sign(
            KeyId=key_id, Message=b"m", SigningAlgorithm="ECDSA_SHA_256"
        )

    def explain(self, principal, action, resource, **more):
        """Explain, with administrators' clients."""
        return access_control.explain(principal, action, resource, self.client_for, **more)

    def verdict(self, call):
        """Make a call; return what AWS said against it, or None if it was allowed."""
        try:
            call()
        except ClientError as error:
            if not access_control.is_denial(error):
                raise
            return access_control.of_error(error)
        return None

    def organization(self):
        """Put both accounts into an organization; return the client that manages it."""
        manager = self.lab.client("organizations")
        manager.create_organization()
        target = {"Id": OTHER, "Type": "ACCOUNT"}
        invitation = manager.invite_account_to_organization(Target=target)["Handshake"]["Id"]
        member = self.lab.client("organizations", account="other")
        member.accept_handshake(HandshakeId=invitation)
        return manager

    def control(self, content, target=OTHER, kind="SERVICE_CONTROL_POLICY", name="control"):
        """Attach an organization's policy; return its id."""
        manager = self.lab.client("organizations")
        number = manager.create_policy(
            Content=json.dumps(content), Description="", Name=name, Type=kind
        )["Policy"]["PolicySummary"]["Id"]
        manager.attach_policy(PolicyId=number, TargetId=target)
        return number


@pytest.fixture
def place():
    """The lab."""
    accounts = {"main": MAIN, "other": OTHER}
    with Lab.simulated(seed="access", accounts=accounts, enforce_policies=True) as lab:
        yield Place(lab)
