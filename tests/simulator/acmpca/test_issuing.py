import base64
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.name import _ASN1Type
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pkilab.pki.keys import generate_key
from pkilab.simulator.service import AwsError

MALFORMED = "MalformedCSRException"


def armour(der, kind="CERTIFICATE REQUEST"):
    """DER as PEM."""
    body = base64.encodebytes(der).decode()
    return f"-----BEGIN {kind}-----\n{body}-----END {kind}-----\n".encode()


def der_of(pem):
    """The DER of a CSR."""
    return x509.load_pem_x509_csr(pem).public_bytes(Encoding.DER)


# The certificate's bytes


def test_the_name_stands_in_the_order_of_the_api_with_its_string_types(pca):
    subject = {
        "GenerationQualifier": "III", "Pseudonym": "Puck", "Initials": "AB", "GivenName": "Ada",
        "Surname": "Byron", "Title": "Dr", "Locality": "Lyon", "SerialNumber": "42",
        "CommonName": "Rööt", "State": "Rhône", "DistinguishedNameQualifier": "q",
        "OrganizationalUnit": "PKI", "Organization": "Lab", "Country": "FR",
    }  # fmt: skip
    name = pca.certificate(pca.root(subject=subject)).subject
    assert [one.value for one in name] == list(subject.values())[::-1]
    printable = {one.value for one in name if one._type is _ASN1Type.PrintableString}
    assert printable == {"FR", "q", "42"}
    assert {one._type for one in name if one.value not in printable} == {_ASN1Type.UTF8String}


def test_custom_attributes_stand_in_the_order_given(pca):
    custom = [
        {"ObjectIdentifier": "2.5.4.3", "Value": "first"},
        {"ObjectIdentifier": "1.3.6.1.4.1.1.1", "Value": "second"},
        {"ObjectIdentifier": "2.5.4.10", "Value": "third"},
    ]
    name = pca.certificate(pca.root(subject={"CustomAttributes": custom})).subject
    found = [(one.oid.dotted_string, one.value) for one in name]
    assert found == [tuple(one.values()) for one in custom]


def test_a_root_has_the_bytes_of_awss_sample(pca):
    """User Guide, sample root: serial, dates, extensions and their order."""
    root = pca.root(days=365)
    certificate = pca.certificate(root)
    assert [(one.oid._name, one.critical) for one in certificate.extensions] == [
        ("basicConstraints", True),
        ("subjectKeyIdentifier", False),
        ("keyUsage", True),
    ]
    assert bytes.fromhex("03020186") in certificate.tbs_certificate_bytes
    assert certificate.not_valid_before_utc == pca.now - timedelta(hours=1)
    assert certificate.not_valid_after_utc == pca.now + timedelta(days=365)
    point = certificate.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    digest = hashes.Hash(hashes.SHA1())
    digest.update(point)
    assert certificate.extensions[1].value.digest == digest.finalize()
    assert certificate.version is x509.Version.v3


def test_a_serial_number_is_128_random_bits_written_as_a_positive_integer(pca):
    root = pca.root()
    arns = [pca.order(root) for _ in range(8)]
    serials = []
    for arn in arns:
        certificate = x509.load_pem_x509_certificate(pca.get(root, arn)["Certificate"].encode())
        assert arn == f"{root}/certificate/{certificate.serial_number:032x}"
        serials.append(certificate.serial_number)
    assert len(set(serials)) == 8
    assert any(serial >> 127 for serial in serials)  # a leading zero byte keeps it positive
    assert all(0 < serial < 1 << 128 for serial in serials)


def test_dates_are_utc_time_until_2049_and_whole_seconds(pca):
    pca.world.clock.advance(seconds=0.75)
    certificate = pca.certificate(pca.root(days=365))
    assert certificate.not_valid_after_utc.microsecond == 0
    assert b"\x17\x0d271102090000Z" in certificate.tbs_certificate_bytes
    later = pca.certificate(pca.root(days=365 * 30))
    assert b"\x18\x0f20561025090000Z" in later.tbs_certificate_bytes


