import subprocess
import sys
from datetime import timedelta

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from cryptography import x509
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pkilab.lab import Lab
from pkilab.simulator.acmpca import revoking, service
from pkilab.simulator.service import AwsError, service_model

OPERATIONS = service_model("acm-pca").operation_names
OTHER = "444455556666"
NOWHERE = (
    "arn:aws:acm-pca:us-east-1:111122223333:certificate-authority/"
    + "0" * 8
    + "-0000" * 3
    + "-"
    + "0" * 12
)


def minimal(operation, arn):
    """The least input that the model takes, for the CA ``arn``."""
    values = {
        "CertificateAuthorityArn": arn, "ResourceArn": arn, "Principal": "acm.amazonaws.com",
        "CertificateArn": f"{arn}/certificate/{'0' * 32}", "Actions": ["IssueCertificate"],
        "Certificate": b"x", "Csr": b"x", "SigningAlgorithm": "SHA256WITHECDSA",
        "Validity": {"Type": "DAYS", "Value": 1}, "Policy": "{}", "CertificateSerial": "00",
        "RevocationReason": "UNSPECIFIED", "Tags": [{"Key": "k", "Value": "v"}],
        "S3BucketName": "none-such", "AuditReportResponseFormat": "CSV",
        "AuditReportId": "0" * 8 + "-0000" * 3 + "-" + "0" * 12,
        "CertificateAuthorityType": "ROOT",
        "CertificateAuthorityConfiguration": {
            "KeyAlgorithm": "EC_prime256v1", "SigningAlgorithm": "SHA256WITHECDSA",
            "Subject": {"CommonName": "x"}},
    }  # fmt: skip
    shape = service_model("acm-pca").operation_model(operation).input_shape
    return {name: values[name] for name in shape.required_members}


ABOUT_ONE_CA = sorted(
    set(OPERATIONS) - {"CreateCertificateAuthority", "ListCertificateAuthorities"}
)


def test_all_23_operations_of_the_model_are_there():
    assert len(OPERATIONS) == 23
    for operation in OPERATIONS:
        assert callable(getattr(service.AcmPca, xform_name(operation)))


@pytest.mark.parametrize("operation", ABOUT_ONE_CA)
def test_a_ca_that_does_not_exist_is_not_found(pca, operation):
    members = minimal(operation, NOWHERE)
    assert NOWHERE in pca.refused("ResourceNotFoundException", operation, **members)


@pytest.mark.parametrize("operation", ABOUT_ONE_CA)
def test_a_ca_of_another_account_or_region_is_not_found(pca, operation):
    members = minimal(operation, pca.root())
    pca.refused("ResourceNotFoundException", operation, account=OTHER, **members)
    pca.refused("ResourceNotFoundException", operation, region="eu-west-1", **members)


@pytest.mark.parametrize("operation", ABOUT_ONE_CA)
@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:acm-pca:us-east-1:111122223333:certificate-authority/x",
        "arn:aws:acm-pca:us-east-1:111122223333:template/EndEntityCertificate",
        NOWHERE + "/certificate/" + "0" * 32,
        NOWHERE.upper().replace("ARN:AWS:ACM-PCA", "arn:aws:acm-pca"),
    ],
)
def test_an_arn_that_is_no_cas_is_invalid(pca, operation, arn):
    pca.refused("InvalidArnException", operation, **minimal(operation, arn))


def test_an_arn_that_is_none_at_all_violates_the_model(pca):
    message = pca.refused(
        "ValidationException", "DescribeCertificateAuthority", CertificateAuthorityArn="nonsense"
    )
    assert "regular expression" in message


def test_a_certificates_arn_must_be_one_and_of_this_ca(pca):
    root, other = pca.root(), pca.root()
    arn = pca.order(root)
    for wrong in (root, f"{root}/certificate/1", f"{root}/certificate/{'Z' * 32}"):
        pca.refused(
            "InvalidArnException",
            "GetCertificate",
            CertificateAuthorityArn=root,
            CertificateArn=wrong,
        )
    for ca, missing in ((other, arn), (root, f"{root}/certificate/{'0' * 32}")):
        pca.refused(
            "ResourceNotFoundException",
            "GetCertificate",
            CertificateAuthorityArn=ca,
            CertificateArn=missing,
        )


