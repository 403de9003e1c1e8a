"""The Condition element. Tables marked with a page are AWS's own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.errors import MalformedError, UnsupportedError
from pkilab.iam import Policies, Principal, Request, decide, read_policy

ALICE = Principal("user", "arn:aws:iam::111122223333:user/alice", "111122223333")
NOTHING: dict[str, object] = {}


def holds(condition, context):
    """Ask through a whole decision whether a Condition holds."""
    policy = read_policy(
        {
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition,
            },
        },
        kind="identity",
    )  # fmt: skip
    request = Request(ALICE, "s3:GetObject", "*", context=context)
    return decide(request, Policies(identity=(policy,))).allowed


JOB = {"StringEquals": {"aws:PrincipalTag/job-category": "iamuser-admin"}}
TAGS = {
    "StringEqualsIgnoreCase": {"aws:RequestTag/environment": ["preprod", "storage"]},
    "ForAnyValue:StringEquals": {"aws:TagKeys": "environment"},
}
INSECURE = {"Bool": {"aws:SecureTransport": "false"}}
OFFICE = {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "2001:DB8:1234:5678::/64"]}}
TOPIC = {"ArnEquals": {"aws:SourceArn": "arn:aws:sns:us-west-2:123456789012:TOPIC-ID"}}
FEW = {"NumericLessThanEquals": {"s3:max-keys": "10"}}
FRESH = {"DateGreaterThan": {"aws:TokenIssueTime": "2020-01-01T00:00:01Z"}}


@pytest.mark.parametrize(
    ("condition", "context", "expected"),
    [
        (JOB, {"aws:principaltag/job-category": "iamuser-admin"}, True),
        (JOB, {"aws:principaltag/job-category": "dev-ops"}, False),
        (JOB, NOTHING, False),
        (TAGS, {"aws:tagkeys": ("environment",), "aws:requesttag/environment": "preprod"}, True),
        (
            TAGS,
            {"aws:tagkeys": ("environment", "costcenter"), "aws:requesttag/environment": "PreProd"},
            True,
        ),
        (TAGS, {"aws:tagkeys": ("Environment",), "aws:requesttag/environment": "preprod"}, False),
        (TAGS, {"aws:tagkeys": ("costcenter",), "aws:requesttag/environment": "preprod"}, False),
        (TAGS, {"aws:requesttag/environment": "storage"}, False),
        (TAGS, {"aws:tagkeys": ("environment",)}, False),
        (TAGS, NOTHING, False),
        (INSECURE, {"aws:securetransport": "false"}, True),
        (INSECURE, {"aws:securetransport": "true"}, False),
        (INSECURE, NOTHING, False),
        (OFFICE, {"aws:sourceip": "203.0.113.1"}, True),
        (OFFICE, {"aws:sourceip": "198.51.100.1"}, False),
        (OFFICE, {"aws:sourceip": "2001:db8:1234:5678::1"}, True),
        (OFFICE, {"aws:sourceip": "2001:db8:1234:5679::1"}, False),
        (OFFICE, {"aws:sourceip": "cloudformation.amazonaws.com"}, False),
        (TOPIC, {"aws:sourcearn": "arn:aws:sns:us-west-2:123456789012:TOPIC-ID"}, True),
        (TOPIC, {"aws:sourcearn": "arn:aws:sns:us-west-2:777788889999:TOPIC-ID"}, False),
        (TOPIC, NOTHING, False),
        (FEW, {"s3:max-keys": "10"}, True),
        (FEW, {"s3:max-keys": "11"}, False),
        (FEW, {"s3:max-keys": "9.5"}, True),
        (FEW, {"s3:max-keys": "many"}, False),
        (FRESH, {"aws:tokenissuetime": "2020-01-01T00:00:02Z"}, True),
        (FRESH, {"aws:tokenissuetime": "2020-01-01T00:00:01Z"}, False),
        (FRESH, NOTHING, False),
    ],
)
def test_the_operators_of_awss_tables(condition, context, expected):
    """IAM User Guide, "IAM JSON policy elements: Condition operators"."""
    assert holds(condition, context) is expected


BOTH = {
    "ForAllValues:StringEquals": {"aws:TagKeys": ["environment", "cost-center"]},
    "Null": {"aws:TagKeys": "false"},
}
SOME = {"ForAnyValue:StringEquals": {"aws:TagKeys": ["environment", "cost-center"]}}
ALL = {"ForAllValues:StringEquals": {"aws:TagKeys": ["environment", "cost-center"]}}


@pytest.mark.parametrize(
    ("condition", "keys", "expected"),
    [
        (BOTH, ("environment",), True),
        (BOTH, ("cost-center",), True),
        (BOTH, ("environment", "cost-center"), True),
        (BOTH, ("environment", "dept"), False),
        (BOTH, None, False),
        (SOME, ("environment",), True),
        (SOME, ("cost-center",), True),
        (SOME, ("environment", "cost-center"), True),
        (SOME, ("environment", "dept"), True),
        (SOME, ("dept",), False),
        (SOME, None, False),
        # The text under the tables: no key, or an empty set, is all of nothing.
        (ALL, None, True),
        (ALL, (), True),
        (ALL, ("",), True),
        (SOME, (), False),
        (SOME, ("",), False),
    ],
)
def test_the_set_operators_of_awss_tables(condition, keys, expected):
    """IAM User Guide, "Single-valued vs. multivalued context keys"."""
    assert holds(condition, NOTHING if keys is None else {"aws:tagkeys": keys}) is expected


@pytest.mark.parametrize(
    ("operator", "keys", "expected"),
    [
        ("ForAllValues:StringNotEquals", ("c", "d"), True),
        ("ForAllValues:StringNotEquals", ("a", "c"), False),
        ("ForAllValues:StringNotEquals", None, True),
        ("ForAnyValue:StringNotEquals", ("a", "c"), True),
        ("ForAnyValue:StringNotEquals", ("a", "b"), False),
        ("ForAnyValue:StringNotEquals", None, False),
        ("ForAnyValue:StringEqualsIfExists", None, True),
        ("ForAnyValue:StringEqualsIfExists", ("c",), False),
        ("ForAllValues:StringLikeIfExists", ("a", "b"), True),
        ("ForAnyValue:StringNotLikeIfExists", ("a",), False),
    ],
)
def test_negated_operators_on_sets(operator, keys, expected):
    """The same page: none may match, or one must match none. The policy lists a and b."""
    context = NOTHING if keys is None else {"aws:tagkeys": keys}
    assert holds({operator: {"aws:TagKeys": ["a", "b"]}}, context) is expected


VALUE = {
    "String": ("aws:username", "alice", "bob"),
    "Arn": ("aws:PrincipalArn", ALICE.arn, "arn:aws:iam::111122223333:user/bob"),
    "Numeric": ("aws:MultiFactorAuthAge", "5", "6"),
    "Date": ("aws:CurrentTime", "2026-01-05T09:00:00Z", "2026-01-05T09:00:01Z"),
    "Ip": ("aws:SourceIp", "192.0.2.1", "192.0.2.2"),
}
PAIRS = [
    ("StringEquals", "StringNotEquals", "String"),
    ("StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "String"),
    ("StringLike", "StringNotLike", "String"),
    ("ArnEquals", "ArnNotEquals", "Arn"),
    ("ArnLike", "ArnNotLike", "Arn"),
    ("NumericEquals", "NumericNotEquals", "Numeric"),
    ("DateEquals", "DateNotEquals", "Date"),
    ("IpAddress", "NotIpAddress", "Ip"),
]


@pytest.mark.parametrize(("positive", "negated", "kind"), PAIRS)
def test_a_negated_operator_is_the_others_opposite(positive, negated, kind):
    """Without the key, too: then it holds, and with IfExists both do."""
    key, value, other = VALUE[kind]
    for wanted in (value, other, [other, value]):
        for context in ({key.lower(): value}, {key.lower(): other}, NOTHING):
            assert holds({positive: {key: wanted}}, context) is not holds(
                {negated: {key: wanted}}, context
            )
    assert holds({positive: {key: value}}, {key.lower(): value})
    assert not holds({positive: {key: value}}, NOTHING)
    assert holds({f"{positive}IfExists": {key: value}}, NOTHING)
    assert holds({f"{negated}IfExists": {key: value}}, NOTHING)
    assert not holds({f"{positive}IfExists": {key: value}}, {key.lower(): other})


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ("LessThan", (True, False, False)),
        ("LessThanEquals", (True, True, False)),
        ("GreaterThan", (False, False, True)),
        ("GreaterThanEquals", (False, True, True)),
    ],
)
def test_numbers_and_dates_are_ordered(operator, expected):
    """Below, at and above the policy's value."""
    ages = [{"aws:multifactorauthage": str(age)} for age in (9, 10, 11)]
    found = tuple(holds({f"Numeric{operator}": {"aws:MultiFactorAuthAge": 10}}, c) for c in ages)
    assert found == expected
    days = [{"aws:currenttime": f"2026-01-{day:02}T00:00:00Z"} for day in (9, 10, 11)]
    found = tuple(holds({f"Date{operator}": {"aws:CurrentTime": "2026-01-10"}}, c) for c in days)
    assert found == expected


