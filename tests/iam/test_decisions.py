"""AWS's evaluation order. Tables marked with a page are AWS's own."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.iam import Decision, Policies, Principal, Request, decide, read_policy

ACCOUNT, OTHER = "111122223333", "444455556666"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
USER = Principal("user", f"arn:aws:iam::{ACCOUNT}:user/alice", ACCOUNT)
ROOT = Principal("root", f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)
SESSION = Principal(
    "assumed-role",
    f"arn:aws:sts::{ACCOUNT}:assumed-role/signer/one",
    ACCOUNT,
    role_arn=f"arn:aws:iam::{ACCOUNT}:role/team/signer",
)
FEDERATED = Principal(
    "federated-user",
    f"arn:aws:sts::{ACCOUNT}:federated-user/exampleuser",
    ACCOUNT,
    role_arn=USER.arn,
)
LINKED = Principal(
    "assumed-role",
    f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSServiceRoleForX/one",
    ACCOUNT,
    role_arn=f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX",
)
SERVICE = Principal("service", "acm.amazonaws.com", "")
ANYONE = Principal("anonymous", "*", "")


def read(statements, kind, name=""):
    return read_policy({"Version": "2012-10-17", "Statement": statements}, kind=kind, name=name)


def identity(effect="Allow", action="*", resource="*", kind="identity", **elements):
    return read({"Effect": effect, "Action": action, "Resource": resource, **elements}, kind)


def on_resource(principal, effect="Allow", action="*", kind="resource", **elements):
    named = principal if principal == "*" else {"AWS": principal}
    return read(
        {"Effect": effect, "Action": action, "Resource": "*", "Principal": named, **elements}, kind
    )


def ask(principal, policies, action="s3:GetObject", resource="arn:aws:s3:::b/k", owner=ACCOUNT):
    return decide(Request(principal, action, resource, owner), policies)


YES, NO = identity(), identity(action="ec2:*")  # NO: an implicit deny of everything asked for here
LIMIT = replace(NO, kind="boundary")
NARROW = (replace(NO, kind="session"),)


@pytest.mark.parametrize(
    ("principal", "named", "boundary", "session", "allowed"),
    [
        (SESSION, SESSION.role_arn, LIMIT, NARROW, False),
        (SESSION, SESSION.role_arn, LIMIT, None, False),
        (SESSION, SESSION.role_arn, None, NARROW, False),
        (SESSION, SESSION.role_arn, None, None, True),
        (SESSION, SESSION.arn, LIMIT, NARROW, True),
        (USER, USER.arn, LIMIT, None, True),
        (FEDERATED, USER.arn, LIMIT, NARROW, False),
        (FEDERATED, USER.arn, None, NARROW, False),
        (FEDERATED, FEDERATED.arn, LIMIT, NARROW, True),
        (ROOT, ROOT.arn, None, None, True),
        # Below the table: a star, which role sessions are let in by with aws:PrincipalArn.
        (SESSION, "*", LIMIT, NARROW, True),
        (USER, "*", LIMIT, None, True),
        # An account's name only delegates.
        (SESSION, ACCOUNT, None, None, False),
        (USER, ROOT.arn, None, None, False),
    ],
)
def test_whom_a_resource_policy_names_decides_what_limits_it(
    principal, named, boundary, session, allowed
):
    """IAM User Guide, "How AWS enforcement code logic evaluates requests", the table of principals.

    Identity policies, boundary and session policies each deny implicitly where they are there.
    """
    policies = Policies((NO,), boundary, session, (on_resource(named),))
    assert ask(principal, policies).allowed is allowed


def test_a_service_is_allowed_by_the_resources_policy_alone():
    """The table's last row. Nothing else speaks for it, and nobody without credentials."""
    allow = read(
        {"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": {"Service": SERVICE.arn}},
        "resource",
    )
    assert ask(SERVICE, Policies(resource=(allow,))).allowed
    assert not ask(ANYONE, Policies(resource=(allow,))).allowed
    assert ask(ANYONE, Policies(resource=(on_resource("*"),))).allowed
    for principal in (SERVICE, ANYONE):
        decision = ask(principal, Policies(identity=(YES,)))
        assert decision.because == "because no resource-based policy allows the s3:GetObject action"


