"""What leaves ACM, and how it is called back."""

import base64
import subprocess

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from hypothesis import given
from hypothesis import strategies as st

from pkilab import witness
from pkilab.pki import pem
from pkilab.pki.entropy import Entropy
from pkilab.pki.keys import generate_key
from pkilab.simulator.acm.exporting import encrypted
from pkilab.simulator.service import AwsError

SECRET = b"correct horse"


@pytest.fixture
def exportable(desk):
    return desk.issue(Options={"Export": "ENABLED"})


@pytest.fixture
def private(desk):
    return desk.request(CertificateAuthorityArn=desk.root())


@pytest.mark.parametrize("algorithm", ["RSA_2048", "EC_prime256v1", "EC_secp384r1"])
def test_openssl_opens_what_was_exported(desk, algorithm):
    """With the passphrase alone; the key is the certificate's."""
    arn = desk.issue(Options={"Export": "ENABLED"}, KeyAlgorithm=algorithm)
    found = desk.export(arn)
    files = {"key.pem": found["PrivateKey"], "certificate.pem": found["Certificate"]}
    opened = witness.openssl(
        "pkey", "-in", "key.pem", "-passin", f"pass:{SECRET.decode()}", "-pubout", files=files
    )
    held = witness.openssl("x509", "-in", "certificate.pem", "-noout", "-pubkey", files=files)
    assert opened.agrees
    assert opened.output == held.output
    assert not witness.openssl(
        "pkey", "-in", "key.pem", "-passin", "pass:wrong", files=files
    ).agrees
    assert found["Certificate"] == desk.acm.get_certificate(CertificateArn=arn)["Certificate"]
    chain = pem.load_certificates(found["CertificateChain"])
    assert witness.openssl_verify(
        found["Certificate"], root=pem.to_pem(chain[-1]), intermediates=pem.to_pem(*chain[:-1]),
        at=desk.now,
    ).agrees  # fmt: skip


