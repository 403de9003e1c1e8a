"""A third party's role, and the deputy who is not to be confused."""

import pytest
from botocore.exceptions import ClientError

from pkilab.access_control import third_party_role, third_party_trust
from pkilab.errors import MalformedError

MAIN, OTHER = "111122223333", "444455556666"
LEX = "arn:aws:iam::aws:policy/AmazonLexReadOnly"


def assume(place, role, **more):
    sts = place.lab.client("sts", account="other")
    return sts.assume_role(RoleArn=role, RoleSessionName="verify", **more)


@pytest.mark.parametrize("sent", ["whereml-7f3a", "another-customer", None])
def test_only_the_right_external_id_opens_the_role(place, sent):
    """The registry sends each customer's own: one customer's does not open another's role."""
    role = third_party_role(
        place.iam,
        "DotBotCrossAccountVerifyRole",
        third_party_account=OTHER,
        external_id="whereml-7f3a",
        policies=[LEX],
        description="lets the registry look at our bots",
    )
    more = {"ExternalId": sent} if sent else {}
    context = {"sts:ExternalId": sent} if sent else {}
    found = place.explain(f"arn:aws:iam::{OTHER}:user/learner", "sts:AssumeRole", role,
                          context=context)  # fmt: skip
    denial = place.verdict(lambda: assume(place, role, **more))
    assert found.allowed is (denial is None) is (sent == "whereml-7f3a")
    if denial:
        assert denial.kind is None, "STS does not say which half is missing"
        (half,) = found.missing
        assert (half.who, half.statement) == (MAIN, None)
        assert '{"StringEquals": {"sts:ExternalId": "whereml-7f3a"}}' in half.sentence


def test_the_third_partys_own_account_must_allow_it_too(place):
    """The other half of sts:AssumeRole."""
    role = third_party_role(
        place.iam, "Verify", third_party_account=OTHER, external_id="x-1", policies=[]
    )
    arn, key = place.user("clerk", account="other")
    sts = place.lab.client("sts", credentials=key)
    where = {"RoleArn": role, "RoleSessionName": "verify", "ExternalId": "x-1"}
    context = {"sts:ExternalId": "x-1"}
    found = place.explain(arn, "sts:AssumeRole", role, context=context)
    assert place.verdict(lambda: sts.assume_role(**where)) is not None
    (half,) = found.missing
    assert (found.allowed, half.kind, half.who) == (False, "identity", OTHER)
    place.attach("clerk", half.statement, account="other")
    assert place.explain(arn, "sts:AssumeRole", role, context=context).allowed
    assert place.verdict(lambda: sts.assume_role(**where)) is None


def test_the_session_may_what_the_role_may_and_no_more(place):
    """Managed and inline policies; several inline ones have names of their own."""
    listing = {"Effect": "Allow", "Action": "kms:ListKeys", "Resource": "*"}
    inline = {"Version": "2012-10-17", "Statement": [listing]}
    role = third_party_role(
        place.iam,
        "Verify",
        third_party_account=OTHER,
        external_id="x-1",
        policies=[LEX, inline, inline],
    )
    assert place.iam.list_role_policies(RoleName="Verify")["PolicyNames"] == ["Verify", "Verify-2"]
    session = assume(place, role, ExternalId="x-1")
    arn = session["AssumedRoleUser"]["Arn"]
    kms = place.lab.client("kms", credentials=session["Credentials"])
    assert place.verdict(kms.list_keys) is None
    assert place.explain(arn, "kms:ListKeys", "*").allowed
    assert place.verdict(kms.create_key).kind == "identity"
    assert place.explain(arn, "kms:CreateKey", "*").allowed is False
    assert place.explain(arn, "lex:GetBot", "*").statements[0].policy == LEX
    with pytest.raises(ClientError, match="EntityAlreadyExists"):
        third_party_role(place.iam, "Verify", third_party_account=OTHER, external_id="x-1")


@pytest.mark.parametrize(
    ("account", "external_id"),
    [("1234", "x-1"), ("12345678901x", "x-1"), (OTHER, "x"), (OTHER, "a b"), (OTHER, "x" * 1225),
     (OTHER, "")],
)  # fmt: skip
def test_what_is_no_account_or_no_external_id_is_refused(account, external_id):
    """Before IAM is asked."""
    with pytest.raises(MalformedError, match="expected"):
        third_party_trust(account, external_id)
