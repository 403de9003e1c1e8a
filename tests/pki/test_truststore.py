"""Whom a truststore lets in, with openssl as outside witness."""

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pkilab.errors import MalformedError
from pkilab.pki import _der, names, pem
from pkilab.pki.truststore import (
    LONGEST_CHAIN,
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


def by_hand(certificate, key, *, version_1=False, algorithm=None, hashed=None):
    """Sign a certificate again, as ``cryptography``'s builder will not: v1, or with SHA-1.

    Args:
        certificate: whose fields are taken.
        key: the issuer's RSA key.
        version_1: without extensions, as the post's ``openssl x509 -req`` makes it.
        algorithm: object identifier of the signature's algorithm; the certificate's own otherwise.
        hashed: its hash.
    """
    outer = _der.elements(certificate.public_bytes(Encoding.DER))[0]
    tbs, signed_with, _ = _der.elements(outer.contents)
    identifier = signed_with.whole
    if algorithm is not None:
        number = bytes.fromhex(algorithm)
        identifier = _der.encode(_der.SEQUENCE, [_der.encode(0x06, [number]), b"\x05\x00"])
    fields = _der.elements(tbs.contents)
    parts = [identifier if each.whole == signed_with.whole else each.whole for each in fields]
    unsigned = _der.encode(_der.SEQUENCE, parts[1:-1] if version_1 else parts)
    signature = key.sign(unsigned, padding.PKCS1v15(), hashed or hashes.SHA256())
    bits = _der.encode(0x03, [b"\x00" + signature])
    return x509.load_der_x509_certificate(_der.encode(_der.SEQUENCE, [unsigned, identifier, bits]))


def with_key(make, subject, issuer, public_key, **how):
    """Issue a certificate for a key of a kind that pkilab makes none of."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(names.subject(subject))
        .issuer_name(issuer.certificate.subject)
        .public_key(public_key)
        .serial_number(7)
        .not_valid_before(make.now - timedelta(hours=1))
        .not_valid_after(make.now + timedelta(days=1))
    )
    return builder.sign(issuer.key, hashes.SHA256(), **how)


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


@pytest.mark.parametrize(
    ("algorithm", "hashed"),
    [("2a864886f70d010105", hashes.SHA1()), ("2a864886f70d010104", hashes.MD5())],
)
@pytest.mark.parametrize("whose", ["client", "issuer", "root"])
def test_a_broken_hash_is_weak_wherever_it_stands(make, algorithm, hashed, whose):
    """In the client's certificate, its issuer's or the root's, and named as such."""
    root = make("CN=Root", ca=True, algorithm="RSA_2048")
    issuer = make("CN=Issuer", root, ca=True, algorithm="RSA_2048")
    client = make("CN=client", issuer, algorithm="RSA_2048")
    parties = {"root": root, "issuer": issuer, "client": client}
    signers = {"root": root, "issuer": root, "client": issuer}
    chain_of = {name: party.certificate for name, party in parties.items()}
    assert store_of(root, issuer).admit(client.certificate, NOW).admitted
    weak = by_hand(chain_of[whose], signers[whose].key, algorithm=algorithm, hashed=hashed)
    chain_of[whose] = weak
    trusted = Truststore((chain_of["root"], chain_of["issuer"]))
    admission = trusted.admit(chain_of["client"], NOW)
    assert admission.cause is Cause.WEAK_SIGNATURE
    label = {"client": "CN=client", "issuer": "CN=Issuer", "root": "CN=Root"}[whose]
    name = hashed.name.upper()
    assert admission.sentence == (
        f"{label} has a weak signature: found {name}, expected SHA-256 or up."
    )


@pytest.mark.parametrize(
    ("key", "found"),
    [
        (rsa.generate_private_key(65537, 1024), "RSA_1024"),  # noqa: S505 - the refusal
        (ec.derive_private_key(7, ec.SECP256K1()), "EC_secp256k1"),
        (ec.derive_private_key(7, ec.SECP224R1()), "EC_secp224r1"),
        (rsa.generate_private_key(65537, 2048), None),
        (ec.derive_private_key(7, ec.SECP521R1()), None),
    ],
)
def test_a_weak_key_is_named(make, key, found):
    """RSA below 2,048 bits, and curves other than NIST's from P-256 up."""
    root = make("CN=Root", ca=True)
    client = with_key(make, "CN=client", root, key.public_key())
    admission = store_of(root).admit(client, NOW)
    assert admission.cause is (Cause.WEAK_KEY if found else None)
    assert (
        found is None
        or f"CN=client has a key that is not accepted: found {found}, expected "
        in (admission.sentence)
    )


def test_rsa_pss_is_as_good_as_its_hash(make):
    """The guide names hash and key, and no padding."""
    root = make("CN=Root", ca=True, algorithm="RSA_2048")
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    client = with_key(make, "CN=client", root, make.key("any").public_key(), rsa_padding=pss)
    assert store_of(root).admit(client, NOW).admitted


def test_a_client_of_x509_version_1_is_let_in(make):
    """As the post's own recipe makes it; so is a root's. A subordinate CA of it may not issue."""
    root = make("CN=Root", ca=True, algorithm="RSA_2048")
    sub = make("CN=Sub", root, ca=True, algorithm="RSA_2048")
    client = by_hand(make("CN=client", root).certificate, root.key, version_1=True)
    assert client.version is x509.Version.v1
    assert store_of(root).admit(client, NOW).admitted
    old_sub = by_hand(sub.certificate, root.key, version_1=True)
    below = make("CN=client", sub).certificate
    assert Truststore((root.certificate, sub.certificate)).admit(below, NOW).admitted
    admission = Truststore((root.certificate, old_sub)).admit(below, NOW)
    assert admission.cause is Cause.NOT_A_CA
    old_root = by_hand(root.certificate, root.key, version_1=True)
    assert Truststore((old_root,)).admit(make("CN=client", root).certificate, NOW).admitted


def test_an_issuer_named_by_another_key_is_unknown(make):
    """The authority key identifier must fit the CA of that name."""
    root, other = make("CN=Root", ca=True), make("CN=Other", ca=True)
    wrong = x509.AuthorityKeyIdentifier.from_issuer_public_key(other.key.public_key())
    client = make("CN=client", root, key_identifiers=False, more=((wrong, False),))
    admission = store_of(root).admit(client.certificate, NOW)
    assert admission.cause is Cause.UNKNOWN_ISSUER
    assert admission.chain == (client.certificate,)
    assert admission.sentence.startswith("CN=client names its issuer's key")
    assert store_of(root).admit(make("CN=client", root).certificate, NOW).admitted


@pytest.mark.parametrize("critical", [True, False])
def test_an_unknown_extension_matters_if_it_is_critical(make, critical):
    """X.509's rule, and OpenSSL's."""
    root = make("CN=Root", ca=True)
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999"), b"\x05\x00")
    client = make("CN=client", root, more=((unknown, critical),))
    admission = store_of(root).admit(client.certificate, NOW)
    assert admission.cause is (Cause.UNKNOWN_EXTENSION if critical else None)


def test_a_name_constraint_is_a_cas_own_rule(make):
    """OpenSSL's judgement: a client within is let in, one without is not."""
    permitted = x509.NameConstraints([x509.DNSName("a.test")], None)
    root = make("CN=Root", ca=True, more=((permitted, True),))
    within, without = (make("CN=c", root, dns=(name,)) for name in ("x.a.test", "b.test"))
    assert store_of(root).admit(within.certificate, NOW).admitted
    assert store_of(root).admit(without.certificate, NOW).cause is Cause.REFUSED_BY_CA


def test_a_changed_certificate_is_not_by_its_ca(make):
    """One bit of its serial number."""
    root = make("CN=Root", ca=True)
    client = make("CN=client", root, serial=0x0101010101010101).certificate
    der = client.public_bytes(Encoding.DER).replace(b"\x01" * 8, b"\x01" * 7 + b"\x03")
    changed = x509.load_der_x509_certificate(der)
    assert store_of(root).admit(client, NOW).admitted
    assert store_of(root).admit(changed, NOW).cause is Cause.BAD_SIGNATURE


def broken_name(certificate):
    """Return a certificate whose subject cannot be read: a string type that is none."""
    der = certificate.public_bytes(Encoding.DER)
    place = der.rindex(b"\x55\x04\x03\x0c") + 3  # commonName, then UTF8String
    return x509.load_der_x509_certificate(der[:place] + b"\x80" + der[place + 1 :])


def test_a_client_that_cannot_be_read_is_malformed(make):
    """Whatever trust its CA has."""
    root = make("CN=Root", ca=True)
    broken = broken_name(make("CN=client", root).certificate)
    admission = store_of(root).admit(broken, NOW)
    assert admission.cause is Cause.MALFORMED
    assert admission.sentence.startswith("The client's certificate cannot be read: ")
    cut = broken_name(root.certificate)
    assert store_of(root).admit(cut, NOW).cause is Cause.MALFORMED


def test_a_broken_ca_in_the_file_harms_nobody_else(make):
    """It is warned of, and its neighbours' clients are let in."""
    root, other = make("CN=Root", ca=True), make("CN=Other", ca=True)
    trusted = Truststore((broken_name(other.certificate), root.certificate))
    assert trusted.admit(make("CN=client", root).certificate, NOW).admitted
    (problem,) = trusted.problems(NOW)
    assert "cannot be read" in problem.sentence
    assert trusted.missing_issuers() == ()
    with pytest.raises(MalformedError, match="expected readable certificates"):
        build_truststore(trusted.certificates)


def test_a_renewed_ca_serves_beside_its_old_certificate(make):
    """Any chain that holds admits, whichever stands first."""
    old, new = make("CN=Root", ca=True, end=timedelta(0)), make("CN=Root", ca=True)
    client = make("CN=client", new).certificate
    later = NOW + timedelta(seconds=1)
    assert store_of(old).admit(client, later).cause is Cause.EXPIRED
    assert store_of(old, new).admit(client, later).admitted
    assert store_of(new, old).admit(client, later).admitted


def test_neither_usage_nor_names_of_the_client_matter(make):
    """API Gateway looks at neither: a server's certificate gets in."""
    root = make("CN=Root", ca=True)
    server = make("CN=s", root, usages=(x509.ExtendedKeyUsageOID.SERVER_AUTH,), dns=("a.b",))
    assert store_of(root).admit(server.certificate, NOW).admitted


def test_a_time_needs_a_zone(make):
    """Or a frozen clock would be read in the machine's zone."""
    with pytest.raises(MalformedError, match="zone"):
        store_of(make("CN=Root", ca=True)).admit(None, datetime(2026, 1, 1))  # noqa: DTZ001 - the refusal


@pytest.mark.parametrize("levels", range(2, 7))
@pytest.mark.parametrize(
    ("kept", "at_two", "above"),
    [
        ("all", None, None),
        ("the root", None, Cause.UNKNOWN_ISSUER),
        ("all but the root", Cause.UNKNOWN_ISSUER, Cause.INCOMPLETE_CHAIN),
        ("the issuer", None, Cause.INCOMPLETE_CHAIN),
        ("all but the issuer", Cause.UNKNOWN_ISSUER, Cause.UNKNOWN_ISSUER),
        ("another root", Cause.UNKNOWN_ISSUER, Cause.UNKNOWN_ISSUER),
    ],
)
def test_the_cause_follows_from_what_the_truststore_holds(make, chain, levels, kept, at_two, above):
    """For every length of chain, and every part of it that may be missing."""
    cas, client = chain(levels)
    other = make("CN=Other", ca=True)
    held = {
        "all": cas,
        "the root": cas[:1],
        "all but the root": cas[1:],
        "the issuer": cas[-1:],
        "all but the issuer": cas[:-1],
        "another root": [],
    }[kept]
    admission = store_of(other, *held).admit(client.certificate, NOW)
    expected = at_two if levels == 2 else above
    if kept == "all" and levels > LONGEST_CHAIN:
        expected = Cause.CHAIN_TOO_LONG
    assert admission.cause is expected, admission.sentence


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
    with pytest.raises(MalformedError, match="50,000 certificates"):
        load_truststore("-----BEGIN X-----\n" * 50_000)  # counted, not read: that would take long


def test_what_is_built_keeps_the_limits(make):
    """It could not be used; and nothing is no truststore."""
    with pytest.raises(MalformedError, match="found nothing"):
        build_truststore([])
    root = make("CN=Root", ca=True).certificate
    padded = make(
        "CN=Large", ca=True,
        more=((x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), bytes(800_000)), False),),
    ).certificate  # fmt: skip
    with pytest.raises(MalformedError, match="expected at most 1 MB"):
        build_truststore([root, padded])
    assert build_truststore([root, root]).certificates == (root,)


