import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID as Purpose
from cryptography.x509.oid import ExtensionOID as Oid

from pkilab.pki.keys import generate_key
from pkilab.simulator.acmpca.templates import TEMPLATES, find_template
from pkilab.simulator.service import AwsError

SIGN = {"digital_signature"}
TLS = SIGN | {"key_encipherment"}
CA = SIGN | {"key_cert_sign", "crl_sign"}
SERVER, CLIENT = Purpose.SERVER_AUTH, Purpose.CLIENT_AUTH
FOUR = ("", "_APIPassthrough", "_CSRPassthrough", "_APICSRPassthrough")
# AWS's page in its own order: name, CA, path length, BasicConstraints critical, KeyUsage,
# ExtendedKeyUsage, critical; and which variants there are.
PAGE = [
    ("RootCACertificate", True, None, True, CA, None, False, FOUR[:2]),
    *(
        (f"SubordinateCACertificate_PathLen{n}", True, n, True, CA, None, False, FOUR)
        for n in range(4)
    ),
    ("EndEntityCertificate", False, None, False, TLS, [SERVER, CLIENT], False, FOUR),
    ("EndEntityClientAuthCertificate", False, None, False, TLS, [CLIENT], False, FOUR),
    ("EndEntityServerAuthCertificate", False, None, False, TLS, [SERVER], False, FOUR),
    ("CodeSigningCertificate", False, None, False, SIGN, [Purpose.CODE_SIGNING], True, FOUR),
    ("OCSPSigningCertificate", False, None, False, SIGN, [Purpose.OCSP_SIGNING], True, FOUR),
    ("BlankEndEntityCertificate", False, None, False, None, None, False, FOUR[1:]),
    (
        "BlankEndEntityCertificate_CriticalBasicConstraints",
        *(False, None, True, None, None, False, FOUR[1:]),
    ),
    *(
        (f"BlankSubordinateCACertificate_PathLen{n}", True, n, True, None, None, False, FOUR[1:])
        for n in range(4)
    ),
    ("BlankRootCACertificate", True, None, True, None, None, False, FOUR[1:2]),
    *(
        (f"BlankRootCACertificate_PathLen{n}", True, n, True, None, None, False, FOUR[1:2])
        for n in range(4)
    ),
]
ROWS = [pytest.param(*row[:-1], row[0] + v, id=row[0] + v) for row in PAGE for v in row[-1]]


def extension(certificate, oid):
    """The extension, or None."""
    try:
        return certificate.extensions.get_extension_for_oid(oid)
    except x509.ExtensionNotFound:
        return None


def raw(oid, der=b"\x04\x00", *, critical=False):
    """An extension of any bytes, for a CSR."""
    oid = x509.ObjectIdentifier(oid)
    return x509.Extension(oid, critical, x509.UnrecognizedExtension(oid, der))


def custom(oid, der=b"\x04\x00", **members):
    """A CustomExtension of ApiPassthrough."""
    return {"ObjectIdentifier": oid, "Value": base64.b64encode(der).decode(), **members}


def test_the_table_has_the_templates_of_awss_page_and_no_other():
    assert {row.values[-1] for row in ROWS} == set(TEMPLATES)


@pytest.mark.parametrize(
    ("family", "ca", "path_length", "bc_critical", "usage", "purposes", "eku_critical", "name"),
    ROWS,
)
def test_a_template_gives_exactly_the_extensions_of_awss_page(
    pca, family, ca, path_length, bc_critical, usage, purposes, eku_critical, name
):
    """Nothing is passed through, so what is there is the template's own."""
    if "RootCA" in name:
        certificate = pca.certificate(pca.root(template=name))
    else:
        certificate = pca.issue(pca.root(), template=name)
    constraints = extension(certificate, Oid.BASIC_CONSTRAINTS)
    assert constraints.critical is bc_critical
    assert constraints.value == x509.BasicConstraints(ca, path_length)
    key_usage = extension(certificate, Oid.KEY_USAGE)
    if usage is None:
        assert key_usage is None
    else:
        bits = {k.lstrip("_") for k, v in vars_of(key_usage.value).items() if v}
        assert key_usage.critical
        assert bits == usage
    eku = extension(certificate, Oid.EXTENDED_KEY_USAGE)
    if purposes is None:
        assert eku is None
    else:
        assert list(eku.value) == purposes
        assert eku.critical is eku_critical
    assert not extension(certificate, Oid.SUBJECT_KEY_IDENTIFIER).critical
    assert (extension(certificate, Oid.AUTHORITY_KEY_IDENTIFIER) is None) is ("RootCA" in name)
    known = {Oid.BASIC_CONSTRAINTS, Oid.KEY_USAGE, Oid.EXTENDED_KEY_USAGE}
    known |= {Oid.SUBJECT_KEY_IDENTIFIER, Oid.AUTHORITY_KEY_IDENTIFIER}
    assert {one.oid for one in certificate.extensions} <= known


