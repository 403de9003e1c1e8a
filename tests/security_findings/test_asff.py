from __future__ import annotations

import contextlib
import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pkilab.errors import MalformedError
from pkilab.security_findings import Finding, Resource, ResourceDetails, Severity, product_arn


def broken(finding, path, value):
    """Return a finding with the member at a path set, or taken away."""
    made = copy.deepcopy(finding)
    place = made
    *steps, last = path.split(".")
    for step in steps:
        place = place[int(step)] if step.isdigit() else place.setdefault(step, {})
    if value is None:
        del place[int(last) if last.isdigit() else last]
    else:
        place[int(last) if last.isdigit() else last] = value
    return made


LONG = "x" * 3000
# Path, value (None: the member is taken away), and what the refusal names.
WRONG = [
    *((name, None, f"found no {name}") for name in (
        "Id", "ProductArn", "GeneratorId", "AwsAccountId", "CreatedAt", "UpdatedAt", "Severity",
        "Title", "Description", "Resources",
    )),
    ("SchemaVersion", "2020-01-01", "2018-10-08"),
    ("Id", "", "Id"), ("Id", "   ", "not be blank"), ("Id", "x" * 513, "at most 512"),
    ("Title", "x" * 257, "at most 256"), ("Description", "x" * 1025, "at most 1024"),
    ("GeneratorId", "x" * 513, "at most 512"), ("ProductArn", "arn:x", "at least 12"),
    ("ProductArn", "arn:aws:securityhub:us-east-1:444455556666:product/444455556666/default",
     "AwsAccountId"),
    ("AwsAccountId", "1234", "AwsAccountId"), ("AwsAccountId", 111122223333, "valid string"),
    ("CreatedAt", "2026-01-01T00:00:00", "RFC 3339"),
    ("UpdatedAt", "2025-12-31T23:59:59Z", "or later"),
    ("Severity", {}, "Label, or Normalized"), ("Severity.Label", "SEVERE", "INFORMATIONAL"),
    ("Severity.Normalized", 101, "less than or equal to 100"),
    ("Severity.Normalized", True, "valid integer"),
    ("Types", ["Weather"], "Unusual Behaviors"), ("Types", ["TTPs/Weather"], "Persistence"),
    ("Types", ["TTPs"] * 51, "at most 50"),
    ("Resources", [], "at least 1"), ("Resources", [{"Type": "Other", "Id": "x"}] * 33, "at most"),
    ("Resources.0.Type", None, "no Resources.0.Type"),
    ("Resources.0.Partition", "aws-mars", "aws-cn"),
    ("Resources.0.Details", {"Weather": {}}, "an ASFF resource type"),
    ("Resources.0.Details", {"Other": {"key": 1}}, "valid string"),
    ("Resources.0.Details", {"Other": {"key": "x" * 1024}}, "at most 1023"),
    ("Resources.0.Details", {"AwsCertificateManagerCertificate": {"OID": "1.2"}}, "not permitted"),
    ("Remediation", {"Recommendation": {"Text": "x" * 513}}, "at most 512"),
    ("ProductFields", {"a" * 129: "x"}, "at most 128"), ("ProductFields", {"a": LONG}, "2048"),
    ("ProductFields", {str(n): "x" for n in range(51)}, "at most 50"),
    ("UserDefinedFields", {"a": "x" * 1025}, "1024"), ("RecordState", "GONE", "ARCHIVED"),
    ("Workflow", {"Status": "DONE"}, "RESOLVED"), ("Confidence", 101, "100"),
    ("RelatedFindings", [], "at least 1"), ("Weather", "fine", "not permitted"),
]  # fmt: skip


def test_anybodys_types_are_read_but_nothing_else_is_forgiven(finding):
    strange = finding().asff() | {"Types": ["Weather"]}
    assert Finding.read(strange).Types == ("Weather",)
    with pytest.raises(MalformedError, match="Weather"):
        Finding.parse(strange)
    with pytest.raises(MalformedError, match="Title"):
        Finding.read(strange | {"Title": " "})


