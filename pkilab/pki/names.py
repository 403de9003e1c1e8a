"""Distinguished names as text, and back (RFC 4514).

Two orders are in use and are kept apart: `subject` encodes the attributes in the order they are
written, as ``openssl req -subj`` does; `to_text` shows the most specific attribute first, as
RFC 4514 and AWS's audit report do. So ``to_text(subject("C=FR, O=Lab"))`` is ``O=Lab,C=FR``.
"""

from __future__ import annotations

import re

from cryptography import x509
from cryptography.x509.oid import NameOID

from pkilab.errors import MalformedError
from pkilab.pki import _der

# RFC 4514, section 3: the only names a reader must know. All others are written by number.
_SHORT = {
    NameOID.COMMON_NAME: "CN",
    NameOID.LOCALITY_NAME: "L",
    NameOID.STATE_OR_PROVINCE_NAME: "ST",
    NameOID.ORGANIZATION_NAME: "O",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "OU",
    NameOID.COUNTRY_NAME: "C",
    NameOID.STREET_ADDRESS: "STREET",
    NameOID.DOMAIN_COMPONENT: "DC",
    NameOID.USER_ID: "UID",
}
# Read, never written: the long names of X.520 and PKCS#9, compared without case.
_READ = {name: oid for oid, name in _SHORT.items()} | {
    "DNQUALIFIER": NameOID.DN_QUALIFIER,
    "SERIALNUMBER": NameOID.SERIAL_NUMBER,
    "SURNAME": NameOID.SURNAME,
    "SN": NameOID.SURNAME,
    "GIVENNAME": NameOID.GIVEN_NAME,
    "GN": NameOID.GIVEN_NAME,
    "INITIALS": NameOID.INITIALS,
    "TITLE": NameOID.TITLE,
    "PSEUDONYM": NameOID.PSEUDONYM,
    "GENERATIONQUALIFIER": NameOID.GENERATION_QUALIFIER,
    "EMAILADDRESS": NameOID.EMAIL_ADDRESS,
}
_TEXT_TAGS = {0x0C: "utf-8", 0x13: "ascii", 0x16: "ascii"}  # UTF8String, PrintableString, IA5String
_PAIR = r"\\(?:[0-9A-Fa-f]{2}|[^0-9A-Za-z])"
_ATTRIBUTE = re.compile(
    rf"""\s*(?P<type>[A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)+)\s*=[ ]*
         (?:\#(?P<hex>[0-9A-Fa-f]+) | (?P<value>(?:{_PAIR}|[^\\,+;"<>])*?))
         [ ]*(?P<end>[,+]|\Z)""",
    re.VERBOSE,
)


def subject(text: str) -> x509.Name:
    r"""Read a name; the attributes are encoded in the order they are written.

    Args:
        text: ``CN=a, O=b+OU=c, 1.2.3=#0c0164``: RFC 4514 strings with blanks allowed around each
            attribute. ``\,`` ``\+`` ``\"`` ``\\`` ``\;`` ``\<`` ``\>`` ``\#`` and ``\20`` (a byte
            of UTF-8) escape. Country, serial number and DN qualifier become PrintableString,
            e-mail address and domain component IA5String, all others UTF8String, whatever
            string type a ``#`` value had.

    Raises:
        MalformedError: not such a text, an unknown attribute, or a value X.520 does not allow
            there (a country of other than two letters).
    """
    rdns: list[list[x509.NameAttribute[str]]] = []
    position, end = 0, ","
    while end:
        match = _ATTRIBUTE.match(text, position)
        if match is None or not (match["value"] or match["hex"]):
            raise _malformed(f"{text[position:]!r}")
        if end == ",":
            rdns.append([])
        rdns[-1].append(_attribute(match))
        position, end = match.end(), match["end"]
    try:
        return x509.Name(x509.RelativeDistinguishedName(rdn) for rdn in rdns)
    except ValueError as error:
        raise _malformed(str(error)) from None


def to_text(name: x509.Name) -> str:
    """Write a name, most specific attribute first: ``CN=build-7,O=Lab,C=FR`` (RFC 4514).

    Attributes outside RFC 4514's table are written as ``1.2.3=#0c0164``, number and DER.
    """
    return ",".join("+".join(_attribute_text(each) for each in rdn) for rdn in reversed(name.rdns))


def as_written(name: x509.Name) -> str:
    """Write a name in the order of its DER, as API Gateway does: ``C=FR,O=Lab,CN=build-7``."""
    return x509.Name(reversed(name.rdns)).rfc4514_string()


def _attribute(match: re.Match[str]) -> x509.NameAttribute[str]:
    kind = match["type"]
    try:
        oid = x509.ObjectIdentifier(kind) if kind[0].isdigit() else _READ[kind.upper()]
        return x509.NameAttribute(oid, _value(match))
    except KeyError:
        raise _malformed(f"the attribute {kind}") from None
    except ValueError as error:
        raise _malformed(f"{kind} ({error})") from None


def _value(match: re.Match[str]) -> str:
    if match["hex"] is None:
        return re.sub(r"(?:\\[0-9A-Fa-f]{2})+|\\.", _unescape, match["value"], flags=re.DOTALL)
    (element,) = _der.elements(bytes.fromhex(match["hex"]))
    if element.tag not in _TEXT_TAGS:
        raise ValueError("not DER of a character string")
    return element.contents.decode(_TEXT_TAGS[element.tag])


def _unescape(match: re.Match[str]) -> str:
    pair = match[0]
    return pair[1:] if len(pair) == 2 else bytes.fromhex(pair.replace("\\", "")).decode()  # noqa: PLR2004 - backslash, character


def _attribute_text(attribute: x509.NameAttribute[str | bytes]) -> str:
    if short := _SHORT.get(attribute.oid):
        return f"{short}={_escape(str(attribute.value))}"
    (name,) = _der.elements(x509.Name([attribute]).public_bytes())
    (rdn,) = _der.elements(name.contents)
    (pair,) = _der.elements(rdn.contents)
    return f"{attribute.oid.dotted_string}=#{_der.elements(pair.contents)[1].whole.hex()}"


def _escape(value: str) -> str:
    r"""Escape as RFC 4514, section 2.4 asks; what is not printable too, so that a line stays one.

    Also what turns the direction of writing or moves a terminal's cursor.
    """
    text = re.sub(r'[\\",+;<>]', r"\\\g<0>", value)
    text = "".join(each if each.isprintable() else _octets(each) for each in text)
    text = re.sub(r"^[ #]", r"\\\g<0>", text)
    return re.sub(r"(?<!\\) \Z", r"\\ ", text)


def _octets(character: str) -> str:
    return "".join(f"\\{octet:02x}" for octet in character.encode(errors="surrogatepass"))


def _malformed(found: str) -> MalformedError:
    return MalformedError("name", found=found, expected="text like CN=a, O=b, C=FR (RFC 4514)")
