"""Time stamps: a third party's word that a digest existed at a time (RFC 3161, RFC 5816).

The requester hashes, the authority puts the digest and its time into a TSTInfo and signs that as
CMS SignedData. A stamp over a signature value proves that the signature is no younger, whatever
signing time its maker claims.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.x509.oid import ExtendedKeyUsageOID

from pkilab.errors import MalformedError
from pkilab.pki import _cms_algorithms as algorithms
from pkilab.pki import _cms_asn1 as der
from pkilab.pki import cms
from pkilab.pki._ber import Element
from pkilab.pki._signatures import WEAK_HASHES
from pkilab.pki.certificates import (
    UNREADABLE,
    extension_value,
    key_usage_forbids,
    label,
    time_text,
)
from pkilab.pki.chains import Chain, verify_chain
from pkilab.pki.cms import Signer
from pkilab.pki.crl import aware

ID_TST_INFO = "1.2.840.113549.1.9.16.1.4"
MOST_BYTES = 2**20  # of a request, a response or a token
_MOST_REQUEST_BYTES = 2**14
_MICROS_PER_MILLI, _MOST_THOUSANDTHS = 1000, 999
_TIME = re.compile(rb"([0-9]{14})(?:\.([0-9]*[1-9]))?Z")  # RFC 3161, 2.4.2: no trailing zeros
_DIGITS_OF_MICROSECONDS = 6
_MAY_SIGN = ("digital_signature", "content_commitment")
_MAY_NOT = (
    "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign",
)  # fmt: skip
_FIRST_YEAR, _LAST_YEAR = 1970, 9000
_LONGEST_ACCURACY = 10 * 366 * 86_400  # seconds


class Failure(IntEnum):
    """PKIFailureInfo: why no token was granted (RFC 3161, 2.4.2)."""

    BAD_ALG = 0
    BAD_REQUEST = 2
    BAD_DATA_FORMAT = 5
    TIME_NOT_AVAILABLE = 14
    UNACCEPTED_POLICY = 15
    UNACCEPTED_EXTENSION = 16
    ADD_INFO_NOT_AVAILABLE = 17
    SYSTEM_FAILURE = 25


@dataclass(frozen=True, slots=True)
class Request:
    """A TimeStampReq, as it stands.

    Args:
        hash_name: of ``digest``: ``sha256``, or the number of one that is not modelled.
        digest: what is to be stamped.
        policy: the TSA policy asked for, dotted; None leaves it to the authority.
        nonce: a number the token must repeat.
        certificates: whether the token is to bring the authority's certificate.
        extensions: the numbers of extensions, none of which is modelled.
    """

    hash_name: str
    digest: bytes
    policy: str | None = None
    nonce: int | None = None
    certificates: bool = False
    extensions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Token:
    """A time-stamp token as it stands: its TSTInfo, and the signed message around it.

    Args:
        policy: under which the authority issued it, dotted.
        hash_name: of ``digest``: ``sha256``, or the number of one that is not modelled.
        digest: what existed at ``at``.
        serial: unique for each token of an authority.
        at: the time, aware.
        accuracy: how far ``at`` may be off, either way; None where the authority does not say.
        nonce: the requester's.
        authority: the name the authority gives itself, DER of a GeneralName.
        critical_extensions: the numbers of extensions that must be understood, none of which is.
        signed: the message.
    """

    policy: str
    hash_name: str
    digest: bytes
    serial: int
    at: datetime
    accuracy: timedelta | None
    nonce: int | None
    authority: bytes | None = field(repr=False)
    critical_extensions: tuple[str, ...]
    signed: cms.SignedData = field(repr=False)

    @property
    def earliest(self) -> datetime:
        """The earliest that ``at`` may stand for."""
        return self.at - (self.accuracy or timedelta())

    @property
    def latest(self) -> datetime:
        """The latest that ``at`` may stand for: what was stamped existed by then."""
        return self.at + (self.accuracy or timedelta())


@dataclass(frozen=True, slots=True)
class Response:
    """A TimeStampResp as it stands: a token, or why there is none.

    ``status`` is PKIStatus (0 granted, 1 granted with changes, 2 rejection ...).
    """

    status: int
    text: str
    failure: Failure | int | None
    token: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class TimeStampVerdict:
    """Whether a token is believed, every reason why not, what it says, and who says it.

    ``token`` is None where the bytes are no token; ``chain`` goes from the authority's
    certificate upwards and is empty where that is not at hand.
    """

    trusted: bool
    reasons: tuple[str, ...]
    token: Token | None
    chain: Chain


# Asking.


def build_request(
    digest: bytes,
    algorithm: str = "sha256",
    *,
    nonce: int | None = None,
    certificates: bool = True,
    policy: str | None = None,
) -> bytes:
    """Return the DER of a TimeStampReq.

    Args:
        digest: of what is to be stamped; for a signature, of its value.
        algorithm: of the digest: ``sha256``, ``sha384`` or ``sha512``.
        nonce: a large random number, so that the answer cannot be an older one.
        certificates: ask for the authority's certificate in the token.
        policy: the TSA policy wanted, dotted.

    Raises:
        MalformedError: another algorithm, a digest of another size, or a negative nonce.
    """
    if nonce is not None and nonce < 0:
        raise MalformedError("nonce", found="a negative number", expected="0 or more")
    return der.sequence(
        der.primitive(1),
        _imprint(algorithm, digest),
        der.oid(policy) if policy else b"",
        b"" if nonce is None else der.primitive(nonce),
        der.primitive(certificates) if certificates else b"",
    )


def parse_request(data: bytes) -> Request:
    """Read the DER of a TimeStampReq.

    Raises:
        MalformedError: it is none, or over 16 KiB.
    """
    thing = "time-stamp request"
    fields = der.Fields(_whole(data, thing, _MOST_REQUEST_BYTES), thing)
    _version(fields, thing)
    hash_name, digest = _read_imprint(fields.take(), thing)
    policy, nonce = fields.maybe(der.OID), fields.maybe(der.INTEGER)
    certificates = fields.maybe(der.BOOLEAN)
    extensions = fields.maybe(der.context(0))
    fields.end()
    return Request(
        hash_name=hash_name,
        digest=digest,
        policy=der.dotted(policy, thing) if policy else None,
        nonce=der.integer(nonce, thing) if nonce else None,
        certificates=der.decode(bool, certificates, thing) if certificates else False,
        extensions=tuple(oid for oid, _ in _read_extensions(extensions, thing)),
    )


# Answering.


def respond(
    request: bytes,
    *,
    signer: Signer,
    serial: int,
    at: datetime,
    policy: str,
    chain: Iterable[x509.Certificate] = (),
    accuracy: timedelta | None = None,
    other_policies: Iterable[str] = (),
) -> bytes:
    """Answer a request as a time-stamping authority does: grant a token or say why not.

    A request that cannot be read, an algorithm or digest size that is not SHA-2's, a policy not
    offered, and any extension are rejected with the PKIFailureInfo of RFC 3161, 2.4.2.

    Args:
        request: DER of a TimeStampReq.
        signer: the authority's certificate and key. Its extended key usage must be timeStamping
            alone and critical, which is the verifier's to check.
        serial: of the token, never used before.
        at: the time to testify to, aware.
        policy: the authority's usual policy, dotted.
        chain: CA certificates to send along if certificates are asked for.
        accuracy: how far ``at`` may be off, in whole microseconds; None says nothing.
        other_policies: further policies a request may ask for.

    Returns:
        DER of a TimeStampResp.

    Raises:
        MalformedError: ``at`` has no time zone, ``serial`` or ``accuracy`` is negative, or the
            signer's algorithm is not for its key.
        VerificationError: the signer did not sign with the key of its certificate.
    """
    at = aware(at).astimezone(UTC)
    if serial < 0:
        raise MalformedError("serial number", found="a negative one", expected="0 or more")
    try:
        asked = parse_request(request)
    except MalformedError:
        return _rejection("the request cannot be read", Failure.BAD_DATA_FORMAT)
    hashed = algorithms.HASHES.get(asked.hash_name)
    if hashed is None:
        return _rejection(f"the hash {asked.hash_name} is not accepted", Failure.BAD_ALG)
    if len(asked.digest) != hashed.digest_size:
        return _rejection("the digest is not of its hash's size", Failure.BAD_DATA_FORMAT)
    if asked.extensions:
        return _rejection("extensions are not accepted", Failure.UNACCEPTED_EXTENSION)
    if asked.policy not in {None, policy, *other_policies}:
        return _rejection("that policy is not offered", Failure.UNACCEPTED_POLICY)
    info = der.sequence(
        der.primitive(1),
        der.oid(asked.policy or policy),
        _imprint(asked.hash_name, asked.digest),
        der.primitive(serial),
        _precise_time(at),
        b"" if accuracy is None else _accuracy(accuracy),
        b"" if asked.nonce is None else der.primitive(asked.nonce),
    )
    token = cms.build_signed_data(
        info,
        signers=signer,
        signing_time=at,
        chain=chain,
        attached=True,
        content_type=ID_TST_INFO,
        certificates=asked.certificates,
    )
    return der.sequence(der.sequence(der.primitive(0)), token)


def _rejection(text: str, failure: Failure) -> bytes:
    bits = bytearray(failure // 8 + 1)
    bits[failure // 8] = 0x80 >> failure % 8
    padding = 7 - failure % 8  # DER: a named bit list ends with its last one (X.690, 11.2.2)
    info = asn1.encode_der(asn1.BitString(bytes(bits), padding))
    status = der.sequence(der.primitive(2), der.sequence(der.primitive(text)), info)
    return der.sequence(status)


# Reading an answer.


def parse_response(data: bytes) -> Response:
    """Read the DER of a TimeStampResp. Nothing is verified; the token is not looked into.

    Raises:
        MalformedError: it is none, over `MOST_BYTES`, or grants without a token.
    """
    thing = "time-stamp response"
    fields = der.Fields(_whole(data, thing, MOST_BYTES), thing)
    info = der.Fields(fields.take(), thing)
    status = der.integer(info.take(der.INTEGER), thing)
    texts, bits = info.maybe(der.SEQUENCE), info.maybe(der.BIT_STRING)
    info.end()
    token = fields.maybe(der.SEQUENCE)
    fields.end()
    if (status in {0, 1}) != (token is not None):
        found = "a token" if token else "no token"
        raise MalformedError(thing, found=found, expected=f"what goes with status {status}")
    return Response(
        status=status,
        text="; ".join(
            der.decode(str, each, thing) for each in (der.children(texts, thing) if texts else ())
        ),
        failure=_read_failure(bits, thing) if bits else None,
        token=token.whole if token else None,
    )


def parse_token(data: bytes) -> Token:
    """Read a time-stamp token, DER or PEM of CMS. Nothing is verified.

    Raises:
        MalformedError: it is none, or over `MOST_BYTES`.
    """
    thing = "time-stamp token"
    if len(data) > MOST_BYTES:
        raise MalformedError(thing, found=f"{len(data)} bytes", expected=f"{MOST_BYTES} at most")
    try:
        signed = cms.parse(data)
    except MalformedError as error:
        inner = thing if error.thing == "CMS message" else f"{thing}, {error.thing}"
        raise MalformedError(inner, found=error.found, expected=error.expected) from None
    if signed.content_type != ID_TST_INFO or signed.content is None:
        raise MalformedError(thing, found=signed.content_type, expected="TSTInfo inside")
    fields = der.Fields(der.whole(signed.content, thing), thing)
    _version(fields, thing)
    policy = der.dotted(fields.take(der.OID), thing)
    hash_name, digest = _read_imprint(fields.take(), thing)
    serial = der.integer(fields.take(der.INTEGER), thing)
    at = _read_precise_time(fields.take(der.GENERALIZED_TIME), thing)
    if not _FIRST_YEAR <= at.year < _LAST_YEAR:  # so that an accuracy can be added to it
        raise MalformedError(thing, found=f"a time in the year {at.year}", expected="a likely one")
    accuracy, ordering = fields.maybe(der.SEQUENCE), fields.maybe(der.BOOLEAN)
    nonce, authority = fields.maybe(der.INTEGER), fields.maybe(der.context(0))
    extensions = _read_extensions(fields.maybe(der.context(1)), thing)
    fields.end()
    if ordering:
        der.decode(bool, ordering, thing)
    return Token(
        policy=policy,
        hash_name=hash_name,
        digest=digest,
        serial=serial,
        at=at,
        accuracy=_read_accuracy(accuracy, thing) if accuracy else None,
        nonce=der.integer(nonce, thing) if nonce else None,
        authority=der.only(authority, thing, der.context(0)).whole if authority else None,
        critical_extensions=tuple(oid for oid, critical in extensions if critical),
        signed=signed,
    )


# Believing it.


def verify(
    token: bytes,
    *,
    message: bytes | None = None,
    digest: bytes | None = None,
    roots: Iterable[x509.Certificate],
    at: datetime,
    intermediates: Iterable[x509.Certificate] = (),
    nonce: int | None = None,
    policies: Iterable[str] | None = None,
) -> TimeStampVerdict:
    """Decide whether a token proves that something existed at its time, with every reason why not.

    The authority's certificate must be bound by signing-certificate (v1 or v2), serve for
    timeStamping alone, critically (RFC 3161, 2.3), with a key for signing alone (ETSI EN 319 422,
    and openssl's rule), and have a path to ``roots`` both at the token's time and at ``at``: a key
    whose certificate has ended may since have become anybody's, and could testify to any time.

    Args:
        token: DER or PEM of the token, not of the response around it.
        message: what was stamped (for a signature, its value), or
        digest: its digest, by the token's own hash.
        roots: the only anchors for time.
        at: the aware time to judge by.
        intermediates: certificates to find the authority's and its path among, beside those the
            token brings.
        nonce: what the request held, which must come back.
        policies: the TSA policies accepted, dotted; None accepts any.

    Not checked: the revocation of the authority's certificate.

    Raises:
        MalformedError: ``at`` has no time zone, or not exactly one of ``message`` and ``digest``.
    """
    at = aware(at).astimezone(UTC)
    if (message is None) == (digest is None):
        raise MalformedError("what was stamped", found="both or neither", expected="one of them")
    try:
        read = parse_token(token)
    except MalformedError as error:
        return TimeStampVerdict(False, (str(error),), None, ())  # noqa: FBT003 - a field of a value
    pool = (*read.signed.certificates, *intermediates)
    integrity = cms.verify(read.signed, certificates=intermediates)
    reasons = [*integrity.reasons, *_about_imprint(read, message, digest)]
    reasons += _about_token(read, at, nonce, policies)
    chain: Chain = ()
    if len(integrity.signatures) != 1:
        reasons.append(f"{len(integrity.signatures)} signed it, not one (RFC 3161, 2.4.2)")
    elif (authority := integrity.signatures[0].certificate) is not None:
        if not integrity.signatures[0].info.signing_certificate:
            reasons.append("it does not bind the authority's certificate (signing-certificate)")
        anchors = tuple(roots)
        for when in dict.fromkeys((at, read.at)):
            path = verify_chain(authority, intermediates=pool, roots=anchors, at=when)
            reasons += path.reasons
            chain = chain or path.chain
        reasons += _about_authority(read, chain)
    reasons = list(dict.fromkeys(reasons))
    return TimeStampVerdict(not reasons, tuple(reasons), read, chain)


def _about_imprint(token: Token, message: bytes | None, digest: bytes | None) -> Iterator[str]:
    if token.hash_name in WEAK_HASHES:
        yield f"it stamps a {token.hash_name.upper()} digest, which can be forged"
    elif token.hash_name not in algorithms.HASHES:
        yield f"it stamps a digest by {token.hash_name}, which is not modelled"
    else:
        found = algorithms.digest(token.hash_name, message) if message is not None else digest
        if not hmac.compare_digest(found or b"", token.digest):
            yield "it is a stamp of something else: the digest differs"


def _about_token(
    token: Token, at: datetime, nonce: int | None, policies: Iterable[str] | None
) -> Iterator[str]:
    if token.earliest > at:
        yield f"its time, {time_text(token.at)}, is yet to come"
    if nonce is not None and token.nonce != nonce:
        yield "it does not carry the nonce that was sent"
    if policies is not None and token.policy not in policies:
        yield f"its policy, {token.policy}, is not among those accepted"
    for oid in token.critical_extensions:
        yield f"it has an unknown critical extension, {oid}"


def _about_authority(token: Token, chain: Chain) -> Iterator[str]:
    who = label(chain[0])
    wanted = ExtendedKeyUsageOID.TIME_STAMPING
    try:
        usages = [
            each for each in chain[0].extensions if isinstance(each.value, x509.ExtendedKeyUsage)
        ]
        if not usages or list(usages[0].value) != [wanted] or not usages[0].critical:
            yield f"{who} is not for timeStamping alone, critically (RFC 3161, 2.3)"
        if key_usage_forbids(chain[0], *_MAY_SIGN):
            yield f"the key of {who} may not be used for timeStamping (key usage)"
        key_usage = extension_value(chain[0], x509.KeyUsage)
        if key_usage is not None and any(getattr(key_usage, each) for each in _MAY_NOT):
            yield f"the key of {who} may be used for more than signing (key usage)"
        constraints = extension_value(chain[0], x509.BasicConstraints)
        if constraints is not None and constraints.ca:
            yield f"{who} is a CA certificate and does not serve for timeStamping"
        for above in chain[1:]:
            allowed = extension_value(above, x509.ExtendedKeyUsage)
            anything = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE
            if allowed is not None and not {wanted, anything} & set(allowed):
                yield f"{label(above)} is a CA for other purposes than timeStamping"
    except UNREADABLE as error:
        yield f"a certificate of {who} cannot be read ({error})"
    # A GeneralName of another kind than a directory name names no certificate here.
    named = token.authority
    if named is not None and named != der.tagged(4, der.subject(chain[0])):
        yield f"it names another authority than {who}"


# The pieces of both structures.


def _whole(data: bytes, thing: str, most: int) -> Element:
    if len(data) > most:
        raise MalformedError(thing, found=f"{len(data)} bytes", expected=f"{most} at most")
    return der.whole(data, thing)


def _version(fields: der.Fields, thing: str) -> None:
    version = der.integer(fields.take(der.INTEGER), thing)
    if version != 1:
        raise MalformedError(thing, found=f"version {version}", expected="version 1")


def _imprint(name: str, digest: bytes) -> bytes:
    hashed = algorithms.HASHES.get(name)
    if hashed is None or len(digest) != hashed.digest_size:
        raise MalformedError(
            "digest", found=f"{len(digest)} bytes of {name}", expected="one of SHA-256, 384 or 512"
        )
    identifier = der.algorithm_identifier(algorithms.DIGEST_OIDS[name])
    return der.sequence(identifier, der.primitive(digest))


def _read_imprint(element: Element, thing: str) -> tuple[str, bytes]:
    fields = der.Fields(element, thing)
    name = algorithms.read_digest(fields.take(der.SEQUENCE), thing)
    digest = der.octets(fields.take(), thing)
    fields.end()
    return name, digest


def _read_extensions(element: Element | None, thing: str) -> tuple[tuple[str, bool], ...]:
    found = []
    for each in der.children(element, thing) if element else ():
        fields = der.Fields(each, thing)
        oid, critical = der.dotted(fields.take(der.OID), thing), fields.maybe(der.BOOLEAN)
        fields.take(der.OCTET_STRING)
        fields.end()
        found.append((oid, der.decode(bool, critical, thing) if critical else False))
    return tuple(found)


def _precise_time(at: datetime) -> bytes:
    return asn1.encode_der(asn1.GeneralizedTime(at))


def _read_precise_time(element: Element, thing: str) -> datetime:
    """Read genTime; digits beyond microseconds are cut off, which `Token.earliest` stays below."""
    match = _TIME.fullmatch(element.contents)
    expected = "a GeneralizedTime of RFC 3161"
    if match is None:
        raise MalformedError(thing, found="another time", expected=expected)
    try:
        at = datetime.strptime(match[1].decode(), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        raise MalformedError(thing, found="no such time", expected=expected) from None
    fraction = (match[2] or b"")[:_DIGITS_OF_MICROSECONDS].ljust(_DIGITS_OF_MICROSECONDS, b"0")
    return at.replace(microsecond=int(fraction))


def _accuracy(accuracy: timedelta) -> bytes:
    if accuracy < timedelta():
        raise MalformedError("accuracy", found="a negative one", expected="0 or more")
    millis, micros = divmod(accuracy.microseconds, _MICROS_PER_MILLI)
    seconds = accuracy.days * 86_400 + accuracy.seconds
    parts = [der.primitive(seconds)] if seconds else []
    parts += [_small(number, value) for number, value in ((0, millis), (1, micros)) if value]
    return der.sequence(*parts)


def _small(number: int, value: int) -> bytes:
    return der.retagged(der.context(number, primitive=True), der.primitive(value))


def _read_accuracy(element: Element, thing: str) -> timedelta:
    fields = der.Fields(element, thing)
    seconds = fields.maybe(der.INTEGER)
    whole = der.integer(seconds, thing) if seconds else 0
    parts = []
    for number in (0, 1):
        part = fields.maybe(der.context(number, primitive=True))
        value = 0
        if part:
            value = int.from_bytes(part.contents[:3], signed=True)
            if not 1 <= value <= _MOST_THOUSANDTHS or len(part.contents) > 2:  # noqa: PLR2004 - bytes of 999
                raise MalformedError(thing, found=f"{value}", expected="1 to 999")
        parts.append(value)
    fields.end()
    if not 0 <= whole <= _LONGEST_ACCURACY:
        raise MalformedError(thing, found="that accuracy", expected="ten years at most")
    return timedelta(seconds=whole, milliseconds=parts[0], microseconds=parts[1])


def _read_failure(element: Element, thing: str) -> Failure | int:
    bits = der.decode(asn1.BitString, element, thing)
    data = bits.as_bytes()
    number = next((i for i in range(len(data) * 8) if data[i // 8] & 0x80 >> i % 8), -1)
    try:
        return Failure(number)
    except ValueError:
        return number
