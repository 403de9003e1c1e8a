"""Whether to trust a signed file, what would have to change, and what openssl says of the same."""

import contextlib
import dataclasses
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from hypothesis import given
from hypothesis import strategies as st

from pkilab import ca_hierarchy, witness
from pkilab import code_signing as cs
from pkilab.code_signing import Policy, Revocations, SigningIdentity, TrustStore
from pkilab.errors import LabError, MalformedError
from pkilab.pki import cms, pem, signed_objects
from pkilab.pki.certificates import label
from pkilab.pki.cms_evidence import add_evidence
from pkilab.pki.requests import build_request

HOUR, DAY, YEAR = timedelta(hours=1), timedelta(days=1), timedelta(days=365)
AT_SIGNING = Policy(revoked="at signing")
TLS = "EndEntityServerAuthCertificate/V1"


def openssl(scene, signed, content=None, **how):
    """Ask ``openssl cms -verify`` the question that `Scene.verify` asks."""
    arguments = {"root": scene.root_pem, "at": scene.start + 2 * HOUR, "options": ["-cades"]} | how
    return witness.openssl_cms_verify(
        signed.message, scene.content if content is None else content, **arguments
    )


def remedy(verdict, reason):
    """Return what would help against the one reason that contains these words."""
    (found,) = (each.remedy for each in verdict.refusals if reason in each.reason)
    return found


def stamp_of(signed):
    """Return the token of a signed file, and the signature it is over."""
    (info,) = signed.signed.signers
    (token,) = info.time_stamps
    return token, info.signature


# What is trusted.


def test_what_was_signed_with_a_key_in_kms_is_trusted_without_aws(scene):
    """By us and by openssl, which also takes the time stamp."""
    signed = scene.sign(stamped=scene.start + HOUR)
    verdict = scene.verify(signed)
    assert (verdict.trusted, verdict.reasons) == (True, ())
    assert verdict.explain() == (
        "Trusted: signed by CN=CodeSigningCertificate <- CN=CodeSigningSubordinate <- "
        "CN=CodeSigningRoot, by 2026-11-02 10:00:01Z at the latest.\n"
        "Note: revocation was not looked at."
    )
    assert openssl(scene, signed).agrees
    token, signature = stamp_of(signed)
    root = pem.to_pem(scene.time_root)
    asked = {"root": root, "at": scene.start + 2 * HOUR}
    assert witness.openssl_ts_verify(token, signature, **asked).agrees
    assert not witness.openssl_ts_verify(token, signature + b"x", **asked).agrees


@pytest.mark.parametrize("form", ["signed file", "message", "DER", "PEM", "path"])
def test_a_signature_is_taken_in_any_form(scene, tmp_path, form):
    """Its file is as good as its bytes."""
    signed = scene.sign()
    forms = {
        "signed file": signed,
        "message": signed.signed,
        "DER": signed.message,
        "PEM": signed.pem.encode(),
        "path": signed.save(tmp_path / "app.p7s"),
    }
    assert scene.verify(forms[form]).trusted


def test_an_attached_message_gives_its_content_only_if_it_is_trusted(scene, tmp_path):
    """Who is refused has nothing to go on with by mistake."""
    signed = scene.sign(attached=True)
    asked = {"at": scene.start + 2 * HOUR}
    found = cs.verify_attached(signed, trust=scene.trust, **asked)
    assert (found.trusted, found.content) == (True, scene.content)
    refused = cs.verify_attached(signed, trust=TrustStore(), **asked)
    assert (refused.trusted, refused.content) == (False, None)
    assert scene.verify(signed).trusted
    other = tmp_path / "other"
    other.write_bytes(b"other")
    assert "the content given is not what was signed" in scene.verify(signed, path=other).reasons[0]
    assert cs.verify_attached(scene.sign(), trust=scene.trust, **asked).reasons == (
        "the content is not in the message (it is detached) and was not given",
    )


# What was changed.


def test_a_file_that_was_changed_is_refused(scene, tmp_path):
    """One bit of it."""
    signed, changed = scene.sign(), tmp_path / "app.tar"
    changed.write_bytes(scene.content.replace(b"0", b"1"))
    verdict = scene.verify(signed, path=changed)
    assert verdict.reasons == ("the content given is not what was signed: its digest differs",)
    assert remedy(verdict, "content").startswith("get the file, or the signature that belongs")
    assert not openssl(scene, signed, changed.read_bytes()).agrees


