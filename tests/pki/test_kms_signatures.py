"""KMS's signatures: the table, verifying, and ECDSA's two forms."""

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, padding, rsa, utils
from hypothesis import given
from hypothesis import strategies as st

from pkilab.errors import MalformedError
from pkilab.pki import kms_signatures as kms
from pkilab.pki.entropy import Entropy
from pkilab.pki.keys import generate_key

SHA256 = hashes.SHA256()
P256 = ec.derive_private_key(7, ec.SECP256R1())
CURVES = {
    "ECC_NIST_P256": ec.SECP256R1(),
    "ECC_NIST_P384": ec.SECP384R1(),
    "ECC_NIST_P521": ec.SECP521R1(),
    "ECC_SECG_P256K1": ec.SECP256K1(),
}
# What makes a key of each spec here, and the name of a key that is of none.
KEYS = {
    "RSA_2048": "RSA_2048",
    "ECC_NIST_EDWARDS25519": "Ed25519",
    **{f"ML_DSA_{n}": f"ML_DSA_{n}" for n in (44, 65, 87)},
}


def key_of(spec):
    if spec in CURVES:
        return ec.derive_private_key(7, CURVES[spec])
    return generate_key(KEYS[spec], Entropy(spec))


def test_the_table_is_botocores(project):
    """Every algorithm and every spec of the API's model but SM2's; HMAC and AES do not sign."""
    import botocore.session

    model = botocore.session.get_session().get_service_model("kms")
    assert set(kms.ALGORITHMS) == set(model.shape_for("SigningAlgorithmSpec").enum) - {"SM2DSA"}
    specs = set(model.shape_for("KeySpec").enum)
    assert set(kms.SIGNING_ALGORITHMS) <= specs
    others = specs - set(kms.SIGNING_ALGORITHMS)
    assert {name for name in others if name.startswith(("RSA", "ECC", "ML_DSA"))} == set()


@pytest.mark.parametrize(
    ("spec", "chosen", "algorithm"),
    [
        ("RSA_4096", {}, "RSASSA_PSS_SHA_256"),
        ("RSA_2048", {"digest": "SHA_512"}, "RSASSA_PSS_SHA_512"),
        ("RSA_2048", {"padding": "PKCS1_V1_5"}, "RSASSA_PKCS1_V1_5_SHA_256"),
        (
            "RSA_3072",
            {"padding": "PKCS1_V1_5", "digest": "SHA_384"},
            "RSASSA_PKCS1_V1_5_SHA_384",
        ),
        ("ECC_NIST_P384", {}, "ECDSA_SHA_384"),
        ("ECC_NIST_P384", {"digest": "SHA_384"}, "ECDSA_SHA_384"),
        ("ECC_SECG_P256K1", {}, "ECDSA_SHA_256"),
        ("ECC_NIST_EDWARDS25519", {}, "ED25519_SHA_512"),
        ("ECC_NIST_EDWARDS25519", {"padding": "PH"}, "ED25519_PH_SHA_512"),
        ("ML_DSA_87", {}, "ML_DSA_SHAKE_256"),
    ],
)
def test_a_key_spec_has_an_algorithm(spec, chosen, algorithm):
    """The first that fits."""
    assert kms.algorithm_for(spec, **chosen) == algorithm


@pytest.mark.parametrize(
    ("spec", "chosen", "refused"),
    [
        ("ECC_NIST_P384", {"digest": "SHA_256"}, "found SHA_256, expected ECDSA_SHA_384"),
        ("ECC_NIST_P256", {"padding": "PSS"}, "found PSS, expected ECDSA_SHA_256"),
        ("ML_DSA_44", {"digest": "SHA_256"}, "expected ML_DSA_SHAKE_256"),
        ("RSA_2048", {"padding": "PSS", "digest": "SHA_1"}, "found PSS SHA_1"),
        ("HMAC_256", {}, "KeySpec: found HMAC_256"),
        ("SM2", {}, "KeySpec: found SM2"),
    ],
)
def test_a_key_has_no_other_algorithm(spec, chosen, refused):
    """P-384 does not sign SHA-256, as the AWS post has it."""
    with pytest.raises(MalformedError, match=refused):
        kms.algorithm_for(spec, **chosen)


def test_each_algorithm_has_its_message_type():
    """And an unknown one has none."""
    types = {name: kms.message_type(name) for name in kms.ALGORITHMS}
    assert types.pop("ED25519_SHA_512") == "RAW"
    assert types.pop("ML_DSA_SHAKE_256") == "EXTERNAL_MU"
    assert set(types.values()) == {"DIGEST"}
    for ask in (kms.message_type, kms.signature_hash, kms.representative_size, kms.Representative):
        with pytest.raises(MalformedError, match="SigningAlgorithm: found SM2DSA"):
            ask("SM2DSA")


