"""Private keys that are in KMS: what cryptography builds with them, and what is refused unasked."""

import copy
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils
from cryptography.x509.oid import NameOID

from pkilab import kms_keys, witness
from pkilab.errors import LabError, MalformedError
from pkilab.kms_keys import load_private_key, load_public_key
from pkilab.pki.requests import build_request

SHA256, SHA384, SHA512 = hashes.SHA256(), hashes.SHA384(), hashes.SHA512()
# KeySpec, the hash that the builders are given, and what x509 calls the result.
SPECS = [
    ("RSA_2048", SHA256, "sha256WithRSAEncryption"),
    ("ECC_NIST_P256", SHA256, "ecdsa-with-SHA256"),
    ("ECC_NIST_P384", SHA384, "ecdsa-with-SHA384"),
    ("ECC_NIST_P521", SHA512, "ecdsa-with-SHA512"),
    ("ECC_SECG_P256K1", SHA256, "ecdsa-with-SHA256"),
    ("ECC_NIST_EDWARDS25519", None, "ed25519"),
    ("ML_DSA_44", None, "ML-DSA-44"),
    ("ML_DSA_65", None, "ML-DSA-65"),
    ("ML_DSA_87", None, "ML-DSA-87"),
]
MESSAGES = {"short": b"m", "longest": b"m" * 4096, "long": b"m" * 4097}
PSS = padding.PSS(padding.MGF1(SHA256), 32)


class Watched:
    """A client that notes its calls of Sign."""

    def __init__(self, kms):
        self._kms, self.types, self.asked = kms, [], 0

    def sign(self, **members):
        """Note the message type."""
        self.types.append(members["MessageType"])
        return self._kms.sign(**members)

    def get_public_key(self, **members):
        """Count."""
        self.asked += 1
        return self._kms.get_public_key(**members)


@pytest.fixture
def kms(lab):
    """A client that notes its calls."""
    return Watched(lab.client("kms"))


@pytest.fixture
def make(lab, kms):
    """A function that creates a key in KMS and loads it."""

    def key(spec, usage="SIGN_VERIFY"):
        created = lab.client("kms").create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]
        return load_private_key(kms, created["KeyId"])

    return key


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def pem(request_or_certificate):
    return request_or_certificate.public_bytes(serialization.Encoding.PEM)


@pytest.mark.parametrize(("spec", "digest", "called"), SPECS)
def test_a_certificate_request_is_signed_by_kms(make, kms, spec, digest, called):
    """A CSR without its key; verified by cryptography, and by openssl where it knows the key."""
    key = make(spec)
    request = x509.CertificateSigningRequestBuilder().subject_name(name("kms")).sign(key, digest)
    assert request.is_signature_valid
    assert request.public_key() == key.public_key()
    assert kms.types == ["RAW"]
    if not spec.startswith("ML_DSA"):
        said = witness.openssl(
            "req", "-in", "r.pem", "-verify", "-noout", "-text", files={"r.pem": pem(request)}
        )
        assert said.agrees
        assert called.lower() in said.output.lower()


def test_a_request_that_was_changed_is_refused(make):
    """The signature is over what it says."""
    key = make("ECC_NIST_P256")
    request = x509.CertificateSigningRequestBuilder().subject_name(name("kms")).sign(key, SHA256)
    der = request.public_bytes(serialization.Encoding.DER).replace(b"kms", b"kmz")
    assert not x509.load_der_x509_csr(der).is_signature_valid


