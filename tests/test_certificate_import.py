"""The workflow: from a PFX or PEM into ACM and out again, and what is told beforehand."""

import base64
import shutil
import stat
import subprocess
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from pkilab import Lab, ca_hierarchy, certificate_import, mutual_tls, witness
from pkilab.certificate_import import (
    Cause,
    Material,
    MaterialCause,
    MaterialError,
    PfxCause,
    PfxError,
    diagnose,
    read_pfx,
    sort_pem,
)
from pkilab.errors import MalformedError
from pkilab.pki import _der, names, pem

NAME = "www.website.example"
PASSWORD = "open sesame"
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH


class Maker:
    """Makes certificates of which any detail may be wrong; keys come from the lab's seed."""

    def __init__(self, lab):
        self.lab, self.now = lab, lab.clock.now()
        self.root, self.root_key = self.make("Root", ca=True)
        self.issuing, self.issuing_key = self.make(
            "Issuing", issuer=(self.root, self.root_key), ca=True
        )
        self.leaf, self.key = self.make(NAME)

    def make(
        self, common_name, *, issuer=None, ca=False, algorithm="EC_prime256v1", key=None,
        start=-1, end=90, more=(), dns=None, subject=None, issuer_name=None, usages=(SERVER,),
        key_usage=("digital_signature",), label=None,
    ):  # fmt: skip
        """Return a certificate and its key; days are counted from now."""
        own = key or self.lab.generate_key(label or common_name, algorithm)
        above, signer = issuer or ((None, own) if ca else (self.issuing, self.issuing_key))
        name = names.subject(f"O=Lab, CN={common_name}") if subject is None else subject
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(
                issuer_name if issuer_name is not None else above.subject if above else name
            )
            .public_key(own.public_key())
            .serial_number(int.from_bytes(hashes_of(common_name, start, end, usages)))
            .not_valid_before(self.now + timedelta(days=start))
            .not_valid_after(self.now + timedelta(days=end))
            .add_extension(x509.BasicConstraints(ca, None), critical=True)
        )
        if not ca:
            alternative = (common_name,) if dns is None else dns
            extensions = [x509.KeyUsage(**_bits(key_usage))] if key_usage else []
            extensions += [x509.ExtendedKeyUsage(usages)] if usages else []
            if alternative:
                extensions.append(x509.SubjectAlternativeName(map(x509.DNSName, alternative)))
            for each in (*extensions, *more):
                builder = builder.add_extension(each, critical=False)
        return builder.sign(signer, hashes.SHA256()), own

    @property
    def well(self):
        """What ACM takes: the arguments of ImportCertificate."""
        return arguments(self.leaf, self.key, self.issuing, self.root)


def hashes_of(*values):
    import hashlib

    return hashlib.sha256(repr(values).encode()).digest()[:15]


def _bits(on):
    every = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
        "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return {bit: bit in on for bit in every}


def arguments(certificate, key, *chain):
    """Return ImportCertificate's arguments."""
    above = {"CertificateChain": pem.to_pem(*chain).encode()} if chain else {}
    return {"Certificate": pem.to_pem(certificate).encode(), "PrivateKey": key_pem(key), **above}


def key_pem(key, form=PrivateFormat.PKCS8, encryption=None):
    return key.private_bytes(Encoding.PEM, form, encryption or NoEncryption())


@pytest.fixture(scope="module")
def shared():
    """One lab and its certificates, for tests that leave nothing behind that matters."""
    with Lab.simulated(seed="import", accounts={"owner": "111122223333"}) as lab:
        yield Maker(lab)


@pytest.fixture
def acm(shared):
    return shared.lab.client("acm")


@pytest.fixture
def desk(shared, tmp_path):
    """A folder with what a website's owner has, and openssl."""
    return Desk(shared, tmp_path)


class Desk:
    """Makes PFX files with openssl."""

    def __init__(self, maker, folder):
        self.folder, self.maker = folder, maker
        (folder / "key.pem").write_bytes(key_pem(maker.key))
        (folder / "leaf.pem").write_text(pem.to_pem(maker.leaf))
        (folder / "cas.pem").write_text(pem.to_pem(maker.root, maker.issuing))

    def pfx(self, *options, name="website.pfx", password=PASSWORD):
        """Export and return the path. The chain is written root first, as it must not be."""
        if shutil.which("openssl") is None:
            pytest.skip("openssl is not installed")
        subprocess.run(
            ["openssl", "pkcs12", "-export", "-inkey", "key.pem", "-in", "leaf.pem",
             "-certfile", "cas.pem", "-passout", f"pass:{password}", "-out", name, *options],
            cwd=self.folder, check=True, capture_output=True,
        )  # fmt: skip
        return self.folder / name


