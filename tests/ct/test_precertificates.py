"""Precertificates and embedded SCTs: outside pairs, OpenSSL and pkilint as witnesses, refusals."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID
from hypothesis import given
from hypothesis import strategies as st

from pkilab.ct import _tbs
from pkilab.ct.merkle import leaf_hash
from pkilab.ct.precertificates import (
    entry_for_certificate,
    entry_for_precertificate,
    is_precertificate,
    is_precertificate_signer,
    issue_logged,
    sct_list_of,
    scts_of,
    verify_correspondence,
    verify_embedded,
    with_poison,
    with_scts,
)
from pkilab.ct.signing import log_id
from pkilab.ct.structures import (
    DigitallySigned,
    Sct,
    TimestampedEntry,
    encode_leaf_index,
    encode_sct_list,
    merkle_leaf,
)
from pkilab.errors import CtError, MalformedError
from pkilab.pki import _der

SCT_LIST = ExtensionOID.PRECERT_SIGNED_CERTIFICATE_TIMESTAMPS
SCT = Sct(bytes(32), 1, b"", DigitallySigned(4, 3, b"s"))


def load(text: str) -> x509.Certificate:
    return x509.load_der_x509_certificate(b64decode(text))


def keys_of(logs) -> dict:
    """Return the public keys of logs by their IDs."""
    return {log_id(each.public_key()): each.public_key() for each in logs}


def public(logs) -> list:
    return [each.public_key() for each in logs]


def with_extension(make, root, value: bytes, *, oid=SCT_LIST, critical=False) -> x509.Certificate:
    """Return a certificate with a raw extension."""
    extension = x509.UnrecognizedExtension(oid, value)
    made = make.builder("raw", root).add_extension(extension, critical=critical)
    return make.sign(made, root.key)


def with_two_lists(certificate: x509.Certificate) -> x509.Certificate:
    """Return the certificate with its last extension twice, which no library would write."""
    tbs, *rest = _der.elements(_der.elements(certificate.public_bytes(Encoding.DER))[0].contents)
    *fields, tagged = _der.elements(tbs.contents)
    extensions = _der.elements(_der.elements(tagged.contents)[0].contents)
    sequence = _der.encode(_der.SEQUENCE, [each.whole for each in (*extensions, extensions[-1])])
    parts = [*(each.whole for each in fields), _der.encode(tagged.tag, [sequence])]
    changed = [_der.encode(_der.SEQUENCE, parts), *(each.whole for each in rest)]
    return x509.load_der_x509_certificate(_der.encode(_der.SEQUENCE, changed))


def test_extension_numbers_are_those_of_cryptography(make, root) -> None:
    made = make.poisoned("shop.example", root)
    final = make.sign(with_scts(make.builder("shop.example", root), [SCT]), root.key)
    assert made.extensions.get_extension_for_class(x509.PrecertPoison).critical
    assert _tbs.extension(made, _tbs.POISON).value == b"\5\0"
    known = final.extensions.get_extension_for_class(x509.PrecertificateSignedCertificateTimestamps)
    assert not known.critical
    assert known.value.public_bytes() == _tbs.extension(final, _tbs.SCT_LIST).value
    authority = final.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
    found = _tbs.extension(final, _tbs.AUTHORITY_KEY_IDENTIFIER)
    assert found.value == authority.value.public_bytes()


def test_cryptography_reads_the_scts_we_embed(make, root, log_keys, now) -> None:
    """The parser inside ``cryptography`` (Rust) as an outside reader."""
    _, final = make.logged("shop.example", root, log_keys)
    theirs = final.extensions.get_extension_for_class(
        x509.PrecertificateSignedCertificateTimestamps
    ).value
    ours = scts_of(final)
    assert [each.log_id for each in theirs] == [each.log_id for each in ours]
    assert {each.timestamp.replace(tzinfo=now.tzinfo) for each in theirs} == {now}
    assert [each.signature for each in theirs] == [each.signature.signature for each in ours]
    assert all(
        each.entry_type is x509.certificate_transparency.LogEntryType.PRE_CERTIFICATE
        for each in theirs
    )


@pytest.mark.filterwarnings("ignore:Parsed a serial number")  # the test CA's is 0
def test_leaf_hashes_are_those_of_certificate_transparency_go(known_answers) -> None:
    known = known_answers["leaf_hash_x509"]
    sct = Sct.decode(b64decode(known["sct"]))
    leaf = merkle_leaf(sct.entry(b64decode(known["cert"])))
    assert leaf_hash(leaf) == b64decode(known["want_b64"])
    known = known_answers["leaf_hash_precert"]
    sct = Sct.decode(b64decode(known["sct"]))
    entry = entry_for_precertificate(load(known["precert"]), load(known["issuer"]))
    assert leaf_hash(merkle_leaf(sct.entry(entry))) == b64decode(known["want_b64"])


def test_pairs_of_lets_encrypt_correspond_as_boulder_says(known_answers) -> None:
    """Boulder's precert package: pairs that correspond, and pairs that do not."""
    verdicts = []
    for pair in known_answers["precert_final_pairs"]:
        try:
            verify_correspondence(load(pair["precert"]), load(pair["final"]))
        except CtError:
            verdicts.append((pair["id"], False))
        else:
            verdicts.append((pair["id"], True))
    assert verdicts == [(p["id"], p["correspond"]) for p in known_answers["precert_final_pairs"]]