def test_a_signature_moved_to_another_file_is_refused(scene, tmp_path):
    """Each signature goes with its own file."""
    files = [tmp_path / "a", tmp_path / "b"]
    for each in files:
        each.write_text(each.name)
    signed = [scene.sign(path=each) for each in files]
    for i in (0, 1):
        assert scene.verify(signed[i], path=files[i]).trusted
        assert not scene.verify(signed[i], path=files[1 - i]).trusted


def test_a_signature_value_that_was_changed_is_refused(scene):
    """Its digest is the file's, so that was signed: it was spoilt on the way."""
    signed = scene.sign()
    (info,) = signed.signed.signers
    flipped = bytes([*info.signature[:-1], info.signature[-1] ^ 1])
    signed = dataclasses.replace(signed, message=signed.message.replace(info.signature, flipped))
    verdict = scene.verify(signed)
    assert verdict.reasons == ("the signature is not by the key of CN=CodeSigningCertificate",)
    again = ". To change that: get the signature again from where it was signed"
    assert str(verdict.refusals[0]).endswith(again)
    assert not openssl(scene, signed).agrees
    other = scene.path.with_name("another.tar")
    other.write_bytes(b"another")
    both = scene.verify(signed, path=other)
    assert [each.remedy for each in both.refusals] == [
        "get the file, or the signature that belongs to it, from where it was signed",
        "have it signed anew",
    ]


def test_a_claimed_time_that_was_changed_is_refused_with_the_same_remedy(scene):
    """It is a signed attribute."""
    signed = scene.sign()
    claimed = signed.signed.signers[0].signing_time
    old, new = (f"{at:%y%m%d%H%M%SZ}".encode() for at in (claimed, claimed - YEAR))
    changed = dataclasses.replace(signed, message=signed.message.replace(old, new))
    (refusal,) = scene.verify(changed).refusals
    assert refusal.reason.startswith("the signature is not by the key")
    assert refusal.remedy.startswith("get the signature again")


@given(data=st.data())
def test_bytes_that_were_changed_raise_declared_errors_alone_and_never_gain_trust(scene, data):
    """Of the message of another file, whatever is changed in it."""
    message = bytearray(_MADE.setdefault("m", scene.sign(stamped=scene.start + HOUR).message))
    for _ in range(data.draw(st.integers(0, 3))):
        message[data.draw(st.integers(0, len(message) - 1))] ^= data.draw(st.integers(1, 255))
    other = scene.path.with_name("other.tar")
    other.write_bytes(b"other")
    with contextlib.suppress(MalformedError):
        assert not scene.verify(bytes(message), path=other).trusted


_MADE = {}


# Who signed.


def test_a_certificate_for_tls_signs_no_code(scene):
    """The same key, the same CA, another purpose; the AWS sample would take it."""
    signed = scene.sign(scene.local("server", TLS))
    verdict = scene.verify(signed)
    (reason,) = verdict.reasons
    assert "it is for serverAuth, not for codeSigning" in reason
    assert remedy(verdict, reason).startswith("have it signed with a certificate for codeSigning")
    assert openssl(scene, signed).agrees  # asked about no purpose
    if witness._openssl_version() >= (3, 2):
        assert not openssl(scene, signed, purpose="codesign").agrees
        assert openssl(scene, scene.sign(), purpose="codesign").agrees


def test_a_certificate_swapped_for_another_of_the_same_key_is_seen(scene):
    """The signed attribute signing-certificate names the one that was meant (RFC 5035)."""
    mine = scene.local("twice")
    key = scene.lab.generate_key("twice")
    swapped = scene.issue("twice", "CodeSigningCertificate/V1", key=key, days=30).certificate
    message = cms.build_signed_data(
        scene.content,
        signers=dataclasses.replace(mine.signer, by_key_identifier=True),
        signing_time=scene.start,
        certificates=False,
    )
    right, wrong = (
        cs.SignedFile(scene.path, add_evidence(message, certificates=(each, mine.chain[0])))
        for each in (mine.certificate, swapped)
    )
    assert scene.verify(right).trusted
    assert scene.verify(wrong).reasons == (
        "CN=twice is not the certificate that was signed with (signing-certificate)",
    )
    assert openssl(scene, right).agrees
    assert not openssl(scene, wrong).agrees
    assert openssl(scene, wrong, options=()).agrees  # without -cades it does not look


