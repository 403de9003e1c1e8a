"""The intrinsic functions of templates: what a value is, and what it refers to.

Source: AWS CloudFormation User Guide, "Intrinsic function reference"; sentences as answered by
AWS where they are known.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from pkilab.simulator.cloudformation.documents import Value, invalid
from pkilab.simulator.service import not_simulated

_VARIABLE = re.compile(r"\$\{(!?)([^}]{0,600})\}")  # a name and an attribute, of 255 each
_NO_VALUE = "AWS::NoValue"
_UNMODELLED = {
    "Fn::Cidr", "Fn::GetAZs", "Fn::Transform", "Fn::Length", "Fn::ToJsonString", "Fn::RefAll",
    "Fn::ValueOf", "Fn::ValueOfAll", "Fn::GetStackOutput",
}  # fmt: skip
_TRUTHS = {"Fn::Equals", "Fn::And", "Fn::Or", "Fn::Not", "Condition"}
_RULE_TRUTHS = {"Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn"}
_SUB = (
    "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. "
    "Specify a string as first argument, and an optional second argument to specify a mapping of "
    "values to replace in the string"
)
_JOIN = (
    "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) "
    "a list of strings to be joined or a function that returns a list of strings (such as "
    "Fn::GetAZs) to be joined."
)
_SPLIT = (
    "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and "
    "(2) a string to be split or a function that returns a string to be split."
)
_SELECT = (
    "Template error: Fn::Select requires a list argument with two elements: an integer index and a "
    "list"
)
_GET_ATT = (
    "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name "
    "and the resource attribute"
)
_IMPORT = "Template error: the argument of Fn::ImportValue is a string"
_FEW, _MANY = 2, 10  # conditions that Fn::And and Fn::Or take
_DEEPEST = 100  # conditions that need each other, one after the other


class Nothing:
    """What ``AWS::NoValue`` is: a property that is not there."""


NOTHING = Nothing()


class Reference(NamedTuple):
    """What a value refers to: a parameter, pseudo parameter or resource, or one's attribute."""

    name: str
    attribute: str = ""


def function_of(value: Value) -> tuple[str, Value] | None:
    """Return the function that a value calls, and its argument; None if it calls none.

    Raises:
        AwsError: ValidationError, there is something beside the function.
    """
    if not isinstance(value, dict):
        return None
    names = [name for name in value if name == "Ref" or name.startswith("Fn::")]
    if not names:
        return None
    if len(value) > 1:
        raise invalid(
            f"Template error: {names[0]} stands alone in its object: found {', '.join(value)}"
        )
    return names[0], value[names[0]]


