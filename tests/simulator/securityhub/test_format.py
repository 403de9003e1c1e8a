"""What is a finding and what is none, in the service's sentences."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pkilab.simulator.securityhub import format as asff
from pkilab.simulator.service import service_model

PREFIX = "Finding does not adhere to Amazon Finding Format. "
NAMES = [
    *service_model("securityhub").shape_for("AwsSecurityFinding").members,
    "Label", "Normalized", "Type", "Id", "Details", "Other", "AwsEc2Instance", "x",
]  # fmt: skip
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6)
    ),
    max_leaves=30,
)


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        # As the service was seen to answer: cloud-custodian issue 4234.
        ({"Description": None}, "data should have required property 'Description'."),
        # kube-bench issue 903.
        (
            {"Remediation": {"Recommendation": {"Text": "x" * 513}}},
            "data.Remediation.Recommendation.Text should NOT be longer than 512 characters.",
        ),
        # prowler issue 778.
        (
            {"Resources": [{"Type": "", "Id": "i"}]},
            "data.Resources[0].Type should NOT be shorter than 1 characters.",
        ),
        ({"Resources": []}, "data.Resources should NOT have fewer than 1 items."),
        # prowler issue 2519.
        ({"Types": [""]}, 'data.Types[0] should match pattern "^([^/]+)(/[^/]+){0,2}$".'),
        # cloud-custodian issue 3603.
        (
            {
                "Resources": [
                    {"Type": "Other", "Id": "i", "Details": {"Other": {"Destinations": "x" * 1025}}}
                ]
            },
            "data.Resources[0].Details.Other['Destinations'] should NOT be longer than"
            " 1024 characters.",
        ),
    ],
)
def test_known_mistakes_get_the_sentences_that_the_service_was_seen_to_answer(
    new_finding, members, sentence
):
    """Published answers of AWS's, word for word."""
    assert asff.problem(new_finding(**members)) == PREFIX + sentence


def test_a_field_of_32_kilobytes_gets_a_sentence_of_its_own(new_finding):
    """As seen in mitre/heimdall2 issue 3357: without the usual beginning."""
    resource = {"Type": "Other", "Id": "x" * 32_768}
    sentence = "The maximum size of an individual field should be less than 32768"
    assert asff.problem(new_finding(Resources=[resource])) == sentence
    assert asff.problem(new_finding(Resources=[resource | {"Id": "x" * 32_767}])) is None


@pytest.mark.parametrize(
    "members",
    [
        {name: None}
        for name in (
            "SchemaVersion", "Id", "ProductArn", "GeneratorId", "AwsAccountId", "CreatedAt",
            "UpdatedAt", "Title", "Description", "Resources",
        )
    ],
    ids=lambda members: next(iter(members)),
)  # fmt: skip
def test_a_finding_without_a_required_member_is_none(new_finding, members):
    """Each of them is named."""
    (name,) = members
    assert asff.problem(new_finding()) is None
    assert asff.problem(new_finding(**members)) == (
        f"{PREFIX}data should have required property '{name}'."
    )


