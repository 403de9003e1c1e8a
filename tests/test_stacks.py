"""What a stack makes counts as if it had been made by calls."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from pkilab.costs import billable_create, estimate, expected
from pkilab.journal import Entry
from pkilab.stacks import charged_types, with_contents

AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
STACK = "arn:aws:cloudformation:us-east-1:111122223333:stack/pki/1f"
YAML = """
Resources:
  Root:
    Type: "AWS::ACMPCA::CertificateAuthority"
  RootCertificate:
    Type: AWS::ACMPCA::Certificate
  Zone: {Type: AWS::Route53::HostedZone}
  Bucket: {Type: AWS::S3::Bucket}
"""
JSON = '{"Resources": {"Key": {"Type" : "AWS::KMS::Key"}}}'


def created(template=YAML, **parameters):
    return Entry(
        1, AT, "main", "111122223333", "us-east-1", "cloudformation", "CreateStack", (STACK,), "ok",
        {"TemplateBody": template, **parameters}, {"StackId": STACK},
    )  # fmt: skip


def deleted(name):
    at = AT + timedelta(minutes=30)
    made = replace(created(), operation="DeleteStack", results={}, parameters={}, at=at)
    return replace(made, resources=(name,))


def test_the_charged_types_of_a_template_are_found():
    """In YAML and in JSON; other types cost nothing to have."""
    assert charged_types({"TemplateBody": YAML}) == (
        "AWS::ACMPCA::CertificateAuthority",
        "AWS::ACMPCA::Certificate",
        "AWS::Route53::HostedZone",
    )
    assert charged_types({"TemplateBody": JSON}) == ("AWS::KMS::Key",)
    assert charged_types({"TemplateBody": "Resources: {A: {Type: AWS::IAM::Role}}"}) == ()
    assert charged_types({"TemplateURL": "https://example.com"}) is None


def test_a_parameters_type_is_no_resource():
    """A zone's id costs nothing, the zone does."""
    template = "Parameters: {Z: {Type: AWS::Route53::HostedZone::Id}}\nResources: {}"
    assert charged_types({"TemplateBody": template}) == ()


def test_a_stack_is_priced_by_what_it_makes():
    """A CA for an hour, a certificate, a zone."""
    bill = estimate([created()], until=AT + timedelta(hours=1))
    amounts = {line.thing: line.amount for line in bill.lines if line.amount}
    assert amounts == {
        "private CA, general purpose": Decimal("0.547945"),
        "certificates, the first 1,000 of a month": Decimal("0.750000"),
        "hosted zone": Decimal("0.500000"),
    }


@pytest.mark.parametrize("name", [STACK, STACK.replace("/1f", "/*")])
def test_its_deletion_ends_what_it_made(name):
    """Named by its ARN or by its name: half an hour of a CA; the zone's twelve hours are free."""
    bill = estimate([created(), deleted(name)], until=AT + timedelta(days=1))
    amounts = {line.thing: line.amount for line in bill.lines if line.amount}
    assert amounts["private CA, general purpose"] == Decimal("0.273973")
    assert "hosted zone" not in amounts
    other = deleted(STACK.replace("pki", "other"))
    whole = estimate([created(), other], until=AT + timedelta(hours=1))
    assert whole.total == estimate([created()], until=AT + timedelta(hours=1)).total


def test_what_a_stack_costs_is_asked_about_and_known():
    """A template without charged types needs no leave; one that is not there has no price."""
    assert billable_create("cloudformation", "CreateStack", {"TemplateBody": YAML}).amount == 0
    free = {"TemplateBody": "Resources: {A: {Type: AWS::IAM::Role}}"}
    assert billable_create("cloudformation", "CreateStack", free) is None
    assert billable_create("cloudformation", "CreateStack", {}).amount is None
    assert billable_create("cloudformation", "UpdateStack", {"TemplateBody": YAML}).amount is None
    assert billable_create("cloudformation", "UpdateStack", free) is None


def test_a_change_set_makes_a_stack_where_it_says_so():
    entry = replace(created(ChangeSetType="CREATE"), operation="CreateChangeSet")
    assert len(list(with_contents([entry]))) == 4
    update = replace(created(ChangeSetType="UPDATE"), operation="CreateChangeSet")
    assert list(with_contents([update])) == [update]


def test_two_runs_of_the_same_calls_are_expected_to_cost_the_same():
    """Whatever their pace, and whether things were deleted."""
    slow = [created(), replace(deleted(STACK), at=AT + timedelta(days=3))]
    assert expected(slow).total == expected([created()]).total == Decimal("1.297945")
