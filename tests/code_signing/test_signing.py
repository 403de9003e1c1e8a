"""Signing files: what is sent to KMS, what is asked of an authority, and what comes of it."""

import dataclasses
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from pkilab import code_signing as cs
from pkilab.code_signing import signing
from pkilab.errors import LabError, MalformedError, VerificationError
from pkilab.pki import cms, timestamps
from pkilab.pki.digests import CHUNK
from pkilab.pki.entropy import Entropy

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("spec", "algorithm"),
    [
        ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_256"),
        ("RSA_2048", "RSASSA_PSS_SHA_512"),
        ("ECC_NIST_P384", "ECDSA_SHA_384"),
        ("ECC_NIST_P521", "ECDSA_SHA_512"),
        ("ML_DSA_65", "ML_DSA_SHAKE_256"),
    ],
)
def test_every_kind_of_key_that_aws_certifies_signs_files(scene, spec, algorithm):
    """By the algorithm that was asked for."""
    kms = scene.lab.client("kms")
    arn = kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    identity = cs.enrol(
        kms, scene.lab.client("acm-pca"), key_id=arn, ca_arn=scene.sub_arn, subject=f"CN={spec}",
        validity={"Type": "DAYS", "Value": 1}, algorithm=algorithm,
    )  # fmt: skip
    now = scene.lab.clock.now()
    signed = cs.sign_file(identity, scene.path, at=now, tsa=scene.tsa(now))
    (info,) = signed.signed.signers
    assert info.algorithm.name == algorithm
    assert scene.verify(signed, at=now + HOUR).reasons == ()


def test_kms_sees_a_few_hundred_bytes_of_a_large_file(scene, tmp_path):
    """Read once, a mebibyte at a time; what is signed are attributes with its digest."""
    large, heard = tmp_path / "large.bin", []
    with large.open("wb") as file:
        file.truncate(5 * CHUNK + 1)
    before = len(scene.lab.journal)
    signed = scene.sign(path=large, progress=lambda done, total: heard.append((done, total)))
    (call,) = scene.lab.journal.entries[before:]
    assert call.operation == "Sign"
    assert call.parameters["MessageType"] == "RAW"
    assert len(signed.signed.signers[0].signed) < 600
    assert heard == [(min(n * CHUNK, 5 * CHUNK + 1), 5 * CHUNK + 1) for n in range(1, 7)]
    assert scene.verify(signed, path=large).trusted


def test_a_message_brings_the_chain_without_its_root(scene):
    """Who trusts a root for being sent along trusts anybody."""
    signed = scene.sign(stamped=scene.start + HOUR)
    held = set(signed.signed.certificates)
    assert held == {scene.identity.certificate, *scene.identity.intermediates}
    assert scene.root not in held
    assert repr(signed).startswith("<SignedFile app.tar.p7s, ")
    assert repr(scene.identity) == (
        "<SigningIdentity CN=CodeSigningCertificate <- CN=CodeSigningSubordinate <- "
        "CN=CodeSigningRoot, signs ECDSA_SHA_256>"
    )


def test_a_signature_lies_beside_its_file(scene, tmp_path):
    """``.p7s``, or ``.p7m`` with the content inside; or where it is wanted."""
    path = tmp_path / "a.bin"
    path.write_bytes(b"a")
    assert scene.sign(path=path).save() == tmp_path / "a.bin.p7s"
    assert scene.sign(path=path, attached=True).save() == tmp_path / "a.bin.p7m"
    place = scene.sign(path=path).save(tmp_path / "other")
    assert cms.parse(place.read_bytes()).content is None
    with pytest.raises(FileNotFoundError):
        scene.sign(path=tmp_path / "nothing")


