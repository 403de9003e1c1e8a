"""Whether a file's signature is right, and why not."""

import base64
import dataclasses
import hashlib

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from hypothesis import given
from hypothesis import strategies as st

from pkilab.errors import MalformedError
from pkilab.pki.entropy import Entropy
from pkilab.pki.file_signatures import FileSignature
from pkilab.pki.file_verification import Cause, Verification, explain, read_message, verify_file
from pkilab.pki.keys import generate_key
from pkilab.pki.kms_signatures import fingerprint, to_raw

ARN = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
SHA256 = hashes.SHA256()
P256, OTHER = (ec.derive_private_key(n, ec.SECP256R1()) for n in (7, 8))
P384 = ec.derive_private_key(7, ec.SECP384R1())
RSA, RSA_OTHER = (generate_key("RSA_2048", Entropy(seed)) for seed in ("rsa", "other"))
ED25519 = generate_key("Ed25519", Entropy("ed"))
ML_DSA, ML_DSA_OTHER = (generate_key("ML_DSA_44", Entropy(seed)) for seed in ("ml", "other"))
PSS = padding.PSS(padding.MGF1(SHA256), 32)
CONTENT = b"the file that was signed"


def ed25519ph(message):
    from Crypto.Hash import SHA512
    from Crypto.Signature import eddsa

    own = eddsa.import_private_key(ED25519.private_bytes_raw())
    return eddsa.new(own, "rfc8032").sign(SHA512.new(hashlib.sha512(message).digest()))


# Algorithm: the key, another key of its kind, and how it signs.
KINDS = {
    "ECDSA_SHA_256": (P256, OTHER, lambda m: P256.sign(m, ec.ECDSA(SHA256))),
    "RSASSA_PSS_SHA_256": (RSA, RSA_OTHER, lambda m: RSA.sign(m, PSS, SHA256)),
    "RSASSA_PKCS1_V1_5_SHA_256": (
        RSA,
        RSA_OTHER,
        lambda m: RSA.sign(m, padding.PKCS1v15(), SHA256),
    ),
    "ED25519_SHA_512": (ED25519, generate_key("Ed25519", Entropy("x")), ED25519.sign),
    "ED25519_PH_SHA_512": (ED25519, generate_key("Ed25519", Entropy("x")), ed25519ph),
    "ML_DSA_SHAKE_256": (ML_DSA, ML_DSA_OTHER, ML_DSA.sign),
}


@pytest.fixture
def file(tmp_path):
    """A small file."""
    path = tmp_path / "report.txt"
    path.write_bytes(CONTENT)
    return path


def signed(path, algorithm, *, noted=True):
    key, _, sign = KINDS[algorithm]
    message = read_message(path, algorithm, key.public_key())
    return FileSignature(
        ARN,
        algorithm,
        sign(path.read_bytes()),
        message.digest,
        message.size,
        fingerprint(key.public_key()) if noted else None,
    )


def public_of(algorithm):
    return KINDS[algorithm][0].public_key()


@pytest.mark.parametrize("algorithm", KINDS)
def test_a_signature_of_the_file_is_right(file, algorithm):
    """With a signature file, or bare with the algorithm's name. The verdict is true."""
    signature, public = signed(file, algorithm), public_of(algorithm)
    for verdict in (
        verify_file(public, file, signature),
        verify_file(public, file, signature.signature, algorithm),
    ):
        assert verdict
        assert verdict.valid
        assert verdict.cause is None
        assert repr(verdict) == (
            f"✔ This file was signed with {algorithm} by the key with fingerprint "
            f"{fingerprint(public)}."
        )


@pytest.mark.parametrize("algorithm", KINDS)
def test_a_file_that_changed_is_found_out(file, algorithm):
    """One byte of it; and the sentence says so. The verdict is false."""
    signature = signed(file, algorithm)
    file.write_bytes(CONTENT.replace(b"was", b"xas"))
    verdict = verify_file(public_of(algorithm), file, signature)
    assert not verdict
    assert verdict.cause is Cause.FILE_CHANGED
    assert "The file is not the one that was signed: " in verdict.sentence
    certain = algorithm != "ED25519_SHA_512"  # it signs no digest that could be tried
    assert ("this key signed the digest" in verdict.sentence) is certain
    assert "as many bytes" in verdict.sentence
    assert verdict.remedy == "Ask for the file that was signed."


