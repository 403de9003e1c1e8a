"""Where statements stand, as the policy simulator counts."""

import json

from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.iam.positions import context_keys, position, spans

# AdministratorAccess as AWS formats it. The CLI's output for it, as many have published it:
# StartPosition 3:17, EndPosition 8:6.
ADMINISTRATOR = """{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "*",
      "Resource": "*"
    }
  ]
}"""


def test_a_statement_stands_where_aws_says():
    """From behind the bracket to behind its brace."""
    ((begin, end),) = spans(ADMINISTRATOR)
    assert position(ADMINISTRATOR, begin) == {"Line": 3, "Column": 17}
    assert position(ADMINISTRATOR, end) == {"Line": 8, "Column": 6}


def test_on_one_line_too():
    """An inline policy's, of a public report of the CLI's output: columns 38 and 89."""
    statement = '{"Effect":"Deny","Action":"a:b","Resource":"arn:*"}'
    text = f'{{"Version":"2012-10-17","Statement":[{statement}]}}'
    ((begin, end),) = spans(text)
    assert (position(text, begin)["Column"], position(text, end)["Column"]) == (38, 89)


@given(
    st.lists(
        st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from([None, 0, 2]),
    st.booleans(),
)
def test_every_statement_is_found(statements, indent, last):
    """However the text is laid out, and whatever stands before or after."""
    around = {"Version": "2012-10-17", "Id": '"Statement": [{'}
    document = {**around, "Statement": statements} if last else {"Statement": statements, **around}
    text = json.dumps(document, indent=indent)
    assert [json.loads(text[begin:end]) for begin, end in spans(text)] == statements


def test_a_statement_alone_is_found():
    """Without a list."""
    text = '{"Statement" : {"a": 1}, "Version": "x"}'
    ((begin, end),) = spans(text)
    assert text[begin:end] == ' {"a": 1}'


def test_condition_keys_are_those_of_conditions_and_variables():
    """Not what a variable's default says, nor the characters that stand for themselves."""
    statement = {
        "Resource": ["arn:aws:s3:::${aws:username}/${*}${?}${$}", "${aws:PrincipalTag/team, 'x'}"],
        "Condition": {
            "StringEquals": {"kms:SigningAlgorithm": ["${aws:userid}"]},
            "Bool": {"aws:SecureTransport": "true"},
        },
    }
    assert context_keys(json.dumps(statement)) == [
        "kms:SigningAlgorithm",
        "aws:userid",
        "aws:SecureTransport",
        "aws:username",
        "aws:PrincipalTag/team",
    ]
