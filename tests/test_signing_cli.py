"""``pkilab sign``, ``verify`` and ``trust``: with a key here and in KMS, and their exit codes."""

import json
import os
import re
import subprocess
import sys
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from typer.testing import CliRunner

from pkilab import ca_hierarchy, code_signing, revocation, witness
from pkilab.cli import app
from pkilab.code_signing import TimeStampAuthority, TrustStore, fingerprint, serve_tsa
from pkilab.errors import LabError, MalformedError, VerificationError
from pkilab.lab import Lab
from pkilab.pki import cms, pem
from pkilab.pki.keys import write_private_key
from pkilab.pki.requests import build_request

ACCOUNT, BUCKET = "111122223333", "lab-signing-cli"
YEAR = {"Type": "DAYS", "Value": 365}
HOUR = timedelta(hours=1)


class Desk:
    """A folder with a file to sign, a key, its chain, and a trust store."""

    def __init__(self, lab, folder):
        self.lab, self.folder, self.now = lab, folder, lab.clock.now()
        self.pca, self.kms, self.s3 = (lab.client(name) for name in ("acm-pca", "kms", "s3"))
        self.s3.create_bucket(Bucket=BUCKET)
        ca_hierarchy.admit_private_ca(self.s3, BUCKET, account=ACCOUNT)
        ca_hierarchy.open_crls(self.s3, BUCKET)
        crl = {
            "Enabled": True,
            "ExpirationInDays": 7,
            "S3BucketName": BUCKET,
            "S3ObjectAcl": "BUCKET_OWNER_FULL_CONTROL",
        }
        told = {"RevocationConfiguration": {"CrlConfiguration": crl}}
        self.ca = ca_hierarchy.create_root(self.pca, {"CommonName": "Root"}, **told)
        self.file = folder / "app.tar"
        self.file.write_text("release 1.0")
        self.identity = self.enrolled("signer")
        self.root = self.identity.chain[-1]
        (folder / "root.pem").write_text(pem.to_pem(self.root))
        self.signed = folder / "app.tar.p7s"
        self.trust = folder / "trust"

    def enrolled(self, name, template="CodeSigningCertificate/V1"):
        """Write a key and its chain, and return both."""
        key = self.lab.generate_key(name)
        issued = ca_hierarchy.issue(
            self.pca, self.ca, build_request(key, f"CN={name}"), validity=YEAR, name=template
        )
        write_private_key(key, self.folder / f"{name}.key")
        identity = code_signing.SigningIdentity.of(key, (issued.certificate, *issued.chain))
        (self.folder / f"{name}.pem").write_text(identity.pem)
        return identity

    def run(self, *arguments, code=0, after=HOUR, **options):
        """Run a command an hour later, and return what it prints."""
        words = [str(each) for each in arguments]
        if words[0] in {"sign", "verify"} or words[:2] == ["trust", "add"]:
            words += ["--at", (self.now + after).isoformat()]
        result = CliRunner().invoke(app, words, **options)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result.output

    def sign(self, *more, name="signer", **options):
        """Sign the file with a key that is here."""
        keys = ("--private-key", self.folder / f"{name}.key")
        return self.run(
            "sign", self.file, *keys, "--certificate", self.folder / f"{name}.pem", *more, **options
        )

    def verify(self, *more, **options):
        """Verify it by the trust store."""
        return self.run("verify", self.file, "--trust", self.trust, *more, **options)


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A desk that already trusts the root."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Lab.simulated(seed="signing cli", accounts={"main": ACCOUNT}) as lab:
        made = Desk(lab, tmp_path)
        made.run("trust", "add", made.trust, tmp_path / "root.pem")
        yield made


def test_a_file_is_signed_and_verified_with_a_key_that_is_here(desk):
    """No AWS; openssl agrees with both verdicts."""
    assert re.search(
        r"app\.tar\.p7s: signed by CN=signer, without a time stamp", desk.sign().replace("\n", " ")
    )
    assert desk.verify().startswith("Trusted: signed by CN=signer <- CN=Root.")
    asked = {"root": pem.to_pem(desk.root), "at": desk.now + HOUR}
    message = desk.signed.read_bytes()
    assert witness.openssl_cms_verify(message, desk.file, **asked).agrees
    desk.file.write_text("release 1.1")
    said = desk.verify(code=1)
    assert said.startswith("Not trusted: the content given is not what was signed")
    assert "To change that: get the file" in said
    assert not witness.openssl_cms_verify(message, desk.file, **asked).agrees