def vars_of(usage):
    """The bits of a KeyUsage; the last two exist only with keyAgreement."""
    names = "digital_signature content_commitment key_encipherment data_encipherment"
    names += " key_agreement key_cert_sign crl_sign"
    return {name: getattr(usage, name) for name in names.split()}


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:acm-pca:::template/EndEntityCertificate/V2",
        "arn:aws:acm-pca:::template/BlankEndEntityCertificate/V1",
        "arn:aws:acm-pca:::template/RootCACertificate_CSRPassthrough/V1",
        "arn:aws:acm-pca:::template/SubordinateCACertificate_PathLen4/V1",
        "arn:aws:acm-pca:us-east-1::template/EndEntityCertificate/V1",
        "arn:aws-us-gov:acm-pca:::template/EndEntityCertificate/V1",
    ],
)
def test_a_template_that_aws_does_not_have_is_refused(pca, arn):
    root = pca.root()
    message = pca.order_refused("InvalidArgsException", root, TemplateArn=arn)
    assert arn in message


def test_template_arns_of_govcloud_have_its_partition():
    arn = "arn:aws-us-gov:acm-pca:::template/EndEntityCertificate/V1"
    assert find_template(arn, "aws-us-gov").name == "EndEntityCertificate"
    with pytest.raises(AwsError, match="does not exist"):
        find_template(arn, "aws")


def test_the_default_template_is_end_entity(pca):
    root = pca.root()
    certificate = pca.issue(root, pca.csr("CN=a"))
    assert list(extension(certificate, Oid.EXTENDED_KEY_USAGE).value) == [SERVER, CLIENT]


def test_a_template_without_passthrough_takes_the_csrs_names_and_drops_its_extensions(pca):
    wanted = [
        raw("1.2.3.4"),
        x509.Extension(Oid.BASIC_CONSTRAINTS, True, x509.BasicConstraints(True, None)),
        x509.Extension(Oid.EXTENDED_KEY_USAGE, True, x509.ExtendedKeyUsage([Purpose.CODE_SIGNING])),
    ]
    csr = pca.csr("CN=a", dns_names=["a.example"], extensions=wanted)
    certificate = pca.issue(pca.root(), csr)
    san = extension(certificate, Oid.SUBJECT_ALTERNATIVE_NAME).value
    assert san.get_values_for_type(x509.DNSName) == ["a.example"]
    assert extension(certificate, x509.ObjectIdentifier("1.2.3.4")) is None
    assert not extension(certificate, Oid.BASIC_CONSTRAINTS).value.ca
    assert list(extension(certificate, Oid.EXTENDED_KEY_USAGE).value) == [SERVER, CLIENT]


def test_csr_passthrough_copies_the_very_bytes_of_what_the_template_leaves_open(pca):
    """The extension is no DER at all: its content is not the CA's affair."""
    csr = pca.csr(extensions=[raw("1.2.3.4", b"not DER", critical=True), raw("1.2.3.5")])
    certificate = pca.issue(pca.root(), csr, "EndEntityCertificate_CSRPassthrough")
    found = extension(certificate, x509.ObjectIdentifier("1.2.3.4"))
    assert found.critical
    assert found.value.value == b"not DER"
    assert extension(certificate, x509.ObjectIdentifier("1.2.3.5"))


