"""What ImportCertificate checks, below any transport."""

import base64
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pkilab import witness
from pkilab.pki import pem
from pkilab.simulator.acm import importing, rules
from pkilab.simulator.service import AwsError

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
NAME = "www.lab.example"


@pytest.fixture
def make(maker):
    return maker(NOW)


def private(key, form=PrivateFormat.PKCS8):
    """Write a key without a password."""
    return key.private_bytes(Encoding.PEM, form, NoEncryption())


def written(*certificates):
    """Write certificates as PEM."""
    return pem.to_pem(*certificates).encode()


def read(make, certificate, *chain, key=None, now=NOW):
    """Check a certificate with its key and its chain."""
    above = written(*chain) if chain else None
    return importing.read(written(certificate), private(key or make.key(NAME)), above, now)


def refused(*arguments):
    """Check what must be refused; return the message."""
    with pytest.raises(AwsError) as caught:
        importing.read(*arguments)
    assert caught.value.code == "ValidationException"
    return caught.value.message


def test_what_belongs_together_is_taken(make):
    """With the names it is for, in lower case, and its chain in order."""
    chain = [make("sub", "root"), make("root")]
    leaf = make(NAME, "sub", dns=[NAME.upper(), "*.lab.example", NAME])
    found = read(make, leaf, *chain)
    assert (found.certificate, found.chain) == (leaf, tuple(chain))
    assert found.names == (NAME, "*.lab.example")
    assert found.key_algorithm == "EC_prime256v1"
    assert "key" not in repr(found).replace("key_algorithm", "")


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
@pytest.mark.parametrize("algorithm", ["RSA_2048", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1"])
def test_keys_that_acm_knows_are_taken(make, algorithm, form):
    """PKCS#8, PKCS#1 and SEC 1."""
    certificate = make(NAME, algorithm=algorithm)
    key = private(make.key(NAME, algorithm), form)
    found = importing.read(written(certificate), key, None, NOW)
    assert found.key_algorithm == algorithm


@pytest.mark.parametrize("algorithm", ["EC_secp256k1", "Ed25519", "ML_DSA_44"])
def test_keys_that_acm_does_not_know_are_refused(make, algorithm):
    """Whatever else is well."""
    key = {
        "EC_secp256k1": lambda: ec.generate_private_key(ec.SECP256K1()),
        "Ed25519": ed25519.Ed25519PrivateKey.generate,
        "ML_DSA_44": mldsa.MLDSA44PrivateKey.generate,
    }[algorithm]()
    message = refused(written(make(NAME)), private(key), None, NOW)
    assert message == "The private key length isn't supported for key algorithm."


def test_a_key_is_small_and_unencrypted(make):
    """5,120 bytes at most."""
    certificate, key = written(make(NAME)), private(make.key(NAME))
    full = key + b" " * (5120 - len(key))
    assert importing.read(certificate, full, None, NOW).names == (NAME,)
    assert "no larger than 5120" in refused(certificate, full + b" ", None, NOW)
    assert "is not supported" in refused(certificate, certificate, None, NOW)
    public = make.key(NAME).public_key()
    data = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert "is not supported" in refused(certificate, data, None, NOW)


@pytest.mark.parametrize(("days", "fine"), [(0, True), (90, True), (-1, False), (91, False)])
def test_a_certificate_is_valid_now(make, days, fine):
    """From its first second to its last."""
    certificate, now = make(NAME), NOW + timedelta(days=days)
    if fine:
        assert read(make, certificate, now=now).certificate == certificate
    else:
        message = refused(written(certificate), private(make.key(NAME)), None, now)
        assert (
            message
            == {
                -1: "The certificate is not in effect yet, is not valid.",
                91: "The certificate has expired, is not valid.",
            }[days]
        )


def test_a_certificate_has_one_block_and_version_3(make):
    """A version 1 certificate is refused, and so are two, and DER text."""
    key = private(make.key(NAME))
    both = written(make(NAME), make("root"))
    assert "more than one certificate" in refused(both, key, None, NOW)
    assert "Unable to parse" in refused(b"", key, None, NOW)
    assert "Unable to parse" in refused(key, key, None, NOW)
    old = _version_1(make)
    assert "version 3" in refused(old, key, None, NOW)


def _version_1(make):
    """Return a version 1 certificate, which cryptography reads and does not write."""
    der = make(NAME, dns=[]).public_bytes(Encoding.DER)
    version = b"\xa0\x03\x02\x01\x02"
    at = der.index(version)
    outer, inner = (int.from_bytes(der[end - 2 : end]) - len(version) for end in (4, at))
    changed = der[:2] + outer.to_bytes(2) + der[4 : at - 2] + inner.to_bytes(2) + der[at + 5 :]
    return written(x509.load_der_x509_certificate(changed))


def test_a_chain_goes_up_step_by_step(make):
    """The leaf is not in it, and nothing stands in another place."""
    leaf, sub, root = make(NAME, "sub"), make("sub", "root"), make("root")
    well = (written(leaf), private(make.key(NAME)))
    assert importing.read(*well, written(sub), NOW).chain == (sub,)
    assert "Could not validate" in refused(*well, written(root, sub), NOW)
    assert "Could not validate" in refused(*well, written(leaf, sub, root), NOW)
    assert "the invalid certificate is: 1" in refused(*well, written(sub, sub), NOW)
    assert "the invalid certificate is: 2" in refused(*well, written(sub, root, sub), NOW)
    assert "valid self signed" in refused(*well, None, NOW)
    assert "valid self signed" in refused(*well, b"", NOW)


def test_a_ca_of_the_same_name_with_another_key_is_another(make):
    """It is the signature that counts."""
    leaf, key = make(NAME, "sub"), private(make.key(NAME))
    other = make("sub", "root", algorithm="EC_secp384r1")
    assert "Could not validate" in refused(written(leaf), key, written(other), NOW)


@pytest.mark.parametrize(
    ("own", "issuers", "fine"),
    [
        ("RSA_2048", "RSA_2048", True),
        ("EC_prime256v1", "EC_secp384r1", True),
        ("RSA_2048", "EC_prime256v1", False),
        ("EC_prime256v1", "RSA_2048", False),
    ],
)
def test_rsa_is_signed_by_rsa_and_ecdsa_by_ecdsa(make, own, issuers, fine):
    """Of whatever size."""
    leaf = make(NAME, "root", algorithm=own, by=issuers)
    root = make("root", algorithm=issuers)
    asked = (written(leaf), private(make.key(NAME, own)), written(root), NOW)
    if fine:
        assert importing.read(*asked).chain == (root,)
    else:
        assert "must match that of the CA" in refused(*asked)


def test_a_certificate_without_alternative_names_is_for_its_common_name(make):
    """In lower case; one with neither is for nothing."""
    assert read(make, make(NAME, dns=[], subject=None)).names == (NAME,)
    bare = make(NAME, "root", dns=[], subject=x509.Name([]))
    assert read(make, bare, make("root")).names == ()


def test_a_certificate_that_cannot_be_read_is_refused(make):
    """An extension that is no DER, though well signed."""
    broken = x509.UnrecognizedExtension(x509.OID_EXTENDED_KEY_USAGE, b"junk")
    certificate = make(NAME, more=[broken])
    message = refused(written(certificate), private(make.key(NAME)), None, NOW)
    assert message == "Unable to parse certificate."


def test_text_around_the_blocks_is_refused(make):
    """PKCS#12 tools write bag attributes; they must be taken away. White space may stay."""
    leaf, root, key = written(make(NAME, "root")), written(make("root")), private(make.key(NAME))
    attributes = b"Bag Attributes\n    localKeyID: 01\n"
    assert importing.read(b"\n" + leaf + b"\n ", b"\n" + key, root + b"\n\n", NOW).chain
    assert refused(attributes + leaf, key, root, NOW) == (
        "The certificate body provided is not in a valid PEM format."
    )
    assert refused(leaf, key, attributes + root, NOW) == (
        "The certificate chain provided is not in a valid PEM format."
    )
    assert "is not supported" in refused(leaf, attributes + key, root, NOW)


def test_parameters_of_a_curve_may_stand_before_the_key(make):
    """As ``openssl ecparam -genkey`` writes them; the key is the same without."""
    made = witness.openssl("ecparam", "-name", "prime256v1", "-genkey")
    assert "BEGIN EC PARAMETERS" in made.output
    text = made.output.encode()
    key = load_pem_private_key(text[text.index(b"-----BEGIN EC PRIVATE") :], None)
    certificate = make(NAME, own=key)
    found = importing.read(written(certificate), text, None, NOW)
    assert found.key.public_key() == key.public_key()


def test_what_was_encoded_once_too_often_is_refused(make):
    """``file://`` where ``fileb://`` was meant."""
    leaf, key = written(make(NAME)), private(make.key(NAME))
    assert importing.read(leaf, key, None, NOW)
    message = refused(base64.b64encode(leaf), key, None, NOW)
    assert message.endswith("Be sure that the certificate is in PEM format.")
    assert "is not supported" in refused(leaf, base64.b64encode(key), None, NOW)
    assert "valid PEM format" in refused(leaf, key, base64.b64encode(leaf), NOW)


def test_an_issuer_must_have_a_name(make):
    """A chain cannot lead from nowhere."""
    nameless = make(NAME, subject="", issued_by="")
    message = refused(written(nameless), private(make.key(NAME)), None, NOW)
    assert message == "The issuer of the certificate must not be empty."


@pytest.mark.parametrize(("length", "fine"), [(1000, True), (1001, False)])
def test_an_ocsp_url_has_1000_characters(make, length, fine):
    """Other locations may be as long as they like."""

    def with_url(method, size):
        url = "http://ocsp.example/".ljust(size, "x")
        location = x509.UniformResourceIdentifier(url)
        access = x509.AuthorityInformationAccess([x509.AccessDescription(method, location)])
        return make(NAME, more=[access])

    assert read(make, with_url(AuthorityInformationAccessOID.CA_ISSUERS, 2000))
    given = with_url(AuthorityInformationAccessOID.OCSP, length)
    if fine:
        assert read(make, given).certificate == given
    else:
        message = refused(written(given), private(make.key(NAME)), None, NOW)
        assert message == "The OCSP URL has at most 1000 characters: found 1001"


SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
SIGN, ENCIPHER = "digital_signature", "key_encipherment"


def uses(make, *extended, bits=(), algorithm="EC_prime256v1"):
    """Make a certificate for some uses."""
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
        "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    more = [x509.KeyUsage(**{name: name in bits for name in names})] if bits else []
    more += [x509.ExtendedKeyUsage(extended)] if extended else []
    return make(NAME, algorithm=algorithm, more=more)


def test_a_reimport_may_add_uses_and_take_some_away(make):
    """Client authentication, and key encipherment of an ECDSA key."""
    both = uses(make, SERVER, CLIENT, bits=(SIGN, ENCIPHER))
    less = uses(make, SERVER, bits=(SIGN,))
    importing.check_uses(less, both, rules.at(NOW))
    importing.check_uses(both, less, rules.at(NOW))


@pytest.mark.parametrize(
    ("day", "client", "encipher"),
    [("2025-10-21", False, False), ("2025-10-22", True, False), ("2026-04-03", True, True)],
)
def test_what_a_reimport_may_take_away_grew(make, day, client, encipher):
    """In October 2025 and in April 2026."""
    today = rules.at(datetime.fromisoformat(f"{day}T12:00:00+00:00"))
    before = uses(make, SERVER, CLIENT, bits=(SIGN, ENCIPHER))
    for fine, after in (
        (client, uses(make, SERVER, bits=(SIGN, ENCIPHER))),
        (encipher, uses(make, SERVER, CLIENT, bits=(SIGN,))),
    ):
        with nullcontext() if fine else pytest.raises(AwsError, match="may not remove"):
            importing.check_uses(before, after, today)


@pytest.mark.parametrize(
    ("before", "after", "algorithm"),
    [
        (((SERVER, CLIENT), ()), ((CLIENT,), ()), "EC_prime256v1"),
        (((SERVER,), ()), ((), ()), "EC_prime256v1"),
        (((), (SIGN, "key_agreement")), ((), (SIGN,)), "EC_prime256v1"),
        (((), (SIGN, ENCIPHER)), ((), (SIGN,)), "RSA_2048"),
    ],
)
def test_a_reimport_takes_no_other_use_away(make, before, after, algorithm):
    """Saying which."""
    made = [uses(make, *extended, bits=bits, algorithm=algorithm)
            for extended, bits in (before, after)]  # fmt: skip
    with pytest.raises(AwsError, match="may not remove key usages") as caught:
        importing.check_uses(*made, rules.at(NOW))
    assert caught.value.code == "ValidationException"


def armored(der):
    """Write DER as PEM, whatever it holds."""
    text = base64.encodebytes(der).decode()
    return f"-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n".encode()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(place=st.integers(0, 2**16), byte=st.integers(0, 255), junk=st.binary(max_size=40))
def test_whatever_is_read_only_acms_refusal_leaves(make, place, byte, junk):
    """Junk, and one's own with a byte changed anywhere in the DER."""
    leaf, root = make(NAME, "root"), make("root")
    changed = bytearray(leaf.public_bytes(Encoding.DER))
    changed[place % len(changed)] = byte
    key = private(make.key(NAME))
    for asked in (
        (armored(bytes(changed)), key, written(root)),
        (armored(junk), key, written(root)),
        (junk, key, written(root)),
        (written(leaf), junk, written(root)),
        (written(leaf), key, armored(bytes(changed))),
        (written(leaf), key, junk),
    ):
        try:
            importing.read(*asked, NOW)
        except AwsError as error:
            assert error.code == "ValidationException"