# Creating, describing, listing


def test_a_new_ca_is_described_with_awss_defaults(pca):
    arn = pca.create(subject={"Country": "FR", "CommonName": "x"})
    assert pca.describe(arn) == {
        "Arn": arn,
        "OwnerAccount": "111122223333",
        "CreatedAt": pca.now.timestamp(),
        "LastStateChangeAt": pca.now.timestamp(),
        "Type": "ROOT",
        "Status": "PENDING_CERTIFICATE",
        "CertificateAuthorityConfiguration": {
            "KeyAlgorithm": "EC_prime256v1",
            "SigningAlgorithm": "SHA256WITHECDSA",
            "Subject": {"Country": "FR", "CommonName": "x"},
        },
        "RevocationConfiguration": {
            "CrlConfiguration": {"Enabled": False},
            "OcspConfiguration": {"Enabled": False},
        },
        "KeyStorageSecurityStandard": "FIPS_140_2_LEVEL_3_OR_HIGHER",
        "UsageMode": "GENERAL_PURPOSE",
    }


def test_an_active_ca_shows_its_certificates_serial_and_dates(pca):
    root = pca.root(days=10)
    described, certificate = pca.describe(root), pca.certificate(root)
    assert described["Serial"].replace(":", "") == f"{certificate.serial_number:032x}"
    assert described["NotBefore"] == (pca.now - timedelta(hours=1)).timestamp()
    assert described["NotAfter"] == (pca.now + timedelta(days=10)).timestamp()


def test_arns_carry_partition_region_and_account(pca):
    arn = pca.create(region="us-gov-west-1", account=OTHER)
    assert arn.startswith(f"arn:aws-us-gov:acm-pca:us-gov-west-1:{OTHER}:certificate-authority/")
    assert pca.create(region="cn-north-1").startswith("arn:aws-cn:")


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"key": "SM2", "signing": "SM3WITHSM2"}, "not simulated by pkilab"),
        ({"key": "RSA_2048", "signing": "SHA256WITHRSA_PSS"}, "not simulated by pkilab"),
        ({"key": "RSA_2048", "signing": "SHA256WITHECDSA"}, "cannot be used with key type"),
        ({"key": "ML_DSA_44", "signing": "ML_DSA_65"}, "cannot be used with key type"),
        ({"subject": {"CommonName": ""}}, "must not be empty"),
        ({"KeyStorageSecurityStandard": "CCPC_LEVEL_1_OR_HIGHER"},
         "A certificate authority cannot be created in this region with the specified security "
         "standard."),
        ({"KeyStorageSecurityStandard": "FIPS_140_2_LEVEL_2_OR_HIGHER"}, "security standard"),
    ],
    ids=str,
)  # fmt: skip
def test_what_a_ca_cannot_be_is_an_invalid_argument(pca, members, words):
    with pytest.raises(AwsError) as caught:
        pca.create(**members)
    assert caught.value.code == "InvalidArgsException"
    assert words in caught.value.message
    assert pca("ListCertificateAuthorities")["CertificateAuthorities"] == []


def test_a_missing_crl_bucket_is_an_invalid_argument_of_creation(pca):
    """The operation's model has no ResourceNotFoundException."""
    crl = {"Enabled": True, "ExpirationInDays": 7, "S3BucketName": "none-such"}
    with pytest.raises(AwsError, match="none-such") as caught:
        pca.create(RevocationConfiguration={"CrlConfiguration": crl})
    assert caught.value.code == "InvalidArgsException"
    assert pca("ListCertificateAuthorities")["CertificateAuthorities"] == []


def test_the_same_token_creates_one_ca_for_five_minutes(pca):
    first = pca.create(IdempotencyToken="t")
    assert pca.create(IdempotencyToken="t") == first
    assert pca.create(IdempotencyToken="t", account=OTHER) != first
    assert pca.create() != first
    pca.world.clock.advance(minutes=5)
    assert pca.create(IdempotencyToken="t") != first