# From a PFX.


@pytest.mark.parametrize(
    "options", [(), ("-legacy",), ("-nomac",)], ids=["now", "legacy", "no mac"]
)
def test_a_pfx_becomes_what_acm_takes_in_one_call(shared, acm, desk, options):
    """Whatever the order in the file; from a path or from bytes."""
    path = desk.pfx(*options)
    material = read_pfx(path, PASSWORD)
    assert material.certificate == shared.leaf
    assert material.chain == (shared.issuing, shared.root)
    assert material.missing_issuer is None
    assert bool(material.notes) is ("-nomac" in options)
    assert read_pfx(path.read_bytes(), PASSWORD).chain == material.chain
    assert read_pfx(str(path), PASSWORD.encode()).certificate == shared.leaf

    assert diagnose(material, at=shared.now).accepted
    arn = certificate_import.import_pfx(acm, path, PASSWORD, tags={"from": "pfx"})
    got = acm.get_certificate(CertificateArn=arn)
    assert got["Certificate"] == material.certificate_pem
    assert got["CertificateChain"] == material.chain_pem
    tags = acm.list_tags_for_certificate(CertificateArn=arn)["Tags"]
    assert tags == [{"Key": "from", "Value": "pfx"}]


def test_the_pem_files_are_what_openssl_extracts(shared, desk, tmp_path):
    """The witness: the post's way and ours end in the same certificates and the same key."""
    path = desk.pfx()
    read_pfx(path, PASSWORD).write(tmp_path / "ours")

    def extract(*options):
        command = ["openssl", "pkcs12", "-in", path, "-passin", f"pass:{PASSWORD}", *options]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    theirs = sort_pem(
        extract("-nocerts", "-nodes"),
        extract("-clcerts", "-nokeys"),
        extract("-cacerts", "-nokeys"),
    )
    ours = sort_pem(*(each.read_text() for each in sorted((tmp_path / "ours").iterdir())))
    assert (ours.certificate, ours.chain) == (theirs.certificate, theirs.chain)
    assert ours.key_pem == theirs.key_pem
    said = witness.openssl_verify(
        ours.certificate_pem,
        root=pem.to_pem(ours.chain[-1]),
        intermediates=ours.chain_pem,
        at=shared.now,
    )
    assert said.agrees, said
    assert stat.S_IMODE((tmp_path / "ours" / "private-key.pem").stat().st_mode) == 0o600


def test_a_pfx_that_does_not_open_says_why(desk, tmp_path):
    """And never names the password."""
    path = desk.pfx()
    with pytest.raises(PfxError) as caught:
        read_pfx(path, "open barley")
    assert caught.value.cause is PfxCause.WRONG_PASSWORD
    assert "barley" not in str(caught.value)
    with pytest.raises(PfxError) as caught:
        read_pfx(desk.folder / "leaf.pem", PASSWORD)
    assert caught.value.cause is PfxCause.NOT_PFX
    with pytest.raises(FileNotFoundError):
        read_pfx(tmp_path / "nothing.pfx", PASSWORD)


def test_a_keystore_with_several_keys_is_chosen_from_by_name(desk):
    """Java's; without a name the error lists them."""
    if shutil.which("keytool") is None:
        pytest.skip("keytool is not installed")
    for alias in ("blue", "green"):
        subprocess.run(
            ["keytool", "-genkeypair", "-alias", alias, "-keyalg", "EC", "-dname", f"CN={alias}",
             "-keystore", "java.p12", "-storetype", "PKCS12", "-storepass", PASSWORD],
            cwd=desk.folder, check=True, capture_output=True,
        )  # fmt: skip
    path = desk.folder / "java.p12"
    with pytest.raises(PfxError, match="blue, green"):
        read_pfx(path, PASSWORD)
    green = read_pfx(path, PASSWORD, friendly_name="green")
    assert green.certificate.subject.rfc4514_string() == "CN=green"


# What is told beforehand, and what ACM says: the same verdict.