def test_the_template_wins_over_the_api_and_the_api_over_the_csr(pca):
    csr = pca.csr(
        "CN=of the CSR",
        dns_names=["csr.example"],
        extensions=[
            raw("1.2.3.4", b"CSR"),
            raw("1.2.3.5", b"CSR"),
            x509.Extension(
                Oid.EXTENDED_KEY_USAGE, False, x509.ExtendedKeyUsage([Purpose.CODE_SIGNING])
            ),
        ],
    )
    passthrough = {
        "Subject": {"CommonName": "of the API"},
        "Extensions": {
            "ExtendedKeyUsage": [{"ExtendedKeyUsageType": "TIME_STAMPING"}],
            "KeyUsage": {"KeyAgreement": True},
            "SubjectAlternativeNames": [{"DnsName": "api.example"}],
            "CustomExtensions": [custom("1.2.3.4", b"API", Critical=True)],
        },
    }
    certificate = pca.issue(
        pca.root(), csr, "EndEntityCertificate_APICSRPassthrough", ApiPassthrough=passthrough
    )
    assert certificate.subject.rfc4514_string() == "CN=of the API"
    san = extension(certificate, Oid.SUBJECT_ALTERNATIVE_NAME).value
    assert san.get_values_for_type(x509.DNSName) == ["api.example"]
    assert list(extension(certificate, Oid.EXTENDED_KEY_USAGE).value) == [SERVER, CLIENT]
    assert extension(certificate, Oid.KEY_USAGE).value.key_encipherment
    from_api = extension(certificate, x509.ObjectIdentifier("1.2.3.4"))
    assert (from_api.critical, from_api.value.value) == (True, b"API")
    from_csr = extension(certificate, x509.ObjectIdentifier("1.2.3.5"))
    assert from_csr.value.value == b"CSR"


def test_api_passthrough_fills_a_blank_template(pca):
    passthrough = {
        "Extensions": {
            "CertificatePolicies": [
                {
                    "CertPolicyId": "1.3.6.1.4.1.1",
                    "PolicyQualifiers": [
                        {"PolicyQualifierId": "CPS", "Qualifier": {"CpsUri": "http://a.example"}}
                    ],
                }
            ],
            "ExtendedKeyUsage": [
                {"ExtendedKeyUsageType": "EMAIL_PROTECTION"},
                {"ExtendedKeyUsageObjectIdentifier": "1.2.3.4.5"},
            ],
            "KeyUsage": {"NonRepudiation": True, "DigitalSignature": False},
        }
    }
    certificate = pca.issue(
        pca.root(), None, "BlankEndEntityCertificate_APIPassthrough", ApiPassthrough=passthrough
    )
    usage = extension(certificate, Oid.KEY_USAGE).value
    assert {bit for bit, on in vars_of(usage).items() if on} == {"content_commitment"}
    eku = [one.dotted_string for one in extension(certificate, Oid.EXTENDED_KEY_USAGE).value]
    assert eku == ["1.3.6.1.5.5.7.3.4", "1.2.3.4.5"]
    (policy,) = extension(certificate, Oid.CERTIFICATE_POLICIES).value
    assert policy.policy_qualifiers == ["http://a.example"]


def test_api_passthrough_is_ignored_by_templates_that_take_none(pca):
    passthrough = {
        "Subject": {"CommonName": "of the API", "CustomAttributes": [
            {"ObjectIdentifier": "2.5.4.3", "Value": "mixed, which is wrong"}]},
        "Extensions": {"CustomExtensions": [custom("1.2.3.4")]},
    }  # fmt: skip
    for template in ("EndEntityCertificate", "EndEntityCertificate_CSRPassthrough"):
        certificate = pca.issue(pca.root(), None, template, ApiPassthrough=passthrough)
        assert certificate.subject.rfc4514_string() == "CN=leaf.example"
        assert extension(certificate, x509.ObjectIdentifier("1.2.3.4")) is None


