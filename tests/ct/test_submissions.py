"""What a log accepts: chains up to its roots, and nothing about the leaf but its poison."""

import hashlib
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pkilab.ct.precertificates import entry_for_certificate, with_poison
from pkilab.ct.structures import PreCert, decode_chain, decode_precert_chain
from pkilab.ct.submissions import LONGEST_CHAIN, Roots, read_certificate, read_precertificate
from pkilab.errors import CtError
from pkilab.pki import _der, names
from pkilab.pki._signatures import is_issued_by


@pytest.fixture
def roots(root):
    made = Roots()
    made.add(root.certificate)
    return made


def der(certificate):
    return certificate.public_bytes(Encoding.DER)


def test_the_whole_chain_is_stored_the_root_included(make, root, roots):
    """Whether it was handed in with the root or without."""
    between = make.party("Between", root, ca=True)
    leaf = make.party("leaf", between)
    short = read_certificate([leaf.certificate, between.certificate], roots)
    whole = read_certificate([leaf.certificate, between.certificate, root.certificate], roots)
    assert short == whole
    assert short.signed == der(leaf.certificate)
    assert decode_chain(short.extra_data) == (der(between.certificate), der(root.certificate))


def test_a_root_itself_is_taken_and_another_is_not(make, root, roots):
    """As a certificate: of a precertificate there would be no issuer."""
    assert read_certificate([root.certificate], roots).signed == der(root.certificate)
    with pytest.raises(CtError, match="expected one up to a root that this log accepts"):
        read_certificate([make.party("Other root", ca=True).certificate], roots)


def test_a_precertificate_is_signed_for_as_the_certificate_to_come(make, root, roots):
    """Without poison, by its issuer's key; it is itself in the chain beside."""
    poisoned = make.poisoned("shop", root)
    found = read_precertificate([poisoned], roots)
    final = make.sign(make.builder("shop", root), root.key)
    assert found.signed == entry_for_certificate(final, root.certificate)
    assert decode_precert_chain(found.extra_data) == (der(poisoned), (der(root.certificate),))


def test_a_precertificate_signing_certificate_stands_for_its_ca(make, root, presigner, roots):
    """The entry is the CA's own."""
    poisoned = make.poisoned("shop", presigner)
    found = read_precertificate([poisoned, presigner.certificate], roots)
    final = make.sign(make.builder("shop", root), root.key)
    assert isinstance(found.signed, PreCert)
    assert found.signed == entry_for_certificate(final, root.certificate)


def test_poison_decides_which_of_the_two_calls_takes_it(make, root, roots):
    """And only the first of a chain may have it (erratum 3686)."""
    poisoned, plain = make.poisoned("shop", root), make.party("leaf", root).certificate
    with pytest.raises(CtError, match="poison in CN=shop"):
        read_certificate([poisoned], roots)
    with pytest.raises(CtError, match="expected a precertificate"):
        read_precertificate([plain], roots)
    ca = make.builder("Poisoned CA", root, ca=True)
    bad = make.sign(with_poison(ca), root.key)
    signer = type(root)(bad, make.key("Poisoned CA"))
    below = make.party("below", signer).certificate
    with pytest.raises(CtError, match="poison in CN=Poisoned CA"):
        read_certificate([below, bad], roots)


def test_dates_are_not_looked_at(make, root, roots):
    """RFC 6962, 3.1: expired certificates may be logged."""
    ended = make.party("ended", root, days=1)
    assert read_certificate([ended.certificate], roots)


def test_each_must_be_signed_by_the_next(make, root, roots):
    """By its name and by its key; in this order."""
    between = make.party("Between", root, ca=True)
    leaf = make.party("leaf", between).certificate
    for chain in (
        [leaf],
        [leaf, root.certificate],
        [between.certificate, leaf],
        [leaf, between.certificate, between.certificate],
    ):
        with pytest.raises(CtError):
            read_certificate(chain, roots)
    forged = type(root)(between.certificate, make.key("somebody else's"))
    with pytest.raises(CtError, match="which did not sign CN=forged"):
        read_certificate([make.party("forged", forged).certificate, between.certificate], roots)