def taken(maker):
    """Yield (name, arguments, no causes) for what ACM imports."""
    well, leaf, key = maker.well, maker.leaf, maker.key
    yield "well", well, ()
    yield "a self-signed certificate", arguments(maker.root, maker.root_key), ()
    yield "a chain without its root", arguments(leaf, key, maker.issuing), ()
    for algorithm in ("RSA_2048", "RSA_3072", "EC_secp384r1", "EC_secp521r1"):
        yield f"a key of {algorithm}", arguments(*own_root(maker, algorithm)), ()
    weak = rsa.generate_private_key(65537, 1024)  # noqa: S505 - that is what is tried
    yield "RSA_1024", arguments(*maker.make("weak", ca=True, key=weak)), ()
    yield "no name", arguments(*maker.make("nobody in particular", ca=True)), ()
    old = key_pem(key, PrivateFormat.TraditionalOpenSSL)
    yield "an old form of key", {**well, "PrivateKey": old}, ()
    head = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    yield "EC PARAMETERS before the key", {**well, "PrivateKey": head + old}, ()
    yield "blanks around", {**well, "Certificate": b"\n\n" + well["Certificate"] + b"\n"}, ()


def spoilt_fields(maker):
    """Yield (name, arguments, the causes of a refusal) for fields that are not what they should."""
    well, key = maker.well, maker.key
    certificate, cas = well["Certificate"], well["CertificateChain"]
    twice, twice_key = base64.b64encode(certificate), base64.b64encode(key_pem(key))
    locked = key_pem(key, encryption=BestAvailableEncryption(b"open sesame"))
    old_form = (PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(b"open sesame"))
    stranger = maker.lab.generate_key("stranger")
    for name, field, value, cause in (
        ("several", "Certificate", certificate + cas, Cause.SEVERAL_CERTIFICATES),
        ("DER", "Certificate", maker.leaf.public_bytes(Encoding.DER), Cause.NOT_PEM),
        ("Base64 twice", "Certificate", twice, Cause.BASE64_TWICE),
        ("Base64 twice", "PrivateKey", twice_key, Cause.BASE64_TWICE),
        ("Base64 twice", "CertificateChain", base64.b64encode(cas), Cause.BASE64_TWICE),
        ("text", "Certificate", b"certificate", Cause.NOT_PEM),
        ("a key", "Certificate", key_pem(key), Cause.NOT_PEM),
        ("a certificate", "PrivateKey", certificate, Cause.NOT_PEM),
        ("text", "CertificateChain", b"none", Cause.NOT_PEM),
        ("encrypted", "PrivateKey", locked, Cause.ENCRYPTED_KEY),
        ("encrypted the old way", "PrivateKey", key_pem(key, *old_form), Cause.ENCRYPTED_KEY),
        ("damaged", "PrivateKey", key_pem(key).replace(b"MIG", b"MIH"), Cause.NOT_PEM),
        ("another's", "PrivateKey", key_pem(stranger), Cause.KEY_OF_ANOTHER),
        ("too large", "PrivateKey", key_pem(key) + b"\n" * 5000, Cause.TOO_LARGE),
        ("too large", "Certificate", certificate + b"\n" * 33_000, Cause.TOO_LARGE),
        ("too large", "CertificateChain", cas + b"\n" * 2_097_200, Cause.TOO_LARGE),
        *(("bag attributes", field, BAG + well[field], Cause.TEXT_AROUND) for field in well),
    ):
        yield f"{field}: {name}", {**well, field: value}, (cause,)


BAG = b"Bag Attributes\n    friendlyName: w\nKey Attributes: <No Attributes>\n"


def spoilt_certificates(maker):
    """Yield (name, arguments, the causes of a refusal) for certificates ACM does not take."""

    def other(*causes, **options):
        made = maker.make(NAME, **options)
        return arguments(*made, maker.issuing, maker.root), causes

    url = x509.UniformResourceIdentifier("http://ocsp.example/" + "a" * 990)
    access = x509.AuthorityInformationAccess(
        [x509.AccessDescription(AuthorityInformationAccessOID.OCSP, url)]
    )
    odd = ec.derive_private_key(7, ec.SECP256K1())
    edwards = maker.lab.generate_key("edwards", "Ed25519")
    rsa_key = maker.lab.generate_key("rsa leaf", "RSA_2048")
    yield "expired", *other(Cause.EXPIRED, start=-9, end=-1)
    yield "not yet valid", *other(Cause.NOT_YET_VALID, start=1)
    yield "a curve ACM has not", *other(Cause.KEY_NOT_SUPPORTED, key=odd)
    yield "Ed25519", *other(Cause.KEY_NOT_SUPPORTED, Cause.ALGORITHM_FAMILY, key=edwards)
    yield "RSA below ECDSA", *other(Cause.ALGORITHM_FAMILY, key=rsa_key)
    nameless = x509.Name([])
    yield "no issuer", *other(Cause.NO_ISSUER, Cause.MISSING_ISSUER, issuer_name=nameless)
    yield "a long OCSP URL", *other(Cause.OCSP_URL, more=(access,))
    yield "version 1", arguments(version_1(maker), maker.root_key), (Cause.NOT_VERSION_3,)


