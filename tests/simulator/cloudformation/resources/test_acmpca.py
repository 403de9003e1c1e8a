"""Private CAs in stacks, from key pair to installed certificate, as openssl sees them."""

from datetime import timedelta

import pytest
from cryptography import x509

from pkilab import witness

ROOT = """
    Parameters: {Years: {Type: Number, Default: 5}, Ocsp: {Type: String, Default: "false"}}
    Resources:
      Ca:
        Type: AWS::ACMPCA::CertificateAuthority
        Properties:
          Type: ROOT
          KeyAlgorithm: EC_prime256v1
          SigningAlgorithm: SHA256WITHECDSA
          Subject: {CommonName: Stack Root, Country: DE}
          RevocationConfiguration: {OcspConfiguration: {Enabled: !Ref Ocsp}}
          Tags: [{Key: Name, Value: root}]
      Own:
        Type: AWS::ACMPCA::Certificate
        Properties:
          CertificateAuthorityArn: !Ref Ca
          CertificateSigningRequest: !GetAtt Ca.CertificateSigningRequest
          SigningAlgorithm: SHA256WITHECDSA
          TemplateArn: arn:aws:acm-pca:::template/RootCACertificate/V1
          Validity: {Type: YEARS, Value: !Ref Years}
      Active:
        Type: AWS::ACMPCA::CertificateAuthorityActivation
        Properties: {CertificateAuthorityArn: !GetAtt Ca.Arn, Certificate: !GetAtt Own.Certificate}
      Acm:
        Type: AWS::ACMPCA::Permission
        Properties:
          CertificateAuthorityArn: !Ref Ca
          Principal: acm.amazonaws.com
          Actions: [IssueCertificate, GetCertificate, ListPermissions]
    Outputs:
      Arn: {Value: !Ref Ca}
      Csr: {Value: !GetAtt Ca.CertificateSigningRequest}
      Certificate: {Value: !GetAtt Own.Certificate}
      CertificateArn: {Value: !GetAtt Own.Arn}
      Chain: {Value: !GetAtt Active.CompleteCertificateChain}
"""


def authority(stacks, arn):
    answer = stacks.client("acm-pca").describe_certificate_authority(CertificateAuthorityArn=arn)
    return answer["CertificateAuthority"]


def test_a_root_is_made_signs_itself_and_is_active(stacks):
    assert stacks.create("pki", ROOT) == "CREATE_COMPLETE"
    outputs = stacks.outputs("pki")
    assert authority(stacks, outputs["Arn"])["Status"] == "ACTIVE"
    found = x509.load_pem_x509_certificate(outputs["Certificate"].encode())
    assert found.subject == found.issuer
    assert x509.load_pem_x509_csr(outputs["Csr"].encode()).subject == found.subject
    assert outputs["Chain"].strip() == outputs["Certificate"].strip()
    assert outputs["CertificateArn"].startswith(f"{outputs['Arn']}/certificate/")
    permissions = stacks.client("acm-pca").list_permissions(CertificateAuthorityArn=outputs["Arn"])
    assert [p["Principal"] for p in permissions["Permissions"]] == ["acm.amazonaws.com"]
    said = witness.openssl_verify(
        outputs["Certificate"], root=outputs["Certificate"], at=stacks.clock.now()
    )
    assert said.agrees, said


def test_it_takes_its_time_where_keys_do(slow_stacks):
    assert slow_stacks.create("pki", ROOT) == "CREATE_IN_PROGRESS"
    slow_stacks.clock.advance(minutes=10)
    assert slow_stacks.status("pki") == "CREATE_COMPLETE"


def test_deleting_the_stack_disables_and_deletes_the_ca_for_thirty_days(stacks):
    stacks.create("pki", ROOT)
    arn, certificate = (stacks.outputs("pki")[key] for key in ("Arn", "CertificateArn"))
    pca = stacks.client("acm-pca")
    assert stacks.delete("pki") == "DELETE_COMPLETE"
    deleted = authority(stacks, arn)
    assert deleted["Status"] == "DELETED"
    assert deleted["RestorableUntil"] - stacks.clock.now() == timedelta(days=30)
    pca.restore_certificate_authority(CertificateAuthorityArn=arn)
    assert authority(stacks, arn)["Status"] == "DISABLED"
    got = pca.get_certificate(CertificateAuthorityArn=arn, CertificateArn=certificate)
    assert got["Certificate"].startswith("-----BEGIN CERTIFICATE-----")


