"""What of an event a target gets: all of it, a part, a constant, or a template that is filled.

In a template, a value in quotes is written as it is, an object or array there without any quotes;
outside of quotes it is written as JSON. What a path does not find is an empty string.

Source: EventBridge User Guide, "Amazon EventBridge input transformation"; values in strings, what
is missing, and ``aws.events.event`` as recorded in localstack/localstack
(tests/aws/services/events/test_events_inputs.snapshot.json).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pkilab.simulator.eventbridge.json_reading import END, Reader, ReadingError
from pkilab.simulator.eventbridge.state import Event, InputTransformer, Json, Rule, Target

_PLACEHOLDER = re.compile(r"<([A-Za-z0-9_.-]+)>")
_PIECE = re.compile(r'\\.|"|<([A-Za-z0-9_.-]+)>', re.DOTALL)
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\*)\]")
_RULE_ARN, _RULE_NAME = "aws.events.rule-arn", "aws.events.rule-name"
_EVENT, _EVENT_JSON = "aws.events.event", "aws.events.event.json"
_INGESTION_TIME = "aws.events.event.ingestion-time"
PREDEFINED = frozenset({_RULE_ARN, _RULE_NAME, _EVENT, _EVENT_JSON, _INGESTION_TIME})


class _Missing:
    """What a path does not find."""


_MISSING = _Missing()


def payload(target: Target, rule: Rule, event: Json) -> str:
    """Return what a target gets of an event: JSON, or several texts where a template has several.

    Args:
        target: whose Input, InputPath or InputTransformer decides.
        rule: for a template that names it.
        event: as it came; an `Event` knows when, of other JSON its own time is taken.

    Half of a surrogate pair, which a producer's JSON may hold and UTF-8 cannot, becomes a ``?``.
    """
    return _chosen(target, rule, event).encode("utf-8", "replace").decode()


def _chosen(target: Target, rule: Rule, event: Json) -> str:
    if target.input is not None:
        return target.input
    if target.input_path is not None:
        found = find(event, target.input_path)
        return written(None if found is _MISSING else found)
    if target.input_transformer is not None:
        return _filled(target.input_transformer, rule, event)
    return written(event)


def written(value: object) -> str:
    """Write JSON as EventBridge does: without spaces."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def find(event: Mapping[str, Any], path: str) -> object:
    """Return what a JSON path finds in an event; with a ``*`` it is a list.

    Dots, indices and ``*`` are understood, as EventBridge's own subset has them; what is beyond it
    finds nothing, and neither does a path that leads nowhere.
    """
    if not path.startswith("$"):
        return _MISSING
    found: list[object] = [event]
    at, several = 1, False
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            return _MISSING
        name = step[1] or step[2]
        several = several or name == "*"
        found = [inner for each in found for inner in _inner(each, name, index=step[1] is None)]
        at = step.end()
    if several:
        return found
    return found[0] if found else _MISSING


def _inner(value: object, name: str, *, index: bool) -> Iterator[object]:
    if name == "*":
        if isinstance(value, Mapping):
            yield from value.values()
        elif isinstance(value, list):
            yield from value
    elif index:
        if isinstance(value, list) and int(name) < len(value):
            yield value[int(name)]
    elif isinstance(value, Mapping) and name in value:
        yield value[name]


def unknown_placeholder(transformer: InputTransformer) -> str | None:
    """Return a placeholder of a template that nothing fills; None: all are filled."""
    known = PREDEFINED | transformer.paths.keys()
    names = (found[1] for found in _PLACEHOLDER.finditer(transformer.template))
    return next((name for name in names if name not in known), None)


def template_error(template: str) -> str | None:
    """Return why a template cannot become JSON: its strings need quotes; None: it can.

    A placeholder is taken for ``null``; several texts may follow each other.
    """
    reader = Reader(_PLACEHOLDER.sub("null", template))
    try:
        while reader.next() != END:
            continue
    except ReadingError as error:
        return str(error)
    return None


def _filled(transformer: InputTransformer, rule: Rule, event: Json) -> str:
    values = {name: find(event, path) for name, path in transformer.paths.items()}
    values |= _predefined(rule, event)
    pieces, at, quoted = [], 0, False
    template = transformer.template
    for piece in _PIECE.finditer(template):
        pieces.append(template[at : piece.start()])
        at = piece.end()
        if piece[1] is None:
            quoted ^= piece[0] == '"'
            pieces.append(piece[0])
        elif piece[1] in values:
            value = values[piece[1]]
            pieces.append(_in_quotes(value) if quoted else _as_json(value))
        else:
            pieces.append(piece[0])
    text = "".join(pieces) + template[at:]
    return _minified(text)


def _predefined(rule: Rule, event: Json) -> Json:
    ingested = event.ingested if isinstance(event, Event) else None
    when = f"{ingested:%Y-%m-%dT%H:%M:%SZ}" if ingested else event.get("time")
    # The event without its detail, and with a name of its own for the detail's type.
    names = {"id": "id", "account": "account", "detailType": "detail-type", "time": "time"}
    names |= {each: each for each in ("source", "region", "resources", "version")}
    return {
        _RULE_ARN: rule.arn,
        _RULE_NAME: rule.name,
        _EVENT: {name: event[of] for name, of in names.items() if of in event},
        _EVENT_JSON: event,
        _INGESTION_TIME: when,
    }


def _in_quotes(value: object) -> str:
    if value is _MISSING:
        return ""
    if isinstance(value, str):
        return value  # not escaped, as AWS says
    text = written(value)
    return text.replace('"', "") if isinstance(value, dict | list) else text


def _as_json(value: object) -> str:
    return '""' if value is _MISSING else written(value)


def _minified(text: str) -> str:
    """Take the spaces out of an object or array; what is no JSON is left as it is."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return written(found) if isinstance(found, dict | list) else text