@pytest.mark.parametrize(
    ("identity_policy", "resource_policy", "effect", "kind"),
    [
        (YES, None, "allowed", "identity"),
        (NO, on_resource(USER.arn), "allowed", "resource"),
        (YES, on_resource(USER.arn), "allowed", "resource"),
        (NO, None, "implicitDeny", "identity"),
        (YES, on_resource(USER.arn, "Deny"), "explicitDeny", "resource"),
        (identity("Deny"), on_resource(USER.arn), "explicitDeny", "identity"),
    ],
)
def test_within_an_account_either_policy_allows(identity_policy, resource_policy, effect, kind):
    """IAM User Guide, "Evaluating identity-based policies with resource-based policies"."""
    resource = (resource_policy,) if resource_policy else ()
    decision = ask(USER, Policies(identity=(identity_policy,), resource=resource))
    assert (decision.effect, decision.kind) == (effect, kind)


@pytest.mark.parametrize("named", [USER.arn, ACCOUNT, "*"])
@pytest.mark.parametrize(
    ("identity_policy", "boundary", "resource_allows", "effect", "kind"),
    [
        (YES, None, True, "allowed", "identity"),
        (YES, None, False, "implicitDeny", "resource"),
        (NO, None, True, "implicitDeny", "identity"),
        (NO, None, False, "implicitDeny", "resource"),
        (YES, LIMIT, True, "implicitDeny", "boundary"),
        (identity("Deny"), None, True, "explicitDeny", "identity"),
    ],
)
def test_across_accounts_both_must_allow(
    named, identity_policy, boundary, resource_allows, effect, kind
):
    """IAM User Guide, "Cross-account policy evaluation logic", however the caller is named."""
    resource = (on_resource(named),) if resource_allows else ()
    policies = Policies((identity_policy,), boundary, None, resource)
    decision = ask(USER, policies, owner=OTHER)
    assert (decision.effect, decision.kind) == (effect, kind)


def test_across_accounts_a_named_role_or_session_needs_its_own_accounts_leave_too():
    """Within the account each of these would be enough."""
    for named in (SESSION.role_arn, SESSION.arn):
        policies = Policies((NO,), resource=(on_resource(named),))
        assert ask(SESSION, policies).allowed
        assert ask(SESSION, policies, owner=OTHER).kind == "identity"
        assert ask(SESSION, replace(policies, identity=(YES,)), owner=OTHER).allowed


def test_carlos_and_the_production_bucket():
    """IAM User Guide, "Cross-account policy evaluation logic", its example."""
    carlos = Principal("user", f"arn:aws:iam::{ACCOUNT}:user/carlossalazar", ACCOUNT)
    mine = read(
        [
            {"Sid": "AllowS3ListRead", "Effect": "Allow",
             "Action": ["s3:GetBucketLocation", "s3:GetAccountPublicAccessBlock",
                        "s3:ListAllMyBuckets"], "Resource": "arn:aws:s3:::*"},
            {"Sid": "AllowS3ProductionObjectActions", "Effect": "Allow", "Action": "s3:*Object*",
             "Resource": "arn:aws:s3:::Production/*"},
            {"Sid": "DenyS3Logs", "Effect": "Deny", "Action": "s3:*",
             "Resource": ["arn:aws:s3:::*log*", "arn:aws:s3:::*log*/*"]},
        ],
        "identity",
    )  # fmt: skip
    theirs = read(
        {"Effect": "Allow", "Action": ["s3:GetObject*", "s3:PutObject*", "s3:ReplicateObject",
                                       "s3:RestoreObject"],
         "Principal": {"AWS": carlos.arn}, "Resource": "arn:aws:s3:::Production/*"},
        "resource",
    )  # fmt: skip
    policies = Policies(identity=(mine,), resource=(theirs,))
    put = ask(carlos, policies, "s3:PutObject", "arn:aws:s3:::Production/a", OTHER)
    assert put.allowed
    listing = ask(carlos, policies, "s3:ListBucket", "arn:aws:s3:::Production", OTHER)
    assert listing.effect == "implicitDeny"
    logs = ask(carlos, policies, "s3:PutObject", "arn:aws:s3:::Production/logs", OTHER)
    assert (logs.effect, logs.matches[0].statement.sid) == ("explicitDeny", "DenyS3Logs")


