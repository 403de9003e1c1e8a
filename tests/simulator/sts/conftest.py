"""STS asked by boto3, in a world that does not enforce policies and in one that does."""

import json

import pytest

OWNER, CONSUMER = "111122223333", "444455556666"


class Cast:
    """A lab, and whoever is needed in it."""

    def __init__(self, lab):
        self.lab = lab
        self.identities = lab._place.gateway.identities

    def user(self, name="alice"):
        """Make a user; return its key."""
        iam = self.lab.client("iam")
        iam.create_user(UserName=name)
        return iam.create_access_key(UserName=name)["AccessKey"]

    def role(self, name="signer", account="owner", trusts=OWNER, **options):
        """Make a role that trusts an account; return its ARN."""
        statement = {
            "Effect": "Allow",
            "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
            "Principal": {"AWS": trusts},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam = self.lab.client("iam", account=account)
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy, **options)
        return made["Role"]["Arn"]

    def sts(self, credentials=None, **options):
        """Return a client of STS."""
        return self.lab.client("sts", credentials=credentials, **options)

    def assume(self, arn, credentials=None, **members):
        """Assume a role and return the answer."""
        members.setdefault("RoleSessionName", "me")
        return self.sts(credentials).assume_role(RoleArn=arn, **members)

    def context(self, credentials):
        """Return what policies know of whose credentials they are."""
        who = self.identities.caller(credentials["AccessKeyId"], credentials.get("SessionToken"))
        return self.identities.context(who)

    def device(self, user_name="alice"):
        """Give a user an MFA device, and return it."""
        from pkilab.simulator.identity.mfa import Device
        from pkilab.simulator.identity.totp import code_of, step_of

        user = self.identities.directory.user_called(OWNER, user_name)
        device = Device(f"arn:aws:iam::{OWNER}:mfa/phone", "A" * 64)
        now = self.lab.clock.now()
        step = step_of(now)
        assert device.synchronise(code_of(device.seed, step - 1), code_of(device.seed, step), now)
        device.user_id, device.enabled = user.user_id, now
        self.identities.mfa.devices[device.serial_number] = device
        self.lab.clock.advance(seconds=30)
        return device

    def code(self, device):
        """Return what a device shows now."""
        from pkilab.simulator.identity.totp import code_of, step_of

        return code_of(device.seed, step_of(self.lab.clock.now()))


@pytest.fixture
def cast(lab):
    return Cast(lab)