@pytest.mark.parametrize(("spec", "digest", "called"), SPECS)
def test_a_whole_ca_can_stand_on_a_key_in_kms(make, lab, spec, digest, called):
    """Root, certificate and CRL, each signed by KMS; none of them another key's."""
    now = lab.clock.now().replace(microsecond=0)

    def certificate(subject, public_key, signer):
        return (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name("Root"))
            .public_key(public_key)
            .serial_number(7)
            .not_valid_before(now)
            .not_valid_after(now + timedelta(days=30))
            .add_extension(x509.BasicConstraints(subject == "Root", None), True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False
            )
            .sign(signer, digest)
        )

    key, other = make(spec), make(spec)
    root = certificate("Root", key.public_key(), key)
    leaf = certificate("leaf", other.public_key(), key)
    leaf.verify_directly_issued_by(root)
    with pytest.raises(InvalidSignature):
        leaf.verify_directly_issued_by(certificate("Root", other.public_key(), other))
    crl = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(name("Root"))
        .last_update(now)
        .next_update(now + timedelta(days=1))
        .sign(key, digest)
    )
    assert crl.is_signature_valid(key.public_key())
    assert not crl.is_signature_valid(other.public_key())


@pytest.mark.parametrize(
    "scheme", [PSS, padding.PSS(padding.MGF1(SHA256), padding.PSS.DIGEST_LENGTH)]
)
def test_a_request_may_be_signed_with_pss(make, scheme):
    """As AWS prefers it, if its salt is as long as the digest."""
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(name("kms"))
        .sign(make("RSA_2048"), SHA256, rsa_padding=scheme)
    )
    assert request.is_signature_valid
    said = witness.openssl("req", "-in", "r.pem", "-verify", "-text", files={"r.pem": pem(request)})
    assert said.agrees
    assert "rsassaPss" in said.output


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES)
def test_what_kms_does_not_take_is_hashed_here(make, kms, message):
    """RAW up to 4,096 bytes, DIGEST beyond; the signatures are of one kind."""
    rsa, p384 = make("RSA_2048"), make("ECC_NIST_P384")
    rsa.public_key().verify(rsa.sign(message, PSS, SHA256), message, PSS, SHA256)
    signature = p384.sign(message, ec.ECDSA(SHA384))
    p384.public_key().verify(signature, message, ec.ECDSA(SHA384))
    assert kms.types == (["DIGEST"] * 2 if len(message) > 4096 else ["RAW"] * 2)
    with pytest.raises(InvalidSignature):
        p384.public_key().verify(signature, message + b"m", ec.ECDSA(SHA384))


def test_nothing_is_signed_by_its_digest(make, kms):
    """Message has at least one byte."""
    key = make("ECC_NIST_P256")
    key.public_key().verify(key.sign(b"", ec.ECDSA(SHA256)), b"", ec.ECDSA(SHA256))
    assert kms.types == ["DIGEST"]


def test_a_digest_is_signed_as_one(make, kms):
    """Prehashed; a digest of another length is refused unasked."""
    key, digest = make("ECC_NIST_P256"), hashes.Hash(SHA256)
    digest.update(b"file")
    ready = ec.ECDSA(utils.Prehashed(SHA256))
    key.public_key().verify(key.sign(digest.finalize(), ready), b"file", ec.ECDSA(SHA256))
    assert kms.types == ["DIGEST"]
    with pytest.raises(MalformedError, match="digest of 31 bytes, expected 32"):
        key.sign(b"d" * 31, ready)


@pytest.mark.parametrize("length", [1, 4096, 4097, 0])
@pytest.mark.parametrize("context", [None, b"context"])
def test_ml_dsa_signs_messages_of_any_length(make, kms, length, context):
    """As μ, made here, where KMS does not take the message or has no word for the context."""
    key, message = make("ML_DSA_44"), b"m" * length
    key.public_key().verify(key.sign(message, context), message, context)
    raw = 0 < length <= 4096 and not context
    assert kms.types == (["RAW"] if raw else ["EXTERNAL_MU"])
    with pytest.raises(InvalidSignature):
        key.public_key().verify(key.sign(message, context), message, b"another")


def test_a_representative_has_64_bytes(make, kms):
    """μ of another length is refused unasked."""
    key = make("ML_DSA_44")
    key.public_key().verify_mu(key.sign_mu(b"m" * 64), b"m" * 64)
    with pytest.raises(MalformedError, match="μ of 63 bytes, expected 64"):
        key.sign_mu(b"m" * 63)
    assert kms.types == ["EXTERNAL_MU"]


