"""Domain names that can be requested."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.acm import names
from pkilab.simulator.service import AwsError


def read(*wanted, public=True):
    return names.read(wanted, public=public)


def test_names_are_lower_case_and_stand_once():
    """In the order they were given."""
    assert read("WWW.lab.example", "lab.example", "www.Lab.Example.") == (
        "www.lab.example", "lab.example",
    )  # fmt: skip


@pytest.mark.parametrize(
    "name", ["lab.example", "*.lab.example", "a-b.1x.example", "xn--mnchen-3ya.example"]
)
def test_a_name_that_can_be_had_is_taken(name):
    assert read(name) == (name,)


@pytest.mark.parametrize(
    "name",
    [
        "localhost", "a..example", "-a.example", "a-.example", "*.*.example", "w*.example",
        "a b.example", "a_b.example", "a.b.*.example", f"{'a' * 64}.example", "xn--.example",
        "ab--c.example", "xn--99999999.example", ".".join(["a" * 60] * 5),
    ],
)  # fmt: skip
def test_a_malformed_name_is_refused(name):
    """Of labels that DNS does not have, or that no registry gives out."""
    with pytest.raises(AwsError) as caught:
        read("lab.example", name)
    assert caught.value.code == "InvalidParameterException"


@pytest.mark.parametrize("name", ["amazonaws.com", "x.amazonaws.com", "*.d1.cloudfront.net"])
def test_amazons_own_names_are_refused(name):
    """For the public; a private CA may say what it likes."""
    with pytest.raises(AwsError, match="Amazon's own"):
        read(name)
    assert read(name, public=False) == (name,)
    assert read("notamazonaws.com") == ("notamazonaws.com",)


def test_the_first_name_is_the_common_name_and_has_64_octets():
    """The others may have 253."""
    first, longer = f"{'a' * 52}.lab.example", f"{'a' * 53}.lab.example"
    long = ".".join(["a" * 60] * 4)
    assert read(first, longer, long) == (first, longer, long)
    with pytest.raises(AwsError, match="at most 64 characters: found 65"):
        read(longer)


@pytest.mark.parametrize(
    ("name", "public"),
    [
        ("a.example", True), ("a.test", True), ("a.com", True), ("a.local", False),
        ("a.internal", False), ("x.invalid", False), ("1.2.3.4", False), ("*.home.arpa", False),
    ],
)  # fmt: skip
def test_names_below_no_public_domain_are_known(name, public):
    assert names.is_public(name) is public


@pytest.mark.parametrize(
    ("domain", "name", "fine"),
    [
        ("lab.example", "www.lab.example", True), ("LAB.example", "lab.example", True),
        ("lab.example", "*.lab.example", True), ("www.lab.example", "lab.example", False),
        ("ab.example", "lab.example", False),
    ],
)  # fmt: skip
def test_a_domain_stands_above_its_names(domain, name, fine):
    assert names.is_same_or_above(domain, name) is fine


@given(
    st.lists(st.text(max_size=20) | st.from_regex(r"[a-z*.-]{1,40}", fullmatch=True), min_size=1)
)
def test_whatever_is_asked_for_only_acms_refusal_leaves(wanted):
    try:
        found = read(*wanted)
    except AwsError as error:
        assert error.code == "InvalidParameterException"
    else:
        assert all("." in name for name in found)
