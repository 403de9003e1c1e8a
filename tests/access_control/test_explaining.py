"""The whole question: what `explain` says is what happens."""

import itertools
import json

import pytest
from botocore.exceptions import ClientError

from pkilab import access_control, ca_hierarchy, functions
from pkilab.errors import LabClosedError, LabError, MalformedError, UnsupportedError

MAIN, OTHER = "111122223333", "444455556666"


def allow(*actions, **more):
    """Write a statement that allows."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": "*", **more}


def deny(*actions, **more):
    """Write a statement that denies."""
    return allow(*actions, **more) | {"Effect": "Deny"}


def agree(found, denial):
    """Hold an explanation against what was really said."""
    assert found.allowed is (denial is None), (found, denial)
    if denial is not None and denial.kind is not None:
        told = {"trust": "resource"}.get(denial.kind, denial.kind)
        assert (found.decision.kind, found.decision.effect == "explicitDeny") == (
            told,
            denial.explicit,
        )
        assert denial.message.replace(" on resource: *", "") == found.because


def test_a_user_without_policies_is_denied_and_told_what_to_add(place):
    """And what is told, added, makes the call go through."""
    arn, key = place.user("ana")
    key_arn = place.key()
    found = place.explain(arn, "kms:Sign", key_arn)
    agree(found, place.verdict(lambda: place.sign(key_arn, key)))
    (half,) = found.missing
    assert (half.kind, half.who) == ("identity", MAIN)
    place.attach("ana", half.statement)
    again = place.explain(arn, "kms:Sign", key_arn)
    assert place.verdict(lambda: place.sign(key_arn, key)) is None
    assert (again.allowed, again.missing) == (True, ())
    assert again.statements[0].deciding
    assert again.because.endswith(" and statement AllowSign of inline policy Rights of user ana")


def test_another_account_needs_both_halves(place):
    """One half alone changes who refuses, and nothing else."""
    arn, key = place.user("eve", account="other")
    key_arn = place.key()
    found = place.explain(arn, "kms:Sign", key_arn)
    agree(found, place.verdict(lambda: place.sign(key_arn, key)))
    owners, callers = found.missing
    assert (owners.kind, owners.who) == ("resource", MAIN)
    assert (callers.kind, callers.who) == ("identity", OTHER)

    policy = json.loads(place.kms.get_key_policy(KeyId=key_arn)["Policy"])
    policy["Statement"].append(owners.statement)
    place.kms.put_key_policy(KeyId=key_arn, PolicyName="default", Policy=json.dumps(policy))
    half = place.explain(arn, "kms:Sign", key_arn)
    denial = place.verdict(lambda: place.sign(key_arn, key))
    agree(half, denial)
    assert denial.kind == "identity"
    assert half.missing == (callers,)

    place.attach("eve", callers.statement, account="other")
    assert place.explain(arn, "kms:Sign", key_arn).allowed
    assert place.verdict(lambda: place.sign(key_arn, key)) is None


def test_the_callers_half_alone_is_not_enough(place):
    """Each half is worth nothing without the other, from either side."""
    key_arn = place.key()
    arn, key = place.user("eve", allow("kms:Sign"), account="other")
    found = place.explain(arn, "kms:Sign", key_arn)
    agree(found, place.verdict(lambda: place.sign(key_arn, key)))
    assert [half.kind for half in found.missing] == ["resource"]


STATEMENTS = {
    "nothing": (),
    "sign": (allow("kms:Sign"),),
    "everything": (allow("*"),),
    "all but sign": (allow("*"), deny("kms:Sign")),
    "sign with SHA-384": (
        allow("kms:Sign", Condition={"StringEquals": {"kms:SigningAlgorithm": "ECDSA_SHA_384"}}),
    ),
    "tagged keys": (allow("kms:*", Condition={"StringEquals": {"aws:ResourceTag/stage": "test"}}),),
}


def test_people_and_actions_agree_with_the_world(place):
    """Six policies, three keys, four actions: each call is made, and each verdict was foretold."""
    keys = [place.key(), place.key(Tags=[{"TagKey": "stage", "TagValue": "test"}])]
    barred = place.key()
    policy = json.loads(place.kms.get_key_policy(KeyId=barred)["Policy"])
    policy["Statement"].append(
        deny(
            "kms:Sign",
            Principal="*",
            Condition={"ArnNotLike": {"aws:PrincipalArn": "*/learner"}},
        )
    )
    place.kms.put_key_policy(KeyId=barred, PolicyName="default", Policy=json.dumps(policy))
    people = {
        name: place.user(name.replace(" ", "-"), *statements)
        for name, statements in STATEMENTS.items()
    }
    context = {"kms:SigningAlgorithm": "ECDSA_SHA_256"}
    outcomes = set()
    for (arn, access_key), key_arn in itertools.product(people.values(), [*keys, barred]):
        kms = place.lab.client("kms", credentials=access_key)
        calls = {
            "kms:Sign": lambda kms=kms, key_arn=key_arn: kms.sign(
                KeyId=key_arn, Message=b"m", SigningAlgorithm="ECDSA_SHA_256"
            ),
            "kms:GetPublicKey": lambda kms=kms, key_arn=key_arn: kms.get_public_key(KeyId=key_arn),
            "kms:DescribeKey": lambda kms=kms, key_arn=key_arn: kms.describe_key(KeyId=key_arn),
            "kms:ListResourceTags": lambda kms=kms, key_arn=key_arn: kms.list_resource_tags(
                KeyId=key_arn
            ),
        }
        for action, call in calls.items():
            found = place.explain(arn, action, key_arn, context=context)
            agree(found, place.verdict(call))
            assert found.missing == () or not found.allowed
            outcomes.add((found.allowed, found.decision.kind))
    assert outcomes == {
        (True, "identity"),
        (False, "identity"),
        (False, "resource"),
    }


def test_groups_managed_policies_and_boundaries_count(place):
    """A group's right, held down by a boundary."""
    boundary = place.iam.create_policy(
        PolicyName="Bound",
        PolicyDocument=json.dumps(access_control.policy(allow("kms:GetPublicKey"))),
    )["Policy"]["Arn"]
    arn, key = place.user("ana", PermissionsBoundary=boundary)
    place.iam.create_group(GroupName="signers")
    place.iam.add_user_to_group(GroupName="signers", UserName="ana")
    place.iam.attach_group_policy(
        GroupName="signers", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
    )
    key_arn = place.key()
    found = place.explain(arn, "kms:Sign", key_arn)
    agree(found, place.verdict(lambda: place.sign(key_arn, key)))
    assert [half.kind for half in found.missing] == ["boundary"]
    assert found.statements[-1].policy == "arn:aws:iam::aws:policy/AdministratorAccess"
    kms = place.lab.client("kms", credentials=key)
    assert place.explain(arn, "kms:GetPublicKey", key_arn).allowed
    assert place.verdict(lambda: kms.get_public_key(KeyId=key_arn)) is None


