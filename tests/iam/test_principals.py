"""How a resource policy names who calls."""

import pytest

from pkilab.errors import MalformedError, UnsupportedError
from pkilab.iam import Principal
from pkilab.iam.principals import read_principals

ACCOUNT = "111122223333"
ROOT = Principal("root", f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)
USER = Principal(
    "user", f"arn:aws:iam::{ACCOUNT}:user/a/alice", ACCOUNT, user_id="AIDAALICEALICEALICE1"
)
SESSION = Principal(
    "assumed-role",
    f"arn:aws:sts::{ACCOUNT}:assumed-role/signer/one",
    ACCOUNT,
    role_arn=f"arn:aws:iam::{ACCOUNT}:role/path/signer",
    user_id="AROASIGNERSIGNER1234:one",
)
FEDERATED = Principal(
    "federated-user",
    f"arn:aws:sts::{ACCOUNT}:federated-user/bob",
    ACCOUNT,
    role_arn=USER.arn,
    user_id=f"{ACCOUNT}:bob",
)
SERVICE = Principal("service", "acm.amazonaws.com", "")
ANYONE = Principal("anonymous", "*", "")
EVERYBODY = (ROOT, USER, SESSION, FEDERATED, SERVICE, ANYONE)


def naming(element, principal, **options):
    return read_principals(element, "Principal", excluded=False).names(principal, **options)


@pytest.mark.parametrize(
    ("element", "namings"),
    [
        ("*", ("direct",) * 6),
        ({"AWS": "*"}, ("direct",) * 6),
        ({"AWS": ACCOUNT}, ("direct", "account", "account", "account", None, None)),
        ({"AWS": ROOT.arn}, ("direct", "account", "account", "account", None, None)),
        ({"AWS": USER.arn}, (None, "direct", None, "entity", None, None)),
        ({"AWS": USER.user_id}, (None, "direct", None, None, None, None)),
        ({"AWS": SESSION.role_arn}, (None, None, "entity", None, None, None)),
        ({"AWS": "AROASIGNERSIGNER1234"}, (None, None, "entity", None, None, None)),
        ({"AWS": SESSION.arn}, (None, None, "direct", None, None, None)),
        ({"AWS": FEDERATED.arn}, (None, None, None, "direct", None, None)),
        ({"AWS": [USER.arn, ACCOUNT]}, ("direct", "direct", "account", "entity", None, None)),
        ({"Service": SERVICE.arn}, (None, None, None, None, "direct", None)),
        ({"Service": "apigateway.amazonaws.com"}, (None,) * 6),
        ({"AWS": "444455556666"}, (None,) * 6),
        ({"Federated": "accounts.google.com"}, (None,) * 6),
    ],
)
def test_an_element_names_a_caller_itself_its_role_or_its_account(element, namings):
    """IAM User Guide, "AWS JSON policy elements: Principal"."""
    assert tuple(naming(element, principal) for principal in EVERYBODY) == namings


@pytest.mark.parametrize(
    ("element", "spared"),
    [
        ({"AWS": [USER.arn, ROOT.arn]}, {ROOT, USER}),
        ({"AWS": USER.arn}, set()),
        ({"AWS": ACCOUNT}, {ROOT}),
        ({"AWS": [SESSION.arn, SESSION.role_arn, ACCOUNT]}, {ROOT, SESSION}),
        ({"AWS": [SESSION.arn, ACCOUNT]}, {ROOT}),
        ({"AWS": [SESSION.role_arn, ACCOUNT]}, {ROOT}),
        ({"Service": SERVICE.arn}, {SERVICE}),
        ("*", set(EVERYBODY)),
    ],
)
def test_not_principal_spares_only_whom_it_names_in_every_way(element, spared):
    """IAM User Guide, NotPrincipal: the account, the role and the session must all be there."""
    principals = read_principals(element, "NotPrincipal", excluded=True)
    assert {each for each in EVERYBODY if principals.names(each) is None} == spared
    assert all(principals.names(each, bounded=True) == "direct" for each in EVERYBODY)


@pytest.mark.parametrize(
    "element",
    [
        None,
        "",
        "111122223333",
        [],
        {},
        {"AWS": []},
        {"AWS": ""},
        {"AWS": [1]},
        {"AWS": "1111"},
        {"AWS": "arn:aws:iam::111122223333:user/*"},
        {"AWS": "arn:aws:iam::111122223333:group/admins"},
        {"AWS": "arn:aws:sts::111122223333:assumed-role/signer/*"},
        {"Service": "*"},
        {"Service": "acm"},
        {"Anybody": "*"},
    ],
)
def test_what_names_nobody_is_malformed(element):
    """Wildcards in names, groups, empty lists."""
    with pytest.raises(MalformedError, match=r"^Principal"):
        read_principals(element, "Principal", excluded=False)


def test_canonical_users_are_not_modelled():
    """Amazon S3 alone knows them."""
    with pytest.raises(UnsupportedError, match="CanonicalUser"):
        read_principals({"CanonicalUser": "79a5"}, "Principal", excluded=False)


def test_a_principal_is_of_a_known_kind():
    """A typing error would otherwise match nothing, silently."""
    with pytest.raises(MalformedError, match="'role', expected root or user"):
        Principal("role", "arn:aws:iam::111122223333:role/a", ACCOUNT)