def test_the_key_is_encrypted_as_the_guides_sample_is(desk, exportable, tmp_path):
    """PBES2, PBKDF2 with a salt of 20 bytes and 2,048 rounds, AES-256-CBC."""
    text = desk.export(exportable)["PrivateKey"]
    assert text.startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
    assert max(map(len, text.splitlines())) == 64
    (tmp_path / "key.pem").write_text(text)
    shown = subprocess.run(
        ["openssl", "asn1parse", "-in", tmp_path / "key.pem"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for expected in ("PBES2", "PBKDF2", "INTEGER           :0800", "aes-256-cbc"):
        assert expected in shown
    assert "hmac" not in shown  # HMAC-SHA-1 is PBKDF2's default and left out
    assert "l=  20 prim: OCTET STRING" in shown


def test_each_export_has_its_own_salt_and_equal_worlds_equal_ones(open_desk):
    """So nothing tells that two exports hold the same key."""

    def exports():
        desk = open_desk(seed="export")
        arn = desk.issue(Options={"Export": "ENABLED"})
        return [desk.export(arn)["PrivateKey"] for _ in range(2)]

    first, second = exports(), exports()
    assert first == second
    assert first[0] != first[1]


def test_a_private_certificate_can_always_be_exported(desk, private):
    """With the chain to its root."""
    found = desk.export(private)
    key = load_pem_private_key(found["PrivateKey"].encode(), SECRET)
    assert key.public_key() == pem.load_certificate(found["Certificate"]).public_key()
    assert desk.describe(private)["RenewalEligibility"] == "ELIGIBLE"


def test_what_is_not_for_export_is_not_exported(desk, maker):
    """Public certificates that were not requested so, and imported ones."""
    export = desk.acm.export_certificate
    for arn in (desk.issue(), desk.bring(maker(desk.now), "own.example")):
        message = desk.refused("ValidationException", export, CertificateArn=arn, Passphrase=SECRET)
        assert message.endswith("cannot be exported.")
        assert desk.kept(arn).exports == 0


def test_what_is_not_issued_is_not_exported(desk):
    """Not yet, or not ever."""
    pending = desk.request(Options={"Export": "ENABLED"})
    failed = desk.request(CertificateAuthorityArn=desk.root(years=1))
    for arn in (pending, failed):
        desk.refused(
            "RequestInProgressException", desk.acm.export_certificate,
            CertificateArn=arn, Passphrase=SECRET,
        )  # fmt: skip


@pytest.mark.parametrize("secret", [b"abcd", b"x" * 128, b" !\"&'()*+,-./:;<=>?@[]^_`{|}~"])
def test_a_passphrase_has_4_to_128_ascii_characters(desk, exportable, secret):
    found = desk.export(exportable, secret)
    assert load_pem_private_key(found["PrivateKey"].encode(), secret)


@pytest.mark.parametrize(
    "secret", [b"abc", b"x" * 129, b"abc#", b"a$bc", b"%abc", "schön".encode()]
)
def test_another_passphrase_is_refused(desk, exportable, secret):
    """Too short, too long, with one of three characters, or not ASCII."""
    with pytest.raises(AwsError) as caught:
        desk.invoke("ExportCertificate", CertificateArn=exportable, Passphrase=secret)
    assert caught.value.code == "ValidationException"
    assert base64.b64encode(secret).decode() not in str(caught.value)
    assert repr(secret) not in str(caught.value)


@given(secret=st.binary(min_size=1, max_size=40), seed=st.text(max_size=3))
def test_whatever_is_encrypted_is_opened_by_its_passphrase(secret, seed):
    """By a library that knows nothing of this writer."""
    key = generate_key("EC_prime256v1", Entropy(seed))
    text = encrypted(key, secret, Entropy(f"salt {seed}"))
    opened = load_pem_private_key(text.encode(), secret)
    assert opened.private_numbers() == key.private_numbers()


# Revocation


def test_an_exported_public_certificate_is_revoked_for_good(desk, exportable):
    """It is shown so, and of no use any more."""
    desk.export(exportable)
    answer = desk.acm.revoke_certificate(
        CertificateArn=exportable, RevocationReason="KEY_COMPROMISE"
    )
    assert answer["CertificateArn"] == exportable
    found = desk.describe(exportable)
    assert (found["Status"], found["RevocationReason"], found["RevokedAt"]) == (
        "REVOKED", "KEY_COMPROMISE", desk.now,
    )  # fmt: skip
    assert found["RenewalEligibility"] == "INELIGIBLE"
    assert desk.acm.get_certificate(CertificateArn=exportable)["Certificate"]
    desk.refused(
        "ValidationException", desk.acm.export_certificate,
        CertificateArn=exportable, Passphrase=SECRET,
    )  # fmt: skip
    for call, members in (
        (desk.acm.revoke_certificate, {"RevocationReason": "SUPERSEDED"}),
        (desk.acm.renew_certificate, {}),
    ):
        desk.refused("ValidationException", call, CertificateArn=exportable, **members)
    (event,) = desk.events("Revoked")
    assert event["detail"]["Exportable"] is True


def test_what_never_left_or_is_not_amazons_is_not_revoked(desk, exportable, private, maker):
    """A private CA revokes its own."""
    revoke = {"call": desk.acm.revoke_certificate, "RevocationReason": "UNSPECIFIED"}
    assert "exported" in desk.refused("ValidationException", CertificateArn=exportable, **revoke)
    desk.export(private)
    for arn in (private, desk.bring(maker(desk.now), "own.example")):
        message = desk.refused("ValidationException", CertificateArn=arn, **revoke)
        assert "public certificates" in message


def test_a_certificate_in_use_is_not_revoked(desk, exportable):
    """It must be taken out of use first."""
    desk.export(exportable)
    desk.use(exportable)
    desk.refused(
        "ResourceInUseException", desk.acm.revoke_certificate,
        CertificateArn=exportable, RevocationReason="SUPERCEDED",
    )  # fmt: skip
    desk.kept(exportable).in_use_by.clear()
    desk.acm.revoke_certificate(CertificateArn=exportable, RevocationReason="SUPERCEDED")


@pytest.mark.parametrize("reason", ["CERTIFICATE_HOLD", "REMOVE_FROM_CRL"])
def test_a_revocation_is_not_for_a_while(desk, exportable, reason):
    desk.export(exportable)
    desk.refused(
        "ValidationException", desk.acm.revoke_certificate,
        CertificateArn=exportable, RevocationReason=reason,
    )  # fmt: skip
    assert desk.status(exportable) == "ISSUED"


def test_a_revoked_certificate_of_a_private_ca_stays_as_it_is_in_acm(desk, private):
    """ACM does not follow what the CA does."""
    ca = desk.describe(private)["CertificateAuthorityArn"]
    desk.pca.revoke_certificate(
        CertificateAuthorityArn=ca, CertificateSerial=desk.describe(private)["Serial"],
        RevocationReason="SUPERSEDED",
    )  # fmt: skip
    assert desk.status(private) == "ISSUED"