def test_precertificate_and_certificate_give_one_entry(make, root, log_keys) -> None:
    precertificate, final = make.logged("shop.example", root, log_keys)
    assert is_precertificate(precertificate)
    assert not is_precertificate(final)
    assert precertificate.serial_number == final.serial_number
    announced = entry_for_precertificate(precertificate, root.certificate)
    assert announced == entry_for_certificate(final, root.certificate)
    plain = make.sign(make.builder("shop.example", root), root.key)
    assert announced.tbs == plain.tbs_certificate_bytes
    spki = root.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert announced.issuer_key_hash == sha256(spki).digest()
    verify_correspondence(precertificate, final)


def test_every_embedded_sct_holds_for_us_and_for_openssl(
    make, root, log_keys, openssl_ct, now
) -> None:
    """OpenSSL's libcrypto validates the SCTs of an ECDSA and of an RSA log."""
    _, final = make.logged("shop.example", root, log_keys)
    verdicts = verify_embedded(final, root.certificate, keys_of(log_keys), now)
    assert [(each.holds, each.reason) for each in verdicts] == [(True, ""), (True, "")]
    assert openssl_ct(final, root.certificate, public(log_keys), now) == ["valid", "valid"]


def test_an_sct_with_extensions_holds_for_us_and_for_openssl(
    make, root, log_keys, openssl_ct, now
) -> None:
    """As static-ct logs make them: the leaf index is signed and embedded."""
    signer = log_keys[0]

    def submit(precertificate: x509.Certificate) -> list[Sct]:
        entry = entry_for_precertificate(precertificate, root.certificate)
        return [make.promise(signer, entry, encode_leaf_index(70_000))]

    start = make.builder("tiled.example", root)
    _, final = issue_logged(start, lambda made: make.sign(made, root.key), submit)
    (verdict,) = verify_embedded(final, root.certificate, keys_of(log_keys), now)
    assert verdict.holds
    assert openssl_ct(final, root.certificate, public(log_keys), now) == ["valid"]


def test_a_spoiled_sct_is_refused_by_us_and_by_openssl(
    make, root, log_keys, openssl_ct, now
) -> None:
    def spoil(scts: list[Sct]) -> list[Sct]:
        later = replace(scts[1], timestamp=scts[1].timestamp - 1)
        return [scts[0], later]

    _, final = make.logged("shop.example", root, log_keys, change=spoil)
    good, bad = verify_embedded(final, root.certificate, keys_of(log_keys), now)
    assert good.holds
    assert (bad.holds, bad.sct.log_id) == (False, log_id(log_keys[1].public_key()))
    assert "signature of the SCT" in bad.reason
    assert openssl_ct(final, root.certificate, public(log_keys), now) == ["valid", "invalid"]


