"""Certificates in stacks: the records, the waiting, and what an update makes anew."""

import pytest
from botocore.exceptions import ClientError

ONE = """
    Parameters:
      Zone: {Type: String, Default: ""}
      Preference: {Type: String, Default: ENABLED}
      Also: {Type: String, Default: www.example.com}
    Conditions: {HasZone: !Not [!Equals [!Ref Zone, ""]]}
    Resources:
      Certificate:
        Type: AWS::CertificateManager::Certificate
        Properties:
          DomainName: example.com
          SubjectAlternativeNames: ["*.example.com", !Ref Also]
          ValidationMethod: DNS
          CertificateTransparencyLoggingPreference: !Ref Preference
          KeyAlgorithm: EC_prime256v1
          Tags: [{Key: Name, Value: !Ref Also}]
          DomainValidationOptions: !If
            - HasZone
            - - {DomainName: example.com, HostedZoneId: !Ref Zone}
              - {DomainName: "*.example.com", HostedZoneId: !Ref Zone}
              - {DomainName: !Ref Also, HostedZoneId: !Ref Zone}
            - !Ref AWS::NoValue
    Outputs: {Arn: {Value: !Ref Certificate}, Same: {Value: !GetAtt Certificate.CertificateArn}}
"""


def certificate(stacks, name="web"):
    arn = stacks.outputs(name)["Arn"]
    return stacks.client("acm").describe_certificate(CertificateArn=arn)["Certificate"]


def records(stacks, zone):
    sets = stacks.client("route53").list_resource_record_sets(HostedZoneId=zone)
    return [r for r in sets["ResourceRecordSets"] if r["Type"] == "CNAME"]


def reasons(stacks, name="web"):
    prefix = "Content of DNS Record is: "
    return [r for _, _, r in stacks.events(name, "Certificate") if r.startswith(prefix)]


def test_with_a_zone_the_certificate_validates_itself(stacks):
    """The records are in the zone and in the events; a wildcard shares its base domain's."""
    zone = stacks.zone()
    assert stacks.create("web", ONE, values={"Zone": zone}) == "CREATE_COMPLETE"
    issued = certificate(stacks)
    assert (issued["Status"], issued["KeyAlgorithm"]) == ("ISSUED", "EC-prime256v1")
    assert stacks.outputs("web")["Same"] == issued["CertificateArn"]
    written = {r["Name"]: r["ResourceRecords"][0]["Value"] for r in records(stacks, zone)}
    asked = {
        option["ResourceRecord"]["Name"]: option["ResourceRecord"]["Value"]
        for option in issued["DomainValidationOptions"]
    }
    assert written == asked
    assert len(written) == 2
    assert reasons(stacks) == [
        f"Content of DNS Record is: {{Name: {name},Type: CNAME,Value: {value}}}"
        for name, value in asked.items()
    ]


def test_without_one_the_stack_waits_for_whoever_writes_the_records(stacks):
    """As in the events; the records are read there."""
    zone = stacks.zone()
    assert stacks.create("web", ONE) == "CREATE_IN_PROGRESS"
    stacks.clock.advance(hours=1)
    assert stacks.status("web") == "CREATE_IN_PROGRESS"
    changes = []
    for reason in reasons(stacks):
        fields = dict(f.split(": ") for f in reason.partition("{")[2].rstrip("}").split(","))
        values = [{"Value": fields["Value"]}]
        row = {"Name": fields["Name"], "Type": "CNAME", "TTL": 60, "ResourceRecords": values}
        changes.append({"Action": "CREATE", "ResourceRecordSet": row})
    stacks.client("route53").change_resource_record_sets(
        HostedZoneId=zone, ChangeBatch={"Changes": changes}
    )
    stacks.clock.advance(hours=1)
    assert stacks.status("web") == "CREATE_COMPLETE"
    assert certificate(stacks)["Status"] == "ISSUED"


AS_POSTED = """
    Parameters: {Zone: {Type: String}}
    Resources:
      Certificate:
        Type: "AWS::CertificateManager::Certificate"
        Properties:
          DomainName: example.com
          SubjectAlternativeNames: [www.example.com]
          DomainValidationOptions:
            - DomainName: www.example.com
              HostedZoneId: !Ref Zone
          ValidationMethod: DNS
"""


def test_a_name_without_an_entry_keeps_the_stack_waiting_until_the_request_times_out(stacks):
    """The AWS post's template has an entry for www.example.com, and none for example.com."""
    zone = stacks.zone()
    assert stacks.create("web", AS_POSTED, values={"Zone": zone}) == "CREATE_IN_PROGRESS"
    assert [r["Name"].split(".", 1)[1] for r in records(stacks, zone)] == ["www.example.com."]
    stacks.clock.advance(hours=71)
    assert stacks.status("web") == "CREATE_IN_PROGRESS"
    stacks.clock.advance(hours=2)
    assert stacks.status("web") == "ROLLBACK_COMPLETE"
    failed = [reason for _, status, reason in stacks.events("web") if status == "CREATE_FAILED"]
    assert failed == ["The certificate was not issued: VALIDATION_TIMED_OUT"]