@pytest.mark.parametrize(
    ("boundary", "session", "effect", "because"),
    [
        (None, None, "allowed", ""),
        (LIMIT, None, "implicitDeny", "because no permissions boundary allows"),
        (None, NARROW, "implicitDeny", "because no session policy allows"),
        (None, (), "implicitDeny", "because no session policy allows"),
        (None, (*NARROW, replace(YES, kind="session")), "allowed", ""),
        (replace(YES, kind="boundary"), (replace(YES, kind="session"),), "allowed", ""),
        (identity("Deny", kind="boundary"), None, "explicitDeny",
         "with an explicit deny in a permissions boundary"),
        (None, (identity("Deny", kind="session"),), "explicitDeny",
         "with an explicit deny in a session policy"),
    ],
)  # fmt: skip
def test_boundary_and_session_policies_limit_what_identity_policies_allow(
    boundary, session, effect, because
):
    """IAM User Guide, "Permissions boundaries for IAM entities", "Session policies"."""
    decision = ask(SESSION, Policies((YES,), boundary, session))
    assert decision.effect == effect
    assert decision.because.startswith(because)
    nothing = ask(SESSION, Policies((NO,), replace(YES, kind="boundary")))
    assert nothing.kind == "identity", "a boundary grants nothing"


def test_a_federated_user_without_a_session_policy_may_do_nothing():
    """IAM User Guide, GetFederationToken: unless a resource names the session itself."""
    assert ask(FEDERATED, Policies(identity=(YES,))).kind == "session"
    assert ask(FEDERATED, Policies(resource=(on_resource(FEDERATED.arn),))).allowed


FULL = (replace(YES, kind="service control"),)
NONE = (replace(NO, kind="service control"),)
NOT = (*FULL, identity("Deny", kind="service control"))


@pytest.mark.parametrize(
    ("levels", "effect", "because"),
    [
        ((), "allowed", ""),
        ((FULL, FULL, FULL), "allowed", ""),
        ((FULL, NONE, FULL), "implicitDeny",
         "because no service control policy allows the s3:GetObject action"),
        ((FULL, ()), "implicitDeny",
         "because no service control policy allows the s3:GetObject action"),
        ((NOT, FULL), "explicitDeny", "with an explicit deny in a service control policy"),
    ],
)  # fmt: skip
def test_every_level_of_the_organization_must_allow(levels, effect, because):
    """AWS Organizations User Guide, "SCP evaluation": root, each unit, account."""
    for principal in (USER, SESSION, ROOT):
        decision = ask(principal, Policies(identity=(YES,), service_control=levels))
        assert (decision.effect, decision.because) == (effect, because)


def test_service_control_policies_spare_services_and_service_linked_roles():
    """And a resource's policy does not: it lets nobody past them that they speak of."""
    policies = Policies((YES,), resource=(on_resource("*"),), service_control=(NONE,))
    assert ask(LINKED, policies).allowed
    assert ask(SERVICE, policies).allowed
    assert ask(ANYONE, policies).allowed
    assert ask(USER, policies).kind == "service control"


def test_resource_control_policies_reach_everyone_but_service_linked_roles():
    """AWS Organizations User Guide, "Resource control policies"."""
    full = on_resource("*", kind="resource control")
    deny = on_resource("*", "Deny", kind="resource control")
    for principal in (USER, SESSION, ROOT, SERVICE, ANYONE):
        policies = Policies((YES,), resource=(on_resource("*"),), resource_control=((full, deny),))
        decision = ask(principal, policies)
        assert decision.because == "with an explicit deny in a resource control policy"
        assert ask(principal, replace(policies, resource_control=((full,),))).allowed
        missing = ask(principal, replace(policies, resource_control=((full,), ())))
        assert (missing.effect, missing.kind) == ("implicitDeny", "resource control")
    assert ask(LINKED, Policies((YES,), resource_control=((full, deny),))).allowed


