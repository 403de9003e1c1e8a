"""What is asked of stacks and answered, by boto3 and by the AWS command line."""

import json

import pytest

from pkilab.simulator.cloudformation.resources.catalogue import TYPES

BUCKET = "Resources: {Bucket: {Type: AWS::S3::Bucket}}"
OUTPUT = BUCKET + "\nOutputs: {Name: {Value: !Ref Bucket, Export: {Name: shared}}}"
USER = """
    Resources:
      Policy:
        Type: AWS::S3::BucketPolicy
        Properties: {Bucket: !ImportValue shared,
                     PolicyDocument: {Version: 2012-10-17, Statement: []}}
"""
ROLE = """
Resources:
  Role: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {Version: 2012-10-17,
         Statement: []}}}
"""


@pytest.mark.parametrize(
    ("operation", "members", "code", "message"),
    [
        ("create_stack", {"StackName": "web", "TemplateBody": BUCKET}, "AlreadyExistsException",
         "Stack [web] already exists"),
        ("create_stack", {"StackName": "9x", "TemplateBody": BUCKET}, "ValidationError",
         "1 validation error detected: Value '9x' at 'stackName' failed to satisfy constraint: "
         "Member must satisfy regular expression pattern: "
         "[a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*"),
        ("create_stack", {"StackName": "x" * 129, "TemplateBody": BUCKET}, "ValidationError",
         f"1 validation error detected: Value '{'x' * 129}' at 'stackName' failed to satisfy "
         "constraint: Member must have length less than or equal to 128"),
        ("create_stack", {"StackName": "x"}, "ValidationError",
         "Either Template URL or Template Body must be specified."),
        ("create_stack", {"StackName": "x", "TemplateBody": BUCKET, "DisableRollback": True,
                          "OnFailure": "DELETE"}, "ValidationError",
         "You can specify either DisableRollback or OnFailure, but not both."),
        ("create_stack", {"StackName": "x", "TemplateBody": ROLE}, "InsufficientCapabilities",
         "Requires capabilities : [CAPABILITY_IAM]"),
        ("create_stack", {"StackName": "x", "TemplateBody": BUCKET, "RoleARN":
                          "arn:aws:iam::111122223333:role/nobody"}, "ValidationError",
         "Role arn:aws:iam::111122223333:role/nobody is invalid or cannot be assumed"),
        ("create_stack", {"StackName": "x", "TemplateBody": BUCKET, "NotificationARNs":
                          ["arn:aws:sns:us-east-1:111122223333:t"]}, "NotImplemented",
         "cloudformation:CreateStack with NotificationARNs is not simulated by pkilab"),
        ("create_stack", {"StackName": "x", "TemplateBody": BUCKET,
                          "Tags": [{"Key": "aws:x", "Value": "y"}]}, "ValidationError",
         "aws: prefixed tag key names are not allowed for external use: aws:x"),
        ("update_stack", {"StackName": "web", "TemplateBody": OUTPUT}, "ValidationError",
         "No updates are to be performed."),
        ("update_stack", {"StackName": "none", "TemplateBody": BUCKET}, "ValidationError",
         "Stack [none] does not exist"),
        ("update_stack", {"StackName": "web", "TemplateBody": BUCKET.replace("S3::Bucket",
                          "Logs::LogGroup")}, "ValidationError",
         "Update of resource type is not permitted. The new template modifies resource type of the "
         "following resources: [Bucket]"),
        ("describe_stacks", {"StackName": "none"}, "ValidationError",
         "Stack with id none does not exist"),
        ("describe_stack_events", {"StackName": "none"}, "ValidationError",
         "Stack [none] does not exist"),
        ("describe_stack_resource", {"StackName": "web", "LogicalResourceId": "X"},
         "ValidationError", "Resource X does not exist for stack web"),
        ("describe_stack_resources", {"PhysicalResourceId": "x"}, "ValidationError",
         "Stack for x does not exist"),
        ("get_template", {}, "ValidationError",
         "StackName is required if ChangeSetName is not specified."),
        ("list_imports", {"ExportName": "shared"}, "ValidationError",
         "Export 'shared' is not imported by any stack."),
        ("describe_stacks", {"NextToken": "x"}, "ValidationError", "The NextToken is not valid."),
        ("list_stack_sets", {}, "NotImplemented",
         "cloudformation:ListStackSets is not simulated by pkilab"),
        ("detect_stack_drift", {"StackName": "web"}, "NotImplemented",
         "cloudformation:DetectStackDrift is not simulated by pkilab"),
        ("validate_template", {"TemplateURL": "https://example.com/t.yaml"}, "ValidationError",
         "TemplateURL must be a supported URL."),
        ("validate_template", {"TemplateURL": "https://b.s3.amazonaws.com/"}, "ValidationError",
         "TemplateURL must reference a valid S3 object to which you have access."),
        ("validate_template", {"TemplateURL": "https://no-b.s3.amazonaws.com/k"}, "ValidationError",
         "S3 error: The specified bucket does not exist"),
    ],
)  # fmt: skip
def test_what_is_asked_wrongly_is_refused_in_awss_words(stacks, operation, members, code, message):
    stacks.create("web", OUTPUT)
    found = stacks.refused(operation, **members)
    assert (found[0].removesuffix("Exception"), found[1]) == (
        code.removesuffix("Exception"), message,
    )  # fmt: skip