@pytest.mark.parametrize(
    "passthrough",
    [
        {"Subject": {"Country": "FR", "CustomAttributes": [
            {"ObjectIdentifier": "2.5.4.3", "Value": "x"}]}},
        {"Subject": {"CustomAttributes": [{"ObjectIdentifier": "2.5.4.6", "Value": "FRANCE"}]}},
        {"Extensions": {"SubjectAlternativeNames": [{"DnsName": "a", "Rfc822Name": "a@b"}]}},
        {"Extensions": {"SubjectAlternativeNames": [{}]}},
        {"Extensions": {"SubjectAlternativeNames": [{"IpAddress": "300.1.1.1"}]}},
        {"Extensions": {"SubjectAlternativeNames": [{"DnsName": "bücher.example"}]}},
        {"Extensions": {"SubjectAlternativeNames": [{"EdiPartyName": {"PartyName": "x"}}]}},
        {"Extensions": {"ExtendedKeyUsage": [{}]}},
        {"Extensions": {"ExtendedKeyUsage": [{"ExtendedKeyUsageType": "SERVER_AUTH",
                                              "ExtendedKeyUsageObjectIdentifier": "1.2.3"}]}},
        {"Extensions": {"CustomExtensions": [custom("1.2.3.4"), custom("1.2.3.4")]}},
        {"Extensions": {"KeyUsage": {}, "CustomExtensions": [custom("2.5.29.15")]}},
        {"Extensions": {"CertificatePolicies": [{"CertPolicyId": "1.2.3", "PolicyQualifiers": [
            {"PolicyQualifierId": "CPS", "Qualifier": {"CpsUri": "http://ü.example"}}]}]}},
    ],
    ids=lambda one: json.dumps(one)[:60],
)  # fmt: skip
def test_a_passthrough_that_cannot_be_encoded_is_an_invalid_argument(pca, passthrough):
    pca.order_refused(
        "InvalidArgsException",
        pca.root(),
        None,
        "BlankEndEntityCertificate_APIPassthrough",
        ApiPassthrough=passthrough,
    )


def test_every_kind_of_alternative_name_but_edi_reaches_the_certificate(pca):
    names = [
        {"OtherName": {"TypeId": "1.3.6.1.4.1.311.20.2.3", "Value": "u" * 200}},
        {"Rfc822Name": "a@b.example"},
        {"DnsName": "*.b.example"},
        {"DirectoryName": {"Country": "FR", "CommonName": "x"}},
        {"UniformResourceIdentifier": "spiffe://b.example/x"},
        {"IpAddress": "2001:db8::1"},
        {"RegisteredId": "1.2.3.4"},
    ]
    certificate = pca.issue(
        pca.root(),
        None,
        "EndEntityCertificate_APIPassthrough",
        ApiPassthrough={"Extensions": {"SubjectAlternativeNames": names}},
    )
    found = list(extension(certificate, Oid.SUBJECT_ALTERNATIVE_NAME).value)
    assert [type(one).__name__ for one in found] == [
        "OtherName", "RFC822Name", "DNSName", "DirectoryName", "UniformResourceIdentifier",
        "IPAddress", "RegisteredID",
    ]  # fmt: skip
    assert found[0].value == b"\x0c\x81\xc8" + b"u" * 200


def test_key_usage_may_have_any_of_the_nine_bits(pca):
    """Also encipherOnly without keyAgreement, which RFC 5280 leaves undefined."""
    all_bits = [
        "DigitalSignature",
        "NonRepudiation",
        "KeyEncipherment",
        "DataEncipherment",
        "KeyAgreement",
        "KeyCertSign",
        "CRLSign",
        "EncipherOnly",
        "DecipherOnly",
    ]
    expected = {
        (): "030100",
        ("DigitalSignature",): "03020780",
        ("CRLSign",): "03020102",
        ("EncipherOnly",): "03020001",
        ("DecipherOnly",): "0303070080",
        tuple(all_bits): "030307ff80",
    }
    root = pca.root()
    for bits, der in expected.items():
        passed = {"Extensions": {"KeyUsage": dict.fromkeys(bits, True)}}
        certificate = pca.issue(
            root, None, "BlankEndEntityCertificate_APIPassthrough", ApiPassthrough=passed
        )
        assert bytes.fromhex(f"0603551d0f0101ff04{len(der) // 2:02x}{der}") in (
            certificate.tbs_certificate_bytes
        )


