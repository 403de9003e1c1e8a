"""PFX files of real tools, made here and now, and files spoilt in one way each."""

import hashlib
import hmac
import json
import os
import re
import shutil
import subprocess

import pytest
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from pkilab.errors import MalformedError
from pkilab.pki import _ber, _der, pem, pkcs12
from pkilab.pki.keys import write_private_key
from pkilab.pki.pkcs12 import PfxCause, PfxError, inspect_pfx, open_pfx

PASSWORD = "a pass-word of 1999"
EXPORT = ("pkcs12", "-export", "-inkey", "leaf.key", "-in", "leaf.pem", "-certfile", "chain.pem")


class Desk:
    """A folder with a leaf, its key and its chain, and the tools that make PFX files of them."""

    def __init__(self, folder, parties):
        self.folder = folder
        self.root, self.issuing, self.leaf, self.second = parties
        for name, party in (("leaf", self.leaf), ("second", self.second)):
            write_private_key(party.key, folder / f"{name}.key")
            (folder / f"{name}.pem").write_text(pem.to_pem(party.certificate))
        self.chain = (self.issuing.certificate, self.root.certificate)
        (folder / "chain.pem").write_text(pem.to_pem(*self.chain))

    def run(self, program, *arguments):
        """Run a tool in the folder; the test is skipped where the tool is absent."""
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
        environment = {**os.environ, "LC_ALL": "C.UTF-8"}
        return subprocess.run(
            [program, *arguments], cwd=self.folder, env=environment,
            check=True, capture_output=True, timeout=120,
        )  # fmt: skip

    def openssl(self, *options, password=PASSWORD):
        """Export with openssl and return the file."""
        self.run("openssl", *EXPORT, "-passout", f"pass:{password}", "-out", "made.pfx", *options)
        return self.read("made.pfx")

    def keytool(self, *arguments, store="made.p12", password=PASSWORD, options=()):
        """Run one of keytool's commands on a store, and return that."""
        java = (f"-J{each}" for each in options)
        place = ("-keystore", store, "-storetype", "PKCS12", "-storepass", password)
        self.run("keytool", *java, *arguments, *place)
        return self.read(store)

    def java_key(self, alias, *, algorithm="RSA", **options):
        """Let Java make a key with a certificate of its own."""
        how = ("-keyalg", algorithm, "-dname", f"CN={alias}", "-validity", "90")
        return self.keytool("-genkeypair", "-alias", alias, *how, **options)

    def nss(self, *options, password=PASSWORD):
        """Import into an NSS database, and export from it."""
        self.openssl("-name", "my nickname", password="first")
        (self.folder / "nss").mkdir(exist_ok=True)
        self.run("certutil", "-N", "-d", "sql:nss", "--empty-password")
        self.run("pk12util", "-i", "made.pfx", "-d", "sql:nss", "-W", "first", "-K", "")
        self.run(
            "pk12util", "-o", "nss.p12", "-n", "my nickname", "-d", "sql:nss", "-W", password,
            "-K", "", *options,
        )  # fmt: skip
        return self.read("nss.p12")

    def certtool(self, *options):
        """Export with GnuTLS."""
        self.run(
            "certtool", "--to-p12", "--load-privkey", "leaf.key", "--load-certificate", "leaf.pem",
            "--load-ca-certificate", "chain.pem", "--p12-name", "gnu", "--outder", "--outfile",
            "gnutls.p12", *options,
        )  # fmt: skip
        return self.read("gnutls.p12")

    def read(self, name):
        """Return a file's bytes."""
        return (self.folder / name).read_bytes()


@pytest.fixture(scope="module")
def parties(make):
    """Root, issuing CA, leaf and a second leaf."""
    root = make("CN=Root", ca=True)
    issuing = make("CN=Issuing", root, ca=True)
    leaf = make("CN=www.example.com", issuing, algorithm="RSA_2048")
    return root, issuing, leaf, make("CN=second.example.com", issuing)


@pytest.fixture
def desk(tmp_path, parties):
    return Desk(tmp_path, parties)


@pytest.fixture(scope="module")
def modern(tmp_path_factory, parties):
    """A PFX as OpenSSL 3 makes it, never changed."""
    return Desk(tmp_path_factory.mktemp("pfx"), parties).openssl()


