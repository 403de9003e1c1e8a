"""Who can issue what, found by trying, and explained."""

import json

import pytest

from pkilab import access_control, ca_hierarchy
from pkilab.access_control import issuing_policy, matrix
from pkilab.pki import requests

MAIN, OTHER = "111122223333", "444455556666"
END, SUB = "EndEntityCertificate/V1", "SubordinateCACertificate_PathLen0/V1"


@pytest.fixture
def csr(place):
    """A certificate request."""
    return requests.build_request(place.lab.generate_key("service"), "CN=service")


@pytest.fixture
def ca(place):
    """A root CA, whose ARN is returned."""
    return ca_hierarchy.create_root(place.lab.client("acm-pca"), {"CommonName": "Root"})


def test_account_times_action_times_template(place, ca, csr):
    """Each cell was tried, and `explain` says the same of each."""
    people = {}
    for name, templates in {"leaf": [END], "subordinates": [SUB], "both": [END, SUB]}.items():
        arn, key = place.user(name)
        place.iam.put_user_policy(
            UserName=name,
            PolicyName="Issue",
            PolicyDocument=json.dumps(issuing_policy(ca, templates)),
        )
        people[name] = (arn, place.lab.client("acm-pca", credentials=key))
    stranger = f"arn:aws:iam::{OTHER}:user/learner"
    people["stranger"] = (stranger, place.lab.client("acm-pca", account="other"))
    clients = {name: client for name, (_, client) in people.items()}
    found = matrix(clients, {"root": ca}, [END, f"arn:aws:acm-pca:::template/{SUB}"], csr=csr)
    assert found.table.columns == ("caller", *(each.removesuffix("/V1") for each in (END, SUB)))
    assert found.table.rows == (
        ("leaf", "issued", "denied (identity, explicitly)"),
        ("subordinates", "denied (identity, explicitly)", "issued"),
        ("both", "issued", "issued"),
        ("stranger", "denied (resource)", "denied (resource)"),
    )
    for trial in found.trials:
        template = f"arn:aws:acm-pca:::template/{trial.template}"
        told = place.explain(
            people[trial.who][0],
            "acm-pca:IssueCertificate",
            ca,
            context={"acm-pca:TemplateArn": template},
        )
        assert told.allowed is trial.allowed
        assert trial.allowed or told.decision.kind == trial.denial.kind
        assert bool(trial.certificate_arn) is trial.allowed
    assert "issued" in repr(found)
    assert "<table" in found._repr_html_()


def test_both_halves_open_a_ca_to_another_account(place, ca, csr):
    """The owner's is the CA's policy; without either nothing is issued."""
    arn, key = place.user("eve", account="other")
    pca = place.lab.client("acm-pca", credentials=key)
    context = {"acm-pca:TemplateArn": f"arn:aws:acm-pca:::template/{END}"}

    def explain():
        return place.explain(arn, "acm-pca:IssueCertificate", ca, context=context)

    def tried():
        (trial,) = matrix({"eve": pca}, {"root": ca}, [END], csr=csr).trials
        return trial.allowed

    owners, callers = explain().missing
    assert "PutPolicy, or a share of AWS RAM" in owners.sentence
    place.lab.client("acm-pca").put_policy(ResourceArn=ca, Policy=json.dumps(owners.policy))
    assert (explain().allowed, explain().missing, tried()) == (False, (callers,), False)
    place.attach("eve", callers.statement, account="other")
    assert (explain().allowed, tried()) == (True, True)


def test_an_error_of_another_kind_comes_after_the_permission(place, ca, csr):
    """It was allowed, and failed."""
    arns = {"none": f"arn:aws:acm-pca:us-east-1:{MAIN}:certificate-authority/" + "0" * 8
            + "-0000-0000-0000-" + "0" * 12}  # fmt: skip
    (trial,) = matrix({"learner": place.lab.client("acm-pca")}, arns, [END], csr=csr).trials
    assert (trial.allowed, trial.word) == (True, "allowed, but ResourceNotFoundException")
    assert access_control.Trial is type(trial)


def test_several_cas_have_a_row_each(place, ca, csr):
    """And a column that says which; version 1 of a template goes without saying."""
    pca = place.lab.client("acm-pca")
    gone = ca[:-12] + "0" * 12
    found = matrix({"learner": pca}, {"root": ca, "gone": gone}, [END], csr=csr)
    assert found.table.columns == ("caller", "CA", "EndEntityCertificate")
    assert [row[1] for row in found.table.rows] == ["root", "gone"]