def test_every_line_of_a_condition_must_hold_and_one_of_its_values():
    """AND between operators and keys, OR between values."""
    condition = {
        "StringEquals": {"aws:username": ["alice", "bob"], "s3:prefix": "a"},
        "Bool": {"aws:SecureTransport": True},
    }
    full = {"aws:username": "bob", "s3:prefix": "a", "aws:securetransport": "true"}
    assert holds(condition, full)
    for key in full:
        assert not holds(condition, full | {key: "false"})
        assert not holds(condition, {each: full[each] for each in full if each != key})


@pytest.mark.parametrize(
    ("wanted", "context", "expected"),
    [
        ("true", NOTHING, True),
        ("true", {"aws:multifactorauthage": "1"}, False),
        ("false", NOTHING, False),
        ("false", {"aws:multifactorauthage": "1"}, True),
        (False, {"aws:multifactorauthage": ""}, False),
        (["true", "false"], NOTHING, True),
    ],
)
def test_null_asks_whether_a_key_is_absent(wanted, context, expected):
    """IAM User Guide, "Condition operator to check existence of condition keys"."""
    assert holds({"Null": {"aws:MultiFactorAuthAge": wanted}}, context) is expected


def test_two_binary_values_are_compared_byte_by_byte():
    """The key's name is nobody's: no key of this type is modelled, so one of text stands in."""
    condition = {"BinaryEquals": {"aws:userid": "QmluYXJ5VmFsdWVJbkJhc2U2NA=="}}
    assert holds(condition, {"aws:userid": "QmluYXJ5VmFsdWVJbkJhc2U2NA=="})
    assert not holds(condition, {"aws:userid": "ASIAIOSFODNN7EXAMPLE"})
    assert not holds(condition, NOTHING)


