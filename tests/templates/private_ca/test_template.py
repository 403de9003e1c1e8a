"""The template of a private CA hierarchy, by cfn-lint and deployed in a world."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from pkilab import templates, witness
from pkilab.lab import Lab
from pkilab.pki import pem

TEMPLATE = Path(templates.__file__).parent / "private_ca" / "template.yaml"


def test_cfn_lint_finds_nothing_in_the_template_and_would_find_a_mistake(
    lint: Callable[[Path], subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    done = lint(TEMPLATE)
    assert (done.returncode, done.stdout) == (0, "")
    broken = TEMPLATE.read_text().replace("!GetAtt Root.Certificate", "!GetAtt Root.Certificates")
    (tmp_path / "broken.yaml").write_text(broken)
    assert lint(tmp_path / "broken.yaml").stdout.startswith("E1010")


def deploy(lab: Lab, template: str = "", **values: str) -> Any:
    """Create the stack and return its description."""
    client = lab.client("cloudformation")
    given = [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]
    body = template or TEMPLATE.read_text()
    client.create_stack(StackName="pki", TemplateBody=body, Parameters=given)
    return client.describe_stacks(StackName="pki")["Stacks"][0]


def outputs(stack: Any) -> dict[str, str]:
    return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}


def test_it_comes_to_a_certificate_that_openssl_verifies_by_the_root_alone(lab: Lab) -> None:
    stack = deploy(lab, Organization="Lab", DomainName="api.internal.example", Ocsp="ENABLED")
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    found = outputs(stack)
    acm = lab.client("acm")
    detail = acm.describe_certificate(CertificateArn=found["CertificateArn"])["Certificate"]
    assert (detail["Status"], detail["Type"]) == ("ISSUED", "PRIVATE")
    answer = acm.get_certificate(CertificateArn=found["CertificateArn"])
    issuing, root = pem.load_certificates(answer["CertificateChain"])
    assert pem.to_pem(root).strip() == found["RootCertificate"].strip()
    assert (root.subject.rfc4514_string(), issuing.subject.rfc4514_string()) == (
        "CN=Lab Root,O=Lab", "CN=Lab Issuing CA,O=Lab",
    )  # fmt: skip
    constraints = issuing.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (constraints.ca, constraints.path_length) == (True, 0)
    said = witness.openssl_verify(
        answer["Certificate"], root=found["RootCertificate"], at=lab.clock.now(),
        intermediates=pem.to_pem(issuing),
    )  # fmt: skip
    assert said.agrees, said
    late = lab.clock.now() + timedelta(days=400)
    expired = witness.openssl_verify(
        answer["Certificate"], root=found["RootCertificate"], at=late,
        intermediates=pem.to_pem(issuing),
    )  # fmt: skip
    assert not expired.agrees


def test_without_a_name_there_are_the_authorities_alone(lab: Lab) -> None:
    found = outputs(deploy(lab))
    assert set(found) == {"RootArn", "RootCertificate", "SubordinateArn"}
    assert lab.client("acm").list_certificates()["CertificateSummaryList"] == []


def test_deleting_it_leaves_two_authorities_to_be_restored(lab: Lab) -> None:
    deploy(lab, DomainName="api.internal.example")
    client = lab.client("cloudformation")
    arn = client.describe_stacks(StackName="pki")["Stacks"][0]["StackId"]
    client.delete_stack(StackName="pki")
    assert client.describe_stacks(StackName=arn)["Stacks"][0]["StackStatus"] == "DELETE_COMPLETE"
    authorities = lab.client("acm-pca").list_certificate_authorities()["CertificateAuthorities"]
    assert [each["Status"] for each in authorities] == ["DELETED", "DELETED"]


@pytest.mark.parametrize(
    ("old", "new", "failed"),
    [
        ("    DependsOn: [SubordinateActivation, RenewalByAcm]", "    DependsOn: RenewalByAcm",
         "Certificate"),
        ("Actions: [IssueCertificate, GetCertificate, ListPermissions]",
         "Actions: [GetCertificate, ListPermissions]", "Certificate"),
        ("    DependsOn: RootActivation # the root signs once it is active\n", "",
         "SubordinateCertificate"),
    ],
)  # fmt: skip
def test_what_it_says_of_the_order_is_needed(lab: Lab, old: str, new: str, failed: str) -> None:
    """Without it the stack fails, and takes the authorities back."""
    template = TEMPLATE.read_text()
    assert old in template
    stack = deploy(lab, template.replace(old, new), DomainName="api.internal.example")
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert (
        f"[{failed}]" in stack["StackStatusReason"] or f"[{failed}," in stack["StackStatusReason"]
    )