DELEGATES = on_resource(f"arn:aws:iam::{ACCOUNT}:root", action="kms:*")


@pytest.mark.parametrize(
    ("principal", "identity_policy", "key_policy", "effect", "kind"),
    [
        (USER, YES, DELEGATES, "allowed", "identity"),
        (USER, NO, DELEGATES, "implicitDeny", "identity"),
        (USER, YES, on_resource(OTHER), "implicitDeny", "resource"),
        (USER, YES, on_resource(f"arn:aws:iam::{ACCOUNT}:user/bob"), "implicitDeny", "resource"),
        (USER, NO, on_resource(USER.arn), "allowed", "resource"),
        (SESSION, NO, on_resource(SESSION.role_arn), "allowed", "resource"),
        (ROOT, NO, DELEGATES, "allowed", "resource"),
        (ROOT, NO, on_resource(USER.arn), "implicitDeny", "resource"),
        (USER, YES, on_resource(ACCOUNT, action="kms:Describe*"), "implicitDeny", "resource"),
    ],
)
def test_a_key_is_used_by_its_key_policys_leave_alone(
    principal, identity_policy, key_policy, effect, kind
):
    """AWS KMS Developer Guide, "Key policies in AWS KMS": not even the root user without it."""
    policies = Policies((identity_policy,), resource=(key_policy,), requires_resource_policy=True)
    decision = ask(principal, policies, "kms:Sign", KEY)
    assert (decision.effect, decision.kind) == (effect, kind)


def test_what_the_account_may_delegate_ends_where_the_key_policys_conditions_do():
    """The delegating statement's conditions must hold, too."""
    condition = {"StringEquals": {"kms:SigningAlgorithm": "ECDSA_SHA_256"}}
    key_policy = on_resource(ACCOUNT, Condition=condition)
    policies = Policies((YES,), resource=(key_policy,), requires_resource_policy=True)
    for algorithm, allowed in (("ECDSA_SHA_256", True), ("ECDSA_SHA_384", False)):
        context = {"kms:signingalgorithm": algorithm}
        request = Request(USER, "kms:Sign", KEY, ACCOUNT, context)
        assert decide(request, policies).allowed is allowed


def test_a_grant_allows_whom_it_names():
    """AWS KMS Developer Guide, "Grants in AWS KMS"; a deny in the key policy is stronger."""
    grant = on_resource(USER.arn, action="kms:Sign", kind="grant")
    policies = Policies(resource=(on_resource(OTHER), grant), requires_resource_policy=True)
    decision = ask(USER, policies, "kms:Sign", KEY)
    assert (decision.effect, decision.kind) == ("allowed", "grant")
    assert not ask(USER, policies, "kms:GetPublicKey", KEY).allowed
    assert not ask(SESSION, policies, "kms:Sign", KEY).allowed
    denied = replace(policies, resource=(on_resource(ACCOUNT, "Deny"), grant))
    assert ask(USER, denied, "kms:Sign", KEY).effect == "explicitDeny"


ROLE = f"arn:aws:iam::{ACCOUNT}:role/signer"


@pytest.mark.parametrize(
    ("trust", "identity_policy", "because"),
    [
        (on_resource(USER.arn), NO, ""),
        (on_resource(ACCOUNT), YES, ""),
        (on_resource(ACCOUNT), NO,
         "because no identity-based policy allows the sts:AssumeRole action"),
        (on_resource(OTHER), YES, "because no role trust policy allows the sts:AssumeRole action"),
        (on_resource(USER.arn, "Deny"), YES, "with an explicit deny in the role trust policy"),
    ],
)  # fmt: skip
def test_a_role_is_assumed_by_its_trust_policys_leave(trust, identity_policy, because):
    """IAM User Guide, "Troubleshoot access denied error messages", role trust policies."""
    policies = Policies((identity_policy,), resource=(trust,), requires_resource_policy=True)
    assert ask(USER, policies, "sts:AssumeRole", ROLE).because == because


