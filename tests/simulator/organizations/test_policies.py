import json

import pytest

from pkilab.iam import Policies, Principal, Request, decide, read_policy
from pkilab.simulator.organizations import documents

MANAGEMENT, PROD, DEV = "111122223333", "222233334444", "333344445555"
SCP, RCP = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"
DENY_SIGN = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Action": "kms:Sign", "Resource": "*"}],
}
DENY_OUTSIDE = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "kms:*",
            "Resource": "*",
            "Condition": {"StringNotEquals": {"aws:PrincipalAccount": PROD}},
        }
    ],
}


def attached(orgs, target, kind=SCP):
    found = orgs("ListPoliciesForTarget", TargetId=target, Filter=kind)["Policies"]
    return [each["Id"] for each in found]


def may_sign(orgs, account):
    """Decide for an administrator of an account, by the engine, with the account's controls."""
    user = Principal("user", f"arn:aws:iam::{account}:user/admin", account)
    allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    everything = read_policy({"Version": "2012-10-17", "Statement": [allow]}, kind="identity")
    service_control, resource_control = orgs.service.controls(account)
    policies = Policies(
        identity=(everything,),
        service_control=service_control,
        resource_control=resource_control,
    )
    context = {"aws:principalaccount": account}
    request = Request(user, "kms:Sign", f"arn:aws:kms:us-east-1:{account}:key/k", account, context)
    return decide(request, policies)


def test_full_access_is_on_everything_that_there_is_and_comes(orgs):
    """Root, units and accounts have FullAWSAccess from the start."""
    unit = orgs.unit()
    for target in (orgs.root, unit, MANAGEMENT, PROD):
        assert attached(orgs, target) == ["p-FullAWSAccess"]
    targets = orgs("ListTargetsForPolicy", PolicyId="p-FullAWSAccess")["Targets"]
    assert [(each["Type"], each["Name"]) for each in targets] == [
        ("ROOT", "Root"),
        ("ACCOUNT", "management"),
        ("ACCOUNT", "prod"),
        ("ACCOUNT", "dev"),
        ("ORGANIZATIONAL_UNIT", "Workloads"),
    ]
    described = orgs("DescribePolicy", PolicyId="p-FullAWSAccess")["Policy"]
    assert described["PolicySummary"]["AwsManaged"] is True
    assert described["PolicySummary"]["Arn"] == (
        "arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess"
    )
    assert json.loads(described["Content"])["Statement"] == [
        {"Effect": "Allow", "Action": "*", "Resource": "*"}
    ]


def test_an_scp_on_a_unit_binds_the_accounts_in_it_and_never_the_management_account(orgs):
    """The engine's verdict follows where the account is."""
    unit = orgs.unit()
    policy = orgs.policy("NoSigning", DENY_SIGN)
    orgs("AttachPolicy", PolicyId=policy, TargetId=unit)
    assert may_sign(orgs, PROD).allowed
    orgs.move("prod", unit)
    decision = may_sign(orgs, PROD)
    assert decision.effect == "explicitDeny"
    assert decision.kind == "service control"
    assert may_sign(orgs, DEV).allowed
    orgs.move("management", unit)
    assert orgs.service.controls(MANAGEMENT) == ((), ())
    orgs("DetachPolicy", PolicyId=policy, TargetId=unit)
    assert may_sign(orgs, PROD).allowed


def test_controls_are_one_tuple_of_policies_for_each_level(orgs):
    """Root, units on the way, account; nothing outside an organization or with the type off."""
    outer = orgs.unit("outer")
    inner = orgs.unit("inner", outer)
    orgs.move("prod", inner)
    policy = orgs.policy("NoSigning", DENY_SIGN)
    orgs("AttachPolicy", PolicyId=policy, TargetId=inner)
    service_control, resource_control = orgs.service.controls(PROD)
    assert [len(level) for level in service_control] == [1, 1, 2, 1]
    assert service_control[2][1].name.endswith(f"/service_control_policy/{policy}")
    assert resource_control == ()
    assert orgs.service.controls("444455556666") == ((), ())
    orgs("DisablePolicyType", RootId=orgs.root, PolicyType=SCP)
    assert orgs.service.controls(PROD) == ((), ())


