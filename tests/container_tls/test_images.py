"""Container images, against umoci and tarfile."""

import hashlib
import io
import json
import shutil
import subprocess
import tarfile
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    pkcs12,
)
from hypothesis import given
from hypothesis import strategies as st

from pkilab.container_tls.images import Image, Layer, build, read
from pkilab.container_tls.layers import Change, unpack
from pkilab.errors import MalformedError, UnsupportedError

KEY = ec.derive_private_key(7, ec.SECP256R1())
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
FINGERPRINT = hashlib.sha256(
    KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
).hexdigest()
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
# As the post has it; the comments and names are its own.
POST = """
FROM nginx:alpine

# Copy in secret materials
RUN mkdir -p /root/certs/nginxdemotls.com
COPY nginxdemotls.com.key /root/certs/nginxdemotls.com/nginxdemotls.com.key
COPY nginxdemotls.com.crt /root/certs/nginxdemotls.com/nginxdemotls.com.crt
RUN chmod 400 /root/certs/nginxdemotls.com/nginxdemotls.com.key

# Copy in nginx configuration files
COPY nginx.conf /etc/nginx/nginx.conf
COPY nginxdemo.conf /etc/nginx/conf.d
COPY nginxdemotls.conf /etc/nginx/conf.d
"""
CONTEXT = {
    "nginxdemotls.com.key": PEM,
    "nginxdemotls.com.crt": b"a certificate",
    "nginx.conf": b"events {}",
    "nginxdemo.conf": b"server {}",
    "nginxdemotls.conf": b"server { }",
}
NGINX = build("FROM scratch\nRUN mkdir -p /etc/nginx/conf.d", {})
FOLDER = "/root/certs/nginxdemotls.com"


@pytest.fixture
def post():
    return build(POST, CONTEXT, bases={"nginx:alpine": NGINX}, created=NOW)


def layer(*entries):
    """Return a layer of tar entries, made by hand."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, data in entries:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return Layer(packed.getvalue(), "by hand")


def test_the_posts_dockerfile_lays_out_its_files(post):
    """COPY to a directory of the base keeps the name."""
    files = post.files()
    assert files[f"{FOLDER}/nginxdemotls.com.key"] == PEM
    assert files["/etc/nginx/conf.d/nginxdemo.conf"] == b"server {}"
    assert [each.created_by.split()[0] for each in post.layers] == [
        "RUN", "RUN", "COPY", "COPY", "RUN", "COPY", "COPY", "COPY",
    ]  # fmt: skip


def test_the_key_in_the_image_is_found_in_every_layer_that_has_it(post):
    """Mode 400 binds whoever runs the container, not whoever has the image."""
    found = post.private_keys()
    assert [(each.created_by.split()[0], each.mode) for each in found] == [
        ("COPY", 0o644),
        ("RUN", 0o400),
    ]
    assert {each.key.public_key for each in found} == {FINGERPRINT}
    assert "PRIVATE" not in repr(found)


def test_a_key_that_a_later_layer_removes_is_still_in_the_image():
    """The container does not see it, the layer has it."""
    text = "FROM scratch\nCOPY k /k\nRUN rm -f /k\nCOPY c /c"
    image = build(text, {"k": PEM, "c": b"x"})
    assert "/k" not in image.files()
    (found,) = image.private_keys()
    assert found.hidden
    assert found.path == "/k"


def test_an_image_without_a_key_has_none():
    """Certificates and public keys are no private keys."""
    public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert build("FROM scratch\nCOPY p /p", {"p": public}).private_keys() == ()


@pytest.mark.parametrize(
    ("data", "form", "public_key"),
    [
        (PEM, "PEM", FINGERPRINT),
        (b"text\n" + PEM + b"more", "PEM", FINGERPRINT),
        (
            KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()),
            "PEM",
            FINGERPRINT,
        ),
        (KEY.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()), "DER", FINGERPRINT),
        (
            pkcs12.serialize_key_and_certificates(b"n", KEY, None, None, NoEncryption()),
            "PKCS#12",
            FINGERPRINT,
        ),
        (json.dumps({"PrivateKey": PEM.decode()}).encode(), "PEM", FINGERPRINT),
        (PEM.replace(b"\n", b"\\r\\n"), "PEM", FINGERPRINT),
        (
            KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"pw")),
            "encrypted PEM",
            "",
        ),
    ],
)
def test_a_key_is_found_in_whatever_form(data, form, public_key):
    """And named by its public key."""
    (found,) = build("FROM scratch\nCOPY k /k", {"k": data}).private_keys()
    assert (found.key.form, found.key.public_key) == (form, public_key)


@pytest.mark.skipif(shutil.which("umoci") is None, reason="umoci is not installed")
def test_umoci_unpacks_the_image_to_the_same_files(post, tmp_path):
    """What a reader of ours says of the image, a stranger says too."""
    folder = post.write(tmp_path / "image", "post")
    subprocess.run(
        ["umoci", "unpack", "--rootless", "--image", f"{folder}:post", tmp_path / "bundle"],
        check=True,
        capture_output=True,
    )
    root = tmp_path / "bundle" / "rootfs"
    found = {f"/{each.relative_to(root)}": each for each in root.rglob("*") if each.is_file()}
    assert {name: each.read_bytes() for name, each in found.items()} == post.files()
    assert found[f"{FOLDER}/nginxdemotls.com.key"].stat().st_mode & 0o777 == 0o400


@pytest.mark.skipif(shutil.which("umoci") is None, reason="umoci is not installed")
def test_umoci_sees_what_a_layer_removed(tmp_path):
    """The whiteout is OCI's own."""
    image = build("FROM scratch\nCOPY k /a/k\nRUN rm -f /a/k", {"k": PEM})
    folder = image.write(tmp_path / "image")
    subprocess.run(
        ["umoci", "unpack", "--rootless", "--image", f"{folder}:latest", tmp_path / "bundle"],
        check=True,
        capture_output=True,
    )
    assert not (tmp_path / "bundle" / "rootfs" / "a" / "k").exists()
    assert (tmp_path / "bundle" / "rootfs" / "a").is_dir()


