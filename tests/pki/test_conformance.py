"""Outside vectors: C2SP/x509-limbo as of December 2023, and OpenSSL's test/ocsp-tests.

False accepts and false rejects are counted apart: a verifier that always says no would do well on
a pass rate. Each disagreement that remains is named with its reason.
"""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from pkilab.errors import MalformedError
from pkilab.pki import ocsp, pem
from pkilab.pki.chains import Purpose, verify_chain

LIMBO_ACCEPTED = {
    "rfc5280::nc::permitted-dns-match-noncritical": (
        "the suite also has this chain as one to accept (webpki::nc): the constraint is obeyed"
    ),
    "webpki::eku::ee-anyeku": "CA/Browser Forum rule; the usage asked for is there as well",
    "webpki::eku::ee-without-eku": (
        "the suite also has this as one to accept (rfc5280::eku): no usage restricts nothing"
    ),
    "webpki::eku::root-has-eku": "CA/Browser Forum rule; the root's usage holds the one asked for",
}
LIMBO_REJECTED = {
    "pathlen::validation-ignores-pathlen-in-leaf": (
        "the leaf is a CA, which webpki::ee-basicconstraints-ca wants refused as a server"
    ),
    "rfc5280::nc::permitted-dn-match": "the leaf has no DNS name, so it is not example.com's",
}
OCSP_REJECTED = {
    "openssl-ocsp::VALID OCSP RESPONSES::ND1::ND1_Cross_Root": (
        "the issuer's own path has SHA-1 signatures, which are refused whatever the year"
    ),
}


@dataclass(frozen=True)
class Score:
    """How a suite went: cases, and the ids wrongly accepted and wrongly rejected."""

    cases: int
    accepted: tuple[str, ...]
    rejected: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"{self.cases} cases, {len(self.accepted)} false accepts, "
            f"{len(self.rejected)} false rejects"
        )


def tally(verdicts: list[tuple[str, bool, bool]]) -> Score:
    """Count from (id, expected, given)."""
    return Score(
        cases=len(verdicts),
        accepted=tuple(case for case, expected, given in verdicts if given and not expected),
        rejected=tuple(case for case, expected, given in verdicts if expected and not given),
    )


def limbo_score(folder: Path) -> Score:
    """Verify every x509-limbo case."""
    cases = json.loads((folder / "x509_limbo_2023.json").read_text())["testcases"]
    return tally(
        [(each["id"], each["expected_result"] == "SUCCESS", limbo_verdict(each)) for each in cases]
    )


def limbo_verdict(case: dict[str, Any]) -> bool:
    """Answer one case; a certificate that cannot be read is a no."""
    time = case["validation_time"]
    try:
        return verify_chain(
            pem.load_certificate(case["peer_certificate"]),
            intermediates=[pem.load_certificate(each) for each in case["untrusted_intermediates"]],
            roots=[pem.load_certificate(each) for each in case["trusted_certs"]],
            # A case without a time means now; the day the suite was published is as good.
            at=datetime.fromisoformat(time) if time else datetime(2023, 12, 2, tzinfo=UTC),
            purpose=Purpose.SERVER_AUTH,
            name=case["expected_peer_name"]["value"],
            max_depth=case["max_chain_depth"],
        ).trusted
    except MalformedError:
        return False


def ocsp_score(folder: Path) -> Score:
    """Verify the signer of every OpenSSL answer; they are of 2012, so SHA-1 is allowed."""
    cases = json.loads((folder / "ocsp_openssl.json").read_text())
    return tally([(each["id"], each["expect"], ocsp_verdict(each)) for each in cases])


def ocsp_verdict(case: dict[str, Any]) -> bool:
    """Whether the answer is the word of an issuer that is trusted or has a path to trust."""
    at = datetime.fromisoformat(case["time"])
    answer = ocsp.read_response(b64decode(case["response"]))
    trusted, others = (
        [x509.load_der_x509_certificate(b64decode(each)) for each in case[kind]]
        for kind in ("trusted", "untrusted")
    )
    return any(
        issuer in trusted
        or verify_chain(issuer, intermediates=others, roots=trusted, at=at).trusted
        for issuer in (*trusted, *others)
        if not ocsp.signer_reasons(answer, issuer, at, allow_sha1=True)
    )


# Two limbo and several 2012 certificates have a serial number below 1.
@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_x509_limbo(conformance: Path) -> None:
    """No chain is accepted or refused against the suite but those with a reason."""
    score = limbo_score(conformance)
    print(f"x509-limbo 2023-12-02: {score}")  # noqa: T201 - the README reports it
    assert score.cases == 135
    assert set(score.accepted) == set(LIMBO_ACCEPTED)
    assert set(score.rejected) == set(LIMBO_REJECTED)


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_openssl_ocsp(conformance: Path) -> None:
    """No forged answer is believed; every good one but those with a reason is."""
    score = ocsp_score(conformance)
    print(f"OpenSSL ocsp-tests: {score}")  # noqa: T201 - the README reports it
    assert score.cases == 59
    assert score.accepted == ()
    assert set(score.rejected) == set(OCSP_REJECTED)


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_weak_signatures_are_named(conformance: Path) -> None:
    """The SHA-1 path of 2012 is refused as weak, not as forged; so is an answer by default."""
    cases = json.loads((conformance / "ocsp_openssl.json").read_text())
    case = next(each for each in cases if each["id"] in OCSP_REJECTED)
    at = datetime.fromisoformat(case["time"])
    answer = ocsp.read_response(b64decode(case["response"]))
    root = x509.load_der_x509_certificate(b64decode(case["trusted"][0]))
    issuer, *more = [x509.load_der_x509_certificate(b64decode(each)) for each in case["untrusted"]]
    verdict = verify_chain(issuer, intermediates=more, roots=[root], at=at)
    assert verdict.reasons
    assert all(reason.endswith("has a weak signature, SHA1") for reason in verdict.reasons)
    assert ocsp.signer_reasons(answer, issuer, at) == (
        "it is signed with SHA1, which can be forged",
    )