def version_1(maker):
    """Return the root as X.509 version 1, which has no extensions, signed by itself."""
    (outer,) = _der.elements(maker.root.public_bytes(Encoding.DER))
    tbs, algorithm, _ = _der.elements(outer.contents)
    kept = [each.whole for each in _der.elements(tbs.contents) if each.tag not in {0xA0, 0xA3}]
    signed = _der.encode(_der.SEQUENCE, kept)
    signature = maker.root_key.sign(signed, ec.ECDSA(hashes.SHA256()))
    bits = _der.encode(0x03, [b"\0", signature])
    return x509.load_der_x509_certificate(
        _der.encode(_der.SEQUENCE, [signed, algorithm.whole, bits])
    )


def spoilt_chains(maker):
    """Yield (name, arguments, the causes of a refusal) for chains that do not hold."""
    leaf, key, issuing, root = maker.leaf, maker.key, maker.issuing, maker.root
    foreign, _ = maker.make("Elsewhere", ca=True)
    twin, _ = maker.make("Issuing", issuer=(root, maker.root_key), ca=True, label="twin")
    for name, chain, cause in (
        ("none", (), Cause.NO_CHAIN),
        ("root first", (root, issuing), Cause.CHAIN_ORDER),
        ("the leaf in it", (leaf, issuing, root), Cause.LEAF_IN_CHAIN),
        ("no intermediate", (root,), Cause.MISSING_ISSUER),
        ("a CA of the same name", (twin, root), Cause.FOREIGN_CHAIN),
        ("another's", (foreign,), Cause.MISSING_ISSUER),
        ("a stranger at the end", (issuing, foreign), Cause.MISSING_ISSUER),
        ("a root too many", (issuing, root, foreign), Cause.MISSING_ISSUER),
        ("one twice", (issuing, issuing, root), Cause.CHAIN_ORDER),
    ):
        yield f"chain: {name}", arguments(leaf, key, *chain), (cause,)
    locked = key_pem(key, encryption=BestAvailableEncryption(b"open sesame"))
    two = {**arguments(leaf, key), "PrivateKey": locked}
    yield "two mistakes", two, (Cause.ENCRYPTED_KEY, Cause.NO_CHAIN)


def own_root(maker, algorithm):
    """Return a self-signed certificate of an algorithm, and its key."""
    return maker.make(f"Root {algorithm}", ca=True, algorithm=algorithm)


def acms_word(acm, given_arguments):
    """Return ACM's message, or None where it imports; what it imported is deleted again."""
    try:
        arn = acm.import_certificate(**given_arguments)["CertificateArn"]
    except ClientError as error:
        return f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"
    if "CertificateArn" not in given_arguments:
        acm.delete_certificate(CertificateArn=arn)
    return None


EVERY = (taken, spoilt_fields, spoilt_certificates, spoilt_chains)


@pytest.mark.parametrize("cases", EVERY, ids=lambda each: each.__name__)
def test_the_diagnosis_and_acm_agree(shared, acm, cases):
    """Each refusal is foretold, and nothing else is; the causes are the ones that were put in."""
    for name, given_arguments, causes in cases(shared):
        told = diagnose(given_arguments, at=shared.now)
        word = acms_word(acm, given_arguments)
        assert told.accepted is (word is None), f"{name}: told {told}, ACM said {word}"
        assert set(told.causes) == set(causes), f"{name}: {told}"
        for each in told.findings:
            assert each.sentence.endswith(".")
            assert each.remedy.endswith(".")


@pytest.fixture(scope="module")
def pool(shared):
    """The fields of all cases, to be mixed; the largest are left out."""
    every = [given_arguments for cases in EVERY for _, given_arguments, _ in cases(shared)]
    return {
        name: [each[name] for each in every if len(each.get(name, b"")) in range(1, 20_000)]
        for name in shared.well
    }


