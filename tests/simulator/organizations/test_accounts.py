import json
import re
from datetime import timedelta
from importlib.resources import files

import pytest

from pkilab.simulator.service import service_model

MANAGEMENT, PROD, DEV, OTHER = "111122223333", "222233334444", "333344445555", "444455556666"


def test_who_creates_an_organization_manages_it_and_scps_are_enabled(bare):
    """CreateOrganization: all features unless told otherwise, SCPs enabled in the root."""
    made = bare("CreateOrganization")["Organization"]
    assert made["FeatureSet"] == "ALL"
    assert made["MasterAccountId"] == MANAGEMENT
    assert made["Arn"] == f"arn:aws:organizations::{MANAGEMENT}:organization/{made['Id']}"
    root = bare("ListRoots")["Roots"][0]
    assert root["PolicyTypes"] == [{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}]
    assert bare("DescribeOrganization")["Organization"] == made


def test_with_consolidated_billing_alone_there_are_no_policies(bare):
    """No policy type is available without all features."""
    made = bare("CreateOrganization", FeatureSet="CONSOLIDATED_BILLING")["Organization"]
    assert made["AvailablePolicyTypes"] == []
    bare.refused(
        "PolicyTypeNotAvailableForOrganizationException",
        "EnablePolicyType",
        RootId=bare.root,
        PolicyType="SERVICE_CONTROL_POLICY",
    )


def test_an_account_belongs_to_one_organization_at_most(orgs):
    """Neither the management account nor a member can found another one."""
    orgs.refused("AlreadyInOrganizationException", "CreateOrganization")
    orgs.refused("AlreadyInOrganizationException", "CreateOrganization", "prod")
    assert orgs("CreateOrganization", "other")["Organization"]["MasterAccountId"] == OTHER


def test_ids_and_arns_are_of_awss_patterns(orgs):
    """Every id and ARN matches its pattern in the API model, which AWS's clients do not check."""
    unit = orgs.unit()
    policy = orgs.policy("Deny", {"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Action": "*", "Resource": "*"}]})  # fmt: skip
    answers = {
        "Organization": orgs("DescribeOrganization")["Organization"],
        "Root": orgs("ListRoots")["Roots"][0],
        "Account": orgs("DescribeAccount", AccountId=PROD)["Account"],
        "OrganizationalUnit": orgs("DescribeOrganizationalUnit", OrganizationalUnitId=unit)[
            "OrganizationalUnit"
        ],
        "PolicySummary": orgs("DescribePolicy", PolicyId=policy)["Policy"]["PolicySummary"],
    }
    for name, answer in answers.items():
        shape = service_model("organizations").shape_for(name)
        for member in shape.members.keys() & answer.keys():
            pattern = shape.members[member].metadata.get("pattern")
            if pattern and isinstance(answer[member], str):
                assert re.match(pattern, answer[member]), (name, member, answer[member])


def test_answers_have_every_member_that_awss_examples_have(orgs):
    """The examples that AWS publishes with its SDK tell which members an answer has."""
    folder = files("botocore") / "data" / "organizations" / "2016-11-28"
    examples = json.loads((folder / "examples-1.json").read_text())["examples"]
    unit = orgs.unit()
    account = {"AccountId": PROD}
    asked = {
        "DescribeAccount": account,
        "ListAccounts": {},
        "ListRoots": {},
        "ListChildren": {"ParentId": orgs.root, "ChildType": "ORGANIZATIONAL_UNIT"},
        "ListParents": {"ChildId": PROD},
        "ListOrganizationalUnitsForParent": {"ParentId": orgs.root},
        "DescribeOrganizationalUnit": {"OrganizationalUnitId": unit},
        "ListPolicies": {"Filter": "SERVICE_CONTROL_POLICY"},
        "ListPoliciesForTarget": {"Filter": "SERVICE_CONTROL_POLICY", "TargetId": PROD},
        "ListTargetsForPolicy": {"PolicyId": "p-FullAWSAccess"},
        "ListHandshakesForOrganization": {},
        "DescribeOrganization": {},
    }
    compared = 0
    for operation, members in asked.items():
        for example in examples.get(operation, ()):
            if "output" in example:
                require_members(example["output"], orgs(operation, **members), operation)
                compared += 1
    assert compared >= 8


def require_members(expected, found, where):
    """Require that whatever the example has is there; of lists, the first item is compared."""
    if isinstance(expected, dict):
        for name, value in expected.items():
            assert name in found, f"{where}.{name}"
            require_members(value, found[name], f"{where}.{name}")
    elif isinstance(expected, list) and expected and found:
        require_members(expected[0], found[0], where)


def test_only_the_management_account_may_look_around(orgs):
    """Members may describe the organization, and no more; strangers not even that."""
    described = orgs("DescribeOrganization", "prod")["Organization"]
    assert described == orgs("DescribeOrganization")["Organization"]
    for operation in ("ListAccounts", "ListRoots", "ListHandshakesForOrganization"):
        orgs.refused("AccessDeniedException", operation, "prod")
        message = orgs.refused("AWSOrganizationsNotInUseException", operation, "other")
        assert message == "Your account is not a member of an organization."
    orgs.refused("AWSOrganizationsNotInUseException", "DescribeOrganization", "other")


