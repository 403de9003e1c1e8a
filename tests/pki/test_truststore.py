"""Whom a truststore lets in, with openssl as outside witness."""

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pkilab.errors import MalformedError
from pkilab.pki import pem
from pkilab.pki.truststore import (
    MOST_BYTES,
    MOST_CERTIFICATES,
    Cause,
    Truststore,
    build_truststore,
    load_truststore,
)

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)  # as `make` has it
LEVELS = ("Root", "One", "Two", "Three", "Four")


@pytest.fixture
def chain(make):
    """A function that returns CAs from the root down, and a client below the last."""

    def build(levels, **client):
        parties = [make("CN=Root", ca=True)]
        for name in LEVELS[1 : levels - 1]:
            parties.append(make(f"CN={name}", parties[-1], ca=True))
        return parties, make("CN=client", parties[-1], **client)

    return build


def store_of(*parties):
    """Return a truststore of parties' certificates."""
    return Truststore(tuple(each.certificate for each in parties))


def openssl_agrees(openssl, client, trusted):
    """Ask ``openssl verify`` with the truststore's certificates: roots trusted, others given."""
    roots = tuple(each for each in trusted.certificates if each.issuer == each.subject)
    others = tuple(each for each in trusted.certificates if each not in roots)
    arguments = ["verify", "-attime", str(int(NOW.timestamp())), "-no-CApath", "-no-CAstore"]
    arguments += ["-CAfile", roots] if roots else ["-no-CAfile"]
    arguments += ["-untrusted", others] if others else []
    return openssl(*arguments, client).returncode == 0


@pytest.mark.parametrize("levels", [2, 3, 4])
def test_up_to_four_certificates_are_let_in(chain, levels):
    """The client's own is one of them."""
    cas, client = chain(levels)
    admission = store_of(*cas).admit(client.certificate, NOW)
    assert admission.admitted, admission.sentence
    assert admission.cause is None
    assert admission.chain == (client.certificate, *(ca.certificate for ca in reversed(cas)))
    assert admission.sentence.startswith("Let in by CN=client <- ")


@pytest.mark.parametrize("levels", [5, 6])
def test_a_longer_chain_is_not(chain, levels):
    """Though every signature of it holds."""
    cas, client = chain(levels)
    admission = store_of(*cas).admit(client.certificate, NOW)
    assert admission.cause is Cause.CHAIN_TOO_LONG
    assert f"has {levels} certificates" in admission.sentence


def test_no_certificate_is_its_own_cause(make):
    """The commonest one."""
    admission = store_of(make("CN=Root", ca=True)).admit(None, NOW)
    assert (admission.admitted, admission.cause) == (False, Cause.NO_CERTIFICATE)


def test_an_intermediate_that_the_truststore_lacks_is_named(chain):
    """Whatever the client sends along does not count."""
    cas, client = chain(3)
    admission = store_of(cas[0]).admit(client.certificate, NOW)
    assert admission.cause is Cause.UNKNOWN_ISSUER
    assert admission.sentence == (
        "The truststore lacks CN=One, which issued CN=client; it holds CN=Root."
    )


def test_an_intermediate_without_its_root_is_not_enough(chain):
    """The whole chain must be in the file."""
    cas, client = chain(3)
    admission = store_of(cas[1]).admit(client.certificate, NOW)
    assert admission.cause is Cause.INCOMPLETE_CHAIN
    assert "holds CN=One, and not CN=Root" in admission.sentence


def test_a_client_of_another_ca_is_refused(make, chain):
    """Even of one with the same name."""
    cas, client = chain(2)
    other = make("CN=Other", ca=True)
    assert store_of(other).admit(client.certificate, NOW).cause is Cause.UNKNOWN_ISSUER
    twin = make("CN=Root", ca=True, key_label="another key")
    assert store_of(twin).admit(client.certificate, NOW).cause is Cause.BAD_SIGNATURE
    assert store_of(twin, *cas).admit(client.certificate, NOW).admitted