def test_equal_seeds_and_calls_give_equal_bytes_and_another_seed_others(open_pca):
    def story(seed):
        pca = open_pca(seed=seed)
        root = pca.root()
        subordinate = pca.subordinate(root)
        answer = pca.get(subordinate, pca.order(subordinate))
        return root, answer["Certificate"], answer["CertificateChain"]

    first, again, other = story("one"), story("one"), story("two")
    assert first == again
    assert all(mine != theirs for mine, theirs in zip(first, other, strict=True))


def test_other_accounts_and_regions_get_other_keys(pca):
    one = pca.create()
    two = pca.create(account="444455556666")
    three = pca.create(region="eu-west-1")
    assert len({arn.rpartition("/")[2] for arn in (one, two, three)}) == 3


@pytest.mark.parametrize(
    ("key", "signing"),
    [
        ("RSA_2048", "SHA512WITHRSA"),
        ("EC_prime256v1", "SHA256WITHECDSA"),
        ("EC_secp384r1", "SHA384WITHECDSA"),
        ("EC_secp521r1", "SHA512WITHECDSA"),
        ("ML_DSA_44", "ML_DSA_44"),
        ("ML_DSA_65", "ML_DSA_65"),
        ("ML_DSA_87", "ML_DSA_87"),
    ],
)
def test_each_key_algorithm_signs_its_csr_and_its_certificates(pca, key, signing):
    root = pca.root(key=key, signing=signing)
    assert x509.load_pem_x509_csr(pca.csr_of(root)).is_signature_valid
    own = pca.certificate(root)
    own.verify_directly_issued_by(own)
    pca.issue(root, SigningAlgorithm=signing).verify_directly_issued_by(own)


def test_the_signing_algorithm_is_chosen_per_certificate(pca):
    root = pca.root()
    for name, hash_type in [("SHA384WITHECDSA", hashes.SHA384), ("SHA256WITHECDSA", hashes.SHA256)]:
        certificate = pca.issue(root, SigningAlgorithm=name)
        assert isinstance(certificate.signature_hash_algorithm, hash_type)


def test_a_signing_algorithm_of_another_family_is_refused_in_awss_words(pca):
    """Wording: cert-manager/aws-privateca-issuer issue 22."""
    arn = pca.create(key="RSA_2048", signing="SHA256WITHRSA")
    message = pca.order_refused(
        "InvalidArgsException",
        arn,
        pca.csr_of(arn),
        "RootCACertificate",
        SigningAlgorithm="SHA384WITHECDSA",
    )
    assert message == (
        "Signing algorithm SHA384WITHECDSA cannot be used with key type RSA_2048. Valid signing "
        "algorithms are: SHA256WITHRSA, SHA384WITHRSA, SHA512WITHRSA."
    )


@pytest.mark.parametrize("name", ["SHA256WITHRSA_PSS", "SM3WITHSM2"])
def test_pss_and_sm2_are_refused_as_not_simulated(pca, name):
    message = pca.order_refused("InvalidArgsException", pca.root(), SigningAlgorithm=name)
    assert "not simulated by pkilab" in message


def test_newer_regions_allow_one_hash_per_curve(pca):
    newer, legacy = "eu-south-2", "eu-west-1"
    arn = pca.create(region=newer)
    order = {
        "CertificateAuthorityArn": arn,
        "Csr": pca("GetCertificateAuthorityCsr", region=newer, CertificateAuthorityArn=arn)[
            "Csr"
        ].encode(),
        "TemplateArn": "arn:aws:acm-pca:::template/RootCACertificate/V1",
        "Validity": {"Type": "YEARS", "Value": 1},
    }
    message = pca.refused(
        "InvalidArgsException",
        "IssueCertificate",
        region=newer,
        SigningAlgorithm="SHA384WITHECDSA",
        **order,
    )
    assert message.endswith("Valid signing algorithms are: SHA256WITHECDSA.")
    assert pca("IssueCertificate", region=newer, SigningAlgorithm="SHA256WITHECDSA", **order)
    assert pca.create(region=legacy, signing="SHA384WITHECDSA")


