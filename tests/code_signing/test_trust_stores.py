"""A trust store on the host: what is taken in, what is read, and what is not."""

import os
import stat
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from pkilab.code_signing import TrustStore, fingerprint, trust_stores
from pkilab.errors import LabError, MalformedError, VerificationError
from pkilab.pki import names, pem

posix = pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
YEAR = timedelta(days=365)


@pytest.fixture
def folder(tmp_path):
    """Where a trust store is to be."""
    return tmp_path / "trust"


@pytest.fixture
def store(scene, folder):
    """A trust store with both roots."""
    store = TrustStore.create(folder).add(scene.root, at=scene.start)
    return store.add(scene.time_root, at=scene.start, time_stamping=True)


def put(folder, name, content, mode=0o644):
    """Write a file into a trust store."""
    path = folder / name
    path.parent.mkdir(exist_ok=True, mode=0o755)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return path


def test_what_was_added_is_loaded_again(scene, store, folder):
    """Each root for its own use, in a file named by its fingerprint."""
    loaded = TrustStore.load(folder)
    assert loaded == store
    assert loaded.code_signing == (scene.root,)
    assert loaded.time_stamping == (scene.time_root,)
    assert (folder / "code-signing" / f"{fingerprint(scene.root)}.pem").is_file()
    assert repr(loaded) == (
        "<TrustStore code-signing: CN=CodeSigningRoot; time-stamping: CN=TimeRoot; 0 CRLs>"
    )
    assert scene.verify(scene.sign(), trust=loaded).trusted


@posix
@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_everybody_may_read_it_and_its_owner_alone_write(scene, folder, umask):
    """Whatever the umask."""
    before = os.umask(umask)
    try:
        TrustStore.create(folder).add(scene.root, at=scene.start)
    finally:
        os.umask(before)
    (file,) = (folder / "code-signing").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert {stat.S_IMODE(each.stat().st_mode) for each in (folder, file.parent)} == {0o755}
    assert TrustStore.load(folder).code_signing == (scene.root,)


def test_a_root_added_twice_is_there_once(scene, store, folder):
    """For each use."""
    assert store.add(scene.root, at=scene.start) is store
    both = store.add(scene.root, at=scene.start, time_stamping=True)
    assert both.time_stamping == (scene.time_root, scene.root)
    assert len(list((folder / "code-signing").iterdir())) == 1


def test_a_trust_store_in_memory_is_written_nowhere(scene, folder):
    """As the post has it."""
    store = TrustStore().add(scene.root, at=scene.start)
    assert (store.code_signing, store.folder) == ((scene.root,), None)
    assert not folder.exists()
    assert repr(TrustStore()).startswith("<TrustStore code-signing: nobody; ")


def test_what_is_no_root_is_not_added(scene, store, folder):
    """No CA, not valid any more or yet: each with its reason, and nothing is written."""
    cases = [
        (scene.identity.certificate, scene.start, "is not a CA certificate"),
        (scene.root, scene.start + 20 * YEAR, "CN=CodeSigningRoot has expired"),
        (scene.other_root, scene.start - YEAR, "is not yet valid"),
        (weak_root(scene.start), scene.start, "RSA"),
    ]
    for certificate, at, reason in cases:
        with pytest.raises(VerificationError, match=reason):
            store.add(certificate, at=at)
    assert TrustStore.load(folder) == store


def weak_root(at):
    """Return a self-signed CA with an RSA key of 1,024 bits."""
    key = rsa.generate_private_key(65537, 1024)  # noqa: S505 - what is refused
    name = names.subject("CN=weak")
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(at - YEAR)
        .not_valid_after(at + YEAR)
        .add_extension(x509.BasicConstraints(True, None), critical=True)
        .sign(key, hashes.SHA256())
    )


def test_a_subordinate_may_be_trusted_by_itself(scene, folder):
    """An anchor need not be self-signed; then its root is not needed."""
    (sub,) = scene.identity.intermediates
    store = TrustStore.create(folder).add(sub, at=scene.start)
    assert scene.verify(scene.sign(), trust=store).trusted


@posix
@pytest.mark.parametrize("what", ["", "code-signing", "code-signing/root.pem"])
@pytest.mark.parametrize("bit", [stat.S_IWGRP, stat.S_IWOTH])
def test_what_others_can_write_is_not_read(scene, folder, what, bit):
    """The folder, a folder in it, a file: whoever can write it decides what is trusted."""
    TrustStore.create(folder)
    put(folder, "code-signing/root.pem", pem.to_pem(scene.root))
    assert TrustStore.load(folder).code_signing == (scene.root,)
    path = folder / what
    path.chmod(path.stat().st_mode | bit)
    with pytest.raises(LabError, match=r"can be written by others .* chmod go-w"):
        TrustStore.load(folder)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root to chown")
def test_what_belongs_to_another_user_is_not_read(store, folder):
    """Its owner could write it."""
    (file,) = (folder / "code-signing").iterdir()
    os.chown(file, 12345, -1)
    with pytest.raises(LabError, match="belongs to user 12345"):
        TrustStore.load(folder)


