"""Why a signed file is not trusted, and what would have to change.

For each reason the same question is asked again with one thing changed: another root, another time,
no revocation. What makes the reason go away is what would have to change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from pkilab.errors import MalformedError
from pkilab.pki import cms, timestamps
from pkilab.pki.certificates import UNREADABLE, extension_value, name_text, time_text
from pkilab.pki.chains import Chain, Purpose, build_chain
from pkilab.pki.signature_trust import MessageVerdict, Policy, judge, time_stamps

# A hostile message may hold thousands; what would help is looked for in the first ones.
_MOST = 8
_ANEW = "have it signed anew"
_AGAIN = "get the signature again from where it was signed"
_OTHER_FILE = "get the file, or the signature that belongs to it, from where it was signed"
_OTHER_PURPOSE = "have it signed with a certificate for codeSigning; this one is for something else"
_AT_SIGNING = "the policy 'at signing' would take it, which asks about when it was stamped"
_NOT_REVOKED = "have it signed anew with a certificate that is not revoked"
_NO_ANSWER = "give a CRL or an OCSP answer that is in date"
_OLD_ANSWER = (
    f"{_NO_ANSWER}; or ask by the policy 'at signing', for which one made after the stamp will do"
)
_OTHER_POLICY = "accept the policy that it was stamped under"
_STAMP = "have it time-stamped by an authority that the trust store vouches for"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason not to trust, and what would have to change."""

    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.reason}. To change that: {self.remedy}"


def refusals(
    signed: cms.SignedData, found: MessageVerdict, question: Mapping[str, Any]
) -> tuple[Refusal, ...]:
    """Return every reason of a verdict, each with what would have to change.

    Args:
        signed: the message.
        found: the verdict on it.
        question: the arguments by which `judge` found it.
    """
    remedies = dict.fromkeys(_spoilt(found), _AGAIN)
    for change, remedy in _changes(signed, found, question) if found.reasons else ():
        left = judge(signed, **{**question, **change}).reasons
        for gone in set(found.reasons) - set(left) - set(remedies):
            remedies[gone] = remedy(gone) if callable(remedy) else remedy
    return tuple(Refusal(each, remedies.get(each, _ANEW)) for each in found.reasons)


def _spoilt(found: MessageVerdict) -> Iterator[str]:
    """Yield what a signature is refused for whose digest is the content's: that was signed."""
    for each in found.signers:
        match each.signature.reasons:
            case (only,) if only.startswith("the signature is not by the key"):
                yield only


def _changes(
    signed: cms.SignedData, found: MessageVerdict, question: Mapping[str, Any]
) -> Iterator[tuple[Mapping[str, Any], str | Callable[[str], str]]]:
    """Yield what could be otherwise, as a change of the question's arguments, and how to get there.

    The order matters: the first change under which a reason goes away is taken for its cause.
    """
    signatures = [each.signature for each in found.signers]
    claimed = {
        each.info.digest_algorithm: each.info.message_digest
        for each in signatures
        if each.info.message_digest is not None
    }
    if signed.content is None:
        yield {"content": claimed}, _OTHER_FILE
    own = [each.certificate for each in signatures if each.certificate is not None][:_MOST]
    held = (*signed.certificates, *question["intermediates"])
    yield from _more_roots(own, held, "roots", "code-signing", question)
    yield {"purpose": Purpose.ANY}, _OTHER_PURPOSE
    tokens = list(islice(_tokens(signatures), _MOST))
    pool = (*held, *(each for token in tokens for each in token.signed.certificates))
    found_in = [cms.verify(token.signed, certificates=pool).signatures for token in tokens]
    authorities = [one.certificate for each in found_in for one in each if one.certificate]
    yield from _more_roots(authorities, pool, "time_stamp_roots", "time-stamping", question)
    policy: Policy = question["policy"]
    if question["revocation"] is not None:
        yield {"policy": replace(policy, revoked="at signing")}, _about_policy
        yield {"revocation": None}, _about_revocation
    yield from _other_times(own, held, question)
    yield {"policy": replace(policy, time_stamp_policies=None)}, _OTHER_POLICY
    yield {"policy": replace(policy, time_stamp_required=False)}, _STAMP


def _more_roots(
    leaves: Iterable[x509.Certificate],
    pool: Chain,
    field: str,
    use: str,
    question: Mapping[str, Any],
) -> Iterator[tuple[Mapping[str, Any], str]]:
    held = question[field] or ()
    tops = [build_chain(each, (*pool, *held))[-1] for each in leaves]
    if missing := [each for each in tops if each not in held]:
        names = " and ".join(dict.fromkeys(_who_is_missing(each, held) for each in missing))
        remedy = f"trust {names} for {use}, if that is who should vouch for this"
        yield {field: (*held, *missing)}, remedy


def _who_is_missing(top: x509.Certificate, held: Chain) -> str:
    """Name a root, be it ``top`` or who issued it, so that no other of that name is meant."""
    name = name_text(top, "issuer")
    if name not in {name_text(each, "subject") for each in held}:
        return name
    if name_text(top, "subject") == name:
        return f"another {name} (SHA-256 {top.fingerprint(hashes.SHA256()).hex()})"
    with suppress(*UNREADABLE):
        named = extension_value(top, x509.AuthorityKeyIdentifier)
        if named is not None and named.key_identifier is not None:
            return (
                f"another {name} (not at hand; said to have the key {named.key_identifier.hex()})"
            )
    return f"another {name} (not at hand)"


def _tokens(signatures: Iterable[cms.Signature]) -> Iterator[timestamps.Token]:
    for each in (token for signature in signatures for token in time_stamps(signature.info)):
        with suppress(MalformedError):
            yield timestamps.parse_token(each)


def _about_policy(reason: str) -> str:
    return _OLD_ANSWER if reason.startswith("no answer") else _AT_SIGNING


def _about_revocation(reason: str) -> str:
    return _NO_ANSWER if reason.startswith("no answer") else _NOT_REVOKED


def _other_times(
    leaves: Iterable[x509.Certificate], pool: Chain, question: Mapping[str, Any]
) -> Iterator[tuple[Mapping[str, Any], str]]:
    for leaf in leaves:
        chain = build_chain(leaf, (*pool, *question["roots"]))
        end = min(each.not_valid_after_utc for each in chain)
        begin = max(each.not_valid_before_utc for each in chain)
        lasting = f"stamped before {time_text(end)} by an authority that lasts"
        if end < question["at"]:
            yield {"at": end}, f"{_ANEW}; {lasting}, it would have stayed good"
        if begin > question["at"]:
            clock = f"wait until {time_text(begin)}, or look whether the clock is right"
            yield {"at": begin}, clock
