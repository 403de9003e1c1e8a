"""The journal listens to plain boto3 clients; moto and botocore's Stubber answer here."""

from __future__ import annotations

import io
import sys
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import moto
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectTimeoutError, ParamValidationError
from botocore.stub import Stubber

from pkilab import Lab
from pkilab.errors import MissingExtraError
from pkilab.journal import Journal, Withheld, as_html, count, keep
from pkilab.resources import _copied_from

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
CA = "arn:aws:acm-pca:us-east-1:111122223333:certificate-authority/5f0c8a52-0d9e-4a57-9b7e-6f3b"
KEY = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep every client of this file away from a real account."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def watched(journal: Journal) -> Iterator[Callable[..., Any]]:
    """Return a maker of clients that moto answers and the journal watches."""

    def make(service: str, account: str = "owner") -> Any:
        client = boto3.client(service, region_name="us-east-1")
        attach(journal, client, account)
        return client

    with moto.mock_aws():
        yield make


def attach(journal: Journal, client: Any, account: str = "owner") -> None:
    journal.attach(client, account=account, account_id="111122223333", now=lambda: NOW)


def stubbed(service: str, journal: Journal) -> tuple[Any, Stubber]:
    client = boto3.client(service, region_name="us-east-1")
    attach(journal, client)
    return client, Stubber(client)


def test_a_call_is_recorded_with_its_place_time_and_outcome(
    journal: Journal, watched: Callable[..., Any]
) -> None:
    watched("s3").create_bucket(Bucket="lab-crl")
    (entry,) = journal
    assert (entry.number, entry.at, entry.account, entry.account_id, entry.region) == (
        1,
        NOW,
        "owner",
        "111122223333",
        "us-east-1",
    )
    assert (entry.service, entry.operation, entry.outcome) == ("s3", "CreateBucket", "ok")
    assert entry.ok
    assert entry.resources == ("arn:aws:s3:::lab-crl",)


def test_a_refused_call_is_recorded_with_awss_code(
    journal: Journal, watched: Callable[..., Any]
) -> None:
    with pytest.raises(ClientError):
        watched("s3").get_object(Bucket="no-such-bucket", Key="k")
    (entry,) = journal
    assert entry.outcome == "NoSuchBucket"
    assert not entry.ok
    assert entry.results == {}


def test_parameters_that_fail_validation_were_never_a_call(
    journal: Journal, watched: Callable[..., Any]
) -> None:
    with pytest.raises(ParamValidationError):
        watched("s3").get_object(Bucket="lab-crl")
    assert len(journal) == 0


def test_a_call_without_an_answer_is_recorded_once_whatever_was_retried(journal: Journal) -> None:
    client = boto3.client(
        "s3", region_name="us-east-1", config=Config(retries={"total_max_attempts": 3})
    )
    attach(journal, client)
    sent = []

    def never(request: Any, **_: object) -> None:
        sent.append(request.url)
        raise ConnectTimeoutError(endpoint_url=request.url)

    client.meta.events.register("before-send", never)
    client.meta.events.register("needs-retry", lambda attempts, **_: 0 if attempts < 3 else None)
    with pytest.raises(ConnectTimeoutError):
        client.list_buckets()
    assert len(sent) == 3
    assert [entry.outcome for entry in journal] == ["ConnectTimeoutError"]


def test_attaching_twice_records_once(journal: Journal, watched: Callable[..., Any]) -> None:
    client = watched("s3")
    attach(journal, client)
    client.list_buckets()
    assert len(journal) == 1


def test_two_journals_on_one_client_see_the_same(
    journal: Journal, watched: Callable[..., Any]
) -> None:
    client, other = watched("s3"), Journal()
    attach(other, client, "second")
    client.list_buckets()
    assert [entry.account for entry in journal] == ["owner"]
    assert [entry.account for entry in other] == ["second"]


def test_each_page_and_each_look_of_a_waiter_is_a_call(
    journal: Journal, watched: Callable[..., Any]
) -> None:
    s3 = watched("s3")
    s3.create_bucket(Bucket="lab-crl")
    for name in "abc":
        s3.put_object(Bucket="lab-crl", Key=name, Body=b"")
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket="lab-crl", PaginationConfig={"PageSize": 2}
    )
    assert sum(len(page["Contents"]) for page in pages) == 3
    s3.get_waiter("object_exists").wait(Bucket="lab-crl", Key="a")
    operations = [entry.operation for entry in journal]
    assert operations[-3:] == ["ListObjectsV2", "ListObjectsV2", "HeadObject"]


