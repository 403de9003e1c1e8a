"""Signing files in KMS and verifying them: two roles, two ways, and what goes wrong."""

import base64
import dataclasses
import json

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from pkilab import digital_signing as ds
from pkilab import witness
from pkilab.digital_signing import Cause, FileSignature, sign_file, verify_in_kms, verify_locally
from pkilab.errors import LabError, MalformedError, VerificationError
from pkilab.lab import Lab

ACCOUNT = "111122223333"
LEARNER = f"arn:aws:iam::{ACCOUNT}:user/learner"
CASES = [(spec, name) for spec, names in ds.SIGNING_ALGORITHMS.items() for name in names]
QUICK = [case for case in CASES if case[0] not in {"RSA_3072", "RSA_4096"}]  # made from a seed
SPECS = list(dict(QUICK))


@pytest.fixture
def kms(lab):
    """A client."""
    return lab.client("kms")


@pytest.fixture
def key(kms):
    """A function that returns the ARN of a new key."""

    def make(spec="ECC_NIST_P256", usage="SIGN_VERIFY"):
        return kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]["Arn"]

    return make


@pytest.fixture
def file(tmp_path):
    """A small file."""
    path = tmp_path / "report.txt"
    path.write_bytes(b"the file that is signed\n")
    return path


# The whole way.


@pytest.mark.parametrize(("spec", "algorithm"), QUICK)
def test_what_kms_signed_is_verified_there_here_and_by_openssl(kms, key, file, spec, algorithm):
    """And no longer once a byte changed, which each of them says."""
    arn = key(spec)
    public = ds.load_public_key(kms, arn)
    pem = ds.public_key_pem(public.key)
    signature = sign_file(kms, arn, file, algorithm=algorithm)
    signature = FileSignature.load(signature.save(file.with_suffix(".sig")))
    assert (signature.key_arn, signature.algorithm) == (arn, algorithm)
    assert signature.size == file.stat().st_size

    def verdicts():
        yield verify_in_kms(kms, arn, file, signature)
        yield verify_locally(public.key, file, signature)
        if algorithm not in {"ED25519_PH_SHA_512", "ML_DSA_SHAKE_256"}:
            said = witness.openssl_dgst_verify(pem, file, signature.signature, algorithm=algorithm)
            yield said.agrees

    assert all(verdicts())
    file.write_bytes(file.read_bytes().replace(b"file", b"filf"))
    assert not any(verdicts())
    for verdict in list(verdicts())[:2]:
        assert verdict.cause is Cause.FILE_CHANGED


@pytest.mark.parametrize("spec", SPECS)
def test_without_an_algorithm_the_keys_own_is_taken(kms, key, file, spec):
    """And the key's fingerprint is noted, since it was asked for."""
    arn = key(spec)
    signature = sign_file(kms, arn, file)
    assert signature.algorithm == ds.SIGNING_ALGORITHMS[spec][0]
    assert signature.key_fingerprint == ds.load_public_key(kms, arn).fingerprint
    assert verify_in_kms(kms, arn, file, signature)
    other = key(spec)
    assert verify_in_kms(kms, other, file, signature).cause is Cause.OTHER_KEY


def test_an_alias_signs_and_verifies_and_the_signature_names_the_key(kms, key, file):
    """Sign answers the ARN."""
    arn = key()
    kms.create_alias(AliasName="alias/code-signing", TargetKeyId=arn)
    signature = sign_file(kms, "alias/code-signing", file, algorithm="ECDSA_SHA_256")
    assert signature.key_arn == arn
    assert verify_in_kms(kms, "alias/code-signing", file, signature).sentence.endswith(f"by {arn}.")
    kms.delete_alias(AliasName="alias/code-signing")
    with pytest.raises(ClientError, match="NotFoundException"):
        verify_in_kms(kms, "alias/code-signing", file, signature)


def test_a_large_file_is_signed_by_its_digest(kms, key, tmp_path):
    """Sparse, 64 MiB; its last byte counts."""
    path, arn = tmp_path / "large", key()
    with path.open("wb") as large:
        large.truncate(64 << 20)
    told = []
    signature = sign_file(
        kms, arn, path, algorithm="ECDSA_SHA_256", progress=lambda *at: told.append(at)
    )
    assert told[0] == (0, 64 << 20)
    assert told[-1] == (64 << 20, 64 << 20)
    assert len(told) == 65
    assert verify_in_kms(kms, arn, path, signature)
    with path.open("r+b") as large:
        large.seek(-1, 2)
        large.write(b"\1")
    assert verify_in_kms(kms, arn, path, signature).cause is Cause.FILE_CHANGED


