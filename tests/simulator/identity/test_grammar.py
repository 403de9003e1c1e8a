"""What IAM takes for a policy."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.identity.directory import Directory
from pkilab.simulator.identity.grammar import check_policy, check_trust_policy
from pkilab.simulator.service import AwsError

ALLOW = {"Effect": "Allow", "Action": "kms:Sign", "Resource": "*"}
TRUST = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "111122223333"}}
NOBODY = Directory(())


def text(statement, **members):
    return json.dumps({"Version": "2012-10-17", "Statement": statement, **members})


def refused(check, *arguments, **options):
    with pytest.raises(AwsError) as caught:
        check(*arguments, **options)
    return caught.value.code, caught.value.message


@pytest.mark.parametrize(
    "statement",
    [
        ALLOW,
        [ALLOW, {**ALLOW, "Effect": "Deny"}],
        {**ALLOW, "Condition": {"NumericLessThan": {"aws:MultiFactorAuthAge": 3600}}},
        {**ALLOW, "Condition": {"Bool": {"aws:SecureTransport": False}}},
        {**ALLOW, "Condition": {"NumericEquals": {"s3:max-keys": [1, "2"]}}},
        {"Effect": "Allow", "NotAction": "iam:*", "NotResource": "arn:aws:s3:::secret"},
    ],
)
def test_a_policy_is_taken(statement):
    """Numbers and truth values in conditions, too."""
    check_policy(text(statement))


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ("", "This policy contains invalid Json"),
        ("{", "This policy contains invalid Json"),
        ("[]", "Syntax errors in policy."),
        (text([]), "Syntax errors in policy."),
        (text({**ALLOW, "Effect": "Maybe"}), "Syntax errors in policy."),
        (text({**ALLOW, "Actions": "x"}), "Syntax errors in policy."),
        (text({**ALLOW, "Principal": "*"}), "Policy document should not specify a principal."),
        (text({"Effect": "Allow", "Resource": "*"}), "Policy statement must contain actions."),
        (text({"Effect": "Allow", "Action": "s3:*"}), "Policy statement must contain resources."),
        (
            text({**ALLOW, "Action": "Sign"}),
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        ),
        (text({**ALLOW, "Resource": "key"}), 'Resource key must be in ARN format or "*".'),
        (
            text(ALLOW, Version="2008-10-17"),
            "Policy document must be version 2012-10-17 or greater.",
        ),
        (
            text([{**ALLOW, "Sid": "A"}, {**ALLOW, "Sid": "A"}]),
            "Statement IDs (SID) in a single policy must be unique.",
        ),
    ],
)
def test_what_is_no_policy_is_refused_in_iams_sentence(document, sentence):
    """With one code for all."""
    assert refused(check_policy, document) == ("MalformedPolicyDocument", sentence)


def test_what_is_not_modelled_is_refused_where_policies_decide():
    """Where they do not, it is kept."""
    unknown = text({**ALLOW, "Condition": {"StringEquals": {"aws:username": "${made:Up}"}}})
    check_policy(unknown)
    assert refused(check_policy, unknown, understood=True)[0] == "NotImplemented"


@pytest.mark.parametrize(
    "document",
    [
        text(TRUST),
        text({**TRUST, "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]}),
        text(TRUST, Version="2008-10-17"),
        json.dumps({"Statement": [TRUST]}),
        text({**TRUST, "Principal": {"Service": "lambda.amazonaws.com"}}),
        text({**TRUST, "Principal": "*", "Condition": {"Bool": {"aws:SecureTransport": True}}}),
    ],
)
def test_a_trust_policy_is_taken(document):
    """In the old version, too."""
    check_trust_policy(document, NOBODY)


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ({**TRUST, "Resource": "*"}, "Has prohibited field Resource"),
        ({"Effect": "Allow", "Action": "sts:AssumeRole"}, "Missing required field Principal"),
        (
            {**TRUST, "Action": "kms:Sign"},
            "AssumeRole policy may only specify STS AssumeRole actions.",
        ),
        (
            {**TRUST, "Action": "sts:*"},
            "AssumeRole policy may only specify STS AssumeRole actions.",
        ),
        (
            {"Effect": "Allow", "Action": "sts:AssumeRole", "NotPrincipal": {"AWS": "*"}},
            "AssumeRole policy must not contain NotPrincipal field.",
        ),
        (
            {**TRUST, "Principal": {"AWS": ["111122223333", "arn:aws:iam::111122223333:user/*"]}},
            'Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:user/*"',
        ),
        (
            {**TRUST, "Principal": {"Service": "lambda"}},
            'Invalid principal in policy: "Service":"lambda"',
        ),
        ({**TRUST, "Principal": {"AWS": 1}}, "Syntax errors in policy."),
        ({**TRUST, "Principal": 1}, "Syntax errors in policy."),
    ],
)
def test_what_is_no_trust_policy_is_refused(statement, sentence):
    """In IAM's sentence."""
    found = refused(check_trust_policy, text(statement), NOBODY)
    assert found == ("MalformedPolicyDocument", sentence)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.just("sts:AssumeRole"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["Effect", "Action", "Principal", "Condition", "AWS", "Resource", "Bool"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON | st.builds(lambda each: {"Version": "2012-10-17", "Statement": each}, JSON))
def test_only_declared_errors_leave(document):
    """Whatever the document is."""
    for check, *more in ((check_policy,), (check_trust_policy, NOBODY)):
        try:
            check(json.dumps(document), *more, understood=True)
        except AwsError as error:
            assert error.code in {"MalformedPolicyDocument", "NotImplemented"}