def test_a_self_signed_client_must_be_listed_itself(make):
    """The guide allows it."""
    client = make("CN=alone")
    assert store_of(client).admit(client.certificate, NOW).admitted
    admission = store_of(make("CN=Root", ca=True)).admit(client.certificate, NOW)
    assert admission.cause is Cause.SELF_SIGNED


@pytest.mark.parametrize(
    ("client", "cause", "sentence"),
    [
        ({"end": timedelta(0)}, Cause.EXPIRED, "CN=client has expired: it ended 2026-11-02 09:00"),
        (
            {"start": timedelta(hours=1)},
            Cause.NOT_YET_VALID,
            "CN=client is not yet valid: it begins 2026-11-02 10:00",
        ),
        (
            {"algorithm": "RSA_2048", "hash_algorithm": None},
            None,
            "Let in",
        ),
        (
            {"algorithm": "Ed25519"},
            Cause.WEAK_KEY,
            "CN=client has a key that is not accepted",
        ),
    ],
)
def test_what_is_wrong_with_the_clients_certificate_is_named(chain, client, cause, sentence):
    """Dates and keys."""
    cas, party = chain(2, **client)
    admission = store_of(*cas).admit(party.certificate, NOW + timedelta(seconds=1))
    assert admission.cause == cause
    assert admission.sentence.startswith(sentence)


def test_an_expired_ca_is_refused_with_its_own_name(make):
    """However fresh the client's certificate."""
    root = make("CN=Root", ca=True, end=timedelta(0))
    client = make("CN=client", root)
    admission = store_of(root).admit(client.certificate, NOW + timedelta(seconds=1))
    assert (admission.cause, admission.sentence[:7]) == (Cause.EXPIRED, "CN=Root")


def test_an_issuer_that_is_no_ca_is_refused(make):
    """A leaf cannot issue."""
    root = make("CN=Root", ca=True)
    leaf = make("CN=leaf", root)
    client = make("CN=client", leaf)
    assert store_of(root, leaf).admit(client.certificate, NOW).cause is Cause.NOT_A_CA


def test_a_path_length_is_a_cas_own_rule(make):
    """OpenSSL's judgement, under a cause of its own."""
    root = make("CN=Root", ca=True, path_length=0)
    one = make("CN=One", root, ca=True)
    admission = store_of(root, one).admit(make("CN=client", one).certificate, NOW)
    assert admission.cause is Cause.REFUSED_BY_CA
    assert "path length" in admission.sentence


def test_a_signature_below_sha256_is_weak(make):
    """The guide wants SHA-256 or stronger."""
    root = make("CN=Root", ca=True, algorithm="RSA_2048")
    weak = make("CN=client", root, hash_algorithm=hashes.SHA224())
    admission = store_of(root).admit(weak.certificate, NOW)
    assert admission.cause is Cause.WEAK_SIGNATURE
    assert "found SHA224, expected SHA-256" in admission.sentence


def test_neither_usage_nor_names_of_the_client_matter(make):
    """API Gateway looks at neither: a server's certificate gets in."""
    root = make("CN=Root", ca=True)
    server = make("CN=s", root, usages=(x509.ExtendedKeyUsageOID.SERVER_AUTH,), dns=("a.b",))
    assert store_of(root).admit(server.certificate, NOW).admitted


def test_a_time_needs_a_zone(make):
    """Or a frozen clock would be read in the machine's zone."""
    with pytest.raises(MalformedError, match="zone"):
        store_of(make("CN=Root", ca=True)).admit(None, datetime(2026, 1, 1))  # noqa: DTZ001 - the refusal


@pytest.mark.parametrize("levels", [2, 3, 4])
@pytest.mark.parametrize("without", [None, 0, 1, 2])
def test_openssl_agrees_on_which_truststores_admit(openssl, chain, levels, without):
    """The matrix of chain lengths and missing CAs."""
    cas, client = chain(levels)
    trusted = store_of(*(ca for place, ca in enumerate(cas) if place != without))
    admission = trusted.admit(client.certificate, NOW)
    assert admission.admitted == openssl_agrees(openssl, client.certificate, trusted)