def test_an_account_has_at_most_200_cas_per_region_deleted_ones_included(pca):
    arns = [pca.create() for _ in range(200)]
    for options in ({}, {"key": "EC_secp384r1"}):
        with pytest.raises(AwsError) as caught:
            pca.create(**options)
        assert caught.value.code == "LimitExceededException"
    pca.create(region="eu-west-1")
    pca("DeleteCertificateAuthority", CertificateAuthorityArn=arns[0])
    with pytest.raises(AwsError, match="200"):
        pca.create()
    pca.world.clock.advance(days=30)
    pca.create()


def test_cas_are_listed_in_pages_of_at_most_100_in_order(pca):
    arns = [pca.create() for _ in range(105)]
    pca.create(account=OTHER)
    first = pca("ListCertificateAuthorities", MaxResults=1000)
    assert [one["Arn"] for one in first["CertificateAuthorities"]] == arns[:100]
    rest = pca("ListCertificateAuthorities", NextToken=first["NextToken"])
    assert [one["Arn"] for one in rest["CertificateAuthorities"]] == arns[100:]
    assert "NextToken" not in rest
    again = pca("ListCertificateAuthorities", MaxResults=1000)
    assert again["NextToken"] == first["NextToken"]


def test_a_token_is_good_for_its_own_list_only(pca):
    for _ in range(2):
        pca.create()
        pca.create(account=OTHER)
    token = pca("ListCertificateAuthorities", MaxResults=1)["NextToken"]
    for account, wrong in ((OTHER, token), ("111122223333", "x"), ("111122223333", token[:-4])):
        pca.refused(
            "InvalidNextTokenException",
            "ListCertificateAuthorities",
            account=account,
            NextToken=wrong,
        )


def test_a_world_without_ram_has_no_cas_of_other_accounts(pca):
    """They are others' to share: tests/simulator/ram has them."""
    pca.create(account=OTHER)
    assert pca("ListCertificateAuthorities", ResourceOwner="OTHER_ACCOUNTS") == {
        "CertificateAuthorities": []
    }


# Tags


def tags_of(pca, arn):
    """The tags of a CA."""
    return pca("ListTags", CertificateAuthorityArn=arn)["Tags"]


def test_tags_are_set_changed_and_removed(pca):
    arn = pca.create(Tags=[{"Key": "a", "Value": "1"}, {"Key": "b"}])
    assert tags_of(pca, arn) == [{"Key": "a", "Value": "1"}, {"Key": "b"}]
    member = {"CertificateAuthorityArn": arn}
    pca("TagCertificateAuthority", Tags=[{"Key": "a", "Value": "2"}, {"Key": "c"}], **member)
    assert tags_of(pca, arn) == [{"Key": "a", "Value": "2"}, {"Key": "b"}, {"Key": "c"}]
    pca("UntagCertificateAuthority", Tags=[{"Key": "a", "Value": "1"}], **member)
    assert len(tags_of(pca, arn)) == 3
    pca("UntagCertificateAuthority", Tags=[{"Key": "a", "Value": "2"}, {"Key": "b"}], **member)
    assert tags_of(pca, arn) == [{"Key": "c"}]


def test_tags_come_in_pages(pca):
    arn = pca.create(Tags=[{"Key": str(n)} for n in range(3)])
    member = {"CertificateAuthorityArn": arn, "MaxResults": 2}
    first = pca("ListTags", **member)
    assert [one["Key"] for one in first["Tags"]] == ["0", "1"]
    rest = pca("ListTags", NextToken=first["NextToken"], **member)
    assert [one["Key"] for one in rest["Tags"]] == ["2"]
    pca.refused("ValidationException", "ListTags", NextToken="x", **member)


def test_reserved_doubled_and_too_many_tags_are_refused(pca):
    member = {"CertificateAuthorityArn": pca.create(Tags=[{"Key": "one"}])}
    for operation in ("TagCertificateAuthority", "UntagCertificateAuthority"):
        reserved = [{"Key": "AWS:x"}]
        pca.refused("InvalidTagException", operation, Tags=reserved, **member)
    doubled = [{"Key": "x", "Value": "1"}, {"Key": "x", "Value": "2"}]
    pca.refused("InvalidTagException", "TagCertificateAuthority", Tags=doubled, **member)
    with pytest.raises(AwsError) as caught:
        pca.create(Tags=[{"Key": "aws:x"}])
    assert caught.value.code == "InvalidTagException"
    many = [{"Key": str(n)} for n in range(50)]
    pca.refused("TooManyTagsException", "TagCertificateAuthority", Tags=many, **member)
    assert len(tags_of(pca, member["CertificateAuthorityArn"])) == 1