def test_the_posts_command_line_cannot_work(kms, key, file):
    """P-384 with ECDSA_SHA_256: KMS refuses, and the refusal passes."""
    arn = key("ECC_NIST_P384")
    with pytest.raises(ClientError, match="InvalidKeyUsageException"):
        sign_file(kms, arn, file, algorithm="ECDSA_SHA_256")
    with pytest.raises(MalformedError, match="expected ECDSA_SHA_384"):
        ds.algorithm_for("ECC_NIST_P384", digest="SHA_256")
    assert sign_file(kms, arn, file, algorithm="ECDSA_SHA_384")


# Ed25519 and ML-DSA.


def test_ed25519_signs_the_file_itself_and_no_long_one(kms, key, file):
    """1 to 4,096 bytes; prehashed, any."""
    arn = key("ECC_NIST_EDWARDS25519")
    public = ds.load_public_key(kms, arn).key
    for size, fits in ((0, False), (1, True), (4096, True), (4097, False)):
        file.write_bytes(b"m" * size)
        if fits:
            pure = sign_file(kms, arn, file, algorithm="ED25519_SHA_512")
            assert verify_in_kms(kms, arn, file, pure)
            assert verify_locally(public, file, pure)
        else:
            with pytest.raises(LabError, match="ED25519_PH_SHA_512 does"):
                sign_file(kms, arn, file, algorithm="ED25519_SHA_512")
        prehashed = sign_file(kms, arn, file, algorithm="ED25519_PH_SHA_512")
        assert verify_in_kms(kms, arn, file, prehashed)
        assert verify_locally(public, file, prehashed)
    # The file has grown since the last pure signature: no call could verify it.
    assert verify_in_kms(kms, arn, file, pure).cause is Cause.FILE_CHANGED
    assert verify_locally(public, file, pure).cause is Cause.FILE_CHANGED


@pytest.mark.parametrize("size", [0, 4096, 4097, 100_000])
def test_ml_dsa_signs_a_representative_of_the_file(kms, key, file, size):
    """μ, made here; as KMS's own RAW where it takes that."""
    arn = key("ML_DSA_65")
    public = ds.load_public_key(kms, arn).key
    file.write_bytes(b"m" * size)
    signature = sign_file(kms, arn, file, algorithm="ML_DSA_SHAKE_256", public_key=public)
    public.verify(signature.signature, b"m" * size)
    mu = ds.digest_file(file, "ML_DSA_SHAKE_256", public_key=public)
    assert signature.digest == mu
    if 0 < size <= 4096:
        raw = kms.sign(
            KeyId=arn, Message=b"m" * size, MessageType="RAW", SigningAlgorithm="ML_DSA_SHAKE_256"
        )["Signature"]
        assert verify_in_kms(kms, arn, file, raw, "ML_DSA_SHAKE_256")
    other = ds.load_public_key(kms, key("ML_DSA_65")).key
    assert verify_locally(other, file, signature).cause is Cause.OTHER_KEY


# RAW, DIGEST, DER, r and s: which?


@pytest.mark.parametrize("signed_as", ["RAW", "DIGEST"])
def test_raw_and_digest_are_one_signature_of_the_file(kms, key, file, signed_as):
    """Signed as either, a short file verifies as either, and here."""
    arn = key()
    message = file.read_bytes() if signed_as == "RAW" else ds.digest_file(file, "ECDSA_SHA_256")
    bare = kms.sign(
        KeyId=arn, Message=message, MessageType=signed_as, SigningAlgorithm="ECDSA_SHA_256"
    )["Signature"]
    assert verify_in_kms(kms, arn, file, bare, "ECDSA_SHA_256")
    assert verify_locally(ds.load_public_key(kms, arn).key, file, bare, "ECDSA_SHA_256")