def test_a_longer_file_is_told_by_its_size(file):
    """Both sizes are named."""
    signature = signed(file, "ECDSA_SHA_256")
    file.write_bytes(CONTENT * 100)
    verdict = verify_file(P256.public_key(), file, signature)
    assert "(24 bytes)" in verdict.sentence
    assert "(2,400 bytes)" in verdict.sentence


@pytest.mark.parametrize("algorithm", KINDS)
def test_another_key_is_found_out(file, algorithm):
    """By the fingerprint that the signature file notes; without one nobody can know."""
    other = KINDS[algorithm][1].public_key()
    noted = verify_file(other, file, signed(file, algorithm))
    assert noted.cause is Cause.OTHER_KEY
    assert f"names another key: fingerprint {fingerprint(public_of(algorithm))}." in noted.sentence
    silent = verify_file(other, file, signed(file, algorithm, noted=False))
    bare = verify_file(other, file, signed(file, algorithm).signature, algorithm)
    assert bare.cause is Cause.UNKNOWN
    # μ begins with the key, so that a file without a fingerprint looks like a changed one.
    expected = Cause.FILE_CHANGED if algorithm.startswith("ML_DSA") else Cause.UNKNOWN
    assert silent.cause is expected


@pytest.mark.parametrize("algorithm", KINDS)
def test_a_damaged_signature_is_found_out(file, algorithm):
    """File and key are as noted."""
    right = signed(file, algorithm)
    last = bytes([right.signature[-1] ^ 1])
    damaged = dataclasses.replace(right, signature=right.signature[:-1] + last)
    verdict = verify_file(public_of(algorithm), file, damaged)
    assert verdict.cause is Cause.SIGNATURE_CHANGED
    assert verdict.remedy == "Ask for the signature again."


def test_a_key_of_another_kind_is_found_out_at_once(tmp_path):
    """The file is not even read: P-384 never signs SHA-256."""
    verdict = verify_file(P384.public_key(), tmp_path / "none", b"s", "ECDSA_SHA_256")
    assert verdict.cause is Cause.OTHER_KEY
    assert "No key of ECC_NIST_P384 makes a signature with ECDSA_SHA_256; it makes " in repr(
        verdict
    )


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("RSASSA_PSS_SHA_256", "RSASSA_PKCS1_V1_5_SHA_256"),
        ("RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PSS_SHA_512"),
        ("ED25519_SHA_512", "ED25519_PH_SHA_512"),
        ("ED25519_PH_SHA_512", "ED25519_SHA_512"),
    ],
)
def test_another_algorithm_of_the_key_is_found_out(file, made, said):
    """By trying; with the right one it verifies."""
    signature = signed(file, made)
    verdict = verify_file(public_of(made), file, signature, said)
    assert verdict.cause is Cause.OTHER_ALGORITHM
    assert verdict.sentence == f"The signature was made with {made}, not with {said}."
    assert verify_file(public_of(made), file, signature, made)


@pytest.mark.parametrize("form", [base64.b64encode, base64.encodebytes])
@pytest.mark.parametrize("algorithm", ["ECDSA_SHA_256", "RSASSA_PSS_SHA_256", "ED25519_SHA_512"])
def test_base64_is_no_signature(file, form, algorithm):
    """What the CLI prints must be decoded first, which the AWS post leaves out."""
    right = signed(file, algorithm)
    verdict = verify_file(public_of(algorithm), file, form(right.signature), algorithm)
    assert verdict.cause is Cause.TEXT
    assert "The signature is right, but the signature is still base64" in verdict.sentence
    wrong = verify_file(public_of(algorithm), file, form(b"wrong"), algorithm)
    assert wrong.cause is Cause.UNKNOWN


@pytest.mark.parametrize("text", [b"abc", b"====", b"   ", b"c2lnbmF0dXJl"])
def test_text_that_is_no_base64_of_the_signature_is_not_called_so(file, text):
    """Nor is any other text."""
    assert verify_file(P256.public_key(), file, text, "ECDSA_SHA_256").cause is Cause.UNKNOWN


