"""The template of a public certificate, by cfn-lint and deployed in a world."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pkilab import templates
from pkilab.lab import Lab

TEMPLATE = Path(templates.__file__).parent / "acm_certificate" / "template.yaml"


def test_cfn_lint_finds_nothing_in_the_template_and_would_find_a_mistake(
    lint: Callable[[Path], subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    done = lint(TEMPLATE)
    assert (done.returncode, done.stdout) == (0, "")
    broken = TEMPLATE.read_text().replace("ValidationMethod: DNS", "ValidationMethod: [DNS]")
    (tmp_path / "broken.yaml").write_text(broken)
    assert lint(tmp_path / "broken.yaml").stdout.startswith("E3012")


def deploy(lab: Lab, **values: str) -> Any:
    """Create the stack and return its description."""
    client = lab.client("cloudformation")
    given = [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]
    client.create_stack(StackName="names", TemplateBody=TEMPLATE.read_text(), Parameters=given)
    return client.describe_stacks(StackName="names")["Stacks"][0]


@pytest.fixture
def zone(lab: Lab) -> str:
    answer = lab.client("route53").create_hosted_zone(Name="lab.example", CallerReference="1")
    number: str = answer["HostedZone"]["Id"].rpartition("/")[2]
    return number


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"FirstAlternativeName": "*.lab.example"},
        {"FirstAlternativeName": "www.lab.example", "SecondAlternativeName": "api.lab.example"},
    ],
)
def test_it_is_issued_for_each_name_by_records_that_it_writes_itself(
    lab: Lab, zone: str, more: dict[str, str]
) -> None:
    stack = deploy(lab, HostedZoneId=zone, DomainName="lab.example", **more)
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    arn = stack["Outputs"][0]["OutputValue"]
    assert stack["Outputs"][0]["ExportName"] == "names-CertificateArn"
    detail = lab.client("acm").describe_certificate(CertificateArn=arn)["Certificate"]
    assert (detail["Status"], detail["KeyAlgorithm"]) == ("ISSUED", "EC-prime256v1")
    assert set(detail["SubjectAlternativeNames"]) == {"lab.example", *more.values()}
    tags = lab.client("acm").list_tags_for_certificate(CertificateArn=arn)["Tags"]
    assert {"Key": "Name", "Value": "lab.example"} in tags


def test_a_name_of_another_zone_takes_the_certificate_back(lab: Lab, zone: str) -> None:
    stack = deploy(lab, HostedZoneId=zone, DomainName="elsewhere.example")
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    certificates = lab.client("acm").list_certificates(Includes={"keyTypes": ["EC_prime256v1"]})
    assert certificates["CertificateSummaryList"] == []


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"DomainName": "lab"}, "must match pattern"),
        ({"DomainName": "a" * 60 + ".example"}, "must contain at most 64 characters"),
        ({"DomainName": "lab.example", "SecondAlternativeName": "www.lab.example"},
         "Give FirstAlternativeName before SecondAlternativeName"),
        ({"DomainName": "lab.example", "KeyAlgorithm": "RSA_1024"}, "must be one of AllowedValues"),
    ],
)  # fmt: skip
def test_values_that_cannot_be_are_refused_before_anything_is_made(
    lab: Lab, zone: str, values: dict[str, str], why: str
) -> None:
    client = lab.client("cloudformation")
    with pytest.raises(client.exceptions.ClientError, match=why):
        deploy(lab, HostedZoneId=zone, **values)