def test_ed25519_signs_no_more_than_kms_takes(make, kms):
    """It needs the message itself, 1 to 4,096 bytes of it."""
    key = make("ECC_NIST_EDWARDS25519")
    key.public_key().verify(key.sign(b"m" * 4096), b"m" * 4096)
    for message in (b"", b"m" * 4097):
        with pytest.raises(MalformedError, match="expected 1 to 4,096: Ed25519 takes no digest"):
            key.sign(message)
    assert kms.types == ["RAW"]


@pytest.mark.parametrize(
    ("spec", "arguments", "refused"),
    [
        ("ECC_NIST_P384", (ec.ECDSA(SHA256),), "found ECDSA_SHA_256, expected ECDSA_SHA_384"),
        ("ECC_NIST_P256", (ec.ECDSA(hashes.SHA3_256()),), "found ECDSA_.*expected ECDSA_SHA_256"),
        ("ECC_NIST_P256", (ec.ECDSA(SHA256, deterministic_signing=True),), "deterministic ECDSA"),
        ("RSA_2048", (padding.PKCS1v15(), hashes.SHA1()), "RSASSA_PKCS1_V1_5_SHA_1, expected"),
        ("RSA_2048", (padding.PKCS1v15(), utils.NoDigestInfo()), "NoDigestInfo, expected a hash"),
        (
            "RSA_2048",
            (padding.OAEP(padding.MGF1(SHA256), SHA256, None), SHA256),
            "expected PKCS #1",
        ),
        ("RSA_2048", (padding.PSS(padding.MGF1(SHA512), 32), SHA256), "MGF1 of sha512, expected"),
        ("RSA_2048", (padding.PSS(padding.MGF1(SHA256), 20), SHA256), "a salt of 20 bytes"),
        (
            "RSA_2048",
            (padding.PSS(padding.MGF1(SHA256), padding.PSS.MAX_LENGTH), SHA256),
            "a salt of MaxLength, expected DIGEST_LENGTH .32.",
        ),
    ],
)
@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES)
def test_what_kms_cannot_make_is_refused_unasked(make, kms, spec, arguments, refused, message):
    """With the found and the expected, whatever the message's length."""
    key = make(spec)
    with pytest.raises(MalformedError, match=refused):
        key.sign(message, *arguments)
    assert not kms.types


def test_an_elliptic_curve_signs_by_ecdsa_alone(make, kms):
    """Its interface would allow more."""

    class Schnorr(ec.EllipticCurveSignatureAlgorithm):
        algorithm = SHA256

    with pytest.raises(MalformedError, match="found Schnorr, expected ECDSA"):
        make("ECC_SECG_P256K1").sign(b"m", Schnorr())
    assert not kms.types


