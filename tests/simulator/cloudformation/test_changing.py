"""Change sets: what they say, and that saying it does nothing."""

import pytest

BUCKET = """
    Parameters: {Name: {Type: String, Default: ""}, Versions: {Type: String, Default: Enabled}}
    Conditions: {Named: !Not [!Equals [!Ref Name, ""]]}
    Resources:
      Bucket:
        Type: AWS::S3::Bucket
        Properties:
          BucketName: !If [Named, !Ref Name, !Ref AWS::NoValue]
          VersioningConfiguration: {Status: !Ref Versions}
      Policy:
        Type: AWS::S3::BucketPolicy
        Properties:
          Bucket: !Ref Bucket
          PolicyDocument: {Version: 2012-10-17, Statement: []}
"""
WITH_ZONE = BUCKET + "      Zone: {Type: AWS::Route53::HostedZone, Properties: {Name: a.example}}\n"


def plan(stacks, template, *, name="changes", kind="UPDATE", values=None, **members):
    """Make a change set and return its description."""
    given = [{"ParameterKey": k, "ParameterValue": v} for k, v in (values or {}).items()]
    stacks.cloudformation.create_change_set(
        StackName="web", ChangeSetName=name, ChangeSetType=kind, TemplateBody=template,
        Parameters=given, **members,
    )  # fmt: skip
    return stacks.cloudformation.describe_change_set(StackName="web", ChangeSetName=name)


def changes(found):
    return [
        (c["ResourceChange"]["Action"], c["ResourceChange"]["LogicalResourceId"],
         c["ResourceChange"].get("Replacement"))
        for c in found["Changes"]
    ]  # fmt: skip