@pytest.mark.parametrize("algorithm", kms.ALGORITHMS)
def test_a_representative_may_be_made_in_pieces(algorithm):
    """It is the digest of the algorithm's hash; of ML-DSA, SHAKE-256 after the key's (FIPS 204)."""
    public = key_of("ML_DSA_44").public_key()
    whole, pieces = (kms.Representative(algorithm, public) for _ in range(2))
    whole.update(b"message")
    for piece in (b"mes", b"", memoryview(b"sage")):
        pieces.update(piece)
    made = whole.finish()
    assert made == pieces.finish()
    assert len(made) == kms.representative_size(algorithm)
    if algorithm == "ML_DSA_SHAKE_256":
        tr = hashlib.shake_256(public.public_bytes_raw()).digest(64)
        expected = hashlib.shake_256(tr + b"\0\0message").digest(64)
    else:
        expected = hashlib.new(f"sha{algorithm[-3:]}", b"message").digest()
    assert made == expected


@pytest.mark.parametrize(("key", "found"), [(None, "none"), (P256.public_key(), "EC_prime256v1")])
def test_mu_needs_the_signers_key(key, found):
    """Another kind of key is none."""
    with pytest.raises(MalformedError, match=f"found {found}, expected one of ML-DSA"):
        kms.Representative("ML_DSA_SHAKE_256", key)
    with pytest.raises(MalformedError, match="hash: found ML_DSA_SHAKE_256"):
        kms.signature_hash("ML_DSA_SHAKE_256")


@pytest.mark.parametrize("spec", [*CURVES, *KEYS])
def test_a_public_key_has_its_spec(spec):
    """And one of a size or kind that KMS does not have, none."""
    assert kms.key_spec(key_of(spec).public_key()) == spec


@pytest.mark.parametrize(
    "key",
    [
        ec.derive_private_key(7, ec.SECP224R1()),
        rsa.generate_private_key(65537, 1024),  # noqa: S505 - too short is the point
    ],
    ids=["P-224", "RSA 1024"],
)
def test_a_key_that_kms_cannot_have_is_refused(key):
    """Named as what it is."""
    with pytest.raises(MalformedError, match=r"public key: found (EC_secp224r1|RSA_1024)"):
        kms.key_spec(key.public_key())
    with pytest.raises(MalformedError, match="public key"):
        kms.verifies(key.public_key(), "RSASSA_PSS_SHA_256", b"s", b"d" * 32)


def test_a_fingerprint_is_openssls(project):
    """``openssl pkey -pubin -outform DER | sha256sum``, in other words."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    spki = P256.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert kms.fingerprint(P256.public_key()) == hashlib.sha256(spki).hexdigest()
    assert kms.fingerprint(P256.public_key()) != kms.fingerprint(
        key_of("ECC_NIST_P384").public_key()
    )


def signed(spec, algorithm, message):
    """Sign as KMS does, without KMS."""
    key = key_of(spec)
    if spec.startswith("ML_DSA") or algorithm == "ED25519_SHA_512":
        return key.sign(message)
    if algorithm == "ED25519_PH_SHA_512":
        from Crypto.Hash import SHA512
        from Crypto.Signature import eddsa

        own = eddsa.import_private_key(key.private_bytes_raw())
        return eddsa.new(own, "rfc8032").sign(SHA512.new(hashlib.sha512(message).digest()))
    hashed = kms.signature_hash(algorithm)
    if spec in CURVES:
        return key.sign(message, ec.ECDSA(hashed))
    return key.sign(message, kms.rsa_padding(algorithm), hashed)


CASES = [
    (spec, algorithm) for spec in (*CURVES, *KEYS) for algorithm in kms.SIGNING_ALGORITHMS[spec]
]


@pytest.mark.parametrize(("spec", "algorithm"), CASES)
def test_a_signature_verifies_over_its_message_alone(spec, algorithm):
    """And by its key, its algorithm and as it is."""
    public, signature = key_of(spec).public_key(), signed(spec, algorithm, b"message")

    def over(message):
        if algorithm == "ED25519_SHA_512":
            return message
        made = kms.Representative(algorithm, public)
        made.update(message)
        return made.finish()

    assert kms.verifies(public, algorithm, signature, over(b"message"))
    assert not kms.verifies(public, algorithm, signature, over(b"Message"))
    assert not kms.verifies(public, algorithm, signature[:-1], over(b"message"))
    flipped = bytes([signature[0] ^ 1]) + signature[1:]
    assert not kms.verifies(public, algorithm, flipped, over(b"message"))
    for other in kms.ALGORITHMS:
        if other != algorithm:
            assert not kms.verifies(public, other, signature, over(b"message"))


def test_a_salt_of_another_length_is_not_kmss():
    """PSS is held to a salt as long as the digest."""
    key, digest = key_of("RSA_2048"), hashlib.sha256(b"m").digest()
    for length in (0, 20, 31, 33, 222):
        made = key.sign(b"m", padding.PSS(padding.MGF1(SHA256), length), SHA256)
        assert not kms.verifies(key.public_key(), "RSASSA_PSS_SHA_256", made, digest)
    made = key.sign(b"m", padding.PSS(padding.MGF1(SHA256), 32), SHA256)
    assert kms.verifies(key.public_key(), "RSASSA_PSS_SHA_256", made, digest)


def test_ed25519ph_is_rfc_8032s():
    """Vector of RFC 8032, 7.3: over ``abc``, which stands where KMS has the file's digest."""
    public = ed25519.Ed25519PublicKey.from_public_bytes(
        bytes.fromhex("ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf")
    )
    signature = bytes.fromhex(
        "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41"
        "31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406"
    )
    assert kms.verifies(public, "ED25519_PH_SHA_512", signature, b"abc")
    assert not kms.verifies(public, "ED25519_PH_SHA_512", signature, b"abd")