# The CSR


def test_the_csr_of_a_ca_asks_for_one_critical_basic_constraints(pca, tmp_path):
    csr = pca.csr_of(pca.create(subject={"Country": "FR", "CommonName": "R"}))
    (tmp_path / "csr").write_bytes(csr)
    done = subprocess.run(
        ["openssl", "req", "-verify", "-noout", "-text", "-in", tmp_path / "csr"],
        capture_output=True, check=True, text=True,
    )  # fmt: skip
    assert "verify OK" in done.stdout + done.stderr
    request = x509.load_pem_x509_csr(csr)
    assert len(request.attributes) == 1
    (only,) = request.extensions
    assert (only.critical, only.value) == (True, x509.BasicConstraints(True, None))


def test_csr_extensions_are_added_to_it(pca):
    extensions = {
        "KeyUsage": {"KeyCertSign": True, "CRLSign": True},
        "SubjectInformationAccess": [
            {
                "AccessMethod": {"AccessMethodType": "CA_REPOSITORY"},
                "AccessLocation": {"UniformResourceIdentifier": "http://a.example/repo"},
            },
            {
                "AccessMethod": {"CustomObjectIdentifier": "1.2.3.4"},
                "AccessLocation": {"DnsName": "a.example"},
            },
        ],
    }
    request = x509.load_pem_x509_csr(pca.csr_of(pca.create(csr_extensions=extensions)))
    assert [(one.oid._name, one.critical) for one in request.extensions] == [
        ("basicConstraints", True),
        ("keyUsage", True),
        ("subjectInfoAccess", False),
    ]
    assert request.extensions[1].value.key_cert_sign
    methods = [one.access_method.dotted_string for one in request.extensions[2].value]
    assert methods == ["1.3.6.1.5.5.7.48.5", "1.2.3.4"]


def test_an_access_method_is_one_of_a_kind(pca):
    both = {"AccessMethodType": "CA_REPOSITORY", "CustomObjectIdentifier": "1.2.3.4"}
    for method in ({}, both):
        description = {"AccessMethod": method, "AccessLocation": {"DnsName": "a.example"}}
        with pytest.raises(AwsError, match="AccessMethod"):
            pca.create(csr_extensions={"SubjectInformationAccess": [description]})


def test_a_key_of_any_family_may_be_certified(pca):
    root = pca.root()
    for algorithm in ("RSA_2048", "EC_secp384r1", "Ed25519", "ML_DSA_65"):
        key = generate_key(algorithm, pca.world.entropy("leaf", algorithm))
        assert pca.issue(root, pca.csr(key=key)).public_key() == key.public_key()


def test_a_csr_without_subject_needs_an_alternative_name(pca):
    root = pca.root()
    nameless = pca.csr(x509.Name([]))
    assert "subject" in pca.order_refused(MALFORMED, root, nameless)
    certificate = pca.issue(root, pca.csr(x509.Name([]), dns_names=["a.example"]))
    assert not certificate.subject.rdns


def test_the_api_can_name_a_nameless_csr(pca):
    root, nameless = pca.root(), pca.csr(x509.Name([]))
    for passthrough in (
        {"Subject": {"CommonName": "x"}},
        {"Extensions": {"SubjectAlternativeNames": [{"DnsName": "a.example"}]}},
    ):
        pca.issue(root, nameless, "EndEntityCertificate_APIPassthrough", ApiPassthrough=passthrough)


