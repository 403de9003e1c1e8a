"""Access keys, as AWS answers them and as its tools take them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.credentials import Credentials
from pkilab.errors import LabError

SESSION = {"AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "s3cret", "SessionToken": "t0ken"}


def test_what_sts_and_iam_answer_is_taken_whole():
    """A temporary key with its token, a user's key without; other members do not matter."""
    assert Credentials.read({**SESSION, "Expiration": None}) == Credentials(
        "ASIAEXAMPLE", "s3cret", "t0ken"
    )
    answer = {"AccessKeyId": "AKIAEXAMPLE", "SecretAccessKey": "s3cret", "Status": "Active"}
    assert Credentials.read(answer).session_token is None


@pytest.mark.parametrize("answer", [{}, {"Credentials": SESSION}, {"AccessKeyId": "AKIA"}])
def test_what_is_no_key_is_refused_without_showing_it(answer):
    """Such as the answer around it."""
    with pytest.raises(LabError, match="expected AccessKeyId and SecretAccessKey") as caught:
        Credentials.read(answer)
    assert "s3cret" not in str(caught.value)


def test_a_secret_is_not_shown():
    """Nor a session's token."""
    shown = repr(Credentials.read(SESSION))
    assert "ASIAEXAMPLE" in shown
    assert "s3cret" not in shown
    assert "t0ken" not in shown


def test_the_variables_are_those_of_awss_tools():
    """The token is one of them only where there is one."""
    assert Credentials.read(SESSION).variables() == {
        "AWS_ACCESS_KEY_ID": "ASIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "s3cret",
        "AWS_SESSION_TOKEN": "t0ken",
    }
    assert "AWS_SESSION_TOKEN" not in Credentials("AKIA", "s").variables()


def test_a_key_says_whose_account_it_is_of():
    """An access key from the text that first showed it (Aidan Steele and Tal Be'ery, 2023)."""
    assert Credentials("ASIAQNZGKIQY56JQ7WML", "").account_id == "029608264753"


@given(st.text(max_size=24))
def test_any_key_says_an_account_or_none(text):
    """Whatever its letters are."""
    found = Credentials(text, "").account_id
    assert found is None or (len(found) == 12 and found.isdigit())
