"""What CAs say today, kept in the signature for a verifier who is offline in years."""

import dataclasses
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from pkilab import code_signing as cs
from pkilab import witness
from pkilab.code_signing import Revocations, TrustStore
from pkilab.errors import LabError, MalformedError
from pkilab.pki import timestamps

HOUR, DAY, YEAR = timedelta(hours=1), timedelta(days=1), timedelta(days=365)


@pytest.fixture
def signed(scene):
    """A file signed and stamped before the lists were made."""
    return scene.sign(stamped=scene.start + HOUR)


@pytest.fixture
def evidence(scene, signed):
    """What is found about it today."""
    return cs.gather(signed, trust=scene.trust, fetch=scene.lab.fetch)


def test_every_certificate_below_the_roots_is_asked_about(evidence):
    """The signer's, the CA's and the authority's, by list and by question."""
    assert repr(evidence) == "<Evidence 3 CRLs, 3 OCSP answers, gaps: none>"


@pytest.mark.parametrize("kind", ["both", "OCSP answers"])
def test_a_bundle_is_verified_years_later_without_asking_anybody(scene, signed, evidence, kind):
    """When the signer's certificate has ended and its CA says nothing about it any more."""
    known = evidence.revocations
    kept = known if kind == "both" else Revocations(ocsp=known.ocsp)
    bundle = cs.bundle(signed, cs.Evidence(kept))
    asked = {"at": scene.start + 5 * YEAR, "revocation": Revocations()}
    assert scene.verify(bundle, **asked).trusted
    refused = scene.verify(signed, **asked)
    assert all(each.startswith("no answer on the revocation") for each in refused.reasons)


def test_a_list_from_before_the_time_stamp_is_of_no_use_years_later(scene, signed, evidence):
    """The root's was made when the root was: before this signature, of which it can say nothing."""
    bundle = cs.bundle(signed, cs.Evidence(Revocations(evidence.revocations.crls)))
    asked = {"at": scene.start + 5 * YEAR, "revocation": Revocations()}
    (reason,) = scene.verify(bundle, **asked).reasons
    assert "the revocation of CN=CodeSigningSubordinate: it is stale" in reason


def test_a_bundle_is_verified_at_once_too_and_is_no_news_later(scene, signed, evidence):
    """While the certificate lasts, a newer list could say otherwise."""
    bundle = cs.bundle(signed, evidence)
    now = scene.lab.clock.now()
    assert scene.verify(bundle, at=now + HOUR / 2, revocation=Revocations()).trusted
    verdict = scene.verify(bundle, at=now + 60 * DAY, revocation=Revocations())
    assert {each.remedy for each in verdict.refusals} == {
        "give a CRL or an OCSP answer that is in date; or ask by the policy 'at signing', for "
        "which one made after the stamp will do"
    }
    assert scene.verify(bundle, at=now + 60 * DAY).trusted  # revocation was not asked about


def test_a_bundle_settles_the_question_about_the_time_of_signing(scene, signed, evidence):
    """With "at signing", while the certificate lasts, too; what is newer and says no decides."""
    known = Revocations(ocsp=evidence.revocations.ocsp)
    late, at_signing = scene.lab.clock.now() + 60 * DAY, cs.Policy(revoked="at signing")
    asked = {"at": late, "revocation": Revocations(), "policy": at_signing}
    assert scene.verify(cs.bundle(signed, cs.Evidence(known)), **asked).trusted
    assert not scene.verify(signed, **asked).trusted
    unstamped = cs.bundle(scene.sign(), cs.Evidence(known))
    assert not scene.verify(unstamped, **asked).trusted
    victims = scene.sign(scene.victim, stamped=scene.revoked_at + HOUR / 2)
    found = cs.gather(victims, trust=scene.trust, fetch=scene.lab.fetch)
    assert not scene.verify(cs.bundle(victims, found), **asked).trusted


def test_a_bundle_does_not_whitewash_who_was_revoked(scene):
    """The list in it names the signer."""
    signed = scene.sign(scene.victim, stamped=scene.start + HOUR)
    found = cs.gather(signed, trust=scene.trust, fetch=scene.lab.fetch)
    bundle = cs.bundle(signed, found)
    verdict = scene.verify(bundle, at=scene.start + 5 * YEAR, revocation=Revocations())
    assert any("CN=victim was revoked" in each for each in verdict.reasons)