def test_an_allow_list_replaces_full_access_and_one_scp_always_stays(orgs):
    """The last SCP cannot be detached: the replacement comes first."""
    detach = {"PolicyId": "p-FullAWSAccess", "TargetId": PROD}
    reason = orgs.refused("ConstraintViolationException", "DetachPolicy", **detach)
    assert reason == "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED"
    allow = {"Effect": "Allow", "Action": "acm-pca:*", "Resource": "*"}
    policy = orgs.policy("OnlyPca", {"Version": "2012-10-17", "Statement": [allow]})
    orgs("AttachPolicy", PolicyId=policy, TargetId=PROD)
    assert may_sign(orgs, PROD).allowed
    orgs("DetachPolicy", **detach)
    assert may_sign(orgs, PROD).effect == "implicitDeny"
    orgs.refused("PolicyNotAttachedException", "DetachPolicy", **detach)


def test_rcps_bind_an_accounts_resources_once_their_type_is_enabled(orgs):
    """RCPFullAWSAccess comes with the type and cannot be detached."""
    policy = orgs.policy("Perimeter", DENY_OUTSIDE, RCP)
    attach = {"PolicyId": policy, "TargetId": orgs.root}
    orgs.refused("PolicyTypeNotEnabledException", "AttachPolicy", **attach)
    enabled = orgs("EnablePolicyType", RootId=orgs.root, PolicyType=RCP)["Root"]
    assert [each["Type"] for each in enabled["PolicyTypes"]] == [SCP, RCP]
    assert attached(orgs, DEV, RCP) == ["p-RCPFullAWSAccess"]
    reason = orgs.refused(
        "InvalidInputException", "DetachPolicy", PolicyId="p-RCPFullAWSAccess", TargetId=DEV
    )
    assert reason == "NON_DETACHABLE_POLICY"
    orgs("AttachPolicy", **attach)
    assert may_sign(orgs, PROD).allowed
    decision = may_sign(orgs, DEV)
    assert (decision.effect, decision.kind) == ("explicitDeny", "resource control")
    assert orgs.service.controls(MANAGEMENT) == ((), ())


def test_disabling_a_type_detaches_its_policies_for_good(orgs):
    """Enabled again, only AWS's own is attached; the policies themselves are still there."""
    policy = orgs.policy("NoSigning", DENY_SIGN)
    orgs("AttachPolicy", PolicyId=policy, TargetId=PROD)
    root = {"RootId": orgs.root, "PolicyType": SCP}
    orgs.refused("PolicyTypeAlreadyEnabledException", "EnablePolicyType", **root)
    orgs("DisablePolicyType", **root)
    orgs.refused("PolicyTypeNotEnabledException", "DisablePolicyType", **root)
    assert attached(orgs, PROD) == []
    orgs("EnablePolicyType", **root)
    assert attached(orgs, PROD) == ["p-FullAWSAccess"]
    listed = orgs("ListPolicies", Filter=SCP)["Policies"]
    assert [each["Id"] for each in listed] == ["p-FullAWSAccess", policy]
    orgs.refused("RootNotFoundException", "EnablePolicyType", RootId="r-none", PolicyType=SCP)


def test_a_policy_is_attached_once_and_ten_scps_or_five_rcps_at_most(orgs):
    """The quotas of 2026, AWS's own policies included."""
    orgs("EnablePolicyType", RootId=orgs.root, PolicyType=RCP)
    for kind, content, most in ((SCP, DENY_SIGN, 10), (RCP, DENY_OUTSIDE, 5)):
        names = [orgs.policy(f"{kind} {number}", content, kind) for number in range(most)]
        for name in names[:-1]:
            orgs("AttachPolicy", PolicyId=name, TargetId=PROD)
        reason = orgs.refused(
            "ConstraintViolationException", "AttachPolicy", PolicyId=names[-1], TargetId=PROD
        )
        assert reason == "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED"
        orgs.refused(
            "DuplicatePolicyAttachmentException",
            "AttachPolicy",
            PolicyId=names[0],
            TargetId=PROD,
        )
        assert len(attached(orgs, PROD, kind)) == most


def test_an_update_counts_wherever_the_policy_is_attached(orgs):
    """Content changes at once; what is left out of the update stays."""
    policy = orgs.policy("NoSigning", DENY_SIGN)
    orgs("AttachPolicy", PolicyId=policy, TargetId=orgs.root)
    assert not may_sign(orgs, PROD).allowed
    other = {"Effect": "Deny", "Action": "kms:Encrypt", "Resource": "*"}
    content = json.dumps({"Version": "2012-10-17", "Statement": [other]})
    updated = orgs("UpdatePolicy", PolicyId=policy, Content=content)["Policy"]
    assert updated["PolicySummary"]["Name"] == "NoSigning"
    assert updated["Content"] == content
    assert may_sign(orgs, PROD).allowed
    orgs("UpdatePolicy", PolicyId=policy, Name="NoEncryption", Description="new")
    summary = orgs("DescribePolicy", PolicyId=policy)["Policy"]["PolicySummary"]
    assert (summary["Name"], summary["Description"]) == ("NoEncryption", "new")


