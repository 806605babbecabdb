"""Cells of decision tables: the forms that mean the same in FEEL and in zen, checked here and tested by zen.

Rules
1. Empty or ``-``: any value. zen refuses both, so they never reach it.
2. Numbers: a number, ``< <= > >=`` with a number or a declared name, a closed range ``[a..b]`` of these; several by commas.
   Texts: ``"a"`` or several by commas. Truths: ``true`` or ``false``.
3. Refused, because FEEL and zen differ or one of them lacks it: ``]a..b[``, ``(a..b)``, ``not(…)``, ``!=``, ``==``, a name alone,
   null.
4. An output cell is one literal.

Example: ``compile_cell("[6..11], >= 60", NUMBER, {}, "rule 'R1'").fits(7, {})``

Source: DMN 1.3 §10.3.1 (unary tests); libraries.md (zen traps).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import zen

from xinlian.engine.values import BOOLEAN, NUMBER, STRING, Kind, Value
from xinlian.protocol.errors import InputError
from xinlian.protocol.types import MAX_EXACT_INT

MAX_LENGTH: Final = 500
_NUMBER: Final = r"-?\d{1,16}(?!\w|\.\d)"
_END: Final = rf"(?:{_NUMBER}|[A-Za-z_][A-Za-z0-9_]*)"
_TEXT: Final = r'"[^"\\\x00-\x1f]*"'
_FORMS: Final[Mapping[Kind, re.Pattern[str]]] = {
    NUMBER: re.compile(
        rf"\s*(?:(?P<sign><=|>=|<|>)\s*(?P<bound>{_END})|\[\s*(?P<low>{_END})\s*\.\.\s*(?P<high>{_END})\s*\]|(?P<same>{_NUMBER}))\s*(?:,|$)"
    ),
    STRING: re.compile(rf"\s*(?P<same>{_TEXT})\s*(?:,|$)"),
    BOOLEAN: re.compile(r"\s*(?P<same>true|false)\s*(?:,|$)"),
}
_LITERALS: Final[Mapping[Kind, re.Pattern[str]]] = {
    NUMBER: re.compile(_NUMBER),
    STRING: re.compile(_TEXT),
    BOOLEAN: re.compile(r"true|false"),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """A compiled cell of an input column.

    Args:
        source: as written.
        names: that it reads beside its column's value.
    """

    source: str
    names: frozenset[str]
    _compiled: Any

    def fits(self, value: Value, values: Mapping[str, Value]) -> bool:
        """Whether the column's value fits; ``values`` holds the declared names."""
        if self._compiled is None:
            return True
        return self._compiled.evaluate({"$": value, **{name: values[name] for name in self.names}}) is True


def compile_cell(source: str, kind: Kind, kinds: Mapping[str, Kind], where: str) -> Cell:
    """Check and compile a cell of an input column.

    Args:
        source: the text.
        kind: of the column.
        kinds: of the declared names.
        where: rule and column, for messages.

    Raises:
        InputError: ``dmn-cell``.
    """
    if source.strip() in ("", "-"):
        return Cell(source, frozenset(), None)
    if len(source) > MAX_LENGTH or source.rstrip().endswith(","):
        raise _wrong(source, kind, where)
    names: set[str] = set()
    tests = [_test(match, kinds, names, where) for match in _matches(source, kind, where)]
    return Cell(source, frozenset(names), zen.compile_unary_expression(", ".join(tests)))


def read_literal(source: str, kind: Kind, where: str) -> Value:
    """The value of an output cell.

    Raises:
        InputError: ``dmn-cell``.
    """
    text = source.strip()
    if len(text) > MAX_LENGTH or not _LITERALS[kind].fullmatch(text):
        raise InputError("dmn-cell", f"{where}: {text[:60]!r}, expected one {kind} literal", where=where, cell=text[:60])
    if kind is NUMBER:
        return _number(text, where)
    return text == "true" if kind is BOOLEAN else text[1:-1]


def _matches(source: str, kind: Kind, where: str) -> Iterator[re.Match[str]]:
    at = 0
    while at < len(source):
        match = _FORMS[kind].match(source, at)
        if match is None:
            raise _wrong(source, kind, where)
        at = match.end()
        yield match


def _test(match: re.Match[str], kinds: Mapping[str, Kind], names: set[str], where: str) -> str:
    parts = match.groupdict()
    for name in ("bound", "low", "high"):
        if parts.get(name) is not None:
            _check_end(parts[name], kinds, names, where)
    if parts.get("sign") is not None:
        return f"{parts['sign']} {parts['bound']}"
    if parts.get("low") is not None:
        return f"[{parts['low']}..{parts['high']}]"
    if parts["same"].lstrip("-").isdigit():
        _number(parts["same"], where)
    return parts["same"]


def _check_end(end: str, kinds: Mapping[str, Kind], names: set[str], where: str) -> None:
    if end.lstrip("-").isdigit():
        _number(end, where)
    elif kinds.get(end) is NUMBER:
        names.add(end)
    else:
        raise InputError("dmn-cell", f"{where}: {end!r} is no declared number", where=where, cell=end[:60])


def _number(text: str, where: str) -> int:
    number = int(text)
    if abs(number) > MAX_EXACT_INT:
        raise InputError("dmn-cell", f"{where}: a number outside ±(2^53 - 1)", where=where, cell=text)
    return number


def _wrong(source: str, kind: Kind, where: str) -> InputError:
    forms = {
        NUMBER: "a number, < <= > >= with a number, [a..b], several by commas, or -",
        STRING: "texts in double quotes, several by commas, or -",
        BOOLEAN: "true, false or -",
    }
    shown = source.strip()[:60]
    return InputError("dmn-cell", f"{where}: {shown!r}, expected {forms[kind]}", where=where, cell=shown)
