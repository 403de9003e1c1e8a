r"""Record values: as Route 53 takes them in text, as a record carries them, as DNS answers them.

What a value must look like depends on its type. Problems are reported in Route 53's words, of which
the codes for addresses, quotation marks, lengths, empty labels and MX were seen in the field; the
others follow their pattern.

Source: Route 53 Developer Guide, supported DNS record types; RFC 1035, 2782, 3596, 8659.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from dnslib import AAAA, CAA, CNAME, MX, NS, PTR, SOA, SRV, TXT, A
from dnslib.label import DNSLabel

from pkilab.errors import MalformedError
from pkilab.simulator.dns.names import Name, fold, name_text, parse_name

Rdata = Any  # one of dnslib's, which are untyped

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"[ \t]*', re.DOTALL)
_ESCAPE = re.compile(r"\\([0-3][0-7]{2})|\\(.)|([^\\]+)", re.DOTALL)
_TAG = re.compile(r"[A-Za-z0-9]{1,255}")
_LONGEST_STRING, _BYTE, _SHORT, _WORD = 255, 0xFF, 0xFFFF, 0xFFFFFFFF
_PRINTABLE = range(0x20, 0x7F)


class RecordValueError(Exception):
    """A value that its type cannot have, in Route 53's words."""

    def __init__(self, code: str, reason: str, value: str) -> None:
        super().__init__(f"FATAL problem: {code} ({reason}) encountered with '{value}'")


@dataclass(frozen=True, slots=True)
class RecordSet:
    """The records of one name and type. ``alias`` names the set of the zone that it stands for."""

    name: Name
    kind: str
    ttl: int  # seconds
    data: tuple[Rdata, ...]
    alias: Name | None = None


def read_value(kind: str, text: str) -> Rdata:
    """Read one value of a type.

    Raises:
        RecordValueError: the type cannot have it.
    """
    return _READERS[kind](text)


def read_host(text: str) -> DNSLabel:
    """Read a domain name as labels, in lower case.

    Raises:
        RecordValueError: it is none.
    """
    if re.search(r"\s", text):
        code, reason = "UnsupportedCharacter", "Value contains unsupported characters"
        raise RecordValueError(code, reason, text)
    try:
        return DNSLabel(parse_name(text))
    except MalformedError as error:
        if not text or text.startswith(".") or ".." in text:
            code, reason = "DomainLabelEmpty", "Domain label is empty"
        elif any(len(label) > 63 for label in text.split(".")):  # noqa: PLR2004 - RFC 1035
            code, reason = "DomainLabelTooLong", "Domain label is too long"
        else:
            code, reason = "DomainNameTooLong", "Domain name is too long"
        raise RecordValueError(code, reason, text) from error


def value_text(kind: str, data: Rdata) -> str:
    """Write a record's value as Route 53 does, names in full and in lower case."""
    return _WRITERS[kind](data) if kind in _WRITERS else str(data.toZone())


def target(kind: str, data: Rdata) -> Name | None:
    """Return the host name that a record sends on to, if its type does."""
    if kind in {"CNAME", "NS", "MX"}:
        return fold(data.label.label)
    return fold(data.target.label) if kind == "SRV" else None


def _quoted(part: bytes) -> str:
    shown = (
        chr(octet) if octet in _PRINTABLE and octet not in b'"\\' else f"\\{octet:03o}"
        for octet in part
    )
    return f'"{"".join(shown)}"'


# Reading, one type at a time.


def _ipv4(text: str) -> Rdata:
    try:
        return A(tuple(ipaddress.IPv4Address(text).packed))
    except ValueError as error:
        code, reason = "ARRDATAIllegalIPv4Address", "Value is not a valid IPv4 address"
        raise RecordValueError(code, reason, text) from error


def _ipv6(text: str) -> Rdata:
    try:
        # A zone index (fe80::1%eth0) means something on one machine only.
        return AAAA(tuple(ipaddress.IPv6Address(text.replace("%", "?")).packed))
    except ValueError as error:
        code, reason = "AAAARRDATAIllegalIPv6Address", "Value is not a valid IPv6 address"
        raise RecordValueError(code, reason, text) from error