def test_openssl_takes_the_lists_from_the_bundle(scene, signed, evidence):
    """And misses them without."""
    asked = {
        "root": scene.root_pem,
        "at": scene.lab.clock.now() + HOUR / 2,
        "options": ["-crl_check_all"],
    }
    bundle = cs.bundle(signed, evidence)
    assert witness.openssl_cms_verify(bundle.message, scene.content, **asked).agrees
    assert not witness.openssl_cms_verify(signed.message, scene.content, **asked).agrees
    victims = cs.bundle(scene.sign(scene.victim), evidence)
    assert not witness.openssl_cms_verify(victims.message, scene.content, **asked).agrees


def test_what_was_made_before_the_time_stamp_is_a_gap(scene):
    """It would not help once the certificate has ended: a thief might have stamped after it."""
    signed = scene.sign(stamped=scene.start + 30 * DAY)
    found = cs.gather(signed, trust=scene.trust, fetch=scene.lab.fetch)
    assert len(found.gaps) == 3
    assert all(gap.endswith("was made before the time stamp") for gap in found.gaps)
    assert "gaps: CN=" in repr(found)
    bundle = cs.bundle(signed, found)
    late = {"at": scene.start + 5 * YEAR, "revocation": Revocations()}
    assert not scene.verify(bundle, **late).trusted


def test_what_cannot_be_had_is_a_gap(scene, signed):
    """Named, with what each URL answered."""
    nowhere = dataclasses.make_dataclass("Answer", ["status", "body"])(404, b"")
    found = cs.gather(signed, trust=scene.trust, fetch=lambda *_, **__: nowhere)
    assert found.revocations == Revocations()
    assert len(found.gaps) == 3
    assert all("answered 404" in gap for gap in found.gaps)
    garbage = dataclasses.replace(nowhere, status=200, body=b"<html>")
    assert len(cs.gather(signed, trust=scene.trust, fetch=lambda *_, **__: garbage).gaps) == 3


def test_no_url_is_followed_that_no_root_vouches_for(scene, signed):
    """Whoever made the certificate could send us anywhere."""
    asked = []
    for trust in (TrustStore(), TrustStore((scene.other_root,), (scene.other_root,))):
        found = cs.gather(signed, trust=trust, fetch=lambda *url, **_: asked.append(url))
        assert found == cs.Evidence(Revocations())
    assert asked == []
    cs.gather(signed, trust=TrustStore((scene.root,)), fetch=scene.lab.fetch)
    with pytest.raises(MalformedError):
        cs.gather(b"nothing", trust=scene.trust, fetch=scene.lab.fetch)


def test_the_lists_are_those_that_the_ca_serves(scene, evidence):
    """Byte for byte."""
    served = {each.public_bytes(Encoding.DER) for each in scene.crls.values()}
    assert {each.public_bytes(Encoding.DER) for each in evidence.revocations.crls} == served


def test_the_next_url_is_asked_where_one_does_not_answer(scene, signed):
    """A fetch that knows no such URL is no end."""

    def fetch(url, body=None, *, content_type=""):
        if content_type:
            raise LabError(f"{url}: no answer")
        return scene.lab.fetch(url)

    found = cs.gather(signed, trust=scene.trust, fetch=fetch)
    assert (len(found.revocations.crls), found.revocations.ocsp) == (3, ())
    older = [gap for gap in found.gaps if gap.endswith("before the time stamp")]
    assert found.gaps == tuple(older)  # the root's list


def test_a_time_stamp_that_is_none_is_the_verifiers_to_refuse(scene, signed):
    """Nothing is asked about it."""
    (info,) = signed.signed.signers
    (token,) = info.time_stamps
    inner = timestamps.parse_token(token).signed.content
    broken = dataclasses.replace(
        signed, message=signed.message.replace(inner, bytes([inner[0] ^ 1]) + inner[1:])
    )
    found = cs.gather(broken, trust=scene.trust, fetch=scene.lab.fetch)
    assert repr(found) == "<Evidence 2 CRLs, 2 OCSP answers, gaps: none>"
    required = cs.Policy(time_stamp_required=True)
    assert not scene.verify(broken, policy=required).trusted