@pytest.mark.parametrize(("path", "value", "named"), WRONG)
def test_what_awss_limits_forbid_is_refused_by_name(finding, checker, path, value, named):
    """And the outside checker finds something wrong with it, too."""
    wrong = broken(finding().asff(), path, value)
    with pytest.raises(MalformedError) as caught:
        Finding.parse(wrong)
    assert named in str(caught.value)
    if path != "UpdatedAt":  # of two valid times, which the checker does not compare
        assert checker.problems(wrong)


def test_a_small_finding_is_what_the_checker_accepts(finding, checker):
    assert checker.problems(finding().asff()) == []
    other = {"k" * 127: "v" * 1023}
    largest = finding(
        Id="x" * 512, Title="x" * 256, Description="x" * 1024, Types=["TTPs/Persistence/x"] * 50,
        Resources=[{"Type": "Other", "Id": "x", "Details": {"Other": other}}] * 32,
        ProductFields={f"{n:0128}": "v" * 2048 for n in range(50)},
    )  # fmt: skip
    assert checker.problems(largest.asff()) == []


def test_every_reason_is_in_the_one_error():
    with pytest.raises(MalformedError) as caught:
        Finding.parse({"Id": "one", "Title": " ", "Severity": {"Label": "BAD"}})
    error = caught.value
    assert error.thing == 'Finding "one"'
    for part in ("no ProductArn", 'Title " "', 'Severity.Label "BAD"', "no Resources"):
        assert part in error.found
    assert "Title: string should not be blank" in error.expected


def test_a_part_made_alone_raises_the_same_error():
    with pytest.raises(MalformedError, match="Severity: found Label"):
        Severity(Label="BAD")
    assert Severity(Label="LOW").Label == "LOW"


def test_values_are_frozen(finding):
    with pytest.raises(ValidationError, match="frozen"):
        finding().Title = "another"


def test_findings_of_other_products_are_read_and_written_back(conformance, checker):
    """Nine as AWS services gave them: GuardDuty, Inspector, Security Hub's controls."""
    recorded = json.loads((conformance / "asff_findings.json").read_text())
    assert len(recorded) == 9
    for each in recorded:
        assert Finding.parse(each["finding"]).asff() == each["finding"], each["id"]
        assert checker.problems(each["finding"]) == [], each["id"]


TEXT = st.text(min_size=1, max_size=30).filter(str.strip)


@given(
    title=TEXT,
    fields=st.dictionaries(TEXT, TEXT, max_size=5),
    other=st.dictionaries(TEXT, TEXT, max_size=5),
    label=st.sampled_from(["INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL"]),
)
def test_what_is_written_is_read_back(title, fields, other, label):
    made = Finding(
        Id="1", ProductArn=product_arn("us-east-1", "111122223333"), GeneratorId="g",
        AwsAccountId="111122223333", CreatedAt="2026-01-01T00:00:00Z",
        UpdatedAt="2026-01-01T00:00:00Z", Severity=Severity(Label=label), Title=title,
        Description="d", ProductFields=fields,
        Resources=(Resource(Type="Other", Id="r", Details=ResourceDetails(Other=other)),),
    )  # fmt: skip
    assert Finding.parse(json.loads(json.dumps(made.asff()))) == made


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(sorted(Finding.model_fields)), JSON) | JSON)
def test_only_the_declared_error_leaves(value):
    with contextlib.suppress(MalformedError):
        Finding.parse(value)


@pytest.mark.parametrize("partition", ["aws", "aws-cn"])
def test_the_default_product_is_of_account_and_region(partition):
    assert product_arn("eu-west-1", "111122223333", partition) == (
        f"arn:{partition}:securityhub:eu-west-1:111122223333:product/111122223333/default"
    )


def test_the_label_is_that_of_a_number_alone(finding):
    assert finding(Severity={"Normalized": 60}).label == "MEDIUM"
    assert finding(Severity={"Label": "LOW", "Normalized": 60}).label == "LOW"