def test_only_cas_issue(make, root, roots):
    """A server certificate's key signs nothing that is logged."""
    server = make.party("server", root)
    below = make.party("below", server).certificate
    with pytest.raises(CtError, match="expected a CA as issuer"):
        read_certificate([below, server.certificate], roots)
    with pytest.raises(CtError, match="expected the certificate of a CA"):
        roots.add(server.certificate)


def test_signatures_over_sha1_count_for_none(make, root):
    """A chain that anyone could forge is no chain; the same over SHA-256 is one."""
    key = make.key("log 2", "RSA_2048")
    name, start = names.subject("CN=Old root"), root.certificate.not_valid_before_utc
    certificate = make.sign(
        x509.CertificateBuilder(
            issuer_name=name,
            subject_name=name,
            public_key=key.public_key(),
            serial_number=7,
            not_valid_before=start,
            not_valid_after=start + timedelta(days=9),
        ).add_extension(x509.BasicConstraints(True, None), critical=True),
        key,
    )
    roots = Roots()
    roots.add(certificate)
    strong = make.party("leaf", type(root)(certificate, key)).certificate
    assert read_certificate([strong], roots)
    weak = over_sha1(strong, key)
    assert is_issued_by(weak, certificate)
    with pytest.raises(CtError, match="a chain that ends at CN=leaf"):
        read_certificate([weak], roots)


def over_sha1(certificate, key):
    """Sign a certificate anew with RSA over SHA-1, which cryptography does not."""
    sha256, sha1 = (bytes.fromhex(f"2a864886f70d0101{end}") for end in ("0b", "05"))
    tbs = certificate.tbs_certificate_bytes.replace(sha256, sha1)
    (outer,) = _der.elements(der(certificate))
    algorithm = _der.elements(outer.contents)[1].whole.replace(sha256, sha1)
    hashed = hashlib.sha1(tbs).digest()  # noqa: S324 - the refusal
    info = bytes.fromhex("3021300906052b0e03021a05000414") + hashed  # RFC 8017, 9.2
    padded = b"\0\1" + b"\xff" * (256 - 3 - len(info)) + b"\0" + info
    numbers = key.private_numbers()
    signature = pow(int.from_bytes(padded), numbers.d, numbers.public_numbers.n).to_bytes(256)
    whole = _der.encode(0x30, [tbs, algorithm, _der.encode(0x03, [b"\0", signature])])
    return x509.load_der_x509_certificate(whole)


def test_none_and_too_many_are_refused(make, root, roots):
    """A stranger decides how much work a log has."""
    leaf = make.party("leaf", root).certificate
    for chain in ([], [leaf] * (LONGEST_CHAIN + 1)):
        with pytest.raises(CtError, match="expected 1 to 10"):
            read_certificate(chain, roots)
    with pytest.raises(CtError):
        read_precertificate([], roots)


def test_roots_are_kept_in_order_and_once(make, root):
    """As get-roots shows them."""
    other = make.party("Other root", ca=True).certificate
    roots = Roots()
    for each in (root.certificate, other, root.certificate):
        roots.add(each)
    assert list(roots) == [root.certificate, other]
    assert root.certificate in roots
    assert make.party("leaf", root).certificate not in roots


def test_roots_of_one_name_are_told_apart_by_their_keys(make, root):
    """A CA that has changed its key keeps its name."""
    old = make.sign(
        x509.CertificateBuilder(
            issuer_name=root.certificate.subject,
            subject_name=root.certificate.subject,
            public_key=make.key("old root").public_key(),
            serial_number=7,
            not_valid_before=root.certificate.not_valid_before_utc,
            not_valid_after=root.certificate.not_valid_after_utc,
        ).add_extension(x509.BasicConstraints(True, None), critical=True),
        make.key("old root"),
    )
    roots = Roots()
    roots.add(old)
    roots.add(root.certificate)
    found = read_certificate([make.party("leaf", root).certificate], roots)
    assert decode_chain(found.extra_data) == (der(root.certificate),)