@pytest.mark.parametrize("how", ["environment", "--endpoint"])
def test_a_file_is_signed_with_a_key_in_kms_over_http(desk, monkeypatch, how):
    """Found as boto3 finds it; a served world is such an endpoint."""
    url = desk.lab.serve().url
    for name, value in desk.lab.environment().items():
        monkeypatch.setenv(name, value)
    if how == "environment":
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    else:
        monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    arn = desk.kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    desk.kms.create_alias(AliasName="alias/CodeSigningCMK", TargetKeyId=arn)
    identity = code_signing.enrol(
        desk.kms, desk.pca, key_id=arn, ca_arn=desk.ca, subject="CN=in KMS", validity=YEAR
    )
    chain = desk.folder / "chain.pem"
    chain.write_text(identity.pem)
    words = ["sign", desk.file, "--certificate", chain]
    words += [] if how == "environment" else ["--endpoint", url]
    desk.run(*words, "--key-id", "alias/CodeSigningCMK", "--algorithm", "RSASSA_PSS_SHA_256")
    assert "Trusted: signed by CN=in KMS" in desk.verify()
    (info,) = cms.parse(desk.signed.read_bytes()).signers
    assert info.algorithm.name == "RSASSA_PSS_SHA_256"
    with pytest.raises(LabError, match=r"AWS: .*NotFoundException"):
        desk.run(*words, "--key-id", "alias/nobody")


def test_an_authority_is_asked_over_http(desk):
    """And then the signature outlives its certificate, if the authority is trusted for time."""
    party = code_signing.enrol_tsa(
        desk.pca, desk.lab.generate_key("tsa"), ca_arn=desk.ca, subject="CN=Authority",
        validity={"Type": "YEARS", "Value": 9},
    )  # fmt: skip
    late = {"after": timedelta(days=800)}
    with serve_tsa(TimeStampAuthority(party, clock=lambda: desk.now + HOUR)) as url:
        assert "with a time stamp" in desk.sign("--tsa", url)
    said = desk.verify(**late, code=1)
    assert "CN=signer has expired" in said
    assert "trust CN=Root for time-stamping" in said
    desk.run("trust", "add", desk.trust, desk.folder / "root.pem", "--time-stamping")
    assert "at the latest" in desk.verify(**late)
    assert desk.verify("--require-time-stamp")
    desk.sign()
    assert "it has no time stamp" in desk.verify("--require-time-stamp", code=1)
    with pytest.raises(LabError):
        desk.sign("--tsa", url)


def test_an_attached_file_comes_out_only_if_it_is_trusted(desk):
    """``--out`` names the place for it."""
    desk.sign("--attached")
    message, out = desk.folder / "app.tar.p7m", desk.folder / "out"
    asked = ("verify", message, "--trust", desk.trust, "--out", out)
    stranger = desk.folder / "stranger"
    desk.run("trust", "add", stranger, desk.folder / "root.pem", "--time-stamping")
    desk.run("verify", message, "--trust", stranger, "--out", out, code=1)
    assert not out.exists()
    desk.run(*asked)
    assert out.read_text() == "release 1.0"
    desk.sign()
    with pytest.raises(LabError, match="--out: the signature holds no content"):
        desk.verify("--out", out)


def test_the_verdict_as_json_is_for_programs(desk):
    """What is printed otherwise, with the certificate's fingerprint."""
    desk.sign()
    said = json.loads(desk.verify("--json"))
    assert said["trusted"] is True
    assert said["refusals"] == []
    (signer,) = said["signers"]
    assert signer == {
        "chain": ["CN=signer", "CN=Root"],
        "certificate_sha256": fingerprint(desk.identity.certificate),
        "claimed_time": (desk.now + HOUR).isoformat(),
        "signed_before": None,
    }
    desk.file.write_text("changed")
    said = json.loads(desk.verify("--json", code=1))
    assert said["trusted"] is False
    assert set(said["refusals"][0]) == {"reason", "remedy"}


def test_revocation_is_looked_at_where_it_is_asked_for(desk):
    """From a file, from the trust store; not asked for, a note says so."""
    desk.sign()
    revoked_at = desk.now + HOUR
    desk.lab.clock.advance(hours=1)
    desk.pca.revoke_certificate(
        CertificateAuthorityArn=desk.ca,
        CertificateSerial=format(desk.identity.certificate.serial_number, "x"),
        RevocationReason="KEY_COMPROMISE",
    )
    desk.lab.clock.advance(hours=1)
    crl = desk.folder / "root.crl"
    crl.write_bytes(revocation.fetch_crl(desk.identity.certificate, desk.lab.fetch))
    late = {"after": timedelta(hours=2)}
    assert "revocation was not looked at" in desk.verify(**late)
    for policy in ("now", "at-signing"):  # without a time stamp they are one
        said = desk.verify("--crl", crl, "--policy", policy, code=1, **late)
        assert f"CN=signer was revoked {revoked_at:%Y-%m-%d %H}" in said
    assert "no answer on the revocation" in desk.verify("--check-revocation", code=1, **late)
    (desk.trust / "crls").mkdir(mode=0o755)
    (desk.trust / "crls" / "root.crl").write_bytes(crl.read_bytes())
    assert "was revoked" in desk.verify(code=1, **late)
    assert "crl made 2026-11-02" in desk.run("trust", "list", desk.trust)


