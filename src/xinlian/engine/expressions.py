r"""Conditions: comparisons of named, typed values, checked here and evaluated by zen.

Rules
1. Grammar: ``or``, ``and``, ``not (…)``, ``== != < <= > >=``, ``+ - *``, brackets, names, whole numbers, texts in double quotes,
   ``true``, ``false``. No functions, no members, no lists: nothing here can take long or depend on a clock.
2. Everything is typed before it runs: numbers are compared with numbers, texts and truths only for equality, and
   ``and``/``or``/``not`` take truths only. So zen never meets null, never gives 1 for true, and never compares unlike things.
3. Numbers are whole, up to 2^53 - 1, and so is every calculation: its largest possible size is checked before zen calculates
   in doubles (``number-range``).
4. zen is given the checked expression written anew with every bracket, so that precedence is ours.

Example: ``compile_condition("age >= 18 and class == \\"first\\"", {"age": NUMBER, "class": STRING}, "Flow_1").holds(values)``
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import zen

from xinlian.engine.values import BOOLEAN, NUMBER, STRING, Kind, Value
from xinlian.protocol.errors import InputError
from xinlian.protocol.types import MAX_EXACT_INT

MAX_LENGTH: Final = 500
MAX_NESTING: Final = 20
_TOKEN: Final = re.compile(
    r'\s*(?:(?P<number>\d+)(?![\w.])|(?P<text>"[^"\\\x00-\x1f]*")|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign>==|!=|<=|>=|[-<>+*()]))'
)
Size = Callable[[Mapping[str, Value]], int]
_WORDS: Final = frozenset({"and", "or", "not", "true", "false"})
RESERVED: Final = _WORDS | {"null", "in", "if", "then", "else"}
_ORDER: Final = frozenset({"<", "<=", ">", ">="})
_EQUAL: Final = frozenset({"==", "!="})


@dataclass(frozen=True, slots=True)
class Term:
    """A checked part of an expression.

    Args:
        kind: of its value.
        text: for zen, with every bracket.
        size: its largest possible size for given values; None unless it calculates.
    """

    kind: Kind
    text: str
    size: Size | None = None


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression.

    Args:
        source: as written.
        kind: of its value.
        names: that it reads.
    """

    source: str
    kind: Kind
    names: frozenset[str]
    _compiled: Any
    _sizes: tuple[Size, ...]

    def holds(self, values: Mapping[str, Value]) -> bool:
        """Whether a condition is true for the values (which have the kinds it was compiled for).

        Raises:
            InputError: ``number-range``.
        """
        return self._evaluate(values) is True

    def number(self, values: Mapping[str, Value]) -> int:
        """The whole number that a calculation gives.

        Raises:
            InputError: ``number-range``.
        """
        return int(self._evaluate(values))

    def plain(self, values: Mapping[str, Value]) -> Value:
        """The text or truth that the expression gives."""
        result = self._evaluate(values)
        return result if isinstance(result, bool) else str(result)

    def _evaluate(self, values: Mapping[str, Value]) -> Any:
        if any(size(values) > MAX_EXACT_INT for size in self._sizes):
            raise InputError("number-range", f"{self.source}: the result may leave ±(2^53 - 1)", expression=self.source)
        return self._compiled.evaluate({name: values[name] for name in self.names})


def compile_condition(source: str, kinds: Mapping[str, Kind], where: str) -> Expression:
    """Check and compile a condition.

    Args:
        source: the text.
        kinds: of the names that may be used.
        where: element, for messages.

    Raises:
        InputError: ``expression-form``.
    """
    return _compiled(source, kinds, where, BOOLEAN)


def compile_value(source: str, kinds: Mapping[str, Kind], where: str) -> Expression:
    """Check and compile an expression of any kind: a name or a calculation.

    Raises:
        InputError: ``expression-form``.
    """
    return _compiled(source, kinds, where, None)


def _compiled(source: str, kinds: Mapping[str, Kind], where: str, kind: Kind | None) -> Expression:
    reader = _Reader(source, kinds, where)
    term = reader.whole()
    if kind is not None and term.kind is not kind:
        raise reader.wrong(f"is a {term.kind}, expected a {kind}")
    try:
        compiled = zen.compile_expression(term.text)
    except RuntimeError as error:
        raise reader.wrong("uses a name that the evaluator keeps for itself") from error
    return Expression(source, term.kind, frozenset(reader.names), compiled, tuple(reader.sizes))


