"""Operations on stacks: in which order, with which events, and what becomes of a failure."""

import json

import pytest

from pkilab.simulator.cloudformation import deployment

TWO = """
    Resources:
      Policy:
        Type: AWS::S3::BucketPolicy
        Properties:
          Bucket: !Ref Bucket
          PolicyDocument: {Version: 2012-10-17, Statement: []}
      Bucket: {Type: AWS::S3::Bucket}
"""


def test_resources_are_made_in_the_order_in_which_they_need_each_other(stacks):
    assert stacks.create("web", TWO) == "CREATE_COMPLETE"
    assert stacks.events("web") == [
        ("web", "CREATE_IN_PROGRESS", "User Initiated"),
        ("Bucket", "CREATE_IN_PROGRESS", ""),
        ("Bucket", "CREATE_IN_PROGRESS", "Resource creation Initiated"),
        ("Bucket", "CREATE_COMPLETE", ""),
        ("Policy", "CREATE_IN_PROGRESS", ""),
        ("Policy", "CREATE_IN_PROGRESS", "Resource creation Initiated"),
        ("Policy", "CREATE_COMPLETE", ""),
        ("web", "CREATE_COMPLETE", ""),
    ]
    stacks.cloudformation.get_waiter("stack_create_complete").wait(StackName="web")


def test_they_are_deleted_in_the_opposite_order_and_really_gone(stacks):
    stacks.create("web", TWO)
    arn = stacks.describe("web")["StackId"]
    assert len(stacks.buckets()) == 1
    assert stacks.delete("web") == "DELETE_COMPLETE"
    assert stacks.buckets() == []
    assert [each for each in stacks.events(arn) if each[1].startswith("DELETE")] == [
        ("web", "DELETE_IN_PROGRESS", "User Initiated"),
        ("Policy", "DELETE_IN_PROGRESS", ""),
        ("Policy", "DELETE_COMPLETE", ""),
        ("Bucket", "DELETE_IN_PROGRESS", ""),
        ("Bucket", "DELETE_COMPLETE", ""),
        ("web", "DELETE_COMPLETE", ""),
    ]
    stacks.cloudformation.get_waiter("stack_delete_complete").wait(StackName=arn)


TAKEN = """
    Resources:
      First: {Type: AWS::S3::Bucket}
      Second: {Type: AWS::IAM::Role, DependsOn: First, Properties: {RoleName: taken,
               AssumeRolePolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow,
                 Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}]}}}
      Third: {Type: AWS::S3::Bucket, DependsOn: Second}
"""


TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        },
    }
)


@pytest.fixture
def taken(stacks):
    """A world in which there is the role already that a stack wants to make."""
    stacks.client("iam").create_role(RoleName="taken", AssumeRolePolicyDocument=TRUST)
    return stacks


def test_a_failure_takes_back_what_was_made(taken):
    assert taken.create("web", TAKEN) == "ROLLBACK_COMPLETE"
    assert taken.buckets() == []
    failed = [each for each in taken.events("web", "Second") if each[1] == "CREATE_FAILED"]
    assert len(failed) == 1
    assert failed[0][2].startswith('Resource handler returned message: "Role with name taken')
    assert "(Service: IAM, Status Code: 409, Request ID: " in failed[0][2]
    assert failed[0][2].endswith("HandlerErrorCode: AlreadyExists)")
    reason = "The following resource(s) failed to create: [Second]. Rollback requested by user."
    assert ("web", "ROLLBACK_IN_PROGRESS", reason) in taken.events("web")
    assert taken.events("web", "Third") == []
    assert [status for _, status, _ in taken.events("web", "First")][-2:] == [
        "DELETE_IN_PROGRESS", "DELETE_COMPLETE",
    ]  # fmt: skip
    assert "taken" in {r["RoleName"] for r in taken.client("iam").list_roles()["Roles"]}


@pytest.mark.parametrize(
    ("options", "status", "left"),
    [
        ({"OnFailure": "DO_NOTHING"}, "CREATE_FAILED", 1),
        ({"DisableRollback": True}, "CREATE_FAILED", 1),
        ({"OnFailure": "ROLLBACK"}, "ROLLBACK_COMPLETE", 0),
        ({"DisableRollback": False}, "ROLLBACK_COMPLETE", 0),
    ],
)
def test_the_caller_says_what_becomes_of_a_failure(taken, options, status, left):
    assert taken.create("web", TAKEN, **options) == status
    assert len(taken.buckets()) == left


def test_a_failed_stack_may_be_deleted_at_once(taken):
    answer = taken.cloudformation.create_stack(
        StackName="web", TemplateBody=TAKEN, OnFailure="DELETE",
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )  # fmt: skip
    assert taken.status(answer["StackId"]) == "DELETE_COMPLETE"
    assert taken.buckets() == []
    message = "Stack with id web does not exist"
    assert taken.refused("describe_stacks", StackName="web") == ("ValidationError", message)