# Revocation


def revoke(pca, ca, serial, reason="KEY_COMPROMISE"):
    """The members of RevokeCertificate, called."""
    return pca(
        "RevokeCertificate",
        CertificateAuthorityArn=ca,
        CertificateSerial=serial,
        RevocationReason=reason,
    )


def revoke_refused(pca, code, ca, serial):
    """A revocation that must be refused with ``code``."""
    return pca.refused(
        code,
        "RevokeCertificate",
        CertificateAuthorityArn=ca,
        CertificateSerial=serial,
        RevocationReason="UNSPECIFIED",
    )


@pytest.mark.parametrize(
    "write",
    [
        lambda serial: serial,
        str.upper,
        lambda serial: ":".join(serial[n : n + 2] for n in range(0, 32, 2)),
    ],
    ids=["hex", "HEX", "he:x"],
)
def test_a_certificate_is_revoked_once_by_its_serial_number(pca, write):
    root = pca.root()
    serial = pca.order(root).rpartition("/")[2]
    assert revoke(pca, root, write(serial)) == {}
    (authority,) = pca.service.authorities()
    (revoked,) = authority.revoked.values()
    assert (revoked.revocation.at, revoked.revocation.reason) == (pca.now, "KEY_COMPROMISE")
    revoke_refused(pca, "RequestAlreadyProcessedException", root, serial)


def test_what_cannot_be_revoked_is_refused(pca):
    root, other = pca.root(), pca.root()
    serial = pca.order(root, days=1).rpartition("/")[2]
    revoke_refused(pca, "ResourceNotFoundException", other, serial)
    for none in ("0" * 32, "ab"):
        revoke_refused(pca, "ResourceNotFoundException", root, none)
    for nonsense in ("", "xyz", "abc", ":", "12:", "0x12", "12 34"):
        revoke_refused(pca, "InvalidRequestException", root, nonsense)
    own = f"{pca.certificate(root).serial_number:032x}"
    revoke_refused(pca, "InvalidRequestException", root, own)
    pca.world.clock.advance(days=2)
    revoke_refused(pca, "InvalidRequestException", root, serial)


def test_a_certificate_that_is_still_being_issued_cannot_be_revoked(slow_pca):
    arn = slow_pca.create()
    slow_pca.world.clock.advance(minutes=1)
    signed = slow_pca.order(arn, slow_pca.csr_of(arn), "RootCACertificate", days=900)
    slow_pca.world.clock.advance(minutes=1)
    slow_pca.install(arn, slow_pca.get(arn, signed))
    serial = slow_pca.order(arn).rpartition("/")[2]
    revoke_refused(slow_pca, "RequestInProgressException", arn, serial)
    slow_pca.world.clock.advance(minutes=1)
    revoke(slow_pca, arn, serial)


def with_crl(pca, **members):
    """A root with a CRL."""
    crl = {"Enabled": True, "ExpirationInDays": 7, "S3BucketName": pca.bucket(),
           "S3ObjectAcl": "BUCKET_OWNER_FULL_CONTROL", **members}  # fmt: skip
    return pca.root(RevocationConfiguration={"CrlConfiguration": crl})


def test_a_complete_crl_limits_certificates_and_unexpired_revocations(pca, monkeypatch):
    monkeypatch.setattr(service, "CERTIFICATES_WITH_COMPLETE_CRL", 4)
    monkeypatch.setattr(revoking, "REVOKED_WITH_COMPLETE_CRL", 1)
    root = with_crl(pca)
    short, second, _ = (pca.order(root, days=days).rpartition("/")[2] for days in (1, 9, 9))
    pca.order_refused("LimitExceededException", root)
    revoke(pca, root, short)
    revoke_refused(pca, "LimitExceededException", root, second)
    pca.world.clock.advance(days=2)
    revoke(pca, root, second)


