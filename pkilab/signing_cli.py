"""The command line for signed files: ``pkilab sign | verify | trust``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from pkilab.errors import LabError, MalformedError

if TYPE_CHECKING:
    from cryptography import x509

    from pkilab.code_signing import FileVerdict, SigningIdentity
    from pkilab.pki.material import Material

trust = typer.Typer(
    name="trust",
    help="Keep the roots that verify goes by, in a folder.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
_REFUSED = 1
_Read = TypeVar("_Read")
_File = Annotated[Path, typer.Argument(help="The file.", exists=True, dir_okay=False)]
_At = Annotated[
    str | None,
    typer.Option(
        metavar="TIME", help="ISO 8601 with a zone; now, if not given.", show_default=False
    ),
]
_Folder = Annotated[Path, typer.Argument(help="The trust store.", file_okay=False)]


class Revoked(StrEnum):
    """What a revocation does to what was time-stamped before it."""

    NOW = "now"
    AT_SIGNING = "at-signing"


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(sign)
    app.command()(verify)
    app.add_typer(trust)


def sign(
    file: _File,
    *,
    certificate: Annotated[
        Path,
        typer.Option(
            help="PEM of the signer's certificate and those above it, in any order.",
            exists=True,
            dir_okay=False,
        ),
    ],
    key_id: Annotated[
        str | None, typer.Option(help="KMS key that signs: its ID, ARN or alias.")
    ] = None,
    private_key: Annotated[
        Path | None,
        typer.Option(help="PEM of a private key that signs instead.", exists=True, dir_okay=False),
    ] = None,
    algorithm: Annotated[
        str | None,
        typer.Option(
            help="KMS's SigningAlgorithm, such as RSASSA_PSS_SHA_256; the key's usual one, if not "
            "given.",
            show_default=False,
        ),
    ] = None,
    tsa: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Time-stamping authority (RFC 3161) to be asked."),
    ] = None,
    attached: Annotated[
        bool, typer.Option("--attached", help="Put the file into the message: FILE.p7m.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Where the signature goes; beside the file, if not given.", show_default=False
        ),
    ] = None,
    at: _At = None,
    endpoint: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Where KMS is; AWS_ENDPOINT_URL serves, too."),
    ] = None,
) -> None:
    """Sign a file.

    The signature is a CMS message with the certificate chain, beside the file as FILE.p7s. The key
    stays in KMS, found by boto3's ordinary configuration (AWS_PROFILE, AWS_DEFAULT_REGION,
    AWS_ENDPOINT_URL ...), and the file stays here: KMS sees a few hundred bytes. The caller needs
    kms:Sign and kms:GetPublicKey; with --private-key no AWS is needed. Without a time stamp the
    signature ends with its certificate.
    """
    from pkilab import code_signing  # noqa: PLC0415 - only who signs pays

    if (key_id is None) == (private_key is None):
        raise LabError("sign: expected --key-id or --private-key, and not both")

    with _signer(private_key, key_id, certificate, algorithm, endpoint) as identity:
        when = _time(at)
        made = code_signing.sign_file(
            identity,
            file,
            at=when,
            tsa=code_signing.http_tsa(tsa, code_signing.fetch) if tsa else None,
            attached=attached,
        )
    if out is not None:
        _spare(out, file, certificate, private_key)
    place = made.save(out)
    stamped = (
        "with a time stamp" if tsa else "without a time stamp: good until its certificate ends"
    )
    _say(f"{place}: signed by {_who(identity.certificate)}, {stamped}")
    for problem in identity.problems(when):
        _say(f"Note: verifiers will refuse it: {problem}.", err=True)


def verify(
    file: _File,
    *,
    trust: Annotated[Path, typer.Option(metavar="FOLDER", help="Trust store; see 'pkilab trust'.")],
    signature: Annotated[
        Path | None,
        typer.Option(
            help="Its signature; FILE.p7s, if not given. A FILE.p7m is one with its content.",
            exists=True,
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
    at: _At = None,
    crl: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="CRL to look for revocations in; several times for several.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    certificates: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="PEM of certificates that the message does not bring, the signer's or CAs'; "
            "trusted for nothing. Several times for several files.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    check_revocation: Annotated[
        bool,
        typer.Option(
            "--check-revocation",
            help="Ask for an answer about each certificate, by the CRLs and OCSP answers that the "
            "message and the trust store bring. --crl and --online do, too.",
        ),
    ] = False,
    online: Annotated[
        bool,
        typer.Option(
            "--online", help="Fetch the CRLs and OCSP answers that the certificates name."
        ),
    ] = False,
    policy: Annotated[
        Revoked,
        typer.Option(
            help="What a revocation does to what was time-stamped before it: with 'at-signing' "
            "that stays good."
        ),
    ] = Revoked.NOW,
    require_time_stamp: Annotated[
        bool,
        typer.Option("--require-time-stamp", help="Refuse a signature without one."),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="Where the content of a FILE.p7m goes, if it is trusted."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict as JSON.")] = False,
) -> None:
    """Verify a signed file, without AWS.

    The exit code is 0 if it is trusted, 1 if it is not, and 2 for errors. Each reason not to trust
    it is printed with what would have to change. The signer's certificate must be for code signing
    and lead to a root of the trust store; a time stamp keeps a signature good after its certificate
    has ended.

    Without FILE.p7s, a FILE whose name ends in .p7m is verified as a message around its content,
    which --out writes. No other FILE is: a script can have a signed message inside, and is not
    what was signed.
    """
    from pkilab import code_signing  # noqa: PLC0415
    from pkilab.pki.crl import load_crl  # noqa: PLC0415
    from pkilab.pki.pem import load_certificates  # noqa: PLC0415

    store, when = code_signing.TrustStore.load(trust), _time(at)
    detached = signature or file.with_name(f"{file.name}.p7s")
    attached = signature is None and not detached.exists()
    if attached and file.suffix.lower() != ".p7m":
        raise LabError(
            f"{file}: found no {detached.name} beside it, expected that, --signature, or a file "
            "named .p7m with its content inside"
        )
    with _naming(place := file if attached else detached):
        message = code_signing.read_message(place)
    if out is not None:
        if message.content is None:
            raise LabError(
                f"--out: the signature holds no content; what it is over is {file} itself"
            )
        _spare(out, file, detached)
    beside = [one for each in certificates or () for one in _load(each, load_certificates)]
    known = code_signing.Revocations(tuple(_load(each, load_crl) for each in crl or ()))
    gaps: tuple[str, ...] = ()
    if online:
        found = code_signing.gather(
            message, trust=store, fetch=code_signing.fetch, certificates=beside
        )
        gaps = found.gaps
        known = code_signing.Revocations(
            (*known.crls, *found.revocations.crls), found.revocations.ocsp
        )
    options: dict[str, Any] = {
        "trust": store,
        "at": when,
        "certificates": beside,
        "revocation": known if crl or online or check_revocation else None,
        "policy": code_signing.Policy(
            "at signing" if policy is Revoked.AT_SIGNING else "now", require_time_stamp
        ),
    }
    if attached:
        verdict = code_signing.verify_attached(message, **options)
    else:
        verdict = code_signing.verify_file(file, message, **options)
    if out is not None and verdict.content is not None:
        out.write_bytes(verdict.content)
    if as_json:
        typer.echo(json.dumps(_as_json(verdict, file, when, gaps), indent=2))
    else:
        typer.echo(verdict.explain())
        for gap in gaps:
            _say(f"Note: nothing was fetched about {gap}.")
    if not verdict.trusted:
        raise typer.Exit(_REFUSED)


@trust.command("add")
def trust_add(
    folder: _Folder,
    certificate: Annotated[
        Path,
        typer.Argument(help="The root's certificate, PEM or DER.", exists=True, dir_okay=False),
    ],
    *,
    time_stamping: Annotated[
        bool, typer.Option("--time-stamping", help="Trust it for time stamps, not for code.")
    ] = False,
    at: _At = None,
) -> None:
    """Trust a root. The folder is made if it is not there.

    Compare the fingerprint that is printed with one that you have from whoever runs the CA, by
    another way than the certificate came.
    """
    from pkilab.code_signing import TrustStore, fingerprint  # noqa: PLC0415
    from pkilab.pki.pem import load_certificate  # noqa: PLC0415

    root = _load(certificate, load_certificate)
    TrustStore.create(folder).add(root, at=_time(at), time_stamping=time_stamping)
    use = "time-stamping" if time_stamping else "code-signing"
    _say(f"{use} {fingerprint(root)} {_who(root)}")


@trust.command("list")
def trust_list(folder: _Folder) -> None:
    """List what is trusted: use, SHA-256 fingerprint, until when, name."""
    from pkilab.code_signing import TrustStore, fingerprint  # noqa: PLC0415

    store = TrustStore.load(folder)
    for use, roots in (
        ("code-signing", store.code_signing),
        ("time-stamping", store.time_stamping),
    ):
        for root in roots:
            _say(f"{use} {fingerprint(root)} {root.not_valid_after_utc:%Y-%m-%d} {_who(root)}")
    for each in store.crls:
        typer.echo(f"crl made {each.last_update_utc:%Y-%m-%d}")


def _say(text: str, *, err: bool = False) -> None:
    """Print one line, in which names may be that others chose."""
    from pkilab.printing import one_line  # noqa: PLC0415

    typer.echo(one_line(text), err=err)


def _load(path: Path, read: Callable[[bytes], _Read]) -> _Read:
    """Read what is in a file.

    Raises:
        MalformedError: as ``read``, with the file's name.
    """
    with _naming(path):
        return read(path.read_bytes())


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Name the file in which something malformed is found: there are several."""
    try:
        yield
    except MalformedError as error:
        thing = f"{path}: {error.thing}"
        raise MalformedError(thing, found=error.found, expected=error.expected) from error