# The file.


def test_a_file_is_read_in_order_and_written_back(chain):
    """Text around the blocks is allowed, as openssl writes it."""
    cas, _ = chain(4)
    trusted = store_of(*cas)
    text = "subject=CN=Root\n" + trusted.to_pem()
    assert load_truststore(text) == load_truststore(text.encode()) == trusted


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "no PEM"),
        (b"\x30\x03\x02\x01\x05", "no PEM"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "certificate"),
        (b" " * (MOST_BYTES + 1), "1,000,001 bytes"),
    ],
)
def test_what_is_no_truststore_is_refused(data, found):
    """Saying what was found."""
    with pytest.raises(MalformedError, match=found):
        load_truststore(data)


def test_a_key_in_the_file_is_refused_unread(make):
    """It is a mistake that must be seen, and never echoed."""
    root = make("CN=Root", ca=True)
    text = pem.to_pem(root.certificate) + (
        "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"
    )
    with pytest.raises(MalformedError) as caught:
        load_truststore(text)
    assert "c2VjcmV0" not in str(caught.value)


def test_a_thousand_certificates_are_read_and_one_more_is_not(make):
    """API Gateway's quota. Small ones, or the megabyte would be the tighter limit."""
    one = pem.to_pem(make("CN=R", ca=True, key_identifiers=False, key_usage=False).certificate)
    assert len(load_truststore(one * MOST_CERTIFICATES).certificates) == MOST_CERTIFICATES
    with pytest.raises(MalformedError, match="1,001 certificates, expected at most 1,000"):
        load_truststore(one * (MOST_CERTIFICATES + 1))


@given(data=st.binary(max_size=200) | st.text(max_size=200).map(lambda t: f"-----BEGIN {t}"))
def test_nothing_but_a_malformed_error_leaves(data):
    """Whatever lies in the bucket."""
    with contextlib.suppress(MalformedError):
        load_truststore(data)


def test_problems_are_said_of_each_certificate(make):
    """What API Gateway gives as warnings, naming subject and trouble."""
    root = make("CN=Root", ca=True)
    lonely = make("CN=Two", make("CN=One", root, ca=True), ca=True)
    leaf = make("CN=leaf", root)
    old = make("CN=Old", ca=True, end=timedelta(0))
    trusted = store_of(root, root, lonely, leaf, old)
    assert [str(each) for each in trusted.problems(NOW + timedelta(seconds=1))] == [
        "CN=Root: it stands here more than once",
        "CN=Two: its issuer, CN=One, is not in the truststore",
        "CN=leaf: it is not a CA certificate",
        "CN=Old: it has expired: it ended 2026-11-02 09:00:00Z",
    ]
    assert "CN=Old" not in {each.subject for each in trusted.problems()}
    assert trusted.missing_issuers() == ("CN=One",)


def test_a_sound_truststore_has_no_problems(chain):
    """Nothing to warn of, nothing missing."""
    cas, _ = chain(4)
    assert store_of(*cas).problems(NOW) == ()
    assert store_of(*cas).missing_issuers() == ()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(4)))
def test_a_truststore_is_built_from_cas_in_any_order(chain, order):
    """Each before its issuer, the root last, no copies."""
    cas, _ = chain(5)
    given_cas = [cas[place].certificate for place in order] * 2
    assert build_truststore(given_cas).certificates == tuple(ca.certificate for ca in reversed(cas))


def test_cross_signed_cas_end_in_a_verdict(make):
    """Two CAs that certify each other make no endless search, and no way in without a root."""
    one, two = make("CN=One", ca=True), make("CN=Two", ca=True)
    cross_one = make("CN=One", two, ca=True)
    cross_two = make("CN=Two", one, ca=True)
    client = make("CN=client", one)
    admission = store_of(cross_one, cross_two).admit(client.certificate, NOW)
    assert admission.cause is Cause.INCOMPLETE_CHAIN
    assert store_of(cross_one, cross_two, two).admit(client.certificate, NOW).admitted
