"""The policy simulator."""

import json

import pytest
from botocore.exceptions import ClientError

OWNER, OTHER = "111122223333", "444455556666"
KEY = f"arn:aws:kms:us-east-1:{OWNER}:key/1"
ALICE = f"arn:aws:iam::{OWNER}:user/alice"


def text(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(*actions, resource="*", **members):
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **members}


def deny(*actions, **members):
    return {**allow(*actions, **members), "Effect": "Deny"}


def refused(call, *arguments, **members):
    with pytest.raises(ClientError) as caught:
        call(*arguments, **members)
    found = caught.value.response["Error"]
    return found["Code"], found["Message"]


@pytest.fixture
def custom(iam):
    """A function that returns the results of SimulateCustomPolicy."""

    def simulate(*policies, actions=("kms:Sign",), **members):
        return iam.simulate_custom_policy(
            PolicyInputList=list(policies), ActionNames=list(actions), **members
        )["EvaluationResults"]

    return simulate


@pytest.fixture
def alice(iam):
    """IAM with a user who has policies of every kind."""
    iam.create_user(UserName="alice")
    iam.put_user_policy(UserName="alice", PolicyName="own", PolicyDocument=text(allow("kms:Sign")))
    iam.create_group(GroupName="g")
    iam.add_user_to_group(GroupName="g", UserName="alice")
    iam.put_group_policy(
        GroupName="g", PolicyName="theirs", PolicyDocument=text(deny("kms:Decrypt"))
    )
    arn = iam.create_policy(PolicyName="bought", PolicyDocument=text(allow("kms:Verify")))
    iam.attach_user_policy(UserName="alice", PolicyArn=arn["Policy"]["Arn"])
    return iam


def principal(iam, *actions, source=ALICE, **members):
    return iam.simulate_principal_policy(
        PolicySourceArn=source, ActionNames=list(actions), **members
    )["EvaluationResults"]


def test_each_action_is_decided_by_the_policies_that_are_sent(custom):
    """Allowed, denied, or neither."""
    found = custom(
        text(allow("kms:*"), deny("kms:Decrypt")),
        actions=["kms:Sign", "kms:Decrypt", "s3:GetObject"],
    )
    assert [(each["EvalActionName"], each["EvalDecision"]) for each in found] == [
        ("kms:Sign", "allowed"),
        ("kms:Decrypt", "explicitDeny"),
        ("s3:GetObject", "implicitDeny"),
    ]
    assert [len(each["MatchedStatements"]) for each in found] == [1, 1, 0]


def test_the_statements_that_decided_are_named_with_their_place(custom):
    """Of a denial those that deny, and none that allow."""
    policy = text(allow("kms:*"), deny("kms:Sign"))
    (found,) = custom(text(allow("s3:*")), policy)
    (match,) = found["MatchedStatements"]
    assert match["SourcePolicyId"] == "PolicyInputList.2"
    assert match["SourcePolicyType"] == "IAM Policy"
    start, end = (match[name]["Column"] - 1 for name in ("StartPosition", "EndPosition"))
    assert json.loads(policy[start:end]) == deny("kms:Sign")


def test_every_policy_of_a_user_and_of_its_groups_has_a_say(alice):
    """Named by whose they are, or by the managed policy's name."""
    found = principal(alice, "kms:Sign", "kms:Verify", "kms:Decrypt", "kms:Encrypt")
    named = [[match["SourcePolicyId"] for match in each["MatchedStatements"]] for each in found]
    assert named == [["user_alice_own"], ["bought"], ["group_g_theirs"], []]
    assert [each["EvalDecision"] for each in found] == [
        "allowed", "allowed", "explicitDeny", "implicitDeny",
    ]  # fmt: skip