def test_a_roles_session_and_its_session_policy(place):
    """What is passed to AssumeRole limits; nobody but the caller knows it."""
    key_arn = place.key()
    role = place.role("signer", allow("kms:Sign", "kms:Verify"), trusted=MAIN, Path="/team/")
    passed = access_control.policy(allow("kms:Verify"))
    sts = place.lab.client("sts")
    session = sts.assume_role(RoleArn=role, RoleSessionName="work", Policy=json.dumps(passed))
    arn = session["AssumedRoleUser"]["Arn"]
    found = place.explain(arn, "kms:Sign", key_arn, session_policies=[passed])
    agree(found, place.verdict(lambda: place.sign(key_arn, session["Credentials"])))
    assert [half.kind for half in found.missing] == ["session"]
    plain = sts.assume_role(RoleArn=role, RoleSessionName="work")["Credentials"]
    assert place.explain(role, "kms:Sign", key_arn).allowed
    assert place.verdict(lambda: place.sign(key_arn, plain)) is None


def test_a_key_policy_that_names_a_role_needs_nothing_else(place):
    """In the same account; the role is recognised by its path, too."""
    key_arn = place.key()
    role = place.role("signer", trusted=MAIN, Path="/team/")
    access_control.share_key(place.kms, key_arn, role, ["Sign"])
    session = place.lab.client("sts").assume_role(RoleArn=role, RoleSessionName="work")
    found = place.explain(session["AssumedRoleUser"]["Arn"], "kms:Sign", key_arn)
    assert found.allowed
    assert found.decision.kind == "resource"
    assert place.verdict(lambda: place.sign(key_arn, session["Credentials"])) is None
    assert not place.explain(role, "kms:Verify", key_arn).allowed


def test_a_grant_gives_what_no_policy_does(place):
    """And its name stands in the explanation."""
    arn, key = place.user("ana")
    key_arn = place.key()
    grant = place.kms.create_grant(KeyId=key_arn, GranteePrincipal=arn, Operations=["Sign"])
    found = place.explain(arn, "kms:Sign", key_arn)
    assert (found.allowed, found.statements[0].policy) == (True, f"grant {grant['GrantId']}")
    assert place.verdict(lambda: place.sign(key_arn, key)) is None
    kms = place.lab.client("kms", credentials=key)
    agree(
        place.explain(arn, "kms:GetPublicKey", key_arn),
        place.verdict(lambda: kms.get_public_key(KeyId=key_arn)),
    )


def test_a_grants_constraint_is_a_condition(place):
    """Of the encryption context, exactly or at least."""
    arn, _ = place.user("ana")
    key_arn = place.kms.create_key()["KeyMetadata"]["Arn"]
    for constraint in ("EncryptionContextEquals", "EncryptionContextSubset"):
        place.kms.create_grant(
            KeyId=key_arn,
            GranteePrincipal=arn,
            Operations=["Encrypt" if constraint.endswith("Equals") else "Decrypt"],
            Constraints={constraint: {"stage": "test"}},
        )

    def allowed(action, **context):
        pairs = {f"kms:EncryptionContext:{key}": value for key, value in context.items()}
        keys = {"kms:EncryptionContextKeys": tuple(context)} if context else {}
        return place.explain(arn, action, key_arn, context=pairs | keys).allowed

    assert allowed("kms:Encrypt", stage="test")
    assert allowed("kms:Decrypt", stage="test", more="x")
    assert not allowed("kms:Encrypt", stage="test", more="x")
    assert not allowed("kms:Decrypt", stage="live")
    assert not allowed("kms:Decrypt")