@pytest.fixture(scope="module")
def small(tmp_path_factory, parties):
    """The same with an EC key, which is quick to read."""
    desk = Desk(tmp_path_factory.mktemp("small"), parties)
    desk.run("openssl", "pkcs12", "-export", "-inkey", "second.key", "-in", "second.pem",
             "-passout", f"pass:{PASSWORD}", "-out", "small.pfx")  # fmt: skip
    return desk.read("small.pfx")


def holds_the_leaf(opened, desk, *, chain=None):
    """Whether a PFX holds the leaf with its key, and its chain."""
    entry, certificate = opened.entry()
    same_key = entry.key.private_numbers() == desk.leaf.key.private_numbers()
    whole = set(opened.others) == set(desk.chain if chain is None else chain)
    return same_key and certificate == desk.leaf.certificate and whole


def refusal(data, password=PASSWORD):
    """Return the error that opening a file ends in."""
    with pytest.raises(PfxError) as caught:
        open_pfx(data, password)
    return caught.value


# What openssl makes.

OPENSSL = {
    "default": ((), "PBES2 AES-256-CBC, 2,048 iterations", False),
    "legacy": (("-legacy",), "PBE-SHA1-RC2-40, 2,048 iterations", True),
    "3des": (("-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES"), "PBE-SHA1-3DES", False),
    "2des": (("-legacy", "-certpbe", "PBE-SHA1-2DES"), "PBE-SHA1-2DES", False),
    "rc2-128": (("-legacy", "-certpbe", "PBE-SHA1-RC2-128"), "PBE-SHA1-RC2-128", True),
    "rc4-128": (("-legacy", "-certpbe", "PBE-SHA1-RC4-128"), "PBE-SHA1-RC4-128", True),
    "rc4-40": (("-legacy", "-certpbe", "PBE-SHA1-RC4-40"), "PBE-SHA1-RC4-40", True),
    "pkcs5 md5-des": (("-legacy", "-certpbe", "PBE-MD5-DES"), "PBE-MD5-DES", True),
    "pkcs5 sha1-rc2": (("-legacy", "-certpbe", "PBE-SHA1-RC2-64"), "PBE-SHA1-RC2-64", True),
    "aes-128": (("-certpbe", "aes-128-cbc"), "PBES2 AES-128-CBC", False),
    "pbes2 3des": (("-certpbe", "des-ede3-cbc"), "PBES2 3DES-CBC", False),
    "camellia": (("-certpbe", "camellia-256-cbc"), "PBES2 Camellia-256-CBC", False),
    "aria": (("-certpbe", "aria-128-cbc"), "PBES2 ARIA-128-CBC", False),
    "sha-512 mac": (("-macalg", "sha512"), "PBES2 AES-256-CBC", False),
}


@pytest.mark.parametrize(("options", "encryption", "legacy"), OPENSSL.values(), ids=OPENSSL)
def test_what_openssl_makes_opens(desk, options, encryption, legacy):
    """With its password, whichever algorithms; and the other password is refused by name."""
    data = desk.openssl(*options)
    assert holds_the_leaf(open_pfx(data, PASSWORD), desk)
    assert refusal(data, "another").cause is PfxCause.WRONG_PASSWORD
    anatomy = inspect_pfx(data)
    assert anatomy.safes[0].encryption.startswith(encryption)
    assert anatomy.needs_legacy_openssl is legacy


def test_what_openssl_3_refuses_without_legacy_is_told_beforehand(desk):
    """The witness: openssl itself fails on the file that is said to need the option."""
    data = desk.openssl("-legacy")
    asked = ("pkcs12", "-in", "made.pfx", "-passin", f"pass:{PASSWORD}", "-nokeys", "-noout")
    with pytest.raises(subprocess.CalledProcessError) as said:
        desk.run("openssl", *asked)
    assert b"unsupported" in said.value.stderr
    desk.run("openssl", *asked, "-legacy")
    assert inspect_pfx(data).needs_legacy_openssl


def test_a_file_without_a_mac_opens_and_says_so(desk):
    """Nothing protected it from being changed."""
    with_mac, without = desk.openssl(), desk.openssl("-nomac")
    assert open_pfx(with_mac, PASSWORD).mac == "HMAC-SHA-256, 2,048 iterations"
    opened = open_pfx(without, PASSWORD)
    assert opened.mac is None
    assert holds_the_leaf(opened, desk)
    assert refusal(without, "another").cause is PfxCause.WRONG_PASSWORD