def test_a_partitioned_crl_or_none_does_not(pca, monkeypatch):
    monkeypatch.setattr(service, "CERTIFICATES_WITH_COMPLETE_CRL", 1)
    monkeypatch.setattr(revoking, "REVOKED_WITH_COMPLETE_CRL", 0)
    for root in (pca.root(), with_crl(pca, CrlType="PARTITIONED")):
        revoke(pca, root, pca.order(root).rpartition("/")[2])
    monkeypatch.setattr(service, "CERTIFICATES", 2)
    pca.order_refused("LimitExceededException", root)


def test_revocation_services_are_changed_one_by_one(pca):
    root = with_crl(pca)
    member = {"CertificateAuthorityArn": root}
    ocsp = {"OcspConfiguration": {"Enabled": True, "OcspCustomCname": "ocsp.lab.example"}}
    pca("UpdateCertificateAuthority", RevocationConfiguration=ocsp, **member)
    configuration = pca.describe(root)["RevocationConfiguration"]
    assert configuration["CrlConfiguration"]["S3BucketName"] == "lab-crl"
    assert configuration["OcspConfiguration"] == ocsp["OcspConfiguration"]
    pca("UpdateCertificateAuthority", Status="DISABLED", **member)
    assert pca.describe(root)["RevocationConfiguration"] == configuration


def test_a_refused_update_changes_nothing(pca):
    root = with_crl(pca)
    before = pca.describe(root)
    member = {"CertificateAuthorityArn": root, "Status": "DISABLED"}
    crl = {"Enabled": True, "ExpirationInDays": 7, "S3BucketName": "none-such"}
    pca.refused(
        "ResourceNotFoundException",
        "UpdateCertificateAuthority",
        RevocationConfiguration={"CrlConfiguration": crl},
        **member,
    )
    pca.refused(
        "InvalidArgsException",
        "UpdateCertificateAuthority",
        RevocationConfiguration={"OcspConfiguration": {"Enabled": True}},
        **{**member, "Status": "EXPIRED"},
    )
    assert pca.describe(root) == before


# Audit reports


def test_an_audit_report_is_made_and_described(pca):
    root = pca.root()
    member = {"CertificateAuthorityArn": root}
    made = pca(
        "CreateCertificateAuthorityAuditReport",
        S3BucketName=pca.bucket("reports"),
        AuditReportResponseFormat="JSON",
        **member,
    )
    described = pca(
        "DescribeCertificateAuthorityAuditReport", AuditReportId=made["AuditReportId"], **member
    )
    assert described == {
        "AuditReportStatus": "SUCCESS",
        "S3BucketName": "reports",
        "S3Key": made["S3Key"],
        "CreatedAt": pca.now.timestamp(),
    }
    unknown = minimal("DescribeCertificateAuthorityAuditReport", root)
    pca.refused("ResourceNotFoundException", "DescribeCertificateAuthorityAuditReport", **unknown)


# Through boto3


def hierarchy(client):
    """A root made with boto3's waiters; return the ARNs and the answer of GetCertificate."""
    arn = client.create_certificate_authority(
        CertificateAuthorityType="ROOT",
        CertificateAuthorityConfiguration={
            "KeyAlgorithm": "EC_prime256v1",
            "SigningAlgorithm": "SHA256WITHECDSA",
            "Subject": {"CommonName": "R"},
        },
    )["CertificateAuthorityArn"]
    client.get_waiter("certificate_authority_csr_created").wait(CertificateAuthorityArn=arn)
    certificate = client.issue_certificate(
        CertificateAuthorityArn=arn,
        Csr=client.get_certificate_authority_csr(CertificateAuthorityArn=arn)["Csr"].encode(),
        SigningAlgorithm="SHA256WITHECDSA",
        TemplateArn="arn:aws:acm-pca:::template/RootCACertificate/V1",
        Validity={"Type": "YEARS", "Value": 10},
    )["CertificateArn"]
    names = {"CertificateAuthorityArn": arn, "CertificateArn": certificate}
    client.get_waiter("certificate_issued").wait(**names)
    return client.get_certificate(**names)