def test_a_digest_signed_as_raw_is_no_signature_of_the_file(kms, key, file):
    """KMS hashes it again; with the public key at hand, that is found out."""
    arn = key()
    digest = ds.digest_file(file, "ECDSA_SHA_256")
    bare = kms.sign(KeyId=arn, Message=digest, SigningAlgorithm="ECDSA_SHA_256")["Signature"]
    assert verify_in_kms(kms, arn, file, bare, "ECDSA_SHA_256").cause is Cause.UNKNOWN
    public = ds.load_public_key(kms, arn).key
    for verdict in (
        verify_in_kms(kms, arn, file, bare, "ECDSA_SHA_256", public_key=public),
        verify_locally(public, file, bare, "ECDSA_SHA_256"),
    ):
        assert verdict.cause is Cause.HASHED_TWICE


def test_a_jws_signature_and_the_clis_base64_are_refused_by_name(kms, key, file):
    """Turned back, both verify."""
    arn = key()
    right = sign_file(kms, arn, file, algorithm="ECDSA_SHA_256").signature
    raw = ds.to_raw(right, "ECC_NIST_P256")
    assert verify_in_kms(kms, arn, file, raw, "ECDSA_SHA_256").cause is Cause.SIDE_BY_SIDE
    assert verify_in_kms(kms, arn, file, ds.from_raw(raw, "ECC_NIST_P256"), "ECDSA_SHA_256")
    text = base64.b64encode(right)
    assert verify_in_kms(kms, arn, file, text, "ECDSA_SHA_256").cause is Cause.TEXT
    assert verify_in_kms(kms, arn, file, base64.b64decode(text), "ECDSA_SHA_256")


def test_a_digest_has_the_algorithms_hash(file):
    """They cannot disagree; Ed25519 takes none."""
    lengths = {
        name: len(ds.digest_file(file, name))
        for name in ds.ALGORITHMS
        if ds.message_type(name) == "DIGEST"
    }
    assert lengths["ECDSA_SHA_256"] == 32
    assert lengths["ECDSA_SHA_384"] == 48
    assert lengths["ED25519_PH_SHA_512"] == 64
    with pytest.raises(MalformedError, match="message of ED25519_SHA_512: found a digest"):
        ds.digest_file(file, "ED25519_SHA_512")
    with pytest.raises(MalformedError, match="expected one of ML-DSA"):
        ds.digest_file(file, "ML_DSA_SHAKE_256")
    with pytest.raises(MalformedError, match="SigningAlgorithm: found sha256"):
        ds.digest_file(file, "sha256")


def test_a_digest_is_openssls(file):
    """``openssl dgst``, for each length."""
    for bits in (256, 384, 512):
        said = witness.openssl("dgst", f"-sha{bits}", "-r", "f", files={"f": file.read_bytes()})
        assert said.output.split()[0] == ds.digest_file(file, f"RSASSA_PSS_SHA_{bits}").hex()


# Refusals.


def test_the_verifier_names_the_key_and_no_signature_file_does(kms, key, file):
    """One that names an attacker's own key is refused by the verifier's."""
    ours, theirs = key(), key()
    forged = sign_file(kms, theirs, file)
    verdict = verify_in_kms(kms, ours, file, forged)
    assert verdict.cause is Cause.OTHER_KEY
    assert theirs in verdict.sentence
    renamed = dataclasses.replace(forged, key_arn=ours)
    assert not verify_in_kms(kms, ours, file, renamed)
    assert not verify_locally(ds.load_public_key(kms, ours).key, file, renamed)


def test_what_is_not_about_the_signature_passes(kms, key, file):
    """A disabled key, a missing one, an algorithm that is not the key's."""
    arn = key()
    signature = sign_file(kms, arn, file)
    with pytest.raises(ClientError, match="InvalidKeyUsageException"):
        verify_in_kms(kms, arn, file, signature, "ECDSA_SHA_384")
    with pytest.raises(ClientError, match="NotFoundException"):
        verify_in_kms(kms, arn[:-1] + ("0" if arn[-1] != "0" else "1"), file, signature)
    kms.disable_key(KeyId=arn)
    with pytest.raises(ClientError, match="DisabledException"):
        verify_in_kms(kms, arn, file, signature)
    with pytest.raises(ClientError, match="DisabledException"):
        sign_file(kms, arn, file, algorithm="ECDSA_SHA_256")


def test_a_key_that_does_not_sign_is_refused(kms, key, file):
    """An RSA key for encryption has a public half, and no signing algorithm."""
    arn = key("RSA_2048", "ENCRYPT_DECRYPT")
    with pytest.raises(LabError, match="found KeyUsage ENCRYPT_DECRYPT, expected SIGN_VERIFY"):
        sign_file(kms, arn, file)
    with pytest.raises(ClientError, match="InvalidKeyUsageException"):
        sign_file(kms, arn, file, algorithm="RSASSA_PSS_SHA_256")


