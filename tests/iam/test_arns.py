"""The parts of ARNs."""

import pytest

from pkilab.iam.arns import account_in


@pytest.mark.parametrize(
    ("arn", "account"),
    [
        ("arn:aws:kms:us-east-1:111122223333:key/1", "111122223333"),
        ("arn:aws:acm-pca:us-east-1:111122223333:certificate-authority/a:b", "111122223333"),
        ("arn:aws:s3:::bucket", ""),
        ("arn:aws:iam::aws:policy/AdministratorAccess", "aws"),
        ("arn:aws:iam::111122223333", ""),
        ("*", ""),
        ("", ""),
    ],
)
def test_an_account_is_the_fifth_part_of_six(arn, account):
    """Colons in the last part are its own."""
    assert account_in(arn) == account