def test_a_key_of_one_value_that_has_two_must_match_with_one_and_differ_in_all():
    """No request of AWS's has two; a caller's mistake allows no more than either would."""
    two = {"aws:username": ("alice", "bob")}
    assert holds({"StringEquals": {"aws:username": "bob"}}, two)
    assert not holds({"StringNotEquals": {"aws:username": "bob"}}, two)
    assert holds({"StringNotEquals": {"aws:username": "carol"}}, two)


def test_bits_of_an_address_beyond_its_prefix_count_for_nothing():
    """A range is often written with the address of someone in it."""
    condition = {"IpAddress": {"aws:SourceIp": "203.0.113.77/24"}}
    assert holds(condition, {"aws:sourceip": "203.0.113.1"})
    assert not holds(condition, {"aws:sourceip": "203.0.114.77"})


def test_an_empty_prefix_is_a_value():
    """The home directory policy of the User Guide lists it."""
    condition = {"StringLike": {"s3:prefix": ["", "home/"]}}
    assert holds(condition, {"s3:prefix": ""})
    assert not holds(condition, {"s3:prefix": "x"})


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ({"StringEqual": {"aws:username": "a"}}, "the condition operator StringEqual"),
        ({"NullIfExists": {"aws:username": "true"}}, "NullIfExists"),
        ({"ForAnyValue:Null": {"aws:TagKeys": "true"}}, "ForAnyValue:Null"),
        ({"ForSomeValues:StringEquals": {"aws:TagKeys": "a"}}, "ForSomeValues"),
        ({":StringEquals": {"aws:TagKeys": "a"}}, "operator :StringEquals"),
        ({"StringEquals": {"aws:TagKeys": "a"}}, "without ForAllValues or ForAnyValue"),
        ({"StringEquals": {"kms:RecipientAttestation:PCR0": "a"}}, "key kms:recipientattestation"),
        ({"StringEquals": {"saml:aud": "a"}}, "the condition key saml:aud"),
    ],
)
def test_what_is_not_modelled_is_refused_and_never_ignored(condition, words):
    """A condition that was left out would allow too much, or deny too little."""
    with pytest.raises(UnsupportedError, match=words):
        holds(condition, NOTHING)


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ([], "Statement.Condition: found list"),
        ({"StringEquals": "a"}, "StringEquals: found str"),
        ({"StringEquals": {"aws:username": []}}, "found no value"),
        ({"StringEquals": {"aws:username": None}}, "found no value"),
        ({"StringEquals": {"aws:username": {"a": 1}}}, "found dict"),
        ({"NumericEquals": {"aws:MultiFactorAuthAge": "x"}}, "'x', expected a number"),
        ({"NumericEquals": {"s3:max-keys": "${aws:username}"}}, "expected a number"),
        ({"DateLessThan": {"aws:CurrentTime": "tomorrow"}}, "'tomorrow', expected a date"),
        ({"Bool": {"aws:SecureTransport": "yes"}}, "'yes', expected true or false"),
        ({"Null": {"aws:username": "maybe"}}, "expected true or false"),
        ({"BinaryEquals": {"aws:userid": "%"}}, "expected Base64"),
        ({"BinaryEquals": {"aws:userid": "ü"}}, "expected Base64"),
        ({"IpAddress": {"aws:SourceIp": "203.0.113.0/33"}}, "expected an IP address"),
    ],
)
def test_a_condition_that_cannot_be_is_malformed(condition, words):
    """The place, what was found and what was expected are named."""
    with pytest.raises(MalformedError, match=words):
        holds(condition, NOTHING)