def _strings(text: str) -> list[bytes]:
    found, position = [], 0
    while match := _QUOTED.match(text, position):
        found.append(b"".join(_unescaped(match[1])))
        position = match.end()
    if not found or position != len(text):
        code, reason = "InvalidCharacterString", "Value should be enclosed in quotation marks"
        raise RecordValueError(code, reason, text)
    if any(len(part) > _LONGEST_STRING for part in found):
        raise RecordValueError("CharacterStringTooLong", "Value is too long", text)
    return found


def _unescaped(text: str) -> Iterator[bytes]:
    for octal, escaped, plain in _ESCAPE.findall(text):
        yield bytes([int(octal, 8)]) if octal else (escaped or plain).encode("utf-8", "replace")


def _caa(text: str) -> Rdata:
    fields = text.split(None, 2)
    if len(fields) != 3:  # noqa: PLR2004
        code, reason = "CAARRDATANotThreeFields", "CAA record doesn't have 3 fields"
        raise RecordValueError(code, reason, text)
    flags = _number("CAA", "Flags", fields[0], _BYTE, text)
    if not _TAG.fullmatch(fields[1]):
        raise RecordValueError("CAARRDATAIllegalTag", "Tag is not letters and digits", text)
    parts = _strings(fields[2])
    if len(parts) != 1 or not parts[0].isascii():
        code, reason = "InvalidCharacterString", "Value should be enclosed in quotation marks"
        raise RecordValueError(code, reason, text)
    return CAA(flags, fields[1], parts[0].decode())


def _mx(text: str) -> Rdata:
    fields = text.split()
    if len(fields) != 2:  # noqa: PLR2004
        raise RecordValueError("MXRRDATANotTwoFields", "MX record doesn't have 2 fields", text)
    return MX(read_host(fields[1]), _number("MX", "Priority", fields[0], _SHORT, text))


def _srv(text: str) -> Rdata:
    fields = text.split()
    if len(fields) != 4:  # noqa: PLR2004
        raise RecordValueError("SRVRRDATANotFourFields", "SRV record doesn't have 4 fields", text)
    names = ("Priority", "Weight", "Port")
    numbers = (_number("SRV", n, f, _SHORT, text) for n, f in zip(names, fields, strict=False))
    return SRV(*numbers, read_host(fields[3]))


def _soa(text: str) -> Rdata:
    fields = text.split()
    if len(fields) != 7:  # noqa: PLR2004
        raise RecordValueError("SOARRDATANotSevenFields", "SOA record doesn't have 7 fields", text)
    times = [_number("SOA", "Number", field, _WORD, text) for field in fields[2:]]
    return SOA(read_host(fields[0]), read_host(fields[1]), times)


def _number(kind: str, field: str, text: str, most: int, value: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most))) or int(text) > most:
        code = f"{kind}RRDATAIllegal{field}"
        raise RecordValueError(code, f"{field} is not between 0 and {most}", value)
    return int(text)


_READERS: dict[str, Callable[[str], Rdata]] = {
    "A": _ipv4,
    "AAAA": _ipv6,
    "CAA": _caa,
    "CNAME": lambda text: CNAME(read_host(text)),
    "MX": _mx,
    "NS": lambda text: NS(read_host(text)),
    "PTR": lambda text: PTR(read_host(text)),
    "SOA": _soa,
    "SRV": _srv,
    "TXT": lambda text: TXT(_strings(text)),
}
KINDS = tuple(_READERS)

_WRITERS: dict[str, Callable[[Rdata], str]] = {
    "AAAA": lambda data: str(ipaddress.IPv6Address(bytes(data.data))),
    "CAA": lambda data: f"{data.flags} {data.tag} {_quoted(data.value.encode())}",
    "CNAME": lambda data: name_text(data.label.label),
    "MX": lambda data: f"{data.preference} {name_text(data.label.label)}",
    "NS": lambda data: name_text(data.label.label),
    "PTR": lambda data: name_text(data.label.label),
    "SOA": lambda data: " ".join(
        (name_text(data.mname.label), name_text(data.rname.label), *map(str, data.times))
    ),
    "SRV": lambda data: f"{data.priority} {data.weight} {data.port} {name_text(data.target.label)}",
    "TXT": lambda data: " ".join(_quoted(part) for part in data.data),
}
