"""Outside witnesses: what they are given, what they say, and what they must not say."""

import hashlib
import os
import subprocess
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, padding
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pkilab import ca_hierarchy, code_signing, witness
from pkilab.errors import LabError, MalformedError
from pkilab.pki import cms, timestamps
from pkilab.pki.entropy import Entropy
from pkilab.pki.keys import generate_key
from pkilab.pki.pem import to_pem
from pkilab.witness import (
    curl,
    openssl,
    openssl_cms_verify,
    openssl_dgst_verify,
    openssl_ts_verify,
    openssl_verify,
)


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
    assert said.output.startswith("    0:d=0 ")  # its indent, by which lines stand below another
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


# Signatures without a certificate.

SHA256 = hashes.SHA256()
RSA = generate_key("RSA_2048", Entropy("witness"))
P384 = ec.derive_private_key(7, ec.SECP384R1())
ED25519 = ed25519.Ed25519PrivateKey.from_private_bytes(b"e" * 32)
MESSAGE, YEAR = b"signed\n", timedelta(days=365)


def pss(salt):
    return padding.PSS(padding.MGF1(SHA256), salt)


def pem_of(key):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize("as_file", [False, True])
@pytest.mark.parametrize(
    ("key", "algorithm", "signature"),
    [
        (P384, "ECDSA_SHA_384", P384.sign(MESSAGE, ec.ECDSA(hashes.SHA384()))),
        (RSA, "RSASSA_PKCS1_V1_5_SHA_256", RSA.sign(MESSAGE, padding.PKCS1v15(), SHA256)),
        (RSA, "RSASSA_PSS_SHA_256", RSA.sign(MESSAGE, pss(32), SHA256)),
        (ED25519, "ED25519_SHA_512", ED25519.sign(MESSAGE)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_openssl_verifies_a_signature_over_its_message_alone(
    tmp_path, as_file, key, algorithm, signature
):
    """Given as bytes, or as a file where it lies; the answers name nothing of this machine."""

    def ask(message, key=key):
        if as_file:
            (tmp_path / "a file").write_bytes(message)
            message = tmp_path / "a file"
        return openssl_dgst_verify(pem_of(key), message, signature, algorithm=algorithm)

    agreed, refused = ask(MESSAGE), ask(b"Signed\n")
    assert agreed.agrees
    assert agreed.output in {"Verified OK", "Signature Verified Successfully"}
    assert not refused.agrees
    assert refused.output.splitlines()[0].lower().endswith("failure")
    assert "/" not in agreed.command + refused.command + refused.output
    assert refused.command == agreed.command
    assert not ask(MESSAGE, generate_key("RSA_2048", Entropy("another"))).agrees


@pytest.mark.parametrize("salt", [0, 20, 33, 222])
def test_openssl_holds_pss_to_kmss_salt(salt):
    """As long as the digest, 32 here."""
    signature = RSA.sign(MESSAGE, pss(salt), SHA256)
    said = openssl_dgst_verify(pem_of(RSA), MESSAGE, signature, algorithm="RSASSA_PSS_SHA_256")
    assert not said.agrees


@pytest.mark.parametrize(
    ("version", "judges"),
    [("OpenSSL 3.0.19 27 Jan 2026", False), ("LibreSSL 4.1.0", False), ("OpenSSL 3.5.0", True)],
)
def test_an_openssl_that_knows_no_ml_dsa_is_no_witness(fake_openssl, version, judges):
    """It would refuse the right signature like a wrong one; openssl is a script here."""
    fake_openssl(f'if [ "$1" = version ]; then echo "{version}"; else echo "$@"; fi')
    key = mldsa.MLDSA44PrivateKey.from_seed_bytes(b"m" * 32)
    arguments = (pem_of(key), MESSAGE, key.sign(MESSAGE))
    if judges:
        said = openssl_dgst_verify(*arguments, algorithm="ML_DSA_SHAKE_256")
        assert said.output.startswith("pkeyutl -verify -pubin -inkey key.pem -rawin")
    else:
        with pytest.raises(LabError, match=r"openssl 3\.5 is the first that does"):
            openssl_dgst_verify(*arguments, algorithm="ML_DSA_SHAKE_256")


def test_openssl_verifies_ml_dsa_where_it_can():
    """From 3.5 on; one byte changed, and no longer."""
    if witness._openssl_version() < (3, 5):
        pytest.skip("this openssl has no ML-DSA")
    key = mldsa.MLDSA44PrivateKey.from_seed_bytes(b"m" * 32)
    for message, right in ((MESSAGE, True), (b"Signed\n", False)):
        said = openssl_dgst_verify(
            pem_of(key), message, key.sign(MESSAGE), algorithm="ML_DSA_SHAKE_256"
        )
        assert said.agrees is right


@pytest.mark.parametrize(
    ("algorithm", "error", "refused"),
    [
        ("ED25519_PH_SHA_512", LabError, "verifies no Ed25519ph"),
        ("SM2DSA", MalformedError, "SigningAlgorithm: found SM2DSA"),
        ("sha256", MalformedError, "SigningAlgorithm: found sha256"),
    ],
)
def test_what_openssl_cannot_judge_it_is_not_asked(algorithm, error, refused):
    """No verdict is no agreement."""
    with pytest.raises(error, match=refused):
        openssl_dgst_verify(pem_of(ED25519), MESSAGE, b"s" * 64, algorithm=algorithm)


@pytest.fixture
def signed(lab, tmp_path):
    """A file, signed and time-stamped, with the identities of signer and authority."""
    pca, kms = lab.client("acm-pca"), lab.client("kms")
    ca = ca_hierarchy.create_root(pca, {"CommonName": "Root"})
    asked = {"ca_arn": ca, "validity": {"Type": "DAYS", "Value": 9}}
    arn = kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    identity = code_signing.enrol(kms, pca, key_id=arn, subject="CN=signer", **asked)
    party = code_signing.enrol_tsa(pca, lab.generate_key("tsa"), subject="CN=authority", **asked)
    (tmp_path / "a file").write_bytes(MESSAGE)
    return code_signing.sign_file(
        identity, tmp_path / "a file", at=lab.clock.now(),
        tsa=code_signing.TimeStampAuthority(party, clock=lab.clock.now),
    ), identity, party  # fmt: skip


@pytest.mark.parametrize("as_file", [False, True])
def test_openssl_verifies_a_signed_message_with_its_content_and_root(lab, roots, signed, as_file):
    """And says nothing of this machine; other content, another root or a late day refuse it."""
    made, identity, _ = signed
    asked = {"root": pem_of_root(identity), "at": lab.clock.now()}
    agreed = openssl_cms_verify(made.message, made.path if as_file else MESSAGE, **asked)
    assert agreed.agrees
    assert agreed.output == "CMS Verification successful"
    assert "/" not in agreed.command.replace("verified", "")
    refusals = [
        openssl_cms_verify(made.message, b"Signed\n", **asked),
        openssl_cms_verify(made.message, MESSAGE, **asked | {"root": roots[0]}),
        openssl_cms_verify(made.message, MESSAGE, **asked | {"at": asked["at"] + YEAR}),
        openssl_cms_verify(made.message, None, **asked),
        openssl_cms_verify(made.message, MESSAGE, **asked, options=["-crl_check"]),
        openssl_cms_verify(made.message, MESSAGE, **asked, purpose="timestampsign"),
    ]
    assert not any(said.agrees for said in refusals)
    causes = [said.output.splitlines()[-1] for said in refusals]
    assert causes == [
        "content verify error",
        "certificate verify error: unable to get local issuer certificate",
        "certificate verify error: certificate has expired",
        "no content",
        "certificate verify error: unable to get certificate CRL",
        "certificate verify error: unsuitable certificate purpose",
    ]
    assert all(said.output.splitlines()[0] == "CMS Verification failure" for said in refusals)
    assert not any("/" in said.output or ":error:" in said.output for said in refusals)


def test_openssl_finds_the_chain_of_a_message_that_brings_none(lab, signed):
    """Where it is given beside it."""
    _, identity, _ = signed
    bare = cms.build_signed_data(
        MESSAGE, signers=identity.signer, signing_time=lab.clock.now(), certificates=False
    )
    asked = {"root": pem_of_root(identity), "at": lab.clock.now()}
    assert not openssl_cms_verify(bare, MESSAGE, **asked).agrees
    beside = to_pem(identity.certificate)
    assert openssl_cms_verify(bare, MESSAGE, **asked, intermediates=beside).agrees


def test_openssl_completes_a_path_with_what_is_given_beside_and_trusts_none_of_it(lab, signed):
    """-certfile alone would not, in 3.0; a root or a CA given so anchors nothing."""
    _, identity, _ = signed
    pca, now = lab.client("acm-pca"), lab.clock.now()
    above = ca_hierarchy.create_root(pca, {"CommonName": "Upper"})
    below = ca_hierarchy.create_subordinate(pca, {"CommonName": "Lower"}, parent_arn=above)
    party = code_signing.enrol(
        lab.client("kms"), pca, key_id=key_of(lab), ca_arn=below, subject="CN=signer below",
        validity={"Type": "DAYS", "Value": 9},
    )  # fmt: skip
    bare = cms.build_signed_data(
        MESSAGE, signers=party.signer, signing_time=now, certificates=False
    )
    upper, beside = pem_of_root(party), to_pem(party.certificate, *party.intermediates)
    asked = {"root": upper, "at": now, "intermediates": beside}
    assert openssl_cms_verify(bare, MESSAGE, **asked).agrees
    without = asked | {"intermediates": to_pem(party.certificate)}
    said = openssl_cms_verify(bare, MESSAGE, **without)
    assert said.output.endswith("unable to get local issuer certificate")
    other = pem_of_root(identity)
    for more in (beside, beside + upper):
        wrong = asked | {"root": other, "intermediates": more}
        assert not openssl_cms_verify(bare, MESSAGE, **wrong).agrees
    partial = asked | {"root": other, "options": ["-partial_chain"]}
    assert not openssl_cms_verify(bare, MESSAGE, **partial).agrees
    with pytest.raises(MalformedError, match="certificate"):
        openssl_cms_verify(bare, MESSAGE, **asked | {"intermediates": "junk"})


def key_of(lab):
    return lab.client("kms").create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")[
        "KeyMetadata"
    ]["Arn"]


def test_openssl_judges_code_signing_where_it_knows_the_purpose(lab, signed):
    """From 3.2 on; before that it is not asked."""
    made, identity, _ = signed
    asked = {"root": pem_of_root(identity), "at": lab.clock.now(), "purpose": "codesign"}
    if witness._openssl_version() < (3, 2):
        with pytest.raises(LabError, match=r"openssl 3\.2 is the first that does"):
            openssl_cms_verify(made.message, MESSAGE, **asked)
    else:
        assert openssl_cms_verify(made.message, MESSAGE, **asked).agrees


def test_openssl_verifies_a_time_stamp_of_what_was_stamped_alone(lab, roots, signed, tmp_path):
    """Which is the signature value here."""
    made, _, party = signed
    (info,) = made.signed.signers
    (token,) = info.time_stamps
    (tmp_path / "value").write_bytes(info.signature)
    asked = {"root": pem_of_root(party), "at": lab.clock.now()}
    for message in (info.signature, tmp_path / "value"):
        said = openssl_ts_verify(token, message, **asked)
        assert said.agrees
        assert said.output == "Verification: OK"
        assert "/" not in said.command
    refusals = [
        openssl_ts_verify(token, b"something else", **asked),
        openssl_ts_verify(token, info.signature, **asked | {"root": roots[0]}),
        openssl_ts_verify(token, info.signature, **asked | {"at": asked["at"] + YEAR}),
        openssl_ts_verify(token, info.signature, **asked, options=["-crl_check"]),
    ]
    assert [said.output for said in refusals] == [
        "Verification: FAILED\nmessage imprint mismatch",
        "Verification: FAILED\ncertificate verify error: unable to get local issuer certificate",
        "Verification: FAILED\ncertificate verify error: certificate has expired",
        "Verification: FAILED\ncertificate verify error: unable to get certificate CRL",
    ]


def test_openssl_finds_the_authority_beside_a_token_that_brings_none(lab, signed):
    """Among the certificates that are given."""
    _, _, party = signed
    asked = {"root": pem_of_root(party), "at": lab.clock.now()}
    response = timestamps.respond(
        timestamps.build_request(hashlib.sha256(MESSAGE).digest(), certificates=False),
        signer=party.signer, serial=1, at=lab.clock.now(), policy="1.2.3",
    )  # fmt: skip
    token = timestamps.parse_response(response).token
    assert not openssl_ts_verify(token, MESSAGE, **asked).agrees
    beside = to_pem(party.certificate)
    assert openssl_ts_verify(token, MESSAGE, **asked, intermediates=beside).agrees


def pem_of_root(identity):
    return to_pem(identity.chain[-1])
