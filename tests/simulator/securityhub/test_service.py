"""Security Hub on the wire: boto3, policies, the trail, and the AWS command line."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from pkilab import Lab
from pkilab.simulator.securityhub.service import LARGEST_BATCH
from pkilab.simulator.service import HttpRequest

OWNER, OTHER, REGION = "111122223333", "444455556666", "us-east-1"
ACCOUNTS = {"owner": OWNER, "other": OTHER}


@pytest.fixture
def client(lab):
    """Return a client of an enabled hub."""
    found = lab.client("securityhub", region="us-east-1")
    found.enable_security_hub()
    return found


def post(hub, body, path="/findings/import"):
    url = f"https://securityhub.{REGION}.amazonaws.com{path}"
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = hub.service.respond(HttpRequest("POST", url, {}, body), hub.call())
    return answer.status, answer.headers.get("x-amzn-errortype"), json.loads(answer.body)


def test_a_batch_on_the_wire_is_answered_with_200_whatever_becomes_of_it(hub, new_finding):
    """What the API's model would not take fails by itself."""
    status, _, answer = post(hub, {"Findings": [new_finding(1), new_finding(2, Severity="HIGH")]})
    assert (status, answer["SuccessCount"], answer["FailedCount"]) == (200, 1, 1)
    assert "data.Severity should be object" in answer["FailedFindings"][0]["ErrorMessage"]
    status, _, answer = post(hub, {"Findings": [new_finding(3, Invented={"a": [1]})]})
    assert (status, answer["FailedCount"]) == (200, 1)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "SerializationException"),
        (b"[]", "SerializationException"),
        (b"[" * 100_000, "SerializationException"),
        (b"{}", "SerializationException"),
        (b'{"Findings": [{"Confidence": NaN}]}', "SerializationException"),
        (b'{"Findings": []}', "InvalidInputException"),
        (b'{"Findings": [{}]}' + b" " * LARGEST_BATCH, "InvalidInputException"),
    ],
    ids=["broken", "a list", "deep", "empty", "not a number", "no findings", "too large"],
)
def test_what_is_no_batch_is_refused_as_a_whole(hub, body, code):
    """JSON, with 1 to 100 findings, of at most 6 MB."""
    status, found, _ = post(hub, body)
    assert (status, found) == (400, code)


def test_a_disabled_hub_answers_401(open_hub, new_finding):
    """With Message and Code, as the model has them."""
    status, code, body = post(open_hub(enabled=False), {"Findings": [new_finding()]})
    assert (status, code) == (401, "InvalidAccessException")
    assert body["Code"] == code


def test_boto3_finds_what_it_imported(lab, client, new_finding):
    """Imported, paged, resolved, and its history asked for between two times."""
    client.batch_import_findings(Findings=[new_finding(number) for number in range(7)])
    pages = client.get_paginator("get_findings").paginate(PaginationConfig={"PageSize": 3})
    found = [each for page in pages for each in page["Findings"]]
    assert [each["Id"] for each in found] == [f"finding-{number}" for number in range(7)]
    key = {"Id": "finding-0", "ProductArn": found[0]["ProductArn"]}
    before = lab.clock.now()
    lab.clock.advance(hours=1)
    client.batch_update_findings(FindingIdentifiers=[key], Workflow={"Status": "RESOLVED"})
    history = client.get_finding_history(
        FindingIdentifier=key, StartTime=before + timedelta(minutes=1), EndTime=lab.clock.now()
    )
    (record,) = history["Records"]
    assert record["UpdateTime"] == lab.clock.now()
    assert record["Updates"][0]["NewValue"] == "RESOLVED"
    missing = {"Id": "x", "ProductArn": found[0]["ProductArn"]}
    with pytest.raises(client.exceptions.InvalidInputException):
        client.get_finding_history(
            FindingIdentifier=missing, StartTime=datetime(2026, 1, 1, tzinfo=UTC)
        )


def test_the_trail_has_an_import_with_its_request(lab, client, new_finding):
    """BatchImportFindings is a management event that writes, GetFindings one that reads."""
    client.batch_import_findings(Findings=[new_finding()])
    client.get_findings()
    trail = lab.client("cloudtrail", region="us-east-1")
    events = {}
    for each in trail.lookup_events()["Events"]:
        event = json.loads(each["CloudTrailEvent"])
        events[event["eventName"]] = event
    written = events["BatchImportFindings"]
    assert written["eventSource"] == "securityhub.amazonaws.com"
    assert not written["readOnly"]
    assert events["GetFindings"]["readOnly"]
    assert "finding-1" in json.dumps(written["requestParameters"])


@pytest.fixture
def guarded():
    """A lab in which policies are enforced."""
    with Lab.simulated(seed="enforced hub", accounts=ACCOUNTS, enforce_policies=True) as opened:
        opened.client("securityhub").enable_security_hub()
        yield opened