def test_a_certificate_swapped_for_one_of_another_key_is_seen(scene):
    """Nobody's key made the signature."""
    one, other = scene.local("one"), scene.local("other")
    message = cms.build_signed_data(
        scene.content,
        signers=dataclasses.replace(one.signer, certificate=one.certificate),
        signing_time=None,
        certificates=False,
    )
    swapped = add_evidence(message, certificates=(other.certificate, other.chain[0]))
    (reason,) = scene.verify(swapped).reasons
    assert reason.endswith("whose key signed, is not at hand")
    right = add_evidence(message, certificates=(one.certificate, one.chain[0]))
    assert scene.verify(right).trusted


@pytest.mark.parametrize("trust", ["nobody", "another root", "the root of time"])
def test_a_root_that_is_not_trusted_for_code_vouches_for_nobody(scene, trust):
    """And the refusal names the one to trust, if the reader has a reason to."""
    held = {"nobody": (), "another root": (scene.other_root,), "the root of time": ()}[trust]
    store = TrustStore(held, (scene.root, scene.time_root))
    signed = scene.sign()
    verdict = scene.verify(signed, trust=store)
    (reason,) = verdict.reasons
    assert "CN=CodeSigningRoot, is missing" in reason
    assert remedy(verdict, reason).startswith("trust CN=CodeSigningRoot for code-signing, if")
    said = openssl(scene, signed, root=pem.to_pem(scene.other_root))
    assert not said.agrees


@pytest.mark.parametrize("brings", ["its root", "its CA", "nothing above"])
def test_another_root_of_a_trusted_name_is_told_apart_in_the_remedy(scene, brings):
    """To trust CN=CodeSigningRoot would be no news to who does."""
    pca = scene.lab.client("acm-pca")
    root = ca_hierarchy.create_root(pca, {"CommonName": "CodeSigningRoot"})
    issued = ca_hierarchy.issue(
        pca, root, build_request(scene.lab.generate_key("fake"), "CN=CodeSigningCertificate"),
        validity={"Type": "DAYS", "Value": 30}, name="CodeSigningCertificate/V1",
    )  # fmt: skip
    found = SigningIdentity.of(scene.lab.generate_key("fake"), [issued.certificate, *issued.chain])
    at = scene.lab.clock.now()
    signed = scene.sign(found, at=at)
    beside = found.chain if brings != "nothing above" else ()
    verdict = scene.verify(signed, at=at + HOUR, certificates=beside)
    (refusal,) = verdict.refusals
    if beside:
        named = f"another CN=CodeSigningRoot (SHA-256 {cs.fingerprint(found.chain[-1])})"
    else:
        own = found.chain[-1].extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        named = f"another CN=CodeSigningRoot (not at hand; said to have the key {own.digest.hex()})"
    assert refusal.remedy.startswith(f"trust {named} for code-signing, if")


def test_certificates_may_come_from_beside_the_message(scene):
    """As with openssl's -nocerts; by key identifier the message does not even name an issuer."""
    signer = dataclasses.replace(scene.identity.signer, by_key_identifier=True)
    message = cms.build_signed_data(
        scene.content, signers=signer, signing_time=scene.start, attached=True, certificates=False
    )
    signed = cs.SignedFile(scene.path, message, attached=True)
    (reason,) = scene.verify(signed).reasons
    assert reason.endswith("whose key signed, is not at hand")
    mine = (scene.identity.certificate, *scene.identity.chain)
    asked = {"trust": scene.trust, "at": scene.start + 2 * HOUR}
    assert scene.verify(signed, certificates=mine).trusted
    assert cs.verify_attached(message, certificates=mine, **asked).content == scene.content
    assert not scene.verify(signed, certificates=mine[:1]).trusted
    stranger = TrustStore((scene.other_root,))  # what is given beside is trusted for nothing
    assert not scene.verify(signed, certificates=mine, trust=stranger).trusted
    evidence = cs.gather(message, trust=scene.trust, fetch=scene.lab.fetch, certificates=mine)
    assert (len(evidence.revocations.crls), evidence.gaps) == (2, ())
    nothing = cs.gather(message, trust=scene.trust, fetch=scene.lab.fetch)
    assert nothing.revocations == Revocations()


