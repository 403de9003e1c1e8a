"""Trails in stacks, as CloudTrail has them."""

from __future__ import annotations

TRAIL = """
    Resources:
      Bucket: {{Type: AWS::S3::Bucket, Properties: {{BucketName: trails}}, DeletionPolicy: Retain}}
      Policy:
        Type: AWS::S3::BucketPolicy
        Properties:
          Bucket: !Ref Bucket
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - {{Effect: Allow, Principal: {{Service: cloudtrail.amazonaws.com}},
                  Action: s3:GetBucketAcl, Resource: !GetAtt Bucket.Arn}}
              - {{Effect: Allow, Principal: {{Service: cloudtrail.amazonaws.com}},
                  Action: s3:PutObject, Resource: !Sub "${{Bucket.Arn}}/*",
                  Condition: {{StringEquals: {{"s3:x-amz-acl": bucket-owner-full-control}}}}}}
      Trail:
        Type: AWS::CloudTrail::Trail
        DependsOn: Policy
        Properties:
          S3BucketName: !Ref Bucket
          IsLogging: {logging}
          EnableLogFileValidation: {validation}
          {more}
    Outputs: {{Name: {{Value: !Ref Trail}}, Arn: {{Value: !GetAtt Trail.Arn}}}}
"""
FIRST = {"logging": "true", "validation": "false", "more": ""}


def test_a_trail_is_made_changed_and_deleted(stacks):
    trails = stacks.client("cloudtrail")
    assert stacks.create("web", TRAIL.format(**FIRST)) == "CREATE_COMPLETE"
    out = stacks.outputs("web")
    found = trails.get_trail(Name=out["Name"])["Trail"]
    assert (found["TrailARN"], found["S3BucketName"]) == (out["Arn"], "trails")
    assert found["LogFileValidationEnabled"] is False
    assert trails.get_trail_status(Name=out["Name"])["IsLogging"] is True

    second = TRAIL.format(**FIRST | {"logging": "false", "validation": "true"})
    assert stacks.update("web", second) == "UPDATE_COMPLETE"
    assert stacks.outputs("web") == out
    assert trails.get_trail(Name=out["Name"])["Trail"]["LogFileValidationEnabled"] is True
    assert trails.get_trail_status(Name=out["Name"])["IsLogging"] is False

    assert stacks.delete("web") == "DELETE_COMPLETE"
    assert trails.describe_trails()["trailList"] == []


def test_a_trail_without_its_buckets_policy_is_rolled_back(stacks):
    text = TRAIL.format(**FIRST).replace("s3:PutObject", "s3:GetObject")
    assert stacks.create("web", text) == "ROLLBACK_COMPLETE"
    reasons = "".join(reason for _, _, reason in stacks.events("web"))
    assert "Incorrect S3 bucket policy is detected for bucket: trails" in reasons


def test_insights_of_a_trail_are_not_simulated(stacks):
    text = TRAIL.format(**FIRST | {"more": "InsightSelectors: []"})
    assert stacks.create("web", text) == "ROLLBACK_COMPLETE"
    reasons = "".join(reason for _, _, reason in stacks.events("web"))
    assert "InsightSelectors of AWS::CloudTrail::Trail is not simulated" in reasons