@pytest.mark.parametrize(
    ("policies", "because"),
    [
        (Policies((NO,)), "because no identity-based policy allows the a:B action"),
        (Policies((identity("Deny"),)), "with an explicit deny in an identity-based policy"),
        (Policies(resource=(on_resource("*", "Deny"),)),
         "with an explicit deny in a resource-based policy"),
        (Policies(requires_resource_policy=True),
         "because no resource-based policy allows the a:B action"),
        (Policies((YES,), LIMIT), "because no permissions boundary allows the a:B action"),
        (Policies((YES,), session=NARROW), "because no session policy allows the a:B action"),
        (Policies((YES,), resource_control=((),)),
         "because no resource control policy allows the a:B action"),
        (Policies((YES,)), ""),
    ],
)  # fmt: skip
def test_a_refusal_is_told_in_awss_words(policies, because):
    """IAM User Guide, "Troubleshoot access denied error messages"."""
    assert ask(USER, policies, "a:B").because == because


def test_the_root_user_may_do_everything_in_its_account_that_nothing_denies():
    """Elsewhere it needs the resource's leave, and no identity policy."""
    own = ask(ROOT, Policies())
    assert (own.effect, own.kind, own.steps[-1].name) == ("allowed", None, "Root user")
    assert ask(ROOT, Policies(resource=(on_resource("*", "Deny"),))).effect == "explicitDeny"
    assert not ask(ROOT, Policies(), owner=OTHER).allowed
    assert ask(ROOT, Policies(resource=(on_resource(ACCOUNT),)), owner=OTHER).allowed


@pytest.mark.parametrize(
    ("named", "allowed"), [([USER.arn, ACCOUNT], True), ([USER.arn], False), ([ACCOUNT], False)]
)
def test_not_principal_with_deny_spares_a_user_named_with_its_account(named, allowed):
    """IAM User Guide, NotPrincipal; and nobody who has a permissions boundary."""
    deny = read(
        {"Effect": "Deny", "NotPrincipal": {"AWS": named}, "Action": "*", "Resource": "*"},
        "resource",
    )
    policies = Policies((YES,), resource=(deny,))
    assert ask(USER, policies).allowed is allowed
    bounded = replace(policies, boundary=replace(YES, kind="boundary"))
    assert ask(USER, bounded).effect == "explicitDeny"


def test_a_denied_account_or_role_is_every_principal_and_session_of_it():
    """A deny needs no further leave, whatever an allow would need."""
    for named, principals in ((ACCOUNT, (USER, SESSION, ROOT)), (SESSION.role_arn, (SESSION,))):
        policies = Policies((YES,), resource=(on_resource(named, "Deny"), on_resource(USER.arn)))
        for principal in principals:
            assert ask(principal, policies).effect == "explicitDeny"
    policies = Policies((YES,), resource=(on_resource(SESSION.arn, "Deny"),))
    assert ask(replace(SESSION, arn=SESSION.arn + "-more"), policies).allowed


@pytest.mark.parametrize(
    ("written", "asked", "allowed"),
    [
        ("kms:Sign", "kms:Sign", True),
        ("KMS:sign", "kms:Sign", True),
        ("kms:S?gn", "kms:Sign", True),
        ("kms:*", "kms:Sign", True),
        ("*", "kms:Sign", True),
        ("kms:Sig", "kms:Sign", False),
        ("kms:Sign ", "kms:Sign", False),
        ("kms:Sign", "kms:Signal", False),
    ],
)
def test_actions_are_matched_in_any_case_and_to_the_last_blank(written, asked, allowed):
    """A blank behind an action makes another action of it, which nobody ever asks for."""
    assert ask(USER, Policies((identity(action=written),)), asked).allowed is allowed
    opposite = {"Effect": "Allow", "NotAction": written, "Resource": "*"}
    assert ask(USER, Policies((read(opposite, "identity"),)), asked).allowed is not allowed