@given(values=st.lists(st.sampled_from("abc"), max_size=4), wanted=st.sets(st.sampled_from("abc")))
def test_set_operators_are_subset_and_intersection(values, wanted):
    """Over all small sets."""
    context = {"aws:tagkeys": tuple(values)}
    listed = {"aws:TagKeys": sorted(wanted) or ["z"]}
    assert holds({"ForAllValues:StringEquals": listed}, context) is (set(values) <= wanted)
    assert holds({"ForAnyValue:StringEquals": listed}, context) is bool(set(values) & wanted)


def test_a_key_that_is_not_modelled_is_refused_only_where_it_would_decide():
    """AWS's own policies speak of much that no caller here does."""
    other = {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}
    policy = read_policy(
        {
            "Version": "2012-10-17",
            "Statement": [
                {**other, "Condition": {"StringEquals": {"ec2:Vpc": "vpc-1"}}},
                {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"},
            ],
        },
        kind="identity",
    )
    assert "ec2:vpc" in policy.context_keys
    for action in ("s3:GetObject", "s3:PutObject"):
        allowed = decide(Request(ALICE, action, "*"), Policies(identity=(policy,))).allowed
        assert allowed is (action == "s3:GetObject")
    with pytest.raises(UnsupportedError, match="the condition key ec2:vpc"):
        decide(Request(ALICE, "ec2:RunInstances", "*"), Policies(identity=(policy,)))