def test_online_asks_what_the_certificates_name(desk, monkeypatch):
    """What is not to be had is said; here the world's fetch stands for the web."""
    desk.sign()
    monkeypatch.setattr(code_signing, "fetch", desk.lab.fetch)
    assert desk.verify("--online").startswith("Trusted")
    nothing = code_signing.web.Fetched(404, b"")
    monkeypatch.setattr(code_signing, "fetch", lambda *_, **__: nothing)
    said = desk.verify("--online", code=1)
    assert "Note: nothing was fetched about CN=signer: " in said
    notes = json.loads(desk.verify("--online", "--json", code=1))["notes"]
    assert any("nothing was fetched about CN=signer" in each for each in notes)


def test_a_certificate_for_tls_is_refused_with_what_would_help(desk):
    """The file was signed, and by nobody who may."""
    desk.enrolled("server", "EndEntityServerAuthCertificate/V1")
    said = desk.sign(name="server")
    assert "Note: verifiers will refuse it: CN=server has the wrong purpose" in said
    assert "Note" not in desk.sign()
    desk.sign(name="server")
    assert "have it signed with a certificate for codeSigning" in desk.verify(code=1)


def test_a_trust_store_is_kept_by_command(desk):
    """Added, listed; what is no root is refused."""
    shown = desk.run("trust", "list", desk.trust)
    until = f"{desk.root.not_valid_after_utc:%Y-%m-%d}"
    assert shown == f"code-signing {fingerprint(desk.root)} {until} CN=Root\n"
    assert TrustStore.load(desk.trust).code_signing == (desk.root,)
    der = desk.folder / "root.der"
    der.write_bytes(desk.root.public_bytes(Encoding.DER))
    said = desk.run("trust", "add", desk.trust, der, "--time-stamping")
    assert said == f"time-stamping {fingerprint(desk.root)} CN=Root\n"
    leaf = desk.folder / "leaf.pem"
    leaf.write_text(pem.to_pem(desk.identity.certificate))
    with pytest.raises(VerificationError, match="is not a CA certificate"):
        desk.run("trust", "add", desk.trust, leaf)
    with pytest.raises(LabError, match="found no folder"):
        desk.run("trust", "list", desk.folder / "nowhere")


def test_an_encrypted_key_is_asked_for_its_passphrase(desk):
    """And not shown."""
    key = desk.lab.generate_key("signer")
    (desk.folder / "signer.key").unlink()
    write_private_key(key, desk.folder / "signer.key", passphrase=b"secret words")
    said = desk.sign(input="secret words\n")
    assert "secret words" not in said
    assert desk.verify().startswith("Trusted")
    with pytest.raises(MalformedError, match="with this passphrase"):
        desk.sign(input="wrong\n")


def test_what_cannot_be_done_is_an_error_and_no_verdict(desk):
    """Each names what is wrong."""
    with pytest.raises(LabError, match=r"--key-id or --private-key, and not both"):
        desk.run("sign", desk.file, "--certificate", desk.folder / "signer.pem")
    with pytest.raises(LabError, match=r"found no app\.tar\.p7s beside it, expected that, --sig"):
        desk.verify()
    desk.sign("--out", desk.folder / "elsewhere.p7s")
    with pytest.raises(LabError):
        desk.verify()
    assert desk.verify("--signature", desk.folder / "elsewhere.p7s")
    for option, thing in (
        ("--signature", "CMS message"),
        ("--crl", "CRL"),
        ("--certificates", "certificate"),
    ):
        rest = () if option == "--signature" else ("--signature", desk.folder / "elsewhere.p7s")
        with pytest.raises(MalformedError, match=rf"app\.tar: {thing}: found"):
            desk.verify(option, desk.file, *rest)
    with pytest.raises(MalformedError, match=r"app\.tar: certificate: found no PEM block"):
        desk.run("trust", "add", desk.trust, desk.file)
    desk.enrolled("other")
    with pytest.raises(MalformedError, match="certificates of other keys"):
        desk.run(
            "sign", desk.file, "--private-key", desk.folder / "other.key",
            "--certificate", desk.folder / "signer.pem",
        )  # fmt: skip
    desk.run("sign", desk.folder / "nothing", "--certificate", desk.file, code=2)


