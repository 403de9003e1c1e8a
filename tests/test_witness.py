"""Outside witnesses: what they are given, what they say, and what they must not say."""

import os
import subprocess
from datetime import timedelta

import pytest

from pkilab import ca_hierarchy, witness
from pkilab.errors import LabError, MalformedError
from pkilab.witness import curl, openssl, openssl_verify


@pytest.fixture
def fake_openssl(tmp_path, monkeypatch):
    """A function that puts a shell script in openssl's place, or in another witness's."""

    def install(script, name="openssl"):
        program = tmp_path / "bin" / name
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o700)
        monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)

    return install


@pytest.fixture
def roots(lab):
    """PEM of two root CAs."""
    pca = lab.client("acm-pca")
    arns = [ca_hierarchy.create_root(pca, {"CommonName": name}) for name in ("One", "Two")]
    return [
        pca.get_certificate_authority_certificate(CertificateAuthorityArn=arn)["Certificate"]
        for arn in arns
    ]


def test_a_testimony_shows_command_and_output():
    """As it would stand in a terminal."""
    said = openssl("asn1parse", "-inform", "DER", "-in", "a b.der", files={"a b.der": b"\x05\x00"})
    assert said.agrees
    assert said.command == "openssl asn1parse -inform DER -in 'a b.der'"
    assert "prim: NULL" in said.output
    assert repr(said) == f"$ {said.command}\n{said.output}"


def test_a_refusal_is_testimony_too():
    """A file that is not there, a command that is none: said, not raised."""
    assert not openssl("x509", "-in", "nothing.pem").agrees
    assert not openssl("frobnicate").agrees


def test_the_files_given_are_all_there_is_and_their_owners_alone(fake_openssl):
    """They may hold keys."""
    fake_openssl("stat -c '%a %n' *")
    said = openssl("anything", files={"a.key": "secret", "b.der": b"\x00"})
    assert said.output.splitlines() == ["600 a.key", "600 b.der"]


def test_a_folder_of_its_own_is_gone_afterwards_and_a_given_one_stays(fake_openssl, tmp_path):
    """Only programs that keep state need one."""
    fake_openssl("pwd; touch made-here")
    own = openssl("anything", files={"a": "a"}).output
    assert not os.path.exists(own)  # noqa: PTH110 - a path as it was printed
    kept = tmp_path / "kept"
    kept.mkdir()
    assert openssl("anything", files={"a": "a"}, folder=kept).output == str(kept)
    assert sorted(path.name for path in kept.iterdir()) == ["a", "made-here"]


def test_standard_output_stands_before_standard_error(fake_openssl):
    """Whichever was written first."""
    fake_openssl("echo second >&2; echo first")
    assert openssl("anything").output == "first\nsecond"


@pytest.mark.parametrize(
    ("arguments", "files"),
    [
        (("verify", "-CAfile", "root.pem", "leaf.pem"), {"root.pem": "junk", "leaf.pem": "junk"}),
        (("x509", "-in", "leaf.pem", "-noout"), {"leaf.pem": "junk"}),
        (("pkey", "-in", "missing.key"), {}),
    ],
)
def test_what_a_witness_says_repeats_and_names_nothing_of_this_machine(arguments, files):
    """No folder, no source file of openssl, no thread's address."""
    said = [openssl(*arguments, files=files) for _ in range(2)]
    assert said[0] == said[1]
    assert said[0].output
    assert not said[0].agrees
    assert "/" not in said[0].output
    assert ":error:" not in said[0].output


def test_a_witness_that_does_not_finish_is_an_error(fake_openssl, monkeypatch):
    """No verdict is no agreement."""
    fake_openssl("exec sleep 60")
    monkeypatch.setattr(witness, "_SECONDS", 0.2)
    with pytest.raises(LabError, match=r"openssl verify: no answer in 0\.2 s"):
        openssl("verify")


def test_a_missing_witness_is_an_error(monkeypatch, tmp_path):
    """It cannot be taken for agreement either."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabError, match="openssl is not installed"):
        openssl("version")


def test_curl_connects_where_it_is_told_and_says_so_without_the_port(fake_openssl):
    """A stored output must not depend on which port was free."""
    fake_openssl('echo "$@"', "curl")
    said = curl("--key", "a.key", "https://api.example/", through="127.0.0.1:41234")
    assert "--connect-to ::127.0.0.1:41234 --key a.key https://api.example/" in said.output
    assert said.command == "curl --connect-to ::$TLS --key a.key https://api.example/"
    assert "--connect-to" not in curl("https://api.example/").output


def test_curl_takes_neither_settings_nor_proxies_of_the_user(fake_openssl, monkeypatch):
    """They would send the request elsewhere."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    fake_openssl('echo "$1"; env', "curl")
    lines = curl("https://api.example/").output.splitlines()
    assert lines[0] == "-q"
    assert not [line for line in lines if line.lower().startswith("https_proxy")]


def test_a_server_that_is_not_there_is_testimony_too():
    """Curl's own word and exit code."""
    said = curl("http://nothing.invalid/", through="127.0.0.1:1")
    assert not said.agrees
    assert said.output.startswith("curl: (7)")


def test_openssl_verifies_under_the_root_given_and_no_other(lab, roots):
    """The same certificate, two anchors."""
    one, two = roots
    assert openssl_verify(one, root=one, at=lab.clock.now()).agrees
    refused = openssl_verify(one, root=two, at=lab.clock.now())
    assert not refused.agrees
    assert "self-signed certificate" in refused.output


def test_openssl_verifies_at_the_time_given(lab, roots):
    """The machine's own time does not count."""
    one, now = roots[0], lab.clock.now()
    assert openssl_verify(one, root=one, at=now + timedelta(days=3640)).agrees
    late = openssl_verify(one, root=one, at=now + timedelta(days=3660))
    assert not late.agrees
    assert "expired" in late.output


def test_roots_that_the_machine_trusts_do_not_count(lab, roots, tmp_path, monkeypatch):
    """openssl would take them besides -CAfile."""
    one, two = roots
    (tmp_path / "one.pem").write_text(one)
    subprocess.run(["openssl", "rehash", tmp_path], check=True)
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    (tmp_path / "two.pem").write_text(two)
    at = str(int(lab.clock.now().timestamp()))
    careless = ["openssl", "verify", "-attime", at, "-CAfile", "two.pem", "one.pem"]
    assert subprocess.run(careless, cwd=tmp_path, check=False, capture_output=True).returncode == 0
    assert not openssl_verify(one, root=two, at=lab.clock.now()).agrees


def test_a_crl_that_is_none_is_refused_before_openssl_sees_it(lab, roots):
    """With the package's own error."""
    with pytest.raises(MalformedError, match="CRL"):
        openssl_verify(roots[0], root=roots[0], at=lab.clock.now(), crls=[b"junk"])