@pytest.mark.parametrize(
    ("members", "part"),
    [
        ({"SchemaVersion": "2018-10-09"}, "data.SchemaVersion should be equal to one of"),
        ({"Id": "x" * 513}, "data.Id should NOT be longer than 512"),
        ({"Title": "x" * 257}, "data.Title should NOT be longer than 256"),
        ({"Title": " \n"}, 'data.Title should match pattern ".*\\S.*"'),
        ({"Title": 5}, "data.Title should be string"),
        ({"Description": "x" * 1025}, "data.Description should NOT be longer than 1024"),
        ({"ProductArn": "arn"}, "data.ProductArn should NOT be shorter than 12"),
        ({"AwsAccountId": "1234"}, 'data.AwsAccountId should match pattern "^[0-9]{12}$"'),
        ({"CreatedAt": "2026-11-02T09:00:00"}, "data.CreatedAt should match pattern"),
        ({"UpdatedAt": 1_790_000_000}, "data.UpdatedAt should be string"),
        ({"Types": ["a/b/c/d"]}, "data.Types[0] should match pattern"),
        ({"Types": ["TTPs"] * 51}, "data.Types should NOT have more than 50 items"),
        ({"Severity": {"Label": "SEVERE"}}, "data.Severity.Label should be equal to one of"),
        ({"Severity": {"Normalized": 101}}, "data.Severity.Normalized should be <= 100"),
        ({"Severity": {"Normalized": -1}}, "data.Severity.Normalized should be >= 0"),
        ({"Severity": {"Normalized": 5.5}}, "data.Severity.Normalized should be integer"),
        ({"Severity": {"Normalized": True}}, "data.Severity.Normalized should be integer"),
        ({"Severity": {"Original": "x"}}, "data.Severity should match some schema in anyOf"),
        ({"Severity": "HIGH"}, "data.Severity should be object"),
        ({"Severity": None}, "data should have required property 'Severity'"),
        ({"Confidence": 101}, "data.Confidence should be <= 100"),
        ({"Sample": "yes"}, "data.Sample should be boolean"),
        ({"RecordState": "GONE"}, "data.RecordState should be equal to one of"),
        ({"Workflow": {"Status": "DONE"}}, "data.Workflow.Status should be equal to one of"),
        ({"RelatedFindings": []}, "data.RelatedFindings should NOT have fewer than 1 items"),
        ({"RelatedFindings": [{"Id": "i"}]}, "data.RelatedFindings[0] should have required"),
        ({"ProductFields": {str(i): "v" for i in range(51)}}, "NOT have more than 50 properties"),
        ({"ProductFields": {"k" * 129: "v"}}, "property name 'kkk"),
        ({"ProductFields": {"k": "v" * 2049}}, "data.ProductFields['k'] should NOT be longer"),
        ({"UserDefinedFields": {"k": "v" * 1025}}, "data.UserDefinedFields['k'] should NOT be"),
        ({"Resources": [{"Type": "Other"}]}, "data.Resources[0] should have required property"),
        ({"Resources": [{"Type": "x", "Id": "i"}] * 33}, "NOT have more than 32 items"),
        ({"Resources": "r"}, "data.Resources should be array"),
        ({"Notes": "?"}, "data should NOT have additional properties"),
        ({"Note": {"Text": "t"}}, "data.Note should have required property 'UpdatedBy'"),
    ],
)  # fmt: skip
def test_what_breaks_a_rule_of_the_format_is_no_finding(new_finding, members, part):
    """Types, lengths, choices, numbers, patterns."""
    found = asff.problem(new_finding(**members))
    assert found is not None
    assert found.startswith(PREFIX)
    assert part in found


@pytest.mark.parametrize(
    ("details", "part"),
    [
        ({"AwsEc2Instnce": {}}, "Details should NOT have additional properties"),
        ({"AwsEc2Instance": "i-1"}, "Details.AwsEc2Instance should be object"),
        ({"AwsEc2Instance": {"LaunchedAt": "today"}}, "LaunchedAt should match pattern"),
        ({"AwsEc2Instance": {"IpV4Addresses": "10.0.0.1"}}, "IpV4Addresses should be array"),
        ({"Other": {"number": 5}}, "Details.Other['number'] should be string"),
        ({"AwsCertificateManagerCertificate": {"NotAfter": "soon"}}, "NotAfter should match"),
        (
            {"AwsCertificateManagerCertificate": {"ExtendedKeyUsages": [{"OID": "1.2"}]}},
            "ExtendedKeyUsages[0] should NOT have additional properties",
        ),
    ],
)
def test_details_are_held_against_the_type_that_they_claim(new_finding, details, part):
    """An unknown type, an unknown member, a value of another type."""
    resource = {"Type": "AwsEc2Instance", "Id": "i", "Details": details}
    assert part in asff.problem(new_finding(Resources=[resource]))