def test_a_file_without_any_password_opens(desk):
    """Neither encrypted nor protected, as the post's readers should never send one."""
    data = desk.openssl("-nomac", "-keypbe", "NONE", "-certpbe", "NONE")
    assert holds_the_leaf(open_pfx(data), desk)
    assert [safe.encryption for safe in inspect_pfx(data).safes] == [None, None]
    assert inspect_pfx(data).safes[1].contents == ("private key, in the clear",)


def test_a_mac_alone_cannot_tell_a_wrong_password_from_a_change(desk):
    """So the error says both."""
    data = desk.openssl("-keypbe", "NONE", "-certpbe", "NONE")
    assert holds_the_leaf(open_pfx(data, PASSWORD), desk)
    error = refusal(data, "another")
    assert error.cause is PfxCause.WRONG_PASSWORD
    assert "or it was changed" in str(error)


@pytest.mark.parametrize("legacy", [(), ("-legacy",)], ids=["modern", "legacy"])
@pytest.mark.parametrize("password", ["", "pässwörd", "пароль", "密码", "€ and 😀"])
def test_passwords_of_any_script_open(desk, password, legacy):
    """UTF-8 for PBES2, BMP for the older algorithms; the empty one is also none."""
    data = desk.openssl(*legacy, password=password)
    assert holds_the_leaf(open_pfx(data, password), desk)
    assert holds_the_leaf(open_pfx(data, password.encode()), desk)
    assert refusal(data, password + "x").cause is PfxCause.WRONG_PASSWORD
    if not password:
        assert holds_the_leaf(open_pfx(data), desk)


@pytest.mark.parametrize("password", ["a\0b", b"\xff\xfe", "\ud800"])
def test_a_password_that_is_no_text_is_a_wrong_one(modern, password):
    """And no error of a library."""
    assert refusal(modern, password).cause is PfxCause.WRONG_PASSWORD


@pytest.mark.parametrize("name", ["website", "Zürich, 密码"])
def test_friendly_names_are_read(desk, name):
    """From the certificate, and from a key that has none."""
    data = desk.openssl("-name", name)
    assert open_pfx(data, PASSWORD).entries[0].friendly_name == name
    assert open_pfx(key_alone(data), PASSWORD).entries[0].friendly_name == name


# What Java, NSS and GnuTLS make.


@pytest.mark.parametrize("options", [(), ("-Dkeystore.pkcs12.legacy",)], ids=["now", "legacy"])
def test_what_javas_keytool_makes_opens(desk, options):
    """A key with its certificate, and its alias."""
    data = desk.java_key("tomcat", options=options)
    entry, certificate = open_pfx(data, PASSWORD).entry("tomcat")
    assert entry.key.public_key() == certificate.public_key()
    assert certificate.subject.rfc4514_string() == "CN=tomcat"
    assert refusal(data, "another").cause is PfxCause.WRONG_PASSWORD


def test_a_keystore_with_several_keys_gives_each_its_certificate(desk):
    """cryptography alone returns one; none is lost here, and one is not chosen for you."""
    desk.java_key("first")
    data = desk.java_key("second", algorithm="EC")
    opened = open_pfx(data, PASSWORD)
    assert [each.friendly_name for each in opened.entries] == ["first", "second"]
    for each in opened.entries:
        assert each.key.public_key() == each.certificate.public_key()
    assert opened.entry("second")[1].subject.rfc4514_string() == "CN=second"
    with pytest.raises(PfxError, match=r"2 private keys \(first, second\)") as caught:
        opened.entry()
    assert caught.value.cause is PfxCause.SEVERAL_KEYS
    with pytest.raises(PfxError, match="named third") as caught:
        opened.entry("third")
    assert caught.value.cause is PfxCause.NO_KEY


def test_merged_files_hold_the_keys_of_all(modern, small, parties):
    """And of what is no PFX none is made."""
    opened = open_pfx(pkcs12.merge(modern, small), PASSWORD)
    found = [each.key.public_key() for each in opened.entries]
    assert found == [parties[2].key.public_key(), parties[3].key.public_key()]
    assert opened.mac is None
    with pytest.raises(PfxError):
        pkcs12.merge(modern, b"")


