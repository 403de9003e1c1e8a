"""The policies of AWS's own."""

import pytest
from moto.iam.models import iam_backends

from pkilab.simulator.identity.managed import admit_managed

OWNER = "111122223333"


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("AdministratorAccess", '"Action": "*"'),
        ("ReadOnlyAccess", "acm-pca:Get"),
        ("service-role/AWSLambdaBasicExecutionRole", "logs:PutLogEvents"),
        ("AWSCertificateManagerPrivateCAAuditor", "acm-pca:CreateCertificateAuthorityAuditReport"),
    ],
)
def test_a_policy_of_awss_is_there_when_it_is_named(people, path, says):
    """And none before, in no account."""
    arn = f"arn:aws:iam::aws:policy/{path}"
    assert not iam_backends[OWNER]["aws"].managed_policies
    assert says in people.identities.directory.managed_policy(OWNER, arn)
    assert list(iam_backends[OWNER]["aws"].managed_policies) == [arn]


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:iam::aws:policy/NoSuchPolicy",
        "arn:aws:iam::aws:policy/service-role/AdministratorAccess",
        "arn:aws:iam::aws:policy/AWSLambdaBasicExecutionRole",
        "arn:aws:iam::111122223333:policy/AdministratorAccess",
        "arn:aws:iam::aws:policy/Document",
        "AdministratorAccess",
        "",
    ],
)
def test_what_is_none_of_awss_is_not(people, arn):
    """Nor one under another path."""
    admit_managed(OWNER, arn)
    assert people.identities.directory.managed_policy(OWNER, arn) is None