@given(
    data=st.binary(max_size=200)
    | st.text(st.characters(), max_size=200).map(lambda t: f"-----BEGIN {t}")
    | st.just("\ud800-----BEGIN CERTIFICATE-----")
)
def test_nothing_but_a_malformed_error_leaves(data):
    """Whatever lies in the bucket."""
    with contextlib.suppress(MalformedError):
        load_truststore(data)


# Read once for all examples; where bytes are changed, anything may come of it.
@pytest.fixture(scope="module")
def sound(make):
    root = make("CN=Root", ca=True)
    issuer = make("CN=Issuer", root, ca=True)
    other = make("CN=Other", ca=True)
    return root, issuer, other, make("CN=client", issuer).certificate


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 700), value=st.integers(0, 255), text=st.booleans())
def test_a_damaged_truststore_is_judged_or_refused(sound, place, value, text):
    """No other error leaves, and a damaged CA is in nobody's way but its own."""
    root, issuer, other, client = sound
    if text:
        data = bytearray(store_of(root, issuer, other).to_pem().encode())
    else:
        data = bytearray(other.certificate.public_bytes(Encoding.DER))
    data[place % len(data)] = value
    try:
        if text:
            trusted = load_truststore(bytes(data))
        else:
            damaged = pem.load_certificate(bytes(data))
            trusted = Truststore((damaged, root.certificate, issuer.certificate))
            assert trusted.admit(client, NOW).admitted
            assert trusted.admit(damaged, NOW).sentence
    except MalformedError:
        return
    assert trusted.admit(client, NOW).sentence
    trusted.problems(NOW)
    trusted.missing_issuers()
    with contextlib.suppress(MalformedError):
        build_truststore(trusted.certificates)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 700), bit=st.integers(0, 7))
