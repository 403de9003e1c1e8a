"""Whom a policy can name."""

import pytest

from pkilab.simulator.identity.principals import exists


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("AWS", "*"),
        ("AWS", "111122223333"),
        ("AWS", "arn:aws:iam::111122223333:root"),
        ("AWS", "arn:aws:iam::111122223333:user/learner"),
        ("AWS", "arn:aws:iam::111122223333:role/keys/signer"),
        ("AWS", "arn:aws:sts::111122223333:assumed-role/signer/me"),
        ("AWS", "arn:aws:sts::111122223333:federated-user/guest"),
        ("AWS", "arn:aws:iam::999999999999:role/elsewhere"),
        ("AWS", "AROARTX3GSDSTJUDUKHDZ"),
        ("Service", "lambda.amazonaws.com"),
        ("Federated", "arn:aws:iam::111122223333:saml-provider/corp"),
        ("Federated", "cognito-identity.amazonaws.com"),
    ],
)
def test_somebody_who_is_there_can_be_named(people, kind, name):
    """Also in an account that is not the world's."""
    people.role(path="/keys/")
    assert exists(people.identities.directory, kind, name)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("AWS", ""),
        ("AWS", "alice"),
        ("AWS", "arn:aws:iam::111122223333:user/nobody"),
        ("AWS", "arn:aws:iam::111122223333:role/signer"),
        ("AWS", "arn:aws:iam::111122223333:role/*"),
        ("AWS", "arn:aws:iam::111122223333:group/signers"),
        ("AWS", "arn:aws:sts::111122223333:assumed-role/nobody/me"),
        ("AWS", "arn:aws:sts::111122223333:assumed-role/signer/*"),
        ("AWS", "1111222233334"),
        ("AWS", "lambda.amazonaws.com"),
        ("Service", "lambda"),
        ("Service", "*"),
        ("CanonicalUser", "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"),
        ("Everyone", "*"),
    ],
)
def test_nobody_cannot(people, kind, name):
    """Nor part of a name, a group, or a role without its path."""
    people.role(path="/keys/")
    assert not exists(people.identities.directory, kind, name)
