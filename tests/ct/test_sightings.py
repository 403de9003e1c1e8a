"""What a monitor makes of one entry."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from pkilab.ct.precertificates import with_poison
from pkilab.ct.sightings import look
from pkilab.ct.signing import log_id
from pkilab.ct.structures import (
    EntryType,
    PreCert,
    TimestampedEntry,
    encode_chain,
    encode_precert_chain,
)
from pkilab.ct.submissions import Roots, read_certificate, read_precertificate
from pkilab.ct.watching import Expected, Watchlist, common_hash
from pkilab.pki import names

WATCHLIST = Watchlist(["shop.example"])  # every leaf that the fixture makes is for that name


def seen(submission, extra_data=None, watchlist=WATCHLIST):
    entry = TimestampedEntry(1_793_610_000_000, submission.signed)
    extra = submission.extra_data if extra_data is None else extra_data
    return look("one", 7, entry, extra, watchlist)


def own_key(party):
    """Return the SHA-256 of a CA's SubjectPublicKeyInfo."""
    return log_id(party.key.public_key())


@pytest.fixture
def roots(root):
    made = Roots()
    made.add(root.certificate)
    return made


def test_a_certificate_is_told_with_its_issuer(make, root, roots):
    """Names, dates, hashes; who issued it as far as a signature proves it."""
    leaf = make.party("leaf", root).certificate
    found = seen(read_certificate([leaf], roots))
    assert (found.log, found.index, found.type) == ("one", 7, EntryType.X509)
    assert (found.names, found.watched) == (("shop.example",), ("shop.example",))
    assert found.issuer == names.to_text(root.certificate.subject)
    assert found.issuer_key_hash == own_key(root)
    assert found.der == leaf.public_bytes(Encoding.DER)
    assert found.not_after == leaf.not_valid_after_utc
    assert "entry 7 of one is a certificate for shop.example by CN=Root" in found.sentence


def test_a_precertificate_is_told_like_the_certificate_to_come(make, root, presigner, roots):
    """By the CA itself or by its Precertificate Signing Certificate."""
    final = make.sign(make.builder("shop", root), root.key)
    plain = seen(read_precertificate([make.poisoned("shop", root)], roots))
    chain = [make.poisoned("shop", presigner), presigner.certificate]
    signed = seen(read_precertificate(chain, roots))
    for found, shown in ((plain, make.poisoned("shop", root)), (signed, chain[0])):
        assert found.type is EntryType.PRECERT
        assert found.issuer == "CN=Root"
        assert found.issuer_key_hash == own_key(root)
        assert found.tbs_sha256 == common_hash(final)
        assert found.der == shown.public_bytes(Encoding.DER)
    assert "is a precertificate for shop.example" in plain.sentence


def test_what_concerns_nobody_is_not_seen(make, root, roots):
    """Though the log has it."""
    leaf = read_certificate([make.party("leaf", root).certificate], roots)
    assert seen(leaf, watchlist=Watchlist(["other.example"])) is None


def test_what_the_log_shows_beside_is_not_believed_without_proof(make, root, roots):
    """A chain of somebody else's, another precertificate, nonsense: the tree's content stands."""
    other = make.party("Other", ca=True)
    leaf = read_certificate([make.party("leaf", root).certificate], roots)
    forged = encode_chain([other.certificate.public_bytes(Encoding.DER)])
    for extra in (forged, b"", b"nonsense", encode_chain([])):
        found = seen(leaf, extra)
        assert found.issuer_key_hash is None
        assert found.sha256 == seen(leaf).sha256
    precertificate = read_precertificate([make.poisoned("shop", root)], roots)
    another = make.poisoned("another", root).public_bytes(Encoding.DER)
    above = root.certificate.public_bytes(Encoding.DER)
    for extra in (encode_precert_chain(another, [above]), b"", b"nonsense"):
        found = seen(precertificate, extra)
        assert (found.der, found.sha256) == (b"", None)
        assert found.issuer_key_hash == own_key(root)