def _spare(out: Path, *read: Path | None) -> None:
    """Refuse to write over what was read.

    Raises:
        LabError: ``out`` is one of these files, by whatever name.
    """
    for each in read:
        if each is not None and out.exists() and each.exists() and out.samefile(each):
            raise LabError(f"--out: {out} is {each}, which would be lost")


@contextmanager
def _signer(
    private_key: Path | None,
    key_id: str | None,
    chain: Path,
    algorithm: str | None,
    endpoint: str | None,
) -> Iterator[SigningIdentity]:
    """Yield who signs, by a key that is here or in KMS.

    Raises:
        LabError: AWS refused, cannot be reached, or is not configured.
    """
    import boto3  # noqa: PLC0415
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    from pkilab.code_signing import SigningIdentity  # noqa: PLC0415
    from pkilab.kms_keys import load_private_key  # noqa: PLC0415
    from pkilab.pki.pem import load_certificates  # noqa: PLC0415

    if private_key is not None:
        found = _read_key(private_key, chain.read_bytes())
        yield SigningIdentity.of(found.key, (found.certificate, *found.chain), algorithm=algorithm)
        return
    try:
        with closing(boto3.Session().client("kms", endpoint_url=endpoint)) as kms:
            key = load_private_key(kms, str(key_id))
            certificates = _load(chain, load_certificates)
            yield SigningIdentity.of(key, certificates, algorithm=algorithm)
    except (BotoCoreError, ClientError) as error:
        raise LabError(f"AWS: {error}") from error


