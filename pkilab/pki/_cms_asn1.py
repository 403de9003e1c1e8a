"""Putting DER together and cutting it apart, as CMS and time stamps need it.

Primitive values are ``cryptography.hazmat.asn1``'s. Its structures do not reach: it can neither
embed what is encoded already nor read ``ANY OPTIONAL``, of which every AlgorithmIdentifier has one,
and what was signed must be had byte for byte. So SEQUENCEs are cut by `_ber`, which also reads the
indefinite lengths that BouncyCastle and ``openssl cms -stream`` write around DER.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from cryptography import x509
from cryptography.hazmat import asn1

from pkilab.errors import MalformedError
from pkilab.pki import _ber, _der
from pkilab.pki.crl import aware

if TYPE_CHECKING:
    from pkilab.pki._ber import Element

_Value = TypeVar("_Value")

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
UTF8_STRING, SEQUENCE, SET, UTC_TIME, GENERALIZED_TIME = 0x0C, 0x30, 0x31, 0x17, 0x18
_CONSTRUCTED_OCTETS = 0x24
_CONTEXT, _CONSTRUCTED = 0x80, 0x20
_FIRST_UTC_YEAR, _LAST_UTC_YEAR = 1950, 2049  # RFC 5652, 11.3


def context(number: int, *, primitive: bool = False) -> int:
    """Return the tag byte of a context-specific tag."""
    return _CONTEXT | number | (0 if primitive else _CONSTRUCTED)


# Writing.


def sequence(*parts: bytes) -> bytes:
    """Return a SEQUENCE of elements."""
    return _der.encode(SEQUENCE, parts)


def set_of(*parts: bytes) -> bytes:
    """Return a SET OF elements, sorted as DER wants them (X.690, 11.6)."""
    return _der.encode(SET, sorted(parts))


def set_in_order(contents: bytes) -> bytes:
    """Return a SET of elements that are encoded and in their order already."""
    return _der.encode(SET, [contents])


def tagged(number: int, *parts: bytes) -> bytes:
    """Return elements under a constructed context-specific tag."""
    return _der.encode(context(number), parts)


def retagged(tag: int, element: bytes) -> bytes:
    """Return a DER element with another tag byte: IMPLICIT tagging."""
    return bytes((tag,)) + element[1:]


def oid(dotted: str) -> bytes:
    """Return an OBJECT IDENTIFIER."""
    return asn1.encode_der(x509.ObjectIdentifier(dotted))


def primitive(value: int | bytes | str | bool) -> bytes:  # noqa: FBT001 - the value itself
    """Return an INTEGER, OCTET STRING, UTF8String or BOOLEAN."""
    return asn1.encode_der(value)


def bit_string(data: bytes) -> bytes:
    """Return a BIT STRING of whole bytes."""
    return asn1.encode_der(asn1.BitString(data, 0))


def time(at: datetime) -> bytes:
    """Return a Time to the second: UTCTime up to 2049, GeneralizedTime beyond (RFC 5652, 11.3).

    Raises:
        MalformedError: ``at`` has no time zone.
    """
    at = aware(at).astimezone(UTC).replace(microsecond=0)
    if _FIRST_UTC_YEAR <= at.year <= _LAST_UTC_YEAR:
        return asn1.encode_der(asn1.UTCTime(at))
    return asn1.encode_der(asn1.GeneralizedTime(at))


def algorithm_identifier(dotted: str, parameters: bytes = b"") -> bytes:
    """Return an AlgorithmIdentifier; without parameters, they are absent."""
    return sequence(oid(dotted), parameters)


# Reading.


def whole(data: bytes, thing: str) -> Element:
    """Return the one element that ``data`` is, be it DER or BER.

    Raises:
        MalformedError: it is none, or something follows.
    """
    with _about(thing):
        found = _ber.first(data) if data else None
    if found is None or len(found.whole) != len(data):
        raise MalformedError(thing, found=f"{len(data)} bytes", expected="exactly one element")
    return found


def children(element: Element, thing: str) -> tuple[Element, ...]:
    """Cut a structure into its elements; of what is primitive there are none.

    Raises:
        MalformedError: it cannot be cut.
    """
    with _about(thing):
        return element.children()


@contextmanager
def _about(thing: str) -> Iterator[None]:
    """Let errors of the cutting name what was cut; `_ber` knows it as BER alone."""
    try:
        yield
    except MalformedError as error:
        raise MalformedError(thing, found=error.found, expected=error.expected) from None


def decode(kind: type[_Value], element: Element, thing: str) -> _Value:
    """Read a primitive value, in DER.

    Raises:
        MalformedError: it is not of that kind.
    """
    try:
        return asn1.decode_der(kind, element.whole)
    except ValueError:
        raise MalformedError(
            thing, found=f"an element with tag {element.tag:#x}", expected=kind.__name__
        ) from None


def integer(element: Element, thing: str) -> int:
    """Read an INTEGER of any size.

    Raises:
        MalformedError: it is none.
    """
    return decode(int, element, thing)


def dotted(element: Element, thing: str) -> str:
    """Read an OBJECT IDENTIFIER.

    Raises:
        MalformedError: it is none.
    """
    return decode(x509.ObjectIdentifier, element, thing).dotted_string


def octets(element: Element, thing: str) -> bytes:
    """Read an OCTET STRING, in one piece or, as BER has it, in several.

    Raises:
        MalformedError: it is none.
    """
    if element.tag not in {OCTET_STRING, _CONSTRUCTED_OCTETS}:
        raise MalformedError(thing, found=f"tag {element.tag:#x}", expected="an OCTET STRING")
    with _about(thing):
        return element.octets()


def read_time(element: Element, thing: str) -> datetime:
    """Read a Time, which is UTCTime up to 2049 and GeneralizedTime beyond (RFC 5652, 11.3).

    Raises:
        MalformedError: it is none, or of the other kind.
    """
    if element.tag == UTC_TIME:
        return decode(asn1.UTCTime, element, thing).as_datetime()
    found = decode(asn1.GeneralizedTime, element, thing).as_datetime()
    if _FIRST_UTC_YEAR <= found.year <= _LAST_UTC_YEAR:
        raise MalformedError(thing, found="a GeneralizedTime", expected="UTCTime up to 2049")
    return found


class Fields:
    """The elements of a structure, taken one after another.

    Args:
        element: the structure.
        thing: what it is, for errors.
        tag: the tag it must have.

    Raises:
        MalformedError: it has another tag, or cannot be cut.
    """

    def __init__(self, element: Element, thing: str, tag: int = SEQUENCE) -> None:
        if element.tag != tag:
            raise MalformedError(thing, found=f"tag {element.tag:#x}", expected=f"tag {tag:#x}")
        self._thing = thing
        self._elements = list(children(element, thing))

    def take(self, *tags: int) -> Element:
        """Return the next element.

        Raises:
            MalformedError: there is none, or it has none of ``tags``.
        """
        if not self._elements:
            raise MalformedError(self._thing, found="its end", expected="a further element")
        if tags and self._elements[0].tag not in tags:
            raise MalformedError(
                self._thing,
                found=f"tag {self._elements[0].tag:#x}",
                expected=" or ".join(f"tag {each:#x}" for each in tags),
            )
        return self._elements.pop(0)

    def maybe(self, tag: int) -> Element | None:
        """Return the next element if it has that tag."""
        if self._elements and self._elements[0].tag == tag:
            return self._elements.pop(0)
        return None

    def rest(self) -> tuple[Element, ...]:
        """Return all that is left."""
        left, self._elements = tuple(self._elements), []
        return left

    def end(self) -> None:
        """Make sure nothing is left.

        Raises:
            MalformedError: something is.
        """
        if self._elements:
            raise MalformedError(
                self._thing, found=f"{len(self._elements)} more elements", expected="its end"
            )


def only(element: Element, thing: str, tag: int) -> Element:
    """Return the one element within a tag: EXPLICIT tagging, or a SET of one.

    Raises:
        MalformedError: another tag, or not one element.
    """
    fields = Fields(element, thing, tag)
    inner = fields.take()
    fields.end()
    return inner


def issuer_and_serial(certificate: x509.Certificate) -> tuple[bytes, int]:
    """Return the issuer's name, DER as it stands in the certificate, and the serial number."""
    fields = Fields(whole(certificate.tbs_certificate_bytes, "certificate"), "certificate")
    fields.maybe(context(0))
    fields.take(INTEGER)
    fields.take(SEQUENCE)
    return fields.take(SEQUENCE).whole, certificate.serial_number


def subject(certificate: x509.Certificate) -> bytes:
    """Return the subject's name, DER as it stands in the certificate."""
    fields = Fields(whole(certificate.tbs_certificate_bytes, "certificate"), "certificate")
    fields.maybe(context(0))
    for _ in range(4):  # serialNumber, signature, issuer, validity
        fields.take()
    return fields.take(SEQUENCE).whole
