from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.errors import MalformedError
from pkilab.templates.revocation_authorizer import settings
from pkilab.templates.revocation_authorizer.settings import Pins, read, wants_simple

LEAST = {"ISSUERS_PEM": "pem"}
HEX = "ab" * 32
VARIABLES = (
    "ISSUERS_PEM", "ISSUERS_URI", "SOURCE", "CRL_URL", "OCSP_URL", "ALLOWED_HOSTS",
    "ON_UNAVAILABLE", "PINNED_SUBJECTS", "PINNED_ISSUERS", "RESPONSE", "NONCE", "REFRESH_SECONDS",
    "RETRY_SECONDS", "TIMEOUT_SECONDS", "MAX_BYTES",
)  # fmt: skip


def test_the_defaults_are_the_closed_ones():
    """Empty variables, as CloudFormation passes them, are the same as none."""
    chosen = read(LEAST)
    assert chosen == read(dict.fromkeys(VARIABLES, "") | LEAST)
    assert (chosen.by_ocsp, chosen.allow_unavailable, chosen.urls) == (False, False, ())
    assert chosen.allowed_hosts == frozenset()
    assert (chosen.subjects, chosen.issuers, chosen.nonce) == (Pins(), Pins(), "optional")
    assert (chosen.refresh, chosen.retry) == (timedelta(minutes=15), timedelta(seconds=30))
    assert (chosen.timeout_seconds, chosen.most_bytes) == (3, 1 << 25)
    assert read(LEAST | {"SOURCE": "ocsp"}).refresh == timedelta(minutes=5)


def test_every_variable_is_read_and_named_in_the_table():
    chosen = read(
        {
            "ISSUERS_URI": "s3://bucket/ca.pem", "SOURCE": "OCSP", "OCSP_URL": "http://a http://b",
            "CRL_URL": "s3://ignored/here", "ALLOWED_HOSTS": "A.test b.test:8080",
            "ON_UNAVAILABLE": "allow", "NONCE": "required", "REFRESH_SECONDS": "60",
            "RETRY_SECONDS": "5", "TIMEOUT_SECONDS": "1", "MAX_BYTES": "1000", "RESPONSE": "iam",
            "PINNED_SUBJECTS": f"CN=a\\;b,C=FR; {HEX.upper()}", "PINNED_ISSUERS": "sha256:" + HEX,
        }
    )  # fmt: skip
    assert (chosen.by_ocsp, chosen.urls) == (True, ("http://a", "http://b"))
    assert chosen.allowed_hosts == {"a.test", "b.test:8080"}
    assert (chosen.allow_unavailable, chosen.nonce) == (True, "required")
    assert (chosen.refresh.seconds, chosen.retry.seconds) == (60, 5)
    assert (chosen.timeout_seconds, chosen.most_bytes) == (1, 1000)
    assert chosen.subjects == Pins(frozenset({r"CN=a\;b,C=FR"}), frozenset({HEX}))
    assert chosen.issuers == Pins(frozenset(), frozenset({HEX}))
    assert settings.__doc__
    assert all(name in settings.__doc__ for name in VARIABLES)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ISSUERS_URI", "s3://bucket/ca.pem"),  # as well as ISSUERS_PEM
        ("ISSUERS_PEM", ""),
        ("SOURCE", "both"),
        ("ON_UNAVAILABLE", "true"),
        ("NONCE", "yes"),
        ("RESPONSE", "json"),
        ("CRL_URL", "ldap://a"),
        ("CRL_URL", "crl.test/ca.crl"),
        ("CRL_URL", "http://user:password@crl.test/"),
        ("CRL_URL", "http://["),
        ("REFRESH_SECONDS", "0"),
        ("REFRESH_SECONDS", "-1"),
        ("RETRY_SECONDS", "1.5"),
        ("TIMEOUT_SECONDS", "31"),
        ("MAX_BYTES", "16MB"),
        ("PINNED_SUBJECTS", "client"),
        ("PINNED_SUBJECTS", ";"),
        ("PINNED_SUBJECTS", "CN=a\\"),
        ("PINNED_ISSUERS", "ab" * 20),  # a SHA-1 fingerprint
    ],
)
def test_a_value_that_is_not_understood_is_refused_by_name(name, value):
    with pytest.raises(MalformedError, match=name) as caught:
        read(LEAST | {name: value})
    assert "password" not in caught.value.thing + caught.value.expected


def test_a_responder_cannot_be_an_object_of_s3():
    assert read(LEAST | {"CRL_URL": "s3://b/k"}).urls == ("s3://b/k",)
    with pytest.raises(MalformedError, match="OCSP_URL"):
        read(LEAST | {"SOURCE": "ocsp", "OCSP_URL": "s3://b/k"})


def test_simple_responses_are_known_before_anything_else_is():
    assert [wants_simple({"RESPONSE": each}) for each in ("", "simple", "iam", " IAM ")] == [
        True, True, False, False,
    ]  # fmt: skip
    assert wants_simple({})


@given(st.dictionaries(st.sampled_from(VARIABLES), st.text()))
def test_any_environment_is_a_configuration_or_malformed(environment):
    try:
        read(environment)
    except MalformedError as error:
        assert error.thing