def test_one_password_is_for_all_of_a_file(modern, desk):
    """A key with another one is not passed over."""
    data = pkcs12.merge(modern, desk.openssl("-nokeys", password="another"))
    assert refusal(data).cause is PfxCause.WRONG_PASSWORD
    both = pkcs12.merge(modern, key_alone(desk.openssl("-name", "b", password="another")))
    assert "another password" in refusal(both).found


def test_a_java_truststore_has_no_key(desk):
    """Certificates, and the sentence that says so."""
    data = desk.keytool("-importcert", "-noprompt", "-alias", "root", "-file", "chain.pem")
    opened = open_pfx(data, PASSWORD)
    assert opened.entries == ()
    assert opened.others == (desk.issuing.certificate,)
    with pytest.raises(PfxError, match="1 certificates and no private key") as caught:
        opened.entry()
    assert caught.value.cause is PfxCause.NO_KEY


def test_a_javas_secret_key_is_no_private_key(desk):
    """It is seen, and not taken for one."""
    data = desk.keytool("-genseckey", "-alias", "aes", "-keyalg", "AES", "-keysize", "256")
    assert inspect_pfx(data).safes[0].contents == ("secret",)
    assert open_pfx(data, PASSWORD).entries == ()


@pytest.mark.parametrize(
    "options", [(), ("-c", "PKCS #12 V2 PBE With SHA-1 And 40 Bit RC2 CBC")], ids=["now", "rc2-40"]
)
def test_what_nss_makes_opens(desk, options):
    """BER with lengths that are not known beforehand, as Firefox and Thunderbird write it."""
    data = desk.nss(*options)
    assert data[1] == 0x80
    with pytest.raises(MalformedError):
        _der.elements(data)
    opened = open_pfx(data, PASSWORD)
    assert holds_the_leaf(opened, desk, chain=set(opened.others))
    assert opened.entries[0].friendly_name == "my nickname"
    assert refusal(data, "another").cause is PfxCause.WRONG_PASSWORD


def test_a_password_beyond_ascii_opens_what_nss_makes(desk):
    """In UTF-8 and, for the older algorithm, in BMP."""
    for options in ((), ("-C", "PKCS #12 V2 PBE With SHA-1 And 3KEY Triple DES-CBC")):
        shutil.rmtree(desk.folder / "nss", ignore_errors=True)
        assert open_pfx(desk.nss(*options, password="pässwörd €"), "pässwörd €").entries


@pytest.mark.parametrize(
    "password",
    [
        ("--password", PASSWORD),
        ("--password", "pässwörd €"),
        ("--empty-password",),
        ("--null-password",),
    ],
    ids=["a password", "one beyond ASCII", "an empty one", "none"],
)
def test_what_gnutls_makes_opens(desk, password):
    """The empty password and none are encoded in two ways; both open."""
    data = desk.certtool(*password)
    secret = password[1] if len(password) > 1 else ""
    chain = (desk.issuing.certificate,)  # certtool takes the first of a file
    assert holds_the_leaf(open_pfx(data, secret), desk, chain=chain)
    if not secret:
        assert holds_the_leaf(open_pfx(data, None), desk, chain=chain)
    assert refusal(data, "another").cause is PfxCause.WRONG_PASSWORD


# What is spoilt in one way.


def parts_of(data):
    """Cut a PFX of openssl into its contents."""
    (pfx,) = _der.elements(data)
    content = _der.elements(pfx.contents)[1]
    inner = _der.elements(_der.elements(content.contents)[1].contents)[0]
    (sequence,) = _der.elements(inner.contents)
    return [each.whole for each in _der.elements(sequence.contents)]


def key_alone(data):
    """Return a file with the part that holds the private key, and no MAC."""
    return pkcs12._bare(parts_of(data)[1:])


def test_a_changed_file_is_told_from_a_wrong_password(modern):
    """The MAC does not fit, and the password decrypts: so it is the file that is wrong."""
    (pfx,) = _der.elements(modern)
    (mac,) = _der.elements(pfx.contents)[2:]
    digest = _der.elements(_der.elements(mac.contents)[0].contents)[1].contents
    changed = modern.replace(digest, digest[:-1] + bytes([digest[-1] ^ 1]))
    assert refusal(changed).cause is PfxCause.INTEGRITY
    assert refusal(changed, "another").cause is PfxCause.WRONG_PASSWORD


