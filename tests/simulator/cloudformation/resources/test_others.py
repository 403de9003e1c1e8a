"""Zones, buckets, roles, functions and APIs in stacks, as their services have them."""

import json

import pytest
from botocore.exceptions import ClientError


def failed(stacks, name="web"):
    return [reason for _, status, reason in stacks.events(name) if status == "CREATE_FAILED"]


# Route 53.

RECORDS = """
    Resources:
      Www:
        Type: AWS::Route53::RecordSet
        Properties: {{HostedZoneId: {zone}, Name: www.lab.example, Type: A, TTL: 60,
                      ResourceRecords: [192.0.2.1]}}
      Pair:
        Type: AWS::Route53::RecordSetGroup
        Properties:
          HostedZoneId: {zone}
          RecordSets:
            - {{Name: a.lab.example, Type: A, TTL: 60, ResourceRecords: [192.0.2.1]}}
            - {{Name: b.lab.example, Type: A, TTL: 60, ResourceRecords: [192.0.2.1]}}
"""


def change(stacks, zone, action, name, address):
    held = {"Name": name, "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": address}]}
    batch = {"Changes": [{"Action": action, "ResourceRecordSet": held}]}
    stacks.client("route53").change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)


@pytest.mark.parametrize(
    ("changes", "status", "reason"),
    [
        ([("UPSERT", "www", 2)], "DELETE_FAILED", "do not match the current values"),
        ([("UPSERT", "b", 2)], "DELETE_FAILED", "do not match the current values"),
        ([("DELETE", "b", 1)], "DELETE_FAILED", "but it was not found"),
        ([("DELETE", each, 1) for each in ("www", "a", "b")], "DELETE_COMPLETE", ""),
    ],
)
def test_records_that_somebody_changed_are_not_said_to_be_deleted(stacks, changes, status, reason):
    """They are still there; those that somebody deleted are not."""
    made = stacks.client("route53").create_hosted_zone(Name="lab.example", CallerReference="x")
    zone = made["HostedZone"]["Id"].rpartition("/")[2]
    assert stacks.create("web", RECORDS.format(zone=zone)) == "CREATE_COMPLETE"
    stack = stacks.describe("web")["StackId"]
    for action, name, last in changes:
        change(stacks, zone, action, f"{name}.lab.example", f"192.0.2.{last}")
    assert stacks.delete("web") == status
    failures = [why for _, found, why in stacks.events(stack) if found == "DELETE_FAILED"]
    assert any(reason in why for why in failures) is bool(reason)


ZONE = """
    Parameters: {{Ttl: {{Type: Number, Default: 60}}}}
    Resources:
      Zone:
        Type: AWS::Route53::HostedZone
        Properties:
          Name: lab.example
          HostedZoneConfig: {{Comment: {comment}}}
          HostedZoneTags: [{{Key: use, Value: {comment}}}]
      Www:
        Type: AWS::Route53::RecordSet
        Properties: {{HostedZoneId: !Ref Zone, Name: www.lab.example, Type: A, TTL: !Ref Ttl,
                      ResourceRecords: [{address}]}}
      Mail:
        Type: AWS::Route53::RecordSetGroup
        Properties:
          HostedZoneName: lab.example.
          RecordSets:
            - {{Name: lab.example, Type: MX, TTL: 60, ResourceRecords: [10 mail.lab.example]}}
            - {{Name: {txt}.lab.example, Type: TXT, TTL: 60, ResourceRecords: ['"v=1"']}}
        DependsOn: Zone
    Outputs: {{Servers: {{Value: !Join [" ", !GetAtt Zone.NameServers]}}, Id: {{Value: !Ref Zone}}}}
"""
FIRST = ZONE.format(comment="first", address="192.0.2.1", txt="a")


def records(stacks):
    zone = stacks.outputs("web")["Id"]
    sets = stacks.client("route53").list_resource_record_sets(HostedZoneId=zone)
    return {
        (r["Name"], r["Type"]): (r["TTL"], [v["Value"] for v in r["ResourceRecords"]])
        for r in sets["ResourceRecordSets"]
        if r["Type"] not in {"NS", "SOA"}
    }