def test_a_policy_in_use_stays_and_awss_own_are_not_changed(orgs):
    """Deleting needs detaching first; AWS's policies are for reading."""
    policy = orgs.policy("NoSigning", DENY_SIGN)
    orgs("AttachPolicy", PolicyId=policy, TargetId=PROD)
    orgs.refused("PolicyInUseException", "DeletePolicy", PolicyId=policy)
    orgs("DetachPolicy", PolicyId=policy, TargetId=PROD)
    orgs("DeletePolicy", PolicyId=policy)
    orgs.refused("PolicyNotFoundException", "DescribePolicy", PolicyId=policy)
    for operation, members in (("DeletePolicy", {}), ("UpdatePolicy", {"Name": "x"})):
        reason = orgs.refused(
            "InvalidInputException", operation, PolicyId="p-FullAWSAccess", **members
        )
        assert reason == "IMMUTABLE_POLICY"


def test_names_of_policies_differ_within_a_type(orgs):
    """An SCP and an RCP may share a name."""
    orgs.policy("Same", DENY_SIGN)
    orgs.policy("Same", DENY_OUTSIDE, RCP)
    members = {"Name": "Same", "Description": "", "Type": SCP, "Content": json.dumps(DENY_SIGN)}
    orgs.refused("DuplicatePolicyException", "CreatePolicy", **members)
    other = orgs.policy("Other", DENY_SIGN)
    orgs.refused("DuplicatePolicyException", "UpdatePolicy", PolicyId=other, Name="Same")


@pytest.mark.parametrize(
    "content",
    [
        "not json",
        json.dumps({"Version": "2012-10-17"}),
        json.dumps({"Statement": DENY_SIGN["Statement"]}),
        json.dumps({
            "Version": "2012-10-17",
            "Statement": [{**DENY_SIGN["Statement"][0], "Principal": "*"}],
        }),
        json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*"}]}),
    ],
)  # fmt: skip
def test_what_is_no_scp_is_malformed(orgs, content):
    """An SCP has a version, statements with resources, and no principal."""
    message = orgs.refused(
        "MalformedPolicyDocumentException",
        "CreatePolicy",
        Name="x",
        Description="",
        Type=SCP,
        Content=content,
    )
    assert message == (
        "The provided policy document does not meet the requirements of the specified policy type."
    )


@pytest.mark.parametrize(
    "change",
    [
        {"Effect": "Allow"},
        {"Principal": {"AWS": PROD}},
        {"Action": "*"},
        {"Action": "lambda:InvokeFunction"},
    ],
)
def test_what_is_no_rcp_is_malformed(orgs, change):
    """An RCP denies everybody actions of services that support RCPs."""
    statement = {**DENY_OUTSIDE["Statement"][0], **change}
    content = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    orgs.refused(
        "MalformedPolicyDocumentException",
        "CreatePolicy",
        Name="x",
        Description="",
        Type=RCP,
        Content=content,
    )


def test_a_policy_has_its_types_length_at_most(orgs):
    """An SCP has up to 10,240 characters, an RCP 5,120; spaces count."""
    for kind, content in ((SCP, DENY_SIGN), (RCP, DENY_OUTSIDE)):
        most = documents.CHARACTERS[kind]
        text = json.dumps(content)
        fits = text + " " * (most - len(text))
        members = {"Description": "", "Type": kind}
        orgs("CreatePolicy", Name="fits", Content=fits, **members)
        reason = orgs.refused(
            "ConstraintViolationException", "CreatePolicy", Name="x", Content=fits + " ", **members
        )
        assert reason == "POLICY_CONTENT_LIMIT_EXCEEDED"
    assert documents.CHARACTERS == {SCP: 10_240, RCP: 5_120}


def test_targets_and_policies_that_do_not_exist_are_not_found(orgs):
    """Both are looked up before anything else."""
    policy = orgs.policy("NoSigning", DENY_SIGN)
    for operation in ("AttachPolicy", "DetachPolicy"):
        orgs.refused("TargetNotFoundException", operation, PolicyId=policy, TargetId="444455556666")
        orgs.refused("PolicyNotFoundException", operation, PolicyId="p-nonesuch", TargetId=PROD)
    orgs.refused(
        "TargetNotFoundException", "ListPoliciesForTarget", TargetId="444455556666", Filter=SCP
    )
    orgs.refused("PolicyNotFoundException", "ListTargetsForPolicy", PolicyId="p-nonesuch")