def test_what_is_retained_stays_when_its_stack_goes(stacks):
    template = TWO.replace("Bucket: {Type: AWS::S3::Bucket}",
                           "Bucket: {Type: AWS::S3::Bucket, DeletionPolicy: Retain}")  # fmt: skip
    stacks.create("web", template)
    arn = stacks.describe("web")["StackId"]
    assert stacks.delete("web") == "DELETE_COMPLETE"
    assert len(stacks.buckets()) == 1
    assert ("Bucket", "DELETE_SKIPPED", "") in stacks.events(arn)


def test_retain_except_on_create_lets_a_rollback_delete(taken):
    kept = TAKEN.replace("First: {Type: AWS::S3::Bucket}", "First: {Type: AWS::S3::Bucket, "
                         "DeletionPolicy: RetainExceptOnCreate}")  # fmt: skip
    assert taken.create("web", kept) == "ROLLBACK_COMPLETE"
    assert taken.buckets() == []
    assert taken.create("other", kept.replace("ExceptOnCreate", "")) == "ROLLBACK_COMPLETE"
    assert len(taken.buckets()) == 1


def test_what_cannot_be_deleted_fails_the_deletion_until_it_is_retained(stacks):
    stacks.create("web", TWO)
    bucket = stacks.physical("web", "Bucket")
    stacks.client("s3").put_object(Bucket=bucket, Key="k", Body=b"")
    assert stacks.delete("web") == "DELETE_FAILED"
    stack = stacks.describe("web")
    assert stack["StackStatusReason"] == "The following resource(s) failed to delete: [Bucket]. "
    failed = [reason for _, status, reason in stacks.events("web") if status == "DELETE_FAILED"]
    assert "The bucket you tried to delete is not empty" in failed[0]
    code, message = stacks.refused("delete_stack", StackName="web", RetainResources=["Other"])
    assert (code, "[Other]" in message) == ("ValidationError", True)
    assert stacks.delete("web", RetainResources=["Bucket"]) == "DELETE_COMPLETE"
    assert stacks.buckets() == [bucket]


def test_what_somebody_else_deleted_is_no_hindrance(stacks):
    stacks.create("web", TWO)
    stacks.client("s3").delete_bucket(Bucket=stacks.physical("web", "Bucket"))
    assert stacks.delete("web") == "DELETE_COMPLETE"


# Updates.

BUCKET = """
    Parameters:
      Name: {{Type: String, Default: ""}}
      Versions: {{Type: String, Default: Enabled}}
    Conditions: {{Named: !Not [!Equals [!Ref Name, ""]]}}
    Resources:
      Bucket:
        Type: AWS::S3::Bucket
        Properties:
          BucketName: !If [Named, !Ref Name, !Ref AWS::NoValue]
          VersioningConfiguration: {{Status: !Ref Versions}}
      Policy:
        Type: AWS::S3::BucketPolicy
        Properties:
          Bucket: !Ref Bucket
          PolicyDocument: {{Version: 2012-10-17, Statement: []}}
{more}
    Outputs: {{Name: {{Value: !Ref Bucket}}}}
"""
PLAIN = BUCKET.format(more="")


def versioning(stacks, bucket):
    return stacks.client("s3").get_bucket_versioning(Bucket=bucket).get("Status")


