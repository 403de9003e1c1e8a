"""Resource policies of functions: how statements are written, and whom they let in."""

import json
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.functions.permissions import allows, document, statement
from pkilab.simulator.service import AwsError

FUNCTION = "arn:aws:lambda:us-east-1:111122223333:function:f"
GATEWAY = "apigateway.amazonaws.com"
SOURCE = "arn:aws:execute-api:us-east-1:111122223333:api/$default/GET/x"


def made(principal=GATEWAY, action="lambda:InvokeFunction", arn=None, account=None):
    """Write a statement."""
    return statement(
        "s", action, principal, FUNCTION, source_arn=arn, source_account=account
    )  # fmt: skip


def lets(one, principal=GATEWAY, source=SOURCE):
    """Say whether a statement lets a service in."""
    return allows([one], principal=principal, source_arn=source)


@pytest.mark.parametrize(
    ("principal", "written"),
    [
        (GATEWAY, {"Service": GATEWAY}),
        ("s3.amazon.com", {"Service": "s3.amazon.com"}),
        ("444455556666", {"AWS": "arn:aws:iam::444455556666:root"}),
        ("arn:aws:iam::444455556666:role/r", {"AWS": "arn:aws:iam::444455556666:role/r"}),
        ("arn:aws:iam::444455556666:root", {"AWS": "arn:aws:iam::444455556666:root"}),
        ("*", "*"),
    ],
)
def test_a_principal_is_a_service_an_account_or_somebody_in_it(principal, written):
    """Each in its own way of writing."""
    assert made(principal)["Principal"] == written


@pytest.mark.parametrize(
    "principal",
    ["", "nobody", "example.com", "44445555666", "arn:aws:s3:::bucket", "arn:aws:iam::1:root",
     f"{GATEWAY}.example.com", "apigateway.AMAZONAWS.com", "**", "arn:aws:iam::444455556666:x/y",
     "444455556666\n"],
)  # fmt: skip
def test_any_other_principal_is_refused(principal):
    """In Lambda's sentence."""
    with pytest.raises(AwsError, match="The provided principal was invalid") as caught:
        made(principal)
    assert caught.value.code == "InvalidParameterValueException"


@given(st.text(max_size=30))
def test_whatever_the_principal_only_lambdas_refusal_leaves(principal):
    """And what is written can be read as JSON."""
    try:
        one = made(principal)
    except AwsError as error:
        assert error.code == "InvalidParameterValueException"
    else:
        assert json.loads(document([one]))["Statement"] == [one]


def test_a_statement_without_conditions_has_no_condition():
    """Each condition stands in the operator that Lambda writes it with."""
    assert "Condition" not in made()
    assert made(arn=SOURCE, account="111122223333")["Condition"] == {
        "StringEquals": {"AWS:SourceAccount": "111122223333"},
        "ArnLike": {"AWS:SourceArn": SOURCE},
    }


@pytest.mark.parametrize("action", ["lambda:InvokeFunction", "lambda:*", "*"])
def test_an_action_must_include_invoking(action):
    """Other actions of Lambda's let nobody invoke."""
    assert lets(made(action=action))
    for other in ("lambda:GetFunction", "lambda:InvokeFunctionUrl"):
        assert not lets(made(action=other))


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        (SOURCE, True),
        ("arn:aws:execute-api:us-east-1:111122223333:api/*", True),
        ("arn:aws:execute-api:us-east-1:111122223333:api/*/*/x", True),
        ("arn:aws:execute-api:us-east-?:*:*", True),
        ("arn:aws:execute-api:us-east-1:111122223333:other/*", False),
        ("arn:aws:execute-api:*", False),  # a part, not all of them
        ("*", False),
        ("arn:aws:execute-api:us-east-1:111122223333:api/[$]default/GET/x", False),
        ("arn:aws:execute-api:us-east-1:111122223333:API/*", False),
        ("arn:aws:execute-api:eu-*:111122223333:api/*", False),
    ],
)
def test_arns_are_compared_part_by_part(pattern, fits):
    """Stars and question marks stay in their part, and nothing else is special."""
    assert lets(made(arn=pattern)) is fits


@given(st.text(alphabet="ab*?[]!:/", max_size=8))
def test_a_pattern_in_the_last_part_fits_what_its_stars_and_marks_do(pattern):
    """As the plain comparison of names has it."""
    source = "arn:aws:execute-api:us-east-1:111122223333:ab[!a]"
    whole = f"arn:aws:execute-api:us-east-1:111122223333:{pattern}"
    expected = fnmatchcase("ab[!a]", pattern.replace("[", "[[]"))
    assert lets(made(arn=whole), source=source) == expected


def test_everybody_is_everybody_within_the_conditions():
    """A star among principals is no star among sources."""
    assert lets(made("*"))
    assert not lets(made("*", account="444455556666"))
    assert not lets(made("444455556666"))
    assert not lets(made(), principal="events.amazonaws.com")


def test_one_statement_of_several_is_enough():
    """None is not."""
    other = made(account="444455556666")
    assert allows([other, made()], principal=GATEWAY, source_arn=SOURCE)
    assert not allows([other, other], principal=GATEWAY, source_arn=SOURCE)
    assert not allows([], principal=GATEWAY, source_arn=SOURCE)