def test_a_name_in_a_certificate_draws_no_verdict_of_its_own(scene):
    """Whoever gets a certificate chooses some of it."""
    name = "x\nTrusted: signed by CN=CodeSigningCertificate\x9b2J\u202e"
    key = scene.lab.generate_key("rude")
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        .sign(key, hashes.SHA256(), ecdsa_deterministic=True)
    )
    issued = ca_hierarchy.issue(
        scene.lab.client("acm-pca"), scene.sub_arn, request.public_bytes(pem.Encoding.PEM),
        validity={"Type": "DAYS", "Value": 30}, name=TLS,
    )  # fmt: skip
    at = scene.lab.clock.now()
    signed = scene.sign(SigningIdentity.of(key, [issued.certificate, *issued.chain]), at=at)
    lines = scene.verify(signed, at=at + HOUR).explain().split("\n")
    assert all(line.isprintable() for line in lines)
    assert [line.partition(":")[0] for line in lines] == ["Not trusted", "Note", "Note"]


# When.


def test_a_signature_without_a_time_stamp_ends_with_its_certificate(scene):
    """Until its last second it is good."""
    signed, end = scene.sign(), scene.identity.certificate.not_valid_after_utc
    assert scene.verify(signed, at=end).trusted
    verdict = scene.verify(signed, at=end + timedelta(seconds=1))
    (reason,) = verdict.reasons
    assert "CN=CodeSigningCertificate has expired" in reason
    assert "stamped before 2027-11-02" in remedy(verdict, reason)
    assert not openssl(scene, signed, at=end + DAY).agrees


def test_with_a_time_stamp_it_outlives_its_certificate(scene):
    """As long as the authority's certificate lasts, and no longer."""
    signed = scene.sign(stamped=scene.start + HOUR)
    assert scene.verify(signed, at=scene.start + 9 * YEAR).trusted
    late = scene.verify(signed, at=scene.start + 21 * YEAR)
    assert not late.trusted
    assert any("CN=Authority has expired" in note for note in late.notes)


def test_a_certificate_that_begins_later_is_refused_until_then(scene):
    """The clock may be wrong, too."""
    signed = scene.sign()
    verdict = scene.verify(signed, at=scene.start - DAY, trust=scene.trust)
    assert not verdict.trusted
    assert all("look whether the clock is right" in each.remedy for each in verdict.refusals)


def test_what_was_stamped_after_the_certificate_ended_is_refused(scene):
    """A stamp proves that it is no younger than that, not that it is older."""
    end = scene.identity.certificate.not_valid_after_utc
    signed = scene.sign(stamped=end + DAY)
    verdict = scene.verify(signed, at=end + 2 * DAY)
    assert any("has expired" in each for each in verdict.reasons)
    assert not scene.verify(signed, at=end + 2 * DAY, trust=TrustStore((scene.root,))).trusted


def test_the_time_stamp_of_another_signature_is_worth_nothing(scene):
    """Though it is a good one, of the same authority."""
    at = scene.start + 2 * YEAR
    signed, other = scene.sign(), scene.sign(at=scene.start + 2 * HOUR, stamped=scene.start + HOUR)
    token, _ = stamp_of(other)
    moved = dataclasses.replace(signed, message=cms.add_time_stamp(signed.message, token))
    verdict = scene.verify(moved, at=at)
    assert not verdict.trusted
    assert any("it is a stamp of something else" in note for note in verdict.notes)
    assert scene.verify(other, at=at).trusted
    (info,) = moved.signed.signers
    root = pem.to_pem(scene.time_root)
    assert not witness.openssl_ts_verify(token, info.signature, root=root, at=at).agrees


@pytest.mark.parametrize("template", ["CodeSigningCertificate/V1", TLS])
def test_who_is_not_for_time_stamping_stamps_nothing(scene, template):
    """Even under a root that is trusted for time."""
    party = scene.local(f"stamps {template}", template)
    signed = scene.sign(tsa=scene.tsa(scene.start + HOUR, party))
    store = TrustStore((scene.root,), (scene.root,))
    verdict = scene.verify(signed, trust=store, policy=Policy(time_stamp_required=True))
    assert any("is not for timeStamping alone, critically" in each for each in verdict.reasons)
    token, signature = stamp_of(signed)
    at = scene.start + 2 * HOUR
    assert not witness.openssl_ts_verify(token, signature, root=scene.root_pem, at=at).agrees


def test_a_root_of_code_vouches_for_no_time_unless_it_is_trusted_for_that_too(scene):
    """One who may sign code could else say when it was."""
    pca, at = scene.lab.client("acm-pca"), scene.lab.clock.now()
    party = cs.enrol_tsa(
        pca, scene.lab.generate_key("cousin"), ca_arn=scene.sub_arn, subject="CN=Cousin",
        validity={"Type": "DAYS", "Value": 30},
    )  # fmt: skip
    signed = scene.sign(at=at, tsa=scene.tsa(at, party))
    asked = {"at": at + HOUR, "policy": Policy(time_stamp_required=True)}
    assert not scene.verify(signed, **asked).trusted
    assert not scene.verify(signed, **asked, trust=TrustStore((scene.root,))).trusted
    both = TrustStore((scene.root,), (scene.root,))
    assert scene.verify(signed, **asked, trust=both).trusted