def test_a_damaged_client_is_not_let_in(sound, place, bit):
    """Whichever bit: nothing of a certificate is outside its signature."""
    root, issuer, _, client = sound
    data = bytearray(client.public_bytes(Encoding.DER))
    data[place % len(data)] ^= 1 << bit
    try:
        damaged = pem.load_certificate(bytes(data))
    except MalformedError:
        return
    assert not store_of(root, issuer).admit(damaged, NOW).admitted


@pytest.fixture(scope="module")
def forest(make):
    """Two roots, a ladder of CAs below one, cross certificates, an expired one; and clients."""
    root, rival = make("CN=Root", ca=True), make("CN=Rival", ca=True)
    one = make("CN=One", root, ca=True)
    two = make("CN=Two", one, ca=True)
    three = make("CN=Three", two, ca=True)
    cas = [root, rival, one, two, three]
    crossed = [
        make("CN=One", rival, ca=True),
        make("CN=Two", root, ca=True),
        make("CN=Root", rival, ca=True),
        make("CN=One", root, ca=True, end=timedelta(0)),
        make("CN=Rival", ca=True, key_label="another key"),
        make("CN=Two", one, ca=True, cert_sign=False),
    ]
    clients = [make(f"CN=client {place}", issuer) for place, issuer in enumerate(cas)]
    clients.append(make("CN=late", two, end=timedelta(minutes=-1)))
    return [each.certificate for each in (*cas, *crossed)], [each.certificate for each in clients]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(chosen=st.sets(st.integers(0, 10)), who=st.integers(0, 5), data=st.data())