def test_an_alias_is_followed_to_its_key(place):
    """And its name is what kms:RequestAlias asks for."""
    key_arn = place.key()
    place.kms.create_alias(AliasName="alias/code", TargetKeyId=key_arn)
    by_alias = {"StringEquals": {"kms:RequestAlias": "alias/code"}}
    arn, key = place.user("ana", allow("kms:Sign", Condition=by_alias))
    alias = key_arn.partition(":key/")[0] + ":alias/code"
    found = place.explain(arn, "kms:Sign", alias)
    assert (found.allowed, found.request.resource) == (True, key_arn)
    assert place.verdict(lambda: place.sign("alias/code", key)) is None
    agree(place.explain(arn, "kms:Sign", key_arn), place.verdict(lambda: place.sign(key_arn, key)))


def test_a_service_control_policy_limits_members_and_not_the_manager(place):
    """A deny, with the policy's name and level."""
    place.organization()
    place.control(access_control.deny_scp(["kms:CreateKey"]), name="NoKeys")
    for account, expected in (("other", False), ("main", True)):
        arn = f"arn:aws:iam::{place.lab.accounts[account]}:user/learner"
        kms = place.lab.client("kms", account=account)
        found = place.explain(arn, "kms:CreateKey", "*")
        assert found.allowed is expected
        agree(found, place.verdict(kms.create_key))
    root = place.lab.client("organizations").list_roots()["Roots"][0]["Id"]
    place.control(access_control.deny_scp(["kms:ListKeys"]), target=root, name="Everywhere")
    for account, expected in (("other", False), ("main", True)):
        arn = f"arn:aws:iam::{place.lab.accounts[account]}:user/learner"
        assert place.explain(arn, "kms:ListKeys", "*").allowed is expected
    refused = place.explain(f"arn:aws:iam::{OTHER}:user/learner", "kms:CreateKey", "*")
    assert refused.statements[0].policy == f"NoKeys (attached to account {OTHER})"
    (half,) = refused.missing
    assert (half.kind, half.who, half.statement, half.denies) == (
        "service control",
        MAIN,
        None,
        True,
    )


def test_a_level_that_allows_nothing_is_found(place):
    """Once FullAWSAccess is gone from the account, only what is listed is left."""
    manager = place.organization()
    place.control(access_control.policy(allow("s3:*", "iam:*")), name="OnlyS3AndIAM")
    manager.detach_policy(PolicyId="p-FullAWSAccess", TargetId=OTHER)
    arn = f"arn:aws:iam::{OTHER}:user/learner"
    denial = place.verdict(place.lab.client("kms", account="other").create_key)
    lost = place.explain(arn, "kms:CreateKey", "*")
    assert lost.allowed is None, "it may no longer ask for its organization"
    found = place.explain(arn, "kms:CreateKey", "*", manager=MAIN)
    agree(found, denial)
    (half,) = found.missing
    assert half.where == "a service control policy of level 2"
    assert place.explain(arn, "s3:ListAllMyBuckets", "*", manager=MAIN).allowed


def test_a_resource_control_policy_protects_from_outside(place):
    """Whatever the key's policy says."""
    manager = place.organization()
    root = manager.list_roots()["Roots"][0]["Id"]
    manager.enable_policy_type(RootId=root, PolicyType="RESOURCE_CONTROL_POLICY")
    condition = {"StringNotEquals": {"aws:PrincipalAccount": OTHER}}
    content = access_control.policy(deny("kms:Sign", Principal="*", Condition=condition))
    place.control(content, kind="RESOURCE_CONTROL_POLICY", name="OnlyOurs")
    kms = place.lab.client("kms", account="other")
    key_arn = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    access_control.share_key(kms, key_arn, MAIN, ["Sign"])
    arn, key = place.user("ana", allow("kms:Sign"))
    found = place.explain(arn, "kms:Sign", key_arn)
    assert found.decision.kind == "resource control"
    assert found.allowed is False
    assert place.verdict(lambda: place.sign(key_arn, key)) is not None
    learner = f"arn:aws:iam::{OTHER}:user/learner"
    assert place.explain(learner, "kms:Sign", key_arn).allowed


def test_a_bucket_and_a_ca_have_policies_too(place):
    """Cross-account, with the owner said where the ARN does not."""
    s3, pca = place.lab.client("s3"), place.lab.client("acm-pca")
    s3.create_bucket(Bucket="lab-shared")
    theirs = f"arn:aws:iam::{OTHER}:root"
    objects = "arn:aws:s3:::lab-shared/crl/*"
    statement = allow("s3:GetObject", Principal={"AWS": theirs}, Resource=objects)
    s3.put_bucket_policy(Bucket="lab-shared", Policy=json.dumps(access_control.policy(statement)))
    s3.put_object(Bucket="lab-shared", Key="crl/a", Body=b"x")
    s3.put_object(Bucket="lab-shared", Key="b", Body=b"x")
    arn, key = place.user("eve", allow("s3:GetObject"), account="other")
    outside = place.lab.client("s3", credentials=key)
    for name in ("crl/a", "b"):
        found = place.explain(arn, "s3:GetObject", f"arn:aws:s3:::lab-shared/{name}", owner=MAIN)
        agree(
            found,
            place.verdict(lambda name=name: outside.get_object(Bucket="lab-shared", Key=name)),
        )
    mine = f"arn:aws:iam::{MAIN}:user/learner"
    assert place.explain(mine, "s3:GetObject", "arn:aws:s3:::lab-shared/b").allowed
    with pytest.raises(LabError, match="names no account"):
        place.explain(arn, "s3:GetObject", "arn:aws:s3:::lab-shared/b")
    assert pca.list_certificate_authorities()["CertificateAuthorities"] == []


