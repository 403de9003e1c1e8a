"""Every operation goes by the gate and the trail, moto's too."""

import json

import pytest
from botocore.exceptions import ClientError

from pkilab.simulator.iam.base import _OF_ONESELF
from pkilab.simulator.service import AwsError, service_model

OWNER = "111122223333"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": OWNER}}],
    }
)


class Keeper:
    """A gate and a trail that keep what they hear; the gate refuses what it is told to."""

    def __init__(self, *refused):
        self.refused, self.admitted, self.recorded = refused, [], []

    def admit(self, service, operation, members, call):
        """Keep a call, and refuse it perhaps."""
        self.admitted.append((service, operation, members))
        if operation in self.refused:
            raise AwsError("AccessDenied", "not you", 403)

    def record(self, service, operation, members, call, *, result=None, error=None):
        """Keep how a call ended."""
        self.recorded.append((operation, result, error and error.code))


@pytest.fixture
def keeper(iam, lab):
    """A keeper in the world of a client."""

    def keep(*refused):
        world = lab._place.gateway.world
        world.gate = world.trail = Keeper(*refused)
        return world.gate

    return keep


def refused(call, **members):
    with pytest.raises(ClientError) as caught:
        call(**members)
    return caught.value.response["Error"]["Code"]


def test_an_operation_of_motos_is_admitted_and_recorded_once(iam, keeper):
    """With the members of the model, and what moto answered."""
    kept = keeper()
    iam.create_group(GroupName="g")
    iam.list_groups(PathPrefix="/")
    assert kept.admitted == [
        ("iam", "CreateGroup", {"GroupName": "g"}),
        ("iam", "ListGroups", {"PathPrefix": "/"}),
    ]
    (_, made, _), (operation, found, error) = kept.recorded
    assert made["Group"]["GroupName"] == "g"
    assert (operation, found["Groups"][0]["GroupName"], error) == ("ListGroups", "g", None)


def test_a_refusal_of_motos_is_recorded_with_its_code(iam, keeper):
    """And is answered with it."""
    kept = keeper()
    assert refused(iam.get_role, RoleName="none") == "NoSuchEntity"
    assert kept.recorded == [("GetRole", None, "NoSuchEntity")]


def test_who_may_not_changes_nothing_and_learns_nothing(iam, keeper):
    """A policy that is none is not looked at before the caller is."""
    keeper("CreateRole", "CreatePolicy", "DeleteGroup")
    assert refused(iam.create_policy, PolicyName="p", PolicyDocument="{") == "AccessDenied"
    members = {"RoleName": "r", "AssumeRolePolicyDocument": TRUST}
    assert refused(iam.create_role, **members) == "AccessDenied"
    assert refused(iam.get_role, RoleName="r") == "NoSuchEntity"
    assert refused(iam.delete_group, GroupName="none") == "AccessDenied"


def test_who_means_itself_is_named_at_the_gate(iam, keeper):
    """So that a policy on one's own user applies."""
    kept = keeper()
    iam.create_access_key()
    assert kept.admitted == [("iam", "CreateAccessKey", {"UserName": "learner"})]


def test_what_moto_answers_is_read_by_the_model(iam):
    """Times, lists, policies and flags come through as they were."""
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST, Tags=[{"Key": "a", "Value": "b"}])
    role = iam.get_role(RoleName="r")["Role"]
    assert role["AssumeRolePolicyDocument"] == json.loads(TRUST)
    assert role["CreateDate"].isoformat() == "2026-11-02T09:00:00+00:00"
    assert role["Tags"] == [{"Key": "a", "Value": "b"}]
    assert iam.list_roles()["IsTruncated"] is False
    assert iam.list_role_tags(RoleName="r")["Tags"] == role["Tags"]
    assert iam.get_account_summary()["SummaryMap"]["Roles"] == 1


def test_what_moto_lacks_is_not_simulated(iam):
    """And an operation that IAM lacks is no operation."""
    code = refused(iam.generate_service_last_accessed_details, Arn=f"arn:aws:iam::{OWNER}:user/x")
    assert code == "NotImplemented"


def test_operations_of_oneself_are_operations_with_a_user_name():
    """That may be left out."""
    model = service_model("iam")
    for operation in _OF_ONESELF:
        shape = model.operation_model(operation).input_shape
        assert "UserName" in shape.members
        assert "UserName" not in shape.required_members