def test_an_active_ca_without_its_activation_cannot_be_deleted(stacks):
    """Whoever activated it outside of the stack has to disable it."""
    only = ROOT.partition("      Own:")[0] + "    Outputs: {Arn: {Value: !Ref Ca}}\n"
    stacks.create("pki", only)
    pca, arn = stacks.client("acm-pca"), stacks.outputs("pki")["Arn"]
    csr = pca.get_certificate_authority_csr(CertificateAuthorityArn=arn)["Csr"].encode()
    issued = pca.issue_certificate(
        CertificateAuthorityArn=arn, Csr=csr, SigningAlgorithm="SHA256WITHECDSA",
        TemplateArn="arn:aws:acm-pca:::template/RootCACertificate/V1",
        Validity={"Type": "YEARS", "Value": 1},
    )["CertificateArn"]  # fmt: skip
    own = pca.get_certificate(CertificateAuthorityArn=arn, CertificateArn=issued)["Certificate"]
    pca.import_certificate_authority_certificate(
        CertificateAuthorityArn=arn, Certificate=own.encode()
    )
    assert stacks.delete("pki") == "DELETE_FAILED"
    pca.update_certificate_authority(CertificateAuthorityArn=arn, Status="DISABLED")
    assert stacks.delete("pki") == "DELETE_COMPLETE"


def test_another_validity_is_another_certificate_of_the_same_ca(stacks):
    stacks.create("pki", ROOT)
    before = stacks.outputs("pki")
    assert stacks.update("pki", ROOT, values={"Years": "7"}) == "UPDATE_COMPLETE"
    after = stacks.outputs("pki")
    assert (after["Arn"], after["CertificateArn"] == before["CertificateArn"]) == (
        before["Arn"], False,
    )  # fmt: skip
    ca = authority(stacks, after["Arn"])
    assert ca["NotAfter"] - ca["NotBefore"] > timedelta(days=6 * 365)


def test_revocation_and_tags_are_changed_in_place(stacks):
    stacks.create("pki", ROOT)
    arn = stacks.outputs("pki")["Arn"]
    tagged = ROOT.replace("Tags: [{Key: Name, Value: root}]", "Tags: [{Key: Use, Value: lab}]")
    assert stacks.update("pki", tagged, values={"Ocsp": "true"}) == "UPDATE_COMPLETE"
    assert stacks.outputs("pki")["Arn"] == arn
    assert authority(stacks, arn)["RevocationConfiguration"]["OcspConfiguration"]["Enabled"]
    tags = stacks.client("acm-pca").list_tags(CertificateAuthorityArn=arn)["Tags"]
    assert tags == [{"Key": "Use", "Value": "lab"}]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("RootCACertificate/V1", "NoSuchCertificate/V1", "(Service: ACMPCA, Status Code: 400"),
        ("Subject: {CommonName: Stack Root, Country: DE}", "Subject: {Common: x}",
         "#/Subject: extraneous key [Common] is not permitted"),
        ("Validity: {Type: YEARS, Value: !Ref Years}", "Validity: {Type: YEARS, Value: soon}",
         "#/Validity/Value: expected type: Long, found: String"),
        ("          KeyAlgorithm: EC_prime256v1\n", "", "#: required key [KeyAlgorithm] not found"),
        ("Type: ROOT", "Kind: ROOT", "#: extraneous key [Kind] is not permitted"),
    ],
)  # fmt: skip
def test_what_private_ca_or_the_schema_refuses_fails_the_stack(stacks, old, new, reason):
    assert old in ROOT
    assert stacks.create("pki", ROOT.replace(old, new)) == "ROLLBACK_COMPLETE"
    failed = [r for _, status, r in stacks.events("pki") if status == "CREATE_FAILED"]
    assert reason in failed[0]