def test_a_verdict_is_shown_as_a_sentence(file):
    """In a notebook too; with what would change it."""

    class Printer:
        def text(self, shown):
            """Keep it."""
            self.shown = shown

    printer, verdict = Printer(), verify_file(P256.public_key(), file, b"s", "ECDSA_SHA_256")
    verdict._repr_pretty_(printer, cycle=False)
    assert printer.shown == repr(verdict)
    assert repr(verdict).startswith("✘ The signature does not verify, and does not tell why: ")
    assert repr(verdict).endswith(verdict.remedy)


def test_r_and_s_side_by_side_are_no_signature(file):
    """JWS's form, and PKCS #11's."""
    right = signed(file, "ECDSA_SHA_256")
    raw = to_raw(right.signature, "ECC_NIST_P256")
    verdict = verify_file(P256.public_key(), file, raw, "ECDSA_SHA_256")
    assert verdict.cause is Cause.SIDE_BY_SIDE
    assert "from_raw" in verdict.remedy
    wrong = verify_file(OTHER.public_key(), file, raw, "ECDSA_SHA_256")
    assert wrong.cause is Cause.UNKNOWN


@pytest.mark.parametrize("algorithm", ["ECDSA_SHA_256", "RSASSA_PKCS1_V1_5_SHA_256"])
def test_a_digest_signed_as_a_file_is_found_out(file, algorithm):
    """MessageType RAW with a digest: KMS hashes it again."""
    twice = KINDS[algorithm][2](hashlib.sha256(CONTENT).digest())
    verdict = verify_file(public_of(algorithm), file, twice, algorithm)
    assert verdict.cause is Cause.HASHED_TWICE
    assert "MessageType RAW" in verdict.sentence


def test_rsa_signatures_of_pkcs1_hold_their_digest(file):
    """So that even a bare one tells that the file changed. No other kind does."""
    signature = signed(file, "RSASSA_PKCS1_V1_5_SHA_256").signature
    file.write_bytes(b"another")
    verdict = verify_file(RSA.public_key(), file, signature, "RSASSA_PKCS1_V1_5_SHA_256")
    assert verdict.cause is Cause.FILE_CHANGED
    assert f"signed the digest {hashlib.sha256(CONTENT).hexdigest()[:16]}…" in verdict.sentence
    ecdsa = P256.sign(CONTENT, ec.ECDSA(SHA256))
    assert verify_file(P256.public_key(), file, ecdsa, "ECDSA_SHA_256").cause is Cause.UNKNOWN


def test_what_a_signature_file_says_of_itself_decides_nothing(file):
    """An attacker changes file, digest and size, and keeps the signature."""
    right = signed(file, "ECDSA_SHA_256")
    file.write_bytes(b"evil")
    message = read_message(file, "ECDSA_SHA_256")
    forged = dataclasses.replace(right, digest=message.digest, size=message.size)
    verdict = verify_file(P256.public_key(), file, forged)
    assert not verdict
    assert verdict.cause is Cause.SIGNATURE_CHANGED
    resigned = dataclasses.replace(
        forged, signature=OTHER.sign(message.digest, ec.ECDSA(Prehashed(SHA256)))
    )
    assert not verify_file(P256.public_key(), file, resigned)


def test_a_file_that_ed25519_cannot_have_signed_is_refused(file):
    """Beyond 4,096 bytes, KMS does not sign with it; up to that it does."""
    file.write_bytes(b"m" * 4096)
    assert verify_file(ED25519.public_key(), file, ED25519.sign(b"m" * 4096), "ED25519_SHA_512")
    file.write_bytes(b"m" * 4097)
    verdict = verify_file(ED25519.public_key(), file, ED25519.sign(b"m" * 4097), "ED25519_SHA_512")
    assert verdict.cause is Cause.FILE_CHANGED
    assert "4,096 bytes of it at most" in verdict.sentence


@pytest.mark.parametrize("algorithm", [None, "ECDSA_SHA_224", "SM2DSA"])
def test_a_bare_signature_needs_an_algorithm_of_kmss(file, algorithm):
    """It does not say which made it."""
    with pytest.raises(MalformedError, match="SigningAlgorithm"):
        verify_file(P256.public_key(), file, b"s", algorithm)


