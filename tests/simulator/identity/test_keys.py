"""Ids, secrets and tokens have AWS's shapes, and say whose they are."""

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.credentials import account_of
from pkilab.pki.entropy import Entropy
from pkilab.simulator.identity import keys


@given(st.integers(0, 10**12 - 1), st.text(max_size=3), st.sampled_from(["AKIA", "ASIA"]))
def test_a_key_id_names_its_account(number, seed, prefix):
    """For every account, and any key of it."""
    account = f"{number:012}"
    made = keys.access_key_id(account, Entropy(seed), prefix=prefix)
    assert re.fullmatch(f"{prefix}[A-Z2-7]{{16}}", made)
    assert account_of(made) == account


def test_a_key_id_of_awss_is_read():
    """The example of Tal Be'ery, "A short note on AWS KEY ID" (2023)."""
    assert account_of("ASIAQNZGKIQY56JQ7WML") == "029608264753"


@pytest.mark.parametrize(
    "other", ["", "AKIA", "AIDAQNZGKIQY56JQ7WML", "ASIAQNZGKIQY56JQ7WM1", "asiaqnzgkiqy56jq7wml"]
)
def test_what_is_no_key_id_names_nobody(other):
    """By its prefix, its length or its letters."""
    assert account_of(other) is None


def test_an_older_key_id_names_nobody():
    """Its first bit is not set: AWS gave such ids out before the account was in them."""
    assert account_of("AKIAIOSFODNN7EXAMPLE") is None


def test_tokens_secrets_and_seeds_look_as_awss_do():
    """And are the same from the same seed."""
    token, secret = keys.session_token(Entropy("a")), keys.secret(Entropy("a"))
    assert token.startswith("FwoGZXIvYXdzE")
    assert len(base64.b64decode(token)) > 256
    assert len(secret) == 40
    assert len(base64.b32decode(keys.seed(Entropy("a")))) == 40
    assert re.fullmatch("AIDA[A-Z2-7]{17}", keys.unique_id("AIDA", Entropy("a")))
    assert keys.session_token(Entropy("a")) == token != keys.session_token(Entropy("b"))
