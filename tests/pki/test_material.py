"""Certificate, key and chain, found in whatever people have lying about."""

import base64
import os
import stat

import pytest
from cryptography.hazmat.primitives.asymmetric import x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from pkilab.pki import pem
from pkilab.pki.material import (
    FILES,
    Material,
    MaterialCause,
    MaterialError,
    assemble,
    belongs,
    sort_pem,
    undo_base64,
)


@pytest.fixture(scope="module")
def chain(make):
    """Root, issuing CA and leaf, each with its key."""
    root = make("CN=Root", ca=True)
    issuing = make("CN=Issuing", root, ca=True)
    return root, issuing, make("CN=www.example.com", issuing, dns=("www.example.com",))


def key_text(key, form=PrivateFormat.PKCS8, encryption=None):
    return key.private_bytes(Encoding.PEM, form, encryption or NoEncryption()).decode()


def texts(chain):
    """Return the PEM of a chain and of its leaf's key, leaf last."""
    root, issuing, leaf = chain
    return [*(pem.to_pem(each.certificate) for each in (root, issuing, leaf)), key_text(leaf.key)]


def refused(cause, *given, **options):
    with pytest.raises(MaterialError) as caught:
        sort_pem(*given, **options)
    assert caught.value.cause is cause
    return str(caught.value)


@given(st.permutations(range(4)), st.integers(0, 3))
def test_any_order_gives_acms_order(chain, order, cut):
    """In one text or in several; the chain goes from the issuer to the root."""
    root, issuing, leaf = chain
    parts = [texts(chain)[n] for n in order]
    for given_texts in (["".join(parts)], ["".join(parts[:cut]) or parts[0], "".join(parts[cut:])]):
        found = sort_pem(*given_texts)
        assert found.certificate == leaf.certificate
        assert found.chain == (issuing.certificate, root.certificate)
        assert found.key.public_key() == leaf.key.public_key()
        assert found.missing_issuer is None


def test_a_missing_intermediate_is_named(chain):
    """And what is left over is not put into the chain."""
    root, _, leaf = chain
    found = sort_pem(pem.to_pem(root.certificate, leaf.certificate), key_text(leaf.key))
    assert found.chain == ()
    assert found.unused == (root.certificate,)
    assert found.missing_issuer == "CN=Issuing"
    assert "missing      CN=Issuing" in repr(found)


def test_a_chain_without_its_root_says_so(chain):
    """ACM does without it; the reader may want to know."""
    _, issuing, leaf = chain
    found = sort_pem(pem.to_pem(issuing.certificate, leaf.certificate), key_text(leaf.key))
    assert found.chain == (issuing.certificate,)
    assert found.missing_issuer == "CN=Root"


def test_a_self_signed_certificate_has_no_chain(chain):
    """And lacks none."""
    root = chain[0]
    found = sort_pem(pem.to_pem(root.certificate) + key_text(root.key))
    assert (found.chain, found.chain_pem, found.missing_issuer) == ((), "", None)


def test_certificates_of_others_are_left_out(chain, make):
    """A chain of another CA, as bundles have them."""
    stranger = make("CN=Stranger", ca=True)
    found = sort_pem(pem.to_pem(stranger.certificate), *texts(chain))
    assert found.unused == (stranger.certificate,)
    assert stranger.certificate not in found.chain


def test_of_two_certificates_of_one_key_the_later_is_taken(chain, make, now):
    """As after a renewal that kept the key."""
    from datetime import timedelta

    _, issuing, leaf = chain
    older = make(
        "CN=www.example.com", issuing, end=timedelta(days=3), serial=77, dns=("www.example.com",)
    )
    assert belongs(leaf.key, older.certificate)
    found = sort_pem(pem.to_pem(older.certificate), *texts(chain))
    assert found.certificate == leaf.certificate
    assert found.unused == (older.certificate,)
    assert "2 certificates have this key" in found.notes[0]


@pytest.mark.parametrize(
    ("around", "what"),
    [
        ("Bag Attributes\n    friendlyName: website\nKey Attributes: <No Attributes>\n",
         "bag attributes"),
        ("subject=CN = www\n", "text"),
    ],
)  # fmt: skip
def test_what_openssl_writes_around_blocks_is_left_out(chain, around, what):
    """And said."""
    found = sort_pem("".join(around + each for each in texts(chain)))
    assert found.notes == (f"left out {what} around the PEM blocks",)
    assert around.strip() not in found.certificate_pem + found.chain_pem


def test_copies_and_parameters_are_left_out(chain):
    """EC PARAMETERS is what openssl ecparam writes before a key."""
    parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    leaf = chain[-1]
    old_form = key_text(leaf.key, PrivateFormat.TraditionalOpenSSL)
    found = sort_pem(parameters + old_form, *texts(chain)[:3], texts(chain)[2])
    assert found.certificate == leaf.certificate
    assert any("copies" in each for each in found.notes)
    assert any("EC PARAMETERS" in each for each in found.notes)