def test_a_zone_and_its_records_are_made_changed_and_deleted(stacks):
    assert stacks.create("web", FIRST) == "CREATE_COMPLETE"
    assert len(stacks.outputs("web")["Servers"].split()) == 4
    mail = {("lab.example.", "MX"): (60, ["10 mail.lab.example"])}
    assert records(stacks) == mail | {
        ("www.lab.example.", "A"): (60, ["192.0.2.1"]),
        ("a.lab.example.", "TXT"): (60, ['"v=1"']),
    }
    second = ZONE.format(comment="second", address="192.0.2.2", txt="b")
    assert stacks.update("web", second, values={"Ttl": "120"}) == "UPDATE_COMPLETE"
    assert records(stacks) == mail | {
        ("www.lab.example.", "A"): (120, ["192.0.2.2"]),
        ("b.lab.example.", "TXT"): (60, ['"v=1"']),
    }
    zone = stacks.client("route53").get_hosted_zone(Id=stacks.outputs("web")["Id"])
    assert zone["HostedZone"]["Config"]["Comment"] == "second"
    assert stacks.delete("web") == "DELETE_COMPLETE"
    assert stacks.client("route53").list_hosted_zones()["HostedZones"] == []


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("HostedZoneId: !Ref Zone, ", "", "Exactly one of HostedZoneId and HostedZoneName must be"),
        ("lab.example.\n", "other.example.\n", "There is no hosted zone named other.example."),
        ("Name: lab.example\n", "Name: lab.example\n          VPCs: []\n",
         "VPCs of AWS::Route53::HostedZone is not simulated by pkilab"),
        ("TTL: !Ref Ttl", "Ttl: !Ref Ttl", "#: extraneous key [Ttl] is not permitted"),
    ],
)  # fmt: skip
def test_a_record_that_goes_nowhere_fails(stacks, old, new, reason):
    assert old in FIRST
    assert stacks.create("web", FIRST.replace(old, new)) == "ROLLBACK_COMPLETE"
    assert reason in "".join(failed(stacks))


# S3.

BUCKET = """
    Resources:
      Bucket:
        Type: AWS::S3::Bucket
        Properties:
          {settings}
      Policy:
        Type: AWS::S3::BucketPolicy
        Properties:
          Bucket: !Ref Bucket
          PolicyDocument:
            Version: 2012-10-17
            Statement:
              - {{Effect: Allow, Principal: {{Service: acm-pca.amazonaws.com}},
                  Action: s3:PutObject, Resource: !Sub "${{Bucket.Arn}}/*"}}
    Outputs: {{Name: {{Value: !Ref Bucket}}, Host: {{Value: !GetAtt Bucket.RegionalDomainName}}}}
"""
SETTINGS = """VersioningConfiguration: {Status: Enabled}
          PublicAccessBlockConfiguration: {BlockPublicAcls: "true", BlockPublicPolicy: true,
                                           IgnorePublicAcls: true, RestrictPublicBuckets: true}
          OwnershipControls: {Rules: [{ObjectOwnership: BucketOwnerEnforced}]}
          BucketEncryption: {ServerSideEncryptionConfiguration: [
            {ServerSideEncryptionByDefault: {SSEAlgorithm: AES256}}]}
          Tags: [{Key: a, Value: b}]"""


def test_a_bucket_has_the_settings_and_the_policy_that_its_template_says(stacks):
    assert stacks.create("web", BUCKET.format(settings=SETTINGS)) == "CREATE_COMPLETE"
    s3, name = stacks.client("s3"), stacks.outputs("web")["Name"]
    assert name.startswith("web-bucket-")
    assert stacks.outputs("web")["Host"] == f"{name}.s3.us-east-1.amazonaws.com"
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    blocked = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    assert set(blocked.values()) == {True}
    encryption = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]
    default = encryption["Rules"][0]["ApplyServerSideEncryptionByDefault"]
    assert default["SSEAlgorithm"] == "AES256"
    assert s3.get_bucket_tagging(Bucket=name)["TagSet"] == [{"Key": "a", "Value": "b"}]
    policy = json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])
    assert policy["Statement"][0]["Resource"] == f"arn:aws:s3:::{name}/*"


