"""A certificate to read: every field, and every extension with what it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from pkilab.pki.certificates import CertificateView, ExtensionView, describe
from pkilab.pki.pem import load_certificate
from pkilab.show import drawing
from pkilab.show.drawing import element
from pkilab.show.tables import Table

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping


def certificate(source: x509.Certificate | str | bytes) -> CertificateCard:
    """Show one certificate.

    Args:
        source: a certificate, or its PEM or DER.

    Nothing is verified: neither signature nor dates nor trust.

    Raises:
        MalformedError: the text or the bytes are not exactly one certificate.
    """
    return CertificateCard(_view(source))


def side_by_side(
    certificates: Mapping[str, x509.Certificate | str | bytes], *, without: Collection[str] = ()
) -> Table:
    """Compare certificates: a column for each, a row for each field and extension.

    A row whose cells differ is tinted and begins with "≠". Serial number and fingerprint, which
    differ always, are not shown.

    Args:
        certificates: label to certificate, in the order of the columns.
        without: names of rows to leave out (``SubjectKeyIdentifier`` ...).

    Raises:
        MalformedError: one of them is not a certificate.
    """
    views = [_view(source) for source in certificates.values()]
    extensions = [{each.name: each for each in view.extensions} for view in views]
    rows: dict[str, list[str]] = {
        "Subject": [view.subject for view in views],
        "Issuer": [view.issuer for view in views],
        "Validity": [drawing.length(view.not_after - view.not_before) for view in views],
        "Key": [view.key_algorithm for view in views],
        "Signature": [view.signature_algorithm for view in views],
    }
    for name in dict.fromkeys(name for found in extensions for name in found):
        rows[name] = [_cell(found.get(name)) for found in extensions]
    shown = {name: tuple(cells) for name, cells in rows.items() if name not in without}
    differ = [len(set(cells)) > 1 for cells in shown.values()]
    return Table(
        columns=("", "", *map(drawing.clean, certificates)),
        rows=tuple(
            ("≠" if differs else "=", name, *map(drawing.clean, cells))
            for differs, (name, cells) in zip(differ, shown.items(), strict=True)
        ),
        marked=frozenset(number for number, differs in enumerate(differ) if differs),
    )


@dataclass(frozen=True, slots=True, repr=False)
class CertificateCard:
    """A certificate on a card: in a notebook HTML, in a terminal text."""

    view: CertificateView

    def __repr__(self) -> str:
        lines = [f"Certificate  {self.view.subject or '(no subject)'}"]
        lines += [f"  {name:<10} {value}" for name, value in self._fields()]
        for each in self.view.extensions:
            lines += ["", f"  {each.name}" + ("  [critical]" if each.critical else "")]
            lines += [f"    {line}" for line in (*each.value.splitlines(), f"→ {each.meaning}")]
        return "\n".join(map(drawing.clean, lines))

    def _repr_html_(self) -> str:
        return drawing.html(self.card())

    def card(self) -> drawing.Element:
        """The card as an element, to be set into another."""
        view = self.view
        kind = "Certificate of a CA" if _is_ca(view.extensions) else "Certificate"
        return element(
            "div",
            {"style": _CARD},
            element("div", {"style": _KIND}, kind),
            element("div", {"style": _TITLE}, view.subject or "(no subject)"),
            element(
                "table",
                {"style": _GRID},
                element("tbody", {}, *(_row(name, value) for name, value in self._fields())),
            ),
            element("div", {"style": _KIND + ";margin-top:1em"}, "Extensions"),
            *(_extension(each) for each in view.extensions),
            *([] if view.extensions else [element("div", {"style": _MEANING}, "none")]),
        )

    def _fields(self) -> Iterable[tuple[str, str]]:
        view = self.view
        lasts = drawing.length(view.not_after - view.not_before)
        dates = f"{drawing.moment(view.not_before)} → {drawing.moment(view.not_after)}"
        return (
            ("Issuer", view.issuer + ("  (itself)" if view.issuer == view.subject else "")),
            ("Valid", f"{dates}  ({lasts})"),
            ("Key", view.key_algorithm),
            ("Signature", view.signature_algorithm),
            ("Serial", view.serial),
            ("SHA-256", view.sha256),
            ("Version", str(view.version)),
        )


_BORDER = "border:1px solid rgba(128,128,128,.35);border-radius:8px"
_CARD = f"{_BORDER};padding:1em 1.2em;max-width:56em;color:inherit;{drawing.PROSE}"
_KIND = "font-size:.75em;letter-spacing:.06em;text-transform:uppercase;opacity:.75"
_TITLE = "font-size:1.15em;font-weight:600;margin:.15em 0 .6em;overflow-wrap:anywhere"
_GRID = "border-collapse:collapse;margin:0;color:inherit;font-size:.9em;background:transparent"
_NAME = "text-align:left;vertical-align:top;padding:.15em 1.2em .15em 0;opacity:.75;border:0"
_CODE = f"font-family:{drawing.MONO};font-size:.92em;overflow-wrap:anywhere;white-space:pre-wrap"
_VALUE = f"text-align:left;padding:.15em 0;border:0;{_CODE}"
_EXTENSION = "padding:.55em 0;border-top:1px solid rgba(128,128,128,.25);margin-top:.35em"
_MEANING = "font-size:.9em;opacity:.8;margin-top:.15em"
_BADGE = "display:inline-block;margin-left:.7em;padding:0 .6em;border-radius:1em;font-size:.75em"
_CRITICAL = f"{_BADGE};font-weight:600;background:{drawing.LATE.tint}"
_OID = f"float:right;font-family:{drawing.MONO};font-size:.78em;opacity:.65"


def _row(name: str, value: str) -> drawing.Element:
    return element(
        "tr",
        {"style": "background:transparent"},
        element("td", {"style": _NAME}, name),
        element("td", {"style": _VALUE}, value),
    )


def _extension(each: ExtensionView) -> drawing.Element:
    badge = [element("span", {"style": _CRITICAL}, "critical")] if each.critical else []
    return element(
        "div",
        {"style": _EXTENSION},
        element("span", {"style": _OID}, each.oid),
        element("span", {"style": "font-weight:600"}, each.name),
        *badge,
        element("div", {"style": _CODE}, each.value or "(empty)"),
        element("div", {"style": _MEANING}, each.meaning),
    )


def _cell(each: ExtensionView | None) -> str:
    if each is None:
        return ""
    return (each.value or "(empty)") + ("\ncritical" if each.critical else "")


def _is_ca(extensions: Iterable[ExtensionView]) -> bool:
    return any(each.oid == _BASIC and each.value.startswith("CA:TRUE") for each in extensions)


_BASIC = ExtensionOID.BASIC_CONSTRAINTS.dotted_string


def _view(source: x509.Certificate | str | bytes) -> CertificateView:
    return describe(source if isinstance(source, x509.Certificate) else load_certificate(source))
