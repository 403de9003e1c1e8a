"""What every picture is made of: safe markup, one palette, and text that fits its box.

Markup is built as an ElementTree and never by pasting text, so a hostile name cannot become a tag.
Pictures carry no ids, no scripts and nothing that varies: equal values give equal bytes.

An SVG stands on its own panel. Its attributes say the light colours, which survive where style
sheets are stripped; a media query turns panel and contents dark together. An HTML card has no
panel: it inherits the page's text colour and uses translucent tints, which read on light and dark.
"""

from __future__ import annotations

import unicodedata
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

Element = ET.Element

SANS = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'
MONO = 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace'
# For HTML. Inside a widget, lines are 28 pixels high unless told otherwise.
PROSE = f"font-family:{SANS};line-height:1.45"

# Class -> (attribute, light, dark). The panel's colours are GitHub's own for its two themes.
_THEME = {
    "panel": ("fill", "#ffffff", "#0d1117"),
    "edge": ("stroke", "#d0d7de", "#3d444d"),
    "card": ("fill", "#f6f8fa", "#161b22"),
    "rule": ("stroke", "#8c959f", "#6e7681"),
    "grid": ("stroke", "#e4e8ec", "#262c36"),
    "ink": ("fill", "#1f2328", "#e6edf3"),
    "ink-line": ("stroke", "#1f2328", "#e6edf3"),
    "halo": ("stroke", "#ffffff", "#0d1117"),
    "quiet": ("fill", "#59636e", "#9198a1"),
}


@dataclass(frozen=True, slots=True)
class Tone:
    """What a status looks like. Colour is never alone: every tone has its own shape, and a word.

    The colours descend from the Okabe-Ito palette, which the colour-blind can tell apart, shifted
    to a contrast of at least 4.5:1 on the panel (WCAG 2.2, 1.4.3).
    """

    name: str
    light: str
    dark: str
    shape: str  # an SVG path in a box of 12 by 12, stroked
    tint: str  # for HTML, on either theme


GOOD = Tone("good", "#00735c", "#3fc9a2", "M1.5 6.5l3 3 6-7", "rgba(0,158,115,.16)")
PAUSED = Tone("paused", "#59636e", "#a8b0ba", "M4 2v8M8 2v8", "rgba(128,128,128,.18)")
WAITING = Tone(
    "waiting", "#0b62a8", "#6cb6ff", "M6 1.5a4.5 4.5 0 1 0 .01 0M6 3.5v3l2 1", "rgba(0,114,178,.16)"
)
LATE = Tone("late", "#8f5300", "#e3a63c", "M2 1.5h8L2 10.5h8z", "rgba(230,159,0,.20)")
BAD = Tone("bad", "#b3261e", "#ff8a7a", "M2 2l8 8M10 2l-8 8", "rgba(213,94,0,.12)")
GONE = Tone("gone", "#59636e", "#a8b0ba", "M1.5 6h9", "rgba(128,128,128,.18)")
PLAIN = Tone("plain", "#59636e", "#9198a1", "", "rgba(128,128,128,.10)")

_TONES = {
    "ACTIVE": GOOD, "VALID": GOOD, "ISSUED": GOOD,
    "DISABLED": PAUSED,
    "CREATING": WAITING, "PENDING_CERTIFICATE": WAITING, "NOT YET VALID": WAITING,
    "EXPIRED": LATE,
    "FAILED": BAD, "REVOKED": BAD,
    "DELETED": GONE,
}  # fmt: skip


def tone_of(status: str | None) -> Tone:
    """Return the tone of a status word, in any case; a word nobody knows is drawn plainly."""
    return _TONES.get((status or "").upper(), PLAIN)


def _style() -> str:
    dark = {f".pki-{name}": f"{attribute}:{dark}" for name, (attribute, _, dark) in _THEME.items()}
    for tone in (GOOD, PAUSED, WAITING, LATE, BAD, GONE, PLAIN):
        dark[f".pki-{tone.name}-fill"] = f"fill:{tone.dark}"
        dark[f".pki-{tone.name}-line"] = f"stroke:{tone.dark}"
    rules = "".join(f"{selector}{{{rule}}}" for selector, rule in dark.items())
    return f"@media (prefers-color-scheme:dark){{{rules}}}"


