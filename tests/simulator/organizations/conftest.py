"""AWS Organizations driven operation by operation, below any transport."""

import json

import pytest

from pkilab.simulator.organizations.service import Organizations
from pkilab.simulator.service import AwsError, Call, service_model
from pkilab.simulator.world import World

ACCOUNTS = {
    "management": "111122223333",
    "prod": "222233334444",
    "dev": "333344445555",
    "other": "444455556666",
}
GENERIC = {"ValidationException", "SerializationException", "NotImplemented"}


class Driver:
    """AWS Organizations in a world of its own. Every error it answers must be in AWS's model."""

    def __init__(self, seed="organizations", accounts=None):
        self.world = World(seed=seed, accounts=accounts or ACCOUNTS)
        self.service = Organizations(self.world)

    def __call__(self, operation, account="management", **members):
        """Call an operation as an account, which is named by its alias."""
        number = self.world.accounts[account]
        with self.world.turn():
            now = self.world.clock.now()
            call = Call(number, "us-east-1", now, f"arn:aws:iam::{number}:user/someone")
            try:
                return self.service.invoke(operation, json.dumps(members).encode(), call)
            except AwsError as error:
                shapes = service_model("organizations").operation_model(operation).error_shapes
                assert error.code in {shape.name for shape in shapes} | GENERIC, (operation, error)
                if reason := error.members.get("Reason"):
                    shape = service_model("organizations").shape_for(error.code)
                    assert reason in shape.members["Reason"].metadata["enum"]
                raise

    def refused(self, code, operation, account="management", **members):
        """Call an operation that must be refused with ``code``; return reason, or message."""
        with pytest.raises(AwsError) as caught:
            self(operation, account, **members)
        assert caught.value.code == code, caught.value
        return caught.value.members.get("Reason", caught.value.message)

    @property
    def root(self):
        """The root's id."""
        return self("ListRoots")["Roots"][0]["Id"]

    def join(self, *aliases):
        """Bring accounts into the organization."""
        for alias in aliases:
            target = {"Type": "ACCOUNT", "Id": self.world.accounts[alias]}
            invitation = self("InviteAccountToOrganization", Target=target)["Handshake"]["Id"]
            self("AcceptHandshake", alias, HandshakeId=invitation)

    def unit(self, name="Workloads", parent=None):
        """Make an organizational unit and return its id."""
        made = self("CreateOrganizationalUnit", ParentId=parent or self.root, Name=name)
        return made["OrganizationalUnit"]["Id"]

    def move(self, alias, destination):
        """Move an account."""
        account = self.world.accounts[alias]
        source = self("ListParents", ChildId=account)["Parents"][0]["Id"]
        self(
            "MoveAccount",
            AccountId=account,
            SourceParentId=source,
            DestinationParentId=destination,
        )

    def policy(self, name, content, kind="SERVICE_CONTROL_POLICY"):
        """Make a policy and return its id."""
        made = self(
            "CreatePolicy", Name=name, Description=name, Type=kind, Content=json.dumps(content)
        )
        return made["Policy"]["PolicySummary"]["Id"]


@pytest.fixture
def open_orgs():
    """A function that opens the service with options, one after another."""
    opened = []

    def open_one(**options):
        if opened:
            opened.pop().world.close()
        opened.append(Driver(**options))
        return opened[0]

    yield open_one
    for one in opened:
        one.world.close()


@pytest.fixture
def bare(open_orgs):
    """Four accounts and no organization."""
    return open_orgs()


@pytest.fixture
def orgs(bare):
    """An organization of three accounts; the fourth stands alone."""
    bare("CreateOrganization")
    bare.join("prod", "dev")
    return bare
