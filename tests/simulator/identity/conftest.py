"""A world's identities, below every service."""

import json

import pytest
from moto.iam.models import iam_backends

OWNER, OTHER = "111122223333", "444455556666"


class People:
    """Makes users and roles in moto, and asks the world's identities about them."""

    def __init__(self, lab):
        gateway = lab._place.gateway
        self.world, self.identities = gateway.world, gateway.identities
        self.clock = lab.clock

    @staticmethod
    def moto(account=OWNER):
        """Return moto's IAM of an account."""
        return iam_backends[account]["aws"]

    def user(self, name="alice", account=OWNER):
        """Make a user with a key; return the key."""
        self.moto(account).create_user("us-east-1", name)
        return self.moto(account).create_access_key(name)

    def role(self, name="signer", account=OWNER, **options):
        """Make a role and return what the directory says of it."""
        settings = {"path": "/", "permissions_boundary": None, "tags": []} | options
        made = self.moto(account).create_role(
            name, "{}", description="", max_session_duration=None, **settings
        )
        return self.identities.role(made.arn)

    def session(self, role, name="me", seconds=3600, **options):
        """Begin a session of a role."""
        return self.identities.start_session(role, name, seconds, **options)


def allow(*actions, resource="*"):
    """Return the text of a policy."""
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def people(lab):
    return People(lab)


@pytest.fixture(name="allow")
def allow_fixture():
    return allow