def clean(text: str) -> str:
    """Make every character visible: controls, surrogates and direction overrides become escapes.

    XML 1.0 cannot carry most controls, and a direction override in a name can make one host read
    like another (Unicode TR36). Newlines are kept.
    """
    return "".join(
        f"\\u{ord(character):04x}"
        if character != "\n" and unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn"}
        else character
        for character in text
    )


def element(
    tag: str, attributes: dict[str, object] | None = None, *children: Element | str
) -> Element:
    """Make an element. Numbers are written with at most one decimal, text is made `clean`."""
    made = ET.Element(tag, {name: _number(value) for name, value in (attributes or {}).items()})
    for child in children:
        if not isinstance(child, str):
            made.append(child)
        elif len(made):
            made[-1].tail = (made[-1].tail or "") + clean(child)
        else:
            made.text = (made.text or "") + clean(child)
    return made


def _number(value: object) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else clean(str(value))


def html(root: Element) -> str:
    """Serialise as HTML, one block a line, so that a stored notebook's changes can be read."""
    for part in root.iter():
        if part.tag in {"div", "table", "thead", "tbody", "tr", "details"} and not part.tail:
            part.tail = "\n"
    return ET.tostring(root, encoding="unicode", method="html").strip()


# ------------------------------------------------------------------------------------------- SVG


def picture(width: float, height: float, title: str, description: str, *parts: Element) -> str:
    """Return a whole SVG on its panel; a screen reader says ``title`` and ``description``."""
    return ET.tostring(figure(width, height, title, description, *parts), encoding="unicode")


def figure(width: float, height: float, title: str, description: str, *parts: Element) -> Element:
    """Return a `picture` as an element, to be set into a card."""
    root = element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {_number(float(width))} {_number(float(height))}",
            "width": width,
            "height": height,
            "role": "img",
            "aria-label": title,
            "font-family": SANS,
            "style": "max-width:100%;height:auto",
        },
        element("title", {}, title),
        element("desc", {}, description),
        element("style", {}, _style()),
        box(0.5, 0.5, width - 1, height - 1, radius=8, kind="panel"),
        *parts,
    )
    ET.indent(root, " ")
    return root


def paint(*names: str) -> dict[str, object]:
    """Attributes for theme colours, by name: ``ink``, ``rule`` ..."""
    found: dict[str, object] = {"class": " ".join(f"pki-{name}" for name in names)}
    return found | {_THEME[name][0]: _THEME[name][1] for name in names}


def tinge(tone: Tone, attribute: str) -> dict[str, object]:
    """Attributes that give ``fill`` or ``stroke`` a tone's colour."""
    kind = "fill" if attribute == "fill" else "line"
    return {"class": f"pki-{tone.name}-{kind}", attribute: tone.light}


def box(x: float, y: float, width: float, height: float, *, radius: float, kind: str) -> Element:
    """A filled, outlined rectangle."""
    place = {"x": x, "y": y, "width": width, "height": height, "rx": radius}
    return element("rect", {**place, **paint(kind, "edge")})


def line(path: str, *, dashed: bool = False, kind: str = "rule", weight: float = 1.5) -> Element:
    """An open path in a theme colour."""
    extra: dict[str, object] = {"stroke-dasharray": "4 4"} if dashed else {}
    return element(
        "path", {"d": path, "fill": "none", "stroke-width": weight, **paint(kind), **extra}
    )