@pytest.mark.parametrize("text", ["noon", "2026-11-02T09:00:00"])
def test_a_time_needs_its_zone(desk, text):
    """Or nobody knows which it is."""
    desk.sign()
    result = CliRunner().invoke(
        app, ["verify", str(desk.file), "--trust", str(desk.trust), "--at", text]
    )
    assert isinstance(result.exception, MalformedError)
    assert "ISO 8601 with a zone" in str(result.exception)


def test_without_a_time_it_is_now(desk):
    """The machine's; the world's is some other day."""
    desk.sign()
    words = ["verify", str(desk.file), "--trust", str(desk.trust), "--json"]
    said = json.loads(CliRunner().invoke(app, words).output)
    assert said["at"].endswith("+00:00")


def test_exit_codes_are_those_that_the_help_names(desk):
    """In a process of its own: 0, 1, and 2 with one line."""
    desk.sign()
    at = ("--at", (desk.now + HOUR).isoformat())

    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "pkilab", *map(str, arguments)],
            capture_output=True, text=True, check=False, env=dict(os.environ),
        )  # fmt: skip

    asked = ("verify", desk.file, "--trust", desk.trust, *at)
    assert run(*asked).returncode == 0
    other = desk.folder / "other"
    other.write_text("other")
    refused = run("verify", other, "--signature", desk.signed, "--trust", desk.trust, *at)
    assert (refused.returncode, refused.stderr) == (1, "")
    error = run("verify", desk.file, "--trust", desk.folder / "nowhere", *at)
    assert (error.returncode, error.stdout) == (2, "")
    assert len(error.stderr.splitlines()) == 1
    assert error.stderr.startswith("pkilab: trust store: found no folder")


@pytest.mark.parametrize("words", [("sign",), ("verify",), ("trust", "add"), ("trust", "list")])
def test_each_command_explains_itself(words):
    """With a sentence, and a description for each option."""
    result = CliRunner().invoke(app, [*words, "--help"])
    assert result.exit_code == 0
    options = re.findall(r"^  --[a-z-]+.*$", result.output, re.MULTILINE)
    assert options
    assert len(result.output) > 200


@pytest.mark.parametrize("name", ["install.sh", "app", "settings.p7m.sh"])
def test_a_script_with_a_signed_message_inside_is_not_what_was_signed(desk, name):
    """``verify`` said Trusted, of the message; and the script would be run."""
    desk.sign("--attached")
    message = (desk.folder / "app.tar.p7m").read_bytes()
    script = desk.folder / name
    for hostile in (b"#!/bin/sh\nrm -rf /\nexit\n" + cms.to_pem(message).encode(), message):
        script.write_bytes(hostile)
        with pytest.raises(LabError, match=r"or a file named \.p7m"):
            desk.run("verify", script, "--trust", desk.trust)
    assert desk.run("verify", desk.folder / "app.tar.p7m", "--trust", desk.trust)


def test_certificates_may_lie_beside_the_message(desk):
    """It need not bring them, and they are trusted for nothing."""
    signer = desk.identity.signer
    bare = cms.build_signed_data(
        desk.file.read_bytes(), signers=signer, signing_time=None, certificates=False
    )
    desk.signed.write_bytes(bare)
    assert "is not at hand" in desk.verify(code=1)
    beside = ("--certificates", desk.folder / "signer.pem")
    assert desk.verify(*beside).startswith("Trusted: signed by CN=signer <- CN=Root.")
    stranger = desk.folder / "stranger"
    desk.run("trust", "add", stranger, desk.folder / "root.pem", "--time-stamping")
    desk.run("verify", desk.file, "--trust", stranger, *beside, code=1)
    with pytest.raises(MalformedError, match="certificate"):
        desk.verify("--certificates", desk.file)


def test_nothing_that_was_read_is_written_over(desk):
    """By whatever name."""
    alias = desk.folder / "alias"
    alias.symlink_to(desk.file)
    for out in (desk.file, alias, desk.folder / "signer.key", desk.folder / "signer.pem"):
        with pytest.raises(LabError, match="which would be lost"):
            desk.sign("--out", out)
    desk.sign("--attached")
    message = desk.folder / "app.tar.p7m"
    with pytest.raises(LabError, match="which would be lost"):
        desk.run("verify", message, "--trust", desk.trust, "--out", message)
    assert desk.file.read_text() == "release 1.0"
    assert desk.run("verify", message, "--trust", desk.trust)


def test_names_that_others_chose_stay_on_their_line(desk):
    """The file's here."""
    rude = desk.folder / "a\x9b2J\nTrusted: b"
    rude.write_text("c")
    keys = (
        "--private-key",
        desk.folder / "signer.key",
        "--certificate",
        desk.folder / "signer.pem",
    )
    said = desk.run("sign", rude, *keys)
    assert "a\\x9b2J\\nTrusted: b.p7s: signed by CN=signer" in said
    assert len(said.splitlines()) == 1