@pytest.mark.parametrize(
    "csr",
    [
        b"garbage",
        b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
        b"-----BEGIN CERTIFICATE REQUEST-----\n????\n-----END CERTIFICATE REQUEST-----\n",
        b"\x30\x00",
        b"\xff" * 100,
    ],
)
def test_what_is_no_csr_is_malformed(pca, csr):
    pca.order_refused(MALFORMED, pca.root(), csr)


def test_a_csr_in_der_is_malformed(pca):
    pca.order_refused(MALFORMED, pca.root(), der_of(pca.csr()))


def test_a_csr_whose_signature_is_wrong_is_malformed(pca):
    der = bytearray(der_of(pca.csr("CN=honest")))
    position = der.index(b"honest")
    der[position : position + 6] = b"forged"
    assert "signature" in pca.order_refused(MALFORMED, pca.root(), armour(bytes(der)))


def test_a_csr_with_an_overlong_common_name_is_malformed(pca):
    """X.520 ends a common name at 64 characters."""
    root = pca.root()
    assert pca.issue(root, pca.csr("CN=" + "x" * 64))
    with pytest.warns(UserWarning, match="length"):
        overlong = x509.NameAttribute(x509.NameOID.COMMON_NAME, "x" * 65, _validate=False)
    pca.order_refused(MALFORMED, root, pca.csr(x509.Name([overlong])))


def test_a_csr_over_32_kb_is_refused_by_the_model(pca):
    message = pca.order_refused("ValidationException", pca.root(), b"x" * 32769)
    assert "32768" in message


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(data=st.data())
def test_a_damaged_csr_gives_a_certificate_or_malformed_csr(pca, data):
    """Bytes changed, cut out or put in anywhere."""
    root = getattr(pca, "fuzz_root", None) or pca.root()
    pca.fuzz_root = root
    point = x509.DistributionPoint([x509.DNSName("a")], None, None, None)
    wanted = [
        x509.Extension(value.oid, False, value)
        for value in (
            x509.BasicConstraints(True, 1),
            x509.ExtendedKeyUsage([x509.ObjectIdentifier("1.2.3")]),
            x509.CRLDistributionPoints([point]),
        )
    ]
    der = bytearray(der_of(pca.csr("C=FR, CN=leaf", dns_names=["a.example"], extensions=wanted)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(der) - 1))
        cut = data.draw(st.integers(0, 2))
        der[at : at + cut] = data.draw(st.binary(max_size=2))
    template = data.draw(
        st.sampled_from(["EndEntityCertificate", "BlankEndEntityCertificate_APICSRPassthrough"])
    )
    try:
        pca.issue(root, armour(bytes(der)), template)
    except AwsError as error:
        assert error.code == MALFORMED


TEXT = st.text(max_size=12)
OIDS = st.sampled_from(
    ["1.2.3.4", "2.5.29.17", "2.5.29.15", "2.5.29.30", "0.0", "1.39.999999999999"]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "Subject": st.dictionaries(
                st.sampled_from(["Country", "CommonName", "SerialNumber", "Surname", "Initials"]),
                TEXT,
            ),
            "Extensions": st.fixed_dictionaries(
                {},
                optional={
                    "SubjectAlternativeNames": st.lists(
                        st.dictionaries(
                            st.sampled_from(
                                ["DnsName", "Rfc822Name", "IpAddress", "RegisteredId",
                                 "UniformResourceIdentifier"]
                            ),
                            TEXT | OIDS,
                            max_size=2,
                        ),
                        max_size=3,
                    ),
                    "CustomExtensions": st.lists(
                        st.fixed_dictionaries(
                            {
                                "ObjectIdentifier": OIDS,
                                "Value": st.binary(max_size=9).map(
                                    lambda blob: base64.b64encode(blob).decode()
                                ),
                            },
                            optional={"Critical": st.booleans()},
                        ),
                        max_size=3,
                    ),
                    "KeyUsage": st.dictionaries(
                        st.sampled_from(["CRLSign", "EncipherOnly"]), st.booleans()
                    ),
                    "ExtendedKeyUsage": st.lists(
                        st.dictionaries(
                            st.just("ExtendedKeyUsageObjectIdentifier"), OIDS, max_size=1
                        ),
                        max_size=3,
                    ),
                },
            ),
        },
    )
)  # fmt: skip
def test_any_passthrough_gives_a_certificate_or_an_error_of_the_model(pca, passthrough):
    root = getattr(pca, "fuzz_root", None) or pca.root()
    pca.fuzz_root = root
    try:
        pca.issue(
            root,
            None,
            "BlankEndEntityCertificate_APIPassthrough",
            ApiPassthrough=passthrough,
        )
    except AwsError as error:
        assert error.code in {"InvalidArgsException", "ValidationException"}