def test_no_call_is_made_for_what_cannot_be(kms, key, file, tmp_path):
    """An algorithm that is none, a bare signature without one, a file that is not there."""
    arn = key()
    with pytest.raises(MalformedError, match="SigningAlgorithm: found ECDSA"):
        sign_file(kms, arn, file, algorithm="ECDSA")
    with pytest.raises(MalformedError, match="a bare signature does not say which"):
        verify_in_kms(kms, arn, file, b"s")
    with pytest.raises(FileNotFoundError):
        sign_file(kms, arn, tmp_path / "none", algorithm="ECDSA_SHA_256")


# Public keys.


@pytest.mark.parametrize("spec", SPECS)
def test_a_public_key_is_pinned_by_its_fingerprint(kms, key, spec):
    """The right one is read, another refused."""
    public = ds.load_public_key(kms, key(spec))
    pem = ds.public_key_pem(public.key)
    assert pem.startswith("-----BEGIN PUBLIC KEY-----\n")
    for pinned in (None, public.fingerprint, public.fingerprint.upper()):
        assert ds.read_public_key(pem, pinned) == public.key
    assert ds.read_public_key(pem.encode()) == public.key
    with pytest.raises(VerificationError, match=f"its fingerprint is {public.fingerprint}, not"):
        ds.read_public_key(pem, "ab" * 32)
    with pytest.raises(VerificationError, match=r"not $"):
        ds.read_public_key(pem, "")


@pytest.mark.parametrize(
    "pem",
    [
        "",
        "junk",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        ds.public_key_pem(ec.derive_private_key(5, ec.SECP224R1()).public_key()),
    ],
)
def test_what_is_no_public_key_of_kmss_is_refused(pem):
    """Text, broken PEM, and a curve that KMS does not have."""
    with pytest.raises(MalformedError, match="public key"):
        ds.read_public_key(pem)


@given(st.binary(max_size=200))
def test_only_declared_errors_leave_a_reader_of_keys(data):
    """Whatever the bytes."""
    wrapped = b"-----BEGIN PUBLIC KEY-----\n" + base64.b64encode(data)
    for pem in (data, wrapped + b"\n-----END PUBLIC KEY-----\n"):
        with pytest.raises(MalformedError):
            ds.read_public_key(pem)


# Policies and roles.


def statements(policy):
    return {each["Sid"]: each for each in policy["Statement"]}


def test_the_key_policy_is_the_posts_and_an_administrators():
    """Word for word, with an account's number for the post's angle brackets."""
    policy = ds.key_policy(ACCOUNT, administrator=LEARNER)
    found = statements(policy)
    role = f"arn:aws:iam::{ACCOUNT}:role"
    assert policy["Version"] == "2012-10-17"
    assert list(found)[1:] == [
        "Allow use of the key for digital signing",
        "Allow use of the key for verification",
        "Allow retrieval of the public key for verification",
    ]
    assert [
        (each["Effect"], each["Principal"], each["Action"], each["Resource"])
        for each in list(found.values())[1:]
    ] == [
        ("Allow", {"AWS": f"{role}/SignRole"}, "kms:Sign", "*"),
        ("Allow", {"AWS": f"{role}/VerifyRole"}, "kms:Verify", "*"),
        ("Allow", {"AWS": f"{role}/VerifyRole"}, "kms:GetPublicKey", "*"),
    ]
    administrator = found["Allow access for Key Administrators"]
    assert administrator["Principal"] == {"AWS": LEARNER}
    assert "kms:Put*" in administrator["Action"]
    assert not {"kms:Sign", "kms:Verify", "kms:*"} & set(administrator["Action"])


def test_principals_may_be_named_by_their_arns_and_in_another_partition():
    """The roles' partition is the administrator's."""
    china = "arn:aws-cn:iam::111122223333:user/learner"
    found = statements(
        ds.key_policy(ACCOUNT, administrator=china, signer="arn:aws-cn:iam::444455556666:role/A")
    )
    signer = found["Allow use of the key for digital signing"]["Principal"]["AWS"]
    verifier = found["Allow use of the key for verification"]["Principal"]["AWS"]
    assert signer == "arn:aws-cn:iam::444455556666:role/A"
    assert verifier == "arn:aws-cn:iam::111122223333:role/VerifyRole"