def test_resources_are_matched_in_their_own_case():
    """And NotResource is the rest."""
    policies = Policies((identity(resource="arn:aws:s3:::B/*"),))
    assert not ask(USER, policies).allowed
    rest = {"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::B/*"}
    assert ask(USER, Policies((read(rest, "identity"),))).allowed


def test_a_decision_tells_its_steps_and_every_statement_that_applied():
    """In AWS's order, up to the one that decided."""
    allow = read([{"Sid": "Unrelated", "Effect": "Allow", "Action": "ec2:*", "Resource": "*"},
                  {"Sid": "All", "Effect": "Allow", "Action": "*", "Resource": "*"}],
                 "identity", "Everything")  # fmt: skip
    deny = read([{"Sid": "No", "Effect": "Deny", "Action": "s3:*", "Resource": "*"}],
                "identity", "NoS3")  # fmt: skip
    allowed = ask(USER, Policies((allow,)))
    assert [step.name for step in allowed.steps] == [
        "Explicit deny", "Resource control policies", "Service control policies",
        "Resource-based policies", "Identity-based policies", "Permissions boundary",
        "Session policies",
    ]  # fmt: skip
    assert [step.verdict for step in allowed.steps] == ["continue"] * 6 + ["allow"]
    assert [(match.statement.sid, match.index) for match in allowed.matches] == [("All", 1)]
    denied = ask(USER, Policies((allow, deny)))
    assert [match.statement.sid for match in denied.matches] == ["No", "All"]
    assert [(step.name, step.verdict) for step in denied.steps] == [("Explicit deny", "deny")]
    assert denied.steps[0].why == "Statement No of NoS3 denies the request."


# Random policies.