def test_a_key_of_another_certificate_is_told(desk):
    """openssl refuses to make such a file; it is put together from two."""
    theirs = parts_of(desk.openssl("-nokeys"))
    data = pkcs12._bare([theirs[0], *parts_of(desk.openssl())[1:]])
    assert holds_the_leaf(open_pfx(data, PASSWORD), desk)
    desk.run("openssl", "pkcs12", "-export", "-inkey", "second.key", "-in", "second.pem",
             "-passout", f"pass:{PASSWORD}", "-out", "second.pfx")  # fmt: skip
    mixed = pkcs12._bare([theirs[0], *parts_of(desk.read("second.pfx"))[1:]])
    opened = open_pfx(mixed, PASSWORD)
    assert opened.entries[0].certificate is None
    with pytest.raises(PfxError, match="3 certificates of other keys") as caught:
        opened.entry()
    assert caught.value.cause is PfxCause.NO_CERTIFICATE


def test_a_key_without_a_certificate_is_told(modern):
    """The key is there; nothing says whose it is."""
    opened = open_pfx(key_alone(modern), PASSWORD)
    assert len(opened.entries) == 1
    with pytest.raises(PfxError) as caught:
        opened.entry()
    assert caught.value.cause is PfxCause.NO_CERTIFICATE


def test_certificates_alone_are_no_entry(desk):
    """What openssl makes with -nokeys."""
    opened = open_pfx(desk.openssl("-nokeys"), PASSWORD)
    assert set(opened.others) == {desk.leaf.certificate, *desk.chain}
    with pytest.raises(PfxError) as caught:
        opened.entry()
    assert caught.value.cause is PfxCause.NO_KEY


def test_a_cut_file_is_truncated_wherever_it_is_cut(modern):
    """Unless nothing that can be recognised is left."""
    for size in range(8, len(modern), 97):
        assert refusal(modern[:size]).cause is PfxCause.TRUNCATED, size
    assert refusal(modern[:1]).cause is PfxCause.TRUNCATED


def test_what_follows_the_file_is_not_read(modern):
    """A line feed at the end, as e-mail leaves it."""
    assert open_pfx(modern + b"\r\n", PASSWORD).entries


def other_kinds(desk):
    """Return what people hand over in a PFX's place, and what it is called."""
    der = desk.leaf.certificate.public_bytes(Encoding.DER)
    key = desk.leaf.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    desk.run("openssl", "crl2pkcs7", "-nocrl", "-certfile", "chain.pem", "-outform", "DER",
             "-out", "chain.p7b")  # fmt: skip
    return {
        "PEM of kind CERTIFICATE": desk.read("leaf.pem"),
        "PEM of kind PRIVATE KEY": desk.read("leaf.key"),
        "a certificate in DER": der,
        "a private key in DER, or other bytes": key,
        "a PKCS#7 file, which holds no private keys": desk.read("chain.p7b"),
        "a Java keystore (JKS)": bytes.fromhex("feedfeed00000002"),
        "nothing": b" \n",
        "other bytes": b"PK\x03\x04",
    }


def test_other_files_are_called_by_their_name(desk):
    """A certificate, a key, a chain, a JKS keystore."""
    for name, data in other_kinds(desk).items():
        error = refusal(data)
        assert (error.cause, error.found) == (PfxCause.NOT_PFX, name)


def test_a_real_jks_keystore_is_called_by_its_name(desk):
    """Made by keytool; PKCS#12 is Java's default since version 9."""
    made = ("-genkeypair", "-alias", "a", "-keyalg", "RSA", "-dname", "CN=a", "-keystore", "a.jks")
    desk.run("keytool", *made, "-storetype", "JKS", "-storepass", PASSWORD)
    assert refusal(desk.read("a.jks")).found == "a Java keystore (JKS)"


def test_the_base64_of_a_pfx_is_called_by_its_name(modern):
    """As key vaults and Kubernetes hand them out."""
    import base64

    assert "decode it first" in refusal(base64.encodebytes(modern)).found