def test_a_builder_passes_the_refusal_on(make):
    """SHA-256 with P-384, as the AWS post has it."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(name("kms"))
    with pytest.raises(MalformedError, match="expected ECDSA_SHA_384"):
        builder.sign(make("ECC_NIST_P384"), SHA256)


@pytest.mark.parametrize("spec", [spec for spec, *_ in SPECS])
def test_the_private_key_stays_in_kms(make, spec):
    """Nothing reads, writes or encrypts it."""
    key = make(spec)
    with pytest.raises(LabError, match="cannot be written"):
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    if spec.startswith(("ML_DSA", "ECC_NIST_ED")):
        with pytest.raises(LabError, match="cannot be written"):
            key.private_bytes_raw()
    else:
        with pytest.raises(LabError, match="cannot be read"):
            key.private_numbers()
        assert key.key_size == key.public_key().key_size
    assert repr(key) == f"<{type(key).__name__} {key.arn} ({spec})>"


def test_a_key_that_signs_does_nothing_else(make):
    """A KMS key has one usage for life."""
    curve = make("ECC_NIST_P256")
    with pytest.raises(LabError, match="expected KEY_AGREEMENT"):
        curve.exchange(ec.ECDH(), curve.public_key())
    with pytest.raises(LabError, match="expected ENCRYPT_DECRYPT"):
        make("RSA_2048").decrypt(b"c" * 256, padding.PKCS1v15())
    assert curve.curve.name == "secp256r1"
    assert copy.copy(curve) is curve
    assert copy.deepcopy([curve]) == [curve]


def test_kms_is_asked_for_the_public_key_once(make, kms):
    """However often it is looked at."""
    key = make("ECC_NIST_P256")
    for _ in range(3):
        key.sign(b"m", ec.ECDSA(SHA256))
        assert key.public_key() == key.public_key()
    assert kms.asked == 1


def test_an_alias_names_the_key_of_the_moment(lab, kms, make):
    """The object keeps to the key."""
    key = make("ECC_NIST_P256")
    lab.client("kms").create_alias(AliasName="alias/code-signing", TargetKeyId=key.arn)
    assert load_private_key(kms, "alias/code-signing").arn == key.arn
    with pytest.raises(ClientError, match="NotFoundException"):
        load_private_key(kms, "alias/none")


@pytest.mark.parametrize(
    ("spec", "usage"), [("RSA_2048", "ENCRYPT_DECRYPT"), ("ECC_NIST_P256", "KEY_AGREEMENT")]
)
def test_a_key_of_another_usage_is_refused(lab, make, spec, usage):
    """Its public half can be had."""
    with pytest.raises(LabError, match=f"found KeyUsage {usage}, expected SIGN_VERIFY"):
        make(spec, usage)
    kms = lab.client("kms")
    arn = kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]["Arn"]
    public = load_public_key(kms, arn)
    assert (public.arn, public.key_spec, public.algorithms) == (arn, spec, ())


def test_a_symmetric_key_has_no_public_half(lab, kms):
    """KMS says so."""
    arn = lab.client("kms").create_key()["KeyMetadata"]["Arn"]
    with pytest.raises(ClientError, match="UnsupportedOperationException"):
        load_private_key(kms, arn)


@pytest.mark.parametrize(
    ("der", "refused"),
    [
        (b"junk", "expected one that is known here"),
        (
            ec.derive_private_key(5, ec.SECP256R1())
            .public_key()
            .public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )[:-1],
            "expected one that is known here",
        ),
    ],
)
def test_what_is_no_public_key_is_refused(der, refused):
    """SM2's, for one, which a lab cannot show."""

    class Odd:
        def get_public_key(self, **_):
            return {"KeyId": "arn", "PublicKey": der, "KeySpec": "SM2", "KeyUsage": "SIGN_VERIFY"}

    with pytest.raises(MalformedError, match=refused):
        load_private_key(Odd(), "arn")


def test_a_key_that_no_kms_key_is_is_refused():
    """X25519 does not sign."""
    from cryptography.hazmat.primitives.asymmetric import x25519

    der = x25519.X25519PrivateKey.from_private_bytes(b"x" * 32).public_key()
    public = kms_keys.KmsPublicKey("arn", "X25519", "SIGN_VERIFY", (), der)

    class Odd:
        def get_public_key(self, **_):
            raw = public.key.public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            return {"KeyId": "arn", "PublicKey": raw, "KeySpec": "X", "KeyUsage": "SIGN_VERIFY"}

    with pytest.raises(MalformedError, match="found X, expected RSA, ECDSA, Ed25519 or ML-DSA"):
        load_private_key(Odd(), "arn")


def test_what_kms_refuses_passes(kms, make):
    """Throttling, which no lab does: botocore's error reaches who called a builder."""

    class Busy(Watched):
        def sign(self, **members):
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "Sign")

    key = load_private_key(Busy(kms), make("ECC_NIST_P256").arn)
    builder = x509.CertificateSigningRequestBuilder().subject_name(name("kms"))
    with pytest.raises(ClientError, match="ThrottlingException"):
        builder.sign(key, SHA256)


def test_the_projects_own_requests_are_signed_by_kms_too(lab):
    """Deterministic ECDSA is asked only of a key that is here."""
    kms = lab.client("kms")
    key_id = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    request = build_request(load_private_key(kms, key_id), "CN=kms")
    assert request.is_signature_valid