def test_a_body_may_have_51200_bytes_and_an_object_a_million(stacks):
    filled = BUCKET + "\n#" + "x" * (51_200 - len(BUCKET) - 2)
    stacks.cloudformation.validate_template(TemplateBody=filled)
    code, message = stacks.refused("validate_template", TemplateBody=filled + "x")
    assert code == "ValidationError"
    assert message.endswith("Member must have length less than or equal to 51200")
    s3 = stacks.client("s3")
    s3.create_bucket(Bucket="templates")
    s3.put_object(Bucket="templates", Key="a/web.yaml", Body=filled.encode() + b"x")
    s3.put_object(Bucket="templates", Key="long", Body=b"x" * 1_000_001)
    for host in ("templates.s3.amazonaws.com", "templates.s3.us-east-1.amazonaws.com",
                 "s3.amazonaws.com/templates", "s3.us-east-1.amazonaws.com/templates"):  # fmt: skip
        url = f"https://{host}/a/web.yaml"
        stacks.cloudformation.validate_template(TemplateURL=url)
    stacks.cloudformation.create_stack(StackName="web", TemplateURL=url)
    assert stacks.status("web") == "CREATE_COMPLETE"
    long = "https://templates.s3.amazonaws.com/long"
    assert "may not exceed" in stacks.refused("validate_template", TemplateURL=long)[1]


def test_a_stack_is_described_with_all_that_was_asked_of_it(stacks):
    template = "Description: a bucket\nParameters: {P: {Type: String, NoEcho: true}}\n" + OUTPUT
    stacks.create(
        "web", template, values={"P": "secret"}, Tags=[{"Key": "a", "Value": "b"}],
        TimeoutInMinutes=5, EnableTerminationProtection=True, ClientRequestToken="token",
    )  # fmt: skip
    stack = stacks.describe("web")
    assert stack["StackId"].startswith("arn:aws:cloudformation:us-east-1:111122223333:stack/web/")
    assert stack["CreationTime"] == stacks.clock.now()
    assert stack["Parameters"] == [{"ParameterKey": "P", "ParameterValue": "****"}]
    assert (stack["Description"], stack["Tags"]) == ("a bucket", [{"Key": "a", "Value": "b"}])
    assert (stack["TimeoutInMinutes"], stack["EnableTerminationProtection"]) == (5, True)
    bucket = stacks.physical("web", "Bucket")
    assert stack["Outputs"] == [
        {"OutputKey": "Name", "OutputValue": bucket, "ExportName": "shared"}
    ]
    tags = stacks.client("s3").get_bucket_tagging(Bucket=bucket)["TagSet"]
    assert tags == [{"Key": "a", "Value": "b"}]
    by_id = stacks.cloudformation.describe_stack_resources(PhysicalResourceId=bucket)
    assert [r["LogicalResourceId"] for r in by_id["StackResources"]] == ["Bucket"]
    listed = stacks.cloudformation.list_stack_resources(StackName="web")["StackResourceSummaries"]
    assert [r["ResourceStatus"] for r in listed] == ["CREATE_COMPLETE"]
    events = stacks.cloudformation.describe_stack_events(StackName="web")["StackEvents"]
    assert {event["ClientRequestToken"] for event in events} == {"token"}
    assert len({event["EventId"] for event in events}) == len(events)
    assert stacks.cloudformation.get_template(StackName="web")["TemplateBody"] == template


def test_a_token_makes_a_creation_that_is_sent_again_the_same(stacks):
    """Another token, or none, asks for another stack of the name."""
    stacks.create("web", OUTPUT, ClientRequestToken="token")
    asked = {"StackName": "web", "TemplateBody": OUTPUT}
    again = stacks.cloudformation.create_stack(**asked, ClientRequestToken="token")
    assert again["StackId"] == stacks.describe("web")["StackId"]
    for other in ({}, {"ClientRequestToken": "other"}):
        assert "already exists" in stacks.refused("create_stack", **asked, **other)[1]


