"""Certificates for signers and for time, and the keys that go with them."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from pkilab import code_signing as cs
from pkilab.code_signing import SigningIdentity
from pkilab.errors import LabError, MalformedError
from pkilab.kms_keys import load_private_key
from pkilab.pki import cms
from pkilab.pki.material import MaterialError

DAY = {"Type": "DAYS", "Value": 1}


def extension(certificate, kind):
    """Return an extension, with its criticality."""
    return certificate.extensions.get_extension_for_class(kind)


def test_a_code_signing_certificate_is_for_that_alone_and_holds_kmss_key(scene):
    """As the template CodeSigningCertificate/V1 has it."""
    certificate = scene.identity.certificate
    usage = extension(certificate, x509.ExtendedKeyUsage)
    assert (list(usage.value), usage.critical) == ([ExtendedKeyUsageOID.CODE_SIGNING], True)
    key = load_private_key(scene.lab.client("kms"), "alias/CodeSigning")
    assert certificate.public_key() == key.public_key()
    assert scene.identity.chain[-1] == scene.root
    assert scene.identity.arn.startswith(scene.sub_arn + "/certificate/")
    assert not extension(certificate, x509.BasicConstraints).value.ca


def test_an_authoritys_certificate_is_for_time_stamping_alone_critically(scene):
    """RFC 3161, 2.3, by a blank template and a custom extension."""
    certificate = scene.tsa_identity.certificate
    usage = extension(certificate, x509.ExtendedKeyUsage)
    assert (list(usage.value), usage.critical) == ([ExtendedKeyUsageOID.TIME_STAMPING], True)
    key_usage = extension(certificate, x509.KeyUsage).value
    assert key_usage.digital_signature
    assert not key_usage.key_encipherment
    assert extension(certificate, x509.BasicConstraints).critical


def test_an_authoritys_key_may_be_in_kms_too(scene):
    """And stamps from there."""
    kms, pca = scene.lab.client("kms"), scene.lab.client("acm-pca")
    arn = kms.create_key(KeySpec="ECC_NIST_P384", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    authority = cs.enrol_tsa(
        pca, load_private_key(kms, arn), ca_arn=scene.time_arn, subject="CN=in KMS", validity=DAY
    )
    now = scene.lab.clock.now()
    signed = scene.sign(at=now, tsa=scene.tsa(now, authority))
    required = cs.Policy(time_stamp_required=True)
    assert scene.verify(signed, at=now + timedelta(hours=1), policy=required).trusted


def test_an_identity_is_found_among_certificates_in_any_order(scene):
    """By the key; what is not of its chain is left out."""
    certificates = (scene.root, scene.other_root, *scene.identity.chain, scene.victim.certificate)
    key = scene.lab.generate_key("victim")
    found = SigningIdentity.of(key, certificates)
    assert found.certificate == scene.victim.certificate
    assert found.chain == scene.victim.chain
    assert found.intermediates == scene.victim.chain[:-1]
    assert found.pem == scene.victim.pem
    with pytest.raises(MaterialError, match="certificates of other keys"):
        SigningIdentity.of(scene.lab.generate_key("nobody's"), certificates)


@pytest.mark.parametrize("algorithm", ["ECDSA_SHA_384", "RSASSA_PSS_SHA_256", "SM2DSA", "sha256"])
def test_an_algorithm_that_is_not_the_keys_is_refused(scene, algorithm):
    """A P-256 key in KMS signs ECDSA_SHA_256 alone."""
    key = load_private_key(scene.lab.client("kms"), "alias/CodeSigning")
    certificates = (scene.identity.certificate, *scene.identity.chain)

    def sign():
        return scene.sign(SigningIdentity.of(key, certificates, algorithm=algorithm))

    with pytest.raises(MalformedError):
        sign()


def test_a_key_that_does_not_sign_gets_no_certificate(scene):
    """One usage per key."""
    kms = scene.lab.client("kms")
    arn = kms.create_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]["Arn"]
    with pytest.raises(LabError, match="expected SIGN_VERIFY"):
        cs.enrol(
            kms, scene.lab.client("acm-pca"), key_id=arn, ca_arn=scene.sub_arn, subject="CN=a",
            validity=DAY,
        )  # fmt: skip


def test_a_subject_may_be_a_name(scene):
    """Or text, as elsewhere; what is neither is refused."""
    kms, pca = scene.lab.client("kms"), scene.lab.client("acm-pca")
    asked = {"key_id": "alias/CodeSigning", "ca_arn": scene.sub_arn, "validity": DAY}
    name = scene.identity.certificate.subject
    assert cs.enrol(kms, pca, subject=name, **asked).certificate.subject == name
    with pytest.raises(MalformedError):
        cs.enrol(kms, pca, subject="nobody", **asked)


def test_what_verifiers_would_refuse_is_known_before_signing(scene):
    """Nobody is kept from it; the chain's last certificate stands for whatever is trusted."""
    assert scene.identity.problems(scene.start) == ()
    (ended,) = scene.identity.problems(scene.start + timedelta(days=800))
    assert "has expired" in ended
    (purpose,) = scene.local("tls", "EndEntityServerAuthCertificate/V1").problems(scene.start)
    assert "not for codeSigning" in purpose
    alone = SigningIdentity(scene.identity.signer)
    assert alone.problems(scene.start) == ()


@pytest.mark.parametrize("spec", ["ECC_NIST_P256", "ECC_NIST_P521", "RSA_3072"])
def test_a_signer_is_made_from_a_key_in_kms_as_from_one_that_is_here(scene, spec):
    """KMS refuses deterministic ECDSA: its random number is its own."""
    kms = scene.lab.client("kms")
    arn = kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    asked = {"key_id": arn, "ca_arn": scene.sub_arn, "subject": f"CN={spec}", "validity": DAY}
    certificate = cs.enrol(kms, scene.lab.client("acm-pca"), **asked).certificate
    signer = cms.Signer.from_key(certificate, load_private_key(kms, arn))
    message = cms.build_signed_data(b"content", signers=signer, signing_time=None)
    assert cms.verify(cms.parse(message), b"content").intact
    assert not cms.verify(cms.parse(message), b"other").intact