@given(st.data())
def test_the_diagnosis_and_acm_agree_on_mixtures_and_damage(shared, pool, data):
    """Fields of any two cases together, some of them with a few bytes changed."""
    acm, fields = shared.lab.client("acm"), dict(shared.well)
    for name in data.draw(st.sets(st.sampled_from(sorted(pool)))):
        fields[name] = data.draw(st.sampled_from(pool[name]))
    name = data.draw(st.sampled_from(sorted(pool)))
    at = data.draw(st.integers(0, len(fields[name])))
    put = data.draw(st.sampled_from([b"", b"\n", b"\r\n", b" ", b"=", b"-----", b"\0", b"A"]))
    cut = data.draw(st.sampled_from([0, 0, 0, 1, 65]))
    fields[name] = fields[name][:at] + put + fields[name][at + cut :] or b"-"
    told, word = diagnose(fields, at=shared.now), acms_word(acm, fields)
    assert told.accepted is (word is None), f"told {told}, ACM said {word}"


def reimports(maker):
    """Yield (name, what replaces the certificate, the causes of a refusal)."""
    both = (SERVER, CLIENT)
    keep = {"key_usage": ("digital_signature", "key_encipherment")}
    more = (*keep["key_usage"], "data_encipherment")
    for name, options, causes in (
        ("the same names", {}, ()),
        ("one name more", {"dns": (NAME, "more.example")}, ()),
        ("a use more", {"key_usage": more}, ()),
        ("no clientAuth", {"usages": (SERVER,)}, ()),
        ("no keyEncipherment of ECDSA", {"key_usage": ("digital_signature",)}, ()),
        ("other names", {"dns": ("other.example",)}, (Cause.REIMPORT_NAMES,)),
        ("no serverAuth", {"usages": (CLIENT,)}, (Cause.REIMPORT_USES,)),
        ("no digitalSignature", {"key_usage": ("key_encipherment",)}, (Cause.REIMPORT_USES,)),
        ("another curve", {"algorithm": "EC_secp384r1", "label": "384"}, (Cause.REIMPORT_KEY,)),
    ):
        common_name = options.get("dns", (NAME,))[0]
        made = maker.make(common_name, **{"usages": both, "end": 120, **keep, **options})
        yield name, arguments(*made, maker.issuing, maker.root), causes


def test_the_diagnosis_and_acm_agree_on_reimports(shared, acm):
    """What may change under an ARN, and what may not."""
    uses = {"usages": (SERVER, CLIENT), "key_usage": ("digital_signature", "key_encipherment")}
    before, key = shared.make(NAME, **uses)
    first = arguments(before, key, shared.issuing, shared.root)
    for name, newer, causes in reimports(shared):
        arn = acm.import_certificate(**first)["CertificateArn"]
        told = diagnose(newer, at=shared.now, replacing=before)
        word = acms_word(acm, {**newer, "CertificateArn": arn})
        assert told.accepted is (word is None), f"{name}: told {told}, ACM said {word}"
        assert set(told.causes) == set(causes), f"{name}: {told}"
        got = acm.get_certificate(CertificateArn=arn)["Certificate"]
        assert got.encode() == (newer if told.accepted else first)["Certificate"]
        acm.delete_certificate(CertificateArn=arn)


def test_every_cause_of_a_diagnosis_has_a_case(shared):
    """So that none is a word nobody has seen."""
    seen = {
        each.cause
        for cases in EVERY
        for _, given_arguments, _ in cases(shared)
        for each in diagnose(given_arguments, at=shared.now).findings
    }
    seen |= {cause for _, _, causes in reimports(shared) for cause in causes}
    assert seen == set(Cause)


def test_a_diagnosis_is_a_text_to_read(shared):
    """Everything at once, the remedy beside it; doubt is marked."""
    good = diagnose(shared.well, at=shared.now)
    assert repr(good) == "ACM will import it."
    bad = {**shared.well, "Certificate": BAG + shared.well["Certificate"]}
    del bad["CertificateChain"]
    lines = repr(diagnose(bad, at=shared.now)).splitlines()
    assert lines[0] == "ACM will refuse it:"
    assert "(likeliest reading)" in lines[1]
    assert "Issuing" in lines[2]