def test_scts_of_unknown_logs_and_of_the_future_are_named(
    make, root, log_keys, openssl_ct, now
) -> None:
    """Where OpenSSL has a word of its own for it, it uses that."""
    _, final = make.logged("shop.example", root, log_keys)
    known = log_keys[:1]
    first, second = verify_embedded(final, root.certificate, keys_of(known), now)
    assert first.holds
    assert second.reason.startswith("no log known has the ID")
    assert openssl_ct(final, root.certificate, public(known), now) == ["valid", "unknown log"]
    early = now - timedelta(seconds=1)
    verdicts = verify_embedded(final, root.certificate, keys_of(log_keys), early)
    assert all("in the future" in each.reason for each in verdicts)
    assert openssl_ct(final, root.certificate, public(log_keys), early) == ["invalid", "invalid"]


def test_no_sct_holds_with_another_issuer(make, root, log_keys, openssl_ct, now) -> None:
    """The entry has the issuer's key in it: RFC 6962, 3.2."""
    other = make.party("Other root", ca=True)
    _, final = make.logged("shop.example", root, log_keys)
    verdicts = verify_embedded(final, other.certificate, keys_of(log_keys), now)
    assert not any(each.holds for each in verdicts)
    assert openssl_ct(final, other.certificate, public(log_keys), now) == ["invalid", "invalid"]


def test_an_sct_for_another_certificate_does_not_hold(make, root, log_keys, now) -> None:
    _, final = make.logged("shop.example", root, log_keys)
    stolen = with_scts(make.builder("evil.example", root), scts_of(final))
    verdicts = verify_embedded(
        make.sign(stolen, root.key), root.certificate, keys_of(log_keys), now
    )
    assert [each.holds for each in verdicts] == [False, False]


def test_a_signing_certificate_gives_the_entry_of_the_final_certificate(
    make, root, presigner, log_keys, openssl_ct, now
) -> None:
    """RFC 6962, 3.2: issuer and authority key identifier are the final issuer's."""
    precertificate = make.poisoned("shop.example", presigner)
    assert precertificate.issuer == presigner.certificate.subject
    entry = entry_for_precertificate(precertificate, presigner.certificate, root.certificate)
    scts = [make.promise(each, entry) for each in log_keys]
    final = make.sign(with_scts(make.builder("shop.example", root), scts), root.key)
    assert entry == entry_for_certificate(final, root.certificate)
    verify_correspondence(precertificate, final, presigner.certificate)
    assert all(each.holds for each in verify_embedded(final, root.certificate, keys_of(log_keys)))
    assert openssl_ct(final, root.certificate, public(log_keys), now) == ["valid", "valid"]
    with pytest.raises(CtError, match="TBSCertificate without SCT list"):
        verify_correspondence(precertificate, final)


def test_what_signs_precertificates_is_a_ca_with_that_usage(make, root, presigner) -> None:
    usage = (ExtendedKeyUsageOID.CERTIFICATE_TRANSPARENCY,)
    assert is_precertificate_signer(presigner.certificate)
    assert not is_precertificate_signer(root.certificate)
    assert not is_precertificate_signer(make.party("leaf", root, usages=usage).certificate)


def test_a_usage_that_cannot_be_read_makes_no_signer(make, root) -> None:
    broken = with_extension(make, root, b"\x30\x03", oid=ExtensionOID.EXTENDED_KEY_USAGE)
    assert not is_precertificate_signer(broken)


def test_an_authority_key_identifier_needs_one_to_replace_it(make, root) -> None:
    usage = (ExtendedKeyUsageOID.CERTIFICATE_TRANSPARENCY,)
    without = make.party("Presigner 2", root, ca=True, usages=usage, identifiers=False)
    precertificate = make.poisoned("shop.example", without)
    with pytest.raises(CtError, match="authority key identifier of the signer: found none"):
        entry_for_precertificate(precertificate, without.certificate, root.certificate)
    bare = make.poisoned("shop.example", without, identifiers=False)
    entry = entry_for_precertificate(bare, without.certificate, root.certificate)
    final = make.sign(make.builder("shop.example", root, identifiers=False), root.key)
    assert entry.tbs == final.tbs_certificate_bytes


def test_the_final_issuer_is_asked_for_when_needed_and_only_then(make, root, presigner) -> None:
    precertificate = make.poisoned("shop.example", presigner)
    direct = make.poisoned("shop.example", root)
    other = make.party("Other root", ca=True)
    for arguments, words in [
        ((precertificate, presigner.certificate), "final issuer: found none"),
        ((precertificate, presigner.certificate, other.certificate), "final issuer: found another"),
        ((direct, root.certificate, root.certificate), "final issuer: found one, expected none"),
        ((root.certificate, root.certificate), "found one that is none"),
    ]:
        with pytest.raises(CtError, match=words):
            entry_for_precertificate(*arguments)
    with pytest.raises(CtError, match="found a precertificate"):
        entry_for_certificate(direct, root.certificate)