def test_an_update_in_place_keeps_the_resource(stacks):
    stacks.create("web", PLAIN)
    bucket = stacks.physical("web", "Bucket")
    assert versioning(stacks, bucket) == "Enabled"
    assert stacks.update("web", PLAIN, values={"Versions": "Suspended"}) == "UPDATE_COMPLETE"
    assert (stacks.physical("web", "Bucket"), versioning(stacks, bucket)) == (bucket, "Suspended")
    assert [each for each in stacks.events("web") if "UPDATE" in each[1]] == [
        ("web", "UPDATE_IN_PROGRESS", "User Initiated"),
        ("Bucket", "UPDATE_IN_PROGRESS", ""),
        ("Bucket", "UPDATE_COMPLETE", ""),
        ("web", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", ""),
        ("web", "UPDATE_COMPLETE", ""),
    ]
    stacks.cloudformation.get_waiter("stack_update_complete").wait(StackName="web")


def test_a_replacement_is_made_first_and_what_needs_it_follows(stacks):
    stacks.create("web", PLAIN)
    old = stacks.physical("web", "Bucket")
    assert stacks.update("web", PLAIN, values={"Name": "its-own-name"}) == "UPDATE_COMPLETE"
    assert stacks.buckets() == ["its-own-name"]
    assert stacks.physical("web", "Policy") == "its-own-name"
    assert stacks.outputs("web") == {"Name": "its-own-name"}
    replacing = "Requested update requires the creation of a new physical resource; hence creating"
    assert ("Bucket", "UPDATE_IN_PROGRESS", f"{replacing} one.") in stacks.events("web")
    assert old != "its-own-name"


def test_a_replaced_resource_may_be_retained(stacks):
    kind = "Type: AWS::S3::Bucket\n"
    kept = PLAIN.replace(kind, f"{kind}        UpdateReplacePolicy: Retain\n")
    stacks.create("web", kept)
    old = stacks.physical("web", "Bucket")
    stacks.update("web", kept, values={"Name": "its-own-name"})
    assert stacks.buckets() == [old, "its-own-name"]


MORE = BUCKET.format(
    more="""
      Zone: {Type: AWS::Route53::HostedZone, Properties: {Name: a.example}}
"""
)
BROKEN = BUCKET.format(
    more="""
      Zone: {Type: AWS::Route53::HostedZone, Properties: {Name: a.example}}
      Role: {Type: AWS::IAM::Role, DependsOn: [Bucket, Zone, Policy],
             Properties: {AssumeRolePolicyDocument: no JSON}}
"""
)


def zones(stacks):
    return [each["Name"] for each in stacks.client("route53").list_hosted_zones()["HostedZones"]]


def test_what_a_template_gains_is_made_and_what_it_loses_is_deleted(stacks):
    stacks.create("web", PLAIN)
    assert stacks.update("web", MORE) == "UPDATE_COMPLETE"
    assert zones(stacks) == ["a.example."]
    assert stacks.update("web", PLAIN) == "UPDATE_COMPLETE"
    assert zones(stacks) == []
    assert ("Zone", "DELETE_COMPLETE", "") in stacks.events("web")


@pytest.mark.parametrize("name", ["", "another-name"])
def test_an_update_that_fails_is_undone(taken, name):
    """Changed in place or replaced, the bucket is as it was, and what was new is gone."""
    taken.create("web", PLAIN)
    before = taken.physical("web", "Bucket")
    broken = BROKEN.replace("no JSON}", "{}, RoleName: taken}")
    values = {"Name": name, "Versions": "Suspended"}
    assert taken.update("web", broken, values=values) == "UPDATE_ROLLBACK_COMPLETE"
    assert taken.buckets() == [before]
    assert versioning(taken, before) == "Enabled"
    assert taken.physical("web", "Policy") == before
    assert zones(taken) == []
    assert taken.outputs("web") == {"Name": before}
    statuses = [status for name, status, _ in taken.events("web", "web")]
    assert statuses[2:] == [
        "UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE",
    ]  # fmt: skip
    assert "Versions" in taken.cloudformation.get_template(StackName="web")["TemplateBody"]
    shown = {each["ParameterKey"]: each["ParameterValue"]
             for each in taken.describe("web")["Parameters"]}  # fmt: skip
    assert shown == {"Name": "", "Versions": "Enabled"}
    assert taken.update("web", MORE) == "UPDATE_COMPLETE"


def test_a_failed_update_may_be_left_as_it_is_and_repaired(taken):
    taken.create("web", PLAIN)
    broken = BROKEN.replace("no JSON}", "{}, RoleName: taken}")
    assert taken.update("web", broken, DisableRollback=True) == "UPDATE_FAILED"
    assert zones(taken) == ["a.example."]
    assert taken.update("web", MORE) == "UPDATE_COMPLETE"


def test_a_replacement_that_a_failed_update_left_behind_is_deleted_by_the_next(taken):
    """The old bucket is there until an update has gone well."""
    taken.create("web", PLAIN)
    old = taken.physical("web", "Bucket")
    broken = BROKEN.replace("no JSON}", "{}, RoleName: taken}")
    values = {"Name": "its-own-name"}
    assert taken.update("web", broken, values=values, DisableRollback=True) == "UPDATE_FAILED"
    assert taken.buckets() == [old, "its-own-name"]
    assert taken.update("web", MORE, values=values) == "UPDATE_COMPLETE"
    assert taken.buckets() == ["its-own-name"]


def test_a_failed_creation_that_was_left_is_gone_on_with(taken):
    """What was never made is made, and what was begun is made anew."""
    assert taken.create("web", TAKEN, OnFailure="DO_NOTHING") == "CREATE_FAILED"
    (bucket,) = taken.buckets()
    taken.client("iam").delete_role(RoleName="taken")
    assert taken.update("web", TAKEN) == "UPDATE_COMPLETE"
    assert taken.physical("web", "Second") == "taken"
    assert (taken.physical("web", "First"), len(taken.buckets())) == (bucket, 2)
    assert taken.delete("web") == "DELETE_COMPLETE"


def test_a_named_resource_is_not_replaced_under_its_own_name(stacks):
    role = """
        Resources:
          Role: {{Type: AWS::IAM::Role, Properties: {{RoleName: mine, Path: {path},
                  AssumeRolePolicyDocument: {{Version: 2012-10-17, Statement: [{{Effect: Allow,
                    Principal: {{Service: lambda.amazonaws.com}}, Action: "sts:AssumeRole"}}]}}}}}}
    """
    stacks.create("web", role.format(path="/a/"))
    assert stacks.update("web", role.format(path="/b/")) == "UPDATE_ROLLBACK_COMPLETE"
    message = (
        "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
        "Rename mine and update the stack again."
    )
    assert ("Role", "UPDATE_FAILED", message) in stacks.events("web")


# Time.

FUNCTION = """
    Resources:
      Role:
        Type: AWS::IAM::Role
        Properties:
          AssumeRolePolicyDocument:
            Version: 2012-10-17
            Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com},
                         Action: sts:AssumeRole}]
      Function:
        Type: AWS::Lambda::Function
        Properties:
          Role: !GetAtt Role.Arn
          Runtime: python3.12
          Handler: index.handler
          Code: {ZipFile: "def handler(event, context): return {'got': event}"}
      May:
        Type: AWS::Lambda::Permission
        Properties: {FunctionName: !Ref Function, Action: lambda:InvokeFunction,
                     Principal: apigateway.amazonaws.com}
"""


def test_what_takes_time_is_waited_for_on_the_worlds_clock(slow_stacks):
    assert slow_stacks.create("web", FUNCTION) == "CREATE_IN_PROGRESS"
    slow_stacks.clock.advance(seconds=30)
    assert slow_stacks.status("web") == "CREATE_IN_PROGRESS"
    assert slow_stacks.events("web", "May") == []
    slow_stacks.clock.advance(minutes=2)
    assert slow_stacks.status("web") == "CREATE_COMPLETE"
    name = slow_stacks.physical("web", "Function")
    answer = slow_stacks.client("lambda").invoke(FunctionName=name, Payload=b"[1]")
    assert json.loads(answer["Payload"].read()) == {"got": [1]}


def test_a_stack_that_is_being_made_cannot_be_updated_but_deleted(slow_stacks):
    slow_stacks.create("web", FUNCTION)
    arn = slow_stacks.describe("web")["StackId"]
    code, message = slow_stacks.refused("update_stack", StackName="web", TemplateBody=TWO)
    assert code == "ValidationError"
    assert message == f"Stack:{arn} is in CREATE_IN_PROGRESS state and can not be updated."
    assert slow_stacks.delete("web") == "DELETE_IN_PROGRESS"
    slow_stacks.clock.advance(minutes=5)
    assert slow_stacks.status(arn) == "DELETE_COMPLETE"
    assert slow_stacks.client("lambda").list_functions()["Functions"] == []


WAITING = """
    Resources:
      Bucket: {Type: AWS::S3::Bucket}
      Certificate:
        Type: AWS::CertificateManager::Certificate
        Properties: {DomainName: example.com, ValidationMethod: DNS}
"""


def test_a_stack_that_takes_too_long_fails_at_its_timeout(stacks):
    assert stacks.create("web", WAITING, TimeoutInMinutes=10) == "CREATE_IN_PROGRESS"
    stacks.clock.advance(minutes=9)
    assert stacks.status("web") == "CREATE_IN_PROGRESS"
    stacks.clock.advance(minutes=2)
    assert stacks.status("web") == "ROLLBACK_COMPLETE"
    assert ("Certificate", "CREATE_FAILED", "Resource creation cancelled") in stacks.events("web")
    assert stacks.buckets() == []
    assert stacks.client("acm").list_certificates()["CertificateSummaryList"] == []


def test_when_one_resource_fails_those_under_way_are_cancelled(taken):
    template = WAITING + TAKEN.split("Resources:")[1]
    assert taken.create("web", template) == "ROLLBACK_COMPLETE"
    assert ("Certificate", "CREATE_FAILED", "Resource creation cancelled") in taken.events("web")
    assert "failed to create: [Second, Certificate]" in taken.describe("web")["StackStatusReason"]


def test_a_mistake_of_the_simulator_fails_the_resource_and_is_logged(stacks, monkeypatch, caplog):
    kind = deployment.TYPES["AWS::S3::Bucket"]

    def break_(_work):
        raise KeyError("oops")

    monkeypatch.setattr(kind, "create", break_)
    assert stacks.create("web", TWO) == "ROLLBACK_COMPLETE"
    assert ("Bucket", "CREATE_FAILED", "Internal Failure: KeyError") in stacks.events("web")
    assert "CREATE of AWS::S3::Bucket failed" in caplog.text