def test_deleting_the_stack_leaves_the_records(stacks):
    """The next request for the name counts on them: it is issued at once."""
    zone = stacks.zone()
    stacks.create("web", ONE, values={"Zone": zone})
    before = records(stacks, zone)
    assert stacks.delete("web") == "DELETE_COMPLETE"
    assert stacks.client("acm").list_certificates(Includes={"keyTypes": ["EC_prime256v1"]})[
        "CertificateSummaryList"
    ] == []  # fmt: skip
    assert records(stacks, zone) == before
    assert stacks.create("again", ONE) == "CREATE_COMPLETE"


def test_another_name_makes_another_certificate_and_deletes_the_old(stacks):
    zone = stacks.zone()
    stacks.create("web", ONE, values={"Zone": zone})
    old = stacks.outputs("web")["Arn"]
    values = {"Zone": zone, "Also": "api.example.com"}
    assert stacks.update("web", ONE, values=values) == "UPDATE_COMPLETE"
    new = certificate(stacks)
    assert new["CertificateArn"] != old
    assert "api.example.com" in new["SubjectAlternativeNames"]
    with pytest.raises(ClientError, match="ResourceNotFound"):
        stacks.client("acm").describe_certificate(CertificateArn=old)


def test_a_tag_is_changed_in_place(stacks):
    zone = stacks.zone()
    stacks.create("web", ONE, values={"Zone": zone}, Tags=[{"Key": "team", "Value": "a"}])
    old = stacks.outputs("web")["Arn"]
    tagged = ONE.replace("Tags: [{Key: Name, Value: !Ref Also}]", "Tags: [{Key: Use, Value: web}]")
    changes = {"Tags": [{"Key": "team", "Value": "b"}], "values": {"Zone": zone}}
    assert stacks.update("web", tagged, **changes) == "UPDATE_COMPLETE"
    assert stacks.outputs("web")["Arn"] == old
    tags = stacks.client("acm").list_tags_for_certificate(CertificateArn=old)["Tags"]
    assert {t["Key"]: t["Value"] for t in tags} == {"Use": "web", "team": "b"}


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("[{DomainName: example.com, HostedZoneId: Z1, ValidationDomain: example.com}]",
         "Cannot specify both HostedZoneId and ValidationDomain for example.com"),
        ("[{DomainName: example.com, HostedZoneId: /hostedzone/Z1}]",
         "HostedZoneId is given without the prefix /hostedzone/: found /hostedzone/Z1"),
        ("[{HostedZoneId: Z1}]",
         "Properties validation failed for resource Certificate with message:\n"
         "#/DomainValidationOptions/0: required key [DomainName] not found"),
        ("[{DomainName: example.com, HostedZone: Z1}]",
         "Properties validation failed for resource Certificate with message:\n"
         "#/DomainValidationOptions/0: extraneous key [HostedZone] is not permitted"),
    ],
)  # fmt: skip
def test_an_entry_that_is_wrong_fails_the_resource(stacks, options, reason):
    template = f"""
        Resources:
          Certificate:
            Type: AWS::CertificateManager::Certificate
            Properties: {{DomainName: example.com, ValidationMethod: DNS,
                          DomainValidationOptions: {options}}}
    """
    assert stacks.create("web", template) == "ROLLBACK_COMPLETE"
    assert ("Certificate", "CREATE_FAILED", reason) in stacks.events("web")


def test_a_zone_that_cannot_hold_the_record_fails_the_resource(stacks):
    """The name belongs to another zone: Route 53 says so, and the certificate goes again."""
    zone = stacks.zone("other.example")
    assert stacks.create("web", ONE, values={"Zone": zone}) == "ROLLBACK_COMPLETE"
    failed = [reason for _, status, reason in stacks.events("web") if status == "CREATE_FAILED"]
    assert "is not permitted in zone other.example." in failed[0]
    assert records(stacks, zone) == []


def test_a_zone_of_the_same_stack_will_do(stacks):
    template = """
        Resources:
          Zone: {Type: AWS::Route53::HostedZone, Properties: {Name: example.com}}
          Certificate:
            Type: AWS::CertificateManager::Certificate
            Properties:
              DomainName: example.com
              ValidationMethod: DNS
              DomainValidationOptions: [{DomainName: example.com, HostedZoneId: !Ref Zone}]
    """
    assert stacks.create("web", template) == "CREATE_COMPLETE"
    # The record is nobody's: the zone cannot be deleted before somebody has removed it.
    assert stacks.delete("web") == "DELETE_FAILED"
    reason = "The following resource(s) failed to delete: [Zone]. "
    assert stacks.describe("web")["StackStatusReason"] == reason


ACCOUNT = """
    Resources:
      Account:
        Type: AWS::CertificateManager::Account
        Properties: {{ExpiryEventsConfiguration: {{DaysBeforeExpiry: {days}}}}}
    Outputs: {{Id: {{Value: !GetAtt Account.AccountId}}}}
"""


def test_the_accounts_setting_is_put_and_stays(stacks):
    acm = stacks.client("acm")
    assert stacks.create("web", ACCOUNT.format(days='"30"')) == "CREATE_COMPLETE"
    assert stacks.outputs("web") == {"Id": "111122223333"}
    assert acm.get_account_configuration()["ExpiryEvents"] == {"DaysBeforeExpiry": 30}
    assert stacks.update("web", ACCOUNT.format(days=20)) == "UPDATE_COMPLETE"
    stacks.delete("web")
    assert acm.get_account_configuration()["ExpiryEvents"] == {"DaysBeforeExpiry": 20}