def test_an_empty_file_can_be_signed(file):
    """By its digest."""
    file.write_bytes(b"")
    assert verify_file(P256.public_key(), file, signed(file, "ECDSA_SHA_256"))
    file.write_bytes(b"\0")
    verdict = verify_file(
        P256.public_key(), file, P256.sign(b"", ec.ECDSA(SHA256)), "ECDSA_SHA_256"
    )
    assert not verdict


def test_progress_is_told(file):
    """As `feed` does."""
    told = []
    verify_file(
        P256.public_key(),
        file,
        signed(file, "ECDSA_SHA_256"),
        progress=lambda *at: told.append(at),
    )
    assert told == [(0, 24), (24, 24)]


# Without the public key, as after KMS's Verify, only forms and words can be looked at.


def test_without_a_key_words_are_compared(file):
    """The ARN, then digest and size; what fits says nothing."""
    right = signed(file, "ECDSA_SHA_256")
    message = read_message(file, "ECDSA_SHA_256")
    other = ARN.replace("1234abcd", "9999abcd")
    assert explain(message, right, key_arn=other).cause is Cause.OTHER_KEY
    assert explain(message, right, key_arn=ARN).cause is Cause.UNKNOWN
    assert explain(message, right).cause is Cause.UNKNOWN
    file.write_bytes(b"another")
    changed = explain(read_message(file, "ECDSA_SHA_256"), right, key_arn=ARN)
    assert changed.cause is Cause.FILE_CHANGED
    assert "its signature file tells of" in changed.sentence


@pytest.mark.parametrize("curve", ["ECC_NIST_P256", "ECC_SECG_P256K1"])
def test_without_a_key_forms_are_seen(file, curve):
    """Not whether the signature is right in another."""
    message = read_message(file, "ECDSA_SHA_256")
    der = P256.sign(CONTENT, ec.ECDSA(SHA256))
    assert explain(message, base64.b64encode(der)).cause is Cause.TEXT
    side = explain(message, to_raw(der, curve))
    assert side.cause is Cause.SIDE_BY_SIDE
    assert (
        side.sentence == "The signature is in another form: r and s stand side by side, not in DER."
    )
    assert explain(message, der).cause is Cause.UNKNOWN


def test_a_public_key_that_is_not_the_one_in_kms_is_found_out(file):
    """It verifies here what KMS refused there."""
    right = signed(file, "ECDSA_SHA_256")
    verdict = explain(read_message(file, "ECDSA_SHA_256"), right, P256.public_key())
    assert verdict.cause is Cause.OTHER_KEY
    assert "the one in KMS did not" in verdict.sentence


def test_what_is_signed_is_what_was_hashed(file):
    """A file that changes after it was read is neither read nor sent again."""
    message = read_message(file, "ED25519_SHA_512")
    file.write_bytes(b"m" * 5000)
    assert (message.content, message.size) == (CONTENT, len(CONTENT))
    assert message.digest == hashlib.sha512(CONTENT).digest()
    longer = read_message(file, "ED25519_SHA_512")
    assert longer.too_long
    assert longer.content == b"m" * 4096
    assert not read_message(file, "ED25519_PH_SHA_512").too_long


def test_an_algorithm_other_than_the_noted_one_makes_digests_incomparable(file):
    """Then the digest says nothing, and nothing is claimed of it."""
    right = signed(file, "RSASSA_PSS_SHA_256", noted=False)
    message = read_message(file, "RSASSA_PSS_SHA_512")
    assert explain(message, right).cause is Cause.UNKNOWN


@given(st.binary(min_size=1, max_size=300), st.sampled_from(sorted(KINDS)))
def test_no_bytes_make_a_verdict_stumble(tmp_path_factory, signature, algorithm):
    """Whatever stands in a signature's place is no signature, and is explained."""
    path = tmp_path_factory.mktemp("f") / "file"
    path.write_bytes(CONTENT)
    verdict = verify_file(public_of(algorithm), path, signature, algorithm)
    assert not verdict
    assert verdict.cause in Cause
    assert verdict.remedy
    assert isinstance(
        explain(read_message(path, algorithm, public_of(algorithm)), signature), Verification
    )
