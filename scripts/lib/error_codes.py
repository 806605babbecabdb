"""Which error code is raised by which family: read from the source text, nothing is run.

Rules
1. A call counts when its function is a family of ``xinlian.protocol.errors`` and its first argument is a literal.
2. A helper counts like a family when it hands one of its own parameters on as the code, so ``_refuse("x", …)`` is found too.
3. A code is in use when its text stands anywhere in the source outside the catalogue, or fits a formatted code such as
   ``f"{what}-unknown"``, be it in a call or in a property ``code``.

Example: ``scan().raised["json-broken"] == {"InputError"}``
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path

from xinlian.protocol import errors

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "xinlian"
CATALOGUE_FILE = SOURCE / "protocol" / "errors.py"
FAMILIES = tuple(sorted(kind.__name__ for kind in errors.XinlianError.__subclasses__()))


@dataclass(frozen=True, slots=True)
class Raised:
    """What the source says about codes.

    Args:
        raised: code → names of the families that it is raised as.
        where: code → ``file:line`` of one such call.
        texts: every string literal in the source outside the catalogue.
        patterns: regular expressions of formatted codes.
    """

    raised: dict[str, set[str]] = field(default_factory=dict)
    where: dict[str, str] = field(default_factory=dict)
    texts: set[str] = field(default_factory=set)
    patterns: list[re.Pattern[str]] = field(default_factory=list)

    def uses(self, code: str) -> bool:
        """True when some line outside the catalogue can raise the code."""
        return code in self.texts or any(pattern.fullmatch(code) for pattern in self.patterns)


@dataclass(frozen=True, slots=True)
class _Helper:
    """A function that hands its parameter at ``position`` (or by ``name``) on as the code of ``family``."""

    family: str
    position: int
    name: str


def scan(source: Path = SOURCE) -> Raised:
    """Read every Python file under ``source``."""
    trees = {
        path: ast.parse(path.read_text("utf-8"), filename=str(path))
        for path in sorted(source.rglob("*.py"))
        if path != CATALOGUE_FILE
    }
    found = Raised()
    for path, tree in trees.items():
        helpers = _helpers(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.texts.add(node.value)
            elif isinstance(node, ast.Call):
                _read_call(node, helpers, found, path)
            elif isinstance(node, ast.FunctionDef) and node.name == "code":
                found.patterns.extend(_pattern(part) for part in ast.walk(node) if isinstance(part, ast.JoinedStr))
    return found


def _helpers(tree: ast.Module) -> dict[str, _Helper]:
    known: dict[str, _Helper] = {}
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    # a helper may call a helper: two rounds are enough for one that does
    for _ in range(2):
        for function in functions:
            names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
            for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
                handed_on = _code_argument(call, known)
                if handed_on is None:
                    continue
                family, argument = handed_on
                if isinstance(argument, ast.Name) and argument.id in names:
                    known[function.name] = _Helper(family, _position(names, argument.id), argument.id)
    return known


def _position(names: list[str], name: str) -> int:
    offset = 1 if names and names[0] in {"self", "cls"} else 0
    return names.index(name) - offset


def _called(node: ast.Call) -> str | None:
    if isinstance(node.func, ast.Name):
        return node.func.id
    return node.func.attr if isinstance(node.func, ast.Attribute) else None


def _code_argument(call: ast.Call, helpers: dict[str, _Helper]) -> tuple[str, ast.expr] | None:
    name = _called(call)
    if name in FAMILIES:
        helper = _Helper(str(name), 0, "code")
    elif name is not None and name in helpers:
        helper = helpers[name]
    else:
        return None
    for keyword in call.keywords:
        if keyword.arg == helper.name:
            return helper.family, keyword.value
    return (helper.family, call.args[helper.position]) if 0 <= helper.position < len(call.args) else None


def _read_call(call: ast.Call, helpers: dict[str, _Helper], found: Raised, path: Path) -> None:
    handed_on = _code_argument(call, helpers)
    if handed_on is None:
        return
    family, argument = handed_on
    for literal in _literals(argument):
        if isinstance(literal, ast.Constant) and isinstance(literal.value, str):
            found.raised.setdefault(literal.value, set()).add(family)
            found.where.setdefault(literal.value, f"{_shown(path)}:{call.lineno}")
        elif isinstance(literal, ast.JoinedStr):
            found.patterns.append(_pattern(literal))


def _shown(path: Path) -> Path:
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def _literals(argument: ast.expr) -> list[ast.expr]:
    """The argument itself, or both arms of a conditional expression."""
    if isinstance(argument, ast.IfExp):
        return [*_literals(argument.body), *_literals(argument.orelse)]
    return [argument]


def _pattern(text: ast.JoinedStr) -> re.Pattern[str]:
    parts = [re.escape(str(part.value)) if isinstance(part, ast.Constant) else "[a-z0-9-]+" for part in text.values]
    return re.compile("".join(parts))