def test_an_owner_knows_certificates_by_issuer_key_or_hash(make, root, roots):
    """Each of these alone suffices, and what others have does not."""
    leaf = make.party("leaf", root).certificate
    found = seen(read_certificate([leaf], roots))
    poisoned = make.poisoned("leaf", root)
    announced = seen(read_precertificate([poisoned], roots))
    final_hash = common_hash(leaf)
    for expected, both in (
        (Expected(issuer_names=frozenset({"CN=Root"})), True),
        (Expected(issuer_keys=frozenset({own_key(root)})), True),
        (Expected(certificates=frozenset({final_hash})), True),
        (Expected(certificates=frozenset({found.sha256})), False),
        (Expected.of(issuers=[root.certificate]), True),
        (Expected.of(certificates=[leaf]), True),
    ):
        assert found.is_expected(expected)
        assert announced.is_expected(expected) is both
    for expected in (
        Expected(),
        Expected(issuer_names=frozenset({"CN=Other"})),
        Expected(issuer_keys=frozenset({bytes(32)})),
        Expected(certificates=frozenset({bytes(32)})),
        Expected.of(issuers=[leaf], certificates=[root.certificate]),
    ):
        assert not found.is_expected(expected)


def test_a_rogue_ca_of_the_same_name_is_told_apart_by_its_key(make, root):
    """Which the name alone does not do."""
    certificate = make.sign(
        x509.CertificateBuilder(
            issuer_name=root.certificate.subject,
            subject_name=root.certificate.subject,
            public_key=make.key("rogue").public_key(),
            serial_number=9,
            not_valid_before=root.certificate.not_valid_before_utc,
            not_valid_after=root.certificate.not_valid_after_utc,
        ).add_extension(x509.BasicConstraints(True, None), critical=True),
        make.key("rogue"),
    )
    rogue = type(root)(certificate, make.key("rogue"))
    roots = Roots()
    roots.add(rogue.certificate)
    found = seen(read_certificate([make.party("leaf", rogue).certificate], roots))
    assert found.is_expected(Expected(issuer_names=frozenset({"CN=Root"})))
    assert not found.is_expected(Expected(issuer_keys=frozenset({own_key(root)})))


def test_what_cannot_be_read_is_told_and_never_expected(make, root):
    """A certificate that mentions a watched name in a broken extension."""
    broken = x509.UnrecognizedExtension(
        x509.SubjectAlternativeName.oid, b"\x30\x0e\x82\x0dshop.example"
    )
    made = make.builder("leaf", root, bare=True).add_extension(broken, critical=False)
    leaf = make.sign(made, root.key).public_bytes(Encoding.DER)
    for signed in (leaf, b"shop.example", PreCert(bytes(32), b"shop.example")):
        found = look("one", 7, TimestampedEntry(1, signed), b"", WATCHLIST)
        assert found.trouble
        assert found.names == ()
        assert "cannot be read" in found.sentence
        assert not found.is_expected(Expected(issuer_keys=frozenset({bytes(32)})))


@given(st.binary(max_size=60), st.binary(max_size=60), st.booleans())
def test_nothing_in_an_entry_stops_a_monitor(signed, extra, is_precert):
    """Any bytes are at most a sighting that says so."""
    entry = PreCert(bytes(32), signed) if is_precert else signed
    found = look("one", 7, TimestampedEntry(1, entry), extra, WATCHLIST)
    assert found.trouble


@given(st.data())
def test_no_change_of_one_byte_in_a_certificate_stops_a_monitor(make, root, data):
    """It is seen, seen with trouble, or not seen."""
    whole = make.sign(with_poison(make.builder("shop", root)), root.key)
    changed = bytearray(whole.tbs_certificate_bytes)
    at = data.draw(st.integers(0, len(changed) - 1))
    changed[at] = data.draw(st.integers(0, 255))
    entry = TimestampedEntry(1, PreCert(bytes(32), bytes(changed)))
    found = look("one", 7, entry, b"", WATCHLIST)
    assert found is None or found.trouble or found.names