def test_what_may_not_be_read_is_said_and_nothing_is_assumed(place):
    """A client of the caller's own, who may read nothing: the verdict is open."""
    arn, key = place.user("ana", allow("kms:Sign"))
    key_arn = place.key()

    def own(service, account, region):
        return place.lab.client(service, credentials=key)

    found = access_control.explain(arn, "kms:Sign", key_arn, own)
    assert found.allowed is None
    kinds = {each.kind for each in found.unread}
    assert {"identity", "resource", "service control"} <= kinds
    assert "as far as policies could be read" in found.because
    assert "not authorized to perform: iam:GetUser" in str(found.unread[0])
    assert len(set(found.unread)) == len(found.unread)
    assert found.missing == (), "what lacks is not known"


def test_an_explicit_deny_is_certain_whatever_else_was_not_read(place):
    """And a missing client of the other account is a gap, too."""
    arn, _ = place.user("ana", deny("kms:Sign"))
    key_arn = place.key()

    def without_kms(service, account, region):
        if service == "kms":
            return None
        return place.client_for(service, account, region)

    assert access_control.explain(arn, "kms:Sign", key_arn, without_kms).allowed is False
    other = access_control.explain(arn, "kms:Verify", key_arn, without_kms)
    assert (other.allowed, other.unread[0].why) == (None, f"no client of account {MAIN}")

    def elsewhere(service, account, region):
        raise KeyError(account)

    assert access_control.explain(arn, "kms:Sign", key_arn, elsewhere).allowed is None


def test_the_management_accounts_client_is_needed_for_a_members_controls(place):
    """A member can say which organization it is in, and no more."""
    place.organization()

    def other_only(service, account, region):
        return place.client_for(service, account, region) if account == OTHER else None

    arn = f"arn:aws:iam::{OTHER}:user/learner"
    found = access_control.explain(arn, "kms:ListKeys", "*", other_only)
    assert (found.allowed, [each.kind for each in found.unread]) == (None, ["service control"])
    assert access_control.explain(arn, "kms:ListKeys", "*", place.client_for).allowed


def test_conditions_nobody_spoke_of_are_named(place):
    """And judged as absent, until they are given, in any case of letters."""
    condition = {"StringEquals": {"kms:SigningAlgorithm": "ECDSA_SHA_256"}}
    arn, _ = place.user("ana", allow("kms:Sign", Condition=condition))
    key_arn = place.key()
    found = place.explain(arn, "kms:Sign", key_arn)
    assert (found.allowed, found.asked) == (False, ("kms:signingalgorithm",))
    (half,) = found.missing
    assert half.statement is None
    assert "would allow kms:Sign if its Condition held" in half.sentence
    given = place.explain(
        arn, "kms:Sign", key_arn, context={"KMS:signingAlgorithm": "ECDSA_SHA_256"}
    )
    assert (given.allowed, given.asked) == (True, ())


def test_a_resource_policy_can_be_handed_in(place):
    """To try one out before it is written, or of a service that is not read here."""
    arn, _ = place.user("ana")
    queue = f"arn:aws:sqs:us-east-1:{MAIN}:work"
    handed = access_control.policy(allow("sqs:SendMessage", Principal={"AWS": arn}, Resource=queue))
    assert place.explain(arn, "sqs:SendMessage", queue, resource_policy=handed).allowed
    unread = place.explain(arn, "sqs:SendMessage", queue)
    assert unread.allowed is None
    assert "policies of sqs are not read here" in repr(unread)


def test_services_and_strangers_have_only_the_resources_policy(place):
    """No account's policies speak for them."""
    place.lab.client("s3").create_bucket(Bucket="lab-crl")
    bucket = "arn:aws:s3:::lab-crl/a"
    service = "acm-pca.amazonaws.com"
    handed = access_control.policy(
        allow("s3:PutObject", Principal={"Service": service}, Resource=bucket)
    )
    found = place.explain(service, "s3:PutObject", bucket, owner=MAIN, resource_policy=handed)
    assert found.allowed
    stranger = place.explain("*", "s3:PutObject", bucket, owner=MAIN, resource_policy=handed)
    assert stranger.allowed is False
    (half,) = stranger.missing
    assert half.statement["Principal"] == {"AWS": "*"}