ACTIONS = ["s3:GetObject", "s3:PutObject", "kms:Sign"]
RESOURCES = ["arn:aws:s3:::a/x", "arn:aws:s3:::b/y", "*"]
PEOPLE = [USER, SESSION, FEDERATED, ROOT, SERVICE, ANYONE, LINKED]
NAMES = ["*", ACCOUNT, OTHER, USER.arn, SESSION.arn, SESSION.role_arn, FEDERATED.arn]
CONDITIONS = [
    {},
    {"StringEquals": {"aws:username": "alice"}},
    {"StringNotEquals": {"aws:username": "alice"}},
    {"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}},
    {"Null": {"aws:username": "true"}},
    {"StringLike": {"s3:prefix": "${aws:username}*"}},
]
CONTEXTS = st.fixed_dictionaries(
    {},
    optional={
        "aws:username": st.sampled_from(["alice", "bob"]),
        "aws:tagkeys": st.sampled_from([(), ("a",), ("a", "b")]),
        "s3:prefix": st.sampled_from(["", "alice/"]),
    },
)


@st.composite
def statements(draw, kind, effect=None):
    statement = {"Effect": effect or draw(st.sampled_from(["Allow", "Allow", "Deny"]))}
    element = draw(st.sampled_from(["Action", "NotAction"]))
    statement[element] = draw(st.sampled_from([*ACTIONS, "*", "s3:*"]))
    element = draw(st.sampled_from(["Resource", "NotResource"]))
    resource = st.sampled_from(["*", "arn:aws:s3:::a/*", "arn:aws:s3:::${aws:username}"])
    statement[element] = draw(resource)
    statement["Condition"] = draw(st.sampled_from(CONDITIONS))
    if kind == "resource control":
        statement["Principal"] = "*"
    elif kind in ("resource", "grant"):
        aws = draw(st.sampled_from(NAMES))
        statement["Principal"] = draw(st.sampled_from([{"AWS": aws}, {"Service": SERVICE.arn}]))
    return statement


def documents(kind):
    return st.lists(statements(kind), min_size=1, max_size=3).map(lambda found: read(found, kind))


def several(kind, most=2):
    return st.lists(documents(kind), max_size=most).map(tuple)


POLICIES = st.builds(
    Policies,
    identity=several("identity"),
    boundary=st.none() | documents("boundary"),
    session=st.none() | several("session", 1),
    resource=several("resource"),
    service_control=st.lists(several("service control", 1), max_size=2).map(tuple),
    resource_control=st.lists(several("resource control", 1), max_size=1).map(tuple),
    requires_resource_policy=st.booleans(),
)
REQUESTS = st.builds(
    Request,
    st.sampled_from(PEOPLE),
    st.sampled_from(ACTIONS),
    st.sampled_from(RESOURCES),
    st.sampled_from(["", ACCOUNT, OTHER]),
    CONTEXTS,
)
FIELDS = ("identity", "boundary", "session", "resource", "service_control", "resource_control")
KINDS = dict(zip(FIELDS, ("identity", "boundary", "session", "resource", "service control",
                          "resource control"), strict=True))  # fmt: skip


def with_statement(policies, where, statement):
    """Add one statement to some policy of a kind that is there; None if there is none."""
    found = getattr(policies, where)
    if not found:
        return None

    def grown(document):
        texts = [json.loads(each.text) for each in document.statements]
        return read([*texts, statement], KINDS[where])

    if where == "boundary":
        return replace(policies, boundary=grown(found))
    if where.endswith("control"):
        if not found[0]:
            return None
        return replace(policies, **{where: ((grown(found[0][0]), *found[0][1:]), *found[1:])})
    return replace(policies, **{where: (grown(found[0]), *found[1:])})


@given(REQUESTS, POLICIES)
def test_a_statement_that_denies_always_wins(request_, policies):
    """And an explicit deny has one."""
    decision = decide(request_, policies)
    denied = any(match.effect == "Deny" for match in decision.matches)
    assert (decision.effect == "explicitDeny") is denied
    assert decision.allowed is (decision.because == "")
    if denied:
        assert decision.matches[0].effect == "Deny"
    if decision.effect == "allowed" and decision.kind is not None:
        assert decision.matches[0].document.kind == decision.kind


@given(REQUESTS, POLICIES, st.sampled_from(FIELDS), st.data())
def test_denying_more_never_allows_and_allowing_more_never_denies(request_, policies, where, data):
    """Wherever the statement is added."""
    before = decide(request_, policies)
    deny = data.draw(statements(KINDS[where], "Deny"))
    allow = data.draw(statements(KINDS[where], "Allow"))
    if (denying := with_statement(policies, where, deny)) is None:
        return
    assert before.allowed or not decide(request_, denying).allowed
    after = decide(request_, with_statement(policies, where, allow))
    assert after.allowed or not before.allowed


@given(REQUESTS, POLICIES, st.data())
def test_the_order_of_statements_and_policies_does_not_matter(request_, policies, data):
    """What decides may be another statement, the decision is not."""

    def shuffled(document):
        texts = [json.loads(each.text) for each in document.statements]
        return read(data.draw(st.permutations(texts)), document.kind)

    def turned(found):
        return tuple(shuffled(document) for document in reversed(found))

    other = replace(
        policies,
        identity=turned(policies.identity),
        resource=turned(policies.resource),
        boundary=policies.boundary and shuffled(policies.boundary),
        service_control=tuple(map(turned, reversed(policies.service_control))),
    )
    before, after = decide(request_, policies), decide(request_, other)
    assert (before.effect, before.because) == (after.effect, after.because)


@given(REQUESTS, POLICIES)
def test_nothing_but_root_and_resource_policies_allows_without_a_statement(request_, policies):
    """Every allow has a statement behind it."""
    decision: Decision = decide(request_, policies)
    if decision.allowed and decision.kind is None:
        assert request_.principal.kind == "root"
        assert request_.same_account
    elif decision.allowed:
        assert decision.matches[0].effect == "Allow"


@given(REQUESTS, POLICIES)
def test_across_accounts_nothing_is_allowed_without_the_resources_policy(request_, policies):
    """Nor without the caller's account, but for its root user."""
    request_ = replace(request_, owner=OTHER)
    decision = decide(request_, policies)
    if decision.allowed:
        kinds = {match.document.kind for match in decision.matches}
        assert "resource" in kinds
        if request_.principal.in_account and request_.principal.kind != "root":
            assert "identity" in kinds