def test_the_details_of_a_certificate_are_accepted(new_finding):
    """With OId, where ACM has OID."""
    details = {
        "AwsCertificateManagerCertificate": {
            "DomainName": "example.com",
            "NotAfter": "2027-11-02T09:00:00Z",
            "ExtendedKeyUsages": [{"Name": "TLS_WEB_SERVER_AUTHENTICATION", "OId": "1.3.6.1"}],
            "Options": {"CertificateTransparencyLoggingPreference": "ENABLED"},
        }
    }
    resource = {"Type": "AwsCertificateManagerCertificate", "Id": "arn", "Details": details}
    assert asff.problem(new_finding(Resources=[resource])) is None


@pytest.mark.parametrize(
    "kind",
    [
        "Unusual Behaviors",
        "TTPs/Defense Evasion",
        "TTPs/Defense Evasion/CloudTrailStopped",
        "Software and Configuration Checks/Vulnerabilities/CVE",
        # Not of the taxonomy: seen accepted as such in prowler issue 778.
        "ens-op.acc.5.aws.iam.1",
    ],
)
def test_types_are_paths_of_one_to_three_parts(new_finding, kind):
    """The taxonomy is a recommendation: the service asks for the form alone."""
    assert asff.problem(new_finding(Types=[kind])) is None
    assert asff.problem(new_finding(Types=[f"{kind}/a/b/c"])) is not None
    assert asff.problem(new_finding(Types=[f"/{kind}"])) is not None


def test_the_severity_may_stand_in_the_providers_fields_alone(new_finding):
    """With its label; without one anywhere it is no finding."""
    provider = {"Severity": {"Label": "HIGH"}, "Types": ["TTPs"]}
    whole = new_finding(Severity=None, Types=None, FindingProviderFields=provider)
    assert asff.problem(whole) is None
    bare = {"Severity": {"Original": "9"}}
    assert "should have required property 'Label'" in asff.problem(
        new_finding(Severity=None, FindingProviderFields=bare)
    )
    assert "data should match some schema in anyOf" in asff.problem(
        new_finding(Severity=None, FindingProviderFields={"Types": ["TTPs"]})
    )


def test_every_mistake_is_told(new_finding):
    """In one sentence, one after the other."""
    found = asff.problem(new_finding(Title="", Description=None))
    assert found == (
        f"{PREFIX}data should have required property 'Description',"
        " data.Title should NOT be shorter than 1 characters."
    )


@given(DOCUMENTS)
def test_any_document_is_a_finding_or_gets_a_sentence(document):
    """No error leaves, however twisted it is."""
    found = asff.problem(document)
    assert found is None or found.endswith(".") or found == asff.TOO_LONG


def test_a_customers_changes_are_held_against_the_same_limits():
    """As BatchUpdateFindings has them."""
    assert asff.problems_of({"Confidence": 100, "Types": ["TTPs"]}) is None
    assert asff.problems_of({"UserDefinedFields": {"k": "v" * 1025}}) == (
        "UserDefinedFields['k'] should NOT be longer than 1024 characters."
    )
    assert "Note.Text should NOT be longer" in asff.problems_of(
        {"Note": {"Text": "x" * 513, "UpdatedBy": "me"}}
    )
    assert "Types[0] should match pattern" in asff.problems_of({"Types": ["a/b/c/d"]})


def test_findings_of_aws_services_are_findings(project):
    """GuardDuty's, Inspector's and Security Hub's own, as published with scanners' tests."""
    file = project.parent / "shared" / "conformance" / "asff_findings.json"
    if not file.is_file():
        pytest.skip("the findings (../shared/conformance/asff_findings.json) are not here")
    for each in json.loads(file.read_text()):
        assert asff.problem(each["finding"]) is None, each["id"]