def test_the_root_user_is_not_asked_for_policies(place):
    """Within its account; a key's policy must name the account all the same."""
    root = f"arn:aws:iam::{MAIN}:root"
    found = place.explain(root, "acm-pca:CreateCertificateAuthority", "*")
    assert found.allowed
    assert found.because.endswith("as the root user of the account")
    assert place.explain(root, "kms:Sign", place.key()).decision.kind == "resource"


@pytest.mark.parametrize(
    "principal",
    ["", "ana", "arn:aws:iam::1:user/ana", f"arn:aws:iam::{MAIN}:group/g", "arn:aws:s3:::b",
     f"arn:aws:sts::{MAIN}:assumed-role/r"],
)  # fmt: skip
def test_who_is_nobody_is_refused(place, principal):
    """By name."""
    with pytest.raises(MalformedError, match="principal: found"):
        place.explain(principal, "kms:Sign", "*")


def test_what_cannot_be_asked_is_refused(place):
    """A federated user, a resource that is none, an action that is none, somebody unknown."""
    learner = f"arn:aws:iam::{MAIN}:user/learner"
    with pytest.raises(UnsupportedError, match="who federated it"):
        place.explain(f"arn:aws:sts::{MAIN}:federated-user/bob", "kms:Sign", "*")
    with pytest.raises(MalformedError, match="resource: found 'key'"):
        place.explain(learner, "kms:Sign", "key")
    with pytest.raises(MalformedError, match="action: found 'Sign'"):
        place.explain(learner, "Sign", "*")
    with pytest.raises(MalformedError, match=r"action: found 'kms:\*'"):
        place.explain(learner, "kms:*", "*")
    for given in ({"resource_policy": {}}, {"session_policies": ["no policy"]}):
        with pytest.raises(MalformedError):
            place.explain(learner, "sqs:SendMessage", f"arn:aws:sqs:us-east-1:{MAIN}:q", **given)
    with pytest.raises(ClientError, match="NoSuchEntity"):
        place.explain(f"arn:aws:iam::{MAIN}:user/nobody", "kms:Sign", "*")


def test_an_explanation_shows_itself_the_same_each_time(place):
    """As text, as a table and as HTML, with the JSON to copy and no more than was asked for."""
    arn, _ = place.user("ana")
    key_arn = place.key()
    first, second = (place.explain(arn, "kms:Sign", key_arn) for _ in range(2))
    assert (repr(first), first._repr_html_()) == (repr(second), second._repr_html_())
    assert '"Action": "kms:Sign"' in repr(first)
    assert [row[:2] for row in first.table.rows][-1] == ("Identity-based policies", "deny")
    assert "<svg" in first._repr_html_()
    assert first.missing[0].policy["Version"] == "2012-10-17"
    assert str(first.missing[0]) == first.missing[0].sentence


def test_the_owner_alone_can_tell_that_its_half_is_missing(place):
    """What the caller's account says does not matter then; and matters as soon as it is there."""
    arn, _ = place.user("eve", allow("kms:Sign"), account="other")
    role = place.role("Signer", allow("kms:Sign"), account="other")
    key_arn = place.key()

    def own(service, account, region):
        return place.client_for(service, account, region) if account == MAIN else None

    def allowed(who):
        return access_control.explain(who, "kms:Sign", key_arn, own).allowed

    assert (allowed(arn), allowed(role)) == (False, None), "a role's path is not known"
    access_control.share_key(place.kms, key_arn, OTHER, ["Sign"])
    assert (allowed(arn), allowed(role)) == (None, None)
    assert place.explain(arn, "kms:Sign", key_arn).allowed


def test_an_alias_itself_has_no_policy(place):
    """To make one takes the action on the alias, and on the key."""
    key_arn = place.key()
    alias = key_arn.partition(":key/")[0] + ":alias/code"
    arn, key = place.user("ana", allow("kms:CreateAlias", Resource=[alias]))
    kms = place.lab.client("kms", credentials=key)
    assert place.explain(arn, "kms:CreateAlias", alias).allowed
    found = place.explain(arn, "kms:CreateAlias", key_arn)
    where = {"AliasName": "alias/code", "TargetKeyId": key_arn}
    agree(found, place.verdict(lambda: kms.create_alias(**where)))
    place.attach("ana", found.missing[0].statement, title="More")
    assert place.verdict(lambda: kms.create_alias(**where)) is None


def test_where_an_account_is_in_its_organization_is_filled_in(place):
    """For both accounts, the management account's too."""
    manager = place.organization()
    number = manager.describe_organization()["Organization"]["Id"]
    root = manager.list_roots()["Roots"][0]["Id"]
    unit = manager.create_organizational_unit(ParentId=root, Name="Work")
    unit_id = unit["OrganizationalUnit"]["Id"]
    manager.move_account(AccountId=OTHER, SourceParentId=root, DestinationParentId=unit_id)
    for account, path in ((MAIN, f"{number}/{root}/"), (OTHER, f"{number}/{root}/{unit_id}/")):
        found = place.explain(f"arn:aws:iam::{account}:user/learner", "kms:Sign", place.key())
        assert found.allowed is (account == MAIN), "nothing else stands in the way"
        assert found.request.context["aws:principalorgid"] == number
        assert found.request.context["aws:principalorgpaths"] == (path,)
        assert found.request.context["aws:resourceorgpaths"] == (f"{number}/{root}/",)