def with_iterations(desk, place):
    """Return a file whose first or last count of 70,000 iterations is 8,388,607."""
    data = desk.openssl("-iter", "70000")
    at = (
        data.index(b"\x02\x03\x01\x11\x70")
        if place == "safe"
        else data.rindex(b"\x02\x03\x01\x11\x70")
    )
    return data[:at] + b"\x02\x03\x7f\xff\xff" + data[at + 5 :]


@pytest.mark.parametrize("place", ["safe", "mac"])
def test_work_without_end_is_refused_before_it_is_done(desk, place):
    """The counts lie open; the sum of them is bounded."""
    error = refusal(with_iterations(desk, place))
    assert error.cause is PfxCause.TOO_MUCH_WORK
    assert "iterations" in error.found
    assert inspect_pfx(desk.openssl("-iter", "70000")).iterations == 210_000


def test_a_file_too_large_is_not_read():
    """Four megabytes are a thousand times a usual one."""
    assert refusal(b"\x30" * (pkcs12.MOST_BYTES + 1)).cause is PfxCause.TOO_MUCH_WORK


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("06092a864886f70d01050d", "06092a864886f70d01057f", "1.2.840.113549.1.5.127"),
        ("06092a864886f70d01050c", "06092a864886f70d01057f", "1.2.840.113549.1.5.127"),
        ("060960864801650304012a", "060960864801650304017f", "2.16.840.1.101.3.4.1.127"),
        ("0609608648016503040201", "060960864801650304027f", "2.16.840.1.101.3.4.2.127"),
        ("06092a864886f70d010706", "06092a864886f70d010703", "a public key"),
    ],
    ids=["encryption", "derivation", "cipher", "mac", "public key"],
)
def test_an_algorithm_that_is_not_known_is_named(modern, before, after, said):
    """By its number, rather than as a wrong password."""
    changed = modern.replace(bytes.fromhex(before), bytes.fromhex(after))
    assert changed != modern
    error = refusal(changed)
    assert error.cause is PfxCause.UNSUPPORTED
    assert said in str(error)


def _sequence(*parts):
    return _der.encode(_der.SEQUENCE, parts)


