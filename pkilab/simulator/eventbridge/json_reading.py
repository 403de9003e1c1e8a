"""JSON token by token, with errors and places in the words of the parser that EventBridge uses.

EventBridge tells what is wrong with a pattern as Jackson's streaming parser tells it: the reason,
then ``at [Source: (String)"..."; line: 1, column: 11]``. The column is that of the next character
the parser would read, which for a string is just behind its opening quote until its text is asked
for, and for a field's name is behind the beginning of the field's value.

Source: answers of EventBridge as recorded in localstack/localstack
(tests/aws/services/events/test_events_patterns.snapshot.json); FasterXML/jackson-core,
ReaderBasedJsonParser.
"""

from __future__ import annotations

import json
import re

SHOWN = 500  # characters of the source that an error shows
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_SPACE = re.compile(r"[ \t\r\n]*")
_WORD = re.compile(r"\w*")
_STRING = re.compile(r'(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_ANY_VALUE = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
_NAMES = {"{": "Object", "[": "Array"}

FIELD, STRING, NUMBER, LITERAL, END = "field", "string", "number", "literal", "end"


class ReadingError(Exception):
    """What is wrong, without the place; the one with the place is `Reader.refusal`'s."""


class Reader:
    """Reads one JSON text.

    Attributes:
        kind: the current token's: one of ``{ } [ ]``, FIELD, STRING, NUMBER, LITERAL or END.
        name: of the current field.
    """

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self.kind, self.name = "", ""
        self._open: list[tuple[str, int]] = []  # scopes with where they begin
        self._started: list[bool] = []  # whether there was anything in them
        self._ahead = ""  # the kind of a field's value, which is read with the name
        self._value, self._string = "", -1  # the latter: where an unread string begins

    def next(self) -> str:
        """Go to the next token and return its kind.

        Raises:
            ReadingError: the text is not JSON.
        """
        if self.kind == FIELD:
            return self._take(self._ahead)
        self._finish_string()
        char = self._skip_space()
        if not char:
            if self._open:
                scope, start = self._open[-1]
                where = self._place(start)
                message = f"expected close marker for {_NAMES[scope]} (start marker at {where})"
                raise self.refusal(f"Unexpected end-of-input: {message}")
            return self._take(END)
        if char in "]}":
            return self._close(char)
        if self._open and self._started[-1]:
            char = self._comma(char)
        if self._open:
            self._started[-1] = True
            if self._open[-1][0] == "{":
                return self._field(char)
        return self._take(self._begin(char))

    def text(self) -> str:
        """Return the current token's text: a string's value, or a number or literal as written.

        Raises:
            ReadingError: a string does not end.
        """
        self._finish_string()
        return self._value

    def refusal(self, reason: str, back: int = 0) -> ReadingError:
        """Return an error with the place where reading stands, or ``back`` characters before."""
        return ReadingError(f"{reason}\n at {self._place(self._at - back)}")

    def _place(self, at: int) -> str:
        line = self._text.count("\n", 0, at) + 1
        column = at - (self._text.rfind("\n", 0, at) + 1) + 1
        cut = len(self._text) - SHOWN
        more = f"[truncated {cut} chars]" if cut > 0 else ""
        source = f'(String)"{self._text[:SHOWN]}"{more}'
        return f"[Source: {source}; line: {line}, column: {column}]"

    def _take(self, kind: str) -> str:
        if kind in _NAMES:
            self._open.append((kind, self._at - 1))
            self._started.append(False)
        self.kind = kind
        return kind

    def _close(self, char: str) -> str:
        self._at += 1
        opened = self._open.pop()[0] if self._open else ""
        if opened + char not in {"{}", "[]"}:
            expected = {"{": "}", "[": "]"}.get(opened)
            why = f"expected '{expected}'" if expected else f"expected a valid value {_ANY_VALUE}"
            raise self._unexpected(char, why)
        self._started.pop()
        return self._take(char)

    def _comma(self, char: str) -> str:
        self._at += 1
        if char != ",":
            why = f"was expecting comma to separate {_NAMES[self._open[-1][0]]} entries"
            raise self._unexpected(char, why)
        return self._more("within/between entries")

    def _field(self, char: str) -> str:
        self._at += 1
        if char != '"':
            raise self._unexpected(char, "was expecting double-quote to start field name")
        self.name = self._rest_of_string("name")
        self._value = self.name
        if (colon := self._more("after a field name")) != ":":
            self._at += 1
            raise self._unexpected(colon, "was expecting a colon to separate field name and value")
        self._at += 1
        self._ahead = self._begin(self._more("after a colon"))
        return self._take(FIELD)

    def _begin(self, char: str) -> str:
        """Read a value, or only its beginning where it is a string, an object or an array."""
        if char in {"{", "["}:
            self._at += 1
            return char
        if char == '"':
            self._at += 1
            self._string = self._at
            return STRING
        if found := _NUMBER.match(self._text, self._at):
            self._at, self._value = found.end(), found[0]
            if self._text[self._at : self._at + 1].isalnum():
                self._at += 1
                raise self._unexpected(self._text[self._at - 1], "Expected space separating values")
            return NUMBER
        word = _WORD.match(self._text, self._at)
        if word is None or not word[0] or word[0][0].isdigit():
            self._at += 1
            raise self._unexpected(char, f"expected a valid value {_ANY_VALUE}")
        self._at, self._value = word.end(), word[0]
        if self._value not in {"true", "false", "null"}:
            raise self.refusal(f"Unrecognized token '{self._value}': was expecting {_ANY_VALUE}")
        return LITERAL

    def _finish_string(self) -> None:
        if self._string >= 0:
            self._string = -1
            self._value = self._rest_of_string("string value")

    def _rest_of_string(self, what: str) -> str:
        found = _STRING.match(self._text, self._at)
        if found is None:
            if '"' not in self._text[self._at :]:
                self._at = len(self._text)
                expected = f"was expecting closing quote for a {what}"
                raise self.refusal(f"Unexpected end-of-input: {expected}")
            raise self.refusal(f"Illegal unquoted or escaped character in a {what}")
        start, self._at = self._at, found.end()
        read: str = json.loads('"' + self._text[start : self._at])
        return read

    def _skip_space(self) -> str:
        space = _SPACE.match(self._text, self._at)
        self._at = space.end() if space else self._at
        return self._text[self._at : self._at + 1]

    def _more(self, where: str) -> str:
        if not (char := self._skip_space()):
            raise self.refusal(f"Unexpected end-of-input {where}")
        return char

    def _unexpected(self, char: str, why: str) -> ReadingError:
        return self.refusal(f"Unexpected character ('{char}' (code {ord(char)})): {why}", back=1)