def test_the_roles_trust_who_is_named_and_may_do_nothing(lab):
    """All that they may stands in the key's policy."""
    iam = lab.client("iam")
    roles = ds.create_roles(iam, trusted=f"arn:aws:iam::{ACCOUNT}:root")
    assert roles.signer == f"arn:aws:iam::{ACCOUNT}:role/SignRole"
    assert roles.verifier == f"arn:aws:iam::{ACCOUNT}:role/VerifyRole"
    for name in ("SignRole", "VerifyRole"):
        (trust,) = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
        assert not iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        assert not iam.list_role_policies(RoleName=name)["PolicyNames"]


def test_a_key_is_created_with_its_policy(lab, kms):
    """And not without its roles, however often it is tried."""
    policy = ds.key_policy(ACCOUNT, administrator=f"arn:aws:iam::{ACCOUNT}:root")
    slept = []
    with pytest.raises(LabError, match=r"0:01:00 for KMS .*MalformedPolicyDocumentException"):
        ds.create_key(kms, "ECC_NIST_P384", policy, sleep=slept.append)
    assert sum(slept) == 60
    ds.create_roles(lab.client("iam"), trusted=f"arn:aws:iam::{ACCOUNT}:root")
    arn = ds.create_key(kms, "ECC_NIST_P384", policy, description="for files")
    found = kms.describe_key(KeyId=arn)["KeyMetadata"]
    assert (found["KeySpec"], found["KeyUsage"], found["Description"]) == (
        "ECC_NIST_P384",
        "SIGN_VERIFY",
        "for files",
    )
    assert json.loads(kms.get_key_policy(KeyId=arn, PolicyName="default")["Policy"]) == policy
    with pytest.raises(MalformedError, match="KeySpec: found HMAC_256"):
        ds.create_key(kms, "HMAC_256", policy)


def test_a_policy_that_is_wrong_in_another_way_is_not_tried_again(kms):
    """Such as the post's own, which would lock everybody out."""
    policy = ds.key_policy(ACCOUNT, administrator=f"arn:aws:iam::{ACCOUNT}:root")
    policy["Statement"] = []
    slept = []
    with pytest.raises(ClientError, match="MalformedPolicyDocumentException"):
        ds.create_key(kms, "ECC_NIST_P384", policy, sleep=slept.append)
    assert not slept


def test_a_role_that_kms_cannot_see_yet_is_waited_for(lab, kms):
    """As on AWS, where a new role takes seconds; the lab's are seen at once."""
    root = f"arn:aws:iam::{ACCOUNT}:root"

    def sleep(_seconds):
        ds.create_roles(lab.client("iam"), trusted=root)

    assert ds.create_key(
        kms, "ECC_NIST_P256", ds.key_policy(ACCOUNT, administrator=root), sleep=sleep
    )


def test_application_a_signs_and_application_b_verifies_and_neither_does_the_others_part(file):
    """The post's scenario, with policies that decide."""
    with Lab.simulated(seed="tests", enforce_policies=True) as lab:
        sts, account = lab.client("sts"), lab.accounts["main"]
        me = sts.get_caller_identity()["Arn"]
        roles = ds.create_roles(lab.client("iam"), trusted=me)
        policy = ds.key_policy(account, administrator=me)
        arn = ds.create_key(lab.client("kms"), "ECC_NIST_P384", policy)

        def as_role(role):
            answer = sts.assume_role(RoleArn=role, RoleSessionName="application")
            return lab.client("kms", credentials=answer["Credentials"])

        a, b = as_role(roles.signer), as_role(roles.verifier)
        signature = sign_file(a, arn, file, algorithm="ECDSA_SHA_384")
        assert signature.key_fingerprint is None
        assert verify_in_kms(b, arn, file, signature)
        assert verify_locally(ds.load_public_key(b, arn).key, file, signature)
        refused = [
            lambda: sign_file(b, arn, file, algorithm="ECDSA_SHA_384"),
            lambda: verify_in_kms(a, arn, file, signature),
            lambda: sign_file(a, arn, file),  # asks for the public key, too
            lambda: sign_file(lab.client("kms"), arn, file, algorithm="ECDSA_SHA_384"),
            lambda: verify_in_kms(lab.client("kms"), arn, file, signature),
        ]
        for call in refused:
            with pytest.raises(ClientError, match="AccessDeniedException"):
                call()