def label(
    x: float,
    y: float,
    text: str,
    *,
    size: float = 12,
    kind: str = "ink",
    bold: bool = False,
    anchor: str = "start",
    tone: Tone | None = None,
    halo: bool = False,
) -> Element:
    """One line of text; ``y`` is its baseline. A halo parts it from lines that pass behind it."""
    colour = tinge(tone, "fill") if tone else paint(kind)
    if halo:
        edge = paint("halo") | {"stroke-width": 4, "paint-order": "stroke"}
        colour = colour | edge | {"class": f"{colour['class']} {edge['class']}"}
    place: dict[str, object] = {"x": x, "y": y, "font-size": size}
    if bold:
        place["font-weight"] = 600
    if anchor != "start":
        place["text-anchor"] = anchor
    return element("text", place | colour, text)


def mark(x: float, y: float, tone: Tone, *, size: float = 11) -> Element:
    """The shape of a tone, its box's upper left corner at ``x``, ``y``."""
    place = f"translate({x:g} {y:g}) scale({size / 12:.3g})"
    return element(
        "path",
        {
            "d": tone.shape,
            "transform": place,
            "fill": "none",
            "stroke-width": 1.8,
            "stroke-linecap": "round",
            "stroke-linejoin": "round",
            **tinge(tone, "stroke"),
        },
    )


def mermaid_text(text: str) -> str:
    """Write a text for Mermaid, whose own marks become its numeric entities."""
    return "".join(
        character if character.isalnum() or character in " _-.,:()/=·→…" else f"#{ord(character)};"
        for character in clean(text).replace("\n", " ")
    )


# ------------------------------------------------------------------------------------------ text


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Estimate a text's width in pixels, on the safe side of the widest usual font, DejaVu Sans."""
    return sum(map(_advance, text)) * size * (1.08 if bold else 1)


def _advance(character: str) -> float:
    if character in "iljI.,:;'|! ":
        return 0.36
    if character in 'ft()[]r-/\\"':
        return 0.44
    if character in "mwMW@%→":
        return 0.97
    if unicodedata.east_asian_width(character) in "WF":
        return 1.05
    if unicodedata.combining(character):
        return 0
    return 0.71 if character.isupper() else 0.64


def fit(text: str, width: float, size: float, *, lines: int, bold: bool = False) -> list[str]:
    """Break a text into at most ``lines`` lines of ``width`` pixels; what is left out becomes "…".

    Breaks after a space or after the marks that names are made of, and inside a word only when the
    word alone is too long.
    """
    made = [""]
    for word in _words(clean(text).replace("\n", " ")):
        if text_width((made[-1] + word).rstrip(), size, bold=bold) <= width:
            made[-1] += word
            continue
        if made[-1]:
            made.append("")
        for character in word:
            if made[-1] and text_width(made[-1] + character, size, bold=bold) > width:
                made.append("")
            made[-1] += character
    made = [part.strip() for part in made]
    if len(made) <= lines:
        return made
    last = made[lines - 1]
    while last and text_width(last + "…", size, bold=bold) > width:
        last = last[:-1]
    return [*made[: lines - 1], last + "…"]


def _words(text: str) -> list[str]:
    words = [""]
    for character in text:
        words[-1] += character
        if character in " .-_/,@:=":
            words.append("")
    return [word for word in words if word]


# ----------------------------------------------------------------------------------------- dates


def moment(when: datetime) -> str:
    """A date and time in UTC, to the second, without the seconds when they are zero."""
    utc = when.astimezone(UTC) if when.tzinfo else when
    shown = utc.replace(tzinfo=None).isoformat(" ", "seconds").removesuffix(":00")
    return f"{shown} UTC" if when.tzinfo else shown


def period(not_before: datetime, not_after: datetime) -> str:
    """A validity period: days, and hours too when it is shorter than three days."""
    characters = 10 if not_after - not_before >= timedelta(days=3) else 16
    return " → ".join(moment(when)[:characters] for when in (not_before, not_after))


def length(duration: timedelta) -> str:
    """How long something lasts, in days, hours, minutes or seconds."""
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if abs(count := duration.total_seconds() / size) >= 1:
            shown = f"{count:,.1f}".removesuffix(".0")
            return f"{shown} {unit}" + ("" if shown in {"1", "-1"} else "s")
    return f"{duration.total_seconds():g} seconds"