# The CA's limits


def test_a_certificate_must_not_outlive_its_ca(pca):
    root = pca.root(days=100)
    end = pca.certificate(root).not_valid_after_utc
    assert pca.issue(root, days=100).not_valid_after_utc == end
    message = pca.order_refused("ValidationException", root, days=101)
    assert (
        message == "The certificate validity specified exceeds the certificate authority validity"
    )


def test_a_ca_certificate_must_end_before_its_issuers(pca):
    root = pca.root(days=100)
    csr = pca.csr_of(pca.create("SUBORDINATE"))
    template = "SubordinateCACertificate_PathLen0"
    pca.order_refused("ValidationException", root, csr, template, days=100)
    assert pca.issue(root, csr, template, days=99)


def test_a_short_lived_ca_issues_for_seven_days_at_most_but_not_to_itself(pca):
    root = pca.root(UsageMode="SHORT_LIVED_CERTIFICATE", days=3650)
    certificate = pca.issue(root, days=7)
    span = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert span == timedelta(days=7, hours=1)
    assert "7 days" in pca.order_refused("ValidationException", root, days=8)


def test_not_before_can_be_set_to_a_moment(pca):
    before = {"Type": "ABSOLUTE", "Value": 1_700_000_000}
    certificate = pca.issue(pca.root(), ValidityNotBefore=before)
    assert certificate.not_valid_before_utc == datetime.fromtimestamp(1_700_000_000, UTC)


def test_a_path_length_must_be_smaller_than_the_issuers(pca):
    root = pca.root()
    two = pca.subordinate(root, template="SubordinateCACertificate_PathLen2", days=300)
    csr = pca.csr_of(pca.create("SUBORDINATE"))
    for length in (2, 3):
        template = f"SubordinateCACertificate_PathLen{length}"
        message = pca.order_refused("ValidationException", two, csr, template, days=100)
        assert "path length 2" in message
    one = pca.subordinate(two, template="SubordinateCACertificate_PathLen1", days=200)
    zero = pca.subordinate(one, template="SubordinateCACertificate_PathLen0", days=100)
    pca.order_refused(
        "ValidationException", zero, csr, "SubordinateCACertificate_PathLen0", days=50
    )
    assert pca.issue(zero)


def test_a_root_template_is_for_a_root_and_its_own_csr(pca):
    root, other = pca.root(), pca.create()
    for ca, csr in [
        (root, pca.csr_of(other)),
        (root, pca.csr()),
        (sub := pca.create("SUBORDINATE"), pca.csr_of(sub)),
    ]:
        pca.order_refused("InvalidArgsException", ca, csr, "RootCACertificate")
    assert pca.issue(root, pca.csr_of(root), "RootCACertificate", days=9000)


# Idempotency, latency, chain


def test_the_same_token_gives_the_same_certificate_for_five_minutes(pca):
    root = pca.root()
    first = pca.order(root, IdempotencyToken="t")
    assert pca.order(root, IdempotencyToken="other") != first
    pca.world.clock.advance(minutes=4, seconds=59)
    assert pca.order(root, IdempotencyToken="t") == first
    pca.world.clock.advance(seconds=1)
    assert pca.order(root, IdempotencyToken="t") != first