@posix
def test_what_is_not_a_plain_file_is_not_read(scene, store, folder, tmp_path):
    """Neither a link, which leads out of the folder, nor a pipe, nor a folder."""
    target = put(tmp_path, "root.pem", pem.to_pem(scene.root))
    link = folder / "code-signing" / "link.pem"
    link.symlink_to(target)
    with pytest.raises(LabError, match="is a link, expected a plain file"):
        TrustStore.load(folder)
    link.unlink()
    os.mkfifo(link, 0o600)
    with pytest.raises(LabError, match="is not a plain file"):
        TrustStore.load(folder)
    link.unlink()
    link.mkdir()
    with pytest.raises(LabError, match="is not a plain file"):
        TrustStore.load(folder)
    link.rmdir()
    assert TrustStore.load(folder) == store


def test_a_folder_that_is_none_is_an_error(folder, tmp_path):
    """Nobody is trusted by mistake in the name."""
    with pytest.raises(LabError, match="found no folder"):
        TrustStore.load(folder)
    put(tmp_path, "file", b"")
    with pytest.raises(LabError, match="is not a folder"):
        TrustStore.load(tmp_path / "file")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (lambda scene: "nothing", "no PEM block"),
        (lambda scene: pem.to_pem(scene.root, scene.time_root), "2 of them"),
        (lambda scene: scene.identity.pem, "3 of them"),
        (lambda scene: pem.to_pem(scene.identity.certificate), r"CN=\w+ is not a CA certificate"),
    ],
)
def test_a_file_that_is_no_root_is_an_error_that_names_it(scene, store, folder, content, found):
    """It is not passed over: somebody meant to trust something."""
    put(folder, "code-signing/own.pem", content(scene))
    with pytest.raises(
        MalformedError, match=rf"trust store, code-signing/own\.pem: found ({found})"
    ):
        TrustStore.load(folder)


def test_a_file_under_the_fingerprint_of_another_is_an_error(scene, store, folder):
    """A listing must not say one thing and the file another."""
    put(folder, f"code-signing/{fingerprint(scene.root)}.pem", pem.to_pem(scene.other_root))
    with pytest.raises(MalformedError, match="expected the one that the file is named by"):
        TrustStore.load(folder)


def test_other_files_are_passed_over(store, folder):
    """Such as a note on where the roots come from."""
    put(folder, "code-signing/README", b"ask Ana")
    assert TrustStore.load(folder) == store


def test_crls_of_the_folder_make_revocation_count(scene, store, folder):
    """DER or PEM; one that is none is an error."""
    for name, each in scene.crls.items():
        encoding = Encoding.DER if name == "sub" else Encoding.PEM
        put(folder, f"crls/{name}.crl", each.public_bytes(encoding))
    loaded = TrustStore.load(folder)
    assert len(loaded.crls) == 3
    at = scene.revoked_at + timedelta(hours=1)
    assert scene.verify(scene.sign(), trust=loaded, at=at).trusted
    assert not scene.verify(scene.sign(scene.victim), trust=loaded, at=at).trusted
    assert scene.verify(scene.sign(scene.victim), trust=store, at=at).trusted
    put(folder, "crls/other.crl", b"no CRL")
    with pytest.raises(MalformedError, match="CRL"):
        TrustStore.load(folder)


def test_a_ca_that_cannot_be_read_on_is_refused(scene, store, folder):
    """Its extensions are broken; nobody knows what it may do."""
    der = scene.root.public_bytes(Encoding.DER)
    broken = der.replace(bytes.fromhex("0603551d13"), bytes.fromhex("0603551d0f"))  # KeyUsage
    assert broken != der
    put(folder, "code-signing/broken.pem", broken)
    with pytest.raises(MalformedError, match="cannot be read"):
        TrustStore.load(folder)


def test_a_trust_store_of_absurd_size_is_not_read(scene, folder, monkeypatch):
    """Neither a thousand files nor a huge one."""
    TrustStore.create(folder)
    monkeypatch.setattr(trust_stores, "_MOST_FILES", 2)
    for number in range(3):
        put(folder, f"code-signing/{number}.pem", pem.to_pem(scene.root))
    with pytest.raises(LabError, match="found 3 files"):
        TrustStore.load(folder)
    (folder / "code-signing" / "0.pem").unlink()
    assert TrustStore.load(folder).code_signing == (scene.root, scene.root)
    monkeypatch.setattr(trust_stores, "_MOST_BYTES", 10)
    with pytest.raises(LabError, match="has over 10 bytes"):
        TrustStore.load(folder)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all")
def test_a_file_that_cannot_be_read_is_an_error(scene, store, folder):
    """It may be the one that counts."""
    put(folder, "code-signing/secret.pem", pem.to_pem(scene.other_root), 0o000)
    with pytest.raises(LabError, match="cannot be read"):
        TrustStore.load(folder)


def test_a_store_that_others_can_write_by_now_is_not_added_to(scene, tmp_path):
    """It may have been read long ago."""
    store = TrustStore.create(tmp_path / "trust")
    (tmp_path / "trust" / "code-signing").chmod(0o777)
    with pytest.raises(LabError, match="can be written by others"):
        store.add(scene.root, at=scene.start)
    (tmp_path / "trust" / "code-signing").chmod(0o755)
    (tmp_path / "trust" / "code-signing").rename(tmp_path / "elsewhere")
    (tmp_path / "trust" / "code-signing").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LabError, match="is not a folder"):
        store.add(scene.root, at=scene.start)
    assert list((tmp_path / "elsewhere").iterdir()) == []