def test_a_role_and_a_group_are_simulated_too(alice):
    """The latter without anybody in it."""
    group = f"arn:aws:iam::{OWNER}:group/g"
    (found,) = principal(alice, "kms:Decrypt", source=group)
    assert found["EvalDecision"] == "explicitDeny"
    trust = text({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": OWNER}})
    role = alice.create_role(RoleName="r", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    admin = "arn:aws:iam::aws:policy/AdministratorAccess"
    alice.attach_role_policy(RoleName="r", PolicyArn=admin)
    (found,) = principal(alice, "kms:Sign", source=role)
    assert found["MatchedStatements"][0]["SourcePolicyId"] == "AdministratorAccess"


def test_policies_that_are_sent_along_count_besides(alice):
    """As if the user had them."""
    (found,) = principal(alice, "kms:Sign", PolicyInputList=[text(deny("kms:*"))])
    assert found["EvalDecision"] == "explicitDeny"
    assert found["MatchedStatements"][0]["SourcePolicyId"] == "PolicyInputList.1"


def test_a_boundary_limits_and_says_so(alice, custom):
    """The user's own, or one that is sent in its place."""
    arn = alice.create_policy(PolicyName="limit", PolicyDocument=text(allow("kms:Verify")))
    alice.put_user_permissions_boundary(UserName="alice", PermissionsBoundary=arn["Policy"]["Arn"])

    def seen(found):
        detail = found.get("PermissionsBoundaryDecisionDetail", {})
        return found["EvalDecision"], detail.get("AllowedByPermissionsBoundary")

    assert [seen(each) for each in principal(alice, "kms:Sign", "kms:Verify")] == [
        ("implicitDeny", False),
        ("allowed", True),
    ]
    wider = [text(allow("kms:*"))]
    (found,) = principal(alice, "kms:Sign", PermissionsBoundaryPolicyInputList=wider)
    assert seen(found) == ("allowed", True)
    (found,) = custom(
        text(allow("kms:Sign")), PermissionsBoundaryPolicyInputList=[text(deny("kms:*"))]
    )
    assert seen(found) == ("explicitDeny", False)
    (found,) = custom(text(allow("kms:Sign")))
    assert seen(found) == ("allowed", None)


def test_each_resource_is_decided_for_itself(custom):
    """The whole is no better than its worst part."""
    other = KEY.replace("key/1", "key/2")
    (found,) = custom(text(allow("kms:Sign", resource=KEY)), ResourceArns=[KEY, other])
    assert found["EvalDecision"] == "implicitDeny"
    specific = found["ResourceSpecificResults"]
    assert [(each["EvalResourceName"], each["EvalResourceDecision"]) for each in specific] == [
        (KEY, "allowed"),
        (other, "implicitDeny"),
    ]
    (found,) = custom(text(allow("kms:Sign", resource=KEY)), ResourceArns=[KEY])
    assert found["EvalDecision"] == found["ResourceSpecificResults"][0]["EvalResourceDecision"]
    (found,) = custom(text(allow("kms:Sign")), ResourceArns=["*"])
    assert (found["EvalResourceName"], "ResourceSpecificResults" in found) == ("*", False)


def test_the_whole_names_the_statements_of_the_parts_that_decided(custom):
    """Each once."""
    other = KEY.replace("key/1", "key/2")
    policy = text(allow("kms:Sign"), deny("kms:Sign", resource=other))
    (found,) = custom(policy, ResourceArns=[KEY, other, other + "*"])
    assert found["EvalDecision"] == "explicitDeny"
    (match,) = found["MatchedStatements"]
    parts = [each["MatchedStatements"] for each in found["ResourceSpecificResults"]]
    assert parts[1] == [match]
    assert match not in parts[0]


def test_context_is_what_is_given_and_what_is_missing_is_named(custom):
    """A key that a statement about the action asks for, and no other."""
    policy = text(
        allow("kms:Sign", Condition={"StringEquals": {"kms:SigningAlgorithm": "ECDSA_SHA_256"}}),
        allow("s3:GetObject", resource="arn:aws:s3:::b/${aws:username}"),
    )
    (found,) = custom(policy)
    assert found["EvalDecision"] == "implicitDeny"
    assert found["MissingContextValues"] == ["kms:SigningAlgorithm"]

    def given(value):
        entry = {
            "ContextKeyName": "kms:signingalgorithm",
            "ContextKeyValues": [value],
            "ContextKeyType": "string",
        }
        (found,) = custom(policy, ContextEntries=[entry])
        return found["EvalDecision"], found["MissingContextValues"]

    assert given("ECDSA_SHA_256") == ("allowed", [])
    assert given("ECDSA_SHA_384") == ("implicitDeny", [])
    (found,) = custom(policy, actions=["s3:GetObject"])
    assert found["MissingContextValues"] == ["aws:username"]


def test_several_values_are_of_a_list(custom):
    """A key of many values, as a set operator has it."""
    policy = text(
        allow(
            "kms:TagResource", Condition={"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}}
        )
    )

    def decided(*values):
        entry = {
            "ContextKeyName": "aws:TagKeys",
            "ContextKeyValues": list(values),
            "ContextKeyType": "stringList",
        }
        (found,) = custom(policy, actions=["kms:TagResource"], ContextEntries=[entry])
        return found["EvalDecision"]

    assert (decided("a", "b"), decided("a", "c")) == ("allowed", "implicitDeny")


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("numeric", ["x"]),
        ("boolean", ["yes"]),
        ("date", ["today"]),
        ("ip", ["1.2.3"]),
        ("binary", ["?"]),
        ("string", ["a", "b"]),
        ("string", []),
        ("numericList", ["1", "x"]),
    ],
)
def test_context_must_be_of_its_type(custom, kind, values):
    """And one value where there is one."""
    entry = {"ContextKeyName": "aws:x", "ContextKeyValues": values, "ContextKeyType": kind}
    code, _ = refused(custom, text(allow("kms:Sign")), ContextEntries=[entry])
    assert code == "InvalidInput"


def test_a_resource_policy_has_a_say_of_its_own(custom):
    """Within the account one side is enough, across accounts both are needed."""
    bucket = "arn:aws:s3:::b/k"
    statement = {**allow("s3:GetObject", resource=bucket), "Principal": {"AWS": ALICE}}
    members = {
        "ResourcePolicy": text(statement), "CallerArn": ALICE, "ResourceArns": [bucket],
        "actions": ["s3:GetObject"],
    }  # fmt: skip
    (found,) = custom(text(allow("kms:Sign")), **members)
    assert found["EvalDecision"] == "allowed"
    assert not found["EvalDecisionDetails"]
    assert found["MatchedStatements"][0]["SourcePolicyType"] == "Resource Policy"
    members["ResourceOwner"] = f"arn:aws:iam::{OTHER}:root"
    (found,) = custom(text(allow("kms:Sign")), **members)
    assert found["EvalDecision"] == "implicitDeny"
    assert found["EvalDecisionDetails"] == {
        "IAM Policy": "implicitDeny", "Resource Policy": "allowed",
    }  # fmt: skip
    (found,) = custom(text(allow("s3:*")), **members)
    assert found["EvalDecision"] == "allowed"


def test_a_resource_policy_is_not_simulated_for_roles(custom):
    """As AWS does not."""
    statement = {**allow("kms:Sign"), "Principal": "*"}
    role = f"arn:aws:iam::{OWNER}:role/r"
    members = {"ResourcePolicy": text(statement), "CallerArn": role}
    code, message = refused(custom, text(allow("kms:Sign")), **members)
    assert code == "InvalidInput"
    assert message == "Simulation of resource-based policies isn't supported for IAM roles."


def test_service_control_policies_bound_what_is_allowed(custom):
    """Level by level; an answer says whether they let it pass, and does not name them."""

    def seen(*levels):
        sent = [{"ServiceControlPolicyInputList": list(each)} for each in levels]
        (found,) = custom(text(allow("kms:Sign")), OrderedOrganizationPolicyInputList=sent)
        passed = found["OrganizationsDecisionDetail"]["AllowedByOrganizations"]
        return found["EvalDecision"], passed, len(found["MatchedStatements"])

    everything, other = text(allow("*")), text(allow("s3:*"))
    assert seen([everything], [everything]) == ("allowed", True, 1)
    assert seen([everything], [other]) == ("implicitDeny", False, 0)
    assert seen([everything], [everything, text(deny("kms:*"))]) == ("explicitDeny", False, 0)


def test_a_principal_is_bounded_by_its_accounts_service_control_policies(alice, lab):
    """If its account is in an organization."""
    from pkilab.iam import read_policy

    (found,) = principal(alice, "kms:Sign")
    assert "OrganizationsDecisionDetail" not in found
    service = lab._place.gateway._services["iam"]
    bound = read_policy(text(allow("s3:*")), kind="service control", name="limit")
    service._controls = {OWNER: ((bound,),)}.get
    (found,) = principal(alice, "kms:Sign")
    assert found["EvalDecision"] == "implicitDeny"
    assert found["OrganizationsDecisionDetail"] == {"AllowedByOrganizations": False}


def test_a_resource_policy_needs_to_know_who_calls(custom):
    """Or it cannot say whom it names."""
    statement = {**allow("kms:Sign"), "Principal": "*"}
    code, _ = refused(custom, text(allow("kms:Sign")), ResourcePolicy=text(statement))
    assert code == "InvalidInput"


def test_results_come_in_pages(iam):
    """With a marker that is good for this list."""
    actions = ["kms:Sign", "kms:Verify", "kms:Decrypt"]
    members = {"PolicyInputList": [text(allow("kms:*"))], "ActionNames": actions}
    first = iam.simulate_custom_policy(**members, MaxItems=2)
    assert (len(first["EvaluationResults"]), first["IsTruncated"]) == (2, True)
    second = iam.simulate_custom_policy(**members, MaxItems=2, Marker=first["Marker"])
    assert [each["EvalActionName"] for each in second["EvaluationResults"]] == ["kms:Decrypt"]
    assert not second["IsTruncated"]
    assert refused(iam.simulate_custom_policy, **members, Marker="x")[0] == "InvalidInput"


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (f"arn:aws:iam::{OWNER}:user/nobody", "NoSuchEntity"),
        (f"arn:aws:iam::{OWNER}:group/nobody", "NoSuchEntity"),
        (f"arn:aws:iam::{OTHER}:user/learner", "InvalidInput"),
        (f"arn:aws:sts::{OWNER}:assumed-role/r/me", "InvalidInput"),
    ],
)
def test_whom_there_is_not_cannot_be_simulated(iam, source, code):
    """Nor a session, nor somebody of another account."""
    assert refused(principal, iam, "kms:Sign", source=source)[0] == code