def text_of(value: Value) -> str | None:
    """Return a scalar as text; None for what is no scalar."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None


@dataclass(frozen=True)
class Evaluator:
    """Works values out.

    Args:
        parameters: values of the template's parameters and of the pseudo parameters.
        mappings: the template's.
        conditions: the template's, as they stand there.
        look_up: what a reference to a resource is.
        imported: the value of an export.
    """

    parameters: Mapping[str, Value]
    mappings: Mapping[str, Value] = field(default_factory=dict)
    conditions: Mapping[str, Value] = field(default_factory=dict)
    look_up: Callable[[Reference], Value] = lambda _: NOTHING
    imported: Callable[[str], str] = lambda name: name
    _held: dict[str, bool] = field(default_factory=dict, init=False, repr=False, compare=False)

    def value(self, given: Value) -> Value:
        """Work a value out; what is `NOTHING` is left out of objects and lists.

        Raises:
            AwsError: ValidationError, a function is used wrongly; NotImplemented.
        """
        if isinstance(given, list):
            items = (self.value(each) for each in given)
            return [each for each in items if each is not NOTHING]
        if not isinstance(given, dict):
            if isinstance(given, str) and "{{resolve:" in given:
                raise not_simulated(f"the dynamic reference {given}")
            return given
        if found := function_of(given):
            return self._call(*found)
        members = ((key, self.value(each)) for key, each in given.items())
        return {key: each for key, each in members if each is not NOTHING}

    def text(self, given: Value, refusal: str) -> str:
        """Work out what must be text.

        Raises:
            AwsError: ValidationError with the sentence ``refusal``, it is not.
        """
        found = text_of(self.value(given))
        if found is None:
            raise invalid(refusal)
        return found

    def truth(self, given: Value, *, seen: tuple[str, ...] = (), rule: bool = False) -> bool:
        """Work a condition out; ``rule`` says that it is an assertion of a rule.

        Raises:
            AwsError: ValidationError; it is none, or needs itself.
        """
        single = isinstance(given, dict) and len(given) == 1
        pair: tuple[str, Value] = next(iter(given.items())) if single else ("", None)
        name, argument = pair
        if name == "Condition":
            return self._condition(argument, seen)
        if name == "Fn::Equals":
            sentence = "Template error: every Fn::Equals object requires a list of 2 string"
            if not _is_list(argument, 2):
                raise invalid(f"{sentence} parameters.")
            left, right = (self.text(each, f"{sentence} parameters.") for each in argument)
            return left == right
        if name == "Fn::Not" and _is_list(argument, 1):
            return not self.truth(argument[0], seen=seen, rule=rule)
        if name in {"Fn::And", "Fn::Or"}:
            if not (isinstance(argument, list) and _FEW <= len(argument) <= _MANY):
                message = f"Template error: every {name} object requires a list of at least"
                raise invalid(f"{message} {_FEW} and at most {_MANY} boolean parameters.")
            answers = [self.truth(each, seen=seen, rule=rule) for each in argument]
            return all(answers) if name == "Fn::And" else any(answers)
        if rule and name in _RULE_TRUTHS and _is_list(argument, 2):
            return self._contains(name, *argument)
        raise invalid(f"Template error: {name or 'a value'} is no condition.")

    def _condition(self, name: Value, seen: tuple[str, ...]) -> bool:
        if not isinstance(name, str) or name not in self.conditions:
            message = "Template format error: Unresolved condition dependency"
            raise invalid(f"{message} {name} in the Conditions block of the template")
        if name in seen:
            raise invalid(f"Template error: Found circular condition dependency with {name}")
        if len(seen) > _DEEPEST:
            raise not_simulated(f"a condition that needs more than {_DEEPEST} others in a row")
        if name not in self._held:  # once: each may be needed by many that many need
            self._held[name] = self.truth(self.conditions[name], seen=(*seen, name))
        return self._held[name]

    def _contains(self, name: str, first: Value, second: Value) -> bool:
        found, wanted = self.value(first), self.value(second)
        if name == "Fn::Contains":
            return text_of(wanted) in map(text_of, _listed(found))
        if name == "Fn::EachMemberEquals":
            return all(text_of(each) == text_of(wanted) for each in _listed(found))
        allowed = set(map(text_of, _listed(wanted)))
        return all(text_of(each) in allowed for each in _listed(found))

    def _call(self, name: str, argument: Value) -> Value:
        if name in _FUNCTIONS:
            return _FUNCTIONS[name](self, argument)
        if name in _UNMODELLED:
            raise not_simulated(f"the function {name}")
        if name in _TRUTHS | _RULE_TRUTHS:
            raise invalid(f"Template error: {name} is used outside of a condition")
        supported = ", ".join(sorted({*_FUNCTIONS, *_TRUTHS, *_UNMODELLED} - {"Condition", "Ref"}))
        message = "Template validation error: Encountered unsupported function:"
        raise invalid(f"{message} {name} Supported functions are: [{supported}]")

    def _ref(self, argument: Value) -> Value:
        name = _one_name(argument)
        if name == _NO_VALUE:
            return NOTHING
        if name in self.parameters:
            return self.parameters[name]
        return self.look_up(Reference(name))

    def _attribute(self, argument: Value) -> Value:
        name, attribute = _two_names(argument)
        return self.look_up(Reference(name, self.text(attribute, _GET_ATT)))

    def _sub(self, argument: Value) -> str:
        template, own = _sub_parts(argument)
        values = {key: self.text(each, _SUB) for key, each in own.items()}

        def replace(found: re.Match[str]) -> str:
            literal, name = found[1], found[2].strip()
            if literal:
                return f"${{{found[2]}}}"
            if name in values:
                return values[name]
            value = self.look_up(Reference(*name.split(".", 1))) if "." in name else self._ref(name)
            shown = text_of(value)
            if shown is None:
                message = f"Template error: variable {name} in Fn::Sub expression does not resolve"
                raise invalid(f"{message} to a string")
            return shown

        return _VARIABLE.sub(replace, template)

    def _join(self, argument: Value) -> str:
        if not (_is_list(argument, 2) and isinstance(argument[0], str)):
            raise invalid(_JOIN)
        items = self.value(argument[1])
        if not isinstance(items, list):
            raise invalid(_JOIN)
        return argument[0].join(self.text(each, _JOIN) for each in items)

    def _split(self, argument: Value) -> list[str]:
        if not (_is_list(argument, 2) and isinstance(argument[0], str) and argument[0]):
            raise invalid(_SPLIT)
        return self.text(argument[1], _SPLIT).split(argument[0])

    def _select(self, argument: Value) -> Value:
        if not _is_list(argument, 2):
            raise invalid(_SELECT)
        index, items = self.text(argument[0], _SELECT), self.value(argument[1])
        if not (re.fullmatch(r"[0-9]{1,9}", index) and isinstance(items, list)):
            raise invalid(_SELECT)
        if int(index) >= len(items):
            message = "Template error: Fn::Select cannot select nonexistent value at index"
            raise invalid(f"{message} {index}")
        return items[int(index)]

    def _if(self, argument: Value) -> Value:
        return self.value(self._branch(argument))

    def _branch(self, argument: Value) -> Value:
        """Return the branch of an Fn::If that holds."""
        if not (_is_list(argument, 3) and isinstance(argument[0], str)):
            message = "Template error: Fn::If requires a list argument with three elements"
            raise invalid(f"{message}, the first of which names a condition")
        name, yes, no = argument
        if name not in self.conditions:
            raise invalid(f"Template error: unresolved condition dependency {name} in Fn::If")
        return yes if self._condition(name, ()) else no

    def _find_in_map(self, argument: Value) -> Value:
        if not _is_list(argument, 3):
            message = "Template error: every Fn::FindInMap object requires three parameters, the"
            raise invalid(f"{message} map name, map key and the attribute for return value")
        refusal = "Template error: the keys of Fn::FindInMap are strings"
        name, first, second = (self.text(each, refusal) for each in argument)
        if name not in self.mappings:
            message = f"Template error: Mapping named '{name}' is not present in the 'Mappings'"
            raise invalid(f"{message} section of template.")
        try:
            return self.mappings[name][first][second]
        except KeyError as why:
            message = f"Template error: Unable to get mapping for {name}::{first}::{second}"
            raise invalid(message) from why

    def _import(self, argument: Value) -> str:
        return self.imported(self.text(argument, _IMPORT))

    def _base64(self, argument: Value) -> str:
        refusal = "Template error: every Fn::Base64 object must have a String-typed value."
        return base64.b64encode(self.text(argument, refusal).encode("utf-8", "replace")).decode()

    # What a value refers to.

    def references(self, given: Value, *, every: bool = False) -> Iterator[Reference]:
        """Yield what a value refers to.

        Args:
            given: a value of the template.
            every: in both branches of each Fn::If, and not only in the one that holds.

        Raises:
            AwsError: ValidationError.
        """
        if isinstance(given, list):
            for each in given:
                yield from self.references(each, every=every)
        elif isinstance(given, dict):
            name, argument = function_of(given) or ("", given)
            if name == "Fn::If" and not every:
                yield from self.references(self._branch(argument))
                return
            if name:
                yield from _named(name, argument)
            for key, each in given.items():
                if key not in {"Ref", "Fn::GetAtt"}:
                    yield from self.references(each, every=every)

    def imports(self, given: Value) -> Iterator[str]:
        """Yield the names of the exports that a value takes, where they need no resource.

        Raises:
            AwsError: ValidationError.
        """
        if isinstance(given, list):
            for each in given:
                yield from self.imports(each)
        elif isinstance(given, dict):
            name, argument = function_of(given) or ("", given)
            if name == "Fn::If":
                argument = self._branch(argument)
            if name == "Fn::ImportValue":
                yield self.text(argument, _IMPORT)
            inner = argument.values() if isinstance(argument, dict) else [argument]
            for each in inner if isinstance(argument, dict | list) else ():
                yield from self.imports(each)


_FUNCTIONS: Mapping[str, Callable[[Evaluator, Value], Value]] = {
    "Ref": Evaluator._ref,  # noqa: SLF001 - the class's own table
    "Fn::GetAtt": Evaluator._attribute,  # noqa: SLF001
    "Fn::Sub": Evaluator._sub,  # noqa: SLF001
    "Fn::Join": Evaluator._join,  # noqa: SLF001
    "Fn::Split": Evaluator._split,  # noqa: SLF001
    "Fn::Select": Evaluator._select,  # noqa: SLF001
    "Fn::If": Evaluator._if,  # noqa: SLF001
    "Fn::FindInMap": Evaluator._find_in_map,  # noqa: SLF001
    "Fn::ImportValue": Evaluator._import,  # noqa: SLF001
    "Fn::Base64": Evaluator._base64,  # noqa: SLF001
}


def _named(name: str, argument: Value) -> Iterator[Reference]:
    """Yield what one function names itself."""
    if name == "Ref":
        yield Reference(_one_name(argument))
    elif name == "Fn::GetAtt":
        resource, attribute = _two_names(argument)
        yield Reference(resource, attribute if isinstance(attribute, str) else "")
    elif name == "Fn::Sub":
        template, own = _sub_parts(argument)
        for literal, found in _VARIABLE.findall(template):
            variable = found.strip()
            if not literal and variable not in own:
                yield Reference(*variable.split(".", 1)) if "." in variable else Reference(variable)


def _one_name(argument: Value) -> str:
    if not isinstance(argument, str):
        raise invalid("Template error: every Ref object must have a single String value.")
    return argument


def _two_names(argument: Value) -> tuple[str, Value]:
    """Return the resource and the attribute of an Fn::GetAtt, which may be one text."""
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    if not (_is_list(parts, 2) and isinstance(parts[0], str) and all(parts)):
        raise invalid(_GET_ATT)
    return parts[0], parts[1]


def _sub_parts(argument: Value) -> tuple[str, dict[str, Value]]:
    template, own = argument if _is_list(argument, 2) else (argument, {})
    if not (isinstance(template, str) and isinstance(own, dict)):
        raise invalid(_SUB)
    return template, own


def _is_list(value: Value, length: int) -> bool:
    return isinstance(value, list) and len(value) == length


def _listed(value: Value) -> list[Value]:
    return value if isinstance(value, list) else [value]
