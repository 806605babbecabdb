"""What a command prints: one JSON document or text on stdout; progress and errors on stderr.

Rules
1. With ``--json``, stdout holds exactly one JSON document; an error is a problem object on stderr.
2. Without, an error is one line ``code: message`` on stderr, a table when rows are at fault, and one line ``→ what to do``.
3. Text of others (names, reasons) is shown without control characters: no terminal escape reaches the screen.
4. Columns are aligned by display width, so 中文 stands straight.
5. Epoch seconds under a name that says so (``_at``, ``valid_to``, ``deadline``…) are shown as a time of UTC+8; an end that falls
   on midnight belongs to the day before it: 24:00.

Example: ``output.table(("alias", "title"), [("GJJ-01", "住房公积金缴存信息")])``
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TextIO

from xinlian.cli.exit_codes import Exit, exit_of_error
from xinlian.protocol.errors import CATALOGUE, XinlianError

MAX_FAULTS_SHOWN = 50
_FAULT_COLUMNS = ("row", "field", "title", "what", "expected")
_UTC8_S: Final = 28_800
_DAY_S: Final = 86_400
_EPOCH_S: Final = range(1_000_000_000, 2**32)
"""Numbers that can be a moment: from 2001 on."""
_MOMENTS: Final = frozenset(
    {
        "at",
        "time",
        "since",
        "started",
        "expires",
        "deadline",
        "next_try",
        "until",
        "valid_from",
        "valid_to",
        "period_from",
        "period_to",
    }
)
_ENDS: Final = frozenset({"deadline", "expires_at", "retained_until", "until", "valid_to", "period_to"})


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as shown.

    Args:
        code: stable code.
        message: one sentence.
        exit_code: what the command ends with.
        retryable: the same command may succeed later.
        fields: further members of the problem document.
    """

    code: str
    message: str
    exit_code: Exit
    retryable: bool = False
    fields: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, error: XinlianError) -> Problem:
        """The problem of an error raised in this process."""
        return cls(error.code, error.message, exit_of_error(error), error.retryable, error.fields)


@dataclass(frozen=True, slots=True)
class Output:
    """Prints for one command.

    Args:
        as_json: ``--json`` was given.
    """

    as_json: bool

    def result(self, data: object, text: str | Callable[[], str]) -> None:
        """The command's result.

        Args:
            data: JSON types.
            text: the same for a person, or what makes it.
        """
        if self.as_json:
            print(json.dumps(data, ensure_ascii=False, indent=2), file=sys.stdout)
        else:
            shown = text if isinstance(text, str) else text()
            print(printable(shown), file=sys.stdout)

    def progress(self, text: str) -> None:
        """A line about what is going on (stderr; nothing with ``--json``)."""
        if not self.as_json:
            print(printable(text), file=sys.stderr)

    def problem(self, problem: Problem) -> None:
        """An error (stderr)."""
        if self.as_json:
            members = {name: value for name, value in problem.fields.items() if name not in ("code", "detail", "exit_code")}
            head = {"code": problem.code, "detail": problem.message, "retryable": problem.retryable}
            document = {**head, **members, "exit_code": int(problem.exit_code)}
            print(json.dumps(document, ensure_ascii=False, indent=2, default=str), file=sys.stderr)
            return
        print(printable(f"{problem.code}: {problem.message}"), file=sys.stderr)
        faults = problem.fields.get("faults")
        if isinstance(faults, Sequence) and not isinstance(faults, str) and faults:
            print(printable(_fault_table(faults, problem.fields.get("fault_count"))), file=sys.stderr)
        if problem.code in CATALOGUE:
            print(f"→ {CATALOGUE[problem.code].remedy}", file=sys.stderr)


def _fault_table(faults: Sequence[Any], count: object) -> str:
    rows = [fault for fault in faults if isinstance(fault, Mapping)]
    columns = [name for name in _FAULT_COLUMNS if any(name in row for row in rows)]
    shown = [[row.get(name, "") for name in columns] for row in rows[:MAX_FAULTS_SHOWN]]
    total = count if isinstance(count, int) else len(rows)
    more = f"\n… {total - len(shown)} more" if total > len(shown) else ""
    return table(columns, shown) + more


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table with a header line, columns aligned by display width.

    Args:
        columns: titles.
        rows: one value a column; None is shown as ``-``.

    Returns:
        Lines without trailing blanks, joined by line feeds.
    """
    named = [[shown(name, value) for name, value in zip(columns, row, strict=True)] for row in rows]
    cells = [list(columns), *([cell(value) for value in row] for row in named)]
    widths = [max(display_width(line[index]) for line in cells) for index in range(len(columns))]
    return "\n".join(
        "  ".join(text + " " * (width - display_width(text)) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )


def pairs(values: Mapping[str, object]) -> str:
    """Name and value per line, aligned."""
    width = max((display_width(name) for name in values), default=0)
    lines = ((f"{name}{' ' * (width - display_width(name))}", cell(shown(name, value))) for name, value in values.items())
    return "\n".join(f"{name}  {value}".rstrip() for name, value in lines)


def shown(name: str, value: object) -> object:
    """A value under its name: epoch seconds as a time of UTC+8, everything else as it is."""
    is_moment = name in _MOMENTS or name.endswith(("_at", "_until", "_time"))
    return moment(value, is_end=name in _ENDS) if is_moment and type(value) is int and value in _EPOCH_S else value


def moment(epoch_s: int, *, is_end: bool = False) -> str:
    """A time of UTC+8, ``2026-09-24 09:00:00``; of an end that falls on midnight the day before, at 24:00."""
    local_s = epoch_s + _UTC8_S
    if is_end and local_s % _DAY_S == 0:
        return f"{datetime.fromtimestamp(local_s, UTC) - timedelta(days=1):%Y-%m-%d} 24:00"
    return f"{datetime.fromtimestamp(local_s, UTC):%Y-%m-%d %H:%M:%S}"


def cell(value: object) -> str:
    """A value as one line of text."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, (list, tuple)) and all(isinstance(part, (str, int)) for part in value):
        return ", ".join(map(str, value))
    if isinstance(value, (Mapping, list, tuple)):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def display_width(text: str) -> int:
    """Columns that a text takes on a terminal: 2 for wide characters, 0 for combining ones.

    Source: Unicode UAX #11 (East Asian Width).
    """
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def printable(text: str) -> str:
    """The text with every control or format character but line feed replaced by U+FFFD.

    Format characters (bidirectional overrides, zero-width signs) go as well: they can make a value look like another.
    """
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "".join(c if c == "\n" or unicodedata.category(c) not in ("Cc", "Cf", "Cs") else "\ufffd" for c in text)


def use_utf8(*streams: TextIO) -> None:
    """Make the streams write UTF-8 whatever the locale says; unencodable characters are escaped."""
    for stream in streams:
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="backslashreplace")