def test_no_extensions_left_means_no_extensions_field(make, root, log_keys) -> None:
    """RFC 5280, 4.1: at least one; of version 3, which the version field still says."""
    precertificate, final = make.logged("shop.example", root, log_keys, bare=True)
    entry = entry_for_precertificate(precertificate, root.certificate)
    assert entry == entry_for_certificate(final, root.certificate)
    fields = _der.elements(_der.elements(entry.tbs)[0].contents)
    assert [each.tag for each in fields][-1] == 0x30  # the key is the last field
    assert 0xA3 not in {each.tag for each in fields}
    plain = make.sign(make.builder("shop.example", root, bare=True), root.key)
    assert final.extensions.get_extension_for_class(x509.PrecertificateSignedCertificateTimestamps)
    assert scts_of(plain) == ()
    assert entry_for_certificate(plain, root.certificate).tbs == plain.tbs_certificate_bytes


def test_two_that_differ_in_more_do_not_correspond(make, root, log_keys) -> None:
    precertificate, final = make.logged("shop.example", root, log_keys)
    longer = make.sign(make.builder("shop.example", root, days=91), root.key)
    for pair, words in [
        ((precertificate, longer), "TBSCertificate without SCT list: found a different one"),
        ((final, precertificate), "pair: found another"),
        ((precertificate, precertificate), "pair: found another"),
        ((final, final), "pair: found another"),
    ]:
        with pytest.raises(CtError, match=words):
            verify_correspondence(*pair)


def test_a_signer_that_changes_its_mind_is_seen(make, root, log_keys) -> None:
    """`issue_logged` compares what was announced with what was issued."""
    signed = []

    def sign(made: x509.CertificateBuilder) -> x509.Certificate:
        signed.append(made)
        return make.sign(
            made
            if len(signed) == 1
            else with_scts(make.builder("shop.example", root, days=397), [SCT]),
            root.key,
        )

    with pytest.raises(CtError, match="TBSCertificate"):
        issue_logged(make.builder("shop.example", root), sign, lambda _: [SCT])


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (b"\4\0", "SCT list"),
        (b"\4\2\0\0", "SCT list: found a vector of 0 bytes"),
        (b"\x30\0", "SCT list: found another value, expected an OCTET STRING"),
        (b"\4\0\4\0", "SCT list: found another value"),
        (b"\4", "DER"),
        (b"", "SCT list: found another value"),
        (_der.encode(4, [encode_sct_list([SCT]) + b"\0"]), "bytes after its end"),
    ],
)
def test_a_list_that_is_none_is_malformed(value: bytes, words: str, make, root) -> None:
    certificate = with_extension(make, root, value)
    with pytest.raises(MalformedError, match=words):
        scts_of(certificate)
    with pytest.raises(MalformedError, match=words):
        verify_embedded(certificate, root.certificate, {})


def test_a_broken_sct_says_nothing_of_its_neighbour(make, root, log_keys, now) -> None:
    _, final = make.logged("shop.example", root, log_keys[:1])
    (good,) = scts_of(final)
    one = good.encode()
    parts = len(one).to_bytes(2) + one + b"\0\3\1v2" + b"\0\2\0\0"
    value = _der.encode(4, [len(parts).to_bytes(2) + parts])
    certificate = make.sign(
        make.builder("shop.example", root).add_extension(
            x509.UnrecognizedExtension(SCT_LIST, value), critical=False
        ),
        root.key,
    )
    first, other_version, cut = verify_embedded(
        certificate, root.certificate, keys_of(log_keys), now
    )
    assert first.holds
    assert (other_version.sct, cut.sct) == (None, None)
    assert "version byte 1" in other_version.reason
    assert "SCT: found" in cut.reason


