import csv
import io
import json
from datetime import timedelta

import pytest

from pkilab.simulator.acmpca.audit import COLUMNS, Auditor, write_csv, write_json
from pkilab.simulator.service import AwsError

BUCKET = "lab-audit"


@pytest.fixture
def setting(bench):
    """An auditor, a CA with three certificates, a bucket."""
    return prepare(bench)


def prepare(bench):
    authority = bench.authority()
    bench.bucket(BUCKET)
    for serial in (0x3C1DE0A97BE24F56A1B2C3D4E5F60718, 2, 3):
        bench.issue(authority, serial, days=30)
    return bench, Auditor(bench.world, bench.s3), authority


def code(call):
    with pytest.raises(AwsError) as caught:
        call()
    return caught.value.code


def test_a_csv_row_is_awss(setting):
    """The columns in order, times, serial and subject as the guide prints them."""
    bench, _, authority = setting
    first = next(iter(authority.issued.values()))
    bench.world.clock.advance(days=1, hours=1, minutes=30)
    bench.revoke(authority, first, "SUPERSEDED")
    header, row, *_ = write_csv(authority, bench.now).decode().splitlines()
    assert header == (
        "awsAccountId,requestedByServicePrincipal,certificateArn,serial,subject,notBefore,"
        "notAfter,issuedAt,revokedAt,revocationReason,templateArn"
    )
    assert row == (
        f"111122223333,,{authority.arn}/certificate/3c1de0a97be24f56a1b2c3d4e5f60718,"
        "3c:1d:e0:a9:7b:e2:4f:56:a1:b2:c3:d4:e5:f6:07:18,"
        '"CN=build-7.lab.test,O=Lab,C=FR",2026-11-02T08:00:00+0000,2026-12-02T09:00:00+0000,'
        "2026-11-02T09:00:00+0000,2026-11-03T10:30:00+0000,SUPERSEDED,"
        "arn:aws:acm-pca:::template/EndEntityServerAuthCertificate/V1"
    )


def test_json_tells_the_same_and_leaves_out_what_is_empty(setting):
    """Every certificate, revoked, requested by ACM, or long expired."""
    bench, _, authority = setting
    first, second, _ = authority.issued.values()
    bench.revoke(authority, first)
    second.requested_by = "acm.amazonaws.com"
    bench.world.clock.advance(days=365)
    rows = json.loads(write_json(authority, bench.now))
    table = list(csv.DictReader(io.StringIO(write_csv(authority, bench.now).decode())))
    assert rows == [{name: cell for name, cell in row.items() if cell} for row in table]
    assert [len(row) for row in rows] == [10, 9, 8]
    assert [list(row) for row in rows] == [[c for c in COLUMNS if c in row] for row in rows]
    assert rows[1]["requestedByServicePrincipal"] == "acm.amazonaws.com"


def test_failed_and_unfinished_issuance_is_not_in_the_report(setting):
    """No certificate, no row."""
    bench, _, authority = setting
    failed, unfinished, _ = authority.issued.values()
    failed.certificate = None
    unfinished.ready_at = bench.now + timedelta(seconds=1)
    assert len(json.loads(write_json(authority, bench.now))) == 1


@pytest.mark.parametrize(
    ("response_format", "suffix", "content_type"),
    [("JSON", "json", "application/json"), ("CSV", "csv", "text/csv")],
)
def test_a_report_is_written_to_the_bucket(setting, response_format, suffix, content_type):
    """Under the documented key."""
    bench, auditor, authority = setting
    report = auditor.create(authority, BUCKET, response_format)
    assert report.key == f"audit-report/{authority.uuid}/{report.report_id}.{suffix}"
    bench.world.clock.run_due()
    assert auditor.status(authority.audit_reports[report.report_id]) == "SUCCESS"
    write = {"JSON": write_json, "CSV": write_csv}[response_format]
    assert bench.objects(BUCKET) == {report.key: write(authority, bench.now)}
    assert _bucket().keys[report.key].metadata["Content-Type"] == content_type


def test_a_report_takes_the_worlds_latency(slow_bench):
    """CREATING, then SUCCESS; meanwhile a second one is refused."""
    bench, auditor, authority = prepare(slow_bench)
    report = auditor.create(authority, BUCKET, "JSON")
    assert auditor.status(report) == "CREATING"
    assert bench.objects(BUCKET) == {}

    def again():
        auditor.create(authority, BUCKET, "JSON")

    assert code(again) == "RequestInProgressException"
    bench.world.clock.advance(minutes=1)
    assert auditor.status(authority.audit_reports[report.report_id]) == "SUCCESS"
    assert code(again) == "RequestFailedException"


def test_one_report_in_thirty_minutes(setting):
    """Per CA."""
    bench, auditor, authority = setting
    first = auditor.create(authority, BUCKET, "CSV")
    bench.world.clock.advance(minutes=29, seconds=59)
    assert code(lambda: auditor.create(authority, BUCKET, "CSV")) == "RequestFailedException"
    auditor.create(bench.authority(), BUCKET, "CSV")
    bench.world.clock.advance(seconds=1)
    assert auditor.create(authority, BUCKET, "CSV").report_id != first.report_id


def test_a_bucket_that_shuts_meanwhile_makes_the_report_fail(slow_bench):
    """Accepted, then FAILED."""
    bench, auditor, authority = prepare(slow_bench)
    report = auditor.create(authority, BUCKET, "JSON")
    _bucket().policy = None
    bench.world.clock.advance(minutes=1)
    assert auditor.status(authority.audit_reports[report.report_id]) == "FAILED"
    assert bench.objects(BUCKET) == {}


def _bucket():
    from moto.s3.models import s3_backends

    return s3_backends["111122223333"]["aws"].get_bucket(BUCKET)


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda bucket: setattr(bucket, "policy", None), "ValidationException"),
        (lambda bucket: setattr(bucket, "object_lock_enabled", True), "ValidationException"),
        (
            lambda bucket: setattr(
                bucket,
                "encryption",
                {"Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}},
            ),
            "ValidationException",
        ),
    ],
)
def test_a_bucket_that_does_not_suit_is_refused_at_once(setting, spoil, expected):
    """Policy, Object Lock, the AWS managed key; nothing is recorded."""
    _, auditor, authority = setting
    spoil(_bucket())
    assert code(lambda: auditor.create(authority, BUCKET, "JSON")) == expected
    assert authority.audit_reports == {}


def test_a_missing_bucket_is_not_found(setting):
    """ResourceNotFoundException."""
    _, auditor, authority = setting
    missing = "no-such-bucket"
    assert code(lambda: auditor.create(authority, missing, "JSON")) == "ResourceNotFoundException"


def test_report_ids_come_from_the_seed(setting):
    """Equal in an equal world."""
    bench, auditor, authority = setting
    first = auditor.create(authority, BUCKET, "JSON").report_id
    bench.restart()
    bench, auditor, authority = prepare(bench)
    assert auditor.create(authority, BUCKET, "JSON").report_id == first