def test_two_keys_in_one_field_are_objected_to(shared):
    """Whose would be taken is nowhere said."""
    stranger = key_pem(shared.lab.generate_key("stranger"))
    two = {**shared.well, "PrivateKey": shared.well["PrivateKey"] + stranger}
    assert diagnose(two, at=shared.now).causes == (Cause.NOT_PEM,)


def test_a_diagnosis_needs_a_time_zone_and_both_fields(shared):
    """Mistakes of the caller."""
    with pytest.raises(MalformedError):
        diagnose(shared.well, at=shared.now.replace(tzinfo=None))
    with pytest.raises(MalformedError, match="PrivateKey"):
        diagnose({"Certificate": b""}, at=shared.now)


@given(st.data())
def test_only_declared_errors_leave_whatever_is_diagnosed(shared, data):
    """Bytes, and changed PEM, in any field; a verdict comes out."""
    fields = dict(shared.well)
    for name, whole in shared.well.items():
        if data.draw(st.booleans()):
            at = data.draw(st.integers(0, len(whole)))
            fields[name] = whole[:at] + data.draw(st.binary(max_size=6)) + whole[at + 3 :]
        elif data.draw(st.booleans()):
            fields[name] = data.draw(st.binary(max_size=60))
    told = diagnose(fields, at=shared.now)
    assert told.accepted is not told.causes


# Reimport, export, files.


def test_a_reimport_keeps_the_arn_and_the_tags(shared, acm):
    """The newer certificate is served under the old ARN."""
    material = Material(shared.leaf, shared.key, (shared.issuing, shared.root))
    arn = certificate_import.import_material(acm, material, tags={"owner": "web"})
    newer, key = shared.make(NAME, end=180)
    replacing = Material(newer, key, material.chain)
    assert diagnose(replacing, at=shared.now, replacing=shared.leaf).accepted
    assert certificate_import.reimport(acm, arn, replacing) == arn
    assert acm.get_certificate(CertificateArn=arn)["Certificate"] == pem.to_pem(newer)
    tags = acm.list_tags_for_certificate(CertificateArn=arn)["Tags"]
    assert tags == [{"Key": "owner", "Value": "web"}]


def test_a_private_certificate_is_exported_with_its_key(shared, acm, tmp_path):
    """ACM made the key; it comes out encrypted, and is its owner's alone on disk."""
    pca = shared.lab.client("acm-pca")
    ca = ca_hierarchy.create_root(pca, {"CommonName": "Private Root"})
    pca.create_permission(
        CertificateAuthorityArn=ca,
        Principal="acm.amazonaws.com",
        Actions=["IssueCertificate", "GetCertificate", "ListPermissions"],
    )
    arn = acm.request_certificate(
        DomainName="db.internal", CertificateAuthorityArn=ca, KeyAlgorithm="EC_prime256v1"
    )["CertificateArn"]
    acm.get_waiter("certificate_validated").wait(CertificateArn=arn)
    material = certificate_import.export(acm, arn, PASSWORD)
    assert material.certificate_pem == acm.get_certificate(CertificateArn=arn)["Certificate"]
    assert material.key.public_key() == material.certificate.public_key()
    assert [each.subject.rfc4514_string() for each in material.chain] == ["CN=Private Root"]
    paths = material.write(tmp_path / "db")
    assert stat.S_IMODE(paths[1].stat().st_mode) == 0o600
    with pytest.raises(ClientError):
        certificate_import.export(acm, arn, "no")


def test_an_imported_certificate_is_never_exported(shared, acm):
    """The partner: what came in with its key stays in."""
    material = Material(shared.leaf, shared.key, (shared.issuing, shared.root))
    arn = certificate_import.import_material(acm, material)
    with pytest.raises(ClientError) as caught:
        certificate_import.export(acm, arn, PASSWORD)
    assert caught.value.response["Error"]["Code"] == "ValidationException"


def test_mutual_tls_imports_with_the_same_function():
    """One home."""
    assert mutual_tls.import_certificate is certificate_import.import_certificate


def test_no_secret_is_in_a_repr(shared, desk):
    """Of what the workflow returns."""
    material = read_pfx(desk.pfx(), PASSWORD)
    assert "PRIVATE" not in repr(material)
    assert PASSWORD not in repr(material)
    with pytest.raises(MaterialError) as caught:
        sort_pem(pem.to_pem(shared.leaf))
    assert caught.value.cause is MaterialCause.NO_KEY
