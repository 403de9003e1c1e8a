"""The templates of customer managed permissions."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.ram import permissions
from pkilab.simulator.service import AwsError

READ = ["acm-pca:GetCertificate"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("template", "trouble"),
    [
        ("{", "it is not JSON"),
        ([{"Effect": "Allow", "Action": READ}], "one object"),
        ({"Action": READ}, "Effect must be Allow"),
        ({"Effect": "Deny", "Action": READ}, "Effect must be Allow"),
        ({"Effect": "Allow"}, "must have an Action"),
        ({"Effect": "Allow", "Action": [1]}, "must have an Action"),
        ({"Effect": "Allow", "Action": READ, "Principal": "*"}, "must not have Principal"),
        ({"Effect": "Allow", "Action": READ, "Resource": "*"}, "must not have Resource"),
        ({"Effect": "Allow", "Action": READ, "Condition": "x"}, "Condition"),
    ],
)
def test_a_template_is_one_statement_without_principal_and_resource(template, trouble):
    """RAM fills these in."""
    text = template if isinstance(template, str) else json.dumps(template)
    with pytest.raises(AwsError, match=trouble) as caught:
        permissions.read_template(text)
    assert caught.value.code == "MalformedPolicyTemplateException"


@pytest.mark.parametrize("action", ["acm-pca:*", "acm-pca:PutPolicy", "kms:Sign", "GetCertificate"])
def test_only_seven_actions_can_be_shared(action):
    """Private CA guide: five reads, IssueCertificate and RevokeCertificate."""
    text = json.dumps({"Effect": "Allow", "Action": [*READ, action]})
    with pytest.raises(AwsError, match="cannot be shared") as caught:
        permissions.read_template(text)
    assert caught.value.code == "InvalidPolicyException"
    whole = {"Effect": "ALLOW", "Action": sorted(permissions.ACTIONS)}
    (found,) = permissions.read_template(json.dumps(whole))
    assert found == {**whole, "Effect": "Allow"}
    assert len(permissions.ACTIONS) == 7


@given(st.text(max_size=40) | JSON.map(json.dumps) | st.fixed_dictionaries(
    {"Effect": st.just("Allow"), "Action": st.just(READ), "Condition": JSON}
).map(json.dumps))  # fmt: skip
def test_nothing_but_a_refusal_leaves_the_reader(text):
    """Whatever the template."""
    known = {"MalformedPolicyTemplateException", "InvalidPolicyException", "NotImplemented"}
    try:
        permissions.read_template(text)
    except AwsError as why:
        assert why.code in known


def test_permissions_are_the_same_in_whatever_order_they_speak():
    """Of statements and of actions; not if a condition differs."""
    one = ({"Effect": "Allow", "Action": ["a:A", "a:B"]}, {"Effect": "Allow", "Action": "a:C"})
    other = ({"Effect": "Allow", "Action": ["a:C"]}, {"Effect": "Allow", "Action": ["a:B", "a:A"]})
    assert permissions.same(one, other)
    limited = ({**one[0], "Condition": {"Bool": {"x": "true"}}}, one[1])
    assert not permissions.same(one, limited)