def test_a_poison_counts_only_as_the_rfc_has_it(make, root) -> None:
    """Critical, and NULL: RFC 6962, 3.1. Any other is not taken for a certificate either."""
    poison = ExtensionOID.PRECERT_POISON
    for value, critical in [(b"\5\0", False), (b"\4\0", True)]:
        certificate = with_extension(make, root, value, oid=poison, critical=critical)
        assert not is_precertificate(certificate)
        with pytest.raises(CtError):
            entry_for_precertificate(certificate, root.certificate)
        with pytest.raises(CtError, match="found a precertificate"):
            entry_for_certificate(certificate, root.certificate)


def test_an_extension_that_is_there_twice_is_refused(make, root) -> None:
    value = _der.encode(4, [encode_sct_list([SCT])])
    certificate = with_two_lists(with_extension(make, root, value))
    for ask in (scts_of, sct_list_of, lambda c: entry_for_certificate(c, root.certificate)):
        with pytest.raises(
            MalformedError, match=r"extension 1\.3\.6\.1\.4\.1\.11129\.2\.4\.2: found several"
        ):
            ask(certificate)


@given(value=st.binary(max_size=60))
def test_no_other_error_leaves_an_embedded_list(value: bytes, make, root) -> None:
    """Whatever stands in the extension of a certificate that loads."""
    certificate = with_extension(make, root, value)
    try:
        verify_embedded(certificate, root.certificate, {})
    except MalformedError:
        return
    assert sct_list_of(certificate) is not None


def linted(certificate: x509.Certificate) -> set[str]:
    """Return the codes of what pkilint finds against RFC 5280 and RFC 6962, at any severity."""
    from pkilint import loader
    from pkilint.pkix import certificate as lint
    from pkilint.pkix import extension, name

    validator = lint.create_pkix_certificate_validator_container(
        lint.create_decoding_validators(name.ATTRIBUTE_TYPE_MAPPINGS, extension.EXTENSION_MAPPINGS),
        [lint.create_extensions_validator_container([])],
    )
    der = certificate.public_bytes(Encoding.DER)
    document = loader.RFC5280CertificateDocumentLoader().load_der_document(der, "certificate")
    return {
        found.finding.code
        for result in validator.validate(document.root)
        for found in result.finding_descriptions
    }


def test_pkilint_has_no_more_to_say_of_a_logged_certificate(make, root, log_keys) -> None:
    """The partners: a list that is none, and poison beside a list."""
    precertificate, final = make.logged("shop.example", root, log_keys)
    plain = linted(make.sign(make.builder("shop.example", root), root.key))
    assert linted(final) == linted(precertificate) == plain
    broken = with_extension(make, root, _der.encode(4, [b"\0\x60" + bytes(64)]))
    assert linted(broken) - plain == {"pkix.sct_list_extension_invalid_encoding"}
    both = make.sign(with_poison(with_scts(make.builder("shop.example", root), [SCT])), root.key)
    assert linted(both) - plain == {"pkix.ct_precert_poison_and_sctlist_extensions_present"}


def test_a_certificate_without_scts_has_none(make, root) -> None:
    plain = make.sign(make.builder("shop.example", root), root.key)
    assert scts_of(plain) == ()
    assert sct_list_of(plain) is None
    assert verify_embedded(plain, root.certificate, {}) == ()


def test_too_many_scts_for_a_list_are_refused(make, root) -> None:
    big = replace(SCT, extensions=bytes(60_000))
    for scts, words in [([], "SCT list: found 0 bytes"), ([big, big], "SCT list: found 12")]:
        with pytest.raises(MalformedError, match=words):
            with_scts(make.builder("shop.example", root), scts)


def test_poison_makes_a_certificate_unusable(make, root) -> None:
    """It is critical, and no verifier knows it: that is its purpose (RFC 6962, 3.1)."""
    made = with_poison(make.builder("shop.example", root))
    assert (
        make.sign(made, root.key)
        .extensions.get_extension_for_oid(ExtensionOID.PRECERT_POISON)
        .critical
    )


def test_an_x509_entry_is_the_whole_certificate(make, root, log_keys) -> None:
    """For SCTs that come by TLS or OCSP: entry type 0, over the final certificate."""
    _, final = make.logged("shop.example", root, log_keys)
    der = final.public_bytes(Encoding.DER)
    sct = make.promise(log_keys[0], der)
    assert sct.entry(der) == TimestampedEntry(sct.timestamp, der)