def test_arns_come_from_parameters_and_from_what_a_create_answers(journal: Journal) -> None:
    pca, stub = stubbed("acm-pca", journal)
    template = "arn:aws:acm-pca:::template/RootCACertificate/V1"
    stub.add_response("create_certificate_authority", {"CertificateAuthorityArn": CA})
    stub.add_response("issue_certificate", {"CertificateArn": f"{CA}/certificate/3c1d"})
    stub.add_response("get_certificate", {"Certificate": "PEM"})
    configuration = {
        "KeyAlgorithm": "EC_prime256v1",
        "SigningAlgorithm": "SHA256WITHECDSA",
        "Subject": {"CommonName": "Root"},
    }
    with stub:
        pca.create_certificate_authority(
            CertificateAuthorityConfiguration=configuration,
            CertificateAuthorityType="ROOT",
            RevocationConfiguration={
                "CrlConfiguration": {
                    "Enabled": True,
                    "ExpirationInDays": 7,
                    "S3BucketName": "lab-crl",
                }
            },
        )
        pca.issue_certificate(
            CertificateAuthorityArn=CA,
            Csr=b"csr",
            SigningAlgorithm="SHA256WITHECDSA",
            TemplateArn=template,
            Validity={"Type": "DAYS", "Value": 1},
        )
        pca.get_certificate(CertificateAuthorityArn=CA, CertificateArn=f"{CA}/certificate/3c1d")
    created, issued, got = journal
    assert created.resources == ("arn:aws:s3:::lab-crl", CA)
    assert created.made == (CA,)
    assert issued.resources == (CA, template, f"{CA}/certificate/3c1d")
    assert issued.made == (f"{CA}/certificate/3c1d",)
    assert got.resources == (CA, f"{CA}/certificate/3c1d")
    assert got.made == ()


def test_s3_keys_and_copy_sources_become_arns(
    journal: Journal, watched: Callable[..., Any]
) -> None:
    s3 = watched("s3")
    s3.create_bucket(Bucket="lab-crl")
    s3.put_object(Bucket="lab-crl", Key="crl/one.crl", Body=b"x")
    s3.copy_object(
        Bucket="lab-crl", Key="two", CopySource={"Bucket": "lab-crl", "Key": "crl/one.crl"}
    )
    s3.copy_object(Bucket="lab-crl", Key="three", CopySource="lab-crl/crl/one.crl")
    s3.delete_objects(Bucket="lab-crl", Delete={"Objects": [{"Key": "two"}, {"Key": "three"}]})
    s3.list_objects_v2(Bucket="lab-crl", Prefix="crl/")
    bucket = "arn:aws:s3:::lab-crl"
    assert [entry.resources for entry in journal][1:] == [
        (f"{bucket}/crl/one.crl",),
        (f"{bucket}/two", f"{bucket}/crl/one.crl"),
        (f"{bucket}/three", f"{bucket}/crl/one.crl"),
        (f"{bucket}/two", f"{bucket}/three"),
        (bucket,),
    ]


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("lab/a%20b?versionId=7", "lab/a b"),
        ("/lab/dir%2Fkey", "lab/dir/key"),
        ({"Bucket": "lab", "Key": "a b", "VersionId": "7"}, "lab/a b"),
    ],
)
def test_every_form_of_a_copy_source_names_its_object(source: Any, named: str) -> None:
    assert _copied_from(source) == named


def test_secrets_are_not_kept(journal: Journal) -> None:
    acm, stub = stubbed("acm", journal)
    stub.add_response(
        "import_certificate", {"CertificateArn": "arn:aws:acm:us-east-1:1:certificate/x"}
    )
    stub.add_response("export_certificate", {"PrivateKey": KEY})
    with stub:
        acm.import_certificate(Certificate=b"cert", PrivateKey=KEY.encode())
        acm.export_certificate(
            CertificateArn="arn:aws:acm:us-east-1:111122223333:certificate/x", Passphrase=b"hunter2"
        )
    imported, exported = journal
    assert imported.parameters["PrivateKey"] == Withheld("sensitive")
    assert exported.parameters["Passphrase"] == Withheld("sensitive")
    text = repr([(entry, entry.parameters, entry.results) for entry in journal])
    assert "MIIE" not in text
    assert "hunter2" not in text


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (KEY, Withheld("a private key")),
        (KEY.encode(), Withheld("a private key")),
        (bytearray(KEY.encode()), Withheld("a private key")),
        ({"deep": [KEY]}, {"deep": [Withheld("a private key")]}),
        ("x" * 4096, "x" * 4096),
        ("x" * 4097, Withheld("long", 4097)),
        (b"x" * 4097, Withheld("long", 4097)),
        (io.BytesIO(b"x"), Withheld("a BytesIO")),
        ([1, 2.5, True, None, NOW], [1, 2.5, True, None, NOW]),
    ],
)
def test_what_is_kept_of_a_parameter(value: object, kept: object) -> None:
    assert keep(value) == kept


def test_an_objects_bytes_are_not_kept_but_their_number_is(
    journal: Journal, watched: Callable[..., Any]
) -> None:
    s3 = watched("s3")
    s3.create_bucket(Bucket="lab-crl")
    s3.put_object(Bucket="lab-crl", Key="k", Body=b"12345")
    s3.put_object(Bucket="lab-crl", Key="k", Body=io.BytesIO(b"12345"))
    bodies = [entry.parameters["Body"] for entry in journal if entry.operation == "PutObject"]
    assert bodies == [Withheld("a stream", 5), Withheld("a stream", None)]


