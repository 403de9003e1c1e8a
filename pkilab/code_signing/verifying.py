"""Verifying signed files, without AWS: whether to trust one, and if not, why and what would help.

The judging is `pkilab.pki.signature_trust`'s; `pkilab.code_signing.remedies` finds what would help.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

from cryptography import x509

from pkilab.code_signing.remedies import Refusal, refusals
from pkilab.code_signing.signing import SignedFile, pieces
from pkilab.code_signing.trust_stores import TrustStore
from pkilab.errors import LabError
from pkilab.pki import chains, cms, signed_objects
from pkilab.pki.certificates import label, time_text
from pkilab.pki.cms_evidence import ocsp_responses
from pkilab.pki.digests import Progress
from pkilab.pki.signature_trust import (
    Policy,
    Revocations,
    SignerVerdict,
    judge,
)
from pkilab.printing import one_line

Signature: TypeAlias = SignedFile | cms.SignedData | bytes | Path
"""A signed file, its message read or not (DER or PEM), or the file the message is in."""

_USUAL = Policy()


@dataclass(frozen=True, slots=True)
class FileVerdict:
    """Whether a signed file is trusted.

    Attributes:
        trusted: whether it is.
        refusals: every reason why not, each with what would help.
        notes: what was not looked at, or does not decide.
        signers: who signed, with chain and time.
        content: what an attached message holds, if it is trusted; None otherwise.
    """

    trusted: bool
    refusals: tuple[Refusal, ...]
    notes: tuple[str, ...]
    signers: tuple[SignerVerdict, ...] = field(repr=False)
    content: bytes | None = field(default=None, repr=False)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Every reason not to trust it."""
        return tuple(each.reason for each in self.refusals)

    def explain(self) -> str:
        """Say the verdict, a line for each reason and note; what is not printable is escaped."""
        lines = [f"Not trusted: {each}." for each in self.refusals]
        if self.trusted:
            for each in self.signers:
                when = each.signed_before
                stamped = f", by {time_text(when)} at the latest" if when else ""
                path = " <- ".join(map(label, each.chain))
                lines.append(f"Trusted: signed by {path}{stamped}.")
        lines += [f"Note: {each}." for each in self.notes]
        return "\n".join(map(one_line, lines))

    def __str__(self) -> str:
        return self.explain()

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ANN401, FBT001, ARG002 - IPython's
        printer.text(self.explain())


def read_message(signature: Signature) -> cms.SignedData:
    """Read a signature. Nothing is verified.

    Raises:
        LabError: a file that is far too long to be one.
        MalformedError: it is none.
        OSError: the file cannot be read.
    """
    if isinstance(signature, cms.SignedData):
        return signature
    if isinstance(signature, SignedFile):
        return signature.signed
    if isinstance(signature, bytes):
        return cms.parse(signature)
    with signature.open("rb") as file:  # what its status says of a device's size is not so
        data = file.read(2 * cms.MOST_BYTES + 1)
    if len(data) > 2 * cms.MOST_BYTES:
        raise LabError(
            f"{signature}: found over {len(data) - 1:,} bytes, no signature is that long"
        )
    return cms.parse(data)


def verify_file(
    path: Path | str,
    signature: Signature,
    *,
    trust: TrustStore,
    at: datetime,
    revocation: Revocations | None = None,
    policy: Policy = _USUAL,
    certificates: Iterable[x509.Certificate] = (),
    progress: Progress | None = None,
) -> FileVerdict:
    """Decide whether a file is as somebody signed it whom the trust store vouches for.

    The signer's certificate must be for codeSigning, and valid: at ``at``, or, with a time stamp
    that is believed, when that was made. The file is read once and may be of any size; the verdict
    is on what was read, so whoever can write the file afterwards is not held up by it.

    Args:
        path: the file.
        signature: the message; an attached one must hold the same content.
        trust: the roots.
        at: the aware time to judge by.
        revocation: CRLs and OCSP answers. Given, be it empty, or with CRLs in the trust store,
            every certificate below the root needs an answer: from these, from the trust store, or
            from the message itself. None, and none there: it is not looked at, and a note says so.
        policy: what to do where somebody was revoked after signing, and what else is insisted on.
        certificates: the signers' and CAs', beside those of the message, in any order; none is
            trusted for being here. A message may bring none (openssl's ``-nocerts``).
        progress: called with the bytes read and the bytes in all.

    Raises:
        MalformedError: the signature is none, or ``at`` has no time zone.
        OSError: a file cannot be read.
    """
    signed = read_message(signature)
    content = cms.content_digests(pieces(Path(path), progress), signed.digest_algorithms)
    return _verdict(
        signed, content, trust=trust, at=at, revocation=revocation, policy=policy,
        certificates=certificates,
    )  # fmt: skip


def verify_attached(
    signature: Signature,
    *,
    trust: TrustStore,
    at: datetime,
    revocation: Revocations | None = None,
    policy: Policy = _USUAL,
    certificates: Iterable[x509.Certificate] = (),
) -> FileVerdict:
    """Decide about a message that holds its content; `FileVerdict.content` is what was signed.

    The arguments and errors are those of `verify_file`.
    """
    return _verdict(
        read_message(signature), None, trust=trust, at=at, revocation=revocation, policy=policy,
        certificates=certificates,
    )  # fmt: skip


def verify_object(
    text: str | bytes, root: str, chain: str, *, at: datetime, data: bytes | None = None
) -> chains.Verdict:
    """Judge an object of AWS's sample as the sample does (`pkilab.pki.signed_objects.validate`).

    Args:
        text: the object (``BEGIN CUSTOM OBJECT``).
        root: PEM of the only anchor.
        chain: PEM of the signer's certificate and those above it, in any order.
        at: the aware time to judge by.
        data: if given, what must have been signed; the sample does not look.

    Not checked: all that `pkilab.pki.signed_objects.NOT_CHECKED` lists.

    Raises:
        MalformedError: one of them is not what it should be.
    """
    return signed_objects.validate(signed_objects.parse(text), root, chain, at=at, data=data)


def _verdict(
    signed: cms.SignedData,
    content: cms.Content | None,
    *,
    trust: TrustStore,
    at: datetime,
    revocation: Revocations | None,
    policy: Policy,
    certificates: Iterable[x509.Certificate],
) -> FileVerdict:
    question: dict[str, Any] = {
        "content": content,
        "roots": trust.code_signing,
        "at": at,
        "intermediates": tuple(certificates),
        "revocation": _at_hand(signed, trust, revocation),
        "time_stamp_roots": trust.time_stamping or None,
        "policy": policy,
    }
    found = judge(signed, **question)
    return FileVerdict(
        trusted=found.trusted,
        refusals=refusals(signed, found, question),
        notes=found.notes,
        signers=found.signers,
        content=signed.content if found.trusted else None,
    )


def _at_hand(
    signed: cms.SignedData, trust: TrustStore, given: Revocations | None
) -> Revocations | None:
    if given is None and not trust.crls:
        return None
    given = given or Revocations()
    return Revocations(
        crls=(*given.crls, *trust.crls, *signed.crls),
        ocsp=(*given.ocsp, *ocsp_responses(signed)),
    )