def test_what_is_base64_once_too_often_is_decoded_and_told(chain):
    """Kubernetes secrets, and the CLI's file:// mistake."""
    twice = [base64.encodebytes(each.encode()) for each in texts(chain)]
    found = sort_pem(*twice)
    assert found.chain == sort_pem(*texts(chain)).chain
    assert "Base64 once too often" in found.notes[0]
    assert undo_base64(texts(chain)[0]) is None


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_an_encrypted_key_needs_its_passphrase(chain, form):
    """Both kinds of encrypted PEM; without it, and with another one, the cause is named."""
    leaf = chain[-1]
    locked = key_text(leaf.key, form, BestAvailableEncryption(b"open sesame"))
    certificate = pem.to_pem(leaf.certificate)
    assert sort_pem(locked, certificate, passphrase="open sesame").certificate == leaf.certificate
    refused(MaterialCause.ENCRYPTED_KEY, locked, certificate)
    said = refused(MaterialCause.UNREADABLE_KEY, locked, certificate, passphrase="open barley")
    assert "barley" not in said


def test_every_way_not_to_fit_is_named(chain, make):
    """One refusal for each cause."""
    root, issuing, leaf = chain
    certificates, key = pem.to_pem(issuing.certificate, leaf.certificate), key_text(leaf.key)
    other = make("CN=other", issuing).key
    refused(MaterialCause.NO_KEY, certificates)
    refused(MaterialCause.SEVERAL_KEYS, certificates, key, key_text(other))
    said = refused(MaterialCause.NO_CERTIFICATE, certificates, key_text(other))
    assert "CN=Issuing, CN=www.example.com" in said
    refused(MaterialCause.NOT_PEM, "no PEM at all")
    refused(MaterialCause.NOT_PEM, certificates + "-----BEGIN CERTIFICATE-----\nMII")
    refused(MaterialCause.NOT_PEM, certificates, key, "-----BEGIN X-----\nAA==\n-----END X-----")
    damaged = certificates.replace("MII", "NII", 1)
    refused(MaterialCause.UNREADABLE_CERTIFICATE, damaged, key)
    refused(MaterialCause.UNREADABLE_KEY, certificates, key.replace("MIG", "MIH", 1))
    cannot_sign = key_text(x25519.X25519PrivateKey.generate())
    assert "cannot sign" in refused(MaterialCause.UNREADABLE_KEY, certificates, cannot_sign)
    assert root.key


def test_files_are_written_for_their_owner_alone(chain, tmp_path):
    """The key 0600, whatever the umask; reading them back gives the same."""
    found = sort_pem(*texts(chain))
    before = os.umask(0o002)
    try:
        paths = found.write(tmp_path / "out")
    finally:
        os.umask(before)
    assert [path.name for path in paths] == list(FILES)
    assert [stat.S_IMODE(path.stat().st_mode) for path in paths] == [0o644, 0o600, 0o644]
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o700
    again = sort_pem(*(path.read_text() for path in paths))
    assert (again.certificate, again.chain) == (found.certificate, found.chain)


def test_a_self_signed_certificate_is_two_files(chain, tmp_path):
    """There is no chain to write."""
    root = chain[0]
    paths = Material(root.certificate, root.key).write(tmp_path)
    assert [path.name for path in paths] == list(FILES[:2])
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES[:2])


def test_nothing_is_overwritten(chain, tmp_path):
    """Not even one of the three."""
    found = sort_pem(*texts(chain))
    (tmp_path / "chain.pem").write_text("mine")
    with pytest.raises(FileExistsError):
        found.write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["chain.pem"]


def test_a_key_can_be_written_encrypted(chain, tmp_path):
    """And opens with its passphrase alone."""
    found = sort_pem(*texts(chain))
    certificate, key, _ = found.write(tmp_path, passphrase=b"open sesame")
    refused(MaterialCause.ENCRYPTED_KEY, certificate.read_text(), key.read_text())
    sort_pem(certificate.read_text(), key.read_text(), passphrase=b"open sesame")


def test_the_key_is_in_no_repr(chain):
    """The secret is asked for by name: key_pem."""
    found = sort_pem(*texts(chain))
    assert "PRIVATE" not in repr(found)
    assert "EllipticCurvePrivateKey" not in repr(found)
    assert found.key_pem.startswith(b"-----BEGIN PRIVATE KEY-----")


def test_assemble_needs_the_keys_certificate(chain):
    """Its partner accepts."""
    root, issuing, leaf = chain
    bag = (root.certificate, leaf.certificate, issuing.certificate)
    assert isinstance(assemble(leaf.key, bag), Material)
    with pytest.raises(MaterialError):
        assemble(leaf.key, (root.certificate, issuing.certificate))
    with pytest.raises(MaterialError, match="none"):
        assemble(leaf.key, ())


@given(st.text(max_size=200), st.binary(max_size=200))
def test_only_declared_errors_leave_random_text(text, data):
    """Text, bytes, and blocks of random contents."""
    blocks = [
        f"-----BEGIN {kind}-----\n{text}\n-----END {kind}-----"
        for kind in ("CERTIFICATE", "PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "EC PARAMETERS")
    ]
    for given_texts in ((text,), (data,), blocks[:2], blocks):
        with pytest.raises(MaterialError):
            sort_pem(*given_texts, passphrase=text)


@given(st.data())
def test_only_declared_errors_leave_changed_pem(chain, data):
    """What still reads is the same certificate with its own key."""
    whole = "".join(texts(chain))
    at = data.draw(st.integers(0, len(whole)))
    changed = (
        whole[:at] + data.draw(st.text(max_size=3)) + whole[at + data.draw(st.integers(0, 3)) :]
    )
    try:
        found = sort_pem(changed)
    except MaterialError:
        return
    assert belongs(found.key, found.certificate)