def test_a_new_stack_is_reviewed_before_anything_is_made(stacks):
    found = plan(stacks, BUCKET, kind="CREATE")
    assert changes(found) == [("Add", "Bucket", None), ("Add", "Policy", None)]
    assert (found["Status"], found["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    assert (stacks.status("web"), stacks.buckets()) == ("REVIEW_IN_PROGRESS", [])
    client = stacks.cloudformation
    client.get_waiter("change_set_create_complete").wait(StackName="web", ChangeSetName="changes")
    client.execute_change_set(StackName="web", ChangeSetName="changes")
    assert (stacks.status("web"), len(stacks.buckets())) == ("CREATE_COMPLETE", 1)
    assert stacks.describe("web")["ChangeSetId"] == found["ChangeSetId"]
    assert client.list_change_sets(StackName="web")["Summaries"] == []


def test_an_update_says_what_is_replaced_and_why(stacks):
    stacks.create("web", BUCKET)
    found = plan(stacks, WITH_ZONE, values={"Name": "its-own-name", "Versions": "Suspended"})
    assert changes(found) == [
        ("Modify", "Bucket", "True"), ("Modify", "Policy", "Conditional"), ("Add", "Zone", None),
    ]  # fmt: skip
    bucket, policy, _ = (each["ResourceChange"] for each in found["Changes"])
    assert bucket["PhysicalResourceId"] == stacks.physical("web", "Bucket")
    assert bucket["Details"] == [
        {
            "Target": {
                "Attribute": "Properties", "Name": "BucketName", "RequiresRecreation": "Always"
            },
            "Evaluation": "Static", "ChangeSource": "ParameterReference", "CausingEntity": "Name",
        },
        {
            "Target": {
                "Attribute": "Properties", "Name": "VersioningConfiguration",
                "RequiresRecreation": "Never",
            },
            "Evaluation": "Static", "ChangeSource": "ParameterReference",
            "CausingEntity": "Versions",
        },
    ]  # fmt: skip
    detail = policy["Details"][0]
    assert (detail["Evaluation"], detail["ChangeSource"], detail["CausingEntity"]) == (
        "Dynamic", "ResourceReference", "Bucket",
    )  # fmt: skip
    assert stacks.buckets() != ["its-own-name"]
    stacks.cloudformation.execute_change_set(StackName="web", ChangeSetName="changes")
    assert (stacks.status("web"), stacks.buckets()) == ("UPDATE_COMPLETE", ["its-own-name"])


def test_what_a_template_loses_is_removed(stacks):
    stacks.create("web", WITH_ZONE)
    found = plan(stacks, BUCKET)
    assert changes(found) == [("Remove", "Zone", None)]
    assert found["Changes"][0]["ResourceChange"]["PolicyAction"] == "Delete"
    edited = BUCKET.replace("Statement: []", "Statement: [], Id: x")
    assert plan(stacks, edited, name="two")["Changes"][0]["ResourceChange"]["Details"] == [
        {
            "Target": {
                "Attribute": "Properties", "Name": "PolicyDocument", "RequiresRecreation": "Never"
            },
            "Evaluation": "Static", "ChangeSource": "DirectModification",
        }
    ]  # fmt: skip


def test_a_change_set_without_changes_has_failed(stacks):
    stacks.create("web", BUCKET)
    found = plan(stacks, BUCKET)
    assert (found["Status"], found["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert found["StatusReason"] == (
        "The submitted information didn't contain changes. Submit different information to create "
        "a change set."
    )
    code, message = stacks.refused("execute_change_set", StackName="web", ChangeSetName="changes")
    assert code == "InvalidChangeSetStatus"
    assert message.endswith("cannot be executed in its current status of [FAILED]")


def test_outputs_and_tags_alone_are_changes_too(stacks):
    stacks.create("web", BUCKET)
    output = BUCKET + "    Outputs: {Name: {Value: !Ref Bucket}}\n"
    found = plan(stacks, output)
    assert (found["Status"], found["Changes"]) == ("CREATE_COMPLETE", [])
    stacks.cloudformation.execute_change_set(StackName="web", ChangeSetName="changes")
    assert list(stacks.outputs("web")) == ["Name"]
    tagged = plan(stacks, output, name="tags", Tags=[{"Key": "a", "Value": "b"}])
    assert changes(tagged) == [("Modify", "Bucket", "False")]
    assert plan(stacks, output, name="none")["Status"] == "FAILED"


def test_executing_one_makes_the_others_void(stacks):
    stacks.create("web", BUCKET)
    plan(stacks, BUCKET, name="one", values={"Versions": "Suspended"})
    plan(stacks, WITH_ZONE, name="two")
    names = [s["ChangeSetName"] for s in
             stacks.cloudformation.list_change_sets(StackName="web")["Summaries"]]  # fmt: skip
    assert names == ["one", "two"]
    stacks.cloudformation.execute_change_set(StackName="web", ChangeSetName="one")
    code, _ = stacks.refused("describe_change_set", StackName="web", ChangeSetName="two")
    assert code == "ChangeSetNotFound"
    plan(stacks, WITH_ZONE, name="three")
    stacks.update("web", BUCKET, values={"Versions": "Enabled"})
    code, message = stacks.refused("execute_change_set", StackName="web", ChangeSetName="three")
    assert (code, "[OBSOLETE]" in message) == ("InvalidChangeSetStatus", True)


def test_previous_values_and_the_previous_template_may_stay(stacks):
    stacks.create("web", BUCKET, values={"Versions": "Suspended"})
    stacks.cloudformation.create_change_set(
        StackName="web", ChangeSetName="changes", UsePreviousTemplate=True,
        Parameters=[{"ParameterKey": "Versions", "UsePreviousValue": True},
                    {"ParameterKey": "Name", "ParameterValue": "its-own-name"}],
    )  # fmt: skip
    found = stacks.cloudformation.describe_change_set(StackName="web", ChangeSetName="changes")
    shown = {p["ParameterKey"]: p["ParameterValue"] for p in found["Parameters"]}
    assert shown == {"Versions": "Suspended", "Name": "its-own-name"}
    assert changes(found)[0] == ("Modify", "Bucket", "True")


@pytest.mark.parametrize(
    ("operation", "members", "code", "message"),
    [
        ("create_change_set", {"ChangeSetType": "CREATE"}, "ValidationError",
         "Stack [web] already exists and cannot be created again with the changeSet [changes]."),
        ("create_change_set", {"StackName": "none"}, "ValidationError",
         "Stack [none] does not exist"),
        ("create_change_set", {"ChangeSetType": "IMPORT"}, "NotImplemented",
         "change sets of the type IMPORT is not simulated by pkilab"),
        ("create_change_set", {"ChangeSetName": "kept"}, "AlreadyExistsException",
         "ChangeSet kept cannot be created due to a mismatch with existing attribute Name"),
        ("describe_change_set", {"StackName": "none"}, "ValidationError",
         "Stack [none] does not exist"),
        ("describe_change_set", {}, "ChangeSetNotFound", "ChangeSet [changes] does not exist"),
        ("describe_change_set", {"StackName": None}, "ValidationError",
         "StackName must be specified if ChangeSetName is not specified as an ARN."),
        ("delete_change_set", {"StackName": "none"}, "ValidationError",
         "Stack [none] does not exist"),
        ("delete_change_set", {"StackName": None}, "ValidationError",
         "StackName must be specified if ChangeSetName is not specified as an ARN."),
    ],
)  # fmt: skip
def test_what_is_asked_wrongly_is_refused_in_awss_words(stacks, operation, members, code, message):
    stacks.create("web", BUCKET)
    plan(stacks, WITH_ZONE, name="kept")
    asked = {"StackName": "web", "ChangeSetName": "changes", **members}
    if operation == "create_change_set":
        asked["TemplateBody"] = WITH_ZONE
    asked = {name: value for name, value in asked.items() if value is not None}
    assert stacks.refused(operation, **asked) == (code, message)


def test_a_change_set_that_is_not_wanted_goes_and_so_does_its_stack(stacks):
    found = plan(stacks, BUCKET, kind="CREATE")
    client = stacks.cloudformation
    client.delete_change_set(ChangeSetName=found["ChangeSetId"])
    client.delete_change_set(StackName="web", ChangeSetName="changes")  # once more is no error
    client.delete_stack(StackName="web")
    assert stacks.status(found["StackId"]) == "DELETE_COMPLETE"
    assert stacks.create("web", BUCKET) == "CREATE_COMPLETE"