def _integer(number):
    return _der.encode(_ber.INTEGER, [number.to_bytes((number.bit_length() + 8) // 8)])


def _octets(value):
    return _der.encode(_ber.OCTET_STRING, [value])


PBKDF2 = bytes.fromhex("06092a864886f70d01050c")
HMAC_SHA256 = _sequence(bytes.fromhex("06082a864886f70d0209"), b"\x05\0")


def _pbkdf2(salt, iterations, length=None):
    size = [] if length is None else [_integer(length)]
    parameters = _sequence(_octets(salt), _integer(iterations), *size, HMAC_SHA256)
    return _sequence(PBKDF2, parameters)


def with_pbmac1(contents, password):
    """Put a PBMAC1 (RFC 9579) around the parts of a file."""
    bare = pkcs12._bare(contents)
    (pfx,) = _der.elements(bare)
    version, content = _der.elements(pfx.contents)
    covered = _der.elements(_der.elements(content.contents)[1].contents)[0].contents
    key = hashlib.pbkdf2_hmac("sha256", password.encode(), b"salt8888", 2048, 32)
    digest = hmac.digest(key, covered, "sha256")
    method = _sequence(
        bytes.fromhex("06092a864886f70d01050e"),
        _sequence(_pbkdf2(b"salt8888", 2048, 32), HMAC_SHA256),
    )
    mac = _sequence(_sequence(method, _octets(digest)), _octets(b"unused"), _integer(1))
    return _sequence(version.whole, content.whole, mac)


def test_the_mac_of_rfc_9579_is_verified(desk):
    """PBMAC1, which OpenSSL 3.4 and later can write; the partner has one bit changed."""
    data = with_pbmac1(parts_of(desk.openssl()), PASSWORD)
    opened = open_pfx(data, PASSWORD)
    assert holds_the_leaf(opened, desk)
    assert opened.mac == "PBMAC1, 2,048 iterations"
    wrong = with_pbmac1(parts_of(desk.openssl()), "another")
    assert refusal(wrong).cause is PfxCause.INTEGRITY


def encrypted_safe(bags, password):
    """Encrypt bags with PBES2, as openssl does certificates."""
    salt, iv = b"8 bytes!", b"sixteen bytes iv"
    key = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 2048, 32)
    padder = padding.PKCS7(128).padder()
    plain = padder.update(_sequence(*bags)) + padder.finalize()
    encryptor = Cipher(algorithms.AES256(key), modes.CBC(iv)).encryptor()
    cipher = _sequence(bytes.fromhex("060960864801650304012a"), _octets(iv))
    method = _sequence(
        bytes.fromhex("06092a864886f70d01050d"), _sequence(_pbkdf2(salt, 2048), cipher)
    )
    hidden = _der.encode(0x80, [encryptor.update(plain) + encryptor.finalize()])
    kind = bytes.fromhex("06092a864886f70d010701")
    inner = _sequence(_integer(0), _sequence(kind, method, hidden))
    return _sequence(bytes.fromhex("06092a864886f70d010706"), _der.encode(0xA0, [inner]))


def bags_of(part):
    """Return the bags of a part that is not encrypted."""
    octets = _der.elements(_der.elements(part)[0].contents)[1].contents
    (sequence,) = _der.elements(_der.elements(octets)[0].contents)
    return [each.whole for each in _der.elements(sequence.contents)]


def test_keys_that_cannot_be_counted_are_refused(desk):
    """Inside an encrypted safe cryptography finds one, and drops the others without a word."""
    data = desk.openssl("-certpbe", "NONE", "-nomac")
    certificates, keys = parts_of(data)
    visible = pkcs12._bare([encrypted_safe(bags_of(certificates), PASSWORD), keys])
    assert holds_the_leaf(open_pfx(visible, PASSWORD), desk)
    hidden = pkcs12._bare([certificates, encrypted_safe(bags_of(keys), PASSWORD)])
    error = refusal(hidden)
    assert error.cause is PfxCause.UNSUPPORTED
    assert "encrypted safe" in error.found


def test_safes_within_safes_are_looked_into(desk):
    """RFC 7292 allows them; up to a depth."""
    certificates, keys = parts_of(desk.openssl("-certpbe", "NONE", "-nomac"))

    def nested(bags, depth):
        kind = bytes.fromhex("060b2a864886f70d010c0a0106")
        for _ in range(depth):
            bags = [_sequence(kind, _der.encode(0xA0, [_sequence(*bags)]))]
        return pkcs12._bare([certificates, pkcs12._content(bags)])

    assert holds_the_leaf(open_pfx(nested(bags_of(keys), 2), PASSWORD), desk)
    assert refusal(nested(bags_of(keys), 9)).cause is PfxCause.MALFORMED


# Secrets.


def test_neither_passwords_nor_keys_are_shown(modern):
    """In no repr and no error."""
    opened = open_pfx(modern, PASSWORD)
    shown = repr(opened) + repr(opened.entries[0]) + repr(refusal(modern, "hunter2"))
    assert "RSAPrivateKey" not in shown
    assert PASSWORD not in shown
    assert "hunter2" not in shown
    assert refusal(modern, "hunter2").__cause__ is None


# Whatever comes.


def only_declared_errors(data, password=PASSWORD):
    """Open, and let nothing but PfxError out."""
    try:
        return open_pfx(data, password)
    except PfxError as error:
        assert PASSWORD not in str(error)
    return None


@given(st.binary(max_size=300))
def test_only_declared_errors_leave_random_bytes(data):
    """With and without a SEQUENCE in front."""
    only_declared_errors(data)
    only_declared_errors(_sequence(data))
    only_declared_errors(_sequence(_integer(3), data))


@given(st.data())
def test_only_declared_errors_leave_a_changed_file(small, parties, data):
    """Bytes replaced, cut out or put in; what still opens holds the same key."""
    at = data.draw(st.integers(0, len(small) - 1))
    put = data.draw(st.binary(max_size=4))
    cut = data.draw(st.integers(0, 4))
    opened = only_declared_errors(small[:at] + put + small[at + cut :])
    for each in opened.entries if opened else ():
        assert each.key.public_key() == parties[-1].key.public_key()


@given(st.binary(max_size=200))
def test_ber_is_cut_or_refused(data):
    """And what is cut, put together, is what was there."""
    try:
        found = _ber.elements(data)
    except MalformedError:
        return
    assert b"".join(each.whole for each in found) == data


@given(st.lists(st.tuples(st.sampled_from([0x02, 0x04, 0x30, 0xA0]), st.binary(max_size=300))))
def test_ber_cuts_der_as_the_der_reader_does(parts):
    """DER is BER."""
    data = b"".join(_der.encode(tag, [contents]) for tag, contents in parts)
    ours = [(each.tag, each.contents, each.whole) for each in _ber.elements(data)]
    assert ours == [(each.tag, each.contents, each.whole) for each in _der.elements(data)]


@given(st.recursive(st.binary(max_size=20), lambda each: st.lists(each, max_size=4), max_leaves=20))
def test_ber_of_unknown_length_is_cut_as_that_of_known_length(tree):
    """Both forms of the same tree read the same."""

    def write(node, definite):
        if isinstance(node, bytes):
            return _octets(node)
        inner = b"".join(write(each, definite) for each in node)
        return _sequence(inner) if definite else b"\x30\x80" + inner + b"\0\0"

    def read(element):
        if element.tag == _ber.OCTET_STRING:
            return element.octets()
        return [read(each) for each in element.children()]

    def depth(node):
        return 0 if isinstance(node, bytes) else 1 + max(map(depth, node), default=0)

    if depth(tree) < 20:
        assert read(_ber.first(write(tree, True))) == tree
        assert read(_ber.first(write(tree, False))) == tree


def test_ber_without_end_is_refused():
    """Deep, and wide."""
    for data in (b"\x30\x80" * 5000, b"\x04\0" * 30_000, b"\x30\x80" + b"\x04\0" * 30_000):
        with pytest.raises(MalformedError):
            _ber.elements(data)
    assert refusal(b"\x30\x80" * 5000).cause in {PfxCause.MALFORMED, PfxCause.TRUNCATED}


def test_strings_in_pieces_are_put_together():
    """X.690, 8.7.3; pieces that are something else are refused."""
    pieces = _der.encode(0x24, [_octets(b"ab"), _octets(b"c")])
    assert _ber.first(pieces).octets() == b"abc"
    with pytest.raises(MalformedError):
        _ber.first(_der.encode(0x24, [pieces])).octets()


# Outside vectors.


def hashes_of(opened):
    """Return what the outside cases are told by."""

    def sha256(*values):
        return sorted(hashlib.sha256(value).hexdigest() for value in values)

    def der(certificate):
        return certificate.public_bytes(Encoding.DER)

    leaves = [each.certificate for each in opened.entries if each.certificate]
    spki = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    name = opened.entries[0].friendly_name if opened.entries else None
    return {
        "certs": sha256(*map(der, (*opened.others, *leaves))),
        "keys": sha256(*(each.key.public_key().public_bytes(*spki) for each in opened.entries)),
        "leaf": sha256(*map(der, leaves))[0] if leaves else None,
        "friendly": name,
    }


def test_outside_vectors(conformance):
    """Files of pyca/cryptography, golang/crypto (Windows' exports) and cloudflare/cfssl."""
    folder = conformance / "pkcs12"
    cases = json.loads((folder / "cases.json").read_text())
    accepted, rejected, wrong = [], [], []
    for case in cases:
        data = (folder / "files" / case["file"]).read_bytes()
        try:
            found = hashes_of(open_pfx(data, case["password"]))
        except PfxError as error:
            assert error.cause is PfxCause.WRONG_PASSWORD
            rejected += [case["id"]] if case["expect"] else []
            continue
        accepted += [] if case["expect"] else [case["id"]]
        # Windows ends a friendly name with a null character, which is not part of it.
        name = case["friendly"] and case["friendly"].rstrip("\0")
        expected = {key: sorted(case[key]) for key in ("certs", "keys")}
        if found != expected | {"leaf": case["leaf"], "friendly": name}:
            wrong.append(case["id"])
    print(  # noqa: T201 - the README reports it
        f"PKCS#12: {len(cases)} cases, {len(accepted)} false accepts, "
        f"{len(rejected)} false rejects, {len(wrong)} read otherwise"
    )
    assert len(cases) == 53
    assert (accepted, rejected, wrong) == ([], [], [])


def test_every_cause_has_a_test():
    """The list of causes and this file go together."""
    with open(__file__, encoding="utf-8") as file:  # noqa: PTH123 - this file
        text = file.read()
    assert {each.name for each in PfxCause} == set(re.findall(r"PfxCause\.([A-Z_]+)", text))