# ECDSA's two forms.


@given(st.sampled_from(sorted(CURVES)), st.data())
def test_der_and_raw_are_one_signature(spec, data):
    """There and back, for any r and s of the curve."""
    order = CURVES[spec].group_order
    r, s = (data.draw(st.integers(1, order - 1)) for _ in range(2))
    der = utils.encode_dss_signature(r, s)
    raw = kms.to_raw(der, spec)
    assert len(raw) == 2 * ((order.bit_length() + 7) // 8)
    assert kms.from_raw(raw, spec) == der


@given(st.sampled_from([*CURVES, "RSA_2048"]), st.binary(max_size=140))
def test_only_declared_errors_leave(spec, signature):
    """Whatever the bytes."""
    for turn in (kms.to_raw, kms.from_raw):
        try:
            turn(signature, spec)
        except MalformedError as error:
            assert error.expected


def test_a_jws_is_turned_into_what_kms_verifies():
    """Example of RFC 7515, A.3 (ES256)."""

    def decode(text):
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

    x = decode("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU")
    y = decode("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0")
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + x + y)
    signed_part = (
        b"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
        b"cGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    )
    raw = decode(
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    )
    digest = hashlib.sha256(signed_part).digest()
    der = kms.from_raw(raw, "ECC_NIST_P256")
    assert kms.verifies(public, "ECDSA_SHA_256", der, digest)
    assert not kms.verifies(public, "ECDSA_SHA_256", raw, digest)
    assert kms.to_raw(der, "ECC_NIST_P256") == raw


@pytest.mark.parametrize(
    ("turn", "signature", "spec", "refused"),
    [
        (kms.to_raw, b"r" * 64, "ECC_NIST_P256", "64 bytes, as r and s side by side have"),
        (kms.to_raw, b"r" * 63, "ECC_NIST_P256", "63 bytes that are none, expected DER"),
        (kms.to_raw, bytes.fromhex("30060201010201"), "ECC_NIST_P256", "expected DER"),
        (kms.to_raw, bytes.fromhex("3006020100020101"), "ECC_NIST_P256", "out of range"),
        (kms.to_raw, bytes.fromhex("300602010102010100"), "ECC_NIST_P256", "expected DER"),
        (kms.to_raw, bytes.fromhex("300702020001020101"), "ECC_NIST_P256", "expected DER"),
        (kms.from_raw, bytes(64), "ECC_NIST_P256", "out of range, expected those of secp256r1"),
        (kms.from_raw, b"\xff" * 64, "ECC_NIST_P256", "out of range"),
        (kms.from_raw, b"r" * 64, "ECC_NIST_P384", "found 64 bytes, expected 96"),
        (kms.from_raw, b"r" * 132, "ECC_NIST_P256", "expected 64: r and s of 32 each"),
        (kms.to_raw, b"r" * 64, "RSA_2048", "KeySpec: found RSA_2048"),
        (kms.from_raw, b"r" * 64, "ECC_NIST_EDWARDS25519", "KeySpec: found ECC_NIST_EDWARDS25519"),
    ],
)
def test_what_is_no_signature_of_the_curve_is_refused(turn, signature, spec, refused):
    """Too long, too short, padded, zero, or beyond the curve's order."""
    with pytest.raises(MalformedError, match=refused):
        turn(signature, spec)


def test_mu_is_what_signing_makes_of_the_message():
    """A signature over the message verifies over μ, and the other way round."""
    key = key_of("ML_DSA_65")
    assert isinstance(key, mldsa.MLDSA65PrivateKey)
    made = kms.Representative("ML_DSA_SHAKE_256", key.public_key())
    made.update(b"message")
    mu = made.finish()
    key.public_key().verify(key.sign_mu(mu), b"message")
    assert kms.verifies(key.public_key(), "ML_DSA_SHAKE_256", key.sign(b"message"), mu)
    assert not kms.verifies(key.public_key(), "ML_DSA_SHAKE_256", key.sign(b"other"), mu)