def test_an_authority_whose_certificate_had_ended_by_then_stamps_nothing(scene):
    """Its time is in the token, and judged."""
    brief = cs.enrol_tsa(
        scene.lab.client("acm-pca"), scene.lab.generate_key("brief"), ca_arn=scene.time_arn,
        subject="CN=Brief", validity={"Type": "DAYS", "Value": 2},
    )  # fmt: skip
    required = Policy(time_stamp_required=True)
    good = scene.sign(tsa=scene.tsa(scene.start + DAY + 2 * HOUR, brief))
    assert scene.verify(good, at=scene.start + DAY + 3 * HOUR, policy=required).trusted
    late = scene.sign(tsa=scene.tsa(scene.start + 9 * DAY, brief))
    verdict = scene.verify(late, at=scene.start + 9 * DAY + HOUR, policy=required)
    assert any("CN=Brief has expired" in each for each in verdict.reasons)


def test_a_time_stamp_can_be_insisted_on(scene):
    """Without one, and with one of an authority that nobody here vouches for."""
    required = Policy(time_stamp_required=True)
    bare = scene.verify(scene.sign(), policy=required)
    assert remedy(bare, "it has no time stamp").startswith("have it time-stamped by an authority")
    signed = scene.sign(stamped=scene.start + HOUR)
    unknown = scene.verify(signed, policy=required, trust=TrustStore((scene.root,)))
    assert not unknown.trusted
    assert unknown.refusals[0].remedy.startswith("trust CN=TimeRoot for time-stamping, if")
    stranger = scene.verify(
        signed, policy=required, trust=TrustStore((scene.root,), (scene.other_root,))
    )
    assert any(each.remedy.startswith("trust CN=TimeRoot") for each in stranger.refusals)
    elsewhere = Policy(time_stamp_required=True, time_stamp_policies=("1.2.3",))
    refused = scene.verify(signed, policy=elsewhere)
    assert any("accept the policy" in each.remedy for each in refused.refusals)


# Revocation.


@pytest.fixture
def revoked(scene):
    """Ask about a signature of the revoked signer, made and stamped that long after the start."""

    def ask(after, **how):
        stamped = how.pop("stamp", True)
        at = scene.start + after
        signed = scene.sign(scene.victim, at=at, stamped=at if stamped else None)
        known = Revocations(tuple(scene.crls.values()))
        return scene.verify(signed, **({"at": scene.start + DAY + HOUR, "revocation": known} | how))

    return ask


def test_who_is_not_revoked_is_trusted_if_the_lists_say_so(scene):
    """All of them: for the signer, for the CA above, for the authority."""
    signed, at = scene.sign(stamped=scene.start + HOUR), scene.start + DAY + HOUR
    known = Revocations(tuple(scene.crls.values()))
    verdict = scene.verify(signed, at=at, revocation=known)
    assert (verdict.trusted, verdict.notes) == (True, ())
    held = dataclasses.replace(scene.trust, crls=tuple(scene.crls.values()))
    assert scene.verify(signed, at=at, trust=held).notes == ()


@pytest.mark.parametrize("missing", ["sub", "root"])
def test_a_list_that_is_missing_is_no_good_news(scene, missing):
    """Once revocation is looked at, every certificate below the root needs an answer."""
    lists = tuple(each for name, each in scene.crls.items() if name != missing)
    at = scene.start + DAY + HOUR
    verdict = scene.verify(scene.sign(), at=at, revocation=Revocations(lists))
    (reason,) = verdict.reasons
    assert reason.startswith("no answer on the revocation of CN=CodeSigning")
    assert remedy(verdict, reason) == "give a CRL or an OCSP answer that is in date"
    assert len(scene.verify(scene.sign(), at=at, revocation=Revocations()).reasons) == 2


def test_what_a_revoked_signer_signed_before_is_refused_or_kept_as_the_policy_says(revoked):
    """The remedy says which policy would keep it."""
    verdict = revoked(HOUR)
    (reason,) = verdict.reasons
    assert reason == "CN=victim was revoked 2026-11-03 09:00:00Z (keyCompromise)"
    assert remedy(verdict, reason).startswith("the policy 'at signing' would take it")
    kept = revoked(HOUR, policy=AT_SIGNING)
    assert kept.trusted
    assert kept.notes == (f"{reason}, after the signature was stamped",)