def test_accounts_are_listed_with_their_alias_as_name_and_where_they_are(orgs):
    """Name and email address come from the world's alias; the path ends in the account."""
    listed = orgs("ListAccounts")["Accounts"]
    assert [(each["Id"], each["Name"], each["Email"]) for each in listed] == [
        (MANAGEMENT, "management", "management@example.com"),
        (PROD, "prod", "prod@example.com"),
        (DEV, "dev", "dev@example.com"),
    ]
    organization = orgs("DescribeOrganization")["Organization"]["Id"]
    assert listed[1]["Paths"] == [f"{organization}/{orgs.root}/{PROD}/"]
    orgs.refused("AccountNotFoundException", "DescribeAccount", AccountId=OTHER)


def test_a_member_leaves_or_is_removed_and_the_management_account_stays(orgs):
    """Afterwards the accounts stand alone; the management account can only delete it all."""
    orgs("LeaveOrganization", "prod")
    orgs("RemoveAccountFromOrganization", AccountId=DEV)
    for alias in ("prod", "dev"):
        orgs.refused("AWSOrganizationsNotInUseException", "DescribeOrganization", alias)
        assert orgs.service.of(orgs.world.accounts[alias]) is None
    orgs.refused("MasterCannotLeaveOrganizationException", "LeaveOrganization")
    orgs.refused(
        "MasterCannotLeaveOrganizationException",
        "RemoveAccountFromOrganization",
        AccountId=MANAGEMENT,
    )
    orgs.refused("AccountNotFoundException", "RemoveAccountFromOrganization", AccountId=PROD)


def test_an_organization_is_deleted_when_only_its_management_account_is_left(orgs):
    """Members keep it; what is open of its invitations is cancelled with it."""
    orgs.refused("OrganizationNotEmptyException", "DeleteOrganization")
    orgs("LeaveOrganization", "prod")
    orgs("LeaveOrganization", "dev")
    invited = orgs("InviteAccountToOrganization", Target={"Type": "ACCOUNT", "Id": OTHER})
    orgs("DeleteOrganization")
    orgs.refused("AWSOrganizationsNotInUseException", "DescribeOrganization")
    orgs.refused(
        "InvalidHandshakeTransitionException",
        "AcceptHandshake",
        "other",
        HandshakeId=invited["Handshake"]["Id"],
    )


def test_lists_come_in_pages_and_tokens_are_not_forged(orgs):
    """A page's token gives the next page of the same list, and nothing else."""
    first = orgs("ListAccounts", MaxResults=2)
    second = orgs("ListAccounts", MaxResults=2, NextToken=first["NextToken"])
    assert [each["Id"] for each in first["Accounts"] + second["Accounts"]] == [
        MANAGEMENT,
        PROD,
        DEV,
    ]
    assert "NextToken" not in second
    forged = orgs.refused("InvalidInputException", "ListAccounts", NextToken="bm8=")
    assert forged == "INVALID_NEXT_TOKEN"
    token = first["NextToken"]
    assert orgs.refused("InvalidInputException", "ListRoots", NextToken=token)


def test_the_same_seed_gives_the_same_ids(open_orgs):
    """Ids come from the world's entropy."""

    def ids(**options):
        made = open_orgs(**options)
        made("CreateOrganization")
        return made("DescribeOrganization")["Organization"]["Id"], made.root, made.unit()

    assert ids() == ids()
    assert ids() != ids(seed="another")


def test_what_is_not_modelled_is_refused(orgs):
    """Accounts are given with the world; delegated administrators and all-features do not exist."""
    for operation, members in {
        "CreateAccount": {"Email": "new@example.com", "AccountName": "new"},
        "CloseAccount": {"AccountId": PROD},
        "EnableAllFeatures": {},
        "RegisterDelegatedAdministrator": {
            "AccountId": PROD,
            "ServicePrincipal": "ram.amazonaws.com",
        },
        "ListPolicies": {"Filter": "TAG_POLICY"},
    }.items():
        assert "not simulated" in orgs.refused("NotImplemented", operation, **members)


@pytest.mark.parametrize("days", [0, 14.9])
def test_joining_is_dated_by_the_worlds_clock(bare, days):
    """JoinedTimestamp is when the invitation was accepted."""
    bare("CreateOrganization")
    target = {"Type": "ACCOUNT", "Id": PROD}
    handshake = bare("InviteAccountToOrganization", Target=target)["Handshake"]["Id"]
    start = bare.world.clock.now()
    bare.world.clock.advance(days=days)
    bare("AcceptHandshake", "prod", HandshakeId=handshake)
    joined = bare("DescribeAccount", AccountId=PROD)["Account"]["JoinedTimestamp"]
    assert joined == (start + timedelta(days=days)).timestamp()
