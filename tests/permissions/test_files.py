"""Policies as files: the same bytes each time, and good for other accounts."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from pkilab.errors import LabError
from pkilab.journal import Entry
from pkilab.permissions import LONGEST_DOCUMENT, policy_files, rewritten
from pkilab.permissions.policy import length

AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
MAIN, OTHER, NEW = "111122223333", "444455556666", "999988887777"


def entry(operation: str = "HeadBucket", bucket: str = "b", **more: Any) -> Entry:
    made = Entry(
        1, AT, "main", MAIN, "us-east-1", "s3", operation, (f"arn:aws:s3:::{bucket}",), "ok",
        {"Bucket": bucket},
    )  # fmt: skip
    return replace(made, **more)


def document(*resources: str, **more: Any) -> dict[str, Any]:
    found = {"Sid": "S", "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": [*resources]}
    return {"Version": "2012-10-17", "Statement": [{**found, **more}]}


def resources(found: dict[str, Any]) -> list[str]:
    listed: list[str] = found["Statement"][0]["Resource"]
    return listed


def test_each_account_has_a_file_of_its_own() -> None:
    """Sorted by name, whatever order the calls came in; JSON of two spaces, ended by a line."""
    other = entry(account="other", account_id=OTHER)
    texts = policy_files("01_pki", [other, entry()])
    assert list(texts) == ["01_pki.main.json", "01_pki.other.json"]
    text = texts["01_pki.main.json"]
    assert text == f"{json.dumps(json.loads(text), indent=2)}\n"
    assert policy_files("01_pki", [entry(), other]) == texts


def test_callers_that_the_run_made_and_cells_that_aws_does_not_run_have_no_file() -> None:
    """Their policies are the run's to make; what a simulated lab alone does takes none."""
    made = entry(account="other", access_key_id="AKIAIOSFODNN7EXAMPLE")
    aside = entry(account="third", aside=True)
    assert list(policy_files("01", [entry(), made, aside])) == ["01.main.json"]


def test_a_policy_too_long_for_iam_is_several_files() -> None:
    """Numbered from 1, each short enough."""
    calls = [entry(bucket=f"{'x' * 50}{number}") for number in range(120)]
    texts = policy_files("01", calls)
    assert list(texts)[:2] == ["01.main.1.json", "01.main.2.json"]
    assert all(length(json.loads(text)) <= LONGEST_DOCUMENT for text in texts.values())


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (f"arn:aws:kms:us-east-1:{MAIN}:key/*", f"arn:aws:kms:eu-west-3:{NEW}:key/*"),
        (f"arn:aws:iam::{MAIN}:role/r", f"arn:aws:iam::{NEW}:role/r"),
        (f"arn:aws:s3:::lab-{MAIN}/*", f"arn:aws:s3:::lab-{NEW}/*"),
        (f"arn:aws:kms:ap-south-1:{OTHER}:key/*", f"arn:aws:kms:ap-south-1:{OTHER}:key/*"),
        ("*", "*"),
        (
            "arn:aws:apigateway:us-east-1::/domainnames/api.pkilab.example/apimappings",
            "arn:aws:apigateway:eu-west-3::/domainnames/lab.own.example/apimappings",
        ),
        (
            "arn:aws:apigateway:us-east-1::/domainnames/a.api.pkilab.example",
            "arn:aws:apigateway:eu-west-3::/domainnames/a.lab.own.example",
        ),
        (
            "arn:aws:apigateway:us-east-1::/domainnames/notapi.pkilab.example",
            "arn:aws:apigateway:eu-west-3::/domainnames/notapi.pkilab.example",
        ),
        (
            "arn:aws:apigateway:us-east-1::/tags/arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Fapis%2F*",
            "arn:aws:apigateway:eu-west-3::/tags/arn%3Aaws%3Aapigateway%3Aeu-west-3%3A%3A%2Fapis%2F*",
        ),
        # Of a name that has twelve digits and more, none is an account's id.
        (f"arn:aws:s3:::x{MAIN}0", f"arn:aws:s3:::x{MAIN}0"),
    ],
)
def test_accounts_regions_and_domains_are_rewritten_where_they_are_meant(
    resource: str, expected: str
) -> None:
    domains = {"api.pkilab.example": "lab.own.example"}
    found = rewritten(document(resource), {MAIN: NEW}, "eu-west-3", domains=domains)
    assert resources(found) == [expected]


def test_accounts_that_change_places_do_not_become_one() -> None:
    """Each id is replaced once."""
    both = document(f"arn:aws:iam::{MAIN}:role/a", f"arn:aws:iam::{OTHER}:role/b")
    found = rewritten(both, {MAIN: OTHER, OTHER: MAIN}, "us-east-1")
    assert resources(found) == [f"arn:aws:iam::{MAIN}:role/b", f"arn:aws:iam::{OTHER}:role/a"]
    assert resources(both)[0] == f"arn:aws:iam::{MAIN}:role/a"  # the old one stays as it is


def test_what_is_no_arn_stays() -> None:
    """Actions, identifiers, and the values of a condition that name AWS's own things."""
    template = "arn:aws:acm-pca:::template/EndEntityCertificate/V1"
    condition = {"ArnEquals": {"acm-pca:TemplateArn": [template]}}
    given = document("*", Condition=condition)
    assert rewritten(given, {MAIN: NEW}, "eu-west-3") == given


@pytest.mark.parametrize(
    ("ids", "region", "said"),
    [
        ({MAIN: "12"}, "us-east-1", "12 digits"),
        ({"main": NEW}, "us-east-1", "12 digits"),
        ({MAIN: NEW}, "Frankfurt", "a Region"),
    ],
)
def test_what_is_no_account_and_no_region_is_refused(
    ids: dict[str, str], region: str, said: str
) -> None:
    with pytest.raises(LabError, match=said):
        rewritten(document("*"), ids, region)