def test_settings_that_a_template_no_longer_has_are_taken_back(stacks):
    stacks.create("web", BUCKET.format(settings=SETTINGS))
    name = stacks.outputs("web")["Name"]
    plain = BUCKET.format(settings="Tags: [{Key: a, Value: c}]")
    assert stacks.update("web", plain) == "UPDATE_COMPLETE"
    s3 = stacks.client("s3")
    assert stacks.outputs("web")["Name"] == name
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Suspended"
    with pytest.raises(ClientError, match="NoSuchPublicAccessBlockConfiguration"):
        s3.get_public_access_block(Bucket=name)
    assert s3.get_bucket_tagging(Bucket=name)["TagSet"] == [{"Key": "a", "Value": "c"}]


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ("BucketName: Not-A-Name", "Bucket name should not contain uppercase characters"),
        ("VersioningConfiguration: {Status: Sometimes}",
         "#/VersioningConfiguration/Status: Sometimes is not a valid enum value"),
        ("VersioningConfiguration: {State: Enabled}", "extraneous key [State] is not permitted"),
        ("PublicAccessBlockConfiguration: {BlockPublicAcls: perhaps}",
         "#/PublicAccessBlockConfiguration/BlockPublicAcls: expected type: Boolean, found: String"),
        ("LifecycleConfiguration: {}", "LifecycleConfiguration of AWS::S3::Bucket is not"),
        ("BucketNam: x", "#: extraneous key [BucketNam] is not permitted"),
    ],
)  # fmt: skip
def test_a_bucket_that_cannot_be_fails(stacks, settings, reason):
    assert stacks.create("web", BUCKET.format(settings=settings)) == "ROLLBACK_COMPLETE"
    assert reason in "".join(failed(stacks))
    assert stacks.buckets() == []


# IAM.

ROLE = """
    Parameters: {Description: {Type: String, Default: one}, Inline: {Type: String, Default: first},
                 Action: {Type: String, Default: "s3:GetObject"}}
    Resources:
      Role:
        Type: AWS::IAM::Role
        Properties:
          AssumeRolePolicyDocument:
            Version: 2012-10-17
            Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com},
                         Action: sts:AssumeRole}]
          Description: !Ref Description
          Policies:
            - PolicyName: !Ref Inline
              PolicyDocument: {Version: 2012-10-17, Statement: [NOTHING]}
          Tags: [{Key: kind, Value: !Ref Description}]
      Inline:
        Type: AWS::IAM::Policy
        Properties:
          PolicyName: by-policy
          Roles: [!Ref Role]
          PolicyDocument: {Version: 2012-10-17, Statement: [NOTHING]}
      Other:
        Type: AWS::IAM::RolePolicy
        Properties:
          PolicyName: by-role-policy
          RoleName: !Ref Role
          PolicyDocument: {Version: 2012-10-17, Statement: [NOTHING]}
      Managed:
        Type: AWS::IAM::ManagedPolicy
        Properties:
          Roles: [!Ref Role]
          PolicyDocument:
            Version: 2012-10-17
            Statement: [{Effect: Allow, Action: !Ref Action, Resource: "*"}]
    Outputs:
      Name: {Value: !Ref Role}
      Arn: {Value: !GetAtt Role.Arn}
      Policy: {Value: !GetAtt Managed.PolicyArn}
""".replace("NOTHING", '{Effect: Deny, Action: "*", Resource: "*"}')


def policies(stacks):
    iam, name = stacks.client("iam"), stacks.outputs("web")["Name"]
    arn = stacks.outputs("web")["Policy"]
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    assert [each["PolicyArn"] for each in attached] == [arn]
    inline = set(iam.list_role_policies(RoleName=name)["PolicyNames"])
    return inline, document["Statement"][0]["Action"]


