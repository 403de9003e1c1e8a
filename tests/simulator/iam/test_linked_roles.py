"""Service-linked roles of ACM and RAM."""

import json

import pytest
from botocore.exceptions import ClientError

OWNER = "111122223333"
ACM, ROLE = "acm.amazonaws.com", "AWSServiceRoleForCertificateManager"
POLICY = "arn:aws:iam::aws:policy/aws-service-role/CertificateManagerServiceRolePolicy"


def refused(call, **members):
    with pytest.raises(ClientError) as caught:
        call(**members)
    found = caught.value.response["Error"]
    return found["Code"], found["Message"]


@pytest.mark.parametrize(
    ("service", "name", "policy"),
    [
        (ACM, ROLE, "CertificateManagerServiceRolePolicy"),
        (
            "ram.amazonaws.com", "AWSServiceRoleForResourceAccessManager",
            "AWSResourceAccessManagerServiceRolePolicy",
        ),
    ],
)  # fmt: skip
def test_a_services_role_has_its_name_its_path_and_its_policy(iam, service, name, policy):
    """And trusts the service alone."""
    made = iam.create_service_linked_role(AWSServiceName=service)["Role"]
    assert made["RoleName"] == name
    assert made["Arn"] == f"arn:aws:iam::{OWNER}:role/aws-service-role/{service}/{name}"
    trust = made["AssumeRolePolicyDocument"]["Statement"][0]
    assert trust["Principal"] == {"Service": [service]}
    (attached,) = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    assert attached["PolicyArn"] == f"arn:aws:iam::aws:policy/aws-service-role/{policy}"


def test_a_service_has_one_role(iam):
    """Without a suffix, and once."""
    asked = {"AWSServiceName": ACM}
    assert refused(iam.create_service_linked_role, CustomSuffix="x", **asked) == (
        "InvalidInput", f"Custom suffix is not allowed for {ACM}",
    )  # fmt: skip
    iam.create_service_linked_role(**asked)
    code, message = refused(iam.create_service_linked_role, **asked)
    assert code == "InvalidInput"
    assert message == (
        f"Service role name {ROLE} has been taken in this account, please try a different suffix."
    )


def test_a_services_role_is_not_its_accounts_to_change(iam):
    """It is deleted in a way of its own."""
    iam.create_service_linked_role(AWSServiceName=ACM)
    empty = json.dumps({"Version": "2012-10-17", "Statement": []})
    for call, members in (
        (iam.delete_role, {}),
        (iam.attach_role_policy, {"PolicyArn": POLICY}),
        (iam.detach_role_policy, {"PolicyArn": POLICY}),
        (iam.put_role_policy, {"PolicyName": "p", "PolicyDocument": empty}),
        (iam.update_assume_role_policy, {"PolicyDocument": empty}),
    ):
        code, message = refused(call, RoleName=ROLE, **members)
        assert code == "UnmodifiableEntity"
        assert message == (
            f"Cannot perform the operation on the protected role '{ROLE}' - this role is only "
            "modifiable by AWS"
        )
    task = iam.delete_service_linked_role(RoleName=ROLE)["DeletionTaskId"]
    done = iam.get_service_linked_role_deletion_status(DeletionTaskId=task)
    assert done["Status"] == "SUCCEEDED"
    assert refused(iam.get_role, RoleName=ROLE)[0] == "NoSuchEntity"
    assert refused(iam.delete_service_linked_role, RoleName=ROLE)[0] == "NoSuchEntity"


def test_other_roles_are_changed_as_before(iam):
    """Attached, detached, deleted."""
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": OWNER}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.create_role(RoleName="own", AssumeRolePolicyDocument=document)
    policy = "arn:aws:iam::aws:policy/AWSCertificateManagerReadOnly"
    iam.attach_role_policy(RoleName="own", PolicyArn=policy)
    iam.update_assume_role_policy(RoleName="own", PolicyDocument=document)
    iam.detach_role_policy(RoleName="own", PolicyArn=policy)
    iam.delete_role(RoleName="own")
    assert refused(iam.get_role, RoleName="own")[0] == "NoSuchEntity"


def test_the_roles_of_other_services_are_motos(iam):
    """Only ACM and RAM need theirs here."""
    made = iam.create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com")["Role"]
    assert made["Path"] == "/aws-service-role/autoscaling.amazonaws.com/"