def _read_key(path: Path, chain: bytes) -> Material:
    from pkilab.pki.material import MaterialCause, MaterialError, sort_pem  # noqa: PLC0415

    try:
        return sort_pem(path.read_bytes(), chain)
    except MaterialError as error:
        if error.cause is not MaterialCause.ENCRYPTED_KEY:
            raise
    passphrase = typer.prompt(f"Passphrase of {path.name}", hide_input=True, err=True)
    return sort_pem(path.read_bytes(), chain, passphrase=passphrase)


def _time(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        expected = "ISO 8601 with a zone, such as 2026-11-02T09:00:00Z"
        raise MalformedError("--at", found=text, expected=expected)
    return found


def _who(certificate: x509.Certificate) -> str:
    from pkilab.pki.certificates import label  # noqa: PLC0415

    return label(certificate)


def _as_json(
    verdict: FileVerdict, file: Path, at: datetime, gaps: tuple[str, ...]
) -> dict[str, Any]:
    from pkilab.code_signing import fingerprint  # noqa: PLC0415

    return {
        "file": str(file),
        "at": at.isoformat(),
        "trusted": verdict.trusted,
        "refusals": [{"reason": each.reason, "remedy": each.remedy} for each in verdict.refusals],
        "notes": [*verdict.notes, *(f"nothing was fetched about {gap}" for gap in gaps)],
        "signers": [
            {
                "chain": [_who(one) for one in each.chain],
                "certificate_sha256": fingerprint(each.chain[0]) if each.chain else None,
                "claimed_time": _iso(each.signature.info.signing_time),
                "signed_before": _iso(each.signed_before),
            }
            for each in verdict.signers
        ],
    }


def _iso(time: datetime | None) -> str | None:
    return time.isoformat() if time else None