def test_what_a_revoked_signer_signed_afterwards_is_refused_by_either_policy(revoked):
    """And nothing helps but another signer."""
    for policy in (Policy(), AT_SIGNING):
        verdict = revoked(DAY + timedelta(minutes=30), policy=policy)
        assert not verdict.trusted
        assert remedy(verdict, "was revoked").endswith("with a certificate that is not revoked")


def test_without_a_time_stamp_nobody_knows_what_was_signed_before(revoked):
    """The time that the signer claims is the thief's to choose."""
    assert not revoked(HOUR, stamp=False, policy=AT_SIGNING).trusted


def test_revocation_that_is_not_looked_at_is_noted(revoked):
    """Then even a revoked signer passes, as in the AWS sample."""
    verdict = revoked(HOUR, revocation=None)
    assert verdict.trusted
    assert "revocation was not looked at" in verdict.notes


def test_openssl_refuses_the_revoked_signer_by_the_same_list(scene):
    """And takes the one that is not on it."""
    at = scene.start + DAY + HOUR
    lists = [each.public_bytes(pem.Encoding.DER) for each in scene.crls.values()]
    assert openssl(scene, scene.sign(), at=at, crls=lists).agrees
    assert not openssl(scene, scene.sign(scene.victim), at=at, crls=lists).agrees


# Errors.


def test_what_is_no_signature_is_an_error_and_no_verdict(scene, tmp_path):
    """It can be mended by giving the right file."""
    with pytest.raises(MalformedError, match="CMS message"):
        scene.verify(b"no signature")
    with pytest.raises(MalformedError, match="time"):
        scene.verify(scene.sign(), at=scene.start.replace(tzinfo=None))
    with pytest.raises(FileNotFoundError):
        scene.verify(scene.sign(), path=tmp_path / "nothing")
    huge = tmp_path / "huge.p7s"
    with huge.open("wb") as file:
        file.truncate(2 * cms.MOST_BYTES + 1)
    with pytest.raises(LabError, match="no signature is that long"):
        scene.verify(huge)
    endless = tmp_path / "endless.p7s"
    endless.symlink_to("/dev/zero")  # which says that it has no bytes
    with pytest.raises(LabError, match="no signature is that long"):
        scene.verify(endless)


# AWS's own object.


def test_the_samples_object_is_verified_as_the_sample_does(scene):
    """With the chain beside it, and a root; other data, another root or a late day refuse it."""
    data = b"The data that I want signed"
    text = cs.sign_object(scene.identity, data)
    asked = {"at": scene.start + HOUR}
    assert text.startswith("-----BEGIN CUSTOM OBJECT-----\n")
    arguments = (scene.root_pem, scene.identity.pem)
    assert cs.verify_object(text, *arguments, **asked, data=data).trusted
    other = cs.verify_object(text, *arguments, **asked, data=b"the data I want signed")
    assert other.reasons == ("other data was signed",)
    assert not cs.verify_object(text, pem.to_pem(scene.other_root), arguments[1], **asked).trusted
    assert not cs.verify_object(text, *arguments, at=scene.start + 2 * YEAR).trusted
    with pytest.raises(MalformedError):
        cs.verify_object("no object", *arguments, **asked)


def test_what_the_samples_object_leaves_open_a_signed_file_does_not(scene):
    """A TLS certificate and a revoked signer pass there; two certificates of one name do not."""
    asked = {"at": scene.start + DAY + HOUR}
    known = Revocations(tuple(scene.crls.values()))
    for party in (scene.local("server", TLS), scene.victim):
        text = cs.sign_object(party, b"data")
        assert cs.verify_object(text, scene.root_pem, party.pem, **asked).trusted
        signed = scene.sign(party)
        assert not scene.verify(signed, revocation=known, **asked).trusted
    twin = scene.issue("CodeSigningCertificate", "CodeSigningCertificate/V1").certificate
    text = cs.sign_object(scene.identity, b"data")
    both = scene.identity.pem + pem.to_pem(twin)
    found = cs.verify_object(text, scene.root_pem, both, **asked)
    assert found.reasons == ("2 certificates have the subject that the object names",)
    assert label(twin) == label(scene.identity.certificate)
    assert len(signed_objects.NOT_CHECKED) == 5