def test_a_file_too_large_to_be_attached_is_refused_and_signed_detached(scene, tmp_path):
    """The limit is that of reading a message."""
    large = tmp_path / "large.bin"
    with large.open("wb") as file:
        file.truncate(signing.MOST_ATTACHED + 1)
    with pytest.raises(LabError, match="a detached signature takes a file of any size"):
        scene.sign(path=large, attached=True)
    with large.open("r+b") as file:
        file.truncate(signing.MOST_ATTACHED)
    assert scene.verify(scene.sign(path=large, attached=True), path=large).trusted


def test_the_same_key_entropy_and_time_make_the_same_bytes(scene):
    """With a key that is here; KMS's ECDSA has a random number of its own."""
    party = scene.local("repeatable")
    one, two = (scene.sign(party, stamped=scene.start + HOUR) for _ in range(2))
    assert one.message == two.message


def test_a_time_stamp_can_be_added_later(scene):
    """It is not signed with the rest."""
    signed = scene.sign()
    stamped = cs.time_stamp(signed, scene.tsa(scene.start + HOUR))
    (before,), (after,) = signed.signed.signers, stamped.signed.signers
    assert (before.signature, before.time_stamps) == (after.signature, ())
    assert len(after.time_stamps) == 1


def test_an_authority_that_refuses_is_quoted(scene):
    """With its reason; nothing is signed half."""

    def refusing(request):
        authority = scene.tsa_identity.signer
        return timestamps.respond(
            request + b"\0", signer=authority, serial=1, at=scene.start, policy="1.2.3"
        )

    with pytest.raises(LabError, match=r"no time stamp \(BAD_DATA_FORMAT\): the request cannot"):
        scene.sign(tsa=refusing)
    with pytest.raises(MalformedError, match="time-stamp response"):
        scene.sign(tsa=lambda _: b"<html>")


def test_an_answer_to_another_question_is_no_time_stamp(scene):
    """Neither of another signature, nor one given before."""
    tsa = scene.tsa(scene.start + HOUR)
    digest = cms.content_digests([b"other"])["sha256"]
    other = tsa(timestamps.build_request(digest, nonce=1))
    with pytest.raises(VerificationError) as caught:
        scene.sign(tsa=lambda _: other)
    assert caught.value.reasons == (
        "it stamps something else than this signature",
        "it does not carry the nonce that was sent: it may be an old one",
    )
    signed, asked = scene.sign(), []
    cs.time_stamp(signed, lambda request: asked.append(request) or tsa(request))
    old = tsa(asked[0])
    with pytest.raises(VerificationError, match="an old one"):
        cs.time_stamp(signed, lambda _: old, entropy=Entropy("another nonce"))


def test_a_time_stamp_whose_signature_is_broken_is_refused(scene):
    """By the requester already, not only by who verifies."""
    signed = scene.sign()

    def broken(request):
        answer = scene.tsa(scene.start + HOUR)(request)
        token = timestamps.parse_token(timestamps.parse_response(answer).token)
        signature = token.signed.signers[0].signature
        return answer.replace(signature, bytes([*signature[:-1], signature[-1] ^ 1]))

    with pytest.raises(VerificationError, match="the signature is not by the key of CN=Authority"):
        cs.time_stamp(signed, broken)


def test_kmss_refusals_pass(scene):
    """A key that was disabled signs nothing."""
    kms, pca = scene.lab.client("kms"), scene.lab.client("acm-pca")
    arn = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    identity = cs.enrol(
        kms, pca, key_id=arn, ca_arn=scene.sub_arn, subject="CN=disabled",
        validity={"Type": "DAYS", "Value": 1},
    )  # fmt: skip
    kms.disable_key(KeyId=arn)
    with pytest.raises(ClientError, match="DisabledException"):
        scene.sign(identity)


def test_a_signer_with_the_key_of_another_certificate_is_refused(scene):
    """Before anything is written."""
    signer = dataclasses.replace(
        scene.local("mine").signer, certificate=scene.local("yours").certificate
    )
    with pytest.raises(VerificationError, match="not ECDSA_SHA_256 by the key of CN=yours"):
        scene.sign(cs.SigningIdentity(signer))