def test_an_image_is_the_same_bytes_every_time_and_survives_its_layout(post):
    """Written and read back."""
    again = build(POST, CONTEXT, bases={"nginx:alpine": NGINX}, created=NOW)
    assert again.layout() == post.layout()
    assert read(post.layout("a"), "a") == post


def test_settings_are_kept():
    """ENTRYPOINT, CMD, EXPOSE, ENV and WORKDIR."""
    text = (
        'FROM scratch\nWORKDIR /srv\nENV A=1\nEXPOSE 443\nENTRYPOINT ["/bin/sh", "-c"]\nCMD run it'
    )
    image = build(text, {})
    assert image.settings == {
        "WorkingDir": "/srv",
        "Env": ["A=1"],
        "ExposedPorts": {"443/tcp": {}},
        "Entrypoint": ["/bin/sh", "-c"],
        "Cmd": ["run", "it"],
    }


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("", MalformedError, "FROM first"),
        ("COPY a b", MalformedError, "FROM first"),
        ("FROM nginx:alpine", MalformedError, "nothing is downloaded"),
        ("FROM scratch", MalformedError, "no layer"),
        ("FROM scratch\nCOPY absent /x", MalformedError, "build context"),
        ("FROM scratch\nCOPY k k /x", MalformedError, "a directory"),
        ("FROM scratch\nRUN chmod 400 /k", MalformedError, "no /k in the image"),
        ("FROM scratch\nRUN rm /k", MalformedError, "no /k in the image"),
        ("FROM scratch\nRUN apk add openssl", UnsupportedError, "apk add openssl"),
        ("FROM scratch\nADD k /k", UnsupportedError, "ADD"),
        ("FROM scratch\nWORKDIR", UnsupportedError, "WORKDIR"),
        ("FROM scratch AS build", UnsupportedError, "AS build"),
        ("FROM scratch\nCOPY --chmod=400 k /k", UnsupportedError, "--chmod"),
        ('FROM scratch\nRUN mkdir -p "x', MalformedError, "quotation"),
    ],
)
def test_what_is_no_dockerfile_or_not_known_is_refused(text, error, words):
    """By what is wrong with it."""
    with pytest.raises(error, match=words):
        build(text, {"k": PEM})


def test_a_blob_that_is_not_what_its_digest_says_is_refused(post):
    """Of a layer, and of the manifest."""
    for spoilt in [name for name in post.layout() if name.startswith("blobs/")]:
        files = post.layout() | {spoilt: b"something else"}
        with pytest.raises(MalformedError, match="sha256:"):
            read(files)


def test_compressed_layers_are_refused(post):
    """They are not what is written here."""
    files = post.layout()
    index = json.loads(files["index.json"])
    index["manifests"][0]["mediaType"] = "application/vnd.oci.image.index.v1+json"
    with pytest.raises(UnsupportedError, match="index"):
        read(files | {"index.json": json.dumps(index).encode()})


def test_a_layer_that_leaves_the_image_is_refused():
    """A path with .. would be written beside it."""
    with pytest.raises(MalformedError, match="one within"):
        Image((layer(("../../etc/passwd", b"x")),)).files()


def test_an_opaque_whiteout_empties_a_directory_of_lower_layers_alone():
    """Wherever it stands in its archive."""
    lower = layer(("d/old", b"1"))
    upper = layer(("d/new", b"2"), ("d/.wh..wh..opq", b""))
    assert Image((lower, upper)).files() == {"/d/new": b"2"}


@given(st.binary(max_size=2000))
def test_bytes_that_are_no_layer_raise_what_is_declared(data):
    """And nothing else."""
    try:
        changes = list(unpack(data))
    except MalformedError:
        return
    assert all(isinstance(each, Change) for each in changes)


@given(st.text(max_size=200))
def test_text_that_is_no_dockerfile_raises_what_is_declared(text):
    """And nothing else."""
    try:
        build(f"FROM scratch\n{text}", {"k": b""})
    except (MalformedError, UnsupportedError):
        return