def test_a_role_and_its_policies_are_made_changed_and_deleted(stacks):
    assert stacks.create("web", ROLE) == "CREATE_COMPLETE"
    name, arn = (stacks.outputs("web")[key] for key in ("Name", "Arn"))
    assert arn == f"arn:aws:iam::111122223333:role/{name}"
    others = {"by-policy", "by-role-policy"}
    assert policies(stacks) == ({"first", *others}, "s3:GetObject")
    values = {"Description": "two", "Inline": "second", "Action": "s3:PutObject"}
    assert stacks.update("web", ROLE, values=values) == "UPDATE_COMPLETE"
    assert stacks.outputs("web")["Name"] == name
    assert policies(stacks) == ({"second", *others}, "s3:PutObject")
    role = stacks.client("iam").get_role(RoleName=name)["Role"]
    assert (role["Description"], role["Tags"]) == ("two", [{"Key": "kind", "Value": "two"}])
    assert stacks.delete("web") == "DELETE_COMPLETE"
    assert stacks.client("iam").list_roles()["Roles"] == []


def test_a_policy_of_nobody_fails(stacks):
    lonely = ROLE.replace("          Roles: [!Ref Role]\n", "", 1)
    assert stacks.create("web", lonely) == "ROLLBACK_COMPLETE"
    assert failed(stacks)[0] == "At least one of [Groups,Roles,Users] must be non-empty."


# Lambda and its log.

FUNCTION = """
    Parameters: {Answer: {Type: String, Default: one}, Days: {Type: Number, Default: 7}}
    Resources:
      Log: {Type: AWS::Logs::LogGroup, Properties: {RetentionInDays: !Ref Days}}
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
          Runtime: python3.12
          Role: !GetAtt Role.Arn
          Handler: index.handler
          Timeout: "5"
          LoggingConfig: {LogGroup: !Ref Log}
          Environment: {Variables: {ANSWER: !Ref Answer}}
          Code:
            ZipFile: !Sub |
              import os
              def handler(event, context):
                  log = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
                  return [os.environ["ANSWER"], "${Answer}", log]
      May:
        Type: AWS::Lambda::Permission
        Properties: {FunctionName: !GetAtt Function.Arn, Action: lambda:InvokeFunction,
                     Principal: apigateway.amazonaws.com,
                     SourceArn: "arn:aws:execute-api:us-east-1:111122223333:*"}
    Outputs: {Name: {Value: !Ref Function}, Log: {Value: !Ref Log}, Arn: {Value: !GetAtt Log.Arn}}
"""


def invoked(stacks):
    name = stacks.outputs("web")["Name"]
    return json.loads(stacks.client("lambda").invoke(FunctionName=name)["Payload"].read())


def retention(stacks):
    groups = stacks.client("logs").describe_log_groups()["logGroups"]
    return {group["logGroupName"]: group.get("retentionInDays") for group in groups}


def test_a_function_runs_and_is_changed_and_its_log_group_is_there(stacks):
    assert stacks.create("web", FUNCTION) == "CREATE_COMPLETE"
    log = stacks.outputs("web")["Log"]
    assert invoked(stacks) == ["one", "one", log]
    assert retention(stacks) == {log: 7}
    place = "arn:aws:logs:us-east-1:111122223333:log-group"
    assert stacks.outputs("web")["Arn"] == f"{place}:{log}:*"
    policy = json.loads(
        stacks.client("lambda").get_policy(FunctionName=stacks.outputs("web")["Name"])["Policy"]
    )
    assert policy["Statement"][0]["Principal"] == {"Service": "apigateway.amazonaws.com"}
    values = {"Answer": "two", "Days": "30"}
    assert stacks.update("web", FUNCTION, values=values) == "UPDATE_COMPLETE"
    assert invoked(stacks) == ["two", "two", log]
    assert retention(stacks) == {log: 30}
    assert stacks.delete("web") == "DELETE_COMPLETE"
    assert stacks.client("lambda").list_functions()["Functions"] == []
    assert retention(stacks) == {}


def test_code_that_was_not_packaged_is_refused(stacks):
    """A local folder, until `aws cloudformation package` has uploaded it."""
    template = FUNCTION[: FUNCTION.index("          Code:")] + "          Code: function\n"
    assert stacks.create("web", template) == "ROLLBACK_COMPLETE"
    assert failed(stacks)[0].endswith("#/Code: expected type: JSONObject, found: String")


# HTTP APIs.

