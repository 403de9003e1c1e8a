"""Signing files: CMS beside the file or around it, with a time stamp; and AWS's own object."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from pkilab.code_signing.authorities import Tsa
from pkilab.code_signing.identities import SigningIdentity
from pkilab.errors import LabError, MalformedError, VerificationError
from pkilab.pki import cms, signed_objects, timestamps
from pkilab.pki.digests import CHUNK, Progress
from pkilab.pki.entropy import RandomSource, SystemEntropy
from pkilab.printing import one_line

DETACHED, ATTACHED = ".p7s", ".p7m"  # RFC 8551, 3.2.1
MOST_ATTACHED = cms.MOST_BYTES - 2**20  # bytes; certificates and time stamps need room, too
_NONCE_BYTES = 8


@dataclass(frozen=True, slots=True)
class SignedFile:
    """The signature of a file.

    Attributes:
        path: the file that was signed.
        message: DER of CMS SignedData, with the signer's certificate, the CAs below the root and,
            if there is one, the time stamp.
        attached: whether the file's content is in the message.
    """

    path: Path = field(repr=False)
    message: bytes = field(repr=False)
    attached: bool = False

    def __repr__(self) -> str:
        return f"<SignedFile {self.default_path.name}, {len(self.message):,} bytes>"

    @property
    def signed(self) -> cms.SignedData:
        """The message, read."""
        return cms.parse(self.message)

    @property
    def pem(self) -> str:
        """The message as PEM (``BEGIN CMS``)."""
        return cms.to_pem(self.message)

    @property
    def default_path(self) -> Path:
        """Where the signature goes: the file's name and ``.p7s``, or ``.p7m`` if attached."""
        return self.path.with_name(self.path.name + (ATTACHED if self.attached else DETACHED))

    def save(self, path: Path | str | None = None) -> Path:
        """Write the message, DER, and return where; an older signature is replaced.

        Args:
            path: None: `default_path`.

        Raises:
            OSError: it cannot be written.
        """
        place = Path(path or self.default_path)
        place.write_bytes(self.message)
        return place


def sign_file(
    identity: SigningIdentity,
    path: Path | str,
    *,
    at: datetime,
    tsa: Tsa | None = None,
    attached: bool = False,
    progress: Progress | None = None,
    entropy: RandomSource | None = None,
) -> SignedFile:
    """Sign a file as CMS SignedData (RFC 5652), and have the signature time-stamped.

    A detached file is read once, a mebibyte at a time, and may be of any size; KMS sees a few
    hundred bytes of attributes with its digest in them.

    Args:
        identity: who signs.
        path: the file.
        at: the signing time to claim, aware; only a time stamp proves one.
        tsa: a time-stamping authority: `TimeStampAuthority`, or `http_tsa`.
        attached: put the content into the message, up to 15 MiB of it.
        progress: called with the bytes read and the bytes in all.
        entropy: where the nonce of the time-stamp request comes from; None: the system.

    Raises:
        LabError: the file is too large to be attached, or the authority gave no time stamp.
        VerificationError: the time stamp is not of this signature, or the key did not sign.
        OSError: the file cannot be read.
        ClientError: KMS refused (botocore's).
    """
    file = Path(path)
    content: cms.Content
    if attached:
        content = _whole(file, progress)
    else:
        digests = (identity.signer.digest_algorithm,)
        content = cms.content_digests(pieces(file, progress), digests)
    message = cms.build_signed_data(
        content,
        signers=identity.signer,
        signing_time=at,
        chain=identity.intermediates,
        attached=attached,
    )
    signed = SignedFile(file, message, attached)
    return signed if tsa is None else time_stamp(signed, tsa, entropy=entropy)


def time_stamp(signed: SignedFile, tsa: Tsa, *, entropy: RandomSource | None = None) -> SignedFile:
    """Have the first signature of a message time-stamped, and return the message with the stamp.

    What came back is held to the request, as RFC 3161, 2.4.2 asks of a requester: the digest, the
    nonce, and the authority's signature. Whether to trust the authority is the verifier's to say.

    Args:
        signed: the signature.
        tsa: the authority.
        entropy: see `sign_file`.

    Raises:
        LabError: the authority gave none, and says why.
        MalformedError: it answered with something else.
        VerificationError: the time stamp is of something else.
    """
    digest = cms.content_digests([signed.signed.signers[0].signature], ["sha256"])["sha256"]
    nonce = int.from_bytes((entropy or SystemEntropy()).bytes(_NONCE_BYTES))
    response = tsa(timestamps.build_request(digest, nonce=nonce))
    try:
        answer = timestamps.parse_response(response)
    except MalformedError as error:
        found = f"{len(response)} bytes that are none ({error})"
        raise MalformedError("time-stamp response", found=found, expected="TimeStampResp") from None
    if answer.token is None:
        why = getattr(answer.failure, "name", answer.failure)
        raise LabError(
            f"time-stamping authority: no time stamp ({why}): {one_line(answer.text) or 'no text'}"
        )
    token = timestamps.parse_token(answer.token)
    reasons = list(cms.verify(token.signed).reasons)
    if (token.hash_name, token.digest) != ("sha256", digest):
        reasons.append("it stamps something else than this signature")
    if token.nonce != nonce:
        reasons.append("it does not carry the nonce that was sent: it may be an old one")
    if reasons:
        raise VerificationError("time stamp", tuple(reasons))
    return replace(signed, message=cms.add_time_stamp(signed.message, answer.token))


def sign_object(identity: SigningIdentity, data: bytes) -> str:
    """Sign data as AWS's sample does, and return the object's text (``BEGIN CUSTOM OBJECT``).

    It holds the data and the signer's name, not the certificate: `SigningIdentity.pem` has to
    travel beside. `pkilab.pki.signed_objects.NOT_CHECKED` says what else it lacks.

    Raises:
        VerificationError: the key did not sign.
        ClientError: KMS refused (botocore's).
    """
    return signed_objects.build(data, identity.signer)


def pieces(path: Path, progress: Progress | None = None) -> Iterator[bytes]:
    """Yield a file's content, a mebibyte at a time.

    Raises:
        OSError: the file cannot be read.
    """
    done, total = 0, path.stat().st_size
    with path.open("rb", buffering=0) as file:
        while piece := file.read(CHUNK):
            done += len(piece)
            yield piece
            if progress:
                progress(done, total)


def _whole(path: Path, progress: Progress | None) -> bytes:
    found = bytearray()
    for piece in pieces(path, progress):  # the status of a device or a growing file says less
        found += piece
        if len(found) > MOST_ATTACHED:
            raise LabError(
                f"{path}: found over {MOST_ATTACHED:,} bytes, which is the most that is put into a "
                "message; a detached signature takes a file of any size"
            )
    return bytes(found)