@pytest.mark.parametrize(
    ("policy", "members", "code"),
    [
        ("{", {}, "InvalidInput"),
        (text({**allow("kms:Sign"), "Principal": "*"}), {}, "InvalidInput"),
        (text(allow("kms:Sign", Condition={"Bool": {"made:Up": "true"}})), {}, "NotImplemented"),
        (text(allow("kms:Sign")), {"actions": ["kms:*"]}, "InvalidInput"),
        (text(allow("kms:Sign")), {"ResourceHandlingOption": "EC2-VPC-EBS"}, "NotImplemented"),
        (text(allow("kms:Sign")), {"ResourceOwner": "somebody"}, "InvalidInput"),
        (text(allow("kms:Sign")), {"CallerArn": "somebody"}, "InvalidInput"),
    ],
)
def test_what_cannot_be_simulated_is_refused(custom, policy, members, code):
    """And not taken for something else."""
    assert refused(custom, policy, **members)[0] == code


def test_the_keys_that_policies_ask_for_are_listed(alice):
    """Of policies that are sent, and of a user's."""
    policy = text(allow("kms:Sign", Condition={"Bool": {"aws:SecureTransport": "true"}}))
    found = alice.get_context_keys_for_custom_policy(PolicyInputList=[policy])
    assert found["ContextKeyNames"] == ["aws:SecureTransport"]
    alice.put_user_policy(
        UserName="alice",
        PolicyName="own",
        PolicyDocument=text(allow("s3:*", resource="arn:aws:s3:::${aws:username}")),
    )
    found = alice.get_context_keys_for_principal_policy(
        PolicySourceArn=ALICE, PolicyInputList=[policy]
    )
    assert found["ContextKeyNames"] == ["aws:SecureTransport", "aws:username"]