API = """
    Parameters: {Stage: {Type: String, Default: first}}
    Resources:
      Api: {Type: AWS::ApiGatewayV2::Api, Properties: {Name: lab, ProtocolType: HTTP,
            Tags: {a: b}}}
      Backend:
        Type: AWS::ApiGatewayV2::Integration
        Properties: {ApiId: !Ref Api, IntegrationType: AWS_PROXY, PayloadFormatVersion: "2.0",
                     IntegrationUri: !Sub "arn:aws:lambda:us-east-1:${AWS::AccountId}:function:f"}
      Gate:
        Type: AWS::ApiGatewayV2::Authorizer
        Properties:
          ApiId: !Ref Api
          Name: gate
          AuthorizerType: REQUEST
          AuthorizerPayloadFormatVersion: "2.0"
          AuthorizerResultTtlInSeconds: "0"
          EnableSimpleResponses: true
          AuthorizerUri: !Sub
            - "${Path}/arn:aws:lambda:us-east-1:${AWS::AccountId}:function:f/invocations"
            - Path: arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions
      Route:
        Type: AWS::ApiGatewayV2::Route
        Properties: {ApiId: !Ref Api, RouteKey: GET /, Target: !Sub "integrations/${Backend}",
                     AuthorizationType: CUSTOM, AuthorizerId: !Ref Gate}
      Live:
        Type: AWS::ApiGatewayV2::Stage
        DependsOn: Route
        Properties: {ApiId: !Ref Api, StageName: $default, AutoDeploy: true,
                     Description: !Ref Stage}
    Outputs: {Id: {Value: !Ref Api}, Endpoint: {Value: !GetAtt Api.ApiEndpoint}}
"""


def test_an_http_api_is_made_of_its_parts(stacks):
    assert stacks.create("web", API) == "CREATE_COMPLETE"
    api, client = stacks.outputs("web")["Id"], stacks.client("apigatewayv2")
    assert client.get_api(ApiId=api)["Tags"] == {"a": "b"}
    assert [r["RouteKey"] for r in client.get_routes(ApiId=api)["Items"]] == ["GET /"]
    gate = client.get_authorizers(ApiId=api)["Items"][0]
    assert (gate["AuthorizerResultTtlInSeconds"], gate["EnableSimpleResponses"]) == (0, True)
    assert stacks.update("web", API, values={"Stage": "second"}) == "UPDATE_COMPLETE"
    assert client.get_stage(ApiId=api, StageName="$default")["Description"] == "second"
    assert stacks.delete("web") == "DELETE_COMPLETE"
    assert client.get_apis()["Items"] == []


DOMAIN = API.replace("    Outputs:", """      Certificate:
        Type: AWS::CertificateManager::Certificate
        Properties:
          DomainName: api.lab.example
          ValidationMethod: DNS
          DomainValidationOptions: [{DomainName: api.lab.example, HostedZoneId: ZONE}]
      Domain:
        Type: AWS::ApiGatewayV2::DomainName
        Properties:
          DomainName: api.lab.example
          DomainNameConfigurations: [{CertificateArn: !Ref Certificate, EndpointType: REGIONAL}]
      Mapping:
        Type: AWS::ApiGatewayV2::ApiMapping
        Properties: {ApiId: !Ref Api, DomainName: !Ref Domain, Stage: !Ref Live}
      Alias:
        Type: AWS::Route53::RecordSet
        Properties:
          HostedZoneId: ZONE
          Name: api.lab.example
          Type: CNAME
          TTL: 60
          ResourceRecords: [!GetAtt Domain.RegionalDomainName]
    Outputs:""")  # fmt: skip


def test_a_domain_name_uses_the_stacks_certificate_and_lets_it_go(stacks):
    zone = stacks.zone("lab.example")
    assert stacks.create("web", DOMAIN.replace("ZONE", zone)) == "CREATE_COMPLETE"
    arn = stacks.physical("web", "Certificate")
    certificate = stacks.client("acm").describe_certificate(CertificateArn=arn)["Certificate"]
    assert len(certificate["InUseBy"]) == 1
    mapping = stacks.client("apigatewayv2").get_api_mappings(DomainName="api.lab.example")["Items"]
    assert [m["Stage"] for m in mapping] == ["$default"]
    assert stacks.delete("web") == "DELETE_COMPLETE"