def with_revocation(pca, *, crl=True, ocsp=True, **crl_members):
    """An ACTIVE root with CRL and OCSP."""
    configuration = {}
    if crl:
        configuration["CrlConfiguration"] = {
            "Enabled": True, "ExpirationInDays": 7, "S3BucketName": pca.bucket(),
            "S3ObjectAcl": "BUCKET_OWNER_FULL_CONTROL", **crl_members,
        }  # fmt: skip
    if ocsp:
        configuration["OcspConfiguration"] = {"Enabled": True}
    return pca.root(RevocationConfiguration=configuration)


def urls(certificate):
    """The CRL and OCSP URLs of a certificate."""
    cdp = extension(certificate, Oid.CRL_DISTRIBUTION_POINTS)
    aia = extension(certificate, Oid.AUTHORITY_INFORMATION_ACCESS)
    return (
        cdp and [name.value for point in cdp.value for name in point.full_name],
        aia and [one.access_location.value for one in aia.value],
    )


def test_the_cas_configuration_supplies_cdp_and_aia_but_a_root_template_has_no_cdp(pca):
    root = with_revocation(pca)
    uuid = root.rpartition("/")[2]
    cdp, aia = urls(pca.issue(root))
    assert cdp == [f"http://lab-crl.s3.us-east-1.amazonaws.com/crl/{uuid}.crl"]
    assert aia == ["http://ocsp.acm-pca.us-east-1.amazonaws.com"]
    own_cdp, own_aia = urls(pca.certificate(root))
    assert own_cdp is None
    assert own_aia == aia


@pytest.mark.parametrize(
    ("template", "has_cdp"),
    [
        ("EndEntityCertificate", False),
        ("EndEntityCertificate_APIPassthrough", False),
        ("EndEntityCertificate_CSRPassthrough", True),
        ("EndEntityCertificate_APICSRPassthrough", True),
        ("BlankEndEntityCertificate_APIPassthrough", False),
        ("BlankEndEntityCertificate_CriticalBasicConstraints_APIPassthrough", True),
        ("BlankEndEntityCertificate_CriticalBasicConstraints_CSRPassthrough", True),
    ],
)
def test_a_cdp_is_passed_through_where_the_page_says_so(pca, template, has_cdp):
    point = x509.DistributionPoint(
        [x509.UniformResourceIdentifier("http://own.example/crl")], None, None, None
    )
    value = x509.CRLDistributionPoints([point])
    csr = pca.csr(extensions=[x509.Extension(value.oid, False, value)])
    passed = {"Extensions": {"CustomExtensions": [custom("2.5.29.31", value.public_bytes())]}}
    certificate = pca.issue(pca.root(), csr, template, ApiPassthrough=passed)
    assert urls(certificate)[0] == (["http://own.example/crl"] if has_cdp else None)


def test_the_cas_cdp_wins_over_the_csrs_and_its_aia_over_a_passed_one(pca):
    cdp = x509.CRLDistributionPoints([x509.DistributionPoint(
        [x509.UniformResourceIdentifier("http://own.example/crl")], None, None, None)])  # fmt: skip
    aia = x509.AuthorityInformationAccess([x509.AccessDescription(
        x509.AuthorityInformationAccessOID.OCSP,
        x509.UniformResourceIdentifier("http://own.example/ocsp"))])  # fmt: skip
    csr = pca.csr(extensions=[x509.Extension(one.oid, False, one) for one in (cdp, aia)])
    template = "EndEntityCertificate_APICSRPassthrough"
    passed = {"Extensions": {"CustomExtensions": [custom("1.3.6.1.5.5.7.1.1", aia.public_bytes())]}}
    found = urls(pca.issue(with_revocation(pca), csr, template, ApiPassthrough=passed))
    assert "own.example" not in str(found)
    without = urls(pca.issue(pca.root(), csr, template))
    assert without == (["http://own.example/crl"], ["http://own.example/ocsp"])


def test_an_omitted_cdp_is_omitted(pca):
    root = with_revocation(pca, CrlDistributionPointExtensionConfiguration={"OmitExtension": True})
    assert urls(pca.issue(root))[0] is None