def test_boto3s_waiters_return_at_once_without_latency_and_poll_with_it(monkeypatch):
    waits = []
    with Lab.simulated(seed="waiters") as lab:
        monkeypatch.setattr("botocore.waiter.time.sleep", waits.append)
        assert hierarchy(lab.client("acm-pca"))["Certificate"]
        assert waits == []
    with Lab.simulated(seed="waiters", latency=timedelta(seconds=7)) as lab:

        def sleep(seconds):
            waits.append(seconds)
            lab.clock.advance(seconds=seconds)

        monkeypatch.setattr("botocore.waiter.time.sleep", sleep)
        assert hierarchy(lab.client("acm-pca"))["Certificate"]
    assert waits == [3] * 3 + [1] * 7


def test_boto3_raises_the_models_own_exceptions(lab):
    client = lab.client("acm-pca")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.describe_certificate_authority(CertificateAuthorityArn=NOWHERE)
    with pytest.raises(ClientError, match="InvalidArnException"):
        client.list_tags(CertificateAuthorityArn=NOWHERE + "/x")


STORY = """
from pkilab.lab import Lab
import sys; sys.path.insert(0, sys.argv[1])
from test_service import hierarchy
with Lab.simulated(seed="story") as lab:
    print(hierarchy(lab.client("acm-pca"))["Certificate"])
"""


def test_another_process_hash_seed_and_time_zone_give_the_same_bytes(tmp_path, project):
    outputs = set()
    for hash_seed, zone in (("1", "UTC"), ("2", "Pacific/Auckland")):
        done = subprocess.run(
            [sys.executable, "-c", STORY, project / "tests" / "simulator" / "acmpca"],
            env={"PYTHONHASHSEED": hash_seed, "TZ": zone, "PATH": ""}, cwd=tmp_path,
            capture_output=True, check=True, text=True,
        )  # fmt: skip
        outputs.add(done.stdout)
    with Lab.simulated(seed="story") as lab:
        outputs.add(hierarchy(lab.client("acm-pca"))["Certificate"] + "\n")
    assert len(outputs) == 1


# Anything at all


def values(shape, depth=0):
    """Anything the model might be sent for a shape, and near misses."""
    kind = shape.type_name
    if kind == "structure":
        optional = {name: values(member, depth + 1) for name, member in shape.members.items()}
        required = {name: optional.pop(name) for name in shape.required_members}
        return st.fixed_dictionaries(required, optional=optional if depth < 6 else {})
    if kind == "list":
        return st.lists(values(shape.member, depth + 1), max_size=2)
    if kind == "blob":
        return st.binary(max_size=40)
    if kind == "boolean":
        return st.booleans()
    if kind in ("integer", "long"):
        return st.integers(1, 40) | st.integers(-(2**63), 2**63 - 1)
    if choices := shape.metadata.get("enum"):
        return st.sampled_from(choices)
    return st.sampled_from(["x", "FR", "1.2.3.4", "a.example", "lab-crl"]) | st.text(max_size=5)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@pytest.mark.parametrize("operation", OPERATIONS)
@given(data=st.data())
def test_any_input_gives_a_result_or_an_error_of_the_model(pca, operation, data):
    """The fixture checks that the model has the error; nothing else may be raised."""
    root = getattr(pca, "fuzz_root", None) or pca.root()
    pca.fuzz_root = root
    shape = service_model("acm-pca").operation_model(operation).input_shape
    members = data.draw(values(shape))
    for name in ("CertificateAuthorityArn", "ResourceArn"):
        if name in members:
            members[name] = root
    configuration = members.get("CertificateAuthorityConfiguration", {})
    if str(configuration.get("KeyAlgorithm")).startswith("RSA"):
        configuration["KeyAlgorithm"] = "EC_secp384r1"  # seeded RSA keys take long
    try:
        pca(operation, **members)
    except AwsError as error:
        assert error.message


def test_a_certificate_is_read_the_same_from_the_answer_and_the_state(pca):
    root = pca.root()
    arn = pca.order(root)
    (authority,) = pca.service.authorities()
    issued = authority.issued[int(arn.rpartition("/")[2], 16)]
    answer = pca.get(root, arn)["Certificate"].encode()
    assert issued.certificate == x509.load_pem_x509_certificate(answer)
    assert (issued.arn, issued.issued_at, issued.requested_by) == (arn, pca.now, None)
    assert issued.template_arn == "arn:aws:acm-pca:::template/EndEntityCertificate/V1"