def user(lab, *statements):
    """Return a client that calls as a user with a policy."""
    iam = lab.client("iam")
    iam.create_user(UserName="u")
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=policy)
    key = iam.create_access_key(UserName="u")["AccessKey"]
    return lab.client("securityhub", credentials=key)


def denied(call, **members):
    with pytest.raises(ClientError) as caught:
        call(**members)
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"


def test_a_policy_names_the_product_and_the_account_that_findings_are_for(guarded, new_finding):
    """securityhub:TargetAccount on the product's ARN."""
    client = user(
        guarded,
        {
            "Effect": "Allow",
            "Action": "securityhub:BatchImportFindings",
            "Resource": new_finding()["ProductArn"],
            "Condition": {"StringEquals": {"securityhub:TargetAccount": OWNER}},
        },
    )
    assert client.batch_import_findings(Findings=[new_finding()])["SuccessCount"] == 1
    denied(client.batch_import_findings, Findings=[new_finding(AwsAccountId=OTHER)])
    product = f"arn:aws:securityhub:{REGION}::product/prowler/prowler"
    denied(client.batch_import_findings, Findings=[new_finding(), new_finding(ProductArn=product)])
    denied(client.get_findings)


def test_a_policy_forbids_fields_and_values_of_an_update(guarded, new_finding):
    """securityhub:ASFFSyntaxPath, as in the user guide's examples."""
    guarded.client("securityhub").batch_import_findings(Findings=[new_finding()])
    path = "securityhub:ASFFSyntaxPath"
    client = user(
        guarded,
        {"Effect": "Allow", "Action": "securityhub:BatchUpdateFindings", "Resource": "*"},
        {
            "Effect": "Deny",
            "Action": "securityhub:BatchUpdateFindings",
            "Resource": "*",
            "Condition": {"StringEquals": {f"{path}/Workflow.Status": "SUPPRESSED"}},
        },
        {
            "Effect": "Deny",
            "Action": "securityhub:BatchUpdateFindings",
            "Resource": "*",
            "Condition": {"Null": {f"{path}/Severity.Label": "false"}},
        },
    )
    key = {"Id": "finding-1", "ProductArn": new_finding()["ProductArn"]}
    update = {"FindingIdentifiers": [key]}
    client.batch_update_findings(
        **update, Workflow={"Status": "RESOLVED"}, Types=["TTPs", "Effects"]
    )
    denied(client.batch_update_findings, **update, Workflow={"Status": "SUPPRESSED"})
    denied(client.batch_update_findings, **update, Severity={"Label": "LOW"})


@pytest.fixture
def aws(lab, aws_cli):
    """Run the AWS command line against the served world."""
    lab.serve()

    def run(*words):
        ran = aws_cli(lab, "securityhub", *words)
        return ran.returncode, json.loads(ran.stdout or "{}"), ran.stderr

    return run


def test_the_command_line_enables_imports_finds_and_resolves(aws, new_finding):
    """The commands of the user guide, with their refusals."""
    code, _, error = aws("describe-hub")
    assert code
    assert f"Account {OWNER} is not subscribed to AWS Security Hub" in error
    assert aws("enable-security-hub", "--enable-default-standards")[0] == 0
    findings = json.dumps([new_finding(1), new_finding(2, Title=" ")])
    code, answer, _ = aws("batch-import-findings", "--findings", findings)
    assert (code, answer["SuccessCount"], answer["FailedCount"]) == (0, 1, 1)
    title = {"Title": [{"Value": "CA Certificate Creation", "Comparison": "EQUALS"}]}
    _, answer, _ = aws("get-findings", "--filters", json.dumps(title), "--max-items", "1")
    (found,) = answer["Findings"]
    assert found["Severity"]["Label"] == "MEDIUM"
    identifier = f"Id=finding-1,ProductArn={found['ProductArn']}"
    code, answer, _ = aws(
        "batch-update-findings", "--finding-identifiers", identifier,
        "--workflow", "Status=RESOLVED", "--note", "Text=expected,UpdatedBy=team",
    )  # fmt: skip
    assert (code, len(answer["ProcessedFindings"])) == (0, 1)
    code, answer, _ = aws(
        "create-insight", "--name", "by title", "--group-by-attribute", "Title",
        "--filters", '{"WorkflowStatus": [{"Value": "RESOLVED", "Comparison": "EQUALS"}]}',
    )  # fmt: skip
    _, answer, _ = aws("get-insight-results", "--insight-arn", answer["InsightArn"])
    assert answer["InsightResults"]["ResultValues"] == [
        {"GroupByAttributeValue": "CA Certificate Creation", "Count": 1}
    ]
    assert aws("list-tags-for-resource", "--resource-arn",
               f"arn:aws:securityhub:{REGION}:{OWNER}:hub/default")[1] == {"Tags": {}}  # fmt: skip