def test_a_root_with_api_passthrough_takes_an_aki_from_the_api_only(pca):
    aki = x509.AuthorityKeyIdentifier(b"k" * 20, None, None).public_bytes()
    passed = {"Extensions": {"CustomExtensions": [custom("2.5.29.35", aki)]}}
    root = pca.root(template="RootCACertificate_APIPassthrough", passthrough=passed)
    found = extension(pca.certificate(root), Oid.AUTHORITY_KEY_IDENTIFIER)
    assert found.value.key_identifier == b"k" * 20
    leaf = pca.issue(root, None, "EndEntityCertificate_APIPassthrough", ApiPassthrough=passed)
    aki_of_leaf = extension(leaf, Oid.AUTHORITY_KEY_IDENTIFIER).value.key_identifier
    ski = extension(pca.certificate(root), Oid.SUBJECT_KEY_IDENTIFIER).value.digest
    assert aki_of_leaf == ski


@pytest.mark.parametrize(
    ("template", "purpose", "verdict"),
    [
        ("EndEntityServerAuthCertificate", "sslserver", True),
        ("EndEntityServerAuthCertificate", "sslclient", False),
        ("EndEntityClientAuthCertificate", "sslclient", True),
        ("EndEntityClientAuthCertificate", "sslserver", False),
        ("CodeSigningCertificate", "any", True),
        ("CodeSigningCertificate", "sslserver", False),
        ("OCSPSigningCertificate", "sslserver", False),
    ],
)
def test_openssl_accepts_a_certificate_for_its_templates_purpose_only(
    pca, tmp_path, template, purpose, verdict
):
    root = pca.root()
    subordinate = pca.subordinate(root)
    answer = pca.get(subordinate, pca.order(subordinate, template=template))
    files = {"leaf": answer["Certificate"], "chain": answer["CertificateChain"]}
    files["root"] = pca("GetCertificateAuthorityCertificate", CertificateAuthorityArn=root)[
        "Certificate"
    ]
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    done = subprocess.run(
        ["openssl", "verify", "-x509_strict", "-purpose", purpose,
         "-attime", str(int(pca.now.timestamp())),
         "-CAfile", tmp_path / "root", "-untrusted", tmp_path / "chain", tmp_path / "leaf"],
        capture_output=True, check=False, text=True,
    )  # fmt: skip
    assert (done.returncode == 0) is verdict, done.stdout + done.stderr


def pkilint(certificate, folder):
    """The codes of pkilint's errors: RFC 5280 and the RFCs around it."""
    (folder / "certificate").write_bytes(certificate.public_bytes(Encoding.PEM))
    pkilint = Path(sys.executable).with_name("lint_pkix_cert")
    done = subprocess.run(
        [pkilint, "lint", "-s", "ERROR", "-f", "JSON", folder / "certificate"],
        capture_output=True, check=False, text=True,
    )  # fmt: skip
    results = json.loads(done.stdout)["results"]
    return [one["code"] for result in results for one in result["finding_descriptions"]]


def test_pkilint_finds_no_error_in_a_root_a_subordinate_and_an_rsa_leaf(pca, tmp_path):
    root = pca.root(subject={"Country": "FR", "Organization": "Lab", "CommonName": "Root"})
    subordinate = pca.subordinate(root, subject={"Country": "FR", "CommonName": "Sub"})
    key = generate_key("RSA_2048", pca.world.entropy("rsa leaf"))
    leaf = pca.issue(subordinate, pca.csr("CN=a.example", dns_names=["a.example"], key=key))
    for certificate in (pca.certificate(root), pca.certificate(subordinate), leaf):
        assert pkilint(certificate, tmp_path) == []


def test_the_template_asserts_key_encipherment_for_ec_keys_too_as_pkilint_notes(pca, tmp_path):
    """AWS's templates are fixed; RFC 8813 section 3 forbids the bit for EC keys."""
    leaf = pca.issue(pca.root(), pca.csr("CN=a.example", dns_names=["a.example"]))
    assert pkilint(leaf, tmp_path) == ["pkix.key_usage_value_prohibited_for_ec"]