def test_openssl_agrees_on_any_truststore(openssl, forest, chosen, who, data):
    """Whom openssl lets in by four certificates is let in; who is let in has a chain it accepts."""
    pool, clients = forest
    held = data.draw(st.permutations(sorted(chosen)))
    trusted, client = Truststore(tuple(pool[place] for place in held)), clients[who]
    admission = trusted.admit(client, NOW + timedelta(seconds=1))
    if admission.admitted:
        assert len(admission.chain) <= LONGEST_CHAIN
        assert openssl_chain(openssl, client, Truststore(admission.chain[1:]))
    else:
        assert openssl_chain(openssl, client, trusted) not in range(1, LONGEST_CHAIN + 1)


def openssl_chain(openssl, client, trusted):
    """Return how many certificates ``openssl verify`` takes to a root; 0: it takes none."""
    roots = tuple(each for each in trusted.certificates if each.issuer == each.subject)
    others = tuple(each for each in trusted.certificates if each not in roots)
    at = str(int(NOW.timestamp()) + 1)
    arguments = ["verify", "-show_chain", "-attime", at, "-no-CApath", "-no-CAstore"]
    arguments += ["-CAfile", roots] if roots else ["-no-CAfile"]
    arguments += ["-untrusted", others] if others else []
    said = openssl(*arguments, client)
    return said.stdout.count("depth=") if said.returncode == 0 else 0


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


def test_of_many_cross_signed_cas_the_short_way_up_is_found(make):
    """A dozen that all certify each other: the one root among them is three certificates away."""
    cas = [make(f"CN=M{place}", ca=True) for place in range(12)]
    crossed = [make(f"CN=M{a}", cas[b], ca=True) for a in range(12) for b in range(12) if a != b]
    client = make("CN=client", cas[0]).certificate
    admission = store_of(*crossed, cas[11]).admit(client, NOW)
    assert admission.admitted
    assert len(admission.chain) == 3
    circle = store_of(*crossed).admit(client, NOW)
    assert circle.cause is Cause.INCOMPLETE_CHAIN
    assert "certify each other" in circle.sentence