def test_a_protected_stack_is_not_deleted(stacks):
    stacks.create("web", BUCKET, EnableTerminationProtection=True)
    message = "Stack [web] cannot be deleted while TerminationProtection is enabled"
    assert stacks.refused("delete_stack", StackName="web") == ("ValidationError", message)
    stacks.cloudformation.update_termination_protection(
        StackName="web", EnableTerminationProtection=False
    )
    assert stacks.delete("web") == "DELETE_COMPLETE"
    stacks.cloudformation.delete_stack(StackName="web")  # once more is no error


def test_stacks_and_events_come_in_pages(stacks):
    for number in range(101):
        stacks.create(f"s{number}", "Resources: {L: {Type: AWS::Logs::LogGroup}}")
    client = stacks.cloudformation
    first = client.describe_stacks()
    assert (len(first["Stacks"]), first["Stacks"][0]["StackName"]) == (100, "s100")
    second = client.describe_stacks(NextToken=first["NextToken"])
    assert [stack["StackName"] for stack in second["Stacks"]] == ["s0"]
    assert "NextToken" not in second
    stacks.delete("s0")
    only = client.list_stacks(StackStatusFilter=["DELETE_COMPLETE"])["StackSummaries"]
    assert [stack["StackName"] for stack in only] == ["s0"]


def test_a_summary_says_what_a_template_takes(stacks):
    template = (
        "Parameters: {P: {Type: Number, Default: 5, AllowedValues: [5, 6], Description: p}}\n"
        "Metadata: {m: 1}" + ROLE
    )
    found = stacks.cloudformation.get_template_summary(TemplateBody=template)
    assert found["Parameters"] == [
        {
            "ParameterKey": "P", "DefaultValue": "5", "ParameterType": "Number", "NoEcho": False,
            "Description": "p", "ParameterConstraints": {"AllowedValues": ["5", "6"]},
        }
    ]  # fmt: skip
    assert (found["ResourceTypes"], json.loads(found["Metadata"])) == (["AWS::IAM::Role"], {"m": 1})
    assert found["Capabilities"] == ["CAPABILITY_IAM"]
    reason = "The following resource(s) require capabilities: [AWS::IAM::Role]"
    assert found["CapabilitiesReason"] == reason
    valid = stacks.cloudformation.validate_template(TemplateBody=template)
    assert valid["Parameters"][0]["DefaultValue"] == "5"


# Exports.


def test_one_stack_takes_what_another_exports_and_holds_it(stacks):
    stacks.create("one", OUTPUT)
    bucket = stacks.outputs("one")["Name"]
    assert stacks.create("two", USER) == "CREATE_COMPLETE"
    assert stacks.physical("two", "Policy") == bucket
    client = stacks.cloudformation
    assert client.list_imports(ExportName="shared")["Imports"] == ["two"]
    exports = client.list_exports()["Exports"]
    assert [(e["Name"], e["Value"]) for e in exports] == [("shared", bucket)]
    held = "Export shared cannot be deleted as it is in use by two"
    assert stacks.delete("one") == "DELETE_FAILED"
    assert stacks.describe("one")["StackStatusReason"] == held
    stacks.delete("two")
    assert stacks.delete("one") == "DELETE_COMPLETE"
    assert client.list_exports()["Exports"] == []


def test_an_export_in_use_may_not_change_or_go(stacks):
    stacks.create("one", OUTPUT)
    stacks.create("two", USER)
    assert stacks.update("one", BUCKET) == "UPDATE_ROLLBACK_COMPLETE"
    other = OUTPUT.replace("!Ref Bucket", "!GetAtt Bucket.Arn")
    assert stacks.update("one", other) == "UPDATE_ROLLBACK_COMPLETE"
    reasons = [r for _, s, r in stacks.events("one") if s == "UPDATE_ROLLBACK_IN_PROGRESS"]
    assert reasons == [
        "Export shared cannot be deleted as it is in use by two",
        "Export shared cannot be updated as it is in use by two",
    ]


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (USER, "No export named shared found. Rollback requested by user."),
        (OUTPUT.replace("shared", "taken"),
         "Export with name taken is already exported by stack first. Rollback requested by user."),
        ("Parameters: {Z: {Type: 'AWS::Route53::HostedZone::Id', Default: Z0}}\n" + BUCKET,
         "Parameter validation failed: parameter value Z0 for parameter name Z does not exist. "
         "Rollback requested by user."),
    ],
)  # fmt: skip
def test_a_stack_fails_before_anything_is_made(stacks, template, reason):
    stacks.create("first", OUTPUT.replace("shared", "taken"))
    assert stacks.create("web", template) == "ROLLBACK_COMPLETE"
    assert stacks.describe("web")["StackStatusReason"] == reason
    assert {name for name, _, _ in stacks.events("web")} == {"web"}