def test_parameters_are_a_copy(journal: Journal, watched: Callable[..., Any]) -> None:
    s3 = watched("s3")
    s3.create_bucket(Bucket="lab-crl")
    objects = [{"Key": "a"}]
    s3.delete_objects(Bucket="lab-crl", Delete={"Objects": objects})
    objects[0]["Key"] = "changed"
    assert journal.entries[-1].parameters["Delete"] == {"Objects": [{"Key": "a"}]}


def test_many_threads_leave_one_ordered_journal(
    journal: Journal, watched: Callable[..., Any]
) -> None:
    s3 = watched("s3")

    def work() -> None:
        for _ in range(10):
            s3.list_buckets()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [entry.number for entry in journal] == list(range(1, 41))


def record(journal: Journal, at: datetime = NOW, **changes: str) -> None:
    fields = {"service": "acm-pca", "operation": "ListTags", "account": "owner", **changes}
    journal.record(
        at=at,
        account_id="111122223333" if fields["account"] == "owner" else "444455556666",
        region="us-east-1",
        resources=[CA],
        outcome=fields.pop("outcome", "ok"),
        parameters={},
        results={},
        **fields,
    )


def test_filter_keeps_what_matches_everything(journal: Journal) -> None:
    record(journal)
    record(journal, service="s3", operation="ListBuckets")
    record(journal, account="workload", at=NOW + timedelta(days=1))
    assert [entry.number for entry in journal.filter(service="s3")] == [2]
    assert [entry.number for entry in journal.filter(operation="ListTags")] == [1, 3]
    assert [entry.number for entry in journal.filter(account="workload")] == [3]
    assert [entry.number for entry in journal.filter(account="444455556666")] == [3]
    assert [entry.number for entry in journal.filter(since=NOW + timedelta(days=1))] == [3]
    assert len(journal.filter(service="s3", account="workload")) == 0
    assert len(journal.filter()) == 3


def test_the_table_and_its_html_are_plain_and_repeatable(journal: Journal) -> None:
    record(journal)
    record(journal, outcome="<b>Denied</b>")
    table = journal.to_frame()
    assert list(table.columns) == [
        "number",
        "time",
        "account",
        "region",
        "service",
        "operation",
        "resources",
        "result",
    ]
    assert table["time"].tolist() == [NOW, NOW]
    html = journal._repr_html_()
    assert html is not None
    assert html == journal._repr_html_()
    assert CA in html, "a long ARN is shown whole"
    assert "<b>" not in html
    assert "&lt;b&gt;Denied" in html


def test_an_empty_journal_is_an_empty_table(journal: Journal) -> None:
    assert len(journal.to_frame()) == 0
    assert repr(journal) == "Journal: 0 calls, 0 refused"


def test_the_text_form_names_each_call(journal: Journal) -> None:
    record(journal, outcome="AccessDeniedException")
    assert repr(journal) == (
        "Journal: 1 call, 1 refused\n"
        "1 2026-01-05T09:00:00+00:00 owner us-east-1 acm-pca ListTags: AccessDeniedException"
    )


def test_without_pandas_the_extra_is_named_and_html_gives_way_to_text(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match=r"pkilab\[notebooks\]"):
        journal.to_frame()
    assert journal._repr_html_() is None
    assert as_html(journal.to_frame, caption="c") is None


def test_counts_read_as_english() -> None:
    assert [count(n, "call") for n in (0, 1, 1000)] == ["0 calls", "1 call", "1,000 calls"]


def test_of_findings_the_journal_keeps_how_many_and_whose_product() -> None:
    """They are long, and what they are about is not what the call acts on."""
    finding = {
        "SchemaVersion": "2018-10-08",
        "Id": "1",
        "ProductArn": "arn:aws:securityhub:us-east-1:111122223333:product/111122223333/default",
        "GeneratorId": "g",
        "AwsAccountId": "111122223333",
        "CreatedAt": "2026-11-02T09:00:00Z",
        "UpdatedAt": "2026-11-02T09:00:00Z",
        "Severity": {"Label": "HIGH"},
        "Title": "t",
        "Description": "d",
        "Resources": [{"Type": "Other", "Id": "arn:aws:acm-pca:us-east-1:111122223333:x/y"}],
    }
    with Lab.simulated(seed="journal") as lab:
        hub = lab.client("securityhub")
        hub.enable_security_hub()
        hub.batch_import_findings(Findings=[finding, {**finding, "Id": "2"}])
        entry = lab.journal.entries[-1]
    assert entry.parameters["Findings"] == Withheld("long", 2)
    assert entry.resources == (finding["ProductArn"],)


def test_a_template_with_a_private_key_is_not_kept() -> None:
    """Templates are kept whole, since what a stack makes is read from them; keys never are."""
    pem = "-----BEGIN EC PRIVATE KEY-----\nMHcC"
    assert keep({"TemplateBody": "Resources: {}"}) == {"TemplateBody": "Resources: {}"}
    assert keep({"TemplateBody": pem}) == {"TemplateBody": Withheld("a private key")}