def test_a_token_belongs_to_one_ca(pca):
    first, second = pca.root(), pca.root()
    assert pca.order(first, IdempotencyToken="t").startswith(first)
    assert pca.order(second, IdempotencyToken="t").startswith(second)


def test_a_refused_order_is_not_remembered(pca):
    root = pca.root()
    pca.order_refused(MALFORMED, root, b"garbage", IdempotencyToken="t")
    assert pca.order(root, IdempotencyToken="t")


def test_a_certificate_is_in_progress_for_the_worlds_latency(slow_pca):
    pca = slow_pca
    arn = pca.create()
    pca.world.clock.advance(minutes=1)
    certificate = pca.order(arn, pca.csr_of(arn), "RootCACertificate")
    members = {"CertificateAuthorityArn": arn, "CertificateArn": certificate}
    message = pca.refused("RequestInProgressException", "GetCertificate", **members)
    assert message == (
        f"The request to issue certificate {certificate} is still in progress. Try again later."
    )
    pca.world.clock.advance(minutes=1)
    assert pca("GetCertificate", **members)["Certificate"].startswith("-----BEGIN CERTIFICATE")


def test_the_chain_leads_from_the_issuer_to_the_root_and_a_root_has_none(pca):
    root = pca.root()
    one = pca.subordinate(root, template="SubordinateCACertificate_PathLen1")
    zero = pca.subordinate(one, days=300)
    answer = pca.get(zero, pca.order(zero))
    chain = x509.load_pem_x509_certificates(answer["CertificateChain"].encode())
    assert chain == [pca.certificate(ca) for ca in (zero, one, root)]
    assert not answer["Certificate"].endswith("\n")
    assert "CertificateChain" not in pca.get(
        root, pca.order(root, pca.csr_of(root), "RootCACertificate")
    )


def test_expired_and_revoked_certificates_can_still_be_had(pca):
    root = pca.root()
    arn = pca.order(root, days=1)
    certificate = pca.get(root, arn)
    pca(
        "RevokeCertificate",
        CertificateAuthorityArn=root,
        CertificateSerial=arn.rpartition("/")[2],
        RevocationReason="SUPERSEDED",
    )
    pca.world.clock.advance(days=2)
    assert pca.get(root, arn) == certificate


# Name constraints


def constrained(pca, *, permitted=None, excluded=None):
    """An ACTIVE subordinate CA under name constraints."""
    value = x509.NameConstraints(permitted, excluded).public_bytes()
    passed = {"Extensions": {"CustomExtensions": [
        {"ObjectIdentifier": "2.5.29.30", "Value": base64.b64encode(value).decode(),
         "Critical": True}]}}  # fmt: skip
    return pca.subordinate(
        pca.root(),
        template="BlankSubordinateCACertificate_PathLen0_APIPassthrough",
        passthrough=passed,
    )


def test_a_name_outside_the_constraints_fails_the_issuance_after_it_was_accepted(pca):
    ca = constrained(pca, permitted=[x509.DNSName("lab.example")])
    good = pca.order(ca, pca.csr("CN=x", dns_names=["www.lab.example", "lab.example"]))
    assert pca.get(ca, good)
    bad = pca.order(ca, pca.csr("CN=x", dns_names=["www.lab.example", "evil.example"]))
    message = pca.refused(
        "RequestFailedException",
        "GetCertificate",
        CertificateAuthorityArn=ca,
        CertificateArn=bad,
    )
    assert message == ("Name Constraints violation: DNS name not found in a permitted subtree.")
    pca.refused(
        "ResourceNotFoundException",
        "RevokeCertificate",
        CertificateAuthorityArn=ca,
        CertificateSerial=bad.rpartition("/")[2],
        RevocationReason="UNSPECIFIED",
    )


def test_without_constraints_any_name_will_do(pca):
    assert pca.issue(pca.root(), pca.csr("CN=x", dns_names=["evil.example"]))