class _Reader:
    """Recursive descent over the tokens of one expression."""

    def __init__(self, source: str, kinds: Mapping[str, Kind], where: str) -> None:
        self.source, self.kinds, self.where = source, kinds, where
        self.names: set[str] = set()
        self.sizes: list[Size] = []
        self.depth = 0
        if not source.strip() or len(source) > MAX_LENGTH:
            raise self.wrong(f"is empty or longer than {MAX_LENGTH} characters")
        self.tokens = list(self._split())
        self.position = 0

    def wrong(self, what: str) -> InputError:
        shown = self.source if len(self.source) <= 80 else self.source[:80] + "…"
        return InputError("expression-form", f"{self.where}: {shown!r} {what}", where=self.where, expression=shown)

    def whole(self) -> Term:
        term = self._or()
        if self.position < len(self.tokens):
            raise self.wrong(f"has more than was expected at {self.tokens[self.position][1]!r}")
        return term

    def _split(self) -> Iterator[tuple[str, str]]:
        at, end = 0, len(self.source.rstrip())
        while at < end:
            match = _TOKEN.match(self.source, at)
            if match is None:
                raise self.wrong(f"cannot be read at character {at + 1}")
            at = match.end()
            group = str(match.lastgroup)
            yield ("word" if group == "name" and match[group] in RESERVED else group), match[group]

    def _peek(self) -> tuple[str, str]:
        return self.tokens[self.position] if self.position < len(self.tokens) else ("end", "")

    def _take(self, *texts: str) -> str | None:
        kind, text = self._peek()
        if kind in ("sign", "word") and text in texts:
            self.position += 1
            return text
        return None

    def _or(self) -> Term:
        return self._joined(self._and, "or")

    def _and(self) -> Term:
        return self._joined(self._not, "and")

    def _joined(self, part: Callable[[], Term], word: str) -> Term:
        left = part()
        while self._take(word):
            right = part()
            if left.kind is not BOOLEAN or right.kind is not BOOLEAN:
                raise self.wrong(f"joins by {word} what is not true or false")
            left = Term(BOOLEAN, f"({left.text} {word} {right.text})")
        return left

    def _not(self) -> Term:
        if not self._take("not"):
            return self._comparison()
        with self._deeper():
            term = self._not()
        if term.kind is not BOOLEAN:
            raise self.wrong("denies what is not true or false: put brackets around a comparison after not")
        return Term(BOOLEAN, f"(not ({term.text}))")

    def _comparison(self) -> Term:
        left = self._sum()
        sign = self._take(*_ORDER, *_EQUAL)
        if sign is None:
            return left
        right = self._sum()
        if left.kind is not right.kind:
            raise self.wrong(f"compares a {left.kind} with a {right.kind}")
        if sign in _ORDER and left.kind is not NUMBER:
            raise self.wrong(f"compares by {sign} what is no number")
        return Term(BOOLEAN, f"({left.text} {sign} {right.text})")

    def _sum(self) -> Term:
        left = self._product()
        while sign := self._take("+", "-"):
            left = self._calculated(left, sign, self._product())
        return left

    def _product(self) -> Term:
        left = self._primary()
        while self._take("*"):
            left = self._calculated(left, "*", self._primary())
        return left

    def _calculated(self, left: Term, sign: str, right: Term) -> Term:
        if left.kind is not NUMBER or right.kind is not NUMBER:
            raise self.wrong(f"calculates by {sign} with what is no number")
        size = _size_of(left, sign, right)
        self.sizes.append(size)
        return Term(NUMBER, f"({left.text} {sign} {right.text})", size)

    def _primary(self) -> Term:
        if self._take("("):
            with self._deeper():
                term = self._or()
            if not self._take(")"):
                raise self.wrong("lacks a closing bracket")
            return term
        if self._take("-"):
            return self._literal(negative=True)
        return self._literal(negative=False)

    def _literal(self, *, negative: bool) -> Term:
        kind, text = self._peek()
        self.position += 1
        if kind == "number":
            number = int(text[:17])
            if len(text) > 16 or number > MAX_EXACT_INT:
                raise self.wrong("holds a number larger than 2^53 - 1")
            return Term(NUMBER, f"(-{number})" if negative else str(number), lambda _: number)
        if negative:
            raise self.wrong("has a minus that stands before no number")
        if kind == "text":
            return Term(STRING, text)
        if kind == "word" and text in ("true", "false"):
            return Term(BOOLEAN, text)
        if kind == "name":
            return self._named(text)
        raise self.wrong("ends too early" if kind == "end" else f"has {text!r} where a value was expected")

    def _named(self, name: str) -> Term:
        if name not in self.kinds:
            known = ", ".join(sorted(self.kinds)) or "none"
            raise self.wrong(f"uses the name {name!r}, which is not declared; declared: {known}")
        self.names.add(name)
        kind = self.kinds[name]
        return Term(kind, name, (lambda values: abs(int(values[name]))) if kind is NUMBER else None)

    def _deeper(self) -> _Depth:
        return _Depth(self)


class _Depth:
    """Counts nesting, so that a long row of brackets cannot exhaust the stack."""

    def __init__(self, reader: _Reader) -> None:
        self.reader = reader

    def __enter__(self) -> None:
        self.reader.depth += 1
        if self.reader.depth > MAX_NESTING:
            raise self.reader.wrong(f"is nested deeper than {MAX_NESTING}")

    def __exit__(self, *_: object) -> None:
        self.reader.depth -= 1


def _size_of(left: Term, sign: str, right: Term) -> Size:
    """The largest size a calculation may have, from those of its parts."""
    first, second = left.size or _nothing, right.size or _nothing
    if sign == "*":
        return lambda values: first(values) * second(values)
    return lambda values: first(values) + second(values)


def _nothing(_: Mapping[str, Value]) -> int:
    return 0
