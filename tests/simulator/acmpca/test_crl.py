import subprocess
import time
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pkilint import loader, pkix
from pkilint.pkix import crl as crl_lint
from pkilint.pkix import extension, name

from pkilab.simulator.acmpca.crl import REASONS, build_crl, crl_entry
from pkilab.simulator.acmpca.state import Revocation

START = datetime(2026, 11, 2, 9, tzinfo=UTC)
WEEK = timedelta(days=7)


def make(authority, entries, *, number=1, at=START, idp_url=None):
    return build_crl(
        authority.certificate,
        authority.key,
        authority.configuration["SigningAlgorithm"],
        entries,
        number=number,
        this_update=at,
        next_update=at + WEEK,
        idp_url=idp_url,
    )


def openssl(*arguments, data=None):
    run = subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=False)
    return run.returncode, (run.stdout + run.stderr).decode(errors="replace")


def pkilint_findings(der):
    """Everything pkilint says about a CRL, at any severity."""
    validator = crl_lint.create_pkix_crl_validator_container(
        [
            pkix.create_attribute_decoder(name.ATTRIBUTE_TYPE_MAPPINGS),
            pkix.create_extension_decoder(extension.EXTENSION_MAPPINGS),
        ],
        [
            crl_lint.create_issuer_validator_container([]),
            crl_lint.create_validity_validator_container([]),
            crl_lint.create_extensions_validator_container([]),
        ],
    )
    document = loader.RFC5280CertificateListDocumentLoader().load_der_document(der, "crl")
    results = validator.validate(document.root)
    return [finding.finding.code for result in results for finding in result.finding_descriptions]


@pytest.mark.parametrize(
    ("algorithm", "signing"),
    [
        ("EC_prime256v1", "SHA256WITHECDSA"),
        ("EC_secp384r1", "SHA384WITHECDSA"),
        ("EC_secp521r1", "SHA512WITHECDSA"),
        ("RSA_2048", "SHA256WITHRSA"),
        ("ML_DSA_44", "ML_DSA_44"),
    ],
)
def test_a_crl_is_signed_by_the_ca_and_by_no_other(bench, algorithm, signing):
    """For every kind of key."""
    authority = bench.authority(algorithm=algorithm, signing=signing)
    loaded = x509.load_der_x509_crl(
        make(authority, [crl_entry(7, Revocation(START, "SUPERSEDED"))])
    )
    assert loaded.is_signature_valid(authority.key.public_key())
    other = bench.authority(algorithm=algorithm, signing=signing)
    assert not loaded.is_signature_valid(other.key.public_key())


def test_openssl_verifies_a_crl_and_refuses_another_cas(bench, tmp_path):
    """`openssl crl -verify`."""
    authority, other = bench.authority(), bench.authority()
    der = make(authority, [])
    for ca, verdict in ((authority, "verify OK"), (other, "verify failure")):
        (tmp_path / "ca.pem").write_bytes(ca.certificate.public_bytes(Encoding.PEM))
        arguments = ("crl", "-inform", "DER", "-noout", "-verify", "-CAfile", tmp_path / "ca.pem")
        shown = openssl(*arguments, data=der)[1]
        if ca is authority:
            assert verdict in shown
        else:
            assert "verify OK" not in shown


def test_openssl_verify_refuses_a_revoked_leaf_and_accepts_its_sibling(bench, tmp_path):
    """`openssl verify -crl_check_all`, at the lab's time."""
    authority = bench.authority()
    good, bad = bench.issue(authority, 0x11), bench.issue(authority, 0x12)
    der = make(authority, [crl_entry(bad.serial, Revocation(START, "KEY_COMPROMISE"))])
    crl = x509.load_der_x509_crl(der)
    (tmp_path / "ca.pem").write_bytes(authority.certificate.public_bytes(Encoding.PEM))
    (tmp_path / "crl.pem").write_bytes(crl.public_bytes(Encoding.PEM))
    verdicts = {}
    for issued in (good, bad):
        (tmp_path / "leaf.pem").write_bytes(issued.certificate.public_bytes(Encoding.PEM))
        at = str(int((START + timedelta(hours=1)).timestamp()))
        verdicts[issued.serial] = openssl(
            "verify", "-crl_check_all", "-attime", at, "-CAfile", tmp_path / "ca.pem",
            "-CRLfile", tmp_path / "crl.pem", tmp_path / "leaf.pem",
        )  # fmt: skip
    assert verdicts[good.serial][0] == 0
    assert "certificate revoked" in verdicts[bad.serial][1]


