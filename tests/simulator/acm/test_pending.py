"""From a request to its end, as time passes."""

from datetime import timedelta

import pytest

NAME = "www.lab.example"
SLOW = timedelta(seconds=20)


def test_a_request_is_looked_after_until_it_is_validated(desk, lab):
    """Without anybody describing it: every minute, later less often."""
    one, two = desk.request(), desk.request("late.lab.example")
    records = desk.records(one), desk.records(two)
    ((name, value),) = records[0]
    desk.change("UPSERT", name, "CNAME", value)
    lab.clock.advance(minutes=1)
    assert desk.acm.get_certificate(CertificateArn=one)["Certificate"]
    lab.clock.advance(hours=23, minutes=59)
    ((name, value),) = records[1]
    desk.change("UPSERT", name, "CNAME", value)
    lab.clock.advance(minutes=59)
    desk.refused("RequestInProgressException", desk.acm.get_certificate, CertificateArn=two)
    lab.clock.advance(minutes=1)
    assert desk.acm.get_certificate(CertificateArn=two)["Certificate"]


def test_a_request_that_is_never_validated_times_out(desk, lab):
    """After 72 hours, and then a record comes too late."""
    arn = desk.request()
    lab.clock.advance(hours=71, minutes=59, seconds=59)
    assert desk.status(arn) == "PENDING_VALIDATION"
    lab.clock.advance(seconds=1)
    listed = desk.acm.list_certificates(
        CertificateStatuses=["VALIDATION_TIMED_OUT"], Includes={"keyTypes": ["EC_prime256v1"]}
    )
    assert [each["CertificateArn"] for each in listed["CertificateSummaryList"]] == [arn]
    (option,) = desk.describe(arn)["DomainValidationOptions"]
    assert option["ValidationStatus"] == "FAILED"
    desk.write(arn)
    lab.clock.advance(hours=1)
    assert desk.status(arn) == "VALIDATION_TIMED_OUT"


def test_a_deleted_request_is_not_looked_after_any_more(desk, lab):
    """Though its record comes; the others are."""
    arn, kept = desk.request(), desk.request()
    records = desk.records(arn)
    desk.acm.delete_certificate(CertificateArn=arn)
    for name, value in records:
        desk.change("UPSERT", name, "CNAME", value)
    lab.clock.advance(hours=73)
    assert desk.status(kept) == "ISSUED"
    desk.refused("ResourceNotFoundException", desk.acm.describe_certificate, CertificateArn=arn)
    assert len(desk.events("Available")) == 1


def test_in_a_slow_world_records_are_named_a_moment_after_the_request(open_desk):
    """And issued no sooner, though they stand there."""
    desk = open_desk(latency=SLOW)
    arn = desk.request()
    (option,) = desk.describe(arn)["DomainValidationOptions"]
    assert "ResourceRecord" not in option
    assert (option["DomainName"], option["ValidationStatus"]) == (NAME, "PENDING_VALIDATION")
    desk.lab.clock.advance(seconds=19)
    assert "ResourceRecord" not in desk.describe(arn)["DomainValidationOptions"][0]
    desk.lab.clock.advance(seconds=1)
    desk.write(arn)
    desk.lab.clock.advance(seconds=20)  # Route 53 takes its time, too
    assert desk.status(arn) == "ISSUED"
    again = desk.request()
    assert desk.status(again) == "PENDING_VALIDATION"
    desk.lab.clock.advance(seconds=20)
    assert desk.status(again) == "ISSUED"


def test_boto3s_waiter_sees_a_certificate_issued(desk):
    """All names proved; and sees a failure."""
    arn = desk.request()
    desk.write(arn)
    desk.acm.get_waiter("certificate_validated").wait(CertificateArn=arn)
    failed = desk.request("www.lab.local")
    with pytest.raises(Exception, match="terminal failure"):
        desk.acm.get_waiter("certificate_validated").wait(CertificateArn=failed)


def test_a_private_request_takes_a_moment_in_a_slow_world(desk, lab):
    """Whether it comes to something or not."""
    ca, wait = desk.root(), lab.clock.advance
    desk.slow(SLOW)
    good = desk.request(CertificateAuthorityArn=ca)
    bad = desk.request(CertificateAuthorityArn=ca[:-1] + ("0" if ca[-1] != "0" else "1"))
    assert {desk.status(arn) for arn in (good, bad)} == {"PENDING_VALIDATION"}
    wait(seconds=19)
    assert {desk.status(arn) for arn in (good, bad)} == {"PENDING_VALIDATION"}
    wait(seconds=1)
    assert (desk.status(good), desk.status(bad)) == ("ISSUED", "FAILED")
    assert desk.describe(bad)["FailureReason"] == "PCA_RESOURCE_NOT_FOUND"