def test_a_type_of_policy_that_is_not_enabled_limits_nothing(place):
    """No RCPs, until they are: a member's own key."""
    place.organization()
    kms = place.lab.client("kms", account="other")
    key_arn = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    found = place.explain(f"arn:aws:iam::{OTHER}:user/learner", "kms:Sign", key_arn)
    assert (found.allowed, found.policies.resource_control) == (True, ())
    assert len(found.policies.service_control) == 2


def test_an_account_of_another_organization_is_asked_itself(place):
    """The manager that was named does not know it; and here it is in none."""
    manager = place.lab.client("organizations")
    manager.create_organization()
    found = place.explain(f"arn:aws:iam::{OTHER}:user/learner", "kms:ListKeys", "*", manager=MAIN)
    assert (found.allowed, found.unread) == (True, ())
    assert "aws:principalorgid" not in found.request.context


def test_a_function_has_a_policy_too(place):
    """Which Lambda writes from AddPermission."""
    trusted = {"Service": "lambda.amazonaws.com"}
    trust = {"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}
    role = place.iam.create_role(
        RoleName="run", AssumeRolePolicyDocument=json.dumps(access_control.policy(trust))
    )["Role"]["Arn"]
    package = functions.package({"index.py": "def handler(event, context):\n    return 1\n"})
    client = place.lab.client("lambda")
    function = functions.deploy(client, "one", package, role=role)
    arn, key = place.user("ana")
    own = place.lab.client("lambda", credentials=key)

    def invoke():
        return own.invoke(FunctionName=function)

    found = place.explain(arn, "lambda:InvokeFunction", function)
    agree(found, place.verdict(invoke))
    client.add_permission(
        FunctionName="one", StatementId="ana", Action="lambda:InvokeFunction", Principal=arn
    )
    found = place.explain(arn, "lambda:InvokeFunction", function)
    assert (found.allowed, found.statements[0].sid) == (True, "ana")
    assert place.verdict(invoke) is None


def test_a_closed_lab_is_no_lack_of_rights(place):
    """It is an error, and not something that could not be read."""
    place.lab.close()
    with pytest.raises(LabClosedError):
        place.explain(f"arn:aws:iam::{MAIN}:user/learner", "kms:ListKeys", "*")


def test_a_key_policy_without_the_account_leaves_iam_out(place):
    """An identity-based policy then counts for nothing."""
    learner = f"arn:aws:iam::{MAIN}:user/learner"
    own = access_control.policy(allow("kms:*", Principal={"AWS": learner}))
    key_arn = place.key(Policy=json.dumps(own))
    arn, key = place.user("ana", allow("kms:Sign"))
    found = place.explain(arn, "kms:Sign", key_arn)
    agree(found, place.verdict(lambda: place.sign(key_arn, key)))
    (half,) = found.missing
    assert (half.kind, half.statement["Resource"]) == ("resource", "*")
    assert place.explain(learner, "kms:Sign", key_arn).allowed


FACTS = {
    "user name": {"StringEquals": {"aws:username": "ana"}},
    "principal tag": {"StringEquals": {"aws:PrincipalTag/team": "pki"}},
    "caller's account": {"StringEquals": {"kms:CallerAccount": MAIN}},
    "resource's account": {"StringEquals": {"aws:ResourceAccount": MAIN}},
    "key spec": {"StringEquals": {"kms:KeySpec": "ECC_NIST_P256"}},
    "alias": {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/code"}},
    "key tag": {"StringEquals": {"aws:ResourceTag/stage": "test"}},
}


@pytest.mark.parametrize("fact", FACTS)
def test_facts_that_conditions_ask_for_are_looked_up(place, fact):
    """Nobody has to say them; and the other value is refused."""
    key_arn = place.key(Tags=[{"TagKey": "stage", "TagValue": "test"}])
    place.kms.create_alias(AliasName="alias/code", TargetKeyId=key_arn)
    ((operator, keys),) = FACTS[fact].items()
    for value, expected in ((FACTS[fact], True), ({operator: dict.fromkeys(keys, "no")}, False)):
        name = "ana" if expected else "ben"
        arn, key = place.user(
            name,
            allow("kms:Sign", Condition=value),
            Tags=[{"Key": "team", "Value": "pki"}],
        )
        found = place.explain(arn, "kms:Sign", key_arn)
        assert (found.allowed, found.asked) == (expected, ())
        agree(found, place.verdict(lambda key=key: place.sign(key_arn, key)))


def test_a_cas_tags_are_facts_too(place):
    """As the guide's tag-based policies need them."""
    ca = ca_hierarchy.create_root(
        place.lab.client("acm-pca"), {"CommonName": "Root"}, Tags=[{"Key": "stage", "Value": "x"}]
    )
    tagged = {"StringEquals": {"aws:ResourceTag/stage": "x"}}
    arn, key = place.user("ana", allow("acm-pca:GetCertificate*", Condition=tagged))
    pca = place.lab.client("acm-pca", credentials=key)
    for action, call in (
        ("GetCertificateAuthorityCertificate", pca.get_certificate_authority_certificate),
        ("DescribeCertificateAuthority", pca.describe_certificate_authority),
    ):
        found = place.explain(arn, f"acm-pca:{action}", ca)
        agree(found, place.verdict(lambda call=call: call(CertificateAuthorityArn=ca)))


def test_a_roles_tags_and_boundary_count(place):
    """As a user's do."""
    boundary = place.iam.create_policy(
        PolicyName="Bound", PolicyDocument=json.dumps(access_control.policy(allow("kms:Sign")))
    )["Policy"]["Arn"]
    tagged = {"StringEquals": {"aws:PrincipalTag/team": "pki"}}
    role = place.role(
        "signer",
        allow("kms:*", Condition=tagged),
        trusted=MAIN,
        PermissionsBoundary=boundary,
        Tags=[{"Key": "team", "Value": "pki"}],
    )
    key_arn = place.key()
    assert place.explain(role, "kms:Sign", key_arn).allowed
    held = place.explain(role, "kms:Verify", key_arn)
    assert (held.allowed, held.decision.kind) == (False, "boundary")
    session = place.lab.client("sts").assume_role(RoleArn=role, RoleSessionName="work")
    kms = place.lab.client("kms", credentials=session["Credentials"])
    assert place.verdict(lambda: place.sign(key_arn, session["Credentials"])) is None
    agree(
        place.explain(session["AssumedRoleUser"]["Arn"], "kms:GetPublicKey", key_arn),
        place.verdict(lambda: kms.get_public_key(KeyId=key_arn)),
    )


def test_whoever_may_retire_a_grant_may_do_that(place):
    """And nothing else with the key."""
    grantee, _ = place.user("ana")
    retiring, _ = place.user("ben")
    key_arn = place.key()
    place.kms.create_grant(
        KeyId=key_arn, GranteePrincipal=grantee, RetiringPrincipal=retiring, Operations=["Sign"]
    )
    assert place.explain(retiring, "kms:RetireGrant", key_arn).allowed
    assert place.explain(retiring, "kms:Sign", key_arn).allowed is False
    assert place.explain(grantee, "kms:RetireGrant", key_arn).allowed is False


def test_a_name_that_no_policy_can_write_ends_the_search(place):
    """The half is named once, and nothing is promised beyond."""
    place.lab.client("s3").create_bucket(Bucket="lab-odd")
    arn, _ = place.user("ana")
    odd = "arn:aws:s3:::lab-odd/${no:such}"
    assert len(place.explain(arn, "s3:GetObject", odd).missing) == 1


def test_what_every_request_carries_need_not_be_said(place):
    """The source address alone decides, as it does in the call; TLS and the Region are known."""
    everywhere = access_control.source_ip_policy(["203.0.113.0/24"])["Statement"]
    here = access_control.source_ip_policy(["127.0.0.0/8"])["Statement"]
    key_arn = place.key()
    for name, statements, expected in (("away", everywhere, False), ("home", here, True)):
        arn, key = place.user(name, allow("*"), *statements)
        found = place.explain(arn, "kms:Sign", key_arn, context={"aws:SourceIp": "127.0.0.1"})
        assert (found.allowed, found.asked) == (expected, ())
        agree(found, place.verdict(lambda key=key: place.sign(key_arn, key)))
    silent = place.explain(arn, "kms:Sign", key_arn)
    assert (silent.allowed, silent.asked) == (False, ("aws:sourceip",))


CARRIED = {
    "TLS": ("Bool", "aws:SecureTransport", "true", "false"),
    "nobody between": ("Bool", "aws:ViaAWSService", "false", "true"),
    "no service itself": ("Bool", "aws:PrincipalIsAWSService", "false", "true"),
    "the key's Region": ("StringEquals", "aws:RequestedRegion", "us-east-1", "eu-west-1"),
    "the kind of caller": ("StringEquals", "aws:PrincipalType", "User", "AssumedRole"),
}


@pytest.mark.parametrize("what", CARRIED)
def test_each_key_that_is_always_there_agrees_with_the_call(place, what):
    """With its value, and with another; and what is said comes first."""
    operator, name, value, other = CARRIED[what]
    key_arn = place.key()
    for user, wanted, expected in (("ana", value, True), ("ben", other, False)):
        arn, key = place.user(user, allow("kms:Sign", Condition={operator: {name: wanted}}))
        found = place.explain(arn, "kms:Sign", key_arn)
        assert (found.allowed, found.asked) == (expected, ())
        agree(found, place.verdict(lambda key=key: place.sign(key_arn, key)))
    assert place.explain(arn, "kms:Sign", key_arn, context={name: other}).allowed


def test_the_keys_of_a_request_follow_who_makes_it_and_where(place):
    """A service between, nobody at all, a global service, and what has no Region in its ARN."""
    learner = f"arn:aws:iam::{MAIN}:user/learner"

    def carried(who, action, resource, **more):
        return place.explain(who, action, resource, **more).request.context

    via = carried(learner, "kms:ListKeys", "*", context={"aws:CalledVia": ["athena.amazonaws.com"]})
    assert via["aws:viaawsservice"] == "true"
    assert "aws:requestedregion" not in via
    assert carried(learner, "iam:ListUsers", "*")["aws:requestedregion"] == "us-east-1"
    place.lab.client("s3").create_bucket(Bucket="lab-crl")
    stranger = carried("*", "s3:GetObject", "arn:aws:s3:::lab-crl/a", owner=MAIN)
    assert stranger["aws:principaltype"] == "Anonymous"
    assert not {"aws:principalisawsservice", "aws:requestedregion"} & stranger.keys()


def test_a_bucket_that_is_to_be_created_has_no_policy_yet(place):
    """It is nobody's, and that is no error; for any other action it is one."""
    arn, key = place.user("ana", allow("s3:CreateBucket"))
    bucket = "arn:aws:s3:::lab-new"
    found = place.explain(arn, "s3:CreateBucket", bucket)
    assert (found.allowed, found.unread) == (True, ())
    s3 = place.lab.client("s3", credentials=key)
    assert place.verdict(lambda: s3.create_bucket(Bucket="lab-new")) is None
    nobody, _ = place.user("ben")
    assert place.explain(nobody, "s3:CreateBucket", "arn:aws:s3:::lab-other").allowed is False
    with pytest.raises(ClientError, match="NoSuchBucket"):
        place.explain(arn, "s3:GetObject", "arn:aws:s3:::lab-other/a", owner=MAIN)


def test_both_halves_decide_where_both_are_needed(place):
    """Across accounts, and for a key that leaves it to IAM; where the key names who, one does."""
    key_arn = place.key()
    access_control.share_key(place.kms, key_arn, OTHER, ["Sign"], sid="Shared")
    eve, _ = place.user("eve", allow("kms:Sign", Sid="Use"), account="other")
    ana, _ = place.user("ana", allow("kms:Sign", Sid="Use"))
    for who, sid in ((eve, "Shared"), (ana, "Enable IAM User Permissions")):
        found = place.explain(who, "kms:Sign", key_arn)
        assert [each.sid for each in found.statements if each.deciding] == [sid, "Use"]
        assert f" by statement {sid} of key policy of " in found.because
        assert " and statement Use of inline policy Rights of user " in found.because
        assert repr(found).count(", which decides: ") == 2
        marked = {stage.name for stage in found.picture.stages if stage.verdict == "allow"}
        assert marked == {"Resource-based policies", "Identity-based policies"}
    ben, _ = place.user("ben")
    access_control.share_key(place.kms, key_arn, ben, ["Sign"], sid="Ben")
    found = place.explain(ben, "kms:Sign", key_arn)
    assert [each.sid for each in found.statements if each.deciding] == ["Ben"]
    assert place.explain(ana, "kms:Verify", key_arn).statements[0].deciding is False


def test_a_statement_without_a_sid_goes_by_its_policys_name(place):
    """And by its number only where there are several."""
    place.organization()
    managed = "arn:aws:iam::aws:policy/AdministratorAccess"
    arn, _ = place.user("eve", allow("kms:Sign"), allow("kms:ListKeys"), account="other")
    place.lab.client("iam", account="other").attach_user_policy(UserName="eve", PolicyArn=managed)
    found = place.explain(arn, "kms:ListKeys", "*")
    root = place.lab.client("organizations").list_roots()["Roots"][0]["Id"]
    assert {each.title: str(each) for each in found.statements} == {
        "number 2 of inline policy Rights of user eve": (
            "statement number 2 of inline policy Rights of user eve"
        ),
        "AdministratorAccess": managed,
        f"FullAWSAccess (attached to root {root})": f"FullAWSAccess (attached to root {root})",
        f"FullAWSAccess (attached to account {OTHER})": (
            f"FullAWSAccess (attached to account {OTHER})"
        ),
    }


def test_every_statement_that_denies_is_to_be_changed(place):
    """What would allow was not asked, and stands apart; once they are gone, the call passes."""
    rights = (allow("*", Sid="All"), deny("kms:Sign", Sid="One"), deny("kms:*", Sid="Two"))
    arn, key = place.user("ana", *rights)
    key_arn = place.key()
    found = place.explain(arn, "kms:Sign", key_arn)
    agree(found, place.verdict(lambda: place.sign(key_arn, key)))
    assert [half.denies for half in found.missing] == [True, True]
    lines = [line.strip() for line in repr(found).splitlines()]
    starts = ("Deny by statement One", "Deny by statement Two", "Would allow, and is not asked: ",
              "To change. Statement One", "To change. Statement Two")  # fmt: skip
    assert [line for line in lines if line.startswith(starts)] == lines[-5:]
    assert "statement All of inline policy" in lines[-3]
    assert "Missing." not in repr(found)
    place.attach("ana", rights[0])
    assert place.verdict(lambda: place.sign(key_arn, key)) is None


def test_the_other_half_that_is_there_is_told_apart_from_what_was_asked(place):
    """It allows, and the evaluation never came to it."""
    arn, _ = place.user("eve", allow("kms:Sign", Sid="Use"), account="other")
    shown = repr(place.explain(arn, "kms:Sign", place.key()))
    assert "Would allow, and is not asked: statement Use of inline policy" in shown
    assert "Allow by statement Use" not in shown
    assert "Missing. Account 111122223333 must add" in shown