@pytest.mark.parametrize("idp_url", [None, "http://lab-crl.s3.us-east-1.amazonaws.com/crl/x/y.crl"])
def test_pkilint_has_nothing_to_say(bench, idp_url):
    """Complete and partitioned."""
    entries = [crl_entry(n, Revocation(START, reason)) for n, reason in enumerate(REASONS, 1)]
    assert pkilint_findings(make(bench.authority(), entries, idp_url=idp_url)) == []


def test_pkilint_would_say_something(bench):
    """The linter is awake: it objects to a CRL of version 1."""
    authority = bench.authority()
    bare = x509.CertificateRevocationListBuilder(authority.certificate.subject, START, START + WEEK)
    der = bare.sign(authority.key, hashes.SHA256()).public_bytes(Encoding.DER)
    assert pkilint_findings(der)


def test_a_crl_carries_what_private_ca_puts_in(bench):
    """Authority key identifier and number, nothing else; whole seconds."""
    authority = bench.authority()
    late = START.replace(microsecond=999_999)
    loaded = x509.load_der_x509_crl(make(authority, [], number=1_767_603_600_123, at=late))
    own = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    identifier, number = loaded.extensions
    assert identifier.value.key_identifier == own.value.digest
    assert number.value.crl_number == 1_767_603_600_123
    assert (identifier.critical, number.critical) == (False, False)
    assert loaded.issuer == authority.certificate.subject
    assert (loaded.last_update_utc, loaded.next_update_utc) == (START, START + WEEK)


def test_a_ca_without_a_key_identifier_is_named_by_its_keys_hash(bench):
    """SHA-1 of the public key."""
    authority = bench.authority(subject_key_id=False)
    loaded = x509.load_der_x509_crl(make(authority, []))
    found = loaded.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    expected = x509.SubjectKeyIdentifier.from_public_key(authority.key.public_key()).digest
    assert found.key_identifier == expected


def test_a_partitions_crl_names_its_distribution_point_critically(bench):
    """Issuing Distribution Point with the certificate's URL; a complete CRL has none."""
    url = "http://crl.lab.test/crl/a/b.crl"
    loaded = x509.load_der_x509_crl(make(bench.authority(), [], idp_url=url))
    found = loaded.extensions.get_extension_for_class(x509.IssuingDistributionPoint)
    assert found.critical
    assert [each.value for each in found.value.full_name] == [url]
    assert len(x509.load_der_x509_crl(make(bench.authority(), [])).extensions) == 2


@pytest.mark.parametrize(("reason", "flag"), REASONS.items())
def test_each_reason_is_written_unspecified_by_silence(reason, flag):
    """RFC 5280 section 5.3.1."""
    entry = crl_entry(5, Revocation(START, reason))
    if reason == "UNSPECIFIED":
        assert len(entry.extensions) == 0
    else:
        (found,) = entry.extensions
        assert (found.value.reason, found.critical) == (flag, False)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.integers(1, 2**127), st.sampled_from(sorted(REASONS)), max_size=30))
def test_exactly_the_revoked_serials_are_listed(bench, revoked):
    """Whatever the set, in its order, with its reasons."""
    entries = [crl_entry(serial, Revocation(START, reason)) for serial, reason in revoked.items()]
    loaded = x509.load_der_x509_crl(make(bench.authority(), entries))
    assert [entry.serial_number for entry in loaded] == list(revoked)
    never = next(n for n in range(1, 100) if n not in revoked)
    assert loaded.get_revoked_certificate_by_serial_number(never) is None


def test_the_same_arguments_give_the_same_bytes(bench):
    """ECDSA is deterministic (RFC 6979)."""
    authority = bench.authority()
    entries = [crl_entry(n, Revocation(START, "SUPERSEDED")) for n in (3, 1, 2)]
    assert make(authority, entries) == make(authority, entries)
    assert make(authority, entries) != make(authority, entries, number=2)


def test_a_large_crl_costs_what_signing_it_costs(bench):
    """At most three times the library's fastest route: one builder, made with the whole list."""
    authority = bench.authority()
    entries = [crl_entry(n, Revocation(START, "SUPERSEDED")) for n in range(1, 20_001)]

    def ours():
        make(authority, entries)

    def floor():
        x509.CertificateRevocationListBuilder(
            authority.certificate.subject, START, START + WEEK, [], entries
        ).sign(authority.key, hashes.SHA256())

    def best(run):
        times = []
        for _ in range(3):
            begun = time.perf_counter()
            run()
            times.append(time.perf_counter() - begun)
        return min(times)

    assert best(ours) <= 3 * best(floor)