# In whose name.


def trust(service):
    statement = {
        "Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"
    }  # fmt: skip
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_a_stack_with_a_role_calls_in_its_name(stacks, monkeypatch):
    iam = stacks.client("iam")
    arn = iam.create_role(
        RoleName="deployer", AssumeRolePolicyDocument=trust("cloudformation.amazonaws.com")
    )["Role"]["Arn"]
    said = []
    kind = TYPES["AWS::S3::Bucket"]
    create = kind.create

    def listen(work):
        said.append(work.aws("sts", "GetCallerIdentity")["Arn"])
        return create(work)

    monkeypatch.setattr(kind, "create", listen)
    stacks.create("one", BUCKET)
    stacks.create("two", BUCKET, RoleARN=arn)
    assert said == [
        "arn:aws:iam::111122223333:user/learner",
        "arn:aws:sts::111122223333:assumed-role/deployer/AWSCloudFormation",
    ]
    assert stacks.describe("two")["RoleARN"] == arn


def test_a_role_that_does_not_trust_cloudformation_is_refused(stacks):
    iam = stacks.client("iam")
    arn = iam.create_role(RoleName="other", AssumeRolePolicyDocument=trust("lambda.amazonaws.com"))[
        "Role"
    ]["Arn"]
    code, message = stacks.refused(
        "create_stack", StackName="web", TemplateBody=BUCKET, RoleARN=arn
    )
    assert code == "ValidationError"
    assert message == f"Role {arn} is invalid or cannot be assumed"


def test_another_account_and_another_region_have_stacks_of_their_own(open_stacks):
    stacks = open_stacks(accounts={"main": "111122223333", "other": "444455556666"})
    stacks.create("web", OUTPUT)
    stack = stacks.describe("web")["StackId"]
    for place in ({"account": "other"}, {"region": "eu-west-1"}):
        client = stacks.client("cloudformation", **place)
        assert client.describe_stacks()["Stacks"] == []
        assert client.list_exports()["Exports"] == []
        with pytest.raises(client.exceptions.ClientError, match="does not exist"):
            client.describe_stacks(StackName=stack)
        client.create_stack(StackName="web", TemplateBody=OUTPUT)
        assert client.describe_stacks()["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"


def test_the_same_world_gives_the_same_stack(open_stacks):
    def told():
        stacks = open_stacks()
        stacks.create("web", OUTPUT)
        answer = stacks.cloudformation.describe_stack_events(StackName="web")
        stacks.lab.close()
        return [{**event, "at": event["Timestamp"].isoformat()} for event in answer["StackEvents"]]

    assert told() == told()


# The AWS command line.


def test_the_aws_command_line_deploys_updates_and_deletes(aws_cli, stacks, tmp_path):
    """Also through a template in S3, and with nothing to change."""
    stacks.lab.serve()

    def run(*words, fails=False):
        ran = aws_cli(stacks.lab, *words)
        assert (ran.returncode != 0) == fails, ran.stderr
        return ran.stdout + ran.stderr

    (tmp_path / "web.yaml").write_text(
        "Parameters: {Versions: {Type: String, Default: Enabled}}\nResources:\n  Bucket:\n"
        "    Type: AWS::S3::Bucket\n    Properties:\n"
        "      VersioningConfiguration: {Status: !Ref Versions}\n"
        "Outputs: {Name: {Value: !Ref Bucket}}\n"
    )
    deploy = ("cloudformation", "deploy", "--template-file", "web.yaml", "--stack-name", "web")
    assert "Successfully created/updated stack - web" in run(*deploy)
    assert "No changes to deploy. Stack web is up to date" in run(*deploy, fails=True)
    # The command names change sets by the second, and leaves those without changes.
    for each in stacks.cloudformation.list_change_sets(StackName="web")["Summaries"]:
        stacks.cloudformation.delete_change_set(ChangeSetName=each["ChangeSetId"])
    stacks.client("s3").create_bucket(Bucket="templates")
    changed = (*deploy, "--parameter-overrides", "Versions=Suspended", "--s3-bucket", "templates")
    assert "Successfully created/updated stack - web" in run(*changed)
    shown = json.loads(run("cloudformation", "describe-stacks", "--stack-name", "web"))["Stacks"][0]
    assert (shown["StackStatus"], shown["Outputs"][0]["OutputValue"]) == (
        "UPDATE_COMPLETE", stacks.physical("web", "Bucket"),
    )  # fmt: skip
    run("cloudformation", "delete-stack", "--stack-name", "web")
    run("cloudformation", "wait", "stack-delete-complete", "--stack-name", "web")
    assert "does not exist" in run(
        "cloudformation", "describe-stacks", "--stack-name", "web", fails=True
    )
